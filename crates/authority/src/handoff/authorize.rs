//! H3: the relying party sends the browser here for a token that is welded to its own state.

use std::sync::Arc;

use axum::response::Response;
use handoff::{
    flow::FlowId,
    handoff::Request,
    ids::ClientId,
    refusal_reason::RefusalReason,
    step::Step,
    token::{Challenge, HandoffToken, LaunchTicket, Secret, State, Unverified},
    uri::{self, ClientUri, with_query},
    wire::{AuthorizeQuery, NOT_ASSIGNED, S256, path},
};
use http::Method;
use leptos::prelude::*;
use pages::authority::confirm::{Confirm, ConfirmPage};
use recording::{flow_recorder::FlowRecorder, site::sent_back};
use serde::Deserialize;
use web::{
    at::At, error_page::ErrorPage, form::MaybeStale, page::Page, params::Params, peer::Peer,
    redirect, refused::Refused,
};

use crate::{
    Authority, continuation,
    identity::{MaybeSignedIn, SignedIn, SignedInForms},
    known_clients::From,
    store::{Consent, Issuance, KnownClient, NewHandoff, Remembered},
};

/// The step that a request is, as it arrives.
pub(super) fn arriving(_: &Method, path: &str) -> Option<Step> {
    (path == path::AUTHORIZE).then_some(Step::AuthorizeReceived)
}

pub(crate) async fn get(
    At(authority): At<Authority>,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    peer: Peer,
    Params(query): Params<AuthorizeQuery>,
    steps: FlowRecorder,
    page: Page,
) -> Result<Response, ErrorPage> {
    authority.admit(signed_in.as_ref(), peer)?;
    // A record from an earlier request refuses nothing: what does not fit it is held against the store. Nor
    // does it send anybody to sign in: only a token's verb compares it with the one that is stored.
    if signed_in.is_some()
        && let Ok(asked) = Asked::check(&authority, &steps, query.clone(), From::Earlier).await
        && let Some(answer) = begin(&authority, asked, signed_in.as_ref(), &steps, &page).await?
    {
        return Ok(answer);
    }
    let wanted = query.redirect_uri.clone();
    let asked = match Asked::check(&authority, &steps, query, From::Store).await {
        Ok(asked) => asked,
        Err(problem) => return refuse(&authority, wanted.as_deref(), problem),
    };
    begin(&authority, asked, signed_in.as_ref(), &steps, &page)
        .await?
        .ok_or_else(client_keeps_changing)
}

/// Answers a request without a decision of the person; none if its client has changed meanwhile.
async fn begin(
    authority: &Authority,
    asked: Asked,
    signed_in: Option<&SignedIn>,
    steps: &FlowRecorder,
    page: &Page,
) -> Result<Option<Response>, ErrorPage> {
    let Some(signed_in) = signed_in else {
        steps.step(Step::SignInAsked);
        let sign_in = continuation::sign_in_for(&asked.query);
        return Ok(Some(redirect::see_other(&sign_in)));
    };
    let launch = asked.query.launch.as_deref();
    let launch = launch.and_then(|text| Unverified::<LaunchTicket>::new(text).ok());
    let consent = Consent::Silent {
        launch: launch.map(|ticket| ticket.digest()),
        request: continuation::fingerprint(&asked.query),
    };
    asked
        .answer(authority, signed_in, consent, steps, page)
        .await
}

/// Its record changed between reading it and asking the store for a token, which compares the two.
fn client_keeps_changing() -> ErrorPage {
    ErrorPage::unavailable("the client's record changed meanwhile")
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
    steps: FlowRecorder,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    peer: Peer,
    page: Page,
    form: MaybeStale<Fields, SignedInForms>,
) -> Result<Response, ErrorPage> {
    authority.admit(signed_in.as_ref(), peer)?;
    let (fields, is_stale) = match form {
        MaybeStale::Protected(form) => (form.fields, false),
        MaybeStale::Stale(fields) => (fields, true),
    };
    let query = AuthorizeQuery {
        client_id: fields.client_id,
        redirect_uri: fields.redirect_uri,
        state: fields.state,
        code_challenge: fields.code_challenge,
        code_challenge_method: fields.code_challenge_method,
        launch: None,
    };
    let asked = Asked::check(&authority, &steps, query, From::Store).await?;
    // Nobody is signed in any more, or somebody else is: whoever it is, the request itself still stands.
    let Some(signed_in) = signed_in else {
        if fields.decision == Decision::Cancel {
            return Ok(asked.deny(&authority, Declined::Cancelled));
        }
        steps.step(Step::SignInAsked);
        let sign_in = continuation::sign_in_for(&asked.query);
        let answer =
            redirect::see_other(&uri::with_query(&sign_in, &[("notice", "session-ended")]));
        return Ok(Refused::from(RefusalReason::NotSignedIn).on(answer));
    };
    if is_stale {
        let name = &asked.known.client.name;
        let go_on = (
            continuation::path_of(&asked.query),
            format!("Go on to {name}"),
        );
        return Err(ErrorPage::stale_form().leading_to(go_on.0, go_on.1));
    }
    match fields.decision {
        Decision::Continue => asked
            .answer(&authority, &signed_in, Consent::Confirmed, &steps, &page)
            .await?
            .ok_or_else(client_keeps_changing),
        Decision::Cancel => {
            let (user, now) = (signed_in.sign_in.user.id, authority.context.now());
            let client = &asked.known.client.id;
            let declined = Remembered {
                client,
                flow: FlowId::of(&asked.state.digest()),
            };
            if let Err(cause) = authority.store.decline_handoff(user, declined, now).await {
                // Only the portal misses it: the person goes back all the same.
                tracing::warn!(trace = %steps.trace(), client = %client, %cause, "decline not remembered");
            }
            Ok(asked.deny(&authority, Declined::Cancelled))
        }
    }
}

