//! The portal: where a person at Harbor ID opens their apps.

pub use crate::components::icon::AppIcon;
use crate::{
    components::{field::CsrfToken, icon::Glyph, identity::IdentityStrip},
    person::Person,
};
use leptos::prelude::*;

/// What the portal shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// Who is signed in.
    pub person: Person,
    /// The CSRF token of this session.
    pub csrf: String,
    /// The apps assigned to them, in the order to show.
    pub apps: Vec<AppTile>,
}

/// One app of the portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppTile {
    /// The client's id, which is a part of the address that opens it.
    pub client_id: String,
    /// Its name.
    pub name: String,
    /// What it is for, one line.
    pub description: String,
    /// Its icon.
    pub icon: AppIcon,
}

/// A greeting, a tile for each app, and the way to one's sessions.
#[component]
pub fn PortalPage(
    /// What to show.
    model: Portal,
) -> impl IntoView {
    let Portal { person, csrf, apps } = model;
    let greeting = format!("Hello, {}", person.first_name());
    let apps = if apps.is_empty() {
        view! {
            <div class="empty">
                <p>"No apps yet."</p>
                <p class="muted">
                    "When an app is assigned to you, it appears here with a button that opens it."
                </p>
            </div>
        }
        .into_any()
    } else {
        let tiles = apps
            .into_iter()
            .map(|tile| view! { <Tile tile csrf=csrf.clone() /> })
            .collect_view();
        view! {
            <ul class="tiles" role="list">
                {tiles}
            </ul>
        }
        .into_any()
    };
    let note = person.email.clone();

    view! {
        <IdentityStrip person note csrf />
        <div class="page">
            <h1>{greeting}</h1>
            <section aria-labelledby="apps-heading">
                <h2 id="apps-heading">"Your apps"</h2>
                {apps}
            </section>
            <section class="stack" aria-labelledby="sessions-heading">
                <h2 id="sessions-heading">"Where you are signed in"</h2>
                <p class="muted">
                    "See every browser and app that is signed in as you, and end any of them."
                </p>
                <div class="actions">
                    <a class="button" href="/sessions">
                        "Your sessions"
                    </a>
                </div>
            </section>
        </div>
    }
}

#[component]
fn Tile(tile: AppTile, csrf: String) -> impl IntoView {
    let AppTile {
        client_id,
        name,
        description,
        icon,
    } = tile;
    view! {
        <li class="tile">
            <div class="tile-head">
                <span class="tile-icon">
                    <Glyph icon />
                </span>
                <h3>{name.clone()}</h3>
            </div>
            <p class="muted">{description}</p>
            <form method="post" action=format!("/apps/{client_id}/open")>
                <CsrfToken token=csrf />
                <button class="button button--main button--wide" type="submit">
                    {format!("Open {name}")}
                </button>
            </form>
        </li>
    }
}
