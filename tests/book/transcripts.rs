//! Every `console` block is played again, page by page, and compared with what it shows.
//!
//! A block has command lines, `$ socklab framing none`, and what each printed. The commands of a page run one after the
//! other on one machine. An HTML comment directly above a block steers it:
//!
//! - `<!-- run: background until "ready on" -->`: its last command runs in the background, from when it has printed that
//!   until the next heading, where it gets Ctrl-C;
//! - `<!-- run: in any order -->`: its threads race, so what each actor does is compared by itself.
//!
//! A line `...` stands for lines that are not shown.

use std::fs;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;

use regex::Regex;
use snapbox::assert::Action;
use snapbox::report::Palette;
use snapbox::{Assert, Data, IntoData};

use crate::pages::{Page, pages};
use crate::session::{Running, Session};
use crate::support::placeholders::{differing, settled};
use crate::support::skipped;
use crate::{nothing_to_complain_about, recording};

/// A line that stands for any lines.
const ELIDED: &str = "...";

/// One of them stands before each actor's name, in the fifth column.
const MARKS: [char; 8] = ['●', '○', '◆', '◇', '■', '□', '▲', '△'];

/// A `console` block.
#[derive(Debug, Default, PartialEq)]
struct Block {
    /// The number of its first line in the page, counted from 0, and how many it has, without the fences.
    lines: (usize, usize),
    /// The heading that it stands under, counted.
    section: usize,
    /// What its last command must have printed before the next block's turn, when it runs in the background.
    background: Option<String>,
    /// Its threads race.
    any_order: bool,
    /// Its commands.
    commands: Vec<Typed>,
}

/// A command line and what it printed.
#[derive(Debug, Default, PartialEq)]
struct Typed {
    line: String,
    output: Vec<String>,
}

/// The console blocks of a page.
fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut section, mut comment) = (Vec::new(), 0, "");
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        section += usize::from(line.starts_with('#'));
        if let Some(kind) = line.strip_prefix("```") {
            let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let inside: Vec<&str> = inside.collect();
            if kind == "console" {
                let lines = (number + 1, inside.len());
                let block =
                    Block { lines, section, commands: commands(&inside), ..Block::default() };
                blocks.push(block.steered(comment));
            }
        }
        comment = line;
    }
    blocks
}

fn commands(lines: &[&str]) -> Vec<Typed> {
    let mut commands: Vec<Typed> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(line), _) => commands.push(Typed { line: line.to_owned(), output: Vec::new() }),
            (None, Some(command)) if command.goes_on() => command.line += &format!("\n{line}"),
            (None, Some(command)) => command.output.push((*line).to_owned()),
            (None, None) => panic!("a console block begins with a command: {line}"),
        }
    }
    commands
}

impl Typed {
    /// Whether the command line is not over: it ends in a backslash.
    fn goes_on(&self) -> bool {
        self.line.ends_with('\\') && self.output.is_empty()
    }
}

impl Block {
    fn steered(mut self, comment: &str) -> Self {
        let comment = comment.strip_prefix("<!-- run: ").and_then(|rest| rest.strip_suffix(" -->"));
        for word in comment.into_iter().flat_map(|comment| comment.split(", ")) {
            let until =
                word.strip_prefix("background until \"").and_then(|it| it.strip_suffix('"'));
            match (word, until) {
                (_, Some(text)) => self.background = Some(text.to_owned()),
                ("in any order", _) => self.any_order = true,
                _ => panic!("what is <!-- run: {word} --> to mean?"),
            }
        }
        self
    }

    /// Whether these outputs are what it shows.
    fn shows(&self, outputs: &[String]) -> Result<(), String> {
        let settle = |text: &str| match self.any_order {
            true => by_actor(&alike(text)),
            false => alike(text),
        };
        for (command, output) in self.commands.iter().zip(outputs) {
            let (shown, seen) = (settle(&command.output.join("\n")), settle(output));
            let assert = Assert::new()
                .action(Action::Verify)
                .palette(Palette::plain())
                .normalize_paths(false);
            let same = assert.try_eq(Some(&command.line), seen.into_data(), Data::text(shown));
            same.map_err(|why| why.to_string())?;
        }
        Ok(())
    }

