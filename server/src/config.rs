//! Every setting: its names, its default and why. Read once, at the start.
//!
//! [`SETTINGS`] is the table. The flag goes before the variable, the variable before the file, the
//! file before the default. [`Settings::read`] turns the chosen texts into values and refuses what is
//! wrong or does not go together, all of it at once, with where each value came from.

pub(crate) mod origins;
pub mod sources;
mod table;
mod validate;

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use handoff::uri::{InvalidUri, Origin};
use time::Duration;
use tracing_subscriber::EnvFilter;
use web::{cookies::Prefix, site::SiteId};

use self::sources::{Problem, Source, Sources};
pub use self::{origins::Origins, table::SETTINGS};
use crate::{
    data,
    otlp::Endpoint,
    sites::table::{self as sites, SITES},
};

/// The idle end of a sign-in: long enough for a talk, short enough for a machine that somebody walked
/// away from (OWASP's session management cheat sheet).
pub const IDLE: Duration = Duration::minutes(30);
/// And the absolute one: one working day.
pub const ABSOLUTE: Duration = Duration::hours(12);

/// A demonstration, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Everything is there to be tried.
    Demo,
    /// Nothing of a demonstration may be left.
    Secure,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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

/// What the command line and the environment say: of all settings, or of the data folder alone.
#[derive(Clone, Debug)]
pub struct Given<const ALL: bool>(ArgMatches);

/// What they say of all settings.
pub type Flags = Given<true>;
/// Where the data is, for commands that need no other setting: the same flag, variable and file.
pub type DataFolder = Given<false>;

impl<const ALL: bool> FromArgMatches for Given<ALL> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

