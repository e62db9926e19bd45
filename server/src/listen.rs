//! Connections: how many, how long they may take to say what they want and to hear the answer, and how
//! they end.
//!
//! `axum::serve` waits for ever for a request that was begun, and for an answer to be taken; a few
//! hundred idle sockets would keep everybody else out.

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
    write_timeout::{TimeoutStream, WriteTimeout},
};

/// How long a connection may take to send a request's head, and to lie idle before the next.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// The longest head that is read, in bytes: our longest is a callback with its cookies.
const MAX_HEAD: usize = 64 * 1024;
/// How many connections the listeners of the sites serve at once, all together. With those of the
/// operators it is below half of what a process may usually open (1,024 files), so that the back
/// channel and the databases find room.
const MAX_CONNECTIONS: usize = 400;
/// How many of them one network may have: forty people behind one address with the six connections
/// that a browser opens to a host. Whoever takes them all has left room for others.
const MAX_FROM_ONE_NETWORK: usize = 240;
/// How many connections the operators' listener serves at once: probes are few and short.
const MAX_OPERATOR_CONNECTIONS: usize = 16;
/// After an error of `accept`, which is the system's (no more files): let connections end first.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// What stands between a connection and the sites.
#[derive(Clone)]
pub struct Door {
    /// Encrypts; without it the door is plain http.
    pub tls: Option<TlsAcceptor>,
    /// The proxies that may say who called them, and how.
    pub trusted: Arc<[IpAddr]>,
    /// The limit on connections, which all listeners with a clone of these options share.
    pub connections: ConnectionLimiter,
    /// How long an answer waits to be read.
    pub write_timeout: WriteTimeout,
}

impl Default for Door {
    /// Plain http, nobody's forwarded headers are believed, and as many places as the sites have.
    fn default() -> Self {
        Self {
            tls: None,
            trusted: Arc::default(),
            connections: ConnectionLimiter::new(MAX_CONNECTIONS),
            write_timeout: WriteTimeout::OF_SITES,
        }
    }
}

impl Door {
    /// The door of operators, with a few places of its own: a crowd at the sites does not shut it.
    #[must_use]
    pub fn of_operators() -> Self {
        Self {
            connections: ConnectionLimiter::new(MAX_OPERATOR_CONNECTIONS),
            ..Self::default()
        }
    }
}

/// Serves until told to stop, then lets the requests that are under way end. Nobody's forwarded
/// headers are believed.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_behind(Door::default(), listener, router, stop).await;
}

/// The same behind a door.
pub async fn serve_behind(
    door: Door,
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
        let from_proxy = door.trusted.contains(&from.ip().to_canonical());
        let max = door.connections.max();
        let share = if from_proxy {
            max
        } else {
            max.min(MAX_FROM_ONE_NETWORK)
        };
        let permit = door.connections.acquire(Peer(from.ip()).network(), share);
        let (door, router, ending) = (door.clone(), router.clone(), ending.watcher());
        connections.spawn(async move {
            let permit = Arc::new(permit);
            let stream = TimeoutStream::new(stream, door.write_timeout);
            let converse = async {
                match &door.tls {
                    None => answer(stream, from, false, &permit, &door, router, ending).await,
                    Some(tls) => {
                        // Whoever never finishes the handshake would hold a place for ever.
                        let shaken = tokio::time::timeout(HEAD_WITHIN, tls.accept(stream)).await;
                        if let Ok(Ok(stream)) = shaken {
                            answer(stream, from, true, &permit, &door, router, ending).await;
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
    door: &Door,
    router: Router,
    ending: Watcher,
) {
    let trusted = Arc::clone(&door.trusted);
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
        .serve_connection(TokioIo::new(stream), service);
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
