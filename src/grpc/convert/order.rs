//! Requests of the order path: orders, replaces, notices, releases and what-if.

use super::basket;
use super::error::Malformed;
use super::field::{Path, Sign, Violations};
use super::raw;
use crate::domain::amount::{Price, Quantity};
use crate::domain::basket::{Basket, Quote};
use crate::domain::name::ClientId;
use crate::domain::order::{
    Attributes, Notice, Order, OrderKey, Replace, RerouteConsent, ShortSale, Side, Size, Terms,
    TimeInForce,
};
use crate::engine::offers::DecisionId;
use crate::pb::{self, what_if_request};

/// An order to decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decide {
    /// The order.
    pub order: Order,
    /// Whether the figures of every check are wanted. Not part of the order's content.
    pub want_figures: bool,
}

/// A replace to decide.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Amend {
    /// The replace.
    pub replace: Replace,
    /// Whether the figures of every check are wanted. Not part of the replace's content.
    pub want_figures: bool,
}

/// What is asked without effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// What would become of this order?
    Order(Order),
    /// What would become of this replace?
    Replace(Replace),
    /// What would become of this basket?
    Basket(Basket),
    /// What would become of this quote?
    Quote(Quote),
}

/// A question without effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WhatIf {
    /// The question.
    pub question: Question,
    /// Whether the figures of every check are wanted.
    pub want_figures: bool,
}

/// Reads an order.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn decide<'b>(
    request: impl Into<raw::DecideRequest<'b>>,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<Decide, Malformed> {
    let raw::DecideRequest {
        order,
        want_figures,
    } = request.into();
    let mut found = Violations::default();
    let at = at.field("order");
    let order = match found.needed(at, order) {
        Some(order) => read_order(&order, at, session, &mut found),
        None => None,
    };
    found.finish(order.map(|order| Decide {
        order,
        want_figures,
    }))
}

/// Reads a replace. A quantity of zero is read: it is the engine's to refuse.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn replace(
    request: pb::ReplaceRequest,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<Amend, Malformed> {
    let pb::ReplaceRequest {
        replace,
        want_figures,
    } = request;
    let mut found = Violations::default();
    let at = at.field("replace");
    let replace = match found.needed(at, replace) {
        Some(replace) => read_replace(replace, at, session, &mut found),
        None => None,
    };
    found.finish(replace.map(|replace| Amend {
        replace,
        want_figures,
    }))
}

/// Reads a notice about an order.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn notify(
    request: pb::NotifyRequest,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<(OrderKey, Notice), Malformed> {
    let pb::NotifyRequest {
        client_id,
        cl_ord_id,
        kind,
        transact_time,
    } = request;
    let mut found = Violations::default();
    let key = key(client_id, cl_ord_id, at, session, &mut found);
    let kind_at = at.field("kind");
    let notice = match found.number(kind_at, kind) {
        Some(pb::NoticeKind::Sent) => Some(Notice::Sent),
        Some(pb::NoticeKind::CancelRequested) => Some(Notice::CancelRequested),
        Some(pb::NoticeKind::Unspecified) => found.needed(kind_at, None),
        None => None,
    };
    found.time_if_any(at.field("transact_time"), transact_time);
    found.finish(key.zip(notice))
}

/// Reads the key of an order, or of a replace, that was never sent.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn release(
    request: pb::ReleaseRequest,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<OrderKey, Malformed> {
    let pb::ReleaseRequest {
        client_id,
        cl_ord_id,
    } = request;
    let mut found = Violations::default();
    let key = key(client_id, cl_ord_id, at, session, &mut found);
    found.finish(key)
}

