//! Why a bucket is above its limits, as long as it is.

use super::BucketState;
use crate::domain::amount::Money;
use crate::domain::decision::Reason;
use crate::domain::state::BreachCause;

impl BucketState {
    /// Notes why the bucket is above a limit, and forgets it when it no longer is.
    pub fn note_breach(&mut self, cause: BreachCause) {
        if self.is_over() {
            // These may have changed nothing for the worse: they explain a breach only where nothing else does.
            let faint = matches!(
                cause,
                BreachCause::PriceMove
                    | BreachCause::FillPrice
                    | BreachCause::Restatement
                    | BreachCause::Exit
            );
            if self.breach == 0 || !faint {
                self.breach |= 1_u16.checked_shl(u32::from(cause_code(cause))).unwrap_or(0);
            }
        } else {
            self.breach = 0;
        }
    }

    /// Forgets why the bucket was above a limit where it no longer is.
    pub fn review_breach(&mut self) {
        if self.breach != 0 && !self.is_over() {
            self.breach = 0;
        }
    }

    /// Why the bucket is above a limit; nothing where it is not.
    #[must_use]
    pub fn breach(&self) -> Vec<BreachCause> {
        ALL_CAUSES
            .iter()
            .copied()
            .filter(|cause| {
                self.breach
                    .checked_shr(u32::from(cause_code(*cause)))
                    .is_some_and(|rest| rest & 1 == 1)
            })
            .collect()
    }

    /// Whether usage is above a limit that is enforced: no other puts a bucket in breach.
    fn is_over(&self) -> bool {
        let enforces = |limit| self.limits.modes.enforces(limit);
        let over = |reason, limit: Option<Money>, usage: Option<Money>| matches!((limit, usage), (Some(limit), Some(usage)) if usage > limit && enforces(reason));
        let limits = &self.limits;
        let (gross, net, traded) = (
            limits.gross_notional_max,
            limits.net_notional_max,
            limits.traded_notional_max,
        );
        self.positions_over > 0
            || over(Reason::GrossNotional, gross, Some(self.totals.gross))
            || over(Reason::NetNotional, net, Some(self.totals.net()))
            || over(Reason::TradedNotional, traded, self.traded_and_open())
            || self.tags.iter().any(|tag| tag.sum > tag.bound) && enforces(Reason::Concentration)
            || limits
                .open_orders
                .is_some_and(|limit| self.live_orders() > limit.max)
                && enforces(Reason::OpenOrders)
    }
}

const ALL_CAUSES: &[BreachCause] = &[
    BreachCause::PriceMove,
    BreachCause::LateFill,
    BreachCause::Overfill,
    BreachCause::UnknownFill,
    BreachCause::FillPrice,
    BreachCause::LimitCut,
    BreachCause::Bust,
    BreachCause::Restatement,
    BreachCause::OpeningPosition,
    BreachCause::Exit,
    BreachCause::SpreadCredit,
];

const fn cause_code(cause: BreachCause) -> u8 {
    match cause {
        BreachCause::PriceMove => 0,
        BreachCause::LateFill => 1,
        BreachCause::Overfill => 2,
        BreachCause::UnknownFill => 3,
        BreachCause::FillPrice => 4,
        BreachCause::LimitCut => 5,
        BreachCause::Bust => 6,
        BreachCause::Restatement => 7,
        BreachCause::OpeningPosition => 8,
        BreachCause::Exit => 9,
        BreachCause::SpreadCredit => 10,
    }
}
