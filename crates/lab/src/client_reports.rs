//! Steps that a client reports of its own: `docs/PROTOCOL.md` has them on the wire.
//!
//! What a report says is no more than its client's word; the key says which client that is. It changes
//! flows that are recorded for that client, and makes none: so it takes no room from other flows. Within
//! these it can tell anything that an application does, true or not. Of that, the monitor and the metrics
//! count what changes how a handoff ended ([`recording::outcome_metrics::FlowObserver::observe_reported`]).

use std::{collections::BTreeMap, fmt};

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequestParts, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use handoff::{
    flow::{Belongs, Event, FlowId, LaunchId, Refusal, Site},
    ids::{ClientId, SessionId},
    refusal_reason::RefusalReason,
    step::Step,
    token::{ReportKey, Unverified},
};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use recording::recorder::Recorder as _;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use time::{Duration, OffsetDateTime};
use web::{at::At, authorization::credentials, limits::LimitReached};

use crate::{
    Lab,
    store::{Key, Number},
};

/// Where they are sent.
pub(crate) const PATH: &str = "/api/v1/reports";

/// The most bytes of one report.
pub(crate) const MAX_BYTES: usize = 64 * 1024;

/// The most steps of one report.
pub(crate) const MAX_STEPS: usize = 100;

/// How far a client's clock may be ahead.
pub(crate) const AHEAD: Duration = Duration::minutes(5);

/// How old a step may be.
pub(crate) const BEHIND: Duration = Duration::days(1);

/// The longest time of a step within its request, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;

pub(crate) fn route() -> MethodRouter {
    post(handle).layer(DefaultBodyLimit::max(MAX_BYTES))
}

/// One step of a report, as it stands on the wire.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reported {
    step: Step,
    at: i64,
    trace: String,
    #[serde(default)]
    after: u64,
    #[serde(default)]
    flow: Option<FlowId>,
    #[serde(default)]
    launch: Option<LaunchId>,
    #[serde(default)]
    session: Option<SessionId>,
    #[serde(default)]
    reason: Option<String>,
}

/// A step that is written as an object. Serde would take a list of its members' values, too.
struct Object(Reported);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMembers;

        impl<'de> Visitor<'de> for OfMembers {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a step as an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object, A::Error> {
                Reported::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(OfMembers)
    }
}

/// Why the steps of a report are not taken. None of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfit {
    NotYourStep,
    UnknownReason,
    AtOutOfRange,
    NoHandoff,
    UnknownHandoff,
    AnotherHandoff,
}

impl Unfit {
    const fn name(self) -> &'static str {
        match self {
            Self::NotYourStep => "not_your_step",
            Self::UnknownReason => "unknown_reason",
            Self::AtOutOfRange => "at_out_of_range",
            Self::NoHandoff => "no_handoff",
            Self::UnknownHandoff => "unknown_handoff",
            Self::AnotherHandoff => "another_handoff",
        }
    }

    /// For who writes the client.
    const fn says(self) -> &'static str {
        match self {
            Self::NotYourStep => "only Harbor ID takes this step",
            Self::UnknownReason => "`reason` is none of those that an application reports",
            Self::AtOutOfRange => {
                "`at` is microseconds since 1970, at most 24 hours ago and 5 minutes ahead"
            }
            Self::NoHandoff => "a step has at least one of `flow`, `launch` and `session`",
            Self::UnknownHandoff => "Harbor ID has recorded no such handoff for this client yet",
            Self::AnotherHandoff => {
                "`flow`, `launch`, `session` and `trace` do not all belong to one handoff"
            }
        }
    }
}

/// Why a report is not taken.
enum ErrorResponse {
    /// There is no key, or nobody has it.
    Stranger,
    /// It is no list of steps.
    Unreadable(String),
    /// It is longer than may be.
    TooLarge,
    /// It says that it is no JSON.
    NoJson,
    /// This step of it, counted from 0, is refused.
    Unfit(usize, Unfit),
    /// The client reports too much.
    TooMany(Duration),
    /// It cannot be taken now.
    Unavailable,
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    (status, [kind], body.to_string()).into_response()
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let error = |name: &str| serde_json::json!({ "error": name });
        let (status, body, more) = match self {
            Self::Stranger => (
                StatusCode::UNAUTHORIZED,
                error("invalid_token"),
                Some((header::WWW_AUTHENTICATE, "Bearer".to_owned())),
            ),
            Self::Unreadable(why) => (
                StatusCode::BAD_REQUEST,
                serde_json::json!({ "error": "invalid_request", "error_description": why }),
                None,
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                error("invalid_request"),
                None,
            ),
            Self::NoJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                error("invalid_request"),
                None,
            ),
            Self::Unfit(index, why) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                serde_json::json!({
                    "error": why.name(), "error_description": why.says(), "index": index,
                }),
                None,
            ),
            Self::TooMany(wait) => (
                StatusCode::TOO_MANY_REQUESTS,
                error("slow_down"),
                Some((header::RETRY_AFTER, wait.whole_seconds().max(1).to_string())),
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                error("temporarily_unavailable"),
                Some((header::RETRY_AFTER, "1".to_owned())),
            ),
        };
        let mut answer = json(status, &body);
        if let Some((name, value)) = more
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            answer.headers_mut().insert(name, value);
        }
        answer
    }
}

