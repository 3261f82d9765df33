//! Products: what may be done to them, and their pages.

use crate::support::Portal;
use portico::{
    auth,
    db::{Instant, Select, Value},
    error::Error,
    ids::ApiId,
    products::{self, NewProduct, Product, VisibilityChange},
};

/// A product as the form would add it.
async fn add_product(portal: &Portal, display_name: &str) -> Product {
    let new = NewProduct { display_name: display_name.to_owned(), ..NewProduct::default() };
    products::create(portal.db(), &auth::operator(), &new).await.expect("a product")
}

/// An API without a description; its key.
async fn add_api(portal: &Portal, name: &str, display_name: &str) -> ApiId {
    let mut tx = portal.db().write().await.unwrap();
    let now = tx.now();
    let mut statement = Select::new(
        &tx,
        "insert into apis (name, name_folded, display_name, display_name_folded, search_folded, suffix, suffix_folded, created_at, updated_at) values (",
    );
    let folded = portico::ids::fold(display_name);
    for value in [name, name, display_name, &folded, &folded, name, name] {
        statement.bind(value).sql(",");
    }
    statement.bind(now).sql(",").bind(now).sql(") returning id");
    let key: Option<(ApiId,)> = statement.optional(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    key.unwrap().0
}

/// A subscription of a user (by email) to a product; no key of it opens anything.
async fn subscribe(portal: &Portal, product: &Product, email: &str, name: &str, state: &str) {
    let mut tx = portal.db().write().await.unwrap();
    let now: Instant = tx.now();
    let mut statement = Select::with(
        &tx,
        vec![Value::Int(product.id.0), name.into(), state.into(), now.into(), email.into()],
        "insert into subscriptions (name, name_folded, product_id, owner_id, display_name, state, primary_key, primary_mac, secondary_key,
                                    secondary_mac, created_at, started_at)
         select $2, $2, p.id, u.id, $2, $3,",
    );
    match portal.db().engine() {
        portico::db::Engine::Sqlite => statement.sql("x'00', randomblob(8), x'00', randomblob(8),"),
        portico::db::Engine::Postgres => {
            statement.sql("'\\x00'::bytea, gen_random_uuid()::text::bytea, '\\x00'::bytea, gen_random_uuid()::text::bytea,")
        }
    };
    statement.sql("$4, $4 from users u, products p where u.email_folded = $5 and p.id = $1");
    assert_eq!(statement.execute(&mut tx).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

async fn change(portal: &Portal, product: &str, changes: &[(&str, bool)]) -> Result<products::VisibilityOutcome, Error> {
    let changes: Vec<VisibilityChange> = changes.iter().map(|(group, open)| VisibilityChange::new(*group, *open)).collect();
    products::set_visibility(portal.db(), &auth::operator(), product, &changes).await
}

#[tokio::test]
async fn a_new_product_is_hidden_and_open_to_administrators_alone() {
    let portal = Portal::start().await;
    let product = add_product(&portal, " Orders ").await;
    assert_eq!((product.name.as_str(), product.display_name.as_str(), product.published), ("orders", "Orders", false));
    assert_eq!(product.subscriptions_limit, Some(1));
    assert_eq!(portal.count("select count(*) from product_groups where group_id = 1").await, 1);
    assert_eq!(portal.count("select count(*) from product_groups").await, 1);
    let again = NewProduct { display_name: "ORDERS".to_owned(), ..NewProduct::default() };
    let refused = products::create(portal.db(), &auth::operator(), &again).await;
    assert!(matches!(refused, Err(Error::Invalid(problems)) if !problems.on("display_name").is_empty()));
}

#[tokio::test]
async fn publishing_twice_changes_once() {
    let portal = Portal::start().await;
    add_product(&portal, "Orders").await;
    let (db, operator) = (portal.db(), auth::operator());
    assert!(products::publish(db, &operator, "orders").await.unwrap().1);
    assert!(!products::publish(db, &operator, "orders").await.unwrap().1);
    assert!(products::unpublish(db, &operator, "Orders").await.unwrap().1);
    assert!(!products::unpublish(db, &operator, "orders").await.unwrap().1);
    assert_eq!(portal.audited().await, ["product.created", "product.published", "product.unpublished"]);
}

#[tokio::test]
async fn visibility_changes_what_was_changed_and_nothing_else() {
    let portal = Portal::start().await;
    add_product(&portal, "Orders").await;
    for group in ["Contoso partners", "Beta"] {
        portal.add_group(group).await;
    }
    let outcome = change(&portal, "orders", &[("contoso-partners", true), ("beta", false), ("gone", true)]).await.unwrap();
    assert_eq!(outcome.opened.iter().map(|group| group.display_name.as_str()).collect::<Vec<_>>(), ["Contoso partners"]);
    assert_eq!((outcome.closed.len(), outcome.missing, outcome.guests_alone), (0, 1, false));
    let outcome = change(&portal, "orders", &[("contoso-partners", true), ("administrators", true)]).await.unwrap();
    assert!(outcome.opened.is_empty() && outcome.entry.is_none());
    assert!(matches!(change(&portal, "orders", &[("beta", true), ("administrators", false)]).await, Err(Error::Conflict(_))));
    assert_eq!(portal.count("select count(*) from product_groups").await, 2, "all or nothing");
    let outcome = change(&portal, "orders", &[("contoso-partners", false), ("guests", true)]).await.unwrap();
    assert!(outcome.guests_alone);
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "product.visibility_changed").count(), 2);

    change(&portal, "orders", &[("beta", true)]).await.unwrap();
    portico::groups::delete(portal.db(), &auth::operator(), "beta").await.unwrap();
    assert_eq!(portal.count("select count(*) from product_groups").await, 2, "a group takes its visibility with it");
}

