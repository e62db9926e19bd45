//! What the parties say to each other: the names on the wire, once, for both sides and the browser.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use time::OffsetDateTime;

use crate::{
    ids::{SessionId, UserId},
    token::{AccessToken, HandoffToken, State, Unverified, Verifier},
};

/// Paths of the authorization server, and two of the relying party: [`START`](path::START) and
/// [`CALLBACK`](path::CALLBACK).
pub mod path {
    /// H3.
    pub const AUTHORIZE: &str = "/handoff/authorize";
    /// H5.
    pub const VERIFY: &str = "/auth/external/handoff/verify";
    /// H5, the shorter name.
    pub const VERIFY_ALIAS: &str = "/handoff/verify";
    /// Is this access token's session still alive?
    pub const SESSION: &str = "/api/v1/auth/direct/session";
    /// End this access token's session.
    pub const DIRECT_LOGOUT: &str = "/api/v1/auth/direct/logout";
    /// H2, at the relying party.
    pub const START: &str = "/handoff/start";
    /// H4, at the relying party.
    pub const CALLBACK: &str = "/callback";
}

/// H2: the query of the relying party's start, the third-party initiated login of OpenID Connect
/// Core, section 4, and the launch ticket.
#[derive(Clone, Default, Deserialize)]
pub struct StartQuery {
    /// Who sends the person; nobody, when the person starts at the relying party.
    pub iss: Option<String>,
    /// Where the person wants to go.
    pub target_link_uri: Option<String>,
    /// L, passed on unread.
    pub launch: Option<String>,
    /// The relying party itself sends the browser here, because it came back too late: once for each
    /// sign-in.
    pub again: Option<String>,
}

// Queries carry secrets as plain text until they are checked, and a request is easily logged whole:
// their `Debug` says which parameters are there and shows only those that are no secret.

impl fmt::Debug for StartQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartQuery")
            .field("iss", &self.iss)
            .field("target_link_uri", &self.target_link_uri)
            .field("launch", &Hidden::of(&self.launch))
            .field("again", &self.again)
            .finish()
    }
}

impl fmt::Debug for AuthorizeQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeQuery")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("state", &Hidden::of(&self.state))
            .field("code_challenge", &self.code_challenge)
            .field("code_challenge_method", &self.code_challenge_method)
            .field("launch", &Hidden::of(&self.launch))
            .finish()
    }
}

impl fmt::Debug for CallbackQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackQuery")
            .field("handoff_token", &Hidden::of(&self.handoff_token))
            .field("state", &Hidden::of(&self.state))
            .field("iss", &self.iss)
            .field("error", &self.error)
            .field("error_description", &self.error_description)
            .finish()
    }
}

struct Hidden;

impl Hidden {
    fn of(value: &Option<String>) -> Option<Self> {
        value.as_ref().map(|_| Self)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// H3: the query of authorize, as it came. Nothing in it is checked yet.
#[derive(Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct AuthorizeQuery {
    /// Who asks.
    pub client_id: Option<String>,
    /// Where the token shall go.
    pub redirect_uri: Option<String>,
    /// S.
    pub state: Option<String>,
    /// The S256 challenge.
    pub code_challenge: Option<String>,
    /// Always `S256`.
    pub code_challenge_method: Option<String>,
    /// L.
    pub launch: Option<String>,
}

impl AuthorizeQuery {
    /// The parameters that are there, by their names on the wire, without the launch ticket: a
    /// request that waits for a sign-in or a click has no use for it.
    #[must_use]
    pub fn without_launch(&self) -> Vec<(&'static str, &str)> {
        [
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("state", &self.state),
            ("code_challenge", &self.code_challenge),
            ("code_challenge_method", &self.code_challenge_method),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| (name, value)))
        .collect()
    }
}

/// The only challenge method (RFC 7636 has `plain` too; it protects nothing here).
pub const S256: &str = "S256";

