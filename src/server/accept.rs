//! Takes connections from the listener, sets up their sockets, and never gives up.

use core::convert::Infallible;
use core::time::Duration;
use std::io;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// First pause after a failure, doubled with each further one: long enough for a descriptor to come free.
const BACK_OFF: Duration = Duration::from_millis(5);
/// Longest pause: a client that comes meanwhile waits in the listener's backlog no longer than this.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
/// Silence after which the kernel asks whether the peer is still there, and pause between its questions. Only these find a
/// peer that vanished before it said anything; HTTP/2's own pings begin after its first bytes.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(10);

/// The next connection, its socket set up and non-blocking. It belongs to no runtime.
///
/// # Errors
/// As `accept(2)`: also those that will pass, such as too many open files.
pub async fn accept(listener: &TcpListener) -> io::Result<std::net::TcpStream> {
    loop {
        let (stream, peer) = listener.accept().await?;
        match stream.into_std().and_then(|stream| {
            set_up(&stream)?;
            Ok(stream)
        }) {
            Ok(stream) => return Ok(stream),
            // It was gone before it was taken.
            Err(error) => tracing::debug!(%peer, %error, "connection lost"),
        }
    }
}

fn set_up(stream: &std::net::TcpStream) -> io::Result<()> {
    // Without it an answer may wait 40 ms for the acknowledgement of the one before. tonic's setting for it does not reach
    // sockets that are handed to it.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Hands over every connection that `accept` yields, for ever; after an error it pauses and goes on.
pub(super) async fn accept_all<T, F>(
    mut accept: impl FnMut() -> F,
    mut hand_over: impl FnMut(T),
) -> Infallible
where
    F: Future<Output = io::Result<T>>,
{
    let mut pause = BACK_OFF;
    loop {
        match accept().await {
            Ok(connection) => {
                pause = BACK_OFF;
                hand_over(connection);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "cannot accept connections; pausing");
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(BACK_OFF_MAX);
            }
        }
    }
}

/// The connection that was to be accepted is lost; the next one is not affected.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use tokio::sync::mpsc;

    use super::*;

    /// `EMFILE` of Linux and macOS.
    const TOO_MANY_OPEN_FILES: i32 = 24;

    #[tokio::test]
    async fn errors_of_accept_do_not_end_the_loop() {
        let mut outcomes = [
            Err(io::Error::from_raw_os_error(TOO_MANY_OPEN_FILES)),
            Ok(1),
            Err(io::ErrorKind::ConnectionAborted.into()),
            Err(io::Error::from_raw_os_error(TOO_MANY_OPEN_FILES)),
            Err(io::Error::from_raw_os_error(TOO_MANY_OPEN_FILES)),
            Ok(2),
        ]
        .into_iter();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let accepting = accept_all(
            || {
                let outcome = outcomes.next();
                async {
                    match outcome {
                        Some(outcome) => outcome,
                        None => core::future::pending().await,
                    }
                }
            },
            |connection| sender.send(connection).unwrap(),
        );
        let received = async { [receiver.recv().await, receiver.recv().await] };
        tokio::select! {
            never = accepting => match never {},
            received = received => assert_eq!(received, [Some(1), Some(2)]),
        }
    }
}
