//! Every check of one order or replace, in order.

use std::collections::BTreeMap;

use bulkhead::domain::decision::{Level, Reason};
use bulkhead::domain::order::{ShortSale, Side, Size, Terms, TimeInForce};
use bulkhead::domain::state::TradingState;

use super::bench::{Ask, Bench, Judged, count, use_of};
use super::counts::Usage;
use super::life::{Held, Stage, Version};
use super::market::Prices;
use super::rules::{Collar, Rules, Set};
use super::{Finding, Group, LevelUsage, Model, ONE, Place, U, down, over, up};

impl Model {
    fn exposure_price(&self, ask: &Ask, prices: &Prices, slippage: U) -> Option<U> {
        let padded = |price: U| price + up(price, slippage);
        let reference = prices.reference.map(U::abs);
        match ask.terms {
            Terms::Limit { price }
            | Terms::StopLimit { price, .. }
            | Terms::Pegged { cap: Some(price) } => match (reference, ask.side) {
                (Some(reference), _) => Some(reference.max(price.units().abs())),
                (None, Side::Buy) => Some(price.units().abs()),
                (None, Side::Sell) => None,
            },
            Terms::Market | Terms::Pegged { cap: None } => {
                let reference = reference?;
                let quoted = if ask.side == Side::Buy {
                    prices.ask
                } else {
                    prices.bid
                };
                Some(quoted.map_or(padded(reference), |quoted| {
                    padded(quoted.abs()).max(reference)
                }))
            }
            Terms::Stop { trigger } | Terms::TrailingStop { trigger } => {
                Some(padded(trigger.units().abs()).max(reference?))
            }
        }
    }

    fn lowest_price(&self, ask: &Ask, prices: &Prices, slippage: U) -> Option<U> {
        let reference = prices.reference?;
        let low = prices.bid.map_or(reference, |bid| bid.min(reference));
        let padded = low - up(low, slippage);
        let own = ask
            .terms
            .limit_price()
            .map_or(padded, |limit| padded.min(limit.units()));
        (own > 0).then_some(own)
    }

    fn state_over(&self, ask: &Ask) -> (TradingState, Level) {
        let pool = &self.pools[ask.bucket];
        let mut strictest = (pool.state, Level::Bucket);
        for group in &pool.path {
            let group = &self.groups[*group];
            if group.state > strictest.0 {
                strictest = (group.state, group.level);
            }
        }
        let mut around = (TradingState::Active, Level::Global);
        for (place, level) in [
            (Place::Instrument(ask.instrument), Level::Instrument),
            (Place::Venue(pool.accounts[ask.account].0), Level::Venue),
            (Place::Client(ask.client.to_string()), Level::Client),
            (Place::Everything, Level::Global),
        ] {
            if let Some(state) = self.states.get(&place)
                && *state >= around.0
            {
                around = (*state, level);
            }
        }
        if around.0 > strictest.0 {
            around
        } else {
            strictest
        }
    }

    pub(super) fn refused(reason: Reason, level: Level) -> Judged {
        Judged {
            findings: vec![Finding {
                reason,
                level,
                by_venue: false,
                figures: None,
            }],
            shadow: Vec::new(),
            shadowed: Vec::new(),
            exit: false,
            reserve: false,
            reduces: false,
            quantity: 0,
            after: None,
            added: 0,
        }
    }

