use authority::store::{ClientAdded, Consent, Issuance, NoSession, NotRedeemed, SecretSet};
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    refusal_reason::RefusalReason,
    token::{ClientSecret, Secret},
};

use super::world::{NOTES, REQUEST, START, TASKS, World, id, new_client};

/// A client that differs from [`new_client`] in every field but the id.
fn unlike(client: &str, world_alice: handoff::ids::UserId) -> Client {
    Client::register(Registration {
        id: id(client),
        name: "Board “B”, for 'all'",
        description: "",
        icon: Icon::Cards,
        kind: Kind::Public { sdk_compat: true },
        origin: "https://board.example",
        redirect_uris: &[
            "https://board.example/b?x=1",
            "https://board.example/a",
            "https://board.example/c,d",
        ],
        initiate_login_uri: "https://board.example/start",
        handoff_lifetime: HandoffLifetime::from_seconds(300).unwrap(),
        assigned_to: AssignedTo::Users(vec![world_alice]),
    })
    .unwrap()
}

pub(crate) async fn a_client_reads_back_as_it_was_registered<F>(world: World<F>) {
    let mut confidential = new_client("desk", AssignedTo::Users(vec![]));
    confidential.handoff_lifetime = HandoffLifetime::from_seconds(30).unwrap();
    confidential.kind = Kind::Confidential {
        secret: ClientSecret::mint([8; 32]).digest(),
    };
    let mut strict = unlike("canvas", world.alice);
    strict.kind = Kind::Public { sdk_compat: false };
    for client in [confidential, unlike("board", world.alice), strict] {
        world.store.put_client(&client).await.unwrap();
        let found = world.store.find_client(&client.id).await.unwrap();
        assert_eq!(found, Some(client));
    }
}

pub(crate) async fn row_69_only_a_public_client_makes_its_origin_public<F>(world: World<F>) {
    let board = unlike("board", world.alice);
    world.store.put_client(&board).await.unwrap();
    for (origin, expected) in [
        ("https://board.example", true),
        ("https://board.example/", false),
        ("https://board.example:443", false),
        ("https://BOARD.example", false),
        ("https://board.exampl_", false),
        ("http://notes.localhost:4000", false),
        ("null", false),
        ("%", false),
        ("", false),
    ] {
        let found = world.store.is_public_origin(origin).await.unwrap();
        assert_eq!(found, expected, "{origin}");
    }
    let turned = new_client("board", AssignedTo::Everyone);
    world.store.put_client(&turned).await.unwrap();
    let found = world.store.is_public_origin(board.origin.as_str()).await;
    assert!(!found.unwrap());
}

pub(crate) async fn an_unknown_client_is_not_found<F>(world: World<F>) {
    for unknown in ["nobody", "note", "notes2"] {
        let found = world.store.find_client(&id(unknown)).await.unwrap();
        assert_eq!(found, None, "{unknown}");
    }
}

pub(crate) async fn a_client_is_replaced_whole<F>(world: World<F>) {
    let new = unlike(NOTES, world.alice);
    world.store.put_client(&new).await.unwrap();
    let found = world.store.find_client(&id(NOTES)).await.unwrap();
    assert_eq!(found, Some(new));
    let other = world.store.find_client(&id(TASKS)).await.unwrap();
    assert_eq!(other, Some(new_client(TASKS, AssignedTo::Everyone)));
}

pub(crate) async fn replacing_a_client_leaves_its_tokens_and_sessions_alone<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let session = world.redeemed(sign_in, START).await;
    let sent = world.send(sign_in, START).await;
    let new = unlike(NOTES, world.alice);
    world.store.put_client(&new).await.unwrap();
    assert_eq!(world.closed(session.access, START).await, None);
    world.redeem(sent.presented(), START).await.accepted();
}

