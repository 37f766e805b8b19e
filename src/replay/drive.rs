//! The driver: sends what the OMS wants to a gateway over one session, and compares what the gateway then holds with the recount.
//!
//! **Order.** The replay goes in steps. Within a step up to [`IN_FLIGHT_MAX`] requests are under way at once; answers are taken when that many
//! wait, and at the end of the step until every decision is there, and what a decision sets free is sent at once. A step also ends when
//! the price changes: all answers are awaited, then the mark is pushed and confirmed, then the next step begins. So no order is decided
//! by an older or a newer price than the recorded one, and which request follows which depends on the file and the decisions alone.
//!
//! **Time.** A gateway in the same process lives in recorded time: its clock is led on between steps, at most [`SLICE`] at once, so that rates
//! and windows count as they would have on that day, however fast the replay is. Two such replays are the same. Any other gateway has
//! its own clock; its rates then see the speed of the replay.
//!
//! **Twice.** Each run has a client and execution ids of its own, and compares what has changed since its start: it can be repeated against one
//! gateway, as long as nobody else trades in the buckets meanwhile.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use super::Source;
use super::lobster::{self, OrderId, Summary};
use super::message::{
    self, BUCKETS, INSTRUMENT, bucket_index, buckets, read_money_e4, read_order, read_shares,
};
use super::oms::{self, BucketIndex, Mark, Oms, Op, Verdict};
use super::recount::{self, EndState, Placements, UnknownTrades};
use super::table::{Collector, Outcome, Report, Request, Run, Usage};
use crate::clock::Clock;
use crate::domain::time::{MILLISECOND, Now};
use crate::pb;
use crate::pb::gateway_service_client::GatewayServiceClient;
use crate::pb::market_data_service_client::MarketDataServiceClient;
use crate::pb::monitor_service_client::MonitorServiceClient;
use crate::pb::session_request::Payload;
use crate::pb::session_response::Payload as Answer;

/// Requests without an answer at any moment.
pub const IN_FLIGHT_MAX: usize = 256;
/// The longest stretch of recorded time that counts as one moment, nanoseconds.
pub const SLICE: u64 = 20 * MILLISECOND;
/// Events between two answers in time, where no price changes.
const STEP_EVENTS_MAX: u64 = 4_096;
/// A Monday, midnight in New York: files name no date, and the replay firm's trading day begins in the evening.
const MIDNIGHT: i64 = 946_875_600_000_000_000;
const PAGE: u32 = 1_000;

/// Why a replay stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not what it should be.
    #[error(transparent)]
    File(#[from] lobster::Error),
    /// A call failed.
    #[error("{what}: {}", status.message())]
    Call {
        /// What was asked.
        what: &'static str,
        /// The answer.
        status: Box<Status>,
    },
    /// The gateway serves another firm.
    #[error(
        "the gateway has no bucket {0}: it must serve the replay firm, as in `bulkhead replay --print-config > replay.toml` and \
         `bulkhead serve --config replay.toml`"
    )]
    OtherFirm(&'static str),
    /// The gateway did not take a message.
    #[error("the gateway did not take {what}: {text} ({reason} {field})")]
    Refused {
        /// Which message.
        what: String,
        /// The gateway's words.
        text: String,
        /// The gateway's reason.
        reason: String,
        /// The field that is wrong, if one is.
        field: String,
    },
    /// The gateway did not take a mark.
    #[error("the gateway did not take the mark {price}: {status}")]
    Mark {
        /// The price.
        price: String,
        /// What became of it.
        status: &'static str,
    },
    /// An answer that cannot be.
    #[error("the gateway's answer to {0} makes no sense")]
    Senseless(String),
    /// The stream was closed early.
    #[error("the gateway ended the session while answers were awaited")]
    Ended,
    /// The OMS did not expect a decision.
    #[error(transparent)]
    Oms(#[from] oms::Error),
}

fn call(what: &'static str) -> impl Fn(Status) -> Error {
    move |status| Error::Call {
        what,
        status: Box::new(status),
    }
}

/// By whose clock the gateway decides.
#[derive(Clone, Debug)]
pub enum Time {
    /// By this one, which the replay leads through recorded time.
    Recorded(Arc<Clock>),
    /// By its own.
    Own,
}

impl Time {
    /// Recorded time, standing at the first event.
    #[must_use]
    pub fn recorded(events: &Summary) -> Self {
        let signed = i64::try_from(events.first_ns).unwrap_or(0);
        Self::Recorded(Arc::new(Clock::led(Now {
            wall: MIDNIGHT.saturating_add(signed),
            mono: events.first_ns,
        })))
    }
}

/// What is replayed, and against what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The events.
    pub source: Source,
    /// What they are.
    pub events: Summary,
    /// The gateway.
    pub channel: Channel,
    /// The gateway in words.
    pub gateway: String,
    /// Its clock.
    pub time: Time,
}

