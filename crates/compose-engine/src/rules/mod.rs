//! The content of a rules file, parsed with spans, so that every mistake has its line.

mod as_json;
mod diagnostic;
mod mentioned;
mod schema;
pub mod settings;
pub mod values;

pub use as_json::tables;
pub use diagnostic::{Mistake, RulesFile};
pub use schema::schema;

use crate::registry::Registry;
use compose_core::fill_strategy::FillStrategy;
use compose_core::mask_rule::MaskRule;
use compose_core::settings::{Problem, SettingsTable, Spans, described};
use compose_core::suggest::did_you_mean;
use compose_io::access::{Access, driver_exists};
use compose_plugin_host::{LoadError, Plugin};
use settings::{GridSettings, Output, PluginSettings, Scene, Scenes, Target};
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The tables that a rules file may hold.
pub const TABLES: [&str; 8] = ["scenes", "scene", "target", "grid", "plugin", "mask", "fill", "output"];

/// A rules file, read and checked as far as text alone allows.
#[derive(Debug)]
pub struct Rules {
    /// The file; relative paths start from its folder.
    pub file: RulesFile,
    /// `[scenes]`, one or several.
    pub scenes: Vec<At<Scenes>>,
    /// `[[scene]]`.
    pub scene: Vec<At<Scene>>,
    /// `[target]`.
    pub target: At<Target>,
    /// `[grid]`.
    pub grid: At<GridSettings>,
    /// `[[plugin]]`, loaded.
    pub plugins: Vec<&'static Plugin>,
    /// `[[mask]]`.
    pub masks: Vec<At<Mask>>,
    /// `[[fill]]`.
    pub fills: Vec<At<Fill>>,
    /// `[output]`.
    pub output: At<Output>,
    /// The names that mask rules and fills may ask bands by.
    pub mentioned: BTreeSet<String>,
}

/// Something read from the rules file, with where it stands.
#[derive(Clone, Debug, Default)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// The places of its table and of each of its settings.
    pub spans: Spans,
}

/// A `[[mask]]`.
#[derive(Debug)]
pub struct Mask {
    /// Its `name`, or `mask 2` for the second one without.
    pub name: String,
    /// The rule.
    pub rule: Box<dyn MaskRule>,
}

/// A `[[fill]]`.
#[derive(Debug)]
pub struct Fill {
    /// Its `strategy`.
    pub name: String,
    /// The strategy.
    pub strategy: Box<dyn FillStrategy>,
}

impl Rules {
    /// Reads the text of a rules file; every mistake that text alone shows is reported.
    ///
    /// # Errors
    /// All mistakes found, in file order.
    pub fn parse(file: RulesFile, registry: &Registry) -> Result<Self, Vec<Mistake>> {
        let parsed = DeTable::parse(&file.text).map_err(|e| {
            let span = e.span().unwrap_or(0..0);
            vec![file.mistake_at(&span, &syntax(&file.text, &span, e.message()))]
        })?;
        let mut root = SettingsTable::new(parsed.span(), parsed.into_inner());
        let mut problems = unknown_tables(&root);
        let scenes = many(&mut root, "scenes", &mut problems, |t| t.read("[scenes]"));
        let scene = many(&mut root, "scene", &mut problems, |t| t.read("[[scene]]"));
        let target = one(&mut root, "target", &mut problems, |t| t.read("[target]"));
        let grid = one(&mut root, "grid", &mut problems, |t| t.read("[grid]"));
        let output = one(&mut root, "output", &mut problems, |t| t.read("[output]"));
        let (registry, plugins) = plugins(&file, &mut root, registry, &mut problems);
        if plugins.is_none() {
            // The names of its kinds are unknown, so tables that may name them cannot be judged.
            return Err(sorted(&file, problems));
        }
        let mut count = 0;
        let masks = many(&mut root, "mask", &mut problems, |t| {
            count += 1;
            mask(t, count, &registry)
        });
        let fills = many(&mut root, "fill", &mut problems, |t| fill(t, &registry));
        let whole = 0..0;
        if scenes.is_empty() && scene.is_empty() && problems.is_empty() {
            problems.push(Problem::new(whole, "no scenes: expected a [scenes] table or [[scene]] tables"));
        }
        if !problems.is_empty() {
            return Err(sorted(&file, problems));
        }
        let plugins = plugins.unwrap_or_default();
        let mentioned = mentioned::mentioned(&tables(&file.text), &registry);
        Ok(Self { scenes, scene, target, grid, plugins, masks, fills, output, mentioned, file: file.clone() })
    }
}

