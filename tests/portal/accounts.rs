//! Accounts: links that are mailed and work once, forgotten passwords.

use std::time::Instant;

use crate::support::{Browser, PASSWORD, Portal, Reply, smtp::Smtp};
use portico::users::UserState;
use time::Duration;

const NEW: &str = "nine slow herons over water";

/// Sends what is due; the path of the link in the newest mail to this address.
async fn link_to(portal: &Portal, smtp: &Smtp, email: &str) -> String {
    portal.send_mails().await;
    let link = smtp.newest(email).link();
    link.strip_prefix(&portal.base).unwrap_or_else(|| panic!("{link} leads elsewhere")).to_owned()
}

async fn forgot(browser: &Browser, email: &str) -> Reply {
    browser.post("/forgot", &[("email", email)]).await
}

async fn choose(browser: &Browser, link: &str, password: &str) -> Reply {
    browser.post(link, &[("password", password), ("repeated", password)]).await
}

async fn can_sign_in(portal: &Portal, email: &str, password: &str) -> bool {
    portal.guest().post("/signin", &[("email", email), ("password", password)]).await.status == 303
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_a_link_that_works_once() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let elsewhere = portal.developer("dev@portal.example").await;
    let guest = portal.guest();
    guest.get("/signin").await.shows("href=\"/forgot\"");
    let answer = forgot(&guest, " Dev@Portal.example ").await;
    answer.is(303);
    guest.get(answer.location()).await.is(200).shows("Look into your mail");
    // Pressed twice: one link, one mail.
    forgot(&guest, "dev@portal.example").await.is(303);
    let link = link_to(&portal, &smtp, "dev@portal.example").await;
    assert_eq!(smtp.to("dev@portal.example").len(), 1);
    assert!(link.starts_with("/reset/") && link.len() > 50, "{link}");

    // Looking changes nothing.
    for _ in 0..2 {
        guest.get(&link).await.is(200).shows("dev@portal.example");
    }
    elsewhere.get("/account").await.is(200);
    choose(&guest, &link, "short").await.is(422).shows("at least 12 characters");
    guest.post(&link, &[("password", NEW), ("repeated", "another one, not the same")]).await.is(422).shows("not the same");
    let done = choose(&guest, &link, NEW).await;
    assert_eq!((done.status, done.location()), (303, "/"));
    guest.get("/account").await.is(200);
    assert_eq!(elsewhere.get("/account").await.status, 303, "the other sessions have ended");
    assert!(can_sign_in(&portal, "dev@portal.example", NEW).await);
    assert!(!can_sign_in(&portal, "dev@portal.example", PASSWORD).await);

    let other = portal.guest();
    other.get(&link).await.is(410).shows("This link was used").shows("href=\"/signin\"");
    choose(&other, &link, PASSWORD).await.is(410).shows("This link was used");
    assert!(can_sign_in(&portal, "dev@portal.example", NEW).await);
    let audited = portal.audited().await;
    assert_eq!(audited.iter().filter(|action| *action == "user.password_reset").count(), 1);
    assert_eq!(audited.iter().filter(|action| *action == "user.reset_asked").count(), 1);
}

/// Whoever knows an address can ask for links, and thereby ends none that its owner asked for.
#[tokio::test]
async fn links_work_until_one_is_used_or_they_run_out() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.developer("dev@portal.example").await;
    let guest = portal.guest();
    let mut links = Vec::new();
    for _ in 0..4 {
        forgot(&guest, "dev@portal.example").await.is(303);
        links.push(link_to(&portal, &smtp, "dev@portal.example").await);
        portal.pass(Duration::minutes(2));
    }
    guest.get(&links[0]).await.is(404).shows("Newer links took its place").shows("href=\"/forgot\"");
    choose(&guest, &links[0], NEW).await.is(404);
    for link in &links[1..] {
        guest.get(link).await.is(200);
    }
    assert_eq!(guest.get(&links[1]).await.header("referrer-policy"), "no-referrer");
    choose(&guest, &links[2], NEW).await.is(303);
    portal.guest().get(&links[2]).await.is(410).shows("This link was used");
    for link in [&links[1], &links[3]] {
        choose(&portal.guest(), link, PASSWORD).await.is(404);
    }
    assert!(can_sign_in(&portal, "dev@portal.example", NEW).await);

    portal.pass(Duration::minutes(16));
    forgot(&guest, "dev@portal.example").await.is(303);
    let last = link_to(&portal, &smtp, "dev@portal.example").await;
    portal.pass(Duration::hours(2) - Duration::seconds(1));
    guest.get(&last).await.is(200);
    portal.pass(Duration::seconds(1));
    guest.get(&last).await.is(410).shows("has run out").shows("href=\"/forgot\"");
    choose(&guest, &last, PASSWORD).await.is(410);
    guest.get("/reset/0123456789").await.is(404);
    // After the fifth of a day there is a further one only when none works.
    assert_eq!(smtp.to("dev@portal.example").len(), 5);
    for _ in 0..3 {
        forgot(&guest, "dev@portal.example").await.is(303);
        portal.send_mails().await;
        assert_eq!(smtp.to("dev@portal.example").len(), 6);
        portal.pass(Duration::minutes(16));
    }
    portal.pass(Duration::days(1));
    forgot(&guest, "dev@portal.example").await.is(303);
    portal.send_mails().await;
    assert_eq!(smtp.to("dev@portal.example").len(), 7);
}

