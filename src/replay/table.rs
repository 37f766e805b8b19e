//! The end of a replay: what was decided, how close every limit came, how long decisions took, and whether the recount
//! agrees. [`Collector`] gathers while the replay runs; [`Report`] is the result, as text for people and as JSON.
//!
//! It knows limits and reasons by the names the gateway gave them, and nothing else about them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use comfy_table::{CellAlignment, Row, Table, presets};
use hdrhistogram::Histogram;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Serialize, Serializer};

use super::lobster::Summary;
use super::oms::{BucketIndex, Counts};
use super::recount::Comparison;

/// Latencies above this count as this.
const LATENCY_MAX_NS: u64 = 60_000_000_000;
/// Differences that are printed; JSON has all.
const DIFFERENCES_SHOWN: usize = 20;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A new order.
    Order,
    /// A replace.
    Replace,
}

/// What the gateway answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Approved as asked.
    Approved,
    /// Approved on another route, perhaps of another bucket.
    Rerouted {
        /// The bucket that holds the order now.
        to: BucketIndex,
    },
    /// Rejected.
    Rejected {
        /// The primary reason, by name.
        reason: &'a str,
    },
}

/// How much of one limit is used at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Usage<'a> {
    /// The limit, by name.
    pub limit: &'a str,
    /// What it is about: an instrument, a venue, or nothing.
    pub scope: &'a str,
    /// Currency or other unit.
    pub unit: &'a str,
    /// Used now.
    pub used: Decimal,
    /// The bound; `None` when usage is counted without one.
    pub bound: Option<Decimal>,
}

/// Gathers what a replay sees.
#[derive(Debug, Default)]
pub struct Collector {
    buckets: BTreeMap<BucketIndex, Gathered>,
}

#[derive(Debug)]
struct Gathered {
    name: String,
    orders: Decisions,
    replaces: Decisions,
    received: u64,
    /// By limit and scope.
    peaks: BTreeMap<(String, String), Peak>,
    latency: Histogram<u64>,
}

impl Gathered {
    fn new(name: String) -> Self {
        Self {
            name,
            orders: Decisions::default(),
            replaces: Decisions::default(),
            received: 0,
            peaks: BTreeMap::new(),
            latency: histogram(),
        }
    }
}

impl Collector {
    /// Starts with the buckets of the replay, by name, in the order of their numbers.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let numbered = (0..).map(BucketIndex).zip(names);
        Self {
            buckets: numbered
                .map(|(bucket, name)| (bucket, Gathered::new(name)))
                .collect(),
        }
    }

    /// Takes one decision. The latency is from handing the request over to holding its answer.
    pub fn decision(
        &mut self,
        bucket: BucketIndex,
        request: Request,
        outcome: Outcome<'_>,
        latency: Duration,
    ) {
        let gathered = self.bucket(bucket);
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        gathered.latency.saturating_record(nanos);
        let decisions = match request {
            Request::Order => &mut gathered.orders,
            Request::Replace => &mut gathered.replaces,
        };
        match outcome {
            Outcome::Approved => add(&mut decisions.approved, 1),
            Outcome::Rejected { reason } => {
                add(&mut decisions.rejected, 1);
                add(decisions.reasons.entry(reason.to_owned()).or_default(), 1);
            }
            Outcome::Rerouted { to } => {
                add(&mut decisions.rerouted, 1);
                if to != bucket {
                    add(&mut self.bucket(to).received, 1);
                }
            }
        }
    }

    /// Takes the usage of a limit; the highest is kept.
    pub fn usage(&mut self, bucket: BucketIndex, usage: Usage<'_>) {
        let key = (usage.limit.to_owned(), usage.scope.to_owned());
        let peaks = &mut self.bucket(bucket).peaks;
        if peaks.get(&key).is_some_and(|peak| peak.used >= usage.used) {
            return;
        }
        let percent = usage.bound.and_then(|bound| percent(usage.used, bound));
        peaks.insert(
            key,
            Peak {
                limit: usage.limit.to_owned(),
                scope: usage.scope.to_owned(),
                unit: usage.unit.to_owned(),
                used: usage.used,
                bound: usage.bound,
                percent,
            },
        );
    }

    /// Ends the gathering.
    pub fn finish(self, run: Run) -> Report {
        let mut latency = histogram();
        let mut decisions = 0;
        let mut buckets = Vec::new();
        for gathered in self.buckets.into_values() {
            add(&mut decisions, gathered.latency.len());
            // All histograms have the same bounds, so adding cannot fail.
            let _ = latency.add(&gathered.latency);
            buckets.push(BucketReport {
                name: gathered.name,
                orders: gathered.orders,
                replaces: gathered.replaces,
                received: gathered.received,
                peaks: gathered.peaks.into_values().collect(),
                latency: Latency::of(&gathered.latency),
            });
        }
        let per_second = u128::from(decisions)
            .saturating_mul(1_000_000_000)
            .checked_div(run.elapsed.as_nanos())
            .and_then(|rate| u64::try_from(rate).ok());
        Report {
            source: run.source,
            gateway: run.gateway,
            events: run.events,
            elapsed_ns: u64::try_from(run.elapsed.as_nanos()).unwrap_or(u64::MAX),
            decisions,
            decisions_per_second: per_second,
            buckets,
            latency: Latency::of(&latency),
            oms: run.oms,
            recount_agrees: run.recount.agrees(),
            recount: run.recount,
        }
    }

    fn bucket(&mut self, bucket: BucketIndex) -> &mut Gathered {
        self.buckets
            .entry(bucket)
            .or_insert_with(|| Gathered::new(format!("#{}", bucket.0)))
    }
}

