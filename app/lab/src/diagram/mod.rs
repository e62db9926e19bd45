//! A handoff as a picture: who sent what to whom, in the order of time.
//!
//! [`Diagram::of`] makes it from what was recorded. The other modules read it: [`picture`] lays it out,
//! [`svg`] draws that for a page and for a file, [`text`] says it in words. [`explain`] has the two
//! sentences of each step, [`rules`] the rows of the security checklist, [`secrets`] the kinds of secrets
//! with their colours and shapes. `changes` finds what was changed on the way.
//!
//! Recorded text is anybody's: it passes through [`visible`] once, here, and is written only where
//! it is escaped.

mod changes;
pub mod explain;
pub mod picture;
pub mod rules;
pub mod secrets;
pub mod svg;
pub mod text;

#[cfg(all(test, feature = "ssr"))]
mod tests;

use changes::{parameters, path};
use handoff::{
    flow::{Event, Message, Named, Piece, Refusal, Site},
    ids::ClientId,
    outcome::{self, Course},
    step::{Party, Step},
};
use secrets::Secret;
use ui::components::{
    icon::{AppIcon, Icon},
    notice::Tone,
};

/// The most events that are drawn. A handoff has about twenty; more means that somebody repeats a
/// request, and what comes after this many is counted, not drawn.
pub const MAX_ENTRIES: usize = 200;

/// What the parties are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The authorization server, "Harbor ID".
    pub authority: String,
    /// The relying parties that are known.
    pub apps: Vec<AppName>,
}

/// What one relying party is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppName {
    /// Its id.
    pub client: ClientId,
    /// Its name, "Notes".
    pub name: String,
    /// What stands beside the name.
    pub icon: AppIcon,
}

impl Names {
    fn app(&self, client: Option<&ClientId>) -> (String, AppIcon) {
        let known = self.apps.iter().find(|app| client == Some(&app.client));
        match (client, known) {
            (_, Some(app)) => (visible(&app.name), app.icon),
            (Some(client), None) => (visible(&client.to_string()), AppIcon::default()),
            (None, None) => ("The app".to_owned(), AppIcon::default()),
        }
    }
}

/// Everything that a picture of a handoff says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// Who takes part, from left to right: the browser, the authorization server, then the relying
    /// parties, of which there is at least one.
    pub lanes: Vec<Lane>,
    /// What happened, in the order of time.
    pub entries: Vec<Entry>,
    /// What came of it.
    pub outcome: Outcome,
    /// How many steps are not among the entries, because there were more than [`MAX_ENTRIES`].
    pub left_out: usize,
}

/// One party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The part that it plays.
    pub party: Party,
    /// What it is called.
    pub name: String,
    /// What stands beside the name.
    pub icon: Icon,
    client: Option<ClientId>,
}

/// A message, and what its receiver made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number that it has everywhere, from 1.
    pub number: usize,
    /// The message. Only where the recording of one was lost is there none.
    pub message: Option<Arrow>,
    /// What was decided because of it, in order.
    pub decisions: Vec<Decision>,
}

impl Entry {
    /// When it began, in microseconds since the first event.
    #[must_use]
    pub fn at(&self) -> u64 {
        let decided = self.decisions.first().map(|decision| decision.at);
        self.message
            .as_ref()
            .map(|message| message.at)
            .or(decided)
            .unwrap_or_default()
    }

    /// Whether something was refused here.
    #[must_use]
    pub fn refused(&self) -> bool {
        let mut decisions = self.decisions.iter();
        decisions.any(|decision| decision.tone == Tone::Refused)
    }
}

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From the browser to a site.
    Request,
    /// A site sends the browser on.
    Redirect,
    /// A site answers with something to look at.
    Page,
    /// From server to server.
    Call,
    /// The answer to that.
    Reply,
}

impl Kind {
    /// Whether it takes the way between the servers.
    #[must_use]
    pub const fn is_back_channel(self) -> bool {
        matches!(self, Self::Call | Self::Reply)
    }
}

