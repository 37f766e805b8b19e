//! Requests of administration.

use std::collections::BTreeSet;

use super::bucket::{read as read_bucket, read_group};
use super::control::{Change, Scope, change, scope, state};
use super::error::Malformed;
use super::field::{Path, Sign, Violations, says};
use super::instrument::{InstrumentDefaults, read as read_instrument};
use super::limits;
use super::monitor::{Page, page};
use super::order::key;
use crate::domain::amount::Quantity;
use crate::domain::instrument::Instrument;
use crate::domain::name::{BucketId, GroupId, InstrumentId, OwnerId, Tag, VenueId};
use crate::domain::order::OrderKey;
use crate::domain::state::TradingState;
use crate::engine::admin::Opening;
use crate::engine::setup::{BucketSetup, GroupSetup};
use crate::pb;
use crate::risk::limits::{GroupLimits, Limits};

const ROOT: Path<'static> = Path::ROOT;

/// A request to create a bucket.
#[derive(Clone, Debug)]
pub struct CreateBucket {
    /// The bucket.
    pub bucket: BucketSetup,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to create a bucket.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn create_bucket(request: pb::CreateBucketRequest) -> Result<CreateBucket, Malformed> {
    let pb::CreateBucketRequest { bucket, context } = request;
    let mut found = Violations::default();
    let at = ROOT.field("bucket");
    let bucket = match found.needed(at, bucket) {
        Some(bucket) => read_bucket(bucket, at, &mut found),
        None => None,
    };
    let change = change(context, ROOT.field("context"), &mut found);
    let request = bucket.zip(change);
    found.finish(request.map(|(bucket, change)| CreateBucket { bucket, change }))
}

/// Reads a request to read one bucket.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn get_bucket(request: pb::GetBucketRequest) -> Result<BucketId, Malformed> {
    let pb::GetBucketRequest { bucket_id } = request;
    super::bucket::id("bucket_id", bucket_id)
}

/// A request to list buckets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListBuckets {
    /// Only those below this group.
    pub group: Option<GroupId>,
    /// Which page.
    pub page: Page,
}

/// Reads a request to list buckets.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn list_buckets(request: pb::ListBucketsRequest) -> Result<ListBuckets, Malformed> {
    let pb::ListBucketsRequest {
        group_id,
        page_size,
        page_token,
    } = request;
    let mut found = Violations::default();
    let group = found.name_if_any(ROOT.field("group_id"), group_id);
    let page = page(page_size, page_token, &mut found);
    let request = group.zip(page);
    found.finish(request.map(|(group, page)| ListBuckets { group, page }))
}

/// A request to replace the limits of a bucket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpdateLimits {
    /// The bucket.
    pub bucket: BucketId,
    /// The version that the change was made from.
    pub expected_version: u64,
    /// The whole document.
    pub limits: Limits,
    /// Whose it is; the first owner's where absent.
    pub owner: Option<OwnerId>,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to replace the limits of a bucket.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn update_limits(request: pb::UpdateLimitsRequest) -> Result<UpdateLimits, Malformed> {
    let pb::UpdateLimitsRequest {
        bucket_id,
        expected_version,
        limits,
        context,
        owner,
    } = request;
    let mut found = Violations::default();
    let owner = found.name_if_any(ROOT.field("owner"), owner);
    let bucket = found.name(ROOT.field("bucket_id"), bucket_id);
    let version = version(expected_version, &mut found);
    let at = ROOT.field("limits");
    let limits = match found.needed(at, limits) {
        Some(limits) => limits::read(limits, at, &mut found),
        None => None,
    };
    let change = change(context, ROOT.field("context"), &mut found);
    let request = || {
        Some(UpdateLimits {
            bucket: bucket?,
            expected_version: version?,
            limits: limits?,
            owner: owner?,
            change: change?,
        })
    };
    found.finish(request())
}

