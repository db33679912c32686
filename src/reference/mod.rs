//! The words: what each call, option, errno and TCP state means, and what to do next. Data, one folder a language.
//!
//! Nothing else in the crate holds an explanation. The files are embedded, and each is parsed once, when it is first
//! asked for.

mod checks;
mod mistakes;
mod notes;
mod questions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use checks::check_words;
pub use mistakes::{Mistake, mistake, mistakes};
pub use notes::{NoteText, Table, fill, note};
pub use questions::{Question, questions};

/// What there is to say about one call, option, errno or TCP state.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name: `bind`, `SO_LINGER`, `EADDRINUSE`, `TIME_WAIT`.
    #[serde(skip_deserializing)]
    pub name: String,
    /// Other names under which it is looked up: `SYN-RECEIVED`.
    #[serde(default)]
    pub also: Vec<String>,
    /// How C declares it, or what it is set to.
    pub c: Option<String>,
    /// Where to read on: manual pages, RFC sections.
    pub see: Vec<String>,
    /// One sentence. Options have `set` and `get` instead.
    pub why: Option<String>,
    /// One sentence for an option that is set.
    pub set: Option<String>,
    /// One sentence for an option that is read.
    pub get: Option<String>,
    /// A paragraph.
    pub long: String,
    /// Sentences that are truer than `why` when something particular happened; by that fact.
    #[serde(default)]
    pub when: BTreeMap<String, String>,
}

/// What an [`Entry`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call: `bind`.
    Calls,
    /// A socket option: `SO_LINGER`.
    Options,
    /// An error: `EADDRINUSE`.
    Errnos,
    /// A TCP state: `TIME_WAIT`.
    States,
}

impl Kind {
    /// All of them, in the order in which names are looked up.
    pub const ALL: [Kind; 4] = [Kind::Calls, Kind::Options, Kind::Errnos, Kind::States];
}

/// The sentence chosen for what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The fact that chose it; empty when it is the call's own, whatever happened.
    pub key: String,
    /// The sentence.
    pub text: &'static str,
}

type Entries = BTreeMap<String, Entry>;

static CALLS: LazyLock<Entries> = LazyLock::new(|| read(include_str!("en/calls.toml")));
static OPTIONS: LazyLock<Entries> = LazyLock::new(|| read(include_str!("en/options.toml")));
static ERRNOS: LazyLock<Entries> = LazyLock::new(|| read(include_str!("en/errnos.toml")));
static STATES: LazyLock<Entries> = LazyLock::new(|| read(include_str!("en/states.toml")));
static ADVICE: LazyLock<BTreeMap<String, BTreeMap<String, String>>> =
    LazyLock::new(|| parse(include_str!("en/advice.toml")));

fn parse<T: DeserializeOwned>(file: &str) -> T {
    toml::from_str(file).expect("the embedded texts parse: a test reads every one")
}

fn read(file: &str) -> Entries {
    let mut entries: Entries = parse(file);
    for (name, entry) in &mut entries {
        entry.name.clone_from(name);
    }
    entries
}

/// The sentence for `call`: of the first fact that has one, else the call's own.
///
/// Facts are tried in order: among the call's, then (`SO_LINGER`, or `SO_LINGER {on, 0 s}` with a value) among the
/// option's, then among the errnos.
pub fn why(call: &str, facts: &[String]) -> Option<Why> {
    let entry = CALLS.get(call);
    let particular = facts.iter().find_map(|fact| {
        let text = entry.and_then(|entry| entry.when.get(fact).map(String::as_str));
        let text = text.or_else(|| of_option(call, fact)).or_else(|| of_errno(fact))?;
        Some(Why { key: fact.clone(), text })
    });
    particular.or_else(|| Some(Why { key: String::new(), text: entry?.why.as_deref()? }))
}

fn of_option(call: &str, fact: &str) -> Option<&'static str> {
    let verb = match call {
        "setsockopt" => "set",
        "getsockopt" => "get",
        _ => return None,
    };
    match fact.split_once(' ') {
        Some((option, value)) => {
            OPTIONS.get(option)?.when.get(&format!("{verb} {value}")).map(String::as_str)
        }
        None => {
            let option = OPTIONS.get(fact)?;
            if verb == "set" { option.set.as_deref() } else { option.get.as_deref() }
        }
    }
}

fn of_errno(fact: &str) -> Option<&'static str> {
    ERRNOS.get(fact)?.why.as_deref()
}

/// Every entry of a kind, in the order of their names.
pub fn entries(kind: Kind) -> impl Iterator<Item = &'static Entry> {
    let table: &'static Entries = match kind {
        Kind::Calls => &CALLS,
        Kind::Options => &OPTIONS,
        Kind::Errnos => &ERRNOS,
        Kind::States => &STATES,
    };
    table.values()
}

/// Everything about a call, option, errno or TCP state. Case counts only where it tells `listen` from `LISTEN`.
pub fn explain(name: &str) -> Option<&'static Entry> {
    let named = |is_it: &dyn Fn(&str) -> bool| {
        let mut all = Kind::ALL.into_iter().flat_map(entries);
        all.find(|entry| is_it(&entry.name) || entry.also.iter().any(|other| is_it(other)))
    };
    named(&|own| own == name).or_else(|| named(&|own| own.eq_ignore_ascii_case(name)))
}

/// What to do next, by the first of the keys (`bind.EADDRINUSE`) that has an entry. It has blanks: see [`fill`].
pub fn advice(keys: &[String]) -> Option<&'static str> {
    keys.iter().find_map(|key| {
        let (call, rest) = key.split_once('.')?;
        ADVICE.get(call)?.get(rest).map(String::as_str)
    })
}
