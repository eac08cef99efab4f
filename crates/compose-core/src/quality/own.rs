//! Layouts that users and catalogues describe, beside those of the table.

use super::layout::{Class, Field, Fill, Layout, RESERVED};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// Names of a class that mean fill: pixels outside the acquisition.
const FILL: [&str; 13] = [
    "fill",
    "no-data",
    "nodata",
    "null",
    "fill-value",
    "no-data-value",
    "nodata-value",
    "missing",
    "missing-data",
    "not-processed",
    "no-observation",
    "not-observed",
    "outside",
];

/// Whether a class of this name means fill. Catalogues mark further classes as such: `nodata-255`.
pub fn means_fill(name: &str) -> bool {
    let marked = name.strip_prefix("nodata-").is_some_and(|value| value.parse::<u32>().is_ok());
    marked || FILL.contains(&name)
}

/// A field of a layout that is described at run time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnField {
    /// Name used in rules files; [`word`] makes one of any text.
    pub name: String,
    /// Lowest bit.
    pub offset: u32,
    /// Number of bits, 1 to 32; 32 where the whole code is one class number.
    pub width: u32,
    /// Names of its values, each value once; none for a plain flag.
    pub classes: Vec<(u32, String)>,
}

/// A name for rules files: lower case, with `-` between its words.
///
/// ```
/// assert_eq!(compose_core::quality::word("Cloud_Shadow "), "cloud-shadow");
/// ```
pub fn word(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// A layout whose codes are class numbers: `(1, "cloud")`. Classes with a name of `FILL`, such as `fill` or `nodata`, mark fill.
///
/// # Errors
/// No class, a number or a name that is there twice, a name without a letter or digit: what follows "layout".
pub fn of_classes(name: &str, source: &str, classes: &[(u32, String)]) -> Result<&'static Layout, String> {
    let named: Vec<(u32, String)> = classes.iter().map(|(value, name)| (*value, word(name))).collect();
    if named.is_empty() {
        return Err("has no class; expected for example { 1 = \"cloud\" }".into());
    }
    if let Some((value, _)) = named.iter().find(|(_, name)| name.is_empty()) {
        return Err(format!("gives {value} no name"));
    }
    let fill = fill_of(&named, 0, 32);
    let field = OwnField { name: "class".into(), offset: 0, width: 32, classes: named };
    layout(name, source, vec![field], fill)
}

/// The name of a class that a catalogue marks as "no data".
pub fn nodata_class(value: u32) -> String {
    format!("nodata-{value}")
}

/// Whether a class of this name says that something is not so.
pub fn is_negation(name: &str) -> bool {
    ["no", "not", "non"].iter().any(|word| name.strip_prefix(word).is_some_and(|rest| rest.starts_with('-')))
        && !means_fill(name)
}

/// A layout of bits. The flag with such a name marks fill, or else classes with one of the first field that has such.
///
/// # Errors
/// Fields that overlap or reach beyond 32 bits, or a name that is there twice: what follows "layout".
pub fn of_fields(name: &str, source: &str, mut fields: Vec<OwnField>) -> Result<&'static Layout, String> {
    fields.sort_by_key(|field| field.offset);
    let marks_fill =
        |field: &&OwnField| field.width == 1 && field.classes.is_empty() && means_fill(&field.name);
    let by_class = || {
        let fills = fields.iter().map(|field| fill_of(&field.classes, field.offset, field.width));
        fills.into_iter().find(|fill| *fill != Fill::Unknown).unwrap_or(Fill::Unknown)
    };
    let fill = fields.iter().find(marks_fill).map_or_else(by_class, |field| Fill::Bit(field.offset));
    layout(name, source, fields, fill)
}

