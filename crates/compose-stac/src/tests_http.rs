//! Servers with faults, on this machine's loopback.

use crate::{Client, Href, Items, Options, Search, StacError, read, search};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A request as the server saw it.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    path: String,
    agent: String,
    body: String,
}

/// A fault, as a server sends it.
type Fault = fn() -> Vec<u8>;

/// What a test has the server do.
type Answer = dyn Fn(&Seen, usize) -> Vec<u8> + Send;

/// A server that answers one connection after the other, until the test ends.
struct Server {
    url: String,
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn new(answer: impl Fn(&Seen, usize) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (log, ends) = (Arc::clone(&seen), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                one(stream, &log, &answer);
            }
        });
        Self { url: format!("http://{address}"), address, seen, over, thread: Some(thread) }
    }

    fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn read(&self, path: &str) -> Result<Items, StacError> {
        read(&Href::Url(format!("{}{path}", self.url)), Some(&client()))
    }

    /// What is wrong, without the changing address.
    fn refused(&self, path: &str) -> String {
        self.stable(self.read(path).expect_err("expected a refusal"))
    }

    fn stable(&self, error: StacError) -> String {
        error.to_string().replace(&self.url, "HOST")
    }

    fn search(&self) -> Search {
        Search { url: self.url.clone(), ..Search::default() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn one(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, answer: &Answer) {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let (head, length) = loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
        // The greeting of TLS is no HTTP, as any server would say.
        if bytes[0] == 0x16 {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = value(head, "content-length").and_then(|v| v.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            break (head.to_owned(), length);
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut words = head.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let seen = Seen {
        method: word(),
        path: word(),
        agent: value(&head, "user-agent").unwrap_or_default(),
        body: text[text.len() - length..].to_owned(),
    };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len()
    };
    let _ = stream.write_all(&answer(&seen, number));
}

fn value(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}

fn client() -> Client {
    Client::direct(options())
}

fn options() -> Options {
    let millis = Duration::from_millis;
    Options { timeout: millis(2000), retries: 3, wait: millis(1), longest_wait: millis(20) }
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
        .into()
}

fn ok(value: &Value) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/geo+json\r\n", &value.to_string())
}

fn item(id: &str) -> Value {
    json!({
        "type": "Feature", "id": id, "geometry": null, "properties": {"datetime": "2023-08-01T10:00:00Z"},
        "assets": {"red": {"href": "../red.tif"}},
    })
}

fn page(ids: &[&str], next: Option<Value>) -> Value {
    let features: Vec<Value> = ids.iter().map(|id| item(id)).collect();
    json!({"type": "FeatureCollection", "features": features, "links": next.into_iter().collect::<Vec<_>>()})
}

fn ids(items: &Items) -> Vec<&str> {
    items.items.iter().map(|item| item.id.as_str()).collect()
}

#[test]
fn a_catalogue_on_the_network_is_read_as_one_on_disk() {
    let server = Server::new(|seen, _| match seen.path.as_str() {
        "/a/catalog.json" => ok(
            &json!({"type": "Catalog", "id": "c", "links": [{"rel": "item", "href": "./i/a.json?token=x"}]}),
        ),
        _ => ok(&item("a")),
    });
    let items = server.read("/a/catalog.json").unwrap();
    assert_eq!(ids(&items), ["a"]);
    assert_eq!(items.items[0].assets[0].href, Href::Url(format!("{}/a/red.tif", server.url)));
    assert_eq!(items.items[0].document.to_string(), format!("{}/a/i/a.json", server.url));
    assert_eq!(server.requests()[0].agent, format!("compose/{}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_fails_in_passing_is_repeated() {
    let faults: [(&str, Fault); 7] = [
        ("429, seconds", || answer("429 Too Many Requests", "Retry-After: 1\r\n", "")),
        ("503, a date", || {
            let dates =
                "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\nRetry-After: Tue, 15 Nov 1994 08:12:41 GMT\r\n";
            answer("503 Service Unavailable", dates, "")
        }),
        ("429, nothing said", || answer("429 Too Many Requests", "", "")),
        ("500", || answer("500 Internal Server Error", "", "oh")),
        ("no answer", Vec::new),
        ("a body that ends early", || b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"type\"".to_vec()),
        ("a chunk that ends early", || {
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{\"type\"".to_vec()
        }),
    ];
    for (what, fault) in faults {
        let server = Server::new(move |_, number| if number < 3 { fault() } else { ok(&item("a")) });
        let items = server.read("/a.json").unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!((ids(&items), server.requests().len()), (vec!["a"], 3), "{what}");
    }
}

#[test]
fn what_fails_for_ever_is_told_after_the_last_attempt() {
    let dead: [(Fault, &str); 4] = [
        (
            || answer("500 Internal Server Error", "", ""),
            "the server answers 500 Internal Server Error (tried 4 times)",
        ),
        (
            || answer("429 Too Many Requests", "Retry-After: 100000\r\n", ""),
            "the server answers 429 Too Many Requests (tried 4 times)",
        ),
        (Vec::new, "the connection is lost: Peer disconnected (tried 4 times)"),
        (
            || b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_vec(),
            "the connection is lost: Peer disconnected (tried 4 times)",
        ),
    ];
    for (fault, told) in dead {
        let server = Server::new(move |_, _| fault());
        assert_eq!(server.refused("/a.json?sig=secret"), format!("HOST/a.json: {told}"));
        assert_eq!(server.requests().len(), 4);
    }
}

#[test]
fn what_is_final_is_told_at_once() {
    let final_: [(Fault, &str); 8] = [
        (|| answer("404 Not Found", "", "x"), "the server answers 404 Not Found; nothing is there"),
        (|| answer("403 Forbidden", "", "x"), "the server answers 403 Forbidden; access is not granted"),
        (|| answer("401 Unauthorized", "", ""), "the server answers 401 Unauthorized; access is not granted"),
        (
            || answer("400 Bad Request", "", "{\"description\": \"bbox\\u001b is none\"}"),
            "the server answers 400 Bad Request; it says: bbox\u{fffd} is none",
        ),
        (|| answer("302 Found", "", ""), "the server answers 302 Found; redirects nowhere"),
        (
            || answer("302 Found", "Location: file:///etc/passwd\r\n", ""),
            "is read over http and https only, not file://",
        ),
        (
            || answer("200 OK", "", "<!DOCTYPE html><p>Sign in"),
            "is HTML or XML, expected JSON; a browser's page is no STAC document (the address of the JSON may be another)",
        ),
        (|| b"HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n".to_vec(), "is larger than 67108864 bytes"),
    ];
    for (fault, told) in final_ {
        let server = Server::new(move |_, _| fault());
        assert_eq!(server.refused("/a.json?sig=secret"), format!("HOST/a.json: {told}"));
        assert_eq!(server.requests().len(), 1, "{told}");
    }
}

#[test]
fn a_broken_link_of_a_catalogue_says_who_linked() {
    let server = Server::new(|seen, _| match seen.path.as_str() {
        "/c.json" => ok(&json!({"type": "Catalog", "id": "c", "links": [{"rel": "item", "href": "a.json"}]})),
        _ => answer("404 Not Found", "", ""),
    });
    let told = "HOST/c.json: link \"item\" leads nowhere: HOST/a.json: the server answers 404 Not Found; nothing is there";
    assert_eq!(server.refused("/c.json"), told);
}

#[test]
fn redirects_are_followed_and_not_for_ever() {
    let to = |path: &str| answer("302 Found", &format!("Location: {path}\r\n"), "");
    let server = Server::new(move |seen, number| match seen.path.as_str() {
        "/a.json" => to("/b/a.json?x=1"),
        "/circle" => to("circle"),
        "/far" => to(&format!("/far?{number}")),
        path if path.starts_with("/far") => to(&format!("/far?{number}")),
        _ => ok(&item("a")),
    });
    let items = server.read("/a.json").unwrap();
    assert_eq!(
        items.items[0].assets[0].href,
        Href::Url(format!("{}/red.tif", server.url)),
        "from where it was in the end"
    );
    assert_eq!(server.refused("/circle"), "HOST/circle: redirects in a circle");
    assert_eq!(server.refused("/far"), "HOST/far: more than 5 redirects");
}

#[test]
fn a_server_that_stalls_is_left() {
    let server = Server::new(|_, _| {
        std::thread::sleep(Duration::from_millis(150));
        Vec::new()
    });
    let options = Options { timeout: Duration::from_millis(50), retries: 1, ..options() };
    let href = Href::Url(format!("{}/a.json", server.url));
    let error = server.stable(read(&href, Some(&Client::direct(options))).unwrap_err());
    assert_eq!(error, "HOST/a.json: the server does not answer in time (tried 2 times)");
}

#[test]
fn a_port_that_speaks_no_tls_and_one_that_is_closed_are_told_at_once() {
    let server = Server::new(|_, _| answer("200 OK", "", ""));
    let secure = server.url.replace("http:", "https:");
    let error = read(&Href::Url(format!("{secure}/a.json")), Some(&client())).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{secure}/a.json: no secure connection: ")), "{error}");
    assert!(!error.contains("tried"), "{error}");
    let url = server.url.clone();
    drop(server);
    let error = read(&Href::Url(format!("{url}/a.json")), Some(&client())).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{url}/a.json: no connection: ")), "{error}");
}

#[test]
fn pages_of_a_search_are_joined_by_post_with_bodies_merged_or_whole() {
    let server = Server::new(|seen, _| {
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let next = |body: Value, merge: bool| json!({"rel": "next", "href": "./search", "method": "POST", "body": body, "merge": merge});
        match body["token"].as_str() {
            None => ok(&page(&["c", "b"], Some(next(json!({"token": "2"}), true)))),
            Some("2") => ok(&page(&["b", "a"], Some(next(json!({"token": "3", "limit": 7}), false)))),
            _ => ok(&page(&["d"], None)),
        }
    });
    let asked = Search {
        url: format!("{}/v1/", server.url),
        collections: vec!["s2".into(), "l8".into()],
        bbox: Some([179.0, -1.0, -179.0, 1.0]),
        datetime: Some("2023-08-01T00:00:00Z/..".into()),
        query: Some(json!({"eo:cloud_cover": {"lt": 50}})),
        limit: Some(2),
        ..Search::default()
    };
    let items = search(&asked, &client()).unwrap();
    assert_eq!((ids(&items), items.documents.len()), (vec!["a", "b", "c", "d"], 3));
    assert!(items.remarks.is_empty(), "{:?}", items.remarks);
    let first = json!({
        "collections": ["s2", "l8"], "bbox": [179.0, -1.0, -179.0, 1.0], "datetime": "2023-08-01T00:00:00Z/..",
        "query": {"eo:cloud_cover": {"lt": 50}}, "limit": 2,
    });
    let mut second = first.clone();
    second["token"] = "2".into();
    let bodies: Vec<Value> =
        server.requests().iter().map(|r| serde_json::from_str(&r.body).unwrap()).collect();
    assert_eq!(bodies, [first, second, json!({"token": "3", "limit": 7})]);
    assert!(server.requests().iter().all(|r| r.method == "POST" && r.path == "/v1/search"));
}

#[test]
fn a_server_without_post_is_asked_by_get() {
    let server = Server::new(|seen, _| match (seen.method.as_str(), seen.path.contains("token")) {
        ("POST", _) => answer("405 Method Not Allowed", "", ""),
        (_, false) => ok(&page(&["a"], Some(json!({"rel": "next", "href": "/search?token=2"})))),
        // An empty page ends the search, whatever it links to.
        (_, true) => ok(&page(&[], Some(json!({"rel": "next", "href": "/search?token=3"})))),
    });
    let asked = Search {
        collections: vec!["s2".into(), "l8".into()],
        intersects: Some(json!({"type": "Point", "coordinates": [1, 2]})),
        ..server.search()
    };
    assert_eq!(ids(&search(&asked, &client()).unwrap()), ["a"]);
    let path = "/search?collections=s2%2Cl8&intersects=%7B%22type%22%3A%22Point%22%2C%22coordinates%22%3A%5B1%2C2%5D%7D&limit=100";
    let paths: Vec<String> = server.requests().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/search", path, "/search?token=2"]);

    let asked = Search { query: Some(json!({})), ..server.search() };
    let told = "HOST/search: the server answers 405 Method Not Allowed; a search with a query needs POST";
    assert_eq!(server.stable(search(&asked, &client()).unwrap_err()), told);
}

#[test]
fn a_search_stays_a_search_when_it_is_redirected() {
    let server = Server::new(|seen, _| match (seen.path.as_str(), seen.method.as_str()) {
        ("/search", _) => answer("301 Moved Permanently", "Location: /v2/search\r\n", ""),
        (_, "POST") => ok(&page(&["a"], None)),
        _ => ok(&page(&["all", "others"], None)),
    });
    assert_eq!(ids(&search(&server.search(), &client()).unwrap()), ["a"]);
    assert_eq!(server.requests()[0].body, server.requests()[1].body);
}

#[test]
fn broken_pages_are_told_by_their_number() {
    let next = || Some(json!({"rel": "next", "href": "/search?page=2"}));
    let second: [(Fault, &str); 9] = [
        (|| answer("200 OK", "", "{\"a\""), "is not JSON: EOF while parsing an object at line 1, column 4"),
        (|| ok(&json!({"type": "FeatureCollection"})), "has no features"),
        (|| ok(&item("a")), "is no list of items (FeatureCollection)"),
        (|| answer("502 Bad Gateway", "", ""), "the server answers 502 Bad Gateway (tried 4 times)"),
        (|| ok(&page(&["b"], Some(json!({"rel": "next", "href": "/search?page=2"})))), ""),
        (
            || ok(&page(&["a"], Some(json!({"rel": "next", "href": "/search?page=3"})))),
            "has no item that did not come before: the pages go round",
        ),
        (|| ok(&page(&["b"], Some(json!({"rel": "next"})))), "the link \"next\" has no href"),
        (
            || ok(&page(&["b"], Some(json!({"rel": "next", "href": "x", "method": "DELETE"})))),
            "the link \"next\" asks for a method that is neither GET nor POST",
        ),
        (
            || ok(&json!({"type": "FeatureCollection", "features": [{"type": "Feature", "id": "b"}]})),
            "item b has no properties; expected an object with datetime",
        ),
    ];
    for (fault, told) in second {
        let server =
            Server::new(move |_, number| if number == 1 { ok(&page(&["a"], next())) } else { fault() });
        let error = server.stable(search(&server.search(), &client()).unwrap_err());
        let (number, told) =
            if told.is_empty() { (3, "the link \"next\" leads to a page that was read") } else { (2, told) };
        assert_eq!(error, format!("HOST/search: page {number} of the search: {told}"));
    }
}

#[test]
fn too_many_items_none_and_fewer_than_counted_are_told() {
    let counted =
        json!({"type": "FeatureCollection", "features": [item("a"), item("b")], "numberMatched": 5});
    let server = Server::new(move |_, _| ok(&counted));
    let items = search(&server.search(), &client()).unwrap();
    let told = items.remarks[0].replace(&server.url, "HOST");
    assert_eq!(told, "HOST/search: the server counts 5 items and gave 2");
    let asked = Search { max_items: Some(1), ..server.search() };
    let told = "HOST/search: more than 1 items, the most that are read; narrow the source or the search";
    assert_eq!(server.stable(search(&asked, &client()).unwrap_err()), told);

    let server = Server::new(|_, _| ok(&page(&[], None)));
    let told = "HOST/search: no item in it; no item has what the search asks for";
    assert_eq!(server.stable(search(&server.search(), &client()).unwrap_err()), told);
}

#[test]
fn a_search_that_cannot_be_asked_is_refused_before_a_request() {
    for (asked, told) in [
        (
            Search { bbox: Some([0.0; 4]), intersects: Some(json!({})), ..Search::default() },
            "has a bbox or intersects, not both",
        ),
        (
            Search { bbox: Some([0.0, 5.0, 1.0, 4.0]), ..Search::default() },
            "the bbox of a search is west, south, east and north in degrees",
        ),
    ] {
        let error = search(&Search { url: "http://me:word@127.0.0.1:1/v1?key=k".into(), ..asked }, &client());
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("http://127.0.0.1:1/v1: ") && error.ends_with(told), "{error}");
    }
    for url in ["s3://bucket", "nowhere"] {
        assert!(search(&Search { url: url.into(), ..Search::default() }, &client()).is_err(), "{url}");
    }
}
