//! Fields of a request: where they stand, and the rules that hold for every field of a kind.
//!
//! A reader returns `None` for what it refused and noted; the whole request is read before it is refused.

use std::borrow::Cow;
use std::fmt;

use prost_types::{Duration, Timestamp};

use super::error::{Malformed, Violation};
use crate::domain::amount::{Amount, Money, ParseError};
use crate::domain::name::{ClientId, Currency, Kind, Name, NameError};
use crate::pb;
use crate::risk::flaws::Flaw;

/// Most violations that are told one by one. They travel in a header, which some clients bound at 8 KiB.
pub const VIOLATIONS_MAX: usize = 32;
/// Most bytes of a text for people.
pub const TEXT_MAX: usize = 1_024;

const SECOND: i64 = 1_000_000_000;

/// What is said of a wrong field.
pub mod says {
    /// It must be there.
    pub const REQUIRED: &str = "required";
    /// It must not be there.
    pub const FORBIDDEN: &str = "does not belong to a message of this kind";
    /// An enum number outside the contract.
    pub const UNKNOWN_NUMBER: &str = "not a number of this enum";
    /// Zero or less.
    pub const NOT_POSITIVE: &str = "must be above zero";
    /// Less than zero.
    pub const NEGATIVE: &str = "must not be negative";
    /// Named before.
    pub const TWICE: &str = "named twice";
    /// The id of the report itself.
    pub const ITSELF: &str = "must name another execution than exec_id";
    /// Zero.
    pub const ZERO: &str = "must not be zero";
    /// Beyond the range of the field.
    pub const OUT_OF_RANGE: &str = "out of range";
    /// Seconds of a point in time.
    pub const TIME_RANGE: &str = "outside the years 1678 to 2261";
    /// Nanoseconds of a point in time or a duration.
    pub const NANOS: &str = "must be 0 to 999,999,999";
    /// Text for people, or a token.
    pub const TOO_LONG: &str = "too long";
    /// Text for people.
    pub const CONTROL_CHARACTER: &str = "a control character";
}

/// Where a field stands in its request. Built on the stack, and written out only when the field is wrong.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Field(&'static str),
    Item(usize),
}

impl Path<'_> {
    /// The request itself.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Field(""),
    };

    /// A field of the message at this path.
    #[must_use]
    pub const fn field(&self, name: &'static str) -> Path<'_> {
        Path {
            parent: Some(self),
            step: Step::Field(name),
        }
    }

    /// An item of the list at this path.
    #[must_use]
    pub const fn item(&self, index: usize) -> Path<'_> {
        Path {
            parent: Some(self),
            step: Step::Item(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else {
            return Ok(());
        };
        parent.fmt(f)?;
        match self.step {
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Field(name) if parent.parent.is_none() => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
        }
    }
}

/// Which numbers a field takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sign {
    /// All.
    Any,
    /// Zero and above.
    NotNegative,
    /// Above zero.
    Positive,
}

/// Everything that is wrong with one request.
#[derive(Debug, Default)]
pub struct Violations {
    found: Vec<Violation>,
    omitted: usize,
}

impl Violations {
    /// Notes that a field is wrong.
    #[cold]
    pub fn refuse(&mut self, at: Path<'_>, text: impl Into<Cow<'static, str>>) {
        if self.found.len() < VIOLATIONS_MAX {
            let field = at.to_string();
            self.found.push(Violation {
                field,
                text: text.into(),
            });
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    /// Notes what makes no sense about a document that was read. `ids` are those of its list of rules by instrument, in its order.
    pub fn flaws(&mut self, at: Path<'_>, flaws: Vec<Flaw>, ids: &[String]) {
        for flaw in flaws {
            let key = wire_field(&flaw.key, ids);
            let field = match at.parent {
                Some(_) => format!("{at}{key}"),
                None => key.trim_start_matches('.').to_owned(),
            };
            // The reader may have found it before, with other words.
            let told = |known: &Violation| {
                known.field == field || known.field.strip_suffix(".value") == Some(field.as_str())
            };
            if self.found.iter().any(told) {
                continue;
            }
            if self.found.len() < VIOLATIONS_MAX {
                let text = flaw.expected.into();
                self.found.push(Violation { field, text });
            } else {
                self.omitted = self.omitted.saturating_add(1);
            }
        }
    }

    /// The value that was read, if nothing was wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Malformed> {
        debug_assert!(
            value.is_some() || !self.found.is_empty(),
            "what is refused is noted"
        );
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(Malformed {
                violations: self.found,
                omitted: self.omitted,
            }),
        }
    }

    /// Notes what was found wrong with a part that was read by itself.
    pub fn more(&mut self, wrong: Malformed) {
        let Malformed {
            violations,
            omitted,
        } = wrong;
        let room = VIOLATIONS_MAX.saturating_sub(self.found.len());
        let beyond = violations.len().saturating_sub(room);
        self.found.extend(violations.into_iter().take(room));
        self.omitted = self.omitted.saturating_add(beyond).saturating_add(omitted);
    }

