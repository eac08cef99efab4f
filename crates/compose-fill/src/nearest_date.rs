#![doc = include_str!("nearest_date.md")]

use crate::copy_in_order::CopyInOrder;
use crate::donors::{Choice, Direction, Reach, notes_of};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `nearest-date`.
pub const KIND: FillKind = FillKind {
    name: "nearest-date",
    page: include_str!("nearest_date.md"),
    schema: &|| schemars::schema_for!(NearestDate),
    parse: &|table, _| Ok(Box::new(table.read::<NearestDate>("fill \"nearest-date\"")?)),
};

/// Settings of `nearest-date`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NearestDate {
    /// The most days between the target and a donor; no limit where absent.
    pub within_days: Option<u32>,
    /// On which side of the target date donors are looked for.
    #[serde(default)]
    pub direction: Direction,
}

impl FillStrategy for NearestDate {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let Choice { donors, skipped } = Choice::nearest_first(reach, stack)?;
        Ok(FillBinding::ready(CopyInOrder { notes: notes_of(&donors), donors, skipped }))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{bind, donors, scene, stack, strategy};
    use compose_core::Day;

    const PLAIN: &str = "strategy = \"nearest-date\"";

    #[test]
    fn donors_come_by_distance_then_the_earlier_then_by_id() {
        // Not in the order that the engine gives, so that nothing rests on it.
        let scenes = [
            ("z", Some(12)),
            ("y", Some(8)),
            ("t", Some(10)),
            ("b", Some(8)),
            ("x", Some(11)),
            ("a", Some(10)),
        ];
        assert_eq!(donors(&*bind(PLAIN, &scenes, Some(2)).unwrap()), [5, 4, 3, 1, 0]);
    }

    #[test]
    fn a_limit_of_0_days_leaves_the_same_day() {
        let scenes = [("a", Some(9)), ("b", Some(10)), ("t", Some(10))];
        let bound = bind(&format!("{PLAIN}\nwithin-days = 0"), &scenes, Some(2)).unwrap();
        assert_eq!(donors(&*bound), [1]);
        assert_eq!(bound.skipped(), [(0, "1 day away, limit 0".to_string())]);
    }

    #[test]
    fn a_fill_without_a_donor_says_so() {
        assert_eq!(
            bind(PLAIN, &[("t", Some(1))], Some(0)).unwrap().notes(),
            ["no donor qualifies; nothing will be filled"]
        );
    }

    #[test]
    fn a_target_without_a_date_is_named_unless_the_rules_file_dates_it() {
        let scenes = [scene("t", None), scene("a", Some(3))];
        let bind = |target_day| strategy(PLAIN).unwrap().bind(&stack(Some(0), target_day, &scenes));
        let message = "no date where one is needed: target \"t\" has none; give it a date in [[scene]], or say \
                       where to find it with date-from in [scenes]";
        assert_eq!(bind(None).err().unwrap().to_string(), message);
        assert_eq!(donors(bind(Some(Day(5))).unwrap().planned()), [1]);
    }
}
