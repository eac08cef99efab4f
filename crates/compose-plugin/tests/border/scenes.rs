//! Mask rules and scores.

use crate::host::{
    Canvas, Host, Image, Planned, Size, UNSET, bands, integer, kind, list, number, scene, text,
};
use crate::kinds::ENTRY;
use compose_plugin::abi;

fn haze_values<'a>(lists: &'a [Vec<abi::Value>; 4], mode: &std::ffi::CStr, radius: i64) -> Vec<abi::Value> {
    let [months, weights, bands, words]: [&'a Vec<abi::Value>; 4] = lists.each_ref();
    vec![
        text(c"red"),
        number(0.4),
        integer(radius),
        text(mode),
        list(months),
        list(weights),
        list(bands),
        list(words),
        integer(1),
        text(c"noted"),
        UNSET,
        abi::Value { count: 1, ..text(c"down") },
    ]
}

fn lists() -> [Vec<abi::Value>; 4] {
    [
        vec![integer(3), integer(4)],
        vec![number(0.25), number(-1.0)],
        vec![text(c"blue")],
        vec![text(c"a"), text(c"b")],
    ]
}

fn data(row: isize, col: isize) -> Option<f32> {
    let sample = (row * 7 + col * 3).rem_euclid(11);
    (sample != 5).then_some(sample as f32)
}

fn codes(row: isize, col: isize) -> Option<u32> {
    let code = (row * 5 + col).rem_euclid(13) as u32;
    (code != 2).then_some(if code == 7 { 0b10000 } else { 0b100111 })
}

/// What `haze` must say, pixel by pixel.
fn plain(mode: &str, size: Size) -> Vec<u8> {
    let halo = size.halo as isize;
    let pixels = (0..size.height as isize).flat_map(|r| (0..size.width as isize).map(move |c| (r, c)));
    pixels
        .map(|(row, col)| {
            let square =
                (row - halo..=row + halo).flat_map(|r| (col - halo..=col + halo).map(move |c| (r, c)));
            let seen: Vec<f64> =
                square.filter_map(|(r, c)| data(r, c)).map(|sample| f64::from(sample) * 0.1 - 0.1).collect();
            let mean = seen.iter().sum::<f64>() / seen.len() as f64;
            let value = if mode == "max" { seen.into_iter().fold(0.0, f64::max) } else { mean };
            u8::from(value > 0.4 || codes(row, col) == Some(0b10000))
        })
        .collect()
}

fn check_haze(mode: &std::ffi::CStr, size: Size) {
    let (host, bands, lists) = (Host::new(), bands(), lists());
    let scene = scene(&bands, Some(0));
    let haze = kind(&ENTRY, abi::MASK_RULES, |kind: &abi::SceneKind| &kind.about, "haze");
    let values = haze_values(&lists, mode, size.halo as i64);
    let planned = Planned::new(&host, haze, &values, &scene).unwrap();
    assert_eq!(planned.bands, [1, 0]);
    assert_eq!((planned.plan.halo, planned.plan.deterministic), (size.halo as u32, 1));
    assert_eq!(planned.plan.threads, abi::THREADS_ANY);

    let (codes, data) = (Image::new(size, 0b11111, codes), Image::new(size, f32::NAN, data));
    let planes = [codes.plane(abi::PLANE_U32, 1), data.plane(abi::PLANE_F32, 0)];
    let mut marks = Canvas::new(size, 55u8);
    planned.run(&host, &scene, size, &planes, marks.output(abi::PLANE_U8)).unwrap();
    assert_eq!(marks.pixels(), plain(mode.to_str().unwrap(), size));
    let said = (abi::LOG_WARNING, "marking".to_string());
    assert_eq!(*host.heard.log.borrow(), [said]);
}

#[test]
fn a_rule_sees_its_settings_its_planes_and_its_halo_and_marks() {
    check_haze(c"mean", Size { width: 9, height: 6, halo: 2 });
    check_haze(c"max", Size { width: 4, height: 1, halo: 1 });
    check_haze(c"max", Size { width: 1, height: 1, halo: 0 });
}

#[test]
fn a_score_rates_what_it_sees() {
    let (host, bands, size) = (Host::new(), bands(), Size { width: 5, height: 3, halo: 0 });
    let scene = scene(&bands, None);
    let signed = kind(&ENTRY, abi::SCORES, |kind: &abi::SceneKind| &kind.about, "signed");
    let planned = Planned::new(&host, signed, &[], &scene).unwrap();
    assert_eq!((planned.bands.as_slice(), planned.plan.halo), ([0].as_slice(), 0));
    let image = Image::new(size, f32::NAN, data);
    let mut scores = Canvas::new(size, -99.0f32);
    let planes = [image.plane(abi::PLANE_F32, 0)];
    planned.run(&host, &scene, size, &planes, scores.output(abi::PLANE_F32)).unwrap();
    let pixels = (0..3).flat_map(|r| (0..5).map(move |c| data(r, c).map_or(f32::NEG_INFINITY, |s| -s)));
    assert_eq!(scores.pixels(), pixels.collect::<Vec<_>>());
}

#[test]
fn one_instance_serves_many_threads() {
    struct Shared<T>(T);
    unsafe impl<T> Sync for Shared<T> {}
    let (host, bands, size) = (Host::new(), bands(), Size { width: 5, height: 3, halo: 0 });
    let scene = scene(&bands, None);
    let signed = kind(&ENTRY, abi::SCORES, |kind: &abi::SceneKind| &kind.about, "signed");
    let shared = Shared((Planned::new(&host, signed, &[], &scene).unwrap(), scene));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let Shared((planned, scene)) = &shared;
                let (host, image) = (Host::new(), Image::new(size, f32::NAN, data));
                let mut scores = Canvas::new(size, -99.0f32);
                let planes = [image.plane(abi::PLANE_F32, 0)];
                planned.run(&host, scene, size, &planes, scores.output(abi::PLANE_F32)).unwrap();
                assert_eq!(scores.pixels()[1], -3.0);
            });
        }
    });
}
