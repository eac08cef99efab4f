//! From a document to the items that it has or leads to.

use crate::client::{Client, Request};
use crate::error::StacError;
use crate::fields::Object;
use crate::found::Found;
use crate::from_json;
use crate::href::Href;
use crate::item::Items;
use crate::limits;
use crate::raw::{Document, Kind};
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

/// Reads the items of a document: an item, an item collection, or a collection or catalogue, whose links `item` and
/// `child` are followed. Each document is read once. The items come by time and then by id; one that is there twice
/// comes once.
///
/// Without a client nothing is asked of the network.
///
/// # Errors
///
/// If a document cannot be read or is not what it should be, if there is no item, and beyond the [`limits`].
pub fn read(source: &Href, client: Option<&Client>) -> Result<Items, StacError> {
    let mut walk = Walk { client, ..Walk::default() };
    walk.enqueue(Step { href: source.clone(), via: None, commons: None })?;
    while let Some(step) = walk.waiting.pop_front() {
        walk.visit(step)?;
    }
    if walk.found.items.is_empty() {
        return Err(StacError::Empty { document: source.to_string(), hint: walk.hint });
    }
    Ok(walk.found.sorted())
}

/// A document that is to be read.
struct Step {
    href: Href,
    /// The document that links to it, and how.
    via: Option<(Href, String)>,
    /// What the collection above has for all its items.
    commons: Option<Rc<Object>>,
}

#[derive(Default)]
struct Walk<'a> {
    client: Option<&'a Client>,
    found: Found,
    waiting: VecDeque<Step>,
    seen: HashSet<Href>,
    /// Properties of collections that only items have led to.
    commons: HashMap<Href, Option<Rc<Object>>>,
    bytes: u64,
    /// What may be meant if there is no item.
    hint: String,
}

