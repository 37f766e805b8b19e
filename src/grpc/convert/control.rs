//! Who changes what for which reason, and the trading states that they set.

use super::field::{Path, TEXT_MAX, Violations, timestamp};
use crate::domain::name::{BucketId, GroupId, TagKind};
use crate::domain::state::{StateCause, StateNote, TradingState};
use crate::engine::controls::Subject;
use crate::pb::{self, control_scope};

/// Who asks for a change, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// Who: a person or a program, a name.
    pub actor: String,
    /// Why, in words.
    pub reason: String,
}

/// What a trading state applies to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// One bucket.
    Bucket(BucketId),
    /// A group and every bucket below it.
    Group(GroupId),
    /// An instrument, a venue, a client or everything, in every bucket.
    Subject(Subject),
}

/// Reads who asks for a change, and why.
pub fn change(
    message: Option<pb::ChangeContext>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Change> {
    let pb::ChangeContext { actor, reason } = found.needed(at, message)?;
    let actor = found.name::<TagKind>(at.field("actor"), actor);
    let reason = found.words(at.field("reason"), reason, TEXT_MAX);
    Some(Change {
        actor: actor?.to_string(),
        reason: reason?,
    })
}

/// Reads what a trading state applies to.
pub fn scope(
    message: Option<pb::ControlScope>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Scope> {
    use control_scope::Scope as Named;
    let pb::ControlScope { scope } = found.needed(at, message)?;
    match found.needed(at.field("scope"), scope)? {
        Named::BucketId(id) => found.name(at.field("bucket_id"), id).map(Scope::Bucket),
        Named::GroupId(id) => found.name(at.field("group_id"), id).map(Scope::Group),
        Named::InstrumentId(id) => {
            let id = found.name(at.field("instrument_id"), id);
            id.map(|id| Scope::Subject(Subject::Instrument(id)))
        }
        Named::VenueId(id) => {
            let id = found.name(at.field("venue_id"), id);
            id.map(|id| Scope::Subject(Subject::Venue(id)))
        }
        Named::ClientId(id) => {
            let id = found.name(at.field("client_id"), id);
            id.map(|id| Scope::Subject(Subject::Client(id)))
        }
        Named::All(true) => Some(Scope::Subject(Subject::Everything)),
        Named::All(false) => {
            found.refuse(at.field("all"), "must be true when chosen");
            None
        }
    }
}

/// Reads a restrictive state that a call may set.
pub fn state(
    number: i32,
    allowed: &[TradingState],
    at: Path<'_>,
    found: &mut Violations,
) -> Option<TradingState> {
    let state = match found.number(at, number)? {
        pb::TradingState::Unspecified => return found.needed(at, None),
        pb::TradingState::Active => TradingState::Active,
        pb::TradingState::ReduceOnly => TradingState::ReduceOnly,
        pb::TradingState::CancelOnly => TradingState::CancelOnly,
        pb::TradingState::Halted => TradingState::Halted,
    };
    if !allowed.contains(&state) {
        found.refuse(at, "not a state that this call sets");
        return None;
    }
    Some(state)
}

/// A change that is in force, on the wire.
#[must_use]
pub fn write_applied(version: u64, wall: i64) -> pb::ChangeResult {
    pb::ChangeResult {
        status: pb::ChangeStatus::Applied.into(),
        version,
        applied_at: Some(timestamp(wall)),
    }
}

/// What a trading state applies to, on the wire.
#[must_use]
pub fn write_scope(scope: &Scope) -> pb::ControlScope {
    use control_scope::Scope as Named;
    let scope = match scope {
        Scope::Bucket(id) => Named::BucketId(id.to_string()),
        Scope::Group(id) => Named::GroupId(id.to_string()),
        Scope::Subject(Subject::Instrument(id)) => Named::InstrumentId(id.to_string()),
        Scope::Subject(Subject::Venue(id)) => Named::VenueId(id.to_string()),
        Scope::Subject(Subject::Client(id)) => Named::ClientId(id.to_string()),
        Scope::Subject(Subject::Everything) => Named::All(true),
    };
    pb::ControlScope { scope: Some(scope) }
}

/// A trading state on the wire.
#[must_use]
pub const fn write_state(state: TradingState) -> pb::TradingState {
    match state {
        TradingState::Active => pb::TradingState::Active,
        TradingState::ReduceOnly => pb::TradingState::ReduceOnly,
        TradingState::CancelOnly => pb::TradingState::CancelOnly,
        TradingState::Halted => pb::TradingState::Halted,
    }
}

/// The cause of a trading state on the wire.
#[must_use]
pub const fn write_cause(cause: StateCause) -> pb::StateCause {
    match cause {
        StateCause::Operator => pb::StateCause::Operator,
        StateCause::Trip => pb::StateCause::Trip,
        StateCause::Recovering => pb::StateCause::Recovering,
        StateCause::Liquidation => pb::StateCause::Liquidation,
        StateCause::Fault => pb::StateCause::Fault,
        StateCause::DeadMan => pb::StateCause::DeadMan,
    }
}

/// A trading state with who set it and why, on the wire. One that was never changed has no cause and no time.
#[must_use]
pub fn write_note(note: &StateNote) -> pb::StateInfo {
    let untouched = *note == StateNote::default();
    pb::StateInfo {
        state: write_state(note.state).into(),
        cause: if untouched {
            pb::StateCause::Unspecified
        } else {
            write_cause(note.cause)
        }
        .into(),
        actor: note.actor.clone(),
        reason: note.reason.clone(),
        since: (!untouched).then(|| timestamp(note.since.wall)),
    }
}
