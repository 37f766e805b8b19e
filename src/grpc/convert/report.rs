//! Execution reports. What happened at a venue is never refused; only a message that contradicts itself is.

use super::error::Malformed;
use super::field::{Path, Sign, TEXT_MAX, Violations, says};
use super::order::side;
use crate::domain::amount::{Money, Price, Quantity};
use crate::domain::name::{ClOrdKind, ClientId, Currency, ExecId};
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
    message: pb::ExecutionReport,
    at: Path<'_>,
    session: Option<&ClientId>,
    found: &mut Violations,
) -> Option<Report> {
    let pb::ExecutionReport {
        client_id,
        cl_ord_id,
        orig_cl_ord_id,
        exec_id,
        exec_ref_id,
        exec_type,
        last_quantity,
        last_price,
        cum_quantity,
        leaves_quantity,
        order_quantity,
        price,
        fee,
        fee_currency,
        liquidity,
        trade_date,
        venue_id,
        account_id,
        bucket_id,
        instrument_id,
        side: side_number,
        transact_time,
        source,
        poss_dup: _,
        cxl_rej_response_to,
        cxl_rej_reason,
        ord_rej_reason,
        text,
    } = message;
    let key = super::order::key(client_id, cl_ord_id, at, session, found);
    let _ = found.name_if_any::<ClOrdKind>(at.field("orig_cl_ord_id"), orig_cl_ord_id);
    let exec_id = found.name_if_any(at.field("exec_id"), exec_id);
    let parts = Parts {
        exec_ref_id: found.name_if_any(at.field("exec_ref_id"), exec_ref_id),
        last_quantity: found.amount_if_any(
            at.field("last_quantity"),
            last_quantity,
            Sign::Positive,
        ),
        last_price: found.amount_if_any(at.field("last_price"), last_price, Sign::Any),
        order_quantity: found.amount_if_any(
            at.field("order_quantity"),
            order_quantity,
            Sign::NotNegative,
        ),
        price: found.amount_if_any(at.field("price"), price, Sign::Any),
        fee: found.amount_if_any(at.field("fee"), fee, Sign::Any),
        fee_currency: found.name_if_any(at.field("fee_currency"), fee_currency),
        liquidity: told_liquidity(liquidity, at, found),
        response_to: response_to(cxl_rej_response_to, at, found),
        cxl_rej_reason: Some(cxl_rej_reason),
        ord_rej_reason: Some(ord_rej_reason),
    };
    let cum = found.amount_if_any(at.field("cum_quantity"), cum_quantity, Sign::NotNegative);
    let leaves = found.amount_if_any(
        at.field("leaves_quantity"),
        leaves_quantity,
        Sign::NotNegative,
    );
    let venue = found.name(at.field("venue_id"), venue_id);
    let account = found.name_if_any(at.field("account_id"), account_id);
    let trade_date = date(trade_date, at, found);
    let bucket = found.name_if_any(at.field("bucket_id"), bucket_id);
    let instrument = found.name_if_any(at.field("instrument_id"), instrument_id);
    let side = side(at.field("side"), side_number, found);
    found.time_if_any(at.field("transact_time"), transact_time);
    let _: Option<pb::ReportSource> = found.number(at.field("source"), source);
    if text.len() > TEXT_MAX {
        found.refuse(at.field("text"), says::TOO_LONG);
    }
    let exec_type = found.number(at.field("exec_type"), exec_type);
    let kind = exec_type.and_then(|exec_type| parts.kind(exec_type, exec_id.as_ref(), at, found));
    let key = key?;
    Some(Report {
        client: key.client,
        cl_ord_id: key.cl_ord_id,
        exec_id: exec_id?,
        kind: kind?,
        cum: cum?,
        leaves: leaves?,
        venue: venue?,
        account: account?,
        trade_date: trade_date?,
        bucket: bucket?,
        instrument: instrument?,
        side: side?.map(|(side, _)| side),
    })
}

/// Fields that belong to some types of reports only, each as it was read.
struct Parts {
    exec_ref_id: Option<Option<ExecId>>,
    last_quantity: Option<Option<Quantity>>,
    last_price: Option<Option<Price>>,
    order_quantity: Option<Option<Quantity>>,
    price: Option<Option<Price>>,
    fee: Option<Option<Money>>,
    fee_currency: Option<Option<Currency>>,
    liquidity: Option<Option<pb::Liquidity>>,
    response_to: Option<Option<CancelRejectOf>>,
    cxl_rej_reason: Option<Option<i32>>,
    ord_rej_reason: Option<Option<i32>>,
}

