//! `--watch`: again at a change, again at Enter, until Ctrl-C.

use nix::sys::signal::Signal;

use super::*;

/// Waits until it has checked once more and watches again; what it said meanwhile.
fn checked(checker: &mut Program, times: usize) -> String {
    let seen = std::cell::Cell::new(0);
    let said = std::cell::RefCell::new(String::new());
    checker.wait_for_line("watching", |line| {
        said.borrow_mut().push_str(&format!("{line}\n"));
        if line.starts_with("Watching") {
            seen.set(seen.get() + 1);
        }
        (seen.get() == times).then_some(())
    });
    let said = said.into_inner();
    said.split("Watching").nth(times - 1).expect("what was said last").to_owned()
}

#[test]
fn it_checks_again_at_a_change_and_at_enter_and_ends_at_ctrl_c() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("server.py");
    fs::write(&program, "print('nothing yet')").expect("a program");
    let mark = Mark::new();
    let words = [interpreter(), "server.py", &mark.0].map(str::to_owned);
    let mut command = check(&["--watch", "--only", "text"], &words);
    command.current_dir(folder.path());
    let mut checker = Program::run(command);
    let pid = checker.pid();
    assert!(checked(&mut checker, 1).contains("ended (exit status 0)"));
    fs::copy(solution(), &program).expect("a program");
    assert!(checked(&mut checker, 2).contains("15 of 15 points"));
    checker.type_line("");
    assert!(checked(&mut checker, 3).contains("15 of 15 points"));
    checker.signal(Signal::SIGINT);
    assert_eq!(checker.wait().code, 0);
    nothing_left(pid, &mark);
}

/// It would go on for ever otherwise: the program's own file changes in every check.
#[test]
fn what_the_program_writes_is_no_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["sh", "-c", "date >> log; exit 1"].map(str::to_owned);
    let mut command = check(&["--watch", "--only", "listens"], &words);
    command.current_dir(folder.path());
    let mut checker = Program::run(command);
    checked(&mut checker, 1);
    checker.type_line("");
    checked(&mut checker, 2);
    checker.signal(Signal::SIGTERM);
    assert_eq!(checker.wait().code, 0);
}

#[test]
fn a_reader_who_leaves_ends_it() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let command = check(&["--watch", "--only", "listens"], &["true".to_owned()]);
    let finished = Program::run_into(command, writer).wait();
    assert_eq!(finished.code, 141, "{}", finished.errors);
}
