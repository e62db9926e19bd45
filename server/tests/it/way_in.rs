//! The way in, in any order: several tabs of one browser, two people, waits, sign-outs. Whatever happens, each
//! tab ends at its target as the person who signed in last, or at a page whose one button leads there; and no
//! page shows anybody the words of somebody else.

use std::fmt;

use handoff::handoff::TARGET_LIFETIME;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use reqwest::StatusCode;
use time::Duration;
use url::Url;

use crate::harness::{Answer, PASSWORD, Persona, World, world};

const TABS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Alice,
    Bob,
}

impl Who {
    const ALL: [Self; 2] = [Self::Alice, Self::Bob];

    fn name(self) -> &'static str {
        match self {
            Self::Alice => "Alice Moreau",
            Self::Bob => "Bob Okafor",
        }
    }

    fn email(self) -> &'static str {
        match self {
            Self::Alice => "alice@harbor.example",
            Self::Bob => "bob@harbor.example",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Alice => "words of the first",
            Self::Bob => "words of the second",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Action {
    /// Opens the tab's target.
    Start(usize),
    /// Presses the one button of the tab's page. What asks for a password gets this person's; the redirects
    /// stop in front of the callback.
    Press(usize, Who),
    /// The callback in front of which a tab stopped.
    Callback(usize),
    /// Answers "Switch?" with no.
    Stay(usize),
    Wait(i64),
    SignOutOfNotes,
    SignOutOfHarborId,
}

fn action() -> impl Strategy<Value = Action> {
    let tab = || 0..TABS;
    let who = || prop_oneof![Just(Who::Alice), Just(Who::Bob)];
    prop_oneof![
        4 => tab().prop_map(Action::Start),
        8 => (tab(), who()).prop_map(|(tab, who)| Action::Press(tab, who)),
        3 => tab().prop_map(Action::Callback),
        1 => tab().prop_map(Action::Stay),
        2 => prop_oneof![Just(10), Just(65), Just(130), Just(301), Just(3_700), Just(30_000)]
            .prop_map(Action::Wait),
        1 => Just(Action::SignOutOfNotes),
        1 => Just(Action::SignOutOfHarborId),
    ]
}

/// What a browser shows in one tab.
#[derive(Clone)]
enum Tab {
    Empty,
    Page(Answer),
    /// On its way to this callback.
    Held(String),
}

impl fmt::Debug for Tab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Page(page) => write!(f, "Page({} {})", page.status, page.url),
            Self::Held(_) => f.write_str("Held"),
        }
    }
}

/// The text of an attribute's value.
fn unescaped(value: &str) -> String {
    let value = value.replace("&quot;", "\"").replace("&#39;", "'");
    value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, value) = tag.split_once(&format!("{name}=\""))?;
    Some(unescaped(value.split_once('"')?.0))
}

/// The fields of the form that is sent to this path.
fn fields(page: &Answer, action: &str) -> Option<Vec<(String, String)>> {
    let forms = page.body.split("<form ").skip(1);
    let mut forms = forms.filter_map(|form| form.split_once("</form>"));
    let (form, _) = forms.find(|(form, _)| attribute(form, "action").as_deref() == Some(action))?;
    let inputs = form.split("<input ").skip(1);
    let inputs = inputs.filter(|tag| tag.starts_with("type=\"hidden\""));
    Some(
        inputs
            .filter_map(|tag| {
                let (tag, _) = tag.split_once('>')?;
                Some((
                    attribute(tag, "name")?,
                    attribute(tag, "value").unwrap_or_default(),
                ))
            })
            .collect(),
    )
}

/// Where the main button of a page leads, if it is a link.
fn main_link(page: &Answer) -> Option<String> {
    let mut links = page
        .body
        .split("<a ")
        .skip(1)
        .filter_map(|tag| tag.split_once('>'));
    let (link, _) = links.find(|(tag, _)| tag.contains("button--main"))?;
    let link = attribute(link, "href")?;
    Some(Url::parse(&page.url).unwrap().join(&link).unwrap().into())
}

