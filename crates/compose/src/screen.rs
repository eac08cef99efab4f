//! Output to the user: data on standard output, all else on standard error.

use compose_engine::EngineError;
use compose_engine::Progress;
use compose_io::text::one_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{ErrorKind, IsTerminal, Write};
use std::time::Duration;

/// Interval at which a bar moves without progress.
const TICK: Duration = Duration::from_millis(250);

/// The longest line of an error, in characters.
const LONGEST: usize = 4000;

/// Prints to standard output; a reader that has gone away (`| head`) is no error.
///
/// # Errors
/// The output could not be written, e.g. because the disk behind a redirection is full.
pub fn say(text: &str) -> Result<(), EngineError> {
    let mut out = std::io::stdout().lock();
    // The rest of the buffer would be written at the end of the program, where an error is lost.
    heard(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// Prints what the reader of arguments has to say: help and version on standard output, mistakes on standard error.
///
/// # Errors
/// As [`say`].
pub fn say_of_arguments(said: &clap::Error) -> Result<(), EngineError> {
    let printed = said.print();
    // Without standard error there is nobody to tell.
    if said.use_stderr() { Ok(()) } else { heard(printed.and_then(|()| std::io::stdout().flush())) }
}

fn heard(written: std::io::Result<()>) -> Result<(), EngineError> {
    match written {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(EngineError::StandardOutput(cause)),
        _ => Ok(()),
    }
}

/// Prints to standard error.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints an error to standard error: one line, or one line for each mistake in a file that the user wrote; on a terminal,
/// that file's line with a caret as well.
pub fn tell_error(error: &EngineError) {
    if let EngineError::Rules(mistakes) = error
        && std::io::stderr().is_terminal()
    {
        let coloured = std::env::var_os("NO_COLOR").is_none_or(|wish| wish.is_empty());
        return mistakes.iter().for_each(|mistake| tell(&mistake.drawn(coloured)));
    }
    let text = format!("error: {error}");
    let lines: Vec<&str> = match error {
        EngineError::Rules(_) | EngineError::Option { .. } => text.lines().collect(),
        _ => vec![&text],
    };
    lines.iter().for_each(|line| tell(&one_line(line, LONGEST)));
}

/// A progress bar on a terminal while pixels are composed; nothing elsewhere, and nothing when `quiet`.
pub fn progress_bar(quiet: bool) -> ProgressBar {
    bar(quiet, "{spinner} {percent:>3} % {bar:40} {per_sec} · {elapsed} · {eta} left")
}

/// The same while scenes are surveyed.
pub fn survey_bar(quiet: bool) -> ProgressBar {
    bar(quiet, "{spinner} survey {percent:>3} % {bar:40} {per_sec} · {elapsed}")
}

fn bar(quiet: bool, template: &str) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("per_sec", |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.1} Mpixel/s", state.per_sec() / 1e6);
        });
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8)).with_style(style);
    // A block that takes long to decode is no standstill: the time goes on.
    // The ticker is a thread; where the system gives none, indicatif would panic.
    if compose_engine::threads_available(1) == 1 {
        bar.enable_steady_tick(TICK);
    }
    bar
}

/// Moves the bar.
pub fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}
