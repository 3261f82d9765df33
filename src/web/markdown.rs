//! Markdown (and the HTML inside it) from administrators and strangers, made harmless.

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
    super::filters::shortened(words.trim(), most)
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
        assert_eq!(to_text("# Head\n\nFirst *words*\nhere.\n\nSecond.", 100), "First words here.");
    }
}
