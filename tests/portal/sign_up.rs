//! Signing up: the form, the link, the terms, and that nobody learns who has an account.

use std::time::Instant;

use crate::support::{Browser, PASSWORD, Portal, Reply, smtp::Smtp};
use portico::{
    auth,
    users::{UserState, sign_up},
};
use time::Duration;

const NEW: &str = "nine slow herons over water";
const TERMS: &str = "Be *kind* to the API.";

async fn allow(portal: &Portal, terms: &str) {
    let version = sign_up::settings(&mut portal.db().read().await.unwrap()).await.unwrap().version;
    sign_up::set(portal.db(), &auth::operator(), version, true, terms).await.unwrap();
}

async fn open(terms: &str) -> (Portal, Smtp) {
    let (portal, smtp) = Portal::start_with_mail().await;
    allow(&portal, terms).await;
    (portal, smtp)
}

async fn sign_up(browser: &Browser, email: &str) -> Reply {
    browser.post("/signup", &[("email", email), ("first_name", "Ana"), ("last_name", "Alves")]).await
}

/// What the page of a link sends.
fn chosen(password: &str) -> [(&'static str, &str); 4] {
    [("first_name", "Ana"), ("last_name", "Alves"), ("password", password), ("repeated", password)]
}

/// Which terms a page shows.
fn shown_terms(page: &Reply) -> String {
    page.text.split("name=\"shown_terms\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("terms").to_owned()
}

/// Sends what is due; the path of the link in the newest mail to this address.
async fn link_to(portal: &Portal, smtp: &Smtp, email: &str) -> String {
    portal.send_mails().await;
    let link = smtp.newest(email).link();
    link.strip_prefix(&portal.base).unwrap_or_else(|| panic!("{link} leads elsewhere")).to_owned()
}

async fn user_page(admin: &Browser, email: &str) -> String {
    let page = admin.get(&format!("/publisher/users?q={email}")).await;
    let name = page.text.split("href=\"/publisher/users/").nth(1).and_then(|rest| rest.split('"').next()).expect("a user");
    format!("/publisher/users/{name}")
}

#[tokio::test]
async fn it_is_off_until_an_administrator_allows_it() {
    let portal = Portal::start().await;
    let (admin, guest) = (portal.administrator().await, portal.guest());
    guest.get("/signin").await.is(200).hides("/signup").shows("Ask the people who run this portal");
    guest.get("/signup").await.is(404);
    sign_up(&guest, "ana@contoso.example").await.is(404);
    admin.get("/publisher/settings").await.shows("/publisher/settings/sign-up");
    let page = "/publisher/settings/sign-up";
    admin.get(page).await.is(200).hides("checked");
    let preview = admin.post(page, &[("version", "1"), ("terms", TERMS), ("preview", "on")]).await;
    preview.is(200).shows("Be <em>kind</em>").shows("Be *kind*").hides("checked");
    let form = [("version", "1"), ("allowed", "on"), ("terms", TERMS)];
    admin.post_and_follow(page, &form).await.shows("Strangers can sign up");
    admin.post(page, &[("version", "1"), ("terms", "others")]).await.is(409).shows("Somebody else saved this").shows("others");
    admin.post_and_follow(page, &[("version", "2"), ("allowed", "on"), ("terms", TERMS)]).await.shows("Nothing was different");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "portal.sign_up_edited").count(), 1);
    guest.get("/signin").await.shows("href=\"/signup\"");
    guest.post("/signin", &[]).await.is(422).shows("href=\"/signup\"");
    guest.get("/signup").await.is(200).shows("Be <em>kind</em>");
    portal.developer("dev@portal.example").await.get("/signup").await.is(303);
    admin.post(page, &[("version", "2"), ("terms", "")]).await.is(303);
    guest.get("/signup").await.is(404);
}

