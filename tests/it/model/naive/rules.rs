//! Contracts, and the limits of buckets and groups.

use std::collections::BTreeMap;

use bulkhead::domain::decision::Reason;
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
    /// Among whose orders that looks: 0 the bucket's, 1 the desk's, 2 the firm's.
    pub self_scope: u8,
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
    /// Limits that only tell what they would refuse.
    pub shadow: Vec<Reason>,
    /// Limits that nobody looks at.
    pub off: Vec<Reason>,
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

/// Limits that a document may hold otherwise than enforced, as SEMANTICS has them: none of states, ids, reference data and the law.
pub const MODAL: &[Reason] = &[
    Reason::InstrumentNotAllowed,
    Reason::OutsideTradingWindow,
    Reason::PostOnlyRequired,
    Reason::PostOnlyForbidden,
    Reason::ShortSaleForbidden,
    Reason::LocateRequired,
    Reason::OrderQuantity,
    Reason::OrderBaseQuantity,
    Reason::PriceCollar,
    Reason::PriceCollarPeriod,
    Reason::OrderNotional,
    Reason::OrderUnderlyingNotional,
    Reason::LookAlike,
    Reason::SelfMatch,
    Reason::PositionLong,
    Reason::PositionShort,
    Reason::GrossNotional,
    Reason::NetNotional,
    Reason::OpenOrders,
    Reason::Concentration,
    Reason::TradedNotional,
    Reason::OrderRate,
    Reason::NotionalRate,
];

impl GroupRules {
    /// The same without what is not enforced.
    pub fn enforced(&self) -> Self {
        let keep = |limit| self.enforces(limit);
        Self {
            gross: self.gross.filter(|_| keep(Reason::GrossNotional)),
            net: self.net.filter(|_| keep(Reason::NetNotional)),
            rate: self.rate.filter(|_| keep(Reason::OrderRate)),
            long: self.long.filter(|_| keep(Reason::PositionLong)),
            short: self.short.filter(|_| keep(Reason::PositionShort)),
            open: self.open.filter(|_| keep(Reason::OpenOrders)),
            traded: self.traded.filter(|_| keep(Reason::TradedNotional)),
            notional_rate: self.notional_rate.filter(|_| keep(Reason::NotionalRate)),
            sets: if keep(Reason::Concentration) {
                self.sets.clone()
            } else {
                Vec::new()
            },
            offsets: self.offsets,
            disclose: self.disclose,
            shadow: Vec::new(),
            off: Vec::new(),
        }
    }

    pub fn enforces(&self, limit: Reason) -> bool {
        !self.shadow.contains(&limit) && !self.off.contains(&limit)
    }
}

impl Rules {
    pub fn enforces(&self, limit: Reason) -> bool {
        !self.shadow.contains(&limit) && !self.off.contains(&limit)
    }

    /// The same rules as if these limits had never been set.
    pub fn without(&self, gone: &[Reason]) -> Self {
        let mut rules = self.clone();
        let strip = |collar: &mut Option<Collar>| {
            let Some(collar) = collar else { return };
            if gone.contains(&Reason::PriceCollar) {
                (collar.aggressive, collar.passive, collar.absolute) = (None, None, None);
            }
            if gone.contains(&Reason::PriceCollarPeriod) {
                collar.period = None;
            }
        };
        strip(&mut rules.collar);
        for own in rules.per.values_mut() {
            strip(&mut own.collar);
            for limit in gone {
                match limit {
                    Reason::OrderQuantity => own.quantity = None,
                    Reason::PositionLong => own.long = None,
                    Reason::PositionShort => own.short = None,
                    _ => {}
                }
            }
        }
        for limit in gone {
            match limit {
                Reason::InstrumentNotAllowed => (rules.allow, rules.deny) = (None, Vec::new()),
                Reason::PostOnlyRequired if rules.post_only == 1 => rules.post_only = 0,
                Reason::PostOnlyForbidden if rules.post_only == 2 => rules.post_only = 0,
                Reason::LocateRequired if rules.short_sale == 1 => rules.short_sale = 0,
                Reason::ShortSaleForbidden if rules.short_sale == 2 => rules.short_sale = 0,
                Reason::OrderQuantity => rules.quantity = None,
                Reason::OrderBaseQuantity => rules.base = None,
                Reason::OrderNotional => rules.notional = None,
                Reason::OrderUnderlyingNotional => rules.underlying = None,
                Reason::LookAlike => rules.alike = None,
                Reason::SelfMatch => rules.self_match = 0,
                Reason::PositionLong => rules.long = None,
                Reason::PositionShort => rules.short = None,
                Reason::GrossNotional => rules.gross = None,
                Reason::NetNotional => rules.net = None,
                Reason::OpenOrders => rules.open = None,
                Reason::Concentration => rules.sets = Vec::new(),
                Reason::TradedNotional => rules.traded = None,
                Reason::OrderRate => rules.rate = None,
                Reason::NotionalRate => rules.notional_rate = None,
                _ => {}
            }
        }
        (rules.shadow, rules.off) = (Vec::new(), Vec::new());
        rules
    }

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
    pub long: Option<U>,
    pub short: Option<U>,
    pub open: Option<(u32, u32)>,
    pub sets: Vec<(Set, Option<&'static str>, U)>,
    pub traded: Option<U>,
    pub rate: Option<Rate>,
    pub notional_rate: Option<(U, u64, bool)>,
    pub disclose: bool,
    pub shadow: Vec<Reason>,
    pub off: Vec<Reason>,
}
