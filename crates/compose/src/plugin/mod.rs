//! `compose plugin`: checks a plugin, or starts a new one.

mod check;
mod new;

use crate::args::{PluginArgs, PluginCommand};
use compose_engine::EngineError;
use std::process::ExitCode;

/// Does what the arguments say.
pub fn plugin(args: &PluginArgs) -> Result<ExitCode, EngineError> {
    match &args.command {
        PluginCommand::Check(args) => check::check(args),
        PluginCommand::New(args) => new::new(args),
    }
}