#[tokio::test]
async fn a_stranger_signs_up_confirms_and_is_in() {
    let (portal, smtp) = open(TERMS).await;
    let (admin, guest) = (portal.administrator().await, portal.guest());
    admin.post("/publisher/notifications/sign_up", &[("version", "1"), ("every", "on")]).await.is(303);
    let form = guest.get("/signup").await;
    form.hides("type=\"password\"");
    let mark = shown_terms(&form);
    sign_up(&guest, "Ana@Contoso.example").await.is(422).shows("Accept the terms of use").shows("Ana@Contoso.example");
    let fields = [("email", "Ana@Contoso.example"), ("first_name", "Ana"), ("last_name", "Alves"), ("terms", "on")];
    let with = |mark: String| {
        let guest = guest.clone();
        async move { guest.post("/signup", &[&fields[..], &[("shown_terms", mark.as_str())]].concat()).await }
    };
    with("0123456789abcdef".to_owned()).await.is(422).shows("were changed since this page was shown");
    assert_eq!(portal.count("select count(*) from users").await, 1);
    let sent = with(mark.clone()).await;
    sent.is(303);
    guest.get(sent.location()).await.is(200).shows("Look into your mail");
    // Pressed twice: one account, one mail.
    with(mark).await.is(303);
    let link = link_to(&portal, &smtp, "Ana@Contoso.example").await;
    assert_eq!(smtp.to("Ana@Contoso.example").len(), 1);
    assert!(link.starts_with("/confirm/") && link.len() > 50, "{link}");
    let account = user_page(&admin, "ana@contoso").await;
    admin.get(&account).await.shows("Pending").hides("accepted");
    let early = guest.post("/signin", &[("email", "ana@contoso.example"), ("password", NEW)]).await;
    early.is(422).shows("Open the link in the mail");

    // Looking changes nothing.
    for _ in 0..2 {
        let page = guest.get(&link).await;
        page.is(200).shows("value=\"Alves\"").shows("Contoso.example").shows("Be <em>kind</em>").hides("were changed since");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
    }
    let empty = guest.post(&link, &[]).await;
    empty.is(422).shows("The first name is missing.").shows("at least 12").shows("The terms of use were changed since this page was shown");
    let with = |first: &'static str, password: &'static str, repeated: &'static str, mark: String| {
        let guest = guest.clone();
        let link = link.clone();
        async move {
            let fields = [("first_name", first), ("last_name", "Alvares"), ("password", password), ("repeated", repeated)];
            guest.post(&link, &[&fields[..], &[("shown_terms", mark.as_str())]].concat()).await
        }
    };
    let mark = shown_terms(&guest.get(&link).await);
    with("Anna", "Anna-Alvares-2026", "Anna-Alvares-2026", mark.clone()).await.is(422).shows("guessed early").shows("value=\"Anna\"");
    with("Anna", NEW, PASSWORD, mark.clone()).await.is(422).shows("value=\"Alvares\"").hides(NEW);
    // Other terms since, which are told before anything is opened.
    let others = [("version", "2"), ("allowed", "on"), ("terms", "Be *gentle* to the API.")];
    admin.post("/publisher/settings/sign-up", &others).await.is(303);
    with("Anna", NEW, NEW, mark).await.is(422).shows("Read them again").shows("Be <em>gentle</em>");
    let page = guest.get(&link).await;
    page.shows("The terms of use were changed since somebody signed up");
    guest.get("/account").await.is(303);
    let done = with("Anna", NEW, NEW, shown_terms(&page)).await;
    assert_eq!((done.status, done.location()), (303, "/"));
    guest.get("/").await.shows("your account is open");
    guest.get("/account").await.is(200).shows("Ana@Contoso.example");
    portal.guest().get(&link).await.is(410).shows("This link was used");
    portal.guest().post(&link, &chosen(NEW)).await.is(410);
    portal.send_mails().await;
    assert!(smtp.newest("Ana@Contoso.example").text().contains("is open"));
    assert!(smtp.newest("root@portal.example").text().contains("Anna Alvares (Ana@Contoso.example) signed up"));
    admin.get(&account).await.shows("Active").shows("accepted").shows("Be <em>gentle</em>");
    let audited = portal.audited().await;
    for action in ["user.signed_up", "user.sign_up_confirmed"] {
        assert_eq!(audited.iter().filter(|done| *done == action).count(), 1, "{action}");
    }
    admin.post(&format!("{account}/block"), &[]).await.is(303);
    guest.get("/account").await.is(303);
}

