//! The hot loops of compose, each beside the plainest loop that gives the same answer.
//!
//! `make kernels` prints how fast both are; `.ci/instructions` counts their instructions and holds the ratio to a
//! bound, which no other work on the machine can disturb. Kernels are called through the seams that the engine
//! uses, on made-up scenes: 16-bit numbers, of which about 30 % are unusable.

mod fills;
mod masks;
mod read;
mod resample;
mod stack;

use compose_core::ValidityMode;

/// What is worked on.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Pixels across and down.
    pub side: usize,
    /// Bands, where a kernel knows bands.
    pub bands: usize,
}

/// A loop in two ways, with room for its answer.
pub trait Work {
    /// As the program does it.
    fn fast(&mut self);

    /// One pixel after the other.
    fn plain(&mut self);

    /// What stands in the room for the answer; `None` where there is no pixel.
    fn answer(&self) -> Vec<Option<f32>>;

    /// How far answers may lie apart.
    fn tolerance(&self) -> f32 {
        0.0
    }

    /// Samples that one turn answers: pixels × bands.
    fn samples(&self) -> usize;
}

/// Names of all kernels.
pub fn names() -> Vec<String> {
    let median = |dates: usize| ["per-band", "joint"].map(|mode| format!("median-{dates}-{mode}"));
    let others =
        ["mean-12", "nearest-date-12", "bits", "values", "range", "grow-90m", "bilinear", "cubic", "read"];
    [4, 8, 12, 16, 32, 64].into_iter().flat_map(median).chain(others.map(str::to_owned)).collect()
}

/// Names of those whose instructions are counted: one of each.
pub fn to_count() -> Vec<String> {
    names()
        .into_iter()
        .filter(|name| !name.starts_with("median-") || name.starts_with("median-12-"))
        .collect()
}

/// Sets a kernel up.
///
/// # Panics
/// When the name is none of [`names`].
pub fn make(name: &str, size: Size) -> Box<dyn Work> {
    let words: Vec<&str> = name.splitn(3, '-').collect();
    match words[..] {
        ["median", dates, mode] => {
            let mode = if mode == "joint" { ValidityMode::Joint } else { ValidityMode::PerBand };
            Box::new(fills::median(dates.parse().expect("a number of dates"), mode, size))
        }
        ["mean", _] => Box::new(fills::mean(12, size)),
        ["nearest", ..] => Box::new(fills::nearest_date(12, size)),
        ["bits"] => Box::new(masks::bits(size)),
        ["values"] => Box::new(masks::values(size)),
        ["range"] => Box::new(masks::range(size)),
        ["grow", _] => Box::new(masks::grow(size)),
        ["bilinear" | "cubic"] => Box::new(resample::between_zones(name, size)),
        ["read"] => Box::new(read::window(size)),
        _ => panic!("no kernel {name}; there are {}", names().join(", ")),
    }
}

/// Holds both ways of a kernel to each other.
///
/// # Panics
/// When their answers differ.
pub fn assert_equal(name: &str, work: &mut dyn Work) {
    work.fast();
    let fast = work.answer();
    work.plain();
    let plain = work.answer();
    assert_eq!(fast.len(), plain.len(), "{name}");
    assert!(plain.iter().any(Option::is_some), "{name}: nothing was answered");
    for (at, (fast, plain)) in fast.iter().zip(&plain).enumerate() {
        let same = match (fast, plain) {
            (Some(fast), Some(plain)) => (fast - plain).abs() <= work.tolerance(),
            _ => fast.is_none() == plain.is_none(),
        };
        assert!(same, "{name}, sample {at}: {fast:?}, but {plain:?} plainly");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_gives_what_its_plain_loop_gives() {
        for name in names() {
            let size = Size { side: 70, bands: 2 };
            assert_equal(&name, &mut *make(&name, size));
        }
    }
}