/// The client whose key came. It is looked for before anything of the report is read.
struct Reporter(ClientId);

impl<S: Send + Sync> FromRequestParts<S> for Reporter {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorResponse> {
        let lab = At::<Lab>::from_request_parts(parts, state).await;
        let At(lab) = lab.map_err(|_| ErrorResponse::Stranger)?;
        let key = bearer(&parts.headers).ok_or(ErrorResponse::Stranger)?;
        let found = lab.recorded().store.find_reporter(key.digest()).await;
        let client = found.map_err(|_| ErrorResponse::Unavailable)?;
        let client = client.ok_or(ErrorResponse::Stranger)?;
        match lab.limits().admit_report(&client) {
            Ok(()) => Ok(Self(client)),
            Err(LimitReached::TooMany { retry_after }) => Err(ErrorResponse::TooMany(retry_after)),
            Err(LimitReached::CannotCount) => Err(ErrorResponse::Unavailable),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<Unverified<ReportKey>> {
    Unverified::new(credentials(headers, "Bearer")?).ok()
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        return false;
    };
    let kind = kind.to_str().ok().and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

async fn handle(
    Reporter(client): Reporter,
    At(lab): At<Lab>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ErrorResponse> {
    if !is_json(&headers) {
        return Err(ErrorResponse::NoJson);
    }
    let body = body.map_err(|refused| match refused.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => ErrorResponse::TooLarge,
        _ => ErrorResponse::Unreadable("the body did not arrive".to_owned()),
    })?;
    let steps: Vec<Object> = serde_json::from_slice(&body)
        .map_err(|error| ErrorResponse::Unreadable(error.to_string()))?;
    if steps.len() > MAX_STEPS {
        let why = format!("more than {MAX_STEPS} steps");
        return Err(ErrorResponse::Unreadable(why));
    }
    let now = lab.context().now();
    let mut events = Vec::new();
    for (index, Object(step)) in steps.into_iter().enumerate() {
        let event = fit(step, &client, now).map_err(|error| match error {
            Misfit::Unfit(why) => ErrorResponse::Unfit(index, why),
            Misfit::Unreadable(why) => ErrorResponse::Unreadable(format!("step {index}: {why}")),
        })?;
        events.push(event);
    }
    let recorded = lab.recorded();
    // What Harbor ID recorded in this process a moment ago may still wait to be kept.
    recorded.collector.flush().await;
    let mut known = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let belongs = belongs(&lab, event, &client, &mut known).await?;
        belongs.map_err(|why| ErrorResponse::Unfit(index, why))?;
    }
    let taken = recorded.collector.take(events.clone());
    taken.map_err(|_| ErrorResponse::Unavailable)?;
    for event in &events {
        if let Some(monitor) = lab.monitor() {
            monitor.record_reported(event);
        }
        recorded.counted.record_reported(event);
    }
    Ok(StatusCode::NO_CONTENT)
}

enum Misfit {
    Unfit(Unfit),
    Unreadable(&'static str),
}

/// The event that a step is, by itself.
fn fit(step: Reported, client: &ClientId, now: OffsetDateTime) -> Result<Event, Misfit> {
    let Reported {
        step,
        at,
        trace,
        after,
        flow,
        launch,
        session,
        reason,
    } = step;
    if !step.is_taken_by_clients() {
        return Err(Misfit::Unfit(Unfit::NotYourStep));
    }
    if Key::of_trace(&trace).is_err() {
        return Err(Misfit::Unreadable("`trace` is 16 digits of 0-9a-f"));
    }
    if after > LONGEST {
        return Err(Misfit::Unreadable("`after` is an hour at most"));
    }
    let refusal = match (step, reason) {
        (Step::Refused, Some(name)) => {
            let mut reasons = RefusalReason::OF_CLIENT.iter();
            let known = reasons.find(|reason| reason.as_str() == name);
            let known = known.ok_or(Misfit::Unfit(Unfit::UnknownReason))?;
            Some(Refusal::from(*known))
        }
        (Step::Refused, None) => return Err(Misfit::Unreadable("a refusal has a `reason`")),
        (_, Some(_)) => return Err(Misfit::Unreadable("only a refusal has a `reason`")),
        (_, None) => None,
    };
    let micros = |moment: OffsetDateTime| moment.unix_timestamp_nanos() / 1_000;
    if !(micros(now - BEHIND)..=micros(now + AHEAD)).contains(&i128::from(at)) {
        return Err(Misfit::Unfit(Unfit::AtOutOfRange));
    }
    if flow.is_none() && launch.is_none() && session.is_none() {
        return Err(Misfit::Unfit(Unfit::NoHandoff));
    }
    Ok(Event {
        step,
        site: Site::RelyingParty,
        client: Some(client.clone()),
        belongs: Belongs {
            flow,
            launch,
            token: None,
        },
        session,
        trace,
        at,
        after,
        message: None,
        refusal,
    })
}

/// Whether everything that a step is known by leads to one flow of this client, and its request is none
/// of Harbor ID's. `known` has what the steps before it are known by.
async fn belongs(
    lab: &Lab,
    event: &Event,
    client: &ClientId,
    known: &mut BTreeMap<String, Number>,
) -> Result<Result<(), Unfit>, ErrorResponse> {
    let parsed = |text: String| Key::parse(&text).ok();
    let ids = [
        event.belongs.flow.and_then(|id| parsed(id.to_string())),
        event.belongs.launch.and_then(|id| parsed(id.to_string())),
        event.session.map(Key::of_session),
    ];
    let trace = Key::of_trace(&event.trace).ok();
    let named = ids.into_iter().flatten().map(|key| (key, true));
    let named = named.chain(trace.map(|key| (key, false)));
    let mut of = None;
    for (key, must_be_known) in named {
        let number = match known.get(key.as_str()) {
            Some(number) => *number,
            None => {
                let found = lab.recorded().store.find(&key).await;
                let found = found.map_err(|_| ErrorResponse::Unavailable)?;
                match found {
                    Some(flow) if flow.client.as_ref() == Some(client) => {
                        if !must_be_known && is_of_authority(lab, flow.number, &key).await? {
                            return Ok(Err(Unfit::AnotherHandoff));
                        }
                        known.insert(key.as_str().to_owned(), flow.number);
                        flow.number
                    }
                    // Not even that there is one is told of another's.
                    Some(_) | None if must_be_known => return Ok(Err(Unfit::UnknownHandoff)),
                    Some(_) => return Ok(Err(Unfit::AnotherHandoff)),
                    None => continue,
                }
            }
        };
        if of.is_some_and(|of| of != number) {
            return Ok(Err(Unfit::AnotherHandoff));
        }
        of = Some(number);
    }
    // A request that is new is of this flow from now on.
    known.extend(Some(event.trace.clone()).zip(of));
    Ok(Ok(()))
}

/// Whether Harbor ID recorded this request.
async fn is_of_authority(lab: &Lab, flow: Number, trace: &Key) -> Result<bool, ErrorResponse> {
    let kept = lab.recorded().store.events_after(flow, 0).await;
    let kept = kept.map_err(|_| ErrorResponse::Unavailable)?;
    let mut events = kept.iter().map(|kept| &kept.event);
    Ok(events.any(|event| event.site == Site::Authority && event.trace == trace.as_str()))
}

#[cfg(test)]
mod tests {
    use handoff::token::{Secret as _, State};

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/PROTOCOL.md");

