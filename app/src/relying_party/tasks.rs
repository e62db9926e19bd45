//! The application itself: what a person wants to do.

use crate::{
    components::{
        field::{CsrfToken, TextLine},
        icon::{Glyph, Icon},
        identity::IdentityStrip,
        notice::{Alert, Tone},
    },
    person::Person,
};
use leptos::prelude::*;

/// The id of the message above the form.
const PROBLEM: &str = "problem";

/// What the tasks page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tasks {
    /// Who is signed in.
    pub person: Person,
    /// The authorization server's name: how they came here.
    pub authority_name: String,
    /// The CSRF token of this session.
    pub csrf: String,
    /// What is to do, in the order to show.
    pub open: Vec<TaskView>,
    /// What is done, in the order to show.
    pub done: Vec<TaskView>,
    /// Why the task that they just sent was not kept.
    pub draft_error: Option<String>,
    /// The text of that task, so that nothing is lost.
    pub draft: String,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// Its id, which is a part of the addresses that change it.
    pub id: String,
    /// The text as it was written.
    pub text: String,
}

/// A form for a new task, what is to do, and below it what is done.
#[component]
pub fn TasksPage(
    /// What to show.
    model: Tasks,
) -> impl IntoView {
    let Tasks {
        person,
        authority_name,
        csrf,
        open,
        done,
        draft_error,
        draft,
    } = model;
    let problem = draft_error.is_some().then_some(PROBLEM);
    let to_do = match (open.is_empty(), done.is_empty()) {
        (true, true) => view! {
            <div class="empty">
                <p>"No tasks yet."</p>
                <p class="muted">"Add your first one above. It appears here."</p>
            </div>
        }
        .into_any(),
        (true, false) => view! { <p class="muted">"Nothing left to do."</p> }.into_any(),
        (false, _) => view! { <TaskList tasks=open done=false csrf=csrf.clone() /> }.into_any(),
    };
    let finished = (!done.is_empty()).then(|| {
        view! {
            <section class="stack" aria-labelledby="done-heading">
                <h2 id="done-heading">"Done"</h2>
                <TaskList tasks=done done=true csrf=csrf.clone() />
            </section>
        }
    });

    view! {
        <IdentityStrip person note=format!("via {authority_name}") csrf=csrf.clone() />
        <div class="page page--text">
            <h1>"Your tasks"</h1>
            {draft_error
                .map(|text| {
                    view! {
                        <Alert tone=Tone::Neutral id=PROBLEM>
                            <p>{text}</p>
                        </Alert>
                    }
                })}
            <form class="stack" method="post" action="/tasks">
                <CsrfToken token=csrf />
                <TextLine label="New task" name="text" value=draft problem />
                <div class="actions">
                    <button class="button button--main" type="submit">
                        "Add task"
                    </button>
                </div>
            </form>
            {to_do}
            {finished}
        </div>
    }
}

#[component]
fn TaskList(tasks: Vec<TaskView>, done: bool, csrf: String) -> impl IntoView {
    let items = tasks
        .into_iter()
        .map(|task| view! { <Task task done csrf=csrf.clone() /> })
        .collect_view();
    view! {
        <ul class="tasks" role="list">
            {items}
        </ul>
    }
}

/// The button in front is a form like every other, and its name says what it does: a checkbox would
/// need a script to be sent, or a second button to send it.
#[component]
fn Task(task: TaskView, done: bool, csrf: String) -> impl IntoView {
    let TaskView { id, text } = task;
    let (icon, verb) = if done {
        (Icon::TickedSquare, "Mark not done")
    } else {
        (Icon::Square, "Mark done")
    };
    let tick = format!("{verb}: {text}");
    let delete = format!("Delete task: {text}");
    let shown = if done {
        view! { <s>{text}</s> }.into_any()
    } else {
        view! { <span>{text}</span> }.into_any()
    };
    view! {
        <li class="task">
            <form method="post" action=format!("/tasks/{id}/tick")>
                <CsrfToken token=csrf.clone() />
                <input type="hidden" name="done" value=(!done).to_string() />
                <button class="button button--quiet" type="submit" aria-label=tick>
                    <Glyph icon />
                </button>
            </form>
            <p class="task-text">{shown}</p>
            <form method="post" action=format!("/tasks/{id}/delete")>
                <CsrfToken token=csrf />
                <button class="button button--quiet" type="submit" aria-label=delete>
                    <Glyph icon=Icon::Bin />
                    <span class="task-delete">"Delete"</span>
                </button>
            </form>
        </li>
    }
}
