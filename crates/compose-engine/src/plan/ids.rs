//! Numbers of scenes, bands, rules and band groups. Each has a type of its own: none can be taken for another.

use std::ops::{Index, IndexMut};

/// Defines the type of a number, which is a place in lists.
macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = $what]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub usize);

        impl $name {
            /// The place in a list.
            pub const fn index(self) -> usize {
                self.0
            }
        }

        impl<T> Index<$name> for [T] {
            type Output = T;

            fn index(&self, id: $name) -> &T {
                &self[id.0]
            }
        }

        impl<T> Index<$name> for Vec<T> {
            type Output = T;

            fn index(&self, id: $name) -> &T {
                &self[id.0]
            }
        }

        impl<T> IndexMut<$name> for Vec<T> {
            fn index_mut(&mut self, id: $name) -> &mut T {
                &mut self[id.0]
            }
        }
    };
}

id!(SceneId, "A scene, by its place in the order of the stack.");
impl From<u16> for SceneId {
    /// The scene of this code in the source plane.
    fn from(source: u16) -> Self {
        Self(usize::from(source))
    }
}

id!(
    BandId,
    "A band of a scene, by its place in its facts: the wanted bands come first, in the order of the output."
);
id!(RuleId, "A mask rule, by its place in the rules file.");
id!(GroupId, "Bands of a scene that share a native grid, by their place in [`super::ScenePlan::groups`].");
