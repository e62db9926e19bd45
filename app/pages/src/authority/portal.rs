//! The portal: where a person at Harbor ID opens their apps, and sees what was done in their name.

use leptos::prelude::*;
pub use ui::components::icon::AppIcon;
use ui::words::{Explained, Term};
use ui::{
    components::{
        field::{CsrfToken, FormKey},
        icon::{Glyph, Icon},
        identity::IdentityStrip,
        moment::{Past, When},
        notice::Tone,
    },
    person::Person,
};

/// What the portal shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// Who is signed in.
    pub person: Person,
    /// What ties a form to this session.
    pub csrf: FormKey,
    /// When they had signed in before this time, if they had.
    pub previous: Option<Past>,
    /// The apps assigned to them that the search found, in the order to show.
    pub apps: Vec<AppTile>,
    /// What was searched for, empty for all; none where there are too few apps to search.
    pub search: Option<String>,
    /// Their last handoffs, the newest first.
    pub recent: Vec<RecentHandoff>,
    /// Where they are signed in.
    pub open: OpenSessions,
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

/// A handoff of this person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentHandoff {
    /// The app's name.
    pub app_name: String,
    /// Its icon.
    pub icon: AppIcon,
    /// When it began.
    pub began: Past,
    /// What came of it.
    pub outcome: Outcome,
    /// Where it can be looked at.
    pub recorded: Option<String>,
}

/// What came of a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The app has not come for it yet.
    UnderWay,
    /// The person is signed in there.
    Opened,
    /// Something about it was not as it should be.
    Refused,
    /// The app came too late.
    TooLate,
    /// The app never came.
    NotAnswered,
    /// It opened the app, and was then presented a second time.
    UsedTwice,
    /// The person pressed *Cancel*.
    Declined,
    /// The app is not assigned to the person.
    NotAssigned,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::UnderWay,
        Self::Opened,
        Self::Refused,
        Self::TooLate,
        Self::NotAnswered,
        Self::UsedTwice,
        Self::Declined,
        Self::NotAssigned,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::UnderWay => "On its way",
            Self::Opened => "Opened",
            Self::Refused => "Refused: not everything matched",
            Self::TooLate => "Refused: the app came too late",
            Self::NotAnswered => "Not finished: the app never came for it",
            Self::UsedTwice => "Ended: it was used a second time",
            Self::Declined => "You cancelled it",
            Self::NotAssigned => "Refused: this app is not assigned to you",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Opened => Tone::Accepted,
            Self::Refused | Self::TooLate | Self::UsedTwice | Self::NotAssigned => Tone::Refused,
            Self::UnderWay | Self::NotAnswered | Self::Declined => Tone::Neutral,
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::UnderWay | Self::NotAnswered => Icon::Clock,
            Self::Declined => Icon::Cross,
            told => told.tone().icon(),
        }
    }
}

/// Where a person is signed in, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSessions {
    /// How many other browsers there are.
    pub other_browsers: usize,
    /// The names of the apps that are open, in whatever browser, each once.
    pub apps: Vec<String>,
}

impl OpenSessions {
    fn words(&self) -> String {
        let browsers = match self.other_browsers {
            0 => "With this browser and no other.".to_owned(),
            1 => "With this browser and 1 other.".to_owned(),
            more => format!("With this browser and {more} others."),
        };
        match self.apps.as_slice() {
            [] => format!("{browsers} No app is open."),
            apps => format!("{browsers} Open: {}.", apps.join(", ")),
        }
    }
}

/// A greeting, a tile for each app, what was done last, and the way to one's sessions.
#[component]
pub fn PortalPage(
    /// What to show.
    model: Portal,
) -> impl IntoView {
    let Portal {
        person,
        csrf,
        previous,
        apps,
        search,
        recent,
        open,
    } = model;
    let greeting = format!("Hello, {}", person.first_name());
    let note = person.email.clone();

    view! {
        <IdentityStrip person note csrf=csrf.clone() />
        <div class="page">
            <div class="stack">
                <h1>{greeting}</h1>
                <LastSignIn previous />
            </div>
            <section class="stack" aria-labelledby="apps-heading">
                <div class="section-head">
                    <h2 id="apps-heading">"Your apps"</h2>
                    {search.clone().map(|query| view! { <Search query /> })}
                </div>
                <Apps apps csrf search />
            </section>
            <div class="columns">
                <Recent recent />
                <Open open />
            </div>
        </div>
    }
}