/// What is known of a replay beside its decisions.
#[derive(Clone, Debug)]
pub struct Run {
    /// What was replayed, in words: a file, or the sample.
    pub source: String,
    /// Against which gateway, and by whose clock, in words.
    pub gateway: String,
    /// What the file holds.
    pub events: Summary,
    /// From the first message to the last answer.
    pub elapsed: Duration,
    /// What the OMS did with the events.
    pub oms: Counts,
    /// What the recount found.
    pub recount: Comparison,
}

/// The result of a replay.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was replayed.
    pub source: String,
    /// Against which gateway, and by whose clock, in words.
    pub gateway: String,
    /// What the file holds.
    pub events: Summary,
    /// From the first message to the last answer.
    pub elapsed_ns: u64,
    /// Orders and replaces decided.
    pub decisions: u64,
    /// Decisions per second; missing when no time passed.
    pub decisions_per_second: Option<u64>,
    /// One entry per bucket.
    pub buckets: Vec<BucketReport>,
    /// Over all buckets.
    pub latency: Option<Latency>,
    /// What the OMS did with the events.
    pub oms: Counts,
    /// Whether the gateway's end state is what the file says.
    pub recount_agrees: bool,
    /// The comparison itself.
    pub recount: Comparison,
}

/// One bucket of a [`Report`].
#[derive(Clone, Debug, Serialize)]
pub struct BucketReport {
    /// Its name.
    pub name: String,
    /// Decisions on orders addressed to it.
    pub orders: Decisions,
    /// Decisions on replaces of orders it holds.
    pub replaces: Decisions,
    /// Orders rerouted to it from other buckets.
    pub received: u64,
    /// The highest usage of each limit.
    pub peaks: Vec<Peak>,
    /// Of all decisions on requests addressed to it; missing when there were none.
    pub latency: Option<Latency>,
}

/// How a kind of request was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Decisions {
    /// As asked.
    pub approved: u64,
    /// On another route.
    pub rerouted: u64,
    /// Not at all.
    pub rejected: u64,
    /// The rejected ones by primary reason.
    pub reasons: BTreeMap<String, u64>,
}

impl Decisions {
    fn asked(&self) -> u64 {
        self.approved
            .saturating_add(self.rerouted)
            .saturating_add(self.rejected)
    }

    fn include(&mut self, other: &Self) {
        add(&mut self.approved, other.approved);
        add(&mut self.rerouted, other.rerouted);
        add(&mut self.rejected, other.rejected);
        for (reason, times) in &other.reasons {
            add(self.reasons.entry(reason.clone()).or_default(), *times);
        }
    }
}

/// The highest usage of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Peak {
    /// The limit, by name.
    pub limit: String,
    /// What it is about; may be empty.
    pub scope: String,
    /// Currency or other unit.
    pub unit: String,
    /// Highest usage seen.
    #[serde(serialize_with = "exact")]
    pub used: Decimal,
    /// The bound at that moment.
    #[serde(serialize_with = "exact_or_null")]
    pub bound: Option<Decimal>,
    /// Usage in percent of the bound, rounded down: 100 is said only when all of it was used.
    pub percent: Option<u64>,
}

