//! The links at the foot of the pages, as they are typed: a line each, "Label | address".

use url::Url;

use crate::ids;

/// A link at the foot of every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub label: String,
    pub href: String,
}

const MOST: usize = 10;
const LONGEST_LABEL: usize = 60;
const LONGEST_ADDRESS: usize = 500;

/// # Errors
/// A sentence that names the line.
pub fn parse(text: &str) -> Result<Vec<Link>, String> {
    let mut links = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        links.push(link(line).map_err(|why| format!("Line {}: {why}", number + 1))?);
    }
    if links.len() > MOST {
        return Err(format!("There may be {MOST} links; these are {}.", links.len()));
    }
    Ok(links)
}

/// As they are kept.
pub fn write(links: &[Link]) -> String {
    links.iter().map(|link| format!("{} | {}", link.label, link.href)).collect::<Vec<_>>().join("\n")
}

fn link(line: &str) -> Result<Link, String> {
    let (label, href) =
        line.rsplit_once('|').ok_or("write the label, a bar and the address, as in “Terms | https://contoso.example/terms”.")?;
    let (label, href) = (label.trim(), href.trim());
    if label.is_empty() {
        return Err("the label before the bar is missing.".to_owned());
    }
    if label.chars().count() > LONGEST_LABEL {
        return Err(format!("a label may have {LONGEST_LABEL} characters; this has {}.", label.chars().count()));
    }
    if label.chars().any(|c| c.is_control() || ids::turns_what_follows(c)) {
        return Err("the label contains a control character.".to_owned());
    }
    if href.is_empty() {
        return Err("the address after the bar is missing.".to_owned());
    }
    if href.len() > LONGEST_ADDRESS {
        return Err(format!("an address may have {LONGEST_ADDRESS} characters."));
    }
    if href.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err("the address contains a space or another character that addresses do not have.".to_owned());
    }
    if !leads_somewhere(href) {
        return Err(format!("“{href}” is no address that begins with https://, http://, mailto: or a single /."));
    }
    Ok(Link { label: label.to_owned(), href: href.to_owned() })
}

fn leads_somewhere(href: &str) -> bool {
    if href.starts_with('/') {
        // As a browser reads it: steps in it could make two strokes of it.
        let here = Url::parse("http://here.invalid/").and_then(|here| here.join(href));
        return !href.starts_with("//") && here.is_ok_and(|url| url.host_str() == Some("here.invalid") && !url.path().starts_with("//"));
    }
    let Ok(url) = Url::parse(href) else { return false };
    let written_out = |start: &str| href.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start));
    match url.scheme() {
        "http" | "https" => {
            (written_out("http://") || written_out("https://")) && url.has_host() && url.username().is_empty() && url.password().is_none()
        }
        "mailto" => url.path().split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_line_by_line() {
        let text = "Terms | https://contoso.example/terms?a=1\n\n  Write to us |mailto:apis@contoso.example \nA | B | /products\n";
        let links = parse(text).expect("links");
        assert_eq!(
            write(&links),
            "Terms | https://contoso.example/terms?a=1\nWrite to us | mailto:apis@contoso.example\nA | B | /products"
        );
        assert_eq!(parse(&write(&links)).expect("links"), links);
        assert_eq!(parse(" \n").expect("links"), []);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (line, why) in [
            ("https://contoso.example", "a bar"),
            (" | https://contoso.example", "label before"),
            ("Terms |", "after the bar"),
            ("Terms | javascript:alert(1)", "no address"),
            ("Terms | data:text/html,x", "no address"),
            ("Terms | //evil.example", "no address"),
            ("Terms | /.//evil.example", "no address"),
            ("Terms | /a/..//evil.example", "no address"),
            ("Terms | /\\evil.example", "other characters"),
            ("Terms | https:evil.example", "no address"),
            ("Terms | https://u:p@evil.example", "no address"),
            ("Terms | terms.html", "no address"),
            ("Terms | mailto:nobody", "no address"),
            ("Terms | https://contoso.example/a b", "space"),
        ] {
            let told = parse(&format!("Fine | /\n{line}")).unwrap_err();
            let why = if why == "other characters" { "another character" } else { why };
            assert!(told.starts_with("Line 2: ") && told.contains(why), "{line}: {told}");
        }
        assert!(parse(&format!("{} | /", "x".repeat(61))).unwrap_err().contains("60 characters"));
        assert!(parse(&"A | /\n".repeat(11)).unwrap_err().contains("10 links"));
    }
}
