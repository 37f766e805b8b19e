//! A client of the gateway: its quota of ids and its own order rate.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::dead_man::Pulse;
use super::setup::ClientSetup;
use crate::domain::time::Now;
use crate::risk::window::OrderRate;

/// A client. Its rate window is a leaf lock: nothing is locked after it.
pub struct Client {
    /// As configured.
    pub setup: ClientSetup,
    /// Ids stored for it.
    used: AtomicU32,
    /// Orders within the window of its session's F1.
    pub rate: Mutex<OrderRate>,
    /// Its sessions (G5); a leaf lock that no order comes to.
    pub(super) pulse: Mutex<Pulse>,
    /// When it last sent something in a session, monotonic nanoseconds.
    seen: AtomicU64,
}

impl Client {
    /// A client that has sent nothing yet.
    #[must_use]
    pub fn new(setup: ClientSetup) -> Self {
        Self {
            setup,
            used: AtomicU32::new(0),
            rate: Mutex::default(),
            pulse: Mutex::default(),
            seen: AtomicU64::new(0),
        }
    }

    /// It sent something in a session.
    pub fn beat(&self, now: Now) {
        self.seen.fetch_max(now.mono, Ordering::Relaxed);
    }

    /// When it last did, monotonic nanoseconds.
    pub(super) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Ids stored for it.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Ids kept for exits beyond the quota: a tenth.
    #[must_use]
    pub const fn exit_quota(&self) -> u32 {
        self.setup.quota.saturating_add(self.setup.quota / 10)
    }

    /// Counts an id that is about to be stored; how many there were before it. Whoever comes at the same time sees it counted.
    pub fn claim(&self) -> u32 {
        self.used.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts this many ids at once; how many there were before them.
    pub fn claim_many(&self, count: u32) -> u32 {
        self.used.fetch_add(count, Ordering::Relaxed)
    }

    /// Counts this many ids as not stored after all.
    pub fn forgotten_many(&self, count: u32) {
        self.used.fetch_sub(count, Ordering::Relaxed);
    }

    /// A copy that counts for itself: for what is tried out and undone.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            setup: self.setup.clone(),
            used: AtomicU32::new(self.used()),
            rate: Mutex::new(self.rate.lock().clone()),
            pulse: Mutex::default(),
            seen: AtomicU64::new(0),
        }
    }

    /// Counts an id forgotten, or not stored after all.
    pub fn forgotten(&self) {
        // Never below zero: each id forgotten was counted when it was stored.
        self.used.fetch_sub(1, Ordering::Relaxed);
    }
}
