//! The policy over one case: all figures are computed, all checks run.

use std::hint::black_box;

use bulkhead::domain::amount::{Money, Price, Quantity};
use bulkhead::domain::decision::{Dimension, Level};
use bulkhead::domain::order::{Attributes, Side, Terms, TimeInForce};
use bulkhead::domain::state::TradingState;
use bulkhead::risk::limits::{GroupLimits, Limits};
use bulkhead::risk::policy::{Case, GroupCase, GroupFigures, evaluate};
use bulkhead::risk::valuation::Prices;
use bulkhead::risk::window::OrderRate;

use super::exposure::{Held, hold};
use super::gateway::{self, amount, id};
use super::piece::Piece;
use super::support::orders;

pub fn pieces() -> Vec<Piece> {
    let none = || Limits::unlimited(id(orders::SETTLEMENT));
    let every = gateway::every_limit;
    let tight = gateway::no_room;
    let all = [
        piece("approve, no limit", none(), false, false),
        piece("approve, every check on", every(), false, false),
        piece(
            "approve, every check on, figures told",
            every(),
            false,
            true,
        ),
        piece("approve an exit, every check on", every(), true, false),
        piece("reject, {} findings", tight(), false, false),
        piece(
            "reject, {} findings, all figures told",
            tight(),
            false,
            true,
        ),
    ];
    all.into_iter().flatten().collect()
}

/// All checks on an order of a hundred; `{}` in the name stands for how many limits it breaks.
fn piece(name: &str, limits: Limits, exit: bool, figures: bool) -> Option<Piece> {
    let case = case(limits, exit)?;
    let broken = evaluate(&case, figures).broken.len();
    let name = format!("policy/{}", name.replace("{}", &broken.to_string()));
    Some(Piece::of(&name, move || {
        evaluate(black_box(&case), figures)
    }))
}

/// An order of a bucket that holds a position and live orders, with a desk and a firm above it. What it borrows is kept for good.
fn case(limits: Limits, exit: bool) -> Option<Case<'static>> {
    let limits: &'static Limits = Box::leak(Box::new(limits));
    let side = if exit { Side::Sell } else { Side::Buy };
    let quantity = Quantity::whole(100);
    let order = hold(100)?;
    let before: &'static Held = Box::leak(Box::new(Held::example()?));
    let after: &'static Held = Box::leak(Box::new(before.with(order)?));
    let price: Price = amount("187.42");
    let rate = limits
        .order_rate
        .map(|limit| OrderRate::default().usage(&limit, gateway::START.mono, exit));
    let group_limits: &'static GroupLimits = Box::leak(Box::new(GroupLimits {
        gross_notional_max: limits.gross_notional_max,
        net_notional_max: limits.net_notional_max,
        order_rate: limits.order_rate,
        ..GroupLimits::unlimited(id(orders::SETTLEMENT))
    }));
    let path = [Level::Desk, Level::Firm].map(|level| GroupCase {
        level,
        limits: group_limits,
        figures: GroupFigures {
            totals: (before.group, after.group),
            ..GroupFigures::default()
        },
        rate,
        notional_rate: Money::ZERO,
        self_match: None,
    });
    let bounds = limits.gross_notional_max.into_iter().flat_map(|bound| {
        [Dimension::Underlying, Dimension::Venue].map(|dimension| (dimension, bound))
    });
    let concentration: Vec<_> = bounds
        .map(|(dimension, bound)| (dimension, bound, before.totals.gross, after.totals.gross))
        .collect();
    let instrument = Box::leak(Box::new(gateway::instrument()));
    Some(Case {
        now: gateway::START,
        limits,
        own: None,
        listing: limits.instruments.of(&instrument.id),
        instrument,
        side,
        terms: Terms::Limit { price },
        attributes: Attributes {
            located: true,
            ..Attributes::default()
        },
        time_in_force: TimeInForce::Day,
        quantity,
        display: None,
        exit,
        replace: false,
        state: (TradingState::Active, Level::Bucket),
        listed: true,
        window_open: true,
        prices: Prices {
            reference: Some(price),
            low: Some(price),
            high: Some(price),
            ..Prices::default()
        },
        notional: Ok(order.value),
        underlying_notional: Ok(Money::ZERO),
        base_quantity: Ok(quantity),
        valued: Ok(()),
        priced: Ok(()),
        look_alikes: 0,
        self_match: false,
        line: (&before.line, &after.line),
        totals: (&before.totals, &after.totals),
        open_orders: (12, 1),
        concentration: concentration.leak(),
        traded: (before.totals.gross, after.totals.gross),
        rate,
        client_rate: None,
        notional_rate: (before.totals.gross, order.value),
        quota: (1_000, 10_000_000),
        inbound: &[],
        path: Box::leak(Box::new(path)),
    })
}
