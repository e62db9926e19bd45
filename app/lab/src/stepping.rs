//! Step mode: its switch, and the request that comes next, before it is sent.

use leptos::prelude::*;
use ui::{
    components::notice::{Notice, Tone},
    words::{Explained, Term},
};

use crate::tries::{self, Try};

/// A parameter of the request that comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value, whole.
    pub value: String,
    /// Whether it was not in the query of the request before. What a form brought counts as new too.
    pub is_new: bool,
}

/// A redirect that waits for the visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The name of the site that answered with it.
    pub from: String,
    /// The name of the site that it leads to.
    pub to: String,
    /// Whether that is another site.
    pub is_elsewhere: bool,
    /// Where it leads, without its query.
    pub address: String,
    /// The parameters of its query, in their order.
    pub parameters: Vec<Parameter>,
    /// The names of the cookies that the answer set.
    pub cookies: Vec<String>,
    /// The lab's origin.
    pub lab: String,
    /// Where the handoff is drawn.
    pub flow: Option<String>,
}

/// "Harbor ID sends your browser to Notes", with every parameter in a field.
#[component]
pub fn HeldPage(
    /// What to show.
    model: Held,
) -> impl IntoView {
    let Held {
        from,
        to,
        is_elsewhere,
        address,
        parameters,
        cookies,
        lab,
        flow,
    } = model;
    let tries = tries::at(&address, parameters.iter().map(|it| &*it.name));
    let heading = if is_elsewhere {
        format!("{from} sends your browser to {to}")
    } else {
        format!("{from} sends your browser on")
    };
    let cookies = (!cookies.is_empty()).then(|| {
        let names = cookies.join(", ");
        view! {
            <p>
                {format!("{from} has set a cookie in this browser: ")} <code>{names}</code> "."
            </p>
        }
    });
    let go_on = if parameters.is_empty() {
        view! {
            <div class="actions">
                <a class="button button--main" href=address.clone()>
                    "Go on"
                </a>
            </div>
        }
        .into_any()
    } else {
        let mut explained = Vec::new();
        let fields = parameters
            .into_iter()
            .enumerate()
            .map(|(number, parameter)| {
                // A page explains no term twice.
                let term = tries::term(&parameter.name).filter(|it| !explained.contains(it));
                explained.extend(term);
                view! { <ParameterField number parameter term /> }
            })
            .collect_view();
        view! {
            <form class="stack" method="get" action=address.clone()>
                {fields}
                <div class="actions">
                    <button class="button button--main" type="submit">
                        "Go on"
                    </button>
                </div>
            </form>
        }
        .into_any()
    };
    view! {
        <div class="page page--text">
            <h1>{heading}</h1>
            <p>
                "Step mode has stopped here. This is the request that comes next; it was not sent \
                 yet. A parameter that the address before did not have is marked as new."
            </p>
            {cookies}
            <section class="tool" aria-label="The next request">
                <p class="next-request">
                    <code>"GET "{address}</code>
                </p>
                {go_on}
            </section>
            {(!tries.is_empty()).then(|| view! { <TriesHere tries /> })}
            <ul class="stack" role="list">
                {flow.map(|flow| view! {
                    <li>
                        <a href=flow target="_blank" rel="noopener">
                            "This handoff, drawn in a new tab"
                        </a>
                    </li>
                })}
                <li>
                    <a href=format!("{lab}/step")>"Switch step mode off, or see what else to try"</a>
                </li>
            </ul>
            <p class="muted">
                "These values are live secrets. Whoever sees them can take over this sign-in: do not \
                 share your screen with a real account."
            </p>
        </div>
    }
}

#[component]
fn TriesHere(tries: Vec<Try>) -> impl IntoView {
    let tries = tries
        .into_iter()
        .map(|one| {
            view! {
                <li>
                    {one.change} " " <span class="muted">{one.then}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="stack" aria-labelledby="tries-heading">
            <h2 id="tries-heading">"Try here"</h2>
            <ul>{tries}</ul>
        </section>
    }
}

#[component]
fn ParameterField(number: usize, parameter: Parameter, term: Option<Term>) -> impl IntoView {
    let Parameter {
        name,
        value,
        is_new,
    } = parameter;
    let id = format!("parameter-{number}");
    let mark = is_new.then(|| view! { " " <span class="new-mark">"new"</span> });
    view! {
        <div class="field">
            <div class="field-name">
                <label for=id.clone()>
                    <code>{name.clone()}</code>
                    {mark}
                </label>
                {term.map(|term| view! { <Explained term /> })}
            </div>
            <input
                id=id
                name=name
                type="text"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                value=value
            />
        </div>
    }
}

/// Whether step mode is on in this browser at one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The site's name.
    pub site: String,
    /// Whether it is on.
    pub is_on: bool,
    /// The lab's page about step mode.
    pub lab: String,
    /// Where the form is posted.
    pub path: String,
}

/// Step mode of one site.
#[component]
pub fn SwitchPage(
    /// What to show.
    model: Switch,
) -> impl IntoView {
    let Switch {
        site,
        is_on,
        lab,
        path,
    } = model;
    let body = if is_on {
        view! {
            <Notice tone=Tone::Accepted>
                {format!(
                    "Step mode is on at {site}, in this browser, for an hour. A page shows each \
                     redirect before your browser follows it.",
                )}
            </Notice>
            <form method="post" action=path>
                <button class="button" type="submit" name="off" value="yes">
                    {format!("Switch it off at {site}")}
                </button>
            </form>
        }
        .into_any()
    } else {
        view! {
            <p>
                {format!(
                    "It is off at {site} in this browser. The lab's page switches it on, at all \
                     sites at once.",
                )}
            </p>
        }
        .into_any()
    };
    view! {
        <div class="sheet">
            <h1>{format!("Step mode at {site}")}</h1>
            {body}
            <p>
                <a href=lab>"Step mode at all sites"</a>
            </p>
        </div>
    }
}

/// The lab's page about step mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepMode {
    /// The sites that can be stepped through.
    pub sites: Vec<SiteSwitch>,
    /// The names of those that cannot, as this process does not serve them.
    pub elsewhere: Vec<&'static str>,
    /// The authorization server's origin.
    pub authority: String,
}

