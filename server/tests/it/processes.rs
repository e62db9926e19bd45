//! Each site in a process of its own: they share a client secret and HTTP.

use relying_party::Application;
use std::{net::SocketAddr, os::unix::fs::PermissionsExt, path::Path};

use handoff::{
    flow::FlowId,
    token::{State, Unverified},
};
use reqwest::StatusCode;
use server::config::Origins;

use crate::{
    flows::HANDOFF,
    harness::{Answer, PASSWORD, Persona},
    program::{Running, ask, free_port, refused_in_a_line},
};

/// Signs Alice in at Harbor ID and opens Notes from its portal.
pub async fn handoff(persona: &Persona, origins: &Origins) -> Answer {
    let at_authority = |path: &str| format!("{}{path}", origins.of(authority::ID));
    let page = persona.get(&at_authority("/login")).await;
    let fields = [
        ("csrf", &*page.csrf()),
        ("email", "alice@harbor.example"),
        ("password", PASSWORD),
    ];
    let answer = persona.post(&at_authority("/login"), &fields).await;
    let portal = persona.follow(answer).await;
    let csrf = portal.csrf();
    let opened = persona
        .post(&at_authority("/apps/notes/open"), &[("csrf", &csrf)])
        .await;
    persona.follow(opened).await
}

pub fn copy_secret(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    std::fs::copy(from.join("notes.secret"), to.join("notes.secret")).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn harbor_id_and_notes_run_as_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("authority"), folder.path().join("notes"));
    let (port, notes_port) = (free_port(), free_port());
    let mut origins = Origins::on_localhost("", port).unwrap();
    let elsewhere = Origins::on_localhost("", notes_port).unwrap();
    let notes = Application::Notes;
    origins.set(notes, elsewhere.of(notes).clone());
    let listen = format!("127.0.0.1:{port}");
    let authority = ["--only", "authority", "--listen", &listen];
    let authority = [
        &authority[..],
        &["--notes-origin", origins.of(Application::Notes).as_str()],
    ]
    .concat();
    let listen = format!("127.0.0.1:{notes_port}");
    let notes = ["--only", "notes", "--listen", &listen];
    let notes = [
        &notes[..],
        &["--authority-origin", origins.of(authority::ID).as_str()],
    ]
    .concat();

    let said = refused_in_a_line(&there, &notes).await;
    assert!(
        said.contains("notes.secret: it is not there") && said.contains("copy notes.secret"),
        "{said}"
    );
    std::fs::remove_dir_all(&there).unwrap();

    let authority = Running::start(&here, &authority);
    copy_secret(&here, &there);
    let notes = Running::start(&there, &notes);
    for (running, own, foreign) in [
        (&authority, "auth.", "Notes:"),
        (&notes, "notes.", "Demo accounts"),
    ] {
        let printed = &running.printed;
        assert!(
            printed.contains(own) && !printed.contains(foreign),
            "{printed}"
        );
        assert!(running.ready().await.starts_with("HTTP/1.1 200"));
    }
    for (data, file) in [(&here, "notes.db"), (&there, "authority.db")] {
        assert!(!data.join(file).exists(), "{file}");
    }

    // Each process answers for its own site only.
    for (port, site, status) in [
        (port, origins.of(authority::ID), "303"),
        (port, origins.of(Application::Notes), "421"),
        (port, origins.of(lab::ID), "421"),
        (notes_port, origins.of(Application::Notes), "200"),
        (notes_port, origins.of(authority::ID), "421"),
        (notes_port, origins.of(Application::Tasks), "421"),
    ] {
        let answer = ask(&format!(":{port}"), site.authority(), "/", &[]).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{site} at {port}: {answer}");
    }

    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let alice = Persona::new(address, &origins);
    let home = handoff(&alice, &origins).await;
    assert_eq!(home.status, StatusCode::OK);
    assert!(
        home.url
            .starts_with(origins.of(Application::Notes).as_str()),
        "{home:?}"
    );
    assert!(home.body.contains("Alice Moreau"), "{home:?}");

    assert!(authority.terminate().success());
    assert!(notes.terminate().success());
    for file in ["authority/authority.db-wal", "notes/notes.db-wal"] {
        assert!(!folder.path().join(file).exists(), "{file}");
    }
}

/// Where Harbor ID, Notes and the lab run, each by itself.
struct Three {
    folder: tempfile::TempDir,
    ports: [u16; 3],
    origins: Origins,
}