/// A message from one party to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// What was recorded.
    pub step: Step,
    /// The lane that it leaves.
    pub from: usize,
    /// The lane that it reaches.
    pub to: usize,
    /// How it travels.
    pub kind: Kind,
    /// When, in microseconds since the first event.
    pub at: u64,
    /// How long after the request arrived, in microseconds.
    pub after: u64,
    /// What it says in a few words: `POST /apps/notes/open`, `303 → /handoff/start`.
    pub label: String,
    /// The secrets in it that matter to the handoff, at most three besides those that were changed on the
    /// way; and the other parameters that were changed.
    pub chips: Vec<Chip>,
    /// The names of the parameters that had another value in the message before.
    pub changed: Vec<String>,
    /// The cookies that it sets or ends.
    pub cookies: Vec<CookieTab>,
    /// The whole of it.
    pub sent: Option<Message>,
    /// The request that it belongs to, as the log names it.
    pub trace: String,
    order: usize,
}

/// Something that a party decided or did on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was recorded.
    pub step: Step,
    /// Whose lane it is in.
    pub lane: usize,
    /// When, in microseconds since the first event.
    pub at: u64,
    /// Accepted, refused, or neither.
    pub tone: Tone,
    /// What it was, in a few words.
    pub label: String,
    /// The rows of the security checklist behind it.
    pub rows: Vec<u8>,
    /// Why it was refused, where it was.
    pub refusal: Option<Refusal>,
    /// The request that it belongs to, as the log names it.
    pub trace: String,
    order: usize,
}

/// A value that a reader follows: a secret by what may be shown of it, or a parameter that was changed on
/// the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// What it is: "state". A changed parameter that is no secret has its own name.
    pub kind: String,
    /// Six characters that are the same wherever the secret is the same; none of what is no secret.
    pub fingerprint: Option<String>,
    /// Which secret it is.
    pub secret: Option<Secret>,
    /// Whether another value was sent before.
    pub is_changed: bool,
}

/// What is said of a value that differs from the one that was sent before.
pub const CHANGED: &str = "changed on the way";

impl Chip {
    /// The secret by its kind and fingerprint, in as few letters as the drawing has room for.
    pub(super) fn short(&self) -> String {
        match self.secret {
            Some(secret) => self.named(secret.short()),
            None => self.words(),
        }
    }

    /// The same in full.
    pub(super) fn words(&self) -> String {
        self.named(&self.kind)
    }

    fn named(&self, kind: &str) -> String {
        let value = self.fingerprint.as_ref();
        let value = value.map_or_else(String::new, |value| format!(" {value}"));
        let changed = if self.is_changed { CHANGED } else { "" };
        match (self.is_changed, value.is_empty()) {
            (false, _) => format!("{kind}{value}"),
            (true, true) => format!("{kind} {changed}"),
            (true, false) => format!("{kind}{value} ({changed})"),
        }
    }
}

/// A cookie that an answer brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieTab {
    /// Its name, without the prefix that says how it is kept.
    pub name: String,
    /// Whether the browser is told to forget it.
    pub ends: bool,
}

impl CookieTab {
    /// What is done with it.
    pub(super) fn words(&self) -> String {
        let verb = if self.ends { "ends" } else { "sets" };
        format!("{verb} {}", self.name)
    }
}

/// What came of a handoff, as far as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Neither a session nor a refusal yet.
    UnderWay,
    /// The relying party began a session.
    SignedIn,
    /// The relying party was told who the person is, and records no steps.
    Told,
    /// The person decided against it, in this way.
    Declined(String),
    /// It was stopped, for this reason.
    Refused(String),
    /// The relying party began a session, and something that came later was refused.
    RefusedAfterwards(String),
    /// The relying party was told who the person is, and something that came later was refused.
    ToldThenRefused(String),
    /// A request was refused that belongs to no handoff.
    Stray(String),
}

