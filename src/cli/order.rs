//! `order`: sends one order, or asks what would become of it.

use std::io;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::client::{self, Connection, Failure, REJECTED, decimal, exact, number, short};
use crate::clock::Clock;
use crate::pb;
use crate::pb::admin_service_client::AdminServiceClient;
use crate::pb::gateway_service_client::GatewayServiceClient;
use crate::replay::message::reason_name;

/// Flags of `order`.
#[derive(Clone, Debug, clap::Args)]
pub struct OrderArgs {
    /// Bucket whose capital and limits the order uses
    pub bucket: String,
    /// Side
    #[arg(value_enum)]
    pub side: SideArg,
    /// Contracts
    pub quantity: String,
    /// Instrument
    pub instrument: String,
    /// Limit price, as in `@ 65000`
    #[arg(value_name = "@ PRICE", num_args = 0..=2)]
    pub at: Vec<String>,
    /// Limit price, the other way to say it
    #[arg(long, value_name = "PRICE", conflicts_with = "at")]
    pub limit: Option<String>,
    /// Trigger price of stop orders
    #[arg(long, value_name = "PRICE")]
    pub stop: Option<String>,
    /// Venue; the first of the bucket's that lists the instrument where left out
    #[arg(long)]
    pub venue: Option<String>,
    /// Account at the venue
    #[arg(long)]
    pub account: Option<String>,
    /// Type; what the prices say where left out
    #[arg(long = "type", value_enum)]
    pub order_type: Option<TypeArg>,
    /// Time in force
    #[arg(long, value_enum, default_value_t = TifArg::Day)]
    pub tif: TifArg,
    /// Client
    #[arg(long, default_value = "command-line")]
    pub client: String,
    /// The order's id; a new one where left out
    #[arg(long, value_name = "CLORDID")]
    pub id: Option<String>,
    /// Let the order go to another route that the bucket declares, when its own is full
    #[arg(long)]
    pub reroute: bool,
    /// As --reroute, but the route has to be accepted before the order is sent
    #[arg(long, conflicts_with = "reroute")]
    pub ask_route: bool,
    /// Only ask: nothing is reserved, nothing is kept
    #[arg(long)]
    pub what_if: bool,
    /// Show the figures of every limit, also when all pass
    #[arg(long)]
    pub figures: bool,
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

/// Side of an order.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SideArg {
    /// Buy
    Buy,
    /// Sell
    Sell,
    /// Sell short
    SellShort,
    /// Sell short, exempt
    SellShortExempt,
}

/// Type of an order.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TypeArg {
    /// At the market
    Market,
    /// At the limit or better
    Limit,
    /// At the market once the trigger is reached
    Stop,
    /// At the limit once the trigger is reached
    StopLimit,
    /// A stop whose trigger follows the market
    TrailingStop,
    /// At a price that follows the market
    Pegged,
}

/// How long an order lives.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TifArg {
    /// Until the end of the day
    Day,
    /// Until it is cancelled
    Gtc,
    /// Now, what is left is cancelled
    Ioc,
    /// Now and all of it, or nothing
    Fok,
}

impl SideArg {
    /// The side on the wire.
    pub(super) const fn of(self) -> pb::Side {
        match self {
            Self::Buy => pb::Side::Buy,
            Self::Sell => pb::Side::Sell,
            Self::SellShort => pb::Side::SellShort,
            Self::SellShortExempt => pb::Side::SellShortExempt,
        }
    }
}

impl TifArg {
    /// The time in force on the wire.
    pub(super) const fn of(self) -> pb::TimeInForce {
        match self {
            Self::Day => pb::TimeInForce::Day,
            Self::Gtc => pb::TimeInForce::Gtc,
            Self::Ioc => pb::TimeInForce::Ioc,
            Self::Fok => pb::TimeInForce::Fok,
        }
    }
}

