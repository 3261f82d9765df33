//! What a document says of a person: user name, addresses and names, as an account needs them.

use serde_json::{Map, Value};

use super::{document, store::Kept};
use crate::{
    error::{Error, Problems},
    ids,
};

/// Addresses of a person that are looked for.
pub const EMAILS: usize = 50;

/// What a document says of a person.
pub struct Given {
    pub user_name: String,
    pub external_id: String,
    pub active: bool,
    pub attributes: Map<String, Value>,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Given {
    /// # Errors
    /// `Invalid` on `invalidValue`.
    pub fn new(mut attributes: Map<String, Value>) -> Result<Self, Error> {
        let user_name = attributes.shift_remove("userName").unwrap_or_default();
        let external_id = attributes.shift_remove("externalId").unwrap_or_default();
        let active = attributes.shift_remove("active").unwrap_or(Value::Bool(true));
        let mut problems = Problems::default();
        let user_name = problems.line("invalidValue", "userName", text(&user_name), 1, 500);
        let external_id = problems.line("invalidValue", "externalId", text(&external_id), 0, 500);
        problems.or(Self { user_name, external_id, active: document::boolean(&active).unwrap_or(true), attributes })
    }

    pub fn part(&self, name: &str, sub: &str) -> &str {
        text(&self.attributes.get(name).unwrap_or(&Value::Null)[sub])
    }

    fn display_name(&self) -> &str {
        self.attributes.get("displayName").map_or("", text)
    }

    pub fn emails(&self) -> Vec<(String, String, bool)> {
        let values = self.attributes.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let email = |value: &Value| (text(&value["value"]).trim().to_owned(), text(&value["type"]).to_owned(), value["primary"] == true);
        values.iter().map(email).filter(|(value, _, _)| !value.is_empty()).take(EMAILS).collect()
    }

    /// The address of the account: the primary one, that of work, or the first; else the user name, if it is one.
    pub fn email(&self) -> Option<String> {
        let emails = self.emails();
        let primary = emails.iter().find(|(_, _, primary)| *primary);
        let work = || emails.iter().find(|(_, kind, _)| kind.eq_ignore_ascii_case("work"));
        let chosen = primary.or_else(work).or_else(|| emails.first()).map(|(value, _, _)| value.clone());
        chosen.or_else(|| ids::is_email(&self.user_name).then(|| self.user_name.clone()))
    }

    /// First and last name; what is not said follows from what the person is called, where that is a name.
    pub fn names(&self) -> (String, String) {
        let (given, family) = (self.part("name", "givenName").trim(), self.part("name", "familyName").trim());
        if !given.is_empty() && !family.is_empty() {
            return (given.to_owned(), family.to_owned());
        }
        let formatted = self.part("name", "formatted");
        let spoken = [self.display_name(), formatted].into_iter().map(str::trim).find(|name| is_name(name)).unwrap_or_default();
        let (first, last) = match spoken.split_once(char::is_whitespace) {
            Some((first, last)) => (first.to_owned(), last.trim().to_owned()),
            None if !spoken.is_empty() => (spoken.to_owned(), String::new()),
            None => {
                // "ana.silva@…" tells a name.
                let local = self.user_name.split('@').next().unwrap_or_default();
                let (first, last) = local.split_once(['.', '_']).unwrap_or((local, ""));
                (capital(first), capital(last))
            }
        };
        let or = |said: &str, told: String| if said.is_empty() { cut(&told) } else { said.to_owned() };
        (or(given, first), or(family, last))
    }

    pub fn kept<'k>(&'k self, attributes: &'k str, emails: &'k [(String, String, bool)], email: &'k str) -> Kept<'k> {
        Kept {
            external_id: &self.external_id,
            user_name: &self.user_name,
            display_name: self.display_name(),
            given_name: self.part("name", "givenName"),
            family_name: self.part("name", "familyName"),
            email,
            active: self.active,
            attributes,
            emails,
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && ids::not_in_names(text).is_none() && !text.chars().any(|c| c.is_control() || ids::turns_what_follows(c))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let word: String = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if is_name(&word) { word } else { String::new() }
}

pub fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}
