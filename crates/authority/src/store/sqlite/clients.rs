//! Clients on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, millis};
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    ids::{ClientId, UserId},
    token::{ClientSecret, Digest},
};
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{ClientAdded, ClientStore, KnownClient, Revision, SecretSet},
    Sqlite, client_sessions,
};

#[derive(FromRow)]
struct ClientRow {
    id: String,
    name: String,
    description: String,
    icon: String,
    secret: Option<Vec<u8>>,
    sdk_compat: bool,
    origin: String,
    redirect_uris: String,
    initiate_login_uri: String,
    handoff_seconds: i64,
    assigned_to: String,
    revision: i64,
}

impl ClientRow {
    fn known(self) -> Result<KnownClient, Unavailable> {
        Ok(KnownClient {
            revision: Revision(self.revision),
            client: self.read()?,
        })
    }

    fn read(self) -> Result<Client, Unavailable> {
        let kind = match self.secret {
            Some(hash) => Kind::Confidential {
                secret: Digest::from_slice(&hash).map_err(Unavailable::unreadable)?,
            },
            None => Kind::Public {
                sdk_compat: self.sdk_compat,
            },
        };
        let uris: Vec<String> =
            serde_json::from_str(&self.redirect_uris).map_err(Unavailable::unreadable)?;
        Client::register(Registration {
            id: ClientId::parse(&self.id).map_err(Unavailable::unreadable)?,
            name: &self.name,
            description: &self.description,
            icon: Icon::parse(&self.icon).map_err(Unavailable::unreadable)?,
            kind,
            origin: &self.origin,
            redirect_uris: &uris.iter().map(String::as_str).collect::<Vec<_>>(),
            initiate_login_uri: &self.initiate_login_uri,
            handoff_lifetime: HandoffLifetime::from_seconds(self.handoff_seconds)
                .map_err(Unavailable::unreadable)?,
            assigned_to: serde_json::from_str(&self.assigned_to)
                .map_err(Unavailable::unreadable)?,
        })
        .map_err(Unavailable::unreadable)
    }
}

const FIND: Statement = Statement::new("SELECT * FROM client WHERE id = $1");
const LIST_BY_ID: Statement = Statement::new("SELECT * FROM client ORDER BY id");
const LIST_BY_NAME: Statement = Statement::new("SELECT * FROM client ORDER BY name, id");

/// The client with this id.
pub(super) async fn find(
    connection: &mut Connection,
    id: &ClientId,
) -> Result<Option<KnownClient>, Unavailable> {
    sqlx::query_as::<_, ClientRow>(FIND)
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?
        .map(ClientRow::known)
        .transpose()
}

/// What is done about a client whose id is taken.
#[derive(Clone, Copy)]
enum IfTaken {
    Leave,
    Replace,
    ReplaceAllButAssignment,
}

const WRITE: Statement = Statement::new(
    "INSERT INTO client (id, name, description, secret, origin, redirect_uris,
                         initiate_login_uri, handoff_seconds, assigned_to, sdk_compat, icon)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $12, $13)
     ON CONFLICT (id) DO UPDATE SET
         name = excluded.name, description = excluded.description, icon = excluded.icon,
         secret = excluded.secret, sdk_compat = excluded.sdk_compat, origin = excluded.origin,
         redirect_uris = excluded.redirect_uris,
         initiate_login_uri = excluded.initiate_login_uri,
         handoff_seconds = excluded.handoff_seconds,
         assigned_to = CASE WHEN $11 THEN client.assigned_to ELSE excluded.assigned_to END
     WHERE NOT $10",
);

/// Writes a client; tells whether it did.
async fn write(
    tx: &mut Connection,
    client: Client,
    if_taken: IfTaken,
) -> Result<bool, Unavailable> {
    let uris: Vec<_> = client
        .redirect_uris
        .iter()
        .map(|uri| uri.as_str())
        .collect();
    let (secret, sdk_compat) = match &client.kind {
        Kind::Confidential { secret } => (Some(secret.as_bytes().as_slice()), false),
        Kind::Public { sdk_compat } => (None, *sdk_compat),
    };
    let written = sqlx::query(WRITE)
        .bind(client.id.as_str())
        .bind(&client.name)
        .bind(&client.description)
        .bind(secret)
        .bind(client.origin.as_str())
        .bind(serde_json::to_string(&uris).map_err(Unavailable::unreadable)?)
        .bind(client.initiate_login_uri.as_str())
        .bind(i64::from(client.handoff_lifetime.as_seconds()))
        .bind(serde_json::to_string(&client.assigned_to).map_err(Unavailable::unreadable)?)
        .bind(matches!(if_taken, IfTaken::Leave))
        .bind(matches!(if_taken, IfTaken::ReplaceAllButAssignment))
        .bind(sdk_compat)
        .bind(client.icon.as_str())
        .execute(tx)
        .await?;
    Ok(written.rows_affected() == 1)
}

