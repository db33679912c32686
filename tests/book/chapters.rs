//! The book has what the program has: a page for each chapter, and for each mistake, with all that such a page needs.

use std::collections::BTreeSet;

use clap::CommandFactory;
use socklab::cli::Cli;
use socklab::reference::mistakes;

use crate::nothing_to_complain_about;
use crate::pages::{Page, pages, source};

/// What every chapter has, in this order.
const SECTIONS: [&str; 9] = [
    "What you will be able to do",
    "The idea",
    "Run it",
    "The code, piece by piece",
    "The same calls in Python and C",
    "What goes wrong",
    "Questions",
    "Exercises",
    "Where it is specified",
];

/// What every mistake's page tells.
const PARTS: [&str; 4] = ["written", "seen", "why", "cure"];

/// The subcommands that are chapters, with their number in front: `04-framing`.
fn subcommands() -> BTreeSet<String> {
    let command = Cli::command();
    let numbered = command.get_subcommands().filter_map(|chapter| {
        let about = chapter.get_about()?.to_string();
        let (number, _) = about.split_once("  ")?;
        Some(format!("{:02}-{}", number.parse::<u8>().ok()?, chapter.get_name()))
    });
    numbered.collect()
}

fn is_chapter(page: &Page) -> bool {
    page.name.starts_with(|first: char| first.is_ascii_digit())
}

#[test]
fn every_chapter_is_a_subcommand_and_the_reverse() {
    let chapters = pages().into_iter().filter(is_chapter);
    let named: BTreeSet<String> =
        chapters.map(|page| page.name.trim_end_matches(".md").to_owned()).collect();
    assert_eq!(named, subcommands());
}

#[test]
fn every_chapter_has_what_a_chapter_needs() {
    let mut complaints = Vec::new();
    for page in pages().iter().filter(|page| is_chapter(page)) {
        let sections = page.sections();
        let known = sections.iter().filter(|section| SECTIONS.contains(section));
        if !known.eq(SECTIONS.iter()) {
            complaints.push(format!("{}: the sections are {sections:?}", page.name));
        }
        let questions = page.text.matches("<details").count();
        if questions < 5 {
            complaints.push(format!("{}: {questions} questions", page.name));
        }
        let needed = ["```console", "```rust", "```python", "```c\n", ".svg}}", "{{#run "];
        let absent = needed.iter().filter(|needed| !page.text.contains(**needed));
        complaints.extend(absent.map(|needed| format!("{}: no {needed}", page.name)));
    }
    nothing_to_complain_about(&complaints);
}

#[test]
fn every_mistake_has_a_page_with_its_parts_and_its_cure_in_rust_and_python() {
    let mut complaints = Vec::new();
    for mistake in mistakes() {
        let page = Page::read(&source().join(format!("mistakes/{}.md", mistake.id)));
        let told = page.directives("mistake");
        let parts = PARTS.map(|part| format!("{} {part}", mistake.id));
        let absent = parts.iter().filter(|part| !told.contains(&part.as_str()));
        complaints.extend(absent.map(|part| format!("{}: nothing of {part}", page.name)));
        if page.text.lines().next() != Some(&format!("# {}", mistake.title)) {
            complaints.push(format!("{}: its title is {}", page.name, mistake.title));
        }
        let (_, cure) = page.text.split_once("## The cure").unwrap_or_default();
        let languages = ["```python", "```rust"].iter();
        let absent = languages.filter(|language| !cure.contains(**language));
        complaints.extend(absent.map(|language| format!("{}: no cure in {language}", page.name)));
    }
    let pages = pages().into_iter().filter(|page| page.name.starts_with("mistakes/")).count();
    assert_eq!(pages, mistakes().len());
    nothing_to_complain_about(&complaints);
}
