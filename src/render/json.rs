//! Lines for programs: one event a line, one JSON object each, flushed at once.
//!
//! Every line has these fields:
//!
//! | field | |
//! | --- | --- |
//! | `schema` | `socklab/event/1`. Fields may be added to a schema, never changed |
//! | `seq` | counts events from 1, in the order in which they began. A call's `begin` and its `call` have the same |
//! | `t_us` | microseconds from the start to the event's beginning |
//! | `tid` | the kernel's id of the thread; 0 where it is not known |
//! | `actor` | who: `server`, `client`, or `server/1`, the server's thread for its first client |
//! | `kind` | one of the seven below |
//!
//! Lines come in the order in which calls *returned*; sort by `seq` for the order in which they began. Text from a peer is
//! in it unchanged, but characters that a terminal would obey or hide are written as `\u001b`, which is the same JSON.
//!
//! **`begin`**: a call that may wait is about to be made (with `--step`, any call). One that has no `call` has not returned.
//! `call` is the C function, `fd` the descriptor (null for `socket`), `args` its other arguments in C's order without buffers and
//! lengths of addresses, `waits` whether it may wait. What is to be sent is in `data`.
//!
//! ```json
//! {"schema":"socklab/event/1","seq":6,"t_us":1042,"tid":4711,"actor":"server","kind":"begin","call":"accept","fd":3,"args":{},"waits":true}
//! ```
//!
//! **`call`**: a call has returned. `args` now has what the kernel filled in (`addr` of `accept`, `optval` of `getsockopt`).
//! `result` is C's, -1 for an error, which `error` then names; else `error` is null. `elapsed_us` is how long it took. `syscalls` are the
//! system calls that were made, in order; null where that is not known (not Linux). `data`, if bytes went through the socket:
//! how many (`len`), and the first 4,096 of them as `text`, in which a backslash is doubled, control characters are `\n`,
//! `\x1b`, `\u{202e}`, and bytes that are no UTF-8 are `\xff`; passwords are `****`. `circumstance`, where the result alone does
//! not say: `end-of-file`, `partial` (fewer bytes sent than asked), `full` (as many received as there was room for),
//! `timed-out`, `would-block`.
//!
//! ```json
//! {"schema":"socklab/event/1","seq":6,"t_us":1042,"tid":4711,"actor":"server","kind":"call","call":"accept","fd":3,"args":{"addr":"127.0.0.1:40222"},"waits":true,"result":4,"error":null,"elapsed_us":307112,"syscalls":["accept4"]}
//! {"schema":"socklab/event/1","seq":9,"t_us":308311,"tid":4712,"actor":"server/1","kind":"call","call":"recv","fd":4,"args":{"len":4096,"flags":0},"data":{"len":17,"text":"{\"type\":\"chat\"}\\x1b\\n"},"waits":true,"result":17,"error":null,"elapsed_us":52,"syscalls":["recvfrom"]}
//! {"schema":"socklab/event/1","seq":11,"t_us":308502,"tid":4712,"actor":"server/1","kind":"call","call":"recv","fd":4,"args":{"len":4096,"flags":0},"waits":true,"result":-1,"error":{"errno":11,"name":"EAGAIN","message":"Resource temporarily unavailable"},"circumstance":"timed-out","elapsed_us":200131,"syscalls":["recvfrom"]}
//! ```
//!
//! **`note`**: the demo explains something. `note` says what, `args` are the particulars, and `text` the words for a reader.
//!
//! ```json
//! {"schema":"socklab/event/1","seq":5,"t_us":1013,"tid":4711,"actor":"server","kind":"note","note":"tcp-server.ready","args":{"address":"127.0.0.1:43817","port":43817},"text":"ready on 127.0.0.1:43817   try: socklab tcp-client --port 43817"}
//! ```
//!
//! **`message`**: a line of chat, as its reader sees it. `from` is null for the server's own words.
//!
//! ```json
//! {"schema":"socklab/event/1","seq":12,"t_us":309000,"tid":4720,"actor":"client","kind":"message","from":"mei","text":"hello \u202e"}
//! ```
//!
//! **`state`**: the state of a TCP connection, as the kernel told it to the thread `observer_tid`; null when it has no such connection
//! (any more).
//!
//! ```json
//! {"schema":"socklab/event/1","seq":13,"t_us":309100,"tid":4720,"actor":"client","kind":"state","local":"127.0.0.1:40222","peer":"127.0.0.1:43817","state":"FIN_WAIT2","observer_tid":4725}
//! ```
//!
//! **`resolve`**: a name was looked up, on the thread `resolver_tid`. Its addresses, best first, or its `error`.
//!
//! ```json
//! {"schema":"socklab/event/1","seq":1,"t_us":12,"tid":4720,"actor":"client","kind":"resolve","host":"localhost","port":8888,"addresses":["[::1]:8888","127.0.0.1:8888"],"error":null,"elapsed_us":371,"resolver_tid":4721}
//! {"schema":"socklab/event/1","seq":2,"t_us":401,"tid":4720,"actor":"client","kind":"resolve","host":"no..such","port":8888,"addresses":[],"error":{"code":-2,"name":"EAI_NONAME","message":"Name or service not known"},"elapsed_us":82,"resolver_tid":4722}
//! ```
//!
//! **`done`**: the last line. How many calls were made, how many of them returned an error, the program's exit status.
//!
//! ```json
//! {"schema":"socklab/event/1","seq":40,"t_us":527000,"tid":4711,"actor":"server","kind":"done","calls":35,"failed":2,"exit":0,"elapsed_us":527000}
//! ```

use std::sync::Arc;

use serde::Serialize;

use crate::narrate::Observer;
use crate::narrate::event::{Event, Kind, is_invisible};
use crate::reference;

use super::output::Output;
use super::words;

/// Writes events as JSON.
pub struct Json {
    output: Arc<Output>,
    stepped: bool,
}

/// An event, and for a note its words.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Json {
    /// Writes to `output`. With `stepped`, every call's `begin` is told, otherwise only of those that may wait.
    pub fn new(output: Arc<Output>, stepped: bool) -> Self {
        Self { output, stepped }
    }
}

impl Observer for Json {
    fn observe(&self, event: &Event) {
        let text = match &event.kind {
            Kind::Begin(call) if !call.waits && !self.stepped => return,
            Kind::Note(note) => {
                Some(match reference::note(&note.note).and_then(|text| text.table.as_ref()) {
                    Some(table) => table.plain(),
                    None => words(&note.note, &note.args),
                })
            }
            _ => None,
        };
        match serde_json::to_string(&Line { event, text }) {
            Ok(line) => self.output.line(&escaped(&line)),
            Err(error) => tracing::error!(%error, "an event that is no JSON"),
        }
    }
}

/// The same JSON, with what a terminal would obey or hide written as `\u001b`: it may be read on one.
fn escaped(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for character in line.chars() {
        if is_invisible(character) {
            let mut units = [0; 2];
            safe.extend(
                character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")),
            );
        } else {
            safe.push(character);
        }
    }
    safe
}
