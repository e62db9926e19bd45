//! https, proxies, and the headers that depend on them: the program itself, from outside.

use relying_party::Application;
use std::{net::SocketAddr, path::Path};

use reqwest::StatusCode;
use server::config::Origins;

use crate::{
    harness::{Answer, Persona},
    processes::{copy_secret, handoff},
    program::{Running, ask, free_port},
};

/// Ports are in the addresses.
const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// The sites of a program that runs, as it printed them.
fn origins(scheme: &str, running: &Running) -> Origins {
    let site = running.address(&format!("{scheme}://auth."));
    let (_, port) = site.rsplit_once(':').unwrap();
    Origins::with_scheme(scheme, "", port.parse().unwrap()).unwrap()
}

fn browser(data: &Path, origins: &Origins) -> Persona {
    let authority = std::fs::read(data.join("tls/ca.pem")).unwrap();
    Persona::trusting(&authority, HERE, origins)
}

#[tokio::test]
async fn a_whole_handoff_over_https_with_a_certificate_of_its_own_making() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), &["--tls"]);
    let origins = origins("https", &running);
    let alice = browser(folder.path(), &origins);
    let home = handoff(&alice, &origins).await;
    assert_eq!(home.status, StatusCode::OK);
    assert!(
        home.url
            .starts_with(origins.of(Application::Notes).as_str()),
        "{home:?}"
    );
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    assert!(
        running.printed.contains("tls/ca.pem"),
        "{}",
        running.printed
    );

    // Nothing is said to whoever comes without https.
    let mut plain = tokio::net::TcpStream::connect((
        "127.0.0.1",
        origins
            .of(lab::ID)
            .as_str()
            .rsplit_once(':')
            .unwrap()
            .1
            .parse()
            .unwrap(),
    ))
    .await
    .unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {}\r\n\r\n",
        origins.of(lab::ID).authority()
    );
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    // Whoever trusted the certificate need not do so again.
    let before = std::fs::read(folder.path().join("tls/leaf.pem")).unwrap();
    assert!(running.terminate().success());
    let again = Running::start(folder.path(), &["--tls"]);
    let after = std::fs::read(folder.path().join("tls/leaf.pem")).unwrap();
    assert!(before == after, "another leaf");
    assert!(again.terminate().success());
}

#[tokio::test]
async fn a_relying_party_in_another_process_checks_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("authority"), folder.path().join("notes"));
    let (port, notes_port) = (free_port(), free_port());
    let mut origins = Origins::with_scheme("https", "", port).unwrap();
    let elsewhere = Origins::with_scheme("https", "", notes_port).unwrap();
    let notes = Application::Notes;
    origins.set(notes, elsewhere.of(notes).clone());
    let listen = format!("127.0.0.1:{port}");
    let authority = ["--tls", "--only", "authority", "--listen", &listen];
    let authority = [
        &authority[..],
        &["--notes-origin", origins.of(Application::Notes).as_str()],
    ]
    .concat();
    let authority = Running::start(&here, &authority);
    copy_secret(&here, &there);
    let own = here.join("tls/ca.pem");
    let listen = format!("127.0.0.1:{notes_port}");
    let notes = ["--tls", "--only", "notes", "--listen", &listen];
    let notes = [
        &notes[..],
        &["--authority-origin", origins.of(authority::ID).as_str()],
    ]
    .concat();
    let trusting = [&notes[..], &["--authority-ca", own.to_str().unwrap()]].concat();

    // One browser that trusts both processes' authorities.
    let both = |there: &Path| {
        let mut list = std::fs::read(&own).unwrap();
        list.extend(std::fs::read(there.join("tls/ca.pem")).unwrap());
        Persona::trusting(&list, HERE, &origins)
    };
    let running = Running::start(&there, &notes);
    let home = handoff(&both(&there), &origins).await;
    assert!(home.url.contains("/signin/problem"), "{home:?}");
    assert!(!home.body.contains("Alice Moreau"), "{home:?}");
    assert!(running.terminate().success());

    let running = Running::start(&there, &trusting);
    let home = handoff(&both(&there), &origins).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    assert!(running.terminate().success());
    assert!(authority.terminate().success());
}

