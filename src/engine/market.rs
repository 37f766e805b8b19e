//! The market table: reference data, prices and currency rates under one version counter (N1–N5, B12).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use foldhash::HashMap;
use parking_lot::Mutex;

use super::bucket::Bucket;
use super::setup::EngineSetup;
use crate::domain::amount::{Price, PriceUnit, Ratio, RatioUnit};
use crate::domain::decision::Reason;
use crate::domain::instrument::{Instrument, Quote};
use crate::domain::name::{Currency, InstrumentId, Tag};
use crate::domain::source::{DIVERGENCE_MAX, Sources};
use crate::domain::time::Now;
use crate::risk::valuation::Prices;

/// An instrument with what changes about it.
pub struct Listed {
    /// The engine's number for it; never reused.
    pub number: u32,
    /// Reference data.
    pub instrument: Arc<Instrument>,
    live: Arc<Live>,
}

/// What changes about an instrument, kept when its reference data are replaced.
#[derive(Default)]
struct Live {
    /// Held while a price is taken, and never by who reads one.
    sources: Mutex<Sources<PriceUnit>>,
    quote: Mutex<Quoted>,
    holders: Mutex<Vec<Arc<Bucket>>>,
    /// Whether the contract is being replaced by another: nothing new is taken meanwhile.
    changing: AtomicU32,
}

#[derive(Default)]
struct Quoted {
    quote: Quote,
    lows: VecDeque<(u64, Price)>,
    highs: VecDeque<(u64, Price)>,
}

type Table = HashMap<InstrumentId, Arc<Listed>>;

/// Bid and ask of a currency pair.
#[derive(Clone, Copy, Debug)]
struct Rate {
    bid: Ratio,
    ask: Ratio,
    received: u64,
    /// Whether another source says something too different (N4).
    disputed: bool,
}

type Pair = (Currency, Currency);

/// Most currency pairs with a rate.
pub const RATES_MAX: usize = 4_096;

/// A price update (N1).
#[derive(Clone, Debug)]
pub struct MarkUpdate {
    /// Contract.
    pub instrument: InstrumentId,
    /// Valuation price.
    pub mark: Option<Price>,
    /// Best bid.
    pub bid: Option<Price>,
    /// Best ask.
    pub ask: Option<Price>,
    /// Last trade.
    pub last: Option<Price>,
    /// Index of the underlying.
    pub index: Option<Price>,
    /// Who says so; one without a name is a source like any other.
    pub source: Option<Tag>,
    /// Time at the source, wall nanoseconds.
    pub source_time: i64,
    /// Whether the sender vouches for a jump (N4).
    pub confirmed: bool,
}

/// A rate update.
#[derive(Clone, Debug)]
pub struct RateUpdate {
    /// One unit of this
    pub base: Currency,
    /// costs so many of this.
    pub quote: Currency,
    /// Best bid.
    pub bid: Ratio,
    /// Best ask.
    pub ask: Ratio,
    /// Who says so; one without a name is a source like any other.
    pub source: Option<Tag>,
    /// Time at the source, wall nanoseconds.
    pub source_time: i64,
}

/// An update that was taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Taken {
    /// Version of the table from which on it is in force.
    pub version: u64,
    /// Whether another source says something too different, so that it counts as missing until they agree (N4).
    pub disputed: bool,
}

/// What came of an update.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Accepted {
    /// In force, and usable unless it is disputed.
    At(Taken),
    /// Older than what the same source said before; dropped.
    OutOfOrder,
    /// No such instrument.
    UnknownInstrument,
    /// Bid above ask.
    Crossed,
    /// A price of zero or less where the instrument allows none.
    NotPositive,
    /// A jump beyond the instrument's bound, not confirmed.
    Jump,
    /// Stamped ahead of our clock.
    FromFuture,
    /// No price at all.
    Empty,
    /// A currency pair more than there may be.
    TooMany,
}

/// Why reference data were refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InstrumentError {
    /// What a contract is worth cannot change under open positions or orders (N5).
    #[error("positions or live orders are open: what the contract is worth cannot change")]
    Held,
    /// Reference data were changed by someone else in between.
    #[error("the version in force is {current}")]
    VersionMismatch {
        /// Version in force.
        current: u64,
    },
    /// The instrument under an option is in neither the table nor the change.
    #[error("no such instrument")]
    UnknownUnderlying(InstrumentId),
}

