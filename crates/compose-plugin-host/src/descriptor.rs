//! The descriptor of a kind: copied out of the library and checked, once.

#![allow(unsafe_code)]

use compose_plugin::abi;
use std::ffi::{CStr, c_char};

/// A descriptor in our own memory.
#[derive(Debug)]
pub(crate) struct Declared {
    pub id: String,
    pub version: String,
    pub summary: String,
    pub page: Option<String>,
    pub settings: Vec<Setting>,
}

/// The declaration of a setting.
#[derive(Debug)]
pub(crate) struct Setting {
    pub key: String,
    pub doc: String,
    pub kind: SettingKind,
    pub required: bool,
    pub default: Option<Value>,
    /// Smallest and largest number.
    pub range: Option<(f64, f64)>,
}

/// The type of a setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SettingKind {
    Int,
    Float,
    Bool,
    Text,
    Choice(Vec<String>),
    Band,
    List(Box<SettingKind>),
}

impl SettingKind {
    /// A description, for people.
    fn describe(&self) -> String {
        match self {
            Self::Int => "a whole number".into(),
            Self::Float => "a number".into(),
            Self::Bool => "true or false".into(),
            Self::Text => "text".into(),
            Self::Choice(choices) => format!("one of \"{}\"", choices.join("\", \"")),
            Self::Band => "a band".into(),
            Self::List(element) => format!("a list, each {}", element.describe()),
        }
    }
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Text, or the name of a band.
    Text(String),
    /// One of the choices, by its index.
    Choice(u32, String),
    List(Vec<Value>),
}

/// More than any rule can mean; a count that was never set is larger.
const MOST: u32 = 10_000;

/// Refuses a kind that has left out a function.
pub(crate) fn check_callbacks(
    declared: &Declared,
    [create, destroy, plan]: [bool; 3],
    run: (&str, bool),
) -> Result<(), String> {
    let all = [("create", create), ("destroy", destroy), ("plan", plan), run];
    match all.iter().find(|(_, there)| !there) {
        None => Ok(()),
        Some((name, _)) => {
            Err(format!("\"{}\" {}: its function {name} is null", declared.id, declared.version))
        }
    }
}

impl Declared {
    /// Copies and checks a descriptor.
    ///
    /// # Safety
    /// The descriptor's pointers are null or valid, as the header asks.
    pub unsafe fn read(raw: &abi::Descriptor) -> Result<Self, String> {
        // SAFETY: passed on from the caller, here and below.
        let id = unsafe { text(raw.id, "its id") }?;
        check_name(&id, "its id")?;
        let of = |what: &str| format!("\"{id}\": {what}");
        // SAFETY: as above.
        let version = unsafe { text(raw.version, &of("its version")) }?;
        // SAFETY: as above.
        let summary = unsafe { text(raw.summary, &of("its summary")) }?;
        for (what, text) in [("version", &version), ("summary", &summary)] {
            if text.trim().is_empty() || text.contains(char::is_control) {
                return Err(of(&format!("its {what} is empty, or not one line of text")));
            }
        }
        let page = match raw.page.is_null() {
            true => None,
            // SAFETY: as above.
            false => Some(unsafe { text(raw.page, &of("its page")) }?),
        };
        // SAFETY: as above.
        let settings = unsafe { settings(raw) }.map_err(|message| of(&message))?;
        Ok(Self { id, version, summary, page, settings })
    }

    /// The note about a plugin with such a plan.
    pub fn notes(&self, deterministic: bool) -> Vec<String> {
        let differs = || format!("{} says that its answers may differ from run to run", self.who());
        if deterministic { Vec::new() } else { vec![differs()] }
    }

    /// The plugin as messages name it.
    pub fn who(&self) -> String {
        format!("plugin \"{}\" {}", self.id, self.version)
    }
}

/// # Safety
/// As for [`Declared::read`].
unsafe fn settings(raw: &abi::Descriptor) -> Result<Vec<Setting>, String> {
    // SAFETY: `settings` has `setting_count` elements, or is null.
    let raw = unsafe { slice(raw.settings, raw.setting_count, "its settings") }?;
    let mut settings: Vec<Setting> = Vec::new();
    for (nth, raw) in raw.iter().enumerate() {
        // SAFETY: passed on.
        let key = unsafe { text(raw.key, &format!("the key of setting {nth}")) }?;
        check_name(&key, &format!("the key of setting {nth}"))?;
        if abi::RESERVED_KEYS.contains(&key.as_str()) {
            return Err(format!(
                "setting \"{key}\": the tables of rules files have a key of this name already"
            ));
        }
        if settings.iter().any(|s| s.key == key) {
            return Err(format!("two settings are called \"{key}\""));
        }
        // SAFETY: passed on.
        let setting = unsafe { setting(raw, key.clone()) };
        settings.push(setting.map_err(|message| format!("setting \"{key}\": {message}"))?);
    }
    Ok(settings)
}

/// # Safety
/// As for [`Declared::read`].
unsafe fn setting(raw: &abi::Setting, key: String) -> Result<Setting, String> {
    // SAFETY: passed on, here and below.
    let doc = unsafe { text(raw.doc, "its doc") }?.trim().replace('\n', " ");
    // SAFETY: as above.
    let kind = unsafe { kind(raw) }?;
    let is_number = |kind: &SettingKind| matches!(kind, SettingKind::Int | SettingKind::Float);
    let numbers = match &kind {
        SettingKind::List(element) => is_number(element),
        kind => is_number(kind),
    };
    if raw.min.is_nan() || raw.max.is_nan() || raw.min > raw.max {
        return Err(format!("its range, from {} to {}, is none", raw.min, raw.max));
    }
    let range = (numbers && (raw.min, raw.max) != (0.0, 0.0)).then_some((raw.min, raw.max));
    let default = match raw.default_value.is_set {
        0 => None,
        // SAFETY: as above.
        _ => Some(unsafe { value(&raw.default_value, &kind) }.map_err(|m| format!("its default: {m}"))?),
    };
    let setting = Setting { key, doc, kind, required: raw.required != 0, default, range };
    if setting.required && setting.default.is_some() {
        return Err("it is required and has a default: it can only be one of both".into());
    }
    if let Some(message) = setting.default.as_ref().and_then(|value| setting.out_of_range(value)) {
        return Err(format!("its default: {message}"));
    }
    Ok(setting)
}

