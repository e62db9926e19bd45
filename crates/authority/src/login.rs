//! Signing in with an address and a password.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::{IntoResponse, Response};
use handoff::{
    client::Client,
    ids::{ClientId, SignInId, UserId},
    refusal_reason::RefusalReason,
    token::{Digest, KnownBrowser, Secret},
    uri::LocalPath,
    wire::AuthorizeQuery,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use leptos::prelude::*;
use pages::authority::login::{DemoAccount, Login, LoginNotice, LoginPage};
use serde::Deserialize;
use web::{
    at::At,
    cookies::{self, Cookies},
    error_page::{self, ErrorPage},
    form::MaybeStale,
    page::Page,
    params::Params,
    peer::Peer,
    redirect,
    refused::Refused,
    trace_id::TraceId,
};

use crate::{
    Authority, browser, continuation, ended,
    identity::{ENDED_COOKIE, KNOWN_COOKIE, MaybeSignedIn, PRE_COOKIE, PreSignIn, SignInForm},
    password::{self, Verdict},
    people::Email,
    store::{Account, Began, NewSignIn},
    throttle::{Admission, Counter, KNOWN_FOR},
};

/// What came of the passwords that were entered: the `outcome` of the log's lines, counted.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    success: AtomicU64,
    refused: AtomicU64,
    wait: AtomicU64,
}

