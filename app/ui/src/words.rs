//! The field's words, each explained once: on the page where it is first used, and in the glossary
//! that all sites share.

use leptos::prelude::*;

/// Where the glossary is, on every site.
pub const PATH: &str = "/glossary";

/// A word that not everybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// The site that signs people in.
    AuthorizationServer,
    /// What one server asks another, past the browser.
    BackChannel,
    /// The application's address that the browser comes back to.
    Callback,
    /// The hash of a verifier.
    Challenge,
    /// How a challenge is made of its verifier.
    ChallengeMethod,
    /// An application as the authorization server knows it.
    Client,
    /// What a browser keeps for a site, and brings back to it.
    Cookie,
    /// What a forged form would not have.
    CsrfToken,
    /// What goes through the browser.
    FrontChannel,
    /// The way of a signed-in person to an application, from the click to the session there.
    Handoff,
    /// The secret that a browser carries from the authorization server to the application.
    HandoffToken,
    /// Who sends an answer.
    Issuer,
    /// The hint that a person has chosen *Open App*.
    LaunchTicket,
    /// Scheme, host and port of a page.
    Origin,
    /// The standard that a handoff is compared with.
    OpenIdConnect,
    /// What OAuth calls the pair of verifier and challenge.
    Pkce,
    /// What an application knows of a browser whose sign-in is under way.
    PreSession,
    /// An answer that sends the browser elsewhere.
    Redirect,
    /// Where a client wants its answers.
    RedirectUri,
    /// A site that lets the authorization server sign people in.
    RelyingParty,
    /// What a site knows of a browser that is signed in.
    Session,
    /// What binds a callback to the browser that began.
    State,
    /// The page that a person gets to see at the end.
    TargetLinkUri,
    /// What finds a request in the log.
    TraceId,
    /// What binds verify to the server that began.
    Verifier,
    /// The call that exchanges the token.
    Verify,
}

impl Term {
    /// Every term, in the order of the alphabet.
    pub const ALL: [Self; 26] = [
        Self::AuthorizationServer,
        Self::BackChannel,
        Self::Callback,
        Self::Challenge,
        Self::ChallengeMethod,
        Self::Client,
        Self::Cookie,
        Self::CsrfToken,
        Self::FrontChannel,
        Self::Handoff,
        Self::HandoffToken,
        Self::Issuer,
        Self::LaunchTicket,
        Self::OpenIdConnect,
        Self::Origin,
        Self::Pkce,
        Self::PreSession,
        Self::Redirect,
        Self::RedirectUri,
        Self::RelyingParty,
        Self::Session,
        Self::State,
        Self::TargetLinkUri,
        Self::TraceId,
        Self::Verifier,
        Self::Verify,
    ];

