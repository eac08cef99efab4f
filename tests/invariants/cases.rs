//! Random cases. A seed gives the same case for ever.

use super::random::Random;
use super::stack::{Band, Bit, Case, Fill, Kind, Length, Mask, Place, Reach, Rule, Scene, Target};

/// What kind of stack a case has.
#[derive(Clone, Copy, PartialEq)]
pub enum Shape {
    /// Scenes are whole-pixel shifts of one another: every sample is exact.
    Shifts,
    /// Some scenes lie between pixels, have other pixel sizes or run the other way.
    Between,
    /// The quality band has pixels twice as large.
    CoarseQuality,
    /// The second data band has pixels twice as large.
    TwoResolutions,
}

/// Day 18 400 is 2020-05-18.
const FIRST_DAY: i64 = 18_400;

/// Codes of `QA_PIXEL` that real scenes hold, and a few that none does.
const CODES: [u32; 16] =
    [21824, 21824, 21952, 22280, 22280, 23888, 30048, 54596, 55052, 22018, 22080, 1, 24088, 54534, 0, 65534];

pub fn random(seed: u64, shape: Shape) -> Case {
    let random = &mut Random::new(seed);
    let kind = [Kind::U16, Kind::I16, Kind::F32][seed as usize % 3];
    let count = random.within(3, 6) as usize;
    let wanted = if shape == Shape::TwoResolutions { 2 } else { random.within(1, 4) as usize };
    let alone = shape == Shape::CoarseQuality || shape == Shape::TwoResolutions;
    let one_file = kind != Kind::F32 && !alone && random.once_in(2);
    let extra = usize::from(!one_file && random.once_in(3));
    let base = base_place(random, shape);
    let nodata = nodata(random, kind, shape);
    let mut scenes: Vec<Scene> = (0..count)
        .map(|number| {
            let place = if number == 0 { base } else { scene_place(random, base, shape) };
            scene(random, number, place, wanted + extra, Given { kind, nodata, one_file, shape })
        })
        .collect();
    if shape == Shape::Between && random.once_in(3) {
        scenes
            .iter_mut()
            .enumerate()
            .for_each(|(i, s)| s.scale_offset = Some([(1e-4, 0.0), (3e-4, -0.1)][i % 2]));
    }
    random.shuffle(&mut scenes);
    let mut case = Case {
        seed,
        kind,
        wanted,
        masks: Vec::new(),
        fills: Vec::new(),
        target: Target::None(None),
        per_band: wanted > 1 && random.once_in(3),
        resampling: ["bilinear", "nearest", "cubic"][seed as usize / 3 % 3],
        like: None,
        dtype: None,
        // Gaps need a value, and no observed pixel may have it.
        nodata: nodata.is_none().then(|| if kind == Kind::F32 { f64::NAN } else { kind.range().0 }),
        count: random.once_in(2),
        scenes,
    };
    if kind != Kind::F32 && shape == Shape::Shifts && random.once_in(4) {
        case.dtype = Some(Kind::F32);
        case.nodata = Some(f64::NAN);
    }
    case.masks = (0..random.within(1, 3)).map(|_| mask(random, &case, 0)).collect();
    targets_and_fills(random, &mut case, shape);
    case
}

fn base_place(random: &mut Random, shape: Shape) -> Place {
    let (dx, dy) = random.pick(&[(30.0, -30.0), (10.0, -10.0), (30.0, -20.0)]);
    let mut side = || random.within(20, 90) as usize;
    let (mut width, mut height) = (side(), side());
    if shape == Shape::CoarseQuality || shape == Shape::TwoResolutions {
        (width, height) = (width / 2 * 2, height / 2 * 2);
    }
    Place { x: 405_000.0, y: 4_500_000.0, dx, dy, width, height }
}

