//! Chapter 5.

use crate::cli::RobustClient;
use crate::error::Result;
use crate::stage::Stage;

/// Runs it.
pub fn run(_args: &RobustClient, _stage: &Stage) -> Result<()> {
    Ok(())
}
