//! Each test is a short visit: who does what, and what everybody was told.

use super::super::{ENVELOPE, Malformed};
use super::*;

const STRICT: Rules = Rules { max_clients: 3, trusting: false };
const TRUSTING: Rules = Rules { trusting: true, ..STRICT };
const NOW: f64 = 1.7e9;

/// One client of a room.
struct Visitor<'a> {
    room: &'a Room,
    id: ClientId,
    outbox: Arc<Outbox>,
}

impl<'a> Visitor<'a> {
    fn enter(room: &'a Room) -> Self {
        Self::enter_reading(room, 10_000)
    }

    /// A client that leaves at most `limit_bytes` unread.
    fn enter_reading(room: &'a Room, limit_bytes: usize) -> Self {
        let outbox = Arc::new(Outbox::new(limit_bytes));
        let id = room.enter("127.0.0.1:5:7".into(), outbox.clone()).unwrap();
        Self { room, id, outbox }
    }

    fn named(room: &'a Room, name: &str) -> Self {
        let visitor = Self::enter(room);
        assert_eq!(visitor.log_in(name), Outcome::default());
        assert_eq!(visitor.outbox.next().map(|line| reads(&line)), Some(welcome(name)));
        visitor
    }

    fn log_in(&self, name: &str) -> Outcome {
        self.log_in_with(name, "x")
    }

    fn log_in_with(&self, name: &str, password: &str) -> Outcome {
        let (username, password) = (name.into(), password.into());
        self.room.handle(self.id, Request::Login { username, password }, NOW)
    }

    fn chat(&self, claimed: Option<&str>, content: &str) -> Outcome {
        let (username, content) = (claimed.map(Into::into), content.into());
        self.room.handle(self.id, Request::Chat { username, content }, NOW)
    }

    fn log_out(&self, claimed: Option<&str>) -> Outcome {
        self.room.handle(self.id, Request::Logout { username: claimed.map(Into::into) }, NOW)
    }

    /// All that it was told, to the end.
    fn told(&self) -> Vec<String> {
        self.outbox.close();
        std::iter::from_fn(|| self.outbox.next()).map(|line| reads(&line)).collect()
    }
}

/// A reply in a form that is quick to read.
fn reads(line: &[u8]) -> String {
    match Reply::parse(line).unwrap() {
        Reply::LoginResponse { success: true, message, user_id } => {
            format!("in: {message} {}", user_id.unwrap())
        }
        Reply::LoginResponse { message, .. } => format!("not in: {message}"),
        Reply::ChatMessage { username, content, timestamp } => {
            assert_eq!(timestamp, NOW);
            format!("{username}: {content}")
        }
        Reply::LogoutResponse { message, .. } => format!("out: {message}"),
        Reply::Error { message } => format!("error: {message}"),
    }
}

fn welcome(name: &str) -> String {
    format!("in: welcome {name}! 127.0.0.1:5:7")
}

#[test]
fn a_chat_goes_to_everybody_else() {
    let room = Room::new(STRICT);
    let (mei, ana) = (Visitor::named(&room, "mei"), Visitor::named(&room, "ana"));
    let unnamed = Visitor::enter(&room);
    mei.chat(None, "好");
    assert_eq!(ana.told(), ["mei: 好"]);
    assert_eq!(unnamed.told(), ["mei: 好"]);
    assert_eq!(mei.told(), [""; 0]);
}

#[test]
fn nobody_speaks_under_another_name_or_none() {
    let room = Room::new(STRICT);
    let (mei, unnamed) = (Visitor::named(&room, "mei"), Visitor::enter(&room));
    mei.chat(Some("root"), "hi");
    unnamed.chat(Some("root"), "hi");
    assert_eq!(mei.told(), [""; 0]);
    assert_eq!(unnamed.told(), ["mei: hi", "error: log in before you chat"]);
}

#[test]
fn a_trusting_room_believes_the_message() {
    let room = Room::new(TRUSTING);
    let (mei, unnamed) = (Visitor::named(&room, "mei"), Visitor::enter(&room));
    mei.chat(Some("root"), "hi");
    mei.chat(None, "hi");
    unnamed.chat(None, "hello");
    assert_eq!(unnamed.told(), ["root: hi", "mei: hi"]);
    assert_eq!(mei.told(), ["anonymous: hello"]);
}

#[test]
fn a_chat_says_something() {
    let room = Room::new(STRICT);
    let (mei, ana) = (Visitor::named(&room, "mei"), Visitor::named(&room, "ana"));
    mei.chat(None, "");
    assert_eq!(mei.told(), ["error: field `content` is empty"]);
    assert_eq!(ana.told(), [""; 0]);
}

#[test]
fn a_login_needs_a_name_and_a_password() {
    let room = Room::new(STRICT);
    let visitor = Visitor::enter(&room);
    visitor.log_in_with("", "x");
    visitor.log_in_with("mei", "");
    let refusal = "not in: username and password must not be empty";
    assert_eq!(visitor.told(), [refusal, refusal]);
}

#[test]
fn a_name_is_measured_in_characters() {
    let room = Room::new(STRICT);
    let visitor = Visitor::enter(&room);
    visitor.log_in(&"好".repeat(65));
    visitor.log_in(&"好".repeat(64));
    let refusal = "not in: a name has at most 64 characters".to_owned();
    assert_eq!(visitor.told(), [refusal, welcome(&"好".repeat(64))]);
}

