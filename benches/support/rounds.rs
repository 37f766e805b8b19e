//! One figure out of several rounds: the median, with the extremes beside it.

use std::time::Duration;

/// Rounds per cell unless the bench says otherwise; odd, so that the median is a round that took place.
pub const ROUNDS: usize = 9;

/// What several rounds of the same work came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub rounds: usize,
}

impl Spread {
    /// Of one figure per round; `None` if there was no round.
    pub fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: *sorted.get(sorted.len().wrapping_div(2))?,
            min: *sorted.first()?,
            max: *sorted.last()?,
            rounds: sorted.len(),
        })
    }
}

/// Nanoseconds for one of `count` pieces of work that took `total` together.
pub fn nanos_each(total: Duration, count: usize) -> f64 {
    total.as_nanos() as f64 / (count.max(1) as f64)
}

/// How many of `count` pieces of work fit in a second, done in `total`.
pub fn per_second(total: Duration, count: u64) -> f64 {
    count as f64 / total.as_secs_f64().max(f64::MIN_POSITIVE)
}
