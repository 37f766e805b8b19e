//! Why a request was refused: one value that becomes a status, or an error on a stream.
//!
//! Texts never repeat what the sender sent, but for names and figures that were read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt as _};

use super::decision::write_reason;
use crate::domain::amount::Quantity;
use crate::domain::name::{AccountId, BucketId, GroupId, InstrumentId, OwnerId, VenueId};
use crate::domain::order::OrderKey;
use crate::engine::view::Usage;
use crate::pb;

/// Most broken limits that a refusal names, so that it fits the header it travels in.
const LIMITS_MAX: usize = 16;

/// `google.rpc.ErrorInfo.domain` of every status of the gateway.
pub const DOMAIN: &str = "bulkhead";

/// `google.rpc.ErrorInfo.reason`, and `OperationError.reason` on a stream. Stable; documented in `docs/api.md`.
pub mod reason {
    /// INVALID_ARGUMENT: fields are wrong by themselves.
    pub const MALFORMED: &str = "MALFORMED";
    /// NOT_FOUND.
    pub const UNKNOWN_BUCKET: &str = "UNKNOWN_BUCKET";
    /// NOT_FOUND.
    pub const UNKNOWN_GROUP: &str = "UNKNOWN_GROUP";
    /// NOT_FOUND.
    pub const UNKNOWN_ORDER: &str = "UNKNOWN_ORDER";
    /// NOT_FOUND.
    pub const UNKNOWN_DECISION: &str = "UNKNOWN_DECISION";
    /// NOT_FOUND.
    pub const UNKNOWN_KILL: &str = "UNKNOWN_KILL";
    /// NOT_FOUND.
    pub const UNKNOWN_INSTRUMENT: &str = "UNKNOWN_INSTRUMENT";
    /// NOT_FOUND.
    pub const UNKNOWN_OWNER: &str = "UNKNOWN_OWNER";
    /// NOT_FOUND.
    pub const UNKNOWN_ACCOUNT: &str = "UNKNOWN_ACCOUNT";
    /// NOT_FOUND.
    pub const UNKNOWN_VENUE: &str = "UNKNOWN_VENUE";
    /// NOT_FOUND.
    pub const UNKNOWN_COUNTERPARTY: &str = "UNKNOWN_COUNTERPARTY";
    /// ALREADY_EXISTS.
    pub const BUCKET_EXISTS: &str = "BUCKET_EXISTS";
    /// ALREADY_EXISTS.
    pub const GROUP_EXISTS: &str = "GROUP_EXISTS";
    /// ABORTED: another stream resumed the session.
    pub const SESSION_TAKEN_OVER: &str = "SESSION_TAKEN_OVER";
    /// ABORTED: the document has another version than the one expected.
    pub const VERSION_MISMATCH: &str = "VERSION_MISMATCH";
    /// FAILED_PRECONDITION.
    pub const BUCKET_IN_USE: &str = "BUCKET_IN_USE";
    /// FAILED_PRECONDITION.
    pub const INSTRUMENT_IN_USE: &str = "INSTRUMENT_IN_USE";
    /// FAILED_PRECONDITION.
    pub const POSITION_TRADED: &str = "POSITION_TRADED";
    /// FAILED_PRECONDITION.
    pub const ROUTE_REFUSED: &str = "ROUTE_REFUSED";
    /// FAILED_PRECONDITION.
    pub const CURRENCY_MISMATCH: &str = "CURRENCY_MISMATCH";
    /// FAILED_PRECONDITION.
    pub const GROUP_MISPLACED: &str = "GROUP_MISPLACED";
    /// FAILED_PRECONDITION.
    pub const REARM_REQUIRED: &str = "REARM_REQUIRED";
    /// FAILED_PRECONDITION.
    pub const BUCKET_RESERVED: &str = "BUCKET_RESERVED";
    /// FAILED_PRECONDITION.
    pub const FIGURE_TOO_LARGE: &str = "FIGURE_TOO_LARGE";
    /// FAILED_PRECONDITION.
    pub const GROUP_LIMITS_BROKEN: &str = "GROUP_LIMITS_BROKEN";
    /// FAILED_PRECONDITION: the time to accept a route is over.
    pub const ROUTE_EXPIRED: &str = "ROUTE_EXPIRED";
    /// FAILED_PRECONDITION: a halt came before a route was accepted.
    pub const ROUTE_VOID: &str = "ROUTE_VOID";
    /// FAILED_PRECONDITION: the order whose route is to be accepted is over.
    pub const ORDER_ENDED: &str = "ORDER_ENDED";
    /// RESOURCE_EXHAUSTED.
    pub const OVERLOADED: &str = "OVERLOADED";
    /// UNAVAILABLE.
    pub const DRAINING: &str = "DRAINING";
    /// INTERNAL.
    pub const INTERNAL_FAULT: &str = "INTERNAL_FAULT";

