//! Administration: buckets, groups, limits, trading states, opening positions and reference data.

use std::collections::BTreeMap;
use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::convert::admin as read;
use super::convert::bucket::{write as write_bucket, write_calendar};
use super::convert::control::{Change, Scope, write_applied, write_note};
use super::convert::decision::write_level;
use super::convert::error::{Malformed, Obstacle, Refusal};
use super::convert::field::money;
use super::convert::instrument::{InstrumentDefaults, write as write_instrument};
use super::convert::limits::{write as write_limits, write_group as write_group_limits};
use super::convert::monitor::write_kill_id;
use super::convert::usage::write_exceeded;
use super::convert::view::{write_order, write_position};
use super::feed::Config;
use super::{Gate, page_of};
use crate::domain::amount::Money;
use crate::domain::name::{BucketId, Currency, GroupId, OwnerId};
use crate::domain::state::{StateCause, StateNote, TradingState};
use crate::domain::time::Now;
use crate::engine::admin::{
    AdminError, BadOpening, Opening, QUARANTINE, Scope as Reach, StateChange,
};
use crate::engine::bucket::Bucket;
use crate::engine::controls::Subject;
use crate::engine::group::Group;
use crate::engine::market::InstrumentError;
use crate::engine::setup::GroupSetup;
use crate::pb::{self, admin_service_server::AdminService};

/// The service.
#[derive(Clone)]
pub struct Admin {
    /// What it has at hand.
    pub gate: Gate,
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn create_bucket(
        &self,
        request: Request<pb::CreateBucketRequest>,
    ) -> Result<Response<pb::CreateBucketResponse>, Status> {
        let read::CreateBucket { bucket, change } = read::create_bucket(request.into_inner())?;
        let now = self.gate.clock.now();
        let (id, wanted) = (bucket.id.clone(), write_bucket(&bucket));
        let parent = bucket.parent.clone();
        let version = match self.gate.engine.add_bucket(bucket) {
            Ok(_) => {
                self.tell_bucket(&id, pb::ConfigKind::Bucket, 1, &change, now);
                1
            }
            Err(AdminError::Exists) => self.same_bucket(&id, &wanted)?,
            Err(error) => Err(refusal(
                error,
                &Named {
                    bucket: Some(&id),
                    group: parent.as_ref(),
                    ..Named::default()
                },
            ))?,
        };
        Ok(Response::new(pb::CreateBucketResponse {
            change: applied(version, now),
        }))
    }

    async fn get_bucket(
        &self,
        request: Request<pb::GetBucketRequest>,
    ) -> Result<Response<pb::GetBucketResponse>, Status> {
        let id = read::get_bucket(request.into_inner())?;
        let bucket = self.gate.bucket(&id)?;
        Ok(Response::new(pb::GetBucketResponse {
            bucket: Some(self.show_bucket(&bucket)),
        }))
    }

    async fn list_buckets(
        &self,
        request: Request<pb::ListBucketsRequest>,
    ) -> Result<Response<pb::ListBucketsResponse>, Status> {
        let request = read::list_buckets(request.into_inner())?;
        let buckets = self.gate.buckets(None, request.group.as_ref())?;
        let named = buckets.into_iter().map(|it| (it.id.to_string(), it));
        let (buckets, next_page_token) =
            page_of(&request.page, named, |it| Some(self.show_bucket(&it)));
        Ok(Response::new(pb::ListBucketsResponse {
            buckets,
            next_page_token,
        }))
    }

    async fn update_limits(
        &self,
        request: Request<pb::UpdateLimitsRequest>,
    ) -> Result<Response<pb::UpdateLimitsResponse>, Status> {
        let request = read::update_limits(request.into_inner())?;
        let now = self.gate.clock.now();
        let named = Named {
            bucket: Some(&request.bucket),
            expected: request.expected_version,
            owner: request.owner.as_ref(),
            ..Named::default()
        };
        let changed = self
            .gate
            .engine
            .update_limits_of(
                &request.bucket,
                request.owner.as_ref(),
                request.expected_version,
                request.limits,
            )
            .map_err(|error| refusal(error, &named))?;
        let kind = pb::ConfigKind::Bucket;
        self.tell_bucket(
            &request.bucket,
            kind,
            changed.effective,
            &request.change,
            now,
        );
        Ok(Response::new(pb::UpdateLimitsResponse {
            change: applied(changed.document, now),
            breaches: self.exceeded(&*self.gate.bucket(&request.bucket)?, now),
        }))
    }

