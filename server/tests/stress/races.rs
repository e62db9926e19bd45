//! What happens at the same moment, and answers that never arrive.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::harness::{self, Kept, Persona, Process, World, log};

const MALLORY: &str = "mallory@harbor.example";

/// Whether anybody is left with a session, after Notes has asked Harbor ID again.
async fn assert_no_session_is_left(world: &World, persona: &Persona, what: &str) {
    let (at_harbor, _) = world.living_sessions().await;
    assert_eq!(at_harbor, 0, "{what}");
    world.clock.advance(Duration::seconds(31));
    if persona.is_signed_in_at_notes(world).await {
        let log = log();
        let unanswered = log.lines().filter(|line| line.contains("session check"));
        let why: Vec<_> = unanswered.collect();
        panic!("{what}: signed in, and Notes could not ask: {why:?}");
    }
    assert_eq!(world.living_sessions().await, (0, 0), "{what}");
}

/// The stores have their own race of five hundred rounds; these are fewer, and go through everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_81_sign_out_against_redemption_leaves_no_session() {
    let _calm = crate::MACHINE.read().await;
    const ROUNDS: usize = 40;
    let (_process, world) = harness::world().await;
    let (mut refused, mut signed_in) = (0, 0);
    for round in 0..ROUNDS {
        for order in ["sign-out first", "callback first", "at once"] {
            let persona = world.signed_in(MALLORY).await;
            let callback = persona.callback_address(&world).await;
            let csrf = persona.get(&world.authority("/logout")).await.csrf();
            let logout = world.authority("/logout");
            let fields = [("csrf", csrf.as_str())];
            let leaves = async || persona.post(&logout, &fields).await;
            let arrives = async || persona.get(&callback).await;
            let (left, arrived) = match order {
                "sign-out first" => {
                    let left = leaves().await;
                    (left, arrives().await)
                }
                "callback first" => {
                    let arrived = arrives().await;
                    (leaves().await, arrived)
                }
                // The way of a callback is the longer one: now sign-out is there before its verify,
                // now after it.
                _ => {
                    let late = async {
                        for _ in 0..round * 400 {
                            tokio::task::yield_now().await;
                        }
                        leaves().await
                    };
                    tokio::join!(late, arrives())
                }
            };
            assert_eq!(left.header("location"), "/login?notice=signed-out");
            let was_refused = arrived.header("location").starts_with("/signin/problem?");
            assert!(
                was_refused || arrived.header("location") == "/",
                "{arrived:?}"
            );
            match order {
                "sign-out first" => assert!(was_refused, "{arrived:?}"),
                "callback first" => assert!(!was_refused, "{arrived:?}"),
                _ if was_refused => refused += 1,
                _ => signed_in += 1,
            }
            assert_no_session_is_left(&world, &persona, &format!("round {round}, {order}")).await;
        }
    }
    println!("at once: {refused} refused, {signed_in} signed in and ended");
}

/// Stands between everybody and the process, and cuts off answers of verify: the whole answer has
/// arrived here, and goes no further.
async fn proxy(front: TcpListener, to: SocketAddr, cuts: Arc<AtomicUsize>) {
    loop {
        let (mut from, _) = front.accept().await.unwrap();
        let cuts = Arc::clone(&cuts);
        tokio::spawn(async move {
            let mut to = TcpStream::connect(to).await.unwrap();
            let mut head = [0; 16 * 1024];
            let Ok(read @ 1..) = from.read(&mut head).await else {
                return;
            };
            to.write_all(&head[..read]).await.unwrap();
            let is_verify = head.starts_with(b"POST /auth/external/handoff/verify ");
            let take_one = |left: usize| left.checked_sub(1);
            let order = Ordering::SeqCst;
            if is_verify && cuts.fetch_update(order, order, take_one).is_ok() {
                // The body may come in a second piece; what counts is that an answer came back.
                let (mut reading, mut writing) = to.split();
                let (mut asking, _) = from.split();
                let mut answer = [0; 1024];
                tokio::select! {
                    answered = reading.read(&mut answer) => assert!(answered.unwrap() > 0),
                    _ = tokio::io::copy(&mut asking, &mut writing) => panic!("nobody waits"),
                }
                return;
            }
            let _ = copy_bidirectional(&mut from, &mut to).await;
        });
    }
}

#[tokio::test]
async fn row_82_an_answer_cut_off_after_the_commit_leaves_no_orphan() {
    let _calm = crate::MACHINE.read().await;
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (process, own) = Process::behind(front.local_addr().unwrap()).await;
    let cuts = Arc::new(AtomicUsize::new(0));
    let between = tokio::spawn(proxy(front, own, Arc::clone(&cuts)));
    let world = process.platform("-cut", Kept::InFiles).await;
    let alice = world.signed_in("alice@harbor.example").await;
    // Once, and then the answer to the second presentation too.
    for (turn, lost) in [(1, 1), (2, 2)] {
        let callback = alice.callback_address(&world).await;
        cuts.store(lost, Ordering::SeqCst);
        let page = alice.open(&callback).await;
        assert_eq!(cuts.load(Ordering::SeqCst), 0, "both were cut off");
        assert!(
            page.url.contains("reason=authority-unreachable"),
            "{page:?}"
        );
        // The first presentation was redeemed, and the second one ended what it gave.
        assert_eq!(world.sessions_ever().await, turn);
        assert_eq!(world.living_sessions().await, (0, 0));
        assert!(!alice.is_signed_in_at_notes(&world).await);
    }
    assert!(log().contains("handoff.duplicate"));
    // Starting over works.
    let home = alice.open(&world.notes("/handoff/start")).await;
    assert!(home.body.contains("name=\"decision\""), "{home:?}");
    let home = alice.open_notes(&world).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    between.abort();
}
