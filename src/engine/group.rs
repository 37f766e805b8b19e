//! A desk, a firm, a venue or a counterparty: what everything below it does together (L1–L3).
//!
//! All figures are kept whether or not a limit asks for them, so that one can be put on at any time; only the sums of concentration sets
//! are counted anew when a document that asks for them comes into force. Every change of a bucket is told as a [`Footprint`], made while the
//! bucket is locked and before the group is: what is left to do under the group's lock are sums.

mod before;
mod levels;
mod resting;
mod view;

use std::sync::Arc;

use arrayvec::ArrayVec;
use foldhash::HashMap;
use parking_lot::Mutex;

pub use before::GroupBefore;
pub use levels::{LEVELS, Levels};
pub use resting::Resting;

use super::bucket::set_name;
use super::controls::Switch;
use crate::domain::amount::Money;
use crate::domain::decision::{Dimension, Level};
use crate::domain::instrument::Instrument;
use crate::domain::name::{GroupId, VenueId};
use crate::domain::time::Now;
use crate::risk::calendar::Calendar;
use crate::risk::exposure::{GroupReach, GroupTotals, Step};
use crate::risk::limits::{ConcentrationBound, GroupLimits};
use crate::risk::owners::Documents;
use crate::risk::policy::GroupFigures;
use crate::risk::window::{NotionalWindow, OrderRate};

/// Sets of one instrument that a group may count it in: its underlying, its expiry, its sector.
const SETS: usize = 3;

/// A group. Locked after the bucket below it and before the group above it; venues come after firms, counterparties after venues.
pub struct Group {
    /// Its name; of a venue that of the venue.
    pub id: GroupId,
    /// Desk, firm, venue or counterparty.
    pub level: Level,
    /// The group above.
    pub parent: Option<Arc<Group>>,
    /// Its trading state.
    pub switch: Switch,
    /// Its trading day.
    pub calendar: Calendar,
    /// Everything that changes.
    pub state: Mutex<GroupState>,
}

/// What changes about a group.
pub struct GroupState {
    /// Its limits, as they hold.
    pub limits: Arc<GroupLimits>,
    /// Version of the limits: grows with each owner's changes.
    pub version: u64,
    /// The limits as their owners write them.
    pub documents: Documents<GroupLimits>,
    /// What its children do.
    pub totals: GroupTotals,
    /// Live orders below it.
    pub open_orders: u32,
    /// Orders approved below it.
    pub rate: OrderRate,
    /// Notional approved below it.
    pub notional_rate: NotionalWindow,
    /// Prices that orders of children rest at, of those children whose self-match rule reaches this far.
    pub resting: Resting,
    /// Whether its children are accounts rather than whole buckets.
    of_accounts: bool,
    open_value: Money,
    traded: Money,
    calendar: Calendar,
    day_end: i64,
    lines: HashMap<u32, GroupLine>,
    sets: Vec<GroupSet>,
    venues: Vec<GroupVenue>,
}

/// Everything below a group in one instrument.
struct GroupLine {
    instrument: Arc<Instrument>,
    reach: GroupReach,
    gross: Money,
    sets: ArrayVec<u16, SETS>,
}

/// Gross exposure within a set of instruments that a limit counts.
struct GroupSet {
    dimension: Dimension,
    value: String,
    bound: Money,
    sum: Money,
}

/// Gross exposure at the accounts of one venue.
struct GroupVenue {
    venue: VenueId,
    bound: Option<Money>,
    sum: Money,
}

/// What one change of a bucket means above it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footprint {
    /// The engine's number of the instrument.
    pub number: u32,
    /// The bucket as a whole; none where only an account's share changes.
    pub whole: Option<Step>,
    /// The account it happened at; none where only the whole changes.
    pub part: Option<Step>,
    /// Live orders that went, and that came.
    pub orders: (u32, u32),
    /// Value held for orders that are not filled, before and after.
    pub value: (Money, Money),
    /// Executed value.
    pub traded: Money,
}

/// Where a change happened.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// Reference data of the instrument; may be missing where no line changes.
    pub instrument: Option<&'a Arc<Instrument>>,
    /// Venue of the account.
    pub venue: Option<&'a VenueId>,
    /// When.
    pub now: Now,
}

