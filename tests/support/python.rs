//! Peers in Python that read and write as the source document's do: `tests/peers/*.py`, told what to do line by line.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::program::Program;

/// The interpreter itself. `python3` may be a script that looks for it first, which takes its time, and processes of its own.
pub fn interpreter() -> &'static str {
    static INTERPRETER: LazyLock<String> = LazyLock::new(|| {
        let mut python = Command::new("python3");
        python.args(["-c", "import sys; print(sys.executable)"]);
        Program::run(python).finish().output.swap_remove(0)
    });
    &INTERPRETER
}

/// A running peer. It prints one JSON object a line; see the scripts.
pub struct Peer {
    program: Program,
    read: usize,
}

impl Peer {
    /// Starts a peer, e.g. `source_client.py`.
    pub fn start(script: &str, args: &[&str]) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script);
        let mut command = Command::new(interpreter());
        command.arg(path).args(args);
        Self { program: Program::run(command), read: 0 }
    }

    /// Tells it something.
    pub fn tell(&mut self, order: &Value) {
        self.program.type_line(&order.to_string());
    }

    /// Ends its input: it hangs up and ends.
    pub fn leave(self) {
        assert_eq!(self.program.finish().code, 0);
    }

    /// The next thing that it reports.
    pub fn report(&mut self) -> Value {
        let line = self.program.line(self.read, "report");
        self.read += 1;
        serde_json::from_str(line).unwrap_or_else(|why| panic!("not a report ({why}): {line}"))
    }

    /// The next thing that it reports is a message that it read whole.
    pub fn got(&mut self) -> Value {
        let report = self.report();
        report.get("got").unwrap_or_else(|| panic!("no message: {report}")).clone()
    }

    /// The next message that it read is of this type.
    pub fn got_a(&mut self, kind: &str) -> Value {
        let message = self.got();
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The next thing that it reports is that the other end hung up.
    pub fn sees_the_end(&mut self) {
        assert_eq!(self.report(), json!({"end": "closed"}));
    }
}
