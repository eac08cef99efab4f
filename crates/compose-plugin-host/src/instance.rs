//! Instances of a kind: made, kept, handed to calls as the plan allows, destroyed.

#![allow(unsafe_code)]

use crate::descriptor::Declared;
use crate::library_context::LibraryContext;
use crate::settings::Values;
use compose_core::KindError;
use compose_plugin::abi;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

/// An instance, destroyed when dropped.
pub(crate) struct Instance {
    at: *mut c_void,
    destroy: abi::Destroy,
}

// SAFETY: the header lets instances be used from any thread; that no two calls meet where the plan forbids it is
// what `Pool` is for.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Instance {
    /// Takes over what `create` has made.
    pub fn new(at: *mut c_void, destroy: abi::Destroy) -> Self {
        Self { at, destroy }
    }

    pub fn as_ptr(&self) -> *mut c_void {
        self.at
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: made by `create` of the same kind, and no call on it is left.
        unsafe { (self.destroy)(self.at) };
    }
}

/// Looked at when the library was loaded.
pub(crate) fn missing() -> KindError {
    KindError::new("a function of the plugin is null")
}

/// Makes an instance.
pub(crate) fn create(
    context: LibraryContext,
    declared: &Declared,
    functions: (Option<abi::Create>, Option<abi::Destroy>),
    values: &Values,
) -> Result<Instance, KindError> {
    let (Some(create), Some(destroy)) = functions else { return Err(missing()) };
    let mut at = std::ptr::null_mut();
    let raw = values.as_raw();
    context.host.call(&declared.who(), &|| "create".into(), |host| {
        // SAFETY: all pointers are valid for the call; there are as many values as settings are declared.
        unsafe { create(host, raw.as_ptr(), raw.len() as u32, &raw mut at) }
    })?;
    Ok(Instance::new(at, destroy))
}

/// The number of calls that may be made at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// One in the whole library.
    One,
    /// One per instance.
    PerInstance,
    /// Any number.
    Any,
}

impl Threads {
    pub fn read(raw: u32) -> Result<Self, KindError> {
        match raw {
            abi::THREADS_ONE => Ok(Self::One),
            abi::THREADS_PER_INSTANCE => Ok(Self::PerInstance),
            abi::THREADS_ANY => Ok(Self::Any),
            other => Err(KindError::new(format!("threads = {other}, which is no enum compose_threads"))),
        }
    }
}

/// Makes one more instance that has planned like the first.
type Make = Box<dyn Fn() -> Result<Instance, KindError> + Send + Sync>;

/// The instances that serve one scene or one output.
pub(crate) struct Pool {
    context: LibraryContext,
    threads: Threads,
    /// The instances on which no call is being made.
    idle: Mutex<Vec<Instance>>,
    /// Used by all calls where the plan allows any number of them.
    shared: Option<Instance>,
    make: Make,
}

impl Pool {
    /// `first` has planned; `make` makes more like it.
    pub fn new(context: LibraryContext, threads: Threads, first: Instance, make: Make) -> Self {
        let (idle, shared) = match threads {
            Threads::Any => (Vec::new(), Some(first)),
            Threads::One | Threads::PerInstance => (vec![first], None),
        };
        Self { context, threads, idle: Mutex::new(idle), shared, make }
    }

    /// Calls with an instance on which the plan allows a call now.
    pub fn with(&self, call: impl FnOnce(*mut c_void) -> Result<(), KindError>) -> Result<(), KindError> {
        // A call that wants the library for itself waits for all others, and they for it.
        let (_alone, _among);
        if self.threads == Threads::One {
            _alone = self.context.lock.write().unwrap_or_else(PoisonError::into_inner);
        } else {
            _among = self.context.lock.read().unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(shared) = &self.shared {
            return call(shared.as_ptr());
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let instance = match idle {
            Some(instance) => instance,
            None => (self.make)()?,
        };
        let result = call(instance.as_ptr());
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        result
    }
}