/// A group after a change, computed and not yet in force.
#[derive(Debug)]
pub struct GroupAfter {
    totals: GroupTotals,
    line: Option<(GroupReach, Money)>,
    sets: ArrayVec<(u16, Money), SETS>,
    venue: Option<(usize, Money)>,
    open_orders: u32,
    open_value: Money,
    traded: Money,
}

impl Footprint {
    /// Whether it changes nothing above.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let still = |step: &Option<Step>| {
            step.as_ref().is_none_or(|step| {
                step.totals.0 == step.totals.1
                    && step.reach.0 == step.reach.1
                    && step.gross.0 == step.gross.1
            })
        };
        still(&self.whole)
            && still(&self.part)
            && self.orders.0 == self.orders.1
            && self.value.0 == self.value.1
            && self.traded.is_zero()
    }

    /// The same change undone; what was executed stays executed.
    #[must_use]
    pub fn undone(self) -> Self {
        Self {
            number: self.number,
            whole: self.whole.map(Step::undone),
            part: self.part.map(Step::undone),
            orders: (self.orders.1, self.orders.0),
            value: (self.value.1, self.value.0),
            traded: Money::ZERO,
        }
    }
}

impl Group {
    /// A group without children.
    #[must_use]
    pub fn new(
        id: GroupId,
        level: Level,
        parent: Option<Arc<Self>>,
        limits: GroupLimits,
        calendar: Calendar,
    ) -> Self {
        let limits = Arc::new(limits);
        let mut state = GroupState {
            limits: Arc::new(GroupLimits::unlimited(limits.currency.clone())),
            version: 1,
            documents: Documents::new(Arc::clone(&limits), None),
            totals: GroupTotals::default(),
            open_orders: 0,
            rate: OrderRate::default(),
            notional_rate: NotionalWindow::default(),
            resting: Resting::default(),
            of_accounts: matches!(level, Level::Venue | Level::Counterparty),
            open_value: Money::ZERO,
            traded: Money::ZERO,
            calendar: calendar.clone(),
            day_end: i64::MIN,
            lines: HashMap::default(),
            sets: Vec::new(),
            venues: Vec::new(),
        };
        state.put_in_force(limits);
        Self {
            id,
            level,
            parent,
            switch: Switch::default(),
            calendar,
            state: Mutex::new(state),
        }
    }
}

impl GroupState {
    /// Brings the trading day up to now: the traded notional starts anew with the group's own day, whatever its children's days are.
    pub fn roll(&mut self, now: Now) {
        if now.wall >= self.day_end {
            let first = self.day_end == i64::MIN;
            self.day_end = self.calendar.day(now.wall).map_or(i64::MAX, |day| day.end);
            if !first {
                self.traded = Money::ZERO;
            }
        }
    }

    /// End of the trading day, wall nanoseconds.
    #[must_use]
    pub const fn day_end(&self) -> i64 {
        self.day_end
    }

    /// Traded notional of the day: executed, and open at what it was approved at (B5).
    #[must_use]
    pub fn traded_and_open(&self) -> Option<Money> {
        self.traded.checked_add(self.open_value)
    }

    /// What is open at what it was approved at.
    #[must_use]
    pub const fn open_value(&self) -> Money {
        self.open_value
    }

    /// The figures that a change leads to; nothing where one leaves exact arithmetic.
    pub fn after(&mut self, footprint: &Footprint, site: &Site<'_>) -> Option<GroupAfter> {
        self.roll(site.now);
        let step = if self.of_accounts {
            &footprint.part
        } else {
            &footprint.whole
        };
        let mut after = GroupAfter {
            totals: self.totals,
            line: None,
            sets: ArrayVec::new(),
            venue: None,
            open_orders: self
                .open_orders
                .checked_sub(footprint.orders.0)?
                .checked_add(footprint.orders.1)?,
            open_value: swap(self.open_value, footprint.value)?,
            traded: self.traded.checked_add(footprint.traded)?,
        };
        if let Some(step) = step {
            after.totals = self.totals.with(&step.totals.0, &step.totals.1)?;
            self.open_line(footprint.number, site.instrument?);
            let line = self.lines.get(&footprint.number)?;
            let reach = line.reach.with(&step.reach.0, &step.reach.1)?;
            after.line = Some((reach, swap(line.gross, step.gross)?));
            for at in &line.sets {
                let set = self.sets.get(usize::from(*at))?;
                after
                    .sets
                    .try_push((*at, swap(set.sum, step.gross)?))
                    .ok()?;
            }
        }
        if let (Some(step), Some(venue)) = (&footprint.part, site.venue) {
            let at = self.open_venue(venue);
            let sum = self.venues.get(at)?.sum;
            after.venue = Some((at, swap(sum, step.gross)?));
        }
        Some(after)
    }

