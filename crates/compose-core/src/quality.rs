//! Quality-band layouts: what the bits of a code mean.
//!
//! [`LAYOUTS`] is the one table; [`find`] looks a layout up by the name that a rules file uses. A code is
//! never tested with `v & bits != 0` on a field of two bits or more ("high" would match "low"): every test is
//! a [`CodeTest`], which shifts and masks first.

mod layout;
mod layouts;
mod own;
#[cfg(test)]
mod vectors;

pub use layout::{Caveat, Class, CodeTest, Field, Fill, Layout, RESERVED};
pub use layouts::LAYOUTS;
pub use own::{OwnField, is_negation, means_fill, nodata_class, of_classes, of_fields, with_names_of, word};

use crate::suggest::did_you_mean;

/// The layout of this name.
///
/// # Errors
/// A message with the nearest name and all names.
pub fn find(name: &str) -> Result<&'static Layout, String> {
    LAYOUTS.iter().find(|l| l.name == name).ok_or_else(|| {
        let hint = did_you_mean(name, LAYOUTS.iter().map(|l| l.name));
        let separator = if hint.is_empty() { ";" } else { "" };
        let names: Vec<&str> = LAYOUTS.iter().map(|l| l.name).collect();
        format!("unknown layout \"{name}\"{hint}{separator} layouts: {}", names.join(", "))
    })
}

/// Whether a layout is one of the table, which has all codes that its source writes.
pub fn is_of_the_table(layout: &Layout) -> bool {
    LAYOUTS.iter().any(|known| std::ptr::eq(known, layout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_layout_is_answered_with_the_nearest_and_all_names() {
        let message = find("hls-v3").unwrap_err();
        assert!(message.starts_with("unknown layout \"hls-v3\"; did you mean \"hls-v2\"? layouts: landsat-"));
        assert!(find("nonsense").unwrap_err().starts_with("unknown layout \"nonsense\"; layouts: "));
    }

    #[test]
    fn fields_of_a_layout_do_not_overlap_and_go_by_offset() {
        for layout in LAYOUTS {
            let mut next = 0;
            for field in layout.fields {
                assert!(field.offset >= next, "{}: {} overlaps", layout.name, field.name);
                next = field.offset + field.width;
            }
            assert!(next <= 32, "{}: more than 32 bits", layout.name);
        }
    }

    #[test]
    fn names_are_unique_kebab_case_words() {
        let mut all: Vec<&str> = LAYOUTS.iter().map(|l| l.name).collect();
        assert_unique(&mut all);
        for layout in LAYOUTS {
            assert_unique(&mut layout.fields.iter().map(|f| f.name).collect::<Vec<_>>());
            for field in layout.fields {
                assert_unique(&mut field.classes.iter().map(|c| c.name).collect::<Vec<_>>());
            }
        }
    }

    fn assert_unique(names: &mut Vec<&str>) {
        let kebab = |n: &&str| n.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        assert!(names.iter().all(kebab), "{names:?}");
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }

    #[test]
    fn class_values_rise_and_fit_their_field() {
        for field in LAYOUTS.iter().flat_map(|l| l.fields) {
            assert!(field.classes.windows(2).all(|w| w[0].value < w[1].value), "{}", field.name);
            assert!(field.classes.iter().all(|c| c.value <= field.mask()), "{}", field.name);
            assert_eq!(field.is_flag(), field.width == 1, "{}", field.name);
        }
    }

    /// Aerosol "low" of HLS and SR_QA_AEROSOL is 64: a field of two bits that is set says so.
    #[test]
    fn no_value_of_any_field_is_told_as_nothing() {
        for layout in LAYOUTS {
            for field in layout.fields {
                for class in field.classes.iter().filter(|c| c.value > 0) {
                    let told = layout.decode(class.value << field.offset);
                    assert!(
                        told.contains(class.name),
                        "{}: {} {}: {told}",
                        layout.name,
                        field.name,
                        class.name
                    );
                }
            }
        }
    }

    /// `bits` takes every word of a decoded code.
    #[test]
    fn what_a_code_says_is_said_in_the_names_that_rules_use() {
        for layout in LAYOUTS.iter().filter(|l| l.class_field().is_none() && l.percent_of.is_none()) {
            let all = layout.fields.iter().fold(0, |bits, f| bits | (f.mask() << f.offset));
            let code = if layout.is_fill(all) { all & !1 } else { all };
            for said in layout.decode(code).split(" + ") {
                let name = said.split([' ', ':']).next().unwrap();
                assert!(layout.field(name).is_some(), "{}: {said}", layout.name);
            }
        }
    }

    #[test]
    fn flags_of_fill_and_of_caveats_exist() {
        for layout in LAYOUTS {
            let by_bit = matches!(layout.fill, Fill::Bit(_));
            assert_eq!(layout.fill_field().is_some(), by_bit, "{}", layout.name);
            for flag in layout.caveats.iter().filter_map(|c| c.flag) {
                assert!(layout.flag(flag).is_some(), "{}: {flag}", layout.name);
            }
        }
    }
}
