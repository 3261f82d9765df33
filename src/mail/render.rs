//! From a template in Markdown and the parameters' values to subject, plain text and HTML. Values never become Markdown or HTML.

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream, html};

use super::kinds::Kind;
use crate::ids;

/// Without control characters, which could begin another line of a header.
pub(super) fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Parameters that people choose themselves, so that strangers can put words into mails to others.
const NAMES: [&str; 4] = ["first_name", "last_name", "developer", "inviter"];

/// What the parameters of one mail stand for.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<(&'static str, String)>);

impl Values {
    /// The value goes on one line; of a person's name nothing becomes a link. Who has said none is called by the address.
    pub fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = one_line(&value.into());
        let value = if NAMES.contains(&name) && !ids::is_email(&value) { ids::spaced(&value) } else { value };
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value));
        self
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The samples of a kind, for a preview.
    pub fn samples(kind: Kind) -> Self {
        kind.facts().parameters().fold(Self::default(), |values, parameter| values.set(parameter.name, parameter.sample))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    /// The inside of a body; harmless wherever it is put.
    pub html: String,
}

/// A text cut at its parameters.
enum Piece<'t> {
    Text(&'t str),
    Parameter(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(open) = rest.find('{') {
        let inside = &rest[open + 1..];
        let length = inside.bytes().take_while(|byte| byte.is_ascii_lowercase() || *byte == b'_').count();
        if length > 0 && inside[length..].starts_with('}') {
            found.push(Piece::Text(&rest[..open]));
            found.push(Piece::Parameter(&inside[..length]));
            rest = &inside[length + 1..];
        } else {
            found.push(Piece::Text(&rest[..=open]));
            rest = inside;
        }
    }
    found.push(Piece::Text(rest));
    found
}

/// Lists and quotations inside each other, beyond which nobody reads and the text grows with the square of its length.
const DEEPEST: usize = 12;

/// Whether lists, quotations and the like are inside each other more deeply than a mail needs.
pub fn is_too_deep(body: &str) -> bool {
    let mut depth = 0_usize;
    Parser::new_ext(body, Options::ENABLE_STRIKETHROUGH).any(|event| {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > 2 * DEEPEST
    })
}

/// How a text uses `{link}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkUse {
    None,
    Whole,
    /// As a part of another address, whose server would then learn it.
    InsideAnother,
}

pub fn link_use(body: &str) -> LinkUse {
    let mut found = LinkUse::None;
    for event in TextMergeStream::new(Parser::new_ext(body, Options::ENABLE_STRIKETHROUGH)) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                let url = dest_url.replace("%7B", "{").replace("%7D", "}");
                if url == "{link}" {
                    found = LinkUse::Whole;
                } else if url.contains("{link}") {
                    return LinkUse::InsideAnother;
                }
            }
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                for (at, _) in text.match_indices("{link}") {
                    if text[..at].chars().next_back().is_some_and(|before| !before.is_whitespace() && !"(<„“\"'".contains(before)) {
                        return LinkUse::InsideAnother;
                    }
                    found = LinkUse::Whole;
                }
            }
            _ => {}
        }
    }
    found
}

/// The names in braces of a text that are no parameters of this kind.
pub fn unknown(kind: Kind, text: &str) -> Vec<String> {
    let mut unknown: Vec<String> = Vec::new();
    for piece in pieces(text) {
        if let Piece::Parameter(name) = piece
            && !kind.facts().parameters().any(|known| known.name == name)
            && !unknown.iter().any(|known| known == name)
        {
            unknown.push(name.to_owned());
        }
    }
    unknown
}

fn fill(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        filled.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Parameter(name) => values.get(name),
        });
    }
    filled
}

fn is_address(name: &str) -> bool {
    name == "link" || name.ends_with("_url")
}

/// Where a link in a mail may lead.
fn may_lead_to(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn link(url: String) -> Tag<'static> {
    Tag::Link { link_type: LinkType::Inline, dest_url: url.into(), title: CowStr::Borrowed(""), id: CowStr::Borrowed("") }
}

