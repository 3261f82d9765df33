//! Products: what may be done to them, and their pages.

use crate::support::{PASSWORD, Portal};
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
    assert!(matches!(products::delete(db, &operator, "orders", 0).await, Err(Error::Conflict(_))));
    assert_eq!(portal.count("select count(*) from products").await, 2);
    assert_eq!(products::delete(db, &operator, "orders", 1).await.unwrap().1, 1);
    assert_eq!(products::delete(db, &operator, &empty.name, 0).await.unwrap().1, 0);
    for table in ["select count(*) from products", "select count(*) from product_groups", "select count(*) from subscriptions"] {
        assert_eq!(portal.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn the_list_is_searched_filtered_sorted_and_paged() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    admin.get("/publisher/products").await.is(200).shows("There is none yet.").shows("Add product");
    for name in ["Orders", "Ärger", "Billing"] {
        add_product(&portal, name).await;
    }
    for group in ["Beta", "Contoso", "Fabrikam", "Northwind"] {
        portal.add_group(group).await;
    }
    change(&portal, "orders", &[("beta", true), ("contoso", true), ("fabrikam", true), ("northwind", true)]).await.unwrap();
    products::publish(portal.db(), &auth::operator(), "billing").await.unwrap();
    let api = add_api(&portal, "orders-v1", "Orders v1").await;
    products::add_apis(portal.db(), &auth::operator(), "orders", &[api]).await.unwrap();

    let order = |text: &str| {
        let mut places: Vec<(usize, &str)> = ["Orders", "Ärger", "Billing"]
            .into_iter()
            .filter_map(|name| text.find(&format!("<bdi>{name}</bdi></a>")).map(|at| (at, name)))
            .collect();
        places.sort();
        places.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("", &["Billing", "Orders", "Ärger"][..]),
        ("?sort=-name", &["Ärger", "Orders", "Billing"]),
        ("?sort=state", &["Billing", "Orders", "Ärger"]),
        ("?sort=-apis", &["Orders", "Billing", "Ärger"]),
        ("?sort=groups", &["Billing", "Ärger", "Orders"]),
        ("?sort=subscriptions", &["Billing", "Orders", "Ärger"]),
        ("?q=%C3%84RG", &["Ärger"]),
        ("?q=%25", &[]),
        ("?state=published", &["Billing"]),
        ("?state=notPublished&q=e", &["Orders", "Ärger"]),
        ("?page=2", &[]),
    ] {
        let page = admin.get(&format!("/publisher/products{query}")).await;
        assert_eq!(order(&page.is(200).text), expected, "{query}");
    }
    let page = admin.get("/publisher/products").await;
    page.shows("Contoso").shows("Fabrikam").hides("Northwind").shows("+1").shows("Administrators alone").shows("class=\"count\">3</span>");
    for sort in products::store::Sort::ALL {
        products::store::list(&mut portal.db().read().await.unwrap(), "x", Some(true), sort, 10, 0).await.unwrap();
    }
}

#[tokio::test]
async fn a_product_is_added_and_its_settings_are_changed() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    admin.get("/publisher/new/product").await.is(200).shows("name=\"subscription_required\" value=\"on\" checked").shows("value=\"1\"");
    let page = admin
        .post_and_follow(
            "/publisher/new/product",
            &[("display_name", "Orders"), ("description", "All **orders**"), ("subscription_required", "on"), ("subscriptions_limit", "1")],
        )
        .await;
    page.shows("Added the product Orders.").shows("Not published").shows("All <strong>orders</strong>").shows("Administrators alone");
    admin.get("/products/orders").await.is(404);

    let settings = "/publisher/products/orders/settings";
    let typed = [("version", "1"), ("display_name", "Orders 2"), ("terms", "Be\r\nkind"), ("approval_required", "on")];
    admin.post_and_follow(settings, &typed).await.shows("Saved.").shows("Orders 2").shows("Be\nkind");
    let mut connection = portal.db().read().await.unwrap();
    let product = products::get(&mut connection, "orders").await.unwrap();
    drop(connection);
    assert_eq!((product.subscription_required, product.approval_required, product.subscriptions_limit), (false, true, None));
    let mut again = typed;
    again[0].1 = "2";
    admin.post_and_follow(settings, &again).await.shows("Nothing was different");
    admin.post(settings, &typed[1..]).await.is(400);
    admin.post("/publisher/products/none/settings", &typed).await.is(404);
}

