//! Pages that are made from the code: `docs/rules/` from the pages of the kinds, the tables of
//! `docs/names.md` from presets and layouts.

use super::{REPAIR, below, text};
use crate::support::root;
use compose_core::page::summary;
use compose_core::quality::{Caveat, Field, Fill, LAYOUTS, Layout, RESERVED};
use compose_io::preset::{BandSpec, PRESETS, Part, Preset, Radiometry};

/// Holds a file to the text that it must have, or writes it where COMPOSE_BLESS is set.
fn hold(path: &str, wanted: &str) {
    let at = root().join(path);
    if std::env::var_os("COMPOSE_BLESS").is_some() {
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        return std::fs::write(at, wanted).unwrap();
    }
    let found = std::fs::read_to_string(at).unwrap_or_default();
    let line = found.lines().zip(wanted.lines()).take_while(|(a, b)| a == b).count();
    let (a, b) = (found.lines().nth(line).unwrap_or_default(), wanted.lines().nth(line).unwrap_or_default());
    let place = format!("{path}:{}", line + 1);
    assert!(found == wanted, "{place} is stale.\nfound:  {a}\nwanted: {b}\nRepair it with:\n    {REPAIR}");
}

/// Kinds with what asks for them, where their pages are, and the pages.
fn kinds() -> Vec<(&'static str, &'static str, String, &'static str)> {
    let registry = crate::support::registry();
    let source = |part: &str, name: &str| format!("crates/compose-{part}/src/{}.md", name.replace('-', "_"));
    let masks = registry.masks.iter().map(|k| (k.name, "kind", source("mask", k.name), k.page));
    let score = |name: &str| format!("crates/compose-fill/src/scores/{}.md", name.replace('-', "_"));
    let scores = registry.scores.iter().map(|k| (k.name, "kind", score(k.name), k.page));
    let fills = registry.fills.iter().map(|k| (k.name, "strategy", source("fill", k.name), k.page));
    masks.chain(scores).chain(fills).collect()
}

const INDEX: &str = "# Rules

Every mask rule, score and fill strategy of this version. The examples on each page are run by the tests;
`compose kinds NAME` prints the same page.

| name | asked for by | what it does |
|---|---|---|
";

#[test]
fn pages_of_rules_are_those_of_the_kinds() {
    let mut index = format!("<!-- Made from the pages of the kinds. Repair: {REPAIR} -->\n{INDEX}");
    let mut expected = vec!["docs/rules/README.md".to_owned()];
    for (name, key, source, page) in kinds() {
        assert_eq!(page, text(&source), "the page of {name} is {source}");
        let path = format!("docs/rules/{name}.md");
        let head = format!("<!-- Made from {source}: change that file. Repair: {REPAIR} -->\n");
        hold(&path, &(head + page));
        index += &format!("| [`{name}`]({name}.md) | `{key} = \"{name}\"` | {} |\n", summary(page));
        expected.push(path);
    }
    hold("docs/rules/README.md", &index);
    expected.sort();
    assert_eq!(below("docs/rules", ""), expected, "(found) (expected): remove what no kind is called");
}

#[test]
fn tables_of_names_are_those_of_the_code() {
    let page = text("docs/names.md");
    let page = between(&page, "presets", &PRESETS.iter().map(preset).collect::<String>());
    let page = between(&page, "layouts", &LAYOUTS.iter().map(layout).collect::<String>());
    hold("docs/names.md", &page);
}

