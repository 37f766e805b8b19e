//! Durations as people write them: `30s`, `500ms`, `1h30m`.

use super::time::{MILLISECOND, SECOND};

/// Units, longest first: name and nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", MILLISECOND),
    ("us", 1_000),
    ("ns", 1),
];

/// Nanoseconds of a text such as `30s` or `1h30m`: whole numbers with a unit each (`d h m s ms us ns`), longest first.
///
/// Nothing where the text is anything else, or longer than 64 bits of nanoseconds.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0_u64);
    let mut units = UNITS.iter();
    if text.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (name, tail) = tail.split_at(
            tail.find(|c: char| c.is_ascii_digit())
                .unwrap_or(tail.len()),
        );
        // The units already passed are gone from the iterator, so none comes twice or out of order.
        let (_, length) = units.find(|(unit, _)| *unit == name)?;
        let number: u64 = digits.parse().ok()?;
        total = total.checked_add(number.checked_mul(*length)?)?;
        rest = tail;
    }
    Some(total)
}

/// The text of a duration, exact, and read back by [`parse`].
#[must_use]
pub fn format(nanoseconds: u64) -> String {
    let (mut rest, mut text) = (nanoseconds, String::new());
    for (unit, length) in UNITS {
        let number = rest.checked_div(length).unwrap_or(0);
        rest = rest.checked_rem(length).unwrap_or(0);
        if number > 0 {
            text.push_str(&number.to_string());
            text.push_str(unit);
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_whole_numbers_with_units() {
        let cases: &[(&str, Option<u64>)] = &[
            ("30s", Some(30 * SECOND)),
            ("500ms", Some(500 * MILLISECOND)),
            ("1d", Some(86_400 * SECOND)),
            ("1h30m", Some(5_400 * SECOND)),
            ("1m0s5us", Some(60 * SECOND + 5_000)),
            ("0s", Some(0)),
            ("7ns", Some(7)),
            ("", None),
            ("30", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("1 s", None),
            ("1S", None),
            ("1s1s", None),
            ("1s1m", None),
            ("1week", None),
            ("999999999999d", None),
            ("99999999999999999999s", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), *expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_survives_a_round_trip(nanoseconds: u64) {
            prop_assert_eq!(parse(&format(nanoseconds)), Some(nanoseconds));
        }
    }
}
