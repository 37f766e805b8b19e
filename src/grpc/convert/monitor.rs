//! Requests of monitoring, and pages of lists.

use super::control::{Scope, write_note, write_scope};
use super::error::Malformed;
use super::field::{Path, Violations, money, says, text, timestamp};
use super::view::write_order_state;
use crate::domain::name::{BucketId, ClientId, GroupId, InstrumentId, Kind, Name, VenueId};
use crate::engine::admin::Scope as Reach;
use crate::engine::controls::Subject;
use crate::engine::kills::{KillId, KillState, KillView};
use crate::pb::{self, get_usage_request};

const ROOT: Path<'static> = Path::ROOT;

/// Entries of a page unless told.
pub const PAGE_DEFAULT: u32 = 100;
/// Most entries of a page.
pub const PAGE_MAX: u32 = 1_000;
/// Most bytes of a token: three names and what parts them.
const TOKEN_MAX: usize = 256;

/// Which page of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// How many entries at most.
    pub size: usize,
    /// Token of the page before, out of names and `/`; empty for the first page.
    pub token: String,
}

/// Reads which page of a list is wanted.
pub(super) fn page(size: u32, token: String, found: &mut Violations) -> Option<Page> {
    let size = match size {
        0 => Some(PAGE_DEFAULT),
        1..=PAGE_MAX => Some(size),
        _ => {
            found.refuse(ROOT.field("page_size"), says::OUT_OF_RANGE);
            None
        }
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-/".contains(&byte);
    let is_token = token.len() <= TOKEN_MAX && token.bytes().all(legal);
    if !is_token {
        found.refuse(ROOT.field("page_token"), "not a token of this list");
    }
    Some(Page {
        size: usize::try_from(size?).ok()?,
        token,
    })
}

/// Reads a request to read the state of one bucket.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn get_bucket_status(request: pb::GetBucketStatusRequest) -> Result<BucketId, Malformed> {
    let pb::GetBucketStatusRequest { bucket_id } = request;
    super::bucket::id("bucket_id", bucket_id)
}

/// A request to list the states of buckets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListBucketStatus {
    /// Only those below this group.
    pub group: Option<GroupId>,
    /// Only those above one of their limits.
    pub in_breach_only: bool,
    /// Which page.
    pub page: Page,
}

/// Reads a request to list the states of buckets.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn list_bucket_status(
    request: pb::ListBucketStatusRequest,
) -> Result<ListBucketStatus, Malformed> {
    let pb::ListBucketStatusRequest {
        group_id,
        in_breach_only,
        page_size,
        page_token,
    } = request;
    let mut found = Violations::default();
    let group = found.name_if_any(ROOT.field("group_id"), group_id);
    let page = page(page_size, page_token, &mut found);
    let request = group.zip(page).map(|(group, page)| ListBucketStatus {
        group,
        in_breach_only,
        page,
    });
    found.finish(request)
}

/// A request to list live orders: those that fit everything that is given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListLiveOrders {
    /// Only of this bucket.
    pub bucket: Option<BucketId>,
    /// Only of buckets below this group.
    pub group: Option<GroupId>,
    /// Only in this instrument.
    pub instrument: Option<InstrumentId>,
    /// Only at this venue.
    pub venue: Option<VenueId>,
    /// Only of this client.
    pub client: Option<ClientId>,
    /// Only those that should be cancelled.
    pub cancel_wanted_only: bool,
    /// Which page.
    pub page: Page,
}

/// Reads a request to list live orders.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn list_live_orders(request: pb::ListLiveOrdersRequest) -> Result<ListLiveOrders, Malformed> {
    let pb::ListLiveOrdersRequest {
        bucket_id,
        group_id,
        instrument_id,
        venue_id,
        client_id,
        cancel_wanted_only,
        page_size,
        page_token,
    } = request;
    let mut found = Violations::default();
    let bucket = found.name_if_any(ROOT.field("bucket_id"), bucket_id);
    let group = found.name_if_any(ROOT.field("group_id"), group_id);
    let instrument = found.name_if_any(ROOT.field("instrument_id"), instrument_id);
    let venue = found.name_if_any(ROOT.field("venue_id"), venue_id);
    let client = found.name_if_any(ROOT.field("client_id"), client_id);
    let page = page(page_size, page_token, &mut found);
    let request = || {
        Some(ListLiveOrders {
            bucket: bucket?,
            group: group?,
            instrument: instrument?,
            venue: venue?,
            client: client?,
            cancel_wanted_only,
            page: page?,
        })
    };
    found.finish(request())
}

