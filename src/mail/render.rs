//! From a template and the parameters' values to subject, plain text and HTML. Values never become Markdown or HTML.

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream, html::push_html};

use super::{Format, Template, html, kinds::Kind};
use crate::ids;

/// Without control characters, which could begin another line of a header.
pub(super) fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Parameters that people choose themselves, so that strangers can put words into mails to others.
const NAMES: [&str; 4] = ["DevFirstName", "DevLastName", "Developer", "Inviter"];

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
pub(super) enum Piece<'t> {
    Text(&'t str),
    Parameter(&'t str),
}

/// A parameter is `$Name` or, where letters follow, `${Name}`; a dollar before anything else is one.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find('$') {
        let inside = &rest[at + 1..];
        let braced = inside.starts_with('{');
        let name = &inside[usize::from(braced)..];
        let length = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let closed = !braced || name[length..].starts_with('}');
        if name.starts_with(|first: char| first.is_ascii_uppercase()) && closed {
            found.push(Piece::Text(&rest[..at]));
            found.push(Piece::Parameter(&name[..length]));
            rest = &name[length + usize::from(braced)..];
        } else {
            found.push(Piece::Text(&rest[..=at]));
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

/// How a text uses `$ConfirmUrl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkUse {
    #[default]
    None,
    Whole,
    /// As a part of another address, whose server would then learn it.
    InsideAnother,
}

/// How an address uses the link.
pub(super) fn link_use_in_address(url: &str) -> LinkUse {
    match pieces(url).as_slice() {
        [Piece::Text(""), Piece::Parameter("ConfirmUrl"), Piece::Text("")] => LinkUse::Whole,
        pieces if pieces.iter().any(|piece| matches!(piece, Piece::Parameter("ConfirmUrl"))) => LinkUse::InsideAnother,
        _ => LinkUse::None,
    }
}

impl LinkUse {
    /// Of a text whose parts use it so.
    pub(super) fn and(self, other: Self) -> Self {
        if self == Self::InsideAnother || other == Self::None { self } else { other }
    }
}

/// What may stand before an address in words, and is no part of it.
const OPENING: &str = "(<[„“\"'«‹";

/// Stands for the link where its use is looked at.
const MARK: &str = "https://link.invalid/0";

/// How a template uses it: of its addresses each by itself, of its words what they become for who reads no HTML, with these values.
/// (In HTML an address in words is a link of its own.)
pub fn link_use(template: &Template, values: Values) -> LinkUse {
    let said = read(template);
    let addresses = said.iter().fold(LinkUse::None, |found, event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => found.and(link_use_in_address(&as_written(dest_url))),
        _ => found,
    });
    let text = to_text(&filled(said, &values.set("ConfirmUrl", MARK)));
    text.match_indices(MARK).fold(addresses, |found, (at, _)| {
        let touching = text[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
        let alone = touching.chars().all(|before| OPENING.contains(before));
        found.and(if alone { LinkUse::Whole } else { LinkUse::InsideAnother })
    })
}

/// Whether a text holds the link.
pub(super) fn has_link(text: &str) -> bool {
    link_use_in_address(text) != LinkUse::None
}

/// What a template says, with its parameters.
fn read(template: &Template) -> Vec<Event<'static>> {
    match template.format {
        Format::Markdown => markdown(&template.body).map(Event::into_static).collect(),
        Format::Html => html::events(&template.body),
    }
}

fn markdown(body: &str) -> impl Iterator<Item = Event<'_>> {
    TextMergeStream::new(Parser::new_ext(body, Options::ENABLE_STRIKETHROUGH))
}

/// An address as it was written: parsers of Markdown write braces as they are, or encoded.
fn as_written(url: &str) -> String {
    url.replace("%7B", "{").replace("%7D", "}")
}

/// The names after a dollar in a text that are no parameters of this kind.
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

pub(super) fn fill(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        filled.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Parameter(name) => values.get(name),
        });
    }
    filled
}

/// The same of an address. Values that are one have a scheme: templates of other portals write it in front of them.
pub(super) fn fill_address(text: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Parameter(name) => {
                if is_address(name) && ["http://", "https://"].contains(&filled.as_str()) && may_lead_to(values.get(name)) {
                    filled.clear();
                }
                filled.push_str(values.get(name));
            }
        }
    }
    filled
}

