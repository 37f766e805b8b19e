//! The largest quantity that would pass, and what binds just above it (K2): a search over whole lots by asking again.
//!
//! Whatever is measured grows with the quantity, and what lets an exit through lets smaller ones through too: once a quantity is refused
//! every larger one is. [`Reason::LookAlike`] alone is asked of one quantity and says nothing of the next; it is passed over on the way and
//! looked at where the search ends.

use std::collections::BTreeMap;

use crate::domain::decision::{Dimension, Finding, Level, Reason};

/// Lots that are stepped down, one by one, from a quantity that is only too much alike.
const STEPS: usize = 256;

/// What a search comes to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Largest {
    /// The largest number of lots that passes; every smaller one does too, or is too much alike. Zero where none passes.
    pub lots: i128,
    /// What refuses one lot more, in order of precedence; nothing where the largest there is passes.
    pub binding: Vec<Finding>,
    /// The limits met on the way, the one that binds first at the head, each as it refuses first and with the largest number of lots
    /// that it lets through.
    pub limits: Vec<(Finding, i128)>,
}

/// Searches from one lot to `most`. `probe` says what is broken at a number of lots.
#[must_use]
pub fn largest(most: i128, probe: impl FnMut(i128) -> Vec<Finding>) -> Largest {
    if most < 1 {
        return Largest::default();
    }
    let mut search = Search {
        probe,
        known: BTreeMap::new(),
    };
    let (mut passes, mut end) = (0_i128, 1_i128);
    while search.first_bound(end).is_none() {
        passes = end;
        if end == most {
            break;
        }
        end = end.saturating_mul(2).min(most);
    }
    if passes < end {
        passes = search.halve(passes, end, |list| list.iter().any(is_bound));
    }
    let limits = if passes < most {
        search.limits(passes, end)
    } else {
        Vec::new()
    };
    let lots = search.step_down(passes);
    let above = lots.saturating_add(1);
    let binding = if above > most {
        Vec::new()
    } else {
        search.at(above).to_vec()
    };
    Largest {
        lots,
        binding,
        limits,
    }
}

/// Whether a finding tells of larger quantities, too.
fn is_bound(finding: &Finding) -> bool {
    finding.reason != Reason::LookAlike
}

/// What tells limits apart: of two concentration limits in one dimension the bound does.
type Limit = (Reason, Level, Option<Dimension>, Option<i128>);

fn limit_of(finding: &Finding) -> Limit {
    let bound = finding.figures.map(|figures| figures.limit);
    (finding.reason, finding.level, finding.dimension, bound)
}

struct Search<P> {
    probe: P,
    known: BTreeMap<i128, Vec<Finding>>,
}

impl<P: FnMut(i128) -> Vec<Finding>> Search<P> {
    fn at(&mut self, lots: i128) -> &[Finding] {
        let Self { probe, known } = self;
        known.entry(lots).or_insert_with(|| probe(lots))
    }

    fn first_bound(&mut self, lots: i128) -> Option<&Finding> {
        self.at(lots).iter().find(|finding| is_bound(finding))
    }

    /// The last number of lots before `breaks` first holds; it does not at `low`, and does at `high`.
    fn halve(
        &mut self,
        mut low: i128,
        mut high: i128,
        breaks: impl Fn(&[Finding]) -> bool,
    ) -> i128 {
        // What was asked on the way up narrows it.
        for (lots, list) in self.known.range(low..=high) {
            match breaks(list) {
                true => {
                    high = *lots;
                    break;
                }
                false => low = *lots,
            }
        }
        loop {
            let between = low.midpoint(high);
            if between <= low {
                return low;
            }
            match breaks(self.at(between)) {
                true => high = between,
                false => low = between,
            }
        }
    }

    /// The limits that refuse one lot more than pass, and those that refuse `end` lots, the tightest first.
    fn limits(&mut self, passes: i128, end: i128) -> Vec<(Finding, i128)> {
        let next = passes.saturating_add(1);
        let mut limits: Vec<(Finding, i128)> = Vec::new();
        for at in [next, end] {
            let broken = self.at(at).to_vec();
            for finding in broken.iter().filter(|finding| is_bound(finding)) {
                let limit = limit_of(finding);
                if limits.iter().any(|(known, _)| limit_of(known) == limit) {
                    continue;
                }
                let is_it = |finding: &Finding| limit_of(finding) == limit;
                let lots = match at == next {
                    true => passes,
                    false => self.halve(next, end, |list| list.iter().any(is_it)),
                };
                let first = self.at(lots.saturating_add(1)).iter();
                let first = first.copied().find(is_it);
                limits.push((first.unwrap_or(*finding), lots));
            }
        }
        limits.sort_by_key(|(_, lots)| *lots);
        limits
    }

