//! The same answers, pixel by pixel, with no thought of speed: whole scenes, no blocks, no shared code.
//!
//! Definitions are those of `docs/alignment.md`, `docs/rules-file.md` and the kinds' pages.

use super::stack::{Band, Case, Fill, Kind, Length, Mask, Place, Reach, Rule, Scene, Target};

/// What an output must hold: samples per band, and (source, stage, age, count) per validity plane.
pub struct Expected {
    pub id: Option<String>,
    pub place: Place,
    pub bands: Vec<Vec<f64>>,
    pub planes: Vec<Vec<[u16; 4]>>,
    /// Whether every sample must be equal to the bit; else nothing may be off by more than 1.
    pub exact: bool,
    /// Of the target's pixels: taken by a mask, and without data.
    pub masked: u64,
    pub missing: u64,
}

const NONE: u16 = 65535;
const STATISTIC: u16 = 65000;

/// A scene on the target grid.
struct Aligned {
    bands: Vec<Vec<f64>>,
    valid: Vec<Vec<bool>>,
    exact: bool,
    meets: bool,
}

/// Every output of the case.
pub fn compose(case: &Case) -> Vec<Expected> {
    let scenes = case.sorted();
    match &case.target {
        Target::Each => (0..scenes.len()).map(|t| compose_one(case, Some(t))).collect(),
        Target::Scene(id) => vec![compose_one(case, scenes.iter().position(|s| s.id == *id))],
        Target::None(_) => vec![compose_one(case, None)],
    }
}

fn compose_one(case: &Case, target: Option<usize>) -> Expected {
    let scenes = case.sorted();
    let place = grid(case, target);
    let reference = scenes[target.unwrap_or(0)];
    let day = match (target, &case.target) {
        (Some(t), _) => scenes[t].day,
        (None, Target::None(day)) => *day,
        _ => None,
    };
    let look = |masked| -> Vec<Aligned> {
        scenes.iter().map(|s| aligned(case, s, reference, place, masked)).collect()
    };
    let (clear, raw) = (look(true), look(false));
    let mut canvas = Canvas::new(case, place, reference);
    let (mut masked, mut missing) = (0, 0);
    if let Some(t) = target {
        canvas.copy(t, &clear[t], 0);
        for (plane, has_data) in raw[t].valid.iter().enumerate() {
            missing += has_data.iter().filter(|v| !**v).count() as u64;
            let taken = |at: &usize| has_data[*at] && !clear[t].valid[plane][*at];
            masked += (0..has_data.len()).filter(taken).count() as u64;
        }
    }
    for (number, fill) in case.fills.iter().enumerate() {
        let stage = number as u16 + 1;
        match fill {
            Fill::Single { donor, masked } => {
                let d = scenes.iter().position(|s| s.id == *donor).unwrap();
                canvas.copy(d, if *masked { &clear[d] } else { &raw[d] }, stage);
            }
            Fill::Nearest(reach) => {
                let mut donors = reachable(&scenes, target, day, *reach);
                let days = |d: usize| scenes[d].day.unwrap() - day.unwrap();
                donors.sort_by_key(|d| (days(*d).abs(), days(*d), scenes[*d].id.clone()));
                donors.iter().for_each(|d| canvas.copy(*d, &clear[*d], stage));
            }
            Fill::Median(at_least, reach) => {
                let donors = reachable(&scenes, target, day, *reach);
                canvas.statistic(&donors, &clear, *at_least, stage, |looks| {
                    looks.sort_by(f64::total_cmp);
                    let n = looks.len();
                    (looks[(n - 1) / 2] + looks[n / 2]) / 2.0
                });
            }
            Fill::Mean(at_least, reach) => {
                let donors = reachable(&scenes, target, day, *reach);
                canvas.statistic(&donors, &clear, *at_least, stage, |looks| {
                    looks.iter().fold(0.0, |sum, look| sum + look) / looks.len() as f64
                });
            }
        }
    }
    let exact = clear.iter().all(|a| a.exact);
    Expected {
        id: target.map(|t| scenes[t].id.clone()),
        masked,
        missing,
        exact,
        ..canvas.finish(&scenes, &clear, day)
    }
}

