//! The texts are data: these tests are what the compiler cannot see of them.

use super::*;

fn all_entries() -> impl Iterator<Item = &'static Entry> {
    Kind::ALL.into_iter().flat_map(entries)
}

/// Sentences shown beside a call.
fn short_texts() -> impl Iterator<Item = (String, &'static str)> {
    all_entries().flat_map(|entry| {
        let own = [&entry.why, &entry.set, &entry.get].into_iter().flatten();
        let texts = own.chain(entry.when.values()).map(String::as_str);
        texts.map(|text| (entry.name.clone(), text))
    })
}

fn all_texts() -> impl Iterator<Item = (String, &'static str)> {
    let long = all_entries().map(|entry| (entry.name.clone(), entry.long.as_str()));
    let notes = notes::all().map(|(id, note)| (id, note.text.as_str()));
    let advice = ADVICE.iter().flat_map(|(call, texts)| {
        texts.iter().map(move |(key, text)| (format!("{call}.{key}"), text.as_str()))
    });
    short_texts().chain(long).chain(notes).chain(advice)
}

#[test]
fn every_file_parses_and_every_entry_says_something() {
    for entry in CALLS.values() {
        assert!(
            entry.c.is_some() && entry.why.is_some() && !entry.see.is_empty(),
            "{}",
            entry.name
        );
    }
    for entry in OPTIONS.values() {
        assert!(entry.c.is_some() && entry.get.is_some() && entry.why.is_none(), "{}", entry.name);
    }
    for entry in ERRNOS.values().chain(STATES.values()) {
        assert!(entry.why.is_some() && entry.when.is_empty(), "{}", entry.name);
    }
    assert_eq!(STATES.len(), 11);
}

#[test]
fn every_mistake_is_told_whole() {
    assert_eq!(mistakes().len(), 24);
    for mistake in mistakes() {
        let id = mistake.id;
        let known = |(note, _): (String, _)| note.split('.').next() == Some(&mistake.chapter);
        assert!(notes::all().any(known), "{id}: {}", mistake.chapter);
        assert!(!mistake.exercises.is_empty() && !mistake.see.is_empty(), "{id}");
        assert!(mistake.title.len() <= 50 && !mistake.title.ends_with('.'), "{id}");
        assert!(mistake.summary.len() <= 90 && mistake.summary.ends_with('.'), "{id}");
        for part in [&mistake.written, &mistake.seen, &mistake.why, &mistake.cure] {
            let sentences = part.matches(". ").count() + 1;
            assert!((1..=9).contains(&sentences) && part.len() > 80, "{id}: {part}");
            assert!(part.trim() == part && !part.contains("\n\n\n"), "{id}: {part:?}");
            assert_eq!(part.matches('`').count() % 2, 0, "{id}: {part}");
        }
    }
}

#[test]
fn texts_are_tidy() {
    for (name, text) in all_texts() {
        assert!(!text.contains('\t') && text.trim() == text, "{name}: {text:?}");
        assert!(!text.is_empty() || name == "socket-types.table", "{name}");
    }
    for (name, text) in short_texts() {
        let length = text.chars().count();
        assert!(length <= 130, "{name}: {length} characters: {text}");
        assert!(text.ends_with('.'), "{name}: {text}");
    }
}

#[test]
fn every_entry_is_found_by_its_names_in_any_case() {
    for entry in all_entries() {
        assert_eq!(explain(&entry.name).unwrap().name, entry.name);
        for name in &entry.also {
            assert_eq!(explain(name).unwrap().name, entry.name);
        }
    }
    assert_eq!(explain("so_linger").unwrap().name, "SO_LINGER");
    assert_eq!(explain("syn-received").unwrap().name, "SYN_RECV");
    assert_eq!(explain("listen").unwrap().c.as_deref(), Some("int listen(int fd, int backlog)"));
    assert!(explain("LISTEN").unwrap().c.is_none());
    assert!(explain("nothing").is_none());
}

#[test]
fn errnos_named_in_other_files_have_an_entry() {
    let words = CALLS.values().flat_map(|entry| entry.when.keys()).flat_map(|key| key.split(' '));
    let keys =
        ADVICE.values().flat_map(|texts| texts.keys()).filter_map(|key| key.split('.').next());
    for word in words.chain(keys).filter(|word| word.starts_with('E')) {
        let resolver_only = word.starts_with("EAI_");
        assert!(ERRNOS.contains_key(word) || resolver_only, "{word} is not in errnos.toml");
    }
}

#[test]
fn the_most_particular_fact_speaks_first() {
    let facts = |facts: &[&str]| facts.iter().map(|&fact| fact.to_owned()).collect::<Vec<_>>();
    let key = |call: &str, list: &[&str]| why(call, &facts(list)).map(|why| why.key);
    assert_eq!(key("bind", &["port 0"]).unwrap(), "port 0");
    assert_eq!(key("bind", &["EIO", "EADDRINUSE"]).unwrap(), "EADDRINUSE");
    assert_eq!(key("bind", &[]).unwrap(), "");
    assert_eq!(
        key("setsockopt", &["SO_LINGER {on, 0 s}", "SO_LINGER"]).unwrap(),
        "SO_LINGER {on, 0 s}"
    );
    assert_eq!(key("setsockopt", &["SO_LINGER {on, 9 s}", "SO_LINGER"]).unwrap(), "SO_LINGER");
    assert_eq!(
        key("close", &["EINTR"]).unwrap(),
        "EINTR",
        "an errno means something without the call"
    );
    assert_eq!(key("no such call", &[]), None);
}

#[test]
fn advice_is_the_first_there_is() {
    let keys = ["bind.EADDRINUSE.plan9", "bind.EADDRINUSE"].map(String::from);
    assert!(advice(&keys).unwrap().contains("{port}"));
    assert_eq!(advice(&["bind.EIO".to_owned()]), None);
}

#[test]
fn blanks_are_filled_and_other_braces_stay() {
    let value = |name: &str| (name == "a").then(|| "1".to_owned());
    assert_eq!(fill("{a} {b} {", value), "1 {b} {");
    assert_eq!(fill("{{a}}", value), "{1}");
}

#[test]
fn every_chapter_with_questions_has_a_heading_in_the_tour() {
    for chapter in questions::chapters() {
        let heading = note(&format!("tour.{chapter}"));
        assert!(
            heading.is_some_and(|note| note.heading),
            "nobody is ever asked those of {chapter}"
        );
    }
}
