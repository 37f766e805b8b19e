//! LOBSTER message files: every event of a limit order book, one a line, without a header:
//! `time,type,order_id,size,price,direction` (lobsterdata.com).
//!
//! Streaming, exact (integers only) and strict: what is not allowed is an error that names line, column and what is
//! allowed. It knows nothing about gateways; it does not check that events fit together, only that each is well formed.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde::Serialize;

/// Longest line accepted, in bytes without its end. Real lines have about 45.
pub const LINE_MAX: usize = 256;
/// Largest size accepted, in shares. With [`PRICE_MAX_E4`] it keeps every sum of this module far inside 128 bits.
pub const SIZE_MAX: u64 = 1_000_000_000_000;
/// Largest price accepted, in 1/10,000 dollars.
pub const PRICE_MAX_E4: u64 = 1_000_000_000_000;

const NANOS: u64 = 1_000_000_000;
const DAY_NS: u64 = 86_400 * NANOS;
const FRACTION_MAX: usize = 18;
/// How much of an offending field an error quotes.
const QUOTE_MAX: usize = 40;

/// The exchange's reference number of an order, unique within the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct OrderId(pub u64);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Side of the resting limit order, also for executions: an execution of a buy order was started by a seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Direction 1.
    Buy,
    /// Direction -1.
    Sell,
}

/// One line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Line number, from 1.
    pub line: u64,
    /// Nanoseconds since midnight, exchange time.
    pub time_ns: u64,
    /// What happened.
    pub action: Action,
}

/// What an event says about a visible limit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// The order concerned.
    pub order: OrderId,
    /// Shares of the event: ordered, cancelled, deleted or executed. At least 1.
    pub quantity: u64,
    /// Limit price in 1/10,000 dollars. At least 1.
    pub price_e4: u64,
    /// Side of the order.
    pub side: Side,
}

/// What happened, by event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Type 1: a new limit order.
    Submit(Resting),
    /// Type 2: a part of an order was cancelled; the quantity is what was cancelled.
    PartialCancel(Resting),
    /// Type 3: the rest of an order was deleted; the quantity is that rest.
    Delete(Resting),
    /// Type 4: a visible order was executed, wholly or in part.
    Execute(Resting),
    /// Type 5: a hidden order was executed. Its order id means nothing (0 in the files) and is not kept.
    ExecuteHidden {
        /// Shares executed.
        quantity: u64,
        /// Execution price in 1/10,000 dollars.
        price_e4: u64,
        /// Side of the hidden order.
        side: Side,
    },
    /// Type 6: a cross trade (auction). Order id, size and price are checked to be whole numbers, and not kept.
    Cross,
    /// Type 7: a step of a trading halt.
    Halt(HaltStage),
}

/// Steps of a trading halt; the price column carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltStage {
    /// Price -1: trading stops.
    Halted,
    /// Price 0: quoting resumes.
    Quoting,
    /// Price 1: trading resumes.
    Trading,
}

/// A column of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Column 1.
    Time,
    /// Column 2.
    Type,
    /// Column 3.
    OrderId,
    /// Column 4.
    Size,
    /// Column 5.
    Price,
    /// Column 6.
    Direction,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "column 1 (time)",
            Self::Type => "column 2 (type)",
            Self::OrderId => "column 3 (order_id)",
            Self::Size => "column 4 (size)",
            Self::Price => "column 5 (price)",
            Self::Direction => "column 6 (direction)",
        })
    }
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is missing, is not a file, or may not be read.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Reading or unpacking stopped, for example because a .gz file is cut short.
    #[error("line {line}: cannot be read")]
    Read {
        /// The line that was being read.
        line: u64,
        /// What the system says.
        source: io::Error,
    },
    /// The line has too few or too many columns.
    #[error(
        "line {line}: has {found} columns; allowed: exactly 6 (time,type,order_id,size,price,direction)"
    )]
    Columns {
        /// Line number, from 1.
        line: u64,
        /// How many there are.
        found: usize,
    },
    /// A column holds something that is not allowed there.
    #[error("line {line}, {column}: `{found}` is not allowed; allowed: {allowed}")]
    Field {
        /// Line number, from 1.
        line: u64,
        /// Which column.
        column: Column,
        /// Its start, unprintable characters escaped.
        found: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// The line is longer than any event.
    #[error("line {line}: is longer than {LINE_MAX} bytes; allowed: one event a line")]
    Long {
        /// Line number, from 1.
        line: u64,
    },
    /// A blank line stands between events.
    #[error("line {line}: is blank; allowed: blank lines at the end of the file only")]
    Blank {
        /// Line number, from 1.
        line: u64,
    },
    /// There is no event at all.
    #[error("has no events; allowed: at least one line")]
    Empty,
}