    /// Makes a change. Nothing here can fail: what could was computed before.
    pub fn commit(&mut self, number: u32, after: &GroupAfter) {
        self.totals = after.totals;
        self.open_orders = after.open_orders;
        self.open_value = after.open_value;
        self.traded = after.traded;
        if let (Some((reach, gross)), Some(line)) = (after.line, self.lines.get_mut(&number)) {
            (line.reach, line.gross) = (reach, gross);
        }
        for (at, sum) in &after.sets {
            if let Some(set) = self.sets.get_mut(usize::from(*at)) {
                set.sum = *sum;
            }
        }
        if let Some((at, sum)) = after.venue
            && let Some(venue) = self.venues.get_mut(at)
        {
            venue.sum = sum;
        }
    }

    /// Counts a change that is a fact.
    pub fn apply(&mut self, footprint: &Footprint, site: &Site<'_>) {
        if let Some(after) = self.after(footprint, site) {
            self.commit(footprint.number, &after);
        }
    }

    /// What the checks look at, before and after a change.
    #[must_use]
    pub fn figures(&self, number: u32, after: &GroupAfter) -> GroupFigures {
        let mut concentration = ArrayVec::new();
        for (at, sum) in &after.sets {
            if let Some(set) = self.sets.get(usize::from(*at)) {
                let _ = concentration.try_push((set.dimension, set.bound, set.sum, *sum));
            }
        }
        if let Some((at, sum)) = after.venue
            && let Some(venue) = self.venues.get(at)
            && let Some(bound) = venue.bound
        {
            let _ = concentration.try_push((Dimension::Venue, bound, venue.sum, sum));
        }
        let reach = self
            .lines
            .get(&number)
            .map_or_else(GroupReach::default, |line| line.reach);
        GroupFigures {
            totals: (self.totals, after.totals),
            reach: (reach, after.line.map_or(reach, |(reach, _)| reach)),
            open_orders: (self.open_orders, after.open_orders),
            concentration,
            traded: (
                self.traded_and_open(),
                after.traded.checked_add(after.open_value),
            ),
        }
    }

    /// Puts limits in force under the next version.
    pub fn set_limits(&mut self, limits: Arc<GroupLimits>) {
        self.version = self.version.saturating_add(1);
        self.put_in_force(limits);
    }

    /// Puts limits in force, and counts the sets that they ask for.
    pub fn put_in_force(&mut self, limits: Arc<GroupLimits>) {
        self.limits = limits;
        self.sets.clear();
        let limits = Arc::clone(&self.limits);
        for line in self.lines.values_mut() {
            line.sets = sets_of(&limits, &mut self.sets, &line.instrument);
            count_sets(&mut self.sets, &line.sets, (Money::ZERO, line.gross));
        }
        for venue in &mut self.venues {
            venue.bound = bound_of(&limits, Dimension::Venue, venue.venue.as_str());
        }
    }

    /// Instruments that anything below is in, with their worst-case positions.
    pub fn positions(&self) -> impl Iterator<Item = (&Instrument, &GroupReach)> {
        let used = |line: &&GroupLine| line.reach != GroupReach::default();
        let lines = self.lines.values().filter(used);
        lines.map(|line| (&*line.instrument, &line.reach))
    }

    /// Sums of every concentration limit: dimension, value, bound, sum.
    pub fn concentrations(&self) -> impl Iterator<Item = (Dimension, &str, Money, Money)> {
        let sets = self.sets.iter();
        let sets = sets.map(|set| (set.dimension, set.value.as_str(), set.bound, set.sum));
        let venues = self.venues.iter().filter_map(|venue| {
            let bound = venue.bound?;
            Some((Dimension::Venue, venue.venue.as_str(), bound, venue.sum))
        });
        sets.chain(venues)
    }

