//! The portal: what a person may open.

use app::authority::portal::{AppIcon, AppTile, Portal, PortalPage};
use axum::response::Response;
use handoff::client::Client;
use leptos::prelude::*;
use web::{context::At, page::Page, problem::Problem};

use crate::{Authority, identity::SignedIn};

pub(crate) async fn get(
    At(authority): At<Authority>,
    signed_in: SignedIn,
    page: Page,
) -> Result<Response, Problem> {
    let user = signed_in.sign_in.user.id;
    let clients = authority
        .store
        .clients_of(user)
        .await
        .map_err(Problem::unavailable)?;
    let targets: Vec<_> = clients.iter().map(|client| client.origin.clone()).collect();
    let model = Portal {
        person: signed_in.person(),
        csrf: signed_in.csrf().to_owned(),
        apps: clients.into_iter().map(tile).collect(),
    };
    let frame = authority.frame.clone();
    let shown = page
        .forms_end_at(targets)
        .show(move || frame.page("Your apps", false, view! { <PortalPage model /> }));
    Ok(shown)
}

fn tile(client: Client) -> AppTile {
    AppTile {
        icon: if client.id.as_str() == "tasks" {
            AppIcon::Tick
        } else {
            AppIcon::Page
        },
        client_id: client.id.to_string(),
        name: client.name,
        description: client.description,
    }
}
