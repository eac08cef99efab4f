//! The band that a rule reads, and the conversion of its samples to codes and numbers.

use compose_core::quality::find;
use compose_core::suggest::did_you_mean;
use compose_core::{BandFacts, BandRole, DataType, KindError, Layout, Problem, SceneFacts, SettingsTable};

/// The band that the rule names, else the scene's main quality band.
pub(crate) fn choose(scene: &SceneFacts, wanted: Option<&str>) -> Result<usize, KindError> {
    let names = || scene.bands.iter().map(|b| b.name.as_str());
    let list = || names().collect::<Vec<_>>().join(", ");
    match wanted {
        Some(name) => scene.band(name).ok_or_else(|| {
            let hint = did_you_mean(name, names());
            let separator = if hint.is_empty() { ";" } else { "" };
            KindError::new(format!("no band \"{name}\"{hint}{separator} bands: {}", list())).about("band")
        }),
        None => scene.quality.ok_or_else(|| {
            KindError::new(format!(
                "the scene has no quality band; name one with band = \"…\"; bands: {}",
                list()
            ))
        }),
    }
}

/// The data band of this name, which the rule calls `key`.
pub(crate) fn data(scene: &SceneFacts, name: &str, key: &'static str) -> Result<usize, KindError> {
    let index = choose(scene, Some(name)).map_err(|e| {
        KindError::new(format!("{}; say which it is with {key} = \"…\"", e.message)).about(key)
    })?;
    match scene.bands[index].role {
        BandRole::Data => Ok(index),
        BandRole::Quality => Err(KindError::new(format!(
            "{} holds codes, and {key} is a band of measurements; say which with {key} = \"…\"",
            scene.bands[index].name
        ))
        .about(key)),
    }
}

/// Refuses a data band where codes are wanted.
pub(crate) fn require_quality(band: &BandFacts, kind: &str) -> Result<(), KindError> {
    match band.role {
        BandRole::Quality => Ok(()),
        BandRole::Data => Err(KindError::new(format!(
            "{} is a data band, and kind \"{kind}\" reads the flags of a quality band; for numbers use kind = \"range\"",
            band.name
        ))
        .about("band")),
    }
}

/// The layout that the rule's own `layout` names, refused where it stands if there is none of that name.
pub(crate) fn named_layout(
    table: &SettingsTable<'_>,
    name: Option<&str>,
) -> Result<Option<&'static Layout>, Vec<Problem>> {
    name.map(find).transpose().map_err(|message| vec![table.problem_at("layout", message)])
}

/// Refuses a scene from a period in which the band is empty: no cloud would be masked.
pub(crate) fn require_speaking(
    layout: &Layout,
    band: &BandFacts,
    scene: &SceneFacts,
) -> Result<(), KindError> {
    match (layout.silent, scene.day) {
        (Some((first, last)), Some(day)) if (first..=last).contains(&day) => Err(KindError::new(format!(
            "{} is empty in every scene from {first} to {last}, and this one is of {day}: no cloud would be \
             masked; use another band, such as SCL",
            band.name
        ))),
        _ => Ok(()),
    }
}

fn is_signed(dtype: DataType) -> bool {
    matches!(dtype, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)
}

/// The code of a number as it stands in a band of this type (two's complement at the band's width), or a
/// message why the band cannot hold it.
pub(crate) fn code_of(value: i64, dtype: DataType) -> Result<u32, String> {
    let bits = 8 * dtype.bytes().min(4);
    let (wraps, twin) = (1i64 << bits, |v: i64| format!("; did you mean {v} (the same {bits} bits)?"));
    if dtype.holds(value as f64) && (-(1 << 31)..1 << 32).contains(&value) {
        return Ok((value & (wraps - 1)) as u32);
    }
    let (low, high) = dtype.range();
    let hint = match value {
        v if is_signed(dtype) && (wraps / 2..wraps).contains(&v) => twin(v - wraps),
        v if dtype.is_integer() && (-wraps / 2..0).contains(&v) => twin(v + wraps),
        _ => String::new(),
    };
    Err(format!("{value} does not fit {dtype} ({low} to {high}){hint}"))
}

/// The number that a code stands for in a band of this type.
pub(crate) fn number_of(code: u32, dtype: DataType) -> f64 {
    match dtype {
        DataType::Int8 => f64::from(code as u8 as i8),
        DataType::Int16 => f64::from(code as u16 as i16),
        DataType::Int32 => f64::from(code as i32),
        _ => f64::from(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;
    use compose_core::Day;

    #[test]
    fn negative_numbers_are_twos_complement_at_the_bands_width() {
        assert_eq!(code_of(-1, DataType::Int16), Ok(65535));
        assert_eq!(code_of(-1, DataType::Int8), Ok(255));
        assert_eq!(code_of(-9999, DataType::Int16), Ok(55537));
        assert_eq!(code_of(-1, DataType::Int32), Ok(u32::MAX));
        assert_eq!([65535, 255].map(|c| number_of(c, DataType::Int16)), [-1.0, 255.0]);
        assert_eq!(number_of(255, DataType::Int8), -1.0);
    }

    #[test]
    fn a_number_that_the_type_cannot_hold_is_refused_with_its_twin() {
        let message = code_of(54596, DataType::Int16).unwrap_err();
        assert_eq!(
            message,
            "54596 does not fit int16 (-32768 to 32767); did you mean -10940 (the same 16 bits)?"
        );
        assert!(code_of(70_000, DataType::Int16).unwrap_err().ends_with("(-32768 to 32767)"));
        assert!(code_of(-1, DataType::UInt16).unwrap_err().contains("did you mean 65535"));
        assert_eq!(code_of(70_000, DataType::UInt16).unwrap_err(), "70000 does not fit uint16 (0 to 65535)");
    }

    #[test]
    fn an_unknown_band_is_answered_with_the_nearest_and_all() {
        let scene = scene("landsat-c2-l89", DataType::UInt16);
        let message = choose(&scene, Some("QA_PIXL")).unwrap_err().to_string();
        assert_eq!(message, "no band \"QA_PIXL\"; did you mean \"QA_PIXEL\"? bands: B4, QA_PIXEL");
        assert_eq!((choose(&scene, None), choose(&scene, Some("red"))), (Ok(1), Ok(0)));
        let without = SceneFacts { quality: None, ..scene };
        assert!(choose(&without, None).unwrap_err().to_string().contains("no quality band; name one"));
    }

    #[test]
    fn qa60_is_refused_in_the_years_when_it_is_empty() {
        let layout = find("sentinel-2-qa60").unwrap();
        let of = |day| SceneFacts { day: Some(Day(day)), ..scene("sentinel-2-qa60", DataType::UInt16) };
        let (before, within) = (of(19016), of(19400));
        assert_eq!(require_speaking(layout, &before.bands[1], &before), Ok(()));
        let message = require_speaking(layout, &within.bands[1], &within).unwrap_err().to_string();
        assert!(message.contains("from 2022-01-25 to 2024-02-28"), "{message}");
    }
}
