//! Renderers: each turns events into lines for a reader, a person or a program.
//!
//! ```text
//!   Narration ──▶ Turnstile ──▶ Quiet ──▶ Text or Json ──▶ Output ──▶ terminal, pipe
//!                (pauses)     (if asked)
//! ```

mod actors;
mod call;
pub mod failure;
pub mod json;
mod layout;
pub mod output;
mod page;
pub mod questions;
pub mod quiet;
pub mod text;
pub mod turnstile;
mod why;

use crate::narrate::event::{Args, is_invisible};
use crate::reference;

/// How much is explained beside what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Explain {
    /// Nothing.
    None,
    /// One sentence, the first time that something is seen.
    #[default]
    Short,
    /// That sentence, and once for each call, option, errno and state the paragraph too.
    Full,
}

/// Text that may come from a peer, made harmless for a terminal: what would move the cursor or hide or reorder its
/// neighbours is written as an escape.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => shown.extend(character.escape_default()),
            control if control.is_ascii_control() => {
                shown.push_str(&format!("\\x{:02x}", control as u32));
            }
            hidden if is_invisible(hidden) => shown.extend(hidden.escape_unicode()),
            plain => shown.push(plain),
        }
    }
    shown
}

/// The words of a note with its blanks filled in. The id stands for words that are missing (a test sees to it that none are).
fn words(id: &str, blanks: &Args) -> String {
    let text = reference::note(id).map_or(id, |note| &note.text);
    reference::fill(text, |name| blanks.get(name).map(|value| harmless(&value.to_string())))
}
