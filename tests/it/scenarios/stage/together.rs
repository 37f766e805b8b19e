//! Lines about baskets and quotes, and what they are answered.

use bulkhead::domain::amount::Ratio;
use bulkhead::domain::basket::{Basket, Package, Pair, Quote, QuoteSide};
use bulkhead::domain::decision::{Outcome, Reason};
use bulkhead::domain::name::ClOrdId;
use bulkhead::domain::order::{Order, OrderKey, TimeInForce};
use bulkhead::engine::answer::{Answer, BasketAnswer};

use super::{Stage, id, why};
use crate::scenarios::expect::{answer, check_answer, order_name, same, text};
use crate::scenarios::script::{Said, Words, shout};

impl Stage {
    /// `basket B: 1 buy 4 @ 100 | 2 sell 3 ETH @ 100`, and `| oco 1 2` or `| oco 1 2 by-sender`, `| package 1 2` or `| package 1 2 legged`.
    pub(super) fn basket(&mut self, rest: &str, expected: Option<Words<'_>>) -> Said<()> {
        let (name, legs) = rest
            .split_once(':')
            .ok_or("a basket needs `NAME: leg | leg`")?;
        let (mut orders, mut pairs, mut package) = (Vec::<Order>::new(), Vec::new(), None);
        for leg in legs.split('|') {
            let mut words = Words::of(leg);
            if words.take("oco") {
                let mut place = || {
                    let name = id(words.next("a leg")?)?;
                    let found = orders.iter().position(|leg| leg.key.cl_ord_id == name);
                    found.ok_or_else(|| format!("{name} is no leg"))
                };
                let legs = (place()?, place()?);
                let venue_enforced = !words.take("by-sender");
                pairs.push(Pair {
                    legs,
                    venue_enforced,
                });
                words.end()?;
                continue;
            }
            if words.take("package") {
                let ratios = words.until(&["legged"]).into_iter();
                let ratios: Result<Vec<Ratio>, _> = ratios.map(str::parse).collect();
                package = Some(Package {
                    ratios: ratios.map_err(|_| "a package needs ratios")?,
                    venue_atomic: !words.take("legged"),
                });
                words.end()?;
                continue;
            }
            let subject = words.next("an id")?;
            let verb = words.next("buy or sell")?;
            orders.push(self.read_order(subject, verb, &mut words)?);
            words.end()?;
        }
        let key = OrderKey {
            client: orders.first().ok_or("no legs")?.key.client.clone(),
            cl_ord_id: id(name.trim())?,
        };
        let ids: Vec<ClOrdId> = orders.iter().map(|leg| leg.key.cl_ord_id.clone()).collect();
        let basket =
            Basket::linked(key, orders, pairs, package).map_err(|flaw| format!("{flaw:?}"))?;
        let before = self.fingerprint();
        let (engine, now) = (self.engine(), self.now);
        let asked = engine.what_if_basket(&basket, now, false);
        self.unchanged(&before, "the what-if")?;
        let decided = engine.decide_basket(&basket, now, false);
        let (asked, decided) = asked
            .and_then(|asked| Ok((asked, decided?)))
            .map_err(|refusal| why(&refusal))?;
        judge(expected, &ids, &asked, &decided)
    }

