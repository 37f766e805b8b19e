//! Exact numbers: prices, quantities, money and ratios as fixed-point integers with twelve decimals.
//!
//! One representation for all of them keeps the decision path free of scale handling; the unit parameter keeps them from being mixed.
//! There are no operators: every operation is named, checked, and says how it rounds. Decimal text and `rust_decimal` appear only at the edge.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::str::FromStr;

use rust_decimal::Decimal;

/// Number of decimals every amount carries.
pub const DECIMALS: u32 = 12;
/// Most integer digits an amount read from outside may have.
pub const INTEGER_DIGITS: usize = 16;

const ONE: i128 = 1_000_000_000_000;
const PARSED_MAX: i128 = 10_i128.pow(28);

/// A fixed-point number of twelve decimals in the unit `U`.
pub struct Amount<U>(i128, PhantomData<fn() -> U>);

/// Unit tag of [`Price`].
#[derive(Debug)]
pub enum PriceUnit {}
/// Unit tag of [`Quantity`].
#[derive(Debug)]
pub enum QuantityUnit {}
/// Unit tag of [`Money`].
#[derive(Debug)]
pub enum MoneyUnit {}
/// Unit tag of [`Ratio`].
#[derive(Debug)]
pub enum RatioUnit {}

/// Price of one unit of an instrument, in its quote currency.
pub type Price = Amount<PriceUnit>;
/// Quantity of an instrument: contracts, shares or coins.
pub type Quantity = Amount<QuantityUnit>;
/// An amount of one currency.
pub type Money = Amount<MoneyUnit>;
/// A pure number: contract multiplier, currency rate, collar width, slippage.
pub type Ratio = Amount<RatioUnit>;

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// No digits at all.
    #[error("empty")]
    Empty,
    /// Something other than an optional minus sign, digits and one point with digits on both sides.
    #[error("not a plain decimal number")]
    Malformed,
    /// More than sixteen integer digits.
    #[error("more than 16 integer digits")]
    TooLarge,
    /// More than twelve decimals.
    #[error("more than 12 decimals")]
    TooFine,
}

impl<U> Amount<U> {
    /// Zero.
    pub const ZERO: Self = Self(0, PhantomData);
    /// One unit.
    pub const ONE: Self = Self(ONE, PhantomData);

    /// The amount of `units` millionths of a millionth.
    #[must_use]
    pub const fn from_units(units: i128) -> Self {
        Self(units, PhantomData)
    }

    /// The amount in millionths of a millionth.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }

    /// A whole number.
    #[must_use]
    pub fn whole(number: i64) -> Self {
        Self(i128::from(number).saturating_mul(ONE), PhantomData)
    }

