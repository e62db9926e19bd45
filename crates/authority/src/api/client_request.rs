//! A request of a client: read, authenticated, and counted if it does not prove its client.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use handoff::{
    client::{Client, Kind},
    ids::ClientId,
    refusal_reason::RefusalReason,
    token::{ClientSecret, Unverified},
    verify::Proof,
    wire::ErrorCode,
};
use http::{HeaderMap, StatusCode, header};
use recording::flow_recorder::FlowRecorder;
use serde::de::DeserializeOwned;
use web::{at::At, authorization::basic, peer::Peer};

use super::{ErrorResponse, cors};
use crate::{Authority, known_clients, store::KnownClient};

/// A request whose client proved who it is. A request that is not is refused before the handler runs, and
/// counted by its network and the client that it claims (row 17).
pub(crate) struct ClientRequest<T> {
    /// The client, as it was read for this request or an earlier one: what the request asks for is decided
    /// by a verb that compares its revision.
    pub(crate) client: Arc<KnownClient>,
    /// How it proved who it is.
    pub(crate) proof: Proof,
    /// What it showed for that, for a record that is newer.
    pub(crate) shown: Shown,
    /// The members of the body.
    pub(crate) body: T,
}

/// A body that says which client it comes from.
pub(crate) trait FromClient: DeserializeOwned + Send {
    /// The id that it says.
    fn client_id(&self) -> &str;

    /// Tells the recorder what the request belongs to, before its client is known.
    fn record(&self, flow: &FlowRecorder);
}

impl<T: FromClient, S: Send + Sync> FromRequest<S> for ClientRequest<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let At(authority) = At::<Authority>::from_request_parts(&mut parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let Ok(flow) = FlowRecorder::from_request_parts(&mut parts, state).await;
        let peer = Peer::from_request_parts(&mut parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let audience = cors::Audience::of(&parts.extensions);
        let headers = parts.headers.clone();
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let call = Call {
            authority: &authority,
            flow: &flow,
            peer,
            headers: &headers,
            audience: &audience,
        };
        let body = match read_json(&headers, body) {
            Ok(body) => body,
            Err(refusal) => return Err(call.unreadable(refusal).await.into_response()),
        };
        call.proven(body).await.map_err(IntoResponse::into_response)
    }
}

/// A call, and who makes it.
struct Call<'a> {
    authority: &'a Authority,
    flow: &'a FlowRecorder,
    peer: Peer,
    headers: &'a HeaderMap,
    audience: &'a cors::Audience,
}

impl Call<'_> {
    /// A client that proves who it is may send bodies that cannot be read, uncounted.
    async fn unreadable(&self, refusal: ErrorResponse) -> ErrorResponse {
        let claimed = basic(self.headers).map(|(id, _)| id);
        // The answer says nothing of this client, so its origin gets no permission by it.
        let aside = cors::Audience::default();
        let client = claimed.as_deref().unwrap_or_default();
        match self.authenticate(client, &aside).await {
            Ok(_) => refusal,
            // Whether the client would have proven itself is not known: nothing is counted.
            Err(ours) if ours.is_ours() => refusal,
            Err(_) => self.unproven(claimed.as_deref(), refusal),
        }
    }

    async fn proven<T: FromClient>(&self, body: T) -> Result<ClientRequest<T>, ErrorResponse> {
        body.record(self.flow);
        self.audience.concerns(body.client_id());
        match self.authenticate(body.client_id(), self.audience).await {
            Ok((client, proof, shown)) => {
                self.flow.client(&client.client.id);
                Ok(ClientRequest {
                    client,
                    proof,
                    shown,
                    body,
                })
            }
            Err(refusal) if refusal.is_ours() => Err(refusal),
            Err(refusal) => Err(self.unproven(Some(body.client_id()), refusal)),
        }
    }

    fn unproven(&self, claimed: Option<&str>, refusal: ErrorResponse) -> ErrorResponse {
        let trace = self.flow.trace();
        self.authority.unproven(trace, self.peer, claimed, refusal)
    }

    /// The client that this request comes from, and how it showed that: a confidential one by HTTP
    /// Basic (RFC 6749, 2.3.1), a public one, which has no secret, by the origin that its browser
    /// sends.
    async fn authenticate(
        &self,
        claimed: &str,
        audience: &cors::Audience,
    ) -> Result<(Arc<KnownClient>, Proof, Shown), ErrorResponse> {
        let shown = Shown::by(self.headers).ok_or_else(ErrorResponse::invalid_client)?;
        let id = ClientId::parse(claimed).map_err(|_| ErrorResponse::invalid_client())?;
        for from in [known_clients::From::Earlier, known_clients::From::Store] {
            let known = self.find(&id, from).await?;
            audience.found(known.as_ref().map(|known| &known.client));
            let proof = known
                .as_ref()
                .and_then(|known| shown.proof_of(&known.client));
            if let (Some(known), Some(proof)) = (known, proof) {
                return Ok((known, proof, shown));
            }
        }
        Err(ErrorResponse::invalid_client())
    }

    async fn find(
        &self,
        id: &ClientId,
        from: known_clients::From,
    ) -> Result<Option<Arc<KnownClient>>, ErrorResponse> {
        self.authority
            .clients
            .find(&*self.authority.store, id, from)
            .await
            .map_err(|cause| ErrorResponse::unavailable(self.flow.trace(), cause))
    }
}

/// What a request shows of its client.
pub(crate) enum Shown {
    Secret {
        of: String,
        secret: Unverified<ClientSecret>,
    },
    Origin(String),
}

impl Shown {
    /// An `Authorization` header that proves nothing is no reason to look further.
    fn by(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(header::AUTHORIZATION) {
            return cors::origin(headers).map(|origin| Self::Origin(origin.to_owned()));
        }
        let (of, secret) = basic(headers)?;
        let secret = Unverified::new(secret).ok()?;
        Some(Self::Secret { of, secret })
    }

    /// What it proves by this record; none where it proves nothing.
    pub(crate) fn proof_of(&self, client: &Client) -> Option<Proof> {
        match (self, &client.kind) {
            (Self::Secret { of, secret }, Kind::Confidential { secret: own })
                if *of == client.id.as_str() && *own == secret.digest() =>
            {
                Some(Proof::Credential)
            }
            (Self::Origin(origin), Kind::Public { .. }) if client.is_public_at(origin) => {
                Some(Proof::Origin)
            }
            _ => None,
        }
    }
}

/// Reads a JSON body.
///
/// # Errors
/// [`ErrorResponse`] when it is of another media type, too large, or not the JSON that is asked for.
pub(crate) fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, ErrorResponse> {
    if !web::form::has_media_type(headers, "application/json") {
        return Err(ErrorResponse::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::InvalidRequest,
            "The body must be application/json.",
            RefusalReason::NotJson,
        ));
    }
    let body = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ErrorResponse::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::InvalidRequest,
                "The body is too large.",
                RefusalReason::NotJson,
            )
        } else {
            ErrorResponse::invalid_request()
        }
    })?;
    // Our parser would also read a structure from an array of its members.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ErrorResponse::invalid_request());
    }
    serde_json::from_slice(&body).map_err(|_| ErrorResponse::invalid_request())
}
