//! Who calls whom. The map in `src/lib.rs` says which room may call which; here the code is held against it, so that
//! the map cannot lie.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What a room may call: `nobody`, `everybody`, or paths such as `narrate::event`.
#[derive(Debug, PartialEq)]
enum MayCall {
    Everybody,
    These(Vec<String>),
}

/// The command: it calls whom it likes, and nobody calls it.
const MAIN: &str = "main";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The rows of the map: `//! | [`room`] | question | whom |`.
fn map() -> BTreeMap<String, MayCall> {
    let text = fs::read_to_string(source().join("lib.rs")).expect("the map of the crate");
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! |"));
    rows.skip(2).map(row).collect()
}

fn row(line: &str) -> (String, MayCall) {
    let cells: Vec<&str> = line.trim().trim_end_matches('|').split('|').map(str::trim).collect();
    let [room, _, whom] = cells[..] else { panic!("a row has three cells: {line}") };
    // `mod@` tells rustdoc which of two things of one name is meant.
    let plain = |text: &str| {
        text.trim().trim_matches(['[', ']', '`']).trim_start_matches("mod@").to_owned()
    };
    let may_call = match whom {
        "everybody" => MayCall::Everybody,
        "nobody" => MayCall::These(Vec::new()),
        rooms => MayCall::These(rooms.split(',').map(plain).collect()),
    };
    (plain(room), may_call)
}

/// The room that a file belongs to: `demos` for `src/demos/tcp_server.rs`; `main` for the command and its own modules.
fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(source()).expect("a file of src");
    let first = inside.iter().next().expect("a name").to_string_lossy();
    let name = first.trim_end_matches(".rs").to_owned();
    let main = code(&source().join("main.rs"));
    if main.lines().any(|line| line == format!("mod {name};")) { MAIN.to_owned() } else { name }
}

/// Every file of the source with its text, without comments.
fn files() -> Vec<(PathBuf, String)> {
    let mut folders = vec![source()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of src").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push((path.clone(), code(&path)));
            }
        }
    }
    files
}

fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a file of src");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that begins with `root::` in `code`, groups taken apart: `crate::{a::b, c}` gives `a::b` and `c`.
fn paths_from(root: &str, code: &str) -> Vec<String> {
    let beginnings = code.match_indices(root).filter(|(start, _)| {
        !code[..*start].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    });
    beginnings.flat_map(|(start, _)| tree(&code[start + root.len()..])).collect()
}

/// The paths of a tree as `use` writes them, from its beginning on.
fn tree(text: &str) -> Vec<String> {
    let is_path = |character: char| character.is_alphanumeric() || "_:#*".contains(character);
    let end = text.find(|character| !is_path(character)).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let Some(group) = rest.strip_prefix('{') else {
        return vec![head.trim_end_matches(':').to_owned()];
    };
    members(group)
        .iter()
        .flat_map(|member| tree(member))
        .map(|tail| format!("{head}{tail}"))
        .collect()
}

/// The members of a group, up to its closing brace.
fn members(group: &str) -> Vec<String> {
    let (mut all, mut member, mut depth) = (Vec::new(), String::new(), 0);
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => all.push(std::mem::take(&mut member)),
            _ => {
                depth += i32::from(character == '{') - i32::from(character == '}');
                member.push(character);
            }
        }
    }
    all.push(member);
    all.iter().map(|member| member.trim().to_owned()).filter(|member| !member.is_empty()).collect()
}

/// Whether `path` is `allowed` or lies in it.
fn lies_in(path: &str, allowed: &str) -> bool {
    path.strip_prefix(allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn every_room_is_on_the_map_and_nothing_else_is() {
    let rooms: BTreeSet<String> = files().iter().map(|(file, _)| room_of(file)).collect();
    let no_rooms = ["lib", MAIN];
    let count = |rooms: BTreeSet<String>| -> BTreeSet<String> {
        rooms.into_iter().filter(|room| !no_rooms.contains(&room.as_str())).collect()
    };
    assert_eq!(count(rooms), count(map().into_keys().collect()));
}

#[test]
fn whom_a_room_may_call_exists() {
    let map = map();
    for (room, may_call) in &map {
        let MayCall::These(paths) = may_call else { continue };
        for path in paths {
            let first = path.split("::").next().unwrap_or_default();
            assert!(map.contains_key(first), "{room} may call {path}: there is no such room");
        }
    }
}

#[test]
fn nobody_calls_whom_the_map_does_not_allow() {
    let map = map();
    let mut strays = Vec::new();
    for (file, code) in files() {
        let room = room_of(&file);
        let may = |path: &str| match map.get(&room) {
            Some(MayCall::These(allowed)) => allowed.iter().any(|allowed| lies_in(path, allowed)),
            Some(MayCall::Everybody) => true,
            None => room == MAIN,
        };
        let paths = paths_from("crate::", &code).into_iter();
        let outside = paths.filter(|path| !lies_in(path, &room) && !may(path));
        strays.extend(outside.map(|path| format!("{}: {path}", file.display())));
    }
    assert_eq!(strays, Vec::<String>::new());
}

/// `super::super` out of a room would be a way around the map.
#[test]
fn nobody_leaves_a_room_by_super() {
    for (file, code) in files() {
        let depth = file.strip_prefix(source()).expect("a file of src").iter().count();
        let depth = depth - usize::from(file.ends_with("mod.rs"));
        // A module inside the file, such as `mod tests`, needs one more to get as far.
        let out = "super::".repeat(depth + usize::from(code.contains("\nmod tests {")));
        assert!(!code.contains(&out), "{} goes {out}", file.display());
    }
}

/// What a demo has to say it says to the narration: in JSON, in a test, in the book, nothing else may come in between.
#[test]
fn only_the_renderers_print_and_know_of_colour() {
    let words =
        ["print!", "println!", "eprint!", "eprintln!", "dbg!", "stdout()", "stderr()", "colored::"];
    // What came of the checks is shown by the checker's own renderers.
    let reports = source().join("check/report");
    let shows = |file: &Path| {
        [MAIN, "render"].contains(&room_of(file).as_str()) || file.starts_with(&reports)
    };
    for (file, code) in files().into_iter().filter(|(file, _)| !shows(file)) {
        for word in words {
            let found = paths_from(word, &code).len();
            assert_eq!(found, 0, "{} says {word}", file.display());
        }
    }
}

mod reading_paths {
    use super::*;

    #[test]
    fn groups_are_taken_apart() {
        let code = "use crate::{error::{Error, Result}, chat,\n narrate::event::{self, Args}};\nlet x = crate::stage::Stop;";
        let expected = [
            "error::Error",
            "error::Result",
            "chat",
            "narrate::event::self",
            "narrate::event::Args",
            "stage::Stop",
        ];
        assert_eq!(paths_from("crate::", code), expected);
    }

    #[test]
    fn words_that_only_end_alike_are_no_paths() {
        assert_eq!(paths_from("crate::", "mycrate::x"), Vec::<String>::new());
        assert_eq!(paths_from("print!", "eprint!(1)"), Vec::<String>::new());
        assert_eq!(paths_from("crate::", "pub(in crate::narrate) fn x"), ["narrate"]);
    }

    #[test]
    fn rows_are_read() {
        let allowed = MayCall::These(vec!["narrate::event".to_owned(), "error".to_owned()]);
        let line = " [`render`] | How is it shown? | `narrate::event`, `error` |";
        assert_eq!(row(line), ("render".to_owned(), allowed));
        assert!(lies_in("narrate::event::Args", "narrate::event"));
        assert!(!lies_in("narrate::events", "narrate::event"));
    }
}
