//! Help, examples, and what cannot be typed.

use super::*;

fn subcommands() -> Vec<clap::Command> {
    Cli::command()
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
        .cloned()
        .collect()
}

#[test]
fn wrong_flags() {
    for args in [
        &["tcp-server", "--prot", "80"][..],
        &["tcp-server", "--port", "65536"],
        &["tcp-server", "--port", "http"],
        &["tcp-server", "--backlog", "-1"],
        &["tcp-client", "--gap", "soon"],
        &["tcp-client", "--timeout", "0s"],
        &["tcp-client", "--host", ""],
        &["tcp-client", "--send", ""],
        &["tour", "--quiet", "--step"],
        &["tour", "--pace", "500000000000y"],
        &["socket-types", "sctp"],
        &["dance"],
        &["tour", "--format", "xml"],
        &["tour", "--pace", "slow"],
    ] {
        let finished = run(args);
        fails_with(&finished, 2, &["error:"]);
        assert_eq!(finished.text(), "", "{args:?}");
    }
}

#[test]
fn without_arguments_it_shows_what_there_is() {
    let finished = run(&[]);
    assert_eq!((finished.code, finished.errors.as_str()), (0, ""));
    let text = finished.text();
    for command in subcommands() {
        assert!(text.contains(command.get_name()), "no {} in:\n{text}", command.get_name());
    }
    assert!(text.contains("socklab tour"), "what to try first:\n{text}");
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "wider than a terminal: {wide:#?}");
}

#[test]
fn every_help_has_an_example() {
    for command in subcommands() {
        let name = command.get_name();
        let help = run(&[name, "--help"]);
        assert_eq!(help.code, 0);
        let text = help.text();
        assert!(text.contains(&format!("  socklab {name}")), "no example:\n{text}");
    }
}

/// An example that cannot be typed helps nobody.
#[test]
fn every_example_parses() {
    for command in subcommands() {
        let help = run(&[command.get_name(), "--help"]).text();
        let examples = help.lines().filter_map(|line| line.trim().strip_prefix("socklab "));
        for example in examples {
            let words = ["socklab".to_owned()].into_iter().chain(words_of(example));
            let wrong = Cli::command().try_get_matches_from(words).err();
            assert_eq!(wrong.map(|error| error.to_string()), None, "{example}");
        }
    }
}

/// The words of an example, as a shell splits them, without what comes after the command: a redirection, an
/// explanation.
fn words_of(example: &str) -> Vec<String> {
    let command = example.split("  ").next().and_then(|command| command.split(" > ").next());
    let script = format!("printf '%s\\n' {}", command.unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]);
    Program::run(shell).finish().output
}

#[test]
fn help_fits_80_columns() {
    for args in subcommands().iter().map(|command| vec![command.get_name(), "--help"]) {
        let mut command = socklab(&args);
        command.env("COLUMNS", "80");
        let text = Program::run(command).finish().text();
        let long = text.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None, "{args:?}");
    }
}
