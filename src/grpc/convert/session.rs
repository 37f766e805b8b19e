//! What is particular to a stream: its opening, its batches, and its answers, which are bytes as soon as they are made. The operations
//! in it are read as those of the unary calls.

use prost::bytes::BytesMut;
use prost::encoding::{self, WireType};

use super::error::Malformed;
use super::field::{Path, Violations, says};
use crate::domain::name::ClientId;
use crate::pb;
use crate::pb_codec::Encoded;

/// Most bytes of a token to resume by.
pub const TOKEN_MAX: usize = 256;
/// Bytes that small answers share. Each is let go when the last answer in it is.
const CHUNK: usize = 8 * 1_024;

/// The opening of a session, or the resumption of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opening {
    /// The client that the session stands for.
    pub client: ClientId,
    /// Token of the session to resume; none opens a new one.
    pub resume_token: Option<String>,
    /// Up to which answer the client has every one.
    pub last_server_seq: u64,
}

/// Reads the opening of a session.
///
/// # Errors
/// Everything that is wrong with it by itself.
pub fn open(message: pb::SessionOpen, at: Path<'_>) -> Result<Opening, Malformed> {
    let pb::SessionOpen {
        client_id,
        resume_token,
        last_server_seq,
    } = message;
    let mut found = Violations::default();
    let client = found.name(at.field("client_id"), client_id);
    let is_token =
        resume_token.len() <= TOKEN_MAX && resume_token.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        found.refuse(at.field("resume_token"), "not a token of a session");
    }
    found.finish(client.map(|client| Opening {
        client,
        resume_token: (!resume_token.is_empty()).then_some(resume_token),
        last_server_seq,
    }))
}

/// The operations of a batch, of which it may hold so many.
///
/// # Errors
/// Where there is none, or more than that.
pub fn batch(
    message: pb::Batch,
    most: usize,
    at: Path<'_>,
) -> Result<Vec<pb::BatchItem>, Malformed> {
    let pb::Batch { items } = message;
    let mut found = Violations::default();
    if items.is_empty() {
        found.refuse(at.field("items"), says::REQUIRED);
    } else if items.len() > most {
        found.refuse(
            at.field("items"),
            "more operations than a batch may hold here",
        );
    }
    found.finish(Some(items))
}

/// The numbers of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// That of the request.
    pub client_seq: u64,
    /// The session's own; zero for what belongs to the stream and is not sent again.
    pub server_seq: u64,
}

/// Writes answers. A decision is written over the one before it, and answers behind each other into a chunk that they share: neither
/// takes memory of its own.
pub struct Writer {
    chunk: BytesMut,
    decided: pb::DecideResponse,
    /// Results of the batch that is being applied, encoded.
    items: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            chunk: BytesMut::with_capacity(CHUNK),
            decided: pb::DecideResponse::default(),
            items: Vec::new(),
        }
    }
}

// Fields of `SessionResponse`, `BatchResult` and `BatchItemResult` that are written one by one.
const CLIENT_SEQ: u32 = 1;
const SERVER_SEQ: u32 = 2;
const DECIDE: u32 = 4;
const BATCH: u32 = 10;
const ITEMS: u32 = 1;
const ITEM_DECIDE: u32 = 1;

impl Writer {
    /// Where a decision is written to before [`Self::decided`] or [`Self::item_decided`] encodes it.
    pub fn decision(&mut self) -> &mut pb::Decision {
        self.decided.decision.get_or_insert_default()
    }

    /// The answer to a decide.
    pub fn decided(&mut self, numbers: Numbers) -> Encoded {
        self.numbers(numbers);
        encoding::message::encode(DECIDE, &self.decided, &mut self.chunk);
        self.finish()
    }

    /// Any answer.
    pub fn answer(&mut self, numbers: Numbers, payload: pb::session_response::Payload) -> Encoded {
        self.numbers(numbers);
        payload.encode(&mut self.chunk);
        self.finish()
    }

    /// The result of a decide in a batch.
    pub fn item_decided(&mut self) {
        let length = encoding::message::encoded_len(ITEM_DECIDE, &self.decided);
        length_delimited(ITEMS, length, &mut self.items);
        encoding::message::encode(ITEM_DECIDE, &self.decided, &mut self.items);
    }

    /// Any result in a batch.
    pub fn item(&mut self, result: pb::batch_item_result::Result) {
        let result = Some(result);
        encoding::message::encode(ITEMS, &pb::BatchItemResult { result }, &mut self.items);
    }

    /// Bytes of the results so far.
    #[must_use]
    pub const fn item_bytes(&self) -> usize {
        self.items.len()
    }

    /// The answer to a batch: the results since the last one.
    pub fn batch(&mut self, numbers: Numbers) -> Encoded {
        self.numbers(numbers);
        length_delimited(BATCH, self.items.len(), &mut self.chunk);
        self.chunk.extend_from_slice(&self.items);
        self.items.clear();
        self.finish()
    }

    fn numbers(&mut self, numbers: Numbers) {
        encoding::uint64::encode(CLIENT_SEQ, &numbers.client_seq, &mut self.chunk);
        encoding::uint64::encode(SERVER_SEQ, &numbers.server_seq, &mut self.chunk);
    }

    fn finish(&mut self) -> Encoded {
        Encoded::new(self.chunk.split().freeze())
    }
}

fn length_delimited(field: u32, length: usize, to: &mut impl prost::bytes::BufMut) {
    encoding::encode_key(field, WireType::LengthDelimited, to);
    // A length always fits: at most 64 bits.
    encoding::encode_varint(u64::try_from(length).unwrap_or(u64::MAX), to);
}
