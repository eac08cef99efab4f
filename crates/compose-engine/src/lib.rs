//! compose-engine