#[tokio::test]
async fn bad_fields_get_messages_and_lose_nothing() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    add_product(&portal, "Straße").await;
    add_product(&portal, "Orders").await;
    let long = "x".repeat(1001);
    let terms = "y".repeat(20_001);
    for (field, value, message) in [
        ("display_name", "", "The name is missing."),
        ("display_name", " STRASSE", "There is a product with this name already."),
        ("display_name", &long, "The name may have 300 characters; this has 1001."),
        ("description", &long, "The description may have 1000 characters; this has 1001."),
        ("terms", &terms, "The terms of use may have 20000 characters; this has 20001."),
        ("subscriptions_limit", "0", "whole number from 1 to 1,000,000"),
        ("subscriptions_limit", "1.5", "whole number from 1 to 1,000,000"),
        ("subscriptions_limit", "many", "whole number from 1 to 1,000,000"),
        ("subscriptions_limit", "1000001", "whole number from 1 to 1,000,000"),
    ] {
        let mut typed = vec![("version", "1"), ("approval_required", "on")];
        typed.extend(
            [("display_name", "Kept"), ("description", "kept as typed"), ("terms", "these too")].into_iter().filter(|(f, _)| *f != field),
        );
        typed.push((field, value));
        for path in ["/publisher/new/product", "/publisher/products/orders/settings"] {
            let reply = admin.post(path, &typed).await;
            reply.is(422).shows(message).shows("aria-invalid").shows("name=\"approval_required\" value=\"on\" checked").shows(value);
            reply.hides("name=\"subscription_required\" value=\"on\" checked").shows(if field == "description" {
                "Kept"
            } else {
                "kept as typed"
            });
        }
    }
    assert_eq!(portal.count("select count(*) from products where version = 1").await, 2);
}

#[tokio::test]
async fn settings_older_than_the_product_are_shown_both_and_asked() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    add_product(&portal, "Orders").await;
    let path = "/publisher/products/orders/settings";
    admin.post(path, &[("version", "1"), ("display_name", "Orders"), ("terms", "Their terms")]).await.is(303);
    let asked = admin.post(path, &[("version", "1"), ("display_name", "My name"), ("subscriptions_limit", "5")]).await;
    asked.is(409).shows("Somebody else saved this product meanwhile").shows("Their terms").shows("value=\"My name\"").shows("value=\"5\"");
    asked.shows("name=\"version\" value=\"2\"");
    admin.post(path, &[("version", "2"), ("display_name", "My name"), ("subscriptions_limit", "5")]).await.is(303);
    admin.get(path).await.shows("My name").hides("Their terms");
}

#[tokio::test]
async fn publishing_asks_first_and_says_who_will_see_it() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    add_product(&portal, "Orders").await;
    let path = "/publisher/products/orders";
    admin.get(path).await.shows("Publish…").hides("Unpublish</button>").hides("Open in developer portal");
    let asked = admin.get(&format!("{path}/publish")).await;
    asked.is(200).shows("Yes, publish it").shows("no developer will see it").shows("1 member").shows("There is no API in it.");
    portal.add_group("Contoso partners").await;
    change(&portal, "orders", &[("contoso-partners", true), ("guests", true)]).await.unwrap();
    admin.get(&format!("{path}/publish")).await.shows("Contoso partners").shows("Guests").hides("no developer will see it");
    admin.post_and_follow(&format!("{path}/publish"), &[]).await.shows("Published: Orders.").shows("Open in developer portal");
    admin.post_and_follow(&format!("{path}/publish"), &[]).await.shows("already published");
    admin.get(&format!("{path}/publish")).await.is(303);
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "product.published").count(), 1);
}

