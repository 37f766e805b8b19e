//! `move-bucket`: hang a bucket under another group.

use std::io;
use std::process::ExitCode;

use serde_json::json;

use super::client::{self, Connection, number, short};
use super::control::{change_json, context};
use crate::pb;
use crate::pb::admin_service_client::AdminServiceClient;

/// Flags of `move-bucket`.
#[derive(Clone, Debug, clap::Args)]
pub struct MoveArgs {
    /// The bucket
    pub bucket: String,
    /// The group it comes to: a desk or a firm
    pub group: String,
    /// Move it even where that breaks a limit of a group above; the answer names them
    #[arg(long)]
    pub force: bool,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who
    #[arg(long)]
    pub actor: Option<String>,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Moves a bucket, whatever version its configuration has.
///
/// # Errors
/// What stands in the way of it.
pub fn run(args: &MoveArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut admin = AdminServiceClient::new(args.connection.open().await?);
        let known = admin
            .get_bucket(pb::GetBucketRequest {
                bucket_id: args.bucket.clone(),
            })
            .await?
            .into_inner();
        let request = pb::MoveBucketRequest {
            bucket_id: args.bucket.clone(),
            group_id: args.group.clone(),
            expected_version: known.bucket.map_or(0, |bucket| bucket.version),
            force: args.force,
            context: context(args.actor.as_ref(), &args.reason),
        };
        let answer = admin.move_bucket(request).await?.into_inner();
        if args.connection.json {
            let breach = |breach: &pb::Breach| {
                json!({
                    "reason": reason(breach),
                    "level": level(breach),
                    "scope": breach.scope_value,
                    "usage": client::exact(breach.after.as_ref()),
                    "limit": client::exact(breach.limit.as_ref()),
                })
            };
            client::print(&json!({
                "bucket": args.bucket,
                "group": args.group,
                "change": change_json(answer.change.as_ref()),
                "breaches": answer.breaches.iter().map(breach).collect::<Vec<_>>(),
            }))?;
        } else {
            client::say(&format!("{} is under {}", args.bucket, args.group))?;
            for breach in &answer.breaches {
                client::say(&format!(
                    "  above its limit: {} {} {}  usage {}  limit {}",
                    level(breach),
                    reason(breach),
                    breach.scope_value,
                    number(breach.after.as_ref()),
                    number(breach.limit.as_ref()),
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn reason(breach: &pb::Breach) -> &'static str {
    short(breach.reason().as_str_name(), "REASON_")
}

fn level(breach: &pb::Breach) -> &'static str {
    short(breach.level().as_str_name(), "LEVEL_")
}