/// Whose limits are read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UsageOf {
    /// Those of a bucket.
    Bucket(BucketId),
    /// Those of a group.
    Group(GroupId),
    /// Those of a venue.
    Venue(VenueId),
    /// Those of a counterparty.
    Counterparty(GroupId),
}

/// Reads a request to read the usage of limits.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn get_usage(request: pb::GetUsageRequest) -> Result<UsageOf, Malformed> {
    use get_usage_request::Owner;
    let pb::GetUsageRequest { owner } = request;
    let mut found = Violations::default();
    let owner = match owner {
        Some(Owner::BucketId(id)) => found.name(ROOT.field("bucket_id"), id).map(UsageOf::Bucket),
        Some(Owner::GroupId(id)) => found.name(ROOT.field("group_id"), id).map(UsageOf::Group),
        Some(Owner::VenueId(id)) => found.name(ROOT.field("venue_id"), id).map(UsageOf::Venue),
        Some(Owner::CounterpartyId(id)) => {
            let at = ROOT.field("counterparty_id");
            found.name(at, id).map(UsageOf::Counterparty)
        }
        None => found.needed(ROOT.field("owner"), None),
    };
    found.finish(owner)
}

/// A request to watch: events that fit everything that is given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Watch {
    /// Only of these buckets; all where empty.
    pub buckets: Vec<BucketId>,
    /// Only of buckets below this group.
    pub group: Option<GroupId>,
    /// Only of this client.
    pub client: Option<ClientId>,
    /// Only these kinds; all where empty.
    pub kinds: Vec<pb::WatchKind>,
    /// Of the decisions, only these; all where empty.
    pub outcomes: Vec<pb::Outcome>,
}

/// Reads a request to watch.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn watch(request: pb::WatchRequest) -> Result<Watch, Malformed> {
    let pb::WatchRequest {
        bucket_ids,
        group_id,
        client_id,
        kinds,
        outcomes,
    } = request;
    let mut found = Violations::default();
    let buckets = names(bucket_ids, ROOT.field("bucket_ids"), &mut found);
    let group = found.name_if_any(ROOT.field("group_id"), group_id);
    let client = found.name_if_any(ROOT.field("client_id"), client_id);
    let none_kind = pb::WatchKind::Unspecified;
    let kinds = numbers(kinds, none_kind, ROOT.field("kinds"), &mut found);
    let none_outcome = pb::Outcome::Unspecified;
    let outcomes = numbers(outcomes, none_outcome, ROOT.field("outcomes"), &mut found);
    let request = || {
        Some(Watch {
            buckets: buckets?,
            group: group?,
            client: client?,
            kinds: kinds?,
            outcomes: outcomes?,
        })
    };
    found.finish(request())
}

/// A request to read one kill.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GetKill {
    /// The kill.
    pub id: KillId,
    /// Which page of its live orders.
    pub page: Page,
}

/// Reads a request to read one kill.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn get_kill(request: pb::GetKillRequest) -> Result<GetKill, Malformed> {
    let pb::GetKillRequest {
        kill_id,
        page_size,
        page_token,
    } = request;
    let mut found = Violations::default();
    let at = ROOT.field("kill_id");
    let id = if kill_id.is_empty() {
        found.needed(at, None)
    } else {
        let id = read_kill_id(&kill_id);
        if id.is_none() {
            found.refuse(at, "not an id of a kill");
        }
        id
    };
    let page = page(page_size, page_token, &mut found);
    found.finish(id.zip(page).map(|(id, page)| GetKill { id, page }))
}

