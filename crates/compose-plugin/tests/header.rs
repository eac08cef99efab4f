//! The header compiles as C and as C++, and the mirror has its sizes, offsets and numbers.

#![cfg(not(miri))]

use compose_plugin::abi;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

const HEADER: &str = include_str!("../include/compose_plugin.h");

/// A struct of the mirror, under its name in the header.
struct Layout {
    name: &'static str,
    size: usize,
    fields: Vec<Field>,
}

/// A field of the mirror, under its name in the header.
struct Field {
    name: &'static str,
    offset: usize,
    size: usize,
}

fn size_of_field<S, F>(_: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

/// Layouts of structs; `field = "name"` where the header calls it differently.
macro_rules! layouts {
    ($($name:literal $struct:ty { $($field:ident $(= $called:literal)?),* $(,)? })*) => {
        vec![$(Layout {
            name: $name,
            size: size_of::<$struct>(),
            fields: vec![$(Field {
                name: [$($called,)? stringify!($field)][0],
                offset: offset_of!($struct, $field),
                size: size_of_field(|of: &$struct| &of.$field),
            }),*],
        }),*]
    };
}

/// Structs up to the pixels.
fn facts() -> Vec<Layout> {
    layouts! {
        "compose_host" abi::Host {
            abi_major, abi_minor, name, version, context, set_error, log, cancelled, get_extension
        }
        "compose_value" abi::Value { is_set, count, integer, number, text, items }
        "compose_setting" abi::Setting {
            key, doc, kind = "type", element, default_value, required, choice_count, choices, min, max
        }
        "compose_descriptor" abi::Descriptor { id, version, summary, page, settings, setting_count, reserved }
        "compose_grid" abi::Grid { width, height, geotransform, metres_per_unit, crs_name, crs_wkt }
        "compose_class" abi::Class { name, value, reserved }
        "compose_field" abi::Field { name, first_bit, bits, classes, class_count, is_ladder }
        "compose_band" abi::Band {
            name, aliases, alias_count, role, sample_type, layout, fields, field_count, has_scale, scale, offset,
            grid
        }
        "compose_scene" abi::Scene {
            id, sensor, has_day, day, grid, bands, band_count, wanted_count, quality_band, reserved
        }
        "compose_window" abi::Window { col, row, width, height }
        "compose_stack" abi::Stack {
            scenes, scene_count, target, has_target_day, target_day, band_count, joint, reference,
            reserved, grid
        }
    }
}

/// Plans, pixels and tables.
fn work() -> Vec<Layout> {
    layouts! {
        "compose_plane" abi::Plane { data, valid, stride, valid_stride, kind = "type", band }
        "compose_output" abi::Output { data, stride, kind = "type", reserved }
        "compose_scene_plan" abi::ScenePlan {
            bands, band_capacity, band_count, halo, threads, deterministic, reserved
        }
        "compose_fill_plan" abi::FillPlan {
            donors, donor_capacity, donor_count, temporal, halo, wants_target, threads, deterministic, reserved
        }
        "compose_scene_input" abi::SceneInput { scene, grid, window, halo, plane_count, planes }
        "compose_mask_rule" abi::SceneKind { about, create, destroy, plan, run = "mark", get_extension }
        "compose_score" abi::SceneKind { about, create, destroy, plan, run = "rate", get_extension }
        "compose_donor" abi::Donor { scene, planes, scene_index, exact }
        "compose_fill_input" abi::FillInput {
            stack, window, halo, donor_count, donors, target, gaps, gap_count, reserved
        }
        "compose_fill_output" abi::FillOutput { values, sources }
        "compose_fill" abi::FillKind { about, create, destroy, plan, run = "fill", get_extension }
        "compose_mask_factory" abi::Factory<abi::SceneKind> { count, get }
        "compose_score_factory" abi::Factory<abi::SceneKind> { count, get }
        "compose_fill_factory" abi::Factory<abi::FillKind> { count, get }
        "compose_entry" abi::Entry { abi_major, abi_minor, get_factory }
    }
}

fn all_layouts() -> Vec<Layout> {
    facts().into_iter().chain(work()).collect()
}

/// Numbers of the mirror, under their names in the header.
const NUMBERS: &[(&str, i64)] = &[
    ("COMPOSE_ABI_MAJOR", abi::ABI_MAJOR as i64),
    ("COMPOSE_ABI_MINOR", abi::ABI_MINOR as i64),
    ("COMPOSE_OK", abi::OK as i64),
    ("COMPOSE_ERROR", abi::ERROR as i64),
    ("COMPOSE_CANCELLED", abi::CANCELLED as i64),
    ("COMPOSE_LOG_INFO", abi::LOG_INFO as i64),
    ("COMPOSE_LOG_WARNING", abi::LOG_WARNING as i64),
    ("COMPOSE_INT", abi::TYPE_INT as i64),
    ("COMPOSE_FLOAT", abi::TYPE_FLOAT as i64),
    ("COMPOSE_BOOL", abi::TYPE_BOOL as i64),
    ("COMPOSE_STRING", abi::TYPE_STRING as i64),
    ("COMPOSE_CHOICE", abi::TYPE_CHOICE as i64),
    ("COMPOSE_BAND", abi::TYPE_BAND as i64),
    ("COMPOSE_LIST", abi::TYPE_LIST as i64),
    ("COMPOSE_DATA", abi::ROLE_DATA as i64),
    ("COMPOSE_QUALITY", abi::ROLE_QUALITY as i64),
    ("COMPOSE_U8", abi::PLANE_U8 as i64),
    ("COMPOSE_F32", abi::PLANE_F32 as i64),
    ("COMPOSE_U32", abi::PLANE_U32 as i64),
    ("COMPOSE_THREADS_ONE", abi::THREADS_ONE as i64),
    ("COMPOSE_THREADS_PER_INSTANCE", abi::THREADS_PER_INSTANCE as i64),
    ("COMPOSE_THREADS_ANY", abi::THREADS_ANY as i64),
    ("COMPOSE_MAX_HALO", abi::MAX_HALO as i64),
    ("COMPOSE_ONE_BY_ONE", abi::ONE_BY_ONE as i64),
    ("COMPOSE_WHOLE_STACK", abi::WHOLE_STACK as i64),
    ("COMPOSE_GAP", abi::GAP as i64),
    ("COMPOSE_COMPUTED", abi::COMPUTED as i64),
];

/// The header without its comments.
fn code() -> String {
    let mut pieces = HEADER.split("/*");
    let first = pieces.next().unwrap_or_default().to_string();
    pieces.fold(first, |code, piece| code + " " + piece.split_once("*/").expect("a comment ends").1)
}

/// Structs of the header with the names of their fields.
fn structs_of_header() -> Vec<(String, Vec<String>)> {
    let code = code();
    let bodies = code.match_indices("struct ").filter_map(|(at, word)| {
        let (name, body) = code[at + word.len()..].split_once('{')?;
        let name = name.trim();
        let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_name.then(|| (name.to_string(), body.split_once('}').expect("a struct ends").0.to_string()))
    });
    bodies.map(|(name, body)| (name, body.split(';').filter_map(field_name).collect())).collect()
}

/// The name that a declaration gives: in `(*name)(…)` before the arguments, else the last word.
fn field_name(declaration: &str) -> Option<String> {
    let declarator = match declaration.split_once("(*") {
        Some((_, rest)) => rest.split(')').next()?,
        None => declaration.split('[').next()?,
    };
    let name =
        declarator.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').rfind(|word| !word.is_empty())?;
    Some(name.into())
}

/// Names of the header's constants: `#define NAME …` and `NAME = …` of enums.
fn constants_of_header() -> BTreeSet<String> {
    let code = code();
    let defines = code.lines().filter_map(|line| line.strip_prefix("#define ")).filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        value.starts_with(|c: char| c.is_ascii_digit()).then_some(name)
    });
    let members = code.split("enum").skip(1).filter_map(|rest| rest.split(['}', ';']).next());
    let members = members.flat_map(|body| body.split(['{', ','])).filter_map(|member| member.split_once('='));
    defines.chain(members.map(|(name, _)| name.trim())).map(String::from).collect()
}

