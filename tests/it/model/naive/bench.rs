//! One order or replace before the checks, and what stands against it.

use std::collections::BTreeMap;

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
    pub(super) link: Option<(usize, usize)>,
    /// Bucket and venue that were asked, where the client has to accept this route.
    pub(super) offered: Option<(usize, String)>,
}

pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    pub(super) shadow: Vec<Finding>,
    pub(super) shadowed: Vec<(Reason, Level)>,
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
    /// Whether what is measured is at one venue.
    pub(super) by_venue: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) shadow: Vec<Finding>,
    /// The limits that those are of, each once.
    pub(super) shadowed: Vec<(Reason, Level)>,
    /// What is not enforced, and whose: whether it is in shadow.
    pub(super) relaxed: BTreeMap<(Level, Reason), bool>,
    /// Whether the collar is the contract's own, which is of no bucket.
    pub(super) own_collar: bool,
}

impl Bench {
    /// Whose limit it is: a group's, or else the bucket's.
    fn owner(&self, reason: Reason, level: Level) -> Option<Level> {
        let collar = [Reason::PriceCollar, Reason::PriceCollarPeriod].contains(&reason);
        match level {
            // The rule of the bucket that asks, wherever the other order rests.
            _ if reason == Reason::SelfMatch => Some(Level::Bucket),
            Level::Desk | Level::Firm | Level::Venue | Level::Counterparty => Some(level),
            Level::Client => None,
            _ if collar && self.own_collar => None,
            _ => Some(Level::Bucket),
        }
    }

    fn put(&mut self, limit: Reason, level: Level, finding: Finding) {
        let owner = self.owner(limit, level);
        let list = match owner.and_then(|owner| self.relaxed.get(&(owner, limit))) {
            Some(false) => return,
            Some(true) => {
                let of = (limit, owner.unwrap());
                if !self.shadowed.contains(&of) {
                    self.shadowed.push(of);
                }
                &mut self.shadow
            }
            None => &mut self.findings,
        };
        let cause = finding.reason != limit;
        if !cause || list.iter().all(|known| known.reason != finding.reason) {
            list.push(finding);
        }
    }

    pub(super) fn fail(&mut self, reason: Reason, level: Level, figures: Option<(U, U, U)>) {
        let finding = Finding {
            reason,
            level,
            by_venue: self.by_venue && figures.is_some(),
            figures,
        };
        self.put(reason, level, finding);
    }

    fn skips(&self, reason: Reason) -> bool {
        self.exit && !TESTED_ON_EXITS.contains(&reason)
    }

    pub(super) fn require(&mut self, reason: Reason, level: Level, passes: bool) {
        if !passes && !self.skips(reason) {
            self.fail(reason, level, None);
        }
    }

    pub(super) fn measure(&mut self, reason: Reason, level: Level, limit: U, before: U, after: U) {
        if after > limit && after > before && !self.skips(reason) {
            self.fail(reason, level, Some((limit, before, after)));
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
            Err(cause) => self.unavailable(reason, level, cause),
        }
    }

    /// A limit that cannot be computed: the cause is said, and not the limit.
    pub(super) fn unavailable(&mut self, limit: Reason, level: Level, cause: Reason) {
        if !self.exit {
            let finding = Finding {
                reason: cause,
                level: Level::Order,
                by_venue: false,
                figures: None,
            };
            self.put(limit, level, finding);
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
