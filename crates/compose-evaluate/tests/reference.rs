//! The metrics beside numpy, scipy and scikit-image on the same pixels of a real scene: `reference.py`.

use compose_evaluate::metrics::{Compared, Scores};
use ndarray::{Array2, Array3, Array4, Axis, Zip, s};
use serde_json::Value;

const SIDE: usize = 64;

/// Sums of other order and the arc cosine differ in the last digits.
const TOLERANCE: f64 = 1e-12;

fn dates() -> Array4<f32> {
    let bytes = include_bytes!("data/exeter.u16");
    let samples = bytes.chunks_exact(2).map(|b| f32::from(u16::from_le_bytes([b[0], b[1]])));
    Array4::from_shape_vec((2, 3, SIDE, SIDE), samples.collect()).unwrap()
}

/// Where a bit of the mask is set.
fn mask(bit: u8) -> Array2<u8> {
    let pixels = include_bytes!("data/pixels.u8").iter().map(|pixel| u8::from(pixel & bit != 0));
    Array2::from_shape_vec((SIDE, SIDE), pixels.collect()).unwrap()
}

/// The two dates as truth and product, after `change` of both.
fn scores(change: impl Fn(&mut Array3<f32>, &mut Array3<f32>)) -> Scores {
    let dates = dates();
    let mut truth = dates.index_axis(Axis(0), 0).to_owned();
    let mut filled: Array3<f32> = dates.index_axis(Axis(0), 1).mapv(|sample| sample * 0.75 + 100.5);
    let (hidden, clear, got) = (mask(1), mask(2), mask(4));
    for (mut filled, truth) in filled.outer_iter_mut().zip(truth.outer_iter()) {
        Zip::from(&mut filled).and(truth).and(&clear).for_each(|f, t, clear| {
            if *clear != 0 {
                *f = *t;
            }
        });
    }
    filled.slice_mut(s![.., 20, 60]).mapv_inplace(|f| f + 40.0);
    change(&mut truth, &mut filled);
    let (hidden, clear, got) = (hidden.view(), clear.view(), got.view());
    Compared { truth: truth.view(), filled: filled.view(), hidden, clear, got }.scores()
}

/// Every number of one tree beside that of the other, with its path.
fn compare(path: &str, got: &Value, expected: &Value, seen: &mut usize) {
    match (got, expected) {
        (Value::Object(got), Value::Object(expected)) => {
            assert!(got.keys().eq(expected.keys()), "{path}: {got:?}");
            got.iter()
                .for_each(|(key, value)| compare(&format!("{path}.{key}"), value, &expected[key], seen));
        }
        (Value::Array(got), Value::Array(expected)) => {
            assert_eq!(got.len(), expected.len(), "{path}");
            let pairs = got.iter().zip(expected).enumerate();
            pairs.for_each(|(i, (got, expected))| compare(&format!("{path}.{i}"), got, expected, seen));
        }
        _ => {
            let (got, expected) = (got.as_f64().unwrap(), expected.as_f64().unwrap());
            let apart = (got - expected).abs() / expected.abs();
            assert!(apart <= TOLERANCE, "{path}: {got}, expected {expected}, apart {apart:e}");
            *seen += 1;
        }
    }
}

#[test]
fn every_figure_is_what_scikit_image_and_numpy_give() {
    let expected: Value = serde_json::from_str(include_str!("data/expected.json")).unwrap();
    let mut seen = 0;
    compare("scores", &serde_json::to_value(scores(|_, _| ())).unwrap(), &expected, &mut seen);
    assert_eq!(seen, 2 + 1 + 7 + 2 + 3 * 7);
}

#[test]
fn what_is_not_known_or_not_filled_has_no_part_in_any_figure() {
    let (hidden, clear, got) = (mask(1), mask(2), mask(4));
    let poisoned = scores(|truth, filled| {
        for ((_, row, col), sample) in truth.indexed_iter_mut() {
            if hidden[[row, col]] + clear[[row, col]] == 0 {
                *sample = -9999.0;
            }
        }
        for ((_, row, col), sample) in filled.indexed_iter_mut() {
            if clear[[row, col]] + got[[row, col]] == 0 {
                *sample = f32::NAN;
            }
        }
    });
    assert_eq!(poisoned, scores(|_, _| ()));
}

#[test]
fn errors_have_the_unit_of_the_samples_and_ratios_have_none() {
    let plain = scores(|_, _| ());
    let doubled = scores(|truth, filled| {
        truth.mapv_inplace(|t| t * 2.0);
        filled.mapv_inplace(|f| f * 2.0);
    });
    let errors = |s: &Scores| [s.mean.rmse, s.mean.mae, s.mean.bias, s.mean.whole_rmse].map(Option::unwrap);
    let ratios = |s: &Scores| [s.mean.correlation, s.mean.ssim, s.mean.jump, s.sam, s.ergas];
    assert_eq!(errors(&doubled), errors(&plain).map(|e| e * 2.0));
    assert_eq!(ratios(&doubled), ratios(&plain));
    assert_eq!(doubled.ratio_to(&plain), Some(2.0));
}