/// Donors in the order of (date, id).
fn reachable(scenes: &[&Scene], target: Option<usize>, day: Option<i32>, reach: Reach) -> Vec<usize> {
    let wanted = |d: &usize| {
        let Some(away) = scenes[*d].day.zip(day).map(|(a, b)| a - b) else { return true };
        reach.within_days.is_none_or(|limit| away.unsigned_abs() <= limit) && away * reach.direction >= 0
    };
    (0..scenes.len()).filter(|d| Some(*d) != target).filter(wanted).collect()
}

/// The grid of the output.
fn grid(case: &Case, target: Option<usize>) -> Place {
    let scenes = case.sorted();
    if let Some(id) = &case.like {
        return scenes.iter().find(|s| s.id == *id).unwrap().bands[0].place;
    }
    if let Some(t) = target {
        return scenes[t].bands[0].place;
    }
    let first = scenes[0].bands[0].place;
    let (mut left, mut top, mut right, mut bottom) = (i64::MAX, i64::MAX, i64::MIN, i64::MIN);
    for place in scenes.iter().map(|s| s.bands[0].place) {
        let (col, row) = (((place.x - first.x) / first.dx).round(), ((place.y - first.y) / first.dy).round());
        (left, top) = (left.min(col as i64), top.min(row as i64));
        right = right.max(col as i64 + place.width as i64);
        bottom = bottom.max(row as i64 + place.height as i64);
    }
    let (x, y) = (first.x + left as f64 * first.dx, first.y + top as f64 * first.dy);
    Place { x, y, width: (right - left) as usize, height: (bottom - top) as usize, ..first }
}

// ---- one scene on the grid ------------------------------------------------------------------------------

fn aligned(case: &Case, scene: &Scene, reference: &Scene, place: Place, masked: bool) -> Aligned {
    let bands = &scene.bands[..case.wanted];
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, band) in bands.iter().enumerate() {
        match groups.iter_mut().find(|g| bands[g[0]].place == band.place) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    let planes = if case.per_band { bands.len() } else { 1 };
    let nothing = vec![0.0; place.pixels()];
    let mut all = Aligned {
        bands: vec![nothing; bands.len()],
        valid: vec![vec![true; place.pixels()]; planes],
        exact: true,
        meets: true,
    };
    for group in groups {
        let native = native_validity(case, scene, &group, masked);
        let from = bands[group[0]].place;
        let shift = whole_shift(place, from);
        all.exact &= shift.is_some();
        all.meets &= meets(place, from);
        for at in 0..place.pixels() {
            let at_place = (at % place.width, at / place.width);
            for (nth, band) in group.iter().enumerate() {
                let (valid, plane) = if case.per_band { (&native[nth], *band) } else { (&native[0], 0) };
                let field = Field { place: from, values: &bands[*band].values, valid };
                match field.sample(position(place, from, at_place), shift, at_place, case.resampling) {
                    Some(value) => all.bands[*band][at] = value,
                    None => all.valid[plane][at] = false,
                }
            }
        }
    }
    convert(&mut all, scene, reference);
    if !all.meets {
        all.valid.iter_mut().for_each(|plane| plane.fill(false));
        all.exact = true;
    }
    all
}

/// Numbers of another scale and offset become the reference's.
fn convert(aligned: &mut Aligned, scene: &Scene, reference: &Scene) {
    let (Some((a, b)), Some((c, d))) = (scene.scale_offset, reference.scale_offset) else { return };
    if (a, b) != (c, d) {
        aligned.exact = false;
        aligned.bands.iter_mut().flatten().for_each(|v| *v = (*v * a + b - d) / c);
    }
}

