//! Calls of mask rules and scores.

#![allow(unsafe_code)]

use crate::check::buffers::Guarded;
use crate::check::call::{Answer, Call, Cell, Look, Subject, look};
use crate::check::findings::Fault;
use crate::check::fixtures::Fixture;
use crate::check::kind::Kind;
use crate::check::setup::{Setup, Taken};
use crate::check::stop::Stop;
use crate::check::violations::{changed, check_room, plan_fault, room, trespass};
use crate::facts::OneGrid;
use crate::instance::Instance;
use crate::open::KindSort;
use crate::plan_checks::NOT_SAID;
use crate::planes::{Sample, place, raw_window};
use crate::scene_rule::{ScenePlan, UNWRITTEN};
use compose_plugin::abi;
use std::ffi::c_void;

pub(super) fn plan(
    kind: &Kind,
    raw: &abi::SceneKind,
    instance: &Instance,
    fixture: &Fixture,
) -> Result<ScenePlan, Stop> {
    let capacity = fixture.scenes[0].bands.len();
    let mut bands = room(vec![NOT_SAID; capacity]);
    let mut answer = ScenePlan::request(&mut bands[..capacity]);
    let plan = raw.plan.ok_or_else(|| Stop::Internal("plan is null".into()))?;
    kind.call(&format!("plan, {}", fixture.theme.describe()), |host| {
        // SAFETY: all pointers are valid for the call, and `bands` has room for `band_capacity`.
        unsafe { plan(instance.as_ptr(), host, fixture.raw.raw.scenes, &raw mut answer) }
    })?;
    check_room(&bands, capacity, "bands")?;
    ScenePlan::read(&answer, &bands[..capacity], &fixture.scenes[0]).map_err(plan_fault)
}

pub(super) fn take(
    kind: &Kind,
    raw: &abi::SceneKind,
    instance: *mut c_void,
    (setup, plan): (&Setup, &ScenePlan),
    call: &Call,
) -> Result<Taken, Stop> {
    if kind.sort == KindSort::Score {
        return run(kind, raw, instance, (setup, plan), call, (f32::NAN, rated));
    }
    // A number that stands for "not written": neither 0 nor 1.
    run(kind, raw, instance, (setup, plan), call, (UNWRITTEN, marked))
}

/// The meaning of a written sample, by whether any and whether all planes are valid; or its mistake.
type Judge<T> = fn(T, bool, bool) -> Result<Cell, String>;

fn marked(mark: u8, seen: bool, _: bool) -> Result<Cell, String> {
    match mark {
        0 | 1 if seen => Ok(Cell::Mark(mark)),
        0 | 1 => Ok(Cell::Any),
        UNWRITTEN => Err("wrote no mark".into()),
        mark => Err(format!("wrote {mark}, which is neither 0 nor 1,")),
    }
}

fn rated(score: f32, _: bool, seen_by_all: bool) -> Result<Cell, String> {
    match (seen_by_all, score.is_nan()) {
        (false, _) => Ok(Cell::Any),
        (true, false) => Ok(Cell::Score(score)),
        (true, true) => Err("wrote NaN, or nothing,".into()),
    }
}

fn run<T: Sample>(
    kind: &Kind,
    raw: &abi::SceneKind,
    instance: *mut c_void,
    (setup, plan): (&Setup, &ScenePlan),
    call: &Call,
    (start, judge): (T, Judge<T>),
) -> Result<Taken, Stop> {
    let (fixture, halo, window) = (&*setup.fixture, plan.halo, call.window);
    let grid = fixture.grid_of(&plan.bands);
    let one =
        |band: &usize| look(&Subject { fixture, scene: 0, band: *band, grid, halo, masked: false }, call);
    let looks: Vec<Look> = plan.bands.iter().map(one).collect::<Result<_, _>>()?;
    let planes: Vec<abi::Plane> = looks.iter().map(|look| look.plane(halo, look)).collect();
    let raw_grid = OneGrid::new(grid);
    let input = abi::SceneInput {
        scene: fixture.raw.raw.scenes,
        grid: &raw const raw_grid.raw,
        window: raw_window(window),
        halo: halo as u32,
        plane_count: planes.len() as u32,
        planes: planes.as_ptr(),
    };
    let step = kind.step(if kind.sort == KindSort::Score { "rate" } else { "mark" }, setup, call);
    let function = raw.run.ok_or_else(|| Stop::Internal("a function is null".into()))?;
    let size = (window.height, window.width);
    let run = || {
        let mut out = Guarded::new(size, call.lay[2], start)?;
        let output = out.output();
        let called = kind.call(&step, |host| {
            // SAFETY: all pointers are valid for the call; planes reach `halo` pixels beyond the output on every
            // side, and the output has the size of the window.
            unsafe { function(instance, host, &raw const input, &raw const output) }
        });
        Ok::<_, Stop>((out, called))
    };
    let before: Vec<_> = looks.iter().map(Look::bytes).collect();
    let (out, called) = run()?;
    let after: Vec<_> = looks.iter().map(Look::bytes).collect();
    let trespass = trespass(std::slice::from_ref(&out), &step).or_else(|| changed(&before, &after, &step));
    // Whether it fails or not, it may not write elsewhere.
    if let (Err(_), Some(fault)) = (&called, &trespass) {
        return Err(fault.clone().into());
    }
    called?;
    let (answer, content) = judged(&out, &looks, (call, halo), judge, &step);
    let mut wavering = None;
    for _ in 0..call.repeat {
        let (again, called) = run()?;
        called?;
        if !again.same(&out) {
            wavering =
                wavering.or_else(|| answer.differs(&judged(&again, &looks, (call, halo), judge, &step).0));
        }
    }
    Ok(Taken { answer, content, trespass, wavering })
}

/// The output, and its mistakes.
fn judged<T: Sample>(
    out: &Guarded<T>,
    looks: &[Look],
    (call, halo): (&Call, usize),
    judge: Judge<T>,
    step: &str,
) -> (Answer, Option<Fault>) {
    let window = call.window;
    let (mut cells, mut content) = (Vec::with_capacity(window.pixels()), None);
    for row in 0..window.height {
        for (col, sample) in out.row(row).iter().enumerate() {
            let mut valid = looks.iter().map(|look| look.is_valid(halo, row, col));
            let (any, all) = (valid.clone().any(|v| v), valid.all(|v| v));
            cells.push(judge(*sample, any, all).unwrap_or_else(|wrong| {
                let at = place(window, row, col);
                content.get_or_insert_with(|| {
                    wrong_content::<T>(&format!("{wrong} for the pixel at {at}: {step}"))
                });
                Cell::Any
            }));
        }
    }
    (Answer { window, planes: vec![cells] }, content)
}

/// Scores are floats, marks are not.
fn wrong_content<T: Sample>(found: &str) -> Fault {
    if T::KIND == abi::PLANE_F32 {
        return Fault::new(
            found,
            "a score for every pixel of the output, and none that is NaN where all planes are valid",
            "write every pixel; -HUGE_VALF is the score of one that must not be taken",
        );
    }
    Fault::new(
        found,
        "0 or 1 for every pixel of the output",
        "write every pixel, also those that are not valid",
    )
}
