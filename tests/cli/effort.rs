//! Work and memory have a bound, and are told before they are spent.

use crate::support::{CLEAR, CLOUD, Pair, Raster, command, compose, stderr, stdout};

#[test]
fn a_survey_looks_where_scenes_lie_however_long_the_grid_is() {
    let pair = Pair::new();
    pair.change("nearest-date", "regress");
    let long = ["--bounds", "405000 4499910 240405000 4500000", "--plan"];
    let output = pair.compose(&long);
    assert!(output.status.success(), "{}", stderr(&output));
    let plan = stdout(&output);
    assert!(plan.contains("size: 8000000 × 3 pixels, image 45.8 MB"), "{plan}");
    assert!(plan.contains("survey: 1536 pixels of the grid, every pixel of it, of 2 scenes"), "{plan}");
}

#[test]
fn a_rule_that_looks_far_around_is_named_where_it_takes_the_memory() {
    let pair = Pair::new();
    pair.change(
        "name = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]",
        "name = \"shadow\"\nkind = \"shadow-geometry\"\nbands = [\"B1\"]\nsun-elevation = 12\nsun-azimuth = 100\n\
         clouds = { kind = \"bits\", any = [\"cloud\"] }",
    );
    let said = pair.refused(&["--mem-limit", "120MB", "--plan"]);
    assert!(said.contains("px around them, which mask \"shadow\" looks at"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let plan = stdout(&pair.compose(&["--mem-limit", "8GB", "--plan"]));
    assert!(plan.contains("note: mask \"shadow\" looks ") && plan.contains("most of the work"), "{plan}");
}

#[test]
fn a_file_of_which_one_block_is_more_than_the_memory_is_refused_by_name() {
    let pair = Pair::new();
    let options = ["TILED=YES", "BLOCKXSIZE=4096", "BLOCKYSIZE=4096"];
    Raster {
        width: 4,
        bands: vec![vec![7_u16; 12]],
        shift: (0.0, 0.0),
        nodata: Some(0.0),
        options: &options,
    }
    .write(&pair.path("b_b1.tif"));
    let said = pair.refused(&["--force-gdal", "--mem-limit", "40MB", "--plan"]);
    assert!(
        said.contains("b_b1.tif: it is stored in blocks of 4096 × 4096 pixels, and decoding one"),
        "{said}"
    );
    assert!(said.contains("takes 48.1 MB, more than the memory limit of 40.0 MB"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// A stack in large tiles, no two scenes of which lie alike: land under noise, a cloud on each.
#[cfg(target_os = "linux")]
fn long_stack(folder: &std::path::Path, scenes: usize, scratch: &str) {
    const SIDE: usize = 700;
    let mut rules = String::from(
        "[scenes]\nquality = \"QA\"\nlayout = \"landsat-c2-l89\"\n[target]\nscene = \"s0\"\n\
         [[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n\
         [[fill]]\nstrategy = \"regress\"\n[output]\npath = \"out.tif\"\nscratch = \"SCRATCH\"\n",
    );
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u16
    };
    let noise: Vec<u16> = (0..SIDE * SIDE).map(|_| next()).collect();
    for scene in 0..scenes {
        let from = scene * 97 % (SIDE - 200);
        let cloudy = |at: usize| {
            (from..from + 150).contains(&(at % SIDE)) && (from..from + 150).contains(&(at / SIDE))
        };
        let land = |at: usize, number: usize| {
            let noise = noise[(at + scene * 977 + number) % noise.len()];
            (1200 + 700 * number + at % SIDE + at / SIDE + 5 * scene) as u16 + noise
        };
        let pixels = |of: &dyn Fn(usize) -> u16| (0..SIDE * SIDE).map(of).collect::<Vec<u16>>();
        let options = ["TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "COMPRESS=DEFLATE", "ZLEVEL=1"];
        let shift = ((scene * 7 % 60) as f64, (scene * 11 % 50) as f64);
        let codes = pixels(&|at| if cloudy(at) { CLOUD } else { CLEAR });
        for (name, band) in
            [("b1", pixels(&|at| land(at, 1))), ("b2", pixels(&|at| land(at, 2))), ("qa", codes)]
        {
            let nodata = (name != "qa").then_some(0.0);
            let path = folder.join(format!("s{scene}_{name}.tif"));
            Raster { width: SIDE, bands: vec![band], shift, nodata, options: &options }.write(&path);
        }
        rules += &format!("[[scene]]\nid = \"s{scene}\"\ndate = 2020-06-{:02}\n", 1 + scene);
        let files = ["B1", "B2", "QA"].map(|b| format!("{b} = \"s{scene}_{}.tif\"", b.to_lowercase()));
        rules += &format!("files = {{ {} }}\n", files.join(", "));
    }
    std::fs::write(folder.join("rules.toml"), rules.replace("SCRATCH", scratch)).unwrap();
}

/// The most bytes that a run of the rules file in this folder had at a time.
#[cfg(target_os = "linux")]
fn most_memory(folder: &std::path::Path, limit: &str) -> u64 {
    let arguments = ["--rules", "rules.toml", "--overwrite", "-q", "-j", "2", "--mem-limit", limit];
    let mut child = command().current_dir(folder).args(arguments).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        // The system keeps the greatest; of a process that has ended nothing is told.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) << 10);
        if let Some(code) = child.try_wait().unwrap() {
            assert!(code.success());
            return most;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Kept by the C library, what a survey has freed would be there beside what the run takes: 135 to 151 MB were seen then,
/// 116 MB otherwise. Without a scratch file, whose tiles pass through memory.
#[cfg(target_os = "linux")]
#[test]
fn what_a_survey_has_freed_is_given_back_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    long_stack(folder.path(), 24, "none");
    let most = most_memory(folder.path(), "140MB");
    assert!((60..128).contains(&(most >> 20)), "{} MB at a time", most >> 20);
}

#[cfg(target_os = "linux")]
#[test]
fn tiles_that_wait_on_the_disk_keep_a_run_within_its_memory() {
    let folder = tempfile::tempdir().unwrap();
    long_stack(folder.path(), 24, "auto");
    let most = most_memory(folder.path(), "140MB");
    assert!((60..140).contains(&(most >> 20)), "{} MB at a time", most >> 20);
}

/// A fill that looks around its blocks wants a tile as long as a block lies near it.
#[cfg(target_os = "linux")]
#[test]
fn a_tile_beside_a_block_is_kept_for_what_a_fill_reads_around_it() {
    let folder = tempfile::tempdir().unwrap();
    long_stack(folder.path(), 6, "auto");
    let rules = folder.path().join("rules.toml");
    let plain = std::fs::read_to_string(&rules).unwrap();
    for strategy in ["regress", "seamless"] {
        std::fs::write(&rules, plain.replace("\"regress\"", &format!("\"{strategy}\""))).unwrap();
        for size in ["100", "128"] {
            let arguments = ["--rules", "rules.toml", "--overwrite", "-v", "-j", "1", "--block-size", size];
            let output = compose()
                .current_dir(folder.path())
                .args(arguments)
                .args(["--mem-limit", "140MB"])
                .output()
                .unwrap();
            let said = format!("{}{}", stdout(&output), stderr(&output));
            assert!(said.contains(" tiles were decoded, each once"), "{strategy} {size}: {said}");
        }
    }
}
