//! The cases of an evaluation: what is hidden of the target scene.
//!
//! A file of cases has one `[[case]]` table for each; [`DEFAULT`] is the one that is built in.
//!
//! ```toml
//! [[case]]
//! name   = "stripes"
//! shape  = "stripes"
//! size   = 8
//! period = 33
//! ```
//!
//! | shape | its keys | hides |
//! |---|---|---|
//! | `stripes` | `size`, `period`, `angle`, `seed` | `size` of every `period` pixels, at `angle` degrees from the rows |
//! | `disc` | `size`, `seed` | a disc `size` pixels across, where the scene is clear |
//! | `discs` | `size`, `count`, `seed` | several of them |
//! | `clouds` | `share`, `size`, `seed` | a share of the clear pixels, under clouds up to about `size` pixels across |
//! | `mask-of` | `scene`, `shift` | what is masked in another scene, moved by `shift` = [rows, cols] |
//!
//! Every case may also say `donors` (at most this many of the nearest donors are given) and `shadow` (clear pixels
//! beside the gap are darkened to this part of their values, as by a shadow that the mask rules missed). `seed` is 0
//! where it is not said, `shift` [0, 0], `angle` 0. Without `scene`, `mask-of` is one case for each donor.

mod read;

pub use read::{Mistake, parse};

use crate::shapes::{self, Unsuited};
use ndarray::{Array2, ArrayView2};
use serde::Serialize;

/// The built-in file of cases.
pub const DEFAULT: &str = include_str!("default_cases.toml");

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// Unique among the cases, and fit for the name of a file.
    pub name: String,
    /// What is hidden.
    #[serde(flatten)]
    pub shape: Shape,
    /// At most this many of the nearest donors are given; all where absent.
    pub donors: Option<usize>,
    /// What clear pixels beside the gap are multiplied with: see [`Case::shadow_strip`].
    pub shadow: Option<f32>,
}

/// What is hidden; lengths in pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "shape", rename_all = "kebab-case")]
pub enum Shape {
    /// [`shapes::stripes`]
    #[allow(missing_docs)]
    Stripes { size: f64, period: f64, angle: f64, seed: u64 },
    /// [`shapes::disc`]
    #[allow(missing_docs)]
    Disc { size: usize, seed: u64 },
    /// [`shapes::discs`]
    #[allow(missing_docs)]
    Discs { size: usize, count: usize, seed: u64 },
    /// [`shapes::clouds`]
    #[allow(missing_docs)]
    Clouds { share: f64, size: f64, seed: u64 },
    /// [`shapes::like`] the mask of this scene; of each donor in turn where it is `None`.
    #[allow(missing_docs)]
    MaskOf { scene: Option<String>, shift: [i64; 2] },
}

/// Fewer hidden pixels than this tell nothing.
const FEWEST: usize = 100;

/// More of the clear pixels than this cannot be hidden: strategies learn from the rest.
const MOST: f64 = 0.8;

/// How far a shadow reaches from the gap's edge, and where it falls (rows, cols): in the morning, when satellites
/// pass, to the north-west on the northern half of the earth.
const SHADOW_REACH: usize = 4;
const SHADOW_SHIFT: [i64; 2] = [-5, -5];

impl Case {
    /// This case, or one for each donor where it takes the mask of each in turn.
    pub fn for_donors(&self, donors: &[&str]) -> Vec<Self> {
        let Shape::MaskOf { scene: None, shift } = &self.shape else { return vec![self.clone()] };
        let of = |donor: &&str| {
            let shape = Shape::MaskOf { scene: Some((*donor).to_owned()), shift: *shift };
            Self { name: format!("{}-{}", self.name, as_name(donor)), shape, ..self.clone() }
        };
        donors.iter().map(of).collect()
    }

    /// The scene whose mask it needs.
    pub fn mask_of(&self) -> Option<&str> {
        match &self.shape {
            Shape::MaskOf { scene, .. } => scene.as_deref(),
            _ => None,
        }
    }

