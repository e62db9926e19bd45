//! The look that a reader chooses: on every site by itself, and never at the price of where they were.

use reqwest::StatusCode;

use crate::harness::{Answer, Persona, World, world};

async fn choose(persona: &Persona, site: &str, fields: &[(&str, &str)]) -> Answer {
    let headers = [("sec-fetch-site", "same-origin")];
    persona
        .post_with(&format!("{site}/appearance"), &headers, fields)
        .await
}

fn wears(page: &Answer, theme: &str, scale: &str) -> bool {
    page.status == StatusCode::OK
        && page.body.contains(&format!(r#" data-theme="{theme}""#))
        && page.body.contains(&format!(r#" data-scale="{scale}""#))
}

fn sites(world: &World) -> [String; 4] {
    let site = |url: String| url.trim_end_matches('/').to_owned();
    [
        site(world.authority("/")),
        site(world.notes("/")),
        site(world.tasks("/")),
        world.origins.of(lab::ID).to_string(),
    ]
}

#[tokio::test]
async fn a_choice_holds_on_every_page_of_its_site_and_on_no_other() {
    let (_process, world) = world().await;
    let persona = world.visitor();
    let sites = sites(&world);
    let chosen = choose(
        &persona,
        &sites[1],
        &[("theme", "dark"), ("back", "/glossary")],
    )
    .await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER);
    assert!(
        chosen.location_starts_with(&world.notes("/glossary#foot")),
        "{chosen:?}"
    );
    choose(&persona, &sites[1], &[("scale", "140")]).await;
    for path in ["/", "/glossary", "/nothing"] {
        let page = persona.get(&world.notes(path)).await;
        assert!(
            page.body.contains(r#"data-theme="dark" data-scale="140""#),
            "{path}: {page:?}"
        );
    }
    for other in [&sites[0], &sites[2], &sites[3]] {
        let page = persona.get(&format!("{other}/glossary")).await;
        assert!(wears(&page, "system", "100"), "{other}: {page:?}");
    }
}

#[tokio::test]
async fn a_presenters_address_sets_the_size_from_then_on() {
    let (_process, world) = world().await;
    for site in sites(&world) {
        let persona = world.visitor();
        let page = persona.get(&format!("{site}/glossary?scale=155")).await;
        assert!(wears(&page, "system", "160"), "{site}: {page:?}");
        let page = persona.get(&format!("{site}/glossary")).await;
        assert!(wears(&page, "system", "160"), "{site}: {page:?}");
        // What is no size changes nothing, and neither do two.
        for query in ["scale=large", "scale=100&scale=100", "scale="] {
            let page = persona.get(&format!("{site}/glossary?{query}")).await;
            assert!(wears(&page, "system", "160"), "{site}?{query}: {page:?}");
        }
    }
}

#[tokio::test]
async fn a_form_of_another_site_cannot_choose() {
    let (_process, world) = world().await;
    for site in sites(&world) {
        let persona = world.visitor();
        let headers = [
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://evil.localhost"),
        ];
        let url = format!("{site}/appearance");
        let answer = persona
            .post_with(&url, &headers, &[("theme", "dark")])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site}: {answer:?}");
        let page = persona.get(&format!("{site}/glossary")).await;
        assert!(wears(&page, "system", "100"), "{site}: {page:?}");
    }
}

/// Where the buttons of a page lead back to.
#[track_caller]
fn back(page: &Answer) -> String {
    let mark = r#"name="back" value=""#;
    let rest = page
        .body
        .split_once(mark)
        .unwrap_or_else(|| panic!("{page:?}"))
        .1;
    rest.split_once('"').unwrap().0.replace("&amp;", "&")
}

#[tokio::test]
async fn choosing_a_look_on_the_sign_in_page_does_not_forget_where_one_was_going() {
    let (_process, world) = world().await;
    let persona = world.visitor();
    let page = persona.open(&world.notes("/handoff/start")).await;
    assert!(page.body.contains("Sign in"), "{page:?}");
    let before = back(&page);
    assert!(before.starts_with("/login?continue="), "{before}");
    let site = sites(&world)[0].clone();
    let chosen = choose(&persona, &site, &[("theme", "light"), ("back", &before)]).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{chosen:?}");
    let page = persona.open(&format!("{site}{before}")).await;
    assert!(wears(&page, "light", "100"), "{page:?}");
    assert!(page.body.contains("Notes"), "{page:?}");
    assert_eq!(back(&page), before);
}

/// The address of such a page holds a token: its buttons must not carry it on.
#[tokio::test]
async fn a_page_about_a_failed_sign_in_leads_back_to_the_front_page() {
    let (_process, world) = world().await;
    let persona = world.visitor();
    let token = "A".repeat(43);
    let url = world.notes(&format!("/callback?handoff_token={token}&state={token}"));
    let page = persona.open(&url).await;
    assert!(
        page.body.contains("not waiting for this sign-in"),
        "{page:?}"
    );
    assert_eq!(back(&page), "/");
    assert!(!page.body.contains(&token));
}
#[tokio::test]
async fn nothing_but_a_visit_sets_the_size() {
    let (_process, world) = world().await;
    for site in sites(&world) {
        let persona = world.visitor();
        let url = format!("{site}/glossary?scale=160");
        for headers in [
            [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
            [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
            [("sec-fetch-mode", "navigate"), ("sec-purpose", "prefetch")],
        ] {
            persona
                .send(reqwest::Method::GET, &url, &headers, None)
                .await;
        }
        let headers = [("sec-fetch-site", "cross-site")];
        persona
            .post_with(&format!("{site}/appearance?scale=160"), &headers, &[])
            .await;
        let page = persona.get(&format!("{site}/glossary")).await;
        assert!(wears(&page, "system", "100"), "{site}: {page:?}");
    }
}

#[tokio::test]
async fn an_offer_to_undo_outlasts_a_choice() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let home = alice.get(&world.notes("/")).await;
    let fields = [("csrf", &*home.csrf()), ("text", "to be deleted")];
    alice.post(&world.notes("/notes"), &fields).await;
    let home = alice.get(&world.notes("/")).await;
    let delete = home.body.split_once(r#"action="/notes/"#).unwrap().1;
    let delete = format!("/notes/{}", delete.split_once('"').unwrap().0);
    let deleted = alice
        .post(&world.notes(&delete), &[("csrf", &home.csrf())])
        .await;
    let page = alice.open(&deleted.location()).await;
    assert!(back(&page).starts_with("/?deleted="), "{page:?}");
}
