#![doc = include_str!("best_score.md")]

use crate::donors::{Choice, Direction, Reach, notes_of};
use crate::scores::{Placed, parse_score};
use compose_core::canvas::has_gap;
use compose_core::fill_strategy::FillKind;
use compose_core::{
    BoundFill, BoundScore, Canvas, DonorUse, FillBinding, FillInput, FillStrategy, GAP, KindError, Needs,
    PlannedFill, Problem, ScoreKind, SettingsTable, StackFacts,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `best-score`.
pub const KIND: FillKind = FillKind {
    name: "best-score",
    page: include_str!("best_score.md"),
    schema: &|| schemars::schema_for!(BestScore),
    parse: &parse,
};

/// Settings of `best-score`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BestScore {
    /// What makes a pixel good: a table with `kind` and the settings of that kind.
    #[schemars(schema_with = "score_of_any_kind")]
    pub score: serde::de::IgnoredAny,
    /// The most days between the target and a donor; no limit where absent.
    pub within_days: Option<u32>,
    /// On which side of the target date donors are looked for.
    #[serde(default)]
    pub direction: Direction,
}

/// Every score is described in one place of the schema of rules files.
fn score_of_any_kind(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::Schema::new_ref("#/$defs/score".into())
}

fn parse(table: &SettingsTable<'_>, scores: &[&ScoreKind]) -> Result<Box<dyn FillStrategy>, Vec<Problem>> {
    let what = "fill \"best-score\"";
    let (score, spans) = parse_score(table, what, scores)?;
    let BestScore { within_days, direction, .. } = table.read(what)?;
    Ok(Box::new(Strategy { score: (score, spans), reach: Reach { within_days, direction } }))
}

#[derive(Debug)]
struct Strategy {
    score: Placed,
    reach: Reach,
}

impl FillStrategy for Strategy {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        // Ties go to the nearest date, as far as there is a date to measure from.
        let Choice { donors, skipped } = Choice::nearest_first_if_dated(self.reach, stack)?;
        let (score, spans) = &self.score;
        let mut scores: Vec<Option<Box<dyn BoundScore>>> = stack.scenes.iter().map(|_| None).collect();
        for donor in &donors {
            let scene = &stack.scenes[donor.scene];
            scores[donor.scene] = Some(score.bind(scene).map_err(|e| {
                let span = e.span_in(spans);
                KindError::new(format!("scene {}: {e}", scene.id)).at(span)
            })?);
        }
        Ok(FillBinding::ready(Bound { donors, skipped, scores }))
    }
}

struct Bound {
    donors: Vec<DonorUse>,
    skipped: Vec<(usize, String)>,
    /// Per scene of the stack.
    scores: Vec<Option<Box<dyn BoundScore>>>,
}

impl PlannedFill for Bound {
    fn donors(&self) -> &[DonorUse] {
        &self.donors
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn score(&self, scene: usize) -> Option<&dyn BoundScore> {
        self.scores[scene].as_deref()
    }

    fn skipped(&self) -> Vec<(usize, String)> {
        self.skipped.clone()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.scores.iter().flatten().flat_map(|score| score.notes()).collect();
        notes.extend(notes_of(&self.donors));
        notes
    }
}

impl BoundFill for Bound {
    fn fill(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), KindError> {
        let mut winners = vec![NOBODY; canvas.window.width];
        for plane in 0..canvas.planes() {
            for row in 0..canvas.window.height {
                if has_gap(canvas.source_row(plane, row)) {
                    find_winners(input, canvas, plane, row, &mut winners)?;
                    copy_winners(input, canvas, plane, row, &winners);
                }
            }
        }
        Ok(())
    }
}

/// In a row of winners: no donor.
const NOBODY: usize = usize::MAX;

/// For each pixel of a row the donor with the highest score, of those that see it and only where there is a gap.
/// Donors come in the order in which ties are decided.
fn find_winners(
    input: &FillInput<'_>,
    canvas: &Canvas,
    plane: usize,
    row: usize,
    winners: &mut [usize],
) -> Result<(), KindError> {
    let (row0, col0) = canvas.offset_in(input.window);
    let mut best = vec![f32::NEG_INFINITY; winners.len()];
    winners.fill(NOBODY);
    for (nth, donor) in input.donors.iter().enumerate() {
        let scores = donor.score.ok_or_else(|| KindError::new("a donor came without its score"))?;
        let valid = &donor.block.valid_row(plane, row + row0)[col0..];
        for (col, source) in canvas.source_row(plane, row).iter().enumerate() {
            let score = scores[[row + row0, col + col0]];
            if *source == GAP && valid[col] != 0 && score > best[col] {
                (best[col], winners[col]) = (score, nth);
            }
        }
    }
    Ok(())
}

/// Copies each pixel of a row from the donor that has won it.
fn copy_winners(input: &FillInput<'_>, canvas: &mut Canvas, plane: usize, row: usize, winners: &[usize]) {
    let offset = canvas.offset_in(input.window);
    for (col, &winner) in winners.iter().enumerate().filter(|(_, winner)| **winner != NOBODY) {
        canvas.copy_pixel(&input.donors[winner], plane, (row, col), offset);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{bind, donors, strategy};

    const WARMEST: &str = "strategy = \"best-score\"\nscore = { kind = \"band\", band = \"B1\" }";

    #[test]
    fn ties_are_decided_by_the_nearest_date_or_without_one_by_the_earliest() {
        let scenes = [("a", Some(2)), ("b", Some(9)), ("c", Some(30))];
        assert_eq!(donors(&*bind(WARMEST, &scenes, Some(2)).unwrap()), [1, 0]);
        assert_eq!(donors(&*bind(WARMEST, &scenes, None).unwrap()), [0, 1, 2]);
    }

    #[test]
    fn a_score_must_be_said_and_known() {
        let refused = |toml: &str| strategy(toml).unwrap_err().remove(0);
        let fill = "strategy = \"best-score\"";
        let message = "fill \"best-score\": no score; say score = { kind = \"…\" } with one of band, bap";
        assert_eq!(refused(fill), message);
        let message = "fill \"best-score\": unknown score \"bnd\"; did you mean \"band\"? scores: band, bap";
        assert_eq!(refused(&format!("{fill}\nscore = {{ kind = \"bnd\" }}")), message);
        let message = "fill \"best-score\": score is the string \"band\", expected a table";
        assert_eq!(refused(&format!("{fill}\nscore = \"band\"")), message);
        let message =
            "fill \"best-score\": unknown key \"at-least\"; known keys: score, within-days, direction";
        assert_eq!(refused(&format!("{WARMEST}\nat-least = 3")), message);
    }
}
