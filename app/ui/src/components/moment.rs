//! Points in time.

use leptos::prelude::*;

/// A point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For people.
    pub for_people: String,
    /// In the form of RFC 3339, for programs.
    pub for_programs: String,
}

/// A point in time, and how long ago it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When it was.
    pub at: Moment,
    /// How long ago, in words, "5 minutes ago".
    pub ago: String,
}

/// Says when.
#[component]
pub fn When(
    /// When.
    moment: Moment,
) -> impl IntoView {
    view! { <time datetime=moment.for_programs>{moment.for_people}</time> }
}
