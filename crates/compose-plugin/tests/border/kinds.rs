//! Kinds of a plugin, as an author writes them: without `unsafe`.

#![forbid(unsafe_code)]

use compose_plugin::{
    About, Band, COMPUTED, Choice, Error, Fill, FillInput, FillOutput, FillPlan, Host, Level, Marks,
    MaskRule, Scene, SceneInput, ScenePlan, Score, Scores, Stack, settings,
};

compose_plugin::export! { @library Plugin, mask_rules: [Haze, Faulty], scores: [Signed], fills: [Mean, Pick] }

/// The entry of this library.
pub static ENTRY: compose_plugin::abi::Entry = compose_plugin::macros::entry::<Plugin>();

const fn about(id: &'static str) -> About {
    About { id, version: "1.2.3", summary: "A kind of the tests.", page: Some("# A page") }
}

settings! {
    /// One setting of every type.
    pub struct HazeSettings {
        /// The band
        /// to read.
        ///
        /// More about it, which is not for users.
        band: Band;
        /// The largest mean.
        limit: f64 = 0.5, in 0.0..=1.0;
        /// Pixels looked at on each side.
        radius: i64 = 1, in 0..;
        /// How neighbours count.
        mode: Choice = "mean", of ["max", "mean"];
        /// Months, for no reason.
        months: Vec<i64> = [3, 4], in 1..=12;
        /// Weights, for no reason.
        weights: Vec<f64> = [];
        /// Other bands to read.
        other_bands: Vec<Band> = ["blue"];
        /// Words, for no reason.
        words: Vec<String>;
        /// Whether codes of clouds are marked too.
        clouds: bool = true;
        /// For no reason.
        note: Option<String>;
        /// For no reason.
        r#type: Option<f64>, in ..=1.5;
        /// For no reason.
        way: Option<Choice>, of ["up", "down"];
    }
}

/// Marks where the mean or the largest of the valid neighbours exceeds a limit, and where codes say cloud.
pub struct Haze {
    settings: HazeSettings,
    data: usize,
    codes: usize,
    cloud: (u32, u32),
}

impl MaskRule for Haze {
    type Settings = HazeSettings;
    const ABOUT: About = about("haze");

    fn new(settings: HazeSettings) -> Result<Self, Error> {
        let as_said = settings.months == [3, 4]
            && settings.weights == [0.25, -1.0]
            && settings.other_bands == ["blue"]
            && settings.words == ["a", "b"]
            && settings.note.as_deref() == Some("noted")
            && (settings.r#type, &settings.way) == (None, &Some(Choice::from("down")));
        if as_said {
            Ok(Haze { settings, data: 9, codes: 9, cloud: (0, 0) })
        } else {
            Err("not as said".into())
        }
    }

    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        let quality = scene.quality().ok_or("no quality band")?;
        self.codes = plan.band(quality);
        self.data = plan.band(scene.find(&self.settings.band)?);
        assert_eq!(plan.band(quality), self.codes, "a band comes once");
        let cloud = scene.band(quality).field("cloud").ok_or("no field cloud")?;
        self.cloud = (cloud.first_bit, cloud.bits);
        plan.halo(self.settings.radius)
    }

    fn mark(&self, input: &SceneInput<'_>, marks: &mut Marks<'_>, host: &Host<'_>) -> Result<(), Error> {
        host.log(Level::Warning, "marking");
        let (data, codes) = (input.data(self.data)?, input.codes(self.codes)?);
        let cloud = input.scene().band(codes.band()).field("cloud").ok_or("no field cloud")?;
        for row in 0..marks.height() {
            let rows: Vec<_> = (0..=2 * input.halo())
                .map(|r| (row + r) as isize - input.halo() as isize)
                .map(|r| (data.wide_row(r), data.wide_valid_row(r)))
                .collect();
            let codes = codes.row(row).iter().zip(codes.valid_row(row));
            for (col, (mark, (&code, &valid))) in marks.row(row).iter_mut().zip(codes).enumerate() {
                let square = rows.iter().flat_map(|(samples, valid)| {
                    let span = col..=col + 2 * input.halo();
                    samples[span.clone()].iter().zip(&valid[span]).filter(|(_, valid)| **valid == 1)
                });
                let reflectances: Vec<_> = square.filter_map(|(&sample, _)| data.physical(sample)).collect();
                let value = match &*self.settings.mode {
                    "max" => reflectances.iter().copied().fold(0.0, f64::max),
                    _ => reflectances.iter().sum::<f64>() / reflectances.len() as f64,
                };
                let cloudy = self.settings.clouds && valid == 1 && cloud.of(code) > 0;
                *mark = u8::from(cloudy || value > self.settings.limit);
            }
        }
        Ok(())
    }
}

settings! {
    /// What goes wrong.
    pub struct FaultySettings {
        /// What goes wrong.
        fault: String = "none";
    }
}

/// What was to fail did not.
fn done<T>(_: T) -> Result<(), Error> {
    Ok(())
}

/// Fails as it is told to.
pub struct Faulty(String);

impl Drop for Faulty {
    fn drop(&mut self) {
        assert_ne!(self.0, "drop", "told to panic");
    }
}

impl MaskRule for Faulty {
    type Settings = FaultySettings;
    const ABOUT: About = About { page: None, ..about("faulty") };

