//! Market data: marks and rates, in calls and as a stream.

use core::pin::Pin;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::convert::error::Malformed;
use super::convert::market::{Feed, feed, push_marks, push_rates, status};
use super::{Gate, stream_failure};
use crate::domain::time::Now;
use crate::engine::market::{MarkUpdate, RateUpdate};
use crate::pb::{self, market_data_service_server::MarketDataService};

/// Answers of a stream that may wait for the client to read them; the next message waits with them.
const UNREAD_MAX: usize = 64;

/// What is said of a message that holds no entry.
const NOTHING: &str = "neither a mark nor a rate, or not to be read";

/// The service.
#[derive(Clone)]
pub struct MarketData {
    /// What it has at hand.
    pub gate: Gate,
}

#[tonic::async_trait]
impl MarketDataService for MarketData {
    async fn push_marks(
        &self,
        request: Request<pb::PushMarksRequest>,
    ) -> Result<Response<pb::PushMarksResponse>, Status> {
        let marks = push_marks(request.into_inner())?;
        let now = self.gate.clock.now();
        let results = marks.iter().map(|mark| self.mark(mark, now).into());
        Ok(Response::new(pb::PushMarksResponse {
            results: results.collect(),
            version: self.gate.engine.market.version(),
        }))
    }

    async fn push_rates(
        &self,
        request: Request<pb::PushRatesRequest>,
    ) -> Result<Response<pb::PushRatesResponse>, Status> {
        let rates = push_rates(request.into_inner())?;
        let now = self.gate.clock.now();
        let results = self.gate.engine.push_rates(&rates, now).into_iter();
        Ok(Response::new(pb::PushRatesResponse {
            results: results.map(|told| status(told).into()).collect(),
            version: self.gate.engine.market.version(),
        }))
    }

    type StreamMarksStream =
        Pin<Box<dyn Stream<Item = Result<pb::StreamMarksResponse, Status>> + Send>>;

    async fn stream_marks(
        &self,
        request: Request<Streaming<pb::StreamMarksRequest>>,
    ) -> Result<Response<Self::StreamMarksStream>, Status> {
        let (answers, stream) = mpsc::channel(UNREAD_MAX);
        let service = self.clone();
        let requests = request.into_inner();
        tokio::spawn(async move {
            let ended = service.gate.drain.ended();
            ended
                .run_until_cancelled(service.stream(requests, answers))
                .await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

impl MarketData {
    fn mark(&self, mark: &MarkUpdate, now: Now) -> pb::MarketDataStatus {
        status(self.gate.engine.push_mark(mark, now))
    }

    /// Takes the rates of a message that are well formed, all at once.
    fn rates(
        &self,
        rates: Vec<Option<RateUpdate>>,
        now: Now,
    ) -> Vec<(pb::MarketDataStatus, String)> {
        let names: Vec<Option<String>> = rates
            .iter()
            .map(|rate| Some(format!("{}/{}", rate.as_ref()?.base, rate.as_ref()?.quote)))
            .collect();
        let sound: Vec<RateUpdate> = rates.into_iter().flatten().collect();
        let mut told = self.gate.engine.push_rates(&sound, now).into_iter();
        let named = names.into_iter().map(|name| {
            let became = name.as_ref().and_then(|_| told.next()).map(status);
            let became = became.unwrap_or(pb::MarketDataStatus::Malformed);
            (became, name.unwrap_or_default())
        });
        named.collect()
    }

    /// Answers each message, until the client ends the stream or goes away.
    async fn stream(
        &self,
        mut requests: Streaming<pb::StreamMarksRequest>,
        answers: mpsc::Sender<Result<pb::StreamMarksResponse, Status>>,
    ) {
        loop {
            let answer = match requests.message().await {
                Ok(Some(request)) => Ok(self.take(request)),
                Ok(None) => return,
                // The stream's own failure, such as a message over the limit: where the next one begins is not known.
                Err(broken) => Err(stream_failure(broken)),
            };
            let last = answer.is_err();
            if answers.send(answer).await.is_err() || last {
                return;
            }
        }
    }

    /// Takes what can be taken, lists the rest, and tells what is wrong with the message by itself.
    fn take(&self, request: pb::StreamMarksRequest) -> pb::StreamMarksResponse {
        let now = self.gate.clock.now();
        let is_empty = request.marks.is_empty() && request.rates.is_empty();
        let (feed, wrong) = feed(request);
        let wrong = match is_empty {
            true => Some(Malformed::at("marks", NOTHING)),
            false => wrong,
        };
        let Feed {
            client_seq,
            marks,
            rates,
        } = feed;
        let marks = marks.into_iter().map(|mark| match mark {
            Some(mark) => (self.mark(&mark, now), mark.instrument.to_string()),
            None => (pb::MarketDataStatus::Malformed, String::new()),
        });
        let marks: Vec<_> = marks.collect();
        let refused = marks
            .into_iter()
            .chain(self.rates(rates, now))
            .zip(0_u32..)
            .filter_map(|(entry, index)| {
                let (status, id) = entry;
                (status != pb::MarketDataStatus::Accepted).then(|| pb::RefusedEntry {
                    id,
                    status: status.into(),
                    index,
                })
            });
        pb::StreamMarksResponse {
            client_seq,
            refused: refused.collect(),
            error: wrong.map(Into::into),
            version: self.gate.engine.market.version(),
        }
    }
}
