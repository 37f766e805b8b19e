//! Good requests of every kind, which together fill every field of the contract's requests.

use prost::Message;

use super::super::field::Path;
use super::super::instrument::InstrumentDefaults;
use super::super::monitor;
use super::super::{admin, basket, error::Malformed, order, report, session};
use super::feeds::market_kinds;
use super::{at, dec, lasting, s};
use crate::pb::{self, *};

pub const DEFAULTS: InstrumentDefaults = InstrumentDefaults {
    mark_max_age: 5_000_000_000,
    mark_jump_max: None,
};

/// Reads an encoded request.
pub type Read = fn(&[u8]) -> Result<(), Malformed>;

/// A good request.
pub struct Sample {
    pub bytes: Vec<u8>,
    /// Paths that this request needs though the contract does not say so of the field at all times.
    pub needs: &'static [&'static str],
    /// Paths without which another path is wrong.
    pub blames: &'static [(&'static str, &'static str)],
}

/// Every kind of request: its type, how it is read, and good ones.
pub struct Kind {
    pub type_name: &'static str,
    pub read: Read,
    pub samples: Vec<Sample>,
}

pub fn good(message: &impl Message, needs: &'static [&'static str]) -> Sample {
    Sample {
        bytes: message.encode_to_vec(),
        needs,
        blames: &[],
    }
}

macro_rules! read {
    ($message:ident, $reader:expr) => {
        |bytes| {
            let message = $message::decode(bytes).unwrap();
            let reader = $reader;
            reader(message).map(|_| ())
        }
    };
}
pub(super) use read;

pub fn limit_order() -> Order {
    Order {
        client_id: s("oms-1"),
        cl_ord_id: s("a-1001"),
        bucket_id: s("arb-btc"),
        instrument_id: s("BTC-PERP"),
        venue_id: s("VENUE-A"),
        account_id: s("main"),
        side: Side::SellShort.into(),
        order_type: OrderType::Limit.into(),
        quantity_kind: Some(pb::order::QuantityKind::Quantity(dec("10").unwrap())),
        price: dec("68123.5"),
        stop_price: None,
        time_in_force: TimeInForce::Gtd.into(),
        expire_time: at(1_800_000_000),
        display_quantity: dec("2.5"),
        post_only: true,
        reduce_only: true,
        locate: true,
        allow_reroute: true,
        auto_accept_route: true,
        transact_time: at(1_700_000_000),
    }
}

pub fn cash_order() -> Order {
    Order {
        order_type: OrderType::Stop.into(),
        quantity_kind: Some(pb::order::QuantityKind::CashQuantity(dec("5000").unwrap())),
        price: None,
        stop_price: dec("-1.25"),
        time_in_force: TimeInForce::Day.into(),
        expire_time: None,
        ..limit_order()
    }
}

fn close_order() -> Order {
    Order {
        order_type: OrderType::Pegged.into(),
        quantity_kind: Some(pb::order::QuantityKind::ClosePosition(true)),
        ..limit_order()
    }
}

pub fn one_leg(order: Order) -> Basket {
    let leg = Order {
        allow_reroute: false,
        ..order
    };
    Basket {
        client_id: s("oms-1"),
        basket_id: s("b-1"),
        mode: pb::BasketMode::AllOrNone.into(),
        legs: vec![leg],
        links: Vec::new(),
        package: None,
    }
}

fn quote(bid: bool) -> Quote {
    let side = || {
        Some(QuoteSide {
            cl_ord_id: s("a-1003"),
            price: dec("68000"),
            quantity: dec("3"),
        })
    };
    Quote {
        client_id: s("oms-1"),
        quote_id: s("q-2"),
        bucket_id: s("arb-btc"),
        instrument_id: s("BTC-PERP"),
        venue_id: s("VENUE-A"),
        account_id: s("main"),
        bid: side().filter(|_| bid),
        offer: side().filter(|_| !bid),
        time_in_force: TimeInForce::Gtd.into(),
        expire_time: at(1_800_000_000),
        post_only: true,
        replaces_quote_id: s("q-1"),
    }
}

