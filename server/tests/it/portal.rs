//! What the portal tells a person besides their apps: their last handoffs, when they signed in
//! before, where they are signed in; and how it finds an app among many.

use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    ids::ClientId,
};
use relying_party::Application;
use reqwest::StatusCode;
use time::Duration;
use url::Url;

use crate::harness::{Answer, Persona, World, world};

const ALICE: &str = "alice@harbor.example";

async fn portal(world: &World, persona: &Persona) -> Answer {
    let page = persona.get(&world.authority("/")).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    page
}

/// The text between tags, each piece trimmed.
fn words(html: &str) -> Vec<String> {
    let pieces = html.split('<').skip(1);
    let pieces = pieces.filter_map(|piece| piece.split_once('>').map(|(_, text)| text.trim()));
    pieces
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The rows of *Recent handoffs*: app, outcome, how long ago.
fn recent(page: &Answer) -> Vec<[String; 3]> {
    let rows = page.body.split("<li class=\"handoff\">").skip(1);
    rows.map(|row| {
        let words = words(row.split_once("</li>").unwrap().0);
        [words[0].clone(), words[1].clone(), words[2].clone()]
    })
    .collect()
}

#[track_caller]
fn assert_recent(page: &Answer, expected: &[[&str; 3]]) {
    assert_eq!(recent(page), expected, "{}", page.body);
}

/// The names of the tiles.
fn tiles(page: &Answer) -> Vec<String> {
    let tiles = page.body.split("<li class=\"tile\">").skip(1);
    tiles.map(|tile| words(tile)[0].clone()).collect()
}

/// More clients, which everyone may use.
async fn register(world: &World, names: &[(&str, &str)]) {
    let file = world.folder().join("authority.db");
    let store = authority::store::Sqlite::open(&file).await.unwrap();
    for (number, (name, description)) in names.iter().enumerate() {
        let client = Client::register(Registration {
            id: ClientId::parse(&format!("more-{number}")).unwrap(),
            name,
            description,
            icon: Icon::Cards,
            kind: Kind::Public { sdk_compat: false },
            origin: &format!("https://more-{number}.example"),
            redirect_uris: &[&format!("https://more-{number}.example/callback")],
            initiate_login_uri: &format!("https://more-{number}.example/start"),
            handoff_lifetime: HandoffLifetime::default(),
            assigned_to: AssignedTo::Everyone,
        });
        let store: &dyn authority::store::Store = &store;
        store.put_client(&client.unwrap()).await.unwrap();
    }
    store.close().await;
}

#[tokio::test]
async fn the_portal_tells_what_came_of_each_handoff() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let page = portal(&world, &alice).await;
    assert!(page.body.contains("No handoffs yet."), "{page:?}");
    assert_recent(&page, &[]);

    alice.open_notes(&world).await;
    world.clock.advance(Duration::minutes(3));
    // Somebody else's handoffs are nobody's business.
    let bob = world.signed_in("bob@harbor.example").await;
    bob.open_notes(&world).await;
    // The token of this one is left lying.
    alice.callback_address(&world).await;
    assert_recent(
        &portal(&world, &alice).await,
        &[
            ["Notes", "On its way", "just now"],
            ["Notes", "Opened", "3 minutes ago"],
        ],
    );
    // From Tasks, without *Open Tasks*: Harbor ID asks.
    let asked = alice.open(&world.tasks("/handoff/start")).await;
    let address = Url::parse(&asked.url).unwrap();
    let mut fields: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    fields.push(("csrf".to_owned(), asked.csrf()));
    fields.push(("decision".to_owned(), "cancel".to_owned()));
    let fields: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let url = world.authority("/handoff/authorize");
    alice.post(&url, &fields).await;
    world.clock.advance(Duration::minutes(1));
    // The callback of this one comes with a token that is too old.
    let late = alice.callback_address(&world).await;
    world.clock.advance(Duration::minutes(2));
    alice.open(&late).await;
    // And of Tasks Alice is told that it is not for her, however often she tries.
    world.assign_only_to("tasks", &["bob@harbor.example"]).await;
    for _ in 0..3 {
        alice.open(&world.tasks("/handoff/start")).await;
    }
    let page = portal(&world, &alice).await;
    assert_recent(
        &page,
        &[
            [
                "Tasks",
                "Refused: this app is not assigned to you",
                "just now",
            ],
            ["Notes", "Refused: the app came too late", "2 minutes ago"],
            ["Tasks", "You cancelled it", "3 minutes ago"],
            [
                "Notes",
                "Not finished: the app never came for it",
                "3 minutes ago",
            ],
            ["Notes", "Opened", "6 minutes ago"],
        ],
    );
    assert!(
        page.body.contains("21 November 2026, 03:00 UTC"),
        "{page:?}"
    );

    // They outlive the sign-in.
    world.clock.advance(Duration::hours(13));
    world.sweep().await;
    let again = world.signed_in(ALICE).await;
    assert_eq!(recent(&portal(&world, &again).await).len(), 5);
}

