//! A tool that turns a verifier into its challenge, in the reader's own browser.

use handoff::token::Challenge;
use leptos::prelude::*;

/// The verifier of RFC 7636, appendix B, which the page opens with.
const EXAMPLE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Two fields: computes the S256 challenge of RFC 7636, section 4.2, as one types. What they are stands
/// around them, on the lab's start page: only what a script changes is sent to the browser twice.
///
/// It reads without a script as well: the server renders the example of the standard, and the
/// field opens for writing only once there is something behind it.
#[island]
pub fn ChallengeTool() -> impl IntoView {
    let (verifier, set_verifier) = signal(EXAMPLE.to_owned());
    let (live, set_live) = signal(false);
    // Effects run in the browser only.
    Effect::new(move || set_live.set(true));

    view! {
        <div class="stack">
            <div class="field">
                <label for="verifier">"Verifier"</label>
                <input
                    id="verifier"
                    type="text"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-describedby="verifier-hint"
                    value=EXAMPLE
                    prop:value=verifier
                    readonly=move || !live.get()
                    on:input:target=move |event| set_verifier.set(event.target().value())
                />
                <p class="hint" id="verifier-hint">
                    {move || verdict(&verifier.read())}
                </p>
            </div>
            <div class="field">
                <label for="challenge">"Challenge"</label>
                <output id="challenge" for="verifier" aria-live="off">
                    {move || Challenge::of(&verifier.read()).to_string()}
                </output>
                <p class="hint">
                    "SHA-256 of the verifier, written in base64url: the S256 method of RFC 7636, \
                     whose example this page opens with. Your browser computes it; nothing is sent."
                </p>
            </div>
        </div>
    }
}

/// Whether the standard would take this verifier, in words.
fn verdict(verifier: &str) -> String {
    let foreign = verifier
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')));
    let length = verifier.chars().count();
    match (foreign, length) {
        (Some(' '), _) => "A verifier has no spaces.".to_owned(),
        (Some(c), _) => format!("A verifier has only letters, digits and - . _ ~, so no {c}"),
        (None, 0) => "Type a verifier: 43 to 128 characters.".to_owned(),
        (None, 43..=128) => format!("{length} characters: long enough."),
        (None, 1) => "1 character. A verifier has at least 43.".to_owned(),
        (None, ..43) => format!("{length} characters. A verifier has at least 43."),
        (None, _) => format!("{length} characters. A verifier has at most 128."),
    }
}