#[tokio::test]
async fn nobody_learns_which_addresses_are_known() {
    let (portal, smtp) = open("").await;
    portal.add_user("blocked@portal.example", "B", "Locked", UserState::Blocked, false).await;
    portal.add_user("pending@portal.example", "P", "Ending", UserState::Pending, false).await;
    portal.developer("dev@portal.example").await;
    let mut answers = Vec::new();
    let turns = portal.state.passwords.turns();
    let emails = ["dev@portal.example", "nobody@portal.example", "blocked@portal.example", "pending@portal.example"];
    for email in emails {
        let began = Instant::now();
        let reply = sign_up(&portal.guest(), email).await;
        assert!(began.elapsed().as_millis() >= 250, "{email} was answered too soon");
        answers.push((reply.status, reply.location().to_owned(), reply.text));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(portal.state.passwords.turns() - turns, 0, "the same work for each");
    portal.send_mails().await;
    assert!(smtp.newest("dev@portal.example").text().contains("You have one already"));
    assert!(smtp.newest("dev@portal.example").text().contains(&format!("{}/signin", portal.base)));
    assert!(smtp.newest("nobody@portal.example").text().contains("confirm the address"));
    assert!(smtp.newest("pending@portal.example").text().contains("confirm the address"));
    assert!(smtp.to("blocked@portal.example").is_empty());
    assert_eq!(portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await.status, 303);
}

/// However often a stranger asks in the owner's name, whatever reached the mailbox lets its owner in, and nobody else.
#[tokio::test]
async fn a_stranger_who_asks_first_keeps_no_owner_out() {
    for asks in [4, 7] {
        let (portal, smtp) = open("").await;
        let stranger = [("email", "ana@contoso.example"), ("first_name", "Mallory"), ("last_name", "Stranger")];
        for _ in 0..asks {
            portal.guest().post("/signup", &stranger).await.is(303);
            portal.pass(Duration::minutes(20));
            portal.send_mails().await;
        }
        sign_up(&portal.guest(), "ana@contoso.example").await.is(303);
        portal.send_mails().await;
        let links: Vec<String> = smtp.to("ana@contoso.example").iter().map(|mail| mail.link().replace(&portal.base, "")).collect();
        assert_eq!(links.len(), 5);
        for link in &links {
            portal.guest().get(link).await.is(200);
        }
        // The stranger's own: the owner corrects the name, and chooses a password that no stranger knows.
        let (ana, first, newest) = (portal.guest(), &links[0], &links[4]);
        ana.get(first).await.shows("value=\"Mallory\"");
        ana.post(if asks == 4 { newest } else { first }, &chosen(NEW)).await.is(303);
        ana.get("/account").await.is(200).shows("Ana").hides("Mallory");
        for link in &links[1..4] {
            portal.guest().post(link, &chosen("the stranger knows this one")).await.is(410).shows("the account is open");
        }
        let sign_in = [("email", "ana@contoso.example"), ("password", NEW)];
        portal.guest().post("/signin", &sign_in).await.is(303);
    }
}

/// Whoever types somebody else's address neither holds it nor learns from it.
#[tokio::test]
async fn a_sign_up_that_nobody_confirmed_gives_way_and_tells_nothing() {
    let (portal, smtp) = open("").await;
    let admin = portal.administrator().await;
    let stranger = "the stranger knows this one";
    let emails = ["ana@contoso.example", "ben@contoso.example", "cleo@contoso.example", "dan@contoso.example"];
    for email in emails {
        sign_up(&portal.guest(), email).await.is(303);
    }
    portal.developer("known@contoso.example").await;
    sign_up(&portal.guest(), "known@contoso.example").await.is(303);
    let strangers = link_to(&portal, &smtp, "ana@contoso.example").await;
    let sign_in = async |email: &str, password: &str| portal.guest().post("/signin", &[("email", email), ("password", password)]).await;
    let (new, known) = (sign_in("ana@contoso.example", stranger).await, sign_in("known@contoso.example", stranger).await);
    assert_eq!((new.status, new.text.replace("ana@", "known@")), (422, known.text));
    assert_eq!(portal.count("select count(*) from users where state = 'pending' and password_hash is not null").await, 0);

    // Invited, added, or put in place of another's address: the sign-up is gone.
    admin.post_and_follow("/publisher/invite", &[("addresses", "ana@contoso.example")]).await.shows("Invited 1 person.");
    let invitation = link_to(&portal, &smtp, "ana@contoso.example").await;
    portal.guest().get(&strangers).await.is(404);
    let name = [("first_name", "Ana"), ("last_name", "Alves"), ("password", NEW), ("repeated", NEW)];
    portal.guest().post(&invitation, &name).await.is(303);
    assert_eq!((sign_in("ana@contoso.example", stranger).await.status, sign_in("ana@contoso.example", NEW).await.status), (422, 303));
    let added = [("email", "ben@contoso.example"), ("first_name", "Ben"), ("last_name", "Berg"), ("password", NEW)];
    admin.post("/publisher/new/user", &added).await.is(303);
    assert_eq!(sign_in("ben@contoso.example", stranger).await.status, 422);
    let dev = portal.developer("dev@portal.example").await;
    dev.post("/account/email", &[("email", "cleo@contoso.example"), ("password", PASSWORD)]).await.is(303);
    let change = link_to(&portal, &smtp, "cleo@contoso.example").await;
    dev.post(&change, &[]).await.is(303);
    assert_eq!(sign_in("cleo@contoso.example", PASSWORD).await.status, 303);
    let edited =
        [("version", "2"), ("email", "dan@contoso.example"), ("first_name", "Dev"), ("last_name", "Eloper"), ("password", PASSWORD)];
    admin.post(&user_page(&admin, "cleo@").await, &edited).await.is(303);
    assert_eq!(sign_in("dan@contoso.example", PASSWORD).await.status, 303);
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "user.sign_up_forgotten").count(), 4);
    assert_eq!(portal.count("select count(*) from users where state = 'pending'").await, 0);
}

