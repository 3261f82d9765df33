//! The audit log: what its page lists, how it narrows, what an entry shows, and what it never holds.

use crate::support::{PASSWORD, Portal, seed::Product};
use portico::users::UserState;
use time::Duration;

/// The address of the newest entry on a page of the log.
fn first_entry(page: &str) -> String {
    let rest = page.split("href=\"/publisher/audit/").nth(1).unwrap_or_else(|| panic!("an entry: {page}"));
    format!("/publisher/audit/{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn the_log_lists_the_newest_first_and_narrows() {
    let portal = Portal::start().await;
    let root = portal.administrator().await;
    portal.add_user("hedda@portal.example", "Hedda", "Holm", UserState::Active, true).await;
    root.post("/publisher/new/group", &[("display_name", "Beta testers"), ("description", "")]).await.is(303);
    portal.pass(Duration::days(2));
    // Sessions do not last that long.
    let (root, hedda) = (portal.signed_in("root@portal.example").await, portal.signed_in("hedda@portal.example").await);
    hedda.post("/publisher/new/group", &[("display_name", "Straße 100%"), ("description", "")]).await.is(303);

    let page = root.get("/publisher/audit").await;
    page.is(200).shows("Added group").shows("Root Admin").shows("Hedda Holm").shows("href=\"/publisher/groups/beta-testers\"");
    let place = |words: &str| page.text.find(words).unwrap();
    assert!(place(">Straße 100%") < place(">Beta testers"));
    for (query, shown, hidden) in [
        ("q=STRASSE", "Straße 100%</bdi></a>", "Beta testers</bdi></a>"),
        ("q=100%25", "Straße 100%</bdi></a>", "Beta testers</bdi></a>"),
        ("q=10_%25", "No change matches.", "Straße 100%</bdi></a>"),
        ("q=hedda", "Straße 100%</bdi></a>", "Beta testers</bdi></a>"),
        ("actor=root", "Beta testers</bdi></a>", "Straße 100%</bdi></a>"),
        ("action=user.created", "Added user", "Beta testers</bdi></a>"),
        ("kind=group", "Beta testers</bdi></a>", "<td data-label=\"What\">Added user"),
        ("to=2026-03-02", "Beta testers</bdi></a>", "Straße 100%</bdi></a>"),
        ("from=2026-03-03", "Straße 100%</bdi></a>", "Beta testers</bdi></a>"),
        ("from=2026-03-03&to=2026-03-03", "No change matches.", "Straße 100%</bdi></a>"),
        ("from=2026-03-04&to=2026-03-04", "Straße 100%</bdi></a>", "Beta testers</bdi></a>"),
        ("from=2027-01-01", "No change matches.", "Beta testers</bdi></a>"),
        ("from=yesterday", "Write the day as in 2026-03-02.", "No change matches."),
        ("from=2026-03-04&to=2026-03-02", "is before “From”", "Beta testers</bdi></a>"),
        ("action=widget.turned_round", "Widget turned round", "Beta testers</bdi></a>"),
        ("kind=group&actor=hedda&from=2026-03-04&q=stra", "Straße 100%</bdi></a>", "Beta testers</bdi></a>"),
    ] {
        root.get(&format!("/publisher/audit?{query}")).await.is(200).shows(shown).hides(hidden);
    }
    root.get("/publisher/audit?page=9").await.is(200).shows("no changes on this page");
}

/// Rare words come by the index, frequent ones by the order of the list, short ones by looking: the page is the same.
#[tokio::test]
async fn a_word_is_found_however_often_it_is_there() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for name in ["Harbour east", "Harbour \"west\"", "Har%our_"] {
        portal.add_group(name).await;
    }
    let many = "with recursive g (n) as (select 1 union all select n + 1 from g where n < 10050)
        insert into audit (name, at, actor_kind, actor_name, actor_folded, action, subject_kind, subject_name, subject_folded)
        select 'many-' || n, (select max(at) from audit), 'system', 'Tide table', 'tide table', case when n % 100 = 0 then 'group.edited' else 'group.created' end,
               'group', 'Buoy ' || n, 'buoy ' || n || case when n % 5 = 0 then ' red' else '' end from g";
    portal.run(&[many], vec![]).await;
    for (query, shown, hidden) in [
        ("q=harbour", "class=\"count\">2<", ">Buoy"),
        ("q=HARBOUR+e", "Harbour east", "west"),
        ("q=%22west%22", "class=\"count\">1<", "Harbour east"),
        ("q=r%25o", "class=\"count\">1<", "Harbour east"),
        ("q=bou", "class=\"count\">2<", ">Buoy"),
        ("q=ou", "class=\"count\">3<", ">Buoy"),
        ("q=buoy", "1–50 of 10,000+", "Harbour"),
        ("q=buoy&action=group.edited", "1–50 of 100<", "Harbour"),
        ("q=buoy&page=2", ">Buoy 10000<", ">Buoy 10001<"),
        ("q=red", "1–50 of 2,010<", ">Buoy 10049<"),
        ("q=buoy+77", "1–50 of 111<", ">Buoy 10050<"),
        ("actor=tide", "1–50 of 10,000+", "Harbour"),
        ("actor=tide&q=buoy+77", "1–50 of 111<", "Harbour"),
        ("actor=buoy", "No change matches.", ">Buoy"),
        ("q=tide+table+buoy", "No change matches.", ">Buoy"),
    ] {
        let page = admin.get(&format!("/publisher/audit?{query}")).await;
        assert!(page.status == 200 && page.text.contains(shown) && !page.text.contains(hidden), "{query}: {shown}, and no {hidden}");
    }
    portal.run(&["update audit set subject_folded = 'lighthouse' where subject_folded = 'harbour east'"], vec![]).await;
    portal.run(&["delete from audit where subject_folded like 'harbour %west%'"], vec![]).await;
    admin.get("/publisher/audit?q=harbour").await.shows("No change matches.");
    admin.get("/publisher/audit?q=lighthouse").await.shows("Harbour east");
}

