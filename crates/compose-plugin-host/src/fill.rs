//! Fill strategies: kinds that look at the whole stack on the target grid.

#![allow(unsafe_code)]

mod finish;

use crate::descriptor::Declared;
use crate::facts::OneStack;
use crate::instance::{Instance, Pool, Threads, create, missing};
use crate::library_context::{LibraryContext, leak};
use crate::plan_checks::{NOT_SAID, halo, in_place, same_plan};
use crate::planes::{Readable, Writable, block, raw_window};
use crate::settings::{Values, page_of, schema};
use compose_core::fill_strategy::FillKind;
use compose_core::{
    Block, BoundFill, Canvas, DonorUse, FillBinding, FillInput, FillStrategy, GAP, KindError, Needs,
    PlannedFill, Problem, SettingsTable, StackFacts, Temporal, Window,
};
use compose_plugin::abi;
use finish::{Answer, finish};
use ndarray::Axis;
use std::fmt;
use std::sync::Arc;

/// A fill strategy of a library, with the settings of a rules file.
#[derive(Clone)]
struct Strategy {
    context: LibraryContext,
    declared: &'static Declared,
    raw: abi::FillKind,
    values: Arc<Values>,
}

// SAFETY: the pointers in `raw.about` are not followed any more, and the functions may be called from any thread.
unsafe impl Send for Strategy {}
// SAFETY: as above.
unsafe impl Sync for Strategy {}

impl fmt::Debug for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.declared.who(), self.values.describe(self.declared))
    }
}

/// The strategy as a kind like the built-in ones.
pub(crate) fn kind(
    context: LibraryContext,
    declared: &'static Declared,
    raw: abi::FillKind,
) -> &'static FillKind {
    let template = leak(Strategy { context, declared, raw, values: Arc::new(Values::new(Vec::new())) });
    leak(FillKind {
        name: &declared.id,
        page: page_of(declared),
        schema: leak(|| schema(declared)),
        parse: leak(|table: &SettingsTable<'_>, _: &[&compose_core::ScoreKind]| {
            Ok(Box::new(template.with_settings(table)?) as Box<dyn FillStrategy>)
        }),
    })
}

/// The needs of an instance.
#[derive(Clone, PartialEq)]
pub(crate) struct FillPlan {
    pub donors: Vec<DonorUse>,
    pub temporal: Temporal,
    pub halo: usize,
    pub wants_target: bool,
    pub threads: Threads,
    pub deterministic: bool,
}

impl Strategy {
    fn with_settings(&self, table: &SettingsTable<'_>) -> Result<Self, Vec<Problem>> {
        let what = format!("fill \"{}\"", self.declared.id);
        let values = Arc::new(Values::read(self.declared, table, &what)?);
        let strategy = Self { values, ..self.clone() };
        // Made only to see whether the settings are accepted.
        strategy.create().map_err(|e| vec![table.problem(format!("{what}: {e}"))])?;
        Ok(strategy)
    }

    fn create(&self) -> Result<Instance, KindError> {
        create(self.context, self.declared, (self.raw.create, self.raw.destroy), &self.values)
    }

    /// An instance that has planned, and its plan.
    fn planned(&self, stack: &OneStack, ids: &[String]) -> Result<(Instance, FillPlan), KindError> {
        let instance = self.create()?;
        let target = usize::try_from(stack.raw.target).ok();
        let (mut donors, count) = FillPlan::usual_donors(ids.len(), target);
        let mut raw = FillPlan::request(&mut donors, count);
        let plan = self.raw.plan.ok_or_else(missing)?;
        let who = self.declared.who();
        self.context.host.call(&who, &|| "plan".into(), |host| {
            // SAFETY: all pointers are valid for the call, and `donors` has room for `donor_capacity`.
            unsafe { plan(instance.as_ptr(), host, &raw const stack.raw, &raw mut raw) }
        })?;
        let plan = FillPlan::read(&raw, &donors, target, ids);
        Ok((instance, plan.map_err(|message| KindError::new(format!("{who}: plan: {message}")))?))
    }
}

