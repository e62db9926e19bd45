//! The application *Tasks*: what a person wants to do, and has done.

pub(crate) mod delete;
pub(crate) mod tick;

use app::relying_party::tasks::{TaskView, Tasks, TasksPage};
use axum::{http::StatusCode, response::Response};
use handoff::ids::ItemId;
use leptos::prelude::*;
use serde::Deserialize;
use web::{context::At, form::Protected, page::Page, problem::Problem, redirect};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInTexts},
    store::{Added, ITEMS_PER_PERSON, Task},
    text::{Rule, with_line_feeds},
};

/// One line: a task is an aim, not its plan.
const TEXT: Rule = Rule {
    what: "task",
    max: 200,
    lines: false,
};

/// What stands in the form for a new task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    text: String,
    error: Option<String>,
}

/// The page with a person's tasks.
///
/// # Errors
/// [`Problem::unavailable`] when the store cannot be reached.
pub(crate) async fn show(
    site: &RelyingParty,
    signed_in: &SignedIn,
    draft: Draft,
    page: Page,
) -> Result<Response, Problem> {
    let tasks = site.store.list_tasks(&signed_in.owner()).await;
    let tasks = tasks.map_err(Problem::unavailable)?;
    let (done, open): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| task.done);
    let model = Tasks {
        person: signed_in.person(),
        authority_name: site.settings.authority_name.clone(),
        csrf: signed_in.csrf(site),
        open: open.into_iter().map(view).collect(),
        done: done.into_iter().map(view).collect(),
        draft_error: draft.error,
        draft: draft.text,
    };
    let frame = site.frame.clone();
    Ok(page.show(move || frame.page("Your tasks", false, view! { <TasksPage model /> })))
}

fn view(task: Task) -> TaskView {
    TaskView {
        id: task.id.to_string(),
        text: task.text,
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct NewTask {
    text: String,
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    page: Page,
    Protected { fields, .. }: Protected<NewTask, SignedInTexts>,
) -> Result<Response, Problem> {
    site.admit_write(&signed_in)?;
    let error = match TEXT.parse(&fields.text) {
        Ok(text) => {
            let task = Task {
                id: ItemId::mint(site.context.random.bytes()),
                text,
                done: false,
                created_at: site.context.now(),
            };
            let added = site.store.add_task(&signed_in.owner(), task).await;
            match added.map_err(Problem::unavailable)? {
                Added::Yes => return Ok(redirect::see_other("/")),
                Added::Full => {
                    format!(
                        "You have {ITEMS_PER_PERSON} tasks, the most there can be. Delete one first."
                    )
                }
            }
        }
        Err(error) => error.to_string(),
    };
    let draft = Draft {
        text: with_line_feeds(&fields.text),
        error: Some(error),
    };
    let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
    show(&site, &signed_in, draft, page).await
}
