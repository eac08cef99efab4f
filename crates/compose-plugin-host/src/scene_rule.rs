//! Mask rules and scores: kinds that look at one scene on its native grid.

#![allow(unsafe_code)]

use crate::descriptor::Declared;
use crate::facts::{OneGrid, Scenes};
use crate::instance::{Instance, Pool, Threads, create, missing};
use crate::library_context::{LibraryContext, leak};
use crate::plan_checks::{NOT_SAID, halo, in_place, same_plan};
use crate::planes::{Readable, Writable, block, place, raw_window};
use crate::settings::{Values, page_of, schema};
use compose_core::mask_rule::MaskKind;
use compose_core::score::ScoreKind;
use compose_core::{
    BoundMask, BoundScore, Grid, KindError, MaskBinding, MaskInput, MaskRule, Plane, PlannedMask, SceneFacts,
    Score, ScoreInput, Window,
};
use compose_plugin::abi;
use ndarray::{ArrayViewMut2, s};
use std::fmt;
use std::sync::Arc;

/// A mask rule or score of a library, with the settings of a rules file.
#[derive(Clone)]
struct Rule {
    context: LibraryContext,
    declared: &'static Declared,
    raw: abi::SceneKind,
    values: Arc<Values>,
}

// SAFETY: the pointers in `raw.about` are not followed any more, and the functions may be called from any thread.
unsafe impl Send for Rule {}
// SAFETY: as above.
unsafe impl Sync for Rule {}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.declared.who(), self.values.describe(self.declared))
    }
}

/// The mask rule as a kind like the built-in ones.
pub(crate) fn mask_kind(
    context: LibraryContext,
    declared: &'static Declared,
    raw: abi::SceneKind,
) -> &'static MaskKind {
    let template = leak(Rule { context, declared, raw, values: Arc::new(Values::new(Vec::new())) });
    leak(MaskKind {
        name: &declared.id,
        page: page_of(declared),
        schema: leak(|| schema(declared)),
        // The caller says which [[mask]] a mistake is in.
        parse: leak(|table: &compose_core::SettingsTable<'_>| {
            Ok(Box::new(template.with_settings(table, &declared.id)?) as Box<dyn MaskRule>)
        }),
    })
}

/// The score as a kind like the built-in ones.
pub(crate) fn score_kind(
    context: LibraryContext,
    declared: &'static Declared,
    raw: abi::SceneKind,
) -> &'static ScoreKind {
    let template = leak(Rule { context, declared, raw, values: Arc::new(Values::new(Vec::new())) });
    leak(ScoreKind {
        name: &declared.id,
        page: page_of(declared),
        schema: leak(|| schema(declared)),
        parse: leak(|table: &compose_core::SettingsTable<'_>| {
            Ok(Box::new(template.with_settings(table, &format!("score \"{}\"", declared.id))?)
                as Box<dyn Score>)
        }),
    })
}

impl Rule {
    fn with_settings(
        &self,
        table: &compose_core::SettingsTable<'_>,
        what: &str,
    ) -> Result<Self, Vec<compose_core::Problem>> {
        let values = Arc::new(Values::read(self.declared, table, what)?);
        let rule = Self { values, ..self.clone() };
        // Made only to see whether the settings are accepted.
        rule.create().map_err(|e| vec![table.problem(format!("{what}: {e}"))])?;
        Ok(rule)
    }

    fn create(&self) -> Result<Instance, KindError> {
        create(self.context, self.declared, (self.raw.create, self.raw.destroy), &self.values)
    }

    fn bind(&self, scene: &SceneFacts) -> Result<Bound, KindError> {
        self.values.check_bands(self.declared, scene, scene.bands.len())?;
        let facts = Arc::new(Scenes::new(std::slice::from_ref(scene)));
        let (instance, plan) = self.planned(scene, &facts)?;
        let (again, rule, planned) = (scene.clone(), self.clone(), plan.clone());
        let kept = facts.clone();
        let make = move || {
            let (instance, plan) = rule.planned(&again, &kept)?;
            same_plan(rule.declared, plan == planned)?;
            Ok(instance)
        };
        let pool = Pool::new(self.context, plan.threads, instance, Box::new(make));
        Ok(Bound { rule: self.clone(), facts, plan, pool })
    }

    /// An instance that has planned, and its plan.
    fn planned(&self, scene: &SceneFacts, facts: &Scenes) -> Result<(Instance, ScenePlan), KindError> {
        let instance = self.create()?;
        let mut bands = vec![NOT_SAID; scene.bands.len()];
        let mut raw = ScenePlan::request(&mut bands);
        let plan = self.raw.plan.ok_or_else(missing)?;
        let who = self.declared.who();
        self.context.host.call(&who, &|| format!("scene {}, plan", scene.id), |host| {
            // SAFETY: all pointers are valid for the call, and `bands` has room for `band_capacity`.
            unsafe { plan(instance.as_ptr(), host, facts.as_raw().as_ptr(), &raw mut raw) }
        })?;
        let plan = ScenePlan::read(&raw, &bands, scene);
        Ok((instance, plan.map_err(|message| KindError::new(format!("{who}: plan: {message}")))?))
    }
}

