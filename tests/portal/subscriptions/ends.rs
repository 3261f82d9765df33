//! A last day: set, warned of, and come.

use time::Duration;

use super::{NAME, requested, with_approval};
use crate::support::{Browser, Portal, START, seed::Product, smtp::Smtp};

/// A developer with an active subscription, and its page for administrators.
async fn stage() -> (Portal, Smtp, Browser, Browser, String) {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.seed_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    let page = format!("/publisher/subscriptions/{}", requested(&dev, NAME).await);
    (portal, smtp, admin, dev, page)
}

/// How many warnings came.
async fn warnings(portal: &Portal, smtp: &Smtp) -> usize {
    portal.work().await;
    portal.send_mails().await;
    let subjects = smtp.to("dev@portal.example").into_iter().filter_map(|mail| mail.header("Subject"));
    subjects.filter(|subject| subject.contains(" ends on ")).count()
}

#[tokio::test]
async fn it_ends_at_that_instant_for_gateways_and_then_in_the_list_and_the_log() {
    let (portal, smtp, admin, dev, page) = stage().await;
    let end = format!("{page}/end");
    admin.get(&page).await.shows("Last day");
    admin
        .post_and_follow(&end, &[("version", "1"), ("ends", "2026-03-04")])
        .await
        .shows("It works to the end of 4 Mar 2026 (UTC).")
        .shows("4 Mar 2026")
        .hides("5 Mar 2026");
    admin.post_and_follow(&end, &[("version", "1"), ("ends", "2026-03-04")]).await.shows("nothing was changed");
    let own = page.replace("/publisher/", "/account/");
    dev.get(&own).await.shows("4 Mar 2026").hides("5 Mar 2026");
    assert_eq!(warnings(&portal, &smtp).await, 1);
    // Nine in the morning of the 2nd; 63 hours later the last day, the 4th, is over.
    portal.pass(Duration::hours(40));
    assert_eq!(warnings(&portal, &smtp).await, 2);
    portal.pass(Duration::hours(23) - Duration::SECOND);
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'active'").await, 1);
    assert_eq!(portal.work().await, 0, "it was warned of before");
    portal.pass(Duration::SECOND);
    assert_eq!((portal.work().await, portal.work().await), (1, 0));
    let (admin, dev) = (portal.signed_in("root@portal.example").await, portal.signed_in("dev@portal.example").await);
    admin.get(&page).await.shows("Expired</span>").shows("This subscription is expired and stays so.").shows(">4 Mar 2026</dd>");
    dev.get(&own).await.shows("Expired</span>").shows("The keys no longer work.");
    admin.get("/publisher/subscriptions?state=expired").await.shows(NAME);
    admin.get("/publisher/audit?action=subscription.expired").await.shows("Ended subscription").shows("ends of subscriptions");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.expired").count(), 1);
    admin.post(&end, &[("version", "3"), ("ends", "2026-12-31")]).await.is(409).shows("is expired and stays so");
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'expired' and ended_at is not null").await, 1);
}

#[tokio::test]
async fn its_owner_is_warned_two_weeks_and_a_day_before_and_anew_of_another_end() {
    let (portal, smtp, admin, _dev, page) = stage().await;
    let end = format!("{page}/end");
    admin.post(&end, &[("version", "1"), ("ends", "2026-04-30")]).await.is(303);
    assert_eq!(warnings(&portal, &smtp).await, 0);
    portal.pass(Duration::days(45) + Duration::hours(14));
    assert_eq!(warnings(&portal, &smtp).await, 0, "an hour before two weeks before");
    portal.pass(Duration::hours(1));
    assert_eq!(warnings(&portal, &smtp).await, 1);
    let mail = smtp.newest("dev@portal.example");
    assert_eq!(mail.header("Subject").unwrap(), "Your subscription to Product orders ends on 30 Apr 2026");
    assert!(mail.text().contains("to the end of 30 Apr 2026 (UTC)"), "{}", mail.text());
    portal.pass(Duration::days(12));
    assert_eq!(warnings(&portal, &smtp).await, 1);
    portal.pass(Duration::days(1));
    assert_eq!((warnings(&portal, &smtp).await, warnings(&portal, &smtp).await), (2, 2));
    // Nearer than two weeks: one warning at once, another a day before.
    let admin = portal.signed_in("root@portal.example").await;
    admin.post(&end, &[("version", "2"), ("ends", "2026-05-06")]).await.is(303);
    assert_eq!(warnings(&portal, &smtp).await, 3);
    portal.pass(Duration::days(6) + Duration::hours(1));
    assert_eq!(warnings(&portal, &smtp).await, 4);
    // Nearer than a day: one.
    let admin = portal.signed_in("root@portal.example").await;
    admin.post(&end, &[("version", "3"), ("ends", "")]).await.is(303);
    admin.post(&end, &[("version", "4"), ("ends", "2026-05-06")]).await.is(303);
    assert_eq!((warnings(&portal, &smtp).await, warnings(&portal, &smtp).await), (5, 5));
    portal.pass(Duration::days(2));
    assert_eq!(portal.work().await, 1);
    assert_eq!(warnings(&portal, &smtp).await, 5);
}