fn scene_place(random: &mut Random, base: Place, shape: Shape) -> Place {
    let mut place = base;
    if random.once_in(2) {
        (place.width, place.height) = (random.within(20, 90) as usize, random.within(20, 90) as usize);
    }
    let mut shift = (random.within(-15, 15) as f64, random.within(-15, 15) as f64);
    if shape == Shape::CoarseQuality || shape == Shape::TwoResolutions {
        (place.width, place.height) = (place.width / 2 * 2, place.height / 2 * 2);
        shift = (2.0 * shift.0, 2.0 * shift.1);
    }
    if shape == Shape::Between && !random.once_in(4) {
        match random.below(4) {
            0 => (place.dx, place.dy) = (place.dx * 2.0, place.dy * 2.0),
            1 => (place.dx, place.dy) = (place.dx * 0.7, place.dy * 1.3),
            _ => {}
        }
        let part = [0.0, 0.5, 0.31, 0.123_456, -0.25, 0.01];
        shift = (shift.0 + random.pick(&part), shift.1 + random.pick(&part[1..]));
    }
    (place.x, place.y) = (base.x + base.dx * shift.0, base.y + base.dy * shift.1);
    if shape == Shape::Between && random.once_in(5) {
        place.y += place.dy * place.height as f64;
        place.dy = -place.dy;
    }
    place
}

fn nodata(random: &mut Random, kind: Kind, shape: Shape) -> Option<f64> {
    // In the midst of the values: computed ones have to step over it. Not where they may be off by one.
    let amidst = shape != Shape::Between && random.once_in(3);
    match kind {
        _ if random.once_in(4) => None,
        Kind::U16 => Some(if amidst { 1003.0 } else { random.pick(&[0.0, 65535.0]) }),
        Kind::I16 => Some(if amidst { 1003.0 } else { random.pick(&[-9999.0, -32768.0, 32767.0]) }),
        Kind::F32 => Some(if amidst { 1003.0 } else { random.pick(&[f64::NAN, -9999.0]) }),
    }
}

#[derive(Clone, Copy)]
struct Given {
    kind: Kind,
    nodata: Option<f64>,
    one_file: bool,
    shape: Shape,
}

fn scene(random: &mut Random, number: usize, place: Place, bands: usize, given: Given) -> Scene {
    let coarse = Place {
        dx: 2.0 * place.dx,
        dy: 2.0 * place.dy,
        width: place.width / 2,
        height: place.height / 2,
        ..place
    };
    let place_of = |band: usize| match given.shape {
        Shape::TwoResolutions if band == 1 => coarse,
        _ => place,
    };
    let data = |band: usize, random: &mut Random| Band {
        name: format!("B{}", band + 1),
        place: place_of(band),
        values: values(random, place_of(band), given),
        nodata: given.nodata,
    };
    let data: Vec<Band> = (0..bands).map(|band| data(band, random)).collect();
    let on = if given.shape == Shape::CoarseQuality { coarse } else { place };
    let quality = Band { name: "QA".into(), place: on, values: codes(random, on), nodata: None };
    let mut order: Vec<usize> = (0..=bands).collect();
    random.shuffle(&mut order);
    Scene {
        id: format!("{}{number}", random.pick(&["s", "LC08_", "a b", "é"])),
        // Near one another, now and then on the same day.
        day: Some((FIRST_DAY + random.within(0, 20)) as i32),
        bands: data,
        quality,
        scale_offset: None,
        one_file: given.one_file.then_some(order),
        options: options(random),
    }
}

fn options(random: &mut Random) -> Vec<String> {
    let mut options = vec![format!("INTERLEAVE={}", random.pick(&["BAND", "PIXEL"]))];
    if random.once_in(2) {
        let (width, height) = (random.pick(&[16, 32, 64]), random.pick(&[16, 48, 128]));
        options.extend(["TILED=YES".into(), format!("BLOCKXSIZE={width}"), format!("BLOCKYSIZE={height}")]);
    } else {
        options.push(format!("BLOCKYSIZE={}", random.within(1, 40)));
    }
    options.push(format!("COMPRESS={}", random.pick(&["DEFLATE", "LZW", "NONE"])));
    options
}

