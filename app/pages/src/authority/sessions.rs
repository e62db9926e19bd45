//! Where a person is signed in, and the way to end any of it.

use crate::authority::login::in_words;
use leptos::prelude::*;
pub use ui::components::moment::Moment;
use ui::{
    components::{
        field::{CsrfToken, FormKey},
        identity::IdentityStrip,
        moment::When,
        notice::{Notice, Tone},
    },
    person::Person,
    words::{Explained, Term},
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// Who is signed in.
    pub person: Person,
    /// What ties a form to this session.
    pub csrf: FormKey,
    /// Their browsers, this one first.
    pub browsers: Vec<BrowserSession>,
    /// How long an application may take to notice that a session has ended, in seconds.
    pub within_seconds: i64,
    /// What they have just ended.
    pub ended: Option<Ended>,
}

/// What has just been ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Another browser's sign-in.
    Browser,
    /// All other browsers' sign-ins.
    Others,
    /// A session at an app.
    App,
}

/// A browser that the person is signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// The sign-in's id, which is a part of the address that ends it.
    pub id: String,
    /// What kind of browser it is, "Firefox on Linux".
    pub name: String,
    /// Whether it is the one that looks at this page.
    pub is_this: bool,
    /// When the person signed in with it.
    pub began: Moment,
    /// When it was last used.
    pub last_used: Moment,
    /// The apps that it opened and is still signed in to.
    pub apps: Vec<AppSession>,
}

/// A session at an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSession {
    /// The session's public id, which is a part of the address that ends it.
    pub id: String,
    /// The app's name.
    pub name: String,
    /// When it began.
    pub began: Moment,
}

/// A card for each browser, with the apps that it opened.
#[component]
pub fn SessionsPage(
    /// What to show.
    model: Sessions,
) -> impl IntoView {
    let Sessions {
        person,
        csrf,
        browsers,
        within_seconds,
        ended,
    } = model;
    let all = csrf.clone();
    let note = person.email.clone();
    let is_only_one = browsers.len() < 2;
    let cards = browsers
        .into_iter()
        .map(|browser| view! { <Browser browser csrf=csrf.clone() /> })
        .collect_view();

    view! {
        <IdentityStrip person note csrf />
        <div class="page page--text">
            <div class="stack">
                <h1>"Where you are signed in"</h1>
                <p class="muted">
                    "Each browser that is signed in as you, and the apps that it opened from here. \
                     Each is a " <Explained term=Term::Session />
                    " of its own. End whatever you do not know or no longer need."
                </p>
                {ended.map(|ended| view! { <JustEnded ended within_seconds /> })}
            </div>
            <ul class="browsers" role="list">
                {cards}
            </ul>
            {is_only_one
                .then(|| {
                    view! {
                        <div class="empty">
                            <p>"No other browser."</p>
                            <p class="muted">
                                "When you sign in with another browser or device, it appears here."
                            </p>
                        </div>
                    }
                })}
            <div class="stack">
                <h2>"All at once"</h2>
                <p class="muted">
                    {format!(
                        "The apps that a browser opened end with it. They notice within {}.",
                        in_words(within_seconds),
                    )}
                </p>
                <div class="actions">
                    {(!is_only_one)
                        .then(|| {
                            view! {
                                <form method="post" action="/sessions/end-others">
                                    <CsrfToken key=all.clone() />
                                    <button class="button" type="submit">
                                        "End all others"
                                    </button>
                                </form>
                            }
                        })}
                    <form method="post" action="/sessions/end-all">
                        <CsrfToken key=all.clone() />
                        <button class="button" type="submit">
                            "Sign out everywhere"
                        </button>
                    </form>
                </div>
            </div>
            <p>
                <a href="/">"Back to your apps"</a>
            </p>
        </div>
    }
}

#[component]
fn JustEnded(ended: Ended, within_seconds: i64) -> impl IntoView {
    let within = in_words(within_seconds);
    let text = match ended {
        Ended::Browser => {
            format!("That browser is signed out. The apps that it opened notice within {within}.")
        }
        Ended::Others => format!(
            "All other browsers are signed out. The apps that they opened notice within {within}."
        ),
        Ended::App => format!("That session has ended. The app notices within {within}."),
    };
    view! {
        <Notice tone=Tone::Accepted>
            <p>{text}</p>
        </Notice>
    }
}

#[component]
fn Browser(browser: BrowserSession, csrf: FormKey) -> impl IntoView {
    let BrowserSession {
        id,
        name,
        is_this,
        began,
        last_used,
        apps,
    } = browser;
    let end = format!(
        "End the sign-in begun {} in {}{name}",
        began.for_people,
        if is_this { "this browser, " } else { "" }
    );
    let list = if apps.is_empty() {
        view! { <p class="browser-apps muted">"No app is open from here."</p> }.into_any()
    } else {
        let items = apps
            .into_iter()
            .map(|app| view! { <App app browser=name.clone() csrf=csrf.clone() /> })
            .collect_view();
        view! {
            <ul class="browser-apps" role="list">
                {items}
            </ul>
        }
        .into_any()
    };
    view! {
        <li class="browser">
            <div class="browser-head">
                <div>
                    <h2>{name}</h2>
                    {is_this.then(|| view! { <p class="this-browser">"This browser"</p> })}
                    <p class="muted">
                        "Signed in " <When moment=began /> <br /> "Last used " <When moment=last_used />
                    </p>
                </div>
                <EndForm action=format!("/sessions/{id}/end") csrf name=end />
            </div>
            {list}
        </li>
    }
}

#[component]
fn App(app: AppSession, browser: String, csrf: FormKey) -> impl IntoView {
    let AppSession { id, name, began } = app;
    let end = format!(
        "End the {name} session begun {} in {browser}",
        began.for_people
    );
    view! {
        <li class="browser-app">
            <div>
                <h3>{name}</h3>
                <p class="muted">"Since " <When moment=began /></p>
            </div>
            <EndForm action=format!("/sessions/apps/{id}/end") csrf name=end />
        </li>
    }
}

#[component]
fn EndForm(action: String, csrf: FormKey, name: String) -> impl IntoView {
    view! {
        <form method="post" action=action>
            <CsrfToken key=csrf />
            <button class="button" type="submit" aria-label=name>
                "End"
            </button>
        </form>
    }
}