#[tokio::test]
async fn of_two_at_once_one_chooses_the_password() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.developer("dev@portal.example").await;
    forgot(&portal.guest(), "dev@portal.example").await;
    let link = link_to(&portal, &smtp, "dev@portal.example").await;
    let (one, other) = (portal.guest(), portal.guest());
    let (one, other) = tokio::join!(choose(&one, &link, NEW), choose(&other, &link, "five warm stones in a row of pears"));
    let mut status = [one.status, other.status];
    status.sort_unstable();
    assert_eq!(status, [303, 410]);
    let won = if one.status == 303 { NEW } else { "five warm stones in a row of pears" };
    assert!(can_sign_in(&portal, "dev@portal.example", won).await);
}

#[tokio::test]
async fn nobody_learns_which_addresses_are_known() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.add_user("blocked@portal.example", "B", "Locked", UserState::Blocked, false).await;
    portal.add_user("pending@portal.example", "P", "Ending", UserState::Pending, false).await;
    portal.developer("dev@portal.example").await;
    let mut answers = Vec::new();
    for email in ["dev@portal.example", "nobody@portal.example", "blocked@portal.example", "pending@portal.example"] {
        let began = Instant::now();
        let reply = forgot(&portal.guest(), email).await;
        assert!(began.elapsed().as_millis() >= 250, "{email} was answered too soon");
        answers.push((reply.status, reply.location().to_owned(), reply.text));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    portal.send_mails().await;
    assert_eq!(smtp.delivered().len(), 1);
    forgot(&portal.guest(), "").await.is(422).shows("Type your email address.");
    forgot(&portal.guest(), "no address").await.is(422).shows("not an email address");
}

#[tokio::test]
async fn asking_again_and_again_is_slowed_for_an_account_and_for_an_address() {
    let portal = Portal::start().await;
    portal.developer("dev@portal.example").await;
    for email in ["dev@portal.example", "nobody@portal.example"] {
        for _ in 0..5 {
            forgot(&portal.guest(), email).await.is(303);
        }
        let slowed = forgot(&portal.guest(), email).await;
        slowed.is(429).shows("asked for too often");
        assert!(!slowed.header("retry-after").is_empty());
    }
    assert_eq!(portal.count("select count(*) from mails").await, 1);
    // Signing in is counted apart.
    assert!(can_sign_in(&portal, "dev@portal.example", PASSWORD).await);
    for number in 0..20 {
        forgot(&portal.guest(), &format!("n{number}@portal.example")).await.is(303);
    }
    forgot(&portal.guest(), "last@portal.example").await.is(429);
    portal.pass(Duration::minutes(16));
    forgot(&portal.guest(), "dev@portal.example").await.is(303);
}

/// A stranger who asks as often as they may does not keep the owner from a link.
#[tokio::test]
async fn whoever_asks_for_others_does_not_use_up_their_links() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.developer("dev@portal.example").await;
    for _ in 0..5 {
        portal.pass(Duration::minutes(16));
        forgot(&portal.guest(), "dev@portal.example").await.is(303);
    }
    portal.send_mails().await;
    assert_eq!(smtp.to("dev@portal.example").len(), 5);
    // While one works there is no other; then there is.
    for hour in 0..24 {
        portal.pass(Duration::hours(1));
        forgot(&portal.guest(), "dev@portal.example").await.is(303);
        portal.send_mails().await;
        let link = smtp.newest("dev@portal.example").link();
        portal.guest().get(link.strip_prefix(&portal.base).unwrap()).await.is(200);
        assert!(smtp.to("dev@portal.example").len() <= 17, "{hour}");
    }
    choose(&portal.guest(), &link_to(&portal, &smtp, "dev@portal.example").await, NEW).await.is(303);
}

