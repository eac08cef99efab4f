//! Decoded tiles that wait on the disk until they are wanted again.
//!
//! A tile that memory has no room for is written once and read back in parts, many times sooner than it is decoded. The
//! file has no name: the system removes it when the run ends, however it ends. Pages of it that the system keeps in
//! memory are not the program's own; it takes them back when it needs them.

use super::buffer::{Buffers, Tile};
use compose_core::{DataType, Window};
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Tiles lie in the file in columns of so many pixels: a narrow block reads little beside its own pixels.
const COLUMN: usize = 64;
/// One in so many free bytes of the file system is left to others.
const LEFT_FREE: u64 = 2;

/// The scratch file of a store. It is made when the first tile needs it.
#[derive(Default)]
pub(super) struct ScratchFile {
    /// Where it is made; `None`: there is none.
    folder: Option<PathBuf>,
    space: Arc<Mutex<Space>>,
    written: AtomicU64,
}

#[derive(Default)]
struct Space {
    file: Option<Arc<File>>,
    /// Whether it could not be made, is full, or failed.
    given_up: bool,
    end: u64,
    most: u64,
    /// Places that are free again, by their length.
    free: HashMap<u64, Vec<u64>>,
}

/// A tile in the file.
pub(super) struct TileOnDisk {
    pub window: Window,
    dtype: DataType,
    file: Arc<File>,
    offset: u64,
    length: u64,
    space: Arc<Mutex<Space>>,
}

impl ScratchFile {
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::default() }
    }

    /// Whether tiles may be written.
    pub fn accepts_tiles(&self) -> bool {
        self.folder.is_some() && !locked(&self.space).given_up
    }

    /// Bytes that were written so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Writes no more.
    pub fn give_up(&self) {
        locked(&self.space).given_up = true;
    }

    /// Gives the bytes on the disk back, where no tile waits any more, and writes no more.
    pub fn release(&self) {
        let space = &mut *locked(&self.space);
        if space.file.as_ref().is_none_or(|file| Arc::strong_count(file) == 1) {
            *space = Space { given_up: true, ..Space::default() };
        }
    }

    /// Writes a tile; `None` where there is no room for it.
    pub fn write(&self, tile: &Tile) -> Option<TileOnDisk> {
        let length = tile.bytes();
        let (file, offset) = self.place(length)?;
        let written = TileOnDisk {
            window: tile.window,
            dtype: tile.dtype,
            file,
            offset,
            length,
            space: self.space.clone(),
        };
        let bytes = tile.dtype.bytes();
        let mut column = Vec::new();
        for (plane, samples) in tile.all().chunks(tile.window.pixels() * bytes).enumerate() {
            for (left, width) in columns(tile.window.width) {
                column.clear();
                for row in samples.chunks(tile.window.width * bytes) {
                    column.extend_from_slice(&row[left * bytes..][..width * bytes]);
                }
                if write_at(&written.file, &column, written.place_of(plane, left)).is_err() {
                    self.give_up();
                    return None;
                }
            }
        }
        self.written.fetch_add(length, Ordering::Relaxed);
        Some(written)
    }

    /// Where so many bytes may lie.
    fn place(&self, length: u64) -> Option<(Arc<File>, u64)> {
        let folder = self.folder.as_ref()?;
        let space = &mut *locked(&self.space);
        if space.given_up {
            return None;
        }
        if space.file.is_none() {
            let made = tempfile::tempfile_in(folder).ok();
            let most = made.as_ref().and_then(room);
            space.given_up = most.is_none();
            (space.file, space.most) = (made.map(Arc::new), most.unwrap_or(0));
        }
        let file = space.file.clone().filter(|_| !space.given_up)?;
        if let Some(offset) = space.free.get_mut(&length).and_then(Vec::pop) {
            return Some((file, offset));
        }
        let offset = space.end;
        if offset + length > space.most {
            return None;
        }
        space.end += length;
        Some((file, offset))
    }
}

impl TileOnDisk {
    /// Reads the part of a plane that lies in `part`, piece by piece; each is a tile of its own. False where it cannot be
    /// read.
    pub fn visit(
        &self,
        plane: usize,
        part: Window,
        buffers: &Arc<Buffers>,
        mut visit: impl FnMut(&Tile),
    ) -> bool {
        for (left, width) in columns(self.window.width) {
            let column = Window { col: self.window.col + left as i64, width, ..self.window };
            let Some(common) = column.intersect(part) else { continue };
            let piece = Window { row: common.row, height: common.height, ..column };
            let Ok(mut tile) = Tile::new(buffers, self.dtype, 1, piece) else { return false };
            let above = (piece.row - column.row) as usize * width * self.dtype.bytes();
            let place = self.place_of(plane, left) + above as u64;
            if read_at(&self.file, tile.bytes_mut(), place).is_err() {
                return false;
            }
            visit(&tile);
        }
        true
    }

    /// Where a column of a plane begins.
    fn place_of(&self, plane: usize, left: usize) -> u64 {
        let before = plane * self.window.pixels() + left * self.window.height;
        self.offset + (before * self.dtype.bytes()) as u64
    }
}

impl Drop for TileOnDisk {
    fn drop(&mut self) {
        locked(&self.space).free.entry(self.length).or_default().push(self.offset);
    }
}

fn locked(space: &Mutex<Space>) -> MutexGuard<'_, Space> {
    space.lock().unwrap_or_else(PoisonError::into_inner)
}

/// First pixel and width of each column.
fn columns(width: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..width).step_by(COLUMN).map(move |left| (left, COLUMN.min(width - left)))
}

/// What the file may take of the file system that it lies on; `None` where nobody knows.
fn room(file: &File) -> Option<u64> {
    let system = rustix::fs::fstatvfs(file).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize) / LEFT_FREE)
}

fn read_at(file: &File, to: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, to, offset)
}

fn write_at(file: &File, from: &[u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, from, offset)
}
