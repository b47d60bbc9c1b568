//! A service on an address: safe by default, bounded, and gone in good order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::middleware::from_fn_with_state;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::origin::guard_host;
use super::{Parts, Service};

/// Why a service can't listen, or stopped.
///
/// ```
/// # use flux_server::{Service, Store};
/// # use flux_server::reducers::aggregate_reducers;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
/// let refused = Service::new(store).listen("0.0.0.0:4000".parse()?).await.unwrap_err();
/// assert!(refused.to_string().contains("--allow-anonymous"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address can be reached from other machines, and nobody has to say who they are.
    #[error(
        "{address} can be reached from other machines, and the service has no authentication: \
         listen on 127.0.0.1, set an authentication, or allow anonymous access \
         (--allow-anonymous) where everybody may read and change everything"
    )]
    AnonymousRefused {
        /// The address.
        address: SocketAddr,
    },
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server failed.
    #[error("the server failed: {0}")]
    Serve(#[source] io::Error),
}

/// A service that listens: connections wait until it [runs](Self::run).
///
/// ```
/// # use flux_server::{Service, Store};
/// # use flux_server::reducers::aggregate_reducers;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
/// let listening = Service::new(store).listen("127.0.0.1:0".parse()?).await?;
/// println!("at http://{}", listening.address());
/// listening.run(std::future::ready(())).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nobody is answered until it runs"]
pub struct Listening {
    listener: Bounded,
    parts: Parts,
    address: SocketAddr,
}

impl Service {
    /// Listens on an address; with port 0 on any free one.
    ///
    /// # Errors
    /// When the address is not a loopback one and the service has neither an authentication nor
    /// [`allow_anonymous`](Self::allow_anonymous), or when it is in use.
    ///
    /// ```
    /// # use flux_server::{Service, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let listening = Service::new(store).listen("127.0.0.1:0".parse()?).await?;
    /// assert_ne!(listening.address().port(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn listen(self, address: SocketAddr) -> Result<Listening, ServeError> {
        let is_for_this_machine = self.is_for_this_machine();
        if is_for_this_machine && !address.ip().is_loopback() {
            return Err(ServeError::AnonymousRefused { address });
        }
        let failed = |source| ServeError::Listen { address, source };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let connections = Arc::new(Semaphore::new(self.options.connections_max));
        let mut parts = self.into_parts();
        if is_for_this_machine {
            let guard = from_fn_with_state(parts.shared.clone(), guard_host);
            parts.router = parts.router.layer(guard);
        }
        Ok(Listening { listener: Bounded { tcp, connections }, parts, address })
    }
}

impl Listening {
    /// Returns the address that it listens on.
    ///
    /// ```
    /// # use flux_server::{Service, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let listening = Service::new(store).listen("127.0.0.1:0".parse()?).await?;
    /// assert!(listening.address().ip().is_loopback());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until the signal comes; then takes no more, answers those in flight, tells
    /// the WebSockets, and closes the store.
    ///
    /// # Errors
    /// When the server fails.
    ///
    /// ```
    /// # use flux_server::{Service, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let listening = Service::new(store).listen("127.0.0.1:0".parse()?).await?;
    /// let (stop, stopped) = tokio::sync::oneshot::channel();
    /// let running = tokio::spawn(listening.run(async { stopped.await.unwrap_or_default() }));
    /// stop.send(()).ok();
    /// running.await??;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let shared = self.parts.shared;
        let token = shared.0.shutdown.clone();
        let signal = {
            let token = token.clone();
            async move {
                shutdown.await;
                tracing::info!("shutting down");
                token.cancel();
            }
        };
        let server = axum::serve(self.listener, self.parts.router).with_graceful_shutdown(signal);
        let patience = shared.0.options.shutdown_timeout;
        let served = tokio::select! {
            served = async { server.await } => served,
            () = elapsed_after(&token, patience) => {
                tracing::warn!("some requests were still in flight");
                Ok(())
            }
        };
        shared.0.store.close().await;
        served.map_err(ServeError::Serve)
    }
}

async fn elapsed_after(token: &tokio_util::sync::CancellationToken, patience: Duration) {
    token.cancelled().await;
    tokio::time::sleep(patience).await;
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// A listener that accepts no more connections than it may hold; others wait in the backlog.
#[derive(Debug)]
struct Bounded {
    tcp: TcpListener,
    connections: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let permit = Arc::clone(&self.connections).acquire_owned().await.ok();
        let (tcp, address) = Listener::accept(&mut self.tcp).await;
        // An answer is one small write: waiting to fill a packet only adds latency.
        tcp.set_nodelay(true).ok();
        (Connection { open: Some((tcp, permit)) }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A connection, with its place among those that may be open.
///
/// Its end lingers (RFC 9112, section 9.6): closed at once while the client still sends, the
/// client's system would throw away the last answer, which tells what is wrong with what it sends.
#[derive(Debug)]
struct Connection {
    /// There until it is dropped.
    open: Option<(TcpStream, Option<OwnedSemaphorePermit>)>,
}

/// How long a client may go on sending after the last answer.
const LINGER: Duration = Duration::from_secs(2);

impl Connection {
    fn tcp(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let open = self.open.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(&mut open.0))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(open) = self.open.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                let (mut tcp, _permit) = open;
                tokio::time::timeout(LINGER, async {
                    tcp.shutdown().await?;
                    tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await
                })
                .await
                .ok();
            });
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.tcp()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.tcp()?.poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.tcp()?.poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.open.as_ref().is_some_and(|(tcp, _)| tcp.is_write_vectored())
    }
}
