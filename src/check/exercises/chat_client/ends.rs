//! How it ends: with the logout, by the server's refusal, by the server's end.

use super::is_silence;
use super::messages::{
    PASSWORD, USER, ben, ben_says, chat, goodbye, login, logout as bye, welcome,
};
use super::session::{Session, failed};
use crate::chat::{Reply, Request};
use crate::check::ANSWER;
use crate::check::bench::Bench;
use crate::check::evidence;
use crate::check::listener::Listener;
use crate::check::peer::fails;
use crate::check::program::Ended;
use crate::check::verdict::{Checked, Finding};

/// At the end of its input it logs out, waits for the answer, and prints what comes before that.
pub fn logout(bench: &Bench) -> Checked {
    let mut session = Session::enter(bench)?;
    leaves(&mut session)?;
    session.reply(&ben("before you go"))?;
    let hurries = || Finding::new("chat-client.logout.hurries", &[]);
    session.must_show(&[ben_says("before you go")], hurries)?;
    if let Some(ended) = session.program.ended() {
        return fails(hurries().but("", ended.to_string()));
    }
    session.send(&[ben("bye").to_line(), goodbye().to_line()].concat());
    ends_well(&mut session)?;
    let lost = || Finding::new("chat-client.logout.lost", &[]);
    session.must_show(&[ben_says("bye")], lost)?;
    all_at_once(bench)
}

/// The whole input is there, and over, before the login is answered.
fn all_at_once(bench: &Bench) -> Checked {
    let mut session = Session::start(bench)?;
    session.types("one\ntwo\n");
    session.ends_input();
    session.expect(&login(), "chat-client.login.other")?;
    session.reply(&welcome())?;
    session.expect(&chat("one"), "chat-client.logout.not-all")?;
    session.expect(&chat("two"), "chat-client.logout.not-all")?;
    session.expect(&bye(), "chat-client.logout.other")?;
    session.reply(&goodbye())?;
    ends_well(&mut session)
}

/// The input ends, and the logout must come.
fn leaves(session: &mut Session) -> Checked {
    session.ends_input();
    let got = session.hear()?;
    if is_silence(&got) {
        return fails(Finding::new("chat-client.logout.none", &[]));
    }
    match got {
        Ok(Request::Logout { .. }) => Ok(()),
        got => fails(session.unlike(&bye(), got, "chat-client.logout.other")),
    }
}

/// The logout is answered, the server closes: the program must end with status 0.
fn ends_well(session: &mut Session) -> Checked {
    session.server.half_close()?;
    let ended = session.ends()?;
    let finding = match ended {
        Some(Ended::Exit(0)) => return Ok(()),
        Some(ended) => Finding::new("chat-client.logout.status", &[("how", &ended)]),
        None => Finding::new("chat-client.logout.stays", &[]),
    };
    let actual = ended.map_or_else(String::new, |ended| ended.to_string());
    fails(finding.but(Ended::Exit(0).to_string(), actual))
}

/// A login that is refused ends the program, while the input and the connection are still open.
pub fn refused(bench: &Bench) -> Checked {
    let mut session = Session::before_answer(bench)?;
    let (message, user_id) = ("wrong password".to_owned(), None);
    session.reply(&Reply::LoginResponse { success: false, message, user_id })?;
    session.must_fail("refused")
}

/// The server's end of file, or its reset, ends the program, at any time.
pub fn server_first(bench: &Bench) -> Checked {
    let mut session = Session::enter(bench)?;
    session.reply(&ben("the server will stop"))?;
    session.server.half_close()?;
    notices(bench, &mut session)?;

    let mut session = Session::enter(bench)?;
    leaves(&mut session)?;
    session.server.half_close()?;
    session.must_fail("no-goodbye")?;

    let mut session = Session::before_answer(bench)?;
    session.server.half_close()?;
    session.must_fail("no-welcome")?;

    let session = Session::enter(bench)?;
    session.reply(&ben("the server will be killed"))?;
    session.must_fail_when_reset("reset")
}

/// Whether the end of file ends it; if not, what it does instead is seen in its use of the processor.
fn notices(bench: &Bench, session: &mut Session) -> Checked {
    if let Some(ended) = session.ends()? {
        return failed(&session.program, Some(ended), "server-first");
    }
    let id = match evidence::spins(bench, &session.program) {
        true => "chat-client.server-first.spins",
        false => "chat-client.server-first.goes-on",
    };
    fails(Finding::new(id, &[]).mistake("eof-ignored").but(Ended::Exit(1).to_string(), ""))
}

/// Where nobody listens, it says so and fails.
pub fn nobody_there(bench: &Bench) -> Checked {
    let nobody = Listener::bound(bench)?;
    let variables = [("SOCKLAB_USER", USER.to_owned()), ("SOCKLAB_PASSWORD", PASSWORD.to_owned())];
    let mut program = bench.start(nobody.address, &variables)?;
    let ended = bench.ended(&mut program, bench.patiently(2 * ANSWER))?;
    let finding = match ended {
        Some(Ended::Exit(code)) if code != 0 && !program.last_words().is_empty() => return Ok(()),
        Some(Ended::Exit(code)) if code != 0 => Finding::new("chat-client.no-reason", &[]),
        Some(ended) => Finding::new("chat-client.nobody-there.status", &[("how", &ended)]),
        None => Finding::new("chat-client.nobody-there.goes-on", &[]),
    };
    let actual = ended.map_or_else(String::new, |ended| ended.to_string());
    fails(finding.but(Ended::Exit(1).to_string(), actual))
}
