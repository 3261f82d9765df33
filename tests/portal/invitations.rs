//! Invitations: who is invited, what the list says, accepting, sending again, revoking.

use std::time::Instant;

use crate::support::{Browser, Portal, Reply, smtp::Smtp};
use portico::users::UserState;
use time::Duration;

const NEW: &str = "nine slow herons over water";

async fn link_to(portal: &Portal, smtp: &Smtp, email: &str) -> String {
    portal.send_mails().await;
    let link = smtp.newest(email).link();
    link.strip_prefix(&portal.base).unwrap_or_else(|| panic!("{link} leads elsewhere")).to_owned()
}

async fn invite(admin: &Browser, addresses: &str, groups: &[&str]) -> Reply {
    let mut form = vec![("addresses", addresses)];
    form.extend(groups.iter().map(|group| ("group", *group)));
    admin.post("/publisher/invite", &form).await
}

async fn accept(browser: &Browser, link: &str, first: &str) -> Reply {
    browser.post(link, &[("first_name", first), ("last_name", "Alves"), ("password", NEW), ("repeated", NEW)]).await
}

/// The name in addresses of whom the list of users finds.
async fn name_of(admin: &Browser, email: &str) -> String {
    let page = admin.get(&format!("/publisher/users?q={email}")).await;
    page.text.split("class=\"name\"><a href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a user").to_owned()
}

const BEGUN: &str = "select count(*) from memberships where source = 'invitation'";

#[tokio::test]
async fn whoever_is_invited_accepts_and_is_in_the_groups() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let group = portal.add_group("Partners").await;
    admin.get("/publisher/users").await.shows("href=\"/publisher/invite\"");
    admin.get("/publisher/invite").await.is(200).shows("Partners");
    let sent = invite(&admin, "Ana Alves <ana@contoso.example>; BEN@contoso.example\n", &[&group]).await;
    sent.is(303);
    assert!(sent.location().starts_with("/publisher/mail?batch="), "{}", sent.location());
    let progress = admin.get(sent.location()).await;
    progress.shows("Invited 2 people.").shows("2 mails of one action").shows("ana@<wbr>contoso.").shows("BEN@<wbr>contoso.");
    admin.get("/publisher/users?state=invited").await.shows("Ana Alves").shows("BEN@contoso.example").shows("badge info\">Invited");
    admin.get("/publisher/users?state=active").await.hides("Ana Alves");
    admin.get("/publisher/users?state=pending").await.shows("Ana Alves");
    assert_eq!(portal.count(BEGUN).await, 0, "memberships begin when the invitation is accepted");

    let link = link_to(&portal, &smtp, "ana@contoso.example").await;
    let text = smtp.newest("ana@contoso.example").text();
    assert!(text.contains("Root Admin invites you"), "{text}");
    let guest = portal.guest();
    guest.get(&link).await.is(200).shows("value=\"Ana\"").shows("ana@contoso.example");
    guest.get(&link).await.is(200);
    guest.post(&link, &[("first_name", ""), ("last_name", "Alves"), ("password", "short"), ("repeated", "")]).await.is(422);
    accept(&guest, &link, "Anna").await.is(303);
    guest.get("/account").await.is(200).shows("value=\"Anna\"").shows("Your account is open");
    assert_eq!(portal.count(BEGUN).await, 1);
    portal.send_mails().await;
    assert_eq!(smtp.newest("ana@contoso.example").header("Subject").expect("a subject"), "Welcome to Portico");
    accept(&portal.guest(), &link, "Other").await.is(410).shows("accepted already");
    admin.get(&name_of(&admin, "ana@contoso").await).await.shows("Anna Alves").shows("Active");
    admin.get("/publisher/users?state=invited").await.hides("Anna Alves").shows("BEN@contoso.example");
    let audited = portal.audited().await;
    for action in ["user.invited", "user.invitation_accepted"] {
        assert_eq!(audited.iter().filter(|known| *known == action).count(), 1, "{action}");
    }
    admin.get("/publisher/audit").await.shows("Anna Alves");
}

#[tokio::test]
async fn whoever_is_known_is_told_and_not_invited_twice() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let addresses = "new@portal.example, DEV@portal.example, new@portal.example";
    let first = invite(&admin, addresses, &[]).await;
    admin.get(first.location()).await.shows("Invited 1 person.").shows("dev@portal.example (active)");
    // Pressed twice.
    let second = invite(&admin, addresses, &[]).await;
    assert_eq!(second.location(), "/publisher/users?state=invited");
    admin.get(second.location()).await.shows("Nobody was invited.").shows("new@portal.example (invited), dev@portal.example (active)");
    assert_eq!(portal.count("select count(*) from mails").await, 1);
    let wrong = invite(&admin, "other@portal.example, no address", &[]).await;
    wrong.is(422).shows("“no address” is not an email address").shows("other@portal.example");
    invite(&admin, " \n", &[]).await.is(422).shows("Type whom to invite.");
    invite(&admin, "other@portal.example", &["developers"]).await.is(405);
    assert_eq!(portal.count("select count(*) from users").await, 3);
}

