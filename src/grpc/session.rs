//! Sessions: everything of the order path over one stream, applied in the order received.
//!
//! The stream of answers is the stream of requests, each turned into its answer when the client makes room for it: nothing is queued, and a
//! client that does not read is not read from (R2). What a session has answered is kept, up to a bound or to what the client says it has,
//! so that one whose stream broke can resume it by token.

use core::hash::BuildHasher as _;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;
use tokio_stream::Stream;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Status, Streaming};

use super::Gate;
use super::convert::error::{Malformed, Refusal};
use super::convert::field::Path;
use super::gateway::Frame;
use crate::domain::name::ClientId;
use crate::domain::time::SECOND;
use crate::pb;
use crate::pb::session_request::Payload;
use crate::pb::session_response::Payload as Answer;

/// Requests that may be unanswered before the server stops reading: as many as the transport's windows hold.
const UNANSWERED_MAX: u32 = 1_024;
/// Operations a batch may hold.
pub const BATCH_MAX: usize = 1_024;
/// Answers kept for resumption.
const KEPT_MAX: usize = 4_096;
/// Sessions kept for resumption.
const SESSIONS_MAX: usize = 4_096;
/// How long a session without a stream is kept, nanoseconds.
const KEPT_FOR: u64 = 300 * SECOND;

/// Sessions by token.
#[derive(Clone, Default)]
pub struct Sessions {
    known: Arc<Mutex<HashMap<String, Arc<Mutex<State>>>>>,
    secret: Arc<RandomState>,
    opened: Arc<core::sync::atomic::AtomicU64>,
}

/// What outlives a broken stream.
struct State {
    client: ClientId,
    /// Which opening of the session is the one in force.
    opening: u64,
    last_client_seq: u64,
    server_seq: u64,
    kept: VecDeque<pb::SessionResponse>,
    touched: u64,
}

impl Sessions {
    /// A token nobody can guess: a keyed hash of a number that is never used twice.
    fn token(&self, opening: u64) -> String {
        format!(
            "{:016x}{:016x}",
            self.secret.hash_one((opening, 0_u8)),
            self.secret.hash_one((opening, 1_u8))
        )
    }

    /// Opens a session, or takes one over from the stream it had.
    fn open(
        &self,
        client: &ClientId,
        token: &str,
        now: u64,
    ) -> (Arc<Mutex<State>>, u64, String, bool) {
        let opening = self
            .opened
            .fetch_add(1, core::sync::atomic::Ordering::Relaxed)
            .saturating_add(1);
        let new_token = self.token(opening);
        let mut known = self.known.lock();
        let resumed = known
            .remove(token)
            .filter(|state| state.lock().client == *client);
        if known.len() >= SESSIONS_MAX {
            known.retain(|_, state| now.saturating_sub(state.lock().touched) < KEPT_FOR);
        }
        let was_known = resumed.is_some();
        let state = resumed.unwrap_or_else(|| {
            Arc::new(Mutex::new(State {
                client: client.clone(),
                opening,
                last_client_seq: 0,
                server_seq: 0,
                kept: VecDeque::new(),
                touched: now,
            }))
        });
        state.lock().opening = opening;
        if known.len() < SESSIONS_MAX {
            known.insert(new_token.clone(), Arc::clone(&state));
        }
        (state, opening, new_token, was_known)
    }
}

/// One stream.
pub struct Session {
    gate: Gate,
    requests: Streaming<pb::SessionRequest>,
    open: Option<Open>,
    /// Answers that come before the next request is read.
    due: VecDeque<pb::SessionResponse>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    over: bool,
}

struct Open {
    state: Arc<Mutex<State>>,
    opening: u64,
    client: ClientId,
}

impl Session {
    pub(super) fn new(gate: Gate, requests: Streaming<pb::SessionRequest>) -> Self {
        let ended = Box::pin(gate.drain.ended().cancelled_owned());
        Self {
            gate,
            requests,
            open: None,
            due: VecDeque::new(),
            ended,
            over: false,
        }
    }