impl Rules {
    /// The files that scene files may open besides local ones, by all `[scenes]` together. GDAL is not asked.
    pub fn access(&self) -> Access {
        let said = || self.scenes.iter().map(|scenes| &scenes.value);
        Access {
            network: said().any(|scenes| scenes.network == Some(true)),
            drivers: said().flat_map(|scenes| scenes.drivers.iter().flatten().cloned()).collect(),
        }
    }

    /// As [`Rules::access`], with every driver looked up. This registers all of GDAL's drivers, so that it comes before
    /// [`compose_io::access::confine`] and never after it.
    ///
    /// # Errors
    /// A driver that this GDAL does not have.
    pub fn checked_access(&self) -> Result<Access, Vec<Mistake>> {
        let mut wrong = Vec::new();
        for scenes in &self.scenes {
            for driver in scenes.value.drivers.iter().flatten() {
                if let Err(known) = driver_exists(driver) {
                    let hint = did_you_mean(driver, known.iter().map(String::as_str));
                    let message = format!("[scenes] drivers: this GDAL has no driver \"{driver}\"{hint}");
                    wrong.push(self.file.mistake_at(&scenes.spans.of("drivers"), &message));
                }
            }
        }
        if wrong.is_empty() { Ok(self.access()) } else { Err(wrong) }
    }
}

fn sorted(file: &RulesFile, mut problems: Vec<Problem>) -> Vec<Mistake> {
    problems.sort_by_key(|p| p.span.start);
    problems.iter().map(|p| file.mistake(p)).collect()
}

/// Loads what `[[plugin]]` names; the registry with its kinds. No plugins where any cannot be had.
fn plugins(
    file: &RulesFile,
    root: &mut SettingsTable<'_>,
    registry: &Registry,
    problems: &mut Vec<Problem>,
) -> (Registry, Option<Vec<&'static Plugin>>) {
    let mut registry = registry.clone();
    let before = problems.len();
    let read = many(root, "plugin", problems, |table| {
        let settings: PluginSettings = table.read("[[plugin]]")?;
        load(file, &settings, &mut registry)
            .map_err(|(key, message)| vec![table.problem_at(key, format!("[[plugin]] {message}"))])
    });
    let loaded = (problems.len() == before).then(|| read.into_iter().map(|at| at.value).collect());
    (registry, loaded)
}

/// Loads one plugin; on refusal the setting that it is about, and why.
fn load(
    file: &RulesFile,
    settings: &PluginSettings,
    registry: &mut Registry,
) -> Result<&'static Plugin, (&'static str, String)> {
    let (key, path) = match (&settings.path, &settings.id) {
        (Some(path), None) => ("path", file.resolve(path)),
        (None, Some(id)) => ("id", compose_plugin_host::find(id).map_err(|e| ("id", e.to_string()))?),
        (Some(_), Some(_)) => {
            return Err(("id", "says both path and id; one of them names the library".into()));
        }
        (None, None) => {
            return Err(("path", "says neither path nor id; one of them names the library".into()));
        }
    };
    if settings.sha256.as_ref().is_some_and(|s| s.len() != 64 || !s.chars().all(|c| c.is_ascii_hexdigit())) {
        return Err((
            "sha256",
            "sha256 is no hash: expected 64 hexadecimal digits, as sha256sum prints them".into(),
        ));
    }
    let plugin = registry.host.load(&path, settings.sha256.as_deref());
    let plugin = plugin.map_err(|e| {
        let key = if matches!(e, LoadError::Hash { .. }) { "sha256" } else { key };
        (key, e.to_string())
    })?;
    if let Some(id) = settings.id.as_ref().filter(|id| !plugin.kinds.iter().any(|kind| kind.id == *id)) {
        let kinds = plugin.describe().join(", ");
        return Err(("id", format!("{} supplies no \"{id}\", but {kinds}", plugin.path.display())));
    }
    registry.add(plugin).map_err(|message| (key, message))?;
    Ok(plugin)
}