impl Parts {
    /// What happened, by the table in `docs/api.md`.
    fn kind(
        self,
        exec_type: ExecType,
        exec_id: Option<&Option<ExecId>>,
        at: Path<'_>,
        found: &mut Violations,
    ) -> Option<ReportKind> {
        if exec_type == ExecType::Unspecified {
            // Which fields belong to it cannot be said.
            return found.needed(at.field("exec_type"), None);
        }
        let is_fill = matches!(exec_type, ExecType::Trade | ExecType::TradeCorrect);
        let amends_fill = matches!(exec_type, ExecType::TradeCancel | ExecType::TradeCorrect);
        if (is_fill || amends_fill) && exec_id.is_some_and(Option::is_none) {
            found.refuse(at.field("exec_id"), says::REQUIRED);
        }
        let of = if amends_fill {
            let of = found.wanted(at.field("exec_ref_id"), self.exec_ref_id);
            if of.is_some() && of.as_ref() == exec_id.and_then(Option::as_ref) {
                found.refuse(at.field("exec_ref_id"), says::ITSELF);
            }
            of
        } else {
            found.unwanted(at.field("exec_ref_id"), self.exec_ref_id);
            None
        };
        let fill = if is_fill {
            let quantity = found.wanted(at.field("last_quantity"), self.last_quantity);
            let price = found.wanted(at.field("last_price"), self.last_price);
            let fee = self.fee.map(Option::unwrap_or_default);
            match (quantity, price, fee, self.fee_currency) {
                (Some(quantity), Some(price), Some(fee), Some(fee_currency)) => Some(Fill {
                    quantity,
                    price,
                    fee,
                    fee_currency,
                }),
                _ => None,
            }
        } else {
            found.unwanted(at.field("last_quantity"), self.last_quantity);
            found.unwanted(at.field("last_price"), self.last_price);
            found.unwanted(at.field("fee"), self.fee);
            found.unwanted(at.field("fee_currency"), self.fee_currency);
            found.unwanted(at.field("liquidity"), self.liquidity);
            None
        };
        if exec_type != ExecType::Restated {
            found.unwanted(at.field("order_quantity"), self.order_quantity);
            found.unwanted(at.field("price"), self.price);
        }
        if exec_type != ExecType::CancelRejected {
            found.unwanted(at.field("cxl_rej_response_to"), self.response_to);
            found.unwanted(at.field("cxl_rej_reason"), self.cxl_rej_reason);
        }
        if exec_type != ExecType::Rejected {
            found.unwanted(at.field("ord_rej_reason"), self.ord_rej_reason);
        }
        match exec_type {
            ExecType::Unspecified => None,
            ExecType::New => Some(ReportKind::New),
            ExecType::Trade => fill.map(ReportKind::Trade),
            ExecType::Canceled => Some(ReportKind::Canceled),
            ExecType::Replaced => Some(ReportKind::Replaced),
            ExecType::Rejected => Some(ReportKind::Rejected),
            ExecType::CancelRejected => {
                let of = found.wanted(at.field("cxl_rej_response_to"), self.response_to)?;
                let unknown_order = self.cxl_rej_reason.flatten() == Some(UNKNOWN_ORDER);
                Some(ReportKind::CancelRejected { of, unknown_order })
            }
            ExecType::Expired => Some(ReportKind::Expired),
            ExecType::DoneForDay => Some(ReportKind::DoneForDay),
            ExecType::TradeCancel => of.map(|of| ReportKind::Bust { of }),
            ExecType::TradeCorrect => of.zip(fill).map(|(of, to)| ReportKind::Correct { of, to }),
            ExecType::Restated => {
                let (quantity, price) = (self.order_quantity?, self.price?);
                if quantity.is_none() && price.is_none() {
                    found.refuse(
                        at.field("order_quantity"),
                        "one of order_quantity and price is required",
                    );
                    return None;
                }
                Some(ReportKind::Restated { quantity, price })
            }
        }
    }
}

fn told_liquidity(
    number: i32,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<pb::Liquidity>> {
    Some(match found.number(at.field("liquidity"), number)? {
        pb::Liquidity::Unspecified => None,
        told @ (pb::Liquidity::Maker
        | pb::Liquidity::Taker
        | pb::Liquidity::RoutedOut
        | pb::Liquidity::Auction) => Some(told),
    })
}

fn response_to(
    number: i32,
    at: Path<'_>,
    found: &mut Violations,
) -> Option<Option<CancelRejectOf>> {
    Some(
        match found.number(at.field("cxl_rej_response_to"), number)? {
            pb::CancelRejectResponseTo::Unspecified => None,
            pb::CancelRejectResponseTo::Cancel => Some(CancelRejectOf::Cancel),
            pb::CancelRejectResponseTo::Replace => Some(CancelRejectOf::Replace),
        },
    )
}

/// A date as `YYYYMMDD`; zero where it is not told.
fn date(text: String, at: Path<'_>, found: &mut Violations) -> Option<u32> {
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
