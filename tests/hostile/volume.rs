//! More than fits: long messages, floods, and those who do not read.

use super::*;

/// The longest message, by default.
const MAX_MESSAGE: usize = 64 * 1024;

/// A chat of exactly so many bytes, and what is said in it.
fn chat_of_length(length: usize) -> (String, String) {
    let words = "x".repeat(length - chat_of("").len());
    (chat_of(&words), words)
}

/// Ten megabytes that never end: in an object, and in something that is none.
#[test]
fn ten_megabytes_without_a_newline() {
    survives(|server, _| {
        for beginning in [r#"{"type":"chat","content":""#, "x"] {
            let mut flood = Client::log_in(server.port, "flood");
            flood.send(beginning);
            let piece = "x".repeat(64 * 1024);
            // The server may hang up before it has all been sent.
            let _ = (0..160).try_for_each(|_| flood.try_send(&piece));
            let told = flood.rest();
            assert!(told.iter().all(|message| message["type"] == "error"), "{told:?}");
        }
    });
}

#[test]
fn the_longest_message_and_one_byte_more() {
    survives(|server, ada| {
        let mut mei = Client::log_in(server.port, "mei");
        let (longest, words) = chat_of_length(MAX_MESSAGE);
        mei.send(longest);
        ada.hears("mei", &words);
        let (longer, _) = chat_of_length(MAX_MESSAGE + 1);
        mei.send(longer);
        mei.expect("error");
        mei.is_over();
    });
}

/// A reader that looks at all it has again whenever a byte comes takes minutes for this.
#[test]
fn the_longest_message_byte_by_byte() {
    survives_quietly(|server, ada| {
        let mut mei = Client::log_in(server.port, "mei");
        let (longest, words) = chat_of_length(MAX_MESSAGE);
        mei.send_byte_by_byte(longest);
        ada.hears("mei", &words);
    });
}

/// A client that goes on sending when it is dismissed, more than any buffer holds, reads why all the same: closing with
/// something unread would reset the connection.
#[test]
fn who_is_dismissed_can_read_why() {
    survives_quietly(|server, _| {
        let mut mei = Client::log_in(server.port, "mei");
        mei.send("{".repeat(16 * 1024 * 1024));
        mei.expect("error");
        mei.stop_sending();
        mei.is_over();
    });
}

/// Thousands of errors, and nobody who reads them: the room for what is not read has a bound here too.
#[test]
fn complaints_that_nobody_reads() {
    survives_quietly(|server, _| {
        let mut deaf = deaf_client(server.port);
        while deaf.try_send("?\n".repeat(10_000)).is_ok() {}
    });
}

/// One client never reads; what another says is heard by the third all the same; and the first is let go, which is said.
#[test]
fn a_client_that_never_reads() {
    survives(|server, ada| {
        let deaf = deaf_client(server.port);
        let mut mei = Client::log_in(server.port, "mei");
        let let_go = |event: &Event| match &event.kind {
            Kind::Note(note) => note.note == "tcp-server.outbox-full",
            _ => false,
        };
        talk_at_length(&mut mei, ada, || server.program.events_so_far().iter().any(let_go));
        server
            .program
            .wait_for("word of the client that was let go", |event| let_go(event).then_some(()));
        let cut = |event: &Event| match &event.kind {
            Kind::Note(note) => (note.note == "tcp-server.client-cut").then_some(()),
            _ => None,
        };
        server.program.wait_for("word that the server cut it", cut);
        drop(deaf);
    });
}

/// Somebody in the room who has little space for what comes, and never looks at it.
fn deaf_client(port: u16) -> Client {
    let mut deaf = Client::connect(port);
    deaf.read_little();
    deaf.ask_to_log_in("deaf");
    deaf
}

/// Says 12 MB, message by message, each when the last was heard, unless it is `enough` before.
fn talk_at_length(speaker: &mut Client, listener: &mut Client, mut enough: impl FnMut() -> bool) {
    let words = "x".repeat(60_000);
    for _ in 0..200 {
        speaker.chat(&words);
        listener.hears("mei", &words);
        if enough() {
            return;
        }
    }
}

#[test]
fn twelve_megabytes_beside_a_client_that_never_reads() {
    survives_quietly(|server, ada| {
        let deaf = deaf_client(server.port);
        let mut mei = Client::log_in(server.port, "mei");
        talk_at_length(&mut mei, ada, || false);
        deaf
    });
}

/// A server that talks faster than its client listens has to wait: what the client has not shown yet is bounded.
#[test]
fn a_server_that_floods_a_client() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port().to_string();
    // Between its two chats the client listens to nobody for an hour.
    let busy =
        ["tcp-client", "--port", &port, "--send", "a", "--send", "b", "--gap", "1h", "--quiet"];
    let client = Program::start(&busy);
    let mut server = Client::over(listener.accept().expect("the client comes").0);
    server.line();
    server.say(&json!({"type": "login_response", "success": true, "message": "welcome"}));
    server.line();
    let before = peak_kib(client.pid());
    let chat = json!({"type": "chat_message", "username": "flood", "content": "x".repeat(60_000)});
    server.gives_up_after(Duration::from_secs(1));
    let _ = (0..600).try_for_each(|_| server.try_send(chat.to_string()));
    let grown = peak_kib(client.pid()) - before;
    assert!(grown < SLACK_KIB, "{grown} KiB of what the server said");
}
