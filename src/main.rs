//! The command: parse, choose the renderer, run, exit code.

mod book;
#[cfg(target_os = "linux")]
mod checking;
mod contents;
mod exercises;
mod explain;
#[cfg(target_os = "linux")]
mod grading;
mod terminal;
#[cfg(target_os = "linux")]
mod watching;

use std::io::{self, IsTerminal, Write};
use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{CommandFactory, Parser};
use socklab::cli::{Book, Chapter, Cli, Color, Command, Explain, Format, Show};
use socklab::demos;
use socklab::error::Error;
use socklab::narrate::{Narration, Observer, perform};
use socklab::render::output::Output;
use socklab::render::questions::Questions;
use socklab::render::quiet::Quiet;
use socklab::render::turnstile::Turnstile;
use socklab::render::{self, failure, json::Json, text::Text};
use socklab::stage::{Stage, Stop, Stretch};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use terminal::{Enter, Keyboard};

/// As clap has it.
const WRONG_USAGE: u8 = 2;

/// As the shell has it for a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// As the shell has it for a program that SIGPIPE ended.
const OUTPUT_CLOSED: u8 = 141;

fn main() -> ExitCode {
    let cli = Cli::parse();
    set_colors(cli.show.color);
    if let Err(wrong) = start_log(&cli.show.log) {
        Cli::command().error(clap::error::ErrorKind::InvalidValue, wrong).exit();
    }
    match cli.command {
        None => contents::print(),
        Some(Command::Exercise(args)) => told(exercises::list(&args, cli.show.format)),
        Some(Command::Start(args)) => told(exercises::start(&args)),
        Some(Command::Hint(args)) => told(exercises::hint(&args)),
        Some(Command::Solution(args)) => told(exercises::solution(&args)),
        Some(Command::Reset(args)) => told(exercises::reset(&args)),
        #[cfg(target_os = "linux")]
        Some(Command::Check(args)) => checking::run(&args),
        #[cfg(not(target_os = "linux"))]
        Some(Command::Check(_) | Command::Grade(_)) => complain("the checker needs Linux", 3),
        #[cfg(target_os = "linux")]
        Some(Command::Grade(args)) => grading::run(&args, &checking::stop_on_signals()),
        Some(Command::Explain(args)) => {
            told(explain::page(&args.names, cli.show.format, terminal::width()))
        }
        Some(Command::Book(args)) => show_book(&args),
        Some(Command::Completions(args)) => contents::show(&completions(args.shell)),
        Some(Command::Play(chapter)) => play(&chapter, &cli.show),
    }
}

/// Shows a page, or says why there is none.
fn told(page: Result<String, String>) -> ExitCode {
    match page {
        Ok(page) => contents::show(page.as_bytes()),
        Err(why) => complain(why.trim_end(), 1),
    }
}

/// Says where the book is, and opens it.
fn show_book(args: &Book) -> ExitCode {
    let page = match book::find(&args.page) {
        Ok(page) => page,
        Err(why) => return complain(&why, 1),
    };
    let shown = contents::show(format!("{}\n", page.display()).as_bytes());
    if !args.no_open {
        book::open(&page);
    }
    shown
}

/// The script that completes a command line, with the names that `explain` knows.
fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let known = explain::names().map(PossibleValue::new);
    let mut command = Cli::command().mut_subcommand("explain", |explain| {
        explain.mut_arg("names", |names| names.value_parser(known.collect::<Vec<_>>()))
    });
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "socklab", &mut script);
    script
}

/// Runs a demo on a narration of its own.
fn play(chapter: &Chapter, show: &Show) -> ExitCode {
    let output = Output::new(Box::new(io::stdout()));
    let hold = Hold::new(renderer(&output, show), chapter, show);
    let keyboard = match Keyboard::new(output.clone(), hold.enter(chapter)) {
        Ok(keyboard) => keyboard,
        Err(error) => {
            let why = format!("Enter is read from a terminal, and there is none: {error}");
            return complain(&why, WRONG_USAGE);
        }
    };
    let screen = keyboard.screen();
    let restore = {
        let output = output.clone();
        move || screen.lock().unwrap_or_else(PoisonError::into_inner).restore(&output)
    };
    let stop = stop_on_signals(&hold, restore.clone());
    stop_when_closed(&output, &hold, &stop);

    let narration = if show.quiet {
        Narration::without_calls(Arc::new(Quiet::new(
            hold.turnstile.clone(),
            show.format == Format::Text,
        )))
    } else {
        Narration::new(hold.turnstile.clone())
    };
    let stage = Stage { stop, input: Box::new(keyboard), stretch: hold.stretch(chapter, show) };
    let outcome =
        perform(Some(narration.clone()), demos::actor(chapter), || demos::run(chapter, stage));
    restore();

    let status = outcome.as_ref().err().map_or(0, Error::exit_code);
    perform(Some(narration.clone()), demos::actor(chapter), || narration.done(status.into()));
    if let Some(error) = output.failure() {
        return not_written(&error);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&failure::describe(&error), status),
    }
}