    /// Whether the amount is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether the amount is above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether the amount is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Sum, or nothing on overflow.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum, PhantomData)),
            None => None,
        }
    }

    /// Difference, or nothing on overflow.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference, PhantomData)),
            None => None,
        }
    }

    /// The amount with the other sign, or nothing on overflow.
    #[must_use]
    pub const fn checked_neg(self) -> Option<Self> {
        match self.0.checked_neg() {
            Some(negated) => Some(Self(negated, PhantomData)),
            None => None,
        }
    }

    /// Distance from zero, or nothing on overflow.
    #[must_use]
    pub const fn checked_abs(self) -> Option<Self> {
        match self.0.checked_abs() {
            Some(abs) => Some(Self(abs, PhantomData)),
            None => None,
        }
    }

    /// The amount, or zero where it is negative.
    #[must_use]
    pub const fn floor_zero(self) -> Self {
        if self.0 < 0 { Self::ZERO } else { self }
    }

    /// Times a ratio, rounded up (towards +∞).
    #[must_use]
    pub fn times_up(self, ratio: Ratio) -> Option<Self> {
        mul(self.0, ratio.0, Round::Up).map(Self::from_units)
    }

    /// Times a ratio, rounded down (towards −∞).
    #[must_use]
    pub fn times_down(self, ratio: Ratio) -> Option<Self> {
        mul(self.0, ratio.0, Round::Down).map(Self::from_units)
    }

    /// Whether the amount is a whole multiple of `step`; a step of zero or less allows nothing.
    #[must_use]
    pub fn is_multiple_of(self, step: Self) -> bool {
        if step.0 <= 0 {
            return false;
        }
        // Real prices and steps fit 64 bits; the wide remainder is a library call ten times slower.
        match (i64::try_from(self.0), i64::try_from(step.0)) {
            (Ok(amount), Ok(step)) => amount.checked_rem(step) == Some(0),
            _ => self.0.checked_rem(step.0) == Some(0),
        }
    }

    /// This amount as a share of another, rounded up; nothing where the other is not positive.
    #[must_use]
    pub fn ratio_up(self, of: Self) -> Option<Ratio> {
        if of.0 <= 0 {
            return None;
        }
        div(self.0, of.0, Round::Up).map(Ratio::from_units)
    }

    /// Exact conversion to a decimal, for output and for reports; nothing beyond 28 digits.
    #[must_use]
    pub fn to_decimal(self) -> Option<Decimal> {
        Decimal::try_from_i128_with_scale(self.0, DECIMALS)
            .ok()
            .map(|decimal| decimal.normalize())
    }

    /// Exact conversion from a decimal; nothing where it has more than twelve decimals or sixteen integer digits.
    #[must_use]
    pub fn from_decimal(decimal: Decimal) -> Option<Self> {
        let decimal = decimal.normalize();
        let missing = DECIMALS.checked_sub(decimal.scale())?;
        let units = decimal
            .mantissa()
            .checked_mul(10_i128.checked_pow(missing)?)?;
        (units.unsigned_abs() < PARSED_MAX.unsigned_abs()).then_some(Self(units, PhantomData))
    }
}

impl Quantity {
    /// The smallest multiple of `step` that is not below this; nothing on overflow or for a step of zero or less.
    #[must_use]
    pub fn round_up_to(self, step: Self) -> Option<Self> {
        if step.0 <= 0 {
            return None;
        }
        let beyond = self.0.checked_rem_euclid(step.0)?;
        if beyond == 0 {
            return Some(self);
        }
        self.0
            .checked_sub(beyond)?
            .checked_add(step.0)
            .map(Self::from_units)
    }

    /// Value of this quantity at a price, times the contract multiplier, rounded up.
    #[must_use]
    pub fn notional_at(self, price: Price, multiplier: Ratio) -> Option<Money> {
        let plain = mul(self.0, price.0, Round::Up)?;
        if multiplier.0 == ONE {
            return Some(Money::from_units(plain));
        }
        // Both factors first, so that only one rounding happens where the digits allow it.
        let unit = mul_exact(price.0, multiplier.0);
        match unit {
            Some(unit) => mul(self.0, unit, Round::Up).map(Money::from_units),
            None => mul(plain, multiplier.0, Round::Up).map(Money::from_units),
        }
    }

    /// Value of this quantity at a unit value, rounded up (towards +∞).
    #[must_use]
    pub fn value_at(self, unit: Money) -> Option<Money> {
        mul(self.0, unit.0, Round::Up).map(Money::from_units)
    }

    /// Times a multiplier, as an amount of money: the fixed contract value of an inverse instrument.
    #[must_use]
    pub fn times_multiplier(self, multiplier: Ratio) -> Option<Money> {
        mul(self.0, multiplier.0, Round::Up).map(Money::from_units)
    }
}

impl Money {
    /// Largest quantity this money buys at a price and multiplier, rounded up: the adverse reading of a cash order.
    #[must_use]
    pub fn quantity_up(self, unit: Money) -> Option<Quantity> {
        if unit.0 <= 0 {
            return None;
        }
        div(self.0, unit.0, Round::Up).map(Quantity::from_units)
    }

    /// This money divided by a price, rounded as said: the coin value of an inverse contract.
    #[must_use]
    pub fn divided_by(self, price: Price, round: Round) -> Option<Money> {
        div(self.0, price.0, round).map(Money::from_units)
    }

    /// The part of this money that belongs to `part` of `whole`, rounded down; nothing where the whole is not positive.
    #[must_use]
    pub fn share(self, part: Quantity, whole: Quantity) -> Option<Money> {
        if whole.0 <= 0 {
            return None;
        }
        if part.0 == whole.0 {
            return Some(self);
        }
        mul_div(self.0, part.0, whole.0, Round::Down).map(Money::from_units)
    }

