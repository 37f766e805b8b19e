//! One figure out of several rounds: the median, with the extremes beside it.
#![allow(
    clippy::disallowed_methods,
    reason = "a bench measures by the machine's clock"
)]

use std::time::{Duration, Instant};

use super::machine::{Noise, Watch};

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

/// Figures of several cells taken in turns: one of each cell in every round, so that a slow stretch of the machine meets them all.
pub struct Table {
    rounds: Vec<Vec<f64>>,
    pub noise: Noise,
}

/// What is shorter cannot be told from noise by the kernel's tallies of 10 ms.
const WATCHED: Duration = Duration::from_millis(500);

impl Table {
    /// Takes so many rounds; one that was disturbed is taken again, up to `retries` times, and then as it is. Short rounds are watched
    /// together.
    pub fn measure<E>(
        rounds: usize,
        retries: usize,
        mut round: impl FnMut() -> Result<Vec<f64>, E>,
    ) -> Result<Self, E> {
        let mut table = Self {
            rounds: Vec::new(),
            noise: Noise::default(),
        };
        let (all, mut short) = (Watch::start(&[]), false);
        while table.rounds.len() < rounds {
            let mut retries = retries;
            loop {
                let (start, watch) = (Instant::now(), Watch::start(&[]));
                let figures = round()?;
                let noise = if start.elapsed() < WATCHED {
                    short = true;
                    Noise::default()
                } else {
                    watch.noise()
                };
                if retries == 0 || noise.is_quiet() {
                    table.rounds.push(figures);
                    table.noise = table.noise.max(noise);
                    break;
                }
                retries = retries.saturating_sub(1);
            }
        }
        if short {
            table.noise = table.noise.max(all.noise());
        }
        Ok(table)
    }

    /// One cell over all rounds.
    pub fn spread(&self, cell: usize) -> Option<Spread> {
        self.by_round(|round| round.get(cell).copied())
    }

    /// Round by round, one cell as a multiple of another.
    pub fn ratio(&self, of: usize, by: usize) -> Option<Spread> {
        self.by_round(|round| Some(round.get(of)? / round.get(by)?))
    }

    /// Round by round, one cell less another.
    pub fn difference(&self, of: usize, less: usize) -> Option<Spread> {
        self.by_round(|round| Some(round.get(of)? - round.get(less)?))
    }

    fn by_round(&self, figure: impl Fn(&[f64]) -> Option<f64>) -> Option<Spread> {
        let figures: Option<Vec<f64>> = self.rounds.iter().map(|round| figure(round)).collect();
        Spread::of(&figures?)
    }
}
