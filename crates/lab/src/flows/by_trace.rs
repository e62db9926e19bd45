//! From a request's id, which logs and error pages have, to the flow that it was part of.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use web::{at::At, error_page::ErrorPage};

use super::lead_to;
use crate::{Lab, store::Key};

pub(crate) async fn get(
    At(lab): At<Lab>,
    trace: Result<Path<String>, PathRejection>,
) -> Result<Response, ErrorPage> {
    let Path(trace) = trace.map_err(|_| ErrorPage::not_found())?;
    let key = Key::of_trace(&trace).map_err(|_| ErrorPage::not_found())?;
    lead_to(&lab, &key).await
}
