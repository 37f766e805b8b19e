//! What the OMS sends, as messages of the contract, and what the driver reads from the answers.

use std::num::NonZeroU64;

use super::lobster::{OrderId, Side, decimal_e4};
use super::oms::{self, BucketIndex, Op, OrderKey, ReportKind, Verdict};
use super::recount::parse_e4;
use crate::pb;
use crate::pb::session_request::Payload;

/// The buckets of the replay firm, by number. An account at the venue has the name of its bucket.
pub const BUCKETS: [&str; 8] = [
    "replay-0", "replay-1", "replay-2", "replay-3", "replay-4", "replay-5", "replay-6", "replay-7",
];
/// The stock.
pub const INSTRUMENT: &str = "STOCK";
/// The exchange.
pub const VENUE: &str = "XNAS";

/// How many there are.
#[must_use]
pub fn buckets() -> NonZeroU64 {
    let count = u64::try_from(BUCKETS.len()).ok();
    count.and_then(NonZeroU64::new).unwrap_or(NonZeroU64::MIN)
}

/// Name of a bucket.
#[must_use]
pub fn bucket_name(bucket: BucketIndex) -> &'static str {
    usize::try_from(bucket.0)
        .ok()
        .and_then(|index| BUCKETS.get(index))
        .copied()
        .unwrap_or_default()
}

/// Number of a bucket.
#[must_use]
pub fn bucket_index(name: &str) -> Option<BucketIndex> {
    (0..)
        .zip(BUCKETS)
        .find_map(|(index, bucket)| (bucket == name).then_some(BucketIndex(index)))
}

/// One operation as a message of a session. Nothing for a mark, which is no business of a session.
#[must_use]
pub fn payload(op: &Op, run: &str) -> Option<Payload> {
    Some(match op {
        Op::Order(order) => Payload::Decide(pb::DecideRequest {
            order: Some(write_order(order)),
            want_figures: true,
        }),
        Op::Replace(replace) => Payload::Replace(pb::ReplaceRequest {
            replace: Some(pb::Replace {
                cl_ord_id: replace.key.to_string(),
                orig_cl_ord_id: replace.replaced.to_string(),
                quantity: Some(shares(replace.quantity)),
                order_type: pb::OrderType::Limit.into(),
                price: Some(price(replace.price_e4)),
                ..pb::Replace::default()
            }),
            want_figures: true,
        }),
        Op::Sent(notice) => notify(notice, pb::NoticeKind::Sent),
        Op::CancelRequested(notice) => notify(notice, pb::NoticeKind::CancelRequested),
        Op::Report(report) => Payload::Report(pb::ReportRequest {
            report: Some(write_report(report, run)),
        }),
        Op::Mark(_) => return None,
    })
}

fn write_order(order: &oms::NewOrder) -> pb::Order {
    let bucket = bucket_name(order.route.bucket);
    pb::Order {
        cl_ord_id: order.key.to_string(),
        bucket_id: bucket.to_owned(),
        instrument_id: INSTRUMENT.to_owned(),
        venue_id: VENUE.to_owned(),
        account_id: bucket.to_owned(),
        side: side(order.side).into(),
        order_type: pb::OrderType::Limit.into(),
        quantity_kind: Some(pb::order::QuantityKind::Quantity(shares(order.quantity))),
        price: Some(price(order.price_e4)),
        time_in_force: pb::TimeInForce::Day.into(),
        allow_reroute: true,
        auto_accept_route: true,
        ..pb::Order::default()
    }
}

fn notify(notice: &oms::Notice, kind: pb::NoticeKind) -> Payload {
    Payload::Notify(pb::NotifyRequest {
        cl_ord_id: notice.key.to_string(),
        kind: kind.into(),
        ..pb::NotifyRequest::default()
    })
}

fn write_report(report: &oms::Report, run: &str) -> pb::ExecutionReport {
    let mut message = pb::ExecutionReport {
        cl_ord_id: report.key.to_string(),
        // Executions are told apart at the venue, whoever sent the order: a second run must not look like a repetition.
        exec_id: format!("{run}-{}", report.exec_id),
        cum_quantity: report.totals.map(|totals| shares(totals.cumulative)),
        leaves_quantity: report.totals.map(|totals| shares(totals.leaves)),
        venue_id: VENUE.to_owned(),
        account_id: bucket_name(report.route.bucket).to_owned(),
        instrument_id: INSTRUMENT.to_owned(),
        side: side(report.side).into(),
        source: match report.totals {
            Some(_) => pb::ReportSource::Oms,
            None => pb::ReportSource::DropCopy,
        }
        .into(),
        ..pb::ExecutionReport::default()
    };
    let kind = match report.kind {
        ReportKind::New => pb::ExecType::New,
        ReportKind::Trade { quantity, price_e4 } => {
            message.last_quantity = Some(shares(quantity));
            message.last_price = Some(price(price_e4));
            pb::ExecType::Trade
        }
        ReportKind::Canceled => pb::ExecType::Canceled,
        ReportKind::Replaced { replaced } => {
            message.orig_cl_ord_id = replaced.to_string();
            pb::ExecType::Replaced
        }
        ReportKind::Restated => {
            message.order_quantity = report.totals.map(|totals| shares(totals.quantity));
            pb::ExecType::Restated
        }
    };
    message.exec_type = kind.into();
    message
}