    /// Every check, in order.
    pub(super) fn judge(&mut self, ask: &Ask) -> Judged {
        let (instrument, bucket, side) = (ask.instrument, ask.bucket, ask.side);
        let contract = &self.contracts[instrument];
        let rules = self.pools[bucket].rules.clone();
        let own = rules.own(instrument);
        let prices = self.prices(instrument);
        let rate = self.rate(instrument).map(|(rate, _)| rate);
        let price = self.exposure_price(ask, &prices, rules.slippage);
        let unit = rate.and_then(|rate| {
            self.unit(instrument, price, rate)
                .ok_or(Reason::PriceUnavailable)
        });
        let before = self.usage(bucket);
        let line = before.lines[instrument];

        let (quantity, cash) = match ask.size {
            Size::Quantity(quantity) => (quantity.units(), None),
            Size::ClosePosition => match (side, line.position) {
                (Side::Buy, position) if position < 0 => (-position, None),
                (Side::Sell, position) if position > 0 => (position, None),
                _ => return Self::refused(Reason::ReduceOnlyExceedsPosition, Level::Order),
            },
            Size::Cash(cash) => {
                let low = self.lowest_price(ask, &prices, rules.slippage);
                let Some(one) = self.unit(instrument, low, ONE) else {
                    return Self::refused(Reason::PriceUnavailable, Level::Order);
                };
                let lots = over(cash.units(), one);
                let quantity = -((-lots).div_euclid(contract.lot)) * contract.lot;
                match rate {
                    Ok(rate) => (quantity, Some(up(cash.units(), rate))),
                    Err(cause) => return Self::refused(cause, Level::Order),
                }
            }
        };
        let notional = match cash {
            Some(cash) => Ok(cash),
            None => unit.map(|unit| up(quantity, unit)),
        };
        let version = Version {
            id: ask.id.clone(),
            quantity,
            terms: ask.terms,
            unit: unit.unwrap_or(0),
            number: 0,
            sent: false,
        };
        let (state, level) = self.state_over(ask);
        let (mut after, exit, reserve) = match ask.replaces {
            None => {
                let joint = self.closing(ask.link, None, side, (quantity, 0));
                let (closes, own) = joint.unwrap_or((quantity, 0));
                let exit = line.exits(side, closes, own);
                let order = Held {
                    client: ask.client.clone(),
                    id: ask.id.clone(),
                    bucket,
                    instrument,
                    account: ask.account,
                    side,
                    reduce_only: ask.reduce_only,
                    time_in_force: ask.time_in_force,
                    post_only: ask.post_only,
                    short_sale: ask.short_sale,
                    located: ask.located,
                    versions: vec![version],
                    aside: Vec::new(),
                    fills: Vec::new(),
                    cash,
                    exit,
                    stage: if ask.offered.is_some() {
                        Stage::Offered
                    } else {
                        Stage::Reserved
                    },
                    asked_cancel: false,
                    end: None,
                    owed: None,
                    told: 0,
                    voided: 0,
                    approved: self.now.mono,
                    deadline: self.now.mono + rules.patience,
                    counted: 0,
                    counted_first: 0,
                    unvalued: notional.is_err(),
                    source: ask.source,
                    link: ask.link,
                    offer: ask.offered.clone(),
                    accepted: None,
                    lapsed: false,
                    void: false,
                    last: self.now.wall,
                    gone: false,
                };
                (order, exit, exit)
            }
            Some(at) => {
                let mut order = self.orders[at].clone();
                let held = order.hold();
                let grown = held.quantity.max((quantity - order.filled()).max(0));
                // H9: what is smaller and better keeps the value it has.
                let better = order.versions.iter().filter(|known| {
                    quantity <= known.quantity && is_better(&ask.terms, &known.terms)
                });
                let kept = better
                    .map(|known| known.unit)
                    .min()
                    .filter(|_| !order.unvalued);
                let mut version = version;
                version.unit = match kept {
                    Some(kept) => unit.map_or(kept, |unit| unit.min(kept)),
                    None => version.unit,
                };
                // H8: nearer to the market is a worse price; G2: while only exits may trade, as much as before is not less.
                let strictly = state == TradingState::ReduceOnly;
                let shrinks = order.versions.iter().any(|known| {
                    let less = version.quantity < known.quantity || version.unit < known.unit;
                    version.quantity <= known.quantity
                        && version.unit <= known.unit
                        && is_further(&ask.terms, &known.terms, side)
                        && (less || !strictly)
                }) && (order.unvalued || kept.is_some() || unit.is_ok());
                // What it counts beyond its mate is what the line has of it.
                let beside = self.beyond_mate(at);
                let joint = self.closing(ask.link, Some(at), side, (grown, held.quantity));
                let (closes, own) = joint.unwrap_or((grown, beside));
                let reserve = line.exits(side, closes, own);
                let exit = reserve || shrinks;
                let known = order.versions.iter().map(|version| version.number);
                let aside = order.aside.iter().map(|(version, _)| version.number);
                version.number = known.chain(aside).max().unwrap_or(0) + 1;
                order.versions.push(version);
                order.exit &= exit;
                (order, exit, reserve)
            }
        };
        let before_value = ask
            .replaces
            .map_or(0, |at| self.value_beyond(&self.orders[at], Some(at)));
        let added = (self.value_beyond(&after, ask.replaces) - before_value).max(0);
        after.counted += added;
        if ask.replaces.is_none() {
            after.counted_first = added;
        }

        // The same lists with this order in them.
        let counted = |model: &Self| -> Vec<LevelUsage> {
            let over = model.over(bucket, ask.account);
            over.iter().map(|group| model.level_usage(group)).collect()
        };
        let levels_before = counted(self);
        let swapped = ask
            .replaces
            .map(|at| core::mem::replace(&mut self.orders[at], after.clone()));
        if swapped.is_none() {
            self.orders.push(after.clone());
        }
        let then = self.usage(bucket);
        let levels_then = counted(self);
        let sets: Vec<(Set, U, U, U)> = self.sets_of(ask, &rules, &before, &then);
        match (ask.replaces, swapped) {
            (Some(at), Some(order)) => self.orders[at] = order,
            _ => drop(self.orders.pop()),
        }

        let pool = &self.pools[bucket];
        let now = self.now.mono;
        let mut bench = Bench {
            exit,
            by_venue: false,
            findings: Vec::new(),
            shadow: Vec::new(),
            shadowed: Vec::new(),
            relaxed: self.relaxed(bucket, ask.account),
            own_collar: contract.collar.is_some(),
        };
        bench.require(Reason::StateHalted, level, state != TradingState::Halted);
        bench.require(
            Reason::StateCancelOnly,
            level,
            state != TradingState::CancelOnly,
        );
        bench.require(
            Reason::StateReduceOnly,
            level,
            state != TradingState::ReduceOnly,
        );
        if let Some(quota) = self.quota(ask.client.as_str(), reserve) {
            let used = self.used(ask.client.as_str());
            bench.measure(
                Reason::ClientQuota,
                Level::Client,
                count(quota),
                count(used),
                count(used + 1),
            );
        }
        if let Some(expiry) = contract.expiry {
            let trades = self.now.wall < expiry;
            bench.require(Reason::InstrumentExpired, Level::Instrument, trades);
        }
        let venue = pool.accounts[ask.account].0;
        bench.require(
            Reason::VenueNotListed,
            Level::Venue,
            contract.venues.contains(&venue),
        );
        let stated = [ask.terms.limit_price(), ask.terms.trigger()];
        if !contract.negative {
            let positive = stated.iter().flatten().all(|price| price.units() > 0);
            bench.require(Reason::PriceNotPositive, Level::Instrument, positive);
        }
        let on_tick = stated
            .iter()
            .flatten()
            .all(|price| price.units() % contract.tick == 0);
        bench.require(Reason::PriceOffTick, Level::Instrument, on_tick);
        let on_lot = quantity % contract.lot == 0
            && ask.display.is_none_or(|shown| shown % contract.lot == 0);
        bench.require(Reason::QuantityOffLot, Level::Instrument, on_lot);
        if let TimeInForce::GoodTillDate(until) = ask.time_in_force {
            bench.require(Reason::ExpireTimePast, Level::Order, self.now.wall < until);
        }
        bench.require(
            Reason::LegalRestriction,
            Level::Bucket,
            !rules.restricted.contains(&instrument),
        );
        let allowed = rules
            .allow
            .as_ref()
            .is_none_or(|allow| allow.contains(&instrument))
            && !rules.deny.contains(&instrument);
        bench.require(Reason::InstrumentNotAllowed, Level::Bucket, allowed);
        let open = self.is_open(bucket);
        bench.require(Reason::OutsideTradingWindow, Level::Bucket, open);
        if ask.reduce_only {
            let reducible = if side == Side::Buy {
                -line.position
            } else {
                line.position
            };
            let marked = then.lines[instrument].side(side).reducing;
            bench.require(
                Reason::ReduceOnlyExceedsPosition,
                Level::Bucket,
                reducible > 0 && marked <= reducible,
            );
        }
        bench.require(
            Reason::PostOnlyRequired,
            Level::Bucket,
            rules.post_only != 1 || ask.post_only,
        );
        bench.require(
            Reason::PostOnlyForbidden,
            Level::Bucket,
            rules.post_only != 2 || !ask.post_only,
        );
        bench.require(
            Reason::ShortSaleForbidden,
            Level::Bucket,
            rules.short_sale != 2 || ask.short_sale == ShortSale::Unmarked,
        );
        bench.require(
            Reason::LocateRequired,
            Level::Bucket,
            rules.short_sale != 1 || ask.short_sale != ShortSale::Short || ask.located,
        );
        if let Some(limit) = own.quantity {
            bench.measure(Reason::OrderQuantity, Level::Order, limit, 0, quantity);
        }
        if let Some(limit) = rules.base {
            let base = if contract.inverse {
                self.lowest_price(ask, &prices, 0)
                    .map(|low| over(up(quantity, contract.multiplier), low))
                    .ok_or(Reason::PriceUnavailable)
            } else {
                Ok(up(quantity, contract.multiplier))
            };
            bench.value(Reason::OrderBaseQuantity, Level::Order, limit, 0, base);
        }
        self.collars(ask, contract.collar.or(own.collar), &prices, &mut bench);
        if let Some(limit) = rules.notional {
            bench.value(Reason::OrderNotional, Level::Order, limit, 0, notional);
        }
        if let (Some(limit), Some(on)) = (rules.underlying, contract.option_on) {
            let price = self
                .prices(on)
                .reference
                .or(prices.index)
                .ok_or(Reason::PriceUnavailable);
            let value =
                price.and_then(|price| Ok(up(up(quantity, up(price, contract.multiplier)), rate?)));
            bench.value(
                Reason::OrderUnderlyingNotional,
                Level::Order,
                limit,
                0,
                value,
            );
        }
        if let (Some((most, window)), None) = (rules.alike, ask.replaces) {
            let alike = pool.alike.iter().filter(|(time, which, way, size, terms)| {
                now - time < window
                    && (*which, *way, *size, *terms) == (instrument, side, quantity, ask.terms)
            });
            let alike = u32::try_from(alike.count()).unwrap();
            bench.measure(
                Reason::LookAlike,
                Level::Bucket,
                count(most),
                count(alike),
                count(alike + 1),
            );
        }
        // Where it is not enforced, a rule that would ask for cancels is told of like one that refuses.
        let asks = rules.self_match == 2 && !rules.enforces(Reason::SelfMatch);
        if rules.self_match == 1 || asks {
            bench.require(Reason::SelfMatch, Level::Bucket, !self.crosses(ask));
        }
        let levels: Vec<_> = self
            .over(bucket, ask.account)
            .into_iter()
            .cloned()
            .collect();
        let levels: Vec<(Group, LevelUsage, LevelUsage)> = levels
            .into_iter()
            .zip(levels_before)
            .zip(levels_then)
            .map(|((group, before), then)| (group, before, then))
            .collect();
        for (group, _, _) in &levels {
            if let Some(crosses) = self.crosses_in(ask, group) {
                bench.require(Reason::SelfMatch, group.level, !crosses);
            }
        }
        let valued = self.valued(bucket, &before);
        let priced = self.priced(bucket, &before);
        let needs = (notional.map(|_| ()), priced);
        let above = |bench: &mut Bench, reason| {
            self.judge_above(bench, reason, ask, &levels, added, needs.0, needs.1);
        };
        for (reason, limit, way) in [
            (Reason::PositionLong, own.long, Side::Buy),
            (Reason::PositionShort, own.short, Side::Sell),
        ] {
            if let Some(limit) = limit {
                bench.measure(
                    reason,
                    Level::Bucket,
                    limit,
                    rules.reach(&line, way),
                    rules.reach(&then.lines[instrument], way),
                );
            }
            above(&mut bench, reason);
        }
        let known = notional.and(valued);
        for (reason, limit, old, new) in [
            (Reason::GrossNotional, rules.gross, before.gross, then.gross),
            (Reason::NetNotional, rules.net, before.net(), then.net()),
        ] {
            if let Some(limit) = limit {
                bench.value(reason, Level::Bucket, limit, old, known.map(|_| new));
            }
            above(&mut bench, reason);
        }
        if let (Some((max, reserve)), None) = (rules.open, ask.replaces) {
            let limit = if exit { max } else { max - reserve };
            bench.measure(
                Reason::OpenOrders,
                Level::Bucket,
                count(limit),
                count(before.orders),
                count(before.orders + 1),
            );
        }
        above(&mut bench, Reason::OpenOrders);
        for (set, bound, old, new) in sets {
            bench.by_venue = set == Set::Venue;
            bench.value(
                Reason::Concentration,
                Level::Bucket,
                bound,
                old,
                known.map(|_| new),
            );
            bench.by_venue = false;
        }
        above(&mut bench, Reason::Concentration);
        if let Some(limit) = rules.traded {
            bench.value(
                Reason::TradedNotional,
                Level::Bucket,
                limit,
                before.traded,
                notional.map(|_| before.traded + added),
            );
        }
        above(&mut bench, Reason::TradedNotional);
        if let Some(source) = ask.source.filter(|_| ask.replaces.is_none() || !exit) {
            let came = |from: Option<usize>| -> U {
                pool.inbound
                    .iter()
                    .filter(|(wall, which, _)| {
                        self.is_today(bucket, *wall) && from.is_none_or(|from| from == *which)
                    })
                    .map(|(_, _, value)| value)
                    .sum()
            };
            match pool.sources.iter().find(|(from, _)| *from == source) {
                None => bench.fail(Reason::InboundCap, Level::Bucket, None),
                Some((_, cap)) => {
                    let own = came(Some(source));
                    bench.value(
                        Reason::InboundCap,
                        Level::Bucket,
                        *cap,
                        own,
                        notional.map(|_| own + added),
                    );
                    if let Some(cap) = pool.sources_total {
                        bench.value(
                            Reason::InboundCap,
                            Level::Bucket,
                            cap,
                            came(None),
                            notional.map(|_| came(None) + added),
                        );
                    }
                }
            }
        }
        if let Some(limit) = &rules.rate {
            let (most, used, _) = use_of(&pool.attempts, limit, now, reserve);
            bench.measure(
                Reason::OrderRate,
                Level::Bucket,
                count(most),
                count(used),
                count(used + 1),
            );
        }
        for (group, _, _) in &levels {
            if let Some(limit) = &group.rules.rate {
                let (most, used, _) = use_of(&group.approved, limit, now, reserve);
                bench.measure(
                    Reason::OrderRate,
                    group.level,
                    count(most),
                    count(used),
                    count(used + 1),
                );
            }
        }
        if let Some((limit, window, _)) = rules.notional_rate {
            let used: U = pool
                .notionals
                .iter()
                .filter(|(time, _)| now - time < window)
                .map(|(_, value)| value)
                .sum();
            bench.value(
                Reason::NotionalRate,
                Level::Bucket,
                limit,
                used,
                notional.map(|_| used + added),
            );
        }
        above(&mut bench, Reason::NotionalRate);
        Judged {
            findings: bench.findings,
            shadow: bench.shadow,
            shadowed: bench.shadowed,
            exit,
            reserve,
            reduces: (side == Side::Sell && line.position > 0)
                || (side == Side::Buy && line.position < 0),
            quantity,
            after: Some(after),
            added,
        }
    }

