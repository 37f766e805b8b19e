//! What is particular to a stream: its opening, its batches, and its answers, which are bytes as soon as they are made. The operations
//! in it are read as those of the unary calls.

use prost::bytes::{Bytes, BytesMut};

use super::error::{Malformed, Refusal};
use super::field::{Path, Violations, says};
use crate::domain::name::ClientId;
use crate::pb;
use crate::pb_codec::{Encoded, Fields};

/// Most bytes of a token to resume by.
pub const TOKEN_MAX: usize = 256;
/// Bytes that small answers share. Each chunk is let go when the last answer in it is.
pub const CHUNK: usize = 8 * 1_024;
/// Bytes of an answer from which on it has memory of its own.
const SMALL: usize = CHUNK / 8;
/// Bytes that stay set aside for writing the next answer.
const SPARE: usize = 256 * 1_024;

/// The opening of a session, or the resumption of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opening {
    /// The client that the session stands for.
    pub client: ClientId,
    /// Token of the session to resume; none opens a new one.
    pub resume_token: Option<String>,
    /// Up to which answer the client has every one.
    pub last_server_seq: u64,
    /// Whether its silence is its loss.
    pub heartbeats: bool,
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
        heartbeats,
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
        heartbeats,
    }))
}

/// Whether a batch may hold so many operations.
///
/// # Errors
/// Where there is none, or more than the most.
pub fn batch(items: usize, most: usize, at: Path<'_>) -> Result<(), Malformed> {
    let mut found = Violations::default();
    if items == 0 {
        found.refuse(at.field("items"), says::REQUIRED);
    } else if items > most {
        found.refuse(
            at.field("items"),
            "more operations than a batch may hold here",
        );
    }
    found.finish(Some(()))
}

/// The numbers of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// That of the request.
    pub client_seq: u64,
    /// The session's own; zero for what belongs to the stream and is not sent again.
    pub server_seq: u64,
}

/// An answer, and the memory that it keeps.
#[derive(Clone, Debug)]
pub struct Written {
    /// The answer.
    pub answer: Encoded,
    /// Bytes that are kept by this answer and not by one before it: all of its chunk, where it is the first in it.
    pub keeps: usize,
}

/// Writes answers: large ones into memory of their own, small ones one behind the other into chunks that they share.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
    chunk: BytesMut,
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
    ) -> Result<Written, Refusal> {
        self.bytes.clear();
        let mut to = Fields::of(&mut self.bytes);
        to.number(1, numbers.client_seq);
        to.number(2, numbers.server_seq);
        write(&mut to)?;
        Ok(self.take())
    }

    /// The answer to what was refused.
    pub fn error(&mut self, numbers: Numbers, refusal: Refusal) -> Written {
        self.bytes.clear();
        let mut to = Fields::of(&mut self.bytes);
        to.number(1, numbers.client_seq);
        to.number(2, numbers.server_seq);
        to.made(11, &pb::OperationError::from(refusal));
        self.take()
    }

    /// What was written, in no more memory than is said.
    fn take(&mut self) -> Written {
        let length = self.bytes.len();
        if length > SMALL {
            let answer = Encoded::new(Bytes::copy_from_slice(&self.bytes));
            self.bytes.shrink_to(SPARE);
            return Written {
                answer,
                keeps: length,
            };
        }
        // What is left of the chunk is given up: the answers before it keep that as well, and were counted with it.
        let is_first = self.chunk.capacity() < length;
        if is_first {
            self.chunk = BytesMut::with_capacity(CHUNK);
        }
        self.chunk.extend_from_slice(&self.bytes);
        Written {
            answer: Encoded::new(self.chunk.split().freeze()),
            keeps: if is_first { CHUNK } else { 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    fn answer(writer: &mut Writer, length: usize) -> Written {
        let numbers = Numbers {
            client_seq: 1,
            server_seq: 1,
        };
        let text = "x".repeat(length);
        let written = writer.answer(numbers, |to| {
            to.text(3, &text);
            Ok(())
        });
        written.unwrap()
    }

    #[test]
    fn memory_that_answers_keep_is_counted_once_and_all_of_it() {
        let mut writer = Writer::default();
        for length in [0, 1, 200, SMALL - 10, SMALL, CHUNK, 300_000, 2 * SPARE] {
            let written: Vec<_> = (0..100).map(|_| answer(&mut writer, length)).collect();
            let kept: usize = written.iter().map(|it| it.keeps).sum();
            let bytes: usize = written.iter().map(|it| it.answer.bytes().len()).sum();
            // The first ones may be in a chunk that was counted before.
            assert!(kept + CHUNK >= bytes, "{length}: {kept} for {bytes}");
            assert!(
                kept <= bytes + bytes / 4 + CHUNK,
                "{length}: {kept} for {bytes}"
            );
        }
        assert!(writer.bytes.capacity() <= 2 * SPARE + 64);
    }

    #[test]
    fn answers_stay_as_they_were_written() {
        let mut writer = Writer::default();
        let lengths = [3, 900, 5_000, 7, 1_000, 1_100, 8_192, 2].repeat(20);
        let written: Vec<_> = lengths.iter().map(|&it| answer(&mut writer, it)).collect();
        for (length, written) in lengths.iter().zip(written) {
            assert_eq!(
                written.answer.bytes(),
                answer(&mut Writer::default(), *length).answer.bytes()
            );
        }
    }
}
