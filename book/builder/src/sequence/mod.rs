//! `{{#sequence socklab …}}`: a recorded run as a sequence diagram. Time runs downwards; each returned call has a row.

mod draw;
mod label;
mod rows;
mod wires;

use anyhow::Result;

use crate::recording::Recording;

/// The diagram as SVG.
///
/// # Errors
/// There are no calls in the recording.
pub fn html(recording: &Recording, id: &str) -> Result<String> {
    let rows = rows::rows(&recording.events)?;
    let arrows = wires::arrows(&recording.events, &rows);
    Ok(draw::svg(&recording.command, id, &rows, &arrows))
}