    /// Price per unit of `quantity`, rounded to the nearest twelfth decimal, for display only.
    #[must_use]
    pub fn per(self, quantity: Quantity, multiplier: Ratio) -> Option<Price> {
        let contracts = mul(quantity.0, multiplier.0, Round::Down)?;
        if contracts == 0 {
            return None;
        }
        div(self.0, contracts, Round::Down).map(Price::from_units)
    }
}

impl Price {
    /// The price as the value of one contract of `multiplier`, rounded up.
    #[must_use]
    pub fn unit_value(self, multiplier: Ratio) -> Option<Money> {
        mul(self.0, multiplier.0, Round::Up).map(Money::from_units)
    }
}

/// Direction of a rounding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Round {
    /// Towards +∞.
    Up,
    /// Towards −∞.
    Down,
}

/// `a × b / 10¹²`, or nothing on overflow.
fn mul(a: i128, b: i128, round: Round) -> Option<i128> {
    if b == ONE {
        return Some(a);
    }
    let negative = (a < 0) != (b < 0);
    let (a, b) = (a.unsigned_abs(), b.unsigned_abs());
    let (whole, fraction) = match (u64::try_from(a), u64::try_from(b)) {
        // Both fit 64 bits: one exact product, one division by a constant.
        (Ok(a), Ok(b)) => split(u128::from(a).checked_mul(u128::from(b))?),
        _ => {
            let (a_whole, a_fraction) = split(a);
            let (b_whole, b_fraction) = split(b);
            let (low, rest) = split(a_fraction.checked_mul(b_fraction)?);
            let whole = a_whole
                .checked_mul(b)?
                .checked_add(a_fraction.checked_mul(b_whole)?)?
                .checked_add(low)?;
            (whole, rest)
        }
    };
    finish(whole, fraction != 0, negative, round)
}

/// `a × b / 10¹²` where the result is exact, else nothing.
fn mul_exact(a: i128, b: i128) -> Option<i128> {
    let up = mul(a, b, Round::Up)?;
    (mul(a, b, Round::Down)? == up).then_some(up)
}

/// `a × 10¹² / b`, or nothing on overflow or division by zero.
fn div(a: i128, b: i128, round: Round) -> Option<i128> {
    mul_div(a, ONE, b, round)
}

/// `a × b / c` with the whole product kept in 256 bits, or nothing on overflow or division by zero.
fn mul_div(a: i128, b: i128, c: i128, round: Round) -> Option<i128> {
    let negative = ((a < 0) != (b < 0)) != (c < 0);
    let (a, b, c) = (a.unsigned_abs(), b.unsigned_abs(), c.unsigned_abs());
    if c == 0 {
        return None;
    }
    let (quotient, rest) = match a.checked_mul(b) {
        Some(product) => (product.checked_div(c)?, product.checked_rem(c)?),
        None => wide_div(a, b, c)?,
    };
    finish(quotient, rest != 0, negative, round)
}

/// Long division of the 256-bit product `a × b` by `c`, bit by bit: rare, and only outside the decision of an order.
fn wide_div(a: u128, b: u128, c: u128) -> Option<(u128, u128)> {
    // Shift-and-add over the bits of b, reducing modulo c as it goes: quotient = Σ 2ⁱ·(a·bᵢ) / c.
    let (mut quotient, mut rest) = (0_u128, 0_u128);
    let (a_quotient, a_rest) = (a.checked_div(c)?, a.checked_rem(c)?);
    for bit in (0..u128::BITS).rev() {
        quotient = quotient.checked_mul(2)?;
        let doubled = rest.checked_mul(2)?;
        quotient = quotient.checked_add(doubled.checked_div(c)?)?;
        rest = doubled.checked_rem(c)?;
        if (b.checked_shr(bit)? & 1) == 1 {
            quotient = quotient.checked_add(a_quotient)?;
            let sum = rest.checked_add(a_rest)?;
            quotient = quotient.checked_add(sum.checked_div(c)?)?;
            rest = sum.checked_rem(c)?;
        }
    }
    Some((quotient, rest))
}

