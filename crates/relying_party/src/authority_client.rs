//! The back channel to the authorization server.
//!
//! Its [`http_client`] keeps no connection open: one that the other side is just closing looks like an
//! answer that was lost, and that costs the person the sign-in.

use std::fmt;

use handoff::{
    handoff::Returned,
    ids::ClientId,
    step::Step,
    token::{AccessToken, ClientSecret, Secret, Unverified},
    uri::Origin,
    wire::{
        DirectLogoutRequest, ErrorBody, ErrorCode, SessionResponse, VerifyRequest, VerifyResponse,
        path,
    },
};
use recording::{flow_recorder::FlowRecorder, redact};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;
use web::{http_client, trace_id::TraceId};

use crate::Settings;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Speaks with the authorization server. Clones are the same client.
#[derive(Clone)]
pub struct AuthorityClient {
    /// None: this machine gives us no way to check certificates. Each call says so in the log.
    http: Option<Client>,
    issuer: Origin,
    client_id: ClientId,
    client_secret: ClientSecret,
    redirect_uri: String,
}

/// What came of a verify.
#[derive(Clone, Debug)]
pub enum Verification {
    /// The token was good.
    Accepted(Box<VerifyResponse>),
    /// The authorization server said no.
    Refused(ErrorCode),
    /// It gave no answer, or none that we understand. Whatever the token had given is revoked, as
    /// far as that is possible.
    Unreachable,
}

/// What came of asking about a session.
#[derive(Clone, Debug)]
pub enum SessionCheck {
    /// It is alive.
    Alive(Box<SessionResponse>),
    /// It has ended.
    Ended,
    /// The authorization server gave no answer, or none that we understand.
    Unreachable,
}

/// Why there is no answer; the text is for the log.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    /// The request never left, or the authorization server did nothing about it.
    #[error("not asked: {0}")]
    NotAsked(String),
    /// It may have done what was asked.
    #[error("answer lost: {0}")]
    Lost(String),
}

impl From<reqwest::Error> for NoAnswer {
    fn from(error: reqwest::Error) -> Self {
        let text = chain(&error);
        if error.is_connect() || error.is_builder() {
            Self::NotAsked(text)
        } else {
            Self::Lost(text)
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// An answer that was read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn read(mut response: Response) -> Result<Self, NoAnswer> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(NoAnswer::Lost("the answer is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self {
            status: response.status(),
            headers: response.headers().clone(),
            body,
        })
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, NoAnswer> {
        // The parser's message may quote the body, which has an access token in it.
        serde_json::from_slice(&self.body)
            .map_err(|_| NoAnswer::Lost(format!("an unreadable {}", self.status)))
    }
}

