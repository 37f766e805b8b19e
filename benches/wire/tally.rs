//! What a client counted while it drove a server.

use std::error::Error;
use std::time::{Duration, Instant};

use bulkhead::pb::{
    BatchItemResult, DecideResponse, Outcome, SessionResponse, batch_item_result, session_response,
};
use hdrhistogram::Histogram;

/// Ends a closed loop.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    Time(Duration),
    Orders(u64),
}

impl Limit {
    /// Whether `sent` orders since `start` are all.
    pub fn is_reached(self, start: Instant, now: Instant, sent: u64) -> bool {
        match self {
            Self::Time(time) => now.saturating_duration_since(start) >= time,
            Self::Orders(orders) => sent >= orders,
        }
    }
}

/// Answers and their latencies.
pub struct Tally {
    /// Answered orders.
    pub orders: u64,
    /// Of those, approved.
    pub approved: u64,
    /// From the first order sent to the last answer.
    pub elapsed: Duration,
    /// Nanoseconds, one for each answer: of a batch, one in all.
    pub latency: Histogram<u64>,
}

impl Tally {
    pub fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            orders: 0,
            approved: 0,
            elapsed: Duration::ZERO,
            // Up to a minute, to three digits: more than a call may take, finer than the clock is steady.
            latency: Histogram::new_with_bounds(1, 60_000_000_000, 3)?,
        })
    }

    pub fn latency_of(&mut self, answer: Duration) {
        let nanos = u64::try_from(answer.as_nanos()).unwrap_or(u64::MAX);
        self.latency.saturating_record(nanos);
    }

    pub fn decision(&mut self, response: &DecideResponse) {
        self.orders += 1;
        let approved = response
            .decision
            .as_ref()
            .is_some_and(|decision| decision.outcome() == Outcome::Approved);
        self.approved += u64::from(approved);
    }

    /// Counts the decisions of one session answer; an answer that is none is an error.
    pub fn answer(&mut self, response: &SessionResponse) -> Result<(), Box<dyn Error>> {
        match &response.payload {
            Some(session_response::Payload::Decide(response)) => self.decision(response),
            Some(session_response::Payload::Batch(batch)) => {
                for item in &batch.items {
                    self.item(item)?;
                }
            }
            other => return Err(format!("no decision in the answer: {other:?}").into()),
        }
        Ok(())
    }

    fn item(&mut self, item: &BatchItemResult) -> Result<(), Box<dyn Error>> {
        match &item.result {
            Some(batch_item_result::Result::Decide(response)) => {
                self.decision(response);
                Ok(())
            }
            other => Err(format!("no decision in the batch: {other:?}").into()),
        }
    }

    /// Microseconds below which so many percent of the answers came.
    pub fn micros(&self, percentile: f64) -> f64 {
        self.latency.value_at_percentile(percentile) as f64 / 1_000.0
    }

    /// Adds another tally of the same kind, taken after this one.
    pub fn add(&mut self, other: &Self) -> Result<(), Box<dyn Error>> {
        self.orders += other.orders;
        self.approved += other.approved;
        self.elapsed += other.elapsed;
        Ok(self.latency.add(&other.latency)?)
    }
}
