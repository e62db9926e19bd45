//! Icons, drawn in the text's colour. A name stands beside every one of them.

use leptos::prelude::*;

/// Every icon that pages use, by what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Harbor ID.
    Anchor,
    /// Notes.
    Page,
    /// The lab.
    Flask,
    /// Tasks, and whatever was accepted.
    Tick,
    /// A defence that worked.
    Shield,
    /// Something to know.
    Info,
    /// Take away.
    Bin,
    /// Something to do.
    Square,
    /// Something that is done.
    TickedSquare,
}

impl Icon {
    /// The outline, as the `d` of an SVG path on a square of 24 units.
    fn outline(self) -> &'static str {
        match self {
            Self::Anchor => {
                "M12 8v13M9.5 5.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0M8 11.5h8\
                 M4 13.5c.5 4.5 3.5 7.5 8 7.5s7.5-3 8-7.5l-2.2 1.7M4 13.5l2.2 1.7"
            }
            Self::Page => "M6 3h8l4.5 4.5V21H6zM14 3v4.5h4.5M9 12.5h6M9 16.5h4",
            Self::Flask => {
                "M9 3h6M10.5 3v6.5L5 19a1.4 1.4 0 0 0 1.2 2h11.6\
                 A1.4 1.4 0 0 0 19 19l-5.5-9.5V3M7.5 15h9"
            }
            Self::Tick => "M4.5 12.5l5 5l10-11",
            Self::Shield => {
                "M12 3l7.5 2.5v6c0 4.5-3 7.8-7.5 9.5c-4.5-1.7-7.5-5-7.5-9.5v-6z\
                 M8.8 12l2.2 2.2l4.2-4.4"
            }
            Self::Info => "M3.5 12a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0-17 0M12 11v5.5M12 7.5v.2",
            Self::Bin => "M4.5 6.5h15M9.5 6.5v-3h5v3M6.5 6.5l.8 14h9.4l.8-14M10 10.5v6M14 10.5v6",
            Self::Square => {
                "M6 4h12a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z"
            }
            Self::TickedSquare => {
                "M6 4h12a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z\
                 M8 12.3l2.8 2.7l5.2-6"
            }
        }
    }
}

/// The icon of an application, as its record at Harbor ID names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppIcon {
    /// A sheet of paper: Notes.
    Page,
    /// A tick: Tasks.
    Tick,
}

impl AppIcon {
    /// The icon's name in the names of favicons.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Tick => "tick",
        }
    }
}

impl From<AppIcon> for Icon {
    fn from(icon: AppIcon) -> Self {
        match icon {
            AppIcon::Page => Self::Page,
            AppIcon::Tick => Self::Tick,
        }
    }
}

/// Draws an icon. It is hidden from screen readers, because its name stands beside it.
#[component]
pub fn Glyph(
    /// Which one.
    #[prop(into)]
    icon: Icon,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=icon.outline() />
        </svg>
    }
}
