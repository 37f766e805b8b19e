//! The live orders of a bucket, each at a number that stays its own while it lives.
//!
//! The roster grows by pieces of one size and never moves one: no order has to wait while the memory of all others is copied to a larger
//! place, however many there are.

use super::order::OrderRecord;
use super::stock::Stock;

/// Orders of one piece.
const PIECE: usize = 64;

/// Places for some orders.
pub struct Piece([Place; PIECE]);

enum Place {
    /// Nobody's; with the number of the place that was given up before it.
    Free(usize),
    Taken(Box<OrderRecord>),
}

impl Piece {
    /// Places without orders.
    #[must_use]
    pub fn blank() -> Self {
        Self(core::array::from_fn(|_| Place::Free(NONE)))
    }
}

/// How many pieces so many orders fill.
#[must_use]
pub const fn pieces_for(orders: usize) -> usize {
    orders.div_ceil(PIECE)
}

/// No place.
const NONE: usize = usize::MAX;

/// The live orders of one bucket.
pub struct Roster {
    #[expect(
        clippy::vec_box,
        reason = "a piece stays where it lies while the list of them grows"
    )]
    pieces: Vec<Box<Piece>>,
    /// The place given up last, or [`NONE`].
    free: usize,
    /// Places that were ever taken: those behind them have not been touched.
    used: usize,
    len: usize,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            free: NONE,
            used: 0,
            len: 0,
        }
    }
}

impl Roster {
    /// Enters an order, and returns its number.
    pub fn insert(&mut self, record: Box<OrderRecord>, stock: &Stock<Piece>) -> usize {
        let number = self.vacant(stock);
        if let Some(place) = self.place(number) {
            *place = Place::Taken(record);
            self.len = self.len.saturating_add(1);
        }
        number
    }

    /// A free place: the one that was given up last, or one behind all others.
    fn vacant(&mut self, stock: &Stock<Piece>) -> usize {
        let number = self.free;
        if let Some(Place::Free(next)) = self.place(number) {
            self.free = *next;
            return number;
        }
        if self.used >= self.pieces.len().saturating_mul(PIECE) {
            let piece = stock.take().unwrap_or_else(|| Box::new(Piece::blank()));
            self.pieces.push(piece);
        }
        self.used = self.used.saturating_add(1);
        self.used.saturating_sub(1)
    }

    /// Takes an order out.
    pub fn remove(&mut self, number: usize) -> Option<Box<OrderRecord>> {
        let free = self.free;
        let place = self.place(number)?;
        let record = match core::mem::replace(place, Place::Free(free)) {
            Place::Taken(record) => record,
            vacant @ Place::Free(_) => {
                *place = vacant;
                return None;
            }
        };
        self.free = number;
        self.len = self.len.saturating_sub(1);
        Some(record)
    }

    fn place(&mut self, number: usize) -> Option<&mut Place> {
        let piece = self.pieces.get_mut(number.checked_div(PIECE)?)?;
        piece.0.get_mut(number.checked_rem(PIECE)?)
    }

    /// The order of a number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&OrderRecord> {
        let piece = self.pieces.get(number.checked_div(PIECE)?)?;
        piece.0.get(number.checked_rem(PIECE)?)?.taken()
    }

    /// The order of a number, to be changed.
    pub fn get_mut(&mut self, number: usize) -> Option<&mut OrderRecord> {
        match self.place(number)? {
            Place::Taken(record) => Some(record),
            Place::Free(_) => None,
        }
    }

    /// Number of orders.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every order with its number, by number.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &OrderRecord)> {
        let places = self.pieces.iter().flat_map(|piece| &piece.0);
        let taken = places.take(self.used).enumerate();
        taken.filter_map(|(number, place)| Some((number, place.taken()?)))
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut OrderRecord)> {
        let places = self.pieces.iter_mut().flat_map(|piece| &mut piece.0);
        let taken = places.take(self.used).enumerate();
        taken.filter_map(|(number, place)| match place {
            Place::Taken(record) => Some((number, &mut **record)),
            Place::Free(_) => None,
        })
    }
}

impl Place {
    fn taken(&self) -> Option<&OrderRecord> {
        match self {
            Self::Taken(record) => Some(record),
            Self::Free(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    fn order(number: u32) -> Box<OrderRecord> {
        let mut record = OrderRecord::blank();
        record.instrument = number;
        Box::new(record)
    }

    fn numbers(roster: &Roster) -> Vec<(usize, u32)> {
        let all = roster.iter();
        all.map(|(at, record)| (at, record.instrument)).collect()
    }

    #[test]
    fn an_order_keeps_its_number_and_places_given_up_are_taken_first() {
        let stock = Stock::default();
        let mut roster = Roster::default();
        for (at, number) in (0..150).enumerate() {
            assert_eq!(roster.insert(order(number), &stock), at);
        }
        for number in [3, 64, 149] {
            let gone = roster.remove(number).unwrap();
            assert_eq!(usize::try_from(gone.instrument), Ok(number));
            assert!(roster.remove(number).is_none() && roster.get(number).is_none());
        }
        assert_eq!((roster.len(), numbers(&roster).len()), (147, 147));
        for (number, place) in [(200, 149), (201, 64), (202, 3), (203, 150)] {
            assert_eq!(roster.insert(order(number), &stock), place);
            assert_eq!(roster.get_mut(place).unwrap().instrument, number);
        }
        assert_eq!(roster.len(), 151);
        let moved = [3, 64, 149, 150].map(|at| roster.get(at).unwrap().instrument);
        assert_eq!(moved, [202, 201, 200, 203]);
    }

    #[test]
    fn it_does_what_a_slab_does() {
        let stock = Stock::default();
        stock.reserve(4, Piece::blank);
        let (mut roster, mut slab) = (Roster::default(), slab::Slab::new());
        let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
        for number in 0..20_000 {
            bits = bits.wrapping_mul(0xD129_0B2B_5F51_BD4D).rotate_left(29) ^ 0x5bd1;
            let at = usize::try_from(bits >> 54).unwrap();
            if bits & 1 == 0 {
                assert_eq!(roster.insert(order(number), &stock), slab.insert(number));
            } else {
                let gone = roster.remove(at).map(|record| record.instrument);
                assert_eq!(gone, slab.try_remove(at));
            }
            assert_eq!(roster.len(), slab.len());
        }
        let all: Vec<(usize, u32)> = slab.iter().map(|(at, number)| (at, *number)).collect();
        assert_eq!(numbers(&roster), all);
        assert!(
            roster
                .iter_mut()
                .map(|(at, record)| (at, record.instrument))
                .eq(all)
        );
        assert!(roster.get(usize::MAX).is_none() && roster.remove(usize::MAX).is_none());
    }
}