#[tokio::test]
async fn a_long_log_comes_in_pages() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for number in 0..60 {
        portal.add_group(&format!("Group {number:02}")).await;
    }
    admin.get("/publisher/audit?kind=group").await.shows("1–50 of 60").shows(">Group 59").hides(">Group 09");
    admin.get("/publisher/audit?kind=group&page=2").await.shows("51–60 of 60").shows(">Group 09").hides(">Group 59");
}

#[tokio::test]
async fn an_entry_shows_before_beside_after() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Contoso").await;
    let edit = [("version", "1"), ("display_name", "Contoso <partners>"), ("description", "Companies that resell.")];
    admin.post("/publisher/groups/contoso", &edit).await.is(303);
    let log = admin.get("/publisher/audit").await;
    log.shows("Name, Description");
    let entry = admin.get(&first_entry(&log.text)).await;
    entry.is(200).shows("Edited group").shows("<del><bdi>Contoso</bdi></del>").shows("<ins><bdi>Contoso &#60;partners&#62;</bdi></ins>");
    entry.shows("<ins><bdi>Companies that resell.</bdi></ins>").hides("<partners>");

    admin.post("/publisher/groups/contoso/delete", &[]).await.is(303);
    let log = admin.get("/publisher/audit?kind=group").await;
    log.shows("Deleted group").hides("href=\"/publisher/groups/contoso\"");
    admin.get(&first_entry(&log.text)).await.shows("As it was").shows("Companies that resell.");
    // A new group may get the key of the deleted one; the old entries are still not about it.
    portal.pass(Duration::minutes(1));
    portal.add_group("Fabrikam").await;
    let log = admin.get("/publisher/audit?action=group.deleted").await;
    log.hides("href=\"/publisher/groups/fabrikam\"");
    admin.get("/publisher/audit/none").await.is(404);
}

#[tokio::test]
async fn members_are_named_fifty_at_most_and_what_was_undone_says_so() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Beta").await;
    let ana = portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    admin.post("/publisher/groups/beta/add-member", &[("who", "ana@contoso.example")]).await.is(303);
    let log = admin.get("/publisher/audit").await;
    log.shows("Added members to group").shows("1 user<");
    let entry = first_entry(&log.text);
    admin.get(&entry).await.shows("Ana Alves").shows(&format!("href=\"/publisher/users/{ana}\"")).hides("Undone");

    let name = entry.rsplit('/').next().unwrap();
    let undo = format!("/publisher/undo/{name}");
    admin.get(&entry).await.shows(&undo);
    admin.post(&undo, &[]).await.is(303);
    admin.get(&entry).await.shows("Undone").shows("By this change").hides(&undo);
    admin.get("/publisher/audit").await.shows(">Undone</span>");

    let mut users = Vec::new();
    for number in 0..53 {
        users.push(portal.add_user(&format!("u{number}@x.example"), "Person", &format!("N{number:02}"), UserState::Active, false).await);
    }
    let mut connection = portal.db().read().await.unwrap();
    let keys = portico::users::keys_of(&mut connection, &users).await.unwrap();
    drop(connection);
    portico::groups::add_members(portal.db(), &portico::auth::operator(), "beta", &keys).await.unwrap();
    let log = admin.get("/publisher/audit").await;
    log.shows("53 users");
    let page = admin.get(&first_entry(&log.text)).await;
    page.shows("+3 more");
    assert_eq!(page.text.matches("Person N").count(), 50);
}

