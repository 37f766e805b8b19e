//! Where `Watch` hears of what happened. Telling takes no time while nobody watches, and never waits for one who does.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::convert::control::{Change, Scope, write_note, write_scope, write_state};
use super::convert::decision::{self, Asked};
use super::convert::field::{decimal, timestamp};
use super::convert::monitor::{Watch, scope_of, write_kill};
use super::convert::view::{write_order, write_receipt, write_side, write_type};
use crate::domain::amount::{Price, Quantity};
use crate::domain::decision::{Decision, Outcome};
use crate::domain::name::{BucketId, ClientId, GroupId};
use crate::domain::order::{Order, Replace, Size};
use crate::domain::report::{Report, ReportKind};
use crate::domain::state::{StateNote, TradingState};
use crate::domain::time::Now;
use crate::engine::Engine;
use crate::engine::admin::StateChange;
use crate::engine::alarms::{Alarm, StateAlarm};
use crate::engine::answer::{Answer, Receipt};
use crate::engine::group::Group;
use crate::engine::kills::KillTold;
use crate::pb::{self, watch_response::Event as Told};

/// Events that a watcher may be behind before it misses some.
pub const BACKLOG: usize = 16_384;

/// What was decided.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// A new order.
    Order(&'a Order),
    /// A replace.
    Replace(&'a Replace),
}

/// One event, as it is told to everybody who wants to hear it.
#[derive(Clone, Debug)]
pub struct Event {
    /// The buckets that it belongs to.
    pub buckets: Vec<BucketId>,
    /// The groups above them, where those cannot be looked up any more, or that it belongs to itself.
    pub groups: Vec<GroupId>,
    /// The client that it belongs to.
    pub client: Option<ClientId>,
    /// What a trading state reaches.
    pub reach: Option<Scope>,
    /// The event.
    pub response: pb::WatchResponse,
}

/// What is told of a change of configuration.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// What changed.
    pub kind: pb::ConfigKind,
    /// The bucket that changed.
    pub bucket: Option<&'a BucketId>,
    /// The group that changed, or those above a bucket.
    pub groups: &'a [GroupId],
    /// Its version now.
    pub version: u64,
    /// Who and why.
    pub change: &'a Change,
    /// Number in the log.
    pub sequence: u64,
}

/// The source. A handle: clones are the same source.
#[derive(Clone, Debug)]
pub struct Feed {
    sender: broadcast::Sender<Arc<Event>>,
    /// How many listen. The channel counts them as well, under its lock: every worker would wait there at every decision.
    listeners: Arc<AtomicUsize>,
}

/// A watcher's place at the source.
#[derive(Debug)]
pub struct Listener {
    events: broadcast::Receiver<Arc<Event>>,
    listeners: Arc<AtomicUsize>,
}

impl Listener {
    /// The next event.
    ///
    /// # Errors
    /// Where some were missed, or there will be no more.
    pub async fn recv(&mut self) -> Result<Arc<Event>, RecvError> {
        self.events.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Feed {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(BACKLOG);
        Self {
            sender,
            listeners: Arc::default(),
        }
    }
}

impl Feed {
    /// Everything from now on.
    #[must_use]
    pub fn subscribe(&self) -> Listener {
        let events = self.sender.subscribe();
        self.listeners.fetch_add(1, Ordering::SeqCst);
        Listener {
            events,
            listeners: Arc::clone(&self.listeners),
        }
    }

    fn tell(&self, event: impl FnOnce() -> Event) {
        if self.listeners.load(Ordering::SeqCst) > 0 {
            // An error says that the last watcher has gone in between.
            let _ = self.sender.send(Arc::new(event()));
        }
    }

    /// An order or a replace was decided. A stored answer that is given again is no event.
    pub fn decision(&self, request: Request<'_>, answer: &Answer, engine_nanos: u64) {
        if !answer.replayed {
            self.tell(|| decided(request, answer, engine_nanos));
        }
    }

