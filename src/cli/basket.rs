//! `basket`: sends orders that are approved all or none, as a file tells them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{self, Connection, Failure, REJECTED, decimal, short};
use super::order::{breach_json, breach_text, outcome_name, route_json, route_text};
use crate::pb;
use crate::pb::gateway_service_client::GatewayServiceClient;

/// Flags of `basket`.
#[derive(Clone, Debug, clap::Args)]
pub struct BasketArgs {
    /// File with the basket, TOML
    pub file: PathBuf,
    /// Client
    #[arg(long, default_value = "command-line")]
    pub client: String,
    /// Only ask: nothing is reserved, nothing is kept
    #[arg(long)]
    pub what_if: bool,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// A basket as a file tells it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Its id.
    basket: String,
    /// The bucket of all its legs.
    bucket: String,
    legs: Vec<Leg>,
    #[serde(default)]
    one_cancels_other: Vec<Pair>,
    package: Option<Package>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leg {
    id: String,
    side: String,
    quantity: String,
    instrument: String,
    venue: String,
    #[serde(default)]
    account: String,
    limit: Option<String>,
    stop: Option<String>,
    tif: Option<String>,
    #[serde(default)]
    reduce_only: bool,
    #[serde(default)]
    post_only: bool,
    #[serde(default)]
    locate: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    /// Ids of the two legs.
    legs: [String; 2],
    #[serde(default)]
    venue_enforced: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    ratios: Vec<String>,
    #[serde(default)]
    venue_atomic: bool,
}

/// Sends the basket. Exit code 0 when it was approved, 2 when it was rejected.
///
/// # Errors
/// What stands in the way of an answer.
pub fn run(args: &BasketArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let basket = read(&args.file, &args.client)?;
        let mut gateway = GatewayServiceClient::new(args.connection.open().await?);
        let decision = if args.what_if {
            let request = pb::WhatIfRequest {
                request: Some(pb::what_if_request::Request::Basket(basket)),
                want_figures: false,
            };
            gateway.what_if(request).await?.into_inner().basket
        } else {
            let request = pb::DecideBasketRequest {
                basket: Some(basket),
                want_figures: false,
            };
            gateway.decide_basket(request).await?.into_inner().decision
        };
        let decision = decision
            .ok_or_else(|| Failure::Input("the gateway's answer holds no decision".to_owned()))?;
        match args.connection.json {
            true => client::print(&to_json(&decision))?,
            false => client::say(&to_text(&decision))?,
        }
        Ok(match decision.outcome() {
            pb::Outcome::Approved => ExitCode::SUCCESS,
            pb::Outcome::Rejected => ExitCode::from(REJECTED),
            pb::Outcome::Rerouted | pb::Outcome::Unspecified => ExitCode::FAILURE,
        })
    })
}

