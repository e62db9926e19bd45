//! Listeners: the limits on connections, on the time for a request's head and for an answer, and how
//! connections end.
//!
//! `axum::serve` has none of these limits: it waits for ever for a request that has begun and for an
//! answer to be read, so a few hundred idle sockets would keep all other clients out.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use web::peer::Peer;

use crate::{
    connections::{ConnectionLimiter, Permit},
    forwarded::{Connection, RemoteAddr},
    head_refused::HeadRefused,
    write_timeout::{TimeoutStream, WriteTimeout},
};

/// How long a connection may take to send a request's head, or be idle before the next.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// The longest head that is read, in bytes. Our longest is a callback with its cookies.
const MAX_HEAD: usize = 64 * 1024;
/// The most connections of the sites' listeners together. With those of the operators it is below half
/// of the files that a process may usually open (1,024), which leaves room for the back channel and the
/// databases.
const MAX_CONNECTIONS: usize = 400;
/// The most of them from one network: forty people behind one address with the six connections that a
/// browser opens to a host. The rest is left for other networks.
const MAX_FROM_ONE_NETWORK: usize = 240;
/// The most connections of the operators' listener. Probes are few and short.
const MAX_OPERATOR_CONNECTIONS: usize = 16;
/// The pause after an error of `accept`, in which connections can end. The usual error is that the
/// process has no more files.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// How a listener treats its connections.
#[derive(Clone)]
pub struct ListenerOptions {
    /// Encrypts. Without it the listener speaks plain http.
    pub tls: Option<TlsAcceptor>,
    /// The proxies whose forwarded headers are believed.
    pub trusted: Arc<[IpAddr]>,
    /// The limit on connections, which all listeners with a clone of these options share.
    pub connections: ConnectionLimiter,
    /// How long an answer waits to be read.
    pub write_timeout: WriteTimeout,
}

impl Default for ListenerOptions {
    /// For the sites: plain http, no trusted proxies.
    fn default() -> Self {
        Self {
            tls: None,
            trusted: Arc::default(),
            connections: ConnectionLimiter::new(MAX_CONNECTIONS),
            write_timeout: WriteTimeout::OF_SITES,
        }
    }
}

impl ListenerOptions {
    /// For the operators' listener, with a limit of its own: many connections to the sites keep no probe
    /// out.
    #[must_use]
    pub fn of_operators() -> Self {
        Self {
            connections: ConnectionLimiter::new(MAX_OPERATOR_CONNECTIONS),
            ..Self::default()
        }
    }
}

/// Serves with the default options until `stop`, then lets the requests that are under way end.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_with(ListenerOptions::default(), listener, router, stop).await;
}

/// The same with options.
pub async fn serve_with(
    options: ListenerOptions,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) {
    let ending = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener) => accepted,
        };
        let Some((stream, from)) = accepted else {
            continue;
        };
        // A proxy speaks for many.
        let from_proxy = options.trusted.contains(&from.ip().to_canonical());
        let max = options.connections.max();
        let share = if from_proxy {
            max
        } else {
            max.min(MAX_FROM_ONE_NETWORK)
        };
        let permit = options
            .connections
            .acquire(Peer(from.ip()).network(), share);
        let (options, router, ending) = (options.clone(), router.clone(), ending.watcher());
        connections.spawn(async move {
            let permit = Arc::new(permit);
            let stream = TimeoutStream::new(stream, options.write_timeout);
            let converse = async {
                match &options.tls {
                    None => answer(stream, from, false, &permit, &options, router, ending).await,
                    Some(tls) => {
                        // A handshake that never ends would hold its permit for ever.
                        let shaken = tokio::time::timeout(HEAD_WITHIN, tls.accept(stream)).await;
                        if let Ok(Ok(stream)) = shaken {
                            answer(stream, from, true, &permit, &options, router, ending).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = permit.evicted() => {}
                () = converse => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    ending.shutdown().await;
}

/// Answers the requests of one connection.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    from: SocketAddr,
    encrypted: bool,
    permit: &Arc<Permit>,
    options: &ListenerOptions,
    router: Router,
    ending: Watcher,
) {
    let trusted = Arc::clone(&options.trusted);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let connection = Connection {
            from,
            encrypted,
            trusted: &trusted,
        };
        let remote = RemoteAddr::of(connection, request.headers());
        request.extensions_mut().insert(remote);
        request.extensions_mut().insert(Peer(remote.ip));
        let (answering, router) = (permit.answering(), router.clone());
        async move {
            let answer = router.oneshot(request.map(Body::new)).await;
            drop(answering);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(HeadRefused::new(stream)), service);
    // A connection that breaks is the other side's affair.
    let _ = ending.watch(connection).await;
}

async fn accept(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(AFTER_ERROR).await;
            None
        }
    }
}
