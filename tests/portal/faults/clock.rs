//! The clock is set, forwards and back: nobody is kept out for ever by an instant that will not come, and nothing falls over.

use time::Duration;

use super::{Chance, counted, rounds};
use crate::support::{PASSWORD, Portal, START, seed::Product};

async fn fails(portal: &Portal, times: usize) -> u16 {
    let guest = portal.guest();
    let mut status = 0;
    for _ in 0..times {
        status = guest.post("/signin", &[("email", "dev@portal.example"), ("password", "not the password")]).await.status;
    }
    status
}

#[tokio::test]
async fn failures_of_the_future_brake_nobody_for_longer_than_a_minute() {
    let portal = Portal::start().await;
    portal.developer("dev@portal.example").await;
    for ahead in [Duration::days(365), Duration::hours(1), Duration::seconds(50)] {
        portal.pass(ahead);
        assert_eq!(fails(&portal, 8).await, 429);
        portal.pass(-ahead);
        portal.pass(Duration::seconds(111));
        let reply = portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await;
        assert_eq!(reply.status, 303, "{ahead} ahead: {}", reply.text);
        portal.pass(Duration::hours(2));
    }
    // The brake itself goes on working.
    assert_eq!(fails(&portal, 8).await, 429);
}

#[tokio::test]
async fn asking_for_the_password_again_is_not_braked_for_ever() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_user("tia@portal.example", "Tia", "Target", portico::users::UserState::Active, false).await;
    portal.run(&["update users set name = 'tia', name_folded = 'tia' where email_folded = 'tia@portal.example'"], vec![]).await;
    let ask = async |password: &str| admin.post("/publisher/users/tia/role", &[("role", "grant"), ("password", password)]).await.status;
    portal.pass(Duration::hours(6));
    for _ in 0..8 {
        ask("wrong").await;
    }
    assert_eq!(ask("wrong").await, 429);
    portal.pass(-Duration::hours(6));
    portal.pass(Duration::seconds(111));
    assert_eq!(ask(PASSWORD).await, 303);
}

#[tokio::test]
async fn a_session_of_the_future_ends_as_others_do_once_the_clock_is_right() {
    let portal = Portal::start().await;
    portal.pass(Duration::days(300));
    let dev = portal.developer("dev@portal.example").await;
    dev.get("/account").await.is(200);
    portal.pass(-Duration::days(300));
    dev.get("/account").await.is(200);
    portal.pass(Duration::hours(11));
    dev.get("/account").await.is(200);
    portal.pass(Duration::hours(13));
    dev.get("/account").await.is(303);

    // And after a week in any case.
    portal.pass(Duration::days(300));
    let dev = portal.signed_in("dev@portal.example").await;
    portal.pass(-Duration::days(300));
    for _ in 0..16 {
        dev.get("/account").await.is(200);
        portal.pass(Duration::hours(10));
    }
    portal.pass(Duration::hours(10));
    dev.get("/account").await.is(303);
}

#[tokio::test]
async fn a_session_survives_small_steps_back() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    for back in [1, 59, 61, 3600, 86_400, 31_536_000] {
        portal.pass(-Duration::seconds(back));
        dev.get("/account").await.is(200);
        portal.pass(Duration::seconds(1));
        dev.get("/account").await.is(200);
    }
}

#[tokio::test]
async fn a_member_added_by_a_clock_that_was_ahead_can_be_added_again() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Alpha").await;
    portal.seed_product(Product { name: "alphas", groups: &["alpha"], ..Product::default() }).await;
    let dev = portal.developer("dev@portal.example").await;
    let add = [("q", "dev@portal"), ("all", "1"), ("add", "alpha")];
    portal.pass(Duration::hours(6));
    admin.post_and_follow("/publisher/users/bulk", &add).await.shows("Added 1 developer to Alpha");
    dev.get("/products/alphas").await.is(200);
    portal.pass(-Duration::hours(6));
    dev.get("/products/alphas").await.is(404);
    admin.post_and_follow("/publisher/users/bulk", &add).await.shows("Added 1 developer to Alpha");
    dev.get("/products/alphas").await.is(200);
    admin.post_and_follow("/publisher/users/bulk", &add).await.shows("was already a member");
}

/// Every page, for a guest, a developer and an administrator, with the clock wherever chance sets it.
#[tokio::test]
async fn pages_and_changes_at_any_hour() {
    let portal = Portal::start().await;
    let mut chance = Chance::new();
    portal.add_group("Alpha").await;
    portal.seed_product(Product { name: "open", groups: &["guests", "alpha"], ..Product::default() }).await;
    portal.seed_api("open", &["open"]).await;
    portal.administrator().await;
    portal.developer("dev@portal.example").await;
    portal.seed_membership("dev@portal.example", "alpha", START, Some(START + Duration::days(9))).await;
    let pages: Vec<&str> = portico::app::route_list()
        .into_iter()
        .filter(|(method, pattern)| method == "GET" && !pattern.contains('{'))
        .map(|(_, pattern)| pattern)
        .chain(["/products/open", "/apis/open", "/publisher/groups/alpha", "/publisher/products/open/visibility"])
        .collect();
    let mut at = Duration::ZERO;
    let mut asked = 0;
    let times = rounds(12, 200);
    for round in 0..times {
        let to = match chance.below(4) {
            0 => Duration::seconds(chance.below(7200) as i64 - 3600),
            1 => Duration::days(chance.below(80) as i64 - 40),
            2 => Duration::days(chance.below(36_500) as i64 - 18_250),
            _ => Duration::days(chance.below(2_000_000) as i64),
        };
        portal.pass(to - at);
        at = to;
        // Whoever was braked elsewhere in time.
        portal.run(&["delete from sign_in_failures"], vec![]).await;
        let admin = portal.signed_in("root@portal.example").await;
        let people = [portal.guest(), portal.signed_in("dev@portal.example").await, admin.clone()];
        for person in &people {
            for page in &pages {
                let reply = person.get(page).await;
                assert!(reply.status < 500 || reply.status == 503, "round {round}: {page} at {to}: {} {}", reply.status, reply.text);
                asked += 1;
            }
        }
        let form = [("was", ""), ("group", "alpha")];
        let form = if chance.percent(50) { &form[..] } else { &[("was", "alpha")][..] };
        let dev = portal.count("select id from users where email = 'dev@portal.example'").await;
        assert!(dev > 0);
        let add = [("q", "dev@portal"), ("all", "1"), (if form.len() == 2 { "add" } else { "remove" }, "alpha")];
        admin.post("/publisher/users/bulk", &add).await.is(303);
    }
    counted(&format!("{times} settings of the clock, {asked} pages; seed {}", chance.seed));
}
