//! The session over the wire, against a whole gateway on a free port: order, resumption, takeover, broken messages, flow control.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

use std::sync::Arc;
use std::time::Duration;

use bulkhead::clock::Clock;
use bulkhead::domain::time::SECOND;
use bulkhead::grpc::Gate;
use bulkhead::pb;
use bulkhead::pb::gateway_service_client::GatewayServiceClient;
use bulkhead::pb::session_request::Payload;
use bulkhead::pb::session_response::Payload as Answer;
use bulkhead::risk::limits::{Limits, SelfMatchRule};
use bulkhead::server::{CLOSE_WAIT, Drain, Readiness};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::server::raw;
use crate::server::running::{PATIENCE, Running, connect, settings};
use crate::support::{START, bucket, engine, limits};

/// What the contract says of a session's bounds.
const BATCH_MAX: usize = 1_024;
const KEPT_MAX: u64 = 4_096;
const UNANSWERED_MAX: u64 = 1_024;

/// A gateway with bucket `b` and BTC at 100. Its clock stands until it is led on.
struct Stage {
    gate: Gate,
    running: Running,
}

impl Stage {
    async fn new() -> Self {
        Self::with(limits()).await
    }

    async fn with(limits: Limits) -> Self {
        let engine = engine(vec![bucket("b", Some("desk"), limits)]);
        let drain = Drain::new();
        let (readiness, loading) = Readiness::new();
        drop(loading);
        let clock = Arc::new(Clock::led(START));
        let gate = Gate::new(Arc::new(engine), clock, drain.clone(), readiness);
        let settings = settings();
        let message_max = settings.max_message_bytes;
        let services = {
            let gate = gate.clone();
            move || gate.services(message_max)
        };
        let mut running = Running::loading(settings, CLOSE_WAIT, drain, services).await;
        running.loaded();
        Self { gate, running }
    }

    /// A stream of its own connection, not opened.
    async fn stream(&self) -> Talk {
        Talk::over(connect(self.running.address).await).await
    }

    /// A new session of client `c`.
    async fn session(&self) -> (Talk, String) {
        let mut talk = self.stream().await;
        let opened = talk.open("c", "", 0).await;
        assert!(!opened.resumed);
        (talk, opened.resume_token)
    }

    /// Orders, reports and changes so far.
    fn events(&self) -> u64 {
        self.gate.engine.sequence()
    }
}

/// One stream, message by message.
struct Talk {
    requests: mpsc::Sender<pb::SessionRequest>,
    answers: Streaming<pb::SessionResponse>,
}

impl Talk {
    async fn over(channel: Channel) -> Self {
        let (requests, outgoing) = mpsc::channel(16);
        let mut client = GatewayServiceClient::new(channel);
        let answers = client.session(ReceiverStream::new(outgoing)).await.unwrap();
        Self {
            requests,
            answers: answers.into_inner(),
        }
    }

    async fn send(&self, client_seq: u64, ack_server_seq: u64, payload: Option<Payload>) {
        let request = pb::SessionRequest {
            client_seq,
            ack_server_seq,
            payload,
        };
        let sent = timeout(PATIENCE, self.requests.send(request)).await;
        sent.unwrap().unwrap();
    }

    async fn read(&mut self) -> Result<Option<pb::SessionResponse>, Status> {
        timeout(PATIENCE, self.answers.message()).await.unwrap()
    }

    async fn next(&mut self) -> pb::SessionResponse {
        self.read().await.unwrap().unwrap()
    }

    /// Sends one message and reads one answer.
    async fn ask(&mut self, client_seq: u64, payload: Payload) -> pb::SessionResponse {
        self.send(client_seq, 0, Some(payload)).await;
        self.next().await
    }

    async fn open(&mut self, client: &str, token: &str, last_server_seq: u64) -> pb::SessionOpened {
        match self.ask(1, open(client, token, last_server_seq)).await {
            pb::SessionResponse {
                client_seq: 1,
                server_seq: 0,
                payload: Some(Answer::Opened(opened)),
            } => opened,
            other => panic!("{other:?}"),
        }
    }

