//! `handoff-lab config`, and what `serve` refuses.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use tokio::net::TcpStream;

use crate::program::{Running, ended, free_port, handoff_lab, refused, refused_in_a_line};

#[tokio::test]
async fn config_prints_what_is_in_force_and_where_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    std::fs::write(&file, "session-idle = \"10m\"\nlog = \"warn\"\n").unwrap();
    let file = file.to_str().unwrap();
    let mut command = handoff_lab(&["config", "--config", file, "--tls"]);
    command.env("HANDOFF_LAB_LOG", "error");
    let output = ended(command).await;
    assert!(output.status.success());
    let shown = String::from_utf8(output.stdout).unwrap();
    for (start, source) in [
        ("tls = true", "# from the command line"),
        ("log = \"error\"", "# from the variable HANDOFF_LAB_LOG"),
        ("session-idle = \"10m\"", file),
        (
            "notes-origin = \"https://notes.localhost:4000\"",
            "# the default",
        ),
        ("profile = \"demo\"", "# the default"),
    ] {
        let found = shown.lines().find(|line| line.starts_with(start));
        assert!(found.is_some_and(|line| line.contains(source)), "{shown}");
    }
}

/// What `handoff-lab config` prints, or refuses, with these variables and flags.
async fn config(variables: &[(&str, &str)], flags: &[&str]) -> Result<String, String> {
    let mut command = handoff_lab(&["config"]);
    command.args(flags).envs(variables.iter().copied());
    let output = ended(command).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

#[tokio::test]
async fn a_variable_goes_after_the_flag_and_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    std::fs::write(&file, "data = \"of-file\"").unwrap();
    let file = file.to_str().unwrap();
    let named = ("HANDOFF_LAB_CONFIG", file);
    let variable = ("HANDOFF_LAB_DATA", "of-variable");
    for (variables, flags, value, source) in [
        (&[named][..], &[][..], "of-file", file),
        (
            &[named, variable],
            &[],
            "of-variable",
            "from the variable HANDOFF_LAB_DATA",
        ),
        (
            &[named, variable],
            &["--data=of-flag"],
            "of-flag",
            "from the command line",
        ),
    ] {
        let shown = config(variables, flags).await.unwrap();
        let line = shown.lines().find(|line| line.starts_with("data = "));
        let as_it_should = line.is_some_and(|line| line.contains(value) && line.contains(source));
        assert!(as_it_should, "{shown}");
    }
    // A list is one text with commas.
    let shown = config(&[("HANDOFF_LAB_ONLY", "tasks, notes,")], &[]).await;
    let shown = shown.unwrap();
    let first = "only = [\"tasks\", \"notes\"] ";
    assert!(shown.lines().any(|line| line.starts_with(first)), "{shown}");
}

#[tokio::test]
async fn every_setting_refuses_nonsense_from_its_variable() {
    for setting in server::config::SETTINGS.iter() {
        let nonsense = match setting.value {
            "FILE" | "FOLDER" => "",
            _ => "==",
        };
        let said = config(&[(&setting.variable, nonsense)], &[]).await;
        let said = said.expect_err(&setting.key);
        let name = format!("--{}", setting.key);
        assert!(
            said.contains(&name) && said.contains(&setting.variable),
            "{said}"
        );
    }
    for variable in ["HANDOFF_LAB_ONLY", "HANDOFF_LAB_LISTEN"] {
        let said = config(&[(variable, "")], &[]).await.unwrap_err();
        assert!(said.contains(variable), "{said}");
    }
    let mut command = handoff_lab(&["config"]);
    command.env("HANDOFF_LAB_DATA", OsStr::from_bytes(b"data\xff"));
    let output = ended(command).await;
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("--data (from the variable HANDOFF_LAB_DATA): the value is no text"),
        "{said}"
    );
}

