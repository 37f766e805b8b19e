//! State: the only shared mutable state, and the decisions taken on it.
//!
//! Locks are taken in one order, never the other way: execution ids, request ids, bucket, its groups upward, then leaves (a client's rate, an
//! instrument's prices, its holders, the unsent orders). Two buckets are never locked at once: a reroute is the source's verdict and then,
//! after the source is unlocked, the target's own. Memory that is set aside has leaf locks too, one of the calling thread and a common one.

pub mod admin;
mod admit;
pub mod alarms;
pub mod answer;
mod basket;
pub mod bucket;
pub mod client;
pub mod controls;
pub mod dead_man;
mod executions;
#[cfg(test)]
mod faults;
pub mod group;
pub mod index;
pub mod kills;
pub mod market;
mod moves;
pub mod offers;
pub mod order;
mod positions;
mod quote;
mod report;
pub mod roster;
pub mod setup;
pub mod shards;
mod states;
mod stock;
mod stored;
pub mod view;

use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrayvec::ArrayVec;
use dashmap::DashMap;
use foldhash::fast::RandomState;
use parking_lot::{Mutex, RwLock};

use self::admit::{Admitted, Sitting};
use self::answer::{Answer, Refusal, Subject};
use self::bucket::Bucket;
use self::client::Client;
use self::controls::Controls;
use self::group::{Group, LEVELS};
use self::index::{Entry, Execution, OrderSlot, Root, Standing};
use self::market::Market;
use self::moves::Around;
use self::order::OrderRecord;
use self::roster::Piece;
use self::setup::{ClientSetup, EngineSetup};
use self::shards::Shards;
use self::stock::Stock;
use self::stored::Stored;
use crate::domain::decision::{
    Decision, Dimension, Finding, Level, Outcome, Reason, Route, Versions,
};
use crate::domain::name::{AccountId, BucketId, ClientId, GroupId, VenueId};
use crate::domain::order::{Order, OrderKey, Replace, RerouteConsent};
use crate::domain::state::OrderState;
use crate::domain::time::Now;

/// Most groups above a bucket.
pub const DEPTH: usize = 4;

/// Targets of a reroute tried where the rule does not say (RR7).
const REROUTE_TRIES: usize = 4;

/// The engine.
pub struct Engine {
    buckets: DashMap<BucketId, Arc<Bucket>, RandomState>,
    groups: RwLock<BTreeMap<GroupId, Arc<Group>>>,
    around: Around,
    /// Number of the bucket made last.
    bucket_numbers: AtomicU32,
    clients: DashMap<ClientId, Arc<Client>, RandomState>,
    /// Reference data, prices and rates.
    pub market: Market,
    /// Trading states above buckets and groups.
    pub controls: Controls,
    requests: Shards<Entry>,
    /// Memory for what the ids stand for.
    entries: Stock<Entry>,
    /// Memory for orders.
    records: Stock<OrderRecord>,
    /// Memory for the numbers of orders.
    pieces: Stock<Piece>,
    executions: Shards<Execution>,
    /// Orders that are freed unless something is heard of them, by the time they have.
    unsent: Mutex<BTreeSet<(u64, OrderKey)>>,
    /// Orders whose client has to accept their route.
    offers: offers::Offers,
    kills: kills::Kills,
    /// Buckets that the loss of a client stops.
    dead_men: RwLock<Vec<Arc<Bucket>>>,
    accounts: RwLock<BTreeMap<(VenueId, AccountId), Vec<BucketId>>>,
    quarantine: Option<Arc<Bucket>>,
    sequence: AtomicU64,
    setup: EngineSetup,
    changes: Mutex<()>,
    limits_seen: Mutex<Vec<Arc<crate::risk::limits::Limits>>>,
    /// Who hears of what the engine changes by itself.
    pub alarms: alarms::Alarms,
}

