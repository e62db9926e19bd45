//! Where a value comes from: the command line, then the environment, then the file, then the default.
//!
//! It knows how a setting is named in each of them, and nothing of what settings there are.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, ArgMatches};
use handoff::token::ClientSecret;
use time::Duration;

/// A setting, as the table in [`super`] has it.
#[derive(Debug)]
pub struct Setting {
    /// Its name: `--key` on the command line, `HANDOFF_LAB_KEY` in the environment, `key` in the file.
    pub key: &'static str,
    /// What stands for a value in the help.
    pub value: &'static str,
    /// How many values it takes.
    pub shape: Shape,
    /// What holds when nobody says anything.
    pub default: Default,
    /// What it does, for the help.
    pub help: &'static str,
    /// Why the default is what it is, and what the setting is for.
    pub why: &'static str,
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

/// What holds when nobody says anything.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// These values.
    Values(&'static [&'static str]),
    /// This long.
    Time(Duration),
    /// A value that follows from other settings; the text says how.
    Follows(&'static str),
    /// Nothing: the setting is off.
    Nothing,
}

impl Default {
    /// The values, as somebody would write them; none when they follow from other settings.
    #[must_use]
    pub fn values(self) -> Vec<String> {
        match self {
            Self::Values(values) => values.iter().map(|&value| value.to_owned()).collect(),
            Self::Time(time) => {
                let seconds = time.whole_seconds();
                let (number, unit) = match seconds {
                    _ if seconds % 3_600 == 0 => (seconds / 3_600, 'h'),
                    _ if seconds % 60 == 0 => (seconds / 60, 'm'),
                    _ => (seconds, 's'),
                };
                vec![format!("{number}{unit}")]
            }
            Self::Follows(_) | Self::Nothing => Vec::new(),
        }
    }
}

impl Setting {
    /// The name of its variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("HANDOFF_LAB_{}", self.key.to_uppercase().replace('-', "_"))
    }

    /// The flag, as clap knows it. clap checks no value: it could not say where one came from.
    #[must_use]
    pub fn flag(&self) -> Arg {
        let default = match self.default {
            Default::Follows(how) => format!(" [default: {how}]"),
            Default::Nothing => String::new(),
            stated => format!(" [default: {}]", stated.values().join(",")),
        };
        let help = format!("{}{default} [env: {}]", self.help, self.variable());
        let flag = Arg::new(self.key)
            .long(self.key)
            .value_name(self.value)
            .long_help(format!("{help}\n{}", self.why))
            .help(help);
        match self.shape {
            Shape::One => flag.action(ArgAction::Set),
            Shape::Many => flag.action(ArgAction::Append).value_delimiter(','),
            Shape::Switch => flag
                .action(ArgAction::Set)
                .num_args(0..=1)
                .default_missing_value("true"),
        }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// The environment.
    Variable(String),
    /// This file.
    File(PathBuf),
    /// Nobody said anything.
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

/// A setting's value, as text, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The setting's name.
    pub key: &'static str,
    /// How many values it takes.
    pub shape: Shape,
    /// The values.
    pub values: Vec<String>,
    /// Where they came from.
    pub source: Source,
}

impl Chosen {
    /// What a message about this setting begins with: its name, its value and where that came from.
    #[must_use]
    pub fn name(&self) -> String {
        let values = self.values.join(",");
        let space = if values.is_empty() { "" } else { " " };
        format!("--{}{space}{values} ({})", self.key, self.source)
    }
}

/// Something about the settings that must be put right first. One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

