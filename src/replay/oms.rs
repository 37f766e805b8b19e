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

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::num::NonZeroU64;

use serde::Serialize;

use super::lobster::{Action, Event, OrderId, Resting, Side};

/// Number of a bucket of the replay, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct BucketIndex(pub u64);

/// The bucket that an order is addressed to: its order id modulo the number of buckets. The exchange numbers orders in
/// sequence, so the buckets get about equally many, and anybody can tell an order's bucket from the file alone.
pub fn bucket_of(order: OrderId, buckets: NonZeroU64) -> BucketIndex {
    BucketIndex(order.0 % buckets)
}

/// Where an order is, or is to be, sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The bucket that holds the order.
    pub bucket: BucketIndex,
    /// Number of the venue account in the caller's own list; 0 is the bucket's first choice.
    pub account: u32,
}

/// Names one request of an order: 0 is the order itself, 1 its first replace, and so on. Its text is the `cl_ord_id`:
/// `16113575`, `16113575-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderKey {
    /// The order.
    pub order: OrderId,
    /// Which of its requests.
    pub version: u32,
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            0 => write!(f, "{}", self.order),
            version => write!(f, "{}-{version}", self.order),
        }
    }
}

/// One message to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new limit order. Its decision goes to [`Oms::on_decision`].
    Order(NewOrder),
    /// A replace. Its decision goes to [`Oms::on_decision`].
    Replace(Replace),
    /// Notice: the order left for the venue.
    Sent(Notice),
    /// Notice: a cancel request left for the venue.
    CancelRequested(Notice),
    /// An execution report of the venue.
    Report(Report),
    /// The last price paid in the market.
    Mark(Mark),
}

/// See [`Op::Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Request id.
    pub key: OrderKey,
    /// Where the OMS wants to send it.
    pub route: Route,
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
    /// Buy or sell.
    pub side: Side,
    /// Shares.
    pub quantity: u64,
    /// Limit price in 1/10,000 dollars.
    pub price_e4: u64,
}

/// See [`Op::Replace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replace {
    /// Request id.
    pub key: OrderKey,
    /// The version it takes the place of.
    pub replaced: OrderKey,
    /// Where the order is.
    pub route: Route,
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
    /// Buy or sell, as in the order.
    pub side: Side,
    /// New total in shares, what is already executed included (FIX 38).
    pub quantity: u64,
    /// Limit price in 1/10,000 dollars, as in the order.
    pub price_e4: u64,
}

/// See [`Op::Sent`] and [`Op::CancelRequested`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The version of the order that is in force.
    pub key: OrderKey,
    /// Where the order is.
    pub route: Route,
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
}

/// See [`Op::Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of the line that caused it. No line causes two reports, so it is unique.
    pub exec_id: u64,
    /// The version of the order that is in force; for [`ReportKind::Replaced`] the new one.
    pub key: OrderKey,
    /// Where the order is.
    pub route: Route,
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
    /// Side of the order.
    pub side: Side,
    /// Limit price of the order in 1/10,000 dollars.
    pub price_e4: u64,
    /// The order after this report; `None` when the OMS does not know the order.
    pub totals: Option<Totals>,
    /// What happened.
    pub kind: ReportKind,
}

/// What an execution report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// The venue took the order.
    New,
    /// A fill.
    Trade {
        /// Shares of this fill.
        quantity: u64,
        /// Its price in 1/10,000 dollars.
        price_e4: u64,
    },
    /// The rest is cancelled.
    Canceled,
    /// The replace is done.
    Replaced {
        /// The version that was in force before.
        replaced: OrderKey,
    },
    /// The venue cut the order's quantity by itself.
    Restated,
}

/// Sizes of an order in shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Total ordered (FIX 38).
    pub quantity: u64,
    /// Executed so far (FIX 14).
    pub cumulative: u64,
    /// Still open (FIX 151): 0 after a cancellation.
    pub leaves: u64,
}

