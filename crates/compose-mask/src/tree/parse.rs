//! From a table of the rules file to a tree.

use super::node::{Content, Node, Step};
use crate::length::Length;
use crate::morph::Morphology;
use compose_core::mask_rule::MaskKind;
use compose_core::settings::{described, property_names};
use compose_core::suggest::{did_you_mean, nearest, unknown_kind};
use compose_core::{MaskRule, Problem, SettingsTable};
use toml::Spanned;
use toml::de::DeValue;

/// Keys of a table that is not a kind.
const LISTS: [&str; 3] = ["any", "all", "not"];

/// Reads one `[[mask]]` table with the kinds of this crate and of plugins.
///
/// `what` names the table in messages, such as `mask "cloud"`. A `name` at the top is taken as read.
///
/// # Errors
/// Every mistake in the table, with where it stands.
pub fn parse_rule(
    mut table: SettingsTable<'_>,
    what: &str,
    kinds: &[&MaskKind],
) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    table.take("name");
    match node(table, kinds) {
        Ok(node) => Ok(Box::new(node)),
        Err(problems) => {
            let said = problems.into_iter().map(|p| Problem::new(p.span, format!("{what}: {}", p.message)));
            Err(said.collect())
        }
    }
}

/// Reads a rule that is a setting of a kind: the table under `key`.
///
/// # Errors
/// No such key, or every mistake in its table.
pub(crate) fn nested(
    table: &SettingsTable<'_>,
    key: &str,
    kinds: &[&MaskKind],
) -> Result<Node, Vec<Problem>> {
    let Some(value) = table.get(key) else {
        return Err(vec![table.problem(format!(
            "{key} is missing; it is a rule, such as {key} = {{ kind = \"bits\", any = [\"cloud\"] }}"
        ))]);
    };
    let inner = SettingsTable::from_value(value, key).map_err(|p| vec![p])?;
    let said = |p: Problem| Problem::new(p.span, format!("{key}: {}", p.message));
    node(inner, kinds).map_err(|problems| problems.into_iter().map(said).collect())
}

