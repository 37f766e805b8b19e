//! Over the wire: routes that wait to be accepted, kills, and clients that are lost.

use std::time::Duration;

use bulkhead::engine::setup::{DeadMan, DeadManAction, InboundRule, RouteTarget};
use bulkhead::pb;
use bulkhead::pb::session_request::Payload;
use bulkhead::pb::session_response::Payload as Answer;
use bulkhead::pb::watch_response::Event;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

use super::{Stage, dec, fields, next, of_bucket, order_of, why};
use crate::support::{amount, bucket, id, limits};

/// Bucket `b`, which takes nothing, and `a`, to which its orders may go.
async fn rerouting() -> Stage {
    let mut full = limits();
    full.long_max = Some(amount("0"));
    let mut source = bucket("b", Some("desk"), full);
    source.reroute.targets = vec![RouteTarget {
        bucket: Some(id("a")),
        venue: id("X"),
        account: id("a-x"),
    }];
    let mut target = bucket("a", Some("desk"), limits());
    target.inbound = vec![InboundRule {
        from: id("b"),
        notional_max: amount("10000"),
    }];
    Stage::with(vec![source, target]).await
}

fn asking(cl_ord_id: &str) -> pb::DecideRequest {
    let order = pb::Order {
        client_id: "c".to_owned(),
        cl_ord_id: cl_ord_id.to_owned(),
        bucket_id: "b".to_owned(),
        instrument_id: "BTC".to_owned(),
        venue_id: "X".to_owned(),
        side: pb::Side::Buy.into(),
        order_type: pb::OrderType::Limit.into(),
        quantity_kind: dec("1").map(pb::order::QuantityKind::Quantity),
        price: dec("100"),
        time_in_force: pb::TimeInForce::Day.into(),
        allow_reroute: true,
        ..Default::default()
    };
    pb::DecideRequest {
        order: Some(order),
        want_figures: true,
    }
}

fn accepting(client: &str, decision: &str) -> pb::AcceptRouteRequest {
    pb::AcceptRouteRequest {
        client_id: client.to_owned(),
        decision_id: decision.to_owned(),
    }
}

async fn ask(stage: &mut Stage, cl_ord_id: &str) -> pb::Decision {
    let answer = stage.gateway.decide(asking(cl_ord_id)).await.unwrap();
    answer.into_inner().decision.unwrap()
}

/// A session, and what it answers.
struct Talk {
    requests: mpsc::Sender<pb::SessionRequest>,
    answers: Streaming<pb::SessionResponse>,
    last: u64,
}

impl Talk {
    async fn open(stage: &mut Stage, client: &str, heartbeats: bool) -> Self {
        let (requests, stream) = mpsc::channel(16);
        let open = pb::SessionRequest {
            client_seq: 1,
            payload: Some(Payload::Open(pb::SessionOpen {
                client_id: client.to_owned(),
                heartbeats,
                ..Default::default()
            })),
            ..Default::default()
        };
        requests.send(open).await.unwrap();
        let answers = stage.gateway.session(ReceiverStream::new(stream)).await;
        let mut talk = Self {
            requests,
            answers: answers.unwrap().into_inner(),
            last: 1,
        };
        let opened = next(&mut talk.answers).await.unwrap().payload.unwrap();
        assert!(matches!(opened, Answer::Opened(_)), "{opened:?}");
        talk
    }

    async fn say(&mut self, payload: Payload) -> Answer {
        self.last += 1;
        let request = pb::SessionRequest {
            client_seq: self.last,
            payload: Some(payload),
            ..Default::default()
        };
        self.requests.send(request).await.unwrap();
        let answer = next(&mut self.answers).await.unwrap();
        assert_eq!(answer.client_seq, self.last);
        answer.payload.unwrap()
    }
}

