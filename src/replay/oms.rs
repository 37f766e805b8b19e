//! The order management system of a replay: turns events of the file into what an OMS sends to a gateway.
//!
//! | event | sent |
//! |---|---|
//! | 1 new order | the order; once approved: the notice *sent* and the report *new* |
//! | 2 partial cancel | a replace down to the remaining total; once approved: the report *replaced*. A refused replace was done by the venue all the same, so it is reported as *restated* |
//! | 3 deletion | the notice *cancel requested* and the report *canceled* |
//! | 4 execution | the report *trade*, and the price as a mark |
//! | 5 hidden execution | the price as a mark |
//! | 6 cross, 7 halt | nothing; they are counted |
//!
//! **Decisions arrive later.** An order whose order or replace has no decision yet keeps its further events in a queue
//! of its own, in the order of the file; [`Oms::on_decision`] releases them. Other orders are not held up, so the caller
//! may have as many requests in flight as it likes, and never waits for a report to be answered.
//! **Refused orders** never reach the venue: their further events send nothing.
//! **Unknown orders** (from before the start of the file) are reported like a drop copy would: trades and
//! cancellations without totals. A partial cancel of one sends nothing, as its total is not known.
//! **Facts are never lost**: trades of ended orders and beyond the ordered quantity are sent.
//!
//! Pure: no clock, no connection, no knowledge of limits.

mod ops;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU64;

use serde::Serialize;

use super::lobster::{Action, Event, OrderId, Resting, Side};

pub use ops::{
    BucketIndex, Mark, NewOrder, Notice, Op, OrderKey, Replace, Report, ReportKind, Route, Totals,
    bucket_of,
};

/// The gateway's answer to an order or a replace, as far as the OMS acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go, on the route asked for.
    Approved,
    /// Go, on this route instead. Answers orders only.
    Rerouted(Route),
    /// Do not send.
    Rejected,
}

/// An answer that fits no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing with this key waits for a decision.
    #[error("decision for {0}, which waits for none")]
    NotAwaited(OrderKey),
    /// A replace cannot move an order.
    #[error("replace {0} was answered with another route")]
    ReplaceRerouted(OrderKey),
}

/// What happened to the events. Each figure counts events unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Orders sent.
    pub orders: u64,
    /// Orders approved on the route asked for.
    pub approved: u64,
    /// Orders approved on another route.
    pub rerouted: u64,
    /// Orders rejected.
    pub rejected: u64,
    /// Replaces sent.
    pub replaces: u64,
    /// Replaces rejected, hence reported as restated.
    pub replaces_rejected: u64,
    /// Trades reported, those of unknown orders included.
    pub trades: u64,
    /// Cancellations reported, those of unknown orders included.
    pub cancellations: u64,
    /// Of rejected orders: nothing was sent.
    pub suppressed: u64,
    /// Of orders from before the start of the file.
    pub unknown: u64,
    /// Trades of orders that had ended; sent.
    pub late_trades: u64,
    /// Trades beyond the ordered quantity; sent.
    pub over_trades: u64,
    /// Cancels and deletions of another size than was left; the rest was cancelled.
    pub odd_cancels: u64,
    /// Cancels and deletions of orders that had ended; nothing was sent.
    pub cancels_after_end: u64,
    /// Submissions of an order id seen before; nothing was sent.
    pub repeated: u64,
    /// Cross trades; nothing was sent.
    pub crosses: u64,
    /// Steps of trading halts; nothing was sent.
    pub halts: u64,
}

/// State of all orders of a replay.
#[derive(Debug)]
pub struct Oms {
    buckets: NonZeroU64,
    orders: HashMap<OrderId, Held>,
    /// Orders whose order or replace has no decision yet.
    waiting: usize,
    last_price_e4: Option<u64>,
    counts: Counts,
}

/// What the OMS knows of one order.
#[derive(Debug)]
struct Held {
    id: OrderId,
    route: Route,
    side: Side,
    price_e4: u64,
    /// Total ordered, as the venue has it.
    quantity: u64,
    cumulative: u64,
    /// The version in force, and the last one used: refused versions are not used again.
    version: u32,
    last_version: u32,
    stage: Stage,
    /// Events that wait for the decision.
    queue: VecDeque<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The order has no decision yet.
    Asked {
        exec_id: u64,
        time_ns: u64,
    },
    /// A replace, version `last_version`, has no decision yet.
    Replacing {
        exec_id: u64,
        time_ns: u64,
        quantity: u64,
    },
    Live,
    Rejected,
    /// Filled or cancelled.
    Ended,
}

impl Oms {
    /// An OMS that spreads its orders over so many buckets, see [`bucket_of`].
    pub fn new(buckets: NonZeroU64) -> Self {
        Self {
            buckets,
            orders: HashMap::new(),
            waiting: 0,
            last_price_e4: None,
            counts: Counts::default(),
        }
    }

