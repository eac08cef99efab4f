//! The nearest of the known names to one that is not known, for messages.

/// `name`'s nearest neighbour among `known`, where one is near enough to be a slip of the finger; else the only
/// one of which it is a part (`shadow` of `cloud-shadow`), or which is a part of it.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let known: Vec<(String, &str)> = known.into_iter().map(|k| (k.to_lowercase(), k)).collect();
    let slip = known
        .iter()
        .map(|(k, original)| (strsim::damerau_levenshtein(&lower, k), *original))
        .filter(|(distance, k)| *distance <= slips(k.len().max(name.len())))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k);
    slip.or_else(|| {
        let mut akin =
            known.iter().filter(|(k, _)| part_of(&lower, k) || part_of(k, &lower)).map(|(_, k)| *k);
        akin.next().filter(|first| akin.all(|other| other == *first))
    })
}

/// Whether `part` is whole words of `name`, which dashes separate.
fn part_of(part: &str, name: &str) -> bool {
    !part.is_empty() && format!("-{name}-").contains(&format!("-{part}-"))
}

/// The number of slips that a name of this length may hold; none for one or two letters, since B1 is not B2.
fn slips(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=5 => 1,
        _ => 1 + length / 4,
    }
}

/// `; did you mean "x"?` where a near name is known, else nothing.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |k| format!("; did you mean \"{k}\"?"))
}

/// `; did you mean "x"? kinds: x, y`, with what to do where the name is no slip: it may be that of a plugin.
pub fn unknown_kind(name: &str, known: &[&str], what: &str) -> String {
    let list = known.join(", ");
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean \"{near}\"? {what}: {list}"),
        None => {
            format!("; {what}: {list}; one of a plugin is known where a [[plugin]] table names its library")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        assert_eq!(nearest("clowd", ["cloud", "water"]), Some("cloud"));
        assert_eq!(nearest("elephant", ["cloud", "water"]), None);
    }

    #[test]
    fn a_whole_word_of_only_one_name_is_recognised() {
        assert_eq!(nearest("shadow", ["cloud", "cloud-shadow", "water"]), Some("cloud-shadow"));
        assert_eq!(nearest("terrain-cloud-shadow", ["cloud-shadow", "water"]), Some("cloud-shadow"));
        assert_eq!(nearest("cloud", ["cloud-shadow", "dilated-cloud"]), None);
        assert_eq!(nearest("shad", ["cloud-shadow"]), None);
    }

    #[test]
    fn another_name_of_a_few_letters_is_no_slip() {
        assert_eq!(nearest("B2", ["B1", "QA"]), None);
        assert_eq!(nearest("path", ["id", "date"]), None);
        assert_eq!((nearest("qa", ["QA"]), nearest("mim", ["min"])), (Some("QA"), Some("min")));
        assert_eq!(nearest("B8", ["B02", "B08"]), Some("B08"));
    }
}
