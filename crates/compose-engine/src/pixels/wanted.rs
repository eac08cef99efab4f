//! The part of a scene that shows wanted pixels: it is read no further than that.

use super::planes::LAYOUT;
use super::reader::SceneReader;
use crate::error::EngineError;
use crate::plan::{BandId, GroupId, SceneId};
use compose_core::{Block, Window};
use compose_io::align::Alignment;
use ndarray::{Array2, ArrayView2, s};

impl SceneReader<'_> {
    /// The smallest part of `window` around the wanted pixels (1) that `scene` may show, and `beside` pixels around them,
    /// with what the scene has there; `None` where it shows none of them.
    pub fn read_wanted(
        &self,
        (scene, masked): (SceneId, bool),
        window: Window,
        wanted: &Array2<u8>,
        beside: usize,
    ) -> Result<Option<(Window, Block)>, EngineError> {
        let Some(part) = around(window, wanted.view(), beside) else { return Ok(None) };
        let as_usual = || Ok(self.read_where(scene, part, masked, None)?.map(|block| (part, block)));
        let [group] = &self.view.scenes[scene].groups[..] else { return as_usual() };
        let is_pasted = matches!(group.alignment, Alignment::Paste { .. });
        if !is_pasted || !masked || self.scope.held_out.is_some() || !self.reaches(scene, part) {
            return as_usual();
        }
        let Some(at) = self.native_reading(scene, GroupId(0), part) else { return Ok(None) };
        let Some(unusable) = self.unusable(scene, GroupId(0), at)? else { return as_usual() };
        // The masks tell before a band is read.
        let mut clear = within(window, wanted.view(), part).to_owned();
        unusable.clear(at.window, clear.as_slice_mut().expect(LAYOUT));
        let block = match around(part, clear.view(), beside) {
            None => None,
            Some(seen) => {
                // Pasted windows are shifted alike.
                let shift = (at.window.col - part.col, at.window.row - part.row);
                let of_seen = self.reading(seen).shift(shift.0, shift.1);
                let bands = group.bands.iter().copied().filter(|band| self.bands.contains(&band.index()));
                let mut block = self.native(scene, &bands.collect::<Vec<BandId>>(), of_seen, None)?;
                unusable.clear_part(at.window, of_seen.window, block.valid.as_slice_mut().expect(LAYOUT));
                Some((seen, block))
            }
        };
        self.worker.buffers.give_unusable(Some(unusable));
        Ok(block)
    }
}

/// The smallest part of a window around its marked pixels (1), widened by `beside` pixels within it.
fn around(window: Window, marked: ArrayView2<'_, u8>, beside: usize) -> Option<Window> {
    let (mut top, mut bottom, mut left, mut right) = (usize::MAX, 0, usize::MAX, 0);
    for (row, marks) in marked.outer_iter().enumerate() {
        let Some(first) = marks.iter().position(|mark| *mark != 0) else { continue };
        let last = marks.iter().rposition(|mark| *mark != 0).unwrap_or(first);
        (top, bottom) = (top.min(row), row + 1);
        (left, right) = (left.min(first), right.max(last + 1));
    }
    if bottom == 0 {
        return None;
    }
    let tight = Window { col: left as i64, row: top as i64, width: right - left, height: bottom - top };
    tight.shift(window.col, window.row).expand(beside).intersect(window)
}

/// The marks of a part of a window.
pub fn within(window: Window, marks: ArrayView2<'_, u8>, part: Window) -> ArrayView2<'_, u8> {
    let (row, col) = ((part.row - window.row) as usize, (part.col - window.col) as usize);
    marks.slice_move(s![row..row + part.height, col..col + part.width])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::unusable::Unusable;
    use ndarray::Array2;

    const WINDOW: Window = Window { col: -3, row: 40, width: 9, height: 7 };

    fn marked(places: &[(usize, usize)]) -> Array2<u8> {
        let mut marks = Array2::zeros((WINDOW.height, WINDOW.width));
        places.iter().for_each(|at| marks[*at] = 1);
        marks
    }

    #[test]
    fn the_part_holds_what_is_wanted_and_what_lies_around_it_as_far_as_the_window_goes() {
        assert_eq!(around(WINDOW, marked(&[]).view(), 1), None);
        let wanted = marked(&[(2, 4), (5, 3)]);
        let tight = Window { col: 0, row: 42, width: 2, height: 4 };
        assert_eq!(around(WINDOW, wanted.view(), 0), Some(tight));
        assert_eq!(around(WINDOW, wanted.view(), 1), Some(tight.expand(1)));
        assert_eq!(around(WINDOW, wanted.view(), 20), Some(WINDOW));
        let part = within(WINDOW, wanted.view(), tight);
        assert_eq!(part, ndarray::arr2(&[[0, 1], [0, 0], [0, 0], [1, 0]]));
    }

    #[test]
    fn a_part_is_cleared_as_the_whole_is() {
        let marks: Vec<u8> = (0..WINDOW.pixels()).map(|n| u8::from(n * 7 % 5 < 2)).collect();
        let unusable = Unusable::Marks(marks);
        let mut whole = Array2::ones((WINDOW.height, WINDOW.width));
        unusable.clear(WINDOW, whole.as_slice_mut().unwrap());
        for part in [WINDOW, Window { col: -1, row: 43, width: 4, height: 3 }] {
            let mut cleared = Array2::ones((part.height, part.width));
            unusable.clear_part(WINDOW, part, cleared.as_slice_mut().unwrap());
            assert_eq!(cleared, within(WINDOW, whole.view(), part));
        }
    }
}
