//! What the checks of servers that answer questions have in common: several clients, one that resets, the end of a
//! connection, descriptors, a second start, a buffer that is not flushed, a memory that grows.

use std::time::{Duration, Instant};

use super::departure;
use crate::check::bench::{Bench, Server, Transport};
use crate::check::evidence;
use crate::check::peer::{Heard, Instead, Peer, fails};
use crate::check::story::difference;
use crate::check::verdict::{Checked, Finding, Stop};

/// A question, and the answer to it.
pub struct Dialogue {
    /// What the client sends.
    pub question: &'static [u8],
    /// What must come back.
    pub answer: &'static [u8],
}

/// A program whose connection ended may be about to end itself.
const DYING: Duration = Duration::from_millis(300);

/// Starts the server.
pub fn serve(bench: &Bench) -> Checked<Server> {
    bench.server(Transport::Tcp)
}

/// Sends it as far as the program takes it. If it does not, the story has it, and what comes back says more.
pub fn offer(client: &Peer, bytes: &[u8]) -> Checked {
    match client.send(bytes) {
        Err(Stop::Failed(_)) => Ok(()),
        other => other,
    }
}

/// Sends the question, and expects the answer.
pub fn ask(client: &Peer, question: &[u8], answer: &[u8]) -> Checked<Result<(), Heard>> {
    offer(client, question)?;
    client.expect(answer)
}

/// The same; `otherwise` is what it means when something else comes.
pub fn answered(
    server: &mut Server,
    client: &Peer,
    (question, answer): (&[u8], &[u8]),
    otherwise: Finding,
) -> Checked {
    match ask(client, question, answer)? {
        Ok(()) => Ok(()),
        Err(heard) => fails(unlike(server, answer, &heard, otherwise)),
    }
}

/// What came instead, as a finding; it is `otherwise` when it were other bytes than the right ones.
pub fn unlike(server: &mut Server, expected: &[u8], heard: &Heard, otherwise: Finding) -> Finding {
    let (shown, seen) = difference(expected, &heard.bytes);
    let finding = match heard.instead {
        Instead::Other => otherwise,
        Instead::Silence => Finding::new("dialogue.silence", &[]),
        Instead::End | Instead::Reset => ended(server, heard),
    };
    finding.but(shown, seen)
}

/// The connection ended: was it the program that ended?
fn ended(server: &mut Server, heard: &Heard) -> Finding {
    if let Some(ended) = server.program.ends_before(Instant::now() + DYING) {
        let last = server.program.last_words();
        return Finding::new("dialogue.died", &[("how", &ended), ("last", &last)]);
    }
    Finding::new(if heard.was_reset() { "dialogue.reset" } else { "dialogue.ended" }, &[])
}

impl Dialogue {
    /// One question, answered.
    fn hold(&self, server: &mut Server, client: &Peer) -> Checked {
        let otherwise = Finding::new("dialogue.other", &[]);
        answered(server, client, (self.question, self.answer), otherwise)
    }

    /// Three clients are there and are served, then again in the reverse order.
    pub fn together(&self, bench: &Bench) -> Checked {
        let mut server = serve(bench)?;
        let mut clients = Vec::new();
        for number in 1..=3 {
            let client = Peer::connect(bench, format!("client {number}"), server.address)?;
            if let Err(heard) = ask(&client, self.question, self.answer)? {
                return fails(self.left_waiting(&mut server, clients, &client, &heard)?);
            }
            clients.push(client);
        }
        for client in clients.iter().rev() {
            self.hold(&mut server, client)?;
        }
        Ok(())
    }

    /// Why `client` was not served while `others` were there: because of them?
    fn left_waiting(
        &self,
        server: &mut Server,
        others: Vec<Peer>,
        client: &Peer,
        heard: &Heard,
    ) -> Checked<Finding> {
        let finding = unlike(server, self.answer, heard, Finding::new("dialogue.other", &[]));
        if heard.instead != Instead::Silence || others.is_empty() {
            return Ok(finding);
        }
        // The kernel completes the handshake by itself; whether accept was called shows in the program's descriptors.
        if !evidence::holds(&server.program, client.remote, client.local) {
            return Ok(finding
                .because("dialogue.together.waits", &[])
                .mistake("one-client-at-a-time"));
        }
        others.into_iter().for_each(Peer::close);
        Ok(match client.expect(self.answer)? {
            Ok(()) => {
                finding.because("dialogue.together.afterwards", &[]).mistake("one-client-at-a-time")
            }
            Err(_) => finding,
        })
    }