/// A reader of a file on disk, packed or not.
pub type FileReader = Reader<Box<dyn BufRead + Send>>;

/// Opens a message file. Packed (.gz) files are recognised by their first bytes, whatever their name.
///
/// # Errors
/// [`Error::Open`] when the file cannot be opened or its first bytes cannot be read.
pub fn open(path: &Path) -> Result<FileReader, Error> {
    File::open(path)
        .and_then(|file| detect(BufReader::new(file)))
        .map_err(|source| Error::Open {
            path: path.to_owned(),
            source,
        })
}

/// As [`open`], for bytes that are already at hand.
///
/// # Errors
/// Whatever the input answers when its first bytes are read.
pub fn detect(mut input: impl BufRead + Send + 'static) -> io::Result<FileReader> {
    let packed = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(Reader::new(if packed {
        Box::new(BufReader::new(MultiGzDecoder::new(input)))
    } else {
        Box::new(input)
    }))
}

/// Streams the events of a message file. Ends after the first error.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    /// The line read last.
    line: u64,
    bytes: Vec<u8>,
    /// The first blank line, fine unless an event follows.
    blank: Option<u64>,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads unpacked text.
    pub fn new(input: R) -> Self {
        Self {
            input,
            line: 0,
            bytes: Vec::with_capacity(LINE_MAX),
            blank: None,
            ended: false,
        }
    }

    /// The next event, or `None` at the end of the file.
    fn read(&mut self) -> Result<Option<Event>, Error> {
        loop {
            self.bytes.clear();
            self.line = self.line.saturating_add(1);
            let line = self.line;
            // Two bytes more than a line may have: its end, CR LF at most.
            let most = u64::try_from(LINE_MAX.saturating_add(2)).unwrap_or(u64::MAX);
            let read = (&mut self.input)
                .take(most)
                .read_until(b'\n', &mut self.bytes)
                .map_err(|source| Error::Read { line, source })?;
            if read == 0 {
                return Ok(None);
            }
            let mut text = self.bytes.as_slice();
            text = text.strip_suffix(b"\n").unwrap_or(text);
            text = text.strip_suffix(b"\r").unwrap_or(text);
            if line == 1 {
                text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            }
            if text.len() > LINE_MAX {
                return Err(Error::Long { line });
            }
            if text.is_empty() {
                self.blank.get_or_insert(line);
                continue;
            }
            if let Some(line) = self.blank {
                return Err(Error::Blank { line });
            }
            return parse(line, text).map(Some);
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let event = self.read().transpose();
        self.ended = !matches!(event, Some(Ok(_)));
        event
    }
}

const TIME: &str =
    "seconds after midnight, 0 to 86399, with up to 18 digits after an optional point";
const TYPE: &str = "1 new, 2 partial cancel, 3 deletion, 4 execution, 5 hidden execution, 6 cross trade, 7 trading halt";
const ORDER_ID: &str = "a whole number from 1 to 18446744073709551615";
const HIDDEN_ID: &str = "a whole number from 0 to 18446744073709551615 (0 in the files)";
const SIZE: &str = "a whole number of shares from 1 to 1000000000000";
const PRICE: &str = "dollars x 10000 as a whole number from 1 to 1000000000000";
const DIRECTION: &str = "1 (buy) or -1 (sell)";
const HALT_PRICE: &str =
    "-1 (halted), 0 (quoting resumes) or 1 (trading resumes) in an event of type 7";
