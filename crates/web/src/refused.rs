//! Why a request was not served, on its way out.

use axum::response::Response;
use handoff::{cause::Cause, rejection::Rejection};

/// Why a request was not served: an extension of its answer, which the layers around a handler read.
#[derive(Clone, Debug)]
pub struct Refused {
    reason: &'static str,
    rows: &'static [u8],
    /// For the log, where the fault is ours and no other line has it.
    fault: Option<String>,
}

impl Refused {
    const fn new(reason: &'static str, rows: &'static [u8]) -> Self {
        Self {
            reason,
            rows,
            fault: None,
        }
    }

    /// A short name, as logs and metrics have it.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// The rows of the security checklist behind it; none where none is.
    #[must_use]
    pub const fn rows(&self) -> &'static [u8] {
        self.rows
    }

    /// What the operator must know to mend it, where the fault is ours and no other line has it.
    #[must_use]
    pub fn our_fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// What the operator must know to mend it.
    #[must_use]
    pub fn fault(mut self, fault: impl Into<String>) -> Self {
        self.fault = Some(fault.into());
        self
    }

    /// Puts it to an answer, in the place of one that is there.
    #[must_use]
    pub fn on(self, mut answer: Response) -> Response {
        answer.extensions_mut().insert(self);
        answer
    }
}

impl From<Cause> for Refused {
    fn from(cause: Cause) -> Self {
        Self::new(cause.reason(), cause.rows())
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self::new(rejection.reason(), rejection.rows())
    }
}