/// What came of a change of reference data.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Upserted {
    /// Version in which reference data changed last.
    pub version: u64,
    /// Instruments that are new.
    pub created: u32,
    /// Those that have changed, and the new ones.
    pub touched: Vec<InstrumentId>,
}

/// The table.
pub struct Market {
    table: ArcSwap<Table>,
    rates: ArcSwap<HashMap<Pair, Rate>>,
    rate_sources: Mutex<HashMap<Pair, Sources<RatioUnit>>>,
    conversions: HashMap<Pair, Vec<Currency>>,
    version: AtomicU64,
    /// Version in which reference data changed last.
    reference: AtomicU64,
    changes: Mutex<u32>,
    rate_max_age: u64,
    source_lead_max: u64,
    collar_period: u64,
}

impl Market {
    /// An empty table.
    #[must_use]
    pub fn new(setup: &EngineSetup) -> Self {
        let path = |hops: &Vec<Currency>| {
            Some(((hops.first()?.clone(), hops.last()?.clone()), hops.clone()))
        };
        Self {
            table: ArcSwap::default(),
            rates: ArcSwap::default(),
            rate_sources: Mutex::default(),
            conversions: setup
                .conversions
                .iter()
                .filter_map(|conversion| path(&conversion.hops))
                .collect(),
            version: AtomicU64::new(0),
            reference: AtomicU64::new(0),
            changes: Mutex::new(0),
            rate_max_age: setup.rate_max_age,
            source_lead_max: setup.source_lead_max,
            collar_period: setup.collar_period,
        }
    }

    /// Version of the table now.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Version in which reference data changed last.
    #[must_use]
    pub fn reference_version(&self) -> u64 {
        self.reference.load(Ordering::Acquire)
    }

    fn next_version(&self) -> u64 {
        self.version
            .fetch_add(1, Ordering::AcqRel)
            .saturating_add(1)
    }

    /// The instruments as of now.
    #[must_use]
    pub fn instruments(&self) -> Guard<Arc<Table>> {
        self.table.load()
    }

    /// Marks the instruments that these would make other contracts, so that no decision about them begins; [`Listed::changed`] ends it.
    #[must_use]
    pub fn begin_change(&self, instruments: &[Instrument]) -> Vec<Arc<Listed>> {
        let table = self.table.load();
        let other = |instrument: &Instrument| {
            let known = table.get(&instrument.id)?;
            (!known.instrument.is_same_contract(instrument)).then(|| Arc::clone(known))
        };
        let changing: Vec<_> = instruments.iter().filter_map(other).collect();
        for listed in &changing {
            listed.live.changing.fetch_add(1, Ordering::AcqRel);
        }
        changing
    }

    /// Adds an instrument, or replaces its reference data, under a new version.
    ///
    /// # Errors
    /// Where the change would alter what open positions or orders are worth.
    pub fn upsert(&self, instrument: Instrument) -> Result<u64, InstrumentError> {
        let mut last = self.changes.lock();
        let mut table = Table::clone(&self.table.load());
        let version = self.next_version();
        put(&mut table, &mut last, instrument, version)?;
        self.table.store(Arc::new(table));
        self.reference.store(version, Ordering::Release);
        Ok(version)
    }

    /// Adds instruments and replaces reference data under one new version: all of them, or none. What is the same stays as it is.
    ///
    /// # Errors
    /// Where the version in force is another than expected, the change would alter what open positions or orders are worth, or an option
    /// has no underlying.
    pub fn upsert_all(
        &self,
        instruments: Vec<Instrument>,
        expected: Option<u64>,
    ) -> Result<Upserted, InstrumentError> {
        let mut last = self.changes.lock();
        let current = self.reference_version();
        if expected.is_some_and(|expected| expected != current) {
            return Err(InstrumentError::VersionMismatch { current });
        }
        let mut table = Table::clone(&self.table.load());
        let mut numbers = *last;
        // A number of the table may pass unused; nothing counts on them being dense.
        let version = self.next_version();
        let mut done = Upserted {
            version: current,
            ..Upserted::default()
        };
        let under: Vec<InstrumentId> = instruments
            .iter()
            .filter_map(|instrument| instrument.underlying_instrument.clone())
            .collect();
        for mut instrument in instruments {
            let id = instrument.id.clone();
            match table.get(&id) {
                Some(known) => {
                    instrument.version = known.instrument.version;
                    if *known.instrument == instrument {
                        continue;
                    }
                }
                None => done.created = done.created.saturating_add(1),
            }
            put(&mut table, &mut numbers, instrument, version)?;
            done.touched.push(id);
        }
        if let Some(missing) = under.into_iter().find(|id| !table.contains_key(id)) {
            return Err(InstrumentError::UnknownUnderlying(missing));
        }
        if !done.touched.is_empty() {
            done.version = version;
            *last = numbers;
            self.table.store(Arc::new(table));
            self.reference.store(version, Ordering::Release);
        }
        Ok(done)
    }

