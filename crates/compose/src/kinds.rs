//! `compose kinds` and `compose schema`.

use crate::args::{KindsArgs, PluginsArgs, SchemaArgs};
use crate::rules::{read_rules, registry};
use crate::screen::say;
use compose_core::page::summary;
use compose_core::suggest::did_you_mean;
use compose_engine::{EngineError, Registry};
use compose_plugin_host::SEARCH_VARIABLE;
use std::process::ExitCode;
use std::sync::Arc;

/// Lists all kinds, or prints one kind's page.
pub fn show(args: &KindsArgs) -> Result<ExitCode, EngineError> {
    let registry = registry_with(&args.plugins)?;
    match &args.name {
        None => list(&registry, &args.plugins)?,
        Some(name) => say(page(&registry, name)?.trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the JSON schema of rules files, or of plan files.
pub fn schema(args: &SchemaArgs) -> Result<ExitCode, EngineError> {
    let schema = if args.plan {
        compose_engine::saved::schema()
    } else {
        compose_engine::rules::schema(&registry_with(&args.plugins)?)
    };
    say(&serde_json::to_string_pretty(&schema).map_err(|e| EngineError::Bug(e.to_string()))?)?;
    Ok(ExitCode::SUCCESS)
}

/// The built-in kinds, and those of the plugins that the command line names.
fn registry_with(args: &PluginsArgs) -> Result<Registry, EngineError> {
    let mut registry = registry(&Arc::default(), false);
    let refuse = |message: String| EngineError::Option { option: "--plugin".into(), message };
    for file in &args.files {
        let plugin = registry.host.load(file, None).map_err(|e| refuse(e.to_string()))?;
        registry.add(plugin).map_err(refuse)?;
    }
    if let Some(rules) = &args.rules {
        for plugin in read_rules(rules, &registry)?.plugins {
            registry
                .add(plugin)
                .map_err(|message| EngineError::Option { option: "--rules".into(), message })?;
        }
    }
    Ok(registry)
}

fn list(registry: &Registry, plugins: &PluginsArgs) -> Result<(), EngineError> {
    say("mask rules ([[mask]] kind = …)")?;
    for kind in &registry.masks {
        say(&format!("  {:<14} {}", kind.name, summary(kind.page)))?;
    }
    say("scores (score = { kind = … } of a fill strategy)")?;
    for kind in &registry.scores {
        say(&format!("  {:<14} {}", kind.name, summary(kind.page)))?;
    }
    say("fill strategies ([[fill]] strategy = …)")?;
    for kind in &registry.fills {
        say(&format!("  {:<14} {}", kind.name, summary(kind.page)))?;
    }
    if plugins.files.is_empty() && plugins.rules.is_none() {
        list_libraries()?;
    }
    say("`compose kinds NAME` shows the page of one.")
}

/// Libraries that a rules file could name by id. They are not loaded, so their kinds are not known here.
fn list_libraries() -> Result<(), EngineError> {
    match compose_plugin_host::libraries() {
        Ok(libraries) if libraries.is_empty() => {}
        Ok(libraries) => {
            say(&format!("libraries in the folders of {SEARCH_VARIABLE} (shown with --plugin LIBRARY)"))?;
            libraries.iter().try_for_each(|library| say(&format!("  {}", library.display())))?;
        }
        Err(error) => crate::screen::tell(&format!("note: {error}")),
    }
    Ok(())
}

fn page<'a>(registry: &'a Registry, name: &str) -> Result<&'a str, EngineError> {
    let masks = registry.masks.iter().map(|k| (k.name, k.page));
    let scores = registry.scores.iter().map(|k| (k.name, k.page));
    let fills = registry.fills.iter().map(|k| (k.name, k.page));
    let kinds: Vec<(&str, &str)> = masks.chain(scores).chain(fills).collect();
    kinds.iter().find(|(n, _)| *n == name).map(|(_, page)| *page).ok_or_else(|| EngineError::Option {
        option: "kinds".into(),
        message: {
            let names: Vec<&str> = kinds.iter().map(|(n, _)| *n).collect();
            let hint = did_you_mean(name, names.iter().copied());
            let separator = if hint.is_empty() { ";" } else { "" };
            let plugins = "; those of a plugin are known with --plugin LIBRARY or --rules FILE";
            format!("no kind \"{name}\"{hint}{separator} kinds: {}{plugins}", names.join(", "))
        },
    })
}
