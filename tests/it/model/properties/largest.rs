//! The largest quantity that would pass.

use bulkhead::domain::decision::{Finding, Level, Reason};
use bulkhead::domain::order::{Order, RerouteConsent, Size};
use bulkhead::engine::answer::{Answer, LargestOf};

use super::{broken, no_end, walk};
use crate::model::naive::{ONE, Said, U};
use crate::model::run::{Checked, Run, fail, hashes, same};
use crate::model::world::{CONTRACTS, Dice, FULL, amount, order};
use crate::support::id;

/// The same order of so many.
fn of(order: &Order, units: U) -> Order {
    Order {
        size: Size::Quantity(amount(units)),
        ..order.clone()
    }
}

fn ask(run: &Run, order: &Order, units: U) -> Answer {
    run.engine
        .what_if(&of(order, units), run.now(), false)
        .unwrap()
}

/// What the model has against a quantity; look-alikes concern that one alone.
fn against(run: &mut Run, order: &Order, units: U) -> Vec<Reason> {
    let said = run.model.decide(&of(order, units), false);
    let Said::Rejected(findings) = said else {
        return Vec::new();
    };
    let reasons = findings.iter().map(|finding| finding.reason);
    reasons
        .filter(|reason| *reason != Reason::LookAlike)
        .collect()
}

/// What tells a limit from another.
fn limit(finding: &Finding) -> (Reason, Level, Option<U>) {
    let bound = finding.figures.map(|figures| figures.limit);
    (finding.reason, finding.level, bound)
}

fn look(run: &mut Run, order: &Order, found: &LargestOf, lot: U) -> Checked {
    let largest = found.quantity.units();
    same("on the lot", largest % lot, 0)?;
    if largest > 0 {
        let passes = ask(run, order, largest);
        same(
            "what is broken at the largest",
            broken(&passes.decision),
            &[],
        )?;
        same("exit", passes.exit, found.exit)?;
    }
    let above = ask(run, order, largest + lot);
    let ends = largest + lot >= 10_000_000_000_000_000 * ONE;
    if !ends {
        same("what binds", broken(&above.decision), &found.binding[..])?;
        same("something binds", found.binding.is_empty(), false)?;
    }
    // Counting up with the model's arithmetic, where lots are whole and few.
    if lot == ONE && largest <= 30 * ONE {
        for units in (1..=largest / ONE).map(|lots| lots * ONE) {
            let reasons = against(run, order, units);
            if !reasons.is_empty() {
                return Err(fail(format!(
                    "{units} of {largest} are refused: {reasons:?}"
                )));
            }
        }
        let too_alike = found
            .binding
            .iter()
            .any(|it| it.reason == Reason::LookAlike);
        if against(run, order, largest + ONE).is_empty() && !too_alike {
            return Err(fail(format!("the model takes more than {largest}")));
        }
    }
    for (finding, quantity) in &found.limits {
        let hidden = finding.level.is_above() && finding.figures.is_none();
        same("hidden", quantity.is_none(), hidden)?;
        let Some(quantity) = quantity else { continue };
        let known = |answer: &Answer| {
            let mut list = broken(&answer.decision).iter();
            list.any(|it| limit(it) == limit(finding))
        };
        if !quantity.is_zero() && known(&ask(run, order, quantity.units())) {
            return Err(fail(format!("{finding:?} refuses {quantity} already")));
        }
        let next = ask(run, order, quantity.units() + lot);
        let is_first = broken(&next.decision).contains(finding);
        same("refuses first one lot above", is_first, true)?;
    }
    Ok(())
}

/// K2: the largest quantity passes and one lot more does not, as counting up finds it; what binds is what a what-if says; and nothing
/// changes by asking.
#[test]
fn k2_the_largest_quantity_passes_and_one_lot_more_does_not() {
    let (some, none) = (std::cell::Cell::new(0_u32), std::cell::Cell::new(0_u32));
    walk(
        "k2",
        300,
        FULL,
        |run, event| {
            let number = run.past.len();
            let salt = run.model.pools[0].rules.patience ^ (run.now().mono << 20);
            let mut dice = Dice((number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt);
            run.both(event)?;
            if number % 3 != 0 {
                return Ok(());
            }
            let bucket = usize::try_from(dice.roll(3)).unwrap();
            let mut order = order(
                &mut dice,
                bucket,
                format!("k{number}"),
                FULL,
                run.now().wall,
            );
            if dice.one_in(2) {
                order.instrument = id("E");
            }
            order.attributes.reroute = RerouteConsent::No;
            order.display = None;
            let contract = CONTRACTS
                .iter()
                .find(|contract| contract.name == order.instrument.as_str());
            let lot = contract.map_or(ONE, |contract| contract.lot);
            let (before, sequence) = (hashes(&run.engine, run.now()), run.engine.sequence());
            let found = run
                .engine
                .max_quantity(&order, &[order.side], run.now())
                .unwrap();
            same("hashes", hashes(&run.engine, run.now()), before)?;
            same("sequence", run.engine.sequence(), sequence)?;
            let [of] = &found.sides[..] else {
                return Err(fail("one side"));
            };
            let count = if of.quantity.is_zero() { &none } else { &some };
            count.set(count.get() + 1);
            look(run, &order, of, lot)
        },
        no_end,
    );
    assert!(some.get() > 50 && none.get() > 20, "{some:?} {none:?}");
}
