//! `handoff-lab client …`: the applications that people may open.

use std::{collections::HashMap, fmt::Write as _, io::ErrorKind};

use authority::store::{AccountStore, ClientAdded, ClientStore, SecretSet};
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, RefusedRegistration, Registration},
    ids::UserId,
    token::{ClientSecret, Secret},
    uri::InvalidUri,
    wire::path,
};
use url::Url;

use super::{
    AdminContext, DataFolder, Failure, Folder, client_id, line, name, no_such_client, print,
    report_key, table, tell,
};
use crate::data::{PreparedSecret, kept_issuer, secret_file};

/// What can be done about clients.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientCommand {
    /// Register a client. Prints its secret, once and alone; a public client has none
    Add(NewClient),
    /// List the clients: id, kind, origin, who may use them, name
    List,
    /// Replace a client's secret; the old one is refused from then on. Prints the new one, once and
    /// alone
    RotateSecret {
        /// The client's id
        id: String,
    },
    /// Make the key by which a client reports its own steps to the lab; an older one is refused from
    /// then on. Prints it, once and alone
    ReportKey {
        /// The client's id
        id: String,
        /// Make none: the client has no key from then on
        #[arg(long)]
        revoke: bool,
    },
    /// Say who may use a client; whoever may not any more loses their session there
    #[command(group(clap::ArgGroup::new("who").required(true)))]
    Assign {
        /// The client's id
        id: String,
        /// Everyone may
        #[arg(long, group = "who")]
        everyone: bool,
        /// These people may and no others; give it more than once, or several addresses
        #[arg(long, group = "who", value_name = "EMAIL", num_args = 1..)]
        to: Vec<String>,
    },
}

/// A client that is to be registered. All its addresses are on its origin, https (http for loopback
/// addresses and *.localhost only), without a fragment, user or wildcard.
#[derive(Clone, Debug, Args)]
pub struct NewClient {
    /// Its id: 1 to 64 of a-z, 0-9, _ and -, a letter first
    id: String,
    /// Where it lives: scheme, host and port
    #[arg(long, value_name = "URL")]
    origin: String,
    /// Where handoff tokens may go, compared letter by letter; give it more than once for more
    #[arg(long, value_name = "URL", required = true)]
    redirect_uri: Vec<String>,
    /// Where a launch from the portal starts
    #[arg(long, value_name = "URL")]
    initiate_login_uri: String,
    /// Its name on pages [default: its id]
    #[arg(long)]
    name: Option<String>,
    /// One line for the portal's tile
    #[arg(long, default_value = "")]
    description: String,
    /// Its icon on the portal
    #[arg(long, value_name = "ICON", default_value = Icon::default().as_str(),
          value_parser = PossibleValuesParser::new(Icon::NAMES).try_map(|name| Icon::parse(&name)))]
    icon: Icon,
    /// It runs in the browser and can keep no secret: it gets none
    #[arg(long)]
    public: bool,
    /// It uses the older SDK, which sends no challenge. Anybody who gets hold of its handoff tokens can
    /// redeem them: only for clients that cannot be changed
    #[arg(long, requires = "public")]
    sdk_compat: bool,
    /// How long its handoff tokens live, 30 to 300
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    handoff_seconds: i64,
    /// Who may use it; give it more than once, or several addresses [default: everyone]
    #[arg(long, value_name = "EMAIL", num_args = 1..)]
    assign: Vec<String>,
}

impl ClientCommand {
    /// Does it.
    ///
    /// # Errors
    /// [`Failure`], and then nothing was changed unless it says so.
    pub async fn run(self, data: &DataFolder) -> Result<(), Failure> {
        match self {
            Self::Add(new) => new.add(data).await,
            Self::List => list(data).await,
            Self::RotateSecret { id } => rotate_secret(data, &id).await,
            Self::ReportKey { id, revoke } => report_key::run(data, &id, revoke).await,
            Self::Assign { id, everyone, to } => {
                let id = client_id(&id)?;
                let admin = AdminContext::open(data, Folder::MustBeThere).await?;
                let assigned_to = if everyone {
                    AssignedTo::Everyone
                } else {
                    AssignedTo::Users(admin.people("--to", &to).await?)
                };
                let now = admin.now();
                if !admin.store.assign_client(&id, &assigned_to, now).await? {
                    return Err(no_such_client(&id));
                }
                admin.close().await;
                tell(&format!("{id} may now be used by {}.", who(everyone, &to)));
                Ok(())
            }
        }
    }
}

