//! The policy: every check, in order of precedence, and whether it may stand in the way of an exit.
//!
//! A check answers; it changes nothing. An approval needs all of them; a reject names all that failed, the first being the primary reason.
//! A limit is broken when the figure after the order is above it **and** above the figure before, so what makes a figure smaller always
//! passes. What is configured and cannot be computed refuses an increase and lets an exit through.
//!
//! A document of limits may hold one of them in shadow, where it is tested like any other and what it would have refused is told apart, or
//! have it off. Whose limit it is says whose document: the bucket's, or that of a group.

use arrayvec::ArrayVec;

use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::decision::{Dimension, Figures, Finding, Level, Reason, ReasonSet, Unit};
use crate::domain::instrument::{Collar, Instrument};
use crate::domain::order::{Attributes, ShortSale, Side, Terms, TimeInForce};
use crate::domain::state::TradingState;
use crate::domain::time::Now;

mod bench;

use self::bench::{Bench, Owner};
use super::exposure::{GroupReach, GroupTotals, Line, Totals};
use super::limits::{
    GroupLimits, InstrumentLimits, Limits, Listing, PostOnlyRule, SelfMatchRule, ShortSaleRule,
};
use super::modes::Modes;
use super::valuation::Prices;
use super::window::RateUse;

/// One order, or one replace, before the bar: everything the checks look at, computed once.
#[derive(Debug)]
pub struct Case<'a> {
    /// Time of the decision.
    pub now: Now,
    /// The bucket's limits.
    pub limits: &'a Limits,
    /// Limits of this instrument that stand in place of the bucket's.
    pub own: Option<&'a InstrumentLimits>,
    /// What the bucket's lists say of the instrument.
    pub listing: Listing,
    /// The contract.
    pub instrument: &'a Instrument,
    /// Side.
    pub side: Side,
    /// Type and prices.
    pub terms: Terms,
    /// The rest of the order.
    pub attributes: Attributes,
    /// How long.
    pub time_in_force: TimeInForce,
    /// Whole quantity; of a replace, the new total.
    pub quantity: Quantity,
    /// Shown quantity.
    pub display: Option<Quantity>,
    /// Whether it can only reduce (NL21), or, for a replace, can only shrink what is held (H9).
    pub exit: bool,
    /// Whether it is a replace.
    pub replace: bool,
    /// Most restrictive trading state over it, and whose.
    pub state: (TradingState, Level),
    /// Whether the venue lists the instrument.
    pub listed: bool,
    /// Whether the bucket's trading window is open.
    pub window_open: bool,
    /// Usable prices.
    pub prices: Prices,
    /// Value of the whole order in the limit currency, or why there is none.
    pub notional: Result<Money, Reason>,
    /// Value of the underlying of the whole order, options only.
    pub underlying_notional: Result<Money, Reason>,
    /// Quantity in base units.
    pub base_quantity: Result<Quantity, Reason>,
    /// Whether the money figures of the bucket can be computed, else why not.
    pub valued: Result<(), Reason>,
    /// Whether all the bucket holds had a price at least once, so that the groups above count it.
    pub priced: Result<(), Reason>,
    /// Orders alike in the window.
    pub look_alikes: u32,
    /// Whether it would trade with a live order of ours.
    pub self_match: bool,
    /// The bucket in this instrument, before and after.
    pub line: (&'a Line, &'a Line),
    /// The bucket's totals, before and after.
    pub totals: (&'a Totals, &'a Totals),
    /// Live orders before, and how many this adds.
    pub open_orders: (u32, u32),
    /// Concentration limits that count this instrument: dimension, bound, before, after.
    pub concentration: &'a [(Dimension, Money, Money, Money)],
    /// Traded and open notional of the day, before and after.
    pub traded: (Money, Money),
    /// Order rate of the bucket.
    pub rate: Option<RateUse>,
    /// Order rate of the client's session.
    pub client_rate: Option<RateUse>,
    /// Notional of the window before, and what this adds.
    pub notional_rate: (Money, Money),
    /// Ids the client has stored, and how many it may: for exits a tenth more.
    pub quota: (u32, u32),
    /// Figures of the inbound caps of a target of a reroute: bound, before, after.
    pub inbound: &'a [(Money, Money, Money)],
    /// The groups above, the nearest first.
    pub path: &'a [GroupCase<'a>],
}

