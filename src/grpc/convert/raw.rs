//! Orders as they lie in their messages: read in one pass, texts borrowed from the bytes, nothing set aside for any of them.
//!
//! Only the plain form is read here, the one that encoders write. What is broken, unknown, given twice or of another wire type is `None`, and left
//! to the generated code: there is one meaning, and this is a short way to it.

use core::str;

use prost_types::Timestamp;

use crate::pb::{self, order::QuantityKind};

/// A request to decide an order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecideRequest<'b> {
    /// The order.
    pub order: Option<Order<'b>>,
    /// Whether the figures of every check are wanted.
    pub want_figures: bool,
}

/// An order; its fields are those of the contract.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the contract documents them")]
#[expect(clippy::struct_excessive_bools, reason = "as many as the contract has")]
pub struct Order<'b> {
    pub client_id: &'b str,
    pub cl_ord_id: &'b str,
    pub bucket_id: &'b str,
    pub instrument_id: &'b str,
    pub venue_id: &'b str,
    pub account_id: &'b str,
    pub side: i32,
    pub order_type: i32,
    pub quantity_kind: Option<Size<'b>>,
    pub price: Option<&'b str>,
    pub stop_price: Option<&'b str>,
    pub time_in_force: i32,
    pub expire_time: Option<Timestamp>,
    pub display_quantity: Option<&'b str>,
    pub post_only: bool,
    pub reduce_only: bool,
    pub locate: bool,
    pub allow_reroute: bool,
    pub auto_accept_route: bool,
    pub transact_time: Option<Timestamp>,
}

/// How large an order is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size<'b> {
    /// In units of the instrument.
    Quantity(&'b str),
    /// In money.
    Cash(&'b str),
    /// All of the position.
    ClosePosition(bool),
}

/// A message of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionRequest<'b> {
    /// The client's number for it.
    pub client_seq: u64,
    /// Up to which answer the client has every one.
    pub ack_server_seq: u64,
    /// What is asked.
    pub payload: Option<Payload<'b>>,
}

/// What a message of a session asks.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "orders are what most messages ask, and need no memory of their own"
)]
pub enum Payload<'b> {
    /// To decide an order.
    Decide(DecideRequest<'b>),
    /// To decide several.
    Batch(Vec<DecideRequest<'b>>),
    /// Anything else, or the same in another form.
    Other(Box<pb::session_request::Payload>),
}

impl<'b> From<&'b pb::DecideRequest> for DecideRequest<'b> {
    fn from(request: &'b pb::DecideRequest) -> Self {
        let pb::DecideRequest {
            order,
            want_figures,
        } = request;
        Self {
            order: order.as_ref().map(Order::from),
            want_figures: *want_figures,
        }
    }
}

impl<'b> From<&'b pb::Order> for Order<'b> {
    fn from(order: &'b pb::Order) -> Self {
        let pb::Order {
            client_id,
            cl_ord_id,
            bucket_id,
            instrument_id,
            venue_id,
            account_id,
            side,
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
        } = order;
        let decimal = |decimal: &'b Option<pb::Decimal>| decimal.as_ref().map(AsRef::as_ref);
        Self {
            client_id,
            cl_ord_id,
            bucket_id,
            instrument_id,
            venue_id,
            account_id,
            side: *side,
            order_type: *order_type,
            quantity_kind: quantity_kind.as_ref().map(|kind| match kind {
                QuantityKind::Quantity(quantity) => Size::Quantity(&quantity.value),
                QuantityKind::CashQuantity(cash) => Size::Cash(&cash.value),
                QuantityKind::ClosePosition(close) => Size::ClosePosition(*close),
            }),
            price: decimal(price),
            stop_price: decimal(stop_price),
            time_in_force: *time_in_force,
            expire_time: *expire_time,
            display_quantity: decimal(display_quantity),
            post_only: *post_only,
            reduce_only: *reduce_only,
            locate: *locate,
            allow_reroute: *allow_reroute,
            auto_accept_route: *auto_accept_route,
            transact_time: *transact_time,
        }
    }
}

impl From<pb::SessionRequest> for SessionRequest<'_> {
    fn from(request: pb::SessionRequest) -> Self {
        let pb::SessionRequest {
            client_seq,
            ack_server_seq,
            payload,
        } = request;
        Self {
            client_seq,
            ack_server_seq,
            payload: payload.map(|payload| Payload::Other(Box::new(payload))),
        }
    }
}

