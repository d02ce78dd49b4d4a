//! Connections: a bounded number at once, each of which can be cut off when the time is up.
//!
//! A connection that is one too many waits in the system's queue of the listener and is taken when
//! another ends; nobody who is connected is pushed out.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;
use tonic::transport::server::Connected;

use super::limits::ServeLimits;
use super::tls::Wire;

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    /// Its address.
    pub address: SocketAddr,
}

/// A connection, which holds its place among the most that there may be.
pub(super) struct Connection {
    wire: Wire,
    peer: Peer,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Ends when the peer should have said something, over TLS if it is spoken; none once it has.
    silence: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

/// Returns the connections of a listener, until it is dropped. All of them end with an error when
/// `cut` becomes true.
pub(super) fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: &ServeLimits,
    cut: watch::Receiver<bool>,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let places = Arc::new(Semaphore::new(limits.connections));
    let patience = limits.handshake;
    let state = (listener, tls, places, cut);
    futures_util::stream::unfold(state, move |(listener, tls, places, cut)| async move {
        let next = next(&listener, tls.as_ref(), &places, &cut, patience).await?;
        Some((next, (listener, tls, places, cut)))
    })
}

async fn next(
    listener: &TcpListener,
    tls: Option<&TlsAcceptor>,
    places: &Arc<Semaphore>,
    cut: &watch::Receiver<bool>,
    patience: Duration,
) -> Option<io::Result<Connection>> {
    // Nobody closes the semaphore; if somebody did, there would be no more connections.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let (stream, address) = match listener.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            return Some(Err(error));
        }
    };
    // Small answers should leave at once; a connection works without that too.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps back small packets");
    }
    let mut cut = cut.clone();
    let cut = async move {
        // The sender lives as long as the server; where it is gone, so is the server.
        let _ = cut.wait_for(|cut| *cut).await;
    };
    Some(Ok(Connection {
        wire: Wire::begin(stream, tls),
        peer: Peer { address },
        cut: Box::pin(cut),
        silence: Some(Box::pin(tokio::time::sleep(patience))),
        _place: place,
    }))
}

impl Connection {
    /// Fails when the connection has been cut off.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(()) => {
                // A finished future must not be polled again; this one stays finished.
                self.cut = Box::pin(std::future::ready(()));
                Err(io::Error::new(
                    io::ErrorKind::ConnectionAborted,
                    "the server stops and its deadline is over",
                ))
            }
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.wire).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.silence = None;
        } else if let Some(silence) = &mut self.silence
            && silence.as_mut().poll(context).is_ready()
        {
            // Connections that never begin would take the places of others.
            let text = "the connection was opened and nothing was said";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.wire).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }
}