impl Outcomes {
    pub(crate) fn counted(&self) -> [(&'static str, u64); 3] {
        [
            ("success", &self.success),
            ("refused", &self.refused),
            ("wait", &self.wait),
        ]
        .map(|(outcome, times)| (outcome, times.load(Ordering::Relaxed)))
    }
}

fn count(times: &AtomicU64) {
    times.fetch_add(1, Ordering::Relaxed);
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    demo: Option<String>,
    #[serde(rename = "continue")]
    continue_to: Option<String>,
    notice: Option<Notice>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Notice {
    SignedOut,
    SessionEnded,
    #[serde(other)]
    Other,
}

pub(crate) async fn get(
    At(authority): At<Authority>,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    cookies: Cookies,
    Params(query): Params<Query>,
    page: Page,
) -> Result<Response, ErrorPage> {
    let pending = Pending::read(&authority, query.continue_to.as_deref()).await?;
    if signed_in.is_some() {
        return Ok(redirect::see_other(&pending.next()));
    }
    let demo = query.demo.and_then(|key| {
        authority
            .settings
            .demo_accounts
            .iter()
            .find(|account| account.key == key)
    });
    let filled = demo.map_or_else(Filled::default, |account| Filled {
        email: account.email.to_owned(),
        password: account.password.to_owned(),
    });
    let notice = match query.notice {
        Some(Notice::SignedOut) => Some(LoginNotice::SignedOut),
        Some(Notice::SessionEnded) => Some(LoginNotice::SessionEnded),
        Some(Notice::Other) | None => None,
    };
    Ok(show(&authority, &cookies, page, pending, filled, notice))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(rename = "continue")]
    continue_to: Option<String>,
}

pub(crate) async fn post(
    At(authority): At<Authority>,
    trace: TraceId,
    cookies: Cookies,
    headers: HeaderMap,
    peer: Peer,
    page: Page,
    form: MaybeStale<Fields, SignInForm>,
) -> Result<Response, ErrorPage> {
    let (fields, is_stale) = match form {
        MaybeStale::Protected(form) => (form.fields, false),
        MaybeStale::Stale(fields) => (fields, true),
    };
    let Fields {
        email,
        password,
        continue_to,
    } = fields;
    let pending = Pending::read(&authority, continue_to.as_deref()).await?;
    if is_stale {
        // Somebody signed in or out in another tab. The form is shown anew, with all but the password.
        let filled = Filled {
            email,
            password: String::new(),
        };
        let page = page.status(StatusCode::FORBIDDEN);
        let notice = Some(LoginNotice::OutOfDate);
        let answer = show(&authority, &cookies, page, pending, filled, notice);
        tracing::info!(trace = %trace, outcome = "stale", "sign-in");
        return Ok(Refused::from(RefusalReason::StaleForm).on(answer));
    }
    let address = Email::parse(&email);
    let account = match &address {
        Some(address) => authority.store.find_account(address).await,
        None => Ok(None),
    }
    .map_err(ErrorPage::unavailable)?;

    let known = cookies.get(KNOWN_COOKIE);
    let known = known.and_then(|value| KnownBrowser::parse(value).ok());
    let known = known.map(|known| known.digest());
    let counters = counters(&authority, &email, account.as_ref(), known, peer).await?;
    let now = authority.context.now();
    let admission = authority.store.admit_attempt(&counters, now).await;
    if let Admission::Wait { until } = admission.map_err(ErrorPage::unavailable)? {
        count(&authority.sign_ins.wait);
        tracing::info!(trace = %trace, outcome = "wait", "sign-in");
        let seconds = error_page::whole_seconds(until - now);
        let filled = Filled {
            email,
            password: String::new(),
        };
        let notice = Some(LoginNotice::Wait { seconds });
        let page = page.status(StatusCode::TOO_MANY_REQUESTS);
        let mut answer = show(&authority, &cookies, page, pending, filled, notice);
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(answer);
    }

    // A password that is too long is cut before it is hashed: compared all the same, so that it
    // costs what any other wrong one does.
    let too_long = password.len() > password::MAX_LENGTH;
    let compared = if too_long { "" } else { password.as_str() };
    let stored = account
        .as_ref()
        .map(|account| account.password_hash.as_str());
    let verdict = authority
        .passwords
        .verify(compared, stored)
        .await
        .map_err(ErrorPage::unavailable)?;
    let user = account.as_ref().map(|account| account.user.id);
    let account = account.filter(|account| account.is_active && !too_long);
    let refused = async |email, pending| {
        let failed = authority.store.fail_attempt(&counters, now).await;
        failed.map_err(ErrorPage::unavailable)?;
        if let Some(user) = user {
            authority.wrong_password(&trace, user);
        }
        count(&authority.sign_ins.refused);
        tracing::info!(trace = %trace, outcome = "refused", "sign-in");
        let filled = Filled {
            email,
            password: String::new(),
        };
        let notice = Some(LoginNotice::WrongEmailOrPassword);
        let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
        Ok(show(&authority, &cookies, page, pending, filled, notice))
    };
    let Some(account) = account.filter(|_| verdict != Verdict::Wrong) else {
        return refused(email, pending).await;
    };
    let now = authority.context.now();
    let new = NewSignIn {
        id: SignInId::mint(authority.context.random.bytes()),
        user: account.user.id,
        at: now,
        amr: vec!["pwd".to_owned()],
        compared_with: Some(account.password_hash.clone()),
        signed_in_for: pending.request().map(continuation::fingerprint),
        expires_at: now + authority.settings.absolute,
        idle_until: now + authority.settings.idle,
        browser: browser::label(&headers),
    };
    let (id, until) = (new.id, new.expires_at);
    let replaced = authority.sessions.load::<SignInId>(&cookies).await?;
    let began = authority.store.begin_sign_in(new, replaced).await;
    if began.map_err(ErrorPage::unavailable)? == Began::Refused {
        return refused(email, pending).await;
    }
    if let Verdict::RightButWeak { rehashed } = verdict {
        let (user, old) = (account.user.id, account.password_hash.as_str());
        let replaced = authority.store.rehash_password(user, old, rehashed).await;
        if let Err(cause) = replaced {
            // The password was right: the next sign-in tries again.
            tracing::warn!(trace = %trace, user = %user, %cause, "password rehash failed");
        }
    }
    // At the same time: for a browser that has no session yet, one commit has all of it.
    let (begun, known) = tokio::join!(
        authority.sessions.begin(&cookies, id, until),
        remember(&authority, &trace, &counters, known, account.user.id),
    );
    let begun = match begun {
        Ok(begun) => begun,
        Err(problem) => {
            // No browser holds the sign-in: it would stay alive, and in its owner's list.
            if let Err(cause) = authority.store.end_sign_in(id, now).await {
                tracing::warn!(trace = %trace, user = %account.user.id, %cause, "sign-in left over");
            }
            // The value that the browser was known by may be replaced already.
            return Ok(with(problem.into_response(), known));
        }
    };
    count(&authority.sign_ins.success);
    tracing::info!(trace = %trace, user = %account.user.id, outcome = "success", "sign-in");
    let answer = redirect::see_other(&pending.next());
    let answer = with(answer, known);
    let answer = redirect::with_cookie(answer, begun.set_cookie);
    // What an earlier sign-out ended is no news any more.
    let answer = match cookies.get(ENDED_COOKIE) {
        Some(_) => redirect::with_cookie(answer, cookies::expire(ENDED_COOKIE)),
        None => answer,
    };
    Ok(redirect::with_cookie(answer, cookies::expire(PRE_COOKIE)))
}

/// What an attempt is counted by: a browser that has signed in to the account before counts for
/// itself, everybody else by address.
async fn counters(
    authority: &Authority,
    typed: &str,
    account: Option<&Account>,
    browser: Option<Digest<KnownBrowser>>,
    peer: Peer,
) -> Result<Vec<Counter>, ErrorPage> {
    if let (Some(account), Some(browser)) = (account, browser) {
        let (user, now) = (account.user.id, authority.context.now());
        let is_known = authority.store.knows_browser(browser, user, now).await;
        if is_known.map_err(ErrorPage::unavailable)? {
            return Ok(Counter::of_known_browser(typed, browser));
        }
    }
    Ok(Counter::of_stranger(typed, peer.network()))
}

/// After a right password: takes back what was counted, and knows the browser from now on, by a new
/// value each time, so that a copy of the old one is worth nothing. The person is signed in; a store
/// that fails now takes nothing from that.
async fn remember(
    authority: &Authority,
    trace: &TraceId,
    counters: &[Counter],
    replacing: Option<Digest<KnownBrowser>>,
    user: UserId,
) -> Option<HeaderValue> {
    let (store, now) = (&authority.store, authority.context.now());
    let browser = KnownBrowser::mint(authority.context.random.bytes());
    let (forgiven, remembered) = tokio::join!(
        store.forgive_attempt(counters, now),
        store.remember_browser(browser.digest(), replacing, user, now),
    );
    // What is not stored the browser must not hold: it goes on with the value that it has.
    let is_known = remembered.is_ok();
    for done in [forgiven, remembered] {
        if let Err(cause) = done {
            tracing::warn!(trace = %trace, user = %user, %cause, "sign-in not remembered");
        }
    }
    is_known.then(|| cookies::set(KNOWN_COOKIE, browser.expose().as_ref(), Some(KNOWN_FOR)))
}

fn with(answer: Response, cookie: Option<HeaderValue>) -> Response {
    match cookie {
        Some(cookie) => redirect::with_cookie(answer, cookie),
        None => answer,
    }
}

/// What waits for this sign-in.
enum Pending {
    /// The request of an application, and its client.
    Request(Box<AuthorizeQuery>, Option<Box<Client>>),
    /// A page of Harbor ID.
    Page(LocalPath),
}

impl Pending {
    async fn read(authority: &Authority, text: Option<&str>) -> Result<Self, ErrorPage> {
        let own = &authority.settings.origin;
        let Some(request) = text.and_then(|text| continuation::parse(text, own)) else {
            let page = text.and_then(|text| continuation::page(text, own));
            return Ok(Self::Page(page.unwrap_or_else(LocalPath::root)));
        };
        let client = match request.client_id.as_deref().map(ClientId::parse) {
            Some(Ok(id)) => authority
                .store
                .find_client(&id)
                .await
                .map_err(ErrorPage::unavailable)?,
            _ => None,
        };
        Ok(Self::Request(Box::new(request), client.map(Box::new)))
    }

