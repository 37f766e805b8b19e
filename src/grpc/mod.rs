//! The edge: the only code that knows tonic and prost. It turns messages into values and values into messages, and asks the engine in
//! between. It decides nothing: two amounts of which one is a limit are never compared here.

pub mod admin;
pub mod convert;
pub mod feed;
pub mod market;
pub mod monitor;

use std::sync::Arc;

use self::convert::monitor::Page;
use self::feed::Feed;
use crate::clock::Clock;
use crate::domain::time::Now;
use crate::engine::Engine;
use crate::server::{Drain, Readiness};

/// What every service has at hand. A handle: clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    /// Decides.
    pub engine: Arc<Engine>,
    /// Read once for each call.
    pub clock: Arc<Clock>,
    /// What may still be done.
    pub drain: Drain,
    /// Whether everything is loaded.
    pub readiness: Readiness,
    /// Where watchers hear of what happened.
    pub feed: Feed,
    /// When the gateway started.
    pub started: Now,
}

impl Gate {
    /// The gate of an engine that starts now.
    #[must_use]
    pub fn new(engine: Arc<Engine>, clock: Arc<Clock>, drain: Drain, readiness: Readiness) -> Self {
        let started = clock.now();
        Self {
            engine,
            clock,
            drain,
            readiness,
            feed: Feed::default(),
            started,
        }
    }

    /// Whether orders are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness.is_complete() && !self.drain.is_draining()
    }
}

/// One page of entries that come by ascending name, and the token of the next. Entries that `show` leaves out take no room.
fn page_of<S, T>(
    page: &Page,
    entries: impl Iterator<Item = (String, S)>,
    mut show: impl FnMut(S) -> Option<T>,
) -> (Vec<T>, String) {
    let (mut shown, mut last) = (Vec::new(), String::new());
    for (name, entry) in entries {
        if !is_after(&name, &page.token) {
            continue;
        }
        let Some(entry) = show(entry) else { continue };
        if shown.len() == page.size {
            return (shown, last);
        }
        shown.push(entry);
        last = name;
    }
    (shown, String::new())
}

/// Whether a name, part by part, comes after the one of a token. Nothing is before the empty token.
fn is_after(name: &str, token: &str) -> bool {
    token.is_empty() || name.split('/').gt(token.split('/'))
}
