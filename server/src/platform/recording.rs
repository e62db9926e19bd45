//! What takes the steps that a platform's sites record: metrics, traces, and a lab in this process or
//! in another.

use std::sync::Arc;

use ::lab::{Recorded, collector::Collector, monitor::Monitor, reporter};
use handoff::token::Secret;
use tokio::task::JoinSet;
use web::{
    outbox::Outbox,
    record::{Recorder, Recorders, Shown},
};

use super::{CannotStart, Setup, clients, stores::Files};
use crate::{config::SiteName, metrics::Metrics, otlp};

/// What takes steps, and what is done about them.
#[derive(Debug)]
pub(super) struct Recording {
    /// All of it together, as sites know it.
    pub(super) recorder: Arc<dyn Recorder>,
    pub(super) metrics: Arc<Metrics>,
    /// Where steps can be looked at, if a lab has them.
    pub(super) shown: Option<Arc<dyn Shown>>,
    /// What the lab is opened with, where this platform holds it.
    pub(super) recorded: Option<Recorded>,
    outboxes: Vec<Outbox>,
}

impl Recording {
    /// Sets it up; what must run all the time becomes one of the tasks.
    pub(super) async fn open(
        setup: &Setup,
        files: &mut Files,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, CannotStart> {
        let report_key = clients::report_key(setup, files)?;
        let metrics = Arc::new(Metrics::default());
        let mut recorders: Vec<Arc<dyn Recorder>> =
            vec![metrics.clone(), Arc::clone(&setup.recorder)];
        let mut outboxes = Vec::new();
        if let Some(endpoint) = &setup.otlp_endpoint {
            let (exports, sending) = otlp::exporter(endpoint);
            if let Some(sending) = sending {
                tasks.spawn(sending);
            }
            recorders.push(Arc::new(exports.clone()));
            outboxes.push(exports);
        }
        let lab = setup.origins.of(SiteName::Lab);
        let shown: Option<Arc<dyn Shown>> = report_key
            .is_some()
            .then(|| Arc::new(::lab::shown::At(lab.clone())) as _);
        let mut recorded = None;
        match report_key {
            Some(key) if setup.sites.contains(&SiteName::Lab) => {
                let store = super::lab::store(files).await?;
                let clock = Arc::clone(&setup.clock);
                let (collector, keeping) = Collector::new(Arc::clone(&store), clock);
                tasks.spawn(keeping);
                let monitor = Arc::new(Monitor::new(Arc::clone(&setup.clock)));
                recorders.push(monitor.clone());
                // The last one is given the event itself.
                recorders.push(Arc::new(collector.clone()));
                recorded = Some(Recorded {
                    store,
                    collector,
                    monitor,
                    report_key: key.digest(),
                });
            }
            Some(key) => {
                let ca = setup.authority_ca.as_deref();
                let (reports, sending) = reporter::reporter(lab, key, ca);
                if let Some(sending) = sending {
                    tasks.spawn(sending);
                }
                recorders.push(Arc::new(reports.clone()));
                outboxes.insert(0, reports);
            }
            None => {}
        }
        Ok(Self {
            recorder: Arc::new(Recorders(recorders)),
            metrics,
            shown,
            recorded,
            outboxes,
        })
    }

    /// Waits until all that was recorded is reported and exported, as far as others take it.
    pub(super) async fn flush(&self) {
        for outbox in &self.outboxes {
            outbox.settle().await;
        }
    }
}
