//! Chapter 4.

use crate::cli::Framing;
use crate::error::Result;
use crate::stage::Stage;

/// Runs it.
pub fn run(_args: &Framing, _stage: &Stage) -> Result<()> {
    Ok(())
}