    /// `quote Q: 1 bid 5 @ 99 | 2 offer 5 @ 101 | replaces P | on Y`.
    pub(super) fn quote(&mut self, rest: &str, expected: Option<Words<'_>>) -> Said<()> {
        let (name, parts) = rest
            .split_once(':')
            .ok_or("a quote needs `NAME: side | side`")?;
        let mut quote = Quote {
            key: OrderKey {
                client: id("c")?,
                cl_ord_id: id(name.trim())?,
            },
            bucket: id(self.first_bucket()?)?,
            instrument: id(self.first_instrument()?)?,
            venue: id("X")?,
            account: None,
            bid: None,
            offer: None,
            time_in_force: TimeInForce::Day,
            post_only: false,
            replaces: None,
        };
        for part in parts.split('|') {
            let mut words = Words::of(part);
            match words.next("an id, `replaces` or `of`")? {
                "replaces" => quote.replaces = Some(id(words.next("a quote")?)?),
                "of" => quote.instrument = id(words.next("an instrument")?)?,
                subject => {
                    let side = words.next("bid or offer")?;
                    let quantity = words.value("a quantity")?;
                    if !words.take("@") {
                        return Err("a side needs `@ price`".to_owned());
                    }
                    let read = Some(QuoteSide {
                        cl_ord_id: id(subject)?,
                        price: words.value("a price")?,
                        quantity,
                    });
                    match side {
                        "bid" => quote.bid = read,
                        "offer" => quote.offer = read,
                        _ => return Err(format!("{side:?} is no side of a quote")),
                    }
                }
            }
            words.end()?;
        }
        let ids: Vec<ClOrdId> = quote
            .orders()
            .into_iter()
            .map(|side| side.key.cl_ord_id)
            .collect();
        let before = self.fingerprint();
        let (engine, now) = (self.engine(), self.now);
        let asked = engine.what_if_quote(&quote, now, false);
        self.unchanged(&before, "the what-if")?;
        let decided = engine.decide_quote(&quote, now, false);
        let (asked, decided) = asked
            .and_then(|asked| Ok((asked, decided?)))
            .map_err(|refusal| why(&refusal))?;
        judge(expected, &ids, &asked, &decided)
    }
}

/// `approved [again] [cancel 1 2]`, `rejected WHY [again]`, `rejected [BASKET_REJECTED] at 2 WHY …`.
fn judge(
    expected: Option<Words<'_>>,
    ids: &[ClOrdId],
    asked: &BasketAnswer,
    decided: &BasketAnswer,
) -> Said<()> {
    let told = told(decided, ids);
    let judged = judge_outcome(expected, ids, decided)
        .and_then(|()| same("what-if", &told, &self::told(asked, ids), String::clone));
    judged.map_err(|error| format!("{error}\n    the answer is: {told}"))
}

fn judge_outcome(expected: Option<Words<'_>>, ids: &[ClOrdId], decided: &BasketAnswer) -> Said<()> {
    let mut words = expected.ok_or("a basket needs `-> approved` or `rejected`")?;
    let outcome = words.next("approved or rejected")?;
    same(
        "approved",
        &(outcome == "approved"),
        &decided.approved(),
        text,
    )?;
    // What is said of the legs before the one that failed: they are no approvals.
    let others = words.take("BASKET_REJECTED");
    if words.take("at") {
        let place = decided.failed.ok_or("no leg failed")?;
        same("failed", &id(words.next("a leg")?)?, &ids[place], text)?;
        same("legs evaluated", &(place + 1), &decided.legs.len(), text)?;
        let rest = format!("rejected {}", words.until(&[]).join(" "));
        let mut rest = Words::of(&rest);
        check_answer(&mut rest, &decided.legs[place])?;
        rest.end()?;
        let before = &decided.legs[..place];
        let is_refused = |leg: &Answer| match &leg.decision.outcome {
            Outcome::Rejected(broken) => broken[0].reason == Reason::BasketRejected,
            Outcome::Approved(_) | Outcome::Rerouted { .. } => false,
        };
        same(
            "the legs before it are refused",
            &true,
            &before.iter().all(is_refused),
            text,
        )?;
        same(
            "there are legs before it",
            &true,
            &(!others || place > 0),
            text,
        )?;
        return Ok(());
    } else if outcome == "rejected" {
        let reason = decided.broken.ok_or("a leg failed")?;
        let found = shout(reason.name());
        same(
            "reason",
            &words.next("why")?.to_owned(),
            &found,
            String::clone,
        )?;
    }
    same("again", &words.take("again"), &decided.replayed, text)?;
    let cancel: Vec<String> = decided.cancel.iter().map(order_name).collect();
    let wanted: Vec<String> = if words.take("cancel") {
        words.until(&[]).into_iter().map(str::to_owned).collect()
    } else {
        Vec::new()
    };
    same("cancel", &wanted, &cancel, |names| names.join(" "))?;
    words.end()
}

/// All of an answer but its numbers.
fn told(given: &BasketAnswer, ids: &[ClOrdId]) -> String {
    let mut said = match given.broken {
        Some(reason) => shout(reason.name()),
        None => String::new(),
    };
    for (id, leg) in ids.iter().zip(&given.legs) {
        said.push_str(&format!("{id} {}; ", answer(leg)));
    }
    let cancel: Vec<String> = given.cancel.iter().map(order_name).collect();
    format!("{said}{}", cancel.join(" "))
}
