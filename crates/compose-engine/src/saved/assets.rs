//! What a catalogue says of assets: kept in a plan file and brought back.

use super::form::{FoundAsset, FoundBits, FoundItem};
use chrono::{DateTime, SecondsFormat, Utc};
use compose_core::quality::OwnField;
use compose_io::scene::{AssetFacts, Codes, ItemFacts, Offset};

/// What a catalogue says of a scene, for a plan file.
pub fn kept_item(of: &ItemFacts) -> FoundItem {
    FoundItem {
        document: of.document.clone(),
        time: of.time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        platform: of.platform.clone(),
        constellation: of.constellation.clone(),
        grid_code: of.grid_code.clone(),
    }
}

/// The same from a plan file; `None` where its time is none.
pub fn restored_item(of: &FoundItem) -> Option<ItemFacts> {
    Some(ItemFacts {
        document: of.document.clone(),
        time: DateTime::parse_from_rfc3339(&of.time).ok()?.with_timezone(&Utc),
        platform: of.platform.clone(),
        constellation: of.constellation.clone(),
        grid_code: of.grid_code.clone(),
    })
}

/// What a catalogue says of an asset, for a plan file.
pub fn kept(of: &AssetFacts) -> FoundAsset {
    let bits = |of: &OwnField| FoundBits {
        name: of.name.clone(),
        offset: of.offset,
        width: of.width,
        classes: of.classes.clone(),
    };
    let (offset, offset_applied) = match of.offset {
        Offset::Unknown => (None, None),
        Offset::Stated(offset) => (Some(offset), None),
        Offset::NotApplied(offset) => (Some(offset), Some(false)),
        Offset::Applied => (None, Some(true)),
    };
    let (classes, bits) = match &of.codes {
        None => (None, None),
        Some(Codes::Classes(classes)) => (Some(classes.clone()), None),
        Some(Codes::Fields(fields)) => (None, Some(fields.iter().map(bits).collect())),
    };
    FoundAsset {
        key: of.key.clone(),
        flaw: of.flaw.clone(),
        aliases: of.aliases.clone(),
        nodata: of.nodata,
        scale: of.scale,
        offset,
        offset_applied,
        classes,
        bits,
        shape: of.shape,
        transform: of.transform,
        crs: of.crs.clone(),
    }
}

/// The same from a plan file.
pub fn restored(of: &FoundAsset) -> AssetFacts {
    let field = |of: &FoundBits| OwnField {
        name: of.name.clone(),
        offset: of.offset,
        width: of.width,
        classes: of.classes.clone(),
    };
    let classes = of.classes.clone().map(Codes::Classes);
    AssetFacts {
        key: of.key.clone(),
        flaw: of.flaw.clone(),
        aliases: of.aliases.clone(),
        nodata: of.nodata,
        scale: of.scale,
        offset: match (of.offset, of.offset_applied) {
            (_, Some(true)) => Offset::Applied,
            (None, _) => Offset::Unknown,
            (Some(offset), Some(false)) => Offset::NotApplied(offset),
            (Some(offset), None) => Offset::Stated(offset),
        },
        codes: classes.or_else(|| Some(Codes::Fields(of.bits.as_ref()?.iter().map(field).collect()))),
        shape: of.shape,
        transform: of.transform,
        crs: of.crs.clone(),
    }
}
