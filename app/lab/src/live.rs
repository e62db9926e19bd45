//! A handoff that is still under way, drawn in the browser by the code that drew it on the server.

#![expect(
    missing_docs,
    reason = "the macro makes a struct of the island's parameters and gives it no comment"
)]

use handoff::flow::Event;
use leptos::prelude::*;

use crate::{
    diagram::{Diagram, Names, Outcome, readable, svg, text},
    message,
    stream::{Line, listen},
};
use ui::components::{
    icon::{Glyph, Icon},
    notice::Tone,
};

/// The picture of a handoff and its messages. It is complete without a script; with one, steps are
/// added as they happen, and the keyboard walks from message to message.
#[island]
pub fn LiveFlow(
    /// What was recorded so far.
    events: Vec<Event>,
    /// What the parties are called.
    names: Names,
    /// Where more comes from.
    stream: Option<String>,
) -> impl IntoView {
    let events = RwSignal::new(events);
    let waiting = RwSignal::new(Vec::<Event>::new());
    let paused = RwSignal::new(false);
    let selected = RwSignal::new(None::<usize>);
    let line = RwSignal::new(if stream.is_some() {
        Line::Open
    } else {
        Line::Over
    });
    let live = RwSignal::new(false);
    let is_stream = stream.is_some();
    let diagram = Memo::new(move |_| events.with(|events| Diagram::of(events, &names)));
    let open = move || selected.get().or_else(|| diagram.with(first_open));

    // Effects run in the browser only.
    Effect::new(move || {
        live.set(true);
        // Opened before the script was there, or by the page's address.
        let by_itself = diagram.with_untracked(first_open);
        if let Some(number) = opened().filter(|number| by_itself != Some(*number)) {
            selected.set(Some(number));
        }
        if let Some(stream) = &stream {
            listen(stream, line, move |event: Event| {
                let event = readable(event);
                if paused.get_untracked() {
                    let is_drawn = events.with_untracked(|events| events.contains(&event));
                    if !is_drawn {
                        waiting.update(|waiting| add(waiting, event));
                    }
                } else {
                    events.update(|events| add(events, event));
                }
            });
        }
    });
    // Beside the picture, the messages are a box of their own: what opens by itself may be far down
    // in it.
    let by_itself = Memo::new(move |_| diagram.with(first_open));
    Effect::new(move || {
        if let (Some(number), None) = (by_itself.get(), selected.get_untracked()) {
            show_in_box(number);
        }
    });
    let pause = move || {
        let goes_on = paused.get_untracked();
        paused.set(!goes_on);
        if goes_on {
            let waited = waiting.try_update(std::mem::take).unwrap_or_default();
            events.update(|events| waited.into_iter().for_each(|event| add(events, event)));
        }
    };

    let controls = move || {
        live.get().then(|| {
            view! {
                <div class="flow-controls">
                    {is_stream
                        .then(|| {
                            view! {
                                <button class="button" type="button" on:click=move |_| pause()>
                                    {move || if paused.get() { "Go on" } else { "Pause" }}
                                </button>
                            }
                        })}
                    <p class="flow-keys">
                        "In the picture, arrow keys walk from message to message, "
                        <kbd>"1"</kbd> " to " <kbd>"9"</kbd> " jump"
                        {is_stream.then(|| view! { ", " <kbd>"p"</kbd> " pauses" })} "."
                    </p>
                    <p class="flow-waiting">
                        {move || {
                            let count = waiting.with(Vec::len);
                            (paused.get() && count > 0).then(|| format!("{count} waiting"))
                        }}
                    </p>
                </div>
            }
            .into_any()
        })
    };
    let is_over = Memo::new(move |_| diagram.with(|it| it.outcome != Outcome::UnderWay));
    let status = move || match (live.get() && is_stream, paused.get(), line.get()) {
        (false, ..) if is_stream => "Load this page again to see what came after this.",
        (false, ..) => "",
        (_, true, _) => "Paused. What happens meanwhile waits.",
        (_, _, Line::Open) if is_over.get() => "Finished. What still comes is added here.",
        (_, _, Line::Open) => "Live: steps appear as they happen.",
        (_, _, Line::Broken) => "The connection broke. The browser is trying again.",
        (_, _, Line::Lost) => "The connection is gone. Load the page again to go on.",
        (_, _, Line::Over) => "This handoff is over.",
    };
    let picture = move || diagram.with(|diagram| svg::drawing(diagram, open()));
    let messages = move || diagram.with(|diagram| message::messages(diagram, open()));
    let words = move || diagram.with(text::list);
    let outcome = move || diagram.with(outcome);
    view! {
        <div
            class="flow-live"
            on:click=move |event| {
                if let Some(number) = clicked(&event) {
                    event.prevent_default();
                    let closes = open() == Some(number) && is_summary(&event);
                    selected.set(Some(if closes { 0 } else { number }));
                    if !closes {
                        reveal(number);
                    }
                }
            }
        >
            <div role="status">{outcome}</div>
            <p class="flow-status" role="status">
                {status}
            </p>
            {controls}
            <div class="flow-columns">
                <section
                    class="flow-picture"
                    aria-label="Picture"
                    on:keydown=move |event| {
                        let count = diagram.with_untracked(|diagram| diagram.entries.len());
                        let at = marked(&event).or_else(open).unwrap_or_default();
                        match key(&event, at, count) {
                            Some(Key::Pause) if is_stream => {
                                event.prevent_default();
                                pause();
                            }
                            Some(Key::To(number)) => {
                                event.prevent_default();
                                selected.set(Some(number));
                                focus(number);
                                reveal(number);
                            }
                            _ => {}
                        }
                    }
                >
                    {picture}
                    <details class="flow-words">
                        <summary>"The same in words"</summary>
                        {words}
                    </details>
                </section>
                <section class="flow-list" aria-labelledby="messages-heading">
                    <h2 id="messages-heading">"Messages"</h2>
                    {messages}
                </section>
            </div>
        </div>
    }
    .into_any()
}

