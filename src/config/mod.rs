//! Configuration: built-in values, files, environment and flags in, checked settings out.
//!
//! Everything is read and checked before anything starts, and all that is wrong is told at once, each point with key path, value
//! and what is allowed. Documents are read by hand rather than derived, because a derived reader stops at the first error.

pub mod describe;
mod engine;
mod firm;
mod instruments;
mod layers;
mod limits;
mod names;
mod node;
mod problem;
mod read;
mod routes;
mod server;
#[cfg(test)]
mod tests;

use crate::domain::instrument::Instrument;
use crate::engine::setup::{BucketSetup, EngineSetup, GroupSetup};

pub use layers::{DEFAULT, REPLAY, Sources};
pub use problem::{Error, Problem};
pub use server::{LogFormat, LogSettings, Runtime, ServerSettings};

use names::Names;
use problem::Problems;
use read::Cursor;

/// Everything the process runs on, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sockets, threads, logs.
    pub server: ServerSettings,
    /// Figures of the engine, clients, currency conversions.
    pub engine: EngineSetup,
    /// Desks and firms.
    pub groups: Vec<GroupSetup>,
    /// Buckets, their limits with profiles already merged in.
    pub buckets: Vec<BucketSetup>,
    /// Reference data.
    pub instruments: Vec<Instrument>,
}

impl Settings {
    /// Reads and checks all layers.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(sources: &Sources) -> Result<Self, Error> {
        let problems = Problems::default();
        let document = sources.merge(&problems);
        let settings = settings(Cursor::new(&document, &problems));
        problems.or(settings)
    }

    /// Reads and checks one document over the built-in values: no other file, no environment, no flags.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(document: &str) -> Result<Self, Error> {
        let problems = Problems::default();
        let document = layers::merge_text(document, &problems);
        let settings = settings(Cursor::new(&document, &problems));
        problems.or(settings)
    }
}

/// Reads the whole document. The parts are all read before the first `?`, so that each tells its problems.
fn settings(document: Cursor<'_>) -> Option<Settings> {
    let names = Names::of(document);
    let mut section = document.section()?;
    let server = section.required("server", "a table", server::read);
    let calendars = firm::calendars(section.named("calendars"));
    let instruments = instruments::read_all(section.named("instruments"), &names);
    let groups = firm::groups(section.named("groups"), &names, &calendars);
    let venues = firm::venues(section.named("venues"), &names, &calendars);
    let counterparties = firm::counterparties(section.named("counterparties"), &names, &calendars);
    let profiles = firm::profiles(section.named("profiles"), &names);
    let below = firm::Surroundings {
        names: &names,
        groups: &groups,
        profiles: &profiles,
        calendars: &calendars,
    };
    let buckets = firm::buckets(section.named("buckets"), &below);
    let absent = engine::absent();
    let engine = section
        .take("engine")
        .unwrap_or(Cursor::new(&absent, document.problems));
    let firm = engine::Firm {
        names: &names,
        groups: &groups,
        buckets: &buckets,
    };
    let engine = engine::read(engine, section.named("clients"), &firm);
    section.close();
    routes::check(document, &buckets);
    firm::check_currencies(document, &buckets, &venues, &counterparties);
    let engine = engine.map(|engine| EngineSetup {
        venues,
        counterparties,
        ..engine
    });
    Some(Settings {
        server: server?,
        engine: engine?,
        groups,
        buckets,
        instruments,
    })
}