    /// Appends to `ops` what an event sends now. Events of an order that waits for a decision are kept until it comes.
    pub fn next_ops(&mut self, event: &Event, ops: &mut Vec<Op>) {
        match event.action {
            Action::Submit(resting) => self.submit(event, resting, ops),
            Action::PartialCancel(resting) | Action::Delete(resting) => {
                self.follow_up(event, resting.order, ops);
            }
            Action::Execute(resting) => {
                self.follow_up(event, resting.order, ops);
                self.mark(event.time_ns, resting.price_e4, ops);
            }
            Action::ExecuteHidden { price_e4, .. } => self.mark(event.time_ns, price_e4, ops),
            Action::Cross => count(&mut self.counts.crosses),
            Action::Halt(_) => count(&mut self.counts.halts),
        }
    }

    /// Takes the decision of an [`Op::Order`] or [`Op::Replace`] and appends to `ops` what it sets free, in order.
    ///
    /// # Errors
    /// When nothing with this key waits, or a replace is said to be rerouted. Nothing has changed then.
    pub fn on_decision(
        &mut self,
        key: OrderKey,
        verdict: Verdict,
        ops: &mut Vec<Op>,
    ) -> Result<(), Error> {
        let held = self
            .orders
            .get_mut(&key.order)
            .filter(|held| held.last_version == key.version)
            .ok_or(Error::NotAwaited(key))?;
        match held.stage {
            Stage::Asked { exec_id, time_ns } => {
                held.order_decided(exec_id, time_ns, verdict, ops, &mut self.counts);
            }
            Stage::Replacing {
                exec_id,
                time_ns,
                quantity,
            } => {
                let kind = match verdict {
                    Verdict::Approved => {
                        let replaced = held.key();
                        held.version = key.version;
                        ReportKind::Replaced { replaced }
                    }
                    Verdict::Rejected => {
                        count(&mut self.counts.replaces_rejected);
                        ReportKind::Restated
                    }
                    Verdict::Rerouted(_) => return Err(Error::ReplaceRerouted(key)),
                };
                held.quantity = quantity;
                held.stage = Stage::Live;
                ops.push(held.report(exec_id, time_ns, kind));
            }
            Stage::Live | Stage::Rejected | Stage::Ended => return Err(Error::NotAwaited(key)),
        }
        while !held.is_waiting()
            && let Some(event) = held.queue.pop_front()
        {
            held.apply(&event, ops, &mut self.counts);
        }
        if !held.is_waiting() {
            self.waiting = self.waiting.saturating_sub(1);
        }
        Ok(())
    }

    /// How many orders wait for a decision. 0 after the last event means that the replay is complete.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn submit(&mut self, event: &Event, resting: Resting, ops: &mut Vec<Op>) {
        let id = resting.order;
        if self.orders.contains_key(&id) {
            count(&mut self.counts.repeated);
            return;
        }
        let held = Held {
            id,
            route: Route {
                bucket: bucket_of(id, self.buckets),
                account: 0,
            },
            side: resting.side,
            price_e4: resting.price_e4,
            quantity: resting.quantity,
            cumulative: 0,
            version: 0,
            last_version: 0,
            stage: Stage::Asked {
                exec_id: event.line,
                time_ns: event.time_ns,
            },
            queue: VecDeque::new(),
        };
        count(&mut self.counts.orders);
        ops.push(Op::Order(NewOrder {
            key: held.key(),
            route: held.route,
            time_ns: event.time_ns,
            side: held.side,
            quantity: held.quantity,
            price_e4: held.price_e4,
        }));
        self.orders.insert(id, held);
        self.waiting = self.waiting.saturating_add(1);
    }

    fn follow_up(&mut self, event: &Event, id: OrderId, ops: &mut Vec<Op>) {
        let Some(held) = self.orders.get_mut(&id) else {
            self.unknown(event, ops);
            return;
        };
        if held.is_waiting() {
            held.queue.push_back(*event);
            return;
        }
        held.apply(event, ops, &mut self.counts);
        if held.is_waiting() {
            self.waiting = self.waiting.saturating_add(1);
        }
    }

    fn unknown(&mut self, event: &Event, ops: &mut Vec<Op>) {
        count(&mut self.counts.unknown);
        let (resting, kind) = match event.action {
            Action::Execute(resting) => {
                count(&mut self.counts.trades);
                (resting, trade(resting))
            }
            Action::Delete(resting) => {
                count(&mut self.counts.cancellations);
                (resting, ReportKind::Canceled)
            }
            Action::PartialCancel(_)
            | Action::Submit(_)
            | Action::ExecuteHidden { .. }
            | Action::Cross
            | Action::Halt(_) => return,
        };
        ops.push(Op::Report(Report {
            exec_id: event.line,
            key: OrderKey {
                order: resting.order,
                version: 0,
            },
            route: Route {
                bucket: bucket_of(resting.order, self.buckets),
                account: 0,
            },
            time_ns: event.time_ns,
            side: resting.side,
            price_e4: resting.price_e4,
            totals: None,
            kind,
        }));
    }

    /// A price that repeats says nothing new.
    fn mark(&mut self, time_ns: u64, price_e4: u64, ops: &mut Vec<Op>) {
        if self.last_price_e4.replace(price_e4) != Some(price_e4) {
            ops.push(Op::Mark(Mark { time_ns, price_e4 }));
        }
    }
}

