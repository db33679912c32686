//! `{{#reference calls}}` and its like: the appendices, which `socklab explain NAME` says in the terminal too.

use anyhow::{Result, bail};
use socklab::reference::{Entry, Kind, entries};

/// All entries of a kind, as Markdown.
///
/// # Errors
/// There is no such kind.
pub fn markdown(kind: &str) -> Result<String> {
    let kind = match kind {
        "calls" => Kind::Calls,
        "options" => Kind::Options,
        "errnos" => Kind::Errnos,
        "states" => Kind::States,
        other => bail!("{other:?} is none of calls, options, errnos, states"),
    };
    Ok(entries(kind).map(|entry| self::entry(kind, entry)).collect())
}

fn entry(kind: Kind, entry: &Entry) -> String {
    let mut text = format!("\n## {}\n\n", entry.name);
    if !entry.also.is_empty() {
        let others: Vec<String> = entry.also.iter().map(|other| format!("`{other}`")).collect();
        text += &format!("Also {}.\n\n", others.join(", "));
    }
    if let Some(c) = &entry.c {
        text += &format!("```c\n{c}\n```\n\n");
    }
    for (label, sentence) in [("", &entry.why), ("Set: ", &entry.set), ("Read: ", &entry.get)] {
        if let Some(sentence) = sentence {
            text += &format!("{label}**{}**\n\n", plain(sentence));
        }
    }
    text += &format!("{}\n\n", plain(&entry.long));
    text += &table(kind, entry);
    text += &format!("See {}.\n", see(&entry.see));
    text
}

/// What is said instead when something particular happened.
fn table(kind: Kind, entry: &Entry) -> String {
    if entry.when.is_empty() {
        return String::new();
    }
    let head = if kind == Kind::Options { "value" } else { "when" };
    let mut text = format!("| {head} | what it means |\n| --- | --- |\n");
    for (fact, sentence) in &entry.when {
        text += &format!("| `{}` | {} |\n", fact.replace('|', "\\|"), cell(sentence));
    }
    text + "\n"
}

fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|").replace('\n', " ")
}

/// The reference's words are no Markdown: what would be taken for it is escaped.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\`*_[]<>#".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Where to read on, as links where it is known where that is.
pub fn see(sources: &[String]) -> String {
    let linked: Vec<String> = sources.iter().map(|source| linked(source)).collect();
    linked.join(", ")
}

fn linked(source: &str) -> String {
    match manual(source).or_else(|| rfc(source)) {
        Some(address) => format!("[{source}]({address})"),
        None => source.to_owned(),
    }
}

/// `recv(2)`
fn manual(source: &str) -> Option<String> {
    let (name, section) = source.strip_suffix(')')?.split_once('(')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_section = section.len() == 1 && section.chars().all(|c| c.is_ascii_digit());
    let known = is_section && name.chars().all(is_name);
    known.then(|| format!("https://man7.org/linux/man-pages/man{section}/{name}.{section}.html"))
}

/// `RFC 9293 section 3.6`
fn rfc(source: &str) -> Option<String> {
    let rest = source.strip_prefix("RFC ")?;
    let (number, section) = match rest.split_once(" section ") {
        Some((number, section)) => (number, format!("#section-{section}")),
        None => (rest, String::new()),
    };
    let known = number.chars().all(|c| c.is_ascii_digit());
    known.then(|| format!("https://www.rfc-editor.org/rfc/rfc{number}{section}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_heading_of_its_own() {
        for (kind, name) in [
            ("calls", "recv"),
            ("options", "SO_LINGER"),
            ("errnos", "EAGAIN"),
            ("states", "TIME_WAIT"),
        ] {
            assert!(markdown(kind).unwrap().contains(&format!("\n## {name}\n")), "{name}");
        }
        assert!(markdown("poems").is_err());
    }

    #[test]
    fn manual_pages_and_sections_become_links() {
        assert_eq!(
            linked("recv(2)"),
            "[recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)"
        );
        let section =
            "[RFC 9293 section 3.6.1](https://www.rfc-editor.org/rfc/rfc9293#section-3.6.1)";
        assert_eq!(linked("RFC 9293 section 3.6.1"), section);
        assert_eq!(linked("RFC 768"), "[RFC 768](https://www.rfc-editor.org/rfc/rfc768)");
        assert_eq!(linked("POSIX.1-2024"), "POSIX.1-2024");
    }

    #[test]
    fn words_are_not_taken_for_markup() {
        assert_eq!(plain("a_b *c* <d>"), "a\\_b \\*c\\* \\<d\\>");
        assert_eq!(cell("a|b"), "a\\|b");
    }
}
