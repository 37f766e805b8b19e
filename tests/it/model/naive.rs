//! The naive model: plain lists of everything that happened, and every figure counted anew from them.
//!
//! Written from SEMANTICS.md; nothing here is shared with the rules or the engine. Amounts are integers of 10⁻¹².

use std::collections::BTreeMap;

use bulkhead::domain::decision::{Level, Reason};
use bulkhead::domain::name::ClientId;
use bulkhead::domain::order::{
    Order, Replace, RerouteConsent, ShortSale, Side, Size, Terms, TimeInForce,
};
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::domain::state::{OrderState, TradingState};
use bulkhead::domain::time::Now;

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
    pub euro: bool,
    pub multiplier: U,
    pub tick: U,
    pub lot: U,
    pub underlying: &'static str,
    pub venues: &'static [&'static str],
    pub negative: bool,
    pub option_on: Option<usize>,
    pub max_age: u64,
    pub collar: Option<Collar>,
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
}

impl Rules {
    /// Worst-case position on one side.
    fn reach(&self, line: &Line, side: Side) -> U {
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

/// A price update.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    pub instrument: usize,
    pub mark: Option<U>,
    pub bid: Option<U>,
    pub ask: Option<U>,
    pub last: Option<U>,
    pub index: Option<U>,
}

impl Mark {
    fn reference(&self) -> Option<U> {
        let middle = self.bid.zip(self.ask).map(|(bid, ask)| (bid + ask) / 2);
        self.mark.or(middle).or(self.last)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Prices {
    reference: Option<U>,
    bid: Option<U>,
    ask: Option<U>,
    low: Option<U>,
    high: Option<U>,
    index: Option<U>,
}

/// One of the order's versions.
#[derive(Clone, Debug)]
pub struct Version {
    pub id: String,
    pub quantity: U,
    pub terms: Terms,
    pub unit: U,
    /// Its place among all that were asked for.
    pub number: usize,
    pub sent: bool,
}

#[derive(Clone, Debug)]
pub struct Booked {
    pub quantity: U,
    pub price: U,
    pub value: U,
    pub account: usize,
    pub void: bool,
    pub fee: U,
    /// Currency of the fee, where it is not the contract's own.
    pub fee_in: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd)]
pub enum Stage {
    Reserved,
    Sent,
    Working,
}

/// An order with everything that happened to it.
#[derive(Clone, Debug)]
pub struct Held {
    pub client: ClientId,
    pub id: String,
    pub bucket: usize,
    pub instrument: usize,
    pub account: usize,
    pub side: Side,
    pub reduce_only: bool,
    pub time_in_force: TimeInForce,
    pub post_only: bool,
    pub short_sale: ShortSale,
    pub located: bool,
    /// The version in force and those on their way.
    pub versions: Vec<Version>,
    /// The last eight that the venue refused, or that were released, which the flag says.
    pub aside: Vec<(Version, bool)>,
    pub fills: Vec<Booked>,
    pub cash: Option<U>,
    pub exit: bool,
    pub stage: Stage,
    pub asked_cancel: bool,
    pub end: Option<OrderState>,
    /// Fills the venue counted at the end that have not come; unknown until told.
    pub owed: Option<U>,
    pub told: U,
    pub voided: U,
    pub approved: u64,
    pub counted: U,
    pub unvalued: bool,
    pub source: Option<usize>,
    /// When it was last told of, wall time.
    pub last: i64,
    /// Whether it is forgotten: nothing leads to it any more.
    pub gone: bool,
}

/// What an order holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Hold {
    pub quantity: U,
    pub value: U,
}

impl Held {
    pub fn filled(&self) -> U {
        let booked = self.fills.iter().filter(|fill| !fill.void);
        booked.map(|fill| fill.quantity).sum()
    }

    pub fn leaves(&self) -> U {
        match (self.end, self.owed) {
            _ if self.gone => 0,
            (Some(_), Some(owed)) => owed,
            _ => {
                let most = self.versions.iter().map(|version| version.quantity).max();
                // What the venue counts as filled and has not come is owed, even beyond a smaller total.
                let told = self.told - self.voided;
                (most.unwrap_or(0).max(told) - self.filled()).max(0)
            }
        }
    }

    pub fn hold(&self) -> Hold {
        let (leaves, filled) = (self.leaves(), self.filled());
        let value = match self.cash {
            _ if leaves == 0 => 0,
            Some(cash) => {
                let spent: U = self
                    .fills
                    .iter()
                    .filter(|fill| !fill.void)
                    .map(|fill| fill.value)
                    .sum();
                (cash - spent).max(0)
            }
            None => self
                .versions
                .iter()
                .map(|version| {
                    let total = version.quantity.max(self.told - self.voided);
                    up((total - filled).max(0).min(leaves), version.unit)
                })
                .max()
                .unwrap_or(0),
        };
        Hold {
            quantity: leaves,
            value,
        }
    }

    pub fn pending(&self) -> bool {
        self.versions.len() > 1
    }

    pub fn is_over(&self) -> bool {
        self.gone || (self.leaves() == 0 && (self.end.is_some() || !self.pending()))
    }

    fn resting(&self) -> impl Iterator<Item = U> {
        self.versions
            .iter()
            .filter_map(|version| match version.terms {
                Terms::Limit { price } => Some(price.units()),
                Terms::Pegged { cap } => cap.map(|cap| cap.units()),
                _ => None,
            })
    }

    /// A replace is off the table, unless the venue says otherwise.
    fn set_aside(&mut self, id: &str, released: bool) {
        let pending = self.versions.iter().skip(1);
        if let Some(at) = pending.clone().position(|version| version.id == id) {
            let version = self.versions.remove(at + 1);
            self.aside.push((version, released));
            self.aside.sort_by_key(|(version, _)| version.number);
            let forgotten = self.aside.len().saturating_sub(8);
            self.aside.drain(..forgotten);
        }
    }

    /// A replace is in force, and none that was asked for before it can be any more.
    fn settle_on(&mut self, id: &str) {
        let aside = self.aside.iter().map(|(version, _)| version);
        let found = self.versions.iter().skip(1).chain(aside);
        let Some(version) = found.clone().find(|version| version.id == id).cloned() else {
            return;
        };
        self.stage = Stage::Working;
        self.aside
            .retain(|(other, _)| other.number > version.number);
        self.versions.remove(0);
        self.versions.retain(|other| other.number > version.number);
        self.versions.insert(0, version);
    }

    fn ended(&mut self, state: OrderState, cum: Option<U>) -> (bool, bool) {
        let outlives = matches!(
            self.time_in_force,
            TimeInForce::GoodTillCancel | TimeInForce::GoodTillDate(_)
        );
        let stays = state == OrderState::DoneForDay && outlives;
        if stays
            || (self.end.is_none() && self.is_over())
            || (self.end.is_some() && self.owed.is_some())
        {
            return (false, false);
        }
        self.end = Some(state);
        self.owed = cum.map(|cum| (cum.max(self.told - self.voided) - self.filled()).max(0));
        self.asked_cancel = false;
        (self.owed.is_some_and(|owed| owed > 0), self.owed.is_none())
    }
}

/// A fill of an order nobody knows, or an opening position.
#[derive(Clone, Debug)]
pub struct Loose {
    pub bucket: usize,
    pub instrument: usize,
    pub account: usize,
    pub side: Side,
    pub fill: Booked,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Open {
    pub open: U,
    pub value: U,
    pub exit: U,
    /// Of all, those that only reduce: marked so, or approved as exits (A13).
    pub reducing: U,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Line {
    pub position: U,
    pub buys: Open,
    pub sells: Open,
}

impl Line {
    pub fn side(&self, side: Side) -> &Open {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }

    /// B2: the longest and the shortest end.
    pub fn worth(&self, unit: U) -> (U, U) {
        (
            up(self.position + self.buys.exit, unit) + self.buys.value,
            up(-self.position + self.sells.exit, unit) + self.sells.value,
        )
    }

    fn exits(&self, side: Side, quantity: U, own: U) -> bool {
        let reducible = match side {
            Side::Buy => -self.position,
            Side::Sell => self.position,
        };
        let open = self.side(side);
        reducible > 0 && open.open + open.exit - own + quantity <= reducible
    }
}

/// Everything a bucket counts.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    pub lines: Vec<Line>,
    pub by_account: Vec<Vec<Line>>,
    pub gross_of: Vec<U>,
    pub gross: U,
    pub long: U,
    pub short: U,
    pub orders: u32,
    pub open_value: U,
    pub traded: U,
    unvalued: Vec<u32>,
}

impl Usage {
    pub fn net(&self) -> U {
        self.long.max(self.short).max(0)
    }

