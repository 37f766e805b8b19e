//! Alarms: what the engine changed by itself, told at once to whoever listens.

use std::sync::OnceLock;

use super::Engine;
use super::answer::Receipt;
use super::bucket::{Bucket, BucketState};
use super::kills::KillTold;
use crate::domain::decision::Reason;
use crate::domain::name::BucketId;
use crate::domain::state::{StateCause, StateNote, TradingState};
use crate::domain::time::Now;

/// What nobody asked for.
#[derive(Clone, Copy, Debug)]
pub enum Alarm<'a> {
    /// A bucket's state changed.
    State(&'a StateAlarm),
    /// An order was released: its time was over, or a halt came before its route was accepted.
    Order(&'a Receipt, Now),
    /// A kill was made, is overdue, or is resolved.
    Kill(&'a KillTold),
}

/// A change of a bucket's state that nobody asked for.
#[derive(Clone, Debug)]
pub struct StateAlarm {
    /// Number of the event.
    pub sequence: u64,
    /// The bucket.
    pub bucket: BucketId,
    /// Its state before.
    pub before: TradingState,
    /// Its state now, and why.
    pub after: StateNote,
}

type Listener = Box<dyn Fn(&Alarm<'_>) + Send + Sync>;

/// Who hears of alarms.
#[derive(Default)]
pub struct Alarms(OnceLock<Listener>);

impl Alarms {
    /// Hears of every alarm from now on; only the first one who asks does. It may be called under the locks of a decision: it must neither
    /// wait nor ask the engine anything.
    pub fn listen(&self, listener: impl Fn(&Alarm<'_>) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(listener));
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, alarm: &Alarm<'_>) {
        if let Some(listener) = self.0.get() {
            listener(alarm);
        }
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
        self.tell_state(bucket, before, after);
    }

    /// Tells that a bucket's state changed by itself.
    pub(super) fn tell_state(&self, bucket: &Bucket, before: TradingState, after: StateNote) {
        self.alarms.tell(&Alarm::State(&StateAlarm {
            sequence: self.next_sequence(true),
            bucket: bucket.id.clone(),
            before,
            after,
        }));
    }
}
