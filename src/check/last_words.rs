//! What a program said last on standard error that tells what went wrong: of a stack trace, in any language, the error.

/// With these begins what languages put behind the error: where else to look, and how the program ended.
const NOTES: [&str; 4] = ["#", "exit status ", "node.js v", "note: "];

/// From here on there is nothing but stacks.
const STACKS: &[u8] = b"goroutine ";

/// A line that is indented, and yet the error.
const EXPLANATION: &str = "what():";

/// The line of `said` that tells most; empty if nothing was said.
///
/// Stack traces are indented, in every language; the error they belong to is not, and may stand before or behind them.
pub fn of(said: &[u8]) -> &[u8] {
    let lines = said.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    let stacks = lines.iter().position(|line| line.starts_with(STACKS)).unwrap_or(lines.len());
    let text = |at: usize| String::from_utf8_lossy(lines[..stacks].get(at).unwrap_or(&&b""[..]));
    let telling = (0..stacks).rfind(|at| tells(&text(*at), &text(at + 1)));
    telling.map(|at| lines[at]).or(lines.last().copied()).unwrap_or_default().trim_ascii()
}

/// Whether a line, with that one behind it, tells what went wrong.
fn tells(line: &str, next: &str) -> bool {
    let explains = line.trim_start().starts_with(EXPLANATION);
    let small = line.to_lowercase();
    let is_note = NOTES.iter().any(|note| small.starts_with(note)) || line.ends_with(':');
    let has_words = line.contains(char::is_alphanumeric);
    // A line of the program, with a mark under it.
    let is_quoted = next.contains('^') && next.chars().all(|it| "^~ \t".contains(it));
    explains || !line.starts_with([' ', '\t']) && has_words && !is_note && !is_quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn otherwise_it_is_the_last_line_that_says_something() {
        assert_eq!(of(b""), b"");
        assert_eq!(of(b"try 1\ncannot connect\n\n"), b"cannot connect");
        assert_eq!(of(b"  only this  \n \n"), b"only this");
        assert_eq!(of(b"the reason:\r\n"), b"the reason:");
        assert_eq!(of(b"no text: \xff\n"), b"no text: \xff");
    }

    #[test]
    fn the_error_is_found_in_what_a_language_says_of_it() {
        for (language, said, told) in [
            (
                "Python",
                "Traceback (most recent call last):\n  File \"main.py\", line 9, in echo\n    \
                 client.recv(9)\nConnectionResetError: [Errno 104] Connection reset by peer\n",
                "ConnectionResetError: [Errno 104] Connection reset by peer",
            ),
            (
                "Node",
                "node:events:497\n      throw er; // Unhandled 'error' event\n      ^\n\nError: \
                 read ECONNRESET\n    at TCP.onStreamRead (node:internal:218:20)\nEmitted 'error' \
                 event on Socket instance at:\n    at emitErrorNT (node:internal:151:8) {\n  \
                 errno: -104\n}\n\nNode.js v20.20.2\n",
                "Error: read ECONNRESET",
            ),
            (
                "Go",
                "panic: read tcp 127.0.0.1:1->127.0.0.1:2: connection reset by peer\n\ngoroutine 6 \
                 [running]:\nmain.main.func5()\n\t/main.go:13 +0x499\ncreated by main.main\n\
                 \t/main.go:8 +0x1d6\nexit status 2\n",
                "panic: read tcp 127.0.0.1:1->127.0.0.1:2: connection reset by peer",
            ),
            (
                "Rust",
                "\nthread 'main' panicked at src/main.rs:3:19:\ncalled `Result::unwrap()` on an \
                 `Err` value: NotPresent\nnote: run with `RUST_BACKTRACE=1` environment variable \
                 to display a backtrace\n",
                "called `Result::unwrap()` on an `Err` value: NotPresent",
            ),
            (
                "Java",
                "java.net.SocketException: Connection reset\n\tat \
                 java.base/java.lang.Thread.run(Thread.java:840)\n",
                "java.net.SocketException: Connection reset",
            ),
            (
                "Ruby",
                "#<Thread:0x7f main.rb:4 run> terminated with exception (report_on_exception is \
                 true):\nmain.rb:5:in `recv': Connection reset by peer (Errno::ECONNRESET)\n\tfrom \
                 main.rb:5:in `block in <main>'\n",
                "main.rb:5:in `recv': Connection reset by peer (Errno::ECONNRESET)",
            ),
            (
                "Ruby, with the line of the program",
                "main.rb:2:in `<main>': undefined method `to_int' for nil (NoMethodError)\n\n\
                 s = TCPServer.new(ENV['PORT'].to_int)\n                             ^^^^^^^\n",
                "main.rb:2:in `<main>': undefined method `to_int' for nil (NoMethodError)",
            ),
            (
                "Ruby, before it runs",
                "main.rb:3: syntax error, unexpected end-of-input\ndef x\n     ^\n",
                "main.rb:3: syntax error, unexpected end-of-input",
            ),
            (
                "PHP",
                "PHP Fatal error:  Uncaught Error: Call to undefined function f() in main.php:3\n\
                 Stack trace:\n#0 {main}\n  thrown in main.php on line 3\n",
                "PHP Fatal error:  Uncaught Error: Call to undefined function f() in main.php:3",
            ),
            (
                "Java, with a cause",
                "Exception in thread \"main\" java.lang.RuntimeException: no\n\tat \
                 A.main(A.java:2)\nCaused by: java.net.ConnectException: refused\n\tat \
                 Net.connect(Net.java:591)\n\t... 5 more\n",
                "Caused by: java.net.ConnectException: refused",
            ),
            (
                "C++",
                "terminate called after throwing an instance of 'std::system_error'\n  what():  \
                 connect: Connection refused\n",
                "what():  connect: Connection refused",
            ),
            ("none", "  bye\n", "bye"),
            ("none", "listening\nbind failed\n\n", "bind failed"),
            ("none", "", ""),
        ] {
            assert_eq!(of(said.as_bytes()), told.as_bytes(), "{language}");
        }
    }
}
