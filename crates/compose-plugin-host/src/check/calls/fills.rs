//! Calls of fill strategies.

#![allow(unsafe_code)]

use crate::check::buffers::{Guarded, ReadPlane};
use crate::check::call::{Answer, Call, Cell, Look, Subject, ValidityPattern, gaps, look};
use crate::check::findings::Fault;
use crate::check::fixtures::Fixture;
use crate::check::kind::Kind;
use crate::check::setup::{Setup, Taken};
use crate::check::stop::Stop;
use crate::check::violations::{changed, check_room, plan_fault, room, trespass};
use crate::fill::FillPlan;
use crate::instance::Instance;
use crate::planes::{Sample, place, raw_window};
use compose_core::Temporal;
use compose_plugin::abi;
use std::ffi::c_void;

pub(super) fn plan(
    kind: &Kind,
    raw: &abi::FillKind,
    instance: &Instance,
    fixture: &Fixture,
) -> Result<FillPlan, Stop> {
    let capacity = fixture.scenes.len();
    let (donors, count) = FillPlan::usual_donors(capacity, fixture.target);
    let mut donors = room(donors);
    let mut answer = FillPlan::request(&mut donors[..capacity], count);
    let plan = raw.plan.ok_or_else(|| Stop::Internal("plan is null".into()))?;
    kind.call(&format!("plan, {}", fixture.theme.describe()), |host| {
        // SAFETY: all pointers are valid for the call, and `donors` has room for `donor_capacity`.
        unsafe { plan(instance.as_ptr(), host, &raw const fixture.raw.raw, &raw mut answer) }
    })?;
    check_room(&donors, capacity, "donors")?;
    FillPlan::read(&answer, &donors[..capacity], fixture.target, &fixture.ids()).map_err(plan_fault)
}

/// One scene as a call shows it: a look for every band.
type Looks = Vec<Look>;

/// A strategy's call, and what it is made with.
struct Calls<'a> {
    kind: &'a Kind,
    raw: &'a abi::FillKind,
    instance: *mut c_void,
    setup: &'a Setup,
    plan: &'a FillPlan,
    call: &'a Call,
    target: Option<Looks>,
    /// The index in the plan of each donor of the call.
    which: Vec<usize>,
    cells: Vec<Vec<Cell>>,
    content: Option<Fault>,
    trespass: Option<Fault>,
    wavering: Option<String>,
}

/// The output of a call: values by band, sources by plane.
type Written = (Vec<Guarded<f32>>, Vec<Guarded<u32>>);

pub(super) fn take(
    kind: &Kind,
    raw: &abi::FillKind,
    instance: *mut c_void,
    (setup, plan): (&Setup, &FillPlan),
    call: &Call,
) -> Result<Taken, Stop> {
    let fixture = &*setup.fixture;
    let planes = if fixture.joint { 1 } else { fixture.wanted() };
    let target = fixture.target.filter(|_| plan.wants_target);
    let target = target.map(|scene| looks(fixture, scene, plan.halo, call)).transpose()?;
    let is_there =
        |nth: &usize| call.shown != ValidityPattern::NoDonor && call.shown != ValidityPattern::Without(*nth);
    let which: Vec<usize> = (0..plan.donors.len()).filter(is_there).collect();
    let seen = |nth: usize| match call.shown {
        ValidityPattern::Blind(blind) if blind == nth => {
            Call { shown: ValidityPattern::NothingValid, ..*call }
        }
        _ => *call,
    };
    let donors = which.iter().map(|nth| looks(fixture, plan.donors[*nth].scene, plan.halo, &seen(*nth)));
    let donors: Vec<Looks> = donors.collect::<Result<_, _>>()?;
    let gaps: Vec<ReadPlane<u8>> =
        (0..planes).map(|plane| gaps(fixture, plane, call)).collect::<Result<_, _>>()?;
    let cell = |gaps: &ReadPlane<u8>| -> Vec<Cell> {
        let places = (0..call.window.pixels()).map(|p| (p / call.window.width, p % call.window.width));
        places.map(|(row, col)| if gaps.get(row, col) == 1 { Cell::Gap } else { Cell::Any }).collect()
    };
    let cells = gaps.iter().map(cell).collect();
    let (content, trespass, wavering) = (None, None, None);
    let mut calls =
        Calls { kind, raw, instance, setup, plan, call, target, which, cells, content, trespass, wavering };
    match plan.temporal {
        // No plugin can ask for first looks.
        Temporal::WholeStack | Temporal::FirstObservations(_) => calls.make(&donors, 0)?,
        Temporal::OneByOne => {
            for nth in 0..donors.len() {
                if calls.cells.iter().flatten().any(|cell| *cell == Cell::Gap) {
                    calls.make(&donors[nth..=nth], nth)?;
                }
            }
        }
    }
    let Calls { cells, content, trespass, wavering, .. } = calls;
    Ok(Taken { answer: Answer { window: call.window, planes: cells }, content, trespass, wavering })
}

