//! Monitoring: what is going on, and a stream of what happens.

use core::pin::Pin;
use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::convert::control::{Scope, write_note, write_scope};
use super::convert::decision::{write_level, write_reason};
use super::convert::error::Refusal;
use super::convert::field::{money, timestamp};
use super::convert::monitor::{self as read, ListLiveOrders, UsageOf, Watch};
use super::convert::usage::write_usage;
use super::convert::view::{write_breach_cause, write_order, write_position};
use super::feed::Listener;
use super::{Gate, is_after, page_of};
use crate::domain::decision::Level;
use crate::domain::name::{BucketId, Currency, GroupId};
use crate::domain::time::Now;
use crate::engine::admin::QUARANTINE;
use crate::engine::bucket::Bucket;
use crate::engine::controls::Subject;
use crate::engine::group::Group;
use crate::engine::kills::KillState;
use crate::engine::order::OrderView;
use crate::engine::view::BucketView;
use crate::pb::{self, monitor_service_server::MonitorService};

/// Events that may wait for one watcher to read them, before those behind them are kept for it.
const UNREAD_MAX: usize = 64;

/// The service.
#[derive(Clone)]
pub struct Monitor {
    /// What it has at hand.
    pub gate: Gate,
}

#[tonic::async_trait]
impl MonitorService for Monitor {
    async fn get_bucket_status(
        &self,
        request: Request<pb::GetBucketStatusRequest>,
    ) -> Result<Response<pb::GetBucketStatusResponse>, Status> {
        let id = read::get_bucket_status(request.into_inner())?;
        let bucket = self.gate.bucket(&id)?;
        let view = self.gate.engine.bucket_view(&bucket, self.gate.clock.now());
        Ok(Response::new(pb::GetBucketStatusResponse {
            bucket: Some(write_status(&view, true)),
        }))
    }

    async fn list_bucket_status(
        &self,
        request: Request<pb::ListBucketStatusRequest>,
    ) -> Result<Response<pb::ListBucketStatusResponse>, Status> {
        let request = read::list_bucket_status(request.into_inner())?;
        let now = self.gate.clock.now();
        let buckets = self.gate.buckets(None, request.group.as_ref())?;
        let named = buckets.into_iter().map(|it| (it.id.to_string(), it));
        let (buckets, next_page_token) = page_of(&request.page, named, |bucket| {
            let view = self.gate.engine.bucket_view(&bucket, now);
            let wanted = !request.in_breach_only || !view.breach.is_empty();
            wanted.then(|| write_status(&view, false))
        });
        Ok(Response::new(pb::ListBucketStatusResponse {
            buckets,
            next_page_token,
        }))
    }

    async fn list_live_orders(
        &self,
        request: Request<pb::ListLiveOrdersRequest>,
    ) -> Result<Response<pb::ListLiveOrdersResponse>, Status> {
        let request = read::list_live_orders(request.into_inner())?;
        let now = self.gate.clock.now();
        let buckets = self
            .gate
            .buckets(request.bucket.as_ref(), request.group.as_ref())?;
        let first = request.page.token.split('/').next().unwrap_or_default();
        let orders = buckets
            .into_iter()
            .filter(|bucket| bucket.id.as_str() == first || is_after(bucket.id.as_str(), first))
            .flat_map(|bucket| self.orders(&bucket, now));
        let (orders, next_page_token) = page_of(&request.page, orders, |(order, currency)| {
            fits(&order, &request).then(|| write_order(&order, Some(&currency)))
        });
        Ok(Response::new(pb::ListLiveOrdersResponse {
            orders,
            next_page_token,
        }))
    }

    async fn get_usage(
        &self,
        request: Request<pb::GetUsageRequest>,
    ) -> Result<Response<pb::GetUsageResponse>, Status> {
        let now = self.gate.clock.now();
        let response = match read::get_usage(request.into_inner())? {
            UsageOf::Bucket(id) => self.bucket_usage(&*self.gate.bucket(&id)?, now),
            UsageOf::Group(id) => self.group_usage(&*self.gate.group(&id)?, now),
            UsageOf::Venue(id) => {
                let unknown = || Refusal::unknown_venue(id.as_str());
                let venue = self.around(Level::Venue, id.as_str()).ok_or_else(unknown)?;
                self.group_usage(venue, now)
            }
            UsageOf::Counterparty(id) => {
                let one = self.around(Level::Counterparty, id.as_str());
                let unknown = || Refusal::unknown_counterparty(id.as_str());
                self.group_usage(one.ok_or_else(unknown)?, now)
            }
        };
        Ok(Response::new(response))
    }

