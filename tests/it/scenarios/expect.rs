//! What a scenario expects of answers, receipts and views, and how these are said in its language.

use core::fmt::Write as _;

use bulkhead::domain::amount::Quantity;
use bulkhead::domain::decision::{Figures, Finding, Outcome, Reason, Route};
use bulkhead::domain::order::OrderKey;
use bulkhead::engine::answer::{Answer, LargestOf, Receipt};
use bulkhead::engine::order::OrderView;

use super::script::{Said, Words, name_of, shout};

/// Fails with what was said in place of what was expected.
pub fn same<T: PartialEq>(
    what: &str,
    expected: &T,
    found: &T,
    show: impl Fn(&T) -> String,
) -> Said<()> {
    if expected == found {
        Ok(())
    } else {
        Err(format!(
            "{what}: expected {}, found {}",
            show(expected),
            show(found)
        ))
    }
}

pub fn text<T: core::fmt::Display>(value: &T) -> String {
    value.to_string()
}

/// An order by its id, with its client where that is not the usual one.
pub fn order_name(key: &OrderKey) -> String {
    match key.client.as_str() {
        "c" => key.cl_ord_id.to_string(),
        client => format!("{client}/{}", key.cl_ord_id),
    }
}

/// A reason by the name it has in scenarios.
pub fn reason(word: &str) -> Said<Reason> {
    Reason::ALL
        .iter()
        .copied()
        .find(|reason| shout(reason.name()) == word)
        .ok_or_else(|| format!("{word:?} is no reason"))
}

fn route(route: &Route) -> String {
    format!("{}/{}/{}", route.bucket, route.venue, route.account)
}

fn units(figure: i128) -> String {
    Quantity::from_units(figure).to_string()
}

fn finding(finding: &Finding) -> String {
    let mut said = format!(
        "{} {}",
        shout(finding.reason.name()),
        name_of(&finding.level)
    );
    if let Some(dimension) = finding.dimension {
        let _ = write!(said, " by {}", name_of(&dimension).to_lowercase());
    }
    if let Some(figures) = finding.figures {
        let _ = write!(
            said,
            " limit {} before {} after {}",
            units(figures.limit),
            units(figures.before),
            units(figures.after)
        );
    }
    said
}

fn findings(all: &[Finding]) -> String {
    let said: Vec<String> = all.iter().map(finding).collect();
    said.join(" + ")
}

/// An answer as a scenario would say it.
pub fn answer(answer: &Answer) -> String {
    let mut said = match &answer.decision.outcome {
        Outcome::Approved(_) => "approved".to_owned(),
        Outcome::Rejected(broken) => format!("rejected {}", findings(broken)),
        Outcome::Rerouted { to, because } => {
            format!("rerouted to {} because {}", route(to), findings(because))
        }
    };
    if answer.exit {
        said.push_str(" exit");
    }
    if answer.replayed {
        said.push_str(" again");
    }
    if !answer.decision.shadow.is_empty() {
        let _ = write!(said, " shadow {}", findings(&answer.decision.shadow));
    }
    if !answer.cancel_first.is_empty() {
        said.push_str(" cancel-first");
        for key in &answer.cancel_first {
            let _ = write!(said, " {}", order_name(key));
        }
    }
    said
}

/// Holds the largest quantity against `7 exit because POSITION_LONG limit 10 before 3 after 11 alone GROSS_NOTIONAL 12 NET_NOTIONAL hidden`.
pub fn check_largest(words: &mut Words<'_>, found: &LargestOf) -> Said<()> {
    let checked = check_quantity(words, found);
    checked.map_err(|error| {
        let limits: Vec<String> = (found.limits.iter())
            .map(|(limit, quantity)| format!("{} {quantity:?}", shout(limit.reason.name())))
            .collect();
        format!(
            "{error}\n    the answer is: {} because {} alone {}",
            found.quantity,
            findings(&found.binding),
            limits.join(" ")
        )
    })
}

fn check_quantity(words: &mut Words<'_>, found: &LargestOf) -> Said<()> {
    same(
        "quantity",
        &words.value("a quantity")?,
        &found.quantity,
        text,
    )?;
    same("exit", &words.take("exit"), &found.exit, text)?;
    if words.take("because") {
        check_findings(words, &found.binding)?;
    } else {
        same("what binds", &0, &found.binding.len(), text)?;
    }
    if !words.take("alone") {
        return Ok(());
    }
    while words.peek().is_some() {
        let limit = reason(words.next("a reason")?)?;
        let known = found.limits.iter().find(|(of, _)| of.reason == limit);
        let (_, quantity) = known.ok_or("that limit does not bind here")?;
        match words.next("a quantity, or hidden")? {
            "hidden" => same("hidden", &true, &quantity.is_none(), text)?,
            word => {
                let expected: Quantity = word.parse().map_err(|_| "no quantity")?;
                let quantity = quantity.ok_or("it is hidden")?;
                same("quantity alone", &expected, &quantity, text)?;
            }
        }
    }
    Ok(())
}

