//! The reader of traces that the parity test stands on, tried on lines as strace writes them.

#![cfg(target_os = "linux")]

mod support;

use std::collections::{BTreeMap, HashSet};

use support::strace::{Outcome, SocketCall, socket_calls};

/// What the calls of thread `tid` read as.
fn calls_of(tid: u64, trace: &str) -> Vec<String> {
    calls(trace, &HashSet::new()).remove(&tid).unwrap_or_default()
}

fn calls(trace: &str, apart: &HashSet<u64>) -> BTreeMap<u64, Vec<String>> {
    let line = |call: &SocketCall| {
        let fd = call.fd.map_or("-".to_owned(), |fd| fd.to_string());
        let outcome = match &call.outcome {
            Some(Outcome::Returned(value)) => value.to_string(),
            Some(Outcome::Failed(errno)) => errno.clone(),
            None => "?".to_owned(),
        };
        format!("{} {fd} {outcome}", call.syscall)
    };
    let all = socket_calls(trace, apart);
    all.into_iter().map(|(tid, calls)| (tid, calls.iter().map(line).collect())).collect()
}

#[test]
fn whole_lines() {
    let trace = r#"
7     read(3, ""..., 832)               = 832
7     close(3)                          = 0
7     socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3
7     bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EACCES (Permission denied)
7     fcntl(3, F_GETFL)                 = 0x802 (flags O_RDWR|O_NONBLOCK)
7     close(3)                          = 0
7     close(3)                          = -1 EBADF (Bad file descriptor)
7     +++ exited with 0 +++
"#;
    let expected = ["socket - 3", "bind 3 EACCES", "fcntl 3 2050", "close 3 0"];
    assert_eq!(calls_of(7, trace), expected);
}

#[test]
fn calls_that_another_thread_interleaves() {
    let trace = "
7     socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3
7     accept4(3,  <unfinished ...>
8     shutdown(3, SHUT_RDWR <unfinished ...>
7     <... accept4 resumed>0x7ffc, [128], SOCK_CLOEXEC) = -1 EINVAL (Invalid argument)
8     <... shutdown resumed>)           = 0
";
    assert_eq!(calls_of(7, trace), ["socket - 3", "accept4 3 EINVAL"]);
    assert_eq!(calls_of(8, trace), ["shutdown 3 0"]);
}

#[test]
fn a_number_is_a_socket_from_the_return_of_what_made_it_to_the_entry_of_its_close() {
    let trace = "
7     socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
7     accept4(3, {sa_family=AF_INET, sin_port=htons(5)}, [128 => 16], SOCK_CLOEXEC) = 4
7     fcntl(4, F_DUPFD_CLOEXEC, 3)      = 5
7     fcntl(4, F_GETFL)                 = 0x6 (flags O_RDWR)
7     close(4 <unfinished ...>
8     read(4, \"\"..., 10)              = 10
8     read(6, \"\"..., 10)              = 10
7     <... close resumed>)              = 0
8     recvfrom(5, \"\"..., 10, 0, NULL, NULL) = 10
8     close(4)                          = 0
";
    let expected = ["socket - 3", "accept4 3 4", "fcntl 4 5", "fcntl 4 6", "close 4 0"];
    assert_eq!(calls_of(7, trace), expected);
    assert_eq!(calls_of(8, trace), ["recvfrom 5 10"]);
}

#[test]
fn a_poll_is_on_the_socket_in_its_list() {
    let trace = "
7     socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 13
7     poll([{fd=0, events=0}, {fd=1, events=0}], 2, 0) = 0 (Timeout)
7     poll([{fd=4, events=POLLIN}, {fd=13, events=POLLOUT}], 2, 500) = 1 ([{fd=13, revents=POLLOUT}])
";
    assert_eq!(calls_of(7, trace), ["socket - 13", "poll 13 1"]);
}

#[test]
fn a_call_that_the_kernel_makes_again_after_a_signal_counts_once() {
    let trace = "
7     socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
7     accept4(3, 0x7ffc, [128], SOCK_CLOEXEC) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
7     --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1, si_uid=0} ---
7     write(5, \"\"..., 1)              = 1
7     rt_sigreturn({mask=[]})           = 288
7     accept4(3, 0x7ffc, [128], SOCK_CLOEXEC) = 4
";
    assert_eq!(calls_of(7, trace), ["socket - 3", "accept4 3 4"]);
}

#[test]
fn a_call_that_the_program_makes_again_after_a_signal_counts_twice() {
    let trace = "
7     socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
7     accept4(3, 0x7ffc, [128], SOCK_CLOEXEC) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
7     --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1, si_uid=0} ---
7     rt_sigreturn({mask=[]})           = -1 EINTR (Interrupted system call)
7     accept4(3, 0x7ffc, [128], SOCK_CLOEXEC) = 4
";
    assert_eq!(calls_of(7, trace), ["socket - 3", "accept4 3 EINTR", "accept4 3 4"]);
}

#[test]
fn a_call_that_never_returns() {
    let trace = "
7     socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
8     recvfrom(3,  <unfinished ...>
7     exit_group(0)                     = ?
8     <... recvfrom resumed> <unfinished ...>) = ?
8     +++ exited with 0 +++
";
    assert_eq!(calls_of(8, trace), ["recvfrom 3 ?"]);
}

#[test]
fn what_the_resolver_does_on_its_thread_is_its_own_affair() {
    let trace = "
8     socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP) = 3
7     read(3, \"\"..., 10)              = 10
8     close(3)                          = 0
7     socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_SOCK_DIAG) = 3
7     sendto(3, \"\"..., 72, 0, NULL, 0) = 72
7     close(3)                          = 0
7     socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
";
    let calls = calls(trace, &HashSet::from([8]));
    assert_eq!(calls.into_iter().collect::<Vec<_>>(), [(7, vec!["socket - 3".to_owned()])]);
}

#[test]
fn a_poll_that_the_kernel_goes_on_with_after_a_signal_counts_once() {
    let trace = "
7     socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
7     poll([{fd=3, events=POLLIN}], 1, 500) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)
7     restart_syscall(<... resuming interrupted poll ...>) = 1
7     restart_syscall(<... resuming interrupted clock_nanosleep ...>) = 0
";
    assert_eq!(calls_of(7, trace), ["socket - 3", "poll 3 1"]);
}

#[test]
fn a_signal_that_another_thread_takes_interrupts_as_well() {
    let trace = "
7     socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
7     accept4(3, 0x7ffd, [16], SOCK_CLOEXEC) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
8     --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=0} ---
7     accept4(3,  <unfinished ...>
8     rt_sigreturn({mask=[]})           = 0
7     <... accept4 resumed>{sa_family=AF_INET, sin_port=htons(5)}, [16], SOCK_CLOEXEC) = 5
";
    assert_eq!(calls_of(7, trace), ["socket - 3", "accept4 3 5"]);
}
