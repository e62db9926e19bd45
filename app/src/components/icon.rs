//! Icons of the Lucide set, drawn in the text's colour. A name stands beside every one of them.

use icondata_core::IconData;
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
    /// As the system has it.
    Monitor,
    /// Light.
    Sun,
    /// Dark.
    Moon,
    /// Less.
    Minus,
    /// More.
    Plus,
}

impl Icon {
    fn drawing(self) -> &'static IconData {
        match self {
            Self::Anchor => icondata_lu::LuAnchor,
            Self::Page => icondata_lu::LuFileText,
            Self::Flask => icondata_lu::LuFlaskConical,
            Self::Tick => icondata_lu::LuCheck,
            Self::Shield => icondata_lu::LuShieldCheck,
            Self::Info => icondata_lu::LuInfo,
            Self::Bin => icondata_lu::LuTrash2,
            Self::Square => icondata_lu::LuSquare,
            Self::TickedSquare => icondata_lu::LuSquareCheck,
            Self::Monitor => icondata_lu::LuMonitor,
            Self::Sun => icondata_lu::LuSun,
            Self::Moon => icondata_lu::LuMoon,
            Self::Minus => icondata_lu::LuMinus,
            Self::Plus => icondata_lu::LuPlus,
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
    let IconData { view_box, data, .. } = *icon.drawing();
    view! {
        <svg
            class="icon"
            viewBox=view_box
            aria-hidden="true"
            focusable="false"
            inner_html=data
        ></svg>
    }
}