    /// Gross exposure by instrument, those without any left out.
    #[must_use]
    pub fn gross_by_instrument(&self) -> Vec<(String, Money)> {
        let lines = self.lines.values().filter(|line| !line.gross.is_zero());
        let mut sums: Vec<_> = lines
            .map(|line| (line.instrument.id.to_string(), line.gross))
            .collect();
        sums.sort_unstable();
        sums
    }

    /// Gross exposure by venue, those without any left out.
    #[must_use]
    pub fn gross_by_venue(&self) -> Vec<(String, Money)> {
        let venues = self.venues.iter().filter(|venue| !venue.sum.is_zero());
        let mut sums: Vec<_> = venues
            .map(|venue| (venue.venue.to_string(), venue.sum))
            .collect();
        sums.sort_unstable();
        sums
    }

    /// Takes what was executed somewhere else, and is now counted there, back out of the day.
    pub fn untrade(&mut self, executed: Money) {
        let left = self.traded.checked_sub(executed);
        self.traded = left.map_or(self.traded, Money::floor_zero);
    }

    /// Makes a place for an instrument; one whose reference data are new is counted in the sets that these say it is in.
    fn open_line(&mut self, number: u32, instrument: &Arc<Instrument>) {
        if let Some(line) = self.lines.get_mut(&number) {
            if Arc::ptr_eq(&line.instrument, instrument) {
                return;
            }
            line.instrument = Arc::clone(instrument);
            count_sets(&mut self.sets, &line.sets, (line.gross, Money::ZERO));
            line.sets = sets_of(&self.limits, &mut self.sets, instrument);
            count_sets(&mut self.sets, &line.sets, (Money::ZERO, line.gross));
            return;
        }
        let sets = sets_of(&self.limits, &mut self.sets, instrument);
        let line = GroupLine {
            instrument: Arc::clone(instrument),
            reach: GroupReach::default(),
            gross: Money::ZERO,
            sets,
        };
        self.lines.insert(number, line);
    }

    fn open_venue(&mut self, venue: &VenueId) -> usize {
        let known = self.venues.iter().position(|known| known.venue == *venue);
        known.unwrap_or_else(|| {
            self.venues.push(GroupVenue {
                venue: venue.clone(),
                bound: bound_of(&self.limits, Dimension::Venue, venue.as_str()),
                sum: Money::ZERO,
            });
            self.venues.len().saturating_sub(1)
        })
    }
}

/// The sets that limits count an instrument in, made where they are not there.
fn sets_of(
    limits: &GroupLimits,
    sets: &mut Vec<GroupSet>,
    instrument: &Instrument,
) -> ArrayVec<u16, SETS> {
    let mut places = ArrayVec::new();
    if limits.concentration.is_empty() {
        return places;
    }
    for dimension in [Dimension::Underlying, Dimension::Expiry, Dimension::Sector] {
        let Some(value) = set_name(instrument, dimension) else {
            continue;
        };
        let Some(bound) = bound_of(limits, dimension, &value) else {
            continue;
        };
        let known = sets
            .iter()
            .position(|set| set.dimension == dimension && set.value == value);
        let at = known.unwrap_or_else(|| {
            sets.push(GroupSet {
                dimension,
                value,
                bound,
                sum: Money::ZERO,
            });
            sets.len().saturating_sub(1)
        });
        if let Ok(at) = u16::try_from(at) {
            let _ = places.try_push(at);
        }
    }
    places
}

/// Counts a line in its sets.
fn count_sets(sets: &mut [GroupSet], places: &[u16], gross: (Money, Money)) {
    for at in places {
        if let Some(set) = sets.get_mut(usize::from(*at))
            && let Some(sum) = swap(set.sum, gross)
        {
            set.sum = sum;
        }
    }
}

/// The tightest bound on a set, by its name or as one of all; none where nothing limits it.
fn bound_of(limits: &GroupLimits, dimension: Dimension, value: &str) -> Option<Money> {
    let of_it = limits.concentration.iter().filter(|limit| {
        limit.dimension == dimension && limit.value.as_ref().is_none_or(|name| name == value)
    });
    let bounds = of_it.filter_map(|limit| match limit.bound {
        ConcentrationBound::Money(bound) => Some(bound),
        // A group has no capital; its document is refused with such a bound.
        ConcentrationBound::CapitalShare(_) => None,
    });
    bounds.min()
}

fn swap(sum: Money, (before, after): (Money, Money)) -> Option<Money> {
    sum.checked_sub(before)?.checked_add(after)
}