const fn side(side: Side) -> pb::Side {
    match side {
        Side::Buy => pb::Side::Buy,
        Side::Sell => pb::Side::Sell,
    }
}

fn shares(quantity: u64) -> pb::Decimal {
    pb::Decimal {
        value: quantity.to_string(),
    }
}

/// A price in 1/10,000.
#[must_use]
pub fn price(price_e4: u64) -> pb::Decimal {
    pb::Decimal {
        value: decimal_e4(price_e4.into()),
    }
}

/// Shares as the gateway writes them. Nothing where they are missing, or no whole number.
#[must_use]
pub fn read_shares(value: Option<&pb::Decimal>) -> Option<i128> {
    let e4 = parse_e4(&value?.value)?;
    (e4 % 10_000 == 0).then_some(e4 / 10_000)
}

/// An amount of money in 1/10,000.
#[must_use]
pub fn read_money_e4(value: Option<&pb::Money>) -> Option<i128> {
    parse_e4(&value?.amount.as_ref()?.value)
}

/// The order that the first version of an id names: `16113575` and `16113575-1` are both order 16113575.
#[must_use]
pub fn read_order(cl_ord_id: &str) -> Option<OrderId> {
    let first = cl_ord_id.split('-').next()?;
    first.parse().ok().map(OrderId)
}

/// What a decision tells the OMS. Nothing where it has no outcome, or a route that is none of the replay's.
#[must_use]
pub fn verdict(decision: &pb::Decision) -> Option<Verdict> {
    match decision.outcome() {
        pb::Outcome::Approved => Some(Verdict::Approved),
        pb::Outcome::Rejected => Some(Verdict::Rejected),
        pb::Outcome::Rerouted => {
            let bucket = bucket_index(&decision.route.as_ref()?.bucket_id)?;
            Some(Verdict::Rerouted(oms::Route { bucket, account: 0 }))
        }
        pb::Outcome::Unspecified => None,
    }
}

/// A reason by its short name, such as `GROSS_NOTIONAL`.
#[must_use]
pub fn reason_name(reason: i32) -> String {
    match pb::Reason::try_from(reason) {
        Ok(reason) => reason
            .as_str_name()
            .trim_start_matches("REASON_")
            .to_owned(),
        Err(_) => format!("reason {reason}"),
    }
}

/// What an operation is, for error messages.
#[must_use]
pub fn describe(op: &Op) -> String {
    let of = |what: &str, key: OrderKey| format!("{what} {key}");
    match op {
        Op::Order(order) => of("order", order.key),
        Op::Replace(replace) => of("replace", replace.key),
        Op::Sent(notice) => of("the notice that it sent", notice.key),
        Op::CancelRequested(notice) => of("the notice of a cancel of", notice.key),
        Op::Report(report) => format!(
            "the report of line {} on order {}",
            report.exec_id, report.key
        ),
        Op::Mark(_) => "a mark".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::*;
    use crate::config::{REPLAY, Settings};

    #[test]
    fn the_names_are_those_of_the_replay_firm() {
        let firm = Settings::parse(REPLAY).unwrap();
        let buckets: Vec<_> = firm.buckets.iter().map(|it| it.id.to_string()).collect();
        assert_eq!(buckets, BUCKETS);
        for bucket in &firm.buckets {
            let accounts: Vec<_> = bucket
                .accounts
                .iter()
                .map(|(venue, account)| (venue.to_string(), account.to_string()))
                .collect();
            assert_eq!(accounts, [(VENUE.to_owned(), bucket.id.to_string())]);
        }
        let instruments: Vec<_> = firm
            .instruments
            .iter()
            .map(|it| it.id.to_string())
            .collect();
        assert_eq!(instruments, [INSTRUMENT]);
    }

    #[test]
    fn buckets_have_numbers_and_names() {
        assert_eq!(bucket_name(BucketIndex(3)), "replay-3");
        assert_eq!(bucket_index("replay-3"), Some(BucketIndex(3)));
        assert_eq!(bucket_index("spot"), None);
        assert_eq!(bucket_name(BucketIndex(8)), "");
    }

    #[test]
    fn shares_are_whole() {
        let decimal = |value: &str| pb::Decimal {
            value: value.to_owned(),
        };
        assert_eq!(read_shares(Some(&decimal("-700"))), Some(-700));
        assert_eq!(read_shares(Some(&decimal("0.5"))), None);
        assert_eq!(read_shares(None), None);
    }

    #[test]
    fn versions_name_their_order() {
        assert_eq!(read_order("16113575-1"), Some(OrderId(16_113_575)));
        assert_eq!(read_order("16113575"), Some(OrderId(16_113_575)));
        assert_eq!(read_order("x"), None);
    }
}
