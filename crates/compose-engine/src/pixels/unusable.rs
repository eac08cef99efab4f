//! Pixels of a scene that must not be used.

use super::mask_cache::Bits;
use compose_core::Window;
use ndarray::ArrayView2;
use std::sync::Arc;

/// The pixels that must not be used.
pub enum Unusable {
    /// 1 for each of them.
    Marks(Vec<u8>),
    /// A bit for each pixel, kept for the whole block.
    Kept(Arc<Bits>),
}

impl Unusable {
    /// Makes them invalid in every plane.
    pub fn clear(&self, window: Window, valid: &mut [u8]) {
        for plane in valid.chunks_exact_mut(window.pixels().max(1)) {
            match self {
                Self::Marks(marks) => {
                    plane.iter_mut().zip(marks).for_each(|(valid, mark)| *valid &= 1 - mark)
                }
                Self::Kept(bits) => bits.clear(window, plane),
            }
        }
    }

    /// Makes those of a part of their window invalid in every plane.
    pub fn clear_part(&self, window: Window, part: Window, valid: &mut [u8]) {
        let Self::Marks(marks) = self else { return self.clear(part, valid) };
        let first = (part.row - window.row) as usize * window.width + (part.col - window.col) as usize;
        for plane in valid.chunks_exact_mut(part.pixels().max(1)) {
            let marks = marks[first..].chunks(window.width.max(1));
            for (valid, marks) in plane.chunks_exact_mut(part.width.max(1)).zip(marks) {
                valid.iter_mut().zip(marks).for_each(|(valid, mark)| *valid &= 1 - mark);
            }
        }
    }

    /// Whether they are all pixels of the window, or all wanted ones.
    pub fn hides_all(&self, window: Window, wanted: Option<ArrayView2<'_, u8>>) -> bool {
        match (self, wanted) {
            (Self::Kept(bits), wanted) => bits.hides(window, wanted),
            (Self::Marks(marks), Some(wanted)) => wanted.iter().zip(marks).all(|(w, u)| *w == 0 || *u != 0),
            (Self::Marks(marks), None) => marks.iter().all(|u| *u != 0),
        }
    }
}
