//! What holds for every page, and what must hold for the text that people put on them.

use crate::{
    appearance::{Appearance, Scale, Surroundings, Theme},
    authority::{
        confirm::{Confirm, ConfirmPage},
        login::{DemoAccount, Login, LoginNotice, LoginPage},
        logout::{SignOut, SignOutPage},
        portal::{AppIcon, AppTile, OpenSessions, Outcome, Portal, PortalPage, RecentHandoff},
        sessions::{AppSession, BrowserSession, Ended, Moment, Sessions, SessionsPage},
    },
    components::moment::Past,
    error::{ErrorPage, ErrorText},
    lab::{
        diagram::{AppName, Missing, Names, Outcome as FlowOutcome},
        flow::{Flow, FlowPage},
        flows::{FlowRow, Flows, FlowsPage},
        next::{Next, NextPage},
        start::{Start, StartPage},
    },
    person::Person,
    relying_party::{
        items::{Edit, EditPage, ItemView, Items, ItemsPage, Kind, News, PageNumber, Part},
        problem::{Problem, ProblemPage, Reason},
        signed_out::{SignedOut, SignedOutPage},
        switch::{Switch, SwitchPage},
    },
    shell::{Assets, Brand, Document, Frame, Party},
    words::{GlossaryPage, Term},
};
use leptos::{nonce::Nonce, prelude::*};

const HOSTILE: &str =
    "</textarea></title>\"'><script>alert(1)</script><img src=x onerror=alert(1)>";

fn render<V: IntoView + 'static>(view: impl FnOnce() -> V) -> String {
    Owner::new().with(|| view().to_html())
}

fn assets() -> Assets {
    let names = [
        ("style.css", "style.0a1b.css"),
        ("favicon-tick.svg", "favicon-tick.4e5f.svg"),
        ("lab", "lab.2c3d"),
    ];
    let names = names.map(|(plain, hashed)| (plain.to_owned(), hashed.to_owned()));
    names.into_iter().collect()
}

fn in_document<V: IntoView + 'static>(
    party: Party,
    title: &str,
    page: impl FnOnce() -> V + Send + 'static,
) -> String {
    let title = title.to_owned();
    render(move || {
        let brand = Brand {
            name: "Harbor ID".to_owned(),
            party,
        };
        view! {
            <Document brand title assets=assets()>
                {page()}
            </Document>
        }
    })
}

fn person(name: &str) -> Person {
    Person {
        name: name.to_owned(),
        email: "alice@harbor.example".to_owned(),
    }
}

fn login(text: &str) -> Login {
    Login {
        csrf: text.to_owned(),
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
        notice: Some(LoginNotice::WrongEmailOrPassword),
    }
}

fn portal(text: &str) -> Portal {
    Portal {
        person: person(text),
        csrf: text.to_owned(),
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

fn past(text: &str) -> Past {
    Past {
        at: moment(text),
        ago: text.to_owned(),
    }
}

fn moment(text: &str) -> Moment {
    Moment {
        for_people: text.to_owned(),
        for_programs: text.to_owned(),
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
        csrf: text.to_owned(),
        browsers: vec![browser(true, vec![app]), browser(false, Vec::new())],
        ended: None,
    }
}

fn confirm(text: &str) -> Confirm {
    Confirm {
        person: person(text),
        client_name: text.to_owned(),
        client_host: text.to_owned(),
        csrf: text.to_owned(),
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
        csrf: text.to_owned(),
        items: vec![item(text), done],
        part: Part::whole(2),
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
    }
}

fn flows(text: &str) -> Flows {
    let reason = text.to_owned();
    Flows {
        rows: [
            FlowOutcome::UnderWay,
            FlowOutcome::SignedIn,
            FlowOutcome::Refused(reason.clone()),
            FlowOutcome::RefusedAfterwards(reason),
        ]
        .map(|outcome| FlowRow {
            number: 1,
            href: text.to_owned(),
            app_name: (outcome != FlowOutcome::UnderWay).then(|| text.to_owned()),
            icon: AppIcon::Page,
            began: past(text),
            outcome,
            steps: 12,
        })
        .into(),
        earlier: Some(text.to_owned()),
        stream: Some(text.to_owned()),
        authority_origin: text.to_owned(),
        authority_name: text.to_owned(),
    }
}

/// A recorded handoff, with this text wherever a site or a browser chose one.
#[expect(
    clippy::unwrap_used,
    reason = "clippy does not see that this is for tests alone"
)]
fn flow(text: &str) -> Flow {
    let recorded = include_str!("lab/diagram/samples/stolen_callback.json");
    let json = serde_json::to_string(text).unwrap();
    let json = &json[1..json.len() - 1];
    let recorded = recorded
        .replace("http://notes.localhost:4000/callback", json)
        .replace("http://notes.localhost:4000", json)
        .replace("http://auth.localhost:4000", json)
        .replace("no_pre_session", json)
        .replace("Mozilla/5.0", json);
    Flow {
        id: text.to_owned(),
        events: serde_json::from_str(&recorded).unwrap(),
        names: Names {
            authority: text.to_owned(),
            apps: vec![AppName {
                client: handoff::ids::ClientId::parse("notes").unwrap(),
                name: text.to_owned(),
                icon: AppIcon::Page,
            }],
        },
        began: past(text),
        stream: Some(text.to_owned()),
        missing: Missing {
            unreadable: 2,
            after: Some((200, FlowOutcome::Refused(text.to_owned()))),
        },
        address: text.to_owned(),
    }
}