/// Percentiles of the time a decision took, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Median.
    pub p50_ns: u64,
    /// Nine of ten were faster.
    pub p90_ns: u64,
    /// 99 of 100 were faster.
    pub p99_ns: u64,
    /// 999 of 1,000 were faster.
    pub p999_ns: u64,
    /// The slowest.
    pub max_ns: u64,
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Option<Self> {
        (!histogram.is_empty()).then(|| Self {
            p50_ns: histogram.value_at_quantile(0.5),
            p90_ns: histogram.value_at_quantile(0.9),
            p99_ns: histogram.value_at_quantile(0.99),
            p999_ns: histogram.value_at_quantile(0.999),
            max_ns: histogram.max(),
        })
    }
}

impl Report {
    /// The report for people, several lines, with a line end.
    pub fn text(&self) -> String {
        let mut text = self.headline();
        for (title, table) in [
            ("Decisions", self.decisions_table()),
            ("Peak usage of each limit", self.peaks_table()),
            (
                "Time to a decision, as the client sees it",
                self.latency_table(),
            ),
        ] {
            // Writing to a string cannot fail; so below.
            let _ = write!(text, "\n{title}\n{table}\n");
        }
        text.push('\n');
        self.recount_text(&mut text);
        text
    }

    fn headline(&self) -> String {
        let rate = match self.decisions_per_second {
            Some(rate) => format!(" ({} a second)", grouped(&rate.to_string())),
            None => String::new(),
        };
        format!(
            "Replayed {} against {}\n{} events, {} decisions in {}{rate}\n",
            self.source,
            self.gateway,
            grouped(&self.events.events.to_string()),
            grouped(&self.decisions.to_string()),
            duration(self.elapsed_ns),
        )
    }

    fn decisions_table(&self) -> Table {
        let mut table = table(&[
            "bucket",
            "orders",
            "approved",
            "rerouted",
            "rejected",
            "by reason",
            "received",
            "replaces",
        ]);
        let mut orders = Decisions::default();
        let mut replaces = Decisions::default();
        let mut received = 0;
        for bucket in &self.buckets {
            orders.include(&bucket.orders);
            replaces.include(&bucket.replaces);
            add(&mut received, bucket.received);
            let row = (&bucket.orders, &bucket.replaces, bucket.received);
            table.add_row(decisions_row(&bucket.name, row));
        }
        table.add_row(decisions_row("all", (&orders, &replaces, received)));
        for column in [1, 2, 3, 4, 6, 7] {
            align_right(&mut table, column);
        }
        table
    }

    fn peaks_table(&self) -> Table {
        let mut table = table(&["bucket", "limit", "peak", "bound", "used", "unit"]);
        for bucket in &self.buckets {
            let mut name = bucket.name.as_str();
            for peak in &bucket.peaks {
                let limit = match peak.scope.as_str() {
                    "" => peak.limit.clone(),
                    scope => format!("{} ({scope})", peak.limit),
                };
                let bound = peak
                    .bound
                    .as_ref()
                    .map_or_else(|| "none".to_owned(), amount);
                let percent = peak
                    .percent
                    .map_or_else(String::new, |used| format!("{used} %"));
                table.add_row([
                    name,
                    &limit,
                    &amount(&peak.used),
                    &bound,
                    &percent,
                    &peak.unit,
                ]);
                name = "";
            }
        }
        for column in [2, 3, 4] {
            align_right(&mut table, column);
        }
        table
    }

    fn latency_table(&self) -> Table {
        let mut table = table(&["bucket", "p50", "p90", "p99", "p99.9", "max"]);
        let buckets = self
            .buckets
            .iter()
            .map(|bucket| (bucket.name.as_str(), bucket.latency));
        for (name, latency) in buckets.chain([("all", self.latency)]) {
            let mut row = Row::from([name]);
            if let Some(latency) = latency {
                let Latency {
                    p50_ns,
                    p90_ns,
                    p99_ns,
                    p999_ns,
                    max_ns,
                } = latency;
                for nanos in [p50_ns, p90_ns, p99_ns, p999_ns, max_ns] {
                    row.add_cell(duration(nanos).into());
                }
            }
            table.add_row(row);
        }
        for column in 1..=5 {
            align_right(&mut table, column);
        }
        table
    }

