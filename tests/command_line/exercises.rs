//! A learner's folder: the list, a beginning, hints, a solution, a new beginning, and what was passed.

use std::fs;
use std::path::Path;

use serde_json::Value;
use socklab::lessons::exercises;
use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Runs socklab in that folder.
fn within(folder: &Path, args: &[&str]) -> Finished {
    let mut command = socklab(args);
    command.current_dir(folder);
    Program::run(command).finish()
}

/// It succeeded, and said this.
fn says(finished: &Finished) -> String {
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    finished.text()
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

#[test]
fn the_list_has_all_in_the_order_of_the_chapters() {
    let here = folder();
    let text = says(&within(here.path(), &["exercise"]));
    let places: Vec<_> =
        exercises().iter().map(|it| text.find(&format!(" {} ", it.name))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    let json = says(&within(here.path(), &["exercise", "--format", "json"]));
    let listed: Vec<Value> =
        json.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let names: Vec<&str> = listed.iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, exercises().iter().map(|it| it.name).collect::<Vec<_>>());
    for it in &listed {
        assert!(it["chapter"].is_string() && it["title"].is_string() && it["minutes"].is_u64());
        assert!(it["passed"].is_null());
    }
    assert!(fs::read_dir(here.path()).expect("a folder").next().is_none(), "a list leaves nothing");
}

#[test]
fn each_has_a_task_hints_and_solutions() {
    for exercise in exercises() {
        let name = exercise.name;
        assert!(says(&run(&["exercise", name])).starts_with("# "), "{name}");
        let hints = ["1", "2", "3"].map(|number| says(&run(&["hint", name, number])));
        assert!(hints[0] != hints[1] && hints[1] != hints[2], "{name}");
        assert!(hints[0].contains(&format!("socklab hint {name} 2")), "{}", hints[0]);
        assert!(hints[2].contains(&format!("socklab solution {name}")), "{}", hints[2]);
        assert_eq!(says(&run(&["hint", name])), hints[0]);
        assert!(says(&run(&["solution", name, "--lang", "python"])).contains("import socket"));
        assert!(says(&run(&["solution", name, "--lang", "rust"])).contains("fn main()"));
    }
}

#[test]
fn names_that_are_none_are_told_with_what_is_like_them() {
    for args in [
        &["exercise", "tcp-ekho"][..],
        &["start", "tcp-ekho", "--lang", "rust"],
        &["hint", "tcp-ekho"],
        &["solution", "tcp-ekho", "--lang", "rust"],
        &["reset", "tcp-ekho"],
    ] {
        let here = folder();
        let finished = within(here.path(), args);
        fails_with(&finished, 1, &["no exercise tcp-ekho", "tcp-echo"]);
        assert!(fs::read_dir(here.path()).expect("a folder").next().is_none(), "{args:?}");
    }
    fails_with(&run(&["hint", "xyzzy"]), 1, &["`socklab exercise` lists them"]);
    for args in [&["hint", "tcp-echo", "4"][..], &["hint", "tcp-echo", "0"], &["start", "tcp-echo"]]
    {
        fails_with(&run(args), 2, &["error:"]);
    }
}

#[test]
fn what_is_begun_is_never_overwritten_and_begun_anew_it_is_kept() {
    let here = folder();
    let start = ["start", "tcp-echo", "--lang", "python"];
    let told = says(&within(here.path(), &start));
    assert!(told.contains("socklab check tcp-echo -- python3 main.py"), "{told}");
    let starter = read(here.path(), "tcp-echo/main.py");
    assert!(read(here.path(), "tcp-echo/task.md").starts_with("# "));
    fs::write(here.path().join("tcp-echo/main.py"), "mine").expect("a file");
    fails_with(&within(here.path(), &start), 1, &["is there already", "socklab reset tcp-echo"]);
    assert_eq!(read(here.path(), "tcp-echo/main.py"), "mine");
    // Another language finds room beside it.
    says(&within(here.path(), &["start", "tcp-echo", "--lang", "rust"]));
    assert_eq!(read(here.path(), "tcp-echo/main.py"), "mine");
    for kept in ["tcp-echo/main.py.1", "tcp-echo/main.py.2"] {
        let told = says(&within(here.path(), &["reset", "tcp-echo"]));
        assert!(told.contains(kept), "{told}");
        assert_eq!(read(here.path(), "tcp-echo/main.py"), starter);
        assert_eq!(read(here.path(), "tcp-echo/main.py.1"), "mine");
    }
    fails_with(&within(here.path(), &["reset", "chat-server"]), 1, &["not begun", "socklab start"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let here = folder();
    fs::write(here.path().join("file"), "").expect("a file");
    let args = ["start", "tcp-echo", "--lang", "rust", "--dir", "file"];
    fails_with(&within(here.path(), &args), 1, &["file"]);
}

/// What was passed is written down where the learner began, also from a folder in it; a part of it is not enough.
#[cfg(target_os = "linux")]
#[test]
fn what_was_passed_is_shown() {
    let here = folder();
    says(&within(here.path(), &["start", "tcp-echo", "--lang", "python"]));
    let own = here.path().join("tcp-echo");
    let solution = says(&run(&["solution", "tcp-echo", "--lang", "python"]));
    let check = |options: &[&str]| {
        let args =
            [&["check", "tcp-echo"], options, &["--", support::python::interpreter(), "main.py"]]
                .concat();
        within(&own, &args).code
    };
    let passed = || {
        let json = says(&within(here.path(), &["exercise", "--format", "json"]));
        let mut lines = json.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.find(|it| it["name"] == "tcp-echo").expect("listed")["passed"].clone()
    };
    assert_eq!(check(&[]), 1);
    assert!(passed().is_null(), "the starter does not pass");
    fs::write(own.join("main.py"), solution).expect("a file");
    assert_eq!(check(&["--only", "text"]), 0);
    assert!(passed().is_null(), "a part of it is not all");
    assert_eq!(check(&[]), 0);
    assert!(passed().as_str().is_some_and(|when| when.ends_with("100 points")), "{}", passed());
    assert!(says(&within(here.path(), &["exercise"])).contains("✓ tcp-echo"));
    // The other exercises are begun in the same folder, and forget nothing.
    says(&within(here.path(), &["start", "udp-echo", "--lang", "python"]));
    assert!(passed().is_string());
}

/// The package stands by itself: where it lies, and without a network.
#[test]
fn the_rust_package_builds() {
    let here = folder();
    says(&within(here.path(), &["start", "tcp-echo", "--lang", "rust"]));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--offline"]).current_dir(here.path().join("tcp-echo"));
    cargo.env_remove("CARGO_TARGET_DIR");
    let built = cargo.output().expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert!(here.path().join("tcp-echo/target/debug/tcp-echo").exists());
}