#[component]
fn LastSignIn(previous: Option<Past>) -> impl IntoView {
    match previous {
        Some(Past { at, ago }) => view! {
            <p class="muted">
                "You last signed in " {ago} ", on " <When moment=at />
                ". If that was not you, "
                <a href="/sessions">"end every session that you do not know"</a> "."
            </p>
        }
        .into_any(),
        None => {
            view! { <p class="muted">"Welcome. You have not signed in here before."</p> }.into_any()
        }
    }
}

#[component]
fn Search(query: String) -> impl IntoView {
    view! {
        <search>
            <form class="search" method="get" action="/">
                <label for="q">"Find an app"</label>
                <input
                    id="q"
                    name="q"
                    type="search"
                    autocomplete="off"
                    maxlength="100"
                    value=query
                />
                <button class="button" type="submit">
                    <Glyph icon=Icon::Lens />
                    "Find"
                </button>
            </form>
        </search>
    }
    .into_any()
}

#[component]
fn Apps(apps: Vec<AppTile>, csrf: FormKey, search: Option<String>) -> impl IntoView {
    let searched = search.filter(|query| !query.is_empty());
    let found = searched.as_ref().map(|query| match apps.len() {
        0 => format!("No app matches “{query}”."),
        1 => format!("1 app matches “{query}”."),
        more => format!("{more} apps match “{query}”."),
    });
    let show_all = || view! { <a href="/">"Show all"</a> };
    if apps.is_empty() {
        let (text, hint) = match &found {
            Some(found) => (
                found.clone(),
                "Try a part of its name, or of what it is for. ",
            ),
            None => (
                "No apps yet.".to_owned(),
                "When an app is assigned to you, it appears here with a button that opens it.",
            ),
        };
        return view! {
            <div class="empty">
                <p>{text}</p>
                <p class="muted">{hint} {found.map(|_| show_all())}</p>
            </div>
        }
        .into_any();
    }
    let tiles = apps
        .into_iter()
        .map(|tile| view! { <Tile tile csrf=csrf.clone() /> })
        .collect_view();
    view! {
        {found.map(|found| view! { <p class="muted">{found} " " {show_all()}</p> })}
        <ul class="tiles" role="list">
            {tiles}
        </ul>
    }
    .into_any()
}

#[component]
fn Tile(tile: AppTile, csrf: FormKey) -> impl IntoView {
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
                <CsrfToken key=csrf />
                <button class="button button--main button--wide" type="submit">
                    {format!("Open {name}")}
                </button>
            </form>
        </li>
    }
}

#[component]
fn Recent(recent: Vec<RecentHandoff>) -> impl IntoView {
    let list = if recent.is_empty() {
        view! {
            <div class="empty">
                <p>"No handoffs yet."</p>
                <p class="muted">
                    "When you open an app, it appears here with the time and what came of it."
                </p>
            </div>
        }
        .into_any()
    } else {
        let rows = recent
            .into_iter()
            .map(|handoff| view! { <Row handoff /> })
            .collect_view();
        view! {
            <ol class="recent" role="list">
                {rows}
            </ol>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="recent-heading">
            <h2 id="recent-heading">"Recent handoffs"</h2>
            <p class="muted">
                "A "
                <Explained term=Term::Handoff />
                " is one time that Harbor ID was asked to tell an app who you are."
            </p>
            {list}
        </section>
    }
    .into_any()
}

#[component]
fn Open(open: OpenSessions) -> impl IntoView {
    view! {
        <section class="stack" aria-labelledby="sessions-heading">
            <h2 id="sessions-heading">"Where you are signed in"</h2>
            <p>{open.words()}</p>
            <div class="actions">
                <a class="button" href="/sessions">
                    "Your sessions"
                </a>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Row(handoff: RecentHandoff) -> impl IntoView {
    let RecentHandoff {
        app_name,
        icon,
        began: Past { at, ago },
        outcome,
        recorded,
    } = handoff;
    let recorded = recorded.map(|href| {
        let label = format!("Step by step: {app_name}, {ago}");
        view! {
            <span class="dot">" · "</span>
            <a href=href rel="noreferrer" aria-label=label>
                "Step by step"
            </a>
        }
    });
    view! {
        <li class="handoff">
            <span class="tile-icon">
                <Glyph icon />
            </span>
            <div class="handoff-what">
                <p class="handoff-app">{app_name}</p>
                <p class="handoff-outcome" data-tone=outcome.tone().slug()>
                    <Glyph icon=outcome.icon() />
                    {outcome.words()}
                </p>
                <p class="muted">
                    <span>{ago}</span>
                    <span class="dot">" · "</span>
                    <When moment=at />
                    {recorded}
                </p>
            </div>
        </li>
    }
}
