//! The bench's orders as messages of the contract, each with a key of its own.

use std::fmt::Write;

use bulkhead::pb::{
    Batch, BatchItem, DecideRequest, Decimal, Order, OrderType, SessionOpen, SessionRequest,
    TimeInForce, batch_item, order::QuantityKind, session_request::Payload,
};

use crate::support::orders::{self, ACCOUNT, Orders, UNDERLYING, VENUE};

/// The client every order of the bench comes from.
pub const CLIENT: &str = "oms-1";

/// Orders made before the clock starts; then they come round again under new keys.
const TEMPLATES: usize = 4_096;

/// An endless supply of orders. Making one copies a template and writes a number: what a client must spend at least.
pub struct Messages {
    client_id: &'static str,
    templates: Vec<Order>,
    number: u64,
    tag: &'static str,
}

impl Messages {
    /// Over the buckets `bench-0000` and so on; `tag` tells the keys of two supplies for one server apart.
    pub fn over(buckets: usize, tag: &'static str) -> Self {
        Self::made(Orders::over(buckets), tag, |order| {
            format!("bench-{:04}", order.bucket)
        })
    }

    /// For one bucket.
    pub fn of_bucket(bucket_id: &str, tag: &'static str) -> Self {
        Self::made(Orders::over(1), tag, |_| bucket_id.to_owned())
    }

    fn made(orders: Orders, tag: &'static str, bucket: impl Fn(&orders::Order) -> String) -> Self {
        let templates = orders
            .take(TEMPLATES)
            .map(|order| template(&order, bucket(&order)))
            .collect();
        Self {
            client_id: CLIENT,
            templates,
            number: 0,
            tag,
        }
    }

    fn order(&mut self) -> Order {
        let at = usize::try_from(self.number).unwrap_or(0) % TEMPLATES;
        self.number += 1;
        let mut order = self.templates.get(at).cloned().unwrap_or_default();
        order.cl_ord_id.reserve(24);
        // Writing to a string cannot fail.
        let _ = write!(order.cl_ord_id, "{}-{:012}", self.tag, self.number);
        order
    }

    /// For a call of its own.
    pub fn decide(&mut self) -> DecideRequest {
        let mut order = self.order();
        order.client_id.push_str(self.client_id);
        DecideRequest {
            order: Some(order),
            want_figures: false,
        }
    }

    /// For a session, whose client is understood: one order, or a batch of more.
    pub fn session(
        &mut self,
        client_seq: u64,
        ack_server_seq: u64,
        count: usize,
    ) -> SessionRequest {
        let payload = if count == 1 {
            Payload::Decide(self.decide_in_session())
        } else {
            let items = (0..count)
                .map(|_| BatchItem {
                    operation: Some(batch_item::Operation::Decide(self.decide_in_session())),
                })
                .collect();
            Payload::Batch(Batch { items })
        };
        SessionRequest {
            client_seq,
            ack_server_seq,
            payload: Some(payload),
        }
    }

    fn decide_in_session(&mut self) -> DecideRequest {
        DecideRequest {
            order: Some(self.order()),
            want_figures: false,
        }
    }
}

/// The first message of a session.
pub fn open() -> SessionRequest {
    SessionRequest {
        client_seq: 1,
        ack_server_seq: 0,
        payload: Some(Payload::Open(SessionOpen {
            client_id: CLIENT.to_owned(),
            ..SessionOpen::default()
        })),
    }
}

/// All of an order but its key.
fn template(order: &orders::Order, bucket_id: String) -> Order {
    let side = match order.side {
        orders::Side::Buy => bulkhead::pb::Side::Buy,
        orders::Side::Sell => bulkhead::pb::Side::Sell,
    };
    Order {
        bucket_id,
        instrument_id: UNDERLYING.to_owned(),
        venue_id: VENUE.to_owned(),
        account_id: ACCOUNT.to_owned(),
        side: side.into(),
        order_type: OrderType::Limit.into(),
        quantity_kind: Some(QuantityKind::Quantity(Decimal {
            value: order.quantity.clone(),
        })),
        price: Some(Decimal {
            value: order.price.clone(),
        }),
        time_in_force: TimeInForce::Day.into(),
        ..Order::default()
    }
}
