//! Where reports are booked, and that what comes again counts once.

use bulkhead::domain::decision::Reason;
use bulkhead::domain::report::{CancelRejectOf, ReportKind};
use bulkhead::engine::answer::ReportFlag;

use super::{REROUTES, broken, bucket_hash, gist, is_of_none, no_end, walk};
use crate::model::naive::Model;
use crate::model::run::{Came, Run, apply, fail, hashes, same};
use crate::model::world::{BUCKETS, Dice, Event, FULL};
use crate::model::{cases, check, world};
use crate::support::id;

/// NL11, RR11: a report is booked to the bucket stored with its order, whatever bucket or account it names.
#[test]
fn nl11_a_report_is_booked_where_its_order_is() {
    walk(
        "nl11",
        500,
        REROUTES,
        |run, mut event| {
            let mut owner = None;
            if let Event::Report(report) = &mut event
                && let Some(at) = run
                    .model
                    .find(report.client.as_str(), report.cl_ord_id.as_str())
            {
                report.bucket = Some(id(BUCKETS[(at + 1) % 3]));
                report.account = Some(id(["a-x", "b-x", "c-x"][at % 3]));
                // The id may stand for another order by now, and a fill of the other side is none of that one's.
                let is_its_own = !matches!(report.kind, ReportKind::Trade(_))
                    || run.model.is_its_own(report, at);
                owner = is_its_own.then_some(BUCKETS[run.model.orders[at].bucket]);
            }
            let others: Vec<_> = BUCKETS
                .iter()
                .filter(|name| owner.is_some_and(|owner| owner != **name))
                .collect();
            let before: Vec<_> = others
                .iter()
                .map(|name| bucket_hash(&run.engine, name, run.now()))
                .collect();
            let (came, _) = run.both(event.clone())?;
            if let (Some(owner), Came::Receipt(receipt), Event::Report(report)) =
                (owner, &came, &event)
            {
                let after: Vec<_> = others
                    .iter()
                    .map(|name| bucket_hash(&run.engine, name, run.now()))
                    .collect();
                same("other buckets", after, before)?;
                if let Some(bucket) = &receipt.bucket {
                    same("booked to", bucket.as_str(), owner)?;
                    let named = report.bucket.as_ref().map(|bucket| bucket.as_str());
                    same(
                        "alarm",
                        receipt.flags.contains(&ReportFlag::BucketMismatch),
                        named != Some(owner),
                    )?;
                }
            }
            run.recount()
        },
        no_end,
    );
}

/// The order an event is about.
fn about(model: &Model, event: &Event) -> Option<usize> {
    match event {
        Event::Report(report) => model.find(report.client.as_str(), report.cl_ord_id.as_str()),
        Event::Notice(client, order, _) => model.find(client, order),
        Event::Release(key) | Event::Resolve(key, _) => {
            model.find(key.client.as_str(), key.cl_ord_id.as_str())
        }
        _ => None,
    }
}

/// Whether an event that comes again means what it meant when it first came.
fn is_same_again(model: &Model, event: &Event, was_about: Option<usize>) -> bool {
    match event {
        Event::Decide(order) => {
            model.stands(order.key.client.as_str(), order.key.cl_ord_id.as_str())
        }
        Event::Replace(replace) => {
            model.stands(replace.key.client.as_str(), replace.key.cl_ord_id.as_str())
        }
        Event::Basket(basket) => {
            let key = basket.key();
            model.stands(key.client.as_str(), key.cl_ord_id.as_str())
        }
        Event::Quote(quote) => {
            model.stands(quote.key.client.as_str(), quote.key.cl_ord_id.as_str())
        }
        Event::Report(report) if model.remembers(report) => true,
        Event::Report(report) => {
            let is_execution = matches!(
                report.kind,
                ReportKind::Trade(_)
                    | ReportKind::Bust { .. }
                    | ReportKind::Correct { .. }
                    | ReportKind::Restated { .. }
            );
            !is_execution && about(model, event) == was_about
        }
        _ => false,
    }
}

