//! Linked orders of a bucket, and what each of them counts now (J2, J3).
//!
//! A link knows what each of its orders would hold by itself. Of two that exclude each other the one that changes is always the one that
//! counts what it holds beyond the other: so a change moves no figure but its own, and what is noted with the two is shared out anew. The legs of a spread move each other's.

use super::{BucketState, Move};
use crate::domain::amount::{Money, Quantity};
use crate::domain::order::Side;
use crate::engine::order::OrderRecord;
use crate::risk::exposure::Hold;
use crate::risk::link::{Rule, beyond, combinations, credited, is_alike};

/// An order's place in a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seat {
    /// Number of the link.
    pub link: u64,
    /// Its place among the members.
    pub place: usize,
}

/// What comes of a change of a linked order.
#[derive(Clone, Debug, Default)]
pub struct Relinked {
    /// What it counted, as the last of those it excludes.
    pub before: Hold,
    /// What it counts so.
    pub after: Hold,
    /// What is noted with it: of two that exclude each other the first is noted in full, whichever changed last.
    pub noted: Hold,
    /// Moves of others, each in an instrument and of the order of a number.
    pub moves: Vec<(u32, usize, Move)>,
}

/// Orders that are linked.
pub(super) struct Link {
    rule: Rule,
    members: Vec<Member>,
}

struct Member {
    /// Its number among the live orders; none while it is not entered, and once it is over.
    number: Option<usize>,
    instrument: u32,
    side: Side,
    /// What it would hold by itself. Before a leg of a combination is entered, the quantity it will have.
    own: Hold,
}

impl Link {
    /// What a member counts, the last of those it excludes; nothing on overflow.
    fn counted(&self, place: usize, own: Hold) -> Option<Hold> {
        match &self.rule {
            Rule::OneCancelsOther => {
                let side = self.members.get(place)?.side;
                let mate = self.mate(place)?;
                beyond((side, own), (mate.side, mate.own))
            }
            Rule::Spread { ratios, share } => {
                let open = self.members.iter().enumerate().map(|(at, member)| {
                    let own = if at == place { own } else { member.own };
                    own.quantity
                });
                let many = combinations(open, ratios)?;
                credited(own, many, *ratios.get(place)?, *share)
            }
        }
    }

    /// What is noted with a member: of two that exclude each other the first one in full, so that nothing hangs on which changed last.
    fn noted(&self, place: usize) -> Option<Hold> {
        let own = self.members.get(place)?.own;
        match (&self.rule, place) {
            (Rule::OneCancelsOther, 0) => Some(own),
            (Rule::OneCancelsOther | Rule::Spread { .. }, _) => self.counted(place, own),
        }
    }

    fn mate(&self, place: usize) -> Option<&Member> {
        self.members.get(1_usize.checked_sub(place)?)
    }
}

impl BucketState {
    /// Links orders that are about to be entered, each of this side and quantity; the number of the link.
    pub fn link(&mut self, rule: Rule, orders: impl Iterator<Item = (u32, Side, Quantity)>) -> u64 {
        let number = self.next_link;
        self.next_link = self.next_link.saturating_add(1);
        // The legs of a combination are weighed as if those behind them were there; who excludes another is not there before it is.
        let is_whole = matches!(rule, Rule::Spread { .. });
        let member = |(instrument, side, quantity)| Member {
            number: None,
            instrument,
            side,
            own: Hold {
                quantity: if is_whole { quantity } else { Quantity::ZERO },
                ..Hold::default()
            },
        };
        let members = orders.map(member).collect();
        self.links.insert(number, Link { rule, members });
        number
    }

    /// Forgets a link whose orders were not entered.
    pub fn unlink(&mut self, number: u64) {
        self.links.remove(&number);
        self.next_link = self.next_link.min(number);
    }

    /// Whether a linked order is a leg of a package.
    #[must_use]
    pub fn is_in_package(&self, seat: Option<&Seat>) -> bool {
        let link = seat.and_then(|seat| self.links.get(&seat.link));
        link.is_some_and(|link| matches!(link.rule, Rule::Spread { .. }))
    }

    /// The live order that the venue cancels when this one fills, where both count as one.
    #[must_use]
    pub(super) fn excluded_by(&self, record: &OrderRecord) -> Option<&OrderRecord> {
        let seat = record.link.as_deref()?;
        let link = self.links.get(&seat.link)?;
        let (own, mate) = (link.members.get(seat.place)?, link.mate(seat.place)?);
        let is_one = link.rule == Rule::OneCancelsOther
            && is_alike((own.side, own.own), (mate.side, mate.own));
        self.orders.get(mate.number.filter(|_| is_one)?)
    }

    /// What a linked order counts where it would hold `own` by itself.
    #[must_use]
    pub fn counted(&self, seat: &Seat, own: Hold) -> Option<Hold> {
        match self.links.get(&seat.link) {
            Some(link) => link.counted(seat.place, own),
            None => Some(own),
        }
    }

    /// What a linked live order counts now, where it is the one that is about to change.
    #[must_use]
    pub fn counts_now(&self, seat: &Seat, hold: Hold) -> Hold {
        let Some(link) = self.links.get(&seat.link) else {
            return hold;
        };
        match &link.rule {
            Rule::OneCancelsOther => link
                .members
                .get(seat.place)
                .and_then(|member| link.counted(seat.place, member.own))
                .unwrap_or(hold),
            Rule::Spread { .. } => hold,
        }
    }

