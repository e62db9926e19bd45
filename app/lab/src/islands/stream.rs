//! What the lab says while a page is open.

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::EventSource;

/// How the connection to the lab is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// There is none, and none is needed.
    Over,
    /// What happens comes in.
    Open,
    /// It broke, and the browser tries again by itself.
    Broken,
    /// It broke for good.
    Lost,
}

impl Line {
    /// The sentence of a page about it. Each page says of an open one what it does.
    pub(crate) const fn sentence(self, open: &'static str) -> &'static str {
        match self {
            Self::Open => open,
            Self::Broken => "The connection broke. The browser is trying again.",
            Self::Lost | Self::Over => "The connection is gone. Load the page again to go on.",
        }
    }
}

/// Follows a stream of server-sent events, each a fragment of HTML, while the page is in sight. The
/// browser opens it again by itself when it breaks, and says where it was.
///
/// A page that nobody sees lets go: browsers have six connections to a site, and a seventh page of
/// the lab would wait for one of the others to be closed. Seen again, it asks for what came after the
/// last event that it had.
pub(crate) fn listen(stream: &str, line: RwSignal<Line>, on_event: impl Fn(String) + 'static) {
    let stream = stream.to_owned();
    let current = Rc::new(RefCell::new(None::<EventSource>));
    let last = Rc::new(RefCell::new(String::new()));
    let opened = Closure::<dyn FnMut()>::new(move || line.set(Line::Open));
    let said = Closure::<dyn FnMut(_)>::new({
        let last = Rc::clone(&last);
        move |message: web_sys::MessageEvent| {
            last.replace(message.last_event_id());
            if let Some(html) = message.data().as_string() {
                on_event(html);
            }
        }
    });
    let broken = Closure::<dyn FnMut()>::new({
        let current = Rc::clone(&current);
        move || {
            let for_good = current.borrow().as_ref().is_none_or(is_closed);
            line.set(if for_good { Line::Lost } else { Line::Broken });
        }
    });
    let done = Closure::<dyn FnMut()>::new({
        let current = Rc::clone(&current);
        move || {
            let_go(&current);
            line.set(Line::Over);
        }
    });
    let look = move || {
        if line.get_untracked() == Line::Over {
            return;
        }
        if document().hidden() {
            let_go(&current);
        } else if current.borrow().as_ref().is_none_or(is_closed) {
            let Ok(source) = EventSource::new(&from(&stream, &last.borrow())) else {
                line.set(Line::Lost);
                return;
            };
            source.set_onopen(Some(opened.as_ref().unchecked_ref()));
            source.set_onmessage(Some(said.as_ref().unchecked_ref()));
            source.set_onerror(Some(broken.as_ref().unchecked_ref()));
            let done = done.as_ref().unchecked_ref();
            if source
                .add_event_listener_with_callback("done", done)
                .is_err()
            {
                line.set(Line::Lost);
            }
            *current.borrow_mut() = Some(source);
        }
    };
    look();
    let seen = Closure::<dyn FnMut()>::new(look);
    let listens = document()
        .add_event_listener_with_callback("visibilitychange", seen.as_ref().unchecked_ref());
    if listens.is_err() {
        line.set(Line::Lost);
    }
    // It lives as long as the page, as the stream does.
    seen.forget();
}

/// The stream's address, from after the event of this id.
fn from(stream: &str, last: &str) -> String {
    match stream.split_once("?after=") {
        Some((path, _)) if !last.is_empty() => format!("{path}?after={last}"),
        _ => stream.to_owned(),
    }
}

fn is_closed(source: &EventSource) -> bool {
    source.ready_state() == EventSource::CLOSED
}

fn let_go(current: &RefCell<Option<EventSource>>) {
    if let Some(source) = current.borrow_mut().take() {
        source.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_seen_again_asks_from_its_last_event_on() {
        let stream = "/flows/0a/events?after=7";
        assert_eq!(from(stream, ""), stream);
        assert_eq!(from(stream, "12"), "/flows/0a/events?after=12");
    }
}