/// Asserts of everything in the mirror, for C11 and C++17.
fn asserts() -> String {
    let mut text = String::from("#include \"compose_plugin.h\"\n#ifndef __cplusplus\n");
    text += "#define static_assert _Static_assert\n#endif\n";
    let mut assert = |fact: String| writeln!(text, "static_assert({fact}, \"{fact}\");").unwrap();
    for Layout { name, size, fields } in all_layouts() {
        assert(format!("sizeof({name}) == {size}"));
        for Field { name: field, offset, size } in fields {
            assert(format!("offsetof({name}, {field}) == {offset}"));
            assert(format!("sizeof((({name} *)0)->{field}) == {size}"));
        }
    }
    for (name, number) in NUMBERS {
        assert(format!("{name} == {number}"));
    }
    assert(format!("sizeof(compose_status) == {}", size_of::<abi::Status>()));
    assert("(compose_status)-1 < 0".into());
    text
}

fn compiles(variable: &str, otherwise: &str, standard: &str, language: &str) {
    let compiler = std::env::var(variable).unwrap_or(otherwise.into());
    // `CC` may hold a wrapper before the compiler, or options after it.
    let mut words = compiler.split_whitespace();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layout-{standard}.{language}"));
    std::fs::write(&file, asserts()).unwrap();
    let output = Command::new(words.next().expect("a compiler"))
        .args(words)
        .args([&format!("-std={standard}"), "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"])
        .args(["-I", concat!(env!("CARGO_MANIFEST_DIR"), "/include")])
        .arg(file)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}; `make system` installs it"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn as_c11_the_header_has_the_layout_of_the_mirror() {
    compiles("CC", "cc", "c11", "c");
}

