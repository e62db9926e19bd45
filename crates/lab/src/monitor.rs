//! How handoffs went in the last hour: what the page `/monitor` shows, and when it raises an alarm.
//!
//! [`Hour`] is a pure value. It takes the events that sites record, keeps a few numbers of each, and
//! reports on any moment that it is asked about. [`Monitor`] is one that sites can record into.
//!
//! An operator's Prometheus has the same alarms (`docs/observability/alerts.yml`), with a day to
//! compare with instead of an hour.

pub(crate) mod live;
pub(crate) mod now;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use handoff::{flow::Event, step::Step};
use lab_pages::monitor as page;
use recording::outcome_metrics::{self, End, FlowObserver, HandoffNumber, Observation};
use recording::recorder::Recorder;
use time::{Duration, OffsetDateTime};
use web::clock::Clock;

/// How far back a report looks.
pub const LOOKS_BACK: Duration = Duration::HOUR;

/// What is happening now: the time that an alarm judges. It clears when this has passed without a
/// cause.
pub const RECENT: Duration = Duration::minutes(15);

/// The share of handoffs that must go well, in hundredths.
pub use page::SHOULD_GO_WELL;

/// So many handoffs, or steps of a kind, are enough to judge by.
pub const MIN_TO_JUDGE: usize = 20;

/// A step is slow when its p95 is more than so many times what it was before.
pub const SLOWER: u64 = 2;

/// A step that takes no longer than this is not slow, in microseconds: nobody notices.
pub const UNNOTICED: u64 = 25_000;

/// A report's hour in so many parts, for a chart.
pub const PARTS: usize = 60 / page::MINUTES;

/// The most steps that a monitor keeps, unless its bounds say otherwise: some megabytes, and an hour of
/// three handoffs a second. Of more, the newest are kept.
pub const MAX_FACTS: usize = 200_000;

/// What is kept of an event.
#[derive(Clone, Copy, Debug)]
struct Fact {
    at: i64,
    step: Step,
    took: u64,
    replay: bool,
}

/// What sites recorded in the last hour, in numbers.
#[derive(Debug)]
pub struct Hour {
    observer: FlowObserver,
    /// In the order in which they came.
    facts: VecDeque<Fact>,
    max_facts: usize,
    /// What each handoff has come to, and since when.
    ends: BTreeMap<HandoffNumber, (i64, End)>,
    /// The same without what clients reported of their own, which no alarm judges by.
    witnessed: BTreeMap<HandoffNumber, (i64, End)>,
}

impl Default for Hour {
    fn default() -> Self {
        Self::keeping(MAX_FACTS, outcome_metrics::MAX_REMEMBERED)
    }
}

impl Hour {
    /// One that keeps so many steps, and remembers so many requests and handoffs.
    #[must_use]
    pub fn keeping(max_facts: usize, max_remembered: usize) -> Self {
        Self {
            observer: FlowObserver::remembering(max_remembered),
            facts: VecDeque::new(),
            max_facts,
            ends: BTreeMap::new(),
            witnessed: BTreeMap::new(),
        }
    }

    /// Takes the next event, which arrives now. That is what counts: other processes have clocks of
    /// their own.
    pub fn see(&mut self, event: &Event, now: OffsetDateTime) {
        let at = in_microseconds(now);
        let seen = self.observer.observe(event);
        self.facts.push_back(Fact {
            at,
            step: event.step,
            took: seen.took,
            replay: seen.is_replay(),
        });
        self.come_to(&seen, at);
        self.forget(at);
    }

    /// Takes what a client reported of its own: it changes what its handoffs have come to, and is no
    /// step whose time is known.
    pub fn see_reported(&mut self, event: &Event, now: OffsetDateTime) {
        let at = in_microseconds(now);
        if let Some(seen) = self.observer.observe_reported(event) {
            self.come_to(&seen, at);
            self.forget(at);
        }
    }

    fn come_to(&mut self, seen: &Observation, at: i64) {
        let known = [
            (&mut self.ends, seen.outcome, seen.changed),
            (&mut self.witnessed, seen.witnessed, seen.witnessed_changed),
        ];
        for (ends, outcome, changed) in known {
            for number in &seen.joined {
                ends.remove(number);
            }
            if changed {
                match outcome {
                    Some(end) => ends.insert(seen.handoff, (at, end)),
                    None => ends.remove(&seen.handoff),
                };
            }
        }
    }

