//! Replay of real exchange order flow against a gateway, the way an order management system would drive it.
//!
//! In reading order: [`lobster`] reads the file, [`oms`] turns its events into what an OMS sends, [`recount`] works out
//! from the same file what the gateway must hold at the end, [`table`] shows what happened, [`sample`] is the small
//! generated file that the binary carries. [`drive`] speaks to the gateway, in the [`message`]s of its contract; nothing else here
//! knows of a connection, and nothing here knows a limit or a rule.

pub mod drive;
pub mod lobster;
pub mod message;
pub mod oms;
pub mod recount;
pub mod sample;
pub mod table;

use std::fmt;
use std::path::PathBuf;

/// What is replayed. It is read more than once: to check it, to play it, to recount it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A LOBSTER message file, packed or not. A regular file: a pipe cannot be read again.
    File(PathBuf),
    /// The generated sample that the binary carries.
    Sample,
}

impl Source {
    /// Its events, from the start.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn events(&self) -> Result<lobster::FileReader, lobster::Error> {
        match self {
            Self::File(path) => lobster::open(path),
            Self::Sample => Ok(lobster::Reader::new(Box::new(sample::TEXT.as_bytes()))),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Sample => f.write_str("the built-in sample"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;

    #[test]
    fn the_sample_reads_the_same_from_disk_and_from_the_binary() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/benches/data/sample.lobster.csv"
        );
        let file = Source::File(path.into());
        assert_eq!(file.to_string(), path);
        assert_eq!(Source::Sample.to_string(), "the built-in sample");
        let read = |source: &Source| {
            let events = source.events().unwrap();
            events.collect::<Result<Vec<_>, _>>().unwrap()
        };
        assert_eq!(read(&file), read(&Source::Sample));
    }
}
