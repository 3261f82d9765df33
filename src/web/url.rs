//! Addresses: encoding what goes into them, and keeping redirects on this site.

pub use crate::ids::encode;

/// A path of this site to go on to, or `otherwise`: nothing that a browser could read as another host.
pub fn local_path(next: Option<&str>, otherwise: &str) -> String {
    next.filter(|path| is_local(path)).unwrap_or(otherwise).to_owned()
}

fn is_local(path: &str) -> bool {
    path.len() <= 2000
        && path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.contains("/.")
        && path.bytes().all(|byte| (0x21..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for good in ["/", "/publisher/users?q=a%20b&page=2", "/products/x"] {
            assert_eq!(local_path(Some(good), "/home"), good);
        }
        for bad in [
            "",
            "x",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "\t//evil.example",
            "/é",
            "/.//evil.example",
            "/..//evil.example",
        ] {
            assert_eq!(local_path(Some(bad), "/home"), "/home", "{bad:?}");
        }
        assert_eq!(local_path(None, "/home"), "/home");
    }
}