    /// What it hides: 1 = hide, among pixels that are clear. `mask` is that of the scene that [`Case::mask_of`]
    /// names, on the target's grid, 1 = masked.
    ///
    /// # Errors
    /// Why the scene is not suited: the shape does not fit, it hides next to nothing, or hardly anything is left.
    pub fn hide(
        &self,
        clear: ArrayView2<'_, u8>,
        mask: Option<ArrayView2<'_, u8>>,
    ) -> Result<Array2<u8>, Unsuited> {
        let hidden = match (&self.shape, mask) {
            (Shape::Stripes { size, period, angle, seed }, _) => {
                shapes::stripes(clear, *size, *period, *angle, *seed)
            }
            (Shape::Disc { size, seed }, _) => shapes::disc(clear, *size, *seed)?,
            (Shape::Discs { size, count, seed }, _) => shapes::discs(clear, *size, *count, *seed)?,
            (Shape::Clouds { share, size, seed }, _) => shapes::clouds(clear, *share, *size, *seed),
            (Shape::MaskOf { shift, .. }, Some(mask)) => shapes::like(clear, mask, *shift)?,
            (Shape::MaskOf { scene, .. }, None) => {
                let scene = scene.as_deref().unwrap_or("a donor");
                return Err(Unsuited(format!("there is no mask of {scene}")));
            }
        };
        enough(&hidden, clear).map(|()| hidden)
    }

    /// Which clear pixels the shadow of this case darkens; none where it has no `shadow`.
    pub fn shadow_strip(&self, hidden: ArrayView2<'_, u8>, clear: ArrayView2<'_, u8>) -> Array2<u8> {
        match self.shadow {
            Some(_) => shapes::shadow_strip(hidden, clear, SHADOW_REACH, SHADOW_SHIFT),
            None => Array2::zeros(clear.dim()),
        }
    }
}

/// Whether enough is hidden, and enough left.
fn enough(hidden: &Array2<u8>, clear: ArrayView2<'_, u8>) -> Result<(), Unsuited> {
    let count = |mask: ArrayView2<'_, u8>| mask.iter().filter(|m| **m != 0).count();
    let (hidden, clear) = (count(hidden.view()), count(clear));
    if hidden < FEWEST {
        return Err(Unsuited(format!("hides {hidden} clear pixels, expected {FEWEST} or more")));
    }
    if hidden as f64 > MOST * clear as f64 {
        let most = 100.0 * MOST;
        return Err(Unsuited(format!("hides {hidden} of {clear} clear pixels, expected {most} % at most")));
    }
    Ok(())
}

/// A case beside a scene: how many pixels it would hide, or why the scene is not suited.
pub type Suited = (Case, Result<usize, Unsuited>);

/// Which of the cases a scene is suited for, given its clear pixels, its donors in order and their masks on its
/// grid; cases that take the mask of each donor are told one by one.
pub fn suited(
    cases: &[Case],
    clear: ArrayView2<'_, u8>,
    donors: &[&str],
    mut mask_of: impl FnMut(&str) -> Option<Array2<u8>>,
) -> Vec<Suited> {
    let cases = cases.iter().flat_map(|case| case.for_donors(donors));
    let tell = |case: Case| {
        let mask = case.mask_of().and_then(&mut mask_of);
        let hidden = case.hide(clear, mask.as_ref().map(|m| m.view()));
        (case, hidden.map(|hidden| hidden.iter().filter(|h| **h != 0).count()))
    };
    cases.map(tell).collect()
}

/// What a case may be called: letters, digits, `-`, `_` and `.`, the first of them no dot.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.len() <= 64 && name.chars().all(fits)
}

