//! Mails: the queue, what is sent and how, what they say, and who is told.

mod tls;

use portico::mail::{self, Kind, Mail, Recipient, Values, notifications::Event};
use time::Duration;

use crate::support::{PASSWORD, Portal, smtp::TAKEN};

/// Writes a mail as an operation does.
async fn write(portal: &Portal, email: &str, link: Option<&str>) -> String {
    let to = Recipient { email: email.to_owned(), first_name: "Ana".to_owned(), last_name: "Alves".to_owned(), ..Recipient::default() };
    let mail = Mail { link: link.map(str::to_owned), ..Mail::new(Kind::PasswordReset, to, Values::default().set("ValidFor", "2 hours")) };
    let mut tx = portal.db().write().await.unwrap();
    let name = mail::write(&mut tx, &portal.state.mail, mail).await.unwrap();
    tx.commit().await.unwrap();
    name
}

#[tokio::test]
async fn a_mail_travels_in_both_forms_and_its_link_is_forgotten() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let name = write(&portal, "ana@contoso.example", Some("http://portal.example/reset/s3cret")).await;
    let page = admin.get(&format!("/publisher/mail/{name}")).await;
    page.is(200).shows("Waiting").shows("(the link is in the mail alone)").hides("s3cret");

    assert_eq!(portal.send_mails().await, 1);
    assert_eq!(portal.send_mails().await, 0);
    let mail = smtp.newest("ana@contoso.example");
    assert_eq!(mail.from, "apis@contoso.example");
    assert_eq!(mail.header("From").unwrap(), "\"Contoso APIs\" <apis@contoso.example>");
    assert_eq!(mail.header("Subject").unwrap(), "A new password for Portico");
    assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(mail.header("Message-ID").unwrap(), format!("<{name}@contoso.example>"));
    assert!(mail.text().contains("Choose a new password: http://portal.example/reset/s3cret\n"), "{}", mail.text());
    assert!(mail.raw.contains("text/html"));
    admin.get(&format!("/publisher/mail/{name}")).await.shows("Sent").hides("s3cret").hides("/resend\"");
    assert_eq!(portal.count("select count(*) from mails where secret is not null").await, 0);
    // What held a link that works once is not sent again.
    admin.post(&format!("/publisher/mail/{name}/resend"), &[]).await.is(409).shows("works once");
}

#[tokio::test]
async fn without_a_server_mails_are_kept_to_be_read() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let name = write(&portal, "ana@contoso.example", Some("http://portal.example/reset/s3cret")).await;
    portal.send_mails().await;
    admin.get("/publisher/mail").await.is(200).shows("No mail server is set").shows("Kept here").hides("s3cret");
    // Whoever follows its link does what its reader may: it is for whoever gives the password once more, and in the log.
    let page = format!("/publisher/mail/{name}");
    admin.get(&page).await.is(200).shows("(the link is kept here)").shows("Your password").hides("s3cret");
    let link = format!("{page}/link");
    admin.post(&link, &[]).await.is(422).shows("Type your own password").hides("s3cret");
    admin.post(&link, &[("password", "not this one at all")]).await.is(422).shows("This is not your password").hides("s3cret");
    admin.post(&link, &[("password", PASSWORD)]).await.is(200).shows("http://portal.example/reset/s3cret");
    admin.get(&page).await.hides("s3cret").hides("Your password");
    admin.post(&link, &[]).await.is(200).shows("http://portal.example/reset/s3cret");
    portal.pass(Duration::minutes(10));
    admin.post(&link, &[]).await.is(422).hides("s3cret");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "mail.link_shown").count(), 2);
}

#[tokio::test]
async fn what_is_refused_now_is_tried_again_after_growing_pauses_and_given_up_visibly() {
    let (portal, smtp) = Portal::start_with_mail().await;
    portal.administrator().await;
    smtp.answers(|_, _| Some("451 4.3.0 come back later"));
    let name = write(&portal, "ana@contoso.example", None).await;
    let page = format!("/publisher/mail/{name}");
    let mut attempts = 0;
    for minutes in [1, 5, 15, 60, 120, 240, 480, 720, 720] {
        assert_eq!(portal.send_mails().await, 0);
        attempts += 1;
        // Sessions end during the longer pauses.
        let admin = portal.signed_in("root@portal.example").await;
        admin.get(&page).await.shows("come back later").shows("It is tried again").shows(&format!("<dd dir=\"auto\">{attempts}</dd>"));
        portal.pass(Duration::minutes(minutes) - Duration::seconds(1));
        assert_eq!(portal.send_mails().await, 0);
        assert_eq!(portal.count("select attempts from mails").await, attempts);
        portal.pass(Duration::seconds(1));
    }
    let admin = portal.signed_in("root@portal.example").await;
    portal.send_mails().await;
    admin.get(&page).await.shows("Failed").shows("come back later").hides("It is tried again");
    admin.get("/publisher/mail?state=failed").await.shows("Send 1 mail that failed again");
    smtp.answers(|_, _| TAKEN);
    admin.post_and_follow("/publisher/resend-failed-mail", &[]).await.shows("1 mail is sent again.");
    assert_eq!(portal.send_mails().await, 1);
    assert_eq!(smtp.to("ana@contoso.example").len(), 1);
    assert!(portal.audited().await.contains(&"mail.resent".to_owned()));
}

