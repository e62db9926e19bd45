//! Step mode: a visitor stops before each redirect, looks, changes something, and goes on.

use handoff::policy::Defence;
use relying_party::Application;
use reqwest::{Method, StatusCode};
use time::Duration;

use crate::harness::{Answer, Kept, Persona, Process, World, without, world};

/// Presses the lab's button. The answer leads to the first site of the chain.
async fn press(world: &World, visitor: &Persona) -> Answer {
    let answer = visitor.post(&world.lab("/step"), &[("on", "yes")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    answer
}

async fn switch_on(world: &World, visitor: &Persona) {
    let begun = press(world, visitor).await;
    let page = visitor.follow(begun).await;
    assert_eq!(page.url, world.lab("/step"));
    assert_eq!(on(&page), [true; 3], "{page:?}");
}

/// Whether the lab's page says of each site, in their order, that step mode is on.
fn on(page: &Answer) -> Vec<bool> {
    let sites = page.body.split("class=\"step-site\"").skip(1);
    let says = sites.map(|site| site.contains("<strong>on</strong>"));
    says.collect()
}

async fn stepping_everywhere(world: &World) -> Persona {
    let alice = world.signed_in("alice@harbor.example").await;
    switch_on(world, &alice).await;
    alice
}

/// The pages of the sites about step mode.
fn pages(world: &World) -> [String; 3] {
    [
        world.authority("/lab/step"),
        world.notes("/lab/step"),
        world.tasks("/lab/step"),
    ]
}

/// It is on at no site, by the word of each, and nothing stops.
async fn assert_off_everywhere(world: &World, visitor: &Persona) {
    for page in pages(world) {
        let page = visitor.get(&page).await;
        assert!(page.body.contains("It is off at"), "{page:?}");
    }
    let page = visitor.get(&world.lab("/step")).await;
    assert_eq!(on(&page), [false; 3], "{page:?}");
    let notes = visitor.open_notes(world).await;
    assert!(notes.body.contains("Your notes"), "{notes:?}");
}

fn text(html: &str) -> String {
    html.replace("&amp;", "&").replace("&quot;", "\"")
}

fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
    rest.split_once('"').unwrap().0
}

/// The request that the page would send, its parameters as they stand in the fields.
#[derive(Debug)]
struct Next {
    address: String,
    parameters: Vec<(String, String)>,
    new: Vec<String>,
}

fn next(page: &Answer) -> Next {
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.body.contains("Step mode has stopped here"), "{page:?}");
    let (_, tool) = page
        .body
        .split_once("aria-label=\"The next request\"")
        .unwrap();
    let (tool, _) = tool.split_once("</section>").unwrap();
    let Some((_, form)) = tool.split_once("<form") else {
        let (_, link) = tool.split_once("<a").unwrap();
        return Next {
            address: text(attribute(link, "href")),
            parameters: Vec::new(),
            new: Vec::new(),
        };
    };
    let mut parameters = Vec::new();
    let mut new = Vec::new();
    for field in form.split("class=\"field\"").skip(1) {
        let (_, input) = field.split_once("<input").unwrap();
        let name = text(attribute(input, "name"));
        if field.contains("new-mark") {
            new.push(name.clone());
        }
        parameters.push((name, text(attribute(input, "value"))));
    }
    Next {
        address: text(attribute(form, "action")),
        parameters,
        new,
    }
}

impl Next {
    fn url(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.parameters);
        match query.finish() {
            query if query.is_empty() => self.address.clone(),
            query => format!("{}?{query}", self.address),
        }
    }

    fn names(&self) -> Vec<&str> {
        self.parameters
            .iter()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    fn value(&mut self, name: &str) -> &mut String {
        let found = self.parameters.iter_mut().find(|(n, _)| n == name);
        &mut found.unwrap().1
    }
}

