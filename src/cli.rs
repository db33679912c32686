//! What can be typed: every subcommand, every option, and their help. No logic but what a value may be.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "socklab",
    version,
    about = "A socket-programming workbook that runs",
    long_about = "A socket-programming workbook that runs. Each chapter is a small program on real sockets that says \
                  what it does, call by call. What it prints is what the kernel did.",
    subcommand_value_name = "CHAPTER",
    subcommand_help_heading = "Chapters",
    disable_help_subcommand = true,
    after_help = EXIT_STATUS
)]
pub struct Cli {
    /// How to show what happens.
    #[command(flatten)]
    pub show: Show,
    /// What to run; without it, the table of contents.
    #[command(subcommand)]
    pub chapter: Option<Chapter>,
}

/// Options that every chapter takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How it is shown")]
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
    #[arg(long, global = true)]
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

/// The subcommands: the chapters, in order, and what goes with them.
#[derive(Clone, Debug, Subcommand)]
pub enum Chapter {
    /// 1  What a socket is: stream, datagram and raw, made and read back
    SocketTypes(SocketTypes),
    /// 2  The Chat-Room server: bind, listen, accept, a thread for each client
    TcpServer(TcpServer),
    /// 3  The Chat-Room client: names and addresses, connect, send, receive
    TcpClient(TcpClient),
    /// All chapters, played by themselves, both ends in one terminal
    Tour(Tour),
    /// Completions for your shell
    Completions(Completions),
}

/// `socket-types`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab socket-types                 all three, compared
  socklab socket-types raw             what happens without the permission
  socklab socket-types udp --explain full")]
pub struct SocketTypes {
    /// Which type
    #[arg(value_enum, default_value_t = SocketType::All)]
    pub which: SocketType,
}

/// Which sockets `socket-types` makes.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum SocketType {
    /// A stream: SOCK_STREAM
    Tcp,
    /// Datagrams: SOCK_DGRAM
    Udp,
    /// IP packets: SOCK_RAW
    Raw,
    /// All three, with a table to compare them
    All,
}

/// `tcp-server`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab tcp-server                   on 127.0.0.1:8888; Ctrl-C ends it
  socklab tcp-server --port 0          the kernel picks a free port, which is printed
  socklab tcp-server --step            for a projector: Enter before each call
  socklab tcp-server --backlog 1 --max-clients 2
  printf '%s\\n' '{\"type\":\"login\",\"username\":\"mei\",\"password\":\"x\"}' | nc localhost 8888")]
pub struct TcpServer {
    /// The name or address to listen on
    #[arg(long, default_value = "localhost", value_parser = NonEmptyStringValueParser::new())]
    pub host: String,
    /// The port; 0 lets the kernel pick a free one
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub port: u16,
    /// How many connections may wait to be accepted, their handshake done; the kernel may have its own limit
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(i32).range(0..))]
    pub backlog: i32,
    /// How many clients may be in the room
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub max_clients: usize,
    /// The longest message, in bytes
    #[arg(long, default_value_t = 64 * 1024, value_name = "BYTES")]
    pub max_message: usize,
    /// Believe who a message says it is from, and let chat before login: a mistake, for the lesson
    #[arg(long)]
    pub trusting: bool,
}

/// `tcp-client`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab tcp-client --user mei        type lines to chat; Ctrl-D logs out
  socklab tcp-client --send hello --send 'see you'
  echo hello | socklab tcp-client --quiet
  socklab tcp-client --host ::1 --port 9000 --timeout 2s")]
pub struct TcpClient {
    /// The server's name or address
    #[arg(long, default_value = "localhost", value_parser = NonEmptyStringValueParser::new())]
    pub host: String,
    /// The server's port
    #[arg(long, default_value_t = DEFAULT_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Who you are in the room
    #[arg(long, env = "USER", default_value = "guest", hide_env_values = true)]
    pub user: String,
    /// Your password; anything but nothing will do, and the narration masks it
    #[arg(long, env = "SOCKLAB_PASSWORD", default_value = "socklab", hide_env_values = true)]
    pub password: String,
    /// Send this and log out when all is sent (may be repeated)
    #[arg(long, value_name = "TEXT")]
    pub send: Vec<String>,
    /// The pause after each chat, for servers that take one recv for one message
    #[arg(long, default_value = "50ms", value_name = "TIME", value_parser = time)]
    pub gap: Duration,
    /// How long to wait for a connection, and for each answer
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = time_limit)]
    pub timeout: Duration,
}

/// `tour`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab tour                         about a minute
  socklab tour --pace 0s               as fast as it goes
  socklab tour --ask                   what do you think will happen?
  socklab tour --step                  Enter before each call")]
pub struct Tour {
    /// Stop before the telling calls with a question, and let the kernel answer at Enter
    #[arg(long)]
    pub ask: bool,
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

/// The Chat-Room's port.
pub const DEFAULT_PORT: u16 = 8888;

/// Where the demos that bring both ends along let them meet.
pub const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

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
141 standard output was closed. `socklab CHAPTER --help` shows examples.";
