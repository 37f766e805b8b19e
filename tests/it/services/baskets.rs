//! Baskets and quotes over the wire: by call, in a session, and as questions.

use bulkhead::pb::session_request::Payload;
use bulkhead::pb::session_response::Payload as Answer;
use tokio_stream::wrappers::ReceiverStream;

use super::*;

fn leg(id: &str, side: pb::Side, quantity: &str) -> pb::Order {
    pb::Order {
        client_id: "c".to_owned(),
        cl_ord_id: id.to_owned(),
        bucket_id: "a".to_owned(),
        instrument_id: "BTC".to_owned(),
        venue_id: "X".to_owned(),
        side: side.into(),
        order_type: pb::OrderType::Limit.into(),
        quantity_kind: Some(pb::order::QuantityKind::Quantity(dec(quantity).unwrap())),
        price: dec("100"),
        time_in_force: pb::TimeInForce::Day.into(),
        ..Default::default()
    }
}

fn basket(id: &str, legs: Vec<pb::Order>) -> pb::Basket {
    pb::Basket {
        client_id: "c".to_owned(),
        basket_id: id.to_owned(),
        mode: pb::BasketMode::AllOrNone.into(),
        legs,
        ..Default::default()
    }
}

fn request(basket: pb::Basket) -> pb::DecideBasketRequest {
    pb::DecideBasketRequest {
        basket: Some(basket),
        want_figures: false,
    }
}

fn quote(id: &str, replaces: &str, sides: [(&str, &str, &str); 2]) -> pb::DecideQuoteRequest {
    let [bid, offer] = sides.map(|(id, price, quantity)| {
        Some(pb::QuoteSide {
            cl_ord_id: id.to_owned(),
            price: dec(price),
            quantity: dec(quantity),
        })
        .filter(|side| !side.cl_ord_id.is_empty())
    });
    pb::DecideQuoteRequest {
        quote: Some(pb::Quote {
            client_id: "c".to_owned(),
            quote_id: id.to_owned(),
            bucket_id: "a".to_owned(),
            instrument_id: "BTC".to_owned(),
            venue_id: "X".to_owned(),
            bid,
            offer,
            time_in_force: pb::TimeInForce::Day.into(),
            replaces_quote_id: replaces.to_owned(),
            ..Default::default()
        }),
        want_figures: false,
    }
}

async fn limited() -> Stage {
    let mut limits = limits();
    limits.long_max = Some(bulkhead::domain::amount::Quantity::whole(10));
    Stage::with(vec![bucket("a", Some("desk"), limits)]).await
}

#[tokio::test]
async fn a_basket_is_approved_whole_told_leg_by_leg_and_replayed() {
    let mut stage = limited().await;
    let legs = || vec![leg("1", pb::Side::Buy, "6"), leg("2", pb::Side::Buy, "4")];
    let ask = pb::WhatIfRequest {
        request: Some(pb::what_if_request::Request::Basket(basket("b", legs()))),
        want_figures: true,
    };
    let asked = stage.gateway.what_if(ask).await.unwrap().into_inner();
    let asked = asked.basket.unwrap();
    assert!(asked.what_if && asked.outcome() == pb::Outcome::Approved);
    let figures = &asked.legs[1].decision.as_ref().unwrap().figures;
    assert!(figures.iter().any(|it| it.limit_id == "position_long_max"));
    assert_eq!(stage.live(Default::default()).await.0, [""; 0]);

    let mut told = Vec::new();
    for replayed in [false, true] {
        let answer = stage
            .gateway
            .decide_basket(request(basket("b", legs())))
            .await;
        let decision = answer.unwrap().into_inner().decision.unwrap();
        assert_eq!(
            (decision.outcome(), decision.replayed),
            (pb::Outcome::Approved, replayed)
        );
        assert_eq!(
            (decision.client_id.as_str(), decision.basket_id.as_str()),
            ("c", "b")
        );
        assert_eq!(decision.first_failing_leg, None);
        for (leg, id) in decision.legs.iter().zip(["1", "2"]) {
            let decision = leg.decision.as_ref().unwrap();
            assert!(leg.evaluated);
            assert_eq!(
                (leg.cl_ord_id.as_str(), decision.cl_ord_id.as_str()),
                (id, id)
            );
            assert_eq!(decision.route.as_ref().unwrap().account_id, "a-x");
            told.push((decision.decision_id.clone(), decision.sequence));
        }
    }
    assert_eq!(told[..2], told[2..], "the stored answers");
    assert_eq!(stage.live(Default::default()).await.0, ["1", "2"]);
}