/// Reads a question without effect.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn what_if(
    request: pb::WhatIfRequest,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<WhatIf, Malformed> {
    use what_if_request::Request;
    let pb::WhatIfRequest {
        request,
        want_figures,
    } = request;
    let mut found = Violations::default();
    let question = match request {
        Some(Request::Order(order)) => {
            let order = raw::Order::from(&order);
            read_order(&order, at.field("order"), session, &mut found).map(Question::Order)
        }
        Some(Request::Replace(replace)) => {
            read_replace(replace, at.field("replace"), session, &mut found).map(Question::Replace)
        }
        Some(Request::Basket(basket)) => {
            basket::figures(&basket, want_figures, at, &mut found);
            basket::read_basket(basket, at.field("basket"), session, &mut found)
                .map(Question::Basket)
        }
        Some(Request::Quote(quote)) => {
            basket::read_quote(quote, at.field("quote"), session, &mut found).map(Question::Quote)
        }
        None => found.needed(at.field("request"), None),
    };
    found.finish(question.map(|question| WhatIf {
        question,
        want_figures,
    }))
}

/// How large an order may be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MaxQuantity {
    /// The order; its quantity, side and id stand for any.
    pub order: Order,
    /// The sides that are asked for.
    pub sides: Vec<Side>,
}

/// Reads how large an order may be.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn max_quantity(request: pb::MaxQuantityRequest) -> Result<MaxQuantity, Malformed> {
    let pb::MaxQuantityRequest {
        client_id,
        bucket_id,
        instrument_id,
        venue_id,
        account_id,
        side: side_number,
        order_type,
        price,
        stop_price,
        time_in_force,
        expire_time,
        post_only,
        reduce_only,
        locate,
    } = request;
    let mut found = Violations::default();
    let at = Path::ROOT;
    // The id is never stored, and never looked up.
    let key = key(client_id, "max-quantity", at, None, &mut found);
    let bucket = found.name(at.field("bucket_id"), bucket_id);
    let instrument = found.name(at.field("instrument_id"), instrument_id);
    let venue = found.name(at.field("venue_id"), venue_id);
    let account = found.name_if_any(at.field("account_id"), account_id);
    let side = side(at.field("side"), side_number, &mut found);
    let terms = terms(order_type, price, stop_price, at, &mut found);
    let time_in_force = how_long(time_in_force, expire_time, at, &mut found);
    let read = || {
        let side = side?;
        Some(MaxQuantity {
            order: Order {
                key: key?,
                bucket: bucket?,
                instrument: instrument?,
                venue: venue?,
                account: account?,
                side: side.map_or(Side::Buy, |(side, _)| side),
                size: Size::Quantity(Quantity::ZERO),
                terms: terms?,
                time_in_force: time_in_force?,
                display: None,
                attributes: Attributes {
                    post_only,
                    reduce_only,
                    short_sale: side.map_or(ShortSale::Unmarked, |(_, short)| short),
                    located: locate,
                    reroute: RerouteConsent::No,
                },
            },
            sides: match side {
                Some((side, _)) => vec![side],
                None => vec![Side::Buy, Side::Sell],
            },
        })
    };
    found.finish(read())
}

pub(super) fn read_order(
    message: &raw::Order<'_>,
    at: Path<'_>,
    session: Option<&ClientId>,
    found: &mut Violations,
) -> Option<Order> {
    let &raw::Order {
        client_id,
        cl_ord_id,
        bucket_id,
        instrument_id,
        venue_id,
        account_id,
        side: side_number,
        order_type,
        quantity_kind,
        price,
        stop_price,
        time_in_force,
        expire_time,
        display_quantity,
        post_only,
        reduce_only,
        locate,
        allow_reroute,
        auto_accept_route,
        transact_time,
    } = message;
    let key = key(client_id, cl_ord_id, at, session, found);
    let bucket = found.name(at.field("bucket_id"), bucket_id);
    let instrument = found.name(at.field("instrument_id"), instrument_id);
    let venue = found.name(at.field("venue_id"), venue_id);
    let account = found.name_if_any(at.field("account_id"), account_id);
    let side_at = at.field("side");
    let side = side(side_at, side_number, found);
    let side = found.wanted(side_at, side);
    let size = size(quantity_kind, at, found);
    let terms = terms(order_type, price, stop_price, at, found);
    let time_in_force = how_long(time_in_force, expire_time, at, found);
    let display = display(display_quantity, size, at, found);
    found.time_if_any(at.field("transact_time"), transact_time);
    let (side, short_sale) = side?;
    Some(Order {
        key: key?,
        bucket: bucket?,
        instrument: instrument?,
        venue: venue?,
        account: account?,
        side,
        size: size?,
        terms: terms?,
        time_in_force: time_in_force?,
        display: display?,
        attributes: Attributes {
            post_only,
            reduce_only,
            short_sale,
            located: locate,
            reroute: consent(allow_reroute, auto_accept_route),
        },
    })
}

