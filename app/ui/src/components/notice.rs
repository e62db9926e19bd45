//! A message above what it is about.

use crate::components::icon::{Glyph, Icon};
use leptos::prelude::*;

/// What kind of news a notice brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It is done.
    Accepted,
    /// It was refused, which is a defence that worked and no alarm.
    Refused,
    /// Neither: something to know or to put right.
    Neutral,
}

impl Tone {
    /// The tone's name in the style sheet.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Neutral => "neutral",
        }
    }

    /// The icon that says the same as the colour.
    #[must_use]
    pub fn icon(self) -> Icon {
        match self {
            Self::Accepted => Icon::Tick,
            Self::Refused => Icon::Shield,
            Self::Neutral => Icon::Info,
        }
    }
}

/// A message that is read out without taking the focus: the answer to what was just done.
#[component]
pub fn Notice(
    /// What kind of news it is.
    tone: Tone,
    /// The message.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="notice" data-tone=tone.slug() role="status">
            <Glyph icon=tone.icon() />
            <div class="notice-body">{children()}</div>
        </div>
    }
}

/// A message that takes the focus when the page opens: something needs the reader's attention
/// before the form below it can go through.
///
/// `autofocus` does it without a script; at most one element of a page may carry it.
#[component]
pub fn Alert(
    /// What kind of news it is.
    tone: Tone,
    /// The element's id, for the `aria-describedby` of the fields that it is about.
    id: &'static str,
    /// The message.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="notice" data-tone=tone.slug() id=id role="alert" tabindex="-1" autofocus>
            <Glyph icon=tone.icon() />
            <div class="notice-body">{children()}</div>
        </div>
    }
}
