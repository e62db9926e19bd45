//! What the profile `secure` refuses to start with. It changes no setting: whoever runs it shall know
//! what runs.

use std::{net::IpAddr, sync::Arc};

use authority::{
    password::{Cost, Passwords, Verdict},
    people::Email,
    store::{AccountStore, Sqlite},
};
use handoff::token::Secret;
use web::{rng::SystemRandomness, site::SiteId};

use crate::{
    config::{BadSettings, Profile, Settings, sources::Problem},
    data::AUTHORITY,
    platform::{DEMO_ACCOUNTS, read_secret},
    sites::table::{self as sites, SITES},
};

/// Looks at everything, and writes nothing.
///
/// # Errors
/// [`BadSettings`] with a line for each thing that must be put right.
pub async fn check(settings: &Settings) -> Result<(), BadSettings> {
    if settings.profile != Profile::Secure {
        return Ok(());
    }
    let mut problems = Vec::new();
    let mut refuse = |key: &str, why: &str| {
        problems.push(Problem(format!("{}: {why}", settings.name(key))));
    };
    if settings.serves(lab::ID) {
        let others = sites::ids().filter(|id| *id != lab::ID);
        let others: Vec<_> = others.map(SiteId::as_str).collect();
        let others = others.join(",");
        refuse(
            "only",
            &format!("the lab belongs to a demonstration; name the other sites: --only {others}"),
        );
    }
    if settings
        .report_key_file
        .as_ref()
        .is_some_and(|file| file.exists())
    {
        refuse(
            "lab-key-file",
            "steps would be reported to a lab, which belongs to a demonstration; delete the file",
        );
    }
    if settings.serves(authority::ID) && settings.demo_accounts {
        refuse(
            "demo-accounts",
            "everybody knows their password; give --demo-accounts false",
        );
    }
    let origins = settings.origins(settings.port());
    for row in SITES {
        let site = row.id;
        let is_https = origins.as_ref().is_ok_and(|all| all.of(site).is_https());
        if matters(settings, site) && !is_https {
            let key = row.origin_key();
            let why = format!(
                "is not https; give --tls, or --{key} https://… with a --trusted-proxy that serves it"
            );
            refuse(&key, &why);
        }
    }
    if let Ok(origins) = &origins {
        let authority = authority::ID;
        let shared = site_of(origins.host(authority));
        for row in sites::applications() {
            let both = matters(settings, authority) && matters(settings, row.id);
            if both && site_of(origins.host(row.id)) == shared {
                let why = format!(
                    "is at {shared} as Harbor ID is, so browsers take both for one site; give them two domains"
                );
                refuse(&row.origin_key(), &why);
            }
        }
    }
    let mut seen = Vec::new();
    for (client, file) in &settings.secret_files {
        if !settings.serves(*client) {
            continue;
        }
        let key = &sites::secret_key(*client);
        match read_secret(file, false) {
            // One that knows it could speak for the other.
            Ok(Some(secret)) if seen.contains(&secret.digest()) => refuse(
                key,
                "the same secret is in another client's file; give each its own",
            ),
            Ok(Some(secret)) => seen.push(secret.digest()),
            Ok(None) => refuse(
                key,
                &format!(
                    "there is no such file; write the secret of the client {client} there, for its owner alone (chmod 600): a new \
                 one is 32 random bytes in base64url, as `openssl rand 32 | basenc --base64url -w0 | tr -d =` prints",
                ),
            ),
            Err(error) => refuse(key, &error.to_string()),
        }
    }
    if settings.serves(authority::ID) {
        match with_public_password(settings).await {
            Ok(people) if people.is_empty() => {}
            Ok(people) => refuse(
                "data",
                &format!(
                    "everybody knows the password of {}; give each a new one \
                     (`handoff-lab user password <email> --data {}`), or `user disable` them",
                    people.join(", "),
                    settings.data.display(),
                ),
            ),
            Err(why) => refuse("data", &format!("{AUTHORITY} cannot be looked into: {why}")),
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(BadSettings::secure(problems))
    }
}

/// Whether this process serves the site or tells others where it is.
fn matters(settings: &Settings, site: SiteId) -> bool {
    let calls_back = || sites::applications().any(|row| settings.serves(row.id));
    let mut files = settings.secret_files.iter();
    settings.serves(site)
        || site == authority::ID && calls_back()
        // Harbor ID registers each application whose secret it has, wherever that is served.
        || settings.serves(authority::ID)
            && files.any(|(client, file)| site == *client && file.exists())
}

/// What browsers take for one site: the registrable domain by the Public Suffix List. An address, and
/// a name that is a suffix itself, are each a site of their own.
fn site_of(host: &str) -> &str {
    let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
    let domain = (!is_address).then(|| psl::domain_str(host)).flatten();
    domain.unwrap_or(host)
}

/// The demo accounts that anybody could sign in with.
async fn with_public_password(settings: &Settings) -> Result<Vec<String>, String> {
    let file = settings.data.join(AUTHORITY);
    if !file.exists() {
        return Ok(Vec::new());
    }
    let store = Sqlite::open_read_only(&file)
        .await
        .map_err(|error| error.to_string())?;
    let people = look(&store).await;
    store.close().await;
    people
}

async fn look(store: &Sqlite) -> Result<Vec<String>, String> {
    let passwords = Passwords::new(Cost::DEFAULT, 1, Arc::new(SystemRandomness));
    let passwords = passwords.map_err(|error| error.to_string())?;
    let mut people = Vec::new();
    for account in DEMO_ACCOUNTS {
        let Some(email) = Email::parse(account.email) else {
            continue;
        };
        let found = store
            .find_account(&email)
            .await
            .map_err(|error| error.to_string())?;
        let Some(found) = found.filter(|found| found.is_active) else {
            continue;
        };
        let verdict = passwords
            .verify(account.password, Some(&found.password_hash))
            .await;
        if verdict.map_err(|error| error.to_string())? != Verdict::Wrong {
            people.push(account.email.to_owned());
        }
    }
    Ok(people)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_61_a_site_is_the_registrable_domain_of_the_public_suffix_list() {
        for (host, site) in [
            ("auth.example.org", "example.org"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("harbor.github.io", "harbor.github.io"),
            ("auth.localhost", "auth.localhost"),
            ("localhost", "localhost"),
            ("192.0.2.7", "192.0.2.7"),
            ("[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(site_of(host), site);
        }
    }
}
