//! A strategy that is made of a saved state is the one that was saved.

use crate::testing::{scene, stack, strategy};
use compose_core::survey::{CLEAR, DOUBTFUL, SATURATED, SQUARE, UNUSABLE};
use compose_core::{
    Block, BoundFill, Canvas, Cast, DataType, DonorPart, FillBinding, FillInput, Learned, Observations,
    SampledScene, SceneFacts, Survey, Temporal, ValidityMode, Window,
};
use ndarray::{Array2, Array3, s};
use proptest::prelude::*;

const SCENES: usize = 4;
const TARGET: usize = 1;
const SIDE: usize = 24;

/// A number that looks random, below 2^24.
fn noise(seed: u64, nth: usize) -> u32 {
    let x = seed.wrapping_add(nth as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((x ^ x >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 40) as u32
}

/// What a scene shows at a place: land that all share, and noise of its own.
fn sample(seed: u64, scene: usize, band: usize, place: usize) -> f32 {
    let land = noise(seed, place) % 1000;
    let own = noise(seed ^ 77, (scene * 8 + band) << 20 | place) % 64;
    (land * (band as u32 + 1) + own * scene as u32) as f32 / 3.0
}

fn survey(seed: u64, bands: usize, squares: usize, clear: u32) -> Survey {
    let pixels = squares * SQUARE;
    let scene = |scene: usize| {
        let values = Array2::from_shape_fn((pixels, bands), |(i, band)| sample(seed, scene, band, i));
        let state = |i: usize| match noise(seed ^ 5, scene << 20 | i) % 100 {
            n if n < clear => CLEAR,
            n if n % 7 == 0 => SATURATED,
            n if n % 3 == 0 => DOUBTFUL,
            _ => UNUSABLE,
        };
        Some(SampledScene { values, state: (0..pixels).map(state).collect() })
    };
    Survey { scenes: (0..SCENES).map(scene).collect(), pixels }
}

fn block(seed: u64, bands: usize, scene: usize) -> Block {
    let values = Array3::from_shape_fn((bands, SIDE, SIDE), |(band, row, col)| {
        sample(seed, scene, band, row * SIDE + col + 9999)
    });
    let valid = |(_, row, col): (usize, usize, usize)| {
        u8::from(!noise(seed ^ 9, (scene << 20) + row * SIDE + col).is_multiple_of(3))
    };
    Block { values, valid: Array3::from_shape_fn((1, SIDE, SIDE), valid) }
}

/// The bits of everything that a strategy makes of some scenes.
fn made(fill: &dyn BoundFill, seed: u64, bands: usize) -> (Vec<u32>, Vec<u16>, Vec<u32>) {
    let window = Window::whole(SIDE, SIDE);
    let target = block(seed, bands, TARGET);
    let cast = Cast { dtype: DataType::Float32, nodata: Some(f64::NAN) };
    let mut canvas = Canvas::new(window, bands, ValidityMode::Joint, cast);
    canvas.sigma = Some(Array3::from_elem((bands, SIDE, SIDE), f32::NAN));
    canvas.copy_from(TARGET, &target, window, true);
    let Temporal::FirstObservations(most) = fill.needs().temporal else { panic!("it predicts") };
    let mut observations = Observations::new(most, bands, SIDE, SIDE);
    let lacking = target.valid.slice(s![0, .., ..]).mapv(|valid| 1 - valid);
    let wanted = fill.wants_observations(&lacking);
    for (rank, donor) in fill.donors().iter().enumerate() {
        let block = block(seed, bands, donor.scene);
        fill.observe(rank, &DonorPart { block: &block, wanted: &wanted, corner: (0, 0) }, &mut observations);
    }
    let input = FillInput { window, target: Some(&target), donors: &[], observations: Some(&observations) };
    fill.fill(&input, &mut canvas).unwrap();
    let bits = |of: &Array3<f32>| of.iter().map(|v| v.to_bits()).collect();
    (bits(&canvas.values), canvas.source.iter().copied().collect(), bits(canvas.sigma.as_ref().unwrap()))
}

fn bound(toml: &str, bands: usize) -> FillBinding {
    let facts = |nth: usize| {
        let one = scene(&format!("s{nth}"), Some(9 * nth as i32));
        SceneFacts { bands: vec![one.bands[0].clone(); bands], wanted: bands, ..one }
    };
    let scenes: Vec<SceneFacts> = (0..SCENES).map(facts).collect();
    strategy(toml).unwrap().bind(&stack(Some(TARGET), scenes[TARGET].day, &scenes)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// With few clear pixels every simpler model is taken in its turn; what nobody can estimate is NaN or infinite.
    #[test]
    fn a_restored_strategy_gives_the_same_bits(
        seed: u64,
        bands in 1..4usize,
        squares in prop_oneof![Just(0usize), Just(1), Just(2), 3..40usize],
        clear in prop_oneof![Just(0u32), Just(3), 20..100u32],
        toml in prop_oneof![
            Just("strategy = 'seamless'"),
            Just("strategy = 'seamless'\ndonors = 3\nlambda = 0.1"),
            Just("strategy = 'multi-regress'"),
            Just("strategy = 'regress'"),
        ],
    ) {
        let binding = bound(toml, bands);
        let fitted = binding.fit(&survey(seed, bands, squares, clear)).unwrap();
        let text = serde_json::to_string(&fitted.learned()).unwrap();
        let learned: Learned = serde_json::from_str(&text).unwrap();
        let restored = binding.restore(&learned).unwrap();
        prop_assert_eq!(fitted.donors(), restored.donors());
        prop_assert_eq!(fitted.skipped(), restored.skipped());
        prop_assert_eq!(fitted.notes(), restored.notes());
        // NaN is not equal to itself; its text is.
        prop_assert_eq!(format!("{:?}", fitted.fit_summary()), format!("{:?}", restored.fit_summary()));
        prop_assert_eq!(serde_json::to_string(&restored.learned()).unwrap(), text);
        prop_assert_eq!(made(&*fitted, seed, bands), made(&*restored, seed, bands));
    }
}

#[test]
fn a_state_of_other_donors_or_bands_is_refused_and_no_index_goes_astray() {
    let toml = "strategy = 'seamless'";
    let fitted = bound(toml, 2).fit(&survey(3, 2, 30, 80)).unwrap();
    let refused = |learned: &Learned, bands: usize| match bound(toml, bands).restore(learned) {
        Ok(_) => panic!("not refused"),
        Err(error) => error.to_string(),
    };
    assert_eq!(refused(&fitted.learned(), 3), "what it learned from the survey is of other donors or bands");
    assert!(refused(&Learned::default(), 2).starts_with("what it learned from the survey cannot be read"));
    let state = serde_json::to_value(fitted.learned()).unwrap();
    for (path, wrong) in [
        ("/donors/0/scene", serde_json::json!(TARGET)),
        ("/donors/0/fit/coefficients/0", serde_json::json!([1.0])),
        ("/donors/0/fit/coefficients/1", serde_json::json!([])),
        ("/donors/1/scale/mean", serde_json::json!([1.0, 2.0, 3.0])),
        ("/sets/0/ranks", serde_json::json!([0, 99])),
        ("/sets/0/ranks", serde_json::json!([])),
        ("/low", serde_json::json!([1.0])),
    ] {
        let mut state = state.clone();
        *state.pointer_mut(path).unwrap() = wrong;
        assert!(refused(&Learned::of(&state), 2).ends_with("is of other donors or bands"), "{path}");
    }
}
