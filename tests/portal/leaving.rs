//! People who go: closing one's own account, deletion by an administrator, one or many; and what is done to many accounts at once.

use crate::support::{Browser, PASSWORD, Portal, seed::Product};
use portico::users::UserState;
use time::Duration;

const NEW: &str = "nine slow herons over water";

/// Ana, with an active subscription to two products, signed in.
async fn ana_with_subscriptions(portal: &Portal) -> (String, Browser) {
    for name in ["orders", "billing"] {
        portal.seed_product(Product { name, groups: &["developers"], ..Product::default() }).await;
    }
    let name = portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    let ana = portal.signed_in("ana@contoso.example").await;
    for product in ["orders", "billing"] {
        ana.post(&format!("/products/{product}/subscribe"), &[("display_name", "Mine")]).await.is(303);
    }
    (name, ana)
}

/// Nothing in the database says who it was.
async fn assert_forgotten(portal: &Portal) {
    for (what, statement) in [
        ("users", "select count(*) from users where email like '%ana%' or search_folded like '%ana%' or first_name like '%Ana%'"),
        (
            "audit",
            "select count(*) from audit where before like '%ana@%' or after like '%ana@%' or subject_name like '%Alves%' or actor_name like '%Alves%'",
        ),
        ("audit by name", "select count(*) from audit where subject_folded like '%alves%' or actor_folded like '%alves%'"),
        (
            "mails",
            "select count(*) from mails where to_email like '%ana%' or to_name like '%Ana%' or text like '%Ana%' or subject like '%Ana%' or html like '%Ana%'",
        ),
        ("search of mails", "select count(*) from mails where search_folded like '%alves%' or search_folded like '%ana@%'"),
        ("sessions", "select count(*) from sessions s join users u on u.id = s.user_id where u.state = 'deleted'"),
        ("links", "select count(*) from links"),
    ] {
        assert_eq!(portal.count(statement).await, 0, "{what}");
    }
    assert_eq!(portal.count("select count(*) from subscriptions where state <> 'cancelled'").await, 0);
}

#[tokio::test]
async fn somebody_closes_their_account_and_nothing_of_them_stays() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    admin.post("/publisher/notifications/account_closed", &[("version", "1"), ("every", "on")]).await.is(303);
    let (_, ana) = ana_with_subscriptions(&portal).await;
    portal.guest().post("/forgot", &[("email", "ana@contoso.example")]).await.is(303);
    portal.send_mails().await;
    ana.get("/account").await.shows("href=\"/account/close\"");
    let page = ana.get("/account/close").await;
    page.is(200).shows("2 live subscriptions").shows("Product billing (1), Product orders (1)").shows("Your password");
    ana.post("/account/close", &[]).await.is(422).shows("Type your password");
    ana.post("/account/close", &[("password", "not this one at all")]).await.is(422).shows("This is not your password");
    assert_eq!(portal.count("select count(*) from users where state = 'deleted'").await, 0);
    let closed = ana.post("/account/close", &[("password", PASSWORD)]).await;
    closed.is(303);
    ana.get(closed.location()).await.is(200).shows("Your account is closed");
    ana.get("/account").await.is(303);
    // Until it has left, the farewell knows where it goes.
    portal.send_mails().await;
    assert!(smtp.newest("ana@contoso.example").text().contains("Hello Ana"));
    assert!(smtp.newest("root@portal.example").text().contains("Ana Alves (ana@contoso.example) has closed the account"));
    assert_forgotten(&portal).await;
    let list = admin.get("/publisher/mail").await;
    list.is(200).shows("(deleted)").hides("ana@contoso.example");
    let path = list.text.split("href=\"").find(|part| part.starts_with("/publisher/mail/")).unwrap().split('"').next().unwrap();
    admin.get(path).await.is(200).hides("Send again");
    admin.post(&format!("{path}/resend"), &[]).await.is(409);
    admin.get("/publisher/audit").await.shows("Closed own account").shows("deleted user").hides("Alves");
    // The address is free, for an account that is another one.
    portal.add_user("ana@contoso.example", "Ana", "Other", UserState::Active, false).await;
    portal.signed_in("ana@contoso.example").await.get("/account/subscriptions").await.hides("Mine");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    admin.post("/account/close", &[("password", PASSWORD)]).await.is(409).shows("last administrator");
    let other = portal.administrator_named("second@portal.example", "Second", "Admin").await;
    let (one, two) = (admin.clone(), other.clone());
    let fields = [("password", PASSWORD)];
    let (one, two) = tokio::join!(one.post("/account/close", &fields), two.post("/account/close", &fields));
    let mut status = [one.status, two.status];
    status.sort_unstable();
    assert_eq!(status, [303, 409]);
    assert_eq!(portal.count("select count(*) from users where administrator and state = 'active'").await, 1);
}

