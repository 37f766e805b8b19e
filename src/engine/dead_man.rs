//! The dead man's switch: a client that is lost stops the buckets it trades in, as each of them says (G5).
//!
//! A client that never had a session has no life sign to lose. One that had is lost when it has had no stream for as long as the bucket
//! allows, or, where it promised heartbeats, when it sent nothing for that long.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::admin::Scope;
use super::answer::Refusal;
use super::bucket::{Bucket, BucketState};
use super::client::Client;
use super::setup::{DeadMan, DeadManAction};
use crate::domain::name::ClientId;
use crate::domain::order::TimeInForce;
use crate::domain::state::{StateCause, StateNote, TradingState};
use crate::domain::time::Now;

/// What a bucket with a dead man's switch remembers of those who trade in it.
#[derive(Clone, Debug)]
pub struct DeadManWatch {
    /// Its rule.
    pub rule: DeadMan,
    traders: BTreeMap<ClientId, Trader>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Trader {
    /// When an order of it was approved here last, monotonic nanoseconds.
    last: u64,
    /// The life sign after whose loss the bucket was stopped.
    stopped: Option<u64>,
}

impl DeadManWatch {
    /// A watch over nobody yet; none without a rule.
    #[must_use]
    pub fn new(rule: DeadMan) -> Option<Box<Self>> {
        (rule.action != DeadManAction::None).then(|| {
            Box::new(Self {
                rule,
                traders: BTreeMap::new(),
            })
        })
    }

    /// An order of a client was approved.
    pub(super) fn traded(&mut self, client: &ClientId, now: Now) {
        match self.traders.get_mut(client) {
            Some(trader) => trader.last = now.mono,
            None => {
                let last = now.mono;
                let trader = Trader {
                    last,
                    stopped: None,
                };
                self.traders.insert(client.clone(), trader);
            }
        }
    }
}

/// A client's sessions, as far as its life signs go.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Streams that are open.
    streams: u32,
    /// Those of them that promised heartbeats.
    beating: u32,
    /// When the first of them was opened, or of those it resumed; none where it never had one.
    since: Option<u64>,
    /// When the last one was gone.
    left: u64,
    /// Whether the client closed it itself.
    clean: bool,
}

/// A loss: the last life sign, the beginning of what the client did before, and whether it left of its own.
#[derive(Clone, Copy, Debug)]
struct Loss {
    sign: u64,
    since: u64,
    clean: bool,
}

impl Client {
    /// A stream of it was opened. `beats` says that it will send something at least as often as its buckets want.
    fn opened(&self, beats: bool, now: Now) {
        self.beat(now);
        let mut pulse = self.pulse.lock();
        // Back from a break it goes on with what it did; after an orderly end it begins anew.
        if pulse.since.is_none() || (pulse.streams == 0 && pulse.clean) {
            pulse.since = Some(now.mono);
        }
        pulse.streams = pulse.streams.saturating_add(1);
        pulse.beating = pulse.beating.saturating_add(u32::from(beats));
    }

    /// A stream of it is gone. `clean` says that the client closed it.
    pub fn closed(&self, beats: bool, clean: bool, now: Now) {
        let mut pulse = self.pulse.lock();
        pulse.streams = pulse.streams.saturating_sub(1);
        pulse.beating = pulse.beating.saturating_sub(u32::from(beats));
        (pulse.left, pulse.clean) = (now.mono, clean);
    }

    /// Its loss, where it has been lost for so long.
    fn lost(&self, after: u64, now: Now) -> Option<Loss> {
        let pulse = self.pulse.lock();
        let since = pulse.since?;
        let (sign, clean) = match (pulse.streams, pulse.beating) {
            (0, _) => (pulse.left, pulse.clean),
            (_, 0) => return None,
            (_, _) => (self.seen(), false),
        };
        (now.since(sign) >= after).then_some(Loss { sign, since, clean })
    }
}

impl Engine {
    /// A client opened a stream.
    ///
    /// # Errors
    /// Where there are too many clients.
    pub fn session_opened(
        &self,
        client: &ClientId,
        beats: bool,
        now: Now,
    ) -> Result<Arc<Client>, Refusal> {
        let client = self.client(client)?;
        client.opened(beats, now);
        Ok(client)
    }

    /// Stops the buckets whose clients are lost.
    pub(super) fn sweep_dead_men(&self, now: Now) {
        let watched = self.dead_men.read().clone();
        for bucket in watched {
            for (client, loss) in self.lost_from(&bucket, now) {
                self.stop_for(&bucket, &client, loss, now);
            }
        }
    }

    /// Clients that trade in a bucket and are lost, and for whose loss it was not stopped yet.
    fn lost_from(&self, bucket: &Bucket, now: Now) -> Vec<(ClientId, Loss)> {
        let state = bucket.state.lock();
        let Some(watch) = &state.dead_man else {
            return Vec::new();
        };
        let after = watch.rule.after;
        let lost = watch.traders.iter().filter_map(|(id, trader)| {
            let client = self.clients.get(id)?;
            let loss = client.lost(after, now)?;
            (trader.stopped != Some(loss.sign)).then(|| (id.clone(), *trader, loss))
        });
        lost.filter(|(id, trader, loss)| {
            let has_orders = has_orders(&state, id);
            // Whoever leaves in order, with nothing left behind, is no loss.
            has_orders || (!loss.clean && trader.last >= loss.since)
        })
        .map(|(id, _, loss)| (id, loss))
        .collect()
    }

    /// Does what the bucket says about the loss of a client.
    fn stop_for(&self, bucket: &Arc<Bucket>, client: &ClientId, loss: Loss, now: Now) {
        let after = StateNote {
            state: TradingState::CancelOnly,
            cause: StateCause::DeadMan,
            actor: "gateway".to_owned(),
            reason: format!("client {client} was lost"),
            since: now,
        };
        let mut live = Vec::new();
        let mut before = None;
        {
            let mut guard = bucket.state.lock();
            let state = &mut *guard;
            state.roll(now);
            // Being deleted: should it stay after all, the next sweep finds it.
            if state.deleted {
                return;
            }
            let Some(watch) = &mut state.dead_man else {
                return;
            };
            let rule = watch.rule;
            if let Some(trader) = watch.traders.get_mut(client) {
                trader.stopped = Some(loss.sign);
            }
            if state.note.state < after.state {
                before = Some(core::mem::replace(&mut state.note, after.clone()).state);
            }
            if rule.action == DeadManAction::CancelAll {
                let to_cancel = state.orders.iter().filter(|(_, record)| {
                    let outlives = matches!(
                        record.life.time_in_force(),
                        TimeInForce::GoodTillCancel | TimeInForce::GoodTillDate(_)
                    );
                    record.key.client == *client
                        && !(rule.exempt_gtc && outlives)
                        && !record.life.is_offered()
                });
                live.extend(
                    to_cancel.filter_map(|(_, record)| self.order_view(state, record, now)),
                );
            }
        }
        tracing::error!(bucket = %bucket.id, client = %client, "a client was lost: the bucket takes no new orders");
        if let Some(before) = before {
            self.tell_state(bucket, before, after.clone());
        }
        self.void_stopped(now);
        let scope = Scope::Bucket(bucket.id.clone());
        self.open_kill(&scope, &after, Some(client), &live, false);
    }
}

fn has_orders(state: &BucketState, client: &ClientId) -> bool {
    let mut orders = state.orders.iter();
    orders.any(|(_, record)| record.key.client == *client)
}
