//! The applications: what one differs in from another. Everything else here is the same code, with
//! another client's settings.

use axum::{
    Router,
    routing::{get, post},
};
use pages::relying_party::items::Kind;
use ui::components::icon::AppIcon;

use web::site::SiteId;

use crate::{
    items::{add, delete, edit, restore, tick},
    text::Rule,
};

/// An application that signs people in by the authorization server. Each is a client of its own, with
/// its own origin, secret and store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Application {
    /// Short texts that a person keeps.
    Notes,
    /// What a person wants to do.
    Tasks,
}

impl From<Application> for SiteId {
    fn from(application: Application) -> Self {
        application.site_id()
    }
}

/// What an application differs in, for people.
struct Description {
    id: &'static str,
    name: &'static str,
    purpose: &'static str,
    tagline: &'static str,
    icon: AppIcon,
}

impl Application {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Notes, Self::Tasks];

    const fn description(self) -> Description {
        match self {
            Self::Notes => Description {
                id: "notes",
                name: "Notes",
                purpose: "Write down what you want to keep.",
                tagline: "A quiet place for what you want to keep.",
                icon: AppIcon::Page,
            },
            Self::Tasks => Description {
                id: "tasks",
                name: "Tasks",
                purpose: "Tick off what you want to do.",
                tagline: "A short list of what you want to do.",
                icon: AppIcon::Tick,
            },
        }
    }

    /// Its client id, which is also its host's first label and the stem of its files.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.description().id
    }

    /// Its name in a platform's table of sites.
    #[must_use]
    pub const fn site_id(self) -> SiteId {
        SiteId::new(self.id())
    }

    /// Its name on pages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.description().name
    }

    /// What it is for, for its tile at the authorization server.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        self.description().purpose
    }

    /// What it is, for its own front page.
    pub(crate) const fn tagline(self) -> &'static str {
        self.description().tagline
    }

    /// Its icon.
    #[must_use]
    pub const fn icon(self) -> AppIcon {
        self.description().icon
    }

    /// What kind of texts a person keeps here.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Notes => Kind::Note,
            Self::Tasks => Kind::Task,
        }
    }

    /// What such a text may be.
    pub(crate) const fn texts(self) -> Rule {
        let what = self.kind().noun();
        match self {
            Self::Notes => Rule {
                what,
                max: 4000,
                lines: true,
            },
            // One line: a task is an aim, not its plan.
            Self::Tasks => Rule {
                what,
                max: 200,
                lines: false,
            },
        }
    }

    /// What it answers besides what all of them do.
    pub(crate) fn routes(self) -> Router {
        match self {
            Self::Notes => Router::new()
                .route("/notes", get(add::get).post(add::post))
                .route("/notes/{id}/edit", get(edit::get).post(edit::post))
                .route("/notes/{id}/delete", post(delete::post))
                .route("/notes/{id}/restore", post(restore::post)),
            Self::Tasks => Router::new()
                .route("/tasks", get(add::get).post(add::post))
                .route("/tasks/{id}/edit", get(edit::get).post(edit::post))
                .route("/tasks/{id}/tick", post(tick::post))
                .route("/tasks/{id}/delete", post(delete::post))
                .route("/tasks/{id}/restore", post(restore::post)),
        }
    }
}