impl Walk<'_> {
    fn enqueue(&mut self, step: Step) -> Result<(), StacError> {
        if self.seen.insert(identity(&step.href)) {
            if self.seen.len() > limits::DOCUMENTS {
                let document = step.via.map_or_else(|| step.href.to_string(), |(from, _)| from.to_string());
                return Err(StacError::TooMany { document, what: "documents", limit: limits::DOCUMENTS });
            }
            self.waiting.push_back(step);
        }
        Ok(())
    }

    fn visit(&mut self, step: Step) -> Result<(), StacError> {
        let (text, href) = match (self.load(&step.href), step.via) {
            (
                Err(
                    cause
                    @ (StacError::Unreadable { .. } | StacError::NoFile { .. } | StacError::Http { .. }),
                ),
                Some((from, rel)),
            ) => {
                return Err(StacError::Link { document: from.to_string(), rel, cause: Box::new(cause) });
            }
            (loaded, _) => loaded?,
        };
        let document = Document::parse(&href, &text)?;
        match document.kind()? {
            Kind::Item => self.item(&document.whole()?, &href, "the item", step.commons),
            Kind::ItemCollection => self.collection_of_items(&document, step.commons),
            Kind::Links => self.links(&document, step.commons),
        }
    }

    fn collection_of_items(
        &mut self,
        document: &Document<'_>,
        commons: Option<Rc<Object>>,
    ) -> Result<(), StacError> {
        let features = document.features()?.ok_or_else(|| StacError::Missing {
            document: document.href.to_string(),
            item: "the item collection".into(),
            field: "features".into(),
            expected: "a list of items",
        })?;
        if document.links()?.iter().any(|link| link.get("rel").and_then(Value::as_str) == Some("next")) {
            let told = "its link \"next\" says that the search had more items than this page";
            self.found.remarks.push(format!("{}: {told}", document.href));
        }
        let carried = carried(&document.collections()?);
        for (index, raw) in features.into_iter().enumerate() {
            let value = document.value(raw)?;
            let name = value.get("collection").or_else(|| value.get("properties")?.get("collection"));
            let own = name.and_then(Value::as_str).and_then(|name| carried.get(name));
            let commons = own.or(commons.as_ref()).cloned();
            self.item(&value, document.href, &format!("feature {}", index + 1), commons)?;
        }
        Ok(())
    }

    fn item(
        &mut self,
        value: &Value,
        href: &Href,
        what: &str,
        mut commons: Option<Rc<Object>>,
    ) -> Result<(), StacError> {
        let has_bands =
            |commons: &Option<Rc<Object>>| commons.as_ref().is_some_and(|c| c.contains_key("eo:bands"));
        let lacks_bands = from_json::lacks_bands(value);
        if lacks_bands && !has_bands(&commons) {
            commons = self.commons_of(value, href).or(commons);
        }
        let mut item = from_json::item(value, href, what, commons.as_deref())?;
        if lacks_bands && !has_bands(&commons) {
            item.remarks.push("bands have no names: the list that they refer to was not found".into());
        }
        self.found.add(item)
    }

    /// Follows the links of a collection or catalogue.
    fn links(&mut self, document: &Document<'_>, above: Option<Rc<Object>>) -> Result<(), StacError> {
        let commons = match document.properties()? {
            Value::Object(properties) => Some(Rc::new(properties)),
            _ => above,
        };
        for link in document.links()? {
            let text = |name: &str| link.get(name).and_then(Value::as_str);
            match text("rel") {
                Some(rel @ ("item" | "child")) if text("type") != Some("text/html") => {
                    let href = text("href").ok_or_else(|| StacError::Missing {
                        document: document.href.to_string(),
                        item: format!("link \"{rel}\""),
                        field: "href".into(),
                        expected: "a path or an address",
                    })?;
                    let via = Some((document.href.clone(), rel.to_owned()));
                    let href = document.href.resolve(href);
                    self.enqueue(Step { href, via, commons: commons.clone() })?;
                }
                Some("items" | "search" | "data") => {
                    self.hint = "; it belongs to an API, whose items are found by a search".into();
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The properties of the collection that an item names. What cannot be read leaves bands without names.
    fn commons_of(&mut self, value: &Value, document: &Href) -> Option<Rc<Object>> {
        let links = value.get("links").and_then(Value::as_array)?;
        let is = |link: &&Value| link.get("rel").and_then(Value::as_str) == Some("collection");
        let href = document.resolve(links.iter().find(is)?.get("href")?.as_str()?);
        if let Some(known) = self.commons.get(&href) {
            return known.clone();
        }
        let properties = self.properties_of(&href);
        let properties = properties.unwrap_or_else(|cause| {
            self.found
                .remarks
                .push(format!("bands have no names, for the collection cannot be read: {cause}"));
            None
        });
        self.commons.insert(href, properties.clone());
        properties
    }

    fn properties_of(&mut self, href: &Href) -> Result<Option<Rc<Object>>, StacError> {
        let (text, href) = self.load(href)?;
        let properties = Document::parse(&href, &text)?.properties()?;
        Ok(if let Value::Object(properties) = properties { Some(Rc::new(properties)) } else { None })
    }

    /// The text of a document, and where it was found in the end.
    fn load(&mut self, href: &Href) -> Result<(String, Href), StacError> {
        let (text, at) = match href {
            Href::File(path) => (read_file(path, href)?, href.clone()),
            Href::Url(url) => {
                let client = self.client.ok_or_else(|| StacError::Network { document: href.to_string() })?;
                let reply = client.send(&Request::get(url))?;
                (reply.text, Href::Url(reply.url))
            }
        };
        self.found.documents.push(href.clone());
        self.bytes += text.len() as u64;
        if self.bytes > limits::ALL_BYTES {
            let limit = limits::ALL_BYTES;
            return Err(StacError::TooLarge { document: at.to_string(), what: "source", limit });
        }
        Ok((text, at))
    }
}

/// Properties of collections that came with their items, by id.
fn carried(collections: &[Value]) -> HashMap<String, Rc<Object>> {
    let one = |collection: &Value| {
        let properties = collection.get("properties")?.as_object()?;
        Some((collection.get("id")?.as_str()?.to_owned(), Rc::new(properties.clone())))
    };
    collections.iter().filter_map(one).collect()
}

/// One name for one document, however it is linked to.
fn identity(href: &Href) -> Href {
    match href {
        Href::File(path) => Href::File(path.canonicalize().unwrap_or_else(|_| path.clone())),
        Href::Url(url) => Href::Url(url.split('#').next().unwrap_or_default().to_owned()),
    }
}

/// Reads a regular file of bounded size: a pipe or a device would block, or never end.
fn read_file(path: &Path, href: &Href) -> Result<String, StacError> {
    let document = href.to_string();
    let unreadable =
        |e: std::io::Error| StacError::Unreadable { document: document.clone(), cause: e.to_string() };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
        return Err(StacError::NoFile { document, found });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(limits::DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limits::DOCUMENT_BYTES {
        return Err(StacError::TooLarge { document, what: "document", limit: limits::DOCUMENT_BYTES });
    }
    String::from_utf8(bytes)
        .map_err(|_| StacError::Unreadable { document, cause: "is not text in UTF-8".into() })
}