#[tokio::test]
async fn no_entry_holds_a_secret() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let (second, third) = ("a second long password", "a third long password");
    let form = [("email", "ana@contoso.example"), ("first_name", "Ana"), ("last_name", "Alves"), ("password", second)];
    admin.post("/publisher/new/user", &form).await.is(303);
    let ana = portal.guest();
    ana.post("/signin", &[("email", "ana@contoso.example"), ("password", second)]).await.is(303);
    ana.post("/account/password", &[("current", second), ("password", third), ("repeated", third)]).await.is(303);
    portal.seed_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let held = ana.post("/products/orders/subscribe", &[("display_name", "Production")]).await.location().to_owned();
    let shown = ana.post(&format!("{held}/keys"), &[]).await;
    let keys: Vec<&str> = shown.text.split("-key\">").skip(1).filter_map(|part| part.split('<').next()).collect();
    assert_eq!(keys.len(), 2, "{}", shown.text);
    let path = admin
        .get("/publisher/users?q=ana")
        .await
        .text
        .split("href=\"/publisher/users/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let role = [("role", "grant"), ("password", PASSWORD)];
    admin.post(&format!("/publisher/users/{path}/role"), &role).await.is(303);

    let log = admin.get("/publisher/export/audit.jsonl").await;
    for action in ["user.created", "user.password_changed", "subscription.created", "subscription.keys_shown", "user.administrator_granted"]
    {
        log.shows(action);
    }
    for secret in [PASSWORD, second, third, "argon2"].iter().chain(&keys) {
        log.hides(secret);
        admin.get("/publisher/audit").await.hides(secret);
    }
}

#[tokio::test]
async fn the_log_is_written_to_files_as_it_is_filtered() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for name in ["=1+1", "Quoted \"name\", with a comma", "Last"] {
        admin.post("/publisher/new/group", &[("display_name", name), ("description", "")]).await.is(303);
    }
    admin.get("/publisher/audit?kind=group").await.shows("href=\"/publisher/export/audit.csv?kind=group\"");
    let csv = admin.get("/publisher/export/audit.csv?kind=group").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").starts_with("attachment; filename=\"portico-audit-20"), "{:?}", csv.headers);
    assert_eq!(csv.header("cache-control"), "no-store");
    csv.shows("id,at,actor_kind,").shows(",'=1+1,").shows("\"Quoted \"\"name\"\", with a comma\"").hides("user.created");
    assert_eq!(csv.text.lines().count(), 4);
    let lines = admin.get("/publisher/export/audit.jsonl?kind=group").await;
    let entries: Vec<serde_json::Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[0]["subject"], "Last");
    assert_eq!(entries[2]["after"]["display_name"], "=1+1");
    admin.get("/publisher/export/audit.csv?from=yesterday").await.is(400);

    // More entries than are read at a time.
    let many = "insert into audit (name, at, actor_kind, actor_name, action, subject_kind, subject_name, actor_folded, subject_folded)
        select 'n' || g.id || '-' || h.id || '-' || i.id || '-' || j.id || '-' || k.id || '-' || l.id, a.at, a.actor_kind, a.actor_name, a.action, 'api', a.subject_name, '', ''
        from audit a, groups g, groups h, groups i, groups j, groups k, groups l where a.id = (select max(id) from audit) and k.id < 3 and l.id < 2";
    portal.run(&[many], vec![]).await;
    let lines = admin.get("/publisher/export/audit.jsonl?kind=api").await;
    let names: std::collections::BTreeSet<String> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 6 * 6 * 6 * 6 * 2);
}

