//! Marks and currency rates. Each entry is taken or refused by itself later; a message that is wrong by itself is refused whole.

use super::error::Malformed;
use super::field::{Path, Sign, Violations, says};
use crate::domain::name::Currency;
use crate::engine::market::{Accepted, MarkUpdate, RateUpdate};
use crate::pb;

/// Most entries of one kind in one message.
pub const ENTRIES_MAX: usize = 10_000;
const TOO_MANY: &str = "more than 10,000 entries";

/// One message of a stream of marks and rates. An entry that is wrong by itself is none.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The sender's number for it.
    pub client_seq: u64,
    /// Marks, to be taken in order.
    pub marks: Vec<Option<MarkUpdate>>,
    /// Rates, to be taken in order after the marks.
    pub rates: Vec<Option<RateUpdate>>,
}

/// Reads a request to take marks.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn push_marks(request: pb::PushMarksRequest) -> Result<Vec<MarkUpdate>, Malformed> {
    let pb::PushMarksRequest { marks } = request;
    let mut found = Violations::default();
    let at = Path::ROOT.field("marks");
    if marks.is_empty() {
        found.refuse(at, says::REQUIRED);
    }
    let marks = entries(marks, at, &mut found, mark);
    found.finish(marks)
}

/// Reads a request to take currency rates.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn push_rates(request: pb::PushRatesRequest) -> Result<Vec<RateUpdate>, Malformed> {
    let pb::PushRatesRequest { rates } = request;
    let mut found = Violations::default();
    let at = Path::ROOT.field("rates");
    if rates.is_empty() {
        found.refuse(at, says::REQUIRED);
    }
    let rates = entries(rates, at, &mut found, rate);
    found.finish(rates)
}

/// Reads one message of a stream of marks and rates, and tells everything that is wrong with it by itself.
#[must_use]
pub fn feed(request: pb::StreamMarksRequest) -> (Feed, Option<Malformed>) {
    let pb::StreamMarksRequest {
        client_seq,
        marks,
        rates,
    } = request;
    let mut found = Violations::default();
    if client_seq == 0 {
        found.refuse(Path::ROOT.field("client_seq"), says::REQUIRED);
    }
    let feed = Feed {
        client_seq,
        marks: each(marks, Path::ROOT.field("marks"), &mut found, mark),
        rates: each(rates, Path::ROOT.field("rates"), &mut found, rate),
    };
    (feed, found.finish(Some(())).err())
}

/// Reads entries one by one; those beyond the most are none.
fn each<M, T>(
    list: Vec<M>,
    at: Path<'_>,
    found: &mut Violations,
    read: fn(M, Path<'_>, &mut Violations) -> Option<T>,
) -> Vec<Option<T>> {
    let mut all = Vec::with_capacity(list.len());
    for (index, entry) in list.into_iter().enumerate() {
        if index == ENTRIES_MAX {
            found.refuse(at, TOO_MANY);
        }
        let mut own = Violations::default();
        let value = read(entry, at.item(index), &mut own);
        let value = match own.finish(value) {
            Ok(value) if index < ENTRIES_MAX => Some(value),
            Ok(_) => None,
            Err(wrong) => {
                found.more(wrong);
                None
            }
        };
        all.push(value);
    }
    all
}

fn entries<M, T>(
    list: Vec<M>,
    at: Path<'_>,
    found: &mut Violations,
    read: fn(M, Path<'_>, &mut Violations) -> Option<T>,
) -> Option<Vec<T>> {
    if list.len() > ENTRIES_MAX {
        found.refuse(at, TOO_MANY);
        return None;
    }
    let mut all = Some(Vec::with_capacity(list.len()));
    for (index, entry) in list.into_iter().enumerate() {
        match (read(entry, at.item(index), found), &mut all) {
            (Some(entry), Some(all)) => all.push(entry),
            _ => all = None,
        }
    }
    all
}

fn mark(message: pb::Mark, at: Path<'_>, found: &mut Violations) -> Option<MarkUpdate> {
    let pb::Mark {
        instrument_id,
        mark,
        bid,
        ask,
        last,
        index,
        source,
        source_time,
        confirm_jump,
    } = message;
    let instrument = found.name(at.field("instrument_id"), instrument_id);
    // Whether a price may be zero or less is the instrument's to say.
    let mark = found.amount_if_any(at.field("mark"), mark, Sign::Any);
    let bid = found.amount_if_any(at.field("bid"), bid, Sign::Any);
    let ask = found.amount_if_any(at.field("ask"), ask, Sign::Any);
    let last = found.amount_if_any(at.field("last"), last, Sign::Any);
    let index = found.amount_if_any(at.field("index"), index, Sign::Any);
    let source = found.name_if_any(at.field("source"), source);
    let source_time = found.time(at.field("source_time"), source_time);
    let (mark, bid, ask, last) = (mark?, bid?, ask?, last?);
    match (bid, ask) {
        (Some(_), None) => found.refuse(at.field("ask"), "required with bid"),
        (None, Some(_)) => found.refuse(at.field("bid"), "required with ask"),
        (None, None) if mark.is_none() && last.is_none() => {
            found.refuse(
                at.field("mark"),
                "one of mark, bid with ask, and last is required",
            );
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    Some(MarkUpdate {
        instrument: instrument?,
        mark,
        bid,
        ask,
        last,
        index: index?,
        source: source?,
        source_time: source_time?,
        confirmed: confirm_jump,
    })
}

fn rate(message: pb::Rate, at: Path<'_>, found: &mut Violations) -> Option<RateUpdate> {
    let pb::Rate {
        base_currency,
        quote_currency,
        bid,
        ask,
        source,
        source_time,
    } = message;
    let base: Option<Currency> = found.name(at.field("base_currency"), base_currency);
    let quote: Option<Currency> = found.name(at.field("quote_currency"), quote_currency);
    if base.is_some() && base == quote {
        found.refuse(at.field("quote_currency"), "the base currency again");
    }
    // Zero and crossed rates are refused one by one, with a status of their own.
    let bid = found.amount(at.field("bid"), bid, Sign::Any);
    let ask = found.amount(at.field("ask"), ask, Sign::Any);
    let source = found.name_if_any(at.field("source"), source);
    let source_time = found.time(at.field("source_time"), source_time);
    Some(RateUpdate {
        base: base?,
        quote: quote?,
        bid: bid?,
        ask: ask?,
        source: source?,
        source_time: source_time?,
    })
}

/// What became of an entry, on the wire.
#[must_use]
pub const fn status(accepted: Accepted) -> pb::MarketDataStatus {
    match accepted {
        Accepted::At(taken) if taken.disputed => pb::MarketDataStatus::Disputed,
        Accepted::At(_) => pb::MarketDataStatus::Accepted,
        Accepted::OutOfOrder => pb::MarketDataStatus::OutOfOrder,
        Accepted::UnknownInstrument => pb::MarketDataStatus::UnknownInstrument,
        Accepted::Crossed => pb::MarketDataStatus::Crossed,
        Accepted::NotPositive => pb::MarketDataStatus::NotPositive,
        // It is found before it gets here.
        Accepted::Empty => pb::MarketDataStatus::Malformed,
        Accepted::Jump => pb::MarketDataStatus::Jump,
        Accepted::FromFuture => pb::MarketDataStatus::FromFuture,
        Accepted::TooMany => pb::MarketDataStatus::TooMany,
    }
}