#[tokio::test]
async fn links_open_no_account_once_signing_up_is_switched_off() {
    let (portal, smtp) = open("").await;
    let admin = portal.administrator().await;
    sign_up(&portal.guest(), "ana@contoso.example").await.is(303);
    let link = link_to(&portal, &smtp, "ana@contoso.example").await;
    admin.post("/publisher/settings/sign-up", &[("version", "2"), ("terms", "")]).await.is(303);
    portal.guest().get(&link).await.is(404).shows("was switched off");
    portal.guest().post(&link, &chosen(NEW)).await.is(404).shows("was switched off");
    assert_eq!(portal.count("select count(*) from users where state = 'active'").await, 1);
    admin.post("/publisher/settings/sign-up", &[("version", "3"), ("allowed", "on")]).await.is(303);
    portal.guest().post(&link, &chosen(NEW)).await.is(303);
}

#[tokio::test]
async fn without_a_mail_server_people_are_told_whom_to_ask() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    admin.get("/publisher/settings/sign-up").await.shows("No mail server is set");
    allow(&portal, "").await;
    let guest = portal.guest();
    let reply = sign_up(&guest, "ana@contoso.example").await;
    guest.get(reply.location()).await.shows("sends no mail yet").hides("on its way");
    guest.get("/forgot?said=sent").await.shows("sends no mail yet").hides("on its way");
    portal.send_mails().await;
    let invited = admin.post("/publisher/invite", &[("addresses", "ben@contoso.example")]).await;
    let page = admin.get(invited.location()).await;
    page.shows("Invited 1 person. The mail is kept here, not sent").hides("flash good");
    portal.send_mails().await;
    let page = admin.get(invited.location()).await;
    let mail = page.text.split("href=\"/publisher/mail/").nth(1).and_then(|rest| rest.split('"').next()).expect("a mail");
    let mail = format!("/publisher/mail/{mail}");
    admin.get(&mail).await.shows("Kept here").hides("Attempts");
    admin.post(&format!("{mail}/link"), &[("password", PASSWORD)]).await.is(200).shows("data-copy=\"#link\"").shows("/invitation/");
}