/// H4: the query of the callback.
#[derive(Clone, Default, Deserialize)]
pub struct CallbackQuery {
    /// T.
    pub handoff_token: Option<String>,
    /// S.
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no token (RFC 6749, 4.1.2.1).
    pub error: Option<String>,
    /// Why more exactly: [`NOT_ASSIGNED`], or nothing that anybody should rely on.
    pub error_description: Option<String>,
}

/// The description of an `access_denied` that is no choice of the person's: they may not use the
/// client.
pub const NOT_ASSIGNED: &str = "not_assigned";

/// H5: the body of a verify. A member that stands twice is refused by the parser.
///
/// ```
/// use handoff::wire::VerifyRequest;
///
/// let twice = r#"{"handoff_token":"T","state":"S","client_id":"notes","state":"S"}"#;
/// assert!(serde_json::from_str::<VerifyRequest>(twice).is_err());
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyRequest {
    /// T.
    pub handoff_token: Unverified<HandoffToken>,
    /// S.
    pub state: Unverified<State>,
    /// Who asks; must be the one who authenticated. 1 to 2048 bytes.
    #[serde(deserialize_with = "text")]
    pub client_id: String,
    /// Where the token came to. 1 to 2048 bytes.
    #[serde(
        default,
        deserialize_with = "optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub redirect_uri: Option<String>,
    /// V.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_verifier: Option<Unverified<Verifier>>,
}

/// A member that is empty or too long is a malformed request, not a wrong client.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if (1..=2048).contains(&text.len()) {
        Ok(text)
    } else {
        Err(D::Error::custom("a member is empty or too long"))
    }
}

fn optional_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "text")] String);
    Ok(Option::<Text>::deserialize(from)?.map(|Text(text)| text))
}

/// H5: the answer to a verify that was accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyResponse {
    /// Always `Bearer`.
    pub token_type: TokenType,
    /// Opaque, and good for this client alone.
    pub access_token: Unverified<AccessToken>,
    /// Seconds until the access token dies.
    pub expires_in: i64,
    /// The session that the client got.
    pub session: SessionInfo,
    /// Whom it is about.
    pub user: UserInfo,
    /// When the person signed in, in seconds since 1970 (OpenID Connect Core, section 2).
    pub auth_time: i64,
    /// How (RFC 8176).
    pub amr: Vec<String>,
}

/// How an access token is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenType {
    /// Whoever has it may use it (RFC 6750).
    Bearer,
}

/// A client's session, with the member names of the public documentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    /// The public id; `sid` at sign-out.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it ends at the latest.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// A person, as clients see one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The stable id; an e-mail address is none.
    pub id: UserId,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// Whether the address was confirmed.
    pub email_verified: bool,
}

/// The answer of the session endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionResponse {
    /// The session.
    pub session: SessionInfo,
    /// The person.
    pub user: UserInfo,
}

/// The body of a sign-out at the session endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DirectLogoutRequest {
    /// Who asks; must be the client that the access token belongs to.
    pub client_id: String,
}

/// The answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectLogoutResponse {
    /// Always true; an unknown token is answered by 401.
    pub success: bool,
}

/// A refusal for machines (RFC 6749, 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What kind of refusal.
    pub error: ErrorCode,
    /// One sentence for the developer who reads it.
    pub error_description: String,
}

/// The kinds of refusal that machines see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is malformed.
    InvalidRequest,
    /// The client did not prove who it is.
    InvalidClient,
    /// The token was not accepted, for whatever reason.
    #[serde(rename = "HANDOFF_VERIFICATION_FAILED")]
    HandoffVerificationFailed,
    /// The token's state is another one; said to clients of the older SDK only, which know the code.
    #[serde(rename = "HANDOFF_STATE_MISMATCH")]
    HandoffStateMismatch,
    /// The person said no, or may not use the client.
    AccessDenied,
    /// No bearer token, or one that is not good here.
    NoSession,
    /// The access token's time is over.
    SessionExpired,
    /// The access token's person is gone.
    UserNotFound,
    /// Too many requests.
    SlowDown,
    /// The store cannot be reached.
    TemporarilyUnavailable,
}