const REASONS: [Reason; 8] = [
    Reason::NotThisBrowser,
    Reason::Refused,
    Reason::AuthorityUnreachable,
    Reason::Cancelled,
    Reason::NotAssigned,
    Reason::NobodyToSwitchFrom,
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
    for (ended, browsers) in [(None, 2), (Some(Ended::Browser), 1), (Some(Ended::App), 2)] {
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
            csrf: text.to_owned(),
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
                csrf: text.to_owned(),
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
        csrf: text.to_owned(),
    };
    add(
        "switch",
        in_document(app, text, || view! { <SwitchPage model /> }),
    );
    let model = Start {
        authority_origin: text.to_owned(),
        notes_origin: text.to_owned(),
        tasks_origin: text.to_owned(),
    };
    add(
        "start",
        in_document(Party::Lab, text, || view! { <StartPage model /> }),
    );
    for (name, kept) in [("flows", 4), ("flows, none", 0)] {
        let mut model = flows(text);
        model.rows.truncate(kept);
        add(
            name,
            in_document(Party::Lab, text, || view! { <FlowsPage model /> }),
        );
    }
    let model = Next {
        after: 1,
        stream: text.to_owned(),
        authority_origin: text.to_owned(),
        authority_name: text.to_owned(),
    };
    add(
        "next flow",
        in_document(Party::Lab, text, || view! { <NextPage model /> }),
    );
    let model = flow(text);
    add(
        "flow",
        in_document(Party::Lab, text, || view! { <FlowPage model /> }),
    );
    let model = ErrorText {
        title: text.to_owned(),
        text: text.to_owned(),
        action: Some((text.to_owned(), text.to_owned())),
        trace: text.to_owned(),
        recorded: Some(text.to_owned()),
    };
    add(
        "error",
        in_document(Party::Lab, text, || view! { <ErrorPage model /> }),
    );
    add(
        "glossary",
        in_document(Party::Lab, text, || view! { <GlossaryPage /> }),
    );
    pages
}

#[test]
fn no_page_lets_text_become_markup() {
    for (name, html) in every_page(HOSTILE) {
        assert!(!html.contains("<script"), "{name}: {html}");
        assert!(!html.contains("<img"), "{name}: {html}");
    }
}