    /// Contracts whose worth here rests on their price.
    fn by_price(&self) -> impl Iterator<Item = usize> {
        let needs = |(instrument, line): &(usize, &Line)| {
            line.position != 0
                || line.buys.exit != 0
                || line.sells.exit != 0
                || self.unvalued[*instrument] > 0
        };
        self.lines
            .iter()
            .enumerate()
            .filter(needs)
            .map(|(instrument, _)| instrument)
    }
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
    pub traded: Vec<(i64, U)>,
    pub inbound: Vec<(i64, usize, U)>,
    pub targets: Vec<Target>,
    pub tries: usize,
    pub sources: Vec<(usize, U)>,
    pub sources_total: Option<U>,
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
    Released,
}

#[derive(Clone, Debug)]
struct Slot {
    content: Content,
    order: Option<usize>,
    /// When the key may be used again.
    until: i64,
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
}

/// The model.
#[derive(Clone, Debug)]
pub struct Model {
    pub contracts: &'static [Contract],
    pub pools: Vec<Pool>,
    pub groups: Vec<Group>,
    pub quarantine: usize,
    pub states: BTreeMap<Place, TradingState>,
    pub orders: Vec<Held>,
    pub loose: Vec<Loose>,
    slots: BTreeMap<(String, String), Slot>,
    execs: BTreeMap<String, Exec>,
    quotes: Vec<Option<(Mark, u64)>>,
    history: Vec<Vec<(u64, U)>>,
    euro: Option<(U, U, u64)>,
    pub rate_age: u64,
    pub collar_period: u64,
    pub now: Now,
}

/// One order or replace before the checks.
struct Ask {
    client: ClientId,
    id: String,
    bucket: usize,
    instrument: usize,
    account: usize,
    side: Side,
    terms: Terms,
    time_in_force: TimeInForce,
    display: Option<U>,
    size: Size,
    reduce_only: bool,
    post_only: bool,
    short_sale: ShortSale,
    located: bool,
    replaces: Option<usize>,
    source: Option<usize>,
}

struct Judged {
    findings: Vec<Finding>,
    exit: bool,
    /// Whether it may draw on what is kept for exits: a replace to less may not (F1).
    reserve: bool,
    reduces: bool,
    quantity: U,
    after: Option<Held>,
    added: U,
}

const TESTED_ON_EXITS: &[Reason] = &[
    Reason::StateHalted,
    Reason::StateCancelOnly,
    Reason::VenueNotListed,
    Reason::PriceNotPositive,
    Reason::PriceOffTick,
    Reason::QuantityOffLot,
    Reason::ExpireTimePast,
    Reason::LegalRestriction,
    Reason::OrderQuantity,
    Reason::OrderBaseQuantity,
    Reason::PriceCollar,
    Reason::PriceCollarPeriod,
    Reason::SelfMatch,
    Reason::OpenOrders,
    Reason::InboundCap,
    Reason::OrderRate,
];

/// Reasons that may reroute (RR3).
pub const CAPACITY: &[Reason] = &[
    Reason::PositionLong,
    Reason::PositionShort,
    Reason::GrossNotional,
    Reason::NetNotional,
    Reason::OpenOrders,
    Reason::Concentration,
    Reason::OrderRate,
    Reason::NotionalRate,
];

struct Bench {
    exit: bool,
    findings: Vec<Finding>,
}

impl Bench {
    fn put(&mut self, reason: Reason, level: Level, figures: Option<(U, U, U)>) {
        self.findings.push(Finding {
            reason,
            level,
            figures,
        });
    }

    fn skips(&self, reason: Reason) -> bool {
        self.exit && !TESTED_ON_EXITS.contains(&reason)
    }

    fn require(&mut self, reason: Reason, level: Level, passes: bool) {
        if !passes && !self.skips(reason) {
            self.put(reason, level, None);
        }
    }

    fn measure(&mut self, reason: Reason, level: Level, limit: U, before: U, after: U) {
        if after > limit && after > before && !self.skips(reason) {
            self.put(reason, level, Some((limit, before, after)));
        }
    }

    fn value(
        &mut self,
        reason: Reason,
        level: Level,
        limit: U,
        before: U,
        after: Result<U, Reason>,
    ) {
        match after {
            Ok(after) => self.measure(reason, level, limit, before, after),
            Err(cause) => self.unavailable(cause),
        }
    }

    fn unavailable(&mut self, cause: Reason) {
        if !self.exit && self.findings.iter().all(|finding| finding.reason != cause) {
            self.put(cause, Level::Order, None);
        }
    }
}

const fn count(number: u32) -> U {
    number as U * ONE
}

fn use_of(list: &[(u64, bool)], limit: &Rate, now: u64, exit: bool) -> (u32, u32, bool) {
    let within = |reserve: bool| {
        let counted = list
            .iter()
            .filter(|(time, from)| *from == reserve && now - time < limit.window);
        u32::try_from(counted.count()).unwrap()
    };
    if exit && within(true) < limit.reserve {
        return (limit.reserve, within(true), true);
    }
    let general = limit.max - limit.reserve;
    (general, within(false).min(general), false)
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
            quarantine,
            states: BTreeMap::new(),
            orders: Vec::new(),
            loose: Vec::new(),
            slots: BTreeMap::new(),
            execs: BTreeMap::new(),
            quotes: vec![None; contracts.len()],
            history: vec![Vec::new(); contracts.len()],
            euro: None,
            rate_age: 60_000_000_000,
            collar_period: 300_000_000_000,
            now,
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
            targets: Vec::new(),
            tries: 0,
            sources: Vec::new(),
            sources_total: None,
            units: vec![None; contracts],
            fresh: vec![None; contracts],
        }
    }

    // Market.

    pub fn mark(&mut self, mark: Mark) -> bool {
        let given = [mark.mark, mark.bid, mark.ask, mark.last];
        let positive = |price: &U| *price > 0;
        let allowed = self.contracts[mark.instrument].negative
            || given.iter().chain([&mark.index]).flatten().all(positive);
        let crossed = mark.bid.zip(mark.ask).is_some_and(|(bid, ask)| bid > ask);
        if given.iter().all(Option::is_none) || !allowed || crossed {
            return false;
        }
        self.quotes[mark.instrument] = Some((mark, self.now.mono));
        if let Some(reference) = mark.reference() {
            self.history[mark.instrument].push((self.now.mono, reference));
        }
        for pool in 0..self.pools.len() {
            if self.pools[pool].fresh[mark.instrument].is_some() {
                self.value_anew(pool, mark.instrument);
            }
        }
        true
    }

    pub fn euro(&mut self, bid: U, ask: U) {
        self.euro = Some((bid, ask, self.now.mono));
        for pool in 0..self.pools.len() {
            for instrument in 0..self.contracts.len() {
                if self.contracts[instrument].euro && self.pools[pool].fresh[instrument].is_some() {
                    self.value_anew(pool, instrument);
                }
            }
        }
    }

    fn rate(&self, instrument: usize) -> Result<(U, u64), Reason> {
        if !self.contracts[instrument].euro {
            return Ok((ONE, u64::MAX));
        }
        match self.euro {
            Some((_, ask, received)) if self.now.mono <= received + self.rate_age => {
                Ok((ask, received + self.rate_age))
            }
            _ => Err(Reason::RateUnavailable),
        }
    }

    fn prices(&self, instrument: usize) -> Prices {
        let Some((quote, received)) = self.quotes[instrument] else {
            return Prices::default();
        };
        if self.now.mono - received > self.contracts[instrument].max_age {
            return Prices::default();
        }
        let recent = self.history[instrument]
            .iter()
            .filter(|(time, _)| time + self.collar_period > self.now.mono)
            .chain(self.history[instrument].last())
            .map(|(_, price)| *price);
        let reference = quote.reference();
        Prices {
            reference,
            bid: quote.bid,
            ask: quote.ask,
            low: reference.and(recent.clone().min()),
            high: reference.and(recent.max()),
            index: quote.index,
        }
    }

    fn unit(&self, instrument: usize, price: Option<U>, rate: U) -> Option<U> {
        let contract = &self.contracts[instrument];
        let one = if contract.inverse {
            contract.multiplier
        } else {
            up(price?.abs(), contract.multiplier)
        };
        Some(up(one, rate))
    }

    /// What a contract counts for a bucket: the last known value, and until when it is fresh (NL16).
    fn value_anew(&mut self, pool: usize, instrument: usize) {
        let reference = self.quotes[instrument]
            .as_ref()
            .and_then(|(quote, received)| Some((quote.reference()?, *received)));
        let rate = self.rate(instrument).ok();
        let unit = rate
            .and_then(|(rate, _)| self.unit(instrument, reference.map(|(price, _)| price), rate));
        let contract = &self.contracts[instrument];
        let fresh = match (unit, rate) {
            (Some(_), Some((_, until))) if contract.inverse => until,
            (Some(_), Some((_, until))) => {
                until.min(reference.map_or(0, |(_, received)| received + contract.max_age))
            }
            _ => 0,
        };
        let pool = &mut self.pools[pool];
        pool.units[instrument] = unit.or(pool.units[instrument]);
        pool.fresh[instrument] = Some(fresh);
    }

    /// A pool that sees a contract for the first time values it; whether it is the first time.
    fn meet(&mut self, pool: usize, instrument: usize) -> bool {
        let first = self.pools[pool].fresh[instrument].is_none();
        if first {
            self.value_anew(pool, instrument);
        }
        first
    }

    /// It only asked, or was refused: the next time is the first again.
    fn part(&mut self, pool: usize, instrument: usize) {
        self.pools[pool].fresh[instrument] = None;
        self.pools[pool].units[instrument] = None;
    }

    // Counting.

    pub fn is_today(&self, wall: i64) -> bool {
        wall.div_euclid(DAY) == self.now.wall.div_euclid(DAY)
    }

    /// Everything a bucket counts, from the lists.
    pub fn usage(&self, bucket: usize) -> Usage {
        let pool = &self.pools[bucket];
        let contracts = self.contracts.len();
        let accounts = pool.accounts.len().max(1);
        let mut usage = Usage {
            by_account: vec![vec![Line::default(); accounts]; contracts],
            lines: vec![Line::default(); contracts],
            gross_of: vec![0; contracts],
            unvalued: vec![0; contracts],
            ..Usage::default()
        };
        let signed = |side: Side, quantity: U| {
            if side == Side::Buy {
                quantity
            } else {
                -quantity
            }
        };
        for loose in self
            .loose
            .iter()
            .filter(|loose| loose.bucket == bucket && !loose.fill.void)
        {
            let moved = signed(loose.side, loose.fill.quantity);
            usage.lines[loose.instrument].position += moved;
            usage.by_account[loose.instrument][loose.account].position += moved;
        }
        for order in self.orders.iter().filter(|order| order.bucket == bucket) {
            for fill in order.fills.iter().filter(|fill| !fill.void) {
                let moved = signed(order.side, fill.quantity);
                usage.lines[order.instrument].position += moved;
                usage.by_account[order.instrument][fill.account].position += moved;
            }
            if order.is_over() {
                continue;
            }
            usage.orders += 1;
            usage.unvalued[order.instrument] += u32::from(order.unvalued);
            let hold = order.hold();
            usage.open_value += hold.value;
            for line in [
                &mut usage.lines[order.instrument],
                &mut usage.by_account[order.instrument][order.account],
            ] {
                let open = match order.side {
                    Side::Buy => &mut line.buys,
                    Side::Sell => &mut line.sells,
                };
                if order.exit {
                    open.exit += hold.quantity;
                } else {
                    open.open += hold.quantity;
                    // Each order at its own value, or at the mark where that is more.
                    let unit = pool.units[order.instrument].unwrap_or(0);
                    open.value += hold.value.max(up(hold.quantity, unit));
                }
                if order.reduce_only || order.exit {
                    open.reducing += hold.quantity;
                }
            }
        }
        for (instrument, line) in usage.lines.iter().enumerate() {
            let (long, short) = line.worth(pool.units[instrument].unwrap_or(0));
            usage.gross_of[instrument] = long.max(short).max(0);
            usage.gross += usage.gross_of[instrument];
            usage.long += long;
            usage.short += short;
        }
        let executed = pool.traded.iter().filter(|(wall, _)| self.is_today(*wall));
        usage.traded = usage.open_value + executed.map(|(_, value)| value).sum::<U>();
        usage
    }

