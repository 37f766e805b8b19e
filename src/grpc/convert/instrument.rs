//! Reference data, both ways.

use std::collections::BTreeSet;

use super::field::{Path, Sign, Violations, decimal, duration, says, text, timestamp};
use super::limits::{collar, write_collar};
use crate::domain::amount::{Price, Ratio};
use crate::domain::instrument::{
    Instrument, InstrumentType, Listing, MARK_MAX_AGE, OptionRight, Payoff,
};
use crate::domain::name::{Currency, Kind, Name, Tag};
use crate::domain::source::DIVERGENCE_MAX;
use crate::domain::time::MILLISECOND;
use crate::pb;
use crate::risk::flaws;
use crate::risk::limits::WINDOW_MAX;

/// Most bytes of a venue's own name of a contract.
const SYMBOL_MAX: usize = 64;

/// What holds for an instrument that does not say so itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InstrumentDefaults {
    /// Age up to which marks may be used, nanoseconds.
    pub mark_max_age: u64,
    /// Largest jump of a mark that needs no confirmation, as a share.
    pub mark_jump_max: Option<Ratio>,
}

impl Default for InstrumentDefaults {
    /// The same as in files.
    fn default() -> Self {
        Self {
            mark_max_age: MARK_MAX_AGE,
            mark_jump_max: None,
        }
    }
}

