//! What an operator's Prometheus reads: counts of handoffs and how long their steps take, from what
//! the sites record; and what the sites themselves count, read when somebody asks.
//!
//! A platform is a value, so its metrics are too: nothing here is global. Labels are bounded. A
//! client is named only if it is registered, a reason only if a site gives it, and everything else in
//! a label comes from this program.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use handoff::{flow::Event, ids::ClientId, outcome::CHOICES, refusal_reason::RefusalReason};
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use recording::outcome_metrics::{self, End, FlowObserver, Observation};
use recording::recorder::Recorder;
use web::site::Site;

/// Handoffs that a relying party began.
pub const STARTED: &str = "handoff_started_total";
/// Handoffs that went well.
pub const SUCCESS: &str = "handoff_success_total";
/// Handoffs whose relying party was told who the person is, and records no steps.
pub const TOLD: &str = "handoff_told_total";
/// Handoffs that the person decided against.
pub const DECLINED: &str = "handoff_declined_total";
/// Handoffs that failed.
pub const FAILURE: &str = "handoff_failure_total";
/// Refused requests that belong to no handoff.
pub const STRAY: &str = "handoff_stray_callback_total";
/// Tokens that verify refused.
pub const TOKEN_REFUSED: &str = "handoff_token_refused_total";
/// Used tokens that were presented again.
pub const REPLAY: &str = "handoff_replay_total";
/// How long steps take.
pub const STEP: &str = "handoff_step_duration_seconds";
/// How long verify takes, as the relying party sees it.
pub const BACK_CHANNEL: &str = "handoff_back_channel_duration_seconds";
/// Passwords that were entered.
pub const SIGN_IN: &str = "handoff_sign_in_total";
/// Gauge by site: seconds by which its clock is ahead of the authorization server's.
pub const CLOCK: &str = "handoff_clock_ahead_seconds";
/// Sessions that are alive.
pub const SESSIONS: &str = "handoff_active_sessions";
/// Requests that a limit refused.
pub const LIMITED: &str = "handoff_rate_limit_refused_total";
/// Alarms of the lab's monitor.
pub const ALARMS: &str = "handoff_alarms";
/// Steps that a recorder could not take.
pub const DROPPED: &str = "handoff_events_dropped_total";
/// Which build runs.
pub const BUILD: &str = "handoff_build_info";

/// The upper bounds of the histograms, in seconds. A step inside a site takes a millisecond or less,
/// one that waits for the disk or for the other site some more; an answer that the back channel
/// waits for in vain takes up to ten.
pub const SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The client of whatever concerns none that is registered.
const UNKNOWN: &str = "unknown";

/// The metrics of one platform.
#[derive(Debug)]
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    observer: Mutex<FlowObserver>,
    clients: RwLock<BTreeSet<ClientId>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::remembering(outcome_metrics::MAX_REMEMBERED)
    }
}

impl Metrics {
    /// Metrics that remember so many requests and handoffs, to count each once.
    #[must_use]
    pub fn remembering(max: usize) -> Self {
        Self::of(FlowObserver::remembering(max))
    }

    /// Metrics of what this observer sees.
    #[must_use]
    pub fn of(observer: FlowObserver) -> Self {
        let durations = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new();
        // It refuses an empty list only.
        let builder = builder
            .set_buckets_for_metric(durations, &SECONDS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let metrics = Self {
            handle: recorder.handle(),
            recorder,
            observer: Mutex::new(observer),
            clients: RwLock::default(),
        };
        metrics.within(|| {
            describe();
            counter!(REPLAY).absolute(0);
            counter!(DROPPED).absolute(0);
            gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
        });
        metrics.begin_client(UNKNOWN);
        metrics
    }
}

fn describe() {
    let counters = [
        (STARTED, "Handoffs that a relying party began."),
        (SUCCESS, "Handoffs that gave a session."),
        (
            TOLD,
            "Handoffs whose client was told who the person is, and records no steps.",
        ),
        (
            DECLINED,
            "Handoffs that the person decided against, by the first reason.",
        ),
        (FAILURE, "Handoffs that were refused, by the first reason."),
        (
            STRAY,
            "Requests that were refused and belong to no handoff.",
        ),
        (TOKEN_REFUSED, "Tokens that verify refused, by the reason."),
        (REPLAY, "Used tokens that were presented again."),
        (DROPPED, "Steps that are missing from the record."),
        (SIGN_IN, "Passwords that were entered, by what came of it."),
        (
            LIMITED,
            "Requests that were refused because of their number.",
        ),
    ];
    for (name, text) in counters {
        describe_counter!(name, text);
    }
    describe_histogram!(
        STEP,
        Unit::Seconds,
        "From the step before it in the same request, or from the request's arrival."
    );
    describe_histogram!(
        BACK_CHANNEL,
        Unit::Seconds,
        "Verify, as the relying party sees it."
    );
    describe_gauge!(SESSIONS, "Sessions that are alive at a site.");
    describe_gauge!(
        CLOCK,
        "How far an application's clock is ahead of Harbor ID's, at the last handoff."
    );
    describe_gauge!(ALARMS, "Alarms that the lab's monitor has raised.");
    describe_gauge!(BUILD, "1, with the version that runs.");
}

impl Metrics {
    fn within<T>(&self, count: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(&self.recorder, count)
    }

