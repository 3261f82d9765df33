//! The address that a client called, as far as it names an API. Pure text.
//! What a gateway and an API behind it could understand differently is refused: a key for one API must not open another.

use percent_encoding::percent_decode_str;

use crate::ids;

/// An address that is not to be guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

/// As `ids::fold`, without the detour for what has no sign beyond ASCII.
fn folded(text: &str) -> String {
    if text.is_ascii() { text.trim().to_ascii_lowercase() } else { ids::fold(text) }
}

/// A suffix, or a segment of a path, in the form in which they are compared.
fn comparable(text: &str) -> Result<String, Ambiguous> {
    percent_decode_str(text).decode_utf8().map(|decoded| decoded.to_lowercase()).map_err(|_| Ambiguous)
}

/// An API's suffix in that form. What cannot be decoded was never let in, and matches nothing.
pub fn suffix(text: &str) -> String {
    comparable(text.trim_matches('/')).unwrap_or_else(|_| "/".to_owned())
}

/// The same as a lenient server reads it.
pub fn lenient_suffix(text: &str) -> String {
    let address = format!("/{}", text.trim_matches('/'));
    match lenient_segments(&address, usize::MAX) {
        Ok(Some(segments)) => segments.join("/"),
        Ok(None) => folded(text.trim_matches('/')),
        Err(Ambiguous) => "/".to_owned(),
    }
}

/// Whether a server may take a segment for "here" or "up": also when it holds a separator or has parameters, with spaces or more dots.
fn is_step(decoded: &str) -> bool {
    decoded.split(['/', '\\', ';', '?', '#']).any(|part| {
        let dots = part.trim();
        dots.contains('.') && dots.chars().all(|c| c == '.' || c.is_whitespace())
    })
}

/// Whether every `%` begins two hexadecimal digits: some servers read `%u002e`, and others leave it as it is.
fn is_encoded_well(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit))
}

/// The first `most` segments of an address (path and query), in the form in which suffixes are compared.
///
/// # Errors
/// `Ambiguous` when it has steps, control characters or what is no text anywhere, or empty segments or separators in the segments that
/// are asked for.
pub fn segments(address: &str, most: usize) -> Result<Vec<String>, Ambiguous> {
    let path = address.split('?').next().unwrap_or_default();
    let path = path.strip_prefix('/').ok_or(Ambiguous)?;
    if path.contains(['#', '\\']) || !is_encoded_well(path) {
        return Err(Ambiguous);
    }
    let mut found = Vec::new();
    let mut rest = path.split('/').enumerate().peekable();
    while let Some((place, segment)) = rest.next() {
        let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| Ambiguous)?;
        // Some servers end a text at a control character, or leave it out.
        if is_step(&decoded) || is_step(&folded(&decoded)) || decoded.chars().any(char::is_control) {
            return Err(Ambiguous);
        }
        if place >= most || (segment.is_empty() && rest.peek().is_none()) {
            continue;
        }
        if segment.is_empty() || decoded.contains(['/', '\\']) {
            return Err(Ambiguous);
        }
        found.push(decoded.to_lowercase());
    }
    Ok(found)
}

/// The first `most` segments as a lenient server reads them: decoded once more, without what follows `;`, `?` or `#`, without spaces and
/// dots at their edges, without those that are empty then, and without sessions such as `(S(x))`. None when that is how they stand anyway.
///
/// # Errors
/// `Ambiguous` when there are steps then, or separators in the segments that are asked for.
pub fn lenient_segments(address: &str, most: usize) -> Result<Option<Vec<String>>, Ambiguous> {
    let path = address.split('?').next().unwrap_or_default();
    if !path.contains([';', '%', ' ', '.', '(']) {
        return Ok(None);
    }
    let mut found = Vec::new();
    for segment in path.split('/') {
        let once = percent_decode_str(segment).decode_utf8_lossy();
        let twice = percent_decode_str(&once).decode_utf8_lossy();
        let text = folded(&twice);
        if is_step(&twice) || is_step(&text) {
            return Err(Ambiguous);
        }
        let read = text.split([';', '?', '#']).next().unwrap_or_default();
        let read = read.trim_matches(|c: char| c == '.' || c.is_whitespace() || c.is_control());
        if read.is_empty() || (read.starts_with('(') && read.ends_with("))")) || found.len() >= most {
            continue;
        }
        if read.contains(['/', '\\']) {
            return Err(Ambiguous);
        }
        found.push(read.to_owned());
    }
    Ok(Some(found))
}

