//! Violations of the header that do not depend on the answer of a kind: writes outside planes, changed inputs.

use super::buffers::Guarded;
use super::findings::Fault;
use super::stop::Stop;
use crate::planes::Sample;

pub fn plan_fault(message: String) -> Stop {
    Fault::new(
        format!("plan: {message}"),
        "a plan within the limits of the header",
        "correct the plan; refuse settings that it cannot work with",
    )
    .into()
}

/// The mistake of a write outside a plane.
pub fn trespass<T: Sample>(planes: &[Guarded<T>], step: &str) -> Option<Fault> {
    let place = planes.iter().find_map(Guarded::trespass)?;
    Some(Fault::new(
        format!("wrote outside the pixels that it was asked for, {place}: {step}"),
        "rows 0 to height - 1, columns 0 to width - 1; rows are `stride` bytes apart",
        "check the loops' ends, and step from row to row by `stride`",
    ))
}

/// The mistake of a changed input.
pub fn changed(before: &[[Vec<u8>; 2]], after: &[[Vec<u8>; 2]], step: &str) -> Option<Fault> {
    (before != after).then(|| {
        Fault::new(
            format!("changed the pixels that it was given to read: {step}"),
            "planes of the input are read only",
            "copy what has to be changed",
        )
    })
}

/// Numbers past the room that a plan has for indices.
const ROOM: usize = 64;
const UNTOUCHED: u32 = 0xA5A5_A5A5;

/// Room for indices, and guards behind.
pub fn room(mut indices: Vec<u32>) -> Vec<u32> {
    indices.extend([UNTOUCHED; ROOM]);
    indices
}

pub fn check_room(indices: &[u32], capacity: usize, what: &str) -> Result<(), Stop> {
    if indices[capacity..].iter().all(|n| *n == UNTOUCHED) {
        return Ok(());
    }
    Err(Fault::new(
        format!("plan: wrote more {what} than there is room for ({capacity})"),
        format!("at most {capacity} indices"),
        "compare with the capacity before writing",
    )
    .into())
}
