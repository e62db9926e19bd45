//! H5 on SQLite: the verifies of a batch are redeemed as a set, in three statements. What is refused is
//! looked at one by one, in the same transaction.

use std::collections::HashMap;

use database::{Connection, Set, Statement, Unavailable, Verb, from_millis, millis};
use handoff::{
    handoff::{ACCESS_LIFETIME, Handoff},
    policy::Policy,
    refusal_reason::RefusalReason,
    token::{Challenge, Digest, HandoffToken},
    verify::{Proof, ages_for_good, decide},
    wire::{SessionInfo, UserInfo},
};
use time::OffsetDateTime;

use super::{
    super::{NotRedeemed, Outcome, Redeemed, Redemption},
    client_sessions::{self, Beginning},
    ending, json, recent,
    stored::{self, Stored, StoredRow},
};

/// One verify of a set.
#[derive(Clone, Debug)]
pub(super) struct Redeem {
    redemption: Redemption,
    token: Digest<HandoffToken>,
    now: OffsetDateTime,
    policy: Policy,
}

type Decided = Result<Redeemed, NotRedeemed>;

impl Set for Redeem {
    type Answer = Decided;

    /// A token is never twice in one set: which of two uses came first decides what comes of both.
    fn goes_with(&self, others: &[Self]) -> bool {
        others
            .iter()
            .all(|other| other.policy == self.policy && other.token != self.token)
    }

    fn run(tx: &mut Connection, inputs: Vec<Self>) -> Verb<'_, Vec<Decided>> {
        Box::pin(redeem(tx, inputs))
    }
}

impl Redeem {
    pub(super) fn new(redemption: Redemption, now: OffsetDateTime, policy: Policy) -> Self {
        Self {
            token: redemption.presented.token.digest(),
            redemption,
            now,
            policy,
        }
    }

    /// The members that the statements read, in their order.
    fn values(&self) -> Values<'_> {
        let presented = &self.redemption.presented;
        let challenge = presented.verifier.as_ref().map(Challenge::met_by);
        (
            json::hex(self.token.as_bytes().as_slice()),
            presented.client.as_str(),
            self.redemption.client_revision.0,
            millis(self.now),
            presented.proof == Proof::Credential,
            json::hex(presented.state.digest().as_bytes().as_slice()),
            presented.redirect_uri.as_deref(),
            challenge.map(|challenge| json::hex(challenge.as_bytes().as_slice())),
            self.redemption.session.to_string(),
            millis(self.now + ACCESS_LIFETIME),
        )
    }
}

type Values<'a> = (
    String,
    &'a str,
    i64,
    i64,
    bool,
    String,
    Option<&'a str>,
    Option<String>,
    String,
    i64,
);

/// `claim` of the protocol as a condition; a property test holds the two against each other.
///
/// A client that has shown a credential claims by token and owner. One that has shown its origin
/// alone must have every binding right, or any stranger could spoil its handoffs. `IS` and
/// not `=`: no verifier meets no challenge.
///
/// What the client showed was compared with a record that may be older than this transaction: the
/// record must still be the one that is stored.
///
/// A first use names the session that it will have; one that is refused loses it again. SQLite has one
/// writer, so that no sign-out can come between this and the commit.
const CLAIM: Statement = Statement::for_sqlite(
    "UPDATE handoff
     SET used_at = p.now,
         session = CASE WHEN handoff.used_at IS NULL THEN p.session ELSE handoff.session END,
         keep_until = CASE WHEN handoff.used_at IS NULL THEN coalesce(
             (SELECT min(s.expires_at, p.until) FROM sign_in s WHERE s.id = handoff.sign_in),
             handoff.keep_until) ELSE handoff.keep_until END
     FROM (SELECT unhex(value ->> 0) AS token, value ->> 1 AS client, value ->> 2 AS revision,
                  value ->> 3 AS now, value ->> 4 AS credential, unhex(value ->> 5) AS state,
                  value ->> 6 AS redirect_uri, unhex(value ->> 7) AS challenge,
                  value ->> 8 AS session, value ->> 9 AS until
           FROM json_each($1)) AS p
     WHERE handoff.token = p.token AND (handoff.client = p.client OR NOT $2)
       AND (handoff.used_at IS NULL OR NOT $3) AND (handoff.expires_at > p.now OR NOT $4)
       AND (p.credential
            OR (handoff.state = p.state OR NOT $5)
               AND (handoff.redirect_uri = p.redirect_uri
                    OR p.redirect_uri IS NULL AND handoff.challenge IS NULL OR NOT $6)
               AND (handoff.challenge IS p.challenge OR NOT $7))
       AND EXISTS (SELECT 1 FROM client k WHERE k.id = p.client AND k.revision = p.revision)
     RETURNING token, client, redirect_uri, state, challenge, sign_in, user_id, expires_at,
               NULL AS used_at, session, recent,
               (SELECT json_array(s.ended_at, s.expires_at, s.idle_until, s.auth_time, json(s.amr))
                FROM sign_in s WHERE s.id = handoff.sign_in) AS sign_in_row,
               (SELECT json_array(u.email, u.name, u.email_verified, u.disabled_at)
                FROM user u WHERE u.id = handoff.user_id) AS person,
               (SELECT k.assigned_to FROM client k WHERE k.id = handoff.client) AS assigned_to",
);