impl AuthorityClient {
    /// The client of the site with these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let http = http_client::to(&settings.issuer, settings.authority_ca.as_deref())
            .inspect_err(|error| {
                let cause = chain(error);
                tracing::error!(issuer = %settings.issuer, %cause, "no back channel");
            })
            .ok();
        Self {
            http,
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
            redirect_uri: settings.redirect_uri(),
        }
    }

    /// H5: redeems the token.
    ///
    /// When the answer is lost, the token may have given a session that nobody holds. Presenting
    /// the token once more makes the authorization server end it (row 82).
    pub async fn verify(&self, returned: &Returned, flow: &FlowRecorder) -> Verification {
        let trace = flow.trace();
        let error = match self.present(returned, flow).await {
            Ok(verification) => return verification,
            Err(error) => error,
        };
        tracing::warn!(trace = %trace, cause = %error, "verify");
        if let NoAnswer::Lost(_) = error {
            let second = self.present(returned, flow).await;
            let outcome = match &second {
                // The first one never arrived. It may still be on its way, and would then count as
                // a replay and end the session: starting over is the only sure way.
                Ok(Verification::Accepted(accepted)) => {
                    self.logout_or_log(&accepted.access_token, trace).await;
                    "redeemed and ended"
                }
                Ok(_) => "refused",
                Err(_) => "no answer",
            };
            tracing::warn!(trace = %trace, event = "handoff.duplicate", outcome, "verify");
        }
        Verification::Unreachable
    }

    async fn present(
        &self,
        returned: &Returned,
        flow: &FlowRecorder,
    ) -> Result<Verification, NoAnswer> {
        let request = VerifyRequest {
            handoff_token: returned.token.clone(),
            state: (&returned.started.state).into(),
            client_id: self.client_id.to_string(),
            redirect_uri: Some(self.redirect_uri.clone()),
            code_verifier: Some((&returned.started.verifier).into()),
        };
        let mut call = self
            .http()?
            .post(self.address(path::VERIFY))
            .basic_auth(&self.client_id, Some(self.client_secret.expose()))
            .json(&request);
        if let Some(parent) = flow.traceparent() {
            call = call.header("traceparent", parent);
        }
        let call = call.build()?;
        flow.message(Step::VerifySent, || {
            let (address, method, headers) = (call.url().as_str(), call.method(), call.headers());
            let message = redact::request_to(address, Vec::new(), method, headers);
            Some(redact::with_body(message, redact::verify_request(&request)))
        });
        let answer = Answer::read(self.http()?.execute(call).await?).await?;
        flow.message(Step::VerifyAnswered, || {
            let message = redact::response(answer.status, &answer.headers);
            Some(redact::with_body(message, redact::json(&answer.body)))
        });
        if answer.status == StatusCode::OK {
            let accepted: VerifyResponse = answer.parse()?;
            if accepted.user.id != accepted.session.user_id {
                return Err(NoAnswer::Lost("an answer about two people".to_owned()));
            }
            return Ok(Verification::Accepted(Box::new(accepted)));
        }
        match answer.parse::<ErrorBody>() {
            // Both say that nothing was done.
            Ok(ErrorBody {
                error: ErrorCode::SlowDown | ErrorCode::TemporarilyUnavailable,
                ..
            }) => Err(NoAnswer::NotAsked(answer.status.to_string())),
            Ok(ErrorBody { error, .. }) if answer.status.is_client_error() => {
                Ok(Verification::Refused(error))
            }
            // A server that failed half-way, or a proxy that gave up waiting for it.
            _ if answer.status.is_server_error() => Err(NoAnswer::Lost(answer.status.to_string())),
            _ => Err(NoAnswer::NotAsked(format!(
                "an unreadable {}",
                answer.status
            ))),
        }
    }

    /// Asks whether the session behind an access token is still alive.
    pub async fn session(&self, token: &Unverified<AccessToken>, trace: &TraceId) -> SessionCheck {
        let asked = async {
            let call = self
                .http()?
                .get(self.address(path::SESSION))
                .bearer_auth(token.expose());
            let answer = send(call).await?;
            match answer.status {
                StatusCode::OK => Ok(SessionCheck::Alive(Box::new(answer.parse()?))),
                StatusCode::UNAUTHORIZED => Ok(SessionCheck::Ended),
                status => Err(NoAnswer::Lost(status.to_string())),
            }
        };
        asked.await.unwrap_or_else(|error: NoAnswer| {
            tracing::warn!(trace = %trace, cause = %error, "session check");
            SessionCheck::Unreachable
        })
    }

    /// Ends the session behind an access token; one that has ended already is fine too. An
    /// authorization server that is away is worth a log line and no more: an access token that
    /// nobody holds dies by itself.
    pub async fn logout_or_log(&self, token: &Unverified<AccessToken>, trace: &TraceId) {
        let asked = async {
            let request = DirectLogoutRequest {
                client_id: self.client_id.to_string(),
            };
            let call = self
                .http()?
                .post(self.address(path::DIRECT_LOGOUT))
                .bearer_auth(token.expose())
                .json(&request);
            match send(call).await?.status {
                StatusCode::OK | StatusCode::UNAUTHORIZED => Ok(()),
                status => Err(NoAnswer::Lost(status.to_string())),
            }
        };
        let outcome: Result<(), NoAnswer> = asked.await;
        if let Err(error) = outcome {
            tracing::warn!(trace = %trace, cause = %error, "access token not revoked");
        }
    }

    fn http(&self) -> Result<&Client, NoAnswer> {
        self.http
            .as_ref()
            .ok_or_else(|| NoAnswer::NotAsked("there is no back channel".to_owned()))
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}

impl fmt::Debug for AuthorityClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorityClient({} at {})", self.client_id, self.issuer)
    }
}

async fn send(call: RequestBuilder) -> Result<Answer, NoAnswer> {
    Answer::read(call.send().await?).await
}