    fn recount_text(&self, text: &mut String) {
        let Comparison {
            compared,
            differences,
            not_reported,
        } = &self.recount;
        let compared = grouped(&compared.to_string());
        let _ = match (self.recount_agrees, differences.len()) {
            (true, _) => writeln!(
                text,
                "Recount of the file: {compared} figures compared, all agree"
            ),
            (false, 0) => writeln!(text, "Recount of the file: nothing was compared"),
            (false, count) => {
                writeln!(
                    text,
                    "Recount of the file: {count} of {compared} figures DIFFER"
                )
            }
        };
        for difference in differences.iter().take(DIFFERENCES_SHOWN) {
            let number = usize::try_from(difference.bucket.0).ok();
            let named = number.and_then(|number| self.buckets.get(number));
            let name = named.map_or("?", |bucket| bucket.name.as_str());
            let _ = writeln!(text, "  {difference} ({name})");
        }
        let hidden = differences.len().saturating_sub(DIFFERENCES_SHOWN);
        if hidden > 0 {
            let _ = writeln!(text, "  and {hidden} more");
        }
        if !not_reported.is_empty() {
            let figures: Vec<_> = not_reported.iter().map(ToString::to_string).collect();
            let _ = writeln!(
                text,
                "  not reported by the gateway: {}",
                figures.join(", ")
            );
        }
        for (count, what) in [
            (
                self.oms.suppressed,
                "events of rejected orders sent nothing",
            ),
            (
                self.oms.unknown,
                "events were of orders from before the start of the file",
            ),
            (
                self.oms.replaces_rejected,
                "replaces were rejected and reported as restated",
            ),
            (
                self.oms.late_trades,
                "trades came after the end of their order",
            ),
            (
                self.oms.over_trades,
                "trades went beyond the ordered quantity",
            ),
            (
                self.oms.odd_cancels,
                "cancels were of another size than was left",
            ),
            (
                self.oms.cancels_after_end,
                "cancels came after the end of their order",
            ),
            (
                self.oms.repeated,
                "submissions repeated an order id and sent nothing",
            ),
            (self.oms.crosses, "cross trades sent nothing"),
            (self.oms.halts, "steps of trading halts sent nothing"),
        ] {
            if count > 0 {
                let _ = writeln!(text, "  {} {what}", grouped(&count.to_string()));
            }
        }
    }
}

fn decisions_row(name: &str, row: (&Decisions, &Decisions, u64)) -> [String; 8] {
    let (orders, replaces, received) = row;
    let text = |count: u64| grouped(&count.to_string());
    let order_reasons = orders
        .reasons
        .iter()
        .map(|(reason, times)| (reason, times, ""));
    let replace_reasons = replaces
        .reasons
        .iter()
        .map(|(reason, times)| (reason, times, " (replace)"));
    let reasons: Vec<String> = order_reasons
        .chain(replace_reasons)
        .map(|(reason, times, what)| format!("{} {reason}{what}", text(*times)))
        .collect();
    [
        name.to_owned(),
        text(orders.asked()),
        text(orders.approved),
        text(orders.rerouted),
        text(orders.rejected),
        reasons.join("\n"),
        text(received),
        text(replaces.asked()),
    ]
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    table
}

fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

#[expect(
    clippy::expect_used,
    reason = "the bounds are constants, and tests use them"
)]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("the bounds are in order")
}

/// How many percent of the bound are used, rounded down.
pub(crate) fn percent(used: Decimal, bound: Decimal) -> Option<u64> {
    let share = used.checked_div(bound)?;
    share.checked_mul(Decimal::ONE_HUNDRED)?.trunc().to_u64()
}

fn add(figure: &mut u64, more: u64) {
    *figure = figure.saturating_add(more);
}

/// Nanoseconds in the unit that suits, one decimal, rounded down.
fn duration(nanos: u64) -> String {
    let (unit, name) = match nanos {
        0..=999 => return format!("{nanos} ns"),
        1_000..=999_999 => (1_000, "µs"),
        1_000_000..=999_999_999 => (1_000_000, "ms"),
        _ => (1_000_000_000_u64, "s"),
    };
    let tenths = nanos.checked_div(unit / 10).unwrap_or(0);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

fn amount(value: &Decimal) -> String {
    grouped(&value.normalize().to_string())
}

/// `-1234567.25` as `-1,234,567.25`.
pub(crate) fn grouped(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (whole, fraction) = match digits.find('.') {
        Some(point) => digits.split_at(point),
        None => (digits, ""),
    };
    let mut result = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len().saturating_sub(index);
        if index > 0 && left.is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result.push_str(fraction);
    result
}

/// Amounts go into JSON as text: a number there would be read as floating point.
fn exact<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&value.normalize())
}