    /// The answer to one message; none to a mere acknowledgement.
    fn answer(&mut self, request: pb::SessionRequest) -> Option<pb::SessionResponse> {
        let pb::SessionRequest {
            client_seq,
            ack_server_seq,
            payload,
        } = request;
        if let Some(open) = &self.open {
            open.state.lock().acknowledge(ack_server_seq);
            if client_seq == 0 && payload.is_none() && ack_server_seq > 0 {
                return None;
            }
        }
        match (&self.open, payload) {
            (None, Some(Payload::Open(open))) => Some(self.open(client_seq, open)),
            (None, _) => Some(unopened(
                client_seq,
                Malformed::at("open", "the first message of a stream"),
            )),
            (Some(_), payload) => Some(self.apply(client_seq, payload)),
        }
    }

    fn open(&mut self, client_seq: u64, open: pb::SessionOpen) -> pb::SessionResponse {
        let pb::SessionOpen {
            client_id,
            resume_token,
            last_server_seq,
        } = open;
        let client = match ClientId::try_from(client_id) {
            Ok(client) => client,
            Err(_) => return unopened(client_seq, Malformed::at("open.client_id", "not a name")),
        };
        let now = self.gate.clock.now().mono;
        let (state, opening, token, resumed) = self.gate.sessions.open(&client, &resume_token, now);
        let opened = {
            let mut state = state.lock();
            state.acknowledge(last_server_seq);
            self.due.extend(state.kept.iter().cloned());
            pb::SessionOpened {
                resume_token: token,
                resumed,
                last_client_seq: state.last_client_seq,
                max_unanswered: UNANSWERED_MAX,
                max_batch_items: u32::try_from(BATCH_MAX).unwrap_or(u32::MAX),
                max_kept_answers: u32::try_from(KEPT_MAX).unwrap_or(u32::MAX),
            }
        };
        self.open = Some(Open {
            state,
            opening,
            client,
        });
        // Not numbered: it belongs to the stream, and is not sent again.
        pb::SessionResponse {
            client_seq,
            server_seq: 0,
            payload: Some(Answer::Opened(opened)),
        }
    }

    fn apply(&mut self, client_seq: u64, payload: Option<Payload>) -> pb::SessionResponse {
        let Some(open) = &self.open else {
            return unopened(
                client_seq,
                Malformed::at("open", "the first message of a stream"),
            );
        };
        let mut state = open.state.lock();
        if state.opening != open.opening {
            self.over = true;
            return unopened(
                client_seq,
                Malformed::at(
                    "open.resume_token",
                    "the session was resumed by another stream",
                ),
            );
        }
        let answer = if client_seq <= state.last_client_seq {
            Err(Malformed::at("client_seq", "not above the last one").into())
        } else {
            state.last_client_seq = client_seq;
            operate(&self.gate, &open.client, payload)
        };
        let payload = answer.unwrap_or_else(|refusal| Answer::Error(refusal.into()));
        state.touched = self.gate.clock.now().mono;
        state.number(client_seq, payload)
    }
}

/// Applies one message of an open session.
fn operate(gate: &Gate, client: &ClientId, payload: Option<Payload>) -> Result<Answer, Refusal> {
    let frame = |field: &'static str| Frame {
        at: Path::ROOT.field(field),
        client: Some(client),
    };
    Ok(match payload {
        Some(Payload::Decide(request)) => Answer::Decide(gate.decide(request, frame("decide"))?),
        Some(Payload::Replace(request)) => {
            Answer::Replace(gate.replace(request, frame("replace"))?)
        }
        Some(Payload::Report(request)) => Answer::Report(gate.report(request, frame("report"))?),
        Some(Payload::Notify(request)) => Answer::Notify(gate.notify(request, frame("notify"))?),
        Some(Payload::Release(request)) => {
            Answer::Release(gate.release(request, frame("release"))?)
        }
        Some(Payload::WhatIf(request)) => Answer::WhatIf(gate.what_if(request, frame("what_if"))?),
        Some(Payload::Batch(batch)) => Answer::Batch(operate_all(gate, client, batch)?),
        Some(Payload::Open(_)) => return Err(Malformed::at("open", "the session is open").into()),
        None => return Err(Malformed::at("payload", "missing, or not to be read").into()),
    })
}

