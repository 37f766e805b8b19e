//! The independent recount: what every bucket must hold at the end of a replay, worked out from the file and from the
//! gateway's decisions alone, and compared with what the gateway says it holds.
//!
//! As plain as possible on purpose: one pass, one table of what is left of each order, sums. It shares no code with the
//! rules, the engine or [`super::oms`]; only the reader of the file is the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroU64;

use serde::Serialize;

use super::lobster::{Action, Error, Event, OrderId, Side, decimal_e4};
use super::oms::BucketIndex;

/// Where each approved or rerouted order went, by the gateway's decisions. Orders that are missing were rejected.
pub type Placements = HashMap<OrderId, BucketIndex>;

/// What the gateway does with trades of orders it never saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownTrades {
    /// Books them to the bucket of the venue account they came from: here the order id modulo the buckets.
    Booked,
    /// Keeps them apart, outside every bucket of the replay.
    Quarantined,
}

/// What one bucket must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Orders approved.
    pub orders: u64,
    /// Shares executed, bought and sold together.
    pub filled: u64,
    /// Shares cancelled or deleted.
    pub cancelled: u64,
    /// Orders with something left.
    pub live_orders: u64,
    /// Shares left of live buy orders.
    pub live_buy: u64,
    /// Shares left of live sell orders.
    pub live_sell: u64,
    /// Shares bought less shares sold.
    pub position: i128,
    /// Price times shares of all executions, in 1/10,000 dollars.
    pub notional_e4: i128,
}

/// What all buckets must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recount {
    /// One tally per bucket; every bucket is there.
    pub buckets: BTreeMap<BucketIndex, Tally>,
    /// Trades of unknown orders alone, also those that are booked to a bucket.
    pub unknown: Tally,
    /// Shares left of each live order, by bucket; buckets without live orders are missing.
    pub live: BTreeMap<BucketIndex, BTreeMap<OrderId, u64>>,
}

/// One order of the file.
struct Order {
    bucket: BucketIndex,
    side: Side,
    left: u64,
}

/// Recounts a file.
///
/// # Errors
/// The first malformed line.
pub fn recount(
    events: impl Iterator<Item = Result<Event, Error>>,
    placements: &Placements,
    buckets: NonZeroU64,
    unknown_trades: UnknownTrades,
) -> Result<Recount, Error> {
    let mut result = Recount::default();
    for bucket in 0..buckets.get() {
        result.buckets.insert(BucketIndex(bucket), Tally::default());
    }
    // Orders of the file: `None` was rejected.
    let mut orders: HashMap<OrderId, Option<Order>> = HashMap::new();

    for event in events {
        match event?.action {
            Action::Submit(submitted) => {
                if orders.contains_key(&submitted.order) {
                    continue;
                }
                let placed = placements.get(&submitted.order).map(|bucket| Order {
                    bucket: *bucket,
                    side: submitted.side,
                    left: submitted.quantity,
                });
                if let Some(order) = &placed {
                    let tally = result.buckets.entry(order.bucket).or_default();
                    tally.orders = tally.orders.saturating_add(1);
                }
                orders.insert(submitted.order, placed);
            }
            Action::PartialCancel(cancelled) => {
                if let Some(Some(order)) = orders.get_mut(&cancelled.order) {
                    let gone = cancelled.quantity.min(order.left);
                    order.left = order.left.saturating_sub(gone);
                    let tally = result.buckets.entry(order.bucket).or_default();
                    tally.cancelled = tally.cancelled.saturating_add(gone);
                }
            }
            Action::Delete(deleted) => {
                if let Some(Some(order)) = orders.get_mut(&deleted.order) {
                    let tally = result.buckets.entry(order.bucket).or_default();
                    tally.cancelled = tally.cancelled.saturating_add(order.left);
                    order.left = 0;
                }
            }
            Action::Execute(executed) => {
                let (side, quantity, price_e4) =
                    (executed.side, executed.quantity, executed.price_e4);
                match orders.get_mut(&executed.order) {
                    Some(Some(order)) => {
                        order.left = order.left.saturating_sub(quantity);
                        let tally = result.buckets.entry(order.bucket).or_default();
                        tally.trade(order.side, quantity, price_e4);
                    }
                    Some(None) => {}
                    None => {
                        result.unknown.trade(side, quantity, price_e4);
                        if unknown_trades == UnknownTrades::Booked {
                            let bucket = BucketIndex(executed.order.0 % buckets);
                            let tally = result.buckets.entry(bucket).or_default();
                            tally.trade(side, quantity, price_e4);
                        }
                    }
                }
            }
            Action::ExecuteHidden { .. } | Action::Cross | Action::Halt(_) => {}
        }
    }

    for (id, order) in orders {
        let Some(order) = order.filter(|order| order.left > 0) else {
            continue;
        };
        let tally = result.buckets.entry(order.bucket).or_default();
        tally.live_orders = tally.live_orders.saturating_add(1);
        let live = match order.side {
            Side::Buy => &mut tally.live_buy,
            Side::Sell => &mut tally.live_sell,
        };
        *live = live.saturating_add(order.left);
        let live = result.live.entry(order.bucket).or_default();
        live.insert(id, order.left);
    }
    Ok(result)
}