    fn forget(&mut self, at: i64) {
        let forgotten = at.saturating_sub(microseconds(LOOKS_BACK));
        while self.facts.len() > self.max_facts
            || self.facts.front().is_some_and(|it| it.at <= forgotten)
        {
            self.facts.pop_front();
        }
        // The first have the lowest numbers, and are the oldest but for what they came to later.
        for ends in [&mut self.ends, &mut self.witnessed] {
            while ends.len() > self.max_facts {
                ends.pop_first();
            }
            while let Some(first) = ends.first_entry().filter(|it| it.get().0 <= forgotten) {
                first.remove();
            }
        }
    }

    /// How things stand at this moment.
    #[must_use]
    pub fn report(&self, now: OffsetDateTime) -> Report {
        let now = in_microseconds(now);
        let since = now.saturating_sub(microseconds(LOOKS_BACK));
        let recent = now.saturating_sub(microseconds(RECENT));
        let (mut lately, mut parts) = (Ended::default(), vec![Ended::default(); PARTS]);
        let mut failures = BTreeMap::new();
        let (mut replays, mut strays) = (0, 0);
        let mut steps: BTreeMap<Step, [Vec<u64>; 2]> = BTreeMap::new();
        let here = self.facts.iter().filter(|it| it.at > since && it.at <= now);
        for fact in here {
            let is_recent = fact.at > recent;
            let [before, after] = steps.entry(fact.step).or_default();
            let times = if is_recent { after } else { before };
            times.push(fact.took);
            replays += u64::from(fact.replay && is_recent);
        }
        let ends = self.ends.values();
        for (at, end) in ends.filter(|(at, _)| *at > since && *at <= now) {
            let part = (at - since) * PARTS as i64 / (now - since + 1);
            if let Some(part) = usize::try_from(part).ok().and_then(|it| parts.get_mut(it)) {
                part.count(*end);
            }
            match end {
                End::Success | End::Told => {}
                End::Failure(reason) | End::Declined(reason) => {
                    *failures.entry(*reason).or_default() += 1;
                }
                End::Stray => strays += 1,
            }
        }
        let witnessed = self.witnessed.values();
        for (_, end) in witnessed.filter(|(at, _)| *at > recent && *at <= now) {
            lately.count(*end);
        }
        let ended = parts.iter().fold(Ended::default(), Ended::and);
        let mut alarms = Vec::new();
        if lately.judged() >= MIN_TO_JUDGE as u64
            && lately.good() * 100 < lately.judged() * SHOULD_GO_WELL
        {
            alarms.push(Alarm::SuccessRateLow(lately));
        }
        if replays > 0 {
            alarms.push(Alarm::Replay(replays));
        }
        let times = steps.into_iter().map(|(step, [before, mut after])| {
            // Whoever is refused may have taken their time to send what was refused.
            if let (Some(was), Some(is)) = (Times::of(before.clone()), Times::of(after.clone()))
                && step != Step::Refused
                && was.count.min(is.count) >= MIN_TO_JUDGE
                && is.p95 > was.p95 * SLOWER
                && is.p95 > UNNOTICED
            {
                alarms.push(Alarm::StepSlow {
                    step,
                    was: was.p95,
                    is: is.p95,
                });
            }
            after.extend(before);
            Times::of(after).map(|times| (step, times))
        });
        let steps = times.flatten().collect();
        Report {
            ended,
            parts,
            failures,
            strays,
            steps,
            alarms,
        }
    }
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.whole_microseconds()).unwrap_or(i64::MAX)
}

fn in_microseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// How many handoffs ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// They gave a session.
    pub well: u64,
    /// The application was told who the person is, and records no steps.
    pub told: u64,
    /// They failed.
    pub failed: u64,
    /// The person decided against it, which is no failure.
    pub declined: u64,
}

impl Ended {
    fn count(&mut self, end: End) {
        match end {
            End::Success => self.well += 1,
            End::Told => self.told += 1,
            End::Declined(_) => self.declined += 1,
            End::Failure(_) => self.failed += 1,
            End::Stray => {}
        }
    }

