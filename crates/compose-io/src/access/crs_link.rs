//! Coordinate systems of GeoJSON files that lie at an address: GDAL would make a request for one (`"crs"` of the type
//! `link`, GeoJSON 2008, 3.2).

use regex::bytes::Regex;
use std::io::Read;
use std::sync::LazyLock;

/// Bytes that are looked at together.
const PIECE: usize = 1 << 20;
/// A longer description of a coordinate system is not taken.
const LONGEST: usize = 1 << 13;

/// The word `crs` in quotes of either sort, with or without escapes: GDAL's reader takes them all.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"["'](?:c|\\u0063)(?:r|\\u0072)(?:s|\\u0073)["']"#).expect("a pattern of ours")
});

/// Whether a text holds a coordinate system that may lie at an address, rather too often than not.
///
/// # Errors
/// It cannot be read.
pub(super) fn has_crs_link(mut file: impl Read) -> std::io::Result<bool> {
    let (mut bytes, mut at_end) = (Vec::new(), false);
    while !at_end {
        let more = file.by_ref().take(PIECE as u64).read_to_end(&mut bytes)?;
        at_end = more == 0;
        // What begins in the last bytes is looked at together with those that follow.
        let safe = if at_end { bytes.len() } else { bytes.len().saturating_sub(LONGEST) };
        let found = KEY.find_iter(&bytes).take_while(|key| key.start() < safe);
        if found.map(|key| &bytes[key.end()..]).any(may_be_link) {
            return Ok(true);
        }
        bytes.drain(..safe);
    }
    Ok(false)
}

/// Whether what follows the key `crs` is an object that may name an address.
fn may_be_link(after: &[u8]) -> bool {
    let (mut depth, mut at) = (0, 0);
    while at < after.len().min(LONGEST) {
        match after[at] {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return false,
            b'}' => depth -= 1,
            // A comment, which might hold anything.
            b'/' => return true,
            quote @ (b'"' | b'\'') if depth > 0 => {
                let text = string(&after[at + 1..], quote);
                let is = |word: &[u8]| text.eq_ignore_ascii_case(word);
                if is(b"link") || is(b"url") || text.windows(2).any(|pair| pair == b"\\u") {
                    return true;
                }
                at += text.len() + 1;
            }
            byte if depth == 0 && !byte.is_ascii_whitespace() && byte != b':' => return false,
            _ => {}
        }
        at += 1;
    }
    depth > 0
}

/// A string up to its closing quote.
fn string(text: &[u8], quote: u8) -> &[u8] {
    let mut at = 0;
    while at < text.len() && text[at] != quote {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    &text[..at.min(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_at_an_address_is_found_however_it_is_written() {
        let has = |text: &str| has_crs_link(text.as_bytes()).unwrap();
        for text in [
            r#"{"crs":{"type":"link","properties":{"href":"http://x/y"}}}"#,
            r#"{"crs" : { "type" : "URL", "properties" : {"url" : "http://x/y"}}}"#,
            r#"{'crs':{'properties':{'href':'http://x/y'},'type':'Link'}}"#,
            r#"{"\u0063rs":{"type":"link"}}"#,
            r#"{"crs":{"type":"\u006cink"}}"#,
            r#"{"crs":/*{}*/{"type":"link"}}"#,
            r#"{"crs":{/*}*/"type":"link"}}"#,
        ] {
            assert!(has(text), "{text}");
            assert!(has(&format!("{}{text}{}", " ".repeat(PIECE - 20), " ".repeat(PIECE))), "{text}");
        }
        let long = format!(r#"{{"crs":{{"a":"{}","type":"link"}}}}"#, "b".repeat(2 * LONGEST));
        assert!(has(&long));
    }

    #[test]
    fn other_systems_and_other_words_are_not() {
        let has = |text: &str| has_crs_link(text.as_bytes()).unwrap();
        for text in [
            r#"{"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::32613"}},"url":"link"}"#,
            r#"{"crs":{"type":"name","properties":{"name":"http:\/\/www.opengis.net\/def\/crs\/OGC\/1.3\/CRS84"}}}"#,
            r#"{"crs":null,"type":"link"}"#,
            r#"{"name":"crs","type":"link"}"#,
            r#"{"type":"link"}"#,
            "",
        ] {
            assert!(!has(text), "{text}");
        }
    }
}
