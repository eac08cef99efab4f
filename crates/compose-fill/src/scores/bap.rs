#![doc = include_str!("bap.md")]

mod clouds;
mod distance;

use clouds::{Clouds, Length};
use compose_core::suggest::did_you_mean;
use compose_core::{
    BandRole, BoundScore, Day, KindError, Plane, Problem, SceneFacts, Score, ScoreInput, ScoreKind,
    SettingsTable,
};
use distance::Columns;
use ndarray::{ArrayView2, ArrayViewMut2, s};
use schemars::JsonSchema;
use serde::Deserialize;

/// The score `bap`.
pub const KIND: ScoreKind = ScoreKind {
    name: "bap",
    page: include_str!("bap.md"),
    schema: &|| schemars::schema_for!(Bap),
    parse: &parse,
};

/// Settings of `bap`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bap {
    /// Days of the year, 1 to 366: the first that is worth anything, the best, the last.
    #[serde(default = "summer")]
    pub day_of_year: [u32; 3],
    /// The scores of these three days.
    #[serde(default = "scores")]
    pub day_of_year_scores: [f64; 3],
    /// The best year; without it all years are as good.
    pub year: Option<i32>,
    /// So many years from the best one are worth as little as the first or last day of the year.
    #[serde(default = "years")]
    pub year_reach: f64,
    /// Flags of the quality band that say "cloud"; without them the distance from clouds does not count.
    #[serde(default)]
    pub clouds: Vec<String>,
    /// The distance from which on clouds do no harm, such as `"3000 m"` or `"100 px"`.
    #[serde(default = "distance")]
    pub required_distance: String,
    /// The haze (HOT, in 1e-4 of reflectance) that is half good; without it haze does not count.
    pub haze: Option<f64>,
    /// The blue band, for haze.
    #[serde(default = "blue")]
    pub blue: String,
    /// The red band, for haze.
    #[serde(default = "red")]
    pub red: String,
    /// How much each part counts.
    #[serde(default)]
    pub weights: Weights,
}

/// How much each part counts; 0 is not at all.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Weights {
    /// The day of the year.
    pub day_of_year: f64,
    /// The year.
    pub year: f64,
    /// The distance from clouds.
    pub cloud_distance: f64,
    /// Haze.
    pub haze: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { day_of_year: 1.0, year: 1.0, cloud_distance: 0.4, haze: 0.3 }
    }
}

fn summer() -> [u32; 3] {
    [120, 180, 240]
}

fn scores() -> [f64; 3] {
    [0.01, 0.99, 0.01]
}

fn years() -> f64 {
    9.0
}

fn distance() -> String {
    "3000 m".into()
}

fn blue() -> String {
    "blue".into()
}

fn red() -> String {
    "red".into()
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn Score>, Vec<Problem>> {
    let bap: Bap = table.read("score \"bap\"")?;
    let mut problems = Vec::new();
    let mut wrong = |key: &str, message: &str| {
        problems.push(table.problem_at(key, format!("score \"bap\": {message}")));
    };
    let [first, best, last] = bap.day_of_year;
    if ![first, best, last].iter().all(|day| (1..=366).contains(day)) || first == best || last == best {
        wrong(
            "day-of-year",
            "day-of-year is not the first, best and last of three different days from 1 to 366",
        );
    }
    let [low, high, other] = bap.day_of_year_scores;
    if !(0.0 < low && low < high && 0.0 < other && other < high && high <= 1.0) {
        wrong(
            "day-of-year-scores",
            "day-of-year-scores are not three numbers from 0 to 1, the second the largest",
        );
    }
    if !(bap.year_reach.is_finite() && bap.year_reach > 0.0) {
        wrong("year-reach", "year-reach is not a number of years above 0");
    }
    let required = Length::read(&bap.required_distance);
    if required.is_none() {
        wrong(
            "required-distance",
            "required-distance is not a length above 0 such as \"3000 m\" or \"100 px\"",
        );
    }
    if bap.haze.is_some_and(|haze| !haze.is_finite()) {
        wrong("haze", "haze is not finite, expected a number such as -150");
    }
    let Weights { day_of_year, year, cloud_distance, haze } = bap.weights;
    let weights = [day_of_year, year, cloud_distance, haze];
    if !weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0) {
        wrong("weights", "weights hold a number that is not finite or below 0");
    } else if bap.total_weight() == 0.0 {
        wrong("weights", "weights leave nothing that counts");
    }
    match required {
        Some(required) if problems.is_empty() => Ok(Box::new(Strategy { bap, required })),
        _ => Err(problems),
    }
}

