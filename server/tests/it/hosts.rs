//! Which site a request reaches by the host that it names, and what it gets where there is none.

use reqwest::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    harness::{Kept, Process, World, log, world},
    program::ask,
};

const PAGE: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

fn at(world: &World) -> String {
    format!(":{}", world.address().port())
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_host_is_the_same_however_it_is_written() {
    let process = Process::start().await;
    // A site at the default port of its scheme.
    let world = process
        .platform_with("", Kept::InMemory, |setup| {
            let origin = "http://auth-eighty.localhost".parse_origin();
            setup.origins.set(authority::ID, origin);
        })
        .await;
    for (host, expected) in [
        ("auth-eighty.localhost", 200),
        ("auth-eighty.localhost:80", 200),
        ("Auth-Eighty.LOCALHOST:", 200),
        ("auth-eighty.localhost:443", 421),
        ("auth-eighty.localhost:+80", 421),
    ] {
        let answer = ask(&at(&world), host, "/login", &[]).await;
        assert_eq!(status(&answer), expected, "{host}: {answer}");
    }
    // To a browser the name with a dot is another host, with other cookies: it is sent to the one that
    // its forms can come from.
    let dotted = "auth-eighty.localhost.";
    let answer = ask(&at(&world), dotted, "/login?demo=bob", &[]).await;
    assert_eq!(status(&answer), 308, "{answer}");
    assert!(
        answer.contains("\r\nlocation: http://auth-eighty.localhost/login?demo=bob\r\n"),
        "{answer}"
    );
}

trait ParseOrigin {
    fn parse_origin(&self) -> handoff::uri::Origin;
}

impl ParseOrigin for str {
    fn parse_origin(&self) -> handoff::uri::Origin {
        handoff::uri::Origin::parse(self).unwrap()
    }
}

#[tokio::test]
async fn this_machines_own_names_list_the_sites_and_any_other_is_refused_by_a_page_that_does() {
    let (_process, world) = world().await;
    let port = world.address().port();
    let lab_first = |page: &str| {
        let place = |origin: &str| page.find(&format!("href=\"{origin}\"")).unwrap();
        let sites = [
            world.lab(""),
            world.authority(""),
            world.notes(""),
            world.tasks(""),
        ];
        let places = sites.map(|origin| place(&origin));
        assert!(places.is_sorted(), "{page}");
    };
    for host in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST."] {
        let answer = ask(&at(&world), &format!("{host}:{port}"), "/", &[PAGE]).await;
        assert_eq!(status(&answer), 200, "{host}: {answer}");
        lab_first(&answer);
    }
    let text = ask(&at(&world), "localhost", "/", &[]).await;
    assert!(
        text.contains("text/plain") && text.contains(&world.lab("")),
        "{text}"
    );
    assert!(!log().contains("misdirected"), "{}", log());

    for (host, path) in [("evil.example", "/"), ("localhost", "/notes")] {
        let answer = ask(&at(&world), host, path, &[PAGE]).await;
        assert_eq!(status(&answer), 421, "{answer}");
        assert!(!answer.contains("evil"), "{answer}");
        lab_first(&answer);
    }
    assert!(log().contains("host=\"evil.example\""), "{}", log());
    // The page has its style sheet there too.
    let page = ask(&at(&world), "evil.example", "/", &[PAGE]).await;
    let (_, href) = page.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let (href, _) = href.split_once('"').unwrap();
    let sheet = ask(&at(&world), "evil.example", href, &[]).await;
    assert_eq!(status(&sheet), 200, "{href}");
    // Two names are none, there too.
    let sheet = ask(&at(&world), "evil.example", href, &[("host", "localhost")]).await;
    assert_eq!(status(&sheet), 421, "{sheet}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_with_words() {
    let (_process, world) = world().await;
    let host = world.origins.of(authority::ID).authority().to_owned();
    let many: String = (0..101).map(|n| format!("x-{n}: 1\r\n")).collect();
    let cookie = format!("cookie: {}\r\n", "a".repeat(400_000));
    let long = format!("/{}", "a".repeat(65_535));
    for (path, headers, refused, said) in [
        (
            "/login",
            &*cookie,
            431,
            "header of this request is too large",
        ),
        ("/login", &many, 431, "header of this request is too large"),
        (&long, "", 414, "address of this request is too long"),
    ] {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
        // The server may stop reading; what it answers must arrive all the same.
        let (mut reading, mut writing) = stream.split();
        let mut answer = String::new();
        let send = async {
            let _ = writing.write_all(request.as_bytes()).await;
        };
        let (_, read) = tokio::join!(send, reading.read_to_string(&mut answer));
        read.unwrap();
        assert_eq!(status(&answer), refused, "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.contains(said), "{answer}");
        let length = format!("content-length: {}", body.len());
        assert!(head.contains(&length), "{answer}");
    }
    assert!(log().contains("request head refused"), "{}", log());
}

#[tokio::test]
async fn the_address_of_a_form_leads_to_the_form() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    for (address, front_page) in [
        (world.notes("/notes"), world.notes("/")),
        (world.tasks("/tasks"), world.tasks("/")),
    ] {
        let answer = visitor.get(&address).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert_eq!(answer.location(), front_page);
    }
}