/// Validity on the native grid of a group of bands: of all together, or of each.
fn native_validity(case: &Case, scene: &Scene, group: &[usize], masked: bool) -> Vec<Vec<bool>> {
    let place = scene.bands[group[0]].place;
    let mut clear = vec![true; place.pixels()];
    for mask in case.masks.iter().filter(|_| masked) {
        let (on, unusable) = unusable(case, scene, mask);
        for (at, clear) in clear.iter_mut().enumerate() {
            let nearest = nearest(place, on, (at % place.width, at / place.width));
            *clear &= nearest.is_some_and(|n| !unusable[n]);
        }
    }
    let each = group.iter().map(|b| {
        (0..place.pixels()).map(|at| clear[at] && scene.bands[*b].has_data(at)).collect::<Vec<bool>>()
    });
    let each: Vec<Vec<bool>> = each.collect();
    if case.per_band {
        return each;
    }
    vec![(0..place.pixels()).map(|at| each.iter().all(|band| band[at])).collect()]
}

/// Where the centre of a pixel of `to` lies on `from`, in pixels of `from`; rounding noise does not decide.
fn position(to: Place, from: Place, (col, row): (usize, usize)) -> (f64, f64) {
    let snap = |v: f64| if (2.0 * v - (2.0 * v).round()).abs() < 2e-7 { (2.0 * v).round() / 2.0 } else { v };
    let (x, y) = (to.x + (col as f64 + 0.5) * to.dx, to.y + (row as f64 + 0.5) * to.dy);
    (snap((x - from.x) / from.dx), snap((y - from.y) / from.dy))
}

/// The pixel of `from` that holds the centre of a pixel of `to`.
pub fn nearest(to: Place, from: Place, at: (usize, usize)) -> Option<usize> {
    let (x, y) = position(to, from, at);
    index(from, x.floor() as i64, y.floor() as i64)
}

fn index(place: Place, col: i64, row: i64) -> Option<usize> {
    let inside = col >= 0 && row >= 0 && col < place.width as i64 && row < place.height as i64;
    inside.then(|| row as usize * place.width + col as usize)
}

/// The shift of a paste: pixels coincide to 1e-4 of a pixel over the whole grid.
fn whole_shift(to: Place, from: Place) -> Option<(i64, i64)> {
    let near = |shift: f64, drift: f64| {
        ((shift - shift.round()).abs() <= 1e-4 && (shift + drift - shift.round()).abs() <= 1e-4)
            .then_some(shift.round() as i64)
    };
    let cols = near((to.x - from.x) / from.dx, (to.dx / from.dx - 1.0) * to.width as f64)?;
    let rows = near((to.y - from.y) / from.dy, (to.dy / from.dy - 1.0) * to.height as f64)?;
    Some((cols, rows))
}

fn meets(a: Place, b: Place) -> bool {
    let overlap = |a0: f64, a1: f64, b0: f64, b1: f64, pixel: f64| {
        a0.max(a1).min(b0.max(b1)) - a0.min(a1).max(b0.min(b1)) > 1e-4 * pixel.abs()
    };
    overlap(a.x, a.x + a.dx * a.width as f64, b.x, b.x + b.dx * b.width as f64, a.dx)
        && overlap(a.y, a.y + a.dy * a.height as f64, b.y, b.y + b.dy * b.height as f64, a.dy)
}

struct Field<'a> {
    place: Place,
    values: &'a [f64],
    valid: &'a [bool],
}

