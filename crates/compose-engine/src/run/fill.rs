//! One fill on one window: what it reads, and in which order.

use crate::error::EngineError;
use crate::pixels::{SceneReader, WantedScore, within};
use crate::plan::{SceneId, Stage};
use compose_core::donor::Donor;
use compose_core::fill_strategy::{DonorPart, DonorUse, FillInput, Temporal};
use compose_core::{Block, BoundFill, Canvas, GAP, KindError, Observations, Window};
use ndarray::{Array2, Axis, Zip, s};

/// A fill of an output, and the reader of its scenes.
pub struct Filling<'a> {
    /// Reads the scenes.
    pub reader: &'a SceneReader<'a>,
    /// Its place among the fills, from 0.
    pub number: usize,
    /// The fill as planned.
    pub stage: &'a Stage,
    /// The strategy.
    pub fill: &'a dyn BoundFill,
}

impl Filling<'_> {
    /// Fills the gaps of a canvas, all of which lie in the window `gap`.
    pub fn fill_gap(&self, canvas: &mut Canvas, gap: Window) -> Result<(), EngineError> {
        if gap == canvas.window {
            return self.fill_canvas(canvas);
        }
        let (rows, cols) = place(canvas.window, gap);
        let mut part = Canvas::new(gap, canvas.bands(), self.reader.context.stack.validity, canvas.cast);
        part.values.assign(&canvas.values.slice(s![.., rows.clone(), cols.clone()]));
        part.source.assign(&canvas.source.slice(s![.., rows.clone(), cols.clone()]));
        part.sigma =
            canvas.sigma.as_ref().map(|sigma| sigma.slice(s![.., rows.clone(), cols.clone()]).to_owned());
        self.fill_canvas(&mut part)?;
        if let (Some(sigma), Some(part)) = (&mut canvas.sigma, &part.sigma) {
            sigma.slice_mut(s![.., rows.clone(), cols.clone()]).assign(part);
        }
        canvas.values.slice_mut(s![.., rows.clone(), cols.clone()]).assign(&part.values);
        canvas.source.slice_mut(s![.., rows, cols]).assign(&part.source);
        Ok(())
    }

    fn fill_canvas(&self, canvas: &mut Canvas) -> Result<(), EngineError> {
        let (window, needs) = (self.context_window(canvas.window), self.fill.needs());
        let target = match self.reader.scope.job.target {
            Some(t) if needs.target => Some(self.reader.read(t, window, true)?),
            _ => None,
        };
        let donors = self.fill.donors().iter().copied();
        let plans = &self.reader.scope.job.view.scenes;
        let near = |d: &DonorUse| {
            plans[SceneId(d.scene)].overlaps && (needs.all_donors || plans[SceneId(d.scene)].reaches(window))
        };
        let near: Vec<DonorUse> = donors.filter(near).collect();
        match needs.temporal {
            Temporal::OneByOne => self.one_by_one(near, window, target.as_ref(), canvas),
            Temporal::FirstObservations(_) => self.by_observations(window, target.as_ref(), canvas),
            Temporal::WholeStack if near.is_empty() && !needs.all_donors => Ok(()),
            Temporal::WholeStack => self.whole_stack(&near, window, target.as_ref(), canvas),
        }
    }

    fn one_by_one(
        &self,
        donors: Vec<DonorUse>,
        window: Window,
        target: Option<&Block>,
        canvas: &mut Canvas,
    ) -> Result<(), EngineError> {
        let needs = self.fill.needs();
        for donor in donors {
            // A strategy that only copies cannot use a donor that is clear at none of the gaps.
            let gaps = (needs.only_copies && needs.halo == 0).then(|| gaps(canvas));
            let wanted = gaps.as_ref().map(|g| g.view());
            let Some(block) = self.reader.read_where(SceneId(donor.scene), window, donor.masked, wanted)?
            else {
                continue;
            };
            let score = self.rated(SceneId(donor.scene), window)?;
            let donors = &[self.seen(SceneId(donor.scene), &block, score.as_ref())];
            self.apply(&FillInput { window, target, donors, observations: None }, canvas)?;
            self.reader.give_back(block);
            if !canvas.has_gap() {
                break;
            }
        }
        Ok(())
    }

    fn by_observations(
        &self,
        window: Window,
        target: Option<&Block>,
        canvas: &mut Canvas,
    ) -> Result<(), EngineError> {
        let observations = self.first_observations(window, target)?;
        self.apply(&FillInput { window, target, donors: &[], observations: Some(&observations) }, canvas)
    }

    fn whole_stack(
        &self,
        donors: &[DonorUse],
        window: Window,
        target: Option<&Block>,
        canvas: &mut Canvas,
    ) -> Result<(), EngineError> {
        let mut blocks: Vec<Option<Block>> = vec![None; donors.len()];
        for nth in self.reader.apart(donors.len()) {
            blocks[nth] = Some(self.reader.read(SceneId(donors[nth].scene), window, donors[nth].masked)?);
        }
        let blocks: Vec<Block> = blocks.into_iter().flatten().collect();
        let mut scores = vec![None; donors.len()];
        for nth in self.reader.apart(donors.len()) {
            scores[nth] = self.rated(SceneId(donors[nth].scene), window)?;
        }
        let rated = donors.iter().zip(blocks.iter().zip(&scores));
        let donors: Vec<Donor<'_>> =
            rated.map(|(d, (block, score))| self.seen(SceneId(d.scene), block, score.as_ref())).collect();
        self.apply(&FillInput { window, target, donors: &donors, observations: None }, canvas)?;
        blocks.into_iter().for_each(|block| self.reader.give_back(block));
        Ok(())
    }

    fn apply(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), EngineError> {
        self.fill.fill(input, canvas).map_err(|e| self.failed(canvas.window, &e))
    }

    fn failed(&self, window: Window, why: &KindError) -> EngineError {
        EngineError::Fill {
            stage: self.number + 1,
            strategy: self.stage.name.clone(),
            window,
            message: why.to_string(),
        }
    }

    /// The window that a fill reads to fill another: with its halo, or in whole cells.
    fn context_window(&self, window: Window) -> Window {
        let needs = self.fill.needs();
        let Some(cell) = needs.cell else { return window.expand(needs.halo) };
        let cell = cell as i64;
        let (col, row) = (window.col.div_euclid(cell) * cell, window.row.div_euclid(cell) * cell);
        let length = |from: i64, end: i64| (-(-end).div_euclid(cell) * cell - from) as usize;
        let cells =
            Window { col, row, width: length(col, window.col_end()), height: length(row, window.row_end()) };
        let grid =
            Window::whole(self.reader.scope.job.view.grid.width, self.reader.scope.job.view.grid.height);
        cells.expand(needs.halo).intersect(grid).expect("a block lies in the grid")
    }

    /// The first clear observations at each pixel of a window, in the order of the donors. A donor is read where pixels that
    /// the target lacks have not enough yet, and around them; elsewhere it would change nothing.
    fn first_observations(
        &self,
        window: Window,
        target: Option<&Block>,
    ) -> Result<Observations, EngineError> {
        let Temporal::FirstObservations(most) = self.fill.needs().temporal else {
            return Err(EngineError::Bug(format!("{} takes no first observations", self.stage.name)));
        };
        let lacks = |block: &Block| block.valid.index_axis(Axis(0), 0).mapv(|valid| 1 - valid);
        let mut lacking = match (target, self.reader.scope.job.target) {
            (Some(target), _) => lacks(target),
            (None, Some(target)) => {
                let block = self.reader.read(target, window, true)?;
                let lacking = lacks(&block);
                self.reader.give_back(block);
                lacking
            }
            (None, None) => Array2::ones((window.height, window.width)),
        };
        let (beside, mut wanted) = (self.fill.needs().beside, self.fill.wants_observations(&lacking));
        let mut observations = Observations::new(most, self.reader.bands.len(), window.height, window.width);
        for (rank, donor) in self.fill.donors().iter().enumerate() {
            if !self.reader.scope.job.view.scenes[SceneId(donor.scene)].overlaps
                || !self.reader.reaches(SceneId(donor.scene), window)
            {
                continue;
            }
            let who = (SceneId(donor.scene), donor.masked);
            let Some((part, block)) = self.reader.read_wanted(who, window, &wanted, beside)? else {
                continue;
            };
            let corner = ((part.row - window.row) as usize, (part.col - window.col) as usize);
            let here = within(window, wanted.view(), part).to_owned();
            self.fill.observe(rank, &DonorPart { block: &block, wanted: &here, corner }, &mut observations);
            self.reader.give_back(block);
            if !observations.keep_lacking(&mut lacking) {
                break;
            }
            wanted = self.fill.wants_observations(&lacking);
        }
        Ok(observations)
    }

    /// The score of a donor's pixels, if the strategy asks for one.
    fn rated(&self, scene: SceneId, window: Window) -> Result<Option<Array2<f32>>, EngineError> {
        match (self.fill.score(scene.index()), &self.stage.scores[scene]) {
            (Some(score), Some(placed)) => {
                self.reader.rate(WantedScore { fill: self.number, scene, score, placed }, window).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn seen<'a>(&self, scene: SceneId, block: &'a Block, score: Option<&'a Array2<f32>>) -> Donor<'a> {
        Donor {
            scene: scene.index(),
            day: self.reader.context.stack.facts[scene].day,
            block,
            exact: self.reader.scope.job.view.scenes[scene].is_exact(),
            score,
        }
    }
}

fn place(outer: Window, inner: Window) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let (row, col) = ((inner.row - outer.row) as usize, (inner.col - outer.col) as usize);
    (row..row + inner.height, col..col + inner.width)
}

/// 1 where any plane has a gap.
fn gaps(canvas: &Canvas) -> Array2<u8> {
    let mut gaps = Array2::zeros((canvas.window.height, canvas.window.width));
    for plane in canvas.source.outer_iter() {
        Zip::from(&mut gaps).and(&plane).for_each(|gap, source| *gap |= u8::from(*source == GAP));
    }
    gaps
}