#[tokio::test]
async fn a_route_is_accepted_by_call_in_a_session_and_in_a_batch() {
    let mut stage = rerouting().await;
    let mut waiting = Vec::new();
    for cl_ord_id in ["1", "2", "3", "4"] {
        let decision = ask(&mut stage, cl_ord_id).await;
        assert_eq!(decision.outcome(), pb::Outcome::Rerouted);
        assert!(decision.acceptance_required);
        assert_eq!(decision.order_state(), pb::OrderState::AwaitingAcceptance);
        assert_eq!(decision.route.unwrap().bucket_id, "a");
        assert!(decision.figures.is_empty(), "of another bucket (RR14)");
        assert!(decision.reservation_expires_at.is_some());
        waiting.push(decision.decision_id);
    }
    for replayed in [false, true] {
        let accepted = stage.gateway.accept_route(accepting("c", &waiting[0]));
        let accepted = accepted.await.unwrap().into_inner();
        assert_eq!(accepted.replayed, replayed);
        let order = accepted.order.unwrap();
        assert_eq!(order.state(), pb::OrderState::Reserved);
        assert_eq!(
            (order.cl_ord_id.as_str(), accepted.sequence > 0),
            ("1", !replayed)
        );
        assert!(accepted.reservation_expires_at.is_some());
    }
    let mut talk = Talk::open(&mut stage, "c", false).await;
    let answer = talk
        .say(Payload::AcceptRoute(accepting("", &waiting[1])))
        .await;
    assert!(matches!(answer, Answer::AcceptRoute(_)), "{answer:?}");
    let item = |decision: &str| pb::BatchItem {
        operation: Some(pb::batch_item::Operation::AcceptRoute(accepting(
            "", decision,
        ))),
    };
    let items = vec![item(&waiting[2]), item("0-0")];
    let Answer::Batch(batch) = talk.say(Payload::Batch(pb::Batch { items })).await else {
        panic!("no answer to the batch");
    };
    use pb::batch_item_result::Result as Item;
    assert!(matches!(batch.items[0].result, Some(Item::AcceptRoute(_))));
    let Some(Item::Error(error)) = &batch.items[1].result else {
        panic!("{batch:?}");
    };
    assert_eq!((error.code, error.reason.as_str()), (5, "UNKNOWN_DECISION"));

    // A notice that it was sent says so too, and is flagged.
    let notice = pb::NotifyRequest {
        client_id: "c".to_owned(),
        cl_ord_id: "4".to_owned(),
        kind: pb::NoticeKind::Sent.into(),
        ..Default::default()
    };
    let told = stage.gateway.notify(notice).await.unwrap().into_inner();
    let flags: Vec<_> = told.flags().collect();
    assert_eq!(flags, [pb::ReportFlag::RouteNotAccepted]);
}

#[tokio::test]
async fn a_route_that_cannot_be_accepted_says_why() {
    let mut stage = rerouting().await;
    let first = ask(&mut stage, "1").await.decision_id;
    let refused = stage.gateway.accept_route(accepting("other", &first)).await;
    assert_eq!(
        why(refused),
        (Code::NotFound, "UNKNOWN_DECISION".to_owned())
    );
    let wrong = stage.gateway.accept_route(accepting("c", "what?")).await;
    assert_eq!(fields(wrong), ["decision_id"]);
    let release = pb::ReleaseRequest {
        client_id: "c".to_owned(),
        cl_ord_id: "1".to_owned(),
    };
    stage.gateway.release(release).await.unwrap();
    let refused = stage.gateway.accept_route(accepting("c", &first)).await;
    let ended = (Code::FailedPrecondition, "ORDER_ENDED".to_owned());
    assert_eq!(why(refused), ended);
    let second = ask(&mut stage, "2").await.decision_id;
    let watch = stage.monitor.watch(pb::WatchRequest {
        kinds: vec![pb::WatchKind::Order.into()],
        ..Default::default()
    });
    let mut watch = watch.await.unwrap().into_inner();
    let halted = stage.halt(of_bucket("b")).await.unwrap();
    assert_eq!((halted.live_orders, halted.kill_id.as_str()), (0, ""));
    let Some(Event::Order(order)) = next(&mut watch).await.unwrap().event else {
        panic!("the void order is told");
    };
    assert_eq!(order.state(), pb::OrderState::Released);
    let refused = stage.gateway.accept_route(accepting("c", &second)).await;
    let void = (Code::FailedPrecondition, "ROUTE_VOID".to_owned());
    assert_eq!(why(refused), void);
}

async fn kill_of(watch: &mut Streaming<pb::WatchResponse>) -> pb::Kill {
    match next(watch).await.unwrap().event {
        Some(Event::Kill(kill)) => kill,
        other => panic!("{other:?}"),
    }
}

fn kills_only() -> pb::WatchRequest {
    pb::WatchRequest {
        kinds: vec![pb::WatchKind::Kill.into()],
        ..Default::default()
    }
}