/// A group above the bucket, before and after.
#[derive(Debug)]
pub struct GroupCase<'a> {
    /// Desk, firm, venue or counterparty.
    pub level: Level,
    /// Its limits.
    pub limits: &'a GroupLimits,
    /// What it counts.
    pub figures: GroupFigures,
    /// Its order rate.
    pub rate: Option<RateUse>,
    /// Notional of its window before; zero where it has none.
    pub notional_rate: Money,
    /// Whether the order would trade with one of another bucket below it; nothing where no rule looks there (A15).
    pub self_match: Option<bool>,
}

/// What a group counts, each before and after.
#[derive(Clone, Debug, Default)]
pub struct GroupFigures {
    /// Totals.
    pub totals: (GroupTotals, GroupTotals),
    /// Worst-case positions in the order's instrument.
    pub reach: (GroupReach, GroupReach),
    /// Live orders.
    pub open_orders: (u32, u32),
    /// Concentration limits that count the instrument or the venue: dimension, bound, before, after.
    pub concentration: ArrayVec<(Dimension, Money, Money, Money), 4>,
    /// Traded and open notional of the group's day; nothing on overflow.
    pub traded: (Option<Money>, Option<Money>),
}

/// What came of the checks.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Broken, in order of precedence.
    pub broken: Vec<Finding>,
    /// What limits in shadow would have refused, in order of precedence.
    pub shadow: Vec<Finding>,
    /// The limits that would have, each once, with the level of the document that holds it.
    pub shadowed: Vec<(Reason, Level)>,
    /// Every figure computed, where asked for.
    pub figures: Option<Vec<Finding>>,
    /// Checks that ran.
    pub evaluated: ReasonSet,
    /// Checks that did not concern the order.
    pub not_applicable: ReasonSet,
}

impl Verdict {
    /// Whether nothing is broken.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.broken.is_empty()
    }
}

/// Whether a check may stand in the way of an exit (NL21).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Exits {
    Tested,
    Pass,
}

/// Whether a document of limits may hold a check in shadow, or have it off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Held {
    Always,
    ByMode,
}

/// Writes the policy out as one stretch of code, and as lists for whoever asks what may be shadowed or compares it with its reference.
macro_rules! policy {
    ($($reason:ident, $exits:ident, $held:ident, $check:ident;)*) => {
        #[cfg(test)]
        const CHECKS: &[(Reason, Exits, Held)] = &[$((Reason::$reason, Exits::$exits, Held::$held),)*];

        /// Limits that may be held in shadow, or be off.
        pub const MODAL: ReasonSet = {
            let mut modal = ReasonSet::of_none();
            $(if matches!(Held::$held, Held::ByMode) { modal.insert(Reason::$reason); })*
            modal
        };

        fn run_all(case: &Case<'_>, verdict: &mut Verdict) {
            $(run(case, verdict, Reason::$reason, Exits::$exits, $check);)*
        }
    };
}

