//! What happens from outside while a run goes on: signals, changing files.

use crate::support::{Pair, Slow, fitted, listing, signal, stderr, wait};
use compose_engine::{Control, EngineError, Fitted, Options, Plan, Progress, Rules, RulesFile};
use compose_io::files::Drafts;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// Starts a slow run, lets `meddle` do something to it, and insists that it fails and leaves nothing.
fn fails_after(slow: &Slow, meddle: impl Fn(&std::process::Child)) -> String {
    let elsewhere = tempfile::tempdir().unwrap();
    let said = elsewhere.path().join("said");
    let before = listing(slow.folder.path());
    let mut child = slow.start(&said);
    meddle(&child);
    let status = wait(&mut child);
    let text = std::fs::read_to_string(&said).unwrap();
    assert_eq!(status.code(), Some(2), "{text}");
    assert_eq!(listing(slow.folder.path()), before, "something was left behind: {text}");
    text
}

#[test]
fn a_run_that_is_interrupted_ends_soon_and_leaves_nothing_behind() {
    let slow = Slow::new();
    for names in ["INT", "INT INT", "TERM", "HUP"] {
        let began = SystemTime::now();
        let text = fails_after(&slow, |child| names.split(' ').for_each(|name| signal(child, name)));
        assert!(text.contains("interrupted"), "{names}: {text}");
        let took = began.elapsed().unwrap();
        assert!(took < Duration::from_secs(20), "{names}: {took:?}");
    }
    changes_while_running(&slow);
}

