//! What a program that ended said of it: of all that came on standard error, the line that tells the error.

/// The line that tells it. Python ends a traceback with it; others go on after it, with the calls that led there (indented
/// or not), with advice, or with their own version.
pub fn of(errors: &str) -> String {
    let lines: Vec<&str> =
        errors.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let outer = || lines.iter().filter(|line| !is_beside_the_point(line));
    let told = outer().rfind(|line| names_an_error(line)).or_else(|| outer().next_back());
    told.or(lines.last()).copied().map(str::trim).unwrap_or_default().to_owned()
}

/// A part of a list under another line, or a hint.
fn is_beside_the_point(line: &str) -> bool {
    line.starts_with([' ', '\t', '#', '{', '}']) || line.starts_with("note: ")
}

/// Whether it says that it is an error, and which: `panic: reset`, `SocketException: reset`, `reset (Errno::ECONNRESET)`.
fn names_an_error(line: &str) -> bool {
    const KINDS: [&str; 4] = ["error", "exception", "panic", "fatal"];
    let line = line.to_lowercase();
    let told_after = |kind| {
        let rest = line.split_once(kind).map_or("", |(_, rest): (_, &str)| rest);
        rest.contains(": ") || rest.contains(", ")
    };
    let class = line.strip_suffix(')').and_then(|line| line.rsplit_once('('));
    let is_class = |name: &str| name.starts_with("errno::") || name.ends_with("error");
    KINDS.into_iter().any(told_after) || class.is_some_and(|(_, name)| is_class(name))
}

#[cfg(test)]
mod tests {
    use super::of;

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
            ("none", "  bye\n", "bye"),
            ("none", "listening\nbind failed\n\n", "bind failed"),
            ("none", "", ""),
        ] {
            assert_eq!(of(said), told, "{language}");
        }
    }
}