    async fn set_state(
        &self,
        request: Request<pb::SetStateRequest>,
    ) -> Result<Response<pb::SetStateResponse>, Status> {
        let request = read::set_state(request.into_inner())?;
        let (change, state, now) = self.restrict(request)?;
        Ok(Response::new(pb::SetStateResponse {
            kill_id: change.kill.map(write_kill_id).unwrap_or_default(),
            change: applied(change.sequence, now),
            state: Some(state),
        }))
    }

    async fn halt(
        &self,
        request: Request<pb::HaltRequest>,
    ) -> Result<Response<pb::HaltResponse>, Status> {
        let request = read::halt(request.into_inner())?;
        let (change, state, now) = self.restrict(request)?;
        Ok(Response::new(pb::HaltResponse {
            change: applied(change.sequence, now),
            state: Some(state),
            buckets: change.buckets,
            live_orders: u64::try_from(change.live.len()).unwrap_or(u64::MAX),
            buckets_in_breach: change.in_breach,
            open_notional: write_sums(&change.reserved),
            gross_notional: write_sums(&change.gross),
            kill_id: change.kill.map(write_kill_id).unwrap_or_default(),
        }))
    }

    async fn rearm(
        &self,
        request: Request<pb::RearmRequest>,
    ) -> Result<Response<pb::RearmResponse>, Status> {
        let (scope, change) = read::rearm(request.into_inner())?;
        let now = self.gate.clock.now();
        let note = note(TradingState::Active, change, now);
        let done = self.gate.engine.rearm(&reach(&scope), note);
        let change = done.map_err(|error| refusal(error, &Named::of(&scope)))?;
        let state = self.told_state(&scope, &change, now)?;
        Ok(Response::new(pb::RearmResponse {
            change: applied(change.sequence, now),
            state: Some(state),
        }))
    }

    async fn resolve_order(
        &self,
        request: Request<pb::ResolveOrderRequest>,
    ) -> Result<Response<pb::ResolveOrderResponse>, Status> {
        let read::ResolveOrder {
            key,
            filled,
            change,
        } = read::resolve_order(request.into_inner())?;
        let now = self.gate.clock.now();
        let done = self.gate.engine.resolve(&key, filled, now);
        let receipt = done.map_err(|_| Refusal::unknown_order(&key))?;
        if receipt.applied {
            tracing::warn!(client = %key.client, order = %key.cl_ord_id, filled = %filled, actor = change.actor, reason = change.reason, "an order was ended by hand");
            self.gate.feed.order(&receipt, now);
            let told = Config {
                kind: pb::ConfigKind::OrderResolved,
                bucket: receipt.bucket.as_ref(),
                groups: &[],
                version: receipt.sequence,
                change: &change,
                sequence: receipt.sequence,
            };
            self.gate.feed.config(&told, now);
        }
        let order = receipt.order.as_ref();
        Ok(Response::new(pb::ResolveOrderResponse {
            change: applied(receipt.sequence, now),
            order: order.map(|order| write_order(order, receipt.currency.as_ref())),
        }))
    }

    async fn delete_bucket(
        &self,
        request: Request<pb::DeleteBucketRequest>,
    ) -> Result<Response<pb::DeleteBucketResponse>, Status> {
        let request = read::delete_bucket(request.into_inner())?;
        let now = self.gate.clock.now();
        let groups = groups_of(&*self.gate.bucket(&request.bucket)?);
        let version = request.expected_version;
        let named = Named {
            bucket: Some(&request.bucket),
            expected: version,
            ..Named::default()
        };
        let sequence = self
            .gate
            .engine
            .delete_bucket_at(&request.bucket, Some(version))
            .map_err(|error| refusal(error, &named))?;
        let told = Config {
            kind: pb::ConfigKind::BucketDeleted,
            bucket: Some(&request.bucket),
            groups: &groups,
            version,
            change: &request.change,
            sequence,
        };
        self.gate.feed.config(&told, now);
        Ok(Response::new(pb::DeleteBucketResponse {
            change: applied(version, now),
        }))
    }

