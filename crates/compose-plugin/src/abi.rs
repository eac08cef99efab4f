//! The mirror of `compose_plugin.h`, which says what everything means.
//!
//! Names are those of the header without the prefix `compose_`, in Rust's spelling. Function pointers are
//! optional, because a plugin in C may leave one out; the host looks once, when it loads a library. A test
//! compiles the header and holds every size and offset to the mirror.

#![allow(missing_docs)]

use std::ffi::{c_char, c_void};

pub const ABI_MAJOR: u32 = 1;
pub const ABI_MINOR: u32 = 0;
pub const MAX_HALO: u32 = 1024;
pub const GAP: u32 = u32::MAX;
pub const COMPUTED: u32 = u32::MAX - 1;

pub const MASK_RULES: &std::ffi::CStr = c"compose.mask-rules/1";
pub const SCORES: &std::ffi::CStr = c"compose.scores/1";
pub const FILLS: &std::ffi::CStr = c"compose.fills/1";

/// Keys that tables of rules files have themselves: no setting is called so.
pub const RESERVED_KEYS: [&str; 12] =
    ["name", "kind", "strategy", "score", "plugin", "any", "all", "not", "open", "close", "shrink", "grow"];

/// The name of the exported symbol.
pub const ENTRY: &std::ffi::CStr = c"compose_plugin_entry";

pub type Status = i32;
pub const OK: Status = 0;
pub const ERROR: Status = 1;
pub const CANCELLED: Status = 2;

pub const LOG_INFO: u32 = 0;
pub const LOG_WARNING: u32 = 1;

pub const TYPE_INT: u32 = 0;
pub const TYPE_FLOAT: u32 = 1;
pub const TYPE_BOOL: u32 = 2;
pub const TYPE_STRING: u32 = 3;
pub const TYPE_CHOICE: u32 = 4;
pub const TYPE_BAND: u32 = 5;
pub const TYPE_LIST: u32 = 6;

pub const ROLE_DATA: u32 = 0;
pub const ROLE_QUALITY: u32 = 1;

pub const PLANE_U8: u32 = 0;
pub const PLANE_F32: u32 = 1;
pub const PLANE_U32: u32 = 2;

pub const THREADS_ONE: u32 = 0;
pub const THREADS_PER_INSTANCE: u32 = 1;
pub const THREADS_ANY: u32 = 2;

pub const ONE_BY_ONE: u32 = 0;
pub const WHOLE_STACK: u32 = 1;