/// A request whose client and redirect URI are good: from here on the browser may be sent there.
struct Asked {
    query: AuthorizeQuery,
    known: Arc<KnownClient>,
    redirect_uri: ClientUri,
    state: Unverified<State>,
    challenge: Option<Challenge>,
}

impl Asked {
    async fn check(
        authority: &Authority,
        steps: &FlowRecorder,
        query: AuthorizeQuery,
        from: From,
    ) -> Result<Self, ErrorPage> {
        let policy = &authority.context.policy;
        let state = query.state.as_deref().map(Unverified::new);
        if let Some(Ok(state)) = &state {
            steps.state(state.digest());
        }
        let id = query.client_id.as_deref().map(ClientId::parse);
        let Some(Ok(id)) = id else {
            return Err(ErrorPage::unknown_client());
        };
        let known = authority
            .clients
            .find(&*authority.store, &id, from)
            .await
            .map_err(ErrorPage::unavailable)?;
        let known = known.ok_or_else(ErrorPage::unknown_client)?;
        let client = &known.client;
        steps.client(&client.id);
        let redirect_uri = query
            .redirect_uri
            .as_deref()
            .and_then(|uri| client.redirect_uri(uri, policy))
            .ok_or_else(ErrorPage::wrong_redirect_uri)?;
        // No redirect for the rest either: a relying party that forgets its state or its challenge
        // is broken, and its developer must see that, not its users.
        let Some(Ok(state)) = state else {
            return Err(ErrorPage::bad_request().because(RefusalReason::StateMissing));
        };
        let sent = match query.code_challenge_method.as_deref() {
            Some(S256) => query.code_challenge.as_deref().map(Challenge::parse),
            _ => None,
        };
        // What cannot be read is none: whether there must be one, the client's record says.
        let challenge = client
            .challenge(sent.and_then(Result::ok), policy)
            .map_err(|_| ErrorPage::bad_request().because(RefusalReason::ChallengeMissing))?;
        // Refused here and not at sign-in, which would forget it without a word.
        if !continuation::fits(&query) {
            return Err(ErrorPage::bad_request().because(RefusalReason::RequestTooLong));
        }
        Ok(Self {
            query,
            known,
            redirect_uri,
            state,
            challenge,
        })
    }

    async fn answer(
        self,
        authority: &Authority,
        signed_in: &SignedIn,
        consent: Consent,
        steps: &FlowRecorder,
        page: &Page,
    ) -> Result<Option<Response>, ErrorPage> {
        let client = &self.known.client;
        let token = new_token(authority);
        let digest = token.digest();
        let new = NewHandoff {
            request: Request {
                client: client.id.clone(),
                redirect_uri: self.redirect_uri.as_str().to_owned(),
                state: self.state.digest(),
                challenge: self.challenge,
                lifetime: client.handoff_lifetime,
            },
            client_revision: self.known.revision,
            token: digest,
            sign_in: signed_in.sign_in.id,
            consent,
        };
        let now = authority.context.now();
        match authority
            .store
            .issue_handoff(new, now)
            .await
            .map_err(ErrorPage::unavailable)?
        {
            Issuance::Issued => {
                steps.issued(digest);
                steps.step(Step::TokenIssued);
                let back = self.redirect_uri.with_query(&[
                    ("handoff_token", token.expose().as_ref()),
                    ("state", self.state.expose().as_ref()),
                    ("iss", authority.settings.origin.as_str()),
                ]);
                Ok(Some(redirect::see_other(&back)))
            }
            Issuance::MustAsk => {
                steps.step(Step::ConfirmationAsked);
                Ok(Some(self.ask(authority, signed_in, page.clone())))
            }
            Issuance::NotAssigned => Ok(Some(self.deny(authority, Declined::NotAssigned))),
            Issuance::SignedOut => {
                steps.step(Step::SignInAsked);
                let sign_in = continuation::sign_in_for(&self.query);
                Ok(Some(redirect::see_other(&sign_in)))
            }
            Issuance::ClientChanged => Ok(None),
        }
    }

