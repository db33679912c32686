//! What a person at a terminal meets: colours, the width of the window, Enter before each call, a line of chat that can
//! be typed while others talk.

#![cfg(target_os = "linux")]

mod support;

use std::time::Duration;

use support::raw::Client;
use support::server::Server;
use support::terminal::Terminal;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// Whoever does not wait for Enter goes on well within this.
const A_WHILE: Duration = Duration::from_millis(300);

#[test]
fn colours_unless_they_are_not_wanted() {
    let args = ["socket-types", "tcp"];
    let has_colour = |variables: &[(&str, &str)], more: &[&str]| {
        let terminal = Terminal::start_with(80, &[&args, more].concat(), variables);
        terminal.end().1.contains("\x1b[")
    };
    assert!(has_colour(&[], &[]));
    assert!(!has_colour(&[("NO_COLOR", "1")], &[]));
    assert!(!has_colour(&[], &["--color", "never"]));
    assert!(!has_colour(&[], &["--format", "json"]));
}

#[test]
fn lines_fit_the_window() {
    for columns in [60, 80] {
        let terminal = Terminal::start(columns, &["socket-types", "tcp", "--color", "never"]);
        let (code, shown) = terminal.end();
        assert_eq!(code, Some(0));
        let longest = shown.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0);
        assert!(longest <= usize::from(columns), "{longest} > {columns}:\n{shown}");
    }
}

/// A call is announced, waits for Enter, and returns; then the next one is announced.
#[test]
fn stepped_each_call_waits_for_enter() {
    let mut terminal = Terminal::start(200, &["socket-types", "tcp", "--step", "--format", "json"]);
    terminal.wait_for(r#""kind":"begin","call":"socket""#);
    terminal.wait_for("\n");
    assert!(terminal.is_still_for(A_WHILE), "it does not wait");
    terminal.press("\n");
    terminal.wait_for(r#""kind":"call","call":"socket""#);
    for _ in 0..6 {
        terminal.wait_for(r#""kind":"begin","call":"getsockopt""#);
        terminal.press("\n");
        terminal.wait_for(r#""kind":"call","call":"getsockopt""#);
    }
    terminal.wait_for(r#""kind":"begin","call":"close""#);
    terminal.press("\n");
    let (code, shown) = terminal.end();
    assert!(shown.contains(r#""kind":"call","call":"close""#));
    assert_eq!(code, Some(0));
}

/// Nothing but Enter is waited for: a pause of the program's own does not grow to a day because somebody may be thinking.
#[test]
fn the_tour_goes_on_when_its_questions_are_answered() {
    let mut terminal = Terminal::start(80, &["tour", "tcp-server", "--ask", "--pace", "0s"]);
    for _ in socklab::reference::questions("tcp-server") {
        terminal.wait_for("Press");
        terminal.press("\n");
    }
    let (code, shown) = terminal.end();
    assert!(shown.contains("goodbye lin!"), "{shown}");
    assert_eq!(code, Some(0));
}

#[test]
fn stepped_it_can_be_interrupted() {
    let mut terminal = Terminal::start(80, &["tcp-server", "--port", "0", "--step"]);
    terminal.wait_for("press Enter");
    terminal.press(CTRL_C);
    terminal.end();
}

/// A client of mei on a terminal, logged in, and ada in the same room.
fn mei_and_ada() -> (Server, Client, Terminal) {
    let server = Server::start(&[]);
    let ada = Client::log_in(server.port, "ada");
    let port = server.port.to_string();
    let args = ["tcp-client", "--port", &port, "--user", "mei", "--quiet"];
    let mut mei = Terminal::start(80, &args);
    mei.wait_for("> ");
    (server, ada, mei)
}

#[test]
fn what_comes_does_not_tear_the_line_being_typed() {
    let (server, mut ada, mut mei) = mei_and_ada();
    mei.press("good mor");
    mei.wait_for("good mor");
    ada.chat("did you sleep well?");
    mei.wait_for("did you sleep well?");
    // The line that was begun is there again, and goes on.
    mei.wait_for("> good mor");
    mei.press("ning\r");
    ada.hears("mei", "good morning");
    // Between two lines the terminal is not the editor's: what is pressed then may not reach it.
    mei.wait_for("> ");
    mei.press(CTRL_D);
    let (code, shown) = mei.end();
    assert_eq!(code, Some(0), "{shown}");
    drop(ada);
    server.stop();
}

#[test]
fn a_terminal_that_cannot_edit_will_do() {
    let server = Server::start(&[]);
    let mut ada = Client::log_in(server.port, "ada");
    let port = server.port.to_string();
    let args = ["tcp-client", "--port", &port, "--user", "mei", "--quiet"];
    let mut mei = Terminal::start_with(80, &args, &[("TERM", "dumb")]);
    mei.wait_for("welcome");
    mei.press("good morning\n");
    ada.hears("mei", "good morning");
    mei.press(CTRL_D);
    assert_eq!(mei.end().0, Some(0));
    drop(ada);
    server.stop();
}

#[test]
fn ctrl_c_while_typing_logs_out() {
    let (mut server, ada, mut mei) = mei_and_ada();
    mei.press("never mind");
    mei.wait_for("never mind");
    mei.press(CTRL_C);
    let (code, shown) = mei.end();
    assert!([Some(0), Some(130)].contains(&code), "{shown}");
    server.program.wait_for_line("logout", |line| line.contains("logout_response").then_some(()));
    drop(ada);
    server.stop();
}

#[test]
fn a_server_that_stops_gives_the_terminal_back() {
    let (server, ada, mut mei) = mei_and_ada();
    mei.press("is anybody");
    mei.wait_for("is anybody");
    drop(ada);
    server.stop();
    let (code, shown) = mei.end();
    assert_eq!(code, Some(1), "{shown}");
}
