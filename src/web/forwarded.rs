//! What trusted proxies say of a request: whom they speak for, and where the client thinks it is. From anybody else it is not believed.

use std::net::{IpAddr, SocketAddr};

use actix_web::{HttpRequest, http::header};

use crate::config::Settings;

/// Where the request comes from: the peer, or what trusted proxies say of it.
pub fn client_address(request: &HttpRequest, settings: &Settings) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let trusted = |address: &IpAddr| settings.trusted_proxies.contains(address);
    let usual = all(request, "x-forwarded-for");
    let standard: Vec<String> =
        elements(&all(request, "forwarded")).iter().map(|element| parameter(element, "for").unwrap_or_default()).collect();
    Some(match (usual.is_empty(), standard.is_empty()) {
        (_, true) => client_behind(peer, usual.split(','), trusted),
        (true, false) => client_behind(peer, standard.iter().map(String::as_str), trusted),
        // A proxy writes one of them, and passes the other on as the client wrote it: which, is not known.
        (false, false) => {
            let (one, other) =
                (client_behind(peer, usual.split(','), trusted), client_behind(peer, standard.iter().map(String::as_str), trusted));
            if one == other { one } else { peer }
        }
    })
}

/// Scheme and host as the client has them, such as `https://portal.example`.
pub fn origin(request: &HttpRequest, settings: &Settings) -> String {
    let proxied = request.peer_addr().is_some_and(|peer| settings.trusted_proxies.contains(&peer.ip().to_canonical()));
    let said = |name: &str, usual: &str| {
        let last = elements(&all(request, "forwarded")).last().and_then(|element| parameter(element, name));
        last.or_else(|| all(request, usual).rsplit(',').next().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    };
    let scheme = if proxied { said("proto", "x-forwarded-proto") } else { None };
    let scheme = match scheme.as_deref() {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        Some(_) => "http",
        None if settings.secure() => "https",
        None => "http",
    };
    let own = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let host = if proxied { said("host", "x-forwarded-host").unwrap_or(own) } else { own };
    format!("{scheme}://{host}")
}

/// All lines of a header as one.
fn all(request: &HttpRequest, name: &str) -> String {
    request.headers().get_all(name).map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>().join(",")
}

/// The elements of a `Forwarded` header (RFC 7239, section 4), one a proxy: cut at commas outside quotes.
fn elements(text: &str) -> Vec<String> {
    cut(text, ',').into_iter().map(|element| element.trim().to_owned()).filter(|element| !element.is_empty()).collect()
}

/// What an element says with this name, without its quotes.
fn parameter(element: &str, name: &str) -> Option<String> {
    cut(element, ';').into_iter().find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        key.trim().eq_ignore_ascii_case(name).then(|| value.replace('\\', ""))
    })
}

fn cut(text: &str, at: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|c: char| {
        let escapes = quoted && !escaped && c == '\\';
        let plain = !std::mem::replace(&mut escaped, escapes);
        quoted ^= plain && c == '"';
        c == at && !quoted
    })
    .collect()
}

/// The client of a chain of proxies: from the right, the first that is no proxy of ours, since everything left of it was written by the
/// client. Where a proxy of ours does not say whom it speaks for, it speaks for itself.
fn client_behind<'t>(peer: IpAddr, chain: impl DoubleEndedIterator<Item = &'t str>, trusted: impl Fn(&IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    for hop in chain.rev() {
        if !trusted(&client) {
            break;
        }
        let hop = hop.trim();
        let address = hop.parse::<IpAddr>().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
        match address.or_else(|_| hop.trim_start_matches('[').trim_end_matches(']').parse()) {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_whom_the_last_proxy_of_ours_names() {
        let ours = |address: &IpAddr| address.to_string().starts_with("10.0.0.");
        let behind = |peer: &str, chain: &str| client_behind(peer.parse().expect("an address"), chain.split(','), ours).to_string();
        for (peer, chain, client) in [
            ("192.0.2.9", "198.51.100.1", "192.0.2.9"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.5, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.5, 198.51.100.1:4711", "198.51.100.1"),
            ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
            ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
            ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.5, unknown", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.5, unknown, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ] {
            assert_eq!(behind(peer, chain), client, "{peer} {chain}");
        }
    }

    fn asked(peer: &str, headers: &[(&str, &str)]) -> (String, String) {
        let options = crate::config::Options { trusted_proxy: Some("10.0.0.1".to_owned()), ..Default::default() };
        let settings =
            Settings { public_url: url::Url::parse("http://portal.example").ok(), ..Settings::check(&options).expect("settings") };
        let mut request = actix_web::test::TestRequest::default().peer_addr(SocketAddr::new(peer.parse().expect("an address"), 4711));
        for (name, value) in headers.iter().chain(&[("host", "own.example")]) {
            request = request.append_header((*name, *value));
        }
        let request = request.to_http_request();
        (client_address(&request, &settings).expect("a peer").to_string(), origin(&request, &settings))
    }

    #[test]
    fn both_headers_are_believed_of_our_proxies_alone() {
        let standard = ("forwarded", "for=203.0.113.5, for=\"[2001:db8::1]:4711\";proto=https;host=\"portal.example\"");
        let usual = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "portal.example")];
        let said = |client: &str, origin: &str| (client.to_owned(), origin.to_owned());
        assert_eq!(asked("10.0.0.1", &[standard]), said("2001:db8::1", "https://portal.example"));
        assert_eq!(asked("10.0.0.1", &usual), said("198.51.100.1", "https://portal.example"));
        assert_eq!(asked("192.0.2.9", &[standard]), said("192.0.2.9", "http://own.example"));
        assert_eq!(asked("192.0.2.9", &usual), said("192.0.2.9", "http://own.example"));
        assert_eq!(asked("10.0.0.1", &[]), said("10.0.0.1", "http://own.example"));
        // A client adds the one that the proxy does not write, and hides behind nobody.
        assert_eq!(asked("10.0.0.1", &[standard, usual[0]]).0, "10.0.0.1");
        let same = ("forwarded", "for=198.51.100.1");
        assert_eq!(asked("10.0.0.1", &[same, usual[0]]).0, "198.51.100.1");
        assert_eq!(asked("10.0.0.1", &[("forwarded", "for=\"_odd, \\\" one\", for=unknown")]).0, "10.0.0.1");
    }
}
