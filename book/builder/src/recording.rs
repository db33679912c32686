//! A recorded run: the events that the program told with `--format json`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use socklab::narrate::event::Event;

/// What records all of them anew.
const RECORD: &str = "SNAPSHOTS=overwrite cargo test --test book";

/// One run.
pub struct Recording {
    /// The command, as it is typed: `socklab graceful-close graceful`.
    pub command: String,
    /// What happened, in the order in which it was told.
    pub events: Vec<Event>,
}

impl Recording {
    /// Reads the run of `command` from the folder `runs`.
    ///
    /// # Errors
    /// The command is not socklab's, or it was not recorded.
    pub fn read(runs: &Path, command: &str) -> Result<Self> {
        let own = command.strip_prefix("sudo ").unwrap_or(command).trim();
        let Some(args) = own.strip_prefix("socklab ") else {
            bail!("only a command that begins with `socklab` or `sudo socklab` is recorded");
        };
        let path = runs.join(format!("{}.jsonl", slug(args)));
        let text = fs::read_to_string(&path)
            .with_context(|| format!("no recording {}. {RECORD} records it", path.display()))?;
        let events = text.lines().enumerate().map(|(index, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}:{}: no event", path.display(), index + 1))
        });
        let events = events.collect::<Result<Vec<Event>>>()?;
        if events.is_empty() {
            bail!("{} is empty. {RECORD} records it", path.display());
        }
        Ok(Self { command: command.to_owned(), events })
    }
}

/// The recording's name: every run of characters other than ASCII letters and digits is one hyphen.
pub fn slug(args: &str) -> String {
    let words = args.split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_named_after_its_command() {
        assert_eq!(slug("graceful-close graceful"), "graceful-close-graceful");
        assert_eq!(slug(" udp-heartbeat --count 3  --quiet "), "udp-heartbeat-count-3-quiet");
    }

    #[test]
    fn a_missing_recording_says_how_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let error = Recording::read(folder.path(), "socklab framing none").err().unwrap();
        let said = format!("{error:#}");
        assert!(said.contains("framing-none.jsonl") && said.contains(RECORD), "{said}");
    }

    #[test]
    fn only_the_program_itself_is_recorded() {
        assert!(Recording::read(Path::new("."), "python3 x.py").is_err());
    }
}
