//! What the lab says while a page is open.

use leptos::prelude::*;
use serde::de::DeserializeOwned;

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

/// Opens a stream of server-sent events, each one of these as JSON. The browser opens it again by itself when it breaks, and says where it was.
pub(crate) fn listen<T: DeserializeOwned>(
    stream: &str,
    line: RwSignal<Line>,
    on_event: impl Fn(T) + 'static,
) {
    use wasm_bindgen::{JsCast as _, closure::Closure};
    let Ok(source) = web_sys::EventSource::new(stream) else {
        line.set(Line::Lost);
        return;
    };
    let opened = Closure::<dyn FnMut()>::new(move || line.set(Line::Open));
    source.set_onopen(Some(opened.as_ref().unchecked_ref()));
    let said = Closure::<dyn FnMut(_)>::new(move |message: web_sys::MessageEvent| {
        let event = message.data().as_string();
        // What this version cannot read is left out, as on the server.
        if let Some(event) = event.and_then(|event| serde_json::from_str(&event).ok()) {
            on_event(event);
        }
    });
    source.set_onmessage(Some(said.as_ref().unchecked_ref()));
    let broken = Closure::<dyn FnMut()>::new({
        let source = source.clone();
        move || {
            let for_good = source.ready_state() == web_sys::EventSource::CLOSED;
            line.set(if for_good { Line::Lost } else { Line::Broken });
        }
    });
    source.set_onerror(Some(broken.as_ref().unchecked_ref()));
    let done = Closure::<dyn FnMut()>::new({
        let source = source.clone();
        move || {
            source.close();
            line.set(Line::Over);
        }
    });
    let listens = source.add_event_listener_with_callback("done", done.as_ref().unchecked_ref());
    if listens.is_err() {
        line.set(Line::Lost);
    }
    // They live as long as the page, as the stream does.
    opened.forget();
    said.forget();
    broken.forget();
    done.forget();
}