    /// The word itself, as it stands within a sentence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AuthorizationServer => "authorization server",
            Self::BackChannel => "back channel",
            Self::Callback => "callback",
            Self::Challenge => "challenge",
            Self::ChallengeMethod => "challenge method",
            Self::Client => "client",
            Self::Cookie => "cookie",
            Self::CsrfToken => "CSRF token",
            Self::FrontChannel => "front channel",
            Self::Handoff => "handoff",
            Self::HandoffToken => "handoff token",
            Self::Issuer => "issuer",
            Self::LaunchTicket => "launch ticket",
            Self::OpenIdConnect => "OpenID Connect",
            Self::Origin => "origin",
            Self::Pkce => "PKCE",
            Self::PreSession => "pre-session",
            Self::Redirect => "redirect",
            Self::RedirectUri => "redirect URI",
            Self::RelyingParty => "relying party",
            Self::Session => "session",
            Self::State => "state",
            Self::TargetLinkUri => "target link URI",
            Self::TraceId => "trace id",
            Self::Verifier => "verifier",
            Self::Verify => "verify",
        }
    }

    /// The name of its place in the glossary.
    #[must_use]
    pub fn slug(self) -> String {
        self.word().to_ascii_lowercase().replace(' ', "-")
    }

    /// What it is, in a sentence or two that need no other entry.
    #[must_use]
    pub fn definition(self) -> &'static str {
        match self {
            Self::AuthorizationServer => {
                "The site that knows people and signs them in, so that applications need not. Here it \
                 is called Harbor ID."
            }
            Self::BackChannel => {
                "A call from one server straight to another. The browser neither carries it nor sees \
                 it, so it may hold secrets."
            }
            Self::Callback => {
                "The address at an application to which the browser returns when the sign-in is done."
            }
            Self::Challenge => {
                "The hash of a verifier. An application shows it at the start of a sign-in; nobody can \
                 find the verifier from it, and everybody can check the verifier against it."
            }
            Self::ChallengeMethod => {
                "How a challenge is made from its verifier. `S256`, which stands for SHA-256, is the only one that \
                 Harbor ID accepts."
            }
            Self::Client => {
                "An application as the authorization server has it on record: its name, its \
                 addresses, and how it proves who it is."
            }
            Self::Cookie => {
                "A small value that a site gives to your browser, and that the browser sends back to \
                 that site alone."
            }
            Self::CsrfToken => {
                "A value hidden in each form, which other sites cannot know. It stops them from \
                 posting a form in your name (cross-site request forgery)."
            }
            Self::FrontChannel => {
                "What travels through the browser: addresses, redirects, forms. Whoever uses the \
                 browser can read and change it."
            }
            Self::Handoff => {
                "The way a signed-in person gets from Harbor ID to an application on another site, \
                 and is signed in there as well."
            }
            Self::HandoffToken => {
                "A secret that Harbor ID sends through the browser to an application. It works once, \
                 for about a minute, and only for the browser and the application that asked."
            }
            Self::Issuer => {
                "The origin of the authorization server, as it names itself. An application compares it, so that \
                 no other server can answer in its place."
            }
            Self::LaunchTicket => {
                "A hint that Harbor ID adds when you open an application from its portal, so that it \
                 need not ask you again. It signs nobody in."
            }
            Self::OpenIdConnect => {
                "The standard way to sign people in by another site. Build on it unless you have a \
                 reason not to."
            }
            Self::Origin => {
                "Where a page comes from: scheme, host and port, taken together. \
                 Browsers keep what belongs to different origins apart."
            }
            Self::Pkce => {
                "Proof Key for Code Exchange: an application sends the hash of a secret at the start \
                 and the secret itself at the end, so that nobody else can finish what it began."
            }
            Self::PreSession => {
                "What an application remembers of a browser whose sign-in has begun and is not \
                 finished. It signs nobody in."
            }
            Self::Redirect => {
                "An answer that says \u{201c}go on at this address\u{201d}. Your browser follows it \
                 by itself."
            }
            Self::RedirectUri => {
                "The address to which the authorization server sends the browser back. It must be one that was \
                 registered for the application."
            }
            Self::RelyingParty => {
                "A site that signs people in by an authorization server instead of keeping passwords \
                 itself. Here, Notes and Tasks are two."
            }
            Self::Session => {
                "What a site remembers of a browser that is signed in. It ends when you sign out, or \
                 by itself after a while."
            }
            Self::State => {
                "A random value that an application gives to a browser at the start of a sign-in. Only \
                 a browser that brings it back may finish."
            }
            Self::TargetLinkUri => {
                "The page of the application that opens when the sign-in is done. The application accepts only its \
                 own pages."
            }
            Self::TraceId => {
                "A short code on an error page, by which those who run the site find your request in \
                 their log."
            }
            Self::Verifier => {
                "A secret that an application keeps on its server during a sign-in. Only with it can \
                 the token be exchanged."
            }
            Self::Verify => {
                "The call by which an application gives the handoff token to Harbor ID, and learns in \
                 return who has signed in."
            }
        }
    }
}

/// A term at its first use on a page: a button that opens its definition, without a script.
#[component]
pub fn Explained(
    /// Which one. No page explains one twice: the definition's id is made of it.
    term: Term,
    /// The word, where the sentence wants it in another form than [`Term::word`].
    #[prop(optional, into)]
    shown: Option<String>,
) -> impl IntoView {
    let id = format!("term-{}", term.slug());
    view! {
        <button class="term" type="button" popovertarget=id.clone()>
            {shown.unwrap_or_else(|| term.word().to_owned())}
        </button>
        <span class="definition" id=id popover="auto">
            <strong>{term.word()}</strong>
            " "
            {term.definition()}
        </span>
    }
}

/// Every term with what it means.
#[component]
pub fn GlossaryPage() -> impl IntoView {
    let entries = Term::ALL
        .map(|term| {
            view! {
                <div class="entry" id=term.slug()>
                    <dt>{term.word()}</dt>
                    <dd>{term.definition()}</dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <div class="page page--text">
            <div class="stack">
                <h1>"Glossary"</h1>
                <p class="lede">
                    "The words that these sites use, and what they mean. Where one has a \
                     dotted line below it, press it, and it explains itself."
                </p>
            </div>
            <dl class="glossary">{entries}</dl>
        </div>
    }
}
