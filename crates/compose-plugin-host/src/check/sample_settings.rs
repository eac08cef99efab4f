//! Settings to try: what the user gives, defaults, edges, choices, and others at random.

use super::random::Random;
use crate::descriptor::{Declared, Setting, SettingKind, Value};

/// A value for each setting, in the order of their declarations.
pub type Settings = Vec<Option<Value>>;

/// Bands that every usual fixture has, by names that plugins may use.
const BANDS: [&str; 6] = ["red", "nir", "blue", "green", "swir1", "B4"];

/// Settings drawn at random.
const DRAWN: usize = 32;

/// The settings that trials of pixels start with: what the user gives, else defaults, else a sample.
pub fn first(declared: &Declared, from_user: Option<&Settings>) -> Settings {
    if let Some(settings) = from_user {
        return settings.clone();
    }
    let mut random = Random::new(1);
    let value = |(nth, setting): (usize, &Setting)| match (&setting.default, setting.required) {
        (Some(default), _) => Some(default.clone()),
        (None, false) => None,
        (None, true) => Some(plausible(setting, nth, &mut random)),
    };
    declared.settings.iter().enumerate().map(value).collect()
}

/// The first settings with one of them at an edge, at another choice, or absent.
pub fn varied(declared: &Declared, first: &Settings) -> Vec<Settings> {
    let mut all = Vec::new();
    for (nth, setting) in declared.settings.iter().enumerate() {
        let mut values: Vec<Option<Value>> =
            edges(&setting.kind, setting.range).into_iter().map(Some).collect();
        if !setting.required && setting.default.is_none() {
            values.push(None);
        }
        for value in values.into_iter().filter(|value| *value != first[nth]) {
            let mut settings = first.clone();
            settings[nth] = value;
            all.push(settings);
        }
    }
    all
}

/// Settings at random, within their ranges.
pub fn drawn(declared: &Declared) -> Vec<Settings> {
    let mut random = Random::new(20_240_229);
    let draw = |_| -> Settings {
        let one = |(nth, setting): (usize, &Setting)| {
            let optional = !setting.required && setting.default.is_none();
            (!(optional && random.below(3) == 0)).then(|| plausible(setting, nth, &mut random))
        };
        declared.settings.iter().enumerate().map(one).collect()
    };
    if declared.settings.is_empty() { Vec::new() } else { (0..DRAWN).map(draw).collect() }
}

/// Names of bands in settings, for which there should be bands.
pub fn bands(declared: &Declared, all: &[&Settings]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |value: &Value| {
        if let Value::Text(name) = value
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    };
    for settings in all {
        for (setting, value) in declared.settings.iter().zip(settings.iter()) {
            match (&setting.kind, value) {
                (SettingKind::Band, Some(value)) => add(value),
                (SettingKind::List(element), Some(Value::List(items))) if **element == SettingKind::Band => {
                    items.iter().for_each(&mut add);
                }
                _ => {}
            }
        }
    }
    names
}

fn edges(kind: &SettingKind, range: Option<(f64, f64)>) -> Vec<Value> {
    match kind {
        SettingKind::Int => {
            let (low, high) = range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            // A float beyond the whole numbers becomes the nearest of them.
            let ends = [low.ceil() as i64, 0, 1, high.floor() as i64];
            let inside = ends.into_iter().filter(|n| *n as f64 >= low && *n as f64 <= high);
            inside.map(Value::Int).collect()
        }
        SettingKind::Float => {
            let (low, high) = range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            let ends = [low.max(-1e30), 0.0, 1.0, high.min(1e30)];
            ends.into_iter().filter(|n| *n >= low && *n <= high).map(Value::Float).collect()
        }
        SettingKind::Bool => vec![Value::Bool(false), Value::Bool(true)],
        SettingKind::Text => ["", "x", "żółw", &"long ".repeat(200)].map(|t| Value::Text(t.into())).into(),
        SettingKind::Band => vec![Value::Text(BANDS[0].into()), Value::Text(BANDS[1].into())],
        SettingKind::Choice(choices) => {
            let choice = |(nth, text): (usize, &String)| Value::Choice(nth as u32, text.clone());
            choices.iter().enumerate().map(choice).collect()
        }
        SettingKind::List(element) => {
            let items = edges(element, range);
            let mut lists = vec![Vec::new(), items.clone()];
            lists.extend(items.into_iter().map(|item| vec![item]));
            lists.into_iter().map(Value::List).collect()
        }
    }
}

/// A value within the range; small where there is none.
fn plausible(setting: &Setting, nth: usize, random: &mut Random) -> Value {
    of_kind(&setting.kind, setting.range, nth, random)
}

fn of_kind(kind: &SettingKind, range: Option<(f64, f64)>, nth: usize, random: &mut Random) -> Value {
    // An open end is taken for one that is not far.
    let (low, high) = range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let low = if low.is_finite() { low } else { high.min(1.0) - 1.0 };
    let high = if high.is_finite() { high } else { low + 10.0 };
    match kind {
        SettingKind::Int => {
            let (low, high) = (low.ceil(), high.floor());
            let number = low + (random.unit() * (high - low + 1.0)).floor();
            Value::Int(number.min(high) as i64)
        }
        SettingKind::Float => Value::Float(low + random.unit() * (high - low)),
        SettingKind::Bool => Value::Bool(random.below(2) == 1),
        SettingKind::Text => Value::Text("text".into()),
        SettingKind::Band => Value::Text(BANDS[nth % BANDS.len()].into()),
        SettingKind::Choice(choices) => {
            let choice = random.below(choices.len());
            Value::Choice(choice as u32, choices[choice].clone())
        }
        SettingKind::List(element) => {
            let count = 1 + random.below(3);
            Value::List((0..count).map(|n| of_kind(element, range, nth + n, random)).collect())
        }
    }
}
