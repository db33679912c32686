//! Chapter 8.

use crate::cli::RawPing;
use crate::error::Result;
use crate::stage::Stage;

/// Runs it.
pub fn run(_args: &RawPing, _stage: &Stage) -> Result<()> {
    Ok(())
}
