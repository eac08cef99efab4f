//! compose-mask
