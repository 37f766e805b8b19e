//! OpenPit with its five policies: structure, rate over the whole broker, order size, profit-and-loss kill switch, spot funds.
//!
//! Synchronised for use from any thread (`full_sync`), each order decided and its reservation committed. Every account holds far
//! more of either asset than its orders need, so that all are approved and the whole pipeline runs.

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use openpit::param::{
    AccountId, AdjustmentAmount, Asset, Pnl, PositionSize, Price, Quantity, Side, TradeAmount,
    Volume,
};
use openpit::pretrade::RejectCode;
use openpit::pretrade::policies::{
    OrderSizeBrokerBarrier, OrderSizeLimit, OrderSizeLimitPolicy, OrderSizeLimitSettings,
    OrderValidationPolicy, PnlBoundsBrokerBarrier, PnlBoundsKillSwitchPolicy,
    PnlBoundsKillSwitchSettings, RateLimit, RateLimitBrokerBarrier, RateLimitPolicy,
    RateLimitSettings, SpotFundsPolicy, SpotFundsSettings,
};
use openpit::storage::FullLocking;
use openpit::{
    AccountAdjustmentAmount, AccountAdjustmentBalanceOperation, AccountAdjustmentBounds, Engine,
    FullSync, FullSyncEngine, Instrument, OrderOperation, SpotFundsMarketData,
    SpotFundsPricingSource, WithAccountAdjustmentAmount, WithAccountAdjustmentBalanceOperation,
    WithAccountAdjustmentBounds, WithExecutionReportFillDetails, WithExecutionReportOperation,
    WithFinancialImpact,
};

use crate::support::clock::thread_cpu_of;
use crate::support::orders::{self, Order, REFERENCE_PRICE, SETTLEMENT, UNDERLYING};
use crate::{Contender, Outcome};

type Report = WithExecutionReportOperation<WithExecutionReportFillDetails<WithFinancialImpact<()>>>;
type Adjustment = WithAccountAdjustmentAmount<
    WithAccountAdjustmentBounds<WithAccountAdjustmentBalanceOperation<AccountAdjustmentAmount>>,
>;
type FivePolicies = FullSyncEngine<OrderOperation, Report, Adjustment>;