#[tokio::test]
async fn unpublishing_keeps_subscriptions() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.developer("dev@portal.example").await;
    let product = add_product(&portal, "Orders").await;
    products::publish(portal.db(), &auth::operator(), "orders").await.unwrap();
    subscribe(&portal, &product, "dev@portal.example", "production", "active").await;
    let path = "/publisher/products/orders";
    admin.get(path).await.shows("their keys stay valid");
    products::set_visibility(portal.db(), &auth::operator(), "orders", &[VisibilityChange::new("developers", true)]).await.unwrap();
    let asked = admin.get(&format!("{path}/unpublish")).await;
    asked
        .is(200)
        .shows("Unpublish “Orders”?")
        .shows("Its listing for Developers (2 members)")
        .shows("1 live subscription, and its keys stay valid");
    assert!(!portal.audited().await.contains(&"product.unpublished".to_owned()));
    admin.post_and_follow(&format!("{path}/unpublish"), &[]).await.shows("Unpublished Orders").shows("stay valid").shows("Not published");
    admin.post_and_follow(&format!("{path}/unpublish"), &[]).await.shows("was not published, so nothing was changed");
    admin.get(&format!("{path}/unpublish")).await.is(303);
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'active'").await, 1);
}

#[tokio::test]
async fn deleting_asks_and_lists_the_subscriptions() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    let product = add_product(&portal, "Orders").await;
    add_product(&portal, "Empty").await;
    subscribe(&portal, &product, "ana@contoso.example", "Production", "active").await;
    subscribe(&portal, &product, "ana@contoso.example", "Old", "cancelled").await;
    let path = "/publisher/products/orders/delete";
    admin.get(path).await.is(200).shows("Ana Alves").shows("Production").shows("2 subscriptions; 1 is live").shows("with_subscriptions");
    admin.post(path, &[]).await.is(409).shows("tick that this is meant").shows("Ana Alves");
    assert_eq!(portal.count("select count(*) from products").await, 2);
    // Somebody subscribed after the page was shown: nothing is deleted that was not listed.
    let bare = [("with_subscriptions", "on"), ("subscriptions", "2")];
    admin.post(path, &bare).await.is(422).shows("Type your own password").shows("value=\"on\" checked");
    let stale = [("with_subscriptions", "on"), ("subscriptions", "1"), ("password", PASSWORD)];
    admin.post(path, &stale).await.is(409).shows("there are 2 subscriptions now").shows("name=\"subscriptions\" value=\"2\"");
    assert_eq!(portal.count("select count(*) from subscriptions").await, 2);
    let accepted = [("with_subscriptions", "on"), ("subscriptions", "2")];
    admin.post_and_follow(path, &accepted).await.shows("Deleted the product Orders and 2 subscriptions.");
    admin.get("/publisher/products/orders").await.is(404);
    let path = "/publisher/products/empty/delete";
    admin.get(path).await.hides("with_subscriptions");
    admin.post_and_follow(path, &[]).await.shows("Deleted the product Empty.");
}

