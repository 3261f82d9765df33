//! The entry: everything is in the library, so that tests can reach it.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    portico::cli::run()
}
