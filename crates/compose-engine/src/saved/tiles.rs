//! The tiles of a plan, and for each the hash of all that decides its pixels.
//!
//! Two plans whose tile has the same hash give the same tile. So a tile that an earlier plan made stays valid when a scene
//! comes that does not reach it.

use super::form::{FoundBy, SavedArea, SavedOutput, SavedPlace, SavedPlan, SavedScene, SavedTiles};
use crate::fitted::{Fitted, TileIdentity, Unit};
use crate::plan::{SELECTION, Tile, Tiling};
use crate::rules::tables;
use compose_core::Window;
use compose_io::files::Digest;
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl SavedOutput {
    /// The tiles that it comes in, where it is not one image.
    pub fn tiling(&self) -> Option<Tiling> {
        let of = self.tiles.as_ref()?;
        let size = (of.width.max(1), of.height.max(1));
        let count = (self.grid.width.div_ceil(size.0), self.grid.height.div_ceil(size.1));
        Some(Tiling { size, count, rounded: None })
    }

    /// The pixels of the grid that the area takes (all of them where there is none), and the others.
    pub fn pixels(&self) -> (u64, u64) {
        let all = (self.grid.width as u64).saturating_mul(self.grid.height as u64);
        let inside = self.area.as_ref().map_or(all, |area| area.pixels.min(all));
        (inside, all - inside)
    }

    /// The same of a tile.
    pub fn pixels_of(&self, tiling: &Tiling, tile: Tile) -> (u64, u64) {
        let all = self.window(tiling, tile).pixels() as u64;
        let of_area = |area: &SavedArea| area.of_tiles.get(tile.row * tiling.count.0 + tile.col).copied();
        let inside = self.area.as_ref().map_or(all, |area| of_area(area).unwrap_or(0).min(all));
        (inside, all - inside)
    }

    fn window(&self, tiling: &Tiling, tile: Tile) -> Window {
        tiling.window_in(tile, (self.grid.width, self.grid.height))
    }

    /// The scenes that can have a part in the pixels of a tile, by index.
    fn scenes_on(&self, of: &SavedTiles, part: Window) -> impl Iterator<Item = usize> {
        let around = part.expand(of.margin);
        let meets = move |place: &&SavedPlace| {
            let reach = place.reach.map(|[col, row, width, height]| Window {
                col,
                row,
                width: width as usize,
                height: height as usize,
            });
            reach.is_some_and(|reach| reach.intersect(around).is_some())
        };
        self.scenes.iter().filter(meets).map(|place| place.scene)
    }
}

impl SavedPlan {
    /// Every tile that may have pixels, in the order of the outputs of the fitted plan. `hash` is that of the plan.
    pub fn units(&self, hash: &str, fitted: &Fitted) -> Vec<Unit> {
        let target = |of: &crate::fitted::FittedJob| of.job.target.map(|t| &fitted.plan.stack.facts[t].id);
        let number =
            |output: &SavedOutput| fitted.jobs.iter().position(|of| target(of) == output.target.as_ref());
        let outputs = self.outputs.iter().enumerate();
        outputs
            .filter_map(|(nth, output)| Some((nth, number(output)?)))
            .flat_map(|(nth, output)| self.units_of(nth, hash, output))
            .collect()
    }

    /// The tiles of an output that may have pixels; `output` is the number that they give as that of their output.
    pub fn units_of(&self, nth: usize, hash: &str, output: usize) -> Vec<Unit> {
        let saved = &self.outputs[nth];
        let Some((tiling, of)) = saved.tiling().zip(saved.tiles.as_ref()) else { return Vec::new() };
        let hashes = self.hashes(nth);
        let unit = |tile: Tile| {
            if saved.pixels_of(&tiling, tile).0 == 0 {
                return None;
            }
            let part = saved.window(&tiling, tile);
            let near: Vec<usize> = saved.scenes_on(of, part).collect();
            if near.is_empty() && !of.everywhere {
                return None;
            }
            let id = tiling.id(tile);
            let hash_of_tile = self.hash_of(nth, &hashes, &near, part);
            Some(Unit {
                output,
                tile,
                identity: TileIdentity { id, plan: hash.to_owned(), hash: hash_of_tile },
            })
        };
        tiling.tiles().filter_map(unit).collect()
    }

    /// Whether the rules left the target of an output out, because too much of it is masked.
    pub fn is_left_out(&self, nth: usize) -> bool {
        self.survey.outputs.get(nth).is_some_and(|of| of.left_out)
    }

