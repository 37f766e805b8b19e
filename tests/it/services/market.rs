//! Marks and rates, one by one and by stream.

use bulkhead::pb;
use bulkhead::pb::session_response::Payload as Answer;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use super::{Stage, dec, fields, next};
use crate::server::running::{PATIENCE, connect, settings};

#[tokio::test]
async fn marks_and_rates_are_taken_one_by_one() {
    let mut stage = Stage::new().await;
    let crossed = pb::Mark {
        bid: dec("2"),
        ask: dec("1"),
        ..stage.mark("BTC", "100")
    };
    let marks = vec![stage.mark("XYZ", "1"), crossed, stage.mark("BTC", "101")];
    let answer = stage
        .market
        .push_marks(pb::PushMarksRequest { marks })
        .await;
    let answer = answer.unwrap().into_inner();
    let results: Vec<_> = answer.results().collect();
    use pb::MarketDataStatus::{Accepted, Crossed, NotPositive, UnknownInstrument};
    assert_eq!(results, [UnknownInstrument, Crossed, Accepted]);
    assert_eq!(answer.version, stage.gate.engine.market.version());
    let rates = vec![
        stage.rate("EUR", "USD", "1.1", "1.2"),
        stage.rate("EUR", "USD", "0", "1"),
    ];
    let answer = stage
        .market
        .push_rates(pb::PushRatesRequest { rates })
        .await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(
        answer.results().collect::<Vec<_>>(),
        [Accepted, NotPositive]
    );
    let bad = vec![stage.mark("BTC", "1e3")];
    assert_eq!(
        fields(
            stage
                .market
                .push_marks(pb::PushMarksRequest { marks: bad })
                .await
        ),
        ["marks[0].mark.value"]
    );
}