// The policy on one screen.
policy! {
    StateHalted, Tested, Always, halted;
    StateCancelOnly, Tested, Always, cancel_only;
    StateReduceOnly, Pass, Always, reduce_only;
    ClientQuota, Tested, Always, client_quota;
    InstrumentExpired, Tested, Always, expired;
    VenueNotListed, Tested, Always, listed;
    PriceNotPositive, Tested, Always, price_sign;
    PriceOffTick, Tested, Always, tick;
    QuantityOffLot, Tested, Always, lot;
    ExpireTimePast, Tested, Always, expire_time;
    LegalRestriction, Tested, Always, restricted;
    InstrumentNotAllowed, Pass, ByMode, allowed;
    OutsideTradingWindow, Pass, ByMode, trading_window;
    ReduceOnlyExceedsPosition, Pass, Always, reduce_only_mark;
    PostOnlyRequired, Pass, ByMode, post_only_required;
    PostOnlyForbidden, Pass, ByMode, post_only_forbidden;
    ShortSaleForbidden, Pass, ByMode, short_sale;
    LocateRequired, Pass, ByMode, locate;
    OrderQuantity, Tested, ByMode, order_quantity;
    OrderBaseQuantity, Tested, ByMode, order_base_quantity;
    PriceCollar, Tested, ByMode, collar;
    PriceCollarPeriod, Tested, ByMode, collar_period;
    OrderNotional, Pass, ByMode, order_notional;
    OrderUnderlyingNotional, Pass, ByMode, order_underlying_notional;
    LookAlike, Pass, ByMode, look_alike;
    SelfMatch, Tested, ByMode, self_match;
    PositionLong, Pass, ByMode, position_long;
    PositionShort, Pass, ByMode, position_short;
    GrossNotional, Pass, ByMode, gross_notional;
    NetNotional, Pass, ByMode, net_notional;
    OpenOrders, Tested, ByMode, open_orders;
    Concentration, Pass, ByMode, concentration;
    TradedNotional, Pass, ByMode, traded_notional;
    InboundCap, Tested, Always, inbound_cap;
    OrderRate, Tested, ByMode, order_rate;
    NotionalRate, Pass, ByMode, notional_rate;
}

#[inline]
fn run(
    case: &Case<'_>,
    verdict: &mut Verdict,
    reason: Reason,
    exits: Exits,
    check: impl Fn(&Case<'_>, &mut Bench<'_>),
) {
    if case.exit && exits == Exits::Pass {
        verdict.not_applicable.insert(reason);
        return;
    }
    let mut bench = Bench {
        reason,
        exit: case.exit,
        ran: false,
        owner: Owner {
            modes: &case.limits.modes,
            level: Level::Bucket,
        },
        verdict,
    };
    check(case, &mut bench);
    if bench.ran {
        verdict.evaluated.insert(reason);
    } else {
        verdict.not_applicable.insert(reason);
    }
}

/// Runs every check, and collects every figure where `figures` asks for it.
#[must_use]
pub fn evaluate(case: &Case<'_>, figures: bool) -> Verdict {
    let mut verdict = Verdict {
        figures: figures.then(Vec::new),
        ..Verdict::default()
    };
    run_all(case, &mut verdict);
    verdict
}

fn money(limit: Money, before: Money, after: Money) -> Figures {
    Figures {
        unit: Unit::Money,
        limit: limit.units(),
        before: before.units(),
        after: after.units(),
    }
}

fn quantity(limit: Quantity, before: Quantity, after: Quantity) -> Figures {
    Figures {
        unit: Unit::Quantity,
        limit: limit.units(),
        before: before.units(),
        after: after.units(),
    }
}

fn count(limit: u32, before: u32, added: u32) -> Figures {
    let whole = |number: u32| Quantity::whole(i64::from(number)).units();
    Figures {
        unit: Unit::Count,
        limit: whole(limit),
        before: whole(before),
        after: whole(before.saturating_add(added)),
    }
}

// States.

fn halted(case: &Case<'_>, bench: &mut Bench<'_>) {
    let (state, level) = case.state;
    bench.require(level, state != TradingState::Halted);
}

fn cancel_only(case: &Case<'_>, bench: &mut Bench<'_>) {
    let (state, level) = case.state;
    bench.require(level, state != TradingState::CancelOnly);
}

fn reduce_only(case: &Case<'_>, bench: &mut Bench<'_>) {
    let (state, level) = case.state;
    bench.require(level, state != TradingState::ReduceOnly);
}

fn client_quota(case: &Case<'_>, bench: &mut Bench<'_>) {
    let (used, quota) = case.quota;
    bench.measure(Level::Client, count(quota, used, 1));
}

// Reference data and grammar.

fn expired(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let Some(expiry) = case.instrument.expiry {
        bench.require(Level::Instrument, case.now.wall < expiry);
    }
}

fn listed(case: &Case<'_>, bench: &mut Bench<'_>) {
    bench.require(Level::Venue, case.listed);
}

