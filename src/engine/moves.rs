//! What buckets hang under: venues and counterparties that count their accounts, and moves from one group to another (L4).

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::admin::{AdminError, QUARANTINE, same_currency};
use super::bucket::BucketState;
use super::group::{Footprint, Group, GroupAfter, GroupState, Levels, Site};
use super::setup::EngineSetup;
use super::{DEPTH, Engine};
use crate::domain::amount::Money;
use crate::domain::decision::{Level, Reason, Unit};
use crate::domain::name::{AccountId, BucketId, Currency, GroupId, VenueId};
use crate::domain::time::Now;
use crate::engine::view::Usage;

/// Venues and counterparties that have limits.
#[derive(Default)]
pub(super) struct Around {
    by_venue: BTreeMap<VenueId, Vec<Arc<Group>>>,
    all: Vec<Arc<Group>>,
}

/// What came of a move.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Moved {
    /// Number of the event.
    pub sequence: u64,
    /// Version of the bucket's configuration.
    pub version: u64,
    /// Whether anything had to change.
    pub changed: bool,
    /// Groups that the bucket hung under before, the nearest first.
    pub from: Vec<GroupId>,
    /// Limits above it that are broken by its arrival; only where it was forced.
    pub broken: Vec<Usage>,
}

impl Around {
    /// # Errors
    /// Where a venue, or a counterparty, is named twice, or a venue belongs to two counterparties.
    pub(super) fn new(setup: &EngineSetup) -> Result<Self, AdminError> {
        let mut around = Self::default();
        for venue in &setup.venues {
            let id = venue.id.as_str().parse().map_err(|_| AdminError::Exists)?;
            let limits = venue.limits.clone();
            let calendar = venue.calendar.clone();
            let group = Arc::new(Group::new(id, Level::Venue, None, limits, calendar));
            let levels = around.by_venue.entry(venue.id.clone()).or_default();
            if !levels.is_empty() {
                return Err(AdminError::Exists);
            }
            levels.push(Arc::clone(&group));
            around.all.push(group);
        }
        for one in &setup.counterparties {
            let is_known =
                |group: &Arc<Group>| group.level == Level::Counterparty && group.id == one.id;
            if around.all.iter().any(is_known) {
                return Err(AdminError::Exists);
            }
            let (limits, calendar) = (one.limits.clone(), one.calendar.clone());
            let level = Level::Counterparty;
            let group = Arc::new(Group::new(one.id.clone(), level, None, limits, calendar));
            for venue in &one.venues {
                let levels = around.by_venue.entry(venue.clone()).or_default();
                if levels.iter().any(|other| other.level == level) {
                    return Err(AdminError::Hierarchy);
                }
                levels.push(Arc::clone(&group));
            }
            around.all.push(group);
        }
        Ok(around)
    }

    fn of(&self, venue: &VenueId) -> Vec<Arc<Group>> {
        self.by_venue.get(venue).cloned().unwrap_or_default()
    }
}

impl Engine {
    /// Venues and counterparties with limits of their own: venues first, as they are configured.
    #[must_use]
    pub fn levels_around(&self) -> &[Arc<Group>] {
        &self.around.all
    }

    /// Everything above a bucket with these accounts under this group.
    pub(super) fn levels_for(
        &self,
        parent: Option<&GroupId>,
        accounts: &[(VenueId, AccountId)],
        currency: &Currency,
    ) -> Result<Levels, AdminError> {
        let path = self.path_of(parent)?;
        let accounts: Vec<_> = accounts
            .iter()
            .map(|(venue, _)| self.around.of(venue))
            .collect();
        for group in path.iter().take(1).chain(accounts.iter().flatten()) {
            same_currency(&group.state.lock().limits.currency, currency)?;
        }
        Ok(Levels::new(path, &accounts))
    }

    fn path_of(&self, parent: Option<&GroupId>) -> Result<Vec<Arc<Group>>, AdminError> {
        let mut path = Vec::new();
        let mut next = match parent {
            Some(id) => Some(self.group(id).ok_or(AdminError::UnknownGroup)?),
            None => None,
        };
        while let Some(group) = next {
            next = group.parent.clone();
            path.push(group);
        }
        if path.len() > DEPTH {
            Err(AdminError::Hierarchy)
        } else {
            Ok(path)
        }
    }