#[tokio::test]
async fn a_stream_of_marks_outlives_malformed_entries_and_ends_with_the_drain() {
    let mut stage = Stage::new().await;
    let (send, requests) = mpsc::channel(4);
    let stream = stage
        .market
        .stream_marks(ReceiverStream::new(requests))
        .await;
    let mut stream = stream.unwrap().into_inner();
    let mixed = pb::StreamMarksRequest {
        client_seq: 1,
        marks: vec![
            stage.mark("BTC", "102"),
            pb::Mark::default(),
            stage.mark("XYZ", "1"),
        ],
        rates: vec![
            stage.rate("EUR", "USD", "2", "1"),
            pb::Rate::default(),
            stage.rate("EUR", "USD", "1", "2"),
        ],
    };
    send.send(mixed).await.unwrap();
    let answer = next(&mut stream).await.unwrap();
    assert_eq!(answer.client_seq, 1);
    let refused: Vec<_> = answer
        .refused
        .iter()
        .map(|it| (it.index, it.id.as_str(), it.status()))
        .collect();
    use pb::MarketDataStatus::{Crossed, Malformed, UnknownInstrument};
    assert_eq!(
        refused,
        [
            (1, "", Malformed),
            (2, "XYZ", UnknownInstrument),
            (3, "EUR/USD", Crossed),
            (4, "", Malformed),
        ]
    );
    let told = |answer: &pb::StreamMarksResponse| {
        let error = answer.error.clone().unwrap_or_default();
        (error.code, error.reason, error.field)
    };
    let malformed = |field: &str| (3, "MALFORMED".to_owned(), field.to_owned());
    assert_eq!(told(&answer), malformed("marks[1].instrument_id"));
    let empty = pb::StreamMarksRequest {
        client_seq: 2,
        ..Default::default()
    };
    send.send(empty).await.unwrap();
    let answer = next(&mut stream).await.unwrap();
    assert_eq!((answer.client_seq, answer.refused.len()), (2, 0));
    assert_eq!(told(&answer), malformed("marks"));
    let good = pb::StreamMarksRequest {
        client_seq: 3,
        marks: vec![stage.mark("BTC", "103")],
        rates: Vec::new(),
    };
    send.send(good).await.unwrap();
    let answer = next(&mut stream).await.unwrap();
    assert_eq!((answer.client_seq, answer.error), (3, None));
    stage.running.signal();
    assert!(next(&mut stream).await.is_none());
    drop((
        stage.admin,
        stage.gateway,
        stage.market,
        stage.monitor,
        send,
    ));
    assert_eq!(stage.running.ended().await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_stream_of_marks_outlives_bytes_that_are_no_message() {
    use prost::Message as _;
    let stage = Stage::new().await;
    let good = pb::StreamMarksRequest {
        client_seq: 8,
        marks: vec![stage.mark("BTC", "101")],
        rates: Vec::new(),
    };
    // Field 1 = 7, then a mark announcing five bytes of which one comes.
    let broken = vec![0x08, 7, 0x12, 5, 0x0a];
    let channel = connect(stage.running.address).await;
    let path = "/bulkhead.v1.MarketDataService/StreamMarks";
    let messages = vec![broken, good.encode_to_vec()];
    let mut answers = crate::server::raw::stream(channel, path, tokio_stream::iter(messages))
        .await
        .unwrap();
    let mut told = Vec::new();
    while let Some(answer) = next(&mut answers).await {
        let answer = pb::StreamMarksResponse::decode(answer.as_slice()).unwrap();
        told.push((answer.client_seq, answer.error.map(|error| error.reason)));
    }
    assert_eq!(told, [(7, Some("MALFORMED".to_owned())), (8, None)]);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_its_stream_after_the_answers_before_it() {
    use pb::session_request::Payload;
    let mut stage = Stage::new().await;
    let too_long = "x".repeat(settings().max_message_bytes);
    let (send, requests) = mpsc::channel(4);
    let stream = stage.market.stream_marks(ReceiverStream::new(requests));
    let mut stream = stream.await.unwrap().into_inner();
    let mut message = pb::StreamMarksRequest {
        client_seq: 1,
        marks: vec![stage.mark("BTC", "101")],
        rates: Vec::new(),
    };
    send.send(message.clone()).await.unwrap();
    message.marks[0].source = too_long.clone();
    send.send(message).await.unwrap();
    assert_eq!(next(&mut stream).await.unwrap().error, None);
    let ended = timeout(PATIENCE, stream.message()).await.unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::ResourceExhausted);

    let session = |seq: u64, payload| pb::SessionRequest {
        client_seq: seq,
        ack_server_seq: 0,
        payload: Some(payload),
    };
    let open = |resume_token: String| {
        let open = pb::SessionOpen {
            heartbeats: false,
            client_id: "c".to_owned(),
            resume_token,
            last_server_seq: 0,
        };
        session(0, Payload::Open(open))
    };
    let release = |seq, cl_ord_id: String| {
        let release = pb::ReleaseRequest {
            client_id: String::new(),
            cl_ord_id,
        };
        session(seq, Payload::Release(release))
    };
    let (send, requests) = mpsc::channel(4);
    let stream = stage.gateway.session(ReceiverStream::new(requests));
    let mut stream = stream.await.unwrap().into_inner();
    send.send(open(String::new())).await.unwrap();
    send.send(release(1, "o-1".to_owned())).await.unwrap();
    send.send(release(2, too_long)).await.unwrap();
    let Some(Answer::Opened(opened)) = next(&mut stream).await.unwrap().payload else {
        panic!("not open")
    };
    let Some(Answer::Release(_)) = next(&mut stream).await.unwrap().payload else {
        panic!("not released")
    };
    let ended = timeout(PATIENCE, stream.message()).await.unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::ResourceExhausted);

    let (send, requests) = mpsc::channel(4);
    let stream = stage.gateway.session(ReceiverStream::new(requests));
    let mut stream = stream.await.unwrap().into_inner();
    send.send(open(opened.resume_token)).await.unwrap();
    let Some(Answer::Opened(opened)) = next(&mut stream).await.unwrap().payload else {
        panic!("not open")
    };
    assert_eq!((opened.resumed, opened.last_client_seq), (true, 1));
    let again = next(&mut stream).await.unwrap();
    assert_eq!((again.client_seq, again.server_seq), (1, 1));
}
