//! One handoff, drawn: the parts of its page that change while it happens.

use handoff::flow::Event;
use leptos::prelude::*;
use ui::components::{
    icon::{Glyph, Icon},
    notice::Tone,
};

use crate::{
    diagram::{Diagram, Entry, Names, Outcome, readable, secrets::Legend, svg, text},
    fragments::{Part, since, whole},
    islands::flow::OUTCOME,
    message,
};

/// The page and the stream of events both send these parts, as the same strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The app that the handoff is for, where that is known.
    pub app: Option<String>,
    /// What came of it, in one sentence.
    outcome: Part,
    picture: Part,
    words: Part,
    /// How many steps are not drawn, where there are too many.
    left_out: Part,
    /// What was sent, one part a message, closed: which one is open is no change of a message.
    messages: Vec<Part>,
    /// The one that is open until the reader chooses, drawn open.
    opened: Option<Part>,
}

impl Drawn {
    /// Draws these events, which may be in any order.
    #[must_use]
    pub fn of(events: &[Event], names: &Names) -> Self {
        let events: Vec<Event> = events.iter().cloned().map(readable).collect();
        let diagram = Diagram::of(&events, names);
        let open = first_open(&diagram);
        let draw = |entry: &Entry, is_open| {
            Part::new(format!("o{}", entry.number), || {
                message::one(&diagram, entry, is_open)
            })
        };
        let entries = &diagram.entries;
        let opened = entries.iter().find(|entry| Some(entry.number) == open);
        Self {
            app: diagram.known_app().map(str::to_owned),
            outcome: Part::new(OUTCOME, || outcome(&diagram, events.len(), open)),
            picture: Part::new("flow-drawing", || {
                let drawing = svg::drawing(&diagram, open);
                view! { <div class="flow-drawing" id="flow-drawing" inner_html=drawing></div> }
                    .into_any()
            }),
            words: Part::new("flow-text", || text::list(&diagram)),
            left_out: Part::new("flow-left-out", || message::left_out(&diagram)),
            messages: entries.iter().map(|entry| draw(entry, false)).collect(),
            opened: opened.map(|entry| draw(entry, true)),
        }
    }

    /// The parts that differ from those of `before`, as HTML; without it, all parts.
    #[must_use]
    pub fn since(&self, before: Option<&Self>) -> String {
        let before = before.map(Self::parts).unwrap_or_default();
        since(&before, &self.parts())
    }

    fn parts(&self) -> Vec<Part> {
        let first = [&self.outcome, &self.picture, &self.words, &self.left_out];
        first.into_iter().chain(&self.messages).cloned().collect()
    }

    /// What came of it.
    pub(crate) fn outcome(&self) -> String {
        self.outcome.html.clone()
    }

    /// The picture, with the same in words, and beside it the messages.
    pub(crate) fn columns(&self) -> AnyView {
        let picture = self.picture.html.clone();
        let words = self.words.html.clone();
        let opened = |part: &Part| self.opened.iter().find(|it| it.id == part.id).cloned();
        let messages = self.messages.iter();
        let messages: Vec<_> = messages
            .map(|part| opened(part).unwrap_or_else(|| part.clone()))
            .collect();
        let messages = whole(&messages);
        let left_out = self.left_out.html.clone();
        view! {
            <div class="flow-columns">
                <section class="flow-picture" aria-label="Picture">
                    <Legend />
                    <div inner_html=picture></div>
                    <details class="flow-words">
                        <summary>"The same in words"</summary>
                        <div inner_html=words></div>
                    </details>
                </section>
                <section class="flow-list" aria-labelledby="messages-heading">
                    <h2 id="messages-heading">"Messages"</h2>
                    <div class="flow-messages" id="flow-messages" inner_html=messages></div>
                    <div inner_html=left_out></div>
                </section>
            </div>
        }
        .into_any()
    }
}

/// The message that is open until the reader chooses one: the one that decided the handoff, and the newest
/// one until then.
fn first_open(diagram: &Diagram) -> Option<usize> {
    let entry = diagram.decisive().or_else(|| diagram.entries.last());
    entry.map(|entry| entry.number)
}

