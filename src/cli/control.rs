//! `halt` and `rearm`: stop trading in a scope, and end the stop.

use std::io;
use std::process::ExitCode;
use std::str::FromStr;

use serde_json::{Value, json};

use super::client::{self, Connection, counted, money, short};
use crate::pb;
use crate::pb::admin_service_client::AdminServiceClient;
use crate::pb::control_scope::Scope;

/// Flags of `halt`.
#[derive(Clone, Debug, clap::Args)]
pub struct HaltArgs {
    /// What to stop: bucket:NAME, group:NAME, instrument:NAME, venue:NAME, client:NAME or all
    pub scope: ScopeArg,
    /// Why
    #[arg(long, default_value = "halted from the command line")]
    pub reason: String,
    /// Who
    #[arg(long)]
    pub actor: Option<String>,
    /// Refuse new orders, but leave the live ones off the cancel list
    #[arg(long)]
    pub cancel_only: bool,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Flags of `rearm`.
#[derive(Clone, Debug, clap::Args)]
pub struct RearmArgs {
    /// What to re-arm: exactly the scope that was halted
    pub scope: ScopeArg,
    /// Why it is safe again
    #[arg(long)]
    pub reason: String,
    /// Who
    #[arg(long)]
    pub actor: Option<String>,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// What a halt applies to, as typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScopeArg {
    /// As typed.
    pub text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Bucket,
    Group,
    Instrument,
    Venue,
    Client,
    All,
}

impl FromStr for ScopeArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ALLOWED: &str =
            "expected bucket:NAME, group:NAME, instrument:NAME, venue:NAME, client:NAME or all";
        let kind = match text.split_once(':') {
            None if text == "all" => Kind::All,
            Some((_, "")) | None => return Err(ALLOWED),
            Some(("bucket", _)) => Kind::Bucket,
            Some(("group", _)) => Kind::Group,
            Some(("instrument", _)) => Kind::Instrument,
            Some(("venue", _)) => Kind::Venue,
            Some(("client", _)) => Kind::Client,
            Some(_) => return Err(ALLOWED),
        };
        Ok(Self {
            text: text.to_owned(),
            kind,
        })
    }
}

impl ScopeArg {
    fn scope(&self) -> pb::ControlScope {
        let name = self.text.split_once(':').map_or("", |(_, name)| name);
        let name = name.to_owned();
        let scope = match self.kind {
            Kind::Bucket => Scope::BucketId(name),
            Kind::Group => Scope::GroupId(name),
            Kind::Instrument => Scope::InstrumentId(name),
            Kind::Venue => Scope::VenueId(name),
            Kind::Client => Scope::ClientId(name),
            Kind::All => Scope::All(true),
        };
        pb::ControlScope { scope: Some(scope) }
    }
}

/// A scope as it is typed.
#[must_use]
pub fn scope_text(scope: Option<&pb::ControlScope>) -> String {
    match scope.and_then(|scope| scope.scope.as_ref()) {
        Some(Scope::BucketId(name)) => format!("bucket:{name}"),
        Some(Scope::GroupId(name)) => format!("group:{name}"),
        Some(Scope::InstrumentId(name)) => format!("instrument:{name}"),
        Some(Scope::VenueId(name)) => format!("venue:{name}"),
        Some(Scope::ClientId(name)) => format!("client:{name}"),
        Some(Scope::All(_)) => "all".to_owned(),
        None => "-".to_owned(),
    }
}

/// Name of a state.
#[must_use]
pub fn state_name(state: pb::TradingState) -> &'static str {
    short(state.as_str_name(), "TRADING_STATE_")
}

/// A state for machines.
#[must_use]
pub fn state_json(state: Option<&pb::StateInfo>) -> Value {
    let Some(state) = state else {
        return Value::Null;
    };
    json!({
        "state": state_name(state.state()),
        "cause": short(state.cause().as_str_name(), "STATE_CAUSE_"),
        "actor": state.actor,
        "reason": state.reason,
        "since": client::time(state.since.as_ref()),
    })
}