    /// Σ gross within one set.
    pub fn in_set(&self, bucket: usize, usage: &Usage, set: Set, value: &str) -> U {
        let pool = &self.pools[bucket];
        match set {
            Set::Underlying => self
                .contracts
                .iter()
                .zip(&usage.gross_of)
                .filter(|(contract, _)| contract.underlying == value)
                .map(|(_, gross)| gross)
                .sum(),
            Set::Venue => {
                let mut sum = 0;
                for (instrument, lines) in usage.by_account.iter().enumerate() {
                    for (line, (venue, _)) in lines.iter().zip(&pool.accounts) {
                        if *venue == value {
                            let (long, short) = line.worth(pool.units[instrument].unwrap_or(0));
                            sum += long.max(short).max(0);
                        }
                    }
                }
                sum
            }
        }
    }

    pub fn bound(rules: &Rules, bound: Bound) -> U {
        match bound {
            Bound::Money(money) => money,
            Bound::Share(share) => rules.capital.map_or(0, |capital| down(capital, share)),
        }
    }

    /// Gross, long, short and Σ net of everything below a group.
    pub fn group_usage(&self, group: usize) -> (U, U, U, U) {
        let below = (0..self.pools.len()).filter(|pool| self.pools[*pool].path.contains(&group));
        below.fold((0, 0, 0, 0), |sum, pool| {
            let usage = self.usage(pool);
            (
                sum.0 + usage.gross,
                sum.1 + usage.long,
                sum.2 + usage.short,
                sum.3 + usage.net(),
            )
        })
    }

    /// Whether a bucket is above one of its limits.
    pub fn is_over(&self, bucket: usize) -> bool {
        let (rules, usage) = (&self.pools[bucket].rules, self.usage(bucket));
        let over = |limit: Option<U>, usage: U| limit.is_some_and(|limit| usage > limit);
        let long = |(instrument, line): (usize, &Line)| {
            let own = rules.own(instrument);
            over(own.long, rules.reach(line, Side::Buy))
                || over(own.short, rules.reach(line, Side::Sell))
        };
        let met =
            |(instrument, _): &(usize, &Line)| self.pools[bucket].fresh[*instrument].is_some();
        usage.lines.iter().enumerate().filter(met).any(long)
            || over(rules.gross, usage.gross)
            || over(rules.net, usage.net())
            || over(rules.traded, usage.traded)
            || rules.open.is_some_and(|(max, _)| usage.orders > max)
            || rules.sets.iter().any(|(set, only, bound)| {
                let bound = Self::bound(rules, *bound);
                self.values(bucket, *set)
                    .into_iter()
                    .filter(|value| only.is_none_or(|only| only == *value))
                    .any(|value| self.in_set(bucket, &usage, *set, value) > bound)
            })
    }

