//! Typed keys, names (the ids of URLs and of the REST API) and the folding that makes names comparable.

use caseless::Caseless;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $key(pub i64);

        impl From<$key> for crate::db::Value {
            fn from(key: $key) -> Self {
                crate::db::Value::Int(key.0)
            }
        }
    )*};
}

keys! {
    /// A user's key; it stays inside.
    UserId,
    GroupId,
    ProductId,
    ApiId,
    OperationKey,
    SubscriptionId,
    TokenId,
    AuditId,
    ProviderId,
    IdentityId,
    /// Of a person as a provider keeps them here.
    ScimUserId,
}

/// The system groups' keys, as the first migration makes them.
pub const ADMINISTRATORS: GroupId = GroupId(1);
pub const DEVELOPERS: GroupId = GroupId(2);
pub const GUESTS: GroupId = GroupId(3);

/// The comparable form of a name: surrounding space gone, NFKC, full case folding (Unicode, chapter 3.13).
///
/// Folding can undo the normalisation, so it is normalised once more; the result folds to itself.
pub fn fold(text: &str) -> String {
    let folded: String = text.trim().nfkc().default_case_fold().nfkc().collect();
    folded.trim().to_owned()
}

/// A generated name: `characters` of Crockford's base 32, five random bits each.
pub fn random_name(characters: usize) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = vec![0u8; characters];
    fill_random(&mut bytes);
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

/// Fills with the operating system's randomness. A machine without any cannot run a portal, so it ends there.
pub fn fill_random(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        tracing::error!("the operating system gives no random bytes");
        std::process::abort();
    }
}

/// A name made from a display name: `Contoso partners` becomes `contoso-partners`. Empty when nothing of it is ASCII.
pub fn slug(display_name: &str) -> String {
    let mut slug = String::new();
    for character in display_name.nfkd() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') && !('\u{300}'..'\u{370}').contains(&character) {
            slug.push('-');
        }
        if slug.len() >= 60 {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// What is written as itself (RFC 3986, section 2.3: all others are encoded).
pub const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One path segment or query value, percent-encoded (RFC 3986: all but the unreserved characters).
pub fn encode(text: &str) -> String {
    // A segment of dots alone would be taken for "here" or "up".
    if !text.is_empty() && text.bytes().all(|byte| byte == b'.') {
        return text.replace('.', "%2E");
    }
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// A number for a name, the same in every case: what those who would make one thing at once wait for.
pub fn number_of(name: &str) -> i64 {
    let digest = crate::keys::digest(&fold(name));
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

/// A name that somebody chose: 1 to `most` characters, none of them invisible, and no space at its ends.
///
/// # Errors
/// `Invalid` on `field`.
pub fn check_name(field: &'static str, name: &str, most: usize) -> Result<(), Error> {
    let length = name.chars().count();
    let unseen = |c: char| c.is_control() || (is_unseen(c) && !joins(c));
    let whole = (1..=most).contains(&length) && name.trim() == name && !name.chars().any(unseen);
    if whole {
        return Ok(());
    }
    Err(Error::invalid(field, format!("A name in addresses has 1 to {most} characters, none of them invisible, and no space at its ends.")))
}

/// One `@` with something before it and a host after it, and nothing that nobody sees; whether it exists shows when mail is sent there.
pub fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !local.contains('@')
        && !host.is_empty()
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains("..")
        && !host.chars().any(|c| OTHER_DOTS.contains(&c))
        // Nor what becomes a dot or a stroke when hosts are normalised (UTS #46).
        && host.nfkc().filter(|c| *c == '.').count() == host.matches('.').count()
        && !host.nfkc().any(|c| matches!(c, '/' | '\\' | '?' | '#' | ':'))
        // Nor what mail programs decode (RFC 2047), or take for an address of the web.
        && !text.contains("=?")
        && !text.contains("://")
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || is_unseen(c) || matches!(c, '<' | '>' | ',' | ';' | '(' | ')' | '"' | '\\'))
}

/// Whether an address is another one's in disguise: it is compared as one that is spelled otherwise, such as with a wide letter or a
/// ligature. Whoever has that one's mailbox has not this one's.
pub fn is_disguised(email: &str) -> bool {
    let email = email.trim();
    email.nfkc().ne(email.chars()) || fold(email) != email.to_lowercase()
}

/// The mailbox of an address with a tag, `ana+tag@…`.
pub fn mailbox(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, host)) => format!("{}@{host}", local.split('+').next().unwrap_or_default()),
        None => email.to_owned(),
    }
}

