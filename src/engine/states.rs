//! Trading states: who may stop what, and what is live when it stops (G1–G6).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::admin::{AdminError, QUARANTINE, Scope, StateChange};
use super::bucket::Bucket;
use super::controls::Subject;
use super::order::OrderRecord;
use crate::domain::amount::Money;
use crate::domain::name::Currency;
use crate::domain::state::{StateNote, TradingState};

impl Engine {
    /// Makes a state stricter, or the same state again; once the call returns, no later decision has seen the old one (G1).
    ///
    /// # Errors
    /// Where there is no such thing, or a stricter state is in force: only a re-arm ends that.
    pub fn restrict(&self, scope: &Scope, note: StateNote) -> Result<StateChange, AdminError> {
        let _one_at_a_time = self.changes.lock();
        let before = self.state_of(scope)?;
        if note.state < before {
            return Err(AdminError::NeedsRearm);
        }
        let mut change = self.set_state(scope, note.clone(), before)?;
        if note.state == TradingState::Halted {
            let again = before == note.state;
            change.kill = self.open_kill(scope, &note, None, &change.live, again);
        }
        Ok(change)
    }

    /// Makes a state active again (G6).
    ///
    /// # Errors
    /// Where there is no such thing.
    pub fn rearm(&self, scope: &Scope, note: StateNote) -> Result<StateChange, AdminError> {
        let _one_at_a_time = self.changes.lock();
        if matches!(scope, Scope::Bucket(id) if id.as_str() == QUARANTINE) {
            return Err(AdminError::Reserved);
        }
        let before = self.state_of(scope)?;
        self.set_state(
            scope,
            StateNote {
                state: TradingState::Active,
                ..note
            },
            before,
        )
    }

    /// The state set on a scope itself.
    ///
    /// # Errors
    /// Where there is no such thing.
    pub fn state_of(&self, scope: &Scope) -> Result<TradingState, AdminError> {
        Ok(match scope {
            Scope::Bucket(id) => {
                self.bucket(id)
                    .ok_or(AdminError::UnknownBucket)?
                    .state
                    .lock()
                    .note
                    .state
            }
            Scope::Group(id) => self
                .group(id)
                .ok_or(AdminError::UnknownGroup)?
                .switch
                .state(),
            Scope::Instrument(id) if !self.market.instruments().contains_key(id) => {
                return Err(AdminError::UnknownInstrument);
            }
            Scope::Instrument(_) | Scope::Venue(_) | Scope::Client(_) | Scope::Everything => {
                let set = self.controls.all();
                subject(scope)
                    .and_then(|subject| set.get(&subject).map(|note| note.state))
                    .unwrap_or_default()
            }
        })
    }

    /// The state set on a scope itself, with who set it and why.
    ///
    /// # Errors
    /// Where there is no such thing.
    pub fn note_of(&self, scope: &Scope) -> Result<StateNote, AdminError> {
        self.state_of(scope)?;
        Ok(match scope {
            Scope::Bucket(id) => self
                .bucket(id)
                .ok_or(AdminError::UnknownBucket)?
                .state
                .lock()
                .note
                .clone(),
            Scope::Group(id) => {
                let group = self.group(id).ok_or(AdminError::UnknownGroup)?;
                group.switch.note()
            }
            Scope::Instrument(_) | Scope::Venue(_) | Scope::Client(_) | Scope::Everything => {
                let set = self.controls.all();
                let note = subject(scope).and_then(|subject| set.get(&subject).cloned());
                note.unwrap_or_default()
            }
        })
    }

    fn set_state(
        &self,
        scope: &Scope,
        note: StateNote,
        before: TradingState,
    ) -> Result<StateChange, AdminError> {
        let (after, now) = (note.state, note.since);
        let is_stop = after >= TradingState::CancelOnly;
        match scope {
            // Said again, it stays as the first who said it left it: who, why and since when.
            _ if after == before => {}
            Scope::Bucket(id) => {
                let bucket = self.bucket(id).ok_or(AdminError::UnknownBucket)?;
                let mut state = bucket.state.lock();
                // A fault may have halted it since it was looked at.
                if after < before || after > state.note.state {
                    state.note = note;
                }
            }
            Scope::Group(id) => drop(
                self.group(id)
                    .ok_or(AdminError::UnknownGroup)?
                    .switch
                    .set(note),
            ),
            Scope::Instrument(_) | Scope::Venue(_) | Scope::Client(_) | Scope::Everything => {
                if let Some(subject) = subject(scope) {
                    self.controls.set(subject, note);
                }
            }
        }
        // The barrier: whoever decided with the old state has let go of its bucket once we have held it.
        let mut change = StateChange {
            sequence: 0,
            before,
            after,
            live: Vec::new(),
            kill: None,
            buckets: 0,
            in_breach: 0,
            reserved: BTreeMap::new(),
            gross: BTreeMap::new(),
        };
        for bucket in self.buckets_in(scope) {
            let state = bucket.state.lock();
            // What waits for its route to be accepted is nowhere, and is void before this call returns (RR15).
            let is_somewhere = |record: &OrderRecord| !(is_stop && record.life.is_offered());
            let views = state
                .orders
                .iter()
                .filter(|(_, record)| is_somewhere(record))
                .filter_map(|(_, record)| self.order_view(&state, record, now));
            let reached = views.filter(|view| match scope {
                Scope::Instrument(id) => view.instrument == *id,
                Scope::Venue(id) => view.route.venue == *id,
                Scope::Client(id) => view.key.client == *id,
                Scope::Bucket(_) | Scope::Group(_) | Scope::Everything => true,
            });
            let currency = &state.limits.currency;
            for view in reached {
                count(&mut change.reserved, currency, view.reserved);
                change.live.push(view);
            }
            count(&mut change.gross, currency, state.totals().gross);
            change.buckets = change.buckets.saturating_add(1);
            let over = !state.breach().is_empty();
            change.in_breach = change.in_breach.saturating_add(u64::from(over));
        }
        if is_stop {
            self.void_stopped(now);
        }
        change.sequence = self.next_sequence(true);
        Ok(change)
    }

    fn buckets_in(&self, scope: &Scope) -> Vec<Arc<Bucket>> {
        match scope {
            Scope::Bucket(id) => self.bucket(id).into_iter().collect(),
            Scope::Group(id) => {
                let below = |bucket: &Arc<Bucket>| {
                    let levels = bucket.levels();
                    levels.path.iter().any(|group| group.id == *id)
                };
                self.all_buckets().into_iter().filter(below).collect()
            }
            Scope::Instrument(_) | Scope::Venue(_) | Scope::Client(_) | Scope::Everything => {
                self.all_buckets()
            }
        }
    }
}

pub(super) fn count(sums: &mut BTreeMap<Currency, Money>, currency: &Currency, amount: Money) {
    let sum = sums.entry(currency.clone()).or_default();
    *sum = sum.checked_add(amount).unwrap_or(*sum);
}

fn subject(scope: &Scope) -> Option<Subject> {
    match scope {
        Scope::Bucket(_) | Scope::Group(_) => None,
        Scope::Instrument(id) => Some(Subject::Instrument(id.clone())),
        Scope::Venue(id) => Some(Subject::Venue(id.clone())),
        Scope::Client(id) => Some(Subject::Client(id.clone())),
        Scope::Everything => Some(Subject::Everything),
    }
}