    /// What a bucket and the groups above it do not enforce, and whether it is in shadow.
    fn relaxed(&self, bucket: usize, account: usize) -> BTreeMap<(Level, Reason), bool> {
        let pool = &self.pools[bucket];
        let own = (Level::Bucket, &pool.rules.shadow, &pool.rules.off);
        let groups = self
            .over(bucket, account)
            .into_iter()
            .map(|group| (group.level, &group.rules.shadow, &group.rules.off));
        let mut relaxed = BTreeMap::new();
        for (level, shadow, off) in core::iter::once(own).chain(groups) {
            relaxed.extend(shadow.iter().map(|limit| ((level, *limit), true)));
            relaxed.extend(off.iter().map(|limit| ((level, *limit), false)));
        }
        relaxed
    }

    fn sets_of(
        &self,
        ask: &Ask,
        rules: &Rules,
        before: &Usage,
        then: &Usage,
    ) -> Vec<(Set, U, U, U)> {
        let venue = self.pools[ask.bucket].accounts[ask.account].0;
        let mut found = Vec::new();
        for set in [Set::Underlying, Set::Venue] {
            for (_, only, bound) in rules.sets.iter().filter(|(which, _, _)| *which == set) {
                let value = match set {
                    Set::Underlying => self.contracts[ask.instrument].underlying,
                    Set::Venue => venue,
                };
                if only.is_none_or(|only| only == value) {
                    found.push((
                        set,
                        Self::bound(rules, *bound),
                        self.in_set(ask.bucket, before, set, value),
                        self.in_set(ask.bucket, then, set, value),
                    ));
                }
            }
        }
        found
    }

