//! `raw-ping`: every byte that is named is the byte that was sent, and each way of being allowed to ping is told apart.
//!
//! What it needs (raw sockets, a range of groups that may ping, a machine that does not answer) it gets in a network
//! namespace of its own, as root or as anybody. Where there is none to be had, a test says so and is skipped.

#![cfg(target_os = "linux")]

mod support;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use socklab::narrate::event::{Circumstance, Ended, Event, Kind, Note};
use socklab::reference;
use tempfile::TempDir;

/// Without any capability, in whatever namespace.
const POWERLESS: &str = "setpriv --inh-caps=-all --bounding-set=-all";

/// Somebody who is not root.
const NOBODY: &str =
    "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all";

/// What came of one run.
struct Run {
    status: Option<i32>,
    events: Vec<Event>,
    stderr: String,
}

impl Run {
    fn of(mut command: Command) -> Self {
        let output = command.output().expect("the program starts");
        let stdout = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        Self {
            status: output.status.code(),
            events: stdout.lines().map(event).collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn calls(&self) -> Vec<&Ended> {
        let ended = |event| match event {
            &Event { kind: Kind::Call(ref ended), .. } => Some(ended),
            _ => None,
        };
        self.events.iter().filter_map(ended).collect()
    }

    fn calls_of(&self, name: &str) -> Vec<&Ended> {
        self.calls().into_iter().filter(|ended| ended.call.call == name).collect()
    }

    fn call_names(&self) -> Vec<&str> {
        self.calls().iter().map(|ended| ended.call.call.as_ref()).collect()
    }

    fn notes(&self) -> Vec<&Note> {
        let note = |event| match event {
            &Event { kind: Kind::Note(ref note), .. } => Some(note),
            _ => None,
        };
        self.events.iter().filter_map(note).collect()
    }

    /// What stands in the blank of the first such note.
    fn blank(&self, note: &str, name: &str) -> String {
        let notes = self.notes();
        let found = notes.iter().find(|said| said.note == note);
        let found = found.unwrap_or_else(|| panic!("{note} is not among {:#?}", self.notes()));
        found.args.get(name).unwrap_or_else(|| panic!("{name} of {found:?}")).to_string()
    }

    fn says(&self, note: &str) -> bool {
        self.notes().iter().any(|said| said.note == note)
    }

    /// The bytes that went through the calls of this name.
    fn data_of(&self, name: &str) -> Vec<&[u8]> {
        let calls = self.calls_of(name).into_iter();
        calls.filter_map(|ended| Some(ended.call.data.as_ref()?.bytes.as_slice())).collect()
    }

    /// The values of the bytes named in a note: `7f 00`.
    fn named(&self, note: &str, blank: &str) -> Vec<u8> {
        let text = self.blank(note, blank);
        text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }
}

fn event(line: &str) -> Event {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// `socklab raw-ping` in a network of its own, with root's capabilities there, after `setup`; `None`: skipped.
fn private(setup: &str, wrapper: &str, args: &[&str]) -> Option<Command> {
    let unshare = ["--user", "--map-root-user", "--net", "--", "sh", "-c"];
    let up = "ip link set lo up";
    let tried = Command::new("unshare").args(unshare).arg(up).output();
    let allowed = tried.as_ref().is_ok_and(|tried| tried.status.success());
    if !allowed {
        support::skipped(&format!("no network of its own: {tried:?}"));
        return None;
    }
    let mut command = Command::new("unshare");
    let script = format!("{up} && {setup} && exec {wrapper} \"$0\" \"$@\"");
    command.args(unshare).arg(script).arg(env!("CARGO_BIN_EXE_socklab"));
    command.args(["raw-ping", "--format", "json"]).args(args);
    Some(command)
}

/// The same, as root without more ado.
fn raw(args: &[&str]) -> Option<Run> {
    private("true", "", args).map(Run::of)
}

/// The internet checksum of RFC 1071, in another way than the program has it: modulo 0xffff.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum: u32 = words.sum();
    !u16::try_from((sum - 1) % 0xffff + 1).unwrap()
}

fn without_checksum(message: &[u8]) -> Vec<u8> {
    [&message[..2], &[0, 0], &message[4..]].concat()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// A copy of the program where everybody can start it.
fn copy_for_everybody() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = folder.path().join("socklab");
    // By a process of its own: what another test starts now would inherit the open copy, and keep it from being started.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_socklab")).arg(&copy).status();
    assert!(copied.is_ok_and(|copied| copied.success()));
    (folder, copy)
}

/// The copy, started as somebody who is not root.
fn as_nobody(program: &str, args: &[&str]) -> Command {
    let wrapper = if is_root() { NOBODY } else { POWERLESS };
    let mut words = wrapper.split(' ').chain([program, "raw-ping", "--format", "json"]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(args);
    command
}

#[test]
fn a_raw_socket_sees_its_own_request_and_then_the_answer() {
    let Some(run) = raw(&[]) else { return };
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let story = ["socket", "setsockopt", "sendto", "recvfrom", "recvfrom", "close"];
    assert_eq!(run.call_names(), story);
    assert!(run.calls().iter().all(|call| call.error.is_none()));
    let socket = run.calls()[0].call.args.get("type").unwrap().to_string();
    assert_eq!(socket, "SOCK_RAW|SOCK_CLOEXEC");

    let sent = run.data_of("sendto")[0];
    assert_eq!((sent[0], sent[1], &sent[8..]), (8, 0, &b"socklab!"[..]));
    assert_eq!(sent[2..4], checksum(&without_checksum(sent)).to_be_bytes());
    let came = run.data_of("recvfrom");
    assert_eq!(&came[0][20..], sent, "the first is our own request");
    assert_eq!(came[1][20], 0, "the second is an echo reply");
    assert_eq!(came[1][24..], sent[4..], "identifier, sequence number and payload come back");

    assert_eq!(run.blank("raw-ping.our-request", "type"), "8");
    assert_eq!(run.blank("raw-ping.answered-ttl", "ttl"), came[1][8].to_string());
    assert_eq!(run.blank("raw-ping.answered-ttl", "bytes"), "16");
}

#[test]
fn the_bytes_that_are_named_are_those_that_are_sent() {
    let Some(run) = raw(&[]) else { return };
    let sent = without_checksum(run.data_of("sendto")[0]);
    let singles = [
        "type",
        "code",
        "checksum-high",
        "checksum-low",
        "identifier-high",
        "identifier-low",
        "sequence-high",
        "sequence-low",
    ];
    let mut named: Vec<u8> = Vec::new();
    for single in singles {
        named.extend(run.named(&format!("raw-ping.byte-{single}"), "byte"));
    }
    named.extend(run.named("raw-ping.byte-payload", "bytes"));
    assert_eq!(named, sent);
    let identifier = u16::from_be_bytes([sent[4], sent[5]]);
    assert_eq!(run.blank("raw-ping.byte-identifier-low", "identifier"), identifier.to_string());
    let pid: u32 = run.blank("raw-ping.byte-identifier-low", "pid").parse().unwrap();
    assert_eq!(pid & 0xffff, u32::from(identifier));
}

#[test]
fn the_checksum_is_worked_out_from_the_bytes_that_are_sent() {
    let Some(run) = raw(&[]) else { return };
    let hex = |note: &str, blank: &str| {
        let text = run.blank(&format!("raw-ping.checksum-{note}"), blank);
        u32::from_str_radix(&text, 16).unwrap()
    };
    let sent = run.data_of("sendto")[0];
    let words = run.blank("raw-ping.checksum-words", "words");
    let words: Vec<u32> =
        words.split(' ').map(|word| u32::from_str_radix(word, 16).unwrap()).collect();
    let bytes: Vec<u8> = words.iter().flat_map(|&word| (word as u16).to_be_bytes()).collect();
    assert_eq!(bytes, without_checksum(sent));
    assert_eq!(hex("sum", "sum"), words.iter().sum::<u32>());
    // Seven words with any bits set are always more than 16 bits here: the payload alone sees to that.
    assert_eq!(hex("fold", "low") + (hex("fold", "carry") << 16), hex("sum", "sum"));
    assert_eq!(hex("complement", "folded") ^ hex("complement", "checksum"), 0xffff);
    assert_eq!(hex("complement", "checksum"), u32::from(checksum(&without_checksum(sent))));
    assert_eq!(hex("check", "sum"), hex("sum", "sum") + hex("complement", "checksum"));
    assert_eq!(hex("check", "folded"), 0xffff);
    assert_eq!(run.named("raw-ping.message", "bytes"), sent);
}

#[test]
fn the_answer_is_taken_apart_without_gaps() {
    let Some(run) = raw(&["127.0.0.9"]) else { return };
    let answer = run.data_of("recvfrom")[1];
    let fields = [
        "ip-version",
        "ip-service",
        "ip-total",
        "ip-identification",
        "ip-flags",
        "ip-ttl",
        "ip-protocol",
        "ip-checksum",
        "ip-source",
        "ip-destination",
        "icmp-type",
        "icmp-code",
        "icmp-checksum",
        "icmp-identifier",
        "icmp-sequence",
        "icmp-payload",
    ];
    let named = fields.iter().flat_map(|field| run.named(&format!("raw-ping.{field}"), "bytes"));
    assert_eq!(named.collect::<Vec<u8>>(), answer);
    assert_eq!(run.blank("raw-ping.ip-version", "length"), "20");
    assert_eq!(run.blank("raw-ping.ip-total", "total"), answer.len().to_string());
    assert_eq!(run.blank("raw-ping.ip-protocol", "protocol"), "1");
    assert_eq!(run.blank("raw-ping.ip-checksum", "folded"), "ffff");
    assert_eq!(run.blank("raw-ping.ip-source", "address"), "127.0.0.9");
    assert_eq!(run.blank("raw-ping.icmp-checksum", "folded"), "ffff");
}

#[test]
fn each_request_has_a_number_and_a_checksum_of_its_own_and_all_are_counted() {
    let Some(run) = raw(&["--count", "3"]) else { return };
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let sent = run.data_of("sendto");
    let sequences: Vec<[u8; 2]> = sent.iter().map(|bytes| [bytes[6], bytes[7]]).collect();
    assert_eq!(sequences, [[0, 1], [0, 2], [0, 3]]);
    for message in sent {
        assert_eq!(message[2..4], checksum(&without_checksum(message)).to_be_bytes());
    }
    assert_eq!(run.blank("raw-ping.tally", "sent"), "3");
    assert_eq!(run.blank("raw-ping.tally", "answered"), "3");
    let time = |name: &str| -> f64 {
        let text = run.blank("raw-ping.times", name);
        text.strip_suffix(" ms").unwrap().parse().unwrap()
    };
    assert!(time("min") <= time("avg") && time("avg") <= time("max"));
    assert!(0.0 < time("min") && time("max") < 3000.0, "{} to {} ms", time("min"), time("max"));
}

#[test]
fn the_kernel_works_out_the_checksum_of_icmpv6() {
    let Some(run) = raw(&["::1"]) else { return };
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let sent = run.data_of("sendto")[0];
    assert_eq!(sent[..4], [128, 0, 0, 0]);
    assert!(run.says("raw-ping.checksum6") && !run.says("raw-ping.checksum-words"));
    let [request, reply] = run.data_of("recvfrom")[..] else { panic!("{:?}", run.call_names()) };
    assert_eq!((request[0], &request[4..]), (128, &sent[4..]), "no IPv6 header stands in front");
    assert_eq!((reply[0], &reply[4..]), (129, &sent[4..]));
    // Both addresses are ::1, the length is 16, the protocol 58.
    let pseudo = [&[0; 15][..], &[1], &[0; 15], &[1], &[0, 0, 0, 16, 0, 0, 0, 58]].concat();
    let whole = [&pseudo[..], &without_checksum(request)].concat();
    assert_eq!(
        run.blank("raw-ping.our-checksum6", "checksum"),
        format!("{:04x}", checksum(&whole))
    );
}

#[test]
fn without_the_capability_a_ping_socket_does_where_the_group_is_in_the_range() {
    let range = "echo 0 0 > /proc/sys/net/ipv4/ping_group_range";
    for (host, request, reply) in [("127.0.0.1", 8, 0), ("::1", 128, 129)] {
        let Some(command) = private(range, POWERLESS, &[host, "--count", "2"]) else { return };
        let run = Run::of(command);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let sockets = run.calls_of("socket");
        assert_eq!(sockets[0].error.as_ref().unwrap().name, "EPERM");
        let kind = sockets[1].call.args.get("type").unwrap().to_string();
        assert_eq!((kind.as_str(), sockets.len()), ("SOCK_DGRAM|SOCK_CLOEXEC", 2));

        let came = run.data_of("recvfrom");
        let sent = run.data_of("sendto");
        assert_eq!((sent[0][0], came[0][0], came.len()), (request, reply, 2));
        assert_eq!(came[0].len(), sent[0].len(), "no IP header, and not our own request");
        let name = run.calls_of("getsockname")[0].call.args.get("addr").unwrap().to_string();
        let port: u16 = name.rsplit_once(':').unwrap().1.parse().unwrap();
        assert_eq!(came[0][4..6], port.to_be_bytes(), "the identifier is the socket's port");
        assert_eq!(run.blank("raw-ping.identifier", "kernels"), format!("{port:04x}"));
        if request == 8 {
            assert_eq!(came[0][2..4], checksum(&without_checksum(came[0])).to_be_bytes());
        }
        assert!(run.says("raw-ping.unprivileged") && !run.says("raw-ping.ip"));
    }
}

#[test]
fn without_any_permission_the_missing_one_is_named_and_how_to_get_it() {
    let range = "cat /proc/sys/net/ipv4/ping_group_range >&2";
    let Some(command) = private(range, POWERLESS, &[]) else { return };
    let run = Run::of(command);
    assert_eq!((run.status, run.call_names()), (Some(1), vec!["socket", "socket"]));
    let errors: Vec<&str> =
        run.calls().iter().map(|call| call.error.as_ref().unwrap().name.as_ref()).collect();
    assert_eq!(errors, ["EPERM", "EACCES"]);
    let program = env!("CARGO_BIN_EXE_socklab");
    let range: Vec<&str> = run.stderr.lines().next().unwrap().split_whitespace().collect();
    for words in [
        &format!("sudo setcap cap_net_raw+ep {program}\n"),
        &format!("The range is {} ", range.join(" ")),
        "sysctl -w net.ipv4.ping_group_range=",
        &format!("{program} raw-ping --private"),
    ] {
        assert!(run.stderr.contains(words), "{words} is not in: {}", run.stderr);
    }
    let groups = run.stderr.split("this process's groups are ").nth(1).unwrap();
    assert!(groups.starts_with('0'), "group 0 is ours in there: {groups}");
}

/// The advice is good: with that command nobody pings.
#[test]
fn the_capability_that_is_advised_is_enough() {
    if !is_root() {
        return support::skipped("only root gives capabilities away");
    }
    let (_folder, copy) = copy_for_everybody();
    let given = Command::new("setcap").arg("cap_net_raw+ep").arg(&copy).output();
    if !given.as_ref().is_ok_and(|given| given.status.success()) {
        return support::skipped(&format!("setcap: {given:?}"));
    }
    let nobody = "--reuid 65534 --regid 65534 --clear-groups --inh-caps=-all";
    let mut command = Command::new("setpriv");
    command.args(nobody.split(' ')).arg(&copy).args(["raw-ping", "--format", "json"]);
    let run = Run::of(command);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.says("raw-ping.raw") && run.says("raw-ping.answered-ttl"));
}

#[test]
fn an_ordinary_user_pings_in_a_network_of_its_own() {
    let (_folder, copy) = copy_for_everybody();
    let run = Run::of(as_nobody(copy.to_str().unwrap(), &["--private", "--count", "2"]));
    if run.stderr.contains("No private network") {
        assert_eq!((run.status, run.events.len()), (Some(1), 1), "nothing but done");
        return support::skipped(&run.stderr);
    }
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert_eq!(run.events[0].seq, 1);
    assert!(run.says("raw-ping.private") && run.says("raw-ping.raw"));
    assert_eq!(run.blank("raw-ping.tally", "answered"), "2");
}

#[test]
fn silence_ends_with_the_time_limit() {
    let deaf = "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all";
    let Some(command) = private(deaf, "", &["--timeout", "200ms", "--count", "2"]) else { return };
    let run = Run::of(command);
    assert_eq!(run.status, Some(1));
    let received = run.calls_of("recvfrom");
    let outcomes: Vec<_> = received.iter().map(|call| call.circumstance).collect();
    let silence = Some(Circumstance::TimedOut);
    assert_eq!(outcomes, [None, silence, None, silence], "our own request, then nothing");
    assert!(received[1].elapsed_us >= 150_000, "{} µs", received[1].elapsed_us);
    assert_eq!(run.blank("raw-ping.silence", "limit"), "200ms");
    assert_eq!(run.blank("raw-ping.tally", "answered"), "0");
    assert!(run.stderr.contains("No answer from 127.0.0.1 within 200ms"), "{}", run.stderr);
}

/// Nobody has the address: the kernel asks for it (ARP) in vain, and reports that by ICMP.
#[test]
fn an_unreachable_host_is_reported_and_the_report_known_as_ours() {
    let link = "ip link add veth0 type veth peer name veth1 && ip link set veth0 up \
                && ip link set veth1 up && ip address add 192.0.2.1/24 dev veth0";
    let Some(command) = private(link, "", &["192.0.2.2", "--timeout", "20s"]) else { return };
    let run = Run::of(command);
    if run.events.is_empty() {
        return support::skipped(&format!("no veth: {}", run.stderr));
    }
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert_eq!(run.blank("raw-ping.error", "from"), "192.0.2.1");
    assert_eq!(run.blank("raw-ping.error", "type"), "3");
    assert_eq!(run.blank("raw-ping.error", "code"), "1");
    assert!(run.stderr.contains("reported to be out of reach"), "{}", run.stderr);
}

#[test]
fn without_a_route_sendto_fails_and_says_what_to_look_at() {
    let Some(run) = raw(&["192.0.2.1"]) else { return };
    assert_eq!((run.status, run.call_names().last()), (Some(1), Some(&"close")));
    assert_eq!(run.calls_of("sendto")[0].error.as_ref().unwrap().name, "ENETUNREACH");
    assert!(run.stderr.contains("ip route get 192.0.2.1 "), "{}", run.stderr);
}

/// A raw socket gets everybody's ICMP: it finds its own answers, and says what it skips.
#[test]
fn somebody_elses_messages_are_skipped_and_told() {
    // The other one has begun when ours starts, and its pipe is closed when ours ends.
    let other = "\"$0\" raw-ping --count 65535 --pace 1ms 2> /dev/null";
    let ours =
        "read first; exec 3<&0; cat <&3 > /dev/null & \"$0\" \"$@\"; code=$?; kill $!; exit $code";
    let setup = format!("{other} | {{ {ours}; }}; exit $?; true");
    let args = ["--count", "1000", "--timeout", "300ms"];
    let Some(command) = private(&setup, "", &args) else { return };
    let run = Run::of(command);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    // A raw socket whose buffer the other one fills may lose some.
    let answered: u32 = run.blank("raw-ping.tally", "answered").parse().unwrap();
    assert!(answered > 500, "{answered} of 1000");
    let identifier = &run.data_of("sendto")[0][4..6];
    let came = run.data_of("recvfrom");
    let theirs = came.iter().filter(|bytes| &bytes[24..26] != identifier).count();
    let told = run.notes().iter().filter(|note| note.note == "raw-ping.not-ours").count();
    assert_eq!(told, theirs);
    assert!(theirs > 0, "1000 requests, and nothing of the other's was seen");
}

#[test]
fn ctrl_c_ends_the_waiting_and_closes_the_socket() {
    let deaf = "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all";
    let Some(mut command) = private(deaf, "", &["--timeout", "5min"]) else { return };
    let mut program =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut events = BufReader::new(program.stdout.take().unwrap())
        .lines()
        .map(|line| event(&line.expect("it is a line")));
    let begins = |event: &Event| matches!(&event.kind, Kind::Begin(call) if call.call == "recvfrom" && call.waits);
    // The first brings our own request; in the second it waits.
    assert!(events.by_ref().filter(begins).nth(1).is_some());
    let killed = Command::new("kill").args(["-INT", &program.id().to_string()]).status();
    assert!(killed.is_ok_and(|killed| killed.success()));
    let rest: Vec<Event> = events.collect();
    assert_eq!(program.wait().unwrap().code(), Some(130));
    let closed = |event: &Event| matches!(&event.kind, Kind::Call(end) if end.call.call == "close");
    assert!(rest.iter().any(closed), "{rest:#?}");
}

/// The thread that prints finds the pipe closed, and must not wait for itself.
#[test]
fn a_closed_pipe_ends_it() {
    let Some(mut command) = private("true", "", &["--count", "1000"]) else { return };
    let mut program =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut first = String::new();
    BufReader::with_capacity(64, program.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(141));
}

#[test]
fn quiet_is_a_plain_ping() {
    let Some(mut command) = private("true", "", &["--count", "2", "--quiet"]) else { return };
    let run = Run::of({
        command.env_remove("RUST_LOG");
        command
    });
    let said: Vec<&str> = run.notes().iter().map(|note| note.note.as_ref()).collect();
    let expected =
        ["raw-ping.answered-ttl", "raw-ping.answered-ttl", "raw-ping.tally", "raw-ping.times"];
    assert_eq!((said, run.calls().len()), (expected.to_vec(), 0));
}

#[test]
fn every_note_has_words_and_every_blank_of_them_is_filled() {
    let runs = [raw(&["--count", "2"]), raw(&["::1", "--count", "2"])];
    for run in runs.iter().flatten() {
        for note in run.notes() {
            let words = reference::note(&note.note).unwrap_or_else(|| panic!("{}", note.note));
            let filled =
                reference::fill(&words.text, |name| note.args.get(name).map(|v| v.to_string()));
            assert!(!filled.contains(['{', '}']), "{}: {filled}", note.note);
        }
    }
}