    /// All of them.
    pub const ALL: &[&str] = &[
        MALFORMED,
        UNKNOWN_BUCKET,
        UNKNOWN_GROUP,
        UNKNOWN_ORDER,
        UNKNOWN_DECISION,
        UNKNOWN_KILL,
        UNKNOWN_INSTRUMENT,
        UNKNOWN_ACCOUNT,
        UNKNOWN_VENUE,
        UNKNOWN_COUNTERPARTY,
        UNKNOWN_OWNER,
        BUCKET_EXISTS,
        GROUP_EXISTS,
        SESSION_TAKEN_OVER,
        VERSION_MISMATCH,
        BUCKET_IN_USE,
        INSTRUMENT_IN_USE,
        POSITION_TRADED,
        ROUTE_REFUSED,
        CURRENCY_MISMATCH,
        GROUP_MISPLACED,
        REARM_REQUIRED,
        BUCKET_RESERVED,
        FIGURE_TOO_LARGE,
        GROUP_LIMITS_BROKEN,
        ROUTE_EXPIRED,
        ROUTE_VOID,
        ORDER_ENDED,
        OVERLOADED,
        DRAINING,
        INTERNAL_FAULT,
    ];
}

/// One field that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Path from the request, such as `order.price.value` or `marks[3].source_time`.
    pub field: String,
    /// What is wrong with it.
    pub text: Cow<'static, str>,
}

/// A request that is wrong by itself: every field that is, in the order in which it was read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Malformed {
    /// The first ones; never empty.
    pub violations: Vec<Violation>,
    /// How many more there are. They are only counted, so that an answer fits the header it travels in.
    pub omitted: usize,
}

impl Malformed {
    /// A request with one wrong field.
    #[must_use]
    pub fn at(field: impl Into<String>, text: &'static str) -> Self {
        let violation = Violation {
            field: field.into(),
            text: text.into(),
        };
        Self {
            violations: vec![violation],
            omitted: 0,
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.violations.first() {
            write!(f, "{}: {}", first.field, first.text)?;
        }
        let more = self
            .violations
            .len()
            .saturating_sub(1)
            .saturating_add(self.omitted);
        if more > 0 {
            write!(f, " (and {more} more)")?;
        }
        Ok(())
    }
}

/// Why a change does not fit the present state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Obstacle {
    /// The bucket has live orders or positions.
    BucketInUse,
    /// What a contract is worth cannot change while a bucket holds it.
    InstrumentInUse,
    /// The bucket has a position or a live order in the instrument, so nothing is loaded.
    PositionTraded,
    /// A reroute target is unknown, is the bucket's only route, or leads back.
    RouteRefused,
    /// Limits are in another currency than those of the group above or of what is below.
    CurrencyMismatch,
    /// The group above is not of a level that may be there.
    GroupMisplaced,
    /// A stricter state is in force.
    RearmRequired,
    /// The bucket is the gateway's own.
    BucketReserved,
    /// A figure is too large to compute with.
    FigureTooLarge,
    /// Limits of the group would be broken; the refusal names them.
    GroupLimitsBroken,
    /// The time to accept a route is over.
    RouteExpired,
    /// A halt came before a route was accepted.
    RouteVoid,
    /// The order whose route is to be accepted is over.
    OrderEnded,
}

