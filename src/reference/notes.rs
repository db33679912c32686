//! What the demos say between the calls: sentences with blanks, headings, tables.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::parse;

/// One note.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Written")]
pub struct NoteText {
    /// The words, with blanks in braces: `ready on {address}`. Empty for a table.
    pub text: String,
    /// It is shown under `--quiet` too.
    pub quiet: bool,
    /// It is a heading.
    pub heading: bool,
    /// It is a table.
    pub table: Option<Table>,
}

/// A comparison: what is compared in columns, in which regard in rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The heads of the columns; the first is empty.
    pub columns: Vec<String>,
    /// The rows; the first cell of each is its head.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A line for each row, and its cells with a bar between.
    pub fn plain(&self) -> String {
        let rows = std::iter::once(&self.columns).chain(&self.rows);
        rows.map(|row| row.join(" | ")).collect::<Vec<_>>().join("\n")
    }
}

/// A note as the file has it: a string, or a table with more to say.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Words(String),
    More {
        text: String,
        #[serde(default)]
        quiet: bool,
        #[serde(default)]
        heading: bool,
    },
    Table(Table),
}

impl From<Written> for NoteText {
    fn from(written: Written) -> Self {
        match written {
            Written::Words(text) => Self { text, ..Self::default() },
            Written::More { text, quiet, heading } => Self { text, quiet, heading, table: None },
            Written::Table(table) => Self { table: Some(table), ..Self::default() },
        }
    }
}

type Notes = BTreeMap<&'static str, BTreeMap<String, NoteText>>;

/// One file for each demo, and for what belongs to none.
static NOTES: LazyLock<Notes> = LazyLock::new(|| {
    let files = [
        ("ask", include_str!("en/notes/ask.toml")),
        ("book", include_str!("en/notes/book.toml")),
        ("contents", include_str!("en/notes/contents.toml")),
        ("explain", include_str!("en/notes/explain.toml")),
        ("exercises", include_str!("en/notes/exercises.toml")),
        ("resolve", include_str!("en/notes/resolve.toml")),
        ("socket-types", include_str!("en/notes/socket-types.toml")),
        ("tcp-client", include_str!("en/notes/tcp-client.toml")),
        ("tcp-server", include_str!("en/notes/tcp-server.toml")),
        ("text", include_str!("en/notes/text.toml")),
        ("framing", include_str!("en/notes/framing.toml")),
        ("robust-client", include_str!("en/notes/robust-client.toml")),
        ("graceful-close", include_str!("en/notes/graceful-close.toml")),
        ("udp-heartbeat", include_str!("en/notes/udp-heartbeat.toml")),
        ("raw-ping", include_str!("en/notes/raw-ping.toml")),
        ("tour", include_str!("en/notes/tour.toml")),
    ];
    files.into_iter().map(|(name, text)| (name, parse(text))).collect()
});

/// The words for a note: `tcp-server.ready` is `ready` in the file `tcp-server.toml`.
pub fn note(id: &str) -> Option<&'static NoteText> {
    let (file, name) = id.split_once('.')?;
    NOTES.get(file)?.get(name)
}

/// Fills in the blanks: `{address}` becomes what `value` says of `address`. A blank of which it says nothing stays.
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}').and_then(|(name, rest)| Some((value(name)?, rest))) {
            Some((words, beyond)) => {
                filled.push_str(&words);
                rest = beyond;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (String, &'static NoteText)> {
    NOTES.iter().flat_map(|(section, notes)| {
        notes.iter().map(move |(name, note)| (format!("{section}.{name}"), note))
    })
}