    /// Everything that is on its way before the answer to a question that changes nothing.
    async fn pending(&mut self, client_seq: u64) -> Vec<pb::SessionResponse> {
        self.send(client_seq, 0, Some(question())).await;
        let mut pending = Vec::new();
        loop {
            match self.next().await {
                answer if answer.client_seq == client_seq => return pending,
                answer => pending.push(answer),
            }
        }
    }
}

fn open(client: &str, token: &str, last_server_seq: u64) -> Payload {
    Payload::Open(pb::SessionOpen {
        client_id: client.to_owned(),
        resume_token: token.to_owned(),
        last_server_seq,
        heartbeats: false,
    })
}

fn dec(text: &str) -> Option<pb::Decimal> {
    Some(pb::Decimal {
        value: text.to_owned(),
    })
}

fn order(cl_ord_id: &str) -> pb::Order {
    pb::Order {
        cl_ord_id: cl_ord_id.to_owned(),
        bucket_id: "b".to_owned(),
        instrument_id: "BTC".to_owned(),
        venue_id: "X".to_owned(),
        side: pb::Side::Buy.into(),
        order_type: pb::OrderType::Limit.into(),
        quantity_kind: dec("1").map(pb::order::QuantityKind::Quantity),
        price: dec("100"),
        time_in_force: pb::TimeInForce::Day.into(),
        ..Default::default()
    }
}

fn decision_of(order: pb::Order) -> pb::DecideRequest {
    pb::DecideRequest {
        order: Some(order),
        want_figures: false,
    }
}

fn decide(cl_ord_id: &str) -> Payload {
    Payload::Decide(decision_of(order(cl_ord_id)))
}

fn question() -> Payload {
    Payload::WhatIf(pb::WhatIfRequest {
        request: Some(pb::what_if_request::Request::Order(order("what-if"))),
        want_figures: false,
    })
}

fn batch(orders: Vec<pb::Order>) -> Payload {
    let item = |order| pb::BatchItem {
        operation: Some(pb::batch_item::Operation::Decide(decision_of(order))),
    };
    Payload::Batch(pb::Batch {
        items: orders.into_iter().map(item).collect(),
    })
}

/// Its order and that it was approved, or the code, reason and field of its error.
fn told(answer: &pb::SessionResponse) -> Result<&str, (i32, &str, &str)> {
    match answer.payload.as_ref().unwrap() {
        Answer::Decide(response) => Ok(approved(response)),
        Answer::Error(error) => Err(why(error)),
        other => panic!("{other:?}"),
    }
}

fn approved(response: &pb::DecideResponse) -> &str {
    let decision = response.decision.as_ref().unwrap();
    assert_eq!(decision.outcome(), pb::Outcome::Approved, "{decision:?}");
    &decision.cl_ord_id
}

fn why(error: &pb::OperationError) -> (i32, &str, &str) {
    (error.code, &error.reason, &error.field)
}

fn malformed(field: &str) -> Result<&str, (i32, &str, &str)> {
    Err((3, "MALFORMED", field))
}

#[tokio::test]
async fn answers_carry_the_numbers_of_their_requests_in_the_order_received() {
    let stage = Stage::new().await;
    let (mut talk, _) = stage.session().await;
    for (client_seq, id) in [(2, "o-2"), (3, "o-3"), (900, "o-900"), (901, "o-901")] {
        talk.send(client_seq, 0, Some(decide(id))).await;
    }
    for (server_seq, client_seq, id) in [(1, 2, "o-2"), (2, 3, "o-3"), (3, 900, "o-900")] {
        let answer = talk.next().await;
        assert_eq!(told(&answer), Ok(id));
        assert_eq!(
            (answer.client_seq, answer.server_seq),
            (client_seq, server_seq)
        );
    }
    assert_eq!(told(&talk.next().await), Ok("o-901"));
    let events = stage.events();
    for stale in [901, 3, 0] {
        let answer = talk.ask(stale, decide("late")).await;
        assert_eq!(told(&answer), malformed("client_seq"));
        assert_eq!(answer.client_seq, stale);
    }
    assert_eq!(stage.events(), events);
}