/// Applies the operations of a batch in order, each by itself.
fn operate_all(
    gate: &Gate,
    client: &ClientId,
    batch: pb::Batch,
) -> Result<pb::BatchResult, Refusal> {
    if batch.items.is_empty() || batch.items.len() > BATCH_MAX {
        return Err(Malformed::at("batch.items", "from 1 to 1024 operations").into());
    }
    let items = batch
        .items
        .into_iter()
        .enumerate()
        .map(|(index, item)| operate_item(gate, client, index, item));
    Ok(pb::BatchResult {
        items: items.collect(),
    })
}

fn operate_item(
    gate: &Gate,
    client: &ClientId,
    index: usize,
    item: pb::BatchItem,
) -> pb::BatchItemResult {
    use pb::batch_item::Operation;
    use pb::batch_item_result::Result as Outcome;
    let batch = Path::ROOT.field("batch");
    let items = batch.field("items");
    let at = items.item(index);
    let frame = |field: &'static str| (field, at);
    let result = match item.operation {
        Some(Operation::Decide(request)) => {
            let (field, at) = frame("decide");
            gate.decide(
                request,
                Frame {
                    at: at.field(field),
                    client: Some(client),
                },
            )
            .map(Outcome::Decide)
        }
        Some(Operation::Replace(request)) => {
            let (field, at) = frame("replace");
            gate.replace(
                request,
                Frame {
                    at: at.field(field),
                    client: Some(client),
                },
            )
            .map(Outcome::Replace)
        }
        Some(Operation::Report(request)) => {
            let (field, at) = frame("report");
            gate.report(
                request,
                Frame {
                    at: at.field(field),
                    client: Some(client),
                },
            )
            .map(Outcome::Report)
        }
        Some(Operation::Notify(request)) => {
            let (field, at) = frame("notify");
            gate.notify(
                request,
                Frame {
                    at: at.field(field),
                    client: Some(client),
                },
            )
            .map(Outcome::Notify)
        }
        Some(Operation::Release(request)) => {
            let (field, at) = frame("release");
            gate.release(
                request,
                Frame {
                    at: at.field(field),
                    client: Some(client),
                },
            )
            .map(Outcome::Release)
        }
        None => Err(Malformed::at(format!("batch.items[{index}].operation"), "missing").into()),
    };
    pb::BatchItemResult {
        result: Some(result.unwrap_or_else(|refusal| Outcome::Error(refusal.into()))),
    }
}

impl State {
    /// Numbers an answer and keeps it.
    fn number(&mut self, client_seq: u64, payload: Answer) -> pb::SessionResponse {
        self.server_seq = self.server_seq.saturating_add(1);
        let response = pb::SessionResponse {
            client_seq,
            server_seq: self.server_seq,
            payload: Some(payload),
        };
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(response.clone());
        response
    }

    /// Forgets what the client says it has.
    fn acknowledge(&mut self, server_seq: u64) {
        while self
            .kept
            .front()
            .is_some_and(|kept| kept.server_seq <= server_seq)
        {
            self.kept.pop_front();
        }
    }
}

fn unopened(client_seq: u64, malformed: Malformed) -> pb::SessionResponse {
    pb::SessionResponse {
        client_seq,
        server_seq: 0,
        payload: Some(Answer::Error(malformed.into())),
    }
}

impl Stream for Session {
    type Item = Result<pb::SessionResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = self.get_mut();
        loop {
            if let Some(due) = session.due.pop_front() {
                return Poll::Ready(Some(Ok(due)));
            }
            if session.over || session.ended.as_mut().poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            match Pin::new(&mut session.requests).poll_next(cx) {
                Poll::Ready(Some(Ok(request))) => {
                    if let Some(answer) = session.answer(request) {
                        return Poll::Ready(Some(Ok(answer)));
                    }
                }
                // The transport's own failure: nothing more can be read from it.
                Poll::Ready(Some(Err(status))) => {
                    session.over = true;
                    return Poll::Ready(Some(Err(status)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
