use socklab::narrate::event::{Args, Call, Data, Ended, Errno, Event, Kind, SCHEMA, Value};

use super::*;
use crate::sequence::rows::rows;

/// A run, call by call: each is row 0, 1, 2 …
#[derive(Default)]
struct Story(Vec<Event>);

impl Story {
    fn call(
        mut self,
        name: &'static str,
        fd: i64,
        result: i64,
        args: &[(&'static str, Value)],
    ) -> Self {
        let mut all = Args::default();
        for (arg, value) in args {
            all.set(*arg, value.clone());
        }
        let call = Call { call: name.into(), fd: Some(fd), args: all, data: None, waits: false };
        let (error, circumstance, syscalls) = Default::default();
        let kind = Kind::Call(Ended { call, result, error, circumstance, elapsed_us: 1, syscalls });
        let seq = self.0.len() as u64 + 1;
        self.0.push(Event {
            schema: SCHEMA.into(),
            seq,
            t_us: seq,
            tid: 1,
            actor: "both".into(),
            kind,
        });
        self
    }

    fn socket(self, fd: i64, kind: &'static str) -> Self {
        self.call("socket", -1, fd, &[("type", kind.into())])
    }

    /// Rows 0 to 4: descriptor 5 is connected to 6.
    fn connected() -> Self {
        Self::default()
            .socket(4, "SOCK_STREAM|SOCK_CLOEXEC")
            .call("getsockname", 4, 0, &[("addr", "127.0.0.1:7".into())])
            .socket(5, "SOCK_STREAM|SOCK_CLOEXEC")
            .call("connect", 5, 0, &[("addr", "127.0.0.1:7".into())])
            .call("accept", 4, 6, &[("addr", "127.0.0.1:9".into())])
    }

    fn carries(mut self, bytes: &[u8]) -> Self {
        if let Some(Kind::Call(ended)) = self.0.last_mut().map(|event| &mut event.kind) {
            ended.call.data = Some(Data::of(bytes));
        }
        self
    }

    fn fails(mut self, name: &'static str) -> Self {
        if let Some(Kind::Call(ended)) = self.0.last_mut().map(|event| &mut event.kind) {
            ended.error = Some(Errno { errno: 1, name: name.into(), message: name.into() });
        }
        self
    }

    fn arrows(&self) -> Vec<(usize, usize, What)> {
        let arrows = arrows(&self.0, &rows(&self.0).unwrap());
        arrows.iter().map(|arrow| (arrow.from, arrow.to, arrow.what)).collect()
    }
}

const MADE: (usize, usize, What) = (3, 4, What::Connection);

#[test]
fn bytes_arrive_in_the_order_in_which_they_were_sent_however_they_are_cut() {
    let story = Story::connected()
        .call("send", 5, 3, &[])
        .call("send", 5, 4, &[])
        .call("recv", 6, 5, &[])
        .call("recv", 6, 2, &[]);
    let bytes = [(5, 7, What::Bytes(3)), (6, 7, What::Bytes(2)), (6, 8, What::Bytes(2))];
    assert_eq!(story.arrows(), [&[MADE][..], &bytes].concat());
}

#[test]
fn each_direction_ends_by_itself() {
    let story = Story::connected()
        .call("shutdown", 5, 0, &[("how", "SHUT_WR".into())])
        .call("recv", 6, 0, &[])
        .call("close", 6, 0, &[])
        .call("recv", 5, 0, &[])
        .call("close", 5, 0, &[]);
    assert_eq!(story.arrows(), [MADE, (5, 6, What::Fin), (7, 8, What::Fin)]);
}

#[test]
fn a_reset_comes_from_the_close() {
    let story =
        Story::connected().call("close", 5, 0, &[]).call("recv", 6, -1, &[]).fails("ECONNRESET");
    assert_eq!(story.arrows(), [MADE, (5, 6, What::Reset)]);
}

#[test]
fn a_descriptor_that_is_used_again_is_another_socket() {
    let story = Story::connected()
        .call("send", 5, 3, &[])
        .call("close", 5, 0, &[])
        .socket(5, "SOCK_STREAM")
        .call("send", 5, 9, &[])
        .call("recv", 6, 3, &[])
        .call("recv", 6, 9, &[]);
    assert_eq!(story.arrows(), [MADE, (5, 9, What::Bytes(3))]);
}

#[test]
fn a_refused_connect_is_not_the_one_accepted() {
    let refused = Story::default()
        .socket(4, "SOCK_STREAM")
        .call("getsockname", 4, 0, &[("addr", "127.0.0.1:7".into())])
        .socket(5, "SOCK_STREAM")
        .call("connect", 5, -1, &[("addr", "127.0.0.1:7".into())])
        .fails("ECONNREFUSED")
        .socket(8, "SOCK_STREAM")
        .call("connect", 8, 0, &[("addr", "127.0.0.1:7".into())])
        .call("accept", 4, 6, &[("addr", "127.0.0.1:9".into())]);
    assert_eq!(refused.arrows(), [(5, 6, What::Connection)]);
}

#[test]
fn datagrams_are_known_by_what_is_in_them() {
    let story = Story::default()
        .socket(4, "SOCK_DGRAM")
        .socket(5, "SOCK_DGRAM")
        .call("sendto", 5, 5, &[])
        .carries(b"first")
        .call("sendto", 5, 0, &[])
        .call("sendto", 5, 6, &[])
        .carries(b"second")
        .call("recvfrom", 4, 3, &[])
        .carries(b"sec")
        .call("recvfrom", 4, 0, &[]);
    assert_eq!(story.arrows(), [(4, 5, What::Bytes(3)), (3, 6, What::Bytes(0))]);
}

#[test]
fn who_is_told_late_still_has_the_arrow_begin_on_its_own_lane() {
    let mut story = Story::connected();
    let accept = story.0.remove(4);
    story.0.insert(3, accept);
    assert_eq!(story.arrows(), [(4, 3, What::Connection)]);
}