    async fn load_positions(
        &self,
        request: Request<pb::LoadPositionsRequest>,
    ) -> Result<Response<pb::LoadPositionsResponse>, Status> {
        let request = read::load_positions(request.into_inner())?;
        let now = self.gate.clock.now();
        self.gate
            .engine
            .load_positions(&request.bucket, &request.positions, now)
            .map_err(|bad| bad_opening(bad, &request.bucket, &request.positions))?;
        let bucket = self.gate.bucket(&request.bucket)?;
        let view = self.gate.engine.bucket_view(&bucket, now);
        let loaded = view.positions.iter().filter(|held| {
            let mut named = request.positions.iter();
            named.any(|opening| opening.instrument == held.instrument)
        });
        Ok(Response::new(pb::LoadPositionsResponse {
            change: applied(view.changes, now),
            positions: loaded.map(write_position).collect(),
            breaches: self.exceeded(&bucket, now),
        }))
    }

    async fn upsert_instruments(
        &self,
        request: Request<pb::UpsertInstrumentsRequest>,
    ) -> Result<Response<pb::UpsertInstrumentsResponse>, Status> {
        let defaults = InstrumentDefaults::default();
        let request = read::upsert_instruments(request.into_inner(), &defaults)?;
        let now = self.gate.clock.now();
        let named = Named {
            expected: request.expected_version.unwrap_or_default(),
            ..Named::default()
        };
        let engine = &self.gate.engine;
        let done = engine
            .upsert_instruments(request.instruments, request.expected_version, now)
            .map_err(|error| refusal(error, &named))?;
        let touched = u32::try_from(done.touched.len()).unwrap_or(u32::MAX);
        if touched > 0 {
            let told = Config {
                kind: pb::ConfigKind::Instruments,
                bucket: None,
                groups: &[],
                version: done.version,
                change: &request.change,
                sequence: engine.sequence(),
            };
            self.gate.feed.config(&told, now);
        }
        Ok(Response::new(pb::UpsertInstrumentsResponse {
            change: applied(done.version, now),
            created: done.created,
            changed: touched.saturating_sub(done.created),
        }))
    }

    async fn get_instrument(
        &self,
        request: Request<pb::GetInstrumentRequest>,
    ) -> Result<Response<pb::GetInstrumentResponse>, Status> {
        let id = read::get_instrument(request.into_inner())?;
        let market = &self.gate.engine.market;
        let listed = market.instruments().get(&id).cloned();
        let listed = listed.ok_or_else(|| Refusal::unknown_instrument(&id))?;
        Ok(Response::new(pb::GetInstrumentResponse {
            instrument: Some(write_instrument(&listed.instrument)),
            reference_version: market.reference_version(),
        }))
    }

    async fn list_instruments(
        &self,
        request: Request<pb::ListInstrumentsRequest>,
    ) -> Result<Response<pb::ListInstrumentsResponse>, Status> {
        let request = read::list_instruments(request.into_inner())?;
        let market = &self.gate.engine.market;
        let all = market.all().into_iter();
        let named = all.map(|it| (it.instrument.id.to_string(), it));
        let (instruments, next_page_token) = page_of(&request.page, named, |listed| {
            let instrument = &listed.instrument;
            let underlying = request.underlying.as_ref();
            let venue = request.venue.as_ref();
            let mut listings = instrument.listings.iter();
            let wanted = underlying.is_none_or(|it| *it == instrument.underlying)
                && venue.is_none_or(|it| listings.any(|listing| listing.venue == *it));
            wanted.then(|| write_instrument(instrument))
        });
        Ok(Response::new(pb::ListInstrumentsResponse {
            instruments,
            next_page_token,
            reference_version: market.reference_version(),
        }))
    }

    async fn create_group(
        &self,
        request: Request<pb::CreateGroupRequest>,
    ) -> Result<Response<pb::CreateGroupResponse>, Status> {
        let read::CreateGroup { group, change } = read::create_group(request.into_inner())?;
        let now = self.gate.clock.now();
        let version = match self.gate.engine.create_group(group.clone()) {
            Ok(_) => {
                self.tell_group(&group.id, 1, &change, now);
                1
            }
            Err(AdminError::Exists) => self.same_group(&group)?,
            Err(error) => Err(refusal(
                error,
                &Named {
                    group: group.parent.as_ref(),
                    ..Named::default()
                },
            ))?,
        };
        Ok(Response::new(pb::CreateGroupResponse {
            change: applied(version, now),
        }))
    }

