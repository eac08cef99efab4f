//! Exit codes, the plan, the last line, and where files go.

use crate::support::{Pair, Raster, command, compose, listing, read, root, sidecar, stderr, stdout};

#[test]
fn gaps_that_remain_are_a_failure_only_where_completeness_is_required() {
    let pair = Pair::new();
    assert_eq!(pair.compose(&[]).status.code(), Some(0));
    let output = pair.compose(&["--overwrite", "--require-complete"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    // The image is there all the same.
    assert_eq!(read::<u16>(&pair.path("out.tif"))[0][6], 0);
    pair.raster("b_qa.tif", vec![crate::support::CLEAR; 12]);
    let output = pair.compose(&["--overwrite", "--require-complete"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_fully_clear_scene_is_a_success() {
    let pair = Pair::new();
    pair.raster("a_qa.tif", vec![crate::support::CLEAR; 12]);
    let output = pair.compose(&["--require-complete"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("nothing to fill"), "{}", stderr(&output));
}

#[test]
fn with_each_one_output_with_gaps_is_enough_to_be_incomplete() {
    let pair = Pair::new();
    pair.change("scene = \"a\"", "scene = \"each\"");
    pair.change("out.tif", "{id}.tif");
    let output = pair.compose(&["--require-complete"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(pair.path("a.tif").exists() && pair.path("b.tif").exists());
}

#[test]
fn a_mistake_in_arguments_or_rules_is_2_and_help_is_0() {
    let code = |args: &[&str]| compose().args(args).output().unwrap().status.code();
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["--version"]), Some(0));
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["--rules"]), Some(2));
    assert_eq!(code(&["--rules", "nowhere.toml"]), Some(2));
    assert_eq!(code(&["--rules", "/"]), Some(2));
    assert_eq!(code(&["--nonsense"]), Some(2));
    let pair = Pair::new();
    for more in [&["-q", "-v"][..], &["a.tif", "-o", "b.tif"], &["-j", "0"], &["--block-size", "0"]] {
        pair.refused(more);
    }
}

#[test]
fn help_says_what_the_exit_codes_mean() {
    let help = stdout(&compose().arg("--help").output().unwrap());
    assert!(
        help.contains("Exit status: 0 done; 1 done, but gaps remain") && help.contains("2 refused"),
        "{help}"
    );
}

#[test]
fn the_plan_tells_scenes_grid_alignments_blocks_and_memory_and_writes_nothing() {
    let pair = Pair::new();
    // One scene between pixels, one that is out of the period.
    Raster { width: 4, bands: vec![vec![7_u16; 12]], shift: (0.31, 1.0), nodata: Some(0.0), options: &[] }
        .write(&pair.path("b_b1.tif"));
    pair.change("[target]", "[[scene]]\nid = \"c\"\ndate = 2021-06-17\nfiles = { B1 = \"b_b1.tif\", QA = \"b_qa.tif\" }\n\n[target]");
    pair.change("layout = \"landsat-c2-l89\"", "layout = \"landsat-c2-l89\"\nto = 2020-12-31");
    pair.change("\"nearest-date\"", "\"nearest-date\"\nwithin-days = 20");
    let before = listing(pair.folder.path());
    let output = pair.compose(&["--plan", "--block-size", "3", "-j", "2", "--mem-limit", "300MB"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(listing(pair.folder.path()), before);
    let plan = stdout(&output);
    for expected in [
        "out.tif",
        "uint16, nodata 0",
        "4×3 px of 30 × 30 from (405000, 4500000), EPSG:32613",
        "the target's (a)",
        "2020-06-01  target   a",
        "2020-06-17  donor    b",
        "2021-06-17  skipped  c  (2021-06-17 is after to = 2020-12-31)",
        "paste: same grid",
        "resample: sub-pixel shift of ",
        "nearest-date: 1 donor\n",
        "cloud: QA: cloud (bit 3)",
        "memory: limit 300 MB; 2 workers",
        "blocks of 3×3 px",
    ] {
        assert!(plan.contains(expected), "{expected}\n{plan}");
    }
}

#[test]
fn many_cores_are_no_reason_to_refuse_where_nobody_said_how_many_workers() {
    let rules = root().join("examples/landsat8/seamless.toml");
    let plan = |more: &[&str]| {
        let arguments = [&["--plan", "--rules", rules.to_str().unwrap()], more].concat();
        compose().env("GDAL_NUM_THREADS", "40").args(arguments).output().unwrap()
    };
    let fewer = plan(&[]);
    assert!(fewer.status.success(), "{}", stderr(&fewer));
    assert!(stdout(&fewer).contains("memory: limit 384 MB; "), "{}", stdout(&fewer));
    let refused = stderr(&plan(&["-j", "40"]));
    assert!(refused.contains("use fewer threads (-j)"), "{refused}");
}

#[test]
fn the_plan_says_which_files_are_read_directly_and_why_the_others_are_not() {
    let pair = Pair::new();
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(plan.contains("reading: 4 files directly, 0 by GDAL\n"), "{plan}");
    assert!(plan.contains(" tiles, each decoded once"), "{plan}");
    let plan = stdout(&pair.compose(&["--plan", "--force-gdal"]));
    let asked = "reading: 0 files directly, 4 by GDAL\n  by GDAL: asked for by --force-gdal\n";
    assert!(plan.contains(asked), "{plan}");
    let direct = pair.result(&[]);
    let bands = read::<u16>(&pair.path("b_b1.tif"));
    Raster { width: 4, bands, shift: (0.0, 0.0), nodata: Some(0.0), options: &["COMPRESS=LZW"] }
        .write(&pair.path("b_b1.tif"));
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(
        plan.contains("reading: 3 files directly, 1 by GDAL\n  by GDAL: GDAL decodes LZW faster\n"),
        "{plan}"
    );
    assert_eq!(pair.result(&["--overwrite"]), direct);
}

#[test]
fn a_donor_too_far_away_is_skipped_with_its_distance() {
    let pair = Pair::new();
    pair.change("\"nearest-date\"", "\"nearest-date\"\nwithin-days = 10");
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(plan.contains("skipped b: 16 days away, limit 10"), "{plan}");
}

#[test]
fn the_plan_of_each_target_has_its_own_output() {
    let pair = Pair::new();
    let plan = stdout(&pair.compose(&["--plan", "--target", "each", "-o", "{id}_{date}.tif"]));
    assert!(plan.contains("output a_2020-06-01.tif") && plan.contains("output b_2020-06-17.tif"), "{plan}");
}

#[test]
fn quiet_says_nothing_and_verbose_prints_the_plan_first() {
    let pair = Pair::new();
    let quiet = pair.compose(&["-q"]);
    assert_eq!((stdout(&quiet), stderr(&quiet)), (String::new(), String::new()));
    let plan = stdout(&pair.compose(&["--plan", "--overwrite"]));
    let verbose = pair.compose(&["-v", "--overwrite"]);
    assert!(
        stderr(&verbose).contains(plan.trim_end()) && stdout(&verbose).is_empty(),
        "{}",
        stderr(&verbose)
    );
    // What went wrong is said even so.
    std::fs::remove_file(pair.path("a_b1.tif")).unwrap();
    assert!(stderr(&pair.compose(&["-q", "--overwrite"])).contains("a_b1.tif"));
}

#[test]
fn the_last_line_tells_what_was_filled_and_by_which_stage() {
    let pair = Pair::new();
    let last = |more: &[&str]| {
        let output = pair.compose(more);
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output).lines().last().unwrap().to_owned()
    };
    assert_eq!(last(&[]), "filled 50.0 % · nearest-date 50.0 · left 50.0");
    // Eight pixels are masked: seven are filled from b, one more by a median that looks nowhere else.
    pair.raster("a_qa.tif", (0..12).map(|i| if i < 8 { crate::support::CLOUD } else { 21824 }).collect());
    pair.raster("b_qa.tif", (0..12).map(|i| if i == 3 { crate::support::CLOUD } else { 21824 }).collect());
    pair.change("[output]", "[[fill]]\nstrategy = \"median-stack\"\n\n[output]");
    assert_eq!(last(&["--overwrite"]), "filled 87.5 % · nearest-date 87.5 · median-stack 0.0 · left 12.5");
    pair.change("kind = \"bits\"\nany = [\"cloud\"]", "kind = \"values\"\nvalues = [7]");
    assert_eq!(last(&["--overwrite"]), "nothing to fill: every pixel was clear");
}

#[test]
fn a_rule_that_takes_nothing_is_reported_and_named_in_the_sidecar() {
    let pair = Pair::new();
    pair.change("[\"cloud\"]", "[\"snow\"]");
    let output = pair.compose(&[]);
    assert!(
        stderr(&output).contains("mask \"cloud\" (QA: snow (bit 5)) took no pixel"),
        "{}",
        stderr(&output)
    );
    assert_eq!(sidecar(&pair.path("out.tif"))["masks"][0]["took-nothing"], true);
}

#[test]
fn without_a_terminal_there_is_no_progress() {
    let pair = Pair::new();
    let said = stderr(&pair.compose(&["--block-size", "1"]));
    assert_eq!(said, "wrote out.tif\nfilled 50.0 % · nearest-date 50.0 · left 50.0\n");
}

#[test]
fn output_is_positional_or_an_option_and_starts_from_where_the_user_is() {
    let pair = Pair::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let rules = pair.path("rules.toml");
    let run = |args: &[&str]| {
        let output =
            compose().current_dir(elsewhere.path()).arg("--rules").arg(&rules).args(args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    };
    run(&["one.tif"]);
    run(&["-o", "two.tif"]);
    run(&["--output", "three.tif"]);
    run(&["--out=four.tif"]);
    for name in ["one", "two", "three", "four"] {
        for ending in [".tif", ".json", "_provenance.tif"] {
            assert!(elsewhere.path().join(format!("{name}{ending}")).exists(), "{name}{ending}");
        }
    }
    assert!(!pair.path("out.tif").exists());
    // Without an option the path is the rules file's, and starts from its folder.
    run(&[]);
    assert!(pair.path("out.tif").exists());
    assert_eq!(listing(elsewhere.path()).len(), 12);
}

#[test]
fn folders_and_files_may_have_spaces_and_any_letters() {
    let pair = Pair::new();
    let folder = pair.path("Große Wolken ☁ 2020 [v1]");
    std::fs::create_dir(&folder).unwrap();
    for name in ["a_b1.tif", "a_qa.tif", "b_b1.tif", "b_qa.tif", "rules.toml"] {
        std::fs::rename(pair.path(name), folder.join(format!("é {name}"))).unwrap();
    }
    let text = std::fs::read_to_string(folder.join("é rules.toml")).unwrap();
    let text = text.replace("\"a_", "\"é a_").replace("\"b_", "\"é b_").replace("out.tif", "ou t ü.tif");
    std::fs::write(folder.join("é rules.toml"), text.replace("id = \"b\"", "id = \"b ☁\"")).unwrap();
    let output =
        compose().arg("--rules").arg(folder.join("é rules.toml")).arg("--quicklook").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&folder.join("ou t ü.tif"))[0][1], 201);
    assert_eq!(sidecar(&folder.join("ou t ü.tif"))["scenes"][1]["id"], "b ☁");
    assert!(folder.join("ou t ü_before.png").exists());
}

/// A glob must take brackets in the folder of the rules file as they are.
#[test]
fn scenes_are_found_below_a_folder_whose_name_looks_like_a_glob() {
    let pair = Pair::new();
    let folder = pair.path("x[1]*");
    std::fs::create_dir(&folder).unwrap();
    let copy = |from: &str, to: &str| std::fs::rename(pair.path(from), folder.join(to)).unwrap();
    copy("a_b1.tif", "a_20200601_B1.tif");
    copy("b_b1.tif", "b_20200617_B1.tif");
    let rules = "[scenes]\npath = \"*_B1.tif\"\npattern = '(?<id>\\w)_(?<date>\\d{8})_(?<band>B1)\\.tif'\n\
                 [target]\ndate = 2020-06-02\n[[fill]]\nstrategy = \"nearest-date\"\n[output]\npath = \"out.tif\"\n";
    std::fs::write(folder.join("rules.toml"), rules).unwrap();
    let output = compose().arg("--rules").arg(folder.join("rules.toml")).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&folder.join("out.tif"))[0][1], 101);
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_unicode_is_composed_or_refused_but_never_a_panic() {
    use std::os::unix::ffi::OsStrExt;
    let pair = Pair::new();
    let folder = pair.folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    if std::fs::create_dir(&folder).is_err() {
        return;
    }
    for name in ["a_b1.tif", "a_qa.tif", "b_b1.tif", "b_qa.tif", "rules.toml"] {
        std::fs::copy(pair.path(name), folder.join(name)).unwrap();
    }
    let before = listing(&folder);
    let output = compose().arg("--rules").arg(folder.join("rules.toml")).output().unwrap();
    let said = stderr(&output);
    assert!(!said.contains("panicked"), "{said}");
    match output.status.code() {
        Some(0) => assert!(folder.join("out.tif").exists()),
        code => assert_eq!((code, listing(&folder)), (Some(2), before), "{said}"),
    }
}

#[test]
fn standard_input_and_output_may_be_closed() {
    let pair = Pair::new();
    let sh = |redirect: &str, more: &str| {
        let script = format!("exec '{}' --rules rules.toml {more} {redirect}", env!("CARGO_BIN_EXE_compose"));
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(pair.folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{redirect}: {}", stderr(&output));
    };
    sh("<&-", "");
    sh("<&- >&-", "--overwrite");
    sh("<&- >&- 2>&-", "--overwrite");
    sh("| head -c 1 > /dev/null", "--plan --overwrite");
    assert_eq!(read::<u16>(&pair.path("out.tif"))[0][1], 201);
}

/// Everything that prints to standard output, with a pair of scenes to print about.
const PRINTING: [&[&str]; 10] = [
    &["--help"],
    &["--version"],
    &["help", "inspect"],
    &["plugin", "check", "--help"],
    &["schema"],
    &["kinds"],
    &["kinds", "bits"],
    &["inspect", "a_qa.tif", "--rules", "rules.toml"],
    &["--rules", "rules.toml", "--plan"],
    &["--rules", "rules.toml", "--explain", "405045 4499985"],
];

/// A schema or a plan that a full disk cut off is no success.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_a_failure_and_says_so() {
    let pair = Pair::new();
    for args in PRINTING {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command().current_dir(pair.folder.path()).args(args).stdout(full).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert_eq!(said, "error: standard output: No space left on device (os error 28)\n", "{args:?}");
    }
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let pair = Pair::new();
    for args in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command().current_dir(pair.folder.path()).args(args).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{args:?}");
    }
}

#[test]
fn paths_start_from_the_rules_file_wherever_the_user_is() {
    let pair = Pair::new();
    let odd = pair.path("Zürich 2020");
    std::fs::create_dir(&odd).unwrap();
    for name in ["a_b1.tif", "a_qa.tif", "b_b1.tif", "b_qa.tif", "rules.toml"] {
        std::fs::rename(pair.path(name), odd.join(name)).unwrap();
    }
    let rules = odd.join("rules.toml");
    let output = compose().current_dir("/").arg("--rules").arg(&rules).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(odd.join("out.tif").exists());
}

#[test]
fn a_run_from_the_repositorys_root_finds_the_examples_scenes() {
    let output = compose()
        .current_dir(root())
        .args(["--rules", "examples/lesson/lesson.toml", "--plan", "--overwrite"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

/// On a terminal there is a bar with percent, rate and time left, and it is gone at the end.
#[test]
fn on_a_terminal_there_is_progress_and_quiet_has_none() {
    let pair = Pair::new();
    let on_terminal = |more: &str| {
        let command =
            format!("{} --rules rules.toml --overwrite --block-size 1 {more}", env!("CARGO_BIN_EXE_compose"));
        let script = std::process::Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env("TERM", "xterm")
            .current_dir(pair.folder.path())
            .stdin(std::process::Stdio::null())
            .output();
        script.ok().filter(|s| s.status.success()).map(|s| stdout(&s))
    };
    let Some(said) = on_terminal("") else {
        eprintln!("no terminal to be had (script): progress is not tested");
        return;
    };
    let bar = said
        .split('\r')
        .find(|part| part.contains("Mpixel/s") && !part.contains("survey"))
        .unwrap_or_default();
    assert!(bar.contains(" % ") && bar.contains(" left"), "{said:?}");
    assert!(said.trim_end().ends_with("filled 50.0 % · nearest-date 50.0 · left 50.0"), "{said:?}");
    assert_eq!(on_terminal("-q").unwrap().trim(), "");
}

#[test]
fn on_a_terminal_a_mistake_shows_its_line_with_a_caret() {
    let pair = Pair::new();
    pair.change("any = [\"cloud\"]", "any = [\"clowd\"]");
    let script = std::process::Command::new("script")
        .args(["-qec", &format!("{} --rules rules.toml", env!("CARGO_BIN_EXE_compose")), "/dev/null"])
        .envs([("TERM", "xterm"), ("NO_COLOR", "1")])
        .current_dir(pair.folder.path())
        .stdin(std::process::Stdio::null())
        .output();
    let Some(output) = script.ok().filter(|output| output.status.code() == Some(2)) else {
        eprintln!("no terminal to be had (script): mistakes on a terminal are not tested");
        return;
    };
    let said = stdout(&output);
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("error: mask \"cloud\"") && lines[0].contains("did you mean \"cloud\"?"),
        "{said}"
    );
    let source = lines.iter().position(|line| line.contains("any = [\"clowd\"]")).expect("the line is shown");
    assert_eq!(lines[source].find("\"clowd\""), lines[source + 1].find('^'), "{said}");
    // Elsewhere it is one line, as ever.
    assert!(pair.refused(&[]).starts_with("error: rules.toml:"));
}
