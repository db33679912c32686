//! `socklab explain` and `socklab book`: what is to be looked up rather than run.

use std::fs;

use socklab::reference::{self, Kind};

use crate::support::program::{Finished, Program, socklab};

fn explain(names: &[&str]) -> Finished {
    Program::start(&[&["explain"], names].concat()).finish()
}

/// Without line breaks and the marks of Markdown.
fn flowing(text: &str) -> String {
    text.replace('`', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_name_is_explained_in_the_words_of_the_reference() {
    for entry in Kind::ALL.into_iter().flat_map(reference::entries) {
        let page = explain(&[&entry.name]);
        assert_eq!((page.code, page.errors.as_str()), (0, ""));
        assert!(flowing(&page.text()).contains(&flowing(&entry.long)), "{}", page.text());
    }
    for mistake in reference::mistakes() {
        let page = flowing(&explain(&[mistake.id]).text());
        for part in [&mistake.title, &mistake.written, &mistake.seen, &mistake.why, &mistake.cure] {
            assert!(page.contains(&flowing(part)), "{part} is not in {page}");
        }
    }
}

#[test]
fn without_a_name_all_names_are_listed() {
    let list = explain(&[]).text();
    for name in ["recvfrom", "SO_LINGER", "EAI_NONAME", "TIME_WAIT", "utf8-split"] {
        assert!(list.split_whitespace().any(|word| word == name), "{name} is not in {list}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
}

#[test]
fn several_names_are_explained_one_after_the_other() {
    let page = explain(&["time_wait", "LISTEN", "listen"]).text();
    let headings = page.lines().filter(|line| line.starts_with(|it: char| !it.is_whitespace()));
    assert_eq!(headings.collect::<Vec<_>>(), ["TIME_WAIT (TIME-WAIT)", "LISTEN", "listen"]);
}

#[test]
fn a_name_that_is_not_there_is_told_with_what_is_like_it() {
    let page = explain(&["EADRINUSE"]);
    assert_eq!((page.code, page.text().as_str()), (1, ""));
    assert!(page.errors.contains("Did you mean EADDRINUSE"), "{}", page.errors);
    let page = explain(&["xyzzy"]);
    assert!(page.errors.contains("`socklab explain` lists"), "{}", page.errors);
}

#[test]
fn programs_get_json() {
    let page = explain(&["recv", "short-send", "--format", "json"]);
    let lines = page.output.iter().map(|line| serde_json::from_str(line).expect("JSON"));
    let objects: Vec<serde_json::Value> = lines.collect();
    assert_eq!(objects[0]["name"], "recv");
    assert_eq!(objects[1]["id"], "short-send");
    assert!(objects[1]["cure"].is_string());
}

#[test]
fn the_book_is_found_where_it_was_built_and_by_the_names_of_its_pages() {
    let project = tempfile::tempdir().expect("a folder");
    let book = |page: &str| {
        let mut command = socklab(&["book", page]);
        command.current_dir(project.path());
        Program::run(command).finish()
    };
    fs::create_dir_all(project.path().join("book")).expect("a folder");
    fs::write(project.path().join("book/book.toml"), "").expect("a file");
    let unbuilt = book("index");
    assert_eq!(unbuilt.code, 1);
    assert!(unbuilt.errors.contains("run `cargo book` in"), "{}", unbuilt.errors);

    let built = project.path().join("target/book");
    fs::create_dir_all(built.join("mistakes")).expect("a folder");
    for page in ["index.html", "04-framing.html", "mistakes/short-send.html"] {
        fs::write(built.join(page), "").expect("a file");
    }
    let found = |name: &str| book(name).text();
    assert!(found("index").ends_with("/target/book/index.html"));
    assert!(found("framing").ends_with("/target/book/04-framing.html"));
    assert!(found("short-send").ends_with("/target/book/mistakes/short-send.html"));
    let missing = book("xyzzy");
    assert_eq!(missing.code, 1);
    assert!(missing.errors.contains("no page xyzzy"), "{}", missing.errors);
}

#[test]
fn completions_know_what_can_be_explained() {
    let script = Program::start(&["completions", "bash"]).finish().text();
    for name in ["EADDRINUSE", "eof-ignored", "getsockname"] {
        assert!(script.contains(name), "{name}");
    }
}
