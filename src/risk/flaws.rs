//! What is wrong with a document of limits or with an instrument by itself: values that parse, and yet make no sense.
//!
//! Every way in (files, admin calls) asks here, so that all refuse the same values. Whether names exist is not known here.

use core::ops::RangeInclusive;
use std::collections::BTreeMap;

use super::limits::{
    ConcentrationBound, ConcentrationLimit, GroupLimits, InstrumentLimits, Limits, LookAlikeLimit,
    NotionalRateLimit, OpenOrdersLimit, RATE_MAX, RateLimit, WINDOW_MAX,
};
use super::modes::Modes;
use super::policy::MODAL;
use crate::domain::amount::{Amount, Ratio};
use crate::domain::duration;
use crate::domain::instrument::{Collar, Instrument, InstrumentType, Payoff};
use crate::domain::time::MILLISECOND;

/// Numbers of events that a limit may count.
pub const COUNTS: RangeInclusive<u32> = 1..=RATE_MAX;
/// Lengths that a window, an age or a time to live may have, nanoseconds.
pub const LENGTHS: RangeInclusive<u64> = MILLISECOND..=WINDOW_MAX;
/// First ratio that is too large for a share: 10 stands for 1000 %, surely a slip of the pen.
pub const SHARE_END: Ratio = Ratio::from_units(10_000_000_000_000);

/// One value outside what is allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flaw {
    /// Where, from the top of the document: `["order_rate", "max"]`.
    pub key: Vec<String>,
    /// The value; absent where it is missing.
    pub value: Option<String>,
    /// What is allowed there.
    pub expected: String,
}

/// Flaws of the limits of a bucket; none for a sound document.
#[must_use]
pub fn of_limits(limits: &Limits) -> Vec<Flaw> {
    // In full, so that a new limit cannot be forgotten here.
    let Limits {
        currency: _,
        capital,
        order_quantity_max,
        order_base_quantity_max,
        order_notional_max,
        order_underlying_notional_max,
        collar,
        market_slippage,
        look_alike,
        instruments: _,
        post_only: _,
        short_sale: _,
        self_match: _,
        self_match_scope: _,
        long_max,
        short_max,
        position_rule: _,
        spread_counted_share,
        per_instrument,
        gross_notional_max,
        net_notional_max,
        open_orders,
        concentration,
        traded_notional_max,
        order_rate,
        notional_rate,
        unsent_ttl,
        modes,
        also: _,
    } = limits;
    let mut at = Place::default();
    at.not_negative("capital", *capital);
    at.not_negative("order_quantity_max", *order_quantity_max);
    at.not_negative("order_base_quantity_max", *order_base_quantity_max);
    at.not_negative("order_notional_max", *order_notional_max);
    at.not_negative(
        "order_underlying_notional_max",
        *order_underlying_notional_max,
    );
    at.collar(*collar);
    at.share("market_slippage", Some(*market_slippage));
    at.share("spread_counted_share", *spread_counted_share);
    at.look_alike(*look_alike);
    at.not_negative("long_max", *long_max);
    at.not_negative("short_max", *short_max);
    for (instrument, own) in per_instrument {
        let InstrumentLimits {
            order_quantity_max,
            long_max,
            short_max,
            collar,
        } = *own;
        at.within(["per_instrument", instrument.as_str()], |at| {
            at.not_negative("order_quantity_max", order_quantity_max);
            at.not_negative("long_max", long_max);
            at.not_negative("short_max", short_max);
            at.collar(collar);
        });
    }
    at.not_negative("gross_notional_max", *gross_notional_max);
    at.not_negative("net_notional_max", *net_notional_max);
    at.open_orders(*open_orders);
    at.concentration(concentration, Some(capital.is_some()));
    at.not_negative("traded_notional_max", *traded_notional_max);
    at.order_rate(*order_rate);
    at.notional_rate(*notional_rate);
    at.length("unsent_ttl", *unsent_ttl);
    at.modes(modes);
    at.flaws
}

/// Flaws of the limits of a group; none for a sound document.
#[must_use]
pub fn of_group(limits: &GroupLimits) -> Vec<Flaw> {
    let GroupLimits {
        currency: _,
        long_max,
        short_max,
        gross_notional_max,
        net_notional_max,
        net_offsets: _,
        open_orders,
        concentration,
        traded_notional_max,
        order_rate,
        notional_rate,
        disclose: _,
        modes,
    } = limits;
    let mut at = Place::default();
    at.not_negative("long_max", *long_max);
    at.not_negative("short_max", *short_max);
    at.not_negative("gross_notional_max", *gross_notional_max);
    at.not_negative("net_notional_max", *net_notional_max);
    at.open_orders(*open_orders);
    at.concentration(concentration, None);
    at.not_negative("traded_notional_max", *traded_notional_max);
    at.order_rate(*order_rate);
    at.modes(modes);
    at.notional_rate(*notional_rate);
    at.flaws
}

/// Flaws of a rate limit that stands alone, under the key `order_rate`.
#[must_use]
pub fn of_rate(limit: RateLimit) -> Vec<Flaw> {
    let mut at = Place::default();
    at.order_rate(Some(limit));
    at.flaws
}

