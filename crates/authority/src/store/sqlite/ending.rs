//! Ends sign-ins with the clients' sessions that hang on them, for the verbs of several nouns.

use database::{Connection, Statement, Unavailable, millis};
use handoff::ids::{SignInId, UserId};
use time::OffsetDateTime;

const END: Statement =
    Statement::new("UPDATE sign_in SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL");

const OPEN_AT: Statement = Statement::new(
    "SELECT DISTINCT k.name FROM client_session c JOIN client k ON k.id = c.client
     WHERE c.sign_in = $1 AND c.ended_at IS NULL AND c.expires_at > $2
     ORDER BY k.name",
);

/// Ends a sign-in with all that hangs on it. Tells the clients whose sessions were alive, by name.
pub(super) async fn end_sign_in(
    tx: &mut Connection,
    id: SignInId,
    now: i64,
) -> Result<Vec<String>, Unavailable> {
    let id = id.to_string();
    let open = sqlx::query_scalar(OPEN_AT)
        .bind(&id)
        .bind(now)
        .fetch_all(&mut *tx)
        .await?;
    sqlx::query(END)
        .bind(now)
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    // Unused tickets and tokens need no mark of their own: both are refused once their sign-in has
    // ended. Marking them "used" would turn an honest late use into a replay.
    end_sessions_of(tx, &id, now).await?;
    Ok(open)
}

const END_IF_OVER: Statement = Statement::new(
    "UPDATE sign_in SET ended_at = $1
     WHERE id = $2 AND ended_at IS NULL AND (expires_at <= $1 OR idle_until <= $1)",
);

/// Ends a sign-in whose time is over, with all that hangs on it. The verb that sees that it is over
/// ends it: a clock that is put back must not bring it to life.
pub(super) async fn end_sign_in_if_over(
    tx: &mut Connection,
    id: &str,
    now: i64,
) -> Result<(), Unavailable> {
    let ended = sqlx::query(END_IF_OVER)
        .bind(now)
        .bind(id)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if ended == 1 {
        end_sessions_of(tx, id, now).await?;
    }
    Ok(())
}

const END_ALL_OF: Statement =
    Statement::new("UPDATE sign_in SET ended_at = $1 WHERE user_id = $2 AND ended_at IS NULL");

/// Ends all sign-ins of a person with all that hangs on them, as [`end_sign_in`] does for one.
pub(super) async fn end_sign_ins_of(
    tx: &mut Connection,
    user: UserId,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    let (user, now) = (user.to_string(), millis(now));
    sqlx::query(END_ALL_OF)
        .bind(now)
        .bind(&user)
        .execute(&mut *tx)
        .await?;
    end_sessions_of_user(tx, &user, now).await
}

const OPEN_BUT: Statement = Statement::new(
    "SELECT DISTINCT k.name FROM client_session c JOIN client k ON k.id = c.client
     WHERE c.user_id = $1 AND c.sign_in <> $2 AND c.ended_at IS NULL AND c.expires_at > $3
     ORDER BY k.name",
);
const END_ALL_BUT: Statement = Statement::new(
    "UPDATE sign_in SET ended_at = $1 WHERE user_id = $2 AND id <> $3 AND ended_at IS NULL",
);
const END_SESSIONS_BUT: Statement = Statement::new(
    "UPDATE client_session SET ended_at = $1
     WHERE user_id = $2 AND sign_in <> $3 AND ended_at IS NULL",
);

/// Ends all sign-ins of a person but one, or all, as [`end_sign_in`] does for one.
pub(super) async fn end_sign_ins_but(
    tx: &mut Connection,
    user: UserId,
    kept: Option<SignInId>,
    now: OffsetDateTime,
) -> Result<Vec<String>, Unavailable> {
    let (user, now) = (user.to_string(), millis(now));
    // No sign-in has the empty id.
    let kept = kept.map(|id| id.to_string()).unwrap_or_default();
    let open = sqlx::query_scalar(OPEN_BUT)
        .bind(&user)
        .bind(&kept)
        .bind(now)
        .fetch_all(&mut *tx)
        .await?;
    for statement in [END_ALL_BUT, END_SESSIONS_BUT] {
        sqlx::query(statement)
            .bind(now)
            .bind(&user)
            .bind(&kept)
            .execute(&mut *tx)
            .await?;
    }
    Ok(open)
}

const END_SESSIONS_OF: Statement = Statement::new(
    "UPDATE client_session SET ended_at = $1 WHERE sign_in = $2 AND ended_at IS NULL",
);

/// Ends all sessions that a sign-in gave.
async fn end_sessions_of(tx: &mut Connection, sign_in: &str, now: i64) -> Result<(), Unavailable> {
    sqlx::query(END_SESSIONS_OF)
        .bind(now)
        .bind(sign_in)
        .execute(tx)
        .await?;
    Ok(())
}

const END_SESSIONS_OF_USER: Statement = Statement::new(
    "UPDATE client_session SET ended_at = $1 WHERE user_id = $2 AND ended_at IS NULL",
);

/// Ends all sessions of a person.
async fn end_sessions_of_user(
    tx: &mut Connection,
    user: &str,
    now: i64,
) -> Result<(), Unavailable> {
    sqlx::query(END_SESSIONS_OF_USER)
        .bind(now)
        .bind(user)
        .execute(tx)
        .await?;
    Ok(())
}
