use std::io::Write;

use super::{sources::Shape, *};

/// The settings of this command line with this file. No variable of the environment is read: the
/// integration tests give those to the program.
fn read(flags: &[&str], file: Option<&str>) -> Result<Settings, String> {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    let mut all = vec!["serve".to_owned()];
    all.extend(flags.iter().map(|&flag| flag.to_owned()));
    if let Some(text) = file {
        written.write_all(text.as_bytes()).unwrap();
        all.extend(["--config".to_owned(), written.path().display().to_string()]);
    }
    let command = Flags::augment_args(Command::new("serve"));
    let matches = command
        .mut_args(|arg| arg.env(None::<&'static str>))
        .try_get_matches_from(all)
        .map_err(|error| error.to_string())?;
    let flags = Flags::from_arg_matches(&matches).unwrap();
    let settings = Settings::read(&flags).map_err(|error| error.to_string());
    let here = written.path().display().to_string();
    settings.map_err(|error| error.replace(&here, "lab.toml"))
}

fn line<'a>(shown: &'a str, key: &str) -> &'a str {
    let mut lines = shown.lines();
    lines
        .find(|line| line.starts_with(&format!("{key} =")))
        .unwrap()
}

#[test]
fn a_flag_goes_before_the_file_before_the_default() {
    let flag: &[&str] = &["--data", "of-flag"];
    let file = Some("data = \"of-file\"");
    for (flags, file, data, source) in [
        (flag, file, "of-flag", "from the command line"),
        (&[], file, "of-file", "from the file"),
        (&[], None, "data", "the default"),
        (flag, None, "of-flag", "from the command line"),
        // Also when the flag says what the default says.
        (&["--data", "data"], file, "data", "from the command line"),
    ] {
        let settings = read(flags, file).unwrap();
        assert_eq!(settings.data, PathBuf::from(data));
        let shown = settings.show();
        assert!(line(&shown, "data").contains(source), "{shown}");
    }
    // One source says all of a list: the file's addresses are not added to the flag's.
    let file = Some("trusted-proxy = [\"10.0.0.1\", \"10.0.0.2\"]");
    let settings = read(&["--trusted-proxy", "10.0.0.3"], file).unwrap();
    assert_eq!(
        settings.trusted_proxies,
        ["10.0.0.3".parse::<IpAddr>().unwrap()]
    );
}

#[test]
fn a_value_that_is_wrong_is_named_with_its_source() {
    let said = read(&["--ops-listen", "here"], None).unwrap_err();
    assert!(
        said.starts_with("--ops-listen here (from the command line): "),
        "{said}"
    );
    let said = read(&["--session-idle", "soon"], None).unwrap_err();
    assert_eq!(
        said,
        "--session-idle soon (from the command line): is no time such as 90s, 30m or 12h"
    );
    let said = read(&[], Some("profile = \"safe\"")).unwrap_err();
    assert_eq!(
        said,
        "--profile safe (from the file lab.toml): is neither `demo` nor `secure`"
    );
    // Each of several has a line, whichever is read first.
    let said = read(
        &["--only", "notes,mail", "--tls=perhaps", "--log-format=xml"],
        Some("log = \"a=b=c\""),
    )
    .unwrap_err();
    assert_eq!(said.lines().count(), 5, "{said}");
    for start in [
        "--only notes,mail (from the command line): mail is none of authority, notes, tasks, lab",
        "--tls perhaps (",
        "--log-format xml (from the command line): is neither `text` nor `json`",
        "--log a=b=c (from the file lab.toml): ",
    ] {
        assert!(said.contains(&format!("\n  {start}")), "{said}");
    }
}

#[test]
fn a_time_is_whole_seconds_with_their_unit() {
    for (text, seconds) in [
        ("90s", 90),
        ("30m", 1_800),
        ("12h", 43_200),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        ("1.5h", 5_400),
        ("007s", 7),
    ] {
        assert_eq!(duration(text), Ok(Duration::seconds(seconds)), "{text}");
    }
    for text in [
        "",
        "90",
        "s",
        "-5s",
        "0.5s",
        "90 ",
        "1500ms",
        "0s",
        "0h 0s",
        "h1",
        "1h30",
        "9223372036854775807h",
        "99999999999999999999s",
    ] {
        assert!(duration(text).is_err(), "{text}");
    }
    // As the help prints the defaults.
    for time in [IDLE, ABSOLUTE] {
        let text = humantime::format_duration(time.unsigned_abs()).to_string();
        assert_eq!(duration(&text), Ok(time), "{text}");
    }
}

