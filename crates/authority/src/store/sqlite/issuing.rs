//! H3 on SQLite: the requests of a batch get their tokens as a set. A request that gets none is looked at
//! by itself, in the same transaction.

use std::collections::HashMap;

use database::{Connection, Set, Statement, Unavailable, Verb, millis};
use handoff::{client::AssignedTo, flow::FlowId, handoff::Issued, ids::UserId};
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{Consent, Issuance, NewHandoff, Outcome, Remembered},
    ending, json, recent,
};

/// One request of a set.
#[derive(Clone, Debug)]
pub(super) struct Issue {
    pub(super) new: NewHandoff,
    pub(super) now: OffsetDateTime,
}

impl Set for Issue {
    type Answer = Issuance;

    /// A launch ticket is never twice in one set: the first use leaves nothing for the second.
    fn goes_with(&self, others: &[Self]) -> bool {
        let ticket = self.ticket();
        ticket.is_none() || others.iter().all(|other| other.ticket() != ticket)
    }

    fn run(tx: &mut Connection, inputs: Vec<Self>) -> Verb<'_, Vec<Issuance>> {
        Box::pin(issue(tx, inputs))
    }
}

impl Issue {
    fn ticket(&self) -> Option<String> {
        match &self.new.consent {
            Consent::Silent { launch, .. } => {
                launch.map(|ticket| json::hex(ticket.as_bytes().as_slice()))
            }
            Consent::Confirmed => None,
        }
    }
}

/// Who asks, and whether the client is still the one that the request was held against. SQLite has one
/// writer, so that no sign-out can come between this and the commit.
const ASKED: Statement = Statement::for_sqlite(
    "SELECT u.id AS person, k.assigned_to,
            (SELECT seq FROM sqlite_sequence WHERE name = 'recent_handoff') AS last
     FROM json_each($1) AS p
     LEFT JOIN sign_in s ON s.id = p.value ->> 0 AND s.ended_at IS NULL
                            AND s.expires_at > p.value ->> 1 AND s.idle_until > p.value ->> 1
     LEFT JOIN user u ON u.id = s.user_id AND u.disabled_at IS NULL
     LEFT JOIN client k ON k.id = p.value ->> 2 AND k.revision = p.value ->> 3
     ORDER BY p.key",
);

#[derive(FromRow)]
struct AskedRow {
    /// None: the sign-in is not alive, or the person is gone.
    person: Option<String>,
    /// None: the client has changed.
    assigned_to: Option<String>,
    /// The last id that a remembered handoff was given.
    last: Option<i64>,
}

/// What is known of a request before anything is written.
#[derive(Clone, Copy)]
enum Asked {
    SignedOut,
    ClientChanged,
    NotAssigned(UserId),
    By(UserId),
}

impl AskedRow {
    fn read(&self) -> Result<Asked, Unavailable> {
        let Some(person) = &self.person else {
            return Ok(Asked::SignedOut);
        };
        let person = UserId::parse(person).map_err(Unavailable::unreadable)?;
        let Some(assigned_to) = &self.assigned_to else {
            return Ok(Asked::ClientChanged);
        };
        let assigned_to: AssignedTo = json::read(assigned_to)?;
        Ok(if assigned_to.includes(person) {
            Asked::By(person)
        } else {
            Asked::NotAssigned(person)
        })
    }
}

async fn issue(tx: &mut Connection, inputs: Vec<Issue>) -> Result<Vec<Issuance>, Unavailable> {
    let values: Vec<_> = inputs
        .iter()
        .map(|Issue { new, now }| {
            let client = new.request.client.as_str();
            let revision = new.client_revision.0;
            (new.sign_in.to_string(), millis(*now), client, revision)
        })
        .collect();
    let rows: Vec<AskedRow> = sqlx::query_as(ASKED)
        .bind(json::list(&values)?)
        .fetch_all(&mut *tx)
        .await?;
    let last = rows.iter().find_map(|row| row.last).unwrap_or_default();
    let asked: Vec<_> = rows
        .iter()
        .map(AskedRow::read)
        .collect::<Result<_, Unavailable>>()?;
    let good_tickets = use_tickets(tx, inputs.iter().zip(&asked)).await?;
    let mut issued = Vec::new();
    let mut answers = Vec::with_capacity(inputs.len());
    for (input, asked) in inputs.iter().zip(&asked) {
        answers.push(match asked {
            Asked::SignedOut => Issuance::SignedOut,
            Asked::ClientChanged => Issuance::ClientChanged,
            Asked::NotAssigned(_) => Issuance::NotAssigned,
            Asked::By(person) if is_wanted(tx, input, &good_tickets).await? => {
                let new = &input.new;
                let request = new.request.clone();
                issued.push((
                    request.issue(new.token, new.sign_in, *person, input.now),
                    input.now,
                ));
                Issuance::Issued
            }
            Asked::By(_) => Issuance::MustAsk,
        });
    }
    add(tx, &issued, last).await?;
    for (Issue { new, now }, asked) in inputs.iter().zip(&asked) {
        match asked {
            Asked::SignedOut => {
                ending::end_sign_in_if_over(tx, &new.sign_in.to_string(), millis(*now)).await?;
            }
            Asked::NotAssigned(person) => {
                let attempt = Remembered {
                    client: &new.request.client,
                    flow: FlowId::of(&new.request.state),
                };
                recent::add(tx, *person, attempt, Outcome::NotAssigned, *now).await?;
            }
            Asked::ClientChanged | Asked::By(_) => {}
        }
    }
    Ok(answers)
}

