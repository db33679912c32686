//! A book is built whole or not at all: small books, each with one thing broken.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mdbook_driver::MDBook;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use socklab_book::build::build;
use socklab_book::preprocess::Socklab;
use socklab_book::serve::Served;
use support::Book;

#[test]
fn a_whole_book_is_built() {
    let book = Book::new(
        "{{#run socklab demo}}\n\n{{#sequence socklab demo}}\n\n{{#states socklab demo}}",
    );
    let index = build(book.root(), None).unwrap();
    assert!(index.ends_with("index.html"));
    let html = fs::read_to_string(index.with_file_name("page.html")).unwrap();
    assert!(!html.contains("{{#"), "{html}");
    // The terminal's own words: the mark, the padded name, the call.
    assert!(html.contains("○ client  ") && html.contains(">socket</"), "{html}");
    for figure in ["run-events", "figure sequence", "figure states"] {
        assert!(html.contains(figure), "{figure}");
    }
}

#[test]
fn another_folder_can_be_told() {
    let (book, other) = (Book::new(""), tempfile::tempdir().unwrap());
    let index = build(book.root(), Some(other.path())).unwrap();
    assert_eq!(index, fs::canonicalize(other.path()).unwrap().join("index.html"));
}

#[test]
fn what_is_missing_is_named_with_its_page() {
    for (line, named) in [
        ("```rust\n{{#include ../code.rs:two}}\n```", "{{#include ../code.rs:two}}"),
        ("{{#include nothing.md}}", "{{#include nothing.md}}"),
        ("{{#run socklab other}}", "other.jsonl"),
        ("{{#dance}}", "{{#dance}}"),
        ("{{#mistake nobody-makes-it why}}", "nobody-makes-it"),
        ("{{#reference poems}}", "poems"),
        ("[dead](nothing.md)", "nothing.html"),
        ("[dead](#nowhere)", "#nowhere"),
        ("[dead](other.md#nowhere)", "other.html#nowhere"),
        ("<img src=\"nothing.svg\" alt=\"\">", "nothing.svg"),
    ] {
        let error = build(Book::new(line).root(), None).expect_err(line);
        let said = format!("{error:#}");
        assert!(said.contains("page.") && said.contains(named), "{line}: {said}");
    }
}

#[test]
fn what_is_there_is_found() {
    for line in [
        "```rust\n{{#include ../code.rs:one}}\n```",
        "[alive](other.md#a-place)",
        "[alive](#page)",
        "```\n{{#dance}}\n```",
    ] {
        build(Book::new(line).root(), None).expect(line);
    }
}

#[test]
fn the_stock_mdbook_gets_the_same_pages() {
    let book = Book::new("{{#run socklab demo}}");
    let (ctx, loaded) = loaded(&book);
    let mut answer = Vec::new();
    let asked = serde_json::to_vec(&(&ctx, &loaded)).unwrap();
    socklab_book::preprocess::pipe(&asked[..], &mut answer).unwrap();
    let own = Socklab.run(&ctx, loaded.clone()).unwrap();
    assert_ne!(own, loaded, "something was expanded");
    assert_eq!(answer, serde_json::to_vec(&own).unwrap());
}

#[test]
fn the_preprocessor_makes_html_only_and_fails_with_1() {
    let ask = |args: &[&str], asked: Vec<u8>| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_socklab-book"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that answers without reading may be gone.
        let _ = child.stdin.take().unwrap().write_all(&asked);
        child.wait_with_output().unwrap()
    };
    assert_eq!(ask(&["preprocess", "supports", "html"], vec![]).status.code(), Some(0));
    assert_eq!(ask(&["preprocess", "supports", "epub"], vec![]).status.code(), Some(1));
    let broken = loaded(&Book::new("{{#dance}}"));
    let answer = ask(&["preprocess"], serde_json::to_vec(&broken).unwrap());
    assert_eq!(answer.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("{{#dance}}"));
}

#[test]
fn a_served_book_follows_its_sources() {
    let book = Book::new("first words");
    let served = Served::start(book.root(), None, 0).unwrap();
    let (url, stop) = (served.url(), served.stop());
    let (tell, builds) = mpsc::channel();
    let serving = thread::spawn(move || served.run(|built| tell.send(built.is_ok()).unwrap()));
    assert!(get(&url, "page.html").contains("first words"));
    assert!(get(&url, "../book.toml").starts_with("HTTP/1.1 404"));
    book.write("src/page.md", "# Page\n\nother words\n");
    while !get(&url, "page.html").contains("other words") {
        assert!(builds.recv().unwrap(), "it is built again");
    }
    // Building reads the sources. That is no reason to build. (Of one change the file system may tell twice.)
    let again = || builds.recv_timeout(Duration::from_secs(1)).is_ok();
    assert!(!(again() && again()), "it is built without end");
    stop.stop();
    serving.join().unwrap().unwrap();
}

/// What mdBook sends to a preprocessor.
fn loaded(book: &Book) -> (PreprocessorContext, mdbook_preprocessor::book::Book) {
    let mdbook = MDBook::load(book.root()).unwrap();
    let ctx = PreprocessorContext::new(book.root().to_owned(), mdbook.config, "html".to_owned());
    (ctx, mdbook.book)
}

fn get(url: &str, page: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /{page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