/// What is open as long as nobody has chosen: the refusal, if there is one.
fn first_open(diagram: &Diagram) -> Option<usize> {
    let refused = diagram.entries.iter().find(|entry| entry.refused());
    let entry = refused.or_else(|| diagram.entries.first());
    entry.map(|entry| entry.number)
}

fn outcome(diagram: &Diagram) -> AnyView {
    let tone = diagram.outcome.tone();
    let icon = match diagram.outcome {
        Outcome::UnderWay => Icon::Clock,
        _ => tone.icon(),
    };
    debug_assert!(tone != Tone::Neutral || diagram.outcome == Outcome::UnderWay);
    let sentence = text::outcome(diagram);
    view! {
        <div class="notice" data-tone=tone.slug()>
            <Glyph icon />
            <p class="notice-body">{sentence}</p>
        </div>
    }
    .into_any()
}

/// Adds what is new. After a break, the stream may repeat what was there before it.
fn add(events: &mut Vec<Event>, event: Event) {
    if !events.contains(&event) {
        events.push(event);
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// Stop, or go on.
    Pause,
    /// Go to the message of this number.
    To(usize),
}

/// What a key of this name means, from the message where one is, of so many.
fn meaning(key: &str, at: usize, count: usize) -> Option<Key> {
    let to = match key {
        "p" => return Some(Key::Pause),
        "ArrowDown" | "ArrowRight" => at + 1,
        "ArrowUp" | "ArrowLeft" => at.saturating_sub(1),
        digit => digit.parse().ok().filter(|_| digit.len() == 1)?,
    };
    (1..=count).contains(&to).then_some(Key::To(to))
}

/// What a key means here: nothing together with others, which are the browser's own.
fn key(event: &web_sys::KeyboardEvent, at: usize, count: usize) -> Option<Key> {
    let alone = !(event.ctrl_key() || event.alt_key() || event.meta_key());
    alone.then(|| meaning(&event.key(), at, count)).flatten()
}

/// The number of the message whose link or heading was clicked.
fn clicked(event: &web_sys::MouseEvent) -> Option<usize> {
    use wasm_bindgen::JsCast as _;
    if event.ctrl_key() || event.meta_key() || event.shift_key() {
        return None;
    }
    let target: web_sys::Element = event.target()?.dyn_into().ok()?;
    let closest = |selector| target.closest(selector).ok().flatten();
    let number = if let Some(link) = closest(".flow-mark") {
        link.get_attribute("href")?.strip_prefix("#m")?.to_owned()
    } else {
        let message = closest(".flow-message > summary")?.parent_element()?;
        message.id().strip_prefix('o')?.to_owned()
    };
    number.parse().ok()
}

fn is_summary(event: &web_sys::MouseEvent) -> bool {
    use wasm_bindgen::JsCast as _;
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|target| matches!(target.closest("summary"), Ok(Some(_))))
}

