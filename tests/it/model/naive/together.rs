//! Baskets and quotes: all legs are tried one after the other on a copy of everything, which is kept or thrown away.

use bulkhead::domain::amount::Amount;
use bulkhead::domain::basket::{Basket, Quote};
use bulkhead::domain::decision::Reason;
use bulkhead::domain::order::{Order, Replace, Side, Size};

use super::links::Link;
use super::{Content, DAY, Finding, Model, ONE, Said, Slot};

/// An answer to a basket or a quote.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Together {
    pub replayed: bool,
    /// Why all of it is refused.
    pub broken: Option<Reason>,
    /// What each leg is told that was reached.
    pub legs: Vec<Said>,
    /// What limits in shadow would have said against each of them.
    pub shadows: Vec<Vec<Finding>>,
    pub failed: Option<usize>,
    /// Live orders to cancel.
    pub cancel: Vec<String>,
}

enum Leg {
    New(Order),
    Change(Replace),
}

impl Model {
    /// A basket; `commit` is false for a what-if.
    pub fn basket(&mut self, basket: &Basket, commit: bool) -> Together {
        let legs = basket.legs().iter().cloned().map(Leg::New).collect();
        let key = (
            basket.key().client.to_string(),
            basket.key().cl_ord_id.to_string(),
        );
        let content = |_| Content::Basket(basket.clone());
        let bucket = self.pool_of(basket.bucket().as_str());
        self.together(key, content, bucket, (None, legs, Vec::new()), commit)
    }

    /// A quote; `commit` is false for a what-if.
    pub fn quote(&mut self, quote: &Quote, commit: bool) -> Together {
        let key = (
            quote.key.client.to_string(),
            quote.key.cl_ord_id.to_string(),
        );
        let bucket = self.pool_of(quote.bucket.as_str());
        let content = |approved| Content::Quote(quote.clone(), approved);
        let mut before = [None, None];
        let mut broken = None;
        if let Some(of) = &quote.replaces {
            let slot = self.slots.get(&(key.0.clone(), of.to_string()));
            match slot.map(|slot| &slot.content) {
                Some(Content::Quote(old, true)) => {
                    before = [old.bid.clone(), old.offer.clone()].map(|side| {
                        let at = self.find(&key.0, side?.cl_ord_id.as_str())?;
                        let order = &self.orders[at];
                        (!order.is_over() && order.end.is_none()).then_some(at)
                    });
                    let other = |at: &usize| {
                        let order = &self.orders[*at];
                        let (venue, account) = self.pools[order.bucket].accounts[order.account];
                        order.bucket != bucket
                            || self.contracts[order.instrument].name != quote.instrument.as_str()
                            || venue != quote.venue.as_str()
                            || quote
                                .account
                                .as_ref()
                                .is_some_and(|it| it.as_str() != account)
                    };
                    if before.iter().flatten().any(other) {
                        broken = Some(Reason::ReplaceMismatch);
                    }
                }
                _ => broken = Some(Reason::UnknownOrder),
            }
        }
        let (mut legs, mut cancel) = (Vec::new(), Vec::new());
        let sides = [(&quote.bid, Side::Buy), (&quote.offer, Side::Sell)];
        for ((side, way), at) in sides.into_iter().zip(before).filter(|_| broken.is_none()) {
            match (side, at.map(|at| &self.orders[at])) {
                (Some(side), Some(order)) => {
                    let old = self.side_id(quote, way);
                    let known = order.versions.iter().any(|version| version.id == old);
                    let original = if known {
                        old
                    } else {
                        order.versions[0].id.clone()
                    };
                    let total = order.filled() + side.quantity.units();
                    legs.push(Leg::Change(Replace {
                        key: quote.order(side, way).key,
                        original: original.parse().unwrap(),
                        quantity: Amount::from_units(total),
                        terms: quote.order(side, way).terms,
                    }));
                }
                (Some(side), None) => legs.push(Leg::New(quote.order(side, way))),
                (None, Some(order)) => {
                    let old = self.side_id(quote, way);
                    let known = order.versions.iter().any(|version| version.id == old);
                    cancel.push(if known {
                        old
                    } else {
                        order.versions[0].id.clone()
                    });
                }
                (None, None) => {}
            }
        }
        self.together(key, content, bucket, (broken, legs, cancel), commit)
    }

    /// Id that a side of the quote before was sent under.
    fn side_id(&self, quote: &Quote, way: Side) -> String {
        let key = (
            quote.key.client.to_string(),
            quote.replaces.as_ref().unwrap().to_string(),
        );
        match &self.slots[&key].content {
            Content::Quote(old, _) => {
                let side = match way {
                    Side::Buy => &old.bid,
                    Side::Sell => &old.offer,
                };
                side.as_ref().unwrap().cl_ord_id.to_string()
            }
            _ => unreachable!("it was looked at"),
        }
    }