/// Uses up the tokens that are their clients' to use.
async fn claim(
    tx: &mut Connection,
    inputs: &[Redeem],
) -> Result<HashMap<Vec<u8>, StoredRow>, Unavailable> {
    let Some(policy) = inputs.first().map(|input| input.policy) else {
        return Ok(HashMap::new());
    };
    let values: Vec<_> = inputs.iter().map(Redeem::values).collect();
    let rows: Vec<StoredRow> = sqlx::query_as(CLAIM)
        .bind(json::list(&values)?)
        .bind(policy.client_binding())
        .bind(policy.one_time())
        .bind(policy.lifetime())
        .bind(policy.state_binding())
        .bind(policy.redirect_uri_binding())
        .bind(policy.verifier_binding())
        .fetch_all(tx)
        .await?;
    let by_token = rows.into_iter().map(|row| (row.handoff.token.clone(), row));
    Ok(by_token.collect())
}

async fn redeem(tx: &mut Connection, inputs: Vec<Redeem>) -> Result<Vec<Decided>, Unavailable> {
    let mut claimed = claim(tx, &inputs).await?;
    let mut decided = Vec::with_capacity(inputs.len());
    let mut accepted = Accepted::default();
    for input in &inputs {
        let row = claimed.remove(input.token.as_bytes().as_slice());
        let answer = row.map(|row| decide_claimed(input, row)).transpose()?;
        if let Some(Claimed::Accepted(redeemed, row)) = &answer {
            accepted.add(input, redeemed, row);
        }
        decided.push(answer);
    }
    accepted.write(tx).await?;
    // What is refused may end a sign-in, with all sessions that it gave: those are there by now.
    let mut answers = Vec::with_capacity(inputs.len());
    for (input, answer) in inputs.iter().zip(decided) {
        answers.push(match answer {
            Some(Claimed::Accepted(redeemed, _)) => Ok(redeemed),
            Some(Claimed::Refused(row, reason)) => {
                refuse_claimed(tx, input, &row, reason).await?;
                Err(NotRedeemed::Refused(reason))
            }
            None => Err(refuse_unclaimed(tx, input).await?),
        });
    }
    Ok(answers)
}

/// What the rule says of a token that was claimed.
enum Claimed {
    Accepted(Redeemed, StoredRow),
    Refused(StoredRow, RefusalReason),
}

fn decide_claimed(input: &Redeem, row: StoredRow) -> Result<Claimed, Unavailable> {
    let stored = row.read(millis(input.now))?;
    let issued = stored.handoff.issued();
    let presented = &input.redemption.presented;
    if let Err(reason) = decide(
        &stored.handoff,
        stored.standing,
        presented,
        input.now,
        &input.policy,
    ) {
        return Ok(Claimed::Refused(row, reason));
    }
    let (Some((_, ends_at, _, auth_time, amr)), Some((email, name, email_verified, _))) =
        (stored.sign_in, stored.person)
    else {
        return Err(Unavailable::unreadable(
            "a handoff without its sign-in or person",
        ));
    };
    let redeemed = Redeemed {
        session: SessionInfo {
            id: input.redemption.session,
            user_id: issued.user,
            created_at: input.now,
            expires_at: (input.now + ACCESS_LIFETIME).min(from_millis(ends_at)?),
        },
        user: UserInfo {
            id: issued.user,
            email,
            name,
            email_verified: email_verified != 0,
        },
        auth_time: from_millis(auth_time)?,
        amr,
    };
    Ok(Claimed::Accepted(redeemed, row))
}

