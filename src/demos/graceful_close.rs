//! Chapter 6.

use crate::cli::GracefulClose;
use crate::error::Result;
use crate::stage::Stage;

/// Runs it.
pub fn run(_args: &GracefulClose, _stage: &Stage) -> Result<()> {
    Ok(())
}