/// The page with what stands between its two marks replaced.
fn between(page: &str, mark: &str, text: &str) -> String {
    let (start, end) = (format!("<!-- {mark}: made from the code -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = page.split_once(&start).unwrap_or_else(|| panic!("docs/names.md has no {start}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("docs/names.md has no {end}"));
    format!("{before}{start}{text}\n{end}{after}")
}

fn preset(preset: &Preset) -> String {
    let mut out = format!("\n### `{}`\n\n{}\n\n", preset.name, preset.doc);
    out += &format!("- example: `{}`\n- nodata: {}\n", preset.example, numbers(preset.nodata));
    out += &format!("- values: {}\n", radiometry(preset.radiometry));
    out += &format!("- main quality band: `{}`\n", preset.quality().unwrap_or("none"));
    out +=
        &format!("- patterns, the first that fits (group `date` is read as `{}`):\n\n", preset.date_format);
    out += "  ```text\n";
    out += &preset.patterns.iter().map(|p| format!("  {p}\n")).collect::<String>();
    out += "  ```\n";
    for sensor in preset.sensors {
        let platforms: Vec<String> = sensor.platforms.iter().map(|p| format!("`{p}`")).collect();
        out += &format!("\n{} ({})\n\n", sensor.name, platforms.join(", "));
        out += "| band | common name | other names | part |\n|---|---|---|---|\n";
        out += &sensor.bands.iter().map(band).collect::<String>();
    }
    out
}

fn band(band: &BandSpec) -> String {
    let others: Vec<String> = band.others.iter().map(|o| format!("`{o}`")).collect();
    let common = band.common.map_or_else(String::new, |c| format!("`{c}`"));
    format!("| `{}` | {common} | {} | {} |\n", band.name, others.join(", "), part(band))
}

fn part(band: &BandSpec) -> String {
    let mut told = match (band.part, band.layout) {
        (Part::Wanted, _) => "output".to_owned(),
        (Part::Extra, _) => "on request".to_owned(),
        (Part::Quality, layout) => format!("codes, `{}`", layout.unwrap_or("no layout")),
    };
    if let Some(metres) = band.metres {
        told += &format!(", {metres} m");
    }
    if let Some(own) = band.own {
        told += &format!("; {}; nodata {}", radiometry(own.radiometry), numbers(own.nodata));
    }
    told
}

fn numbers(numbers: &[f64]) -> String {
    if numbers.is_empty() {
        return "none".into();
    }
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}

fn radiometry(radiometry: Radiometry) -> String {
    let signed = |n: f64| if n < 0.0 { format!(" − {}", -n) } else { format!(" + {n}") };
    match radiometry {
        Radiometry::Unknown => "not known (digital numbers)".into(),
        Radiometry::Linear(scale, 0.0) => format!("number × {scale}"),
        Radiometry::Linear(scale, offset) => format!("number × {scale}{}", signed(offset)),
        Radiometry::ByBaseline { scale, from, offset } => {
            format!("number × {scale}, and{} from processing baseline N{from:04} on", signed(offset))
        }
    }
}

fn layout(layout: &Layout) -> String {
    let mut out = format!("\n### `{}`\n\nFrom {}. Fill: {}.", layout.name, layout.source, fill(layout));
    if let Some((first, last)) = layout.silent {
        out += &format!(" Empty in every scene from {first} to {last}: refused there.");
    }
    let caveat = |c: &Caveat| format!(" Note: {}.", c.text);
    out += &layout.caveats.iter().map(caveat).collect::<String>();
    out += "\n\n| name | where | values |\n|---|---|---|\n";
    match layout.class_field() {
        Some(field) => {
            let class = |c: &compose_core::quality::Class| format!("| `{}` | code {} | |\n", c.name, c.value);
            out + &field.classes.iter().map(class).collect::<String>()
        }
        None => out + &layout.fields.iter().map(field).collect::<String>(),
    }
}

fn fill(layout: &Layout) -> String {
    match (layout.fill, layout.fill_field()) {
        (Fill::Unknown, _) => "not told by this band".into(),
        (Fill::Code(code), _) => format!("the whole code {code}"),
        (Fill::Values { values, .. }, _) => format!("{values:?}"),
        (Fill::Bit(bit), field) => format!("`{}`, bit {bit}", field.map_or("fill", |f| f.name)),
    }
}

fn field(field: &Field) -> String {
    let names = field.classes.iter().map(|c| match c.name {
        RESERVED => "(reserved)".to_owned(),
        name => format!("`{name}`"),
    });
    let names = names.collect::<Vec<_>>().join(", ");
    let values = match (field.is_flag(), field.ladder) {
        (true, _) => "flag".to_owned(),
        (_, true) => format!("levels: {names}"),
        _ => format!("classes, without order: {names}"),
    };
    format!("| `{}` | {} | {values} |\n", field.name, field.bits())
}
