//! What a connection's bytes go over: TCP as it is, or TLS on it.
//!
//! Over TLS a client may choose HTTP/2, which gRPC needs, or HTTP/1.1, which many tools that read
//! checkpoints and tiles speak alone; tonic's own TLS offers the first only. The handshake goes on
//! whenever the connection is read or written, in the connection's own task, so that a slow one
//! keeps nobody else waiting.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::rustls;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};
use zeroize::Zeroizing;

/// What a client may speak, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The certificate chain and key of a server, in PEM.
pub struct TlsIdentity {
    /// The chain, the server's own certificate first.
    pub certificate: String,
    /// The secret key; erased from this copy when dropped.
    pub key: Zeroizing<String>,
}

/// Why a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The chain is not PEM.
    #[error("the certificate chain is not in PEM")]
    Certificate(#[source] PemError),
    /// The file of the chain has no certificate.
    #[error("there is no certificate where the chain should be")]
    NoCertificate,
    /// The key is not PEM, or of no kind that is known.
    #[error("the key is not in PEM")]
    Key(#[source] PemError),
    /// The two do not belong together, or are too weak.
    #[error("certificate and key do not go together")]
    Refused(#[from] rustls::Error),
}

/// Returns what makes TLS of a connection.
///
/// # Errors
/// See [`TlsError`].
pub(super) fn acceptor(identity: &TlsIdentity) -> Result<TlsAcceptor, TlsError> {
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes());
    let chain: Vec<_> = chain
        .collect::<Result<_, _>>()
        .map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).map_err(TlsError::Key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A connection's bytes, as they are sent or under TLS.
pub(super) enum Wire {
    /// As they are sent.
    Plain(TcpStream),
    /// Under TLS, once both sides have agreed on it.
    Agreeing(Box<Accept<TcpStream>>),
    /// Under TLS.
    Secure(Box<TlsStream<TcpStream>>),
    /// Both sides have not agreed.
    Broken,
}

/// Both directions of a stream.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

impl Wire {
    /// Begins on a connection: with TLS, where there is an acceptor.
    pub fn begin(stream: TcpStream, tls: Option<&TlsAcceptor>) -> Self {
        match tls {
            Some(tls) => Self::Agreeing(Box::new(tls.accept(stream))),
            None => Self::Plain(stream),
        }
    }

    /// Returns the stream once it is open.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Duplex>>> {
        if let Self::Agreeing(accept) = self {
            match ready!(Pin::new(accept.as_mut()).poll(context)) {
                Ok(stream) => *self = Self::Secure(Box::new(stream)),
                Err(error) => {
                    tracing::debug!(%error, "a client has not agreed on TLS");
                    *self = Self::Broken;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match self {
            Self::Plain(stream) => Ok(Pin::new(stream)),
            Self::Secure(stream) => Ok(Pin::new(stream.as_mut())),
            Self::Agreeing(_) | Self::Broken => Err(io::ErrorKind::NotConnected.into()),
        })
    }

    /// Says whether there is anything to flush or to close in order.
    fn is_open(&self) -> bool {
        matches!(self, Self::Plain(_) | Self::Secure(_))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.is_open() {
            true => ready!(self.poll_open(context))?.poll_flush(context),
            false => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.is_open() {
            true => ready!(self.poll_open(context))?.poll_shutdown(context),
            false => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?.poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true // Both kinds of streams take several parts at once.
    }
}
