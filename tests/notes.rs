//! The words: every note and failure that the code names exists in `reference/`.

use std::fs;
use std::path::{Path, PathBuf};

use socklab::reference;

/// The calls whose first argument, when it is a literal, names words.
const NAMING: [&str; 4] = ["note(\"", "failed(\"", "words(\"", "filled(\""];

/// The same in the checker, which has words of its own.
const TELLING: [&str; 3] = ["tell(\"", "Words::new(\"", "Finding::new(\""];

#[test]
fn every_note_that_the_code_names_exists() {
    let mut named = 0;
    let files = rust_files(Path::new("src")).into_iter();
    for file in files.filter(|file| !file.starts_with("src/check")) {
        let code = fs::read_to_string(&file).unwrap();
        for id in ids(&code, &NAMING) {
            named += 1;
            assert!(reference::note(&id).is_some(), "{}: {id}", file.display());
        }
    }
    assert!(named > 5, "the search found only {named}: it no longer sees the calls");
}

#[test]
fn every_word_that_the_checker_says_exists() {
    let mut named = 0;
    for file in rust_files(Path::new("src/check")) {
        let code = fs::read_to_string(&file).unwrap();
        for id in ids(&code, &TELLING) {
            named += 1;
            assert!(reference::check_words(&id).is_some(), "{}: {id}", file.display());
        }
    }
    assert!(named > 100, "the search found only {named}: it no longer sees the calls");
}

/// However the call is broken into lines.
fn ids(code: &str, naming: &[&str]) -> Vec<String> {
    let tight: String = code.split_whitespace().collect();
    let after = naming.iter().flat_map(|call| tight.split(*call).skip(1));
    after.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false if path.extension().is_some_and(|end| end == "rs") => vec![path],
            false => Vec::new(),
        })
        .collect()
}
