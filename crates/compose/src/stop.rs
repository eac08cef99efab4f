//! Ctrl-C, termination signals and plugins that end the program: nothing is left behind, and it ends soon.

use crate::exit_code::FAILED;
use crate::screen;
use compose_engine::{EngineError, WHOLE_TILES_STAY};
use compose_io::files::Drafts;
use compose_io::write::WriteError;
use compose_plugin_host::{Busy, end_now};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The drafts of the one run of this process.
static DRAFTS: LazyLock<Drafts> = LazyLock::new(Drafts::default);

/// The time that workers may take to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Signals set `cancelled`, which is looked at between blocks, and by plugins that are written so. Files with
/// temporary names are taken away on the way out.
///
/// A plugin that does not look, or a large copy by GDAL, does not keep the program: after a while it ends without
/// them, and says so.
///
/// The answer is what the run is to keep its drafts in, so that they can be removed from here.
pub fn on_signals(cancelled: &Arc<AtomicBool>, busy: Busy) -> Result<Drafts, EngineError> {
    // Writing past a file-size limit must be an error like a full disk, not the end of the program.
    let past_limit = Arc::new(AtomicBool::new(false));
    let watched = flag::register(SIGXFSZ, past_limit).and_then(|_| Signals::new([SIGINT, SIGTERM, SIGHUP]));
    let mut signals = watched.map_err(|e| EngineError::Bug(format!("cannot watch for signals: {e}")))?;
    let flag = cancelled.clone();
    let wait = move || {
        for _ in signals.forever() {
            flag.store(true, Ordering::Relaxed);
            std::thread::sleep(GRACE);
            end_without(busy);
        }
    };
    let waiting = std::thread::Builder::new().name("signals".into()).spawn(wait);
    waiting.map_err(EngineError::Threads)?;
    Ok(DRAFTS.clone())
}

/// Ends the program while others are still at work.
fn end_without(busy: Busy) {
    // If everything is written already, the message that nothing was would be false: the program ends as usual.
    if !DRAFTS.abandon() {
        return;
    }
    let mut told = format!("interrupted; {}", left());
    for call in busy.calls() {
        told += &format!("; {call}: did not stop when it was asked to");
    }
    screen::tell(&format!("error: {told}"));
    end_now(i32::from(FAILED));
}

/// What is there of a run that was abandoned.
fn left() -> &'static str {
    if DRAFTS.sets_named() == 0 { "nothing was written" } else { WHOLE_TILES_STAY }
}

/// The error of a run in tiles: one that was interrupted late has written something.
pub fn in_tiles(error: EngineError, drafts: &Drafts) -> EngineError {
    match error {
        EngineError::Interrupted | EngineError::Write(WriteError::Abandoned) if drafts.sets_named() > 0 => {
            EngineError::InterruptedInTiles
        }
        error => error,
    }
}

/// A plugin has called `exit`, which would look like success.
pub fn ended_by_plugin(calls: &[String]) -> i32 {
    let left = if DRAFTS.abandon() { format!("; {}", left()) } else { String::new() };
    let calls = if calls.is_empty() { "a plugin".to_owned() } else { calls.join("; ") };
    screen::tell(&format!("error: {calls}: ended the program{left}"));
    i32::from(FAILED)
}