/// Words that end a list of findings or ids.
const TAILS: &[&str] = &[
    "exit",
    "again",
    "cancel-first",
    "quantity",
    "via",
    "ran",
    "passed-over",
    "by-price",
    "shadow",
    "alone",
];

/// Holds an answer against `approved exit`, `rejected POSITION_LONG limit 16 before 16 after 17 + …`, `rerouted to … because …`.
pub fn check_answer(words: &mut Words<'_>, given: &Answer) -> Said<()> {
    let checked = check_outcome(words, given).and_then(|()| check_rest(words, given));
    checked.map_err(|error| format!("{error}\n    the answer is: {}", answer(given)))
}

fn check_outcome(words: &mut Words<'_>, given: &Answer) -> Said<()> {
    let expected = words.next("approved, rejected or rerouted")?;
    match (&given.decision.outcome, expected) {
        (Outcome::Approved(_), "approved") => Ok(()),
        (Outcome::Rejected(broken), "rejected") => check_findings(words, broken),
        (Outcome::Rerouted { to, because }, "rerouted") => {
            if !words.take("to") {
                return Err("rerouted needs `to bucket/venue/account because …`".to_owned());
            }
            let target = words.next("a route")?.to_owned();
            same("route", &target, &route(to), String::clone)?;
            if !words.take("because") {
                return Err("rerouted needs `because REASON`".to_owned());
            }
            check_findings(words, because)
        }
        _ => Err(format!("expected {expected}")),
    }
}

fn check_findings(words: &mut Words<'_>, found: &[Finding]) -> Said<()> {
    let list = words.until(TAILS).join(" ");
    let expected: Vec<&str> = list.split(" + ").collect();
    if expected.len() != found.len() {
        return Err(format!("expected {} reasons", expected.len()));
    }
    for (expected, found) in expected.iter().zip(found) {
        check_finding(&mut Words::of(expected), found)?;
    }
    Ok(())
}

fn check_finding(words: &mut Words<'_>, found: &Finding) -> Said<()> {
    let expected = reason(words.next("a reason")?)?;
    same("reason", &expected, &found.reason, |reason| {
        shout(reason.name())
    })?;
    while let Some(word) = words.peek() {
        words.take(word);
        match word {
            "by" => {
                let expected = words.next("a dimension")?.to_owned();
                let found = found
                    .dimension
                    .map(|dimension| name_of(&dimension).to_lowercase());
                same("dimension", &Some(expected), &found, |name| {
                    format!("{name:?}")
                })?;
            }
            "undisclosed" => {
                same("figures", &true, &found.figures.is_none(), text)?;
            }
            "limit" | "before" | "after" | "headroom" => {
                let expected: Quantity = words.value("an amount")?;
                let figures = found.figures.ok_or("there are no figures")?;
                let part = |figures: &Figures| match word {
                    "limit" => figures.limit,
                    "before" => figures.before,
                    "after" => figures.after,
                    _ => figures.headroom(),
                };
                same(word, &expected, &Quantity::from_units(part(&figures)), text)?;
            }
            level => same(
                "level",
                &level.to_owned(),
                &name_of(&found.level),
                String::clone,
            )?,
        }
    }
    Ok(())
}

fn check_rest(words: &mut Words<'_>, given: &Answer) -> Said<()> {
    let (mut exit, mut again) = (false, false);
    let mut first: Vec<String> = Vec::new();
    let mut shadow = false;
    while let Some(word) = words.peek() {
        words.take(word);
        let decision = &given.decision;
        match word {
            "exit" => exit = true,
            "again" => again = true,
            "cancel-first" => {
                first = words.until(TAILS).into_iter().map(str::to_owned).collect();
            }
            "quantity" => {
                let quantity: Quantity = words.value("a quantity")?;
                same(word, &quantity, &decision.quantity, text)?;
            }
            "via" => {
                let expected = words.next("a route")?.to_owned();
                let found = decision.route().map(|found| route(found));
                same("route", &Some(expected), &found, |route| {
                    format!("{route:?}")
                })?;
            }
            "shadow" => {
                shadow = true;
                check_findings(words, &decision.shadow)?;
            }
            "by-price" => {
                let expected: bulkhead::domain::amount::Price = words.value("a price")?;
                same(
                    "reference price",
                    &Some(expected),
                    &decision.versions.price,
                    |price| format!("{price:?}"),
                )?;
            }
            "ran" => {
                let expected = reason(words.next("a reason")?)?;
                if !decision.evaluated.contains(expected) {
                    return Err(format!("{} did not run", shout(expected.name())));
                }
            }
            "passed-over" => {
                let expected = reason(words.next("a reason")?)?;
                if !decision.not_applicable.contains(expected) {
                    return Err(format!("{} was not passed over", shout(expected.name())));
                }
            }
            _ => return Err(format!("{word:?} is not understood after a decision")),
        }
    }
    same(
        "something in shadow",
        &shadow,
        &!given.decision.shadow.is_empty(),
        text,
    )?;
    same("exit", &exit, &given.exit, text)?;
    same("again", &again, &given.replayed, text)?;
    let found: Vec<String> = given.cancel_first.iter().map(order_name).collect();
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    same("cancel-first", &sorted(first), &sorted(found), |ids| {
        ids.join(" ")
    })
}

