//! Every literal statement of the stores, prepared on the engine under test: a misspelt column fails here, not at a customer's.

use std::path::Path;

use crate::support::Portal;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

/// The literals that follow `sqlx::query…(`, with Rust's line continuations and escapes taken out.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in code.split("sqlx::query").skip(1) {
        let Some(open) = part.find('(') else { continue };
        let Some(text) = part[open + 1..].trim_start().strip_prefix('"') else { continue };
        let (mut literal, mut escaped) = (String::new(), false);
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match (escaped, character) {
                (true, '\n') => {
                    while characters.peek().is_some_and(|next| next.is_whitespace()) {
                        characters.next();
                    }
                    escaped = false;
                }
                (true, other) => {
                    literal.push(other);
                    escaped = false;
                }
                (false, '\\') => escaped = true,
                (false, '"') => break,
                (false, other) => literal.push(other),
            }
        }
        found.push(literal);
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let code = std::fs::read_to_string(&path).expect("UTF-8");
            found.extend(literals(&code).into_iter().map(|literal| (path.display().to_string(), literal)));
        }
    }
}

#[tokio::test]
async fn every_literal_statement_is_understood() {
    let portal = Portal::start().await;
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 30, "only {} statements were found", found.len());
    let mut wrong = Vec::new();
    for (file, statement) in found {
        let text = AssertSqlSafe(statement.clone()).into_sql_str();
        let prepared = match &mut portal.db().read().await.expect("a connection") {
            portico::db::Connection::Sqlite(held) => (&mut **held).prepare(text).await.map(drop),
            portico::db::Connection::Postgres(lent) => lent.lend().unwrap().0.prepare(text).await.map(drop),
        };
        if let Err(error) = prepared {
            wrong.push(format!("{file}: {error}\n  {statement}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every order of every list, up and down: each is a statement of its own, which runs here.
#[tokio::test]
async fn every_order_of_every_list_is_understood() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Partners").await;
    portal.import_api("Echo").await;
    let product = portal.add_product("Orders").await;
    portal.run(&["update products set published = true, subscription_required = true"], vec![]).await;
    let subscribers = format!("/publisher/products/{product}/subscribers");
    admin.post(&format!("/publisher/products/{product}/visibility"), &[("listed", "developers"), ("group", "developers")]).await.is(303);
    admin.post(&format!("/products/{product}/subscribe"), &[("display_name", "Mine")]).await.is(303);
    let mut orders = 0;
    for list in
        ["/publisher/groups", "/publisher/users", "/publisher/products", "/publisher/apis", "/publisher/subscriptions", &subscribers]
    {
        let page = admin.get(list).await;
        let columns: std::collections::BTreeSet<String> = page
            .text
            .split("?sort=")
            .skip(1)
            .filter_map(|rest| rest.split(['"', '&']).next())
            .map(|column| column.trim_start_matches('-').to_owned())
            .collect();
        assert!(columns.len() >= 2, "{list}: {columns:?}");
        for column in columns {
            for (order, direction) in [(column.clone(), "ascending"), (format!("-{column}"), "descending")] {
                admin.get(&format!("{list}?sort={order}")).await.is(200).shows(&format!("aria-sort=\"{direction}\""));
                orders += 1;
            }
        }
    }
    assert!(orders >= 40, "{orders}");
}
