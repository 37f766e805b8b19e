//! Trading states above a bucket: of groups, instruments, venues, clients and the whole gateway (G1).
//!
//! A decision reads them while it holds its bucket's lock. Whoever changes one publishes it first and then passes through the lock of every
//! bucket in scope, so that once the call returns no later decision can have seen the old state.

use core::sync::atomic::{AtomicU8, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::domain::decision::Level;
use crate::domain::name::{ClientId, InstrumentId, VenueId};
use crate::domain::state::{StateNote, TradingState};

/// One trading state that decisions read without a lock, and the note behind it.
#[derive(Default)]
pub struct Switch {
    state: AtomicU8,
    note: Mutex<StateNote>,
}

impl Switch {
    /// The state now.
    #[must_use]
    pub fn state(&self) -> TradingState {
        match self.state.load(Ordering::Acquire) {
            0 => TradingState::Active,
            1 => TradingState::ReduceOnly,
            2 => TradingState::CancelOnly,
            _ => TradingState::Halted,
        }
    }

    /// The state with who, why and when.
    #[must_use]
    pub fn note(&self) -> StateNote {
        self.note.lock().clone()
    }

    /// Changes the state; returns what it was.
    pub fn set(&self, note: StateNote) -> StateNote {
        let mut held = self.note.lock();
        self.state.store(code(note.state), Ordering::Release);
        core::mem::replace(&mut *held, note)
    }
}

const fn code(state: TradingState) -> u8 {
    match state {
        TradingState::Active => 0,
        TradingState::ReduceOnly => 1,
        TradingState::CancelOnly => 2,
        TradingState::Halted => 3,
    }
}

/// What a state may be set on besides buckets and groups.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    /// An instrument, in every bucket.
    Instrument(InstrumentId),
    /// A venue, in every bucket.
    Venue(VenueId),
    /// A client, in every bucket.
    Client(ClientId),
    /// Everything.
    Everything,
}

impl Subject {
    /// The level it stands for in answers.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::Instrument(_) => Level::Instrument,
            Self::Venue(_) => Level::Venue,
            Self::Client(_) => Level::Client,
            Self::Everything => Level::Global,
        }
    }
}

/// The states set on subjects; one that is active is not listed.
#[derive(Default)]
pub struct Controls {
    set: ArcSwap<BTreeMap<Subject, StateNote>>,
    changes: Mutex<()>,
}

impl Controls {
    /// The most restrictive state over an order.
    #[must_use]
    pub fn over(
        &self,
        instrument: &InstrumentId,
        venue: &VenueId,
        client: &ClientId,
    ) -> (TradingState, Level) {
        let set = self.set.load();
        if set.is_empty() {
            return (TradingState::Active, Level::Global);
        }
        let subjects = [
            Subject::Instrument(instrument.clone()),
            Subject::Venue(venue.clone()),
            Subject::Client(client.clone()),
            Subject::Everything,
        ];
        let states = subjects
            .iter()
            .filter_map(|subject| Some((set.get(subject)?.state, subject.level())));
        states
            .max_by_key(|(state, _)| *state)
            .unwrap_or((TradingState::Active, Level::Global))
    }

    /// Every state that is set.
    #[must_use]
    pub fn all(&self) -> Arc<BTreeMap<Subject, StateNote>> {
        self.set.load_full()
    }

    /// Changes a state; returns what it was.
    pub fn set(&self, subject: Subject, note: StateNote) -> StateNote {
        let _one_at_a_time = self.changes.lock();
        let mut set = BTreeMap::clone(&self.set.load());
        let before = match note.state {
            TradingState::Active => set.remove(&subject),
            TradingState::ReduceOnly | TradingState::CancelOnly | TradingState::Halted => {
                set.insert(subject, note)
            }
        };
        self.set.store(Arc::new(set));
        before.unwrap_or_default()
    }
}
