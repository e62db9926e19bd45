//! The drawing: where everything stands, as lines and texts with a colour by its meaning.
//!
//! It exists in two widths, for a page that is wide enough and for a phone. Texts are measured by
//! counting letters, which the fixed-width type makes exact enough: there is nobody to ask for the
//! size of a text on the server.

use handoff::step::{Party, Step};

use crate::diagram::{
    Arrow, Chip, CookieTab, Decision, Diagram, Entry, Kind, duration, secrets::Secret,
};
use ui::components::{icon::Icon, notice::Tone};

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A column of a page.
    Wide,
    /// A phone.
    Narrow,
}

/// Sizes of one width, in the units of the drawing: pixels where nothing is scaled.
struct Measures {
    width: f32,
    /// The right edge of the column with the times.
    times: f32,
    first_lane: f32,
    last_lane: f32,
    /// The size of text.
    text: f32,
    small: f32,
    /// The most letters of a lane's name.
    name: usize,
}

impl Width {
    /// Its name in style sheets.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }

    const fn measures(self) -> Measures {
        match self {
            Self::Wide => Measures {
                width: 640.0,
                times: 54.0,
                first_lane: 104.0,
                last_lane: 550.0,
                text: 13.0,
                small: 12.0,
                name: 22,
            },
            Self::Narrow => Measures {
                width: 328.0,
                times: 44.0,
                first_lane: 64.0,
                last_lane: 294.0,
                text: 12.0,
                small: 11.0,
                name: 10,
            },
        }
    }
}

/// A colour, by what it means. Only the tokens of the design say which one that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// No colour.
    None,
    /// A party's.
    Party(Party),
    /// Accepted.
    Accepted,
    /// Refused.
    Refused,
    /// Text.
    Ink,
    /// Text beside the matter.
    Muted,
    /// What everything stands on.
    Surface,
    /// Text on a party's colour.
    OnParty,
    /// A kind of secret.
    Secret(Secret),
}

impl Ink {
    /// The name of the token, without its hyphens in front.
    #[must_use]
    pub fn token(self) -> Option<String> {
        Some(match self {
            Self::None => return None,
            Self::Party(Party::Browser) => "browser".to_owned(),
            Self::Party(Party::Authority) => "authority".to_owned(),
            Self::Party(Party::RelyingParty) => "relying-party".to_owned(),
            Self::Accepted => "accepted".to_owned(),
            Self::Refused => "refused".to_owned(),
            Self::Ink => "ink".to_owned(),
            Self::Muted => "muted".to_owned(),
            Self::Surface => "surface".to_owned(),
            Self::OnParty => "on-party".to_owned(),
            Self::Secret(secret) => format!("secret-{}", secret.slug()),
        })
    }
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

impl Anchor {
    /// As SVG names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// One thing drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line or an area.
    Path {
        /// Its course, as SVG writes it.
        d: String,
        /// What it is filled with.
        fill: Ink,
        /// What it is drawn with.
        stroke: Ink,
        /// How wide.
        width: f32,
        /// Whether in dots.
        dotted: bool,
    },
    /// A text.
    Text {
        /// Where it begins, ends or has its middle.
        x: f32,
        /// Its base line.
        y: f32,
        /// Which of them.
        anchor: Anchor,
        /// Its size.
        size: f32,
        /// Whether each letter is as wide as the next.
        mono: bool,
        /// Whether it is heavier than others.
        bold: bool,
        /// Whether lines behind it give way to it.
        halo: bool,
        /// Its colour.
        ink: Ink,
        /// What it says.
        text: String,
    },
    /// The shape of a kind of secret, in its colour.
    Secret {
        /// Which one.
        secret: Secret,
        /// Its left edge.
        x: f32,
        /// Its upper edge.
        y: f32,
        /// How large.
        size: f32,
    },
    /// An icon.
    Icon {
        /// Which one.
        icon: Icon,
        /// Its left edge.
        x: f32,
        /// Its upper edge.
        y: f32,
        /// How large.
        size: f32,
        /// Its colour.
        ink: Ink,
    },
}

/// All that belongs to one [`Entry`].
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The entry's number.
    pub number: usize,
    /// What it says to those who do not see it.
    pub name: String,
    /// Upper and lower edge of what answers to a pointer.
    pub area: (f32, f32),
    /// What it is drawn of.
    pub shapes: Vec<Shape>,
    /// The parts of it that stand below parts of other entries, as when two requests overlap: each
    /// with its own edges, so that no entry lies under another.
    pub apart: Vec<Part>,
}