impl Obstacle {
    const fn reason(self) -> &'static str {
        match self {
            Self::BucketInUse => reason::BUCKET_IN_USE,
            Self::InstrumentInUse => reason::INSTRUMENT_IN_USE,
            Self::PositionTraded => reason::POSITION_TRADED,
            Self::RouteRefused => reason::ROUTE_REFUSED,
            Self::CurrencyMismatch => reason::CURRENCY_MISMATCH,
            Self::GroupMisplaced => reason::GROUP_MISPLACED,
            Self::RearmRequired => reason::REARM_REQUIRED,
            Self::BucketReserved => reason::BUCKET_RESERVED,
            Self::FigureTooLarge => reason::FIGURE_TOO_LARGE,
            Self::GroupLimitsBroken => reason::GROUP_LIMITS_BROKEN,
            Self::RouteExpired => reason::ROUTE_EXPIRED,
            Self::RouteVoid => reason::ROUTE_VOID,
            Self::OrderEnded => reason::ORDER_ENDED,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::BucketInUse => {
                "the bucket has live orders or positions, or what comes late for its orders and fills would be booked to it"
            }
            Self::InstrumentInUse => {
                "what the contract is worth cannot change under positions or live orders"
            }
            Self::PositionTraded => {
                "the bucket has another position there, or a live order in the instrument"
            }
            Self::RouteRefused => {
                "a reroute target is unknown, is the bucket's only route, or leads back"
            }
            Self::CurrencyMismatch => {
                "the currency of the limits is not that of the groups above and of what is below"
            }
            Self::GroupMisplaced => "a desk hangs under a firm, and a firm under nothing",
            Self::RearmRequired => "a stricter state is in force, and only a re-arm ends it",
            Self::BucketReserved => "the bucket is the gateway's own",
            Self::FigureTooLarge => "a figure is too large to compute with",
            Self::GroupLimitsBroken => {
                "limits of the group would be broken; force moves the bucket all the same"
            }
            Self::RouteExpired => {
                "the time to accept the route is over, and the order was released"
            }
            Self::RouteVoid => {
                "a halt came before the route was accepted, and the order was released"
            }
            Self::OrderEnded => "the order is over",
        }
    }
}

/// Limits in the way of a change: reason, whose, and the figures in words.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Broken(Vec<(&'static str, String, String)>);

