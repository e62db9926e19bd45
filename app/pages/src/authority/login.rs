//! Signing in at Harbor ID.

use crate::authority::NAME;
use leptos::prelude::*;
use ui::components::{
    field::{CsrfToken, Field, FormKey},
    icon::{Glyph, Icon},
    notice::{Alert, Notice, Tone},
};

/// The id of the message above the form.
const PROBLEM: &str = "problem";

/// What the sign-in page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The CSRF token of this visitor.
    pub csrf: FormKey,
    /// Where to go afterwards, a local path; goes round through both forms.
    pub continue_to: Option<String>,
    /// The application that waits for this sign-in, by name.
    pub client_name: Option<String>,
    /// The email address to show in the form.
    pub email: String,
    /// The password to show in the form: that of a demo account, and never one that was typed.
    pub password: String,
    /// The accounts that fill the form at a click. Empty where there are none.
    pub demo_accounts: Vec<DemoAccount>,
    /// What happened just before.
    pub notice: Option<LoginNotice>,
    /// What the sign-out just before has ended, where it is known.
    pub ended: Option<SignOutNote>,
}

/// What a sign-out has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOutNote {
    /// Whether all browsers are signed out, or this one.
    pub everywhere: bool,
    /// The applications that end with it, by name.
    pub apps: Vec<String>,
    /// How many more there are.
    pub more: usize,
    /// How long they may take to notice, in seconds.
    pub within_seconds: i64,
}

impl SignOutNote {
    fn text(&self) -> String {
        let place = if self.everywhere {
            " in every browser"
        } else {
            ""
        };
        let signed_out = format!("You are signed out of {NAME}{place}.");
        match ends(&self.apps, self.more, self.within_seconds) {
            Some(ends) => format!("{signed_out} {ends}"),
            None => signed_out,
        }
    }
}

/// Which applications end with a sign-in, and when.
pub(crate) fn ends(apps: &[String], more: usize, within_seconds: i64) -> Option<String> {
    let mut names = apps.to_vec();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let (last, others) = names.split_last()?;
    let (names, verb) = match others {
        [] => (last.clone(), "ends"),
        others => (format!("{} and {last}", others.join(", ")), "end"),
    };
    let within = in_words(within_seconds);
    Some(format!("{names} {verb} too, at most {within} later."))
}

/// An account that the page offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAccount {
    /// Its short name in the address, "alice".
    pub key: String,
    /// The full name.
    pub name: String,
    /// The part that this person plays in the story, a few words.
    pub role: String,
    /// The email address.
    pub email: String,
}

/// What happened just before somebody came to the sign-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginNotice {
    /// They signed out.
    SignedOut,
    /// What they entered fits no account. Says no more, or it would tell who has one.
    WrongEmailOrPassword,
    /// The form was older than the last sign-in or sign-out of this browser.
    OutOfDate,
    /// Their session ended by itself.
    SessionEnded,
    /// Too many attempts went wrong. It says the same whether there is such an account or not.
    Wait {
        /// How long, in seconds.
        seconds: i64,
    },
}

impl LoginNotice {
    /// Whether it is about what stands in the form.
    const fn is_problem(self) -> bool {
        matches!(self, Self::WrongEmailOrPassword | Self::Wait { .. })
    }
}

/// A time to wait, for people: never too short.
pub(crate) fn in_words(seconds: i64) -> String {
    match seconds {
        ..=1 => "a second".to_owned(),
        2..=59 => format!("{seconds} seconds"),
        60 => "a minute".to_owned(),
        _ => format!("{} minutes", seconds.saturating_add(59) / 60),
    }
}