impl NewClient {
    async fn add(self, data: &DataFolder) -> Result<(), Failure> {
        // All that can be wrong by itself, before the folder is touched.
        self.register(&ClientSecret::mint([0; 32]), AssignedTo::Everyone)?;
        let admin = AdminContext::open(data, Folder::MayBegin).await?;
        let assigned_to = if self.assign.is_empty() {
            AssignedTo::Everyone
        } else {
            AssignedTo::Users(admin.people("--assign", &self.assign).await?)
        };
        let secret = ClientSecret::mint(admin.random());
        let client = self.register(&secret, assigned_to)?;
        if admin.store.add_client(&client).await? == ClientAdded::IdTaken {
            return Err(Failure::argument(format!(
                "the id {} is taken; `client rotate-secret` gives it a new secret, `client assign` \
                 other people",
                client.id
            )));
        }
        let issuer = kept_issuer(admin.folder());
        admin.close().await;
        let next = next_steps(&client, issuer.as_deref());
        let done = format!(
            "{} is registered for {}",
            client.id,
            who(self.assign.is_empty(), &self.assign)
        );
        if self.public {
            tell(&format!(
                "{done}. It is public and has no secret.\n\n{next}"
            ));
            return Ok(());
        }
        let now = format!("{done}; run `client rotate-secret` for another secret");
        print(&format!("{}\n", secret.expose()), now)?;
        tell(&format!(
            "{done}. Its secret was printed on a line of its own, this once.\n\n{next}"
        ));
        Ok(())
    }

    fn register(&self, secret: &ClientSecret, assigned_to: AssignedTo) -> Result<Client, Failure> {
        let id = client_id(&self.id)?;
        let redirect_uris: Vec<_> = self.redirect_uri.iter().map(String::as_str).collect();
        let handoff_lifetime = HandoffLifetime::from_seconds(self.handoff_seconds)
            .map_err(|error| Failure::argument(format!("--handoff-seconds: {error}")))?;
        let registered = Client::register(Registration {
            name: name("--name", self.name.as_ref().unwrap_or(&self.id))?,
            description: line("--description", &self.description, 200)?,
            icon: self.icon,
            id,
            kind: match self.public {
                true => Kind::Public {
                    sdk_compat: self.sdk_compat,
                },
                false => Kind::Confidential {
                    secret: secret.digest(),
                },
            },
            origin: &self.origin,
            redirect_uris: &redirect_uris,
            initiate_login_uri: &self.initiate_login_uri,
            handoff_lifetime,
            assigned_to,
        });
        registered.map_err(|refused| Failure::argument(explain(&refused)))
    }
}

/// What the application is set up with, and what to do next.
fn next_steps(client: &Client, issuer: Option<&str>) -> String {
    let at = issuer.unwrap_or("ISSUER");
    let mut text = String::from("What the application needs:\n");
    let mut row = |what: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {what:<13}{value}");
    };
    row("issuer", at);
    for (what, path) in [
        ("authorize", path::AUTHORIZE),
        ("verify", path::VERIFY),
        ("session", path::SESSION),
        ("sign-out", path::DIRECT_LOGOUT),
    ] {
        row(what, &format!("{at}{path}"));
    }
    row("client_id", client.id.as_str());
    for uri in &client.redirect_uris {
        row("redirect_uri", uri.as_str());
    }
    if issuer.is_none() {
        text.push_str(
            "ISSUER is the address of Harbor ID that `handoff-lab serve` prints when it starts on this data folder.\n",
        );
    }
    let _ = write!(
        text,
        "Next: start the application, sign in at {at}, and open {} there. The portal leads to {}, where the \
         application begins its handoff. docs/PROTOCOL.md says what each request holds; examples/ has two \
         applications to start from.",
        client.name, client.initiate_login_uri
    );
    if at.contains(".localhost") {
        text.push_str(
            "\nIf a program does not resolve *.localhost: connect it to 127.0.0.1 and send the name as `Host`.",
        );
    }
    text
}

