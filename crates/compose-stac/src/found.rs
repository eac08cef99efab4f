//! Items as they are found in a source or a search.

use crate::error::{StacError, shown};
use crate::href::Href;
use crate::item::{Item, Items};
use crate::limits;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Items in the order in which they are found, each once.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    pub(crate) remarks: Vec<String>,
    pub(crate) documents: Vec<Href>,
    known: HashMap<(Option<String>, String), usize>,
}

impl Found {
    /// Keeps an item, unless it is there already.
    pub(crate) fn add(&mut self, item: Item) -> Result<(), StacError> {
        let count = self.items.len();
        match self.known.entry((item.collection.clone(), item.id.clone())) {
            Entry::Occupied(known) => {
                let first = &self.items[*known.get()].document;
                // Pages of one search differ in their query.
                if first.to_string() != item.document.to_string() {
                    let id = shown(&item.id);
                    self.remarks.push(format!(
                        "item {id} is in {first} and again in {}: the first is taken",
                        item.document
                    ));
                }
            }
            Entry::Vacant(_) if count == limits::ITEMS => {
                let document = item.document.to_string();
                return Err(StacError::TooMany { document, what: "items", limit: limits::ITEMS });
            }
            Entry::Vacant(place) => {
                place.insert(count);
                self.items.push(item);
            }
        }
        Ok(())
    }

    /// By time, then by id.
    pub(crate) fn sorted(mut self) -> Items {
        let key = |item: &Item| (item.datetime, item.id.clone(), item.collection.clone());
        self.items.sort_by_cached_key(key);
        Items { items: self.items, remarks: self.remarks, documents: self.documents }
    }
}