    async fn update_group_limits(
        &self,
        request: Request<pb::UpdateGroupLimitsRequest>,
    ) -> Result<Response<pb::UpdateGroupLimitsResponse>, Status> {
        let request = read::update_group_limits(request.into_inner())?;
        let now = self.gate.clock.now();
        let named = Named {
            group: Some(&request.group),
            expected: request.expected_version,
            owner: request.owner.as_ref(),
            ..Named::default()
        };
        let engine = &self.gate.engine;
        let currency = request.limits.currency.clone();
        let changed = engine
            .update_group_limits_of(
                &request.group,
                request.owner.as_ref(),
                request.expected_version,
                request.limits,
            )
            .map_err(|error| refusal(error, &named))?;
        self.tell_group(&request.group, changed.effective, &request.change, now);
        let usages = engine.group_usage(&*self.gate.group(&request.group)?, now);
        Ok(Response::new(pb::UpdateGroupLimitsResponse {
            change: applied(changed.document, now),
            breaches: write_exceeded(&usages, &currency),
        }))
    }

    async fn move_bucket(
        &self,
        request: Request<pb::MoveBucketRequest>,
    ) -> Result<Response<pb::MoveBucketResponse>, Status> {
        let request = read::move_bucket(request.into_inner())?;
        let now = self.gate.clock.now();
        let named = Named {
            bucket: Some(&request.bucket),
            group: Some(&request.group),
            expected: request.expected_version,
            ..Named::default()
        };
        let expected = Some(request.expected_version);
        let (bucket, group) = (&request.bucket, &request.group);
        let moved = self
            .gate
            .engine
            .move_bucket(bucket, group, expected, request.force, now)
            .map_err(|error| refusal(error, &named))?;
        if moved.changed {
            // Those who watch the groups it has left hear of it, too.
            let told = Config {
                kind: pb::ConfigKind::Bucket,
                bucket: Some(bucket),
                groups: &moved.from,
                version: moved.version,
                change: &request.change,
                sequence: moved.sequence,
            };
            self.gate.feed.config(&told, now);
        }
        let currency = self
            .gate
            .bucket(bucket)?
            .state
            .lock()
            .limits
            .currency
            .clone();
        Ok(Response::new(pb::MoveBucketResponse {
            change: applied(moved.version, now),
            breaches: write_exceeded(&moved.broken, &currency),
        }))
    }

    async fn list_groups(
        &self,
        request: Request<pb::ListGroupsRequest>,
    ) -> Result<Response<pb::ListGroupsResponse>, Status> {
        let page = read::list_groups(request.into_inner())?;
        let engine = &self.gate.engine;
        let mut below: BTreeMap<GroupId, u64> = BTreeMap::new();
        for bucket in engine.all_buckets() {
            if let Some(group) = bucket.levels().path.first() {
                let count = below.entry(group.id.clone()).or_default();
                *count = count.saturating_add(1);
            }
        }
        let all = engine.all_groups().into_iter();
        let named = all.map(|it| (it.id.to_string(), it));
        let (groups, next_page_token) = page_of(&page, named, |group| {
            Some(self.show_group(&group, below.get(&group.id).copied().unwrap_or_default()))
        });
        Ok(Response::new(pb::ListGroupsResponse {
            groups,
            next_page_token,
        }))
    }
}

impl Admin {
    /// Version of the bucket that is there, if it was created with the same content.
    fn same_bucket(&self, id: &BucketId, wanted: &pb::BucketSpec) -> Result<u64, Refusal> {
        let bucket = self.show_bucket(&*self.gate.bucket(id)?);
        if bucket.spec.as_ref() == Some(wanted) {
            Ok(bucket.version)
        } else {
            Err(Refusal::bucket_exists(id))
        }
    }

    /// Version of the group that is there, if it was created with the same content.
    fn same_group(&self, wanted: &GroupSetup) -> Result<u64, Refusal> {
        let group = self.gate.group(&wanted.id)?;
        let state = group.state.lock();
        let parent = group.parent.as_ref().map(|parent| &parent.id);
        let same = group.level == wanted.level
            && parent == wanted.parent.as_ref()
            && group.calendar == wanted.calendar
            && state
                .documents
                .of(0)
                .is_some_and(|limits| **limits == wanted.limits);
        if same {
            Ok(state.version)
        } else {
            Err(Refusal::group_exists(&wanted.id))
        }
    }

    /// Names of the owners of limits, each with its place; one without a name where none are configured.
    fn owners(&self) -> Vec<(usize, String)> {
        match self.gate.engine.owners() {
            [] => vec![(0, String::new())],
            owners => owners.iter().map(ToString::to_string).enumerate().collect(),
        }
    }

