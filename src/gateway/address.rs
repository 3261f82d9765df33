//! The address that a client called, as far as it names an API. Pure text.
//! What a gateway and an API behind it could understand differently is refused: a key for one API must not open another.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// An address that is not to be guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

/// A suffix, or a segment of a path, in the form in which they are compared.
fn comparable(text: &str) -> Result<String, Ambiguous> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| Ambiguous)?;
    Ok(decoded.to_lowercase())
}

/// An API's suffix in that form. What cannot be decoded was never let in, and matches nothing.
pub fn suffix(text: &str) -> String {
    comparable(text.trim_matches('/')).unwrap_or_else(|_| "/".to_owned())
}

/// Whether a server may take a segment for "here" or "up": also when it was encoded, holds an encoded separator, or has parameters.
fn is_step(decoded: &str) -> bool {
    decoded.split(['/', '\\']).any(|part| matches!(part.split(';').next(), Some("." | "..")))
}

/// The first `most` segments of an address (path and query), in the form in which suffixes are compared.
///
/// # Errors
/// `Ambiguous` when it has steps anywhere, or empty segments or separators in the segments that are asked for.
pub fn segments(address: &str, most: usize) -> Result<Vec<String>, Ambiguous> {
    let path = address.split('?').next().unwrap_or_default();
    let path = path.strip_prefix('/').ok_or(Ambiguous)?;
    if path.contains(['#', '\\']) {
        return Err(Ambiguous);
    }
    let mut found = Vec::with_capacity(most);
    let mut rest = path.split('/').enumerate().peekable();
    while let Some((place, segment)) = rest.next() {
        let decoded: Cow<'_, [u8]> = percent_decode_str(segment).into();
        let Ok(text) = std::str::from_utf8(&decoded) else {
            if place < most {
                return Err(Ambiguous);
            } else {
                continue;
            };
        };
        // Some servers end a text at such a character, or leave it out.
        if is_step(text) || text.chars().any(char::is_control) {
            return Err(Ambiguous);
        }
        if place >= most || (segment.is_empty() && rest.peek().is_none()) {
            continue;
        }
        if segment.is_empty() || text.contains(['/', '\\']) {
            return Err(Ambiguous);
        }
        found.push(text.to_lowercase());
    }
    Ok(found)
}

/// The first `most` segments as a lenient server reads them: without parameters (`;a=b`), decoded once more, without spaces and dots at
/// their edges, and without those that are empty then. None when that is how they stand anyway.
///
/// # Errors
/// `Ambiguous` when there are steps then, or separators in the segments that are asked for.
pub fn lenient_segments(address: &str, most: usize) -> Result<Option<Vec<String>>, Ambiguous> {
    let path = address.split('?').next().unwrap_or_default();
    if !path.contains([';', '%', ' ', '.']) {
        return Ok(None);
    }
    let mut found = Vec::with_capacity(most);
    for segment in path.split('/') {
        let once = percent_decode_str(segment).decode_utf8_lossy();
        let twice = percent_decode_str(once.split(';').next().unwrap_or_default()).decode_utf8_lossy();
        let read = twice.split(';').next().unwrap_or_default();
        if is_step(read) {
            return Err(Ambiguous);
        }
        let read = read.trim_matches(|c: char| c == '.' || c.is_whitespace() || c.is_control());
        if read.is_empty() || found.len() >= most {
            continue;
        }
        if read.contains(['/', '\\']) {
            return Err(Ambiguous);
        }
        found.push(read.to_lowercase());
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
            ("/a/b/%FF", 2, &["a", "b"]),
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
            ("/orders/v2/.../admin", &["orders", "v2", "admin"]),
            ("/orders/v2/caf%C3%89/%FF%2F", &["orders", "v2", "café"]),
        ] {
            assert_eq!(lenient_segments(address, 3), Ok(Some(wanted.iter().map(|text| (*text).to_owned()).collect())), "{address}");
        }
        for address in ["/orders/v2/x/y/%252e%252e/z", "/orders/%252e/v2", "/orders/v2%252Fadmin", "/orders/v2/x/..%253bb/y"] {
            assert_eq!(lenient_segments(address, 3), Err(Ambiguous), "{address}");
        }
    }

    #[test]
    fn a_key_may_be_in_the_query() {
        assert_eq!(key("/orders?a=b&subscription-key=1%32"), Some("12".to_owned()));
        assert_eq!(key("/orders?subscription-key="), None);
        assert_eq!(key("/subscription-key=1"), None);
    }
}
