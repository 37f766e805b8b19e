//! The layers of a configuration and how they merge: built-in values, files, environment, flags. Later ones win, key by key.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use ::config::builder::DefaultState;
use ::config::{
    Config, ConfigBuilder, Environment, File, FileFormat, Map, Source, Value, ValueKind,
};

use super::node::Node;
use super::problem::{Problem, Problems};

/// Values of the process settings where nobody says otherwise.
const BASE: &str = include_str!("base.toml");
/// The sample firm that stands in where no file is given.
pub const DEFAULT: &str = include_str!("default.toml");
/// The firm that a replay of one stock's order flow runs against.
pub const REPLAY: &str = include_str!("replay.toml");

/// Environment variables that are ours begin with this.
const PREFIX: &str = "BULKHEAD__";
/// Those that may be set begin with this.
const PROCESS_PREFIX: &str = "BULKHEAD__SERVER__";

/// Where a configuration comes from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// A file, or a folder whose `*.toml` files are merged in order of their names.
    pub path: Option<PathBuf>,
    /// The document used where there is no path: [`DEFAULT`] or [`REPLAY`].
    pub embedded: &'static str,
    /// Environment variables; those without our prefix are ignored.
    pub environment: Vec<(String, String)>,
    /// Keys with values, as flags say them: `("server.listen", "127.0.0.1:0")`.
    pub overrides: Vec<(String, String)>,
}

impl Default for Sources {
    /// The sample firm and nothing else.
    fn default() -> Self {
        Self {
            path: None,
            embedded: DEFAULT,
            environment: Vec::new(),
            overrides: Vec::new(),
        }
    }
}

impl Sources {
    /// What this process was started with. Variables that are not text are left out.
    #[must_use]
    pub fn of_process(path: Option<PathBuf>, overrides: Vec<(String, String)>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            path,
            environment,
            overrides,
            ..Self::default()
        }
    }

    /// The merged document; what cannot be read is told and left out.
    pub(super) fn merge(&self, problems: &Problems) -> Node {
        let mut builder = Config::builder().add_source(text(BASE));
        builder = match &self.path {
            None => builder.add_source(text(self.embedded)),
            Some(path) => files(path, problems)
                .iter()
                .fold(builder, |builder, file| add_file(builder, file, problems)),
        };
        builder = builder.add_source(environment(&self.environment, problems));
        build(overridden(builder, &self.overrides, problems), problems)
    }
}

/// The built-in values with one document over them.
pub(super) fn merge_text(document: &str, problems: &Problems) -> Node {
    let mut builder = Config::builder().add_source(text(BASE));
    let source = text(document);
    if let Err(error) = source.collect() {
        problems.push(unreadable("the document", &error));
    } else {
        builder = builder.add_source(source);
    }
    build(builder, problems)
}

fn text(document: &str) -> File<::config::FileSourceString, FileFormat> {
    File::from_str(document, FileFormat::Toml)
}

fn build(builder: ConfigBuilder<DefaultState>, problems: &Problems) -> Node {
    match builder.build() {
        Ok(config) => Node::new(String::new(), config.cache),
        Err(error) => {
            problems.push(unreadable("the configuration", &error));
            Node::absent(String::new())
        }
    }
}

fn unreadable(key: &str, why: &dyn core::fmt::Display) -> Problem {
    Problem {
        key: key.to_owned(),
        value: Some("unreadable".to_owned()),
        expected: format!("TOML, but {}", why.to_string().trim_end()),
        origin: None,
    }
}

/// The file itself, or the `*.toml` files of a folder by name; hidden ones are left out.
fn files(path: &Path, problems: &Problems) -> Vec<PathBuf> {
    let refuse = |value: &str, expected: &str| {
        problems.push(Problem {
            key: path.display().to_string(),
            value: Some(value.to_owned()),
            expected: expected.to_owned(),
            origin: None,
        });
    };
    if !path.is_dir() {
        if path.is_file() {
            return vec![path.to_owned()];
        }
        refuse("not found", "a file, or a folder with files named *.toml");
        return Vec::new();
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            refuse("unreadable", &format!("a readable folder, but {error}"));
            return Vec::new();
        }
    };
    let is_document = |file: &PathBuf| {
        let hidden = file
            .file_name()
            .is_none_or(|name| name.to_string_lossy().starts_with('.'));
        !hidden && file.extension().is_some_and(|kind| kind == "toml") && file.is_file()
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_document)
        .collect();
    files.sort_unstable();
    if files.is_empty() {
        refuse("empty", "a folder with at least one file named *.toml");
    }
    files
}

