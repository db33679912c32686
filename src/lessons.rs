//! The exercises: their tasks, hints, starters and solutions, carried inside the program.
//!
//! `lessons/NN-chapter/EXERCISE/` holds `exercise.toml`, `task.md`, `hints.md` (three headings, three hints),
//! `starter.py`, `starter.rs`, `solution.py`, `solution.rs`, and `broken/` for the tests.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/lessons");

/// Languages that have starters and solutions. Programs may be written in any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Rust, with the standard library (and socket2, where the exercise says so).
    Rust,
    /// Python 3.
    Python,
}

/// One exercise.
#[derive(Debug)]
pub struct Exercise {
    /// Its name: `tcp-echo`.
    pub name: &'static str,
    /// The chapter that it belongs to: `tcp-server`.
    pub chapter: &'static str,
    /// What is written about it.
    pub about: About,
    folder: &'static Dir<'static>,
}

/// `exercise.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// What it is about, in a few words.
    pub title: String,
    /// How long it takes somebody who has read the chapter.
    pub minutes: u32,
    /// Crates that the Rust starter needs, as Cargo.toml names them: `socket2 = "0.6"`.
    #[serde(default)]
    pub crates: Vec<String>,
}

static EXERCISES: LazyLock<Vec<Exercise>> = LazyLock::new(|| {
    let mut chapters: Vec<_> = FILES.dirs().collect();
    chapters.sort_by_key(|chapter| chapter.path());
    chapters.into_iter().flat_map(of_chapter).collect()
});

/// The shortest first.
fn of_chapter(chapter: &'static Dir<'static>) -> Vec<Exercise> {
    let mut exercises: Vec<_> = chapter.dirs().filter_map(of_folder).collect();
    exercises.sort_by_key(|exercise| exercise.about.minutes);
    exercises
}

fn of_folder(folder: &'static Dir<'static>) -> Option<Exercise> {
    let name = folder.path().file_name()?.to_str()?;
    let chapter = folder.path().parent()?.to_str()?.split_once('-')?.1;
    let about = toml::from_str(text(folder, "exercise.toml")?).ok()?;
    Some(Exercise { name, chapter, about, folder })
}

fn text(folder: &'static Dir<'static>, name: &str) -> Option<&'static str> {
    folder.get_file(folder.path().join(name))?.contents_utf8()
}

/// All exercises, in the order of their chapters, and in each the shortest first.
pub fn exercises() -> &'static [Exercise] {
    &EXERCISES
}

/// The exercise of that name.
pub fn exercise(name: &str) -> Option<&'static Exercise> {
    EXERCISES.iter().find(|exercise| exercise.name == name)
}

impl Language {
    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Rust => "rs",
            Self::Python => "py",
        }
    }
}

impl Exercise {
    /// The task, in Markdown.
    pub fn task(&self) -> &'static str {
        text(self.folder, "task.md").unwrap_or_default()
    }

    /// The hints, the gentlest first, in Markdown.
    pub fn hints(&self) -> Vec<&'static str> {
        let all = text(self.folder, "hints.md").unwrap_or_default();
        all.split("\n## ")
            .skip(1)
            .filter_map(|hint| hint.split_once('\n'))
            .map(|it| it.1.trim())
            .collect()
    }

    /// A program to start from: it runs, and fails.
    pub fn starter(&self, language: Language) -> Option<String> {
        self.program("starter", language)
    }

    /// A program that passes.
    pub fn solution(&self, language: Language) -> Option<String> {
        self.program("solution", language)
    }

    /// Without the marks by which the book includes parts of it.
    fn program(&self, name: &str, language: Language) -> Option<String> {
        let text = text(self.folder, &format!("{name}.{}", language.extension()))?;
        let kept = text
            .lines()
            .filter(|line| !line.contains("ANCHOR: ") && !line.contains("ANCHOR_END: "));
        Some(kept.map(|line| format!("{line}\n")).collect())
    }
}
