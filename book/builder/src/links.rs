//! The finished book's links: each must lead to a file that is there, and to a place that is in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagToken, Token, TokenSink, TokenSinkResult, Tokenizer,
};

/// All chapters in one: mdBook writes its links anew, and not all of them well.
const PRINT: &str = "print.html";

/// What a page leads to, and what in it can be led to.
#[derive(Default)]
struct Anchors {
    links: RefCell<BTreeSet<String>>,
    places: RefCell<HashSet<String>>,
}

impl TokenSink for Anchors {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let TagToken(tag) = token {
            self.tag(&tag);
        }
        TokenSinkResult::Continue
    }
}

impl Anchors {
    fn of(html: &str) -> Self {
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        let tokenizer = Tokenizer::new(Self::default(), Default::default());
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink
    }

    fn tag(&self, tag: &Tag) {
        // Where the other links of the page not found start from.
        if &*tag.name == "base" {
            return;
        }
        for attribute in &tag.attrs {
            let value = attribute.value.to_string();
            match &*attribute.name.local {
                "id" => _ = self.places.borrow_mut().insert(value),
                "name" if &*tag.name == "a" => _ = self.places.borrow_mut().insert(value),
                "href" | "src" => _ = self.links.borrow_mut().insert(value),
                _ => {}
            }
        }
    }
}

/// Follows every link inside the book in the folder `book`.
///
/// # Errors
/// Some lead nowhere; the error names each with its page.
pub fn check(book: &Path) -> Result<()> {
    let pages = pages(book)?;
    let mut dead = Vec::new();
    for (page, anchors) in &pages {
        if page == Path::new(PRINT) {
            continue;
        }
        for link in anchors.links.borrow().iter() {
            if let Some(problem) = follow(book, &pages, page, link) {
                dead.push(format!("{}: {link}: {problem}", page.display()));
            }
        }
    }
    if !dead.is_empty() {
        bail!("links that lead nowhere:\n  {}", dead.join("\n  "));
    }
    Ok(())
}

/// Every page by its path in the book.
fn pages(book: &Path) -> Result<BTreeMap<PathBuf, Anchors>> {
    let (mut pages, mut folders) = (BTreeMap::new(), vec![book.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                let html = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                pages.insert(path.strip_prefix(book)?.to_owned(), Anchors::of(&html));
            }
        }
    }
    Ok(pages)
}

/// What is wrong with a link.
fn follow(
    book: &Path,
    pages: &BTreeMap<PathBuf, Anchors>,
    page: &Path,
    link: &str,
) -> Option<String> {
    if is_outside(link) {
        return None;
    }
    let (file, place) = link.split_once('#').unwrap_or((link, ""));
    let file = file.split('?').next().unwrap_or_default();
    let target = match file {
        "" => page.to_owned(),
        file => match resolved(page, &unescaped(file)) {
            Some(target) => target,
            None => return Some("outside the book".to_owned()),
        },
    };
    if !book.join(&target).is_file() {
        return Some(format!("there is no file {}", target.display()));
    }
    let places = pages.get(&target).map(|anchors| anchors.places.borrow());
    let found = place.is_empty() || places.is_none_or(|places| places.contains(&unescaped(place)));
    (!found).then(|| format!("{} has no {place:?}", target.display()))
}

/// It begins with a scheme (`https:`), or with the name of another server.
fn is_outside(link: &str) -> bool {
    let scheme = link.split([':', '/', '#']).next().unwrap_or_default();
    link.starts_with("//") || (link[scheme.len()..].starts_with(':') && !scheme.is_empty())
}

/// The file that `link` means on `page`; nothing if that is not in the book.
fn resolved(page: &Path, link: &str) -> Option<PathBuf> {
    let mut target = page.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => target.push(name),
            Component::ParentDir => {
                if !target.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(target)
}

/// `%20` and its like as the bytes they stand for.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%');
        let code = code.and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a book of two pages, of which the second, in a folder, has this link.
    fn wrong(link: &str) -> Option<String> {
        let book = tempfile::tempdir().unwrap();
        fs::create_dir(book.path().join("in")).unwrap();
        fs::write(book.path().join("a b.html"), "<h2 id=\"here\">x</h2><!-- id=\"not\" -->")
            .unwrap();
        fs::write(book.path().join("in/b.html"), format!("<p id=own><a href=\"{link}\">y</a>"))
            .unwrap();
        check(book.path()).err().map(|error| error.to_string())
    }

    #[test]
    fn a_link_that_leads_somewhere_is_right() {
        for link in [
            "../a%20b.html",
            "../a b.html#here",
            "#own",
            "b.html?x=1#own",
            "https://example.org/#x",
            "//x",
            "mailto:x",
        ] {
            assert_eq!(wrong(link), None, "{link}");
        }
    }

    #[test]
    fn a_dead_link_is_named_with_its_page() {
        for link in ["a.html", "../a b.html#not", "#other", "../../a.html", "/b.html", "../in"] {
            let problem = wrong(link).unwrap_or_else(|| panic!("{link} leads nowhere"));
            assert!(problem.contains(&format!("b.html: {link}")), "{problem}");
        }
    }
}
