//! `$filter`: the part of OData's grammar that clients of the management API use. Pure text; a parsed filter holds no SQL and no column.
//!
//! `or` binds less than `and`, that less than `not` (OData 4.01, part 2, section 5.1.1.17). Words are read without regard to case.

use std::{cmp::Ordering, fmt};

use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Iso8601};

/// Characters of a filter: addresses end at 8,000 bytes.
const LONGEST: usize = 8_000;
/// Brackets and `not` inside each other.
const DEEPEST: u8 = 30;
/// Conditions of one filter.
const MOST: usize = 100;

/// A filter that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare { field: String, operator: Operator, literal: Literal },
    Match { function: Function, field: String, needle: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    pub const ALL: [(&'static str, Operator); 6] =
        [("eq", Self::Eq), ("ne", Self::Ne), ("gt", Self::Gt), ("ge", Self::Ge), ("lt", Self::Lt), ("le", Self::Le)];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, operator)| *operator)
    }
}

impl Operator {
    /// Whether it holds between values of which the first is so to the second.
    pub fn holds(self, is: Ordering) -> bool {
        match self {
            Self::Eq => is.is_eq(),
            Self::Ne => is.is_ne(),
            Self::Gt => is.is_gt(),
            Self::Ge => is.is_ge(),
            Self::Lt => is.is_lt(),
            Self::Le => is.is_le(),
        }
    }
}

/// A function over a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    Instant(OffsetDateTime),
    Bool(bool),
    Number(i64),
    Null,
}

/// Why a filter cannot be read, and at which character (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub at: usize,
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$filter, character {}: {}", self.at, self.why)
    }
}