fn price_sign(case: &Case<'_>, bench: &mut Bench<'_>) {
    if case.instrument.negative_prices {
        return;
    }
    for price in [case.terms.limit_price(), case.terms.trigger()]
        .into_iter()
        .flatten()
    {
        bench.require(Level::Instrument, price.is_positive());
    }
}

fn tick(case: &Case<'_>, bench: &mut Bench<'_>) {
    let mut prices = [case.terms.limit_price(), case.terms.trigger()]
        .into_iter()
        .flatten();
    if let Some(price) = prices.next() {
        let aligned = |price: Price| price.is_multiple_of(case.instrument.tick);
        bench.require(Level::Instrument, aligned(price) && prices.all(aligned));
    }
}

fn lot(case: &Case<'_>, bench: &mut Bench<'_>) {
    let aligned = |quantity: Quantity| quantity.is_multiple_of(case.instrument.lot);
    bench.require(
        Level::Instrument,
        aligned(case.quantity) && case.display.is_none_or(aligned),
    );
}

fn expire_time(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let TimeInForce::GoodTillDate(until) = case.time_in_force {
        bench.require(Level::Order, case.now.wall < until);
    }
}

fn restricted(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let Some(restricted) = case.listing.restricted {
        bench.require(Level::Bucket, !restricted);
    }
}

fn allowed(case: &Case<'_>, bench: &mut Bench<'_>) {
    if case.listing.listed {
        bench.require(Level::Bucket, case.listing.allowed);
    }
}

fn trading_window(case: &Case<'_>, bench: &mut Bench<'_>) {
    bench.require(Level::Bucket, case.window_open);
}

fn reduce_only_mark(case: &Case<'_>, bench: &mut Bench<'_>) {
    if !case.attributes.reduce_only {
        return;
    }
    let (before, after) = case.line;
    let reducible = match case.side {
        Side::Buy => before.position.checked_neg(),
        Side::Sell => Some(before.position),
    };
    let reducing = after.side(case.side).reducing;
    bench.require(
        Level::Bucket,
        reducible.is_some_and(|reducible| reducible.is_positive() && reducing <= reducible),
    );
}

fn post_only_required(case: &Case<'_>, bench: &mut Bench<'_>) {
    if case.limits.post_only == PostOnlyRule::Require {
        bench.require(Level::Bucket, case.attributes.post_only);
    }
}

fn post_only_forbidden(case: &Case<'_>, bench: &mut Bench<'_>) {
    if case.limits.post_only == PostOnlyRule::Forbid {
        bench.require(Level::Bucket, !case.attributes.post_only);
    }
}

fn short_sale(case: &Case<'_>, bench: &mut Bench<'_>) {
    if case.limits.short_sale == ShortSaleRule::Forbid {
        bench.require(
            Level::Bucket,
            case.attributes.short_sale == ShortSale::Unmarked,
        );
    }
}

fn locate(case: &Case<'_>, bench: &mut Bench<'_>) {
    if case.limits.short_sale == ShortSaleRule::RequireLocate
        && case.attributes.short_sale == ShortSale::Short
    {
        bench.require(Level::Bucket, case.attributes.located);
    }
}

// The order by itself.

fn order_quantity(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let Some(limit) = case
        .in_place(|own| own.order_quantity_max)
        .or(case.limits.order_quantity_max)
    {
        bench.measure(Level::Order, quantity(limit, Quantity::ZERO, case.quantity));
    }
}

fn order_base_quantity(case: &Case<'_>, bench: &mut Bench<'_>) {
    let Some(limit) = case.limits.order_base_quantity_max else {
        return;
    };
    match case.base_quantity {
        Ok(base) => bench.measure(
            Level::Order,
            Figures {
                unit: Unit::BaseQuantity,
                ..quantity(limit, Quantity::ZERO, base)
            },
        ),
        Err(cause) => bench.unavailable(cause),
    }
}

fn order_notional(case: &Case<'_>, bench: &mut Bench<'_>) {
    let Some(limit) = case.limits.order_notional_max else {
        return;
    };
    match case.notional {
        Ok(notional) => bench.measure(Level::Order, money(limit, Money::ZERO, notional)),
        Err(cause) => bench.unavailable(cause),
    }
}

