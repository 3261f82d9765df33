//! Templates in HTML, as programs write them: with parameters, and harmless whatever the values are.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ammonia::{Builder, UrlRelative};

use super::render::{LinkUse, Piece, Values, is_address, link_use_in_address, link_use_in_words, may_lead_to, pieces};
use crate::error::Problems;

/// Elements inside each other, beyond which nobody lays out a mail and cleaning takes long.
const DEEPEST: usize = 40;

/// What a mail may look like. No property takes an address, which would tell another server who reads the mail.
const STYLES: [&str; 24] = [
    "color",
    "background-color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "line-height",
    "text-align",
    "text-decoration",
    "vertical-align",
    "margin",
    "margin-top",
    "margin-right",
    "margin-bottom",
    "margin-left",
    "padding",
    "padding-top",
    "padding-right",
    "padding-bottom",
    "padding-left",
    "border",
    "border-radius",
    "width",
    "max-width",
];

fn cleaner() -> Builder<'static> {
    let mut builder = Builder::default();
    builder
        .rm_tags(["img", "map", "area", "bdo"])
        .add_clean_content_tags(["title"])
        .url_schemes(["http", "https", "mailto"].into())
        .add_generic_attributes(["style"])
        .filter_style_properties(STYLES.into())
        .link_rel(None)
        .strip_comments(true);
    builder
}

/// Cleans a template, whose addresses may be parameters yet. Elsewhere in a tag a parameter would be a value that nobody checks.
fn template(body: &str, addresses: Option<Arc<Mutex<Vec<String>>>>) -> String {
    let mut builder = cleaner();
    builder.url_relative(UrlRelative::PassThrough).attribute_filter(move |_, attribute, value| {
        if attribute != "href" {
            return (!has_parameter(value)).then_some(value.into());
        }
        if let Some(addresses) = &addresses {
            addresses.lock().unwrap_or_else(PoisonError::into_inner).push(value.to_owned());
        }
        Some(value.into())
    });
    builder.clean(body).to_string()
}

fn has_parameter(text: &str) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Parameter(_)))
}

/// How a template uses the link.
pub(super) fn link_use(body: &str) -> LinkUse {
    let addresses = Arc::new(Mutex::new(Vec::new()));
    let html = template(body, Some(addresses.clone()));
    let words = link_use_in_words(&words(&html));
    let addresses = addresses.lock().unwrap_or_else(PoisonError::into_inner);
    addresses.iter().fold(words, |found, address| found.and(link_use_in_address(address)))
}

/// Whether a text is meant to be HTML of ours: a document of XML, as the contract of the management API wants it.
pub(super) fn check(body: &str, problems: &mut Problems) {
    let options = roxmltree::ParsingOptions { allow_dtd: true, nodes_limit: 20_000, ..Default::default() };
    let document = match roxmltree::Document::parse_with_options(body.trim(), options) {
        Ok(document) => document,
        Err(why) => return problems.add("body", format!("The text is not a document of well-formed XML: {why}.")),
    };
    if body.lines().any(|line| ["#if", "#foreach", "#set"].iter().any(|directive| line.trim_start().starts_with(directive))) {
        problems.add("body", "There are no conditions and no loops here: a paragraph whose parameters are all empty goes by itself.");
    } else if document.descendants().any(|node| node.is_element() && node.ancestors().nth(DEEPEST).is_some()) {
        problems.add("body", "Elements are inside each other too deeply.");
    }
}

/// The text without marks, and addresses at its end.
fn words(html: &str) -> String {
    const WIDTH: usize = 1_000;
    let plain = html2text::config::plain().raw_mode(true).no_link_wrapping().string_from_read(html.as_bytes(), WIDTH);
    plain.unwrap_or_default()
}

/// Cleaned HTML with the values in it, as words: they cannot become marks or end an attribute.
fn fill(html: &str, values: &Values) -> String {
    let mut filled = String::with_capacity(html.len() * 2);
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Parameter(name) => {
                let value = values.get(name);
                if is_address(name) && may_lead_to(value) {
                    let kept = filled.trim_end_matches("http://").trim_end_matches("https://").len();
                    filled.truncate(kept);
                }
                escape(value, &mut filled);
            }
        }
    }
    filled
}

fn escape(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

/// Text and HTML with the values in it. A paragraph that they leave empty goes.
pub(super) fn render(body: &str, values: &Values) -> (String, String) {
    static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
        let mut builder = cleaner();
        builder.url_relative(UrlRelative::Deny);
        builder
    });
    let html = CLEANER.clean(&fill(&template(body, None), values)).to_string();
    let html = without_empty_paragraphs(html.trim());
    (words(&html), html)
}