    /// Hangs a bucket under another group (L4): what it uses is counted there first, and then no longer where it was. All the while the
    /// bucket is locked, so that no decision sees half of it. With `force` also where that breaks a limit there.
    ///
    /// # Errors
    /// Where bucket or group are unknown, the currency is another, the version of the bucket's limits is not the expected one, or a limit above
    /// would be broken.
    pub fn move_bucket(
        &self,
        id: &BucketId,
        parent: &GroupId,
        expected: Option<u64>,
        force: bool,
        now: Now,
    ) -> Result<Moved, AdminError> {
        let _one_at_a_time = self.changes.lock();
        if id.as_str() == QUARANTINE {
            return Err(AdminError::Reserved);
        }
        let bucket = self.bucket(id).ok_or(AdminError::UnknownBucket)?;
        let path = self.path_of(Some(parent))?;
        let mut guard = bucket.state.lock();
        let state = &mut *guard;
        let current = state.version;
        if expected.is_some_and(|expected| expected != current) {
            return Err(AdminError::VersionMismatch { current });
        }
        if let Some(group) = path.first() {
            same_currency(&group.state.lock().limits.currency, &state.limits.currency)?;
        }
        state.roll(now);
        let old = Arc::clone(&state.levels);
        let mut moved = Moved {
            sequence: self.sequence(),
            version: current,
            changed: false,
            from: old.path.iter().map(|group| group.id.clone()).collect(),
            broken: Vec::new(),
        };
        let is_same = |(one, other): (&Arc<Group>, &Arc<Group>)| Arc::ptr_eq(one, other);
        if path.len() == old.path.len() && path.iter().zip(&old.path).all(is_same) {
            return Ok(moved);
        }
        let told = state.whole_footprint().ok_or(AdminError::Overflow)?;
        let here = |path: &[Arc<Group>], group: &Arc<Group>| {
            path.iter().any(|other| Arc::ptr_eq(other, group))
        };
        let come: Vec<Arc<Group>> = path
            .iter()
            .filter(|group| !here(&old.path, group))
            .map(Arc::clone)
            .collect();
        let gone = old.path.iter().enumerate();
        let gone: Vec<_> = gone.filter(|(_, group)| !here(&path, group)).collect();

        moved.broken = arrive(state, &come, &told, force, now)?;
        // From here on nothing can fail.
        let traded = path
            .iter()
            .map(|group| {
                let known = old.path.iter().position(|other| Arc::ptr_eq(other, group));
                let held = group.state.lock();
                match known {
                    Some(place) => (held.day_end(), state.traded_at(place, &held)),
                    None => (held.day_end(), state.traded()),
                }
            })
            .collect();
        let scope = state.limits.self_match_above();
        let next = old.under(path);
        let previous = state.hang(next, traded);
        // Where its orders rest is told in the new groups before it is forgotten in the old ones.
        state.rest_all_in(scope, come.iter(), true);
        let left = gone.iter().map(|(_, group)| *group);
        state.rest_all_in(scope, left, false);
        for (place, group) in gone {
            let mut held = group.state.lock();
            for (account, footprint) in &told {
                held.apply(
                    &footprint.undone(),
                    &site_of(state, *account, footprint, now),
                );
            }
            let executed = previous
                .get(place)
                .filter(|(day, _)| *day == held.day_end());
            held.untrade(executed.map_or(Money::ZERO, |(_, sum)| *sum));
        }
        moved.sequence = self.next_sequence(true);
        moved.changed = true;
        moved.version = state.version;
        Ok(moved)
    }
}

fn site_of<'s>(state: &'s BucketState, account: u16, footprint: &Footprint, now: Now) -> Site<'s> {
    Site {
        instrument: state
            .holding(footprint.number)
            .map(|holding| &holding.listed.instrument),
        venue: state.route(account).map(|route| &route.venue),
        now,
    }
}

/// Counts a bucket in the groups it comes to, all of them or none, and tells which of their limits that breaks.
fn arrive(
    state: &BucketState,
    groups: &[Arc<Group>],
    told: &[(u16, Footprint)],
    force: bool,
    now: Now,
) -> Result<Vec<Usage>, AdminError> {
    let mut held: Vec<(&Arc<Group>, MutexGuard<'_, GroupState>)> = groups
        .iter()
        .map(|group| (group, group.state.lock()))
        .collect();
    let mut broken = Vec::new();
    let mut done: Vec<(usize, usize)> = Vec::new();
    let mut failed = false;
    for (at, (group, held)) in held.iter_mut().enumerate() {
        held.roll(now);
        let before = group.usage_of(held, now);
        for (number, (account, footprint)) in told.iter().enumerate() {
            let site = site_of(state, *account, footprint, now);
            let after: Option<GroupAfter> = held.after(footprint, &site);
            let Some(after) = after else {
                failed = true;
                break;
            };
            held.commit(footprint.number, &after);
            done.push((at, number));
        }
        broken.extend(newly_exceeded(&before, group.usage_of(held, now)));
    }
    if failed || (!force && !broken.is_empty()) {
        for (at, number) in done.into_iter().rev() {
            let (Some((_, held)), Some((account, footprint))) =
                (held.get_mut(at), told.get(number))
            else {
                continue;
            };
            held.apply(
                &footprint.undone(),
                &site_of(state, *account, footprint, now),
            );
            held.untrade(footprint.traded);
        }
        return Err(match failed {
            true => AdminError::Overflow,
            false => AdminError::Breached(broken),
        });
    }
    Ok(broken)
}

/// Limits that are exceeded, and further than before. Rates count what was approved, which does not move.
fn newly_exceeded(before: &[Usage], after: Vec<Usage>) -> impl Iterator<Item = Usage> {
    after.into_iter().filter(|usage| {
        let same = |old: &&Usage| {
            old.reason == usage.reason
                && old.dimension == usage.dimension
                && old.scope == usage.scope
                && old.unit == usage.unit
        };
        let old = before.iter().find(same).map_or(0, |old| old.usage);
        let counts = !matches!(usage.reason, Reason::OrderRate | Reason::NotionalRate);
        counts && usage.unit != Unit::None && usage.is_exceeded() && usage.usage > old
    })
}