#[tokio::test]
async fn who_is_not_known_is_given_up_at_once_and_the_others_are_not_kept_waiting() {
    let (portal, smtp) = Portal::start_with_mail().await;
    smtp.answers(|_, to| if to == "nobody@contoso.example" { Some("550 5.1.1 no such user") } else { TAKEN });
    write(&portal, "nobody@contoso.example", None).await;
    write(&portal, "ana@contoso.example", None).await;
    assert_eq!(portal.send_mails().await, 1);
    assert_eq!(portal.count("select count(*) from mails where state = 'failed' and attempts = 1").await, 1);
    assert_eq!(portal.count("select count(*) from mails where state = 'sent'").await, 1);
}

#[tokio::test]
async fn a_server_that_is_away_delays_mails_and_nothing_else() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    smtp.answers(|_, _| None);
    for number in 0..5 {
        write(&portal, &format!("dev{number}@contoso.example"), None).await;
    }
    assert_eq!(portal.send_mails().await, 0);
    // The first one found out; the others were not even tried.
    assert_eq!(portal.count("select count(*) from mails where attempts > 0").await, 1);
    admin.get("/publisher/users").await.is(200);
    smtp.answers(|_, _| TAKEN);
    portal.pass(Duration::minutes(2));
    assert_eq!(portal.send_mails().await, 5);
}

#[tokio::test]
async fn half_of_a_hundred_refused_every_mail_is_sent_or_listed_as_failed() {
    let (portal, smtp) = Portal::start_with_mail().await;
    smtp.answers(|before, _| if before % 2 == 0 { Some("452 4.2.2 full") } else { TAKEN });
    for number in 0..100 {
        write(&portal, &format!("dev{number}@contoso.example"), None).await;
    }
    for _ in 0..12 {
        portal.send_mails().await;
        portal.pass(Duration::hours(13));
    }
    let sent = portal.count("select count(*) from mails where state = 'sent'").await;
    let failed = portal.count("select count(*) from mails where state = 'failed'").await;
    assert_eq!((sent + failed, smtp.delivered().len() as i64), (100, sent));
    assert!(sent > 90, "{sent}");
}

#[tokio::test]
async fn a_mail_whose_sender_died_is_sent_again_with_its_message_id_and_marked() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let name = write(&portal, "ana@contoso.example", None).await;
    // Another process had it, and is gone.
    portal
        .run(
            &["update mails set state = 'sending', attempts = 1, claimed_by = 'gone', claimed_until =", ""],
            vec![portal.db().now().plus(Duration::minutes(3)).into()],
        )
        .await;
    assert_eq!(portal.send_mails().await, 0);
    portal.pass(Duration::minutes(4));
    assert_eq!(portal.send_mails().await, 1);
    assert_eq!(smtp.newest("ana@contoso.example").header("Message-ID").unwrap(), format!("<{name}@contoso.example>"));
    admin.get(&format!("/publisher/mail/{name}")).await.shows("Perhaps twice").shows("may have come twice");
}

#[tokio::test]
async fn names_and_addresses_begin_no_header() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let to = Recipient {
        email: "ana@contoso.example".to_owned(),
        first_name: "Ana\r\nBcc: evil@evil.example".to_owned(),
        last_name: "<b>\"Alves\"".to_owned(),
        ..Recipient::default()
    };
    let values = Values::default().set("ProdName", "X\r\nBcc: evil@evil.example\r\n\r\nHello").set("SubName", "[a](http://evil.example)");
    let mut tx = portal.db().write().await.unwrap();
    mail::write(&mut tx, &portal.state.mail, Mail::new(Kind::SubscriptionActivated, to, values)).await.unwrap();
    tx.commit().await.unwrap();
    portal.send_mails().await;
    let mail = smtp.newest("ana@contoso.example");
    assert_eq!(mail.to, ["ana@contoso.example"]);
    assert_eq!(mail.header("Bcc"), None, "{}", mail.raw);
    assert!(mail.text().contains("[a](http://evil.example)"), "{}", mail.text());
    assert!(!mail.raw.contains("href=\"http://evil.example"), "{}", mail.raw);
}

