//! Searches of an API: one question, answered page by page.
//!
//! Sources: STAC API – Item Search 1.0.0 (`/search`, `next` links with `method`, `body` and `merge`), and its query
//! extension (<https://github.com/radiantearth/stac-api-spec>).

use crate::client::{Client, Refusal, Reply, Request};
use crate::error::StacError;
use crate::fields::Object;
use crate::found::Found;
use crate::from_json;
use crate::href::{Href, redacted};
use crate::item::Items;
use crate::limits;
use crate::raw::{Document, Kind};
use serde_json::{Value, json};
use std::collections::HashSet;
use url::Url;

/// What is asked of an API.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// The API's address, with or without `/search` at its end.
    pub url: String,
    /// Any of these collections; none for all.
    pub collections: Vec<String>,
    /// West, south, east, north in degrees; west is larger than east across the antimeridian. Not with `intersects`.
    pub bbox: Option<[f64; 4]>,
    /// A GeoJSON geometry that items touch.
    pub intersects: Option<Value>,
    /// A time or a range, `2023-08-01T00:00:00Z/2023-08-31T23:59:59Z`; `..` for an open end.
    pub datetime: Option<String>,
    /// Conditions on properties, as the query extension has them: `{"eo:cloud_cover": {"lt": 50}}`.
    pub query: Option<Value>,
    /// Items per page; 100 if not given. A server may give fewer.
    pub limit: Option<u32>,
    /// More items than that are an error, for which of them came would be the server's choice; `limits::ITEMS` if not
    /// given.
    pub max_items: Option<usize>,
}

/// Items per page if nothing is said.
const PAGE: u32 = 100;

/// Searches an API: `POST`, or `GET` where a server takes no `POST`; then the pages that each page names as the next.
/// The items come by time and then by id, each once.
///
/// # Errors
///
/// If the server does not answer, a page is broken, the pages go round, there is no item, or too many.
pub fn search(search: &Search, client: &Client) -> Result<Items, StacError> {
    let endpoint = endpoint(&search.url)?;
    let mut pages =
        Pages { search, client, found: Found::default(), seen: HashSet::new(), bytes: 0, features: 0 };
    let mut body = parameters(search)?;
    let (mut reply, mut posted) = pages.first(&endpoint, &body)?;
    let mut number = 1;
    loop {
        let Some(next) = pages.take(&reply, number, posted.then_some(&body))? else { break };
        number += 1;
        let request = next.request();
        if !pages.seen.insert(request.clone()) {
            return Err(page_error(&request.url, number, "the link \"next\" leads to a page that was read"));
        }
        reply = client.send(&request).map_err(|refusal| page_error(&request.url, number, &refusal.cause))?;
        posted = request.body.is_some();
        body = next.body.unwrap_or(body);
    }
    if pages.found.items.is_empty() {
        let hint = "; no item has what the search asks for".into();
        return Err(StacError::Empty { document: redacted(endpoint.as_str()), hint });
    }
    Ok(pages.found.sorted())
}

/// The link to the next page.
struct Next {
    url: String,
    /// For a `POST`.
    body: Option<Object>,
}

impl Next {
    fn request(&self) -> Request {
        let body = self.body.as_ref().map(|body| Value::Object(body.clone()).to_string());
        Request { url: self.url.clone(), body }
    }
}

/// Pages as they are read.
struct Pages<'a> {
    search: &'a Search,
    client: &'a Client,
    found: Found,
    seen: HashSet<Request>,
    bytes: u64,
    /// Features of all pages, those that came again too.
    features: usize,
}

