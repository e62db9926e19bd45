//! H3: the relying party sends the browser here for a token that is welded to its own state.

use app::authority::confirm::{Confirm, ConfirmPage};
use axum::response::Response;
use handoff::{
    client::Client,
    handoff::Request,
    ids::ClientId,
    step::Step,
    token::{Challenge, HandoffToken, LaunchTicket, Secret, State, Unverified},
    uri::ClientUri,
    wire::{AuthorizeQuery, S256},
};
use leptos::prelude::*;
use serde::Deserialize;
use web::{
    context::{At, TraceId},
    form::Protected,
    page::Page,
    params::Params,
    problem::Problem,
    redirect,
};

use crate::{
    Authority, continuation,
    identity::{MaybeSignedIn, SignedIn, SignedInForms},
    store::{Consent, Issuance, Issue},
};

pub(crate) async fn get(
    At(authority): At<Authority>,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    Params(query): Params<AuthorizeQuery>,
    trace: TraceId,
    page: Page,
) -> Result<Response, Problem> {
    let asked = Asked::check(&authority, query).await?;
    let Some(signed_in) = signed_in else {
        return Ok(redirect::see_other(&continuation::sign_in_for(
            &asked.query,
        )));
    };
    let launch = asked.query.launch.as_deref();
    let launch = launch.and_then(|text| Unverified::<LaunchTicket>::new(text).ok());
    let consent = Consent::Silent {
        launch: launch.map(|ticket| ticket.digest()),
        request: continuation::fingerprint(&asked.query),
    };
    asked
        .answer(&authority, signed_in, consent, &trace, page)
        .await
}

/// The confirmation page's form: the request once more, and what the person decided.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    state: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    decision: Decision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Continue,
    Cancel,
}

pub(crate) async fn post(
    At(authority): At<Authority>,
    trace: TraceId,
    signed_in: SignedIn,
    page: Page,
    form: Protected<Fields, SignedInForms>,
) -> Result<Response, Problem> {
    let fields = form.fields;
    let query = AuthorizeQuery {
        client_id: fields.client_id,
        redirect_uri: fields.redirect_uri,
        state: fields.state,
        code_challenge: fields.code_challenge,
        code_challenge_method: fields.code_challenge_method,
        launch: None,
    };
    let asked = Asked::check(&authority, query).await?;
    match fields.decision {
        Decision::Continue => {
            asked
                .answer(&authority, signed_in, Consent::Confirmed, &trace, page)
                .await
        }
        Decision::Cancel => Ok(asked.deny(&authority, &trace, "cancelled")),
    }
}

/// A request whose client and redirect URI are good: from here on the browser may be sent there.
struct Asked {
    query: AuthorizeQuery,
    client: Client,
    redirect_uri: ClientUri,
    state: Unverified<State>,
    challenge: Challenge,
}

impl Asked {
    async fn check(authority: &Authority, query: AuthorizeQuery) -> Result<Self, Problem> {
        let id = query.client_id.as_deref().map(ClientId::parse);
        let Some(Ok(id)) = id else {
            return Err(Problem::unknown_client());
        };
        let client = authority
            .store
            .find_client(&id)
            .await
            .map_err(Problem::unavailable)?;
        let client = client.ok_or_else(Problem::unknown_client)?;
        let redirect_uri = query
            .redirect_uri
            .as_deref()
            .and_then(|uri| client.redirect_uri(uri))
            .cloned()
            .ok_or_else(Problem::wrong_redirect_uri)?;
        // No redirect for the rest either: a relying party that forgets its state or its challenge
        // is broken, and its developer must see that, not its users.
        let state = query.state.as_deref().map(Unverified::new);
        let Some(Ok(state)) = state else {
            return Err(Problem::bad_request());
        };
        let challenge = query.code_challenge.as_deref().map(Challenge::parse);
        let (Some(Ok(challenge)), Some(S256)) = (challenge, query.code_challenge_method.as_deref())
        else {
            return Err(Problem::bad_request());
        };
        Ok(Self {
            query,
            client,
            redirect_uri,
            state,
            challenge,
        })
    }

    async fn answer(
        self,
        authority: &Authority,
        signed_in: SignedIn,
        consent: Consent,
        trace: &TraceId,
        page: Page,
    ) -> Result<Response, Problem> {
        let token = HandoffToken::mint(authority.context.random.bytes());
        let new = Issue {
            request: Request {
                client: self.client.id.clone(),
                redirect_uri: self.redirect_uri.as_str().to_owned(),
                state: self.state.digest(),
                challenge: Some(self.challenge),
                lifetime: self.client.handoff_lifetime,
            },
            token: token.digest(),
            sign_in: signed_in.sign_in.id,
            consent,
        };
        let now = authority.context.now();
        match authority
            .store
            .issue_handoff(new, now)
            .await
            .map_err(Problem::unavailable)?
        {
            Issuance::Issued => {
                let step = Step::TokenIssued.as_str();
                tracing::info!(trace = %trace, step, client = %self.client.id, "handoff");
                Ok(redirect::see_other(&self.redirect_uri.with_query(&[
                    ("handoff_token", token.expose()),
                    ("state", self.state.expose()),
                    ("iss", authority.settings.origin.as_str()),
                ])))
            }
            Issuance::MustAsk => {
                let step = Step::ConfirmationAsked.as_str();
                tracing::info!(trace = %trace, step, client = %self.client.id, "handoff");
                Ok(self.ask(authority, &signed_in, page).await)
            }
            Issuance::NotAssigned => Ok(self.deny(authority, trace, "not_assigned")),
            Issuance::SignedOut => Ok(redirect::see_other(&continuation::sign_in_for(&self.query))),
        }
    }

    async fn ask(self, authority: &Authority, signed_in: &SignedIn, page: Page) -> Response {
        let request = self.query.without_launch();
        let request = request
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let model = Confirm {
            person: signed_in.person(),
            client_name: self.client.name.clone(),
            client_host: self.client.origin.authority().to_owned(),
            csrf: signed_in.csrf().to_owned(),
            request: request.collect(),
        };
        let title = format!("Continue to {}", self.client.name);
        let shell = authority.shell();
        page.forms_end_at([self.client.origin])
            .show(move || {
                let model = model.clone();
                shell
                    .clone()
                    .page(title.clone(), view! { <ConfirmPage model /> })
            })
            .await
    }

    fn deny(self, authority: &Authority, trace: &TraceId, reason: &'static str) -> Response {
        let step = Step::Refused.as_str();
        tracing::info!(trace = %trace, step, reason, client = %self.client.id, "handoff");
        redirect::see_other(&self.redirect_uri.with_query(&[
            ("error", "access_denied"),
            ("state", self.state.expose()),
            ("iss", authority.settings.origin.as_str()),
        ]))
    }
}
