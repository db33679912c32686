//! The twenty-four mistakes that people make with sockets: the workbook's vocabulary. One file each.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::parse;

/// One mistake. Its texts are plain Markdown: paragraphs, and code between backticks.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// Its name everywhere: `short-send`.
    #[serde(skip_deserializing)]
    pub id: &'static str,
    /// As a heading.
    pub title: String,
    /// What the program does, in one sentence.
    pub summary: String,
    /// The chapter that shows it, by its subcommand.
    pub chapter: String,
    /// The exercises that catch it.
    pub exercises: Vec<String>,
    /// Where to read on: manual pages, RFC sections.
    pub see: Vec<String>,
    /// What is written in the program.
    pub written: String,
    /// What its user and its engineer see.
    pub seen: String,
    /// Why the kernel behaves so.
    pub why: String,
    /// What to write instead.
    pub cure: String,
}

static MISTAKES: LazyLock<Vec<Mistake>> = LazyLock::new(|| {
    let files = [
        ("one-recv-one-message", include_str!("en/mistakes/one-recv-one-message.toml")),
        ("missing-delimiter", include_str!("en/mistakes/missing-delimiter.toml")),
        ("eof-ignored", include_str!("en/mistakes/eof-ignored.toml")),
        ("byte-order", include_str!("en/mistakes/byte-order.toml")),
        ("address-in-use", include_str!("en/mistakes/address-in-use.toml")),
        ("short-send", include_str!("en/mistakes/short-send.toml")),
        ("one-client-at-a-time", include_str!("en/mistakes/one-client-at-a-time.toml")),
        ("text-not-bytes", include_str!("en/mistakes/text-not-bytes.toml")),
        ("close-not-shutdown", include_str!("en/mistakes/close-not-shutdown.toml")),
        ("reset-on-unread", include_str!("en/mistakes/reset-on-unread.toml")),
        ("broken-pipe", include_str!("en/mistakes/broken-pipe.toml")),
        ("unflushed-buffer", include_str!("en/mistakes/unflushed-buffer.toml")),
        ("first-address-only", include_str!("en/mistakes/first-address-only.toml")),
        ("eagain-fatal", include_str!("en/mistakes/eagain-fatal.toml")),
        ("wrong-interface", include_str!("en/mistakes/wrong-interface.toml")),
        ("send-send-deadlock", include_str!("en/mistakes/send-send-deadlock.toml")),
        ("broadcast-under-lock", include_str!("en/mistakes/broadcast-under-lock.toml")),
        ("udp-truncation", include_str!("en/mistakes/udp-truncation.toml")),
        ("fd-leak", include_str!("en/mistakes/fd-leak.toml")),
        ("no-timeout", include_str!("en/mistakes/no-timeout.toml")),
        ("utf8-split", include_str!("en/mistakes/utf8-split.toml")),
        ("unbounded-message", include_str!("en/mistakes/unbounded-message.toml")),
        ("trusted-name", include_str!("en/mistakes/trusted-name.toml")),
        ("retry-blindly", include_str!("en/mistakes/retry-blindly.toml")),
    ];
    files.into_iter().map(|(id, text)| Mistake { id, ..parse(text) }).collect()
});

/// All of them, in the order of how many independent teaching sources name each.
pub fn mistakes() -> &'static [Mistake] {
    &MISTAKES
}

/// The mistake of that name.
pub fn mistake(id: &str) -> Option<&'static Mistake> {
    MISTAKES.iter().find(|mistake| mistake.id.eq_ignore_ascii_case(id))
}
