//! The terminal: what is typed on it, and how wide it is.
//!
//! While somebody types a chat line, the line editor owns the screen: the narration is handed to it, and it prints above
//! the line. With `--step`, Enter on an empty line lets the next call happen; a line with words is chat.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustyline::{Config, DefaultEditor, ExternalPrinter};
use socklab::render::output::{Output, Sink};
use socklab::stage::Input;

/// Narrower than this is not written for.
const NARROWEST: usize = 40;

/// The width that is assumed where there is no terminal.
const USUAL_WIDTH: usize = 80;

/// The user's words are typed after this.
const PROMPT: &str = "> ";

/// How many columns there are.
pub fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    told.or_else(measured).unwrap_or(USUAL_WIDTH).max(NARROWEST)
}

/// Takes lines as they are typed, and `None` at the end of the input.
type Deliver = Box<dyn FnMut(Option<String>) + Send>;

/// What is typed or piped in.
pub struct Keyboard {
    output: Arc<Output>,
    mode: Mode,
    /// Who gets the lines, once somebody asked for them.
    taker: Arc<Mutex<Option<Deliver>>>,
    screen: Arc<Mutex<Screen>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Standard input is a pipe or a file, or a terminal that can do no more than that.
    Piped,
    /// It is a terminal: lines are typed in the line editor.
    Edited,
    /// It is a terminal, and Enter makes the next call happen: lines are typed as they are.
    Stepped,
}

/// What Enter does besides ending a line, for `--step` and `--ask`.
pub struct Enter {
    /// Enter was pressed on an empty line.
    pub press: Box<dyn Fn() + Send>,
    /// There will be no more.
    pub end: Box<dyn Fn() + Send>,
    /// Words are typed as well, and should be seen.
    pub words_too: bool,
}

impl Keyboard {
    /// The keyboard of a program that writes to `output`.
    ///
    /// # Errors
    /// Enter is wanted, and there is no terminal.
    pub fn new(output: Arc<Output>, enter: Option<Enter>) -> io::Result<Self> {
        let typed = io::stdin().is_terminal();
        let mode = match (typed && enter.is_some(), typed && can_edit()) {
            (true, _) => Mode::Stepped,
            (false, true) => Mode::Edited,
            (false, false) => Mode::Piped,
        };
        let keyboard = Self { output, mode, taker: Arc::default(), screen: Arc::default() };
        if let Some(enter) = enter {
            keyboard.listen_for(enter)?;
        }
        Ok(keyboard)
    }

    /// What must be put back in order before the program ends.
    pub fn screen(&self) -> Arc<Mutex<Screen>> {
        self.screen.clone()
    }

    /// Reads Enter from the terminal, whatever standard input is.
    fn listen_for(&self, enter: Enter) -> io::Result<()> {
        let source: Box<dyn Read + Send> = match self.mode {
            Mode::Stepped => Box::new(io::stdin()),
            _ => Box::new(File::open(if cfg!(windows) { "CONIN$" } else { "/dev/tty" })?),
        };
        if self.mode == Mode::Stepped && !enter.words_too {
            lock(&self.screen).hide_keys();
        }
        let taker = self.taker.clone();
        let listen = move || {
            for_each_line(source, |line| match (line, lock(&taker).as_mut()) {
                (Some(words), Some(deliver)) if !words.is_empty() => deliver(Some(words)),
                (Some(_), _) => (enter.press)(),
                (None, deliver) => {
                    (enter.end)();
                    deliver.map(|deliver| deliver(None)).unwrap_or_default();
                }
            });
        };
        thread::Builder::new().name("enter".into()).spawn(listen).map(drop)
    }
}

impl Input for Keyboard {
    fn start(&mut self, mut deliver: Deliver) {
        let (output, screen) = (self.output.clone(), self.screen.clone());
        let started = match self.mode {
            Mode::Stepped => return drop(lock(&self.taker).replace(deliver)),
            Mode::Piped => thread::Builder::new()
                .name("stdin".into())
                .spawn(move || for_each_line(io::stdin(), deliver)),
            Mode::Edited => thread::Builder::new().name("editor".into()).spawn(move || {
                if let Err(error) = edit(&output, &screen, &mut deliver) {
                    tracing::warn!("the line editor: {error}");
                }
                deliver(None);
            }),
        };
        if let Err(error) = started {
            tracing::error!("no thread to read standard input on: {error}");
        }
    }
}

