//! Baskets and quotes, and what is decided of them.

use super::decision::{self, Asked, number, write_amount, write_fields, write_time};
use super::error::Malformed;
use super::field::{Path, Sign, Violations, says};
use super::order::{how_long, read_order};
use super::raw;
use crate::domain::basket::{Basket, Flaw, LEGS_MAX, Package, Pair, Quote, QuoteSide};
use crate::domain::decision::{Finding, Level, Outcome};
use crate::domain::name::ClientId;
use crate::domain::order::OrderKey;
use crate::engine::answer::{Answer, BasketAnswer};
use crate::pb;
use crate::pb_codec::Fields;

/// Most legs whose figures are told: those of more do not fit in an answer.
pub const FIGURES_MAX: usize = 256;
/// Most legs whose decisions are told in full.
const FULL_MAX: usize = 1_000;

/// A basket to decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DecideBasket {
    /// The basket.
    pub basket: Basket,
    /// Whether the figures of every check are wanted. Not part of the content.
    pub want_figures: bool,
}

/// A quote to decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DecideQuote {
    /// The quote.
    pub quote: Quote,
    /// Whether the figures of every check are wanted. Not part of the content.
    pub want_figures: bool,
}

/// Reads a basket.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn basket(
    request: pb::DecideBasketRequest,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<DecideBasket, Malformed> {
    let pb::DecideBasketRequest {
        basket,
        want_figures,
    } = request;
    let mut found = Violations::default();
    let basket = match found.needed(at.field("basket"), basket) {
        Some(basket) => {
            figures(&basket, want_figures, at, &mut found);
            read_basket(basket, at.field("basket"), session, &mut found)
        }
        None => None,
    };
    found.finish(basket.map(|basket| DecideBasket {
        basket,
        want_figures,
    }))
}

/// Reads a quote.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn quote(
    request: pb::DecideQuoteRequest,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<DecideQuote, Malformed> {
    let pb::DecideQuoteRequest {
        quote,
        want_figures,
    } = request;
    let mut found = Violations::default();
    let quote = match found.needed(at.field("quote"), quote) {
        Some(quote) => read_quote(quote, at.field("quote"), session, &mut found),
        None => None,
    };
    found.finish(quote.map(|quote| DecideQuote {
        quote,
        want_figures,
    }))
}

/// Refuses the figures of more legs than fit in an answer.
pub fn figures(basket: &pb::Basket, want: bool, at: Path<'_>, found: &mut Violations) {
    if want && basket.legs.len() > FIGURES_MAX {
        found.refuse(at.field("want_figures"), "told of at most 256 legs");
    }
}

/// Reads the content of a basket.
pub fn read_basket(
    message: pb::Basket,
    at: Path<'_>,
    session: Option<&ClientId>,
    found: &mut Violations,
) -> Option<Basket> {
    let pb::Basket {
        client_id,
        basket_id,
        mode,
        legs,
        links,
        package,
    } = message;
    let client = found.client(at.field("client_id"), client_id, session);
    let id = found.name(at.field("basket_id"), basket_id);
    let mode_at = at.field("mode");
    let mode = match found.number(mode_at, mode) {
        Some(pb::BasketMode::AllOrNone) => Some(()),
        Some(pb::BasketMode::Unspecified) => found.needed(mode_at, None),
        None => None,
    };
    let legs_at = at.field("legs");
    if legs.is_empty() {
        found.refuse(legs_at, says::REQUIRED);
        return None;
    }
    if legs.len() > LEGS_MAX {
        found.refuse(legs_at, "more than 10,000 legs");
        return None;
    }
    let read = legs.iter().enumerate().map(|(place, leg)| {
        read_order(&raw::Order::from(leg), legs_at.item(place), session, found)
    });
    // All of them are read, so that everything that is wrong is told.
    let read: Vec<_> = read.collect();
    let legs = read.into_iter().collect::<Option<Vec<_>>>();
    let (links_at, package_at) = (at.field("links"), at.field("package"));
    let mut pairs = Some(Vec::with_capacity(links.len()));
    for (place, link) in links.into_iter().enumerate() {
        match (read_link(link, links_at.item(place), found), &mut pairs) {
            (Some(pair), Some(pairs)) => pairs.push(pair),
            (None, _) | (_, None) => pairs = None,
        }
    }
    let package = match package {
        Some(package) => read_package(package, package_at, found).map(Some),
        None => Some(None),
    };
    mode?;
    let key = OrderKey {
        client: client?,
        cl_ord_id: id?,
    };
    match Basket::linked(key, legs?, pairs?, package?) {
        Ok(basket) => Some(basket),
        Err(flaw) => {
            let leg = |place: usize, field, text| (Some(place), field, text);
            let ratios_at = package_at.field("ratios");
            let (place, field, text) = match flaw {
                Flaw::LinkedLegs(place) => {
                    let text = "not two legs of the basket that no other link has";
                    found.refuse(links_at.item(place), text);
                    return None;
                }
                Flaw::LinkedApart(place) => {
                    let text = "legs of another instrument, venue or account";
                    found.refuse(links_at.item(place), text);
                    return None;
                }
                Flaw::Ratios => {
                    found.refuse(ratios_at, "not one for each of 2 to 64 legs");
                    return None;
                }
                Flaw::Ratio(place) => {
                    found.refuse(ratios_at.item(place), says::NOT_POSITIVE);
                    return None;
                }
                Flaw::PackageLinked => {
                    found.refuse(links_at, "legs of a package are not linked besides");
                    return None;
                }
                Flaw::PackageSize(place) => leg(
                    place,
                    "quantity_kind",
                    "a leg of a package is of so many contracts",
                ),
                Flaw::NoLegs => (None, "", says::REQUIRED),
                Flaw::TooManyLegs => (None, "", "more than 10,000 legs"),
                Flaw::SameId(place) => leg(
                    place,
                    "cl_ord_id",
                    "the id of the basket, or of a leg before it",
                ),
                Flaw::OtherClient(place) => {
                    leg(place, "client_id", "another client than the basket's")
                }
                Flaw::OtherBucket(place) => {
                    leg(place, "bucket_id", "another bucket than the first leg's")
                }
                Flaw::Reroute(place) => {
                    leg(place, "allow_reroute", "a leg of a basket is not rerouted")
                }
            };
            match place {
                Some(place) => found.refuse(legs_at.item(place).field(field), text),
                None => found.refuse(legs_at, text),
            }
            None
        }
    }
}

