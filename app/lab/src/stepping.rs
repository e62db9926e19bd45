//! Step mode: the request that comes next, before it is sent.

use leptos::prelude::*;

use ui::components::notice::{Notice, Tone};

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
    /// The path where step mode is switched off.
    pub switch: String,
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
        switch,
    } = model;
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
        let fields = parameters
            .into_iter()
            .enumerate()
            .map(|(number, parameter)| view! { <ParameterField number parameter /> })
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
                 yet. What was not in the address before is marked as new. Change a value and go \
                 on, and you see what the check behind it is for."
            </p>
            {cookies}
            <section class="tool" aria-label="The next request">
                <p class="next-request">
                    <code>"GET "{address}</code>
                </p>
                {go_on}
            </section>
            <p class="muted">
                "The values on this page are real secrets of your own handoff: show it to nobody \
                 whom you would not hand the session. " <a href=switch>"Switch step mode off"</a>
                " or go " <a href=lab>"back to the lab"</a> "."
            </p>
        </div>
    }
}

#[component]
fn ParameterField(number: usize, parameter: Parameter) -> impl IntoView {
    let Parameter {
        name,
        value,
        is_new,
    } = parameter;
    let id = format!("parameter-{number}");
    let mark = is_new.then(|| view! { " " <span class="new-mark">"new"</span> });
    view! {
        <div class="field">
            <label for=id.clone()>
                <code>{name.clone()}</code>
                {mark}
            </label>
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
    /// The key of a link from the lab that can switch it on.
    pub key: Option<String>,
    /// The lab's origin.
    pub lab: String,
    /// Where the forms are posted.
    pub path: String,
}

/// The switch of step mode at one site.
#[component]
pub fn SwitchPage(
    /// What to show.
    model: Switch,
) -> impl IntoView {
    let Switch {
        site,
        is_on,
        key,
        lab,
        path,
    } = model;
    let body = match (is_on, key) {
        (true, _) => view! {
            <Notice tone=Tone::Accepted>
                {format!(
                    "Step mode is on at {site}, in this browser, for an hour. A page shows each \
                     redirect before your browser follows it.",
                )}
            </Notice>
            <form method="post" action=path>
                <button class="button" type="submit" name="off" value="yes">
                    "Switch it off"
                </button>
            </form>
        }
        .into_any(),
        (false, Some(key)) => view! {
            <p>
                {format!(
                    "When it is on, {site} shows each redirect of a handoff before your browser \
                     follows it, and lets you change it. Only in this browser, and for an hour.",
                )}
            </p>
            <form method="post" action=path>
                <input type="hidden" name="key" value=key />
                <button class="button button--main" type="submit">
                    "Switch it on"
                </button>
            </form>
        }
        .into_any(),
        (false, None) => view! {
            <p>
                {format!("It is off at {site} in this browser. To switch it on, take a link of the ")}
                <a href=format!("{lab}/step")>"lab"</a> "; each works once, for ten minutes."
            </p>
        }
        .into_any(),
    };
    view! {
        <div class="sheet">
            <h1>{format!("Step mode at {site}")}</h1>
            {body}
            <p>
                <a href=format!("{lab}/step")>"Back to the lab"</a>
            </p>
        </div>
    }
}

/// The lab's page about step mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// What can be done here.
    pub offer: Offer,
    /// The sites that cannot be stepped through, as this process does not serve them.
    pub elsewhere: Vec<&'static str>,
}

/// What the lab can do about step mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Nothing: this process serves no site but the lab.
    Nowhere,
    /// Make the links.
    ToMake,
    /// They are made: the sites' names, each with its link.
    Made(Vec<(&'static str, String)>),
}

/// What step mode is, and the links that switch it on.
#[component]
pub fn LinksPage(
    /// What to show.
    model: Links,
) -> impl IntoView {
    let Links { offer, elsewhere } = model;
    let elsewhere = (offer != Offer::Nowhere && !elsewhere.is_empty()).then(|| {
        let names = elsewhere.join(" and ");
        view! {
            <p class="muted">
                {format!("Not for {names}, which this program does not serve.")}
            </p>
        }
    });
    let body = match offer {
        Offer::Nowhere => view! {
            <div class="empty stack">
                <p>
                    "The program that serves this lab serves no other site, so there is nothing to \
                     step through here. Start the lab together with the sites: without the option "
                    <code>"--only"</code> ", one program serves them all."
                </p>
            </div>
        }
        .into_any(),
        Offer::ToMake => view! {
            <form method="post" action="/step">
                <button class="button button--main" type="submit">
                    "Make the links"
                </button>
            </form>
        }
        .into_any(),
        Offer::Made(links) => {
            let links = links
                .into_iter()
                .map(|(site, address)| {
                    view! {
                        <li>
                            <a href=address>{format!("Step mode at {site}")}</a>
                        </li>
                    }
                })
                .collect_view();
            view! {
                <p>"Each link works once, for ten minutes, in the browser that follows it."</p>
                <ul class="stack" role="list">
                    {links}
                </ul>
            }
            .into_any()
        }
    };
    view! {
        <div class="page page--text">
            <h1>"Step through a handoff"</h1>
            <p>
                "A handoff takes a second. In step mode your browser stops before each redirect, \
                 and shows the exact request that comes next. What the address before did not have \
                 is marked as new. You can change every value before you go on: try a letter of the \
                 state on its way back to the app. Switch it on at each site whose redirects you \
                 want to see, then open an app as always."
            </p>
            {body}
            {elsewhere}
            <p>
                <a href="/">"Back to the start"</a>
            </p>
        </div>
    }
    .into_any()
}
