//! The text of a plan file: JSON with one entry a line, and as its last line the hash of all bytes before it.

use super::form::{PLAN_VERSION, SavedPlan};
use compose_io::files::Digest;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The last line, around the hash.
const BEFORE_HASH: &str = "  \"sha256\": \"";
const AFTER_HASH: &str = "\"\n}\n";
/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;
/// What every plan file begins with.
const BEGINNING: &str = "{\n  \"plan-version\": ";
/// What is said to one who passes another file.
pub const EXPECTED: &str = "expected a file that --save-plan wrote";
/// What is said to one whose plan is of no use.
pub const ANEW: &str = "make the plan anew with --save-plan";

/// The text of a plan file, and its hash.
pub fn text_of(plan: &SavedPlan) -> (String, String) {
    let Ok(Value::Object(entries)) = serde_json::to_value(plan) else {
        unreachable!("a plan is an object, and its paths are text");
    };
    let mut text = String::from("{\n");
    for (key, value) in &entries {
        text += &format!("  \"{key}\": {},\n", lines(value));
    }
    let hash = Digest::of_bytes(text.as_bytes()).sha256;
    text += &format!("{BEFORE_HASH}{hash}{AFTER_HASH}");
    (text, hash)
}

/// A value with its parts on lines of their own.
fn lines(value: &Value) -> String {
    match value {
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            let items: Vec<String> = items.iter().map(|item| format!("\n    {item}")).collect();
            format!("[{}\n  ]", items.join(","))
        }
        Value::Object(entries) if !entries.is_empty() => {
            let entry =
                |(key, value): (&String, &Value)| format!("\n    {}: {value}", Value::from(key.as_str()));
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}\n  }}", entries.join(","))
        }
        other => other.to_string(),
    }
}

/// Reads the text of a plan file: the plan and its hash.
///
/// # Errors
/// It is no plan file, one of another version, cut off, or changed: what follows its name in a message.
pub fn read(text: &str) -> Result<(SavedPlan, String), String> {
    let Some(rest) = text.strip_prefix(BEGINNING) else { return Err(no_plan(text)) };
    let version: String = rest.chars().take_while(char::is_ascii_digit).take(9).collect();
    let version: u32 = version.parse().map_err(|_| no_plan(text))?;
    if version != PLAN_VERSION {
        return Err(format!(
            "is a plan of version {version}, and this program carries out version {PLAN_VERSION}; {ANEW}"
        ));
    }
    let whole = text.len().checked_sub(BEFORE_HASH.len() + DIGITS + AFTER_HASH.len());
    let parts = whole.and_then(|end| text.split_at_checked(end));
    let hash = |last: &str| {
        let digits = last.strip_prefix(BEFORE_HASH)?.strip_suffix(AFTER_HASH)?;
        digits.chars().all(|c| c.is_ascii_hexdigit()).then(|| digits.to_owned())
    };
    let Some((body, said)) = parts.and_then(|(body, last)| Some((body, hash(last)?))) else {
        return Err(format!(
            "is cut off, or was changed: its last line is not its hash; copy it anew, or {ANEW}"
        ));
    };
    let found = Digest::of_bytes(body.as_bytes()).sha256;
    if found != said {
        return Err(format!(
            "has been changed since it was written: its hash is {found}, and its last line says {said}; {ANEW}"
        ));
    }
    let object = body.strip_suffix(",\n").map(|entries| format!("{entries}\n}}")).unwrap_or_default();
    let plan = serde_json::from_str(&object)
        .map_err(|e| format!("is no plan that this program wrote ({e}); {ANEW}"))?;
    Ok((plan, said))
}

/// Whether the file at a path begins like a plan file, of this or another version.
pub fn is_plan(path: &Path) -> bool {
    let mut first = [0; BEGINNING.len()];
    let mut read = || File::open(path)?.read_exact(&mut first);
    path.is_file() && read().is_ok() && first == BEGINNING.as_bytes()
}

/// Why a text is no plan file.
fn no_plan(text: &str) -> String {
    if text.trim().is_empty() {
        return format!("is empty; {EXPECTED}");
    }
    if text.trim_start().starts_with('{') {
        let what = match serde_json::from_str::<Value>(text) {
            Err(e) => format!("it is no JSON: {e}"),
            Ok(json) if json.get("plan-version").is_some() => "it was written anew by another program".into(),
            Ok(json) if json.get("command-line").is_some() => "it is the report of a run".into(),
            Ok(_) => "it has no plan-version".to_owned(),
        };
        return format!("is no plan file ({what}); {EXPECTED}");
    }
    if text.parse::<toml::Table>().is_ok() {
        return format!("is a rules file, no plan; pass it as --rules, or {EXPECTED}");
    }
    format!("is no plan file (it does not begin with {{); {EXPECTED}")
}