#[test]
fn every_setting_refuses_nonsense_from_flag_and_file() {
    for setting in SETTINGS.iter() {
        let nonsense = match setting.value {
            "FILE" | "FOLDER" => "",
            _ => "==",
        };
        let key = &setting.key;
        let file = match setting.shape {
            Shape::One => format!("{key} = {nonsense:?}"),
            Shape::Many => format!("{key} = [{nonsense:?}]"),
            Shape::Switch => format!("{key} = 1"),
        };
        for (said, source) in [
            (
                read(&[&format!("--{key}={nonsense}")], None),
                "command line",
            ),
            (read(&[], Some(&file)), "lab.toml"),
        ] {
            let said = said.expect_err(key);
            assert!(said.contains(key) && said.contains(source), "{said}");
        }
    }
}

#[test]
fn a_file_says_nothing_that_is_not_understood() {
    for (file, said) in [
        ("lisen = []", "no setting is called lisen"),
        ("config = \"x\"", "no setting is called config"),
        ("[serve]\ndata = \"x\"", "no setting is called serve"),
        ("data = 4", "data: must be a text in quotes"),
        ("tls = \"yes\"", "tls: must be true or false"),
        ("listen = [4000]", "listen: must be a list of texts"),
        ("data = \"a\"\ndata = \"b\"", "line 2: "),
        ("data = ", "line 1: "),
    ] {
        let error = read(&[], Some(file)).unwrap_err();
        let start = format!("--config lab.toml: {said}");
        assert!(
            error.starts_with(&start) && error.lines().count() == 1,
            "{error}"
        );
    }
    let error = read(&["--config", "/nowhere/lab.toml"], None).unwrap_err();
    assert!(error.starts_with("--config /nowhere/lab.toml: "), "{error}");
}

