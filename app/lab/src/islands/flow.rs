//! The island of a handoff's page.
//!
//! The server draws the picture, the messages, the words and the outcome (`crate::drawn`). The island
//! puts new ones into their places; it keeps the focus, handles keys and decides which message is open.

use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{Element, Event, HtmlElement, KeyboardEvent, MouseEvent};

use super::{
    place,
    stream::{Line, listen},
};

/// The id of the part with the outcome. Its attributes say how many messages and steps are drawn, which
/// message is open until the reader chooses one, and whether the handoff is over.
pub(crate) const OUTCOME: &str = "flow-outcome";
const MESSAGES: &str = "data-messages";
const STEPS: &str = "data-steps";
const DECISIVE: &str = "data-decisive";
const OVER: &str = "data-over";

/// The status and the controls of a handoff's page. Without a script the page is complete; with one,
/// steps are added as they happen, and the keyboard walks from message to message.
#[island]
pub fn FlowControls(
    /// Where more comes from.
    stream: Option<String>,
) -> impl IntoView {
    let is_stream = stream.is_some();
    let line = RwSignal::new(if is_stream { Line::Open } else { Line::Over });
    let live = RwSignal::new(false);
    let page = Page {
        chosen: RwSignal::new(None),
        paused: RwSignal::new(false),
        waiting: RwSignal::new(Vec::new()),
        late: RwSignal::new(0),
        is_over: RwSignal::new(false),
    };
    // Effects run in the browser only.
    Effect::new(move || {
        live.set(true);
        page.begin(is_stream);
        if let Some(stream) = &stream {
            listen(stream, line, move |html| page.take(html));
        }
    });

    let status = move || match (live.get() && is_stream, page.paused.get(), line.get()) {
        (false, ..) if is_stream => "Load this page again to see what came after this.",
        (false, ..) => "",
        (_, true, line) if line != Line::Lost => "Paused. New steps wait until you go on.",
        (.., Line::Over) => "This handoff is over.",
        (.., line) => line.sentence(if page.is_over.get() {
            "Complete. Later steps appear here too."
        } else {
            "Live: steps appear as they happen."
        }),
    };
    let controls = move || live.get().then(|| controls(page, is_stream));
    view! {
        <p class="flow-status" role="status">
            {status}
        </p>
        {controls}
    }
    .into_any()
}

fn controls(page: Page, is_stream: bool) -> AnyView {
    let pause = is_stream.then(|| {
        view! {
            <button class="button" type="button" on:click=move |_| page.pause()>
                {move || if page.paused.get() { "Go on" } else { "Pause" }}
            </button>
        }
    });
    let waiting = move || {
        let count = page.late.get();
        (page.paused.get() && count > 0).then(|| format!("{count} waiting"))
    };
    view! {
        <div class="flow-controls">
            {pause}
            <p class="flow-keys">
                "In the picture, arrow keys walk from message to message, "
                <kbd>"1"</kbd> " to " <kbd>"9"</kbd> " jump"
                {is_stream.then(|| view! { ", " <kbd>"p"</kbd> " pauses" })} "."
            </p>
            <p class="flow-waiting">{waiting}</p>
        </div>
    }
    .into_any()
}

/// The state of the page.
#[derive(Clone, Copy)]
struct Page {
    /// The message that the reader has chosen; zero for none of them.
    chosen: RwSignal<Option<usize>>,
    paused: RwSignal<bool>,
    /// The parts that arrived while it was paused: of each the newest, by its id.
    waiting: RwSignal<Vec<(String, String)>>,
    /// How many steps are in them.
    late: RwSignal<usize>,
    is_over: RwSignal<bool>,
}

impl Page {
    fn begin(self, is_stream: bool) {
        let by_itself = fact(DECISIVE);
        // Opened before the script was there, or by the page's address.
        if let Some(number) = opened().filter(|number| Some(*number) != by_itself) {
            self.chosen.set(Some(number));
        }
        self.is_over.set(is_over());
        mark(self.open());
        if let (Some(number), None) = (by_itself, self.chosen.get_untracked()) {
            show_in_box(number);
        }
        on("click", move |event: MouseEvent| self.clicked(&event));
        on("toggle", move |event: Event| self.toggled(&event));
        on("keydown", move |event: KeyboardEvent| {
            self.pressed(&event, is_stream);
        });
    }