/// A request that was refused: nothing was decided or changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    code: Code,
    reason: &'static str,
    text: Cow<'static, str>,
    violations: Vec<Violation>,
    broken: Option<Box<Broken>>,
    resource: Option<Box<(&'static str, String)>>,
    metadata: Vec<(&'static str, String)>,
}

impl Refusal {
    fn new(code: Code, reason: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            reason,
            text: text.into(),
            violations: Vec::new(),
            broken: None,
            resource: None,
            metadata: Vec::new(),
        }
    }

    fn about(self, kind: &'static str, name: String) -> Self {
        Self {
            resource: Some(Box::new((kind, name))),
            ..self
        }
    }

    /// INVALID_ARGUMENT: the request is wrong by itself.
    #[must_use]
    pub fn malformed(malformed: Malformed) -> Self {
        let text = malformed.to_string();
        Self {
            violations: malformed.violations,
            ..Self::new(Code::InvalidArgument, reason::MALFORMED, text)
        }
    }

    /// NOT_FOUND: no such bucket.
    #[must_use]
    pub fn unknown_bucket(id: &BucketId) -> Self {
        Self::new(Code::NotFound, reason::UNKNOWN_BUCKET, "no such bucket")
            .about("bulkhead.v1.Bucket", id.to_string())
    }

    /// NOT_FOUND: no such group.
    #[must_use]
    pub fn unknown_group(id: &GroupId) -> Self {
        Self::new(Code::NotFound, reason::UNKNOWN_GROUP, "no such group")
            .about("bulkhead.v1.Group", id.to_string())
    }

    /// NOT_FOUND: no venue of this name has limits.
    #[must_use]
    pub fn unknown_venue(id: &str) -> Self {
        let text = "no venue of this name has limits";
        Self::new(Code::NotFound, reason::UNKNOWN_VENUE, text)
            .about("bulkhead.v1.Venue", id.to_owned())
    }

    /// NOT_FOUND: no such counterparty.
    #[must_use]
    pub fn unknown_counterparty(id: &str) -> Self {
        let text = "no such counterparty";
        Self::new(Code::NotFound, reason::UNKNOWN_COUNTERPARTY, text)
            .about("bulkhead.v1.Counterparty", id.to_owned())
    }

    /// FAILED_PRECONDITION: limits of a group would be broken.
    #[must_use]
    pub fn broken_limits(broken: &[Usage]) -> Self {
        let told = |usage: &Usage| {
            let figure = |units| Quantity::from_units(units).to_string();
            let text = format!(
                "would count {}, limit {}",
                figure(usage.usage),
                figure(usage.limit.unwrap_or_default())
            );
            let reason = pb::Reason::try_from(write_reason(usage.reason)).unwrap_or_default();
            (reason.as_str_name(), usage.scope.clone(), text)
        };
        Self {
            broken: Some(Box::new(Broken(
                broken.iter().take(LIMITS_MAX).map(told).collect(),
            ))),
            ..Self::obstacle(Obstacle::GroupLimitsBroken)
        }
    }

    /// NOT_FOUND: no such owner of limits.
    #[must_use]
    pub fn unknown_owner(id: &OwnerId) -> Self {
        Self::new(Code::NotFound, reason::UNKNOWN_OWNER, "no such owner")
            .about("bulkhead.v1.OwnedLimits", id.to_string())
    }

    /// NOT_FOUND: no such order.
    #[must_use]
    pub fn unknown_order(key: &OrderKey) -> Self {
        Self::new(Code::NotFound, reason::UNKNOWN_ORDER, "no such order").about(
            "bulkhead.v1.OrderView",
            format!("{}/{}", key.client, key.cl_ord_id),
        )
    }

    /// NOT_FOUND: no decision of this id asked this client to accept a route.
    #[must_use]
    pub fn unknown_decision() -> Self {
        Self::new(
            Code::NotFound,
            reason::UNKNOWN_DECISION,
            "no decision of this id asked this client to accept a route",
        )
    }

    /// NOT_FOUND: no such kill.
    #[must_use]
    pub fn unknown_kill() -> Self {
        let text = "no such kill is kept";
        Self::new(Code::NotFound, reason::UNKNOWN_KILL, text)
    }

    /// NOT_FOUND: no such instrument.
    #[must_use]
    pub fn unknown_instrument(id: &InstrumentId) -> Self {
        Self::new(
            Code::NotFound,
            reason::UNKNOWN_INSTRUMENT,
            "no such instrument",
        )
        .about("bulkhead.v1.Instrument", id.to_string())
    }

    /// NOT_FOUND: the bucket has no such account, or leaves a choice.
    #[must_use]
    pub fn unknown_account(venue: &VenueId, account: Option<&AccountId>) -> Self {
        Self::new(
            Code::NotFound,
            reason::UNKNOWN_ACCOUNT,
            "the bucket has no such account, or has several and none is named",
        )
        .about(
            "bulkhead.v1.VenueAccount",
            format!("{venue}/{}", super::field::text(account)),
        )
    }

    /// ALREADY_EXISTS: a bucket of this id exists with other content.
    #[must_use]
    pub fn bucket_exists(id: &BucketId) -> Self {
        Self::new(
            Code::AlreadyExists,
            reason::BUCKET_EXISTS,
            "a bucket of this id exists with other content",
        )
        .about("bulkhead.v1.Bucket", id.to_string())
    }

    /// ALREADY_EXISTS: a group of this id exists with other content.
    #[must_use]
    pub fn group_exists(id: &GroupId) -> Self {
        Self::new(
            Code::AlreadyExists,
            reason::GROUP_EXISTS,
            "a group of this id exists with other content",
        )
        .about("bulkhead.v1.Group", id.to_string())
    }

    /// ABORTED: another stream resumed the session.
    #[must_use]
    pub fn taken_over() -> Self {
        Self::new(
            Code::Aborted,
            reason::SESSION_TAKEN_OVER,
            "the session was resumed by another stream",
        )
    }

    /// ABORTED: the document has another version than the one expected.
    #[must_use]
    pub fn version_mismatch(expected: u64, present: u64) -> Self {
        Self {
            metadata: vec![
                ("expected_version", expected.to_string()),
                ("present_version", present.to_string()),
            ],
            ..Self::new(
                Code::Aborted,
                reason::VERSION_MISMATCH,
                format!("expected version {expected}, present version {present}"),
            )
        }
    }

    /// FAILED_PRECONDITION: the present state does not allow the change.
    #[must_use]
    pub fn obstacle(obstacle: Obstacle) -> Self {
        Self::new(Code::FailedPrecondition, obstacle.reason(), obstacle.text())
    }

    /// RESOURCE_EXHAUSTED: more requests than can be answered in time.
    #[must_use]
    pub fn overloaded() -> Self {
        Self::new(
            Code::ResourceExhausted,
            reason::OVERLOADED,
            "more requests than can be answered in time",
        )
    }

    /// UNAVAILABLE: starting or stopping.
    #[must_use]
    pub fn draining() -> Self {
        Self::new(
            Code::Unavailable,
            reason::DRAINING,
            "the gateway is starting or stopping",
        )
    }

    /// INTERNAL: a fault of the gateway itself.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            reason::INTERNAL_FAULT,
            "a fault of the gateway; the outcome is not known",
        )
    }

    /// The status code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The stable reason.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::malformed(malformed)
    }
}