#[tokio::test]
async fn apis_go_in_and_out_of_a_product() {
    let portal = Portal::start().await;
    add_product(&portal, "Orders").await;
    let (first, second) = (add_api(&portal, "orders-v1", "Orders v1").await, add_api(&portal, "orders-v2", "Orders v2").await);
    let (db, operator) = (portal.db(), auth::operator());
    let outcome = products::add_apis(db, &operator, "orders", &[first]).await.unwrap();
    assert_eq!((outcome.changed.len(), outcome.unchanged), (1, 0));
    let outcome = products::add_apis(db, &operator, "orders", &[first, second, ApiId(999)]).await.unwrap();
    assert_eq!((outcome.changed[0].display_name.as_str(), outcome.changed.len(), outcome.unchanged), ("Orders v2", 1, 1));
    let outcome = products::remove_apis(db, &operator, "orders", &[first]).await.unwrap();
    assert_eq!(outcome.changed.len(), 1);
    let outcome = products::remove_apis(db, &operator, "orders", &[first]).await.unwrap();
    assert_eq!((outcome.changed.len(), outcome.unchanged, outcome.entry), (0, 1, None));

    let mut tx = db.write().await.unwrap();
    assert_eq!(products::forget_api(&mut tx, second).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(portal.count("select count(*) from product_apis").await, 0);
}

#[tokio::test]
async fn a_product_with_subscriptions_is_deleted_only_when_that_is_said() {
    let portal = Portal::start().await;
    portal.developer("dev@portal.example").await;
    let (orders, empty) = (add_product(&portal, "Orders").await, add_product(&portal, "Empty").await);
    subscribe(&portal, &orders, "dev@portal.example", "production", "active").await;
    let (db, operator) = (portal.db(), auth::operator());
    assert!(matches!(products::delete(db, &operator, "orders", false).await, Err(Error::Conflict(_))));
    assert_eq!(portal.count("select count(*) from products").await, 2);
    assert_eq!(products::delete(db, &operator, "orders", true).await.unwrap().1, 1);
    assert_eq!(products::delete(db, &operator, &empty.name, false).await.unwrap().1, 0);
    for table in ["select count(*) from products", "select count(*) from product_groups", "select count(*) from subscriptions"] {
        assert_eq!(portal.count(table).await, 0, "{table}");
    }
}
