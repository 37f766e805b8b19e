//! Two-sided quotes: both sides are reserved or nothing is, and a quote takes the place of another in one step (J4).
//!
//! A side is an order of its own. Where the quote before has a live one on the same side it is replaced, so that the larger of both is held
//! until the venue has answered; else it is a new order. A side that is dropped goes on holding until the venue tells of its end.

use std::sync::Arc;

use super::Engine;
use super::answer::{BasketAnswer, Refusal};
use super::basket::{Joint, Part};
use super::bucket::Bucket;
use super::client::Client;
use super::index::{OrderSlot, Root};
use crate::domain::amount::Quantity;
use crate::domain::basket::{Quote, QuoteSide};
use crate::domain::decision::Reason;
use crate::domain::name::ClOrdId;
use crate::domain::order::{OrderKey, Replace, Side};
use crate::domain::time::Now;

/// A live side of the quote that is replaced.
struct Standing {
    root: Root,
    /// Id that it is known by at the venue, or will be.
    known_as: ClOrdId,
    /// Filled so far.
    filled: Quantity,
}

impl Engine {
    /// Decides a quote: both sides are approved, or nothing is.
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn decide_quote(
        &self,
        quote: &Quote,
        now: Now,
        figures: bool,
    ) -> Result<BasketAnswer, Refusal> {
        let bucket = self.bucket(&quote.bucket).ok_or(Refusal::UnknownBucket)?;
        let client = self.client(&quote.key.client)?;
        Ok(self.quote_at(quote, &bucket, &client, now, figures, true))
    }

    /// What [`Self::decide_quote`] would answer, without any effect (K1).
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn what_if_quote(
        &self,
        quote: &Quote,
        now: Now,
        figures: bool,
    ) -> Result<BasketAnswer, Refusal> {
        let bucket = self.bucket(&quote.bucket).ok_or(Refusal::UnknownBucket)?;
        let client = self.known_client(&quote.key.client).copy();
        Ok(self.quote_at(quote, &bucket, &client, now, figures, false))
    }

    fn quote_at(
        &self,
        quote: &Quote,
        bucket: &Arc<Bucket>,
        client: &Client,
        now: Now,
        figures: bool,
        commit: bool,
    ) -> BasketAnswer {
        let (before, broken) = match self.quoted_before(quote, bucket) {
            Ok(before) => (before, None),
            Err(reason) => ([None, None], Some(reason)),
        };
        let orders = [
            quote.bid.as_ref().map(|side| quote.order(side, Side::Buy)),
            quote
                .offer
                .as_ref()
                .map(|side| quote.order(side, Side::Sell)),
        ];
        let (mut parts, mut cancel, mut too_large) = (Vec::new(), Vec::new(), None);
        for ((side, standing), order) in [&quote.bid, &quote.offer]
            .into_iter()
            .zip(before)
            .zip(&orders)
        {
            match (side, standing, order) {
                (Some(side), Some(standing), Some(order)) => {
                    // The total of an order counts what is filled (FIX 38); the size of a quote does not.
                    let Some(quantity) = standing.filled.checked_add(side.quantity) else {
                        too_large = Some(Reason::Overflow);
                        continue;
                    };
                    let replace = Replace {
                        key: order.key.clone(),
                        original: standing.known_as,
                        quantity,
                        terms: order.terms,
                    };
                    parts.push(Part::Replace(replace, standing.root));
                }
                (Some(_), None, Some(order)) => parts.push(Part::Order(order)),
                (None, Some(standing), _) => cancel.push(OrderKey {
                    client: quote.key.client.clone(),
                    cl_ord_id: standing.known_as,
                }),
                (Some(_), _, None) | (None, None, _) => {}
            }
        }
        let id = |side: &Option<QuoteSide>| side.as_ref().map(|side| side.cl_ord_id.clone());
        self.decide_together(&Joint {
            key: &quote.key,
            digest: self.requests.digest(quote),
            bucket,
            client,
            parts,
            pairs: &[],
            package: None,
            broken: broken.or(too_large),
            cancel,
            sides: [id(&quote.bid), id(&quote.offer)],
            now,
            figures,
            commit,
        })
    }

    /// The live sides of the quote that this one takes the place of.
    fn quoted_before(
        &self,
        quote: &Quote,
        bucket: &Arc<Bucket>,
    ) -> Result<[Option<Standing>; 2], Reason> {
        let Some(id) = &quote.replaces else {
            return Ok([None, None]);
        };
        let key = OrderKey {
            client: quote.key.client.clone(),
            cl_ord_id: id.clone(),
        };
        let place = self.requests.place(&key);
        let sides = {
            let mut table = self.requests.lock(place);
            match table.get_mut(place, &key).map(|entry| &entry.order) {
                Some(OrderSlot::Basket(stored))
                    if stored.failed.is_none()
                        && stored.broken.is_none()
                        && stored.sides.iter().any(Option::is_some) =>
                {
                    stored.sides.clone()
                }
                _ => return Err(Reason::UnknownOrder),
            }
        };
        let [bid, offer] = sides;
        Ok([
            self.quoted_side(quote, bid, bucket)?,
            self.quoted_side(quote, offer, bucket)?,
        ])
    }

    /// A side that stands; nothing where it is over.
    fn quoted_side(
        &self,
        quote: &Quote,
        id: Option<ClOrdId>,
        bucket: &Arc<Bucket>,
    ) -> Result<Option<Standing>, Reason> {
        let Some(id) = id else { return Ok(None) };
        let Some(root) = self.order_of(&quote.key.client, &id) else {
            return Ok(None);
        };
        let place = self.requests.place(&root.key);
        let mut table = self.requests.lock(place);
        let number = match table
            .get_mut(place, &root.key)
            .filter(|entry| entry.decided() == root.decided)
            .map(|entry| &entry.order)
        {
            Some(OrderSlot::Live(at, number)) if Arc::ptr_eq(at, bucket) => *number,
            Some(OrderSlot::Live(..)) => return Err(Reason::ReplaceMismatch),
            _ => return Ok(None),
        };
        let state = bucket.state.lock();
        let Some(record) = state.orders.get(number) else {
            return Ok(None);
        };
        if record.life.is_ending() {
            return Ok(None);
        }
        let of_another = state
            .holding(record.instrument)
            .is_none_or(|holding| holding.listed.instrument.id != quote.instrument)
            || state.route(record.account).is_none_or(|route| {
                let account = quote.account.as_ref();
                route.venue != quote.venue || account.is_some_and(|it| *it != route.account)
            });
        if of_another {
            return Err(Reason::ReplaceMismatch);
        }
        let is_known = record
            .life
            .versions()
            .any(|version| version.cl_ord_id == id);
        let known_as = if is_known {
            id
        } else {
            record.life.current().cl_ord_id.clone()
        };
        Ok(Some(Standing {
            root,
            known_as,
            filled: record.life.filled(),
        }))
    }
}