    /// These are registered: they get labels of their own from now on.
    pub fn know(&self, clients: impl IntoIterator<Item = ClientId>) {
        for client in clients {
            let mut known = self.clients.write().unwrap_or_else(PoisonError::into_inner);
            if known.insert(client.clone()) {
                drop(known);
                self.begin_client(client.as_str());
            }
        }
    }

    /// A counter that appears with its first event looks as if nothing had happened: rates are taken
    /// between two values, so all of them begin at zero.
    fn begin_client(&self, client: &str) {
        self.within(|| {
            for name in [STARTED, SUCCESS, TOLD, STRAY] {
                counter!(name, "client" => client.to_owned()).absolute(0);
            }
            for rejection in RefusalReason::OF_TOKEN {
                let reason = rejection.as_str();
                counter!(TOKEN_REFUSED, "client" => client.to_owned(), "reason" => reason)
                    .absolute(0);
            }
            for reason in RefusalReason::ALL {
                let name = if CHOICES.contains(reason) {
                    DECLINED
                } else {
                    FAILURE
                };
                let reason = reason.as_str();
                counter!(name, "client" => client.to_owned(), "reason" => reason).absolute(0);
            }
        });
    }

    fn label(&self, client: Option<&ClientId>) -> String {
        let known = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let client = client.filter(|client| known.contains(*client));
        client.map_or(UNKNOWN, ClientId::as_str).to_owned()
    }

    /// Everything, in Prometheus' text format. The number of sessions of a site whose store does not
    /// answer is `NaN` meanwhile.
    pub async fn render(&self, sites: &[Arc<dyn Site>], recorder: &dyn Recorder) -> String {
        self.refresh(sites).await;
        self.within(|| counter!(DROPPED).absolute(recorder.dropped()));
        for site in sites {
            let name = site.id().as_str();
            self.within(|| {
                for (limit, refused) in site.refused_by_limits() {
                    counter!(LIMITED, "site" => name, "limit" => limit).absolute(refused);
                }
                if let Some(ahead) = site.clock_ahead() {
                    gauge!(CLOCK, "site" => name).set(ahead as f64);
                }
                for (alarm, raised) in site.alarms() {
                    gauge!(ALARMS, "alarm" => alarm).set(raised as f64);
                }
                for (outcome, times) in site.sign_ins() {
                    counter!(SIGN_IN, "outcome" => outcome).absolute(times);
                }
            });
            let living = match site.count_sessions().await {
                Ok(Some(living)) => living as f64,
                Ok(None) => continue,
                // No number is known, and the last one is none.
                Err(cause) => {
                    tracing::error!(site = name, %cause, "sessions not counted");
                    f64::NAN
                }
            };
            self.within(|| gauge!(SESSIONS, "site" => name).set(living));
        }
        self.handle.render()
    }

    /// What must be done now and then, whether or not somebody asks: learns which clients there are,
    /// and puts measured times into their buckets, which would pile up otherwise.
    pub async fn refresh(&self, sites: &[Arc<dyn Site>]) {
        for site in sites {
            match site.clients().await {
                Ok(clients) => self.know(clients),
                Err(cause) => {
                    let site = site.id().as_str();
                    tracing::error!(site, %cause, "clients not counted");
                }
            }
        }
        self.handle.run_upkeep();
    }
}

impl Recorder for Metrics {
    fn record(&self, event: &Event) {
        let mut observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = observer.observe(event);
        drop(observer);
        let client = self.label(event.client.as_ref());
        self.within(|| {
            histogram!(STEP, "step" => event.step.as_str()).record(seconds(seen.took));
            if let Some(call) = seen.call {
                let outcome = if call.answered {
                    "answered"
                } else {
                    "no_answer"
                };
                histogram!(BACK_CHANNEL, "outcome" => outcome).record(seconds(call.took));
            }
            if seen.is_replay() {
                counter!(REPLAY).increment(1);
            }
            if let Some(reason) = seen.token_refused {
                counter!(TOKEN_REFUSED, "client" => client.clone(), "reason" => reason)
                    .increment(1);
            }
            count(&seen, client);
        });
    }

