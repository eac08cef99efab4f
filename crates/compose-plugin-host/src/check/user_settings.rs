//! Settings for trials from a rules file: those of the first table of a kind.

use super::sample_settings::Settings;
use crate::descriptor::Declared;
use crate::open::KindSort;
use crate::settings::Values;
use compose_core::SettingsTable;
use compose_plugin::abi;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The settings of a kind in the rules file; `None` if the file does not name it.
///
/// # Errors
/// The file cannot be read, or its settings are not those that the kind declares.
pub fn user_settings(path: &Path, sort: KindSort, declared: &Declared) -> Result<Option<Settings>, String> {
    let told = |message: String| format!("{}: {message}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| told(e.to_string()))?;
    let root = DeTable::parse(&text).map_err(|e| told(e.message().to_owned()))?;
    let (list, key) = match sort {
        KindSort::MaskRule => ("mask", "kind"),
        KindSort::Score => ("fill", "kind"),
        KindSort::Fill => ("fill", "strategy"),
    };
    let Some(tables) = root.get_ref().get(list) else { return Ok(None) };
    let Some(found) = find(tables, key, &declared.id) else { return Ok(None) };
    let mut table = SettingsTable::from_value(found, list).map_err(|problem| told(problem.message))?;
    for word in abi::RESERVED_KEYS {
        table.take(word);
    }
    let values = Values::read(declared, &table, &declared.id).map_err(|problems| {
        let line = |at: usize| 1 + text[..at.min(text.len())].matches('\n').count();
        let said =
            problems.iter().map(|p| format!("{}:{}: {}", path.display(), line(p.span.start), p.message));
        said.collect::<Vec<_>>().join("\n")
    })?;
    Ok(Some(values.into_values()))
}

/// The first table that names the kind, however deep it is in `any`, `all`, `not` or `score`.
fn find<'a, 'b>(value: &'a Spanned<DeValue<'b>>, key: &str, id: &str) -> Option<&'a Spanned<DeValue<'b>>> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().find_map(|item| find(item, key, id)),
        DeValue::Table(table) => {
            let named = table.get(key).is_some_and(|v| matches!(v.get_ref(), DeValue::String(s) if s == id));
            if named { Some(value) } else { table.iter().find_map(|(_, inner)| find(inner, key, id)) }
        }
        _ => None,
    }
}