#[tokio::test]
async fn the_first_message_opens_and_only_the_first() {
    let stage = Stage::new().await;
    let mut talk = stage.stream().await;
    let answer = talk.ask(7, decide("o-1")).await;
    assert_eq!((told(&answer), answer.client_seq), (malformed("open"), 7));
    for (client, token, field) in [
        ("", "", "open.client_id"),
        ("a b", "", "open.client_id"),
        ("c", "a b", "open.resume_token"),
        ("c", &"x".repeat(257), "open.resume_token"),
    ] {
        let answer = talk.ask(8, open(client, token, 0)).await;
        assert_eq!(told(&answer), malformed(field));
    }
    assert!(!talk.open("c", "", 0).await.resumed);
    assert_eq!(
        told(&talk.ask(2, open("c", "", 0)).await),
        malformed("open")
    );
    assert_eq!(told(&talk.ask(3, decide("o-1")).await), Ok("o-1"));
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_nothing_is_decided_twice() {
    let stage = Stage::new().await;
    let (mut talk, token) = stage.session().await;
    let mut answers = Vec::new();
    for client_seq in 2..7 {
        let id = format!("o-{client_seq}");
        answers.push(talk.ask(client_seq, decide(&id)).await);
    }
    // One acknowledgement beside a request, and one by itself, which has no answer.
    talk.send(7, 1, Some(decide("o-7"))).await;
    answers.push(talk.next().await);
    talk.send(0, 2, None).await;
    assert_eq!(talk.pending(8).await, []);
    let events = stage.events();
    drop(talk);

    let mut talk = stage.stream().await;
    let opened = talk.open("c", &token, 3).await;
    assert!(opened.resumed);
    assert_eq!(opened.last_client_seq, 8);
    assert_ne!(opened.resume_token, token);
    let mut again = talk.pending(9).await;
    // The answer to the question that the first stream asked last.
    assert_eq!(again.pop().unwrap().client_seq, 8);
    assert_eq!(again, answers[3..]);
    assert_eq!(stage.events(), events);

    // A client that is not sure sends again under the same key.
    let answer = talk.ask(10, decide("o-7")).await;
    match &answer.payload {
        Some(Answer::Decide(response)) => assert!(response.decision.as_ref().unwrap().replayed),
        other => panic!("{other:?}"),
    }
    assert_eq!((answer.server_seq, stage.events()), (9, events));

    // Acknowledged all the way: nothing comes again.
    drop(talk);
    let mut talk = stage.stream().await;
    assert!(talk.open("c", &opened.resume_token, 9).await.resumed);
    assert_eq!(talk.pending(11).await, []);
}

#[tokio::test]
async fn the_oldest_answers_are_dropped_when_nothing_is_acknowledged() {
    let stage = Stage::new().await;
    let (mut talk, token) = stage.session().await;
    for client_seq in 2..KEPT_MAX + 12 {
        talk.send(client_seq, 0, Some(question())).await;
        talk.next().await;
    }
    drop(talk);
    let mut talk = stage.stream().await;
    assert!(talk.open("c", &token, 0).await.resumed);
    let again = talk.pending(KEPT_MAX + 12).await;
    let numbers: Vec<u64> = again.iter().map(|answer| answer.server_seq).collect();
    assert!(
        numbers.iter().copied().eq(11..KEPT_MAX + 11),
        "{}",
        numbers[0]
    );
}

#[tokio::test]
async fn large_answers_are_kept_up_to_a_bound_of_bytes() {
    const KEPT_BYTES_MAX: usize = 4 * 1_024 * 1_024;
    let stage = Stage::new().await;
    let (mut talk, token) = stage.session().await;
    let orders: Vec<_> = (0..BATCH_MAX).map(|it| order(&format!("o-{it}"))).collect();
    let mut sizes = Vec::new();
    for client_seq in 2..42 {
        let answer = talk.ask(client_seq, batch(orders.clone())).await;
        sizes.push(answer.encoded_len());
    }
    let all: usize = sizes.iter().sum();
    assert!(all > KEPT_BYTES_MAX + sizes[0], "{sizes:?}");
    drop(talk);
    let mut talk = stage.stream().await;
    assert!(talk.open("c", &token, 0).await.resumed);
    let again = talk.pending(99).await;
    let kept = again.iter().map(pb::SessionResponse::encoded_len);
    let kept: usize = kept.sum();
    assert!(kept <= KEPT_BYTES_MAX, "{kept}");
    assert!(kept + sizes[0] > KEPT_BYTES_MAX, "{kept}");
    assert_eq!(again.last().unwrap().server_seq, 40);
}

#[tokio::test]
async fn a_stream_that_resumes_ends_the_one_before() {
    let stage = Stage::new().await;
    let (mut first, token) = stage.session().await;
    assert_eq!(told(&first.ask(2, decide("o-2")).await), Ok("o-2"));
    let mut second = stage.stream().await;
    let opened = second.open("c", &token, 0).await;
    assert!(opened.resumed);
    assert_eq!(told(&second.next().await), Ok("o-2"));

    // The first one is idle, and is told all the same.
    let status = first.read().await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        ("SESSION_TAKEN_OVER", "bulkhead")
    );
    assert_eq!(told(&second.ask(3, decide("o-3")).await), Ok("o-3"));

    // Its token went with it.
    let mut third = stage.stream().await;
    assert!(!third.open("c", &token, 0).await.resumed);
    assert_eq!(told(&second.ask(4, decide("o-4")).await), Ok("o-4"));
}

