//! What goes wrong in a plugin, and what the host hears of it.

use crate::host::{Canvas, Host, Image, Instance, Planned, Size, bands, kind, scene, text};
use crate::kinds::ENTRY;
use compose_plugin::abi;
use std::ffi::CString;

/// What the host hears of a rule that is told to fail; the host says "stop" where `stop`.
fn heard_of(fault: &str, stop: bool) -> Result<(), String> {
    let (host, bands, size) = (Host::new(), bands(), Size { width: 4, height: 3, halo: 1 });
    host.heard.cancelled.set(stop);
    let (scene, fault) = (scene(&bands, None), CString::new(fault).unwrap());
    let faulty = kind(&ENTRY, abi::MASK_RULES, |kind: &abi::SceneKind| &kind.about, "faulty");
    let planned = Planned::new(&host, faulty, &[text(&fault)], &scene)?;
    assert_eq!(planned.plan.deterministic, 0);
    let (data, codes) = (Image::new(size, 0.0, |_, _| Some(1.0)), Image::new(size, 0, |_, _| Some(1)));
    let planes = [data.plane(abi::PLANE_F32, 0), codes.plane(abi::PLANE_U32, 1)];
    let mut marks = Canvas::new(size, 55u8);
    planned.run(&host, &scene, size, &planes, marks.output(abi::PLANE_U8))?;
    assert_eq!(marks.pixels(), [0; 12]);
    Ok(())
}

fn error(fault: &str) -> String {
    heard_of(fault, false).unwrap_err()
}

/// `panicked at crates/…/kinds.rs:1:2: said`, without what depends on where tests are built and the file's lines.
fn panicked(fault: &str) -> String {
    let error = error(fault);
    let (place, said) = error.split_once(": ").unwrap();
    let (file, line) = place.rsplit_once("kinds.rs:").unwrap_or_else(|| panic!("{error}"));
    assert!(file.starts_with("panicked at ") && line.split(':').all(|n| n.parse::<u32>().is_ok()), "{error}");
    said.into()
}

#[test]
fn a_panic_is_an_error_that_says_where() {
    assert_eq!(panicked("panic"), "told to panic");
    assert_eq!(error("payload"), "panicked: thrown without a hook");
}

#[test]
fn errors_of_every_call_reach_the_host() {
    assert_eq!(error("new"), "these settings do not go together");
    assert_eq!(error("find"), "scene S1 has no band \"infrared\"; bands: B4 (red), QA");
    assert_eq!(error("halo"), "a halo must have from 0 to 1024 pixels");
    assert_eq!(error("error"), "zero\u{FFFD}byte");
    assert_eq!(error("parse"), "invalid digit found in string");
}

#[test]
fn a_plane_of_another_type_is_an_error() {
    assert_eq!(error("codes"), "plane 0 holds data (f32), not codes: read it with data()");
    assert_eq!(error("data"), "plane 1 holds codes (u32), not data: read it with codes()");
    assert_eq!(error("plane"), "no plane 2: there are 2");
}

#[test]
fn reading_and_writing_outside_is_an_error_at_the_authors_line() {
    assert_eq!(panicked("band"), "no band 99 to plan for in a scene of 2 bands");
    assert_eq!(panicked("row"), "no row 3 in a plane of 3 rows and 4 columns with a halo of 0");
    assert_eq!(panicked("wide-row"), "no row -2 in a plane of 3 rows and 4 columns with a halo of 1");
    assert_eq!(
        panicked("pixel"),
        "no pixel (row 0, column 5) in a plane of 3 rows and 4 columns with a halo of 1"
    );
    assert_eq!(panicked("output"), "no row 3 in a plane of 3 rows and 4 columns with a halo of 0");
}

#[test]
fn a_rule_that_was_told_to_stop_says_so_without_a_message() {
    assert_eq!(heard_of("cancel", true), Err("status 2".into()));
    assert_eq!(heard_of("cancel", false), Ok(()));
}

#[test]
fn a_panic_in_a_destructor_stays_inside() {
    assert_eq!(heard_of("drop", false), Ok(()));
}

#[test]
fn a_host_that_passes_other_settings_than_declared_is_told() {
    let host = Host::new();
    let faulty = kind(&ENTRY, abi::MASK_RULES, |kind: &abi::SceneKind| &kind.about, "faulty");
    let create =
        |values: &[abi::Value]| Instance::new(&host, faulty.create, faulty.destroy, values).map(drop);
    assert_eq!(create(&[]), Err("the host passed 0 values for 1 settings".into()));
    assert_eq!(create(&[crate::host::UNSET]), Err("the host passed no value for setting fault".into()));
}

#[test]
fn a_panic_elsewhere_is_none_of_ours() {
    heard_of("panic", false).unwrap_err();
    let caught = std::panic::catch_unwind(|| panic!("outside"));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "outside");
    assert_eq!(heard_of("none", false), Ok(()));
}
