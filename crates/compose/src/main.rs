//! `compose`: arguments, messages, exit codes.

mod args;
mod check;
mod evaluate;
mod exit_code;
mod heap;
mod inspect;
mod kinds;
mod plan_file;
mod plugin;
mod rules;
mod run;
mod screen;
mod status;
mod stop;
mod survey;
mod tiles;
mod unknown_word;

use args::{Cli, Command};
use clap::Parser;
use compose_engine::EngineError;
use exit_code::FAILED;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before it is taken for the image to write, or as one word too many.
    if let Some(message) = unknown_word::first_word() {
        screen::tell_error(&EngineError::Stray(message));
        return ExitCode::from(FAILED);
    }
    Cli::try_parse().map_or_else(|said| told(&said), carry_out).unwrap_or_else(|error| {
        screen::tell_error(&error);
        ExitCode::from(FAILED)
    })
}

/// Help, the version, or a mistake in the arguments.
fn told(said: &clap::Error) -> Result<ExitCode, EngineError> {
    screen::say_of_arguments(said)?;
    Ok(if said.use_stderr() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn carry_out(cli: Cli) -> Result<ExitCode, EngineError> {
    match cli.command {
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Evaluate(args)) => evaluate::evaluate(&args),
        Some(Command::Status(args)) => status::show(&args),
        Some(Command::Inspect(args)) => inspect::inspect(&args),
        Some(Command::Kinds(args)) => kinds::show(&args),
        Some(Command::Schema(args)) => kinds::schema(&args),
        Some(Command::Plugin(args)) => plugin::plugin(&args),
        None => run::run(&cli.run),
    }
}