#[tokio::test]
async fn what_a_stream_sends_after_it_was_taken_over_is_not_applied() {
    let stage = Stage::new().await;
    let (mut first, token) = stage.session().await;
    // Its answers are not read yet: the takeover comes between its requests.
    let mut second = stage.stream().await;
    assert!(second.open("c", &token, 0).await.resumed);
    let events = stage.events();
    for client_seq in 2..10 {
        let request = pb::SessionRequest {
            client_seq,
            ack_server_seq: 0,
            payload: Some(decide(&format!("o-{client_seq}"))),
        };
        // The stream may have ended before everything is sent.
        let _ended = first.requests.send(request).await;
    }
    assert_eq!(first.read().await.unwrap_err().code(), Code::Aborted);
    assert_eq!(second.pending(2).await, []);
    assert_eq!(stage.events(), events);
}

#[tokio::test]
async fn a_token_that_is_not_known_opens_a_new_session() {
    let stage = Stage::new().await;
    let (mut talk, token) = stage.session().await;
    talk.ask(2, decide("o-2")).await;
    drop(talk);
    for (client, token) in [("c", "0123456789abcdef0123456789abcdef"), ("d", &*token)] {
        let mut talk = stage.stream().await;
        let opened = talk.open(client, token, 0).await;
        assert_eq!((opened.resumed, opened.last_client_seq), (false, 0));
        assert_eq!(talk.pending(2).await, []);
    }
    // Somebody else's try has taken nothing from its owner.
    let mut talk = stage.stream().await;
    assert!(talk.open("c", &token, 0).await.resumed);
    assert_eq!(told(&talk.next().await), Ok("o-2"));
}

#[tokio::test]
async fn a_session_without_a_stream_is_forgotten_in_time() {
    const KEPT_FOR: u64 = 300 * SECOND;
    let stage = Stage::new().await;
    let (talk, mut token) = stage.session().await;
    let mut connected = Some(talk);
    for (idle, without_stream, resumed) in [
        // An idle stream keeps its session.
        (2 * KEPT_FOR, KEPT_FOR - 1, true),
        (0, KEPT_FOR, false),
    ] {
        let lead = |nanos| {
            let now = stage.gate.clock.now().mono;
            stage.gate.clock.lead_to(now + nanos);
        };
        lead(idle);
        let mut talk: Talk = connected.take().unwrap();
        // The stream has ended on both sides.
        drop(talk.requests);
        assert!(talk.answers.message().await.unwrap().is_none());
        lead(without_stream);
        let mut talk = stage.stream().await;
        let opened = talk.open("c", &token, 0).await;
        assert_eq!(opened.resumed, resumed, "{without_stream}");
        token = opened.resume_token;
        connected = Some(talk);
    }
}

