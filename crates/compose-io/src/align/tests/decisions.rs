//! Decisions and their reasons.

use super::*;

#[test]
fn equal_grids_are_pasted() {
    assert_eq!(reason(&landsat(), &landsat()), "paste: same grid");
    let mut plain = landsat();
    plain.crs = None;
    assert_eq!(reason(&plain, &plain), "paste: same grid");
}

#[test]
fn a_whole_pixel_shift_is_pasted_and_rounding_noise_is_no_shift() {
    let target = landsat();
    for noise in [0.0, 1e-9, -3e-5, 9e-5] {
        let native = moved(&target, -30.0 + noise, noise);
        let decision = decide(&target, &native, Resampling::Cubic).unwrap();
        assert_eq!(decision.reason, "paste: whole-pixel shift (30, 0)", "{noise}");
        assert!(matches!(decision.alignment, Alignment::Paste { cols: 30, rows: 0 }));
    }
}

#[test]
fn a_pixel_size_that_drifts_is_pasted_only_while_the_drift_is_not_visible() {
    let mut native = landsat();
    native.transform.dx = 30.0 * (1.0 + 0.9e-4 / 200.0);
    assert_eq!(reason(&landsat(), &native), "paste: same grid");
    native.transform.dx = 30.0 * (1.0 + 1.2e-4 / 200.0);
    assert_eq!(reason(&landsat(), &native), "resample: pixel 30.000018 × 30 m to 30 m");
}

#[test]
fn other_shifts_and_sizes_are_resampled_and_say_so() {
    let target = landsat();
    let words = |cols, rows| reason(&target, &moved(&target, cols, rows));
    assert_eq!(words(-0.31, 0.0), "resample: sub-pixel shift of 0.31, 0.00");
    assert_eq!(words(-30.31, 7.5), "resample: sub-pixel shift of 0.31, 0.50");
    assert_eq!(words(0.0002, 0.0), "resample: sub-pixel shift of -0.0002, 0.00");
    let fine = grid("EPSG:32613", (452_385.0, 10.0), (4_427_415.0, -10.0), (600, 480));
    let coarse = grid("EPSG:32613", (452_385.0, 20.0), (4_427_415.0, -20.0), (300, 240));
    assert_eq!(reason(&coarse, &fine), "resample: pixel 10 m to 20 m");
    let degrees = grid("EPSG:4326", (-105.0, 0.00025), (40.0, -0.0005), (100, 100));
    assert_eq!(
        reason(&degrees, &grid("EPSG:4326", (-105.0, 0.0005), (40.0, -0.0005), (100, 100))),
        "resample: pixel 0.0005° to 0.00025 × 0.0005°"
    );
    let upside_down = grid("EPSG:32613", (452_385.0, 30.0), (4_427_415.0 - 4800.0, 30.0), (200, 160));
    assert_eq!(reason(&target, &upside_down), "resample: the rows or columns run the other way");
}

#[test]
fn grids_without_a_common_pixel_are_told_apart_before_a_pixel_is_read() {
    let target = landsat();
    assert_eq!(reason(&target, &moved(&target, 200.0, 0.0)), words("-200 to 0 and rows 0 to 160"));
    assert_eq!(reason(&target, &moved(&target, 0.5, -1000.0)), words("-1 to 200 and rows 1000 to 1160"));
    let far = grid("EPSG:32612", (300_000.0, 30.0), (4_427_415.0, -30.0), (200, 160));
    let decision = decide(&target, &far, Resampling::Bilinear).unwrap();
    assert!(matches!(decision.alignment, Alignment::Disjoint), "{decision:?}");
    assert!(decision.reason.starts_with("no overlap: the target lies on columns"), "{}", decision.reason);
    let beyond = grid("EPSG:4326", (75.0, 0.01), (99.0, -0.01), (300, 300));
    let reason = reason(&beyond, &target);
    assert_eq!(reason, "no overlap: no pixel of the target has a place in EPSG:32613");

    fn words(columns: &str) -> String {
        format!("no overlap: the target lies on columns {columns} of 200 × 160 pixels")
    }
}

#[test]
fn a_crs_on_one_side_only_is_refused_by_name() {
    let (stated, mut silent) = (landsat(), landsat());
    silent.crs = None;
    let message = refusal(&stated, &silent);
    assert!(
        message.starts_with("the scene grid states no CRS, the target grid is in EPSG:32613"),
        "{message}"
    );
    let message = refusal(&silent, &stated);
    assert!(
        message.starts_with("the target grid states no CRS, the scene grid is in EPSG:32613"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let mut flat = landsat();
    flat.transform.dy = 0.0;
    assert!(refusal(&landsat(), &flat).starts_with("the scene grid has pixels of 30 × 0 from"));
    let local = grid(r#"LOCAL_CS["Test site",UNIT["metre",1]]"#, (0.0, 30.0), (0.0, -30.0), (9, 9));
    assert!(refusal(&landsat(), &local).starts_with("no coordinate operation leads from EPSG:32613 to Test"));
    assert_eq!(reason(&local, &local), "paste: same grid");
    let message = "lanczos".parse::<Resampling>().unwrap_err().to_string();
    assert_eq!(message, "resampling \"lanczos\" is unknown; expected nearest, bilinear or cubic");
}

#[test]
fn methods_are_known_by_their_names() {
    for method in [Resampling::Nearest, Resampling::Bilinear, Resampling::Cubic] {
        assert_eq!(method.to_string().parse::<Resampling>().unwrap(), method);
    }
    assert_eq!("near".parse::<Resampling>().unwrap(), Resampling::Nearest);
}

#[test]
fn two_names_of_one_map_are_pasted() {
    let target = landsat();
    let mut native = moved(&target, -2.0, 1.0);
    native.crs = Some(SYSTEMS.from_user_input("+proj=utm +zone=13 +ellps=WGS84 +units=m").unwrap());
    let reason = reason(&target, &native);
    assert!(reason.starts_with("paste: whole-pixel shift (2, -1) ("), "{reason}");
}

#[test]
fn the_reason_between_systems_names_both_and_the_method() {
    let (target, native) = pair(Case::Zones);
    let decision = decide(&target, &native, Resampling::Bilinear).unwrap();
    assert_eq!(decision.reason, "resample: EPSG:32612 to EPSG:32613, bilinear");
}
