//! The application itself: a person's notes.

use crate::{
    components::{
        field::{CsrfToken, TextArea},
        icon::{Glyph, Icon},
        identity::IdentityStrip,
        notice::{Alert, Tone},
    },
    person::Person,
};
use leptos::prelude::*;

/// The id of the message above the form.
const PROBLEM: &str = "problem";
/// How much of a note its delete button repeats, in characters.
const EXCERPT: usize = 40;

/// What the notes page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes {
    /// Who is signed in.
    pub person: Person,
    /// The authorization server's name: how they came here.
    pub authority_name: String,
    /// The CSRF token of this session.
    pub csrf: String,
    /// Their notes, in the order to show.
    pub notes: Vec<NoteView>,
    /// Why the note that they just sent was not kept.
    pub draft_error: Option<String>,
    /// The text of that note, so that nothing is lost.
    pub draft: String,
}

/// One note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteView {
    /// Its id, which is a part of the address that deletes it.
    pub id: String,
    /// The text as it was written, line breaks included.
    pub text: String,
    /// When it was written, for people.
    pub created: String,
    /// The same moment in the form of RFC 3339, for programs.
    pub created_iso: String,
}

impl NoteView {
    /// The first words of the note: as many as stay below [`EXCERPT`], at least one.
    fn first_words(&self) -> String {
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

/// A form for a new note, and the notes.
#[component]
pub fn NotesPage(
    /// What to show.
    model: Notes,
) -> impl IntoView {
    let Notes {
        person,
        authority_name,
        csrf,
        notes,
        draft_error,
        draft,
    } = model;
    let problem = draft_error.is_some().then_some(PROBLEM);
    let notes = if notes.is_empty() {
        view! {
            <div class="empty">
                <p>"No notes yet."</p>
                <p class="muted">"Write your first one above. It appears here."</p>
            </div>
        }
        .into_any()
    } else {
        let items = notes
            .into_iter()
            .map(|note| view! { <Note note csrf=csrf.clone() /> })
            .collect_view();
        view! {
            <ul class="notes" role="list">
                {items}
            </ul>
        }
        .into_any()
    };

    view! {
        <IdentityStrip person note=format!("via {authority_name}") csrf=csrf.clone() />
        <div class="page page--text">
            <h1>"Your notes"</h1>
            {draft_error
                .map(|text| {
                    view! {
                        <Alert tone=Tone::Neutral id=PROBLEM>
                            <p>{text}</p>
                        </Alert>
                    }
                })}
            <form class="stack" method="post" action="/notes">
                <CsrfToken token=csrf />
                <TextArea label="New note" name="text" value=draft problem />
                <div class="actions">
                    <button class="button button--main" type="submit">
                        "Add note"
                    </button>
                </div>
            </form>
            {notes}
        </div>
    }
}

#[component]
fn Note(note: NoteView, csrf: String) -> impl IntoView {
    let delete = format!("Delete note: {}", note.first_words());
    let NoteView {
        id,
        text,
        created,
        created_iso,
    } = note;
    view! {
        <li class="note">
            <p class="note-text">{text}</p>
            <div class="note-foot">
                <time class="muted" datetime=created_iso>
                    {created}
                </time>
                <form method="post" action=format!("/notes/{id}/delete")>
                    <CsrfToken token=csrf />
                    <button class="button button--quiet" type="submit" aria-label=delete>
                        <Glyph icon=Icon::Bin />
                        "Delete"
                    </button>
                </form>
            </div>
        </li>
    }
}
