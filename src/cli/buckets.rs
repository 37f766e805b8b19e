//! `buckets`, `usage` and `orders`: what is going on, as tables.

use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::client::{
    self, Connection, Failure, bar, counted, exact, exact_money, money, number, short, table,
};
use super::control::{state_json, state_name};
use super::order::route_json;
use crate::pb;
use crate::pb::monitor_service_client::MonitorServiceClient;
use crate::replay::message::reason_name;
use crate::replay::table::grouped;

const PAGE: u32 = 1_000;

/// Flags of `buckets`.
#[derive(Clone, Debug, clap::Args)]
pub struct BucketsArgs {
    /// Only buckets below this group
    #[arg(long)]
    pub group: Option<String>,
    /// Only buckets above one of their limits
    #[arg(long)]
    pub in_breach: bool,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Flags of `usage`.
#[derive(Clone, Debug, clap::Args)]
pub struct UsageArgs {
    /// The bucket, or what the flag says it is
    pub name: String,
    /// It is a group
    #[arg(long)]
    pub group: bool,
    /// It is a venue with limits of its own
    #[arg(long, conflicts_with = "group")]
    pub venue: bool,
    /// It is a counterparty
    #[arg(long, conflicts_with_all = ["group", "venue"])]
    pub counterparty: bool,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Flags of `orders`.
#[derive(Clone, Debug, clap::Args)]
pub struct OrdersArgs {
    /// Only live orders of this bucket
    pub bucket: Option<String>,
    /// Only live orders of this client
    #[arg(long)]
    pub client: Option<String>,
    /// Only those that should be cancelled
    #[arg(long)]
    pub cancel_wanted: bool,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Shows the buckets.
///
/// # Errors
/// What stands in the way of it.
pub fn buckets(args: &BucketsArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut monitor = MonitorServiceClient::new(args.connection.open().await?);
        let mut buckets = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListBucketStatusRequest {
                group_id: args.group.clone().unwrap_or_default(),
                in_breach_only: args.in_breach,
                page_size: PAGE,
                page_token,
            };
            let page = monitor.list_bucket_status(request).await?.into_inner();
            buckets.extend(page.buckets);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let mut rows = Vec::new();
        for bucket in buckets {
            let owner = pb::get_usage_request::Owner::BucketId(bucket.bucket_id.clone());
            let request = pb::GetUsageRequest { owner: Some(owner) };
            let usages = monitor.get_usage(request).await?.into_inner().usages;
            let gross = usages.into_iter().find(|usage| {
                usage.kind() == pb::LimitKind::GrossNotional && usage.level() == pb::Level::Bucket
            });
            rows.push((bucket, gross.and_then(|usage| usage.limit)));
        }
        if args.connection.json {
            let rows = rows
                .iter()
                .map(|(bucket, limit)| bucket_json(bucket, limit.as_ref()));
            client::print(&Value::Array(rows.collect()))?;
        } else {
            client::say(&buckets_table(&rows).to_string())?;
            if let Some(note) = logical_only(&rows) {
                client::say(&note)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn buckets_table(rows: &[(pb::BucketStatus, Option<pb::Decimal>)]) -> comfy_table::Table {
    let header = [
        "bucket",
        "state",
        "gross",
        "limit",
        "used",
        "net",
        "live",
        "approved",
        "rejected",
        "rerouted",
        "in breach",
    ];
    let mut table = table(&header, &[2, 3, 5, 6, 7, 8, 9]);
    let count = |count: u64| grouped(&count.to_string());
    for (bucket, limit) in rows {
        let gross = bucket.gross_notional.as_ref();
        let rerouted = match (bucket.rerouted_out, bucket.rerouted_in) {
            (0, 0) => "0".to_owned(),
            (out, inward) => format!("{} out, {} in", count(out), count(inward)),
        };
        table.add_row([
            bucket.bucket_id.clone(),
            state(bucket).to_owned(),
            money(gross),
            limit
                .as_ref()
                .map_or("none".to_owned(), |it| number(Some(it))),
            bar(gross.and_then(|it| it.amount.as_ref()), limit.as_ref()),
            money(bucket.net_notional.as_ref()),
            count(bucket.live_orders),
            count(bucket.approved),
            count(bucket.rejected),
            rerouted,
            causes(bucket.breach_causes()).join(", "),
        ]);
    }
    table
}

/// Which buckets the venue does not keep apart.
fn logical_only(rows: &[(pb::BucketStatus, Option<pb::Decimal>)]) -> Option<String> {
    let shared = rows.iter().filter(|(bucket, _)| bucket.shared_account);
    let names: Vec<&str> = shared
        .map(|(bucket, _)| bucket.bucket_id.as_str())
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "logical isolation only: {} (a venue account is shared with another bucket, and the venue may liquidate both together)",
            names.join(", ")
        )
    })
}

/// The state in force. The quarantine is always halted; that it is the quarantine says more.
fn state(bucket: &pb::BucketStatus) -> &'static str {
    if bucket.quarantine {
        return "QUARANTINE";
    }
    let state = bucket.effective_state.as_ref();
    state_name(state.map_or(pb::TradingState::Unspecified, pb::StateInfo::state))
}

/// Names of the causes of a breach.
fn causes(causes: impl Iterator<Item = pb::BreachCause>) -> Vec<&'static str> {
    causes
        .map(|cause| short(cause.as_str_name(), "BREACH_CAUSE_"))
        .collect()
}

fn bucket_json(bucket: &pb::BucketStatus, limit: Option<&pb::Decimal>) -> Value {
    let reasons = bucket.rejected_by_reason.iter().map(|it| {
        let count = Value::from(it.count);
        (reason_name(it.reason), count)
    });
    json!({
        "bucket": bucket.bucket_id,
        "group_path": bucket.group_path,
        "effective_state": state_json(bucket.effective_state.as_ref()),
        "own_state": state_json(bucket.own_state.as_ref()),
        "gross_notional": exact_money(bucket.gross_notional.as_ref()),
        "gross_notional_max": exact(limit),
        "net_notional": exact_money(bucket.net_notional.as_ref()),
        "reserved": exact_money(bucket.reserved.as_ref()),
        "traded_notional": exact_money(bucket.traded_notional.as_ref()),
        "live_orders": bucket.live_orders,
        "uncertain_orders": bucket.uncertain_orders,
        "approved": bucket.approved,
        "rejected": bucket.rejected,
        "rejected_by_reason": Value::Object(reasons.collect()),
        "shadow_breaches": bucket.shadow_breaches.iter().map(|it| json!({
            "reason": reason_name(it.reason),
            "level": short(it.level().as_str_name(), "LEVEL_"),
            "count": it.count,
        })).collect::<Vec<_>>(),
        "rerouted_out": bucket.rerouted_out,
        "rerouted_in": bucket.rerouted_in,
        "breach_causes": causes(bucket.breach_causes()),
        "config_version": bucket.config_version,
        "state_version": bucket.state_version,
        "shared_account": bucket.shared_account,
        "quarantine": bucket.quarantine,
    })
}

/// Shows the usage of every limit of a bucket or a group.
///
/// # Errors
/// What stands in the way of it.
pub fn usage(args: &UsageArgs) -> io::Result<ExitCode> {
    use pb::get_usage_request::Owner;
    client::run(args.connection.json, async {
        let mut monitor = MonitorServiceClient::new(args.connection.open().await?);
        let name = args.name.clone();
        let owner = match (args.group, args.venue, args.counterparty) {
            (true, _, _) => Owner::GroupId(name),
            (_, true, _) => Owner::VenueId(name),
            (_, _, true) => Owner::CounterpartyId(name),
            (false, false, false) => Owner::BucketId(name),
        };
        let request = pb::GetUsageRequest { owner: Some(owner) };
        let answer = monitor.get_usage(request).await?.into_inner();
        if args.connection.json {
            let usages = answer.usages.iter().map(usage_json);
            client::print(&json!({
                "name": args.name,
                "usages": usages.collect::<Vec<_>>(),
                "breach_causes": causes(answer.breach_causes()),
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let header = [
            "limit", "usage", "bound", "headroom", "unit", "used", "mode", "",
        ];
        let mut table = table(&header, &[1, 2, 3]);
        for usage in &answer.usages {
            let scope = match usage.scope_value.as_str() {
                "" => String::new(),
                scope => format!(" of {scope}"),
            };
            table.add_row([
                format!("{}{scope}", usage.limit_id),
                number(usage.usage.as_ref()),
                usage
                    .limit
                    .as_ref()
                    .map_or("none".to_owned(), |it| number(Some(it))),
                number(usage.headroom.as_ref()),
                usage.unit.clone(),
                bar(usage.usage.as_ref(), usage.limit.as_ref()),
                mode_name(usage.mode()),
                match (usage.in_breach, usage.shadow_breaches) {
                    (true, _) => "IN BREACH".to_owned(),
                    (false, 0) => String::new(),
                    (false, count) => format!("{} in shadow", grouped(&count.to_string())),
                },
            ]);
        }
        client::say(&table.to_string())?;
        let causes = causes(answer.breach_causes());
        if !causes.is_empty() {
            client::say(&format!("In breach because of {}", causes.join(", ")))?;
        }
        if !args.group {
            // Limits of one order count nothing and are no rows above; what they would have refused is counted all the same.
            let request = pb::GetBucketStatusRequest {
                bucket_id: args.name.clone(),
            };
            let status = monitor.get_bucket_status(request).await?.into_inner();
            let counts = status.bucket.unwrap_or_default().shadow_breaches;
            if !counts.is_empty() {
                client::say(&shadow_text(&counts))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn usage_json(usage: &pb::LimitUsage) -> Value {
    json!({
        "kind": short(usage.kind().as_str_name(), "LIMIT_KIND_"),
        "limit_id": usage.limit_id,
        "level": short(usage.level().as_str_name(), "LEVEL_"),
        "scope": short(usage.scope().as_str_name(), "SCOPE_KIND_"),
        "scope_value": usage.scope_value,
        "unit": usage.unit,
        "limit": exact(usage.limit.as_ref()),
        "usage": exact(usage.usage.as_ref()),
        "headroom": exact(usage.headroom.as_ref()),
        "in_breach": usage.in_breach,
        "mode": mode_name(usage.mode()),
        "shadow_breaches": usage.shadow_breaches,
    })
}

/// `In shadow since the start of the trading day: ORDER_QUANTITY of the bucket 3 times`.
fn shadow_text(counts: &[pb::ShadowCount]) -> String {
    let one = |it: &pb::ShadowCount| {
        let level = short(it.level().as_str_name(), "LEVEL_").to_lowercase();
        let times = counted(it.count, "time");
        format!("{} of the {level} {times}", reason_name(it.reason))
    };
    let parts: Vec<String> = counts.iter().map(one).collect();
    let since = "In shadow since the start of the trading day";
    format!("{since}: {}", parts.join(", "))
}

/// `enforce`, `shadow` or `off`.
fn mode_name(mode: pb::LimitMode) -> String {
    short(mode.as_str_name(), "LIMIT_MODE_").to_lowercase()
}

/// Shows live orders.
///
/// # Errors
/// What stands in the way of it.
pub fn orders(args: &OrdersArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut monitor = MonitorServiceClient::new(args.connection.open().await?);
        let orders = live_orders(args, &mut monitor).await?;
        if args.connection.json {
            let orders = orders.iter().map(order_json);
            client::print(&Value::Array(orders.collect()))?;
            return Ok(ExitCode::SUCCESS);
        }
        if orders.is_empty() {
            client::say("no live orders")?;
            return Ok(ExitCode::SUCCESS);
        }
        let header = [
            "bucket",
            "client",
            "order",
            "state",
            "side",
            "quantity",
            "filled",
            "open",
            "instrument",
            "price",
            "reserved",
            "",
        ];
        let mut table = table(&header, &[5, 6, 7, 9, 10]);
        for order in &orders {
            let route = order.route.clone().unwrap_or_default();
            table.add_row([
                route.bucket_id,
                order.client_id.clone(),
                order.cl_ord_id.clone(),
                order_state(order).to_owned(),
                side_name(order.side()).to_owned(),
                number(order.quantity.as_ref()),
                number(order.cum_quantity.as_ref()),
                number(order.leaves_quantity.as_ref()),
                order.instrument_id.clone(),
                number(order.price.as_ref()),
                money(order.reserved.as_ref()),
                if order.cancel_wanted { "cancel" } else { "" }.to_owned(),
            ]);
        }
        client::say(&table.to_string())?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn live_orders(
    args: &OrdersArgs,
    monitor: &mut MonitorServiceClient<tonic::transport::Channel>,
) -> Result<Vec<pb::OrderView>, Failure> {
    let mut orders = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListLiveOrdersRequest {
            bucket_id: args.bucket.clone().unwrap_or_default(),
            client_id: args.client.clone().unwrap_or_default(),
            cancel_wanted_only: args.cancel_wanted,
            page_size: PAGE,
            page_token,
            ..pb::ListLiveOrdersRequest::default()
        };
        let page = monitor.list_live_orders(request).await?.into_inner();
        orders.extend(page.orders);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(orders);
        }
    }
}

/// Name of an order's state.
#[must_use]
pub fn order_state(order: &pb::OrderView) -> &'static str {
    short(order.state().as_str_name(), "ORDER_STATE_")
}

/// Name of a side.
#[must_use]
pub fn side_name(side: pb::Side) -> &'static str {
    short(side.as_str_name(), "SIDE_")
}

/// An order for machines.
#[must_use]
pub fn order_json(order: &pb::OrderView) -> Value {
    json!({
        "client": order.client_id,
        "cl_ord_id": order.cl_ord_id,
        "original_cl_ord_id": order.original_cl_ord_id,
        "route": order.route.as_ref().map(route_json),
        "instrument": order.instrument_id,
        "side": side_name(order.side()),
        "order_type": short(order.order_type().as_str_name(), "ORDER_TYPE_"),
        "time_in_force": short(order.time_in_force().as_str_name(), "TIME_IN_FORCE_"),
        "state": order_state(order),
        "quantity": exact(order.quantity.as_ref()),
        "cum_quantity": exact(order.cum_quantity.as_ref()),
        "leaves_quantity": exact(order.leaves_quantity.as_ref()),
        "price": exact(order.price.as_ref()),
        "stop_price": exact(order.stop_price.as_ref()),
        "reserved": exact_money(order.reserved.as_ref()),
        "owed_quantity": exact(order.owed_quantity.as_ref()),
        "reduce_only": order.reduce_only,
        "cancel_wanted": order.cancel_wanted,
        "approved_at": client::time(order.approved_at.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_shadow_is_told_limit_by_limit() {
        let count = |reason: pb::Reason, level: pb::Level, count| pb::ShadowCount {
            reason: reason.into(),
            level: level.into(),
            count,
        };
        let counts = [
            count(pb::Reason::OrderQuantity, pb::Level::Bucket, 3),
            count(pb::Reason::GrossNotional, pb::Level::Firm, 1),
        ];
        assert_eq!(
            shadow_text(&counts),
            "In shadow since the start of the trading day: ORDER_QUANTITY of the bucket 3 times, GROSS_NOTIONAL of the firm 1 time"
        );
    }
}
