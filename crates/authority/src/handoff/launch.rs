//! H1: *Open App*.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use handoff::{
    handoff::Launch,
    ids::ClientId,
    refusal_reason::RefusalReason,
    step::Step,
    token::{LaunchTicket, Secret},
    uri::LocalPath,
};
use http::Method;
use recording::flow_recorder::FlowRecorder;
use web::{at::At, error_page::ErrorPage, form::Protected, peer::Peer, redirect};

use crate::{
    Authority,
    identity::{SignedIn, SignedInForms},
    logout::Nothing,
};

/// The step that a request is, as it arrives.
pub(super) fn arriving(method: &Method, path: &str) -> Option<Step> {
    let app = path.strip_prefix("/apps/")?.strip_suffix("/open")?;
    (*method == Method::POST && !app.contains('/')).then_some(Step::LaunchRequested)
}

pub(crate) async fn post(
    At(authority): At<Authority>,
    client_id: Result<Path<String>, PathRejection>,
    flow: FlowRecorder,
    signed_in: SignedIn,
    peer: Peer,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, ErrorPage> {
    authority.admit(Some(&signed_in), peer)?;
    let Path(client_id) = client_id.map_err(|_| ErrorPage::not_found())?;
    let unknown = || ErrorPage::not_found().because(RefusalReason::UnknownClient);
    let id = ClientId::parse(&client_id).map_err(|_| unknown())?;
    let client = authority
        .store
        .find_client(&id)
        .await
        .map_err(ErrorPage::unavailable)?;
    let client = client.ok_or_else(unknown)?;
    flow.client(&client.id);
    let sign_in = signed_in.sign_in;
    if !client.assigned_to.includes(sign_in.user.id) {
        return Err(ErrorPage::not_assigned());
    }
    let ticket = LaunchTicket::mint(authority.context.random.bytes());
    let launch = Launch::new(&ticket, sign_in.id, id, authority.context.now());
    authority
        .store
        .issue_launch(launch)
        .await
        .map_err(ErrorPage::unavailable)?;
    flow.launch(ticket.digest());
    flow.step(Step::LaunchTicketIssued);
    Ok(redirect::see_other(&client.initiate_login_uri.with_query(
        &[
            ("iss", authority.settings.origin.as_str()),
            ("target_link_uri", &client.origin.with(&LocalPath::root())),
            ("launch", ticket.expose().as_ref()),
        ],
    )))
}
