//! How the samples of a file lie in its blocks.

use compose_core::DataType;

/// How the bytes of a block are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    Deflate,
    Zstd,
}

/// The predictor that was applied to a row before it was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    /// Differences to the pixel on the left (TIFF 6.0, section 14).
    Difference,
    /// Bytes of floats sorted by significance, then differences (TIFF Technical Note 3).
    Float,
}

/// How the samples of a file lie in its blocks.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub width: usize,
    pub height: usize,
    /// Width × height of a block.
    pub block: (usize, usize),
    /// Tiles at the edges are stored whole, the last strip only as far as the raster goes.
    pub tiled: bool,
    pub bands: usize,
    /// Whether a block holds all bands, sample beside sample.
    pub interleaved: bool,
    pub dtype: DataType,
    pub codec: Codec,
    pub predictor: Predictor,
    /// Whether the file's byte order is not the machine's.
    pub swapped: bool,
}

impl Layout {
    /// Blocks across × down.
    pub(super) fn blocks(&self) -> (usize, usize) {
        (self.width.div_ceil(self.block.0), self.height.div_ceil(self.block.1))
    }

    /// Width × height of the pixels of a block that exist.
    pub(super) fn block_size(&self, (col, row): (usize, usize)) -> (usize, usize) {
        let (width, height) = self.block;
        (width.min(self.width - col * width), height.min(self.height - row * height))
    }

    /// Samples beside each other that belong to one pixel.
    pub(super) fn channels(&self) -> usize {
        if self.interleaved { self.bands } else { 1 }
    }

    /// Bytes of a stored row of a block.
    pub(super) fn row_bytes(&self) -> usize {
        self.block.0 * self.channels() * self.dtype.bytes()
    }

    /// Bytes of a block in row `row` of blocks, as stored.
    pub(super) fn stored_bytes(&self, row: usize) -> usize {
        let rows = if self.tiled { self.block.1 } else { self.block_size((0, row)).1 };
        self.row_bytes() * rows
    }

    /// Bytes of the largest block that is stored otherwise than it is wanted: bands beside each other, parts
    /// of floats, and tiles that reach over the edge.
    pub(super) fn most_rearranged_bytes(&self) -> usize {
        let whole = self.width.is_multiple_of(self.block.0) && self.height.is_multiple_of(self.block.1);
        if self.interleaved || self.predictor == Predictor::Float || (self.tiled && !whole) {
            self.stored_bytes(0)
        } else {
            0
        }
    }
}

/// Runs an expression with `T` as the unsigned number that is as wide as a sample.
macro_rules! with_word {
    ($dtype:expr, $word:ident => $run:expr) => {
        match $dtype.bytes() {
            1 => {
                type $word = u8;
                $run
            }
            2 => {
                type $word = u16;
                $run
            }
            _ => {
                type $word = u32;
                $run
            }
        }
    };
}
pub(super) use with_word;
