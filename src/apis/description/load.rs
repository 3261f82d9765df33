//! From bytes to a tree: JSON or YAML, decided by content, with the place of what is broken.
//! `tree` sets the bounds; what the tree means is known to neither.

use serde::de::DeserializeSeed;
use serde_json::Value;

use super::tree::{Bounds, MAX_DEPTH, MAX_NODES, MAX_TEXT};
use super::{MAX_BYTES, Refusal, Syntax};

/// Reads the tree and says which notation it was in. A document that begins like JSON and is not
/// quite JSON (a trailing comma) is tried as YAML, of which JSON is a part.
pub(super) fn load(bytes: &[u8]) -> Result<(Value, Syntax), Refusal> {
    if bytes.len() > MAX_BYTES {
        let megabytes = MAX_BYTES / 1024 / 1024;
        return Err(Refusal::whole(format!("The description is larger than {megabytes} MB.")));
    }
    let text = as_text(bytes)?;
    let begin = text.trim_start();
    if begin.is_empty() {
        return Err(Refusal::whole("The description is empty."));
    }
    if begin.starts_with('<') {
        return Err(Refusal::whole(
            "This is a web page or XML; a description is JSON or YAML. Perhaps the address is that of a page about it.",
        ));
    }
    if !begin.starts_with(['{', '[']) {
        return yaml(text).map(|tree| (tree, Syntax::Yaml)).map_err(|(refusal, _)| refusal);
    }
    match json(text) {
        Ok(tree) => Ok((tree, Syntax::Json)),
        Err((refusal, Cause::Bound)) => Err(refusal),
        Err((refusal, Cause::Syntax)) => yaml(text).map(|tree| (tree, Syntax::Yaml)).map_err(|_| refusal),
    }
}

fn as_text(bytes: &[u8]) -> Result<&str, Refusal> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Refusal::whole("The file is in UTF-16; save it as UTF-8 and try again."));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            Err(Refusal::new(format!("line {line}"), "The file is not UTF-8 text; save it as UTF-8 and try again."))
        }
    }
}

/// Whether another notation is worth trying.
enum Cause {
    Syntax,
    Bound,
}

fn json(text: &str) -> Result<Value, (Refusal, Cause)> {
    let bounds = Bounds::new(false);
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = bounds.root().deserialize(&mut parser).and_then(|tree| parser.end().map(|()| tree));
    read.map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        if let Some(reason) = bounds.broken() {
            return (Refusal::new(place, reason), Cause::Bound);
        }
        let words = error.to_string();
        let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(before, _)| before);
        (Refusal::new(place, format!("This is not valid JSON: {words}.")), Cause::Syntax)
    })
}

/// Bytes of stack for reading YAML: a level of nesting takes more than 16 kB of it in a debug build, and
/// the 2 MB of a server's thread would end before [`MAX_DEPTH`] does. Pages are used when touched.
const YAML_STACK: usize = 16 * 1024 * 1024;

fn yaml(text: &str) -> Result<Value, (Refusal, Cause)> {
    deep(|| yaml_here(text)).unwrap_or_else(|refusal| Err((refusal, Cause::Bound)))
}

/// Does something that goes as deep as a document does, where there is room for it.
pub(super) fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Refusal> {
    let failed = || Refusal::whole("The description could not be read: the server is out of threads.");
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(YAML_STACK).spawn_scoped(scope, work).map_err(|_| failed())?;
        worker.join().map_err(|_| failed())
    })
}

fn yaml_here(text: &str) -> Result<Value, (Refusal, Cause)> {
    let bounds = Bounds::new(true);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            // One more than ours, so that ours says it.
            max_depth: MAX_DEPTH + 2,
            flow_nesting_limit: MAX_DEPTH + 2,
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_total_scalar_bytes: MAX_TEXT,
            max_recorded_anchor_bytes: MAX_TEXT,
            // One anchor that is used everywhere is honest; the other limits stop bombs.
            enforce_alias_anchor_ratio: false,
        },
        // YAML 1.2: "no" and "on" are words, and a country code is not a boolean.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        null_as_string: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |parser| bounds.root().deserialize(parser));
    read.map_err(|error| {
        let place = match error.location() {
            Some(at) if at.line() > 0 => format!("line {}, column {}", at.line(), at.column()),
            _ => String::new(),
        };
        if let Some(reason) = bounds.broken() {
            return (Refusal::new(place, reason), Cause::Bound);
        }
        let words = super::text::cut(&yaml_words(&error), 300);
        if let Some(breach) = words.strip_prefix("budget breached") {
            let reason = match breach {
                _ if breach.contains("Documents") => "This holds more than one document; a description is one.".to_owned(),
                _ if breach.contains("Depth") || breach.contains("Nesting") => super::tree::too_deep(),
                _ => super::tree::TOO_MUCH.to_owned(),
            };
            return (Refusal::new(place, reason), Cause::Bound);
        }
        if words.starts_with("recursion limit") {
            return (Refusal::new(place, super::tree::too_deep()), Cause::Bound);
        }
        if words.starts_with("alias replay") {
            return (Refusal::new(place, super::tree::TOO_MUCH), Cause::Bound);
        }
        (Refusal::new(place, format!("This is not valid YAML: {words}.")), Cause::Syntax)
    })
}

/// The parser's own words on one line, without the place, which stands beside them.
fn yaml_words(error: &serde_saphyr::Error) -> String {
    let words = error.without_snippet().to_string();
    let line = words.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or_default();
    let line = match line.strip_prefix("error: ") {
        Some(rest) => rest,
        None => line,
    };
    line.trim_end_matches(['.', ':', ' ']).to_owned()
}