    fn new(FaultySettings { fault }: FaultySettings) -> Result<Self, Error> {
        if fault == "new" { Err(Error::new("these settings do not go together")) } else { Ok(Faulty(fault)) }
    }

    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        match &*self.0 {
            "find" => _ = scene.find("infrared")?,
            "halo" => plan.halo(-1)?,
            "band" => _ = plan.band(99),
            _ => plan.not_deterministic(),
        }
        plan.band(0);
        Ok(())
    }

    fn mark(&self, input: &SceneInput<'_>, marks: &mut Marks<'_>, host: &Host<'_>) -> Result<(), Error> {
        marks.fill(0);
        match &*self.0 {
            "panic" => panic!("told to {}", self.0),
            "payload" => std::panic::resume_unwind(Box::new("thrown without a hook")),
            "error" => Err(Error::new("zero\0byte")),
            "parse" => done("x".parse::<i32>()?),
            "cancel" => host.check_cancelled(),
            "codes" => input.codes(0).map(drop),
            "data" => input.data(1).map(drop),
            "plane" => input.data(2).map(drop),
            "row" => done(input.data(0)?.row(input.height())),
            "wide-row" => done(input.data(0)?.wide_row(-2)),
            "pixel" => done(input.data(0)?.get(0, input.width() as isize + 1)),
            "output" => done(marks.row(input.height())),
            _ => Ok(()),
        }
    }
}

/// Rates by the sample, with its sign changed.
pub struct Signed;

impl Score for Signed {
    type Settings = ();
    const ABOUT: About = about("signed");

    fn new((): ()) -> Result<Self, Error> {
        Ok(Signed)
    }

    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        plan.band(scene.find("red")?);
        Ok(())
    }

    fn rate(&self, input: &SceneInput<'_>, scores: &mut Scores<'_>, _: &Host<'_>) -> Result<(), Error> {
        let red = input.data(0)?;
        for (row, scores) in scores.rows().enumerate() {
            for (col, score) in scores.iter_mut().enumerate() {
                *score = red.get(row as isize, col as isize).map_or(f32::NEG_INFINITY, |sample| -sample);
            }
        }
        Ok(())
    }
}

/// The mean of all donors.
pub struct Mean;

impl Fill for Mean {
    type Settings = ();
    const ABOUT: About = about("plain-mean");

    fn new((): ()) -> Result<Self, Error> {
        Ok(Mean)
    }

    fn plan(&mut self, _: &Stack<'_>, _: &mut FillPlan<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn fill(&self, input: &FillInput<'_>, out: &mut FillOutput<'_>, _: &Host<'_>) -> Result<(), Error> {
        let looks = (0..input.band_count()).map(|band| input.looks(band)).collect::<Result<Vec<_>, _>>()?;
        for row in 0..input.height() {
            let mut out = out.row(row);
            for (band, looks) in looks.iter().enumerate() {
                let (values, sources) = out.band(band);
                for (col, &gap) in input.gaps(band).row(row).iter().enumerate() {
                    let seen = looks.iter().filter(|look| look.valid_row(row)[col] == 1);
                    let samples: Vec<_> = seen.map(|look| look.row(row)[col]).collect();
                    if gap == 1 && !samples.is_empty() {
                        values[col] = samples.iter().sum::<f32>() / samples.len() as f32;
                        sources[col] = COMPUTED;
                    }
                }
            }
        }
        Ok(())
    }
}

settings! {
    /// Settings of `pick`.
    pub struct PickSettings {
        /// The scenes to take, in order.
        scenes: Vec<i64> = [];
    }
}

/// Takes the first donor that sees a pixel; brightens the target where there is none.
pub struct Pick(PickSettings);

impl Fill for Pick {
    type Settings = PickSettings;
    const ABOUT: About = about("pick");

    fn new(settings: PickSettings) -> Result<Self, Error> {
        Ok(Pick(settings))
    }

    fn plan(&mut self, stack: &Stack<'_>, plan: &mut FillPlan<'_>) -> Result<(), Error> {
        assert_eq!(stack.scenes().map(|scene| scene.day()).collect::<Vec<_>>(), [Some(0), Some(1), None]);
        assert_eq!((stack.target(), stack.target_day(), stack.is_joint()), (Some(1), Some(1), true));
        plan.donors(self.0.scenes.iter().map(|&scene| scene as usize))?;
        plan.one_by_one();
        plan.wants_target();
        plan.halo(2)
    }

    fn fill(&self, input: &FillInput<'_>, out: &mut FillOutput<'_>, _: &Host<'_>) -> Result<(), Error> {
        let donors: Vec<_> = input.donors().collect();
        let target = input.target(1)?.ok_or("no target")?;
        for row in 0..input.height() {
            for col in 0..input.width() {
                let (r, c) = (row as isize, col as isize);
                for (k, donor) in donors.iter().enumerate().rev() {
                    if donor.is_exact() && donor.data(0)?.get(r, c).is_some() {
                        out.sources(0).row(row)[col] = k as u32;
                    }
                }
                if let Some(sample) = target.get(r - 2, c + 2) {
                    out.values(1).row(row)[col] = sample + 1.0;
                }
            }
        }
        Ok(())
    }
}
