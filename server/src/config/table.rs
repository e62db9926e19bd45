//! The table of all settings: names, default and why.

use std::sync::LazyLock;

use relying_party::identity::MAX_RECHECK;
use web::site::SiteId;

use super::{ABSOLUTE, IDLE, sources::Setting};
use crate::sites::table::{self as sites, Row, SITES};

/// The table of all settings. A setting `some-key` is the flag `--some-key`, the variable
/// `HANDOFF_LAB_SOME_KEY` and the key `some-key` of the file that `--config` names.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let before = vec![
            Setting::one("profile", "PROFILE")
                .default("demo")
                .help(
                    "`demo`, or `secure`, which starts only when nothing of a demonstration is left",
                    "`secure` changes no setting: it refuses the ones that are unsafe, and names each.",
                ),
            Setting::many("only", "SITE")
                .default(ids(","))
                .help(
                    format!("The sites that this process serves: {}", ids(", ")),
                    "The sites share nothing but HTTP, so each can have a process and a machine of its own.",
                ),
            Setting::many("listen", "ADDRESS")
                .default("127.0.0.1:4000,[::1]:4000")
                .help(
                    "Where to listen; all must have one port",
                    "Both loopback addresses, because browsers resolve *.localhost to either. The network is \
                  refused while there are demo accounts: everybody knows their password.",
                ),
            Setting::one("ops-listen", "ADDRESS")
                .default("127.0.0.1:4009")
                .help(
                    "Where /health, /ready and /metrics are served",
                    "A listener of their own: they are for operators, not for visitors.",
                ),
            Setting::one("data", "FOLDER")
                .default("data")
                .help(
                    "The folder of the databases and the client secrets; made if it is not there",
                    "One server at a time uses it; `user` and `client` may work beside that.",
                ),
    ];
    let after = vec![
            Setting::one("lab-key-file", "FILE")
                .follows("lab.key in the data folder")
                .help(
                    "The file with the key by which sites report their steps to a lab in another process",
                    "The lab's process makes it. One that serves other sites reports to --lab-origin where the file is \
                  there: whoever has the key could make the lab show what never happened.",
                ),
            Setting::switch("demo-accounts", true)
                .help(
                    "Whether Harbor ID has accounts whose password is on its sign-in page",
                    "A demonstration starts with people in it. Turning this off removes none that are there.",
                ),
            Setting::one("session-idle", "TIME")
                .default(humantime::format_duration(IDLE.unsigned_abs()))
                .help(
                    "A sign-in at Harbor ID ends after this long without use, as 90s, 30m or 12h",
                    "Long enough for a talk, short enough for a machine that somebody walked away from (OWASP's \
                  session management cheat sheet).",
                ),
            Setting::one("session-absolute", "TIME")
                .default(humantime::format_duration(ABSOLUTE.unsigned_abs()))
                .help(
                    "A sign-in at Harbor ID ends after this long at the latest",
                    "One working day.",
                ),
            Setting::one("session-recheck", "TIME")
            .default(humantime::format_duration(MAX_RECHECK.unsigned_abs()))
            .help(
                "Notes and Tasks ask Harbor ID about a session in use once in this time, from 1s to 30s",
                "For so long an application still serves a session that ended at Harbor ID. Each check is a request, so \
              the longest time allowed is the default.",
            ),
        Setting::one("cookie-prefix", "PREFIX")
                .default("__Host-")
                .help(
                    "What the names of all cookies begin with: `__Host-` or `__Host-Http-`",
                    "The second keeps scripts from setting them, in browsers that know it. Changing it signs everybody out.",
                ),
            Setting::switch("tls", false)
                .help(
                    "Serve the sites over https",
                    "With a certificate that it makes itself, in the data folder, unless --tls-cert names another. Safari \
                  keeps no Secure cookie over http.",
                ),
            Setting::one("tls-cert", "FILE")
                .help(
                    "The certificate for --tls, with its chain, as PEM",
                    "For a certificate that browsers trust already. It is read at the start.",
                ),
            Setting::one("tls-key", "FILE")
                .help(
                    "The private key of --tls-cert, as PEM",
                    "Goes with --tls-cert.",
                ),
            Setting::one("authority-ca", "FILE")
                .help(
                    "The one certificate authority that Notes and Tasks trust for calls to Harbor ID, as PEM",
                    "For a Harbor ID in another process with a certificate that it made itself (tls/ca.pem in its data \
                  folder). Without it the machine's own list counts.",
                ),
            Setting::many("trusted-proxy", "IP")
                .help(
                    "A proxy in front of this process, whose X-Forwarded-For and X-Forwarded-Proto are believed",
                    "From anyone else these headers are ignored: whoever sends them could be anyone.",
                ),
            Setting::one("otlp-endpoint", "URL")
                .help(
                    "Export each handoff as a trace, by OTLP over HTTP, to /v1/traces of this address",
                    "For a collector of OpenTelemetry, as http://127.0.0.1:4318. Spans hold no secret and no person; no \
                  handoff waits for them.",
                ),
            Setting::one("log", "FILTER")
                .default("info,sqlx=warn")
                .help(
                    "What to log, as levels by part of the program, for example `info,authority=debug`",
                    "sqlx tells every statement at `info`.",
                ),
            Setting::one("log-format", "FORMAT")
                .default("text")
                .help(
                    "`text` for people, `json` for programs: one object a line",
                    "The log goes to the standard error, where whatever runs the process collects it.",
                ),
    ];
    before
        .into_iter()
        .chain(SITES.iter().map(origin))
        .chain(secrets())
        .chain(after)
        .collect()
});

/// The ids of all sites, as a list.
fn ids(separator: &str) -> String {
    let ids: Vec<_> = sites::ids().map(SiteId::as_str).collect();
    ids.join(separator)
}

/// The setting of a site's origin.
fn origin(row: &Row) -> Setting {
    let (name, host) = (row.name, row.host);
    let authority = authority::ID;
    let (also, why) = if row.id == authority {
        let why =
            "Nothing is ever built from the Host that a request names, so it must be said here.";
        ("; also its issuer", why.to_owned())
    } else {
        let as_for = format!("As for --{authority}-origin.");
        let registered = row.kind.application().map_or_else(String::new, |_| {
            format!(" Harbor ID registers {name} with it.")
        });
        ("", as_for + &registered)
    };
    Setting::one(row.origin_key(), "ORIGIN")
        .follows(format!("{host}.localhost at the port of --listen"))
        .help(format!("Where {name} lives, as browsers see it{also}"), why)
}

/// The settings of the applications' secrets. The first says why.
fn secrets() -> impl Iterator<Item = Setting> {
    let mut first: Option<String> = None;
    sites::applications().map(move |row| {
        let (key, name, id) = (sites::secret_key(row.id), row.name, row.id);
        let why = match &first {
            Some(first) => format!("As for --{first}."),
            None => format!(
                "Harbor ID and {name} each read it. Under the profile `demo`, Harbor ID's process makes it. The \
                 secret itself is never a setting: flags and variables show in lists of processes."
            ),
        };
        first.get_or_insert_with(|| key.clone());
        let setting = Setting::one(key, "FILE").follows(format!("{id}.secret in the data folder"));
        setting.help(format!("The file with the client secret of {name}"), why)
    })
}