impl Outcome {
    /// What came of the handoff that these events are of.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        Course::of(events).outcome().into()
    }

    /// Whether it was accepted, refused, or neither.
    #[must_use]
    pub const fn tone(&self) -> Tone {
        match self {
            Self::UnderWay => Tone::Neutral,
            Self::SignedIn | Self::Told => Tone::Accepted,
            Self::Declined(_)
            | Self::Refused(_)
            | Self::RefusedAfterwards(_)
            | Self::ToldThenRefused(_)
            | Self::Stray(_) => Tone::Refused,
        }
    }

    /// A few words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::UnderWay => "Not finished".to_owned(),
            Self::SignedIn => "Signed in".to_owned(),
            Self::Told => "Told who the person is".to_owned(),
            Self::Declined(reason) => format!("Declined: {}", explain::reason(reason)),
            Self::Stray(reason) => format!("Stray: {}", explain::reason(reason)),
            Self::ToldThenRefused(reason) => {
                format!(
                    "Told who the person is, then refused: {}",
                    explain::reason(reason)
                )
            }
            Self::Refused(reason) => format!("Refused: {}", explain::reason(reason)),
            Self::RefusedAfterwards(reason) => {
                format!("Signed in, then refused: {}", explain::reason(reason))
            }
        }
    }
}

/// What a picture does not show of a handoff. It must say so, or it tells of a site that left
/// something out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// How many steps were recorded and cannot be read any more.
    pub unreadable: usize,
    /// How many steps are kept, where no more are kept of one handoff; and what came of it with the
    /// others.
    pub after: Option<(usize, Outcome)>,
}

impl Missing {
    /// The same in words; none when nothing is missing.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        match self.unreadable {
            0 => {}
            1 => sentences.push("One step of this handoff cannot be read, and is left out.".into()),
            more => sentences.push(format!(
                "{more} steps of this handoff cannot be read, and are left out."
            )),
        }
        if let Some((steps, outcome)) = &self.after {
            sentences.push(format!(
                "The lab keeps the first {steps} steps of a handoff: what is shown is of these alone."
            ));
            sentences.push(format!(
                "With those that came later, it came to: {}.",
                outcome.words()
            ));
        }
        sentences
    }
}

impl From<outcome::Outcome> for Outcome {
    fn from(outcome: outcome::Outcome) -> Self {
        match outcome {
            outcome::Outcome::UnderWay => Self::UnderWay,
            outcome::Outcome::Opened => Self::SignedIn,
            outcome::Outcome::OpenedThenRefused(reason) => Self::RefusedAfterwards(reason),
            outcome::Outcome::Told => Self::Told,
            outcome::Outcome::ToldThenRefused(reason) => Self::ToldThenRefused(reason),
            outcome::Outcome::Declined(reason) => Self::Declined(reason),
            outcome::Outcome::Refused(reason) => Self::Refused(reason),
            outcome::Outcome::Stray(reason) => Self::Stray(reason),
        }
    }
}

impl Diagram {
    /// The picture of these events, in whatever order they came.
    #[must_use]
    pub fn of(events: &[Event], names: &Names) -> Self {
        let mut events: Vec<&Event> = events.iter().collect();
        // Stable: what happened in the same microsecond stays as it was recorded.
        events.sort_by_key(|event| event.at);
        let left_out = events.len().saturating_sub(MAX_ENTRIES);
        events.truncate(MAX_ENTRIES);
        let outcome = Outcome::of(events.iter().copied());
        let mut drawing = Drawing {
            lanes: lanes(&events, names),
            entries: Vec::new(),
            start: events.first().map_or(0, |event| event.at),
            names,
        };
        for (order, event) in events.iter().enumerate() {
            drawing.add(order, event, &events);
        }
        Self {
            lanes: drawing.lanes,
            entries: drawing.entries,
            outcome,
            left_out,
        }
    }

    /// The name of a party.
    #[must_use]
    pub fn name(&self, lane: usize) -> &str {
        self.lanes.get(lane).map_or("", |lane| &lane.name)
    }

