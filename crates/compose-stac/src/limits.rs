//! How much is read before it is refused: far more than any catalogue that a run could compose.

/// Items of one source or one search.
pub const ITEMS: usize = 65_000;
/// Documents that one source may link to.
pub const DOCUMENTS: usize = 100_000;
/// Collections within one document.
pub const COLLECTIONS: usize = 1000;
/// Links of one document.
pub const LINKS: usize = 200_000;
/// Bytes of one document.
pub const DOCUMENT_BYTES: u64 = 64 << 20;
/// Bytes of one item: as values it takes several times as much memory.
pub const ITEM_BYTES: usize = 8 << 20;
/// Bands of one item, of all its assets together.
pub const BANDS: usize = 65_536;
/// Classes of one item, of all its bands together: a list of an asset counts for each of its bands.
pub const CLASSES: usize = 262_144;
/// Bytes of all documents of one source or one search.
pub const ALL_BYTES: u64 = 4 << 30;