    /// Clients that reset their connections take nobody with them. `flood` is much to answer, which they do not read.
    pub fn reset(&self, bench: &Bench, flood: &[u8]) -> Checked {
        let mut server = serve(bench)?;
        let served = rude_clients(bench, &server, flood)
            .and_then(|before| self.serves_still(bench, &mut server, before));
        let Err(Stop::Failed(finding)) = served else { return served };
        match server.program.ends_before(Instant::now() + bench.patiently(DYING)) {
            Some(ended) => {
                let finding = Finding::new("dialogue.died-of-reset", &[("how", &ended)])
                    .mistake("broken-pipe")
                    .but("", server.program.last_words());
                let talk = |client: &Peer| ask(client, self.question, self.answer).map(drop);
                fails(departure::judged(bench, serve(bench)?, talk, finding)?)
            }
            None => Err(Stop::Failed(finding)),
        }
    }

    /// Others are served, one after the other: the first may be by a program that is ending just now.
    fn serves_still(&self, bench: &Bench, server: &mut Server, before: usize) -> Checked {
        for name in ["another client", "one more client"] {
            left(bench, server, before, 1);
            let client = Peer::connect(bench, name, server.address)?;
            self.hold(server, &client)?;
        }
        Ok(())
    }

    /// When the client ends, the server ends too, and does not spin. Before its end the client sends `last`, part of a
    /// question; what may come of that is `allowed`.
    pub fn end(&self, bench: &Bench, last: &[u8], allowed: &[&[u8]]) -> Checked {
        let mut server = serve(bench)?;
        let client = Peer::connect(bench, "client", server.address)?;
        self.hold(&mut server, &client)?;
        if !last.is_empty() {
            offer(&client, last)?;
        }
        client.half_close()?;
        let (bytes, ended) = client.receive(bench.answer(), |_| false)?;
        match ended {
            Some(Instead::End) if allowed.contains(&&*bytes) => Ok(()),
            Some(Instead::Silence) => fails(still_open(bench, &server)),
            ended => {
                let heard = Heard { bytes, instead: ended.unwrap_or(Instead::Other) };
                let finding = match heard.was_reset() {
                    true => self::ended(&mut server, &heard),
                    false => Finding::new("dialogue.end.other", &[]),
                };
                let expected = allowed.last().copied().unwrap_or_default();
                let (shown, seen) = difference(expected, &heard.bytes);
                fails(finding.but(shown, seen))
            }
        }
    }

    /// Connections that are over, in whatever way, leave no descriptor behind. `part` is part of a question.
    pub fn descriptors(&self, bench: &Bench, part: &[u8]) -> Checked {
        const CLIENTS: usize = 42;
        let mut server = serve(bench)?;
        let before = server.program.processes().sockets().len();
        for number in 1..=CLIENTS {
            let client = Peer::connect(bench, format!("client {number}"), server.address)?;
            self.hold(&mut server, &client)?;
            match number % 3 {
                0 => client.close(),
                1 => {
                    offer(&client, part)?;
                    client.close();
                }
                _ => client.reset()?,
            }
        }
        let kept = left(bench, &server, before, CLIENTS / 4);
        if kept < CLIENTS / 4 {
            return Ok(());
        }
        let blanks: [(&str, &dyn std::fmt::Display); 2] = [("kept", &kept), ("clients", &CLIENTS)];
        let finding = Finding::new("dialogue.kept", &blanks);
        fails(match evidence::spins(bench, &server.program) {
            true => finding.mistake("eof-ignored").mistake("fd-leak"),
            false => finding.mistake("fd-leak"),
        })
    }

    /// It can be started again at once, after it ended with a client connected.
    pub fn restart(&self, bench: &Bench) -> Checked {
        let mut server = serve(bench)?;
        let client = Peer::connect(bench, "client", server.address)?;
        self.hold(&mut server, &client)?;
        let reuses = evidence::reuses_address(&server.program, server.address);
        bench.tell("check.stops-program", &[]);
        server.program.stop();
        // The server's end closed first, so TIME_WAIT is on its side.
        client.expect_end()?.ok();
        client.close();
        match bench.server_at(server.address, Transport::Tcp, &[]) {
            Err(Stop::Failed(_)) if reuses == Some(false) => {
                fails(Finding::new("dialogue.in-use", &[]).mistake("address-in-use"))
            }
            other => other.map(drop),
        }
    }
}