fn one_basket(order: Order, needs: &'static [&'static str]) -> Sample {
    let request = DecideBasketRequest {
        basket: Some(one_leg(order)),
        want_figures: true,
    };
    good(&request, needs)
}

const BASKET_NEEDS: &[&str] = &["basket.legs[0].price", "basket.legs[0].expire_time"];
const BID_NEEDS: &[&str] = &["quote.bid", "quote.expire_time"];
const OFFER_NEEDS: &[&str] = &["quote.offer", "quote.expire_time"];

pub fn replace() -> Replace {
    Replace {
        client_id: s("oms-1"),
        cl_ord_id: s("a-1002"),
        orig_cl_ord_id: s("a-1001"),
        quantity: dec("12"),
        order_type: OrderType::StopLimit.into(),
        price: dec("68000"),
        stop_price: dec("68001"),
        transact_time: at(1_700_000_000),
    }
}

/// A report of this type with nothing but what it needs.
pub fn report_of(exec_type: ExecType) -> ExecutionReport {
    let is_fill = matches!(exec_type, ExecType::Trade | ExecType::TradeCorrect);
    let amends = matches!(exec_type, ExecType::TradeCancel | ExecType::TradeCorrect);
    let named = |yes: bool, text: &str| if yes { s(text) } else { String::new() };
    ExecutionReport {
        client_id: s("oms-1"),
        cl_ord_id: s("a-1001"),
        venue_id: s("VENUE-A"),
        exec_type: exec_type.into(),
        exec_id: named(is_fill || amends, "e-1"),
        exec_ref_id: named(amends, "e-0"),
        last_quantity: is_fill.then(|| dec("1").unwrap()),
        last_price: is_fill.then(|| dec("-0.5").unwrap()),
        order_quantity: (exec_type == ExecType::Restated).then(|| dec("0").unwrap()),
        cxl_rej_response_to: i32::from(exec_type == ExecType::CancelRejected),
        ..ExecutionReport::default()
    }
}

/// The same with everything else: what it may have, and what FIX repeats in every report.
pub fn full_report(exec_type: ExecType) -> ExecutionReport {
    let own = report_of(exec_type);
    ExecutionReport {
        orig_cl_ord_id: s("a-1000"),
        exec_id: s("e-1"),
        cum_quantity: dec("3"),
        leaves_quantity: dec("4"),
        exec_ref_id: s("e-0"),
        last_quantity: own.last_quantity.clone().or(dec("0")),
        last_price: own.last_price.clone().or(dec("0")),
        order_quantity: own.order_quantity.clone().or(dec("7")),
        fee: dec("-0.01"),
        fee_currency: s("USD"),
        liquidity: Liquidity::Maker.into(),
        price: dec("9"),
        cxl_rej_response_to: 1,
        cxl_rej_reason: Some(1),
        ord_rej_reason: Some(99),
        trade_date: s("20260228"),
        account_id: s("main"),
        bucket_id: s("arb-btc"),
        instrument_id: s("BTC-PERP"),
        side: Side::Sell.into(),
        transact_time: at(-5),
        source: ReportSource::DropCopy.into(),
        poss_dup: true,
        text: s("filled, thanks\n"),
        ..own
    }
}

fn report(report: ExecutionReport, needs: &'static [&'static str]) -> Sample {
    let report = Some(report);
    good(&ReportRequest { report }, needs)
}

fn context() -> Option<ChangeContext> {
    Some(ChangeContext {
        actor: s("anna"),
        reason: s("a new desk"),
    })
}

fn collar() -> Option<PriceCollar> {
    Some(PriceCollar {
        aggressive: dec("0.1"),
        passive: dec("0.5"),
        absolute: dec("3"),
        period: dec("0.2"),
    })
}

fn rate() -> Option<RateLimit> {
    Some(RateLimit {
        orders_max: 100,
        window: lasting(1),
        exit_reserve: Some(10),
    })
}