/// The number of the message whose mark has the focus.
fn marked(event: &web_sys::KeyboardEvent) -> Option<usize> {
    use wasm_bindgen::JsCast as _;
    let target: web_sys::Element = event.target()?.dyn_into().ok()?;
    let mark = target.closest(".flow-mark").ok()??;
    mark.get_attribute("href")?.strip_prefix("#m")?.parse().ok()
}

/// The number of the message that is open on the page.
fn opened() -> Option<usize> {
    let message = document().query_selector(".flow-message[open]").ok()??;
    message.id().strip_prefix('o')?.parse().ok()
}

/// Moves the focus to a message in the drawing that is shown.
fn focus(number: usize) {
    use wasm_bindgen::JsCast as _;
    let marks = document().query_selector_all(&format!(".flow-mark[href='#m{number}']"));
    let Ok(marks) = marks else { return };
    for mark in (0..marks.length()).filter_map(|index| marks.item(index)) {
        if let Ok(mark) = mark.dyn_into::<web_sys::SvgElement>()
            && mark.get_bounding_client_rect().width() > 0.0
        {
            // A mark that cannot take the focus leaves it where it is.
            let _ = mark.focus();
        }
    }
}

/// Brings a message into view, once it is open.
fn reveal(number: usize) {
    request_animation_frame(move || {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        if let Some(message) = document().get_element_by_id(&format!("o{number}")) {
            message.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
}

/// Scrolls the box of messages to one of them, and never the page.
fn show_in_box(number: usize) {
    request_animation_frame(move || {
        let list = document().query_selector(".flow-list").ok().flatten();
        let message = document().get_element_by_id(&format!("o{number}"));
        if let (Some(list), Some(message)) = (list, message)
            && list.scroll_height() > list.client_height()
        {
            let from_its_top =
                message.get_bounding_client_rect().top() - list.get_bounding_client_rect().top();
            list.set_scroll_top(list.scroll_top() + from_its_top as i32);
        }
    });
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn keys_walk_jump_and_pause_and_never_leave_the_messages() {
        for (key, at, expected) in [
            ("ArrowDown", 1, Some(Key::To(2))),
            ("ArrowRight", 11, Some(Key::To(12))),
            ("ArrowDown", 12, None),
            ("ArrowUp", 2, Some(Key::To(1))),
            ("ArrowLeft", 1, None),
            ("ArrowDown", 0, Some(Key::To(1))),
            ("9", 1, Some(Key::To(9))),
            ("0", 1, None),
            ("12", 1, None),
            ("p", 1, Some(Key::Pause)),
            ("x", 1, None),
        ] {
            assert_eq!(meaning(key, at, 12), expected, "{key} at {at}");
        }
        assert_eq!(meaning("5", 1, 4), None);
    }
}