    fn show_bucket(&self, bucket: &Bucket) -> pb::Bucket {
        let state = bucket.state.lock();
        let owned = |(place, owner)| pb::OwnedLimits {
            owner,
            version: state.documents.version(place),
            limits: state.documents.of(place).map(|limits| write_limits(limits)),
        };
        pb::Bucket {
            spec: Some(write_bucket(&state.setup(bucket))),
            version: state.version,
            state: Some(write_note(&state.note)),
            quarantine: bucket.id.as_str() == QUARANTINE,
            effective_limits: Some(write_limits(&state.limits)),
            documents: self.owners().into_iter().map(owned).collect(),
        }
    }

    fn show_group(&self, group: &Arc<Group>, buckets: u64) -> pb::Group {
        let state = group.state.lock();
        let owned = |(place, owner)| pb::OwnedGroupLimits {
            owner,
            version: state.documents.version(place),
            limits: state
                .documents
                .of(place)
                .map(|limits| write_group_limits(limits)),
        };
        pb::Group {
            group_id: group.id.to_string(),
            level: write_level(group.level).into(),
            parent_group_id: super::convert::field::text(group.parent.as_ref().map(|it| &it.id)),
            limits: Some(write_group_limits(&state.limits)),
            version: state.version,
            state: Some(write_note(&group.switch.note())),
            buckets,
            calendar: Some(write_calendar(&group.calendar)),
            documents: self.owners().into_iter().map(owned).collect(),
        }
    }

    fn exceeded(&self, bucket: &Bucket, now: Now) -> Vec<pb::Breach> {
        let usages = self.gate.engine.usage(bucket, now);
        let currency = bucket.state.lock().limits.currency.clone();
        write_exceeded(&usages, &currency)
    }

    fn restrict(
        &self,
        request: read::SetState,
    ) -> Result<(StateChange, pb::StateInfo, Now), Refusal> {
        let read::SetState {
            scope,
            state,
            change,
        } = request;
        let now = self.gate.clock.now();
        let done = self
            .gate
            .engine
            .restrict(&reach(&scope), note(state, change, now));
        let change = done.map_err(|error| refusal(error, &Named::of(&scope)))?;
        let state = self.told_state(&scope, &change, now)?;
        Ok((change, state, now))
    }

    /// Tells watchers of a state that was set, and what it is now.
    fn told_state(
        &self,
        scope: &Scope,
        change: &StateChange,
        now: Now,
    ) -> Result<pb::StateInfo, Refusal> {
        let note = self.gate.engine.note_of(&reach(scope));
        let note = note.map_err(|error| refusal(error, &Named::of(scope)))?;
        self.gate.feed.state(scope, change, &note, now);
        Ok(write_note(&note))
    }

    fn tell_bucket(
        &self,
        id: &BucketId,
        kind: pb::ConfigKind,
        version: u64,
        change: &Change,
        now: Now,
    ) {
        let told = Config {
            kind,
            bucket: Some(id),
            groups: &[],
            version,
            change,
            sequence: self.gate.engine.sequence(),
        };
        self.gate.feed.config(&told, now);
    }

    fn tell_group(&self, id: &GroupId, version: u64, change: &Change, now: Now) {
        let told = Config {
            kind: pb::ConfigKind::Group,
            bucket: None,
            groups: core::slice::from_ref(id),
            version,
            change,
            sequence: self.gate.engine.sequence(),
        };
        self.gate.feed.config(&told, now);
    }
}

fn applied(version: u64, now: Now) -> Option<pb::ChangeResult> {
    Some(write_applied(version, now.wall))
}

fn note(state: TradingState, change: Change, now: Now) -> StateNote {
    StateNote {
        state,
        cause: StateCause::Operator,
        actor: change.actor,
        reason: change.reason,
        since: now,
    }
}

fn reach(scope: &Scope) -> Reach {
    match scope {
        Scope::Bucket(id) => Reach::Bucket(id.clone()),
        Scope::Group(id) => Reach::Group(id.clone()),
        Scope::Subject(Subject::Instrument(id)) => Reach::Instrument(id.clone()),
        Scope::Subject(Subject::Venue(id)) => Reach::Venue(id.clone()),
        Scope::Subject(Subject::Client(id)) => Reach::Client(id.clone()),
        Scope::Subject(Subject::Everything) => Reach::Everything,
    }
}

fn write_sums(sums: &BTreeMap<Currency, Money>) -> Vec<pb::Money> {
    let sums = sums.iter();
    sums.map(|(currency, sum)| money(*sum, currency)).collect()
}

