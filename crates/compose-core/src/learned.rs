//! What a kind learned from a survey, as a plan file keeps it.

use crate::KindError;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// What a kind learned from a survey. Its form is the kind's own; numbers that must come back to the bit are written by
/// [`crate::exact`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Learned(Value);

impl Learned {
    /// Keeps the state of a kind.
    ///
    /// # Panics
    /// The state is a map with keys that are no strings.
    pub fn of(state: &impl Serialize) -> Self {
        Self(serde_json::to_value(state).expect("the state of a kind has strings for keys"))
    }

    /// Whether the kind learned nothing.
    pub fn is_nothing(&self) -> bool {
        self.0.is_null()
    }

    /// The state that was kept.
    ///
    /// # Errors
    /// It is the state of another kind, or of another version of this one.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, KindError> {
        T::deserialize(&self.0)
            .map_err(|e| KindError::new(format!("what it learned from the survey cannot be read ({e})")))
    }
}

impl JsonSchema for Learned {
    fn schema_name() -> Cow<'static, str> {
        "Learned".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "description": "What a kind learned from the survey, in the kind's own form." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_and_that_of_another_kind_is_refused() {
        let state = Learned::of(&vec![(1_usize, "a".to_owned())]);
        assert_eq!(state.read::<Vec<(usize, String)>>(), Ok(vec![(1, "a".to_owned())]));
        let refused = state.read::<Vec<String>>().unwrap_err().to_string();
        assert!(
            refused.starts_with("what it learned from the survey cannot be read (invalid type"),
            "{refused}"
        );
        assert!(Learned::default().is_nothing() && Learned::default().read::<Vec<String>>().is_err());
    }
}
