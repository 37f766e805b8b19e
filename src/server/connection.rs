//! One connection, counted as long as it is open.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Connections that may be open at once: each costs memory before it has said who it is.
pub(super) const CONNECTIONS_MAX: usize = 4_096;

/// Counts open connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    open: watch::Sender<usize>,
}

impl Connections {
    /// Counts one more, unless there are too many.
    pub(super) fn admit(&self) -> Option<Open> {
        if self.open() >= CONNECTIONS_MAX {
            return None;
        }
        self.open.send_modify(|open| *open = open.saturating_add(1));
        Some(Open {
            open: self.open.clone(),
        })
    }

    pub(super) fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Returns when none is open.
    pub(super) async fn none(&self) {
        // The sender is here, so the channel is open.
        let mut open = self.open.subscribe();
        let _none = open.wait_for(|open| *open == 0).await;
    }
}

/// Counts one connection while it is held.
#[derive(Debug)]
pub(super) struct Open {
    open: watch::Sender<usize>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.open.send_modify(|open| *open = open.saturating_sub(1));
    }
}

/// A connection as accepted, on its way to a worker.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: std::net::TcpStream,
    pub(super) open: Open,
}

/// A connection in the runtime of its worker.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    _open: Open,
}

impl TryFrom<Accepted> for Connection {
    type Error = io::Error;

    fn try_from(accepted: Accepted) -> io::Result<Self> {
        Ok(Self {
            stream: TcpStream::from_std(accepted.stream)?,
            _open: accepted.open,
        })
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_counted_up_to_the_most() {
        let connections = Connections::default();
        connections.none().await;
        let mut held: Vec<_> = (0..CONNECTIONS_MAX).map(|_| connections.admit()).collect();
        assert!(held.iter().all(Option::is_some));
        assert_eq!(connections.open(), CONNECTIONS_MAX);
        assert!(connections.admit().is_none());
        held.pop();
        assert!(connections.admit().is_some());
        held.clear();
        connections.none().await;
        assert_eq!(connections.open(), 0);
    }
}