impl Field<'_> {
    fn sample(
        &self,
        (x, y): (f64, f64),
        shift: Option<(i64, i64)>,
        (col, row): (usize, usize),
        method: &str,
    ) -> Option<f64> {
        if let Some((cols, rows)) = shift {
            return self.at(col as i64 + cols, row as i64 + rows);
        }
        let holding = self.at(x.floor() as i64, y.floor() as i64)?;
        let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
        let (fx, fy) = (x - 0.5 - left, y - 0.5 - top);
        let (left, top) = (left as i64, top as i64);
        match method {
            "nearest" => Some(holding),
            "cubic" => {
                Some(self.cubic((left, top), (fx, fy)).unwrap_or(self.bilinear((left, top), (fx, fy))))
            }
            _ => Some(self.bilinear((left, top), (fx, fy))),
        }
    }

    /// The value of a valid pixel.
    fn at(&self, col: i64, row: i64) -> Option<f64> {
        index(self.place, col, row).filter(|at| self.valid[*at]).map(|at| self.values[at])
    }

    fn bilinear(&self, (left, top): (i64, i64), (fx, fy): (f64, f64)) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (dc, dr) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let Some(value) = self.at(left + dc, top + dr) else { continue };
            let weight = (if dc == 0 { 1.0 - fx } else { fx }) * (if dr == 0 { 1.0 - fy } else { fy });
            sum += weight * value;
            weights += weight;
        }
        sum / weights
    }

    /// `None` where one of the sixteen is not valid.
    fn cubic(&self, (left, top): (i64, i64), (fx, fy): (f64, f64)) -> Option<f64> {
        let keys = |distance: f64| {
            let t = distance.abs();
            if t <= 1.0 {
                1.5 * t * t * t - 2.5 * t * t + 1.0
            } else {
                -0.5 * t * t * t + 2.5 * t * t - 4.0 * t + 2.0
            }
        };
        let mut sum = 0.0;
        for dr in -1..3 {
            for dc in -1..3 {
                sum += keys(dc as f64 - fx) * keys(dr as f64 - fy) * self.at(left + dc, top + dr)?;
            }
        }
        Some(sum)
    }
}

// ---- masks ----------------------------------------------------------------------------------------------

/// Where a rule makes a pixel unusable, on the rule's own grid: taken by it, or not to be judged.
pub fn unusable(case: &Case, scene: &Scene, mask: &Mask) -> (Place, Vec<bool>) {
    let mut names = Vec::new();
    bands_read(mask, &mut names);
    let first = band(scene, &names[0]).place;
    let shared = names.iter().all(|n| band(scene, n).place == first);
    let place = if shared { first } else { scene.bands[0].place };
    let reads_codes = names.iter().any(|n| n == "QA");
    let outside: Vec<bool> =
        (0..place.pixels()).map(|at| reads_codes && code(scene, place, at).is_none()).collect();
    let mut neutral = vec![true; place.pixels()];
    for band in &scene.bands[..case.wanted] {
        with_data(band, place).into_iter().for_each(|at| neutral[at] = false);
    }
    neutral.iter_mut().zip(&outside).for_each(|(n, o)| *n |= o);
    let marked = marked(scene, mask, place, &neutral);
    (place, marked.iter().zip(&outside).map(|(m, o)| *m || *o).collect())
}

/// The pixels of a mask's grid where the band has data: there, or in any of the finer pixels that it covers.
fn with_data(band: &Band, place: Place) -> Vec<usize> {
    let at = |place: Place, at: usize| (at % place.width, at / place.width);
    if band.place.dx.abs() < place.dx.abs() {
        let there = (0..band.place.pixels()).filter(|fine| band.has_data(*fine));
        return there.filter_map(|fine| nearest(band.place, place, at(band.place, fine))).collect();
    }
    let has_data =
        |coarse: usize| nearest(place, band.place, at(place, coarse)).is_some_and(|n| band.has_data(n));
    (0..place.pixels()).filter(|coarse| has_data(*coarse)).collect()
}

fn band<'a>(scene: &'a Scene, name: &str) -> &'a Band {
    scene.bands.iter().find(|b| b.name == name).unwrap_or(&scene.quality)
}

fn bands_read(mask: &Mask, names: &mut Vec<String>) {
    match &mask.rule {
        Rule::Bits(_) | Rule::Values(_) => names.push("QA".into()),
        Rule::Range { band, .. } => names.push(band.clone()),
        Rule::Any(masks) | Rule::All(masks) => masks.iter().for_each(|m| bands_read(m, names)),
        Rule::Not(mask) => bands_read(mask, names),
    }
}

/// The code of a pixel; `None` outside the quality band, and where it says fill (bit 0).
fn code(scene: &Scene, place: Place, at: usize) -> Option<u32> {
    raw_code(scene, place, at).filter(|code| code & 1 == 0)
}

fn raw_code(scene: &Scene, place: Place, at: usize) -> Option<u32> {
    let quality = &scene.quality;
    let there = nearest(place, quality.place, (at % place.width, at / place.width))?;
    Some(quality.values[there] as u32)
}