    /// The block as it would have to be written.
    fn written(&self, outputs: &[String]) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        for (command, output) in self.commands.iter().zip(outputs) {
            lines.extend(format!("$ {}", command.line).lines().map(str::to_owned));
            lines.extend(with_gaps(&command.output, output).ok_or_else(|| {
                format!("$ {}: what stands between `...` is gone; write it anew", command.line)
            })?);
        }
        Ok(lines)
    }
}

/// The new output, with the same parts left out as in the old: a part is found by how it begins and ends.
fn with_gaps(old: &[String], new: &str) -> Option<Vec<String>> {
    let new: Vec<String> = new.lines().map(str::to_owned).collect();
    if !old.iter().any(|line| line == ELIDED) {
        return Some(new);
    }
    let same = |one: &str, other: &str| alike(one) == alike(other);
    let (mut lines, mut from) = (Vec::new(), 0);
    for part in old.split(|line| line == ELIDED) {
        if let (Some(first), Some(last)) = (part.first(), part.last()) {
            let start = from + new[from..].iter().position(|line| same(line, first))?;
            let end = start + new[start..].iter().position(|line| same(line, last))?;
            lines.extend_from_slice(&new[start..=end]);
            from = end + 1;
        }
        lines.push(ELIDED.to_owned());
    }
    lines.pop();
    Some(lines)
}

/// The text without what differs from run to run: times, and ports that the kernel picked.
fn alike(text: &str) -> String {
    static DIFFERENT: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
        let pattern = |text| Regex::new(text).expect("a pattern");
        [
            (pattern(r"\b\d+(\.\d+)? ?(µs|ms|s|seconds?)\b"), "[TIME]"),
            // Where the checker has a program listen.
            (pattern(r"(HOST=|at )127[0-9.]+((:| SOCKLAB_PORT=)\d{5})\b"), "$1[ADDRESS]"),
            (pattern(r"(\d|\[::1\]):\d{5}\b"), "$1:[PORT]"),
            (pattern(r"(\bport |', )\d{5}\b|\[PORT \d\]"), "$1[PORT]"),
        ]
    });
    let text = settled(text, differing());
    DIFFERENT.iter().fold(text, |text, (it, name)| it.replace_all(&text, *name).into_owned())
}

/// What each actor did, by itself, and then the words that explain it: under whose call they stand is a matter of who came
/// first, and where their lines break is one of whose name is the longest so far.
fn by_actor(text: &str) -> String {
    let (mut deeds, mut words, mut actor) = (Vec::new(), Vec::new(), "");
    for line in text.lines().filter(|line| !line.ends_with("... waiting")) {
        let inside = line.trim_start();
        if let Some((_, deed)) = line.split_once(MARKS).filter(|(number, _)| number.len() == 4) {
            let words: Vec<&str> = deed.split_whitespace().collect();
            actor = words.first().copied().unwrap_or_default();
            deeds.push((actor, words.join(" ")));
        } else if line.starts_with("      ") && !inside.starts_with(['→', '←', '=']) {
            words.extend(inside.split_whitespace());
        } else {
            deeds.push((actor, inside.to_owned()));
        }
    }
    deeds.sort_by_key(|(actor, _)| *actor);
    words.sort_unstable();
    words.dedup();
    let deeds = deeds.iter().map(|(_, deed)| deed.as_str());
    deeds.chain(words).collect::<Vec<_>>().join("\n")
}

/// Plays a page; what each block's commands printed.
fn played(blocks: &[Block], session: &mut Session) -> Result<Vec<Vec<String>>, String> {
    let mut outputs: Vec<Vec<String>> = Vec::new();
    let mut behind: Vec<(usize, Running)> = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 && blocks[index - 1].section != block.section {
            interrupted(&mut behind, &mut outputs)?;
        }
        let (last, others) = block.commands.split_last().expect("a block has a command");
        let mut own = Vec::new();
        for command in others {
            own.push(session.run(&command.line)?);
        }
        if let Some(text) = &block.background {
            let mut running = session.start(&last.line);
            running.wait_for(text)?;
            behind.push((index, running));
        } else {
            own.push(session.run(&last.line)?);
        }
        outputs.push(own);
    }
    interrupted(&mut behind, &mut outputs)?;
    Ok(outputs)
}