    const ALL: [Unfit; 6] = [
        Unfit::NotYourStep,
        Unfit::UnknownReason,
        Unfit::AtOutOfRange,
        Unfit::NoHandoff,
        Unfit::UnknownHandoff,
        Unfit::AnotherHandoff,
    ];

    /// The part of the document about reports.
    fn section() -> &'static str {
        let (_, rest) = DOCUMENT.split_once("\n## Reports\n").unwrap();
        rest.split_once("\n## ").unwrap().0
    }

    #[test]
    fn the_document_has_each_step_reason_and_error() {
        let section = section();
        let row = |name: &str| format!("\n| `{name}` | ");
        for step in Step::ALL {
            let is_there = section.contains(&row(step.as_str()));
            assert_eq!(is_there, step.is_taken_by_clients(), "{step:?}");
        }
        for reason in RefusalReason::OF_CLIENT {
            assert!(section.contains(&row(reason.as_str())), "{reason}");
        }
        for why in ALL {
            assert!(section.contains(&format!("`{}`", why.name())), "{why:?}");
        }
    }

    #[test]
    fn the_documents_sample_is_read_and_its_flow_follows_from_its_state() {
        let (_, rest) = section().split_once("```json\n").unwrap();
        let (sample, _) = rest.split_once("```").unwrap();
        let steps: Vec<Reported> = serde_json::from_str(sample).unwrap();
        assert!(steps.len() > 3);
        let state = State::mint(std::array::from_fn(|n| u8::try_from(n).unwrap()));
        assert!(section().contains(state.expose().as_ref()));
        let flow = FlowId::of(&state.digest());
        assert!(section().contains(&flow.to_string()), "{flow}");
        assert!(steps.iter().all(|step| step.flow == Some(flow)));
        let now = OffsetDateTime::from_unix_timestamp(1_795_230_000).unwrap();
        for step in steps {
            let client = ClientId::parse("probe").unwrap();
            assert!(fit(step, &client, now).is_ok());
        }
    }
}