#[tokio::test]
async fn the_portal_says_when_the_person_signed_in_before_and_where_they_are_now() {
    let (_process, world) = world().await;
    let first = world.signed_in(ALICE).await;
    let page = portal(&world, &first).await;
    assert!(
        page.body.contains("You have not signed in here before."),
        "{page:?}"
    );
    assert!(
        page.body
            .contains("With this browser and no other. No app is open."),
        "{page:?}"
    );
    first.open_notes(&world).await;
    first.open_tasks(&world).await;
    world.clock.advance(Duration::minutes(7));
    let second = world.signed_in(ALICE).await;
    let page = portal(&world, &second).await;
    let text = words(&page.body).join(" ");
    assert!(
        text.contains("You last signed in 7 minutes ago , on 21 November 2026, 03:00 UTC"),
        "{text}"
    );
    assert!(
        text.contains("With this browser and 1 other. Open: Notes, Tasks."),
        "{text}"
    );
    // In the first browser the sign-in before it is still none.
    let page = portal(&world, &first).await;
    assert!(
        page.body.contains("You have not signed in here before."),
        "{page:?}"
    );
}

#[tokio::test]
async fn more_than_eight_apps_can_be_searched() {
    let (_process, world) = world().await;
    let alice = world.signed_in(ALICE).await;
    let more = [
        ("Ledger", "Where the money went."),
        ("Harbour map", "Every berth."),
        ("Rota", "Who works when."),
        ("Letters", "Post, in and out."),
        ("Crew", "Who is who."),
        ("<b>Bold</b>", "100 % of it"),
    ];
    register(&world, &more).await;
    let page = portal(&world, &alice).await;
    assert_eq!(tiles(&page).len(), 8);
    assert!(!page.body.contains("type=\"search\""), "{page:?}");
    let page = alice.get(&world.authority("/?q=ledger")).await;
    assert_eq!(tiles(&page).len(), 8, "too few to search");

    register(
        &world,
        &[&more[..], &[("Tide", "High and low water.")]].concat(),
    )
    .await;
    let page = portal(&world, &alice).await;
    assert_eq!(tiles(&page).len(), 9);
    assert!(page.body.contains("type=\"search\""), "{page:?}");

    for (query, expected) in [
        ("LEDGER", vec!["Ledger"]),
        (" who  is ", vec!["Crew"]),
        ("water", vec!["Tide"]),
        ("<b>", vec!["<b>Bold</b>"]),
        ("100 %", vec!["<b>Bold</b>"]),
        ("_", vec![]),
        ("%25", vec![]),
        (
            "",
            vec![
                "<b>Bold</b>",
                "Crew",
                "Harbour map",
                "Ledger",
                "Letters",
                "Notes",
                "Rota",
                "Tasks",
                "Tide",
            ],
        ),
    ] {
        let address = Url::parse_with_params(&world.authority("/"), [("q", query)]).unwrap();
        let page = alice.get(address.as_str()).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let found = tiles(&page)
            .iter()
            .map(|name| name.replace("&lt;", "<").replace("&gt;", ">"))
            .collect::<Vec<_>>();
        assert_eq!(found, expected, "{query}");
        // What was typed is still there, as text.
        assert!(!page.body.contains("value=\"<b>"), "{page:?}");
        // A form may lead to the apps that are shown, and to no other.
        let policy = page.header("content-security-policy");
        let notes = world.origins.of(Application::Notes).as_str();
        assert_eq!(
            policy.contains(notes),
            expected.contains(&"Notes"),
            "{policy}"
        );
    }
    let longest = "e".repeat(5_000);
    let page = alice.get(&world.authority(&format!("/?q={longest}"))).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(!page.body.contains(&"e".repeat(101)), "cut");
}
