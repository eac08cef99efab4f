//! The mask rule of the recipe in CONTRIBUTING.md: it is compiled here, and its page is run.

#[path = "../recipe/above.rs"]
mod above;

use crate::{fixture, parse_rule};
use compose_core::page::{cases, fences, summary};
use compose_core::{BoundMask, DataType, MaskInput, Plane, SceneFacts, SettingsTable, Window};
use ndarray::Array2;
use std::sync::Arc;
use toml::de::DeTable;

fn scene() -> SceneFacts {
    let mut scene = fixture::scene("landsat-c2-l89", DataType::UInt16);
    scene.bands[0].name = "B2".into();
    scene
}

fn bound(toml: &str) -> Result<Arc<dyn BoundMask>, String> {
    let table = SettingsTable::new(0..toml.len(), DeTable::parse(toml).unwrap().into_inner());
    let rule = parse_rule(table, "mask", &[&above::KIND]).map_err(|problems| problems[0].message.clone())?;
    Ok(rule.bind(&scene()).unwrap().alone())
}

/// What a rule marks of one row of numbers, as a page shows it; the refusal of one that is none.
fn marked(toml: &str, row: &str) -> String {
    let rule = match bound(toml) {
        Ok(rule) => rule,
        Err(message) => return message.replacen("mask: ", "", 1),
    };
    let cells: Vec<Option<f32>> = row.split_whitespace().map(|cell| cell.parse().ok()).collect();
    let shape = (1, cells.len());
    let values = Array2::from_shape_fn(shape, |(_, col)| cells[col].unwrap_or(9999.0));
    let valid = Array2::from_shape_fn(shape, |(_, col)| u8::from(cells[col].is_some()));
    let (scene, neutral, mut marks) = (scene(), Array2::zeros(shape), Array2::zeros(shape));
    let input = MaskInput {
        scene: &scene,
        grid: &scene.grid,
        window: Window::whole(shape.1, 1),
        planes: &[Plane::Data { values: values.view(), valid: valid.view() }],
        neutral: neutral.view(),
        stack: None,
    };
    rule.mark(&input, marks.view_mut()).unwrap();
    marks.iter().map(|mark| if *mark == 0 { "-" } else { "#" }).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_rule_of_the_recipe_does_what_its_page_says() {
    let page = above::KIND.page;
    assert!(summary(page).ends_with('.') && fences(page).len() > 3);
    let cases = cases(page);
    assert_eq!(cases.len(), 2);
    for case in cases {
        let [band, expected] = &case.rest[..] else { panic!("{case:?}") };
        assert_eq!(marked(case.toml.body, band.body), expected.body.trim(), "{}", expected.info);
    }
}