    async fn get_kill(
        &self,
        request: Request<pb::GetKillRequest>,
    ) -> Result<Response<pb::GetKillResponse>, Status> {
        let request = read::get_kill(request.into_inner())?;
        let looked = self.gate.engine.kill(request.id, self.gate.clock.now());
        let (kill, mut live) = looked.ok_or_else(Refusal::unknown_kill)?;
        live.sort_by(|(one, _), (other, _)| one.key.cmp(&other.key));
        let named = live.into_iter().map(|(order, currency)| {
            let name = format!("{}/{}", order.key.client, order.key.cl_ord_id);
            (name, (order, currency))
        });
        let (live_orders, next_page_token) = page_of(&request.page, named, |(order, currency)| {
            Some(write_order(&order, Some(&currency)))
        });
        Ok(Response::new(pb::GetKillResponse {
            kill: Some(read::write_kill(&kill)),
            live_orders,
            next_page_token,
        }))
    }

    async fn list_kills(
        &self,
        request: Request<pb::ListKillsRequest>,
    ) -> Result<Response<pb::ListKillsResponse>, Status> {
        let request = read::list_kills(request.into_inner())?;
        let kills = self.gate.engine.all_kills(self.gate.clock.now());
        let named = kills
            .into_iter()
            .map(|kill| (read::write_kill_id(kill.id), kill));
        let (kills, next_page_token) = page_of(&request.page, named, |kill| {
            let wanted = !request.unresolved_only || kill.state != KillState::Resolved;
            wanted.then(|| read::write_kill(&kill))
        });
        Ok(Response::new(pb::ListKillsResponse {
            kills,
            next_page_token,
        }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<pb::WatchResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let watch = read::watch(request.into_inner())?;
        for id in &watch.buckets {
            self.gate.bucket(id)?;
        }
        if let Some(id) = &watch.group {
            self.gate.group(id)?;
        }
        let (told, stream) = mpsc::channel(UNREAD_MAX);
        let events = self.gate.feed.subscribe();
        let gate = self.gate.clone();
        tokio::spawn(async move {
            let ended = gate.drain.ended();
            ended
                .run_until_cancelled(tell(&gate, &watch, events, told))
                .await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_status(
        &self,
        _: Request<pb::GetStatusRequest>,
    ) -> Result<Response<pb::GetStatusResponse>, Status> {
        let Gate {
            engine, started, ..
        } = &self.gate;
        let set = engine.controls.all();
        let everything = set.get(&Subject::Everything).cloned().unwrap_or_default();
        let others = set
            .iter()
            .filter(|(subject, _)| **subject != Subject::Everything);
        let controls = others.map(|(subject, note)| pb::ScopedState {
            scope: Some(write_scope(&Scope::Subject(subject.clone()))),
            state: Some(write_note(note)),
        });
        Ok(Response::new(pb::GetStatusResponse {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: Some(timestamp(started.wall)),
            ready: self.gate.is_ready(),
            state: Some(write_note(&everything)),
            controls: controls.collect(),
            reference_version: engine.market.reference_version(),
            market_version: engine.market.version(),
            last_sequence: engine.sequence(),
            buckets: count(engine.all_buckets().len()),
            live_orders: engine.live_count(),
            kept_keys: engine.kept_keys(),
        }))
    }
}

impl Monitor {
    /// A bucket's live orders with their names and the currency of what they hold.
    fn orders(&self, bucket: &Bucket, now: Now) -> Vec<(String, (OrderView, Currency))> {
        let orders = self.gate.engine.live_orders(bucket, now);
        let currency = bucket.state.lock().limits.currency.clone();
        let named = |order: OrderView| {
            let name = format!("{}/{}/{}", bucket.id, order.key.client, order.key.cl_ord_id);
            (name, (order, currency.clone()))
        };
        orders.into_iter().map(named).collect()
    }

    fn bucket_usage(&self, bucket: &Bucket, now: Now) -> pb::GetUsageResponse {
        let engine = &self.gate.engine;
        let view = engine.bucket_view(bucket, now);
        let usages = engine.usage(bucket, now);
        let causes = view.breach.iter();
        pb::GetUsageResponse {
            usages: write_usage(&usages, &view.limits.currency),
            breach_causes: causes.map(|it| write_breach_cause(*it).into()).collect(),
            versions: Some(self.versions(view.version, view.changes)),
        }
    }

    /// A venue or a counterparty that has limits.
    fn around(&self, level: Level, name: &str) -> Option<&Group> {
        let mut levels = self.gate.engine.levels_around().iter();
        let found = levels.find(|group| group.level == level && group.id.as_str() == name);
        found.map(|group| &**group)
    }

    fn group_usage(&self, group: &Group, now: Now) -> pb::GetUsageResponse {
        let usages = self.gate.engine.group_usage(group, now);
        let (currency, version) = {
            let state = group.state.lock();
            (state.limits.currency.clone(), state.version)
        };
        pb::GetUsageResponse {
            usages: write_usage(&usages, &currency),
            breach_causes: Vec::new(),
            versions: Some(self.versions(version, 0)),
        }
    }

    fn versions(&self, config: u64, state: u64) -> pb::Versions {
        pb::Versions {
            config,
            reference: self.gate.engine.market.reference_version(),
            market: self.gate.engine.market.version(),
            state,
        }
    }
}

/// Hands on what fits, until the watcher goes away.
async fn tell(
    gate: &Gate,
    watch: &Watch,
    mut events: Listener,
    told: mpsc::Sender<Result<pb::WatchResponse, Status>>,
) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = told.closed() => return,
        };
        let response = match event {
            Ok(event) if event.fits(watch, &gate.engine) => event.response.clone(),
            Ok(_) => continue,
            Err(RecvError::Lagged(count)) => missed(count, gate.clock.now()),
            Err(RecvError::Closed) => return,
        };
        if told.send(Ok(response)).await.is_err() {
            return;
        }
    }
}

fn missed(count: u64, now: Now) -> pb::WatchResponse {
    use pb::watch_response::Event as Told;
    pb::WatchResponse {
        sequence: 0,
        time: Some(timestamp(now.wall)),
        bucket_id: String::new(),
        event: Some(Told::Missed(pb::MissedEvents { count })),
    }
}

fn fits(order: &OrderView, request: &ListLiveOrders) -> bool {
    let ListLiveOrders {
        bucket: _,
        group: _,
        instrument,
        venue,
        client,
        cancel_wanted_only,
        page: _,
    } = request;
    instrument.as_ref().is_none_or(|it| *it == order.instrument)
        && venue.as_ref().is_none_or(|it| *it == order.route.venue)
        && client.as_ref().is_none_or(|it| *it == order.key.client)
        && (!cancel_wanted_only || order.cancel_wanted)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl Gate {
    pub(super) fn bucket(&self, id: &BucketId) -> Result<Arc<Bucket>, Refusal> {
        let bucket = self.engine.bucket(id);
        bucket.ok_or_else(|| Refusal::unknown_bucket(id))
    }

    pub(super) fn group(&self, id: &GroupId) -> Result<Arc<Group>, Refusal> {
        let group = self.engine.group(id);
        group.ok_or_else(|| Refusal::unknown_group(id))
    }

    /// Buckets by ascending name: all of them, or one, or those below a group.
    pub(super) fn buckets(
        &self,
        one: Option<&BucketId>,
        group: Option<&GroupId>,
    ) -> Result<Vec<Arc<Bucket>>, Refusal> {
        let mut buckets = match one {
            Some(id) => vec![self.bucket(id)?],
            None => self.engine.all_buckets(),
        };
        if let Some(id) = group {
            let group = self.group(id)?;
            buckets.retain(|bucket| {
                let levels = bucket.levels();
                levels.path.iter().any(|above| Arc::ptr_eq(above, &group))
            });
        }
        buckets.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(buckets)
    }
}

/// A bucket on the wire, with its positions or without.
fn write_status(view: &BucketView, with_positions: bool) -> pb::BucketStatus {
    let currency = &view.limits.currency;
    let valued = |amount| view.valued.then(|| money(amount, currency));
    let positions = view.positions.iter().filter(|_| with_positions);
    let refusals = view.refusals.iter();
    pb::BucketStatus {
        bucket_id: view.id.to_string(),
        group_path: view.path.iter().map(ToString::to_string).collect(),
        effective_state: Some(write_note(&view.effective)),
        own_state: Some(write_note(&view.note)),
        breach_causes: view
            .breach
            .iter()
            .map(|it| write_breach_cause(*it).into())
            .collect(),
        config_version: view.version,
        state_version: view.changes,
        live_orders: u64::from(view.live_orders),
        uncertain_orders: view.uncertain,
        gross_notional: valued(view.totals.gross),
        net_notional: valued(view.totals.net()),
        reserved: Some(money(view.reserved, currency)),
        traded_notional: Some(money(view.traded, currency)),
        approved: view.counters.approved,
        rejected: view.counters.rejected,
        rerouted_out: view.counters.rerouted_out,
        rerouted_in: view.counters.rerouted_in,
        rejected_by_reason: refusals
            .map(|(reason, count)| pb::ReasonCount {
                reason: write_reason(*reason),
                count: *count,
            })
            .collect(),
        fills: view.counters.fills,
        trading_day_start: view.day.map(|day| timestamp(day.start)),
        trading_day_end: view.day.map(|day| timestamp(day.end)),
        positions: positions.map(write_position).collect(),
        shared_account: view.shared_account,
        quarantine: view.id.as_str() == QUARANTINE,
        shadow_breaches: view
            .shadowed
            .iter()
            .map(|((reason, level), count)| pb::ShadowCount {
                reason: write_reason(*reason),
                level: write_level(*level).into(),
                count: *count,
            })
            .collect(),
    }
}