    /// Takes a price update; what holds the instrument is valued anew by the caller.
    pub fn push(&self, update: &MarkUpdate, now: Now) -> (Accepted, Option<Arc<Listed>>) {
        let Some(listed) = self.table.load().get(&update.instrument).cloned() else {
            return (Accepted::UnknownInstrument, None);
        };
        let given = [update.mark, update.bid, update.ask, update.last];
        if given.iter().all(Option::is_none) {
            return (Accepted::Empty, None);
        }
        if !listed.instrument.negative_prices
            && given
                .iter()
                .chain([&update.index])
                .flatten()
                .any(|price| !price.is_positive())
        {
            return (Accepted::NotPositive, None);
        }
        if matches!((update.bid, update.ask), (Some(bid), Some(ask)) if bid > ask) {
            return (Accepted::Crossed, None);
        }
        if self.is_ahead(update.source_time, now) {
            return (Accepted::FromFuture, None);
        }
        let source = update.source.as_ref();
        let mut sources = listed.live.sources.lock();
        if sources.is_out_of_order(source, update.source_time) {
            return (Accepted::OutOfOrder, None);
        }
        let mut quoted = listed.live.quote.lock();
        let mut quote = Quote {
            mark: update.mark,
            bid: update.bid,
            ask: update.ask,
            last: update.last,
            index: update.index,
            source_time: update.source_time,
            received: now.mono,
            version: 0,
            disputed: false,
        };
        let Instrument {
            mark_max_age,
            source_divergence_max,
            ..
        } = *listed.instrument;
        let reference = quote.reference();
        let rule = (mark_max_age, source_divergence_max);
        if !update.confirmed && is_jump(&listed.instrument, &quoted.quote, &quote) {
            // Not taken; and where another source says otherwise, what is in force is in doubt all the same.
            if !sources.dispute(source, reference, rule, now) {
                return (Accepted::Jump, None);
            }
            sources.note(source, update.source_time, reference, now);
            quoted.quote.disputed = true;
            quoted.quote.version = self.next_version();
            drop(quoted);
            drop(sources);
            return (Accepted::Jump, Some(listed));
        }
        sources.note(source, update.source_time, reference, now);
        quote.disputed = sources.dispute(source, reference, rule, now);
        quote.version = self.next_version();
        if let Some(reference) = reference
            && !quote.disputed
        {
            quoted.remember(now.mono, self.collar_period, reference);
        }
        let taken = Taken {
            version: quote.version,
            disputed: quote.disputed,
        };
        quoted.quote = quote;
        drop(quoted);
        drop(sources);
        (Accepted::At(taken), Some(listed))
    }

    /// Takes rate updates, all under one new version of the table.
    pub fn push_rates(&self, updates: &[RateUpdate], now: Now) -> Vec<Accepted> {
        let _one_at_a_time = self.changes.lock();
        let mut rates = HashMap::clone(&self.rates.load());
        let mut sources = self.rate_sources.lock();
        let taken: Vec<Result<bool, Accepted>> = updates
            .iter()
            .map(|update| self.take_rate(&mut rates, &mut sources, update, now))
            .collect();
        let version = match taken.iter().any(Result::is_ok) {
            true => {
                self.rates.store(Arc::new(rates));
                self.next_version()
            }
            false => self.version(),
        };
        let told = |taken| match taken {
            Ok(disputed) => Accepted::At(Taken { version, disputed }),
            Err(refused) => refused,
        };
        taken.into_iter().map(told).collect()
    }

