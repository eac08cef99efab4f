//! Runs the fenced examples of the kinds' pages.
//!
//! After a `toml` fence with a rule come its bands and what is expected:
//! `band NAME DTYPE [LAYOUT | quality | SCALE OFFSET] [DATE]` holds rows of numbers (`.` = outside the raster,
//! or no data); `other NAME BAND [DATE]` the same for that band of another scene, which is stored like this one's;
//! `expect` holds `#` (marked) and `-`; `refused` holds the message; `notes` the remarks.
//!
//! A rule that compares is given every pixel of the scenes as its survey.

use crate::stage::{Pixels, Stage, grid};
use compose_core::page::{Case, Fence, cases};
use compose_core::{BoundMask, DataType, Day, quality};
use compose_mask::KINDS;
use ndarray::Array2;
use std::sync::Arc;

#[test]
fn every_example_of_every_page_does_what_the_page_says() {
    for kind in KINDS {
        let cases = cases(kind.page);
        assert!(!cases.is_empty(), "{}.md has no example", kind.name);
        for case in cases {
            let place = |fence: &Fence<'_>| format!("src/{}.md:{}", kind.name, fence.line);
            assert!(!case.rest.is_empty(), "{}: nothing is expected", place(&case.toml));
            run(&case, &place);
        }
    }
}

fn run(case: &Case<'_>, place: &dyn Fn(&Fence<'_>) -> String) {
    let stage = stage(case).unwrap_or_else(|why| panic!("{}: {why}", place(&case.toml)));
    let rule = stage.fitted(case.toml.body);
    let mut judged = 0;
    for fence in case.rest.iter().filter(|f| !f.info.starts_with("band ") && !f.info.starts_with("other ")) {
        judged += 1;
        if let Err(why) = judge(fence, &stage, &rule) {
            panic!("{}: {why}", place(fence));
        }
    }
    assert!(judged > 0, "{}: no expect, refused or notes", place(&case.toml));
}

fn judge(fence: &Fence<'_>, stage: &Stage, rule: &Result<Arc<dyn BoundMask>, String>) -> Result<(), String> {
    let same = |got: &str| match got.trim() == fence.body.trim() {
        true => Ok(()),
        false => Err(format!("got\n{}\nexpected\n{}", got.trim(), fence.body.trim())),
    };
    match (fence.info, rule) {
        ("refused", Err(message)) => same(message),
        ("refused", Ok(_)) => Err("was not refused".into()),
        (_, Err(message)) => Err(format!("was refused: {message}")),
        ("notes", Ok(rule)) => same(&rule.notes().join("\n")),
        ("expect", Ok(rule)) => {
            let (height, width) = (stage.scene.grid.height, stage.scene.grid.width);
            let tiles = [(height, width), (1, 1), (2, 2), (1, width)];
            tiles.into_iter().try_for_each(|tile| same(&picture(&stage.marked(&**rule, tile))))
        }
        (other, _) => Err(format!("unknown fence {other}")),
    }
}

fn picture(marked: &Array2<u8>) -> String {
    let row = |row: ndarray::ArrayView1<'_, u8>| {
        row.iter().map(|m| if *m == 0 { "-" } else { "#" }).collect::<Vec<_>>().join(" ")
    };
    marked.rows().into_iter().map(row).collect::<Vec<_>>().join("\n")
}

fn stage(case: &Case<'_>) -> Result<Stage, String> {
    let bands: Vec<&Fence<'_>> = case.rest.iter().filter(|f| f.info.starts_with("band ")).collect();
    let first = bands.first().ok_or("no band")?;
    let rows: Vec<&str> = first.body.lines().collect();
    let width = rows.first().map_or(0, |r| r.split_whitespace().count());
    let mut stage = Stage::new(grid(width, rows.len(), 30.0, 30.0), None);
    for fence in bands {
        add_band(&mut stage, fence, (rows.len(), width))
            .ok_or_else(|| format!("cannot read {}", fence.info))?;
    }
    for fence in case.rest.iter().filter(|f| f.info.starts_with("other ")) {
        add_other(&mut stage, fence, (rows.len(), width))
            .ok_or_else(|| format!("cannot read {}", fence.info))?;
    }
    Ok(stage)
}

/// One band of another scene; its first fence says the date.
fn add_other(stage: &mut Stage, fence: &Fence<'_>, shape: (usize, usize)) -> Option<()> {
    let mut words = fence.info.split_whitespace().skip(1);
    let (id, name) = (words.next()?, words.next()?);
    let day = words.next().and_then(|word| word.parse::<chrono::NaiveDate>().ok()).map(Day::from);
    let band = stage.scene.bands[..stage.scene.wanted].iter().position(|b| b.name == name)?;
    let pixels = data_of(fence.body, shape)?;
    stage.other(id, day).pixels[band] = pixels;
    Some(())
}

fn add_band(stage: &mut Stage, fence: &Fence<'_>, shape: (usize, usize)) -> Option<()> {
    let mut words = fence.info.split_whitespace().skip(1);
    let (name, dtype): (_, DataType) = (words.next()?, words.next()?.parse().ok()?);
    let words: Vec<&str> = words.collect();
    if let Some(day) = words.iter().find_map(|w| w.parse::<chrono::NaiveDate>().ok()) {
        stage.scene.day = Some(Day::from(day));
    }
    let layout = words.iter().find_map(|w| quality::find(w).ok());
    let numbers: Vec<f64> = words.iter().filter_map(|w| w.parse().ok()).collect();
    let codes = layout.is_some() || words.contains(&"quality");
    let pixels = if codes { codes_of(fence.body, shape, dtype)? } else { data_of(fence.body, shape)? };
    let band = stage.add(name, dtype, pixels);
    band.layout = layout;
    if let [scale, offset] = numbers[..] {
        band.scale_offset = Some((scale, offset));
    }
    Some(())
}

fn codes_of(body: &str, shape: (usize, usize), dtype: DataType) -> Option<Pixels> {
    let wrap = (1i64 << (8 * dtype.bytes())) - 1;
    let code = |word: &str| (word.parse::<i64>().unwrap_or(0) & wrap) as u32;
    let codes = Array2::from_shape_vec(shape, body.split_whitespace().map(code).collect()).ok()?;
    Some(Pixels::Codes(codes, present(body, shape)?))
}

fn data_of(body: &str, shape: (usize, usize)) -> Option<Pixels> {
    let sample = |word: &str| word.parse().unwrap_or(0.0);
    let values = Array2::from_shape_vec(shape, body.split_whitespace().map(sample).collect()).ok()?;
    Some(Pixels::Data(values, present(body, shape)?))
}

fn present(body: &str, shape: (usize, usize)) -> Option<Array2<u8>> {
    Array2::from_shape_vec(shape, body.split_whitespace().map(|w| u8::from(w != ".")).collect()).ok()
}
