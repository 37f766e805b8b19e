//! What is particular to a stream: its opening and its batches. The operations in it are read as those of the unary calls.

use super::error::Malformed;
use super::field::{Path, Violations, says};
use crate::domain::name::ClientId;
use crate::pb;

/// Most bytes of a token to resume by.
pub const TOKEN_MAX: usize = 256;

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
