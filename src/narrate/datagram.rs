//! Receiving datagrams into plain bytes: for `recvfrom(2)` what [`std::io::Read`] is for `recv(2)`.

use std::io;
use std::mem::MaybeUninit;

use socket2::SockAddr;

use super::socket::{Socket, filled};

impl Socket {
    /// [`recv_from`](Self::recv_from) into a buffer whose bytes are known already, which safe code can read afterwards.
    pub fn read_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        let mut space = vec![MaybeUninit::uninit(); buffer.len()];
        let (count, sender) = self.recv_from(&mut space)?;
        buffer[..count].copy_from_slice(filled(&space, count));
        Ok((count, sender))
    }
}
