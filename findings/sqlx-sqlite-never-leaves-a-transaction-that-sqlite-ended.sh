#!/usr/bin/env bash
#
# Finding: after SQLite has ended a transaction by itself, as it does when the
# database is full, sqlx's connection stays "in a transaction" for good. The pool
# goes on handing it out, and every later begin_with on it fails.
#
# Source:  crate sqlx 0.9.0 (features runtime-tokio and sqlite, default features
#          off), which brings SQLite by libsqlite3-sys.
# Date:    2026-11-30
#
# What one would guess
#   A statement that fails with SQLITE_FULL fails its transaction. The
#   transaction is dropped, so it is rolled back, and once there is room again
#   the next transaction on the same pool works. If sqlx and SQLite should ever
#   differ about a connection, one would expect the pool to notice when the
#   connection is given back (it pings it then) or taken, and to open another.
#
# What happens
#   On SQLITE_FULL SQLite rolls the whole transaction back by itself
#   (https://sqlite.org/lang_transaction.html, "Response To Errors Within A
#   Transaction"). sqlx counts its own depth and does not ask SQLite: the
#   ROLLBACK that it sends when the transaction is dropped fails, because there
#   is none, and the depth stays 1. From then on, in a pool of one connection:
#   - is_in_transaction() of a connection that was just taken is true;
#   - begin_with("BEGIN IMMEDIATE") fails every time, although the database has
#     room again and other connections write to it;
#   - begin() works, but sends SAVEPOINT in place of BEGIN.
#   The pool's ping succeeds, so the connection is never replaced.
#   A before_acquire hook that refuses connections for which
#   is_in_transaction() is true heals the pool (the last control below).
#
# How it is checked
#   A small program fills a table beyond PRAGMA max_page_count, lifts the limit,
#   and begins transactions before and after, once with a plain pool and once
#   with the hook.
#
# Needs:   bash, a Rust toolchain (seen with 1.95), a C compiler, and access to
#          the crates below.
# Exit:    0 the behaviour is as described; 1 it has changed;
#          2 the program could not be built or did not run to its end.

set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR="$work/target"

mkdir "$work/src"

cat >"$work/Cargo.toml" <<'TOML'
[package]
name = "never-leaves"
version = "0.0.0"
edition = "2024"
publish = false

[dependencies]
sqlx = { version = "=0.9.0", default-features = false, features = ["runtime-tokio", "sqlite"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }

[profile.dev]
debug = false

[workspace]
TOML

cat >"$work/src/main.rs" <<'RUST'
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection, Error, SqlitePool};

const IMMEDIATE: &str = "BEGIN IMMEDIATE";

async fn add(pool: &SqlitePool, bytes: i64) -> Result<(), Error> {
    let mut tx = pool.begin_with(IMMEDIATE).await?;
    sqlx::query("INSERT INTO item (content) VALUES (zeroblob($1))")
        .bind(bytes)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

async fn limit(pool: &SqlitePool, pages: &'static str) {
    sqlx::query(pages).execute(pool).await.expect("a limit");
}

/// Fills the database once, makes room, and tells what becomes of the pool: whether its connection is
/// in a transaction, and how the next two transactions end.
async fn after_full(pool: &SqlitePool) -> (bool, [Result<(), String>; 2]) {
    add(pool, 10).await.expect("a small row before");
    limit(pool, "PRAGMA max_page_count = 20").await;
    let full = add(pool, 1_000_000).await.expect_err("too large a row");
    let code = full.as_database_error().and_then(|error| error.code());
    assert_eq!(code.as_deref(), Some("13"), "SQLITE_FULL: {full}");
    if let Ok(mut connection) = pool.acquire().await {
        // A connection that was opened anew has no limit.
        sqlx::query("PRAGMA max_page_count = 100000")
            .execute(&mut *connection)
            .await
            .expect("room");
    }
    let is_in_transaction = pool.acquire().await.expect("a connection").is_in_transaction();
    let mut ends = [const { Ok(()) }; 2];
    for end in &mut ends {
        *end = add(pool, 10).await.map_err(|error| error.to_string());
    }
    (is_in_transaction, ends)
}

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let mut as_described = true;
    for (hook, name) in [(false, "plain.db"), (true, "hook.db")] {
        let options = SqliteConnectOptions::new()
            .filename(format!("{folder}/{name}"))
            .create_if_missing(true);
        let mut pool = SqlitePoolOptions::new().max_connections(1);
        if hook {
            pool = pool.before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            });
        }
        let pool = pool.connect_with(options.clone()).await.expect("a pool");
        sqlx::query("CREATE TABLE item (content BLOB)")
            .execute(&pool)
            .await
            .expect("a table");
        let (is_in_transaction, ends) = after_full(&pool).await;
        println!("with the hook: {hook}; in a transaction: {is_in_transaction}; then {ends:?}");
        if hook {
            as_described &= !is_in_transaction && ends.iter().all(Result::is_ok);
            continue;
        }
        as_described &= is_in_transaction && ends.iter().all(Result::is_err);
        // Control: nothing is wrong with the file.
        let other = SqlitePool::connect_with(options).await.expect("another pool");
        add(&other, 10).await.expect("another connection writes");
        // And begin() gives a savepoint, in which one cannot tell that there is no transaction around it.
        let nested = pool.begin().await.expect("a savepoint");
        nested.rollback().await.expect("which can be rolled back");
    }
    std::process::exit(if as_described { 0 } else { 1 });
}
RUST

cargo build --quiet --manifest-path "$work/Cargo.toml" || exit 2
code=0
"$work/target/debug/never-leaves" "$work" || code=$?
case $code in
  0) echo "as described" ;;
  1) echo "the behaviour has changed" ;;
  *) exit 2 ;;
esac
exit "$code"
