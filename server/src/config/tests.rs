use std::io::Write;

use super::*;

/// The settings of this command line, with these variables and this file.
fn read(
    flags: &[&str],
    variables: &[(&str, &str)],
    file: Option<&str>,
) -> Result<Settings, String> {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    let mut all = vec!["serve".to_owned()];
    all.extend(flags.iter().map(|&flag| flag.to_owned()));
    if let Some(text) = file {
        written.write_all(text.as_bytes()).unwrap();
        all.extend(["--config".to_owned(), written.path().display().to_string()]);
    }
    let command = Flags::augment_args(Command::new("serve"));
    let matches = command
        .try_get_matches_from(all)
        .map_err(|error| error.to_string())?;
    let flags = Flags::from_arg_matches(&matches).unwrap();
    let variable = |name: &str| {
        let mut found = variables.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| OsString::from(value))
    };
    let settings = Settings::read(&flags, variable).map_err(|error| error.to_string());
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
fn a_flag_goes_before_a_variable_before_the_file_before_the_default() {
    let flag: &[&str] = &["--data", "of-flag"];
    let variable: &[(&str, &str)] = &[("HANDOFF_LAB_DATA", "of-variable")];
    let file = Some("data = \"of-file\"");
    for (flags, variables, file, data, source) in [
        (flag, variable, file, "of-flag", "from the command line"),
        (
            &[],
            variable,
            file,
            "of-variable",
            "from the variable HANDOFF_LAB_DATA",
        ),
        (&[], &[], file, "of-file", "from the file"),
        (&[], &[], None, "data", "the default"),
        (flag, &[], None, "of-flag", "from the command line"),
    ] {
        let settings = read(flags, variables, file).unwrap();
        assert_eq!(settings.data, PathBuf::from(data));
        let shown = settings.show();
        assert!(line(&shown, "data").contains(source), "{shown}");
    }
    // One source says all of a list: the file's addresses are not added to the flag's.
    let file = Some("trusted-proxy = [\"10.0.0.1\", \"10.0.0.2\"]");
    let settings = read(&["--trusted-proxy", "10.0.0.3"], &[], file).unwrap();
    assert_eq!(
        settings.trusted_proxies,
        ["10.0.0.3".parse::<IpAddr>().unwrap()]
    );
}

#[test]
fn a_value_that_is_wrong_is_named_with_its_source() {
    let said = read(&["--ops-listen", "here"], &[], None).unwrap_err();
    assert!(
        said.starts_with("--ops-listen here (from the command line): "),
        "{said}"
    );
    let said = read(&[], &[("HANDOFF_LAB_SESSION_IDLE", "soon")], None).unwrap_err();
    assert_eq!(
        said,
        "--session-idle soon (from the variable HANDOFF_LAB_SESSION_IDLE): is no time such as 90s, 30m or 12h"
    );
    let said = read(&[], &[], Some("profile = \"safe\"")).unwrap_err();
    assert_eq!(
        said,
        "--profile safe (from the file lab.toml): is neither `demo` nor `secure`"
    );
    // Each of several has a line.
    let said = read(
        &["--only", "notes,mail"],
        &[("HANDOFF_LAB_LOG", "a=b=c")],
        None,
    )
    .unwrap_err();
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(
        said.contains("--only notes,mail") && said.contains("HANDOFF_LAB_LOG"),
        "{said}"
    );
}

#[test]
fn every_setting_refuses_nonsense_from_every_source() {
    for setting in SETTINGS {
        let nonsense = match setting.value {
            "FILE" | "FOLDER" => "",
            _ => "==",
        };
        let (flag, variable) = (format!("--{}", setting.key), setting.variable());
        let file = match setting.shape {
            Shape::One => format!("{} = {nonsense:?}", setting.key),
            Shape::Many => format!("{} = [{nonsense:?}]", setting.key),
            Shape::Switch => format!("{} = 1", setting.key),
        };
        for (said, source) in [
            (
                read(&[&format!("{flag}={nonsense}")], &[], None),
                "command line",
            ),
            (read(&[], &[(&variable, nonsense)], None), &*variable),
            (read(&[], &[], Some(&file)), "lab.toml"),
        ] {
            let said = said.expect_err(setting.key);
            assert!(
                said.contains(setting.key) && said.contains(source),
                "{said}"
            );
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
        let error = read(&[], &[], Some(file)).unwrap_err();
        let start = format!("--config lab.toml: {said}");
        assert!(
            error.starts_with(&start) && error.lines().count() == 1,
            "{error}"
        );
    }
    let error = read(&["--config", "/nowhere/lab.toml"], &[], None).unwrap_err();
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
        ],
        &[
            ("HANDOFF_LAB_LOG", "info,authority=debug"),
            ("HANDOFF_LAB_LISTEN", "127.0.0.1:443"),
        ],
        Some("data = 'a \"folder\"'\nsession-idle = \"90s\""),
    );
    let given = given.unwrap();
    assert_eq!(
        given.trusted_proxies,
        ["10.0.0.1".parse::<IpAddr>().unwrap()]
    );
    assert_eq!(
        given.origins(443).unwrap().notes.as_str(),
        "https://notes.localhost"
    );
    let shown = given.show();
    let again = read(&[], &[], Some(&shown)).unwrap();
    let values = |settings: &Settings| {
        let all = settings.in_force.iter();
        all.map(|chosen| (chosen.key, chosen.values.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&given), values(&again), "{shown}");
    let mut keys: Vec<_> = given.in_force.iter().map(|chosen| chosen.key).collect();
    let mut table: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
    keys.sort_unstable();
    table.sort_unstable();
    assert_eq!(keys, table);
}

#[test]
fn a_secret_is_no_value_of_a_setting_and_is_not_repeated() {
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYzE";
    let file = format!("notes-secret-file = \"{secret}\"");
    for said in [
        read(&["--notes-secret-file", secret], &[], None),
        read(&[], &[("HANDOFF_LAB_NOTES_SECRET_FILE", secret)], None),
        read(&[], &[], Some(&file)),
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
        assert!(read(&["--listen", fine], &[], None).is_ok(), "{fine}");
    }
    for open in [
        "0.0.0.0:4000",
        "[::]:4000",
        "192.168.0.1:4000",
        "127.0.0.1:4000,0.0.0.0:4000",
    ] {
        let said = read(&["--listen", open], &[], None).unwrap_err();
        assert!(
            said.contains("--demo-accounts true (the default)"),
            "{said}"
        );
        assert!(read(&["--listen", open, "--demo-accounts", "false"], &[], None).is_ok());
        assert!(read(&["--listen", open, "--only", "notes"], &[], None).is_ok());
    }
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
    ] {
        let error = read(flags, &[], None).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
    for (variable, value) in [("HANDOFF_LAB_ONLY", ""), ("HANDOFF_LAB_LISTEN", "")] {
        assert!(read(&[], &[(variable, value)], None).is_err(), "{variable}");
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
        read(fine, &[], None).unwrap();
    }
}
