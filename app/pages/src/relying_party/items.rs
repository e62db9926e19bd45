//! What the pages of the applications have in common: each keeps short texts of a person's, which are
//! written, changed, deleted and brought back in the same way. `notes.rs` and `tasks.rs` draw the list.

pub use crate::relying_party::item::{ItemView, Kind, PageNumber};
use crate::relying_party::{item::FromPage, kept::ShownForm, notes::NoteList, tasks::TaskLists};
use leptos::prelude::*;
pub use ui::components::moment::Moment;
use ui::{
    components::{
        field::{CsrfToken, FormKey, TextArea, TextLine},
        icon::{Glyph, Icon},
        identity::IdentityStrip,
        notice::{Alert, Notice, Tone},
    },
    person::Person,
};

/// The id of the message above a form.
const PROBLEM: &str = "problem";
/// What the page with a person's texts shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items {
    /// What kind they are.
    pub kind: Kind,
    /// Who is signed in.
    pub person: Person,
    /// The authorization server's name: how they came here.
    pub authority_name: String,
    /// Its page with a person's apps.
    pub authority_apps: String,
    /// Where the handoff that gave this session can be looked at.
    pub arrival: Option<String>,
    /// What ties a form to this session.
    pub csrf: FormKey,
    /// What the form for a new text carries: whose it is, and the one text that it can make.
    pub form: String,
    /// Their texts, in the order to show: all, or as many as one page has.
    pub items: Vec<ItemView>,
    /// Which of all they are.
    pub part: Part,
    /// How this application's clock differs from the authorization server's, where that matters: "61
    /// minutes ahead of".
    pub clock_differs: Option<String>,
    /// Why the text that they just sent was not kept.
    pub draft_error: Option<String>,
    /// That text, so that nothing is lost.
    pub draft: String,
    /// What has just been done.
    pub news: Option<News>,
}

/// Which page of a person's texts it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it lies.
    pub place: PageNumber,
    /// How many pages there are.
    pub pages: u32,
    /// The number of the first text on it, from 1.
    pub first: usize,
    /// How many texts there are on all pages.
    pub total: usize,
}

impl Part {
    /// A part that is all there is.
    #[must_use]
    pub fn whole(total: usize) -> Self {
        Self {
            place: PageNumber::default(),
            pages: 1,
            first: 1,
            total,
        }
    }
}

/// What has just been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// This was deleted, and can be brought back for so many minutes.
    Deleted {
        /// What it was.
        item: ItemView,
        /// For how long it can be brought back.
        minutes: i64,
    },
    /// What was deleted is there again.
    Restored,
    /// What was deleted could not be brought back any more.
    TooLate,
}

/// A form for a new text, and the texts.
#[component]
pub fn ItemsPage(
    /// What to show.
    model: Items,
) -> impl IntoView {
    let Items {
        kind,
        person,
        authority_name,
        authority_apps,
        arrival,
        csrf,
        form,
        items,
        part,
        clock_differs,
        draft_error,
        draft,
        news,
    } = model;
    let clock = clock_differs.map(|differs| {
        let text = format!(
            "The clock of this application is {differs} that of {authority_name}. Sign-ins work; the times \
             on this page may be wrong."
        );
        view! {
            <Notice tone=Tone::Neutral>
                <p>{text}</p>
            </Notice>
        }
    });
    let (noun, place) = (kind.noun(), part.place);
    let shown = items.len();
    let problem = draft_error.is_some().then_some(PROBLEM);
    let field = match kind {
        Kind::Note => {
            view! { <TextArea label="New note" name="text" value=draft problem /> }.into_any()
        }
        Kind::Task => {
            view! { <TextLine label="New task" name="text" value=draft problem /> }.into_any()
        }
    };
    let list = match kind {
        _ if items.is_empty() => view! { <NothingYet kind /> }.into_any(),
        Kind::Note => view! { <NoteList notes=items place csrf=csrf.clone() /> }.into_any(),
        Kind::Task => view! { <TaskLists tasks=items place csrf=csrf.clone() /> }.into_any(),
    };

    view! {
        <Strip person authority_name authority_apps arrival csrf=csrf.clone() />
        <div class="page page--text">
            <h1>{kind.heading()}</h1>
            {clock}
            {news.map(|news| view! { <Told kind news place csrf=csrf.clone() /> })}
            <Refused text=draft_error />
            <form class="stack" method="post" action=kind.path()>
                <CsrfToken key=csrf />
                <ShownForm form />
                {field}
                <div class="actions">
                    <button class="button button--main" type="submit">
                        {format!("Add {noun}")}
                    </button>
                </div>
            </form>
            {list}
            <Parts kind part shown />
        </div>
    }
}

/// Whose texts these are, how they came here, the way back to their other apps, and the way out.
#[component]
fn Strip(
    person: Person,
    authority_name: String,
    authority_apps: String,
    arrival: Option<String>,
    csrf: FormKey,
) -> impl IntoView {
    view! {
        <IdentityStrip person note=format!("via {authority_name}") csrf>
            {arrival
                .map(|href| {
                    view! {
                        <a href=href rel="noreferrer">
                            "How did I get here?"
                        </a>
                        " · "
                    }
                })}
            <a href=authority_apps>{format!("Your apps at {authority_name}")}</a>
        </IdentityStrip>
    }
}