#[tokio::test]
async fn apis_are_found_added_removed_and_brought_back() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    add_product(&portal, "Orders").await;
    let path = "/publisher/products/orders";
    admin.get(path).await.shows("There is no API yet.");
    for number in 0..25 {
        add_api(&portal, &format!("api-{number:02}"), &format!("API {number:02}")).await;
    }
    admin.get(path).await.shows("API 19").hides("API 20").shows("The first 20 of 25.");
    admin.get(&format!("{path}?find=API+2")).await.shows("API 24").hides("API 19").hides("The first 20");
    admin.get(&format!("{path}?find=none")).await.shows("No API that matches");
    let added = [("find", "API 2"), ("api", "api-20"), ("api", "api-21"), ("api", "gone")];
    let page = admin.post_and_follow(&format!("{path}/add-apis"), &added).await;
    page.shows("Added 2 APIs to Orders.").shows("value=\"API 2\"").shows("Undo");
    admin.post_and_follow(&format!("{path}/add-apis"), &added[..3]).await.shows("Added 0 APIs to Orders (2 were in it already).");
    admin.post_and_follow(&format!("{path}/add-apis"), &[]).await.shows("No API was ticked");
    admin.post_and_follow(&format!("{path}/remove-apis"), &[]).await.shows("No API was ticked");
    admin.post_and_follow(&format!("{path}/remove-apis"), &[("api", "api-20")]).await.shows("Removed API 20 from Orders.");
    assert_eq!(portal.count("select count(*) from product_apis").await, 1);

    let mut connection = portal.db().read().await.unwrap();
    let entry: Option<(String,)> =
        Select::new(&connection, "select name from audit where action = 'product.apis_removed'").optional(&mut connection).await.unwrap();
    drop(connection);
    let (entry, operator) = (entry.unwrap().0, auth::operator());
    let undone = products::undo(portal.db(), &operator, &entry).await.unwrap();
    assert!(matches!(&undone, Some(products::Undone::Apis(false, outcome)) if outcome.changed.len() == 1));
    assert!(matches!(products::undo(portal.db(), &operator, &entry).await, Err(Error::Conflict(_))));
    assert_eq!(portal.count("select count(*) from product_apis").await, 2);
}

#[tokio::test]
async fn the_visibility_tab_has_a_box_for_every_group_and_locks_one() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    add_product(&portal, "Orders").await;
    portal.add_group("Beta").await;
    let path = "/publisher/products/orders/visibility";
    let page = admin.get(path).await;
    page.is(200).shows("Always: administrators see every product.").shows("checked disabled").shows("1 member").shows("Manage groups");
    for group in ["developers", "guests", "beta"] {
        page.shows(&format!("name=\"group\" value=\"{group}\"")).shows(&format!("name=\"listed\" value=\"{group}\""));
    }
    page.hides("name=\"group\" value=\"administrators\"");
    admin.post(path, &[("listed", "administrators"), ("shown", "administrators")]).await.is(409);
    admin.post_and_follow(path, &[("listed", "beta"), ("listed", "guests")]).await.shows("Nothing was changed.");
    assert_eq!(portal.count("select count(*) from product_groups").await, 1);
    let page = admin.post_and_follow(path, &[("listed", "beta"), ("listed", "guests"), ("group", "guests"), ("group", "unlisted")]).await;
    page.shows("Opened to Guests.").shows("Open to Guests alone").shows("name=\"shown\" value=\"guests\"").shows("Undo");
    let page = admin.post_and_follow(path, &[("listed", "beta"), ("listed", "guests"), ("shown", "guests"), ("group", "beta")]).await;
    page.shows("Opened to Beta. Closed to Guests.").hides("Open to Guests alone");
    portico::groups::delete(portal.db(), &auth::operator(), "beta").await.unwrap();
    let page = admin.post_and_follow(path, &[("listed", "beta"), ("shown", "beta")]).await;
    page.shows("Nothing was changed. One of the groups was deleted meanwhile.");
}

#[tokio::test]
async fn two_administrators_who_change_different_boxes_both_win() {
    let portal = Portal::start().await;
    let first = portal.administrator().await;
    let second = portal.administrator_named("second@portal.example", "Second", "Admin").await;
    add_product(&portal, "Orders").await;
    for group in ["Beta", "Contoso", "Fabrikam"] {
        portal.add_group(group).await;
    }
    change(&portal, "orders", &[("fabrikam", true)]).await.unwrap();
    let path = "/publisher/products/orders/visibility";
    // Both forms were shown with Fabrikam ticked alone.
    let form = |ticked: &[&'static str]| {
        let mut fields = vec![("shown", "fabrikam")];
        fields.extend(["developers", "guests", "beta", "contoso", "fabrikam"].map(|group| ("listed", group)));
        fields.extend(ticked.iter().map(|group| ("group", *group)));
        fields
    };
    first.post_and_follow(path, &form(&["beta"])).await.shows("Opened to Beta. Closed to Fabrikam.");
    second.post_and_follow(path, &form(&["contoso", "fabrikam"])).await.shows("Opened to Contoso.");
    let mut connection = portal.db().read().await.unwrap();
    let product = products::get(&mut connection, "orders").await.unwrap();
    let open = products::store::open_groups(&mut connection, product.id).await.unwrap();
    assert_eq!(open, ["administrators", "beta", "contoso"]);
}

