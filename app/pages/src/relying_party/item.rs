//! One text that a person keeps in an application, its page and the buttons that belong to it.

use leptos::prelude::*;
use ui::components::{
    field::{CsrfToken, FormKey},
    icon::{Glyph, Icon},
    moment::Moment,
};

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
    pub(crate) fn excerpt(&self) -> String {
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

/// The way to change one text, and the button that deletes it, in words or, where there is no room, as
/// icons with a name.
#[component]
pub(crate) fn ItemActions(
    kind: Kind,
    id: String,
    named: String,
    place: PageNumber,
    csrf: FormKey,
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
                <CsrfToken key=csrf />
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
