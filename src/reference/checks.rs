//! What the checker says: titles, stories, causes. One file for each exercise, and `check.toml` for what they share.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use toml::{Table, Value};

use super::parse;

static CHECKS: LazyLock<BTreeMap<&'static str, Table>> = LazyLock::new(|| {
    let files = [
        ("check", include_str!("en/checks/check.toml")),
        ("chat-client", include_str!("en/checks/chat-client.toml")),
        ("chat-server", include_str!("en/checks/chat-server.toml")),
        ("dialogue", include_str!("en/checks/dialogue.toml")),
        ("length-prefix", include_str!("en/checks/length-prefix.toml")),
        ("line-length", include_str!("en/checks/line-length.toml")),
        ("echo", include_str!("en/checks/echo.toml")),
        ("many-clients", include_str!("en/checks/many-clients.toml")),
        ("raw-ping", include_str!("en/checks/raw-ping.toml")),
        ("reply-and-close", include_str!("en/checks/reply-and-close.toml")),
        ("client", include_str!("en/checks/client.toml")),
        ("half-close", include_str!("en/checks/half-close.toml")),
        ("robust-client", include_str!("en/checks/robust-client.toml")),
        ("tcp-echo", include_str!("en/checks/tcp-echo.toml")),
        ("udp-echo", include_str!("en/checks/udp-echo.toml")),
        ("heartbeat", include_str!("en/checks/heartbeat.toml")),
    ];
    files.into_iter().map(|(name, text)| (name, parse(text))).collect()
});

/// The words named `id`: `tcp-echo.bytes.changed` is `changed` in the table `bytes` of `tcp-echo.toml`.
pub fn check_words(id: &str) -> Option<&'static str> {
    let mut names = id.split('.');
    let mut table = CHECKS.get(names.next()?)?;
    loop {
        match table.get(names.next()?)? {
            Value::String(words) => return names.next().is_none().then_some(words),
            Value::Table(inner) => table = inner,
            _ => return None,
        }
    }
}