/// How many there are, and the ways to the pages before and after this one.
#[component]
fn Parts(kind: Kind, part: Part, shown: usize) -> impl IntoView {
    let Part {
        place,
        pages,
        first,
        total,
    } = part;
    let noun = kind.noun();
    let (order, before, after) = match kind {
        Kind::Note => ("the newest first", "Newer", "Older"),
        Kind::Task => ("what is to do first", "Previous", "Next"),
    };
    let which = match first + shown.saturating_sub(1) {
        last if last == first => format!("This is number {first}."),
        last => format!("These are {first} to {last}."),
    };
    let before = place.0.checked_sub(1).map(|number| {
        view! {
            <a class="button" rel="prev" href=PageNumber(number).at("/")>
                {before}
            </a>
        }
    });
    let next = place.0.saturating_add(1);
    let after = (next < pages).then(|| {
        view! {
            <a class="button" rel="next" href=PageNumber(next).at("/")>
                {after}
            </a>
        }
    });
    (pages > 1).then(|| {
        view! {
            <nav class="parts" aria-label=format!("Pages of your {noun}s")>
                <p class="muted">
                    {format!("You have {total} {noun}s, {order}. {which}")}
                </p>
                <div class="actions">{before} {after}</div>
            </nav>
        }
    })
}

#[component]
fn NothingYet(kind: Kind) -> impl IntoView {
    let (text, hint) = match kind {
        Kind::Note => (
            "No notes yet.",
            "Write your first one above. It appears here.",
        ),
        Kind::Task => (
            "No tasks yet.",
            "Add your first one above. It appears here.",
        ),
    };
    view! {
        <div class="empty">
            <p>{text}</p>
            <p class="muted">{hint}</p>
        </div>
    }
}

#[component]
fn Refused(text: Option<String>) -> impl IntoView {
    text.map(|text| {
        view! {
            <Alert tone=Tone::Neutral id=PROBLEM>
                <p>{text}</p>
            </Alert>
        }
    })
    .into_any()
}

#[component]
fn Told(kind: Kind, news: News, place: PageNumber, csrf: FormKey) -> impl IntoView {
    let noun = kind.noun();
    match news {
        News::Deleted { item, minutes } => view! {
            <Notice tone=Tone::Neutral>
                <p>
                    {format!("You deleted the {noun} “")} <span class="quoted">{item.excerpt()}</span>
                    {format!("”. You can bring it back for {minutes} minute{}.", plural(minutes))}
                </p>
                <form method="post" action=format!("{}/{}/restore", kind.path(), item.id)>
                    <CsrfToken key=csrf />
                    <FromPage place />
                    <button class="button" type="submit">
                        <Glyph icon=Icon::Undo />
                        "Undo"
                    </button>
                </form>
            </Notice>
        }
        .into_any(),
        News::Restored => view! {
            <Notice tone=Tone::Accepted>
                <p>{format!("The {noun} is back.")}</p>
            </Notice>
        }
        .into_any(),
        News::TooLate => view! {
            <Notice tone=Tone::Neutral>
                <p>{format!("It is too late to bring that {noun} back.")}</p>
            </Notice>
        }
        .into_any(),
    }
}

const fn plural(number: i64) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// What the page that changes one text shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What kind it is.
    pub kind: Kind,
    /// Who is signed in.
    pub person: Person,
    /// The authorization server's name: how they came here.
    pub authority_name: String,
    /// Its page with a person's apps.
    pub authority_apps: String,
    /// Where the handoff that gave this session can be looked at.
    pub arrival: Option<String>,
    /// What ties a form to this session.
    pub csrf: FormKey,
    /// What the form carries: whose it is.
    pub form: String,
    /// Its id, which is a part of the address that changes it.
    pub id: String,
    /// The page that it was chosen on.
    pub place: PageNumber,
    /// The text as it stands in the form.
    pub text: String,
    /// Why the text that they just sent was not kept.
    pub error: Option<String>,
}

/// A form with one text.
#[component]
pub fn EditPage(
    /// What to show.
    model: Edit,
) -> impl IntoView {
    let Edit {
        kind,
        person,
        authority_name,
        authority_apps,
        arrival,
        csrf,
        form,
        id,
        place,
        text,
        error,
    } = model;
    let problem = error.is_some().then_some(PROBLEM);
    let field = match kind {
        Kind::Note => view! { <TextArea label="Note" name="text" value=text problem /> }.into_any(),
        Kind::Task => view! { <TextLine label="Task" name="text" value=text problem /> }.into_any(),
    };
    view! {
        <Strip person authority_name authority_apps arrival csrf=csrf.clone() />
        <div class="page page--text">
            <h1>{kind.edit_heading()}</h1>
            <Refused text=error />
            <form class="stack" method="post" action=format!("{}/{id}/edit", kind.path())>
                <CsrfToken key=csrf />
                <ShownForm form />
                <FromPage place />
                {field}
                <div class="actions">
                    <button class="button button--main" type="submit">
                        "Save"
                    </button>
                    <a class="button" href=place.at("/")>
                        "Cancel"
                    </a>
                </div>
            </form>
        </div>
    }
}
