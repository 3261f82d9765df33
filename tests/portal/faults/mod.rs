//! What goes wrong around a portal: it is killed, two people save at once, the database is away, the clock is set, forms are nonsense.
//! By chance, from a seed that is said with the count. `PORTICO_TEST_LONG=1` asks for the full counts, `PORTICO_TEST_SEED` for a seed.

mod away;
mod clock;
mod form;
mod full;
mod killed;
mod mails;
mod nonsense;
mod rule;
mod silent;
mod together;

use std::io::Write;

/// How often something is tried: few times in every run, often in the long one.
pub fn rounds(few: usize, many: usize) -> usize {
    if std::env::var_os("PORTICO_TEST_LONG").is_some() { many } else { few }
}

pub fn on_sqlite() -> bool {
    std::env::var_os("PORTICO_TEST_POSTGRES").is_none()
}

/// Says a count, also when the test passes.
pub fn counted(what: &str) {
    let engine = if on_sqlite() { "SQLite" } else { "PostgreSQL" };
    let _ = writeln!(std::io::stderr(), "count: {what} ({engine})");
}

/// Chance from a seed (SplitMix64).
pub struct Chance {
    pub seed: u64,
    state: u64,
}

impl Chance {
    pub fn new() -> Self {
        let given = std::env::var("PORTICO_TEST_SEED").ok().map(|seed| seed.parse().expect("PORTICO_TEST_SEED is a number"));
        let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
        let seed = given.unwrap_or_else(clock);
        println!("PORTICO_TEST_SEED={seed}");
        Self { seed, state: seed }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to before `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Those of them that chance chooses.
    pub fn some<T: Clone>(&mut self, from: &[T], of_hundred: usize) -> Vec<T> {
        from.iter().filter(|_| self.percent(of_hundred)).cloned().collect()
    }
}