#[tokio::test]
async fn asking_again_and_again_is_slowed_and_a_mailbox_is_not_flooded() {
    let (portal, smtp) = open("").await;
    for _ in 0..5 {
        sign_up(&portal.guest(), "ana@contoso.example").await.is(303);
    }
    let slowed = sign_up(&portal.guest(), "ana@contoso.example").await;
    slowed.is(429).shows("asked for too often").shows("ana@contoso.example");
    assert!(!slowed.header("retry-after").is_empty());
    for _ in 0..8 {
        portal.pass(Duration::minutes(20));
        sign_up(&portal.guest(), "ana@contoso.example").await.is(303);
    }
    portal.send_mails().await;
    assert_eq!(smtp.to("ana@contoso.example").len(), 5);
    portal.pass(Duration::days(1));
    sign_up(&portal.guest(), "ana@contoso.example").await.is(303);
    portal.send_mails().await;
    assert_eq!(smtp.to("ana@contoso.example").len(), 6);
    for number in 0..30 {
        let reply = sign_up(&portal.guest(), &format!("n{number}@portal.example")).await;
        assert!(reply.status == 303 || number >= 29, "{number}: {}", reply.status);
    }
    sign_up(&portal.guest(), "last@portal.example").await.is(429);
}

#[tokio::test]
async fn the_link_runs_out_and_what_nobody_confirmed_is_removed() {
    let (portal, smtp) = open("").await;
    let admin = portal.administrator().await;
    portal.add_user("pending@portal.example", "P", "Ending", UserState::Pending, false).await;
    for email in ["ana@contoso.example", "ben@contoso.example", "pending@portal.example"] {
        sign_up(&portal.guest(), email).await.is(303);
    }
    let link = link_to(&portal, &smtp, "ana@contoso.example").await;
    let bens = link_to(&portal, &smtp, "ben@contoso.example").await;
    // Whoever is activated by an administrator has confirmed nothing: a link to choose a password is mailed.
    let page = user_page(&admin, "ben@").await;
    admin.get(&page).await.shows("not confirmed");
    admin.post_and_follow(&format!("{page}/activate"), &[]).await.shows("The address is not confirmed").shows("is on its way to it");
    portal.guest().get(&bens).await.is(404);
    let sign_in =
        async |password: &str| portal.guest().post("/signin", &[("email", "ben@contoso.example"), ("password", password)]).await.status;
    assert_eq!(sign_in(NEW).await, 422);
    let reset = link_to(&portal, &smtp, "ben@contoso.example").await;
    assert!(reset.starts_with("/reset/"), "{reset}");
    portal.guest().post(&reset, &[("password", PASSWORD), ("repeated", PASSWORD)]).await.is(303);
    assert_eq!((sign_in(NEW).await, sign_in(PASSWORD).await), (422, 303));
    admin.get(&page).await.hides("not confirmed");
    portal.pass(Duration::days(2) - Duration::seconds(1));
    portal.guest().get(&link).await.is(200);
    portal.pass(Duration::seconds(1));
    portal.guest().get(&link).await.is(410).shows("has run out").shows("href=\"/signup\"");
    portal.guest().post(&link, &chosen(NEW)).await.is(410);
    let tidy = async || sign_up::tidy(portal.db(), &auth::system("test")).await.unwrap();
    assert_eq!(tidy().await, 0);
    portal.pass(Duration::days(8));
    assert_eq!(tidy().await, 1);
    assert_eq!(portal.count("select count(*) from users where state = 'deleted'").await, 1);
    assert_eq!(portal.count("select count(*) from mails where to_email like 'ana%' or text like '%Ana%' and user_id is null").await, 0);
    // One that an administrator added is theirs to remove.
    assert_eq!(portal.count("select count(*) from users where email = 'pending@portal.example' and state = 'pending'").await, 1);
    sign_up(&portal.guest(), "ana@contoso.example").await.is(303);
    assert_eq!(portal.count("select count(*) from users where email = 'ana@contoso.example'").await, 1);
}