/// Replays, and tells how many events are done as it goes.
///
/// # Errors
/// What stops the replay: a difference to the recount does not.
pub async fn drive(plan: Plan, progress: impl Fn(u64)) -> Result<Report, Error> {
    let Plan {
        source,
        events,
        channel,
        gateway,
        time,
    } = plan;
    let mut monitor = MonitorServiceClient::new(channel.clone());
    let before = holdings(&mut monitor).await?;
    let mut driver = Driver::open(channel, time).await?;
    driver.ledger.start(&before);
    driver.play(&source, &events, progress).await?;

    let after = holdings(&mut monitor).await?;
    let live = live_orders(&mut monitor, &driver.client).await?;
    // The account names the bucket, also where the order is not known.
    let recount = recount::recount(
        source.events()?,
        &driver.placements,
        buckets(),
        UnknownTrades::Booked,
    )?;
    let reported = driver.ledger.end_states(&before, &after, &live);
    let comparison = recount::compare(&recount, &reported);
    Ok(driver.collector.finish(Run {
        source: source.to_string(),
        gateway,
        events,
        elapsed: Duration::from_nanos(driver.ended.saturating_sub(driver.started)),
        oms: driver.oms.counts(),
        recount: comparison,
    }))
}

/// A request without an answer.
struct Pending {
    op: Op,
    since: u64,
}

struct Driver {
    client: String,
    /// Makes execution ids differ between runs.
    run: String,
    requests: mpsc::Sender<pb::SessionRequest>,
    answers: Streaming<pb::SessionResponse>,
    market: MarketDataServiceClient<Channel>,
    time: Time,
    /// Measures latencies: the machine's clock, whatever the gateway's is.
    watch: Clock,
    started: u64,
    ended: u64,
    oms: Oms,
    /// Not sent yet.
    queue: VecDeque<Op>,
    pending: HashMap<u64, Pending>,
    /// Of those, the orders and replaces.
    undecided: usize,
    last_seq: u64,
    /// Highest number of the server up to which every answer is here.
    seen: u64,
    collector: Collector,
    placements: Placements,
    ledger: Ledger,
}

impl Driver {
    async fn open(channel: Channel, time: Time) -> Result<Self, Error> {
        let watch = Clock::new();
        let run = watch.now().wall.to_string();
        let client = format!("replay-{run}");
        let (requests, receiver) = mpsc::channel(IN_FLIGHT_MAX.saturating_add(1));
        let open = pb::SessionRequest {
            client_seq: 1,
            ack_server_seq: 0,
            payload: Some(Payload::Open(pb::SessionOpen {
                client_id: client.clone(),
                ..pb::SessionOpen::default()
            })),
        };
        requests.try_send(open).map_err(|_| Error::Ended)?;
        let session = GatewayServiceClient::new(channel.clone())
            .session(ReceiverStream::new(receiver))
            .await;
        let mut answers = session.map_err(call("opening a session"))?.into_inner();
        let opened = answers.message().await.map_err(call("opening a session"))?;
        match opened.and_then(|answer| answer.payload) {
            Some(Answer::Opened(_)) => {}
            Some(Answer::Error(error)) => {
                return Err(refused("the opening of a session".to_owned(), error));
            }
            _ => return Err(Error::Ended),
        }
        Ok(Self {
            client,
            run,
            requests,
            answers,
            market: MarketDataServiceClient::new(channel),
            time,
            started: watch.now().mono,
            ended: 0,
            watch,
            oms: Oms::new(buckets()),
            queue: VecDeque::new(),
            pending: HashMap::new(),
            undecided: 0,
            last_seq: 1,
            seen: 0,
            collector: Collector::new(BUCKETS.map(str::to_owned)),
            placements: Placements::new(),
            ledger: Ledger::default(),
        })
    }

