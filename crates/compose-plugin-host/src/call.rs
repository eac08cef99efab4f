//! The host as a plugin sees it, and how a call is made, watched and judged.

#![allow(unsafe_code)]

use compose_core::KindError;
use compose_plugin::abi;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The function that gets a plugin's messages for the user.
type Log = Box<dyn Fn(&str) + Send + Sync>;

/// The program that plugins run in: the functions that it offers them, and the calls that are running.
#[derive(Clone, Copy)]
pub struct PluginHost {
    shared: &'static Shared,
}

/// The calls that have not returned, to be named where the program must end without them.
#[derive(Clone, Copy)]
pub struct Busy {
    shared: &'static Shared,
}

/// The target of `compose_host::context`.
struct Shared {
    host: abi::Host,
    cancelled: Arc<AtomicBool>,
    log: Log,
    logged: Mutex<HashSet<String>>,
    busy: Mutex<BTreeMap<u64, String>>,
    calls: AtomicU64,
}

// SAFETY: the pointers in `host` lead to text and to this very struct, which are never changed or freed; all
// that changes is behind atomics and locks.
unsafe impl Sync for Shared {}

thread_local! {
    /// Why the call that this thread is in fails, as far as the plugin has said.
    static REASON: RefCell<Option<String>> = const { RefCell::new(None) };
}

impl PluginHost {
    /// A host whose plugins are asked to stop by `cancelled`, and speak to the user through `log`.
    ///
    /// It lives as long as the program, as plugins do.
    pub fn new(cancelled: Arc<AtomicBool>, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
        let version = CStr::from_bytes_with_nul(VERSION.as_bytes()).unwrap_or(c"");
        let shared = Box::into_raw(Box::new(Shared {
            host: abi::Host {
                abi_major: abi::ABI_MAJOR,
                abi_minor: abi::ABI_MINOR,
                name: c"compose".as_ptr(),
                version: version.as_ptr(),
                context: std::ptr::null_mut(),
                set_error: Some(set_error),
                log: Some(log_message),
                cancelled: Some(is_cancelled),
                get_extension: Some(no_extension),
            },
            cancelled,
            log: Box::new(log),
            logged: Mutex::default(),
            busy: Mutex::default(),
            calls: AtomicU64::new(0),
        }));
        // SAFETY: just made, never freed, and from here on only shared; the pointer that plugins pass back is the one
        // that everything is reached by.
        let shared: &'static Shared = unsafe {
            (*shared).host.context = shared.cast();
            &*shared
        };
        Self { shared }
    }

    /// The calls that have not returned.
    pub fn busy(&self) -> Busy {
        Busy { shared: self.shared }
    }

    /// Makes one call of a plugin's function and judges what it returns.
    ///
    /// `who` is the plugin and its version, `what` the scene and block that it is called for.
    pub(crate) fn call(
        &self,
        who: &str,
        what: &dyn Fn() -> String,
        function: impl FnOnce(*const abi::Host) -> abi::Status,
    ) -> Result<(), KindError> {
        let (status, reason) = self.bare(format!("{who}, {}", what()), function);
        let failed = |message: String| Err(KindError::new(format!("{who}: {message}")));
        match (status, reason) {
            (abi::OK, _) => Ok(()),
            (abi::CANCELLED, _) if self.shared.cancelled.load(Ordering::Relaxed) => failed("stopped".into()),
            (abi::CANCELLED, None) => failed("gave up as if asked to stop, but was not".into()),
            (_, Some(reason)) => failed(reason),
            (status, None) => failed(format!("failed without saying why (status {status})")),
        }
    }

    /// Calls a plugin's function without judging the result; `busy` is listed as the running call meanwhile. Returns
    /// the status and the plugin's message, if it set one.
    pub(crate) fn bare(
        &self,
        busy: String,
        function: impl FnOnce(*const abi::Host) -> abi::Status,
    ) -> (abi::Status, Option<String>) {
        REASON.set(None);
        let number = self.shared.calls.fetch_add(1, Ordering::Relaxed);
        locked(&self.shared.busy).insert(number, busy);
        let status = function(&raw const self.shared.host);
        locked(&self.shared.busy).remove(&number);
        (status, REASON.take())
    }
}

impl Busy {
    /// The subjects of the calls that have not returned, the oldest first.
    pub fn calls(&self) -> Vec<String> {
        locked(&self.shared.busy).values().cloned().collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Text of the other side, with what is not UTF-8 replaced.
///
/// # Safety
/// `text` is null or ends with a zero byte.
unsafe fn text(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and by the contract of the header it ends with a zero byte.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().trim().replace(['\n', '\r'], " "))
}

unsafe extern "C" fn set_error(_: *const abi::Host, message: *const c_char) {
    // SAFETY: the header asks for text that ends with a zero byte.
    let message = unsafe { text(message) };
    REASON.set(message.filter(|m| !m.is_empty()));
}

unsafe extern "C" fn log_message(host: *const abi::Host, level: u32, message: *const c_char) {
    // SAFETY: the header asks for text that ends with a zero byte.
    let Some(message) = (unsafe { text(message) }) else { return };
    // SAFETY: plugins pass on the pointer that they were given, whose context is a `Shared` that is never freed.
    let shared = unsafe { &*(*host).context.cast::<Shared>() };
    let said = if level >= abi::LOG_WARNING { format!("warning: {message}") } else { message };
    if locked(&shared.logged).insert(said.clone()) {
        (shared.log)(&said);
    }
}

unsafe extern "C" fn is_cancelled(host: *const abi::Host) -> u32 {
    // SAFETY: as in `log_message`.
    let shared = unsafe { &*(*host).context.cast::<Shared>() };
    u32::from(shared.cancelled.load(Ordering::Relaxed))
}

unsafe extern "C" fn no_extension(_: *const abi::Host, _: *const c_char) -> *const c_void {
    std::ptr::null()
}

/// Text for the other side; a zero byte in it ends it.
pub(crate) fn c_text(text: &str) -> CString {
    let end = text.find('\0').unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