/// A part of a [`Mark`] that stands apart from the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Upper and lower edge.
    pub area: (f32, f32),
    /// What it is drawn of.
    pub shapes: Vec<Shape>,
}

/// A whole drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its width.
    pub width: f32,
    /// Its height.
    pub height: f32,
    /// What stands behind: the lanes.
    pub ground: Vec<Shape>,
    /// The entries, in order.
    pub marks: Vec<Mark>,
}

/// Distance of time: this many units stand for a millisecond, up to [`MAX_DISTANCE`].
const PER_MS: f32 = 1.5;
/// The most that time adds between two things.
const MAX_DISTANCE: f32 = 56.0;
/// Where the first thing stands below the heads of the lanes.
const HEAD: f32 = 56.0;
const ROW: f32 = 22.0;
/// The share of its size that a heavy letter takes.
const BOLD: f32 = 0.63;

impl Picture {
    /// Draws it.
    #[must_use]
    pub fn of(diagram: &Diagram, width: Width) -> Self {
        Drawing::new(diagram, width).finish()
    }

    /// The same with these sentences below it.
    #[must_use]
    pub fn with_notes(mut self, notes: &[String]) -> Self {
        let (size, each) = (Width::Wide.measures().text, 0.56);
        let most = fit(self.width, size, each);
        for line in notes.iter().flat_map(|note| in_lines(note, most)) {
            self.height += ROW;
            let base = self.height - 4.0;
            let line = text(0.0, base, Anchor::Start, size, Ink::Ink, line);
            self.ground.push(line.plain());
        }
        self
    }
}

/// What stands in the drawing one below the other.
enum Item<'a> {
    Arrow(&'a Arrow),
    Decision(&'a Decision),
}

impl Item<'_> {
    fn order(&self) -> (usize, bool) {
        // A refusal that is an answer as well comes before the answer.
        match self {
            Self::Arrow(arrow) => (arrow.order, true),
            Self::Decision(decision) => (decision.order, false),
        }
    }

    fn at(&self) -> u64 {
        match self {
            Self::Arrow(arrow) => arrow.at,
            Self::Decision(decision) => decision.at,
        }
    }
}

struct Drawing<'a> {
    diagram: &'a Diagram,
    measures: Measures,
    wide: bool,
    y: f32,
    marks: Vec<Mark>,
    /// Where so much time passed that the lanes are only dotted.
    breaks: Vec<(f32, f32)>,
    last_time: Option<String>,
}

impl<'a> Drawing<'a> {
    fn new(diagram: &'a Diagram, width: Width) -> Self {
        Self {
            diagram,
            measures: width.measures(),
            wide: width == Width::Wide,
            y: HEAD,
            marks: Vec::new(),
            breaks: Vec::new(),
            last_time: None,
        }
    }

    fn finish(mut self) -> Picture {
        let mut items: Vec<(&Entry, Item)> = Vec::new();
        for entry in &self.diagram.entries {
            items.extend(entry.message.iter().map(|m| (entry, Item::Arrow(m))));
            items.extend(entry.decisions.iter().map(|d| (entry, Item::Decision(d))));
        }
        items.sort_by_key(|(_, item)| item.order());
        self.marks = self
            .diagram
            .entries
            .iter()
            .map(|entry| Mark {
                number: entry.number,
                name: crate::diagram::text::entry(self.diagram, entry),
                area: (f32::MAX, 0.0),
                shapes: Vec::new(),
                apart: Vec::new(),
            })
            .collect();
        let mut before = None;
        let mut last = None;
        for (entry, item) in &items {
            self.pass(before.map_or(0, |before| item.at().saturating_sub(before)));
            before = Some(item.at());
            let top = self.y;
            let shapes = match item {
                Item::Arrow(arrow) => self.arrow(entry, arrow),
                Item::Decision(decision) => self.decision(entry, decision),
            };
            let bottom = self.y;
            if let Some(mark) = self.marks.get_mut(entry.number - 1) {
                let follows = last == Some(entry.number);
                match mark.apart.last_mut() {
                    Some(part) if follows => {
                        part.shapes.extend(shapes);
                        part.area.1 = bottom;
                    }
                    None if follows || mark.shapes.is_empty() => {
                        mark.shapes.extend(shapes);
                        mark.area = (mark.area.0.min(top), bottom);
                    }
                    _ => mark.apart.push(Part {
                        area: (top, bottom),
                        shapes,
                    }),
                }
            }
            last = Some(entry.number);
        }
        let ground = self.ground();
        Picture {
            width: self.measures.width,
            height: self.y + 12.0,
            ground,
            marks: self.marks,
        }
    }