    /// The message that is to be open.
    fn open(self) -> usize {
        let chosen = self.chosen.get_untracked();
        chosen.or_else(|| fact(DECISIVE)).unwrap_or_default()
    }

    fn choose(self, number: usize) {
        self.chosen.set(Some(number));
        mark(number);
    }

    /// Takes parts that arrived.
    fn take(self, html: String) {
        if !self.paused.get_untracked() {
            self.place(&html);
            return;
        }
        let Some(new) = place::read(&html) else {
            return;
        };
        if let Some(steps) = steps_in(&new) {
            let drawn = fact(STEPS).unwrap_or_default();
            self.late.set(steps.saturating_sub(drawn));
        }
        self.waiting.update(|waiting| {
            for part in place::elements(&new) {
                waiting.retain(|(id, _)| *id != part.id());
                waiting.push((part.id(), part.outer_html()));
            }
        });
    }

    fn place(self, html: &str) {
        let before = fact(DECISIVE);
        let focused = document().active_element();
        for part in place::read(html).iter().flat_map(place::elements) {
            match document().get_element_by_id(&part.id()) {
                Some(old) => place::update(&old, &part),
                // Of the parts, only messages are added.
                None => add_message(&part),
            }
        }
        remove_messages_after(fact(MESSAGES).unwrap_or_default());
        self.is_over.set(is_over());
        mark(self.open());
        if let Some(element) = focused {
            if !element.is_connected() {
                // Its message is gone, as when a merge puts another in its place.
                focus(fact(MESSAGES).unwrap_or_default());
            } else if let Some(heading) = heading_of_closed(&element) {
                // What is inside a closed message cannot keep the focus.
                let _ = heading.focus();
            }
        }
        // Beside the picture, the messages are a box of their own: what opens by itself may be far
        // down in it.
        if let (Some(number), None) = (fact(DECISIVE), self.chosen.get_untracked())
            && Some(number) != before
        {
            show_in_box(number);
        }
    }

    /// Pauses, or goes on with the parts that waited.
    fn pause(self) {
        let goes_on = self.paused.get_untracked();
        self.paused.set(!goes_on);
        if goes_on {
            self.late.set(0);
            let waited = self.waiting.try_update(std::mem::take).unwrap_or_default();
            let parts: String = waited.into_iter().map(|(_, html)| html).collect();
            self.place(&parts);
        }
    }

    /// The browser opens a message by itself too, as when it finds a text in it or follows a link to it: then
    /// the reader has chosen it. What [`mark`] did is as it should be already.
    fn toggled(self, event: &Event) {
        let Some(message) = closest(event, ".flow-message") else {
            return;
        };
        let number = numbered(&message);
        let is_open = message.has_attribute("open");
        let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
        if target.as_ref() != Some(&message) {
            // Whoever opens a box inside a message reads it, and is not led away from it.
            if let Some(number) = number.filter(|_| is_open) {
                self.choose(number);
            }
            return;
        }
        match number {
            Some(number) if is_open && number != self.open() => self.choose(number),
            Some(number) if !is_open && number == self.open() => self.choose(0),
            _ => {}
        }
    }

    fn clicked(self, event: &MouseEvent) {
        let Some(number) = clicked(event) else { return };
        event.prevent_default();
        let closes = self.open() == number && closest(event, "summary").is_some();
        self.choose(if closes { 0 } else { number });
        if !closes {
            reveal(number);
        }
    }

    fn pressed(self, event: &KeyboardEvent, is_stream: bool) {
        if closest(event, ".flow-picture").is_none() {
            return;
        }
        let at = closest(event, ".flow-mark").and_then(|mark| marked(&mark));
        let at = at.unwrap_or_else(|| self.open());
        match key(event, at, fact(MESSAGES).unwrap_or_default()) {
            Some(Key::Pause) if is_stream => {
                event.prevent_default();
                self.pause();
            }
            Some(Key::To(number)) => {
                event.prevent_default();
                self.choose(number);
                focus(number);
                reveal(number);
            }
            _ => {}
        }
    }
}

