//! Execution reports. What happened at a venue is never refused; only a message that does not say what happened is.
//!
//! Senders repeat in each report what FIX repeats there. So only what the type of the report uses is looked at, and nothing else can be wrong.

use core::mem::take;

use super::error::Malformed;
use super::field::{Path, Sign, Violations, says};
use super::order::side;
use crate::domain::amount::Quantity;
use crate::domain::name::{ClientId, ExecId};
use crate::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use crate::pb::{self, ExecType};

/// FIX 102: the venue does not know the order.
const UNKNOWN_ORDER: i32 = 1;

/// Reads an execution report.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn report(
    request: pb::ReportRequest,
    at: Path<'_>,
    session: Option<&ClientId>,
) -> Result<Report, Malformed> {
    let pb::ReportRequest { report } = request;
    let mut found = Violations::default();
    let at = at.field("report");
    let report = match found.needed(at, report) {
        Some(report) => read(report, at, session, &mut found),
        None => None,
    };
    found.finish(report)
}

fn read(
    mut message: pb::ExecutionReport,
    at: Path<'_>,
    session: Option<&ClientId>,
    found: &mut Violations,
) -> Option<Report> {
    let key = super::order::key(
        take(&mut message.client_id),
        take(&mut message.cl_ord_id),
        at,
        session,
        found,
    );
    let venue = found.name(at.field("venue_id"), take(&mut message.venue_id));
    let account = found.name_if_any(at.field("account_id"), take(&mut message.account_id));
    let trade_date = date(&message.trade_date, at, found);
    let bucket = found.name_if_any(at.field("bucket_id"), take(&mut message.bucket_id));
    let instrument = found.name_if_any(at.field("instrument_id"), take(&mut message.instrument_id));
    let side = side(at.field("side"), message.side, found);
    let exec_type = match found.number(at.field("exec_type"), message.exec_type) {
        Some(ExecType::Unspecified) => found.needed(at.field("exec_type"), None),
        told => told,
    };
    let said = exec_type.and_then(|exec_type| Said::read(exec_type, message, at, found));
    let (key, said) = (key?, said?);
    Some(Report {
        client: key.client,
        cl_ord_id: key.cl_ord_id,
        exec_id: said.exec_id,
        kind: said.kind,
        cum: said.cum,
        leaves: said.leaves,
        venue: venue?,
        account: account?,
        trade_date: trade_date?,
        bucket: bucket?,
        instrument: instrument?,
        side: side?.map(|(side, _)| side),
    })
}

/// What happened: the fields that its type uses.
struct Said {
    exec_id: Option<ExecId>,
    kind: ReportKind,
    cum: Option<Quantity>,
    leaves: Option<Quantity>,
}

impl Said {
    /// By the table in `docs/api.md`.
    fn read(
        exec_type: ExecType,
        mut message: pb::ExecutionReport,
        at: Path<'_>,
        found: &mut Violations,
    ) -> Option<Self> {
        let id_at = at.field("exec_id");
        let id = take(&mut message.exec_id);
        let exec_id = match exec_type {
            ExecType::Trade | ExecType::TradeCancel | ExecType::TradeCorrect => {
                found.name(id_at, id).map(Some)
            }
            ExecType::Restated => found.name_if_any(id_at, id),
            ExecType::Unspecified
            | ExecType::New
            | ExecType::Canceled
            | ExecType::Replaced
            | ExecType::Rejected
            | ExecType::CancelRejected
            | ExecType::Expired
            | ExecType::DoneForDay => Some(None),
        };
        let is_about_fill = matches!(exec_type, ExecType::TradeCancel | ExecType::TradeCorrect);
        let cum = message.cum_quantity.take().filter(|_| !is_about_fill);
        let cum = found.amount_if_any(at.field("cum_quantity"), cum, Sign::NotNegative);
        let leaves = message.leaves_quantity.take();
        let leaves = leaves.filter(|_| exec_type == ExecType::Trade);
        let leaves = found.amount_if_any(at.field("leaves_quantity"), leaves, Sign::NotNegative);
        let kind = match exec_type {
            ExecType::Unspecified => None,
            ExecType::New => Some(ReportKind::New),
            ExecType::Trade => fill(&mut message, at, found).map(ReportKind::Trade),
            ExecType::Canceled => Some(ReportKind::Canceled),
            ExecType::Replaced => Some(ReportKind::Replaced),
            ExecType::Rejected => Some(ReportKind::Rejected),
            ExecType::CancelRejected => {
                let unknown_order = message.cxl_rej_reason == Some(UNKNOWN_ORDER);
                response_to(message.cxl_rej_response_to, at, found)
                    .map(|of| ReportKind::CancelRejected { of, unknown_order })
            }
            ExecType::Expired => Some(ReportKind::Expired),
            ExecType::DoneForDay => Some(ReportKind::DoneForDay),
            ExecType::TradeCancel => {
                amended(&mut message, exec_id.as_ref(), at, found).map(|of| ReportKind::Bust { of })
            }
            ExecType::TradeCorrect => {
                let of = amended(&mut message, exec_id.as_ref(), at, found);
                let to = fill(&mut message, at, found);
                of.zip(to).map(|(of, to)| ReportKind::Correct { of, to })
            }
            ExecType::Restated => restated(&mut message, at, found),
        };
        Some(Self {
            exec_id: exec_id?,
            kind: kind?,
            cum: cum?,
            leaves: leaves?,
        })
    }
}

