//! Name → kind: what a rules file can ask for.

use compose_core::fill_strategy::FillKind;
use compose_core::mask_rule::MaskKind;
use compose_core::score::ScoreKind;
use compose_plugin_host::{Plugin, PluginHost};

/// Every kind that a rules file can name.
#[derive(Clone)]
pub struct Registry {
    /// Mask rules.
    pub masks: Vec<&'static MaskKind>,
    /// Scores.
    pub scores: Vec<&'static ScoreKind>,
    /// Fill strategies.
    pub fills: Vec<&'static FillKind>,
    /// Loads the plugins that a rules file names.
    pub host: PluginHost,
}

impl Registry {
    /// The built-in kinds.
    pub fn built_in(host: PluginHost) -> Self {
        Self {
            masks: compose_mask::KINDS.iter().collect(),
            scores: compose_fill::SCORES.iter().collect(),
            fills: compose_fill::KINDS.iter().collect(),
            host,
        }
    }

    /// Adds the kinds of a plugin.
    ///
    /// # Errors
    /// A kind of that name is there already; nothing is added then.
    pub fn add(&mut self, plugin: &'static Plugin) -> Result<(), String> {
        if let Some(kind) = plugin.kinds.iter().find(|kind| self.knows(kind.id)) {
            return Err(format!(
                "{}: its {} is called \"{}\", and there is a kind of this name already",
                plugin.path.display(),
                kind.sort,
                kind.id
            ));
        }
        self.masks.extend(&plugin.masks);
        self.scores.extend(&plugin.scores);
        self.fills.extend(&plugin.fills);
        Ok(())
    }

    /// Whether there is a kind of that name.
    pub fn knows(&self, name: &str) -> bool {
        let (masks, scores) = (self.masks.iter().map(|k| k.name), self.scores.iter().map(|k| k.name));
        masks.chain(scores).chain(self.fills.iter().map(|k| k.name)).any(|known| known == name)
    }
}
