//! Sessions: everything of the order path over one stream, applied in the order received.
//!
//! The stream of answers is the stream of requests, each turned into its answer when the client makes room for it: nothing is queued, and a
//! client that does not read is not read from (R2). What a session has answered is kept as it was sent, up to bounds or to what the
//! client says it has, so that one whose stream broke can resume it by token.

use core::hash::BuildHasher as _;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::Mutex;
use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, Streaming};

use super::convert::error::{Malformed, Refusal};
use super::convert::field::{Path, says};
use super::convert::raw;
use super::convert::session::{self, CHUNK, Numbers, Opening, Writer, Written};
use super::gateway::{APPROVAL, Frame};
use super::{Gate, stream_failure};
use crate::domain::name::ClientId;
use crate::domain::time::SECOND;
use crate::engine::client::Client;
use crate::pb;
use crate::pb::session_request::Payload;
use crate::pb_codec::{Encoded, Fields, Received};
use crate::server::ANSWER_MAX;

/// Requests that a client may leave unanswered before the server stops reading: the transport's windows hold as many, and more where
/// messages are small.
const UNANSWERED_MAX: u32 = 1_024;
/// Operations a batch may hold.
pub const BATCH_MAX: usize = 1_024;
/// Bytes of a batch's results from which on nothing more of it is applied: there is room for one more, and for saying so of all others.
const BATCH_BYTES_MAX: usize = ANSWER_MAX / 8 * 7;
/// Answers kept for resumption.
const KEPT_MAX: usize = 4_096;
/// Bytes of memory that they keep: any one answer fits. The oldest one may be behind others in a chunk that is kept and not counted any more.
const KEPT_BYTES_MAX: usize = ANSWER_MAX + CHUNK;
/// Sessions kept for resumption.
const SESSIONS_MAX: usize = 4_096;
/// How long a session without a stream is kept, nanoseconds.
const KEPT_FOR: u64 = 300 * SECOND;

/// Sessions by token. A handle: clones are the same sessions.
#[derive(Clone, Default)]
pub struct Sessions {
    known: Arc<Mutex<HashMap<String, Arc<Kept>>>>,
    secret: Arc<RandomState>,
    opened: Arc<AtomicU64>,
}

/// What outlives a broken stream.
struct Kept {
    client: ClientId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_client_seq: u64,
    server_seq: u64,
    /// Answers that the client may not have, with their numbers.
    answers: VecDeque<(u64, Written)>,
    /// Bytes of memory that these keep.
    bytes: usize,
    /// Ends the stream that has the session; none while no stream has it.
    stream: Option<CancellationToken>,
    /// How often it was opened: a stream that remembers another count has lost it.
    openings: u64,
    /// When it lost its last stream, monotonic nanoseconds.
    left: u64,
}

impl Sessions {
    /// A token nobody can guess: a keyed hash of a number that is never used twice.
    fn token(&self) -> String {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        format!(
            "{:016x}{:016x}",
            self.secret.hash_one((number, 0_u8)),
            self.secret.hash_one((number, 1_u8))
        )
    }

    /// Takes the session of this token from the stream that has it, or opens a new one: the session, its next token, and whether it was known.
    fn open(&self, opening: &Opening, now: u64) -> (Arc<Kept>, String, bool) {
        let token = self.token();
        let mut known = self.known.lock();
        known.retain(|_, kept| kept.is_wanted(now));
        let resumed = opening.resume_token.as_ref().and_then(|old| {
            let of_client = known
                .get(old)
                .is_some_and(|kept| kept.client == opening.client);
            of_client.then(|| known.remove(old)).flatten()
        });
        let was_known = resumed.is_some();
        let kept = resumed.unwrap_or_else(|| {
            Arc::new(Kept {
                client: opening.client.clone(),
                state: Mutex::new(State {
                    left: now,
                    ..State::default()
                }),
            })
        });
        // With too many the session works, and cannot be resumed.
        if known.len() < SESSIONS_MAX {
            known.insert(token.clone(), Arc::clone(&kept));
        }
        (kept, token, was_known)
    }
}

impl Kept {
    /// Whether a stream has it, or may still come back for it.
    fn is_wanted(&self, now: u64) -> bool {
        // Whoever holds the lock is a stream.
        self.state
            .try_lock()
            .is_none_or(|state| state.stream.is_some() || now.saturating_sub(state.left) < KEPT_FOR)
    }
}

impl State {
    /// Keeps an answer, and drops the oldest ones that are too many.
    fn keep(&mut self, server_seq: u64, written: Written) {
        self.bytes = self.bytes.saturating_add(written.keeps);
        self.answers.push_back((server_seq, written));
        while self.answers.len() > KEPT_MAX || self.bytes > KEPT_BYTES_MAX {
            self.drop_oldest();
        }
    }

