//! The arrows of the house, read off the `use` lines and paths of the sources. Each failure is the sentence that was broken.

use std::{fs, path::Path};

const FEATURES: [&str; 11] =
    ["groups", "users", "products", "apis", "subscriptions", "catalog", "gateway", "audit", "site", "providers", "scim"];

struct Source {
    /// `groups/store.rs`, below `src/`.
    path: String,
    /// The code without comments and without its unit tests.
    code: String,
}

impl Source {
    fn feature(&self) -> &str {
        self.path.split('/').next().unwrap_or("").trim_end_matches(".rs")
    }

    /// `store`, `pages`, `api` or the rest, which is the feature's `mod` room.
    fn room(&self) -> &str {
        let rest = self.path.split_once('/').map_or("", |(_, rest)| rest);
        let name = rest.split('/').next().unwrap_or("").trim_end_matches(".rs");
        match name {
            "store" | "pages" | "api" => name,
            _ => "mod",
        }
    }

    fn mentions(&self, word: &str) -> bool {
        let mut rest = self.code.as_str();
        while let Some(at) = rest.find(word) {
            let before = rest[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                return true;
            }
            rest = &rest[at + word.len()..];
        }
        false
    }

    /// Whether it reaches into a room of the crate, by path or in a `use` tree.
    fn reaches(&self, module: &str) -> bool {
        let flat: String = self.code.split_whitespace().collect();
        let in_tree = flat.split("usecrate::{").skip(1).any(|tree| {
            let tree = tree.split(';').next().unwrap_or("");
            top_level(tree).iter().any(|item| item.split(['{', ':', ' ']).next() == Some(module))
        });
        in_tree || self.mentions(&format!("crate::{module}"))
    }
}

/// The items of a `use` tree that are separated by commas outside braces.
fn top_level(tree: &str) -> Vec<String> {
    let (mut depth, mut items, mut item) = (0i32, Vec::new(), String::new());
    for character in tree.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(std::mem::take(&mut item));
                continue;
            }
            _ => {}
        }
        if depth < 0 {
            break;
        }
        item.push(character);
    }
    items.push(item);
    items
}

fn sources() -> Vec<Source> {
    fn collect(folder: &Path, below: &Path, sources: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, below, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let name = path.strip_prefix(below).expect("below").to_str().expect("UTF-8").to_owned();
                if name.contains("/tests") {
                    continue;
                }
                let text = text.split("#[cfg(test)]").next().unwrap_or("");
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
                sources.push(Source { path: name, code });
            }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&source, &source, &mut sources);
    assert!(sources.len() > 20, "the sources are read");
    sources
}

