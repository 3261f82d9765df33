//! Templates in HTML, as programs write them: well-formed XML, of whose tree nothing is kept but what stands in the tables here. What is
//! mailed is written from the tree anew, so that no parser of HTML has to agree with ours.

use std::ops::ControlFlow;

use askama::filters::{Escaper, Html};
use pulldown_cmark::{BlockQuoteKind, CowStr, Event, HeadingLevel, LinkType, Tag, TagEnd};
use roxmltree::{Document, Node, ParsingOptions};

use super::render::{Piece, Values, fill_address, is_address, may_lead_to, pieces};
use crate::error::Problems;

/// Elements inside each other, and in all.
const DEEPEST: usize = 40;
const MOST: usize = 2_000;

/// Elements that are written as they are. Of others only what is in them is kept.
const KEPT: [&str; 42] = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "center",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "ins",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
];
const LIST: &str = "ul";
const VOID: [&str; 3] = ["br", "col", "hr"];
/// Of these nothing is kept.
const DROPPED: [&str; 14] =
    ["head", "title", "style", "script", "noscript", "template", "iframe", "object", "embed", "svg", "math", "textarea", "select", "audio"];
/// They stand in a line; the others begin and end one.
const INLINE: [&str; 16] = ["a", "abbr", "b", "code", "del", "em", "i", "ins", "s", "small", "span", "strong", "sub", "sup", "u", "font"];
/// Attributes that say how it looks, with a word or a number.
const ATTRIBUTES: [&str; 12] =
    ["align", "bgcolor", "border", "cellpadding", "cellspacing", "colspan", "dir", "height", "lang", "rowspan", "valign", "width"];
/// What a style may say. No value has an address, which would tell another server who reads the mail.
const STYLES: [&str; 26] = [
    "background-color",
    "border",
    "border-bottom",
    "border-radius",
    "border-top",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "line-height",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "vertical-align",
    "width",
];

fn parse(body: &str) -> Result<Document<'_>, roxmltree::Error> {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 20_000, ..ParsingOptions::default() };
    Document::parse_with_options(body.trim(), options)
}

/// Whether a text is a template: a document of XML, as the contract of the management API wants it.
pub(super) fn check(body: &str, problems: &mut Problems) {
    let document = match parse(body) {
        Ok(document) => document,
        Err(why) => return problems.add("body", format!("The text is not a document of well-formed XML: {why}.")),
    };
    let directive = |line: &str| ["#if", "#else", "#foreach", "#set"].iter().any(|word| line.trim_start().starts_with(word));
    if body.lines().any(directive) {
        problems.add("body", "There are no conditions and no loops here: a paragraph whose parameters are all empty goes by itself.");
    } else if too_much(document.root(), 0, &mut 0).is_break() {
        problems.add("body", "There are more than 2,000 elements, or more than 40 inside each other.");
    }
}

fn too_much(node: Node<'_, '_>, depth: usize, elements: &mut usize) -> ControlFlow<()> {
    for child in node.children().filter(Node::is_element) {
        *elements += 1;
        if depth >= DEEPEST || *elements > MOST {
            return ControlFlow::Break(());
        }
        too_much(child, depth + 1, elements)?;
    }
    ControlFlow::Continue(())
}

fn name(node: Node<'_, '_>) -> String {
    node.tag_name().name().to_ascii_lowercase()
}

fn is_kept(name: &str) -> bool {
    name == LIST || KEPT.contains(&name)
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.namespace().is_none() && attribute.name().eq_ignore_ascii_case(name)).map(|it| it.value())
}

/// White space in a row is one space, as it is shown.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_ascii_whitespace() {
            out.push(character);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// What it says, in the form in which Markdown is read: with its parameters, and without its looks.
pub(super) fn events(body: &str) -> Vec<Event<'static>> {
    let mut out = Vec::new();
    if let Ok(document) = parse(body) {
        say(document.root(), &mut out);
    }
    out
}

fn say(node: Node<'_, '_>, out: &mut Vec<Event<'static>>) {
    for child in node.children() {
        if child.is_text() {
            let text = collapsed(child.text().unwrap_or_default());
            let begins =
                matches!(out.last(), None | Some(Event::Start(Tag::Paragraph | Tag::Item | Tag::Heading { .. }) | Event::HardBreak));
            let text = if begins { text.trim_start() } else { text.as_str() };
            if !text.is_empty() {
                out.push(Event::Text(text.to_owned().into()));
            }
            continue;
        }
        let name = name(child);
        let (start, end) = match name.as_str() {
            _ if !child.is_element() || DROPPED.contains(&name.as_str()) => continue,
            "br" => {
                out.push(Event::HardBreak);
                continue;
            }
            "hr" => {
                out.push(Event::Rule);
                continue;
            }
            "a" if attribute(child, "href").is_some() => {
                let url = attribute(child, "href").unwrap_or_default().trim().to_owned();
                let link =
                    Tag::Link { link_type: LinkType::Inline, dest_url: url.into(), title: CowStr::Borrowed(""), id: CowStr::Borrowed("") };
                (link, TagEnd::Link)
            }
            "ol" => (Tag::List(Some(1)), TagEnd::List(true)),
            LIST => (Tag::List(None), TagEnd::List(false)),
            "li" => (Tag::Item, TagEnd::Item),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = HeadingLevel::H1;
                (Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() }, TagEnd::Heading(level))
            }
            "blockquote" => (Tag::BlockQuote(None::<BlockQuoteKind>), TagEnd::BlockQuote(None)),
            name if INLINE.contains(&name) => {
                say(child, out);
                continue;
            }
            "td" | "th" => {
                say(child, out);
                out.push(Event::Text(" ".into()));
                continue;
            }
            _ => (Tag::Paragraph, TagEnd::Paragraph),
        };
        out.push(Event::Start(start));
        say(child, out);
        out.push(Event::End(end));
    }
}

