//! A mask rule as a tree: kinds at the leaves, `any`, `all` and `not` above them, morphology at every node.
//!
//! ```toml
//! [[mask]]
//! name = "dark shadow"
//! open = "1 px"                       # at every node: open, close, shrink, grow, in this order
//! grow = "90 m"
//! all  = [
//!   { kind = "bits", any = ["cloud-shadow"], grow = "2 px" },
//!   { not = { kind = "range", band = "nir", min = 2000 } },
//! ]
//! ```
//!
//! A table is a kind with its settings, or exactly one of the three lists. (`any` beside `kind = "bits"` is
//! that kind's own setting.) The tree runs on one grid, the [`evaluation_grid`] of all bands that it reads.

mod bound;
mod parse;

pub(crate) use parse::nested;
pub use parse::parse_rule;

use crate::length::Length;
use crate::morph::Morphology;
use bound::{BoundNode, BoundTree, Place};
use compose_core::{BandFacts, BoundMask, Grid, KindError, MaskRule, SceneFacts, Spans};
use std::ops::Range;

/// A table of the rules file: what is marked, then how its shape changes.
#[derive(Debug)]
pub(crate) struct Node {
    content: Content,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Content {
    /// A kind, and where its settings stand.
    Kind(Box<dyn MaskRule>, Spans),
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
}

/// One change of shape.
#[derive(Clone, Debug)]
struct Step {
    morphology: Morphology,
    length: Length,
    /// Where the length stands.
    span: Range<usize>,
}

impl MaskRule for Node {
    fn bind(&self, scene: &SceneFacts) -> Result<Box<dyn BoundMask>, KindError> {
        self.bind_beside(scene, &[])
    }
}

impl Node {
    /// Binds the tree for a rule that holds it and reads the bands `beside` as well: the bands of the tree begin
    /// with those, and it runs on the grid of all.
    pub(crate) fn bind_beside(
        &self,
        scene: &SceneFacts,
        beside: &[usize],
    ) -> Result<Box<dyn BoundMask>, KindError> {
        let mut leaves = self.leaves(scene)?;
        let mut bands: Vec<usize> = beside.to_vec();
        for band in leaves.iter().flat_map(|leaf| leaf.bands()) {
            if !bands.contains(band) {
                bands.push(*band);
            }
        }
        // Metres become pixels only now: the grid follows from the bands of the whole tree.
        let grid = evaluation_grid(scene, &bands);
        // The bands of one leaf may share another grid, and what a leaf counts in pixels it counts on the tree's.
        if leaves.iter().any(|leaf| !evaluation_grid(scene, leaf.bands()).same(grid)) {
            leaves = self.leaves(&on_one_grid(scene, grid))?;
        }
        let place = Place { scene, bands: &bands, grid };
        let root = BoundNode::new(self, &mut leaves.into_iter(), &place)?;
        Ok(Box::new(BoundTree::new(root, &place)))
    }

    fn leaves(&self, scene: &SceneFacts) -> Result<Vec<Box<dyn BoundMask>>, KindError> {
        let mut leaves = Vec::new();
        self.bind_leaves(scene, &mut leaves)?;
        Ok(leaves)
    }

    /// Binds every kind of the tree, in the order of the rules file.
    fn bind_leaves(&self, scene: &SceneFacts, out: &mut Vec<Box<dyn BoundMask>>) -> Result<(), KindError> {
        match &self.content {
            Content::Kind(rule, spans) => {
                out.push(rule.bind(scene).map_err(|e| {
                    let span = e.span_in(spans);
                    e.at(span)
                })?);
            }
            Content::Any(nodes) | Content::All(nodes) => {
                nodes.iter().try_for_each(|node| node.bind_leaves(scene, out))?;
            }
            Content::Not(node) => node.bind_leaves(scene, out)?,
        }
        Ok(())
    }
}

/// The scene as a leaf sees it, whose planes are all brought onto one grid.
fn on_one_grid(scene: &SceneFacts, grid: &Grid) -> SceneFacts {
    let bands = scene.bands.iter().map(|band| BandFacts { grid: grid.clone(), ..band.clone() });
    SceneFacts { grid: grid.clone(), bands: bands.collect(), ..scene.clone() }
}

/// The grid on which a rule that reads these bands runs: the grid that they share, else the scene's own, onto
/// which the engine brings every plane by nearest neighbour.
pub fn evaluation_grid<'a>(scene: &'a SceneFacts, bands: &[usize]) -> &'a Grid {
    let mut grids = bands.iter().map(|band| &scene.bands[*band].grid);
    let Some(first) = grids.next() else { return &scene.grid };
    if grids.all(|grid| grid.same(first)) { first } else { &scene.grid }
}
