//! Small words for templates. Called as `crate::web::filters::…` in expressions.

/// `1234567` as `1,234,567`.
pub fn thousands(number: impl std::borrow::Borrow<i64>) -> String {
    let number = *number.borrow();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "812 bytes", "13 kB", "1.2 MB".
pub fn size(bytes: i64) -> String {
    match bytes {
        ..1_000 => super::counted(bytes, "byte", "bytes"),
        1_000..1_000_000 => format!("{} kB", (bytes + 500) / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// At most `most` characters, with an ellipsis when something is missing.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text[..at].trim_end()),
        None => text.to_owned(),
    }
}

/// Characters of a path in a list.
const PATH: usize = 60;

/// The last segments of a path that is longer than a list shows, after an ellipsis.
pub fn ending(path: &str) -> String {
    let Some((beyond, _)) = path.char_indices().rev().nth(PATH - 1).filter(|(at, _)| *at > 0) else { return path.to_owned() };
    let rest = path.get(beyond..).unwrap_or(path);
    format!("…{}", rest.find('/').and_then(|at| rest.get(at..)).filter(|rest| rest.len() > 1).unwrap_or(rest))
}

/// The pieces of an address, also of an email, between which its line may be broken: after a dot, a slash or an @, and not within a word.
pub fn breakable(address: &str) -> impl Iterator<Item = &str> {
    let (scheme, rest) = address.split_at(address.find("://").map_or(0, |at| at + 3));
    std::iter::once(scheme).chain(rest.split_inclusive(['.', '/', '@']))
}

/// What a filter says to the name of a group that there is not.
pub fn no_group(words: &str) -> String {
    format!("There is no group “{}”.", shortened(words, 60))
}

/// Characters of a name in a list, a title or a message; the whole of it is on its own page.
pub const NAME: usize = 80;

/// Whether a name is longer than it is shown.
pub fn is_long(text: &str) -> bool {
    text.chars().nth(NAME).is_some()
}

/// "the product Orders", for the middle of a sentence; "Orders API" alone, when the name says what it is.
pub fn the(noun: &str, name: &str) -> String {
    let said = name.split_whitespace().any(|word| word.eq_ignore_ascii_case(noun));
    let name = shortened(name, NAME);
    if said { name } else { format!("the {noun} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("äbcd", 2), "äb…");
        assert_eq!(breakable("https://api.example/v1").collect::<Vec<_>>(), ["https://", "api.", "example/", "v1"]);
        assert_eq!(breakable("/v1").collect::<String>(), "/v1");
        assert_eq!(ending(&format!("/{}", "x".repeat(59))), format!("/{}", "x".repeat(59)));
        assert_eq!(ending(&format!("/{}", "x".repeat(60))), format!("…{}", "x".repeat(60)));
        assert_eq!(ending(&format!("/{}/orders/{{id}}", "é".repeat(60))), "…/orders/{id}");
        assert_eq!(ending(&format!("/{}/", "x".repeat(60))), format!("…{}/", "x".repeat(59)));
        assert_eq!(the("API", "Orders"), "the API Orders");
        assert_eq!(the("API", "Box Platform api"), "Box Platform api");
        assert_eq!(the("group", &"x".repeat(81)), format!("the group {}…", "x".repeat(80)));
        assert!(is_long(&"x".repeat(81)) && !is_long(&"x".repeat(80)));
    }
}
