//! A tree as the rules file states it.

use crate::length::Length;
use crate::morph::Morphology;
use compose_core::{MaskRule, Spans};
use std::ops::Range;

/// A table of the rules file: what is marked, then how its shape changes.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) content: Content,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Content {
    /// A kind, and where its settings stand.
    Kind(Box<dyn MaskRule>, Spans),
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
}

/// One change of shape.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub morphology: Morphology,
    pub length: Length,
    /// Where the length stands.
    pub span: Range<usize>,
}
