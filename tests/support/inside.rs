//! A rules file carried out in this process, for tests that ask about the answer and not about the program: starting that
//! costs more than composing a small stack.

use compose_engine::options::BlockSize;
use compose_engine::run::run;
use compose_engine::survey::fit;
use compose_engine::{Control, EngineError, Options, Plan, Rules, RulesFile};
use compose_io::files::Drafts;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What these arguments ask for; `None` where that is not for the engine alone.
pub fn options(arguments: &[&str]) -> Option<Options> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options { threads: cores + 1, fewer_threads: true, ..Options::default() };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "--overwrite" => options.overwrite = true,
            "--force-gdal" => options.force_gdal = true,
            "--quicklook" => options.quicklook = true,
            "--block-size" => options.block_size = block_size(words.next()?)?,
            "--mem-limit" => {
                options.mem_limit = Some(words.next()?.strip_suffix("MB")?.parse::<u64>().ok()? << 20)
            }
            "-j" => {
                options.threads = words.next()?.parse().ok()?;
                options.fewer_threads = false;
            }
            _ => return None,
        }
    }
    Some(options)
}

fn block_size(text: &str) -> Option<BlockSize> {
    if text == "whole" { Some(BlockSize::Whole) } else { text.parse().ok().map(BlockSize::Pixels) }
}

/// Plans, surveys and composes as the program does.
pub fn carry_out(rules: &Path, options: &Options) -> Result<(), EngineError> {
    let file = RulesFile { path: rules.to_owned(), text: std::fs::read_to_string(rules).unwrap() };
    let rules = Rules::parse(file, &super::registry()).map_err(EngineError::Rules)?;
    let control =
        Control { cancelled: &AtomicBool::new(false), progress: &|_| (), drafts: &Drafts::default() };
    let fitted = fit(&Plan::make(&rules, options)?, &control)?;
    run(&rules, &fitted, &control).map(drop)
}

/// Carries out a rules file and insists on success: in this process where the arguments let it, else by the program.
pub fn composed(rules: &Path, arguments: &[&str], told: &dyn Fn() -> String) {
    if let Some(options) = options(arguments) {
        return carry_out(rules, &options)
            .unwrap_or_else(|error| panic!("{arguments:?}\n{error}\n{}", told()));
    }
    let output = super::compose().arg("--rules").arg(rules).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}\n{}\n{}", super::stderr(&output), told());
}
