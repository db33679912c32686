//! The chapters: what can be typed behind the name of each demo.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::{time, time_limit};

/// The demos: the chapters, in order, and the tour through them.
#[derive(Clone, Debug, Subcommand)]
pub enum Chapter {
    /// 1  What a socket is: stream, datagram, raw, made and read back
    SocketTypes(SocketTypes),
    /// 2  The Chat-Room server: bind, listen, accept, threads
    TcpServer(TcpServer),
    /// 3  The Chat-Room client: addresses, connect, send, receive
    TcpClient(TcpClient),
    /// 4  A stream has no messages: four framings, split and joined
    Framing(Framing),
    /// 5  Time-outs, retries, errors; partial sends, deadlock, Nagle
    RobustClient(RobustClient),
    /// 6  FIN, half-close, TIME_WAIT, RST, with both ends' TCP states
    GracefulClose(GracefulClose),
    /// 7  Datagrams: boundaries, loss, silence; a heartbeat monitor
    UdpHeartbeat(UdpHeartbeat),
    /// 8  An ICMP echo request built byte by byte, and its answer
    RawPing(RawPing),
    /// All chapters, by themselves, both ends in one terminal
    Tour(Tour),
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
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub send: Vec<String>,
    /// The pause after each chat, for servers that take one recv for one message
    #[arg(long, default_value = "50ms", value_name = "TIME", value_parser = time)]
    pub gap: Duration,
    /// How long to wait for a connection, and for each answer
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = time_limit)]
    pub timeout: Duration,
}

/// `framing`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab framing                      all four, one after the other
  socklab framing none                 what a reader is up against
  socklab framing length --cut 3       cut in the header, too
  socklab framing json --cut 1         byte by byte
  socklab framing --quiet              only who got how many right")]
pub struct Framing {
    /// Which framing
    #[arg(value_enum)]
    pub which: Option<FramingKind>,
    /// Send in pieces of this many bytes; without it the pieces are cut where it hurts: in a message, in a character
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub cut: Option<u16>,
}

/// How messages are told apart in a stream.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum FramingKind {
    /// Not at all
    None,
    /// Each ends with a newline
    Newline,
    /// Each begins with its length, 4 bytes, big-endian
    Length,
    /// Each is a JSON object, whose braces tell where it ends
    Json,
}

/// `robust-client`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab robust-client --retries 3    towards whatever listens on localhost:8888, or does not
  socklab robust-client --port 7 --message 'anybody there?' --timeout 2s
  socklab robust-client --scenario late
  socklab robust-client --scenario refuse --retries 5 --delay 100ms --backoff exponential
  socklab robust-client --scenario deadlock

A scenario brings a peer of its own and needs no --host and --port. Where failing is its lesson (refuse, stall, reset,
bad-name), the exit status is 1 all the same.")]
pub struct RobustClient {
    /// The server's name or address
    #[arg(long, default_value = "localhost")]
    pub host: String,
    /// The server's port
    #[arg(long, default_value_t = DEFAULT_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// How many tries in all
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub retries: u32,
    /// The pause between two tries [default: 2s; 300ms in a scenario]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub delay: Option<Duration>,
    /// How long to wait for a connection, for room to send, and for the answer [default: 5s; 500ms in stall and deadlock]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,
    /// Whether the pause grows
    #[arg(long, value_enum, default_value_t = Backoff::Fixed)]
    pub backoff: Backoff,
    /// What to send; a newline is added
    #[arg(long, value_name = "TEXT", default_value = "hello")]
    pub message: String,
    /// Bring a misbehaving peer along, and see one case alone
    #[arg(long, value_enum)]
    pub scenario: Option<Scenario>,
}

/// How the pause between tries grows.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Backoff {
    /// Always the same
    Fixed,
    /// Doubled after each try
    Exponential,
}

/// A peer that misbehaves in one way.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Scenario {
    /// It starts to listen only after the first try
    Late,
    /// Its port is taken, but nobody listens there
    Refuse,
    /// Its queue is full, so that nothing answers; later there is a connection, and still no answer
    Stall,
    /// It reads the message, and resets the connection
    Reset,
    /// It reads slowly from a small buffer: sends are partial
    SlowReader,
    /// There is none: the name does not resolve
    BadName,
    /// Both ends send everything before they read anything
    Deadlock,
    /// Nagle's algorithm meets delayed acknowledgements
    Nagle,
}

/// `graceful-close`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab graceful-close               all of them, one after the other
  socklab graceful-close abrupt        what a reset throws away, measured
  socklab graceful-close time-wait --explain full
  socklab graceful-close last-ack --format json | jq -c 'select(.kind == \"state\") | [.actor, .state]'")]