/// Reads a message of a session, with so many orders at most.
#[must_use]
pub fn session(bytes: &[u8], most: usize) -> Option<SessionRequest<'_>> {
    let mut request = SessionRequest::default();
    fields(bytes, |field, value| {
        match (field, value) {
            (1, Value::Number(number)) => request.client_seq = number,
            (2, Value::Number(number)) => request.ack_server_seq = number,
            (4, Value::Bytes(bytes)) => {
                once(&mut request.payload, Payload::Decide(decide(bytes)?))?;
            }
            (10, Value::Bytes(bytes)) => {
                once(&mut request.payload, Payload::Batch(batch(bytes, most)?))?;
            }
            _ => return None,
        }
        Some(())
    })?;
    Some(request)
}

/// Reads a batch of nothing but orders to decide.
fn batch(bytes: &[u8], most: usize) -> Option<Vec<DecideRequest<'_>>> {
    let mut items = Vec::new();
    fields(bytes, |field, value| {
        let (1, Value::Bytes(bytes)) = (field, value) else {
            return None;
        };
        let mut item = None;
        fields(bytes, |field, value| match (field, value) {
            (1, Value::Bytes(bytes)) => once(&mut item, decide(bytes)?),
            _ => None,
        })?;
        items.push(item?);
        (items.len() <= most).then_some(())
    })?;
    Some(items)
}

/// Reads a request to decide an order.
#[must_use]
pub fn decide(bytes: &[u8]) -> Option<DecideRequest<'_>> {
    let mut request = DecideRequest::default();
    fields(bytes, |field, value| match (field, value) {
        (1, Value::Bytes(bytes)) => once(&mut request.order, order(bytes)?),
        (2, Value::Number(number)) => {
            request.want_figures = number != 0;
            Some(())
        }
        _ => None,
    })?;
    Some(request)
}

fn order(bytes: &[u8]) -> Option<Order<'_>> {
    let mut order = Order::default();
    fields(bytes, |field, value| {
        match value {
            Value::Bytes(bytes) => match field {
                1 => order.client_id = text(bytes)?,
                2 => order.cl_ord_id = text(bytes)?,
                3 => order.bucket_id = text(bytes)?,
                4 => order.instrument_id = text(bytes)?,
                5 => order.venue_id = text(bytes)?,
                6 => order.account_id = text(bytes)?,
                9 => once(&mut order.quantity_kind, Size::Quantity(decimal(bytes)?))?,
                10 => once(&mut order.quantity_kind, Size::Cash(decimal(bytes)?))?,
                12 => once(&mut order.price, decimal(bytes)?)?,
                13 => once(&mut order.stop_price, decimal(bytes)?)?,
                15 => once(&mut order.expire_time, time(bytes)?)?,
                16 => once(&mut order.display_quantity, decimal(bytes)?)?,
                22 => once(&mut order.transact_time, time(bytes)?)?,
                _ => return None,
            },
            Value::Number(number) => match field {
                7 => order.side = i32::try_from(number).ok()?,
                8 => order.order_type = i32::try_from(number).ok()?,
                11 => once(&mut order.quantity_kind, Size::ClosePosition(number != 0))?,
                14 => order.time_in_force = i32::try_from(number).ok()?,
                17 => order.post_only = number != 0,
                18 => order.reduce_only = number != 0,
                19 => order.locate = number != 0,
                20 => order.allow_reroute = number != 0,
                21 => order.auto_accept_route = number != 0,
                _ => return None,
            },
        }
        Some(())
    })?;
    Some(order)
}

fn decimal(bytes: &[u8]) -> Option<&str> {
    let mut value = "";
    fields(bytes, |field, read| match (field, read) {
        (1, Value::Bytes(bytes)) => {
            value = text(bytes)?;
            Some(())
        }
        _ => None,
    })?;
    Some(value)
}

fn time(bytes: &[u8]) -> Option<Timestamp> {
    let mut time = Timestamp::default();
    fields(bytes, |field, value| {
        match (field, value) {
            (1, Value::Number(number)) => time.seconds = i64::try_from(number).ok()?,
            (2, Value::Number(number)) => time.nanos = i32::try_from(number).ok()?,
            _ => return None,
        }
        Some(())
    })?;
    Some(time)
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

/// Sets what may be there once: a second message would be merged with the first.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

#[derive(Clone, Copy)]
enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

/// Goes through the fields of a message.
#[inline]
fn fields<'b>(
    mut bytes: &'b [u8],
    mut read: impl FnMut(u64, Value<'b>) -> Option<()>,
) -> Option<()> {
    while !bytes.is_empty() {
        let key = number(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Number(number(&mut bytes)?),
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Value::Bytes(value)
            }
            _ => return None,
        };
        read(key >> 3, value)?;
    }
    Some(())
}

/// A number of at most nine bytes. A tenth is what negative numbers have, and wrong ones.
#[inline]
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..9_u32 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << place.saturating_mul(7);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