/// See [`Op::Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Exchange time, nanoseconds since midnight.
    pub time_ns: u64,
    /// Price in 1/10,000 dollars.
    pub price_e4: u64,
}

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

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::arithmetic_side_effects,
        reason = "a test that fails may panic"
    )]

    use super::super::lobster::Reader;
    use super::*;

    const APPROVED: Verdict = Verdict::Approved;
    const REJECTED: Verdict = Verdict::Rejected;

    /// One step of a script: a line of the file, or a decision.
    enum Step {
        Line(&'static str),
        Decision(u64, u32, Verdict),
    }
    use Step::{Decision, Line};

    fn text(op: &Op) -> String {
        let totals = |report: &Report| match report.totals {
            None => "unknown".to_owned(),
            Some(totals) => {
                format!(
                    "{}/{}/{}",
                    totals.quantity, totals.cumulative, totals.leaves
                )
            }
        };
        match op {
            Op::Order(order) => format!(
                "order {} in {} {:?} {} @ {}",
                order.key, order.route.bucket.0, order.side, order.quantity, order.price_e4
            ),
            Op::Replace(replace) => {
                format!(
                    "replace {} by {} to {}",
                    replace.replaced, replace.key, replace.quantity
                )
            }
            Op::Sent(notice) => format!("sent {}", notice.key),
            Op::CancelRequested(notice) => format!("cancel requested {}", notice.key),
            Op::Mark(mark) => format!("mark {}", mark.price_e4),
            Op::Report(report) => {
                let kind = match report.kind {
                    ReportKind::New => "new".to_owned(),
                    ReportKind::Trade { quantity, price_e4 } => {
                        format!("trade {quantity} @ {price_e4}")
                    }
                    ReportKind::Canceled => "canceled".to_owned(),
                    ReportKind::Replaced { replaced } => format!("replaced {replaced}"),
                    ReportKind::Restated => "restated".to_owned(),
                };
                let (key, bucket) = (report.key, report.route.bucket.0);
                format!(
                    "{}: {kind} {key} in {bucket} {}",
                    report.exec_id,
                    totals(report)
                )
            }
        }
    }

    /// Plays a script with four buckets. What each step sends follows it.
    #[track_caller]
    fn check(script: &[(Step, &[&str])]) -> Oms {
        let mut oms = Oms::new(NonZeroU64::new(4).unwrap());
        let mut line = 0;
        for (step, expected) in script {
            let mut ops = Vec::new();
            match step {
                Line(text) => {
                    line += 1;
                    let mut event = Reader::new(text.as_bytes()).next().unwrap().unwrap();
                    event.line = line;
                    oms.next_ops(&event, &mut ops);
                }
                Decision(order, version, verdict) => {
                    let order = OrderId(*order);
                    let key = OrderKey {
                        order,
                        version: *version,
                    };
                    oms.on_decision(key, *verdict, &mut ops).unwrap();
                }
            }
            assert_eq!(
                ops.iter().map(text).collect::<Vec<_>>(),
                *expected,
                "after line {line}"
            );
        }
        oms
    }

    #[test]
    fn an_approved_order_lives_until_it_is_filled() {
        let oms = check(&[
            (
                Line("1,1,10,100,50000,1"),
                &["order 10 in 2 Buy 100 @ 50000"],
            ),
            (
                Decision(10, 0, APPROVED),
                &["sent 10", "1: new 10 in 2 100/0/100"],
            ),
            (
                Line("2,4,10,40,50000,1"),
                &["2: trade 40 @ 50000 10 in 2 100/40/60", "mark 50000"],
            ),
            (
                Line("3,4,10,60,50000,1"),
                &["3: trade 60 @ 50000 10 in 2 100/100/0"],
            ),
        ]);
        let expected = Counts {
            orders: 1,
            approved: 1,
            trades: 2,
            ..Counts::default()
        };
        assert_eq!((oms.counts(), oms.waiting()), (expected, 0));
    }

    #[test]
    fn a_partial_cancel_is_a_replace_to_the_remaining_total() {
        check(&[
            (
                Line("1,1,11,100,50000,-1"),
                &["order 11 in 3 Sell 100 @ 50000"],
            ),
            (
                Decision(11, 0, APPROVED),
                &["sent 11", "1: new 11 in 3 100/0/100"],
            ),
            (
                Line("2,4,11,30,50000,-1"),
                &["2: trade 30 @ 50000 11 in 3 100/30/70", "mark 50000"],
            ),
            (Line("3,2,11,20,50000,-1"), &["replace 11 by 11-1 to 80"]),
            (
                Decision(11, 1, APPROVED),
                &["3: replaced 11 11-1 in 3 80/30/50"],
            ),
            (Line("4,2,11,10,50000,-1"), &["replace 11-1 by 11-2 to 70"]),
            (
                Decision(11, 2, APPROVED),
                &["4: replaced 11-1 11-2 in 3 70/30/40"],
            ),
            (
                Line("5,3,11,40,50000,-1"),
                &["cancel requested 11-2", "5: canceled 11-2 in 3 70/30/0"],
            ),
        ]);
    }

    #[test]
    fn a_refused_replace_is_reported_as_restated_and_its_version_is_not_used_again() {
        let oms = check(&[
            (Line("1,1,4,100,50000,1"), &["order 4 in 0 Buy 100 @ 50000"]),
            (
                Decision(4, 0, APPROVED),
                &["sent 4", "1: new 4 in 0 100/0/100"],
            ),
            (Line("2,2,4,20,50000,1"), &["replace 4 by 4-1 to 80"]),
            (Decision(4, 1, REJECTED), &["2: restated 4 in 0 80/0/80"]),
            (Line("3,2,4,30,50000,1"), &["replace 4 by 4-2 to 50"]),
            (
                Decision(4, 2, APPROVED),
                &["3: replaced 4 4-2 in 0 50/0/50"],
            ),
        ]);
        assert_eq!(oms.counts().replaces_rejected, 1);
    }

    #[test]
    fn a_rejected_order_sends_nothing_more() {
        let oms = check(&[
            (Line("1,1,5,100,50000,1"), &["order 5 in 1 Buy 100 @ 50000"]),
            (Line("2,2,5,10,50000,1"), &[]),
            (Decision(5, 0, REJECTED), &[]),
            (Line("3,4,5,10,50000,1"), &["mark 50000"]),
            (Line("4,3,5,80,50000,1"), &[]),
        ]);
        assert_eq!((oms.counts().suppressed, oms.counts().rejected), (3, 1));
        assert_eq!(oms.waiting(), 0);
    }

    #[test]
    fn events_wait_for_the_decision_of_their_order_and_of_no_other() {
        let oms = check(&[
            (Line("1,1,8,100,50000,1"), &["order 8 in 0 Buy 100 @ 50000"]),
            (Line("1,1,9,100,50000,1"), &["order 9 in 1 Buy 100 @ 50000"]),
            (Line("2,2,8,10,50000,1"), &[]),
            (Line("3,4,8,20,50000,1"), &["mark 50000"]),
            (
                Decision(9, 0, APPROVED),
                &["sent 9", "2: new 9 in 1 100/0/100"],
            ),
            (
                Line("4,3,9,100,50000,1"),
                &["cancel requested 9", "5: canceled 9 in 1 100/0/0"],
            ),
            (Line("5,3,8,70,50000,1"), &[]),
            (
                Decision(8, 0, APPROVED),
                &[
                    "sent 8",
                    "1: new 8 in 0 100/0/100",
                    "replace 8 by 8-1 to 90",
                ],
            ),
            (
                Decision(8, 1, APPROVED),
                &[
                    "3: replaced 8 8-1 in 0 90/0/90",
                    "4: trade 20 @ 50000 8-1 in 0 90/20/70",
                    "cancel requested 8-1",
                    "6: canceled 8-1 in 0 90/20/0",
                ],
            ),
        ]);
        assert_eq!((oms.waiting(), oms.counts().odd_cancels), (0, 0));
    }

    #[test]
    fn a_rerouted_order_lives_in_the_bucket_it_was_sent_to() {
        let route = Route {
            bucket: BucketIndex(3),
            account: 1,
        };
        check(&[
            (Line("1,1,8,100,50000,1"), &["order 8 in 0 Buy 100 @ 50000"]),
            (
                Decision(8, 0, Verdict::Rerouted(route)),
                &["sent 8", "1: new 8 in 3 100/0/100"],
            ),
            (
                Line("3,3,8,100,50000,1"),
                &["cancel requested 8", "2: canceled 8 in 3 100/0/0"],
            ),
        ]);
    }

    #[test]
    fn unknown_orders_are_reported_without_totals() {
        let oms = check(&[
            (
                Line("1,4,6,10,50000,1"),
                &["1: trade 10 @ 50000 6 in 2 unknown", "mark 50000"],
            ),
            (Line("2,2,6,10,50000,1"), &[]),
            (Line("3,3,6,10,50000,1"), &["3: canceled 6 in 2 unknown"]),
        ]);
        assert_eq!(oms.counts().unknown, 3);
    }

    #[test]
    fn facts_that_do_not_fit_are_sent_and_counted() {
        let oms = check(&[
            (Line("1,1,4,100,50000,1"), &["order 4 in 0 Buy 100 @ 50000"]),
            (
                Decision(4, 0, APPROVED),
                &["sent 4", "1: new 4 in 0 100/0/100"],
            ),
            (Line("2,1,4,100,50000,1"), &[]),
            (
                Line("3,2,4,101,50000,1"),
                &["cancel requested 4", "3: canceled 4 in 0 100/0/0"],
            ),
            (Line("4,3,4,100,50000,1"), &[]),
            (
                Line("5,4,4,120,50000,1"),
                &["5: trade 120 @ 50000 4 in 0 100/120/0", "mark 50000"],
            ),
            (Line("6,1,8,100,50000,1"), &["order 8 in 0 Buy 100 @ 50000"]),
            (
                Decision(8, 0, APPROVED),
                &["sent 8", "6: new 8 in 0 100/0/100"],
            ),
            (
                Line("7,4,8,101,50000,1"),
                &["7: trade 101 @ 50000 8 in 0 100/101/0"],
            ),
        ]);
        let expected = Counts {
            orders: 2,
            approved: 2,
            trades: 2,
            cancellations: 1,
            late_trades: 1,
            over_trades: 1,
            odd_cancels: 1,
            cancels_after_end: 1,
            repeated: 1,
            ..Counts::default()
        };
        assert_eq!(oms.counts(), expected);
    }

    #[test]
    fn marks_are_the_last_price_paid_when_it_changes() {
        let oms = check(&[
            (Line("1,5,0,10,50000,1"), &["mark 50000"]),
            (Line("2,5,0,10,50000,-1"), &[]),
            (Line("3,5,0,10,50100,-1"), &["mark 50100"]),
            (Line("4,6,0,10,60000,-1"), &[]),
            (Line("5,7,0,0,-1,-1"), &[]),
            (Line("6,5,0,10,50000,1"), &["mark 50000"]),
        ]);
        assert_eq!((oms.counts().crosses, oms.counts().halts), (1, 1));
    }

    #[test]
    fn an_answer_that_fits_no_request_changes_nothing() {
        let mut oms = check(&[
            (Line("1,1,4,100,50000,1"), &["order 4 in 0 Buy 100 @ 50000"]),
            (Line("1,1,5,100,50000,1"), &["order 5 in 1 Buy 100 @ 50000"]),
            (
                Decision(5, 0, APPROVED),
                &["sent 5", "2: new 5 in 1 100/0/100"],
            ),
            (Line("2,2,5,10,50000,1"), &["replace 5 by 5-1 to 90"]),
        ]);
        let before = (oms.counts(), oms.waiting());
        let elsewhere = Verdict::Rerouted(Route {
            bucket: BucketIndex(1),
            account: 0,
        });
        for (order, version, verdict, message) in [
            (7, 0, APPROVED, "decision for 7, which waits for none"),
            (4, 1, APPROVED, "decision for 4-1, which waits for none"),
            (5, 0, APPROVED, "decision for 5, which waits for none"),
            (
                5,
                1,
                elsewhere,
                "replace 5-1 was answered with another route",
            ),
        ] {
            let mut ops = Vec::new();
            let order = OrderId(order);
            let key = OrderKey { order, version };
            let error = oms.on_decision(key, verdict, &mut ops).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(
                (oms.counts(), oms.waiting(), ops.len()),
                (before.0, before.1, 0)
            );
        }
    }
}
