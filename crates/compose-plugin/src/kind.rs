//! What every kind says of itself.

use crate::settings::key::{is_key, is_text};

/// What a kind says of itself. It is checked when the plugin is compiled.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// What the rules file calls it: a-z, 0-9 and -, beginning with a letter; not the name of a built-in kind. It
    /// goes into the record of where pixels came from, so never reuse one.
    pub id: &'static str,
    /// Version of the plugin: `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// One sentence: what it does.
    pub summary: &'static str,
    /// Markdown for `compose kinds ID`; none for a page made from the summary and the settings.
    pub page: Option<&'static str>,
}

impl About {
    pub(crate) const fn check(&self) {
        assert!(is_key(self.id), "the id of a kind is a-z, 0-9 and -, beginning with a letter");
        assert!(is_text(self.version), "the version of a kind is empty or has a zero byte");
        assert!(is_text(self.summary), "the summary of a kind is empty or has a zero byte");
        if let Some(page) = self.page {
            assert!(is_text(page), "the page of a kind is empty or has a zero byte");
        }
    }
}