    fn record_reported(&self, event: &Event) {
        let mut observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = observer.observe_reported(event);
        drop(observer);
        if let Some(seen) = seen {
            let client = self.label(event.client.as_ref());
            self.within(|| count(&seen, client));
        }
    }

    fn reads_messages(&self) -> bool {
        false
    }
}

/// Counts that a handoff began, and how it ended.
fn count(seen: &Observation, client: String) {
    if seen.started {
        counter!(STARTED, "client" => client.clone()).increment(1);
    }
    match seen.end {
        Some(End::Success) => counter!(SUCCESS, "client" => client).increment(1),
        Some(End::Failure(reason)) => {
            counter!(FAILURE, "client" => client, "reason" => reason).increment(1);
        }
        Some(End::Told) => counter!(TOLD, "client" => client).increment(1),
        Some(End::Declined(reason)) => {
            counter!(DECLINED, "client" => client, "reason" => reason).increment(1);
        }
        Some(End::Stray) => counter!(STRAY, "client" => client).increment(1),
        None => {}
    }
}

fn seconds(microseconds: u64) -> f64 {
    std::time::Duration::from_micros(microseconds).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use handoff::{
        flow::{Belongs, Refusal, Site as RecordedBy},
        step::Step,
    };

    use super::*;

    fn event(site: RecordedBy, step: Step, client: &str) -> Event {
        Event {
            step,
            site,
            client: ClientId::parse(client).ok(),
            belongs: Belongs::default(),
            trace: "0123456789abcdef".to_owned(),
            at: 0,
            after: 1500,
            session: None,
            message: None,
            refusal: None,
        }
    }

    fn refused(reason: &str, client: &str) -> Event {
        Event {
            refusal: Some(Refusal {
                reason: reason.to_owned(),
                rows: Vec::new(),
            }),
            ..event(RecordedBy::RelyingParty, Step::Refused, client)
        }
    }

    fn notes() -> Metrics {
        let metrics = Metrics::default();
        metrics.know(ClientId::parse("notes"));
        metrics
    }

    fn series(metrics: &Metrics) -> usize {
        let text = metrics.handle.render();
        text.lines().filter(|line| !line.starts_with('#')).count()
    }

    #[test]
    fn a_flood_of_invented_clients_and_reasons_makes_no_series() {
        let metrics = notes();
        let all = |n: usize| {
            let (client, reason) = (format!("client-{n}"), format!("reason-{n}"));
            let record = |event: Event| {
                let trace = format!("{n:016x}");
                metrics.record(&Event { trace, ..event });
            };
            for step in Step::ALL {
                record(event(RecordedBy::Authority, *step, &client));
                record(event(RecordedBy::RelyingParty, *step, &client));
            }
            let trace = format!("{:016x}", 10_000 + n);
            let failed = refused(&reason, &client);
            metrics.record(&Event { trace, ..failed });
        };
        all(0);
        let before = series(&metrics);
        (1..2000).for_each(all);
        assert_eq!(series(&metrics), before);
        let text = metrics.handle.render();
        assert!(!text.contains("client-") && !text.contains("reason-"));
        assert!(text.contains("handoff_success_total{client=\"unknown\"} 2000"));
        assert!(text.contains("handoff_failure_total{client=\"unknown\",reason=\"other\"} 2000"));
        assert!(text.contains("handoff_success_total{client=\"notes\"} 0"));
    }

    #[test]
    fn a_step_falls_into_the_buckets_of_its_time() {
        let metrics = notes();
        metrics.record(&event(RecordedBy::RelyingParty, Step::StateMade, "notes"));
        let text = metrics.handle.render();
        let bucket = |le| format!("{STEP}_bucket{{step=\"state_made\",le=\"{le}\"}}");
        for line in [
            format!("{} 0", bucket("0.001")),
            format!("{} 1", bucket("0.0025")),
            format!("{} 1", bucket("+Inf")),
            format!("{STEP}_sum{{step=\"state_made\"}} 0.0015"),
            "handoff_started_total{client=\"notes\"} 1".to_owned(),
        ] {
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }

    #[test]
    fn two_platforms_of_a_process_count_apart() {
        let (one, other) = (notes(), notes());
        one.record(&refused("iss_differs", "notes"));
        let line = "handoff_failure_total{client=\"notes\",reason=\"iss_differs\"}";
        assert!(one.handle.render().contains(&format!("{line} 1")));
        assert!(other.handle.render().contains(&format!("{line} 0")));
    }
}
