//! What the pages of the applications have in common: each keeps short texts of a person's, which are
//! written, changed, deleted and brought back in the same way. `notes.rs` and `tasks.rs` draw the list.

use crate::relying_party::{notes::NoteList, tasks::TaskLists};
use leptos::prelude::*;
pub use ui::components::moment::Moment;
use ui::{
    components::{
        field::{CsrfToken, TextArea, TextLine},
        icon::{Glyph, Icon},
        identity::IdentityStrip,
        notice::{Alert, Notice, Tone},
    },
    person::Person,
};

/// The id of the message above a form.
const PROBLEM: &str = "problem";
/// The most characters that are repeated of a text where it is only named.
const EXCERPT: usize = 40;

/// What kind of text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A note.
    Note,
    /// A task.
    Task,
}

impl Kind {
    /// What one is called.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Task => "task",
        }
    }

    /// The title of the page that shows them all.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Note => "Your notes",
            Self::Task => "Your tasks",
        }
    }

    /// The title of the page that changes one.
    #[must_use]
    pub const fn edit_heading(self) -> &'static str {
        match self {
            Self::Note => "Edit note",
            Self::Task => "Edit task",
        }
    }

    /// The address that a new one is sent to; those of one of them lie below it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Note => "/notes",
            Self::Task => "/tasks",
        }
    }
}

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
    /// The CSRF token of this session.
    pub csrf: String,
    /// Their texts, in the order to show: all, or as many as one page has.
    pub items: Vec<ItemView>,
    /// Which of all they are.
    pub part: Part,
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

/// A page of a person's texts, counted from 0. Its address counts from 1, as people do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageNumber(pub u32);

impl PageNumber {
    /// What an address or a form says. Whatever is no number is the first page.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(text.parse::<u32>().unwrap_or(1).saturating_sub(1))
    }

    /// As an address or a form says it; the first page needs no word.
    fn written(self) -> Option<String> {
        (self.0 > 0).then(|| self.0.saturating_add(1).to_string())
    }

    /// The address of something on this page, or that leads back to it.
    #[must_use]
    pub fn at(self, path: &str) -> String {
        let query = self.written().map(|number| format!("?page={number}"));
        format!("{path}{}", query.unwrap_or_default())
    }

    /// The address of this page, with this in its query.
    #[must_use]
    pub fn saying(self, name: &str, value: &str) -> String {
        let page = self.at("/");
        let and = if page.contains('?') { '&' } else { '?' };
        format!("{page}{and}{name}={value}")
    }
}

/// In a form: the page that it stands on, so that its answer leads back there.
#[component]
pub(crate) fn FromPage(place: PageNumber) -> impl IntoView {
    place
        .written()
        .map(|number| view! { <input type="hidden" name="page" value=number /> })
}

/// One text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemView {
    /// Its id, which is a part of the addresses that change it.
    pub id: String,
    /// The text as it was written, line breaks included.
    pub text: String,
    /// Whether it is done.
    pub done: bool,
    /// When it was written.
    pub created: Moment,
    /// When it was last changed.
    pub edited: Option<Moment>,
}

impl ItemView {
    /// The first words, and a sign where they are not all.
    fn excerpt(&self) -> String {
        let words = self.first_words();
        if words.split_whitespace().eq(self.text.split_whitespace()) {
            words
        } else {
            format!("{words} …")
        }
    }

    /// The first words of the text, as many as [`EXCERPT`] holds; of a first word that is longer, its
    /// beginning. Buttons and links that belong to a text are named by them.
    pub(crate) fn first_words(&self) -> String {
        let mut excerpt = String::new();
        for word in self.text.split_whitespace() {
            if excerpt.is_empty() {
                excerpt.extend(word.chars().take(EXCERPT));
            } else if excerpt.chars().count() + 1 + word.chars().count() <= EXCERPT {
                excerpt.push(' ');
                excerpt.push_str(word);
            } else {
                break;
            }
        }
        excerpt
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
        items,
        part,
        draft_error,
        draft,
        news,
    } = model;
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
            {news.map(|news| view! { <Told kind news place csrf=csrf.clone() /> })}
            <Refused text=draft_error />
            <form class="stack" method="post" action=kind.path()>
                <CsrfToken token=csrf />
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
    csrf: String,
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
fn Told(kind: Kind, news: News, place: PageNumber, csrf: String) -> impl IntoView {
    let noun = kind.noun();
    match news {
        News::Deleted { item, minutes } => view! {
            <Notice tone=Tone::Neutral>
                <p>
                    {format!("You deleted the {noun} “")} <span class="quoted">{item.excerpt()}</span>
                    {format!("”. You can bring it back for {minutes} minute{}.", plural(minutes))}
                </p>
                <form method="post" action=format!("{}/{}/restore", kind.path(), item.id)>
                    <CsrfToken token=csrf />
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

/// The way to change one text, and the button that deletes it, in words or, where there is no room, as
/// icons with a name.
#[component]
pub(crate) fn ItemActions(
    kind: Kind,
    id: String,
    named: String,
    place: PageNumber,
    csrf: String,
) -> impl IntoView {
    let (noun, path) = (kind.noun(), kind.path());
    view! {
        <div class="item-actions">
            <a
                class="button button--quiet"
                href=place.at(&format!("{path}/{id}/edit"))
                aria-label=format!("Edit {noun}: {named}")
            >
                <Glyph icon=Icon::Pencil />
                <span class="item-verb">"Edit"</span>
            </a>
            <form method="post" action=format!("{path}/{id}/delete")>
                <CsrfToken token=csrf />
                <FromPage place />
                <button
                    class="button button--quiet"
                    type="submit"
                    aria-label=format!("Delete {noun}: {named}")
                >
                    <Glyph icon=Icon::Bin />
                    <span class="item-verb">"Delete"</span>
                </button>
            </form>
        </div>
    }
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
    /// The CSRF token of this session.
    pub csrf: String,
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
                <CsrfToken token=csrf />
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