/// Adds a file, unless it cannot be read: then the others still are, so that all problems are told at once.
fn add_file(
    builder: ConfigBuilder<DefaultState>,
    path: &Path,
    problems: &Problems,
) -> ConfigBuilder<DefaultState> {
    let name = path.display().to_string();
    match read_file(path, &name) {
        Ok(values) if keys_are_plain(&values, &name, problems) => {
            builder.add_source(Document(values))
        }
        Ok(_) => builder,
        Err(why) => {
            problems.push(unreadable(&name, &why));
            builder
        }
    }
}

/// The values of one file, each stamped with the file's name as the user wrote it.
fn read_file(path: &Path, name: &str) -> Result<Map<String, Value>, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let document = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    match text(&document).collect() {
        Ok(values) => Ok(stamp(values, &name.to_owned())),
        Err(::config::ConfigError::FileParse { cause, .. }) => Err(cause.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn stamp(values: Map<String, Value>, origin: &String) -> Map<String, Value> {
    values
        .into_iter()
        .map(|(key, value)| (key, stamped(value, origin)))
        .collect()
}

fn stamped(value: Value, origin: &String) -> Value {
    let kind = if let ValueKind::Table(values) = value.kind {
        ValueKind::Table(stamp(values, origin))
    } else if let ValueKind::Array(values) = value.kind {
        let values = values.into_iter();
        ValueKind::Array(values.map(|value| stamped(value, origin)).collect())
    } else {
        value.kind
    };
    Value::new(Some(origin), kind)
}

/// A document that is read already.
#[derive(Clone, Debug)]
struct Document(Map<String, Value>);

impl Source for Document {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// Whether no key at the top could be taken for a path into the document, which is how the merge would read it.
fn keys_are_plain(values: &Map<String, Value>, origin: &str, problems: &Problems) -> bool {
    let mut plain = true;
    for key in values.keys() {
        if !key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            plain = false;
            problems.push(Problem {
                key: format!("{key:?}"),
                value: Some("a key at the top".to_owned()),
                expected: "only keys of a-z and _ at the top".to_owned(),
                origin: Some(origin.to_owned()),
            });
        }
    }
    plain
}

/// The process settings among the variables. Names lose their case on the way, so that limits, whose keys are names, cannot come from here.
fn environment(variables: &[(String, String)], problems: &Problems) -> Environment {
    let plain = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut ours = HashMap::new();
    for (name, value) in variables {
        let upper = name.to_ascii_uppercase();
        if upper.starts_with(PROCESS_PREFIX) && plain(name) {
            ours.insert(name.clone(), value.clone());
        } else if upper.starts_with(PREFIX) {
            problems.push(Problem {
                key: name.clone(),
                value: Some(format!("{value:?}")),
                expected: format!(
                    "only process settings, {PROCESS_PREFIX}…: everything else belongs in a file"
                ),
                origin: Some("the environment".to_owned()),
            });
        }
    }
    Environment::with_prefix("BULKHEAD")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .source(Some(ours))
}

fn overridden(
    mut builder: ConfigBuilder<DefaultState>,
    overrides: &[(String, String)],
    problems: &Problems,
) -> ConfigBuilder<DefaultState> {
    let origin = "the command line".to_owned();
    for (key, text) in overrides {
        let kind = if let Ok(flag) = text.parse() {
            ValueKind::Boolean(flag)
        } else if let Ok(number) = text.parse() {
            ValueKind::I64(number)
        } else {
            ValueKind::String(text.clone())
        };
        match builder
            .clone()
            .set_override(key, Value::new(Some(&origin), kind))
        {
            Ok(next) => builder = next,
            Err(error) => problems.push(unreadable(key, &error)),
        }
    }
    builder
}
