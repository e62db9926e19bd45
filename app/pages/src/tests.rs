//! What holds for every page of Harbor ID and of the applications, and what must hold for the text
//! that people put on them.

use crate::{
    authority::{
        confirm::{Confirm, ConfirmPage},
        login::{DemoAccount, Login, LoginNotice, LoginPage, SignOutNote},
        logout::{SignOut, SignOutPage},
        portal::{AppIcon, AppTile, OpenSessions, Outcome, Portal, PortalPage, RecentHandoff},
        sessions::{AppSession, BrowserSession, Ended, Sessions, SessionsPage},
    },
    relying_party::{
        items::{Edit, EditPage, ItemView, Items, ItemsPage, Kind, News, PageNumber, Part},
        problem::{Problem, ProblemPage, Reason},
        signed_out::{SignedOut, SignedOutPage},
        switch::{Switch, SwitchPage},
    },
};
use leptos::prelude::*;
use ui::{
    components::field::FormKey,
    rules::{self, HOSTILE, in_document, moment, past, person, render, text_of},
    shell::Party,
};

fn form_key(text: &str) -> FormKey {
    FormKey {
        csrf: text.to_owned(),
        person: text.to_owned(),
    }
}

fn login(text: &str) -> Login {
    Login {
        csrf: form_key(text),
        continue_to: Some(text.to_owned()),
        client_name: Some(text.to_owned()),
        email: text.to_owned(),
        password: text.to_owned(),
        demo_accounts: vec![DemoAccount {
            key: text.to_owned(),
            name: text.to_owned(),
            role: text.to_owned(),
            email: text.to_owned(),
        }],
        ended: Some(SignOutNote {
            everywhere: true,
            apps: vec![text.to_owned()],
            more: 1,
            within_seconds: 30,
        }),
        notice: Some(LoginNotice::WrongEmailOrPassword),
    }
}

fn portal(text: &str) -> Portal {
    Portal {
        person: person(text),
        csrf: form_key(text),
        apps: vec![AppTile {
            client_id: text.to_owned(),
            name: text.to_owned(),
            description: text.to_owned(),
            icon: AppIcon::Page,
        }],
        previous: Some(past(text)),
        search: Some(text.to_owned()),
        recent: Outcome::ALL
            .map(|outcome| RecentHandoff {
                app_name: text.to_owned(),
                icon: AppIcon::Cards,
                began: past(text),
                outcome,
                recorded: Some(text.to_owned()),
            })
            .into(),
        open: OpenSessions {
            other_browsers: 2,
            apps: vec![text.to_owned()],
        },
    }
}

/// This browser with an app open, and another one with none.
fn sessions(text: &str) -> Sessions {
    let browser = |is_this, apps| BrowserSession {
        id: text.to_owned(),
        name: text.to_owned(),
        is_this,
        began: moment(text),
        last_used: moment(text),
        apps,
    };
    let app = AppSession {
        id: text.to_owned(),
        name: text.to_owned(),
        began: moment(text),
    };
    Sessions {
        person: person(text),
        csrf: form_key(text),
        browsers: vec![browser(true, vec![app]), browser(false, Vec::new())],
        within_seconds: 30,
        ended: None,
    }
}

fn confirm(text: &str) -> Confirm {
    Confirm {
        person: person(text),
        client_name: text.to_owned(),
        client_host: text.to_owned(),
        csrf: form_key(text),
        request: vec![("state".to_owned(), text.to_owned())],
    }
}

fn item(text: &str) -> ItemView {
    ItemView {
        id: text.to_owned(),
        text: text.to_owned(),
        done: false,
        created: moment(text),
        edited: Some(moment(text)),
    }
}

/// The second of three pages.
const MIDDLE: Part = Part {
    place: PageNumber(1),
    pages: 3,
    first: 3,
    total: 5,
};

fn items(kind: Kind, text: &str) -> Items {
    let done = ItemView {
        done: true,
        edited: None,
        ..item(text)
    };
    Items {
        kind,
        person: person(text),
        authority_name: text.to_owned(),
        authority_apps: text.to_owned(),
        arrival: Some(text.to_owned()),
        csrf: form_key(text),
        items: vec![item(text), done],
        part: Part::whole(2),
        form: text.to_owned(),
        clock_differs: Some(text.to_owned()),
        draft_error: Some(text.to_owned()),
        draft: text.to_owned(),
        news: None,
    }
}