    /// A field that must be there.
    pub fn needed<T>(&mut self, at: Path<'_>, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.refuse(at, says::REQUIRED);
        }
        value
    }

    /// A field that was read and must be there.
    pub fn wanted<T>(&mut self, at: Path<'_>, value: Option<Option<T>>) -> Option<T> {
        self.needed(at, value?)
    }

    /// A field that must not be there.
    pub fn unwanted<T>(&mut self, at: Path<'_>, value: Option<Option<T>>) {
        if let Some(Some(_)) = value {
            self.refuse(at, says::FORBIDDEN);
        }
    }

    /// A name that must be there.
    pub fn name<K: Kind>(&mut self, at: Path<'_>, text: impl AsRef<str>) -> Option<Name<K>> {
        match text.as_ref().parse() {
            Ok(name) => Some(name),
            Err(error) => {
                self.refuse(
                    at,
                    match error {
                        NameError::Empty => says::REQUIRED,
                        NameError::TooLong => "longer than 64 characters",
                        NameError::NotPlain => "a character outside A-Z a-z 0-9 . _ : -",
                        NameError::NotPrintable => "a character that is not printable ASCII",
                    },
                );
                None
            }
        }
    }

    /// A name that may be left empty.
    pub fn name_if_any<K: Kind>(
        &mut self,
        at: Path<'_>,
        text: impl AsRef<str>,
    ) -> Option<Option<Name<K>>> {
        if text.as_ref().is_empty() {
            return Some(None);
        }
        self.name(at, text).map(Some)
    }

    /// The client that a message names, or the one that its session stands for.
    pub fn client(
        &mut self,
        at: Path<'_>,
        text: impl AsRef<str>,
        session: Option<&ClientId>,
    ) -> Option<ClientId> {
        let text = text.as_ref();
        let Some(session) = session else {
            return self.name(at, text);
        };
        if !text.is_empty() && text != session.as_str() {
            self.refuse(at, "another client than the session's");
            return None;
        }
        Some(session.clone())
    }

    /// A decimal that must be there.
    pub fn amount<U>(
        &mut self,
        at: Path<'_>,
        decimal: Option<impl AsRef<str>>,
        sign: Sign,
    ) -> Option<Amount<U>> {
        let amount = self.amount_if_any(at, decimal, sign);
        self.wanted(at, amount)
    }

    /// A decimal that may be absent.
    pub fn amount_if_any<U>(
        &mut self,
        at: Path<'_>,
        decimal: Option<impl AsRef<str>>,
        sign: Sign,
    ) -> Option<Option<Amount<U>>> {
        let Some(decimal) = decimal else {
            return Some(None);
        };
        let amount: Result<Amount<U>, ParseError> = decimal.as_ref().parse();
        let wrong = match amount {
            Ok(amount) => match sign {
                Sign::NotNegative if amount.is_negative() => says::NEGATIVE,
                Sign::Positive if !amount.is_positive() => says::NOT_POSITIVE,
                Sign::Any | Sign::NotNegative | Sign::Positive => return Some(Some(amount)),
            },
            Err(ParseError::Empty) => says::REQUIRED,
            Err(ParseError::Malformed) => "not a plain decimal number",
            Err(ParseError::TooLarge) => "more than 16 integer digits",
            Err(ParseError::TooFine) => "more than 12 decimals",
        };
        self.refuse(at.field("value"), wrong);
        None
    }

    /// A number of an enum of the contract; one that it does not have is never taken for a default.
    pub fn number<E: TryFrom<i32>>(&mut self, at: Path<'_>, number: i32) -> Option<E> {
        let value = E::try_from(number).ok();
        if value.is_none() {
            self.refuse(at, says::UNKNOWN_NUMBER);
        }
        value
    }

    /// A point in time in wall nanoseconds, which may be absent.
    pub fn time_if_any(&mut self, at: Path<'_>, time: Option<Timestamp>) -> Option<Option<i64>> {
        let Some(Timestamp { seconds, nanos }) = time else {
            return Some(None);
        };
        let nanos = self.nanos(at, nanos);
        // 64 bits end within a second; the whole of it is left out, so that the nanoseconds cannot matter.
        let second = seconds
            .checked_mul(SECOND)
            .filter(|nanos| nanos.checked_add(SECOND).is_some());
        if second.is_none() {
            self.refuse(at.field("seconds"), says::TIME_RANGE);
        }
        second?.checked_add(nanos?).map(Some)
    }

    /// A point in time in wall nanoseconds that must be there.
    pub fn time(&mut self, at: Path<'_>, time: Option<Timestamp>) -> Option<i64> {
        let time = self.time_if_any(at, time);
        self.wanted(at, time)
    }

    /// A length of time in nanoseconds within bounds, both inclusive, which may be absent.
    pub fn duration_if_any(
        &mut self,
        at: Path<'_>,
        duration: Option<Duration>,
        least: u64,
        most: u64,
    ) -> Option<Option<u64>> {
        let Some(Duration { seconds, nanos }) = duration else {
            return Some(None);
        };
        let nanos = self.nanos(at, nanos);
        if seconds < 0 {
            self.refuse(at.field("seconds"), says::NEGATIVE);
            return None;
        }
        let length = seconds
            .checked_mul(SECOND)
            .and_then(|length| length.checked_add(nanos?))
            .and_then(|length| u64::try_from(length).ok())
            .filter(|length| (least..=most).contains(length));
        if length.is_none() && nanos.is_some() {
            self.refuse(at, says::OUT_OF_RANGE);
        }
        length.map(Some)
    }

    /// A length of time in nanoseconds within bounds, both inclusive, that must be there.
    pub fn duration(
        &mut self,
        at: Path<'_>,
        duration: Option<Duration>,
        least: u64,
        most: u64,
    ) -> Option<u64> {
        let duration = self.duration_if_any(at, duration, least, most);
        self.wanted(at, duration)
    }

    fn nanos(&mut self, at: Path<'_>, nanos: i32) -> Option<i64> {
        let nanos = i64::from(nanos);
        if (0..SECOND).contains(&nanos) {
            return Some(nanos);
        }
        self.refuse(at.field("nanos"), says::NANOS);
        None
    }

    /// Words for people that must be there: they end up on terminals, so without control characters.
    pub fn words(&mut self, at: Path<'_>, text: String, most: usize) -> Option<String> {
        let wrong = if text.is_empty() {
            says::REQUIRED
        } else if text.len() > most {
            says::TOO_LONG
        } else if text.chars().any(char::is_control) {
            says::CONTROL_CHARACTER
        } else {
            return Some(text);
        };
        self.refuse(at, wrong);
        None
    }
}

