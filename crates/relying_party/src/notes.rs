//! The application itself: short texts that a person keeps.

pub(crate) mod delete;

use app::relying_party::notes::{NoteView, Notes, NotesPage};
use axum::{http::StatusCode, response::Response};
use handoff::ids::ItemId;
use leptos::prelude::*;
use serde::Deserialize;
use time::{
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};
use web::{context::At, form::Protected, page::Page, problem::Problem, redirect};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInTexts},
    store::Note,
};

/// The longest note, in characters.
const MAX_LENGTH: usize = 4000;

/// A time for people. The page says UTC, because a server does not know where its reader is.
const FOR_PEOPLE: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

/// The text of a note: 1 to [`MAX_LENGTH`] characters, without white space around it, its lines
/// ended by a line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteText(String);

/// Why a text is no note, for the person who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum NoNote {
    #[error("Write something first.")]
    Empty,
    #[error("A note has at most {MAX_LENGTH} characters; this one has {0}.")]
    TooLong(usize),
    #[error(
        "This text has an invisible control character in it. Paste it as plain text, or type it."
    )]
    ControlCharacter,
}

/// Lines as we keep them. Browsers end the lines of a form with CR LF.
fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

impl NoteText {
    fn parse(text: &str) -> Result<Self, NoNote> {
        let text = with_line_feeds(text).trim().to_owned();
        let length = text.chars().count();
        let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        match length {
            0 => Err(NoNote::Empty),
            _ if length > MAX_LENGTH => Err(NoNote::TooLong(length)),
            _ if text.contains(is_control) => Err(NoNote::ControlCharacter),
            _ => Ok(Self(text)),
        }
    }
}

/// What stands in the form for a new note.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    text: String,
    error: Option<NoNote>,
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
        draft_error: draft.error.map(|error| error.to_string()),
        draft: draft.text,
    };
    let frame = site.frame.clone();
    Ok(page.show(move || frame.page("Your notes", false, view! { <NotesPage model /> })))
}

fn view(note: Note) -> NoteView {
    // Formatting fails for years that no clock of ours shows.
    let created = |format| note.created_at.format(format).unwrap_or_default();
    NoteView {
        id: note.id.to_string(),
        created: created(&FOR_PEOPLE),
        created_iso: note.created_at.format(&Rfc3339).unwrap_or_default(),
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
    let text = match NoteText::parse(&fields.text) {
        Ok(NoteText(text)) => text,
        Err(error) => {
            let draft = Draft {
                text: with_line_feeds(&fields.text),
                error: Some(error),
            };
            let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
            return show(&site, &signed_in, draft, page).await;
        }
    };
    let note = Note {
        id: ItemId::mint(site.context.random.bytes()),
        text,
        created_at: site.context.now(),
    };
    let added = site.store.add_note(&signed_in.owner(), note).await;
    added.map_err(Problem::unavailable)?;
    Ok(redirect::see_other("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_texts() {
        for (text, kept) in [
            ("one", Ok("one")),
            ("  one\r\n\ttwo\r\n", Ok("one\n\ttwo")),
            ("one\rtwo", Ok("one\ntwo")),
            ("🍐 é", Ok("🍐 é")),
            (&"é".repeat(MAX_LENGTH), Ok(&*"é".repeat(MAX_LENGTH))),
            ("", Err(NoNote::Empty)),
            (" \r\n\t", Err(NoNote::Empty)),
            (
                &"é".repeat(MAX_LENGTH + 1),
                Err(NoNote::TooLong(MAX_LENGTH + 1)),
            ),
            ("a\0b", Err(NoNote::ControlCharacter)),
            ("a\u{b}b", Err(NoNote::ControlCharacter)),
            ("a\u{85}b", Err(NoNote::ControlCharacter)),
        ] {
            let kept = kept.map(|text| NoteText(text.to_owned()));
            assert_eq!(NoteText::parse(text), kept, "{text:?}");
        }
    }

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