fn renderer(output: &Arc<Output>, show: &Show) -> Arc<dyn Observer> {
    let explain = match show.explain {
        Explain::None => render::Explain::None,
        Explain::Short => render::Explain::Short,
        Explain::Full => render::Explain::Full,
    };
    match show.format {
        Format::Text => {
            let options =
                render::text::Options { width: terminal::width(), explain, stepped: show.step };
            Arc::new(Text::new(output.clone(), options))
        }
        Format::Json => Arc::new(Json::new(output.clone(), show.step)),
    }
}

/// What holds calls back, so that a reader can follow.
#[derive(Clone)]
struct Hold {
    turnstile: Arc<Turnstile>,
    questions: Option<Arc<Questions>>,
    stepped: bool,
}

impl Hold {
    fn new(renderer: Arc<dyn Observer>, chapter: &Chapter, show: &Show) -> Self {
        let asks = matches!(chapter, Chapter::Tour(tour) if tour.ask);
        let questions = asks.then(|| Questions::new(renderer.clone()));
        let inner = questions.clone().map_or(renderer, |questions| questions as Arc<dyn Observer>);
        let turnstile = Turnstile::new(inner, pace(chapter, show), show.step);
        Self { turnstile, questions, stepped: show.step }
    }

    /// What Enter does, if it does anything.
    fn enter(&self, chapter: &Chapter) -> Option<Enter> {
        if !self.stepped && self.questions.is_none() {
            return None;
        }
        let (pressed, ended) = (self.clone(), self.clone());
        Some(Enter {
            press: Box::new(move || pressed.press()),
            end: Box::new(move || ended.release()),
            words_too: matches!(chapter, Chapter::TcpClient(_)),
        })
    }

    fn press(&self) {
        let answered = self.questions.as_ref().is_some_and(|questions| questions.press());
        if !answered {
            self.turnstile.press();
        }
    }

    fn release(&self) {
        self.questions.iter().for_each(|questions| questions.release());
        self.turnstile.release();
    }

    /// How waits grow: in proportion to the pace, and beyond all measure when somebody must press Enter.
    fn stretch(&self, chapter: &Chapter, show: &Show) -> Stretch {
        if self.stepped || self.questions.is_some() {
            return Stretch::Stepped;
        }
        let factor = 1 + pace(chapter, show).as_millis() / 100;
        Stretch::Times(u32::try_from(factor).unwrap_or(u32::MAX))
    }
}

/// The tour is to be read along; the chapters go at the kernel's own pace.
fn pace(chapter: &Chapter, show: &Show) -> Duration {
    let usual = match chapter {
        Chapter::Tour(_) if show.format == Format::Text => Duration::from_millis(180),
        _ => Duration::ZERO,
    };
    show.pace.unwrap_or(usual)
}

/// The first Ctrl-C or SIGTERM asks for an orderly end, the second is one.
fn stop_on_signals(hold: &Hold, restore: impl Fn() + Send + 'static) -> Stop {
    let stop = Stop::default();
    let (stopping, hold, asked) = (stop.clone(), hold.clone(), AtomicBool::new(false));
    let handled = ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            restore();
            exit(INTERRUPTED);
        }
        hold.release();
        stopping.request();
    });
    if let Err(error) = handled {
        tracing::warn!("Ctrl-C will not end it in order: {error}");
    }
    stop
}

/// When nobody reads any more (`| head`), there is nothing left to do.
fn stop_when_closed(output: &Output, hold: &Hold, stop: &Stop) {
    let (stop, hold) = (stop.clone(), hold.clone());
    output.on_closed(move || {
        // On a thread of its own: who hears of it may make calls, and the renderer is still busy with the last one.
        let stopping = move || {
            hold.release();
            stop.request();
        };
        if let Err(error) = thread::Builder::new().name("closed".into()).spawn(stopping) {
            tracing::error!("standard output is closed, and no thread to say so: {error}");
        }
    });
}

fn set_colors(color: Color) {
    let wanted = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        }
    };
    colored::control::set_override(wanted);
}

/// Diagnostics go to standard error.
fn start_log(filter: &str) -> Result<(), String> {
    let targets: Targets = filter.parse().map_err(|error| format!("--log {filter}: {error}"))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
    Ok(())
}

/// What could not be written to standard output ended it.
fn not_written(error: &io::Error) -> ExitCode {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return complain("standard output was closed, so it ended here", OUTPUT_CLOSED);
    }
    complain(&format!("standard output: {error}"), 1)
}

fn complain(sentence: &str, status: u8) -> ExitCode {
    // Where standard error is closed too, only the exit status is left to tell.
    let _ = writeln!(io::stderr(), "socklab: {sentence}");
    ExitCode::from(status)
}