/// NL13, INV6, INV17: whatever carries an id may come any number of times, at any time later, and counts once.
#[test]
fn nl13_what_comes_again_counts_once() {
    check("nl13", 700, cases(20..45), |(seeds, steps)| {
        let mut run = Run::priced(&seeds, FULL);
        let twice = world::engine(&run.model);
        for event in &run.past {
            apply(&twice, event, run.now());
        }
        // What may come again, with the order it was about.
        let mut again: Vec<(Event, Option<usize>)> = Vec::new();
        for bits in &steps {
            let event = run.next(*bits);
            // An end that finds its order filled says nothing then, and something once the fill is void.
            let idle = matches!(&event, Event::Report(report) if run.model.find(report.client.as_str(), report.cl_ord_id.as_str()).is_some_and(|at| run.model.orders[at].is_over()));
            let (one, _) = run.both(event.clone())?;
            let other = apply(&twice, &event, run.now());
            let is_unknown = |came: &Came| match came {
                Came::Receipt(receipt) => receipt.flags.contains(&ReportFlag::UnknownOrder),
                // A notice, a release or a resolution of an order that nothing leads to.
                came => matches!(came, Came::Refused) && about(&run.model, &event).is_none(),
            };
            // A release of what one has forgotten is noted there, and refused where the order is known to have ended.
            let is_noted_once = match (&one, &other) {
                (Came::Receipt(receipt), Came::Refused)
                | (Came::Refused, Came::Receipt(receipt)) => {
                    receipt.flags.contains(&ReportFlag::UnknownOrder)
                }
                _ => false,
            };
            if is_noted_once || is_unknown(&one) != is_unknown(&other) {
                // What was told again is remembered for longer; from here on the two hold different things, and rightly so.
                return Ok(());
            }
            // For the same reason: there an order has ended, where here nothing leads to it any more.
            let is_forgotten = [&one, &other]
                .iter()
                .all(|came| came.answer().is_some_and(is_of_none));
            if !is_forgotten
                && one.answer().map(|answer| answer.replayed)
                    == other.answer().map(|answer| answer.replayed)
            {
                same("first time", gist(&other), gist(&one))
                    .map_err(|error| run.explain(&error))?;
            }
            let may = match &event {
                Event::Decide(_) | Event::Replace(_) | Event::Basket(_) | Event::Quote(_) => true,
                Event::Report(report) => {
                    let asks = matches!(
                        report.kind,
                        ReportKind::CancelRejected {
                            of: CancelRejectOf::Cancel,
                            ..
                        }
                    );
                    let ends = matches!(
                        report.kind,
                        ReportKind::Canceled
                            | ReportKind::Expired
                            | ReportKind::DoneForDay
                            | ReportKind::Rejected
                    );
                    !(asks || (ends && idle))
                }
                _ => false,
            };
            if may {
                let about = about(&run.model, &event);
                again.push((event, about));
            }
            let mut dice = Dice(bits.rotate_left(23));
            let mut last = Vec::new();
            for _ in 0..dice.roll(4) {
                if !again.is_empty() {
                    let (event, at) =
                        &again[usize::try_from(dice.roll(again.len() as u64)).unwrap()];
                    // A day later its id may stand for something else, and it may be forgotten: then it is another event.
                    if !is_same_again(&run.model, event, *at) {
                        continue;
                    }
                    let came = apply(&twice, event, run.now());
                    last.push(event.clone());
                    if came.answer().is_some_and(|answer| {
                        !answer.replayed
                            && broken(&answer.decision)
                                .first()
                                .map(|finding| finding.reason)
                                != Some(Reason::DuplicateMismatch)
                    }) {
                        return Err(run.explain(&fail(format!("decided again: {event:?}"))));
                    }
                }
            }
            for (one, other) in hashes(&run.engine, run.now())
                .iter()
                .zip(&hashes(&twice, run.now()))
            {
                if one != other {
                    let text = format!("{} differs; delivered again at last: {last:?}", one.0);
                    return Err(run.explain(&fail(text)));
                }
            }
        }
        Ok(())
    });
}