/// A request to set a trading state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetState {
    /// What it applies to.
    pub scope: Scope,
    /// The state.
    pub state: TradingState,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to set the state of a bucket or a group.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn set_state(request: pb::SetStateRequest) -> Result<SetState, Malformed> {
    const STATES: &[TradingState] = &[
        TradingState::ReduceOnly,
        TradingState::CancelOnly,
        TradingState::Halted,
    ];
    let pb::SetStateRequest {
        scope: covered,
        state: number,
        context,
    } = request;
    let mut found = Violations::default();
    let scope_at = ROOT.field("scope");
    let scope = scope(covered, scope_at, &mut found);
    if let Some(Scope::Subject(_)) = scope {
        found.refuse(scope_at.field("scope"), "neither a bucket nor a group");
    }
    let state = state(number, STATES, ROOT.field("state"), &mut found);
    let change = change(context, ROOT.field("context"), &mut found);
    let request = || {
        Some(SetState {
            scope: scope?,
            state: state?,
            change: change?,
        })
    };
    found.finish(request())
}

/// Reads a request to stop trading in any scope.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn halt(request: pb::HaltRequest) -> Result<SetState, Malformed> {
    const STATES: &[TradingState] = &[TradingState::CancelOnly, TradingState::Halted];
    let pb::HaltRequest {
        scope: covered,
        state: number,
        context,
    } = request;
    let mut found = Violations::default();
    let scope = scope(covered, ROOT.field("scope"), &mut found);
    let state = state(number, STATES, ROOT.field("state"), &mut found);
    let change = change(context, ROOT.field("context"), &mut found);
    let request = || {
        Some(SetState {
            scope: scope?,
            state: state?,
            change: change?,
        })
    };
    found.finish(request())
}

/// Reads a request to end a halt: what to re-arm, and who asks.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn rearm(request: pb::RearmRequest) -> Result<(Scope, Change), Malformed> {
    let pb::RearmRequest {
        scope: covered,
        context,
    } = request;
    let mut found = Violations::default();
    let scope = scope(covered, ROOT.field("scope"), &mut found);
    let change = change(context, ROOT.field("context"), &mut found);
    found.finish(scope.zip(change))
}

/// A request to end an order by a person's word.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResolveOrder {
    /// The order.
    pub key: OrderKey,
    /// Filled in all.
    pub filled: Quantity,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to end an order by a person's word.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn resolve_order(request: pb::ResolveOrderRequest) -> Result<ResolveOrder, Malformed> {
    let pb::ResolveOrderRequest {
        client_id,
        cl_ord_id,
        filled_quantity,
        context,
    } = request;
    let mut found = Violations::default();
    let key = key(client_id, cl_ord_id, ROOT, None, &mut found);
    let at = ROOT.field("filled_quantity");
    let filled = found.amount(at, filled_quantity, Sign::NotNegative);
    let change = change(context, ROOT.field("context"), &mut found);
    let request = || {
        Some(ResolveOrder {
            key: key?,
            filled: filled?,
            change: change?,
        })
    };
    found.finish(request())
}

/// A request to delete a bucket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeleteBucket {
    /// The bucket.
    pub bucket: BucketId,
    /// The version that is deleted.
    pub expected_version: u64,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to delete a bucket.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn delete_bucket(request: pb::DeleteBucketRequest) -> Result<DeleteBucket, Malformed> {
    let pb::DeleteBucketRequest {
        bucket_id,
        expected_version,
        context,
    } = request;
    let mut found = Violations::default();
    let bucket = found.name(ROOT.field("bucket_id"), bucket_id);
    let version = version(expected_version, &mut found);
    let change = change(context, ROOT.field("context"), &mut found);
    let request = || {
        Some(DeleteBucket {
            bucket: bucket?,
            expected_version: version?,
            change: change?,
        })
    };
    found.finish(request())
}

