//! What a form for a text carries, sealed: whose it is, and which text it makes.
//!
//! One shown form makes one text, however often it is sent: the id is chosen when the form is shown, and
//! the store takes each id once. And what a form brought is shown to nobody but the person whose form it
//! was, also after the session that it was shown in has ended.

use handoff::{
    ids::{ItemId, UserId},
    token::Secret,
    uri::Origin,
};
use serde::{Deserialize, Serialize};
use web::seal;

use crate::{RelyingParty, store::Owner};

/// Keeps a sealed form from being taken for something else.
const PURPOSE: &str = "form";

/// A form that was shown to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShownForm {
    issuer: Origin,
    user: UserId,
    /// The text that it makes, or changes.
    pub(crate) item: ItemId,
    /// What was written into it, if it was sent in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

impl ShownForm {
    /// A form that is shown to this person.
    pub(crate) fn new(Owner { issuer, user }: Owner, item: ItemId) -> Self {
        Self {
            issuer,
            user,
            item,
            text: None,
        }
    }

    /// The same form, with what was written into it.
    pub(crate) fn filled(self, text: String) -> Self {
        Self {
            text: Some(text),
            ..self
        }
    }

    /// Whether it is this person's.
    pub(crate) fn belongs_to(&self, owner: &Owner) -> bool {
        self.issuer == owner.issuer && self.user == owner.user
    }

    /// As the form carries it. It is sealed under the client's secret: it outlives the session.
    pub(crate) fn seal(&self, site: &RelyingParty) -> String {
        // Ids, an origin and a text: there is nothing in it that JSON could not hold.
        let text = serde_json::to_string(self).unwrap_or_default();
        let key = site.settings.client_secret.expose();
        seal::seal_as_text(&text, key.as_ref(), PURPOSE, &*site.context.random)
    }

    /// Reads what a form brought back. None for whatever was not sealed here.
    pub(crate) fn open(site: &RelyingParty, sealed: &str) -> Option<Self> {
        let key = site.settings.client_secret.expose();
        let text = seal::open_text(sealed, key.as_ref(), PURPOSE).ok()?;
        serde_json::from_str(&text).ok()
    }
}
