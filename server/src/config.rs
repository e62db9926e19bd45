//! Every setting: its names, its default and why. Read once, at the start.
//!
//! [`SETTINGS`] is the table. A setting `some-key` is the flag `--some-key`, the variable
//! `HANDOFF_LAB_SOME_KEY` and the key `some-key` of the file that `--config` names; the first of them
//! that says something counts. [`Settings::read`] turns all of it into values and refuses what is
//! wrong or does not go together, saying where it came from.

pub mod layers;
mod together;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::{ArgMatches, Args, Command, FromArgMatches};
use handoff::uri::{InvalidUri, Origin};
use layers::{Chosen, Default as By, Layers, Problem, Setting, Shape, Source};
use relying_party::{Application, identity::MAX_RECHECK};
use time::Duration;
use tracing_subscriber::EnvFilter;
use web::cookies::Prefix;

use crate::{data, otlp::Endpoint};

/// The idle end of a sign-in: long enough for a talk, short enough for a machine that somebody walked
/// away from (OWASP's session management cheat sheet).
pub const IDLE: Duration = Duration::minutes(30);
/// And the absolute one: one working day.
pub const ABSOLUTE: Duration = Duration::hours(12);

/// The table of all settings.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "profile",
        value: "PROFILE",
        shape: Shape::One,
        default: By::Values(&["demo"]),
        help: "`demo`, or `secure`, which starts only when nothing of a demonstration is left",
        why: "`secure` changes no setting: it refuses the ones that are unsafe, and names each.",
    },
    Setting {
        key: "only",
        value: "SITE",
        shape: Shape::Many,
        default: By::Values(&SiteName::NAMES),
        help: "The sites that this process serves: authority, notes, tasks, lab",
        why: "The sites share nothing but HTTP, so each can have a process and a machine of its own.",
    },
    Setting {
        key: "listen",
        value: "ADDRESS",
        shape: Shape::Many,
        default: By::Values(&["127.0.0.1:4000", "[::1]:4000"]),
        help: "Where to listen; all must have one port",
        why: "Both loopback addresses, because browsers resolve *.localhost to either. The network is \
              refused while there are demo accounts: everybody knows their password.",
    },
    Setting {
        key: "ops-listen",
        value: "ADDRESS",
        shape: Shape::One,
        default: By::Values(&["127.0.0.1:4009"]),
        help: "Where /health, /ready and /metrics are served",
        why: "A listener of their own: they are for operators, not for visitors.",
    },
    Setting {
        key: "data",
        value: "FOLDER",
        shape: Shape::One,
        default: By::Values(&["data"]),
        help: "The folder of the databases and the client secrets; made if it is not there",
        why: "One server at a time uses it; `user` and `client` may work beside that.",
    },
    Setting {
        key: "authority-origin",
        value: "ORIGIN",
        shape: Shape::One,
        default: By::Follows("auth.localhost at the port of --listen"),
        help: "Where Harbor ID lives, as browsers see it; also its issuer",
        why: "Nothing is ever built from the Host that a request names, so it must be said here.",
    },
    Setting {
        key: "notes-origin",
        value: "ORIGIN",
        shape: Shape::One,
        default: By::Follows("notes.localhost at the port of --listen"),
        help: "Where Notes lives, as browsers see it",
        why: "As for --authority-origin. Harbor ID registers Notes with it.",
    },
    Setting {
        key: "tasks-origin",
        value: "ORIGIN",
        shape: Shape::One,
        default: By::Follows("tasks.localhost at the port of --listen"),
        help: "Where Tasks lives, as browsers see it",
        why: "As for --notes-origin.",
    },
    Setting {
        key: "lab-origin",
        value: "ORIGIN",
        shape: Shape::One,
        default: By::Follows("lab.localhost at the port of --listen"),
        help: "Where the lab lives, as browsers see it",
        why: "As for --authority-origin.",
    },
    Setting {
        key: "notes-secret-file",
        value: "FILE",
        shape: Shape::One,
        default: By::Follows("notes.secret in the data folder"),
        help: "The file with the client secret of Notes",
        why: "Harbor ID and Notes each read it. Under the profile `demo`, Harbor ID's process makes it. The \
              secret itself is never a setting: flags and variables show in lists of processes.",
    },
    Setting {
        key: "tasks-secret-file",
        value: "FILE",
        shape: Shape::One,
        default: By::Follows("tasks.secret in the data folder"),
        help: "The file with the client secret of Tasks",
        why: "As for --notes-secret-file.",
    },
    Setting {
        key: "lab-key-file",
        value: "FILE",
        shape: Shape::One,
        default: By::Follows("lab.key in the data folder"),
        help: "The file with the key by which sites report their steps to a lab in another process",
        why: "The lab's process makes it. One that serves other sites reports to --lab-origin where the file is \
              there: whoever has the key could make the lab show what never happened.",
    },
    Setting {
        key: "demo-accounts",
        value: "BOOL",
        shape: Shape::Switch,
        default: By::Values(&["true"]),
        help: "Whether Harbor ID has accounts whose password is on its sign-in page",
        why: "A demonstration starts with people in it. Turning this off removes none that are there.",
    },
    Setting {
        key: "session-idle",
        value: "TIME",
        shape: Shape::One,
        default: By::Time(IDLE),
        help: "A sign-in at Harbor ID ends after this long without use, as 90s, 30m or 12h",
        why: "Long enough for a talk, short enough for a machine that somebody walked away from (OWASP's \
              session management cheat sheet).",
    },
    Setting {
        key: "session-absolute",
        value: "TIME",
        shape: Shape::One,
        default: By::Time(ABSOLUTE),
        help: "A sign-in at Harbor ID ends after this long at the latest",
        why: "One working day.",
    },
    Setting {
        key: "session-recheck",
        value: "TIME",
        shape: Shape::One,
        default: By::Time(MAX_RECHECK),
        help: "Notes and Tasks ask Harbor ID about a session in use once in this time, from 1s to 30s",
        why: "For so long an application still serves a session that ended at Harbor ID. Each check is a request, so \
              the longest time allowed is the default.",
    },
    Setting {
        key: "cookie-prefix",
        value: "PREFIX",
        shape: Shape::One,
        default: By::Values(&["__Host-"]),
        help: "What the names of all cookies begin with: `__Host-` or `__Host-Http-`",
        why: "The second keeps scripts from setting them, in browsers that know it. Changing it signs everybody out.",
    },
    Setting {
        key: "tls",
        value: "BOOL",
        shape: Shape::Switch,
        default: By::Values(&["false"]),
        help: "Serve the sites over https",
        why: "With a certificate that it makes itself, in the data folder, unless --tls-cert names another. Safari \
              keeps no Secure cookie over http.",
    },
    Setting {
        key: "tls-cert",
        value: "FILE",
        shape: Shape::One,
        default: By::Nothing,
        help: "The certificate for --tls, with its chain, as PEM",
        why: "For a certificate that browsers trust already. It is read at the start.",
    },
    Setting {
        key: "tls-key",
        value: "FILE",
        shape: Shape::One,
        default: By::Nothing,
        help: "The private key of --tls-cert, as PEM",
        why: "Goes with --tls-cert.",
    },
    Setting {
        key: "authority-ca",
        value: "FILE",
        shape: Shape::One,
        default: By::Nothing,
        help: "The one certificate authority that Notes and Tasks trust for calls to Harbor ID, as PEM",
        why: "For a Harbor ID in another process with a certificate that it made itself (tls/ca.pem in its data \
              folder). Without it the machine's own list counts.",
    },
    Setting {
        key: "trusted-proxy",
        value: "IP",
        shape: Shape::Many,
        default: By::Nothing,
        help: "A proxy in front of this process, whose X-Forwarded-For and X-Forwarded-Proto are believed",
        why: "From anyone else these headers are ignored: whoever sends them could be anyone.",
    },
    Setting {
        key: "otlp-endpoint",
        value: "URL",
        shape: Shape::One,
        default: By::Nothing,
        help: "Export each handoff as a trace, by OTLP over HTTP, to /v1/traces of this address",
        why: "For a collector of OpenTelemetry, as http://127.0.0.1:4318. Spans hold no secret and no person; no \
              handoff waits for them.",
    },
    Setting {
        key: "log",
        value: "FILTER",
        shape: Shape::One,
        default: By::Values(&["info,sqlx=warn"]),
        help: "What to log, as levels by part of the program, for example `info,authority=debug`",
        why: "sqlx tells every statement at `info`.",
    },
    Setting {
        key: "log-format",
        value: "FORMAT",
        shape: Shape::One,
        default: By::Values(&["text"]),
        help: "`text` for people, `json` for programs: one object a line",
        why: "The log goes to the standard error, where whatever runs the process collects it.",
    },
];

