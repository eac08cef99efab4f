//! A case, and what it hides of a scene.

use crate::shapes::{self, Unsuited};
use ndarray::{Array2, ArrayView2};
use serde::Serialize;

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// Unique among the cases, and fit for the name of a file.
    pub name: String,
    /// The pixels that are hidden.
    #[serde(flatten)]
    pub shape: Shape,
    /// At most this many of the nearest donors are given; all where absent.
    pub donors: Option<usize>,
    /// The factor of clear pixels beside the gap: see [`Case::shadow_strip`].
    pub shadow: Option<f32>,
}

/// The shape that is hidden; lengths in pixels.
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

    /// The clear pixels that the shadow of this case darkens; none without `shadow`.
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

/// A valid name of a case: letters, digits, `-`, `_` and `.`, the first of them no dot.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.len() <= 64 && name.chars().all(fits)
}

/// An id with what does not belong into a name made `-`.
fn as_name(id: &str) -> String {
    id.chars().map(|c| if is_name(&format!("a{c}")) { c } else { '-' }).collect()
}
