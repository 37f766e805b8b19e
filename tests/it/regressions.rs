//! What the model found wrong once, each as the shortest walk that shows it.
#![allow(clippy::unwrap_used, reason = "tests")]

use bulkhead::domain::decision::Reason;
use bulkhead::domain::instrument::Collar;
use bulkhead::domain::order::Side;
use bulkhead::risk::limits::InstrumentLimits;

use crate::support::*;

/// A5: the collar over a period holds where it is set for one instrument only.
#[test]
fn a_collar_over_a_period_holds_per_instrument() {
    let mut limits = limits();
    let collar = Collar {
        period: Some(amount("0.1")),
        ..Collar::default()
    };
    let own = InstrumentLimits {
        collar: Some(collar),
        ..InstrumentLimits::default()
    };
    limits.per_instrument.insert(id("BTC"), own);
    let engine = engine(vec![bucket("b", Some("desk"), limits)]);
    mark(&engine, "BTC", "120", later(START, 1));
    let beyond = order("1", Side::Buy, "1", "111");
    let answer = engine.decide(&beyond, later(START, 2), false).unwrap();
    assert_eq!(reasons(&answer), [Reason::PriceCollarPeriod]);
}