#[test]
fn what_is_in_force_can_be_read_back() {
    let given = read(
        &[
            "--tls",
            "--only",
            "authority,notes",
            "--trusted-proxy",
            "::ffff:10.0.0.1",
            "--log",
            "info,authority=debug",
            "--listen",
            "127.0.0.1:443",
        ],
        Some("data = 'a \"folder\"'\nsession-idle = \"90s\""),
    );
    let given = given.unwrap();
    assert_eq!(
        given.trusted_proxies,
        ["10.0.0.1".parse::<IpAddr>().unwrap()]
    );
    assert_eq!(
        given
            .origins(443)
            .unwrap()
            .of(relying_party::Application::Notes)
            .as_str(),
        "https://notes.localhost"
    );
    let shown = given.show();
    let again = read(&[], Some(&shown)).unwrap();
    let values = |settings: &Settings| {
        let all = settings.sources.iter();
        all.map(|chosen| (&chosen.setting.key, chosen.values.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&given), values(&again), "{shown}");
}

#[test]
fn a_secret_is_no_value_of_a_setting_and_is_not_repeated() {
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYzE";
    let file = format!("notes-secret-file = \"{secret}\"");
    for said in [
        read(&["--notes-secret-file", secret], None),
        read(&["--trusted-proxy", &format!("10.0.0.1,{secret}")], None),
        read(&[], Some(&file)),
    ] {
        let said = said.unwrap_err();
        assert!(
            said.contains("this is a secret") && !said.contains(secret),
            "{said}"
        );
    }
}

#[test]
fn the_network_is_never_listened_on_with_public_passwords() {
    for fine in ["127.0.0.1:4000,[::1]:4000", "127.0.0.1:0", "[::1]:80"] {
        assert!(read(&["--listen", fine], None).is_ok(), "{fine}");
    }
    for open in [
        "0.0.0.0:4000",
        "[::]:4000",
        "127.0.0.1:4000,192.168.0.1:4000",
        "127.0.0.1:4000,0.0.0.0:4000",
    ] {
        let said = read(&["--listen", open], None).unwrap_err();
        assert!(
            said.contains("--demo-accounts true (the default)"),
            "{said}"
        );
        assert!(read(&["--listen", open, "--demo-accounts", "false"], None).is_ok());
        assert!(read(&["--listen", open, "--only", "notes"], None).is_ok());
    }
}

#[test]
fn an_address_that_nothing_reaches_is_refused_with_the_reason() {
    let no_accounts = ["--demo-accounts", "false"];
    let listen = |address: &'static str, more: &[&'static str]| {
        read(
            &[&["--listen", address][..], &no_accounts, more].concat(),
            None,
        )
    };
    // `auth.localhost` is 127.0.0.1 or [::1] to browsers, and to the back channel.
    for reached in [
        "127.0.0.1:4000",
        "[::1]:4000",
        "0.0.0.0:4000",
        "[::]:4000",
        "127.0.0.1:0",
        "192.168.0.1:4000,[::1]:4000",
    ] {
        assert!(listen(reached, &[]).is_ok(), "{reached}");
    }
    for not_reached in ["192.168.0.1:4000", "127.0.0.2:4000", "192.168.0.1:0"] {
        let said = listen(not_reached, &[]).unwrap_err();
        assert!(
            said.starts_with("--listen ") && said.contains("nothing reaches http://auth.localhost"),
            "{said}"
        );
    }
    // Elsewhere it is: behind a name, another address, or a proxy.
    let named = ["--only", "notes", "--notes-origin", "http://127.0.0.2:4000"];
    assert!(listen("127.0.0.2:4000", &named).is_ok());
    assert!(
        listen("[::1]:4000", &named)
            .unwrap_err()
            .contains("http://127.0.0.2:4000")
    );
    let proxied = ["--trusted-proxy", "192.168.0.9"];
    assert!(listen("192.168.0.1:4000", &proxied).is_ok());
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    for (flags, said) in [
        (
            &["--listen", "127.0.0.1:4000,[::1]:4001"][..],
            "the same port",
        ),
        (&["--listen", "127.0.0.1:0,[::1]:0"], "port 0"),
        (
            &["--session-idle", "2h", "--session-absolute", "1h"],
            "longer than --session-absolute 1h",
        ),
        (&["--session-absolute", "721h"], "30 days"),
        (&["--session-recheck", "31s"], "from 1s to 30s"),
        (&["--session-recheck", "1h"], "from 1s to 30s"),
        (&["--tls", "--tls-cert", "a.pem"], "goes with --tls-key"),
        (&["--tls", "--tls-key", "a.pem"], "goes with --tls-cert"),
        (
            &["--tls-cert", "a.pem", "--tls-key", "b.pem"],
            "without --tls",
        ),
        (
            &["--notes-origin", "https://notes.example"],
            "nothing serves https",
        ),
        (
            &["--tls", "--notes-origin", "http://notes.localhost:4000"],
            "must be https",
        ),
        (
            &["--notes-origin", "http://auth.localhost:9"],
            "share cookies",
        ),
        (
            &["--notes-origin", "http://notes.example"],
            "http is allowed for loopback",
        ),
        (
            &["--notes-origin", "http://notes.localhost:4000/"],
            "more than an origin",
        ),
        (&["--authority-ca", "ca.pem"], "no certificate is checked"),
        (&["--tls", "--authority-ca", "ca.pem"], "another process"),
        (&["--only", ""], "names no site"),
        (&["--listen", ""], "names no address"),
    ] {
        let error = read(flags, None).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
    for fine in [
        &[
            "--notes-origin",
            "https://notes.example",
            "--trusted-proxy",
            "10.0.0.1",
        ][..],
        // What is served elsewhere has the scheme that it has there.
        &[
            "--only",
            "notes",
            "--authority-origin",
            "https://auth.example",
            "--authority-ca",
            "ca.pem",
        ],
        // The pair for machines where *.localhost does not resolve.
        &[
            "--only",
            "authority,notes",
            "--authority-origin",
            "http://localhost:4000",
            "--notes-origin",
            "http://127.0.0.1:4000",
        ],
        &["--tls", "--tls-cert", "a.pem", "--tls-key", "b.pem"],
    ] {
        read(fine, None).unwrap();
    }
}