#[tokio::test]
async fn a_blocked_account_and_a_changed_password_end_the_link() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let dev = portal.developer("dev@portal.example").await;
    forgot(&portal.guest(), "dev@portal.example").await;
    let link = link_to(&portal, &smtp, "dev@portal.example").await;
    dev.post_and_follow("/account/password", &[("current", PASSWORD), ("password", NEW), ("repeated", NEW)]).await.is(200);
    portal.guest().get(&link).await.is(404);
    portal.pass(Duration::minutes(2));
    forgot(&portal.guest(), "dev@portal.example").await;
    let link = link_to(&portal, &smtp, "dev@portal.example").await;
    portal.guest().get(&link).await.is(200);
    let page = admin.get("/publisher/users?q=dev@portal").await;
    let path = page.text.split("href=\"/publisher/users/").nth(1).and_then(|rest| rest.split('"').next()).expect("a user").to_owned();
    admin.post(&format!("/publisher/users/{path}/block"), &[]).await.is(303);
    portal.guest().get(&link).await.is(404);
    choose(&portal.guest(), &link, PASSWORD).await.is(404);
    admin.post(&format!("/publisher/users/{path}/send-reset"), &[]).await.is(409).shows("activate the account first");
}

/// Whoever still reads the old mailbox, or was blocked for a while, has nothing in hand.
#[tokio::test]
async fn a_new_address_and_a_block_end_the_links_for_good() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let name = portal.add_user("old@portal.example", "Dev", "Eloper", portico::users::UserState::Active, false).await;
    let user = format!("/publisher/users/{name}");
    forgot(&portal.guest(), "old@portal.example").await;
    let link = link_to(&portal, &smtp, "old@portal.example").await;
    portal.guest().get(&link).await.is(200);
    let edited =
        [("version", "1"), ("email", "new@portal.example"), ("first_name", "Dev"), ("last_name", "Eloper"), ("password", PASSWORD)];
    admin.post(&user, &edited).await.is(303);
    choose(&portal.guest(), &link, NEW).await.is(404);

    portal.pass(Duration::minutes(2));
    forgot(&portal.guest(), "new@portal.example").await;
    let link = link_to(&portal, &smtp, "new@portal.example").await;
    portal.guest().get(&link).await.is(200);
    admin.post(&format!("{user}/block"), &[]).await.is(303);
    admin.post(&format!("{user}/activate"), &[]).await.is(303);
    choose(&portal.guest(), &link, NEW).await.is(404);
}

#[tokio::test]
async fn an_administrator_sends_a_reset() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let name = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let page = format!("/publisher/users/{name}");
    admin.get(&page).await.shows("Send a password reset");
    admin.post_and_follow(&format!("{page}/send-reset"), &[]).await.shows("is on its way");
    admin.post_and_follow(&format!("{page}/send-reset"), &[]).await.shows("sent a moment ago");
    let link = link_to(&portal, &smtp, "dev@portal.example").await;
    assert!(smtp.newest("dev@portal.example").text().contains("An administrator of Portico asks you"));
    assert_eq!(smtp.delivered().len(), 1);
    let guest = portal.guest();
    choose(&guest, &link, NEW).await.is(303);
    guest.get("/account").await.is(200);
    assert!(portal.audited().await.contains(&"user.reset_sent".to_owned()));
}