fn looks(fixture: &Fixture, scene: usize, halo: usize, call: &Call) -> std::io::Result<Looks> {
    let grid = &fixture.scenes[scene].grid;
    let one = |band| look(&Subject { fixture, scene, band, grid, halo, masked: true }, call);
    (0..fixture.wanted()).map(one).collect()
}

/// One plane per band; where a pixel is judged as a whole, all have the same validity.
fn raw_planes(looks: &Looks, halo: usize, joint: bool) -> Vec<abi::Plane> {
    looks.iter().map(|look| look.plane(halo, if joint { &looks[0] } else { look })).collect()
}

impl Calls<'_> {
    /// Calls with some donors, of which the first is the `first` of those that are there.
    fn make(&mut self, donors: &[Looks], first: usize) -> Result<(), Stop> {
        let (fixture, halo, window) = (&*self.setup.fixture, self.plan.halo, self.call.window);
        let planes: Vec<Vec<abi::Plane>> =
            donors.iter().map(|d| raw_planes(d, halo, fixture.joint)).collect();
        let raw_donors: Vec<abi::Donor> =
            planes.iter().enumerate().map(|(n, p)| self.donor(p, first + n)).collect();
        let target = self.target.as_ref().map(|looks| raw_planes(looks, halo, fixture.joint));
        let gaps = self.gaps()?;
        let raw_gaps: Vec<abi::Plane> = gaps.iter().map(gap_plane).collect();
        let input = abi::FillInput {
            stack: &raw const fixture.raw.raw,
            window: raw_window(window),
            halo: halo as u32,
            donor_count: raw_donors.len() as u32,
            donors: raw_donors.as_ptr(),
            target: target.as_ref().map_or(std::ptr::null(), |planes| planes.as_ptr()),
            gaps: raw_gaps.as_ptr(),
            gap_count: raw_gaps.len() as u32,
            reserved: 0,
        };
        let before = self.bytes(donors, &gaps);
        let step = self.kind.step("fill", self.setup, self.call);
        let (written, called) = self.run(&input, &step)?;
        let trespass = trespass(&written.0, &step)
            .or_else(|| trespass(&written.1, &step))
            .or_else(|| changed(&before, &self.bytes(donors, &gaps), &step));
        // Whether it fails or not, it may not write elsewhere.
        if let (Err(_), Some(fault)) = (&called, &trespass) {
            return Err(fault.clone().into());
        }
        called?;
        self.trespass = self.trespass.take().or(trespass);
        let (cells, content) = self.read(donors, first, &written, &step);
        self.content = self.content.take().or(content);
        for _ in 0..self.call.repeat {
            let (again, called) = self.run(&input, &step)?;
            called?;
            let same = again.1.iter().zip(&written.1).all(|(a, b)| a.same(b))
                && again.0.iter().zip(&written.0).all(|(a, b)| a.same(b));
            if !same && self.wavering.is_none() {
                let other = self.read(donors, first, &again, &step).0;
                let answer = |planes| Answer { window, planes };
                self.wavering = answer(cells.clone()).differs(&answer(other));
            }
        }
        self.cells = cells;
        Ok(())
    }

    /// Makes the call, with new planes to write.
    fn run(&self, input: &abi::FillInput, step: &str) -> Result<(Written, Result<(), Stop>), Stop> {
        let size = (self.call.window.height, self.call.window.width);
        let values = (0..self.setup.fixture.wanted()).map(|_| Guarded::new(size, self.call.lay[2], f32::NAN));
        let mut values: Vec<Guarded<f32>> = values.collect::<Result<_, _>>()?;
        let sources = self.cells.iter().map(|_| Guarded::new(size, self.call.lay[2], abi::GAP));
        let mut sources: Vec<Guarded<u32>> = sources.collect::<Result<_, _>>()?;
        let raw_values: Vec<abi::Output> = values.iter_mut().map(Guarded::output).collect();
        let raw_sources: Vec<abi::Output> = sources.iter_mut().map(Guarded::output).collect();
        let output = abi::FillOutput { values: raw_values.as_ptr(), sources: raw_sources.as_ptr() };
        let function = self.raw.run.ok_or_else(|| Stop::Internal("a function is null".into()))?;
        let called = self.kind.call(step, |host| {
            // SAFETY: all pointers are valid for the call; planes reach `halo` pixels beyond the output on every
            // side, and outputs have the size of the window.
            unsafe { function(self.instance, host, &raw const *input, &raw const output) }
        });
        Ok(((values, sources), called))
    }

    fn donor(&self, planes: &[abi::Plane], nth: usize) -> abi::Donor {
        let scene = self.plan.donors[self.which[nth]].scene;
        abi::Donor {
            // SAFETY: a plan's donors are scenes of the stack.
            scene: unsafe { self.setup.fixture.raw.raw.scenes.add(scene) },
            planes: planes.as_ptr(),
            scene_index: scene as u32,
            exact: u32::from(scene.is_multiple_of(2)),
        }
    }

    /// The pixels that are still gaps.
    fn gaps(&self) -> Result<Vec<ReadPlane<u8>>, Stop> {
        let lay = crate::check::buffers::MemoryLayout { margin: 0, ..self.call.lay[1] };
        let (width, height) = (self.call.window.width, self.call.window.height);
        let plane = |cells: &Vec<Cell>| {
            let gap = |row: usize, col: usize| u8::from(cells[row * width + col] == Cell::Gap);
            ReadPlane::new((height, width), lay, gap, |_| u8::GUARD)
        };
        Ok(self.cells.iter().map(plane).collect::<Result<_, _>>()?)
    }

    fn bytes(&self, donors: &[Looks], gaps: &[ReadPlane<u8>]) -> Vec<[Vec<u8>; 2]> {
        let looks = donors.iter().chain(&self.target).flatten().map(Look::bytes);
        looks.chain(gaps.iter().map(|gaps| [gaps.bytes(), Vec::new()])).collect()
    }

    /// The state of every pixel after a call, and the mistakes in its output.
    fn read(
        &self,
        donors: &[Looks],
        first: usize,
        (values, sources): &Written,
        step: &str,
    ) -> (Vec<Vec<Cell>>, Option<Fault>) {
        let (fixture, window) = (&*self.setup.fixture, self.call.window);
        let (mut cells, mut content) = (self.cells.clone(), None);
        for (plane, sources) in sources.iter().enumerate() {
            let bands = if fixture.joint { 0..fixture.wanted() } else { plane..plane + 1 };
            for (nth, cell) in cells[plane].iter_mut().enumerate().filter(|(_, cell)| **cell == Cell::Gap) {
                let (row, col) = (nth / window.width, nth % window.width);
                let numbers = || bands.clone().map(|band| values[band].row(row)[col]).collect();
                match self.cell(donors, first, (plane, row, col), sources.row(row)[col], numbers) {
                    Ok(new) => *cell = new,
                    Err(wrong) => {
                        let found = format!("{wrong} for the pixel at {}: {step}", place(window, row, col));
                        content.get_or_insert_with(|| wrong_content(&found));
                    }
                }
            }
        }
        (cells, content)
    }

    fn cell(
        &self,
        donors: &[Looks],
        first: usize,
        (plane, row, col): (usize, usize, usize),
        source: u32,
        numbers: impl Fn() -> Vec<f32>,
    ) -> Result<Cell, String> {
        match source {
            abi::GAP => Ok(Cell::Gap),
            abi::COMPUTED => {
                let numbers = numbers();
                match numbers.iter().find(|n| !n.is_finite()) {
                    None => Ok(Cell::Computed(numbers)),
                    Some(n) if n.is_nan() => Err("wrote NaN, or no value, and COMPOSE_COMPUTED".into()),
                    Some(n) => Err(format!("wrote {n} and COMPOSE_COMPUTED")),
                }
            }
            donor => match donors.get(donor as usize) {
                None => Err(format!("named donor {donor}, and there are {},", donors.len())),
                Some(looks) if !looks[plane].is_valid(self.plan.halo, row, col) => {
                    Err(format!("named donor {donor}, which does not see it,"))
                }
                Some(_) => Ok(Cell::Donor(self.which[first + donor as usize])),
            },
        }
    }
}

fn gap_plane(gaps: &ReadPlane<u8>) -> abi::Plane {
    abi::Plane {
        data: gaps.at(0).cast(),
        valid: std::ptr::null(),
        stride: gaps.stride_bytes(),
        valid_stride: 0,
        kind: abi::PLANE_U8,
        band: 0,
    }
}

fn wrong_content(found: &str) -> Fault {
    Fault::new(
        found,
        "in sources COMPOSE_GAP, COMPOSE_COMPUTED with finite values, or the index of a donor that sees the pixel",
        "leave what cannot be filled as it is",
    )
}
