//! Changes by people: buckets, groups, limits, states, positions, reference data and prices. Each takes effect before its call returns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::Engine;
use super::bucket::{Bucket, BucketState};
use super::client::Client;
use super::controls::Controls;
use super::group::Group;
use super::index::{Entry, ExecutionKind, OrderSlot};
use super::kills::KillId;
use super::market::{Accepted, InstrumentError, MarkUpdate, Market, RateUpdate, Upserted};
use super::moves::Around;
use super::order::{OrderRecord, OrderView};
use super::roster::{Piece, pieces_for};
use super::setup::{BucketSetup, DeadManAction, EngineSetup, GroupSetup, RerouteRule};
use super::shards::Shards;
use super::stock::Stock;
use super::view::Usage;
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::decision::Level;
use crate::domain::instrument::Instrument;
use crate::domain::name::{
    AccountId, BucketId, ClientId, Currency, GroupId, InstrumentId, OwnerId, VenueId,
};
use crate::domain::state::{StateCause, StateNote, TradingState};
use crate::domain::time::Now;
use crate::risk::limits::{GroupLimits, Limits};
use crate::risk::owners::{Clash, Documents};

/// Name of the bucket that fills of unknown orders are booked to where their account has no single owner (H13).
pub const QUARANTINE: &str = "quarantine";

/// Parts of a map, each with a lock of its own: so many that threads seldom meet at one.
const MAP_SHARDS: usize = 256;

/// Why a change was refused. Nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AdminError {
    /// No bucket of that name.
    #[error("no such bucket")]
    UnknownBucket,
    /// No group of that name.
    #[error("no such group")]
    UnknownGroup,
    /// No instrument of that name.
    #[error("no such instrument")]
    UnknownInstrument,
    /// The name is taken.
    #[error("the name is taken")]
    Exists,
    /// The document was changed by someone else in between.
    #[error("the version in force is {current}")]
    VersionMismatch {
        /// Version in force.
        current: u64,
    },
    /// The bucket has positions or live orders.
    #[error("the bucket has positions or live orders")]
    NotEmpty,
    /// Orders or fills of the bucket are remembered: what comes late for them would be booked to it.
    #[error("orders or fills of the bucket are remembered")]
    Remembered,
    /// A currency differs from that of the group above, or from that of what is held.
    #[error("the currency must be {expected}")]
    Currency {
        /// The currency it must be.
        expected: String,
    },
    /// A group hangs under one of its own kind or below, or too deep.
    #[error("a group of this level cannot hang there")]
    Hierarchy,
    /// The bucket has no such account.
    #[error("the bucket has no such account")]
    UnknownAccount,
    /// The bucket holds the instrument at the account already.
    #[error("the bucket holds the instrument already")]
    Held,
    /// Only a re-arm ends a stricter state.
    #[error("only a re-arm ends the state in force")]
    NeedsRearm,
    /// The bucket is the gateway's own.
    #[error("the bucket is the gateway's own")]
    Reserved,
    /// A figure is too large to compute with.
    #[error("a figure is too large to compute with")]
    Overflow,
    /// A reroute target is unknown, is the bucket's only route, or leads back.
    #[error("a reroute target is unknown, is the bucket's only route, or leads back")]
    Route,
    /// No owner of that name.
    #[error("no such owner of limits")]
    UnknownOwner,
    /// Two owners' documents do not hold together.
    #[error("{}: expected {}", .0.field, .0.expected)]
    Owners(Clash),
    /// A quantity is not a multiple of the lot.
    #[error("the quantity is not a multiple of the lot")]
    OffLot,
    /// A price is zero or negative and the instrument does not allow that.
    #[error("the instrument allows no price of zero or less")]
    NotPositive,
    /// Limits of a group would be broken by what comes to hang under it (L4).
    #[error("limits of the group would be broken")]
    Breached(Vec<Usage>),
    /// Reference data.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
}

/// Versions after a change of limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Changed {
    /// Of the document that was changed.
    pub document: u64,
    /// Of what holds now, all owners' documents together.
    pub effective: u64,
}

/// What a change of state reaches (G1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// One bucket.
    Bucket(BucketId),
    /// A group with everything below it.
    Group(GroupId),
    /// An instrument in every bucket.
    Instrument(InstrumentId),
    /// A venue in every bucket.
    Venue(VenueId),
    /// A client in every bucket.
    Client(ClientId),
    /// Everything.
    Everything,
}