/// Listens to an event of any element of the handoff, for as long as the page lives. On its way down: `toggle`
/// does not come up again.
fn on<E: wasm_bindgen::convert::FromWasmAbi + 'static>(name: &str, then: impl Fn(E) + 'static) {
    let then = Closure::<dyn FnMut(E)>::new(then);
    if let Some(flow) = first(".flow-live") {
        // Any name of an event is valid.
        let _ = flow.add_event_listener_with_callback_and_bool(
            name,
            then.as_ref().unchecked_ref(),
            true,
        );
    }
    then.forget();
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
fn key(event: &KeyboardEvent, at: usize, count: usize) -> Option<Key> {
    let alone = !(event.ctrl_key() || event.alt_key() || event.meta_key());
    alone.then(|| meaning(&event.key(), at, count)).flatten()
}

/// The number of the message whose link or heading was clicked.
fn clicked(event: &MouseEvent) -> Option<usize> {
    if event.ctrl_key() || event.meta_key() || event.shift_key() {
        return None;
    }
    if let Some(mark) = closest(event, ".flow-mark") {
        return marked(&mark);
    }
    let message = closest(event, ".flow-message > summary")?.parent_element()?;
    numbered(&message)
}

/// The nearest element like this around the target of an event.
fn closest(event: &web_sys::Event, selector: &str) -> Option<Element> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(selector).ok()?
}

/// The heading of the closed message that an element is inside of.
fn heading_of_closed(element: &Element) -> Option<HtmlElement> {
    let message = element.closest(".flow-message:not([open])").ok()??;
    let heading = message.first_element_child()?;
    (!heading.is_same_node(Some(element)))
        .then(|| heading.dyn_into().ok())
        .flatten()
}

/// The first element of the page that is like this.
fn first(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok()?
}

/// All elements of the page that are like this.
fn all(selector: &str) -> Vec<Element> {
    let Ok(found) = document().query_selector_all(selector) else {
        return Vec::new();
    };
    let found = (0..found.length()).filter_map(|index| found.item(index));
    found.filter_map(|node| node.dyn_into().ok()).collect()
}

/// A number that the part with the outcome has.
fn fact(attribute: &str) -> Option<usize> {
    place::number(&document().get_element_by_id(OUTCOME)?, attribute)
}

fn is_over() -> bool {
    let outcome = document().get_element_by_id(OUTCOME);
    outcome.is_some_and(|outcome| outcome.has_attribute(OVER))
}

/// How many steps a fragment is drawn of.
fn steps_in(fragment: &web_sys::DocumentFragment) -> Option<usize> {
    let mut parts = place::elements(fragment).into_iter();
    place::number(&parts.find(|part| part.id() == OUTCOME)?, STEPS)
}

/// The number of a message by its mark in the picture.
fn marked(mark: &Element) -> Option<usize> {
    mark.get_attribute("href")?.strip_prefix("#m")?.parse().ok()
}

/// The number of a message in the list.
fn numbered(message: &Element) -> Option<usize> {
    message.id().strip_prefix('o')?.parse().ok()
}

/// The number of the message that is open on the page.
fn opened() -> Option<usize> {
    numbered(&first(".flow-message[open]")?)
}

fn add_message(message: &Element) {
    if let Some(messages) = document().get_element_by_id("flow-messages") {
        // It can be added wherever its like are.
        let _ = messages.append_child(message);
    }
}

fn remove_messages_after(count: usize) {
    for message in all(".flow-message") {
        if numbered(&message).is_some_and(|number| number > count) {
            message.remove();
        }
    }
}

/// Opens one message, and marks it in the picture.
fn mark(open: usize) {
    for message in all(".flow-message") {
        let is_open = numbered(&message) == Some(open);
        if is_open != message.has_attribute("open") {
            let _ = message.toggle_attribute_with_force("open", is_open);
        }
    }
    for mark in all(".flow-mark") {
        let is_open = marked(&mark) == Some(open);
        if is_open != mark.has_attribute("aria-current") {
            let _ = if is_open {
                mark.set_attribute("aria-current", "true")
            } else {
                mark.remove_attribute("aria-current")
            };
        }
    }
}

/// Moves the focus to a message in the drawing that is shown.
fn focus(number: usize) {
    for mark in all(&format!(".flow-mark[href='#m{number}']")) {
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
        let message = document().get_element_by_id(&format!("o{number}"));
        if let (Some(list), Some(message)) = (first(".flow-list"), message)
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
