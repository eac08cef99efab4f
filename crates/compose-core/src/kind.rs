//! Errors of kinds.

use crate::settings::Spans;
use std::ops::Range;

/// A refusal by a mask rule or fill strategy; the caller adds the rule's name, scene and block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct KindError {
    /// What was found, what was expected, what to do.
    pub message: String,
    /// The part of the rules file that it is about, if known.
    pub subject: Option<Subject>,
}

/// The part of the rules file that a refusal is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A setting of the kind.
    Setting(&'static str),
    /// Bytes of the file.
    Span(Range<usize>),
}

impl KindError {
    /// A refusal with this message: what was found, what was expected, what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), subject: None }
    }

    /// The same refusal, about this setting of the kind.
    pub fn about(self, setting: &'static str) -> Self {
        Self { subject: Some(Subject::Setting(setting)), ..self }
    }

    /// The same refusal, about these bytes of the rules file.
    pub fn at(self, span: Range<usize>) -> Self {
        Self { subject: Some(Subject::Span(span)), ..self }
    }

    /// The bytes that it is about, in the table of the kind; the whole table where it does not say.
    pub fn span_in(&self, table: &Spans) -> Range<usize> {
        match &self.subject {
            Some(Subject::Span(span)) => span.clone(),
            Some(Subject::Setting(key)) => table.of(key),
            None => table.table.clone(),
        }
    }
}
