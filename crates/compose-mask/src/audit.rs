//! Compares a list of quality codes with the layout of their bits.
//!
//! The purpose of a list is guessed: it targets a reason (cloud, shadow, …) if at least one listed code has this
//! reason alone. Two things are then remarked: listed codes that have none of the targeted reasons, and codes known to
//! occur that have one and are not listed.

use compose_core::Layout;
use compose_core::quality::Field;

/// Flags and classes that make a pixel unusable. `water` and `clear` do not, nor does terrain occlusion.
const REASONS: &[&str] = &[
    "fill",
    "nodata",
    "no-data",
    "null",
    "dropped-frame",
    "dropped-pixel",
    "saturated",
    "cloud",
    "cloud-medium",
    "cloud-high",
    "dilated-cloud",
    "adjacent-to-cloud",
    "cloud-shadow",
    "snow",
    "cirrus",
];

/// Codes that printed lists put under a flag which they do not carry: earthpy 0.9
/// `pixel_flags["pixel_qa"]["L8"]`, whose lists are otherwise consistent with the bits.
const MISPRINTED: &[(&str, u32, &str)] =
    &[("landsat-c1-sr-l8", 1350, "cloud-shadow"), ("landsat-c1-sr-l8", 1352, "snow")];

/// The most codes that a remark lists; of more it gives the number.
const SPELLED: usize = 4;

/// Remarks on a list of codes; none if the list targets no reason of the layout.
pub(crate) fn notes(layout: &Layout, listed: &[u32]) -> Vec<String> {
    let targeted = targeted_reasons(layout, listed);
    if targeted.is_empty() {
        return Vec::new();
    }
    let is_targeted = |code: u32| reasons(layout, code).iter().any(|r| targeted.contains(r));
    let mut parts: Vec<String> = listed
        .iter()
        .filter(|code| !is_targeted(**code))
        .map(|code| {
            format!(
                "{code} decodes to {}, not {}",
                layout.decode(*code),
                intended_meaning(layout, *code, &targeted)
            )
        })
        .collect();
    let known = layout.known_codes.iter().copied();
    let missing: Vec<u32> = known.filter(|c| is_targeted(*c) && !listed.contains(c)).collect();
    parts.extend(unlisted(layout, &missing, &targeted));
    let joined = (!parts.is_empty()).then(|| parts.join("; "));
    joined.into_iter().chain(occluded(layout, listed, is_targeted)).collect()
}

/// The reasons that the list targets: those that some listed code has alone.
fn targeted_reasons(layout: &Layout, listed: &[u32]) -> Vec<&'static str> {
    let mut targeted = Vec::new();
    let misprinted = |code| MISPRINTED.iter().any(|(l, c, _)| *l == layout.name && *c == code);
    for code in listed.iter().filter(|c| !misprinted(**c)) {
        match reasons(layout, *code)[..] {
            [only] if !targeted.contains(&only) => targeted.push(only),
            _ => {}
        }
    }
    targeted
}