    /// The authorization server's name.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.name(AUTHORITY)
    }

    /// The name of the relying party that the handoff is for.
    #[must_use]
    pub fn app(&self) -> &str {
        self.name(FIRST_APP)
    }

    /// The same, where anything says which one it is.
    #[must_use]
    pub fn known_app(&self) -> Option<&str> {
        let lane = self.lanes.get(FIRST_APP)?;
        lane.client.as_ref().map(|_| lane.name.as_str())
    }

    /// The message at which the outcome was decided: where the session began, where the relying party was
    /// told who the person is, or where the refusal was that ended the handoff.
    #[must_use]
    pub fn decisive(&self) -> Option<&Entry> {
        let first = |fits: &dyn Fn(&Decision) -> bool| {
            let mut entries = self.entries.iter();
            entries.find(|entry| entry.decisions.iter().any(fits))
        };
        let at = |step| first(&|decision| decision.step == step);
        // A refusal before that ended nothing: a browser that was early or late came again.
        let refused = |why: &String, over: Option<Step>| {
            let decisions = self.entries.iter().flat_map(|entry| &entry.decisions);
            let mut over = decisions.filter(|decision| Some(decision.step) == over);
            let since = over.next().map_or(0, |decision| decision.at);
            first(&|decision| {
                let refusal = decision.refusal.as_ref();
                decision.at >= since && refusal.is_some_and(|refusal| refusal.reason == *why)
            })
        };
        match &self.outcome {
            Outcome::UnderWay => None,
            Outcome::SignedIn => at(Step::SessionCreated),
            Outcome::Told => at(Step::Redeemed),
            Outcome::RefusedAfterwards(why) => refused(why, Some(Step::SessionCreated)),
            Outcome::ToldThenRefused(why) => refused(why, Some(Step::Redeemed)),
            Outcome::Refused(why) | Outcome::Declined(why) | Outcome::Stray(why) => {
                refused(why, None)
            }
        }
    }
}

const BROWSER: usize = 0;
const AUTHORITY: usize = 1;
const FIRST_APP: usize = 2;

fn lanes(events: &[&Event], names: &Names) -> Vec<Lane> {
    let lane = |party, name, icon, client| Lane {
        party,
        name,
        icon,
        client,
    };
    let mut lanes = vec![
        lane(Party::Browser, "Browser".to_owned(), Icon::Window, None),
        lane(
            Party::Authority,
            visible(&names.authority),
            Icon::Anchor,
            None,
        ),
    ];
    let of_apps = |event: &&&Event| event.site == Site::RelyingParty;
    let mut clients: Vec<Option<&ClientId>> = Vec::new();
    let recorded = events.iter().filter(of_apps);
    for event in recorded.filter(|event| event.client.is_some()) {
        if !clients.contains(&event.client.as_ref()) {
            clients.push(event.client.as_ref());
        }
    }
    if clients.is_empty() {
        // Nothing came from there yet. The authorization server knows whom it is for.
        clients.push(events.iter().find_map(|event| event.client.as_ref()));
    }
    lanes.extend(clients.into_iter().map(|client| {
        let (name, icon) = names.app(client);
        lane(Party::RelyingParty, name, icon.into(), client.cloned())
    }));
    lanes
}

struct Drawing<'a> {
    lanes: Vec<Lane>,
    entries: Vec<Entry>,
    start: i64,
    names: &'a Names,
}

