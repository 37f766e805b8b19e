//! Orders read from their bytes are those that the generated code reads, whatever the bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use prost::encoding::{encode_key, encode_varint};

use super::super::raw::{self, DecideRequest, Payload};
use super::samples::{cash_order, limit_order, replace};
use crate::pb::session_request::Payload as Asked;
use crate::pb::{self, batch_item::Operation};
use crate::pb_codec::{Incoming as _, Received};

/// Orders that a batch may hold here.
const MOST: usize = 5;

/// Whether these bytes were read the short way. What it reads is what the generated code reads.
fn is_read_as_an_order(bytes: &[u8]) -> bool {
    let message = pb::DecideRequest::decode(bytes);
    let Some(request) = raw::decide(bytes) else {
        return false;
    };
    assert_eq!(request, DecideRequest::from(&message.unwrap()));
    true
}

fn is_read_as_a_session_message(bytes: &[u8]) -> bool {
    let message = pb::SessionRequest::decode(bytes);
    let Some(request) = raw::session(bytes, MOST) else {
        return false;
    };
    let message = message.unwrap();
    assert_eq!(
        (request.client_seq, request.ack_server_seq),
        (message.client_seq, message.ack_server_seq)
    );
    match (request.payload, message.payload) {
        (None, None) => {}
        (Some(Payload::Decide(read)), Some(Asked::Decide(asked))) => {
            assert_eq!(read, DecideRequest::from(&asked));
        }
        (Some(Payload::Batch(read)), Some(Asked::Batch(asked))) => {
            let asked: Vec<_> = asked
                .items
                .iter()
                .map(|item| match &item.operation {
                    Some(Operation::Decide(asked)) => DecideRequest::from(asked),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(read, asked);
        }
        other => panic!("{other:?}"),
    }
    true
}

fn decide(order: pb::Order, want_figures: bool) -> pb::DecideRequest {
    pb::DecideRequest {
        order: Some(order),
        want_figures,
    }
}

fn batch(operations: Vec<Operation>) -> Asked {
    let items = operations.into_iter().map(|operation| pb::BatchItem {
        operation: Some(operation),
    });
    Asked::Batch(pb::Batch {
        items: items.collect(),
    })
}

fn session(payload: Option<Asked>) -> Vec<u8> {
    pb::SessionRequest {
        client_seq: 300,
        ack_server_seq: 299,
        payload,
    }
    .encode_to_vec()
}

/// Orders with every field of the contract among them.
fn orders() -> Vec<pb::Order> {
    let full = pb::Order {
        stop_price: super::dec("1.5"),
        expire_time: super::at(1_795_352_400),
        display_quantity: super::dec("1"),
        post_only: true,
        reduce_only: true,
        locate: true,
        allow_reroute: true,
        auto_accept_route: true,
        transact_time: super::at(0),
        account_id: "é".to_owned(),
        ..limit_order()
    };
    let close = pb::Order {
        quantity_kind: Some(pb::order::QuantityKind::ClosePosition(true)),
        ..limit_order()
    };
    vec![
        limit_order(),
        cash_order(),
        full,
        close,
        pb::Order::default(),
    ]
}

/// Good requests: orders, and messages of a session.
fn good() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let requests = || orders().into_iter().map(|order| decide(order, true));
    let all = batch(requests().map(Operation::Decide).collect());
    let messages = requests().map(|request| session(Some(Asked::Decide(request))));
    let messages = messages.chain([session(Some(all)), session(None)]);
    (
        requests().map(|it| it.encode_to_vec()).collect(),
        messages.collect(),
    )
}

#[test]
fn what_order_systems_send_is_read_the_short_way() {
    let (requests, messages) = good();
    for bytes in requests {
        assert!(is_read_as_an_order(&bytes));
    }
    for bytes in messages {
        assert!(is_read_as_a_session_message(&bytes));
    }
}

#[test]
fn what_is_not_plain_is_left_to_the_generated_code() {
    let order = decide(limit_order(), false).encode_to_vec();
    let negative = pb::Order {
        side: -1,
        ..limit_order()
    };
    let cases = [
        ("merged", [order.clone(), order.clone()].concat()),
        ("cut off", order[..order.len() - 1].to_vec()),
        ("unknown field", [order.clone(), vec![0x18, 1]].concat()),
        ("group", [order, vec![0x1b, 0x1c]].concat()),
        ("negative", decide(negative, false).encode_to_vec()),
    ];
    for (name, bytes) in cases {
        assert!(!is_read_as_an_order(&bytes), "{name}");
    }
    let one = || Operation::Decide(decide(limit_order(), false));
    let amend = Operation::Replace(pb::ReplaceRequest {
        replace: Some(replace()),
        want_figures: false,
    });
    let many = (0..=MOST).map(|_| one()).collect();
    for payload in [
        batch(vec![one(), amend]),
        batch(many),
        Asked::Open(pb::SessionOpen::default()),
    ] {
        assert!(!is_read_as_a_session_message(&session(Some(payload))));
    }
}

#[test]
fn a_message_as_it_came_is_broken_as_the_generated_code_says() {
    let broken: &[u8] = &[0x08, 7, 0x10, 3, 0x22, 5, 0x0a];
    let received = Received::receive(&mut &*broken).unwrap();
    assert_eq!(raw::session(received.bytes(), MOST), None);
    let message: pb::SessionRequest = received.message().unwrap();
    assert_eq!((message.client_seq, message.payload), (7, None));
    assert!(received.message::<pb::DecideRequest>().is_err());
}

/// A message of any fields, down to so many levels of messages.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let field = |bytes: BoxedStrategy<Vec<u8>>| {
        let number = prop_oneof![4 => 0_u64..9, 1 => any::<u64>()];
        (
            1_u32..24,
            prop_oneof![number.prop_map(Ok), bytes.prop_map(Err)],
        )
            .prop_map(|(field, value)| {
                use prost::encoding::WireType::{LengthDelimited, Varint};
                let mut to = Vec::new();
                match value {
                    Ok(number) => {
                        encode_key(field, Varint, &mut to);
                        encode_varint(number, &mut to);
                    }
                    Err(bytes) => {
                        encode_key(field, LengthDelimited, &mut to);
                        encode_varint(u64::try_from(bytes.len()).unwrap(), &mut to);
                        to.extend(bytes);
                    }
                }
                to
            })
    };
    let text = prop_oneof![8 => "[a-z0-9.]{0,9}".prop_map(String::into_bytes), 1 => vec(any::<u8>(), 0..4)];
    text.prop_recursive(4, 64, 6, move |inner| {
        vec(field(inner.boxed()), 0..6).prop_map(|fields| fields.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_bytes_are_read_as_the_generated_code_reads_them(bytes in vec(any::<u8>(), 0..48)) {
        is_read_as_an_order(&bytes);
        is_read_as_a_session_message(&bytes);
    }

    #[test]
    fn any_message_is_read_as_the_generated_code_reads_it(message in any_message()) {
        is_read_as_an_order(&message);
        is_read_as_a_session_message(&message);
        // The same as the order of a request, and that as what a session asks.
        let mut request = vec![0x0a];
        encode_varint(u64::try_from(message.len()).unwrap(), &mut request);
        request.extend(message);
        is_read_as_an_order(&request);
        let mut asked = vec![0x22];
        encode_varint(u64::try_from(request.len()).unwrap(), &mut asked);
        asked.extend(request);
        is_read_as_a_session_message(&asked);
    }

    #[test]
    fn damaged_orders_are_read_as_the_generated_code_reads_them(
        picks in any::<[prop::sample::Index; 2]>(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        joined in any::<bool>(),
    ) {
        let (requests, messages) = good();
        let readers: [(_, fn(&[u8]) -> bool); 2] = [
            (requests, is_read_as_an_order),
            (messages, is_read_as_a_session_message),
        ];
        for (samples, read) in readers {
            let mut bytes = picks[0].get(&samples).clone();
            for (at, byte) in &damage {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
            }
            read(&bytes);
            if joined {
                bytes.extend(picks[1].get(&samples));
                read(&bytes);
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            read(&bytes);
        }
    }
}