pub(super) fn is_address(name: &str) -> bool {
    name.ends_with("Url")
}

/// Where a link in a mail may lead.
pub(super) fn may_lead_to(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn link(url: String) -> Tag<'static> {
    Tag::Link { link_type: LinkType::Inline, dest_url: url.into(), title: CowStr::Borrowed(""), id: CowStr::Borrowed("") }
}

/// What a template says with the values in it; an address that stands alone becomes a link.
fn filled<'t>(said: impl IntoIterator<Item = Event<'t>>, values: &Values) -> Vec<Event<'static>> {
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
    for event in said {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => plain(&text, inside_link, &mut out),
            Event::Code(text) => out.push(Event::Code(fill(&text, values).into())),
            Event::Start(Tag::Link { dest_url, .. }) => {
                inside_link += 1;
                let url = fill_address(&as_written(&dest_url), values);
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
    let apart = |text: &mut String, by: &str| {
        let kept = text.trim_end().len();
        text.truncate(kept);
        if !text.is_empty() {
            text.push_str(by);
        }
    };
    // What begins where a block has ended, or stands in a list beside one, touches nothing of it.
    let (mut began_with, mut ended) = (0, false);
    let mut events = events.iter().peekable();
    while let Some(event) = events.next() {
        if ended && matches!(event, Event::Text(_) | Event::Code(_) | Event::Start(Tag::Link { .. })) {
            apart(&mut text, if lists.is_empty() { "\n\n" } else { "\n" });
            ended = false;
        }
        match event {
            Event::Start(Tag::Paragraph) if !lists.is_empty() => ended = !text.ends_with([' ', '\n']),
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::BlockQuote(_)) => {
                apart(&mut text, "\n\n");
                (began_with, ended) = (text.len(), false);
            }
            Event::Start(Tag::List(first)) => {
                if lists.is_empty() {
                    apart(&mut text, "\n\n");
                }
                lists.push(*first);
                ended = !text.is_empty();
            }
            Event::End(TagEnd::List(_)) => {
                lists.pop();
                ended = true;
            }
            Event::Start(Tag::Item) => {
                if !text.ends_with("\n\n") {
                    apart(&mut text, "\n");
                }
                ended = false;
                text.push_str(&"  ".repeat(lists.len().saturating_sub(1).min(DEEPEST)));
                match lists.last_mut() {
                    Some(Some(number)) => {
                        text.push_str(&format!("{number}. "));
                        *number += 1;
                    }
                    _ => text.push_str("- "),
                }
            }
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::BlockQuote(_) | TagEnd::Item) => ended = true,
            Event::Start(Tag::Link { dest_url, .. }) => address = Some((dest_url.to_string(), text.len())),
            Event::End(TagEnd::Link) => {
                if let Some((url, began)) = address.take()
                    && !url.is_empty()
                    && text[began.min(text.len())..] != url
                {
                    let alone = began == began_with && matches!(events.peek(), Some(Event::End(TagEnd::Paragraph)));
                    text.push_str(&if alone { format!(": {url}") } else { format!(" ({url})") });
                }
            }
            Event::Text(words) | Event::Code(words) => text.push_str(words),
            Event::SoftBreak => text.push(' '),
            Event::HardBreak => text.push('\n'),
            Event::Rule => {
                apart(&mut text, "\n\n");
                text.push_str("----");
                ended = true;
            }
            _ => {}
        }
    }
    let mut text = text.trim().to_owned();
    text.push('\n');
    text
}