fn problem(reason: Reason, text: &str) -> Problem {
    Problem {
        app_name: text.to_owned(),
        authority_name: text.to_owned(),
        reason,
        trace: text.to_owned(),
        recorded: Some(text.to_owned()),
        again: text.to_owned(),
        signed_in_as: None,
        target: text.to_owned(),
    }
}

const REASONS: [Reason; 9] = [
    Reason::NotThisBrowser,
    Reason::Refused,
    Reason::AuthorityUnreachable,
    Reason::Cancelled,
    Reason::NotAssigned,
    Reason::NobodyToSwitchFrom,
    Reason::TookTooLong,
    Reason::TooMany,
    Reason::Unavailable,
];

/// Every page, with `text` wherever a page shows text that it is given.
fn every_page(text: &'static str) -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
    let (authority, app) = (Party::Authority, Party::RelyingParty(AppIcon::Page));

    for notice in [
        None,
        Some(LoginNotice::SignedOut),
        Some(LoginNotice::WrongEmailOrPassword),
        Some(LoginNotice::SessionEnded),
        Some(LoginNotice::OutOfDate),
    ] {
        let model = Login {
            notice,
            ..login(text)
        };
        let name = format!("login {notice:?}");
        add(
            &name,
            in_document(authority, text, || view! { <LoginPage model /> }),
        );
    }
    let model = portal(text);
    add(
        "portal",
        in_document(authority, text, || view! { <PortalPage model /> }),
    );
    let model = Portal {
        apps: Vec::new(),
        ..portal(text)
    };
    add(
        "portal, nothing found",
        in_document(authority, text, || view! { <PortalPage model /> }),
    );
    let model = Portal {
        previous: None,
        apps: Vec::new(),
        search: None,
        recent: Vec::new(),
        open: OpenSessions {
            other_browsers: 0,
            apps: Vec::new(),
        },
        ..portal(text)
    };
    add(
        "portal, empty",
        in_document(authority, text, || view! { <PortalPage model /> }),
    );
    for (ended, browsers) in [
        (None, 2),
        (Some(Ended::Browser), 1),
        (Some(Ended::Others), 1),
        (Some(Ended::App), 2),
    ] {
        let mut model = sessions(text);
        model.ended = ended;
        model.browsers.truncate(browsers);
        let name = format!("sessions {ended:?}");
        add(
            &name,
            in_document(authority, text, || view! { <SessionsPage model /> }),
        );
    }
    let model = confirm(text);
    add(
        "confirm",
        in_document(authority, text, || view! { <ConfirmPage model /> }),
    );
    for (case, person) in [("signed in", Some(person(text))), ("nobody", None)] {
        let name = format!("logout, {case}");
        let model = SignOut {
            person,
            apps: vec![text.to_owned()],
            within_seconds: 30,
            csrf: form_key(text),
        };
        add(
            &name,
            in_document(authority, text, || view! { <SignOutPage model /> }),
        );
    }
    for (case, just_signed_out) in [("front page", false), ("after signing out", true)] {
        let model = SignedOut {
            app_name: text.to_owned(),
            tagline: text.to_owned(),
            authority_name: text.to_owned(),
            just_signed_out,
            sign_in: text.to_owned(),
            leads_on: !just_signed_out,
            authority_sign_out: text.to_owned(),
        };
        let name = format!("signed out, {case}");
        add(
            &name,
            in_document(app, text, || view! { <SignedOutPage model /> }),
        );
    }
    for (kind, icon) in [(Kind::Note, AppIcon::Page), (Kind::Task, AppIcon::Tick)] {
        let app = Party::RelyingParty(icon);
        let deleted = News::Deleted {
            item: item(text),
            minutes: 10,
        };
        for (name, kept, news) in [
            ("kept", 0..2, None),
            ("empty", 0..0, None),
            ("all done", 1..2, Some(News::Restored)),
            ("too late", 0..1, Some(News::TooLate)),
            ("deleted", 0..0, Some(deleted)),
        ] {
            let mut model = items(kind, text);
            model.items = model.items.drain(kept).collect();
            if news.is_some() {
                model.draft_error = None;
            }
            model.news = news;
            if name == "kept" {
                model.part = MIDDLE;
            }
            add(
                &format!("{}s, {name}", kind.noun()),
                in_document(app, text, || view! { <ItemsPage model /> }),
            );
        }
        for (case, error) in [("as kept", None), ("refused", Some(text.to_owned()))] {
            let name = format!("edit {}, {case}", kind.noun());
            let model = Edit {
                kind,
                person: person(text),
                authority_name: text.to_owned(),
                authority_apps: text.to_owned(),
                arrival: Some(text.to_owned()),
                csrf: form_key(text),
                form: text.to_owned(),
                id: text.to_owned(),
                place: PageNumber(1),
                text: text.to_owned(),
                error,
            };
            add(
                &name,
                in_document(app, text, || view! { <EditPage model /> }),
            );
        }
    }
    for reason in REASONS {
        let model = problem(reason, text);
        let name = format!("problem {reason:?}");
        add(
            &name,
            in_document(app, text, || view! { <ProblemPage model /> }),
        );
    }
    let model = Switch {
        app_name: text.to_owned(),
        current: person(text),
        next: person(text),
        csrf: form_key(text),
        target: text.to_owned(),
    };
    add(
        "switch",
        in_document(app, text, || view! { <SwitchPage model /> }),
    );
    pages
}

