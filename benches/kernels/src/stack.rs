//! Made-up scenes.

use crate::Size;
use compose_core::{BandFacts, BandRole, Block, DataType, Day, Grid, SceneFacts, Transform, ValidityMode};

/// A cheap generator of numbers that look random.
pub(crate) struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A 16-bit sample that is not 0.
    pub fn sample(&mut self) -> u16 {
        (1 + self.next() % 20_000) as u16
    }

    /// 1, or 0 in about 30 % of all cases.
    pub fn valid(&mut self) -> u8 {
        u8::from(self.next() % 10 >= 3)
    }
}

/// A block of samples of which about 30 % are unusable, singly: the hardest case.
pub(crate) fn block(
    mode: ValidityMode,
    bands: usize,
    (height, width): (usize, usize),
    noise: &mut Noise,
) -> Block {
    let mut block = Block::empty(bands, mode, height, width);
    block.values.iter_mut().for_each(|v| *v = f32::from(noise.sample()));
    block.valid.iter_mut().for_each(|v| *v = noise.valid());
    block
}

/// Pixels of 30 m.
pub(crate) fn grid(side: usize) -> Grid {
    let transform = Transform { x0: 0.0, dx: 30.0, y0: 0.0, dy: -30.0 };
    Grid { width: side, height: side, transform, crs: None }
}

/// Facts of a scene with data bands `B1`, `B2`, … and the quality band `QA`.
pub(crate) fn scene(id: usize, day: i32, grid: &Grid, size: Size) -> SceneFacts {
    let band = |name: String, role| BandFacts {
        name,
        aliases: Vec::new(),
        role,
        grid: grid.clone(),
        dtype: DataType::UInt16,
        scale_offset: None,
        layout: None,
        beside: false,
    };
    let mut bands: Vec<_> = (1..=size.bands).map(|n| band(format!("B{n}"), BandRole::Data)).collect();
    let layout = Some(compose_core::quality::find("landsat-c2-l89").expect("a layout that is known"));
    bands.push(BandFacts { layout, ..band("QA".into(), BandRole::Quality) });
    SceneFacts {
        id: id.to_string(),
        day: Some(Day(day)),
        sensor: None,
        sun: None,
        grid: grid.clone(),
        bands,
        wanted: size.bands,
        quality: Some(size.bands),
    }
}
