//! What the lab says while a page is open.

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::EventSource;

/// How the connection to the lab is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// There is none, and none is needed.
    Over,
    /// Steps come in.
    Open,
    /// It broke, and the browser tries again by itself.
    Broken,
    /// It broke for good.
    Lost,
}

/// Follows a stream of server-sent events, each one of these as JSON, while the page is in sight. The
/// browser opens it again by itself when it breaks, and says where it was.
///
/// A page that nobody sees lets go: browsers have six connections to a site, and a seventh page of
/// the lab would wait for one of the others to be closed. Seen again, it asks for what its address
/// asks for; whoever listens can take an event twice.
pub(crate) fn listen<T: DeserializeOwned>(
    stream: &str,
    line: RwSignal<Line>,
    on_event: impl Fn(T) + 'static,
) {
    let stream = stream.to_owned();
    let current = Rc::new(RefCell::new(None::<EventSource>));
    let opened = Closure::<dyn FnMut()>::new(move || line.set(Line::Open));
    let said = Closure::<dyn FnMut(_)>::new(move |message: web_sys::MessageEvent| {
        let event = message.data().as_string();
        // What this version cannot read is left out.
        if let Some(event) = event.and_then(|event| serde_json::from_str(&event).ok()) {
            on_event(event);
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
            let Ok(source) = EventSource::new(&stream) else {
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

fn is_closed(source: &EventSource) -> bool {
    source.ready_state() == EventSource::CLOSED
}

fn let_go(current: &RefCell<Option<EventSource>>) {
    if let Some(source) = current.borrow_mut().take() {
        source.close();
    }
}