/// Flaws of an instrument; none for sound reference data (A2).
#[must_use]
pub fn of_instrument(instrument: &Instrument) -> Vec<Flaw> {
    let mut at = Place::default();
    at.positive("multiplier", instrument.multiplier);
    at.positive("tick", instrument.tick);
    at.positive("lot", instrument.lot);
    at.length("mark_max_age", instrument.mark_max_age);
    at.share("jump_max", instrument.jump_max);
    at.share(
        "source_divergence_max",
        Some(instrument.source_divergence_max),
    );
    at.collar(instrument.collar);
    at.settlement(instrument);
    at.expiry(instrument);
    at.option_terms(instrument);
    if instrument.underlying_instrument.as_ref() == Some(&instrument.id) {
        at.refuse(
            "underlying_instrument",
            &instrument.id,
            "another instrument",
        );
    }
    at.flaws
}

/// Name of an instrument type, as configuration and messages write it.
#[must_use]
pub const fn type_name(kind: InstrumentType) -> &'static str {
    match kind {
        InstrumentType::Spot => "spot",
        InstrumentType::Equity => "equity",
        InstrumentType::Perpetual => "perpetual",
        InstrumentType::Future => "future",
        InstrumentType::Option => "option",
    }
}

/// A place in the document, and the flaws found so far.
#[derive(Default)]
struct Place {
    path: Vec<String>,
    flaws: Vec<Flaw>,
}

impl Place {
    fn within<const N: usize>(&mut self, keys: [&str; N], check: impl FnOnce(&mut Self)) {
        let depth = self.path.len();
        self.path.extend(keys.map(str::to_owned));
        check(self);
        self.path.truncate(depth);
    }

    fn push(&mut self, key: &str, value: Option<String>, expected: String) {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        self.flaws.push(Flaw {
            key: path,
            value,
            expected,
        });
    }

    fn refuse(&mut self, key: &str, value: impl ToString, expected: impl Into<String>) {
        self.push(key, Some(value.to_string()), expected.into());
    }

    fn missing(&mut self, key: &str, expected: impl Into<String>) {
        self.push(key, None, expected.into());
    }

    fn not_negative<U>(&mut self, key: &str, amount: Option<Amount<U>>) {
        if let Some(amount) = amount
            && amount.is_negative()
        {
            self.refuse(key, amount, "zero or more");
        }
    }

    fn positive<U>(&mut self, key: &str, amount: Amount<U>) {
        if !amount.is_positive() {
            self.refuse(key, amount, "more than zero");
        }
    }

    fn share(&mut self, key: &str, ratio: Option<Ratio>) {
        if let Some(ratio) = ratio
            && (ratio.is_negative() || ratio >= SHARE_END)
        {
            self.refuse(
                key,
                ratio,
                format!("a share from 0 to less than {SHARE_END} (0.05 is 5 %)"),
            );
        }
    }

    fn count(&mut self, key: &str, count: u32) {
        if !COUNTS.contains(&count) {
            let expected = format!("a whole number from {} to {}", COUNTS.start(), COUNTS.end());
            self.refuse(key, count, expected);
        }
    }

    fn length(&mut self, key: &str, nanoseconds: u64) {
        if !LENGTHS.contains(&nanoseconds) {
            self.refuse(key, duration::format(nanoseconds), lengths());
        }
    }

    fn exit_reserve(&mut self, exit_reserve: u32, max: u32) {
        if exit_reserve > max {
            let expected = format!("a whole number from 0 to max = {max}");
            self.refuse("exit_reserve", exit_reserve, expected);
        }
    }

    fn modes(&mut self, modes: &Modes) {
        for limit in modes.relaxed().iter().filter(|it| !MODAL.contains(*it)) {
            self.within(["modes"], |at| at.push(&limit.key(), None, HELD.to_owned()));
        }
    }

    fn collar(&mut self, collar: Option<Collar>) {
        let Some(collar) = collar else { return };
        let Collar {
            aggressive,
            passive,
            absolute,
            period,
        } = collar;
        self.within(["collar"], |at| {
            at.share("aggressive", aggressive);
            at.share("passive", passive);
            at.not_negative("absolute", absolute);
            at.share("period", period);
        });
        if collar == Collar::default() {
            self.refuse(
                "collar",
                "{}",
                "at least one of aggressive, passive, absolute, period",
            );
        }
    }

    fn look_alike(&mut self, limit: Option<LookAlikeLimit>) {
        let Some(LookAlikeLimit { count, window }) = limit else {
            return;
        };
        self.within(["look_alike"], |at| {
            at.count("count", count);
            at.length("window", window);
        });
    }

    fn open_orders(&mut self, limit: Option<OpenOrdersLimit>) {
        let Some(OpenOrdersLimit { max, exit_reserve }) = limit else {
            return;
        };
        self.within(["open_orders"], |at| {
            at.count("max", max);
            at.exit_reserve(exit_reserve, max);
        });
    }