/// What came of a change of state.
#[derive(Clone, Debug)]
pub struct StateChange {
    /// Number of the event.
    pub sequence: u64,
    /// The state before.
    pub before: TradingState,
    /// The state now.
    pub after: TradingState,
    /// Live orders it reaches.
    pub live: Vec<OrderView>,
    /// The kill that follows them to their end, where there are any and it is a halt (G4).
    pub kill: Option<KillId>,
    /// Buckets it reaches.
    pub buckets: u64,
    /// Those of them that are above a limit.
    pub in_breach: u64,
    /// Value held for the live orders, by limit currency.
    pub reserved: BTreeMap<Currency, Money>,
    /// Worst-case gross exposure of the buckets, by limit currency.
    pub gross: BTreeMap<Currency, Money>,
}

/// An opening position to be loaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opening {
    /// The contract.
    pub instrument: InstrumentId,
    /// The venue that holds it.
    pub venue: VenueId,
    /// The account there; may be left out where the bucket has one.
    pub account: Option<AccountId>,
    /// Signed contracts, not zero.
    pub quantity: Quantity,
    /// Average entry price.
    pub price: Price,
}

/// An opening position that cannot be loaded, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadOpening {
    /// Its place in the list; none where the bucket itself is the matter.
    pub at: Option<usize>,
    /// Why.
    pub error: AdminError,
}