impl Engine {
    /// Decides a new order (H1): approved, rejected or rerouted, and the same answer to the same request (A11, H19).
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn decide(&self, order: &Order, now: Now, figures: bool) -> Result<Answer, Refusal> {
        let bucket = self.bucket(&order.bucket).ok_or(Refusal::UnknownBucket)?;
        let client = self.client(&order.key.client)?;
        let place = self.requests.place(&order.key);
        let digest = self.requests.digest(order);
        let (mut shard, standing) = self.lock_id(place, &order.key, now);
        if standing == Standing::Taken
            && let Some(entry) = shard.get_mut(place, &order.key)
        {
            return Ok(self.repeat(entry, digest, now));
        }
        // Counted before it is tested: of two that come at once only one may be the last.
        let used = client.claim();
        let sitting = Sitting {
            client: &client,
            used,
            now,
            figures,
            commit: true,
            quiet: false,
            source: None,
            trial: false,
            offered: None,
        };
        let mut admitted = Admitted::default();
        let (bucket, because) = self.place_order(&bucket, order, &sitting, &mut admitted);
        let store = admitted
            .verdict
            .broken
            .iter()
            .all(|finding| finding.reason != Reason::ClientQuota);
        let number = admitted.number;
        // A refusal before the quota was asked is stored within it, too.
        let store = store && (number.is_some() || used < client.exit_quota());
        let until = admitted.day_end;
        let answer = answer(admitted, because, now);
        if store {
            if standing == Standing::Past {
                self.give_way(&mut shard, place, &order.key);
            }
            let entry = self.remember(&mut shard, place, &order.key, digest, until);
            entry.answer = Some(Stored::new(&answer));
            if let Some(number) = number {
                entry.order = OrderSlot::Live(bucket, number);
            }
        } else {
            client.forgotten();
        }
        if answer.offered {
            drop(shard);
            self.void_if_stopped(answer.decision.sequence, now);
        }
        Ok(answer)
    }

    /// What [`Self::decide`] would answer to an order it has not seen, without any effect (K1).
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn what_if(&self, order: &Order, now: Now, figures: bool) -> Result<Answer, Refusal> {
        let bucket = self.bucket(&order.bucket).ok_or(Refusal::UnknownBucket)?;
        let client = self.known_client(&order.key.client);
        let place = self.requests.place(&order.key);
        let (mut shard, standing) = self.lock_id(place, &order.key, now);
        if standing == Standing::Taken
            && let Some(entry) = shard.get_mut(place, &order.key)
        {
            return Ok(self.repeat(entry, self.requests.digest(order), now));
        }
        let sitting = Sitting {
            client: &client,
            used: client.used(),
            now,
            figures,
            commit: false,
            quiet: false,
            source: None,
            trial: false,
            offered: None,
        };
        let mut admitted = Admitted::default();
        let (_, because) = self.place_order(&bucket, order, &sitting, &mut admitted);
        Ok(answer(admitted, because, now))
    }

    /// Decides a replace of a live order (H8–H10).
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn replace(&self, replace: &Replace, now: Now, figures: bool) -> Result<Answer, Refusal> {
        let client = self.client(&replace.key.client)?;
        self.amend(&client, replace, now, figures, true)
    }

    /// What [`Self::replace`] would answer, without any effect (K1).
    ///
    /// # Errors
    /// Where the request cannot be taken at all.
    pub fn what_if_replace(
        &self,
        replace: &Replace,
        now: Now,
        figures: bool,
    ) -> Result<Answer, Refusal> {
        let client = self.known_client(&replace.key.client);
        self.amend(&client, replace, now, figures, false)
    }

