//! What went wrong, as data: which call, on which address, why. The words and the advice come from `reference/`.

use std::fmt;
use std::io;

/// The result of whatever a demo does.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a demo ended without doing what it set out to do.
#[derive(Debug)]
pub enum Error {
    /// A call failed.
    Call {
        /// The C function: `bind`.
        call: &'static str,
        /// What it was called on, as the user knows it: an address, a host, `the server`.
        on: String,
        /// Why.
        source: io::Error,
    },
    /// A name has no address.
    Resolve {
        /// The name.
        host: String,
        /// The error's name: `EAI_NONAME`.
        name: String,
        /// The system's words for it.
        message: String,
    },
    /// The peer or the user's request stood in the way, not a call.
    Failed {
        /// Which words: `tcp-client.refused`.
        what: &'static str,
        /// What to fill in, by name.
        blanks: Vec<(&'static str, String)>,
    },
    /// Ctrl-C or SIGTERM came before it was done.
    Interrupted,
}

impl Error {
    /// For `map_err`: an error of the call named `call`, on `on`.
    pub fn during(call: &'static str, on: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let on = on.to_string();
        move |source| Self::Call { call, on, source }
    }

    /// A failure that is no call's: `what` names the words in `reference/`, `blanks` is filled in.
    pub fn failed<const N: usize>(what: &'static str, blanks: [(&'static str, String); N]) -> Self {
        Self::Failed { what, blanks: blanks.into() }
    }

    /// The program's exit status: 1 for what failed, 130 (as the shell has it for SIGINT) for what was interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => 130,
            _ => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Call { call, on, source } => write!(f, "{call} {on}: {source}"),
            Self::Resolve { host, name, message } => write!(f, "{host}: {message} ({name})"),
            Self::Failed { what, .. } => f.write_str(what),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Call { source, .. } => Some(source),
            _ => None,
        }
    }
}
