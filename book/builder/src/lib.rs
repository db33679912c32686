//! Builds the workbook's book: mdBook, pinned, and between its sources and its pages what comes from the program.
//!
//! | module | question |
//! | --- | --- |
//! | [`build`] | How does the book become HTML, and when is that refused? |
//! | [`serve`] | How is it shown while it is being written? |
//! | [`preprocess`] | What does mdBook call, in this process and from outside? |
//! | [`page`] | What in a page is ours: directives and console blocks? |
//! | [`includes`], [`links`] | What is missing: a file, an anchor, the target of a link? |
//! | [`recording`], [`transcript`], [`narration`] | What happened in a run, as the terminal shows it, and which part of a line is what? |
//! | [`run`], [`console`], [`sequence`], [`states`] | How is it shown: a transcript in steps, a terminal, diagrams? |
//! | [`actors`], [`html`] | Who has which colour, and what is safe in Markdown? |
//! | [`reference`](mod@reference), [`mistakes`] | What does the program's own reference say? |

pub mod actors;
pub mod build;
pub mod console;
pub mod html;
pub mod includes;
pub mod links;
pub mod mistakes;
pub mod narration;
pub mod page;
pub mod preprocess;
pub mod recording;
pub mod reference;
pub mod run;
pub mod sequence;
pub mod serve;
pub mod states;
pub mod transcript;