    /// Quantity with which a linked order and those it excludes close a position together, and what they already do.
    #[must_use]
    pub fn closing(
        &self,
        seat: &Seat,
        side: Side,
        quantity: Quantity,
    ) -> Option<(Quantity, Quantity)> {
        let link = self.links.get(&seat.link)?;
        let mate = link.mate(seat.place)?;
        let own = link.members.get(seat.place)?;
        let excludes = link.rule == Rule::OneCancelsOther && mate.side == side && mate.own.exit;
        excludes.then(|| {
            (
                quantity.max(mate.own.quantity),
                own.own.quantity.max(mate.own.quantity),
            )
        })
    }

    /// Enters what a linked order would hold by itself, and where it is.
    pub fn take_seat(&mut self, seat: &Seat, number: usize, own: Hold) {
        let Some(link) = self.links.get_mut(&seat.link) else {
            return;
        };
        if let Some(member) = link.members.get_mut(seat.place) {
            (member.number, member.own) = (Some(number), own);
        }
        if link.rule == Rule::OneCancelsOther {
            for (place, member) in link.members.iter().enumerate() {
                if let (Some(number), Some(noted)) = (member.number, link.noted(place))
                    && let Some(record) = self.orders.get_mut(number)
                {
                    record.hold = noted;
                }
            }
        }
    }

    /// Notes where a linked order is after a change, or that it is over. A link whose orders are all over is forgotten.
    pub fn reseat(&mut self, seat: &Seat, number: Option<usize>) {
        let Some(link) = self.links.get_mut(&seat.link) else {
            return;
        };
        if let Some(member) = link.members.get_mut(seat.place) {
            member.number = number;
        }
        if link.members.iter().all(|member| member.number.is_none()) {
            self.links.remove(&seat.link);
        }
    }

    /// Takes note of what a linked order would hold by itself now: what it counted and counts, and the moves of those it is linked with.
    /// Nothing on overflow.
    pub fn relink(&mut self, record: &OrderRecord, own: Hold) -> Option<Relinked> {
        let alone = Relinked {
            before: record.hold,
            after: own,
            noted: own,
            moves: Vec::new(),
        };
        let Some(seat) = record.link.as_deref() else {
            return Some(alone);
        };
        if !self.links.contains_key(&seat.link) {
            return Some(alone);
        }
        let before = self.counts_now(seat, record.hold);
        let after = self.counted(seat, own)?;
        let link = self.links.get_mut(&seat.link)?;
        link.members.get_mut(seat.place)?.own = own;
        let mut moves = Vec::new();
        match link.rule {
            Rule::OneCancelsOther => {
                let other = 1_usize.checked_sub(seat.place)?;
                let (mate, noted) = (link.members.get(other)?, link.noted(other)?);
                if let Some(number) = mate.number
                    && let Some(mate) = self.orders.get_mut(number)
                {
                    mate.hold = noted;
                }
            }
            Rule::Spread { .. } => {
                for (place, member) in link.members.iter().enumerate() {
                    let mate = member
                        .number
                        .and_then(|number| Some((number, self.orders.get(number)?)));
                    let (Some((number, mate)), false) = (mate, place == seat.place) else {
                        continue;
                    };
                    let after = link.counted(place, member.own)?;
                    if after != mate.hold {
                        moves.push((
                            member.instrument,
                            number,
                            Move {
                                account: mate.account,
                                side: mate.side,
                                before: mate.hold,
                                after,
                                position: None,
                            },
                        ));
                    }
                }
            }
        }
        let noted = link.noted(seat.place)?;
        Some(Relinked {
            before,
            after,
            noted,
            moves,
        })
    }

    /// Values the linked orders in an instrument at its mark: those that these numbers are of.
    pub(super) fn revalue_links(&mut self, number: u32, unit: Money, linked: &[u64]) {
        for id in linked {
            let Some(link) = self.links.get_mut(id) else {
                continue;
            };
            let mut new = Vec::new();
            for member in link.members.iter_mut().filter(|it| it.instrument == number) {
                let record = member.number.and_then(|at| self.orders.get(at));
                let own = record.and_then(|record| record.life.hold()?.at(unit));
                member.own = own.unwrap_or(member.own);
            }
            let mut has_full = false;
            for (place, member) in link.members.iter().enumerate() {
                let Some(at) = member.number.filter(|_| member.instrument == number) else {
                    continue;
                };
                // Of two that exclude each other the first counts in full.
                let hold = if link.rule == Rule::OneCancelsOther && !has_full {
                    has_full = true;
                    Some(member.own)
                } else {
                    link.counted(place, member.own)
                };
                new.push((at, hold));
            }
            let Some(holding) = self.holdings.get_mut(&number) else {
                return;
            };
            for (at, new) in new {
                let (Some(record), Some(new)) = (self.orders.get_mut(at), new) else {
                    holding.unit_until = 0;
                    continue;
                };
                super::replace_hold(holding, record, new);
            }
        }
    }
}