impl Three {
    fn new() -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let on = |port| Origins::on_localhost("", port).unwrap();
        let mut origins = on(ports[0]);
        let notes = Application::Notes.site_id();
        for (site, port) in [(notes, ports[1]), (lab::ID, ports[2])] {
            origins.set(site, on(port).of(site).clone());
        }
        Self {
            folder: tempfile::tempdir().unwrap(),
            ports,
            origins,
        }
    }

    fn start(&self, site: &str, port: usize) -> Running {
        let listen = format!("127.0.0.1:{}", self.ports[port]);
        let arguments = [
            "--only",
            site,
            "--listen",
            &listen,
            "--authority-origin",
            self.origins.of(authority::ID).as_str(),
            "--notes-origin",
            self.origins.of(Application::Notes).as_str(),
            "--lab-origin",
            self.origins.of(lab::ID).as_str(),
        ];
        Running::start(&self.folder.path().join(site), &arguments)
    }

    fn lab(&self) -> Running {
        self.start("lab", 2)
    }

    /// The lab, then the sites that report to it.
    fn all(&self) -> (Running, [Running; 2]) {
        let at = |name: &str| self.folder.path().join(name);
        let copy_key = |to: &str| {
            std::fs::copy(at("lab").join("lab.key"), at(to).join("lab.key")).unwrap();
        };
        let lab = self.lab();
        std::fs::create_dir(at("authority")).unwrap();
        let only_owner = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(at("authority"), only_owner).unwrap();
        copy_key("authority");
        let authority = self.start("authority", 0);
        copy_secret(&at("authority"), &at("notes"));
        copy_key("notes");
        let notes = self.start("notes", 1);
        (lab, [authority, notes])
    }

    fn person(&self) -> Persona {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Persona::new(address, &self.origins)
    }

    /// The page of the handoff of this person.
    fn flow(&self, persona: &Persona) -> String {
        let state = persona
            .seen()
            .iter()
            .find(|answer| answer.url.contains("/handoff/start"))
            .unwrap()
            .location_parameter("state");
        let state = Unverified::<State>::new(state).unwrap();
        let id = FlowId::of(&state.digest());
        format!("{}/flows/{id}", self.origins.of(lab::ID))
    }

    /// What the lab has of it, of the steps that both sites take.
    async fn drawn(&self, persona: &Persona) -> Vec<String> {
        let file = format!("{}/export.json", self.flow(persona));
        let events = persona.get(&file).await.json()["events"].clone();
        let steps = events.as_array().unwrap().iter();
        let steps = steps.map(|event| event["step"].as_str().unwrap());
        steps
            .filter(|step| HANDOFF.contains(step))
            .map(str::to_owned)
            .collect()
    }
}

#[tokio::test]
async fn three_processes_draw_one_picture() {
    let three = Three::new();
    let (lab, sites) = three.all();
    let alice = three.person();
    let home = handoff(&alice, &three.origins).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    // A page leads to the lab, whose process is another.
    let way = format!("{}/flows/by-session/", three.origins.of(lab::ID));
    let rest = home.body.split_once(&format!("href=\"{way}"));
    let (session, _) = rest.and_then(|(_, rest)| rest.split_once('"')).unwrap();
    // What a process has recorded is reported before it ends, and kept before the lab's does.
    for running in sites.into_iter().chain([lab]) {
        assert!(running.terminate().success());
    }
    let _lab = three.lab();
    assert_eq!(three.drawn(&alice).await, HANDOFF);
    let shown = alice.open(&format!("{way}{session}")).await;
    assert_eq!(shown.url, three.flow(&alice));
}

#[tokio::test]
async fn a_lab_that_is_killed_mid_run_costs_no_handoff() {
    let three = Three::new();
    let (lab, sites) = three.all();
    // Stopped in the middle of a handoff, with no word.
    let alice = three.person();
    handoff(&alice, &three.origins).await;
    let portal = alice
        .get(&format!("{}/", three.origins.of(authority::ID)))
        .await;
    let open = format!("{}/apps/notes/open", three.origins.of(authority::ID));
    let mut answer = alice.post(&open, &[("csrf", &portal.csrf())]).await;
    while !answer.location().contains("/callback?") {
        answer = alice.get(&answer.location()).await;
    }
    drop(lab);
    let home = alice.open(&answer.location()).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");

    let meanwhile = three.person();
    let home = handoff(&meanwhile, &three.origins).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    let lab = three.lab();
    let afterwards = three.person();
    let home = handoff(&afterwards, &three.origins).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    for running in sites.into_iter().chain([lab]) {
        assert!(running.terminate().success());
    }
    let _lab = three.lab();
    // What could not be reported has waited.
    assert_eq!(three.drawn(&meanwhile).await, HANDOFF);
    assert_eq!(three.drawn(&afterwards).await, HANDOFF);
}
