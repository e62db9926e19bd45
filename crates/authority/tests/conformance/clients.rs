use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Kind, Registration},
    token::{ClientSecret, Secret},
};

use super::world::{NOTES, START, TASKS, World, id, new_client};

/// A client that differs from [`new_client`] in every field but the id.
fn unlike(client: &str, world_alice: handoff::ids::UserId) -> Client {
    Client::register(Registration {
        id: id(client),
        name: "Board “B”, for 'all'",
        description: "",
        kind: Kind::Public,
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
    for client in [confidential, unlike("board", world.alice)] {
        world.store.put_client(&client).await.unwrap();
        let found = world.store.find_client(&client.id).await.unwrap();
        assert_eq!(found, Some(client));
    }
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
