//! Memory set aside in advance: handed out in the order it lies in, and what comes back is the next to go, while it is still warm.

use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Places that threads take from, each its own.
const STRIPES: usize = 16;

/// Pieces that pass between a stripe and the common heap at a time.
const LOT: usize = 64;

/// Pieces of memory, each for one `T`.
pub struct Stock<T> {
    stripes: [Stripe<T>; STRIPES],
    lots: Mutex<Lots<T>>,
}

/// Alone in its cache lines, so that threads do not share one.
#[repr(align(128))]
struct Stripe<T>(Mutex<Pieces<T>>);

/// Pieces themselves, each where it lies.
type Pieces<T> = Vec<Box<T>>;

struct Lots<T> {
    ready: Vec<Pieces<T>>,
    /// Lots kept at most: as many as were set aside.
    most: usize,
}

impl<T> Default for Stock<T> {
    fn default() -> Self {
        Self {
            stripes: core::array::from_fn(|_| Stripe(Mutex::default())),
            lots: Mutex::new(Lots {
                ready: Vec::new(),
                most: 0,
            }),
        }
    }
}

impl<T> Stock<T> {
    /// Sets so many pieces aside, and touches them.
    pub fn reserve(&self, count: usize, blank: impl Fn() -> T) {
        let mut lots = self.lots.lock();
        let wanted = count.div_ceil(LOT);
        let missing = wanted.saturating_sub(lots.ready.len());
        let lot = || {
            let mut lot: Pieces<T> = (0..LOT).map(|_| Box::new(blank())).collect();
            // What was made last is to go last.
            lot.reverse();
            lot
        };
        lots.ready.extend((0..missing).map(|_| lot()));
        lots.ready.reverse();
        lots.most = lots.most.max(wanted);
    }

    /// A piece of memory, with whatever it held before; none where all is in use.
    pub fn take(&self) -> Option<Box<T>> {
        self.take_as(thread_number())
    }

    fn take_as(&self, thread: usize) -> Option<Box<T>> {
        let mut own = self.stripe(thread).0.lock();
        if own.is_empty() {
            *own = self.lots.lock().ready.pop()?;
        }
        own.pop()
    }

    /// Keeps a piece of memory for another use, as long as there are not more of them than were set aside.
    pub fn give(&self, piece: Box<T>) {
        let mut own = self.stripe(thread_number()).0.lock();
        if own.len() >= LOT.saturating_mul(2) {
            let lot = own.split_off(LOT);
            let mut lots = self.lots.lock();
            if lots.ready.len() < lots.most {
                lots.ready.push(lot);
            }
        }
        own.push(piece);
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder is below the number of stripes"
    )]
    fn stripe(&self, thread: usize) -> &Stripe<T> {
        &self.stripes[thread % STRIPES]
    }
}

/// Number of the calling thread: those that run side by side mostly have different ones.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.with(|own| {
        own.get().unwrap_or_else(|| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            own.set(Some(number));
            number
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_set_aside_goes_in_the_order_it_was_made_and_comes_back() {
        let (stock, made) = (Stock::default(), Cell::new(0));
        stock.reserve(LOT * 3 - 1, || made.replace(made.get() + 1));
        let taken: Vec<Box<i32>> = std::iter::from_fn(|| stock.take()).collect();
        assert_eq!(made.get(), 192, "whole lots");
        assert!(taken.iter().map(|piece| **piece).eq(0..192));
        for piece in taken {
            stock.give(piece);
        }
        assert_eq!(*stock.take().unwrap(), 191, "the last to come back");
        assert_eq!(std::iter::from_fn(|| stock.take()).count(), 191);
    }

    #[test]
    fn setting_aside_takes_memory_for_the_pieces_and_no_more() {
        let stock = Stock::default();
        stock.reserve(LOT * 1_000, || 0_u8);
        let lots = stock.lots.lock();
        assert_eq!(lots.ready.len(), 1_000);
        assert!(
            lots.ready
                .iter()
                .all(|lot| lot.len() == LOT && lot.capacity() == LOT)
        );
    }

    #[test]
    fn no_more_is_kept_than_was_set_aside() {
        let stock = Stock::default();
        for number in 0..10_000 {
            stock.give(Box::new(number));
        }
        let kept = std::iter::from_fn(|| stock.take()).count();
        assert!(kept <= 2 * LOT, "{kept}");
    }

    #[test]
    fn threads_take_from_what_was_set_aside_for_all() {
        let stock = Stock::default();
        stock.reserve(1_000, || 0_u8);
        let of = |thread| std::iter::from_fn(|| stock.take_as(thread)).count();
        let first: usize = (0..40).filter_map(|thread| stock.take_as(thread)).count();
        assert_eq!(first + (0..40).map(of).sum::<usize>(), 1_024);
    }
}