/// Stopped while it writes, so that the file is sure to change between the plan and the end.
fn changes_while_running(slow: &Slow) {
    let touch = |child: &std::process::Child| {
        signal(child, "STOP");
        let file = std::fs::OpenOptions::new().write(true).open(slow.path("s3.tif")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
        signal(child, "CONT");
    };
    let text = fails_after(slow, touch);
    assert!(text.contains("s3.tif: has changed since the plan was made"), "{text}");
}

fn planned(pair: &Pair, options: &Options) -> (Rules, Fitted) {
    let path = pair.path("rules.toml");
    let file = RulesFile { text: std::fs::read_to_string(&path).unwrap(), path };
    let rules = Rules::parse(file, &crate::support::registry()).unwrap();
    let fitted = fitted(&Plan::make(&rules, options).unwrap());
    (rules, fitted)
}

/// With one worker.
fn alone() -> Options {
    Options { threads: 1, ..Options::default() }
}

/// Carries out what was planned; gives the message where it fails.
fn failure((rules, fitted): &(Rules, Fitted), progress: &dyn Fn(Progress)) -> Option<String> {
    let control = Control { cancelled: &AtomicBool::new(false), progress, drafts: &Drafts::default() };
    compose_engine::run::run(rules, fitted, &control).err().map(|e| e.to_string())
}

/// Plans the pair, changes something, and runs.
fn run_after(pair: &Pair, change: impl Fn()) -> String {
    let planned = planned(pair, &alone());
    change();
    let before = listing(pair.folder.path());
    let error = failure(&planned, &|_| {});
    assert_eq!(listing(pair.folder.path()), before, "{error:?}");
    error.expect("the run should fail")
}

#[test]
fn a_file_that_changes_between_plan_and_run_is_named() {
    let pair = Pair::new();
    let longer = || {
        let path = pair.path("b_qa.tif");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend([0; 10]);
        std::fs::write(path, bytes).unwrap();
    };
    let text = run_after(&pair, longer);
    assert!(text.contains("b_qa.tif: has changed since the plan was made"), "{text}");
    let pair = Pair::new();
    let text = run_after(&pair, || std::fs::remove_file(pair.path("b_b1.tif")).unwrap());
    assert!(text.contains("b_b1.tif"), "{text}");
    let pair = Pair::new();
    let other = || {
        let time =
            std::fs::metadata(pair.path("a_b1.tif")).unwrap().modified().unwrap() + Duration::from_secs(2);
        pair.raster("a_b1.tif", vec![9; 12]);
        std::fs::File::options().write(true).open(pair.path("a_b1.tif")).unwrap().set_modified(time).unwrap();
    };
    let text = run_after(&pair, other);
    assert!(text.contains("a_b1.tif: has changed"), "{text}");
    let pair = Pair::new();
    let touched = || {
        let file = std::fs::File::options().append(true).open(pair.path("b_b1.tif")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
    };
    let text = run_after(&pair, touched);
    assert!(text.contains("b_b1.tif: has changed"), "{text}");
}

/// As Ctrl-C does, once the first block is there; and before it.
#[test]
fn a_cancelled_run_leaves_nothing_behind() {
    let pair = Pair::new();
    let (rules, fitted) = planned(&pair, &Options { threads: 2, ..Options::default() });
    let before = listing(pair.folder.path());
    for already in [true, false] {
        let cancelled = AtomicBool::new(already);
        let stop = |_| cancelled.store(true, Ordering::Relaxed);
        let control = Control { cancelled: &cancelled, progress: &stop, drafts: &Drafts::default() };
        let result = compose_engine::run::run(&rules, &fitted, &control);
        assert!(matches!(result, Err(EngineError::Interrupted)));
        assert_eq!(listing(pair.folder.path()), before);
    }
}

#[test]
fn a_file_that_appears_at_the_outputs_place_is_not_replaced_in_silence() {
    let pair = Pair::new();
    let planned = planned(&pair, &alone());
    std::fs::write(pair.path("out.tif"), "mine").unwrap();
    let said = failure(&planned, &|_| {});
    assert!(std::fs::read(pair.path("out.tif")).unwrap() == b"mine", "replaced; error: {said:?}");
    assert!(said.is_some_and(|s| s.contains("out.tif")));
}

/// The plan found the place free; the file comes after the last block, just before the outputs get their names.
#[test]
fn a_file_that_appears_while_a_run_goes_on_is_not_replaced_without_overwrite() {
    for name in ["out.tif", "out_provenance.tif", "out.json", "out_after.png"] {
        for overwrite in [false, true] {
            let pair = Pair::new();
            let planned = planned(&pair, &Options { overwrite, quicklook: true, ..alone() });
            let mut expected = listing(pair.folder.path());
            let appear = |at: Progress| {
                if at.done == at.total {
                    std::fs::write(pair.path(name), "mine").unwrap();
                }
            };
            let said = failure(&planned, &appear);
            let is_mine = std::fs::read(pair.path(name)).unwrap() == b"mine";
            assert_eq!(is_mine, !overwrite, "{name}: {said:?}");
            if overwrite {
                assert_eq!(said, None, "{name}");
                continue;
            }
            assert!(said.is_some_and(|s| s.contains(&format!("{name}: exists already"))), "{name}");
            expected.push(name.to_owned());
            expected.sort();
            assert_eq!(listing(pair.folder.path()), expected, "something else was left behind");
        }
    }
}

/// Runs a pair of which one file changes after the last block; insists that it is named, and nothing is left.
fn is_named_when_it_changes_at_the_end(pair: &Pair, name: &str) {
    let planned = planned(pair, &alone());
    let before = listing(pair.folder.path());
    let change = |at: Progress| {
        if at.done == at.total {
            let file = std::fs::File::options().append(true).open(pair.path(name)).unwrap();
            file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
        }
    };
    let said = failure(&planned, &change).unwrap_or_else(|| panic!("{name}: the run should fail"));
    assert!(said.contains(&format!("{name}: has changed since the plan was made")), "{said}");
    assert_eq!(listing(pair.folder.path()), before, "something was left behind");
}

/// All pixels are read and written by then: only what is checked before the outputs get their names can tell.
#[test]
fn an_input_that_changes_after_the_last_block_is_named_and_nothing_is_left() {
    for name in ["a_b1.tif", "a_qa.tif", "b_b1.tif", "b_qa.tif"] {
        let pair = Pair::new();
        is_named_when_it_changes_at_the_end(&pair, name);
    }
}

/// What is read with a raster, and what tells the date or where it lies, is as much an input as the raster.
#[test]
fn a_file_beside_the_scenes_that_changes_during_a_run_is_named_and_nothing_is_left() {
    for name in ["a_b1.tif.msk", "b_b1.tif.aux.xml", "b_b1.tfw", "source.tif", "b_MTL.txt"] {
        let pair = Pair::new();
        match name {
            "a_b1.tif.msk" => pair.raster("a_b1.tif.msk", vec![255; 12]),
            "b_b1.tif.aux.xml" => std::fs::write(pair.path(name), "<PAMDataset></PAMDataset>").unwrap(),
            "b_b1.tfw" => std::fs::write(pair.path(name), "30\n0\n0\n-30\n405015\n4499985\n").unwrap(),
            "source.tif" => {
                std::fs::rename(pair.path("b_b1.tif"), pair.path(name)).unwrap();
                let source = "<SourceFilename relativeToVRT=\"1\">source.tif</SourceFilename><SourceBand>1</SourceBand>";
                let vrt = format!(
                    "<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><SRS>EPSG:32613</SRS>\
                     <GeoTransform>405000,30,0,4500000,0,-30</GeoTransform>\
                     <VRTRasterBand dataType=\"UInt16\" band=\"1\"><NoDataValue>0</NoDataValue>\
                     <SimpleSource>{source}</SimpleSource></VRTRasterBand></VRTDataset>"
                );
                std::fs::write(pair.path("b_b1.tif"), vrt).unwrap();
            }
            _ => {
                let group = "GROUP = IMAGE_ATTRIBUTES\nDATE_ACQUIRED = 2020-06-17\nEND_GROUP = IMAGE_ATTRIBUTES\nEND\n";
                std::fs::write(pair.path(name), group).unwrap();
            }
        }
        is_named_when_it_changes_at_the_end(&pair, name);
    }
}

/// Workers that wait for the writer must not do so for ever.
#[test]
fn a_panic_of_the_writer_ends_the_run_and_leaves_nothing_behind() {
    for threads in [1, 2] {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let pair = Pair::new();
            let before = listing(pair.folder.path());
            // More blocks than may wait for the writer.
            let block_size = compose_engine::options::BlockSize::Pixels(1);
            let planned = planned(&pair, &Options { threads, block_size, ..Options::default() });
            let broken = |_: Progress| panic!("the writer is broken");
            let run = std::panic::AssertUnwindSafe(|| failure(&planned, &broken));
            let ended = std::panic::catch_unwind(run).is_err();
            sender.send((ended, listing(pair.folder.path()) == before)).unwrap();
        });
        let ended = receiver.recv_timeout(Duration::from_secs(60)).expect("the run should end");
        assert_eq!(ended, (true, true), "(panicked, nothing left behind) with {threads} workers");
    }
}

#[test]
fn an_error_in_the_second_output_takes_the_first_away_as_well() {
    let pair = Pair::new();
    pair.change("scene = \"a\"", "scene = \"each\"");
    pair.change("out.tif", "{id}.tif");
    // b's own value 208 would read as nodata; a has none such.
    pair.append("nodata = 208\n");
    let text = pair.refused(&[]);
    assert!(text.contains("208") && text.contains("scene b"), "{text}");
}

#[test]
fn a_corrupt_donor_that_nobody_needs_is_no_error() {
    let pair = Pair::new();
    pair.raster("a_qa.tif", vec![crate::support::CLEAR; 12]);
    let path = pair.path("b_b1.tif");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    let output = pair.compose(&[]);
    // The target is clear, so the donor's pixels are never read.
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // And where they are, they are missed.
    pair.raster("a_qa.tif", vec![crate::support::CLOUD; 12]);
    assert!(pair.refused(&["--overwrite"]).contains("b_b1.tif"));
}
