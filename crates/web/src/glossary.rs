//! The glossary, the same on every site.

use axum::response::Response;
use leptos::prelude::*;
use ui::words::GlossaryPage;

use crate::{at::At, context::Context, page::Page};

pub(crate) async fn get(At(context): At<Context>, page: Page) -> Response {
    let frame = context.frame.clone();
    page.show(move || frame.page("Glossary", false, view! { <GlossaryPage /> }))
}