fn read(path: &Path, client: &str) -> Result<pb::Basket, Failure> {
    let wrong = |error: String| Failure::Input(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let file: File = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    message(file, client).map_err(wrong)
}

fn message(file: File, client: &str) -> Result<pb::Basket, String> {
    let place = |id: &String| {
        let found = file.legs.iter().position(|leg| leg.id == *id);
        let found = found.and_then(|place| u32::try_from(place).ok());
        found.ok_or_else(|| format!("one_cancels_other names {id:?}, which is no leg"))
    };
    let mut links = Vec::new();
    for pair in &file.one_cancels_other {
        let [first, second] = &pair.legs;
        links.push(pb::OrderLink {
            kind: pb::LinkKind::OneCancelsOther.into(),
            first_leg: place(first)?,
            second_leg: place(second)?,
            venue_enforced: pair.venue_enforced,
        });
    }
    let legs = file
        .legs
        .into_iter()
        .map(|leg| order(leg, &file.bucket, client));
    Ok(pb::Basket {
        client_id: client.to_owned(),
        basket_id: file.basket,
        mode: pb::BasketMode::AllOrNone.into(),
        legs: legs.collect::<Result<_, _>>()?,
        links,
        package: file.package.map(|package| pb::Package {
            ratios: package.ratios.iter().map(|ratio| decimal(ratio)).collect(),
            venue_atomic: package.venue_atomic,
        }),
    })
}

fn order(leg: Leg, bucket: &str, client: &str) -> Result<pb::Order, String> {
    let named =
        |prefix: &str, word: &str| format!("{prefix}{}", word.to_uppercase().replace('-', "_"));
    let side = pb::Side::from_str_name(&named("SIDE_", &leg.side));
    let side = side.ok_or_else(|| format!("leg {}: {:?} is no side", leg.id, leg.side))?;
    let tif = leg.tif.as_deref().unwrap_or("day");
    let time_in_force = pb::TimeInForce::from_str_name(&named("TIME_IN_FORCE_", tif))
        .ok_or_else(|| format!("leg {}: {tif:?} is no time in force", leg.id))?;
    let order_type = match (&leg.limit, &leg.stop) {
        (Some(_), Some(_)) => pb::OrderType::StopLimit,
        (Some(_), None) => pb::OrderType::Limit,
        (None, Some(_)) => pb::OrderType::Stop,
        (None, None) => pb::OrderType::Market,
    };
    Ok(pb::Order {
        client_id: client.to_owned(),
        cl_ord_id: leg.id,
        bucket_id: bucket.to_owned(),
        instrument_id: leg.instrument,
        venue_id: leg.venue,
        account_id: leg.account,
        side: side.into(),
        order_type: order_type.into(),
        quantity_kind: Some(pb::order::QuantityKind::Quantity(decimal(&leg.quantity))),
        price: leg.limit.as_deref().map(decimal),
        stop_price: leg.stop.as_deref().map(decimal),
        time_in_force: time_in_force.into(),
        reduce_only: leg.reduce_only,
        post_only: leg.post_only,
        locate: leg.locate,
        ..pb::Order::default()
    })
}

fn to_text(basket: &pb::BasketDecision) -> String {
    let mut notes = vec![format!("basket {}", basket.basket_id)];
    for (told, note) in [
        (basket.what_if, "what if: nothing was reserved"),
        (basket.replayed, "decided before"),
    ] {
        if told {
            notes.push(note.to_owned());
        }
    }
    let outcome = outcome_name(basket.outcome());
    let mut text = format!("{outcome}  ({})", notes.join(", "));
    for breach in &basket.breaches {
        text.push_str(&format!("\n  {}", breach_text(breach)));
    }
    for leg in &basket.legs {
        let Some(decision) = &leg.decision else {
            text.push_str(&format!("\n  {}  not evaluated", leg.cl_ord_id));
            continue;
        };
        let route = decision.route.as_ref().map(route_text).unwrap_or_default();
        let outcome = outcome_name(decision.outcome());
        text.push_str(&format!("\n  {}  {outcome}  {route}", leg.cl_ord_id));
        for breach in &decision.breaches {
            text.push_str(&format!("\n    {}", breach_text(breach)));
        }
    }
    text
}

fn to_json(basket: &pb::BasketDecision) -> Value {
    let leg = |leg: &pb::BasketLeg| {
        let decision = leg.decision.as_ref();
        json!({
            "cl_ord_id": leg.cl_ord_id,
            "evaluated": leg.evaluated,
            "outcome": decision.map(|it| short(it.outcome().as_str_name(), "OUTCOME_")),
            "route": decision.and_then(|it| it.route.as_ref()).map(route_json),
            "breaches": decision.map(|it| it.breaches.iter().map(breach_json).collect::<Vec<_>>()),
        })
    };
    json!({
        "basket_id": basket.basket_id,
        "outcome": outcome_name(basket.outcome()),
        "legs": basket.legs.iter().map(leg).collect::<Vec<_>>(),
        "first_failing_leg": basket.first_failing_leg,
        "breaches": basket.breaches.iter().map(breach_json).collect::<Vec<_>>(),
        "replayed": basket.replayed,
        "what_if": basket.what_if,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_file_is_a_basket() {
        let text = r#"
            basket = "b"
            bucket = "spot"
            legs = [
                { id = "1", side = "sell", quantity = "2", instrument = "BTC-USD", venue = "ALPHA", limit = "70000", tif = "gtc" },
                { id = "2", side = "sell-short", quantity = "2", instrument = "BTC-USD", venue = "ALPHA", stop = "60000", reduce_only = true },
            ]
            one_cancels_other = [{ legs = ["2", "1"], venue_enforced = true }]
        "#;
        let basket = message(toml::from_str(text).unwrap(), "c").unwrap();
        let (first, second) = (basket.legs.first().unwrap(), basket.legs.last().unwrap());
        assert_eq!(first.time_in_force(), pb::TimeInForce::Gtc);
        assert_eq!(
            (first.order_type(), second.order_type()),
            (pb::OrderType::Limit, pb::OrderType::Stop)
        );
        assert_eq!(second.side(), pb::Side::SellShort);
        let link = basket.links.first().unwrap();
        assert_eq!(
            (link.first_leg, link.second_leg, link.venue_enforced),
            (1, 0, true)
        );
        for (wrong, with) in [
            ("\"sell\"", "\"hold\""),
            ("\"gtc\"", "\"soon\""),
            ("[\"2\"", "[\"3\""),
        ] {
            let file: File = toml::from_str(&text.replacen(wrong, with, 1)).unwrap();
            assert!(message(file, "c").is_err(), "{with}");
        }
        assert!(toml::from_str::<File>(&text.replace("basket =", "list =")).is_err());
    }
}