#[tokio::test]
async fn filtering_groups_without_script_loses_no_box() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    add_product(&portal, "Orders").await;
    for group in ["Beta & Söhne", "Contoso", "Fabrikam"] {
        portal.add_group(group).await;
    }
    change(&portal, "orders", &[("fabrikam", true)]).await.unwrap();
    let path = "/publisher/products/orders/visibility";
    let mut form = vec![("q", "contoso"), ("filter", "on"), ("shown", "fabrikam"), ("group", "beta-sohne")];
    form.extend(["developers", "guests", "beta-sohne", "contoso", "fabrikam"].map(|group| ("listed", group)));
    let page = admin.post_and_follow(path, &form).await;
    assert_eq!(portal.count("select count(*) from product_groups").await, 2, "nothing was saved");
    page.shows("value=\"contoso\"").hides("value=\"developers\"").shows("Changed, not saved yet").shows("Show all groups");
    page.shows("name=\"group\" value=\"beta-sohne\" checked").shows("name=\"group\" value=\"fabrikam\"><span>");
    let mut form = vec![("q", "contoso"), ("shown", "fabrikam"), ("group", "beta-sohne"), ("group", "contoso")];
    form.extend(["beta-sohne", "contoso", "fabrikam"].map(|group| ("listed", group)));
    admin.post_and_follow(path, &form).await.shows("Opened to Beta &#38; Söhne and Contoso. Closed to Fabrikam.");
}

#[tokio::test]
async fn subscribers_are_listed_and_marked_when_they_lost_sight() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    portal.add_user("bo@contoso.example", "Bo", "Berg", portico::users::UserState::Active, false).await;
    let product = add_product(&portal, "Orders").await;
    let path = "/publisher/products/orders/subscribers";
    admin.get(path).await.is(200).shows("Nobody has subscribed");
    subscribe(&portal, &product, "ana@contoso.example", "Production", "active").await;
    subscribe(&portal, &product, "bo@contoso.example", "Trial", "cancelled").await;
    let page = admin.get(path).await;
    page.shows("Ana Alves").shows("Production").shows("Hidden from owner</span>").shows("Cancelled").shows("2 Mar 2026");
    admin.get(&format!("{path}?q=ANA@")).await.shows("Production").hides("Bo Berg");
    admin.get(&format!("{path}?state=cancelled")).await.shows("Trial").hides("Production").hides("Hidden from owner</span>");
    admin.get(&format!("{path}?q=nobody")).await.shows("No subscriber matches.");
    for sort in ["user", "-user", "state", "-state", "since", "-since"] {
        admin.get(&format!("{path}?sort={sort}")).await.is(200).shows("Ana Alves");
    }
    products::publish(portal.db(), &auth::operator(), "orders").await.unwrap();
    change(&portal, "orders", &[("developers", true)]).await.unwrap();
    admin.get(path).await.hides("Hidden from owner</span>");
}

