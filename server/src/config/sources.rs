//! Where a value comes from: the command line, then the environment, then the file, then the default.
//!
//! clap reads the first two. This file knows how a setting is named in each source, and nothing of
//! what settings there are.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, ArgMatches, parser::ValueSource, value_parser};
use handoff::token::ClientSecret;

/// A row of the table of settings.
#[derive(Debug)]
pub struct Setting {
    /// The flag without its dashes, and the key in the file.
    pub key: String,
    /// The name in the environment: `HANDOFF_LAB_KEY`.
    pub variable: String,
    /// The word for a value in the help.
    pub value: &'static str,
    /// How many values it takes.
    pub shape: Shape,
    /// What holds when no source has the setting.
    pub default: Default,
    /// What it does, for the help.
    pub help: String,
    /// Why the default is what it is, and what the setting is for.
    pub why: String,
}

/// How many values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One.
    One,
    /// Any number: given more than once, or as a list with commas.
    Many,
    /// `true` or `false`; the flag alone means `true`.
    Switch,
}

/// What holds when no source has a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    /// This value, or a list with commas.
    Value(String),
    /// A value that follows from other settings; the text says how.
    Follows(String),
    /// Nothing: the setting is off.
    Nothing,
}

impl Setting {
    /// A setting with one value. It is off by default.
    #[must_use]
    pub fn one(key: impl Into<String>, value: &'static str) -> Self {
        let key = key.into();
        Self {
            variable: format!("HANDOFF_LAB_{}", key.to_uppercase().replace('-', "_")),
            key,
            value,
            shape: Shape::One,
            default: Default::Nothing,
            help: String::new(),
            why: String::new(),
        }
    }

    /// A setting with any number of values.
    #[must_use]
    pub fn many(key: impl Into<String>, value: &'static str) -> Self {
        Self {
            shape: Shape::Many,
            ..Self::one(key, value)
        }
    }

    /// A setting that is on or off.
    #[must_use]
    pub fn switch(key: impl Into<String>, default: bool) -> Self {
        let switch = Self {
            shape: Shape::Switch,
            ..Self::one(key, "BOOL")
        };
        switch.default(default)
    }

    /// With this default.
    #[must_use]
    pub fn default(mut self, value: impl ToString) -> Self {
        self.default = Default::Value(value.to_string());
        self
    }

    /// With a default that follows from other settings in this way.
    #[must_use]
    pub fn follows(mut self, how: impl Into<String>) -> Self {
        self.default = Default::Follows(how.into());
        self
    }

    /// With this text for the help: what it does, and why the default is what it is.
    #[must_use]
    pub fn help(mut self, what: impl Into<String>, why: impl Into<String>) -> Self {
        (self.help, self.why) = (what.into(), why.into());
        self
    }

    /// The flag and the variable, as clap knows them. clap takes any value: it stops at the first bad
    /// one and repeats it, also when it is a secret.
    #[must_use]
    pub fn arg(&'static self) -> Arg {
        let arg = Arg::new(self.key.as_str())
            .long(self.key.as_str())
            .env(self.variable.as_str())
            .hide_env_values(true)
            .value_name(self.value)
            .value_parser(value_parser!(OsString));
        let arg = match self.shape {
            Shape::One => arg.action(ArgAction::Set),
            Shape::Many => arg.action(ArgAction::Append),
            Shape::Switch => arg
                .action(ArgAction::Set)
                .num_args(0..=1)
                .default_missing_value("true"),
        };
        let mut help = self.help.clone();
        let arg = match &self.default {
            Default::Value(value) => arg.default_value(value.as_str()),
            Default::Follows(how) => {
                help.push_str(&format!(" [default: {how}]"));
                arg
            }
            Default::Nothing => arg,
        };
        arg.long_help(format!("{help}\n{}", self.why)).help(help)
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// This variable of the environment.
    Variable(&'static str),
    /// This file.
    File(PathBuf),
    /// No source has the setting.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("from the command line"),
            Self::Variable(name) => write!(f, "from the variable {name}"),
            Self::File(path) => write!(f, "from the file {}", path.display()),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A setting's values, as text, and where they came from.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The setting.
    pub setting: &'static Setting,
    /// The values.
    pub values: Vec<String>,
    /// Where they came from.
    pub source: Source,
}

impl fmt::Display for Chosen {
    /// What a message about the setting begins with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}", self.setting.key)?;
        if !self.values.is_empty() {
            write!(f, " {}", self.values.join(","))?;
        }
        write!(f, " ({})", self.source)
    }
}

impl Chosen {
    /// As a line of a file that could be read back; a comment when the setting is off.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            setting,
            values,
            source,
        } = self;
        let key = &setting.key;
        let value = match (setting.shape, values.as_slice()) {
            (Shape::Switch, [value]) => value.clone(),
            (Shape::One, [value]) => toml::Value::from(value.as_str()).to_string(),
            (Shape::Many, []) if *source != Source::Default => "[]".to_owned(),
            (_, []) => return format!("# {key} is off"),
            (_, values) => toml::Value::from(values.to_vec()).to_string(),
        };
        let line = format!("{key} = {value}");
        match (source, &setting.default) {
            (Source::Default, Default::Follows(how)) => format!("{line:<56} # {source}: {how}"),
            _ => format!("{line:<56} # {source}"),
        }
    }
}

/// Something about the settings that must be put right first. One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

/// The settings as text, in the table's order.
#[derive(Clone, Debug)]
pub struct Sources(Vec<Chosen>);

