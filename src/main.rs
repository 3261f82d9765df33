//! The entry: everything is in the library, so that tests can reach it.

#![forbid(unsafe_code)]

/// Gives memory back after a large import, which the system's allocator keeps in each thread's arena. Without huge pages (`no_thp`), of
/// which each is resident whole: with them, thirty megabytes stood for three in use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    portico::cli::run()
}