pub struct GracefulClose {
    /// Which way
    #[arg(value_enum, default_value_t = Closing::All)]
    pub way: Closing,
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Closing {
    /// Half-close, drain, close
    Graceful,
    /// SO_LINGER with zero: a reset
    Abrupt,
    /// Close with data unread: a reset too
    Unread,
    /// The last FIN kept waiting, to see LAST_ACK; and both ends at once, to see CLOSING
    LastAck,
    /// The server closes first: who keeps TIME_WAIT, and what SO_REUSEADDR has to do with it
    TimeWait,
    /// All of them
    All,
}

/// `udp-heartbeat`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab udp-heartbeat                a monitor and its clients in one terminal
  socklab udp-heartbeat monitor --port 9999
  socklab udp-heartbeat beat --port 9999 --name mei --drop 20%
  printf 'beat mei 1' | nc -u -w1 127.0.0.1 9999")]
pub struct UdpHeartbeat {
    /// Which end
    #[arg(value_enum, default_value_t = HeartbeatRole::Both)]
    pub role: HeartbeatRole,
    /// The monitor's name or address [default: localhost; both: 127.0.0.1]
    #[arg(long)]
    pub host: Option<String>,
    /// The monitor's port; the monitor takes 0 for any free one [default: 8888; both: 0]
    #[arg(long)]
    pub port: Option<u16>,
    /// Who beats, 1 to 64 bytes without a space [default: mei; both: the steady one is steady]
    #[arg(long, value_parser = heartbeat_name)]
    pub name: Option<String>,
    /// The time between two beats; the monitor gives a client up after three of them without news
    #[arg(long, default_value = "200ms", value_name = "TIME", value_parser = interval)]
    pub interval: Duration,
    /// How many beats [default: until Ctrl-C; both: until all is shown]; the monitor ends after so many datagrams
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// How many beats the sender skips, such as 20%, spread evenly; it says so each time [default: 0%; both: 50%]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub drop: Option<u8>,
}

/// Which end of the heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum HeartbeatRole {
    /// Both, to see it all
    Both,
    /// Who listens
    Monitor,
    /// Who beats
    Beat,
}

/// `20%` or `20`.
fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    number.filter(|&number| number <= 100).ok_or_else(|| "a percentage: 0% to 100%".to_owned())
}

/// A time that is not zero.
fn interval(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() { Err("a time longer than 0".to_owned()) } else { Ok(time) }
}

/// A name that fits into a beat.
fn heartbeat_name(text: &str) -> Result<String, String> {
    if (1..=64).contains(&text.len()) && !text.contains(' ') {
        return Ok(text.to_owned());
    }
    Err("a name of 1 to 64 bytes without a space".to_owned())
}

/// `raw-ping`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab raw-ping                     this machine; a ping socket, where a raw one is not allowed
  sudo socklab raw-ping --count 3      with CAP_NET_RAW
  socklab raw-ping --private           without privilege, in a network of its own
  socklab raw-ping ::1                 ICMPv6
  sudo socklab raw-ping 192.0.2.1 --timeout 3s

It did what it set out to do (exit status 0) when at least one request was answered.")]
pub struct RawPing {
    /// Whom to ping: a name, an IPv4 or an IPv6 address
    #[arg(default_value = "127.0.0.1")]
    pub host: String,
    /// How many echo requests
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub count: u16,
    /// How long to wait for each answer
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
    /// In a network of its own, where raw sockets need no privilege: only this machine is there (Linux)
    #[arg(long)]
    pub private: bool,
}

/// `tour`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  socklab tour                         about a minute
  socklab tour framing graceful-close  these chapters only
  socklab tour --pace 0s               as fast as it goes
  socklab tour --ask                   what do you think will happen?
  socklab tour --step                  Enter before each call")]
pub struct Tour {
    /// Which chapters, by the names of their subcommands; without any, all
    #[arg(value_enum, value_name = "CHAPTER")]
    pub chapters: Vec<Visit>,
    /// Stop before the telling calls with a question, and let the kernel answer at Enter
    #[arg(long)]
    pub ask: bool,
}

/// A chapter that the tour visits.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Visit {
    /// Chapter 1
    SocketTypes,
    /// Chapters 2 and 3: a server needs clients
    TcpServer,
    /// Chapters 2 and 3: a client needs a server
    TcpClient,
    /// Chapter 4
    Framing,
    /// Chapter 5
    RobustClient,
    /// Chapter 6
    GracefulClose,
    /// Chapter 7
    UdpHeartbeat,
    /// Chapter 8
    RawPing,
}

/// The Chat-Room's port.
pub const DEFAULT_PORT: u16 = 8888;

/// Where the demos that bring both ends along let them meet.
pub const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
