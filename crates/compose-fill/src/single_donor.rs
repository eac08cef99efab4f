#![doc = include_str!("single_donor.md")]

use crate::copy_in_order::CopyInOrder;
use compose_core::fill_strategy::FillKind;
use compose_core::suggest::did_you_mean;
use compose_core::{DonorUse, FillBinding, FillStrategy, KindError, SceneFacts, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `single-donor`.
pub const KIND: FillKind = FillKind {
    name: "single-donor",
    page: include_str!("single_donor.md"),
    schema: &|| schemars::schema_for!(SingleDonor),
    parse: &|table, _| Ok(Box::new(table.read::<SingleDonor>("fill \"single-donor\"")?)),
};

/// Settings of `single-donor`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SingleDonor {
    /// Id of the scene that gives.
    pub donor: String,
    /// Whether the mask rules apply to the donor.
    #[serde(default)]
    pub donor_mask: DonorMask,
}

/// What the mask rules mean for the donor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DonorMask {
    /// Its masked pixels never give.
    #[default]
    Apply,
    /// Its masked pixels are copied as data.
    Ignore,
}

impl FillStrategy for SingleDonor {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let scene = stack.scenes.iter().position(|s| s.id == self.donor);
        let scene = scene.ok_or_else(|| unknown_donor(&self.donor, stack.scenes))?;
        if stack.target == Some(scene) {
            return Err(KindError::new(format!(
                "donor \"{}\" is the target itself, which cannot fill its own gaps; name another scene, or use \
                 strategy = \"nearest-date\", which finds a donor for every target",
                self.donor
            ))
            .about("donor"));
        }
        let masked = self.donor_mask == DonorMask::Apply;
        let note = format!(
            "donor \"{}\" is used without its mask: its own masked pixels (clouds, shadows) are copied as data",
            self.donor
        );
        Ok(FillBinding::ready(CopyInOrder {
            donors: vec![DonorUse { scene, masked }],
            skipped: Vec::new(),
            notes: if masked { Vec::new() } else { vec![note] },
        }))
    }
}

fn unknown_donor(donor: &str, scenes: &[SceneFacts]) -> KindError {
    const LISTED: usize = 12;
    let ids: Vec<&str> = scenes.iter().map(|s| s.id.as_str()).collect();
    let hint = did_you_mean(donor, ids.iter().copied());
    let separator = if hint.is_empty() { ";" } else { "" };
    let more = match ids.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let listed = ids[..ids.len().min(LISTED)].join(", ");
    KindError::new(format!("no scene \"{donor}\"{hint}{separator} scenes: {listed}{more}")).about("donor")
}

#[cfg(test)]
mod tests {
    use crate::testing::bind;

    #[test]
    fn the_mask_applies_to_the_donor_unless_it_is_ignored() {
        let masked = |settings: &str| {
            let settings = format!("strategy = \"single-donor\"\ndonor = \"b\"\n{settings}");
            let bound = bind(&settings, &[("a", None), ("b", None)], Some(0)).unwrap();
            (bound.donors()[0].scene, bound.donors()[0].masked, bound.notes().len())
        };
        assert_eq!(masked(""), (1, true, 0));
        assert_eq!(masked("donor-mask = \"apply\""), (1, true, 0));
        assert_eq!(masked("donor-mask = \"ignore\""), (1, false, 1));
    }

    #[test]
    fn of_a_long_stack_only_the_first_scenes_are_listed() {
        let ids: Vec<String> = (1..=14).map(|n| format!("s{n}")).collect();
        let scenes: Vec<_> = ids.iter().map(|id| (id.as_str(), None)).collect();
        let refusal = bind("strategy = \"single-donor\"\ndonor = \"elephant\"", &scenes, None).err().unwrap();
        let message =
            "no scene \"elephant\"; scenes: s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12 and 2 more";
        assert_eq!(refusal.to_string(), message);
    }
}