impl From<Malformed> for Status {
    fn from(malformed: Malformed) -> Self {
        Refusal::malformed(malformed).into()
    }
}

impl From<Malformed> for pb::OperationError {
    fn from(malformed: Malformed) -> Self {
        Refusal::malformed(malformed).into()
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let metadata: HashMap<String, String> = refusal
            .metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let mut details = ErrorDetails::with_error_info(refusal.reason, DOMAIN, metadata);
        if !refusal.violations.is_empty() {
            let violations: Vec<_> = refusal
                .violations
                .into_iter()
                .map(|violation| FieldViolation::new(violation.field, violation.text.into_owned()))
                .collect();
            details.set_bad_request(violations);
        }
        if let Some(broken) = refusal.broken {
            let limits = broken.0.into_iter();
            let limits =
                limits.map(|(reason, whose, text)| PreconditionViolation::new(reason, whose, text));
            details.set_precondition_failure(limits.collect::<Vec<_>>());
        }
        if let Some(resource) = refusal.resource {
            let (kind, name) = *resource;
            details.set_resource_info(kind, name, "", refusal.text.clone());
        }
        Self::with_error_details(refusal.code, refusal.text, details)
    }
}

impl From<Refusal> for pb::OperationError {
    fn from(refusal: Refusal) -> Self {
        let field = refusal.violations.into_iter().next();
        Self {
            code: i32::from(refusal.code),
            reason: refusal.reason.to_owned(),
            field: field.map(|violation| violation.field).unwrap_or_default(),
            text: refusal.text.into_owned(),
        }
    }
}
