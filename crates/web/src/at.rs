//! The extractor of the site that a request reached.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::error_page::ErrorPage;

/// The site that the request reached, as its router's handlers know it.
#[derive(Clone, Debug)]
pub struct At<T>(pub T);

impl<T: Clone + Send + Sync + 'static, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ErrorPage> {
        match parts.extensions.get::<T>() {
            Some(site) => Ok(Self(site.clone())),
            None => Err(ErrorPage::internal(
                "the request did not pass the host routing",
            )),
        }
    }
}
