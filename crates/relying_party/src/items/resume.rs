//! Where a sign-in in another tab ends: the form that waits for it is in the tab before.

use axum::response::Response;
use leptos::prelude::*;
use pages::relying_party::kept::{Resume, ResumePage};
use web::{at::At, page::Page};

use crate::{RelyingParty, identity::SignedIn};

/// Its address.
pub(crate) const PATH: &str = "/resume";

pub(crate) async fn get(At(site): At<RelyingParty>, signed_in: SignedIn, page: Page) -> Response {
    let model = Resume {
        app_name: site.settings.name().to_owned(),
        person: signed_in.person(),
    };
    let frame = site.context.frame.clone();
    page.show(move || frame.page("Signed in again", false, view! { <ResumePage model /> }))
}
