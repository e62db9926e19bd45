//! The lab site, mounted only when the lab is on. It may know both parties; neither knows it.
//!
//! Today it has one page, the start; flows, attacks and lessons will each be a module of their own.

use std::sync::Arc;

use app::{
    error::{ErrorPage, ErrorText},
    lab::start::{Start, StartPage},
    shell::{Assets, Brand, Document, Party},
};
use axum::{Router, response::Response, routing::get};
use handoff::uri::Origin;
use leptos::prelude::*;
use web::{
    context::{At, Context, Explanation},
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
        let shell = Shell {
            name: settings.name.clone(),
            assets: settings.assets.clone(),
        };
        let context = Context {
            origin: settings.origin.clone(),
            clock,
            random,
            problem_view: Arc::new(move |problem| shell.problem(problem).into_any()),
        };
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
    let Settings {
        name,
        assets,
        authority,
        notes,
        ..
    } = lab.0.settings.clone();
    let model = Start {
        authority_origin: authority.to_string(),
        notes_origin: notes.to_string(),
    };
    let shell = Shell { name, assets };
    page.show(move || {
        let model = model.clone();
        shell
            .clone()
            .page("Start", true, view! { <StartPage model /> })
    })
    .await
}

#[derive(Clone)]
struct Shell {
    name: String,
    assets: Assets,
}

impl Shell {
    fn page(
        self,
        title: impl Into<String>,
        hydrate: bool,
        content: impl IntoView + 'static,
    ) -> impl IntoView {
        let brand = Brand {
            name: self.name,
            party: Party::Lab,
        };
        view! {
            <Document brand title=title.into() assets=self.assets hydrate>
                {content.into_any()}
            </Document>
        }
    }

    fn problem(&self, problem: Explanation) -> impl IntoView + use<> {
        let Explanation { title, text, trace } = problem;
        let action = Some(("/".to_owned(), format!("Go to {}", self.name)));
        let model = ErrorText {
            title: title.clone(),
            text,
            action,
            trace,
        };
        self.clone()
            .page(title, false, view! { <ErrorPage model /> })
    }
}
