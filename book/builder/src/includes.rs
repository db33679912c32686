//! What pages include: mdBook passes over a missing file with a message and over a missing anchor in silence. Here
//! each is found.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::preprocess::named;

/// mdBook includes no deeper than this.
const DEEPEST: usize = 10;

/// As mdBook finds them.
static INCLUDE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r"(?<escaped>\\)?\{\{\s*#(?:rustdoc_)?include\s+(?<file>[^\s:}]+)(?::(?<part>[^}]*))?\}\}";
    Regex::new(pattern).expect("a test uses it")
});

/// The includes of the page `path` (in the folder `source`) that lead nowhere, also those in what it includes.
pub fn problems(source: &Path, path: &Path) -> Vec<String> {
    let page = source.join(path);
    let mut found = BTreeSet::new();
    match fs::read_to_string(&page) {
        Ok(text) => search(&page, &text, 0, &mut found),
        Err(error) => _ = found.insert(error.to_string()),
    }
    found.into_iter().map(|problem| named(path, &problem)).collect()
}

fn search(file: &Path, text: &str, depth: usize, found: &mut BTreeSet<String>) {
    let folder = file.parent().unwrap_or(Path::new("."));
    for include in INCLUDE.captures_iter(text) {
        if include.name("escaped").is_some() {
            continue;
        }
        let part = include.name("part").map_or("", |part| part.as_str().trim());
        let target = folder.join(&include["file"]);
        match follow(&target, part) {
            Err(problem) => _ = found.insert(format!("{}: {problem}", &include[0])),
            Ok(_) if depth == DEEPEST => _ = found.insert(format!("{}: too deep", &include[0])),
            Ok(text) => search(&target, &text, depth + 1, found),
        }
    }
}

/// The file, or why `part` of it cannot be included.
fn follow(file: &Path, part: &str) -> Result<String, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let first = part.split(':').next().unwrap_or_default();
    if first.is_empty() {
        return Ok(text);
    }
    match first.parse::<usize>() {
        Ok(line) if line > text.lines().count() => Err(format!("there is no line {line}")),
        Ok(_) => Ok(text),
        Err(_) => anchored(&text, first),
    }
}

/// The lines of the anchor.
fn anchored(text: &str, name: &str) -> Result<String, String> {
    let is = |line: &str, mark: &str| {
        line.split_once(mark).is_some_and(|(_, rest)| {
            let rest = rest.trim_start();
            rest.strip_prefix(name).is_some_and(|after| {
                !after.starts_with(|c: char| c.is_alphanumeric() || "_-".contains(c))
            })
        })
    };
    let mut lines = text.lines().skip_while(|line| !is(line, "ANCHOR:"));
    if lines.next().is_none() {
        return Err(format!("there is no anchor {name:?}"));
    }
    let (mut inside, mut ended) = (String::new(), false);
    for line in lines {
        if is(line, "ANCHOR_END:") {
            ended = true;
            break;
        }
        inside.push_str(line);
        inside.push('\n');
    }
    match (ended, inside.trim().is_empty()) {
        (false, _) => Err(format!("the anchor {name:?} has no end")),
        (true, true) => Err(format!("the anchor {name:?} is empty")),
        (true, false) => Ok(inside),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a page that has this line, beside a file `code.rs`.
    fn wrong(line: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let code = "fn a() {}\n// ANCHOR: one\nfn b() {}\n// ANCHOR_END: one\n// ANCHOR: open\nfn c() {}\n\
                    // ANCHOR: hollow\n// ANCHOR_END: hollow\n";
        fs::write(folder.path().join("code.rs"), code).unwrap();
        fs::write(folder.path().join("page.md"), format!("# Page\n\n{line}\n")).unwrap();
        problems(folder.path(), Path::new("page.md"))
    }

    #[test]
    fn what_is_there_is_included() {
        for part in ["", ":one", ":1", ":2:3", "::3"] {
            let line = format!("{{{{#include code.rs{part}}}}}");
            assert_eq!(wrong(&line), Vec::<String>::new(), "{line}");
        }
        assert_eq!(wrong("\\{{#include nothing.rs}}"), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_is_named_with_its_page() {
        for (line, why) in [
            ("{{#include nothing.rs}}", "nothing.rs"),
            ("{{#include code.rs:two}}", "no anchor \"two\""),
            ("{{#include code.rs:on}}", "no anchor \"on\""),
            ("{{#include code.rs:open}}", "no end"),
            ("{{#include code.rs:hollow}}", "empty"),
            ("{{#include code.rs:99}}", "no line 99"),
        ] {
            let [problem] = &wrong(line)[..] else { panic!("{line} is one problem") };
            assert!(problem.starts_with("page.md: ") && problem.contains(line), "{problem}");
            assert!(problem.contains(why), "{problem}");
        }
    }

    #[test]
    fn a_circle_ends() {
        let [problem] = &wrong("{{#include page.md}}")[..] else { panic!("one problem") };
        assert!(problem.contains("too deep"), "{problem}");
    }
}
