//! Nothing in the book can go stale: transcripts and recorded runs are played again, and every include, anchor, link,
//! chapter and mistake is looked for.
//!
//! `SNAPSHOTS=overwrite cargo test --test book` records what has changed, in the pages and in `book/runs`.
//! `BOOK_PAGE=04-framing` plays the transcripts of that page only.

#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod chapters;
mod links;
mod network;
mod pages;
mod runs;
mod session;
mod transcripts;

use std::env;

/// Whether what has changed is to be recorded instead of told.
fn recording() -> bool {
    env::var("SNAPSHOTS").is_ok_and(|action| action == "overwrite")
}

/// Fails with all `complaints`, if there are any.
fn nothing_to_complain_about(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
