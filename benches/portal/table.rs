//! The table that is printed in the end.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Short,
    /// For information, or it could not be measured.
    None,
}

impl Verdict {
    pub fn of(good: bool) -> Self {
        if good { Self::Ok } else { Self::Short }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Short => "FALLS SHORT",
            Self::None => "–",
        }
    }
}

/// What, what DESIGN.md wants, what was measured, the yardstick beside it.
#[derive(Default)]
pub struct Table(Vec<([String; 4], &'static str)>);

impl Table {
    /// Adds a line, and prints it at once: a run takes minutes.
    pub fn add(&mut self, what: &str, wanted: &str, measured: &str, yardstick: &str, verdict: Verdict) {
        println!("{what}: {measured}; yardstick: {yardstick} [{}]", verdict.word());
        self.0.push(([what, wanted, measured, yardstick].map(str::to_owned), verdict.word()));
    }

    /// As Markdown.
    pub fn print(&self) {
        println!("\n| row | wanted | measured | yardstick | |\n|---|---|---|---|---|");
        for (cells, verdict) in &self.0 {
            println!("| {} | {verdict} |", cells.join(" | "));
        }
    }
}