/// A subscription key in the query, where clients put it that send no header.
pub fn key(address: &str) -> Option<String> {
    let (_, query) = address.split_once('?')?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, value)| name == "subscription-key" && !value.is_empty()).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart() {
        for (address, most, wanted) in [
            ("/", 2, &[][..]),
            ("/orders", 2, &["orders"]),
            ("/Orders/", 2, &["orders"]),
            ("/orders/v2/things?x=/../y", 2, &["orders", "v2"]),
            ("/orders/v2//things", 2, &["orders", "v2"]),
            ("/orders/v2/a%2Fb", 2, &["orders", "v2"]),
            ("/caf%C3%89/%6Frders", 2, &["café", "orders"]),
            ("/a...b/..c", 2, &["a...b", "..c"]),
        ] {
            assert_eq!(segments(address, most), Ok(wanted.iter().map(|text| (*text).to_owned()).collect()), "{address}");
        }
        for address in [
            "",
            "orders",
            "http://api.example/orders",
            "//orders",
            "/orders//v2",
            "/orders/../secret",
            "/orders/./v2",
            "/orders/v2/x/%2e%2E/y",
            "/orders/v2/x/..%2f..%2fsecret",
            "/orders/v2/..;a=b/secret",
            "/orders/v2/x\\..\\secret",
            "/orders/v2/x%5c..%5csecret",
            "/orders%2Fv2",
            "/orders#/v2",
            "/or%00ders",
            "/orders/v2/x/..%00/y",
            "/orders/v2/x%0a",
            "/%FF",
            "/a/b/%FF",
            "/orders/v2/x/%C0%AE%C0%AE/y",
            "/orders/%u002e%u002e/secret",
            "/orders/%u0061dmin/x",
            "/orders/v2/100%",
            "/orders/v2/x/..%20/y",
            "/orders/.../y",
            "/orders/v2/x/%EF%BC%8E%EF%BC%8E/y",
        ] {
            assert_eq!(segments(address, 2), Err(Ambiguous), "{address}");
        }
    }

    #[test]
    fn a_lenient_server_reads_an_address_otherwise() {
        for address in ["/", "/orders", "/orders/v2/things?x=;"] {
            assert_eq!(lenient_segments(address, 3), Ok(None), "{address}");
        }
        for (address, wanted) in [
            ("/orders/v1.0/x", &["orders", "v1.0", "x"][..]),
            ("/orders/v2/Admin;a=1/x", &["orders", "v2", "admin"]),
            ("/orders/v2/;/admin", &["orders", "v2", "admin"]),
            ("/orders/v2/admin%3Ba/x", &["orders", "v2", "admin"]),
            ("/orders/v2/%2561dmin/x", &["orders", "v2", "admin"]),
            ("/orders/v2/admin%20/x", &["orders", "v2", "admin"]),
            ("/orders/v2/%20admin./x", &["orders", "v2", "admin"]),
            ("/orders/v2/admin%3Fx", &["orders", "v2", "admin"]),
            ("/orders/v2/admin%23x", &["orders", "v2", "admin"]),
            ("/orders/v2/(S(abc))/admin", &["orders", "v2", "admin"]),
            ("/orders/v2/%EF%BD%81dmin", &["orders", "v2", "admin"]),
            ("/orders/v2/caf%C3%89/x%2Fy", &["orders", "v2", "café"]),
        ] {
            assert_eq!(lenient_segments(address, 3), Ok(Some(wanted.iter().map(|text| (*text).to_owned()).collect())), "{address}");
        }
        for address in [
            "/orders/v2/x/y/%252e%252e/z",
            "/orders/%252e/v2",
            "/orders/v2%252Fadmin",
            "/orders/v2/x/..%253bb/y",
            "/orders/x;%252F..%252F..%252Fsecret",
            "/orders/v2/.../admin",
        ] {
            assert_eq!(lenient_segments(address, 3), Err(Ambiguous), "{address}");
        }
    }

    #[test]
    fn suffixes_are_read_as_addresses_are() {
        for (text, lenient) in [
            ("orders/v2", "orders/v2"),
            (".well-known/x", "well-known/x"),
            ("weird;v=2", "weird"),
            ("v1.", "v1"),
            ("x%20", "x"),
            ("Ｖ1.0", "v1.0"),
        ] {
            assert_eq!(lenient_suffix(text), lenient, "{text}");
        }
    }

    #[test]
    fn a_key_may_be_in_the_query() {
        assert_eq!(key("/orders?a=b&subscription-key=1%32"), Some("12".to_owned()));
        assert_eq!(key("/orders?subscription-key="), None);
        assert_eq!(key("/subscription-key=1"), None);
    }
}
