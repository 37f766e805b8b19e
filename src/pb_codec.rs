//! How messages become bytes at the edge. As tonic's own protobuf codec, except for bytes that are not protobuf:
//! a request gets INVALID_ARGUMENT instead of INTERNAL, and a message of a session does not end its stream.

use std::any::Any;
use std::marker::PhantomData;

use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType};
use prost::{DecodeError, Message, Name};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

use crate::pb::SessionRequest;

/// What a caller is told of a request that is not protobuf. Fixed, so that it says nothing of the decoder.
pub const BROKEN_REQUEST: &str = "the request is not a valid protobuf message of its type";

/// What a client is told of an answer that is not protobuf.
pub const BROKEN_RESPONSE: &str = "the response is not a valid protobuf message of its type";

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
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = EdgeDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        EdgeDecoder::default()
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

impl<U> Decoder for EdgeDecoder<U>
where
    U: Message + Name + Default + Send + 'static,
{
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Self::Error> {
        decode(buf).map(Some)
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
    /// The encoding of a message.
    #[must_use]
    pub const fn new(message: Bytes) -> Self {
        Self(message)
    }
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
    fn every_cut_of_a_session_message_is_survived() {
        let whole = decide_request(300).encode_to_vec();
        for length in 0..whole.len() {
            let mut cut = whole.get(..length).unwrap();
            let decoded = decode::<SessionRequest>(&mut cut).unwrap();
            assert_eq!(decoded.payload, None, "{length} bytes");
            assert!(cut.is_empty());
        }
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
