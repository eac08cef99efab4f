//! Requests.

use crate::error::StacError;
use crate::href::redacted;
use std::time::Duration;

/// How requests are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The most that one request may take, from the first byte sent to the last one read.
    pub timeout: Duration,
    /// How often a request is repeated that failed in passing.
    pub retries: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), retries: 5 }
    }
}

/// Makes requests.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
}

/// What a server answered.
pub(crate) struct Reply {
    pub text: String,
    /// Where the answer came from, redirects followed.
    pub url: String,
}

impl Client {
    /// A client with these options.
    pub fn new(options: Options) -> Self {
        Self {
            agent: ureq::Agent::config_builder().timeout_global(Some(options.timeout)).build().new_agent(),
        }
    }

    /// Gets a document.
    pub(crate) fn get(&self, url: &str) -> Result<Reply, StacError> {
        let wrong = |e: ureq::Error| StacError::Http { url: redacted(url), cause: e.to_string() };
        let text = self.agent.get(url).call().map_err(wrong)?.body_mut().read_to_string().map_err(wrong)?;
        Ok(Reply { text, url: url.to_owned() })
    }
}
