//! Icons of the Lucide set, drawn in the text's colour. A name stands beside each, or belongs to the
//! button that it is in.

/// The icon of an application, as its record at Harbor ID names it.
pub use handoff::client::Icon as AppIcon;
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
    /// An app like any other.
    Grid,
    /// An app of cards.
    Cards,
    /// An app of dates.
    Calendar,
    /// An app of figures.
    Chart,
    /// An app of letters.
    Letter,
    /// An app to talk in.
    Bubble,
    /// An app about people.
    People,
    /// Something that may still come.
    Clock,
    /// Somebody said no.
    Cross,
    /// Look for.
    Lens,
    /// Change.
    Pencil,
    /// Bring back.
    Undo,
    /// The browser.
    Window,
    /// A way on.
    Arrow,
}

impl Icon {
    /// What the icon is drawn of: markup for the inside of an `<svg>`, in a square of 24.
    #[must_use]
    pub fn drawing(self) -> &'static IconData {
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
            Self::Grid => icondata_lu::LuLayoutGrid,
            Self::Cards => icondata_lu::LuLayers,
            Self::Calendar => icondata_lu::LuCalendar,
            Self::Chart => icondata_lu::LuChartColumn,
            Self::Letter => icondata_lu::LuMail,
            Self::Bubble => icondata_lu::LuMessageSquare,
            Self::People => icondata_lu::LuUsers,
            Self::Clock => icondata_lu::LuClock,
            Self::Cross => icondata_lu::LuX,
            Self::Lens => icondata_lu::LuSearch,
            Self::Pencil => icondata_lu::LuPencil,
            Self::Undo => icondata_lu::LuUndo2,
            Self::Window => icondata_lu::LuAppWindow,
            Self::Arrow => icondata_lu::LuArrowRight,
        }
    }
}

impl From<AppIcon> for Icon {
    fn from(icon: AppIcon) -> Self {
        match icon {
            AppIcon::Grid => Self::Grid,
            AppIcon::Page => Self::Page,
            AppIcon::Tick => Self::Tick,
            AppIcon::Cards => Self::Cards,
            AppIcon::Calendar => Self::Calendar,
            AppIcon::Chart => Self::Chart,
            AppIcon::Letter => Self::Letter,
            AppIcon::Bubble => Self::Bubble,
            AppIcon::People => Self::People,
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
