//! Plan files: a plan that is made once and carried out elsewhere, or later.
//!
//! A plan follows from the rules, the headers and the survey. So a plan file holds the rules, the scenes that were found and
//! what the survey taught; of these the plan is made again, without a pixel being read. It also holds what was decided, which
//! must then come out the same.
//!
//! | module | for |
//! |---|---|
//! | `form` | what stands in a plan file |
//! | `text` | its text, and the hash at its end |
//! | `decided` | what a plan decided |
//! | `found`, `assets` | the scenes as they were found, and what catalogues say of them |
//! | `surveyed` | what the survey found, kept and restored |
//! | `differences` | what has changed since the plan was made |
//! | `tiles` | the tiles of a plan, and the hash of all that decides the pixels of each |
//! | `file` | reading, writing, and the way back to a fitted plan |

mod assets;
mod decided;
mod differences;
mod file;
mod form;
mod found;
mod surveyed;
mod text;
mod tiles;

pub use file::PlanFile;
pub use form::*;

use schemars::schema_for;
use serde_json::Value;

/// The JSON schema (draft 2020-12) of a plan file.
pub fn schema() -> Value {
    let mut schema = schema_for!(SavedPlan).to_value();
    schema["title"] = "compose plan file".into();
    // The hash stands after what it is of.
    schema["properties"]["sha256"] = serde_json::json!({
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "SHA-256 of all bytes of the file before this line."
    });
    if let Some(required) = schema["required"].as_array_mut() {
        required.push("sha256".into());
    }
    schema
}
