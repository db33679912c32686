//! `{{#states socklab …}}`: the TCP state diagram, with the way that each end took in a recorded run.

mod diagram;
mod draw;
mod walk;

use anyhow::Result;

use crate::recording::Recording;

/// The diagram as SVG.
///
/// # Errors
/// The recording tells of no TCP states, or of one that the diagram does not have.
pub fn html(recording: &Recording, id: &str) -> Result<String> {
    let walk = walk::walk(&recording.events)?;
    Ok(draw::svg(&recording.command, id, &walk))
}
