//! Markdown (and the HTML inside it) from administrators and strangers, made harmless.

use askama::filters::{Escaper, Html};
use pulldown_cmark::{Event, Options, Parser, html};

/// HTML that a template may put in as it is; only this file makes it.
#[derive(Clone, Debug, Default)]
pub struct SafeHtml(String);

impl SafeHtml {
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl std::fmt::Display for SafeHtml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for SafeHtml {}

/// CommonMark with tables and strikethrough; HTML in it is kept where it is harmless, everything else is dropped.
///
/// Images are left out: they would tell another server who reads the page. Headings are moved down below the page's own.
pub fn to_html(text: &str) -> SafeHtml {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    if is_too_deep(Parser::new_ext(text, options)) {
        let mut plain = String::from("<p>");
        // What is not read is shown as it was written.
        // Nothing that is written to a text fails.
        let _ = Html.write_escaped_str(&mut plain, text);
        plain.push_str("</p>");
        return SafeHtml(plain);
    }
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Start(pulldown_cmark::Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(pulldown_cmark::Tag::Heading { level: lower(level), id, classes, attrs })
        }
        Event::End(pulldown_cmark::TagEnd::Heading(level)) => Event::End(pulldown_cmark::TagEnd::Heading(lower(level))),
        other => other,
    });
    let mut raw = String::with_capacity(text.len() * 2);
    html::push_html(&mut raw, events);
    SafeHtml(cleaner().clean(&raw).to_string())
}

/// HTML that the portal made, made harmless all the same.
pub fn clean(html: &str) -> SafeHtml {
    SafeHtml(cleaner().clean(html).to_string())
}

/// Elements inside each other, of Markdown and of HTML: no description that is meant to be read has as many.
const DEEPEST: usize = 40;

/// Whether elements are nested so deeply that building the tree, whose cost grows with the square of its depth, would take seconds.
fn is_too_deep<'t>(events: impl Iterator<Item = Event<'t>>) -> bool {
    // These close themselves or one another, so that they do not nest.
    const FLAT: [&str; 15] = ["br", "hr", "img", "wbr", "input", "p", "li", "dt", "dd", "tr", "td", "th", "option", "source", "col"];
    let (mut blocks, mut elements) = (0_usize, 0_usize);
    for event in events {
        match event {
            Event::Start(_) => blocks += 1,
            Event::End(_) => blocks = blocks.saturating_sub(1),
            Event::Html(html) | Event::InlineHtml(html) => {
                for tag in html.split('<').skip(1) {
                    let closes = tag.starts_with('/');
                    let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
                    let flat = name.is_empty() || FLAT.iter().any(|flat| name.eq_ignore_ascii_case(flat));
                    if !flat {
                        elements = if closes { elements.saturating_sub(1) } else { elements + 1 };
                    }
                    if elements > DEEPEST {
                        return true;
                    }
                }
            }
            _ => {}
        }
        if blocks > DEEPEST {
            return true;
        }
    }
    false
}

/// How a description begins, for a card among others.
pub fn beginning(text: &str) -> String {
    to_text(text, 240)
}

/// The first paragraph's words without marks, for lists.
pub fn to_text(text: &str, most: usize) -> String {
    let mut words = String::new();
    for event in Parser::new_ext(text, Options::empty()) {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            Event::End(pulldown_cmark::TagEnd::Paragraph) if !words.trim().is_empty() => break,
            Event::End(pulldown_cmark::TagEnd::Heading(_)) => words.clear(),
            _ => {}
        }
        if words.len() > most * 4 {
            break;
        }
    }
    let words = super::filters::shortened(words.trim(), most);
    // What leads to a list that is not shown goes on.
    match words.strip_suffix(':') {
        Some(words) => format!("{words}…"),
        None => words,
    }
}

fn lower(level: pulldown_cmark::HeadingLevel) -> pulldown_cmark::HeadingLevel {
    use pulldown_cmark::HeadingLevel::*;
    match level {
        H1 => H3,
        H2 => H4,
        H3 => H5,
        _ => H6,
    }
}

fn cleaner() -> &'static ammonia::Builder<'static> {
    static CLEANER: std::sync::LazyLock<ammonia::Builder<'static>> = std::sync::LazyLock::new(|| {
        let mut builder = ammonia::Builder::default();
        builder
            .rm_tags(["img", "map", "area", "bdo"])
            .url_schemes(["http", "https", "mailto"].into())
            .url_relative(ammonia::UrlRelative::Deny)
            .link_rel(Some("noopener noreferrer nofollow"))
            .id_prefix(Some("text-"));
        builder
    });
    &CLEANER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_without_end_is_shown_as_it_was_written() {
        for piece in [">", "> ", "<blockquote>", "<div>", "<ul><li>", "<dl><dd>", "<b>", "+ ", "- > "] {
            let text = piece.repeat(99_000 / piece.len());
            let began = std::time::Instant::now();
            let html = to_html(&text).to_string();
            eprintln!("{piece}: {:?}", began.elapsed());
            assert!(html.starts_with("<p>") && !html.contains("<blockquote><blockquote>"), "{piece}: {}", &html[..200.min(html.len())]);
        }
        let readable = "<p>One<p>Two\n\n".repeat(500) + "* item\n".repeat(500).as_str() + "> quoted\n>> twice";
        assert!(to_html(&readable).to_string().contains("<blockquote>"));
    }

    #[test]
    fn strangers_cannot_script() {
        for text in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "<a href='java\nscript:alert(1)'>x</a>",
            "<svg onload=alert(1)>",
            "<p style='position:fixed'>x</p>",
            "<iframe src=//evil.example></iframe>",
            "<form action=/signout><button>x</button></form>",
            "<math><mi//xlink:href='data:x,<script>alert(4)</script>'>",
            "![x](https://evil.example/pixel.png)",
            "<base href=//evil.example>",
        ] {
            let html = to_html(text).to_string();
            for bad in ["<script", "onerror", "javascript:", "onload", "style=", "<iframe", "<form", "<img", "<base", "<svg"] {
                assert!(!html.contains(bad), "{text:?} became {html:?}");
            }
        }
    }

    #[test]
    fn markdown_reads_as_meant() {
        let html = to_html("# Title\n\nSome *text* with `code`, a <b>tag</b> and [a link](https://example.com).\n\n| a |\n|---|\n| 1 |")
            .to_string();
        for part in
            ["<h3>Title</h3>", "<em>text</em>", "<code>code</code>", "<b>tag</b>", "rel=\"noopener noreferrer nofollow\"", "<table>"]
        {
            assert!(html.contains(part), "{html}");
        }
        assert_eq!(to_text("For shops:\n\n* one", 100), "For shops…");
        assert_eq!(to_text("# Head\n\nFirst *words*\nhere.\n\nSecond.", 100), "First words here.");
    }
}