    async fn play(
        &mut self,
        source: &Source,
        events: &Summary,
        progress: impl Fn(u64),
    ) -> Result<(), Error> {
        if let Some(price_e4) = events.first_trade_e4 {
            let time_ns = events.first_ns;
            self.push_mark(Mark { time_ns, price_e4 }).await?;
        }
        self.started = self.watch.now().mono;
        let mut ops = Vec::new();
        let mut slice_end = 0;
        for (done, event) in (0_u64..).zip(source.events()?) {
            let event = event?;
            let recorded = matches!(self.time, Time::Recorded(_));
            if (recorded && event.time_ns >= slice_end) || done.is_multiple_of(STEP_EVENTS_MAX) {
                self.decide_all().await?;
                slice_end = event.time_ns.saturating_add(SLICE);
                if let Time::Recorded(clock) = &self.time {
                    clock.lead_to(event.time_ns);
                }
            }
            self.oms.next_ops(&event, &mut ops);
            for op in ops.drain(..) {
                if let Op::Mark(mark) = op {
                    self.settle().await?;
                    self.push_mark(mark).await?;
                } else {
                    self.queue.push_back(op);
                    self.send().await?;
                }
            }
            progress(done);
        }
        self.settle().await?;
        self.ended = self.watch.now().mono;
        Ok(())
    }

    /// Sends what is queued. Takes an answer whenever no more may be under way.
    async fn send(&mut self) -> Result<(), Error> {
        while let Some(op) = self.queue.pop_front() {
            if self.pending.len() >= IN_FLIGHT_MAX {
                self.receive().await?;
            }
            let Some(payload) = message::payload(&op, &self.run) else {
                continue;
            };
            self.last_seq = self.last_seq.saturating_add(1);
            let since = self.watch.now().mono;
            if matches!(op, Op::Order(_) | Op::Replace(_)) {
                self.undecided = self.undecided.saturating_add(1);
            }
            self.pending.insert(self.last_seq, Pending { op, since });
            let request = pb::SessionRequest {
                client_seq: self.last_seq,
                ack_server_seq: self.seen,
                payload: Some(payload),
            };
            self.requests
                .send(request)
                .await
                .map_err(|_| Error::Ended)?;
        }
        Ok(())
    }

    /// Ends a step in time: no decision is under way any more. What the venue did meanwhile may be; no time stands in it.
    async fn decide_all(&mut self) -> Result<(), Error> {
        self.send().await?;
        while self.undecided > 0 {
            self.receive().await?;
            self.send().await?;
        }
        Ok(())
    }

    /// Ends a step at a price: nothing is queued or under way any more.
    async fn settle(&mut self) -> Result<(), Error> {
        self.send().await?;
        while !self.pending.is_empty() {
            self.receive().await?;
            self.send().await?;
        }
        Ok(())
    }

    /// Takes one answer, and queues what it sets free.
    async fn receive(&mut self) -> Result<(), Error> {
        let answer = self.answers.message().await.map_err(call("the session"))?;
        let pb::SessionResponse {
            client_seq,
            server_seq,
            payload,
        } = answer.ok_or(Error::Ended)?;
        let now = self.watch.now().mono;
        let Some(Pending { op, since }) = self.pending.remove(&client_seq) else {
            return Err(Error::Senseless(format!("message {client_seq}")));
        };
        // Answers that overtook others are acknowledged with those.
        if server_seq == self.seen.saturating_add(1) || self.pending.is_empty() {
            self.seen = server_seq.max(self.seen);
        }
        let latency = Duration::from_nanos(now.saturating_sub(since));
        match (&op, payload) {
            (_, Some(Answer::Error(error))) => Err(refused(message::describe(&op), error)),
            (Op::Order(order), Some(Answer::Decide(pb::DecideResponse { decision }))) => {
                let asked = Asked {
                    request: Request::Order,
                    key: order.key,
                    bucket: order.route.bucket,
                };
                self.decided(asked, decision, latency)
            }
            (Op::Replace(replace), Some(Answer::Replace(pb::ReplaceResponse { decision }))) => {
                let asked = Asked {
                    request: Request::Replace,
                    key: replace.key,
                    bucket: replace.route.bucket,
                };
                self.decided(asked, decision, latency)
            }
            (Op::Report(_), Some(Answer::Report(pb::ReportResponse { result }))) => {
                let result = result.ok_or_else(|| Error::Senseless(message::describe(&op)))?;
                self.ledger.reported(&result);
                Ok(())
            }
            (Op::Sent(_) | Op::CancelRequested(_), Some(Answer::Notify(_))) => Ok(()),
            _ => Err(Error::Senseless(message::describe(&op))),
        }
    }

