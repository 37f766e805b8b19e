//! Good requests of feeds and of screens.

use prost::Message as _;

use super::super::{market, monitor};
use super::s;
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

pub fn monitor_kinds() -> Vec<Kind> {
    use get_usage_request::Owner;
    let usage = |owner| good(&GetUsageRequest { owner: Some(owner) }, &[]);
    vec![
        Kind {
            type_name: ".bulkhead.v1.GetBucketStatusRequest",
            read: read!(GetBucketStatusRequest, monitor::get_bucket_status),
            samples: vec![good(
                &GetBucketStatusRequest {
                    bucket_id: s("arb-btc"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.ListBucketStatusRequest",
            read: read!(ListBucketStatusRequest, monitor::list_bucket_status),
            samples: vec![good(
                &ListBucketStatusRequest {
                    group_id: s("desk-1"),
                    in_breach_only: true,
                    page_size: 7,
                    page_token: s("arb-btc"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.ListLiveOrdersRequest",
            read: read!(ListLiveOrdersRequest, monitor::list_live_orders),
            samples: vec![good(
                &ListLiveOrdersRequest {
                    bucket_id: s("arb-btc"),
                    group_id: s("desk-1"),
                    instrument_id: s("BTC-PERP"),
                    venue_id: s("VENUE-A"),
                    client_id: s("oms-1"),
                    cancel_wanted_only: true,
                    page_size: 7,
                    page_token: s("arb-btc/oms-1/a-1"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.GetUsageRequest",
            read: read!(GetUsageRequest, monitor::get_usage),
            samples: vec![
                usage(Owner::BucketId(s("arb-btc"))),
                usage(Owner::GroupId(s("desk-1"))),
                usage(Owner::VenueId(s("VENUE-A"))),
                usage(Owner::CounterpartyId(s("prime"))),
            ],
        },
        Kind {
            type_name: ".bulkhead.v1.WatchRequest",
            read: read!(WatchRequest, monitor::watch),
            samples: vec![good(
                &WatchRequest {
                    bucket_ids: vec![s("arb-btc"), s("arb-2")],
                    group_id: s("desk-1"),
                    client_id: s("oms-1"),
                    kinds: vec![WatchKind::State.into(), WatchKind::Report.into()],
                    outcomes: vec![Outcome::Rejected.into()],
                },
                &[],
            )],
        },
    ]
}