/// Email address and password, and below them the demo accounts.
#[component]
pub fn LoginPage(
    /// What to show.
    model: Login,
) -> impl IntoView {
    let Login {
        csrf,
        continue_to,
        client_name,
        email,
        password,
        demo_accounts,
        notice,
        ended,
    } = model;
    let problem = notice
        .is_some_and(LoginNotice::is_problem)
        .then_some(PROBLEM);
    let filled = !email.is_empty() && !password.is_empty();
    let accounts = (!demo_accounts.is_empty()).then(|| {
        view! {
            <DemoAccounts
                accounts=demo_accounts
                continue_to=continue_to.clone()
                chosen=filled.then(|| email.clone())
            />
        }
    });

    view! {
        <div class="sheet sheet--narrow">
            <h1>"Sign in"</h1>
            {client_name
                .map(|name| view! { <p class="lede">{format!("Sign in to continue to {name}")}</p> })}
            {notice.map(|notice| view! { <NoticeAbove notice ended /> })}
            <form class="stack" method="post" action="/login">
                <CsrfToken key=csrf />
                <ContinueTo path=continue_to />
                <Field
                    label="Email"
                    name="email"
                    kind="email"
                    autocomplete="username"
                    value=email
                    problem
                    autofocus=problem.is_none() && !filled
                />
                <Field
                    label="Password"
                    name="password"
                    kind="password"
                    autocomplete="current-password"
                    value=password
                    problem
                />
                <button
                    class="button button--main button--wide"
                    type="submit"
                    autofocus=problem.is_none() && filled
                >
                    "Sign in"
                </button>
            </form>
            {accounts}
        </div>
    }
}

#[component]
fn NoticeAbove(notice: LoginNotice, ended: Option<SignOutNote>) -> impl IntoView {
    let signed_out = ended.map_or_else(
        || format!("You are signed out of {NAME}."),
        |ended| ended.text(),
    );
    match notice {
        LoginNotice::SignedOut => view! {
            <Notice tone=Tone::Accepted>
                <p>{signed_out}</p>
            </Notice>
        }
        .into_any(),
        LoginNotice::SessionEnded => view! {
            <Notice tone=Tone::Neutral>
                <p>"Your session has ended. Sign in to go on."</p>
            </Notice>
        }
        .into_any(),
        LoginNotice::OutOfDate => view! {
            <Notice tone=Tone::Neutral>
                <p>
                    "Somebody signed in or out in this browser after this page was opened, so you are not \
                    signed in by it. Enter your password again."
                </p>
            </Notice>
        }
        .into_any(),
        LoginNotice::WrongEmailOrPassword => view! {
            <Alert tone=Tone::Refused id=PROBLEM>
                <p>"The email or the password is not right. Check both and try again."</p>
            </Alert>
        }
        .into_any(),
        LoginNotice::Wait { seconds } => view! {
            <Alert tone=Tone::Refused id=PROBLEM>
                <p>
                    {format!(
                        "Too many sign-ins went wrong here. Wait {}, then try again.",
                        in_words(seconds),
                    )}
                </p>
            </Alert>
        }
        .into_any(),
    }
}

/// A form of its own, by GET: it changes nothing, it only shows the page with the fields filled.
#[component]
fn DemoAccounts(
    accounts: Vec<DemoAccount>,
    continue_to: Option<String>,
    chosen: Option<String>,
) -> impl IntoView {
    let rows = accounts
        .into_iter()
        .map(|account| {
            let DemoAccount {
                key,
                name,
                role,
                email,
            } = account;
            let note = format!("demo-{key}");
            let current = chosen.as_ref() == Some(&email);
            view! {
                <li class="demo-account" aria-current=current.then_some("true")>
                    <button type="submit" name="demo" value=key aria-describedby=note.clone()>
                        {name}
                    </button>
                    <span class="muted" id=note>
                        {role}
                    </span>
                    {current.then(|| view! { <Glyph icon=Icon::Tick /> })}
                </li>
            }
        })
        .collect_view();

    view! {
        <section class="demo" aria-labelledby="demo-heading">
            <h2 id="demo-heading">"Demo accounts"</h2>
            <p class="muted">"Choose one to fill in the form."</p>
            <form method="get" action="/login">
                <ContinueTo path=continue_to />
                <ul class="demo-accounts" role="list">
                    {rows}
                </ul>
            </form>
        </section>
    }
}

#[component]
fn ContinueTo(path: Option<String>) -> impl IntoView {
    path.map(|path| view! { <input type="hidden" name="continue" value=path /> })
}
