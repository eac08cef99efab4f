//! The common part of the plans of mask rules, scores and fill strategies.

use crate::descriptor::Declared;
use compose_core::KindError;
use compose_plugin::abi;

/// An index that was not written: no scene has so many bands, no stack so many scenes.
pub(crate) const NOT_SAID: u32 = u32::MAX;

/// Refuses a plan in which the plugin has replaced the host's buffer for indices, or its capacity.
pub(crate) fn in_place(at: *mut u32, capacity: u32, written: &[u32], what: &str) -> Result<(), String> {
    if at.cast_const() == written.as_ptr() && capacity as usize == written.len() {
        return Ok(());
    }
    Err(format!("has changed the pointer {what} or its capacity; write indices to where {what} points"))
}

/// Refuses a halo above the limit of the header: every block reads as many pixels more on each side.
pub(crate) fn halo(halo: u32) -> Result<usize, String> {
    match halo {
        0..=abi::MAX_HALO => Ok(halo as usize),
        _ => Err(format!("asks for a halo of {halo} px; at most {} are given", abi::MAX_HALO)),
    }
}

pub(crate) fn same_plan(declared: &Declared, same: bool) -> Result<(), KindError> {
    let message =
        || format!("{}: plan: two instances with the same settings answer differently", declared.who());
    if same { Ok(()) } else { Err(KindError::new(message())) }
}
