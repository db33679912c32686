//! Clients, and a monitor, that do what other languages and libraries do: none is told of a mistake that it does not make.

use super::*;

/// What is said of such a program by one check of an exercise.
fn checked(exercise: &str, only: &str, peculiarity: &str) -> Value {
    let script = file("tests/peers/odd_client.py");
    let command =
        ["check", exercise, "--json", "--only", only, "--", interpreter(), &script, peculiarity];
    // No limit here: on a busy machine the checker is patient, and says nothing before its end.
    let output = socklab(&command).output().expect("socklab runs");
    let report = serde_json::from_slice(&output.stdout);
    report.unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// It fails that check, with these words in the cause, and this mistake named first, if one is.
fn fails(exercise: &str, only: &str, peculiarity: &str, words: &str, mistake: Option<&str>) {
    let report = checked(exercise, only, peculiarity);
    let failed = first_failed(&report);
    assert_eq!(failed["id"], only, "{peculiarity}: {failed:#}");
    assert_eq!(failed["mistake"].as_str(), mistake, "{peculiarity}: {failed:#}");
    let cause = failed["cause"].as_str().expect("a cause");
    assert!(cause.contains(words), "{peculiarity}: no {words:?} in {cause}");
}

fn passes(exercise: &str, only: &str, peculiarity: &str) {
    let report = checked(exercise, only, peculiarity);
    assert_eq!(report["verdict"], "pass", "{peculiarity}: {report:#}");
}

#[test]
fn who_closes_too_early_is_told_from_who_does_not_wait() {
    let closed = "shut down the sending direction only";
    fails("half-close", "answer", "always_non_blocking", closed, Some("close-not-shutdown"));
    let not_waited = "takes 'nothing yet'";
    fails("half-close", "answer", "late_non_blocking", not_waited, Some("eagain-fatal"));
}

#[test]
fn a_reset_is_no_end_even_to_a_library_that_polls() {
    passes("half-close", "reset", "takes_hang_up_for_the_end");
}

#[test]
fn a_name_that_does_not_exist_is_no_temporary_failure() {
    passes("robust-client", "unknown", "tries_again_what_is_temporary");
}

#[test]
fn a_thread_that_looks_at_the_wrong_time_is_no_wait_without_a_limit() {
    fails("heartbeat", "silence", "counts_seconds", "counts milliseconds", None);
}

#[test]
fn a_monitor_that_counts_no_losses_is_not_told_of_its_buffer() {
    let report = checked("heartbeat", "names", "counts_seconds");
    let failed = first_failed(&report);
    assert_eq!((&failed["id"], &failed["mistake"]), (&"lost".into(), &Value::Null), "{failed:#}");
    let names = report["checks"].as_array().and_then(|checks| checks.last()).expect("a check");
    assert_eq!((&names["id"], &names["verdict"]), (&"names".into(), &"skip".into()), "{names:#}");
}

#[test]
fn a_client_that_ends_at_once_is_not_waited_for() {
    for exercise in ["chat-client", "half-close", "robust-client"] {
        let first = if exercise == "chat-client" { "login" } else { "connects" };
        fails(exercise, first, "ends_at_once", "Its last words: no port", None);
    }
}