impl<const ALL: bool> Args for Given<ALL> {
    fn augment_args(command: Command) -> Command {
        // The commands that work in the data folder have commands of their own below them.
        let settings = SETTINGS
            .iter()
            .filter(|setting| ALL || setting.key == "data");
        command
            .arg(sources::config_arg().global(!ALL))
            .args(settings.map(|setting| setting.arg().global(!ALL)))
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
    pub fn path(&self) -> Result<PathBuf, BadSettings> {
        let mut reader = Reader::new(&self.0)?;
        match reader.one("data", path) {
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
    pub only: BTreeSet<SiteId>,
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
    given_origins: Vec<(SiteId, Origin)>,
    /// Where the client secrets are.
    pub secret_files: Vec<(SiteId, PathBuf)>,
    /// Where the key for reports to the lab is.
    pub report_key_file: Option<PathBuf>,
    /// Every setting as text.
    sources: Sources,
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
    /// Reads the settings.
    ///
    /// # Errors
    /// [`BadSettings`], naming every setting that cannot be used and where its value came from.
    pub fn read(flags: &Flags) -> Result<Self, BadSettings> {
        let mut reader = Reader::new(&flags.0)?;
        let problems = match reader.read() {
            Some(settings) if reader.problems.is_empty() => {
                let problems = validate::problems(&settings);
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
            origins.set(*site, origin.clone());
        }
        Ok(origins)
    }

    /// What a message about this setting begins with: its name, its value and where that came from.
    #[must_use]
    pub fn name(&self, key: &str) -> String {
        self.sources.name(key)
    }

    /// Every setting that is in force and where it came from, as a file that could be read back.
    #[must_use]
    pub fn show(&self) -> String {
        let lines = self.sources.iter().map(|chosen| {
            let key = &chosen.setting.key;
            let unknown = chosen.source == Source::Default && self.port() == 0;
            if unknown && key.ends_with("-origin") {
                format!("# {key}: at the port that the system will choose\n")
            } else {
                chosen.line() + "\n"
            }
        });
        lines.collect()
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
        address.is_ipv4() || self.sources.is_given("listen")
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
    pub fn serves(&self, site: impl Into<SiteId>) -> bool {
        self.only.contains(&site.into())
    }
}

/// Turns texts into values, and collects what was wrong with them.
struct Reader {
    sources: Sources,
    problems: Vec<Problem>,
}

impl Reader {
    fn new(matches: &ArgMatches) -> Result<Self, Problem> {
        Ok(Self {
            sources: Sources::read(&SETTINGS, matches)?,
            problems: Vec::new(),
        })
    }

    /// Reads all before it gives up on any.
    fn read(&mut self) -> Option<Settings> {
        let profile = self.one("profile", choice);
        let only = self.many("only", site);
        let listen: Vec<SocketAddr> = self.many("listen", parsed);
        let ops_listen = self.one("ops-listen", parsed);
        let data = self.one("data", path);
        let demo_accounts = self.one("demo-accounts", parsed);
        let session_idle = self.one("session-idle", duration);
        let session_absolute = self.one("session-absolute", duration);
        let session_recheck = self.one("session-recheck", duration);
        let cookie_prefix = self.one("cookie-prefix", |text| match text {
            "__Host-" => Ok(Prefix::Host),
            "__Host-Http-" => Ok(Prefix::HostHttp),
            _ => Err("is neither `__Host-` nor `__Host-Http-`".to_owned()),
        });
        let tls = self.one("tls", parsed);
        let certificate = self.certificate(tls);
        let authority_ca = self.one("authority-ca", path);
        let trusted_proxies = self.many("trusted-proxy", |text| {
            parsed(text).map(|address: IpAddr| address.to_canonical())
        });
        let otlp_endpoint = self.one("otlp-endpoint", Endpoint::parse);
        // A mistyped filter must not silence the log.
        let log = self.one("log", |text| match EnvFilter::builder().parse(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(error) => Err(error.to_string()),
        });
        let log_format = self.one("log-format", choice);

        let port = listen.first().map_or(0, SocketAddr::port);
        let scheme = if tls == Some(true) { "https" } else { "http" };
        let defaults = Origins::with_scheme(scheme, "", port);
        let mut given_origins = Vec::new();
        for row in SITES {
            let key = row.origin_key();
            let default = defaults.as_ref().ok();
            let default = default.map(|all| all.of(row.id).to_string());
            self.sources.follow(&key, default);
            let origin = self.one(&key, |text| {
                Origin::parse(text).map_err(|error| error.to_string())
            });
            if self.sources.is_given(&key) {
                given_origins.extend(origin.map(|origin| (row.id, origin)));
            }
        }
        let mut secret_files = Vec::new();
        for row in sites::applications() {
            let key = sites::secret_key(row.id);
            let default = data.as_deref();
            let default = default.map(|data| data::secret_file(data, row.id.as_str()));
            let file = self.file(&key, default);
            secret_files.extend(file.map(|file| (row.id, file)));
        }
        let report_key_file = self.file("lab-key-file", data.as_deref().map(data::report_key_file));

        Some(Settings {
            profile: profile?,
            only: only.into_iter().collect(),
            listen,
            ops_listen: ops_listen?,
            data: data?,
            demo_accounts: demo_accounts?,
            session_idle: session_idle?,
            session_absolute: session_absolute?,
            session_recheck: session_recheck?,
            cookie_prefix: cookie_prefix?,
            tls: tls?.then_some(certificate),
            authority_ca,
            trusted_proxies,
            otlp_endpoint,
            log: log?,
            log_format: log_format?,
            given_origins,
            secret_files,
            report_key_file,
            sources: self.sources.clone(),
        })
    }

    fn certificate(&mut self, tls: Option<bool>) -> Certificate {
        let cert = self.one("tls-cert", path);
        let key = self.one("tls-key", path);
        match (cert, key) {
            (Some(cert), Some(key)) => {
                if tls == Some(false) {
                    self.refuse("tls-cert", "says nothing without --tls");
                }
                return Certificate::Files { cert, key };
            }
            (Some(_), None) => self.refuse("tls-cert", "goes with --tls-key, which is not given"),
            (None, Some(_)) => self.refuse("tls-key", "goes with --tls-cert, which is not given"),
            (None, None) => {}
        }
        Certificate::OwnMaking
    }

    /// The path of a file, by default this one.
    fn file(&mut self, key: &str, default: Option<PathBuf>) -> Option<PathBuf> {
        let default = default.map(|file| file.display().to_string());
        self.sources.follow(key, default);
        self.one(key, path)
    }

    /// The value of a setting that takes one, unless it is off or wrong.
    fn one<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        self.many(key, parse).into_iter().next()
    }

    fn many<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let chosen = self.sources.get(key);
        let values = chosen.into_iter().flat_map(|chosen| &chosen.values);
        match values.map(|value| parse(value)).collect() {
            Ok(values) => values,
            Err(why) => {
                self.refuse(key, &why);
                Vec::new()
            }
        }
    }

    fn refuse(&mut self, key: &str, why: &str) {
        let name = self.sources.name(key);
        self.problems.push(Problem(format!("{name}: {why}")));
    }
}

fn parsed<T: std::str::FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// The names of a closed choice.
fn names<T: ValueEnum>() -> Vec<String> {
    let values = T::value_variants().iter().filter_map(T::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect()
}

fn choice<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| match names::<T>().as_slice() {
        [one, other] => format!("is neither `{one}` nor `{other}`"),
        names => format!("{text} is none of {}", names.join(", ")),
    })
}

/// A site, by its id.
fn site(text: &str) -> Result<SiteId, String> {
    let ids: Vec<_> = sites::ids().map(SiteId::as_str).collect();
    let found = sites::ids().find(|id| id.as_str() == text);
    found.ok_or_else(|| format!("{text} is none of {}", ids.join(", ")))
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("names no file or folder".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// A time in whole seconds, longer than none.
fn duration(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).ok();
    time.and_then(|time| Duration::try_from(time).ok())
        .filter(|time| time.is_positive() && time.subsec_nanoseconds() == 0)
        .ok_or_else(|| "is no time such as 90s, 30m or 12h".to_owned())
}

#[cfg(test)]
mod tests;
