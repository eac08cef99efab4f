//! Documents as they are written: checked to be JSON, and taken apart no further than is asked for.

use crate::error::{StacError, shown};
use crate::href::Href;
use crate::limits;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// A JSON object of any STAC type. Its parts stay text until they are wanted.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    stac_version: Option<IgnoredAny>,
    #[serde(default)]
    extent: Option<IgnoredAny>,
    #[serde(borrow, default)]
    collections: Option<&'a RawValue>,
    #[serde(borrow, default)]
    features: Option<&'a RawValue>,
    #[serde(borrow, default)]
    links: Option<&'a RawValue>,
    #[serde(borrow, default)]
    properties: Option<&'a RawValue>,
    #[serde(rename = "numberMatched", borrow, default)]
    number_matched: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
}

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Item,
    ItemCollection,
    /// A collection or a catalogue: links to follow.
    Links,
}

/// A document with its text.
pub(crate) struct Document<'a> {
    pub href: &'a Href,
    text: &'a str,
    parts: Parts<'a>,
}

impl<'a> Document<'a> {
    /// Takes a text apart.
    ///
    /// # Errors
    ///
    /// If it is no JSON object.
    pub(crate) fn parse(href: &'a Href, text: &'a str) -> Result<Self, StacError> {
        let text = text.trim_start_matches('\u{feff}').trim_start_matches([' ', '\t', '\r', '\n']);
        match text.as_bytes().first() {
            None => {
                return Err(StacError::Unreadable { document: href.to_string(), cause: "is empty".into() });
            }
            Some(b'<') => return Err(StacError::Html { document: href.to_string() }),
            Some(_) => {}
        }
        let _: &RawValue = serde_json::from_str(text).map_err(|e| not_json(href, &e, 1, 0))?;
        if !text.starts_with('{') {
            let found = if text.starts_with('[') { "a JSON list" } else { "a single JSON value" };
            let document = href.to_string();
            return Err(StacError::Kind { document, found: found.into(), hint: "" });
        }
        let parts = serde_json::from_str(text).map_err(|e| not_json(href, &e, 1, 0))?;
        Ok(Self { href, text, parts })
    }

    /// What it is, by its `type`; before STAC 1.0 collections and catalogues had none.
    ///
    /// # Errors
    ///
    /// If it is something else.
    pub(crate) fn kind(&self) -> Result<Kind, StacError> {
        let kind: Option<String> = self.parts.kind.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let other =
            |found: String, hint| Err(StacError::Kind { document: self.href.to_string(), found, hint });
        match kind.as_deref() {
            Some("Feature") => Ok(Kind::Item),
            Some("FeatureCollection") => Ok(Kind::ItemCollection),
            Some("Collection" | "Catalog") => Ok(Kind::Links),
            Some(found) => other(format!("JSON of type \"{}\"", shown(found)), ""),
            None if self.parts.kind.is_some() => other("JSON whose type is no text".into(), ""),
            None if self.parts.collections.is_some() => other(
                "an API's list of collections".into(),
                "; name one collection's document, or search the API",
            ),
            None if self.parts.links.is_some() => {
                let known = self.parts.stac_version.is_some() || self.parts.extent.is_some();
                if known || self.parts.id.is_some() {
                    return Ok(Kind::Links);
                }
                other("JSON without a type".into(), "")
            }
            None => other("JSON without a type".into(), ""),
        }
    }

    /// The items of an item collection; `None` if it has no `features`.
    ///
    /// # Errors
    ///
    /// If `features` is no list, or too long.
    pub(crate) fn features(&self) -> Result<Option<Vec<&'a RawValue>>, StacError> {
        let features = self.parts.features;
        features.map(|raw| self.elements("features", raw, limits::ITEMS, "items")).transpose()
    }

    /// The links, those left out that are no objects.
    ///
    /// # Errors
    ///
    /// If `links` is no list, or too long.
    pub(crate) fn links(&self) -> Result<Vec<Value>, StacError> {
        let Some(raw) = self.parts.links else { return Ok(Vec::new()) };
        let all = self.elements("links", raw, limits::LINKS, "links")?;
        all.into_iter()
            .map(|raw| self.value(raw))
            .filter(|v| v.as_ref().map_or(true, Value::is_object))
            .collect()
    }

    /// `properties` of a collection: until STAC 0.9 its items shared them.
    ///
    /// # Errors
    ///
    /// If they are too large.
    pub(crate) fn properties(&self) -> Result<Value, StacError> {
        self.parts.properties.map_or(Ok(Value::Null), |raw| self.value(raw))
    }

    /// The collections that an item collection carries along, as saved searches before STAC 1.0 did; empty if there are
    /// none.
    ///
    /// # Errors
    ///
    /// If they are no list, or too long.
    pub(crate) fn collections(&self) -> Result<Vec<Value>, StacError> {
        let Some(raw) = self.parts.collections else { return Ok(Vec::new()) };
        let all = self.elements("collections", raw, limits::COLLECTIONS, "collections")?;
        all.into_iter().map(|raw| self.value(raw)).collect()
    }

    /// How many items the search has in all, as far as the server counts them: `numberMatched`, before STAC API 1.0
    /// `context.matched`.
    pub(crate) fn matched(&self) -> Option<u64> {
        let number = |raw: &RawValue| serde_json::from_str(raw.get()).ok();
        self.parts.number_matched.and_then(number).or_else(|| {
            let context = self.value(self.parts.context?).ok()?;
            context.get("matched")?.as_u64()
        })
    }

    /// The whole document as a value.
    ///
    /// # Errors
    ///
    /// If it is larger than an item may be, or nested too deeply.
    pub(crate) fn whole(&self) -> Result<Value, StacError> {
        self.parsed(self.text)
    }

    /// A part as a value.
    ///
    /// # Errors
    ///
    /// If it is larger than an item may be, or nested too deeply.
    pub(crate) fn value(&self, raw: &'a RawValue) -> Result<Value, StacError> {
        self.parsed(raw.get())
    }

    fn parsed(&self, text: &'a str) -> Result<Value, StacError> {
        if text.len() > limits::ITEM_BYTES {
            let (document, limit) = (self.href.to_string(), limits::ITEM_BYTES as u64);
            return Err(StacError::TooLarge { document, what: "item", limit });
        }
        serde_json::from_str(text).map_err(|e| {
            // The part's own place in the document: both are one text.
            let before = (text.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
            let before = self.text.get(..before).unwrap_or_default();
            let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
            not_json(self.href, &e, 1 + before.matches('\n').count(), column)
        })
    }

    fn elements(
        &self,
        field: &str,
        raw: &'a RawValue,
        limit: usize,
        what: &'static str,
    ) -> Result<Vec<&'a RawValue>, StacError> {
        let document = self.href.to_string();
        if !raw.get().starts_with('[') {
            let (item, found) = ("the document".into(), "no list".into());
            return Err(StacError::Field { document, item, field: field.into(), found, expected: "a list" });
        }
        let elements = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(Bounded(limit));
        elements.map_err(|_| StacError::TooMany { document, what, limit })
    }
}