/// Sends the order. Exit code 0 when it was approved or rerouted, 2 when it was rejected.
///
/// # Errors
/// What stands in the way of an answer.
pub fn run(args: &OrderArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let limit = match args.at.is_empty() {
            true => args.limit.clone(),
            false => price(&args.at)?,
        };
        let channel = args.connection.open().await?;
        let place = Place {
            bucket: &args.bucket,
            instrument: &args.instrument,
            venue: args.venue.as_deref(),
            account: args.account.as_deref(),
        };
        let (venue, account) = place.find(channel.clone()).await?;
        let order = order(args, limit, venue, account);
        let decision = ask(args, order, channel).await?;
        match args.connection.json {
            true => client::print(&to_json(&decision))?,
            false => client::say(&to_text(&decision, &args.bucket))?,
        }
        Ok(match decision.outcome() {
            pb::Outcome::Approved | pb::Outcome::Rerouted => ExitCode::SUCCESS,
            pb::Outcome::Rejected => ExitCode::from(REJECTED),
            pb::Outcome::Unspecified => ExitCode::FAILURE,
        })
    })
}

/// The price behind the `@`; none without one.
pub(super) fn price(at: &[String]) -> Result<Option<String>, Failure> {
    let parts: Vec<&str> = at.iter().map(String::as_str).collect();
    let price = match parts.as_slice() {
        [] => return Ok(None),
        ["@", price] => price,
        [glued] => glued.strip_prefix('@').unwrap_or_default(),
        _ => "",
    };
    if price.is_empty() || price.starts_with('@') {
        return Err(Failure::Input(format!(
            "{:?} is not a price; one looks like `@ 65000`",
            parts.join(" ")
        )));
    }
    Ok(Some(price.to_owned()))
}

/// Where an order is to go, as far as it is said.
pub(super) struct Place<'a> {
    pub(super) bucket: &'a str,
    pub(super) instrument: &'a str,
    pub(super) venue: Option<&'a str>,
    pub(super) account: Option<&'a str>,
}

impl Place<'_> {
    /// The venue and the account that are asked for, or the bucket's first at a venue that lists the instrument.
    pub(super) async fn find(&self, channel: Channel) -> Result<(String, String), Failure> {
        let account = self.account.unwrap_or_default();
        if let Some(venue) = self.venue {
            return Ok((venue.to_owned(), account.to_owned()));
        }
        let mut admin = AdminServiceClient::new(channel);
        let request = pb::GetBucketRequest {
            bucket_id: self.bucket.to_owned(),
        };
        let bucket = admin.get_bucket(request).await?.into_inner().bucket;
        let accounts = bucket.and_then(|bucket| bucket.spec).unwrap_or_default();
        let mut accounts = accounts.accounts;
        accounts.retain(|it| account.is_empty() || it.account_id == account);
        let request = pb::GetInstrumentRequest {
            instrument_id: self.instrument.to_owned(),
        };
        // An unknown instrument is for the gateway to reject.
        let listings = match admin.get_instrument(request).await {
            Ok(answer) => answer.into_inner().instrument.unwrap_or_default().listings,
            Err(_) => Vec::new(),
        };
        let lists = |venue: &str| listings.iter().any(|listing| listing.venue_id == venue);
        let chosen = accounts
            .iter()
            .find(|it| lists(&it.venue_id))
            .or(accounts.first());
        match chosen {
            Some(it) => Ok((it.venue_id.clone(), it.account_id.clone())),
            None => Err(Failure::Input(format!(
                "bucket {} has no account {account}; say where to send the order with --venue and --account",
                self.bucket
            ))),
        }
    }
}