impl Drawing<'_> {
    fn add(&mut self, order: usize, event: &Event, all: &[&Event]) {
        let (earlier, later) = all.split_at(order);
        let later = &later[1..];
        match event.step {
            Step::LaunchRequested
            | Step::StartReceived
            | Step::AuthorizeReceived
            | Step::CallbackReceived
            | Step::SwitchOpened
            | Step::SwitchAnswered => {
                let site = self.lane(event);
                self.message(order, event, BROWSER, site, Kind::Request);
            }
            Step::Redirected | Step::PageShown if on_back_channel(event, all) => {
                if !is_answered(later) {
                    let caller = self.caller(event);
                    self.message(order, event, AUTHORITY, caller, Kind::Reply);
                }
            }
            Step::Redirected | Step::PageShown => {
                let site = self.lane(event);
                self.message(order, event, site, BROWSER, answer(event));
            }
            Step::VerifySent => {
                let site = self.lane(event);
                let arrived = later
                    .iter()
                    .find(|other| other.step == Step::VerifyReceived);
                let event = &told_by(arrived, event);
                self.message(order, event, site, AUTHORITY, Kind::Call);
            }
            Step::VerifyAnswered => {
                let site = self.lane(event);
                self.message(order, event, AUTHORITY, site, Kind::Reply);
            }
            Step::VerifyReceived if !was_sent(earlier) => {
                // From somebody who records nothing.
                let caller = self.caller(event);
                self.message(order, event, caller, AUTHORITY, Kind::Call);
            }
            Step::Refused => {
                self.decision(order, event);
                if matches!(event.message, Some(Message::Response { .. })) {
                    self.answer_of_refusal(order, event, all, later);
                }
            }
            _ => self.decision(order, event),
        }
    }

    /// A refusal may be where an answer was recorded last.
    fn answer_of_refusal(&mut self, order: usize, event: &Event, all: &[&Event], later: &[&Event]) {
        if on_back_channel(event, all) {
            if !is_answered(later) {
                let caller = self.caller(event);
                self.message(order, event, AUTHORITY, caller, Kind::Reply);
            }
            return;
        }
        let is_its_answer = |other: &&Event| {
            other.trace == event.trace && matches!(other.step, Step::Redirected | Step::PageShown)
        };
        if !later.iter().any(is_its_answer) {
            let site = self.lane(event);
            self.message(order, event, site, BROWSER, answer(event));
        }
    }

    /// Whether the event is of an application that is none of the lab's own.
    fn is_foreign(&self, event: &Event) -> bool {
        let mut own = self.names.apps.iter();
        event.site == Site::RelyingParty
            && !own.any(|app| event.client.as_ref() == Some(&app.client))
    }

    fn lane(&self, event: &Event) -> usize {
        match event.site {
            Site::Authority => AUTHORITY,
            Site::RelyingParty => self.caller(event),
        }
    }

    /// The lane of the relying party that the event is about.
    fn caller(&self, event: &Event) -> usize {
        let of_client = |lane: &Lane| lane.client.is_some() && lane.client == event.client;
        let lane = self.lanes.iter().position(of_client);
        lane.unwrap_or(FIRST_APP)
    }

    fn since_start(&self, event: &Event) -> u64 {
        u64::try_from(event.at.saturating_sub(self.start)).unwrap_or_default()
    }

    fn message(&mut self, order: usize, event: &Event, from: usize, to: usize, kind: Kind) {
        let changed = event
            .message
            .as_ref()
            .map(|message| changes::of(message, kind.is_back_channel(), self.redirects()))
            .unwrap_or_default();
        let message = Arrow {
            step: event.step,
            from,
            to,
            kind,
            at: self.since_start(event),
            after: event.after,
            label: label(event),
            chips: chips(event.message.as_ref(), &changed),
            changed,
            cookies: cookies(event.message.as_ref()),
            sent: event.message.clone(),
            trace: visible(&event.trace),
            order,
        };
        self.entries.push(Entry {
            number: self.entries.len() + 1,
            message: Some(message),
            decisions: Vec::new(),
        });
    }

    /// The redirects so far, the newest first.
    fn redirects(&self) -> impl Iterator<Item = &Message> {
        let messages = self.entries.iter().rev();
        let messages = messages.filter_map(|entry| entry.message.as_ref());
        let redirects = messages.filter(|message| message.kind == Kind::Redirect);
        redirects.filter_map(|message| message.sent.as_ref())
    }

    fn decision(&mut self, order: usize, event: &Event) {
        let refusal = event.refusal.clone();
        let rows = match &refusal {
            Some(refusal) => refusal.rows.clone(),
            // An application of somebody's own says which steps it took, and not by which rules.
            None if self.is_foreign(event) => Vec::new(),
            None => event.step.rows().to_vec(),
        };
        let decision = Decision {
            step: event.step,
            lane: self.lane(event),
            at: self.since_start(event),
            tone: explain::tone(event.step),
            label: explain::decision(event.step, refusal.as_ref()),
            rows,
            refusal,
            trace: visible(&event.trace),
            order,
        };
        let of_its_request = |entry: &Entry| {
            let mut decisions = entry.decisions.iter();
            let message = entry.message.as_ref();
            message.is_some_and(|message| message.trace == decision.trace)
                || decisions.any(|other| other.trace == decision.trace)
        };
        // What verify decides is of a request that only its caller drew: the last call.
        let is_call = |entry: &Entry| {
            let message = entry.message.as_ref();
            message.is_some_and(|message| message.kind == Kind::Call)
        };
        let entries = self.entries.iter();
        let position = entries
            .clone()
            .rposition(of_its_request)
            .or_else(|| entries.clone().rposition(is_call));
        let entry = position.and_then(|position| self.entries.get_mut(position));
        match entry {
            Some(entry) => entry.decisions.push(decision),
            None => self.entries.push(Entry {
                number: self.entries.len() + 1,
                message: None,
                decisions: vec![decision],
            }),
        }
    }
}