    fn request(&self) -> Option<&AuthorizeQuery> {
        match self {
            Self::Request(request, _) => Some(request),
            Self::Page(_) => None,
        }
    }

    fn client(&self) -> Option<&Client> {
        match self {
            Self::Request(_, client) => client.as_deref(),
            Self::Page(_) => None,
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Request(request, _) => continuation::path_of(request),
            Self::Page(page) => page.to_string(),
        }
    }

    /// What both forms of the page carry; the portal needs no word.
    fn carried(&self) -> Option<String> {
        Some(self.next()).filter(|next| next != "/")
    }
}

#[derive(Default)]
struct Filled {
    email: String,
    password: String,
}

fn show(
    authority: &Authority,
    cookies: &Cookies,
    page: Page,
    pending: Pending,
    filled: Filled,
    notice: Option<LoginNotice>,
) -> Response {
    let pre = PreSignIn::of(cookies, authority);
    let told = match notice {
        Some(LoginNotice::SignedOut) => ended::read(authority, cookies),
        _ => None,
    };
    let is_told = told.is_some();
    let demo_accounts = authority
        .settings
        .demo_accounts
        .iter()
        .map(|account| DemoAccount {
            key: account.key.to_owned(),
            name: account.name.to_owned(),
            role: account.role.to_owned(),
            email: account.email.to_owned(),
        });
    let model = Login {
        csrf: pre.csrf,
        continue_to: pending.carried(),
        client_name: pending.client().map(|client| client.name.clone()),
        email: filled.email,
        password: filled.password,
        demo_accounts: demo_accounts.collect(),
        ended: told,
        notice,
    };
    let targets: Vec<_> = pending
        .client()
        .map(|client| client.origin.clone())
        .into_iter()
        .collect();
    let frame = authority.context.frame.clone();
    let here = match &pending {
        Pending::Request(request, _) => continuation::sign_in_for(request),
        Pending::Page(page) => {
            continuation::sign_in_for_page(page.as_str(), &authority.settings.origin)
        }
    };
    let response = page
        .back_to(here)
        .forms_end_at(targets)
        .show(move || frame.page("Sign in", false, view! { <LoginPage model /> }));
    // Told once: somebody else may look at this browser next.
    let response = match is_told {
        true => redirect::with_cookie(response, cookies::expire(ENDED_COOKIE)),
        false => response,
    };
    match pre.set_cookie {
        Some(cookie) => redirect::with_cookie(response, cookie),
        None => response,
    }
}