fn outcome(diagram: &Diagram, steps: usize, open: Option<usize>) -> AnyView {
    let tone = diagram.outcome.tone();
    let is_over = diagram.outcome != Outcome::UnderWay;
    let icon = if is_over { tone.icon() } else { Icon::Clock };
    debug_assert!(tone != Tone::Neutral || !is_over);
    let sentence = text::outcome(diagram);
    // The island reads these attributes: see [`crate::islands::flow`].
    view! {
        <div
            class="notice"
            id=OUTCOME
            data-tone=tone.slug()
            data-steps=steps
            data-messages=diagram.entries.len()
            data-decisive=open
            data-over=is_over
        >
            <Glyph icon />
            <p class="notice-body">{sentence}</p>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use handoff::ids::ClientId;
    use ui::components::icon::AppIcon;

    use super::*;
    use crate::diagram::AppName;

    fn names() -> Names {
        Names {
            authority: "Harbor ID".to_owned(),
            apps: vec![AppName {
                client: ClientId::parse("notes").unwrap(),
                name: "Notes".to_owned(),
                icon: AppIcon::Page,
            }],
        }
    }

    fn recorded() -> Vec<Event> {
        serde_json::from_str(include_str!("diagram/samples/replayed.json")).unwrap()
    }

    #[test]
    fn the_page_has_each_part_once_and_the_stream_sends_the_same_string() {
        let drawn = Drawn::of(&recorded(), &names());
        let page = Owner::new().with(|| drawn.columns().to_html()) + &drawn.outcome();
        let page = page.replace("name=\"message\" open", "name=\"message\"");
        let sent = drawn.since(None);
        assert!(drawn.messages.len() > 9, "{sent}");
        for part in drawn.parts() {
            assert_eq!(page.matches(&part.html).count(), 1, "{page}");
            assert_eq!(sent.matches(&part.html).count(), 1, "{sent}");
            let id = format!(" id=\"{}\"", part.id);
            let (opening, _) = part.html.split_once('>').unwrap();
            assert!(opening.contains(&id), "{opening}");
            assert!(!part.html.contains(['\n', '\r']), "{}", part.html);
        }
    }

    #[test]
    fn only_parts_that_changed_are_sent() {
        let mut events = recorded();
        let last = events.pop().unwrap();
        let before = Drawn::of(&events, &names());
        assert_eq!(before.since(Some(&before)), "");
        events.push(last);
        let after = Drawn::of(&events, &names());
        let sent = after.since(Some(&before));
        assert!(sent.contains("id=\"flow-outcome\""), "{sent}");
        assert!(sent.contains("id=\"flow-drawing\""), "{sent}");
        assert!(!sent.contains("id=\"o2\""), "{sent}");
        let number = after.messages.len();
        assert!(sent.contains(&format!("id=\"o{number}\"")), "{sent}");
    }

    #[test]
    fn the_newest_message_is_open_until_the_outcome_and_then_the_one_that_decided() {
        let events: Vec<Event> =
            serde_json::from_str(include_str!("diagram/samples/signed_in.json")).unwrap();
        let mut open = Vec::new();
        for count in 1..=events.len() {
            let drawn = Drawn::of(&events[..count], &names());
            let outcome = &drawn.outcome.html;
            let (_, rest) = outcome.split_once("data-decisive=\"").unwrap();
            let (number, _) = rest.split_once('"').unwrap();
            let is_over = outcome.contains("data-over");
            if !is_over {
                assert_eq!(number, drawn.messages.len().to_string(), "{outcome}");
            }
            let page = Owner::new().with(|| drawn.columns().to_html());
            let opened = page.match_indices("name=\"message\" open");
            let opened: Vec<_> = opened.map(|(at, _)| &page[..at]).collect();
            assert_eq!(opened.len(), 1);
            assert!(opened[0].trim_end().ends_with(&format!("id=\"o{number}\"")));
            open.push(number.to_owned());
        }
        assert_eq!(open.last().unwrap(), "9", "the session begins");
        open.dedup();
        assert_eq!(open, ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }

    #[test]
    fn the_outcome_has_the_attributes_that_the_island_reads() {
        let drawn = Drawn::of(&recorded(), &names());
        let (opening, _) = drawn.outcome.html.split_once('>').unwrap();
        let messages = drawn.messages.len();
        for says in [
            format!("data-steps=\"{}\"", recorded().len()),
            format!("data-messages=\"{messages}\""),
            "data-over".to_owned(),
        ] {
            assert!(opening.contains(&says), "{says}: {opening}");
        }
        let nothing = Drawn::of(&[], &names());
        assert!(!nothing.outcome.html.contains("data-over"), "{nothing:?}");
        assert!(
            !nothing.outcome.html.contains("data-decisive"),
            "{nothing:?}"
        );
    }
}
