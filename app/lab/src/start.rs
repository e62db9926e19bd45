//! The lab's front page: what this is, and a first handoff to try.

use crate::islands::challenge::ChallengeTool;
use leptos::prelude::*;
use ui::words::{Explained, Term};

/// What the lab's front page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The origin of Harbor ID, without a slash at the end.
    pub authority_origin: String,
    /// The origin of Notes, without a slash at the end.
    pub notes_origin: String,
    /// The origin of Tasks, without a slash at the end.
    pub tasks_origin: String,
}

/// Three sentences, five steps, one tool.
#[component]
pub fn StartPage(
    /// What to show.
    model: Start,
) -> impl IntoView {
    let Start {
        authority_origin,
        notes_origin,
        tasks_origin,
    } = model;
    view! {
        <div class="page page--text">
            <h1>"See a sign-in cross from one site to another"</h1>
            <p class="lede">
                "Handoff Lab runs three sites that share nothing and meet only over HTTP: Harbor ID, where people sign in, and \
                 two applications, Notes and Tasks. When you open one of them from Harbor ID, you \
                 arrive signed in: that is a " <Explained term=Term::Handoff />
                ". Every request here is real, so what you see is what your own sites would do."
            </p>
            <section class="stack" aria-labelledby="doors-heading">
                <h2 id="doors-heading">"Three ways in"</h2>
                <ul class="doors" role="list">
                    <li class="door">
                        <h3>
                            <a href="/flows">"See it work"</a>
                        </h3>
                        <p>
                            "Every handoff on these sites, drawn as it happens, with each request, \
                             and the rule that let it pass or stopped it."
                        </p>
                    </li>
                    <li class="door">
                        <h3>
                            <a href="/step">"Change it on the way"</a>
                        </h3>
                        <p>
                            "Your browser stops before each redirect. Change what it sends, and see \
                             which check refuses it."
                        </p>
                    </li>
                    <li class="door">
                        <h3>
                            <a href="/monitor">"See whether all is well"</a>
                        </h3>
                        <p>
                            "The last hour: how many handoffs succeed, how long each step takes, and \
                             what raised an alarm."
                        </p>
                    </li>
                </ul>
            </section>
            <section aria-labelledby="first-heading">
                <h2 id="first-heading">"Your first handoff"</h2>
                <ol class="steps">
                    <li>
                        <p>
                            <a href=authority_origin.clone()>"Go to Harbor ID"</a>
                            ", choose Alice Moreau under "
                            <em>"Demo accounts"</em>
                            " and sign in."
                        </p>
                    </li>
                    <li>
                        <p>"Choose " <em>"Open Notes"</em> "."</p>
                    </li>
                    <li>
                        <p>
                            "Look at the address bar: you are on another site, and Notes knows \
                             your name."
                        </p>
                    </li>
                    <li>
                        <p>
                            "Then " <a href=tasks_origin>"open Tasks"</a>
                            ": nobody asks for your password again."
                        </p>
                    </li>
                    <li>
                        <p>
                            "Try the other direction: sign out of Notes, then "
                            <a href=notes_origin>"go to Notes"</a>
                            " and start there."
                        </p>
                    </li>
                </ol>
            </section>
            <AboutChallenge />
        </div>
    }
}

/// What the tool's two fields are. Its type is erased, or that of the whole page is too deep for the
/// compiler.
#[component]
fn AboutChallenge() -> impl IntoView {
    view! {
        <section class="tool" aria-labelledby="challenge-heading">
            <h2 id="challenge-heading">"A secret and its fingerprint"</h2>
            <p>
                "When a handoff starts, Notes makes up a secret, the "
                <Explained term=Term::Verifier />
                ", and shows Harbor ID only its fingerprint, the "
                <Explained term=Term::Challenge />
                ". At the end Notes sends the verifier itself. Harbor ID computes the fingerprint \
                 again: only whoever started the handoff can finish it."
            </p>
            <ChallengeTool />
        </section>
    }
    .into_any()
}
