//! A form that brings a text: an extractor that loses none.
//!
//! What a person wrote is worth more than the request that brought it. Where the request cannot proceed,
//! because a session ended, somebody else signed in, or something is away, the answer is a page that keeps
//! the text. It travels in that page alone: nothing is stored for somebody who is not signed in.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use leptos::prelude::*;
use pages::relying_party::{
    items::PageNumber,
    kept::{Kept, KeptForm},
};
use serde::Deserialize;
use ui::components::field::FormKey;
use web::{
    at::At,
    error_page::ErrorPage,
    form::{MaybeStale, Protected},
};

use super::{FromPage, resume, shown_form::ShownForm};
use crate::{
    RelyingParty,
    identity::{MaybeSignedIn, SignedIn, SignedInTexts},
    target,
    text::with_line_feeds,
};

/// A text that somebody who is signed in sent by a form of theirs.
#[derive(Debug)]
pub(crate) struct TextPost {
    pub(crate) signed_in: SignedIn,
    pub(crate) text: String,
    pub(crate) place: PageNumber,
    /// The form, where one was shown: a client that is no browser sends none.
    pub(crate) form: Option<ShownForm>,
    /// The form is of a session that has ended, and is shown again: nothing is done by it.
    pub(crate) is_of_ended_session: bool,
    keeper: Keeper,
}

/// All that a form may bring. To be served it must bring a text.
#[derive(Debug, Deserialize)]
struct Sent {
    text: Option<String>,
    form: Option<String>,
    kept: Option<String>,
    page: Option<String>,
    csrf: Option<String>,
}

/// What it takes to show a form once more.
#[derive(Clone, Debug)]
struct Keeper {
    site: RelyingParty,
    /// The address that the form was sent to.
    action: Arc<str>,
}

impl Keeper {
    fn keep(&self, problem: ErrorPage, kept: Kept) -> ErrorPage {
        problem.keeping(move || {
            let model = kept.clone();
            view! { <KeptForm model /> }.into_any()
        })
    }

    /// Nobody is signed in. A text that the request brought was on the screen a moment ago, and stays there.
    /// One that came sealed is not opened for whoever has the page now.
    fn signed_out(&self, form: ShownForm, text: String, came_sealed: bool) -> ErrorPage {
        let Self { site, action } = self;
        let name = site.settings.name();
        let noun = site.settings.application.kind().noun();
        let problem = ErrorPage::signed_out().in_words(
            format!("You are signed out of {name}"),
            format!(
                "Your {noun} was not saved. It is kept on this page as long as the page is open."
            ),
        );
        let kept = Kept::SignedOut {
            text: (!came_sealed).then(|| with_line_feeds(&text)),
            action: action.to_string(),
            sealed: form.filled(text).seal(site),
            sign_in: target::address(resume::PATH),
            authority_name: site.settings.authority_name.clone(),
        };
        self.keep(problem, kept)
    }

    /// Somebody else is signed in, who is shown nothing of it.
    fn somebody_else(&self, form: ShownForm, text: String) -> ErrorPage {
        let Self { site, action } = self;
        let noun = site.settings.application.kind().noun();
        let problem = ErrorPage::stale_form().in_words(
            "Somebody else is signed in now",
            format!(
                "This form belongs to another account, so the {noun} was not saved. What was \
                 written is kept on this page, sealed. To get it back, sign in as the person who \
                 wrote it, in another tab, then come back here and choose Continue."
            ),
        );
        let kept = Kept::SomebodyElse {
            action: action.to_string(),
            sealed: form.filled(text).seal(site),
        };
        self.keep(problem, kept)
    }

    /// The same form once more, for the person who sent it.
    fn again(
        &self,
        problem: ErrorPage,
        csrf: FormKey,
        form: String,
        text: &str,
        place: PageNumber,
    ) -> ErrorPage {
        let kept = Kept::Again {
            kind: self.site.settings.application.kind(),
            text: with_line_feeds(text),
            action: self.action.to_string(),
            csrf,
            form,
            place,
        };
        self.keep(problem, kept)
    }
}

