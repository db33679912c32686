//! What a page points at is there: included files and the anchors in them, other pages, headings, files.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use regex::Regex;
use socklab::reference::{self, Kind};

use crate::nothing_to_complain_about;
use crate::pages::{Page, pages, project, source};

/// The page's Markdown as mdBook reads it.
fn parsed(page: &Page) -> Parser<'_> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_HEADING_ATTRIBUTES;
    Parser::new_ext(&page.text, options)
}

/// Where a page's links and pictures go, in Markdown and in HTML.
fn targets(page: &Page) -> Vec<String> {
    let attribute = Regex::new(r#"(?:href|src)="([^"]*)""#).expect("a pattern");
    let mut targets = Vec::new();
    for event in parsed(page) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                targets.push(dest_url.to_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                targets.extend(attribute.captures_iter(&html).map(|found| found[1].to_owned()));
            }
            _ => {}
        }
    }
    targets
}

/// The ids of a page's headings, made as mdBook makes them, and those that the build adds.
fn ids(page: &Page) -> HashSet<String> {
    let mut ids = HashSet::new();
    let mut heading: Option<String> = None;
    for event in parsed(page) {
        match event {
            Event::Start(Tag::Heading { id, .. }) => {
                heading = Some(String::new());
                ids.extend(id.map(|id| id.to_string()));
            }
            Event::End(TagEnd::Heading(_)) => {
                let id = id_from(&heading.take().unwrap_or_default());
                let again = (1..).map(|count| format!("{id}-{count}"));
                let mut tries = std::iter::once(id.clone()).chain(again);
                let free = tries.find(|id| !ids.contains(id)).expect("numbers do not end");
                ids.insert(free);
            }
            Event::Text(text) | Event::Code(text) => {
                heading.iter_mut().for_each(|heading| heading.push_str(&text));
            }
            _ => {}
        }
    }
    let kinds = page.directives("reference");
    ids.extend(
        kinds.iter().flat_map(|kind| reference::entries(named(kind))).map(|it| id_from(&it.name)),
    );
    ids
}

fn id_from(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(char::is_whitespace, "-");
    kept.chars().filter(|it| it.is_alphanumeric() || ['_', '-'].contains(it)).collect()
}

fn named(kind: &str) -> Kind {
    match kind {
        "calls" => Kind::Calls,
        "options" => Kind::Options,
        "errnos" => Kind::Errnos,
        "states" => Kind::States,
        _ => panic!("{{{{#reference {kind}}}}}: there is no such kind"),
    }
}

/// `path` without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(tidy.pop()),
            Component::CurDir => {}
            part => tidy.push(part),
        }
    }
    tidy
}

/// What is wrong with a link, if anything is.
fn wrong(page: &Page, target: &str, ids: &BTreeMap<PathBuf, HashSet<String>>) -> Option<String> {
    if target.starts_with("https://") || target.starts_with("http://localhost") {
        return None;
    }
    let (file, fragment) =
        target.split_once('#').map_or((target, None), |(file, id)| (file, Some(id)));
    let folder = page.path.parent().expect("a page lies in a folder");
    let path = if file.is_empty() { page.path.clone() } else { tidy(&folder.join(file)) };
    if !path.starts_with(source()) || !path.is_file() {
        return Some(format!("{target}: there is no such page or file in the book"));
    }
    let id = fragment.filter(|id| ids.get(&path).is_none_or(|ids| !ids.contains(*id)))?;
    Some(format!("{target}: there is no heading #{id}"))
}

#[test]
fn no_link_is_dead() {
    let pages = pages();
    let ids = pages.iter().map(|page| (page.path.clone(), ids(page))).collect();
    let complaints = pages.iter().flat_map(|page| {
        let wrong = targets(page).into_iter().filter_map(|target| wrong(page, &target, &ids));
        wrong.map(|why| format!("book/src/{}: {why}", page.name)).collect::<Vec<_>>()
    });
    nothing_to_complain_about(&complaints.collect::<Vec<_>>());
}

/// What is wrong with an include, if anything is.
fn missing(page: &Page, include: &str) -> Option<String> {
    let (file, anchor) =
        include.split_once(':').map_or((include, None), |(file, it)| (file, Some(it)));
    let path = tidy(&page.path.parent().expect("a page lies in a folder").join(file));
    let Ok(text) = fs::read_to_string(&path) else {
        return Some(format!("{include}: there is no such file"));
    };
    match anchor {
        None if text.contains("ANCHOR: ") => {
            Some(format!("{include}: the file has anchors, and they would show; name one"))
        }
        None => None,
        Some(anchor) => what_is_wrong_with(&text, anchor).map(|why| format!("{include}: {why}")),
    }
}

fn what_is_wrong_with(text: &str, anchor: &str) -> Option<String> {
    let at = |mark: &str| {
        let marks =
            |line: &str| line.split_whitespace().collect::<Vec<_>>().ends_with(&[mark, anchor]);
        text.lines().position(marks)
    };
    match (at("ANCHOR:"), at("ANCHOR_END:")) {
        (None, _) => Some(format!("there is no ANCHOR: {anchor}")),
        (_, None) => Some(format!("there is no ANCHOR_END: {anchor}")),
        (Some(start), Some(end)) if end <= start + 1 => Some("there is nothing in it".to_owned()),
        _ => None,
    }
}

#[test]
fn every_include_and_every_anchor_is_there() {
    let complaints = pages().into_iter().flat_map(|page| {
        let missing = page.directives("include").into_iter().filter_map(|it| missing(&page, it));
        missing.map(|why| format!("book/src/{}: {why}", page.name)).collect::<Vec<_>>()
    });
    nothing_to_complain_about(&complaints.collect::<Vec<_>>());
}

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let contents = Page::read(&source().join("SUMMARY.md"));
    let mut listed: Vec<String> = targets(&contents);
    listed.sort();
    let pages = pages().into_iter().map(|page| page.name).filter(|name| name != "SUMMARY.md");
    assert_eq!(listed, pages.collect::<Vec<_>>());
}

#[test]
fn code_is_taken_from_files_that_run() {
    let complaints = pages().into_iter().flat_map(|page| {
        let fences =
            Regex::new(r"(?m)^```(rust|python|c)\b[^\n]*\n([^`]*?)^```").expect("a pattern");
        let typed =
            fences.captures_iter(&page.text).filter(|found| !found[2].starts_with("{{#include"));
        let told = typed.map(|found| format!("book/src/{}: {}", page.name, &found[2]));
        told.collect::<Vec<_>>()
    });
    nothing_to_complain_about(&complaints.collect::<Vec<_>>());
}

#[test]
fn an_anchor_that_is_not_there_is_seen() {
    let text = "// ANCHOR: open\nlet it = 1;\n// ANCHOR_END: open\n// ANCHOR: empty\n// ANCHOR_END: empty\n";
    assert_eq!(what_is_wrong_with(text, "open"), None);
    assert!(
        what_is_wrong_with(text, "shut").is_some() && what_is_wrong_with(text, "empty").is_some()
    );
    assert!(project().join("book/src/SUMMARY.md").is_file());
}
