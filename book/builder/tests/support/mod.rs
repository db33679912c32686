//! A small book in a folder of its own: two pages, a file of code with one anchor, one recorded run.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// One run: a client is made and closed, and its connection is seen in a state.
const RUN: &str = r#"{"schema":"socklab/event/1","seq":1,"t_us":1,"tid":1,"actor":"socklab","kind":"note","note":"tour.next","args":{}}
{"schema":"socklab/event/1","seq":2,"t_us":2,"tid":1,"actor":"client","kind":"call","call":"socket","fd":null,"args":{"domain":"AF_INET","type":"SOCK_STREAM","protocol":"IPPROTO_TCP"},"waits":false,"result":3,"error":null,"elapsed_us":11,"syscalls":["socket"]}
{"schema":"socklab/event/1","seq":3,"t_us":3,"tid":1,"actor":"client","kind":"state","local":"127.0.0.1:2","peer":"127.0.0.1:1","state":"ESTABLISHED","observer_tid":9}
{"schema":"socklab/event/1","seq":4,"t_us":4,"tid":1,"actor":"client","kind":"call","call":"close","fd":3,"args":{},"waits":false,"result":0,"error":null,"elapsed_us":8,"syscalls":["close"]}
"#;

/// The folder, as long as this lives.
pub struct Book(TempDir);

impl Book {
    /// A book whose page has these lines.
    pub fn new(lines: &str) -> Self {
        let book = Self(tempfile::tempdir().unwrap());
        book.write("book.toml", "[book]\ntitle = \"small\"\n");
        book.write("src/SUMMARY.md", "# Summary\n\n- [Page](page.md)\n- [Other](other.md)\n");
        book.write("src/page.md", &format!("# Page\n\n{lines}\n"));
        book.write("src/other.md", "# Other\n\n## A place\n");
        book.write("code.rs", "// ANCHOR: one\nfn one() {}\n// ANCHOR_END: one\n");
        book.write("runs/demo.jsonl", RUN);
        book
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        self.0.path()
    }

    /// Writes one of its files.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