fn read_link(message: pb::OrderLink, at: Path<'_>, found: &mut Violations) -> Option<Pair> {
    let pb::OrderLink {
        kind,
        first_leg,
        second_leg,
        venue_enforced,
    } = message;
    let kind_at = at.field("kind");
    match found.number(kind_at, kind)? {
        pb::LinkKind::OneCancelsOther => {}
        pb::LinkKind::Unspecified => return found.needed(kind_at, None),
    }
    // A place beyond all legs is refused with the legs.
    let place = |leg: u32| usize::try_from(leg).unwrap_or(usize::MAX);
    Some(Pair {
        legs: (place(first_leg), place(second_leg)),
        venue_enforced,
    })
}

fn read_package(message: pb::Package, at: Path<'_>, found: &mut Violations) -> Option<Package> {
    let pb::Package {
        ratios,
        venue_atomic,
    } = message;
    let ratios_at = at.field("ratios");
    let read = ratios
        .into_iter()
        .enumerate()
        .map(|(place, ratio)| found.amount(ratios_at.item(place), Some(ratio), Sign::Positive));
    let read: Vec<_> = read.collect();
    Some(Package {
        ratios: read.into_iter().collect::<Option<_>>()?,
        venue_atomic,
    })
}

/// Reads the content of a quote.
pub fn read_quote(
    message: pb::Quote,
    at: Path<'_>,
    session: Option<&ClientId>,
    found: &mut Violations,
) -> Option<Quote> {
    let pb::Quote {
        client_id,
        quote_id,
        bucket_id,
        instrument_id,
        venue_id,
        account_id,
        bid,
        offer,
        time_in_force,
        expire_time,
        post_only,
        replaces_quote_id,
    } = message;
    let client = found.client(at.field("client_id"), client_id, session);
    let id = found.name(at.field("quote_id"), quote_id);
    let bucket = found.name(at.field("bucket_id"), bucket_id);
    let instrument = found.name(at.field("instrument_id"), instrument_id);
    let venue = found.name(at.field("venue_id"), venue_id);
    let account = found.name_if_any(at.field("account_id"), account_id);
    let (bid_at, offer_at) = (at.field("bid"), at.field("offer"));
    if bid.is_none() && offer.is_none() {
        found.refuse(bid_at, "one of bid and offer is required");
    }
    let bid = read_side(bid, bid_at, found);
    let offer = read_side(offer, offer_at, found);
    if let (Some(Some(bid)), Some(Some(offer))) = (&bid, &offer) {
        if bid.price >= offer.price {
            found.refuse(offer_at.field("price"), "not above the price of the bid");
        }
        if bid.cl_ord_id == offer.cl_ord_id {
            found.refuse(offer_at.field("cl_ord_id"), "the id of the bid");
        }
    }
    for (side, side_at) in [(&bid, bid_at), (&offer, offer_at)] {
        if let (Some(Some(side)), Some(id)) = (side, &id)
            && side.cl_ord_id == *id
        {
            found.refuse(side_at.field("cl_ord_id"), "the id of the quote");
        }
    }
    let time_in_force = how_long(time_in_force, expire_time, at, found);
    let replaces = found.name_if_any(at.field("replaces_quote_id"), replaces_quote_id);
    Some(Quote {
        key: OrderKey {
            client: client?,
            cl_ord_id: id?,
        },
        bucket: bucket?,
        instrument: instrument?,
        venue: venue?,
        account: account?,
        bid: bid?,
        offer: offer?,
        time_in_force: time_in_force?,
        post_only,
        replaces: replaces?,
    })
}

