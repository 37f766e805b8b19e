//! How messages become bytes at the edge. As tonic's own protobuf codec, except for bytes that are not protobuf:
//! a request gets INVALID_ARGUMENT instead of INTERNAL, and a message of a session or of a stream of marks does not end its stream.

use core::convert::Infallible;
use core::fmt;
use std::any::Any;
use std::io::Write as _;
use std::marker::PhantomData;

use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType, encode_varint, encoded_len_varint};
use prost::{DecodeError, Message, Name};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::pb::{SessionRequest, StreamMarksRequest};

/// What a caller is told of a request that is not protobuf. Fixed, so that it says nothing of the decoder.
pub const BROKEN_REQUEST: &str = "the request is not a valid protobuf message of its type";

/// What a client is told of an answer that is not protobuf.
pub const BROKEN_RESPONSE: &str = "the response is not a valid protobuf message of its type";

/// Bytes that a call sets aside for its request, and for its answer: most need no more. tonic's own 8 KiB each, for every call in flight,
/// push what decisions need out of the cache.
const CALL_ROOM: usize = 512;
/// Bytes of answers after which a stream sends what it has, as tonic has it; it sets as many aside at a time.
const STREAM_ROOM: usize = 32 * 1_024;

/// Codec of every method of the contract: sends `T`, receives `U`.
#[derive(Debug, Clone)]
pub struct EdgeCodec<T, U> {
    types: PhantomData<(T, U)>,
}

impl<T, U> Default for EdgeCodec<T, U> {
    fn default() -> Self {
        Self { types: PhantomData }
    }
}

impl<T, U> Codec for EdgeCodec<T, U>
where
    T: Message + Send + 'static,
    U: Incoming + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = EdgeEncoder<T>;
    type Decoder = EdgeDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        EdgeEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        EdgeDecoder::default()
    }
}

/// Encoder of one message type.
#[derive(Debug, Clone)]
pub struct EdgeEncoder<T> {
    message: PhantomData<T>,
    /// Room that is made when there is none left: none beyond the message for the only answer of a call.
    room: usize,
}

impl<T> Default for EdgeEncoder<T> {
    fn default() -> Self {
        Self {
            message: PhantomData,
            room: 0,
        }
    }
}

impl<T: Message> Encoder for EdgeEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let length = item.encoded_len();
        if buf.chunk_mut().len() < length {
            buf.reserve(length.max(self.room));
        }
        // What sends a second message is a stream.
        self.room = STREAM_ROOM;
        item.encode_raw(buf);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(CALL_ROOM, STREAM_ROOM)
    }
}

/// Decoder of one message type.
#[derive(Debug, Clone)]
pub struct EdgeDecoder<U> {
    message: PhantomData<U>,
}

impl<U> Default for EdgeDecoder<U> {
    fn default() -> Self {
        Self {
            message: PhantomData,
        }
    }
}

impl<U: Incoming + Send + 'static> Decoder for EdgeDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Self::Error> {
        U::receive(buf).map(Some)
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(CALL_ROOM, STREAM_ROOM)
    }
}

/// What is received as a message.
pub trait Incoming: Sized {
    /// Takes one message and consumes all of `buf`, also when it is broken: the next message begins behind it.
    ///
    /// # Errors
    /// Where it is broken, and its type has no way to say so.
    fn receive(buf: &mut impl Buf) -> Result<Self, Status>;
}

impl<M: Message + Name + Default + 'static> Incoming for M {
    fn receive(buf: &mut impl Buf) -> Result<Self, Status> {
        decode(buf)
    }
}

/// A message as it came: who asks for it reads it.
#[derive(Clone, Debug, Default)]
pub struct Received(Bytes);

impl Received {
    /// The message as bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The message as one of the contract.
    ///
    /// # Errors
    /// Where it is broken, and its type has no way to say so.
    pub fn message<M: Message + Name + Default + 'static>(&self) -> Result<M, Status> {
        decode(&mut self.bytes())
    }
}