fn order(args: &OrderArgs, limit: Option<String>, venue: String, account: String) -> pb::Order {
    let order_type = match args.order_type {
        Some(TypeArg::Market) => pb::OrderType::Market,
        Some(TypeArg::Limit) => pb::OrderType::Limit,
        Some(TypeArg::Stop) => pb::OrderType::Stop,
        Some(TypeArg::StopLimit) => pb::OrderType::StopLimit,
        Some(TypeArg::TrailingStop) => pb::OrderType::TrailingStop,
        Some(TypeArg::Pegged) => pb::OrderType::Pegged,
        None => match (&limit, &args.stop) {
            (Some(_), Some(_)) => pb::OrderType::StopLimit,
            (Some(_), None) => pb::OrderType::Limit,
            (None, Some(_)) => pb::OrderType::Stop,
            (None, None) => pb::OrderType::Market,
        },
    };
    let new_id = || format!("cli-{}", Clock::new().now().wall);
    pb::Order {
        client_id: args.client.clone(),
        cl_ord_id: args.id.clone().unwrap_or_else(new_id),
        bucket_id: args.bucket.clone(),
        instrument_id: args.instrument.clone(),
        venue_id: venue,
        account_id: account,
        side: args.side.of().into(),
        order_type: order_type.into(),
        quantity_kind: Some(pb::order::QuantityKind::Quantity(decimal(&args.quantity))),
        price: limit.as_deref().map(decimal),
        stop_price: args.stop.as_deref().map(decimal),
        time_in_force: args.tif.of().into(),
        allow_reroute: args.reroute || args.ask_route,
        auto_accept_route: args.reroute,
        reduce_only: args.reduce_only,
        post_only: args.post_only,
        locate: args.locate,
        ..pb::Order::default()
    }
}

async fn ask(
    args: &OrderArgs,
    order: pb::Order,
    channel: Channel,
) -> Result<pb::Decision, Failure> {
    let mut gateway = GatewayServiceClient::new(channel);
    let want_figures = args.figures;
    let decision = if args.what_if {
        let request = pb::WhatIfRequest {
            request: Some(pb::what_if_request::Request::Order(order)),
            want_figures,
        };
        gateway.what_if(request).await?.into_inner().decision
    } else {
        let request = pb::DecideRequest {
            order: Some(order),
            want_figures,
        };
        gateway.decide(request).await?.into_inner().decision
    };
    decision.ok_or_else(|| Failure::Input("the gateway's answer holds no decision".to_owned()))
}

/// Name of an outcome.
#[must_use]
pub fn outcome_name(outcome: pb::Outcome) -> &'static str {
    short(outcome.as_str_name(), "OUTCOME_")
}

/// `spot via ALPHA/spot-a`.
#[must_use]
pub fn route_text(route: &pb::Route) -> String {
    let pb::Route {
        bucket_id,
        venue_id,
        account_id,
    } = route;
    format!("{bucket_id} via {venue_id}/{account_id}")
}

fn to_text(decision: &pb::Decision, bucket: &str) -> String {
    let outcome = outcome_name(decision.outcome());
    let place = match (&decision.route, decision.outcome()) {
        (Some(route), pb::Outcome::Rerouted) => format!("{bucket} → {}", route_text(route)),
        (Some(route), _) => route_text(route),
        (None, _) => bucket.to_owned(),
    };
    let mut notes = Vec::new();
    if !decision.decision_id.is_empty() {
        notes.push(format!("decision {}", decision.decision_id));
    }
    if !decision.what_if {
        notes.push(format!("order {}", decision.cl_ord_id));
    }
    for (told, note) in [
        (decision.what_if, "what if: nothing was reserved"),
        (decision.exit, "an exit"),
        (decision.replayed, "decided before"),
        (decision.order_ended, "the order has ended: do not send it"),
        (decision.closing_restricted, "only closes"),
        (
            decision.acceptance_required,
            "not to be sent before `bulkhead accept`",
        ),
    ] {
        if told {
            notes.push(note.to_owned());
        }
    }
    let mut text = format!("{outcome}  {place}  ({})", notes.join(", "));
    for breach in decision.breaches.iter().chain(&decision.because) {
        text.push_str("\n  ");
        text.push_str(&breach_text(breach));
    }
    for breach in &decision.shadow_breaches {
        text.push_str("\n  in shadow: ");
        text.push_str(&breach_text(breach));
    }
    if !decision.figures.is_empty() {
        text.push('\n');
        text.push_str(&figures(&decision.figures).to_string());
    }
    for order in &decision.cancel_first {
        text.push_str(&format!(
            "\n  cancel first: {} of {}",
            order.cl_ord_id, order.client_id
        ));
    }
    text
}