/// Reads a filter.
///
/// # Errors
/// The first thing that does not belong there.
pub fn parse(text: &str) -> Result<Filter, Unreadable> {
    let mut reader = Reader { tokens: tokens(text)?, place: 0, end: text.chars().count() + 1, conditions: 0 };
    let filter = reader.or(0)?;
    match reader.peek() {
        None => Ok(filter),
        Some(_) => Err(reader.wrong("“and”, “or” or the end is expected here")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// Between single quotes; `''` is a quote.
    Quoted(String),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Unreadable> {
    let wrong = |at: usize, why: &str| Unreadable { at, why: why.to_owned() };
    if text.chars().count() > LONGEST {
        return Err(wrong(LONGEST + 1, "a filter may have 8,000 characters"));
    }
    let mut found = Vec::new();
    let mut rest = text.chars().enumerate().map(|(at, c)| (at + 1, c)).peekable();
    while let Some((at, c)) = rest.next() {
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '\'' => {
                let mut quoted = String::new();
                loop {
                    match rest.next() {
                        None => return Err(wrong(at, "this quote is not closed")),
                        Some((_, '\'')) if rest.next_if(|(_, next)| *next == '\'').is_none() => break,
                        Some((_, c)) => quoted.push(c),
                    }
                }
                Token::Quoted(quoted)
            }
            c if is_of_word(c) => {
                let mut word = String::from(c);
                while let Some((_, c)) = rest.next_if(|(_, c)| is_of_word(*c)) {
                    word.push(c);
                }
                Token::Word(word)
            }
            c => return Err(wrong(at, &format!("“{c}” does not belong here"))),
        };
        found.push((at, token));
    }
    Ok(found)
}

/// Fields, operators, numbers and bare instants.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '+' | '/')
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    place: usize,
    /// One past the last character.
    end: usize,
    conditions: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place).map(|(_, token)| token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.place).map(|(_, token)| token.clone());
        self.place += 1;
        token
    }

    /// What stands at the place that is looked at does not belong there.
    fn wrong(&self, why: &str) -> Unreadable {
        Unreadable { at: self.tokens.get(self.place).map_or(self.end, |(at, _)| *at), why: why.to_owned() }
    }

    /// The same of what was taken last.
    fn wrong_before(&mut self, why: &str) -> Unreadable {
        self.place -= 1;
        self.wrong(why)
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.place += usize::from(is);
        is
    }

    fn expect(&mut self, wanted: &Token, why: &str) -> Result<(), Unreadable> {
        if self.peek() == Some(wanted) {
            self.place += 1;
            return Ok(());
        }
        Err(self.wrong(why))
    }

    fn or(&mut self, depth: u8) -> Result<Filter, Unreadable> {
        let mut filter = self.and(depth)?;
        while self.takes_word("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.and(depth)?));
        }
        Ok(filter)
    }

    fn and(&mut self, depth: u8) -> Result<Filter, Unreadable> {
        let mut filter = self.not(depth)?;
        while self.takes_word("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.not(depth)?));
        }
        Ok(filter)
    }

    fn not(&mut self, depth: u8) -> Result<Filter, Unreadable> {
        if depth > DEEPEST {
            return Err(self.wrong("this is nested too deep"));
        }
        if self.takes_word("not") {
            return Ok(Filter::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.peek() == Some(&Token::Open) {
            self.place += 1;
            let filter = self.or(depth + 1)?;
            self.expect(&Token::Close, "“)” is expected here")?;
            return Ok(filter);
        }
        self.condition()
    }

    fn condition(&mut self) -> Result<Filter, Unreadable> {
        self.conditions += 1;
        if self.conditions > MOST {
            return Err(self.wrong("a filter may have 100 conditions"));
        }
        let Some(Token::Word(word)) = self.next() else {
            return Err(self.wrong_before("a field or a function is expected here"));
        };
        if self.peek() == Some(&Token::Open) {
            return self.function(&word);
        }
        let operator = match self.next() {
            Some(Token::Word(word)) => Operator::parse(&word),
            _ => None,
        };
        let operator = operator.ok_or_else(|| self.wrong_before("eq, ne, gt, ge, lt or le is expected here"))?;
        Ok(Filter::Compare { field: word, operator, literal: self.literal()? })
    }

    /// `substringof('needle', field)` as OData 3 has it, `contains(field, 'needle')` as OData 4 does. Some write `eq true` behind.
    fn function(&mut self, name: &str) -> Result<Filter, Unreadable> {
        let known = [
            ("substringof", Function::Contains),
            ("contains", Function::Contains),
            ("startswith", Function::StartsWith),
            ("endswith", Function::EndsWith),
        ];
        let Some((known, function)) = known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
            return Err(self.wrong_before("the functions are substringof, contains, startswith and endswith"));
        };
        self.expect(&Token::Open, "“(” is expected here")?;
        let (field, needle) = if known == "substringof" {
            let needle = self.needle()?;
            self.expect(&Token::Comma, "“,” is expected here")?;
            (self.field()?, needle)
        } else {
            let field = self.field()?;
            self.expect(&Token::Comma, "“,” is expected here")?;
            (field, self.needle()?)
        };
        self.expect(&Token::Close, "“)” is expected here")?;
        let matches = Filter::Match { function, field, needle };
        if !self.takes_word("eq") {
            return Ok(matches);
        }
        match self.literal()? {
            Literal::Bool(true) => Ok(matches),
            Literal::Bool(false) => Ok(Filter::Not(Box::new(matches))),
            _ => Err(self.wrong_before("true or false is expected here")),
        }
    }

    fn field(&mut self) -> Result<String, Unreadable> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(self.wrong_before("a field is expected here")),
        }
    }

    fn needle(&mut self) -> Result<String, Unreadable> {
        match self.next() {
            Some(Token::Quoted(text)) => Ok(text),
            _ => Err(self.wrong_before("a text between quotes is expected here")),
        }
    }

    /// `'text'`, `datetime'…'`, an instant without quotes, a number, true, false, null.
    fn literal(&mut self) -> Result<Literal, Unreadable> {
        const WHY: &str = "a value is expected here: 'text', an instant such as 2026-01-31T12:00:00Z, a number, true, false or null";
        match self.next() {
            Some(Token::Quoted(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) if matches!(self.peek(), Some(Token::Quoted(_))) => {
                let quoted = self.needle()?;
                let known = ["datetime", "datetimeoffset"].iter().any(|known| known.eq_ignore_ascii_case(&word));
                let instant = instant(&quoted).filter(|_| known);
                instant.map(Literal::Instant).ok_or_else(|| self.wrong_before("an instant is written as in 2026-01-31T12:00:00Z"))
            }
            Some(Token::Word(word)) => {
                let bare = |text: &str| match text.to_ascii_lowercase().as_str() {
                    "true" => Some(Literal::Bool(true)),
                    "false" => Some(Literal::Bool(false)),
                    "null" => Some(Literal::Null),
                    _ => text.parse().ok().map(Literal::Number).or_else(|| instant(text).map(Literal::Instant)),
                };
                bare(&word).ok_or_else(|| self.wrong_before(WHY))
            }
            _ => Err(self.wrong_before(WHY)),
        }
    }
}

