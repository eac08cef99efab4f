//! STAC, the `SpatioTemporal` Asset Catalog: metadata of scenes as JSON documents that link to each other.
//!
//! | module | for |
//! |---|---|
//! | [`read()`] | items of a document on disk or on the network, and of all that it links to |
//! | [`search()`] | items of a search of an API, page by page |
//! | [`item`] | what is taken from an item: times, sun, grid code, assets and their bands |
//! | [`href`] | where a document or an asset is, and its path for GDAL |
//! | [`mod@write`], [`footprint()`] | items and collections to write, and the outline of an image as GeoJSON |
//! | [`client`] | requests with timeouts, retries and limits |
//!
//! STAC 0.7 to 1.1 is read. What is not wanted may be of any form; what is wanted is checked, and an error names the
//! document, the item and the field. Documents are hostile until read: sizes, counts and times are bounded
//! ([`limits`]), and nothing that is no regular file is opened. No asset is opened here at all.

mod bands;
pub mod client;
mod error;
mod extent;
mod fields;
mod footprint;
mod found;
mod from_json;
pub mod href;
pub mod item;
pub mod limits;
mod raw;
mod read;
pub mod search;
mod time;
pub mod write;

#[cfg(test)]
mod tests_http;
#[cfg(test)]
mod tests_read;
#[cfg(test)]
mod tests_tls;
#[cfg(test)]
mod tests_write;

pub use client::{Client, Options};
pub use error::StacError;
pub use footprint::{Footprint, footprint};
pub use href::Href;
pub use item::{Asset, Band, Bitfield, Class, Item, Items, SunAngles};
pub use read::read;
pub use search::{Search, search};
