//! Names of operations: what stands in a URL. Ids, keys and the database are elsewhere.

use std::collections::HashSet;

use super::Operation;

/// Characters of an operation's name (REST's length).
const MAX_NAME: usize = 80;

/// A name for an operation, made of ASCII letters, digits, "-", "_" and ".", beginning with a
/// letter or digit, 1–80 characters: from its operationId, else from method and template. `taken`
/// holds the folded (lower case) names that the API has already; the new one is added to it.
pub fn operation_name(operation: &Operation, taken: &mut HashSet<String>) -> String {
    let mut base = operation.operation_id.as_deref().map(safe).unwrap_or_default();
    if base.is_empty() {
        base = safe(&format!("{} {}", operation.method.to_lowercase(), operation.url_template));
    }
    if base.is_empty() {
        "operation".clone_into(&mut base);
    }
    let mut name = base.clone();
    let mut number = 1_u64;
    while !taken.insert(name.to_lowercase()) {
        number += 1;
        let suffix = format!("-{number}");
        let room = MAX_NAME.saturating_sub(suffix.len());
        let kept: String = base.chars().take(room).collect();
        name = format!("{}{suffix}", kept.trim_end_matches(['-', '.', '_']));
    }
    name
}

/// Runs of anything else become one "-".
fn safe(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' => out.push(character),
            '-' | '_' | '.' if !out.is_empty() => out.push(character),
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
        if out.len() >= MAX_NAME {
            break;
        }
    }
    out.truncate(out.trim_end_matches(['-', '.']).len());
    out
}
