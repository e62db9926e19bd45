//! The relying parties of `examples/`, each as a process of its own, against Harbor ID.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use handoff::uri::Origin;
use relying_party::Application;
use reqwest::{Method, StatusCode};

use crate::{
    harness::{Persona, Process, World, world},
    program::{free_port, handoff_lab},
};

/// A sample that runs, registered at Harbor ID.
struct Sample {
    _process: Process,
    world: World,
    child: Child,
    origin: String,
}

impl Sample {
    /// Starts this file of `examples/` with this program.
    async fn start(interpreter: &str, file: &str) -> Self {
        let (process, world) = world().await;
        let origin = format!("http://probe.localhost:{}", free_port());
        let added = handoff_lab(&["client", "add", "probe", "--origin", &origin])
            .args(["--redirect-uri", &format!("{origin}/callback")])
            .args(["--initiate-login-uri", &format!("{origin}/handoff/start")])
            .arg("--data")
            .arg(world.folder())
            .output()
            .unwrap();
        let secret = String::from_utf8(added.stdout).unwrap();
        // Tests run in the folder of their package.
        let path = format!("../examples/{file}");
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 60, "{file} has {lines} lines");
        let child = Command::new(interpreter)
            .arg(path)
            .env("ISSUER", world.authority(""))
            .env("CLIENT_ID", "probe")
            .env("CLIENT_SECRET", secret.trim())
            .env("ORIGIN", &origin)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut sample = Self {
            _process: process,
            world,
            child,
            origin,
        };
        sample.listens().await;
        sample
    }

    /// Waits until it answers.
    async fn listens(&mut self) {
        let nobody = self.browser();
        while nobody
            .try_send(Method::GET, &self.origin, &[], None)
            .await
            .is_err()
        {
            assert_eq!(self.child.try_wait().unwrap(), None, "it ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A browser that finds the sample where it would find Tasks.
    fn browser(&self) -> Persona {
        let mut origins = self.world.origins.clone();
        origins.set(Application::Tasks, Origin::parse(&self.origin).unwrap());
        Persona::new(SocketAddr::from(([127, 0, 0, 1], 0)), &origins)
    }

    async fn signed_in(&self, email: &str) -> Persona {
        let persona = self.browser();
        persona.sign_in(&self.world, email).await;
        persona
    }

    /// H1 to H3: the callback address that this browser was about to open.
    async fn callback(&self, persona: &Persona) -> String {
        let start = persona.click_open(&self.world, "probe").await.location();
        let authorize = persona.get(&start).await.location();
        persona.get(&authorize).await.location()
    }

    /// What its start page says.
    async fn home(&self, persona: &Persona) -> String {
        persona.get(&format!("{}/", self.origin)).await.body
    }

    /// The handoff, and what it must refuse.
    async fn does_a_handoff(self) {
        let alice = self.signed_in("alice@harbor.example").await;
        assert!(self.home(&alice).await.contains("Nobody is signed in"));
        let opened = alice.click_open(&self.world, "probe").await;
        let page = alice.follow(opened).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        assert!(page.body.contains("Signed in as Alice Moreau"), "{page:?}");
        assert!(!page.url.contains('?'), "{page:?}");

        // Somebody else's callback, and one that is used.
        let bob = self.signed_in("bob@harbor.example").await;
        let callback = self.callback(&bob).await;
        let stolen = alice.get(&callback).await;
        assert_eq!(stolen.status, StatusCode::BAD_REQUEST, "{stolen:?}");
        assert!(self.home(&alice).await.contains("Alice Moreau"));
        // One whose token Harbor ID does not know.
        let forged = self
            .callback(&bob)
            .await
            .replacen("handoff_token=", "handoff_token=x", 1);
        let refused = bob.get(&forged).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
        let arrived = bob.get(&callback).await;
        assert_eq!(arrived.status, StatusCode::SEE_OTHER, "{arrived:?}");
        let again = bob.get(&callback).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again:?}");

        // A pre-session that the sample did not make, and one in the value of another cookie, which a host
        // beside it can set.
        let pre = "__Host-rp_pre";
        let mallory = self.signed_in("mallory@harbor.example").await;
        for planted in ["undefined", "None", ""] {
            mallory.set_cookie(&self.origin, pre, planted);
            let callback = self.callback(&mallory).await;
            let refused = self.browser().get(&callback).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{planted:?}");
        }
        let callback = self.callback(&mallory).await;
        let hers = mallory.cookie(&self.origin, pre).unwrap();
        let victim = self.browser();
        victim.set_cookie(&self.origin, "x", &format!("1 {pre}={hers}"));
        let refused = victim.get(&callback).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
        victim.set_cookie(&self.origin, "y", "{\"a\":1,b c}");
        assert!(self.home(&victim).await.contains("Nobody is signed in"));
        assert_eq!(mallory.get(&callback).await.status, StatusCode::SEE_OTHER);

        // Bob in Alice's browser does not replace her.
        let first = self.callback(&alice).await;
        alice.lose_cookie(&self.world.authority("/"), "__Host-as_session");
        alice.sign_in(&self.world, "bob@harbor.example").await;
        let second = self.callback(&alice).await;
        let refused = alice.get(&second).await;
        assert!(refused.body.contains("Somebody else"), "{refused:?}");
        assert_eq!(
            alice.get(&first).await.status,
            StatusCode::SEE_OTHER,
            "a second tab's handoff"
        );

        // Where it leads.
        for (wanted, arrives) in [
            (format!("{}/x?a=1&a=2&b&c=%20+", self.origin), true),
            ("https://evil.example/".to_owned(), false),
            (format!("{}.evil.example/", self.origin), false),
        ] {
            let opened = bob.click_open(&self.world, "probe").await;
            let launch = opened.location_parameter("launch");
            let query = [("target_link_uri", &*wanted), ("launch", &*launch)];
            let start = format!("{}/handoff/start", self.origin);
            let start = url::Url::parse_with_params(&start, query).unwrap();
            let authorize = bob.get(start.as_str()).await.location();
            let callback = bob.get(&authorize).await.location();
            let target = bob.get(&callback).await.location();
            let expected = if arrives { &wanted } else { &self.origin };
            assert_eq!(target.trim_end_matches('/'), expected, "{wanted}");
        }

        // A sign-out at Harbor ID.
        let csrf = bob.get(&self.world.authority("/logout")).await.csrf();
        bob.post(&self.world.authority("/logout"), &[("csrf", &csrf)])
            .await;
        assert!(self.home(&bob).await.contains("Nobody is signed in"));
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_in_python_takes_a_handoff_and_refuses_what_it_must() {
    Sample::start("python3", "rp.py")
        .await
        .does_a_handoff()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_in_node_takes_a_handoff_and_refuses_what_it_must() {
    Sample::start("node", "rp.mjs").await.does_a_handoff().await;
}