/// A site that can be stepped through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteSwitch {
    /// Its name.
    pub name: String,
    /// Its page about step mode.
    pub page: String,
    /// Whether step mode is on there in this browser.
    pub is_on: bool,
}

/// What step mode is, where it is on, and what to try with it.
#[component]
pub fn StepModePage(
    /// What to show.
    model: StepMode,
) -> impl IntoView {
    let StepMode {
        sites,
        elsewhere,
        authority,
    } = model;
    let is_anywhere = !sites.is_empty();
    let elsewhere = (is_anywhere && !elsewhere.is_empty()).then(|| {
        let names = elsewhere.join(" and ");
        view! {
            <p class="muted">
                {format!("Not for {names}, which this program does not serve.")}
            </p>
        }
    });
    let body = if is_anywhere {
        view! { <SwitchOfAll sites authority /> }.into_any()
    } else {
        view! {
            <div class="empty stack">
                <p>
                    "The program that serves this lab serves no other site, so there is nothing to \
                     step through here. Start the lab together with the sites: without the option "
                    <code>"--only"</code> ", one program serves them all."
                </p>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="page page--text">
            <h1>"Step through a handoff"</h1>
            <p>
                "A handoff takes a second. In step mode your browser stops before each redirect, and \
                 shows the exact request that comes next. You can change every value before you go on."
            </p>
            {body}
            {elsewhere}
            {is_anywhere.then(|| view! { <WhatToTry /> })}
            <p>
                <a href="/">"Back to the start"</a>
            </p>
        </div>
    }
    .into_any()
}

/// Where it is on, the buttons, and where to go then.
#[component]
fn SwitchOfAll(sites: Vec<SiteSwitch>, authority: String) -> impl IntoView {
    let on = sites.iter().filter(|site| site.is_on).count();
    let is_all = on == sites.len();
    let rows = sites
        .into_iter()
        .map(|SiteSwitch { name, page, is_on }| {
            let tone = if is_on { Tone::Accepted } else { Tone::Neutral };
            let says = if is_on { "on" } else { "off" };
            view! {
                <li class="step-site" data-tone=tone.slug()>
                    <a href=page>{name}</a>
                    <strong>{says}</strong>
                </li>
            }
        })
        .collect_view();
    let heading = if is_all {
        "Step mode is on in this browser, for an hour"
    } else if on > 0 {
        "Step mode is on at some sites in this browser"
    } else {
        "Step mode is off in this browser"
    };
    let switch_on = (!is_all).then(|| {
        view! {
            <button class="button button--main" type="submit" name="on" value="yes">
                "Switch it on at all sites"
            </button>
        }
    });
    let switch_off = (on > 0).then(|| {
        view! {
            <button class="button" type="submit" name="off" value="yes">
                "Switch it off at all sites"
            </button>
        }
    });
    let go = (on > 0).then(|| {
        view! {
            <ol class="steps">
                <li>
                    <p>
                        <a href="/flows/next" target="_blank" rel="noopener">
                            "Watch the next handoff in a new tab"
                        </a> ": its picture grows with each step that you take here."
                    </p>
                </li>
                <li>
                    <p>
                        <a href=authority>"Go to your apps at Harbor ID"</a>
                        " and open one. Your browser stops at the first redirect."
                    </p>
                </li>
            </ol>
        }
    });
    view! {
        <section class="tool" aria-labelledby="switch-heading">
            <h2 id="switch-heading">{heading}</h2>
            <ul class="step-sites" role="list">
                {rows}
            </ul>
            <form class="actions" method="post" action="/step">
                {switch_on}
                {switch_off}
            </form>
            {go}
        </section>
    }
    .into_any()
}

#[component]
fn WhatToTry() -> impl IntoView {
    let tries = tries::ALL
        .map(|one| {
            view! {
                <div class="entry">
                    <dt>{one.name}</dt>
                    <dd>
                        {one.change} " " {one.then}
                    </dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <section class="stack" aria-labelledby="try-heading">
            <h2 id="try-heading">"What to try"</h2>
            <dl class="glossary">
                {tries}
                <div class="entry">
                    <dt>"A second verify"</dt>
                    <dd>
                        "Step mode does not stop the call from server to server. The script "
                        <code>"docs/walk.sh"</code>
                        " takes the application's part, and sends verify twice. The second answer is \
                         400, and the session that the first verify began is ended."
                    </dd>
                </div>
            </dl>
        </section>
    }
    .into_any()
}
