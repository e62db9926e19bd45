//! Which flow an event belongs to, decided alike for every store.

use handoff::{
    flow::{Event, Site, are_two_clients},
    ids::ClientId,
};

use super::{EVENTS, Key, Number};

/// How much an id says of which handoff something belongs to.
const OF_REQUEST: i64 = 0;

const OF_LAUNCH: i64 = 1;

const OF_HANDOFF: i64 = 2;

/// What an event is known by.
pub(super) struct Names {
    /// What a page's address would have, and how much that says.
    pub(super) id: (String, i64),
    /// All, what says most first.
    pub(super) all: Vec<String>,
    /// A token that was presented. Its client can write any state beside it, so where it is known, it
    /// says more than the state.
    pub(super) presented: Option<String>,
    client: Option<ClientId>,
    /// The launch and the request, each of which is the id where what says more is another client's.
    others: Vec<(String, i64)>,
}

impl Names {
    /// None for an event that says nothing that it could be found by.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let flow = event.belongs.flow.map(|flow| flow.to_string());
        let launch = event.belongs.launch.map(|launch| launch.to_string());
        let session = event.session.map(|session| session.to_string());
        let trace = Key::of_trace(&event.trace).ok().map(|Key(trace)| trace);
        let id = match (&flow, &launch, &trace) {
            (Some(flow), ..) => (flow.clone(), OF_HANDOFF),
            (None, Some(launch), _) => (launch.clone(), OF_LAUNCH),
            (None, None, trace) => (trace.clone()?, OF_REQUEST),
        };
        let token = event.belongs.token.map(|token| token.to_string());
        let (issued, presented) = match event.site {
            Site::Authority => (token, None),
            Site::RelyingParty => (None, token),
        };
        let others = [(&launch, OF_LAUNCH), (&trace, OF_REQUEST)];
        let others = others.map(|(id, rank)| id.clone().map(|id| (id, rank)));
        let all = [flow, launch, issued, session, trace];
        Some(Self {
            id,
            all: all.into_iter().flatten().collect(),
            presented,
            client: event.client.clone(),
            others: others.into_iter().flatten().collect(),
        })
    }

    /// The handoff whose token was presented, as `find` has it, unless it is another client's.
    pub(super) fn of_token(&self, find: impl Fn(&str) -> Option<FlowMatch>) -> Option<FlowMatch> {
        let handoff = find(self.presented.as_deref()?)?;
        (!handoff.is_of_another(self.client.as_ref())).then_some(handoff)
    }

    /// The flows that have these names, as `find` has them. Names of another client's flow are no
    /// longer these. None where nothing is left: even the request is another client's.
    pub(super) fn find(
        &mut self,
        find: impl Fn(&str) -> Option<FlowMatch>,
    ) -> Option<Vec<FlowMatch>> {
        let (mut found, mut others) = (Vec::new(), Vec::new());
        let client = self.client.as_ref();
        self.all.retain(|name| match find(name) {
            Some(it) if it.is_of_another(client) => {
                others.push(it.id);
                false
            }
            it => {
                found.extend(it);
                true
            }
        });
        if !others.is_empty() && !self.all.contains(&self.id.0) {
            let mut ids = self.others.iter();
            let id = ids.find(|(id, rank)| {
                self.all.contains(id) || (*rank == OF_REQUEST && !others.contains(id))
            });
            self.id = id?.clone();
        }
        Some(found)
    }

    /// The token that was presented is known to be this handoff's: it is no other, whatever state
    /// came with it.
    pub(super) fn are_of(&mut self, handoff: &FlowMatch) {
        let (claimed, rank) = std::mem::replace(&mut self.id, (handoff.id.clone(), handoff.rank));
        self.all
            .retain(|name| rank != OF_HANDOFF || *name != claimed);
        self.all.insert(0, handoff.id.clone());
    }
}

/// A flow that has one of an event's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FlowMatch {
    pub(super) number: Number,
    pub(super) id: String,
    pub(super) rank: i64,
    pub(super) steps: usize,
    pub(super) client: Option<ClientId>,
}

impl FlowMatch {
    fn is_of_another(&self, client: Option<&ClientId>) -> bool {
        are_two_clients(self.client.as_ref(), client)
    }

    pub(super) const fn is_full(&self) -> bool {
        self.steps >= EVENTS
    }
}

/// Where an event goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The flow that it belongs to; none: a new one.
    pub(super) into: Option<Number>,
    /// Flows that turn out to be the same one.
    pub(super) same: Vec<Number>,
    /// It will also be known by the event's names.
    pub(super) takes_names: bool,
}

impl Place {
    /// Chooses among the flows that have the event's names, in the names' order. Two handoffs that
    /// are known as such never become one, whatever else they share, nor do flows of two clients. A handoff is never lost in a
    /// full flow that has its launch alone: it could not take its name.
    pub(super) fn choose(names: &Names, found: &[FlowMatch]) -> Self {
        let (id, rank) = &names.id;
        let is_other =
            |it: &FlowMatch| *rank == OF_HANDOFF && it.rank == OF_HANDOFF && it.id != *id;
        let is_closed = |it: &FlowMatch| it.is_full() && it.rank < *rank;
        let mut own: Vec<&FlowMatch> = Vec::new();
        let mut client = names.client.as_ref();
        for it in found.iter().filter(|it| !is_other(it) && !is_closed(it)) {
            let is_known = own.iter().any(|known| known.number == it.number);
            if !is_known && !it.is_of_another(client) {
                client = client.or(it.client.as_ref());
                own.push(it);
            }
        }
        let Some((into, rest)) = own.split_first() else {
            return Self {
                into: None,
                same: Vec::new(),
                takes_names: true,
            };
        };
        let mut steps = into.steps;
        let mut same = Vec::new();
        for it in rest.iter().filter(|it| it.rank < OF_HANDOFF) {
            // With room for the event that shows it.
            if steps + it.steps < EVENTS {
                steps += it.steps;
                same.push(it.number);
            }
        }
        Self {
            into: Some(into.number),
            same,
            takes_names: !into.is_full(),
        }
    }
}