fn read_side(
    side: Option<pb::QuoteSide>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<QuoteSide>> {
    let Some(pb::QuoteSide {
        cl_ord_id,
        price,
        quantity,
    }) = side
    else {
        return Some(None);
    };
    let cl_ord_id = found.name(at.field("cl_ord_id"), cl_ord_id);
    let price = found.amount(at.field("price"), price, Sign::Any);
    let quantity = found.amount(at.field("quantity"), quantity, Sign::Positive);
    Some(Some(QuoteSide {
        cl_ord_id: cl_ord_id?,
        price: price?,
        quantity: quantity?,
    }))
}

/// What was asked together, as far as the answer repeats it.
#[derive(Clone, Copy, Debug)]
pub struct AskedTogether<'a> {
    /// Key of the basket or quote.
    pub key: &'a OrderKey,
    /// Keys of its legs.
    pub legs: &'a [&'a OrderKey],
    /// Whether nothing was to happen.
    pub what_if: bool,
    /// Time that the engine spent, nanoseconds.
    pub engine_nanos: u64,
}

/// The response to a basket or a quote on the wire, or to a what-if of one: `field` is that of the decision.
pub fn write_response(
    to: &mut Fields<'_>,
    field: u32,
    answer: &BasketAnswer,
    asked: &AskedTogether<'_>,
) {
    to.message(field, |to| write(to, answer, asked));
}

fn write(to: &mut Fields<'_>, answer: &BasketAnswer, asked: &AskedTogether<'_>) {
    let BasketAnswer {
        at,
        legs,
        failed,
        broken,
        replayed,
        cancel,
    } = answer;
    let OrderKey { client, cl_ord_id } = asked.key;
    let outcome = if answer.approved() {
        pb::Outcome::Approved
    } else {
        pb::Outcome::Rejected
    };
    to.text(1, client.as_str());
    to.text(2, cl_ord_id.as_str());
    to.number(3, number(outcome.into()));
    for (place, key) in asked.legs.iter().enumerate() {
        let decided = legs.get(place);
        to.message(4, |to| {
            to.text(1, key.cl_ord_id.as_str());
            to.flag(2, decided.is_some());
            let Some(leg) = decided else { return };
            if asked.legs.len() <= FULL_MAX || *failed == Some(place) {
                let asked = Asked {
                    key,
                    original: None,
                    what_if: asked.what_if,
                    engine_nanos: 0,
                };
                to.message(3, |to| write_fields(to, leg, &asked));
            } else {
                to.message(3, |to| write_brief(to, leg, key, asked.what_if));
            }
        });
    }
    if let Some(place) = failed {
        to.present(5, u64::try_from(*place).unwrap_or(u64::MAX));
    }
    if let Some(reason) = broken {
        let finding = Finding {
            reason: *reason,
            level: Level::Order,
            dimension: None,
            figures: None,
        };
        to.made(6, &decision::breach(&finding, None, client));
    }
    for key in cancel {
        to.message(7, |to| {
            to.text(1, key.client.as_str());
            to.text(2, key.cl_ord_id.as_str());
        });
    }
    to.flag(8, *replayed);
    write_time(to, 9, *at);
    to.number(10, asked.engine_nanos);
    to.flag(11, asked.what_if);
}

/// What is told of a leg of many, so that the answer fits: what to do with it, and not what that rests on.
fn write_brief(to: &mut Fields<'_>, leg: &Answer, key: &OrderKey, what_if: bool) {
    let decision = &leg.decision;
    let (outcome, route) = match &decision.outcome {
        Outcome::Approved(route) => (pb::Outcome::Approved, Some(route)),
        Outcome::Rerouted { to, .. } => (pb::Outcome::Rerouted, Some(to)),
        Outcome::Rejected(_) => (pb::Outcome::Rejected, None),
    };
    if !what_if {
        to.pair(1, decision.at.cast_unsigned(), decision.sequence);
        to.number(2, decision.sequence);
    }
    to.number(3, number(outcome.into()));
    to.text(5, key.cl_ord_id.as_str());
    if let Some(route) = route {
        to.message(7, |to| {
            to.text(1, route.bucket.as_str());
            to.text(2, route.venue.as_str());
            to.text(3, route.account.as_str());
        });
    }
    if let Outcome::Rejected(broken) = &decision.outcome {
        for finding in broken {
            to.made(8, &decision::breach(finding, None, &key.client));
        }
    }
    to.flag(10, leg.replayed);
    let has_ended = leg.replayed && leg.order_state.is_some_and(|state| state.is_terminal());
    to.flag(11, has_ended);
    let state = leg
        .order_state
        .map_or(pb::OrderState::Unspecified, super::view::write_order_state);
    to.number(18, number(state.into()));
    if route.is_some() {
        write_amount(to, 19, decision.quantity);
    }
    to.flag(21, leg.exit);
    for key in &leg.cancel_first {
        to.message(23, |to| {
            to.text(1, key.client.as_str());
            to.text(2, key.cl_ord_id.as_str());
        });
    }
    to.flag(24, what_if);
}
