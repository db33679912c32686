//! A socket-programming workbook that runs. The map of the crate: each room, the question it answers, whom it may call.
//!
//! | room | question | may call |
//! | --- | --- | --- |
//! | [`chat`] | What do the bytes of the Chat-Room protocol mean, and who is told what? | nobody |
//! | [`error`] | What went wrong, on which call and address? | nobody |
//! | [`narrate`] | Which calls are made, and what came of them? | nobody |
//! | [`stage`] | When does a demo stop, and who types to it? | nobody |

pub mod chat;
pub mod error;
pub mod narrate;
pub mod stage;
