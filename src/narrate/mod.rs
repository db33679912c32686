//! Sockets that say what they do.
//!
//! [`Socket`] has the names, the order and the signatures of [`socket2::Socket`]: code written on it becomes plain
//! socket2 by changing one `use` and deleting the notes. Each call tells an [`Observer`] its beginning and its end as an
//! [`event::Event`]. Nothing in here knows of text or colour.
//!
//! ```text
//!   demo ──▶ Socket ──▶ socket2 ──▶ kernel
//!              │ Event
//!              ▼
//!          Narration ──▶ Observer (a renderer)
//! ```

mod call;
pub mod event;
mod mask;
mod narration;
mod options;
mod poll;
mod resolve;
mod socket;

pub use narration::{Narration, Observer, acting_as, actor, message, note, perform, spawn, state};
pub use poll::{Interest, PollFd, Ready, poll};
pub use resolve::{LookupError, resolve};
pub use socket::Socket;