    /// Drops what the client says it has.
    fn acknowledge(&mut self, server_seq: u64) {
        while self
            .answers
            .front()
            .is_some_and(|(number, _)| *number <= server_seq)
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, written)) = self.answers.pop_front() {
            self.bytes = self.bytes.saturating_sub(written.keeps);
        }
    }
}

/// One stream.
pub struct Session {
    gate: Gate,
    requests: Streaming<Received>,
    open: Option<Open>,
    /// Answers that come before the next request is read.
    due: VecDeque<Encoded>,
    writer: Writer,
    /// Told to end: by the drain, or by another stream that resumes the session.
    told: CancellationToken,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    over: bool,
    /// Whether the client itself ended the stream.
    clean: bool,
}

/// The session of a stream.
struct Open {
    kept: Arc<Kept>,
    /// The opening that this stream made.
    opening: u64,
    /// Whose life signs these are.
    client: Arc<Client>,
    heartbeats: bool,
}

impl Session {
    pub(super) fn new(gate: Gate, requests: Streaming<Received>) -> Self {
        let told = gate.drain.ended();
        Self {
            gate,
            requests,
            open: None,
            due: VecDeque::new(),
            writer: Writer::default(),
            ended: Box::pin(told.clone().cancelled_owned()),
            told,
            over: false,
            clean: false,
        }
    }

    /// The answer to one message; none to a mere acknowledgement.
    ///
    /// # Errors
    /// Where another stream has the session.
    fn answer(&mut self, request: &Received) -> Result<Option<Encoded>, Status> {
        let raw::SessionRequest {
            client_seq,
            ack_server_seq,
            payload,
        } = match raw::session(request.bytes(), BATCH_MAX) {
            Some(request) => request,
            None => request.message::<pb::SessionRequest>()?.into(),
        };
        let Some(open) = &self.open else {
            let payload = match payload {
                Some(raw::Payload::Other(payload)) => Some(*payload),
                Some(raw::Payload::Decide(_) | raw::Payload::Batch(_)) | None => None,
            };
            let opened = match payload {
                Some(Payload::Open(open)) => self.open(open),
                _ => Err(Malformed::at("open", "the first message of a stream").into()),
            };
            // Not numbered: it belongs to the stream, and is not sent again.
            let numbers = Numbers {
                client_seq,
                server_seq: 0,
            };
            // Nor kept, so that it has no part in what kept answers share.
            let mut writer = Writer::default();
            let written = match opened {
                Ok(opened) => writer.answer(numbers, |to| {
                    to.made(answer::OPENED, &opened);
                    Ok(())
                })?,
                Err(refusal) => writer.error(numbers, refusal),
            };
            return Ok(Some(written.answer));
        };
        if open.heartbeats {
            open.client.beat(self.gate.clock.now());
        }
        let mut state = open.kept.state.lock();
        if state.openings != open.opening {
            return Err(Refusal::taken_over().into());
        }
        state.acknowledge(ack_server_seq);
        if client_seq == 0 && payload.is_none() && ack_server_seq > 0 {
            return Ok(None);
        }
        state.server_seq = state.server_seq.saturating_add(1);
        let numbers = Numbers {
            client_seq,
            server_seq: state.server_seq,
        };
        let is_next = client_seq > state.last_client_seq;
        state.last_client_seq = client_seq.max(state.last_client_seq);
        let written = match payload {
            None => Err(Malformed::at("payload", "missing, or not to be read").into()),
            Some(_) if !is_next => {
                Err(Malformed::at("client_seq", "not above the last one").into())
            }
            Some(payload) => self.writer.answer(numbers, |to| {
                operate(&self.gate, &open.kept.client, payload, to)
            }),
        };
        let written = written.unwrap_or_else(|refusal| self.writer.error(numbers, refusal));
        let answer = written.answer.clone();
        state.keep(numbers.server_seq, written);
        Ok(Some(answer))
    }

