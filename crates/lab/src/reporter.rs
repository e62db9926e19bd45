//! Reports the steps of this process to a lab that runs in another.
//!
//! A handoff never waits for this: what there is no room for is dropped and counted, and so is what
//! the lab does not take. While it cannot be reached, what waits stays.

use handoff::{
    flow::Event,
    token::{ReportKey, Secret},
    uri::Origin,
};
use http::StatusCode;
use recording::outbox::{Delivery, Destination, Outbox};
use reqwest::Client;
use web::http_client;

use crate::reports::{MAX_BYTES, MAX_EVENTS, PATH};

/// An outbox of reports to the lab of this origin, and what sends them: [`Outbox::new`] says how long.
/// Where certificates cannot be checked there is none, and everything is dropped.
///
/// `ca`: the one certificate authority that is trusted for it, as PEM; without it, the machine's own
/// list counts.
pub fn reporter(
    lab: &Origin,
    key: ReportKey,
    ca: Option<&[u8]>,
) -> (Outbox, Option<impl Future<Output = ()> + Send + 'static>) {
    let http = http_client::to(lab, ca)
        .inspect_err(|cause| tracing::error!(%lab, %cause, "steps are not reported"));
    let Ok(http) = http else {
        return (Outbox::closed(), None);
    };
    let (outbox, sending) = Outbox::new(Reports {
        http,
        address: format!("{lab}{PATH}"),
        key,
    });
    (outbox, Some(sending))
}

struct Reports {
    http: Client,
    address: String,
    key: ReportKey,
}

impl Destination for Reports {
    const MAX_EVENTS: usize = MAX_EVENTS;
    const READS_MESSAGES: bool = true;

    fn bodies(&mut self, events: &[Event]) -> Vec<(u64, Vec<u8>)> {
        let mut bodies: Vec<(u64, Vec<u8>)> = Vec::new();
        for event in events {
            let Ok(text) = serde_json::to_vec(event) else {
                continue;
            };
            match bodies.last_mut() {
                Some((count, body)) if body.len() + text.len() + 2 <= MAX_BYTES => {
                    body.push(b',');
                    body.extend(text);
                    *count += 1;
                }
                _ => bodies.push((1, [b"[", &*text].concat())),
            }
        }
        for (_, body) in &mut bodies {
            body.push(b']');
        }
        bodies
    }

    async fn send(&self, body: Vec<u8>) -> Delivery {
        let call = self
            .http
            .post(&self.address)
            .header(http::header::CONTENT_TYPE, "application/json")
            .bearer_auth(self.key.expose())
            .body(body);
        match call.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Delivery::Accepted,
            Ok(StatusCode::SERVICE_UNAVAILABLE) => Delivery::Retry("it has no room".to_owned()),
            // A lab that is not there yet, behind a proxy or a process that serves other sites.
            Ok(
                status @ (StatusCode::MISDIRECTED_REQUEST
                | StatusCode::BAD_GATEWAY
                | StatusCode::GATEWAY_TIMEOUT),
            ) => Delivery::Retry(status.to_string()),
            Ok(status) => Delivery::Failed(status.to_string()),
            Err(error) if error.is_connect() => Delivery::Retry(error.to_string()),
            Err(error) => Delivery::Failed(error.to_string()),
        }
    }

    fn log_failure(&self, cause: &str) {
        tracing::warn!(lab = self.address, cause, "steps are not reported");
    }

    fn log_recovery(&self) {
        tracing::info!("steps are reported again");
    }
}