    fn decided(
        &mut self,
        asked: Asked,
        decision: Option<pb::Decision>,
        latency: Duration,
    ) -> Result<(), Error> {
        let Asked {
            request,
            key,
            bucket,
        } = asked;
        let senseless = || Error::Senseless(format!("request {key}"));
        let decision = decision.ok_or_else(senseless)?;
        let verdict = message::verdict(&decision).ok_or_else(senseless)?;
        let reason = decision.breaches.first().map(|breach| breach.reason);
        let reason = message::reason_name(reason.unwrap_or_default());
        let (outcome, holder) = match verdict {
            Verdict::Approved => (Outcome::Approved, Some(bucket)),
            Verdict::Rerouted(route) => {
                (Outcome::Rerouted { to: route.bucket }, Some(route.bucket))
            }
            Verdict::Rejected => (Outcome::Rejected { reason: &reason }, None),
        };
        self.undecided = self.undecided.saturating_sub(1);
        self.collector.decision(bucket, request, outcome, latency);
        self.usages(&decision, bucket, holder);
        match (request, holder) {
            (Request::Order, Some(holder)) => {
                self.placements.insert(key.order, holder);
                let approved = read_shares(decision.approved_quantity.as_ref());
                self.ledger.approved(key.order, holder, approved);
            }
            (Request::Replace, Some(holder)) => self.ledger.replaced(holder),
            (_, None) => {}
        }
        let mut ops = Vec::new();
        self.oms.on_decision(key, verdict, &mut ops)?;
        self.queue.extend(ops);
        Ok(())
    }

    /// What the limits count: with the order where it was approved, without it where it was not.
    fn usages(&mut self, decision: &pb::Decision, asked: BucketIndex, holder: Option<BucketIndex>) {
        for figure in &decision.figures {
            let value = match holder {
                Some(_) => &figure.after,
                None => &figure.before,
            };
            let number =
                |value: &Option<pb::Decimal>| Decimal::from_str_exact(&value.as_ref()?.value).ok();
            // Prices have no usage that could peak, and the client's ids are no business of a bucket.
            let skipped = [
                pb::Reason::PriceCollar,
                pb::Reason::PriceCollarPeriod,
                pb::Reason::ClientQuota,
            ];
            let (Some(used), false) = (number(value), skipped.contains(&figure.reason())) else {
                continue;
            };
            let owner = match figure.level() {
                pb::Level::Desk => "desk ",
                pb::Level::Firm => "firm ",
                pb::Level::Venue => "venue ",
                pb::Level::Counterparty => "counterparty ",
                pb::Level::Unspecified
                | pb::Level::Order
                | pb::Level::Bucket
                | pb::Level::Instrument
                | pb::Level::Client
                | pb::Level::Global => "",
            };
            let limit = format!("{owner}{}", figure.limit_id);
            let usage = Usage {
                limit: &limit,
                scope: &figure.scope_value,
                unit: &figure.unit,
                used,
                bound: number(&figure.limit),
            };
            self.collector.usage(holder.unwrap_or(asked), usage);
        }
    }

    async fn push_mark(&mut self, mark: Mark) -> Result<(), Error> {
        let now = match &self.time {
            Time::Recorded(clock) => {
                clock.lead_to(mark.time_ns);
                clock.now().wall
            }
            Time::Own => self.watch.now().wall,
        };
        let price = message::price(mark.price_e4);
        let request = pb::PushMarksRequest {
            marks: vec![pb::Mark {
                instrument_id: INSTRUMENT.to_owned(),
                mark: Some(price.clone()),
                last: Some(price.clone()),
                source: "replay".to_owned(),
                source_time: Some(timestamp(now)),
                // The last price of an earlier run may be far away; those within the file are real.
                confirm_jump: true,
                ..pb::Mark::default()
            }],
        };
        let answer = self.market.push_marks(request).await;
        let answer = answer.map_err(call("a mark"))?.into_inner();
        match answer.results().next() {
            Some(pb::MarketDataStatus::Accepted) => Ok(()),
            Some(status) => Err(Error::Mark {
                price: price.value,
                status: status
                    .as_str_name()
                    .trim_start_matches("MARKET_DATA_STATUS_"),
            }),
            None => Err(Error::Senseless("a mark".to_owned())),
        }
    }
}

