//! The application *Notes*: short texts that a person keeps.

pub(crate) mod delete;

use app::relying_party::notes::{NoteView, Notes, NotesPage};
use axum::{http::StatusCode, response::Response};
use handoff::ids::ItemId;
use leptos::prelude::*;
use serde::Deserialize;
use web::{context::At, form::Protected, moment, page::Page, problem::Problem, redirect};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInTexts},
    store::{Added, ITEMS_PER_PERSON, Note},
    text::{Rule, with_line_feeds},
};

const TEXT: Rule = Rule {
    what: "note",
    max: 4000,
    lines: true,
};

/// What stands in the form for a new note.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    text: String,
    error: Option<String>,
}

/// The page with a person's notes.
///
/// # Errors
/// [`Problem::unavailable`] when the store cannot be reached.
pub(crate) async fn show(
    site: &RelyingParty,
    signed_in: &SignedIn,
    draft: Draft,
    page: Page,
) -> Result<Response, Problem> {
    let notes = site.store.list_notes(&signed_in.owner()).await;
    let notes = notes.map_err(Problem::unavailable)?;
    let model = Notes {
        person: signed_in.person(),
        authority_name: site.settings.authority_name.clone(),
        csrf: signed_in.csrf(site),
        notes: notes.into_iter().map(view).collect(),
        draft_error: draft.error,
        draft: draft.text,
    };
    let frame = site.frame.clone();
    Ok(page.show(move || frame.page("Your notes", false, view! { <NotesPage model /> })))
}

fn view(note: Note) -> NoteView {
    NoteView {
        id: note.id.to_string(),
        created: moment::for_people(note.created_at),
        created_iso: moment::for_programs(note.created_at),
        text: note.text,
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewNote {
    text: String,
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    page: Page,
    Protected { fields, .. }: Protected<NewNote, SignedInTexts>,
) -> Result<Response, Problem> {
    site.admit_write(&signed_in)?;
    let error = match TEXT.parse(&fields.text) {
        Ok(text) => {
            let note = Note {
                id: ItemId::mint(site.context.random.bytes()),
                text,
                created_at: site.context.now(),
            };
            let added = site.store.add_note(&signed_in.owner(), note).await;
            match added.map_err(Problem::unavailable)? {
                Added::Yes => return Ok(redirect::see_other("/")),
                Added::Full => {
                    format!(
                        "You have {ITEMS_PER_PERSON} notes, the most there can be. Delete one first."
                    )
                }
            }
        }
        Err(error) => error.to_string(),
    };
    let draft = Draft {
        text: with_line_feeds(&fields.text),
        error: Some(error),
    };
    let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
    show(&site, &signed_in, draft, page).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_well() {
        let created_at = time::macros::datetime!(2026-11-01 03:05 UTC);
        let note = Note {
            id: ItemId::mint([1; 16]),
            text: String::new(),
            created_at,
        };
        assert_eq!(view(note).created, "1 November 2026, 03:05 UTC");
    }
}