    /// A report was booked.
    pub fn report(&self, report: &Report, receipt: &Receipt, now: Now) {
        self.tell(|| {
            let (exec_type, fill) = told(&report.kind);
            let (quantity, price) = fill.unzip();
            let response = pb::WatchResponse {
                sequence: receipt.sequence,
                time: Some(timestamp(now.wall)),
                bucket_id: super::convert::field::text(receipt.bucket.as_ref()),
                event: Some(Told::Report(pb::ReportEvent {
                    result: Some(write_receipt(receipt)),
                    exec_type: exec_type.into(),
                    client_id: report.client.to_string(),
                    cl_ord_id: report.cl_ord_id.to_string(),
                    last_quantity: quantity.map(|it: Quantity| decimal(it)),
                    last_price: price.map(|it: Price| decimal(it)),
                })),
            };
            Event {
                buckets: receipt.bucket.iter().cloned().collect(),
                groups: Vec::new(),
                client: Some(report.client.clone()),
                reach: None,
                response,
            }
        });
    }

    /// An order changed by a notice, a release, or a person.
    pub fn order(&self, receipt: &Receipt, now: Now) {
        let Some(order) = &receipt.order else { return };
        self.tell(|| Event {
            buckets: receipt.bucket.iter().cloned().collect(),
            groups: Vec::new(),
            client: Some(order.key.client.clone()),
            reach: None,
            response: pb::WatchResponse {
                sequence: receipt.sequence,
                time: Some(timestamp(now.wall)),
                bucket_id: super::convert::field::text(receipt.bucket.as_ref()),
                event: Some(Told::Order(write_order(order, receipt.currency.as_ref()))),
            },
        });
    }

    /// A trading state changed.
    pub fn state(&self, scope: &Scope, change: &StateChange, after: &StateNote, now: Now) {
        self.new_state(scope, (change.sequence, change.before), after, now);
    }

    /// The engine changed something by itself.
    pub fn alarm(&self, alarm: &Alarm<'_>) {
        match alarm {
            Alarm::State(StateAlarm {
                sequence,
                bucket,
                before,
                after,
            }) => {
                let scope = Scope::Bucket(bucket.clone());
                self.new_state(&scope, (*sequence, *before), after, after.since);
            }
            Alarm::Order(receipt, now) => self.order(receipt, *now),
            Alarm::Kill(told) => self.kill(told),
        }
    }

    /// A kill was made, is overdue, or is resolved.
    fn kill(&self, told: &KillTold) {
        self.tell(|| {
            let scope = scope_of(&told.kill.scope);
            let bucket = match &scope {
                Scope::Bucket(id) => Some(id.clone()),
                Scope::Group(_) | Scope::Subject(_) => None,
            };
            let stopped = match &scope {
                Scope::Subject(crate::engine::controls::Subject::Client(id)) => Some(id.clone()),
                Scope::Bucket(_) | Scope::Group(_) | Scope::Subject(_) => None,
            };
            Event {
                groups: Vec::new(),
                client: told.kill.client.clone().or(stopped),
                reach: Some(scope),
                response: pb::WatchResponse {
                    sequence: told.sequence,
                    time: Some(timestamp(told.at.wall)),
                    bucket_id: super::convert::field::text(bucket.as_ref()),
                    event: Some(Told::Kill(write_kill(&told.kill))),
                },
                buckets: bucket.into_iter().collect(),
            }
        });
    }

    fn new_state(
        &self,
        scope: &Scope,
        (sequence, before): (u64, TradingState),
        after: &StateNote,
        now: Now,
    ) {
        self.tell(|| {
            let (bucket, client) = match scope {
                Scope::Bucket(id) => (Some(id.clone()), None),
                Scope::Subject(crate::engine::controls::Subject::Client(id)) => {
                    (None, Some(id.clone()))
                }
                Scope::Group(_) | Scope::Subject(_) => (None, None),
            };
            Event {
                client,
                groups: Vec::new(),
                reach: Some(scope.clone()),
                response: pb::WatchResponse {
                    sequence,
                    time: Some(timestamp(now.wall)),
                    bucket_id: super::convert::field::text(bucket.as_ref()),
                    event: Some(Told::State(pb::StateEvent {
                        scope: Some(write_scope(scope)),
                        before: write_state(before).into(),
                        after: Some(write_note(after)),
                    })),
                },
                buckets: bucket.into_iter().collect(),
            }
        });
    }

