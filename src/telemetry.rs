//! Where log lines go and what they look like.

use std::env::{self, VarError};
use std::io::{self, IsTerminal as _};

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{LogFormat, LogSettings};

/// The variable whose filter goes before the level that is set, such as `info,bulkhead::server=debug`.
pub const VARIABLE: &str = "RUST_LOG";

/// Why logs cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The variable holds no filter.
    #[error(
        "{VARIABLE}={value:?} is not a log filter; a level such as \"info\", or \"info,bulkhead=debug\", is"
    )]
    Filter {
        /// What it holds.
        value: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Logs are set up already.
    #[error("logs are set up already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends log lines to standard error, for the whole process. What answers commands goes to standard output.
///
/// # Errors
/// The variable holds no filter, or this was done before.
pub fn init(settings: LogSettings) -> Result<(), Error> {
    let variable = match env::var(VARIABLE) {
        Ok(value) => Some(value),
        Err(VarError::NotUnicode(value)) => Some(value.to_string_lossy().into_owned()),
        Err(VarError::NotPresent) => None,
    };
    let filter = filter(variable, settings.level)?;
    match settings.format {
        LogFormat::Human => human(filter, io::stderr, io::stderr().is_terminal()).try_init()?,
        LogFormat::Json => json(filter, io::stderr).try_init()?,
    }
    Ok(())
}

/// As the variable says; else `level` of our own lines, and of the libraries' no more than INFO.
fn filter(variable: Option<String>, level: Level) -> Result<EnvFilter, Error> {
    let value = variable
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| format!("{},bulkhead={level}", level.min(Level::INFO)));
    EnvFilter::builder()
        .parse(&value)
        .map_err(|source| Error::Filter { value, source })
}

fn human<W>(filter: EnvFilter, writer: W, colours: bool) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(writer)
        .finish()
}

fn json<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .json()
        .flatten_event(true)
        .with_writer(writer)
        .finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines_of(filter: EnvFilter) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        with_default(human(filter, move || writer.clone(), false), || {
            tracing::info!(target: "bulkhead::server", "ours info");
            tracing::debug!(target: "bulkhead::server", "ours debug");
            tracing::warn!(target: "h2", "theirs warn");
            tracing::debug!(target: "h2", "theirs debug");
        });
        lines.text()
    }

    #[test]
    fn the_level_is_that_of_our_own_lines() {
        for (level, expected) in [
            (Level::WARN, [false, false, true, false]),
            (Level::INFO, [true, false, true, false]),
            (Level::DEBUG, [true, true, true, false]),
        ] {
            let text = lines_of(filter(None, level).unwrap());
            let written = ["ours info", "ours debug", "theirs warn", "theirs debug"]
                .map(|line| text.contains(line));
            assert_eq!(written, expected, "{level}");
        }
    }

    #[test]
    fn the_variable_goes_before_the_level() {
        let chosen = filter(Some("off,h2=debug".to_owned()), Level::INFO).unwrap();
        let text = lines_of(chosen);
        assert!(text.contains("theirs debug") && !text.contains("ours"));
    }

    #[test]
    fn a_variable_that_is_no_filter_is_an_error_that_shows_it() {
        let error = filter(Some("bulkhead=loud".to_owned()), Level::INFO).unwrap_err();
        assert!(error.to_string().contains("bulkhead=loud"));
    }

    #[test]
    fn json_lines_are_objects() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = json(filter(None, Level::INFO).unwrap(), move || writer.clone());
        with_default(subscriber, || {
            tracing::info!(target: "bulkhead", port = 7, "listening");
        });
        let line: serde_json::Value = serde_json::from_str(&lines.text()).unwrap();
        assert_eq!(
            (line.get("message"), line.get("port")),
            (Some(&"listening".into()), Some(&7.into()))
        );
    }
}