/// A demonstration, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Everything is there to be tried.
    Demo,
    /// Nothing of a demonstration may be left.
    Secure,
}

/// A site, by its name in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SiteName {
    /// Harbor ID.
    Authority,
    /// Notes.
    Notes,
    /// Tasks.
    Tasks,
    /// The lab.
    Lab,
}

impl SiteName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Authority, Self::Notes, Self::Tasks, Self::Lab];

    /// Their names in the settings.
    pub const NAMES: [&str; Self::ALL.len()] = {
        let mut names = [""; Self::ALL.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = Self::ALL[at].as_str();
            at += 1;
        }
        names
    };

    /// Its name in the settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Notes => "notes",
            Self::Tasks => "tasks",
            Self::Lab => "lab",
        }
    }

    /// The setting of its origin.
    #[must_use]
    pub const fn origin_key(self) -> &'static str {
        match self {
            Self::Authority => "authority-origin",
            Self::Notes => "notes-origin",
            Self::Tasks => "tasks-origin",
            Self::Lab => "lab-origin",
        }
    }
}

impl From<Application> for SiteName {
    fn from(application: Application) -> Self {
        match application {
            Application::Notes => Self::Notes,
            Application::Tasks => Self::Tasks,
        }
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The setting of an application's client secret.
#[must_use]
pub const fn secret_key(application: Application) -> &'static str {
    match application {
        Application::Notes => "notes-secret-file",
        Application::Tasks => "tasks-secret-file",
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Made by this program, in the data folder.
    OwnMaking,
    /// From files.
    Files {
        /// The certificate and its chain.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// The settings as given on the command line, before anything else was asked.
#[derive(Clone, Debug)]
pub struct Flags(ArgMatches);

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command
            .arg(layers::config_flag())
            .args(SETTINGS.iter().map(Setting::flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Where the data is, for commands that need no other setting: the same flag, variable and file.
#[derive(Clone, Debug)]
pub struct DataFolder(ArgMatches);

impl FromArgMatches for DataFolder {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

impl Args for DataFolder {
    fn augment_args(command: Command) -> Command {
        let data = SETTINGS.iter().filter(|setting| setting.key == "data");
        command
            .arg(layers::config_flag().global(true))
            .args(data.map(|setting| setting.flag().global(true)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl DataFolder {
    /// The folder that a server with the same flags, variables and file would use.
    ///
    /// # Errors
    /// [`BadSettings`], naming the setting and where its value came from.
    pub fn path(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<PathBuf, BadSettings> {
        let layers = Layers::read(SETTINGS, &self.0, variable)?;
        let mut reader = Reader {
            layers: &layers,
            in_force: Vec::new(),
            problems: Vec::new(),
        };
        match reader.one("data", None, path) {
            Some(data) => Ok(data),
            None => Err(BadSettings::new(reader.problems)),
        }
    }
}

/// What is in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A demonstration, or not.
    pub profile: Profile,
    /// The sites that this process serves.
    pub only: BTreeSet<SiteName>,
    /// Where to listen.
    pub listen: Vec<SocketAddr>,
    /// Where operators ask.
    pub ops_listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// Whether there are accounts that everybody knows.
    pub demo_accounts: bool,
    /// When an unused sign-in ends.
    pub session_idle: Duration,
    /// When any sign-in ends.
    pub session_absolute: Duration,
    /// How often an application asks about a session that is in use.
    pub session_recheck: Duration,
    /// What the names of all cookies begin with.
    pub cookie_prefix: Prefix,
    /// Whether and how to serve https.
    pub tls: Option<Certificate>,
    /// Whom the relying parties trust for the authorization server's certificate.
    pub authority_ca: Option<PathBuf>,
    /// Whose forwarded headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Where traces are exported to.
    pub otlp_endpoint: Option<Endpoint>,
    /// What to log.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The origins that were given; see [`Settings::origins`].
    given_origins: Vec<(SiteName, Origin)>,
    /// Where the client secrets are.
    pub secret_files: Vec<(Application, PathBuf)>,
    /// Where the key for reports to the lab is.
    pub report_key_file: Option<PathBuf>,
    /// Every setting as text, in the table's order.
    in_force: Vec<Chosen>,
}

/// Settings that cannot be used: one line each.
#[derive(Debug, thiserror::Error)]
pub struct BadSettings {
    /// What stands above the lines when there are several.
    heading: &'static str,
    problems: Vec<Problem>,
}

impl From<Problem> for BadSettings {
    fn from(problem: Problem) -> Self {
        Self::new(vec![problem])
    }
}

impl BadSettings {
    /// All of these.
    #[must_use]
    pub const fn new(problems: Vec<Problem>) -> Self {
        Self {
            heading: "these settings cannot be used:",
            problems,
        }
    }

    /// Whatever else is wrong under the profile `secure`.
    #[must_use]
    pub const fn secure(problems: Vec<Problem>) -> Self {
        Self {
            heading: "the profile `secure` refuses to start:",
            problems,
        }
    }
}

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [Problem(only)] = self.problems.as_slice() {
            return f.write_str(only);
        }
        f.write_str(self.heading)?;
        for Problem(line) in &self.problems {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl Settings {
    /// Reads flags, environment and file, in this order of precedence.
    ///
    /// # Errors
    /// [`BadSettings`], naming every setting that cannot be used and where its value came from.
    pub fn read(
        flags: &Flags,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, BadSettings> {
        let layers = Layers::read(SETTINGS, &flags.0, variable)?;
        let mut reader = Reader {
            layers: &layers,
            in_force: Vec::new(),
            problems: Vec::new(),
        };
        let settings = reader.read();
        let problems = match settings {
            Some(settings) if reader.problems.is_empty() => {
                let problems = together::problems(&settings);
                if problems.is_empty() {
                    return Ok(settings);
                }
                problems
            }
            _ => reader.problems,
        };
        Err(BadSettings::new(problems))
    }

    /// Where the sites live, when `port` is the one that is listened on.
    ///
    /// # Errors
    /// Never for a port that was listened on.
    pub fn origins(&self, port: u16) -> Result<Origins, InvalidUri> {
        let mut origins = Origins::with_scheme(self.scheme(), "", port)?;
        for (site, origin) in &self.given_origins {
            *origins.of_mut(*site) = origin.clone();
        }
        Ok(origins)
    }

    /// What a message about this setting begins with: its name, its value and where that came from.
    #[must_use]
    pub fn name(&self, key: &str) -> String {
        let chosen = self.in_force.iter().find(|chosen| chosen.key == key);
        chosen.map_or_else(|| format!("--{key}"), Chosen::name)
    }

    /// Whether somebody said something about this setting.
    #[must_use]
    pub fn is_given(&self, key: &str) -> bool {
        let chosen = self.in_force.iter().find(|chosen| chosen.key == key);
        chosen.is_some_and(|chosen| chosen.source != Source::Default)
    }

    /// Every setting that is in force and where it came from, as a file that could be read back.
    #[must_use]
    pub fn show(&self) -> String {
        let mut text = String::new();
        for Chosen {
            key,
            shape,
            values,
            source,
        } in &self.in_force
        {
            let value = match (shape, values.as_slice()) {
                (Shape::Switch, [value]) => value.clone(),
                (Shape::One, [value]) => toml::Value::from(value.as_str()).to_string(),
                (Shape::Many, []) if *source != Source::Default => "[]".to_owned(),
                (_, []) => {
                    text.push_str(&format!("# {key} is off\n"));
                    continue;
                }
                (_, values) => toml::Value::from(values.to_vec()).to_string(),
            };
            let line = format!("{key} = {value}");
            let chosen_by_the_system = *source == Source::Default && self.port() == 0;
            if chosen_by_the_system && key.ends_with("-origin") {
                text.push_str(&format!(
                    "# {key}: at the port that the system will choose\n"
                ));
            } else {
                let setting = SETTINGS.iter().find(|setting| setting.key == *key);
                let how = match (source, setting.map(|setting| setting.default)) {
                    (Source::Default, Some(By::Follows(how))) => format!(": {how}"),
                    _ => String::new(),
                };
                text.push_str(&format!("{line:<56} # {source}{how}\n"));
            }
        }
        text
    }

    /// `https` when this process serves it.
    const fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The port that was asked for.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listen.first().map_or(0, SocketAddr::port)
    }

    /// Whether this machine must have the address: one without IPv6 is fine unless somebody asked for it.
    #[must_use]
    pub fn must_have(&self, address: SocketAddr) -> bool {
        address.is_ipv4() || self.is_given("listen")
    }

    /// The hosts of the sites that this process serves, without their ports, as a certificate names
    /// them: an IPv6 address has no brackets there.
    #[must_use]
    pub fn hosts(&self, origins: &Origins) -> Vec<String> {
        let hosts = self.only.iter().map(|site| origins.host(*site));
        hosts
            .map(|host| host.trim_matches(['[', ']']).to_owned())
            .collect()
    }

    /// Whether this process serves the site.
    #[must_use]
    pub fn serves(&self, site: SiteName) -> bool {
        self.only.contains(&site)
    }
}

/// Turns text into values, and remembers what it read and what was wrong with it.
struct Reader<'a> {
    layers: &'a Layers,
    in_force: Vec<Chosen>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn read(&mut self) -> Option<Settings> {
        let profile = self.one("profile", None, |text| match text {
            "demo" => Ok(Profile::Demo),
            "secure" => Ok(Profile::Secure),
            _ => Err("is neither `demo` nor `secure`".to_owned()),
        });
        let only = self.many("only", |text| {
            let mut all = SiteName::ALL.into_iter();
            all.find(|site| site.as_str() == text)
                .ok_or_else(|| format!("{text} is none of {}", SiteName::NAMES.join(", ")))
        });
        let listen: Vec<SocketAddr> = self.many("listen", parsed);
        let ops_listen = self.one("ops-listen", None, parsed);
        let data: Option<PathBuf> = self.one("data", None, path);

        let tls_on = self
            .layers
            .get("tls")
            .is_some_and(|tls| tls.values == ["true"]);
        let port = listen.first().map_or(0, SocketAddr::port);
        let scheme = if tls_on { "https" } else { "http" };
        let defaults = Origins::with_scheme(scheme, "", port);
        let mut given_origins = Vec::new();
        for site in SiteName::ALL {
            let key = site.origin_key();
            let default = defaults.as_ref().ok().map(|all| all.of(site).to_string());
            let origin = self.one(key, default, |text| {
                Origin::parse(text).map_err(|error| error.to_string())
            });
            if let (Some(origin), Some(_)) = (origin, self.layers.get(key)) {
                given_origins.push((site, origin));
            }
        }
        let mut secret_files = Vec::new();
        for application in Application::ALL {
            let default = data
                .as_ref()
                .map(|data| data::secret_file(data, application.id()));
            let default = default.map(|file| file.display().to_string());
            if let Some(file) = self.one(secret_key(application), default, path) {
                secret_files.push((application, file));
            }
        }
        let default = data.as_deref().map(data::report_key_file);
        let default = default.map(|file| file.display().to_string());
        let report_key_file = self.one("lab-key-file", default, path);
        let demo_accounts = self.one("demo-accounts", None, parsed);
        let session_idle = self.one("session-idle", None, duration);
        let session_absolute = self.one("session-absolute", None, duration);
        let session_recheck = self.one("session-recheck", None, duration);
        let cookie_prefix = self.one("cookie-prefix", None, |text| match text {
            "__Host-" => Ok(Prefix::Host),
            "__Host-Http-" => Ok(Prefix::HostHttp),
            _ => Err("is neither `__Host-` nor `__Host-Http-`".to_owned()),
        });
        let tls: bool = self.one("tls", None, parsed)?;
        let cert = self.one("tls-cert", None, path);
        let key = self.one("tls-key", None, path);
        let certificate = match (cert, key) {
            (Some(cert), Some(key)) => Certificate::Files { cert, key },
            (None, None) => Certificate::OwnMaking,
            (cert, _) => {
                let (given, missing) = match cert {
                    Some(_) => ("tls-cert", "--tls-key"),
                    None => ("tls-key", "--tls-cert"),
                };
                self.refuse(given, format!("goes with {missing}, which is not given"));
                Certificate::OwnMaking
            }
        };
        if !tls && certificate != Certificate::OwnMaking {
            self.refuse("tls-cert", "says nothing without --tls".to_owned());
        }
        Some(Settings {
            only: only.into_iter().collect(),
            listen,
            authority_ca: self.one("authority-ca", None, path),
            trusted_proxies: self.many("trusted-proxy", |text| {
                parsed(text).map(|address: IpAddr| address.to_canonical())
            }),
            otlp_endpoint: self.one("otlp-endpoint", None, Endpoint::parse),
            log: self.one("log", None, |text| {
                // A mistyped filter must not silence the log.
                let filter = EnvFilter::builder().parse(text);
                filter
                    .map(|_| text.to_owned())
                    .map_err(|error| error.to_string())
            })?,
            log_format: self.one("log-format", None, |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("is neither `text` nor `json`".to_owned()),
            })?,
            profile: profile?,
            ops_listen: ops_listen?,
            data: data?,
            demo_accounts: demo_accounts?,
            session_idle: session_idle?,
            session_absolute: session_absolute?,
            session_recheck: session_recheck?,
            cookie_prefix: cookie_prefix?,
            tls: tls.then_some(certificate),
            given_origins,
            secret_files,
            report_key_file,
            in_force: std::mem::take(&mut self.in_force),
        })
    }

    /// The value of a setting that takes one; `follows` is the default that follows from others.
    fn one<T>(
        &mut self,
        key: &'static str,
        follows: Option<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let chosen = self.choose(key, follows);
        let value = chosen.values.first()?;
        let parsed = parse(value);
        self.keep(&chosen, parsed)
    }

    fn many<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let chosen = self.choose(key, None);
        let parsed = chosen.values.iter().map(|value| parse(value)).collect();
        self.keep(&chosen, parsed).unwrap_or_default()
    }

    fn keep<T>(&mut self, chosen: &Chosen, parsed: Result<T, String>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(why) => {
                self.problems
                    .push(Problem(format!("{}: {why}", chosen.name())));
                None
            }
        }
    }

    fn choose(&mut self, key: &'static str, follows: Option<String>) -> Chosen {
        let chosen = self.layers.get(key).cloned().unwrap_or_else(|| {
            let setting = SETTINGS.iter().find(|setting| setting.key == key);
            let values = match setting.map(|setting| setting.default) {
                Some(By::Follows(_)) => follows.into_iter().collect(),
                Some(default) => default.values(),
                None => Vec::new(),
            };
            Chosen {
                key,
                shape: setting.map_or(Shape::One, |setting| setting.shape),
                values,
                source: Source::Default,
            }
        });
        self.in_force.push(chosen.clone());
        chosen
    }

    fn refuse(&mut self, key: &str, why: String) {
        let chosen = self.in_force.iter().find(|chosen| chosen.key == key);
        let name = chosen.map_or_else(|| format!("--{key}"), Chosen::name);
        self.problems.push(Problem(format!("{name}: {why}")));
    }
}

fn parsed<T: std::str::FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("names no file or folder".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = |unit| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        _ => None,
    };
    let read = || {
        let unit = text.chars().last()?;
        let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::seconds(number.checked_mul(seconds(unit)?)?))
    };
    read()
        .filter(|duration| duration.is_positive())
        .ok_or_else(|| "is no time such as 90s, 30m or 12h".to_owned())
}

/// Where the sites of a platform live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// Harbor ID.
    pub authority: Origin,
    /// Notes.
    pub notes: Origin,
    /// Tasks.
    pub tasks: Origin,
    /// The lab.
    pub lab: Origin,
}

impl Origins {
    /// The sites on `*.localhost` at this port. `suffix` tells platforms in one process apart:
    /// `auth-two.localhost` for `-two`.
    ///
    /// # Errors
    /// When the suffix makes no host name.
    pub fn on_localhost(suffix: &str, port: u16) -> Result<Self, InvalidUri> {
        Self::with_scheme("http", suffix, port)
    }

    /// The same over this scheme.
    ///
    /// # Errors
    /// When the suffix makes no host name.
    pub fn with_scheme(scheme: &str, suffix: &str, port: u16) -> Result<Self, InvalidUri> {
        let site = |name: &str| match (scheme, port) {
            ("http", 80) | ("https", 443) => {
                Origin::parse(&format!("{scheme}://{name}{suffix}.localhost"))
            }
            _ => Origin::parse(&format!("{scheme}://{name}{suffix}.localhost:{port}")),
        };
        Ok(Self {
            authority: site("auth")?,
            notes: site(Application::Notes.id())?,
            tasks: site(Application::Tasks.id())?,
            lab: site("lab")?,
        })
    }

    /// Where this site lives.
    #[must_use]
    pub const fn of(&self, site: SiteName) -> &Origin {
        match site {
            SiteName::Authority => &self.authority,
            SiteName::Notes => &self.notes,
            SiteName::Tasks => &self.tasks,
            SiteName::Lab => &self.lab,
        }
    }

    /// The host of this site, without the port.
    #[must_use]
    pub fn host(&self, site: SiteName) -> &str {
        let authority = self.of(site).authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    const fn of_mut(&mut self, site: SiteName) -> &mut Origin {
        match site {
            SiteName::Authority => &mut self.authority,
            SiteName::Notes => &mut self.notes,
            SiteName::Tasks => &mut self.tasks,
            SiteName::Lab => &mut self.lab,
        }
    }
}

#[cfg(test)]
mod tests;