#[test]
fn rows_10_and_65_no_page_has_an_inline_style_or_a_script_or_anything_from_elsewhere() {
    for (name, html) in every_page("plain") {
        // A link to read on fetches nothing until somebody follows it.
        let html = html.replace(r#"<a href="https://"#, "");
        for forbidden in [
            "style=",
            "<style",
            "<script",
            "javascript:",
            " onclick",
            "http",
        ] {
            assert!(!html.contains(forbidden), "{name} has {forbidden}: {html}");
        }
    }
}

#[test]
fn every_page_is_one_document_with_one_heading_and_one_focus() {
    for (name, html) in every_page("plain") {
        assert!(
            html.starts_with("<!DOCTYPE html><html lang=\"en\" data-party="),
            "{name}: {html}"
        );
        assert_eq!(html.matches("<h1").count(), 1, "{name}: {html}");
        assert_eq!(html.matches("<main").count(), 1, "{name}: {html}");
        assert!(html.matches(" autofocus").count() <= 1, "{name}: {html}");
        assert!(
            html.contains("<title>plain · Harbor ID</title>"),
            "{name}: {html}"
        );
        assert!(!text_of(&html).contains('!'), "{name} shouts: {html}");
    }
}

#[test]
fn rows_26_and_27_every_form_that_posts_carries_the_csrf_token() {
    for (name, html) in every_page("plain") {
        for form in html.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let token = r#"<input type="hidden" name="csrf" value="plain">"#;
            // The choice of a look belongs to no session, and there is nothing else in its forms.
            let is_about_looks = form.contains(r#"action="/appearance""#);
            let posts = form.contains(r#"method="post""#);
            assert_eq!(
                form.contains(token),
                posts && !is_about_looks,
                "{name}: {form}"
            );
            for field in fields_of(form).filter(|_| is_about_looks) {
                assert!(
                    ["back", "theme", "scale"].contains(&field),
                    "{name}: {form}"
                );
            }
        }
    }
}

/// The names of a form's fields and buttons.
fn fields_of(form: &str) -> impl Iterator<Item = &str> {
    form.split(r#" name=""#)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

fn with_surroundings(surroundings: Surroundings, page: impl FnOnce() -> AnyView) -> String {
    render(move || {
        provide_context(surroundings);
        let brand = Brand {
            name: "Notes".to_owned(),
            party: Party::RelyingParty(AppIcon::Page),
        };
        Frame {
            places: Vec::new(),
            brand,
            assets: assets(),
        }
        .page("plain", false, page())
    })
}

#[test]
fn the_document_wears_what_the_reader_has_chosen_and_leads_back() {
    for theme in Theme::ALL {
        for scale in Scale::ALL {
            let html = with_surroundings(
                Surroundings {
                    appearance: Appearance { theme, scale },
                    back: "/here?a=1".to_owned(),
                },
                || view! { <GlossaryPage /> }.into_any(),
            );
            let (slug, percent) = (theme.slug(), scale.percent());
            let head = html.split('>').nth(1).unwrap();
            assert!(head.contains(&format!(r#"data-theme="{slug}""#)), "{head}");
            assert!(
                head.contains(&format!(r#"data-scale="{percent}""#)),
                "{head}"
            );
            let pressed: Vec<_> = html.split(r#"aria-pressed="true""#).collect();
            assert_eq!(pressed.len(), 2, "one theme is pressed: {html}");
            assert!(pressed[0].ends_with(&format!(r#"name="theme" value="{slug}" "#)));
            assert!(text_of(&html).contains(&format!("{percent} %")), "{html}");
            let dead = html.matches(r#"aria-disabled="true""#).count();
            let ends = usize::from(percent == 100) + usize::from(percent == 160);
            assert_eq!(dead, ends, "{html}");
            assert_eq!(html.matches(r#"name="back" value="/here?a=1""#).count(), 2);
        }
    }
}

#[test]
fn a_size_is_the_nearest_that_there_is() {
    for (asked, percent) in [
        ("100", 100),
        ("0", 100),
        ("119", 120),
        ("150", 140),
        ("151", 160),
        ("65535", 160),
    ] {
        assert_eq!(Scale::parse(asked).unwrap().percent(), percent, "{asked}");
    }
    for no in ["", "large", "-1", "65536", "1e2"] {
        assert_eq!(Scale::parse(no), None, "{no}");
    }
}

#[test]
fn the_glossary_has_every_term_once_in_the_order_of_the_alphabet() {
    let words: Vec<_> = Term::ALL
        .iter()
        .map(|term| term.word().to_lowercase())
        .collect();
    let mut sorted = words.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(words, sorted);
    let html = render(|| view! { <GlossaryPage /> });
    for term in Term::ALL {
        let id = format!(r#"id="{}""#, term.slug());
        assert_eq!(html.matches(&id).count(), 1, "{id}: {html}");
    }
}

#[test]
fn every_explanation_is_opened_by_one_word_and_stands_on_the_page_once() {
    let mut explained = 0;
    for (name, html) in every_page("plain") {
        for rest in html.split(r#"popovertarget=""#).skip(1) {
            let id = rest.split('"').next().unwrap();
            let card = format!(r#"id="{id}" popover="auto""#);
            assert_eq!(html.matches(&card).count(), 1, "{name}: {id}: {html}");
            assert_eq!(
                html.matches(&format!(r#"popovertarget="{id}""#)).count(),
                1,
                "{name}"
            );
            explained += 1;
        }
    }
    assert!(explained > 0);
}

/// What a reader sees: the document without its tags and comments.
fn text_of(html: &str) -> String {
    html.split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| text)
        .collect()
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
fn each_application_has_an_icon_of_its_own_and_one_colour() {
    let favicons = [
        (AppIcon::Page, "/assets/favicon-page.svg"),
        (AppIcon::Tick, "/assets/favicon-tick.4e5f.svg"),
    ];
    let pages = favicons.map(|(icon, favicon)| {
        let party = Party::RelyingParty(icon);
        let html = in_document(party, "x", || view! { <p>"x"</p> });
        assert!(html.contains("data-party=\"relying_party\""), "{html}");
        assert!(html.contains(favicon), "{html}");
        html
    });
    assert_ne!(pages[0], pages[1]);
}

#[test]
fn every_reason_has_a_heading_and_two_ways_on() {
    let headings: std::collections::BTreeSet<String> = REASONS
        .into_iter()
        .map(|reason| {
            let model = problem(reason, "Notes");
            let html = render(|| view! { <ProblemPage model /> });
            assert!(html.contains(r#"href="/handoff/start""#), "{html}");
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
fn a_problem_leads_to_the_front_page_of_the_site_that_has_it() {
    let html = render(|| {
        let frame = Frame {
            places: Vec::new(),
            brand: Brand {
                name: "Notes".to_owned(),
                party: Party::RelyingParty(AppIcon::Page),
            },
            assets: assets(),
        };
        let (title, trace) = ("This page does not exist", "0123456789abcdef");
        frame.problem(
            title.to_owned(),
            "Check it.".to_owned(),
            trace.to_owned(),
            None,
        )
    });
    assert!(
        html.contains("<title>This page does not exist · Notes</title>"),
        "{html}"
    );
    let text = text_of(&html);
    for words in ["Check it.", "Go to Notes", "0123456789abcdef"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!html.contains("<script"), "{html}");
}

#[test]
fn the_lab_shows_the_example_of_the_standard_without_a_script() {
    let model = Start {
        authority_origin: "a".to_owned(),
        notes_origin: "b".to_owned(),
        tasks_origin: "c".to_owned(),
    };
    let html = render(|| view! { <StartPage model /> });
    assert!(
        html.contains("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        "{html}"
    );
    assert!(
        html.contains("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        "{html}"
    );
    assert!(html.contains("<leptos-island"), "{html}");
}

#[test]
fn a_page_with_islands_loads_the_bundle_under_the_nonce() {
    let html = render(|| {
        provide_context(Nonce::from_value("bm9uY2U"));
        let brand = Brand {
            name: "Handoff Lab".to_owned(),
            party: Party::Lab,
        };
        view! {
            <Document brand title="Start" assets=assets() hydrate=true>
                <p>"x"</p>
            </Document>
        }
    });
    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert!(
        html.contains(r#"<script type="module" nonce="bm9uY2U">"#),
        "{html}"
    );
    assert!(html.contains("/assets/lab.2c3d.js"), "{html}");
    assert!(html.contains("/assets/lab.2c3d_bg.wasm"), "{html}");
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
fn each_app_has_a_drawing_of_its_own() {
    let drawings: std::collections::BTreeSet<_> = AppIcon::ALL
        .iter()
        .map(|icon| {
            let icon = *icon;
            render(move || view! { <crate::components::icon::Glyph icon /> })
        })
        .collect();
    assert_eq!(drawings.len(), AppIcon::ALL.len(), "{drawings:?}");
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