/// Reads an instrument. Its version is the table's to give: it is zero.
pub fn read(
    message: pb::Instrument,
    defaults: &InstrumentDefaults,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Instrument> {
    let pb::Instrument {
        instrument_id,
        r#type,
        payoff,
        underlying,
        base_currency,
        quote_currency,
        settle_currency,
        multiplier,
        tick,
        lot,
        expires_at,
        strike_price,
        put_or_call,
        sector,
        listings,
        negative_prices_allowed,
        mark_max_age,
        price_collar,
        mark_jump_max,
        source_divergence_max,
        version: _,
        underlying_instrument_id,
    } = message;
    let id = found.name(at.field("instrument_id"), instrument_id);
    let type_at = at.field("type");
    let declared: Option<pb::InstrumentType> = found.number(type_at, r#type);
    let kind = declared.and_then(|declared| kind(declared, type_at, found));
    let payoff = payoff_of(kind, payoff, at.field("payoff"), found);
    let underlying: Option<Option<Tag>> = found.name_if_any(at.field("underlying"), underlying);
    let base: Option<Currency> = found.name(at.field("base_currency"), base_currency);
    let quote: Option<Currency> = found.name(at.field("quote_currency"), quote_currency);
    let settle = found.name_if_any(at.field("settle_currency"), settle_currency);
    let settle = settle.and_then(|settle| {
        let settle_at = at.field("settle_currency");
        settled_in(
            payoff?,
            settle,
            base.as_ref()?,
            quote.as_ref()?,
            settle_at,
            found,
        )
    });
    let multiplier = found.amount(at.field("multiplier"), multiplier, Sign::Positive);
    let tick = found.amount(at.field("tick"), tick, Sign::Positive);
    let lot = found.amount(at.field("lot"), lot, Sign::Positive);
    let expiry = found.time_if_any(at.field("expires_at"), expires_at);
    let strike = found.amount_if_any(at.field("strike_price"), strike_price, Sign::Positive);
    let right = right(put_or_call, at.field("put_or_call"), found);
    let underlying_at = at.field("underlying_instrument_id");
    let underlying_instrument = found.name_if_any(underlying_at, underlying_instrument_id);
    let sector = found.name_if_any(at.field("sector"), sector);
    let listings = listed(listings, at.field("listings"), found);
    let age_at = at.field("mark_max_age");
    let mark_max_age = found.duration_if_any(age_at, mark_max_age, MILLISECOND, WINDOW_MAX);
    let collar = collar(price_collar, at.field("price_collar"), found);
    let jump_at = at.field("mark_jump_max");
    let jump_max = found.amount_if_any(jump_at, mark_jump_max, Sign::NotNegative);
    let apart_at = at.field("source_divergence_max");
    let apart = found.amount_if_any(apart_at, source_divergence_max, Sign::NotNegative);

    let (kind, _) = kind?;
    let dated = matches!(kind, InstrumentType::Future | InstrumentType::Option);
    if dated {
        found.wanted(at.field("expires_at"), expiry);
    } else {
        found.unwanted(at.field("expires_at"), expiry);
    }
    let option = if kind == InstrumentType::Option {
        let strike = found.wanted(at.field("strike_price"), strike);
        let right = found.wanted(at.field("put_or_call"), right);
        Some((strike?, right?))
    } else {
        found.unwanted(at.field("strike_price"), strike);
        found.unwanted(at.field("put_or_call"), right);
        found.unwanted(underlying_at, underlying_instrument.clone());
        None
    };
    let base = base?;
    let underlying = match underlying? {
        Some(underlying) => underlying,
        None => same_text(&base)?,
    };
    let instrument = Instrument {
        id: id?,
        kind,
        payoff: payoff?,
        underlying,
        quote: quote?,
        settle: settle?,
        base,
        multiplier: multiplier?,
        tick: tick?,
        lot: lot?,
        expiry: expiry?,
        option,
        underlying_instrument: underlying_instrument?,
        sector: sector?,
        listings: listings?,
        negative_prices: negative_prices_allowed,
        mark_max_age: mark_max_age?.unwrap_or(defaults.mark_max_age),
        jump_max: jump_max?.or(defaults.mark_jump_max),
        source_divergence_max: apart?.unwrap_or(DIVERGENCE_MAX),
        collar: collar?,
        version: 0,
    };
    found.flaws(at, flaws::of_instrument(&instrument), &[]);
    Some(instrument)
}

/// The name as one of another kind.
fn same_text<K, L: Kind>(name: &Name<K>) -> Option<Name<L>> {
    name.as_str().parse().ok()
}

/// The class, and the payoff that the type says.
fn kind(
    declared: pb::InstrumentType,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<(InstrumentType, Payoff)> {
    match declared {
        pb::InstrumentType::Unspecified => found.needed(at, None),
        pb::InstrumentType::Spot => Some((InstrumentType::Spot, Payoff::Linear)),
        pb::InstrumentType::Equity => Some((InstrumentType::Equity, Payoff::Linear)),
        pb::InstrumentType::LinearPerpetual => Some((InstrumentType::Perpetual, Payoff::Linear)),
        pb::InstrumentType::InversePerpetual => Some((InstrumentType::Perpetual, Payoff::Inverse)),
        pb::InstrumentType::LinearFuture => Some((InstrumentType::Future, Payoff::Linear)),
        pb::InstrumentType::InverseFuture => Some((InstrumentType::Future, Payoff::Inverse)),
        pb::InstrumentType::Option => Some((InstrumentType::Option, Payoff::Linear)),
    }
}

/// The payoff: what the type says, or a quanto where a linear derivative is settled in a third currency.
fn payoff_of(
    kind: Option<(InstrumentType, Payoff)>,
    payoff: i32,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Payoff> {
    let declared = match found.number(at, payoff)? {
        pb::Payoff::Unspecified => None,
        pb::Payoff::Linear => Some(Payoff::Linear),
        pb::Payoff::Inverse => Some(Payoff::Inverse),
        pb::Payoff::Quanto => Some(Payoff::Quanto),
    };
    let (kind, said) = kind?;
    let derivative = match kind {
        InstrumentType::Spot | InstrumentType::Equity => false,
        InstrumentType::Perpetual | InstrumentType::Future | InstrumentType::Option => true,
    };
    match declared {
        None => Some(said),
        Some(declared) if declared == said => Some(said),
        Some(Payoff::Quanto) if derivative && said == Payoff::Linear => Some(Payoff::Quanto),
        Some(Payoff::Linear | Payoff::Inverse | Payoff::Quanto) => {
            found.refuse(at, "contradicts the type");
            None
        }
    }
}

fn settled_in(
    payoff: Payoff,
    settle: Option<Currency>,
    base: &Currency,
    quote: &Currency,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Currency> {
    let said = match payoff {
        Payoff::Linear => quote,
        Payoff::Inverse => base,
        Payoff::Quanto => {
            let settle = found.needed(at, settle)?;
            if settle == *quote {
                found.refuse(at, "a quanto is not settled in its quote currency");
                return None;
            }
            return Some(settle);
        }
    };
    if settle.is_some_and(|settle| settle != *said) {
        found.refuse(at, "contradicts the payoff");
        return None;
    }
    Some(said.clone())
}

fn right(number: i32, at: Path<'_>, found: &mut Violations) -> Option<Option<OptionRight>> {
    Some(match found.number(at, number)? {
        pb::PutOrCall::Unspecified => None,
        pb::PutOrCall::Put => Some(OptionRight::Put),
        pb::PutOrCall::Call => Some(OptionRight::Call),
    })
}

fn listed(list: Vec<pb::Listing>, at: Path<'_>, found: &mut Violations) -> Option<Vec<Listing>> {
    if list.is_empty() {
        return found.needed(at, None);
    }
    let mut all = Some(Vec::new());
    let mut seen = BTreeSet::new();
    for (index, message) in list.into_iter().enumerate() {
        let at = at.item(index);
        let pb::Listing { venue_id, symbol } = message;
        let venue = found.name(at.field("venue_id"), venue_id);
        let symbol = found.words(at.field("symbol"), symbol, SYMBOL_MAX);
        if let Some(venue) = &venue
            && !seen.insert(venue.clone())
        {
            found.refuse(at.field("venue_id"), says::TWICE);
        }
        match (venue, symbol, &mut all) {
            (Some(venue), Some(symbol), Some(all)) => all.push(Listing { venue, symbol }),
            _ => all = None,
        }
    }
    all
}

/// An instrument on the wire; what it leaves to a default is written out.
#[must_use]
pub fn write(instrument: &Instrument) -> pb::Instrument {
    let (strike, right) = instrument.option.unzip();
    pb::Instrument {
        instrument_id: instrument.id.to_string(),
        r#type: write_type(instrument.kind, instrument.payoff).into(),
        payoff: match instrument.payoff {
            Payoff::Linear => pb::Payoff::Linear,
            Payoff::Inverse => pb::Payoff::Inverse,
            Payoff::Quanto => pb::Payoff::Quanto,
        }
        .into(),
        underlying: instrument.underlying.to_string(),
        base_currency: instrument.base.to_string(),
        quote_currency: instrument.quote.to_string(),
        settle_currency: instrument.settle.to_string(),
        multiplier: Some(decimal(instrument.multiplier)),
        tick: Some(decimal(instrument.tick)),
        lot: Some(decimal(instrument.lot)),
        expires_at: instrument.expiry.map(timestamp),
        strike_price: strike.map(|strike: Price| decimal(strike)),
        put_or_call: match right {
            None => pb::PutOrCall::Unspecified,
            Some(OptionRight::Put) => pb::PutOrCall::Put,
            Some(OptionRight::Call) => pb::PutOrCall::Call,
        }
        .into(),
        sector: text(instrument.sector.as_ref()),
        listings: instrument
            .listings
            .iter()
            .map(|listing| pb::Listing {
                venue_id: listing.venue.to_string(),
                symbol: listing.symbol.clone(),
            })
            .collect(),
        negative_prices_allowed: instrument.negative_prices,
        mark_max_age: Some(duration(instrument.mark_max_age)),
        price_collar: instrument.collar.as_ref().map(write_collar),
        mark_jump_max: instrument.jump_max.map(decimal),
        source_divergence_max: Some(decimal(instrument.source_divergence_max)),
        version: instrument.version,
        underlying_instrument_id: text(instrument.underlying_instrument.as_ref()),
    }
}

const fn write_type(kind: InstrumentType, payoff: Payoff) -> pb::InstrumentType {
    match (kind, payoff) {
        (InstrumentType::Spot, _) => pb::InstrumentType::Spot,
        (InstrumentType::Equity, _) => pb::InstrumentType::Equity,
        (InstrumentType::Perpetual, Payoff::Linear | Payoff::Quanto) => {
            pb::InstrumentType::LinearPerpetual
        }
        (InstrumentType::Perpetual, Payoff::Inverse) => pb::InstrumentType::InversePerpetual,
        (InstrumentType::Future, Payoff::Linear | Payoff::Quanto) => {
            pb::InstrumentType::LinearFuture
        }
        (InstrumentType::Future, Payoff::Inverse) => pb::InstrumentType::InverseFuture,
        (InstrumentType::Option, _) => pb::InstrumentType::Option,
    }
}