/// The initial value of marks: neither 0 nor 1, nor a number that a plugin would write.
pub(crate) const UNWRITTEN: u8 = 0xB7;

/// The needs of an instance.
#[derive(Clone, PartialEq)]
pub(crate) struct ScenePlan {
    pub bands: Vec<usize>,
    pub halo: usize,
    pub threads: Threads,
    pub deterministic: bool,
}

impl ScenePlan {
    /// The struct that `plan` fills in, with the defaults of the header and room for the bands of the scene.
    pub fn request(bands: &mut [u32]) -> abi::ScenePlan {
        abi::ScenePlan {
            bands: bands.as_mut_ptr(),
            band_capacity: bands.len() as u32,
            band_count: 0,
            halo: 0,
            threads: abi::THREADS_PER_INSTANCE,
            deterministic: 1,
            reserved: 0,
        }
    }

    /// Reads what `plan` has answered, with the bands that it has written.
    ///
    /// # Errors
    /// The mistake of a plan for this scene.
    pub fn read(raw: &abi::ScenePlan, bands: &[u32], scene: &SceneFacts) -> Result<Self, String> {
        in_place(raw.bands, raw.band_capacity, bands, "bands")?;
        let Some(bands) = bands.get(..raw.band_count as usize).filter(|b| !b.is_empty()) else {
            let most = scene.bands.len();
            return Err(format!("asks for {} bands; expected 1 to {most}", raw.band_count));
        };
        let bands: Vec<usize> = bands.iter().map(|b| *b as usize).collect();
        if let Some(nth) = bands.iter().position(|b| *b == NOT_SAID as usize) {
            return Err(format!(
                "asks for {} bands and does not write the index of band {nth} of them",
                bands.len()
            ));
        }
        if let Some(band) = bands.iter().find(|b| **b >= scene.bands.len()) {
            return Err(format!("asks for band {band}; the scene has bands 0 to {}", scene.bands.len() - 1));
        }
        if let Some(nth) = (1..bands.len()).find(|nth| bands[..*nth].contains(&bands[*nth])) {
            return Err(format!("asks for band {} twice", scene.bands[bands[nth]].name));
        }
        let halo = halo(raw.halo)?;
        let threads = Threads::read(raw.threads).map_err(|e| e.to_string())?;
        Ok(Self { bands, halo, threads, deterministic: raw.deterministic != 0 })
    }
}

/// A rule that has planned for its scene.
struct Bound {
    rule: Rule,
    facts: Arc<Scenes>,
    plan: ScenePlan,
    pool: Pool,
}

/// The subject of a call.
struct Pixels<'a> {
    scene: &'a SceneFacts,
    grid: &'a Grid,
    planes: &'a [Plane<'a>],
}

/// A plane of either type, readable with pointers.
enum AnyPlane<'a> {
    Data(Readable<'a, f32>),
    Quality(Readable<'a, u32>),
}

impl<'a> AnyPlane<'a> {
    fn new(plane: &'a Plane<'_>) -> Self {
        match plane {
            Plane::Data { values, valid } => Self::Data(Readable::new(values.reborrow(), valid.reborrow())),
            Plane::Quality { codes, inside } => {
                Self::Quality(Readable::new(codes.reborrow(), inside.reborrow()))
            }
        }
    }

    fn plane(&self, at: usize, band: usize) -> abi::Plane {
        match self {
            Self::Data(plane) => plane.plane(at, at, band),
            Self::Quality(plane) => plane.plane(at, at, band),
        }
    }
}

fn valid_at(plane: &Plane<'_>, row: usize, col: usize) -> bool {
    let (Plane::Data { valid, .. } | Plane::Quality { inside: valid, .. }) = plane;
    valid[[row, col]] != 0
}

impl Bound {
    /// The part of a window that lies deeper in it than the halo.
    fn inner(&self, window: Window) -> Option<Window> {
        let halo = self.plan.halo;
        let less = |n: usize| n.checked_sub(2 * halo).filter(|n| *n > 0);
        let (width, height) = (less(window.width)?, less(window.height)?);
        Some(Window { width, height, ..window.shift(halo as i64, halo as i64) })
    }

    /// Has the pixels of `inner` written to `out`.
    fn run(&self, pixels: &Pixels<'_>, inner: Window, out: abi::Output) -> Result<(), KindError> {
        let halo = self.plan.halo;
        let planes: Vec<AnyPlane<'_>> = pixels.planes.iter().map(AnyPlane::new).collect();
        let raw: Vec<abi::Plane> =
            planes.iter().zip(&self.plan.bands).map(|(plane, band)| plane.plane(halo, *band)).collect();
        let grid = OneGrid::new(pixels.grid);
        let input = abi::SceneInput {
            scene: self.facts.as_raw().as_ptr(),
            grid: &raw const grid.raw,
            window: raw_window(inner),
            halo: halo as u32,
            plane_count: raw.len() as u32,
            planes: raw.as_ptr(),
        };
        let run = self.rule.raw.run.ok_or_else(missing)?;
        let who = self.rule.declared.who();
        let what = || format!("scene {}, {}", pixels.scene.id, block(inner));
        self.pool.with(|instance| {
            self.rule.context.host.call(&who, &what, |host| {
                // SAFETY: all pointers are valid for the call: planes reach `halo` pixels beyond the output on
                // every side, for `inner` lies that deep in them; the output has the size of `inner`.
                unsafe { run(instance, host, &raw const input, &raw const out) }
            })
        })
    }

    fn refuse(&self, message: String) -> KindError {
        KindError::new(format!("{}: {message}", self.rule.declared.who()))
    }
}

impl MaskRule for Rule {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        Ok(MaskBinding::ready(Rule::bind(self, scene)?))
    }
}