    fn order_rate(&mut self, limit: Option<RateLimit>) {
        let Some(RateLimit {
            max,
            window,
            exit_reserve,
        }) = limit
        else {
            return;
        };
        self.within(["order_rate"], |at| {
            at.count("max", max);
            at.length("window", window);
            at.exit_reserve(exit_reserve, max);
        });
    }

    fn notional_rate(&mut self, limit: Option<NotionalRateLimit>) {
        let Some(NotionalRateLimit {
            max,
            window,
            give_back: _,
        }) = limit
        else {
            return;
        };
        self.within(["notional_rate"], |at| {
            at.not_negative("max", Some(max));
            at.length("window", window);
        });
    }

    /// `has_capital` says nothing for a group: there a share has nothing to be of.
    fn concentration(&mut self, limits: &[ConcentrationLimit], has_capital: Option<bool>) {
        let mut known = BTreeMap::new();
        for (index, limit) in limits.iter().enumerate() {
            // One by name and one for all in each dimension: no instrument is in more sets than are counted for it.
            let first = *known
                .entry((limit.dimension, limit.value.as_deref()))
                .or_insert(index);
            let index = index.to_string();
            if index != first.to_string() {
                let expected = match limit.value {
                    Some(_) => format!("another set than that of concentration.{first}"),
                    None => format!("the name of a set, as concentration.{first} is for every one"),
                };
                self.within(["concentration", &index], |at| {
                    at.push("of", limit.value.clone(), expected);
                });
            }
            self.within(["concentration", &index], |at| match limit.bound {
                ConcentrationBound::Money(max) => at.not_negative("max", Some(max)),
                ConcentrationBound::CapitalShare(share) => at.share("capital_share", Some(share)),
            });
            let is_share = matches!(limit.bound, ConcentrationBound::CapitalShare(_));
            if let (ConcentrationBound::CapitalShare(share), None) = (limit.bound, has_capital) {
                self.within(["concentration", &index], |at| {
                    at.refuse(
                        "capital_share",
                        share,
                        "an amount of money: a group has no capital",
                    );
                });
            }
            if is_share && has_capital == Some(false) {
                let expected =
                    format!("an amount of money, because concentration.{index} is a share of it");
                self.missing("capital", expected);
            }
        }
    }

    fn settlement(&mut self, instrument: &Instrument) {
        let Instrument {
            base,
            quote,
            settle,
            ..
        } = instrument;
        match instrument.payoff {
            Payoff::Linear if settle != quote => {
                let expected = format!("{quote}, the quote currency, as payoff is linear");
                self.refuse("settle", settle, expected);
            }
            Payoff::Inverse if settle != base => {
                let expected = format!("{base}, the base coin, as payoff is inverse");
                self.refuse("settle", settle, expected);
            }
            Payoff::Quanto if settle == quote => {
                let expected = format!("a currency other than the quote currency {quote}");
                self.refuse("settle", settle, expected);
            }
            Payoff::Linear | Payoff::Inverse | Payoff::Quanto => {}
        }
        let (payoff, allowed) = match (instrument.kind, instrument.payoff) {
            (InstrumentType::Spot | InstrumentType::Equity, Payoff::Inverse) => {
                ("inverse", "linear")
            }
            (InstrumentType::Spot | InstrumentType::Equity, Payoff::Quanto) => ("quanto", "linear"),
            (InstrumentType::Option, Payoff::Inverse) => ("inverse", "linear or quanto"),
            _ => return,
        };
        let expected = format!("{allowed} for type {}", type_name(instrument.kind));
        self.refuse("payoff", payoff, expected);
    }

    fn expiry(&mut self, instrument: &Instrument) {
        let dated = matches!(
            instrument.kind,
            InstrumentType::Future | InstrumentType::Option
        );
        let kind = type_name(instrument.kind);
        match instrument.expiry {
            None if dated => self.missing(
                "expiry",
                format!("an instant such as \"2030-12-27T08:00:00Z\" for type {kind}"),
            ),
            Some(expiry) if !dated => {
                let text = jiff::Timestamp::from_nanosecond(i128::from(expiry))
                    .map_or_else(|_| expiry.to_string(), |instant| instant.to_string());
                self.refuse("expiry", text, format!("nothing for type {kind}"));
            }
            None | Some(_) => {}
        }
    }

    fn option_terms(&mut self, instrument: &Instrument) {
        let is_option = instrument.kind == InstrumentType::Option;
        match instrument.option {
            None if is_option => self.missing("strike", "the strike price for type option"),
            Some((strike, _)) if !is_option => {
                let expected = format!("nothing for type {}", type_name(instrument.kind));
                self.refuse("strike", strike, expected);
            }
            Some((strike, _)) if !instrument.negative_prices => self.positive("strike", strike),
            None | Some(_) => {}
        }
    }
}

/// What is said of a mode for what has none.
pub const HELD: &str = "enforce: states, ids, reference data, the grammar of an order, reduce-only marks, legal restrictions and caps on what is rerouted in are never in shadow or off";

/// What is allowed where a length is asked for, in words.
#[must_use]
pub fn lengths() -> String {
    format!(
        "a duration from {} to {}",
        duration::format(*LENGTHS.start()),
        duration::format(*LENGTHS.end())
    )
}
