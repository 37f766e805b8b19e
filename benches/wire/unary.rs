//! Calls of their own over one connection, so many in flight, or at planned times.

use std::error::Error;
use std::time::{Duration, Instant};

use bulkhead::pb::gateway_service_client::GatewayServiceClient;
use bulkhead::pb::{DecideRequest, DecideResponse};
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::messages::Messages;
use crate::pace::Pace;
use crate::tally::{Limit, Tally};

/// Calls that may be unanswered in an open loop before it gives up.
const UNANSWERED_MAX: usize = 20_000;

/// A call's send time, actual or planned, and its answer.
type Answer = (Instant, Result<Response<DecideResponse>, Status>);

/// Keeps `in_flight` calls on their way, until the limit; then waits for all answers.
pub async fn closed_loop(
    channel: Channel,
    messages: &mut Messages,
    in_flight: usize,
    limit: Limit,
) -> Result<Tally, Box<dyn Error>> {
    let client = GatewayServiceClient::new(channel);
    let mut tally = Tally::new()?;
    let mut calls = JoinSet::new();
    let start = Instant::now();
    let mut sent = 0;
    while calls.len() < in_flight && !limit.is_reached(start, start, sent) {
        calls.spawn(call(client.clone(), messages.decide(), start));
        sent += 1;
    }
    let mut now = start;
    while let Some(answer) = calls.join_next().await {
        now = Instant::now();
        take(answer?, now, &mut tally)?;
        if !limit.is_reached(start, now, sent) {
            calls.spawn(call(client.clone(), messages.decide(), now));
            sent += 1;
        }
    }
    tally.elapsed = now.saturating_duration_since(start);
    Ok(tally)
}

/// Sends at a fixed rate whatever comes back, and counts latency from the time each call was planned for.
pub async fn open_loop(
    channel: Channel,
    messages: &mut Messages,
    rate: u32,
    time: Duration,
) -> Result<Tally, Box<dyn Error>> {
    let client = GatewayServiceClient::new(channel);
    let mut tally = Tally::new()?;
    let mut calls: JoinSet<Answer> = JoinSet::new();
    let start = Instant::now();
    let mut pace = Pace::per_second(rate)?;
    let mut sending = true;
    while sending || !calls.is_empty() {
        tokio::select! {
            planned = pace.next(), if sending => {
                let planned = planned?;
                if calls.len() >= UNANSWERED_MAX {
                    return Err(format!("{UNANSWERED_MAX} calls are unanswered: {rate}/s is not sustained").into());
                }
                calls.spawn(call(client.clone(), messages.decide(), planned));
                sending = planned.saturating_duration_since(start) < time;
            }
            Some(answer) = calls.join_next() => take(answer?, Instant::now(), &mut tally)?,
        }
    }
    tally.elapsed = start.elapsed();
    Ok(tally)
}

async fn call(
    mut client: GatewayServiceClient<Channel>,
    request: DecideRequest,
    time: Instant,
) -> Answer {
    (time, client.decide(request).await)
}

fn take((sent, response): Answer, now: Instant, tally: &mut Tally) -> Result<(), Box<dyn Error>> {
    tally.latency_of(now.saturating_duration_since(sent));
    tally.decision(response?.get_ref());
    Ok(())
}
