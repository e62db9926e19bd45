//! The client record: what the authorization server knows of a relying party.

use serde::{Deserialize, Serialize};
use time::Duration;

use crate::{
    ids::{ClientId, UserId},
    policy::Policy,
    token::{Challenge, ClientSecret, Digest},
    uri::{ClientUri, InvalidUri, Origin},
};

/// How a client proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A server that keeps a secret.
    Confidential {
        /// The secret's hash. Plain SHA-256 is enough: the secret has 256 random bits.
        secret: Digest<ClientSecret>,
    },
    /// A browser application, which can keep none.
    Public {
        /// It uses the older SDK, which never sends a verifier at verify: its handoffs go without
        /// a challenge, and lean on the state alone.
        sdk_compat: bool,
    },
}

/// Who may use a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssignedTo {
    /// Every active person.
    Everyone,
    /// These and no others.
    Users(Vec<UserId>),
}

impl AssignedTo {
    /// Whether this person may use the client.
    #[must_use]
    pub fn includes(&self, user: UserId) -> bool {
        match self {
            Self::Everyone => true,
            Self::Users(users) => users.contains(&user),
        }
    }
}

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident => $text:literal;)*) => {
        /// What stands beside a client's name on pages. One of a fixed set: a picture from elsewhere
        /// would be fetched with each page, and would tell its server who looks at it.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum Icon {
            $($(#[$doc])* $name,)*
        }

        /// There is no icon of this name.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        #[error("no icon is called {0:?}; there are {names}", names = Icon::NAMES.join(", "))]
        pub struct UnknownIcon(pub String);

        impl Icon {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// Their names, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            /// The name in records, settings and the names of files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The icon of this name.
            ///
            /// # Errors
            /// [`UnknownIcon`], which lists the names that there are.
            pub fn parse(text: &str) -> Result<Self, UnknownIcon> {
                match text {
                    $($text => Ok(Self::$name),)*
                    _ => Err(UnknownIcon(text.to_owned())),
                }
            }
        }
    };
}

icons! {
    /// Four tiles: an application like any other.
    #[default]
    Grid => "grid";
    /// A sheet of paper.
    Page => "page";
    /// A tick.
    Tick => "tick";
    /// A pile of cards.
    Cards => "cards";
    /// A calendar.
    Calendar => "calendar";
    /// A chart.
    Chart => "chart";
    /// An envelope.
    Letter => "letter";
    /// A speech bubble.
    Bubble => "bubble";
    /// Two people.
    People => "people";
}

/// How long a handoff token lives: 30 to 300 seconds, 60 unless the operator says otherwise.
///
/// ```
/// use handoff::client::HandoffLifetime;
///
/// assert_eq!(HandoffLifetime::default().as_seconds(), 60);
/// assert!(HandoffLifetime::from_seconds(301).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandoffLifetime(u16);

/// The lifetime is not between 30 and 300 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a handoff token lives 30 to 300 seconds, not {0}")]
pub struct InvalidLifetime(pub i64);

impl HandoffLifetime {
    /// Checks a lifetime in seconds.
    ///
    /// # Errors
    /// [`InvalidLifetime`] below 30 or above 300.
    pub fn from_seconds(seconds: i64) -> Result<Self, InvalidLifetime> {
        match u16::try_from(seconds) {
            Ok(short @ 30..=300) => Ok(Self(short)),
            _ => Err(InvalidLifetime(seconds)),
        }
    }

    /// The lifetime in seconds.
    #[must_use]
    pub const fn as_seconds(self) -> u16 {
        self.0
    }

    /// The lifetime.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::seconds(i64::from(self.0))
    }
}

impl Default for HandoffLifetime {
    fn default() -> Self {
        Self(60)
    }
}

/// A registered client. [`Client::register`] is the only way to make one outside this crate, and
/// refuses an address that does not lie on the client's origin. The fields can be changed
/// afterwards, and nothing checks that again: whoever changes an address registers anew.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Client {
    /// Its id on the wire.
    pub id: ClientId,
    /// Its name on pages.
    pub name: String,
    /// One line for the portal's tile.
    pub description: String,
    /// Its icon.
    pub icon: Icon,
    /// How it proves who it is.
    pub kind: Kind,
    /// Where it lives.
    pub origin: Origin,
    /// Where handoff tokens may go.
    pub redirect_uris: Vec<ClientUri>,
    /// Where a launch from the portal starts (OpenID Connect Core, section 4).
    pub initiate_login_uri: ClientUri,
    /// How long its handoff tokens live.
    pub handoff_lifetime: HandoffLifetime,
    /// Who may use it.
    pub assigned_to: AssignedTo,
}

