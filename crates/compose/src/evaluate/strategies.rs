//! The strategies of an evaluation: each fill of the rules file by itself, and strategies with their defaults.

use crate::args::{EvaluateArgs, threads};
use compose_core::suggest::unknown_kind;
use compose_engine::{EngineError, Options, Plan, Registry, Rules, RulesFile};
use compose_io::access::confine;
use compose_io::text::{LARGEST_TEXT, read_text};
use std::path::PathBuf;

/// The plain copy that every fill is held to, and the strategy that it is with its defaults.
pub const COPY: &str = "copy";
const PLAIN: &str = "nearest-date";

/// A strategy by itself.
pub struct Strategy {
    /// Its name in the table.
    pub name: String,
    /// The run with this fill alone.
    pub plan: Plan,
}

/// Every strategy that can be tried, the plain copy first; and why others cannot.
pub fn make(args: &EvaluateArgs, registry: &Registry) -> Result<(Vec<Strategy>, Vec<String>), EngineError> {
    let text = text_of(args)?;
    let parse = |text: String| {
        Rules::parse(RulesFile { path: args.rules.clone(), text }, registry).map_err(EngineError::Rules)
    };
    let of_file = parse(text.clone())?;
    confine(&of_file.checked_access().map_err(EngineError::Rules)?);
    refuse_unknown(args, registry, &of_file)?;
    let options = options(args, &of_file);
    let names: Vec<String> = of_file.fills.iter().map(|fill| fill.value.name.clone()).collect();
    let (mut strategies, mut left_out) = (Vec::new(), Vec::new());
    for (nth, name) in names.iter().enumerate() {
        let mut rules = parse(text.clone())?;
        rules.fills = rules.fills.into_iter().skip(nth).take(1).collect();
        let plan = Plan::make(&rules, &options)?;
        let before = names[..nth].iter().filter(|other| *other == name).count();
        let name = if before == 0 { name.clone() } else { format!("{name} ({})", before + 1) };
        strategies.push(Strategy { name, plan });
    }
    let wanted = args.strategies.iter().map(String::as_str).filter(|name| *name != "none");
    for (name, strategy) in [(COPY, PLAIN)].into_iter().chain(wanted.map(|name| (name, name))) {
        if strategies.iter().any(|s| s.name == name) {
            continue;
        }
        match by_default(strategy, &text, &parse, &options) {
            Ok(plan) => strategies.push(Strategy { name: name.to_owned(), plan }),
            Err(why) => left_out.push(format!("left out: strategy {name}: {}", reason(&why))),
        }
    }
    if strategies.is_empty() {
        return Err(EngineError::Option { option: "--strategies".into(), message: left_out.join("\n") });
    }
    strategies.sort_by_key(|strategy| strategy.name != COPY);
    Ok((strategies, left_out))
}

/// Refuses names that no strategy has.
fn refuse_unknown(args: &EvaluateArgs, registry: &Registry, rules: &Rules) -> Result<(), EngineError> {
    let of_plugins = rules.plugins.iter().flat_map(|plugin| &plugin.fills);
    let known: Vec<&str> = registry.fills.iter().chain(of_plugins).map(|kind| kind.name).collect();
    let stranger = args.strategies.iter().find(|name| *name != "none" && !known.contains(&name.as_str()));
    stranger.map_or(Ok(()), |name| {
        let message = format!("unknown strategy \"{name}\"{}", unknown_kind(name, &known, "strategies"));
        Err(EngineError::Option { option: "--strategies".into(), message })
    })
}

/// Why a strategy cannot be tried, without lines of the rules file: what was added to it stands in none of them.
fn reason(why: &EngineError) -> String {
    match why {
        EngineError::Rules(mistakes) => {
            mistakes.iter().map(|m| m.message.as_str()).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn text_of(args: &EvaluateArgs) -> Result<String, EngineError> {
    Ok(read_text(&args.rules, LARGEST_TEXT)?)
}

/// The plan that fills nothing.
pub fn without_fills(args: &EvaluateArgs, registry: &Registry) -> Result<Plan, EngineError> {
    let file = RulesFile { path: args.rules.clone(), text: text_of(args)? };
    let mut rules = Rules::parse(file, registry).map_err(EngineError::Rules)?;
    let options = options(args, &rules);
    // Without a target there is nothing to hide, which is told later; a plan without either cannot be made.
    if options.target.is_some() || rules.target.value.scene.is_some() {
        rules.fills.clear();
    }
    Plan::make(&rules, &options)
}

/// The plan with one strategy and its defaults.
fn by_default(
    name: &str,
    text: &str,
    parse: &dyn Fn(String) -> Result<Rules, EngineError>,
    options: &Options,
) -> Result<Plan, EngineError> {
    let mut rules = parse(format!("{text}\n[[fill]]\nstrategy = {name:?}\n"))?;
    rules.fills = rules.fills.pop().into_iter().collect();
    Plan::make(&rules, options)
}

/// The output path of the rules file is not used: existing files and a missing {id} are no mistakes.
fn options(args: &EvaluateArgs, rules: &Rules) -> Options {
    let target = args.target.is_some() || rules.target.value.scene.is_some();
    Options {
        output: Some(PathBuf::from(if target { "evaluated-{id}.tif" } else { "evaluated.tif" })),
        plan_only: true,
        without_output: true,
        threads: threads(args.threads),
        fewer_threads: args.threads.is_none(),
        mem_limit: args.mem_limit,
        target: args.target.clone(),
        bounds: args.bounds,
        area: args.area.area.clone(),
        area_layer: args.area.area_layer.clone(),
        area_filter: args.area.area_filter.clone(),
        area_touch: args.area.area_touch,
        ..Options::default()
    }
}