#[tokio::test]
async fn bytes_that_are_not_protobuf_are_answered_and_the_stream_goes_on() {
    let stage = Stage::new().await;
    let channel = connect(stage.running.address).await;
    let request = |client_seq, payload| {
        let ack_server_seq = 0;
        pb::SessionRequest {
            client_seq,
            ack_server_seq,
            payload: Some(payload),
        }
        .encode_to_vec()
    };
    let sent = vec![
        vec![0xff],
        request(1, open("c", "", 0)),
        // Number 7, an acknowledgement, and a payload of which one byte comes.
        vec![0x08, 7, 0x10, 3, 0x22, 5, 0x0a],
        vec![0xff, 0xff],
        Vec::new(),
        request(8, decide("o-8")),
    ];
    let path = "/bulkhead.v1.GatewayService/Session";
    let sent = tokio_stream::StreamExt::chain(tokio_stream::iter(sent), tokio_stream::pending());
    let mut answers = raw::stream(channel, path, sent).await.unwrap();
    let mut next = async || {
        let bytes = timeout(PATIENCE, answers.message()).await.unwrap();
        pb::SessionResponse::decode(bytes.unwrap().unwrap().as_slice()).unwrap()
    };
    let answer = next().await;
    assert_eq!((told(&answer), answer.client_seq), (malformed("open"), 0));
    assert!(matches!(next().await.payload, Some(Answer::Opened(_))));
    for (client_seq, server_seq) in [(7, 1), (0, 2), (0, 3)] {
        let answer = next().await;
        assert_eq!(told(&answer), malformed("payload"));
        assert_eq!(
            (answer.client_seq, answer.server_seq),
            (client_seq, server_seq)
        );
    }
    let answer = next().await;
    assert_eq!(told(&answer), Ok("o-8"));
    assert_eq!(answer.server_seq, 4);
}

#[tokio::test]
async fn an_item_that_is_malformed_stops_none_behind_it() {
    let stage = Stage::new().await;
    let (mut talk, _) = stage.session().await;
    let mut orders: Vec<_> = ["o-0", "o-1", "o-2"].map(order).into();
    orders[1].price = dec("1e9");
    let mut message = match batch(orders) {
        Payload::Batch(batch) => batch,
        other => panic!("{other:?}"),
    };
    message.items.push(pb::BatchItem::default());
    let mut elsewhere = order("o-4");
    elsewhere.bucket_id = "nowhere".to_owned();
    elsewhere.client_id = "c".to_owned();
    let mut foreign = order("o-5");
    foreign.client_id = "d".to_owned();
    for order in [elsewhere, foreign] {
        let operation = pb::batch_item::Operation::Decide(decision_of(order));
        message.items.push(pb::BatchItem {
            operation: Some(operation),
        });
    }
    let before = stage.events();
    let answer = talk.ask(2, Payload::Batch(message)).await;
    let Some(Answer::Batch(result)) = &answer.payload else {
        panic!("{answer:?}");
    };
    let told: Vec<_> = result
        .items
        .iter()
        .map(|item| match item.result.as_ref().unwrap() {
            pb::batch_item_result::Result::Decide(response) => Ok(approved(response)),
            pb::batch_item_result::Result::Error(error) => Err(why(error)),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            Ok("o-0"),
            malformed("batch.items[1].decide.order.price.value"),
            Ok("o-2"),
            malformed("batch.items[3].operation"),
            Err((5, "UNKNOWN_BUCKET", "")),
            malformed("batch.items[5].decide.order.client_id"),
        ]
    );
    assert_eq!(stage.events(), before + 2);
    for count in [0, BATCH_MAX + 1] {
        let answer = talk
            .ask(3 + count as u64, batch(vec![order("x"); count]))
            .await;
        assert_eq!(self::told(&answer), malformed("batch.items"), "{count}");
    }
}