/// A mistake of the TOML itself, with the key that it is about.
fn syntax(text: &str, span: &Range<usize>, message: &str) -> String {
    let at = text.get(span.clone()).unwrap_or_default().trim();
    if message == "duplicate key" {
        // The second `[mask]`, or `[mask]` after `[[mask]]`.
        let lists = ["scenes", "scene", "plugin", "mask", "fill"];
        let header = text[..span.start.min(text.len())].ends_with('[');
        let list = lists.into_iter().find(|l| header && *l == at);
        let hint = list.map_or_else(String::new, |l| format!("; write [[{l}]] for each of several"));
        return format!("{message} \"{at}\"{hint}");
    }
    let line = text[..span.start.min(text.len())].rsplit('\n').next().unwrap_or_default();
    match line.trim_end().strip_suffix('=') {
        Some(key) if at.is_empty() => format!("{} has no value", key.trim()),
        _ => message.to_owned(),
    }
}

fn unknown_tables(root: &SettingsTable<'_>) -> Vec<Problem> {
    let unknown = root.keys().filter(|(key, _)| !TABLES.contains(key));
    unknown
        .map(|(key, span)| {
            let hint = did_you_mean(key, TABLES);
            let separator = if hint.is_empty() { ";" } else { "" };
            Problem::new(
                span,
                format!("unknown table \"{key}\"{hint}{separator} tables: {}", TABLES.join(", ")),
            )
        })
        .collect()
}

type Read<T> = Result<T, Vec<Problem>>;

/// The tables of `key`: a single table or an array of tables.
fn many<'a, T>(
    root: &mut SettingsTable<'a>,
    key: &str,
    problems: &mut Vec<Problem>,
    mut read: impl FnMut(SettingsTable<'a>) -> Read<T>,
) -> Vec<At<T>> {
    let Some(value) = root.take(key) else { return Vec::new() };
    let span = value.span();
    let tables: Vec<Spanned<DeValue<'a>>> = match value.into_inner() {
        DeValue::Array(items) => items.into_iter().collect(),
        other => vec![Spanned::new(span, other)],
    };
    let mut found = Vec::new();
    for table in tables {
        let table = SettingsTable::from_value(&table, key).map_err(|p| vec![p]);
        let spans = table.as_ref().map(SettingsTable::spans).unwrap_or_default();
        match table.and_then(&mut read) {
            Ok(value) => found.push(At { value, spans }),
            Err(wrong) => problems.extend(wrong),
        }
    }
    found
}

fn one<'a, T: Default>(
    root: &mut SettingsTable<'a>,
    key: &str,
    problems: &mut Vec<Problem>,
    read: impl FnMut(SettingsTable<'a>) -> Read<T>,
) -> At<T> {
    if let Some(value) = root.get(key).filter(|v| !v.get_ref().is_table()) {
        let what = described(value.get_ref());
        problems.push(Problem::new(value.span(), format!("[{key}] is {what}, expected one table")));
        return At::default();
    }
    many(root, key, problems, read).pop().unwrap_or_default()
}

fn mask(mut table: SettingsTable<'_>, count: usize, registry: &Registry) -> Read<Mask> {
    let name = table.take_str("name").map_err(|p| vec![p])?.map(Spanned::into_inner);
    let name = name.unwrap_or_else(|| format!("mask {count}"));
    let rule = compose_mask::parse_rule(table, &format!("mask \"{name}\""), &registry.masks)?;
    Ok(Mask { name, rule })
}

fn fill(table: SettingsTable<'_>, registry: &Registry) -> Read<Fill> {
    let (name, strategy) = compose_fill::parse_fill(table, "[[fill]]", &registry.fills, &registry.scores)?;
    Ok(Fill { name, strategy })
}