    /// The largest number of lots that is not too much alike; none after so many steps.
    fn step_down(&mut self, from: i128) -> i128 {
        let mut lots = from;
        for _ in 0..STEPS {
            if lots == 0 || self.at(lots).is_empty() {
                return lots;
            }
            lots = lots.saturating_sub(1);
        }
        0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;
    use crate::domain::decision::{Figures, Unit};
    use proptest::prelude::*;

    fn finding(reason: Reason, limit: i128, after: i128) -> Finding {
        Finding {
            reason,
            level: Level::Bucket,
            dimension: None,
            figures: Some(Figures {
                unit: Unit::Quantity,
                limit,
                before: 0,
                after,
            }),
        }
    }

    /// Limits by their bound in lots, and quantities that are too much alike.
    fn probe(bounds: &[i128], alike: &[i128], lots: i128) -> Vec<Finding> {
        let reasons = [
            Reason::OrderQuantity,
            Reason::PositionLong,
            Reason::GrossNotional,
        ];
        let broken = bounds
            .iter()
            .zip(reasons)
            .filter(|(bound, _)| lots > **bound);
        let mut list: Vec<Finding> = broken
            .map(|(bound, reason)| finding(reason, *bound, lots))
            .collect();
        if alike.contains(&lots) {
            list.insert(0, finding(Reason::LookAlike, 1, 2));
        }
        list
    }

    #[test]
    fn it_ends_at_the_tightest_limit_and_tells_the_others_within_the_range() {
        let asked = core::cell::Cell::new(0);
        let found = largest(1 << 80, |lots| {
            asked.set(asked.get() + 1);
            probe(&[1_000, 900, 5_000_000], &[], lots)
        });
        assert_eq!(found.lots, 900);
        assert_eq!(found.binding, [finding(Reason::PositionLong, 900, 901)]);
        assert_eq!(
            found.limits,
            [
                (finding(Reason::PositionLong, 900, 901), 900),
                (finding(Reason::OrderQuantity, 1_000, 1_001), 1_000)
            ]
        );
        assert!(asked.get() < 40, "{}", asked.get());
    }

    #[test]
    fn where_nothing_binds_the_largest_there_is_passes() {
        let found = largest(1_000, |_| Vec::new());
        assert_eq!((found.lots, found.binding.len()), (1_000, 0));
        assert_eq!(largest(0, |_| Vec::new()).lots, 0);
        let none = largest(1_000, |lots| probe(&[0], &[], lots));
        assert_eq!(
            (none.lots, none.binding.len(), none.limits.len()),
            (0, 1, 1)
        );
    }

    #[test]
    fn what_is_too_much_alike_is_stepped_over() {
        let found = largest(100, |lots| probe(&[50], &[1, 2, 32, 49, 50], lots));
        assert_eq!(found.lots, 48);
        assert_eq!(found.binding, [finding(Reason::LookAlike, 1, 2)]);
        let first = found.limits.first().map(|(_, lots)| *lots);
        assert_eq!(first, Some(50));
    }

    proptest! {
        #[test]
        fn it_is_what_counting_up_finds(
            bounds in prop::collection::vec(0..80_i128, 0..3),
            alike in prop::collection::vec(1..80_i128, 0..6),
            most in 1..80_i128,
        ) {
            let found = largest(most, |lots| probe(&bounds, &alike, lots));
            let least = bounds.iter().copied().min().unwrap_or(most).min(most);
            let passing = (1..=least).rev().find(|lots| !alike.contains(lots));
            prop_assert_eq!(found.lots, passing.unwrap_or(0));
            if found.lots < most {
                prop_assert_eq!(&found.binding, &probe(&bounds, &alike, found.lots + 1));
                prop_assert!(!found.binding.is_empty());
            }
            for (limit, lots) in &found.limits {
                prop_assert_eq!(limit.figures.map(|figures| figures.limit), Some(*lots));
            }
        }
    }
}
