//! The scene whose pixels are hidden.

use compose_engine::plan::{Job, SceneId, Stack};
use compose_engine::run::observe;
use compose_engine::{EngineError, Fitted};
use compose_evaluate::cases::{self, Case, Suited};
use ndarray::{Array2, Array3, Axis};

/// Pixels of the grid at most: truth and all fills of a case are held at once.
const MOST_PIXELS: usize = 1 << 22;

/// The target and its truth.
pub struct Target {
    /// Its number in the stack.
    pub scene: SceneId,
    /// Its name.
    pub id: String,
    /// The truth, in physical units where these are known, (band, row, col).
    pub values: Array3<f32>,
    /// 1 where it is clear in every band.
    pub clear: Array2<u8>,
    /// The other scenes that meet the grid, nearest in time first.
    pub donors: Vec<SceneId>,
    /// Per band: physical value = number × scale + offset, where known.
    units: Vec<Option<(f64, f64)>>,
    job: usize,
}

impl Target {
    /// Reads the target of a job.
    pub fn new(open: &Fitted, job: usize) -> Result<Self, EngineError> {
        let (stack, of) = (&open.plan.stack, &open.jobs[job].job);
        let Some(scene) = of.target else {
            return Err(refused(
                "there is no scene whose pixels could be hidden; say [target] scene, or --target",
            ));
        };
        let (width, height) = (of.view.grid.width, of.view.grid.height);
        if width * height > MOST_PIXELS {
            let message = format!(
                "a grid of {width}×{height} pixels is more than is held in memory at once ({MOST_PIXELS} pixels); choose a \
                 part of it with --bounds"
            );
            return Err(refused(&message));
        }
        let block = observe(open, job, scene)?;
        let facts = &stack.facts[scene];
        let clear = block.valid.map_axis(Axis(0), |planes| u8::from(planes.iter().all(|valid| *valid != 0)));
        let mut target = Self {
            scene,
            id: facts.id.clone(),
            values: block.values,
            clear,
            donors: donors(stack, of, scene),
            units: facts.bands[..facts.wanted].iter().map(|band| band.scale_offset).collect(),
            job,
        };
        let mut values = std::mem::take(&mut target.values);
        target.to_units(&mut values);
        target.values = values;
        Ok(target)
    }

    /// Numbers as stored become physical values where scale and offset are known.
    pub fn to_units(&self, values: &mut Array3<f32>) {
        for (mut band, units) in values.outer_iter_mut().zip(&self.units) {
            if let Some((scale, offset)) = units {
                band.mapv_inplace(|number| (f64::from(number) * scale + offset) as f32);
            }
        }
    }

    /// The cases, each with whether the target is suited for it.
    pub fn suited(&self, open: &Fitted, cases: &[Case]) -> Result<Vec<Suited>, EngineError> {
        let ids: Vec<&str> =
            self.donors.iter().map(|donor| open.plan.stack.facts[*donor].id.as_str()).collect();
        let mut failed = None;
        let mask = |id: &str| {
            self.mask(open, id).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                None
            })
        };
        let suited = cases::suited(cases, self.clear.view(), &ids, mask);
        failed.map_or(Ok(suited), Err)
    }

    /// 1 where the scene that a case names is masked or shows nothing.
    pub fn mask_for(&self, open: &Fitted, case: &Case) -> Result<Option<Array2<u8>>, EngineError> {
        case.mask_of().map_or(Ok(None), |id| self.mask(open, id))
    }

    fn mask(&self, open: &Fitted, id: &str) -> Result<Option<Array2<u8>>, EngineError> {
        let Some(scene) = open.plan.stack.find(id) else { return Ok(None) };
        let block = observe(open, self.job, scene)?;
        Ok(Some(block.valid.map_axis(Axis(0), |planes| u8::from(planes.iter().any(|valid| *valid == 0)))))
    }
}

/// The other scenes that meet the grid: (|days|, the earlier, id), as the fills order them.
fn donors(stack: &Stack, job: &Job, target: SceneId) -> Vec<SceneId> {
    let facts = &stack.facts;
    let mut donors: Vec<SceneId> =
        stack.scene_ids().filter(|s| *s != target && job.view.scenes[*s].overlaps).collect();
    donors.sort_by_key(|scene| {
        let days = facts[*scene].day.zip(job.target_day).map(|(day, target)| day.0 - target.0);
        (days.is_none(), days.map(i32::unsigned_abs), days, &facts[*scene].id)
    });
    donors
}

fn refused(message: &str) -> EngineError {
    EngineError::Option { option: "evaluate".into(), message: message.to_owned() }
}
