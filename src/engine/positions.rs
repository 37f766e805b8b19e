//! Opening positions: all of a request, or none of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use super::admin::{AdminError, BadOpening, Opening};
use super::bucket::{BucketState, Move};
use super::market::Listed;
use crate::domain::amount::{Price, Quantity};
use crate::domain::name::{AccountId, BucketId, InstrumentId, VenueId};
use crate::domain::order::Side;
use crate::domain::state::BreachCause;
use crate::domain::time::Now;
use crate::risk::exposure::Hold;
use crate::risk::pnl::{Book, Effect, trade};

impl Engine {
    /// Loads an opening position where the bucket has none: it counts like one that was traded at this price.
    ///
    /// # Errors
    /// Where bucket, instrument or account are unknown, or a position or live order is there.
    pub fn load_position(
        &self,
        id: &BucketId,
        instrument: &InstrumentId,
        account: (&VenueId, &AccountId),
        quantity: Quantity,
        price: Price,
        now: Now,
    ) -> Result<u64, AdminError> {
        let opening = Opening {
            instrument: instrument.clone(),
            venue: account.0.clone(),
            account: Some(account.1.clone()),
            quantity,
            price,
        };
        self.load(id, &[opening], false, now)
            .map_err(|bad| bad.error)
    }

    /// Loads opening positions, all or none, where the bucket has none: they count like ones that were traded at these prices. What was loaded
    /// before and still stands is left as it is.
    ///
    /// # Errors
    /// Where bucket, instrument or account are unknown, a figure makes no sense, or another position or a live order is there.
    pub fn load_positions(
        &self,
        id: &BucketId,
        openings: &[Opening],
        now: Now,
    ) -> Result<u64, BadOpening> {
        self.load(id, openings, true, now)
    }

    /// Loads opening positions; `again` says whether one that was loaded before may be named again.
    fn load(
        &self,
        id: &BucketId,
        openings: &[Opening],
        again: bool,
        now: Now,
    ) -> Result<u64, BadOpening> {
        let bucket = self.bucket(id).ok_or(BadOpening {
            at: None,
            error: AdminError::UnknownBucket,
        })?;
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        let mut places = BTreeSet::new();
        let mut wanted = Vec::with_capacity(openings.len());
        for (at, opening) in openings.iter().enumerate() {
            let bad = |error| BadOpening {
                at: Some(at),
                error,
            };
            let (listed, account) = self.opening_place(state, opening).map_err(bad)?;
            if !places.insert((listed.number, account)) {
                return Err(bad(AdminError::Held));
            }
            let (number, what) = (listed.number, (opening.quantity, opening.price));
            let held = state.position_at(number, account);
            let known = state.opened.get(&(number, account));
            if again && held == opening.quantity && known == Some(&what) {
                continue;
            }
            if !held.is_zero() || state.has_orders_in(number) {
                return Err(bad(AdminError::Held));
            }
            wanted.push((at, listed, account));
        }
        if state.deleted {
            return Err(BadOpening {
                at: None,
                error: AdminError::UnknownBucket,
            });
        }
        let mut done: Vec<(u32, u16, Quantity, Book)> = Vec::new();
        for (at, listed, account) in wanted {
            let Some(opening) = openings.get(at) else {
                continue;
            };
            state.open_holding(&bucket, &listed, &self.market, now);
            match open(state, &listed, account, opening) {
                Some(book) => done.push((listed.number, account, opening.quantity, book)),
                None => {
                    for (number, account, quantity, book) in done.into_iter().rev() {
                        close(state, number, account, quantity, book);
                    }
                    return Err(BadOpening {
                        at: Some(at),
                        error: AdminError::Overflow,
                    });
                }
            }
        }
        state.note_breach(BreachCause::OpeningPosition);
        Ok(self.next_sequence(true))
    }

    fn opening_place(
        &self,
        state: &BucketState,
        opening: &Opening,
    ) -> Result<(Arc<Listed>, u16), AdminError> {
        let listed = self
            .market
            .instruments()
            .get(&opening.instrument)
            .cloned()
            .ok_or(AdminError::UnknownInstrument)?;
        let (account, _) = state
            .account(&opening.venue, opening.account.as_ref())
            .ok_or(AdminError::UnknownAccount)?;
        if !opening.quantity.is_multiple_of(listed.instrument.lot) {
            return Err(AdminError::OffLot);
        }
        if !listed.instrument.negative_prices && !opening.price.is_positive() {
            return Err(AdminError::NotPositive);
        }
        Ok((listed, account))
    }
}

/// Books an opening position; gives the money side as it was before, and changes nothing where a figure is too large.
fn open(state: &mut BucketState, listed: &Listed, account: u16, opening: &Opening) -> Option<Book> {
    let side = if opening.quantity.is_negative() {
        Side::Sell
    } else {
        Side::Buy
    };
    let holding = state.holding(listed.number)?;
    let book = holding.book;
    let effect: Effect = trade(
        &listed.instrument,
        holding.line.position,
        &book,
        side,
        opening.quantity.checked_abs()?,
        opening.price,
    )?;
    let shift = state.shift(
        listed.number,
        Some(&position_move(account, side, effect.position)),
    )?;
    let footprint = state.footprint(&shift)?;
    state.commit(&shift);
    state.tell_above(account, &footprint);
    state.book(listed.number, &effect);
    state
        .opened
        .insert((listed.number, account), (opening.quantity, opening.price));
    Some(book)
}

/// Takes an opening position back that was booked a moment ago.
fn close(state: &mut BucketState, number: u32, account: u16, quantity: Quantity, book: Book) {
    let back = quantity
        .checked_neg()
        .map(|back| position_move(account, Side::Buy, back))
        .and_then(|back| state.shift(number, Some(&back)));
    if let Some(shift) = back
        && let Some(footprint) = state.footprint(&shift)
    {
        state.commit(&shift);
        state.tell_above(account, &footprint);
    }
    state.set_book(number, book);
    state.opened.remove(&(number, account));
}

fn position_move(account: u16, side: Side, quantity: Quantity) -> Move {
    Move {
        account,
        side,
        before: Hold::default(),
        after: Hold::default(),
        position: Some((account, quantity)),
    }
}
