//! Mistakes made in other ways than by the programs in `lessons/`: the right one is named, and no other.

use super::*;

/// Of a server of that manner this check fails, and names this mistake, if one.
fn is_found(exercise: &str, manner: &str, check: &str, mistake: Option<&str>) {
    is_first(exercise, manner, &["--only", check], (check, mistake));
}

/// With these options, this is the first check that fails, and the mistake that it names.
fn is_first(exercise: &str, manner: &str, options: &[&str], wanted: (&str, Option<&str>)) {
    let script = file("tests/peers/mistaken_server.py");
    let program = ["--", interpreter(), &script, manner];
    let words = [&["check", exercise, "--json"], options, &program].concat();
    let report = report(&Program::run(socklab(&words)).finish());
    let failed = first_failed(&report);
    let found = (failed["id"].as_str().expect("an id"), failed["mistake"].as_str());
    assert_eq!(found, wanted, "{manner}: {failed:#}");
}

#[test]
fn nothing_to_receive_yet_is_told_from_other_reasons_to_end() {
    is_found("tcp-echo", "hasty", "text", Some("eagain-fatal"));
    is_found("tcp-echo", "wrong_socket", "text", None);
    is_found("tcp-echo", "once", "pause", None);
}

#[test]
fn who_reads_lines_or_into_a_buffer_is_told_so_and_not_of_a_short_send() {
    is_found("tcp-echo", "lines", "bytes", Some("text-not-bytes"));
    is_found("tcp-echo", "whole_buffer", "text", None);
}

#[test]
fn what_stays_in_a_buffer_is_missed_in_every_exercise() {
    is_found("tcp-echo", "buffered", "text", Some("unflushed-buffer"));
    is_found("chat-server", "unflushed_chat", "login", Some("unflushed-buffer"));
    is_found("reply-and-close", "unflushed_reply", "reply", Some("unflushed-buffer"));
}

#[test]
fn a_socket_that_is_kept_and_not_read_is_a_leak() {
    is_found("tcp-echo", "forgetful", "end", Some("fd-leak"));
}

#[test]
fn a_port_in_the_order_of_this_machine_is_recognised() {
    is_found("tcp-echo", "no_htons", "listens", Some("byte-order"));
}

#[test]
fn who_ends_after_every_client_is_not_told_of_resets() {
    is_found("tcp-echo", "interrupted", "reset", Some("eagain-fatal"));
}

#[test]
fn who_waits_for_one_client_to_close_serves_one_at_a_time() {
    let mistake = Some("one-client-at-a-time");
    is_first("reply-and-close", "drains_in_turn", &[], ("together", mistake));
}

#[test]
fn a_length_that_is_believed_at_once_is_seen_in_the_memory() {
    is_found("length-prefix", "takes_room", "bound", Some("unbounded-message"));
}

#[test]
fn one_recv_for_each_part_is_named_before_what_comes_of_it() {
    let mistake = Some("one-recv-one-message");
    is_first("length-prefix", "recv_each", &["--only", "empty"], ("split", mistake));
}
