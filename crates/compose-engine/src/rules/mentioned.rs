//! The names that mask rules and fills may ask bands by.

use crate::registry::Registry;
use serde_json::Value;
use std::collections::BTreeSet;

/// Every text in `[[mask]]` and `[[fill]]` tables, and every text that the kinds named there take where nothing is said. A band
/// that is called by none of these is read by no rule.
pub fn mentioned(tables: &Value, registry: &Registry) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for table in ["mask", "fill"] {
        texts(&tables[table], &mut words);
    }
    let masks = registry.masks.iter().map(|kind| (kind.name, (kind.schema)().to_value()));
    let scores = registry.scores.iter().map(|kind| (kind.name, (kind.schema)().to_value()));
    let fills = registry.fills.iter().map(|kind| (kind.name, (kind.schema)().to_value()));
    let kinds: Vec<(&str, Value)> = masks.chain(scores).chain(fills).collect();
    // A kind may take another one where nothing is said.
    loop {
        let before = words.len();
        for (_, schema) in kinds.iter().filter(|(name, _)| words.contains(*name)).collect::<Vec<_>>() {
            defaults(schema, &mut words);
        }
        if words.len() == before {
            return words;
        }
    }
}

fn texts(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(words.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, words)),
        Value::Object(map) => map.values().for_each(|item| texts(item, words)),
        _ => {}
    }
}

/// The texts that a schema gives as defaults.
fn defaults(schema: &Value, words: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| defaults(item, words)),
        Value::Object(map) => {
            for (key, value) in map {
                if key == "default" { texts(value, words) } else { defaults(value, words) }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_kind_takes_unsaid_is_mentioned_where_the_kind_is() {
        let registry = Registry::built_in(compose_plugin_host::PluginHost::new(Default::default(), |_| ()));
        let of = |tables: Value| mentioned(&tables, &registry);
        let spectral = of(json!({ "mask": [{ "any": [{ "kind": "spectral", "red": "B4" }] }] }));
        assert!(["B4", "swir1", "blue"].iter().all(|name| spectral.contains(*name)), "{spectral:?}");
        let bap = of(json!({ "fill": [{ "strategy": "best-score", "score": { "kind": "bap" } }] }));
        assert!(bap.contains("red") && !bap.contains("swir1"), "{bap:?}");
        assert_eq!(of(json!({ "scenes": { "quality": "SCL" } })), BTreeSet::new());
    }
}
