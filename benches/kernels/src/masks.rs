//! Mask rules, as a rules file asks for them.

use crate::stack::{Noise, grid, scene};
use crate::{Size, Work};
use compose_core::{BoundMask, Crs, CrsUnit, Grid, MaskInput, Plane, SceneFacts, SettingsTable, Window};
use ndarray::Array2;
use std::sync::Arc;
use toml::de::DeTable;

/// Codes of Landsat Collection 2: clear land, water, dilated cloud, cloud, shadow, snow, cirrus, cloud with cirrus.
const CODES: [u32; 8] = [21824, 21952, 21826, 22280, 23888, 30048, 54596, 55052];
/// Bits 1 to 4: dilated cloud, cirrus, cloud, cloud shadow.
const UNUSABLE: u32 = 0b11110;
const LISTED: [u32; 4] = [21826, 22280, 23888, 55052];
const RANGE: std::ops::RangeInclusive<f32> = 2000.0..=9000.0;
/// Radius of the growth in pixels of 30 m.
const RADIUS: i64 = 3;
/// The plain rule for one pixel: its code and its sample.
type Plain = fn(u32, f32) -> bool;

pub(crate) struct Mask {
    bound: Arc<dyn BoundMask>,
    scene: SceneFacts,
    grid: Grid,
    codes: Array2<u32>,
    values: Array2<f32>,
    inside: Array2<u8>,
    neutral: Array2<u8>,
    marked: Array2<u8>,
    /// Whether the rule reads the quality band.
    quality: bool,
    plain: Plain,
    grows: bool,
}

pub(crate) fn bits(size: Size) -> Mask {
    let rule = "kind = \"bits\"\nany = [\"dilated-cloud\", \"cirrus\", \"cloud\", \"cloud-shadow\"]";
    Mask::new(rule, size, |code, _| code & UNUSABLE != 0)
}

pub(crate) fn values(size: Size) -> Mask {
    let rule = format!("kind = \"values\"\nvalues = {LISTED:?}");
    Mask::new(&rule, size, |code, _| LISTED.contains(&code))
}

pub(crate) fn range(size: Size) -> Mask {
    let rule = format!("kind = \"range\"\nband = \"B1\"\nmin = {:?}\nmax = {:?}", RANGE.start(), RANGE.end());
    Mask { quality: false, ..Mask::new(&rule, size, |_, value| RANGE.contains(&value)) }
}

pub(crate) fn grow(size: Size) -> Mask {
    let rule = "kind = \"bits\"\nany = [\"cloud\"]\ngrow = \"90 m\"";
    Mask { grows: true, ..Mask::new(rule, size, |code, _| code & 0b1000 != 0) }
}

impl Mask {
    fn new(rule: &str, size: Size, plain: Plain) -> Self {
        let crs = Crs { wkt: "made up".into(), label: "made up".into(), unit: CrsUnit::Metres(1.0) };
        let grid = Grid { crs: Some(Arc::new(crs)), ..grid(size.side) };
        let scene = scene(0, 0, &grid, Size { bands: 1, ..size });
        let table = SettingsTable::new(0..rule.len(), DeTable::parse(rule).expect("TOML").into_inner());
        let kinds: Vec<_> = compose_mask::KINDS.iter().collect();
        let parsed = compose_mask::parse_rule(table, "mask 1", &kinds);
        let parsed = parsed.unwrap_or_else(|problems| panic!("{:?}", problems[0].message));
        let bound = parsed.bind(&scene).unwrap_or_else(|e| panic!("{e}")).alone();
        let (noise, shape) = (&mut Noise(1), (size.side, size.side));
        // Clouds come in patches, for what depends on their edges.
        let patches: Vec<u64> = (0..shape.0 * shape.1).map(|_| noise.next()).collect();
        let codes = Array2::from_shape_fn(shape, |(row, col)| {
            let patch = patches[row / 13 * shape.1 + col / 17];
            CODES[if patch % 10 < 7 { patch % 2 } else { 2 + patch / 16 % 6 } as usize]
        });
        Self {
            bound,
            scene,
            grid,
            codes,
            values: Array2::from_shape_simple_fn(shape, || f32::from(noise.sample())),
            inside: Array2::from_shape_fn(shape, |(row, col)| u8::from(row + 2 * col > 40)),
            neutral: Array2::from_shape_fn(shape, |(row, col)| u8::from(row + 2 * col <= 40)),
            marked: Array2::zeros(shape),
            quality: true,
            plain,
            grows: false,
        }
    }

    fn takes(&self, row: usize, col: usize) -> bool {
        self.inside[[row, col]] != 0 && (self.plain)(self.codes[[row, col]], self.values[[row, col]])
    }

    /// Every marked pixel marks the disc around it, offset by offset.
    fn grow_plainly(&mut self) {
        let (height, width) = self.marked.dim();
        for (row, col) in (0..height).flat_map(|row| (0..width).map(move |col| (row, col))) {
            if !self.takes(row, col) {
                continue;
            }
            for (dr, dc) in (-RADIUS..=RADIUS).flat_map(|dr| (-RADIUS..=RADIUS).map(move |dc| (dr, dc))) {
                let (r, c) = (row as i64 + dr, col as i64 + dc);
                let inside = (0..height as i64).contains(&r) && (0..width as i64).contains(&c);
                if inside
                    && dr * dr + dc * dc <= RADIUS * RADIUS
                    && self.neutral[[r as usize, c as usize]] == 0
                {
                    self.marked[[r as usize, c as usize]] = 1;
                }
            }
        }
    }
}

impl Work for Mask {
    fn fast(&mut self) {
        self.marked.fill(0);
        let plane = if self.quality {
            Plane::Quality { codes: self.codes.view(), inside: self.inside.view() }
        } else {
            Plane::Data { values: self.values.view(), valid: self.inside.view() }
        };
        let (height, width) = self.marked.dim();
        let input = MaskInput {
            scene: &self.scene,
            grid: &self.grid,
            window: Window::whole(width, height),
            planes: &[plane],
            neutral: self.neutral.view(),
            stack: None,
        };
        self.bound.mark(&input, self.marked.view_mut()).expect("a rule that fails at nothing here");
    }

    fn plain(&mut self) {
        self.marked.fill(0);
        if self.grows {
            return self.grow_plainly();
        }
        let (height, width) = self.marked.dim();
        for (row, col) in (0..height).flat_map(|row| (0..width).map(move |col| (row, col))) {
            self.marked[[row, col]] = u8::from(self.takes(row, col));
        }
    }

    /// Without the rim, of which a rule may say anything.
    fn answer(&self) -> Vec<Option<f32>> {
        let ((height, width), halo) = (self.marked.dim(), self.bound.halo());
        let inner = self.marked.slice(ndarray::s![halo..height - halo, halo..width - halo]);
        inner.iter().map(|m| Some(f32::from(*m))).collect()
    }

    fn samples(&self) -> usize {
        self.marked.len()
    }
}
