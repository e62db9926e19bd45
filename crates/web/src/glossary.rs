//! The glossary, the same on every site.

use app::words::GlossaryPage;
use axum::response::Response;
use leptos::prelude::*;

use crate::{
    context::{At, Context},
    page::Page,
};

pub(crate) async fn get(At(context): At<Context>, page: Page) -> Response {
    let frame = context.frame;
    page.show(move || frame.page("Glossary", false, view! { <GlossaryPage /> }))
}