fn order_underlying_notional(case: &Case<'_>, bench: &mut Bench<'_>) {
    let Some(limit) = case.limits.order_underlying_notional_max else {
        return;
    };
    if case.instrument.option.is_none() {
        return;
    }
    match case.underlying_notional {
        Ok(notional) => bench.measure(Level::Order, money(limit, Money::ZERO, notional)),
        Err(cause) => bench.unavailable(cause),
    }
}

/// Distance of a limit price from a reference on the aggressive (positive) side.
fn beyond(side: Side, price: Price, reference: Price) -> Option<Price> {
    match side {
        Side::Buy => price.checked_sub(reference),
        Side::Sell => reference.checked_sub(price),
    }
}

fn collar(case: &Case<'_>, bench: &mut Bench<'_>) {
    for collar in case.collars(bench) {
        band(case, bench, collar);
    }
}

fn band(case: &Case<'_>, bench: &mut Bench<'_>, collar: &Collar) {
    let Collar {
        aggressive,
        passive,
        absolute,
        ..
    } = *collar;
    let Some(price) = case.terms.limit_price() else {
        return;
    };
    if aggressive.is_none() && passive.is_none() && absolute.is_none() {
        return;
    }
    let Some(reference) = case.prices.reference else {
        return bench.unavailable(Reason::PriceUnavailable);
    };
    let width = |share| {
        reference
            .checked_abs()
            .and_then(|reference| reference.times_down(share))
    };
    let widest = |share: Option<_>| match (share.and_then(width), absolute) {
        (Some(width), Some(absolute)) => Some(width.max(absolute)),
        (width, absolute) => width.or(absolute),
    };
    let Some(distance) = beyond(case.side, price, reference) else {
        return bench.unavailable(Reason::Overflow);
    };
    let (bound, distance) = if distance.is_negative() {
        (
            passive.and(widest(passive)),
            distance.checked_neg().unwrap_or(distance),
        )
    } else {
        (widest(aggressive), distance)
    };
    match bound {
        Some(bound) => bench.measure(Level::Order, price_figures(bound, distance)),
        None => bench.require(Level::Order, true),
    }
}

fn collar_period(case: &Case<'_>, bench: &mut Bench<'_>) {
    for collar in case.collars(bench) {
        band_over_period(case, bench, collar);
    }
}

fn band_over_period(case: &Case<'_>, bench: &mut Bench<'_>, collar: &Collar) {
    let Some(share) = collar.period else {
        return;
    };
    let Some(price) = case.terms.limit_price() else {
        return;
    };
    let reference = match case.side {
        Side::Buy => case.prices.low,
        Side::Sell => case.prices.high,
    };
    let Some(reference) = reference else {
        return bench.unavailable(Reason::PriceUnavailable);
    };
    let bound = reference
        .checked_abs()
        .and_then(|reference| reference.times_down(share));
    match (bound, beyond(case.side, price, reference)) {
        (Some(bound), Some(distance)) => {
            bench.measure(Level::Order, price_figures(bound, distance))
        }
        _ => bench.unavailable(Reason::Overflow),
    }
}

fn price_figures(bound: Price, distance: Price) -> Figures {
    Figures {
        unit: Unit::Price,
        limit: bound.units(),
        before: 0,
        after: distance.units(),
    }
}

fn look_alike(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let Some(limit) = case.limits.look_alike
        && !case.replace
    {
        bench.measure(Level::Bucket, count(limit.count, case.look_alikes, 1));
    }
}

fn self_match(case: &Case<'_>, bench: &mut Bench<'_>) {
    let refuses = match case.limits.self_match {
        SelfMatchRule::Allow => false,
        SelfMatchRule::RejectNew => true,
        // In shadow it asks for nothing, and is told of here.
        SelfMatchRule::AskCancelResting => !case.limits.modes.enforces(Reason::SelfMatch),
    };
    if refuses {
        bench.require(Level::Bucket, !case.self_match);
    }
    // An order of another bucket cannot be named, so it cannot be asked to be cancelled either: whatever the rule, the new one is refused.
    for group in case.path {
        if let Some(meets) = group.self_match {
            bench.require(group.level, !meets);
        }
    }
}

