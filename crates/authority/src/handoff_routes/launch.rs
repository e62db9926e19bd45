//! H1: *Open App*.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use handoff::{
    handoff::Launch,
    ids::ClientId,
    step::Step,
    token::{LaunchTicket, Secret},
    uri::LocalPath,
};
use web::{
    context::{At, TraceId},
    form::Protected,
    peer::Peer,
    problem::Problem,
    redirect,
};

use crate::{
    Authority,
    identity::{SignedIn, SignedInForms},
    logout::Nothing,
};

pub(crate) async fn post(
    At(authority): At<Authority>,
    client_id: Result<Path<String>, PathRejection>,
    trace: TraceId,
    signed_in: SignedIn,
    peer: Peer,
    _: Protected<Nothing, SignedInForms>,
) -> Result<Response, Problem> {
    authority.admit(Some(&signed_in), peer)?;
    let Path(client_id) = client_id.map_err(|_| Problem::not_found())?;
    let id = ClientId::parse(&client_id).map_err(|_| Problem::not_found())?;
    let client = authority
        .store
        .find_client(&id)
        .await
        .map_err(Problem::unavailable)?;
    let client = client.ok_or_else(Problem::not_found)?;
    let sign_in = signed_in.sign_in;
    if !client.assigned_to.includes(sign_in.user.id) {
        return Err(Problem::not_assigned());
    }
    let ticket = LaunchTicket::mint(authority.context.random.bytes());
    let launch = Launch::new(&ticket, sign_in.id, id, authority.context.now());
    authority
        .store
        .issue_launch(launch)
        .await
        .map_err(Problem::unavailable)?;
    let step = Step::LaunchTicketIssued.as_str();
    tracing::info!(trace = %trace, step, client = %client.id, "handoff");
    Ok(redirect::see_other(&client.initiate_login_uri.with_query(
        &[
            ("iss", authority.settings.origin.as_str()),
            ("target_link_uri", &client.origin.with(&LocalPath::root())),
            ("launch", ticket.expose()),
        ],
    )))
}