    /// Lets time pass.
    fn pass(&mut self, microseconds: u64) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a distance on a screen, and capped"
        )]
        let wanted = microseconds as f32 / 1_000.0 * PER_MS;
        let distance = wanted.min(MAX_DISTANCE);
        if wanted > MAX_DISTANCE {
            self.breaks.push((self.y + 4.0, self.y + distance - 4.0));
        }
        self.y += distance;
    }

    fn lane(&self, lane: usize) -> f32 {
        let Measures {
            first_lane,
            last_lane,
            ..
        } = self.measures;
        let count = self.diagram.lanes.len().max(2) - 1;
        #[expect(clippy::cast_precision_loss, reason = "a handful of lanes")]
        let share = lane as f32 / count as f32;
        first_lane + (last_lane - first_lane) * share
    }

    fn party(&self, lane: usize) -> Ink {
        let lane = self.diagram.lanes.get(lane);
        Ink::Party(lane.map_or(Party::Browser, |lane| lane.party))
    }

    fn ground(&self) -> Vec<Shape> {
        let mut shapes = Vec::new();
        let bottom = self.y + 4.0;
        for (index, lane) in self.diagram.lanes.iter().enumerate() {
            let (x, ink) = (self.lane(index), self.party(index));
            let name = shortened(&lane.name, self.measures.name);
            let size = if self.wide { 15.0 } else { 12.5 };
            shapes.push(Shape::Icon {
                icon: lane.icon,
                x: x - 10.0,
                y: 0.0,
                size: 20.0,
                ink,
            });
            // The outer ones may be longer than what is left beside them.
            let half = letters(&name, size, 0.56) / 2.0;
            let x_name = x.clamp(half, (self.measures.width - half).max(half));
            shapes.push(text(x_name, 36.0, Anchor::Middle, size, ink, name).bold());
            let mut from = 44.0;
            for (start, end) in &self.breaks {
                shapes.push(line(format!("M{x:.1} {from:.1}V{start:.1}"), ink, 1.5));
                let gap = format!("M{x:.1} {start:.1}V{end:.1}");
                shapes.push(line(gap, ink, 1.5).dotted());
                from = *end;
            }
            shapes.push(line(format!("M{x:.1} {from:.1}V{bottom:.1}"), ink, 1.5));
        }
        shapes
    }

    fn arrow(&mut self, entry: &Entry, arrow: &Arrow) -> Vec<Shape> {
        let mut shapes = Vec::new();
        let (from, to) = (self.lane(arrow.from), self.lane(arrow.to));
        let ink = self.party(arrow.from);
        let right = self.measures.width - 2.0;
        let y = self.y + ROW;
        shapes.extend(self.time(arrow.at, y));

        // The number and the label stand on the line, from its left end, unless they are longer
        // than what is left there.
        let badge = 20.0;
        let left = from.min(to) + 8.0;
        let size = self.measures.text;
        let room = right - self.lane(0) - badge - 8.0;
        let label = shortened(&arrow.label, fit(room, size, 0.605));
        let width = badge + 4.0 + letters(&label, size, 0.605);
        let x = left.min(right - width).max(self.lane(0) + 8.0);
        shapes.extend(number(entry.number, x + badge / 2.0, y - 11.0, ink));
        shapes.push(
            text(
                x + badge + 4.0,
                y - 7.0,
                Anchor::Start,
                size,
                Ink::Ink,
                label,
            )
            .mono(),
        );
        shapes.extend(course(arrow.kind, from, to, y, ink));

        self.y = y + if arrow.kind == Kind::Redirect {
            14.0
        } else {
            8.0
        };
        shapes.extend(self.below(arrow, left));
        self.y += 6.0;
        shapes
    }

    /// Chips and cookies, in rows below the line.
    fn below(&mut self, arrow: &Arrow, left: f32) -> Vec<Shape> {
        let mut shapes = Vec::new();
        let size = self.measures.small;
        let right = self.measures.width - 2.0;
        // Clear of the bend.
        let left = if arrow.kind == Kind::Redirect {
            left + 6.0
        } else {
            left
        };
        let width_of = |text: &str| letters(text, size, 0.605) + 24.0;
        let chips: Vec<String> = arrow.chips.iter().map(Chip::short).collect();
        let tabs: Vec<String> = arrow.cookies.iter().map(CookieTab::words).collect();
        let widest = chips.iter().chain(&tabs).map(|text| width_of(text));
        let widest = widest.fold(0.0, f32::max);
        let left = left.min(right - widest).max(self.lane(0) + 8.0);
        let mut x = left;
        let mut rows = 0;
        let mut place = |width: f32, y: &mut f32| {
            if rows == 0 {
                *y += 2.0;
                rows = 1;
            } else if x + width > right {
                x = left;
                *y += 24.0;
                rows += 1;
            }
            let at = x;
            x += width + 6.0;
            at
        };
        let mut y = self.y;
        for (chip, text) in arrow.chips.iter().zip(chips) {
            let at = place(width_of(&text), &mut y);
            shapes.extend(tag(at, y, width_of(&text), size, chip, text));
        }
        for text in tabs {
            let text = shortened(&text, fit(right - left - 24.0, size, 0.605));
            let at = place(width_of(&text), &mut y);
            shapes.extend(cookie(at, y, width_of(&text), size, text));
        }
        if rows > 0 {
            y += 20.0;
        }
        self.y = y;
        shapes
    }

    fn decision(&mut self, entry: &Entry, decision: &Decision) -> Vec<Shape> {
        let mut shapes = Vec::new();
        let x = self.lane(decision.lane);
        let refused = decision.tone == Tone::Refused;
        let ink = match decision.tone {
            Tone::Accepted => Ink::Accepted,
            Tone::Refused => Ink::Refused,
            Tone::Neutral => self.party(decision.lane),
        };
        let y = self.y + 11.0;
        if entry.message.is_none() && decision.order == first_order(entry) {
            shapes.extend(self.time(decision.at, y + 4.0));
        }
        if refused {
            shapes.extend(self.refusal(decision, x));
            return shapes;
        }
        shapes.push(disc(x, y, 9.0, Ink::Surface, ink));
        let icon = match decision.tone {
            Tone::Neutral => Icon::Clock,
            tone => tone.icon(),
        };
        let icon = if decision.step == Step::VerifyReceived {
            Icon::Arrow
        } else {
            icon
        };
        shapes.push(Shape::Icon {
            icon,
            x: x - 6.0,
            y: y - 6.0,
            size: 12.0,
            ink,
        });
        let size = self.measures.small;
        let width = letters(&decision.label, size, 0.56);
        let (x, anchor) = self.beside(x, width);
        shapes.push(text(x, y + 4.0, anchor, size, ink, decision.label.clone()));
        self.y += 26.0;
        shapes
    }

    /// Beside a lane, on the side that has the room.
    fn beside(&self, x: f32, width: f32) -> (f32, Anchor) {
        if x + 15.0 + width <= self.measures.width {
            (x + 15.0, Anchor::Start)
        } else {
            (x - 15.0, Anchor::End)
        }
    }

    /// A refusal is the one thing in the drawing that has a box.
    fn refusal(&mut self, decision: &Decision, x: f32) -> Vec<Shape> {
        let size = self.measures.text;
        let room = self.measures.width - self.lane(0) - 8.0;
        let lines = in_lines(&decision.label, fit(room - 46.0, size, BOLD));
        let rules = rules_text(&decision.rows);
        let widest = lines.iter().map(|line| letters(line, size, BOLD));
        let widest = widest.fold(letters(&rules, size, 0.56), f32::max);
        let width = widest + 46.0;
        let rows = lines.len() + usize::from(!rules.is_empty());
        #[expect(clippy::cast_precision_loss, reason = "three rows at most")]
        let height = 14.0 + rows as f32 * 18.0;
        let left = (x - width / 2.0)
            .min(self.measures.width - 2.0 - width)
            .max(self.lane(0) + 8.0);
        let top = self.y + 4.0;
        let mut shapes = vec![
            area(
                left,
                top,
                width,
                height,
                8.0,
                Ink::Surface,
                Ink::Refused,
                2.0,
            ),
            Shape::Icon {
                icon: Icon::Shield,
                x: left + 9.0,
                y: top + height / 2.0 - 10.0,
                size: 20.0,
                ink: Ink::Refused,
            },
        ];
        let x = left + 36.0;
        let mut y = top + 20.0;
        for line in lines {
            shapes.push(text(x, y, Anchor::Start, size, Ink::Refused, line).bold());
            y += 18.0;
        }
        if !rules.is_empty() {
            let size = self.measures.small;
            shapes.push(text(x, y, Anchor::Start, size, Ink::Ink, rules));
        }
        self.y = top + height + 6.0;
        shapes
    }

    fn time(&mut self, at: u64, y: f32) -> Option<Shape> {
        let time = duration(at);
        if self.last_time.as_ref() == Some(&time) {
            return None;
        }
        self.last_time = Some(time.clone());
        let (x, size) = (self.measures.times, self.measures.small);
        Some(text(x, y + 4.0, Anchor::End, size, Ink::Muted, time))
    }
}