/// The meaning that the list seems to give the code.
fn intended_meaning(layout: &Layout, code: u32, targeted: &[&'static str]) -> String {
    let misprint =
        MISPRINTED.iter().find(|(l, c, flag)| *l == layout.name && *c == code && targeted.contains(flag));
    match misprint {
        Some((_, _, flag)) => (*flag).to_owned(),
        None => targeted.join(" or "),
    }
}

fn unlisted(layout: &Layout, missing: &[u32], targeted: &[&'static str]) -> Vec<String> {
    if missing.len() <= SPELLED {
        let say = |code: &u32| format!("{code} ({}) is not listed", layout.decode(*code));
        return missing.iter().map(say).collect();
    }
    vec![format!("{} codes with {} are not listed: {}", missing.len(), targeted.join(" or "), shown(missing))]
}

/// Terrain occlusion can join any other flag, and then makes a number of its own that no printed list holds.
fn occluded(layout: &Layout, listed: &[u32], is_targeted: impl Fn(u32) -> bool) -> Option<String> {
    let field = layout.field("terrain-occlusion").filter(|f| f.is_flag())?;
    let siblings: Vec<u32> = listed
        .iter()
        .filter(|code| is_targeted(**code) && !layout.is_fill(**code))
        .map(|code| code | 1 << field.offset)
        .filter(|sibling| !listed.contains(sibling) && !layout.known_codes.contains(sibling))
        .collect();
    (!siblings.is_empty()).then(|| {
        format!(
            "{} of the listed codes also occur with the terrain-occlusion bit set, and those codes are not listed: {}; \
             kind = \"bits\" takes them too",
            siblings.len(),
            shown(&siblings)
        )
    })
}

fn shown(codes: &[u32]) -> String {
    let shown: Vec<String> = codes.iter().take(SPELLED).map(u32::to_string).collect();
    let more = if codes.len() > SPELLED { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// The reasons why a code is unusable: each of [`REASONS`] at most once.
fn reasons(layout: &Layout, code: u32) -> Vec<&'static str> {
    let mut found: Vec<&str> = layout.fields.iter().filter_map(|f| reason(layout, f, code)).collect();
    found.dedup();
    found
}

fn reason(layout: &Layout, field: &Field, code: u32) -> Option<&'static str> {
    let value = field.value(code);
    let known = |name: &str| REASONS.iter().copied().find(|r| *r == name);
    if field.is_flag() {
        return known(field.name).filter(|_| value == 1);
    }
    let class = field.classes.iter().find(|c| c.value == value)?;
    if layout.class_field().is_some() {
        return known(class.name);
    }
    if field.name == "cloud-state" {
        return known("cloud").filter(|_| !matches!(class.name, "clear" | "not-set"));
    }
    // A confidence speaks where the layout has no flag for the same thing, and only at its top.
    let stem = field.name.strip_suffix("-confidence").unwrap_or(field.name).replace("snow-ice", "snow");
    let top = field.classes.last().is_some_and(|c| c.value == value);
    known(&stem).filter(|_| field.ladder && top && layout.field(&stem).is_none_or(|f| !f.is_flag()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::quality::find;

    const SHADOW: [u32; 5] = [328, 392, 840, 904, 1350];
    const CLOUD: [u32; 10] = [352, 368, 416, 432, 480, 864, 880, 928, 944, 992];
    const SNOW: [u32; 9] = [336, 368, 400, 432, 848, 880, 912, 944, 1352];
    const ISSUE: &str = "1350 decodes to clear + water + terrain-occlusion, not cloud-shadow; 1352 (cloud-shadow + terrain-occlusion) is not listed";

    fn l8(listed: &[u32]) -> Vec<String> {
        notes(find("landsat-c1-sr-l8").unwrap(), listed)
    }

    #[test]
    fn the_printed_shadow_list_is_corrected() {
        let found = l8(&SHADOW);
        assert_eq!(found[0], ISSUE);
        assert!(
            found[1].starts_with("3 of the listed codes also occur with the terrain-occlusion bit set"),
            "{}",
            found[1]
        );
        assert!(found[1].contains("1416, 1864, 1928; kind = \"bits\""), "{}", found[1]);
    }

    #[test]
    fn the_lessons_joint_list_of_shadow_and_cloud_gives_the_same_remark() {
        let joint: Vec<u32> = SHADOW.into_iter().chain(CLOUD).collect();
        assert_eq!(l8(&joint)[0], ISSUE);
    }

    #[test]
    fn the_printed_snow_list_is_corrected() {
        assert_eq!(l8(&SNOW)[0], "1352 decodes to cloud-shadow + terrain-occlusion, not snow");
    }

    #[test]
    fn a_list_that_agrees_with_the_bits_is_only_told_of_occlusion() {
        let found = l8(&CLOUD);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("10 of the listed codes") && found[0].contains("1376, 1392, "),
            "{found:?}"
        );
    }

    #[test]
    fn a_list_after_nothing_unusable_is_left_alone() {
        assert_eq!((l8(&[324, 388]), l8(&[322])), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_clear_code_among_clouds_is_named_with_what_the_list_is_after() {
        assert!(l8(&[322, 352, 480])[0].starts_with("322 decodes to clear, not cloud; 8 codes with cloud"));
    }

    #[test]
    fn collection_2_lists_are_told_of_combined_codes() {
        let found = notes(find("landsat-c2-l89").unwrap(), &[22280]);
        let expected = "24088 (cloud + cloud-shadow + cloud-confidence medium + cloud-shadow-confidence high) is not listed; 24344 ";
        assert!(found[0].starts_with(expected), "{found:?}");
    }

    #[test]
    fn reasons_come_from_flags_from_the_top_of_a_ladder_and_from_classes() {
        let of = |layout: &str, code| reasons(find(layout).unwrap(), code);
        assert_eq!(of("landsat-c2-l89", 24344), ["cloud", "cloud-shadow"]);
        assert_eq!(of("landsat-c2-l89", 22080), Vec::<&str>::new());
        assert_eq!(of("landsat-c1-l1-oli", 2976), ["cloud-shadow"]);
        assert_eq!(of("landsat-c1-l1-oli", 3744), ["snow"]);
        assert_eq!(of("landsat-pre-collection", 53248), ["cloud"]);
        assert_eq!(of("sentinel-2-scl", 3), ["cloud-shadow"]);
        assert_eq!(of("modis-state-1km", 1 | 8), ["cloud"]);
        assert_eq!(of("modis-state-1km", 3 | 8), Vec::<&str>::new());
    }
}