/// The Markdown's events with the values in them; an address that stands alone becomes a link.
fn events(body: &str, values: &Values) -> Vec<Event<'static>> {
    let mut out = Vec::new();
    let mut inside_link = 0_usize;
    let plain = |text: &str, inside_link: usize, out: &mut Vec<Event<'static>>| {
        for piece in pieces(text) {
            match piece {
                Piece::Text("") => {}
                Piece::Text(text) => out.push(Event::Text(text.to_owned().into())),
                Piece::Parameter(name) if is_address(name) && inside_link == 0 && may_lead_to(values.get(name)) => {
                    let url = values.get(name).to_owned();
                    out.extend([Event::Start(link(url.clone())), Event::Text(url.into()), Event::End(TagEnd::Link)]);
                }
                Piece::Parameter(name) => out.push(Event::Text(values.get(name).to_owned().into())),
            }
        }
    };
    for event in TextMergeStream::new(Parser::new_ext(body, Options::ENABLE_STRIKETHROUGH)) {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => plain(&text, inside_link, &mut out),
            Event::Code(text) => out.push(Event::Code(fill(&text, values).into())),
            Event::Start(Tag::Link { dest_url, .. }) => {
                inside_link += 1;
                // Parsers of Markdown write braces in addresses as they are, or encoded.
                let url = fill(&dest_url.replace("%7B", "{").replace("%7D", "}"), values);
                out.push(Event::Start(link(if may_lead_to(&url) { url } else { String::new() })));
            }
            Event::End(TagEnd::Link) => {
                inside_link = inside_link.saturating_sub(1);
                out.push(Event::End(TagEnd::Link));
            }
            // They would tell another server who reads the mail.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
            Event::Start(Tag::HtmlBlock) => out.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => out.push(Event::End(TagEnd::Paragraph)),
            other => out.push(other.into_static()),
        }
    }
    out
}

/// The same for who reads no HTML: paragraphs apart, a link as its words and its address.
fn to_text(events: &[Event<'_>]) -> String {
    let (mut text, mut lists, mut address) = (String::new(), Vec::<Option<u64>>::new(), None::<(String, usize)>);
    let apart = |text: &mut String| {
        let kept = text.trim_end().len();
        text.truncate(kept);
        if !text.is_empty() {
            text.push_str("\n\n");
        }
    };
    let mut began_with = 0;
    let mut events = events.iter().peekable();
    while let Some(event) = events.next() {
        match event {
            Event::Start(Tag::Paragraph) if !lists.is_empty() => {}
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::BlockQuote(_)) => {
                apart(&mut text);
                began_with = text.len();
            }
            Event::Start(Tag::List(first)) => {
                if lists.is_empty() {
                    apart(&mut text);
                }
                lists.push(*first);
            }
            Event::End(TagEnd::List(_)) => {
                lists.pop();
            }
            Event::Start(Tag::Item) => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str(&"  ".repeat(lists.len().saturating_sub(1).min(DEEPEST)));
                match lists.last_mut() {
                    Some(Some(number)) => {
                        text.push_str(&format!("{number}. "));
                        *number += 1;
                    }
                    _ => text.push_str("- "),
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) => address = Some((dest_url.to_string(), text.len())),
            Event::End(TagEnd::Link) => {
                if let Some((url, began)) = address.take()
                    && !url.is_empty()
                    && text[began..] != url
                {
                    let alone = began == began_with && matches!(events.peek(), Some(Event::End(TagEnd::Paragraph)));
                    text.push_str(&if alone { format!(": {url}") } else { format!(" ({url})") });
                }
            }
            Event::Text(words) | Event::Code(words) => text.push_str(words),
            Event::SoftBreak => text.push(' '),
            Event::HardBreak => text.push('\n'),
            Event::Rule => {
                apart(&mut text);
                text.push_str("----");
            }
            _ => {}
        }
    }
    let mut text = text.trim().to_owned();
    text.push('\n');
    text
}