#[tokio::test]
async fn what_mails_say_is_edited_previewed_tested_and_reset() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let page = "/publisher/mail-templates/new-developer";
    admin.get("/publisher/mail-templates").await.is(200).shows("New developer").hides("Edited");
    admin.get(page).await.is(200).shows("Welcome to $OrganizationName").shows("$DevPortalUrl");

    let wrong = [("version", "0"), ("subject", "Hi $Nickname"), ("body", "$ProdName")];
    admin
        .post(page, &wrong)
        .await
        .is(422)
        .shows("$Nickname is no parameter")
        .shows("$ProdName is no parameter")
        .shows("value=\"Hi $Nickname\"");
    let good = [("version", "0"), ("subject", "Hi $DevFirstName"), ("body", "Come *in*, $DevFirstName: $DevPortalUrl")];
    admin
        .post(&format!("{page}/preview"), &good)
        .await
        .is(200)
        .shows("Hi Ana")
        .shows("Come <em>in</em>, Ana")
        .shows("data-guard=\"dirty\"");
    admin.post(&format!("{page}/test"), &good).await.is(200).shows("A test is on its way to you.");
    portal.send_mails().await;
    let test = smtp.newest("root@portal.example");
    assert_eq!(test.header("Subject").unwrap(), "[Test] Hi Root");
    assert_eq!(portal.count("select count(*) from mail_templates").await, 0);

    admin.post_and_follow(page, &good).await.shows("Saved.").shows("Reset to default");
    // Somebody else had the page open.
    admin.post(page, &good).await.is(409).shows("Somebody else saved this text meanwhile");
    admin.post_and_follow(&format!("{page}/reset"), &[]).await.shows("The text is the default again.").hides("Reset to default");
    assert_eq!(
        portal.audited().await.into_iter().filter(|action| action.starts_with("mail.")).collect::<Vec<_>>(),
        ["mail.template_edited", "mail.template_reset"]
    );
    admin.get("/publisher/mail-templates/none").await.is(404);

    // A link that lets somebody in is sent to nobody else.
    let page = "/publisher/mail-templates/password-reset";
    for (subject, body, why) in [
        ("Hi", "Come back", "Without $ConfirmUrl nobody can do what this mail asks for."),
        ("Hi", "[Choose](https://evil.example/?u=$ConfirmUrl)", "$ConfirmUrl is an address of its own"),
        ("Hi $ConfirmUrl", "$ConfirmUrl", "The link goes into the text"),
    ] {
        admin.post(page, &[("version", "0"), ("subject", subject), ("body", body)]).await.is(422).shows(why);
    }
}

#[tokio::test]
async fn those_are_told_who_are_to_be() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    portal.administrator_named("second@portal.example", "Second", "Admin").await;
    let second: String = {
        let mut connection = portal.db().read().await.unwrap();
        let select = portico::db::Select::new(&connection, "select name from users where email = 'second@portal.example'");
        select.optional::<(String,)>(&mut connection).await.unwrap().unwrap().0
    };
    admin.get("/publisher/notifications").await.is(200).shows("Every administrator").shows("Nobody");
    let page = "/publisher/notifications/sign_up";
    let form = [("version", "1"), ("administrator", second.as_str()), ("addresses", "ops@contoso.example, not an address")];
    admin.post(page, &form).await.is(422).shows("“not” is not an email address.").shows("ops@contoso.example, not an address");
    let form = [
        ("version", "1"),
        ("administrator", second.as_str()),
        ("addresses", "ops@contoso.example\nOPS@contoso.example; second@portal.example"),
    ];
    admin.post_and_follow(page, &form).await.shows("Saved.").shows("1 administrator and 2 addresses");
    admin.post(page, &[("version", "1"), ("every", "on")]).await.is(409).shows("Somebody else saved this meanwhile");

    let values = Values::default().set("Developer", "Ana Alves").set("DeveloperEmail", "ana@contoso.example");
    let mut tx = portal.db().write().await.unwrap();
    mail::notifications::tell(&mut tx, &portal.state.mail, Event::SignUp, &values).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(portal.send_mails().await, 2);
    assert_eq!(smtp.newest("ops@contoso.example").header("Subject").unwrap(), "Ana Alves signed up");
    assert_eq!(smtp.to("second@portal.example").len(), 1);
    assert!(smtp.to("root@portal.example").is_empty());
}