/// Whether this verify was the first use. Only a weakened policy claims a token again.
fn is_first_use(row: &StoredRow, input: &Redeem) -> bool {
    row.handoff.session.as_deref() == Some(input.redemption.session.to_string().as_str())
}

const KEEP_SESSION: Statement =
    Statement::new("UPDATE handoff SET session = $1, keep_until = $2 WHERE token = $3");

/// What the accepted ones of a set write.
#[derive(Default)]
struct Accepted {
    sessions: Vec<Beginning>,
    recent: Vec<i64>,
    used_again: Vec<(String, i64, Digest<HandoffToken>)>,
}

impl Accepted {
    fn add(&mut self, input: &Redeem, redeemed: &Redeemed, row: &StoredRow) {
        let session = &redeemed.session;
        let (id, expires_at) = (session.id.to_string(), millis(session.expires_at));
        if !is_first_use(row, input) {
            self.used_again.push((id.clone(), expires_at, input.token));
        }
        self.recent.extend(row.recent);
        self.sessions.push((
            id,
            json::hex(input.redemption.access_token.as_bytes().as_slice()),
            input.redemption.presented.client.to_string(),
            row.handoff.sign_in.clone(),
            session.user_id.to_string(),
            millis(session.created_at),
            expires_at,
        ));
    }

    async fn write(self, tx: &mut Connection) -> Result<(), Unavailable> {
        if self.sessions.is_empty() {
            return Ok(());
        }
        client_sessions::begin(tx, &self.sessions).await?;
        recent::opened(tx, &self.recent).await?;
        for (session, expires_at, token) in self.used_again {
            sqlx::query(KEEP_SESSION)
                .bind(session)
                .bind(expires_at)
                .bind(token.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }
}

const BURN: Statement =
    Statement::new("UPDATE handoff SET session = NULL, keep_until = expires_at WHERE token = $1");

/// A refusal commits as well: the token stays used up, and has no session.
async fn refuse_claimed(
    tx: &mut Connection,
    input: &Redeem,
    row: &StoredRow,
    reason: RefusalReason,
) -> Result<(), Unavailable> {
    if is_first_use(row, input) {
        sqlx::query(BURN)
            .bind(input.token.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
    }
    recent::conclude(tx, input.token, Outcome::of(reason)).await?;
    ending::end_sign_in_if_over(tx, &row.handoff.sign_in, millis(input.now)).await
}

const CLIENT_IS: Statement =
    Statement::new("SELECT EXISTS (SELECT 1 FROM client WHERE id = $1 AND revision = $2)");
const USE_UP: Statement =
    Statement::new("UPDATE handoff SET used_at = $1 WHERE token = $2 AND used_at IS NULL");

/// Why a token was not claimed; a replay ends what its first use gave. Nothing can be accepted from
/// here on.
async fn refuse_unclaimed(tx: &mut Connection, input: &Redeem) -> Result<NotRedeemed, Unavailable> {
    let presented = &input.redemption.presented;
    let client_is: bool = sqlx::query_scalar(CLIENT_IS)
        .bind(presented.client.as_str())
        .bind(input.redemption.client_revision.0)
        .fetch_one(&mut *tx)
        .await?;
    if !client_is {
        return Ok(NotRedeemed::ClientChanged);
    }
    let Some(row) = stored::find(tx, input.token).await? else {
        return Ok(NotRedeemed::Refused(RefusalReason::Unknown));
    };
    let Stored {
        handoff: stored,
        standing,
        ..
    } = row.read(millis(input.now))?;
    let decided = decide(&stored, standing, presented, input.now, &input.policy);
    let Err(reason) = decided else {
        // The rule accepts what the condition did not let us claim: one of the two is wrong.
        return Err(Unavailable::unreadable("a handoff that cannot be claimed"));
    };
    if let (RefusalReason::Replayed, Handoff::Redeemed { session, .. }) = (reason, &stored) {
        client_sessions::end_replayed(tx, *session, millis(input.now)).await?;
    }
    let ages = ages_for_good(&stored, presented, reason, &input.policy);
    if ages || reason == RefusalReason::Replayed {
        recent::conclude(tx, input.token, Outcome::of(reason)).await?;
    }
    if ages {
        sqlx::query(USE_UP)
            .bind(millis(input.now))
            .bind(input.token.as_bytes().as_slice())
            .execute(&mut *tx)
            .await?;
    }
    ending::end_sign_in_if_over(tx, &row.handoff.sign_in, millis(input.now)).await?;
    Ok(NotRedeemed::Refused(reason))
}
