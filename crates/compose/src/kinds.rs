//! `compose kinds` and `compose schema`.

use crate::screen::say;
use compose_core::kind::did_you_mean;
use compose_core::page::summary;
use compose_engine::{EngineError, Registry};
use std::process::ExitCode;

/// Lists all kinds, or prints one kind's page.
pub fn show(name: Option<&str>) -> Result<ExitCode, EngineError> {
    let registry = Registry::built_in();
    match name {
        None => list(&registry)?,
        Some(name) => say(page(&registry, name)?.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the JSON schema.
pub fn schema() -> Result<ExitCode, EngineError> {
    let schema = compose_engine::rules::schema(&Registry::built_in());
    say(&serde_json::to_string_pretty(&schema).map_err(|e| EngineError::Bug(e.to_string()))?)?;
    Ok(ExitCode::SUCCESS)
}

fn list(registry: &Registry) -> Result<(), EngineError> {
    say("mask rules ([[mask]] kind = …)")?;
    for kind in &registry.masks {
        say(&format!("  {:<14} {}", kind.name, summary(kind.page)))?;
    }
    say("fill strategies ([[fill]] strategy = …)")?;
    for kind in &registry.fills {
        say(&format!("  {:<14} {}", kind.name, summary(kind.page)))?;
    }
    say("`compose kinds NAME` shows the page of one.")
}

fn page<'a>(registry: &'a Registry, name: &str) -> Result<&'a str, EngineError> {
    let masks = registry.masks.iter().map(|k| (k.name, k.page));
    let kinds: Vec<(&str, &str)> = masks.chain(registry.fills.iter().map(|k| (k.name, k.page))).collect();
    kinds.iter().find(|(n, _)| *n == name).map(|(_, page)| *page).ok_or_else(|| EngineError::Option {
        option: "kinds".into(),
        message: {
            let names: Vec<&str> = kinds.iter().map(|(n, _)| *n).collect();
            let hint = did_you_mean(name, names.iter().copied());
            format!("no kind \"{name}\"{hint} kinds: {}", names.join(", "))
        },
    })
}
