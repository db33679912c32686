//! The shapes that other programs read, by their published descriptions.

use serde_json::Value;

use super::*;
use crate::check::verdict::Overall;

fn check(id: &'static str, verdict: Verdict) -> Result {
    let mistake = (verdict == Verdict::Fail).then_some("short-send");
    Result {
        id,
        title: format!("the title of {id}: 100 %, a | b"),
        verdict,
        score: if verdict == Verdict::Pass { 10 } else { 0 },
        max_score: 10,
        mistake,
        or_else: Vec::new(),
        expected: String::new(),
        actual: "<&\u{1b}]]>".to_owned(),
        cause: "line one\nline two, ```".to_owned(),
        story: vec!["  0.000 s  it began".to_owned()],
        duration_ms: 1500,
    }
}

fn report() -> Report {
    let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::Skip];
    Report {
        schema: "socklab/check/1",
        exercise: "tcp-echo",
        command: vec!["python3".to_owned(), "x.py".to_owned()],
        verdict: Overall::Fail,
        score: 10,
        max_score: 30,
        trouble: None,
        no_command: false,
        checks: ["one", "two", "three"]
            .into_iter()
            .zip(verdicts)
            .map(|(id, it)| check(id, it))
            .collect(),
    }
}

#[test]
fn our_own_has_what_its_schema_names() {
    let report: Value = serde_json::from_str(&json(&report())).unwrap();
    let keys = ["schema", "exercise", "command", "verdict", "score", "max_score", "checks"];
    assert!(keys.iter().all(|key| report.get(key).is_some()), "{report}");
    let check = &report["checks"][1];
    let keys = ["id", "title", "score", "max_score", "expected", "actual", "story", "duration_ms"];
    assert!(keys.iter().all(|key| check.get(key).is_some()), "{check}");
    assert_eq!((&check["verdict"], &check["mistake"]), (&"fail".into(), &"short-send".into()));
    assert!(report["checks"][0]["mistake"].is_null());
}

#[test]
fn gradescope_gets_scores_and_its_own_words_for_the_status() {
    let results: Value = serde_json::from_str(&gradescope::write(&report())).unwrap();
    let tests = results["tests"].as_array().unwrap();
    let status: Vec<&str> = tests.iter().map(|test| test["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["passed", "failed", "failed"]);
    for test in tests {
        assert!(test["score"].is_u64() && test["max_score"].is_u64() && test["number"].is_string());
        assert_eq!(
            (&test["visibility"], &test["output_format"]),
            (&"visible".into(), &"text".into())
        );
    }
    assert!(tests[1]["output"].as_str().unwrap().contains("short-send"));
}

#[test]
fn exercism_gets_version_three() {
    let results: Value = serde_json::from_str(&exercism::write(&report())).unwrap();
    assert_eq!((&results["version"], &results["status"]), (&3.into(), &"fail".into()));
    assert!(results["message"].is_null());
    let tests = results["tests"].as_array().unwrap();
    let status: Vec<&str> = tests.iter().map(|test| test["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["pass", "fail", "error"]);
    assert!(tests.iter().all(|test| test["name"].is_string() && test["test_code"].is_string()));
    assert!(tests[0]["message"].is_null() && tests[1]["message"].is_string());
}

#[test]
fn junit_is_well_formed_whatever_a_program_printed() {
    let xml = junit::write(&report()).unwrap();
    assert!(xml.contains(r#"tests="3""#) && xml.contains(r#"failures="1""#), "{xml}");
    assert!(xml.contains(r#"classname="tcp-echo.two""#) && xml.contains("<skipped"), "{xml}");
    assert!(!xml.contains('\u{1b}') && xml.contains("&lt;&amp;"), "{xml}");
}

/// The command that was given cannot be run.
fn not_done() -> Report {
    let mut report = report();
    let what = "./x: No such file";
    (report.verdict, report.trouble) = (Overall::Error, Some(what.to_owned()));
    for check in &mut report.checks {
        (check.verdict, check.mistake) = (Verdict::Skip, None);
        check.cause = "builds on another".to_owned();
    }
    report.checks[0].cause = format!("the command cannot be run: {what}");
    report
}

#[test]
fn what_could_not_be_done_is_no_success_to_anybody() {
    let xml = junit::write(&not_done()).unwrap();
    assert!(xml.contains(r#"errors="1""#) && xml.contains(r#"skipped="2""#), "{xml}");
    assert!(xml.contains(r#"<error message="the command cannot be run: ./x: No such"#), "{xml}");
    assert_eq!(
        github::errors(&not_done()),
        "::error title=tcp-echo::the command cannot be run: ./x: No such file\n"
    );
    assert!(github::summary(&not_done()).contains("\nthe command cannot be run: ./x: No such"));
    let results: Value = serde_json::from_str(&exercism::write(&not_done())).unwrap();
    assert_eq!(
        (&results["status"], &results["message"]),
        (&"error".into(), &"./x: No such file".into())
    );
}

/// Exercism has no word for what was skipped: it is an error there, and with one not all tests have passed.
#[test]
fn exercism_is_not_told_of_a_pass_with_an_error_in_it() {
    let mut report = report();
    report.verdict = Overall::Pass;
    report.checks.remove(1);
    let results: Value = serde_json::from_str(&exercism::write(&report)).unwrap();
    assert_eq!(
        (&results["status"], &results["tests"][1]["status"]),
        (&"fail".into(), &"error".into())
    );
}

#[test]
fn github_gets_a_summary_that_no_text_can_break_and_lines_for_errors() {
    let summary = github::summary(&report());
    assert!(summary.contains("| ❌ | the title of two: 100 %, a \\| b | 0/10 |"), "{summary}");
    assert!(summary.contains("````text\n"), "{summary}");
    let errors = github::errors(&report());
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(
        errors
            .starts_with("::error title=the title of two%3A 100 %25%2C a | b::line one%0Aline two"),
        "{errors}"
    );
    assert!(errors.contains("Mistake: Part of a send forgotten (short-send)."), "{errors}");
}

#[test]
fn a_command_can_be_typed_again() {
    let words = ["./a b", "it's", "", "{port}", "$HOME"].map(str::to_owned);
    assert_eq!(typed(&words), r"'./a b' 'it'\''s' '' {port} '$HOME'");
}

#[test]
fn points_stand_in_a_column_also_beside_a_long_title() {
    let long = Result { title: "a few words, ".repeat(9), ..check("long", Verdict::Pass) };
    let lines = [text::line(&check("short", Verdict::Fail)), text::line(&long)].concat();
    let widths: Vec<usize> = lines.lines().map(|line| line.chars().count()).collect();
    assert!(widths.len() > 2 && widths.iter().all(|width| *width <= 71), "{lines}");
    assert!(
        lines.lines().filter(|line| line.len() > 60).all(|line| !line.ends_with(',')),
        "{lines}"
    );
    assert_eq!((widths.first(), widths.last()), (Some(&71), Some(&71)), "{lines}");
}

#[test]
fn what_to_type_stands_on_a_line_of_its_own() {
    let page = text::conclusion(&report(), 40);
    for command in [
        "socklab explain short-send",
        "socklab book short-send",
        "socklab check tcp-echo --only two -- python3 x.py",
    ] {
        assert!(page.lines().any(|line| line.trim() == command), "no {command} in {page}");
    }
}
