//! The log as a file: CSV for a spreadsheet, JSON a line for programs. Written while it is read, so that a log of any length goes through.

use actix_web::{
    HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use futures_util::stream;
use serde::Serialize;
use serde_json::value::RawValue;

use super::ListQuery;
use crate::{
    app::Portal,
    audit::{
        Entry,
        store::{self, Filter},
    },
    auth::Administrator,
    error::Error,
    ids::AuditId,
    web::{Answer, form::Query},
};

/// Entries read at a time.
const BATCH: i64 = 500;

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

const HEADINGS: [&str; 11] =
    ["id", "at", "actor_kind", "actor", "action", "subject_kind", "subject_id", "subject", "before", "after", "undone_by"];

/// One line of JSON; `before` and `after` are the objects that the log holds.
#[derive(Serialize)]
struct Line<'e> {
    id: &'e str,
    at: String,
    actor_kind: &'e str,
    actor: &'e str,
    action: &'e str,
    subject_kind: &'e str,
    subject_id: Option<i64>,
    subject: &'e str,
    before: Option<&'e RawValue>,
    after: Option<&'e RawValue>,
    undone_by: Option<&'e str>,
}

fn raw(text: &Option<String>) -> Result<Option<&RawValue>, Error> {
    Ok(text.as_deref().map(serde_json::from_str).transpose()?)
}

fn json_line(entry: &Entry, out: &mut Vec<u8>) -> Result<(), Error> {
    let line = Line {
        id: &entry.name,
        at: entry.at.rfc3339(),
        actor_kind: &entry.actor_kind,
        actor: &entry.actor_name,
        action: &entry.action,
        subject_kind: &entry.subject_kind,
        subject_id: entry.subject_id,
        subject: &entry.subject_name,
        before: raw(&entry.before)?,
        after: raw(&entry.after)?,
        undone_by: entry.undone_by.as_deref(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.push(b'\n');
    Ok(())
}

/// A spreadsheet must not take what somebody called a group for a formula: such a cell begins with an apostrophe (OWASP, "CSV Injection").
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn csv_line(entry: &Entry, out: &mut csv::Writer<Vec<u8>>) -> Result<(), Error> {
    let subject = entry.subject_id.map(|id| id.to_string()).unwrap_or_default();
    let fields = [
        &entry.name,
        &entry.at.rfc3339(),
        &entry.actor_kind,
        &entry.actor_name,
        &entry.action,
        &entry.subject_kind,
        &subject,
        &entry.subject_name,
        entry.before.as_deref().unwrap_or_default(),
        entry.after.as_deref().unwrap_or_default(),
        entry.undone_by.as_deref().unwrap_or_default(),
    ];
    out.write_record(fields.map(|field: &str| harmless(field))).map_err(|error| Error::internal(error.to_string()))
}

fn lines(format: Format, entries: &[Entry], first: bool) -> Result<Vec<u8>, Error> {
    match format {
        Format::JsonLines => {
            let mut out = Vec::new();
            entries.iter().try_for_each(|entry| json_line(entry, &mut out))?;
            Ok(out)
        }
        Format::Csv => {
            let failed = |error: String| Error::internal(error);
            let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
            if first {
                out.write_record(HEADINGS).map_err(|error| failed(error.to_string()))?;
            }
            entries.iter().try_for_each(|entry| csv_line(entry, &mut out))?;
            out.into_inner().map_err(|error| failed(error.to_string()))
        }
    }
}

/// What is still to be written.
struct Rest {
    portal: Data<Portal>,
    filter: Filter,
    format: Format,
    /// The entries before this one; none is all of them.
    below: Option<AuditId>,
    first: bool,
}

async fn next(mut rest: Rest) -> Result<Option<(Bytes, Option<Rest>)>, Error> {
    let entries = store::batch(&mut rest.portal.db.read().await?, &rest.filter, rest.below, BATCH).await?;
    let written = lines(rest.format, &entries, rest.first)?;
    rest.first = false;
    rest.below = entries.last().map(|entry| entry.id);
    let more = i64::try_from(entries.len()).is_ok_and(|read| read == BATCH);
    Ok(Some((Bytes::from(written), more.then_some(rest))))
}

async fn export(portal: Data<Portal>, query: &ListQuery, format: Format) -> Answer {
    let (filter, problems) = query.filter();
    if !problems.is_empty() {
        return Err(Error::BadRequest("A day is written as in 2026-03-02.".to_owned()));
    }
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::JsonLines => ("application/jsonl", "jsonl"),
    };
    let file = format!("portico-audit-{}.{ending}", &portal.db.now().rfc3339()[..10]);
    let all = Rest { portal, filter, format, below: None, first: true };
    let body = stream::try_unfold(Some(all), async |rest| match rest {
        Some(rest) => next(rest).await,
        None => Ok(None),
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(body))
}

pub(super) async fn csv(_admin: Administrator, portal: Data<Portal>, Query(query): Query<ListQuery>) -> Answer {
    export(portal, &query, Format::Csv).await
}

pub(super) async fn json_lines(_admin: Administrator, portal: Data<Portal>, Query(query): Query<ListQuery>) -> Answer {
    export(portal, &query, Format::JsonLines).await
}