/// `GROSS_NOTIONAL  limit 5,000,000 USD  before …  after …  headroom …  (bucket gross_notional_max)`.
#[must_use]
pub fn breach_text(breach: &pb::Breach) -> String {
    let reason = reason_name(breach.reason);
    let owner = owner(breach.level(), &breach.scope_value, &breach.limit_id);
    if breach.limit.is_none() {
        return format!("{reason}  {}  ({owner})", breach.text);
    }
    let unit = match breach.unit.as_str() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    format!(
        "{reason}  limit {}{unit}  before {}  after {}  headroom {}  ({owner})",
        number(breach.limit.as_ref()),
        number(breach.before.as_ref()),
        number(breach.after.as_ref()),
        number(breach.headroom.as_ref()),
    )
}

/// `bucket gross_notional_max`, `bucket position_long_max of ACME`.
fn owner(level: pb::Level, scope: &str, limit: &str) -> String {
    let mut text = short(level.as_str_name(), "LEVEL_").to_lowercase();
    if !limit.is_empty() {
        text.push(' ');
        text.push_str(limit);
    }
    if !scope.is_empty() {
        text.push_str(" of ");
        text.push_str(scope);
    }
    text
}

fn figures(figures: &[pb::Figure]) -> comfy_table::Table {
    let header = [
        "limit", "bound", "before", "after", "headroom", "unit", "after",
    ];
    let mut table = client::table(&header, &[1, 2, 3, 4]);
    for figure in figures {
        let limit = match figure.limit_id.as_str() {
            "" => reason_name(figure.reason).to_lowercase(),
            limit => limit.to_owned(),
        };
        table.add_row([
            owner(figure.level(), &figure.scope_value, &limit),
            number(figure.limit.as_ref()),
            number(figure.before.as_ref()),
            number(figure.after.as_ref()),
            number(figure.headroom.as_ref()),
            figure.unit.clone(),
            client::bar(figure.after.as_ref(), figure.limit.as_ref()),
        ]);
    }
    table
}

/// A route for machines.
#[must_use]
pub fn route_json(route: &pb::Route) -> Value {
    json!({ "bucket": route.bucket_id, "venue": route.venue_id, "account": route.account_id })
}

/// A broken limit for machines.
#[must_use]
pub fn breach_json(breach: &pb::Breach) -> Value {
    json!({
        "reason": reason_name(breach.reason),
        "code": breach.reason,
        "level": short(breach.level().as_str_name(), "LEVEL_"),
        "scope": short(breach.scope().as_str_name(), "SCOPE_KIND_"),
        "scope_value": breach.scope_value,
        "limit_id": breach.limit_id,
        "unit": breach.unit,
        "limit": exact(breach.limit.as_ref()),
        "before": exact(breach.before.as_ref()),
        "after": exact(breach.after.as_ref()),
        "headroom": exact(breach.headroom.as_ref()),
        "text": breach.text,
    })
}

fn figure_json(figure: &pb::Figure) -> Value {
    json!({
        "reason": reason_name(figure.reason),
        "level": short(figure.level().as_str_name(), "LEVEL_"),
        "scope": short(figure.scope().as_str_name(), "SCOPE_KIND_"),
        "scope_value": figure.scope_value,
        "limit_id": figure.limit_id,
        "unit": figure.unit,
        "limit": exact(figure.limit.as_ref()),
        "before": exact(figure.before.as_ref()),
        "after": exact(figure.after.as_ref()),
        "headroom": exact(figure.headroom.as_ref()),
    })
}

