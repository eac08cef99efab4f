//! Reads a rules file for any command, with the kinds that it may name.

use crate::args::RunArgs;
use crate::screen;
use compose_engine::{EngineError, Registry, Rules, RulesFile};
use compose_io::access::confine;
use compose_io::text::{LARGEST_TEXT, read_text};
use compose_plugin_host::PluginHost;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The built-in kinds, and what loads plugins; `cancelled` asks these to stop.
pub fn registry(cancelled: &Arc<AtomicBool>, quiet: bool) -> Registry {
    let log = move |said: &str| {
        if !quiet {
            screen::tell(&format!("note: {said}"));
        }
    };
    Registry::built_in(PluginHost::new(cancelled.clone(), log))
}

/// Reads and parses a rules file, and loads the plugins that it names. From here on scene files may open what it lets
/// them open, and nothing else.
pub fn read_rules(path: &Path, registry: &Registry) -> Result<Rules, EngineError> {
    parse_rules(RulesFile { path: path.to_owned(), text: read_text(path, LARGEST_TEXT)? }, registry)
}

/// The same of a text that was read before.
pub fn parse_rules(file: RulesFile, registry: &Registry) -> Result<Rules, EngineError> {
    let rules = Rules::parse(file, registry).map_err(EngineError::Rules)?;
    confine(&rules.checked_access().map_err(EngineError::Rules)?);
    Ok(rules)
}

/// Refuses options that are for tiles, where there are none.
pub fn refuse_tile_options(args: &RunArgs, rules: &Rules) -> Result<(), EngineError> {
    let said = [("--part", args.part.is_some()), ("--tile", args.tile.is_some()), ("--resume", args.resume)];
    match said.into_iter().find(|(_, said)| *said && rules.grid.value.tile_size.is_none()) {
        None => Ok(()),
        Some((option, _)) => {
            let message =
                "[grid] has no tile-size, so there are no tiles; say how large they are there".into();
            Err(EngineError::Option { option: option.into(), message })
        }
    }
}