impl Sources {
    /// Chooses the values of these settings from what clap read and from the file that it was given.
    /// A command may have the flags of some settings only.
    ///
    /// # Errors
    /// [`Problem`] for a file that cannot be read, a key that no setting has, a value that is not
    /// UTF-8, or a value that is a secret.
    pub fn read(settings: &'static [Setting], matches: &ArgMatches) -> Result<Self, Problem> {
        let path = matches.get_one::<OsString>(CONFIG).map(PathBuf::from);
        let mut file = match &path {
            Some(path) => from_file(settings, path)?,
            None => Vec::new(),
        };
        let mut all = Vec::new();
        for setting in settings {
            let id = setting.key.as_str();
            let given = matches.try_contains_id(id).is_ok();
            let source = given.then(|| matches.value_source(id)).flatten();
            let source = match source {
                Some(ValueSource::CommandLine) => Source::Flag,
                Some(ValueSource::EnvVariable) => Source::Variable(&setting.variable),
                _ => Source::Default,
            };
            let in_file = file.iter().position(|(known, _)| known.key == setting.key);
            let in_file = in_file.map(|at| file.swap_remove(at).1);
            let (values, source) = match (source, in_file, &path) {
                (Source::Default, Some(values), Some(path)) => (values, Source::File(path.clone())),
                (Source::Default, ..) => match &setting.default {
                    Default::Value(value) => (setting.split(value), Source::Default),
                    Default::Follows(_) | Default::Nothing => (Vec::new(), Source::Default),
                },
                (source, ..) => {
                    let raw = matches.get_raw(id).into_iter().flatten();
                    let values: Option<Vec<&str>> = raw.map(|value| value.to_str()).collect();
                    let values = values.ok_or_else(|| {
                        Problem(format!("--{id} ({source}): the value is no text"))
                    })?;
                    let values = values.into_iter().flat_map(|text| setting.split(text));
                    (values.collect(), source)
                }
            };
            // A path that is a secret is a secret in the wrong place; it must not be repeated.
            if values
                .iter()
                .any(|value| ClientSecret::parse(value).is_ok())
            {
                return Err(Problem(format!(
                    "--{id} ({source}): this is a secret; write it to a file that only you can read, and name the file"
                )));
            }
            all.push(Chosen {
                setting,
                values,
                source,
            });
        }
        Ok(Self(all))
    }

    /// The settings, in the table's order.
    pub fn iter(&self) -> impl Iterator<Item = &Chosen> {
        self.0.iter()
    }

    /// What was chosen for a setting.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Chosen> {
        self.iter().find(|chosen| chosen.setting.key == key)
    }

    /// What a message about the setting begins with: its name, its values and where they came from.
    #[must_use]
    pub fn name(&self, key: &str) -> String {
        let chosen = self.get(key);
        chosen.map_or_else(|| format!("--{key}"), ToString::to_string)
    }

    /// Whether any source has the setting.
    #[must_use]
    pub fn is_given(&self, key: &str) -> bool {
        let chosen = self.get(key);
        chosen.is_some_and(|chosen| chosen.source != Source::Default)
    }

    /// Gives a setting that no source has the default that follows from others.
    pub fn follow(&mut self, key: &str, value: Option<String>) {
        let chosen = self
            .0
            .iter_mut()
            .find(|chosen| chosen.setting.key == key && chosen.source == Source::Default);
        if let Some(chosen) = chosen {
            chosen.values = value.into_iter().collect();
        }
    }
}

/// The flag that names the file.
pub const CONFIG: &str = "config";

/// The flag that names the file, and its variable, as clap knows them.
#[must_use]
pub fn config_arg() -> Arg {
    Arg::new(CONFIG)
        .long(CONFIG)
        .env("HANDOFF_LAB_CONFIG")
        .hide_env_values(true)
        .value_name("FILE")
        .value_parser(value_parser!(OsString))
        .help("Read settings from this TOML file; a flag or a variable goes before what it says")
}

impl Setting {
    /// The values in one text.
    fn split(&self, text: &str) -> Vec<String> {
        match self.shape {
            Shape::One | Shape::Switch => vec![text.to_owned()],
            Shape::Many => {
                let values = text.split(',').map(str::trim);
                let values = values.filter(|value| !value.is_empty());
                values.map(str::to_owned).collect()
            }
        }
    }

    /// The values in a value of the file.
    fn values_of(&self, value: toml::Value) -> Result<Vec<String>, &'static str> {
        use toml::Value;
        match (self.shape, value) {
            (Shape::One | Shape::Many, Value::String(text)) => Ok(self.split(&text)),
            (Shape::Many, Value::Array(values)) => {
                let texts = values
                    .into_iter()
                    .map(|value| value.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().ok_or(LIST)
            }
            (Shape::Switch, Value::Boolean(on)) => Ok(vec![on.to_string()]),
            (Shape::One, _) => Err("must be a text in quotes"),
            (Shape::Many, _) => Err(LIST),
            (Shape::Switch, _) => Err("must be true or false"),
        }
    }
}

const LIST: &str = "must be a list of texts, as in [\"a\", \"b\"]";

type FromFile = Vec<(&'static Setting, Vec<String>)>;

fn from_file(settings: &'static [Setting], path: &Path) -> Result<FromFile, Problem> {
    let problem = |why: String| Problem(format!("--config {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        // The parser's own text draws the line over several of ours, and shows what stands there.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        let why = error.message().replace('\n', " ");
        problem(format!("line {line}: {why}"))
    })?;
    let known = table.into_iter().map(|(key, value)| {
        let setting = settings.iter().find(|setting| setting.key == key);
        let setting = setting.ok_or_else(|| problem(format!("no setting is called {key}")))?;
        let values = setting.values_of(value);
        let values = values.map_err(|why| problem(format!("{key}: {why}")))?;
        Ok((setting, values))
    });
    known.collect()
}
