//! Bytes that are no messages, and messages that come in pieces.

use super::*;

#[test]
fn one_byte_at_a_time() {
    survives(|server, ada| {
        let mut slow = Client::connect(server.port);
        slow.send_byte_by_byte(r#"{"type":"login","username":"slow","password":"p"}"#);
        assert_eq!(slow.expect("login_response")["success"], true);
        slow.send_byte_by_byte(chat_of("早上好 \"ada\" {"));
        ada.hears("slow", "早上好 \"ada\" {");
    });
}

#[test]
fn forty_messages_in_one_segment() {
    survives(|server, ada| {
        let mut hasty = Client::connect(server.port);
        let mut segment =
            json!({"type": "login", "username": "hasty", "password": "p"}).to_string();
        (1..=38).for_each(|number| segment += &chat_of(&format!("message {number}")));
        hasty.send(segment + r#"{"type":"logout"}"#);
        (1..=38).for_each(|number| ada.hears("hasty", &format!("message {number}")));
        let kinds: Vec<Value> = hasty.rest().iter().map(|answer| answer["type"].clone()).collect();
        assert_eq!(kinds, ["login_response", "logout_response"]);
    });
}

#[test]
fn a_character_cut_in_half() {
    survives(|server, ada| {
        let mut client = Client::log_in(server.port, "mei");
        let chat = chat_of("好");
        let cut = chat.find('好').expect("it is there") + 2;
        client.send(&chat.as_bytes()[..cut]);
        // The rest goes out when the first part has certainly been read by itself.
        server.program.wait_for("half a character", |event| received(event, &[0xe5, 0xa5]));
        client.send(&chat.as_bytes()[cut..]);
        ada.hears("mei", "好");
    });
}

/// A `recv` that ends in these bytes.
fn received(event: &Event, end: &[u8]) -> Option<()> {
    match &event.kind {
        Kind::Call(ended) if ended.call.call == "recv" => {
            ended.call.data.as_ref().filter(|data| data.bytes.ends_with(end)).map(|_| ())
        }
        _ => None,
    }
}

#[test]
fn invalid_utf_8() {
    survives(|server, _| {
        is_told(server.port, b"{\"type\":\"chat\",\"content\":\"\xff\xfe\"}", 1);
        is_told(server.port, b"{\"type\":\"chat\",\"content\":\"\xe5\xa5\"}\n", 1);
        is_told(server.port, b"\xff\xfe\x00 {}\n", 1);
        is_told(server.port, b"{\"type\":\"chat\",\"content\":\"\xed\xa0\x80\"}", 1);
    });
}

#[test]
fn what_is_not_json() {
    survives(|server, _| {
        is_told(server.port, "hello\n", 1);
        is_told(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 2);
        is_told(server.port, "\x16\x03\x01\x02\x00\x01{}\n", 1);
        is_told(server.port, "{\"type\":\"chat\",}", 1);
        is_told(server.port, "{'type':'chat'}", 1);
        is_told(server.port, "{}}{\n", 2);
        is_told(server.port, "\0\0\0\0\n", 1);
    });
}

#[test]
fn json_that_is_no_object() {
    survives(|server, _| {
        for text in ["[1,2]\n", "\"login\"\n", "42\n", "null\n", "[{\"type\":\"logout\"}]\n"] {
            is_told(server.port, text, 1);
        }
    });
}

#[test]
fn fields_that_are_missing_or_of_wrong_types() {
    survives(|server, _| {
        for text in [
            "{}",
            r#"{"type":null}"#,
            r#"{"type":{"type":"login"}}"#,
            r#"{"type":"login","username":5,"password":"p"}"#,
            r#"{"type":"login","username":"mei","password":["p"]}"#,
            r#"{"type":"chat","content":{"text":"hi"}}"#,
            r#"{"type":"chat"}"#,
            r#"{"type":"chat","content":7}"#,
        ] {
            is_told(server.port, text, 1);
        }
    });
}

#[test]
fn a_type_that_does_not_exist_is_named() {
    survives(|server, _| {
        let told = is_told(server.port, r#"{"type":"dance"}"#, 1);
        assert!(
            told[0]["message"].as_str().is_some_and(|words| words.contains("dance")),
            "{told:?}"
        );
    });
}

#[test]
fn deep_nesting() {
    survives(|server, _| {
        let depth = 6000;
        let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        is_told(server.port, objects, 1);
        let arrays = format!(r#"{{"type":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        is_told(server.port, arrays, 1);
        is_told(server.port, format!("{}\n", "[".repeat(depth)), 1);
    });
}

#[test]
fn a_message_that_ends_with_the_connection() {
    survives(|server, _| {
        let mut client = Client::log_in(server.port, "mei");
        client.send(r#"{"type":"chat","content":"I was about to"#);
        client.stop_sending();
        client.rest();
    });
}

/// What a peer says never reaches the terminal as it is: not its name, not its words, not what is no message.
#[test]
fn names_with_terminal_escapes() {
    let mut program = Program::start(&["tcp-server", "--port", "0", "--explain", "full"]);
    let port = program.wait_for_line("port", port_in);
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\r";
    let mut ada = Client::log_in(port, "ada");
    let mut client = Client::connect(port);
    if client.ask_to_log_in(evil)["success"] == false {
        client.ask_to_log_in("evil");
    }
    client.chat(evil);
    assert_eq!(ada.expect("chat_message")["content"], evil);
    client.send(format!("{{\"type\":\"{evil}\"}}\n{evil}\n"));
    client.expect("error");
    client.expect("error");
    program.signal(Signal::SIGTERM);
    ada.expect("error");
    drop((ada, client));
    let finished = program.wait();
    ended_well(&finished);
    let text = finished.text();
    assert!(text.contains("owned"), "the name is narrated, made visible");
    for raw in ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r'] {
        assert!(!text.contains(raw), "{raw:?} reached the terminal");
    }
}

#[test]
fn a_quiet_server_survives_as_well() {
    survives_quietly(|server, ada| {
        is_told(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 2);
        is_told(server.port, b"{\"type\":\"chat\",\"content\":\"\xff\"}", 1);
        let mut rude = Client::log_in(server.port, "rude");
        rude.send(chat_of("last words") + r#"{"type":"#);
        ada.hears("rude", "last words");
        rude.reset();
    });
}
