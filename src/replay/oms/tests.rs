//! Scripts: lines of the file and decisions, with what the OMS sends at each.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that fails may panic"
)]

use super::*;
use crate::replay::lobster::Reader;

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
