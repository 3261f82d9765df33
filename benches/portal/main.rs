//! Measures what the portal must reach, each row beside its yardstick in the same run; benches/README.md says how to read it.

#[path = "../support/mod.rs"]
mod support;

mod django;
mod programs;
mod rows;
mod still;
mod table;

use clap::Parser;
use rows::Bench;
use support::{database::Filled, postgres::Postgres, process};
use table::Table;

#[derive(Parser)]
#[command(about = "Measures the portal, each row beside its yardstick", after_help = "Databases are kept under target/bench.")]
struct Options {
    /// Users in the database that most rows are measured on
    #[arg(long, default_value_t = 100_000)]
    users: u64,
    /// The two sizes that the lists are compared at
    #[arg(long, value_delimiter = ',', num_args = 1, default_values_t = [1_000, 1_000_000])]
    growth: Vec<u64>,
    #[arg(long, value_delimiter = ',', default_values_t = ["sqlite".to_owned(), "postgres".to_owned()])]
    engine: Vec<String>,
    /// A PostgreSQL server to make databases on and drop them in the end; otherwise one is started from Debian's packages
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// Which rows
    #[arg(long, value_delimiter = ',', default_values_t = ROWS.map(str::to_owned))]
    rows: Vec<String>,
    /// Seconds of load for each target
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// What cargo says to a benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

const ROWS: [&str; 9] = ["users", "django", "guest", "programs", "growth", "add", "gateway", "start", "memory"];

fn main() {
    if let [_, mode, file] = &std::env::args().collect::<Vec<_>>()[..]
        && mode == still::MODE
    {
        return still::serve(file);
    }
    let options = Options::parse();
    if !options.bench {
        return println!("measures nothing outside cargo bench");
    }
    if let Some(row) = options.rows.iter().find(|row| !ROWS.contains(&row.as_str())) {
        return eprintln!("no row is called {row}; there are: {}", ROWS.join(", "));
    }
    println!("{}", process::machine());
    let mut table = Table::default();
    for engine in &options.engine {
        match engine.as_str() {
            "sqlite" => measure(&options, engine, None, &mut table),
            "postgres" => {
                let server = options.postgres.as_deref().map(Postgres::at).or_else(Postgres::start);
                let Some(server) = server else {
                    println!("\n!! SKIPPED: PostgreSQL: neither --postgres nor Debian's package postgresql is here\n");
                    continue;
                };
                println!("{}", server.settings());
                measure(&options, engine, Some(&server), &mut table);
                server.tidy(&[&options.growth[..], &[options.users, 0]].concat());
            }
            other => return eprintln!("no engine is called {other}; there are: sqlite, postgres"),
        }
    }
    table.print();
    println!("\n{}", process::machine());
    println!("Portico {}, 2 workers; 8 connections; a turn a second for each target, {} turns", env!("CARGO_PKG_VERSION"), options.seconds);
}

fn measure(options: &Options, engine: &str, postgres: Option<&Postgres>, table: &mut Table) {
    let wants = |row: &str| options.rows.iter().any(|wanted| wanted == row);
    let fill = |users| postgres.map_or_else(|| Filled::sqlite(users), |server| Filled::postgres(server, users));
    let start = |users| Bench::start(engine, fill(users), options.seconds, postgres);
    if wants("start") {
        rows::starts(&fill(options.users), engine, postgres, table);
    }
    if ["users", "django", "guest", "programs", "add", "gateway", "memory"].into_iter().any(wants) {
        let bench = start(options.users);
        type Row<'a> = fn(&Bench<'a>, &mut Table);
        let rows: [(&str, Row<'_>); 7] = [
            ("users", Bench::users),
            ("django", Bench::against_django),
            ("guest", Bench::guest),
            ("programs", Bench::programs),
            ("add", Bench::add),
            ("gateway", Bench::gateway),
            // The last: it is what the others left.
            ("memory", Bench::memory),
        ];
        // Django is the yardstick on SQLite.
        for (_, row) in rows.iter().filter(|(name, _)| wants(name) && (postgres.is_none() || *name != "django")) {
            row(&bench, table);
        }
    }
    if wants("growth")
        && let [small, large] = options.growth[..]
    {
        let (few, many) = (start(small), start(large));
        many.growth(&few, (small, large), table);
    }
}