    /// Links the legs of a basket that count less together; the place of each in its link.
    fn seats(
        &mut self,
        content: &Content,
        bucket: usize,
        legs: usize,
    ) -> Vec<Option<(usize, usize)>> {
        let mut seats = vec![None; legs];
        let Content::Basket(basket) = content else {
            return seats;
        };
        let mut new = |model: &mut Self, spread, of: &[usize]| {
            let link = model.links.len();
            model.links.push(Link {
                spread,
                dead: false,
            });
            for (place, leg) in of.iter().enumerate() {
                seats[*leg] = Some((link, place));
            }
        };
        for pair in basket.pairs().iter().filter(|pair| pair.venue_enforced) {
            new(self, None, &[pair.legs.0, pair.legs.1]);
        }
        if let (Some(package), Some(share)) = (basket.package(), self.pools[bucket].rules.spread)
            && package.venue_atomic
            && share < ONE
        {
            let planned = basket.legs().iter().map(|leg| match leg.size {
                Size::Quantity(quantity) => quantity.units(),
                _ => unreachable!("legs of a package are of so many contracts"),
            });
            let ratios = package.ratios.iter().map(|ratio| ratio.units());
            let all: Vec<usize> = (0..legs).collect();
            new(self, Some((ratios.zip(planned).collect(), share)), &all);
        }
        seats
    }

    fn pool_of(&self, name: &str) -> usize {
        self.pools
            .iter()
            .position(|pool| pool.name == name)
            .unwrap()
    }

    fn together(
        &mut self,
        key: (String, String),
        content: impl Fn(bool) -> Content,
        bucket: usize,
        (broken, legs, cancel): (Option<Reason>, Vec<Leg>, Vec<String>),
        commit: bool,
    ) -> Together {
        if self.stands(&key.0, &key.1) {
            let same = match (&self.slots[&key].content, content(true)) {
                (Content::Basket(known), Content::Basket(new)) => *known == new,
                (Content::Quote(known, _), Content::Quote(new, _)) => *known == new,
                _ => false,
            };
            return Together {
                replayed: same,
                broken: (!same).then_some(Reason::DuplicateMismatch),
                ..Together::default()
            };
        }
        let before = self.clone();
        let until = match broken {
            Some(_) => self.now.wall + DAY,
            None => self.day_end(bucket),
        };
        let slot = |approved| Slot {
            content: content(approved),
            order: None,
            until,
            counted: true,
        };
        let seats = self.seats(&content(true), bucket, legs.len());
        // Its own id counts first.
        let is_past = |model: &Self, key: &(String, String)| {
            u32::from(model.slots.get(key).is_some_and(|slot| slot.counted))
        };
        self.giving_way += is_past(self, &key);
        self.give(key.clone(), slot(true));
        let mut said = Together {
            broken,
            ..Together::default()
        };
        let mut tallied = 0;
        for (at, leg) in legs.iter().enumerate().filter(|_| broken.is_none()) {
            let own = match leg {
                Leg::New(order) => &order.key,
                Leg::Change(replace) => &replace.key,
            };
            self.shadow.clear();
            tallied = self.pools[bucket].shadowed.len();
            let past = is_past(self, &(own.client.to_string(), own.cl_ord_id.to_string()));
            let told = if self.stands(own.client.as_str(), own.cl_ord_id.as_str()) {
                Self::mismatch()
            } else {
                match leg {
                    Leg::New(order) => self.decide_linked(order, seats[at], true),
                    Leg::Change(replace) => self.replace(replace, true),
                }
            };
            let passes = matches!(told, Said::Approved { .. });
            self.giving_way += past;
            said.legs.push(told);
            said.shadows.push(self.shadow.clone());
            if !passes {
                said.failed = Some(at);
                break;
            }
        }
        if said.failed.is_none() && broken.is_none() {
            said.cancel = cancel;
            self.giving_way = 0;
            if !commit {
                *self = before;
            }
            return said;
        }
        // Nothing of it stays but that its legs were tried.
        let attempts = core::mem::take(&mut self.pools[bucket].attempts);
        let shadowed = self.pools[bucket].shadowed.split_off(tallied);
        *self = before;
        if !commit {
            return said;
        }
        self.pools[bucket].attempts = attempts;
        // And of the one that failed, what is told.
        if said.failed.is_some() {
            self.pools[bucket].shadowed.extend(shadowed);
        }
        let last = said.legs.last().cloned();
        if self.is_stored(&key.0, &last.unwrap_or(Said::Rejected(Vec::new()))) {
            self.give(key, slot(false));
        }
        said
    }
}