/// A request to set opening positions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoadPositions {
    /// The bucket.
    pub bucket: BucketId,
    /// The positions.
    pub positions: Vec<Opening>,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to set opening positions.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn load_positions(request: pb::LoadPositionsRequest) -> Result<LoadPositions, Malformed> {
    let pb::LoadPositionsRequest {
        bucket_id,
        positions,
        context,
    } = request;
    let mut found = Violations::default();
    let bucket = found.name(ROOT.field("bucket_id"), bucket_id);
    let at = ROOT.field("positions");
    if positions.is_empty() {
        found.refuse(at, says::REQUIRED);
    }
    let mut all = Some(Vec::with_capacity(positions.len()));
    let mut seen = BTreeSet::new();
    for (index, position) in positions.into_iter().enumerate() {
        let at = at.item(index);
        let position = opening_position(position, at, &mut found);
        match (position, &mut all) {
            (Some(position), Some(all)) => {
                let place = (
                    position.instrument.clone(),
                    position.venue.clone(),
                    position.account.clone(),
                );
                if !seen.insert(place) {
                    found.refuse(at.field("instrument_id"), says::TWICE);
                }
                all.push(position);
            }
            _ => all = None,
        }
    }
    let change = change(context, ROOT.field("context"), &mut found);
    let request = || {
        Some(LoadPositions {
            bucket: bucket?,
            positions: all?,
            change: change?,
        })
    };
    found.finish(request())
}

fn opening_position(
    message: pb::OpeningPosition,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Opening> {
    let pb::OpeningPosition {
        instrument_id,
        venue_id,
        account_id,
        quantity,
        average_price,
    } = message;
    let instrument = found.name(at.field("instrument_id"), instrument_id);
    let venue = found.name(at.field("venue_id"), venue_id);
    let account = found.name_if_any(at.field("account_id"), account_id);
    let quantity: Option<Quantity> = found.amount(at.field("quantity"), quantity, Sign::Any);
    if quantity.is_some_and(Quantity::is_zero) {
        found.refuse(at.field("quantity").field("value"), says::ZERO);
    }
    let price = found.amount(at.field("average_price"), average_price, Sign::Any);
    Some(Opening {
        instrument: instrument?,
        venue: venue?,
        account: account?,
        quantity: quantity?,
        price: price?,
    })
}

/// A request to add or change instruments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpsertInstruments {
    /// The instruments, each whole.
    pub instruments: Vec<Instrument>,
    /// The version of the table that the change was made from; none is not checked.
    pub expected_version: Option<u64>,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to add or change instruments.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn upsert_instruments(
    request: pb::UpsertInstrumentsRequest,
    defaults: &InstrumentDefaults,
) -> Result<UpsertInstruments, Malformed> {
    let pb::UpsertInstrumentsRequest {
        instruments,
        expected_version,
        context,
    } = request;
    let mut found = Violations::default();
    let at = ROOT.field("instruments");
    if instruments.is_empty() {
        found.refuse(at, says::REQUIRED);
    }
    let mut all = Some(Vec::with_capacity(instruments.len()));
    let mut seen = BTreeSet::new();
    for (index, instrument) in instruments.into_iter().enumerate() {
        let at = at.item(index);
        let instrument = read_instrument(instrument, defaults, at, &mut found);
        match (instrument, &mut all) {
            (Some(instrument), Some(all)) => {
                if !seen.insert(instrument.id.clone()) {
                    found.refuse(at.field("instrument_id"), says::TWICE);
                }
                all.push(instrument);
            }
            _ => all = None,
        }
    }
    let change = change(context, ROOT.field("context"), &mut found);
    let request = all
        .zip(change)
        .map(|(instruments, change)| UpsertInstruments {
            instruments,
            expected_version: (expected_version > 0).then_some(expected_version),
            change,
        });
    found.finish(request)
}

/// Reads a request to read one instrument.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn get_instrument(request: pb::GetInstrumentRequest) -> Result<InstrumentId, Malformed> {
    let pb::GetInstrumentRequest { instrument_id } = request;
    super::bucket::id("instrument_id", instrument_id)
}

/// A request to list instruments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListInstruments {
    /// Only those of this underlying.
    pub underlying: Option<Tag>,
    /// Only those that this venue lists.
    pub venue: Option<VenueId>,
    /// Which page.
    pub page: Page,
}

