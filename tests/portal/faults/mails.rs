//! The program is killed while it sends mails to a server that refuses every other one: every mail is sent or listed as failed, and of
//! those that were on their way when it died each may have gone twice, under one Message-ID, and is marked.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant as Moment},
};

use portico::{
    db::{Instant, Select, Value},
    mail::{self, Kind, Mail, Recipient, Values},
    users::UserState,
};
use time::macros::datetime;

use super::{counted, rounds};
use crate::{
    program::{SECRET, Serving, portico},
    support::{
        Portal, database_url,
        smtp::{Smtp, TAKEN},
    },
};

/// To nobody whom the server knows.
const NOBODY: &str = "nobody@many.example";

fn start(folder: &tempfile::TempDir, url: &str, smtp: &Smtp) -> Serving {
    let mut command = portico(folder.path(), &[]);
    command.env("PORTICO_DATABASE_URL", url).env("PORTICO_SECRET_KEY", SECRET).env("PORTICO_LOG", "error");
    command.env("PORTICO_SMTP_URL", &smtp.url).env("PORTICO_MAIL_FROM", "apis@contoso.example");
    command.env("PORTICO_PUBLIC_URL", "http://portal.example").stderr(std::process::Stdio::null());
    Serving::start_open(command)
}

async fn fill(url: &str, mails: usize) {
    let portal = Portal::on(url).await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let mut tx = portal.db().write().await.unwrap();
    for number in 0..mails {
        let email = if number == 5 { NOBODY.to_owned() } else { format!("n{number}@many.example") };
        let to = Recipient { email, first_name: "Many".to_owned(), last_name: format!("N{number}"), ..Recipient::default() };
        mail::write(&mut tx, &portal.state.mail, Mail::new(Kind::NewDeveloper, to, Values::default())).await.unwrap();
    }
    tx.commit().await.unwrap();
    portal.db().close().await;
}

/// The pauses of what waits, and the claims of who is gone, run out. How many mails there are that are not settled.
async fn pass(portal: &Portal) -> i64 {
    let long_ago = || Value::from(Instant::new(datetime!(2020-01-01 00:00 UTC)));
    portal.run(&["update mails set next_at =", "where state = 'waiting'"], vec![long_ago()]).await;
    portal.count("select count(*) from mails where state in ('waiting', 'sending')").await
}

#[tokio::test]
async fn killed_while_sending_to_a_server_that_refuses_half() {
    let mails = rounds(60, 400);
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    fill(&url, mails).await;
    let smtp = Smtp::start().await;
    // Who is to be killed at the moment at which the server has a mail, and the program does not know it yet.
    let victim = Arc::new(Mutex::new(None::<u32>));
    let killed = Arc::new(Mutex::new(0_usize));
    let (mine, kills) = (victim.clone(), killed.clone());
    smtp.answers(move |before, to| {
        if to == NOBODY {
            return Some("550 5.1.1 no such user");
        }
        if before % 11 == 9
            && let Some(id) = mine.lock().unwrap().take()
        {
            assert!(Command::new("kill").arg("-9").arg(id.to_string()).status().unwrap().success());
            *kills.lock().unwrap() += 1;
            return TAKEN;
        }
        if before % 2 == 0 { Some("452 4.3.1 full") } else { TAKEN }
    });
    let times = 4;
    for _ in 0..times {
        let mut serving = start(&folder, &url, &smtp);
        *victim.lock().unwrap() = Some(serving.child.id());
        let portal = Portal::on(&url).await;
        let began = Moment::now();
        while serving.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "it is killed while there is something to send");
            pass(&portal).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // On PostgreSQL another process takes over what this one had, when its time is over.
        let long_ago = Value::from(Instant::new(datetime!(2020-01-01 00:00 UTC)));
        portal.run(&["update mails set claimed_until =", "where state = 'sending'"], vec![long_ago]).await;
        portal.db().close().await;
    }
    assert_eq!(*killed.lock().unwrap(), times);
    let _serving = start(&folder, &url, &smtp);
    let portal = Portal::on(&url).await;
    let began = Moment::now();
    while pass(&portal).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "the queue comes to its end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let mut arrived = BTreeMap::<String, usize>::new();
    for mail in smtp.delivered() {
        *arrived.entry(mail.header("Message-ID").unwrap()).or_default() += 1;
    }
    let mut connection = portal.db().read().await.unwrap();
    let kept = Select::new(&connection, "select name, message_id, state, maybe_twice from mails order by id")
        .all::<(String, String, String, bool)>(&mut connection)
        .await
        .unwrap();
    drop(connection);
    assert_eq!(kept.len(), mails);
    let (mut unsure, mut unknown) = (Vec::new(), 0);
    for (name, message_id, state, maybe_twice) in &kept {
        let times = arrived.remove(message_id).unwrap_or(0);
        match (state.as_str(), times) {
            ("sent", 1) => {}
            // Nobody's, or refused as often as is tried.
            ("failed", 0) => {}
            // It was taken when the sender died, perhaps once more when the next one did; afterwards it went again, or was refused until it
            // was given up.
            ("sent", 2..) | ("failed", 1..) => {
                assert!(maybe_twice, "{name} is {state}, arrived {times} times, and is not marked");
                unsure.push(name.clone());
                unknown += if state == "sent" { times - 1 } else { times };
            }
            _ => panic!("{name} is {state}, and arrived {times} times"),
        }
    }
    assert!(arrived.is_empty(), "what arrived is in the list: {arrived:?}");
    assert_eq!(unknown, times, "each kill left one delivery that nobody knew of");
    assert_eq!(kept.iter().filter(|mail| mail.3).count(), unsure.len(), "no other is marked");
    assert_eq!(portal.count("select count(*) from mails where state = 'failed' and to_email = 'nobody@many.example'").await, 1);
    let root = portal.signed_in("root@portal.example").await;
    root.get(&format!("/publisher/mail/{}", unsure[0])).await.is(200).shows("twice");
    root.get("/publisher/mail?state=failed").await.shows("nobody@");
    counted(&format!("{mails} mails to a server that refuses every other one, {times} times killed: {} are marked", unsure.len()));
}
