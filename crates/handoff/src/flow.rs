//! What is recorded of a handoff: which steps were taken, by whom, and what was sent, without a
//! secret.
//!
//! Both parties record on their own and never ask each other which handoff a step belongs to: the
//! [`FlowId`] follows from the state, which both see.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    ids::{ClientId, InvalidId, SessionId},
    step::Step,
    token::{Digest, HandoffToken, LaunchTicket, State},
};

macro_rules! derived_id {
    ($(#[$doc:meta])* $name:ident, $of:ident, $label:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// The id that follows from the secret's hash. It leads to neither.
            #[must_use]
            pub fn of(digest: &Digest<$of>) -> Self {
                let hash = Sha256::new()
                    .chain_update($label)
                    .chain_update(digest.as_bytes().as_slice())
                    .finalize();
                let mut id = [0; 16];
                id.copy_from_slice(&hash[..16]);
                Self(id)
            }

            /// Reads an id as it was printed: 32 digits of `0-9a-f`.
            ///
            /// # Errors
            /// [`InvalidId`] for anything else.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let id = HEXLOWER.decode(text.as_bytes()).ok();
                let id = id.and_then(|id| <[u8; 16]>::try_from(id).ok());
                id.map(Self).ok_or(InvalidId($what))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&HEXLOWER.encode_display(&self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

derived_id! {
    /// One handoff, from the moment that it has a state. It has the length of a trace id of W3C
    /// Trace Context.
    FlowId, State, "handoff flow of a state\0", "flow id"
}
derived_id! {
    /// A launch that may become a handoff: what there is to know it by before a state is made.
    LaunchId, LaunchTicket, "handoff launch of a ticket\0", "launch id"
}
derived_id! {
    /// A handoff by its token. Where a callback brings another state than its token was issued with,
    /// this still leads to the handoff that somebody has tampered with.
    IssuedId, HandoffToken, "handoff flow of a token\0", "issued id"
}

/// Which handoff something belongs to, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Belongs {
    /// The handoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowId>,
    /// The launch. What has both joins the launch to the handoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<LaunchId>,
    /// The token: issued, where the authorization server says so, and else only presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<IssuedId>,
}

/// Which of the two sites recorded something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// The authorization server.
    Authority,
    /// A relying party; [`Event::client`] says which.
    RelyingParty,
}

/// A text that was sent, in pieces, with what is secret replaced.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// As it was sent.
    Text(String),
    /// What stands where a secret, or something that may be one, was.
    Hidden {
        /// What it is, in the words of [`crate::token::Secret::KIND`] or as plain: `State`, `value`.
        kind: String,
        /// The first six hexadecimal digits of the SHA-256 of what was sent.
        fingerprint: String,
    },
}

/// A named value of a request or an answer: a header, a query parameter, a field, a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Named {
    /// Its name, as it was sent.
    pub name: String,
    /// Its value.
    pub value: Vec<Piece>,
}

/// What was really sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Message {
    /// A request.
    Request {
        /// Its method.
        method: String,
        /// Scheme, host, port and path.
        url: String,
        /// The parameters of the query, in their order.
        query: Vec<Named>,
        /// Its headers, cookies aside.
        headers: Vec<Named>,
        /// The cookies that came with it.
        cookies: Vec<Named>,
        /// The fields of its body.
        body: Vec<Named>,
    },
    /// An answer.
    Response {
        /// Its status.
        status: u16,
        /// Where it sends the browser: scheme, host, port and path.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location: Option<String>,
        /// The parameters of that address's query.
        query: Vec<Named>,
        /// Its headers, `Location` and `Set-Cookie` aside.
        headers: Vec<Named>,
        /// The cookies that it sets, each with its attributes after the value.
        cookies: Vec<Named>,
        /// The fields of its body, where that is for machines.
        body: Vec<Named>,
    },
}

/// Why a handoff stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// A short name, as logs and metrics have it: `state_differs`.
    pub reason: String,
    /// The rows of the security checklist behind it; none where none is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u8>,
}

/// Whether these are known to be two clients. Events that name two are never of one handoff: whoever is
/// known by one client's ids may have brought them to another.
#[must_use]
pub fn are_two_clients(one: Option<&ClientId>, other: Option<&ClientId>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// One step, as one site recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub step: Step,
    /// Who recorded it.
    pub site: Site,
    /// The relying party that the handoff is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// Which handoff it belongs to.
    pub belongs: Belongs,
    /// The session that it gives, or will give: the id that both sites and their logs have. It joins
    /// what happens after the question "Switch?", when the state is gone, to the handoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The request in which it happened, as the log and the error pages name it.
    pub trace: String,
    /// When, in microseconds since 1970 on that site's clock.
    pub at: i64,
    /// How long after the request arrived, in microseconds.
    pub after: u64,
    /// What was sent, where this step is a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Why it was refused, at a [`Step::Refused`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Secret;

    #[test]
    fn both_parties_derive_the_same_flow_and_it_is_not_the_hash_of_the_state() {
        let state = State::mint([5; 32]);
        let claimed = crate::token::Unverified::<State>::from(&state);
        let id = FlowId::of(&state.digest());
        assert_eq!(FlowId::of(&claimed.digest()), id);
        assert_ne!(FlowId::of(&State::mint([6; 32]).digest()), id);
        assert_ne!(id.0[..], state.digest().as_bytes().as_slice()[..16]);
        let ticket = LaunchTicket::mint([5; 32]);
        assert_ne!(LaunchId::of(&ticket.digest()).0, id.0);
    }

    #[test]
    fn an_id_reads_back_as_it_was_printed_and_nothing_else_does() {
        let id = FlowId::of(&State::mint([5; 32]).digest());
        let text = id.to_string();
        assert_eq!(FlowId::parse(&text), Ok(id));
        let upper = text.to_uppercase();
        let long = format!("{text}0");
        let accented = format!("é{}", &text[2..]);
        for bad in ["", &upper, &long, &text[1..], &accented, "../../etc/passwd"] {
            assert!(FlowId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