/// Ends what runs in the background, the last first.
fn interrupted(
    behind: &mut Vec<(usize, Running)>,
    outputs: &mut [Vec<String>],
) -> Result<(), String> {
    while let Some((index, running)) = behind.pop() {
        outputs[index].push(running.interrupt()?);
    }
    Ok(())
}

/// Plays a page and says what is not as it shows, or records it.
fn check(page: &Page) -> Result<(), String> {
    let blocks = blocks(&page.text);
    if blocks.is_empty() {
        return Ok(());
    }
    let outputs = played(&blocks, &mut Session::new()?)?;
    let (mut complaints, mut anew) = (Vec::new(), Vec::new());
    for (block, outputs) in blocks.iter().zip(&outputs) {
        if let Err(difference) = block.shows(outputs) {
            match recording() {
                true => anew.push((block, block.written(outputs)?)),
                false => complaints.push(format!("line {}\n{difference}", block.lines.0)),
            }
        }
    }
    if !anew.is_empty() {
        fs::write(&page.path, rewritten(&page.text, &anew)).map_err(|why| why.to_string())?;
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

/// The page with these blocks written anew.
fn rewritten(text: &str, anew: &[(&Block, Vec<String>)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (block, new) in anew.iter().rev() {
        let (start, count) = block.lines;
        lines.splice(start..start + count, new.iter().cloned());
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_transcript_is_what_the_program_prints_today() {
    if let Err(why) = Session::new() {
        return skipped(&why);
    }
    let wanted = std::env::var("BOOK_PAGE").unwrap_or_default();
    let pages: Vec<Page> = pages().into_iter().filter(|page| page.name.contains(&wanted)).collect();
    let (next, complaints) = (Mutex::new(pages.iter()), Mutex::new(Vec::new()));
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(page) = take() {
            if let Err(why) = check(page) {
                let told = format!("book/src/{}, {why}", page.name);
                complaints.lock().unwrap_or_else(PoisonError::into_inner).push(told);
            }
        }
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    nothing_to_complain_about(&complaints.into_inner().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Page
<!-- run: background until \"ready on\", in any order -->
```console
$ socklab tcp-server
ready on 127.0.0.1:8888
```
## Next
```console
$ echo \\
one
one
$ echo two
two
```
";

    #[test]
    fn blocks_are_found_with_their_commands_and_their_steering() {
        let [server, echo] = &blocks(PAGE)[..] else { panic!("two blocks") };
        assert_eq!((server.background.as_deref(), server.any_order), (Some("ready on"), true));
        assert_eq!((server.lines, server.section), ((3, 2), 1));
        assert_eq!((echo.section, echo.commands.len()), (2, 2));
        assert_eq!(echo.commands[0].line, "echo \\\none");
        assert_eq!(echo.commands[1].output, ["two"]);
    }

    #[test]
    fn a_changed_word_is_seen_and_a_changed_time_is_not() {
        let block = &blocks(PAGE)[0];
        assert!(block.shows(&["ready on 127.0.0.1:8888".to_owned()]).is_ok());
        assert!(block.shows(&["steady on 127.0.0.1:8888".to_owned()]).is_err());
        let timed = blocks("```console\n$ x\nafter 12 ms\n...\nend\n```\n");
        assert!(timed[0].shows(&["after 13.4 s\nand\nmore\nend".to_owned()]).is_ok());
        assert!(timed[0].shows(&["before 13.4 s\nend".to_owned()]).is_err());
        assert!(timed[0].shows(&["after 13.4 s\nand".to_owned()]).is_err());
    }

    #[test]
    fn what_is_recorded_keeps_its_gaps() {
        let old = ["one", "two", "...", "nine"].map(str::to_owned);
        let anew = with_gaps(&old, "zero\none\n1.5\ntwo\nthree\nnine\nten");
        assert_eq!(anew.unwrap(), ["one", "1.5", "two", "...", "nine"]);
        assert_eq!(with_gaps(&old, "one\nthree\nnine"), None);
    }

    #[test]
    fn a_page_is_rewritten_only_where_it_changed() {
        let blocks = blocks(PAGE);
        let anew = vec![(&blocks[0], vec!["$ socklab tcp-server".to_owned()])];
        assert_eq!(rewritten(PAGE, &anew), PAGE.replace("ready on 127.0.0.1:8888\n", ""));
    }
}