    fn open(&mut self, message: pb::SessionOpen) -> Result<pb::SessionOpened, Refusal> {
        let opening = session::open(message, Path::ROOT.field("open"))?;
        let now = self.gate.clock.now();
        let heartbeats = opening.heartbeats;
        let client = self
            .gate
            .engine
            .session_opened(&opening.client, heartbeats, now);
        let client = client.map_err(|_| Refusal::overloaded())?;
        let now = now.mono;
        let (kept, token, resumed) = self.gate.sessions.open(&opening, now);
        let mut state = kept.state.lock();
        if let Some(before) = state.stream.replace(self.told.clone()) {
            before.cancel();
        }
        state.openings = state.openings.saturating_add(1);
        state.acknowledge(opening.last_server_seq);
        let again = state
            .answers
            .iter()
            .map(|(_, written)| written.answer.clone());
        self.due.extend(again);
        let (opening, last_client_seq) = (state.openings, state.last_client_seq);
        drop(state);
        self.open = Some(Open {
            kept,
            opening,
            client,
            heartbeats,
        });
        Ok(pb::SessionOpened {
            resume_token: token,
            resumed,
            last_client_seq,
            max_unanswered: UNANSWERED_MAX,
            max_batch_items: u32::try_from(BATCH_MAX).unwrap_or(u32::MAX),
            max_kept_answers: u32::try_from(KEPT_MAX).unwrap_or(u32::MAX),
        })
    }

    /// How it ends when it is told to: without an error, unless another stream has the session.
    fn end(&self) -> Option<Status> {
        let open = self.open.as_ref()?;
        let is_lost = open.kept.state.lock().openings != open.opening;
        is_lost.then(|| Refusal::taken_over().into())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(open) = &self.open else { return };
        // Streams that the gateway ends because it stops are no loss of theirs.
        if !self.gate.drain.is_draining() {
            let now = self.gate.clock.now();
            open.client.closed(open.heartbeats, self.clean, now);
        }
        let mut state = open.kept.state.lock();
        if state.openings == open.opening {
            state.stream = None;
            state.left = self.gate.clock.now().mono;
        }
    }
}

/// Numbers of the answers in `SessionResponse`.
mod answer {
    pub const OPENED: u32 = 3;
    pub const DECIDE: u32 = 4;
    pub const REPLACE: u32 = 5;
    pub const REPORT: u32 = 6;
    pub const NOTIFY: u32 = 7;
    pub const RELEASE: u32 = 8;
    pub const WHAT_IF: u32 = 9;
    pub const BATCH: u32 = 10;
    pub const DECIDE_BASKET: u32 = 15;
    pub const DECIDE_QUOTE: u32 = 16;
    pub const ACCEPT_ROUTE: u32 = 12;
    pub const HEARTBEAT: u32 = 13;
}

/// Numbers of the results in `BatchItemResult`.
mod result {
    pub const DECIDE: u32 = 1;
    pub const REPLACE: u32 = 2;
    pub const REPORT: u32 = 3;
    pub const NOTIFY: u32 = 4;
    pub const RELEASE: u32 = 5;
    pub const ERROR: u32 = 6;
    pub const ACCEPT_ROUTE: u32 = 12;
}

/// Applies one message of an open session, and writes what is answered.
fn operate(
    gate: &Gate,
    client: &ClientId,
    payload: raw::Payload<'_>,
    to: &mut Fields<'_>,
) -> Result<(), Refusal> {
    let frame = |field: &'static str| Frame {
        at: Path::ROOT.field(field),
        client: Some(client),
    };
    let payload = match payload {
        raw::Payload::Decide(request) => {
            return to.attempt(answer::DECIDE, |to| {
                gate.decide(request, frame("decide"), to)
            });
        }
        raw::Payload::Batch(orders) => {
            let items = orders.into_iter().map(Item::Decide);
            return to.attempt(answer::BATCH, |to| operate_all(gate, client, items, to));
        }
        raw::Payload::Other(payload) => *payload,
    };
    match payload {
        Payload::Decide(request) => to.attempt(answer::DECIDE, |to| {
            gate.decide(&request, frame("decide"), to)
        }),
        Payload::Replace(request) => to.attempt(answer::REPLACE, |to| {
            gate.replace(request, frame("replace"), to)
        }),
        Payload::WhatIf(request) => to.attempt(answer::WHAT_IF, |to| {
            gate.what_if(request, frame("what_if"), to)
        }),
        Payload::Batch(batch) => {
            let items = batch.items.into_iter().map(Item::Message);
            to.attempt(answer::BATCH, |to| operate_all(gate, client, items, to))
        }
        Payload::DecideBasket(request) => to.attempt(answer::DECIDE_BASKET, |to| {
            gate.decide_basket(request, frame("decide_basket"), to)
        }),
        Payload::DecideQuote(request) => to.attempt(answer::DECIDE_QUOTE, |to| {
            gate.decide_quote(request, frame("decide_quote"), to)
        }),
        Payload::Report(request) => {
            to.made(answer::REPORT, &gate.report(request, frame("report"))?);
            Ok(())
        }
        Payload::Notify(request) => {
            to.made(answer::NOTIFY, &gate.notify(request, frame("notify"))?);
            Ok(())
        }
        Payload::Release(request) => {
            to.made(answer::RELEASE, &gate.release(request, frame("release"))?);
            Ok(())
        }
        Payload::AcceptRoute(request) => {
            let accepted = gate.accept_route(request, frame("accept_route"))?;
            to.made(answer::ACCEPT_ROUTE, &accepted);
            Ok(())
        }
        Payload::Heartbeat(beat) => {
            to.made(answer::HEARTBEAT, &beat);
            Ok(())
        }
        Payload::Open(_) => Err(Malformed::at("open", "the session is open").into()),
    }
}

