//! Shows the book in a browser while it is being written.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tiny_http::{Header, Request, Response, Server};

use crate::build::build;

/// Changes within this time are one: editors write a file in several steps.
const TOGETHER: Duration = Duration::from_millis(300);

/// What is waited for.
enum Event {
    Changed,
    Stop,
}

/// A book that is being served.
pub struct Served {
    root: PathBuf,
    dest: Option<PathBuf>,
    built: PathBuf,
    server: Arc<Server>,
    events: Receiver<Event>,
    tell: Sender<Event>,
    _watcher: RecommendedWatcher,
}

/// Ends the serving.
pub struct Stop(Sender<Event>);

impl Stop {
    /// In order: what is being built or answered is finished first.
    pub fn stop(&self) {
        // Once it is over nobody listens.
        let _ = self.0.send(Event::Stop);
    }
}

impl Served {
    /// Builds the book, and takes a port of the loopback address; 0 is any.
    ///
    /// # Errors
    /// The book is not whole, or the port is taken.
    pub fn start(root: &Path, dest: Option<&Path>, port: u16) -> Result<Self> {
        let index = build(root, dest)?;
        let built = index.parent().unwrap_or(root).to_owned();
        let server = Server::http(("127.0.0.1", port))
            .map_err(|error| anyhow!("port {port}: {error}. --port 0 takes a free one"))?;
        let (tell, events) = mpsc::channel();
        let watcher = watch(root, tell.clone())?;
        let (root, dest) = (root.to_owned(), dest.map(Path::to_owned));
        Ok(Self { root, dest, built, server: Arc::new(server), events, tell, _watcher: watcher })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.server.server_addr())
    }

    /// What ends it.
    pub fn stop(&self) -> Stop {
        Stop(self.tell.clone())
    }

    /// Waits for changes, and for all that belong together. False when it is to stop.
    fn changed(&self) -> bool {
        let mut event = self.events.recv().unwrap_or(Event::Stop);
        while let Event::Changed = event {
            match self.events.recv_timeout(TOGETHER) {
                Ok(next) => event = next,
                Err(_) => return true,
            }
        }
        false
    }

    /// Answers, and builds the book again when a source changes, until it is stopped. `again` is told how each build went.
    ///
    /// # Errors
    /// The thread that answers has failed.
    pub fn run(self, again: impl Fn(Result<PathBuf>)) -> Result<()> {
        let (server, built) = (Arc::clone(&self.server), self.built.clone());
        let answers = thread::spawn(move || answer(&server, &built));
        while self.changed() {
            again(build(&self.root, self.dest.as_deref()));
        }
        self.server.unblock();
        answers.join().map_err(|_| anyhow!("the server's thread panicked"))
    }
}

/// Serves the book until Ctrl-C, and says what it does.
///
/// # Errors
/// See [`Served`].
pub fn serve(root: &Path, dest: Option<&Path>, port: u16, open: bool) -> Result<()> {
    let served = Served::start(root, dest, port)?;
    let (url, stop) = (served.url(), served.stop());
    ctrlc::set_handler(move || stop.stop()).context("Ctrl-C")?;
    println!("{url}   Ctrl-C ends it");
    if open {
        open::that_detached(&url).context("no browser could be started")?;
    }
    served.run(|built| match built {
        Ok(_) => println!("built again"),
        Err(error) => eprintln!("error: {error:#}"),
    })
}

/// Tells of every change to what the book is made of.
fn watch(root: &Path, tell: Sender<Event>) -> Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |seen: notify::Result<notify::Event>| {
        // Building reads the sources: that is no change.
        if seen.is_ok_and(|event| !event.kind.is_access()) {
            // Once it is over nobody listens.
            let _ = tell.send(Event::Changed);
        }
    })?;
    let repository = root.parent().unwrap_or(root);
    let sources = ["src", "runs", "theme", "book.toml"].map(|name| root.join(name));
    let shown = ["src", "lessons"].map(|name| repository.join(name));
    for source in sources.iter().chain(&shown).filter(|source| source.exists()) {
        watcher.watch(source, RecursiveMode::Recursive)?;
    }
    Ok(watcher)
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