#[tokio::test]
async fn blind_copies_go_with_what_holds_no_link() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    admin.post("/publisher/notifications/bcc", &[("version", "1"), ("addresses", "archive@contoso.example")]).await.is(303);
    write(&portal, "ana@contoso.example", None).await;
    write(&portal, "bo@contoso.example", Some("http://portal.example/reset/s3cret")).await;
    portal.send_mails().await;
    assert_eq!(smtp.newest("ana@contoso.example").to, ["ana@contoso.example", "archive@contoso.example"]);
    assert_eq!(smtp.newest("ana@contoso.example").header("Bcc"), None);
    assert_eq!(smtp.newest("bo@contoso.example").to, ["bo@contoso.example"]);
}

#[tokio::test]
async fn two_processes_send_each_mail_once() {
    let (portal, smtp) = Portal::start_with_mail().await;
    for number in 0..20 {
        write(&portal, &format!("dev{number}@contoso.example"), None).await;
    }
    let other = portal.beside().await;
    // The other process has the same settings.
    let post = portico::mail::Post::new(&portal.state.settings, portal.state.keys.clone()).unwrap();
    let (one, two) = tokio::join!(portal.send_mails(), mail::send::send_due(other.db(), &post));
    assert_eq!(one + two.unwrap(), 20);
    assert_eq!(smtp.delivered().len(), 20);
}

#[test]
fn a_wrong_mail_server_stops_the_start_and_no_password_is_said() {
    use portico::config::{Options, Settings};
    let check = |url: &str, from: Option<&str>| {
        let options = Options { smtp_url: Some(url.to_owned()), mail_from: from.map(str::to_owned), ..Options::default() };
        Settings::check(&options)
    };
    let from = Some("apis@contoso.example");
    for url in [
        "smtps://ana:hunter2@mail.example",
        "smtp://ana%40contoso.example:hunter2@mail.example:2525",
        "smtp://127.0.0.1:1025?tls=none",
        "smtp://[::1]:25?tls=none",
    ] {
        let settings = check(url, from).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"), "{url}");
    }
    for url in [
        "mail.example",
        "http://ana:hunter2@mail.example",
        "smtp://ana:hunter2@mail.example/x",
        "smtps://ana:hunter2@mail.example?tls=none",
        "smtp://:hunter2@mail.example",
    ] {
        let why = check(url, from).unwrap_err();
        assert!(why.starts_with("PORTICO_SMTP_URL must be") && !why.contains("hunter2"), "{why}");
    }
    assert!(check("smtp://mail.example", None).unwrap_err().contains("PORTICO_MAIL_FROM"));
    assert!(check("smtp://mail.example", Some("nobody")).unwrap_err().contains("PORTICO_MAIL_FROM must be an address"));
}

#[tokio::test]
async fn what_was_kept_is_sent_with_one_button_once_there_is_a_server() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    write(&portal, "ana@contoso.example", Some("http://portal.example/reset/s3cret")).await;
    write(&portal, "bo@contoso.example", None).await;
    portal.send_mails().await;
    admin.get("/publisher/mail").await.hides("kept here</button>");
    admin.post("/publisher/resend-kept-mail", &[]).await.is(409).shows("No mail server is set");
    // The same database, under a program that has a mail server.
    let smtp = crate::support::smtp::Smtp::start().await;
    let portal = portal.beside_with_mail(&smtp).await;
    let admin = admin.at(&portal.base);
    admin.get("/publisher/mail").await.shows("Send 2 mails kept here");
    admin.post_and_follow("/publisher/resend-kept-mail", &[]).await.shows("2 mails are sent again.").hides("kept here</button>");
    assert_eq!(portal.send_mails().await, 2);
    assert!(smtp.newest("ana@contoso.example").text().contains("/reset/s3cret"));
    admin.post_and_follow("/publisher/resend-kept-mail", &[]).await.shows("No mail is kept here");
}

#[tokio::test]
async fn who_is_told_may_be_written_with_a_name_and_what_is_no_address_is_explained() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let page = "/publisher/notifications/sign_up";
    let form = [("version", "1"), ("addresses", "Ana Alves <ana@contoso.example>\nbo@contoso.example; Ana <ANA@contoso.example>")];
    admin.post_and_follow(page, &form).await.shows("Saved.");
    assert_eq!(
        portal.count("select count(*) from notifications where addresses = '[\"ana@contoso.example\",\"bo@contoso.example\"]'").await,
        1
    );
    let bad = admin.post(page, &[("version", "2"), ("addresses", "Ana Alves <ana>")]).await;
    bad.is(422).shows("“ana” is not an email address.").shows("Ana Alves &#60;ana@contoso.example&#62;").shows("Ana Alves &#60;ana&#62;");
}
