//! Conversion of numbers to the shades of a picture, the same for quicklooks and for evaluations.

/// A pixel without a value: magenta, which no stretched landscape is by chance.
pub const GAP_COLOUR: [u8; 3] = [255, 0, 255];

/// The sample at this percent of the way through all of them in order; `None` where there are none.
pub fn percentile(samples: &mut [f32], percent: usize) -> Option<f32> {
    let last = samples.len().checked_sub(1)?;
    Some(*samples.select_nth_unstable_by(last * percent / 100, f32::total_cmp).1)
}

/// The samples that become black and white: the 2nd and the 98th percentile. `None` without samples.
pub fn stretch(samples: &mut [f32]) -> Option<(f32, f32)> {
    let (black, white) = (percentile(samples, 2)?, percentile(samples, 98)?);
    // A flat band: all of it black, rather than a division by zero.
    Some((black, if white > black { white } else { black + black.abs().max(1.0) }))
}

/// The shade of a sample under a [`stretch`], from 0 to 255.
pub fn shade(sample: f32, (black, white): (f32, f32)) -> u8 {
    // Exact enough in f32; `as` clamps, and makes a NaN black.
    ((sample - black) / (white - black) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_leaves_out_two_percent_at_either_end() {
        let mut samples: Vec<f32> = (0..=100).rev().map(|n| n as f32).collect();
        let range = stretch(&mut samples).unwrap();
        assert_eq!(range, (2.0, 98.0));
        assert_eq!(
            [0.0, 2.0, 50.0, 98.0, 100.0, f32::NAN].map(|s| shade(s, range)),
            [0, 0, 128, 255, 255, 0]
        );
    }

    #[test]
    fn one_shade_alone_is_black_and_nothing_has_no_stretch() {
        let range = stretch(&mut [7.0; 9]).unwrap();
        assert_eq!((range, shade(7.0, range)), ((7.0, 14.0), 0));
        assert_eq!((stretch(&mut []), percentile(&mut [], 50)), (None, None));
    }
}
