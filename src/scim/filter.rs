//! The grammar of filters and of the paths of PATCH (RFC 7644, sections 3.4.2.2 and 3.5.2). Pure text; what was read holds no SQL and no
//! column. Beside the grammar `emails[type eq "work"].value eq "…"` is read, by which Entra ID looks for people.

use serde_json::Value;

use crate::error::Error;

/// Characters of a filter or a path.
const LONGEST: usize = 8_000;
/// Brackets and `not` inside each other.
const DEEPEST: u8 = 30;
/// Conditions of one filter.
const MOST: usize = 100;

/// `urn:…:User:name.familyName`, in its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attr {
    /// Empty when no schema is named.
    pub urn: String,
    pub name: String,
    /// Empty when there is none.
    pub sub: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "co" => Self::Co,
            "sw" => Self::Sw,
            "ew" => Self::Ew,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "lt" => Self::Lt,
            "le" => Self::Le,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Present(Attr),
    Compare(Attr, Operator, Value),
    /// One value of a multi-valued attribute meets all of it.
    Values(Attr, Box<Filter>),
}

/// What a PATCH changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub attr: Attr,
    /// Which values of it.
    pub filter: Option<Filter>,
}

/// Reads a filter.
///
/// # Errors
/// `Invalid` on `invalidFilter`.
pub fn filter(text: &str) -> Result<Filter, Error> {
    let read = Reader::new(text).and_then(|mut reader| {
        let filter = reader.any(0)?;
        reader.end().map(|()| filter)
    });
    read.map_err(|why| Error::invalid("invalidFilter", format!("The filter cannot be read: {why}.")))
}

/// Reads a path.
///
/// # Errors
/// `Invalid` on `invalidPath`.
pub fn path(text: &str) -> Result<Path, Error> {
    let read = Reader::new(text.trim()).and_then(|mut reader| {
        let path = reader.path()?;
        reader.end().map(|()| path)
    });
    read.map_err(|why| Error::invalid("invalidPath", format!("The path cannot be read: {why}.")))
}

/// Reads an attribute's name, such as those of `attributes`.
pub fn attr(text: &str) -> Option<Attr> {
    let text = text.trim();
    // A URN has dots of its own: "2.0".
    let (urn, rest) = match text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:")) {
        true => text.rsplit_once(':')?,
        false => ("", text),
    };
    // The URN itself, which ends in "2.0:User".
    let is_urn = !urn.is_empty() && urn.ends_with(|c: char| c.is_ascii_digit()) && rest.starts_with(|c: char| c.is_ascii_uppercase());
    if is_urn {
        return Some(Attr { urn: text.to_owned(), ..Attr::default() });
    }
    let (name, sub) = rest.split_once('.').unwrap_or((rest, ""));
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
    };
    let good = is_name(name) && (sub.is_empty() && !rest.ends_with('.') || is_name(sub));
    good.then(|| Attr { urn: urn.to_owned(), name: name.to_owned(), sub: sub.to_owned() })
}

struct Reader<'t> {
    rest: &'t str,
    conditions: usize,
}

