//! Launch tickets and handoff tokens on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, millis};
use handoff::{handoff::Launch, policy::Policy};
use time::OffsetDateTime;

use super::{
    super::{HandoffStore, Issuance, NewHandoff, NotRedeemed, Redeemed, Redemption},
    Sqlite,
    issuing::Issue,
    redeeming::Redeem,
};

const ADD_LAUNCH: Statement = Statement::new(
    "INSERT INTO launch (ticket, sign_in, client, expires_at) VALUES ($1, $2, $3, $4)",
);

async fn add_launch(tx: &mut Connection, launch: Launch) -> Result<(), Unavailable> {
    sqlx::query(ADD_LAUNCH)
        .bind(launch.ticket.as_bytes().as_slice())
        .bind(launch.sign_in.to_string())
        .bind(launch.client.as_str())
        .bind(millis(launch.expires_at))
        .execute(tx)
        .await?;
    Ok(())
}

#[async_trait]
impl HandoffStore for Sqlite {
    async fn issue_launch(&self, launch: Launch) -> Result<(), Unavailable> {
        self.database
            .write(move |tx| Box::pin(add_launch(tx, launch)))
            .await
    }

    async fn issue_handoff(
        &self,
        new: NewHandoff,
        now: OffsetDateTime,
    ) -> Result<Issuance, Unavailable> {
        self.database.write_in_set(Issue { new, now }).await
    }

    async fn redeem_handoff(
        &self,
        redemption: Redemption,
        now: OffsetDateTime,
        policy: &Policy,
    ) -> Result<Result<Redeemed, NotRedeemed>, Unavailable> {
        self.database
            .write_in_set(Redeem::new(redemption, now, *policy))
            .await
    }
}