impl Bap {
    /// The sum of the weights that count.
    fn total_weight(&self) -> f64 {
        let weights = self.weights;
        let given = |is_given: bool, weight: f64| if is_given { weight } else { 0.0 };
        weights.day_of_year
            + given(self.year.is_some(), weights.year)
            + given(!self.clouds.is_empty(), weights.cloud_distance)
            + given(self.haze.is_some(), weights.haze)
    }

    /// The score of a day on a Gaussian that is S₁ on the best day (`part` = 0) and s₀ on the first or last day
    /// (`part` = 1); `part` is the distance from the best day divided by that length: S₁ (s₀ / S₁)^part², which is S₁
    /// exp(−Δ² / 2σ²) with σ = D / √(−2 ln(s₀ / S₁)) and part = Δ / D.
    fn gaussian_score(&self, side: usize, part: f64) -> f64 {
        let [best, low] = [self.day_of_year_scores[1], self.day_of_year_scores[side]];
        best * (low / best).powf(part * part)
    }

    /// Days from the best day of the year to this one, negative before it, over the turn of the year where that is nearer.
    fn days(&self, day: Day) -> i32 {
        let days = day.ordinal() as i32 - self.day_of_year[1] as i32;
        if days > YEAR / 2 {
            days - YEAR
        } else if days < -YEAR / 2 {
            days + YEAR
        } else {
            days
        }
    }

    /// The index in `day_of_year` of the day (first or last) on the side of this distance, and the days between it and
    /// the best one.
    fn side(&self, days: i32) -> (usize, f64) {
        let [first, best, last] = self.day_of_year.map(|day| day as i32);
        if days < 0 {
            (0, f64::from((best - first).rem_euclid(YEAR)))
        } else {
            (2, f64::from((last - best).rem_euclid(YEAR)))
        }
    }

    /// The scores of day of the year and year.
    fn dated(&self, day: Day) -> [f64; 2] {
        let days = self.days(day);
        let (side, length) = self.side(days);
        let years = self.year.map_or(0, |year| year.abs_diff(day.year()));
        [
            self.gaussian_score(side, f64::from(days) / length),
            self.gaussian_score(side, f64::from(years) / self.year_reach),
        ]
    }
}

/// Days of a year where it is a circle.
const YEAR: i32 = 365;

/// A pixel with a partial score below this is no candidate; it leaves room for rounding on the first and last day.
const LEAST: f64 = 0.01 - 1e-9;

#[derive(Debug)]
struct Strategy {
    bap: Bap,
    required: Length,
}

impl Score for Strategy {
    fn bind(&self, scene: &SceneFacts) -> Result<Box<dyn BoundScore>, KindError> {
        let (bap, weights) = (&self.bap, self.bap.weights);
        let day = scene.day.ok_or_else(|| {
            KindError::new(
                "no date; give it one in [[scene]], or say where to find it with date-from in [scenes]",
            )
        })?;
        let [season, year] = bap.dated(day);
        let year_weight = if bap.year.is_some() { weights.year } else { 0.0 };
        let dated = [(season, weights.day_of_year), (year, year_weight)];
        let (mut bands, mut clouds, mut haze) = (Vec::new(), None, None);
        if !bap.clouds.is_empty() && weights.cloud_distance > 0.0 {
            let bound = Clouds::bind(&bap.clouds, self.required, scene)?;
            bands.push(bound.band);
            clouds = Some(bound);
        }
        if let Some(required) = bap.haze.filter(|_| weights.haze > 0.0) {
            let [blue, red] = [reflectance(scene, &bap.blue, "blue")?, reflectance(scene, &bap.red, "red")?];
            if blue.band == red.band {
                return Err(KindError::new("blue and red are the same band").about("red"));
            }
            bands.extend([blue.band, red.band]);
            haze = Some(Haze { blue, red, required });
        }
        let is_candidate = dated.iter().all(|(score, weight)| *weight == 0.0 || *score >= LEAST);
        let dated = dated.iter().map(|(score, weight)| score * weight).sum();
        Ok(Box::new(Bound { bands, is_candidate, dated, clouds, haze, weights, total: bap.total_weight() }))
    }
}

