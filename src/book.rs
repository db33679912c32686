//! The book: where its pages are, and how they get opened.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use socklab::reference;

/// Where the project keeps the book's source, and where it is built, from the project's folder.
const SOURCE: &str = "book/book.toml";
const BUILT: &str = "target/book";

/// The file that shows `page`, or a sentence that says why there is none.
pub fn find(page: &str) -> Result<PathBuf, String> {
    let here = std::env::current_dir().ok();
    let program = std::env::current_exe().ok();
    let project = here.iter().chain(&program).find_map(|start| project_of(start));
    let project = project.ok_or_else(|| words("book.no-source", "", ""))?;
    let built = project.join(BUILT);
    if !built.join("index.html").is_file() {
        return Err(words("book.not-built", "folder", &project.display().to_string()));
    }
    page_of(&built, page).ok_or_else(|| words("book.no-page", "page", page))
}

/// Opens it in a browser, for a person at a terminal.
pub fn open(file: &Path) {
    if std::io::stdout().is_terminal()
        && let Err(error) = open::that_detached(file)
    {
        tracing::warn!("no browser opens it: {error}");
    }
}

/// The project's folder, if `start` lies in it.
fn project_of(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(SOURCE).is_file()).map(Path::to_owned)
}

/// The page of that name: `framing` is `04-framing.html`, `short-send` is `mistakes/short-send.html`.
fn page_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let own = entries.iter().find(|path| is_page(path, name)).cloned();
    let folders = || entries.iter().filter(|path| path.is_dir());
    own.or_else(|| folders().find_map(|folder| page_of(folder, name)))
}

fn is_page(path: &Path, name: &str) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let numbered = stem.split_once('-').filter(|(number, _)| number.parse::<u8>().is_ok());
    let plain = numbered.map_or(&*stem, |(_, plain)| plain);
    path.extension().is_some_and(|it| it == "html") && [&stem, plain].contains(&name)
}

fn words(id: &str, blank: &str, value: &str) -> String {
    let text = reference::note(id).map_or(id, |note| note.text.as_str());
    reference::fill(text, |name| (name == blank).then(|| value.to_owned()))
}