    fn amend(
        &self,
        client: &Client,
        replace: &Replace,
        now: Now,
        figures: bool,
        commit: bool,
    ) -> Result<Answer, Refusal> {
        let digest = self.requests.digest(replace);
        let root = self.root_of(&replace.key.client, &replace.original);
        let place = self.requests.place(&replace.key);
        let root_place = self.requests.place(&root);
        let (mut own, mut other) = self.requests.lock_two(place, root_place);
        let mut lives = false;
        let named = own
            .get_mut(place, &replace.key)
            .and_then(|entry| entry.past_version(now).cloned());
        if let Some(named) = named {
            // That order may be in a table that has to be locked first.
            drop((own, other));
            lives = self.lives(&named);
            (own, other) = self.requests.lock_two(place, root_place);
        }
        if let Some(entry) = own.get_mut(place, &replace.key)
            && entry.is_taken(now, lives)
        {
            let mut answer = self.repeat(entry, digest, now);
            if answer.replayed
                && let OrderSlot::Version(first) = &entry.order
                && first.key == root
            {
                let decided = first.decided;
                let shard = other.as_deref_mut().unwrap_or(&mut *own);
                answer.order_state = shard
                    .get_mut(root_place, &root)
                    .filter(|entry| entry.decided() == decided)
                    .and_then(|entry| entry.order.stands(&replace.key.cl_ord_id, now));
            }
            return Ok(answer);
        }
        let used = if commit {
            client.claim()
        } else {
            client.used()
        };
        let sitting = Sitting {
            client,
            used,
            now,
            figures,
            commit,
            quiet: false,
            source: None,
            trial: false,
            offered: None,
        };
        let mut decided = 0;
        let live = match other
            .as_deref_mut()
            .unwrap_or(&mut *own)
            .get_mut(root_place, &root)
            .map(|entry| {
                decided = entry.decided();
                &entry.order
            }) {
            Some(OrderSlot::Live(bucket, number)) => Ok((Arc::clone(bucket), *number)),
            Some(OrderSlot::Ended(..)) => Err(Reason::OrderEnded),
            Some(OrderSlot::None | OrderSlot::Version(_) | OrderSlot::Basket(_)) | None => {
                Err(Reason::UnknownOrder)
            }
        };
        let mut admitted = Admitted::default();
        match live {
            Ok((bucket, number)) => self.bar(&bucket, &sitting, &mut admitted, |admitted| {
                self.admit_replace(&bucket, number, replace, &sitting, admitted);
            }),
            Err(reason) => admitted = self.dismissed(reason, commit, now),
        }
        let approved = admitted.number.is_some();
        let store = admitted
            .verdict
            .broken
            .iter()
            .all(|finding| finding.reason != Reason::ClientQuota);
        let store = commit && store && (approved || used < client.exit_quota());
        let until = admitted.day_end;
        let answer = answer(admitted, None, now);
        if store {
            self.give_way(&mut own, place, &replace.key);
            let entry = self.remember(&mut own, place, &replace.key, digest, until);
            entry.answer = Some(Stored::new(&answer));
            if approved {
                entry.order = OrderSlot::Version(Box::new(Root { key: root, decided }));
            }
        } else if commit {
            client.forgotten();
        }
        Ok(answer)
    }