/// A data band whose samples can be turned into reflectance.
struct Reflectance {
    band: usize,
    scale: f64,
    offset: f64,
}

fn reflectance(scene: &SceneFacts, name: &str, key: &'static str) -> Result<Reflectance, KindError> {
    let wrong = |message: String| KindError::new(message).about(key);
    let band = scene.band(name).ok_or_else(|| {
        let names: Vec<&str> = scene.bands.iter().map(|b| b.name.as_str()).collect();
        let hint = did_you_mean(name, names.iter().copied());
        let separator = if hint.is_empty() { ";" } else { "" };
        wrong(format!("no band \"{name}\" for haze{hint}{separator} bands: {}", names.join(", ")))
    })?;
    if scene.bands[band].role != BandRole::Data {
        return Err(wrong(format!("{name} is a quality band; haze is told by reflectance")));
    }
    let (scale, offset) = scene.bands[band].scale_offset.ok_or_else(|| {
        wrong(format!("the scale of band \"{name}\" is not known, without which haze means nothing; say scale and offset in [scenes]"))
    })?;
    Ok(Reflectance { band, scale, offset })
}

struct Haze {
    blue: Reflectance,
    red: Reflectance,
    required: f64,
}

impl Haze {
    /// The score for samples of blue and red. HOT = blue − 0.5 red − 0.08 (Y. Zhang et al. 2002, with the numbers of Fmask,
    /// Zhu and Woodcock 2012), here in 1e-4 of reflectance; its curve is that of FORCE.
    fn score(&self, blue: f32, red: f32) -> f64 {
        let reflectance = |sample: f32, band: &Reflectance| f64::from(sample) * band.scale + band.offset;
        let hot = 1e4 * (reflectance(blue, &self.blue) - 0.5 * reflectance(red, &self.red) - 0.08);
        1.0 / (1.0 + (0.05 * (hot - self.required)).exp())
    }
}

struct Bound {
    /// The quality band where clouds count, then blue and red where haze counts.
    bands: Vec<usize>,
    /// Whether the date is good enough.
    is_candidate: bool,
    /// The weighted sum of the scores that depend on the date alone.
    dated: f64,
    clouds: Option<Clouds>,
    haze: Option<Haze>,
    weights: Weights,
    /// The sum of the weights.
    total: f64,
}

impl BoundScore for Bound {
    fn bands(&self) -> &[usize] {
        &self.bands
    }

    fn halo(&self) -> usize {
        self.clouds.as_ref().map_or(0, |clouds| clouds.reach.pixels)
    }

