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

mod case;
mod read;

pub use case::{Case, Shape, Suited, suited};
pub use read::{Mistake, parse};

/// The built-in file of cases.
pub const DEFAULT: &str = include_str!("default_cases.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes;
    use ndarray::Array2;

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
