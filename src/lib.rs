//! A socket-programming workbook that runs. The map of the crate: each room, the question it answers, whom it may call.
//!
//! | room | question | may call |
//! | --- | --- | --- |
//! | [`cli`] | What can be typed? | nobody |
//! | [`demos`] | What does each chapter do, call by call? | `chat`, `cli`, `error`, `narrate`, `observe`, `stage` |
//! | [`chat`] | What do the Chat-Room's messages say, and who is told what? | nobody |
//! | [`narrate`] | Which calls are made, and what came of them? | nobody |
//! | [`observe`] | What does the kernel say of a connection? | nobody |
//! | [`mod@reference`] | What does a call, an option, an errno, a state mean, and what helps? | nobody |
//! | [`render`] | How is what happens shown: text, JSON, step by step? | `error`, `narrate::event`, `narrate::Observer`, `reference` |
//! | [`stage`] | When does a demo stop, and who types to it? | nobody |
//! | [`check`] | Does a learner's program do what its exercise asks for, and if not, which mistake is it? | `chat`, `observe`, `reference`, `stage` |
//! | [`lessons`] | Which exercises are there, with which tasks, hints and programs? | nobody |
//! | [`error`] | What went wrong, on which call and address? | nobody |
//!
//! `main.rs` puts them together: it parses, chooses the renderer, runs the demo, and turns its outcome into an exit
//! status; `terminal.rs` and `contents.rs` beside it are its own.

pub mod chat;
#[cfg(target_os = "linux")]
pub mod check;
pub mod cli;
pub mod demos;
pub mod error;
pub mod lessons;
pub mod narrate;
pub mod observe;
pub mod reference;
pub mod render;
pub mod stage;
