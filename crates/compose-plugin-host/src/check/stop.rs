//! Why a call, or a trial, goes no further.

use super::findings::Fault;
use std::io;

/// Why a call, or a trial, goes no further.
#[derive(Debug)]
pub enum Stop {
    /// The kind cannot work with this, and says why.
    Refused(String),
    /// It gave up because it was asked to.
    Cancelled,
    /// Something is wrong.
    Fault(Fault),
    /// An error of the check itself, such as memory that the system refuses; not of the plugin.
    Internal(String),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

/// The reason why a trial ends early.
#[derive(Debug)]
pub enum End {
    Fault(Fault),
    NotApplicable(String),
    Untried(String),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fault(fault) => Self::Fault(fault),
            Stop::Refused(why) => Self::Untried(format!("refused: {why}")),
            Stop::Cancelled => Self::Untried("gave up".into()),
            Stop::Internal(why) => Self::Untried(format!("the trial itself failed: {why}")),
        }
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
