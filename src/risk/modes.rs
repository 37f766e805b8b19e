//! Whether a limit is enforced, only counted, or not looked at.
//!
//! A limit in shadow is measured like an enforced one and refuses nothing: what it would have refused is told beside the answer. It stands
//! in the way of nothing, so that an engine without it gives the same answers.

use super::policy::MODAL;
use crate::domain::decision::{Reason, ReasonSet};

/// How a limit is held to, from the mildest.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Mode {
    /// Not looked at.
    Off,
    /// Measured and told of; refuses nothing.
    Shadow,
    /// What breaks it is refused.
    #[default]
    Enforce,
}

/// The modes of the limits of one document, each by the reason it gives.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Modes {
    whole: Mode,
    shadow: ReasonSet,
    off: ReasonSet,
}

impl Modes {
    /// Everything is enforced.
    pub const ENFORCED: Self = Self {
        whole: Mode::Enforce,
        shadow: ReasonSet::of_none(),
        off: ReasonSet::of_none(),
    };

    /// Every limit that may have a mode is in this one.
    #[must_use]
    pub const fn all(whole: Mode) -> Self {
        let (shadow, off) = match whole {
            Mode::Enforce => (ReasonSet::of_none(), ReasonSet::of_none()),
            Mode::Shadow => (MODAL, ReasonSet::of_none()),
            Mode::Off => (ReasonSet::of_none(), MODAL),
        };
        Self { whole, shadow, off }
    }

    /// The same with one limit in a mode of its own. Whether the limit may have one is for [`super::flaws`] to say.
    #[must_use]
    pub const fn with(mut self, limit: Reason, mode: Mode) -> Self {
        self.shadow.remove(limit);
        self.off.remove(limit);
        match mode {
            Mode::Enforce => {}
            Mode::Shadow => self.shadow.insert(limit),
            Mode::Off => self.off.insert(limit),
        }
        self
    }

    /// The mode of what has no mode of its own.
    #[must_use]
    pub const fn whole(&self) -> Mode {
        self.whole
    }

    /// The mode of a limit.
    #[must_use]
    pub const fn of(&self, limit: Reason) -> Mode {
        if self.off.contains(limit) {
            Mode::Off
        } else if self.shadow.contains(limit) {
            Mode::Shadow
        } else {
            Mode::Enforce
        }
    }

    /// Whether what breaks a limit is refused.
    #[must_use]
    pub const fn enforces(&self, limit: Reason) -> bool {
        !self.off.contains(limit) && !self.shadow.contains(limit)
    }

    /// Whether a limit is not looked at.
    #[must_use]
    pub const fn is_off(&self, limit: Reason) -> bool {
        self.off.contains(limit)
    }

    /// The limits that are not enforced, by number.
    #[must_use]
    pub const fn relaxed(&self) -> ReasonSet {
        let mut both = self.shadow;
        both.add(self.off);
        both
    }

    /// The limits with another mode than the whole document, by number.
    pub fn apart(&self) -> impl Iterator<Item = (Reason, Mode)> + '_ {
        let mut named = MODAL;
        named.add(self.relaxed());
        named
            .iter()
            .map(|limit| (limit, self.of(limit)))
            .filter(|(_, mode)| *mode != self.whole)
    }

    /// Of two owners' modes the stricter, limit by limit.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        let whole = self.whole.max(other.whole);
        let limits = Reason::ALL.iter().copied();
        limits.fold(Self::all(whole), |modes, limit| {
            modes.with(limit, self.of(limit).max(other.of(limit)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_one_limit_stands_against_what_is_said_of_all() {
        let modes = Modes::all(Mode::Shadow)
            .with(Reason::GrossNotional, Mode::Enforce)
            .with(Reason::PriceCollar, Mode::Off);
        assert_eq!(modes.of(Reason::NetNotional), Mode::Shadow);
        assert!(modes.enforces(Reason::GrossNotional));
        assert!(modes.is_off(Reason::PriceCollar));
        // What may have no mode is enforced, whatever is said of all.
        assert!(modes.enforces(Reason::StateHalted));
        assert!(Modes::all(Mode::Off).enforces(Reason::LegalRestriction));
        assert!(modes.apart().eq([
            (Reason::PriceCollar, Mode::Off),
            (Reason::GrossNotional, Mode::Enforce)
        ]));
    }

    #[test]
    fn the_stricter_of_two_modes_holds() {
        let one = Modes::ENFORCED
            .with(Reason::GrossNotional, Mode::Shadow)
            .with(Reason::NetNotional, Mode::Off)
            .with(Reason::OpenOrders, Mode::Off);
        let other = Modes::all(Mode::Off).with(Reason::OpenOrders, Mode::Shadow);
        let both = one.stricter(&other);
        assert_eq!(both, other.stricter(&one));
        assert_eq!(both.of(Reason::GrossNotional), Mode::Shadow);
        assert_eq!(both.of(Reason::NetNotional), Mode::Off);
        assert_eq!(both.of(Reason::OpenOrders), Mode::Shadow);
        assert_eq!(both.of(Reason::OrderRate), Mode::Enforce);
        assert_eq!(both.whole(), Mode::Enforce);
    }
}