    fn and(self, other: &Self) -> Self {
        Self {
            well: self.well + other.well,
            told: self.told + other.told,
            failed: self.failed + other.failed,
            declined: self.declined + other.declined,
        }
    }

    /// How many went as they should: with an application that records nothing, to be told is as far as is known.
    #[must_use]
    pub const fn good(&self) -> u64 {
        self.well + self.told
    }

    /// How many there are to judge by.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.good() + self.failed
    }

    /// How many of a hundred went as they should; none if there were none.
    #[must_use]
    pub const fn percent_well(&self) -> Option<u64> {
        (self.good() * 100).checked_div(self.judged())
    }
}

/// How long the steps of a kind took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// How many there were.
    pub count: usize,
    /// Half of them took so long or shorter.
    pub p50: u64,
    /// The same for 95 of a hundred.
    pub p95: u64,
    /// The same for 99 of a hundred.
    pub p99: u64,
}

impl Times {
    fn of(mut times: Vec<u64>) -> Option<Self> {
        times.sort_unstable();
        let count = times.len();
        // The nearest rank: a time that was really measured.
        let rank = |percent: usize| {
            let nth = (count * percent).div_ceil(100).max(1);
            times.get(nth - 1).copied()
        };
        Some(Self {
            count,
            p50: rank(50)?,
            p95: rank(95)?,
            p99: rank(99)?,
        })
    }
}

/// What the last hour looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// All handoffs that ended.
    pub ended: Ended,
    /// The same in [`PARTS`] parts, the oldest first.
    pub parts: Vec<Ended>,
    /// Those that gave no session, by reason.
    pub failures: BTreeMap<&'static str, u64>,
    /// Requests that were refused and belong to no handoff.
    pub strays: u64,
    /// The steps that were taken, in their order in a handoff.
    pub steps: Vec<(Step, Times)>,
    /// What somebody should look at now.
    pub alarms: Vec<Alarm>,
}

impl Report {
    /// The page about it.
    #[must_use]
    pub fn page(&self) -> page::Monitor {
        let ended = |it: &Ended| page::Ended {
            well: it.well,
            told: it.told,
            failed: it.failed,
            declined: it.declined,
        };
        let steps = self.steps.iter().map(|(step, times)| page::StepTimes {
            step: *step,
            count: times.count,
            p50: times.p50,
            p95: times.p95,
            p99: times.p99,
        });
        let alarms = self.alarms.iter().map(|alarm| page::Alarm {
            says: alarm.says(),
            look_at: alarm.look_at(),
        });
        page::Monitor {
            percent_well: self.ended.percent_well(),
            ended: ended(&self.ended),
            parts: self.parts.iter().map(ended).collect(),
            failures: self.failures.iter().map(|(why, n)| (*why, *n)).collect(),
            strays: self.strays,
            steps: steps.collect(),
            alarms: alarms.collect(),
        }
    }
}

/// Something that somebody should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Too few handoffs went well lately.
    SuccessRateLow(Ended),
    /// A step takes much longer than before; p95 in microseconds.
    StepSlow {
        /// The step.
        step: Step,
        /// Before.
        was: u64,
        /// Lately.
        is: u64,
    },
    /// So many used tokens were presented again lately.
    Replay(u64),
}

