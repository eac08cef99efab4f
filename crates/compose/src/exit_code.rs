//! The exit statuses of the program, beside 0 for done.

/// Done, but gaps remain and `--require-complete` was given.
pub const INCOMPLETE: u8 = 1;
/// Refused or failed.
pub const FAILED: u8 = 2;