// Exposure.

fn position_long(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let Some(limit) = case.in_place(|own| own.long_max).or(case.limits.long_max) {
        position(case, bench, limit, Side::Buy);
    }
    group_position(case, bench, Side::Buy, |limits| limits.long_max);
}

fn position_short(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let Some(limit) = case.in_place(|own| own.short_max).or(case.limits.short_max) {
        position(case, bench, limit, Side::Sell);
    }
    group_position(case, bench, Side::Sell, |limits| limits.short_max);
}

fn group_position(
    case: &Case<'_>,
    bench: &mut Bench<'_>,
    side: Side,
    limit: impl Fn(&GroupLimits) -> Option<Quantity>,
) {
    for group in case.path {
        if let Some(limit) = limit(group.limits) {
            let (before, after) = group.figures.reach;
            let of = |reach: GroupReach| reach.side(side, group.limits.net_offsets);
            bench.measure_group(group, quantity(limit, of(before), of(after)));
        }
    }
}

fn position(case: &Case<'_>, bench: &mut Bench<'_>, limit: Quantity, side: Side) {
    let reach = |line: &Line| case.limits.position_rule.reach(line, side);
    match (reach(case.line.0), reach(case.line.1)) {
        (Some(before), Some(after)) => bench.measure(Level::Bucket, quantity(limit, before, after)),
        _ => bench.unavailable(Reason::Overflow),
    }
}

fn gross_notional(case: &Case<'_>, bench: &mut Bench<'_>) {
    valued_measure(
        case,
        bench,
        case.limits.gross_notional_max,
        case.totals.0.gross,
        case.totals.1.gross,
    );
    for group in case.path {
        if let Some(limit) = group.limits.gross_notional_max {
            match case.notional_known().and(case.priced) {
                Ok(()) => bench.measure_group(
                    group,
                    money(
                        limit,
                        group.figures.totals.0.totals.gross,
                        group.figures.totals.1.totals.gross,
                    ),
                ),
                Err(cause) => bench.unavailable_to(group.owner(), cause),
            }
        }
    }
}

fn net_notional(case: &Case<'_>, bench: &mut Bench<'_>) {
    valued_measure(
        case,
        bench,
        case.limits.net_notional_max,
        case.totals.0.net(),
        case.totals.1.net(),
    );
    for group in case.path {
        if let Some(limit) = group.limits.net_notional_max {
            let offsets = group.limits.net_offsets;
            match case.notional_known().and(case.priced) {
                Ok(()) => bench.measure_group(
                    group,
                    money(
                        limit,
                        group.figures.totals.0.net(offsets),
                        group.figures.totals.1.net(offsets),
                    ),
                ),
                Err(cause) => bench.unavailable_to(group.owner(), cause),
            }
        }
    }
}

impl Case<'_> {
    /// A limit of the instrument's own.
    fn in_place<T>(&self, limit: impl FnOnce(&InstrumentLimits) -> Option<T>) -> Option<T> {
        self.own.and_then(limit)
    }

    /// The collars that hold. One of the contract's own is of no document that has modes.
    fn collars(&self, bench: &mut Bench<'_>) -> impl Iterator<Item = &Collar> + use<'_> {
        if self.instrument.collar.is_some() {
            bench.hold_always();
        }
        let collars = self.limits.collars(self.instrument, self.own);
        collars.into_iter().flatten()
    }

    /// Whether this order itself can be valued; what a group counts of others is its last known value (NL16).
    fn notional_known(&self) -> Result<(), Reason> {
        self.notional.map(|_| ())
    }
}

fn valued_measure(
    case: &Case<'_>,
    bench: &mut Bench<'_>,
    limit: Option<Money>,
    before: Money,
    after: Money,
) {
    let Some(limit) = limit else { return };
    match case.notional_known().and(case.valued) {
        Ok(()) => bench.measure(Level::Bucket, money(limit, before, after)),
        Err(cause) => bench.unavailable(cause),
    }
}