#[repr(C)]
pub struct Host {
    pub abi_major: u32,
    pub abi_minor: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub context: *mut c_void,
    pub set_error: Option<unsafe extern "C" fn(*const Host, *const c_char)>,
    pub log: Option<unsafe extern "C" fn(*const Host, u32, *const c_char)>,
    pub cancelled: Option<unsafe extern "C" fn(*const Host) -> u32>,
    pub get_extension: Option<unsafe extern "C" fn(*const Host, *const c_char) -> *const c_void>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Value {
    pub is_set: u32,
    pub count: u32,
    pub integer: i64,
    pub number: f64,
    pub text: *const c_char,
    pub items: *const Value,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Setting {
    pub key: *const c_char,
    pub doc: *const c_char,
    pub kind: u32,
    pub element: u32,
    pub default_value: Value,
    pub required: u32,
    pub choice_count: u32,
    pub choices: *const *const c_char,
    pub min: f64,
    pub max: f64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Descriptor {
    pub id: *const c_char,
    pub version: *const c_char,
    pub summary: *const c_char,
    pub page: *const c_char,
    pub settings: *const Setting,
    pub setting_count: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Grid {
    pub width: i64,
    pub height: i64,
    pub geotransform: [f64; 6],
    pub metres_per_unit: f64,
    pub crs_name: *const c_char,
    pub crs_wkt: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Class {
    pub name: *const c_char,
    pub value: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Field {
    pub name: *const c_char,
    pub first_bit: u32,
    pub bits: u32,
    pub classes: *const Class,
    pub class_count: u32,
    pub is_ladder: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Band {
    pub name: *const c_char,
    pub aliases: *const *const c_char,
    pub alias_count: u32,
    pub role: u32,
    pub sample_type: *const c_char,
    pub layout: *const c_char,
    pub fields: *const Field,
    pub field_count: u32,
    pub has_scale: u32,
    pub scale: f64,
    pub offset: f64,
    pub grid: Grid,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Scene {
    pub id: *const c_char,
    pub sensor: *const c_char,
    pub has_day: u32,
    pub day: i32,
    pub grid: Grid,
    pub bands: *const Band,
    pub band_count: u32,
    pub wanted_count: u32,
    pub quality_band: i32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub col: i64,
    pub row: i64,
    pub width: i64,
    pub height: i64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Plane {
    pub data: *const c_void,
    pub valid: *const u8,
    pub stride: i64,
    pub valid_stride: i64,
    pub kind: u32,
    pub band: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Output {
    pub data: *mut c_void,
    pub stride: i64,
    pub kind: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct ScenePlan {
    pub bands: *mut u32,
    pub band_capacity: u32,
    pub band_count: u32,
    pub halo: u32,
    pub threads: u32,
    pub deterministic: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct Stack {
    pub scenes: *const Scene,
    pub scene_count: u32,
    pub target: i32,
    pub has_target_day: u32,
    pub target_day: i32,
    pub band_count: u32,
    pub joint: u32,
    pub reference: u32,
    pub reserved: u32,
    pub grid: Grid,
}

#[repr(C)]
pub struct FillPlan {
    pub donors: *mut u32,
    pub donor_capacity: u32,
    pub donor_count: u32,
    pub temporal: u32,
    pub halo: u32,
    pub wants_target: u32,
    pub threads: u32,
    pub deterministic: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct SceneInput {
    pub scene: *const Scene,
    pub grid: *const Grid,
    pub window: Window,
    pub halo: u32,
    pub plane_count: u32,
    pub planes: *const Plane,
}

pub type Create = unsafe extern "C" fn(*const Host, *const Value, u32, *mut *mut c_void) -> Status;
pub type Destroy = unsafe extern "C" fn(*mut c_void);
pub type PlanScene = unsafe extern "C" fn(*mut c_void, *const Host, *const Scene, *mut ScenePlan) -> Status;
pub type RunScene =
    unsafe extern "C" fn(*mut c_void, *const Host, *const SceneInput, *const Output) -> Status;
pub type PlanFill = unsafe extern "C" fn(*mut c_void, *const Host, *const Stack, *mut FillPlan) -> Status;
pub type RunFill =
    unsafe extern "C" fn(*mut c_void, *const Host, *const FillInput, *const FillOutput) -> Status;
pub type GetExtension = unsafe extern "C" fn(*const c_char) -> *const c_void;

/// `compose_mask_rule` and `compose_score`, which have the same shape: `run` is `mark` or `rate`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SceneKind {
    pub about: Descriptor,
    pub create: Option<Create>,
    pub destroy: Option<Destroy>,
    pub plan: Option<PlanScene>,
    pub run: Option<RunScene>,
    pub get_extension: Option<GetExtension>,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Donor {
    pub scene: *const Scene,
    pub planes: *const Plane,
    pub scene_index: u32,
    pub exact: u32,
}

#[repr(C)]
pub struct FillInput {
    pub stack: *const Stack,
    pub window: Window,
    pub halo: u32,
    pub donor_count: u32,
    pub donors: *const Donor,
    pub target: *const Plane,
    pub gaps: *const Plane,
    pub gap_count: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct FillOutput {
    pub values: *const Output,
    pub sources: *const Output,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct FillKind {
    pub about: Descriptor,
    pub create: Option<Create>,
    pub destroy: Option<Destroy>,
    pub plan: Option<PlanFill>,
    pub run: Option<RunFill>,
    pub get_extension: Option<GetExtension>,
}

/// A factory; `T` is [`SceneKind`] or [`FillKind`].
#[repr(C)]
pub struct Factory<T> {
    pub count: Option<unsafe extern "C" fn() -> u32>,
    pub get: Option<unsafe extern "C" fn(u32) -> *const T>,
}

#[repr(C)]
pub struct Entry {
    pub abi_major: u32,
    pub abi_minor: u32,
    pub get_factory: Option<unsafe extern "C" fn(*const c_char) -> *const c_void>,
}