/// A layout with what `other` knows of the same band besides: further names of its classes, bits that it does not describe, and what
/// means fill.
pub fn with_names_of(layout: &'static Layout, other: &'static Layout) -> &'static Layout {
    let (name, source) = (layout.name.to_owned(), layout.source.to_owned());
    match (layout.class_field(), other.class_field()) {
        (Some(own), Some(others)) => {
            let mut classes = owned(own);
            for (value, name) in owned(others) {
                let known = own.classes.iter().any(|mine| mine.value == value);
                if known && !classes.iter().any(|(_, mine)| *mine == name) {
                    classes.push((value, name));
                }
            }
            let fields = vec![OwnField { name: own.name.to_owned(), offset: 0, width: 32, classes }];
            let mut values = fill_codes(layout.fill);
            values.extend(fill_codes(other.fill));
            kept(Described { name, source, fields, fill: fill_by(values, 0, 32) })
        }
        (None, None) if other.knows(layout) => other,
        (None, None) => {
            let described = |of: &Field| OwnField {
                name: of.name.to_owned(),
                offset: of.offset,
                width: of.width,
                classes: owned(of),
            };
            let overlaps =
                |a: &Field, b: &Field| a.offset < b.offset + b.width && b.offset < a.offset + a.width;
            let is_new =
                |of: &&Field| layout.fields.iter().all(|mine| !overlaps(mine, of) && mine.name != of.name);
            let mut fields: Vec<OwnField> = layout.fields.iter().map(described).collect();
            fields.extend(other.fields.iter().filter(is_new).map(described));
            fields.sort_by_key(|field| field.offset);
            let fill = if layout.fill == Fill::Unknown { other.fill } else { layout.fill };
            kept(Described { name, source, fields, fill })
        }
        _ => layout,
    }
}

fn owned(field: &Field) -> Vec<(u32, String)> {
    field.classes.iter().map(|class| (class.value, class.name.to_owned())).collect()
}

/// The whole codes that mean fill.
fn fill_codes(fill: Fill) -> Vec<u32> {
    match fill {
        Fill::Code(code) => vec![code],
        Fill::Values { offset: 0, mask: u32::MAX, values } => values.to_vec(),
        _ => Vec::new(),
    }
}

/// The fill that classes of a field tell.
fn fill_of(classes: &[(u32, String)], offset: u32, width: u32) -> Fill {
    let named = classes.iter().filter(|(_, name)| means_fill(name));
    fill_by(named.map(|(value, _)| *value).collect(), offset, width)
}

/// The fill that these values of a field mean.
fn fill_by(mut values: Vec<u32>, offset: u32, width: u32) -> Fill {
    values.sort_unstable();
    values.dedup();
    match &values[..] {
        [] => Fill::Unknown,
        [only] if width == 32 => Fill::Code(*only),
        _ => {
            let mask = u32::MAX.checked_shr(32 - width.clamp(1, 32)).unwrap_or(u32::MAX);
            Fill::Values { offset, mask, values: kept_values(values) }
        }
    }
}

fn layout(name: &str, source: &str, fields: Vec<OwnField>, fill: Fill) -> Result<&'static Layout, String> {
    let mut next = 0;
    let mut names = HashSet::new();
    for field in &fields {
        let end = field.offset.checked_add(field.width).filter(|end| field.width > 0 && *end <= 32);
        let Some(end) = end.filter(|_| field.offset >= next) else {
            return Err(format!(
                "has a field \"{}\" that overlaps another or reaches beyond 32 bits",
                field.name
            ));
        };
        next = end;
        if !names.insert(field.name.as_str()) {
            return Err(format!("has two fields \"{}\"", field.name));
        }
        once(field)?;
    }
    Ok(kept(Described { name: name.into(), source: source.into(), fields, fill }))
}

/// Refuses a field with a value or a name twice, or a value that its bits cannot hold.
fn once(field: &OwnField) -> Result<(), String> {
    let (mut values, mut names) = (HashSet::new(), HashSet::new());
    for (value, name) in &field.classes {
        if !values.insert(*value) {
            return Err(format!("names {value} twice"));
        }
        if !names.insert(name.as_str()) {
            return Err(format!("has two classes \"{name}\""));
        }
        if u64::from(*value) >= 1 << field.width {
            return Err(format!("has a class \"{name}\" = {value} that {} bits cannot hold", field.width));
        }
    }
    Ok(())
}