const WHOLE: &str = "a whole number, with a minus sign or without";

/// One line, its end already removed.
fn parse(line: u64, text: &[u8]) -> Result<Event, Error> {
    let mut columns = text.split(|byte| *byte == b',');
    let mut next = || columns.next();
    let (Some(time), Some(kind), Some(order), Some(size), Some(price), Some(direction), None) =
        (next(), next(), next(), next(), next(), next(), next())
    else {
        let found = text.split(|byte| *byte == b',').count();
        return Err(Error::Columns { line, found });
    };

    let field = |column, found: &[u8], allowed| Error::Field {
        line,
        column,
        found: quote(found),
        allowed,
    };
    let time_ns = nanoseconds(time).ok_or_else(|| field(Column::Time, time, TIME))?;
    let side = || match direction {
        b"1" => Ok(Side::Buy),
        b"-1" => Ok(Side::Sell),
        _ => Err(field(Column::Direction, direction, DIRECTION)),
    };
    let quantity = || {
        whole(size)
            .filter(|size| (1..=SIZE_MAX).contains(size))
            .ok_or_else(|| field(Column::Size, size, SIZE))
    };
    let price_e4 = || {
        whole(price)
            .filter(|price| (1..=PRICE_MAX_E4).contains(price))
            .ok_or_else(|| field(Column::Price, price, PRICE))
    };
    let resting = || {
        Ok(Resting {
            order: whole(order)
                .filter(|order| *order >= 1)
                .map(OrderId)
                .ok_or_else(|| field(Column::OrderId, order, ORDER_ID))?,
            quantity: quantity()?,
            price_e4: price_e4()?,
            side: side()?,
        })
    };
    let unused = |column, text| match is_integer(text) {
        true => Ok(()),
        false => Err(field(column, text, WHOLE)),
    };

    let action = match kind {
        b"1" => Action::Submit(resting()?),
        b"2" => Action::PartialCancel(resting()?),
        b"3" => Action::Delete(resting()?),
        b"4" => Action::Execute(resting()?),
        b"5" => {
            whole(order).ok_or_else(|| field(Column::OrderId, order, HIDDEN_ID))?;
            Action::ExecuteHidden {
                quantity: quantity()?,
                price_e4: price_e4()?,
                side: side()?,
            }
        }
        b"6" => {
            unused(Column::OrderId, order)?;
            unused(Column::Size, size)?;
            unused(Column::Price, price)?;
            side()?;
            Action::Cross
        }
        b"7" => {
            unused(Column::OrderId, order)?;
            unused(Column::Size, size)?;
            let stage = match price {
                b"-1" => HaltStage::Halted,
                b"0" => HaltStage::Quoting,
                b"1" => HaltStage::Trading,
                _ => return Err(field(Column::Price, price, HALT_PRICE)),
            };
            side()?;
            Action::Halt(stage)
        }
        _ => return Err(field(Column::Type, kind, TYPE)),
    };
    Ok(Event {
        line,
        time_ns,
        action,
    })
}