/// HTML with the values in it, as words: they become neither marks nor addresses but where an address stands. A paragraph that they leave
/// empty goes.
pub(super) fn write(body: &str, values: &Values) -> String {
    let mut out = String::with_capacity(body.len() * 2);
    if let Ok(document) = parse(body) {
        write_inside(document.root(), values, false, &mut out);
    }
    out.trim().to_owned()
}

fn write_inside(node: Node<'_, '_>, values: &Values, in_link: bool, out: &mut String) {
    for child in node.children() {
        if child.is_text() {
            write_words(child.text().unwrap_or_default(), values, in_link, out);
        } else if child.is_element() {
            write_element(child, values, in_link, out);
        }
    }
}

fn write_words(text: &str, values: &Values, in_link: bool, out: &mut String) {
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => escape(text, out),
            Piece::Parameter(name) if is_address(name) && !in_link && may_lead_to(values.get(name)) => {
                out.push_str("<a href=\"");
                escape(values.get(name), out);
                out.push_str("\">");
                escape(values.get(name), out);
                out.push_str("</a>");
            }
            Piece::Parameter(name) => escape(values.get(name), out),
        }
    }
}

fn write_element(node: Node<'_, '_>, values: &Values, in_link: bool, out: &mut String) {
    let name = name(node);
    if DROPPED.contains(&name.as_str()) {
        return;
    }
    // One inside another would end it.
    let is_link = name == "a" && !in_link;
    if !is_kept(&name) || (name == "a" && in_link) {
        return write_inside(node, values, in_link, out);
    }
    let before = out.len();
    out.push('<');
    out.push_str(&name);
    for attribute in node.attributes().filter(|attribute| attribute.namespace().is_none()) {
        let (attribute, value) = (attribute.name().to_ascii_lowercase(), attribute.value());
        let value = match attribute.as_str() {
            "style" => style(value),
            "href" if is_link => Some(fill_address(value.trim(), values)).filter(|url| may_lead_to(url)),
            known if ATTRIBUTES.contains(&known) => Some(value.trim().to_owned()).filter(|value| is_plain(value)),
            _ => None,
        };
        if let Some(value) = value {
            out.push_str(&format!(" {attribute}=\""));
            escape(&value, out);
            out.push('"');
        }
    }
    out.push('>');
    if VOID.contains(&name.as_str()) {
        return;
    }
    let inside = out.len();
    write_inside(node, values, in_link || is_link, out);
    if name == "p" && out[inside..].trim().is_empty() {
        out.truncate(before);
        return;
    }
    out.push_str(&format!("</{name}>"));
}

/// A word, a number or a colour: neither an address nor a parameter.
fn is_plain(value: &str) -> bool {
    value.len() <= 40 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"#%.-".contains(&byte))
}

/// The declarations of a style that are known, with values of words and numbers.
fn style(text: &str) -> Option<String> {
    let kept: Vec<String> = text
        .split(';')
        .filter_map(|declaration| declaration.split_once(':'))
        .map(|(property, value)| (property.trim().to_ascii_lowercase(), value.trim()))
        .filter(|(property, value)| {
            // Names of fonts stand in quotes, which then are around the whole of a name.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" #%.,-".contains(&byte);
            let unquoted = value.split(',').map(str::trim).all(|part| {
                let inside = part.strip_prefix('\'').and_then(|part| part.strip_suffix('\'')).unwrap_or(part);
                let inside = inside.strip_prefix('"').and_then(|part| part.strip_suffix('"')).unwrap_or(inside);
                !inside.is_empty() && inside.bytes().all(plain)
            });
            STYLES.contains(&property.as_str()) && unquoted
        })
        .map(|(property, value)| format!("{property}:{}", value.replace('"', "'")))
        .collect();
    (!kept.is_empty()).then(|| kept.join(";"))
}

/// Words: they become neither marks nor the end of an attribute.
fn escape(value: &str, out: &mut String) {
    // Nothing that is written to a text fails.
    let _ = Html.write_escaped_str(out, value);
}

#[cfg(test)]
mod tests;
