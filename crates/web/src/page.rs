//! Showing a view: a whole document, rendered here, with the headers that such a page needs.

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{Html, IntoResponse, Response},
};
use handoff::uri::{LocalPath, Origin};
use http::{Request, StatusCode, request::Parts};
use leptos::{
    IntoView,
    nonce::Nonce,
    prelude::{Owner, provide_context},
};
use ui::appearance::Surroundings;

use crate::csp::{CspNonce, FormTargets};

/// A page that is about to be shown. It is an extractor, so that a handler that shows nothing says
/// so in its signature.
#[derive(Clone, Debug)]
pub struct Page {
    nonce: CspNonce,
    status: StatusCode,
    form_targets: FormTargets,
    surroundings: Surroundings,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

impl Page {
    /// The page for a request with these extensions.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Self {
        let nonce = extensions.get::<CspNonce>().cloned();
        Self {
            nonce: nonce.unwrap_or_else(|| CspNonce(String::new())),
            status: StatusCode::OK,
            form_targets: FormTargets::default(),
            surroundings: extensions.get().cloned().unwrap_or_default(),
        }
    }

    /// Answers with this status instead of 200.
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Leads back to this path of the site when the reader has chosen another look. Otherwise that is
    /// the path of the page itself, without its query, where secrets may stand, or the front page
    /// when the page answers a post.
    #[must_use]
    pub fn back_to(mut self, path: impl Into<String>) -> Self {
        let path = path.into();
        // A form with more than a path may have is refused.
        if path.len() <= LocalPath::MAX_LENGTH {
            self.surroundings.back = path;
        }
        self
    }

    /// Lets the page's forms end at these origins too.
    #[must_use]
    pub fn forms_end_at(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.form_targets.0.extend(origins);
        self
    }

    /// Renders the view, a whole document without islands: not one script is on it.
    pub fn show<V: IntoView + 'static>(self, view: impl FnOnce() -> V) -> Response {
        let surroundings = self.surroundings.clone();
        let html = Owner::new().with(|| {
            provide_context(surroundings);
            view().to_html()
        });
        self.answer(Html(html).into_response())
    }

    /// Renders the view, a whole document with islands, and what the browser needs to wake them.
    pub async fn show_with_islands<V: IntoView + 'static>(
        self,
        view: impl Fn() -> V + Clone + Send + Sync + 'static,
    ) -> Response {
        // Leptos asks for a runtime once per process; a second call changes nothing.
        let _ = any_spawner::Executor::init_tokio();
        let nonce = self.nonce.0.clone();
        let surroundings = self.surroundings.clone();
        // Leptos sees no request: views get what they show, and ask for nothing.
        let render = leptos_axum::render_app_async_with_context(
            move || {
                provide_context(Nonce::from_value(nonce.clone()));
                provide_context(surroundings.clone());
            },
            view,
        );
        let response = render(Request::new(Body::empty())).await;
        self.answer(response)
    }

    fn answer(self, mut response: Response) -> Response {
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self.form_targets);
        response
    }
}