/// Subject and both bodies. A paragraph that its values leave empty goes.
pub fn render(subject: &str, body: &str, values: &Values) -> Rendered {
    let events = events(body, values);
    let mut raw = String::with_capacity(body.len() * 2);
    html::push_html(&mut raw, events.iter().cloned());
    let subject = fill(subject, values).split_whitespace().collect::<Vec<_>>().join(" ");
    Rendered { subject, text: to_text(&events), html: raw.replace("<p></p>\n", "") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(body: &str, values: Values) -> Rendered {
        render("Hi {first_name}", body, &values)
    }

    #[test]
    fn both_parts_say_the_same() {
        let values = Values::default().set("first_name", "Ana").set("link", "https://p.example/c?t=1&u=2").set("site_name", "P_1_x");
        let mail = filled("Hello {first_name},\n\n[Confirm]({link})\n\n* one\n* {site_name}\n\n{link}\n\n{comment}\n", values);
        assert_eq!(mail.subject, "Hi Ana");
        assert_eq!(mail.text, "Hello Ana,\n\nConfirm: https://p.example/c?t=1&u=2\n\n- one\n- P_1_x\n\nhttps://p.example/c?t=1&u=2\n");
        assert!(mail.html.contains("<a href=\"https://p.example/c?t=1&amp;u=2\">Confirm</a>"), "{}", mail.html);
        assert!(!mail.html.contains("<p></p>"), "{}", mail.html);
    }

    #[test]
    fn an_address_inside_a_sentence_stands_in_parentheses() {
        let mail = filled("Your request for [{product}]({product_url}) was declined.", Values::samples(Kind::SubscriptionDeclined));
        assert_eq!(mail.text, "Your request for Parcel tracking (https://portal.example/products/parcel-tracking) was declined.\n");
    }

    #[test]
    fn values_are_words_and_nothing_else() {
        let evil = "[x](https://evil.example) <b onclick=x>*y*</b>\r\nBcc: z@evil.example {link}";
        let mail = filled("{first_name} says `{first_name}` <script>x</script>", Values::default().set("first_name", evil));
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
        assert!(!mail.html.contains("<a ") && !mail.html.contains("<b") && !mail.html.contains("<script") && !mail.html.contains("<em>"));
        assert!(mail.text.contains("[x](https://evil. example)"), "{}", mail.text);
    }

    #[test]
    fn links_lead_to_the_web_alone() {
        let mail = filled("[a](javascript:alert(1)) [b]({link}) ![c](https://evil.example/p.png)", Values::default().set("link", "data:x"));
        assert!(!mail.html.contains("javascript") && !mail.html.contains("data:") && !mail.html.contains("<img"), "{}", mail.html);
    }

    #[test]
    fn what_the_program_says_has_only_known_parameters() {
        for kind in Kind::ALL {
            let facts = kind.facts();
            assert_eq!(unknown(kind, facts.subject), Vec::<String>::new(), "{}", facts.name);
            assert_eq!(unknown(kind, facts.body), Vec::<String>::new(), "{}", facts.name);
            assert_eq!(Kind::parse(facts.name), Some(kind));
            let mail = render(facts.subject, facts.body, &Values::samples(kind));
            assert!(!mail.text.contains(['{', '}']) && !mail.html.contains("href=\"\""), "{}: {}", facts.name, mail.html);
        }
        for kind in Kind::ALL.into_iter().filter(|kind| kind.has_link()) {
            assert_eq!(link_use(kind.facts().body), LinkUse::Whole, "{}", kind.name());
        }
        for body in ["[x](https://evil.example/?u={link})", "https://evil.example/?u={link}", "`https://evil.example/{link}`"] {
            assert_eq!(link_use(body), LinkUse::InsideAnother, "{body}");
        }
        assert_eq!(link_use("Open {link}"), LinkUse::Whole);
        assert_eq!(link_use("Open it"), LinkUse::None);
        assert!(is_too_deep(&format!("{}a", "- ".repeat(9990))) && is_too_deep(&format!("{}a", "> ".repeat(9990))));
        assert!(!is_too_deep("- a\n  - b\n    - c\n\n> d"));
        assert_eq!(unknown(Kind::NewDeveloper, "{product} {x} {product} { y } {}"), ["product", "x"]);
    }
}