/// A few levels with noise, so that medians and means meet; one pixel in ten is missing.
fn values(random: &mut Random, place: Place, given: Given) -> Vec<f64> {
    let missing = given.nodata.or((given.kind == Kind::F32).then_some(f64::NAN));
    let wide = random.once_in(2);
    let one = |random: &mut Random| {
        if let Some(missing) = missing.filter(|_| random.once_in(10)) {
            return missing;
        }
        let whole = match given.kind {
            _ if !wide => random.within(1000, 1006) as f64,
            Kind::U16 => random.within(1, 65534) as f64,
            Kind::I16 => random.within(-5000, 16000) as f64,
            Kind::F32 => random.within(-80_000, 80_000) as f64 / 64.0,
        };
        // What is nodata by value is nodata: an observed value is another one.
        if given.nodata == Some(whole) { whole + 1.0 } else { whole }
    };
    (0..place.pixels()).map(|_| one(random)).collect()
}

/// Clear land with blots of other codes, and specks.
fn codes(random: &mut Random, place: Place) -> Vec<f64> {
    let mut codes = vec![21824.0; place.pixels()];
    for _ in 0..random.within(2, 9) {
        let code = f64::from(random.pick(&CODES));
        let (cx, cy) = (random.below(place.width) as i64, random.below(place.height) as i64);
        let (rx, ry) = (random.within(1, 14), random.within(1, 14));
        for (at, value) in codes.iter_mut().enumerate() {
            let (dc, dr) = ((at % place.width) as i64 - cx, (at / place.width) as i64 - cy);
            if dc * dc * ry * ry + dr * dr * rx * rx <= rx * rx * ry * ry {
                *value = code;
            }
        }
    }
    for value in &mut codes {
        if random.once_in(40) {
            *value = f64::from(random.pick(&CODES));
        }
    }
    codes
}

// ---- rules ----------------------------------------------------------------------------------------------

fn flag(name: &str, offset: u32) -> Bit {
    Bit { toml: format!("{name:?}"), offset, mask: 1, low: 1, high: 1 }
}

/// Flags and levels of QA_PIXEL (Landsat 8-9 Collection 2 Level 2 Science Product Guide, table 6-2).
fn bit(random: &mut Random) -> Bit {
    let flags = [
        ("fill", 0),
        ("dilated-cloud", 1),
        ("cirrus", 2),
        ("cloud", 3),
        ("cloud-shadow", 4),
        ("snow", 5),
        ("clear", 6),
        ("water", 7),
    ];
    if !random.once_in(3) {
        let (name, offset) = random.pick(&flags);
        return flag(name, offset);
    }
    let fields = [
        ("cloud-confidence", 8),
        ("cloud-shadow-confidence", 10),
        ("snow-ice-confidence", 12),
        ("cirrus-confidence", 14),
    ];
    let (name, offset) = random.pick(&fields);
    let mut levels = vec![("low", 1), ("high", 3)];
    levels.extend((offset == 8).then_some(("medium", 2)));
    let (level, value) = random.pick(&levels);
    let (how, high) = random.pick(&[("at-least", 3), ("is", value)]);
    let toml = format!("{{ field = {name:?}, {how} = {level:?} }}");
    Bit { toml, offset, mask: 3, low: value, high }
}