    /// Puts a rate into a table that is not in force yet; whether it is disputed.
    fn take_rate(
        &self,
        rates: &mut HashMap<Pair, Rate>,
        all: &mut HashMap<Pair, Sources<RatioUnit>>,
        update: &RateUpdate,
        now: Now,
    ) -> Result<bool, Accepted> {
        if !update.bid.is_positive() || !update.ask.is_positive() {
            return Err(Accepted::NotPositive);
        }
        if update.bid > update.ask {
            return Err(Accepted::Crossed);
        }
        if self.is_ahead(update.source_time, now) {
            return Err(Accepted::FromFuture);
        }
        let pair = (update.base.clone(), update.quote.clone());
        let inverse = (update.quote.clone(), update.base.clone());
        if rates.len() >= RATES_MAX && !rates.contains_key(&pair) {
            return Err(Accepted::TooMany);
        }
        let source = update.source.as_ref();
        let own = all.entry(pair.clone()).or_default();
        if own.is_out_of_order(source, update.source_time) {
            return Err(Accepted::OutOfOrder);
        }
        // Twice the middle: shares of it are those of the middle.
        let value = update.bid.checked_add(update.ask);
        let rule = (self.rate_max_age, DIVERGENCE_MAX);
        own.note(source, update.source_time, value, now);
        let contradicted = own.dispute(source, value, rule, now);
        // Another source may say it the other way round.
        let disputed = contradicted
            || all.get(&inverse).is_some_and(|others| {
                let value = inverse_middle(update);
                value.is_none() || others.dispute(source, value, rule, now)
            });
        let rate = Rate {
            bid: update.bid,
            ask: update.ask,
            received: now.mono,
            disputed,
        };
        rates.insert(pair, rate);
        if let Some(other) = rates.get_mut(&inverse) {
            other.disputed = disputed;
        }
        Ok(disputed)
    }

    fn is_ahead(&self, source_time: i64, now: Now) -> bool {
        let lead = i64::try_from(self.source_lead_max).unwrap_or(i64::MAX);
        source_time > now.wall.saturating_add(lead)
    }

    /// What one unit of `from` counts in `to`, on the side that counts more, and until when that holds (B12).
    /// No rate is never one; a stable coin is not the dollar unless a rate says so.
    ///
    /// # Errors
    /// [`Reason::RateUnavailable`] where a rate of the path is missing, stale or disputed.
    pub fn rate(&self, from: &Currency, to: &Currency, now: Now) -> Result<(Ratio, u64), Reason> {
        if from == to {
            return Ok((Ratio::ONE, u64::MAX));
        }
        let rates = self.rates.load();
        let hop = |from: &Currency, to: &Currency| -> Option<(Ratio, u64)> {
            let until = |rate: &Rate| rate.received.saturating_add(self.rate_max_age);
            let fresh = |from: &Currency, to: &Currency| {
                let rate = rates.get(&(from.clone(), to.clone()))?;
                (now.mono <= until(rate)).then_some(rate)
            };
            let (ratio, rate) = match fresh(from, to) {
                Some(rate) => (rate.ask, rate),
                None => {
                    let rate = fresh(to, from)?;
                    (Ratio::ONE.ratio_up(rate.bid)?, rate)
                }
            };
            (!rate.disputed).then_some((ratio, until(rate)))
        };
        let found = match self.conversions.get(&(from.clone(), to.clone())) {
            None => hop(from, to),
            Some(path) => path
                .windows(2)
                .try_fold((Ratio::ONE, u64::MAX), |(sum, until), pair| match pair {
                    [from, to] => {
                        let (ratio, end) = hop(from, to)?;
                        Some((sum.times_up(ratio)?, until.min(end)))
                    }
                    _ => None,
                }),
        };
        found.ok_or(Reason::RateUnavailable)
    }

    /// Instruments whose value in some bucket may depend on a currency.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Listed>> {
        let mut all: Vec<_> = self.table.load().values().cloned().collect();
        all.sort_by(|one, other| one.instrument.id.cmp(&other.instrument.id));
        all
    }
}

