//! The lab site, which every platform has. It may know both parties; neither knows it.
//!
//! It has one page, the start. It explains and links: it reads no store and weakens no defence.

use std::sync::Arc;

use app::{
    lab::start::{Start, StartPage},
    shell::{Assets, Brand, Frame, Party},
};
use axum::{Router, response::Response, routing::get};
use handoff::uri::Origin;
use leptos::prelude::*;
use web::{
    context::{At, Context},
    layers,
    page::Page,
    seams::{Clock, Randomness},
};

/// What a lab is set up with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it lives.
    pub origin: Origin,
    /// Its name on pages.
    pub name: String,
    /// The build's files.
    pub assets: Assets,
    /// Where the platform's authorization server lives.
    pub authority: Origin,
    /// Where the platform's first relying party lives.
    pub notes: Origin,
    /// Where its second one lives.
    pub tasks: Origin,
}

/// The lab of one platform. Clones are the same lab.
#[derive(Clone)]
pub struct Lab(Arc<Parts>);

struct Parts {
    settings: Settings,
    context: Context,
}

impl Lab {
    /// A lab.
    #[must_use]
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, random: Arc<dyn Randomness>) -> Self {
        let frame = Frame {
            brand: Brand {
                name: settings.name.clone(),
                party: Party::Lab,
            },
            assets: settings.assets.clone(),
        };
        let context = Context::new(settings.origin.clone(), clock, random, frame);
        Self(Arc::new(Parts { settings, context }))
    }

    /// What comes with each request to this site.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.0.context
    }
}

impl std::fmt::Debug for Lab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lab({})", self.0.settings.origin)
    }
}

/// Everything that the site answers.
pub fn router() -> Router {
    layers::protect(layers::pages(Router::new().route("/", get(start))))
}

async fn start(At(lab): At<Lab>, page: Page) -> Response {
    let Parts { settings, context } = &*lab.0;
    let model = Start {
        authority_origin: settings.authority.to_string(),
        notes_origin: settings.notes.to_string(),
        tasks_origin: settings.tasks.to_string(),
    };
    let frame = context.frame.clone();
    page.show_with_islands(move || {
        let model = model.clone();
        frame
            .clone()
            .page("Start", true, view! { <StartPage model /> })
    })
    .await
}