/// Digits only: no sign, no blanks, at least one. `None` also on overflow.
fn whole(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn is_integer(text: &[u8]) -> bool {
    whole(text.strip_prefix(b"-").unwrap_or(text)).is_some()
}

/// Seconds with a fraction to nanoseconds. Digits beyond the ninth are rounded half up: the files were written from
/// binary floating point, and a few times carry its noise (`35821.088778456004`).
fn nanoseconds(text: &[u8]) -> Option<u64> {
    let (seconds, fraction) = match text.iter().position(|byte| *byte == b'.') {
        None => (text, None),
        Some(point) => (text.get(..point)?, text.get(point.checked_add(1)?..)),
    };
    let mut nanos = 0_u64;
    if let Some(fraction) = fraction {
        if fraction.len() > FRACTION_MAX {
            return None;
        }
        whole(fraction)?;
        let mut digits = fraction.iter().map(|byte| byte.saturating_sub(b'0'));
        for _ in 0..9 {
            let digit = u64::from(digits.next().unwrap_or(0));
            nanos = nanos.checked_mul(10)?.checked_add(digit)?;
        }
        if digits.next().is_some_and(|digit| digit >= 5) {
            nanos = nanos.checked_add(1)?;
        }
    }
    whole(seconds)?
        .checked_mul(NANOS)?
        .checked_add(nanos)
        .filter(|time| *time < DAY_NS)
}

fn quote(found: &[u8]) -> String {
    String::from_utf8_lossy(found)
        .chars()
        .take(QUOTE_MAX)
        .flat_map(char::escape_debug)
        .collect()
}

/// What a file holds. Reading it once before anything is sent finds every malformed line early.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All events.
    pub events: u64,
    /// Events of type 1.
    pub submissions: u64,
    /// Events of type 2.
    pub partial_cancels: u64,
    /// Events of type 3.
    pub deletions: u64,
    /// Events of type 4.
    pub executions: u64,
    /// Events of type 5.
    pub hidden_executions: u64,
    /// Events of type 6.
    pub crosses: u64,
    /// Events of type 7.
    pub halts: u64,
    /// Nanoseconds since midnight of the first event.
    pub first_ns: u64,
    /// Nanoseconds since midnight of the last event.
    pub last_ns: u64,
    /// Price of the first execution (types 4 and 5): the opening mark, for the orders that come before it.
    pub first_trade_e4: Option<u64>,
}

/// Reads the whole file and says what it holds.
///
/// # Errors
/// The first malformed line, or [`Error::Empty`].
pub fn summarize(events: impl Iterator<Item = Result<Event, Error>>) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    for event in events {
        let event = event?;
        if summary.events == 0 {
            summary.first_ns = event.time_ns;
        }
        summary.last_ns = event.time_ns;
        let (count, trade) = match event.action {
            Action::Submit(_) => (&mut summary.submissions, None),
            Action::PartialCancel(_) => (&mut summary.partial_cancels, None),
            Action::Delete(_) => (&mut summary.deletions, None),
            Action::Execute(resting) => (&mut summary.executions, Some(resting.price_e4)),
            Action::ExecuteHidden { price_e4, .. } => {
                (&mut summary.hidden_executions, Some(price_e4))
            }
            Action::Cross => (&mut summary.crosses, None),
            Action::Halt(_) => (&mut summary.halts, None),
        };
        *count = count.saturating_add(1);
        summary.events = summary.events.saturating_add(1);
        summary.first_trade_e4 = summary.first_trade_e4.or(trade);
    }
    if summary.events == 0 {
        return Err(Error::Empty);
    }
    Ok(summary)
}

