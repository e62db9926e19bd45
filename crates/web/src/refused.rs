//! Why a request was not served, on its way out.

use axum::response::Response;
use handoff::refusal_reason::RefusalReason;

/// Why a request was not served: an extension of its answer, which the layers around a handler read.
#[derive(Clone, Debug)]
pub struct Refused {
    reason: RefusalReason,
    /// For the log, where the fault is ours and no other line has it.
    fault: Option<String>,
}

impl Refused {
    /// The reason.
    #[must_use]
    pub const fn reason(&self) -> RefusalReason {
        self.reason
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

impl From<RefusalReason> for Refused {
    fn from(reason: RefusalReason) -> Self {
        Self {
            reason,
            fault: None,
        }
    }
}
