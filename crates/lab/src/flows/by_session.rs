//! From a session at an application to the flow that gave it. The id is the one that both sites' logs
//! have: it opens nothing.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use handoff::ids::SessionId;
use web::{at::At, error_page::ErrorPage};

use super::lead_to;
use crate::{Lab, store::Key};

pub(crate) async fn get(
    At(lab): At<Lab>,
    session: Result<Path<String>, PathRejection>,
) -> Result<Response, ErrorPage> {
    let Path(session) = session.map_err(|_| ErrorPage::not_found())?;
    let session = SessionId::parse(&session).map_err(|_| ErrorPage::not_found())?;
    lead_to(&lab, &Key::of_session(session)).await
}
