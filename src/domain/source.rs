//! What several sources say of one price: which word is older than their own last one, and whether they agree (N4).

use super::amount::{Amount, Ratio};
use super::name::Tag;
use super::time::Now;

/// How far two sources may be apart, as a share of the lesser, where nothing else is said.
pub const DIVERGENCE_MAX: Ratio = Ratio::from_units(100_000_000_000);

/// Sources that are remembered for one price. Of more, the one that has been silent for longest is forgotten.
pub const SOURCES_MAX: usize = 8;

/// What one of them said last.
#[derive(Clone, Debug)]
struct Said<U> {
    source: Option<Tag>,
    /// Time at the source, wall nanoseconds.
    source_time: i64,
    /// Time of receipt, monotonic nanoseconds.
    received: u64,
    value: Option<Amount<U>>,
}

/// The last words of all sources of one price. One without a name is a source like any other.
#[derive(Clone, Debug)]
pub struct Sources<U>(Vec<Said<U>>);

impl<U> Default for Sources<U> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<U> Sources<U> {
    /// Whether the source has said something younger before.
    #[must_use]
    pub fn is_out_of_order(&self, source: Option<&Tag>, source_time: i64) -> bool {
        let mut said = self.0.iter();
        said.any(|said| said.source.as_ref() == source && source_time < said.source_time)
    }

    /// Notes what a source says now.
    pub fn note(
        &mut self,
        source: Option<&Tag>,
        source_time: i64,
        value: Option<Amount<U>>,
        now: Now,
    ) {
        let said = Said {
            source: source.cloned(),
            source_time,
            received: now.mono,
            value,
        };
        let own = self.0.iter_mut().find(|it| it.source.as_ref() == source);
        if let Some(own) = own {
            *own = said;
        } else if self.0.len() < SOURCES_MAX {
            self.0.push(said);
        } else if let Some(silent) = self.0.iter_mut().min_by_key(|it| it.received) {
            *silent = said;
        }
    }

    /// Whether another source contradicts this one: it spoke not longer ago than `max_age`, and is further away than `most`. What cannot
    /// be computed is a contradiction; a source that gave no price says nothing.
    #[must_use]
    pub fn dispute(
        &self,
        source: Option<&Tag>,
        value: Option<Amount<U>>,
        (max_age, most): (u64, Ratio),
        now: Now,
    ) -> bool {
        let Some(value) = value else { return false };
        let mut others = self
            .0
            .iter()
            .filter(|said| said.source.as_ref() != source && now.since(said.received) <= max_age);
        others.any(|said| {
            said.value
                .is_some_and(|other| !agree(value, other, most).unwrap_or(false))
        })
    }
}

fn agree<U>(one: Amount<U>, other: Amount<U>, most: Ratio) -> Option<bool> {
    let apart = one.checked_sub(other)?.checked_abs()?;
    let lesser = one.checked_abs()?.min(other.checked_abs()?);
    Some(apart <= lesser.times_down(most)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;
    use crate::domain::amount::Price;

    const RULE: (u64, Ratio) = (10, DIVERGENCE_MAX);

    fn at(mono: u64) -> Now {
        Now { wall: 0, mono }
    }

    fn sources(said: &[(&str, &str, u64)]) -> Sources<crate::domain::amount::PriceUnit> {
        let mut sources = Sources::default();
        for (source, price, mono) in said {
            sources.note(Some(&tag(source)), 0, Some(px(price)), at(*mono));
        }
        sources
    }

    fn tag(name: &str) -> Tag {
        name.parse().unwrap()
    }

    fn px(price: &str) -> Price {
        price.parse().unwrap()
    }

    #[test]
    fn sources_agree_up_to_a_share_of_the_lesser_and_while_they_are_young() {
        let cases = [
            ("the same", "100", "100", 0, false),
            ("at the bound above", "100", "110", 0, false),
            ("beyond it", "100", "110.000000000001", 0, true),
            ("at the bound below", "110", "100", 0, false),
            ("beyond it", "110.1", "100", 0, true),
            ("negative prices", "-100", "-110", 0, false),
            ("beyond it", "-100", "-111", 0, true),
            ("across zero", "-1", "1", 0, true),
            ("nothing is near zero", "0", "0.01", 0, true),
            ("but zero itself", "0", "0", 0, false),
            ("an old word counts up to its age", "100", "200", 10, true),
            ("and not beyond it", "100", "200", 11, false),
        ];
        for (name, before, says, later, expected) in cases {
            let sources = sources(&[("a", before, 5)]);
            let now = at(5 + later);
            let told = |source| sources.dispute(Some(&tag(source)), Some(px(says)), RULE, now);
            assert_eq!(told("b"), expected, "{name}");
            assert!(!told("a"), "{name}: nobody contradicts himself");
        }
        let silent = sources(&[("a", "100", 0)]).dispute(None, None, RULE, at(0));
        assert!(!silent);
    }

    #[test]
    fn times_are_compared_within_one_source() {
        let mut sources = sources(&[]);
        sources.note(None, 10, Some(px("1")), at(0));
        assert!(sources.is_out_of_order(None, 9));
        assert!(!sources.is_out_of_order(None, 10));
        assert!(!sources.is_out_of_order(Some(&tag("b")), 9));
    }

    #[test]
    fn the_source_that_is_silent_for_longest_is_forgotten() {
        let mut sources = sources(&[]);
        for index in 0..=SOURCES_MAX {
            let name = tag(&format!("s{index}"));
            let mono = u64::try_from(index).unwrap();
            sources.note(Some(&name), 10, Some(px("1")), at(mono));
        }
        assert_eq!(sources.0.len(), SOURCES_MAX);
        assert!(!sources.is_out_of_order(Some(&tag("s0")), 9));
        assert!(sources.is_out_of_order(Some(&tag("s1")), 9));
    }
}