fn read_replace(
    message: pb::Replace,
    at: Path<'_>,
    session: Option<&ClientId>,
    found: &mut Violations,
) -> Option<Replace> {
    let pb::Replace {
        client_id,
        cl_ord_id,
        orig_cl_ord_id,
        quantity,
        order_type,
        price,
        stop_price,
        transact_time,
    } = message;
    let key = key(client_id, cl_ord_id, at, session, found);
    let original = found.name(at.field("orig_cl_ord_id"), orig_cl_ord_id);
    let quantity = found.amount(at.field("quantity"), quantity, Sign::NotNegative);
    let terms = terms(order_type, price, stop_price, at, found);
    found.time_if_any(at.field("transact_time"), transact_time);
    Some(Replace {
        key: key?,
        original: original?,
        quantity: quantity?,
        terms: terms?,
    })
}

/// Reads a request to accept a route.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn accept_route(
    request: pb::AcceptRouteRequest,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<(ClientId, DecisionId), Malformed> {
    let pb::AcceptRouteRequest {
        client_id,
        decision_id,
    } = request;
    let mut found = Violations::default();
    let client = found.client(at.field("client_id"), client_id, session);
    let id_at = at.field("decision_id");
    let decision = if decision_id.is_empty() {
        found.needed(id_at, None)
    } else {
        let decision = read_decision_id(&decision_id);
        if decision.is_none() {
            found.refuse(id_at, "not an id of a decision");
        }
        decision
    };
    found.finish(client.zip(decision))
}

/// The id of a decision as `decision::write` writes it: its time and its number, to the base of sixteen.
fn read_decision_id(text: &str) -> Option<DecisionId> {
    let (at, sequence) = text.split_once('-')?;
    let read = |part: &str| {
        let is_plain = (1..=16).contains(&part.len())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        is_plain
            .then(|| u64::from_str_radix(part, 16).ok())
            .flatten()
    };
    Some(DecisionId {
        at: read(at)?.cast_signed(),
        sequence: read(sequence)?,
    })
}

/// Reads the name of a request.
pub fn key(
    client_id: impl AsRef<str>,
    cl_ord_id: impl AsRef<str>,
    at: Path<'_>,
    session: Option<&ClientId>,
    found: &mut Violations,
) -> Option<OrderKey> {
    let client = found.client(at.field("client_id"), client_id, session);
    let cl_ord_id = found.name(at.field("cl_ord_id"), cl_ord_id);
    Some(OrderKey {
        client: client?,
        cl_ord_id: cl_ord_id?,
    })
}

/// Reads a side, which may be absent, and the short-sale mark in it.
pub fn side(
    at: Path<'_>,
    number: i32,
    found: &mut Violations,
) -> Option<Option<(Side, ShortSale)>> {
    Some(match found.number(at, number)? {
        pb::Side::Unspecified => None,
        pb::Side::Buy => Some((Side::Buy, ShortSale::Unmarked)),
        pb::Side::Sell => Some((Side::Sell, ShortSale::Unmarked)),
        pb::Side::SellShort => Some((Side::Sell, ShortSale::Short)),
        pb::Side::SellShortExempt => Some((Side::Sell, ShortSale::Exempt)),
    })
}

