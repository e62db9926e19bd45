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
                        <span>{without_name(&text)}</span>
                        <span class="muted">{address}</span>
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
                <ul class="site-list" role="list">{sites}</ul>
            </div>
        </Document>
    }
}

/// What a site is, where its name stands above: "Notes: an application …" begins with it.
fn without_name(text: &str) -> String {
    let text = text.split_once(": ").map_or(text, |(_, text)| text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_site_is_begins_with_a_capital_and_without_its_name() {
        for (announced, shown) in [
            ("Notes: an application", "An application"),
            ("a site", "A site"),
            ("", ""),
        ] {
            assert_eq!(without_name(announced), shown);
        }
    }
}