impl Tally {
    // Sums saturate. They cannot reach the end: the reader bounds sizes and prices by 10^12 each.
    fn trade(&mut self, side: Side, quantity: u64, price_e4: u64) {
        let shares = i128::from(quantity);
        self.filled = self.filled.saturating_add(quantity);
        self.position = match side {
            Side::Buy => self.position.saturating_add(shares),
            Side::Sell => self.position.saturating_sub(shares),
        };
        let notional = shares.saturating_mul(i128::from(price_e4));
        self.notional_e4 = self.notional_e4.saturating_add(notional);
    }
}

/// What the gateway says one bucket holds. A figure it does not report is `None`: it is not compared, and that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndState {
    /// Orders approved.
    pub orders: Option<i128>,
    /// Shares executed, bought and sold together.
    pub filled: Option<i128>,
    /// Shares cancelled or deleted.
    pub cancelled: Option<i128>,
    /// Live orders.
    pub live_orders: Option<i128>,
    /// Shares left of live buy orders.
    pub live_buy: Option<i128>,
    /// Shares left of live sell orders.
    pub live_sell: Option<i128>,
    /// Shares bought less shares sold.
    pub position: Option<i128>,
    /// Price times shares of all executions, in 1/10,000 dollars.
    pub notional_e4: Option<i128>,
    /// Shares left of each live order.
    pub live: Option<BTreeMap<OrderId, u64>>,
}

/// A figure that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Orders approved.
    Orders,
    /// Shares executed.
    Filled,
    /// Shares cancelled.
    Cancelled,
    /// Live orders.
    LiveOrders,
    /// Shares of live buy orders.
    LiveBuy,
    /// Shares of live sell orders.
    LiveSell,
    /// Signed position.
    Position,
    /// Executed notional in 1/10,000 dollars.
    #[serde(rename = "notional_traded")]
    Notional,
    /// The list of live orders.
    Live,
    /// Shares left of one live order.
    Leaves(OrderId),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Orders => "approved orders",
            Self::Filled => "shares filled",
            Self::Cancelled => "shares cancelled",
            Self::LiveOrders => "live orders",
            Self::LiveBuy => "shares of live buy orders",
            Self::LiveSell => "shares of live sell orders",
            Self::Position => "position",
            Self::Notional => "notional traded",
            Self::Live => "list of live orders",
            Self::Leaves(order) => return write!(f, "shares left of order {order}"),
        })
    }
}

/// A figure on which recount and gateway differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whose figure.
    pub bucket: BucketIndex,
    /// Which figure.
    pub figure: Figure,
    /// What the recount says.
    pub expected: i128,
    /// What the gateway says; `None` when it does not know the bucket at all.
    pub reported: Option<i128>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: i128| {
            if self.figure == Figure::Notional {
                decimal_e4(value)
            } else {
                value.to_string()
            }
        };
        let expected = text(self.expected);
        let reported = self.reported.map_or_else(|| "nothing".to_owned(), text);
        let (bucket, figure) = (self.bucket.0, self.figure);
        write!(
            f,
            "bucket {bucket}, {figure}: gateway {reported}, recount {expected}"
        )
    }
}

/// The outcome of a recount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// How many figures were compared.
    pub compared: u64,
    /// Those that differ, by bucket.
    pub differences: Vec<Difference>,
    /// Figures that at least one bucket does not report.
    pub not_reported: BTreeSet<Figure>,
}

