//! The page for an address that is no site's: it names the sites to open.

use leptos::prelude::*;

use crate::shell::{Assets, Brand, Document, Party};

/// What the page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteList {
    /// What happened, or what this is.
    pub title: String,
    /// What to do now.
    pub text: String,
    /// The sites, in the order in which they are shown.
    pub sites: Vec<Offered>,
}

/// A site that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its origin.
    pub address: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub text: String,
}

/// The whole document. It stands at no site, so it has no links within one.
pub fn document(model: SiteList, name: impl Into<String>, assets: Assets) -> impl IntoView {
    let SiteList { title, text, sites } = model;
    let brand = Brand {
        name: name.into(),
        party: Party::Lab,
    };
    let sites = sites
        .into_iter()
        .map(
            |Offered {
                 address,
                 name,
                 text,
             }| {
                view! {
                    <li>
                        <a href=address.clone()>{name}</a>
                        " · "
                        <span class="muted">{address}</span>
                        <br />
                        {text}
                    </li>
                }
            },
        )
        .collect_view();
    view! {
        <Document brand title=title.clone() assets at_a_site=false>
            <div class="sheet">
                <h1>{title}</h1>
                <p>{text}</p>
                <ul>{sites}</ul>
            </div>
        </Document>
    }
}