pub fn limits() -> Limits {
    use concentration_limit::Bound;
    let concentration = |dimension: ScopeKind, value: &str, bound| ConcentrationLimit {
        dimension: dimension.into(),
        value: s(value),
        bound: Some(bound),
    };
    Limits {
        currency: s("USD"),
        capital: dec("1000000"),
        order_quantity_max: dec("10"),
        order_base_quantity_max: dec("11"),
        order_notional_max: dec("1000"),
        order_underlying_notional_max: dec("1001"),
        price_collar: collar(),
        market_slippage: dec("0.05"),
        look_alike: Some(LookAlikeLimit {
            orders_max: 3,
            window: lasting(1),
        }),
        instrument_lists: Some(InstrumentLists {
            allow: vec![s("BTC-PERP"), s("ETH-PERP")],
            deny: vec![s("DOGE-PERP")],
            restricted: vec![s("ACME")],
        }),
        post_only: PostOnlyRule::Require.into(),
        short_sale: ShortSaleRule::Forbid.into(),
        self_match: Some(SelfMatchRule {
            mode: SelfMatchMode::CancelResting.into(),
            scope: Level::Firm.into(),
        }),
        position_long_max: dec("100"),
        position_short_max: dec("101"),
        position_rule: PositionRule::NoPositionCredit.into(),
        spread_counted_share: dec("0.15"),
        instruments: vec![InstrumentLimits {
            instrument_id: s("BTC-PERP"),
            order_quantity_max: dec("1"),
            position_long_max: dec("2"),
            position_short_max: dec("0"),
            price_collar: collar(),
        }],
        gross_notional_max: dec("1000000"),
        net_notional_max: dec("500000"),
        open_orders: Some(OpenOrdersLimit {
            orders_max: 50,
            exit_reserve: Some(5),
        }),
        concentrations: vec![
            concentration(
                ScopeKind::Underlying,
                "BTC",
                Bound::GrossNotionalMax(dec("5").unwrap()),
            ),
            concentration(
                ScopeKind::Sector,
                "",
                Bound::CapitalShareMax(dec("0.25").unwrap()),
            ),
        ],
        traded_notional_max: dec("9000000"),
        order_rate: rate(),
        notional_rate: Some(NotionalRateLimit {
            notional_max: dec("7"),
            window: lasting(60),
            cancels_give_back: true,
        }),
        reservation_ttl: lasting(30),
        mode: LimitMode::Shadow.into(),
        modes: vec![
            ModeOfLimit {
                reason: Reason::PriceCollar.into(),
                mode: LimitMode::Off.into(),
            },
            ModeOfLimit {
                reason: Reason::GrossNotional.into(),
                mode: LimitMode::Enforce.into(),
            },
        ],
    }
}

pub fn bucket() -> BucketSpec {
    BucketSpec {
        bucket_id: s("arb-btc"),
        group_id: s("desk-1"),
        accounts: vec![
            VenueAccount {
                venue_id: s("VENUE-A"),
                account_id: s("main"),
            },
            VenueAccount {
                venue_id: s("VENUE-A"),
                account_id: s("other"),
            },
        ],
        limits: Some(limits()),
        calendar: Some(Calendar {
            time_zone: s("America/New_York"),
            reset_time: s("17:00:00"),
            trading_windows: vec![TradingWindow {
                days: vec![1, 5],
                opens: s("09:30:00"),
                closes: s("16:00:00"),
            }],
        }),
        routes: vec![RouteTarget {
            bucket_id: s("arb-2"),
            venue_id: s("VENUE-B"),
            account_id: s("b"),
        }],
        route_tries_max: 3,
        inbound: vec![InboundCap {
            from_bucket_id: s("arb-3"),
            notional_max: dec("4"),
        }],
        inbound_notional_max: dec("5"),
        dead_man: Some(DeadMan {
            after: lasting(3),
            action: DeadManAction::CancelAll.into(),
            exempt_gtc: Some(false),
        }),
    }
}