fn without_empty_paragraphs(html: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(html.len()), html);
    while let Some(at) = rest.find("<p") {
        let end = rest[at..].find("</p>").map(|end| at + end + "</p>".len());
        let empty = end.filter(|end| {
            let inside = rest[at..*end].find('>').map_or("", |open| &rest[at + open + 1..*end - "</p>".len()]);
            inside.trim().is_empty() && rest[at + 2..].starts_with([' ', '>'])
        });
        match empty {
            Some(end) => {
                kept.push_str(rest[..at].trim_end_matches(' '));
                rest = rest[end..].trim_start_matches(['\r', '\n']);
            }
            None => {
                kept.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &str = "<!DOCTYPE html >\r\n<html>\r\n  <head><title>Letter</title><style>p { color: red }</style></head>\r\n  <body>\r\n\
        <p style=\"font-size:12pt;background:url(https://evil.example)\" title=\"$DevFirstName\">Dear $DevFirstName $DevLastName,</p>\r\n\
        <p>$Comment</p><p><a href=\"$ConfirmUrl\"><strong>Confirm</strong></a> or <a href=\"http://$DevPortalUrl/products/$ProdId\">look</a></p>\r\n\
        <p /></body>\r\n</html>";

    fn values() -> Values {
        Values::default()
            .set("DevFirstName", "<b onclick=x>\" onmouseover='y")
            .set("DevLastName", "$ConfirmUrl")
            .set("ConfirmUrl", "https://p.example/c?t=1&u=2")
            .set("DevPortalUrl", "https://p.example")
            .set("ProdId", "a/b")
    }

    #[test]
    fn a_letter_of_another_portal_is_understood() {
        let mut problems = Problems::default();
        check(LETTER, &mut problems);
        assert!(problems.0.is_empty(), "{:?}", problems.0.first().map(|problem| &problem.message));
        let (text, html) = render(LETTER, &values());
        assert!(html.contains("<p style=\"font-size:12pt\">Dear &lt;b onclick=x&gt;"), "{html}");
        assert!(
            html.contains("href=\"https://p.example/c?t=1&amp;u=2\"") && html.contains("href=\"https://p.example/products/a/b\""),
            "{html}"
        );
        for bad in ["evil", "<b", "title=", "Letter", "color: red", "<p></p>", "<p>\n</p>", "<html", "<!DOCTYPE"] {
            assert!(!html.contains(bad), "{bad}: {html}");
        }
        assert!(
            text.contains("Dear <b onclick=x>") && text.contains("https://p.example/c?t=1&u=2") && text.contains("$ConfirmUrl"),
            "{text}"
        );
        assert!(!text.contains("Letter"), "{text}");
    }

    #[test]
    fn a_value_is_no_address_of_its_own() {
        let values = Values::default().set("DevFirstName", "javascript:alert(1)").set("ConfirmUrl", "data:text/html,x");
        let (_, html) = render("<p><a href=\"$DevFirstName\">a</a><a href='$ConfirmUrl'>b</a><a href=$DevFirstName>c</a></p>", &values);
        assert!(!html.contains("href"), "{html}");
    }

    #[test]
    fn the_link_is_an_address_of_its_own() {
        for (body, usage) in [
            ("<p>x</p>", LinkUse::None),
            ("<p><a href=\"$ConfirmUrl\">x</a></p>", LinkUse::Whole),
            ("<p>Open ${ConfirmUrl}</p>", LinkUse::Whole),
            ("<p title=\"$ConfirmUrl\">x</p>", LinkUse::None),
            ("<p><a href=\"$ConfirmUrl\">x</a><a href=\"https://evil.example/?u=$ConfirmUrl\">y</a></p>", LinkUse::InsideAnother),
            ("<p>https://evil.example/?u=$ConfirmUrl</p>", LinkUse::InsideAnother),
            (LETTER, LinkUse::Whole),
        ] {
            assert_eq!(link_use(body), usage, "{body}");
        }
    }

    #[test]
    fn what_is_no_letter_is_refused() {
        let deep = format!("{}x{}", "<div>".repeat(60), "</div>".repeat(60));
        let laughs = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]><a>&c;&c;</a>";
        for body in ["Hello", "", "<p>x", "<p>x</p><p>y</p>", "<p>\n#if ($A)\nx\n#end\n</p>", &deep, "<p>&nbsp;</p>"] {
            let mut problems = Problems::default();
            check(body, &mut problems);
            assert!(!problems.on("body").is_empty(), "{body}");
        }
        check(laughs, &mut Problems::default());
    }
}