impl Listed {
    /// Whether its contract is being replaced.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.live.changing.load(Ordering::Acquire) > 0
    }

    /// The change is over, whatever came of it.
    pub fn changed(&self) {
        self.live.changing.fetch_sub(1, Ordering::AcqRel);
    }

    /// Usable prices now.
    #[must_use]
    pub fn prices(&self, now: Now, collar_period: bool) -> Prices {
        let mut quoted = self.live.quote.lock();
        let mut prices = Prices::of(&quoted.quote, now, self.instrument.mark_max_age);
        if collar_period && prices.reference.is_some() {
            quoted.forget(now.mono);
            prices.low = quoted.lows.front().map(|(_, price)| *price).or(prices.low);
            prices.high = quoted
                .highs
                .front()
                .map(|(_, price)| *price)
                .or(prices.high);
        }
        prices
    }

    /// The prices as pushed, whatever their age.
    #[must_use]
    pub fn quote(&self) -> Quote {
        self.live.quote.lock().quote.clone()
    }

    /// The last reference price, whatever its age, and until when it is usable: one that is disputed is not.
    #[must_use]
    pub fn last_reference(&self) -> Option<(Price, u64)> {
        let quoted = self.live.quote.lock();
        let until = match quoted.quote.disputed {
            true => 0,
            false => quoted
                .quote
                .received
                .saturating_add(self.instrument.mark_max_age),
        };
        quoted.quote.reference().map(|price| (price, until))
    }

    /// Buckets that hold, or held, the instrument.
    #[must_use]
    pub fn holders(&self) -> Vec<Arc<Bucket>> {
        self.live.holders.lock().clone()
    }

    /// Notes a bucket that is about to hold the instrument: from now on its prices reach it.
    pub fn add_holder(&self, bucket: &Arc<Bucket>) {
        self.live.holders.lock().push(Arc::clone(bucket));
    }

    /// Forgets a bucket that is deleted.
    pub fn remove_holder(&self, bucket: &Arc<Bucket>) {
        self.live
            .holders
            .lock()
            .retain(|holder| !Arc::ptr_eq(holder, bucket));
    }
}

impl Quoted {
    /// Keeps the lowest and highest reference of the period at the front of their queues.
    fn remember(&mut self, now: u64, period: u64, reference: Price) {
        while self.lows.back().is_some_and(|(_, low)| *low >= reference) {
            self.lows.pop_back();
        }
        while self
            .highs
            .back()
            .is_some_and(|(_, high)| *high <= reference)
        {
            self.highs.pop_back();
        }
        let until = now.saturating_add(period);
        self.lows.push_back((until, reference));
        self.highs.push_back((until, reference));
        self.forget(now);
    }

    fn forget(&mut self, now: u64) {
        for queue in [&mut self.lows, &mut self.highs] {
            while queue.len() > 1 && queue.front().is_some_and(|(until, _)| *until <= now) {
                queue.pop_front();
            }
        }
    }
}

/// Puts an instrument into a table that is not in force yet.
fn put(
    table: &mut Table,
    last: &mut u32,
    mut instrument: Instrument,
    version: u64,
) -> Result<(), InstrumentError> {
    let known = table.get(&instrument.id);
    if let Some(known) = known
        && !known.instrument.is_same_contract(&instrument)
        && known
            .holders()
            .iter()
            .any(|bucket| bucket.holds(known.number))
    {
        return Err(InstrumentError::Held);
    }
    instrument.version = version;
    let (number, live) = match known {
        Some(known) => (known.number, Arc::clone(&known.live)),
        None => {
            *last = last.saturating_add(1);
            (*last, Arc::default())
        }
    };
    table.insert(
        instrument.id.clone(),
        Arc::new(Listed {
            number,
            instrument: Arc::new(instrument),
            live,
        }),
    );
    Ok(())
}

/// Twice the middle of the inverse of a rate.
fn inverse_middle(update: &RateUpdate) -> Option<Ratio> {
    let inverse = |ratio: Ratio| Ratio::ONE.ratio_up(ratio);
    inverse(update.ask)?.checked_add(inverse(update.bid)?)
}