#[tokio::test]
async fn what_says_how_long_it_works_is_a_warning_too() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.seed_product(with_approval()).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    let decide = format!("/publisher/subscriptions/{}/decide", requested(&dev, NAME).await);
    admin.post(&decide, &[("decision", "approve"), ("ends", "2026-03-10")]).await.is(303);
    let place = [("who", "dev@portal.example"), ("which", "orders"), ("activate", "on"), ("display_name", "Other"), ("ends", "2026-03-10")];
    admin.post("/publisher/new/subscription", &place).await.is(303);
    assert_eq!(warnings(&portal, &smtp).await, 0, "two mails at once");
    assert!(smtp.newest("dev@portal.example").text().contains("to the end of 10 Mar 2026"));
    // The day before is another matter.
    portal.pass(Duration::days(8));
    assert_eq!(warnings(&portal, &smtp).await, 2);
}

#[tokio::test]
async fn who_cannot_sign_in_is_not_warned_and_a_suspended_one_ends_too() {
    let (portal, smtp, admin, _dev, page) = stage().await;
    admin.post(&format!("{page}/end"), &[("version", "1"), ("ends", "2026-03-04")]).await.is(303);
    portal.run(&["update users set state = 'blocked' where email =", ""], vec!["dev@portal.example".into()]).await;
    assert_eq!((portal.work().await, warnings(&portal, &smtp).await), (0, 0));
    admin.post(&format!("{page}/decide"), &[("decision", "suspend")]).await.is(303);
    portal.pass(Duration::days(3));
    assert_eq!(portal.work().await, 1);
    portal.signed_in("root@portal.example").await.get(&page).await.shows("Expired</span>");
}

#[tokio::test]
async fn a_request_is_approved_to_a_day_and_a_bad_day_is_told() {
    let portal = Portal::start().await;
    portal.seed_product(with_approval()).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    let page = format!("/publisher/subscriptions/{}", requested(&dev, NAME).await);
    let decide = format!("{page}/decide");
    let bad = [("decision", "approve"), ("ends", "31.12.2026"), ("comment", "Until then")];
    admin.post(&decide, &bad).await.is(422).shows("Write the last day as").shows("31.12.2026").shows("Until then");
    admin
        .post_and_follow(&decide, &[("decision", "approve"), ("ends", "2026-12-31")])
        .await
        .shows("Approved")
        .shows("31 Dec 2026")
        .hides("1 Jan 2027");
    let end = format!("{page}/end");
    admin.post(&end, &[("version", "2"), ("ends", "2026-03-01")]).await.is(422).shows("This day is over.").shows("value=\"2026-03-01\"");
    admin.post(&end, &[("version", "1"), ("ends", "2027-03-01")]).await.is(409).shows("changed meanwhile").shows("value=\"2027-03-01\"");
    // Suspended and activated again it keeps its end.
    admin.post(&decide, &[("decision", "suspend")]).await.is(303);
    admin.post_and_follow(&decide, &[("decision", "activate")]).await.shows("31 Dec 2026").hides("1 Jan 2027");
    admin.post_and_follow(&end, &[("version", "4"), ("ends", "")]).await.shows("It has no end any more.").hides("31 Dec 2026");
    let entry = "select count(*) from audit where action = 'subscription.end_changed' and before like '%expires_at%' and after not like '%expires_at%'";
    assert_eq!(portal.count(entry).await, 1);
}

#[tokio::test]
async fn many_that_end_at_once_end_once_whoever_does_it() {
    let portal = Portal::start().await;
    portal.seed_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let dev = portal.developer("dev@portal.example").await;
    requested(&dev, NAME).await;
    let copies = [
        "insert into subscriptions (name, name_folded, product_id, owner_id, display_name, state, primary_key, primary_mac, secondary_key,
            secondary_mac, created_at, expires_at)
         select s.name || cast(n.id as text), s.name || cast(n.id as text), s.product_id, s.owner_id, s.display_name, s.state, s.primary_key,
            cast(cast(n.id as text) || 'a' as bytea), s.secondary_key, cast(cast(n.id as text) || 'b' as bytea), s.created_at,",
        "from subscriptions s, (with recursive n (id) as (select 1 union all select id + 1 from n where id < 1200) select id from n) n",
    ];
    portal.run(&copies, vec![portico::db::Instant::new(START + Duration::hours(1)).into()]).await;
    let other = portal.beside().await;
    portal.pass(Duration::hours(1));
    let (one, two) = tokio::join!(portal.work(), other.work());
    assert_eq!(one + two, 1200, "{one} and {two}");
    assert_eq!(portal.count("select count(*) from audit where action = 'subscription.expired'").await, 1200);
    assert_eq!(portal.count("select count(*) from subscriptions where state = 'expired'").await, 1200);
}
