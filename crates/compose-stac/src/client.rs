//! Requests with timeouts, retries and limits.
//!
//! What fails in passing is repeated: 429 and 503 after the time that the server asks for, other errors of the server,
//! lost connections and timeouts after a wait that doubles. What is final is an error at once: 404, 403, 401, a
//! certificate that fails. Redirects are followed here, for a search must stay a search: `POST` stays `POST`, and
//! nothing goes from https to http.

use crate::error::{StacError, shown};
use crate::fields::Object;
use crate::href::redacted;
use crate::limits;
use chrono::DateTime;
use serde_json::Value;
use std::io::Read;
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error, Proxy};
use url::Url;

/// How requests are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The most that one request may take, from the connection to the last byte.
    pub timeout: Duration,
    /// How often a request is repeated that failed in passing.
    pub retries: u32,
    /// The wait before the first repetition; each further one doubles it, to half a minute at most.
    pub wait: Duration,
    /// The longest wait that a server may ask for.
    pub longest_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            retries: 5,
            wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
        }
    }
}

/// Redirects of one request.
const REDIRECTS: usize = 5;
/// The longest wait that is not asked for by a server.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Of an answer that is an error, so much is looked at for the reason.
const REASON_BYTES: u64 = 64 << 10;

/// Makes requests, and keeps connections for the next ones. Proxies are those of the environment, trusted certificates
/// those of the system.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    options: Options,
}

/// What a server answered.
pub(crate) struct Reply {
    pub text: String,
    /// Where the answer came from, redirects followed.
    pub url: String,
}

/// What is asked of a server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Request {
    pub url: String,
    /// The body of a `POST`, as JSON; without it the request is a `GET`.
    pub body: Option<String>,
}

impl Request {
    pub(crate) fn get(url: &str) -> Self {
        Self { url: url.into(), body: None }
    }
}

/// Why there is no answer.
pub(crate) struct Refusal {
    pub url: String,
    /// Of the answer, if one came.
    pub status: Option<u16>,
    pub cause: String,
}

impl From<Refusal> for StacError {
    fn from(refusal: Refusal) -> Self {
        Self::Http { url: redacted(&refusal.url), cause: refusal.cause }
    }
}

/// One attempt that gave no answer.
struct Failure {
    status: Option<u16>,
    cause: String,
    again: Again,
}

/// Whether an attempt is worth repeating.
enum Again {
    Never,
    AfterBackoff,
    /// As the server asks.
    After(Duration),
}

impl Failure {
    fn last(cause: impl Into<String>) -> Self {
        Self { status: None, cause: cause.into(), again: Again::Never }
    }

    fn passing(cause: impl Into<String>) -> Self {
        Self { status: None, cause: cause.into(), again: Again::AfterBackoff }
    }
}

impl Client {
    /// A client with these options.
    pub fn new(options: Options) -> Self {
        Self::through(Proxy::try_from_env(), options)
    }

    /// A client for servers on this machine, which no proxy reaches.
    #[cfg(test)]
    pub(crate) fn direct(options: Options) -> Self {
        Self::through(None, options)
    }

    fn through(proxy: Option<Proxy>, options: Options) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(options.timeout))
            .user_agent(concat!("compose/", env!("CARGO_PKG_VERSION")))
            .accept("application/geo+json, application/json;q=0.9, */*;q=0.1")
            .build();
        Self { agent: config.new_agent(), options }
    }

    /// Makes a request until it is answered, fails for good or was repeated often enough.
    pub(crate) fn send(&self, request: &Request) -> Result<Reply, Refusal> {
        let mut backoff = self.options.wait;
        let mut attempt = 1;
        loop {
            let failure = match self.follow(request) {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let wait = match failure.again {
                Again::Never => None,
                Again::AfterBackoff => Some(backoff),
                Again::After(asked) => Some(asked.min(self.options.longest_wait)),
            };
            let Some(wait) = wait.filter(|_| attempt <= self.options.retries) else {
                let times = if attempt > 1 { format!(" (tried {attempt} times)") } else { String::new() };
                let cause = format!("{}{times}", failure.cause);
                return Err(Refusal { url: request.url.clone(), status: failure.status, cause });
            };
            std::thread::sleep(wait);
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
            attempt += 1;
        }
    }

    /// One attempt, redirects followed.
    fn follow(&self, request: &Request) -> Result<Reply, Failure> {
        let mut request = request.clone();
        let mut url = address(&request.url)?;
        let mut seen = vec![request.clone()];
        loop {
            let response = self.exchange(&url, request.body.as_deref())?;
            let Some((status, to)) = redirect(&response) else { return answer(response, url) };
            if seen.len() > REDIRECTS {
                return Err(Failure::last(format!("more than {REDIRECTS} redirects")));
            }
            let to = url.join(to).map_err(|_| Failure::last("redirects to what is no address"))?;
            let to = address(to.as_str())?;
            if url.scheme() == "https" && to.scheme() == "http" {
                return Err(Failure::last("redirects from https to http, which is not followed"));
            }
            // A search that became a GET would give everything there is.
            let body = request.body.filter(|_| status != StatusCode::SEE_OTHER);
            request = Request { url: to.to_string(), body };
            if seen.contains(&request) {
                return Err(Failure::last("redirects in a circle"));
            }
            seen.push(request.clone());
            url = to;
        }
    }

    fn exchange(&self, url: &Url, body: Option<&str>) -> Result<Response<Body>, Failure> {
        let response = match body {
            None => self.agent.get(url.as_str()).call(),
            Some(body) => self.agent.post(url.as_str()).header("content-type", "application/json").send(body),
        };
        response.map_err(|e| failed(&e))
    }
}

