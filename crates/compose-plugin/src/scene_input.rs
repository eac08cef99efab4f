//! What mask rules and scores plan with and read.

#![allow(unsafe_code)]

use crate::grid::{Grid, Window};
use crate::planes::{Area, CodePlane, DataPlane, Plane, Sample};
use crate::scene::Scene;
use crate::{Error, Host, Level, abi, raw};

/// What a mask rule or score wants of its scene.
pub struct ScenePlan<'a> {
    plan: &'a mut abi::ScenePlan,
    host: Host<'a>,
}

impl<'a> ScenePlan<'a> {
    /// # Safety
    /// `plan` must be as the header says, and nobody else's for `'a`.
    pub(crate) unsafe fn new(plan: *mut abi::ScenePlan, host: Host<'a>) -> Self {
        debug_assert!(plan.is_aligned() && !plan.is_null(), "the host passed no plan");
        // SAFETY: the caller vouches for the plan.
        let plan = unsafe { &mut *plan };
        plan.threads = abi::THREADS_ANY;
        ScenePlan { plan, host }
    }

    /// Asks for a band of the scene, and returns the index of its plane in [`SceneInput`]. A band that was asked
    /// for before comes once.
    ///
    /// At least one band must be asked for.
    ///
    /// # Panics
    /// Where the scene has no band of that index.
    #[track_caller]
    pub fn band(&mut self, index: usize) -> usize {
        let (capacity, count) = (self.plan.band_capacity as usize, self.plan.band_count as usize);
        assert!(index < capacity, "no band {index} to plan for in a scene of {capacity} bands");
        // SAFETY: the first `band_count` were written here.
        let asked = unsafe { raw::slice(self.plan.bands, self.plan.band_count) };
        if let Some(plane) = asked.iter().position(|&band| band == index as u32) {
            return plane;
        }
        // SAFETY: bands are below the capacity and written once, so there is room for this one.
        unsafe { self.plan.bands.add(count).write(index as u32) };
        self.plan.band_count += 1;
        count
    }

    /// Tells the user something that is no refusal. Equal texts are shown once.
    pub fn log(&self, level: Level, message: &str) {
        self.host.log(level, message);
    }

    /// Asks for pixels of context on each side; 0 where it is not called.
    ///
    /// # Errors
    /// Where it is below 0 or above [`MAX_HALO`](crate::MAX_HALO).
    pub fn halo(&mut self, pixels: impl TryInto<u32>) -> Result<(), Error> {
        self.plan.halo = halo(pixels)?;
        Ok(())
    }

    /// Says that two calls with the same pixels may differ, in the last bits, say: the user is told.
    pub fn not_deterministic(&mut self) {
        self.plan.deterministic = 0;
    }
}

pub(crate) fn halo(pixels: impl TryInto<u32>) -> Result<u32, Error> {
    let fits = pixels.try_into().ok().filter(|&pixels| pixels <= abi::MAX_HALO);
    fits.ok_or_else(|| Error::new(format!("a halo must have from 0 to {} pixels", abi::MAX_HALO)))
}

/// Pixels for [`MaskRule::mark`](crate::MaskRule::mark) and [`Score::rate`](crate::Score::rate).
#[derive(Clone, Copy)]
pub struct SceneInput<'a>(&'a abi::SceneInput);

impl<'a> SceneInput<'a> {
    /// # Safety
    /// `input`, and all it points to, must be as the header says and live unchanged for `'a`.
    pub(crate) unsafe fn new(input: *const abi::SceneInput) -> Self {
        debug_assert!(input.is_aligned() && !input.is_null(), "the host passed no input");
        // SAFETY: the caller vouches for the input.
        SceneInput(unsafe { &*input })
    }

    /// The scene that was planned for.
    pub fn scene(&self) -> Scene<'a> {
        // SAFETY: the input's scene, see `new`.
        unsafe { Scene::new(self.0.scene) }
    }

    /// The grid of the planes: that of the bands asked for where they share one, else the scene's own, onto which
    /// the other bands were brought by nearest neighbour.
    pub fn grid(&self) -> Grid<'a> {
        debug_assert!(self.0.grid.is_aligned() && !self.0.grid.is_null(), "the host passed no grid");
        // SAFETY: the input's grid, see `new`.
        Grid(unsafe { &*self.0.grid })
    }

    /// Where the output lies on the grid.
    pub fn window(&self) -> Window {
        Window::new(&self.0.window)
    }

    /// Columns of the output.
    pub fn width(&self) -> usize {
        self.0.window.width as usize
    }

    /// Rows of the output.
    pub fn height(&self) -> usize {
        self.0.window.height as usize
    }

    /// Pixels of context on each side, as planned.
    pub fn halo(&self) -> usize {
        self.0.halo as usize
    }

    pub(crate) fn area(&self) -> Area {
        Area { width: self.width(), height: self.height(), halo: self.halo() }
    }

    /// How many planes there are: as many as bands were asked for.
    pub fn plane_count(&self) -> usize {
        self.0.plane_count as usize
    }

    /// The plane of a data band; `plane` is what [`ScenePlan::band`] returned.
    ///
    /// # Errors
    /// Where there is no such plane, or it is that of a quality band.
    pub fn data(&self, plane: usize) -> Result<DataPlane<'a>, Error> {
        self.plane(plane)
    }

    /// The plane of a quality band; `plane` is what [`ScenePlan::band`] returned.
    ///
    /// # Errors
    /// Where there is no such plane, or it is that of a data band.
    pub fn codes(&self, plane: usize) -> Result<CodePlane<'a>, Error> {
        self.plane(plane)
    }

    fn plane<T: Sample>(&self, index: usize) -> Result<Plane<'a, T>, Error> {
        let scene = self.scene();
        // SAFETY: the input's planes, see `new`.
        unsafe {
            let planes = raw::slice(self.0.planes, self.0.plane_count);
            Plane::new(planes, index, self.area(), |band| Some(scene.band(band)))
        }
    }
}
