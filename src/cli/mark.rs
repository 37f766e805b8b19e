//! `mark`: tells the gateway a price.

use std::io;
use std::process::ExitCode;

use serde_json::json;

use super::client::{self, Connection, Failure, REJECTED, decimal, short};
use crate::clock::Clock;
use crate::pb;
use crate::pb::market_data_service_client::MarketDataServiceClient;

/// Flags of `mark`.
#[derive(Clone, Debug, clap::Args)]
pub struct MarkArgs {
    /// Instrument
    pub instrument: String,
    /// Valuation price, in the instrument's quote currency
    #[arg(allow_negative_numbers = true)]
    pub price: String,
    /// Best bid
    #[arg(long, requires = "ask", allow_negative_numbers = true)]
    pub bid: Option<String>,
    /// Best ask
    #[arg(long, requires = "bid", allow_negative_numbers = true)]
    pub ask: Option<String>,
    /// Last trade
    #[arg(long, allow_negative_numbers = true)]
    pub last: Option<String>,
    /// Who says so
    #[arg(long, default_value = "command-line")]
    pub source: String,
    /// Confirm a price that is further from the one before than the instrument allows
    #[arg(long)]
    pub confirm_jump: bool,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Pushes the mark. Exit code 0 when it is in force and usable, 2 otherwise.
///
/// # Errors
/// What stands in the way of an answer.
pub fn run(args: &MarkArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut market = MarketDataServiceClient::new(args.connection.open().await?);
        let now = Clock::new().now().wall;
        let optional = |price: &Option<String>| price.as_deref().map(decimal);
        let request = pb::PushMarksRequest {
            marks: vec![pb::Mark {
                instrument_id: args.instrument.clone(),
                mark: Some(decimal(&args.price)),
                bid: optional(&args.bid),
                ask: optional(&args.ask),
                last: optional(&args.last),
                source: args.source.clone(),
                source_time: Some(client::timestamp(now)),
                confirm_jump: args.confirm_jump,
                ..pb::Mark::default()
            }],
        };
        let answer = market.push_marks(request).await?.into_inner();
        let status = answer.results().next();
        let status = status
            .ok_or_else(|| Failure::Input("the gateway's answer holds no result".to_owned()))?;
        let name = short(status.as_str_name(), "MARKET_DATA_STATUS_");
        let (instrument, price) = (&args.instrument, &args.price);
        if args.connection.json {
            client::print(&json!({
                "instrument": instrument,
                "price": price,
                "status": name,
                "version": answer.version,
            }))?;
        } else {
            let hint = if status == pb::MarketDataStatus::Jump {
                "; say --confirm-jump if it is right"
            } else if status == pb::MarketDataStatus::Disputed {
                "; another source is too far away, so nothing is valued until they agree"
            } else {
                ""
            };
            let version = answer.version;
            client::say(&format!(
                "{name}  {instrument} {price}  (market version {version}{hint})"
            ))?;
        }
        Ok(match status == pb::MarketDataStatus::Accepted {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(REJECTED),
        })
    })
}