    /// A configuration changed.
    pub fn config(&self, config: &Config<'_>, now: Now) {
        self.tell(|| {
            let bucket = super::convert::field::text(config.bucket);
            let group = super::convert::field::text(config.groups.first());
            let id = match config.kind {
                pb::ConfigKind::Bucket
                | pb::ConfigKind::BucketDeleted
                | pb::ConfigKind::OrderResolved => bucket.clone(),
                pb::ConfigKind::Group => group,
                pb::ConfigKind::Instruments | pb::ConfigKind::Unspecified => String::new(),
            };
            Event {
                buckets: config.bucket.into_iter().cloned().collect(),
                groups: config.groups.to_vec(),
                client: None,
                reach: None,
                response: pb::WatchResponse {
                    sequence: config.sequence,
                    time: Some(timestamp(now.wall)),
                    bucket_id: bucket,
                    event: Some(Told::Config(pb::ConfigEvent {
                        kind: config.kind.into(),
                        id,
                        version: config.version,
                        actor: config.change.actor.clone(),
                        reason: config.change.reason.clone(),
                    })),
                },
            }
        });
    }
}

fn decided(request: Request<'_>, answer: &Answer, engine_nanos: u64) -> Event {
    let answer = Answer {
        decision: Decision {
            figures: None,
            ..answer.decision.clone()
        },
        ..answer.clone()
    };
    let taker = match &answer.decision.outcome {
        Outcome::Approved(route) | Outcome::Rerouted { to: route, .. } => {
            Some(route.bucket.clone())
        }
        Outcome::Rejected(_) => None,
    };
    let (sequence, at, quantity) = (
        answer.decision.sequence,
        answer.decision.at,
        answer.decision.quantity,
    );
    let approved = taker.is_some().then_some(quantity);
    let (key, original, asked) = match request {
        Request::Order(order) => (&order.key, None, Some(order.bucket.clone())),
        Request::Replace(replace) => (&replace.key, Some(&replace.original), taker.clone()),
    };
    let what_if = false;
    let written = decision::write(
        &answer,
        &Asked {
            key,
            original,
            what_if,
            engine_nanos,
        },
    );
    let bucket_id = super::convert::field::text(asked.as_ref());
    let decision = match request {
        Request::Order(order) => {
            let named = match order.size {
                Size::Quantity(quantity) => Some(quantity),
                Size::Cash(_) | Size::ClosePosition => approved,
            };
            pb::DecisionEvent {
                decision: Some(written),
                bucket_id: bucket_id.clone(),
                instrument_id: order.instrument.to_string(),
                side: write_side(order.side).into(),
                order_type: write_type(&order.terms).into(),
                quantity: named.map(decimal),
                price: order.terms.limit_price().map(decimal),
            }
        }
        Request::Replace(replace) => pb::DecisionEvent {
            decision: Some(written),
            bucket_id: bucket_id.clone(),
            instrument_id: String::new(),
            side: pb::Side::Unspecified.into(),
            order_type: write_type(&replace.terms).into(),
            quantity: Some(decimal(replace.quantity)),
            price: replace.terms.limit_price().map(decimal),
        },
    };
    let client = Some(key.client.clone());
    let mut buckets: Vec<BucketId> = asked.into_iter().collect();
    buckets.extend(taker.filter(|taker| !buckets.contains(taker)));
    Event {
        buckets,
        groups: Vec::new(),
        client,
        reach: None,
        response: pb::WatchResponse {
            sequence,
            time: Some(timestamp(at)),
            bucket_id,
            event: Some(Told::Decision(decision)),
        },
    }
}

/// The type of a report on the wire, and its fill.
fn told(kind: &ReportKind) -> (pb::ExecType, Option<(Quantity, Price)>) {
    match kind {
        ReportKind::New => (pb::ExecType::New, None),
        ReportKind::Trade(fill) => (pb::ExecType::Trade, Some((fill.quantity, fill.price))),
        ReportKind::Canceled => (pb::ExecType::Canceled, None),
        ReportKind::Replaced => (pb::ExecType::Replaced, None),
        ReportKind::Rejected => (pb::ExecType::Rejected, None),
        ReportKind::CancelRejected { .. } => (pb::ExecType::CancelRejected, None),
        ReportKind::Expired => (pb::ExecType::Expired, None),
        ReportKind::DoneForDay => (pb::ExecType::DoneForDay, None),
        ReportKind::Bust { .. } => (pb::ExecType::TradeCancel, None),
        ReportKind::Correct { to, .. } => {
            (pb::ExecType::TradeCorrect, Some((to.quantity, to.price)))
        }
        ReportKind::Restated { .. } => (pb::ExecType::Restated, None),
    }
}

impl Event {
    /// Whether a watcher wants to hear of it.
    #[must_use]
    pub fn fits(&self, watch: &Watch, engine: &Engine) -> bool {
        let kind = match &self.response.event {
            Some(Told::Decision(_)) => pb::WatchKind::Decision,
            Some(Told::Report(_)) => pb::WatchKind::Report,
            Some(Told::Order(_)) => pb::WatchKind::Order,
            Some(Told::State(_)) => pb::WatchKind::State,
            Some(Told::Config(_)) => pb::WatchKind::Config,
            Some(Told::Kill(_)) => pb::WatchKind::Kill,
            Some(Told::Missed(_)) | None => pb::WatchKind::Unspecified,
        };
        let outcome = match &self.response.event {
            Some(Told::Decision(event)) => event.decision.as_ref().map(pb::Decision::outcome),
            _ => None,
        };
        (watch.kinds.is_empty() || watch.kinds.contains(&kind))
            && (watch.outcomes.is_empty()
                || outcome.is_none_or(|outcome| watch.outcomes.contains(&outcome)))
            && (watch.client.is_none() || self.client == watch.client)
            && (watch.buckets.is_empty()
                || watch.buckets.iter().any(|id| self.is_of_bucket(id, engine)))
            && watch
                .group
                .as_ref()
                .is_none_or(|id| self.is_of_group(id, engine))
    }

