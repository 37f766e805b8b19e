//! Alarms: what the engine changed by itself, told at once to whoever listens.

use std::sync::OnceLock;

use super::Engine;
use super::bucket::{Bucket, BucketState};
use crate::domain::decision::Reason;
use crate::domain::name::BucketId;
use crate::domain::state::{StateCause, StateNote, TradingState};

/// A change of a bucket's state that nobody asked for.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// Number of the event.
    pub sequence: u64,
    /// The bucket.
    pub bucket: BucketId,
    /// Its state before.
    pub before: TradingState,
    /// Its state now, and why.
    pub after: StateNote,
}

type Listener = Box<dyn Fn(&Alarm) + Send + Sync>;

/// Who hears of alarms.
#[derive(Default)]
pub struct Alarms(OnceLock<Listener>);

impl Alarms {
    /// Hears of every alarm from now on; only the first one who asks does. It is called under the locks of a decision: it must neither wait
    /// nor ask the engine anything.
    pub fn listen(&self, listener: impl Fn(&Alarm) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(listener));
    }
}

impl Engine {
    /// Stops a bucket in which something happened that must not, and tells who listens; it goes on as before only when someone re-arms it.
    pub fn halt_for_fault(&self, bucket: &Bucket, state: &mut BucketState, reason: Reason) {
        tracing::error!(bucket = %bucket.id, "{}: the bucket is halted", reason.text());
        let after = StateNote {
            state: TradingState::Halted,
            cause: StateCause::Fault,
            actor: "gateway".to_owned(),
            reason: reason.text().to_owned(),
            since: state.seen(),
        };
        let before = core::mem::replace(&mut state.note, after.clone()).state;
        if let Some(listener) = self.alarms.0.get() {
            listener(&Alarm {
                sequence: self.next_sequence(true),
                bucket: bucket.id.clone(),
                before,
                after,
            });
        }
    }
}
