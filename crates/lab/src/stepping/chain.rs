//! Who has step mode on, and the chain of redirects that switches it on.
//!
//! A chain begins with a click at the lab and visits each site, which gives the browser a cookie. Those
//! cookies are worth nothing until the chain is back at the lab. Two facts bind it to the browser that
//! clicked. The lab's own cookie, which no site sees, must come back with it. And each address of the
//! chain is known to the browser alone that came through the one before: its secret works once, and is
//! made when the one before is used. Whoever is sent any of these addresses has only one of the two.

use std::collections::HashMap;

use handoff::uri::Origin;
use time::{Duration, OffsetDateTime};

/// How long a chain may take.
const CHAIN_FOR: Duration = Duration::minutes(10);

/// How long step mode stays on: forgotten, it would puzzle somebody tomorrow.
pub(crate) const ON_FOR: Duration = Duration::hours(1);

/// A browser at one site: the site, and the value of its cookie there.
type Place = (Origin, String);

/// A chain that is under way.
struct Chain {
    /// The cookie of the browser that began it, at the lab.
    browser: String,
    /// The sites that are still to come, the next one last.
    ahead: Vec<Origin>,
    walked: Vec<Place>,
    until: OffsetDateTime,
}

/// What is remembered of chains and browsers. Each part has at most `most` entries; the entry that ends
/// first makes room.
pub(crate) struct Memory {
    most: usize,
    /// By the secret of the address that comes next.
    chains: HashMap<String, Chain>,
    /// Where step mode is on.
    on: HashMap<Place, OffsetDateTime>,
    /// The places of a browser, by its cookie at the lab.
    browsers: HashMap<String, (Vec<Place>, OffsetDateTime)>,
}

/// Where a chain goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// To this site.
    Site(Origin),
    /// Back to the lab.
    Lab,
}

impl Memory {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            chains: HashMap::new(),
            on: HashMap::new(),
            browsers: HashMap::new(),
        }
    }

    /// Begins a chain through these sites, whose first address has this secret. The cookie that the
    /// browser has at the lab is kept where it is good; otherwise it is to be `fresh`.
    pub(crate) fn begin(
        &mut self,
        has: Option<&str>,
        fresh: String,
        sites: Vec<Origin>,
        secret: String,
        now: OffsetDateTime,
    ) -> (String, Onward) {
        let has = has.filter(|browser| self.browsers.contains_key(*browser));
        let browser = has.map_or(fresh, str::to_owned);
        let mut ahead = sites;
        ahead.reverse();
        let chain = Chain {
            browser: browser.clone(),
            ahead,
            walked: Vec::new(),
            until: now + CHAIN_FOR,
        };
        (browser, self.go_on(chain, secret, now))
    }

    /// The chain has come to a site, with a secret that is used up by it. The cookie that the browser has
    /// there is kept where it is good; otherwise it is to be `fresh`. None when nothing is known of the
    /// secret at this site.
    pub(crate) fn visit(
        &mut self,
        secret: &str,
        site: &Origin,
        has: Option<&str>,
        fresh: String,
        next: String,
        now: OffsetDateTime,
    ) -> Option<(String, Onward)> {
        let mut chain = self.take(secret, now)?;
        if chain.ahead.pop().as_ref() != Some(site) {
            return None;
        }
        let has = has.filter(|value| self.is_on(site, value, now));
        let value = has.map_or(fresh, str::to_owned);
        chain.walked.push((site.clone(), value.clone()));
        Some((value, self.go_on(chain, next, now)))
    }

    /// The chain is back at the lab, in the browser with this cookie there. It is used up in any case.
    pub(crate) fn finish(&mut self, secret: &str, browser: Option<&str>, now: OffsetDateTime) {
        let Some(chain) = self.take(secret, now) else {
            return;
        };
        if !chain.ahead.is_empty() || browser != Some(chain.browser.as_str()) {
            return;
        }
        let until = now + ON_FOR;
        for place in &chain.walked {
            make_room(&mut self.on, self.most, |until| *until, now);
            self.on.insert(place.clone(), until);
        }
        make_room(&mut self.browsers, self.most, |(_, until)| *until, now);
        self.browsers.insert(chain.browser, (chain.walked, until));
    }

    /// Whether step mode is on in the browser with this cookie at a site.
    pub(crate) fn is_on(&self, site: &Origin, value: &str, now: OffsetDateTime) -> bool {
        let until = self.on.get(&(site.clone(), value.to_owned()));
        until.is_some_and(|until| *until > now)
    }

    /// The sites where it is on in the browser with this cookie at the lab.
    pub(crate) fn sites_of(&self, browser: &str, now: OffsetDateTime) -> Vec<Origin> {
        let places = self.browsers.get(browser).map(|(places, _)| places);
        let on = |(site, value): &&Place| self.is_on(site, value, now);
        let on = places.into_iter().flatten().filter(on);
        on.map(|(site, _)| site.clone()).collect()
    }

    /// Switches it off at one site.
    pub(crate) fn switch_off(&mut self, site: &Origin, value: &str) {
        self.on.remove(&(site.clone(), value.to_owned()));
    }

    /// Switches it off at all sites of the browser with this cookie at the lab.
    pub(crate) fn switch_off_everywhere(&mut self, browser: &str) {
        let places = self.browsers.remove(browser);
        for place in places.into_iter().flat_map(|(places, _)| places) {
            self.on.remove(&place);
        }
    }

    fn take(&mut self, secret: &str, now: OffsetDateTime) -> Option<Chain> {
        let chain = self.chains.remove(secret)?;
        (chain.until > now).then_some(chain)
    }

    fn go_on(&mut self, chain: Chain, secret: String, now: OffsetDateTime) -> Onward {
        let next = chain
            .ahead
            .last()
            .cloned()
            .map_or(Onward::Lab, Onward::Site);
        make_room(&mut self.chains, self.most, |chain| chain.until, now);
        self.chains.insert(secret, chain);
        next
    }
}

/// Drops what has ended, and of a full map the entry that ends first.
fn make_room<K: Clone + Eq + std::hash::Hash, V>(
    among: &mut HashMap<K, V>,
    most: usize,
    until: impl Fn(&V) -> OffsetDateTime,
    now: OffsetDateTime,
) {
    if among.len() < most {
        return;
    }
    among.retain(|_, value| until(value) > now);
    if among.len() >= most {
        let first = among.iter().min_by_key(|(_, value)| until(value));
        if let Some(first) = first.map(|(key, _)| key.clone()) {
            among.remove(&first);
        }
    }
}