#[test]
fn as_cpp17_the_header_has_the_layout_of_the_mirror() {
    compiles("CXX", "c++", "c++17", "cpp");
}

#[test]
fn every_field_of_the_header_is_in_the_mirror_in_the_same_order() {
    let mut header = structs_of_header();
    let mut mirror: Vec<(String, Vec<String>)> = all_layouts()
        .into_iter()
        .map(|layout| (layout.name.into(), layout.fields.iter().map(|field| field.name.into()).collect()))
        .collect();
    header.sort();
    mirror.sort();
    for (header, mirror) in header.iter().zip(&mirror) {
        assert_eq!(header, mirror);
    }
    assert_eq!(header.len(), mirror.len());
}

#[cfg(target_pointer_width = "64")]
#[test]
fn fields_fill_structs_of_the_mirror_without_a_hole() {
    for Layout { name, size, fields } in all_layouts() {
        let mut end = 0;
        for field in &fields {
            assert_eq!(
                field.offset, end,
                "{name} has a hole, or a field that is not listed, before {}",
                field.name
            );
            end += field.size;
        }
        assert_eq!(end, size, "{name} has a hole, or a field that is not listed, at its end");
    }
}

#[test]
fn every_constant_of_the_header_is_in_the_mirror() {
    let mirror: BTreeSet<String> = NUMBERS.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(constants_of_header(), mirror);
}

#[test]
fn texts_of_the_header_are_those_of_the_mirror() {
    let texts = [
        ("COMPOSE_MASK_RULES", abi::MASK_RULES),
        ("COMPOSE_SCORES", abi::SCORES),
        ("COMPOSE_FILLS", abi::FILLS),
    ];
    for (name, text) in texts {
        let line = format!("#define {name} {:?}\n", text.to_str().unwrap());
        assert!(HEADER.contains(&line), "{line}");
    }
    let entry = format!("extern COMPOSE_EXPORT const compose_entry {};", abi::ENTRY.to_str().unwrap());
    assert!(HEADER.contains(&entry), "{entry}");
    let defined = code().lines().filter(|line| line.starts_with("#define") && line.contains('"')).count();
    // The one more is COMPOSE_EXPORT.
    assert_eq!(defined, texts.len() + 1, "a text of the header is not looked at");
}

#[test]
fn the_keys_that_no_setting_may_have_are_those_of_the_mirror() {
    let words = "rules files have themselves: ";
    let list = HEADER.split(words).nth(1).expect(words).split('.').next().unwrap();
    assert_eq!(list, abi::RESERVED_KEYS.join(", "));
}
