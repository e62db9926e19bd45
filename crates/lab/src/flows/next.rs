//! Waits for the next handoff, and leads to it.

use axum::response::Response;
use lab_pages::next::{Next, NextPage};
use leptos::prelude::*;
use serde::Deserialize;
use web::{at::At, error_page::ErrorPage, page::Page, params::Params, redirect};

use super::list;
use crate::{AUTHORITY, Lab};

/// Since when.
#[derive(Deserialize)]
pub(crate) struct Since {
    /// The place of the newest flow when the waiting began; zero when there was none.
    after: Option<String>,
}

pub(crate) async fn get(
    At(lab): At<Lab>,
    Params(since): Params<Since>,
    page: Page,
) -> Result<Response, ErrorPage> {
    // One look at the store: a flow that came between two would be on no list that is waited for.
    let flows = list::newest(&lab, None).await?;
    let number = flows.first().map_or(0, |flow| flow.number.0);
    let Some(after) = since.after else {
        // From here on the address says it, for whoever loads the page again.
        return Ok(redirect::see_other(&format!("/flows/next?after={number}")));
    };
    let digits = after.bytes().all(|byte| byte.is_ascii_digit());
    let after: Option<i64> = after.parse().ok().filter(|_| digits);
    let after = after.ok_or_else(ErrorPage::bad_request)?;
    if let Some(flow) = flows.first().filter(|_| number > after) {
        return Ok(redirect::see_other(&format!("/flows/{}", flow.id)));
    }
    let rows = lab.drawings().list(list::rows(&lab, flows));
    let model = Next {
        after,
        stream: list::stream(&rows),
        authority_origin: lab.0.settings.origin_of(lab.0.settings.authority),
        authority_name: AUTHORITY.to_owned(),
    };
    let frame = lab.context().frame.clone();
    let show = move || {
        let model = model.clone();
        let frame = frame.clone();
        frame.page("The next handoff", true, view! { <NextPage model /> })
    };
    Ok(page.show_with_islands(show).await)
}
