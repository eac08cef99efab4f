//! Values that no scene can have shown: nodata that nobody declared.

use crate::support::{Pair, Raster, read, sidecar, stderr, stdout};

const SIDE: usize = 60;
/// Where the target has no data.
const GAP: std::ops::Range<usize> = 1830..1840;

/// Two scenes of floats; b shows `value` in so many pixels.
pub fn with(value: f32, count: usize) -> Pair {
    let pair = Pair::new();
    let land = |i: usize| 300.0 + (i * 7919 % 2003) as f32;
    let a = (0..SIDE * SIDE).map(|i| if GAP.contains(&i) { f32::NAN } else { land(i) }).collect();
    let b = (0..SIDE * SIDE).map(|i| if i < count { value } else { 40.0 + 1.1 * land(i) }).collect();
    for (name, pixels) in [("a_b1.tif", a), ("b_b1.tif", b)] {
        Raster::<f32> { width: SIDE, bands: vec![pixels], shift: (0.0, 0.0), nodata: None, options: &[] }
            .write(&pair.path(name));
    }
    pair.change("quality = \"QA\"\nlayout = \"landsat-c2-l89\"\n", "");
    pair.change(", QA = \"a_qa.tif\"", "");
    pair.change(", QA = \"b_qa.tif\"", "");
    pair.change("[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n", "");
    pair.change("nearest-date", "seamless");
    pair
}

fn filled(pair: &Pair) -> Vec<f32> {
    let output = pair.compose(&["--overwrite"]);
    assert!(output.status.success(), "{}", stderr(&output));
    read::<f32>(&pair.path("out.tif"))[0][GAP].to_vec()
}

#[test]
fn a_scene_with_nodata_that_nobody_declared_is_refused_with_value_count_and_both_ways_out() {
    for (value, said) in [
        (1e30, "1e30"),
        (1e20, "1e20"),
        (f32::MIN, "-3.4028235e38"),
        (-9999.0, "-9999"),
        (-32768.0, "-32768"),
    ] {
        let pair = with(value, 9);
        let message = pair.refused(&[]);
        let expected = format!("scene b: band B1 holds {said} in 9 sampled pixels, far from all others");
        assert!(message.contains(&expected) && message.trim_end().lines().count() == 1, "{message}");
        assert!(
            message.contains(&format!("nodata = {said}")) && message.contains("implausible = "),
            "{message}"
        );
        // What it proposes helps.
        pair.change("[scenes]", &format!("[scenes]\nnodata = {said}"));
        let declared = filled(&pair);
        assert!(declared.iter().all(|v| v.is_finite()), "{declared:?}");
        pair.change(&format!("nodata = {said}"), "implausible = \"nodata\"");
        assert_eq!(filled(&pair), declared, "taken for nodata, as if it had been declared");
        let notes = sidecar(&pair.path("out.tif"))["notes"].to_string();
        assert!(notes.contains(&format!("{said} is taken for nodata there")), "{notes}");
    }
}

/// Kept, they are not fitted: what is filled elsewhere is what it is without them.
#[test]
fn nothing_is_fitted_to_what_is_kept() {
    let pair = with(1e30, 9);
    pair.change("[scenes]", "[scenes]\nimplausible = \"keep\"");
    let kept = filled(&pair);
    let said = stdout(&pair.compose(&["--plan"]));
    assert!(
        said.contains("holds 1e30 in 9 sampled pixels") && said.contains("nothing is fitted to such pixels"),
        "{said}"
    );
    pair.change("implausible = \"keep\"", "nodata = 1e30");
    // Declared, pixels beside them are in doubt; the land is a line, and found again either way.
    let apart = kept.iter().zip(filled(&pair)).map(|(kept, declared)| (kept - declared).abs());
    assert!(apart.fold(0.0, f32::max) < 0.01, "{kept:?}");
}

#[test]
fn a_scene_without_such_values_is_not_remarked_upon() {
    let pair = with(2700.0, 9);
    let output = pair.compose(&[]);
    assert!(output.status.success() && !stderr(&output).contains("holds"), "{}", stderr(&output));
}