/// The values of a message that a reader follows, of which these parameters were changed.
fn chips(message: Option<&Message>, changed: &[String]) -> Vec<Chip> {
    let mut secrets: Vec<(Secret, Chip)> = Vec::new();
    let mut others = Vec::new();
    for named in message.map(parameters).into_iter().flatten() {
        let is_changed = changed.contains(&named.name);
        let mut is_secret = false;
        for piece in &named.value {
            let Piece::Hidden { kind, fingerprint } = piece else {
                continue;
            };
            let kind = kind_words(kind, &named.name);
            let Some(secret) = Secret::of(&kind) else {
                continue;
            };
            is_secret = true;
            let fingerprint = Some(visible(fingerprint));
            let is_known = |(_, chip): &(Secret, Chip)| chip.fingerprint == fingerprint;
            if !secrets.iter().any(is_known) {
                let chip = Chip {
                    kind,
                    fingerprint,
                    secret: Some(secret),
                    is_changed,
                };
                secrets.push((secret, chip));
            }
        }
        if is_changed && !is_secret {
            others.push(Chip {
                kind: visible(&named.name),
                fingerprint: None,
                secret: None,
                is_changed,
            });
        }
    }
    secrets.sort_by_key(|(secret, _)| *secret);
    let (changed, unchanged): (Vec<_>, Vec<_>) = secrets
        .into_iter()
        .enumerate()
        .partition(|(_, (_, chip))| chip.is_changed);
    let mut shown: Vec<_> = changed
        .into_iter()
        .chain(unchanged.into_iter().take(3))
        .collect();
    shown.sort_by_key(|(place, _)| *place);
    let shown = shown.into_iter().map(|(_, (_, chip))| chip);
    shown.chain(others).collect()
}

/// What a secret is, as words: `HandoffToken` is a handoff token. Where the recording only says that
/// it is some value, its parameter's name says more.
pub(super) fn kind_words(kind: &str, name: &str) -> String {
    if kind == "value" {
        return visible(name);
    }
    let mut words = String::new();
    for letter in kind.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    visible(&words)
}

fn answer(event: &Event) -> Kind {
    match &event.message {
        Some(Message::Response { location, .. }) if location.is_some() => Kind::Redirect,
        None if event.step == Step::Redirected => Kind::Redirect,
        _ => Kind::Page,
    }
}

/// The event, with what the other end recorded of the same message where its own site told the step alone.
fn told_by(other: Option<&&Event>, event: &Event) -> Event {
    let mut event = event.clone();
    if event.message.is_none() {
        event.message = other.and_then(|other| other.message.clone());
    }
    event
}