fn number(scene: &Scene, name: &str, place: Place, at: usize) -> Option<f64> {
    if name == "QA" {
        return raw_code(scene, place, at).map(f64::from);
    }
    let band = band(scene, name);
    let there = nearest(place, band.place, (at % place.width, at / place.width))?;
    Some(band.values[there]).filter(|_| band.has_data(there))
}

fn marked(scene: &Scene, mask: &Mask, place: Place, neutral: &[bool]) -> Vec<bool> {
    let pixels = 0..place.pixels();
    let mut marked: Vec<bool> = match &mask.rule {
        Rule::Bits(bits) => pixels
            .map(|at| {
                let code = raw_code(scene, place, at);
                let taken =
                    |code: u32| bits.iter().any(|b| (b.low..=b.high).contains(&(code >> b.offset & b.mask)));
                code.is_some_and(taken)
            })
            .collect(),
        Rule::Values(values) => {
            pixels.map(|at| raw_code(scene, place, at).is_some_and(|c| values.contains(&c))).collect()
        }
        Rule::Range { band, min, max } => pixels
            .map(|at| {
                let inside = |v: f64| min.is_none_or(|m| v >= m) && max.is_none_or(|m| v <= m);
                number(scene, band, place, at).is_some_and(inside)
            })
            .collect(),
        Rule::Any(masks) => several(scene, masks, place, neutral, |all| all.contains(&true)),
        Rule::All(masks) => several(scene, masks, place, neutral, |all| !all.contains(&false)),
        Rule::Not(inner) => {
            let mut names = Vec::new();
            bands_read(inner, &mut names);
            let known = |at: usize| {
                names.iter().all(|n| match n.as_str() {
                    "QA" => code(scene, place, at).is_some(),
                    name => number(scene, name, place, at).is_some(),
                })
            };
            let taken = self::marked(scene, inner, place, neutral);
            pixels.map(|at| !taken[at] && known(at) && !neutral[at]).collect()
        }
    };
    for (step, length) in mask.steps.iter().enumerate() {
        let Some(length) = length else { continue };
        for grows in [[false, true].as_slice(), &[true, false], &[false], &[true]][step] {
            marked = reshape(&marked, neutral, place, *length, *grows);
        }
    }
    marked
}

fn several(
    scene: &Scene,
    masks: &[Mask],
    place: Place,
    neutral: &[bool],
    join: impl Fn(&[bool]) -> bool,
) -> Vec<bool> {
    let each: Vec<Vec<bool>> = masks.iter().map(|m| marked(scene, m, place, neutral)).collect();
    (0..place.pixels()).map(|at| join(&each.iter().map(|m| m[at]).collect::<Vec<bool>>())).collect()
}

/// Grows or shrinks by a disc: each pixel looks at every other one within the radius.
fn reshape(marked: &[bool], neutral: &[bool], place: Place, length: Length, grows: bool) -> Vec<bool> {
    let (rx, ry) = match length {
        Length::Pixels(n) => (n, n),
        Length::Metres(n) => (n / place.dx.abs(), n / place.dy.abs()),
    };
    let (across, down) = (rx.ceil() as i64, ry.ceil() as i64);
    let mut offsets = Vec::new();
    for dr in -down..=down {
        for dc in -across..=across {
            let part = |d: i64, r: f64| if d == 0 { 0.0 } else { (d as f64 / r).powi(2) };
            if part(dc, rx) + part(dr, ry) <= 1.0 + 1e-9 {
                offsets.push((dc, dr));
            }
        }
    }
    let near = |at: usize| {
        let (col, row) = ((at % place.width) as i64, (at / place.width) as i64);
        let found = |&(dc, dr): &(i64, i64)| {
            index(place, col + dc, row + dr).is_some_and(|there| !neutral[there] && marked[there] == grows)
        };
        offsets.iter().any(found)
    };
    let shaped =
        |at: usize| if grows { marked[at] || (!neutral[at] && near(at)) } else { marked[at] && !near(at) };
    (0..place.pixels()).map(shaped).collect()
}

// ---- fills ----------------------------------------------------------------------------------------------

