//! Settings of the process: sockets, threads, logs.

use core::net::SocketAddr;
use core::time::Duration;
use std::thread;

use super::read::Cursor;
use crate::domain::time::SECOND;

/// Most worker threads.
const WORKERS_MAX: usize = 1024;
/// Smallest and largest message that may be accepted, bytes.
const MESSAGE_BYTES: core::ops::RangeInclusive<usize> = 1_024..=67_108_864;
/// Fewest and most streams that one connection may have open.
const STREAMS: core::ops::RangeInclusive<u32> = 1..=65_536;
/// Longest drain, nanoseconds.
const DRAIN_MAX: u64 = 3_600 * SECOND;

/// How requests are spread over threads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Runtime {
    /// One single-threaded runtime per worker; a connection stays where it was accepted.
    PerCore,
    /// One runtime of many threads; work moves between them.
    MultiThread,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Human,
    /// One JSON object per line.
    Json,
}

/// Logs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogSettings {
    /// Shape of a line.
    pub format: LogFormat,
    /// Least severe level that is written.
    pub level: tracing::Level,
}

/// Settings of the process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerSettings {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Worker threads.
    pub workers: usize,
    /// How they share the work.
    pub runtime: Runtime,
    /// Whether the reflection service answers.
    pub reflection: bool,
    /// Largest message accepted, bytes.
    pub max_message_bytes: usize,
    /// Streams that one connection may have open at once: calls in flight and sessions.
    pub max_streams: u32,
    /// How long open streams and calls may go on after the signal to stop.
    pub drain_grace: Duration,
    /// Logs.
    pub log: LogSettings,
}

/// Reads the table `server`; the built-in layer holds a value for every key that has one.
pub(super) fn read(cursor: Cursor<'_>) -> Option<ServerSettings> {
    let mut section = cursor.section()?;
    let listen = section.required("listen", LISTEN, |cursor| {
        cursor.parsed(LISTEN, |text| text.parse().ok())
    });
    let cores = thread::available_parallelism().map_or(1, core::num::NonZero::get);
    let workers = section.optional("workers", |cursor| cursor.count(1..=WORKERS_MAX));
    let runtime = section.required("runtime", "per_core or multi_thread", |cursor| {
        cursor.word(&[
            ("per_core", Runtime::PerCore),
            ("multi_thread", Runtime::MultiThread),
        ])
    });
    let reflection = section.required("reflection", "true or false", Cursor::flag);
    let max_message_bytes = section.required("max_message_bytes", "a whole number", |cursor| {
        cursor.count(MESSAGE_BYTES)
    });
    let max_streams = section.required("max_streams", "a whole number", |cursor| {
        cursor.count(STREAMS)
    });
    let drain_grace = section.required("drain_grace", "a duration", |cursor| {
        cursor.length(0..=DRAIN_MAX).map(Duration::from_nanos)
    });
    let log = section.required("log", "a table", log);
    section.close();
    Some(ServerSettings {
        listen: listen?,
        workers: workers.unwrap_or(cores.min(WORKERS_MAX)),
        runtime: runtime?,
        reflection: reflection?,
        max_message_bytes: max_message_bytes?,
        max_streams: max_streams?,
        drain_grace: drain_grace?,
        log: log?,
    })
}

const LISTEN: &str = "an address with a port such as \"127.0.0.1:50051\" or \"[::1]:50051\"";

fn log(cursor: Cursor<'_>) -> Option<LogSettings> {
    let mut section = cursor.section()?;
    let format = section.required("format", "human or json", |cursor| {
        cursor.word(&[("human", LogFormat::Human), ("json", LogFormat::Json)])
    });
    let level = section.required("level", "a level", |cursor| {
        cursor.word(&[
            ("error", tracing::Level::ERROR),
            ("warn", tracing::Level::WARN),
            ("info", tracing::Level::INFO),
            ("debug", tracing::Level::DEBUG),
            ("trace", tracing::Level::TRACE),
        ])
    });
    section.close();
    Some(LogSettings {
        format: format?,
        level: level?,
    })
}
