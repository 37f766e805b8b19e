//! Reference data: what each contract is.

use super::limits;
use super::names::Names;
use super::read::{Cursor, Section};
use crate::domain::amount::{Price, Ratio};
use crate::domain::instrument::{
    Instrument, InstrumentType, Listing, MARK_MAX_AGE, OptionRight, Payoff,
};
use crate::domain::name::{Currency, InstrumentId};
use crate::domain::source::DIVERGENCE_MAX;
use crate::risk::flaws::{self, LENGTHS};

/// Version of reference data that come from configuration.
const FIRST_VERSION: u64 = 1;

const KIND: &[(&str, InstrumentType)] = &[
    ("spot", InstrumentType::Spot),
    ("equity", InstrumentType::Equity),
    ("perpetual", InstrumentType::Perpetual),
    ("future", InstrumentType::Future),
    ("option", InstrumentType::Option),
];
const PAYOFF: &[(&str, Payoff)] = &[
    ("linear", Payoff::Linear),
    ("inverse", Payoff::Inverse),
    ("quanto", Payoff::Quanto),
];
const RIGHT: &[(&str, OptionRight)] = &[("put", OptionRight::Put), ("call", OptionRight::Call)];

/// Reads the table `instruments`.
pub(super) fn read_all(entries: Vec<(InstrumentId, Cursor<'_>)>, names: &Names) -> Vec<Instrument> {
    entries
        .into_iter()
        .filter_map(|(id, cursor)| read(id, cursor, names))
        .collect()
}

fn read(id: InstrumentId, cursor: Cursor<'_>, names: &Names) -> Option<Instrument> {
    let mut section = cursor.section()?;
    let kind = section.required(
        "type",
        "spot, equity, perpetual, future or option",
        |cursor| cursor.word(KIND),
    );
    let payoff = section
        .take("payoff")
        .map_or(Some(Payoff::Linear), |cursor| cursor.word(PAYOFF));
    let base: Option<Currency> = section.required("base", "what is delivered", Cursor::name);
    let quote: Option<Currency> =
        section.required("quote", "the currency of the price", Cursor::name);
    let settle = settle(&mut section, payoff, base.as_ref(), quote.as_ref());
    let underlying = match section.take("underlying") {
        Some(cursor) => cursor.name(),
        None => base.as_ref().and_then(|base| base.as_str().parse().ok()),
    };
    let multiplier = section
        .take("multiplier")
        .map_or(Some(Ratio::ONE), Cursor::amount);
    let tick = section.required("tick", "the smallest price step in quotes", Cursor::amount);
    let lot = section.required(
        "lot",
        "the smallest quantity step in quotes",
        Cursor::amount,
    );
    let expiry = section.take("expiry");
    let expiry_read = expiry.and_then(Cursor::instant);
    let option = option(&mut section);
    let underlying_instrument = section.optional("underlying_instrument", |cursor| {
        cursor.declared(&names.instruments, "instruments")
    });
    let sector = section.optional("sector", Cursor::name);
    let listings = section.required("listings", "a table of venues and symbols", |cursor| {
        Some(listings(cursor, names))
    });
    let negative_prices = section.optional("negative_prices", Cursor::flag);
    let mark_max_age = section.optional("mark_max_age", |cursor| cursor.length(LENGTHS));
    let jump_max = section.optional("jump_max", Cursor::amount);
    let apart = section.optional("source_divergence_max", Cursor::amount);
    let collar = section.optional("collar", limits::collar);
    section.close();
    let instrument = Instrument {
        id,
        kind: kind?,
        payoff: payoff?,
        underlying: underlying?,
        base: base?,
        quote: quote?,
        settle: settle?,
        multiplier: multiplier?,
        tick: tick?,
        lot: lot?,
        expiry: if expiry.is_some() {
            Some(expiry_read?)
        } else {
            None
        },
        option: option.ok()?,
        underlying_instrument,
        sector,
        listings: listings?,
        negative_prices: negative_prices.unwrap_or_default(),
        mark_max_age: mark_max_age.unwrap_or(MARK_MAX_AGE),
        jump_max,
        source_divergence_max: apart.unwrap_or(DIVERGENCE_MAX),
        collar,
        version: FIRST_VERSION,
    };
    cursor.flaws(flaws::of_instrument(&instrument));
    Some(instrument)
}

/// Currency profit is paid in: as written, else the one the payoff implies.
fn settle(
    section: &mut Section<'_>,
    payoff: Option<Payoff>,
    base: Option<&Currency>,
    quote: Option<&Currency>,
) -> Option<Currency> {
    if let Some(cursor) = section.take("settle") {
        return cursor.name();
    }
    match payoff? {
        Payoff::Linear => quote.cloned(),
        Payoff::Inverse => base.cloned(),
        Payoff::Quanto => {
            section.at.missing(
                "settle",
                "the currency profit is paid in, as payoff is quanto",
            );
            None
        }
    }
}

/// Something that was written and could not be read; its problem is told already.
struct Unread;

/// Strike and right: both or neither.
fn option(section: &mut Section<'_>) -> Result<Option<(Price, OptionRight)>, Unread> {
    let (strike, right) = (section.take("strike"), section.take("right"));
    match (strike, right) {
        (None, None) => Ok(None),
        (Some(strike), Some(right)) => {
            let (strike, right) = (strike.amount(), right.word(RIGHT));
            strike.zip(right).map(Some).ok_or(Unread)
        }
        (Some(_), None) => {
            section
                .at
                .missing("right", "put or call, as there is a strike");
            Err(Unread)
        }
        (None, Some(_)) => {
            section
                .at
                .missing("strike", "the strike price in quotes, as there is a right");
            Err(Unread)
        }
    }
}

fn listings(cursor: Cursor<'_>, names: &Names) -> Vec<Listing> {
    let mut listings = Vec::new();
    for (venue, symbol) in cursor.named() {
        if !names.venues.contains(&venue) {
            symbol.refuse_key(&names.venues, "venues");
        }
        if let Some(symbol) = symbol.text() {
            listings.push(Listing {
                venue,
                symbol: symbol.to_owned(),
            });
        }
    }
    if listings.is_empty() {
        cursor.refuse("at least one venue with the symbol it uses");
    }
    listings
}
