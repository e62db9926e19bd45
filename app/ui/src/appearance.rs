//! How a page looks to whoever reads it: its theme, and the size of its text.
//!
//! Both are chosen in the footer of every page, by plain forms, and are kept in a cookie that says
//! nothing about anybody.

use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};

/// Where the forms of the footer are posted, on every site.
pub const PATH: &str = "/appearance";

/// The id of the footer that they are in.
pub const FOOT: &str = "foot";

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the reader's system has it.
    #[default]
    System,
    /// Dark ink on a light surface, whatever the system says.
    Light,
    /// Light ink on a dark surface, whatever the system says.
    Dark,
}

impl Theme {
    /// Every theme, in the order of the buttons.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The theme's name in forms, cookies and style sheets.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of this name.
    #[must_use]
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.slug() == slug)
    }

    fn name(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::System => Icon::Monitor,
            Self::Light => Icon::Sun,
            Self::Dark => Icon::Moon,
        }
    }
}

/// The size of the text and of all that is measured by it, in percent of what the reader's browser
/// is set to. The larger ones are for a projector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scale {
    /// As it is.
    #[default]
    Percent100,
    /// A little larger.
    Percent120,
    /// For a large screen.
    Percent140,
    /// For the back of a room.
    Percent160,
}

impl Scale {
    /// Every size, the smallest first.
    pub const ALL: [Self; 4] = [
        Self::Percent100,
        Self::Percent120,
        Self::Percent140,
        Self::Percent160,
    ];

    /// The size in percent.
    #[must_use]
    pub fn percent(self) -> u16 {
        match self {
            Self::Percent100 => 100,
            Self::Percent120 => 120,
            Self::Percent140 => 140,
            Self::Percent160 => 160,
        }
    }

    /// The size that is nearest to this many percent; nothing for what is no number.
    #[must_use]
    pub fn parse(percent: &str) -> Option<Self> {
        let wanted: u16 = percent.parse().ok()?;
        Self::ALL
            .into_iter()
            .min_by_key(|scale| scale.percent().abs_diff(wanted))
    }

    fn smaller(self) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|scale| *scale < self)
    }

    fn larger(self) -> Option<Self> {
        Self::ALL.into_iter().find(|scale| *scale > self)
    }
}

/// What a reader has chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appearance {
    /// Light or dark.
    pub theme: Theme,
    /// The size of the text.
    pub scale: Scale,
}

/// What the document around a page knows of the request, as a Leptos context: every page has it, and
/// none has a reason to hand it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// What the reader has chosen.
    pub appearance: Appearance,
    /// Where the forms of the footer lead back to: a path on the same site.
    pub back: String,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            appearance: Appearance::default(),
            back: "/".to_owned(),
        }
    }
}

/// The choice of a theme and of a size. The button of what is in force is pressed.
#[component]
pub fn AppearanceForms(
    /// What is in force, and where to return to.
    surroundings: Surroundings,
) -> impl IntoView {
    let Surroundings {
        appearance: Appearance { theme, scale },
        back,
    } = surroundings;
    let themes = Theme::ALL
        .map(|choice| {
            let pressed = if choice == theme { "true" } else { "false" };
            view! {
                <button
                    class="choice"
                    type="submit"
                    name="theme"
                    value=choice.slug()
                    aria-pressed=pressed
                >
                    <Glyph icon=choice.icon() />
                    {choice.name()}
                </button>
            }
        })
        .collect_view();
    let size = |to: Option<Scale>, icon, name: &'static str| {
        // One that leads nowhere stays, so that the other does not move under the pointer.
        view! {
            <button
                class="choice"
                type="submit"
                name="scale"
                value=to.unwrap_or(scale).percent()
                aria-disabled=to.is_none().then_some("true")
            >
                <Glyph icon />
                <span class="unseen">{name}</span>
            </button>
        }
    };
    view! {
        <form class="choices" method="post" action=PATH aria-label="Theme">
            <input type="hidden" name="back" value=back.clone() />
            {themes}
        </form>
        <form class="choices choices--size" method="post" action=PATH aria-label="Size of the text">
            <input type="hidden" name="back" value=back />
            {size(scale.smaller(), Icon::Minus, "Smaller text")}
            <span class="choice-now">{scale.percent()} " %"</span>
            {size(scale.larger(), Icon::Plus, "Larger text")}
        </form>
    }
}
