//! The JSON schema of a rules file, from the structs that read it.

use super::settings::{GridSettings, Output, PluginSettings, Scene, Scenes, Target};
use crate::registry::Registry;
use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

/// The JSON schema (draft 2020-12) of a rules file with the kinds of `registry`.
pub fn schema(registry: &Registry) -> Value {
    let masks = registry.masks.iter().map(|k| with_word((k.schema)(), "kind", k.name, true));
    let scores = registry.scores.iter().map(|k| with_word((k.schema)(), "kind", k.name, false));
    let fills = registry.fills.iter().map(|k| with_word((k.schema)(), "strategy", k.name, false));
    let mut rules: Vec<Value> = masks.collect();
    rules.extend(trees());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "compose rules file",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "scenes": one_or_many(&of::<Scenes>()),
            "scene": { "type": "array", "items": of::<Scene>() },
            "target": of::<Target>(),
            "grid": of::<GridSettings>(),
            "plugin": { "type": "array", "items": of::<PluginSettings>() },
            "mask": { "type": "array", "items": { "$ref": "#/$defs/rule" } },
            "fill": { "type": "array", "items": { "anyOf": fills.collect::<Vec<_>>() } },
            "output": of::<Output>(),
        },
        "$defs": {
            "rule": { "anyOf": rules },
            "score": { "anyOf": scores.collect::<Vec<_>>() },
            "length": length(),
        },
    })
}

fn of<T: JsonSchema>() -> Value {
    inline(schema_for!(T).to_value())
}

fn one_or_many(item: &Value) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}

fn length() -> Value {
    json!({ "anyOf": [{ "type": "string", "pattern": "^[0-9.]+ *(px|m)$" }, { "type": "number", "minimum": 0 }] })
}

/// The keys that every mask rule may carry besides its own.
fn common() -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert("name".into(), json!({ "type": "string" }));
    for key in ["open", "close", "shrink", "grow"] {
        keys.insert(key.into(), json!({ "$ref": "#/$defs/length" }));
    }
    keys
}

fn with_word(schema: schemars::Schema, key: &str, name: &str, is_mask: bool) -> Value {
    let mut schema = inline(schema.to_value());
    let object = schema.as_object_mut().expect("settings are an object");
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert(key.into(), json!({ "const": name }));
        if is_mask {
            properties.extend(common());
        }
    }
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut() {
        required.push(json!(key));
    }
    schema
}

fn trees() -> [Value; 3] {
    let rule = json!({ "$ref": "#/$defs/rule" });
    let rules = json!({ "type": "array", "items": rule, "minItems": 1 });
    [("any", rules.clone()), ("all", rules), ("not", rule)].map(|(key, value)| {
        let mut properties = common();
        properties.insert(key.into(), value);
        json!({ "type": "object", "additionalProperties": false, "required": [key], "properties": properties })
    })
}

/// Puts `$defs` where they are referred to: schemas are nested in one another, and `$ref` counts from the root.
fn inline(mut schema: Value) -> Value {
    let defs = schema.as_object_mut().and_then(|o| {
        o.remove("$schema");
        o.remove("$defs")
    });
    if let Some(Value::Object(defs)) = defs {
        replace(&mut schema, &defs);
    }
    schema
}

fn replace(value: &mut Value, defs: &Map<String, Value>) {
    if let Some(name) = value.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"))
        && let Some(definition) = defs.get(name)
    {
        *value = definition.clone();
    }
    match value {
        Value::Object(map) => map.values_mut().for_each(|v| replace(v, defs)),
        Value::Array(items) => items.iter_mut().for_each(|v| replace(v, defs)),
        _ => {}
    }
}