impl PlannedMask for Bound {
    fn bands(&self) -> &[usize] {
        &self.plan.bands
    }

    fn halo(&self) -> usize {
        self.plan.halo
    }

    fn describe(&self) -> String {
        let Declared { id, version, .. } = self.rule.declared;
        match self.rule.values.describe(self.rule.declared) {
            none if none.is_empty() => format!("{id} {version}"),
            settings => format!("{id} {version} ({settings})"),
        }
    }

    fn notes(&self) -> Vec<String> {
        self.rule.declared.notes(self.plan.deterministic)
    }
}

impl BoundMask for Bound {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        let Some(inner) = self.inner(input.window) else { return Ok(()) };
        let pixels = Pixels { scene: input.scene, grid: input.grid, planes: input.planes };
        let mut marks = Writable::<u8>::new(inner.width, inner.height, UNWRITTEN);
        self.run(&pixels, inner, marks.output())?;
        marks.check_guards().map_err(|e| self.refuse(e.to_string()))?;
        let halo = self.plan.halo;
        for (row, marks) in marks.rows() {
            if let Some(col) = marks.iter().position(|mark| *mark > 1) {
                let message = match marks[col] {
                    UNWRITTEN => format!("wrote no mark for the pixel at {}", place(inner, row, col)),
                    mark => {
                        format!("wrote {mark} for the pixel at {}; a mark is 0 or 1", place(inner, row, col))
                    }
                };
                return Err(self.refuse(message));
            }
            let mut to = marked.slice_mut(s![row + halo, halo..halo + inner.width]);
            for (col, (to, mark)) in to.iter_mut().zip(marks).enumerate() {
                // Without pixels there is nothing to judge.
                *to = u8::from(*mark != 0 && pixels.seen(row + halo, col + halo));
            }
        }
        Ok(())
    }
}

impl Pixels<'_> {
    /// Whether any plane is valid at a place of the arrays.
    fn seen(&self, row: usize, col: usize) -> bool {
        self.planes.iter().any(|plane| valid_at(plane, row, col))
    }

    /// Whether every plane is valid at a place of the arrays.
    fn seen_by_all(&self, row: usize, col: usize) -> bool {
        self.planes.iter().all(|plane| valid_at(plane, row, col))
    }
}

impl Score for Rule {
    fn bind(&self, scene: &SceneFacts) -> Result<Box<dyn BoundScore>, KindError> {
        Ok(Box::new(Rule::bind(self, scene)?))
    }
}

impl BoundScore for Bound {
    fn bands(&self) -> &[usize] {
        &self.plan.bands
    }

    fn halo(&self) -> usize {
        self.plan.halo
    }

    fn rate(&self, input: &ScoreInput<'_>, mut scores: ArrayViewMut2<'_, f32>) -> Result<(), KindError> {
        let Some(inner) = self.inner(input.window) else { return Ok(()) };
        let pixels = Pixels { scene: input.scene, grid: input.grid, planes: input.planes };
        let mut rated = Writable::<f32>::new(inner.width, inner.height, f32::NAN);
        self.run(&pixels, inner, rated.output())?;
        rated.check_guards().map_err(|e| self.refuse(e.to_string()))?;
        let halo = self.plan.halo;
        for (row, rated) in rated.rows() {
            let mut to = scores.slice_mut(s![row + halo, halo..halo + inner.width]);
            for (col, (to, score)) in to.iter_mut().zip(rated).enumerate() {
                if !pixels.seen_by_all(row + halo, col + halo) {
                    continue;
                }
                if score.is_nan() {
                    let message = format!(
                        "wrote NaN, or nothing, as the score of the pixel at {}; a pixel that must not be taken gets \
                         -HUGE_VALF",
                        place(inner, row, col)
                    );
                    return Err(self.refuse(message));
                }
                *to = *score;
            }
        }
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        self.rule.declared.notes(self.plan.deterministic)
    }
}