    /// The hashes of what decides the pixels of an output: of all its tiles alike, and by scene.
    fn hashes(&self, nth: usize) -> Hashes {
        let mut rules = tables(&self.rules.text);
        let tables = rules.as_object_mut();
        let mut listed = tables.and_then(|rules| rules.remove("scene")).unwrap_or_default();
        let mut asked = rules.get("scenes").cloned().unwrap_or_default();
        for tables in [&mut listed, &mut asked] {
            if !tables.is_array() {
                *tables = Value::Array(vec![tables.take()]);
            }
            tables.as_array_mut().into_iter().flatten().for_each(forget_selection);
        }
        if let Some(rules) = rules.as_object_mut() {
            rules.insert("scenes".into(), asked.clone());
        }
        let table = |of: FoundBy| match of {
            FoundBy::Scenes(number) => &asked[number],
            FoundBy::Scene(number) => &listed[number],
        };
        let scenes = self.scenes.iter().map(|scene| self.of_scene(nth, scene, table));
        Hashes { all: hash(&self.common(nth, &rules)), scenes: scenes.collect() }
    }

    /// What decides the pixels of a scene on the grid of an output: its headers, its place, the table that asks for it.
    fn of_scene<'a>(&self, nth: usize, scene: &SavedScene, table: impl Fn(FoundBy) -> &'a Value) -> String {
        let found = self.found.iter().find(|found| found.id == scene.id);
        let nodata: Vec<_> = self.survey.nodata.iter().filter(|of| of.scene == scene.index).collect();
        hash(&json!({
            "headers": self.spelt_out(json!(scene)),
            "place": self.outputs[nth].scenes.iter().find(|place| place.scene == scene.index),
            "nodata": nodata,
            "table": found.map(|found| table(found.table)),
            "sensor": found.map(|found| &found.sensor),
            "baseline": found.map(|found| found.baseline),
            "item": found.map(|found| &found.item),
        }))
    }

    /// What decides the pixels of all tiles of an output alike. The version of the program is not among it: another that
    /// may give other bits has another version of the plan.
    fn common(&self, nth: usize, rules: &Value) -> Value {
        let output = &self.outputs[nth];
        json!({
            "plan-version": self.plan_version,
            "rules": rules,
            "options": self.options,
            "plugins": self.plugins,
            "like": self.like,
            "bands": self.bands,
            "validity": self.validity,
            "target": output.target,
            "target-date": output.target_date,
            "area": output.area.as_ref().map(|area| &area.sha256),
            "grid": self.spelt_out(json!(output.grid)),
            "type": output.dtype,
            "nodata": json!(output.nodata.map(|nodata| nodata.to_string())),
            "files": output.files,
            "fills": output.fills,
            "survey": self.survey.outputs.get(nth),
        })
    }

    /// The hash of what decides the pixels of a tile.
    fn hash_of(&self, nth: usize, hashes: &Hashes, near: &[usize], part: Window) -> String {
        let output = &self.outputs[nth];
        let compared =
            near.iter().filter_map(|scene| output.scenes.get(*scene)).flat_map(|place| &place.compared_with);
        let mut scenes: BTreeSet<usize> = near.iter().chain(compared).copied().collect();
        let tiles = output.tiles.as_ref();
        if tiles.is_some_and(|of| of.all_donors) {
            scenes.extend(tiles.iter().flat_map(|of| of.donors.iter().flatten()));
        }
        let donors: Vec<Vec<usize>> = tiles.map_or_else(Vec::new, |of| {
            let on =
                |donors: &Vec<usize>| donors.iter().copied().filter(|donor| scenes.contains(donor)).collect();
            of.donors.iter().map(on).collect()
        });
        hash(&json!({
            "all": hashes.all,
            "window": [part.col, part.row, part.width as i64, part.height as i64],
            "donors": donors,
            "scenes": scenes.iter().map(|scene| hashes.scenes.get(*scene)).collect::<Vec<_>>(),
        }))
    }

    /// A value with coordinate systems in the place of their numbers.
    fn spelt_out(&self, value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.spelt_out(item)).collect(),
            Value::Object(entries) => {
                let entry = |(key, value): (String, Value)| match value.as_u64().filter(|_| key == "system") {
                    Some(number) => (key, json!(self.systems.get(number as usize))),
                    None => (key, self.spelt_out(value)),
                };
                Value::Object(entries.into_iter().map(entry).collect())
            }
            other => other,
        }
    }
}

/// What the hashes of tiles are made of.
struct Hashes {
    /// Of what decides all tiles alike.
    all: String,
    /// By scene.
    scenes: Vec<String>,
}

fn hash(content: &Value) -> String {
    Digest::of_bytes(content.to_string().as_bytes()).sha256
}

/// Forgets which scenes a table asks for: what they say of it stands with the scene.
fn forget_selection(scenes: &mut Value) {
    if let Some(scenes) = scenes.as_object_mut() {
        scenes.remove("path");
        SELECTION.iter().for_each(|key| drop(scenes.remove(*key)));
    }
}
