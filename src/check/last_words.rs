//! What a program said last on standard error that tells what went wrong: of a stack trace, in any language, the error.

/// With these begins what languages put behind the error: where else to look, and how the program ended.
const NOTES: [&str; 4] = ["#", "exit status ", "node.js v", "note: "];

/// From here on there is nothing but stacks.
const STACKS: &str = "\ngoroutine ";

/// A line that is indented, and yet the error.
const EXPLANATION: &str = "what():";

/// The line of `said` that tells most; empty if nothing was said.
///
/// Stack traces are indented, in every language; the error they belong to is not, and may stand before or behind them.
pub fn of(said: &str) -> &str {
    let (before, _) = said.split_once(STACKS).unwrap_or((said, ""));
    let lines = before.lines().filter(|line| !line.trim().is_empty()).chain([""]);
    let lines: Vec<&str> = lines.collect();
    let telling = lines.windows(2).rfind(|pair| tells(pair[0], pair[1]));
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    telling.map(|pair| pair[0]).or(last).unwrap_or_default().trim()
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

    /// As the languages write them, shortened in the middle.
    #[test]
    fn of_a_trace_it_is_the_error() {
        let node = "node:events:502\n      throw er; // Unhandled 'error' event\n      ^\n\nError: connect ECONNREFUSED 127.0.0.1:1\n    at TCPConnectWrap.afterConnect (node:net:1611:16)\nEmitted 'error' event on Socket instance at:\n    at emitErrorNT (node:internal) {\n  errno: -111\n}\n\nNode.js v20.20.2\n";
        let go = "panic: dial tcp: connection refused\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:3 +0x52\nexit status 2\n";
        let ruby = "a.rb:2:in `new': Connection refused (Errno::ECONNREFUSED)\n\tfrom a.rb:2:in `go'\n\tfrom a.rb:3:in `<main>'\n";
        let java = "Exception in thread \"main\" java.lang.RuntimeException: no\n\tat A.main(A.java:2)\nCaused by: java.net.ConnectException: refused\n\tat Net.connect(Net.java:591)\n\t... 5 more\n";
        let python = "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\n    f()\n    ^^^\nConnectionRefusedError: [Errno 111] refused\n";
        let rust = "\nthread 'main' panicked at a.rs:1:56:\ncalled `Result::unwrap()` on an `Err` value: Os\nnote: run with `RUST_BACKTRACE=1`\n";
        let php = "PHP Fatal error:  Uncaught RuntimeException: no way in /a.php:2\nStack trace:\n#0 /a.php(3): go()\n#1 {main}\n  thrown in /a.php on line 2\n";
        let cpp = "terminate called after throwing an instance of 'std::system_error'\n  what():  connect: Connection refused\n";
        for (trace, error) in [
            (node, "Error: connect ECONNREFUSED 127.0.0.1:1"),
            (go, "panic: dial tcp: connection refused"),
            (ruby, "a.rb:2:in `new': Connection refused (Errno::ECONNREFUSED)"),
            (java, "Caused by: java.net.ConnectException: refused"),
            (python, "ConnectionRefusedError: [Errno 111] refused"),
            (rust, "called `Result::unwrap()` on an `Err` value: Os"),
            (php, "PHP Fatal error:  Uncaught RuntimeException: no way in /a.php:2"),
            (cpp, "what():  connect: Connection refused"),
            ("a.rb:1: syntax error\ndef x(\n      ^\n", "a.rb:1: syntax error"),
        ] {
            assert_eq!(of(trace), error);
        }
    }

    #[test]
    fn otherwise_it_is_the_last_line_that_says_something() {
        assert_eq!(of(""), "");
        assert_eq!(of("try 1\ncannot connect\n\n"), "cannot connect");
        assert_eq!(of("  only this  \n \n"), "only this");
        assert_eq!(of("the reason:\n"), "the reason:");
    }
}
