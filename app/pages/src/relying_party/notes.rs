//! A person's notes, as a list of cards.

use crate::relying_party::item::{ItemActions, ItemView, Kind, PageNumber};
use leptos::prelude::*;
use ui::components::{field::FormKey, moment::When};

/// A card for each note.
#[component]
pub fn NoteList(
    /// The notes, in the order to show.
    notes: Vec<ItemView>,
    /// The page that they are on.
    place: PageNumber,
    /// The CSRF token for the forms.
    csrf: FormKey,
) -> impl IntoView {
    let items = notes
        .into_iter()
        .map(|note| view! { <Note note place csrf=csrf.clone() /> })
        .collect_view();
    view! {
        <ul class="notes" role="list">
            {items}
        </ul>
    }
}

#[component]
fn Note(note: ItemView, place: PageNumber, csrf: FormKey) -> impl IntoView {
    let named = note.first_words();
    let ItemView {
        id,
        text,
        created,
        edited,
        ..
    } = note;
    let edited = edited.map(|edited| {
        view! {
            <span class="edited">"Edited " <When moment=edited /></span>
        }
    });
    view! {
        <li class="note">
            <p class="note-text">{text}</p>
            <div class="note-foot">
                <p class="muted">
                    <When moment=created />
                    {edited}
                </p>
                <ItemActions kind=Kind::Note id named place csrf />
            </div>
        </li>
    }
}
