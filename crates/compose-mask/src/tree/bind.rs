//! Binds a tree to a scene: first its leaves, then the grid that follows from their bands, then the shape of marks.

use super::bound::{BoundNode, BoundTree, TreeContext};
use super::grid::{evaluation_grid, on_one_grid};
use super::node::{Content, Node};
use compose_core::{KindError, MaskBinding, MaskRule, SceneFacts};

impl MaskRule for Node {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        self.bind_beside(scene, &[])
    }
}

impl Node {
    /// Binds the tree for a rule that holds it and reads the bands `beside` as well: the bands of the tree begin
    /// with those, and it runs on the grid of all.
    pub(crate) fn bind_beside(&self, scene: &SceneFacts, beside: &[usize]) -> Result<MaskBinding, KindError> {
        let mut leaves = self.leaves(scene)?;
        let mut bands: Vec<usize> = beside.to_vec();
        for band in leaves.iter().flat_map(|leaf| leaf.planned().bands()) {
            if !bands.contains(band) {
                bands.push(*band);
            }
        }
        // Metres become pixels only now: the grid follows from the bands of the whole tree.
        let grid = evaluation_grid(scene, &bands);
        // The bands of one leaf may share another grid, and what a leaf counts in pixels it counts on the tree's.
        if leaves.iter().any(|leaf| !evaluation_grid(scene, leaf.planned().bands()).same(grid)) {
            leaves = self.leaves(&on_one_grid(scene, grid))?;
        }
        let context = TreeContext { scene, bands: &bands, grid };
        let root = BoundNode::new(self, &mut leaves.into_iter(), &context)?;
        Ok(BoundTree::new(root, &context).binding())
    }

    fn leaves(&self, scene: &SceneFacts) -> Result<Vec<MaskBinding>, KindError> {
        let mut leaves = Vec::new();
        self.bind_leaves(scene, &mut leaves)?;
        Ok(leaves)
    }

    /// Binds every kind of the tree, in the order of the rules file.
    fn bind_leaves(&self, scene: &SceneFacts, out: &mut Vec<MaskBinding>) -> Result<(), KindError> {
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
