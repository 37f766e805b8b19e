//! Lines about what the venue says.

use bulkhead::domain::amount::Amount;
use bulkhead::domain::order::Side;
use bulkhead::domain::report::{CancelRejectOf, Fill, Report, ReportKind};
use bulkhead::engine::answer::Receipt;

use super::{Stage, TRADE_DATE, id};
use crate::scenarios::expect::same;
use crate::scenarios::script::{Said, Words};

impl Stage {
    pub(super) fn report(
        &mut self,
        subject: &str,
        words: &mut Words<'_>,
        expected: Option<Words<'_>>,
    ) -> Said<()> {
        let report = self.read_report(subject, words)?;
        let receipt = self.engine().report(&report, self.now);
        self.told(expected, &receipt)?;
        let before = self.fingerprint();
        let again = self.engine().report(&report, self.now);
        self.unchanged_state(&before, "the same report a second time")?;
        let held = |receipt: &Receipt| receipt.position.as_ref().map(|held| held.quantity);
        let (once, twice) = (held(&receipt), held(&again));
        same("position", &once, &twice.or(once), |quantity| {
            format!("{quantity:?}")
        })
    }

    fn read_report(&mut self, subject: &str, words: &mut Words<'_>) -> Said<Report> {
        self.reports += 1;
        let mut exec = format!("auto-{}", self.reports);
        let mut report = Report {
            client: id("c")?,
            cl_ord_id: id(subject)?,
            exec_id: None,
            kind: ReportKind::New,
            cum: None,
            leaves: None,
            venue: id("X")?,
            account: None,
            trade_date: TRADE_DATE,
            bucket: None,
            instrument: None,
            side: None,
        };
        report.kind = match words.next("a report")? {
            "new" => ReportKind::New,
            "filled" => ReportKind::Trade(read_fill(words)?),
            "canceled" => ReportKind::Canceled,
            "replaced" => ReportKind::Replaced,
            "rejected" => ReportKind::Rejected,
            "expired" => ReportKind::Expired,
            "done-for-day" => ReportKind::DoneForDay,
            "cancel-rejected" => ReportKind::CancelRejected {
                of: CancelRejectOf::Cancel,
                unknown_order: words.take("unknown"),
            },
            "replace-rejected" => ReportKind::CancelRejected {
                of: CancelRejectOf::Replace,
                unknown_order: words.take("unknown"),
            },
            "busts" => ReportKind::Bust {
                of: id(words.next("an execution")?)?,
            },
            "corrects" => {
                let of = id(words.next("an execution")?)?;
                if !words.take("to") {
                    return Err("a correction needs `to quantity @ price`".to_owned());
                }
                ReportKind::Correct {
                    of,
                    to: read_fill(words)?,
                }
            }
            "restated" => {
                let quantity = words
                    .take("to")
                    .then(|| words.value("a quantity"))
                    .transpose()?;
                let price = words
                    .take("@")
                    .then(|| words.value("a price"))
                    .transpose()?;
                ReportKind::Restated { quantity, price }
            }
            other => return Err(format!("{other:?} is no report")),
        };
        while let Some(word) = words.peek() {
            words.take(word);
            match word {
                "as" => exec = words.next("an execution")?.to_owned(),
                "cum" => report.cum = Some(words.value("a quantity")?),
                "leaves" => report.leaves = Some(words.value("a quantity")?),
                "on" => report.venue = id(words.next("a venue")?)?,
                "account" => report.account = Some(id(words.next("an account")?)?),
                "date" => report.trade_date = words.value("a date")?,
                "bucket" => report.bucket = Some(id(words.next("a bucket")?)?),
                "of" => report.instrument = Some(id(words.next("an instrument")?)?),
                "buy" => report.side = Some(Side::Buy),
                "sell" => report.side = Some(Side::Sell),
                "client" => report.client = id(words.next("a client")?)?,
                _ => return Err(format!("{word:?} is not understood of a report")),
            }
        }
        report.exec_id = Some(id(&exec)?);
        Ok(report)
    }
}

/// `4 @ 100 [fee 1 [USD]]`.
fn read_fill(words: &mut Words<'_>) -> Said<Fill> {
    let quantity = words.value("a quantity")?;
    if !words.take("@") {
        return Err("a fill needs `@ price`".to_owned());
    }
    let price = words.value("a price")?;
    let (mut fee, mut fee_currency) = (Amount::ZERO, None);
    if words.take("fee") {
        fee = words.value("an amount")?;
        if words.take("paid-in") {
            fee_currency = Some(id(words.next("a currency")?)?);
        }
    }
    Ok(Fill {
        quantity,
        price,
        fee,
        fee_currency,
    })
}