/// The image being made. Stages only ever write gaps.
struct Canvas {
    place: Place,
    kind: Kind,
    nodata: Option<f64>,
    bands: Vec<Vec<f64>>,
    source: Vec<Vec<u16>>,
    stage: Vec<Vec<u16>>,
}

impl Canvas {
    fn new(case: &Case, place: Place, reference: &Scene) -> Self {
        let kind = case.dtype.unwrap_or(case.kind);
        let own = reference.bands[..case.wanted].iter().find_map(|b| b.nodata);
        let nodata = case.nodata.or(own).or((kind == Kind::F32).then_some(f64::NAN));
        let planes = if case.per_band { case.wanted } else { 1 };
        let none = vec![vec![NONE; place.pixels()]; planes];
        let bands = vec![vec![0.0; place.pixels()]; case.wanted];
        Self { place, kind, nodata, bands, source: none.clone(), stage: none }
    }

    fn bands_of(&self, plane: usize) -> std::ops::Range<usize> {
        if self.source.len() == 1 { 0..self.bands.len() } else { plane..plane + 1 }
    }

    fn copy(&mut self, scene: usize, from: &Aligned, stage: u16) {
        for (plane, valid) in from.valid.iter().enumerate() {
            for at in (0..valid.len()).filter(|at| valid[*at]) {
                if self.source[plane][at] != NONE {
                    continue;
                }
                for band in self.bands_of(plane) {
                    let value = from.bands[band][at];
                    self.bands[band][at] = if from.exact { value } else { self.computed(value) };
                }
                (self.source[plane][at], self.stage[plane][at]) = (scene as u16, stage);
            }
        }
    }

    fn statistic(
        &mut self,
        donors: &[usize],
        scenes: &[Aligned],
        at_least: u32,
        stage: u16,
        of: impl Fn(&mut Vec<f64>) -> f64,
    ) {
        for plane in 0..self.source.len() {
            for at in 0..self.place.pixels() {
                let valid: Vec<usize> =
                    donors.iter().copied().filter(|d| scenes[*d].valid[plane][at]).collect();
                if self.source[plane][at] != NONE || (valid.len() as u32) < at_least.max(1) {
                    continue;
                }
                for band in self.bands_of(plane) {
                    let value = of(&mut valid.iter().map(|d| scenes[*d].bands[band][at]).collect());
                    self.bands[band][at] = self.computed(value);
                }
                (self.source[plane][at], self.stage[plane][at]) = (STATISTIC + stage, stage);
            }
        }
    }

    /// Rounded half away from zero, clamped, one aside where it would read as nodata.
    fn computed(&self, value: f64) -> f64 {
        let (low, high) = self.kind.range();
        let whole = match self.kind {
            Kind::F32 => f64::from(value as f32),
            _ if value < 0.0 => (value - 0.5).ceil().max(low),
            _ => (value + 0.5).floor().min(high),
        };
        match self.nodata {
            Some(nodata) if whole == nodata => nodata + if nodata == high { -1.0 } else { 1.0 },
            _ => whole,
        }
    }

    fn finish(mut self, scenes: &[&Scene], clear: &[Aligned], day: Option<i32>) -> Expected {
        let mut planes = vec![vec![[NONE; 4]; self.place.pixels()]; self.source.len()];
        for (plane, records) in planes.iter_mut().enumerate() {
            for (at, record) in records.iter_mut().enumerate() {
                let source = self.source[plane][at];
                let day_of = scenes.get(usize::from(source)).and_then(|s| s.day);
                let age = day_of.zip(day).map_or(NONE, |(a, b)| a.abs_diff(b) as u16);
                let count = clear.iter().filter(|a| a.valid[plane][at]).count() as u16;
                *record = [source, self.stage[plane][at], age, count];
                for band in self.bands_of(plane) {
                    if source == NONE {
                        self.bands[band][at] = self.nodata.expect("a case with gaps says nodata");
                    }
                }
            }
        }
        Expected {
            id: None,
            place: self.place,
            bands: self.bands,
            planes,
            exact: true,
            masked: 0,
            missing: 0,
        }
    }
}