#[tokio::test]
async fn a_batch_whose_answer_cannot_be_sent_is_applied_as_far_as_it_can() {
    const RESTING: usize = 64;
    let limits = Limits {
        self_match: SelfMatchRule::AskCancelResting,
        ..limits()
    };
    let stage = Stage::with(limits).await;
    let (mut talk, token) = stage.session().await;
    // Each buy is told of every sell that rests.
    let sells = (0..RESTING).map(|it| pb::Order {
        side: pb::Side::Sell.into(),
        ..order(&format!("{it:064}"))
    });
    let sells = talk.ask(2, batch(sells.collect())).await;
    assert_eq!(sells.server_seq, 1);
    let buys = (0..BATCH_MAX).map(|it| order(&format!("o-{it}")));
    let before = stage.events();
    let answer = talk.ask(3, batch(buys.collect())).await;
    let Some(Answer::Batch(result)) = &answer.payload else {
        panic!("{answer:?}");
    };
    let is_applied = |item: &&pb::BatchItemResult| match item.result.as_ref().unwrap() {
        pb::batch_item_result::Result::Decide(response) => !approved(response).is_empty(),
        pb::batch_item_result::Result::Error(error) => {
            assert_eq!(why(error), (8, "OVERLOADED", ""));
            false
        }
        other => panic!("{other:?}"),
    };
    let applied = result.items.iter().take_while(is_applied).count();
    assert_eq!(result.items.iter().filter(is_applied).count(), applied);
    assert_eq!(result.items.len(), BATCH_MAX);
    assert_eq!(stage.events() - before, applied as u64);
    assert!((512..BATCH_MAX).contains(&applied), "{applied}");
    // It can be sent again, too.
    drop(talk);
    let mut talk = stage.stream().await;
    assert!(talk.open("c", &token, 1).await.resumed);
    assert_eq!(talk.next().await, answer);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_from() {
    const ORDERS: u64 = 10_000;
    /// Answers that fit what the transports of both sides hold.
    const DECIDED_MAX: u64 = 4_000;
    let stage = Stage::new().await;
    let endpoint = Endpoint::try_from(format!("http://{}", stage.running.address)).unwrap();
    let endpoint = endpoint
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535);
    let mut talk = Talk::over(endpoint.connect().await.unwrap()).await;
    talk.open("c", "", 0).await;
    let before = stage.events();
    let requests = talk.requests.clone();
    let (progress, mut sent) = tokio::sync::watch::channel(0);
    let sending = tokio::spawn(async move {
        for number in 0..ORDERS {
            let request = pb::SessionRequest {
                client_seq: 2 + number,
                ack_server_seq: 0,
                payload: Some(decide(&format!("o-{number}"))),
            };
            requests.send(request).await.unwrap();
            progress.send_replace(number + 1);
        }
    });
    // Until nothing has moved for a while.
    while let Ok(moved) = timeout(Duration::from_millis(500), sent.changed()).await {
        moved.unwrap();
    }
    let decided = stage.events() - before;
    assert!(*sent.borrow() < ORDERS, "everything was taken");
    assert!(*sent.borrow() > UNANSWERED_MAX, "fewer than it promises");
    assert!(decided < DECIDED_MAX, "{decided}");

    for number in 0..ORDERS {
        let answer = talk.next().await;
        assert_eq!(answer.client_seq, 2 + number);
        assert_eq!(answer.server_seq, 1 + number);
    }
    sending.await.unwrap();
    assert_eq!(stage.events() - before, ORDERS);
}

#[tokio::test]
async fn a_stop_ends_the_stream_without_an_error() {
    let stage = Stage::new().await;
    let (mut talk, _) = stage.session().await;
    assert_eq!(told(&talk.ask(2, decide("o-2")).await), Ok("o-2"));
    // No grace: the stream ends as soon as the server has heard of it.
    let stopped = stage.running.stop();
    let (stopped, ended) = tokio::join!(stopped, talk.read());
    assert!(ended.unwrap().is_none());
    assert_eq!(stopped.unwrap().cut, 0);
}