/// An id with what does not belong into a name made `-`.
fn as_name(id: &str) -> String {
    id.chars().map(|c| if is_name(&format!("a{c}")) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default_cases() -> Vec<Case> {
        parse("default_cases.toml", DEFAULT).unwrap()
    }

    fn case(text: &str) -> Case {
        parse("cases.toml", &format!("[[case]]\nname = \"it\"\n{text}")).unwrap().remove(0)
    }

    #[test]
    fn the_built_in_cases_have_every_stratum() {
        let names: Vec<String> = default_cases().into_iter().map(|case| case.name).collect();
        let clouds = ["10-a", "10-b", "20-a", "20-b", "40-a", "40-b"].map(|c| format!("clouds-{c}"));
        let mut expected = ["stripes", "disc-40-a", "disc-40-b", "disc-160"].map(str::to_owned).to_vec();
        expected.extend(clouds);
        expected.push("mask-of".into());
        assert_eq!(names, expected);
    }

    #[test]
    fn a_clear_scene_is_suited_for_all_built_in_cases() {
        let clear = Array2::ones((300, 320));
        let cloud = shapes::clouds(clear.view(), 0.2, 50.0, 9);
        let told = suited(&default_cases(), clear.view(), &["A", "B/c"], |_| Some(cloud.clone()));
        assert!(told.iter().all(|(_, hidden)| hidden.is_ok()), "{told:?}");
        assert_eq!(told.len(), 12);
        assert_eq!((told[10].0.name.as_str(), told[11].0.name.as_str()), ("mask-of-A", "mask-of-B-c"));
        assert_eq!((told[10].0.mask_of(), told[11].0.mask_of()), (Some("A"), Some("B/c")));
        assert_eq!(told[10].1, Ok(19_200));
    }

    /// Figures of two versions of the program are of the same pixels only as long as this holds.
    #[test]
    fn the_built_in_gaps_stay_where_they_are() {
        let clear = Array2::from_shape_fn((300, 320), |(row, col)| u8::from(row * 7 % 100 + col % 9 > 3));
        let places = |case: &Case| {
            let hidden = case.hide(clear.view(), None).unwrap();
            let marked =
                hidden.indexed_iter().filter(|(_, h)| **h != 0).map(|((row, col), _)| row * 320 + col);
            marked.fold((0, 0), |(count, sum), place| (count + 1, sum + place))
        };
        let cases = default_cases();
        let found: Vec<(usize, usize)> = cases.iter().filter(|c| c.name != "mask-of").map(places).collect();
        let expected = [
            (22971, 1101445563), // stripes
            (1258, 29120661),    // disc-40
            (1258, 109610017),
            (19894, 1260494538), // disc-160
            (9492, 585036680),   // clouds
            (9492, 547323309),
            (18984, 1002806349),
            (18984, 727342134),
            (37968, 1698274365),
            (37968, 1870471773),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_a_scene_is_not_suited_for_is_told_with_the_reason() {
        let mut clear = Array2::ones((60, 60));
        let reason = |case: &Case, clear: &Array2<u8>, mask: Option<Array2<u8>>| {
            case.hide(clear.view(), mask.as_ref().map(|m| m.view())).unwrap_err().to_string()
        };
        let disc = case("shape = \"disc\"\nsize = 160");
        let told = "a disc of 160 pixels with 8 around it does not fit into 60 × 60";
        assert_eq!(reason(&disc, &clear, None), told);
        let of = case("shape = \"mask-of\"\nscene = \"A\"");
        assert_eq!(reason(&of, &clear, None), "there is no mask of A");
        let none = Array2::zeros((60, 60));
        assert_eq!(reason(&of, &clear, Some(none)), "hides 0 clear pixels, expected 100 or more");
        let all = Array2::ones((60, 60));
        let told = "hides 3600 of 3600 clear pixels, expected 80 % at most";
        assert_eq!(reason(&of, &clear, Some(all)), told);
        clear.fill(0);
        let clouds = case("shape = \"clouds\"\nshare = 0.2\nsize = 20");
        assert_eq!(reason(&clouds, &clear, None), "hides 0 clear pixels, expected 100 or more");
    }

    #[test]
    fn a_shadow_darkens_pixels_beside_the_gap_where_it_is_asked_for() {
        let clear = Array2::ones((60, 60));
        let dark = case("shape = \"disc\"\nsize = 20\nshadow = 0.5");
        let hidden = dark.hide(clear.view(), None).unwrap();
        let strip = dark.shadow_strip(hidden.view(), clear.view());
        assert!(strip.iter().zip(&hidden).all(|(s, h)| s & h == 0));
        assert!(strip.iter().filter(|s| **s != 0).count() > 60);
        let plain = case("shape = \"disc\"\nsize = 20");
        assert_eq!(plain.shadow_strip(hidden.view(), clear.view()).sum(), 0);
    }

    #[test]
    fn cases_are_written_as_they_are_read() {
        let json = serde_json::to_value(case("shape = \"mask-of\"\nshift = [3, -4]\ndonors = 2")).unwrap();
        let expected = serde_json::json!({
            "name": "it", "shape": "mask-of", "scene": null, "shift": [3, -4], "donors": 2, "shadow": null
        });
        assert_eq!(json, expected);
    }
}
