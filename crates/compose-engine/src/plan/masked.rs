//! The share of a target that is masked, and the remark about it.

use crate::rules::Mistake;

/// From so many percent on, a target is remarked upon.
pub const MOSTLY: f64 = 95.0;
/// The setting that leaves out targets that are mostly masked.
#[derive(Clone, Debug)]
pub struct SkipAbove {
    /// Percent of the target's pixels.
    pub percent: f64,
    /// The place of the setting in the rules file; its message is empty.
    pub at: Mistake,
}

/// The count of a target: its own pixels on the grid (with per-band validity: band samples).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Masked {
    /// Pixels with data, outside and nodata not among them.
    pub pixels: u64,
    /// The masked pixels among them.
    pub masked: u64,
    /// Percent of the grid that was counted.
    pub looked_at: f64,
    /// Whether rules that compare scenes were left out: more pixels may be masked.
    pub at_least: bool,
}

/// A target that is not composed.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// Why.
    pub masked: Masked,
}

impl Masked {
    /// Percent of the target's pixels; `None` where it has none.
    pub fn percent(&self) -> Option<f64> {
        (self.pixels > 0).then(|| self.masked as f64 * 100.0 / self.pixels as f64)
    }

    /// Whether every pixel of the grid was looked at.
    pub fn is_exact(&self) -> bool {
        self.looked_at >= 100.0 && !self.at_least
    }

    /// Whether more than `limit` percent are masked; true for a target without a valid pixel.
    pub fn is_above(&self, limit: f64) -> bool {
        self.percent().unwrap_or(100.0) > limit
    }

    /// `99.71 % of its pixels are masked (in a sample of 7 % of the grid)`
    pub fn words(&self) -> String {
        let Some(percent) = self.percent() else { return "it has no data on this grid".into() };
        // Rounded down: 100 % is every pixel.
        let share = (percent * 100.0).floor() / 100.0;
        let least = if self.at_least { "at least " } else { "" };
        let sample = match self.looked_at {
            all if all >= 100.0 => String::new(),
            part => format!(" (in a sample of {part:.1} % of the grid)"),
        };
        format!("{least}{share} % of its pixels are masked{sample}")
    }

    /// A remark for the user, if most pixels are masked.
    pub fn remark(&self, id: &str, skip: Option<&SkipAbove>) -> Option<String> {
        let known = self.percent().is_some() || self.is_exact();
        if !known || self.percent().is_some_and(|percent| percent < MOSTLY) {
            return None;
        }
        let hint = if skip.is_none() { "; skip-above in [target] leaves such targets out" } else { "" };
        Some(format!("target {id}: {}; nearly all of its image is made of other dates{hint}", self.words()))
    }
}
