//! What the program is measured beside: itself as it was, and another provider.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use serde::Deserialize;

use super::free_address;
use super::load::{Requests, post};
use super::stock::{PEOPLE, Stock};
use crate::workspace::{Workspace, node_script, output, run};

/// The commit whose program is measured beside today's.
pub(super) const EARLIER: &str = "3a3037f";

/// What browsers would load from the earlier program, which does not start without. Nothing here asks for
/// it, and the real ones take minutes to build.
const ASSETS: [(&str, &str); 4] = [
    ("manifest.json", r#"{"stylesheet":"style.css","lab":"lab"}"#),
    ("style.css", "/**/"),
    ("lab.js", ""),
    ("lab_bg.wasm", ""),
];

/// The program of [`EARLIER`], built once from its own checkout with the profile that it was shipped
/// with.
pub(super) fn earlier(workspace: &Workspace) -> Result<PathBuf> {
    let folder = kept(workspace).join(EARLIER);
    let program = folder.join("handoff-lab");
    if program.exists() {
        return Ok(program);
    }
    println!("Building {EARLIER}, once.");
    let checkout = folder.join("checkout");
    if checkout.exists() {
        fs::remove_dir_all(&checkout)?;
    }
    fs::create_dir_all(&checkout)?;
    let archive = folder.join("checkout.tar");
    run(Command::new("git")
        .args(["archive", "--output"])
        .arg(&archive)
        .arg(EARLIER)
        .current_dir(&workspace.root))
    .with_context(|| format!("this clone does not have commit {EARLIER}"))?;
    run(Command::new("tar")
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(&checkout))?;
    let site = checkout.join("target/site");
    fs::create_dir_all(&site)?;
    for (name, text) in ASSETS {
        fs::write(site.join(name), text)?;
    }
    let mut build = workspace.cargo();
    build
        .current_dir(&checkout)
        .args(["build", "--release", "--package", "server"])
        .args(["--bin", "handoff-lab", "--target-dir"])
        // Most of what it needs is built there already.
        .arg(&workspace.target);
    run(&mut build)?;
    let built = workspace.target.join("release/handoff-lab");
    fs::copy(&built, &program)?;
    // Whoever builds today's finds no newer file of another commit in its place.
    fs::remove_file(built)?;
    fs::remove_dir_all(checkout)?;
    fs::remove_file(archive)?;
    Ok(program)
}

/// Where things lie that take long to make, from one run to the next.
pub(super) fn kept(workspace: &Workspace) -> PathBuf {
    workspace.target.join("bench/kept")
}

/// oidc-provider, running.
pub(super) struct Peer {
    child: Child,
    pub(super) port: u16,
    folder: PathBuf,
}

#[derive(Deserialize)]
struct Counts {
    issued: u64,
    redeemed: u64,
}

/// A package as its manifest names it.
#[derive(Deserialize)]
struct Manifest {
    version: String,
}

const SECRET: &str = "a-secret-of-forty-three-characters-for-load";
const REDIRECT_URI: &str = "https%3A%2F%2Fnotes.example%2Fcallback";

impl Peer {
    fn folder(workspace: &Workspace) -> PathBuf {
        workspace.end2end().join("bench/peer")
    }

    /// Installs what its lock file names.
    pub(super) fn install(workspace: &Workspace) -> Result<()> {
        let folder = Self::folder(workspace);
        run(node_script("npm", &folder).args(["ci", "--no-audit", "--no-fund"]))
    }

    /// The package with its version.
    pub(super) fn version(workspace: &Workspace) -> Result<String> {
        let manifest = Self::folder(workspace).join("node_modules/oidc-provider/package.json");
        let manifest: Manifest = serde_json::from_str(&fs::read_to_string(manifest)?)?;
        Ok(format!("oidc-provider {}", manifest.version))
    }

    pub(super) fn start(workspace: &Workspace, folder: &Path, stock: Stock) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let port = free_address()?.port();
        let mut child = node_script("node", &Self::folder(workspace))
            .arg("server.mjs")
            .arg(port.to_string())
            .arg(folder)
            .args([stock.tokens.to_string(), PEOPLE.to_string()])
            .env("NODE_ENV", "production")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start node")?;
        let stdout = child.stdout.take();
        let peer = Self {
            child,
            port,
            folder: folder.to_owned(),
        };
        let lines = BufReader::new(stdout.context("node prints nothing")?).lines();
        for line in lines {
            if line? == "ready" {
                peer.write_issue(stock.launches)?;
                return Ok(peer);
            }
        }
        anyhow::bail!("oidc-provider does not get ready");
    }

    /// One line for each authorization that is asked for.
    fn write_issue(&self, launches: usize) -> Result<()> {
        let sessions = fs::read_to_string(self.folder.join("sessions.tsv"))?;
        let sessions: Vec<&str> = sessions.lines().collect();
        let lines = sessions.iter().cycle().take(launches).enumerate();
        let lines: Vec<String> = lines
            .map(|(n, session)| format!("{session}\tstate-of-authorization-{n:020}\n"))
            .collect();
        fs::write(self.folder.join("issue.tsv"), lines.concat())?;
        Ok(())
    }

    /// The exchange of a code: what verify is here.
    pub(super) fn verify(&self) -> Result<Requests> {
        let basic = BASE64.encode(format!("notes:{SECRET}").as_bytes());
        let head = format!(
            "POST /token HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nauthorization: Basic {basic}\r\n\
             content-type: application/x-www-form-urlencoded\r\n",
            self.port
        );
        let body = format!(
            "grant_type=authorization_code&code={{1}}&redirect_uri={REDIRECT_URI}&code_verifier={{2}}"
        );
        let request = post(&head, &body, &[43; 2]);
        Requests::new(&self.folder, "verify", &request, Some("codes.tsv"))
    }

    /// The silent authorization of somebody who is signed in: what issuing is here.
    pub(super) fn issue(&self) -> Result<Requests> {
        let request = format!(
            "GET /auth?client_id=notes&response_type=code&scope=openid&prompt=none\
             &redirect_uri={REDIRECT_URI}&state={{2}}\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256 \
             HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncookie: {{1}}\r\n\r\n",
            self.port
        );
        Requests::new(&self.folder, "issue", &request, Some("issue.tsv"))
    }

    /// Fails unless so many codes were issued and so many redeemed.
    pub(super) fn has_done(&self, issued: u64, redeemed: u64) -> Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream
            .write_all(b"GET /bench/counts HTTP/1.1\r\nhost: peer\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let counts = answer.lines().find(|line| line.starts_with('{'));
        let counts = counts.with_context(|| format!("the peer answers {answer}"))?;
        let counts: Counts = serde_json::from_str(counts)?;
        ensure!(
            counts.issued >= issued && counts.redeemed >= redeemed,
            "{issued} authorizations and {redeemed} exchanges were answered, but {} and {} were made",
            counts.issued,
            counts.redeemed
        );
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The versions of what is measured and of what measures.
pub(super) fn versions(workspace: &Workspace) -> Result<String> {
    let first = |command: &mut Command| -> Result<String> {
        Ok(output(command)?
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned())
    };
    let rustc = first(Command::new("rustc").arg("--version"))?;
    let node = first(Command::new("node").arg("--version"))?;
    // It prints its version and fails.
    let wrk = Command::new("wrk").arg("--version").output()?;
    let wrk = String::from_utf8_lossy(&wrk.stdout).into_owned();
    let wrk: Vec<&str> = wrk.split_whitespace().take(2).collect();
    let lock = fs::read_to_string(workspace.root.join("Cargo.lock"))?;
    let of = |package: &str| {
        let entry = format!("name = \"{package}\"\nversion = \"");
        let version = lock
            .split_once(&entry)
            .and_then(|(_, rest)| rest.split_once('"'));
        format!(
            "{package} {}",
            version.map_or("of no version", |(version, _)| version)
        )
    };
    Ok(format!(
        "{rustc}; Node {node}; {}; {}; SQLite as {} brings it; {}.",
        Peer::version(workspace)?,
        wrk.join(" "),
        of("libsqlite3-sys"),
        of("sqlx"),
    ))
}
