//! URL suffixes: what callers put behind the gateway's address to reach an API. Pure text; the database is asked elsewhere.

/// Characters of a suffix (REST's length).
pub const MOST: usize = 400;

/// Without surrounding space and slashes; or what is wrong with it.
pub fn check(text: &str) -> Result<String, String> {
    let suffix = text.trim().trim_matches('/').trim();
    let length = suffix.chars().count();
    if length > MOST {
        return Err(format!("The URL suffix may have {MOST} characters; this has {length}."));
    }
    if suffix.is_empty() {
        return Ok(String::new());
    }
    for segment in suffix.split('/') {
        if matches!(segment, "" | "." | "..") {
            return Err("Between two slashes of the URL suffix something must stand, other than “.” and “..”.".to_owned());
        }
        check_segment(segment)?;
    }
    Ok(suffix.to_owned())
}

/// RFC 3986, `pchar`. Percent-encoding is for what cannot be written plainly: otherwise one address would have two spellings.
fn check_segment(segment: &str) -> Result<(), String> {
    let mut rest = segment;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' => {}
            '-' | '.' | '_' | '~' | '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '=' | ':' | '@' => {}
            '%' => {
                let byte =
                    rest.get(..2).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit())).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                match byte {
                    Some(byte) if byte == b' ' || byte >= 0x80 => rest = &rest[2..],
                    _ => {
                        return Err(
                            "In the URL suffix, “%” may only begin the code of a space or of a character beyond ASCII, such as %C3%A9."
                                .to_owned(),
                        );
                    }
                }
            }
            other => {
                return Err(format!(
                    "The URL suffix may hold letters without accents, digits and - . _ ~ ! $ & ' ( ) * + , ; = : @ /; “{other}” is none of them."
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn suffixes() {
        for (typed, kept) in [(" /orders/v2/ ", "orders/v2"), ("", ""), ("/", ""), ("Orders@2", "Orders@2"), ("caf%C3%A9", "caf%C3%A9")] {
            assert_eq!(check(typed).as_deref(), Ok(kept), "{typed:?}");
        }
        for bad in [
            "a//b",
            "a/../b",
            ".",
            "a b",
            "a?b",
            "a#b",
            "a\\b",
            "é",
            "a%",
            "a%2",
            "a%2F",
            "a%2e%2e",
            "a%zz",
            "a\nb",
            "<x>",
            &"x".repeat(401),
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        assert!(check(&"x".repeat(400)).is_ok());
    }
}