const USE_LAUNCHES: Statement = Statement::for_sqlite(
    "UPDATE launch SET used_at = p.now
     FROM (SELECT unhex(value ->> 0) AS ticket, value ->> 1 AS sign_in, value ->> 2 AS client,
                  value ->> 3 AS now
           FROM json_each($1)) AS p
     WHERE launch.ticket = p.ticket AND launch.sign_in = p.sign_in AND launch.client = p.client
       AND launch.used_at IS NULL
     RETURNING hex(ticket), expires_at",
);

/// Uses up the launch tickets of those who may go on; tells until when each was good, by its digest in
/// hexadecimal digits. A ticket is used up also when it is too late: it stays so, whatever the clock does.
async fn use_tickets(
    tx: &mut Connection,
    inputs: impl Iterator<Item = (&Issue, &Asked)> + Send,
) -> Result<HashMap<String, i64>, Unavailable> {
    let mut values = Vec::new();
    for (input, asked) in inputs {
        if let (Some(ticket), Asked::By(_)) = (input.ticket(), asked) {
            let client = input.new.request.client.as_str();
            let sign_in = input.new.sign_in.to_string();
            values.push((ticket, sign_in, client, millis(input.now)));
        }
    }
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    let used: Vec<(String, i64)> = sqlx::query_as(USE_LAUNCHES)
        .bind(json::list(&values)?)
        .fetch_all(tx)
        .await?;
    let by_digest = used
        .into_iter()
        .map(|(ticket, until)| (ticket.to_ascii_lowercase(), until));
    Ok(by_digest.collect())
}

const USE_SIGN_IN: Statement =
    Statement::new("UPDATE sign_in SET signed_in_for = NULL WHERE id = $1 AND signed_in_for = $2");

/// Whether something shows that the person wants this; uses it up.
async fn is_wanted(
    tx: &mut Connection,
    input: &Issue,
    good_tickets: &HashMap<String, i64>,
) -> Result<bool, Unavailable> {
    let Consent::Silent { request, .. } = &input.new.consent else {
        return Ok(true);
    };
    let until = input.ticket().and_then(|ticket| good_tickets.get(&ticket));
    if until.is_some_and(|until| *until > millis(input.now)) {
        return Ok(true);
    }
    let used = sqlx::query(USE_SIGN_IN)
        .bind(input.new.sign_in.to_string())
        .bind(request.as_slice())
        .execute(tx)
        .await?;
    Ok(used.rows_affected() == 1)
}

const ADD: Statement = Statement::for_sqlite(
    "INSERT INTO handoff (token, client, redirect_uri, state, challenge, sign_in, user_id,
                          expires_at, keep_until, recent)
     SELECT unhex(value ->> 0), value ->> 1, value ->> 2, unhex(value ->> 3), unhex(value ->> 4),
            value ->> 5, value ->> 6, value ->> 7, value ->> 7, value ->> 8
     FROM json_each($1)",
);

/// Adds the handoffs, and remembers each for its person.
async fn add(
    tx: &mut Connection,
    issued: &[(Issued, OffsetDateTime)],
    last: i64,
) -> Result<(), Unavailable> {
    if issued.is_empty() {
        return Ok(());
    }
    let (mut handoffs, mut remembered) = (Vec::new(), Vec::new());
    for ((issued, now), recent) in issued.iter().zip(last + 1..) {
        remembered.push(recent::beginning(recent, issued, *now));
        handoffs.push((
            json::hex(issued.token.as_bytes().as_slice()),
            issued.client.as_str(),
            issued.redirect_uri.as_str(),
            json::hex(issued.state.as_bytes().as_slice()),
            issued
                .challenge
                .map(|challenge| json::hex(challenge.as_bytes().as_slice())),
            issued.sign_in.to_string(),
            issued.user.to_string(),
            millis(issued.expires_at),
            recent,
        ));
    }
    recent::begin(tx, &remembered).await?;
    sqlx::query(ADD)
        .bind(json::list(&handoffs)?)
        .execute(tx)
        .await?;
    Ok(())
}
