//! Executable pages: each kind's documentation carries examples that a harness runs.