    fn values(&self, bucket: usize, set: Set) -> Vec<&'static str> {
        let mut values: Vec<&str> = match set {
            Set::Underlying => self
                .contracts
                .iter()
                .map(|contract| contract.underlying)
                .collect(),
            Set::Venue => self.pools[bucket]
                .accounts
                .iter()
                .map(|(venue, _)| *venue)
                .collect(),
        };
        values.sort_unstable();
        values.dedup();
        values
    }

    // Deciding.

    fn find_account(&self, bucket: usize, venue: &str, account: Option<&str>) -> Option<usize> {
        let mut fitting =
            self.pools[bucket]
                .accounts
                .iter()
                .enumerate()
                .filter(|(_, (own_venue, own))| {
                    *own_venue == venue && account.is_none_or(|account| account == *own)
                });
        let (at, _) = fitting.next()?;
        fitting.next().is_none().then_some(at)
    }

    fn exposure_price(&self, ask: &Ask, prices: &Prices, slippage: U) -> Option<U> {
        let padded = |price: U| price + up(price, slippage);
        let reference = prices.reference.map(U::abs);
        match ask.terms {
            Terms::Limit { price }
            | Terms::StopLimit { price, .. }
            | Terms::Pegged { cap: Some(price) } => match (reference, ask.side) {
                (Some(reference), _) => Some(reference.max(price.units().abs())),
                (None, Side::Buy) => Some(price.units().abs()),
                (None, Side::Sell) => None,
            },
            Terms::Market | Terms::Pegged { cap: None } => {
                let reference = reference?;
                let quoted = if ask.side == Side::Buy {
                    prices.ask
                } else {
                    prices.bid
                };
                Some(quoted.map_or(padded(reference), |quoted| {
                    padded(quoted.abs()).max(reference)
                }))
            }
            Terms::Stop { trigger } | Terms::TrailingStop { trigger } => {
                Some(padded(trigger.units().abs()).max(reference?))
            }
        }
    }

    fn lowest_price(&self, ask: &Ask, prices: &Prices, slippage: U) -> Option<U> {
        let reference = prices.reference?;
        let low = prices.bid.map_or(reference, |bid| bid.min(reference));
        let padded = low - up(low, slippage);
        let own = ask
            .terms
            .limit_price()
            .map_or(padded, |limit| padded.min(limit.units()));
        (own > 0).then_some(own)
    }

    fn state_over(&self, ask: &Ask) -> (TradingState, Level) {
        let pool = &self.pools[ask.bucket];
        let mut strictest = (pool.state, Level::Bucket);
        for group in &pool.path {
            let group = &self.groups[*group];
            if group.state > strictest.0 {
                strictest = (group.state, group.level);
            }
        }
        let mut around = (TradingState::Active, Level::Global);
        for (place, level) in [
            (Place::Instrument(ask.instrument), Level::Instrument),
            (Place::Venue(pool.accounts[ask.account].0), Level::Venue),
            (Place::Client(ask.client.to_string()), Level::Client),
            (Place::Everything, Level::Global),
        ] {
            if let Some(state) = self.states.get(&place)
                && *state >= around.0
            {
                around = (*state, level);
            }
        }
        if around.0 > strictest.0 {
            around
        } else {
            strictest
        }
    }

    fn refused(reason: Reason, level: Level) -> Judged {
        Judged {
            findings: vec![Finding {
                reason,
                level,
                figures: None,
            }],
            exit: false,
            reserve: false,
            reduces: false,
            quantity: 0,
            after: None,
            added: 0,
        }
    }

    /// Every check, in order.
    fn judge(&mut self, ask: &Ask) -> Judged {
        let (instrument, bucket, side) = (ask.instrument, ask.bucket, ask.side);
        let contract = &self.contracts[instrument];
        let rules = self.pools[bucket].rules.clone();
        let own = rules.own(instrument);
        let prices = self.prices(instrument);
        let rate = self.rate(instrument).map(|(rate, _)| rate);
        let price = self.exposure_price(ask, &prices, rules.slippage);
        let unit = rate.and_then(|rate| {
            self.unit(instrument, price, rate)
                .ok_or(Reason::PriceUnavailable)
        });
        let before = self.usage(bucket);
        let line = before.lines[instrument];

        let (quantity, cash) = match ask.size {
            Size::Quantity(quantity) => (quantity.units(), None),
            Size::ClosePosition => match (side, line.position) {
                (Side::Buy, position) if position < 0 => (-position, None),
                (Side::Sell, position) if position > 0 => (position, None),
                _ => return Self::refused(Reason::ReduceOnlyExceedsPosition, Level::Order),
            },
            Size::Cash(cash) => {
                let low = self.lowest_price(ask, &prices, rules.slippage);
                let Some(one) = self.unit(instrument, low, ONE) else {
                    return Self::refused(Reason::PriceUnavailable, Level::Order);
                };
                let lots = over(cash.units(), one);
                let quantity = -((-lots).div_euclid(contract.lot)) * contract.lot;
                match rate {
                    Ok(rate) => (quantity, Some(up(cash.units(), rate))),
                    Err(cause) => return Self::refused(cause, Level::Order),
                }
            }
        };
        let notional = match cash {
            Some(cash) => Ok(cash),
            None => unit.map(|unit| up(quantity, unit)),
        };
        let version = Version {
            id: ask.id.clone(),
            quantity,
            terms: ask.terms,
            unit: unit.unwrap_or(0),
            number: 0,
            sent: false,
        };
        let (state, level) = self.state_over(ask);
        let (mut after, exit, reserve, held) = match ask.replaces {
            None => {
                let exit = line.exits(side, quantity, 0);
                let order = Held {
                    client: ask.client.clone(),
                    id: ask.id.clone(),
                    bucket,
                    instrument,
                    account: ask.account,
                    side,
                    reduce_only: ask.reduce_only,
                    time_in_force: ask.time_in_force,
                    post_only: ask.post_only,
                    short_sale: ask.short_sale,
                    located: ask.located,
                    versions: vec![version],
                    aside: Vec::new(),
                    fills: Vec::new(),
                    cash,
                    exit,
                    stage: Stage::Reserved,
                    asked_cancel: false,
                    end: None,
                    owed: None,
                    told: 0,
                    voided: 0,
                    approved: self.now.mono,
                    counted: 0,
                    unvalued: notional.is_err(),
                    source: ask.source,
                    last: self.now.wall,
                    gone: false,
                };
                (order, exit, exit, Hold::default())
            }
            Some(at) => {
                let mut order = self.orders[at].clone();
                let held = order.hold();
                let grown = held.quantity.max((quantity - order.filled()).max(0));
                // H9: what is smaller and better keeps the value it has.
                let better = order.versions.iter().filter(|known| {
                    quantity <= known.quantity && is_better(&ask.terms, &known.terms)
                });
                let kept = better
                    .map(|known| known.unit)
                    .min()
                    .filter(|_| !order.unvalued);
                let mut version = version;
                version.unit = match kept {
                    Some(kept) => unit.map_or(kept, |unit| unit.min(kept)),
                    None => version.unit,
                };
                // H8: nearer to the market is a worse price; G2: while only exits may trade, as much as before is not less.
                let strictly = state == TradingState::ReduceOnly;
                let shrinks = order.versions.iter().any(|known| {
                    let less = version.quantity < known.quantity || version.unit < known.unit;
                    version.quantity <= known.quantity
                        && version.unit <= known.unit
                        && is_further(&ask.terms, &known.terms, side)
                        && (less || !strictly)
                }) && (order.unvalued || kept.is_some() || unit.is_ok());
                let reserve = line.exits(side, grown, held.quantity);
                let exit = reserve || shrinks;
                let known = order.versions.iter().map(|version| version.number);
                let aside = order.aside.iter().map(|(version, _)| version.number);
                version.number = known.chain(aside).max().unwrap_or(0) + 1;
                order.versions.push(version);
                order.exit &= exit;
                (order, exit, reserve, held)
            }
        };
        let added = (after.hold().value - held.value).max(0);
        after.counted += added;

        // The same lists with this order in them.
        let groups_before: Vec<_> = self.pools[bucket]
            .path
            .iter()
            .map(|group| self.group_usage(*group))
            .collect();
        let swapped = ask
            .replaces
            .map(|at| core::mem::replace(&mut self.orders[at], after.clone()));
        if swapped.is_none() {
            self.orders.push(after.clone());
        }
        let then = self.usage(bucket);
        let groups_then: Vec<_> = self.pools[bucket]
            .path
            .iter()
            .map(|group| self.group_usage(*group))
            .collect();
        let sets: Vec<(U, U, U)> = self.sets_of(ask, &rules, &before, &then);
        match (ask.replaces, swapped) {
            (Some(at), Some(order)) => self.orders[at] = order,
            _ => drop(self.orders.pop()),
        }

        let pool = &self.pools[bucket];
        let now = self.now.mono;
        let mut bench = Bench {
            exit,
            findings: Vec::new(),
        };
        bench.require(Reason::StateHalted, level, state != TradingState::Halted);
        bench.require(
            Reason::StateCancelOnly,
            level,
            state != TradingState::CancelOnly,
        );
        bench.require(
            Reason::StateReduceOnly,
            level,
            state != TradingState::ReduceOnly,
        );
        let venue = pool.accounts[ask.account].0;
        bench.require(
            Reason::VenueNotListed,
            Level::Venue,
            contract.venues.contains(&venue),
        );
        let stated = [ask.terms.limit_price(), ask.terms.trigger()];
        if !contract.negative {
            let positive = stated.iter().flatten().all(|price| price.units() > 0);
            bench.require(Reason::PriceNotPositive, Level::Instrument, positive);
        }
        let on_tick = stated
            .iter()
            .flatten()
            .all(|price| price.units() % contract.tick == 0);
        bench.require(Reason::PriceOffTick, Level::Instrument, on_tick);
        let on_lot = quantity % contract.lot == 0
            && ask.display.is_none_or(|shown| shown % contract.lot == 0);
        bench.require(Reason::QuantityOffLot, Level::Instrument, on_lot);
        if let TimeInForce::GoodTillDate(until) = ask.time_in_force {
            bench.require(Reason::ExpireTimePast, Level::Order, self.now.wall < until);
        }
        bench.require(
            Reason::LegalRestriction,
            Level::Bucket,
            !rules.restricted.contains(&instrument),
        );
        let allowed = rules
            .allow
            .as_ref()
            .is_none_or(|allow| allow.contains(&instrument))
            && !rules.deny.contains(&instrument);
        bench.require(Reason::InstrumentNotAllowed, Level::Bucket, allowed);
        if ask.reduce_only {
            let reducible = if side == Side::Buy {
                -line.position
            } else {
                line.position
            };
            let marked = then.lines[instrument].side(side).reducing;
            bench.require(
                Reason::ReduceOnlyExceedsPosition,
                Level::Bucket,
                reducible > 0 && marked <= reducible,
            );
        }
        bench.require(
            Reason::PostOnlyRequired,
            Level::Bucket,
            rules.post_only != 1 || ask.post_only,
        );
        bench.require(
            Reason::PostOnlyForbidden,
            Level::Bucket,
            rules.post_only != 2 || !ask.post_only,
        );
        bench.require(
            Reason::ShortSaleForbidden,
            Level::Bucket,
            rules.short_sale != 2 || ask.short_sale == ShortSale::Unmarked,
        );
        bench.require(
            Reason::LocateRequired,
            Level::Bucket,
            rules.short_sale != 1 || ask.short_sale != ShortSale::Short || ask.located,
        );
        if let Some(limit) = own.quantity {
            bench.measure(Reason::OrderQuantity, Level::Order, limit, 0, quantity);
        }
        if let Some(limit) = rules.base {
            let base = if contract.inverse {
                self.lowest_price(ask, &prices, 0)
                    .map(|low| over(up(quantity, contract.multiplier), low))
                    .ok_or(Reason::PriceUnavailable)
            } else {
                Ok(up(quantity, contract.multiplier))
            };
            bench.value(Reason::OrderBaseQuantity, Level::Order, limit, 0, base);
        }
        self.collars(ask, contract.collar.or(own.collar), &prices, &mut bench);
        if let Some(limit) = rules.notional {
            bench.value(Reason::OrderNotional, Level::Order, limit, 0, notional);
        }
        if let (Some(limit), Some(on)) = (rules.underlying, contract.option_on) {
            let price = self
                .prices(on)
                .reference
                .or(prices.index)
                .ok_or(Reason::PriceUnavailable);
            let value =
                price.and_then(|price| Ok(up(up(quantity, up(price, contract.multiplier)), rate?)));
            bench.value(
                Reason::OrderUnderlyingNotional,
                Level::Order,
                limit,
                0,
                value,
            );
        }
        if let (Some((most, window)), None) = (rules.alike, ask.replaces) {
            let alike = pool.alike.iter().filter(|(time, which, way, size, terms)| {
                now - time < window
                    && (*which, *way, *size, *terms) == (instrument, side, quantity, ask.terms)
            });
            let alike = u32::try_from(alike.count()).unwrap();
            bench.measure(
                Reason::LookAlike,
                Level::Bucket,
                count(most),
                count(alike),
                count(alike + 1),
            );
        }
        if rules.self_match == 1 {
            bench.require(Reason::SelfMatch, Level::Bucket, !self.crosses(ask));
        }
        for (reason, limit, way) in [
            (Reason::PositionLong, own.long, Side::Buy),
            (Reason::PositionShort, own.short, Side::Sell),
        ] {
            if let Some(limit) = limit {
                bench.measure(
                    reason,
                    Level::Bucket,
                    limit,
                    rules.reach(&line, way),
                    rules.reach(&then.lines[instrument], way),
                );
            }
        }
        let valued = self.valued(bucket, &before);
        let priced = self.priced(bucket, &before);
        let known = notional.and(valued);
        for (reason, limit, old, new) in [
            (Reason::GrossNotional, rules.gross, before.gross, then.gross),
            (Reason::NetNotional, rules.net, before.net(), then.net()),
        ] {
            if let Some(limit) = limit {
                bench.value(reason, Level::Bucket, limit, old, known.map(|_| new));
            }
            for ((group, old), new) in pool.path.iter().zip(&groups_before).zip(&groups_then) {
                let group = &self.groups[*group];
                let pick = |sum: &(U, U, U, U)| match reason {
                    Reason::GrossNotional => sum.0,
                    _ if group.rules.offsets => sum.1.max(sum.2).max(0),
                    _ => sum.3,
                };
                let limit = if reason == Reason::GrossNotional {
                    group.rules.gross
                } else {
                    group.rules.net
                };
                if let Some(limit) = limit {
                    bench.value(
                        reason,
                        group.level,
                        limit,
                        pick(old),
                        notional.and(priced).map(|_| pick(new)),
                    );
                }
            }
        }
        if let (Some((max, reserve)), None) = (rules.open, ask.replaces) {
            let limit = if exit { max } else { max - reserve };
            bench.measure(
                Reason::OpenOrders,
                Level::Bucket,
                count(limit),
                count(before.orders),
                count(before.orders + 1),
            );
        }
        for (bound, old, new) in sets {
            bench.value(
                Reason::Concentration,
                Level::Bucket,
                bound,
                old,
                known.map(|_| new),
            );
        }
        if let Some(limit) = rules.traded {
            bench.value(
                Reason::TradedNotional,
                Level::Bucket,
                limit,
                before.traded,
                notional.map(|_| before.traded + added),
            );
        }
        if let Some(source) = ask.source.filter(|_| ask.replaces.is_none() || !exit) {
            let came = |from: Option<usize>| -> U {
                pool.inbound
                    .iter()
                    .filter(|(wall, which, _)| {
                        self.is_today(*wall) && from.is_none_or(|from| from == *which)
                    })
                    .map(|(_, _, value)| value)
                    .sum()
            };
            match pool.sources.iter().find(|(from, _)| *from == source) {
                None => bench.put(Reason::InboundCap, Level::Bucket, None),
                Some((_, cap)) => {
                    let own = came(Some(source));
                    bench.value(
                        Reason::InboundCap,
                        Level::Bucket,
                        *cap,
                        own,
                        notional.map(|_| own + added),
                    );
                    if let Some(cap) = pool.sources_total {
                        bench.value(
                            Reason::InboundCap,
                            Level::Bucket,
                            cap,
                            came(None),
                            notional.map(|_| came(None) + added),
                        );
                    }
                }
            }
        }
        if let Some(limit) = &rules.rate {
            let (most, used, _) = use_of(&pool.attempts, limit, now, reserve);
            bench.measure(
                Reason::OrderRate,
                Level::Bucket,
                count(most),
                count(used),
                count(used + 1),
            );
        }
        for group in &pool.path {
            let group = &self.groups[*group];
            if let Some(limit) = &group.rules.rate {
                let (most, used, _) = use_of(&group.approved, limit, now, reserve);
                bench.measure(
                    Reason::OrderRate,
                    group.level,
                    count(most),
                    count(used),
                    count(used + 1),
                );
            }
        }
        if let Some((limit, window, _)) = rules.notional_rate {
            let used: U = pool
                .notionals
                .iter()
                .filter(|(time, _)| now - time < window)
                .map(|(_, value)| value)
                .sum();
            bench.value(
                Reason::NotionalRate,
                Level::Bucket,
                limit,
                used,
                notional.map(|_| used + added),
            );
        }
        Judged {
            findings: bench.findings,
            exit,
            reserve,
            reduces: (side == Side::Sell && line.position > 0)
                || (side == Side::Buy && line.position < 0),
            quantity,
            after: Some(after),
            added,
        }
    }

    fn sets_of(&self, ask: &Ask, rules: &Rules, before: &Usage, then: &Usage) -> Vec<(U, U, U)> {
        let venue = self.pools[ask.bucket].accounts[ask.account].0;
        let mut found = Vec::new();
        for set in [Set::Underlying, Set::Venue] {
            for (_, only, bound) in rules.sets.iter().filter(|(which, _, _)| *which == set) {
                let value = match set {
                    Set::Underlying => self.contracts[ask.instrument].underlying,
                    Set::Venue => venue,
                };
                if only.is_none_or(|only| only == value) {
                    found.push((
                        Self::bound(rules, *bound),
                        self.in_set(ask.bucket, before, set, value),
                        self.in_set(ask.bucket, then, set, value),
                    ));
                }
            }
        }
        found
    }

    /// Whether every price that the bucket's own value rests on is fresh.
    fn valued(&self, bucket: usize, usage: &Usage) -> Result<(), Reason> {
        let stale = usage.by_price().any(|instrument| {
            self.pools[bucket].fresh[instrument].is_none_or(|fresh| self.now.mono > fresh)
        });
        if stale {
            Err(Reason::PriceUnavailable)
        } else {
            Ok(())
        }
    }

    /// Whether all of that had a price once.
    fn priced(&self, bucket: usize, usage: &Usage) -> Result<(), Reason> {
        let units = &self.pools[bucket].units;
        match usage
            .by_price()
            .any(|instrument| units[instrument].is_none())
        {
            true => Err(Reason::PriceUnavailable),
            false => Ok(()),
        }
    }

    fn collars(&self, ask: &Ask, collar: Option<Collar>, prices: &Prices, bench: &mut Bench) {
        let (Some(collar), Some(price)) = (collar, ask.terms.limit_price()) else {
            return;
        };
        let beyond = |reference: U| match ask.side {
            Side::Buy => price.units() - reference,
            Side::Sell => reference - price.units(),
        };
        if collar.aggressive.is_some() || collar.passive.is_some() || collar.absolute.is_some() {
            match prices.reference {
                None => bench.unavailable(Reason::PriceUnavailable),
                Some(reference) => {
                    let widest = |share: Option<U>| {
                        share
                            .map(|share| down(reference.abs(), share))
                            .max(collar.absolute)
                    };
                    let distance = beyond(reference);
                    let bound = if distance < 0 {
                        collar.passive.and(widest(collar.passive))
                    } else {
                        widest(collar.aggressive)
                    };
                    if let Some(bound) = bound {
                        bench.measure(Reason::PriceCollar, Level::Order, bound, 0, distance.abs());
                    }
                }
            }
        }
        if let Some(share) = collar.period {
            let reference = if ask.side == Side::Buy {
                prices.low
            } else {
                prices.high
            };
            match reference {
                None => bench.unavailable(Reason::PriceUnavailable),
                Some(reference) => bench.measure(
                    Reason::PriceCollarPeriod,
                    Level::Order,
                    down(reference.abs(), share),
                    0,
                    beyond(reference),
                ),
            }
        }
    }

    fn crosses(&self, ask: &Ask) -> bool {
        let opposite = self.orders.iter().filter(|order| {
            order.bucket == ask.bucket
                && order.instrument == ask.instrument
                && order.side != ask.side
                && !order.is_over()
        });
        opposite
            .flat_map(Held::resting)
            .any(|resting| match (ask.side, ask.terms.limit_price()) {
                (_, None) => true,
                (Side::Buy, Some(price)) => price.units() >= resting,
                (Side::Sell, Some(price)) => price.units() <= resting,
            })
    }

    fn attempt(&mut self, bucket: usize, exit: bool) {
        let now = self.now.mono;
        let pool = &mut self.pools[bucket];
        if let Some(limit) = &pool.rules.rate {
            let (_, _, reserve) = use_of(&pool.attempts, limit, now, exit);
            pool.attempts.push((now, reserve));
        }
    }

    fn commit(&mut self, ask: &Ask, judged: Judged) -> usize {
        let now = self.now;
        let after = judged.after.unwrap();
        for group in self.pools[ask.bucket].path.clone() {
            let group = &mut self.groups[group];
            if let Some(limit) = &group.rules.rate {
                let (_, _, reserve) = use_of(&group.approved, limit, now.mono, judged.reserve);
                group.approved.push((now.mono, reserve));
            }
        }
        self.attempt(ask.bucket, judged.reserve);
        let pool = &mut self.pools[ask.bucket];
        if pool.rules.notional_rate.is_some() {
            pool.notionals.push((now.mono, judged.added));
        }
        if let (Some(source), None) = (ask.source, ask.replaces) {
            pool.inbound.push((now.wall, source, judged.added));
        }
        match ask.replaces {
            Some(at) => {
                if let Some(source) = after.source {
                    pool.inbound.push((now.wall, source, judged.added));
                }
                self.orders[at] = after;
                at
            }
            None => {
                if pool.rules.alike.is_some() {
                    pool.alike.push((
                        now.mono,
                        ask.instrument,
                        ask.side,
                        judged.quantity,
                        ask.terms,
                    ));
                }
                self.orders.push(after);
                self.orders.len() - 1
            }
        }
    }

    fn ask(&self, order: &Order, bucket: usize, to: Option<(&str, &str)>) -> Result<Ask, Reason> {
        let instrument = self
            .contracts
            .iter()
            .position(|contract| contract.name == order.instrument.as_str())
            .ok_or(Reason::UnknownInstrument)?;
        let account = match to {
            Some((venue, account)) => self.find_account(bucket, venue, Some(account)),
            None => self.find_account(
                bucket,
                order.venue.as_str(),
                order.account.as_ref().map(|account| account.as_str()),
            ),
        };
        Ok(Ask {
            client: order.key.client.clone(),
            id: order.key.cl_ord_id.to_string(),
            bucket,
            instrument,
            account: account.ok_or(Reason::RouteNotConfigured)?,
            side: order.side,
            terms: order.terms,
            time_in_force: order.time_in_force,
            display: order.display.map(|shown| shown.units()),
            size: order.size,
            reduce_only: order.attributes.reduce_only,
            post_only: order.attributes.post_only,
            short_sale: order.attributes.short_sale,
            located: order.attributes.located,
            replaces: None,
            source: None,
        })
    }

    fn mismatch() -> Said {
        Said::Rejected(vec![Finding {
            reason: Reason::DuplicateMismatch,
            level: Level::Order,
            figures: None,
        }])
    }

    const fn day_end(&self) -> i64 {
        (self.now.wall.div_euclid(DAY) + 1) * DAY
    }

    /// Whether a key stands for its request: until its day is over, and its order too, whichever of the order's ids it is (A11).
    pub fn stands(&self, client: &str, id: &str) -> bool {
        let slot = self.slots.get(&(client.to_owned(), id.to_owned()));
        slot.is_some_and(|slot| {
            slot.until > self.now.wall || slot.order.is_some_and(|at| !self.orders[at].is_over())
        })
    }

    /// Gives a key to another request. The order that had it as its first id is not known any more.
    fn give(&mut self, key: (String, String), slot: Slot) {
        if let Some(at) = self.slots.get(&key).and_then(|old| old.order)
            && self.orders[at].id == key.1
        {
            self.orders[at].gone = true;
        }
        self.slots.insert(key, slot);
    }

    /// Forgets what is past: executions and orders that are over when nothing was told of them for long, and keys of earlier days.
    pub fn sweep(&mut self) {
        let now = self.now.wall;
        self.execs.retain(|_, exec| exec.last + RETENTION > now);
        for order in self.orders.iter_mut().filter(|order| order.is_over()) {
            let own = (order.client.to_string(), order.id.clone());
            let today = self.slots.get(&own).is_some_and(|slot| slot.until > now);
            order.gone |= !today && order.last + RETENTION <= now;
        }
        let orders = &self.orders;
        self.slots
            .retain(|_, slot| slot.until > now || slot.order.is_some_and(|at| !orders[at].gone));
    }

    /// Whether an execution would be known if it came again.
    pub fn remembers(&self, report: &Report) -> bool {
        let exec = report.exec_id.as_ref();
        exec.is_some_and(|exec| {
            self.execs
                .contains_key(&self.at_venue(report, exec.as_str()))
        })
    }

    /// A new order; `commit` is false for a what-if.
    pub fn decide(&mut self, order: &Order, commit: bool) -> Said {
        let key = (
            order.key.client.to_string(),
            order.key.cl_ord_id.to_string(),
        );
        if self.stands(&key.0, &key.1) {
            let slot = &self.slots[&key];
            return match &slot.content {
                Content::Order(known) if known == order => Said::Replayed,
                _ => Self::mismatch(),
            };
        }
        let bucket = self
            .pools
            .iter()
            .position(|pool| pool.name == order.bucket.as_str())
            .unwrap();
        let (said, at) = self.place(order, bucket, commit);
        if commit {
            let content = Content::Order(order.clone());
            let until = self.day_end();
            self.give(
                key,
                Slot {
                    content,
                    order: at,
                    until,
                },
            );
        }
        said
    }

    fn place(&mut self, order: &Order, bucket: usize, commit: bool) -> (Said, Option<usize>) {
        let ask = match self.ask(order, bucket, None) {
            Ok(ask) => ask,
            Err(reason) => {
                if commit {
                    self.attempt(bucket, false);
                }
                let level = if reason == Reason::UnknownInstrument {
                    Level::Instrument
                } else {
                    Level::Bucket
                };
                return (Said::Rejected(Self::refused(reason, level).findings), None);
            }
        };
        let first = self.meet(bucket, ask.instrument);
        let judged = self.judge(&ask);
        if first && !(commit && judged.findings.is_empty()) {
            self.part(bucket, ask.instrument);
        }
        if judged.findings.is_empty() {
            let said = Said::Approved {
                bucket,
                account: ask.account,
                quantity: judged.quantity,
                exit: judged.exit,
            };
            return (said, commit.then(|| self.commit(&ask, judged)));
        }
        let may = order.attributes.reroute == RerouteConsent::AutoAccept
            && !judged.exit
            && !judged.reduces
            && !ask.reduce_only
            && judged
                .findings
                .iter()
                .all(|finding| CAPACITY.contains(&finding.reason));
        if may {
            let tries = if self.pools[bucket].tries == 0 {
                4
            } else {
                self.pools[bucket].tries
            };
            let targets = self.pools[bucket].targets.clone();
            for target in targets.iter().take(tries) {
                let to = target.bucket.unwrap_or(bucket);
                let common = |level: Level| {
                    let at = |path: &[usize]| {
                        path.iter()
                            .copied()
                            .find(|group| self.groups[*group].level == level)
                    };
                    let source = at(&self.pools[bucket].path);
                    source.is_some() && source == at(&self.pools[to].path)
                };
                if to != bucket && judged.findings.iter().any(|finding| common(finding.level)) {
                    continue;
                }
                let Ok(mut second) = self.ask(order, to, Some(target.account)) else {
                    continue;
                };
                second.source = (to != bucket).then_some(bucket);
                let first = self.meet(to, second.instrument);
                let there = self.judge(&second);
                if first && !(commit && there.findings.is_empty()) {
                    self.part(to, second.instrument);
                }
                if !there.findings.is_empty() {
                    continue;
                }
                let said = Said::Rerouted {
                    bucket: to,
                    account: second.account,
                    quantity: there.quantity,
                    because: judged.findings,
                };
                // One order is one attempt in a bucket, whichever of its accounts takes it.
                if commit && to != bucket {
                    self.attempt(bucket, judged.reserve);
                }
                return (said, commit.then(|| self.commit(&second, there)));
            }
        }
        if commit {
            self.attempt(bucket, judged.reserve);
        }
        (Said::Rejected(judged.findings), None)
    }

    /// A replace; `commit` is false for a what-if.
    pub fn replace(&mut self, replace: &Replace, commit: bool) -> Said {
        let key = (
            replace.key.client.to_string(),
            replace.key.cl_ord_id.to_string(),
        );
        if self.stands(&key.0, &key.1) {
            let slot = &self.slots[&key];
            return match &slot.content {
                Content::Replace(known) if known == replace => Said::Replayed,
                _ => Self::mismatch(),
            };
        }
        let original = (key.0.clone(), replace.original.to_string());
        let found = self.find(&original.0, &original.1);
        let refuse = |reason| Said::Rejected(Self::refused(reason, Level::Order).findings);
        let judged = found.is_some_and(|at| !self.orders[at].is_over());
        let mut approved = None;
        let said = match found {
            None => refuse(Reason::UnknownOrder),
            Some(at) if self.orders[at].is_over() => refuse(Reason::OrderEnded),
            Some(at) => {
                let order = self.orders[at].clone();
                let names = order
                    .versions
                    .iter()
                    .any(|version| version.id == original.1);
                if replace.quantity.is_zero()
                    || !names
                    || order.end.is_some()
                    || order.cash.is_some()
                {
                    if commit {
                        self.attempt(order.bucket, false);
                    }
                    refuse(if replace.quantity.is_zero() {
                        Reason::ReplaceToZero
                    } else {
                        Reason::ReplaceMismatch
                    })
                } else {
                    let ask = Ask {
                        client: replace.key.client.clone(),
                        id: key.1.clone(),
                        bucket: order.bucket,
                        instrument: order.instrument,
                        account: order.account,
                        side: order.side,
                        terms: replace.terms,
                        time_in_force: order.time_in_force,
                        display: None,
                        size: Size::Quantity(replace.quantity),
                        reduce_only: order.reduce_only,
                        post_only: order.post_only,
                        short_sale: order.short_sale,
                        located: order.located,
                        replaces: Some(at),
                        source: order.source,
                    };
                    let judged = self.judge(&ask);
                    if judged.findings.is_empty() {
                        let said = Said::Approved {
                            bucket: order.bucket,
                            account: order.account,
                            quantity: judged.quantity,
                            exit: judged.exit,
                        };
                        if commit {
                            approved = Some(self.commit(&ask, judged));
                        }
                        said
                    } else {
                        if commit {
                            self.attempt(order.bucket, judged.reserve);
                        }
                        Said::Rejected(judged.findings)
                    }
                }
            }
        };
        if commit {
            let content = Content::Replace(replace.clone());
            self.give(
                key,
                Slot {
                    content,
                    order: approved,
                    until: if judged {
                        self.day_end()
                    } else {
                        self.now.wall + DAY
                    },
                },
            );
        }
        said
    }

    // Facts.

    pub fn find(&self, client: &str, id: &str) -> Option<usize> {
        let order = self.slots.get(&(client.to_owned(), id.to_owned()))?.order;
        order.filter(|at| !self.orders[*at].gone)
    }

    /// Something is told of an order.
    pub fn told_of(&mut self, at: usize) {
        self.orders[at].last = self.now.wall;
    }

    pub fn is_known(&self, client: &str, id: &str) -> bool {
        self.slots.contains_key(&(client.to_owned(), id.to_owned()))
    }

    /// Runs a change of an order, and gives notional back where it ended by it.
    fn change<T>(&mut self, at: usize, change: impl FnOnce(&mut Held) -> T) -> T {
        let was_over = self.orders[at].is_over();
        let answer = change(&mut self.orders[at]);
        let order = &mut self.orders[at];
        if !was_over && order.is_over() {
            order.unvalued = false;
            let total = order.versions[0].quantity;
            let unfilled = (total - order.filled()).max(0);
            let back = if total <= 0 {
                0
            } else if unfilled == total {
                order.counted
            } else {
                (order.counted * unfilled).div_euclid(total)
            };
            let pool = &mut self.pools[order.bucket];
            if pool
                .rules
                .notional_rate
                .is_some_and(|(_, _, give_back)| give_back)
                && let Some((_, entry)) = pool
                    .notionals
                    .iter_mut()
                    .find(|(time, _)| *time == order.approved)
            {
                *entry -= back.min(*entry);
            }
        }
        answer
    }

    /// Without a rate at the last value known: what its order was approved at, or the last mark, whichever is more.
    fn fill_value(&self, bucket: usize, instrument: usize, fill: &Fill, held: Option<U>) -> U {
        let rate = self.rate(instrument).map(|(rate, _)| rate);
        rate.ok()
            .and_then(|rate| self.unit(instrument, Some(fill.price.units()), rate))
            .or(held.max(self.pools[bucket].units[instrument]))
            .map_or(0, |unit| up(fill.quantity.units(), unit))
    }

    /// Identity of an execution (H14): where the report names no account it is the order's, at its venue.
    fn at_venue(&self, report: &Report, exec: &str) -> String {
        let known = self.find(report.client.as_str(), report.cl_ord_id.as_str());
        let route = known.map(|at| {
            let order = &self.orders[at];
            self.pools[order.bucket].accounts[order.account]
        });
        let own = route.filter(|(venue, _)| *venue == report.venue.as_str());
        let named = report.account.as_ref().map(|account| account.as_str());
        let account = named.or(own.map(|(_, account)| account));
        format!("{} {account:?} {} {exec}", report.venue, report.trade_date)
    }

    /// Compares a report with its order (NL11).
    fn compare(&self, report: &Report, at: usize, notes: &mut Notes) {
        let order = &self.orders[at];
        let pool = &self.pools[order.bucket];
        notes.other_bucket |= report
            .bucket
            .as_ref()
            .is_some_and(|bucket| bucket.as_str() != pool.name);
        let (venue, account) = pool.accounts[order.account];
        notes.elsewhere |= report.venue.as_str() != venue
            || report
                .account
                .as_ref()
                .is_some_and(|own| own.as_str() != account);
    }

    pub fn report(&mut self, report: &Report) -> Notes {
        let mut notes = Notes::default();
        let client = report.client.as_str();
        let at = self.find(client, report.cl_ord_id.as_str());
        match (&report.kind, &report.exec_id) {
            (ReportKind::Trade(fill), Some(exec)) => {
                let exec = &self.at_venue(report, exec.as_str());
                let text = format!("{client}|{fill:?}");
                let parked = match self.execs.get(exec) {
                    Some(Exec {
                        what: What::Parked(to),
                        ..
                    }) => Some(to.clone()),
                    Some(Exec {
                        text: known,
                        what:
                            What::Fill {
                                at: own,
                                named,
                                side,
                                ..
                            },
                        ..
                    }) if *known == text
                        && report.side.is_none_or(|told| told == *side)
                        && (*named == told_under(report)
                            || (at.is_some() && own.map(|own| own.0) == at)) =>
                    {
                        notes.duplicate = true;
                        match (own.map(|own| own.0), at) {
                            (Some(own), Some(at)) if own == at => {
                                self.compare(report, at, &mut notes);
                                self.told_of(at);
                                self.change(at, |order| {
                                    order.told =
                                        order.told.max(report.cum.map_or(0, |cum| cum.units()));
                                    order.stage = Stage::Working;
                                });
                            }
                            (None, None) => notes.unknown = true,
                            // The id stands for another order since, or for none: nothing is said of that.
                            _ => {}
                        }
                        return notes;
                    }
                    Some(_) => {
                        notes.mismatch = true;
                        return notes;
                    }
                    None => None,
                };
                let Some(mut what) = self.book(report, fill, at, &mut notes) else {
                    return notes;
                };
                if let Some(to) = parked {
                    self.rebook(&mut what, to.as_ref());
                }
                let last = self.now.wall;
                self.execs.insert(exec.clone(), Exec { text, what, last });
            }
            (ReportKind::Bust { of }, Some(exec)) => self.amend(
                report,
                &self.at_venue(report, exec.as_str()),
                &self.at_venue(report, of.as_str()),
                None,
                &mut notes,
            ),
            (ReportKind::Correct { of, to }, Some(exec)) => {
                self.amend(
                    report,
                    &self.at_venue(report, exec.as_str()),
                    &self.at_venue(report, of.as_str()),
                    Some(to),
                    &mut notes,
                );
            }
            _ => self.status(report, at, &mut notes),
        }
        notes
    }

    fn book(
        &mut self,
        report: &Report,
        fill: &Fill,
        at: Option<usize>,
        notes: &mut Notes,
    ) -> Option<What> {
        let quantity = fill.quantity.units();
        let account = report.account.as_ref().map(|account| account.as_str());
        if let Some(at) = at {
            self.told_of(at);
        }
        // A fill of another contract or side is not of the order that has the id.
        let is_its_own = |at: &usize| {
            let order = &self.orders[*at];
            let name = self.contracts[order.instrument].name;
            report.side.is_none_or(|side| side == order.side)
                && report
                    .instrument
                    .as_ref()
                    .is_none_or(|id| id.as_str() == name)
        };
        if let Some(at) = at.filter(is_its_own) {
            self.compare(report, at, notes);
            let (bucket, instrument) = (self.orders[at].bucket, self.orders[at].instrument);
            let account = self
                .find_account(bucket, report.venue.as_str(), account)
                .unwrap_or(self.orders[at].account);
            let versions = &self.orders[at].versions;
            let held = versions.iter().map(|version| version.unit).max();
            let value = self.fill_value(bucket, instrument, fill, held);
            self.pools[bucket].traded.push((self.now.wall, value));
            let last = report.leaves.is_some_and(|leaves| leaves.is_zero());
            let (fee, fee_in) = self.fee_of(instrument, fill);
            self.change(at, |order| {
                let was_over = order.is_over();
                order.told = order.told.max(report.cum.map_or(0, |cum| cum.units()));
                order.stage = Stage::Working;
                order.fills.push(Booked {
                    quantity,
                    price: fill.price.units(),
                    value,
                    account,
                    void: false,
                    fee,
                    fee_in,
                });
                order.owed = order.owed.map(|owed| (owed - quantity).max(0));
                let most = order
                    .versions
                    .iter()
                    .map(|version| version.quantity)
                    .max()
                    .unwrap_or(0);
                notes.overfill = order.filled() > most && order.cash.is_none();
                notes.late = was_over && order.end.is_some();
                if order.cash.is_some() && last && order.end.is_none() {
                    order.end = Some(OrderState::Filled);
                    order.owed = Some((order.told - order.voided - order.filled()).max(0));
                }
            });
            let last = self.orders[at].fills.len() - 1;
            return Some(What::Fill {
                at: Some((at, last)),
                loose: 0,
                void: false,
                side: self.orders[at].side,
                named: told_under(report),
            });
        }
        notes.unknown = true;
        let owner = (0..self.pools.len()).find(|pool| {
            account.is_some_and(|account| {
                self.pools[*pool]
                    .accounts
                    .contains(&(leak(report.venue.as_str()), leak(account)))
            })
        });
        notes.quarantined = owner.is_none();
        let bucket = owner.unwrap_or(self.quarantine);
        let instrument = report.instrument.as_ref().and_then(|id| {
            self.contracts
                .iter()
                .position(|contract| contract.name == id.as_str())
        });
        let (Some(instrument), Some(side)) = (instrument, report.side) else {
            notes.quarantined = true;
            return None;
        };
        self.meet(bucket, instrument);
        let value = self.fill_value(bucket, instrument, fill, None);
        self.pools[bucket].traded.push((self.now.wall, value));
        let account = self
            .find_account(bucket, report.venue.as_str(), account)
            .unwrap_or(0);
        let (fee, fee_in) = self.fee_of(instrument, fill);
        self.loose.push(Loose {
            bucket,
            instrument,
            account,
            side,
            fill: Booked {
                quantity,
                price: fill.price.units(),
                value,
                account,
                void: false,
                fee,
                fee_in,
            },
        });
        Some(What::Fill {
            at: None,
            loose: self.loose.len() - 1,
            void: false,
            side,
            named: told_under(report),
        })
    }

    /// What was paid for a fill.
    fn fee_of(&self, instrument: usize, fill: &Fill) -> (U, Option<String>) {
        let own = self.contracts[instrument].money();
        let named = fill.fee_currency.as_ref().map(ToString::to_string);
        (fill.fee.units(), named.filter(|named| named != own))
    }

    /// Voids a fill, and books what it really was (H15, H16).
    fn rebook(&mut self, what: &mut What, to: Option<&Fill>) {
        let What::Fill {
            at, loose, void, ..
        } = what
        else {
            return;
        };
        *void = to.is_none();
        if let Some((at, _)) = *at {
            self.told_of(at);
        }
        let (bucket, instrument, old) = match *at {
            Some((at, fill)) => (
                self.orders[at].bucket,
                self.orders[at].instrument,
                self.orders[at].fills[fill].clone(),
            ),
            None => (
                self.loose[*loose].bucket,
                self.loose[*loose].instrument,
                self.loose[*loose].fill.clone(),
            ),
        };
        let new = to.map(|to| Booked {
            quantity: to.quantity.units(),
            price: to.price.units(),
            value: self.fill_value(bucket, instrument, to, None),
            account: old.account,
            void: false,
            fee: self.fee_of(instrument, to).0,
            fee_in: self.fee_of(instrument, to).1,
        });
        if let Some(new) = &new {
            self.pools[bucket]
                .traded
                .push((self.now.wall, (new.value - old.value).max(0)));
        }
        match *at {
            // Of an order that is forgotten only the fill is left.
            Some((at, fill)) if self.orders[at].gone => match new {
                Some(new) => self.orders[at].fills[fill] = new,
                None => self.orders[at].fills[fill].void = true,
            },
            Some((at, fill)) => self.change(at, |order| {
                order.voided += old.quantity;
                match new {
                    Some(new) => order.fills[fill] = new,
                    None => {
                        order.fills[fill].void = true;
                        // An order in cash has ended by its last fill alone: it lives again.
                        if order.end == Some(OrderState::Filled) {
                            order.end = None;
                            order.owed = None;
                        }
                    }
                }
            }),
            None => match new {
                Some(new) => self.loose[*loose].fill = new,
                None => self.loose[*loose].fill.void = true,
            },
        }
    }

    fn amend(
        &mut self,
        report: &Report,
        exec: &str,
        of: &str,
        to: Option<&Fill>,
        notes: &mut Notes,
    ) {
        let text = format!("{of}|{to:?}");
        let now = self.now.wall;
        // What names a correction is about what that corrected.
        let mut of = of.to_owned();
        while let Some(Exec {
            what: What::Amendment(Some(corrected)),
            ..
        }) = self.execs.get(&of)
        {
            of.clone_from(corrected);
        }
        if of == exec {
            notes.mismatch = true;
            return;
        }
        let mut becomes = to.cloned();
        match self.execs.get(exec) {
            // This correction was amended before it came; of a bust nothing is amended.
            Some(Exec {
                what: What::Parked(then),
                ..
            }) => becomes = to.and_then(|_| then.clone()),
            Some(known) if known.text == text => {
                notes.duplicate = true;
                return;
            }
            Some(_) => {
                notes.mismatch = true;
                return;
            }
            None => {}
        }
        let named = self.find(report.client.as_str(), report.cl_ord_id.as_str());
        match self.execs.remove(&of) {
            None => {
                notes.parked = true;
                self.execs.insert(
                    of.clone(),
                    Exec {
                        text: String::new(),
                        what: What::Parked(becomes),
                        last: now,
                    },
                );
            }
            Some(mut known) => {
                known.last = now;
                match &mut known.what {
                    // A bust is the last word.
                    What::Parked(None) => notes.duplicate = true,
                    What::Parked(parked) => {
                        notes.parked = true;
                        *parked = becomes;
                    }
                    What::Amendment(_) => notes.mismatch = true,
                    What::Fill { void: true, .. } => notes.duplicate = true,
                    What::Fill { side, .. } if report.side.is_some_and(|told| told != *side) => {
                        notes.mismatch = true
                    }
                    // A fill of another order than the one the report is about (NL11), and not told under this id either.
                    What::Fill { at, named: own, .. }
                        if *own != told_under(report) && self.is_of_another(*at, named) =>
                    {
                        notes.mismatch = true;
                    }
                    What::Fill { at, .. } => {
                        if let Some((at, _)) = *at
                            && !self.orders[at].gone
                        {
                            self.compare(report, at, notes);
                        }
                        self.rebook(&mut known.what, becomes.as_ref());
                    }
                }
                self.execs.insert(of.clone(), known);
            }
        }
        // What was refused may come again, put right.
        if notes.mismatch {
            return;
        }
        self.execs.insert(
            exec.to_owned(),
            Exec {
                text,
                what: What::Amendment(to.map(|_| of)),
                last: now,
            },
        );
    }

    /// Whether a report about `named` cannot mean a fill: it is of an order with another first id.
    fn is_of_another(&self, at: Option<(usize, usize)>, named: Option<usize>) -> bool {
        let first = |at: usize| (&self.orders[at].client, &self.orders[at].id);
        named.is_some_and(|named| at.map(|(at, _)| first(at)) != Some(first(named)))
    }

    fn status(&mut self, report: &Report, at: Option<usize>, notes: &mut Notes) {
        let mut restates = None;
        if let (ReportKind::Restated { quantity, price }, Some(exec)) =
            (&report.kind, &report.exec_id)
        {
            let first = at.map(|at| self.orders[at].id.as_str());
            let first = first.unwrap_or(report.cl_ord_id.as_str());
            let text = format!("{} {first}|{quantity:?}|{price:?}", report.client);
            let exec = self.at_venue(report, exec.as_str());
            if let Some(known) = self.execs.get(&exec) {
                if known.text == text {
                    notes.duplicate = true;
                } else {
                    notes.mismatch = true;
                }
                return;
            }
            restates = Some((exec, text));
        }
        let Some(at) = at else {
            notes.unknown = true;
            return;
        };
        if let Some((exec, text)) = restates {
            let (what, last) = (What::Amendment(None), self.now.wall);
            self.execs.insert(exec, Exec { text, what, last });
        }
        self.told_of(at);
        self.compare(report, at, notes);
        let cum = report.cum.map(|cum| cum.units());
        let id = report.cl_ord_id.to_string();
        let instrument = self.orders[at].instrument;
        let restated = match &report.kind {
            ReportKind::Restated {
                price: Some(price), ..
            } => {
                let prices = self.prices(instrument);
                let terms = Terms::Limit { price: *price };
                let order = &self.orders[at];
                let highest = order
                    .versions
                    .iter()
                    .map(|version| version.unit)
                    .max()
                    .unwrap_or(0);
                let reference = prices.reference.map_or(0, U::abs);
                let price = price.units().abs().max(reference);
                let rate = self.rate(instrument).ok();
                let unit = rate.and_then(|(rate, _)| self.unit(instrument, Some(price), rate));
                Some((terms, unit.unwrap_or(highest)))
            }
            _ => None,
        };
        let owed = self.change(at, |order| {
            order.told = order.told.max(cum.unwrap_or(0));
            match &report.kind {
                ReportKind::New | ReportKind::Trade(_) => {
                    order.stage = Stage::Working;
                    false
                }
                ReportKind::Canceled => order.ended(OrderState::Canceled, cum).0,
                ReportKind::Expired => order.ended(OrderState::Expired, cum).0,
                ReportKind::DoneForDay => order.ended(OrderState::DoneForDay, cum).0,
                // Under the id of a replace that is not in force it is the replace that is refused.
                ReportKind::Rejected if id != order.id && id != order.versions[0].id => {
                    order.set_aside(&id, false);
                    false
                }
                ReportKind::Rejected => {
                    let state = if order.filled() > 0 {
                        OrderState::Canceled
                    } else {
                        OrderState::VenueRejected
                    };
                    order.ended(state, Some(cum.unwrap_or(0))).0
                }
                ReportKind::Replaced => {
                    order.settle_on(&id);
                    false
                }
                ReportKind::CancelRejected { of, .. } => {
                    match of {
                        CancelRejectOf::Cancel => order.asked_cancel = false,
                        CancelRejectOf::Replace => order.set_aside(&id, false),
                    }
                    false
                }
                ReportKind::Restated { quantity, .. } => {
                    if let Some(quantity) = quantity {
                        order.versions[0].quantity = quantity.units();
                    }
                    if let Some((terms, unit)) = restated {
                        order.versions[0].terms = terms;
                        order.versions[0].unit = unit;
                    }
                    false
                }
                ReportKind::Bust { .. } | ReportKind::Correct { .. } => false,
            }
        });
        notes.owed = owed;
    }

    pub fn sent(&mut self, at: usize, id: &str) {
        let order = &mut self.orders[at];
        if order.end.is_some() || order.is_over() {
            return;
        }
        if order.stage == Stage::Reserved {
            order.stage = Stage::Sent;
        }
        for version in order.versions.iter_mut().skip(1) {
            version.sent |= version.id == id;
        }
    }

    /// The client never sent it; false where it is known to be sent, or over by another end (H2).
    pub fn release(&mut self, client: &str, id: &str) -> Option<bool> {
        // What was refused on an earlier day is not what is released now.
        let key = (client.to_owned(), id.to_owned());
        let is_past = self
            .slots
            .get(&key)
            .is_some_and(|slot| slot.order.is_none() && slot.until <= self.now.wall);
        if is_past || !self.is_known(client, id) {
            self.slots.insert(
                (client.to_owned(), id.to_owned()),
                Slot {
                    content: Content::Released,
                    order: None,
                    until: self.now.wall + DAY,
                },
            );
            return Some(true);
        }
        if matches!(self.slots[&key].content, Content::Released) {
            return Some(true);
        }
        let at = self.find(client, id)?;
        self.told_of(at);
        Some(self.change(at, |order| {
            let released_before = order
                .aside
                .iter()
                .any(|(version, released)| version.id == id && *released);
            if released_before || (order.id == id && order.end == Some(OrderState::Released)) {
                return true;
            }
            if order.is_over() {
                return false;
            }
            if order.id == id {
                let unsent =
                    order.end.is_none() && order.stage == Stage::Reserved && order.filled() == 0;
                if unsent {
                    order.end = Some(OrderState::Released);
                    order.owed = Some(0);
                }
                return unsent;
            }
            let mut pending = order.versions.iter().skip(1);
            let unsent = pending.any(|version| version.id == id && !version.sent);
            if unsent {
                order.set_aside(id, true);
            }
            unsent
        }))
    }

    pub fn load(
        &mut self,
        bucket: usize,
        instrument: usize,
        account: usize,
        quantity: U,
        price: U,
    ) -> bool {
        self.meet(bucket, instrument);
        let usage = self.usage(bucket);
        let busy = self.orders.iter().any(|order| {
            order.bucket == bucket && order.instrument == instrument && !order.is_over()
        });
        if busy || usage.by_account[instrument][account].position != 0 {
            return false;
        }
        let side = if quantity < 0 { Side::Sell } else { Side::Buy };
        let fill = Booked {
            quantity: quantity.abs(),
            price,
            value: 0,
            account,
            void: false,
            fee: 0,
            fee_in: None,
        };
        self.loose.push(Loose {
            bucket,
            instrument,
            account,
            side,
            fill,
        });
        true
    }
}

