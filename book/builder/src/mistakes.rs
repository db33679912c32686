//! `{{#mistake ID PART}}` and `{{#mistakes}}`: what the reference says of the mistakes that people make with sockets.

use anyhow::{Context, Result, bail};
use socklab::reference::{Mistake, mistake, mistakes};

use crate::page::Page;
use crate::reference::see;

/// One part of one mistake: `short-send why`.
///
/// # Errors
/// There is no such mistake, or no such part of it.
pub fn part(args: &str) -> Result<String> {
    let (id, part) = args.split_once(' ').context("which part of it?")?;
    let mistake = mistake(id).with_context(|| format!("there is no mistake {id:?}"))?;
    Ok(match part.trim() {
        "written" => mistake.written.clone(),
        "seen" => mistake.seen.clone(),
        "why" => mistake.why.clone(),
        "cure" => mistake.cure.clone(),
        "summary" => mistake.summary.clone(),
        "see" => format!("Specified in {}.", see(&mistake.see)),
        "list" => list(mistake),
        other => bail!("{other:?} is none of written, seen, why, cure, see, summary, list"),
    })
}

/// What the mistake is called, where it is shown, and what catches it.
fn list(mistake: &Mistake) -> String {
    let exercises: Vec<String> = mistake.exercises.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "- Its name: `{}`\n- Shown by: `socklab {}`\n- Caught in: {}",
        mistake.id,
        mistake.chapter,
        exercises.join(", ")
    )
}

/// All of them, in the reference's order.
///
/// # Errors
/// A mistake has no page, or its chapter none.
pub fn table(page: &Page) -> Result<String> {
    let mut text = String::from(
        "| | mistake | what the program does | chapter |\n| ---: | --- | --- | --- |\n",
    );
    for (index, mistake) in mistakes().iter().enumerate() {
        let own = format!("mistakes/{}.md", mistake.id);
        if !page.knows(&own) {
            bail!("{} has no page {own}", mistake.id);
        }
        text += &format!(
            "| {} | [{}]({}) | {} | {} |\n",
            index + 1,
            mistake.title,
            page.link(&own),
            mistake.summary,
            chapter(&mistake.chapter, page)?
        );
    }
    Ok(text)
}

/// A link to the chapter: `06-graceful-close.md` is that of `graceful-close`.
fn chapter(name: &str, page: &Page) -> Result<String> {
    let mut chapters = page.chapters();
    let file = chapters.find(|file| {
        file.strip_suffix(".md")
            .and_then(|stem| stem.split_once('-'))
            .is_some_and(|(_, stem)| stem == name)
    });
    let file = file.with_context(|| format!("there is no chapter {name:?}"))?;
    Ok(format!("[{name}]({})", page.link(file)))
}
