//! compose-fill