/// What became of a change, for machines.
pub(super) fn change_json(change: Option<&pb::ChangeResult>) -> Value {
    let Some(change) = change else {
        return Value::Null;
    };
    json!({
        "status": short(change.status().as_str_name(), "CHANGE_STATUS_"),
        "version": change.version,
        "applied_at": client::time(change.applied_at.as_ref()),
    })
}

/// Who and why.
pub(super) fn context(actor: Option<&String>, reason: &str) -> Option<pb::ChangeContext> {
    Some(pb::ChangeContext {
        actor: client::actor(actor),
        reason: reason.to_owned(),
    })
}

/// Halts a scope.
///
/// # Errors
/// What stands in the way of it.
pub fn halt(args: &HaltArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut admin = AdminServiceClient::new(args.connection.open().await?);
        let state = match args.cancel_only {
            true => pb::TradingState::CancelOnly,
            false => pb::TradingState::Halted,
        };
        let request = pb::HaltRequest {
            scope: Some(args.scope.scope()),
            state: state.into(),
            context: context(args.actor.as_ref(), &args.reason),
        };
        let answer = admin.halt(request).await?.into_inner();
        if args.connection.json {
            client::print(&json!({
                "scope": args.scope.text,
                "change": change_json(answer.change.as_ref()),
                "state": state_json(answer.state.as_ref()),
                "buckets": answer.buckets,
                "live_orders": answer.live_orders,
                "kill": (!answer.kill_id.is_empty()).then_some(&answer.kill_id),
                "buckets_in_breach": answer.buckets_in_breach,
                "open_notional": answer.open_notional.iter().map(|it| client::exact_money(Some(it))).collect::<Vec<_>>(),
                "gross_notional": answer.gross_notional.iter().map(|it| client::exact_money(Some(it))).collect::<Vec<_>>(),
            }))?;
        } else {
            let state = answer.state.as_ref().map_or(state, pb::StateInfo::state);
            let sum = |all: &[pb::Money]| match all {
                [] => "none".to_owned(),
                all => all
                    .iter()
                    .map(|it| money(Some(it)))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            client::say(&format!(
                "{}  {}  ({}, {} in breach)\n  live orders {}  open notional {}  gross notional {}",
                state_name(state),
                args.scope.text,
                counted(answer.buckets, "bucket"),
                answer.buckets_in_breach,
                answer.live_orders,
                sum(&answer.open_notional),
                sum(&answer.gross_notional),
            ))?;
            if !answer.kill_id.is_empty() {
                client::say("  `bulkhead kills` follows them to their end")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Ends the halt of a scope.
///
/// # Errors
/// What stands in the way of it.
pub fn rearm(args: &RearmArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut admin = AdminServiceClient::new(args.connection.open().await?);
        let request = pb::RearmRequest {
            scope: Some(args.scope.scope()),
            context: context(args.actor.as_ref(), &args.reason),
        };
        let answer = admin.rearm(request).await?.into_inner();
        if args.connection.json {
            client::print(&json!({
                "scope": args.scope.text,
                "change": change_json(answer.change.as_ref()),
                "state": state_json(answer.state.as_ref()),
            }))?;
        } else {
            let state = answer.state.unwrap_or_default();
            client::say(&format!(
                "{}  {}  (states of other scopes that cover it stay)",
                state_name(state.state()),
                args.scope.text
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn scopes_are_typed_as_they_are_shown() {
        for text in [
            "bucket:spot",
            "group:harbor",
            "instrument:BTC-USD",
            "venue:ALPHA",
            "client:oms:1",
            "all",
        ] {
            let scope: ScopeArg = text.parse().unwrap();
            assert_eq!(scope_text(Some(&scope.scope())), text);
        }
        for text in ["", "spot", "bucket:", "desk:x", "all:", "ALL"] {
            assert!(text.parse::<ScopeArg>().is_err(), "{text:?}");
        }
    }
}