    /// Source first, then, where only capacity stood against it and everyone agrees, the declared targets in order (RR1–RR9).
    fn place_order(
        &self,
        bucket: &Arc<Bucket>,
        order: &Order,
        sitting: &Sitting<'_>,
        admitted: &mut Admitted,
    ) -> (Arc<Bucket>, Option<Vec<Finding>>) {
        let is_asked = match order.attributes.reroute {
            RerouteConsent::No => None,
            RerouteConsent::Acknowledge => Some(true),
            RerouteConsent::AutoAccept => Some(false),
        };
        let wants = is_asked.is_some() && !order.attributes.reduce_only;
        // Whether a refusal counts as one is known once no other route has taken the order.
        let first = Sitting {
            quiet: sitting.quiet || wants,
            ..*sitting
        };
        self.bar(bucket, sitting, admitted, |admitted| {
            self.admit(bucket, order, None, &first, admitted);
        });
        if !wants || admitted.verdict.passes() {
            return (Arc::clone(bucket), None);
        }
        let may = !admitted.exit
            && !admitted.reduces
            && admitted
                .verdict
                .broken
                .iter()
                .all(|finding| finding.reason.is_capacity());
        if !may {
            self.count_refusal(bucket, admitted, sitting, true);
            return (Arc::clone(bucket), None);
        }
        let rule = Arc::clone(&bucket.state.lock().reroute);
        let from = above_route(bucket, &order.venue, order.account.as_ref());
        let tries = if rule.tries == 0 {
            REROUTE_TRIES
        } else {
            rule.tries
        };
        for target in rule.targets.iter().take(tries) {
            let to = match &target.bucket {
                None => Some(Arc::clone(bucket)),
                Some(id) => self.bucket(id),
            };
            let Some(to) = to else { continue };
            let route = Route {
                bucket: to.id.clone(),
                venue: target.venue.clone(),
                account: target.account.clone(),
            };
            let other = !Arc::ptr_eq(&to, bucket);
            let above = above_route(&to, &target.venue, Some(&target.account));
            let elsewhere = target.venue != order.venue;
            if is_bound_in_common(&from, &above, elsewhere, &admitted.verdict.broken) {
                continue;
            }
            // A target that refuses is skipped without a trace: its rate and tallies are its own.
            let at_target = Sitting {
                source: other.then_some(&bucket.id),
                offered: is_asked
                    .is_some_and(|asked| asked)
                    .then_some((&bucket.id, &order.venue)),
                quiet: true,
                ..*sitting
            };
            let mut second = Admitted::default();
            self.bar(&to, sitting, &mut second, |second| {
                self.admit(&to, order, Some(&route), &at_target, second);
            });
            if !second.verdict.passes() {
                continue;
            }
            if other && sitting.commit {
                // The client's own rate counts the order once, where it was taken.
                self.count_refusal(bucket, admitted, sitting, false);
                let mut source = bucket.state.lock();
                source.counters.rerouted_out = source.counters.rerouted_out.saturating_add(1);
            }
            let because = core::mem::take(&mut admitted.verdict.broken);
            if other {
                // Of another bucket its sender sees the name and nothing else: figures and versions are those of the one it asked (RR14).
                second.verdict.figures = None;
                second.verdict.shadow = core::mem::take(&mut admitted.verdict.shadow);
                second.versions.limits = admitted.versions.limits;
                second.state_version = admitted.state_version;
                second.subject = admitted.subject.take();
            } else {
                // An approval tells of its figures only where they are wanted; what stood in the way has figures all the same.
                let asked = admitted.subject.take();
                second.subject = match (second.subject, asked) {
                    (Some(own), Some(asked)) => Some(Box::new(Subject {
                        asked: Some(asked.venue),
                        ..*own
                    })),
                    (own, asked) => own.or(asked),
                };
            }
            second.offered = at_target.offered.is_some();
            *admitted = second;

            return (to, Some(because));
        }
        self.count_refusal(bucket, admitted, sitting, true);
        (Arc::clone(bucket), None)
    }

    /// Takes a decision so that a fault in it is an answer.
    fn bar(
        &self,
        bucket: &Bucket,
        sitting: &Sitting<'_>,
        admitted: &mut Admitted,
        decide: impl FnOnce(&mut Admitted),
    ) {
        let now = sitting.now;
        if self.guarded(bucket, now, || decide(admitted)).is_none() {
            *admitted = Admitted {
                day_end: bucket.state.lock().day_end(),
                ..self.dismissed(Reason::InternalFault, sitting.commit, now)
            };
        }
    }

    /// Does something to a bucket so that a fault in it halts that bucket and nothing else.
    fn guarded<T>(&self, bucket: &Bucket, now: Now, work: impl FnOnce() -> T) -> Option<T> {
        let done = std::panic::catch_unwind(AssertUnwindSafe(work));
        if done.is_err() {
            let mut state = bucket.state.lock();
            state.roll(now);
            self.halt_for_fault(bucket, &mut state, Reason::InternalFault);
        }
        done.ok()
    }

    /// A reject that no bucket took part in.
    fn dismissed(&self, reason: Reason, commit: bool, now: Now) -> Admitted {
        let mut verdict = crate::risk::policy::Verdict::default();
        verdict.evaluated.insert(reason);
        verdict.broken.push(Finding {
            reason,
            level: Level::Order,
            dimension: None,
            figures: None,
        });
        Admitted {
            sequence: self.next_sequence(commit),
            verdict,
            versions: Versions {
                market: self.market.version(),
                ..Versions::default()
            },
            day_end: now.wall.saturating_add(DAY),
            ..Admitted::default()
        }
    }

    /// The stored answer to a request seen before, or the reject of one that only looks like it. Where the order of a replace stands is
    /// known under another id.
    fn repeat(&self, entry: &Entry, digest: u64, now: Now) -> Answer {
        match &entry.answer {
            Some(stored) if entry.digest == digest => Answer {
                replayed: true,
                order_state: entry.order.stands(&entry.key.cl_ord_id, now),
                ..stored.answer()
            },
            _ => answer(
                self.dismissed(Reason::DuplicateMismatch, false, now),
                None,
                now,
            ),
        }
    }