impl Engine {
    /// An engine of these parts.
    ///
    /// # Errors
    /// Where the parts do not fit each other.
    pub fn new(
        setup: EngineSetup,
        groups: Vec<GroupSetup>,
        buckets: Vec<BucketSetup>,
        instruments: Vec<Instrument>,
    ) -> Result<Self, AdminError> {
        let market = Market::new(&setup);
        for instrument in instruments {
            market.upsert(instrument)?;
        }
        let mut engine = Self {
            buckets: dashmap::DashMap::with_hasher_and_shard_amount(
                foldhash::fast::RandomState::default(),
                MAP_SHARDS,
            ),
            groups: RwLock::default(),
            around: Around::new(&setup)?,
            bucket_numbers: core::sync::atomic::AtomicU32::new(0),
            clients: dashmap::DashMap::with_hasher_and_shard_amount(
                foldhash::fast::RandomState::default(),
                MAP_SHARDS,
            ),
            market,
            controls: Controls::default(),
            requests: Shards::default(),
            entries: Stock::default(),
            records: Stock::default(),
            pieces: Stock::default(),
            executions: Shards::default(),
            unsent: Mutex::default(),
            offers: super::offers::Offers::default(),
            kills: super::kills::Kills::default(),
            dead_men: RwLock::default(),
            accounts: RwLock::default(),
            quarantine: None,
            sequence: core::sync::atomic::AtomicU64::new(0),
            setup,
            changes: Mutex::new(()),
            limits_seen: Mutex::default(),
            alarms: super::alarms::Alarms::default(),
        };
        // Parents first, however they are listed.
        let (firms, desks): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| group.level == Level::Firm);
        for group in firms.into_iter().chain(desks) {
            engine.create_group(group)?;
        }
        for bucket in buckets {
            engine.create_bucket(bucket)?;
        }
        engine.quarantine = Some(engine.make_quarantine()?);
        let expected = engine.setup.orders_expected;
        engine.requests.reserve(expected);
        engine.entries.reserve(expected, Entry::blank);
        engine.records.reserve(expected, OrderRecord::blank);
        engine.pieces.reserve(pieces_for(expected), Piece::blank);
        for client in &engine.setup.clients {
            engine
                .clients
                .insert(client.id.clone(), Arc::new(Client::new(client.clone())));
        }
        Ok(engine)
    }

    fn make_quarantine(&self) -> Result<Arc<Bucket>, AdminError> {
        let parent = self.setup.quarantine_parent.as_ref();
        let currency = match parent.and_then(|id| self.group(id)) {
            Some(group) => group.state.lock().limits.currency.clone(),
            None => self.setup.quarantine_currency.clone(),
        };
        let levels = self.levels_for(parent, &[], &currency)?;
        let id: BucketId = QUARANTINE.parse().map_err(|_| AdminError::Reserved)?;
        let limits = Limits::unlimited(currency);
        let state = BucketState::new(
            BucketSetup::bare(id.clone(), limits.clone()),
            Arc::new(limits),
            self.next_bucket(),
            levels,
        );
        let bucket = Arc::new(Bucket {
            id: id.clone(),
            state: Mutex::new(state),
        });
        // It takes nothing but facts.
        bucket.state.lock().note.state = TradingState::Halted;
        if self.buckets.insert(id, Arc::clone(&bucket)).is_some() {
            return Err(AdminError::Reserved);
        }
        Ok(bucket)
    }

    /// Adds a group.
    ///
    /// # Errors
    /// Where the name is taken, the parent is missing or does not fit.
    pub fn create_group(&self, setup: GroupSetup) -> Result<u64, AdminError> {
        let _one_at_a_time = self.changes.lock();
        let parent = match &setup.parent {
            Some(id) => Some(self.group(id).ok_or(AdminError::UnknownGroup)?),
            None => None,
        };
        if let Some(parent) = &parent {
            if parent.level <= setup.level {
                return Err(AdminError::Hierarchy);
            }
            same_currency(&parent.state.lock().limits.currency, &setup.limits.currency)?;
        }
        let mut groups = self.groups.write();
        if groups.contains_key(&setup.id) {
            return Err(AdminError::Exists);
        }
        let group = Group::new(
            setup.id.clone(),
            setup.level,
            parent,
            setup.limits,
            setup.calendar,
        );
        if let Some(other) = setup.other_limits {
            let mut state = group.state.lock();
            let first = Arc::clone(&state.limits);
            state.documents = Documents::new(first, Some(Arc::new(other)));
            let limits = state.documents.effective().map_err(AdminError::Owners)?;
            state.put_in_force(limits);
        }
        groups.insert(setup.id, Arc::new(group));
        Ok(self.next_sequence(true))
    }

    /// A group by name.
    #[must_use]
    pub fn group(&self, id: &GroupId) -> Option<Arc<Group>> {
        self.groups.read().get(id).cloned()
    }

    /// Every group, by name.
    #[must_use]
    pub fn all_groups(&self) -> Vec<Arc<Group>> {
        self.groups.read().values().cloned().collect()
    }

    /// Adds a bucket beside those that are there: its routes lead to them, and not back.
    ///
    /// # Errors
    /// As [`Self::create_bucket`], and where a route cannot be taken.
    pub fn add_bucket(&self, setup: BucketSetup) -> Result<u64, AdminError> {
        let _one_at_a_time = self.changes.lock();
        if !self.buckets.contains_key(&setup.id) {
            self.check_routes(&setup)?;
        }
        self.insert_bucket(setup)
    }

    fn check_routes(&self, setup: &BucketSetup) -> Result<(), AdminError> {
        for target in &setup.reroute.targets {
            let known = match &target.bucket {
                None => {
                    let here = (target.venue.clone(), target.account.clone());
                    setup.accounts.len() > 1 && setup.accounts.contains(&here)
                }
                Some(id) => {
                    let bucket = self.bucket(id).ok_or(AdminError::Route)?;
                    let state = bucket.state.lock();
                    state
                        .account(&target.venue, Some(&target.account))
                        .is_some()
                }
            };
            if !known {
                return Err(AdminError::Route);
            }
        }
        // A bucket of this name may have been deleted while others still name it as a target.
        let next = |setup: &RerouteRule| -> Vec<BucketId> {
            let targets = setup.targets.iter();
            targets.filter_map(|target| target.bucket.clone()).collect()
        };
        let (mut reached, mut open) = (BTreeSet::new(), next(&setup.reroute));
        while let Some(id) = open.pop() {
            if id == setup.id {
                return Err(AdminError::Route);
            }
            if let Some(bucket) = self.bucket(&id)
                && reached.insert(id)
            {
                open.extend(next(&bucket.state.lock().reroute));
            }
        }
        Ok(())
    }

    /// Adds a bucket.
    ///
    /// # Errors
    /// Where the name is taken, the group is missing, or the currency differs from the group's.
    pub fn create_bucket(&self, setup: BucketSetup) -> Result<u64, AdminError> {
        let _one_at_a_time = self.changes.lock();
        self.insert_bucket(setup)
    }

    fn insert_bucket(&self, setup: BucketSetup) -> Result<u64, AdminError> {
        if setup.id.as_str() == QUARANTINE {
            return Err(AdminError::Reserved);
        }
        let levels = self.levels_for(
            setup.parent.as_ref(),
            &setup.accounts,
            &setup.limits.currency,
        )?;
        if self.buckets.contains_key(&setup.id) {
            return Err(AdminError::Exists);
        }
        let limits = self.shared_limits(&setup.limits);
        let other = setup.other_limits.as_ref();
        let other = other.map(|limits| self.shared_limits(limits));
        let documents = Documents::new(Arc::clone(&limits), other);
        let effective = documents.effective().map_err(AdminError::Owners)?;
        {
            let mut accounts = self.accounts.write();
            for account in &setup.accounts {
                accounts
                    .entry(account.clone())
                    .or_default()
                    .push(setup.id.clone());
            }
        }
        let id = setup.id.clone();
        let is_watched = setup.dead_man.action != DeadManAction::None;
        let mut state = BucketState::new(setup, limits, self.next_bucket(), levels);
        (state.documents, state.limits) = (documents, effective);
        let bucket = Bucket {
            id: id.clone(),
            state: Mutex::new(state),
        };
        let bucket = Arc::new(bucket);
        if is_watched {
            self.dead_men.write().push(Arc::clone(&bucket));
        }
        self.buckets.insert(id, bucket);
        Ok(self.next_sequence(true))
    }

    fn next_bucket(&self) -> u32 {
        let last = &self.bucket_numbers;
        last.fetch_add(1, core::sync::atomic::Ordering::Relaxed)
    }

    /// One copy of a limits document for all buckets that have the same: fewer bytes, and closer at hand when they decide.
    fn shared_limits(&self, limits: &Limits) -> Arc<Limits> {
        const KEPT: usize = 64;
        let mut known = self.limits_seen.lock();
        if let Some(same) = known.iter().find(|same| ***same == *limits) {
            return Arc::clone(same);
        }
        let made = Arc::new(limits.clone());
        if known.len() < KEPT {
            known.push(Arc::clone(&made));
        }
        made
    }

    /// Removes a bucket that holds nothing and that nothing remembered refers to.
    ///
    /// # Errors
    /// Where it does not exist, holds something, or an order or fill of it is remembered.
    pub fn delete_bucket(&self, id: &BucketId) -> Result<u64, AdminError> {
        self.delete_bucket_at(id, None)
    }

    /// Removes a bucket that holds nothing and that nothing remembered refers to, at an expected version of its limits.
    ///
    /// # Errors
    /// Where it does not exist, holds something, the version in force is another, or an order or fill of it is remembered: a late fill, a
    /// bust or a correction would be booked to it where nobody sees it (H11, L2).
    pub fn delete_bucket_at(
        &self,
        id: &BucketId,
        expected: Option<u64>,
    ) -> Result<u64, AdminError> {
        let _one_at_a_time = self.changes.lock();
        if id.as_str() == QUARANTINE {
            return Err(AdminError::Reserved);
        }
        let bucket = self.bucket(id).ok_or(AdminError::UnknownBucket)?;
        // Looked at before it is stopped, so that a refusal disturbs nothing; and after, when nothing new can come to refer to it.
        let remembered = self.is_remembered(&bucket);
        let before: StateNote;
        let held: Vec<_> = {
            let mut state = bucket.state.lock();
            let current = state.version;
            if expected.is_some_and(|expected| expected != current) {
                return Err(AdminError::VersionMismatch { current });
            }
            // Made anew it would be active: what was stopped goes on only by being re-armed (G6).
            if state.note.state != TradingState::Active {
                return Err(AdminError::NeedsRearm);
            }
            if !state.orders.is_empty() || state.holdings().any(super::bucket::Holding::is_used) {
                return Err(AdminError::NotEmpty);
            }
            if remembered {
                return Err(AdminError::Remembered);
            }
            // An order that found the bucket before it left the map meets a halted one.
            before = state.note.clone();
            state.deleted = true;
            state.note.state = TradingState::Halted;
            state
                .holdings()
                .map(|holding| Arc::clone(&holding.listed))
                .collect()
        };
        if self.is_remembered(&bucket) {
            let mut state = bucket.state.lock();
            state.deleted = false;
            if state.note.cause != StateCause::Fault {
                state.note = before;
            }
            return Err(AdminError::Remembered);
        }
        for listed in held {
            listed.remove_holder(&bucket);
        }
        let mut accounts = self.accounts.write();
        accounts.retain(|_, owners| {
            owners.retain(|owner| owner != id);
            !owners.is_empty()
        });
        drop(accounts);
        self.buckets.remove(id);
        self.dead_men
            .write()
            .retain(|known| !Arc::ptr_eq(known, &bucket));
        Ok(self.next_sequence(true))
    }

    /// Whether an order or a fill that is remembered belongs to a bucket.
    fn is_remembered(&self, bucket: &Arc<Bucket>) -> bool {
        let here = |other: &Arc<Bucket>| Arc::ptr_eq(other, bucket);
        self.requests.any(|entry| match &entry.order {
            OrderSlot::Live(other, _) | OrderSlot::Ended(other, _) => here(other),
            OrderSlot::None | OrderSlot::Version(_) | OrderSlot::Basket(_) => false,
        }) || self.executions.any(|execution| match &execution.what {
            ExecutionKind::Fill(fill) => here(&fill.bucket),
            ExecutionKind::Amendment(_) | ExecutionKind::Parked(_) => false,
        })
    }

    /// Puts a bucket's limits in force as a whole (O1). Live orders stay; what is then above a limit is in breach (O6).
    ///
    /// # Errors
    /// Where the version in force is another than expected, or the currency of what is held would change.
    pub fn update_limits(
        &self,
        id: &BucketId,
        expected: u64,
        limits: Limits,
    ) -> Result<u64, AdminError> {
        let changed = self.update_limits_of(id, None, expected, limits)?;
        Ok(changed.document)
    }

    /// Puts one owner's limits of a bucket in force as a whole, beside the other owner's (O4): the first owner's where none is named.
    ///
    /// # Errors
    /// As [`Self::update_limits`], by the versions of the owner's document; and where the two documents do not hold together.
    pub fn update_limits_of(
        &self,
        id: &BucketId,
        owner: Option<&OwnerId>,
        expected: u64,
        limits: Limits,
    ) -> Result<Changed, AdminError> {
        let owner = self.owner(owner)?;
        let bucket = self.bucket(id).ok_or(AdminError::UnknownBucket)?;
        let mut state = bucket.state.lock();
        let current = state.documents.version(owner);
        if current != expected {
            return Err(AdminError::VersionMismatch { current });
        }
        same_currency(&state.limits.currency, &limits.currency)?;
        let documents = state.documents.with(owner, limits);
        let effective = documents.effective().map_err(AdminError::Owners)?;
        let changed = Changed {
            document: documents.version(owner),
            effective: state.set_limits(effective),
        };
        state.documents = documents;
        drop(state);
        self.next_sequence(true);
        Ok(changed)
    }

    /// Place of an owner of limits, by name; the first where none is named.
    fn owner(&self, owner: Option<&OwnerId>) -> Result<usize, AdminError> {
        let Some(owner) = owner else { return Ok(0) };
        let mut owners = self.setup.owners.iter();
        let place = owners.position(|known| known == owner);
        place.ok_or(AdminError::UnknownOwner)
    }

    /// Who writes limits; nobody by name where there is one.
    #[must_use]
    pub fn owners(&self) -> &[OwnerId] {
        &self.setup.owners
    }

    /// Puts a group's limits in force as a whole.
    ///
    /// # Errors
    /// Where the version in force is another than expected, or the currency would change.
    pub fn update_group_limits(
        &self,
        id: &GroupId,
        expected: u64,
        limits: GroupLimits,
    ) -> Result<u64, AdminError> {
        let changed = self.update_group_limits_of(id, None, expected, limits)?;
        Ok(changed.document)
    }

    /// Puts one owner's limits of a group in force as a whole, beside the other owner's (O4): the first owner's where none is named.
    ///
    /// # Errors
    /// As [`Self::update_group_limits`], by the versions of the owner's document; and where the two documents do not hold together.
    pub fn update_group_limits_of(
        &self,
        id: &GroupId,
        owner: Option<&OwnerId>,
        expected: u64,
        limits: GroupLimits,
    ) -> Result<Changed, AdminError> {
        let owner = self.owner(owner)?;
        let group = self.group(id).ok_or(AdminError::UnknownGroup)?;
        let mut state = group.state.lock();
        let current = state.documents.version(owner);
        if current != expected {
            return Err(AdminError::VersionMismatch { current });
        }
        same_currency(&state.limits.currency, &limits.currency)?;
        let documents = state.documents.with(owner, limits);
        let limits = documents.effective().map_err(AdminError::Owners)?;
        state.set_limits(limits);
        let changed = Changed {
            document: documents.version(owner),
            effective: state.version,
        };
        state.documents = documents;
        drop(state);
        self.next_sequence(true);
        Ok(changed)
    }

    /// Every bucket, in no order.
    #[must_use]
    pub fn all_buckets(&self) -> Vec<Arc<Bucket>> {
        self.buckets
            .iter()
            .map(|entry| Arc::clone(&entry))
            .collect()
    }

    /// Adds instruments and replaces reference data (N5): all of them, or none.
    ///
    /// # Errors
    /// Where the version in force is another than expected, positions or live orders would change their worth, or an option has no underlying.
    pub fn upsert_instruments(
        &self,
        instruments: Vec<Instrument>,
        expected: Option<u64>,
        now: Now,
    ) -> Result<Upserted, AdminError> {
        let changing = self.market.begin_change(&instruments);
        if !changing.is_empty() {
            // The barrier: whoever read the old contract has let go of its bucket once we have held it.
            for bucket in self.all_buckets() {
                drop(bucket.state.lock());
            }
        }
        let done = self.market.upsert_all(instruments, expected);
        changing.iter().for_each(|listed| listed.changed());
        let done = done?;
        for id in &done.touched {
            if let Some(listed) = self.market.instruments().get(id) {
                self.revalue(listed, now);
            }
        }
        if !done.touched.is_empty() {
            self.next_sequence(true);
        }
        Ok(done)
    }

    /// Adds an instrument or replaces its reference data (N5).
    ///
    /// # Errors
    /// Where positions or live orders would change their worth.
    pub fn upsert_instrument(&self, instrument: Instrument, now: Now) -> Result<u64, AdminError> {
        let id = instrument.id.clone();
        let version = self.market.upsert(instrument)?;
        if let Some(listed) = self.market.instruments().get(&id) {
            self.revalue(listed, now);
        }
        Ok(version)
    }

    /// Takes a price; every bucket that holds the instrument is valued anew before the call returns.
    pub fn push_mark(&self, update: &MarkUpdate, now: Now) -> Accepted {
        let (accepted, listed) = self.market.push(update, now);
        if let Some(listed) = listed {
            self.revalue(&listed, now);
        }
        accepted
    }

    /// Takes currency rates; every bucket whose figures rest on them is valued anew before the call returns.
    pub fn push_rates(&self, updates: &[RateUpdate], now: Now) -> Vec<Accepted> {
        let accepted = self.market.push_rates(updates, now);
        if accepted.iter().any(|told| matches!(told, Accepted::At(_))) {
            for listed in self.market.all() {
                self.revalue_foreign(&listed, now);
            }
        }
        accepted
    }

    fn revalue(&self, listed: &Arc<super::market::Listed>, now: Now) {
        for bucket in listed.holders() {
            self.guarded(&bucket, now, || {
                let mut state = bucket.state.lock();
                state.revalue(listed, &self.market, now);
            });
        }
    }

    /// Values anew the buckets that count an instrument in another currency than its own.
    fn revalue_foreign(&self, listed: &Arc<super::market::Listed>, now: Now) {
        for bucket in listed.holders() {
            self.guarded(&bucket, now, || {
                let mut state = bucket.state.lock();
                if state.limits.currency != *listed.instrument.value_currency() {
                    state.revalue(listed, &self.market, now);
                }
            });
        }
    }

    /// Housekeeping: frees what clients promised not to send, and forgets, a part at a time, what is past.
    pub fn sweep(&self, now: Now, round: usize) {
        const ROUNDS: usize = 64;
        self.release_overdue(now);
        self.sweep_dead_men(now);
        self.sweep_offers(now);
        self.sweep_kills(now);
        self.sweep_requests(now, round, ROUNDS);
        let keep = |execution: &mut super::index::Execution| {
            (execution.until > now.wall).then_some(execution.until)
        };
        self.executions.sweep(now.wall, (round, ROUNDS), keep, drop);
    }
}

pub(super) fn same_currency(
    expected: &crate::domain::name::Currency,
    given: &crate::domain::name::Currency,
) -> Result<(), AdminError> {
    if expected == given {
        Ok(())
    } else {
        Err(AdminError::Currency {
            expected: expected.to_string(),
        })
    }
}