/// The words of levels, from nothing to certain.
const LEVELS: [&[&str]; 4] = [
    &["not-set", "not-determined", "none"],
    &["low", "no"],
    &["medium", "moderate", "maybe"],
    &["high", "yes"],
];

/// Whether the classes of a field, by value, rise from nothing to certain.
fn rises(classes: &[(u32, String)]) -> bool {
    let level = |name: &str| LEVELS.iter().position(|words| words.contains(&name));
    let named: Vec<_> = classes.iter().filter(|(_, name)| name != RESERVED).collect();
    let levels: Option<Vec<usize>> = named.iter().map(|(_, name)| level(name)).collect();
    levels.is_some_and(|levels| levels.len() > 2 && levels.is_sorted_by(|a, b| a < b))
}

fn field(of: &OwnField) -> Field {
    let mut classes = of.classes.clone();
    // Of two names of a value the first counts where it is told.
    classes.sort_by_key(|(value, _)| *value);
    let ladder = rises(&classes);
    let class = |(value, name): &(u32, String)| Class { value: *value, name: leaked(name) };
    Field {
        name: leaked(&of.name),
        offset: of.offset,
        width: of.width,
        classes: classes.iter().map(class).collect::<Vec<_>>().leak(),
        ladder,
        // As in the table: every class of a whole code, and levels that are more than "low".
        told_from: if of.width == 32 { 0 } else { 1 + u32::from(ladder) },
    }
}

fn leaked(text: &str) -> &'static str {
    String::leak(text.into())
}

/// What a layout is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Described {
    name: String,
    source: String,
    fields: Vec<OwnField>,
    fill: Fill,
}

/// Every layout that was ever described. Facts refer to layouts for as long as the program runs, so each is made once,
/// whatever the number of runs and scenes that describe it.
static KEPT: Mutex<BTreeMap<Described, &'static Layout>> = Mutex::new(BTreeMap::new());

/// Every list of values that mean fill in a layout that was ever described, each once.
static KEPT_VALUES: Mutex<BTreeMap<Vec<u32>, &'static [u32]>> = Mutex::new(BTreeMap::new());

fn kept_values(values: Vec<u32>) -> &'static [u32] {
    let mut all = KEPT_VALUES.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(values.clone()).or_insert_with(|| values.leak())
}