/// Orders are in the engine's own types before the clock starts.
pub fn prepared(accounts: usize) -> Result<Contender, Box<dyn Error>> {
    let engine = engine(accounts)?;
    let instrument = instrument()?;
    let decide = move |orders: &[Order]| {
        let prepared = orders
            .iter()
            .map(|order| operation(order, instrument.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let (cpu, approved) = thread_cpu_of(|| {
            let mut approved = 0;
            for order in prepared {
                approved += usize::from(approve(&engine, order));
            }
            approved
        });
        Ok(Outcome { cpu, approved })
    };
    Ok(Contender {
        name: "openpit/five policies",
        bar: None,
        decide: Box::new(decide),
    })
}

/// Amounts are parsed from text and the instrument is named on the clock, as a service would have to.
pub fn from_text(accounts: usize) -> Result<Contender, Box<dyn Error>> {
    let engine = engine(accounts)?;
    let decide = move |orders: &[Order]| {
        let (cpu, approved) = thread_cpu_of(|| {
            let mut approved = 0;
            for order in orders {
                approved += usize::from(approve(&engine, operation(order, instrument()?)?));
            }
            Ok::<usize, Box<dyn Error>>(approved)
        });
        Ok(Outcome {
            cpu,
            approved: approved?,
        })
    };
    Ok(Contender {
        name: "openpit/five policies, from text",
        bar: None,
        decide: Box::new(decide),
    })
}

fn approve(engine: &FivePolicies, order: OrderOperation) -> bool {
    match engine.execute_pre_trade(order) {
        Ok(mut reservation) => {
            reservation.commit();
            black_box(reservation);
            true
        }
        Err(rejects) => {
            black_box(rejects);
            false
        }
    }
}

fn instrument() -> Result<Instrument, Box<dyn Error>> {
    Ok(Instrument::new(
        Asset::new(UNDERLYING)?,
        Asset::new(SETTLEMENT)?,
    ))
}

fn account(bucket: usize) -> Result<AccountId, Box<dyn Error>> {
    Ok(AccountId::from_u64(u64::try_from(bucket)? + 1))
}

fn operation(order: &Order, instrument: Instrument) -> Result<OrderOperation, Box<dyn Error>> {
    Ok(OrderOperation {
        instrument,
        account_id: account(order.bucket)?,
        side: match order.side {
            orders::Side::Buy => Side::Buy,
            orders::Side::Sell => Side::Sell,
        },
        trade_amount: TradeAmount::Quantity(Quantity::from_str(&order.quantity)?),
        price: Some(Price::from_str(&order.price)?),
    })
}

fn engine(accounts: usize) -> Result<FivePolicies, Box<dyn Error>> {
    let builder = Engine::builder::<OrderOperation, Report, Adjustment>().full_sync();
    let rate = RateLimitPolicy::new(
        RateLimitSettings::new(
            Some(RateLimitBrokerBarrier {
                limit: RateLimit {
                    max_orders: 1_000_000_000,
                    window: Duration::from_secs(1),
                },
            }),
            [],
            [],
            [],
        )?,
        builder.storage_builder(),
    );
    let size = OrderSizeLimitPolicy::<FullLocking>::new(OrderSizeLimitSettings::new(
        Some(OrderSizeBrokerBarrier {
            limit: OrderSizeLimit {
                max_quantity: Some(Quantity::from_str("1000")?),
                max_notional: Some(Volume::from_str("1000000")?),
            },
        }),
        [],
        [],
    )?);
    let pnl = PnlBoundsKillSwitchPolicy::new(
        PnlBoundsKillSwitchSettings::new(
            [PnlBoundsBrokerBarrier {
                settlement_asset: Asset::new(SETTLEMENT)?,
                lower_bound: Some(Pnl::from_str("-1000000")?),
                upper_bound: None,
            }],
            [],
        )?,
        builder.storage_builder(),
    );
    let funds = SpotFundsPolicy::<FullSync, FullSync>::new(
        SpotFundsSettings::new(0, SpotFundsPricingSource::Mark, [])?,
        None::<SpotFundsMarketData<FullSync>>,
        builder.storage_builder(),
    );
    let engine = builder
        .pre_trade(OrderValidationPolicy::new())
        .pre_trade(rate)
        .pre_trade(size)
        .pre_trade(pnl)
        .pre_trade(funds)
        .build()?;
    for bucket in 0..accounts {
        let holdings = [holding(SETTLEMENT)?, holding(UNDERLYING)?];
        engine
            .apply_account_adjustment(account(bucket)?, &holdings)
            .map_err(|refusal| format!("opening balance refused: {refusal:?}"))?;
    }
    refuses_what_it_should(&engine, accounts)?;
    Ok(engine)
}

/// An approval is worth its time only if the policies are really on: too large an order and one without funds are refused.
fn refuses_what_it_should(engine: &FivePolicies, accounts: usize) -> Result<(), Box<dyn Error>> {
    let refusal = |bucket: usize, quantity: &str| {
        let order = Order {
            bucket,
            cl_ord_id: String::new(),
            side: orders::Side::Buy,
            quantity: quantity.to_owned(),
            price: REFERENCE_PRICE.to_owned(),
        };
        let verdict = engine.execute_pre_trade(operation(&order, instrument()?)?);
        Ok::<Option<RejectCode>, Box<dyn Error>>(match verdict {
            Ok(_) => None,
            Err(rejects) => rejects.iter().next().map(|reject| reject.code),
        })
    };
    let too_large = refusal(0, "1001")?;
    let unfunded = refusal(accounts, "1")?;
    if too_large != Some(RejectCode::OrderQtyExceedsLimit)
        || unfunded != Some(RejectCode::InsufficientFunds)
    {
        return Err(
            format!("policies are off: too large {too_large:?}, unfunded {unfunded:?}").into(),
        );
    }
    Ok(())
}

/// A trillion of an asset.
fn holding(asset: &str) -> Result<Adjustment, Box<dyn Error>> {
    let balance = PositionSize::from_str("1000000000000")?;
    Ok(WithAccountAdjustmentAmount {
        inner: WithAccountAdjustmentBounds {
            inner: WithAccountAdjustmentBalanceOperation {
                inner: AccountAdjustmentAmount::default(),
                operation: AccountAdjustmentBalanceOperation {
                    asset: Asset::new(asset)?,
                    average_entry_price: None,
                },
            },
            bounds: AccountAdjustmentBounds::default(),
        },
        amount: AccountAdjustmentAmount {
            balance: Some(AdjustmentAmount::Absolute(balance)),
            held: None,
            incoming: None,
        },
    })
}
