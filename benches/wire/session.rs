//! One bidirectional stream, driven with so many messages in flight, or at planned times.

use std::error::Error;
use std::time::{Duration, Instant};

use bulkhead::pb::gateway_service_client::GatewayServiceClient;
use bulkhead::pb::{SessionRequest, SessionResponse, session_response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::messages::{self, Messages};
use crate::pace::Pace;
use crate::tally::{Limit, Tally};

/// Most messages that may be on their way at once; a power of two.
const WINDOW: u64 = 65_536;

/// An open session.
pub struct Session {
    requests: mpsc::Sender<SessionRequest>,
    answers: Streaming<SessionResponse>,
    /// Number of the last message sent.
    client_seq: u64,
    /// Number of the last answer received; acknowledged with the next message.
    server_seq: u64,
    /// When each message in flight was sent, or planned to be, at its number modulo the window.
    times: Vec<Instant>,
    in_flight: u64,
}

impl Session {
    pub async fn open(channel: Channel) -> Result<Self, Box<dyn Error>> {
        let (requests, outgoing) = mpsc::channel(4_096);
        requests.send(messages::open()).await?;
        let mut client = GatewayServiceClient::new(channel);
        let mut answers = client
            .session(ReceiverStream::new(outgoing))
            .await?
            .into_inner();
        let first = answers.message().await?.ok_or("the stream ended at once")?;
        match &first.payload {
            Some(session_response::Payload::Opened(_)) => {}
            other => {
                return Err(format!("the session was not opened but answered {other:?}").into());
            }
        }
        Ok(Self {
            requests,
            answers,
            client_seq: 1,
            server_seq: first.server_seq,
            times: vec![Instant::now(); usize::try_from(WINDOW)?],
            in_flight: 0,
        })
    }

    /// Keeps `in_flight` messages of `count` orders each on their way, until the limit; then waits for all answers.
    pub async fn closed_loop(
        &mut self,
        messages: &mut Messages,
        in_flight: u64,
        count: usize,
        limit: Limit,
    ) -> Result<Tally, Box<dyn Error>> {
        let mut tally = Tally::new()?;
        let orders_each = u64::try_from(count)?;
        let start = Instant::now();
        let mut sent = 0;
        while self.in_flight < in_flight && !limit.is_reached(start, start, sent) {
            self.send(messages, count, start).await?;
            sent += orders_each;
        }
        let mut now = start;
        while self.in_flight > 0 {
            let answer = self.answers.message().await?.ok_or("the stream ended")?;
            now = Instant::now();
            self.take(&answer, now, &mut tally)?;
            if !limit.is_reached(start, now, sent) {
                self.send(messages, count, now).await?;
                sent += orders_each;
            }
        }
        tally.elapsed = now.saturating_duration_since(start);
        Ok(tally)
    }

    /// Sends single orders at a fixed rate whatever comes back, and counts latency from the time each was planned for.
    pub async fn open_loop(
        &mut self,
        messages: &mut Messages,
        rate: u32,
        time: Duration,
    ) -> Result<Tally, Box<dyn Error>> {
        let mut tally = Tally::new()?;
        let start = Instant::now();
        let mut pace = Pace::per_second(rate)?;
        let mut sending = true;
        while sending || self.in_flight > 0 {
            tokio::select! {
                planned = pace.next(), if sending => {
                    let planned = planned?;
                    self.send(messages, 1, planned).await?;
                    sending = planned.saturating_duration_since(start) < time;
                }
                answer = self.answers.message() => {
                    let answer = answer?.ok_or("the stream ended")?;
                    self.take(&answer, Instant::now(), &mut tally)?;
                }
            }
        }
        tally.elapsed = start.elapsed();
        Ok(tally)
    }

    async fn send(
        &mut self,
        messages: &mut Messages,
        count: usize,
        time: Instant,
    ) -> Result<(), Box<dyn Error>> {
        if self.in_flight >= WINDOW {
            return Err(
                format!("{WINDOW} messages are unanswered: the rate is not sustained").into(),
            );
        }
        self.client_seq += 1;
        self.in_flight += 1;
        if let Some(slot) = self.times.get_mut(slot(self.client_seq)) {
            *slot = time;
        }
        let message = messages.session(self.client_seq, self.server_seq, count);
        Ok(self.requests.send(message).await?)
    }

    fn take(
        &mut self,
        answer: &SessionResponse,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<(), Box<dyn Error>> {
        let sent = self.times.get(slot(answer.client_seq));
        let sent = sent.ok_or("an answer without a request")?;
        tally.latency_of(now.saturating_duration_since(*sent));
        self.in_flight -= 1;
        self.server_seq = self.server_seq.max(answer.server_seq);
        tally.answer(answer)
    }
}

fn slot(client_seq: u64) -> usize {
    usize::try_from(client_seq & (WINDOW - 1)).unwrap_or(0)
}
