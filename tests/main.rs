//! Tests of the program as a user runs it. One folder or file per question:
//!
//! | module | asks |
//! |---|---|
//! | `examples` | do the examples give what an independent implementation gives? |
//! | `invariants` | does the answer depend on scenes and rules alone? |
//! | `bad` | is every mistake refused with file, line and suggestion, and nothing left behind? |
//! | `cli` | options, exit codes, output files |
//! | `hostile` | odd and broken rasters: composed with themselves, or refused by name |
//! | `access` | do scene files open nothing but local files? |
//! | `quality` | do predictions, composites and evaluations keep what they promise? |
//! | `plan_file` | does a plan file give the bits that its rules give, or is it refused by name? |
//! | `plugins` | do plugins work, and is every broken one refused by name? |
//! | `tiles` | outputs in tiles: by many processes, killed, resumed, after a change |
//! | `tidy` | is the house in order: edges between crates, generated pages, executable documentation |
//!
//! Where the answer is asked for and not what the program does and says, the engine is called as the program calls it
//! (`support::inside`): to start the program costs more than to compose a small stack. Where the program is asked, it starts from
//! a process that has GDAL's libraries loaded (`support::program`); loading them takes most of a start.

mod access;
mod bad;
mod cli;
mod examples;
mod hostile;
mod invariants;
mod plan_file;
mod plugins;
mod quality;
mod support;
mod tidy;
mod tiles;
