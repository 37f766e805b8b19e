//! Points in time, handed down from the edge. Nothing here reads a clock.

/// One reading of both clocks, taken once per request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Now {
    /// Wall clock: nanoseconds since 1970-01-01 UTC. For trading days, trading windows, expiry and source times.
    pub wall: i64,
    /// Monotonic clock: nanoseconds since the process started. For windows, time-outs and ages.
    pub mono: u64,
}

impl Now {
    /// Age of something stamped at `mono`, zero where it lies ahead.
    #[must_use]
    pub const fn since(self, mono: u64) -> u64 {
        self.mono.saturating_sub(mono)
    }
}

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: u64 = 1_000_000;