#[tokio::test]
async fn an_administrator_deletes_a_user_and_is_asked_what_ends() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let (name, ana) = ana_with_subscriptions(&portal).await;
    let user = format!("/publisher/users/{name}");
    admin.get(&user).await.shows(&format!("{user}/delete"));
    let page = admin.get(&format!("{user}/delete")).await;
    page.is(200)
        .shows("Delete Ana Alves?")
        .shows("Product billing (1), Product orders (1)")
        .shows("End its 2 live subscriptions (needed to delete)")
        .shows("Your password");
    let post = "/publisher/delete/users";
    let fields = [("user", name.as_str()), ("users", "1"), ("live", "2")];
    let with = |more: &[(&'static str, &'static str)]| [&fields[..], more].concat();
    admin.post(post, &with(&[("cancel", "on")])).await.is(422).shows("Type your own password").shows("checked");
    admin.post(post, &with(&[("password", PASSWORD)])).await.is(422).shows("Tick that the live subscriptions end").hides("Your password");
    // A further subscription since the page was shown is not cancelled unseen.
    let fewer = [("user", name.as_str()), ("users", "1"), ("live", "1"), ("cancel", "on")];
    admin.post(post, &fewer).await.is(422).shows("Look at it once more");
    ana.get("/account").await.is(200);
    admin.post_and_follow(post, &with(&[("cancel", "on")])).await.is(200).shows("Deleted Ana Alves and cancelled 2 subscriptions");
    ana.get("/account").await.is(303);
    admin.get(&user).await.is(404);
    admin.post_and_follow(post, &with(&[("cancel", "on")])).await.shows("Nobody is left to delete");
    portal.send_mails().await;
    assert!(smtp.newest("ana@contoso.example").text().contains("is closed"));
    assert_forgotten(&portal).await;
    let audited = portal.audited().await;
    assert_eq!(audited.iter().filter(|action| *action == "user.deleted").count(), 1);
    // One's own account is closed on its own page.
    let own = portal.count("select count(*) from users where name_folded = 'root'").await;
    assert_eq!(own, 0);
}

#[tokio::test]
async fn many_are_blocked_activated_sent_a_reset_and_deleted() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let root = portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let admin = portal.signed_in("root@portal.example").await;
    let mut names = vec![root];
    for (email, state) in
        [("a@portal.example", UserState::Active), ("b@portal.example", UserState::Active), ("c@portal.example", UserState::Blocked)]
    {
        names.push(portal.add_user(email, "Dev", &email[..1].to_uppercase(), state, false).await);
    }
    let dev = portal.signed_in("a@portal.example").await;
    let ticked: Vec<(&str, &str)> = names.iter().map(|name| ("user", name.as_str())).collect();
    let with = |what: &'static str| [&ticked[..], &[("accounts", what)]].concat();
    let bulk = "/publisher/users/bulk";
    admin.post_and_follow(bulk, &[("accounts", "block")]).await.shows("Nobody is ticked");
    admin.post(bulk, &with("nonsense")).await.is(400);
    admin.post_and_follow(bulk, &with("reset")).await.shows("Sent a reset to 2 users (2 left out: who cannot sign in");
    admin.post_and_follow(bulk, &with("reset")).await.shows("Nothing was changed (2 were sent one a moment ago; 2 left out");
    portal.send_mails().await;
    let link = smtp.newest("a@portal.example").link();
    let link = link.strip_prefix(&portal.base).unwrap();
    portal.guest().get(link).await.is(200);
    let blocked = admin.post_and_follow(bulk, &with("block")).await;
    blocked.shows("Blocked 2 users (1 was blocked already; 1 left out: your own account is not blocked).").shows("checked");
    dev.get("/account").await.is(303);
    portal.guest().get(link).await.is(404);
    admin.post_and_follow(bulk, &with("activate")).await.shows("Activated 3 users (1 was active already).");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "user.blocked").count(), 1, "one entry for all");
    portal.signed_in("c@portal.example").await.get("/account").await.is(200);

    let page = admin.post(bulk, &with("delete")).await;
    page.is(200).shows("Delete 3 users?").shows("Dev A, Dev B, Dev C").shows("Your own account is among the ticked").shows("Your password");
    let fields = [&ticked[..], &[("users", "3"), ("live", "0"), ("password", PASSWORD)]].concat();
    admin.post_and_follow("/publisher/delete/users", &fields).await.shows("Deleted 3 users. Your own account was left out.");
    assert_eq!(portal.count("select count(*) from users where state = 'deleted'").await, 3);
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "user.deleted").count(), 1);
    portal.send_mails().await;
    assert!(smtp.newest("b@portal.example").text().contains("is closed"));
    assert_eq!(portal.count("select count(*) from mails where to_email like '%@portal.example'").await, 0);
}

