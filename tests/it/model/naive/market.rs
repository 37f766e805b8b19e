//! Prices, and what a contract is worth by them.

use bulkhead::domain::decision::Reason;

use super::{Model, ONE, U, up};

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
pub(super) struct Prices {
    pub(super) reference: Option<U>,
    pub(super) bid: Option<U>,
    pub(super) ask: Option<U>,
    pub(super) low: Option<U>,
    pub(super) high: Option<U>,
    pub(super) index: Option<U>,
}

impl Model {
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

    pub(super) fn rate(&self, instrument: usize) -> Result<(U, u64), Reason> {
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

    pub(super) fn prices(&self, instrument: usize) -> Prices {
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

    pub(super) fn unit(&self, instrument: usize, price: Option<U>, rate: U) -> Option<U> {
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
    pub(super) fn meet(&mut self, pool: usize, instrument: usize) -> bool {
        let first = self.pools[pool].fresh[instrument].is_none();
        if first {
            self.value_anew(pool, instrument);
        }
        first
    }

    /// It only asked, or was refused: the next time is the first again.
    pub(super) fn part(&mut self, pool: usize, instrument: usize) {
        self.pools[pool].fresh[instrument] = None;
        self.pools[pool].units[instrument] = None;
    }
}
