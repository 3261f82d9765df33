//! Identity providers: how they are kept and tried, and how people come in by them.

mod attacks;
mod counterpart;
mod directories;
mod joining;
mod kept;
mod leaving;
mod sign_in;
mod sources;
