//! Mask rules as the engine runs them: read from TOML, bound to a scene, marked window by window.

mod comparing;
mod pages;
mod shadow;
mod stack;
mod stage;
mod tree;
