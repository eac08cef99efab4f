//! The warnings of GDAL that make a header unusable.

use crate::messages::Message;
use std::path::Path;

/// The most texts of one file that are passed on.
const SHOWN: usize = 5;

/// Tags that say what a pixel means or where it lies, by libtiff's and GDAL's names for them.
const TAGS: [&str; 16] = [
    "GeoPixelScale",
    "GeoTransformationMatrix",
    "Intergraph TransformationMatrix",
    "GeoTiePoints",
    "GeoKeyDirectory",
    "GeoDoubleParams",
    "GeoASCIIParams",
    "GDALNoDataValue",
    "GDALMetadata",
    "BitsPerSample",
    "SampleFormat",
    "SamplesPerPixel",
    "ExtraSamples",
    "Photometric",
    "FillOrder",
    "Predictor",
];
/// Messages of libtiff about a tag that it could not read.
const LOST: [&str; 6] =
    ["ignored", "io error", "sanity check", "out of memory", "wrong data type", "null byte"];
/// Messages of libgeotiff and GDAL about a coordinate system of which a part is lost.
const SYSTEM: [&str; 6] = [
    "GeoDoubleParams tag has only",
    "GeoKeyDirectory tag has only",
    "GeoAsciiParams tag has only",
    "GeoAsciiParams is missing or corrupted",
    "of TIFFTagLocation=0 has count",
    "GeoTIFF tags apparently corrupt",
];

/// The warnings among GDAL's messages, each text once, as remarks.
///
/// # Errors
/// The first message that is an error, or a warning after which system, place or nodata cannot be trusted.
pub(super) fn remarks(path: &Path, said: &[Message]) -> Result<Vec<String>, String> {
    // GDAL says the whole path, the libtiff inside newer ones the name alone.
    let name = path.file_name().unwrap_or_default();
    let own = [format!("{}: ", path.display()), format!("{}: ", name.display())];
    if let Some(wrong) = said.iter().find(|message| message.failure || is_grave(&message.text)) {
        return Err(plain(wrong, &own).to_owned());
    }
    let mut texts: Vec<&str> = Vec::new();
    for message in said {
        let text = plain(message, &own);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let mut remarks: Vec<String> =
        texts.iter().take(SHOWN).map(|text| format!("GDAL warns: {text}")).collect();
    if texts.len() > SHOWN {
        remarks.push(format!("GDAL warns of {} more", texts.len() - SHOWN));
    }
    Ok(remarks)
}

/// Without the file's name, which some messages have and others of the same have not.
fn plain<'a>(message: &'a Message, own: &[String]) -> &'a str {
    own.iter().find_map(|name| message.text.strip_prefix(name.as_str())).unwrap_or(&message.text)
}

fn is_grave(text: &str) -> bool {
    let small = text.to_lowercase();
    let lost = LOST.iter().any(|word| small.contains(word));
    SYSTEM.iter().any(|words| text.contains(words)) || (lost && TAGS.iter().any(|tag| text.contains(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[&str]) -> Vec<Message> {
        texts.iter().map(|text| Message { failure: false, text: (*text).into() }).collect()
    }

    #[test]
    fn what_loses_system_place_or_nodata_is_an_error() {
        for text in [
            "Key GTCitationGeoKey is of type ASCII but GeoAsciiParams is missing or corrupted.",
            "Key ProjFalseEastingGeoKey of type SHORT has offset=7 and count=1, but the GeoDoubleParams tag has only 7 values.",
            "TIFFFetchNormalTag:IO error during reading of \"GDALNoDataValue\"; tag ignored",
            "TIFFFetchNormalTag:Incorrect count for \"GeoPixelScale\"; tag ignored",
            "GeoTIFF tags apparently corrupt, they are being ignored.",
        ] {
            assert_eq!(remarks(Path::new("a"), &said(&[text])), Err(text.into()));
        }
        let failure = Message { failure: true, text: "x".into() };
        assert_eq!(remarks(Path::new("a"), &[failure]), Err("x".into()));
    }

    #[test]
    fn other_warnings_are_remarks_each_once_and_not_too_many() {
        let odd = "TIFFFetchNormalTag:Incorrect count for \"XResolution\"; tag ignored";
        assert_eq!(
            remarks(Path::new("b/a"), &said(&[odd, &format!("b/a: {odd}"), &format!("a: {odd}")])),
            Ok(vec![format!("GDAL warns: {odd}")])
        );
        let many = remarks(Path::new("x"), &said(&["a", "b", "c", "d", "e", "f", "g"])).unwrap();
        assert_eq!((many.len(), many[5].as_str()), (6, "GDAL warns of 2 more"));
    }
}
