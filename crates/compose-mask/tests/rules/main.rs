//! Mask rules as the engine runs them: read from TOML, bound to a scene, marked window by window.

mod pages;
mod shadow;
mod stage;
mod tree;
