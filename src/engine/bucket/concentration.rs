//! Concentration: gross exposure in one underlying, expiry, sector or venue (B4).

use std::sync::Arc;

use arrayvec::ArrayVec;

use super::{BucketState, Shift};
use crate::domain::amount::Money;
use crate::domain::decision::{Dimension, Route};
use crate::domain::instrument::Instrument;
use crate::engine::market::Listed;
use crate::risk::limits::ConcentrationBound;

/// Most concentration limits one instrument can fall under: one by name and one for all, in each dimension.
pub const CONCENTRATIONS: usize = 8;

/// Concentration limits with their figures: dimension, bound, before, after.
pub type Touched = ArrayVec<(Dimension, Money, Money, Money), CONCENTRATIONS>;

/// Most accounts a bucket may have.
pub const ACCOUNTS: usize = 64;

/// Gross exposure within one set of instruments that a limit counts.
#[derive(Clone, Debug)]
pub(super) struct Tagged {
    pub(super) dimension: Dimension,
    pub(super) bound: Money,
    pub(super) sum: Money,
    /// Of a venue: which of the bucket's accounts are there, a bit each.
    pub(super) accounts: u64,
}

/// What a tag is called; read only when one is looked for by name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TagName {
    pub(super) dimension: Dimension,
    pub(super) value: String,
    pub(super) named: bool,
}

impl Tagged {
    pub(super) fn is_at(&self, account: u16) -> bool {
        account_bit(account) & self.accounts != 0
    }

    pub(super) fn change(&mut self, gross: (Money, Money)) {
        if let Some(sum) = self
            .sum
            .checked_sub(gross.0)
            .and_then(|rest| rest.checked_add(gross.1))
        {
            self.sum = sum;
        }
    }
}

impl BucketState {
    /// The concentration limits a shift touches; nothing on overflow.
    pub fn concentrations(&self, shift: &Shift, account: u16, touched: &mut Touched) -> Option<()> {
        let Some(holding) = self.holdings.get(&shift.number) else {
            return Some(());
        };
        for at in &holding.tags {
            let tag = self.tags.get(usize::from(*at))?;
            let after = tag
                .sum
                .checked_sub(holding.worth.gross())?
                .checked_add(shift.worth.gross())?;
            touched
                .try_push((tag.dimension, tag.bound, tag.sum, after))
                .ok()?;
        }
        if self.limits.concentration.is_empty() {
            return Some(());
        }
        let (before, after) = match shift.account {
            Some(part) => (
                holding
                    .account_line(part.account)
                    .map_or(Money::ZERO, |line| line.worth.gross()),
                part.worth.gross(),
            ),
            None => (holding.worth.gross(), shift.worth.gross()),
        };
        for tag in self.tags.iter().filter(|tag| tag.is_at(account)) {
            let after = tag.sum.checked_sub(before)?.checked_add(after)?;
            touched
                .try_push((tag.dimension, tag.bound, tag.sum, after))
                .ok()?;
        }
        Some(())
    }

    pub(super) fn change_venue(&mut self, account: u16, gross: (Money, Money)) {
        for tag in self.tags.iter_mut().filter(|tag| tag.is_at(account)) {
            tag.change(gross);
        }
    }

    /// Forgets the tags made last, which no holding has.
    pub(super) fn forget_tags(&mut self, kept: usize) {
        self.tags.truncate(kept);
        self.tag_names.truncate(kept);
    }

    /// The tags of an instrument, made where a limit counts it on its own for the first time.
    pub(super) fn tags_of(&mut self, listed: &Listed) -> ArrayVec<u16, CONCENTRATIONS> {
        let limits = Arc::clone(&self.limits);
        let mut tags = ArrayVec::new();
        let instrument = &listed.instrument;
        let accounts = Arc::clone(&self.accounts);
        for limit in &limits.concentration {
            let bound = match limit.bound {
                ConcentrationBound::Money(money) => money,
                ConcentrationBound::CapitalShare(share) => limits
                    .capital
                    .and_then(|capital| capital.times_down(share))
                    .unwrap_or(Money::ZERO),
            };
            let values: Vec<String> = match limit.dimension {
                Dimension::Underlying | Dimension::Expiry | Dimension::Sector => {
                    set_name(instrument, limit.dimension).into_iter().collect()
                }
                Dimension::Venue => accounts
                    .iter()
                    .map(|route| route.venue.to_string())
                    .collect(),
            };
            for value in values {
                if limit.value.as_ref().is_some_and(|wanted| *wanted != value) {
                    continue;
                }
                let name = TagName {
                    dimension: limit.dimension,
                    named: limit.value.is_some(),
                    value,
                };
                let known = self.tag_names.iter().position(|known| *known == name);
                // Two limits on one set: the tighter one holds.
                if let Some(tag) = known.and_then(|at| self.tags.get_mut(at)) {
                    tag.bound = tag.bound.min(bound);
                }
                let at = known.unwrap_or_else(|| {
                    let is_there = |route: &Arc<Route>| {
                        name.dimension == Dimension::Venue && route.venue.as_str() == name.value
                    };
                    let there = accounts
                        .iter()
                        .zip(0_u16..)
                        .filter(|(route, _)| is_there(route));
                    self.tags.push(Tagged {
                        dimension: limit.dimension,
                        bound,
                        sum: Money::ZERO,
                        accounts: there.fold(0, |bits, (_, at)| bits | account_bit(at)),
                    });
                    self.tag_names.push(name);
                    self.tags.len().saturating_sub(1)
                });
                // The sum of a venue is kept by account, not by instrument.
                if limit.dimension != Dimension::Venue
                    && let Ok(at) = u16::try_from(at)
                    && !tags.contains(&at)
                {
                    let _ = tags.try_push(at);
                }
            }
        }
        tags
    }

    /// Sums of every concentration limit: dimension, value, bound, sum.
    pub fn concentration_usage(&self) -> impl Iterator<Item = (Dimension, &str, Money, Money)> {
        self.tags
            .iter()
            .zip(&self.tag_names)
            .map(|(tag, name)| (tag.dimension, name.value.as_str(), tag.bound, tag.sum))
    }
}

/// Name of the set that an instrument is in; none where it is in none. Venues are not of the instrument but of the account.
pub(in crate::engine) fn set_name(instrument: &Instrument, dimension: Dimension) -> Option<String> {
    match dimension {
        Dimension::Underlying => Some(instrument.underlying.to_string()),
        Dimension::Expiry => {
            let time = jiff::Timestamp::from_nanosecond(i128::from(instrument.expiry?)).ok()?;
            Some(time.strftime("%Y-%m-%d").to_string())
        }
        Dimension::Sector => instrument.sector.as_ref().map(ToString::to_string),
        Dimension::Venue => None,
    }
}

fn account_bit(account: u16) -> u64 {
    1_u64.checked_shl(u32::from(account)).unwrap_or(0)
}
