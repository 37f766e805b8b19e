//! Where a check says what it found, and where the mode of a limit decides what becomes of it.

use super::{GroupCase, Verdict};
use crate::domain::decision::{Dimension, Figures, Finding, Level, Reason};
use crate::risk::modes::Modes;

/// Whose document holds a limit.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) modes: &'a Modes,
    pub(super) level: Level,
}

/// Where a check says what it found.
pub(super) struct Bench<'v> {
    pub(super) reason: Reason,
    pub(super) exit: bool,
    pub(super) ran: bool,
    /// Whose limit is tested unless the check says otherwise.
    pub(super) owner: Owner<'v>,
    pub(super) verdict: &'v mut Verdict,
}

impl Bench<'_> {
    /// The limit is of no document that has modes.
    pub(super) const fn hold_always(&mut self) {
        self.owner.modes = &Modes::ENFORCED;
    }

    /// A yes or no without figures.
    pub(super) fn require(&mut self, level: Level, passes: bool) {
        let owner = self.owner;
        if owner.modes.is_off(self.reason) {
            return;
        }
        self.ran = true;
        if !passes {
            self.fail(
                owner,
                Finding {
                    reason: self.reason,
                    level,
                    dimension: None,
                    figures: None,
                },
            );
        }
    }

    /// A figure against a limit.
    pub(super) fn measure(&mut self, level: Level, figures: Figures) {
        self.measure_in(level, None, figures);
    }

    pub(super) fn measure_in(
        &mut self,
        level: Level,
        dimension: Option<Dimension>,
        figures: Figures,
    ) {
        self.weigh(self.owner, (level, dimension), figures, true);
    }

    /// A verdict of a group: figures only where the group discloses them (P3).
    pub(super) fn measure_group(&mut self, group: &GroupCase<'_>, figures: Figures) {
        self.measure_group_in(group, None, figures);
    }

    pub(super) fn measure_group_in(
        &mut self,
        group: &GroupCase<'_>,
        dimension: Option<Dimension>,
        figures: Figures,
    ) {
        self.weigh(
            group.owner(),
            (group.level, dimension),
            figures,
            group.limits.disclose,
        );
    }

    pub(super) fn weigh(
        &mut self,
        owner: Owner<'_>,
        (level, dimension): (Level, Option<Dimension>),
        figures: Figures,
        shown: bool,
    ) {
        if owner.modes.is_off(self.reason) {
            return;
        }
        self.ran = true;
        let finding = Finding {
            reason: self.reason,
            level,
            dimension,
            figures: shown.then_some(figures),
        };
        if let Some(list) = &mut self.verdict.figures {
            list.push(finding);
        }
        if figures.after > figures.limit && figures.after > figures.before {
            self.fail(owner, finding);
        }
    }

    /// A figure that is configured and cannot be had: refuses an increase, once for each cause.
    pub(super) fn unavailable(&mut self, cause: Reason) {
        self.unavailable_to(self.owner, cause);
    }

    pub(super) fn unavailable_to(&mut self, owner: Owner<'_>, cause: Reason) {
        if owner.modes.is_off(self.reason) {
            return;
        }
        self.ran = true;
        if !self.exit {
            self.fail(
                owner,
                Finding {
                    reason: cause,
                    level: Level::Order,
                    dimension: None,
                    figures: None,
                },
            );
        }
    }

    /// The one place where a mode decides what becomes of a limit that does not hold.
    fn fail(&mut self, owner: Owner<'_>, finding: Finding) {
        let Verdict {
            broken,
            shadow,
            shadowed,
            ..
        } = &mut *self.verdict;
        let list = if owner.modes.enforces(self.reason) {
            broken
        } else {
            let limit = (self.reason, owner.level);
            if !shadowed.contains(&limit) {
                shadowed.push(limit);
            }
            shadow
        };
        // A cause stands once, whichever checks it stood in the way of.
        let is_cause = finding.reason != self.reason;
        if !is_cause || list.iter().all(|known| known.reason != finding.reason) {
            list.push(finding);
        }
    }
}

impl GroupCase<'_> {
    pub(super) const fn owner(&self) -> Owner<'_> {
        Owner {
            modes: &self.limits.modes,
            level: self.level,
        }
    }
}