/// All that was given, by setting.
#[derive(Debug)]
pub struct Layers(BTreeMap<&'static str, Chosen>);

impl Layers {
    /// Reads the three sources of these settings. `variable` reads the environment.
    ///
    /// # Errors
    /// [`Problem`] for a file or a variable that cannot be read, or a key that no setting has.
    pub fn read(
        settings: &'static [Setting],
        flags: &ArgMatches,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Problem> {
        let mut layers = BTreeMap::new();
        let mut add = |setting: &'static Setting, values: Vec<String>, source: Source| {
            let key = setting.key;
            let chosen = Chosen {
                key,
                shape: setting.shape,
                values,
                source,
            };
            // A path that is a secret is a secret in the wrong place; it must not be repeated.
            if chosen
                .values
                .iter()
                .any(|value| ClientSecret::parse(value).is_ok())
            {
                return Err(Problem(format!(
                    "--{key} ({}): this is a secret; write it to a file that only you can read, and name the file",
                    chosen.source
                )));
            }
            layers.insert(key, chosen);
            Ok(())
        };
        let file = match flags.get_one::<String>(CONFIG) {
            Some(file) => Some(PathBuf::from(file)),
            None => variable(CONFIG_VARIABLE).map(PathBuf::from),
        };
        if let Some(path) = file {
            for (setting, values) in from_file(settings, &path)? {
                add(setting, values, Source::File(path.clone()))?;
            }
        }
        for setting in settings {
            let name = setting.variable();
            if let Some(value) = variable(&name) {
                let value = value
                    .into_string()
                    .map_err(|_| Problem(format!("the variable {name}: the value is no text")))?;
                let values = match setting.shape {
                    Shape::Many => split(&value),
                    Shape::One | Shape::Switch => vec![value],
                };
                add(setting, values, Source::Variable(name))?;
            }
        }
        for setting in settings {
            // A command may have the flags of some settings only.
            let given = flags.try_get_many::<String>(setting.key);
            if let Some(values) = given.ok().flatten() {
                add(setting, values.cloned().collect(), Source::Flag)?;
            }
        }
        Ok(Self(layers))
    }

    /// What was given for a setting.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Chosen> {
        self.0.get(key)
    }
}

/// The flag that names the file.
pub const CONFIG: &str = "config";
/// Its variable.
pub const CONFIG_VARIABLE: &str = "HANDOFF_LAB_CONFIG";

/// The flag that names the file, as clap knows it.
#[must_use]
pub fn config_flag() -> Arg {
    Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .help(format!(
            "Read settings from this TOML file; a flag or a variable goes before what it says [env: {CONFIG_VARIABLE}]"
        ))
}

fn split(text: &str) -> Vec<String> {
    text.split(',')
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .collect()
}

type FromFile = Vec<(&'static Setting, Vec<String>)>;

fn from_file(settings: &'static [Setting], path: &Path) -> Result<FromFile, Problem> {
    let problem = |why: String| Problem(format!("--config {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        // The parser's own text draws the line over several of ours, and shows what stands there.
        let line = error.span().map_or(1, |span| {
            text.get(..span.start)
                .unwrap_or_default()
                .matches('\n')
                .count()
                + 1
        });
        problem(format!(
            "line {line}: {}",
            error.message().replace('\n', " ")
        ))
    })?;
    table
        .into_iter()
        .map(|(key, value)| {
            let Some(setting) = settings.iter().find(|setting| setting.key == key) else {
                return Err(problem(format!("no setting is called {key}")));
            };
            let values = texts(setting.shape, value)
                .ok_or_else(|| problem(format!("{key}: {}", expected(setting.shape))))?;
            Ok((setting, values))
        })
        .collect()
}

fn texts(shape: Shape, value: toml::Value) -> Option<Vec<String>> {
    use toml::Value;
    match (shape, value) {
        (Shape::One, Value::String(text)) => Some(vec![text]),
        (Shape::Many, Value::String(text)) => Some(split(&text)),
        (Shape::Many, Value::Array(values)) => values
            .into_iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect(),
        (Shape::Switch, Value::Boolean(on)) => Some(vec![on.to_string()]),
        _ => None,
    }
}

const fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::One => "must be a text in quotes",
        Shape::Many => "must be a list of texts, as in [\"a\", \"b\"]",
        Shape::Switch => "must be true or false",
    }
}