fn check(broken: impl Fn(&Source) -> Vec<String>) {
    let broken: Vec<String> =
        sources().iter().flat_map(|source| broken(source).into_iter().map(move |what| format!("src/{}: {what}", source.path))).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

fn of_feature(source: &Source, room: &str) -> bool {
    FEATURES.contains(&source.feature()) && source.room() == room
}

#[test]
fn an_operation_knows_no_http_and_no_html() {
    check(|source| {
        let words = ["actix_web", "actix_session", "actix_multipart", "askama"];
        if !of_feature(source, "mod") {
            return Vec::new();
        }
        let mut broken: Vec<String> =
            words.iter().filter(|word| source.mentions(word)).map(|word| format!("a mod.rs knows no {word}")).collect();
        if source.reaches("web") {
            broken.push("a mod.rs knows no `web`".to_owned());
        }
        broken
    });
}

#[test]
fn pages_and_api_know_no_sql() {
    check(|source| {
        let page = matches!(source.room(), "pages" | "api");
        if page && source.mentions("sqlx") { vec!["pages and api know no sqlx".to_owned()] } else { Vec::new() }
    });
}

#[test]
fn a_store_imports_no_other_store_no_web_and_no_auth() {
    check(|source| {
        if !of_feature(source, "store") {
            return Vec::new();
        }
        let mut broken = Vec::new();
        for module in FEATURES.iter().filter(|feature| **feature != source.feature()) {
            if source.mentions(&format!("{module}::store")) {
                broken.push(format!("a store imports no other store, and this one imports {module}'s"));
            }
        }
        for module in ["web", "auth"] {
            if source.reaches(module) {
                broken.push(format!("a store imports no `{module}`"));
            }
        }
        broken
    });
}

#[test]
fn a_store_writes_its_own_tables_only() {
    const OWNERS: [(&str, &str); 32] = [
        ("providers", "providers"),
        ("identities", "providers"),
        ("sign_in_attempts", "providers"),
        ("password_sign_in", "providers"),
        ("seen_groups", "groups"),
        ("provisioned_groups", "groups"),
        ("scim_users", "scim"),
        ("scim_emails", "scim"),
        ("logout_tokens", "providers"),
        ("groups", "groups"),
        ("memberships", "groups"),
        ("users", "users"),
        ("sign_up", "users"),
        ("products", "products"),
        ("product_groups", "products"),
        ("product_apis", "products"),
        ("product_order", "products"),
        ("apis", "apis"),
        ("operations", "apis"),
        ("version_sets", "apis"),
        ("api_changes", "apis"),
        ("subscriptions", "subscriptions"),
        ("sessions", "auth"),
        ("sign_in_failures", "auth"),
        ("setup_links", "auth"),
        ("links", "auth"),
        ("tokens", "auth"),
        ("shared_access", "auth"),
        ("key_changes", "gateway"),
        ("audit", "audit"),
        ("site", "site"),
        ("users_search", "db"),
    ];
    check(|source| {
        let mut broken = Vec::new();
        let flat = source.code.split_whitespace().collect::<Vec<_>>().join(" ");
        for (table, owner) in OWNERS {
            let writes = ["insert into ", "update ", "delete from "].iter().any(|verb| {
                flat.split(&format!("{verb}{table}")).skip(1).any(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            });
            if writes && source.feature() != owner {
                broken.push(format!("a store writes its own feature's tables only, and {table} belongs to {owner}"));
            }
        }
        broken
    });
}

#[test]
fn only_the_catalogue_decides_sight() {
    check(|source| {
        let decides = source.mentions("product_groups") && (source.mentions("memberships") || source.mentions("gm.group_id"));
        // The groups' own room deletes and counts both, without deciding anything by them.
        if decides && source.path != "catalog/store.rs" && !source.path.starts_with("catalog/store/") && source.feature() != "groups" {
            vec!["only catalog/store.rs joins product visibility to memberships".to_owned()]
        } else {
            Vec::new()
        }
    });
}

#[test]
fn dynamic_sql_is_put_together_in_one_place() {
    check(|source| {
        if source.mentions("AssertSqlSafe") && source.path != "db/select.rs" {
            vec!["AssertSqlSafe occurs in db/select.rs only".to_owned()]
        } else {
            Vec::new()
        }
    });
}

#[test]
fn who_may_call_is_made_in_auth_alone() {
    const MAKERS: [(&str, &[&str]); 4] = [
        ("auth::operator(", &["cli", "demo"]),
        ("auth::system(", &["auth", "demo", "app"]),
        ("auth::provider(", &["providers"]),
        ("auth::let_in(", &["providers"]),
    ];
    check(|source| {
        MAKERS
            .iter()
            .filter(|(maker, rooms)| source.mentions(maker) && !rooms.contains(&source.feature()))
            .map(|(maker, rooms)| format!("{maker}) is called in {} only", rooms.join(", ")))
            .collect()
    });
}

#[test]
fn the_audit_log_calls_no_feature() {
    check(|source| {
        if source.feature() != "audit" || source.room() == "pages" {
            return Vec::new();
        }
        FEATURES
            .iter()
            .filter(|feature| **feature != "audit" && source.reaches(feature))
            .map(|feature| format!("audit calls no feature, and this calls {feature}"))
            .collect()
    });
}

#[test]
fn every_file_says_what_it_is_for() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in sources() {
        let text = fs::read_to_string(source.join(&entry.path)).expect("UTF-8");
        let lines = text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!((1..=6).contains(&lines), "src/{}: every file opens with one to four lines of //!, not {lines}", entry.path);
        assert!(
            text.lines().count() <= 600,
            "src/{}: a file past about 300 lines becomes a folder; this has {}",
            entry.path,
            text.lines().count()
        );
    }
}

#[test]
fn templates_escape_everything() {
    fn walk(folder: &Path, broken: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, broken);
                continue;
            }
            let text = fs::read_to_string(&path).expect("UTF-8");
            for word in ["|safe", "| safe", "escape(\"none\")", "<style", " style=", "onclick", "javascript:"] {
                if text.contains(word) {
                    broken.push(format!("{}: {word}", path.display()));
                }
            }
        }
    }
    let mut broken = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"), &mut broken);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn style_and_script_stay_light() {
    for (file, most) in [("css/portico.css", 30_000), ("js/portico.js", 15_000)] {
        let size = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("static").join(file)).expect("a file").len();
        assert!(size <= most, "static/{file} has {size} bytes, and may have {most}");
    }
}
