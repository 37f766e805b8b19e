//! How long single calls took.

use std::error::Error;
use std::time::Duration;

use hdrhistogram::Histogram;

pub struct Latency(Histogram<u64>);

impl Latency {
    pub fn new() -> Result<Self, Box<dyn Error>> {
        // Up to a minute, to three digits.
        Ok(Self(Histogram::new_with_bounds(1, 60_000_000_000, 3)?))
    }

    pub fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(nanos);
    }

    pub fn add(&mut self, other: &Self) -> Result<(), Box<dyn Error>> {
        Ok(self.0.add(&other.0)?)
    }

    /// Microseconds below which so many percent lie.
    pub fn micros(&self, percentile: f64) -> f64 {
        self.0.value_at_percentile(percentile) as f64 / 1_000.0
    }

    /// How many took longer.
    pub fn beyond(&self, bound: Duration) -> f64 {
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        self.0.len().saturating_sub(self.0.count_between(0, nanos)) as f64
    }
}
