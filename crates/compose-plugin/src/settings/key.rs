//! What can be seen to be wrong in a declaration when the plugin is compiled.

use crate::abi::RESERVED_KEYS;

/// Refuses a setting that compose would refuse when it loads the plugin.
pub const fn check(field: &str, docs: &[&str], choices: &[&str]) {
    assert!(is_field(field), "the name of a setting is a-z, 0-9 and _, beginning with a letter");
    let mut i = 0;
    while i < RESERVED_KEYS.len() {
        let free = !same(field.as_bytes(), RESERVED_KEYS[i].as_bytes());
        assert!(free, "tables of rules files have a key of this name themselves: give the setting another");
        i += 1;
    }
    assert!(!docs.is_empty(), "a setting needs a doc comment: what it means, and its unit");
    let mut i = 0;
    while i < docs.len() {
        assert!(no_zero(docs[i]), "the doc comment of a setting has a zero byte");
        i += 1;
    }
    let mut i = 0;
    while i < choices.len() {
        assert!(is_text(choices[i]), "a choice is empty or has a zero byte");
        i += 1;
    }
}

/// Whether it may be the id of a kind: a-z, 0-9 and -, beginning with a letter.
pub(crate) const fn is_key(text: &str) -> bool {
    is_word(text.as_bytes(), b'-')
}

/// Whether it is such a text with _ for -, as names of fields are; `r#type` is `type`.
const fn is_field(name: &str) -> bool {
    match name.as_bytes() {
        [b'r', b'#', rest @ ..] => is_word(rest, b'_'),
        name => is_word(name, b'_'),
    }
}

const fn is_word(word: &[u8], dash: u8) -> bool {
    let mut i = 0;
    while i < word.len() {
        let inside = word[i].is_ascii_digit() || word[i] == dash;
        if !(word[i].is_ascii_lowercase() || (inside && i > 0)) {
            return false;
        }
        i += 1;
    }
    !word.is_empty()
}

/// Whether it has something to say, and can be said in C.
pub(crate) const fn is_text(text: &str) -> bool {
    !text.is_empty() && no_zero(text)
}

const fn no_zero(text: &str) -> bool {
    let mut i = 0;
    while i < text.len() {
        if text.as_bytes()[i] == 0 {
            return false;
        }
        i += 1;
    }
    true
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_small_letters_digits_and_dashes() {
        for good in ["a", "hot-haze", "b4"] {
            assert!(is_key(good), "{good}");
        }
        for bad in ["", "-a", "4b", "Haze", "hot_haze", "a\0", "ä"] {
            assert!(!is_key(bad), "{bad}");
        }
        assert!(is_field("hot_haze") && is_field("r#type") && !is_field("hot-haze") && !is_field("_a"));
    }

    #[test]
    #[should_panic(expected = "have a key of this name")]
    fn a_reserved_key_is_refused() {
        check("grow", &["Pixels."], &[]);
    }

    #[test]
    #[should_panic(expected = "doc comment of a setting has a zero byte")]
    fn a_zero_byte_in_a_doc_comment_is_refused() {
        check("radius", &["Pixels\0."], &[]);
    }

    #[test]
    #[should_panic(expected = "a choice is empty")]
    fn a_choice_without_a_text_is_refused() {
        check("mode", &["How."], &["mean", ""]);
    }
}
