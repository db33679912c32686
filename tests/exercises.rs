//! The checker against the programs in `lessons/`: starters fail, solutions pass, and each broken program fails first with
//! exactly the mistake that its file is named after.
//!
//! `EXERCISE=tcp-echo cargo test --test exercises` tries the programs of one exercise only.

#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::Value;
use socklab::lessons::{Exercise, exercises};
use support::program::socklab;
use support::python::interpreter;
use tempfile::TempDir;

/// How many programs are checked at a time: each check is several programs itself.
const AT_A_TIME: usize = 3;

/// One program of a lesson.
struct Lesson {
    exercise: &'static Exercise,
    file: PathBuf,
}

/// What a program is there for.
#[derive(Debug, PartialEq)]
enum Role {
    Starter,
    Solution,
    /// It makes this mistake.
    Broken(String),
}

impl Lesson {
    fn role(&self) -> Role {
        match self.file.file_stem().and_then(|stem| stem.to_str()).expect("a name") {
            "starter" => Role::Starter,
            "solution" => Role::Solution,
            mistake => Role::Broken(mistake.to_owned()),
        }
    }

    /// What `socklab check` says of it.
    fn report(&self, folder: &Path) -> Value {
        let command = self.command(folder);
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let args = [&["check", self.exercise.name, "--json", "--"], &words[..]].concat();
        let mut command = socklab(&args);
        command.current_dir(folder);
        // No limit here: that the checker ends by itself is what it promises.
        let output = command.output().expect("socklab runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout);
        report.unwrap_or_else(|why| panic!("{}: {why}: {errors}", self.file.display()))
    }

    /// The command that runs it; compiled first, where its language asks for that.
    fn command(&self, folder: &Path) -> Vec<String> {
        let path = |path: &Path| path.to_str().expect("a path").to_owned();
        let program =
            folder.join(path(&self.file).replace(|it: char| !it.is_ascii_alphanumeric(), "-"));
        let compiler = match self.file.extension().and_then(|it| it.to_str()) {
            Some("py") => return vec![interpreter().to_owned(), path(&self.file)],
            Some("c") => compiler("cc", &["-O1", "-pthread", "-o"]),
            Some("rs") if self.needs_crates() => return vec![self.example()],
            _ => compiler("rustc", &["--edition", "2024", "-O", "-o"]),
        };
        let mut compiler = compiler;
        let done =
            compiler.arg(&program).arg(&self.file).output().expect("the compiler is installed");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        vec![path(&program)]
    }

    fn needs_crates(&self) -> bool {
        fs::read_to_string(&self.file).expect("a program").contains("use socket2::")
    }

    /// Those that need a crate are examples of this one: `raw-ping-solution`.
    fn example(&self) -> String {
        let stem = self.file.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let name = format!("{}-{stem}", self.exercise.name);
        let mut cargo = Command::new(env!("CARGO"));
        let built =
            cargo.args(["build", "--quiet", "--example", &name]).current_dir(project()).status();
        assert!(built.is_ok_and(|status| status.success()), "example {name}");
        let folder = Path::new(env!("CARGO_BIN_EXE_socklab")).parent().expect("a folder");
        folder.join("examples").join(name).to_str().expect("a path").to_owned()
    }

    /// What is wrong with the report, if anything is.
    fn complaint(&self, report: &Value) -> Option<String> {
        let failed = report["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .find(|check| check["verdict"] == "fail");
        let mistake = failed.map(|check| check["mistake"].as_str().unwrap_or("none").to_owned());
        let skipped = report["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .any(|check| check["verdict"] == "skip");
        let right = match self.role() {
            Role::Starter => failed.is_some(),
            Role::Solution => report["verdict"] == "pass" && !skipped,
            Role::Broken(own) => mistake.as_ref() == Some(&own),
        };
        let told = || match failed {
            Some(check) => format!(
                "{} ({}), {}: {:#}",
                check["id"], check["title"], check["cause"], check["story"]
            ),
            None => format!("{report:#}"),
        };
        (!right).then(|| format!("{}: {:?} in {}", self.file.display(), mistake, told()))
    }
}

fn compiler(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args);
    command
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The programs of every exercise.
fn lessons() -> Vec<Lesson> {
    let wanted = std::env::var("EXERCISE").unwrap_or_default();
    let wanted = exercises().iter().filter(|exercise| exercise.name.contains(&wanted));
    wanted.flat_map(programs_of).collect()
}

fn programs_of(exercise: &'static Exercise) -> Vec<Lesson> {
    let chapters = fs::read_dir(project().join("lessons")).expect("lessons").flatten();
    let folder =
        chapters.map(|chapter| chapter.path().join(exercise.name)).find(|folder| folder.is_dir());
    let folder = folder.expect("the exercise's folder");
    let files =
        [folder.clone(), folder.join("broken")].into_iter().filter(|folder| folder.is_dir());
    let files = files.flat_map(|folder| fs::read_dir(folder).expect("a folder").flatten());
    let files = files.map(|entry| entry.path());
    let programs = files.filter(|file| {
        ["py", "rs", "c"].iter().any(|it| file.extension().is_some_and(|own| own == *it))
    });
    programs.map(|file| Lesson { exercise, file }).collect()
}

#[test]
fn starters_fail_solutions_pass_and_broken_programs_are_told_their_mistake() {
    let folder = TempDir::new().expect("a folder");
    let (next, complaints) = (Mutex::new(lessons()), Mutex::new(Vec::new()));
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        while let Some(lesson) = take() {
            let complaint = lesson.complaint(&lesson.report(folder.path()));
            complaints.lock().unwrap_or_else(PoisonError::into_inner).extend(complaint);
        }
    };
    thread::scope(|scope| (0..AT_A_TIME).for_each(|_| drop(scope.spawn(work))));
    let complaints = complaints.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_exercise_has_all_that_belongs_to_it() {
    for exercise in exercises() {
        let roles: Vec<Role> = programs_of(exercise).iter().map(Lesson::role).collect();
        let count = |role: Role| roles.iter().filter(|own| **own == role).count();
        assert_eq!((count(Role::Starter), count(Role::Solution)), (2, 2), "{}", exercise.name);
        assert_eq!(exercise.hints().len(), 3, "{}", exercise.name);
        assert!(exercise.task().starts_with("# "), "{}", exercise.name);
    }
    assert_eq!(exercises().len(), 12);
}

#[test]
fn every_mistake_is_made_by_a_program_of_each_exercise_that_catches_it() {
    for mistake in socklab::reference::mistakes() {
        for name in &mistake.exercises {
            let exercise = socklab::lessons::exercise(name)
                .unwrap_or_else(|| panic!("{name} of {}", mistake.id));
            let made = programs_of(exercise)
                .iter()
                .any(|it| it.role() == Role::Broken(mistake.id.to_owned()));
            assert!(made, "{name} has no broken program for {}", mistake.id);
        }
    }
}
