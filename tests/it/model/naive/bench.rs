//! One order or replace before the checks, and what stands against it.

use bulkhead::domain::decision::{Level, Reason};
use bulkhead::domain::name::ClientId;
use bulkhead::domain::order::{ShortSale, Side, Size, Terms, TimeInForce};

use super::life::Held;
use super::rules::Rate;
use super::{Finding, ONE, U};

/// One order or replace before the checks.
pub(super) struct Ask {
    pub(super) client: ClientId,
    pub(super) id: String,
    pub(super) bucket: usize,
    pub(super) instrument: usize,
    pub(super) account: usize,
    pub(super) side: Side,
    pub(super) terms: Terms,
    pub(super) time_in_force: TimeInForce,
    pub(super) display: Option<U>,
    pub(super) size: Size,
    pub(super) reduce_only: bool,
    pub(super) post_only: bool,
    pub(super) short_sale: ShortSale,
    pub(super) located: bool,
    pub(super) replaces: Option<usize>,
    pub(super) source: Option<usize>,
    /// Bucket and venue that were asked, where the client has to accept this route.
    pub(super) offered: Option<(usize, String)>,
}

pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    pub(super) exit: bool,
    /// Whether it may draw on what is kept for exits: a replace to less may not (F1).
    pub(super) reserve: bool,
    pub(super) reduces: bool,
    pub(super) quantity: U,
    pub(super) after: Option<Held>,
    pub(super) added: U,
}

const TESTED_ON_EXITS: &[Reason] = &[
    Reason::StateHalted,
    Reason::StateCancelOnly,
    Reason::ClientQuota,
    Reason::InstrumentExpired,
    Reason::VenueNotListed,
    Reason::PriceNotPositive,
    Reason::PriceOffTick,
    Reason::QuantityOffLot,
    Reason::ExpireTimePast,
    Reason::LegalRestriction,
    Reason::OrderQuantity,
    Reason::OrderBaseQuantity,
    Reason::PriceCollar,
    Reason::PriceCollarPeriod,
    Reason::SelfMatch,
    Reason::OpenOrders,
    Reason::InboundCap,
    Reason::OrderRate,
];

/// Reasons that may reroute (RR3).
pub const CAPACITY: &[Reason] = &[
    Reason::PositionLong,
    Reason::PositionShort,
    Reason::GrossNotional,
    Reason::NetNotional,
    Reason::OpenOrders,
    Reason::Concentration,
    Reason::OrderRate,
    Reason::NotionalRate,
];

pub(super) struct Bench {
    pub(super) exit: bool,
    pub(super) findings: Vec<Finding>,
}

impl Bench {
    pub(super) fn put(&mut self, reason: Reason, level: Level, figures: Option<(U, U, U)>) {
        self.findings.push(Finding {
            reason,
            level,
            figures,
        });
    }

    fn skips(&self, reason: Reason) -> bool {
        self.exit && !TESTED_ON_EXITS.contains(&reason)
    }

    pub(super) fn require(&mut self, reason: Reason, level: Level, passes: bool) {
        if !passes && !self.skips(reason) {
            self.put(reason, level, None);
        }
    }

    pub(super) fn measure(&mut self, reason: Reason, level: Level, limit: U, before: U, after: U) {
        if after > limit && after > before && !self.skips(reason) {
            self.put(reason, level, Some((limit, before, after)));
        }
    }

    pub(super) fn value(
        &mut self,
        reason: Reason,
        level: Level,
        limit: U,
        before: U,
        after: Result<U, Reason>,
    ) {
        match after {
            Ok(after) => self.measure(reason, level, limit, before, after),
            Err(cause) => self.unavailable(cause),
        }
    }

    pub(super) fn unavailable(&mut self, cause: Reason) {
        if !self.exit && self.findings.iter().all(|finding| finding.reason != cause) {
            self.put(cause, Level::Order, None);
        }
    }
}

pub(super) const fn count(number: u32) -> U {
    number as U * ONE
}

pub(super) fn use_of(list: &[(u64, bool)], limit: &Rate, now: u64, exit: bool) -> (u32, u32, bool) {
    let within = |reserve: bool| {
        let counted = list
            .iter()
            .filter(|(time, from)| *from == reserve && now - time < limit.window);
        u32::try_from(counted.count()).unwrap()
    };
    if exit && within(true) < limit.reserve {
        return (limit.reserve, within(true), true);
    }
    let general = limit.max - limit.reserve;
    (general, within(false).min(general), false)
}