#[test]
fn a_name_is_free_again_after_logout_overflow_and_departure() {
    let room = Room::new(STRICT);
    let [first, second, third] = std::array::from_fn(|_| Visitor::enter_reading(&room, 200));
    first.log_in("mei");
    second.log_in("mei");
    first.log_out(None);
    second.log_in("mei");
    assert_eq!(second.told(), ["not in: somebody named mei is here already", &welcome("mei")]);
    room.leave(second.id);
    third.log_in("mei");
    room.leave(first.id);
    let fourth = Visitor::named(&room, "ana");
    assert_eq!(fourth.chat(None, &"x".repeat(200)).overflowed, [third.id]);
    room.leave(fourth.id);
    Visitor::named(&room, "mei");
}

#[test]
fn one_connection_logs_in_once() {
    let room = Room::new(STRICT);
    let (mei, ana) = (Visitor::named(&room, "mei"), Visitor::named(&room, "ana"));
    mei.log_in("root");
    mei.chat(None, "hi");
    assert_eq!(mei.told(), ["error: already logged in as mei"]);
    assert_eq!(ana.told(), ["mei: hi"]);
}

#[test]
fn a_logout_is_answered_and_ends_the_connection() {
    for (rules, farewells) in [
        (STRICT, ["out: goodbye mei!", "out: goodbye!"]),
        (TRUSTING, ["out: goodbye root!", "out: goodbye root!"]),
    ] {
        let room = Room::new(rules);
        let (mei, unnamed) = (Visitor::named(&room, "mei"), Visitor::enter(&room));
        for (visitor, farewell) in [(&mei, farewells[0]), (&unnamed, farewells[1])] {
            assert!(visitor.log_out(Some("root")).hang_up);
            assert!(visitor.outbox.closed());
            assert!(visitor.chat(None, "late").hang_up);
            assert_eq!(visitor.told(), [farewell]);
        }
        assert_eq!(room.len(), 2);
    }
}

#[test]
fn who_does_not_read_is_given_up_once_and_the_others_go_on() {
    let room = Room::new(STRICT);
    let mei = Visitor::named(&room, "mei");
    let (deaf, ana) = (Visitor::enter_reading(&room, 200), Visitor::named(&room, "ana"));
    let overflowed: Vec<_> = (0..9).flat_map(|_| mei.chat(None, "hi").overflowed).collect();
    assert_eq!(overflowed, [deaf.id]);
    assert!(deaf.outbox.overflowed());
    assert_eq!(ana.told().len(), 9);
}

#[test]
fn complaints_that_are_not_read_count_as_well() {
    let room = Room::new(STRICT);
    let visitor = Visitor::enter_reading(&room, 50);
    assert_eq!(room.complain(visitor.id, &"once"), Outcome::default());
    assert_eq!(room.complain(visitor.id, &"twice").overflowed, [visitor.id]);
    assert!(visitor.log_in("mei").hang_up);
}

#[test]
fn a_full_room_takes_who_comes_after_somebody_left() {
    let room = Room::new(STRICT);
    let [first, ..] = [(); 3].map(|()| Visitor::enter(&room));
    let refused = room.enter("id".into(), first.outbox.clone()).unwrap_err();
    assert_eq!(refused.to_string(), "the room is full: it holds 3 clients");
    room.leave(first.id);
    room.leave(first.id);
    assert_ne!(Visitor::enter(&room).id, first.id);
    assert_eq!(room.len(), 3);
}

#[test]
fn what_waits_for_who_left_is_sent_and_nothing_after_it() {
    let room = Room::new(STRICT);
    let visitor = Visitor::enter(&room);
    room.complain(visitor.id, &"too long");
    room.leave(visitor.id);
    assert!(visitor.outbox.closed());
    assert_eq!(visitor.told(), ["error: too long"]);
}

#[test]
fn closing_tells_everybody_the_reason() {
    let room = Room::new(STRICT);
    let (mei, unnamed) = (Visitor::named(&room, "mei"), Visitor::enter(&room));
    room.close("the server is stopping");
    assert!(mei.chat(None, "late").hang_up);
    for visitor in [mei, unnamed] {
        assert!(visitor.outbox.closed());
        assert_eq!(visitor.told(), ["error: the server is stopping"]);
    }
    let refused = room.enter("id".into(), Arc::new(Outbox::new(1))).unwrap_err();
    assert_eq!(refused.to_string(), "the server is stopping");
}

/// A client that reads messages of so many bytes more than it may send reads every reply.
#[test]
fn replies_fit_into_their_envelope() {
    let room = Room::new(STRICT);
    let (name, content) = ("\u{1}".repeat(64), "\u{1}".repeat(500));
    let mei = Visitor::enter(&room);
    mei.log_in(&name);
    let reader = Visitor::enter(&room);
    mei.chat(None, &content);
    reader.log_in(&name);
    let login = Request::Login { username: name, password: "x".into() }.to_line();
    let chat = Request::Chat { username: None, content }.to_line();
    for (replies, request) in [(&mei, &login), (&reader, &chat)] {
        let reply = replies.outbox.next().unwrap();
        assert!(reply.len() > request.len() && reply.len() <= request.len() + ENVELOPE);
    }
    let unknown = "\\".repeat(1000);
    assert!(Malformed::UnknownType(unknown).to_string().len() < ENVELOPE / 2);
}