fn exact_or_null<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => exact(value, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::arithmetic_side_effects,
        reason = "a test that fails may panic"
    )]

    use super::super::lobster::OrderId;
    use super::super::recount::{Difference, Figure};
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn gathered(recount: Comparison) -> Report {
        let mut collector = Collector::new(["alpha".to_owned(), "beta".to_owned()]);
        let (alpha, beta) = (BucketIndex(0), BucketIndex(1));
        for nanos in 1..=1_000 {
            let outcome = match nanos {
                1..=10 => Outcome::Rejected {
                    reason: "PRICE_COLLAR",
                },
                11..=12 => Outcome::Rejected {
                    reason: "ORDER_RATE",
                },
                13 => Outcome::Rerouted { to: beta },
                14 => Outcome::Rerouted { to: alpha },
                _ => Outcome::Approved,
            };
            collector.decision(alpha, Request::Order, outcome, Duration::from_micros(nanos));
        }
        let halted = Outcome::Rejected {
            reason: "STATE_HALTED",
        };
        collector.decision(alpha, Request::Replace, halted, Duration::from_micros(7));
        for (used, bound) in [
            ("10", "2000000"),
            ("1250000.50", "2000000"),
            ("999", "2000000"),
        ] {
            let usage = Usage {
                limit: "GROSS_NOTIONAL",
                scope: "",
                unit: "USD",
                used: decimal(used),
                bound: Some(decimal(bound)),
            };
            collector.usage(alpha, usage);
        }
        let usage = Usage {
            limit: "POSITION_LONG",
            scope: "AAPL",
            unit: "shares",
            used: decimal("300"),
            bound: None,
        };
        collector.usage(alpha, usage);
        collector.finish(Run {
            source: "the sample".to_owned(),
            gateway: "a gateway".to_owned(),
            events: Summary {
                events: 3_000,
                ..Summary::default()
            },
            elapsed: Duration::from_millis(500),
            oms: Counts {
                suppressed: 1_234,
                ..Counts::default()
            },
            recount,
        })
    }

    fn agreeing() -> Comparison {
        Comparison {
            compared: 1_600,
            differences: Vec::new(),
            not_reported: [Figure::Cancelled].into(),
        }
    }

    #[test]
    fn the_report_for_people_reads_like_this() {
        let expected = "\
Replayed the sample against a gateway
3,000 events, 1,001 decisions in 500.0 ms (2,002 a second)

Decisions
┌────────┬────────┬──────────┬──────────┬──────────┬──────────────────────────┬──────────┬──────────┐
│ bucket ┆ orders ┆ approved ┆ rerouted ┆ rejected ┆ by reason                ┆ received ┆ replaces │
╞════════╪════════╪══════════╪══════════╪══════════╪══════════════════════════╪══════════╪══════════╡
│ alpha  ┆  1,000 ┆      986 ┆        2 ┆       12 ┆ 2 ORDER_RATE             ┆        0 ┆        1 │
│        ┆        ┆          ┆          ┆          ┆ 10 PRICE_COLLAR          ┆          ┆          │
│        ┆        ┆          ┆          ┆          ┆ 1 STATE_HALTED (replace) ┆          ┆          │
│ beta   ┆      0 ┆        0 ┆        0 ┆        0 ┆                          ┆        1 ┆        0 │
│ all    ┆  1,000 ┆      986 ┆        2 ┆       12 ┆ 2 ORDER_RATE             ┆        1 ┆        1 │
│        ┆        ┆          ┆          ┆          ┆ 10 PRICE_COLLAR          ┆          ┆          │
│        ┆        ┆          ┆          ┆          ┆ 1 STATE_HALTED (replace) ┆          ┆          │
└────────┴────────┴──────────┴──────────┴──────────┴──────────────────────────┴──────────┴──────────┘

Peak usage of each limit
┌────────┬──────────────────────┬─────────────┬───────────┬──────┬────────┐
│ bucket ┆ limit                ┆        peak ┆     bound ┆ used ┆ unit   │
╞════════╪══════════════════════╪═════════════╪═══════════╪══════╪════════╡
│ alpha  ┆ GROSS_NOTIONAL       ┆ 1,250,000.5 ┆ 2,000,000 ┆ 62 % ┆ USD    │
│        ┆ POSITION_LONG (AAPL) ┆         300 ┆      none ┆      ┆ shares │
└────────┴──────────────────────┴─────────────┴───────────┴──────┴────────┘

Time to a decision, as the client sees it
┌────────┬──────────┬──────────┬──────────┬──────────┬────────┐
│ bucket ┆      p50 ┆      p90 ┆      p99 ┆    p99.9 ┆    max │
╞════════╪══════════╪══════════╪══════════╪══════════╪════════╡
│ alpha  ┆ 500.2 µs ┆ 900.0 µs ┆ 990.2 µs ┆ 999.4 µs ┆ 1.0 ms │
│ beta   ┆          ┆          ┆          ┆          ┆        │
│ all    ┆ 500.2 µs ┆ 900.0 µs ┆ 990.2 µs ┆ 999.4 µs ┆ 1.0 ms │
└────────┴──────────┴──────────┴──────────┴──────────┴────────┘

Recount of the file: 1,600 figures compared, all agree
  not reported by the gateway: shares cancelled
  1,234 events of rejected orders sent nothing
";
        let text = gathered(agreeing()).text();
        assert!(text == expected, "{text}");
    }

    #[test]
    fn differences_are_listed_with_the_name_of_their_bucket() {
        let difference = |order| Difference {
            bucket: BucketIndex(1),
            figure: Figure::Leaves(OrderId(order)),
            expected: 100,
            reported: Some(0),
        };
        let text = gathered(Comparison {
            differences: (1..=22).map(difference).collect(),
            ..agreeing()
        })
        .text();
        for line in [
            "Recount of the file: 22 of 1,600 figures DIFFER\n",
            "\n  bucket 1, shares left of order 20: gateway 0, recount 100 (beta)\n  and 2 more\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        let text = gathered(Comparison::default()).text();
        assert!(
            text.contains("Recount of the file: nothing was compared\n"),
            "{text}"
        );
    }

    #[test]
    fn the_report_for_machines_has_exact_amounts() {
        let report = serde_json::to_value(gathered(agreeing())).unwrap();
        for (pointer, expected) in [
            ("/source", serde_json::json!("the sample")),
            ("/decisions", 1_001.into()),
            ("/decisions_per_second", 2_002.into()),
            ("/recount_agrees", true.into()),
            ("/recount/not_reported/0", "cancelled".into()),
            ("/oms/suppressed", 1_234.into()),
            ("/buckets/0/name", "alpha".into()),
            ("/buckets/0/orders/approved", 986.into()),
            ("/buckets/0/orders/reasons/PRICE_COLLAR", 10.into()),
            ("/buckets/0/peaks/0/used", "1250000.5".into()),
            ("/buckets/0/peaks/0/bound", "2000000".into()),
            ("/buckets/0/peaks/0/percent", 62.into()),
            ("/buckets/0/peaks/1/bound", serde_json::Value::Null),
            ("/buckets/1/received", 1.into()),
            ("/buckets/1/latency", serde_json::Value::Null),
            ("/latency/max_ns", 1_000_447.into()),
        ] {
            assert_eq!(report.pointer(pointer), Some(&expected), "{pointer}");
        }
    }

    #[test]
    fn numbers_are_grouped_and_durations_short() {
        for (number, text) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-123456", "-123,456"),
            ("1234567.2500", "1,234,567.2500"),
        ] {
            assert_eq!(grouped(number), text);
        }
        for (nanos, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.0 µs"),
            (12_399, "12.3 µs"),
            (999_999, "999.9 µs"),
            (1_000_000, "1.0 ms"),
            (2_450_000_000, "2.4 s"),
            (75_000_000_000, "75.0 s"),
        ] {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn a_limit_of_zero_or_a_huge_share_has_no_percentage() {
        for (used, bound, expected) in [
            ("0", "0", None),
            ("1", "0", None),
            ("99.99", "100", Some(99)),
            ("100", "100", Some(100)),
            ("250", "100", Some(250)),
            ("-5", "100", None),
            ("9999999999999999999999999999", "0.000000000001", None),
        ] {
            assert_eq!(
                percent(decimal(used), decimal(bound)),
                expected,
                "{used} of {bound}"
            );
        }
    }
}