/// An instant in ISO 8601; without an offset it is UTC, without a time it is midnight.
pub fn instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Iso8601::PARSING)
        .or_else(|_| PrimitiveDateTime::parse(text, &Iso8601::PARSING).map(PrimitiveDateTime::assume_utc))
        .or_else(|_| time::Date::parse(text, &Iso8601::PARSING).map(|day| day.midnight().assume_utc()))
        .ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn compare(field: &str, operator: Operator, literal: Literal) -> Filter {
        Filter::Compare { field: field.to_owned(), operator, literal }
    }

    fn text(field: &str, text: &str) -> Filter {
        compare(field, Operator::Eq, Literal::Text(text.to_owned()))
    }

    fn matches(function: Function, field: &str, needle: &str) -> Filter {
        Filter::Match { function, field: field.to_owned(), needle: needle.to_owned() }
    }

    #[test]
    fn what_clients_write_is_read() {
        let (a, b, c) = (text("a", "1"), text("b", "2"), text("c", "3"));
        let and = |one: &Filter, other: &Filter| Filter::And(Box::new(one.clone()), Box::new(other.clone()));
        let or = |one: &Filter, other: &Filter| Filter::Or(Box::new(one.clone()), Box::new(other.clone()));
        let not = |one: &Filter| Filter::Not(Box::new(one.clone()));
        for (written, wanted) in [
            ("a eq '1'", a.clone()),
            ("  a  EQ\t'1' ", a.clone()),
            ("a eq '1' or b eq '2' and c eq '3'", or(&a, &and(&b, &c))),
            ("(a eq '1' or b eq '2') and c eq '3'", and(&or(&a, &b), &c)),
            ("not a eq '1' and b eq '2'", and(&not(&a), &b)),
            ("not (a eq '1' and not(b eq '2'))", not(&and(&a, &not(&b)))),
            ("displayName eq 'it''s ''here'''", text("displayName", "it's 'here'")),
            ("name eq ''", text("name", "")),
            ("substringof('x, (y', displayName)", matches(Function::Contains, "displayName", "x, (y")),
            ("contains(name,'é') eq true", matches(Function::Contains, "name", "é")),
            (
                "startswith(name, 'a') and endswith(name,'b')",
                and(&matches(Function::StartsWith, "name", "a"), &matches(Function::EndsWith, "name", "b")),
            ),
            ("contains(name,'x') eq false", not(&matches(Function::Contains, "name", "x"))),
            ("n ge 12", compare("n", Operator::Ge, Literal::Number(12))),
            ("isCurrent ne true", compare("isCurrent", Operator::Ne, Literal::Bool(true))),
            ("terms eq null", compare("terms", Operator::Eq, Literal::Null)),
            ("at lt datetime'2014-08-04T22:03:00.5'", compare("at", Operator::Lt, Literal::Instant(datetime!(2014-08-04 22:03:00.5 UTC)))),
            ("at gt 2014-08-04T22:03:00+02:00", compare("at", Operator::Gt, Literal::Instant(datetime!(2014-08-04 22:03 +2)))),
            ("at le 2014-08-04", compare("at", Operator::Le, Literal::Instant(datetime!(2014-08-04 0:00 UTC)))),
            ("properties/state eq 'active'", text("properties/state", "active")),
        ] {
            assert_eq!(parse(written).as_ref(), Ok(&wanted), "{written}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (written, at, why) in [
            ("", 1, "a field or a function"),
            ("name", 5, "eq, ne"),
            ("name eq", 8, "a value"),
            ("name is 'x'", 6, "eq, ne"),
            ("name eq 'x", 9, "not closed"),
            ("name eq x y", 9, "a value"),
            ("name eq 'x' 'y'", 13, "“and”"),
            ("name eq 'x' and", 16, "a field"),
            ("(name eq 'x'", 13, "“)”"),
            ("name eq 'x')", 12, "“and”"),
            ("length(name) eq 3", 1, "functions are"),
            ("contains('x', name)", 10, "a field"),
            ("substringof(name, 'x')", 13, "between quotes"),
            ("contains(name)", 14, "“,”"),
            ("name eq 'x'; drop table users", 12, "“;”"),
            ("name eq datetime'yesterday'", 17, "an instant"),
            ("name eq guid'00'", 13, "an instant"),
            ("contains(name,'x') eq 1", 23, "true or false"),
        ] {
            let refusal = parse(written).expect_err(written);
            assert!(refusal.at == at && refusal.why.contains(why), "{written}: {refusal}");
        }
        assert!(parse(&"(".repeat(3_000)).expect_err("deep").why.contains("deep"));
        assert!(parse(&"not ".repeat(1_900)).expect_err("deep").why.contains("deep"));
        assert!(parse(&["a eq 'x'"; 101].join(" and ")).expect_err("many").why.contains("100 conditions"));
        assert!(parse(&["a eq 'x'"; 100].join(" or ")).is_ok());
        assert!(parse(&"x".repeat(8_001)).expect_err("long").why.contains("8,000"));
    }

    /// Pieces of filters in any order, which come further into the reader than any text would.
    fn pieces() -> impl Strategy<Value = String> {
        let known = proptest::sample::select(vec![
            "name",
            "eq",
            "ne",
            "and",
            "or",
            "not",
            "(",
            ")",
            ",",
            "'x'",
            "'it''s'",
            "'",
            "contains(",
            "substringof('x',",
            "true",
            "null",
            "12",
            "datetime'2014-08-04'",
            "2014-08-04T00:00:00Z",
            "é",
            ";",
            "--",
            "\u{0}",
            "/",
            "''",
        ]);
        proptest::collection::vec(prop_oneof![8 => known.prop_map(str::to_owned), 1 => ".{0,6}"], 0..30).prop_map(|all| all.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(
            std::env::var("PORTICO_TEST_FILTERS").ok().and_then(|number| number.parse().ok()).unwrap_or(20_000)
        ))]
        #[test]
        fn any_text_is_read_or_refused(text in prop_oneof![pieces(), ".{0,80}"]) {
            match parse(&text) {
                Ok(filter) => {
                    let told = format!("{filter:?}").len();
                    prop_assert!(told < 100_000);
                }
                Err(refusal) => prop_assert!(refusal.at >= 1 && refusal.at <= text.chars().count() + 1, "{refusal}"),
            }
        }
    }
}
