//! `handoff-lab user …`: the people who may sign in.

use std::{
    io::{self, IsTerminal, Read},
    sync::Arc,
};

use authority::{
    password::{Cost, MAX_LENGTH, Passwords, acceptable},
    people::typed_name,
    store::{AccountStore, Added, NewUser},
};
use clap::Subcommand;
use handoff::ids::UserId;
use time::format_description::well_known::Rfc3339;

use super::{AdminContext, DataFolder, Failure, Folder, email, name, print, table, tell};

/// What can be done about people.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Add a person. Prints a new password, once and alone, unless one is given
    Add {
        /// The address to sign in with
        email: String,
        /// The name that pages show
        #[arg(long)]
        name: String,
        /// Read the password from the standard input, one line, instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the people: address, since when, whether they may sign in, name
    List,
    /// Disable a person and end all their sessions, everywhere
    Disable {
        /// The person's address
        email: String,
    },
    /// Replace a person's password and end all their sessions, everywhere. Prints a new one, once and
    /// alone, unless one is given
    Password {
        /// The person's address
        email: String,
        /// Read the password from the standard input, one line, instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
}

impl UserCommand {
    /// Does it.
    ///
    /// # Errors
    /// [`Failure`], and then nothing was changed.
    pub async fn run(self, data: &DataFolder) -> Result<(), Failure> {
        match self {
            Self::Add {
                email: address,
                name: called,
                password_stdin,
            } => {
                let address = email("the address", &address)?;
                let called = typed_name(name("--name", &called)?);
                let password = given(password_stdin)?;
                let admin = AdminContext::open(data, Folder::MayBegin).await?;
                let password = admin.password(password);
                let new = NewUser {
                    id: UserId::mint(admin.random()),
                    email: address.clone(),
                    name: called,
                    password_hash: password.hash().await?,
                };
                if admin.store.add_user(new, admin.now()).await? == Added::EmailTaken {
                    return Err(Failure::argument(format!(
                        "the address {address} is taken; `user password` gives its person a new \
                         password"
                    )));
                }
                admin.close().await;
                password.print(&format!("{address} is added"))
            }
            Self::List => {
                let admin = AdminContext::open(data, Folder::MustBeThere).await?;
                let people = admin.store.list_users().await?;
                admin.close().await;
                let rows: Vec<_> = people
                    .into_iter()
                    .map(|listed| {
                        let since = listed.since.replace_nanosecond(0).unwrap_or(listed.since);
                        let active = if listed.is_active { "yes" } else { "no" };
                        [
                            listed.user.email,
                            since.format(&Rfc3339).unwrap_or_default(),
                            active.to_owned(),
                            listed.user.name,
                        ]
                    })
                    .collect();
                let text = table(["EMAIL", "SINCE", "ACTIVE", "NAME"], &rows);
                print(&text, "nothing was changed")
            }
            Self::Disable { email } => {
                let admin = AdminContext::open(data, Folder::MustBeThere).await?;
                let person = admin.person("the address", &email).await?;
                admin.store.disable_user(person, admin.now()).await?;
                admin.close().await;
                tell(&format!(
                    "{email} may no longer sign in, and all their sessions have ended."
                ));
                Ok(())
            }
            Self::Password {
                email,
                password_stdin,
            } => {
                let password = given(password_stdin)?;
                let admin = AdminContext::open(data, Folder::MustBeThere).await?;
                let person = admin.person("the address", &email).await?;
                let password = admin.password(password);
                let hash = password.hash().await?;
                admin.store.set_password(person, hash, admin.now()).await?;
                admin.close().await;
                password.print(&format!(
                    "{email} has a new password, and all their sessions have ended"
                ))
            }
        }
    }
}

/// A password that is on its way into the store.
enum Password {
    Given(String),
    Made(String),
}

impl Password {
    async fn hash(&self) -> Result<String, Failure> {
        let (Self::Given(password) | Self::Made(password)) = self;
        let passwords = Passwords::new(Cost::DEFAULT, 1, Arc::new(web::rng::SystemRandomness))?;
        Ok(passwords.hash(password).await?)
    }

    /// Prints a password that nobody knows yet; of one that was given there is nothing to print.
    fn print(&self, done: &str) -> Result<(), Failure> {
        if let Self::Made(password) = self {
            let now = format!("{done}; run `user password` for another password");
            print(&format!("{password}\n"), now)?;
            tell(&format!(
                "{done}. The password was printed on a line of its own, this once."
            ));
        } else {
            tell(&format!("{done}."));
        }
        Ok(())
    }
}

/// No `l`, `o`, `0`, `1`, which people take for each other; 32 of them, so that each byte gives one
/// without favouring any.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl AdminContext {
    /// The password that was given, or a new one with 100 random bits, in groups that a person can
    /// type.
    fn password(&self, given: Option<String>) -> Password {
        given.map_or_else(|| Password::Made(readable(self.random())), Password::Given)
    }
}

fn readable(random: [u8; 20]) -> String {
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let groups: Vec<String> = letters
        .chunks(5)
        .map(|group| group.iter().collect())
        .collect();
    groups.join("-")
}

/// Reads the password, if there is one to read. Before anything is opened: somebody may take their
/// time.
fn given(from_stdin: bool) -> Result<Option<String>, Failure> {
    if !from_stdin {
        return Ok(None);
    }
    let input = io::stdin();
    if input.is_terminal() {
        return Err(Failure::argument(
            "--password-stdin: the standard input is a terminal, which would show the password; \
             pipe it in, or leave the option away and one is made",
        ));
    }
    read(input.lock()).map(Some)
}

fn read(input: impl Read) -> Result<String, Failure> {
    // Room for the longest with its line end, and one more to see that it is longer.
    let limit = u64::try_from(MAX_LENGTH).unwrap_or(u64::MAX) + 3;
    let mut text = String::new();
    input
        .take(limit)
        .read_to_string(&mut text)
        .map_err(|error| {
            Failure::argument(format!("--password-stdin cannot be read as text: {error}"))
        })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.contains(['\n', '\r', '\0']) {
        return Err(Failure::argument(
            "--password-stdin: the password must be one line",
        ));
    }
    acceptable(text).map_err(|error| Failure::argument(format!("--password-stdin: {error}")))?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_made_is_readable_and_uses_all_its_randomness() {
        let mut random = [0; 20];
        for (at, byte) in random.iter_mut().enumerate() {
            *byte = u8::try_from(at).unwrap() + 32 * 3;
        }
        assert_eq!(readable(random), "abcde-fghij-kmnpq-rstuv");
        assert_eq!(readable([31; 20]), "99999-99999-99999-99999");
    }

    #[test]
    fn a_password_is_one_line_of_the_input() {
        for (input, expected) in [
            ("12345678", "12345678"),
            ("pass word\n", "pass word"),
            ("pässwörd\r\n", "pässwörd"),
            (" spaces stay \n", " spaces stay "),
        ] {
            assert_eq!(read(input.as_bytes()).unwrap(), expected);
        }
        let longest = "x".repeat(MAX_LENGTH);
        assert_eq!(read(format!("{longest}\r\n").as_bytes()).unwrap(), longest);
        for bad in [
            &b""[..],
            b"\n",
            b"1234567\n",
            b"12345678\n12345678\n",
            b"12345678\0",
            b"12345678\xff",
            format!("{longest}x\n").as_bytes(),
            "x".repeat(MAX_LENGTH * 2).as_bytes(),
        ] {
            let said = read(bad).unwrap_err().to_string();
            assert!(said.starts_with("--password-stdin"), "{said}");
        }
    }
}
