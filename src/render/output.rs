//! Where lines go: whole, one block at a time, until nobody reads them any more.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Takes one block of text: one or more lines, each with its end.
pub type Sink = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// The place that all renderers of a run write to. Blocks of different threads do not tear each other.
pub struct Output {
    sink: Mutex<Sink>,
    closed: AtomicBool,
    failure: Mutex<Option<io::Error>>,
    on_closed: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Output {
    /// Writes to `writer`, and flushes it after every block.
    pub fn new(mut writer: Box<dyn Write + Send>) -> Arc<Self> {
        let sink: Sink = Box::new(move |text| {
            writer.write_all(text.as_bytes())?;
            writer.flush()
        });
        Arc::new(Self {
            sink: Mutex::new(sink),
            closed: AtomicBool::new(false),
            failure: Mutex::new(None),
            on_closed: Mutex::new(None),
        })
    }

    /// Writes to `sink` from now on: a line editor that keeps what is being typed in one piece.
    pub fn set_sink(&self, sink: Sink) {
        *lock(&self.sink) = sink;
    }

    /// Has `callback` called, once, when nobody reads any more (`| head`). It may ask the program to end.
    pub fn on_closed(&self, callback: impl FnOnce() + Send + 'static) {
        *lock(&self.on_closed) = Some(Box::new(callback));
        if self.closed() {
            self.tell_closed();
        }
    }

    /// Whether writing has failed. Nothing is written then any more.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Why writing failed, if it did: [`io::ErrorKind::BrokenPipe`] when nobody reads any more.
    pub fn failure(&self) -> Option<io::Error> {
        lock(&self.failure).take()
    }

    /// Writes `text`, and a line's end after it when it has none.
    pub fn line(&self, text: &str) {
        if text.ends_with('\n') { self.block(text) } else { self.block(&format!("{text}\n")) }
    }

    fn block(&self, text: &str) {
        let mut sink = lock(&self.sink);
        if self.closed() {
            return;
        }
        let Err(error) = sink(text) else { return };
        self.closed.store(true, Ordering::Release);
        drop(sink);
        *lock(&self.failure) = Some(error);
        self.tell_closed();
    }

    /// With no lock held while the callback runs: it may write.
    fn tell_closed(&self) {
        let callback = lock(&self.on_closed).take();
        if let Some(callback) = callback {
            callback();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    struct Pipe {
        room: usize,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.room -= 1;
            lock(&self.written).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_told_once_and_written_to_no_more() {
        let (written, told) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let output = Output::new(Box::new(Pipe { room: 2, written: Arc::clone(&written) }));
        let count = Arc::clone(&told);
        output.on_closed(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        for line in ["one", "two\n", "three", "four"] {
            output.line(line);
        }
        assert!(output.closed());
        assert_eq!(told.load(Ordering::SeqCst), 1);
        assert_eq!(*lock(&written), b"one\ntwo\n");
    }

    #[test]
    fn who_comes_late_is_told_too() {
        let output = Output::new(Box::new(Pipe { room: 0, written: Arc::default() }));
        output.line("one");
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        output.on_closed(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(told.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn the_sink_can_be_changed_while_running() {
        let (before, after) = (Arc::default(), Arc::new(Mutex::new(String::new())));
        let output = Output::new(Box::new(Pipe { room: 9, written: Arc::clone(&before) }));
        output.line("one");
        let editor = Arc::clone(&after);
        output.set_sink(Box::new(move |text| {
            lock(&editor).push_str(text);
            Ok(())
        }));
        output.line("two");
        assert_eq!(*lock(&before), b"one\n");
        assert_eq!(*lock(&after), "two\n");
    }
}