fn open_orders(case: &Case<'_>, bench: &mut Bench<'_>) {
    let (before, added) = case.open_orders;
    if let Some(limit) = case.limits.open_orders
        && added > 0
    {
        let reserve = if case.exit { 0 } else { limit.exit_reserve };
        bench.measure(
            Level::Bucket,
            count(limit.max.saturating_sub(reserve), before, added),
        );
    }
    for group in case.path {
        let (before, after) = group.figures.open_orders;
        if let Some(limit) = group.limits.open_orders
            && added > 0
        {
            let reserve = if case.exit { 0 } else { limit.exit_reserve };
            let most = limit.max.saturating_sub(reserve);
            bench.measure_group(group, count(most, before, after.saturating_sub(before)));
        }
    }
}

fn concentration(case: &Case<'_>, bench: &mut Bench<'_>) {
    for (dimension, limit, before, after) in case.concentration {
        match case.notional_known().and(case.valued) {
            Ok(()) => bench.measure_in(
                Level::Bucket,
                Some(*dimension),
                money(*limit, *before, *after),
            ),
            Err(cause) => bench.unavailable(cause),
        }
    }
    for group in case.path {
        for (dimension, limit, before, after) in &group.figures.concentration {
            match case.notional_known().and(case.priced) {
                Ok(()) => {
                    bench.measure_group_in(group, Some(*dimension), money(*limit, *before, *after))
                }
                Err(cause) => bench.unavailable_to(group.owner(), cause),
            }
        }
    }
}

fn traded_notional(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let Some(limit) = case.limits.traded_notional_max {
        match case.notional_known() {
            Ok(()) => bench.measure(Level::Bucket, money(limit, case.traded.0, case.traded.1)),
            Err(cause) => bench.unavailable(cause),
        }
    }
    for group in case.path {
        let Some(limit) = group.limits.traded_notional_max else {
            continue;
        };
        match (case.notional_known(), group.figures.traded) {
            (Ok(()), (Some(before), Some(after))) => {
                bench.measure_group(group, money(limit, before, after));
            }
            (Err(cause), _) => bench.unavailable_to(group.owner(), cause),
            (Ok(()), _) => bench.unavailable_to(group.owner(), Reason::Overflow),
        }
    }
}

fn inbound_cap(case: &Case<'_>, bench: &mut Bench<'_>) {
    for (bound, before, after) in case.inbound {
        match case.notional_known() {
            Ok(()) => bench.measure(Level::Bucket, money(*bound, *before, *after)),
            Err(cause) => bench.unavailable(cause),
        }
    }
}

// Rates.

fn order_rate(case: &Case<'_>, bench: &mut Bench<'_>) {
    if let Some(rate) = case.rate {
        bench.measure(Level::Bucket, count(rate.limit, rate.before, 1));
    }
    if let Some(rate) = case.client_rate {
        let client = Owner {
            modes: &Modes::ENFORCED,
            level: Level::Client,
        };
        let figures = count(rate.limit, rate.before, 1);
        bench.weigh(client, (Level::Client, None), figures, true);
    }
    for group in case.path {
        if let Some(rate) = group.rate {
            bench.measure_group(group, count(rate.limit, rate.before, 1));
        }
    }
}

fn notional_rate(case: &Case<'_>, bench: &mut Bench<'_>) {
    let (before, added) = case.notional_rate;
    if let Some(limit) = case.limits.notional_rate {
        match (case.notional_known(), before.checked_add(added)) {
            (Ok(()), Some(after)) => bench.measure(Level::Bucket, money(limit.max, before, after)),
            (Err(cause), _) => bench.unavailable(cause),
            (Ok(()), None) => bench.unavailable(Reason::Overflow),
        }
    }
    for group in case.path {
        let Some(limit) = group.limits.notional_rate else {
            continue;
        };
        let before = group.notional_rate;
        match (case.notional_known(), before.checked_add(added)) {
            (Ok(()), Some(after)) => bench.measure_group(group, money(limit.max, before, after)),
            (Err(cause), _) => bench.unavailable_to(group.owner(), cause),
            (Ok(()), None) => bench.unavailable_to(group.owner(), Reason::Overflow),
        }
    }
}

#[cfg(test)]
mod tests;