/// A request to list kills.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListKills {
    /// Only those with orders that live.
    pub unresolved_only: bool,
    /// Which page.
    pub page: Page,
}

/// Reads a request to list kills.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn list_kills(request: pb::ListKillsRequest) -> Result<ListKills, Malformed> {
    let pb::ListKillsRequest {
        unresolved_only,
        page_size,
        page_token,
    } = request;
    let mut found = Violations::default();
    let page = page(page_size, page_token, &mut found);
    found.finish(page.map(|page| ListKills {
        unresolved_only,
        page,
    }))
}

/// Digits of either half of a kill's id: as many for all, so that names sort by time.
const KILL_DIGITS: usize = 16;

/// The id of a kill as people and programs name it: its time and its number, to the base of sixteen.
#[must_use]
pub fn write_kill_id(id: KillId) -> String {
    format!("{:016x}-{:016x}", id.at, id.sequence)
}

fn read_kill_id(text: &str) -> Option<KillId> {
    let (at, sequence) = text.split_once('-')?;
    let read = |part: &str| {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_plain = part.len() == KILL_DIGITS && part.bytes().all(is_hex);
        is_plain
            .then(|| u64::from_str_radix(part, 16).ok())
            .flatten()
    };
    Some(KillId {
        at: read(at)?.cast_signed(),
        sequence: read(sequence)?,
    })
}

/// A kill on the wire.
#[must_use]
pub fn write_kill(kill: &KillView) -> pb::Kill {
    let residual = kill.residual.iter();
    let ended = kill.ended.iter();
    pb::Kill {
        kill_id: write_kill_id(kill.id),
        scope: Some(write_scope(&scope_of(&kill.scope))),
        state: Some(write_note(&kill.note)),
        client_id: text(kill.client.as_ref()),
        status: match kill.state {
            KillState::Open => pb::KillStatus::Open,
            KillState::Unresolved => pb::KillStatus::Unresolved,
            KillState::Resolved => pb::KillStatus::Resolved,
        }
        .into(),
        orders: kill.orders,
        ended: ended
            .map(|(state, count)| pb::EndCount {
                state: write_order_state(*state).into(),
                count: *count,
            })
            .collect(),
        live: kill.live,
        residual: residual
            .map(|(currency, held)| money(*held, currency))
            .collect(),
        unresolved_at: kill.alarmed_at.map(timestamp),
        resolved_at: kill.resolved_at.map(timestamp),
    }
}

/// What a kill stopped, as the contract names it.
#[must_use]
pub fn scope_of(scope: &Reach) -> Scope {
    match scope {
        Reach::Bucket(id) => Scope::Bucket(id.clone()),
        Reach::Group(id) => Scope::Group(id.clone()),
        Reach::Instrument(id) => Scope::Subject(Subject::Instrument(id.clone())),
        Reach::Venue(id) => Scope::Subject(Subject::Venue(id.clone())),
        Reach::Client(id) => Scope::Subject(Subject::Client(id.clone())),
        Reach::Everything => Scope::Subject(Subject::Everything),
    }
}

fn names<K: Kind>(list: Vec<String>, at: Path<'_>, found: &mut Violations) -> Option<Vec<Name<K>>> {
    let mut all = Some(Vec::with_capacity(list.len()));
    for (index, text) in list.into_iter().enumerate() {
        match (found.name(at.item(index), text), &mut all) {
            (Some(name), Some(all)) => all.push(name),
            _ => all = None,
        }
    }
    all
}

/// Numbers of an enum of which `none` stands for nothing.
fn numbers<E: TryFrom<i32> + PartialEq>(
    list: Vec<i32>,
    none: E,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Vec<E>> {
    let mut all = Some(Vec::with_capacity(list.len()));
    for (index, number) in list.into_iter().enumerate() {
        let at = at.item(index);
        let value = match found.number(at, number) {
            Some(value) if value == none => found.needed(at, None),
            value => value,
        };
        match (value, &mut all) {
            (Some(value), Some(all)) => all.push(value),
            _ => all = None,
        }
    }
    all
}
