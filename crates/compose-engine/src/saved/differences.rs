//! What has changed since a plan was made, by name.

use super::form::{FileState, SavedPlan};
use super::text::ANEW;
use compose_io::files::Digest;
use compose_io::header::Fingerprint;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// The longest value in a message, in characters.
const LONGEST: usize = 120;

impl SavedPlan {
    /// The first file of a scene, of the grid or of the area, that is not what it was; the first plugin that is not. What follows the
    /// name of the plan file in a message.
    pub(super) fn touched(&self) -> Option<String> {
        let of_scenes = self
            .scenes
            .iter()
            .flat_map(|scene| scene.files.iter().map(move |file| (format!("scene {}: ", scene.id), file)));
        let like = self.like.iter().map(|file| ("the grid is that of ".to_owned(), file));
        let area = self.area.iter().map(|file| ("the area is that of ".to_owned(), file));
        let mut files = of_scenes.chain(like).chain(area);
        let file = files.find_map(|(what, file)| Some(format!("{what}{}", touched(file)?)));
        file.or_else(|| self.plugins.iter().find_map(|of| touched_plugin(&of.file, &of.sha256)))
    }

    /// The first thing that was decided otherwise when this plan was made than it is `now`: what follows the name of the
    /// plan file in a message.
    pub(super) fn decided_otherwise(&self, now: &Self) -> Option<String> {
        let (then, here, path) = self.first_difference(now)?;
        let (made, gdal) = (&self.made_by, &now.made_by.gdal);
        let versions = if made.gdal == *gdal {
            String::new()
        } else {
            format!(" (GDAL {} then, {gdal} now)", made.gdal)
        };
        Some(format!(
            "{} is {} now, and was {} when the plan was made{versions}; {ANEW}",
            self.told(&path),
            short(&here),
            short(&then)
        ))
    }

    /// The first difference, with the way to it. What decides no pixel is not compared: `made-by`, `folder`, `work`.
    fn first_difference(&self, now: &Self) -> Option<(Value, Value, Vec<String>)> {
        fn of<T: PartialEq + Serialize>(key: &str, then: &T, now: &T) -> Option<(Value, Value, Vec<String>)> {
            if then == now {
                return None;
            }
            let value = |of: &T| serde_json::to_value(of).unwrap_or_default();
            let mut path = vec![key.to_owned()];
            // NaN is not equal to itself, but its word is.
            let (then, now) = first_difference(&value(then), &value(now), &mut path)?;
            Some((then, now, path))
        }
        of("rules", &self.rules, &now.rules)
            .or_else(|| of("options", &self.options, &now.options))
            .or_else(|| of("plugins", &self.plugins, &now.plugins))
            .or_else(|| of("like", &self.like, &now.like))
            .or_else(|| of("area", &self.area, &now.area))
            .or_else(|| of("found", &self.found, &now.found))
            .or_else(|| of("passed-over", &self.passed_over, &now.passed_over))
            .or_else(|| of("bands", &self.bands, &now.bands))
            .or_else(|| of("validity", &self.validity, &now.validity))
            .or_else(|| of("systems", &self.systems, &now.systems))
            .or_else(|| of("scenes", &self.scenes, &now.scenes))
            .or_else(|| of("outputs", &self.outputs, &now.outputs))
    }

    /// The place of a difference, in words.
    fn told(&self, path: &[String]) -> String {
        let number = |at: usize| path.get(at).and_then(|step| step.parse::<usize>().ok());
        let id = |scene: Option<usize>| scene.and_then(|nth| self.scenes.get(nth)).map(|of| of.id.as_str());
        let rest = |from: usize| path[from.min(path.len())..].join(" ");
        match path.first().map(String::as_str) {
            Some("scenes") => match id(number(1)) {
                Some(id) => format!("scene {id}: {}", rest(2)),
                None => rest(0),
            },
            Some("outputs") => {
                let output = number(1).and_then(|nth| self.outputs.get(nth));
                let image = output.and_then(|of| of.files.first());
                let of = image.map_or_else(String::new, |image| format!("output {}: ", image.file.display()));
                match id(number(3).filter(|_| path.get(2).is_some_and(|key| key == "scenes"))) {
                    Some(id) => format!("{of}scene {id}: {}", rest(4)),
                    None => format!("{of}{}", rest(2)),
                }
            }
            _ => rest(0),
        }
    }
}

/// What has become of a file, if it is not what it was.
fn touched(of: &FileState) -> Option<String> {
    let file = of.file.display();
    let now = match Fingerprint::of(&of.file) {
        Ok(now) => now,
        Err(error) => return Some(format!("{error}, and there was one when the plan was made; {ANEW}")),
    };
    if now.bytes() != of.bytes {
        let (now, then) = (now.bytes(), of.bytes);
        return Some(format!("{file} has {now} bytes now, and had {then} when the plan was made; {ANEW}"));
    }
    let changed = of.modified.is_some() && now.modified_ns() != of.modified;
    changed.then(|| format!("{file} has been written since the plan was made; {ANEW}"))
}

fn touched_plugin(file: &Path, sha256: &str) -> Option<String> {
    let told = file.display();
    match Digest::of(file) {
        Err(cause) => Some(format!("plugin {told}: {cause}; {ANEW}")),
        Ok(now) if now.sha256 == sha256 => None,
        Ok(now) => Some(format!(
            "plugin {told} is another than when the plan was made: its SHA-256 is {} now, and was {sha256}; {ANEW}",
            now.sha256
        )),
    }
}

/// The first difference of two values, and the way to it.
fn first_difference(then: &Value, now: &Value, path: &mut Vec<String>) -> Option<(Value, Value)> {
    let mut below = |step: String, then: &Value, now: &Value| {
        path.push(step);
        let found = first_difference(then, now, path);
        if found.is_none() {
            path.pop();
        }
        found
    };
    match (then, now) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            let of =
                |map: &serde_json::Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
            keys.cloned().collect::<Vec<_>>().into_iter().find_map(|key| {
                let (then, now) = (of(a, &key), of(b, &key));
                below(key, &then, &now)
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(nth, (a, b))| below(nth.to_string(), a, b))
        }
        _ => (then != now).then(|| (then.clone(), now.clone())),
    }
}

fn short(value: &Value) -> String {
    compose_io::text::one_line(&value.to_string(), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_found_with_the_way_to_it() {
        let then = json!({ "a": [1, { "b": "x" }], "c": null });
        for (now, way, pair) in [
            (json!({ "a": [1, { "b": "y" }], "c": null }), "a 1 b", (json!("x"), json!("y"))),
            (json!({ "a": [1], "c": null }), "a", (json!([1, { "b": "x" }]), json!([1]))),
            (json!({ "a": [1, { "b": "x" }], "c": 2 }), "c", (Value::Null, json!(2))),
            (json!({ "a": [1, { "b": "x", "d": 0 }], "c": null }), "a 1 d", (Value::Null, json!(0))),
        ] {
            let mut path = Vec::new();
            assert_eq!(first_difference(&then, &now, &mut path), Some(pair));
            assert_eq!(path.join(" "), way);
        }
        assert_eq!(first_difference(&then, &then, &mut Vec::new()), None);
    }
}
