//! The naive model: plain lists of everything that happened, and every figure counted anew from them.
//!
//! Written from SEMANTICS.md; nothing here is shared with the rules or the engine. Amounts are integers of 10⁻¹².

mod bench;
mod checks;
mod counts;
mod decide;
mod facts;
mod levels;
mod life;
mod links;
mod market;
mod offers;
mod rules;
mod together;

use std::collections::BTreeMap;

use bulkhead::domain::basket::{Basket, Quote};
use bulkhead::domain::decision::{Level, Reason};
use bulkhead::domain::order::{Order, Replace, Side, Terms};
use bulkhead::domain::report::Fill;
use bulkhead::domain::state::TradingState;
use bulkhead::domain::time::Now;

use life::{Held, Loose};

pub use bench::CAPACITY;
pub use counts::{Line, Usage};
pub use levels::LevelUsage;
pub use market::Mark;
pub use rules::{Bound, Collar, Contract, GroupRules, MODAL, Own, Rate, Rules, Set, Window};
pub use together::Together;

/// An amount in 10⁻¹².
pub type U = i128;

/// One.
pub const ONE: U = 1_000_000_000_000;

const DAY: i64 = 86_400_000_000_000;

/// How long what is over is remembered here: longer than a night, shorter than two.
pub const RETENTION: i64 = DAY / 24 * 20;

/// `a × b`, rounded up.
pub fn up(a: U, b: U) -> U {
    -((-(a * b)).div_euclid(ONE))
}

/// `a × b`, rounded down.
pub fn down(a: U, b: U) -> U {
    (a * b).div_euclid(ONE)
}

/// `a ÷ b`, rounded up.
pub fn over(a: U, b: U) -> U {
    -((-(a * ONE)).div_euclid(b))
}

#[derive(Clone, Debug)]
pub struct Target {
    pub bucket: Option<usize>,
    pub account: (&'static str, &'static str),
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct Pool {
    pub name: &'static str,
    pub rules: Rules,
    pub version: u64,
    pub accounts: Vec<(&'static str, &'static str)>,
    pub path: Vec<usize>,
    pub state: TradingState,
    pub attempts: Vec<(u64, bool)>,
    pub notionals: Vec<(u64, U)>,
    pub alike: Vec<(u64, usize, Side, U, Terms)>,
    /// When, how much, and at which account.
    pub traded: Vec<(i64, U, usize)>,
    pub inbound: Vec<(i64, usize, U)>,
    /// What limits in shadow would have refused: when, which, and whose.
    pub shadowed: Vec<(i64, Reason, Level)>,
    pub targets: Vec<Target>,
    pub tries: usize,
    pub sources: Vec<(usize, U)>,
    pub sources_total: Option<U>,
    /// Time of day, UTC, at which its trading day begins.
    pub reset: i64,
    pub windows: Vec<Window>,
    units: Vec<Option<U>>,
    fresh: Vec<Option<u64>>,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: &'static str,
    pub level: Level,
    pub rules: GroupRules,
    pub state: TradingState,
    pub version: u64,
    pub approved: Vec<(u64, bool)>,
    pub notionals: Vec<(u64, U)>,
    /// Executed below it: when, how much, and in which bucket. A bucket that comes brings what is of its own day.
    pub traded: Vec<(i64, U, usize)>,
    /// Time of day, UTC, at which its trading day begins.
    pub reset: i64,
    /// Of a venue or a counterparty: its venues, whose accounts it counts.
    pub venues: Vec<&'static str>,
}

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Place {
    Bucket(usize),
    Group(usize),
    Instrument(usize),
    Venue(&'static str),
    Client(String),
    Everything,
}

/// A broken limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Finding {
    pub reason: Reason,
    pub level: Level,
    /// Whether it is about what is at one venue.
    pub by_venue: bool,
    pub figures: Option<(U, U, U)>,
}

/// An answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Said {
    Replayed,
    Approved {
        bucket: usize,
        account: usize,
        quantity: U,
        exit: bool,
    },
    Rejected(Vec<Finding>),
    Rerouted {
        bucket: usize,
        account: usize,
        quantity: U,
        because: Vec<Finding>,
    },
}