    fn ask(self, authority: &Authority, signed_in: &SignedIn, page: Page) -> Response {
        let client = &self.known.client;
        let request = self.query.without_launch();
        let request = request
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let model = Confirm {
            person: signed_in.person(),
            client_name: client.name.clone(),
            client_host: client.origin.authority().to_owned(),
            csrf: signed_in.csrf().clone(),
            request: request.collect(),
        };
        let title = format!("Continue to {}", client.name);
        let frame = authority.context.frame.clone();
        page.back_to(continuation::path_of(&self.query))
            .forms_end_at([client.origin.clone()])
            .show(move || frame.page(title, false, view! { <ConfirmPage model /> }))
    }

    fn deny(self, authority: &Authority, denial: Declined) -> Response {
        let why = match denial {
            Declined::Cancelled => RefusalReason::Cancelled,
            Declined::NotAssigned => RefusalReason::NotAssigned,
        };
        let mut answer = vec![
            ("error", "access_denied"),
            ("state", self.state.expose().as_ref()),
            ("iss", authority.settings.origin.as_str()),
        ];
        // Cancelling is what the code alone means; the other is news to the relying party.
        if denial == Declined::NotAssigned {
            answer.push(("error_description", NOT_ASSIGNED));
        }
        let answer = redirect::see_other(&self.redirect_uri.with_query(&answer));
        sent_back(Refused::from(why).on(answer))
    }
}

/// A handoff token (row 1).
fn new_token(authority: &Authority) -> HandoffToken {
    let bytes: [u8; 32] = authority.context.random.bytes();
    if authority.context.policy.token_entropy() {
        return HandoffToken::mint(bytes);
    }
    let number = u16::from_be_bytes([bytes[0], bytes[1]]) % 10_000;
    let mut few = [0; 32];
    few[30..].copy_from_slice(&number.to_be_bytes());
    HandoffToken::mint(few)
}

/// The answer to a request that cannot be served: a page, and never a redirect to an address that it
/// names (row 33).
fn refuse(
    authority: &Authority,
    wanted: Option<&str>,
    problem: ErrorPage,
) -> Result<Response, ErrorPage> {
    match wanted {
        Some(wanted) if !authority.context.policy.errors_stay() => Ok(redirect::see_other(
            &with_query(wanted, &[("error", "invalid_request")]),
        )),
        _ => Err(problem),
    }
}

