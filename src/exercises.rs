//! A learner's folder: exercises are listed, begun, helped with, begun anew; and what was passed is written down.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use colored::Colorize;
use serde::{Deserialize, Serialize};
use socklab::cli::{self, Format};
use socklab::lessons::{Exercise, Language, exercise, exercises};
use socklab::reference;
use unicode_width::UnicodeWidthStr;

/// The file in the learner's folder that says which exercises were passed, and when.
const PROGRESS: &str = "socklab-progress.toml";

/// What was passed: by exercise, the points and the day.
#[derive(Default, Deserialize)]
struct Progress {
    passed: BTreeMap<String, String>,
}

/// An exercise, for programs.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    chapter: &'static str,
    title: &'static str,
    minutes: u32,
    passed: Option<String>,
}

/// All exercises, or the task of one.
pub fn list(args: &cli::List, format: Format) -> Result<String, String> {
    if let Some(name) = &args.name {
        return Ok(named(name)?.task().to_owned());
    }
    let progress = read_progress(&args.dir);
    let listed = exercises().iter().map(|exercise| Listed {
        name: exercise.name,
        chapter: exercise.chapter,
        title: &exercise.about.title,
        minutes: exercise.about.minutes,
        passed: progress.passed.get(exercise.name).cloned(),
    });
    match format {
        Format::Json => Ok(listed.map(|it| json(&it)).collect()),
        Format::Text => Ok(table(listed.collect())),
    }
}

fn json(listed: &Listed) -> String {
    serde_json::to_string(listed).expect("texts and numbers are JSON") + "\n"
}

fn table(listed: Vec<Listed>) -> String {
    let width = listed.iter().map(|it| it.title.width()).max().unwrap_or_default();
    let mut page = String::new();
    let mut chapter = "";
    for it in listed {
        if chapter != it.chapter {
            page += &format!("{}\n", it.chapter.bold());
            chapter = it.chapter;
        }
        let mark = if it.passed.is_some() { "✓".green() } else { "·".normal() };
        page += &format!("  {mark} {:<16} {:<width$}  {:>3} min\n", it.name, it.title, it.minutes);
    }
    page + "\n" + words("exercises.first") + "\n"
}

/// Makes a folder for the exercise, with the task and a program to start from. What to do next.
pub fn start(args: &cli::Start) -> Result<String, String> {
    let exercise = named(&args.name)?;
    let folder = args.dir.join(exercise.name);
    let program = folder.join(program_of(args.lang));
    if program.exists() {
        return Err(filled(
            "exercises.exists",
            &[("file", &program.display().to_string()), ("name", exercise.name)],
        ));
    }
    write(&folder.join("task.md"), exercise.task())?;
    write_starter(exercise, args.lang, &folder)?;
    remember(&args.dir, |_| {})?;
    let command = command_of(exercise, args.lang);
    let folder = folder.display().to_string();
    Ok(filled(
        "exercises.started",
        &[("folder", &folder), ("name", exercise.name), ("command", &command)],
    ))
}

/// The starter, and for Rust the package that it needs.
fn write_starter(exercise: &Exercise, lang: cli::Language, folder: &Path) -> Result<(), String> {
    let starter =
        exercise.starter(language(lang)).ok_or_else(|| format!("{}: no starter", exercise.name))?;
    if lang == cli::Language::Rust {
        let crates = exercise.about.crates.join("\n");
        let package = format!(
            "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{crates}\n",
            exercise.name
        );
        write(&folder.join("Cargo.toml"), &package)?;
    }
    write(&folder.join(program_of(lang)), &starter)
}

/// Puts the starter where the learner's program is, which is kept beside it.
pub fn reset(args: &cli::Reset) -> Result<String, String> {
    let exercise = named(&args.name)?;
    let folder = args.dir.join(exercise.name);
    let langs = [cli::Language::Rust, cli::Language::Python];
    let begun: Vec<_> =
        langs.into_iter().filter(|lang| folder.join(program_of(*lang)).exists()).collect();
    if begun.is_empty() {
        return Err(filled(
            "exercises.not-begun",
            &[("name", exercise.name), ("dir", &args.dir.display().to_string())],
        ));
    }
    let mut told = String::new();
    for lang in begun {
        let program = folder.join(program_of(lang));
        let kept = free_name(&program);
        fs::rename(&program, &kept).map_err(in_vain("rename", &program))?;
        write_starter(exercise, lang, &folder)?;
        let (program, kept) = (program.display().to_string(), kept.display().to_string());
        told += &filled("exercises.reset", &[("file", &program), ("kept", &kept)]);
    }
    Ok(told)
}

