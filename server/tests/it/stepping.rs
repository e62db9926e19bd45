//! Step mode: a visitor stops before each redirect, looks, changes something, and goes on.

use relying_party::Application;
use reqwest::StatusCode;
use time::Duration;

use crate::harness::{Answer, Kept, Persona, Process, World, world};

/// The links that the lab gives, in the order Harbor ID, Notes, Tasks.
async fn links(world: &World, visitor: &Persona) -> Vec<String> {
    let lab = format!("{}/step", world.origins.of(lab::ID));
    let page = visitor.post(&lab, &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let parts = page.body.split("href=\"").skip(1);
    let links: Vec<_> = parts
        .filter_map(|part| part.split('"').next())
        .filter(|link| link.contains("/lab/step?key="))
        .map(str::to_owned)
        .collect();
    assert_eq!(links.len(), 3, "{page:?}");
    links
}

/// Follows one link, and presses the button behind it.
async fn switch_on(visitor: &Persona, link: &str) -> Answer {
    let page = visitor.get(link).await;
    let (_, key) = link.split_once("key=").unwrap();
    assert!(page.body.contains("Switch it on"), "{page:?}");
    let (address, _) = link.split_once('?').unwrap();
    let answer = visitor.post(address, &[("key", key)]).await;
    visitor.follow(answer).await
}

async fn stepping_everywhere(world: &World) -> Persona {
    let alice = world.signed_in("alice@harbor.example").await;
    for link in links(world, &alice).await {
        let page = switch_on(&alice, &link).await;
        assert!(page.body.contains("Step mode is on at"), "{page:?}");
    }
    alice
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
async fn a_link_works_once_at_its_own_site_and_for_ten_minutes() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let (notes, tasks) = (world.notes("/lab/step"), world.tasks("/lab/step"));
    let made = links(&world, &alice).await;
    let key = made[1].split_once("key=").unwrap().1;

    // Another site, and a key that nobody made.
    for (address, key) in [(&tasks, key), (&notes, "made-up")] {
        let answer = alice.post(address, &[("key", key)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    }
    switch_on(&alice, &made[1]).await;
    let bob = world.signed_in("bob@harbor.example").await;
    let answer = bob.post(&notes, &[("key", key)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "used: {answer:?}");
    assert!(!bob.get(&made[1]).await.body.contains("Switch it on"));
    assert!(bob.open_notes(&world).await.body.contains("Your notes"));

    let made = links(&world, &alice).await;
    world.clock.advance(Duration::minutes(10));
    let page = bob.get(&made[1]).await;
    assert!(!page.body.contains("Switch it on"), "{page:?}");
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

    let links = links(&world, &alice).await;
    switch_on(&alice, &links[0]).await;
    assert!(stops().await);
    // The person's own session must not end first.
    for _ in 0..4 {
        world.clock.advance(Duration::minutes(15));
        alice.get(&world.authority("/")).await;
    }
    assert!(!stops().await);
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
async fn links_are_made_only_for_the_sites_that_the_labs_own_process_serves() {
    let [notes, tasks] = [Application::Notes, Application::Tasks].map(Application::site_id);
    for (served, made, says) in [
        (
            vec![authority::ID, notes, tasks],
            vec!["Harbor ID", "Notes", "Tasks"],
            None,
        ),
        (
            vec![notes],
            vec!["Notes"],
            Some("Not for Harbor ID and Tasks"),
        ),
        (vec![], vec![], Some("serves no other site")),
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
        let address = world.lab("/step");
        let before = visitor.get(&address).await;
        let can_make = before.body.contains("Make the links");
        assert_eq!(can_make, !served.is_empty(), "{before:?}");
        let after = visitor.post(&address, &[]).await;
        let links = after.body.split("/lab/step?key=").count() - 1;
        assert_eq!(links, made.len(), "{after:?}");
        for site in made {
            let link = format!("Step mode at {site}");
            assert!(after.body.contains(&link), "{after:?}");
        }
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
async fn one_address_cannot_make_everybodys_links_void() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let made = links(&world, &alice).await;
    let mallory = world.visitor();
    let address = world.lab("/step");
    let mut answers = Vec::new();
    // As many as would take all the room there is.
    for _ in 0..3_400 {
        let answer = mallory.post(&address, &[]).await;
        answers.push(answer.status);
        if answer.status != StatusCode::OK {
            break;
        }
    }
    assert_eq!(answers.len(), 200, "Alice has made some too");
    assert_eq!(answers[199], StatusCode::TOO_MANY_REQUESTS);
    switch_on(&alice, &made[1]).await;
    world.clock.advance(Duration::seconds(2));
    assert_eq!(mallory.post(&address, &[]).await.status, StatusCode::OK);
}