/// As it would come from a client.
impl<M: Message> From<&M> for Received {
    fn from(message: &M) -> Self {
        Self(message.encode_to_vec().into())
    }
}

impl Incoming for Received {
    fn receive(buf: &mut impl Buf) -> Result<Self, Status> {
        Ok(Self(buf.copy_to_bytes(buf.remaining())))
    }
}

/// Decodes one message and consumes all of `buf`, also when it is broken: the next message begins behind it.
fn decode<U: Message + Name + Default + 'static>(buf: &mut impl Buf) -> Result<U, Status> {
    let mut message = U::default();
    if message.merge(&mut *buf).is_ok() {
        return Ok(message);
    }
    buf.advance(buf.remaining());
    let any: &mut dyn Any = &mut message;
    if let Some(request) = any.downcast_mut::<SessionRequest>() {
        // Nothing of a broken message is applied, its acknowledgement included; the number tells which one it was.
        request.ack_server_seq = 0;
        request.payload = None;
        return Ok(message);
    }
    if let Some(request) = any.downcast_mut::<StreamMarksRequest>() {
        request.marks.clear();
        request.rates.clear();
        return Ok(message);
    }
    // By the naming rule of the contract only clients receive a response.
    Err(if U::NAME.ends_with("Response") {
        Status::internal(BROKEN_RESPONSE)
    } else {
        Status::invalid_argument(BROKEN_REQUEST)
    })
}
/// A message that is encoded already. Clones share its bytes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Encoded(Bytes);

impl Encoded {
    /// The message in these bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The message as bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Writes a message field by field, straight into the bytes that are sent. As in any protobuf encoding, numbers that are zero, flags
/// that are false and texts that are empty are left out, and messages are not.
pub struct Fields<'b>(&'b mut Vec<u8>);