/// An amount in 1/10,000 as a plain decimal without trailing zeros: 5853300 is `585.33`.
pub fn decimal_e4(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let units = value.unsigned_abs() / 10_000;
    let fraction = format!("{:04}", value.unsigned_abs() % 10_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{units}"),
        fraction => format!("{sign}{units}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::arithmetic_side_effects,
        reason = "a test that fails may panic"
    )]

    use std::io::{Cursor, Write};

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Event>, Error> {
        Reader::new(bytes).collect()
    }

    fn chain(error: &dyn std::error::Error) -> String {
        match error.source() {
            None => error.to_string(),
            Some(source) => format!("{error}: {}", chain(source)),
        }
    }

    #[test]
    fn every_type_of_event_is_understood() {
        let resting = Resting {
            order: OrderId(16_113_575),
            quantity: 18,
            price_e4: 5_853_300,
            side: Side::Buy,
        };
        let sell = Resting {
            side: Side::Sell,
            ..resting
        };
        let hidden = Action::ExecuteHidden {
            quantity: 3,
            price_e4: 5_859_000,
            side: Side::Sell,
        };
        for (text, action) in [
            ("1,1,16113575,18,5853300,1", Action::Submit(resting)),
            ("1,2,16113575,18,5853300,-1", Action::PartialCancel(sell)),
            ("1,3,16113575,18,5853300,1", Action::Delete(resting)),
            ("1,4,16113575,18,5853300,-1", Action::Execute(sell)),
            ("1,5,0,3,5859000,-1", hidden),
            ("1,5,77,3,5859000,-1", hidden),
            ("1,6,-1,500,5850000,-1", Action::Cross),
            ("1,6,0,0,-1,1", Action::Cross),
            ("1,7,0,0,-1,-1", Action::Halt(HaltStage::Halted)),
            ("1,7,0,0,0,-1", Action::Halt(HaltStage::Quoting)),
            ("1,7,0,0,1,-1", Action::Halt(HaltStage::Trading)),
        ] {
            let event = Event {
                line: 1,
                time_ns: NANOS,
                action,
            };
            assert_eq!(read(text.as_bytes()).expect(text), [event], "{text}");
        }
    }

    #[test]
    fn times_are_exact_nanoseconds() {
        for (text, time_ns) in [
            ("0", 0),
            ("34200", 34_200 * NANOS),
            ("34200.004241176", 34_200_004_241_176),
            ("34200.00426064", 34_200_004_260_640),
            ("35385.5", 35_385_500_000_000),
            ("35821.088778456004", 35_821_088_778_456),
            ("35821.0887784554996", 35_821_088_778_455),
            ("35821.0887784555", 35_821_088_778_456),
            ("35821.999999999999999999", 35_822 * NANOS),
            ("86399.999999999", DAY_NS - 1),
        ] {
            let line = format!("{text},5,0,1,1,1");
            let events = read(line.as_bytes()).expect(text);
            assert_eq!(
                events.first().map(|event| event.time_ns),
                Some(time_ns),
                "{text}"
            );
        }
    }

    #[test]
    fn line_ends_byte_order_marks_and_blank_ends_are_accepted() {
        let two = "34200,1,1,100,5853300,1\n34201,3,1,100,5853300,1\n";
        let expected = read(two.as_bytes()).expect("two events");
        assert_eq!(expected.len(), 2);
        for (name, text) in [
            ("no last line end", two.trim_end().to_owned()),
            ("CRLF", two.replace('\n', "\r\n")),
            ("byte order mark", format!("\u{feff}{two}")),
            (
                "byte order mark and CRLF",
                format!("\u{feff}{}", two.replace('\n', "\r\n")),
            ),
            ("blank last line", format!("{two}\n")),
            ("several blank last lines", format!("{two}\r\n\n\r\n")),
        ] {
            assert_eq!(read(text.as_bytes()).expect(name), expected, "{name}");
        }
        assert_eq!(read(b"").expect("no lines"), []);
        assert_eq!(read(b"\xef\xbb\xbf\n").expect("no lines"), []);
    }

    #[test]
    fn what_is_not_allowed_is_named_with_line_and_column() {
        let time = "column 1 (time)";
        let kind = "column 2 (type)";
        let order = "column 3 (order_id)";
        let size = "column 4 (size)";
        let price = "column 5 (price)";
        let direction = "column 6 (direction)";
        for (text, column, found, allowed) in [
            (
                "time,type,order_id,size,price,direction",
                time,
                "time",
                TIME,
            ),
            ("86400,1,1,1,1,1", time, "86400", TIME),
            ("86399.9999999996,1,1,1,1,1", time, "86399.9999999996", TIME),
            ("-1,1,1,1,1,1", time, "-1", TIME),
            ("1.,1,1,1,1,1", time, "1.", TIME),
            (".5,1,1,1,1,1", time, ".5", TIME),
            ("1.2.3,1,1,1,1,1", time, "1.2.3", TIME),
            ("1e3,1,1,1,1,1", time, "1e3", TIME),
            (" 1,1,1,1,1,1", time, " 1", TIME),
            ("NaN,1,1,1,1,1", time, "NaN", TIME),
            (
                "1.0000000000000000001,1,1,1,1,1",
                time,
                "1.0000000000000000001",
                TIME,
            ),
            ("18446744074,1,1,1,1,1", time, "18446744074", TIME),
            (",1,1,1,1,1", time, "", TIME),
            ("1,0,1,1,1,1", kind, "0", TYPE),
            ("1,8,1,1,1,1", kind, "8", TYPE),
            ("1,01,1,1,1,1", kind, "01", TYPE),
            ("1,,1,1,1,1", kind, "", TYPE),
            ("1,1,0,1,1,1", order, "0", ORDER_ID),
            ("1,1,-5,1,1,1", order, "-5", ORDER_ID),
            ("1,1,+5,1,1,1", order, "+5", ORDER_ID),
            (
                "1,4,18446744073709551616,1,1,1",
                order,
                "18446744073709551616",
                ORDER_ID,
            ),
            ("1,5,-1,1,1,1", order, "-1", HIDDEN_ID),
            ("1,6,x,1,1,1", order, "x", WHOLE),
            ("1,1,1,0,1,1", size, "0", SIZE),
            ("1,1,1,1.5,1,1", size, "1.5", SIZE),
            ("1,2,1,-1,1,1", size, "-1", SIZE),
            ("1,3,1,1000000000001,1,1", size, "1000000000001", SIZE),
            ("1,7,0,--0,1,1", size, "--0", WHOLE),
            ("1,1,1,1,0,1", price, "0", PRICE),
            ("1,1,1,1,585.33,1", price, "585.33", PRICE),
            ("1,5,0,1,-1,1", price, "-1", PRICE),
            ("1,4,1,1,1000000000001,1", price, "1000000000001", PRICE),
            ("1,6,0,0,-,1", price, "-", WHOLE),
            ("1,7,0,0,2,-1", price, "2", HALT_PRICE),
            ("1,1,1,1,1,0", direction, "0", DIRECTION),
            ("1,1,1,1,1,B", direction, "B", DIRECTION),
            ("1,1,1,1,1,1 ", direction, "1 ", DIRECTION),
            ("1,6,0,0,1,2", direction, "2", DIRECTION),
            ("1,7,0,0,1,", direction, "", DIRECTION),
            ("1,1,1,1,1,\t\u{7}", direction, "\\t\\u{7}", DIRECTION),
        ] {
            let file = format!("34200,1,1,100,5853300,1\n{text}\n");
            let message = read(file.as_bytes()).expect_err(text).to_string();
            assert_eq!(
                message,
                format!("line 2, {column}: `{found}` is not allowed; allowed: {allowed}"),
            );
        }
    }

    #[test]
    fn lines_that_are_no_events_are_refused() {
        let columns = |found| {
            format!(
                "line 1: has {found} columns; allowed: exactly 6 (time,type,order_id,size,price,direction)"
            )
        };
        let blank = "is blank; allowed: blank lines at the end of the file only";
        let event = "1,1,1,1,1,1";
        for (text, message) in [
            ("1".to_owned(), columns(1)),
            (" ".to_owned(), columns(1)),
            ("1,1,1,1,1".to_owned(), columns(5)),
            ("1,1,1,1,1,1,".to_owned(), columns(7)),
            ("1;1;1;1;1;1".to_owned(), columns(1)),
            (format!("\n{event}\n"), format!("line 1: {blank}")),
            (
                format!("{event}\n\n\n{event}\n"),
                format!("line 2: {blank}"),
            ),
            (
                format!("{event}{}", "0".repeat(LINE_MAX)),
                "line 1: is longer than 256 bytes; allowed: one event a line".to_owned(),
            ),
        ] {
            assert_eq!(read(text.as_bytes()).expect_err(&text).to_string(), message);
        }
        let bytes = read(b"\xff\xfe1,1,1,1,1,1").expect_err("two bytes too many");
        assert!(
            bytes
                .to_string()
                .starts_with("line 1, column 1 (time): `\u{fffd}\u{fffd}1`")
        );
    }

    #[test]
    fn a_long_field_is_quoted_in_part_only() {
        let text = format!("{},1,1,1,1,1", "9".repeat(200));
        let message = read(text.as_bytes()).expect_err("a huge time").to_string();
        assert!(
            message.contains(&format!("`{}`", "9".repeat(QUOTE_MAX))),
            "{message}"
        );
    }

    #[test]
    fn nothing_follows_an_error() {
        let mut reader = Reader::new("1,1,1,1,1,1\nx\n1,1,2,1,1,1\n".as_bytes());
        assert!(matches!(reader.next(), Some(Ok(_))));
        assert!(matches!(reader.next(), Some(Err(_))));
        assert!(reader.next().is_none());
    }

    fn pack(text: &str) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn packed_files_are_recognised_by_their_content() {
        let text = "34200,1,1,100,5853300,1\n34201,3,1,100,5853300,1\n";
        let expected = read(text.as_bytes()).unwrap();
        let twice = [pack(text), pack("34202,5,0,1,5853300,1\n")].concat();
        for (name, bytes, events) in [
            ("plain", text.as_bytes().to_vec(), 2),
            ("packed", pack(text), 2),
            ("two packed files, one after the other", twice, 3),
            ("empty", Vec::new(), 0),
        ] {
            let reader = detect(Cursor::new(bytes)).expect(name);
            let read: Vec<Event> = reader.collect::<Result<_, _>>().expect(name);
            assert_eq!(read.len(), events, "{name}");
            assert!(read.iter().zip(&expected).all(|(a, b)| a == b), "{name}");
        }
    }

    #[test]
    fn a_packed_file_that_is_cut_short_is_an_error() {
        let packed = pack(&"34200,1,1,100,5853300,1\n".repeat(1_000));
        let cut = packed.get(..packed.len() / 2).unwrap().to_vec();
        let error = detect(Cursor::new(cut))
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .expect_err("the end is missing");
        assert!(matches!(error, Error::Read { .. }), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let path = Path::new("there/is/no/such.csv");
        let error = open(path).err().expect("missing");
        assert!(
            chain(&error).starts_with("cannot open there/is/no/such.csv: "),
            "{error}"
        );
    }

    #[test]
    fn a_summary_counts_types_and_finds_the_opening_price() {
        let text = "1,1,1,100,50000,1\n2,2,1,10,50000,1\n3,5,0,10,50100,1\n4,4,1,10,50000,1\n5,3,1,80,50000,1\n6,6,0,0,1,1\n7,7,0,0,-1,-1\n";
        let summary = summarize(Reader::new(text.as_bytes())).unwrap();
        let expected = Summary {
            events: 7,
            submissions: 1,
            partial_cancels: 1,
            deletions: 1,
            executions: 1,
            hidden_executions: 1,
            crosses: 1,
            halts: 1,
            first_ns: NANOS,
            last_ns: 7 * NANOS,
            first_trade_e4: Some(50_100),
        };
        assert_eq!(summary, expected);
        assert!(matches!(
            summarize(Reader::new(&b"\n"[..])),
            Err(Error::Empty)
        ));
    }

    #[test]
    fn amounts_are_written_without_trailing_zeros() {
        for (value, text) in [
            (5_853_300, "585.33"),
            (10_000, "1"),
            (1, "0.0001"),
            (-15_000, "-1.5"),
            (-1, "-0.0001"),
            (0, "0"),
        ] {
            assert_eq!(decimal_e4(value), text);
        }
    }
}