/// Whether an order is of the same type, and counts no more whatever the market does.
fn is_better(terms: &Terms, than: &Terms) -> bool {
    let below = |one: U, other: U| one.abs() <= other.abs();
    match (terms, than) {
        (Terms::Market, Terms::Market)
        | (Terms::Pegged { cap: None }, Terms::Pegged { cap: None }) => true,
        (Terms::Limit { price: one }, Terms::Limit { price: other })
        | (Terms::Pegged { cap: Some(one) }, Terms::Pegged { cap: Some(other) }) => {
            below(one.units(), other.units())
        }
        (Terms::Stop { trigger: one }, Terms::Stop { trigger: other })
        | (Terms::TrailingStop { trigger: one }, Terms::TrailingStop { trigger: other }) => {
            below(one.units(), other.units())
        }
        (
            Terms::StopLimit {
                price: one,
                trigger: first,
            },
            Terms::StopLimit {
                price: other,
                trigger: second,
            },
        ) => below(one.units(), other.units()) && below(first.units(), second.units()),
        _ => false,
    }
}

/// Whether an order is of the same type, and waits no nearer to the market.
fn is_further(terms: &Terms, than: &Terms, side: Side) -> bool {
    let sign = if side == Side::Buy { 1 } else { -1 };
    let limit = |one: U, other: U| (other - one) * sign >= 0;
    let trigger = |one: U, other: U| (one - other) * sign >= 0;
    match (terms, than) {
        (Terms::Market, Terms::Market)
        | (Terms::Pegged { cap: None }, Terms::Pegged { cap: None }) => true,
        (Terms::Limit { price: one }, Terms::Limit { price: other })
        | (Terms::Pegged { cap: Some(one) }, Terms::Pegged { cap: Some(other) }) => {
            limit(one.units(), other.units())
        }
        (Terms::Stop { trigger: one }, Terms::Stop { trigger: other })
        | (Terms::TrailingStop { trigger: one }, Terms::TrailingStop { trigger: other }) => {
            trigger(one.units(), other.units())
        }
        (
            Terms::StopLimit {
                price: one,
                trigger: first,
            },
            Terms::StopLimit {
                price: other,
                trigger: second,
            },
        ) => limit(one.units(), other.units()) && trigger(first.units(), second.units()),
        _ => false,
    }
}

/// The id of an order that a report names.
fn told_under(report: &Report) -> String {
    format!("{} {}", report.client, report.cl_ord_id)
}

/// The model's own spelling of a name it knows.
fn leak(name: &str) -> &'static str {
    super::world::NAMES
        .iter()
        .find(|known| **known == name)
        .copied()
        .unwrap_or("")
}