impl Alarm {
    /// Every name.
    pub const NAMES: [&'static str; 3] = ["success_rate_low", "step_slow", "replay"];

    /// Its name in the log and in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SuccessRateLow(_) => Self::NAMES[0],
            Self::StepSlow { .. } => Self::NAMES[1],
            Self::Replay(_) => Self::NAMES[2],
        }
    }

    /// The step that it is about, if it is about one.
    #[must_use]
    pub const fn step(&self) -> Option<Step> {
        match self {
            Self::StepSlow { step, .. } => Some(*step),
            Self::SuccessRateLow(_) | Self::Replay(_) => None,
        }
    }

    /// What is so, in a sentence.
    #[must_use]
    pub fn says(&self) -> String {
        let minutes = RECENT.whole_minutes();
        match self {
            Self::SuccessRateLow(ended) => format!(
                "Of {} handoffs in the last {minutes} minutes, {} went well.",
                ended.judged(),
                ended.good(),
            ),
            Self::StepSlow { step, was, is } => format!(
                "The step {} takes up to {} ms, where it took {} ms before.",
                step.as_str(),
                is / 1000,
                was.div_ceil(1000),
            ),
            Self::Replay(times) => format!(
                "Used handoff tokens were presented again: {times} in the last {minutes} minutes."
            ),
        }
    }

    /// What to look at.
    #[must_use]
    pub const fn look_at(&self) -> &'static str {
        match self {
            Self::SuccessRateLow(_) => {
                "Look at the failures by reason, and at a flow that failed. What was changed last?"
            }
            Self::StepSlow { .. } => {
                "If it waits for the other site, look at that one's own steps and the network; if it \
                 writes, at the disk; if all steps are slow, at the machine."
            }
            Self::Replay(_) => {
                "Look at the flow in which it was refused: an answer was lost on the back channel, or \
                 somebody has a token."
            }
        }
    }

    /// The same alarm, whatever its numbers.
    fn is(&self, other: &Self) -> bool {
        self.name() == other.name() && self.step() == other.step()
    }
}

/// The monitor of one lab.
#[derive(Debug)]
pub struct Monitor {
    clock: Arc<dyn Clock>,
    hour: Mutex<Hour>,
    raised: Mutex<Vec<Alarm>>,
}

impl Monitor {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::over(Hour::default(), clock)
    }

    /// The same over an hour with other bounds.
    #[must_use]
    pub fn over(hour: Hour, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            hour: Mutex::new(hour),
            raised: Mutex::default(),
        }
    }

    fn hour(&self) -> MutexGuard<'_, Hour> {
        self.hour.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many alarms of each name there are now.
    #[must_use]
    pub fn alarms(&self) -> [(&'static str, usize); Alarm::NAMES.len()] {
        let alarms = self.report().alarms;
        Alarm::NAMES.map(|name| {
            let of_this_name = alarms.iter().filter(|alarm| alarm.name() == name);
            (name, of_this_name.count())
        })
    }

    /// How things stand now.
    #[must_use]
    pub fn report(&self) -> Report {
        self.hour().report(self.clock.now())
    }

    /// Writes into the log which alarms have been raised, and which cleared, since the last time.
    pub fn watch(&self) {
        let now = self.report().alarms;
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        for alarm in now.iter().filter(|it| !raised.iter().any(|old| old.is(it))) {
            let (says, look_at) = (alarm.says(), alarm.look_at());
            tracing::warn!(alarm = alarm.name(), says, look_at, "alarm raised");
        }
        for alarm in raised.iter().filter(|it| !now.iter().any(|new| new.is(it))) {
            let step = alarm.step().map_or("", Step::as_str);
            tracing::info!(alarm = alarm.name(), step, "alarm cleared");
        }
        *raised = now;
    }
}

impl Recorder for Monitor {
    fn record(&self, event: &Event) {
        let now = self.clock.now();
        self.hour().see(event, now);
    }

    fn record_reported(&self, event: &Event) {
        let now = self.clock.now();
        self.hour().see_reported(event, now);
    }

    fn reads_messages(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use handoff::{
        flow::{Belongs, FlowId, Refusal, Site},
        token::{Secret, State},
    };
    use time::macros::datetime;
    use web::clock::ManualClock;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);

    /// Makes events at a moment that moves.
    struct Play {
        clock: Arc<ManualClock>,
        monitor: Monitor,
        flows: u16,
    }