#[tokio::test]
async fn all_who_match_are_meant_when_the_change_is_made() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for number in 0..3 {
        portal.add_user(&format!("dev{number}@portal.example"), "Dev", "Eloper", UserState::Active, false).await;
    }
    let all = [("all", "1"), ("q", "dev"), ("accounts", "delete")];
    admin.post("/publisher/users/bulk", &all).await.is(200).shows("Delete 3 users?").shows("name=\"all\" value=\"1\"");
    portal.add_user("dev9@portal.example", "Dev", "Late", UserState::Active, false).await;
    let delete = "/publisher/delete/users";
    let said = |users: &'static str| [("all", "1"), ("q", "dev"), ("users", users), ("live", "0"), ("password", PASSWORD)];
    admin.post(delete, &said("3")).await.is(422).shows("Look at it once more").shows("Delete 4 users?");
    admin.post_and_follow(delete, &said("4")).await.shows("Deleted 4 users.");
    // Nobody is invited to be activated without a name and a password.
    admin.post("/publisher/invite", &[("addresses", "ina@portal.example")]).await.is(303);
    let ina = [("all", "1"), ("q", "ina@"), ("accounts", "activate")];
    admin.post_and_follow("/publisher/users/bulk", &ina).await.shows("1 left out: who is invited accepts that first");
}

