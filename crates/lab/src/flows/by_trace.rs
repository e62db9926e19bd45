//! From a request's id, which logs and error pages have, to the flow that it was part of.

use axum::{
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use web::{context::At, problem::Problem, redirect};

use super::find;
use crate::{Lab, store::Key};

pub(crate) async fn get(
    At(lab): At<Lab>,
    trace: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(trace) = trace.map_err(|_| Problem::not_found())?;
    let key = Key::of_trace(&trace).map_err(|_| Problem::not_found())?;
    let flow = find(&lab, &key).await?;
    Ok(redirect::see_other(&format!("/flows/{}", flow.id)))
}