pub(crate) async fn a_person_sees_the_clients_assigned_to_them_by_name<F>(world: World<F>) {
    let name = |client: &str, name: &str, assigned_to| {
        let mut client = new_client(client, assigned_to);
        client.name = name.to_owned();
        client
    };
    let (alice, bob) = (world.alice, world.bob);
    for client in [
        name("twin-b", "Twin", AssignedTo::Everyone),
        name("twin-a", "Twin", AssignedTo::Everyone),
        name("both", "Écran", AssignedTo::Users(vec![bob, alice])),
        name("alices", "Zebra", AssignedTo::Users(vec![alice])),
        name("bobs", "Apple", AssignedTo::Users(vec![bob])),
        name("nobodys", "Nothing", AssignedTo::Users(vec![])),
    ] {
        world.store.put_client(&client).await.unwrap();
    }
    let clients_of = async |user| -> Vec<String> {
        let clients = world.store.clients_of(user).await.unwrap();
        clients.into_iter().map(|client| client.id.into()).collect()
    };
    // Every store sorts alike: by the bytes of the name, capitals before small letters, then by id.
    assert_eq!(
        clients_of(alice).await,
        ["twin-a", "twin-b", "alices", NOTES, TASKS, "both"]
    );
    assert_eq!(
        clients_of(bob).await,
        ["bobs", "twin-a", "twin-b", NOTES, TASKS, "both"]
    );
}

pub(crate) async fn a_client_is_added_once<F>(world: World<F>) {
    let board = unlike("board", world.alice);
    let added = world.store.add_client(&board).await.unwrap();
    assert_eq!(added, ClientAdded::New);
    for taken in ["board", NOTES] {
        let mut other = unlike(taken, world.bob);
        other.name = "Another".to_owned();
        let added = world.store.add_client(&other).await.unwrap();
        assert_eq!(added, ClientAdded::IdTaken, "{taken}");
    }
    let found = world.store.find_client(&board.id).await.unwrap();
    assert_eq!(found, Some(board));
    let notes = world.store.find_client(&id(NOTES)).await.unwrap();
    assert_eq!(notes, Some(new_client(NOTES, AssignedTo::Everyone)));
}

pub(crate) async fn clients_are_listed_by_id<F>(world: World<F>) {
    let board = unlike("board", world.alice);
    world.store.add_client(&board).await.unwrap();
    let clients = world.store.list_clients().await.unwrap();
    assert_eq!(
        clients,
        [
            board,
            new_client(NOTES, AssignedTo::Everyone),
            new_client(TASKS, AssignedTo::Everyone),
        ]
    );
}

pub(crate) async fn an_installed_client_keeps_who_may_use_it<F>(world: World<F>) {
    let only_alice = AssignedTo::Users(vec![world.alice]);
    let assigned = world
        .store
        .assign_client(&id(NOTES), &only_alice, START)
        .await;
    assert!(assigned.unwrap());
    let mut new = unlike(NOTES, world.bob);
    new.assigned_to = AssignedTo::Everyone;
    world.store.install_client(&new).await.unwrap();
    new.assigned_to = only_alice;
    let found = world.store.find_client(&new.id).await.unwrap();
    assert_eq!(found, Some(new));

    // The first time there is nothing to keep.
    let board = unlike("board", world.bob);
    world.store.install_client(&board).await.unwrap();
    let found = world.store.find_client(&board.id).await.unwrap();
    assert_eq!(found, Some(board));
}

fn secret(byte: u8) -> Kind {
    Kind::Confidential {
        secret: ClientSecret::mint([byte; 32]).digest(),
    }
}

pub(crate) async fn a_new_secret_replaces_that_clients_only<F>(world: World<F>) {
    let new = ClientSecret::mint([9; 32]).digest();
    let set = world.store.set_client_secret(&id(NOTES), new).await;
    assert_eq!(set.unwrap(), SecretSet::Done);
    for (client, byte) in [(NOTES, 9), (TASKS, 7)] {
        let mut expected = new_client(client, AssignedTo::Everyone);
        expected.kind = secret(byte);
        let found = world.store.find_client(&id(client)).await.unwrap();
        assert_eq!(found, Some(expected));
    }
}

pub(crate) async fn a_public_or_unknown_client_gets_no_secret<F>(world: World<F>) {
    let board = unlike("board", world.alice);
    world.store.add_client(&board).await.unwrap();
    for (client, expected) in [("board", SecretSet::Public), ("nobody", SecretSet::Unknown)] {
        let new = ClientSecret::mint([9; 32]).digest();
        let set = world.store.set_client_secret(&id(client), new).await;
        assert_eq!(set.unwrap(), expected);
    }
    let found = world.store.find_client(&board.id).await.unwrap();
    assert_eq!(found, Some(board));
    assert_eq!(world.client_ids().await, ["board", NOTES, TASKS]);
}