    fn rate(&self, input: &ScoreInput<'_>, mut scores: ArrayViewMut2<'_, f32>) -> Result<(), KindError> {
        let (halo, (rows, cols)) = (self.halo(), scores.dim());
        if !self.is_candidate || rows <= 2 * halo || cols <= 2 * halo {
            return Ok(());
        }
        let mut planes = input.planes.iter();
        let clouds = match &self.clouds {
            None => None,
            Some(clouds) => Some(CloudPlanes::new(clouds, planes.next())?),
        };
        let haze = match &self.haze {
            None => None,
            Some(haze) => Some(HazePlanes::new(haze, [planes.next(), planes.next()])?),
        };
        // What is further out is there for the distances alone.
        let mut scores = scores.slice_mut(s![halo..rows - halo, halo..cols - halo]);
        let (mut sums, mut parts) = (vec![0.0; cols - 2 * halo], vec![0.0; cols - 2 * halo]);
        for (row, mut scores) in scores.rows_mut().into_iter().enumerate() {
            sums.fill(self.dated);
            scores.fill((self.dated / self.total) as f32);
            let mut add = |weight: f64, parts: &[f64]| {
                for ((score, sum), part) in scores.iter_mut().zip(&mut sums).zip(parts) {
                    *sum += weight * part;
                    let is_candidate = *part >= LEAST && *score > f32::NEG_INFINITY;
                    *score = if is_candidate { (*sum / self.total) as f32 } else { f32::NEG_INFINITY };
                }
            };
            if let Some(clouds) = &clouds {
                clouds.scores((row, halo), &mut parts);
                add(self.weights.cloud_distance, &parts);
            }
            if let Some(haze) = &haze {
                haze.scores((row + halo, halo), &mut parts);
                add(self.weights.haze, &parts);
            }
        }
        Ok(())
    }
}

/// The quality band of a window, with the distances from its clouds.
struct CloudPlanes<'a> {
    clouds: &'a Clouds,
    columns: Option<Columns>,
    inside: ArrayView2<'a, u8>,
}

impl<'a> CloudPlanes<'a> {
    fn new(clouds: &'a Clouds, plane: Option<&'a Plane<'_>>) -> Result<Self, KindError> {
        let Some(Plane::Quality { codes, inside }) = plane else {
            return Err(KindError::new("the quality band did not come as codes"));
        };
        Ok(Self { clouds, columns: clouds.along_columns(*codes, *inside), inside: inside.view() })
    }

    /// The scores of a row, counted from the first below the halo; 0 outside the scene.
    fn scores(&self, (row, halo): (usize, usize), scores: &mut [f64]) {
        self.clouds.scores(self.columns.as_ref(), row, scores);
        let inside = self.inside.row(row + halo);
        for (score, inside) in scores.iter_mut().zip(inside.slice(s![halo..])) {
            *score = if *inside != 0 { *score } else { 0.0 };
        }
    }
}

/// Blue and red of a window.
struct HazePlanes<'a> {
    haze: &'a Haze,
    /// Samples, and where they are valid.
    blue: (ArrayView2<'a, f32>, ArrayView2<'a, u8>),
    red: (ArrayView2<'a, f32>, ArrayView2<'a, u8>),
}

impl<'a> HazePlanes<'a> {
    fn new(haze: &'a Haze, planes: [Option<&'a Plane<'_>>; 2]) -> Result<Self, KindError> {
        let [Some(Plane::Data { values: blue, valid }), Some(Plane::Data { values: red, valid: red_valid })] =
            planes
        else {
            return Err(KindError::new("blue and red did not come as numbers"));
        };
        Ok(Self { haze, blue: (blue.view(), valid.view()), red: (red.view(), red_valid.view()) })
    }

