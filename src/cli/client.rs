//! What the client commands share: the connection, failures in words, and how figures are shown.

use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::pb;
use crate::replay::table::grouped;

/// How long a gateway may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Exit code of a request that the gateway rejected.
pub const REJECTED: u8 = 2;

/// Flags of every client command.
#[derive(Clone, Debug, clap::Args)]
pub struct Connection {
    /// Where the gateway listens
    #[arg(
        long,
        env = "BULKHEAD_ADDRESS",
        value_name = "URL",
        default_value = "http://127.0.0.1:50051"
    )]
    pub address: String,
    /// Print JSON for machines
    #[arg(long)]
    pub json: bool,
}

impl Connection {
    /// A connection to the gateway.
    ///
    /// # Errors
    /// Where there is none, in words that say what to do.
    pub async fn open(&self) -> Result<Channel, Failure> {
        connect(&self.address).await
    }
}

/// Connects to a gateway.
///
/// # Errors
/// Where there is none, in words that say what to do.
pub async fn connect(address: &str) -> Result<Channel, Failure> {
    let url = match address.contains("://") {
        true => address.to_owned(),
        false => format!("http://{address}"),
    };
    let endpoint = Endpoint::try_from(url).map_err(|_| {
        Failure::Input(format!(
            "{address:?} is not the address of a gateway; one looks like http://127.0.0.1:50051"
        ))
    })?;
    let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).tcp_nodelay(true);
    endpoint.connect().await.map_err(|error| {
        let mut why: &dyn core::error::Error = &error;
        while let Some(cause) = why.source() {
            why = cause;
        }
        Failure::Unreachable {
            address: address.to_owned(),
            why: why.to_string(),
        }
    })
}

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody answers.
    #[error(
        "no gateway answers at {address} ({why})\nstart one with `bulkhead serve`, or say where it is with --address or BULKHEAD_ADDRESS"
    )]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What the system says.
        why: String,
    },
    /// The gateway answered with a status.
    #[error("{}", told(.0))]
    Status(Box<Status>),
    /// What the user gave cannot be used, or what came of it is told already.
    #[error("{0}")]
    Input(String),
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

/// A status in words, every field that is wrong on a line of its own.
fn told(status: &Status) -> String {
    let fields = violations(status);
    if fields.is_empty() {
        let message = status.message();
        let limits = limits(status);
        if !limits.is_empty() {
            let mut text = message.to_owned();
            for (reason, whose, figures) in limits {
                text.push_str(&format!("\n  {reason} of {whose}: {figures}"));
            }
            return text;
        }
        // What the status is about, such as the bucket that is not there.
        let named = status.get_details_resource_info();
        let named = named.map(|resource| resource.resource_name);
        return match named.filter(|name| !name.is_empty()) {
            _ if status.code() == Code::Unavailable => {
                format!("the gateway is not available: {message}")
            }
            Some(name) => format!("{message}: {name}"),
            None => message.to_owned(),
        };
    }
    let mut text = "the gateway does not take this:".to_owned();
    for (field, why) in fields {
        text.push_str(&format!("\n  {field}: {why}"));
    }
    text
}

/// Limits that stand in the way of a change: reason, whose, and the figures.
fn limits(status: &Status) -> Vec<(String, String, String)> {
    let details = status.get_details_precondition_failure();
    let limits = details.map(|details| details.violations);
    let limits = limits.unwrap_or_default().into_iter();
    let reason = |text: &str| text.trim_start_matches("REASON_").to_owned();
    limits
        .map(|it| (reason(&it.r#type), it.subject, it.description))
        .collect()
}

fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_details_bad_request();
    let fields = details.map(|details| details.field_violations);
    let fields = fields.unwrap_or_default().into_iter();
    fields.map(|it| (it.field, it.description)).collect()
}

impl Failure {
    fn json(&self) -> Value {
        let (code, fields) = match self {
            Self::Unreachable { .. } => ("UNREACHABLE", Vec::new()),
            Self::Status(status) => {
                let limits = limits(status).into_iter();
                let limits =
                    limits.map(|(reason, whose, figures)| (whose, format!("{reason}: {figures}")));
                let fields = violations(status).into_iter().chain(limits);
                (code_name(status.code()), fields.collect())
            }
            Self::Input(_) => ("INPUT", Vec::new()),
            Self::Output(_) => ("OUTPUT", Vec::new()),
        };
        let fields: Vec<Value> = fields
            .into_iter()
            .map(|(field, description)| json!({ "field": field, "description": description }))
            .collect();
        json!({ "error": { "code": code, "message": self.to_string(), "fields": fields } })
    }
}

const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Does the work of a client command. A failure is printed: as JSON to standard output where that is asked for.
///
/// # Errors
/// When the output cannot be written, or the failure is for people.
pub fn run(
    json: bool,
    work: impl Future<Output = Result<ExitCode, Failure>>,
) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match runtime.block_on(work) {
        Ok(code) => Ok(code),
        Err(Failure::Output(error)) => Err(error),
        Err(failure) if json => {
            print(&failure.json())?;
            Ok(ExitCode::FAILURE)
        }
        Err(failure) => Err(io::Error::other(failure)),
    }
}

/// Prints a JSON document.
///
/// # Errors
/// When the output cannot be written.
pub fn print(value: &Value) -> io::Result<()> {
    use std::io::Write as _;
    writeln!(io::stdout().lock(), "{value:#}")
}

/// Prints text for people.
///
/// # Errors
/// When the output cannot be written.
pub fn say(text: &str) -> io::Result<()> {
    use std::io::Write as _;
    writeln!(io::stdout().lock(), "{text}")
}

/// A decimal number of the user.
#[must_use]
pub fn decimal(text: &str) -> pb::Decimal {
    pb::Decimal {
        value: text.to_owned(),
    }
}

/// A number for people, its thousands parted; `-` where there is none.
#[must_use]
pub fn number(value: Option<&pb::Decimal>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| grouped(&value.value))
}