    impl Play {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::at(NOW));
            Self {
                monitor: Monitor::new(clock.clone()),
                clock,
                flows: 0,
            }
        }

        fn event(&mut self, site: Site, step: Step, after: u64) -> Event {
            self.flows += 1;
            let mut state = [0; 32];
            state[..2].copy_from_slice(&self.flows.to_be_bytes());
            Event {
                step,
                site,
                client: None,
                belongs: Belongs {
                    flow: Some(FlowId::of(&State::mint(state).digest())),
                    launch: None,
                    token: None,
                },
                trace: format!("{:016x}", self.flows),
                at: 0,
                after,
                session: None,
                message: None,
                refusal: None,
            }
        }

        fn take(&mut self, step: Step, after: u64) {
            let event = self.event(Site::RelyingParty, step, after);
            self.monitor.record(&event);
        }

        fn refuse(&mut self, site: Site, reason: &str) {
            let mut event = self.event(site, Step::Refused, 1);
            event.refusal = Some(Refusal {
                reason: reason.to_owned(),
                rows: Vec::new(),
            });
            self.monitor.record(&event);
        }

        fn go_well(&mut self, times: usize) {
            (0..times).for_each(|_| self.take(Step::SessionCreated, 500));
        }

        fn fail(&mut self, times: usize) {
            (0..times).for_each(|_| self.refuse(Site::RelyingParty, "authority_unreachable"));
        }

        fn alarms(&self) -> Vec<&'static str> {
            let report = self.monitor.report();
            report.alarms.iter().map(Alarm::name).collect()
        }

        fn pass(&self, time: Duration) {
            self.clock.advance(time);
        }
    }

    #[test]
    fn the_alarm_for_a_dropped_success_rate_is_raised_and_clears() {
        let mut play = Play::new();
        play.go_well(100);
        play.pass(Duration::minutes(20));
        play.go_well(18);
        play.fail(2);
        // Nine of ten are enough.
        assert_eq!(play.alarms(), [""; 0]);
        play.fail(1);
        assert_eq!(play.alarms(), ["success_rate_low"]);
        let said = play.monitor.report().alarms[0].says();
        assert_eq!(said, "Of 21 handoffs in the last 15 minutes, 18 went well.");
        play.pass(RECENT - Duration::SECOND);
        assert_eq!(play.alarms(), ["success_rate_low"]);
        play.pass(Duration::SECOND);
        assert_eq!(play.alarms(), [""; 0]);
    }

    #[test]
    fn few_handoffs_and_people_who_decide_against_one_raise_no_alarm() {
        let mut play = Play::new();
        play.fail(MIN_TO_JUDGE - 1);
        (0..50).for_each(|_| play.refuse(Site::RelyingParty, "access_denied"));
        assert_eq!(play.alarms(), [""; 0]);
        let report = play.monitor.report();
        assert_eq!((report.ended.declined, report.ended.failed), (50, 19));
        assert_eq!(report.failures["access_denied"], 50);
        play.fail(1);
        assert_eq!(play.alarms(), ["success_rate_low"]);
    }

    #[test]
    fn callbacks_of_somebodys_making_raise_no_alarm_and_are_counted_apart() {
        let mut play = Play::new();
        play.go_well(2);
        for _ in 0..50 {
            let mut made_up = play.event(Site::RelyingParty, Step::CallbackReceived, 1);
            play.monitor.record(&made_up);
            made_up.step = Step::Refused;
            made_up.refusal = Some(Refusal {
                reason: "no_pre_session".to_owned(),
                rows: Vec::new(),
            });
            play.monitor.record(&made_up);
        }
        assert_eq!(play.alarms(), [""; 0]);
        let report = play.monitor.report();
        assert_eq!((report.ended.judged(), report.strays), (2, 50));
        assert!(report.failures.is_empty());
    }

    #[test]
    fn what_a_client_reports_neither_raises_nor_clears_an_alarm_and_is_no_step() {
        let mut play = Play::new();
        let redeemed: Vec<_> = (0..50)
            .map(|_| play.event(Site::Authority, Step::Redeemed, 1))
            .collect();
        redeemed.iter().for_each(|it| play.monitor.record(it));
        let report = |play: &Play, step, reason: &str| {
            for event in &redeemed {
                play.monitor.record_reported(&Event {
                    step,
                    site: Site::RelyingParty,
                    after: 3_000_000,
                    refusal: Some(Refusal {
                        reason: reason.to_owned(),
                        rows: Vec::new(),
                    }),
                    ..event.clone()
                });
            }
        };
        report(&play, Step::Refused, "authority_unreachable");
        assert_eq!(play.monitor.report().ended.failed, 50);
        assert_eq!(play.alarms(), [""; 0]);
        play.fail(20);
        assert_eq!(play.alarms(), ["success_rate_low"]);
        report(&play, Step::SessionCreated, "");
        let seen = play.monitor.report();
        assert_eq!((seen.ended.well, seen.ended.failed), (50, 20));
        assert_eq!(play.alarms(), ["success_rate_low"]);
        assert_eq!(play.monitor.hour().facts.len(), 70);
    }

    #[test]
    fn whoever_is_refused_after_sending_slowly_raises_no_alarm() {
        let mut play = Play::new();
        play.go_well(500);
        (0..50).for_each(|_| play.take(Step::Refused, 100));
        play.pass(Duration::minutes(16));
        play.go_well(500);
        (0..50).for_each(|_| play.take(Step::Refused, 3_000_000));
        assert_eq!(play.alarms(), [""; 0]);
    }

    #[test]
    fn a_step_that_becomes_twice_as_slow_raises_an_alarm_until_it_is_quick_again() {
        let mut play = Play::new();
        let step = Step::VerifyAnswered;
        (0..100).for_each(|_| play.take(step, 20_000));
        (0..100).for_each(|_| play.take(Step::StateMade, 100));
        play.pass(Duration::minutes(16));
        (0..100).for_each(|_| play.take(Step::StateMade, 1000));
        (0..MIN_TO_JUDGE - 1).for_each(|_| play.take(step, 45_000));
        // Too few to say, and the other one is ten times as slow and still quick.
        assert_eq!(play.alarms(), [""; 0]);
        play.take(step, 45_000);
        let report = play.monitor.report();
        assert_eq!(
            report.alarms,
            [Alarm::StepSlow {
                step,
                was: 20_000,
                is: 45_000
            }]
        );
        play.pass(Duration::minutes(16));
        (0..50).for_each(|_| play.take(step, 20_000));
        assert_eq!(play.alarms(), [""; 0]);
    }

    #[test]
    fn a_replay_raises_an_alarm_for_a_while() {
        let mut play = Play::new();
        let mut received = play.event(Site::Authority, Step::VerifyReceived, 1);
        play.monitor.record(&received);
        received.step = Step::Refused;
        received.refusal = Some(Refusal {
            reason: "replayed".to_owned(),
            rows: vec![3],
        });
        play.monitor.record(&received);
        assert_eq!(play.alarms(), ["replay"]);
        play.pass(RECENT);
        assert_eq!(play.alarms(), [""; 0]);
    }

    #[test]
    fn a_report_has_rates_reasons_and_times_of_the_last_hour() {
        let mut play = Play::new();
        play.fail(7);
        play.pass(Duration::minutes(31));
        (1..=100).for_each(|n| play.take(Step::SessionCreated, n * 1000));
        play.fail(25);
        play.pass(Duration::minutes(29));
        let report = play.monitor.report();
        assert_eq!((report.ended.well, report.ended.failed), (100, 25));
        assert_eq!(report.ended.percent_well(), Some(80));
        assert_eq!(
            report.failures,
            BTreeMap::from([("authority_unreachable", 25)])
        );
        let filled: Vec<_> = (0..PARTS).filter(|n| report.parts[*n].well > 0).collect();
        assert_eq!(filled, [6]);
        let times = Times {
            count: 100,
            p50: 50_000,
            p95: 95_000,
            p99: 99_000,
        };
        assert_eq!(report.steps[0], (Step::SessionCreated, times));
        play.pass(LOOKS_BACK);
        let quiet = play.monitor.report();
        assert_eq!((quiet.ended, quiet.steps.len()), (Ended::default(), 0));
        assert_eq!(quiet.ended.percent_well(), None);
    }

    #[test]
    fn what_is_kept_is_bounded_by_time_and_number() {
        let mut play = Play::new();
        play.go_well(3);
        play.pass(LOOKS_BACK);
        play.go_well(1);
        assert_eq!(play.monitor.hour().facts.len(), 1);
        let event = play.event(Site::Authority, Step::Redeemed, 1);
        let mut hour = Hour::default();
        (0..=MAX_FACTS).for_each(|_| hour.see(&event, NOW));
        assert_eq!(hour.facts.len(), MAX_FACTS);
    }
}