#[test]
fn no_page_lets_text_become_markup() {
    rules::no_text_becomes_markup(&every_page(HOSTILE));
}

#[test]
fn rows_10_and_65_no_page_has_an_inline_style_or_a_script_or_anything_from_elsewhere() {
    rules::nothing_inline_and_nothing_from_elsewhere(&every_page("plain"));
}

#[test]
fn every_page_is_one_document_with_one_heading_and_one_focus() {
    rules::one_document_one_heading_one_focus(&every_page("plain"));
}

#[test]
fn rows_26_and_27_every_form_that_posts_carries_the_csrf_token() {
    rules::every_form_that_posts_carries_the_csrf_token(&every_page("plain"));
}

#[test]
fn every_explanation_is_opened_by_one_word_and_stands_on_the_page_once() {
    rules::every_explanation_stands_once(&every_page("plain"));
}

#[test]
fn a_draft_comes_back_exactly_and_inside_its_field() {
    let draft = format!("\nfirst & last &amp; {HOSTILE}");
    let model = Items {
        draft: draft.clone(),
        ..items(Kind::Note, "plain")
    };
    let html = render(|| view! { <ItemsPage model /> });
    let (_, rest) = html.split_once("<textarea ").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let (content, _) = rest.split_once("</textarea>").unwrap();
    // As a browser reads it: the first line feed goes, then the references are decoded.
    let read = content.strip_prefix('\n').unwrap();
    let read = read
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    assert_eq!(read, draft);
}

#[test]
fn sign_in_takes_the_way_back_along_in_both_forms() {
    let model = Login {
        continue_to: Some("/handoff/authorize?a=1&b=2".to_owned()),
        ..login("x")
    };
    let html = render(|| view! { <LoginPage model /> });
    let field = r#"name="continue" value="/handoff/authorize?a=1&amp;b=2""#;
    assert_eq!(html.matches(field).count(), 2, "{html}");

    let model = Login {
        continue_to: None,
        ..login("x")
    };
    let html = render(|| view! { <LoginPage model /> });
    assert!(!html.contains("continue\""), "{html}");
}

