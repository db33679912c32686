//! The Chat-Room protocol, as far as it needs no socket: what goes in and what comes out are bytes.
//!
//! ```text
//!   bytes ──▶ Framer ──▶ Request ──▶ Room ──▶ Reply ──▶ Outbox of each client ──▶ bytes
//! ```
//!
//! A [`Framer`] finds messages in a stream, a [`Request`] or a [`Reply`] is what one message says, the [`Room`] decides
//! who is told what, and an [`Outbox`] holds it until the client's writer has sent it. The texts in here are part of the
//! protocol: they are sent to clients.

mod fields;
mod framing;
mod message;
mod outbox;
mod room;

pub use fields::Malformed;
pub use framing::{Frame, Framer};
pub use message::{ENVELOPE, Reply, Request};
pub use outbox::{Full, Outbox};
pub use room::{ClientId, Outcome, Refused, Room, Rules};