    /// The scores of a row from this column on; 0 where a band has no sample.
    fn scores(&self, (row, col): (usize, usize), scores: &mut [f64]) {
        for (nth, score) in scores.iter_mut().enumerate() {
            let at = [row, col + nth];
            let valid = self.blue.1[at] & self.red.1[at] != 0;
            *score = if valid { self.haze.score(self.blue.0[at], self.red.0[at]) } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{scene, strategy};
    use compose_core::{BandFacts, CrsUnit, Grid, Window, quality};
    use ndarray::Array2;
    use std::sync::Arc;

    /// 30 m; bands B1 (blue), B2 (red) and a quality band of Landsat.
    fn landsat(day: i32) -> SceneFacts {
        let mut facts = scene("a", Some(day));
        let crs = compose_core::Crs { unit: CrsUnit::Metres(1.0), ..test_crs() };
        let grid = Grid { crs: Some(Arc::new(crs)), ..facts.grid.clone() };
        let band = |name: &str, alias: &str, role| BandFacts {
            name: name.into(),
            aliases: vec![alias.into()],
            role,
            grid: grid.clone(),
            scale_offset: Some((1e-4, 0.0)),
            layout: (role == BandRole::Quality).then(|| quality::find("landsat-c2-l89").unwrap()),
            beside: false,
            ..facts.bands[0].clone()
        };
        let bands = vec![
            band("B1", "blue", BandRole::Data),
            band("B2", "red", BandRole::Data),
            band("QA_PIXEL", "qa", BandRole::Quality),
        ];
        facts.bands = bands;
        facts.quality = Some(2);
        facts
    }

    fn test_crs() -> compose_core::Crs {
        compose_core::Crs { wkt: "test".into(), label: "test".into(), unit: CrsUnit::Metres(1.0) }
    }

    fn bap(settings: &str) -> Box<dyn Score> {
        let table = toml::de::DeTable::parse(settings).unwrap().into_inner();
        parse(&SettingsTable::new(0..settings.len(), table)).unwrap()
    }

    /// Scores of a row of pixels.
    fn rate(settings: &str, day: i32, blue: &[f32], red: &[f32], codes: &[u32]) -> Vec<f32> {
        let facts = landsat(day);
        let bound = bap(settings).bind(&facts).unwrap();
        let halo = bound.halo();
        let shape = (1 + 2 * halo, codes.len() + 2 * halo);
        let row = s![halo, halo..halo + codes.len()];
        let data = |samples: &[f32]| {
            let mut data = Array2::zeros(shape);
            data.slice_mut(row).assign(&ndarray::aview1(samples));
            data
        };
        let (blue, red) = (data(blue), data(red));
        let (mut all_codes, mut all) = (Array2::zeros(shape), Array2::zeros(shape));
        all_codes.slice_mut(row).assign(&ndarray::aview1(codes));
        all.slice_mut(row).fill(1);
        let planes: Vec<_> = bound
            .bands()
            .iter()
            .map(|band| match band {
                0 => Plane::Data { values: blue.view(), valid: all.view() },
                1 => Plane::Data { values: red.view(), valid: all.view() },
                _ => Plane::Quality { codes: all_codes.view(), inside: all.view() },
            })
            .collect();
        let window = Window::whole(shape.1, 1);
        let mut scores = Array2::from_elem(shape, f32::NEG_INFINITY);
        let input = ScoreInput { scene: &facts, grid: &facts.grid, window, planes: &planes };
        bound.rate(&input, scores.view_mut()).unwrap();
        scores.slice(row).to_vec()
    }

    /// Days since 1970 of a day of the year.
    fn day(year: i32, day: i32) -> i32 {
        let first = |day: &Day| day.year() == year && day.ordinal() == 1;
        (0..).map(Day).find(first).unwrap().0 + day - 1
    }

    fn near(a: f32, b: f64) -> bool {
        (f64::from(a) - b).abs() < 1e-6
    }

    #[test]
    fn the_day_of_the_year_falls_off_as_two_halves_of_gauss() {
        let of = |doy: i32, settings: &str| rate(settings, day(2016, doy), &[0.0], &[0.0], &[0])[0];
        let sigma = |side: f64| side / (-2.0 * (0.01f64 / 0.99).ln()).sqrt();
        let plain = |days: f64, side: f64| 0.99 * (-days * days / (2.0 * sigma(side).powi(2))).exp();
        assert!(near(of(180, ""), 0.99) && near(of(150, ""), plain(30.0, 60.0)));
        assert!(near(of(120, ""), 0.01) && near(of(240, ""), 0.01));
        assert_eq!((of(119, ""), of(241, "")), (f32::NEG_INFINITY, f32::NEG_INFINITY));
        let autumn = "day-of-year = [150, 180, 300]";
        assert!(near(of(240, autumn), plain(60.0, 120.0)) && near(of(165, autumn), plain(15.0, 30.0)));
        let winter = "day-of-year = [330, 15, 60]";
        assert!(near(of(365, winter), plain(15.0, 50.0)) && near(of(30, winter), plain(15.0, 45.0)));
    }

    #[test]
    fn years_count_less_the_farther_they_are() {
        let of = |year: i32| rate("year = 2016", day(year, 180), &[0.0], &[0.0], &[0])[0];
        let plain = |years: f64| (0.99 + 0.99 * (0.01f64 / 0.99).powf((years / 9.0).powi(2))) / 2.0;
        assert!(near(of(2016), plain(0.0)) && near(of(2014), plain(2.0)) && near(of(2019), plain(3.0)));
        assert_eq!(of(2006), f32::NEG_INFINITY);
    }

    #[test]
    fn clouds_count_by_their_distance_in_metres() {
        let (cloud, settings) = (1 << 3, "clouds = [\"cloud\"]\nrequired-distance = \"300 m\"");
        let mut codes = vec![0; 40];
        codes[3] = cloud;
        let zeros = [0.0; 40];
        let found = rate(settings, day(2016, 180), &zeros, &zeros, &codes);
        for (col, &found) in found.iter().enumerate() {
            let distance = (col.abs_diff(3) as f64 * 30.0).min(300.0);
            let part = 1.0 / (1.0 + (-10.0 / 300.0 * (distance - 150.0)).exp());
            let plain = (0.99 + 0.4 * part) / 1.4;
            assert!(if part < 0.01 { found == f32::NEG_INFINITY } else { near(found, plain) }, "{col}");
        }
        assert_eq!(bap(settings).bind(&landsat(180)).unwrap().halo(), 10);
    }

    #[test]
    fn haze_counts_by_blue_and_red() {
        let (blue, red) = ([300.0, 900.0, 1000.0], [400.0, 500.0, 500.0]);
        let found = rate("haze = -150", day(2016, 180), &blue, &red, &[0; 3]);
        let plain = |hot: f64| (0.99 + 0.3 / (1.0 + (0.05 * (hot + 150.0)).exp())) / 1.3;
        assert!(near(found[0], plain(-700.0)) && near(found[1], plain(-150.0)));
        assert_eq!(found[2], f32::NEG_INFINITY);
    }

    #[test]
    fn what_a_scene_lacks_is_named() {
        let refused =
            |settings: &str, facts: SceneFacts| bap(settings).bind(&facts).err().unwrap().to_string();
        assert!(refused("", SceneFacts { day: None, ..landsat(0) }).starts_with("no date; give it one"));
        let flags = refused("clouds = [\"clowd\"]", landsat(0));
        assert!(
            flags.starts_with("QA_PIXEL has no flag \"clowd\"; did you mean \"cloud\"? flags: fill, "),
            "{flags}"
        );
        let none = SceneFacts { quality: None, ..landsat(0) };
        assert_eq!(
            refused("clouds = [\"cloud\"]", none),
            "the scene has no quality band; say quality and layout in [scenes]"
        );
        assert_eq!(
            refused("haze = -150\nred = \"rad\"", landsat(0)),
            "no band \"rad\" for haze; bands: B1, B2, QA_PIXEL"
        );
        assert_eq!(refused("haze = -150\nred = \"blue\"", landsat(0)), "blue and red are the same band");
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let refused = |settings: &str| {
            let fill = format!("strategy = \"best-score\"\nscore = {{ kind = \"bap\", {settings} }}");
            strategy(&fill).unwrap_err().remove(0)
        };
        assert!(refused("day-of-year = [180, 180, 240]").contains("three different days from 1 to 366"));
        assert!(refused("day-of-year-scores = [0.5, 0.2, 0.1]").contains("the second the largest"));
        assert!(refused("year-reach = 0").contains("above 0"));
        assert!(refused("required-distance = \"3 km\"").contains("such as \"3000 m\" or \"100 px\""));
        assert!(refused("haze = nan").contains("haze is not finite"));
        assert!(refused("weights = { haze = -1 }").contains("below 0"));
        assert!(refused("weights = { day-of-year = 0 }").contains("nothing that counts"));
    }
}