fn fill(message: &mut pb::ExecutionReport, at: Path<'_>, found: &mut Violations) -> Option<Fill> {
    let quantity = message.last_quantity.take();
    let quantity = found.amount(at.field("last_quantity"), quantity, Sign::Positive);
    let price = message.last_price.take();
    let price = found.amount(at.field("last_price"), price, Sign::Any);
    let fee = found.amount_if_any(at.field("fee"), message.fee.take(), Sign::Any);
    let currency = take(&mut message.fee_currency);
    let fee_currency = found.name_if_any(at.field("fee_currency"), currency);
    Some(Fill {
        quantity: quantity?,
        price: price?,
        fee: fee?.unwrap_or_default(),
        fee_currency: fee_currency?,
    })
}

/// The fill that a bust or a correction is about.
fn amended(
    message: &mut pb::ExecutionReport,
    own: Option<&Option<ExecId>>,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<ExecId> {
    let at = at.field("exec_ref_id");
    let of = found.name(at, take(&mut message.exec_ref_id));
    if of.is_some() && of.as_ref() == own.and_then(Option::as_ref) {
        found.refuse(at, says::ITSELF);
    }
    of
}

fn restated(
    message: &mut pb::ExecutionReport,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<ReportKind> {
    let (quantity_at, price_at) = (at.field("order_quantity"), at.field("price"));
    let (quantity, price) = (message.order_quantity.take(), message.price.take());
    if quantity.is_none() && price.is_none() {
        found.refuse(quantity_at, "one of order_quantity and price is required");
        return None;
    }
    let quantity = found.amount_if_any(quantity_at, quantity, Sign::NotNegative);
    let price = found.amount_if_any(price_at, price, Sign::Any);
    let (quantity, price) = (quantity?, price?);
    Some(ReportKind::Restated { quantity, price })
}

fn response_to(number: i32, at: Path<'_>, found: &mut Violations) -> Option<CancelRejectOf> {
    let at = at.field("cxl_rej_response_to");
    match found.number(at, number)? {
        pb::CancelRejectResponseTo::Unspecified => found.needed(at, None),
        pb::CancelRejectResponseTo::Cancel => Some(CancelRejectOf::Cancel),
        pb::CancelRejectResponseTo::Replace => Some(CancelRejectOf::Replace),
    }
}

/// A date as `YYYYMMDD`; zero where it is not told.
fn date(text: &str, at: Path<'_>, found: &mut Violations) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    let number = (text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
        .filter(|number: &u32| is_date(*number));
    if number.is_none() {
        found.refuse(at.field("trade_date"), "not a date as YYYYMMDD");
    }
    number
}

fn is_date(number: u32) -> bool {
    let year = i16::try_from(number / 10_000);
    let month = i8::try_from(number / 100 % 100);
    let day = i8::try_from(number % 100);
    match (year, month, day) {
        (Ok(year), Ok(month), Ok(day)) => {
            year > 0 && jiff::civil::Date::new(year, month, day).is_ok()
        }
        _ => false,
    }
}