/// An amount for people.
#[must_use]
pub fn money(value: Option<&pb::Money>) -> String {
    match value {
        Some(pb::Money { amount, currency }) => format!("{} {currency}", number(amount.as_ref())),
        None => "-".to_owned(),
    }
}

/// A number for machines: as text, so that no digit is lost.
#[must_use]
pub fn exact(value: Option<&pb::Decimal>) -> Value {
    value.map_or(Value::Null, |value| Value::String(value.value.clone()))
}

/// An amount for machines.
#[must_use]
pub fn exact_money(value: Option<&pb::Money>) -> Value {
    value.map_or(
        Value::Null,
        |money| json!({ "amount": exact(money.amount.as_ref()), "currency": money.currency }),
    )
}

/// A point in time of the wall clock, as the contract has it.
#[must_use]
pub fn timestamp(wall: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: wall.div_euclid(1_000_000_000),
        nanos: i32::try_from(wall.rem_euclid(1_000_000_000)).unwrap_or(0),
    }
}

/// A point in time, RFC 3339.
#[must_use]
pub fn time(value: Option<&prost_types::Timestamp>) -> Option<String> {
    let value = value?;
    let time = jiff::Timestamp::new(value.seconds, value.nanos).ok()?;
    Some(format!("{time:.6}"))
}

/// A name of the contract without its prefix: `ORDER_STATE_WORKING` is `WORKING`.
#[must_use]
pub fn short(name: &'static str, prefix: &str) -> &'static str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// A table as all commands print them: a line below the header and no other.
#[must_use]
pub fn table(header: &[&str], right: &[usize]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_style(comfy_table::TableComponent::HeaderLines, '─');
    table.set_style(comfy_table::TableComponent::MiddleHeaderIntersections, '─');
    table.set_header(header);
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    table
}

/// A bar of ten cells and the percentage, rounded down.
#[must_use]
pub fn bar(used: Option<&pb::Decimal>, bound: Option<&pb::Decimal>) -> String {
    let number =
        |value: Option<&pb::Decimal>| rust_decimal::Decimal::from_str_exact(&value?.value).ok();
    let percent = number(used)
        .zip(number(bound))
        .and_then(|(used, bound)| crate::replay::table::percent(used, bound));
    let Some(percent) = percent else {
        return String::new();
    };
    let cells = usize::try_from(percent.div_ceil(10).min(10)).unwrap_or(10);
    let (full, empty) = (
        "█".repeat(cells),
        "░".repeat(10_usize.saturating_sub(cells)),
    );
    format!("{full}{empty} {percent:>3} %")
}

/// Who asks for a change, unless the user says otherwise: the user of the machine.
#[must_use]
pub fn actor(given: Option<&String>) -> String {
    let user = || std::env::var("USER").ok().filter(|user| is_id(user));
    given
        .cloned()
        .or_else(user)
        .unwrap_or_else(|| "command-line".to_owned())
}

fn is_id(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(legal)
}

/// How many there are of something, in words.
#[must_use]
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decision::{Level, Reason, Unit};
    use crate::engine::view::Usage;
    use crate::grpc::convert::error::Refusal;

    #[test]
    fn limits_in_the_way_of_a_move_are_told_one_a_line() {
        let broken = Usage {
            reason: Reason::GrossNotional,
            level: Level::Desk,
            dimension: None,
            scope: "small".to_owned(),
            unit: Unit::Money,
            limit: Some(150_000_000_000_000),
            usage: 200_000_000_000_000,
            evaluable: true,
            window: None,
            mode: crate::risk::modes::Mode::Enforce,
            shadowed: 0,
        };
        let status = Status::from(Refusal::broken_limits(&[broken]));
        assert_eq!(
            told(&status),
            "limits of the group would be broken; force moves the bucket all the same\n  GROSS_NOTIONAL of small: would count 200, limit 150"
        );
        let fields = Failure::from(status).json();
        assert_eq!(
            fields.pointer("/error/fields/0/description"),
            Some(&"GROSS_NOTIONAL: would count 200, limit 150".into())
        );
    }
}