/// Quotient and remainder by 10¹²; 64-bit values take the cheap way.
fn split(value: u128) -> (u128, u128) {
    const STEP: u64 = 1_000_000_000_000;
    match u64::try_from(value) {
        Ok(small) => (u128::from(small / STEP), u128::from(small % STEP)),
        Err(_) => {
            let step = u128::from(STEP);
            (
                value.checked_div(step).unwrap_or(0),
                value.checked_rem(step).unwrap_or(0),
            )
        }
    }
}

fn finish(magnitude: u128, inexact: bool, negative: bool, round: Round) -> Option<i128> {
    let away = inexact && matches!((round, negative), (Round::Up, false) | (Round::Down, true));
    let magnitude = i128::try_from(magnitude.checked_add(u128::from(away))?).ok()?;
    if negative {
        magnitude.checked_neg()
    } else {
        Some(magnitude)
    }
}

impl<U> FromStr for Amount<U> {
    type Err = ParseError;

    /// Reads `-?[0-9]+(\.[0-9]+)?` with at most sixteen integer digits (leading zeros aside) and twelve decimals; never rounds.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if digits.is_empty() {
            return Err(if negative {
                ParseError::Malformed
            } else {
                ParseError::Empty
            });
        }
        let (integer, fraction) = match digits.split_once('.') {
            Some((_, "")) => return Err(ParseError::Malformed),
            Some(parts) => parts,
            None => (digits, ""),
        };
        if integer.is_empty()
            || !integer
                .bytes()
                .chain(fraction.bytes())
                .all(|byte| byte.is_ascii_digit())
        {
            return Err(ParseError::Malformed);
        }
        let integer = integer.trim_start_matches('0');
        if integer.len() > INTEGER_DIGITS {
            return Err(ParseError::TooLarge);
        }
        let decimals = usize::try_from(DECIMALS).map_err(|_| ParseError::TooFine)?;
        if fraction.len() > decimals {
            return Err(ParseError::TooFine);
        }
        // 64 bits hold 19 digits: two short runs instead of one wide one.
        let scale = 10_u64
            .checked_pow(u32::try_from(decimals.saturating_sub(fraction.len())).unwrap_or(0))
            .ok_or(ParseError::TooFine)?;
        let whole = i128::from(digits_value(integer))
            .checked_mul(ONE)
            .ok_or(ParseError::TooLarge)?;
        let part = i128::from(
            digits_value(fraction)
                .checked_mul(scale)
                .ok_or(ParseError::TooFine)?,
        );
        let units = whole.checked_add(part).ok_or(ParseError::TooLarge)?;
        Ok(Self::from_units(if negative {
            units.checked_neg().ok_or(ParseError::TooLarge)?
        } else {
            units
        }))
    }
}

/// Value of at most sixteen ASCII digits.
fn digits_value(digits: &str) -> u64 {
    digits.bytes().fold(0_u64, |value, byte| {
        value
            .wrapping_mul(10)
            .wrapping_add(u64::from(byte.wrapping_sub(b'0')))
    })
}

impl<U> fmt::Display for Amount<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = split(self.0.unsigned_abs());
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if fraction == 0 {
            return Ok(());
        }
        let (mut digits, mut width) = (u64::try_from(fraction).unwrap_or(0), 12_usize);
        while digits > 0 && digits % 10 == 0 {
            (digits, width) = (digits / 10, width.saturating_sub(1));
        }
        write!(f, ".{digits:0width$}")
    }
}

