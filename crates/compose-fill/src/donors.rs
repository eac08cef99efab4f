//! Choice of donors by date.

use compose_core::{DonorUse, KindError, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// On which side of the target date donors are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Donors of the target's day or earlier.
    Before,
    /// Donors of the target's day or later.
    After,
    /// Every donor.
    #[default]
    Both,
}

/// The largest distance of a donor from the target date, and the side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reach {
    pub within_days: Option<u32>,
    pub direction: Direction,
}

impl Reach {
    /// Whether dates matter at all.
    pub fn needs_dates(self) -> bool {
        self.within_days.is_some() || self.direction != Direction::Both
    }

    /// Why a scene so many days after the target (before, where negative) is left out, if it is.
    fn refuses(self, days: i32) -> Option<String> {
        match (self.direction, self.within_days) {
            (Direction::Before, _) if days > 0 => Some("after the target, direction \"before\"".into()),
            (Direction::After, _) if days < 0 => Some("before the target, direction \"after\"".into()),
            (_, Some(limit)) if days.unsigned_abs() > limit => {
                let days = days.unsigned_abs();
                Some(format!("{days} {} away, limit {limit}", if days == 1 { "day" } else { "days" }))
            }
            _ => None,
        }
    }
}

/// The scenes that are donors, and those left out with the reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choice {
    /// In stack order until a strategy sorts them.
    pub donors: Vec<DonorUse>,
    pub skipped: Vec<(usize, String)>,
}

/// The note of the plan about a fill without a donor.
pub(crate) fn notes_of(donors: &[DonorUse]) -> Vec<String> {
    if donors.is_empty() { vec!["no donor qualifies; nothing will be filled".into()] } else { Vec::new() }
}

impl Choice {
    /// Every scene within `reach`, in stack order; never the target. Dates are asked for only where they matter.
    pub fn within(reach: Reach, stack: &StackFacts<'_>) -> Result<Self, KindError> {
        if !reach.needs_dates() {
            return Ok(Self::of(stack, |_| None));
        }
        let days = days_after_target(stack)?;
        Ok(Self::of(stack, |scene| reach.refuses(days[scene])))
    }

    /// Every scene within `reach`, nearest in time first: the key is (|days|, the earlier, id).
    pub fn nearest_first(reach: Reach, stack: &StackFacts<'_>) -> Result<Self, KindError> {
        let days = days_after_target(stack)?;
        let mut choice = Self::of(stack, |scene| reach.refuses(days[scene]));
        choice.donors.sort_by_key(|donor| {
            let days = days[donor.scene];
            (days.unsigned_abs(), days, &stack.scenes[donor.scene].id)
        });
        Ok(choice)
    }

    /// In the order that decides ties: [`Self::nearest_first`] where there is a date to measure from, else the earliest.
    pub fn nearest_first_if_dated(reach: Reach, stack: &StackFacts<'_>) -> Result<Self, KindError> {
        match stack.target_day {
            Some(_) => Self::nearest_first(reach, stack),
            None => Self::within(reach, stack),
        }
    }

    fn of(stack: &StackFacts<'_>, refuses: impl Fn(usize) -> Option<String>) -> Self {
        let mut choice = Self::default();
        for scene in (0..stack.scenes.len()).filter(|&scene| Some(scene) != stack.target) {
            match refuses(scene) {
                None => choice.donors.push(DonorUse { scene, masked: true }),
                Some(reason) => choice.skipped.push((scene, reason)),
            }
        }
        choice
    }
}

/// Days from the target date to each scene, negative before it; the target's own entry means nothing.
fn days_after_target(stack: &StackFacts<'_>) -> Result<Vec<i32>, KindError> {
    const GIVE: &str = "give it a date in [[scene]], or say where to find it with date-from in [scenes]";
    let from = stack.target_day.ok_or_else(|| {
        // A target that is a scene has the date of its scene: [target] date beside it is refused.
        let what = stack.target.map_or_else(
            || "set [target] date, the day to measure from".into(),
            |t| format!("target \"{}\" has none; {GIVE}", id(stack, t)),
        );
        KindError::new(format!("no date where one is needed: {what}"))
    })?;
    let day_of = |scene: usize| match stack.scenes[scene].day {
        Some(day) => Ok(day.0 - from.0),
        None if stack.target == Some(scene) => Ok(0),
        None => Err(KindError::new(format!(
            "no date where one is needed: scene \"{}\" has none; {GIVE}",
            id(stack, scene)
        ))),
    };
    (0..stack.scenes.len()).map(day_of).collect()
}

fn id<'a>(stack: &StackFacts<'a>, scene: usize) -> &'a str {
    &stack.scenes[scene].id
}