/// A name that no file has yet: `main.py.1`.
fn free_name(file: &Path) -> PathBuf {
    let numbered = (1..).map(|number| PathBuf::from(format!("{}.{number}", file.display())));
    numbered.into_iter().find(|name| !name.exists()).expect("numbers do not end")
}

/// One of the hints.
pub fn hint(args: &cli::Hint) -> Result<String, String> {
    let exercise = named(&args.name)?;
    let hints = exercise.hints();
    let hint = hints
        .get(usize::from(args.number) - 1)
        .ok_or_else(|| format!("{}: no such hint", exercise.name))?;
    let next = match args.number {
        3 => filled("exercises.last-hint", &[("name", exercise.name)]),
        number => filled(
            "exercises.next-hint",
            &[("name", exercise.name), ("number", &(number + 1).to_string())],
        ),
    };
    Ok(format!("{hint}\n\n{}\n", next.trim_end()))
}

/// A program that passes.
pub fn solution(args: &cli::Solution) -> Result<String, String> {
    let exercise = named(&args.name)?;
    exercise.solution(language(args.lang)).ok_or_else(|| format!("{}: no solution", exercise.name))
}

/// Writes down that the exercise was passed, where the learner keeps such a file: in this folder or one above it.
#[cfg(target_os = "linux")]
pub fn passed(name: &str, score: u32) -> Result<(), String> {
    let here = std::env::current_dir().unwrap_or_default();
    let Some(folder) = here.ancestors().find(|folder| folder.join(PROGRESS).is_file()) else {
        return Ok(());
    };
    let today = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    let day = today.split('T').next().unwrap_or_default().to_owned();
    remember(folder, |progress| {
        progress.passed.entry(name.to_owned()).or_insert_with(|| format!("{day}, {score} points"));
    })
}

fn read_progress(folder: &Path) -> Progress {
    let text = fs::read_to_string(folder.join(PROGRESS)).unwrap_or_default();
    toml::from_str(&text).unwrap_or_default()
}

/// Changes the file, which is replaced as a whole: whoever reads it sees the old one or the new one.
fn remember(folder: &Path, change: impl FnOnce(&mut Progress)) -> Result<(), String> {
    let mut progress = read_progress(folder);
    change(&mut progress);
    let lines = progress.passed.iter().map(|(name, when)| format!("{name} = \"{when}\"\n"));
    let text = format!(
        "# The exercises of socklab that were passed.\n[passed]\n{}",
        lines.collect::<String>()
    );
    let file = folder.join(PROGRESS);
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(in_vain("create", &file))?;
    io::Write::write_all(&mut new, text.as_bytes()).map_err(in_vain("write", &file))?;
    new.persist(&file).map(drop).map_err(|error| in_vain("rename", &file)(error.error))
}

/// The exercise of that name, or a sentence with what is like it.
pub fn named(name: &str) -> Result<&'static Exercise, String> {
    exercise(name).ok_or_else(|| {
        let known = crate::explain::alike(name, exercises().iter().map(|it| it.name));
        match known.is_empty() {
            true => filled("exercises.none", &[("name", name)]),
            false => filled("exercises.like", &[("name", name), ("like", &known.join(", "))]),
        }
    })
}

/// The program's file, in the exercise's folder.
fn program_of(lang: cli::Language) -> &'static str {
    match lang {
        cli::Language::Rust => "src/main.rs",
        cli::Language::Python => "main.py",
    }
}

/// The command that checks it.
fn command_of(exercise: &Exercise, lang: cli::Language) -> String {
    match lang {
        cli::Language::Rust => {
            format!("cargo build && socklab check {0} -- target/debug/{0}", exercise.name)
        }
        cli::Language::Python => format!("socklab check {} -- python3 main.py", exercise.name),
    }
}

fn language(lang: cli::Language) -> Language {
    match lang {
        cli::Language::Rust => Language::Rust,
        cli::Language::Python => Language::Python,
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(in_vain("mkdir", folder))?;
    fs::write(file, text).map_err(in_vain("write", file))
}

/// For `map_err`: what could not be done, and with which file.
fn in_vain(what: &'static str, file: &Path) -> impl FnOnce(io::Error) -> String {
    let file = file.display().to_string();
    move |error| format!("{what} {file}: {error}")
}

fn words(id: &str) -> &'static str {
    reference::note(id).map_or("", |note| note.text.as_str())
}

fn filled(id: &str, blanks: &[(&str, &str)]) -> String {
    let value = |name: &str| {
        blanks.iter().find(|(blank, _)| *blank == name).map(|(_, value)| (*value).to_owned())
    };
    reference::fill(words(id), value) + "\n"
}