impl<U> fmt::Debug for Amount<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<U> Clone for Amount<U> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<U> Copy for Amount<U> {}
impl<U> Default for Amount<U> {
    fn default() -> Self {
        Self::ZERO
    }
}
impl<U> PartialEq for Amount<U> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<U> Eq for Amount<U> {}
impl<U> PartialOrd for Amount<U> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<U> Ord for Amount<U> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<U> Hash for Amount<U> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn the_grammar_accepts_plain_decimals_only() {
        let cases: &[(&str, Result<&str, ParseError>)] = &[
            ("0", Ok("0")),
            ("-0", Ok("0")),
            ("007.50", Ok("7.5")),
            ("187.42", Ok("187.42")),
            ("-1.000000000001", Ok("-1.000000000001")),
            (
                "9999999999999999.999999999999",
                Ok("9999999999999999.999999999999"),
            ),
            ("00009999999999999999", Ok("9999999999999999")),
            ("10000000000000000", Err(ParseError::TooLarge)),
            ("0.0000000000001", Err(ParseError::TooFine)),
            ("1.0000000000000", Err(ParseError::TooFine)),
            ("", Err(ParseError::Empty)),
            ("-", Err(ParseError::Malformed)),
            ("+1", Err(ParseError::Malformed)),
            ("1e3", Err(ParseError::Malformed)),
            ("1_000", Err(ParseError::Malformed)),
            ("1,000", Err(ParseError::Malformed)),
            (" 1", Err(ParseError::Malformed)),
            ("1 ", Err(ParseError::Malformed)),
            (".5", Err(ParseError::Malformed)),
            ("5.", Err(ParseError::Malformed)),
            ("1.2.3", Err(ParseError::Malformed)),
            ("--1", Err(ParseError::Malformed)),
            ("NaN", Err(ParseError::Malformed)),
            ("inf", Err(ParseError::Malformed)),
            ("١", Err(ParseError::Malformed)),
            ("0x10", Err(ParseError::Malformed)),
        ];
        for (text, expected) in cases {
            let got = text.parse::<Money>().map(|amount| amount.to_string());
            assert_eq!(got, expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn rounding_goes_the_way_it_is_named() {
        let third = Ratio::from_units(ONE / 3);
        assert_eq!(money("1").times_down(third).unwrap().units(), ONE / 3);
        assert_eq!(Money::from_units(1).times_up(third).unwrap().units(), 1);
        assert_eq!(Money::from_units(1).times_down(third).unwrap().units(), 0);
        assert_eq!(Money::from_units(-1).times_up(third).unwrap().units(), 0);
        assert_eq!(Money::from_units(-1).times_down(third).unwrap().units(), -1);
    }

    #[test]
    fn a_tiny_product_is_never_zero_for_a_limit() {
        let dust: Quantity = "0.000000000001".parse().unwrap();
        let price: Price = "0.000000000001".parse().unwrap();
        assert_eq!(dust.notional_at(price, Ratio::ONE).unwrap().units(), 1);
    }

    #[test]
    fn a_product_too_large_is_nothing_and_never_wraps() {
        let huge: Quantity = "9999999999999999".parse().unwrap();
        let price: Price = "9999999999999999".parse().unwrap();
        assert_eq!(huge.notional_at(price, Ratio::ONE), None);
    }

    proptest! {
        #[test]
        fn text_survives_a_round_trip(units in -(PARSED_MAX - 1)..PARSED_MAX) {
            let amount = Money::from_units(units);
            prop_assert_eq!(amount.to_string().parse::<Money>().unwrap(), amount);
            prop_assert_eq!(Money::from_decimal(amount.to_decimal().unwrap()), Some(amount));
        }

        #[test]
        fn products_agree_with_an_independent_decimal(a in -10_i64.pow(13)..10_i64.pow(13), b in -10_i64.pow(13)..10_i64.pow(13)) {
            let (left, right) = (Money::from_units(i128::from(a)), Ratio::from_units(i128::from(b)));
            let exact = i128::from(a) * i128::from(b);
            let down = exact.div_euclid(ONE);
            let up = if exact.rem_euclid(ONE) == 0 { down } else { down + 1 };
            prop_assert_eq!(left.times_down(right).unwrap().units(), down);
            prop_assert_eq!(left.times_up(right).unwrap().units(), up);
        }

        #[test]
        fn wide_products_agree_with_narrow_ones(a in any::<u64>(), b in any::<u64>(), c in 1..u64::MAX) {
            let (a, b, c) = (u128::from(a), u128::from(b), u128::from(c));
            prop_assert_eq!(wide_div(a, b, c), Some((a * b / c, a * b % c)));
        }

        #[test]
        fn mixed_width_products_agree_with_the_split(a in 0_i128..10_i128.pow(22), b in 0_i128..10_i128.pow(15)) {
            let exact = a * b;
            prop_assert_eq!(mul(a, b, Round::Down), Some(exact / ONE));
        }
    }
}
