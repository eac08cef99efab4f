//! A pool of buffers.
//!
//! A worker reads arrays of the same few sizes again and again. If the system supplied their pages each time, clearing,
//! mapping and unmapping them would cost as much as filling them.

use super::unusable::Unusable;
use crate::plan::{GroupId, SceneId, ViewId};
use compose_core::{Block, ValidityMode, Window};
use compose_io::align::Resampler;
use ndarray::Array3;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Per scene: the pixels that its block shows, and the block.
type ComparedBlocks = HashMap<SceneId, (ComparedPixels, Arc<Block>)>;

/// Buffers of blocks that were given back. Each worker has its own.
#[derive(Default)]
pub struct BufferPool {
    samples: RefCell<Vec<Vec<f32>>>,
    marks: RefCell<Vec<Vec<u8>>>,
    /// The last native windows that were computed: the band group, the window of the view, the native window.
    windows: RefCell<VecDeque<(AlignedGroup, Window, Option<Window>)>>,
    /// For comparing mask rules: the number of the job, and per scene the last block that was read for them.
    compared: RefCell<(usize, ComparedBlocks)>,
}

/// A band group of a scene that a view brings to its grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AlignedGroup {
    pub view: ViewId,
    pub scene: SceneId,
    pub group: GroupId,
}

/// Which pixels of a scene a block for comparing mask rules shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComparedPixels {
    /// A window of the scene's own grid: pasted pixels are the same on every view.
    OfScene(Window),
    /// A window of the grid of one view.
    OfView(ViewId, Window),
}

/// Number of native windows that are kept: for the scenes of a block, and for the parts of it that have gaps.
const WINDOWS: usize = 64;

impl BufferPool {
    /// A block whose samples and validity are arbitrary.
    pub fn block(&self, bands: usize, mode: ValidityMode, window: Window) -> Block {
        let shape = |planes: usize| (planes, window.height, window.width);
        let planes = mode.planes(bands);
        let values = sized(&mut self.samples.borrow_mut(), bands * window.pixels());
        let valid = self.marks(planes * window.pixels());
        Block {
            values: Array3::from_shape_vec(shape(bands), values).expect("as many samples as the shape has"),
            valid: Array3::from_shape_vec(shape(planes), valid).expect("as many marks as the shape has"),
        }
    }

    /// A block without a valid pixel.
    pub fn empty_block(&self, bands: usize, mode: ValidityMode, window: Window) -> Block {
        let mut block = self.block(bands, mode, window);
        block.valid.fill(0);
        block
    }

    /// Takes a block's memory back.
    pub fn give_block(&self, block: Block) {
        self.samples.borrow_mut().push(block.values.into_raw_vec_and_offset().0);
        self.marks.borrow_mut().push(block.valid.into_raw_vec_and_offset().0);
    }

    /// [`Resampler::native_window`], kept: it visits every pixel, and a block asks for it more than once.
    pub(super) fn native_window(
        &self,
        who: AlignedGroup,
        resampler: &Resampler,
        window: Window,
    ) -> Option<Window> {
        let mut windows = self.windows.borrow_mut();
        if let Some((.., native)) = windows.iter().find(|(of, target, _)| (*of, *target) == (who, window)) {
            return *native;
        }
        let native = resampler.native_window(window);
        windows.push_back((who, window, native));
        if windows.len() > WINDOWS {
            windows.pop_front();
        }
        native
    }

    /// The kept block of a scene for the comparing mask rules of this job (by its number), if it shows the pixels
    /// `shown`.
    pub(super) fn compared(&self, job: usize, scene: SceneId, shown: ComparedPixels) -> Option<Arc<Block>> {
        let (of, kept) = &*self.compared.borrow();
        let here = kept.get(&scene).filter(|(was, _)| *was == shown && *of == job);
        here.map(|(_, block)| block.clone())
    }

    /// Keeps the block of a scene for comparing mask rules: the rules of the other scenes need it too. One window per
    /// scene is kept.
    pub(super) fn keep_compared(&self, job: usize, scene: SceneId, shown: ComparedPixels, block: Arc<Block>) {
        let (of, kept) = &mut *self.compared.borrow_mut();
        if *of != job {
            (*of, *kept) = (job, HashMap::new());
        }
        kept.insert(scene, (shown, block));
    }

    /// Arbitrary bytes.
    pub fn marks(&self, length: usize) -> Vec<u8> {
        sized(&mut self.marks.borrow_mut(), length)
    }

    /// Takes back what is no longer needed.
    pub(super) fn give_unusable(&self, unusable: Option<Unusable>) {
        if let Some(Unusable::Marks(marks)) = unusable {
            self.give_marks(Some(marks));
        }
    }

    /// Takes bytes back.
    pub fn give_marks(&self, marks: Option<Vec<u8>>) {
        self.marks.borrow_mut().extend(marks);
    }
}

/// A buffer of this length: the smallest that is large enough and not much too large, else a new one. A new one replaces
/// another in the pool, so the pool never holds more memory than was in use.
fn sized<T: Clone + Default>(spare: &mut Vec<Vec<T>>, length: usize) -> Vec<T> {
    let fits = |buffer: &Vec<T>| (length..=2 * length).contains(&buffer.capacity());
    let fitting = spare.iter().enumerate().filter(|(_, buffer)| fits(buffer));
    let mut buffer = match fitting.min_by_key(|(_, buffer)| buffer.capacity()) {
        Some((at, _)) => spare.swap_remove(at),
        None => {
            spare.pop();
            Vec::with_capacity(length)
        }
    };
    buffer.resize(length, T::default());
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_where_it_fits_and_replaced_where_it_does_not() {
        let mut spare = vec![vec![1; 100], vec![2; 12], vec![3; 10]];
        assert_eq!(sized::<u8>(&mut spare, 9), [3; 9]);
        assert_eq!(sized::<u8>(&mut spare, 7), [2; 7]);
        // The large one goes, and is not carried on as a small one.
        assert_eq!((sized::<u8>(&mut spare, 7), spare.len()), (vec![0; 7], 0));
    }

    #[test]
    fn what_rules_compare_is_kept_for_one_job_and_one_window_of_each_scene() {
        let spare = BufferPool::default();
        let own = |col| ComparedPixels::OfScene(Window { col, row: 0, width: 2, height: 1 });
        let block = || Arc::new(spare.empty_block(1, ValidityMode::Joint, Window::whole(2, 1)));
        spare.keep_compared(7, SceneId(0), own(0), block());
        spare.keep_compared(7, SceneId(1), own(5), block());
        let kept = |job, scene, seen| spare.compared(job, SceneId(scene), seen).is_some();
        assert_eq!([kept(7, 0, own(0)), kept(7, 1, own(5))], [true; 2]);
        assert_eq!([kept(7, 0, own(5)), kept(8, 0, own(0))], [false; 2]);
        spare.keep_compared(7, SceneId(0), own(9), block());
        assert_eq!([kept(7, 0, own(0)), kept(7, 0, own(9)), kept(7, 1, own(5))], [false, true, true]);
        // The next job may scale its scenes otherwise.
        spare.keep_compared(8, SceneId(0), own(9), block());
        assert_eq!([kept(7, 0, own(9)), kept(7, 1, own(5)), kept(8, 0, own(9))], [false, false, true]);
    }
}