/// What every page of a site carries, whatever the page: row 68's snapshot.
fn carried(answer: &Answer) -> Vec<(String, String)> {
    let mut found: Vec<_> = [
        "strict-transport-security",
        "x-content-type-options",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "permissions-policy",
        "referrer-policy",
        "cache-control",
    ]
    .iter()
    .map(|name| ((*name).to_owned(), answer.header(name).to_owned()))
    .collect();
    found.retain(|(_, value)| !value.is_empty());
    found
}

#[tokio::test]
async fn row_68_the_headers_of_every_site_with_and_without_https() {
    let always = [
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
        ("referrer-policy", "strict-origin"),
        ("cache-control", "no-store"),
    ];
    let https_only = (
        "strict-transport-security",
        "max-age=63072000; includeSubDomains",
    );
    for (scheme, arguments) in [("http", &[][..]), ("https", &["--tls"])] {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start(folder.path(), arguments);
        let origins = origins(scheme, &running);
        let mut expected = always.to_vec();
        let visitor = if scheme == "https" {
            expected.insert(0, https_only);
            browser(folder.path(), &origins)
        } else {
            Persona::new(HERE, &origins)
        };
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for (site, page) in [
            (lab::ID, "/"),
            (authority::ID, "/login"),
            (Application::Notes.site_id(), "/"),
            (Application::Tasks.site_id(), "/"),
        ] {
            // A page, and one that is not there: errors carry the same.
            for path in [page, "/not-there"] {
                let answer = visitor.get(&format!("{}{path}", origins.of(site))).await;
                assert_eq!(carried(&answer), expected, "{scheme} {site}{path}");
            }
        }
        assert!(running.terminate().success());
    }
}

#[tokio::test]
async fn row_77_a_proxy_is_believed_when_it_is_trusted_and_nothing_is_built_from_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let behind = |proxy: &'static str, name: &str| {
        let sites = ["--only", "authority,notes", "--trusted-proxy", proxy];
        let origins = [
            "--authority-origin",
            "https://auth.example",
            "--notes-origin",
            "https://notes.example",
        ];
        let arguments = [&sites[..], &origins].concat();
        Running::start(&folder.path().join(name), &arguments)
    };
    let ask_login =
        async |port: &str, headers: &[(&str, &str)]| ask(port, "auth.example", "/", headers).await;
    let status = |answer: &str| answer.split(' ').nth(1).unwrap().to_owned();
    const HTTPS: (&str, &str) = ("x-forwarded-proto", "https");

    let trusting = behind("127.0.0.1", "trusting");
    let port = trusting.listening();
    let answer = ask_login(&port, &[HTTPS]).await;
    assert_eq!(status(&answer), "303", "{answer}");
    for headers in [&[][..], &[("x-forwarded-proto", "http")], &[HTTPS, HTTPS]] {
        let answer = ask_login(&port, headers).await;
        assert_eq!(status(&answer), "421", "{headers:?}: {answer}");
    }
    // Its words about the host and the rest change nothing.
    for forged in [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-forwarded-port", "666"),
        ("x-original-host", "evil.example"),
        ("x-forwarded-for", "evil.example"),
    ] {
        let answer = ask_login(&port, &[HTTPS, forged]).await;
        assert!(answer.contains("location: /login\r\n"), "{answer}");
        assert!(
            !answer.contains("evil") && !answer.contains("666"),
            "{answer}"
        );
        let answer = ask(
            &port,
            "evil.example",
            "/",
            &[HTTPS, ("x-forwarded-host", "auth.example")],
        )
        .await;
        assert_eq!(status(&answer), "421", "{answer}");
    }
    // The addresses of the handoff are those of the settings.
    let answer = ask(
        &port,
        "notes.example",
        "/handoff/start",
        &[HTTPS, ("x-forwarded-host", "evil.example")],
    )
    .await;
    assert!(
        answer.contains("location: https://auth.example/handoff/authorize?"),
        "{answer}"
    );
    assert!(
        answer.contains("redirect_uri=https%3A%2F%2Fnotes.example%2Fcallback"),
        "{answer}"
    );

    // From anybody else the same words count for nothing.
    let other = behind("192.0.2.1", "other");
    let answer = ask_login(&other.listening(), &[HTTPS]).await;
    assert_eq!(status(&answer), "421", "{answer}");
}
