//! GDAL's names of the sample type and the colour of each band.
//!
//! The gdal crate knows the numbers of both up to those of the GDAL that it was written for: it panics at colours that
//! came later (near infrared, red edge and others in 3.10, which GDAL sets for Sentinel-2), and has no name for types
//! that came after its bindings (`Int8` in 3.7, `Float16` in 3.11). A VRT of the file holds GDAL's own words; making it
//! opens nothing and reads no pixel.

use crate::messages::checked;
use compose_core::DataType;
use gdal::{Dataset, DriverManager, Metadata};

/// One band in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// GDAL's name of the sample type, such as `UInt16`.
    pub(super) type_name: String,
    /// Whether its colour is `Alpha`.
    pub(super) is_alpha: bool,
}

/// All bands, in order.
///
/// # Errors
/// GDAL's message, or that it tells of fewer bands than there are.
pub(super) fn of(dataset: &Dataset) -> Result<Vec<Words>, String> {
    let words = parse(&vrt(dataset)?);
    let (told, all) = (words.len(), dataset.raster_count());
    if told != all {
        return Err(format!("GDAL tells of {told} of its {all} bands; convert it to a GeoTIFF first"));
    }
    Ok(words)
}

fn vrt(dataset: &Dataset) -> Result<String, String> {
    let text = |of: &Dataset| of.metadata_domain("xml:VRT").and_then(|texts| texts.into_iter().next());
    if let Some(text) = text(dataset) {
        return Ok(text);
    }
    let copy = checked(|| {
        let driver = DriverManager::get_driver_by_name("VRT")?;
        dataset.create_copy(&driver, "", &Default::default())
    })?;
    text(&copy).ok_or_else(|| "GDAL does not tell what its bands are".to_owned())
}

/// `CPLSerializeXMLTree` writes an element a line, two more spaces for each level: a band of the file stands at the
/// first level, its colour at the second. Text is escaped.
fn parse(vrt: &str) -> Vec<Words> {
    let band = |text: &str| {
        let (head, body) = text.split_once('\n').unwrap_or((text, ""));
        let name = head.split_once("dataType=\"").and_then(|(_, rest)| rest.split_once('"'));
        Words {
            // VRT's own default (gdal.org/en/stable/drivers/raster/vrt.html, "VRTRasterBand").
            type_name: name.map_or("Byte", |(name, _)| name).to_owned(),
            is_alpha: body.lines().any(|line| line == "    <ColorInterp>Alpha</ColorInterp>"),
        }
    };
    vrt.split("\n  <VRTRasterBand").skip(1).map(band).collect()
}

/// The sample type of that name; `None` where this program does not know it.
pub(super) fn data_type(name: &str) -> Option<DataType> {
    match name.to_lowercase().as_str() {
        // Every half float is a single one; GDAL before 3.11 hands them out as such.
        "float16" => Some(DataType::Float32),
        "cint16" | "cint32" | "cfloat16" | "cfloat32" | "cfloat64" => Some(DataType::Complex),
        name => name.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_metadata_of_a_band_are_not_taken_for_bands() {
        let vrt = r#"<VRTDataset rasterXSize="4" rasterYSize="4">
  <Metadata>
    <MDI key="a">&lt;VRTRasterBand&gt;
  &lt;VRTRasterBand dataType="Int8"></MDI>
  </Metadata>
  <VRTRasterBand dataType="Float16" band="1">
    <ColorInterp>NIR</ColorInterp>
    <MaskBand>
      <VRTRasterBand dataType="Byte">
        <ColorInterp>Alpha</ColorInterp>
      </VRTRasterBand>
    </MaskBand>
  </VRTRasterBand>
  <VRTRasterBand band="2" subClass="VRTSourcedRasterBand" />
  <VRTRasterBand dataType="UInt16" band="3">
    <ColorInterp>Alpha</ColorInterp>
  </VRTRasterBand>
</VRTDataset>
"#;
        let words = |type_name: &str, is_alpha| Words { type_name: type_name.into(), is_alpha };
        assert_eq!(parse(vrt), [words("Float16", false), words("Byte", false), words("UInt16", true)]);
    }

    #[test]
    fn every_type_of_gdal_has_a_meaning_and_others_have_none() {
        for (name, wanted) in [
            ("Byte", Some(DataType::UInt8)),
            ("UInt8", Some(DataType::UInt8)),
            ("Int8", Some(DataType::Int8)),
            ("Int64", Some(DataType::Int64)),
            ("Float16", Some(DataType::Float32)),
            ("CFloat16", Some(DataType::Complex)),
            ("BFloat16", None),
            ("Unknown", None),
        ] {
            assert_eq!(data_type(name), wanted, "{name}");
        }
    }
}