const SET_SECRET: Statement =
    Statement::new("UPDATE client SET secret = $1 WHERE id = $2 AND secret IS NOT NULL");

async fn set_secret(
    tx: &mut Connection,
    id: ClientId,
    secret: Digest<ClientSecret>,
) -> Result<SecretSet, Unavailable> {
    let set = sqlx::query(SET_SECRET)
        .bind(secret.as_bytes().as_slice())
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?
        .rows_affected();
    Ok(match find(tx, &id).await? {
        Some(_) if set == 1 => SecretSet::Done,
        Some(_) => SecretSet::Public,
        None => SecretSet::Unknown,
    })
}

const ASSIGN: Statement = Statement::new("UPDATE client SET assigned_to = $1 WHERE id = $2");

async fn assign(
    tx: &mut Connection,
    id: ClientId,
    assigned_to: AssignedTo,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let known = sqlx::query(ASSIGN)
        .bind(serde_json::to_string(&assigned_to).map_err(Unavailable::unreadable)?)
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?
        .rows_affected();
    client_sessions::end_of_unassigned(tx, &id, &assigned_to, millis(now)).await?;
    Ok(known == 1)
}

const IS_PUBLIC_ORIGIN: Statement =
    Statement::new("SELECT EXISTS (SELECT 1 FROM client WHERE origin = $1 AND secret IS NULL)");

impl Sqlite {
    async fn write_client(&self, client: &Client, if_taken: IfTaken) -> Result<bool, Unavailable> {
        let client = client.clone();
        self.database
            .write(move |tx| Box::pin(write(tx, client, if_taken)))
            .await
    }

    async fn read_clients(&self, statement: Statement) -> Result<Vec<Client>, Unavailable> {
        let rows = sqlx::query_as::<_, ClientRow>(statement)
            .fetch_all(&mut *self.database.reader().await?)
            .await?;
        rows.into_iter().map(ClientRow::read).collect()
    }
}

#[async_trait]
impl ClientStore for Sqlite {
    async fn put_client(&self, client: &Client) -> Result<(), Unavailable> {
        self.write_client(client, IfTaken::Replace).await.map(drop)
    }

    async fn install_client(&self, client: &Client) -> Result<(), Unavailable> {
        self.write_client(client, IfTaken::ReplaceAllButAssignment)
            .await
            .map(drop)
    }

    async fn add_client(&self, client: &Client) -> Result<ClientAdded, Unavailable> {
        Ok(match self.write_client(client, IfTaken::Leave).await? {
            true => ClientAdded::New,
            false => ClientAdded::IdTaken,
        })
    }

    async fn list_clients(&self) -> Result<Vec<Client>, Unavailable> {
        self.read_clients(LIST_BY_ID).await
    }

    async fn set_client_secret(
        &self,
        id: &ClientId,
        secret: Digest<ClientSecret>,
    ) -> Result<SecretSet, Unavailable> {
        let id = id.clone();
        self.database
            .write(move |tx| Box::pin(set_secret(tx, id, secret)))
            .await
    }

    async fn assign_client(
        &self,
        id: &ClientId,
        assigned_to: &AssignedTo,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let (id, assigned_to) = (id.clone(), assigned_to.clone());
        self.database
            .write(move |tx| Box::pin(assign(tx, id, assigned_to, now)))
            .await
    }

    async fn read_client(&self, id: &ClientId) -> Result<Option<KnownClient>, Unavailable> {
        find(&mut *self.database.reader().await?, id).await
    }

    async fn is_public_origin(&self, origin: &str) -> Result<bool, Unavailable> {
        Ok(sqlx::query_scalar(IS_PUBLIC_ORIGIN)
            .bind(origin)
            .fetch_one(&mut *self.database.reader().await?)
            .await?)
    }

    async fn clients_of(&self, user: UserId) -> Result<Vec<Client>, Unavailable> {
        let mut clients = self.read_clients(LIST_BY_NAME).await?;
        clients.retain(|client| client.assigned_to.includes(user));
        Ok(clients)
    }
}