    /// A bucket by name. The map's lock is let go at once.
    #[must_use]
    pub fn bucket(&self, id: &BucketId) -> Option<Arc<Bucket>> {
        self.buckets.get(id).map(|found| Arc::clone(&found))
    }

    /// A client by name, made on its first request.
    fn client(&self, id: &ClientId) -> Result<Arc<Client>, Refusal> {
        if let Some(client) = self.clients.get(id) {
            return Ok(Arc::clone(&client));
        }
        if self.clients.len() >= self.setup.clients_max {
            return Err(Refusal::TooManyClients);
        }
        let made = self.known_client(id);
        Ok(Arc::clone(&self.clients.entry(id.clone()).or_insert(made)))
    }

    /// A client by name, not kept where it is new.
    fn known_client(&self, id: &ClientId) -> Arc<Client> {
        if let Some(client) = self.clients.get(id) {
            return Arc::clone(&client);
        }
        let configured = self
            .setup
            .clients
            .iter()
            .find(|client| client.id == *id)
            .cloned();
        let setup = configured.unwrap_or_else(|| ClientSetup {
            id: id.clone(),
            quota: self.setup.default_quota,
            send_after_commit: false,
            order_rate: None,
        });
        Arc::new(Client::new(setup))
    }

    /// The next number of the log; what has no effect takes none.
    fn next_sequence(&self, commit: bool) -> u64 {
        if commit {
            self.sequence
                .fetch_add(1, Ordering::AcqRel)
                .saturating_add(1)
        } else {
            self.sequence.load(Ordering::Acquire)
        }
    }

    /// Number of the last event.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }
}

/// Longest a request without a bucket is remembered: one day.
const DAY: i64 = 86_400_000_000_000;

/// Everything above an account of a bucket.
fn above_route(
    bucket: &Bucket,
    venue: &VenueId,
    account: Option<&AccountId>,
) -> ArrayVec<Arc<Group>, LEVELS> {
    let state = bucket.state.lock();
    let account = state.account(venue, account).map_or(u16::MAX, |(at, _)| at);
    state
        .levels
        .over(account)
        .take(LEVELS)
        .map(Arc::clone)
        .collect()
}

/// Whether a limit that binds belongs to a level above both routes (RR8). What a group lets into one venue does not bind at another.
fn is_bound_in_common(
    source: &[Arc<Group>],
    target: &[Arc<Group>],
    elsewhere: bool,
    broken: &[Finding],
) -> bool {
    let binds = |group: &&Arc<Group>| {
        broken.iter().any(|finding| {
            finding.level == group.level
                && !(elsewhere && finding.dimension == Some(Dimension::Venue))
        })
    };
    source
        .iter()
        .filter(binds)
        .any(|group| target.iter().any(|other| Arc::ptr_eq(group, other)))
}

fn answer(admitted: Admitted, because: Option<Vec<Finding>>, now: Now) -> Answer {
    let Admitted {
        sequence,
        verdict,
        versions,
        quantity,
        route,
        exit,
        cancel_first,
        expires_at,
        closing_restricted,
        state_version,
        offered,
        subject,
        ..
    } = admitted;
    let outcome = match (route, because) {
        (Some(to), Some(because)) => Outcome::Rerouted {
            to,
            because: because.into_boxed_slice(),
        },
        (Some(route), None) => Outcome::Approved(route),
        (None, _) => Outcome::Rejected(verdict.broken.into_boxed_slice()),
    };
    let order_state =
        matches!(outcome, Outcome::Approved(_) | Outcome::Rerouted { .. }).then_some(if offered {
            OrderState::AwaitingAcceptance
        } else {
            OrderState::Reserved
        });
    let decision = Decision {
        sequence,
        at: now.wall,
        outcome,
        quantity,
        versions,
        evaluated: verdict.evaluated,
        not_applicable: verdict.not_applicable,
        figures: verdict.figures.map(Vec::into_boxed_slice),
        shadow: verdict.shadow.into_boxed_slice(),
    };
    Answer {
        decision,
        replayed: false,
        order_state,
        exit,
        cancel_first,
        expires_at,
        closing_restricted,
        state_version,
        offered,
        subject,
    }
}