fn groups_of(bucket: &Bucket) -> Vec<GroupId> {
    let levels = bucket.levels();
    levels.path.iter().map(|group| group.id.clone()).collect()
}

/// What a request named, for a refusal to tell.
#[derive(Clone, Copy, Debug, Default)]
struct Named<'a> {
    bucket: Option<&'a BucketId>,
    group: Option<&'a GroupId>,
    subject: Option<&'a Subject>,
    opening: Option<&'a Opening>,
    at: usize,
    expected: u64,
    owner: Option<&'a OwnerId>,
}

impl<'a> Named<'a> {
    fn of(scope: &'a Scope) -> Self {
        let mut named = Self::default();
        match scope {
            Scope::Bucket(id) => named.bucket = Some(id),
            Scope::Group(id) => named.group = Some(id),
            Scope::Subject(subject) => named.subject = Some(subject),
        }
        named
    }

    /// A field of the opening position.
    fn field(&self, name: &str) -> String {
        format!("positions[{}].{name}", self.at)
    }

    fn unknown_instrument(&self) -> Refusal {
        match (self.opening, self.subject) {
            (Some(opening), _) => Refusal::unknown_instrument(&opening.instrument),
            (None, Some(Subject::Instrument(id))) => Refusal::unknown_instrument(id),
            (None, _) => Refusal::internal(),
        }
    }
}

/// Why a change was refused, in words of the contract.
fn refusal(error: AdminError, named: &Named<'_>) -> Refusal {
    let obstacle = match error {
        AdminError::Breached(broken) => return Refusal::broken_limits(&broken),
        AdminError::UnknownBucket => {
            return named
                .bucket
                .map_or_else(Refusal::internal, Refusal::unknown_bucket);
        }
        AdminError::UnknownGroup => {
            return named
                .group
                .map_or_else(Refusal::internal, Refusal::unknown_group);
        }
        AdminError::UnknownOwner => {
            return named
                .owner
                .map_or_else(Refusal::internal, Refusal::unknown_owner);
        }
        AdminError::Owners(clash) => {
            let field = match clash.field {
                "currency" => return Refusal::obstacle(Obstacle::CurrencyMismatch),
                field => format!("limits.{field}"),
            };
            return Malformed::at(field, clash.expected).into();
        }
        AdminError::UnknownInstrument => return named.unknown_instrument(),
        AdminError::Instrument(InstrumentError::UnknownUnderlying(id)) => {
            return Refusal::unknown_instrument(&id);
        }
        AdminError::UnknownAccount => {
            return named.opening.map_or_else(Refusal::internal, |opening| {
                Refusal::unknown_account(&opening.venue, opening.account.as_ref())
            });
        }
        AdminError::VersionMismatch { current }
        | AdminError::Instrument(InstrumentError::VersionMismatch { current }) => {
            return Refusal::version_mismatch(named.expected, current);
        }
        AdminError::Exists => {
            return match (named.bucket, named.group) {
                (Some(id), _) => Refusal::bucket_exists(id),
                (None, Some(id)) => Refusal::group_exists(id),
                (None, None) => Refusal::internal(),
            };
        }
        AdminError::OffLot => {
            return Malformed::at(named.field("quantity"), "not a multiple of the lot").into();
        }
        AdminError::NotPositive => {
            let text = "the instrument allows no price of zero or less";
            return Malformed::at(named.field("average_price"), text).into();
        }
        AdminError::NotEmpty | AdminError::Remembered => Obstacle::BucketInUse,
        AdminError::Currency { .. } => Obstacle::CurrencyMismatch,
        AdminError::Hierarchy => Obstacle::GroupMisplaced,
        AdminError::Held => Obstacle::PositionTraded,
        AdminError::NeedsRearm => Obstacle::RearmRequired,
        AdminError::Reserved => Obstacle::BucketReserved,
        AdminError::Overflow => Obstacle::FigureTooLarge,
        AdminError::Route => Obstacle::RouteRefused,
        AdminError::Instrument(InstrumentError::Held) => Obstacle::InstrumentInUse,
    };
    Refusal::obstacle(obstacle)
}

/// Why opening positions were refused, with the place of the first that was.
fn bad_opening(bad: BadOpening, bucket: &BucketId, openings: &[Opening]) -> Refusal {
    let at = bad.at.unwrap_or_default();
    refusal(
        bad.error,
        &Named {
            bucket: Some(bucket),
            opening: openings.get(at),
            at,
            ..Named::default()
        },
    )
}
