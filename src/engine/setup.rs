//! What an engine is built from: groups, buckets, clients, routes and currency paths, all checked by themselves.

use crate::domain::amount::Money;
use crate::domain::decision::Level;
use crate::domain::name::{AccountId, BucketId, ClientId, Currency, GroupId, OwnerId, VenueId};
use crate::domain::time::SECOND;
use crate::risk::calendar::Calendar;
use crate::risk::limits::{GroupLimits, Limits, RateLimit};

/// A desk or a firm.
#[derive(Clone, Debug)]
pub struct GroupSetup {
    /// Its name.
    pub id: GroupId,
    /// [`Level::Desk`] or [`Level::Firm`].
    pub level: Level,
    /// The group above; a firm has none.
    pub parent: Option<GroupId>,
    /// Its limits, as the first owner has them.
    pub limits: GroupLimits,
    /// The second owner's, where it has any.
    pub other_limits: Option<GroupLimits>,
    /// Its trading day; windows mean nothing for it.
    pub calendar: Calendar,
}

/// Limits on what all buckets together do at one venue.
#[derive(Clone, Debug)]
pub struct VenueSetup {
    /// The venue.
    pub id: VenueId,
    /// Its limits.
    pub limits: GroupLimits,
    /// Its trading day.
    pub calendar: Calendar,
}

/// Limits on what all buckets together do at the venues of one counterparty.
#[derive(Clone, Debug)]
pub struct CounterpartySetup {
    /// Its name.
    pub id: GroupId,
    /// Its venues; each belongs to one counterparty at most.
    pub venues: Vec<VenueId>,
    /// Its limits.
    pub limits: GroupLimits,
    /// Its trading day.
    pub calendar: Calendar,
}

/// A place a refused order may go to instead (RR2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteTarget {
    /// Another bucket, or this one where absent.
    pub bucket: Option<BucketId>,
    /// Venue.
    pub venue: VenueId,
    /// Account there.
    pub account: AccountId,
}

/// The reroute rule of a source bucket: an empty list disables it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RerouteRule {
    /// Targets in the order they are tried.
    pub targets: Vec<RouteTarget>,
    /// How many of them at most are tried (RR7); zero stands for the default of four.
    pub tries: usize,
}

/// What another bucket may send here (RR12).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InboundRule {
    /// Source bucket.
    pub from: BucketId,
    /// Largest notional approved for its rerouted orders in the trading day, in this bucket's currency; what is cancelled is not given back.
    pub notional_max: Money,
}

/// What a bucket does when a client that trades in it is lost (G5).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DeadManAction {
    /// Nothing.
    #[default]
    None,
    /// It takes no new orders until someone re-arms it.
    NoNew,
    /// The same, and the client's live orders are to be cancelled.
    CancelAll,
}

/// The dead man's switch of a bucket (G5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeadMan {
    /// How long a client may be lost, nanoseconds.
    pub after: u64,
    /// What is done then.
    pub action: DeadManAction,
    /// Whether good-till-cancel and good-till-date orders stay.
    pub exempt_gtc: bool,
}

impl Default for DeadMan {
    fn default() -> Self {
        Self {
            after: 5 * SECOND,
            action: DeadManAction::None,
            exempt_gtc: true,
        }
    }
}

/// A bucket as configured.
#[derive(Clone, Debug)]
pub struct BucketSetup {
    /// Its name.
    pub id: BucketId,
    /// The group above, if any.
    pub parent: Option<GroupId>,
    /// Its accounts at venues.
    pub accounts: Vec<(VenueId, AccountId)>,
    /// Its limits, as the first owner has them.
    pub limits: Limits,
    /// The second owner's, where it has any.
    pub other_limits: Option<Limits>,
    /// Its trading day and windows.
    pub calendar: Calendar,
    /// Where its refused orders may go.
    pub reroute: RerouteRule,
    /// What may come in from other buckets.
    pub inbound: Vec<InboundRule>,
    /// Largest notional from all other buckets together, in this bucket's currency.
    pub inbound_total_max: Option<Money>,
    /// What it does when a client that trades in it is lost.
    pub dead_man: DeadMan,
}

impl BucketSetup {
    /// A bucket without accounts, routes or windows, whose trading day is that of UTC.
    #[must_use]
    pub fn bare(id: BucketId, limits: Limits) -> Self {
        Self {
            id,
            parent: None,
            accounts: Vec::new(),
            limits,
            other_limits: None,
            calendar: Calendar::utc(),
            reroute: RerouteRule::default(),
            inbound: Vec::new(),
            inbound_total_max: None,
            dead_man: DeadMan::default(),
        }
    }
}

/// A client as configured.
#[derive(Clone, Debug)]
pub struct ClientSetup {
    /// Its name.
    pub id: ClientId,
    /// Ids it may use in a trading day (A11).
    pub quota: u32,
    /// Whether it promises never to send an order whose approval it has not committed, so that an unsent one is freed when its time is up (H2).
    pub send_after_commit: bool,
    /// F1 per session of the client.
    pub order_rate: Option<RateLimit>,
}

/// A declared conversion from one currency to another, by way of others (B12).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConversionPath {
    /// From, through each hop, to: at least two.
    pub hops: Vec<Currency>,
}

/// Figures of the engine itself.
#[derive(Clone, Debug)]
pub struct EngineSetup {
    /// Quota of a client that is not configured by name.
    pub default_quota: u32,
    /// Clients there may be.
    pub clients_max: usize,
    /// Age from which a currency rate counts as missing, nanoseconds.
    pub rate_max_age: u64,
    /// Group the quarantine bucket hangs under (H13).
    pub quarantine_parent: Option<GroupId>,
    /// Currency of the quarantine bucket.
    pub quarantine_currency: Currency,
    /// Declared conversions.
    pub conversions: Vec<ConversionPath>,
    /// Who writes limits: two owners of each document, or nobody by name, where there is one (O4).
    pub owners: Vec<OwnerId>,
    /// Clients configured by name.
    pub clients: Vec<ClientSetup>,
    /// Venues with limits of their own.
    pub venues: Vec<VenueSetup>,
    /// Counterparties.
    pub counterparties: Vec<CounterpartySetup>,
    /// Largest lead of a source time over our clock, nanoseconds (marks from the future).
    pub source_lead_max: u64,
    /// Period of the collar over time (A5), nanoseconds.
    pub collar_period: u64,
    /// Orders of a trading day that memory is set aside for at the start; more are taken as they come.
    pub orders_expected: usize,
    /// How long an execution, and an order that is over, are remembered after the last word about them, nanoseconds.
    pub retention: u64,
    /// How often the sweep frees what clients promised not to send and forgets what is past, nanoseconds.
    pub sweep_interval: u64,
    /// How long after a kill its orders should have ended; what lives then is an alarm (G4), nanoseconds.
    pub kill_alarm_after: u64,
}

impl EngineSetup {
    /// Defaults, in this currency.
    #[must_use]
    pub const fn new(currency: Currency) -> Self {
        Self {
            default_quota: 10_000_000,
            clients_max: 10_000,
            rate_max_age: 60 * SECOND,
            quarantine_parent: None,
            quarantine_currency: currency,
            conversions: Vec::new(),
            owners: Vec::new(),
            clients: Vec::new(),
            venues: Vec::new(),
            counterparties: Vec::new(),
            source_lead_max: 5 * SECOND,
            collar_period: 300 * SECOND,
            orders_expected: 0,
            retention: 4 * 86_400 * SECOND,
            sweep_interval: SECOND,
            kill_alarm_after: 5 * SECOND,
        }
    }
}
