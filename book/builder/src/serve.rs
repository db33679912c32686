//! Shows the book in a browser while it is being written.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use notify_debouncer_mini::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};
use tiny_http::{Header, Request, Response, Server};

use crate::build::build;

/// Changes within this time are one: editors write a file in several steps.
const TOGETHER: Duration = Duration::from_millis(300);

/// What the command waits for.
enum Event {
    Changed,
    Stop,
}

/// Builds the book, serves it on the loopback address, and builds it again when a source changes; until Ctrl-C.
///
/// # Errors
/// The first build fails, or the port is taken.
pub fn serve(root: &Path, dest: Option<&Path>, port: u16, open: bool) -> Result<()> {
    let index = build(root, dest)?;
    let built = index.parent().unwrap_or(root).to_owned();
    let server = Server::http(("127.0.0.1", port))
        .map_err(|error| anyhow!("port {port}: {error}. --port 0 takes a free one"))?;
    let server = Arc::new(server);
    let (tell, events) = mpsc::channel();
    let _watcher = watch(root, tell.clone())?;
    ctrlc::set_handler(move || _ = tell.send(Event::Stop)).context("Ctrl-C")?;
    let url = format!("http://{}/", server.server_addr());
    println!("{url}   Ctrl-C ends it");
    if open {
        open::that_detached(&url).context("no browser could be started")?;
    }
    let answering = Arc::clone(&server);
    let answers = thread::spawn(move || answer(&answering, &built));
    while let Ok(Event::Changed) = events.recv() {
        match build(root, dest) {
            Ok(_) => println!("built again"),
            Err(error) => eprintln!("error: {error:#}"),
        }
    }
    server.unblock();
    answers.join().map_err(|_| anyhow!("the server's thread panicked"))
}

/// Tells of every change to what the book is made of.
fn watch(root: &Path, tell: Sender<Event>) -> Result<Debouncer<RecommendedWatcher>> {
    let mut debouncer = new_debouncer(TOGETHER, move |changes: DebounceEventResult| {
        if changes.is_ok() {
            // Nobody listens any more: it is over.
            let _ = tell.send(Event::Changed);
        }
    })?;
    let repository = root.parent().unwrap_or(root);
    let sources = ["src", "runs", "theme", "book.toml"].map(|name| root.join(name));
    let shown = ["src", "lessons"].map(|name| repository.join(name));
    for source in sources.iter().chain(&shown).filter(|source| source.exists()) {
        debouncer.watcher().watch(source, RecursiveMode::Recursive)?;
    }
    Ok(debouncer)
}

/// Answers requests for the files in `built`, until it is unblocked.
fn answer(server: &Server, built: &Path) {
    for request in server.incoming_requests() {
        // Who asked may be gone.
        let _ = respond(request, built);
    }
}

fn respond(request: Request, built: &Path) -> std::io::Result<()> {
    let file = wanted(request.url()).map(|path| built.join(path));
    let file = file.map(|path| if path.is_dir() { path.join("index.html") } else { path });
    match file.and_then(|path| Some((File::open(&path).ok()?, path))) {
        Some((file, path)) => {
            request.respond(Response::from_file(file).with_header(content_type(&path)))
        }
        None => request.respond(Response::from_string("not found\n").with_status_code(404)),
    }
}

/// The file that a URL asks for; nothing if it is not below the folder of the book.
fn wanted(url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let inside = |part: Component| matches!(part, Component::Normal(_));
    Path::new(path).components().all(inside).then(|| PathBuf::from(path))
}

fn content_type(path: &Path) -> Header {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let kind = match extension {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    Header::from_bytes("Content-Type", kind).expect("these are plain ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_book_is_served() {
        assert_eq!(wanted("/a/b.html?x#y"), Some("a/b.html".into()));
        assert_eq!(wanted("/"), Some("".into()));
        assert_eq!(wanted("/../secret"), None);
        assert_eq!(wanted("/a/../../secret"), None);
    }
}