impl FillPlan {
    /// Every scene but the target, and how many these are; there is room for all.
    pub fn usual_donors(scenes: usize, target: Option<usize>) -> (Vec<u32>, u32) {
        let mut donors: Vec<u32> = (0..scenes).filter(|s| Some(*s) != target).map(|s| s as u32).collect();
        let count = donors.len() as u32;
        donors.resize(scenes, NOT_SAID);
        (donors, count)
    }

    /// The struct that `plan` fills in, with the defaults of the header.
    pub fn request(donors: &mut [u32], donor_count: u32) -> abi::FillPlan {
        abi::FillPlan {
            donors: donors.as_mut_ptr(),
            donor_capacity: donors.len() as u32,
            donor_count,
            temporal: abi::WHOLE_STACK,
            halo: 0,
            wants_target: 0,
            threads: abi::THREADS_PER_INSTANCE,
            deterministic: 1,
            reserved: 0,
        }
    }

    /// Reads what `plan` has answered, with the donors that it has written.
    ///
    /// # Errors
    /// The mistake of a plan for the scenes of these ids.
    pub fn read(
        raw: &abi::FillPlan,
        donors: &[u32],
        target: Option<usize>,
        ids: &[String],
    ) -> Result<Self, String> {
        in_place(raw.donors, raw.donor_capacity, donors, "donors")?;
        let Some(donors) = donors.get(..raw.donor_count as usize) else {
            return Err(format!("asks for {} donors; there are {} scenes", raw.donor_count, ids.len()));
        };
        let donors: Vec<usize> = donors.iter().map(|d| *d as usize).collect();
        if let Some(nth) = donors.iter().position(|d| *d == NOT_SAID as usize) {
            return Err(format!(
                "asks for {} donors and does not write the index of donor {nth} of them",
                donors.len()
            ));
        }
        if let Some(donor) = donors.iter().find(|d| **d >= ids.len()) {
            return Err(format!("asks for scene {donor}; there are scenes 0 to {}", ids.len() - 1));
        }
        if let Some(donor) = donors.iter().find(|d| Some(**d) == target) {
            return Err(format!("asks for scene {}, the target, as a donor", ids[*donor]));
        }
        if let Some(nth) = (1..donors.len()).find(|nth| donors[..*nth].contains(&donors[*nth])) {
            return Err(format!("asks for scene {} twice", ids[donors[nth]]));
        }
        let temporal = match raw.temporal {
            abi::ONE_BY_ONE => Temporal::OneByOne,
            abi::WHOLE_STACK => Temporal::WholeStack,
            other => return Err(format!("temporal = {other}, which is no enum compose_temporal")),
        };
        Ok(Self {
            donors: donors.into_iter().map(|scene| DonorUse { scene, masked: true }).collect(),
            temporal,
            halo: halo(raw.halo)?,
            wants_target: raw.wants_target != 0,
            threads: Threads::read(raw.threads).map_err(|e| e.to_string())?,
            deterministic: raw.deterministic != 0,
        })
    }
}

impl FillStrategy for Strategy {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        for scene in stack.scenes {
            let named =
                |e: KindError| KindError { message: format!("scene {}: {}", scene.id, e.message), ..e };
            self.values.check_bands(self.declared, scene, scene.wanted).map_err(named)?;
        }
        let facts = Arc::new(OneStack::new(stack));
        let ids: Arc<[String]> = stack.scenes.iter().map(|scene| scene.id.clone()).collect();
        let (instance, plan) = self.planned(&facts, &ids)?;
        let (strategy, kept, again, planned) = (self.clone(), facts.clone(), ids.clone(), plan.clone());
        let make = move || {
            let (instance, plan) = strategy.planned(&kept, &again)?;
            same_plan(strategy.declared, plan == planned)?;
            Ok(instance)
        };
        let pool = Pool::new(self.context, plan.threads, instance, Box::new(make));
        Ok(FillBinding::ready(Bound { strategy: self.clone(), facts, ids, plan, pool }))
    }
}