/// Whether lines can be edited. On terminals of these names the line editor has no way to print above a line.
fn can_edit() -> bool {
    let name = std::env::var("TERM").unwrap_or_default();
    io::stdout().is_terminal() && !["dumb", "cons25", "emacs"].contains(&name.as_str())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands on each line of `source` without its end, then `None`. Bytes that are not UTF-8 become U+FFFD.
fn for_each_line(source: impl Read, mut deliver: impl FnMut(Option<String>)) {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while source.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let words = String::from_utf8_lossy(&line);
        deliver(Some(words.trim_end_matches(['\r', '\n']).to_owned()));
        line.clear();
    }
    deliver(None);
}

/// Lets lines be typed and edited until Ctrl-D or Ctrl-C, while what is printed appears above them.
fn edit(output: &Output, screen: &Mutex<Screen>, deliver: &mut Deliver) -> rustyline::Result<()> {
    let config = Config::builder().bracketed_paste(false).auto_add_history(true).build();
    let mut editor = DefaultEditor::with_config(config)?;
    let mut printer = editor.create_external_printer()?;
    let mut last_words = editor.create_external_printer()?;
    let flush = move || {
        // The editor takes over one print at a time: when it takes the second of these, what came before is on the screen.
        let _ = last_words.print(String::new());
        let _ = last_words.print(String::new());
    };
    lock(screen).begin(Some(Box::new(flush)));
    output.set_sink(Box::new(move |text| printer.print(text.to_owned()).map_err(io::Error::other)));
    while let Ok(line) = editor.readline(PROMPT) {
        deliver(Some(line));
    }
    lock(screen).end();
    output.set_sink(plain());
    Ok(())
}

/// Standard output as it is.
pub fn plain() -> Sink {
    use std::io::Write;
    Box::new(|text| {
        let mut stdout = io::stdout();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    })
}

/// The terminal's settings, while they are other than the user has them.
#[derive(Default)]
pub struct Screen {
    changed: Option<Changed>,
}

struct Changed {
    /// What the line editor still has to print. Without one, nothing is being typed.
    flush: Option<Box<dyn FnOnce() + Send>>,
    #[cfg(unix)]
    settings: Option<nix::sys::termios::Termios>,
}

impl Screen {
    /// Remembers the settings, before something changes them.
    fn begin(&mut self, flush: Option<Box<dyn FnOnce() + Send>>) {
        self.changed = Some(Changed {
            flush,
            #[cfg(unix)]
            settings: nix::sys::termios::tcgetattr(io::stdin()).ok(),
        });
    }

    /// The settings are as they were.
    fn end(&mut self) {
        self.changed = None;
    }

    /// Keys are no longer shown: each Enter would leave an empty line between the calls.
    #[cfg(unix)]
    fn hide_keys(&mut self) {
        use nix::sys::termios::{LocalFlags, SetArg, tcsetattr};
        self.begin(None);
        let settings = self.changed.as_ref().and_then(|changed| changed.settings.clone());
        if let Some(mut settings) = settings {
            settings.local_flags.remove(LocalFlags::ECHO);
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &settings);
        }
    }

    #[cfg(not(unix))]
    fn hide_keys(&mut self) {}

    /// Puts the settings back. A line that is still being typed is taken off the screen; what is printed goes to
    /// standard output again.
    pub fn restore(&mut self, output: &Output) {
        let Some(changed) = self.changed.take() else { return };
        let typing = changed.flush.is_some();
        changed.flush.map(|flush| flush()).unwrap_or_default();
        #[cfg(unix)]
        if let Some(settings) = changed.settings {
            use nix::sys::termios::{SetArg, tcsetattr};
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &settings);
        }
        if typing {
            let mut out = plain();
            let _ = out("\r\x1b[K");
            output.set_sink(out);
        }
    }
}