/// Subject and both bodies. A paragraph that its values leave empty goes.
pub fn render(template: &Template, values: &Values) -> Rendered {
    let subject = fill(&template.subject, values).split_whitespace().collect::<Vec<_>>().join(" ");
    let events = filled(read(template), values);
    let html = match template.format {
        Format::Markdown => {
            let mut raw = String::with_capacity(template.body.len() * 2);
            push_html(&mut raw, events.iter().cloned());
            raw.replace("<p></p>\n", "")
        }
        Format::Html => html::write(&template.body, values),
    };
    Rendered { subject, text: to_text(&events), html }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(subject: &str, body: &str) -> Template {
        Template { subject: subject.to_owned(), body: body.to_owned(), ..Template::default() }
    }

    fn filled(body: &str, values: Values) -> Rendered {
        render(&template("Hi $DevFirstName", body), &values)
    }

    #[test]
    fn both_parts_say_the_same() {
        let values =
            Values::default().set("DevFirstName", "Ana").set("ConfirmUrl", "https://p.example/c?t=1&u=2").set("OrganizationName", "P_1_x");
        let mail =
            filled("Hello $DevFirstName,\n\n[Confirm]($ConfirmUrl)\n\n* one\n* $OrganizationName\n\n$ConfirmUrl\n\n$Comment\n", values);
        assert_eq!(mail.subject, "Hi Ana");
        assert_eq!(mail.text, "Hello Ana,\n\nConfirm: https://p.example/c?t=1&u=2\n\n- one\n- P_1_x\n\nhttps://p.example/c?t=1&u=2\n");
        assert!(mail.html.contains("<a href=\"https://p.example/c?t=1&amp;u=2\">Confirm</a>"), "{}", mail.html);
        assert!(!mail.html.contains("<p></p>"), "{}", mail.html);
    }

    #[test]
    fn an_address_inside_a_sentence_stands_in_parentheses() {
        let mail = filled("Your request for [$ProdName]($ProdUrl) was declined.", Values::samples(Kind::SubscriptionDeclined));
        assert_eq!(mail.text, "Your request for Parcel tracking (https://portal.example/products/parcel-tracking) was declined.\n");
    }

    #[test]
    fn values_are_words_and_nothing_else() {
        let evil = "[x](https://evil.example) <b onclick=x>*y*</b>\r\nBcc: z@evil.example $ConfirmUrl";
        let mail = filled("$DevFirstName says `$DevFirstName` <script>x</script>", Values::default().set("DevFirstName", evil));
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
        assert!(!mail.html.contains("<a ") && !mail.html.contains("<b") && !mail.html.contains("<script") && !mail.html.contains("<em>"));
        assert!(mail.text.contains("[x](https://evil. example)"), "{}", mail.text);
    }

    #[test]
    fn links_lead_to_the_web_alone() {
        let mail = filled(
            "[a](javascript:alert(1)) [b]($ConfirmUrl) ![c](https://evil.example/p.png)",
            Values::default().set("ConfirmUrl", "data:x"),
        );
        assert!(!mail.html.contains("javascript") && !mail.html.contains("data:") && !mail.html.contains("<img"), "{}", mail.html);
    }

    #[test]
    fn what_the_program_says_has_only_known_parameters() {
        for kind in Kind::ALL {
            let facts = kind.facts();
            assert_eq!(unknown(kind, facts.subject), Vec::<String>::new(), "{}", facts.name);
            assert_eq!(unknown(kind, facts.body), Vec::<String>::new(), "{}", facts.name);
            assert_eq!(Kind::parse(facts.name), Some(kind));
            let mail = render(&template(facts.subject, facts.body), &Values::samples(kind));
            assert!(!mail.text.contains(['$', '{']) && !mail.html.contains("href=\"\""), "{}: {}", facts.name, mail.html);
        }
        let link_use = |body: &str| link_use(&template("", body), Values::default());
        for kind in Kind::ALL.into_iter().filter(|kind| kind.has_link()) {
            assert_eq!(link_use(kind.facts().body), LinkUse::Whole, "{}", kind.name());
        }
        for body in [
            "[x](https://evil.example/?u=$ConfirmUrl)",
            "https://evil.example/?u=$ConfirmUrl",
            "`https://evil.example/$ConfirmUrl`",
            "https://evil.example/?u=**$ConfirmUrl**",
            "https://evil.example/?u=($ConfirmUrl",
        ] {
            assert_eq!(link_use(body), LinkUse::InsideAnother, "{body}");
        }
        assert_eq!(link_use("Open $ConfirmUrl"), LinkUse::Whole);
        assert_eq!(link_use("Open it"), LinkUse::None);
        assert!(is_too_deep(&format!("{}a", "- ".repeat(9990))) && is_too_deep(&format!("{}a", "> ".repeat(9990))));
        assert!(!is_too_deep("- a\n  - b\n    - c\n\n> d"));
        assert_eq!(unknown(Kind::NewDeveloper, "$ProdName ${X}s $ProdName $ Y $y $5 ${} ${Z"), ["ProdName", "X"]);
    }
}
