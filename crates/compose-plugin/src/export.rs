//! The exported symbol: what a library has, and where compose finds it.

#![allow(unsafe_code)]

use crate::shims::{self, Fills, Kind, Masks, Scoring};
use crate::{Fill, MaskRule, Score, Settings, abi, panics, raw};
use std::ffi::{CStr, c_char, c_void};

/// Exports the kinds of this library: once, in a crate of type `cdylib`.
///
/// ```text
/// compose_plugin::export! { mask_rules: [Above], scores: [], fills: [Latest, Brightest] }
/// ```
#[macro_export]
macro_rules! export {
    // The library without the symbol, for tests of the border.
    (
        @library $library:ident,
        mask_rules: [$($rule:ty),* $(,)?],
        scores: [$($score:ty),* $(,)?],
        fills: [$($fill:ty),* $(,)?] $(,)?
    ) => {
        struct $library;

        impl $crate::macros::Library for $library {
            fn kinds() -> &'static $crate::macros::Kinds {
                static KINDS: ::std::sync::OnceLock<$crate::macros::Kinds> = ::std::sync::OnceLock::new();
                KINDS.get_or_init(|| {
                    $crate::macros::Kinds::new::<$library>(
                        ::std::vec![$($crate::macros::mask_rule::<$rule>()),*],
                        ::std::vec![$($crate::macros::score::<$score>()),*],
                        ::std::vec![$($crate::macros::fill::<$fill>()),*],
                    )
                })
            }
        }
    };
    ($($kinds:tt)*) => {
        const _: () = {
            $crate::export! { @library __Plugin, $($kinds)* }

            #[unsafe(no_mangle)]
            pub static compose_plugin_entry: $crate::abi::Entry = $crate::macros::entry::<__Plugin>();
        };
    };
}

/// The library that [`export!`](crate::export!) makes.
pub trait Library: 'static {
    /// Its kinds, made when they are first asked for, and then always the same.
    fn kinds() -> &'static Kinds;
}

/// The kinds of a library and the factories that hand them out.
pub struct Kinds {
    mask_rules: Vec<abi::SceneKind>,
    scores: Vec<abi::SceneKind>,
    fills: Vec<abi::FillKind>,
    mask_factory: abi::Factory<abi::SceneKind>,
    score_factory: abi::Factory<abi::SceneKind>,
    fill_factory: abi::Factory<abi::FillKind>,
}

// SAFETY: its pointers are to leaked texts and declarations, which nobody changes.
unsafe impl Send for Kinds {}
// SAFETY: as above.
unsafe impl Sync for Kinds {}

impl Kinds {
    /// Those of the library `L`.
    pub fn new<L: Library>(
        mask_rules: Vec<abi::SceneKind>,
        scores: Vec<abi::SceneKind>,
        fills: Vec<abi::FillKind>,
    ) -> Self {
        Kinds {
            mask_rules,
            scores,
            fills,
            mask_factory: factory::<L, MaskRules>(),
            score_factory: factory::<L, Scores>(),
            fill_factory: factory::<L, FillStrategies>(),
        }
    }
}

/// One of the three sorts of kinds.
trait Sort: 'static {
    type Table: 'static;
    fn of(kinds: &Kinds) -> &[Self::Table];
}

struct MaskRules;
struct Scores;
struct FillStrategies;

impl Sort for MaskRules {
    type Table = abi::SceneKind;
    fn of(kinds: &Kinds) -> &[abi::SceneKind] {
        &kinds.mask_rules
    }
}
impl Sort for Scores {
    type Table = abi::SceneKind;
    fn of(kinds: &Kinds) -> &[abi::SceneKind] {
        &kinds.scores
    }
}
impl Sort for FillStrategies {
    type Table = abi::FillKind;
    fn of(kinds: &Kinds) -> &[abi::FillKind] {
        &kinds.fills
    }
}

fn factory<L: Library, S: Sort>() -> abi::Factory<S::Table> {
    abi::Factory { count: Some(count::<L, S>), get: Some(get::<L, S>) }
}

// Neither panics: kinds were made before the host got the factory.
unsafe extern "C" fn count<L: Library, S: Sort>() -> u32 {
    S::of(L::kinds()).len() as u32
}

unsafe extern "C" fn get<L: Library, S: Sort>(index: u32) -> *const S::Table {
    S::of(L::kinds()).get(index as usize).map_or(std::ptr::null(), std::ptr::from_ref)
}

/// The exported symbol of the library `L`.
pub const fn entry<L: Library>() -> abi::Entry {
    abi::Entry { abi_major: abi::ABI_MAJOR, abi_minor: abi::ABI_MINOR, get_factory: Some(get_factory::<L>) }
}

unsafe extern "C" fn get_factory<L: Library>(id: *const c_char) -> *const c_void {
    panics::install_hook();
    let kinds = panics::catch(|| Ok(L::kinds()));
    // SAFETY: the host passes a text.
    match (unsafe { CStr::from_ptr(id) }, kinds) {
        (id, Ok(kinds)) if id == abi::MASK_RULES => (&raw const kinds.mask_factory).cast(),
        (id, Ok(kinds)) if id == abi::SCORES => (&raw const kinds.score_factory).cast(),
        (id, Ok(kinds)) if id == abi::FILLS => (&raw const kinds.fill_factory).cast(),
        (_, Ok(_)) => std::ptr::null(),
        (_, Err(error)) => {
            // Defaults of settings are expressions. There is no host to tell yet.
            eprintln!("compose plugin: {error}");
            std::ptr::null()
        }
    }
}

/// The table of a mask rule.
pub fn mask_rule<R: MaskRule>() -> abi::SceneKind {
    scene_kind::<Masks<R>>()
}

/// The table of a score.
pub fn score<S: Score>() -> abi::SceneKind {
    scene_kind::<Scoring<S>>()
}

fn scene_kind<K: shims::SceneKind>() -> abi::SceneKind {
    abi::SceneKind {
        about: descriptor::<K>(),
        create: Some(shims::create::<K>),
        destroy: Some(shims::destroy::<K>),
        plan: Some(shims::plan_scene::<K>),
        run: Some(shims::run_scene::<K>),
        get_extension: None,
    }
}

/// The table of a fill.
pub fn fill<F: Fill>() -> abi::FillKind {
    abi::FillKind {
        about: descriptor::<Fills<F>>(),
        create: Some(shims::create::<Fills<F>>),
        destroy: Some(shims::destroy::<Fills<F>>),
        plan: Some(shims::plan_fill::<F>),
        run: Some(shims::run_fill::<F>),
        get_extension: None,
    }
}

fn descriptor<K: Kind>() -> abi::Descriptor {
    const { K::ABOUT.check() };
    let settings: Vec<_> = K::Settings::declare().iter().map(|declaration| declaration.leak()).collect();
    abi::Descriptor {
        id: raw::leak_text(K::ABOUT.id),
        version: raw::leak_text(K::ABOUT.version),
        summary: raw::leak_text(K::ABOUT.summary),
        page: K::ABOUT.page.map_or(std::ptr::null(), raw::leak_text),
        setting_count: settings.len() as u32,
        settings: raw::leak_slice(settings),
        reserved: 0,
    }
}