/// A client record as an operator writes it.
#[derive(Clone, Debug)]
pub struct Registration<'a> {
    /// See [`Client::id`].
    pub id: ClientId,
    /// See [`Client::name`].
    pub name: &'a str,
    /// See [`Client::description`].
    pub description: &'a str,
    /// See [`Client::icon`].
    pub icon: Icon,
    /// See [`Client::kind`].
    pub kind: Kind,
    /// See [`Client::origin`].
    pub origin: &'a str,
    /// See [`Client::redirect_uris`].
    pub redirect_uris: &'a [&'a str],
    /// See [`Client::initiate_login_uri`].
    pub initiate_login_uri: &'a str,
    /// See [`Client::handoff_lifetime`].
    pub handoff_lifetime: HandoffLifetime,
    /// See [`Client::assigned_to`].
    pub assigned_to: AssignedTo,
}

/// A client record that is refused, with the field at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedRegistration {
    /// An address breaks a rule.
    #[error("{field} {why}: {value}")]
    Uri {
        /// The field.
        field: &'static str,
        /// What was given.
        value: String,
        /// The rule.
        why: InvalidUri,
    },
    /// A client without a redirect URI could never finish a handoff.
    #[error("redirect_uris is empty")]
    NoRedirectUri,
}

/// A client that must send a code challenge sent none (row 38).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code challenge is missing")]
pub struct ChallengeMissing;

impl Client {
    /// Checks a registration against the rules of the protocol (rows 32 and 84).
    ///
    /// # Errors
    /// [`RefusedRegistration`] naming the field and the rule.
    pub fn register(new: Registration<'_>) -> Result<Self, RefusedRegistration> {
        let refuse = |field, value: &str| {
            let value = value.to_owned();
            move |why| RefusedRegistration::Uri { field, value, why }
        };
        let origin = Origin::parse(new.origin).map_err(refuse("origin", new.origin))?;
        let redirect_uris = new
            .redirect_uris
            .iter()
            .map(|uri| ClientUri::register(uri, &origin).map_err(refuse("redirect_uri", uri)))
            .collect::<Result<Vec<_>, _>>()?;
        if redirect_uris.is_empty() {
            return Err(RefusedRegistration::NoRedirectUri);
        }
        let initiate_login_uri = ClientUri::register(new.initiate_login_uri, &origin)
            .map_err(refuse("initiate_login_uri", new.initiate_login_uri))?;
        Ok(Self {
            id: new.id,
            name: new.name.to_owned(),
            description: new.description.to_owned(),
            icon: new.icon,
            kind: new.kind,
            origin,
            redirect_uris,
            initiate_login_uri,
            handoff_lifetime: new.handoff_lifetime,
            assigned_to: new.assigned_to,
        })
    }

    /// The challenge that a handoff token of this client is stored with, given the one that the
    /// request brought (rows 38 and 80). For a client of the older SDK there is none even when one
    /// was sent: the verifier would never follow.
    ///
    /// # Errors
    /// [`ChallengeMissing`] when the client must send one and did not.
    pub fn challenge(
        &self,
        sent: Option<Challenge>,
        policy: &Policy,
    ) -> Result<Option<Challenge>, ChallengeMissing> {
        match self.kind {
            Kind::Public { sdk_compat: true } => Ok(None),
            Kind::Public { sdk_compat: false } | Kind::Confidential { .. } => {
                if sent.is_none() && policy.challenge_required() {
                    return Err(ChallengeMissing);
                }
                Ok(sent)
            }
        }
    }

    /// Whether this is a browser application that lives at `origin`, as an `Origin` header says it
    /// (rows 13 and 69). Exactly that text: `null` is nobody's origin.
    #[must_use]
    pub fn is_public_at(&self, origin: &str) -> bool {
        matches!(self.kind, Kind::Public { .. }) && self.origin.as_str() == origin
    }

    /// The redirect URI that a request presents, if it is a registered one (row 31): exactly the same
    /// text, or what a weaker rule of the policy takes for the same.
    #[must_use]
    pub fn redirect_uri(&self, presented: &str, policy: &Policy) -> Option<ClientUri> {
        let rule = policy.redirect_uri_match();
        self.redirect_uris
            .iter()
            .find_map(|registered| registered.matching(presented, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_found_by_its_own_name_and_no_other() {
        for (icon, name) in Icon::ALL.iter().zip(Icon::NAMES) {
            assert_eq!(icon.as_str(), *name);
            assert_eq!(Icon::parse(name), Ok(*icon));
        }
        for unknown in ["", "Page", "page ", "cat"] {
            let refused = Icon::parse(unknown).unwrap_err();
            assert!(refused.to_string().contains("calendar"), "{refused}");
        }
    }
}