#[tokio::test]
async fn an_address_is_changed_by_a_link_to_the_new_one() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.add_user("taken@portal.example", "T", "Aken", UserState::Active, false).await;
    let dev = portal.developer("dev@portal.example").await;
    dev.get("/account").await.shows("href=\"/account/email\"");
    dev.get("/account/email").await.is(200).shows("Your password");
    let ask = async |email: &str, password: &str| dev.post("/account/email", &[("email", email), ("password", password)]).await;
    ask("new@portal.example", "").await.is(422).shows("Type your own password").shows("new@portal.example");
    ask("no address", PASSWORD).await.is(422).shows("not an email address").hides("Your password");
    ask("DEV@portal.example", "").await.is(422).shows("your address already");
    ask("", "").await.is(422).shows("Type the new address");
    let mut answers = Vec::new();
    for email in ["taken@portal.example", "new@portal.example"] {
        let began = std::time::Instant::now();
        let reply = ask(email, "").await;
        assert!(began.elapsed().as_millis() >= 250);
        answers.push((reply.status, reply.location().to_owned(), dev.get("/account").await.text.matches("Look into the mail").count()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    // Pressed twice, it is asked for once.
    ask("new@portal.example", "").await.is(303);
    portal.send_mails().await;
    assert_eq!(
        (smtp.to("taken@portal.example").len(), smtp.to("new@portal.example").len(), smtp.to("dev@portal.example").len()),
        (1, 1, 2)
    );
    assert!(smtp.newest("taken@portal.example").text().contains("stays with it"));
    assert!(smtp.newest("dev@portal.example").text().contains("new@portal.example"));
    let link = smtp.newest("new@portal.example").link();
    let link = link.strip_prefix(&portal.base).unwrap().to_owned();
    assert!(link.starts_with("/confirm-email/"), "{link}");
    portal.guest().post("/forgot", &[("email", "dev@portal.example")]).await.is(303);
    portal.send_mails().await;
    let reset = smtp.newest("dev@portal.example").link();
    let reset = reset.strip_prefix(&portal.base).unwrap().to_owned();
    let page = dev.get(&link).await;
    page.is(200).shows("Confirm the new address").shows("Dev Eloper");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    dev.get("/account").await.shows("dev@portal.example");
    dev.post_and_follow(&link, &[]).await.is(200).shows("Your account goes by new@portal.example now");
    dev.post(&link, &[]).await.is(410).shows("This link was used");
    portal.guest().get(&reset).await.is(404);
    portal.signed_in("new@portal.example").await.get("/account").await.is(200);
    assert_eq!(portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await.status, 422);
    let audited = portal.audited().await;
    assert_eq!(audited.iter().filter(|action| *action == "user.email_changed").count(), 1);
}

#[tokio::test]
async fn a_change_of_address_ends_with_the_password_and_when_somebody_was_quicker() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let dev = portal.developer("dev@portal.example").await;
    let link_to = async |email: &str| {
        dev.post("/account/email", &[("email", email), ("password", PASSWORD)]).await.is(303);
        portal.send_mails().await;
        smtp.newest(email).link().strip_prefix(&portal.base).unwrap().to_owned()
    };
    let first = link_to("one@portal.example").await;
    let second = link_to("two@portal.example").await;
    portal.guest().get(&first).await.is(404);
    portal.add_user("two@portal.example", "T", "Wo", UserState::Active, false).await;
    portal.guest().post(&second, &[]).await.is(409).shows("Somebody has an account");
    let third = link_to("three@portal.example").await;
    dev.post("/account/password", &[("current", PASSWORD), ("password", NEW), ("repeated", NEW)]).await.is(303);
    portal.guest().post(&third, &[]).await.is(404);
    portal.pass(Duration::minutes(2));
    dev.post("/account/email", &[("email", "four@portal.example"), ("password", NEW)]).await.is(303);
    portal.send_mails().await;
    let fourth = smtp.newest("four@portal.example").link().strip_prefix(&portal.base).unwrap().to_owned();
    portal.pass(Duration::days(1));
    portal.guest().get(&fourth).await.is(410).shows("has run out");
    // A guest confirms it as well, and signs in.
    let dev = portal.guest();
    dev.post("/signin", &[("email", "dev@portal.example"), ("password", NEW)]).await.is(303);
    dev.post("/account/email", &[("email", "five@portal.example"), ("password", NEW)]).await.is(303);
    portal.send_mails().await;
    let fifth = smtp.newest("five@portal.example").link().strip_prefix(&portal.base).unwrap().to_owned();
    portal.guest().post_and_follow(&fifth, &[]).await.shows("The new address is confirmed");
}

#[tokio::test]
async fn the_password_given_again_counts_for_ten_minutes_in_its_session_alone() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let elsewhere = portal.signed_in("root@portal.example").await;
    let dev = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let page = format!("/publisher/users/{dev}");
    let role = format!("{page}/role");
    admin.get(&page).await.shows("Your password");
    admin.post(&role, &[("role", "grant")]).await.is(422).shows("Type your own password");
    admin.post(&role, &[("role", "grant"), ("password", PASSWORD)]).await.is(303);
    admin.get(&page).await.hides("Your password");
    elsewhere.get(&page).await.shows("Your password");
    elsewhere.post(&role, &[("role", "revoke")]).await.is(422);
    portal.pass(Duration::minutes(10) - Duration::seconds(1));
    admin.post(&role, &[("role", "revoke")]).await.is(303);
    portal.pass(Duration::seconds(1));
    admin.post(&role, &[("role", "grant")]).await.is(422);
    admin.get(&page).await.shows("Your password");
}

/// Accounts are cheap: who has an address is not mailed by each that asks for it.
#[tokio::test]
async fn many_accounts_that_ask_for_one_address_mail_it_five_times() {
    let (portal, smtp) = Portal::start_with_mail().await;
    for number in 0..7 {
        let dev = portal.developer(&format!("dev{number}@portal.example")).await;
        let email = if number % 2 == 0 { "ana@contoso.example" } else { "ANA@contoso.example" };
        dev.post("/account/email", &[("email", email), ("password", PASSWORD)]).await.is(303);
    }
    portal.send_mails().await;
    assert_eq!(smtp.to("ana@contoso.example").len() + smtp.to("ANA@contoso.example").len(), 5);
    assert_eq!(smtp.to("dev6@portal.example").len(), 1);
}

#[tokio::test]
async fn a_change_of_address_that_waits_is_shown_and_withdrawn() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let dev = portal.developer("dev@portal.example").await;
    dev.get("/account").await.hides("Withdraw");
    dev.post("/account/email", &[("email", "new@portal.example"), ("password", PASSWORD)]).await.is(303);
    portal.send_mails().await;
    let link = smtp.newest("new@portal.example").link().strip_prefix(&portal.base).unwrap().to_owned();
    dev.get("/account").await.shows("Withdraw").shows("new@<wbr>portal.");
    dev.post_and_follow("/account/email/withdraw", &[]).await.shows("your address stays as it is").hides("new@");
    portal.guest().post(&link, &[]).await.is(404);
    dev.post_and_follow("/account/email/withdraw", &[]).await.shows("No change of address waits");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "user.email_change_withdrawn").count(), 1);
}