impl Setting {
    /// The expected value, for people: `a whole number, 1 to 50`.
    pub fn wanted(&self) -> String {
        let range = self.limits().map_or_else(String::new, |limits| format!(", {limits}"));
        self.kind.describe() + &range
    }

    /// `1 to 50`, where there is a range.
    fn limits(&self) -> Option<String> {
        let (low, high) = self.range?;
        Some(match (low.is_finite(), high.is_finite()) {
            (true, true) => format!("{low} to {high}"),
            (true, false) => format!("{low} or more"),
            (false, true) => format!("{high} or less"),
            (false, false) => return None,
        })
    }

    /// The mistake of a number that is outside the range.
    pub fn out_of_range(&self, value: &Value) -> Option<String> {
        let ((low, high), limits) = (self.range?, self.limits()?);
        let outside =
            |number: f64| (number < low || number > high).then(|| format!("{number}, expected {limits}"));
        match value {
            Value::Int(number) => outside(*number as f64),
            Value::Float(number) => outside(*number),
            Value::List(items) => items.iter().find_map(|item| self.out_of_range(item)),
            _ => None,
        }
    }
}

/// # Safety
/// As for [`Declared::read`].
unsafe fn kind(raw: &abi::Setting) -> Result<SettingKind, String> {
    Ok(match raw.kind {
        abi::TYPE_INT => SettingKind::Int,
        abi::TYPE_FLOAT => SettingKind::Float,
        abi::TYPE_BOOL => SettingKind::Bool,
        abi::TYPE_STRING => SettingKind::Text,
        abi::TYPE_BAND => SettingKind::Band,
        abi::TYPE_CHOICE => {
            // SAFETY: `choices` has `choice_count` elements, or is null.
            let raw = unsafe { slice(raw.choices, raw.choice_count, "its choices") }?;
            // SAFETY: each is text by contract.
            let choices: Result<Vec<String>, String> =
                raw.iter().map(|c| unsafe { text(*c, "a choice") }).collect();
            let choices = choices?;
            if choices.is_empty() {
                return Err("it is a choice of nothing".into());
            }
            SettingKind::Choice(choices)
        }
        abi::TYPE_LIST => SettingKind::List(Box::new(match raw.element {
            abi::TYPE_INT => SettingKind::Int,
            abi::TYPE_FLOAT => SettingKind::Float,
            abi::TYPE_STRING => SettingKind::Text,
            abi::TYPE_BAND => SettingKind::Band,
            other => return Err(format!("lists have no elements of type {other}")),
        })),
        other => return Err(format!("there is no type {other}")),
    })
}

/// # Safety
/// As for [`Declared::read`].
unsafe fn value(raw: &abi::Value, kind: &SettingKind) -> Result<Value, String> {
    Ok(match kind {
        SettingKind::Int => Value::Int(raw.integer),
        SettingKind::Float if raw.number.is_finite() => Value::Float(raw.number),
        SettingKind::Float => return Err(format!("{} is no number", raw.number)),
        SettingKind::Bool => Value::Bool(raw.integer != 0),
        // SAFETY: passed on.
        SettingKind::Text | SettingKind::Band => Value::Text(unsafe { text(raw.text, "its text") }?),
        SettingKind::Choice(choices) => match choices.get(raw.count as usize) {
            Some(choice) => Value::Choice(raw.count, choice.clone()),
            None => return Err(format!("there is no choice {}", raw.count)),
        },
        SettingKind::List(element) => {
            // SAFETY: `items` has `count` elements, or is null.
            let items = unsafe { slice(raw.items, raw.count, "its items") }?;
            // SAFETY: passed on.
            let items = items.iter().map(|item| unsafe { value(item, element) });
            Value::List(items.collect::<Result<_, _>>()?)
        }
    })
}

/// # Safety
/// `pointer` has `count` elements, or is null.
unsafe fn slice<'a, T>(pointer: *const T, count: u32, what: &str) -> Result<&'a [T], String> {
    match (count, pointer.is_null()) {
        (0, _) => Ok(&[]),
        (_, true) => Err(format!("{what} are NULL, and there should be {count}")),
        (count, _) if count > MOST => Err(format!("{what} are {count}, more than can be meant")),
        // SAFETY: by the caller's promise; the library is never unloaded.
        _ => Ok(unsafe { std::slice::from_raw_parts(pointer, count as usize) }),
    }
}

/// # Safety
/// `pointer` is null, or ends with a zero byte.
unsafe fn text(pointer: *const c_char, what: &str) -> Result<String, String> {
    if pointer.is_null() {
        return Err(format!("{what} is NULL"));
    }
    // SAFETY: not null, and ends with a zero byte by the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map(str::to_owned).map_err(|_| format!("{what} is not UTF-8: {:?}", text.to_string_lossy()))
}

/// Names go into rules files: a-z, 0-9 and dashes, beginning with a letter.
pub(crate) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits)
}

fn check_name(name: &str, what: &str) -> Result<(), String> {
    if is_name(name) {
        return Ok(());
    }
    Err(format!("{what} is \"{}\", expected a-z, 0-9 and -, beginning with a letter", name.escape_debug()))
}
