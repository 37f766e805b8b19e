//! Names of things. Each kind is its own type; a name that exists is well formed.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::str::FromStr;

use compact_str::CompactString;

/// Most characters a name may have.
pub const NAME_MAX: usize = 64;

/// A name of the kind `K`: one to sixty-four characters of its alphabet, compared byte for byte.
pub struct Name<K>(CompactString, PhantomData<fn() -> K>);

/// Characters that names of a kind are made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Alphabet {
    /// `A-Z a-z 0-9 . _ : -`: names that we, or those who configure us, give.
    Plain,
    /// Printable ASCII, the blank included: names that a venue gives, which are not ours to choose.
    Printable,
}

/// A kind of names.
pub trait Kind {
    /// What they are made of.
    const ALPHABET: Alphabet;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $alias:ident = $kind:ident of $alphabet:ident;)*) => {$(
        #[doc = concat!("Kind tag of [`", stringify!($alias), "`].")]
        #[derive(Debug)]
        pub enum $kind {}
        impl Kind for $kind {
            const ALPHABET: Alphabet = Alphabet::$alphabet;
        }
        $(#[$doc])*
        pub type $alias = Name<$kind>;
    )*};
}

kinds! {
    /// An isolated pool of capital.
    BucketId = BucketKind of Plain;
    /// An ancestor of buckets: a desk or a firm.
    GroupId = GroupKind of Plain;
    /// Who writes limits, where there are two for each (O4).
    OwnerId = OwnerKind of Plain;
    /// Who sends orders; authentication will bind it to a principal.
    ClientId = ClientKind of Plain;
    /// The client's own id of an order (FIX 11).
    ClOrdId = ClOrdKind of Plain;
    /// A contract, under our name for it.
    InstrumentId = InstrumentKind of Plain;
    /// A venue (FIX 100).
    VenueId = VenueKind of Plain;
    /// An account or wallet at a venue (FIX 1).
    AccountId = AccountKind of Plain;
    /// The venue's id of an execution (FIX 17).
    ExecId = ExecKind of Printable;
    /// A currency or coin.
    Currency = CurrencyKind of Plain;
    /// A free tag of an instrument: underlying or sector.
    Tag = TagKind of Plain;
}

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// No characters.
    #[error("empty")]
    Empty,
    /// More than sixty-four characters.
    #[error("longer than 64 characters")]
    TooLong,
    /// A character outside [`Alphabet::Plain`].
    #[error("a character outside A-Z a-z 0-9 . _ : -")]
    NotPlain,
    /// A character outside [`Alphabet::Printable`].
    #[error("a character that is not printable ASCII")]
    NotPrintable,
}

impl<K> Name<K> {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<K> Name<K> {
    /// The name of nothing: fills memory that is set aside.
    #[must_use]
    pub(crate) const fn blank() -> Self {
        Self(CompactString::const_new("-"), PhantomData)
    }
}

impl<K: Kind> FromStr for Name<K> {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, K::ALPHABET)?;
        Ok(Self(CompactString::new(text), PhantomData))
    }
}

impl<K: Kind> TryFrom<String> for Name<K> {
    type Error = NameError;

    /// As from `&str`, but a text too long to be kept inline is taken over instead of copied.
    fn try_from(text: String) -> Result<Self, NameError> {
        check(&text, K::ALPHABET)?;
        Ok(Self(CompactString::from(text), PhantomData))
    }
}

fn check(text: &str, alphabet: Alphabet) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    let printable = |byte: u8| matches!(byte, b' '..=b'~');
    match alphabet {
        Alphabet::Plain if !text.bytes().all(plain) => Err(NameError::NotPlain),
        Alphabet::Printable if !text.bytes().all(printable) => Err(NameError::NotPrintable),
        Alphabet::Plain | Alphabet::Printable => Ok(()),
    }
}

impl<K> Clone for Name<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}
impl<K> PartialEq for Name<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Name<K> {}
impl<K> PartialOrd for Name<K> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Name<K> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Name<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}
impl<K> core::borrow::Borrow<str> for Name<K> {
    fn borrow(&self) -> &str {
        &self.0
    }
}
impl<K> fmt::Display for Name<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<K> fmt::Debug for Name<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        let long = "x".repeat(65);
        let cases: &[(&str, Option<NameError>)] = &[
            ("alpha-1", None),
            ("BTC-USD:perp_2.x", None),
            (&long[..64], None),
            ("", Some(NameError::Empty)),
            (&long, Some(NameError::TooLong)),
            ("a b", Some(NameError::NotPlain)),
            ("a\nb", Some(NameError::NotPlain)),
            ("a\0", Some(NameError::NotPlain)),
            ("Ａ", Some(NameError::NotPlain)),
            ("\u{202e}a", Some(NameError::NotPlain)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<BucketId>().err(), *expected, "{text:?}");
            assert_eq!(
                BucketId::try_from((*text).to_owned()).err(),
                *expected,
                "{text:?}"
            );
        }
    }
    #[test]
    fn ids_of_a_venue_are_whatever_prints() {
        let long = "~".repeat(65);
        let cases: &[(&str, Option<NameError>)] = &[
            ("ABC/123|4+5=6#7 8,9;(x)\"y\"", None),
            (" ~", None),
            (&long[..64], None),
            ("", Some(NameError::Empty)),
            (&long, Some(NameError::TooLong)),
            ("a\tb", Some(NameError::NotPrintable)),
            ("a\x01", Some(NameError::NotPrintable)),
            ("a\u{7f}", Some(NameError::NotPrintable)),
            ("\u{1b}[31m", Some(NameError::NotPrintable)),
            ("é", Some(NameError::NotPrintable)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<ExecId>().err(), *expected, "{text:?}");
        }
    }
}