/// A receipt as a scenario would say it.
pub fn receipt(receipt: &Receipt) -> String {
    let mut said = match &receipt.order {
        Some(order) => name_of(&order.state),
        None => "no-order".to_owned(),
    };
    for flag in &receipt.flags {
        let _ = write!(said, " {}", name_of(flag));
    }
    if let Some(order) = &receipt.order {
        let _ = write!(
            said,
            " leaves {} filled {} reserved {}",
            order.leaves, order.filled, order.reserved
        );
    }
    if let Some(position) = &receipt.position {
        let _ = write!(said, " position {}", position.quantity);
    }
    if let Some(realised) = receipt.realised {
        let _ = write!(said, " realised {realised}");
    }
    for (key, quantity) in &receipt.trim {
        let _ = write!(said, " trim {} {quantity}", key.cl_ord_id);
    }
    if !receipt.breach.is_empty() {
        said.push_str(" breach");
        for cause in &receipt.breach {
            let _ = write!(said, " {}", name_of(cause));
        }
    }
    said
}

/// Holds a receipt against `PARTIALLY_FILLED LATE_FILL leaves 4 position 9`. Flags must be told, all and only those there are.
pub fn check_receipt(words: &mut Words<'_>, given: &Receipt) -> Said<()> {
    check_told(words, given)
        .map_err(|error| format!("{error}\n    the receipt is: {}", receipt(given)))
}

fn check_told(words: &mut Words<'_>, given: &Receipt) -> Said<()> {
    let mut flags: Vec<String> = Vec::new();
    let mut trims: Vec<String> = Vec::new();
    while let Some(word) = words.peek() {
        words.take(word);
        match word {
            "no-order" => same(word, &true, &given.order.is_none(), text)?,
            "not-booked" => same(word, &false, &given.applied, text)?,
            "position" => {
                let expected: Quantity = words.value("a quantity")?;
                let found = given.position.as_ref().map(|position| position.quantity);
                same(word, &Some(expected), &found, |quantity| {
                    format!("{quantity:?}")
                })?;
            }
            "realised" => {
                let expected = words.value("an amount")?;
                same(word, &Some(expected), &given.realised, |money| {
                    format!("{money:?}")
                })?;
            }
            "in" => {
                let expected = words.next("a bucket")?.to_owned();
                let found = given.bucket.as_ref().map(text);
                same("bucket", &Some(expected), &found, |bucket| {
                    format!("{bucket:?}")
                })?;
            }
            "trim" => {
                let (id, quantity) = (words.next("an id")?, words.next("a quantity")?);
                trims.push(format!("{id} {quantity}"));
            }
            "breach" => {
                let expected = words.until(&[]).join(" ");
                let found: Vec<String> = given.breach.iter().map(name_of).collect();
                same(word, &expected, &found.join(" "), String::clone)?;
            }
            _ if word.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
                let state = given.order.as_ref().map(|order| name_of(&order.state));
                if state.as_deref() != Some(word) {
                    flags.push(word.to_owned());
                }
            }
            _ => {
                let order = given.order.as_ref().ok_or("there is no order")?;
                check_order_part(word, words, order)?;
            }
        }
    }
    let mut found: Vec<String> = given.flags.iter().map(name_of).collect();
    found.sort();
    flags.sort();
    same("flags", &flags.join(" "), &found.join(" "), String::clone)?;
    if !trims.is_empty() {
        let found: Vec<String> = given
            .trim
            .iter()
            .map(|(key, quantity)| format!("{} {quantity}", key.cl_ord_id))
            .collect();
        same("trim", &trims, &found, |trims| trims.join(", "))?;
    }
    Ok(())
}

/// Holds one figure of an order against what follows its word.
pub fn check_order_part(word: &str, words: &mut Words<'_>, order: &OrderView) -> Said<()> {
    match word {
        "leaves" | "filled" | "quantity" | "missing" => {
            let expected: Quantity = words.value("a quantity")?;
            let found = match word {
                "leaves" => order.leaves,
                "filled" => order.filled,
                "quantity" => order.quantity,
                _ => order.missing,
            };
            same(word, &expected, &found, text)
        }
        "reserved" => {
            let expected = words.value("an amount")?;
            same(word, &expected, &order.reserved, text)
        }
        "version" => {
            let expected = words.next("an id")?.to_owned();
            same(word, &expected, &order.cl_ord_id.to_string(), String::clone)
        }
        "pending" => {
            let expected = words.until(&[]).join(" ");
            let found: Vec<String> = order.pending.iter().map(text).collect();
            same(word, &expected, &found.join(" "), String::clone)
        }
        "via" => {
            let expected = words.next("a route")?.to_owned();
            same(word, &expected, &route(&order.route), String::clone)
        }
        "from" => {
            let expected = words.next("a bucket")?.to_owned();
            let found = order.source.as_ref().map(text);
            same(word, &Some(expected), &found, |source| {
                format!("{source:?}")
            })
        }
        "exit" => same(word, &true, &order.exit, text),
        _ => Err(format!("{word:?} is not understood of an order")),
    }
}
