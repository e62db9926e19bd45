//! Notes and Tasks: changing what was written, deleting it, and bringing it back.

use reqwest::StatusCode;
use time::Duration;

use crate::harness::{Persona, World, world};

const ALICE: &str = "alice@harbor.example";

type Address = fn(&World, &str) -> String;

/// Both applications: where their pages are, and where a new text goes.
const APPLICATIONS: [(&str, Address); 2] = [("/notes", World::notes), ("/tasks", World::tasks)];

/// Somebody who is signed in everywhere.
async fn everywhere(world: &World, email: &str) -> Persona {
    let persona = world.signed_in(email).await;
    persona.open_notes(world).await;
    persona.open_tasks(world).await;
    persona
}

/// Adds a text; its id.
async fn add(persona: &Persona, home: &str, url: &str, text: &str) -> String {
    let csrf = persona.get(home).await.csrf();
    let answer = persona.post(url, &[("csrf", &csrf), ("text", text)]).await;
    let page = persona.follow(answer).await;
    let (_, rest) = page.body.split_once("/edit\"").map_or_else(
        || panic!("no way to edit: {page:?}"),
        |(before, _)| before.rsplit_once("s/").unwrap(),
    );
    rest.to_owned()
}

#[tokio::test]
async fn what_was_deleted_comes_back_for_ten_minutes_and_then_never() {
    let (_process, world) = world().await;
    let alice = everywhere(&world, ALICE).await;
    for (path, at) in APPLICATIONS {
        let home = at(&world, "/");
        let id = add(&alice, &home, &at(&world, path), "bread").await;
        let verb = async |verb: &str| {
            let csrf = alice.get(&home).await.csrf();
            let url = at(&world, &format!("{path}/{id}/{verb}"));
            let answer = alice.post(&url, &[("csrf", &csrf)]).await;
            alice.follow(answer).await
        };
        let page = verb("delete").await;
        assert!(page.body.contains("You deleted the "), "{page:?}");
        // The button that brings it back is a form, so that it works without a script.
        let action = format!("action=\"{path}/{id}/restore\"");
        assert!(page.body.contains(&action), "{page:?}");
        let page = verb("restore").await;
        assert!(page.body.contains(" is back."), "{page:?}");
        assert!(page.body.contains("bread"), "{page:?}");

        let page = verb("delete").await;
        world.clock.advance(Duration::minutes(10));
        world.sweep().await;
        let later = alice.get(&page.url).await;
        assert!(!later.body.contains("bread"), "{later:?}");
        let page = verb("restore").await;
        assert!(page.body.contains("It is too late to bring"), "{page:?}");
        assert!(!page.body.contains("bread"), "{page:?}");
    }
}

#[tokio::test]
async fn a_refused_change_leads_back_to_its_page_after_a_choice_of_look() {
    let (_process, world) = world().await;
    let alice = everywhere(&world, ALICE).await;
    for (path, at) in APPLICATIONS {
        let home = at(&world, "/");
        let id = add(&alice, &home, &at(&world, path), "bread").await;
        let csrf = alice.get(&home).await.csrf();
        let address = format!("{path}/{id}/edit");
        let refused = alice
            .post(&at(&world, &address), &[("csrf", &csrf), ("text", "")])
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let back = format!(r#"name="back" value="{address}""#);
        assert!(refused.body.contains(&back), "{refused:?}");
    }
}

#[tokio::test]
async fn every_page_of_an_application_has_the_way_back_to_harbor_id() {
    let (_process, world) = world().await;
    let alice = everywhere(&world, ALICE).await;
    let way = format!(r#"href="{}/""#, world.origins.of(authority::ID));
    for (path, at) in APPLICATIONS {
        let home = at(&world, "/");
        let id = add(&alice, &home, &at(&world, path), "bread").await;
        for page in ["/".to_owned(), format!("{path}/{id}/edit")] {
            let page = alice.get(&at(&world, &page)).await;
            assert!(page.body.contains(&way), "{page:?}");
        }
    }
}

#[tokio::test]
async fn nobody_changes_or_brings_back_what_is_anothers_and_the_answer_is_that_of_an_unknown_one() {
    let (_process, world) = world().await;
    let alice = everywhere(&world, ALICE).await;
    let mallory = everywhere(&world, "mallory@harbor.example").await;
    for (path, at) in APPLICATIONS {
        let home = at(&world, "/");
        let deleted = add(&alice, &home, &at(&world, path), "old secret").await;
        let csrf = alice.get(&home).await.csrf();
        let url = at(&world, &format!("{path}/{deleted}/delete"));
        alice.post(&url, &[("csrf", &csrf)]).await;
        let kept = add(&alice, &home, &at(&world, path), "secret").await;
        let unknown = "A".repeat(22);

        let csrf = mallory.get(&home).await.csrf();
        let try_all = async |kept: &str, deleted: &str| {
            let mut answers = vec![
                mallory
                    .get(&at(&world, &format!("{path}/{kept}/edit")))
                    .await,
                mallory
                    .get(&at(&world, &format!("/?deleted={deleted}")))
                    .await,
            ];
            for (id, verb) in [(kept, "edit"), (deleted, "restore"), (kept, "restore")] {
                let url = at(&world, &format!("{path}/{id}/{verb}"));
                let fields = [("csrf", csrf.as_str()), ("text", "theirs")];
                let fields = if verb == "edit" {
                    &fields[..]
                } else {
                    &fields[..1]
                };
                answers.push(mallory.post(&url, fields).await);
            }
            let told = answers.iter().map(|answer| {
                assert!(!answer.body.contains("secret"), "{answer:?}");
                (answer.status, answer.header("location").to_owned())
            });
            told.collect::<Vec<_>>()
        };
        let told = try_all(&kept, &deleted).await;
        assert_eq!(told, try_all(&unknown, &unknown).await);
        assert_eq!(told[0].0, StatusCode::NOT_FOUND);
        assert_eq!(told[2].0, StatusCode::NOT_FOUND);

        let page = alice.get(&home).await;
        assert!(
            page.body.contains("secret") && !page.body.contains("theirs"),
            "{page:?}"
        );
        assert!(!page.body.contains("old secret"), "{page:?}");
        let csrf = page.csrf();
        let url = at(&world, &format!("{path}/{deleted}/restore"));
        let answer = alice.post(&url, &[("csrf", &csrf)]).await;
        let page = alice.follow(answer).await;
        assert!(page.body.contains("old secret"), "{page:?}");
    }
}
