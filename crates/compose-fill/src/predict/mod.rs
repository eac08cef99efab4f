//! Normalised donors: what the target would show, predicted from the donors' clear observations.
//!
//! Two steps. A [`translation::Translation`] turns a donor's observation into the target's terms, by itself. Where
//! several donors see a pixel, a [`predictor::Model`] of just these weighs their translations against each other:
//! [`Predictor::model_of`] finds it. [`fit()`] learns both from a [`Sample`] of the survey: [`Learned`], of which they are made.

mod donors;
mod fit;
mod learned;
mod method;
mod model_fit;
mod predictor;
mod sample;
mod sets;
mod several;
mod single;
mod summary;
mod translation;
mod weights;
mod write;

pub(crate) use donors::{MOST_DONORS, checked_donors};
pub(crate) use fit::fit;
pub(crate) use learned::Learned;
pub(crate) use predictor::{Predictor, observation_of, ranks_at};
pub(crate) use sample::Sample;
pub(crate) use write::{put, source};