#[tokio::test]
async fn a_secret_in_a_variable_is_refused_and_not_repeated() {
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYzE";
    let variable = [("HANDOFF_LAB_NOTES_SECRET_FILE", secret)];
    let said = config(&variable, &[]).await.unwrap_err();
    assert!(
        said.contains("this is a secret") && !said.contains(secret),
        "{said}"
    );
    // Nor by the help, which names the variables.
    let help = config(&variable, &["--help"]).await.unwrap();
    assert!(
        help.contains("HANDOFF_LAB_NOTES_SECRET_FILE") && !help.contains(secret),
        "{help}"
    );
}

#[tokio::test]
async fn serve_refuses_settings_by_name_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (arguments, said) in [
        (
            &["--listen", "0.0.0.0:4000"][..],
            "--listen 0.0.0.0:4000 (from the command line): ",
        ),
        (&["--only", "mail"], "--only mail (from the command line): "),
        (
            &["--notes-origin", "https://notes.example"],
            "--notes-origin https://notes.example",
        ),
        (&["--tls", "--tls-cert", "cert.pem"], "--tls-cert cert.pem"),
        (
            &["--otlp-endpoint", "127.0.0.1:4318"],
            "--otlp-endpoint 127.0.0.1:4318 (from the command line): ",
        ),
    ] {
        let error = refused_in_a_line(&data, arguments).await;
        assert!(error.contains(said), "{error}");
        assert!(!data.exists(), "{arguments:?}");
    }
}

/// All that a bare `--profile secure` has to put right, by setting.
const WRONG: [&str; 8] = [
    "--only authority,notes,tasks,lab (the default)",
    "--demo-accounts true (the default)",
    "--lab-origin http://lab.localhost:",
    "--authority-origin http://auth.localhost:",
    "--notes-origin http://notes.localhost:",
    "--tasks-origin http://tasks.localhost:",
    "--notes-secret-file ",
    "--tasks-secret-file ",
];

#[tokio::test]
async fn row_78_the_secure_profile_names_all_that_is_left_of_a_demonstration() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let said = refused(&data, &["--profile", "secure", "--listen", &listen]).await;
    let lines: Vec<_> = said.lines().skip(1).map(str::trim).collect();
    assert_eq!(lines.len(), WRONG.len(), "{said}");
    for wrong in WRONG {
        assert!(
            lines.iter().any(|line| line.starts_with(wrong)),
            "{wrong}: {said}"
        );
    }
    assert!(!data.exists());
    assert!(TcpStream::connect(&listen).await.is_err());

    // What a demonstration left in the database counts too.
    assert!(Running::start(&data, &[]).terminate().success());
    let before = content(&data);
    let fixed = [
        "--profile",
        "secure",
        "--only",
        "authority,notes,tasks",
        "--demo-accounts",
        "false",
        "--tls",
    ];
    let said = refused(&data, &fixed).await;
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(
        said.contains("lab.key (the default): steps would be reported to a lab"),
        "{said}"
    );
    for person in ["alice", "bob", "mallory"] {
        assert!(said.contains(&format!("{person}@harbor.example")), "{said}");
    }
    assert!(content(&data) == before, "something was written");

    // Whoever knows the one secret could speak for the other client.
    std::fs::copy(data.join("notes.secret"), data.join("tasks.secret")).unwrap();
    let said = refused(&data, &fixed).await;
    assert!(
        said.contains("the same secret is in another client's file"),
        "{said}"
    );
}

#[tokio::test]
async fn row_61_the_secure_profile_refuses_an_application_on_the_domain_of_harbor_id() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let said = refused(
        &data,
        &[
            "--profile=secure",
            "--only=authority,notes,tasks",
            "--trusted-proxy=127.0.0.1",
            "--authority-origin=https://auth.example.org",
            "--notes-origin=https://notes.example.org",
            "--tasks-origin=https://tasks.example.net",
        ],
    )
    .await;
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.contains("-origin "))
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    let notes = lines[0].trim_start().starts_with("--notes-origin https");
    assert!(
        notes && lines[0].contains("example.org as Harbor ID"),
        "{said}"
    );
}

/// The names and contents of a folder's files.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).unwrap_or_default())
        })
        .collect();
    files.sort();
    files
}
