//! What somebody means by words in a field, where there may be far too many things to list: one that is called so, or some to choose from.

use crate::db::{COUNTED, Choice};

use super::filters::thousands;

/// Those that are offered at a time; more letters find the others.
pub const OFFERED: i64 = 10;

/// What the words mean: one, or some of many.
pub struct Meant {
    pub one: Option<Choice>,
    pub offered: Vec<Choice>,
    pub problem: String,
}

impl Meant {
    /// Those that are called exactly so, when it is one alone.
    pub fn called(mut called: Vec<Choice>) -> Option<Self> {
        let one = (called.len() == 1).then(|| called.pop()).flatten()?;
        Some(Self { one: Some(one), offered: Vec::new(), problem: String::new() })
    }

    pub fn nothing(problem: &str) -> Self {
        Self { one: None, offered: Vec::new(), problem: problem.to_owned() }
    }

    /// The first of those that match, of so many.
    pub fn among(offered: Vec<Choice>, matching: i64, nobody: &str, choose: &str) -> Self {
        let problem = match (offered.len(), matching) {
            (0, _) => nobody.to_owned(),
            (_, matching) if matching > OFFERED => {
                let more = if matching > COUNTED { format!("{}+", thousands(COUNTED)) } else { thousands(matching) };
                format!("{choose} These are the first {OFFERED} of {more}: type more of the name to find the others.")
            }
            _ => choose.to_owned(),
        };
        Self { one: None, offered, problem }
    }
}