    fn is_of_bucket(&self, id: &BucketId, engine: &Engine) -> bool {
        match &self.reach {
            Some(Scope::Subject(_)) => true,
            Some(Scope::Group(group)) => is_below(engine, id, group),
            Some(Scope::Bucket(_)) | None => self.buckets.contains(id),
        }
    }

    fn is_of_group(&self, id: &GroupId, engine: &Engine) -> bool {
        match &self.reach {
            Some(Scope::Subject(_)) => true,
            Some(Scope::Group(group)) => is_under(engine, group, id) || is_under(engine, id, group),
            Some(Scope::Bucket(_)) | None => {
                self.groups.iter().any(|group| is_under(engine, group, id))
                    || self.buckets.iter().any(|it| is_below(engine, it, id))
            }
        }
    }
}

/// Whether a bucket is below a group.
fn is_below(engine: &Engine, bucket: &BucketId, group: &GroupId) -> bool {
    let bucket = engine.bucket(bucket);
    bucket.is_some_and(|bucket| {
        let levels = bucket.levels();
        levels.path.iter().any(|above| above.id == *group)
    })
}

/// Whether a group is another one, or below it.
fn is_under(engine: &Engine, group: &GroupId, above: &GroupId) -> bool {
    let up = |group: &Arc<Group>| group.parent.clone();
    core::iter::successors(engine.group(group), up).any(|it| it.id == *above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_are_made_for_those_who_listen() {
        let feed = Feed::default();
        let event = || Event {
            buckets: Vec::new(),
            groups: Vec::new(),
            client: None,
            reach: None,
            response: pb::WatchResponse::default(),
        };
        feed.tell(|| unreachable!("nobody listens"));
        let mut one = feed.subscribe();
        let mut other = feed.clone().subscribe();
        feed.tell(event);
        assert!(one.recv().await.is_ok() && other.recv().await.is_ok());
        drop(one);
        feed.tell(event);
        assert!(other.recv().await.is_ok());
        drop(other);
        feed.tell(|| unreachable!("nobody listens any more"));
    }
}