#[tokio::test]
async fn a_change_of_visibility_or_apis_is_undone_by_its_button_once() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    add_product(&portal, "Orders").await;
    portal.add_group("Beta").await;
    add_api(&portal, "orders-v1", "Orders v1").await;
    let button = |page: &str| {
        let at = page.find("/publisher/undo/").expect("a button");
        page[at..].split('"').next().unwrap().to_owned()
    };
    let path = "/publisher/products/orders/visibility";
    let page = admin.post_and_follow(path, &[("listed", "guests"), ("listed", "beta"), ("group", "beta")]).await;
    let undo = button(&page.text);
    // Somebody opens another box meanwhile: it stays.
    change(&portal, "orders", &[("guests", true)]).await.unwrap();
    admin.post_and_follow(&undo, &[]).await.shows("Undone. Closed to Beta.").shows("name=\"shown\" value=\"guests\"");
    admin.post(&undo, &[]).await.is(409).shows("This was undone already.");

    let page = admin.post_and_follow("/publisher/products/orders/add-apis", &[("api", "orders-v1")]).await;
    admin.post_and_follow(&button(&page.text), &[]).await.shows("Undone. Removed Orders v1 from Orders.");
    assert_eq!(portal.count("select count(*) from product_apis").await, 0);
}

/// Display names in the order in which a page links to them.
fn in_order<'n>(page: &str, names: &[&'n str]) -> Vec<&'n str> {
    let mut places: Vec<(usize, &str)> =
        names.iter().filter_map(|name| Some((page.find(&format!("<bdi>{name}</bdi></a>"))?, *name))).collect();
    places.sort_unstable();
    places.into_iter().map(|(_, name)| name).collect()
}

#[tokio::test]
async fn products_are_arranged_and_the_developer_portal_follows() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let names = ["Alpha", "Beta", "Gamma", "Delta"];
    for name in names {
        let product = add_product(&portal, name).await;
        products::publish(portal.db(), &auth::operator(), &product.name).await.unwrap();
        change(&portal, &product.name, &[("guests", true)]).await.unwrap();
    }
    let path = "/publisher/order/products";
    admin.get("/publisher/products").await.shows(&format!("href=\"{path}\""));
    assert_eq!(in_order(&admin.get(path).await.is(200).text, &names), ["Alpha", "Beta", "Delta", "Gamma"]);
    let lines = |version: &'static str, places: [&'static str; 4]| {
        let mut form = vec![("version", version)];
        for (number, name) in ["alpha", "beta", "delta", "gamma"].into_iter().enumerate() {
            form.extend([("product", name), ("shown", ["1", "2", "3", "4"][number]), ("place", places[number])]);
        }
        form
    };
    // A number, and a step with another number: both are done.
    admin.post_and_follow(path, &lines("1", ["1", "2", "3", " 1 "])).await.shows("Gamma is number 1 now.");
    for page in ["/products", "/"] {
        assert_eq!(in_order(&portal.guest().get(page).await.text, &names), ["Gamma", "Alpha", "Beta", "Delta"], "{page}");
    }
    let reply = admin.post(path, &[("version", "2"), ("up", "delta"), ("page", "1"), ("size", "25")]).await;
    assert_eq!(reply.is(303).location(), format!("{path}?size=25#place-delta"));
    assert_eq!(in_order(&portal.guest().get("/products").await.text, &names), ["Gamma", "Alpha", "Delta", "Beta"]);
    assert_eq!(in_order(&admin.get("/publisher/products").await.text, &names), ["Alpha", "Beta", "Delta", "Gamma"], "by name, as ever");
    assert_eq!(in_order(&admin.get(&format!("{path}?q=ta")).await.text, &names), ["Delta", "Beta"]);
    // What is new stands with those that were never moved, by name.
    let product = add_product(&portal, "Aaa").await;
    assert_eq!(in_order(&admin.get(path).await.text, &["Aaa", "Beta", "Delta"]), ["Delta", "Aaa", "Beta"]);
    products::edit(
        portal.db(),
        &auth::operator(),
        &product.name,
        product.version,
        &NewProduct { display_name: "Zzz".to_owned(), ..NewProduct::default() },
    )
    .await
    .unwrap();
    assert_eq!(in_order(&admin.get(path).await.text, &["Zzz", "Beta"]), ["Beta", "Zzz"]);
    // Down at the end, and what was done already, change nothing.
    admin.post_and_follow(path, &[("version", "3"), ("down", "aaa")]).await.shows("nothing was changed");
    admin.post_and_follow(path, &[("version", "3"), ("up", "none")]).await.shows("nothing was changed");
    admin.post(path, &lines("3", ["1", "x", "0", "4"])).await.is(422).shows("A place is a whole number").shows("value=\"x\"");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "portal.products_arranged").count(), 2);
    admin.get("/publisher/audit").await.shows("Changed the order of products in");
}