fn node(mut table: SettingsTable<'_>, kinds: &[&MaskKind]) -> Result<Node, Vec<Problem>> {
    let (steps, mut problems) = steps(&mut table);
    let content = if table.get("kind").is_some() { kind(table, kinds) } else { list(&table, kinds) };
    match content {
        Ok(content) if problems.is_empty() => Ok(Node { content, steps }),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// Takes the changes of shape out of the table, in the order in which they are applied.
fn steps(table: &mut SettingsTable<'_>) -> (Vec<Step>, Vec<Problem>) {
    let (mut steps, mut problems) = (Vec::new(), Vec::new());
    for morphology in Morphology::ALL {
        let Some(value) = table.take(morphology.key()) else { continue };
        match Length::read(morphology.key(), &value) {
            Ok(length) => steps.push(Step { morphology, length, span: value.span() }),
            Err(problem) => problems.push(problem),
        }
    }
    (steps, problems)
}

fn kind(mut table: SettingsTable<'_>, kinds: &[&MaskKind]) -> Result<Content, Vec<Problem>> {
    let Some(name) = table.take_str("kind").map_err(|p| vec![p])? else {
        return Err(vec![no_kind(&table, kinds)]);
    };
    let Some(kind) = kinds.iter().find(|k| k.name == name.get_ref()) else {
        let known: Vec<&str> = kinds.iter().map(|k| k.name).collect();
        let message =
            format!("unknown kind \"{}\"{}", name.get_ref(), unknown_kind(name.get_ref(), &known, "kinds"));
        return Err(vec![Problem::new(name.span(), message)]);
    };
    let known = property_names(&(kind.schema)());
    let problems: Vec<Problem> = table
        .keys()
        .filter(|(key, _)| !known.is_empty() && !known.iter().any(|k| k == key))
        .map(|(key, span)| Problem::new(span, not_of_kind(key, kind.name, &known)))
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    (kind.parse)(&table).map(|rule| Content::Kind(rule, table.spans()))
}

fn not_of_kind(key: &str, kind: &str, known: &[String]) -> String {
    if LISTS.contains(&key) {
        return format!("{key} cannot stand beside kind = \"{kind}\"; put the kind's own table inside {key}");
    }
    let known: Vec<&str> =
        known.iter().map(String::as_str).chain(Morphology::ALL.map(Morphology::key)).collect();
    unknown_key(key, &known)
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    let hint = did_you_mean(key, known.iter().copied());
    let separator = if hint.is_empty() { ";" } else { "" };
    format!("unknown key \"{key}\"{hint}{separator} known keys: {}", known.join(", "))
}

fn names(kinds: &[&MaskKind]) -> String {
    kinds.iter().map(|k| k.name).collect::<Vec<_>>().join(", ")
}

/// A table without `kind`: exactly one of `any`, `all` and `not`.
fn list(table: &SettingsTable<'_>, kinds: &[&MaskKind]) -> Result<Content, Vec<Problem>> {
    let present: Vec<(&str, &Spanned<DeValue<'_>>)> =
        LISTS.into_iter().filter_map(|key| table.get(key).map(|value| (key, value))).collect();
    let strangers = strangers(table);
    match present[..] {
        [] => Err(vec![no_kind(table, kinds)]),
        [_] if !strangers.is_empty() => Err(strangers),
        [("not", value)] => {
            let table = SettingsTable::from_value(value, "not").map_err(|p| vec![p])?;
            Ok(Content::Not(Box::new(node(table, kinds)?)))
        }
        [("all", value)] => children("all", value, kinds).map(Content::All),
        [(key, value)] => children(key, value, kinds).map(Content::Any),
        [(first, _), (second, _), ..] => {
            let message =
                format!("both {first} and {second}; put one inside the other, to say which comes first");
            Err(vec![Problem::new(table.key_span(second), message)])
        }
    }
}

/// Keys that belong to no list table; `kind` is named among the known ones, for it may be what was meant.
fn strangers(table: &SettingsTable<'_>) -> Vec<Problem> {
    let known: Vec<&str> =
        ["kind"].into_iter().chain(LISTS).chain(Morphology::ALL.map(Morphology::key)).collect();
    let strange = table.keys().filter(|(key, _)| !known.contains(key));
    strange.map(|(key, span)| Problem::new(span, unknown_key(key, &known))).collect()
}

fn no_kind(table: &SettingsTable<'_>, kinds: &[&MaskKind]) -> Problem {
    match table.keys().find(|(key, _)| nearest(key, ["kind"]).is_some()) {
        Some((key, span)) => Problem::new(span, format!("unknown key \"{key}\"; did you mean \"kind\"?")),
        None => {
            let names = names(kinds);
            table.problem(format!(
                "says neither kind nor any, all or not, so it marks nothing; kinds: {names}"
            ))
        }
    }
}

fn children(key: &str, value: &Spanned<DeValue<'_>>, kinds: &[&MaskKind]) -> Result<Vec<Node>, Vec<Problem>> {
    let wrong = |span, message| Err(vec![Problem::new(span, message)]);
    let Some(items) = value.get_ref().as_array() else {
        let found = described(value.get_ref());
        return wrong(value.span(), format!("{key} is {found}, expected a list of rules"));
    };
    if items.is_empty() {
        return wrong(value.span(), format!("{key} is empty; put at least one rule into it"));
    }
    let (mut nodes, mut problems) = (Vec::new(), Vec::new());
    for item in items.iter() {
        match child(key, item, kinds) {
            Ok(node) => nodes.push(node),
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(nodes) } else { Err(problems) }
}

fn child(key: &str, item: &Spanned<DeValue<'_>>, kinds: &[&MaskKind]) -> Result<Node, Vec<Problem>> {
    if item.get_ref().as_str().is_some() {
        let found = described(item.get_ref());
        let message = format!(
            "{key} holds {found}; a list of flags needs kind = \"bits\", a list of rules holds tables"
        );
        return Err(vec![Problem::new(item.span(), message)]);
    }
    node(SettingsTable::from_value(item, &format!("an entry of {key}")).map_err(|p| vec![p])?, kinds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KINDS;

    fn refused(toml: &str) -> Vec<(String, String)> {
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        let table = SettingsTable::new(0..toml.len(), table);
        let problems =
            parse_rule(table, "mask \"m\"", &KINDS.iter().collect::<Vec<_>>()).err().unwrap_or_default();
        problems
            .into_iter()
            .map(|p| (toml[p.span].to_string(), p.message.replace("mask \"m\": ", "")))
            .collect()
    }

    /// The only problem: the text that it points at, and the message.
    fn one(toml: &str) -> (String, String) {
        let mut problems = refused(toml);
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems.remove(0)
    }

    #[test]
    fn good_rules_are_accepted() {
        for toml in [
            "kind = 'bits'\nany = ['cloud']\ngrow = '90 m'",
            "name = 'x'\nany = [{ kind = 'bits', any = ['cloud'], open = 1 }, { not = { kind = 'values', values = [3] } }]",
            "close = '2 px'\nshrink = '1.5px'\nall = [{ kind = 'range', band = 'B4', min = 3 }]",
        ] {
            assert_eq!(refused(toml), [], "{toml}");
        }
    }

    #[test]
    fn an_unknown_kind_is_answered_with_the_nearest_and_all() {
        let all = KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
        let expected = format!("unknown kind \"bit\"; did you mean \"bits\"? kinds: {all}");
        assert_eq!(one("kind = 'bit'"), ("'bit'".into(), expected));
        let plugin = "one of a plugin is known where a [[plugin]] table names its library";
        assert_eq!(one("kind = 'elephant'").1, format!("unknown kind \"elephant\"; kinds: {all}; {plugin}"));
        assert_eq!(one("kind = 3").1, "kind is the integer 3, expected a string");
    }

    #[test]
    fn a_table_that_says_nothing_is_refused() {
        assert!(one("grow = '3 px'").1.starts_with("says neither kind nor any, all or not"));
        let expected = "unknown key \"knd\"; did you mean \"kind\"?";
        assert_eq!(one("knd = 'bits'"), ("knd".into(), expected.into()));
    }

    #[test]
    fn contradictions_are_refused_where_they_stand() {
        let rule = "[{ kind = 'values', values = [1] }]";
        let (at, message) = one(&format!("kind = 'values'\nvalues = [1]\nall = {rule}"));
        assert_eq!((at.as_str(), message.contains("cannot stand beside kind = \"values\"")), ("all", true));
        let (at, message) = one(&format!("any = {rule}\nall = {rule}"));
        assert_eq!((at.as_str(), message.starts_with("both any and all; put one inside")), ("all", true));
        assert!(one("any = []").1.starts_with("any is empty"));
        assert!(one("not = []").1.starts_with("not is an array, expected a table"));
        assert!(one("all = 3").1.starts_with("all is the integer 3, expected a list of rules"));
        assert!(one("all = [3]").1.starts_with("an entry of all is the integer 3"));
    }

    #[test]
    fn flags_without_their_kind_are_answered_with_the_kind() {
        let (at, message) = one("any = ['cloud']");
        let expected = "any holds the string \"cloud\"; a list of flags needs kind = \"bits\", a list of rules holds tables";
        assert_eq!((at.as_str(), message.as_str()), ("'cloud'", expected));
    }

    #[test]
    fn unknown_keys_are_answered_with_the_nearest() {
        let (at, message) = one("kind = 'bits'\nany = ['cloud']\ngrwo = '3 px'");
        let expected = "unknown key \"grwo\"; did you mean \"grow\"? known keys: any, band, layout, open, close, shrink, grow";
        assert_eq!((at.as_str(), message.as_str()), ("grwo", expected));
        assert!(
            one("not = { kind = 'values', values = [1] }\nbuffer = 3")
                .1
                .starts_with("unknown key \"buffer\"")
        );
        assert_eq!(one("all = [{ kind = 'values', values = [1], name = 'x' }]").0, "name");
    }

    #[test]
    fn a_kinds_own_mistakes_point_at_their_value() {
        let at = |toml: &str| one(toml).0;
        assert_eq!(at("kind = 'bits'\nany = ['cloud', 3]"), "3");
        assert_eq!(at("kind = 'bits'\nlayout = 'hls-v2'\nany = ['cloud', 'clowd']"), "'clowd'");
        assert_eq!(at("kind = 'bits'\nlayout = 'hls'\nany = ['cloud']"), "'hls'");
        assert_eq!(at("kind = 'bits'\nany = [{ field = 'x', atleast = 'y' }]"), "atleast");
        assert_eq!(at("not = { kind = 'range', band = 'B4', min = 3, max = 1 }"), "1");
    }

    #[test]
    fn every_mistake_of_a_tree_is_told_at_once() {
        let toml =
            "grow = 'wide'\nany = [{ kind = 'bit' }, { kind = 'values', values = [], shrink = '-1 px' }]";
        let at: Vec<String> = refused(toml).into_iter().map(|(at, _)| at).collect();
        assert_eq!(at, ["'wide'", "'bit'", "'-1 px'", "[]"]);
    }
}
