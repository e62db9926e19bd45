//! Connections: how many, how long they may take to say what they want, and how they end.
//!
//! `axum::serve` waits for ever for a request that was begun; a few hundred idle sockets would keep
//! everybody else out.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// How long a connection may take to send a request's head, and to lie idle before the next.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// The longest head that is read, in bytes: our longest is a callback with its cookies.
const MAX_HEAD: usize = 64 * 1024;
/// How many connections one listener serves at once. More wait to be accepted. It is below what a
/// process may usually open (1,024 files), so that the back channel and the databases find room.
const AT_ONCE: usize = 400;
/// After an error of `accept`, which is the system's (no more files): let connections end first.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// Serves until told to stop, then lets the requests that are under way end.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let ending = GracefulShutdown::new();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &turns) => accepted,
        };
        let Some((stream, turn)) = accepted else {
            continue;
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(MAX_HEAD)
            .serve_connection(
                TokioIo::new(stream),
                TowerToHyperService::new(router.clone()),
            );
        let connection = ending.watch(connection);
        connections.spawn(async move {
            let _turn = turn;
            // A connection that breaks is the other side's affair.
            let _ = connection.await;
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    ending.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    turns: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let turn = Arc::clone(turns).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, turn)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(AFTER_ERROR).await;
            None
        }
    }
}
