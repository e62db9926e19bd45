//! People in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{ids::UserId, wire::UserInfo};
use time::OffsetDateTime;

use super::{
    super::{Account, AccountStore, Added, Listed, NewUser},
    Memory, State,
};
use crate::people::Email;

impl State {
    pub(super) fn active(&self, user: UserId) -> Option<&Account> {
        self.accounts
            .get(&user)
            .map(|(_, account)| account)
            .filter(|account| account.is_active)
    }
}

#[async_trait]
impl AccountStore for Memory {
    async fn add_user(&self, new: NewUser, now: OffsetDateTime) -> Result<Added, Unavailable> {
        let mut state = self.state();
        if state
            .accounts
            .values()
            .any(|(email, _)| *email == new.email)
        {
            return Ok(Added::EmailTaken);
        }
        let account = Account {
            user: UserInfo {
                id: new.id,
                email: new.email.as_str().to_owned(),
                name: new.name,
                email_verified: true,
            },
            password_hash: new.password_hash,
            is_active: true,
        };
        state.added.insert(new.id, now);
        state.accounts.insert(new.id, (new.email, account));
        Ok(Added::New)
    }

    async fn find_account(&self, email: &Email) -> Result<Option<Account>, Unavailable> {
        let state = self.state();
        let mut accounts = state.accounts.values();
        Ok(accounts
            .find(|(address, _)| address == email)
            .map(|(_, account)| account.clone()))
    }

    async fn rehash_password(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<(), Unavailable> {
        if let Some((_, account)) = self.state().accounts.get_mut(&user)
            && account.password_hash == old
        {
            account.password_hash = new;
        }
        Ok(())
    }

    async fn renew_addresses(&self) -> Result<u64, Unavailable> {
        // Nothing here is older than the process.
        Ok(0)
    }

    async fn list_users(&self) -> Result<Vec<Listed>, Unavailable> {
        let state = self.state();
        let listed = state.accounts.iter().filter_map(|(id, (_, account))| {
            Some(Listed {
                user: account.user.clone(),
                is_active: account.is_active,
                since: *state.added.get(id)?,
            })
        });
        let mut listed: Vec<_> = listed.collect();
        listed.sort_by(|a, b| a.user.email.cmp(&b.user.email));
        Ok(listed)
    }

    async fn set_password(
        &self,
        user: UserId,
        password_hash: String,
        _: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some((_, account)) = state.accounts.get_mut(&user) else {
            return Ok(false);
        };
        account.password_hash = password_hash;
        for sign_in in state.sign_ins_of(user) {
            state.end_sign_in(sign_in);
        }
        Ok(true)
    }

    async fn disable_user(&self, user: UserId, _: OffsetDateTime) -> Result<bool, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some((_, account)) = state.accounts.get_mut(&user) else {
            return Ok(false);
        };
        account.is_active = false;
        for sign_in in state.sign_ins_of(user) {
            state.end_sign_in(sign_in);
        }
        Ok(true)
    }
}