#[derive(Clone, Debug)]
enum Content {
    Order(Order),
    Replace(Replace),
    Basket(Basket),
    /// With whether it was approved.
    Quote(Quote, bool),
    Released,
}

#[derive(Clone, Debug)]
struct Slot {
    content: Content,
    order: Option<usize>,
    /// When the key may be used again.
    until: i64,
    /// Whether it counts in its client's quota.
    counted: bool,
}

#[derive(Clone, Debug)]
enum What {
    Fill {
        at: Option<(usize, usize)>,
        loose: usize,
        void: bool,
        side: Side,
        named: String,
    },
    /// A correction names what it corrected.
    Amendment(Option<String>),
    Parked(Option<Fill>),
}

#[derive(Clone, Debug)]
struct Exec {
    text: String,
    what: What,
    /// When it was last told of, wall time.
    last: i64,
}

/// What is noted about a report.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Notes {
    pub duplicate: bool,
    pub late: bool,
    pub overfill: bool,
    pub unknown: bool,
    pub quarantined: bool,
    pub mismatch: bool,
    pub parked: bool,
    pub owed: bool,
    pub elsewhere: bool,
    pub other_bucket: bool,
    pub unaccepted: bool,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Model {
    pub contracts: &'static [Contract],
    pub pools: Vec<Pool>,
    pub groups: Vec<Group>,
    /// Venues, and then counterparties.
    pub around: Vec<Group>,
    pub quarantine: usize,
    pub states: BTreeMap<Place, TradingState>,
    /// Ids that a client may use in a day; a tenth more for exits.
    pub quotas: BTreeMap<String, u32>,
    pub orders: Vec<Held>,
    pub loose: Vec<Loose>,
    links: Vec<links::Link>,
    /// Ids of earlier days that gave way to those of a basket that is being decided: they count until it is.
    giving_way: u32,
    slots: BTreeMap<(String, String), Slot>,
    execs: BTreeMap<String, Exec>,
    quotes: Vec<Option<(Mark, u64)>>,
    history: Vec<Vec<(u64, U)>>,
    euro: Option<(U, U, u64)>,
    pub rate_age: u64,
    pub collar_period: u64,
    pub now: Now,
    /// What limits in shadow would have said against the last order.
    pub shadow: Vec<Finding>,
}

impl Model {
    pub fn new(
        contracts: &'static [Contract],
        pools: Vec<Pool>,
        groups: Vec<Group>,
        quarantine: usize,
        now: Now,
    ) -> Self {
        Self {
            contracts,
            pools,
            groups,
            around: Vec::new(),
            quarantine,
            states: BTreeMap::new(),
            quotas: BTreeMap::new(),
            orders: Vec::new(),
            loose: Vec::new(),
            links: Vec::new(),
            giving_way: 0,
            slots: BTreeMap::new(),
            execs: BTreeMap::new(),
            quotes: vec![None; contracts.len()],
            history: vec![Vec::new(); contracts.len()],
            euro: None,
            rate_age: 60_000_000_000,
            collar_period: 300_000_000_000,
            now,
            shadow: Vec::new(),
        }
    }

    pub fn pool(name: &'static str, rules: Rules, contracts: usize) -> Pool {
        Pool {
            name,
            rules,
            version: 1,
            accounts: Vec::new(),
            path: Vec::new(),
            state: TradingState::Active,
            attempts: Vec::new(),
            notionals: Vec::new(),
            alike: Vec::new(),
            traded: Vec::new(),
            inbound: Vec::new(),
            shadowed: Vec::new(),
            targets: Vec::new(),
            tries: 0,
            sources: Vec::new(),
            sources_total: None,
            reset: 0,
            windows: Vec::new(),
            units: vec![None; contracts],
            fresh: vec![None; contracts],
        }
    }
}