/// A strategy that has planned for its stack.
struct Bound {
    strategy: Strategy,
    facts: Arc<OneStack>,
    ids: Arc<[String]>,
    plan: FillPlan,
    pool: Pool,
}

impl PlannedFill for Bound {
    fn donors(&self) -> &[DonorUse] {
        &self.plan.donors
    }

    fn needs(&self) -> Needs {
        let FillPlan { temporal, halo, wants_target: target, .. } = self.plan;
        Needs { temporal, halo, target, all_donors: temporal == Temporal::WholeStack, ..Needs::default() }
    }

    fn skipped(&self) -> Vec<(usize, String)> {
        let target = usize::try_from(self.facts.raw.target).ok();
        let wanted = |scene: usize| self.plan.donors.iter().any(|donor| donor.scene == scene);
        let left_out = (0..self.ids.len()).filter(|scene| Some(*scene) != target && !wanted(*scene));
        left_out
            .map(|scene| (scene, format!("{} does not ask for it", self.strategy.declared.who())))
            .collect()
    }

    fn notes(&self) -> Vec<String> {
        self.strategy.declared.notes(self.plan.deterministic)
    }
}

impl BoundFill for Bound {
    fn fill(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), KindError> {
        let looks = Looks::new(input);
        let mut answer = Answer::default();
        // A few rows at a time, so that what is written is still near when it is looked at.
        let rows = (STRIP / (canvas.window.width * canvas.bands()).max(1)).max(1);
        for first in (0..canvas.window.height).step_by(rows) {
            let strip = first..(first + rows).min(canvas.window.height);
            self.fill_strip(input, &looks, canvas, strip, &mut answer)?;
        }
        Ok(())
    }
}

/// Samples that a strategy writes at a time: they fit into a core's own cache.
const STRIP: usize = 1 << 17;

/// The planes of donors and target, (scene, band).
struct Looks<'a> {
    donors: Vec<Vec<Readable<'a, f32>>>,
    target: Option<Vec<Readable<'a, f32>>>,
}

impl<'a> Looks<'a> {
    fn new(input: &FillInput<'a>) -> Self {
        let donors = input.donors.iter().map(|donor| readable(donor.block)).collect();
        Self { donors, target: input.target.map(readable) }
    }
}

fn readable(block: &Block) -> Vec<Readable<'_, f32>> {
    let joint = block.valid.dim().0 == 1;
    let valid = |band: usize| block.valid.index_axis(Axis(0), if joint { 0 } else { band });
    block.values.outer_iter().enumerate().map(|(band, values)| Readable::new(values, valid(band))).collect()
}

