//! Reports as flags ask for them. Their shapes are tested beside the code that writes them.

use serde_json::json;

use super::*;

/// Reads JUnit XML by other people's code, and prints what it found: the tests, the failures, a line for each case.
const XML: &str = r#"
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
suite = root.find("testsuite")
print(root.tag, suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("skipped") or suite.get("disabled"))
for case in suite.iter("testcase"):
    inner = [child.tag for child in case]
    print(case.get("classname"), *inner)
"#;

/// A program that passes the first check, and fails the second.
fn half() -> Vec<String> {
    Mark::new().odd("dies")
}

#[test]
fn each_is_written_to_its_file_and_the_learner_still_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let formats = ["json", "junit", "gradescope", "exercism", "github"];
    let path = |format: &str| folder.path().join(format).to_str().expect("a path").to_owned();
    let mut options = vec!["--only".to_owned(), "text".to_owned()];
    options.extend(
        formats.iter().flat_map(|it| ["--report".to_owned(), format!("{it}={}", path(it))]),
    );
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let finished = Program::run(check(&options, &half())).finish();
    assert_eq!(finished.code, 1, "{}", finished.errors);
    assert!(finished.text().contains("The first to mend"), "{}", finished.text());
    assert_eq!(finished.text().matches("::error title=").count(), 1, "{}", finished.text());
    let read = |format: &str| fs::read_to_string(path(format)).expect("a report");
    let json = |format: &str| serde_json::from_str::<Value>(&read(format)).expect("JSON");
    assert_eq!(json("json")["schema"], "socklab/check/1");
    assert_eq!(json("json")["checks"].as_array().map(Vec::len), Some(2));
    assert_eq!(json("gradescope")["tests"][1]["status"], "failed");
    assert_eq!(json("exercism")["status"], "fail");
    assert!(read("github").starts_with("## tcp-echo: 5/15"), "{}", read("github"));
    let mut python = Command::new(interpreter());
    python.args(["-c", XML, &path("junit")]);
    let found = Program::run(python).finish();
    assert_eq!(found.errors, "");
    assert_eq!(found.output[1..], ["tcp-echo.listens", "tcp-echo.text failure"]);
    assert!(found.output[0].starts_with("testsuites tcp-echo 2 1"), "{:?}", found.output);
}

/// All commands of a step add to the same file.
#[test]
fn a_summary_for_github_keeps_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (summary, json) = (folder.path().join("summary.md"), folder.path().join("out.json"));
    fs::write(&summary, "# Mine\n").expect("a file");
    fs::write(&json, "old").expect("a file");
    let to = [format!("github={}", summary.display()), format!("json={}", json.display())];
    let options = ["--only", "text", "--report", &to[0], "--report", &to[1]];
    assert_eq!(Program::run(check(&options, &half())).finish().code, 1);
    let written = fs::read_to_string(&summary).expect("a file");
    assert!(written.starts_with("# Mine\n## tcp-echo: 5/15"), "{written}");
    assert!(fs::read_to_string(&json).expect("a file").starts_with('{'));
}

#[test]
fn on_standard_output_there_is_nothing_else() {
    for options in [&["--json"][..], &["--report", "json=-"]] {
        let options = [options, &["--only", "text"]].concat();
        let finished = Program::run(check(&options, &half())).finish();
        let report = report(&finished);
        assert_eq!((finished.code, &report["score"]), (1, &json!(5)));
        assert_eq!(report["command"][0], interpreter());
    }
}

#[test]
fn two_reports_do_not_mix() {
    let program = ["true".to_owned()];
    for options in [
        &["--json", "--report", "junit=-"][..],
        &["--report", "exercism=-", "--report", "gradescope=-"],
        &["--json", "--report", "github=summary.md"],
        &["--report", "json=out", "--report", "junit=out"],
        &["--only", "tea"],
        &["--report", "yaml=out"],
        &["--report", "json="],
        &["--report", "json"],
        &["--limits", "tea=1"],
        &["--limits", "cpu"],
        &["--limits", "memory=much"],
        &["--limits", "memory=99999999999G"],
        &["--startup-timeout", "soon"],
        &["--watch", "--json"],
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = check(options, &program);
        command.current_dir(folder.path());
        let finished = Program::run(command).finish();
        assert_eq!((finished.code, finished.text().as_str()), (2, ""), "{options:?}");
        assert!(!finished.errors.is_empty() && !finished.errors.contains("panicked"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "{options:?}");
    }
}

#[test]
fn an_unknown_check_is_told_with_those_that_there_are() {
    let finished = Program::run(check(&["--only", "tea"], &["true".to_owned()])).finish();
    for word in ["no check tea", "listens, text, bytes"] {
        assert!(finished.errors.contains(word), "{}", finished.errors);
    }
    let finished = Program::start(&["check", "tcp-ekho", "--", "true"]).finish();
    assert_eq!(finished.code, 2);
    assert!(finished.errors.contains("Did you mean tcp-echo"), "{}", finished.errors);
}

/// What can be written is written all the same.
#[test]
fn a_file_that_cannot_be_written_is_the_checkers_trouble() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = folder.path().join("out.json");
    let to = format!("json={}", written.display());
    let nowhere = format!("junit={}/no/out.xml", folder.path().display());
    let options = ["--report", &nowhere, "--report", &to];
    let finished = Program::run(check(&options, &["true".to_owned()])).finish();
    assert_eq!(finished.code, 3);
    assert!(finished.errors.contains("no/out.xml: No such file"), "{}", finished.errors);
    assert!(written.exists());
}

#[test]
fn no_escape_codes_in_a_pipe_unless_asked_for() {
    let escapes = |options: &[&str]| {
        Program::run(check(options, &["true".to_owned()])).finish().text().contains('\u{1b}')
    };
    assert!(!escapes(&[]));
    assert!(escapes(&["--color", "always"]));
    assert!(!escapes(&["--color", "always", "--json"]));
}
