//! Means and quotients that are `None` where they are not defined.

/// The mean of what is there.
pub(crate) fn mean_of(figures: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    mean(figures.flatten(), |sum, figure| sum + figure)
}

/// `a / b`, where that is a number.
pub(crate) fn ratio(a: f64, b: f64) -> Option<f64> {
    Some(a / b).filter(|quotient| b != 0.0 && quotient.is_finite())
}

/// Sum over the items, in their order, over how many there are; `None` without any.
pub(crate) fn mean<T>(items: impl Iterator<Item = T>, mut add: impl FnMut(f64, T) -> f64) -> Option<f64> {
    let (sum, count) = items.fold((0.0, 0_usize), |(sum, count), item| (add(sum, item), count + 1));
    ratio(sum, count as f64)
}