/// An address that requests can be made to.
fn address(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|e| Failure::last(format!("is no address: {e}")))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(Failure::last(format!("is read over http and https only, not {}://", shown(other)))),
    }
}

fn redirect(response: &Response<Body>) -> Option<(StatusCode, &str)> {
    let status = response.status();
    let follows = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    Some((status, header(response, "location")?)).filter(|_| follows)
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// The text of an answer that is none of failure.
fn answer(mut response: Response<Body>, url: Url) -> Result<Reply, Failure> {
    let status = response.status();
    if !status.is_success() {
        return Err(refused(response));
    }
    let large = || Failure::last(format!("is larger than {} bytes", limits::DOCUMENT_BYTES));
    if response.body().content_length().is_some_and(|length| length > limits::DOCUMENT_BYTES) {
        return Err(large());
    }
    let mut bytes = Vec::new();
    let read = response.body_mut().as_reader().take(limits::DOCUMENT_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| failed(&Error::from(e)))?;
    if bytes.len() as u64 > limits::DOCUMENT_BYTES {
        return Err(large());
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::last("is not text in UTF-8"))?;
    Ok(Reply { text, url: url.into() })
}

/// What is said of a status, and whether it may pass.
fn refused(mut response: Response<Body>) -> Failure {
    let status = response.status();
    let code = status.as_u16();
    let again = match code {
        429 | 503 => asked_wait(&response).map_or(Again::AfterBackoff, Again::After),
        408 | 500 | 502 | 504..=599 => Again::AfterBackoff,
        _ => Again::Never,
    };
    let hint = match code {
        401 | 403 => "; access is not granted",
        404 => "; nothing is there",
        300..=399 => "; redirects nowhere",
        _ => "",
    };
    let reason = if matches!(code, 400 | 413 | 422) { reason(&mut response) } else { None };
    let reason = reason.map_or_else(String::new, |reason| format!("; it says: {reason}"));
    let cause =
        format!("the server answers {code} {}{hint}{reason}", status.canonical_reason().unwrap_or(""));
    Failure { status: Some(code), cause: cause.trim_end().to_owned(), again }
}

/// What a server says of a request that it does not understand.
fn reason(response: &mut Response<Body>) -> Option<String> {
    let mut bytes = Vec::new();
    response.body_mut().as_reader().take(REASON_BYTES).read_to_end(&mut bytes).ok()?;
    let told: Object = serde_json::from_slice(&bytes).ok()?;
    let told = ["description", "detail", "message"].iter().find_map(|name| told.get(*name));
    told.map(|told| match told {
        Value::String(text) => shown(text),
        other => shown(&other.to_string()),
    })
}

/// `Retry-After`: seconds, or a date, which is compared with that of the answer: no clock is asked.
fn asked_wait(response: &Response<Body>) -> Option<Duration> {
    let asked = header(response, "retry-after")?.trim();
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok();
    let wait = date(asked)? - date(header(response, "date")?.trim())?;
    Some(wait.to_std().unwrap_or_default())
}

/// What is said of an exchange that failed. No message of the library is passed on that holds the address.
fn failed(error: &Error) -> Failure {
    use std::io::ErrorKind::{ConnectionRefused, InvalidData, InvalidInput, Unsupported};
    match error {
        Error::Timeout(_) => Failure::passing("the server does not answer in time"),
        Error::HostNotFound => Failure::last("no such host is known"),
        Error::BadUri(_) | Error::Http(_) => Failure::last("is no address of a server"),
        Error::Tls(cause) => Failure::last(format!("no secure connection: {cause}")),
        // Told by the library in a message alone.
        Error::Rustls(cause) if cause.to_string().contains("No CA certificates") => Failure::last(
            "no secure connection: the system trusts no certificate (are ca-certificates installed?)",
        ),
        Error::Rustls(cause) => Failure::last(format!("no secure connection: {}", shown(&cause.to_string()))),
        Error::InvalidProxyUrl => Failure::last("the proxy of the environment is no address"),
        Error::ConnectProxyFailed(_) => Failure::last("the proxy does not connect"),
        Error::Decompress(..) => Failure::passing("the answer is compressed and broken"),
        Error::LargeResponseHeader(..) => Failure::last("the header of the answer is too large"),
        Error::Protocol(_) => Failure::passing("the answer breaks off or is not HTTP"),
        // TLS fails as a read of data that cannot be; the cause says which certificate or message.
        Error::Io(e) if matches!(e.kind(), InvalidData | InvalidInput) => {
            Failure::last(format!("no secure connection: {}", shown(&e.to_string())))
        }
        Error::Io(e) if matches!(e.kind(), ConnectionRefused | Unsupported) => {
            Failure::last(format!("no connection: {e}"))
        }
        // A name that cannot be resolved has no kind of its own; a server of names that is not reached may come back.
        Error::Io(e) if e.to_string().contains("lookup address") && !e.to_string().contains("Temporary") => {
            Failure::last("no such host is known")
        }
        Error::Io(e) => Failure::passing(format!("the connection is lost: {}", shown(&e.to_string()))),
        _ => Failure::passing("the request fails"),
    }
}