struct Browser<'a> {
    world: &'a World,
    persona: Persona,
    tabs: Vec<Tab>,
    /// Who signed in at Harbor ID last.
    last: Option<Who>,
    waited: Duration,
}

impl Browser<'_> {
    fn target(&self, tab: usize) -> String {
        self.world.notes(&format!("/?tab={tab}&flag&x=%20+{tab}"))
    }

    /// Who a page of Notes belongs to. It shows nobody's words but theirs.
    fn owner(page: &Answer) -> Option<Who> {
        let owner = Who::ALL.into_iter().find(|who| {
            page.body.contains("Your notes")
                && page
                    .body
                    .contains(&format!("<strong>{}</strong>", who.name()))
        });
        for who in Who::ALL {
            if Some(who) != owner {
                assert!(!page.body.contains(who.words()), "{owner:?}: {page:?}");
            }
        }
        owner
    }

    async fn follow(&self, mut answer: Answer, hold: bool) -> Tab {
        for _ in 0..12 {
            if !answer.status.is_redirection() {
                Self::owner(&answer);
                return Tab::Page(answer);
            }
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            let next = answer.location();
            if hold && next.starts_with(&self.world.notes("/callback?")) {
                return Tab::Held(next);
            }
            answer = self.persona.get(&next).await;
        }
        panic!("more than twelve redirects, the last to {}", answer.url);
    }

    /// Presses the one button of a page: of a form, or a link.
    async fn press(&mut self, page: &Answer, who: Who, hold: bool) -> Tab {
        let path = Url::parse(&page.url).unwrap().path().to_owned();
        let forms: [(&str, &[(&str, &str)]); 3] = [
            ("/login", &[("email", who.email()), ("password", PASSWORD)]),
            ("/handoff/authorize", &[("decision", "continue")]),
            ("/switch", &[("decision", "switch")]),
        ];
        for (action, more) in forms {
            let Some(hidden) = fields(page, action) else {
                continue;
            };
            let mut fields: Vec<(&str, &str)> = Vec::new();
            fields.extend(hidden.iter().map(|(name, value)| (&**name, &**value)));
            fields.extend(more);
            let url = Url::parse(&page.url).unwrap().join(action).unwrap();
            let answer = self.persona.post(url.as_str(), &fields).await;
            if action == "/login" && answer.status.is_redirection() {
                self.last = Some(who);
            }
            return self.follow(answer, hold).await;
        }
        match main_link(page) {
            Some(link) => {
                let answer = self.persona.get(&link).await;
                self.follow(answer, hold).await
            }
            None => panic!("no button at {path}: {page:?}"),
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Start(tab) => {
                let answer = self.persona.get(&self.target(tab)).await;
                self.tabs[tab] = self.follow(answer, false).await;
            }
            Action::Press(tab, who) => {
                if let Tab::Page(page) = self.tabs[tab].clone()
                    && Self::owner(&page).is_none()
                {
                    self.tabs[tab] = self.press(&page, who, true).await;
                }
            }
            Action::Callback(tab) => {
                if let Tab::Held(callback) = self.tabs[tab].clone() {
                    let answer = self.persona.get(&callback).await;
                    self.tabs[tab] = self.follow(answer, true).await;
                }
            }
            Action::Stay(tab) => {
                if let Tab::Page(page) = self.tabs[tab].clone()
                    && let Some(mut hidden) = fields(&page, "/switch")
                {
                    hidden.push(("decision".to_owned(), "stay".to_owned()));
                    let fields: Vec<(&str, &str)> = hidden
                        .iter()
                        .map(|(name, value)| (&**name, &**value))
                        .collect();
                    let answer = self
                        .persona
                        .post(&self.world.notes("/switch"), &fields)
                        .await;
                    self.follow(answer, false).await;
                    // Whoever stays wanted nothing more; the tab goes to its target anew.
                    self.tabs[tab] = Tab::Empty;
                }
            }
            Action::Wait(seconds) => {
                let wait = Duration::seconds(seconds);
                // A target is remembered for so long; after that the button leads to the start page.
                if self.waited + wait < TARGET_LIFETIME {
                    self.waited += wait;
                    self.world.clock.advance(wait);
                }
            }
            Action::SignOutOfNotes => {
                let home = self.persona.get(&self.world.notes("/")).await;
                if let Some(hidden) = fields(&home, "/logout") {
                    let fields: Vec<(&str, &str)> = hidden
                        .iter()
                        .map(|(name, value)| (&**name, &**value))
                        .collect();
                    self.persona
                        .post(&self.world.notes("/logout"), &fields)
                        .await;
                }
            }
            Action::SignOutOfHarborId => {
                let page = self.persona.get(&self.world.authority("/logout")).await;
                if let Some(hidden) = fields(&page, "/logout") {
                    let fields: Vec<(&str, &str)> = hidden
                        .iter()
                        .map(|(name, value)| (&**name, &**value))
                        .collect();
                    self.persona
                        .post(&self.world.authority("/logout"), &fields)
                        .await;
                }
            }
        }
    }

    /// From wherever the tab is, its button leads to its target, as the person who signed in last.
    async fn arrives(&mut self, tab: usize) -> Result<(), String> {
        let mut way = Vec::new();
        let mut now = match self.tabs[tab].clone() {
            Tab::Empty => return Ok(()),
            // What was shown before may be of a session that is over: the person loads it again.
            Tab::Page(page) if Self::owner(&page).is_some() => {
                let answer = self.persona.get(&page.url).await;
                self.follow(answer, false).await
            }
            Tab::Held(callback) => {
                let answer = self.persona.get(&callback).await;
                self.follow(answer, false).await
            }
            page @ Tab::Page(_) => page,
        };
        for _ in 0..8 {
            way.push(format!("{now:?}"));
            let Tab::Page(page) = &now else { break };
            let page = page.clone();
            let owner = Self::owner(&page);
            let who = self.last.unwrap_or(Who::Alice);
            if owner.is_some() {
                // A tab that came by Harbor ID is there as the person who signed in last; one that did not, as
                // whoever is signed in at Notes.
                let came = way
                    .iter()
                    .any(|page| page.contains("http://auth.localhost"));
                if came && owner != self.last {
                    return Err(format!("as {owner:?}, not as {:?}, by {way:?}", self.last));
                }
                if page.url != self.target(tab) {
                    return Err(format!("at {} by {way:?}", page.url));
                }
                return Ok(());
            }
            now = self.press(&page, who, false).await;
        }
        Err(format!("nowhere by {way:?}"))
    }
}

async fn run(actions: &[Action]) -> Result<(), String> {
    let (_process, world) = world().await;
    for who in Who::ALL {
        let persona = world.signed_in(who.email()).await;
        let home = persona.open_notes(&world).await;
        let fields = [("csrf", &*home.csrf()), ("text", who.words())];
        let answer = persona.post(&world.notes("/notes"), &fields).await;
        assert!(answer.status.is_redirection(), "{answer:?}");
    }
    let mut browser = Browser {
        world: &world,
        persona: world.visitor(),
        tabs: vec![Tab::Empty; TABS],
        last: None,
        waited: Duration::ZERO,
    };
    for action in actions {
        browser.act(*action).await;
    }
    for tab in 0..TABS {
        browser
            .arrives(tab)
            .await
            .map_err(|why| format!("tab {tab} ended {why}"))?;
    }
    Ok(())
}

#[test]
fn whatever_the_order_each_tab_arrives_and_nobody_sees_the_words_of_somebody_else() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases: 24,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let ran = runner.run(&vec(action(), 1..32), |actions| {
        let outcome = runtime.block_on(run(&actions));
        outcome.map_err(TestCaseError::fail)
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}
