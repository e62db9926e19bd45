//! A person's tasks: what is to do, and below it what is done.

use crate::relying_party::item::{FromPage, ItemActions, ItemView, Kind, PageNumber};
use leptos::prelude::*;
use ui::components::{
    field::{CsrfToken, FormKey},
    icon::{Glyph, Icon},
};

/// What is to do, and below it what is done.
#[component]
pub fn TaskLists(
    /// The tasks, in the order to show.
    tasks: Vec<ItemView>,
    /// The page that they are on.
    place: PageNumber,
    /// The CSRF token for the forms.
    csrf: FormKey,
) -> impl IntoView {
    let (done, open): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| task.done);
    let to_do = match (open.is_empty(), place) {
        (false, _) => view! { <TaskList tasks=open place csrf=csrf.clone() /> }.into_any(),
        (true, PageNumber(0)) => view! { <p class="muted">"Nothing left to do."</p> }.into_any(),
        // What is to do stands on a page before.
        (true, _) => ().into_any(),
    };
    let finished = (!done.is_empty()).then(|| {
        view! {
            <section class="stack" aria-labelledby="done-heading">
                <h2 id="done-heading">"Done"</h2>
                <TaskList tasks=done place csrf />
            </section>
        }
    });
    view! {
        {to_do}
        {finished}
    }
}

#[component]
fn TaskList(tasks: Vec<ItemView>, place: PageNumber, csrf: FormKey) -> impl IntoView {
    let items = tasks
        .into_iter()
        .map(|task| view! { <Task task place csrf=csrf.clone() /> })
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
fn Task(task: ItemView, place: PageNumber, csrf: FormKey) -> impl IntoView {
    let named = task.first_words();
    let ItemView { id, text, done, .. } = task;
    let (icon, verb) = if done {
        (Icon::TickedSquare, "Mark not done")
    } else {
        (Icon::Square, "Mark done")
    };
    let tick = format!("{verb}: {named}");
    let shown = if done {
        view! { <s>{text}</s> }.into_any()
    } else {
        view! { <span>{text}</span> }.into_any()
    };
    view! {
        <li class="task">
            <form method="post" action=format!("{}/{id}/tick", Kind::Task.path())>
                <CsrfToken key=csrf.clone() />
                <FromPage place />
                <input type="hidden" name="done" value=(!done).to_string() />
                <button class="button button--quiet" type="submit" aria-label=tick>
                    <Glyph icon />
                </button>
            </form>
            <p class="task-text">{shown}</p>
            <ItemActions kind=Kind::Task id named place csrf />
        </li>
    }
}
