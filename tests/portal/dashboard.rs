//! The dashboard's counts, hints and latest changes, and the settings page without secrets.

use crate::support::Portal;
use portico::users::UserState;
use time::Duration;

#[tokio::test]
async fn the_dashboard_counts_and_leads_to_the_lists() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for (number, state) in [UserState::Active, UserState::Active, UserState::Pending, UserState::Blocked].into_iter().enumerate() {
        portal.add_user(&format!("u{number}@x.example"), "Ana", "Alves", state, false).await;
    }
    portal.pass(Duration::minutes(5));
    portal.add_group("Beta").await;
    let page = admin.get("/publisher").await;
    page.is(200).shows("<b>3</b>Active users<small>1 pending, 1 blocked</small>").shows("<b>4</b>Groups<small>1 custom</small>");
    page.shows("href=\"/publisher/users?state=active\"")
        .shows("Waiting for approval")
        .hides("pending user")
        .shows("added group")
        .shows("just now")
        .shows("5 minutes ago");
    page.shows("href=\"/publisher/groups/beta\"");
}

#[tokio::test]
async fn first_steps_are_shown_until_they_are_done() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let page = admin.get("/publisher").await;
    page.shows("Next steps").shows("href=\"/publisher/import/api\"").shows("Nothing waits for approval.").shows("Add a developer");
    portal.add_user("ana@x.example", "Ana", "Alves", UserState::Active, false).await;
    admin.get("/publisher").await.shows("Add a developer, or open a product to Guests <span class=\"hide\">(done)</span>");
    let mut tx = portal.db().write().await.unwrap();
    for statement in [
        "insert into apis (name, name_folded, display_name, display_name_folded, search_folded, suffix, suffix_folded, created_at, updated_at) values ('a', 'a', 'A', 'a', 'a', 'a', 'a', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z')",
        "insert into products (id, name, name_folded, display_name, display_name_folded, search_folded, published, created_at) values (900, 'p', 'p', 'P', 'p', 'p', true, '2026-01-01T00:00:00.000000Z')",
        "insert into product_groups (product_id, group_id) values (900, 3)",
    ] {
        portico::db::Select::new(&tx, statement).execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    admin.get("/publisher").await.hides("Next steps").shows("<b>1</b>Products<small>1 published</small>");
}

#[tokio::test]
async fn settings_show_what_is_in_force_and_no_secret() {
    let portal = Portal::start_with(|options| options.public_url = Some("http://portal.example".to_owned())).await;
    let admin = portal.administrator().await;
    let page = admin.get("/publisher/settings").await;
    page.is(200).shows("http://portal.example").shows("PORTICO_SESSION_IDLE_MINUTES").shows("12 hours").shows(env!("CARGO_PKG_VERSION"));
    page.shows("At this program&#39;s version").shows("private ones too").shows("Set, and not shown");
    if let Some(password) = url::Url::parse(&portal.state.settings.database_url).unwrap().password().filter(|text| !text.is_empty()) {
        page.hides(&format!(":{password}@"));
    }
}
