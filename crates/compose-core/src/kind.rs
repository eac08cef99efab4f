//! What goes wrong inside a kind.

/// A refusal by a mask rule or fill strategy; the caller adds the rule's name, scene and block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KindError(pub String);

impl KindError {
    /// A refusal with this message: what was found, what was expected, what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// `name`'s nearest neighbour among `known`, where one is near enough to be a slip of the finger.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), k))
        .filter(|(distance, k)| *distance <= 1 + k.len().min(name.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// `; did you mean "x"?` where a near name is known, else nothing.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |k| format!("; did you mean \"{k}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        assert_eq!(nearest("clowd", ["cloud", "water"]), Some("cloud"));
        assert_eq!(nearest("elephant", ["cloud", "water"]), None);
    }
}