pub fn max_quantity() -> MaxQuantityRequest {
    MaxQuantityRequest {
        client_id: s("oms-1"),
        bucket_id: s("arb-btc"),
        instrument_id: s("BTC-PERP"),
        venue_id: s("VENUE-A"),
        account_id: s("main"),
        side: Side::SellShort.into(),
        order_type: OrderType::Limit.into(),
        price: dec("68123.5"),
        stop_price: None,
        time_in_force: TimeInForce::Gtd.into(),
        expire_time: at(1_900_000_000),
        post_only: true,
        reduce_only: true,
        locate: true,
    }
}

pub fn group_limits() -> GroupLimits {
    GroupLimits {
        currency: s("USD"),
        gross_notional_max: dec("1"),
        net_notional_max: dec("2"),
        net_offsets: true,
        order_rate: rate(),
        disclose: true,
        mode: LimitMode::Off.into(),
        modes: vec![ModeOfLimit {
            reason: Reason::NetNotional.into(),
            mode: LimitMode::Shadow.into(),
        }],
        position_long_max: dec("3"),
        position_short_max: dec("4"),
        open_orders: limits().open_orders,
        concentrations: vec![limits().concentrations.swap_remove(0)],
        traded_notional_max: dec("6"),
        notional_rate: limits().notional_rate,
    }
}

pub fn option() -> Instrument {
    Instrument {
        instrument_id: s("BTC-C-100K"),
        r#type: InstrumentType::Option.into(),
        payoff: Payoff::Quanto.into(),
        underlying: s("BTC"),
        base_currency: s("BTC"),
        quote_currency: s("USD"),
        settle_currency: s("USDC"),
        multiplier: dec("1"),
        tick: dec("0.5"),
        lot: dec("0.1"),
        expires_at: at(1_800_000_000),
        strike_price: dec("100000"),
        put_or_call: PutOrCall::Call.into(),
        sector: s("majors"),
        listings: vec![Listing {
            venue_id: s("VENUE-A"),
            symbol: s("BTC 100K/C"),
        }],
        negative_prices_allowed: true,
        mark_max_age: lasting(5),
        price_collar: collar(),
        mark_jump_max: dec("0.2"),
        version: 9,
        underlying_instrument_id: s("BTC-SPOT"),
        source_divergence_max: dec("0.3"),
    }
}

pub fn mark() -> Mark {
    Mark {
        instrument_id: s("BTC-PERP"),
        mark: dec("1"),
        bid: dec("2"),
        ask: dec("3"),
        last: dec("4"),
        index: dec("5"),
        source: s("feed"),
        source_time: at(1_700_000_000),
        confirm_jump: true,
    }
}

pub fn fx() -> Rate {
    Rate {
        base_currency: s("EUR"),
        quote_currency: s("USD"),
        bid: dec("1.1"),
        ask: dec("1.2"),
        source: s("feed"),
        source_time: at(1_700_000_000),
    }
}

fn scopes() -> Vec<control_scope::Scope> {
    use control_scope::Scope::{All, BucketId, ClientId, GroupId, InstrumentId, VenueId};
    vec![
        BucketId(s("b")),
        GroupId(s("g")),
        InstrumentId(s("i")),
        VenueId(s("v")),
        ClientId(s("c")),
        All(true),
    ]
}

fn scope(scope: control_scope::Scope) -> Option<ControlScope> {
    Some(ControlScope { scope: Some(scope) })
}

mod monitoring;
use monitoring::monitor_kinds;

pub fn kinds() -> Vec<Kind> {
    let mut kinds = gateway_kinds();
    kinds.extend(admin_kinds());
    kinds.extend(market_kinds());
    kinds.extend(monitor_kinds());
    kinds
}

