//! What a library says of itself.

use crate::host::{kind, said};
use crate::kinds::ENTRY;
use compose_plugin::abi;
use std::ptr;

fn haze() -> &'static abi::SceneKind {
    kind(&ENTRY, abi::MASK_RULES, |kind: &abi::SceneKind| &kind.about, "haze")
}

fn settings(about: &abi::Descriptor) -> &[abi::Setting] {
    unsafe { std::slice::from_raw_parts(about.settings, about.setting_count as usize) }
}

fn setting(key: &str) -> abi::Setting {
    *settings(&haze().about).iter().find(|setting| said(setting.key) == key).unwrap()
}

#[test]
fn the_entry_says_the_version_and_knows_three_factories() {
    assert_eq!((ENTRY.abi_major, ENTRY.abi_minor), (abi::ABI_MAJOR, abi::ABI_MINOR));
    let get = ENTRY.get_factory.unwrap();
    for id in [abi::MASK_RULES, abi::SCORES, abi::FILLS] {
        let (first, second) = unsafe { (get(id.as_ptr()), get(id.as_ptr())) };
        assert!(!first.is_null() && ptr::eq(first, second), "{id:?}");
    }
    for id in [c"compose.fills/2", c"", c"draft/x"] {
        assert!(unsafe { get(id.as_ptr()) }.is_null(), "{id:?}");
    }
}

#[test]
fn a_descriptor_is_the_same_on_every_call() {
    assert!(ptr::eq(haze(), haze()));
    assert_eq!((haze().about.id, haze().about.settings), (haze().about.id, haze().about.settings));
}

#[test]
fn a_descriptor_says_what_the_author_said() {
    let about = &haze().about;
    assert_eq!([about.id, about.version, about.summary].map(said), ["haze", "1.2.3", "A kind of the tests."]);
    assert_eq!((said(about.page), about.reserved), ("# A page".into(), 0));
    let faulty = kind(&ENTRY, abi::MASK_RULES, |kind: &abi::SceneKind| &kind.about, "faulty");
    assert!(faulty.about.page.is_null());
    let signed = kind(&ENTRY, abi::SCORES, |kind: &abi::SceneKind| &kind.about, "signed");
    assert!(signed.about.settings.is_null() && signed.about.setting_count == 0);
}

#[test]
fn settings_come_in_order_with_their_types() {
    let list = abi::TYPE_LIST;
    let expected = [
        ("band", abi::TYPE_BAND, 0, 1),
        ("limit", abi::TYPE_FLOAT, 0, 0),
        ("radius", abi::TYPE_INT, 0, 0),
        ("mode", abi::TYPE_CHOICE, 0, 0),
        ("months", list, abi::TYPE_INT, 0),
        ("weights", list, abi::TYPE_FLOAT, 0),
        ("other-bands", list, abi::TYPE_BAND, 0),
        ("words", list, abi::TYPE_STRING, 1),
        ("clouds", abi::TYPE_BOOL, 0, 0),
        ("note", abi::TYPE_STRING, 0, 0),
        ("type", abi::TYPE_FLOAT, 0, 0),
        ("way", abi::TYPE_CHOICE, 0, 0),
    ];
    let found: Vec<_> =
        settings(&haze().about).iter().map(|s| (said(s.key), s.kind, s.element, s.required)).collect();
    assert_eq!(found, expected.map(|(key, kind, element, required)| (key.into(), kind, element, required)));
}

#[test]
fn the_first_paragraph_of_the_comment_is_what_users_read() {
    assert_eq!(said(setting("band").doc), "The band to read.");
}

#[test]
fn ranges_and_defaults_are_declared() {
    let limits = |key| (setting(key).min, setting(key).max);
    assert_eq!(limits("limit"), (0.0, 1.0));
    assert_eq!(limits("radius"), (0.0, f64::INFINITY));
    assert_eq!(limits("type"), (f64::NEG_INFINITY, 1.5));
    assert_eq!(limits("months"), (1.0, 12.0));
    assert_eq!(limits("weights"), (0.0, 0.0));

    let default = |key| setting(key).default_value;
    assert_eq!((default("limit").is_set, default("limit").number), (1, 0.5));
    assert_eq!((default("radius").integer, default("clouds").integer), (1, 1));
    for key in ["band", "words", "note", "type", "way"] {
        assert_eq!(default(key).is_set, 0, "{key}");
    }
}

#[test]
fn choices_and_lists_are_declared_with_their_items() {
    let mode = setting("mode");
    let choices = unsafe { std::slice::from_raw_parts(mode.choices, mode.choice_count as usize) };
    assert_eq!(choices.iter().map(|&choice| said(choice)).collect::<Vec<_>>(), ["max", "mean"]);
    assert_eq!((mode.default_value.count, said(mode.default_value.text)), (1, "mean".into()));
    assert_eq!(setting("way").choice_count, 2);

    let items = |value: abi::Value| unsafe { std::slice::from_raw_parts(value.items, value.count as usize) };
    let months = items(setting("months").default_value);
    assert_eq!(
        months.iter().map(|month| (month.is_set, month.integer)).collect::<Vec<_>>(),
        [(1, 3), (1, 4)]
    );
    assert_eq!(said(items(setting("other-bands").default_value)[0].text), "blue");
    let weights = setting("weights").default_value;
    assert!(weights.is_set == 1 && weights.count == 0 && weights.items.is_null());
}