pub(crate) async fn row_79_an_assignment_is_replaced_and_no_other_is_touched<F>(world: World<F>) {
    let (alice, bob) = (world.alice, world.bob);
    for assigned_to in [
        AssignedTo::Users(vec![alice, bob]),
        AssignedTo::Users(vec![bob]),
        AssignedTo::Users(vec![]),
        AssignedTo::Everyone,
    ] {
        let assigned = world
            .store
            .assign_client(&id(NOTES), &assigned_to, START)
            .await;
        assert!(assigned.unwrap());
        for user in [alice, bob] {
            let clients = world.store.clients_of(user).await.unwrap();
            let sees = clients.iter().any(|client| client.id == id(NOTES));
            assert_eq!(sees, assigned_to.includes(user), "{assigned_to:?}");
            assert!(clients.iter().any(|client| client.id == id(TASKS)));
        }
        let expected = new_client(NOTES, assigned_to);
        let found = world.store.find_client(&id(NOTES)).await.unwrap();
        assert_eq!(found, Some(expected));
    }
}

pub(crate) async fn row_79_whoever_may_no_longer_use_a_client_has_no_session_there<F>(
    world: World<F>,
) {
    let alices = world.sign_in(world.alice).await;
    let bobs = world.sign_in(world.bob).await;
    let gone = world.redeemed(alices, START).await;
    let stays = world.redeemed(bobs, START).await;
    let unredeemed = world.send(alices, START).await;

    // Another client's assignment is none of this one's.
    for (client, closed) in [(TASKS, None), (NOTES, Some(NoSession::Unknown))] {
        let only_bob = AssignedTo::Users(vec![world.bob]);
        let assigned = world
            .store
            .assign_client(&id(client), &only_bob, START)
            .await;
        assert!(assigned.unwrap());
        assert_eq!(world.closed(gone.access, START).await, closed, "{client}");
        assert_eq!(world.closed(stays.access, START).await, None, "{client}");
    }
    let refused = world.redeem(unredeemed.presented(), START).await;
    assert_eq!(refused.rejection(), Some(RefusalReason::NotAssigned));
    assert!(world.is_signed_in(alices, START).await);

    // What has ended stays so.
    let everyone = AssignedTo::Everyone;
    let assigned = world
        .store
        .assign_client(&id(NOTES), &everyone, START)
        .await;
    assert!(assigned.unwrap());
    let closed = world.closed(gone.access, START).await;
    assert_eq!(closed, Some(NoSession::Unknown));
}

pub(crate) async fn an_unknown_client_is_not_assigned<F>(world: World<F>) {
    let nobody = AssignedTo::Users(vec![]);
    let assigned = world
        .store
        .assign_client(&id("nobody"), &nobody, START)
        .await;
    assert!(!assigned.unwrap());
    assert_eq!(world.client_ids().await, [NOTES, TASKS]);
}

pub(crate) async fn what_was_held_against_an_older_record_is_refused_and_uses_nothing_up<F>(
    world: World<F>,
) {
    let notes = id(NOTES);
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let mut old = world.revision(&notes).await;
    assert_eq!(world.revision(&notes).await, old, "reading changes nothing");
    let record = world.store.find_client(&notes).await.unwrap().unwrap();
    for change in ["put", "installed", "secret", "assigned"] {
        let secret = ClientSecret::mint([8; 32]).digest();
        match change {
            "put" => world.store.put_client(&record).await.unwrap(),
            "installed" => world.store.install_client(&record).await.unwrap(),
            "secret" => {
                let set = world.store.set_client_secret(&notes, secret).await;
                assert_eq!(set.unwrap(), SecretSet::Done);
            }
            _ => world.assign(NOTES, AssignedTo::Everyone).await,
        }
        let ticket = world.launch(sign_in, NOTES, START).await;
        let silent = Consent::Silent {
            launch: Some(ticket),
            request: REQUEST,
        };
        let started = world.started();
        let issuance = world
            .issue_for(old, &started, sign_in, silent.clone(), START)
            .await;
        assert_eq!(issuance, Issuance::ClientChanged, "{change}");
        let refused = world.redeem_for(old, sent.presented()).await;
        assert_eq!(refused.unwrap_err(), NotRedeemed::ClientChanged, "{change}");
        old = world.revision(&notes).await;
        let issuance = world.issue_for(old, &started, sign_in, silent, START).await;
        assert_eq!(issuance, Issuance::Issued, "{change}");
    }
    let redeemed = world.redeem_for(old, sent.presented()).await;
    assert!(redeemed.is_ok(), "{redeemed:?}");
}