    /// Whether every price that the bucket's own value rests on is fresh.
    fn valued(&self, bucket: usize, usage: &Usage) -> Result<(), Reason> {
        let stale = usage.by_price().any(|instrument| {
            self.pools[bucket].fresh[instrument].is_none_or(|fresh| self.now.mono > fresh)
        });
        if stale {
            Err(Reason::PriceUnavailable)
        } else {
            Ok(())
        }
    }

    /// Whether all of that had a price once.
    fn priced(&self, bucket: usize, usage: &Usage) -> Result<(), Reason> {
        let units = &self.pools[bucket].units;
        match usage
            .by_price()
            .any(|instrument| units[instrument].is_none())
        {
            true => Err(Reason::PriceUnavailable),
            false => Ok(()),
        }
    }

    fn collars(&self, ask: &Ask, collar: Option<Collar>, prices: &Prices, bench: &mut Bench) {
        let (Some(collar), Some(price)) = (collar, ask.terms.limit_price()) else {
            return;
        };
        let beyond = |reference: U| match ask.side {
            Side::Buy => price.units() - reference,
            Side::Sell => reference - price.units(),
        };
        if collar.aggressive.is_some() || collar.passive.is_some() || collar.absolute.is_some() {
            match prices.reference {
                None => {
                    bench.unavailable(Reason::PriceCollar, Level::Order, Reason::PriceUnavailable)
                }
                Some(reference) => {
                    let widest = |share: Option<U>| {
                        share
                            .map(|share| down(reference.abs(), share))
                            .max(collar.absolute)
                    };
                    let distance = beyond(reference);
                    let bound = if distance < 0 {
                        collar.passive.and(widest(collar.passive))
                    } else {
                        widest(collar.aggressive)
                    };
                    if let Some(bound) = bound {
                        bench.measure(Reason::PriceCollar, Level::Order, bound, 0, distance.abs());
                    }
                }
            }
        }
        if let Some(share) = collar.period {
            let reference = if ask.side == Side::Buy {
                prices.low
            } else {
                prices.high
            };
            match reference {
                None => bench.unavailable(
                    Reason::PriceCollarPeriod,
                    Level::Order,
                    Reason::PriceUnavailable,
                ),
                Some(reference) => bench.measure(
                    Reason::PriceCollarPeriod,
                    Level::Order,
                    down(reference.abs(), share),
                    0,
                    beyond(reference),
                ),
            }
        }
    }