/// What a decision answers.
struct Asked {
    request: Request,
    key: oms::OrderKey,
    bucket: BucketIndex,
}

fn refused(what: String, error: pb::OperationError) -> Error {
    let pb::OperationError {
        reason,
        field,
        text,
        ..
    } = error;
    Error::Refused {
        what,
        text,
        reason,
        field,
    }
}

fn timestamp(wall: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: wall.div_euclid(1_000_000_000),
        nanos: i32::try_from(wall.rem_euclid(1_000_000_000)).unwrap_or(0),
    }
}

/// What the gateway says in its answers, added up: what it does not keep once an order has ended.
#[derive(Debug, Default)]
struct Ledger {
    orders: HashMap<OrderId, Booked>,
    /// By bucket.
    sums: BTreeMap<BucketIndex, Sums>,
}

/// An order, by the last answer about it.
#[derive(Clone, Copy, Debug)]
struct Booked {
    bucket: BucketIndex,
    approved: i128,
    cumulative: i128,
    leaves: i128,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    replaces: i128,
    filled: i128,
    /// The position after the last report, once there was one.
    position: Option<i128>,
}

impl Ledger {
    fn approved(&mut self, order: OrderId, bucket: BucketIndex, quantity: Option<i128>) {
        let approved = quantity.unwrap_or(0);
        self.orders.insert(
            order,
            Booked {
                bucket,
                approved,
                cumulative: 0,
                leaves: approved,
            },
        );
    }

    fn replaced(&mut self, bucket: BucketIndex) {
        let sums = self.sums.entry(bucket).or_default();
        sums.replaces = sums.replaces.saturating_add(1);
    }

    fn reported(&mut self, result: &pb::ReportResult) {
        if let Some(view) = &result.order
            && let Some(order) = read_order(&view.original_cl_ord_id)
            && let Some(booked) = self.orders.get_mut(&order)
        {
            let shares = |value: &Option<pb::Decimal>| read_shares(value.as_ref());
            booked.cumulative = shares(&view.cum_quantity).unwrap_or(booked.cumulative);
            booked.leaves = shares(&view.leaves_quantity).unwrap_or(booked.leaves);
        }
        // What is filled is what moves the position: that counts the fills of orders that the gateway does not know as well.
        if let Some(bucket) = bucket_index(&result.bucket_id)
            && let Some(position) = &result.position
            && let Some(position) = read_shares(position.quantity.as_ref())
        {
            let sums = self.sums.entry(bucket).or_default();
            let moved = position.saturating_sub(sums.position.unwrap_or(0));
            sums.filled = sums.filled.saturating_add(moved.saturating_abs());
            sums.position = Some(position);
        }
    }

    /// Positions that were there before the first report.
    fn start(&mut self, before: &BTreeMap<BucketIndex, Holding>) {
        for (bucket, holding) in before {
            self.sums.entry(*bucket).or_default().position = holding.position;
        }
    }