impl Held {
    fn key(&self) -> OrderKey {
        OrderKey {
            order: self.id,
            version: self.version,
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Asked { .. } | Stage::Replacing { .. })
    }

    fn order_decided(
        &mut self,
        exec_id: u64,
        time_ns: u64,
        verdict: Verdict,
        ops: &mut Vec<Op>,
        counts: &mut Counts,
    ) {
        match verdict {
            Verdict::Approved => count(&mut counts.approved),
            Verdict::Rerouted(route) => {
                count(&mut counts.rerouted);
                self.route = route;
            }
            Verdict::Rejected => {
                count(&mut counts.rejected);
                self.stage = Stage::Rejected;
                return;
            }
        }
        self.stage = Stage::Live;
        ops.push(Op::Sent(self.notice(time_ns)));
        ops.push(self.report(exec_id, time_ns, ReportKind::New));
    }

    /// An event of an order that waits for no decision.
    fn apply(&mut self, event: &Event, ops: &mut Vec<Op>, counts: &mut Counts) {
        if self.stage == Stage::Rejected {
            count(&mut counts.suppressed);
            return;
        }
        match event.action {
            Action::Execute(resting) => self.execute(event, resting, ops, counts),
            Action::PartialCancel(_) | Action::Delete(_) if self.stage == Stage::Ended => {
                count(&mut counts.cancels_after_end);
            }
            Action::PartialCancel(resting) if resting.quantity < self.leaves() => {
                self.replace(event, resting, ops, counts);
            }
            Action::PartialCancel(resting) | Action::Delete(resting) => {
                self.cancel(event, resting, ops, counts);
            }
            // Only these three are ever handed to an order.
            Action::Submit(_) | Action::ExecuteHidden { .. } | Action::Cross | Action::Halt(_) => {}
        }
    }

    fn execute(&mut self, event: &Event, resting: Resting, ops: &mut Vec<Op>, counts: &mut Counts) {
        count(&mut counts.trades);
        self.cumulative = self.cumulative.saturating_add(resting.quantity);
        if self.stage == Stage::Ended {
            count(&mut counts.late_trades);
        } else if self.cumulative > self.quantity {
            count(&mut counts.over_trades);
        }
        if self.cumulative >= self.quantity {
            self.stage = Stage::Ended;
        }
        ops.push(self.report(event.line, event.time_ns, trade(resting)));
    }

    fn replace(&mut self, event: &Event, resting: Resting, ops: &mut Vec<Op>, counts: &mut Counts) {
        count(&mut counts.replaces);
        self.last_version = self.last_version.saturating_add(1);
        let quantity = self.quantity.saturating_sub(resting.quantity);
        self.stage = Stage::Replacing {
            exec_id: event.line,
            time_ns: event.time_ns,
            quantity,
        };
        ops.push(Op::Replace(Replace {
            key: OrderKey {
                order: self.id,
                version: self.last_version,
            },
            replaced: self.key(),
            route: self.route,
            time_ns: event.time_ns,
            side: self.side,
            quantity,
            price_e4: self.price_e4,
        }));
    }

    fn cancel(&mut self, event: &Event, resting: Resting, ops: &mut Vec<Op>, counts: &mut Counts) {
        count(&mut counts.cancellations);
        if resting.quantity != self.leaves() {
            count(&mut counts.odd_cancels);
        }
        ops.push(Op::CancelRequested(self.notice(event.time_ns)));
        self.stage = Stage::Ended;
        ops.push(self.report(event.line, event.time_ns, ReportKind::Canceled));
    }

    fn leaves(&self) -> u64 {
        if self.stage == Stage::Ended {
            return 0;
        }
        self.quantity.saturating_sub(self.cumulative)
    }

    fn notice(&self, time_ns: u64) -> Notice {
        Notice {
            key: self.key(),
            route: self.route,
            time_ns,
        }
    }

    fn report(&self, exec_id: u64, time_ns: u64, kind: ReportKind) -> Op {
        Op::Report(Report {
            exec_id,
            key: self.key(),
            route: self.route,
            time_ns,
            side: self.side,
            price_e4: self.price_e4,
            totals: Some(Totals {
                quantity: self.quantity,
                cumulative: self.cumulative,
                leaves: self.leaves(),
            }),
            kind,
        })
    }
}

fn trade(resting: Resting) -> ReportKind {
    ReportKind::Trade {
        quantity: resting.quantity,
        price_e4: resting.price_e4,
    }
}

fn count(figure: &mut u64) {
    *figure = figure.saturating_add(1);
}
