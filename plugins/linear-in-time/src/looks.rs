//! Which looks a pixel is filled from.

/// The donors of a block, the nearest to the target's day first.
pub struct Looks {
    /// For each donor, the days from the target's day; below 0 before it.
    pub days: Vec<i64>,
    /// The most days between two looks that are interpolated.
    pub max_gap_days: Option<i64>,
    /// Whether a look on one side is enough.
    pub takes_nearest: bool,
}

/// What becomes of a gap. Donors are told by their place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// It stays.
    Leave,
    /// The donor's pixel, as it is.
    Copy(usize),
    /// `share` of the way from the pixel before to the pixel after.
    Between { before: usize, after: usize, share: f64 },
}

impl Looks {
    /// What becomes of a gap that the donors see of which `sees` is true.
    pub fn answer(&self, sees: impl Fn(usize) -> bool) -> Answer {
        let nearest = |side: fn(i64) -> bool| (0..self.days.len()).find(|&k| side(self.days[k]) && sees(k));
        if let Some(same_day) = nearest(|day| day == 0) {
            return Answer::Copy(same_day);
        }
        match (nearest(|day| day < 0), nearest(|day| day > 0)) {
            (Some(before), Some(after)) => self.bridge(before, after),
            (Some(only), None) | (None, Some(only)) if self.takes_nearest => Answer::Copy(only),
            _ => Answer::Leave,
        }
    }

    fn bridge(&self, before: usize, after: usize) -> Answer {
        let between = self.days[after] - self.days[before];
        if self.max_gap_days.is_some_and(|most| between > most) {
            return Answer::Leave;
        }
        Answer::Between { before, after, share: -self.days[before] as f64 / between as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(days: &[i64]) -> Looks {
        Looks { days: days.to_vec(), max_gap_days: None, takes_nearest: false }
    }

    #[test]
    fn the_nearest_look_on_each_side_is_taken_that_sees_the_pixel() {
        let looks = looks(&[-2, 6, -10, 30]);
        assert_eq!(looks.answer(|_| true), Answer::Between { before: 0, after: 1, share: 0.25 });
        assert_eq!(looks.answer(|k| k > 1), Answer::Between { before: 2, after: 3, share: 0.25 });
    }

    #[test]
    fn a_look_of_the_same_day_is_copied() {
        assert_eq!(looks(&[0, -1, 1]).answer(|_| true), Answer::Copy(0));
        assert_eq!(looks(&[0, -1, 1]).answer(|k| k > 0), Answer::Between { before: 1, after: 2, share: 0.5 });
    }

    #[test]
    fn two_looks_that_are_too_far_apart_leave_the_gap() {
        let looks = Looks { max_gap_days: Some(15), takes_nearest: true, ..looks(&[-5, 10, 11]) };
        assert_eq!(looks.answer(|_| true), Answer::Between { before: 0, after: 1, share: 1.0 / 3.0 });
        assert_eq!(looks.answer(|k| k != 1), Answer::Leave);
    }

    #[test]
    fn a_look_on_one_side_is_copied_only_where_that_is_wanted() {
        let mut looks = looks(&[-3, -5]);
        assert_eq!(looks.answer(|_| true), Answer::Leave);
        looks.takes_nearest = true;
        assert_eq!(looks.answer(|_| true), Answer::Copy(0));
        assert_eq!(looks.answer(|_| false), Answer::Leave);
    }
}