/// A decision for machines.
#[must_use]
pub fn to_json(decision: &pb::Decision) -> Value {
    json!({
        "outcome": outcome_name(decision.outcome()),
        "decision_id": decision.decision_id,
        "sequence": decision.sequence,
        "client": decision.client_id,
        "cl_ord_id": decision.cl_ord_id,
        "orig_cl_ord_id": decision.orig_cl_ord_id,
        "route": decision.route.as_ref().map(route_json),
        "approved_quantity": exact(decision.approved_quantity.as_ref()),
        "order_state": short(decision.order_state().as_str_name(), "ORDER_STATE_"),
        "breaches": decision.breaches.iter().map(breach_json).collect::<Vec<_>>(),
        "because": decision.because.iter().map(breach_json).collect::<Vec<_>>(),
        "shadow_breaches": decision.shadow_breaches.iter().map(breach_json).collect::<Vec<_>>(),
        "figures": decision.figures.iter().map(figure_json).collect::<Vec<_>>(),
        "replayed": decision.replayed,
        "order_ended": decision.order_ended,
        "exit": decision.exit,
        "closing_restricted": decision.closing_restricted,
        "what_if": decision.what_if,
        "cancel_first": decision.cancel_first.iter().map(|order| {
            json!({ "client": order.client_id, "cl_ord_id": order.cl_ord_id })
        }).collect::<Vec<_>>(),
        "versions": decision.versions.as_ref().map(|versions| json!({
            "config": versions.config,
            "reference": versions.reference,
            "market": versions.market,
            "state": versions.state,
        })),
        "mark": decision.mark.as_ref().map(|mark| exact(mark.price.as_ref())),
        "decided_at": client::time(decision.decided_at.as_ref()),
        "engine_nanos": decision.engine_nanos,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn breach() -> pb::Breach {
        pb::Breach {
            reason: pb::Reason::GrossNotional.into(),
            level: pb::Level::Bucket.into(),
            limit_id: "gross_notional_max".to_owned(),
            unit: "USD".to_owned(),
            limit: Some(decimal("5000000")),
            before: Some(decimal("4000000.5")),
            after: Some(decimal("6000000")),
            headroom: Some(decimal("999999.5")),
            ..pb::Breach::default()
        }
    }

    #[test]
    fn a_reject_has_a_line_for_each_broken_limit() {
        let halted = pb::Breach {
            reason: pb::Reason::StateHalted.into(),
            level: pb::Level::Firm.into(),
            text: "a halt covers the order".to_owned(),
            ..pb::Breach::default()
        };
        let decision = pb::Decision {
            decision_id: "1-2".to_owned(),
            cl_ord_id: "a".to_owned(),
            outcome: pb::Outcome::Rejected.into(),
            breaches: vec![breach(), halted],
            ..pb::Decision::default()
        };
        assert_eq!(
            to_text(&decision, "spot"),
            "REJECTED  spot  (decision 1-2, order a)\n  \
             GROSS_NOTIONAL  limit 5,000,000 USD  before 4,000,000.5  after 6,000,000  headroom 999,999.5  (bucket gross_notional_max)\n  \
             STATE_HALTED  a halt covers the order  (firm)"
        );
    }

    #[test]
    fn a_reroute_says_from_where_to_where_and_why() {
        let decision = pb::Decision {
            outcome: pb::Outcome::Rerouted.into(),
            what_if: true,
            route: Some(pb::Route {
                bucket_id: "options".to_owned(),
                venue_id: "ALPHA".to_owned(),
                account_id: "options-a".to_owned(),
            }),
            because: vec![breach()],
            ..pb::Decision::default()
        };
        let text = to_text(&decision, "perp");
        let expected = "REROUTED  perp → options via ALPHA/options-a  (what if: nothing was reserved)\n  GROSS_NOTIONAL  limit";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn a_price_may_be_glued_to_its_sign() {
        use clap::Parser as _;
        let price_of = |args: &OrderArgs| match args.at.is_empty() {
            true => Ok(args.limit.clone()),
            false => super::price(&args.at),
        };
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: OrderArgs,
        }
        let price = |words: &[&str]| {
            let line = ["order", "spot", "buy", "1", "BTC-USD"].iter().chain(words);
            price_of(&Line::try_parse_from(line).unwrap().args)
        };
        assert_eq!(price(&[]).unwrap(), None);
        for words in [&["@", "65000"][..], &["@65000"], &["--limit", "65000"]] {
            assert_eq!(price(words).unwrap().as_deref(), Some("65000"), "{words:?}");
        }
        for words in [&["65000"][..], &["@"], &["at", "65000"], &["@", "@"]] {
            assert!(price(words).is_err(), "{words:?}");
        }
    }
}