fn kept(described: Described) -> &'static Layout {
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = all.get(&described) {
        return known;
    }
    let made: &'static Layout = Box::leak(Box::new(Layout {
        name: leaked(&described.name),
        source: leaked(&described.source),
        fields: described.fields.iter().map(field).collect::<Vec<_>>().leak(),
        fill: described.fill,
        known_codes: &[],
        silent: None,
        caveats: &[],
        percent_of: None,
    }));
    all.insert(described, made);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(of: &[(u32, &str)]) -> Result<&'static Layout, String> {
        let of: Vec<_> = of.iter().map(|(value, name)| (*value, (*name).to_owned())).collect();
        of_classes("own", "the test", &of)
    }

    fn bits(name: &str, offset: u32, width: u32, classes: &[(u32, &str)]) -> OwnField {
        let classes = classes.iter().map(|(value, name)| (*value, (*name).to_owned())).collect();
        OwnField { name: name.into(), offset, width, classes }
    }

    #[test]
    fn classes_are_asked_for_by_name_and_one_may_mean_fill() {
        let layout = classes(&[(2, "Cloud_Shadow"), (1, "cloud"), (255, "no data")]).unwrap();
        assert_eq!(layout.flags(), ["cloud", "cloud-shadow", "no-data"]);
        assert!(layout.flag("cloud-shadow").unwrap().takes(2) && layout.is_fill(255) && !layout.is_fill(0));
        assert_eq!([1, 0].map(|code| layout.decode(code)), ["cloud", "0 (unknown)"]);
        let two = classes(&[(1, "cloud"), (7, "nodata"), (255, "fill")]).unwrap();
        assert_eq!([1, 7, 255, 0].map(|code| two.is_fill(code)), [false, true, true, false]);
    }

    #[test]
    fn a_field_may_have_values_that_mean_fill() {
        let layout = of_fields(
            "own",
            "the test",
            vec![bits("state", 4, 3, &[(1, "cloud"), (6, "no-data"), (7, "fill")])],
        );
        let layout = layout.unwrap();
        assert_eq!(
            [1 << 4, 6 << 4, 7 << 4 | 3, 0].map(|code| layout.is_fill(code)),
            [false, true, true, false]
        );
    }

    #[test]
    fn bits_have_flags_and_levels_as_in_the_table() {
        let confidence = [(0, "not-set"), (1, "low"), (2, "medium"), (3, "high")];
        let fields = vec![
            bits("cloud-confidence", 8, 2, &confidence),
            bits("fill", 0, 1, &[]),
            bits("cloud", 3, 1, &[]),
        ];
        let layout = of_fields("own", "the test", fields).unwrap();
        assert_eq!(layout.decode(8 | 3 << 8), "cloud + cloud-confidence high");
        assert!(layout.is_fill(1) && layout.field("cloud-confidence").unwrap().ladder);
    }

    #[test]
    fn what_a_product_knows_of_a_band_counts_beside_what_is_described() {
        let scl = super::super::find("sentinel-2-scl").unwrap();
        let of_item = classes(&[(4, "veg"), (9, "cloud"), (255, "nodata")]).unwrap();
        let both = with_names_of(of_item, scl);
        assert_eq!([0, 255, 4, 9].map(|code| both.is_fill(code)), [true, true, false, false]);
        assert!(both.flag("cloud").unwrap().takes(9) && both.flag("cloud-high").unwrap().takes(9));
        let pixel = super::super::find("landsat-c2-l89").unwrap();
        let of_item =
            of_fields("own", "the test", vec![bits("designated-fill", 0, 1, &[]), bits("clouds", 3, 1, &[])])
                .unwrap();
        let both = with_names_of(of_item, pixel);
        assert!(
            both.is_fill(1)
                && both.flag("clouds").unwrap().takes(8)
                && both.flag("dilated-cloud").unwrap().takes(2)
        );
        assert!(both.field("cloud-confidence").is_some_and(|field| field.ladder));
    }

    #[test]
    fn the_same_description_is_one_layout() {
        let made = || classes(&[(1, "cloud")]).unwrap();
        assert!(std::ptr::eq(made(), made()));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let wrong = |of: &[(u32, &str)]| classes(of).unwrap_err();
        assert_eq!(wrong(&[(1, "cloud"), (1, "shadow")]), "names 1 twice");
        assert_eq!(wrong(&[(1, "cloud"), (2, "Cloud")]), "has two classes \"cloud\"");
        assert_eq!(wrong(&[(1, "-")]), "gives 1 no name");
        assert!(wrong(&[]).starts_with("has no class"));
        let fields = |of: &[(u32, u32)]| {
            let of = of
                .iter()
                .enumerate()
                .map(|(i, (offset, width))| bits(&format!("f{i}"), *offset, *width, &[]));
            of_fields("own", "the test", of.collect()).unwrap_err()
        };
        for overlap in [&[(0, 2), (1, 1)][..], &[(31, 2)], &[(0, 0)], &[(u32::MAX, 2)]] {
            assert!(fields(overlap).contains("overlaps another or reaches beyond 32 bits"), "{overlap:?}");
        }
        let large = of_fields("own", "the test", vec![bits("c", 0, 2, &[(4, "x")])]).unwrap_err();
        assert_eq!(large, "has a class \"x\" = 4 that 2 bits cannot hold");
    }
}