fn not_json(href: &Href, error: &serde_json::Error, line: usize, column: usize) -> StacError {
    let text = error.to_string();
    // The message ends with the place, which is that within the part.
    let cause = text.rsplit_once(" at line ").map_or(text.as_str(), |(cause, _)| cause);
    let column = if error.line() <= 1 { column + error.column() } else { error.column() };
    let line = line + error.line().saturating_sub(1);
    StacError::NotJson { document: href.to_string(), cause: shown(cause), line, column }
}

/// A list of at most so many elements: it ends as soon as there are more.
struct Bounded(usize);

impl<'de> Visitor<'de> for Bounded {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} elements", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut out = Vec::new();
        while let Some(element) = list.next_element()? {
            if out.len() == self.0 {
                return Err(serde::de::Error::custom("too many"));
            }
            out.push(element);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let href = Href::File("/a.json".into());
        let found = Document::parse(&href, text).and_then(|document| document.kind());
        found.expect_err(text).to_string()
    }

    #[test]
    fn what_is_no_stac_document_is_told_by_what_it_is() {
        for (text, told) in [
            ("", "/a.json: is empty"),
            (" <!DOCTYPE html>", "/a.json: is HTML or XML, expected JSON; a browser's page"),
            ("{\"a\": 1,\n  b}", "/a.json: is not JSON: key must be a string at line 2, column 3"),
            ("{\"a\": 1", "/a.json: is not JSON: EOF while parsing an object at line 1, column 7"),
            (
                "[1, 2]",
                "/a.json: is a JSON list, expected a STAC item, item collection, collection or catalogue",
            ),
            ("3", "/a.json: is a single JSON value, expected"),
            ("{\"type\": \"Topology\"}", "/a.json: is JSON of type \"Topology\", expected"),
            ("{\"type\": 3}", "/a.json: is JSON whose type is no text, expected"),
            ("{}", "/a.json: is JSON without a type, expected"),
            ("{\"collections\": [], \"links\": []}", "/a.json: is an API's list of collections, expected"),
        ] {
            assert!(refused(text).starts_with(told), "{}", refused(text));
        }
    }

    #[test]
    fn nesting_without_end_is_refused_and_not_followed() {
        let deep = format!("{{\"type\": \"Feature\",\n \"id\": {}", "[".repeat(1_000_000));
        assert!(refused(&deep).contains("is not JSON: EOF"), "{}", refused(&deep));
        let href = Href::File("/a.json".into());
        let deep = format!("{{\"type\": \"Feature\",\n \"id\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
        let document = Document::parse(&href, &deep).unwrap();
        let error = document.whole().unwrap_err().to_string();
        assert!(error.contains("recursion limit exceeded at line 2"), "{error}");
    }

    #[test]
    fn lists_end_at_their_limit_and_mistakes_keep_their_place() {
        let href = Href::File("/a.json".into());
        let text = "{\"type\": \"FeatureCollection\", \"features\": [{},\n {\"a\": 1e999}]}";
        let document = Document::parse(&href, text).unwrap();
        let features = document.features().unwrap().unwrap();
        let error = document.value(features[1]).unwrap_err().to_string();
        assert!(error.ends_with("number out of range at line 2, column 12"), "{error}");
        let raw = document.parts.features.unwrap();
        let error = document.elements("features", raw, 1, "items").unwrap_err().to_string();
        assert!(error.contains("more than 1 items"), "{error}");
    }
}