fn first_order(entry: &Entry) -> usize {
    let first = entry.decisions.first();
    first.map_or(0, |decision| decision.order)
}

/// "rule 20", "rules 3, 4".
fn rules_text(rows: &[u8]) -> String {
    let numbers: Vec<String> = rows.iter().map(u8::to_string).collect();
    match numbers.len() {
        0 => String::new(),
        1 => format!("rule {}", numbers.join(", ")),
        _ => format!("rules {}", numbers.join(", ")),
    }
}

/// About how wide a text is; `each` is the share of its size that a letter takes.
fn letters(text: &str, size: f32, each: f32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "the length of a label")]
    let count = text.chars().count() as f32;
    count * size * each
}

/// How many letters fit.
fn fit(room: f32, size: f32, each: f32) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number of letters"
    )]
    let count = (room.max(0.0) / (size * each)) as usize;
    count.max(4)
}

/// A text of at most so many letters. What is taken out of a longer one is taken from its middle,
/// since paths differ at their ends.
fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let head = most * 3 / 5;
    let tail = most.saturating_sub(head + 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start}…{end}")
}

/// A text in one line or two of at most so many letters, parted between words.
fn in_lines(text: &str, most: usize) -> Vec<String> {
    if text.chars().count() <= most {
        return vec![text.to_owned()];
    }
    let spaces = text.char_indices().enumerate();
    let fits = |(count, (_, letter)): &(usize, (usize, char))| *letter == ' ' && *count <= most;
    match spaces.filter(fits).last() {
        Some((_, (at, _))) => {
            let (first, rest) = text.split_at(at);
            vec![first.to_owned(), shortened(rest.trim_start(), most)]
        }
        None => vec![shortened(text, most)],
    }
}