/// Reads a request to list instruments.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn list_instruments(request: pb::ListInstrumentsRequest) -> Result<ListInstruments, Malformed> {
    let pb::ListInstrumentsRequest {
        underlying,
        venue_id,
        page_size,
        page_token,
    } = request;
    let mut found = Violations::default();
    let underlying = found.name_if_any(ROOT.field("underlying"), underlying);
    let venue = found.name_if_any(ROOT.field("venue_id"), venue_id);
    let page = page(page_size, page_token, &mut found);
    let request = || {
        Some(ListInstruments {
            underlying: underlying?,
            venue: venue?,
            page: page?,
        })
    };
    found.finish(request())
}

/// A request to create a group.
#[derive(Clone, Debug)]
pub struct CreateGroup {
    /// The group.
    pub group: GroupSetup,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to create a group.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn create_group(request: pb::CreateGroupRequest) -> Result<CreateGroup, Malformed> {
    let pb::CreateGroupRequest {
        group_id,
        level,
        parent_group_id,
        limits,
        context,
        calendar,
    } = request;
    let mut found = Violations::default();
    let what = (limits, calendar);
    let group = read_group(group_id, level, parent_group_id, what, ROOT, &mut found);
    let change = change(context, ROOT.field("context"), &mut found);
    let request = group.zip(change);
    found.finish(request.map(|(group, change)| CreateGroup { group, change }))
}

/// A request to replace the limits of a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpdateGroupLimits {
    /// The group.
    pub group: GroupId,
    /// The version that the change was made from.
    pub expected_version: u64,
    /// The whole document.
    pub limits: GroupLimits,
    /// Whose it is; the first owner's where absent.
    pub owner: Option<OwnerId>,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to replace the limits of a group.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn update_group_limits(
    request: pb::UpdateGroupLimitsRequest,
) -> Result<UpdateGroupLimits, Malformed> {
    let pb::UpdateGroupLimitsRequest {
        group_id,
        expected_version,
        limits,
        context,
        owner,
    } = request;
    let mut found = Violations::default();
    let owner = found.name_if_any(ROOT.field("owner"), owner);
    let group = found.name(ROOT.field("group_id"), group_id);
    let version = version(expected_version, &mut found);
    let at = ROOT.field("limits");
    let limits = match found.needed(at, limits) {
        Some(limits) => limits::read_group(limits, at, &mut found),
        None => None,
    };
    let change = change(context, ROOT.field("context"), &mut found);
    let request = || {
        Some(UpdateGroupLimits {
            group: group?,
            expected_version: version?,
            limits: limits?,
            owner: owner?,
            change: change?,
        })
    };
    found.finish(request())
}

/// A request to hang a bucket under another group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MoveBucket {
    /// The bucket.
    pub bucket: BucketId,
    /// The group it comes to.
    pub group: GroupId,
    /// The version that the change was made from.
    pub expected_version: u64,
    /// Whether it is moved where that breaks a limit, too.
    pub force: bool,
    /// Who and why.
    pub change: Change,
}

/// Reads a request to hang a bucket under another group.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn move_bucket(request: pb::MoveBucketRequest) -> Result<MoveBucket, Malformed> {
    let pb::MoveBucketRequest {
        bucket_id,
        group_id,
        expected_version,
        force,
        context,
    } = request;
    let mut found = Violations::default();
    let bucket = found.name(ROOT.field("bucket_id"), bucket_id);
    let group = found.name(ROOT.field("group_id"), group_id);
    let version = version(expected_version, &mut found);
    let change = change(context, ROOT.field("context"), &mut found);
    let request = || {
        Some(MoveBucket {
            bucket: bucket?,
            group: group?,
            expected_version: version?,
            force,
            change: change?,
        })
    };
    found.finish(request())
}

/// Reads a request to list groups.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn list_groups(request: pb::ListGroupsRequest) -> Result<Page, Malformed> {
    let pb::ListGroupsRequest {
        page_size,
        page_token,
    } = request;
    let mut found = Violations::default();
    let page = page(page_size, page_token, &mut found);
    found.finish(page)
}

/// Versions count from one, so zero is no version.
fn version(version: u64, found: &mut Violations) -> Option<u64> {
    let version = (version > 0).then_some(version);
    found.needed(ROOT.field("expected_version"), version)
}