/// Whether the request that the event is of came from a server.
fn on_back_channel(event: &Event, all: &[&Event]) -> bool {
    event.site == Site::Authority
        && all
            .iter()
            .any(|other| other.trace == event.trace && other.step == Step::VerifyReceived)
}

/// Whether an answer to verify is still to be drawn from what its caller recorded.
fn is_answered(later: &[&Event]) -> bool {
    let next = later
        .iter()
        .find(|event| matches!(event.step, Step::VerifyAnswered | Step::VerifySent));
    next.is_some_and(|event| event.step == Step::VerifyAnswered)
}

/// Whether a call is under way, by what its caller recorded.
fn was_sent(earlier: &[&Event]) -> bool {
    let last = earlier.iter().rev().find(|event| {
        matches!(
            event.step,
            Step::VerifySent | Step::VerifyReceived | Step::VerifyAnswered
        )
    });
    last.is_some_and(|event| event.step == Step::VerifySent)
}

fn label(event: &Event) -> String {
    match &event.message {
        Some(Message::Request { method, url, .. }) => visible(&format!("{method} {}", path(url))),
        Some(Message::Response {
            status,
            location: Some(location),
            ..
        }) => visible(&format!("{status} → {}", path(location))),
        Some(Message::Response { status, .. }) => status.to_string(),
        None => event.step.as_str().replace('_', " "),
    }
}

fn cookies(message: Option<&Message>) -> Vec<CookieTab> {
    let Some(Message::Response { cookies, .. }) = message else {
        return Vec::new();
    };
    let tab = |cookie: &Named| {
        let name = cookie.name.trim_start_matches("__Host-");
        let is_over = |piece: &Piece| match piece {
            Piece::Text(text) => text.to_ascii_lowercase().contains("max-age=0"),
            Piece::Hidden { .. } => false,
        };
        CookieTab {
            name: visible(name),
            ends: cookie.value.iter().any(is_over),
        }
    };
    cookies.iter().map(tab).collect()
}

/// A text with what a reader could not see made visible: control characters, and those that turn the
/// direction of writing, which could make a value look like another one.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\u{0}'..='\u{1f}' => {
                shown.push(char::from_u32(0x2400 + u32::from(letter)).unwrap_or('␦'));
            }
            '\u{7f}' => shown.push('␡'),
            '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e007f}' => {
                shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(letter)));
            }
            plain => shown.push(plain),
        }
    }
    shown
}

/// An event in which every text is [`visible`].
#[must_use]
pub fn readable(mut event: Event) -> Event {
    let mend = |text: &mut String| *text = visible(text);
    let mend_all = |values: &mut Vec<Named>| {
        for Named { name, value } in values {
            mend(name);
            for piece in value {
                match piece {
                    Piece::Text(text) => mend(text),
                    Piece::Hidden { kind, fingerprint } => {
                        mend(kind);
                        mend(fingerprint);
                    }
                }
            }
        }
    };
    mend(&mut event.trace);
    if let Some(refusal) = &mut event.refusal {
        mend(&mut refusal.reason);
    }
    match &mut event.message {
        Some(Message::Request {
            method,
            url,
            query,
            headers,
            cookies,
            body,
        }) => {
            mend(method);
            mend(url);
            for values in [query, headers, cookies, body] {
                mend_all(values);
            }
        }
        Some(Message::Response {
            status: _,
            location,
            query,
            headers,
            cookies,
            body,
        }) => {
            location.iter_mut().for_each(mend);
            for values in [query, headers, cookies, body] {
                mend_all(values);
            }
        }
        None => {}
    }
    event
}

/// How long something took, for people: "4 ms", "1.2 s".
#[must_use]
pub fn duration(microseconds: u64) -> String {
    let ms = microseconds / 1_000;
    match ms {
        0 if microseconds == 0 => "0 ms".to_owned(),
        0 => format!("0.{} ms", microseconds / 100),
        1..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min", ms / 60_000),
    }
}