/// Clients that reset their connections: two before the program has looked at what they sent, two while it does. How many
/// sockets it held before them.
fn rude_clients(bench: &Bench, server: &Server, flood: &[u8]) -> Checked<usize> {
    let before = server.program.processes().sockets().len();
    for round in 1..=4 {
        let rude = Peer::connect(bench, format!("client {round}"), server.address)?;
        if round > 2 {
            evidence::accepts(&server.program, rude.remote, rude.local);
        }
        offer(&rude, flood)?;
        // After its end of file, a reset is EPIPE to the program's next send, and not ECONNRESET.
        if round % 2 == 0 {
            rude.half_close()?;
        }
        rude.reset()?;
    }
    Ok(before)
}

/// How many sockets it holds more than `before`, when there are fewer than `few`, or it does not close any more.
fn left(bench: &Bench, server: &Server, before: usize, few: usize) -> usize {
    let deadline = Instant::now() + bench.patiently(Duration::from_secs(1));
    loop {
        let left = evidence::sockets_left(&server.program, before);
        if left < few || Instant::now() > deadline {
            return left;
        }
    }
}

/// It did not end when the client did: does it go on at full speed?
fn still_open(bench: &Bench, server: &Server) -> Finding {
    match evidence::spins(bench, &server.program) {
        true => Finding::new("dialogue.end.spins", &[]).mistake("eof-ignored"),
        false => Finding::new("dialogue.end.open", &[]).mistake("fd-leak").mistake("eof-ignored"),
    }
}

/// What brings the answers out of a program that did not answer a question.
pub enum Release {
    /// Many more questions: a buffer is full then.
    Much,
    /// The client's end.
    End,
    /// Neither.
    Nothing,
}

/// A program did not answer a question: does it answer when there is much to answer, or when the client ends? `much` is
/// many questions, the first answer to which begins with `begin`.
pub fn release(bench: &Bench, server: &Server, much: &[u8], begin: &[u8]) -> Checked<Release> {
    let client = Peer::connect(bench, "client with much to ask", server.address)?;
    offer(&client, much)?;
    let (bytes, ended) = client.receive(bench.answer(), |bytes| bytes.len() >= begin.len())?;
    if ended.is_none() && bytes.starts_with(begin) {
        return Ok(Release::Much);
    }
    client.half_close()?;
    let (bytes, _) = client.receive(bench.answer(), |bytes| bytes.len() >= begin.len())?;
    Ok(match bytes.starts_with(begin) {
        true => Release::End,
        false => Release::Nothing,
    })
}

/// The same, as a finding.
pub fn held_back(bench: &Bench, server: &Server, much: &[u8], begin: &[u8]) -> Checked<Finding> {
    Ok(match release(bench, server, much, begin)? {
        Release::Much => Finding::new("dialogue.unflushed", &[]).mistake("unflushed-buffer"),
        Release::End => Finding::new("dialogue.at-end", &[]),
        Release::Nothing => Finding::new("dialogue.silence", &[]),
    })
}

/// What a program does with more than it should take.
pub enum Excess {
    /// It keeps it in memory.
    Keeps,
    /// It ends the connection after all.
    Ends,
    /// It reads it, or does not, and goes on.
    Ignores,
}

/// The memory that it uses, in KiB.
pub fn memory(server: &Server) -> u64 {
    server.program.processes().memory() >> 10
}

/// Sends `count` bytes more, and looks what the program does with them, which used `before` KiB of memory when it knew
/// nothing of them: some take the room for all of it as soon as they hear how much will come.
pub fn excess(
    bench: &Bench,
    server: &Server,
    client: &Peer,
    count: usize,
    before: u64,
) -> Checked<Excess> {
    let wanted = count as u64 >> 11;
    let deadline = match client.send(&vec![b'x'; count]) {
        // What it does not take, it cannot keep.
        Err(Stop::Failed(_)) => Instant::now() + DYING,
        sent => sent.map(|()| bench.answer())?,
    };
    let grown = loop {
        let grown = memory(server).saturating_sub(before);
        if grown >= wanted || Instant::now() > deadline {
            break grown;
        }
        bench.check_stop()?;
        std::thread::sleep(Duration::from_millis(20));
    };
    bench.tell("dialogue.memory", &[("before", &before), ("grown", &grown)]);
    if grown >= wanted {
        return Ok(Excess::Keeps);
    }
    let (_, ended) = client.receive(Instant::now() + DYING, |bytes| !bytes.is_empty())?;
    Ok(match ended {
        Some(Instead::End | Instead::Reset) => Excess::Ends,
        _ => Excess::Ignores,
    })
}
