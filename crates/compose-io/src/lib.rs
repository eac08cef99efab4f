//! compose-io