fn size(kind: Option<raw::Size<'_>>, at: Path<'_>, found: &mut Violations) -> Option<Size> {
    match kind {
        Some(raw::Size::Quantity(quantity)) => found
            .amount(at.field("quantity"), Some(quantity), Sign::Positive)
            .map(Size::Quantity),
        Some(raw::Size::Cash(cash)) => found
            .amount(at.field("cash_quantity"), Some(cash), Sign::Positive)
            .map(Size::Cash),
        Some(raw::Size::ClosePosition(true)) => Some(Size::ClosePosition),
        Some(raw::Size::ClosePosition(false)) => {
            found.refuse(at.field("close_position"), "must be true when chosen");
            None
        }
        None => {
            found.refuse(
                at.field("quantity_kind"),
                "one of quantity, cash_quantity and close_position is required",
            );
            None
        }
    }
}

/// Type and prices, by the table in `docs/api.md`.
fn terms(
    order_type: i32,
    price: Option<impl AsRef<str>>,
    stop_price: Option<impl AsRef<str>>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Terms> {
    let type_at = at.field("order_type");
    let (price_at, trigger_at) = (at.field("price"), at.field("stop_price"));
    let order_type = found.number(type_at, order_type);
    let price: Option<Option<Price>> = found.amount_if_any(price_at, price, Sign::Any);
    let trigger: Option<Option<Price>> = found.amount_if_any(trigger_at, stop_price, Sign::Any);
    match order_type? {
        pb::OrderType::Unspecified => found.needed(type_at, None),
        pb::OrderType::Market => {
            found.unwanted(price_at, price);
            found.unwanted(trigger_at, trigger);
            Some(Terms::Market)
        }
        pb::OrderType::Limit => {
            found.unwanted(trigger_at, trigger);
            let price = found.wanted(price_at, price)?;
            Some(Terms::Limit { price })
        }
        pb::OrderType::Stop => {
            found.unwanted(price_at, price);
            let trigger = found.wanted(trigger_at, trigger)?;
            Some(Terms::Stop { trigger })
        }
        pb::OrderType::StopLimit => {
            let price = found.wanted(price_at, price);
            let trigger = found.wanted(trigger_at, trigger)?;
            Some(Terms::StopLimit {
                price: price?,
                trigger,
            })
        }
        pb::OrderType::TrailingStop => {
            found.unwanted(price_at, price);
            let trigger = found.wanted(trigger_at, trigger)?;
            Some(Terms::TrailingStop { trigger })
        }
        pb::OrderType::Pegged => {
            found.unwanted(trigger_at, trigger);
            Some(Terms::Pegged { cap: price? })
        }
    }
}

pub(super) fn how_long(
    time_in_force: i32,
    expire_time: Option<prost_types::Timestamp>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<TimeInForce> {
    let (force_at, expire_at) = (at.field("time_in_force"), at.field("expire_time"));
    let force = found.number(force_at, time_in_force);
    let expire = found.time_if_any(expire_at, expire_time);
    let force = match force? {
        pb::TimeInForce::Unspecified => return found.needed(force_at, None),
        pb::TimeInForce::Gtd => {
            return found
                .wanted(expire_at, expire)
                .map(TimeInForce::GoodTillDate);
        }
        pb::TimeInForce::Day => TimeInForce::Day,
        pb::TimeInForce::Gtc => TimeInForce::GoodTillCancel,
        pb::TimeInForce::Ioc => TimeInForce::ImmediateOrCancel,
        pb::TimeInForce::Fok => TimeInForce::FillOrKill,
    };
    found.unwanted(expire_at, expire);
    Some(force)
}

fn display(
    display: Option<&str>,
    size: Option<Size>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<Quantity>> {
    let at = at.field("display_quantity");
    let display = found.amount_if_any(at, display, Sign::Positive)?;
    if let (Some(display), Some(Size::Quantity(quantity))) = (display, size)
        && display > quantity
    {
        found.refuse(at.field("value"), "above quantity");
        return None;
    }
    Some(display)
}

/// Consent in advance counts only together with consent.
const fn consent(allow: bool, auto_accept: bool) -> RerouteConsent {
    match (allow, auto_accept) {
        (true, true) => RerouteConsent::AutoAccept,
        (true, false) => RerouteConsent::Acknowledge,
        (false, _) => RerouteConsent::No,
    }
}
