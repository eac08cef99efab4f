//! Numbers that must not be taken for one another where several come together. A scene's own is its place in the stack.

/// A mask rule, by its place in the rules file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub usize);

/// Bands of a scene that share a native grid, by their place in [`super::ScenePlan::groups`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub usize);