/// The line of a message, with its head.
fn course(kind: Kind, from: f32, to: f32, y: f32, ink: Ink) -> Vec<Shape> {
    let way = if to > from { 1.0 } else { -1.0 };
    match kind {
        // Bent: the browser does not stay, it goes on.
        Kind::Redirect => {
            let (bend, down) = (to - way * 10.0, y + 10.0);
            vec![
                line(
                    format!("M{from:.1} {y:.1}H{bend:.1}Q{to:.1} {y:.1} {to:.1} {down:.1}"),
                    ink,
                    2.0,
                ),
                filled(format!("M{to:.1} {:.1}l-5 -8h10z", down + 6.0), ink),
            ]
        }
        // Double, from server to server.
        Kind::Call | Kind::Reply => {
            let end = to - way * 7.0;
            vec![
                line(
                    format!(
                        "M{from:.1} {:.1}H{end:.1}M{from:.1} {:.1}H{end:.1}",
                        y - 2.0,
                        y + 2.0
                    ),
                    ink,
                    1.5,
                ),
                head(to, y, way, ink),
            ]
        }
        Kind::Request | Kind::Page => {
            let end = to - way * 6.0;
            vec![
                line(format!("M{from:.1} {y:.1}H{end:.1}"), ink, 2.0),
                head(to, y, way, ink),
            ]
        }
    }
}

fn head(x: f32, y: f32, way: f32, ink: Ink) -> Shape {
    filled(format!("M{x:.1} {y:.1}l{:.1} -5.5v11z", -10.0 * way), ink)
}