impl Comparison {
    /// Whether something was compared and nothing differs.
    pub fn agrees(&self) -> bool {
        self.compared > 0 && self.differences.is_empty()
    }

    fn compare(&mut self, bucket: BucketIndex, figure: Figure, expected: i128, reported: i128) {
        self.compared = self.compared.saturating_add(1);
        if expected != reported {
            self.differences.push(Difference {
                bucket,
                figure,
                expected,
                reported: Some(reported),
            });
        }
    }
}

/// Compares what must be with what the gateway reports. A bucket it does not report differs in its orders; a bucket
/// that the recount does not know is compared with an empty one.
pub fn compare(recount: &Recount, reported: &BTreeMap<BucketIndex, EndState>) -> Comparison {
    let mut result = Comparison::default();
    let nothing = Tally::default();
    let none_live = BTreeMap::new();
    let buckets: BTreeSet<_> = recount.buckets.keys().chain(reported.keys()).collect();
    for bucket in buckets.into_iter().copied() {
        let tally = recount.buckets.get(&bucket).unwrap_or(&nothing);
        let Some(state) = reported.get(&bucket) else {
            result.compared = result.compared.saturating_add(1);
            result.differences.push(Difference {
                bucket,
                figure: Figure::Orders,
                expected: tally.orders.into(),
                reported: None,
            });
            continue;
        };
        for (figure, expected, reported) in [
            (Figure::Orders, tally.orders.into(), state.orders),
            (Figure::Filled, tally.filled.into(), state.filled),
            (Figure::Cancelled, tally.cancelled.into(), state.cancelled),
            (
                Figure::LiveOrders,
                tally.live_orders.into(),
                state.live_orders,
            ),
            (Figure::LiveBuy, tally.live_buy.into(), state.live_buy),
            (Figure::LiveSell, tally.live_sell.into(), state.live_sell),
            (Figure::Position, tally.position, state.position),
            (Figure::Notional, tally.notional_e4, state.notional_e4),
        ] {
            match reported {
                Some(reported) => result.compare(bucket, figure, expected, reported),
                None => {
                    result.not_reported.insert(figure);
                }
            }
        }
        let Some(reported) = &state.live else {
            result.not_reported.insert(Figure::Live);
            continue;
        };
        let expected = recount.live.get(&bucket).unwrap_or(&none_live);
        let orders: BTreeSet<_> = expected.keys().chain(reported.keys()).collect();
        for order in orders {
            let left = |live: &BTreeMap<_, u64>| i128::from(live.get(order).copied().unwrap_or(0));
            let figure = Figure::Leaves(*order);
            result.compare(bucket, figure, left(expected), left(reported));
        }
    }
    result
}