/// A refusal of the registration, in the words of the command line.
fn explain(refused: &RefusedRegistration) -> String {
    let RefusedRegistration::Uri { field, value, why } = refused else {
        return format!("--redirect-uri: {refused}");
    };
    let argument = field.replace('_', "-");
    let hint = match (why, Url::parse(value)) {
        (InvalidUri::NotNormal, Ok(url)) => format!("; write it as {url}"),
        (InvalidUri::NotAnOrigin, Ok(url)) => {
            format!("; write it as {}", url.origin().ascii_serialization())
        }
        _ => String::new(),
    };
    format!("--{argument} {value:?} {why}{hint}")
}

pub(super) fn who(everyone: bool, people: &[String]) -> String {
    if everyone {
        "everyone".to_owned()
    } else {
        people.join(", ")
    }
}

impl AdminContext {
    async fn people(&self, argument: &str, addresses: &[String]) -> Result<Vec<UserId>, Failure> {
        let mut people = Vec::new();
        for address in addresses {
            let person = self.person(argument, address).await?;
            if !people.contains(&person) {
                people.push(person);
            }
        }
        Ok(people)
    }
}

async fn list(data: &DataFolder) -> Result<(), Failure> {
    let admin = AdminContext::open(data, Folder::MustBeThere).await?;
    let clients = admin.store.list_clients().await?;
    let people = admin.store.list_users().await?;
    admin.close().await;
    let addresses: HashMap<_, _> = people
        .into_iter()
        .map(|listed| (listed.user.id, listed.user.email))
        .collect();
    let rows: Vec<_> = clients
        .into_iter()
        .map(|client| {
            let kind = match client.kind {
                Kind::Confidential { .. } => "confidential",
                Kind::Public { sdk_compat: false } => "public",
                Kind::Public { sdk_compat: true } => "sdk-compat",
            };
            let users = match client.assigned_to {
                AssignedTo::Everyone => "everyone".to_owned(),
                AssignedTo::Users(users) if users.is_empty() => "nobody".to_owned(),
                AssignedTo::Users(users) => {
                    let known = users.iter().filter_map(|user| addresses.get(user));
                    known.map(String::as_str).collect::<Vec<_>>().join(",")
                }
            };
            [
                client.id.into(),
                kind.to_owned(),
                client.origin.into(),
                users,
                client.name,
            ]
        })
        .collect();
    let text = table(["ID", "KIND", "ORIGIN", "FOR", "NAME"], &rows);
    print(&text, "nothing was changed")
}

async fn rotate_secret(data: &DataFolder, id: &str) -> Result<(), Failure> {
    let id = client_id(id)?;
    let admin = AdminContext::open(data, Folder::MustBeThere).await?;
    let secret = ClientSecret::mint(admin.random());
    let file = secret_file(admin.folder(), id.as_str());
    let failed = |what| {
        let path = file.clone();
        move |source| Failure::Secret { what, path, source }
    };
    let nothing_done = failed("nothing was changed, because this file cannot be written:");
    // The file is ready before the database changes, and takes its place after: whatever fails
    // first leaves the old secret in both.
    let prepared = match std::fs::metadata(&file) {
        Ok(there) => {
            let prepared = PreparedSecret::write(&file, &secret, Some(&there));
            Some(prepared.map_err(nothing_done)?)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(nothing_done(error)),
    };
    let refused = match admin.store.set_client_secret(&id, secret.digest()).await {
        Ok(SecretSet::Done) => None,
        Ok(SecretSet::Unknown) => Some(no_such_client(&id)),
        Ok(SecretSet::Public) => Some(Failure::argument(format!(
            "the id {id}: a public client has no secret"
        ))),
        Err(error) => Some(error.into()),
    };
    if let Some(refused) = refused {
        if let Some(prepared) = prepared {
            prepared.discard();
        }
        return Err(refused);
    }
    let restart = prepared.is_some();
    if let Some(prepared) = prepared {
        let half_done = failed(
            "the database has a new secret and this file still the old one; run `client \
             rotate-secret` again, because the file could not be replaced:",
        );
        prepared.put_in_place().map_err(half_done)?;
    }
    admin.close().await;
    let done = format!("{id} has a new secret, and the old one is refused from now on");
    print(
        &format!("{}\n", secret.expose()),
        format!("{done}; run `client rotate-secret` again for another one"),
    )?;
    tell(&format!(
        "{done}. The new one was printed on a line of its own, this once."
    ));
    if restart {
        tell(&format!(
            "{} holds it too: restart the `handoff-lab serve` that serves {id} from this folder; \
             until then nobody can sign in there.",
            file.display()
        ));
    }
    Ok(())
}