#[tokio::test]
async fn each_redirect_of_a_handoff_waits_for_the_visitor() {
    let (_process, world) = world().await;
    let alice = stepping_everywhere(&world).await;

    let h1 = next(&alice.click_open_notes(&world).await);
    assert_eq!(h1.address, world.notes("/handoff/start"));
    assert_eq!(h1.names(), ["iss", "target_link_uri", "launch"]);
    assert_eq!(h1.new, ["iss", "target_link_uri", "launch"]);

    let answer = alice.get(&h1.url()).await;
    assert!(alice.cookie(&world.notes("/"), "__Host-rp_pre").is_some());
    assert!(answer.body.contains("__Host-rp_pre"), "{answer:?}");
    let h2 = next(&answer);
    assert_eq!(h2.address, world.authority("/handoff/authorize"));
    assert!(h2.new.contains(&"state".to_owned()), "{h2:?}");
    assert!(!h2.new.contains(&"launch".to_owned()), "it came: {h2:?}");
    let forms = answer.header("content-security-policy").to_owned();
    for origin in [
        world.origins.of(authority::ID),
        world.origins.of(Application::Notes),
    ] {
        assert!(forms.contains(origin.as_str()), "{forms}");
    }

    let h3 = next(&alice.get(&h2.url()).await);
    assert_eq!(h3.address, world.notes("/callback"));
    assert_eq!(h3.new, ["handoff_token", "iss"], "the state came back");

    let h6 = next(&alice.get(&h3.url()).await);
    assert_eq!(h6.url(), world.notes("/"));
    assert!(alice.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn a_state_that_was_changed_is_refused_as_anybodys_would_be() {
    let (_process, world) = world().await;
    let alice = stepping_everywhere(&world).await;
    let h1 = next(&alice.click_open_notes(&world).await);
    let h2 = next(&alice.get(&h1.url()).await);
    let mut h3 = next(&alice.get(&h2.url()).await);
    let state = h3.value("state");
    let other = if state.starts_with('A') { "B" } else { "A" };
    state.replace_range(..1, other);
    let refused = alice.get(&h3.url()).await;
    let page = alice.follow(refused).await;
    assert!(
        page.body.contains("not waiting for this sign-in"),
        "{page:?}"
    );
    assert!(!alice.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn an_address_of_a_chain_switches_nothing_on_in_another_browser() {
    let (_process, world) = world().await;
    for walked in 0..=3 {
        let mallory = world.visitor();
        let mut sent = press(&world, &mallory).await;
        for _ in 0..walked {
            sent = mallory.get(&sent.location()).await;
        }
        let address = sent.location();
        let victim = world.signed_in("alice@harbor.example").await;
        // A cookie of the lab's own does not help.
        press(&world, &victim).await;
        let page = victim.open(&address).await;
        assert_eq!(page.url, world.lab("/step"), "{page:?}");
        assert_off_everywhere(&world, &victim).await;
        // Nor does what the attacker knows, afterwards.
        mallory.open(&address).await;
        let key = sent.location_parameter("key");
        mallory
            .open(&world.lab(&format!("/step/on?key={key}")))
            .await;
        assert_off_everywhere(&world, &victim).await;
    }
}

#[tokio::test]
async fn whoever_began_a_chain_cannot_finish_it_for_the_browser_that_walked_it() {
    let (_process, world) = world().await;
    for walked in 0..3 {
        let mallory = world.visitor();
        let mut known = vec![press(&world, &mallory).await];
        for _ in 0..walked {
            let next = mallory.get(&known.last().unwrap().location()).await;
            known.push(next);
        }
        let victim = world.signed_in("alice@harbor.example").await;
        let mut answer = victim.get(&known.last().unwrap().location()).await;
        // All but the last step, which would use the chain up.
        while !answer.location_starts_with(&world.lab("/step")) {
            answer = victim.get(&answer.location()).await;
        }
        for known in &known {
            let key = known.location_parameter("key");
            mallory
                .open(&world.lab(&format!("/step/on?key={key}")))
                .await;
        }
        assert_off_everywhere(&world, &victim).await;
        // The last address alone is not enough in the victim's browser.
        victim.open(&answer.location()).await;
        assert_off_everywhere(&world, &victim).await;
    }
}

#[tokio::test]
async fn a_chain_is_finished_once_in_order_and_within_ten_minutes() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    // Not at another site than the next.
    let begun = press(&world, &alice).await;
    let key = begun.location_parameter("key");
    for address in [
        world.notes(&format!("/lab/step/on?key={key}")),
        begun.location(),
    ] {
        let answer = alice.get(&address).await;
        assert!(answer.location().ends_with("/lab/step"), "{answer:?}");
    }
    // Not too late, and not by a request that is no navigation.
    let begun = press(&world, &alice).await;
    let headers = [("sec-fetch-dest", "iframe")];
    let framed = alice
        .send(Method::GET, &begun.location(), &headers, None)
        .await;
    assert_eq!(framed.status, StatusCode::FORBIDDEN, "{framed:?}");
    world.clock.advance(Duration::minutes(10));
    alice.follow(begun).await;
    assert_off_everywhere(&world, &alice).await;

    // Twice.
    let mut answer = press(&world, &alice).await;
    let mut used = Vec::new();
    while answer.status.is_redirection() {
        used.push(answer.location());
        answer = alice.get(&answer.location()).await;
    }
    assert_eq!(on(&answer), [true; 3], "{answer:?}");
    let bob = world.signed_in("bob@harbor.example").await;
    for address in used {
        bob.open(&address).await;
    }
    assert_off_everywhere(&world, &bob).await;
}

#[tokio::test]
async fn the_lab_says_where_it_is_on_and_leads_on() {
    let (_process, world) = world().await;
    let alice = stepping_everywhere(&world).await;
    let lab = world.lab("/step");
    let page = alice.get(&lab).await;
    let authority = world.origins.of(authority::ID);
    for link in [
        format!("href=\"{authority}\""),
        "href=\"/flows/next\"".to_owned(),
        format!("href=\"{}\"", world.notes("/lab/step")),
    ] {
        assert!(page.body.contains(&link), "{link}: {page:?}");
    }
    let forms = page.header("content-security-policy").to_owned();
    for origin in [world.origins.of(Application::Tasks), authority] {
        assert!(forms.contains(origin.as_str()), "{forms}");
    }
    assert_eq!(on(&world.visitor().get(&lab).await), [false; 3]);

    let notes = [("off", "yes")];
    alice.post(&world.notes("/lab/step"), &notes).await;
    assert_eq!(on(&alice.get(&lab).await), [true, false, true]);
    switch_on(&world, &alice).await;
    let off = alice.post(&lab, &[("off", "yes")]).await;
    assert_eq!(off.location(), lab);
    assert_off_everywhere(&world, &alice).await;
}

#[tokio::test]
async fn it_is_off_until_switched_on_and_after_an_hour_or_a_press() {
    let (_process, world) = world().await;
    let alice = stepping_everywhere(&world).await;
    let stops = async || {
        let answer = alice.click_open_notes(&world).await;
        answer.status == StatusCode::OK
    };
    assert!(stops().await);
    let answer = alice
        .post(&world.authority("/lab/step"), &[("off", "yes")])
        .await;
    let page = alice.follow(answer).await;
    assert!(page.body.contains("It is off at Harbor ID"), "{page:?}");
    assert!(!stops().await);

    switch_on(&world, &alice).await;
    assert!(stops().await);
    // The person's own session must not end first.
    for _ in 0..4 {
        world.clock.advance(Duration::minutes(15));
        alice.get(&world.authority("/")).await;
    }
    assert!(!stops().await);
}

#[tokio::test]
async fn it_stops_where_cookies_have_no_prefix_too() {
    let process = Process::start().await;
    let world = process
        .platform_with("", Kept::InMemory, |setup| {
            setup.policy = without(Defence::HostCookies);
        })
        .await;
    let alice = stepping_everywhere(&world).await;
    assert!(alice.cookie(&world.notes("/"), "lab_step").is_some());
    next(&alice.click_open_notes(&world).await);
}

/// Goes on from a stop, with one parameter changed.
async fn changed(alice: &Persona, page: &Answer, name: &str, value: &str) -> Answer {
    let mut next = next(page);
    value.clone_into(next.value(name));
    let answer = alice.get(&next.url()).await;
    alice.follow(answer).await
}

#[tokio::test]
async fn what_there_is_to_try_comes_out_as_the_page_says() {
    let (_process, world) = world().await;
    let alice = stepping_everywhere(&world).await;
    let page = alice.get(&world.lab("/step")).await;
    for says in [
        "Another state",
        "Another redirect URI",
        "Another issuer",
        "Another challenge",
        "A used token",
        "A used callback",
        "A second verify",
    ] {
        assert!(page.body.contains(says), "{says}: {page:?}");
    }
    let to_authorize = async || {
        let h1 = next(&alice.click_open_notes(&world).await);
        alice.get(&h1.url()).await
    };
    let to_callback = async || {
        let h2 = to_authorize().await;
        alice.get(&next(&h2).url()).await
    };
    let h2 = to_authorize().await;
    assert!(h2.body.contains("change the redirect URI"), "{h2:?}");
    let elsewhere = world.notes("/elsewhere");
    let refused = changed(&alice, &h2, "redirect_uri", &elsewhere).await;
    assert!(
        refused.url.starts_with(&world.authority("/")),
        "{refused:?}"
    );
    assert!(refused.status.is_client_error(), "{refused:?}");
    let h3 = changed(
        &alice,
        &to_authorize().await,
        "code_challenge",
        &"A".repeat(43),
    )
    .await;
    let refused = alice.open(&next(&h3).url()).await;
    assert!(refused.body.contains("no longer valid"), "{refused:?}");
    let h3 = to_callback().await;
    assert!(h3.body.contains("change a letter of the state"), "{h3:?}");
    let refused = changed(&alice, &h3, "state", &"A".repeat(43)).await;
    assert!(refused.body.contains("not waiting"), "{refused:?}");
    let elsewhere = "http://elsewhere.localhost";
    let refused = changed(&alice, &to_callback().await, "iss", elsewhere).await;
    assert!(refused.url.contains("/signin/problem"), "{refused:?}");

    let h3 = to_callback().await;
    let token = next(&h3).value("handoff_token").clone();
    let callback = next(&h3).url();
    let last = alice.get(&callback).await;
    assert_eq!(next(&last).url(), world.notes("/"));
    let again = alice.open(&callback).await;
    assert!(
        again.body.contains("You are signed in to Notes"),
        "{again:?}"
    );
    assert!(alice.is_signed_in_at_notes(&world).await);
    let refused = changed(&alice, &to_callback().await, "handoff_token", &token).await;
    assert!(refused.body.contains("no longer valid"), "{refused:?}");
}

#[tokio::test]
async fn a_stop_explains_its_values_and_leads_to_the_handoff_in_the_lab() {
    let (_process, world) = world().await;
    let alice = stepping_everywhere(&world).await;
    let h1 = alice.click_open_notes(&world).await;
    let h2 = alice.get(&next(&h1).url()).await;
    let h3 = alice.get(&next(&h2).url()).await;
    for (page, terms) in [
        (
            &h1,
            ["issuer", "target-link-uri", "launch-ticket"].as_slice(),
        ),
        (
            &h2,
            &[
                "client",
                "redirect-uri",
                "state",
                "challenge",
                "challenge-method",
            ],
        ),
        (&h3, &["handoff-token", "state", "issuer"]),
    ] {
        for term in terms {
            let id = format!("id=\"term-{term}\"");
            assert_eq!(page.body.matches(&id).count(), 1, "{term}: {page:?}");
        }
        let fields = next(page).parameters.len();
        let closed = page.body.matches("autocomplete=\"off\"").count();
        assert_eq!(closed, fields, "{page:?}");
    }
    world.settled().await;
    let (_, link) = h3.body.split_once("/flows/by-trace/").unwrap();
    let flow = alice
        .open(&world.lab(&format!("/flows/by-trace/{}", &link[..16])))
        .await;
    assert!(flow.body.contains("A handoff to Notes"), "{flow:?}");
}

#[tokio::test]
async fn a_platform_without_a_lab_has_no_step_mode() {
    let process = Process::start().await;
    let world = process
        .platform_with("", Kept::InMemory, |setup| {
            setup.sites.remove(&lab::ID);
        })
        .await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.set_cookie(&world.authority("/"), "__Host-lab_step", "anything");
    for address in [world.authority("/lab/step"), world.notes("/lab/step")] {
        let answer = alice.get(&address).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer:?}");
    }
    assert!(alice.open_notes(&world).await.body.contains("Your notes"));
}

#[tokio::test]
async fn it_is_offered_only_for_the_sites_that_the_labs_own_process_serves() {
    let [notes, tasks] = [Application::Notes, Application::Tasks].map(Application::site_id);
    for (served, says) in [
        (vec![authority::ID, notes, tasks], None),
        (vec![notes], Some("Not for Harbor ID and Tasks")),
        (vec![], Some("serves no other site")),
    ] {
        let process = Process::start().await;
        let world = process
            .platform_with("", Kept::InMemory, |setup| {
                for site in [authority::ID, notes, tasks] {
                    if !served.contains(&site) {
                        setup.sites.remove(&site);
                    }
                }
            })
            .await;
        let visitor = world.visitor();
        let before = visitor.get(&world.lab("/step")).await;
        let begun = press(&world, &visitor).await;
        let after = visitor.follow(begun).await;
        assert_eq!(on(&before), vec![false; served.len()]);
        assert_eq!(on(&after), vec![true; served.len()]);
        let can = before.body.contains("Switch it on at all sites");
        assert_eq!(can, !served.is_empty(), "{before:?}");
        for page in [before, after] {
            assert_eq!(page.status, StatusCode::OK);
            for words in ["Not for", "serves no other site"] {
                let expected = says.is_some_and(|says| says.starts_with(words));
                assert_eq!(page.body.contains(words), expected, "{words}: {page:?}");
            }
            if let Some(says) = says {
                assert!(page.body.contains(says), "{page:?}");
            }
        }
    }
}

#[tokio::test]
async fn one_address_cannot_push_everybodys_chains_out() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let begun = press(&world, &alice).await;
    let mallory = world.visitor();
    let mut answers = Vec::new();
    // As many as would take all the room there is.
    for _ in 0..10_000 {
        let answer = mallory.post(&world.lab("/step"), &[("on", "yes")]).await;
        answers.push(answer.status);
        if !answer.status.is_redirection() {
            break;
        }
    }
    assert_eq!(answers.len(), 200, "Alice has begun one too");
    assert_eq!(answers[199], StatusCode::TOO_MANY_REQUESTS);
    let page = alice.follow(begun).await;
    assert_eq!(on(&page), [true; 3], "{page:?}");
    world.clock.advance(Duration::seconds(2));
    press(&world, &mallory).await;
}