#[tokio::test]
async fn whoever_is_invited_and_signs_up_is_in_the_groups_all_the_same() {
    let (portal, smtp) = open("").await;
    let admin = portal.administrator().await;
    portal.add_group("Partners").await;
    admin.post("/publisher/invite", &[("addresses", "ana@contoso.example"), ("group", "partners")]).await.is(303);
    let invitation = link_to(&portal, &smtp, "ana@contoso.example").await;
    sign_up(&portal.guest(), "ana@contoso.example").await.is(303);
    let link = link_to(&portal, &smtp, "ana@contoso.example").await;
    let (one, other) = (portal.guest(), portal.guest());
    let fields = chosen(NEW);
    let (one, other) = tokio::join!(one.post(&link, &fields), other.post(&link, &fields));
    let mut status = [one.status, other.status];
    status.sort_unstable();
    assert_eq!(status, [303, 410]);
    assert_eq!(portal.count("select count(*) from memberships where source = 'invitation'").await, 1);
    portal.guest().get(&invitation).await.is(404);
}

#[tokio::test]
async fn what_is_wrong_is_told_beside_its_field() {
    let (portal, _smtp) = open("").await;
    let guest = portal.guest();
    guest.post("/signup", &[]).await.is(422).shows("The email address is missing.").shows("The first name is missing.");
    let names = [
        ("https://evil.example", "reads as an address"),
        ("Prize: evil.example", "reads as an address"),
        ("Ana\u{202e}", "turns the direction"),
        ("Ana\u{2028}Bcc", "goes on one line"),
        ("=?utf-8?q?x?=", "may not have"),
        ("Ana\r\nBcc: x@evil.example", "goes on one line"),
    ];
    for (name, words) in names {
        let fields = [("email", "ana@contoso.example"), ("first_name", name), ("last_name", "Alves")];
        guest.post("/signup", &fields).await.is(422).shows(words);
    }
    // Addresses that are compared as another's, whose owner would be kept from it; and those that a mail program reads as another's.
    for email in [
        "ceo@stra\u{df}e.example",
        "\u{ff56}ictim@contoso.example",
        "\u{212a}im@contoso.example",
        "=?utf-8?q?x?=@contoso.example",
        "https://evil.example/1@contoso.example",
    ] {
        sign_up(&guest, email).await.is(422).shows("id=\"email-error\"");
    }
    sign_up(&guest, "no address").await.is(422).shows("not an email address");
    sign_up(&guest, &format!("{}@contoso.example", "a".repeat(250))).await.is(422).shows("254 characters");
    assert_eq!(portal.count("select count(*) from users").await, 0);
    assert_eq!(portal.count("select count(*) from mails").await, 0);
}

#[tokio::test]
async fn strangers_write_no_words_into_a_mailbox_and_few_mails() {
    let (portal, smtp) = open("").await;
    let guest = portal.guest();
    for (tag, status) in [(0, 303), (1, 303), (2, 303), (3, 303), (4, 303), (5, 429)] {
        let email = format!("victim+{tag}@contoso.example");
        let fields = [("email", email.as_str()), ("first_name", "Win EUR 5000!"), ("last_name", "Call now")];
        guest.post("/signup", &fields).await.is(status);
    }
    assert_eq!(portal.send_mails().await, 5);
    let mail = smtp.newest("victim+4@contoso.example");
    assert!(!mail.raw.contains("EUR") && !mail.raw.contains("Call") && mail.text().starts_with("Hello there,"), "{}", mail.raw);
}