/// What is a dot between the parts of a host as well (RFC 3490, section 3.1), and looks like one.
const OTHER_DOTS: [char; 4] = ['\u{3002}', '\u{ff0e}', '\u{ff61}', '\u{2024}'];

/// Nobody sees it: default ignorable code points (Unicode, chapter 5.21), and what turns the direction.
fn is_unseen(c: char) -> bool {
    turns_direction(c)
        || joins(c)
        || matches!(c, '\u{ad}' | '\u{2800}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Unseen as well, and right in names of some scripts: joiners, and what chooses the form of the character before.
fn joins(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Unicode, UAX #9: embeddings, overrides and isolates, which also turn what stands behind them; marks are right in names of some scripts.
pub fn turns_what_follows(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Unicode, UAX #9: the explicit directional characters.
fn turns_direction(c: char) -> bool {
    turns_what_follows(c) || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
}

/// Last parts of hosts that people are sent to, those of documentation among them; there are many more, and names end in some
/// ("J.Kim", "Dr.med. Li"), so that this is for the eye: mails cut every dotted name with `spaced`.
const ENDINGS: &str = "com org net edu gov info biz name mobi xyz top site online website web page app dev cloud tech shop store live life club vip \
    win bid loan work click link buzz icu money cash bank zip mov email support world today news blog space fun pro example test \
    invalid localhost onion co io ai me ly gl gd to cc tv ws tk ml cf ga gq pw su eu us uk ca au nz de fr nl be ch at it es pt pl \
    se dk fi cz ro gr ru ua by cn jp kr br mx ar za tr рф 中国 中國";

/// Whether a word with dots reads as a host: what is before its last part is no initial, as in "M.Com.", and the last part is an ending
/// that many hosts have; or a path follows at once.
fn reads_as_host(word: &str, followed_by: Option<char>) -> bool {
    let dotted = word.trim_matches(['.', '-']);
    let mut parts = dotted.rsplit('.').filter(|part| !part.is_empty());
    let (Some(last), Some(before)) = (parts.next(), parts.next()) else { return false };
    let is_path = matches!(followed_by, Some('/' | ':' | '?' | '#')) && dotted.len() == word.len();
    is_path || last.starts_with("xn--") || (before.chars().count() > 1 && ENDINGS.split(' ').any(|ending| ending == last))
}

/// What a person's name may not have, as the end of a sentence about it; None when it is a name. What mail programs make links of is no
/// name: `://`, `@`, `www.`, and a word with dots that reads as a host, such as "evil.com" or "bit.ly/x"; "J.Smith", "M.Sc. Ana", "Dr.Ana"
/// and "O.Brien" are names.
pub fn not_in_names(text: &str) -> Option<&'static str> {
    if text.chars().any(|c| matches!(c, '\u{2028}' | '\u{2029}')) {
        return Some("goes on one line");
    }
    if text.chars().any(turns_direction) {
        return Some("has a hidden character that turns the direction of writing; type it without");
    }
    if text.chars().any(|c| is_unseen(c) && !joins(c)) {
        return Some("has a hidden character; type it without");
    }
    if text.contains("=?") {
        return Some("may not have “=?” in it");
    }
    let folded: String = fold(text).chars().filter(|c| !joins(*c)).map(|c| if OTHER_DOTS.contains(&c) { '.' } else { c }).collect();
    let mut words = folded.split_inclusive(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '-'));
    let host = words.any(|word| {
        let end = word.chars().next_back().filter(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-'));
        reads_as_host(end.map_or(word, |end| &word[..word.len() - end.len_utf8()]), end)
    });
    if host || folded.contains("://") || folded.contains('@') || folded.contains("www.") {
        return Some("reads as an address; write a space after a full stop");
    }
    None
}

/// A name for a mail: a space after each dot inside a word, so that no mail program makes a link of it, whichever hosts there will be.
pub fn spaced(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        written.push(c);
        let is_dot = c == '.' || OTHER_DOTS.contains(&c);
        if is_dot && characters.peek().is_some_and(|next| !next.is_whitespace() && !next.is_ascii_punctuation()) {
            written.push(' ');
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_ignores_case_width_and_surrounding_space() {
        assert_eq!(fold("  Straße "), fold("STRASSE"));
        assert_eq!(fold("Ｃontoso"), fold("contoso"));
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("Σίσυφος"));
        assert_ne!(fold("a b"), fold("ab"));
        for text in ["İstanbul", "ŉ", "\u{a0}x\u{a0}", "ﬀ"] {
            assert_eq!(fold(&fold(text)), fold(text), "{text:?} folds once");
        }
    }

    #[test]
    fn names_are_encoded_whole() {
        assert_eq!(encode("a b/c%d"), "a%20b%2Fc%25d");
        assert_eq!(encode(".."), "%2E%2E");
        assert_eq!(encode("後"), "%E5%BE%8C");
    }

    #[test]
    fn slugs_are_readable_or_empty() {
        assert_eq!(slug("Contoso partners"), "contoso-partners");
        assert_eq!(slug("Café — Zürich!"), "cafe-zurich");
        assert_eq!(slug("後藤"), "");
        assert!(slug(&"x".repeat(300)).len() <= 60);
    }

    #[test]
    fn names_of_people_are_no_addresses() {
        for good in [
            "علی\u{200c}رضا",
            "Ana",
            "J. R. R.",
            "J.R.R.",
            "St. John",
            "O’Brien",
            "Smith-Jones",
            "佐藤",
            "محمد",
            "<b>Ana",
            "Jr.",
            "a/b",
            "x: y",
            "J.Smith",
            "M.Sc. Ana",
            "M.Sc.Ana",
            "M.Com. Ana",
            "Dr.Ana",
            "Dr.med. Ana",
            "Dipl.-Ing. Ana",
            "Dipl.Ing. Ana",
            "O.Brien",
            "St.John",
            "Jean.Marc",
            "J.R.R.Tolkien",
            "J.Kim",
            "Dr.Li",
            "Ph.D.",
            "Ana...",
            "...",
        ] {
            assert_eq!(not_in_names(good), None, "{good}");
        }
        for bad in [
            "evil.com",
            "evil.com.",
            "(evil.com)",
            "evil.example.org",
            "win.money now",
            "see evil-site.co.uk, Ana",
            "bit.ly/x",
            "evil.unheardof/x",
            "evil.unheardof:8080",
            "J.Smith.com",
            "EVIL.COM",
            "xn--e1afmkfd.XN--P1AI",
            "пример.рф",
            "https://evil.example",
            "Win a prize: evil.example",
            "evil.example/x",
            "www.evil",
            "ｅｖｉｌ．ｅｘａｍｐｌｅ",
            "a@b",
            "=?utf-8?q?x?=",
            "Ana\u{202e}sevlA",
            "Ana\u{2028}Bcc: x",
            "Ana\u{2066}",
            "xn--e1afmkfd.xn--p1ai",
            "evil\u{3002}example",
            "evil\u{ff61}example",
            "evil\u{2024}example",
            "evil\u{ad}.example",
            "evil.\u{200b}example",
            "evil\u{200d}.\u{fe0f}example",
            "Ana\u{2060}",
            "\u{2800}",
            "Ana\u{feff}",
        ] {
            assert!(not_in_names(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn names_in_mails_have_no_dots_inside_words() {
        for (name, written) in [
            ("J.Smith", "J. Smith"),
            ("M.Sc.Ana", "M. Sc. Ana"),
            ("J. R. R.", "J. R. R."),
            ("Dipl.-Ing. Ana", "Dipl.-Ing. Ana"),
            ("x.co", "x. co"),
            ("evil\u{3002}example", "evil\u{3002} example"),
            ("evil.\u{200d}example", "evil. \u{200d}example"),
            ("Ana", "Ana"),
        ] {
            assert_eq!(spaced(name), written);
        }
    }

    #[test]
    fn addresses() {
        for good in ["a@b", "ana.alves@contoso.example", "o'brien+x@sub.example", "用户@例子.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a\n@b",
            "<a@b>",
            "a,b@c",
            "a\u{202e}@b",
            "a\u{ad}@b",
            "a@b\u{200b}.c",
            "a\u{200d}@b",
            "a@b\u{3002}c",
            "a@b\u{ff61}c",
            "a@b\u{fe52}c",
            "a@b\u{2488}c",
            "=?utf-8?q?x?=@b",
            "https://a/1@b",
            "a@b\u{ff0f}c",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
