//! The Audit pages of the publisher portal: the log with its filters, and one entry with what it changed.

mod export;

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;
use time::{Date, Duration, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    app::Portal,
    audit::{
        self, Entry,
        changes::{Cell, Changes, Line, People},
        store::{self, EntryRow, Filter},
        words,
    },
    auth::Administrator,
    db::Instant,
    error::{Error, Problems},
    ids,
    web::{
        self, Answer, Frame, Routes,
        filters::shortened,
        form::{Name, Query},
        paging::{Page, Pager},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/audit", list)
        .get("/publisher/export/audit.csv", export::csv)
        .get("/publisher/export/audit.jsonl", export::json_lines)
        .get("/publisher/audit/{name}", show);
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    page: Option<i64>,
    size: Option<i64>,
}

const DAY: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");

impl ListQuery {
    fn is_filtered(&self) -> bool {
        [&self.q, &self.actor, &self.action, &self.kind, &self.from, &self.to].iter().any(|text| !text.trim().is_empty())
    }

    /// What is not a day is said beside its field, and does not restrict.
    fn filter(&self) -> (Filter, Problems) {
        let mut problems = Problems::default();
        let mut day = |field: &'static str, text: &str| -> Option<Date> {
            let text = text.trim();
            if text.is_empty() {
                return None;
            }
            let day = Date::parse(text, DAY).ok().filter(|day| (1..9999).contains(&day.year()));
            if day.is_none() {
                problems.add(field, "Write the day as in 2026-03-02.");
            }
            day
        };
        let (from, to) = (day("from", &self.from), day("to", &self.to));
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            problems.add("to", "“To” is before “From”, so nothing can match.");
        }
        let filter = Filter {
            text: self.q.clone(),
            actor: self.actor.clone(),
            action: self.action.clone(),
            kind: self.kind.clone(),
            from: from.map(midnight),
            until: to.map(|day| midnight(day).plus(Duration::DAY)),
        };
        (filter, problems)
    }
}

/// The beginning of a day, in UTC as all times of the log.
fn midnight(day: Date) -> Instant {
    Instant::new(day.midnight().assume_utc())
}

/// One choice of a `<select>`.
struct Choice {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

fn choices(table: &'static [(&'static str, &'static str)], chosen: &str) -> Vec<Choice> {
    table.iter().map(|&(value, label)| Choice { value, label, chosen: value == chosen }).collect()
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct ListPage {
    frame: Frame,
    entries: Vec<EntryRow>,
    pager: Pager,
    actions: Vec<Choice>,
    /// An action that the words do not know, chosen by its address.
    other_action: String,
    kinds: Vec<Choice>,
    problems: Problems,
    query: ListQuery,
    /// The shown filter, for the files.
    asked: String,
}

async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let (filter, problems) = query.filter();
    let (entries, total) = store::list(&mut portal.db.read().await?, &filter, page.size, page.offset()).await?;
    let kept = [
        ("q", query.q.as_str()),
        ("actor", &query.actor),
        ("action", &query.action),
        ("kind", &query.kind),
        ("from", &query.from),
        ("to", &query.to),
    ];
    let asked = Pager::new(Page::new(None, None), total, "", &kept).here();
    let known = words::ACTIONS.iter().any(|(code, _)| *code == query.action);
    web::page(&ListPage {
        frame,
        entries,
        pager: Pager::new(page, total, "/publisher/audit", &kept),
        actions: choices(words::ACTIONS, &query.action),
        other_action: if known { String::new() } else { query.action.clone() },
        kinds: choices(words::KINDS, &query.kind),
        problems,
        query,
        asked,
    })
}

#[derive(Template)]
#[template(path = "audit/show.html")]
struct ShowPage {
    frame: Frame,
    row: EntryRow,
    changes: Changes,
    people: People,
    /// The entry that took this one back.
    undone_by: Option<String>,
    /// The log, narrowed to this subject's name.
    related: String,
}

impl ShowPage {
    /// "Added members to group Partners".
    fn title(&self) -> String {
        format!("{} {}", words::action(&self.row.action), shortened(&self.row.subject_name, 80))
    }

    /// Whether one click takes it back, while what was changed is there.
    fn can_be_undone(&self) -> bool {
        words::UNDOABLE.contains(&self.row.action.as_str()) && self.row.subject_path().is_some()
    }

    /// A line's words, and the page of the person it is about.
    fn line<'a>(&'a self, line: &'a Line) -> (String, &'a str) {
        match line {
            Line::Text(text) => (text.clone(), ""),
            Line::User(user) => match self.people.get(user) {
                Some((name, path)) => (name.clone(), path.as_str()),
                None => ("Somebody who is gone".to_owned(), ""),
            },
        }
    }

    fn lines<'a>(&'a self, cell: &'a Cell) -> Vec<(String, &'a str)> {
        cell.lines.iter().map(|line| self.line(line)).collect()
    }
}

async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let mut connection = portal.db.read().await?;
    let entry: Entry = audit::get(&mut connection, &name).await?;
    let row = store::find_row(&mut connection, entry.id).await?.ok_or(Error::NotFound)?;
    let changes = Changes::of(entry.before.as_deref(), entry.after.as_deref());
    let people = store::people(&mut connection, &changes.users()).await?;
    let undone_by = match &entry.undone_by {
        Some(by) => Some(match audit::get(&mut connection, by).await {
            Ok(entry) => format!("/publisher/audit/{}", ids::encode(&entry.name)),
            Err(_) => String::new(),
        }),
        None => None,
    };
    let related = format!("/publisher/audit?kind={}&q={}", ids::encode(&row.subject_kind), ids::encode(&row.subject_name));
    web::page(&ShowPage { frame, row, changes, people, undone_by, related })
}