/// A number in a disc.
fn number(number: usize, x: f32, y: f32, ink: Ink) -> [Shape; 2] {
    let size = if number < 100 { 11.0 } else { 9.0 };
    [
        disc(x, y, 9.0, ink, ink),
        text(
            x,
            y + 4.0,
            Anchor::Middle,
            size,
            Ink::OnParty,
            number.to_string(),
        )
        .plain()
        .bold(),
    ]
}

/// A value: its shape in its colour, and what it is. One that was changed on the way has a heavy edge.
fn tag(x: f32, y: f32, width: f32, size: f32, chip: &Chip, label: String) -> Vec<Shape> {
    let ink = chip.secret.map_or(Ink::Ink, Ink::Secret);
    let edge = if chip.is_changed { 3.0 } else { 1.25 };
    let indent = if chip.secret.is_some() { 18.0 } else { 12.0 };
    let label = text(x + indent, y + 13.5, Anchor::Start, size, ink, label)
        .plain()
        .mono();
    let label = if chip.is_changed { label.bold() } else { label };
    let mut shapes = vec![area(x, y, width, 19.0, 5.0, Ink::Surface, ink, edge), label];
    shapes.extend(chip.secret.map(|secret| Shape::Secret {
        secret,
        x: x + 5.0,
        y: y + 5.0,
        size: 9.0,
    }));
    shapes
}

/// A cookie: a tab with a folded corner.
fn cookie(x: f32, y: f32, width: f32, size: f32, label: String) -> [Shape; 3] {
    let ink = Ink::Party(Party::Browser);
    let (right, bottom) = (x + width, y + 19.0);
    [
        Shape::Path {
            d: format!(
                "M{x:.1} {y:.1}H{:.1}L{right:.1} {:.1}V{bottom:.1}H{x:.1}z",
                right - 6.0,
                y + 6.0
            ),
            fill: Ink::Surface,
            stroke: ink,
            width: 1.25,
            dotted: false,
        },
        disc(x + 10.0, y + 9.5, 4.0, Ink::None, ink),
        text(x + 18.0, y + 13.5, Anchor::Start, size, ink, label)
            .plain()
            .mono(),
    ]
}

fn line(d: String, stroke: Ink, width: f32) -> Shape {
    Shape::Path {
        d,
        fill: Ink::None,
        stroke,
        width,
        dotted: false,
    }
}

fn filled(d: String, fill: Ink) -> Shape {
    Shape::Path {
        d,
        fill,
        stroke: Ink::None,
        width: 0.0,
        dotted: false,
    }
}

fn disc(x: f32, y: f32, radius: f32, fill: Ink, stroke: Ink) -> Shape {
    let (left, round) = (x - radius, radius * 2.0);
    Shape::Path {
        d: format!(
            "M{left:.1} {y:.1}a{radius:.1} {radius:.1} 0 1 0 {round:.1} 0a{radius:.1} {radius:.1} 0 1 0 -{round:.1} 0z"
        ),
        fill,
        stroke,
        width: 1.5,
        dotted: false,
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a rectangle with round corners and two colours has as many"
)]
fn area(
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    radius: f32,
    fill: Ink,
    stroke: Ink,
    line: f32,
) -> Shape {
    let (w, h) = (width - 2.0 * radius, height - 2.0 * radius);
    let r = radius;
    Shape::Path {
        d: format!(
            "M{:.1} {y:.1}h{w:.1}q{r} 0 {r} {r}v{h:.1}q0 {r} -{r} {r}h-{w:.1}q-{r} 0 -{r} -{r}v-{h:.1}q0 -{r} {r} -{r}z",
            x + r
        ),
        fill,
        stroke,
        width: line,
        dotted: false,
    }
}

fn text(x: f32, y: f32, anchor: Anchor, size: f32, ink: Ink, text: String) -> Shape {
    Shape::Text {
        x,
        y,
        anchor,
        size,
        mono: false,
        bold: false,
        halo: true,
        ink,
        text,
    }
}

impl Shape {
    fn bold(mut self) -> Self {
        if let Self::Text { bold, .. } = &mut self {
            *bold = true;
        }
        self
    }

    /// On ground of its own.
    fn plain(mut self) -> Self {
        if let Self::Text { halo, .. } = &mut self {
            *halo = false;
        }
        self
    }

    fn mono(mut self) -> Self {
        if let Self::Text { mono, .. } = &mut self {
            *mono = true;
        }
        self
    }

    fn dotted(mut self) -> Self {
        if let Self::Path { dotted, .. } = &mut self {
            *dotted = true;
        }
        self
    }
}