#[test]
fn a_wrong_password_is_told_above_the_form_and_focused() {
    let html = render(|| view! { <LoginPage model=login("x") /> });
    let alert = html.find("role=\"alert\"").unwrap();
    assert!(alert < html.find("<form").unwrap());
    assert!(
        html.contains(r#"id="problem" role="alert" tabindex="-1" autofocus"#),
        "{html}"
    );
    assert_eq!(
        html.matches(r#"aria-describedby="problem""#).count(),
        2,
        "{html}"
    );
}

#[test]
fn the_confirmation_passes_the_request_on_unseen() {
    let model = Confirm {
        request: vec![
            ("client_id".to_owned(), "notes".to_owned()),
            ("state".to_owned(), "a\"b".to_owned()),
        ],
        ..confirm("plain")
    };
    let html = render(|| view! { <ConfirmPage model /> });
    assert!(
        html.contains(r#"<input type="hidden" name="client_id" value="notes">"#),
        "{html}"
    );
    assert!(
        html.contains(r#"<input type="hidden" name="state" value="a&quot;b">"#),
        "{html}"
    );
}

#[test]
fn a_delete_button_is_named_by_the_first_words_of_its_note() {
    let mut model = items(Kind::Note, "plain");
    model.items[0].text = "Buy bread,\nmilk and everything else that is on the list".to_owned();
    let html = render(|| view! { <ItemsPage model /> });
    let name = r#"aria-label="Delete note: Buy bread, milk and everything else that""#;
    assert!(html.contains(name), "{html}");
}

#[test]
fn the_buttons_of_a_long_task_are_named_by_its_first_words() {
    let mut model = items(Kind::Task, "plain");
    model.items[0].text = "Buy bread, milk and everything else that is on the list".to_owned();
    let html = render(|| view! { <ItemsPage model /> });
    for verb in ["Mark done", "Edit task", "Delete task"] {
        let name = format!(r#"aria-label="{verb}: Buy bread, milk and everything else that""#);
        assert!(html.contains(&name), "{verb}: {html}");
    }
}

#[test]
fn a_page_of_texts_leads_back_to_the_apps_of_the_person() {
    for kind in [Kind::Note, Kind::Task] {
        let model = Items {
            authority_name: "Harbor ID".to_owned(),
            authority_apps: "https://auth.example/".to_owned(),
            ..items(kind, "plain")
        };
        let html = render(|| view! { <ItemsPage model /> });
        let (strip, _) = html.split_once("</section>").unwrap();
        assert!(strip.contains(r#"href="https://auth.example/""#), "{html}");
        assert!(text_of(strip).contains("Your apps at Harbor ID"), "{html}");
    }
}

#[test]
fn the_buttons_of_a_task_say_what_they_do_to_which_task() {
    let mut model = items(Kind::Task, "plain");
    model.items[0].text = "buy milk".to_owned();
    model.items[1].text = "wash up".to_owned();
    let html = render(|| view! { <ItemsPage model /> });
    for (id_and_field, name) in [
        ("value=\"true\"", "Mark done: buy milk"),
        ("value=\"false\"", "Mark not done: wash up"),
    ] {
        let form = html
            .split("<form ")
            .find(|form| form.contains(&format!("aria-label=\"{name}\"")));
        assert!(form.unwrap().contains(id_and_field), "{name}: {html}");
    }
    for name in ["Delete task: buy milk", "Delete task: wash up"] {
        assert!(html.contains(&format!("aria-label=\"{name}\"")), "{html}");
    }
    // Struck through, and under a heading that says so: not by colour alone.
    let (_, done) = html.split_once("Done</h2>").unwrap();
    assert!(done.contains("<s>wash up</s>"), "{html}");
    assert!(!done.contains("buy milk"), "{html}");
}

#[test]
fn every_reason_has_a_heading_and_two_ways_on() {
    let headings: std::collections::BTreeSet<String> = REASONS
        .into_iter()
        .map(|reason| {
            let mut model = problem(reason, "Notes");
            model.again = "/again".to_owned();
            let html = render(|| view! { <ProblemPage model /> });
            assert!(html.contains(r#"href="/again""#), "{html}");
            assert!(html.contains(r#"href="/""#), "{html}");
            html.split("<h1>")
                .nth(1)
                .unwrap()
                .split("</h1>")
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(headings.len(), REASONS.len());
}

#[test]
fn who_signs_out_of_an_app_may_still_be_signed_in_where_they_came_from() {
    for just_signed_out in [true, false] {
        let html = render(|| {
            let model = SignedOut {
                app_name: "Notes".to_owned(),
                tagline: "A quiet place.".to_owned(),
                authority_name: "Harbor ID".to_owned(),
                just_signed_out,
                sign_in: "/handoff/start".to_owned(),
                leads_on: false,
                authority_sign_out: "/elsewhere".to_owned(),
            };
            view! { <SignedOutPage model /> }
        });
        let words = "You are signed out of Notes. You may still be signed in to Harbor ID.";
        assert_eq!(text_of(&html).contains(words), just_signed_out, "{html}");
        assert_eq!(html.contains(r#"href="/elsewhere""#), just_signed_out);
    }
}

#[test]
fn row_62_each_button_of_the_sessions_page_says_what_it_ends() {
    let mut model = sessions("");
    let (here, there) = ("Firefox on Linux", "Safari on iPhone");
    for (browser, name, at) in [(0, here, "03:00 UTC"), (1, there, "14:05 UTC")] {
        let browser = &mut model.browsers[browser];
        browser.name = name.to_owned();
        browser.id = format!("id-of-{at}").replace(' ', "-");
        browser.began = moment(at);
    }
    model.browsers[0].apps[0] = AppSession {
        id: "its-id".to_owned(),
        name: "Notes".to_owned(),
        began: moment("03:10 UTC"),
    };
    let html = render(|| view! { <SessionsPage model /> });
    for (action, name) in [
        (
            "/sessions/id-of-03:00-UTC/end",
            "End the sign-in begun 03:00 UTC in this browser, Firefox on Linux",
        ),
        (
            "/sessions/apps/its-id/end",
            "End the Notes session begun 03:10 UTC in Firefox on Linux",
        ),
        (
            "/sessions/id-of-14:05-UTC/end",
            "End the sign-in begun 14:05 UTC in Safari on iPhone",
        ),
    ] {
        let form = html.split_once(&format!("action=\"{action}\""));
        let (form, _) = form.expect(action).1.split_once("</form>").expect(action);
        assert!(form.contains(&format!("aria-label=\"{name}\"")), "{form}");
        assert!(form.contains("name=\"csrf\""), "{form}");
    }
    assert_eq!(html.matches(">This browser<").count(), 1, "{html}");
    assert_eq!(html.matches("No other browser.").count(), 0, "{html}");
}

#[test]
fn what_was_deleted_is_named_and_cut_words_are_marked() {
    for (text, named) in [
        ("Buy\nmilk", ">Buy milk</span>"),
        (
            "Buy bread, milk and everything else that is on the list",
            ">Buy bread, milk and everything else that …</span>",
        ),
    ] {
        let model = Items {
            news: Some(News::Deleted {
                item: item(text),
                minutes: 10,
            }),
            ..items(Kind::Note, "plain")
        };
        let html = render(|| view! { <ItemsPage model /> });
        assert!(html.contains(named), "{html}");
    }
}

#[test]
fn a_page_among_others_says_how_many_there_are_and_where_the_others_lie() {
    for (kind, words, before, after) in [
        (Kind::Note, "5 notes, the newest first.", "Newer", "Older"),
        (
            Kind::Task,
            "5 tasks, what is to do first.",
            "Previous",
            "Next",
        ),
    ] {
        let mut model = items(kind, "plain");
        let html = render({
            let model = model.clone();
            || view! { <ItemsPage model /> }
        });
        assert!(
            !html.contains("<nav") && !html.contains("name=\"page\""),
            "{html}"
        );
        model.part = MIDDLE;
        model.items.remove(0);
        let html = render(|| view! { <ItemsPage model /> });
        let text = text_of(&html);
        assert!(
            text.contains(&format!("You have {words} This is number 3.")),
            "{text}"
        );
        assert!(!text.contains("Nothing left"), "{text}");
        let nav = html.split_once("<nav").unwrap().1;
        assert!(nav.contains(&format!("aria-label=\"Pages of your {}s\"", kind.noun())));
        for (address, word) in [("\"/\"", before), ("\"/?page=3\"", after)] {
            let (_, link) = nav.split_once(&format!("href={address}")).unwrap();
            assert!(link.split_once('>').unwrap().1.starts_with(word), "{nav}");
        }
    }
}