impl TextPost {
    /// Shows the form once more, with what stands in the way of the request.
    pub(crate) fn keep(&self, problem: ErrorPage) -> ErrorPage {
        let Keeper { site, .. } = &self.keeper;
        let csrf = self.signed_in.csrf(site);
        let form = self.form.as_ref().map(|form| form.seal(site));
        let form = form.unwrap_or_default();
        self.keeper
            .again(problem, csrf, form, &self.text, self.place)
    }
}

impl<S: Send + Sync> FromRequest<S> for TextPost {
    type Rejection = ErrorPage;

    async fn from_request(request: Request, state: &S) -> Result<Self, ErrorPage> {
        let (mut parts, body) = request.into_parts();
        let request = Request::from_parts(parts.clone(), body);
        // What is no form, or says something twice, is refused whole, whoever asks.
        let form = MaybeStale::<Sent, SignedInTexts>::from_request(request, state).await?;
        let (sent, belongs) = match form {
            MaybeStale::Protected(Protected { fields, .. }) => (fields, true),
            MaybeStale::Stale(fields) => (fields, false),
        };
        let At(site) = At::<RelyingParty>::from_request_parts(&mut parts, state).await?;
        let signed_in = MaybeSignedIn::from_request_parts(&mut parts, state).await;
        let place = FromPage { page: sent.page }.place();
        let keeper = Keeper {
            site: site.clone(),
            action: parts.uri.path().into(),
        };
        let open = |sealed: &str| ShownForm::open(&site, sealed);
        let form = sent.form.as_deref().and_then(open);
        let given_back = sent.kept.as_deref().and_then(open);

        let fit = match sent.text.clone() {
            _ if !belongs => Err(ErrorPage::stale_form()),
            None => Err(ErrorPage::bad_request()),
            Some(text) => Ok(text),
        };
        let (fit, signed_in) = match (fit, signed_in) {
            (fit, Ok(MaybeSignedIn(signed_in))) => (fit, signed_in),
            // Whose session it is cannot be told, but the form came with the token of its cookie.
            (Ok(text), Err(problem)) => {
                let csrf = FormKey {
                    csrf: sent.csrf.unwrap_or_default(),
                    person: String::new(),
                };
                let form = sent.form.unwrap_or_default();
                return Err(keeper.again(problem, csrf, form, &text, place));
            }
            (Err(_), Err(problem)) => return Err(problem),
        };
        let came_sealed = given_back.is_some();
        let (form, text) = match (form, given_back, sent.text) {
            (_, Some(form), _) => {
                let text = form.text.clone().unwrap_or_default();
                (Some(form), Some(text))
            }
            (form, None, text) => (form, text),
        };
        match (signed_in, fit, form, text) {
            (Some(signed_in), Ok(text), form, _)
                if form
                    .as_ref()
                    .is_none_or(|form| form.belongs_to(&signed_in.owner())) =>
            {
                Ok(Self {
                    signed_in,
                    text,
                    place,
                    form,
                    is_of_ended_session: false,
                    keeper,
                })
            }
            (Some(signed_in), _, Some(form), Some(text)) if form.belongs_to(&signed_in.owner()) => {
                Ok(Self {
                    signed_in,
                    text,
                    place,
                    form: Some(form),
                    is_of_ended_session: true,
                    keeper,
                })
            }
            (Some(_), _, Some(form), Some(text)) => Err(keeper.somebody_else(form, text)),
            (Some(_), Err(problem), ..) => Err(problem),
            (Some(_), Ok(_), ..) => Err(ErrorPage::bad_request()),
            (None, _, Some(form), Some(text)) => Err(keeper.signed_out(form, text, came_sealed)),
            (None, ..) => {
                Err(ErrorPage::signed_out().leading_to(target::address("/"), target::label(&site)))
            }
        }
    }
}
