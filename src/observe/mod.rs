//! What the kernel says of a connection, asked from outside: by its addresses, not through its socket.
//!
//! An observer asks on a thread and a socket of its own, so that what a demo does is not mixed with looking at it.

#[cfg(target_os = "linux")]
mod sock_diag;
mod tcp_state;

pub use tcp_state::{Observer, Seen, TcpState};
