//! `cargo book`: builds the book, serves it, or does its part when the stock mdBook builds it.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use socklab_book::{build, preprocess, serve};
use tracing_subscriber::filter::LevelFilter;

/// Builds the book, and says where it is.
#[derive(Parser)]
#[command(name = "cargo book", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    build: Build,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Args)]
struct Build {
    /// Open the book in a browser.
    #[arg(long)]
    open: bool,
    /// Where to build it, instead of target/book.
    #[arg(long, value_name = "DIR")]
    dest: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Build the book (the default).
    Build(Build),
    /// Show the book in a browser, and build it again whenever a source changes.
    Serve {
        /// The port; 0 takes a free one.
        #[arg(long, default_value_t = 3000)]
        port: u16,
        /// Open the book in a browser.
        #[arg(long)]
        open: bool,
        /// Where to build it, instead of target/book.
        #[arg(long, value_name = "DIR")]
        dest: Option<PathBuf>,
    },
    /// mdBook's preprocessor protocol: the book as JSON on standard input, and back on standard output.
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

#[derive(Subcommand)]
enum Question {
    /// Exit with 0 if the renderer can show what this preprocessor makes.
    Supports {
        /// The renderer's name.
        renderer: String,
    },
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(io::stderr)
        .without_time()
        .with_target(false)
        .init();
    let cli = Cli::parse();
    match run(cli.command.unwrap_or(Command::Build(cli.build))) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let root = build::root();
    match command {
        Command::Build(Build { open, dest }) => {
            let index = build::build(&root, dest.as_deref())?;
            println!("{}", index.display());
            if open {
                open::that_detached(&index).context("no browser could be started")?;
            }
        }
        Command::Serve { port, open, dest } => serve::serve(&root, dest.as_deref(), port, open)?,
        Command::Preprocess { question: None } => preprocess::pipe(io::stdin(), io::stdout())?,
        Command::Preprocess { question: Some(Question::Supports { renderer }) } => {
            let supported = preprocess::supports(&renderer);
            return Ok(if supported { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}