    fn end_states(
        &self,
        before: &BTreeMap<BucketIndex, Holding>,
        after: &BTreeMap<BucketIndex, Holding>,
        live: &BTreeMap<BucketIndex, BTreeMap<OrderId, u64>>,
    ) -> BTreeMap<BucketIndex, EndState> {
        let mut states = BTreeMap::new();
        for (bucket, after) in after {
            let before = before.get(bucket).copied().unwrap_or_default();
            let sums = self.sums.get(bucket).copied().unwrap_or_default();
            let change =
                |after: Option<i128>, before: Option<i128>| after?.checked_sub(before.unwrap_or(0));
            let decided = change(after.approved, before.approved);
            let cancelled = self
                .orders
                .values()
                .filter(|order| order.bucket == *bucket)
                .map(|order| {
                    let kept = order.cumulative.saturating_add(order.leaves);
                    order.approved.saturating_sub(kept).max(0)
                })
                .fold(0, i128::saturating_add);
            let state = EndState {
                orders: decided.and_then(|decided| decided.checked_sub(sums.replaces)),
                filled: Some(sums.filled),
                cancelled: Some(cancelled),
                live_orders: change(after.live_orders, before.live_orders),
                live_buy: change(after.open_buy, before.open_buy),
                live_sell: change(after.open_sell, before.open_sell),
                position: change(after.position, before.position),
                notional_e4: change(after.notional_e4, before.notional_e4),
                live: Some(live.get(bucket).cloned().unwrap_or_default()),
            };
            states.insert(*bucket, state);
        }
        states
    }
}

/// What the gateway says of a bucket as a whole.
#[derive(Clone, Copy, Debug, Default)]
struct Holding {
    approved: Option<i128>,
    live_orders: Option<i128>,
    open_buy: Option<i128>,
    open_sell: Option<i128>,
    position: Option<i128>,
    notional_e4: Option<i128>,
}

async fn holdings(
    monitor: &mut MonitorServiceClient<Channel>,
) -> Result<BTreeMap<BucketIndex, Holding>, Error> {
    let mut holdings = BTreeMap::new();
    for (index, name) in (0..).map(BucketIndex).zip(BUCKETS) {
        let request = pb::GetBucketStatusRequest {
            bucket_id: name.to_owned(),
        };
        let answer = monitor.get_bucket_status(request).await;
        let answer = answer.map_err(|status| match status.code() == Code::NotFound {
            true => Error::OtherFirm(name),
            false => call("the state of a bucket")(status),
        })?;
        let status = answer.into_inner().bucket;
        let status = status.ok_or_else(|| Error::Senseless(format!("bucket {name}")))?;
        holdings.insert(index, holding(&status));
    }
    Ok(holdings)
}

fn holding(status: &pb::BucketStatus) -> Holding {
    let position = status
        .positions
        .iter()
        .find(|position| position.instrument_id == INSTRUMENT);
    // A position that was never there is none.
    let shares = |field: fn(&pb::Position) -> Option<&pb::Decimal>| match position {
        Some(position) => read_shares(field(position)),
        None => Some(0),
    };
    // What was traded: the gateway counts what is open beside it.
    let traded = read_money_e4(status.traded_notional.as_ref());
    let open = read_money_e4(status.reserved.as_ref());
    Holding {
        approved: Some(status.approved.into()),
        live_orders: Some(status.live_orders.into()),
        open_buy: shares(|position| position.open_buy_quantity.as_ref()),
        open_sell: shares(|position| position.open_sell_quantity.as_ref()),
        position: shares(|position| position.quantity.as_ref()),
        notional_e4: traded
            .zip(open)
            .and_then(|(traded, open)| traded.checked_sub(open)),
    }
}

/// Shares left of every live order of a client, by bucket.
async fn live_orders(
    monitor: &mut MonitorServiceClient<Channel>,
    client: &str,
) -> Result<BTreeMap<BucketIndex, BTreeMap<OrderId, u64>>, Error> {
    let mut live: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListLiveOrdersRequest {
            client_id: client.to_owned(),
            page_size: PAGE,
            page_token,
            ..pb::ListLiveOrdersRequest::default()
        };
        let answer = monitor.list_live_orders(request).await;
        let answer = answer.map_err(call("the live orders"))?.into_inner();
        for view in answer.orders {
            let senseless = || Error::Senseless(format!("live order {}", view.cl_ord_id));
            let order = read_order(&view.original_cl_ord_id).ok_or_else(senseless)?;
            let bucket = view.route.as_ref().map(|route| route.bucket_id.as_str());
            let bucket = bucket.and_then(bucket_index).ok_or_else(senseless)?;
            let leaves = read_shares(view.leaves_quantity.as_ref())
                .and_then(|leaves| u64::try_from(leaves).ok())
                .ok_or_else(senseless)?;
            live.entry(bucket).or_default().insert(order, leaves);
        }
        if answer.next_page_token.is_empty() {
            return Ok(live);
        }
        page_token = answer.next_page_token;
    }
}