/// Where the contract has what the domain calls by this key, from the document on.
fn wire_field(key: &[String], ids: &[String]) -> String {
    let mut field = String::new();
    let mut above = "";
    for step in key {
        let name = match (above, step.as_str()) {
            ("per_instrument", id) => {
                let place = ids.iter().position(|known| known == id);
                format!("[{}]", place.unwrap_or(0))
            }
            ("concentration", index) => format!("[{index}]"),
            ("order_rate" | "open_orders", "max") | ("look_alike", "count") => {
                ".orders_max".to_owned()
            }
            ("notional_rate", "max") => ".notional_max".to_owned(),
            (index, "max") if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                ".gross_notional_max".to_owned()
            }
            (_, "capital_share") => ".capital_share_max".to_owned(),
            (_, "per_instrument") => ".instruments".to_owned(),
            (_, "concentration") => ".concentrations".to_owned(),
            (_, "of") => ".value".to_owned(),
            (_, "collar") => ".price_collar".to_owned(),
            (_, "long_max") => ".position_long_max".to_owned(),
            (_, "short_max") => ".position_short_max".to_owned(),
            (_, "unsent_ttl") => ".reservation_ttl".to_owned(),
            (_, "jump_max") => ".mark_jump_max".to_owned(),
            (_, "settle") => ".settle_currency".to_owned(),
            (_, "expiry") => ".expires_at".to_owned(),
            (_, "strike") => ".strike_price".to_owned(),
            (_, "underlying_instrument") => ".underlying_instrument_id".to_owned(),
            (_, same) => format!(".{same}"),
        };
        field.push_str(&name);
        above = step;
    }
    field
}

/// The text of a decimal on the wire.
impl AsRef<str> for pb::Decimal {
    fn as_ref(&self) -> &str {
        &self.value
    }
}

/// An amount on the wire.
#[must_use]
pub fn decimal<U>(amount: Amount<U>) -> pb::Decimal {
    pb::Decimal {
        value: amount.to_string(),
    }
}

/// A point in time on the wire.
#[must_use]
pub fn timestamp(wall: i64) -> Timestamp {
    Timestamp {
        seconds: wall.div_euclid(SECOND),
        nanos: i32::try_from(wall.rem_euclid(SECOND)).unwrap_or(0),
    }
}

/// A length of time on the wire.
#[must_use]
pub fn duration(nanoseconds: u64) -> Duration {
    let second = SECOND.unsigned_abs();
    Duration {
        seconds: i64::try_from(nanoseconds.div_euclid(second)).unwrap_or(i64::MAX),
        nanos: i32::try_from(nanoseconds.rem_euclid(second)).unwrap_or(0),
    }
}

/// An amount of a currency on the wire.
#[must_use]
pub fn money(amount: Money, currency: &Currency) -> pb::Money {
    pb::Money {
        amount: Some(decimal(amount)),
        currency: currency.to_string(),
    }
}

/// A name that may be absent, on the wire.
#[must_use]
pub fn text<K>(name: Option<&Name<K>>) -> String {
    name.map(|name| name.as_str().to_owned())
        .unwrap_or_default()
}