#[tokio::test]
async fn two_who_arrange_at_once_are_told_and_lose_nothing() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for name in ["Alpha", "Beta", "Gamma"] {
        add_product(&portal, name).await;
    }
    let path = "/publisher/order/products";
    let mine = [("version", "1"), ("product", "gamma"), ("shown", "3"), ("place", "2")];
    admin.post(path, &[("version", "1"), ("up", "beta")]).await.is(303);
    let asked = admin.post(path, &mine).await;
    asked.is(409).shows("Somebody else changed the order meanwhile").shows("name=\"version\" value=\"2\"").shows("=\"dirty\"");
    asked.shows("value=\"2\" aria-label=\"Place of Gamma\"");
    assert_eq!(in_order(&asked.text, &["Alpha", "Beta", "Gamma"]), ["Beta", "Alpha", "Gamma"]);
    admin.post(path, &[("version", "2"), mine[1], mine[2], mine[3]]).await.is(303);
    assert_eq!(in_order(&admin.get(path).await.text, &["Alpha", "Beta", "Gamma"]), ["Beta", "Gamma", "Alpha"]);
    // In the same instant: one is told.
    let (one, two) = (auth::operator(), auth::operator());
    let (up, down) = ([("alpha".to_owned(), products::Place::Up)], [("beta".to_owned(), products::Place::Down)]);
    let (first, second) = tokio::join!(products::arrange(portal.db(), &one, 3, &up), products::arrange(portal.db(), &two, 3, &down));
    assert_eq!([&first, &second].iter().filter(|outcome| matches!(outcome, Err(Error::Stale))).count(), 1, "{first:?} {second:?}");
}

#[tokio::test]
async fn markdown_is_previewed_before_it_is_saved() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    add_product(&portal, "Orders").await;
    let typed = [
        ("version", "1"),
        ("display_name", "Typed"),
        ("description", "Some *words* <script>alert(1)</script>"),
        ("terms", "Be **kind**"),
        ("approval_required", "on"),
        ("preview", "1"),
    ];
    for path in ["/publisher/new/product", "/publisher/products/orders/settings"] {
        let page = admin.post(path, &typed).await;
        page.is(200).shows("id=\"preview\"").shows("<em>words</em>").shows("<strong>kind</strong>").hides("<script>alert");
        page.shows("value=\"Typed\"").shows("Some *words*").shows("name=\"approval_required\" value=\"on\" checked").shows("\"dirty\"");
    }
    assert_eq!(portal.count("select count(*) from products where display_name = 'Orders' and version = 1").await, 1);
    assert_eq!(portal.count("select count(*) from products").await, 1);
}

#[tokio::test]
async fn the_page_that_deletes_a_product_lists_all_its_subscriptions() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let product = add_product(&portal, "Orders").await;
    for number in 0..27 {
        let email = format!("dev{number:02}@portal.example");
        portal.add_user(&email, "Dev", &format!("Number{number:02}"), portico::users::UserState::Active, false).await;
        subscribe(&portal, &product, &email, &format!("Key {number}"), "active").await;
    }
    let path = "/publisher/products/orders/delete?size=25";
    admin.get(path).await.shows("27 subscriptions; 27 are live").shows("1–25 of 27").shows("Number24").hides("Number25");
    let second = admin.get(&format!("{path}&page=2")).await;
    second.shows("Number26").hides("Number24").shows("name=\"subscriptions\" value=\"27\"");
}
