//! Good requests of monitoring.

use super::*;

pub(super) fn monitor_kinds() -> Vec<Kind> {
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
            type_name: ".bulkhead.v1.GetKillRequest",
            read: read!(GetKillRequest, monitor::get_kill),
            samples: vec![good(
                &GetKillRequest {
                    kill_id: s("18fd1bd7c6d2a000-000000000000002a"),
                    page_size: 7,
                    page_token: s("oms-1/a-1"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.ListKillsRequest",
            read: read!(ListKillsRequest, monitor::list_kills),
            samples: vec![good(
                &ListKillsRequest {
                    unresolved_only: true,
                    page_size: 7,
                    page_token: s("18fd1bd7c6d2a000-000000000000002a"),
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
