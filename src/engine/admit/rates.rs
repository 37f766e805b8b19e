//! Order rates of the bucket and of the client: what an attempt draws on, and that it counts (F1).

use parking_lot::MutexGuard;

use super::Sitting;
use crate::engine::bucket::BucketState;
use crate::risk::window::{OrderRate, RateUse};

/// The shares of the bucket's and the client's order rate that an attempt draws on.
#[derive(Clone, Copy, Default)]
pub(super) struct Rates {
    pub(super) bucket: Option<RateUse>,
    pub(super) client: Option<RateUse>,
}

impl Rates {
    pub(super) fn read(
        state: &BucketState,
        sitting: &Sitting<'_>,
        client: Option<&OrderRate>,
        exit: bool,
    ) -> Self {
        let now = sitting.now.mono;
        let usage = |rate: &OrderRate, limit| rate.usage(limit, now, exit);
        Self {
            bucket: state
                .limits
                .order_rate
                .as_ref()
                .map(|limit| usage(&state.rate, limit)),
            client: client
                .zip(sitting.client.setup.order_rate.as_ref())
                .map(|(rate, limit)| usage(rate, limit)),
        }
    }

    /// Counts the attempt, approved or not: a flood is not free (F1).
    pub(super) fn record(
        &self,
        state: &mut BucketState,
        sitting: &Sitting<'_>,
        client: Option<&mut OrderRate>,
    ) {
        let now = sitting.now.mono;
        if let (Some(limit), Some(rate)) = (state.limits.order_rate, self.bucket) {
            state.rate.record(&limit, now, rate);
        }
        if let (Some(own), Some(limit), Some(rate)) =
            (client, sitting.client.setup.order_rate, self.client)
        {
            own.record(&limit, now, rate);
        }
    }
}

/// The client's own rate, locked from the test to the count, since its orders for other buckets draw on it too. Nothing where it has none.
pub(super) fn client_rate<'a>(sitting: &Sitting<'a>) -> Option<MutexGuard<'a, OrderRate>> {
    let limited = sitting.client.setup.order_rate.is_some();
    limited.then(|| sitting.client.rate.lock())
}