type Read<T> = Result<T, String>;

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Read<Self> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} characters"));
        }
        Ok(Self { rest: text, conditions: 0 })
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn end(&mut self) -> Read<()> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(format!("“{}” was not expected", self.near())) }
    }

    fn near(&self) -> String {
        self.rest.chars().take(20).collect()
    }

    fn takes(&mut self, sign: char) -> bool {
        self.space();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: char) -> Read<()> {
        if self.takes(sign) { Ok(()) } else { Err(format!("“{sign}” is expected before “{}”", self.near())) }
    }

    /// The next word, without taking it.
    fn peek(&self) -> &'t str {
        let rest = self.rest.trim_start();
        let ends = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"')).unwrap_or(rest.len());
        &rest[..ends]
    }

    fn word(&mut self) -> &'t str {
        let word = self.peek();
        self.space();
        self.rest = &self.rest[word.len()..];
        word
    }

    fn takes_word(&mut self, known: &str) -> bool {
        let is_it = self.peek().eq_ignore_ascii_case(known);
        if is_it {
            self.word();
        }
        is_it
    }

    fn deeper(depth: u8) -> Read<u8> {
        if depth >= DEEPEST { Err("it is too deep".to_owned()) } else { Ok(depth + 1) }
    }

    fn any(&mut self, depth: u8) -> Read<Filter> {
        let mut filter = self.all(depth)?;
        while self.takes_word("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.all(depth)?));
        }
        Ok(filter)
    }

    fn all(&mut self, depth: u8) -> Read<Filter> {
        let mut filter = self.one(depth)?;
        while self.takes_word("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.one(depth)?));
        }
        Ok(filter)
    }

    fn one(&mut self, depth: u8) -> Read<Filter> {
        if self.takes('(') {
            let filter = self.any(Self::deeper(depth)?)?;
            return self.expect(')').map(|()| filter);
        }
        // An attribute may be called so.
        if self.peek().eq_ignore_ascii_case("not") && !self.is_compared() {
            self.word();
            return Ok(Filter::Not(Box::new(self.one(Self::deeper(depth)?)?)));
        }
        self.conditions += 1;
        if self.conditions > MOST {
            return Err(format!("it has more than {MOST} conditions"));
        }
        let attr = self.attr()?;
        if self.takes('[') {
            let inner = self.any(Self::deeper(depth)?)?;
            self.expect(']')?;
            return self.of_values(attr, inner);
        }
        self.condition(attr)
    }

    /// Whether an operator follows the next word.
    fn is_compared(&self) -> bool {
        let after = Reader { rest: &self.rest.trim_start()[self.peek().len()..], conditions: 0 };
        after.peek().eq_ignore_ascii_case("pr") || Operator::parse(after.peek()).is_some()
    }

    /// `emails[…]`, or `emails[…].value eq …`.
    fn of_values(&mut self, attr: Attr, inner: Filter) -> Read<Filter> {
        let Some(rest) = self.rest.strip_prefix('.') else { return Ok(Filter::Values(attr, Box::new(inner))) };
        self.rest = rest;
        let sub = self.attr()?;
        let condition = self.condition(sub)?;
        Ok(Filter::Values(attr, Box::new(Filter::And(Box::new(inner), Box::new(condition)))))
    }

    fn attr(&mut self) -> Read<Attr> {
        let word = self.word();
        attr(word)
            .filter(|attr| !attr.name.is_empty())
            .ok_or_else(|| format!("“{}” is no attribute", word.chars().take(40).collect::<String>()))
    }

    fn condition(&mut self, attr: Attr) -> Read<Filter> {
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(attr));
        }
        let operator =
            Operator::parse(word).ok_or_else(|| format!("eq, ne, co, sw, ew, gt, ge, lt, le or pr is expected after {}", attr.name))?;
        Ok(Filter::Compare(attr, operator, self.value()?))
    }

    /// A value of JSON that is no list and no object.
    fn value(&mut self) -> Read<Value> {
        self.space();
        if self.rest.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
            let text = values.next().and_then(Result::ok).ok_or("a text is not closed, or not one of JSON")?;
            self.rest = &self.rest[values.byte_offset()..];
            return Ok(Value::String(text));
        }
        let word = self.word();
        match word.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            _ => serde_json::from_str::<serde_json::Number>(word)
                .map(Value::Number)
                .map_err(|_| "a value is expected: \"text\", true, false, null or a number".to_owned()),
        }
    }

    fn path(&mut self) -> Read<Path> {
        let word = self.word();
        let mut attr = attr(word).ok_or_else(|| format!("“{}” is no attribute", word.chars().take(40).collect::<String>()))?;
        let mut filter = None;
        if self.takes('[') {
            filter = Some(self.any(0)?);
            self.expect(']')?;
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                attr.sub = self.attr()?.name;
            }
        }
        Ok(Path { attr, filter })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn named(text: &str) -> Attr {
        attr(text).unwrap()
    }

    fn eq(name: &str, value: Value) -> Filter {
        Filter::Compare(named(name), Operator::Eq, value)
    }

    #[test]
    fn what_clients_write_is_read() {
        let (a, b, c) = (eq("a", json!("1")), eq("b", json!(true)), Filter::Present(named("c")));
        let and = |one: &Filter, other: &Filter| Filter::And(Box::new(one.clone()), Box::new(other.clone()));
        let or = |one: &Filter, other: &Filter| Filter::Or(Box::new(one.clone()), Box::new(other.clone()));
        for (written, wanted) in [
            (r#"a eq "1""#, a.clone()),
            (r#" A  EQ "1" "#, eq("A", json!("1"))),
            (r#"a eq "1" or b eq True and c pr"#, or(&a, &and(&b, &c))),
            (r#"(a eq "1" or b eq true) and (c pr)"#, and(&or(&a, &b), &c)),
            (r#"not (a eq "1") and b eq true"#, and(&Filter::Not(Box::new(a.clone())), &b)),
            (r#"not eq "x""#, eq("not", json!("x"))),
            (r#"name.familyName eq "O\"Brien""#, eq("name.familyName", json!("O\"Brien"))),
            (
                r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
                Filter::Compare(named("urn:ietf:params:scim:schemas:core:2.0:User:userName"), Operator::Sw, json!("J")),
            ),
            (
                r#"emails[type eq "work" and value co "@x"]"#,
                Filter::Values(
                    named("emails"),
                    Box::new(and(&eq("type", json!("work")), &Filter::Compare(named("value"), Operator::Co, json!("@x")))),
                ),
            ),
            (
                r#"emails[type eq "work"].value eq "a@x""#,
                Filter::Values(named("emails"), Box::new(and(&eq("type", json!("work")), &eq("value", json!("a@x"))))),
            ),
            (r#"n gt 5"#, Filter::Compare(named("n"), Operator::Gt, json!(5))),
        ] {
            assert_eq!(filter(written).unwrap(), wanted, "{written}");
        }
        let urn = named("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName");
        assert_eq!(
            (urn.urn.as_str(), urn.name.as_str(), urn.sub.as_str()),
            ("urn:ietf:params:scim:schemas:core:2.0:User", "name", "givenName")
        );
        let whole = named("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User");
        assert_eq!((whole.urn.as_str(), whole.name.as_str()), ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", ""));
    }

    #[test]
    fn paths_are_read() {
        let work = path(r#"emails[type eq "work"].value"#).unwrap();
        assert_eq!((work.attr, work.filter), (named("emails.value"), Some(eq("type", json!("work")))));
        assert_eq!(path("members").unwrap(), Path { attr: named("members"), filter: None });
        assert_eq!(path(r#"members[value eq "2819c223"]"#).unwrap().filter, Some(eq("value", json!("2819c223"))));
        for wrong in ["", "a b", "emails[", "emails[type eq \"work\"", "emails[type eq \"work\"]x", "a..b", ".a", "1a", "a."] {
            assert!(path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for wrong in [
            "",
            "a",
            "a eq",
            "a is 1",
            "a eq 'x'",
            "a eq \"x",
            "a eq x",
            "(a pr",
            "a pr)",
            "a pr b pr",
            "and",
            "not",
            "a[b pr",
            "a eq [1]",
            "a eq {}",
            "a pr or",
        ] {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
        assert!(filter(&"(".repeat(4_000)).is_err());
        assert!(filter(&"not ".repeat(1_900)).is_err());
        assert!(filter(&"a[".repeat(1_900)).is_err());
        assert!(filter(&vec!["a pr"; 101].join(" and ")).is_err());
        assert!(filter(&vec!["a pr"; 100].join(" or ")).is_ok());
        assert!(filter(&format!("a eq \"{}\"", "x".repeat(8_000))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in prop_oneof!["(a|eq|pr|not|and|or|\\(|\\)|\\[|\\]|\\.|\"x\"|\"|true| |é|urn:x:2.0:User:a){0,30}", ".{0,60}"]) {
            let _ = (filter(&text), path(&text));
        }
    }
}