#[tokio::test]
async fn a_kill_is_followed_to_its_end() {
    let mut stage = Stage::new().await;
    let watch = stage.monitor.watch(kills_only()).await;
    let mut watch = watch.unwrap().into_inner();
    for name in ["o-1", "o-2", "o-3"] {
        stage.decide(&order_of("b", "c", name, "1"));
    }
    let halted = stage.halt(of_bucket("b")).await.unwrap();
    assert_eq!(halted.live_orders, 3);
    let opened = kill_of(&mut watch).await;
    assert_eq!(opened.kill_id, halted.kill_id);
    assert_eq!((opened.orders, opened.live), (3, 3));
    assert_eq!(opened.state.unwrap().actor, "anna");
    assert_eq!(opened.residual[0].amount, dec("300"));

    let read = |token: String| pb::GetKillRequest {
        kill_id: halted.kill_id.clone(),
        page_size: 2,
        page_token: token,
    };
    let first = stage.monitor.get_kill(read(String::new())).await;
    let first = first.unwrap().into_inner();
    assert_eq!(first.live_orders.len(), 2);
    let second = stage.monitor.get_kill(read(first.next_page_token)).await;
    let second = second.unwrap().into_inner();
    assert_eq!(second.live_orders[0].cl_ord_id, "o-3");
    assert_eq!(second.next_page_token, "");

    // Time passes by hand: nothing here waits for a clock.
    let mut later = stage.gate.clock.now();
    later.mono += 5_000_000_000;
    later.wall += 5_000_000_000;
    stage.fill("o-1", "e-1");
    stage.gate.engine.sweep(later, 0);
    let overdue = kill_of(&mut watch).await;
    assert_eq!(overdue.status(), pb::KillStatus::Unresolved);
    assert_eq!((overdue.live, overdue.ended[0].count), (2, 1));
    assert!(overdue.unresolved_at.is_some());
    stage.gate.engine.sweep(later, 0);
    stage.fill("o-2", "e-2");
    stage.fill("o-3", "e-3");
    stage.gate.engine.sweep(later, 0);
    let resolved = kill_of(&mut watch).await;
    assert_eq!(resolved.status(), pb::KillStatus::Resolved);
    assert_eq!((resolved.live, resolved.ended[0].count), (0, 3));

    let list = |unresolved_only| pb::ListKillsRequest {
        unresolved_only,
        ..Default::default()
    };
    let all = stage.monitor.list_kills(list(false)).await.unwrap();
    assert_eq!(all.into_inner().kills, [resolved]);
    let open = stage.monitor.list_kills(list(true)).await.unwrap();
    assert!(open.into_inner().kills.is_empty());
    let unknown = pb::GetKillRequest {
        kill_id: format!("{:016x}-{:016x}", 1, 1),
        ..Default::default()
    };
    let unknown = stage.monitor.get_kill(unknown).await;
    assert_eq!(why(unknown), (Code::NotFound, "UNKNOWN_KILL".to_owned()));
}

fn watched(name: &str, action: DeadManAction) -> bulkhead::engine::setup::BucketSetup {
    let mut setup = bucket(name, Some("desk"), limits());
    setup.dead_man = DeadMan {
        after: 1_000_000,
        action,
        exempt_gtc: true,
    };
    setup
}

/// Sweeps until the bucket is in this state.
async fn until(stage: &mut Stage, name: &str, state: pb::TradingState) {
    loop {
        stage.gate.engine.sweep(stage.gate.clock.now(), 0);
        let status = stage.status(name).await;
        let own = status.own_state.unwrap();
        if own.state() == state {
            assert_eq!(own.cause(), pb::StateCause::DeadMan);
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_client_whose_stream_breaks_stops_its_bucket_and_no_other() {
    let buckets = [
        watched("a", DeadManAction::CancelAll),
        watched("b", DeadManAction::NoNew),
    ];
    let mut stage = Stage::with(buckets.to_vec()).await;
    let watch = stage.monitor.watch(kills_only()).await;
    let mut watch = watch.unwrap().into_inner();
    let talk = Talk::open(&mut stage, "c", false).await;
    let other = Talk::open(&mut stage, "other", false).await;
    stage.decide(&order_of("a", "c", "o-1", "1"));
    stage.decide(&order_of("b", "other", "o-2", "1"));
    // Both streams end; one of them has a bucket that lists its orders.
    drop(talk);
    until(&mut stage, "a", pb::TradingState::CancelOnly).await;
    let kill = kill_of(&mut watch).await;
    assert_eq!((kill.client_id.as_str(), kill.orders), ("c", 1));
    let still = stage.status("b").await.own_state.unwrap();
    assert_eq!(
        still.state(),
        pb::TradingState::Active,
        "its client is there"
    );
    drop(other);
    until(&mut stage, "b", pb::TradingState::CancelOnly).await;
}

#[tokio::test]
async fn a_client_that_promised_heartbeats_is_lost_when_it_is_silent() {
    let mut stage = Stage::with(vec![watched("b", DeadManAction::NoNew)]).await;
    let mut talk = Talk::open(&mut stage, "c", true).await;
    let answer = talk.say(Payload::Heartbeat(pb::Heartbeat {})).await;
    assert!(matches!(answer, Answer::Heartbeat(_)), "{answer:?}");
    stage.decide(&order_of("b", "c", "o-1", "1"));
    until(&mut stage, "b", pb::TradingState::CancelOnly).await;
}