/// Why the browser goes back without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Declined {
    Cancelled,
    NotAssigned,
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use handoff::{
        client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
        policy::Policy,
        token::{ClientSecret, Verifier},
        uri::{LocalPath, Origin},
    };
    use http::{StatusCode, header};
    use time::Duration;
    use ui::shell::Assets;
    use web::trace_id::TraceId;
    use web::{clock::SystemClock, rng::SystemRandomness};

    use super::*;
    use crate::{
        Settings,
        password::{Cost, Passwords},
        store::{ClientStore, Memory},
    };

    const ORIGIN: &str = "http://notes.localhost:4000";
    const PUBLIC: Kind = Kind::Public { sdk_compat: false };

    fn aside() -> FlowRecorder {
        FlowRecorder::disabled(TraceId("0".into()))
    }

    async fn authority(redirect_uri: &str, kind: Kind) -> Authority {
        let client = Client::register(Registration {
            id: ClientId::parse("notes").unwrap(),
            name: "Notes",
            description: "",
            icon: Icon::default(),
            kind,
            origin: ORIGIN,
            redirect_uris: &[redirect_uri],
            initiate_login_uri: &format!("{ORIGIN}/handoff/start"),
            handoff_lifetime: HandoffLifetime::default(),
            assigned_to: AssignedTo::Everyone,
        });
        let store = Memory::default();
        store.put_client(&client.unwrap()).await.unwrap();
        let settings = Settings {
            origin: Origin::parse("http://auth.localhost:4000").unwrap(),
            name: "Harbor ID".to_owned(),
            assets: Assets::default(),
            cookie_prefix: web::cookies::Prefix::default(),
            recorder: recording::recorder::Recorders::none(),
            flow_links: None,
            max_keys: web::limits::MAX_KEYS,
            idle: Duration::minutes(30),
            absolute: Duration::hours(12),
            recheck: Duration::seconds(30),
            policy: Policy::STRICT,
            demo_accounts: Vec::new(),
        };
        let random = Arc::new(SystemRandomness);
        let passwords = Passwords::new(Cost::DEFAULT, 1, random.clone()).unwrap();
        Authority::new(
            settings,
            Arc::new(store),
            passwords,
            Arc::new(SystemClock),
            random,
        )
    }

    fn request(redirect_uri: &str, state: String) -> AuthorizeQuery {
        AuthorizeQuery {
            client_id: Some("notes".to_owned()),
            redirect_uri: Some(redirect_uri.to_owned()),
            state: Some(state),
            code_challenge: Some(Verifier::mint([1; 32]).challenge().to_string()),
            code_challenge_method: Some(S256.to_owned()),
            launch: Some("not carried".to_owned()),
        }
    }

    #[tokio::test]
    async fn only_a_person_who_is_not_assigned_is_described() {
        let redirect_uri = format!("{ORIGIN}/callback");
        let authority = authority(&redirect_uri, PUBLIC).await;
        let plain = "error=access_denied&state=s&iss=http%3A%2F%2Fauth.localhost%3A4000";
        for (denial, description) in [
            (Declined::Cancelled, ""),
            (Declined::NotAssigned, "&error_description=not_assigned"),
        ] {
            let query = request(&redirect_uri, "s".to_owned());
            let Ok(asked) = Asked::check(&authority, &aside(), query, From::Store).await else {
                panic!("it is refused")
            };
            let answer = asked.deny(&authority, denial);
            let location = answer.headers()[header::LOCATION].to_str().unwrap();
            assert_eq!(location, format!("{redirect_uri}?{plain}{description}"));
        }
    }

    #[tokio::test]
    async fn rows_38_80_only_a_client_of_the_older_sdk_goes_without_a_challenge_and_always_does() {
        let redirect_uri = format!("{ORIGIN}/callback");
        let with = request(&redirect_uri, "s".to_owned());
        let mut without = with.clone();
        (without.code_challenge, without.code_challenge_method) = (None, None);
        let mut plain = with.clone();
        plain.code_challenge_method = Some("plain".to_owned());
        let mut unreadable = with.clone();
        unreadable.code_challenge = Some("x".to_owned());
        let stored = Some(Verifier::mint([1; 32]).challenge());
        let secret = ClientSecret::mint([7; 32]).digest();
        for (kind, expected) in [
            (Kind::Confidential { secret }, Some(stored)),
            (PUBLIC, Some(stored)),
            (Kind::Public { sdk_compat: true }, None),
        ] {
            let authority = authority(&redirect_uri, kind).await;
            let asked = Asked::check(&authority, &aside(), with.clone(), From::Store)
                .await
                .ok()
                .unwrap();
            assert_eq!(asked.challenge, expected.flatten());
            for bad in [&without, &plain, &unreadable] {
                let asked = Asked::check(&authority, &aside(), bad.clone(), From::Store).await;
                match expected {
                    Some(_) => assert!(asked.is_err(), "{bad:?}"),
                    None => assert_eq!(asked.ok().unwrap().challenge, None, "{bad:?}"),
                }
            }
        }
    }

    #[tokio::test]
    async fn a_request_that_would_be_lost_at_sign_in_is_refused() {
        let redirect_uri = format!("{ORIGIN}/{}", "a".repeat(1000));
        let authority = authority(&redirect_uri, PUBLIC).await;
        let query = |state| request(&redirect_uri, state);
        // Legal in itself; each `%` takes three bytes in an address.
        let state = |extra: usize| format!("{}{}", "%".repeat(250), "a".repeat(extra));
        let spent = continuation::path_of(&query(state(0))).len();
        let longest = query(state(LocalPath::MAX_LENGTH - spent));
        let path = continuation::path_of(&longest);
        assert_eq!(path.len(), LocalPath::MAX_LENGTH);
        assert!(
            Asked::check(&authority, &aside(), longest, From::Store)
                .await
                .is_ok()
        );
        assert!(continuation::parse(&path, &authority.settings.origin).is_some());

        let longer = query(state(LocalPath::MAX_LENGTH - spent + 1));
        let Err(problem) = Asked::check(&authority, &aside(), longer, From::Store).await else {
            panic!("it is not refused")
        };
        let status = problem.into_response().status();
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}