#[tokio::test]
async fn every_change_that_undo_takes_offers_it_and_leads_to_a_page() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Beta").await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    portal.import_api("Echo").await;
    portal.add_product("Orders").await;
    admin.post("/publisher/groups/beta/add-member", &[("who", "ana@contoso.example")]).await.is(303);
    admin.post("/publisher/products/orders/visibility", &[("listed", "developers"), ("group", "developers")]).await.is(303);
    admin.post("/publisher/products/orders/add-apis", &[("api", "echo")]).await.is(303);
    for action in ["group.members_added", "product.visibility_changed", "product.apis_added"] {
        assert!(portico::audit::words::UNDOABLE.contains(&action));
        let entry = first_entry(&admin.get(&format!("/publisher/audit?action={action}")).await.text);
        let undo = format!("/publisher/undo/{}", entry.rsplit('/').next().unwrap());
        admin.get(&entry).await.shows(&undo);
        // The page was drawn by a form that was refused: its address takes forms alone.
        let referrer = format!("{}/publisher/groups/beta/add-member", portal.base);
        let headers = [("sec-fetch-site", "same-origin"), ("referer", referrer.as_str())];
        let reply = admin.send(reqwest::Method::POST, &undo, &headers, crate::support::FORM, "").await;
        reply.is(303);
        admin.get(reply.location()).await.is(200).shows("Undone");
        admin.get(&entry).await.hides(&undo);
    }
    // A page that is drawn by such a form offers the theme, and goes back to where the form stands.
    let referrer = format!("{}/publisher/groups/beta?q=an", portal.base);
    let headers = [("sec-fetch-site", "same-origin"), ("referer", referrer.as_str())];
    let path = "/publisher/groups/beta/add-member";
    admin
        .send(reqwest::Method::POST, path, &headers, crate::support::FORM, "who=")
        .await
        .is(422)
        .shows("value=\"/publisher/groups/beta?q=an\"");
}

#[tokio::test]
async fn undo_leaves_alone_what_took_the_name_later() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let entry_of = async |action: &str| {
        first_entry(&admin.get(&format!("/publisher/audit?action={action}")).await.text).rsplit('/').next().unwrap().to_owned()
    };
    portal.add_group("Secret").await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    admin.post("/publisher/groups/secret/add-member", &[("who", "ana@contoso.example")]).await.is(303);
    let ana = admin
        .get("/publisher/users?q=ana")
        .await
        .text
        .split("href=\"/publisher/users/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    admin.post("/publisher/groups/secret/remove-members", &[("user", &ana)]).await.is(303);
    let removed = entry_of("group.members_removed").await;
    portal.add_product("Orders").await;
    let guests = [("listed", "guests"), ("group", "guests")];
    admin.post("/publisher/products/orders/visibility", &guests).await.is(303);
    admin.post("/publisher/products/orders/visibility", &[("listed", "guests"), ("shown", "guests")]).await.is(303);
    let closed = entry_of("product.visibility_changed").await;
    admin.post("/publisher/groups/secret/delete", &[]).await.is(303);
    admin.post("/publisher/products/orders/delete", &[]).await.is(303);
    portal.pass(Duration::seconds(1));
    portal.add_group("Secret").await;
    portal.add_product("Orders").await;
    admin.post("/publisher/products/orders/publish", &[]).await.is(303);
    for entry in [removed, closed] {
        admin.post(&format!("/publisher/undo/{entry}"), &[]).await.is(404);
    }
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
    portal.guest().get("/products/orders").await.is(404);
}

/// The words and what is recorded are the same set, so that every filter finds something and nothing is read from its code.
#[test]
fn every_recorded_action_has_words_and_no_other() {
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("audit/words.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap().lines().filter(|line| !line.trim_start().starts_with("//"));
                for part in code.flat_map(|line| line.split('"').skip(1).step_by(2)) {
                    let Some((noun, verb)) = part.split_once('.') else { continue };
                    let is_verb = !verb.is_empty() && verb.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                    if is_verb && portico::audit::words::KINDS.iter().any(|(kind, _)| *kind == noun) {
                        found.push(part.to_owned());
                    }
                }
            }
        }
    }
    let mut recorded = Vec::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut recorded);
    recorded.sort();
    recorded.dedup();
    let mut known: Vec<&str> = portico::audit::words::ACTIONS.iter().map(|(code, _)| *code).collect();
    known.sort();
    assert_eq!(recorded, known);
}
