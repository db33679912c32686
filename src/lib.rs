//! A socket-programming workbook that runs. The map of the crate: each room, the question it answers, whom it may call.
//!
//! | room | question | may call |
//! | --- | --- | --- |
//! | [`error`] | What went wrong, on which call and address? | nobody |
//! | [`narrate`] | Which calls are made, and what came of them? | nobody |
//! | [`mod@reference`] | What does a call, an option, an errno, a state mean, and what helps? | nobody |
//! | [`render`] | How is what happens shown: text, JSON, step by step? | `narrate` (events), `reference`, `error` |
//! | [`stage`] | When does a demo stop, and who types to it? | nobody |

pub mod error;
pub mod narrate;
pub mod reference;
pub mod render;
pub mod stage;
