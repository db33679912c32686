//! The table of contents, which bare `socklab` prints.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use colored::Colorize;
use socklab::cli::Cli;
use socklab::reference;

/// Prints the chapters and what to try first.
pub fn print() -> ExitCode {
    let words = |id| reference::note(id).map_or(id, |note| note.text.as_str());
    let command = Cli::command();
    let mut page = format!("{}\n{}\n\n", words("contents.title").bold(), words("contents.promise"));
    for chapter in command.get_subcommands() {
        let about = chapter.get_about().map(ToString::to_string).unwrap_or_default();
        let (number, about) = about.split_once("  ").unwrap_or(("", &about));
        page += &format!("  {number:>2}  {:<14} {about}\n", chapter.get_name().bold());
    }
    page += &format!("\n{}\n", words("contents.first"));
    show(page.as_bytes())
}

/// Writes what is not narrated, a page or a script.
pub fn show(page: &[u8]) -> ExitCode {
    match io::stdout().write_all(page) {
        // Where nobody reads it any more, nothing is lost.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => crate::not_written(&error),
        _ => ExitCode::SUCCESS,
    }
}
