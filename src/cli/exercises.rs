//! The exercises: what can be typed to begin, to be helped, and to be checked.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::time_limit;

/// Languages with starters and solutions.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Language {
    /// Rust
    Rust,
    /// Python 3
    Python,
}

/// `exercise`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab exercise                     all of them, in the order of the chapters
  socklab exercise tcp-echo            the task of this one
  socklab exercise --format json")]
pub struct List {
    /// Show the task of this exercise
    pub name: Option<String>,
    /// The folder with your programs and your progress
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

/// `start`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab start tcp-echo --lang python
  socklab start tcp-echo --lang rust --dir ~/sockets

Any other language will do as well: the task says what the program must do, and `socklab check` runs any command.")]
pub struct Start {
    /// Which exercise
    pub name: String,
    /// The language of the program to start from
    #[arg(long, value_enum)]
    pub lang: Language,
    /// Where its folder is made
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

/// `hint`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab hint tcp-echo                the gentlest
  socklab hint tcp-echo 3              nearly all")]
pub struct Hint {
    /// For which exercise
    pub name: String,
    /// Which: each says more
    #[arg(default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub number: u8,
}

/// `solution`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab solution tcp-echo --lang python
  socklab solution tcp-echo --lang rust | diff - tcp-echo/src/main.rs")]
pub struct Solution {
    /// Of which exercise
    pub name: String,
    /// In which language
    #[arg(long, value_enum)]
    pub lang: Language,
}

/// `reset`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab reset tcp-echo               what you wrote is kept beside the starter")]
pub struct Reset {
    /// Which exercise
    pub name: String,
    /// The folder in which it was started
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

/// `check`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab check tcp-echo -- python3 server.py
  socklab check tcp-echo -- ./server --bind {host} --port {port}
  socklab check tcp-echo --only large -- python3 server.py
  socklab check tcp-echo --watch -- cargo run --quiet
  socklab check tcp-echo --report junit=out.xml --report json=out.json -- ./server

The program finds where to listen, or whom to connect to, in SOCKLAB_HOST and SOCKLAB_PORT, or in its arguments, where
{host} and {port} are replaced. Exit status: 0 all passed, 1 some failed, 2 wrong usage, 3 the checker could not do its
work.")]
pub struct Check {
    /// Which exercise
    pub name: String,
    /// Run this check only, and those that it builds on
    #[arg(long, value_name = "CHECK")]
    pub only: Option<String>,
    /// Check again when a file in this folder changes, or at Enter
    #[arg(long, conflicts_with_all = ["report", "json"])]
    pub watch: bool,
    /// Write a report (may be repeated): json, junit, gradescope, exercism or github; `-` is standard output
    #[arg(long, value_name = "FORMAT=FILE")]
    pub report: Vec<ReportTo>,
    /// The report as JSON on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// What the program is held to
    #[command(flatten)]
    pub bounds: Bounds,
    /// Enter a private network and end: says by its exit status whether the system allows one
    #[arg(long, hide = true)]
    pub try_network: bool,
    /// The command that runs your program
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// What a program is held to: for `check`, and for each submission of `grade`.
#[derive(Clone, Debug, Args)]
pub struct Bounds {
    /// How long a server may take to listen
    #[arg(long, default_value = "5s", value_name = "TIME", value_parser = time_limit)]
    pub startup_timeout: Duration,
    /// What the program may use: cpu (seconds), memory, file (bytes, also as 64M, 4G), processes
    #[arg(
        long,
        value_name = "NAME=N,...",
        value_delimiter = ',',
        default_value = "cpu=60,memory=4G,file=64M,processes=4096"
    )]
    pub limits: Vec<Limit>,
}

/// `grade`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab grade submissions/ --exercise tcp-echo --csv grades.csv -- python3 server.py
  socklab grade submissions/ --exercise tcp-echo --limits cpu=10,memory=512M -j 8 -- ./run.sh

Each folder in DIR is a submission. The command runs in it; {dir} in it is replaced by the folder's path.")]
pub struct Grade {
    /// A folder with a folder for each submission
    pub dir: PathBuf,
    /// Which exercise
    #[arg(long)]
    pub exercise: String,
    /// Write a table: a row for each submission, a column for each check; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub csv: PathBuf,
    /// Keep each submission's report, as JSON, in this folder
    #[arg(long, value_name = "FOLDER")]
    pub reports: Option<PathBuf>,
    /// How many at a time [default: one for each two processors]
    #[arg(long, short, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// What each submission is held to
    #[command(flatten)]
    pub bounds: Bounds,
    /// The command that runs a submission, in its folder
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Shapes of reports for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// socklab's own
    Json,
    /// JUnit XML
    Junit,
    /// Gradescope's results.json
    Gradescope,
    /// Exercism's results.json, version 3
    Exercism,
    /// GitHub's step summary, in Markdown
    Github,
}

/// `FORMAT=FILE`.
#[derive(Clone, Debug)]
pub struct ReportTo {
    /// Which shape.
    pub format: ReportFormat,
    /// Where to; `-` is standard output.
    pub file: PathBuf,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) =
            text.split_once('=').ok_or("FORMAT=FILE is needed, as in junit=out.xml")?;
        let format = ReportFormat::from_str(format, true).map_err(|_| {
            format!("{format} is none of json, junit, gradescope, exercism, github")
        })?;
        if file.is_empty() {
            Err("a file is needed after =".to_owned())
        } else {
            Ok(Self { format, file: file.into() })
        }
    }
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Seconds of processor time.
    Cpu(u64),
    /// Bytes of memory in use.
    Memory(u64),
    /// Bytes in a file that it writes.
    File(u64),
    /// Processes and threads.
    Processes(u64),
}

/// As it is typed, its amount in full.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cpu(amount) => write!(f, "cpu={amount}"),
            Self::Memory(amount) => write!(f, "memory={amount}"),
            Self::File(amount) => write!(f, "file={amount}"),
            Self::Processes(amount) => write!(f, "processes={amount}"),
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, amount) = text.split_once('=').ok_or("NAME=N is needed, as in cpu=10")?;
        let amount =
            amount_of(amount).ok_or_else(|| format!("{amount} is no number: 60, 64M, 4G"))?;
        match name {
            "cpu" => Ok(Self::Cpu(amount)),
            "memory" => Ok(Self::Memory(amount)),
            "file" => Ok(Self::File(amount)),
            "processes" => Ok(Self::Processes(amount)),
            _ => Err(format!("{name} is none of cpu, memory, file, processes")),
        }
    }
}

/// `64M` is 64 times 1,048,576.
fn amount_of(text: &str) -> Option<u64> {
    let factors = [("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)];
    let scaled =
        factors.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (number, factor) = scaled.unwrap_or((text, 1));
    number.parse::<u64>().ok()?.checked_mul(factor)
}
