//! Rows that the verbs of several nouns read.

use database::{Unavailable, from_millis};
use handoff::{
    ids::{SessionId, UserId},
    uri::Origin,
    wire::UserInfo,
};
use sqlx::FromRow;

use super::{
    super::{Ended, Sealed, Session},
    digest,
};

#[derive(FromRow)]
pub(super) struct SessionRow {
    id: String,
    issuer: String,
    user_id: String,
    email: String,
    name: String,
    email_verified: bool,
    access_token: Vec<u8>,
    browser: Vec<u8>,
    spare: Option<Vec<u8>>,
    created_at: i64,
    pub(super) expires_at: i64,
    checked_at: i64,
}

impl SessionRow {
    pub(super) fn read(self) -> Result<Session, Unavailable> {
        Ok(Session {
            id: SessionId::parse(&self.id).map_err(Unavailable::unreadable)?,
            issuer: Origin::parse(&self.issuer).map_err(Unavailable::unreadable)?,
            user: UserInfo {
                id: UserId::parse(&self.user_id).map_err(Unavailable::unreadable)?,
                email: self.email,
                name: self.name,
                email_verified: self.email_verified,
            },
            access_token: Sealed(self.access_token),
            browser: digest(&self.browser)?,
            spare: self.spare.map(Sealed),
            created_at: from_millis(self.created_at)?,
            expires_at: from_millis(self.expires_at)?,
            checked_at: from_millis(self.checked_at)?,
        })
    }
}

#[derive(FromRow)]
pub(super) struct EndedRow {
    access_token: Vec<u8>,
    spare: Option<Vec<u8>>,
}

impl From<EndedRow> for Ended {
    fn from(row: EndedRow) -> Self {
        Self {
            access_token: Sealed(row.access_token),
            spare: row.spare.map(Sealed),
        }
    }
}