fn gateway_kinds() -> Vec<Kind> {
    let decide = |order, needs| {
        let request = DecideRequest {
            order: Some(order),
            want_figures: true,
        };
        good(&request, needs)
    };
    let ask = |request, needs| {
        let request = WhatIfRequest {
            request: Some(request),
            want_figures: true,
        };
        good(&request, needs)
    };
    vec![
        Kind {
            type_name: ".bulkhead.v1.DecideRequest",
            read: read!(DecideRequest, |it| order::decide(&it, Path::ROOT, None)),
            samples: vec![
                decide(limit_order(), &["order.price", "order.expire_time"]),
                decide(cash_order(), &["order.stop_price"]),
                decide(close_order(), &["order.expire_time"]),
            ],
        },
        Kind {
            type_name: ".bulkhead.v1.DecideBasketRequest",
            read: read!(DecideBasketRequest, |it| basket::basket(
                it,
                Path::ROOT,
                None
            )),
            samples: vec![
                one_basket(limit_order(), BASKET_NEEDS),
                one_basket(cash_order(), &["basket.legs[0].stop_price"]),
                one_basket(close_order(), &["basket.legs[0].expire_time"]),
            ],
        },
        Kind {
            type_name: ".bulkhead.v1.DecideQuoteRequest",
            read: read!(DecideQuoteRequest, |it| basket::quote(it, Path::ROOT, None)),
            samples: [(true, BID_NEEDS), (false, OFFER_NEEDS)]
                .map(|(bid, needs)| {
                    let request = DecideQuoteRequest {
                        quote: Some(quote(bid)),
                        want_figures: true,
                    };
                    Sample {
                        blames: &[("quote.offer", "quote.bid")],
                        ..good(&request, needs)
                    }
                })
                .into(),
        },
        Kind {
            type_name: ".bulkhead.v1.ReplaceRequest",
            read: read!(ReplaceRequest, |it| order::replace(it, Path::ROOT, None)),
            samples: vec![good(
                &ReplaceRequest {
                    replace: Some(replace()),
                    want_figures: true,
                },
                &["replace.price", "replace.stop_price"],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.ReportRequest",
            read: read!(ReportRequest, |it| report::report(it, Path::ROOT, None)),
            samples: vec![
                report(full_report(ExecType::New), &[]),
                report(
                    full_report(ExecType::TradeCorrect),
                    &[
                        "report.exec_id",
                        "report.exec_ref_id",
                        "report.last_quantity",
                        "report.last_price",
                    ],
                ),
                report(
                    full_report(ExecType::TradeCancel),
                    &["report.exec_id", "report.exec_ref_id"],
                ),
                report(full_report(ExecType::Rejected), &[]),
                report(
                    full_report(ExecType::CancelRejected),
                    &["report.cxl_rej_response_to"],
                ),
                report(full_report(ExecType::Restated), &[]),
                report(
                    report_of(ExecType::Trade),
                    &[
                        "report.exec_id",
                        "report.last_quantity",
                        "report.last_price",
                    ],
                ),
            ],
        },
        Kind {
            type_name: ".bulkhead.v1.SessionOpen",
            read: read!(SessionOpen, |it| session::open(it, Path::ROOT)),
            samples: vec![good(
                &SessionOpen {
                    client_id: s("oms-1"),
                    resume_token: s("dG9rZW4+/w=="),
                    last_server_seq: 7,
                    heartbeats: true,
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.NotifyRequest",
            read: read!(NotifyRequest, |it| order::notify(it, Path::ROOT, None)),
            samples: vec![good(
                &NotifyRequest {
                    client_id: s("oms-1"),
                    cl_ord_id: s("a-1"),
                    kind: NoticeKind::Sent.into(),
                    transact_time: at(0),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.ReleaseRequest",
            read: read!(ReleaseRequest, |it| order::release(it, Path::ROOT, None)),
            samples: vec![good(
                &ReleaseRequest {
                    client_id: s("oms-1"),
                    cl_ord_id: s("a-1"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.MaxQuantityRequest",
            read: read!(MaxQuantityRequest, order::max_quantity),
            samples: vec![
                good(&max_quantity(), &["price", "expire_time"]),
                good(
                    &MaxQuantityRequest {
                        order_type: OrderType::Stop.into(),
                        price: None,
                        stop_price: dec("100.5"),
                        ..max_quantity()
                    },
                    &["stop_price", "expire_time"],
                ),
            ],
        },
        Kind {
            type_name: ".bulkhead.v1.AcceptRouteRequest",
            read: read!(AcceptRouteRequest, |it| order::accept_route(
                it,
                Path::ROOT,
                None
            )),
            samples: vec![good(
                &AcceptRouteRequest {
                    client_id: s("oms-1"),
                    decision_id: s("18fd1bd7c6d2a000-2a"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.WhatIfRequest",
            read: read!(WhatIfRequest, |it| order::what_if(it, Path::ROOT, None)),
            samples: vec![
                ask(
                    what_if_request::Request::Order(limit_order()),
                    &["order.price", "order.expire_time"],
                ),
                ask(
                    what_if_request::Request::Order(cash_order()),
                    &["order.stop_price"],
                ),
                ask(
                    what_if_request::Request::Order(close_order()),
                    &["order.expire_time"],
                ),
                ask(
                    what_if_request::Request::Replace(replace()),
                    &["replace.price", "replace.stop_price"],
                ),
                ask(
                    what_if_request::Request::Basket(one_leg(limit_order())),
                    BASKET_NEEDS,
                ),
                Sample {
                    blames: &[("quote.offer", "quote.bid")],
                    ..ask(what_if_request::Request::Quote(quote(false)), OFFER_NEEDS)
                },
                Sample {
                    blames: &[("quote.offer", "quote.bid")],
                    ..ask(what_if_request::Request::Quote(quote(true)), BID_NEEDS)
                },
            ],
        },
    ]
}

fn admin_kinds() -> Vec<Kind> {
    let bucket_id = s("arb-btc");
    let halts = scopes().into_iter().map(|it| {
        let request = HaltRequest {
            scope: scope(it),
            state: TradingState::Halted.into(),
            context: context(),
        };
        good(&request, &[])
    });
    let rearms = scopes().into_iter().map(|it| {
        let request = RearmRequest {
            scope: scope(it),
            context: context(),
        };
        good(&request, &[])
    });
    // The other scopes are refused, which `documents` tests.
    let states = scopes().into_iter().take(2).map(|it| {
        let request = SetStateRequest {
            scope: scope(it),
            state: TradingState::ReduceOnly.into(),
            context: context(),
        };
        good(&request, &[])
    });
    let create_group = |level: Level, parent: &str, needs| {
        let request = CreateGroupRequest {
            group_id: s("desk-1"),
            level: level.into(),
            parent_group_id: s(parent),
            limits: Some(group_limits()),
            context: context(),
            calendar: bucket().calendar,
        };
        good(&request, needs)
    };
    vec![
        Kind {
            type_name: ".bulkhead.v1.CreateBucketRequest",
            read: read!(CreateBucketRequest, admin::create_bucket),
            samples: vec![good(
                &CreateBucketRequest {
                    bucket: Some(bucket()),
                    context: context(),
                },
                &["bucket.limits.capital"],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.GetBucketRequest",
            read: read!(GetBucketRequest, admin::get_bucket),
            samples: vec![good(
                &GetBucketRequest {
                    bucket_id: bucket_id.clone(),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.ListBucketsRequest",
            read: read!(ListBucketsRequest, admin::list_buckets),
            samples: vec![good(
                &ListBucketsRequest {
                    group_id: s("desk-1"),
                    page_size: 1_000,
                    page_token: s("arb-btc"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.UpdateLimitsRequest",
            read: read!(UpdateLimitsRequest, admin::update_limits),
            samples: vec![good(
                &UpdateLimitsRequest {
                    bucket_id: bucket_id.clone(),
                    expected_version: 1,
                    limits: Some(limits()),
                    context: context(),
                    owner: s("risk"),
                },
                &["limits.capital"],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.SetStateRequest",
            read: read!(SetStateRequest, admin::set_state),
            samples: states.collect(),
        },
        Kind {
            type_name: ".bulkhead.v1.HaltRequest",
            read: read!(HaltRequest, admin::halt),
            samples: halts.collect(),
        },
        Kind {
            type_name: ".bulkhead.v1.RearmRequest",
            read: read!(RearmRequest, admin::rearm),
            samples: rearms.collect(),
        },
        Kind {
            type_name: ".bulkhead.v1.ResolveOrderRequest",
            read: read!(ResolveOrderRequest, admin::resolve_order),
            samples: vec![good(
                &ResolveOrderRequest {
                    client_id: s("oms-1"),
                    cl_ord_id: s("a-1"),
                    filled_quantity: dec("3"),
                    context: context(),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.DeleteBucketRequest",
            read: read!(DeleteBucketRequest, admin::delete_bucket),
            samples: vec![good(
                &DeleteBucketRequest {
                    bucket_id: bucket_id.clone(),
                    expected_version: 3,
                    context: context(),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.LoadPositionsRequest",
            read: read!(LoadPositionsRequest, admin::load_positions),
            samples: vec![good(
                &LoadPositionsRequest {
                    bucket_id,
                    positions: vec![OpeningPosition {
                        instrument_id: s("BTC-PERP"),
                        venue_id: s("VENUE-A"),
                        account_id: s("main"),
                        quantity: dec("-3"),
                        average_price: dec("5"),
                    }],
                    context: context(),
                },
                &["positions[0].average_price"],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.UpsertInstrumentsRequest",
            read: read!(UpsertInstrumentsRequest, |it| admin::upsert_instruments(
                it, &DEFAULTS
            )),
            samples: vec![Sample {
                // Without the payoff it is linear, and not settled in a third currency.
                blames: &[("instruments[0].payoff", "instruments[0].settle_currency")],
                ..good(
                    &UpsertInstrumentsRequest {
                        instruments: vec![option()],
                        expected_version: 3,
                        context: context(),
                    },
                    &[
                        "instruments[0].settle_currency",
                        "instruments[0].expires_at",
                        "instruments[0].strike_price",
                        "instruments[0].put_or_call",
                    ],
                )
            }],
        },
        Kind {
            type_name: ".bulkhead.v1.GetInstrumentRequest",
            read: read!(GetInstrumentRequest, admin::get_instrument),
            samples: vec![good(
                &GetInstrumentRequest {
                    instrument_id: s("BTC-PERP"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.ListInstrumentsRequest",
            read: read!(ListInstrumentsRequest, admin::list_instruments),
            samples: vec![good(
                &ListInstrumentsRequest {
                    underlying: s("BTC"),
                    venue_id: s("VENUE-A"),
                    page_size: 1,
                    page_token: s("BTC-PERP"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.CreateGroupRequest",
            read: read!(CreateGroupRequest, admin::create_group),
            samples: vec![
                create_group(Level::Desk, "firm", &["parent_group_id"]),
                create_group(Level::Firm, "", &[]),
            ],
        },
        Kind {
            type_name: ".bulkhead.v1.MoveBucketRequest",
            read: read!(MoveBucketRequest, admin::move_bucket),
            samples: vec![good(
                &MoveBucketRequest {
                    bucket_id: s("arb-btc"),
                    group_id: s("desk-2"),
                    expected_version: 3,
                    force: true,
                    context: context(),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.UpdateGroupLimitsRequest",
            read: read!(UpdateGroupLimitsRequest, admin::update_group_limits),
            samples: vec![good(
                &UpdateGroupLimitsRequest {
                    group_id: s("desk-1"),
                    expected_version: 2,
                    limits: Some(group_limits()),
                    context: context(),
                    owner: s("risk"),
                },
                &[],
            )],
        },
        Kind {
            type_name: ".bulkhead.v1.ListGroupsRequest",
            read: read!(ListGroupsRequest, admin::list_groups),
            samples: vec![good(
                &ListGroupsRequest {
                    page_size: 5,
                    page_token: s("desk-1"),
                },
                &[],
            )],
        },
    ]
}
