//! The back channel to the authorization server.
//!
//! It follows no redirect and uses no proxy: what it carries is for one address. It keeps no
//! connection open either. A connection that the other side is just closing looks like an answer
//! that was lost, and that costs the person the sign-in.

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

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
use reqwest::{
    Certificate, Client, RequestBuilder, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::HeaderMap,
    redirect,
};
use serde::de::DeserializeOwned;
use web::trace_id::TraceId;

use crate::Settings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);
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
        let http = http(&settings.issuer, settings.authority_ca.as_deref())
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

/// What calls a server of this origin: no redirect, no proxy, no connection kept.
///
/// # Errors
/// When this machine gives no way to check certificates.
pub fn http(issuer: &Origin, authority_ca: Option<&[u8]>) -> Result<Client, reqwest::Error> {
    http_over(issuer.is_https(), authority_ca)
}

/// What a client trusts: whether it speaks https, and the certificate authorities that were given.
type Trust = (bool, Option<Vec<u8>>);

/// The clients of this process. They keep no connection, so one serves every platform that trusts the
/// same; a process has as many as it was given certificate authorities.
static CLIENTS: Mutex<BTreeMap<Trust, Client>> = Mutex::new(BTreeMap::new());

/// The same for any server that is reached over https, or over http.
///
/// # Errors
/// As [`http()`].
pub fn http_over(is_https: bool, authority_ca: Option<&[u8]>) -> Result<Client, reqwest::Error> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let trust = (is_https, authority_ca.map(<[u8]>::to_vec));
    if let Some(client) = clients.get(&trust) {
        return Ok(client.clone());
    }
    let client = build(is_https, authority_ca)?;
    clients.insert(trust, client.clone());
    Ok(client)
}

fn build(is_https: bool, authority_ca: Option<&[u8]>) -> Result<Client, reqwest::Error> {
    // Two of our dependencies bring a provider each, so that rustls chooses none. An error says
    // that somebody was here before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .pool_max_idle_per_host(0)
        .dns_resolver(Loopback);
    if is_https {
        builder = builder.https_only(true);
        if let Some(pem) = authority_ca {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(pem)?);
        }
    } else {
        // No certificate will be checked, so a machine without any must not be in the way.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// Resolves `localhost` and `*.localhost` to this machine, as browsers do and the C library does
/// not (RFC 6761, 6.3); everything else as the system does.
#[derive(Clone, Copy, Debug)]
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            // Port 0 stands for the one in the address.
            let found: Addrs = if is_localhost(name) {
                Box::new(std::iter::once(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
            } else {
                let found: Vec<_> = tokio::net::lookup_host((name, 0)).await?.collect();
                Box::new(found.into_iter())
            };
            Ok(found)
        })
    }
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_names_are_this_machine() {
        for name in ["localhost", "auth.localhost", "evil.auth.localhost"] {
            let found: Vec<_> = Loopback
                .resolve(name.parse().unwrap())
                .await
                .unwrap()
                .collect();
            assert_eq!(found, ["127.0.0.1:0".parse().unwrap()], "{name}");
        }
        for name in ["localhost.example", "notlocalhost"] {
            assert!(!is_localhost(name), "{name}");
        }
    }
}