/// Reads an amount as the gateway writes it (`-702.5`) in 1/10,000. `None` when it is no plain decimal, has more than
/// four decimals that count, or is too large: such a figure cannot come from a replay.
pub fn parse_e4(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 4 {
        return None;
    }
    let value: i128 = format!("{whole}{fraction:0<4}").parse().ok()?;
    if negative {
        value.checked_neg()
    } else {
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::arithmetic_side_effects,
        clippy::wildcard_enum_match_arm,
        reason = "a test that fails may panic"
    )]

    use std::path::Path;

    use super::super::Source;
    use super::super::lobster::{self, Reader};
    use super::super::oms::{Oms, Op, OrderKey, ReportKind, Route, Verdict};
    use super::*;

    fn buckets(count: u64) -> NonZeroU64 {
        NonZeroU64::new(count).unwrap()
    }

    fn sample() -> Vec<Event> {
        let events = Source::Sample.events().unwrap();
        events.collect::<Result<_, _>>().unwrap()
    }

    /// The events of the real file, where it is present.
    fn real() -> Option<Vec<Event>> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../shared/data/aapl-2012-06-21-0930-1000.lobster.csv.gz");
        if !path.exists() {
            eprintln!("{} is not there: the sample alone is read", path.display());
            return None;
        }
        let events = lobster::open(&path).unwrap().collect::<Result<_, _>>();
        Some(events.unwrap())
    }

    #[test]
    fn the_recount_of_the_real_file_matches_what_is_known_of_it() {
        let Some(events) = real() else {
            return;
        };
        let summary = lobster::summarize(events.iter().copied().map(Ok)).unwrap();
        assert_eq!(summary.events, 42_203);
        assert_eq!(
            (summary.submissions, summary.partial_cancels),
            (20_273, 233)
        );
        assert_eq!((summary.deletions, summary.executions), (18_495, 2_079));
        assert_eq!(
            (summary.hidden_executions, summary.crosses, summary.halts),
            (1_123, 0, 0)
        );
        assert_eq!(summary.first_trade_e4, Some(5_857_400));

        for count in [1, 4, 7] {
            let all = |event: &Event| match event.action {
                Action::Submit(order) => Some((order.order, BucketIndex(order.order.0 % count))),
                _ => None,
            };
            let placements = events.iter().filter_map(all).collect();
            let read = events.iter().copied().map(Ok);
            let recount = recount(
                read,
                &placements,
                buckets(count),
                UnknownTrades::Quarantined,
            )
            .unwrap();
            let sum = |figure: fn(&Tally) -> u64| recount.buckets.values().map(figure).sum::<u64>();
            assert_eq!(sum(|tally| tally.orders), 20_273);
            assert_eq!(sum(|tally| tally.live_orders), 298);
            assert_eq!(
                sum(|tally| tally.live_buy) + sum(|tally| tally.live_sell),
                58_793
            );
            assert_eq!(recount.unknown.filled, 870);
        }
    }

    /// What a gateway that believes every report holds at the end: summed from what the OMS sends, decision by decision.
    fn play(
        events: &[Event],
        count: u64,
        mut decide: impl FnMut(u64) -> Verdict,
    ) -> (Placements, BTreeMap<BucketIndex, EndState>, Oms) {
        let mut oms = Oms::new(buckets(count));
        let mut placements = Placements::new();
        let mut states: BTreeMap<_, EndState> = BTreeMap::new();
        let mut left: HashMap<OrderId, (BucketIndex, Side, u64)> = HashMap::new();
        let mut asked = std::collections::VecDeque::new();
        for bucket in 0..count {
            states.insert(BucketIndex(bucket), EndState::default());
        }
        let add =
            |figure: &mut Option<i128>, value: i128| *figure = Some(figure.unwrap_or(0) + value);
        let mut last = false;
        let mut events = events.iter();
        while !last || !asked.is_empty() {
            let mut ops = Vec::new();
            match events.next() {
                Some(event) => oms.next_ops(event, &mut ops),
                None => last = true,
            }
            // Decisions come 50 requests late.
            if asked.len() > 50 || (last && !asked.is_empty()) {
                let (key, route): (OrderKey, Route) = asked.pop_front().unwrap();
                let verdict = match key.version {
                    0 => decide(key.order.0),
                    _ if key.order.0 % 3 == 0 => Verdict::Rejected,
                    _ => Verdict::Approved,
                };
                let bucket = match verdict {
                    Verdict::Approved => Some(route.bucket),
                    Verdict::Rerouted(route) => Some(route.bucket),
                    Verdict::Rejected => None,
                };
                if let (0, Some(bucket)) = (key.version, bucket) {
                    placements.insert(key.order, bucket);
                    add(&mut states.get_mut(&bucket).unwrap().orders, 1);
                }
                oms.on_decision(key, verdict, &mut ops).unwrap();
            }
            for op in ops {
                match op {
                    Op::Order(order) => asked.push_back((order.key, order.route)),
                    Op::Replace(replace) => asked.push_back((replace.key, replace.route)),
                    Op::Report(report) => {
                        let state = states.get_mut(&report.route.bucket).unwrap();
                        if let ReportKind::Trade { quantity, price_e4 } = report.kind {
                            let quantity = i128::from(quantity);
                            let signed = match report.side {
                                Side::Buy => quantity,
                                Side::Sell => -quantity,
                            };
                            add(&mut state.filled, quantity);
                            add(&mut state.position, signed);
                            add(&mut state.notional_e4, quantity * i128::from(price_e4));
                        }
                        if let Some(totals) = report.totals {
                            let order = (report.route.bucket, report.side, totals.leaves);
                            left.insert(report.key.order, order);
                        }
                    }
                    Op::Sent(_) | Op::CancelRequested(_) | Op::Mark(_) => {}
                }
            }
        }
        for state in states.values_mut() {
            state.live = Some(BTreeMap::new());
            for figure in [&mut state.orders, &mut state.filled, &mut state.position] {
                add(figure, 0);
            }
            add(&mut state.notional_e4, 0);
            for figure in [
                &mut state.live_orders,
                &mut state.live_buy,
                &mut state.live_sell,
            ] {
                add(figure, 0);
            }
        }
        for (order, (bucket, side, left)) in left {
            if left > 0 {
                let state = states.get_mut(&bucket).unwrap();
                state.live.as_mut().unwrap().insert(order, left);
                add(&mut state.live_orders, 1);
                match side {
                    Side::Buy => add(&mut state.live_buy, left.into()),
                    Side::Sell => add(&mut state.live_sell, left.into()),
                }
            }
        }
        (placements, states, oms)
    }

    fn check_sum(events: &[Event], orders: u64, unknown: u64) {
        let elsewhere = Verdict::Rerouted(Route {
            bucket: BucketIndex(0),
            account: 2,
        });
        let mixed = move |order: u64| match order % 11 {
            0..=2 => Verdict::Rejected,
            3 => elsewhere,
            _ => Verdict::Approved,
        };
        let (placements, states, oms) = play(events, 4, mixed);
        assert_eq!(oms.waiting(), 0);
        let read = events.iter().copied().map(Ok);
        let recount = recount(read, &placements, buckets(4), UnknownTrades::Booked).unwrap();
        let comparison = compare(&recount, &states);
        assert_eq!(comparison.differences, []);
        assert_eq!(comparison.not_reported, BTreeSet::from([Figure::Cancelled]));
        assert!(comparison.agrees());

        let counts = oms.counts();
        assert_eq!((counts.late_trades, counts.over_trades), (0, 0));
        assert_eq!((counts.odd_cancels, counts.cancels_after_end), (0, 0));
        assert!(counts.replaces_rejected > 0 && counts.rerouted > 0 && counts.suppressed > 0);
        assert_eq!((counts.orders, counts.unknown), (orders, unknown));
    }

    #[test]
    fn what_the_oms_sends_of_the_sample_adds_up_to_the_recount() {
        check_sum(&sample(), 1_355, 8);
    }

    #[test]
    fn what_the_oms_sends_of_the_real_file_adds_up_to_the_recount() {
        if let Some(events) = real() {
            check_sum(&events, 20_273, 54);
        }
    }

    const STORY: &str = "\
1,1,4,100,50000,1\n\
2,1,5,200,60000,-1\n\
3,1,9,300,70000,-1\n\
4,4,4,30,50000,1\n\
5,2,4,20,50000,1\n\
6,2,5,50,60000,-1\n\
7,4,9,10,70000,-1\n\
8,4,2,5,40000,-1\n\
9,3,5,150,60000,-1\n\
10,3,7,150,60000,-1\n\
11,5,0,1000,60000,-1\n\
12,1,4,100,50000,1\n";

    fn story(unknown_trades: UnknownTrades) -> Recount {
        let placements =
            Placements::from([(OrderId(4), BucketIndex(0)), (OrderId(5), BucketIndex(0))]);
        recount(
            Reader::new(STORY.as_bytes()),
            &placements,
            buckets(2),
            unknown_trades,
        )
        .unwrap()
    }

    #[test]
    fn a_story_is_recounted_by_hand() {
        let first = Tally {
            orders: 2,
            filled: 30,
            cancelled: 220,
            live_orders: 1,
            live_buy: 50,
            live_sell: 0,
            position: 30,
            notional_e4: 1_500_000,
        };
        let unknown = Tally {
            filled: 5,
            position: -5,
            notional_e4: 200_000,
            ..Tally::default()
        };
        let apart = story(UnknownTrades::Quarantined);
        let live = BTreeMap::from([(BucketIndex(0), BTreeMap::from([(OrderId(4), 50)]))]);
        assert_eq!(apart.live, live);
        assert_eq!(apart.unknown, unknown);
        let expected = [
            (BucketIndex(0), first.clone()),
            (BucketIndex(1), Tally::default()),
        ];
        assert_eq!(apart.buckets, BTreeMap::from(expected));

        let booked = story(UnknownTrades::Booked);
        let with_unknown = Tally {
            filled: 35,
            position: 25,
            notional_e4: 1_700_000,
            ..first
        };
        assert_eq!(booked.buckets.get(&BucketIndex(0)), Some(&with_unknown));
        assert_eq!(booked.unknown, unknown);
    }

    #[test]
    fn every_wrong_figure_is_a_difference() {
        let recount = story(UnknownTrades::Quarantined);
        let right = EndState {
            orders: Some(2),
            filled: Some(30),
            cancelled: Some(220),
            live_orders: Some(1),
            live_buy: Some(50),
            live_sell: Some(0),
            position: Some(30),
            notional_e4: Some(1_500_000),
            live: Some(BTreeMap::from([(OrderId(4), 50)])),
        };
        let empty = EndState {
            orders: Some(0),
            ..EndState::default()
        };
        let with = |change: fn(&mut EndState)| {
            let mut state = right.clone();
            change(&mut state);
            BTreeMap::from([(BucketIndex(0), state), (BucketIndex(1), empty.clone())])
        };
        let same = compare(&recount, &with(|_| ()));
        assert!(same.agrees());
        assert_eq!((same.compared, same.not_reported.len()), (10, 8));

        let cases: [(fn(&mut EndState), _); 10] = [
            (
                |state| state.orders = Some(1),
                "approved orders: gateway 1, recount 2",
            ),
            (
                |state| state.filled = Some(0),
                "shares filled: gateway 0, recount 30",
            ),
            (
                |state| state.cancelled = Some(0),
                "shares cancelled: gateway 0, recount 220",
            ),
            (
                |state| state.live_orders = Some(2),
                "live orders: gateway 2, recount 1",
            ),
            (
                |state| state.live_buy = Some(0),
                "shares of live buy orders: gateway 0, recount 50",
            ),
            (
                |state| state.live_sell = Some(9),
                "shares of live sell orders: gateway 9, recount 0",
            ),
            (
                |state| state.position = Some(-30),
                "position: gateway -30, recount 30",
            ),
            (
                |state| state.notional_e4 = Some(1_505_000),
                "notional traded: gateway 150.5, recount 150",
            ),
            (
                |state| state.live = Some(BTreeMap::from([(OrderId(4), 49)])),
                "shares left of order 4: gateway 49, recount 50",
            ),
            (
                |state| state.live = Some(BTreeMap::from([(OrderId(4), 50), (OrderId(6), 1)])),
                "shares left of order 6: gateway 1, recount 0",
            ),
        ];
        for (change, message) in cases {
            let comparison = compare(&recount, &with(change));
            assert!(!comparison.agrees());
            let messages: Vec<_> = comparison
                .differences
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(messages, [format!("bucket 0, {message}")]);
        }
    }

    #[test]
    fn buckets_that_only_one_side_knows_are_differences() {
        let recount = story(UnknownTrades::Quarantined);
        let stranger = EndState {
            orders: Some(1),
            ..EndState::default()
        };
        let reported = BTreeMap::from([(BucketIndex(7), stranger)]);
        let comparison = compare(&recount, &reported);
        let messages: Vec<_> = comparison
            .differences
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = [
            "bucket 0, approved orders: gateway nothing, recount 2",
            "bucket 1, approved orders: gateway nothing, recount 0",
            "bucket 7, approved orders: gateway 1, recount 0",
        ];
        assert_eq!(messages, expected);
        assert!(!compare(&Recount::default(), &BTreeMap::new()).agrees());
    }

    #[test]
    fn amounts_of_the_gateway_are_read_exactly() {
        for (text, value) in [
            ("585.33", Some(5_853_300)),
            ("-702.5", Some(-7_025_000)),
            ("0", Some(0)),
            ("-0", Some(0)),
            ("1.000000000000", Some(10_000)),
            ("0.0001", Some(1)),
            ("0.00001", None),
            ("", None),
            (".5", None),
            ("1.", None),
            ("+1", None),
            ("1e3", None),
            ("--1", None),
            ("1 ", None),
            ("999999999999999999999999999999999999999", None),
        ] {
            assert_eq!(parse_e4(text), value, "{text}");
        }
    }
}