    fn crosses(&self, ask: &Ask) -> bool {
        let opposite = self.orders.iter().filter(|order| {
            order.bucket == ask.bucket
                && order.instrument == ask.instrument
                && order.side != ask.side
                && !order.is_over()
        });
        opposite
            .flat_map(Held::resting)
            .any(|resting| match (ask.side, ask.terms.limit_price()) {
                (_, None) => true,
                (Side::Buy, Some(price)) => price.units() >= resting,
                (Side::Sell, Some(price)) => price.units() <= resting,
            })
    }
}

/// Whether an order is of the same type, and counts no more whatever the market does.
fn is_better(terms: &Terms, than: &Terms) -> bool {
    let below = |one: U, other: U| one.abs() <= other.abs();
    is_of_type_and(terms, than, below, below)
}

/// Whether an order is of the same type, and waits no nearer to the market.
fn is_further(terms: &Terms, than: &Terms, side: Side) -> bool {
    let sign = if side == Side::Buy { 1 } else { -1 };
    let limit = |one: U, other: U| (other - one) * sign >= 0;
    let trigger = |one: U, other: U| (one - other) * sign >= 0;
    is_of_type_and(terms, than, limit, trigger)
}

/// Whether an order is of the same type, and its prices compare so: limits and caps by one rule, triggers by another.
fn is_of_type_and(
    terms: &Terms,
    than: &Terms,
    limit: impl Fn(U, U) -> bool,
    trigger: impl Fn(U, U) -> bool,
) -> bool {
    match (terms, than) {
        (Terms::Market, Terms::Market)
        | (Terms::Pegged { cap: None }, Terms::Pegged { cap: None }) => true,
        (Terms::Limit { price: one }, Terms::Limit { price: other })
        | (Terms::Pegged { cap: Some(one) }, Terms::Pegged { cap: Some(other) }) => {
            limit(one.units(), other.units())
        }
        (Terms::Stop { trigger: one }, Terms::Stop { trigger: other })
        | (Terms::TrailingStop { trigger: one }, Terms::TrailingStop { trigger: other }) => {
            trigger(one.units(), other.units())
        }
        (
            Terms::StopLimit {
                price: one,
                trigger: first,
            },
            Terms::StopLimit {
                price: other,
                trigger: second,
            },
        ) => limit(one.units(), other.units()) && trigger(first.units(), second.units()),
        _ => false,
    }
}