fn raw_planes(planes: &[Readable<'_, f32>], row: usize, col: usize) -> Vec<abi::Plane> {
    planes.iter().enumerate().map(|(band, plane)| plane.plane(row, col, band)).collect()
}

impl Bound {
    /// Has some rows of the canvas filled.
    fn fill_strip(
        &self,
        input: &FillInput<'_>,
        looks: &Looks<'_>,
        canvas: &mut Canvas,
        rows: std::ops::Range<usize>,
        answer: &mut Answer,
    ) -> Result<(), KindError> {
        let window =
            Window { row: canvas.window.row + rows.start as i64, height: rows.len(), ..canvas.window };
        let Some(gaps) = gaps(canvas, rows.clone()) else { return Ok(()) };
        let (row0, col0) = canvas.offset_in(input.window);
        let row = row0 + rows.start;
        let planes: Vec<Vec<abi::Plane>> = looks.donors.iter().map(|d| raw_planes(d, row, col0)).collect();
        let raw_donors: Vec<abi::Donor> = input
            .donors
            .iter()
            .zip(&planes)
            .map(|(donor, planes)| abi::Donor {
                // SAFETY: the stack has as many scenes as the host knows, of which the donor is one.
                scene: unsafe { self.facts.raw.scenes.add(donor.scene) },
                planes: planes.as_ptr(),
                scene_index: donor.scene as u32,
                exact: u32::from(donor.exact),
            })
            .collect();
        let target = looks.target.as_ref().map(|planes| raw_planes(planes, row, col0));
        let raw_gaps: Vec<abi::Plane> = gaps.iter().map(|plane| gap_plane(plane, window.width)).collect();
        let raw_input = abi::FillInput {
            stack: &raw const self.facts.raw,
            window: raw_window(window),
            halo: self.plan.halo as u32,
            donor_count: raw_donors.len() as u32,
            donors: raw_donors.as_ptr(),
            target: target.as_ref().map_or(std::ptr::null(), |planes| planes.as_ptr()),
            gaps: raw_gaps.as_ptr(),
            gap_count: raw_gaps.len() as u32,
            reserved: 0,
        };
        answer.reset(canvas.bands(), canvas.planes(), window);
        self.call(&raw_input, answer, input, window)?;
        finish(input, canvas, rows, answer, (row0, col0))
            .map_err(|message| KindError::new(format!("{}: {message}", self.strategy.declared.who())))
    }

    fn call(
        &self,
        raw_input: &abi::FillInput,
        answer: &mut Answer,
        input: &FillInput<'_>,
        window: Window,
    ) -> Result<(), KindError> {
        let values: Vec<abi::Output> = answer.values.iter_mut().map(Writable::output).collect();
        let sources: Vec<abi::Output> = answer.sources.iter_mut().map(Writable::output).collect();
        let raw_output = abi::FillOutput { values: values.as_ptr(), sources: sources.as_ptr() };
        let run = self.strategy.raw.run.ok_or_else(missing)?;
        let who = self.strategy.declared.who();
        // One donor at a time: the one that it is about is part of the place.
        let what = || match (self.plan.temporal, input.donors) {
            (Temporal::OneByOne, [donor]) => format!("scene {}, {}", self.ids[donor.scene], block(window)),
            _ => block(window),
        };
        let called = self.pool.with(|instance| {
            self.strategy.context.host.call(&who, &what, |host| {
                // SAFETY: all pointers are valid for the call: the planes of donors and target reach `halo`
                // pixels beyond the output, for the engine has read that much; outputs have the window's size.
                unsafe { run(instance, host, &raw const *raw_input, &raw const raw_output) }
            })
        });
        called.map_err(|e| match (self.plan.temporal, input.donors) {
            (Temporal::OneByOne, [donor]) => KindError::new(format!("scene {}: {e}", self.ids[donor.scene])),
            _ => e,
        })
    }
}

/// 1 where there is a gap, per validity plane; `None` where there is none at all.
fn gaps(canvas: &Canvas, rows: std::ops::Range<usize>) -> Option<Vec<Vec<u8>>> {
    let plane = |plane: usize| {
        let mut gaps = vec![0; rows.len() * canvas.window.width];
        for (row, gaps) in rows.clone().zip(gaps.chunks_exact_mut(canvas.window.width)) {
            gaps.iter_mut().zip(canvas.source_row(plane, row)).for_each(|(g, s)| *g = u8::from(*s == GAP));
        }
        gaps
    };
    let planes: Vec<Vec<u8>> = (0..canvas.planes()).map(plane).collect();
    planes.iter().any(|plane| plane.contains(&1)).then_some(planes)
}

fn gap_plane(gaps: &[u8], width: usize) -> abi::Plane {
    abi::Plane {
        data: gaps.as_ptr().cast(),
        valid: std::ptr::null(),
        stride: width as i64,
        valid_stride: 0,
        kind: abi::PLANE_U8,
        band: 0,
    }
}
