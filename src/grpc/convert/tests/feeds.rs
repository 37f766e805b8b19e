//! Good requests of feeds and of screens.

use prost::Message as _;

use super::super::market;
use super::samples::{Kind, fx, good, mark, read};
use crate::pb::*;

pub fn market_kinds() -> Vec<Kind> {
    vec![
        Kind {
            type_name: ".bulkhead.v1.PushMarksRequest",
            read: read!(PushMarksRequest, market::push_marks),
            samples: vec![
                good(
                    &PushMarksRequest {
                        marks: vec![mark()],
                    },
                    &["marks[0].bid", "marks[0].ask"],
                ),
                good(
                    &PushMarksRequest {
                        marks: vec![Mark {
                            bid: None,
                            ask: None,
                            last: None,
                            ..mark()
                        }],
                    },
                    &["marks[0].mark"],
                ),
            ],
        },
        Kind {
            type_name: ".bulkhead.v1.PushRatesRequest",
            read: read!(PushRatesRequest, market::push_rates),
            samples: vec![good(&PushRatesRequest { rates: vec![fx()] }, &[])],
        },
        Kind {
            type_name: ".bulkhead.v1.StreamMarksRequest",
            read: read!(StreamMarksRequest, |it| {
                let (feed, wrong) = market::feed(it);
                wrong.map_or(Ok(feed), Err)
            }),
            samples: vec![good(
                &StreamMarksRequest {
                    client_seq: 1,
                    marks: vec![mark(), mark()],
                    rates: vec![fx(), fx()],
                },
                &[
                    "marks[0].bid",
                    "marks[0].ask",
                    "marks[1].bid",
                    "marks[1].ask",
                ],
            )],
        },
    ]
}
