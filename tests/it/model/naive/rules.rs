//! Contracts, and the limits of buckets and groups.

use std::collections::BTreeMap;

use bulkhead::domain::order::Side;

use super::counts::Line;
use super::{DAY, U};

#[derive(Clone, Copy, Debug, Default)]
pub struct Collar {
    pub aggressive: Option<U>,
    pub passive: Option<U>,
    pub absolute: Option<U>,
    pub period: Option<U>,
}

/// Reference data, as far as the model needs them.
#[derive(Clone, Copy, Debug)]
pub struct Contract {
    pub name: &'static str,
    pub inverse: bool,
    /// Whether its worth is counted in euros: its quote currency, or what a quanto settles in.
    pub euro: bool,
    pub quanto: bool,
    pub multiplier: U,
    pub tick: U,
    pub lot: U,
    pub underlying: &'static str,
    pub venues: &'static [&'static str],
    pub negative: bool,
    pub option_on: Option<usize>,
    pub max_age: u64,
    pub collar: Option<Collar>,
    /// First instant at which it does not trade any more.
    pub expiry: Option<i64>,
}

impl Contract {
    /// Currency of its profit.
    pub const fn money(&self) -> &'static str {
        match (self.inverse, self.euro) {
            (true, _) => self.underlying,
            (false, true) => "EUR",
            (false, false) => "USD",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Set {
    Underlying,
    Venue,
}

#[derive(Clone, Copy, Debug)]
pub enum Bound {
    Money(U),
    Share(U),
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Own {
    pub quantity: Option<U>,
    pub long: Option<U>,
    pub short: Option<U>,
    pub collar: Option<Collar>,
}

#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub max: u32,
    pub window: u64,
    pub reserve: u32,
}

/// Limits of a bucket.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Part of what is balanced of a combination that counts.
    pub spread: Option<U>,
    pub capital: Option<U>,
    pub quantity: Option<U>,
    pub base: Option<U>,
    pub notional: Option<U>,
    pub underlying: Option<U>,
    pub collar: Option<Collar>,
    pub slippage: U,
    pub alike: Option<(u32, u64)>,
    pub allow: Option<Vec<usize>>,
    pub deny: Vec<usize>,
    pub restricted: Vec<usize>,
    /// 0 free, 1 required, 2 forbidden.
    pub post_only: u8,
    /// 0 free, 1 needs a locate, 2 forbidden.
    pub short_sale: u8,
    /// 0 allowed, 1 refused, 2 cancel the resting one.
    pub self_match: u8,
    pub long: Option<U>,
    pub short: Option<U>,
    pub no_credit: bool,
    pub per: BTreeMap<usize, Own>,
    pub gross: Option<U>,
    pub net: Option<U>,
    pub open: Option<(u32, u32)>,
    pub sets: Vec<(Set, Option<&'static str>, Bound)>,
    pub traded: Option<U>,
    pub rate: Option<Rate>,
    pub notional_rate: Option<(U, u64, bool)>,
    /// How long the word that an order was sent may take.
    pub patience: u64,
}

/// Hours of some days of the week, in UTC, in which a bucket takes new orders: until the next day where the end is not after the start.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Monday to Sunday.
    pub days: [bool; 7],
    pub from: i64,
    pub to: i64,
}

impl Window {
    pub fn is_open(&self, wall: i64) -> bool {
        // The first day of all was a Thursday.
        let starts = |day: i64| self.days[usize::try_from((day + 3).rem_euclid(7)).unwrap()];
        let (day, time) = (wall.div_euclid(DAY), wall.rem_euclid(DAY));
        let wraps = self.to <= self.from;
        (starts(day) && self.from <= time && (wraps || time < self.to))
            || (wraps && starts(day - 1) && time < self.to)
    }
}

impl Rules {
    /// Worst-case position on one side.
    pub(super) fn reach(&self, line: &Line, side: Side) -> U {
        let held = if side == Side::Buy {
            line.position
        } else {
            -line.position
        };
        let open = line.side(side);
        (if self.no_credit { held.max(0) } else { held }) + open.open + open.exit
    }

    pub fn own(&self, instrument: usize) -> Own {
        let own = self.per.get(&instrument).copied().unwrap_or_default();
        Own {
            quantity: own.quantity.or(self.quantity),
            long: own.long.or(self.long),
            short: own.short.or(self.short),
            collar: own.collar.or(self.collar),
        }
    }
}

/// Limits of a group.
#[derive(Clone, Debug, Default)]
pub struct GroupRules {
    pub gross: Option<U>,
    pub net: Option<U>,
    pub offsets: bool,
    pub rate: Option<Rate>,
    pub disclose: bool,
}
