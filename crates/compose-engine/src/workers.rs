//! Worker threads. Where the system gives fewer than asked for, or none, the caller does the work. A panic becomes an error.

use crate::error::EngineError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope};

/// Address space of a thread: its stack, and the part of the heap that the C library sets aside for it.
const THREAD_BYTES: u64 = (8 + 64) << 20;
/// Stack of a thread of GDAL's, as it is usual on Linux.
const STACK_BYTES: usize = 8 << 20;

/// Starts up to `count` threads; how many the system has given. With none, the caller does the work itself.
pub fn start<'scope, W: FnOnce() + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    count: usize,
    mut work: impl FnMut(usize) -> W,
) -> usize {
    (0..count).take_while(|number| Builder::new().spawn_scoped(scope, work(*number)).is_ok()).count()
}

/// How many threads of `wanted` the system gives at once.
pub fn available(wanted: usize) -> usize {
    let gate = Mutex::new(());
    std::thread::scope(|scope| {
        let closed = gate.lock();
        let wait = || drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
        let one = |_: &usize| Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, wait).is_ok();
        let given = (0..wanted).take_while(one).count();
        drop(closed);
        given
    })
}

/// Whether the address space has room for a run of so many bytes with so many threads.
pub fn has_room(bytes: u64, threads: usize) -> bool {
    address_space_left().is_none_or(|left| left >= bytes + threads as u64 * THREAD_BYTES)
}

/// Bytes that may still be mapped, where that is limited (`ulimit -v`).
pub fn address_space_left() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    left(&limits, &status)
}

fn left(limits: &str, status: &str) -> Option<u64> {
    let number = |text: &str, key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let limit = number(limits, "Max address space")?;
    Some(limit.saturating_sub(number(status, "VmSize:")? << 10))
}

/// A panic as an error.
pub fn caught<T>(work: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    let result = catch_unwind(AssertUnwindSafe(work));
    result.unwrap_or_else(|panic| Err(EngineError::Bug(panic_text(panic.as_ref()))))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_thread_that_was_given_has_worked_when_the_scope_ends() {
        let done = AtomicUsize::new(0);
        let count = || {
            done.fetch_add(1, Ordering::Relaxed);
        };
        let started = std::thread::scope(|scope| start(scope, 3, |_| count));
        assert_eq!(done.into_inner(), started);
        assert!(available(3) <= 3);
    }

    #[test]
    fn the_rest_of_a_limited_address_space_is_known_and_an_unlimited_one_has_no_rest() {
        let limits = |of: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units\nMax address space         {of}            {of}            bytes\n"
            )
        };
        let status = "Name:\tcompose\nVmPeak:\t  9 kB\nVmSize:\t  300 kB\n";
        assert_eq!(left(&limits("409600"), status), Some(409_600 - 307_200));
        assert_eq!(left(&limits("1024"), status), Some(0));
        assert_eq!(left(&limits("unlimited"), status), None);
    }
}
