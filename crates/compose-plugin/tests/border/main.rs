//! The border from its other side: a host that knows the mirror alone calls kinds of the layer.

#![allow(unsafe_code)]

mod descriptors;
mod faults;
mod fills;
mod host;
mod kinds;
mod scenes;