impl<'b> Fields<'b> {
    /// Fields of the message that begins where these bytes do.
    pub const fn of(bytes: &'b mut Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Bytes of the message so far.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// Makes room for so many bytes at once.
    pub fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes);
    }

    /// An unsigned number, an enum's, or a signed one as its two's complement.
    pub fn number(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.key(field, WireType::Varint);
            self.varint(number);
        }
    }

    /// A number that is there though it may be zero.
    pub fn present(&mut self, field: u32, number: u64) {
        self.key(field, WireType::Varint);
        self.varint(number);
    }

    /// A number that always takes eight bytes.
    pub fn fixed(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.key(field, WireType::SixtyFourBit);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// A flag.
    pub fn flag(&mut self, field: u32, flag: bool) {
        self.number(field, u64::from(flag));
    }

    /// A text.
    pub fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.key(field, WireType::LengthDelimited);
            self.varint(wide(text.len()));
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    /// A text that is written here, and not empty.
    pub fn shown(&mut self, field: u32, text: fmt::Arguments<'_>) {
        self.message(field, |to| {
            // Bytes take whatever is written.
            let _ = to.0.write_fmt(text);
        });
    }

    /// A text of two numbers as `{:x}-{:x}` writes them: there is one in each decision, and it need not be formatted by the general means.
    pub fn pair(&mut self, field: u32, first: u64, second: u64) {
        self.message(field, |to| {
            to.digits::<16>(first, 1);
            to.0.push(b'-');
            to.digits::<16>(second, 1);
        });
    }

    /// A text of a whole number and twelfth decimals, as amounts are written: `7`, `7.5`, `0.000000000001`.
    pub fn twelfths(&mut self, field: u32, units: u64) {
        const ONE: u64 = 1_000_000_000_000;
        self.message(field, |to| {
            to.digits::<10>(units / ONE, 1);
            let (mut fraction, mut width) = (units % ONE, 12_usize);
            if fraction > 0 {
                while fraction.is_multiple_of(10) {
                    (fraction, width) = (fraction / 10, width.saturating_sub(1));
                }
                to.0.push(b'.');
                to.digits::<10>(fraction, width);
            }
        });
    }

    /// A number to a base of at most sixteen, with so many digits at least.
    fn digits<const BASE: u64>(&mut self, mut number: u64, least: usize) {
        const LETTERS: &[u8; 16] = b"0123456789abcdef";
        // No number of 64 bits has more, in the bases that are used.
        let mut digits = [b'0'; 20];
        let mut unused = digits.len();
        for place in digits.iter_mut().rev() {
            let digit = usize::try_from(number.checked_rem(BASE).unwrap_or(0)).unwrap_or(0);
            *place = LETTERS.get(digit).copied().unwrap_or(b'0');
            number = number.checked_div(BASE).unwrap_or(0);
            unused = unused.saturating_sub(1);
            if number == 0 {
                break;
            }
        }
        let start = unused.min(digits.len().saturating_sub(least));
        self.0
            .extend_from_slice(digits.get(start..).unwrap_or_default());
    }

    fn key(&mut self, field: u32, wire_type: WireType) {
        self.varint((u64::from(field) << 3) | wire_number(wire_type));
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            let [low, ..] = number.to_le_bytes();
            self.0.push(low | 0x80);
            number >>= 7;
        }
        let [low, ..] = number.to_le_bytes();
        self.0.push(low);
    }

    /// A message that was made before.
    pub fn made(&mut self, field: u32, message: &impl Message) {
        prost::encoding::message::encode(field, message, self.0);
    }

    /// A message, written field by field.
    pub fn message(&mut self, field: u32, write: impl FnOnce(&mut Fields<'_>)) {
        let Ok(()) = self.attempt::<Infallible>(field, |to| {
            write(to);
            Ok(())
        });
    }

    /// A message, of which nothing stays if it fails.
    ///
    /// # Errors
    /// As `write`.
    pub fn attempt<E>(
        &mut self,
        field: u32,
        write: impl FnOnce(&mut Fields<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.0.len();
        self.key(field, WireType::LengthDelimited);
        let length_at = self.0.len();
        // The length takes one byte, or moves what is behind it.
        self.0.push(0);
        let start = self.0.len();
        if let Err(error) = write(&mut Fields(self.0)) {
            self.0.truncate(before);
            return Err(error);
        }
        let end = self.0.len();
        let length = wide(end.saturating_sub(start));
        let more = encoded_len_varint(length).saturating_sub(1);
        if more > 0 {
            self.0.resize(end.saturating_add(more), 0);
            self.0.copy_within(start..end, start.saturating_add(more));
        }
        if let Some(mut room) = self.0.get_mut(length_at..start.saturating_add(more)) {
            encode_varint(length, &mut room);
        }
        Ok(())
    }
}

/// The number of a wire type, of those that are written here.
const fn wire_number(wire_type: WireType) -> u64 {
    match wire_type {
        WireType::Varint => 0,
        WireType::SixtyFourBit => 1,
        WireType::LengthDelimited => 2,
        WireType::StartGroup => 3,
        WireType::EndGroup => 4,
        WireType::ThirtyTwoBit => 5,
    }
}

/// A length as a number of the encoding, which has as many bits.
fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// It is sent as it is. It is never received: what would be read is dropped.
impl Message for Encoded {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        prost::encoding::skip_field(wire_type, tag, buf, context)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use tonic::Code;
    use tonic::codec::Streaming;

    use super::*;
    use crate::domain::amount::Quantity;
    use crate::pb::{
        DecideRequest, DecideResponse, Order, ReportRequest, SessionResponse, WatchRequest,
        session_request::Payload,
    };

    /// Field 1 = 7 and field 2 = 3, then `decide` announcing five bytes of which one comes.
    const BROKEN_SESSION_REQUEST: &[u8] = &[0x08, 7, 0x10, 3, 0x22, 5, 0x0a];

    fn decide_request(client_seq: u64) -> SessionRequest {
        let order = Order {
            cl_ord_id: "o-1".to_owned(),
            ..Order::default()
        };
        let decide = DecideRequest {
            order: Some(order),
            want_figures: false,
        };
        SessionRequest {
            client_seq,
            ack_server_seq: 2,
            payload: Some(Payload::Decide(decide)),
        }
    }

    #[test]
    fn a_whole_message_is_decoded() {
        let sent = decide_request(9);
        assert_eq!(
            decode::<SessionRequest>(&mut sent.encode_to_vec().as_slice()).unwrap(),
            sent
        );
    }

    #[test]
    fn a_broken_request_is_an_invalid_argument() {
        for broken in [
            &[0xff][..],
            &[0x0a, 9, 1],
            &[0x0a, 3, 0x0a, 1, 0xff],
            &[0x0b],
            &[0x00],
        ] {
            for status in [
                decode::<DecideRequest>(&mut &*broken).unwrap_err(),
                decode::<ReportRequest>(&mut &*broken).unwrap_err(),
                decode::<WatchRequest>(&mut &*broken).unwrap_err(),
            ] {
                assert_eq!(
                    (status.code(), status.message()),
                    (Code::InvalidArgument, BROKEN_REQUEST),
                    "{broken:?}"
                );
            }
        }
    }

    #[test]
    fn a_broken_response_is_not_the_callers_fault() {
        for status in [
            decode::<DecideResponse>(&mut &[0xff][..]).unwrap_err(),
            decode::<SessionResponse>(&mut &[0xff][..]).unwrap_err(),
        ] {
            assert_eq!(
                (status.code(), status.message()),
                (Code::Internal, BROKEN_RESPONSE)
            );
        }
    }

    #[test]
    fn a_broken_session_message_keeps_its_number_only() {
        let cases: [(&str, &[u8], u64); 5] = [
            ("payload cut off", BROKEN_SESSION_REQUEST, 7),
            (
                "payload with text that is not UTF-8",
                &[0x08, 7, 0x1a, 3, 0x0a, 1, 0xff],
                7,
            ),
            ("payload whole, then rubbish", &[0x08, 7, 0x22, 0, 0xff], 7),
            ("wrong wire type of the number", &[0x0a, 1, 7], 0),
            ("rubbish only", &[0xff, 0xff], 0),
        ];
        for (name, bytes, client_seq) in cases {
            let mut buf = bytes;
            let decoded = decode::<SessionRequest>(&mut buf).unwrap();
            assert_eq!(
                decoded,
                SessionRequest {
                    client_seq,
                    ack_server_seq: 0,
                    payload: None
                },
                "{name}"
            );
            assert!(buf.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_broken_message_of_marks_keeps_its_number_only() {
        // Field 1 = 7, one whole mark, and one of which most is missing.
        let mut broken: &[u8] = &[0x08, 7, 0x12, 0, 0x12, 5, 0x0a];
        let decoded = decode::<StreamMarksRequest>(&mut broken).unwrap();
        assert_eq!((decoded.client_seq, decoded.marks.len()), (7, 0));
        assert!(broken.is_empty());
    }

    #[test]
    fn every_cut_of_a_session_message_is_survived() {
        let whole = decide_request(300).encode_to_vec();
        for length in 0..whole.len() {
            let mut cut = whole.get(..length).unwrap();
            let decoded = decode::<SessionRequest>(&mut cut).unwrap();
            assert_eq!(decoded.payload, None, "{length} bytes");
            assert!(cut.is_empty());
        }
    }

    #[test]
    fn a_message_written_field_by_field_is_read_as_it_was_meant() {
        use crate::pb::{ChecksRun, OperationError, SessionOpened, SessionResponse, Versions};
        use crate::pb::{Decimal, session_response::Payload as Answer};

        let mut bytes = Vec::new();
        let mut to = Fields::of(&mut bytes);
        to.number(1, 300);
        to.number(2, 0);
        to.message(3, |to| {
            to.text(1, "token");
            to.flag(2, true);
            to.flag(3, false);
            to.number(3, u64::MAX);
            to.text(4, "");
        });
        let opened = SessionOpened {
            resume_token: "token".to_owned(),
            resumed: true,
            last_client_seq: u64::MAX,
            ..SessionOpened::default()
        };
        let response = SessionResponse {
            client_seq: 300,
            server_seq: 0,
            payload: Some(Answer::Opened(opened)),
        };
        assert_eq!(core::mem::take(&mut bytes), response.encode_to_vec());

        let mut to = Fields::of(&mut bytes);
        to.fixed(1, 1 << 40);
        to.fixed(2, 0);
        let checks = ChecksRun {
            evaluated: 1 << 40,
            not_applicable: 0,
        };
        assert_eq!(core::mem::take(&mut bytes), checks.encode_to_vec());

        // Lengths of one, two and three bytes, and a message within that is empty.
        for length in [0, 1, 127, 128, 16_383, 16_384, 100_000] {
            let text = "x".repeat(length);
            let error = OperationError {
                text: text.clone(),
                ..OperationError::default()
            };
            let mut to = Fields::of(&mut bytes);
            to.message(11, |to| to.text(4, &text));
            let response = SessionResponse {
                payload: Some(Answer::Error(error.clone())),
                ..SessionResponse::default()
            };
            assert_eq!(
                core::mem::take(&mut bytes),
                response.encode_to_vec(),
                "{length}"
            );
            let mut to = Fields::of(&mut bytes);
            to.made(11, &error);
            assert_eq!(
                core::mem::take(&mut bytes),
                response.encode_to_vec(),
                "{length}"
            );
        }

        let mut to = Fields::of(&mut bytes);
        to.shown(1, format_args!("{}.{}", 7, 5));
        let decimal = Decimal {
            value: "7.5".to_owned(),
        };
        assert_eq!(core::mem::take(&mut bytes), decimal.encode_to_vec());
        for units in [
            0,
            1,
            10,
            999_999_999_999,
            1_000_000_000_000,
            7_500_000_000_000,
            187_420_000_000_000,
            u64::MAX,
        ] {
            let mut to = Fields::of(&mut bytes);
            to.twelfths(1, units);
            let amount = Quantity::from_units(i128::from(units));
            let decimal = Decimal {
                value: amount.to_string(),
            };
            assert_eq!(core::mem::take(&mut bytes), decimal.encode_to_vec());
        }
        for (first, second) in [(0, 1), (u64::MAX, 0xf0), (0x10, 0x0123_4567_89ab_cdef)] {
            let mut to = Fields::of(&mut bytes);
            to.pair(1, first, second);
            let decimal = Decimal {
                value: format!("{first:x}-{second:x}"),
            };
            assert_eq!(core::mem::take(&mut bytes), decimal.encode_to_vec());
        }

        let mut to = Fields::of(&mut bytes);
        to.number(1, 5);
        let failed = to.attempt(2, |to| {
            to.text(1, "nothing of this");
            Err("no")
        });
        assert_eq!((failed, to.length()), (Err("no"), 2));
        let versions = Versions {
            config: 5,
            ..Versions::default()
        };
        assert_eq!(bytes, versions.encode_to_vec());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_stream_goes_on_behind_a_broken_message() {
        let good = decide_request(8);
        let mut wire = Vec::new();
        for message in [BROKEN_SESSION_REQUEST, &good.encode_to_vec()] {
            wire.push(0);
            wire.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
            wire.extend(message);
        }
        // A `String` is a body; every byte of these messages is ASCII.
        let body = String::from_utf8(wire).unwrap();
        let mut stream =
            Streaming::new_request(EdgeDecoder::<SessionRequest>::default(), body, None, None);

        let broken = stream.message().await.unwrap().unwrap();
        assert_eq!((broken.client_seq, broken.payload), (7, None));
        assert_eq!(stream.message().await.unwrap(), Some(good));
        assert_eq!(stream.message().await.unwrap(), None);
    }
}
