//! What the reference says of a name, for people and for programs: `socklab explain recv`.

use colored::Colorize;
use serde::Serialize;
use socklab::cli::Format;
use socklab::reference::{self, Entry, Kind, Mistake};
use textwrap::WordSplitter;

/// Longer lines are harder to read.
const WIDEST: usize = 80;

/// How far the texts stand from the left.
const INDENT: &str = "  ";

/// Names that differ from what was typed by no more than this are worth showing.
const ALIKE: f64 = 0.8;

/// What a name may stand for.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Found {
    /// A call, an option, an errno, a TCP state.
    Entry(&'static Entry),
    /// A mistake.
    Mistake(&'static Mistake),
}

/// The page for `names`, or for none of them the list of all. An error names what was not found, and what is like it.
pub fn page(names: &[String], format: Format, width: usize) -> Result<String, String> {
    if names.is_empty() {
        return Ok(contents(format, width.min(WIDEST)));
    }
    let found = names.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
    let pages = found.iter().map(|found| match (format, found) {
        (Format::Json, found) => json(found),
        (Format::Text, Found::Entry(entry)) => of_entry(entry, width.min(WIDEST)),
        (Format::Text, Found::Mistake(mistake)) => of_mistake(mistake, width.min(WIDEST)),
    });
    let between = if format == Format::Text { "\n" } else { "" };
    Ok(pages.collect::<Vec<_>>().join(between))
}

/// Every name that can be looked up.
pub fn names() -> impl Iterator<Item = &'static str> {
    let entries = Kind::ALL.into_iter().flat_map(reference::entries);
    let mistakes = reference::mistakes().iter().map(|mistake| mistake.id);
    entries.map(|entry| entry.name.as_str()).chain(mistakes)
}

fn find(name: &str) -> Result<Found, String> {
    let mistake = || reference::mistake(name).map(Found::Mistake);
    let found = reference::explain(name).map(Found::Entry).or_else(mistake);
    found.ok_or_else(|| format!("nothing is written about {name:?}.{}", hint(name)))
}

/// What was perhaps meant.
fn hint(name: &str) -> String {
    let known = alike(name, names());
    match known.is_empty() {
        true => " `socklab explain` lists what there is.".to_owned(),
        false => format!(" Did you mean {}?", known.join(", ")),
    }
}

/// Those of the `known` names that look like `name`, in any case.
pub fn alike<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = name.to_lowercase();
    known.filter(|known| strsim::jaro_winkler(&known.to_lowercase(), &name) > ALIKE).collect()
}

fn json(found: &impl Serialize) -> String {
    serde_json::to_string(found).expect("texts and their names are JSON") + "\n"
}

/// All names, by kind.
fn contents(format: Format, width: usize) -> String {
    if format == Format::Json {
        return names().map(|name| json(&name)).collect();
    }
    let headings = ["calls", "options", "errnos", "states"].into_iter().zip(Kind::ALL);
    let entries = headings.map(|(id, kind)| {
        let names: Vec<&str> = reference::entries(kind).map(|entry| entry.name.as_str()).collect();
        format!("{}\n{}\n", word(id).bold(), wrapped(&names.join("  "), width))
    });
    let mistakes = reference::mistakes().iter().map(|mistake| {
        let head = format!("{INDENT}{:<22} ", mistake.id);
        let hanging = " ".repeat(head.len());
        let options =
            textwrap::Options::new(width).initial_indent(&head).subsequent_indent(&hanging);
        textwrap::fill(&plain(&mistake.summary), options) + "\n"
    });
    let mistakes = mistakes.collect::<String>();
    entries.collect::<String>() + &format!("{}\n{mistakes}", word("mistakes").bold())
}

fn of_entry(entry: &Entry, width: usize) -> String {
    let mut page = format!("{}\n", title(&entry.name, &entry.also));
    if let Some(c) = &entry.c {
        page += &wrapped(c, width).cyan().to_string();
    }
    let same = entry.set == entry.get;
    let get = entry.get.as_ref().filter(|_| !same);
    for sentence in [entry.why.as_ref(), entry.set.as_ref(), get].into_iter().flatten() {
        page += &format!("\n{}", wrapped(sentence, width));
    }
    page += &format!("\n{}", wrapped(&entry.long, width));
    if !entry.when.is_empty() {
        page += &format!("\n{INDENT}{}\n", word("when").bold());
        page.extend(entry.when.iter().map(|(fact, text)| of_case(fact, text, width)));
    }
    page + &see(&entry.see, width)
}

fn title(name: &str, also: &[String]) -> String {
    match also.is_empty() {
        true => name.bold().to_string(),
        false => format!("{} ({})", name.bold(), also.join(", ")),
    }
}

/// What is truer in a certain case.
fn of_case(fact: &str, text: &str, width: usize) -> String {
    format!("{INDENT}{}\n{}", fact.cyan(), indented(text, width, "      "))
}

fn of_mistake(mistake: &Mistake, width: usize) -> String {
    let mut page = format!("{} ({})\n", mistake.title.bold(), mistake.id);
    let parts = [
        ("written", &mistake.written),
        ("seen", &mistake.seen),
        ("why", &mistake.why),
        ("cure", &mistake.cure),
    ];
    for (id, text) in parts {
        page += &format!("\n{INDENT}{}\n{}", word(id).bold(), paragraphs(text, width));
    }
    let try_it = format!("socklab {0}; socklab book {1}", mistake.chapter, mistake.id);
    page += &format!("\n{INDENT}{} {try_it}\n", word("shown").bold());
    page + &see(&mistake.see, width)
}

fn paragraphs(text: &str, width: usize) -> String {
    let paragraphs = text.split("\n\n").map(|text| wrapped(&plain(text), width));
    paragraphs.collect::<Vec<_>>().join("\n")
}

fn see(places: &[String], width: usize) -> String {
    let places = format!("{} {}", word("see"), places.join(", "));
    format!("\n{}", wrapped(&places, width))
}

/// Markdown's backticks are for the book.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

fn wrapped(text: &str, width: usize) -> String {
    indented(text, width, INDENT)
}

fn indented(text: &str, width: usize, indent: &str) -> String {
    let options = textwrap::Options::new(width).initial_indent(indent).subsequent_indent(indent);
    textwrap::fill(text, options.word_splitter(WordSplitter::NoHyphenation)) + "\n"
}

fn word(id: &str) -> &'static str {
    reference::note(&format!("explain.{id}")).map_or("", |note| note.text.as_str())
}