/// A session that somebody left open gives nobody an account.
#[tokio::test]
async fn an_address_changed_by_an_administrator_wants_the_password_and_the_old_one_is_told() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let root = portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let rosa = portal.add_user("rosa@portal.example", "Rosa", "Meyer", UserState::Active, true).await;
    let dev = portal.developer("dev@portal.example").await;
    let admin = portal.signed_in("root@portal.example").await;
    let page = |name: &str| format!("/publisher/users/{name}");
    let to = |email: &'static str| [("version", "1"), ("email", email), ("first_name", "Rosa"), ("last_name", "Meyer"), ("note", "x")];
    admin.post(&page(&rosa), &to("thief@evil.example")).await.is(422).shows("Type your own password").shows("thief@evil.example");
    let wrong = [&to("thief@evil.example")[..], &[("password", "not the password")]].concat();
    admin.post(&page(&rosa), &wrong).await.is(422).shows("This is not your password");
    // One's own is changed by a link to the new address, whatever a form says.
    let own = [&to("thief@evil.example")[..], &[("password", PASSWORD)]].concat();
    admin.post(&page(&root), &own).await.is(422).shows("/account/email");
    admin.get(&page(&root)).await.hides("type=\"email\"").shows("href=\"/account/email\"");
    assert_eq!(portal.count("select count(*) from users where email like '%evil%'").await, 0);
    // What else is in the form needs none, nor does another spelling of the same address.
    let name = portal.count("select count(*) from users where email = 'dev@portal.example'").await;
    assert_eq!(name, 1);
    admin.post(&page(&rosa), &to("Rosa@Portal.example")).await.is(303);

    forgot(&portal.guest(), "rosa@portal.example").await.is(303);
    let link = link_to(&portal, &smtp, "Rosa@Portal.example").await;
    let good = [&to("rosa@contoso.example")[1..], &[("version", "2"), ("password", PASSWORD)]].concat();
    admin.post_and_follow(&page(&rosa), &good).await.is(200).shows("rosa@contoso.example");
    choose(&portal.guest(), &link, NEW).await.is(404);
    portal.send_mails().await;
    let told = smtp.newest("Rosa@Portal.example").text();
    assert!(told.contains("rosa@contoso.example") && told.contains("An administrator"), "{told}");
    assert!(smtp.to("rosa@contoso.example").is_empty());
    dev.get("/account").await.is(200);
}

#[tokio::test]
async fn an_administrator_who_was_blocked_is_activated_with_the_password_alone() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let rosa = portal.add_user("rosa@portal.example", "Rosa", "Meyer", UserState::Blocked, true).await;
    let dev = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Blocked, false).await;
    let activate = format!("/publisher/users/{rosa}/activate");
    admin.get(&format!("/publisher/users/{rosa}")).await.shows(&format!("href=\"{activate}\""));
    admin.get(&activate).await.is(200).shows("administrator").shows("Your password");
    admin.post(&activate, &[]).await.is(422).shows("Type your own password");
    let both = [("user", rosa.as_str()), ("user", dev.as_str()), ("accounts", "activate")];
    admin.post_and_follow("/publisher/users/bulk", &both).await.shows("Activated 1 user").shows("1 administrator left out");
    assert_eq!(portal.count("select count(*) from users where administrator and state = 'active'").await, 1);
    admin.post(&activate, &[("password", PASSWORD)]).await.is(303);
    assert_eq!(portal.count("select count(*) from users where administrator and state = 'active'").await, 2);
    // While the password counts, the list may do it as well.
    admin.post(&format!("/publisher/users/{rosa}/block"), &[]).await.is(303);
    admin.post_and_follow("/publisher/users/bulk", &both).await.shows("Activated 1 user").hides("left out");
    assert_eq!(portal.count("select count(*) from users where administrator and state = 'active'").await, 2);
}

/// Whoever knew the old password may have asked for another address with it.
#[tokio::test]
async fn a_password_chosen_by_link_a_block_and_the_role_end_a_change_of_address() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let name = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let ask = async |email: &str, password: &str| {
        let browser = portal.guest();
        browser.post("/signin", &[("email", "dev@portal.example"), ("password", password)]).await.is(303);
        browser.post("/account/email", &[("email", email), ("password", password)]).await.is(303);
        link_to(&portal, &smtp, email).await
    };
    let first = ask("one@evil.example", PASSWORD).await;
    forgot(&portal.guest(), "dev@portal.example").await.is(303);
    let reset = link_to(&portal, &smtp, "dev@portal.example").await;
    choose(&portal.guest(), &reset, NEW).await.is(303);
    portal.guest().post(&first, &[]).await.is(404);
    let second = ask("two@evil.example", NEW).await;
    let page = format!("/publisher/users/{name}");
    admin.post(&format!("{page}/block"), &[]).await.is(303);
    admin.post(&format!("{page}/activate"), &[]).await.is(303);
    portal.guest().post(&second, &[]).await.is(404);
    let third = ask("three@evil.example", NEW).await;
    admin.post(&format!("{page}/role"), &[("role", "grant"), ("password", PASSWORD)]).await.is(303);
    portal.guest().post(&third, &[]).await.is(404);
    assert_eq!(portal.count("select count(*) from users where email like '%evil%'").await, 0);
}