/// An operation of a batch.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on its way to where it is applied"
)]
enum Item<'b> {
    Decide(raw::DecideRequest<'b>),
    Message(pb::BatchItem),
}

/// Applies the operations of a batch in order, each by itself.
fn operate_all<'b>(
    gate: &Gate,
    client: &ClientId,
    items: impl ExactSizeIterator<Item = Item<'b>>,
    to: &mut Fields<'_>,
) -> Result<(), Refusal> {
    const ITEMS: u32 = 1;
    let at = Path::ROOT.field("batch");
    session::batch(items.len(), BATCH_MAX, at)?;
    let at = at.field("items");
    to.reserve(items.len().saturating_mul(APPROVAL));
    for (index, item) in items.enumerate() {
        let is_full = to.length() > BATCH_BYTES_MAX;
        let applied = to.attempt(ITEMS, |to| {
            if is_full {
                return Err(Refusal::overloaded());
            }
            operate_item(gate, client, at.item(index), item, to)
        });
        if let Err(refusal) = applied {
            let error = pb::OperationError::from(refusal);
            to.message(ITEMS, |to| to.made(result::ERROR, &error));
        }
    }
    Ok(())
}

fn operate_item(
    gate: &Gate,
    client: &ClientId,
    at: Path<'_>,
    item: Item<'_>,
    to: &mut Fields<'_>,
) -> Result<(), Refusal> {
    use pb::batch_item::Operation;
    let frame = |field: &'static str| Frame {
        at: at.field(field),
        client: Some(client),
    };
    let item = match item {
        Item::Decide(request) => {
            return to.attempt(result::DECIDE, |to| {
                gate.decide(request, frame("decide"), to)
            });
        }
        Item::Message(item) => item,
    };
    match item.operation {
        Some(Operation::Decide(request)) => to.attempt(result::DECIDE, |to| {
            gate.decide(&request, frame("decide"), to)
        }),
        Some(Operation::Replace(request)) => to.attempt(result::REPLACE, |to| {
            gate.replace(request, frame("replace"), to)
        }),
        Some(Operation::Report(request)) => {
            to.made(result::REPORT, &gate.report(request, frame("report"))?);
            Ok(())
        }
        Some(Operation::Notify(request)) => {
            to.made(result::NOTIFY, &gate.notify(request, frame("notify"))?);
            Ok(())
        }
        Some(Operation::Release(request)) => {
            to.made(result::RELEASE, &gate.release(request, frame("release"))?);
            Ok(())
        }
        Some(Operation::AcceptRoute(request)) => {
            let accepted = gate.accept_route(request, frame("accept_route"))?;
            to.made(result::ACCEPT_ROUTE, &accepted);
            Ok(())
        }
        None => Err(Malformed::at(at.field("operation").to_string(), says::REQUIRED).into()),
    }
}

impl Stream for Session {
    type Item = Result<Encoded, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = self.get_mut();
        loop {
            if let Some(due) = session.due.pop_front() {
                return Poll::Ready(Some(Ok(due)));
            }
            if session.over {
                return Poll::Ready(None);
            }
            match Pin::new(&mut session.requests).poll_next(cx) {
                Poll::Ready(Some(Ok(request))) => match session.answer(&request) {
                    Ok(None) => {}
                    Ok(Some(answer)) => return Poll::Ready(Some(Ok(answer))),
                    Err(status) => {
                        session.over = true;
                        return Poll::Ready(Some(Err(status)));
                    }
                },
                // The transport's own failure: nothing more can be read from it.
                Poll::Ready(Some(Err(status))) => {
                    session.over = true;
                    return Poll::Ready(Some(Err(stream_failure(status))));
                }
                Poll::Ready(None) => {
                    session.clean = true;
                    return Poll::Ready(None);
                }
                // Only now, as it takes a lock: requests are never ready for longer than the transport's window lasts.
                Poll::Pending => {
                    if session.ended.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    session.over = true;
                    return Poll::Ready(session.end().map(Err));
                }
            }
        }
    }
}
