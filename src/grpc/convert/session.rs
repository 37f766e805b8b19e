//! What is particular to a stream: its opening, its batches, and its answers, which are bytes as soon as they are made. The operations
//! in it are read as those of the unary calls.

use prost::bytes::BytesMut;

use super::error::{Malformed, Refusal};
use super::field::{Path, Violations, says};
use crate::domain::name::ClientId;
use crate::pb;
use crate::pb_codec::{Encoded, Fields};

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

/// Writes answers, one behind the other into chunks that they share.
pub struct Writer {
    chunk: BytesMut,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            chunk: BytesMut::with_capacity(CHUNK),
        }
    }
}

impl Writer {
    /// An answer, of which `write` writes all but the numbers.
    ///
    /// # Errors
    /// As `write`; there is no answer then.
    pub fn answer(
        &mut self,
        numbers: Numbers,
        write: impl FnOnce(&mut Fields<'_>) -> Result<(), Refusal>,
    ) -> Result<Encoded, Refusal> {
        let mut to = Fields::of(&mut self.chunk);
        to.number(1, numbers.client_seq);
        to.number(2, numbers.server_seq);
        match write(&mut to) {
            Ok(()) => Ok(Encoded::split_from(&mut self.chunk)),
            Err(refusal) => {
                self.chunk.clear();
                Err(refusal)
            }
        }
    }

    /// The answer to what was refused.
    pub fn error(&mut self, numbers: Numbers, refusal: Refusal) -> Encoded {
        let answer = self.answer(numbers, |to| {
            to.made(11, &pb::OperationError::from(refusal));
            Ok(())
        });
        answer.unwrap_or_default()
    }
}
