//! What takes the steps that a platform's sites record: metrics, traces, and a lab in this process or
//! in another.

use std::{collections::BTreeSet, sync::Arc};

use ::lab::{
    Recorded,
    collector::Collector,
    monitor::{Hour, Monitor},
    reporter,
    store::{Memory, Sqlite, Store},
};
use handoff::{ids::ClientId, token::Secret};
use recording::{
    outbox::Outbox,
    outcome_metrics::FlowObserver,
    recorder::{Recorder, Recorders},
    site::FlowLinks,
};
use relying_party::Application;
use tokio::task::JoinSet;

use super::{
    clients,
    setup::{CannotStart, Setup},
    stores::Files,
};
use crate::{metrics::Metrics, otlp};

/// What takes steps, and what is done about them.
#[derive(Debug)]
pub(crate) struct Recording {
    /// All of it together, as sites know it.
    pub(super) recorder: Arc<dyn Recorder>,
    /// What counts for Prometheus, in a platform with metrics.
    pub(super) metrics: Option<Arc<Metrics>>,
    /// Where steps can be looked at, if a lab has them.
    pub(super) flow_links: Option<Arc<dyn FlowLinks>>,
    /// What the lab is opened with, where this platform holds it.
    pub(crate) recorded: Option<Recorded>,
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
        let metrics = setup.metrics.then(|| {
            let observer = FlowObserver::remembering(setup.bounds.remembered);
            Arc::new(Metrics::of(observer.without(elsewhere(setup))))
        });
        let mut recorders: Vec<Arc<dyn Recorder>> = vec![Arc::clone(&setup.recorder)];
        recorders.extend(metrics.clone().map(|metrics| metrics as _));
        let mut outboxes = Vec::new();
        if let Some(endpoint) = &setup.otlp_endpoint {
            let (exports, sending) = otlp::exporter(endpoint);
            if let Some(sending) = sending {
                tasks.spawn(sending);
            }
            recorders.push(Arc::new(exports.clone()));
            outboxes.push(exports);
        }
        let lab = setup.origins.of(::lab::ID);
        let flow_links: Option<Arc<dyn FlowLinks>> = report_key
            .is_some()
            .then(|| Arc::new(::lab::shown::At(lab.clone())) as _);
        let mut recorded = None;
        match report_key {
            Some(key) if setup.sites.contains(&::lab::ID) => {
                let store = lab_store(files).await?;
                let clock = Arc::clone(&setup.clock);
                let bounds = setup.bounds.lab;
                let (collector, keeping) = Collector::bounded(Arc::clone(&store), clock, bounds);
                tasks.spawn(keeping);
                let monitor = setup.monitor.then(|| {
                    let hour = Hour::keeping(bounds.facts, bounds.remembered);
                    Arc::new(Monitor::over(hour, Arc::clone(&setup.clock)))
                });
                recorders.extend(monitor.clone().map(|monitor| monitor as _));
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
            flow_links,
            recorded,
            outboxes,
        })
    }

    /// Waits until all that was recorded is reported and exported, as far as others take it.
    pub(super) async fn flush(&self) {
        for outbox in &self.outboxes {
            outbox.flush().await;
        }
    }
}

/// The applications of this program that other processes serve: they count their own handoffs.
fn elsewhere(setup: &Setup) -> BTreeSet<ClientId> {
    let others = Application::ALL.iter();
    let others = others.filter(|it| !setup.sites.contains(&it.site_id()));
    others
        .filter_map(|it| ClientId::parse(it.id()).ok())
        .collect()
}

/// Opens the lab's store, which the recording has before the site does.
async fn lab_store(files: &mut Files) -> Result<Arc<dyn Store>, CannotStart> {
    let Some(file) = files.database(::lab::ID) else {
        return Ok(Arc::new(Memory::default()));
    };
    let store = Sqlite::open(&file).await?;
    let closed = store.clone();
    files.on_close(move || {
        let store = closed.clone();
        async move { store.close().await }
    });
    Ok(Arc::new(store))
}