fn is_jump(instrument: &Instrument, before: &Quote, after: &Quote) -> bool {
    let (Some(max), Some(old), Some(new)) =
        (instrument.jump_max, before.reference(), after.reference())
    else {
        return false;
    };
    let moved = new.checked_sub(old).and_then(Price::checked_abs);
    let bound = old.checked_abs().and_then(|old| old.times_down(max));
    !matches!((moved, bound), (Some(moved), Some(bound)) if moved <= bound)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    const NOW: Now = Now {
        wall: 1_000,
        mono: 1_000,
    };

    fn rate(pair: (&str, &str), price: &str, source: &str, source_time: i64) -> RateUpdate {
        RateUpdate {
            base: pair.0.parse().unwrap(),
            quote: pair.1.parse().unwrap(),
            bid: price.parse().unwrap(),
            ask: price.parse().unwrap(),
            source: Some(source.parse().unwrap()),
            source_time,
        }
    }

    fn only(market: &Market, update: &RateUpdate) -> Accepted {
        let told = market.push_rates(core::slice::from_ref(update), NOW);
        *told.first().unwrap()
    }

    fn disputed(accepted: Accepted) -> bool {
        let Accepted::At(taken) = accepted else {
            panic!("{accepted:?}");
        };
        taken.disputed
    }

    fn market() -> Market {
        Market::new(&EngineSetup::new("USD".parse().unwrap()))
    }

    #[test]
    fn sources_that_quote_a_pair_in_opposite_directions_are_compared() {
        let market = market();
        let (eur, usd): (Currency, Currency) = ("EUR".parse().unwrap(), "USD".parse().unwrap());
        let push =
            |pair, price, source, time| disputed(only(&market, &rate(pair, price, source, time)));
        let usable = |from, to| market.rate(from, to, NOW).is_ok();

        assert!(!push(("EUR", "USD"), "1.25", "a", 1));
        assert!(!push(("USD", "EUR"), "0.8", "b", 1), "the same, inverted");
        assert!(usable(&eur, &usd) && usable(&usd, &eur));

        assert!(push(("USD", "EUR"), "0.9", "b", 2));
        assert!(!usable(&eur, &usd) && !usable(&usd, &eur));

        // Whoever of them comes round, both directions are usable again.
        assert!(!push(("EUR", "USD"), "1.11", "a", 2));
        assert!(usable(&eur, &usd) && usable(&usd, &eur));
        assert!(push(("EUR", "USD"), "1.25", "a", 3));
        assert!(!push(("USD", "EUR"), "0.8", "b", 3));
        assert!(usable(&eur, &usd) && usable(&usd, &eur));
    }

    #[test]
    fn a_rate_that_is_too_old_gives_way_to_its_inverse() {
        let market = market();
        let (eur, usd): (Currency, Currency) = ("EUR".parse().unwrap(), "USD".parse().unwrap());
        let later = Now {
            mono: NOW.mono + market.rate_max_age + 1,
            ..NOW
        };
        only(&market, &rate(("USD", "EUR"), "0.5", "a", 1));
        assert!(market.rate(&usd, &eur, later).is_err());
        market.push_rates(&[rate(("EUR", "USD"), "1.25", "a", 2)], later);
        let (found, _) = market.rate(&usd, &eur, later).unwrap();
        assert_eq!(found, "0.8".parse().unwrap());
    }

    #[test]
    fn there_are_so_many_currency_pairs_and_no_more() {
        let market = market();
        let pair = |number: usize| rate(("USD", &format!("C{number}")), "1", "a", 1);
        let many: Vec<RateUpdate> = (0..=RATES_MAX).map(pair).collect();
        let told = market.push_rates(&many, NOW);
        let version = market.version();
        let (last, taken) = told.split_last().unwrap();
        assert_eq!(*last, Accepted::TooMany);
        let all_at_once = Accepted::At(Taken {
            version,
            disputed: false,
        });
        assert!(taken.iter().all(|taken| *taken == all_at_once));
        assert_eq!(
            only(&market, &pair(7)),
            Accepted::At(Taken {
                version: version + 1,
                disputed: false
            }),
            "a known one"
        );
    }

    #[test]
    fn one_source_may_quote_both_directions_at_times_of_their_own() {
        let market = market();
        for (pair, price, time) in [(("EUR", "USD"), "1.25", 5), (("USD", "EUR"), "0.5", 4)] {
            assert!(!disputed(only(&market, &rate(pair, price, "a", time))));
        }
    }
}