#[tokio::test]
async fn a_basket_that_fails_names_its_leg_and_approves_none() {
    let mut stage = limited().await;
    let legs = ["6", "5", "1"].iter().zip(["1", "2", "3"]);
    let legs = legs.map(|(quantity, id)| leg(id, pb::Side::Buy, quantity));
    let answer = stage
        .gateway
        .decide_basket(request(basket("b", legs.collect())));
    let decision = answer.await.unwrap().into_inner().decision.unwrap();
    assert_eq!(decision.outcome(), pb::Outcome::Rejected);
    assert_eq!(decision.first_failing_leg, Some(1));
    let reasons: Vec<Option<pb::Reason>> = decision
        .legs
        .iter()
        .map(|leg| Some(leg.decision.as_ref()?.breaches[0].reason()))
        .collect();
    let expected = [
        Some(pb::Reason::BasketRejected),
        Some(pb::Reason::PositionLong),
        None,
    ];
    assert_eq!(reasons, expected);
    let evaluated: Vec<bool> = decision.legs.iter().map(|leg| leg.evaluated).collect();
    assert_eq!(evaluated, [true, true, false]);
    assert_eq!(stage.live(Default::default()).await.0, [""; 0]);

    // The first leg may be the one that fails, which is not the same as none.
    let alone = basket("c", vec![leg("4", pb::Side::Buy, "11")]);
    let answer = stage.gateway.decide_basket(request(alone)).await;
    let decision = answer.unwrap().into_inner().decision.unwrap();
    assert_eq!(decision.first_failing_leg, Some(0));

    let mut wrong = basket(
        "d",
        vec![leg("5", pb::Side::Buy, "1"), leg("6", pb::Side::Buy, "x")],
    );
    let refused = stage.gateway.decide_basket(request(wrong.clone())).await;
    assert_eq!(fields(refused), ["basket.legs[1].quantity.value"]);
    wrong.legs = vec![leg("5", pb::Side::Buy, "1"), leg("5", pb::Side::Buy, "1")];
    let refused = stage.gateway.decide_basket(request(wrong.clone())).await;
    assert_eq!(fields(refused), ["basket.legs[1].cl_ord_id"]);
    wrong.legs.clear();
    let refused = stage.gateway.decide_basket(request(wrong.clone())).await;
    assert_eq!(fields(refused), ["basket.legs"]);
    wrong.legs = vec![leg("5", pb::Side::Buy, "1")];
    wrong.legs[0].bucket_id = "nowhere".to_owned();
    let refused = stage.gateway.decide_basket(request(wrong)).await;
    assert_eq!(why(refused), (Code::NotFound, "UNKNOWN_BUCKET".to_owned()));
}

#[tokio::test]
async fn ten_thousand_legs_fit_in_a_request_and_their_answer_in_a_message() {
    let mut stage = Stage::new().await;
    let legs: Vec<pb::Order> = (0..10_000)
        .map(|number| leg(&format!("order-{number:05}"), pb::Side::Buy, "1"))
        .collect();
    let answer = stage
        .gateway
        .decide_basket(request(basket("b", legs)))
        .await;
    let decision = answer.unwrap().into_inner().decision.unwrap();
    assert_eq!(
        (decision.outcome(), decision.legs.len()),
        (pb::Outcome::Approved, 10_000)
    );
    let last = decision.legs[9_999].decision.as_ref().unwrap();
    assert_eq!(last.outcome(), pb::Outcome::Approved);
    assert_eq!(last.cl_ord_id, "order-09999");
    assert_eq!(last.approved_quantity, dec("1"));
    assert!(last.route.is_some() && last.checks.is_none());
}

#[tokio::test]
async fn a_session_decides_baskets_and_quotes_in_the_order_they_come() {
    let mut stage = limited().await;
    let (send, requests) = tokio::sync::mpsc::channel(8);
    let open = pb::SessionOpen {
        client_id: "c".to_owned(),
        ..Default::default()
    };
    let mut wrong = basket("w", vec![leg("9", pb::Side::Buy, "1")]);
    wrong.legs[0].allow_reroute = true;
    let payloads = [
        Payload::Open(open),
        Payload::DecideBasket(request(basket("b", vec![leg("1", pb::Side::Buy, "4")]))),
        Payload::DecideQuote(quote("p", "", [("2", "99", "6"), ("3", "101", "2")])),
        Payload::DecideQuote(quote("q", "p", [("4", "98", "7"), ("5", "102", "1")])),
        Payload::DecideQuote(quote("r", "p", [("6", "98", "5"), ("", "", "")])),
        Payload::DecideBasket(request(wrong)),
    ];
    for (client_seq, payload) in (1..).zip(payloads) {
        let request = pb::SessionRequest {
            client_seq,
            ack_server_seq: 0,
            payload: Some(payload),
        };
        send.send(request).await.unwrap();
    }
    let answers = stage.gateway.session(ReceiverStream::new(requests)).await;
    let mut answers = answers.unwrap().into_inner();
    let mut payload = async || next(&mut answers).await.unwrap().payload.unwrap();
    assert!(matches!(payload().await, Answer::Opened(_)));
    let Answer::DecideBasket(first) = payload().await else {
        panic!("not a basket");
    };
    assert_eq!(first.decision.unwrap().outcome(), pb::Outcome::Approved);
    let mut quoted = async || {
        let Answer::DecideQuote(quote) = payload().await else {
            panic!("not a quote");
        };
        quote.decision.unwrap()
    };
    assert_eq!(quoted().await.outcome(), pb::Outcome::Approved);
    let grown = quoted().await;
    assert_eq!(
        (grown.outcome(), grown.first_failing_leg),
        (pb::Outcome::Rejected, Some(0))
    );
    let halved = quoted().await;
    assert_eq!(halved.outcome(), pb::Outcome::Approved);
    assert_eq!(halved.cancel[0].cl_ord_id, "3");
    let Answer::Error(error) = payload().await else {
        panic!("not an error");
    };
    assert_eq!(error.field, "decide_basket.basket.legs[0].allow_reroute");
    drop(send);
}