fn mask(random: &mut Random, case: &Case, depth: usize) -> Mask {
    let inner = |random: &mut Random| -> Vec<Mask> {
        (0..random.within(1, 3)).map(|_| mask(random, case, depth + 1)).collect()
    };
    let rule = match random.below(if depth < 2 { 7 } else { 4 }) {
        0 | 1 => Rule::Bits((0..random.within(1, 3)).map(|_| bit(random)).collect()),
        2 => Rule::Values((0..random.within(1, 4)).map(|_| random.pick(&CODES[3..])).collect()),
        3 => range(random, case),
        4 => Rule::Any(inner(random)),
        5 => Rule::All(inner(random)),
        _ => Rule::Not(Box::new(mask(random, case, depth + 1))),
    };
    let mut steps = [None; 4];
    if random.once_in(2) {
        let place = case.scenes[0].bands[0].place;
        let radius = random.pick(&[0.5, 1.0, 1.5, 2.0, 2.3, 3.0]);
        let metres = Length::Metres(radius * place.dx.abs());
        steps[random.below(4)] = Some(if random.once_in(3) { metres } else { Length::Pixels(radius) });
        if random.once_in(4) {
            steps[3] = Some(Length::Pixels(1.0));
        }
    }
    Mask { rule, steps }
}

/// A range that takes a part of a data band, or of the codes.
fn range(random: &mut Random, case: &Case) -> Rule {
    let stored_signed = case.kind == Kind::I16 && case.scenes[0].one_file.is_some();
    if !stored_signed && random.once_in(4) {
        return Rule::Range { band: "QA".into(), min: Some(22000.0), max: Some(24000.0) };
    }
    let band = random.pick(&case.scenes[0].bands).name;
    let low = random.within(900, 1010) as f64;
    let (min, max) = random.pick(&[(Some(low), Some(low + 2.0)), (None, Some(1000.0)), (Some(1006.0), None)]);
    Rule::Range { band, min, max }
}

fn targets_and_fills(random: &mut Random, case: &mut Case, shape: Shape) {
    let ids: Vec<String> = case.scenes.iter().map(|s| s.id.clone()).collect();
    let date = (FIRST_DAY + random.within(-3, 23)) as i32;
    case.target = match random.below(6) {
        0 => Target::Each,
        1 => Target::None(Some(date)),
        2 => Target::None(None),
        _ => Target::Scene(random.pick(&ids)),
    };
    if matches!(case.target, Target::None(_)) && shape == Shape::Between {
        case.like = Some(random.pick(&ids));
    }
    let dated = case.target != Target::None(None);
    let donors: Vec<String> =
        ids.iter().filter(|id| case.target != Target::Scene((*id).clone())).cloned().collect();
    // A donor of its own cannot repair every scene.
    let donor = (case.target != Target::Each).then(|| random.pick(&donors));
    // Without a target, only a fill gives pixels.
    let least = usize::from(matches!(case.target, Target::None(_)));
    for _ in 0..[least, 1, 1, 2, 2, 3][random.below(6)] {
        case.fills.push(fill(random, donor.as_deref(), dated));
    }
    // Without a target and without a fill there is nothing to do.
    if case.fills.is_empty() && matches!(case.target, Target::None(_)) {
        case.fills.push(fill(random, donor.as_deref(), dated));
    }
    // Without dates that matter one scene may have none; it comes last.
    let needs_dates = case.fills.iter().any(|f| match f {
        Fill::Single { .. } => false,
        Fill::Nearest(_) => true,
        Fill::Median(_, r) | Fill::Mean(_, r) => r.within_days.is_some() || r.direction != 0,
    });
    if !needs_dates && random.once_in(2) {
        let last = case.scenes.len() - 1;
        case.scenes[last].day = None;
    }
}

fn fill(random: &mut Random, donor: Option<&str>, dated: bool) -> Fill {
    let reach = |random: &mut Random| Reach {
        within_days: (dated && random.once_in(2)).then(|| random.within(0, 15) as u32),
        direction: if dated { random.pick(&[0, 0, -1, 1]) } else { 0 },
    };
    let at_least = |random: &mut Random| random.within(1, 4) as u32;
    match (random.below(6), donor) {
        (0 | 1, Some(donor)) => Fill::Single { donor: donor.into(), masked: random.once_in(2) },
        (2 | 3, _) if dated => Fill::Nearest(reach(random)),
        (4, _) => Fill::Mean(at_least(random), reach(random)),
        _ => Fill::Median(at_least(random), reach(random)),
    }
}
