//! `max-quantity`: how large an order may be, and what binds above it.

use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::buckets::side_name;
use super::client::{self, Connection, REJECTED, decimal, exact, number};
use super::order::{self, Place, SideArg, TifArg, breach_json, breach_text};
use crate::pb;
use crate::pb::gateway_service_client::GatewayServiceClient;

/// Flags of `max-quantity`.
#[derive(Clone, Debug, clap::Args)]
pub struct MaxQuantityArgs {
    /// Bucket whose capital and limits the order would use
    pub bucket: String,
    /// Instrument
    pub instrument: String,
    /// Limit price, as in `@ 65000`; at the market without one
    #[arg(value_name = "@ PRICE", num_args = 0..=2)]
    pub at: Vec<String>,
    /// Side; both where left out
    #[arg(long, value_enum)]
    pub side: Option<SideArg>,
    /// Venue; the first of the bucket's that lists the instrument where left out
    #[arg(long)]
    pub venue: Option<String>,
    /// Account at the venue
    #[arg(long)]
    pub account: Option<String>,
    /// Time in force
    #[arg(long, value_enum, default_value_t = TifArg::Day)]
    pub tif: TifArg,
    /// Client
    #[arg(long, default_value = "command-line")]
    pub client: String,
    /// Only reduce the position
    #[arg(long)]
    pub reduce_only: bool,
    /// Do not take liquidity
    #[arg(long)]
    pub post_only: bool,
    /// The stock of a short sale is located
    #[arg(long)]
    pub locate: bool,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Asks how large an order may be. Exit code 0 where some quantity passes, 2 where none does.
///
/// # Errors
/// What stands in the way of an answer.
pub fn run(args: &MaxQuantityArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let price = order::price(&args.at)?;
        let channel = args.connection.open().await?;
        let place = Place {
            bucket: &args.bucket,
            instrument: &args.instrument,
            venue: args.venue.as_deref(),
            account: args.account.as_deref(),
        };
        let (venue_id, account_id) = place.find(channel.clone()).await?;
        let order_type = match price {
            Some(_) => pb::OrderType::Limit,
            None => pb::OrderType::Market,
        };
        let request = pb::MaxQuantityRequest {
            client_id: args.client.clone(),
            bucket_id: args.bucket.clone(),
            instrument_id: args.instrument.clone(),
            venue_id,
            account_id,
            side: args.side.map_or(pb::Side::Unspecified, SideArg::of).into(),
            order_type: order_type.into(),
            price: price.as_deref().map(decimal),
            time_in_force: args.tif.of().into(),
            post_only: args.post_only,
            reduce_only: args.reduce_only,
            locate: args.locate,
            ..pb::MaxQuantityRequest::default()
        };
        let mut gateway = GatewayServiceClient::new(channel);
        let answer = gateway.max_quantity(request).await?.into_inner();
        match args.connection.json {
            true => client::print(&to_json(&answer))?,
            false => client::say(&to_text(&answer, &args.instrument))?,
        }
        let zero =
            |of: &pb::SideQuantity| exact(of.quantity.as_ref()) == exact(Some(&decimal("0")));
        Ok(match answer.sides.iter().all(zero) {
            true => ExitCode::from(REJECTED),
            false => ExitCode::SUCCESS,
        })
    })
}

/// `BUY up to 7 BTC-USD`, and below it what binds, and what would next.
fn to_text(answer: &pb::MaxQuantityResponse, instrument: &str) -> String {
    let mut lines = Vec::new();
    for of in &answer.sides {
        let exit = if of.exit { "  (an exit)" } else { "" };
        lines.push(format!(
            "{} up to {} {instrument}{exit}",
            side_name(of.side()),
            number(of.quantity.as_ref())
        ));
        let binding = of.binding.iter();
        lines.extend(binding.map(|breach| format!("  binds: {}", breach_text(breach))));
        for limit in &of.limits {
            let Some(breach) = limit.breach.as_ref() else {
                continue;
            };
            let is_binding =
                |known: &pb::Breach| known.reason == breach.reason && known.level == breach.level;
            if !of.binding.iter().any(is_binding) {
                let quantity = match &limit.quantity {
                    Some(quantity) => format!("above {}", number(Some(quantity))),
                    None => "further up".to_owned(),
                };
                lines.push(format!("  {quantity}: {}", breach_text(breach)));
            }
        }
    }
    lines.join("\n")
}

fn to_json(answer: &pb::MaxQuantityResponse) -> Value {
    let sides = answer.sides.iter().map(|of| {
        json!({
            "side": side_name(of.side()),
            "quantity": exact(of.quantity.as_ref()),
            "exit": of.exit,
            "binding": of.binding.iter().map(breach_json).collect::<Vec<_>>(),
            "limits": of.limits.iter().map(|limit| json!({
                "breach": limit.breach.as_ref().map(breach_json),
                "quantity": exact(limit.quantity.as_ref()),
            })).collect::<Vec<_>>(),
        })
    });
    json!({
        "sides": sides.collect::<Vec<_>>(),
        "versions": answer.versions.as_ref().map(|versions| json!({
            "config": versions.config,
            "reference": versions.reference,
            "market": versions.market,
            "state": versions.state,
        })),
    })
}