#[tokio::test]
async fn an_invitation_runs_out_is_sent_again_and_revoked() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let group = portal.add_group("Partners").await;
    invite(&admin, "Ana Alves <ana@contoso.example>", &[&group]).await.is(303);
    let first = link_to(&portal, &smtp, "ana@contoso.example").await;
    let page = name_of(&admin, "ana@contoso").await;
    admin.get(&page).await.shows("Invited").shows("works until").shows("Revoke invitation");
    admin.post_and_follow(&format!("{page}/invite-again"), &[]).await.shows("a moment ago");
    portal.pass(Duration::days(2));
    let admin = portal.signed_in("root@portal.example").await;
    portal.guest().get(&first).await.is(410).shows("two days");
    accept(&portal.guest(), &first, "Ana").await.is(410);
    // Run out, and invited still.
    admin.get("/publisher/users?state=invited").await.shows("Ana Alves");
    admin.get(&page).await.shows("has run out");
    admin.post_and_follow(&format!("{page}/invite-again"), &[]).await.shows("Sent 1 invitation again.");
    let second = link_to(&portal, &smtp, "ana@contoso.example").await;
    portal.guest().get(&first).await.is(404);
    portal.guest().get(&second).await.is(200);

    admin.post_and_follow(&format!("{page}/revoke-invitation"), &[]).await.shows("Revoked 1 invitation.");
    portal.guest().get(&second).await.is(404);
    accept(&portal.guest(), &second, "Ana").await.is(404);
    admin.get(&page).await.is(404);
    admin.get("/publisher/users?state=invited").await.hides("Ana Alves");
    for table in ["audit", "mails", "users"] {
        let statement = match table {
            "audit" => {
                "select count(*) from audit where lower(coalesce(before, '') || coalesce(after, '') || subject_name) like '%ana%alves%'"
            }
            "mails" => "select count(*) from mails where lower(to_email || text || html || subject || search_folded) like '%ana%'",
            _ => "select count(*) from users where lower(email || email_folded || search_folded || first_name) like '%ana%'",
        };
        assert_eq!(portal.count(statement).await, 0, "{table}");
    }
    // The address is free.
    invite(&admin, "ana@contoso.example", &[&group]).await.is(303);
    let third = link_to(&portal, &smtp, "ana@contoso.example").await;
    accept(&portal.guest(), &third, "Ana").await.is(303);
    assert_eq!(portal.count(BEGUN).await, 1);
}

#[tokio::test]
async fn in_bulk_those_who_are_invited_are_sent_again_or_revoked() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let dev = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    invite(&admin, "a@contoso.example, b@contoso.example, c@contoso.example", &[]).await.is(303);
    portal.send_mails().await;
    portal.pass(Duration::minutes(2));
    let name = async |email| name_of(&admin, email).await.rsplit('/').next().expect("a name").to_owned();
    let (a, b) = (name("a@contoso").await, name("b@contoso").await);
    let form = [("user", a.as_str()), ("user", b.as_str()), ("user", dev.as_str()), ("invitations", "send")];
    let sent = admin.post("/publisher/users/bulk", &form).await;
    assert!(sent.location().starts_with("/publisher/mail?batch="), "{} {}", sent.status, sent.location());
    admin.get(sent.location()).await.shows("Sent 2 invitations again.").shows("2 mails of one action");
    portal.send_mails().await;
    assert_eq!((smtp.to("a@contoso.example").len(), smtp.to("c@contoso.example").len()), (2, 1));
    let form = [("user", b.as_str()), ("user", dev.as_str()), ("invitations", "revoke")];
    admin.post_and_follow("/publisher/users/bulk", &form).await.shows("Revoked 1 invitation.");
    admin.post_and_follow("/publisher/users/bulk", &[("invitations", "revoke")]).await.shows("Nobody is ticked");
    // Everybody who matches: of those, the invited alone.
    admin.post_and_follow("/publisher/users/bulk", &[("all", "1"), ("invitations", "revoke")]).await.shows("Revoked 2 invitations.");
    assert_eq!(portal.count("select count(*) from users where state <> 'deleted'").await, 2);
    assert_eq!(portal.count("select cast(sum(number) as bigint) from user_counts where state <> 'deleted'").await, 2);
}

#[tokio::test]
async fn of_two_who_accept_at_once_one_does() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    invite(&admin, "ana@contoso.example", &[]).await.is(303);
    let link = link_to(&portal, &smtp, "ana@contoso.example").await;
    let (one, other) = (portal.guest(), portal.guest());
    let (one, other) = tokio::join!(accept(&one, &link, "One"), accept(&other, &link, "Other"));
    let mut status = [one.status, other.status];
    status.sort_unstable();
    assert_eq!(status, [303, 410]);
    assert_eq!(portal.count("select count(*) from mails where kind = 'new-developer'").await, 1);
}

#[tokio::test]
async fn a_thousand_are_invited_at_once() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let group = portal.add_group("Partners").await;
    let mut addresses: Vec<String> = (0..1000).map(|number| format!("Dev {number} <dev{number}@contoso.example>")).collect();
    let began = Instant::now();
    let sent = invite(&admin, &addresses.join("\n"), &[&group]).await;
    let took = began.elapsed();
    println!("count: 1,000 invited in {took:?}");
    sent.is(303);
    assert!(took.as_secs() < 10, "1,000 were invited in {took:?}");
    admin.get(sent.location()).await.shows("Invited 1,000 people.").shows("1,000 mails of one action");
    assert_eq!(portal.count("select count(*) from links").await, 1000);
    assert_eq!(portal.count("select count(*) from mails where secret is not null and state = 'waiting'").await, 1000);
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "user.invited").count(), 1);
    addresses.push("one@more.example".to_owned());
    invite(&admin, &addresses.join("\n"), &[]).await.is(422).shows("At most 1,000 addresses at once; these are 1001.");
}