impl Pages<'_> {
    /// The first page, and whether it was asked for by `POST`.
    fn first(&mut self, endpoint: &Url, body: &Object) -> Result<(Reply, bool), StacError> {
        let post = Request { url: endpoint.to_string(), body: Some(Value::Object(body.clone()).to_string()) };
        self.seen.insert(post.clone());
        let refusal = match self.client.send(&post) {
            Ok(reply) => return Ok((reply, true)),
            Err(refusal) => refusal,
        };
        if !matches!(refusal.status, Some(404 | 405 | 501)) {
            return Err(refusal.into());
        }
        if self.search.query.is_some() {
            let cause = format!("{}; a search with a query needs POST", refusal.cause);
            return Err(Refusal { cause, ..refusal }.into());
        }
        let get = Request::get(as_get(endpoint, body).as_str());
        self.seen.insert(get.clone());
        Ok((self.client.send(&get)?, false))
    }

    /// Takes the items of a page, and says where the next one is.
    fn take(
        &mut self,
        reply: &Reply,
        number: usize,
        body: Option<&Object>,
    ) -> Result<Option<Next>, StacError> {
        let href = Href::Url(reply.url.clone());
        let told = |e: StacError| {
            let prefix = format!("{href}: ");
            let cause = e.to_string();
            page_error(&reply.url, number, cause.strip_prefix(&prefix).unwrap_or(&cause))
        };
        self.found.documents.push(href.clone());
        self.bytes += reply.text.len() as u64;
        if self.bytes > limits::ALL_BYTES {
            return Err(page_error(
                &reply.url,
                number,
                "all pages together are too large; narrow the search",
            ));
        }
        let page = Document::parse(&href, &reply.text).map_err(told)?;
        if page.kind().map_err(told)? != Kind::ItemCollection {
            return Err(page_error(&reply.url, number, "is no list of items (FeatureCollection)"));
        }
        let features = page.features().map_err(told)?;
        let features = features.ok_or_else(|| page_error(&reply.url, number, "has no features"))?;
        let before = self.found.items.len();
        let empty = features.is_empty();
        self.features += features.len();
        for (index, raw) in features.into_iter().enumerate() {
            let value = page.value(raw).map_err(told)?;
            let item =
                from_json::item(&value, &href, &format!("feature {}", index + 1), None).map_err(told)?;
            self.found.add(item)?;
        }
        self.bounded(&reply.url)?;
        let next = self.next(&page, &href, body).map_err(|cause| page_error(&reply.url, number, &cause))?;
        if next.is_some() && !empty && self.found.items.len() == before {
            return Err(page_error(
                &reply.url,
                number,
                "has no item that did not come before: the pages go round",
            ));
        }
        if next.is_none() || empty {
            self.compare(&page);
        }
        // Some servers name a next page after the last one, which is empty.
        Ok(next.filter(|_| !empty))
    }

    /// No more items than are wanted.
    fn bounded(&self, url: &str) -> Result<(), StacError> {
        let limit = self.search.max_items.unwrap_or(limits::ITEMS).min(limits::ITEMS);
        if self.found.items.len() > limit || self.features > 2 * limits::ITEMS {
            return Err(StacError::TooMany { document: redacted(url), what: "items", limit });
        }
        Ok(())
    }

    /// The next page, if the page names one; what is wrong with the link otherwise.
    fn next(&self, page: &Document<'_>, href: &Href, body: Option<&Object>) -> Result<Option<Next>, String> {
        let links = page.links().map_err(|e| e.to_string())?;
        let is_next = |link: &&Value| link.get("rel").and_then(Value::as_str) == Some("next");
        let Some(link) = links.iter().find(is_next) else { return Ok(None) };
        let text = |name: &str| link.get(name).and_then(Value::as_str);
        let to = text("href").ok_or("the link \"next\" has no href")?;
        let Href::Url(url) = href.resolve(to) else { return Err("the link \"next\" is no address".into()) };
        let method = text("method").unwrap_or("GET").to_ascii_uppercase();
        let given = link.get("body").and_then(Value::as_object);
        let body = match method.as_str() {
            "GET" => None,
            "POST" => {
                let merge = link.get("merge").and_then(Value::as_bool) == Some(true);
                let mut whole =
                    if merge || given.is_none() { body.cloned().unwrap_or_default() } else { Object::new() };
                whole.extend(given.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
                Some(whole)
            }
            _ => return Err("the link \"next\" asks for a method that is neither GET nor POST".into()),
        };
        Ok(Some(Next { url, body }))
    }

    /// A remark if the server counted more than it gave.
    fn compare(&mut self, page: &Document<'_>) {
        if let Some(matched) = page.matched().filter(|matched| *matched > self.features as u64) {
            let came = self.features;
            self.found
                .remarks
                .push(format!("{}: the server counts {matched} items and gave {came}", page.href));
        }
    }
}

fn page_error(url: &str, page: usize, cause: &str) -> StacError {
    StacError::Page { url: redacted(url), page, cause: cause.into() }
}

/// Where searches go.
fn endpoint(url: &str) -> Result<Url, StacError> {
    let wrong = |cause: &str| StacError::Http { url: redacted(url), cause: cause.into() };
    let mut parsed = Url::parse(url).map_err(|e| wrong(&format!("is no address: {e}")))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("is read over http and https only"));
    }
    let path = parsed.path().trim_end_matches('/').to_owned();
    parsed.set_path(&if path.ends_with("/search") { path } else { format!("{path}/search") });
    parsed.set_fragment(None);
    Ok(parsed)
}

/// The body of the search.
fn parameters(search: &Search) -> Result<Object, StacError> {
    let wrong = |cause: &str| StacError::Http { url: redacted(&search.url), cause: cause.into() };
    let mut body = Object::new();
    if !search.collections.is_empty() {
        body.insert("collections".into(), json!(search.collections));
    }
    match (&search.bbox, &search.intersects) {
        (Some(_), Some(_)) => return Err(wrong("a search has a bbox or intersects, not both")),
        (Some(bbox), None) => {
            let [west, south, east, north] = *bbox;
            let possible = bbox.iter().all(|n| n.is_finite())
                && south <= north
                && [west, east].iter().all(|x| x.abs() <= 180.0);
            if !possible || south < -90.0 || north > 90.0 {
                return Err(wrong("the bbox of a search is west, south, east and north in degrees"));
            }
            body.insert("bbox".into(), json!(bbox));
        }
        (None, Some(geometry)) => {
            body.insert("intersects".into(), geometry.clone());
        }
        (None, None) => {}
    }
    if let Some(datetime) = &search.datetime {
        body.insert("datetime".into(), json!(datetime));
    }
    if let Some(query) = &search.query {
        body.insert("query".into(), query.clone());
    }
    body.insert("limit".into(), json!(search.limit.unwrap_or(PAGE).max(1)));
    Ok(body)
}

/// The same search as an address: lists with commas, a geometry as JSON.
fn as_get(endpoint: &Url, body: &Object) -> Url {
    let mut url = endpoint.clone();
    let mut pairs = url.query_pairs_mut();
    for (name, value) in body {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(list) => {
                let parts = list.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
                parts.collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        pairs.append_pair(name, &text);
    }
    drop(pairs);
    url
}
