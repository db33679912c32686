//! What can be typed: every subcommand, every option, and their help. No logic but what a value may be.

mod chapters;
mod exercises;

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use chapters::*;
pub use exercises::*;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "socklab",
    version,
    about = "A socket-programming workbook that runs",
    long_about = "A socket-programming workbook that runs. Each chapter is a small program on real sockets that says \
                  what it does, call by call. What it prints is what the kernel did.",
    subcommand_value_name = "COMMAND",
    subcommand_help_heading = "Chapters and tools",
    disable_help_subcommand = true,
    after_help = EXIT_STATUS
)]
pub struct Cli {
    /// How to show what happens.
    #[command(flatten)]
    pub show: Show,
    /// What to run; without it, the table of contents.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every chapter takes; those for the output, all commands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How a chapter is shown")]
pub struct Show {
    /// How much to explain under each call
    #[arg(long, global = true, value_enum, default_value_t = Explain::Short)]
    pub explain: Explain,
    /// Wait for Enter before each call, for a projector
    #[arg(long, global = true)]
    pub step: bool,
    /// Leave at least this long between two calls, such as 500ms; waits and time-outs grow with it
    #[arg(long, global = true, value_name = "TIME", value_parser = time)]
    pub pace: Option<Duration>,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Text to read, or one JSON object a line
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Do not narrate: show only what a plain program would print
    #[arg(long, global = true, conflicts_with_all = ["step", "pace"])]
    pub quiet: bool,
    /// Diagnostics on standard error: off, error, warn, info, debug, trace, or as in `socklab::demos=debug`
    #[arg(long, global = true, value_name = "FILTER", env = "RUST_LOG", default_value = "warn")]
    pub log: String,
}

/// How much stands under a call.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Explain {
    /// Nothing
    None,
    /// One line: why
    Short,
    /// The whole entry of the reference
    Full,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The shape of the narration.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs: one event a line
    Json,
}

/// The subcommands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// A chapter to play.
    #[command(flatten)]
    Play(Chapter),
    /// The exercises: which there are, and which are done
    #[command(visible_alias = "exercises")]
    Exercise(List),
    /// Begin an exercise: its task, and a program to start from
    Start(Start),
    /// A hint for an exercise; there are three, each says more
    Hint(Hint),
    /// A program that passes
    Solution(Solution),
    /// Begin an exercise anew; your program is kept beside it
    Reset(Reset),
    /// Check a program, in any language, and name its mistake
    Check(Check),
    /// Check a folder of programs: a table of who passed what
    Grade(Grade),
    /// What a call, option, error, TCP state or mistake is about
    Explain(Lookup),
    /// The book: where it is; opens it
    Book(Book),
    /// Completions for your shell
    Completions(Completions),
}

/// `explain`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab explain                      all the names there are
  socklab explain recv
  socklab explain EADDRINUSE
  socklab explain TIME_WAIT SO_REUSEADDR
  socklab explain short-send           one of the twenty-four mistakes
  socklab explain connect --format json | jq .long")]
pub struct Lookup {
    /// What to explain: recv, SO_LINGER, ECONNRESET, TIME_WAIT, eof-ignored
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
}

/// `book`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab book                         the first page
  socklab book graceful-close          a chapter's page
  socklab book short-send              a mistake's page
  firefox \"$(socklab book framing)\"    only says where it is: standard output is no terminal

The book is built from the source, by `cargo book`.")]
pub struct Book {
    /// Which page: a chapter, a mistake, or another page by its name
    #[arg(default_value = "index")]
    pub page: String,
    /// Say where it is, and do not open it
    #[arg(long)]
    pub no_open: bool,
}

/// `completions`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab completions bash > ~/.local/share/bash-completion/completions/socklab
  socklab completions fish > ~/.config/fish/completions/socklab.fish")]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// A day is more than anybody waits, and less than what clocks overflow at.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time <= LONGEST { Ok(time) } else { Err("more than a day".to_owned()) }
}

/// To the kernel, a limit of 0 is none.
fn time_limit(text: &str) -> Result<Duration, String> {
    let limit = time(text)?;
    if limit.as_micros() > 0 { Ok(limit) } else { Err("no time at all".to_owned()) }
}

const EXIT_STATUS: &str = "\
Exit status: 0 it did what it set out to do; 1 it could not; 2 wrong usage; 130 ended by Ctrl-C before it was done;
141 standard output was closed. `socklab COMMAND --help` shows examples.";
