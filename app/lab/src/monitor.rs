//! The lab's monitor: whether handoffs go well, and how long their steps take.

use handoff::step::Step;
use leptos::prelude::*;

use crate::{diagram::explain, fragments::Part, islands::monitor::LiveMonitor};

/// How many handoffs ended within a part of the hour, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// They gave a session.
    pub well: u64,
    /// The app was told who the person is, and records no steps.
    pub told: u64,
    /// They failed.
    pub failed: u64,
    /// The person decided against it.
    pub declined: u64,
}

/// How long the steps of a kind took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepTimes {
    /// The step.
    pub step: Step,
    /// How many there were.
    pub count: usize,
    /// Half of them took so long or shorter.
    pub p50: u64,
    /// The same for 95 of a hundred.
    pub p95: u64,
    /// The same for 99 of a hundred.
    pub p99: u64,
}

/// Something that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What is so.
    pub says: String,
    /// What to look at.
    pub look_at: &'static str,
}

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// How many of a hundred went well; none if none ended.
    pub percent_well: Option<u64>,
    /// All of the hour.
    pub ended: Ended,
    /// The same in parts of [`MINUTES`], the oldest first.
    pub parts: Vec<Ended>,
    /// Those that gave no session, by reason.
    pub failures: Vec<(&'static str, u64)>,
    /// Requests that were refused and belong to no handoff.
    pub strays: u64,
    /// The steps that were taken.
    pub steps: Vec<StepTimes>,
    /// What is wrong now.
    pub alarms: Vec<Alarm>,
}

/// How long a part of the hour is.
pub const MINUTES: usize = 5;

/// From this share of handoffs on, in hundredths, things go well.
pub const SHOULD_GO_WELL: u64 = 90;

/// The page.
#[component]
pub fn MonitorPage(
    /// What to show.
    model: DrawnMonitor,
    /// Where the page's content comes from while it changes: the path of a stream of server-sent events, each with
    /// [`DrawnMonitor::html`].
    stream: &'static str,
) -> impl IntoView {
    view! {
        <div class="page">
            <div class="stack">
                <h1 class="monitor-title">"Monitor"</h1>
                <LiveMonitor stream=stream.to_owned() />
            </div>
            <div class="stack monitor" inner_html=model.html></div>
        </div>
    }
    .into_any()
}

/// What the page shows, drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnMonitor {
    /// Sections as HTML, without a line break.
    pub html: String,
}

impl DrawnMonitor {
    /// Draws it.
    #[must_use]
    pub fn of(model: Monitor) -> Self {
        let part = Part::new("monitor", || view! { <Sections model /> }.into_any());
        Self { html: part.html }
    }
}

/// The answer to *is all well?*, with its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Well,
    NotWell,
    NothingToJudge,
}

impl Verdict {
    fn of(model: &Monitor) -> Self {
        match model.percent_well {
            _ if !model.alarms.is_empty() => Self::NotWell,
            None => Self::NothingToJudge,
            Some(percent) if percent < SHOULD_GO_WELL => Self::NotWell,
            Some(_) => Self::Well,
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Self::Well => "All is well",
            Self::NotWell => "Not all is well",
            Self::NothingToJudge => "Nothing to judge by",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Well => "verdict well",
            Self::NotWell => "verdict not-well",
            Self::NothingToJudge => "verdict",
        }
    }
}

#[component]
fn Sections(model: Monitor) -> impl IntoView {
    let verdict = Verdict::of(&model);
    let Monitor {
        percent_well,
        ended,
        parts,
        failures,
        strays,
        steps,
        alarms,
    } = model;
    let rate = match percent_well {
        Some(percent) => format!(
            "{percent} % of the handoffs that ended in the last hour went well: {} of {}.",
            ended.well + ended.told,
            ended.well + ended.told + ended.failed
        ),
        None if ended.declined > 0 => {
            "Every handoff that ended in the last hour was declined by its person.".to_owned()
        }
        None => "No handoff has ended in the last hour.".to_owned(),
    };
    view! {
        <div class="stack" id="monitor">
            <p class=verdict.class()>{verdict.says()}</p>
            <p class="lede">{rate} " A picture of each is among the " <a href="/flows">"flows"</a> "."</p>
            <Alarms alarms />
            {told(ended.told).map(|told| view! { <p>{told}</p> })}
            <Rates parts />
            <Failures failures strays />
            <Steps steps />
        </div>
    }
    .into_any()
}

/// Handoffs of apps that record no steps.
fn told(count: u64) -> Option<String> {
    let says = match count {
        0 => return None,
        1 => "1 handoff ended with an app that was told who the person is".to_owned(),
        count => format!("{count} handoffs ended with an app that was told who the person is"),
    };
    Some(format!("{says}. What it did then is not recorded here."))
}

#[component]
fn Alarms(alarms: Vec<Alarm>) -> impl IntoView {
    let none = alarms.is_empty();
    let list = alarms.into_iter().map(|Alarm { says, look_at }| {
        view! {
            <li class="alarm">
                <strong>{says}</strong>
                " "
                <span>{look_at}</span>
            </li>
        }
    });
    view! {
        <section class="stack" aria-labelledby="alarms-heading">
            <h2 id="alarms-heading">"Alarms"</h2>
            {if none {
                view! { <p>"None."</p> }.into_any()
            } else {
                view! { <ul class="alarms">{list.collect_view()}</ul> }.into_any()
            }}
        </section>
    }
    .into_any()
}

/// The picture's height, and the width of a bar with the gap after it.
const HEIGHT: u64 = 100;
const BAR: usize = 20;

/// The top of an axis that begins at 0 and has a mark in the middle: 2, 4, 10, 20, 40, 100, and so on.
fn top_of_axis(most: u64) -> u64 {
    let tens = std::iter::successors(Some(1_u64), |ten| ten.checked_mul(10));
    let tops = tens.flat_map(|ten| [2, 4, 10].map(|times| ten.saturating_mul(times)));
    let mut fits = tops.filter(|top| *top >= most);
    fits.next().unwrap_or(u64::MAX)
}

#[component]
fn Rates(parts: Vec<Ended>) -> impl IntoView {
    let most = parts.iter().map(|it| it.well + it.failed).max();
    let top = top_of_axis(most.unwrap_or_default());
    let count = parts.len();
    let bars = parts.iter().enumerate().map(|(n, part)| {
        let (well, failed) = (part.well * HEIGHT / top, part.failed * HEIGHT / top);
        // One that failed among thousands must still be seen.
        let failed = if part.failed > 0 { failed.max(2) } else { 0 };
        let x = n * BAR + 2;
        view! {
            <rect class="well" x=x y=HEIGHT.saturating_sub(well) width=BAR - 4 height=well></rect>
            <rect
                class="failed"
                x=x
                y=HEIGHT.saturating_sub(well + failed)
                width=BAR - 4
                height=failed
            ></rect>
        }
    });
    let bars = bars.collect_view();
    let lines = [0, HEIGHT / 2].map(|y| {
        view! { <line class="grid" x1="0" x2=count * BAR y1=y y2=y></line> }
    });
    let rows = parts.iter().enumerate().map(|(n, part)| {
        let from = (count - n) * MINUTES;
        let when = match from - MINUTES {
            0 => format!("the last {from}"),
            to => format!("{from} to {to}"),
        };
        view! {
            <tr>
                <th scope="row">{when}</th>
                <td>{part.well}</td>
                <td>{part.failed}</td>
                <td>{part.declined}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="stack" aria-labelledby="rate-heading">
            <h2 id="rate-heading">"Handoffs that ended"</h2>
            <div class="charted">
                <figure class="chart">
                    <figcaption>
                        "Handoffs in five minutes: " <span class="key well">"went well"</span>
                        ", " <span class="key failed">"failed"</span> "."
                    </figcaption>
                    // The table says the same.
                    <div class="axes" aria-hidden="true">
                        <div class="y-axis">
                            <span>{top}</span>
                            <span>{top / 2}</span>
                            <span>"0"</span>
                        </div>
                        <svg viewBox=format!("0 0 {} {HEIGHT}", count * BAR) preserveAspectRatio="none">
                            {lines.collect_view()}
                            {bars}
                            <line class="ground" x1="0" x2=count * BAR y1=HEIGHT y2=HEIGHT></line>
                        </svg>
                        <div class="x-axis">
                            <span>"60"</span>
                            <span>"45"</span>
                            <span>"30"</span>
                            <span>"15"</span>
                            <span>"now"</span>
                        </div>
                        <p class="x-unit">"minutes ago"</p>
                    </div>
                </figure>
                <Readings label="Handoffs that ended, in numbers" rows>
                    <th scope="col">"Minutes ago"</th>
                    <th scope="col">"Went well"</th>
                    <th scope="col">"Failed"</th>
                    <th scope="col">"Declined"</th>
                </Readings>
            </div>
        </section>
    }
    .into_any()
}

/// Numbers in rows. Where there is no room for them, they are scrolled and not the page.
#[component]
fn Readings<R: IntoView + 'static>(
    /// What they are, for those who do not see it.
    label: &'static str,
    /// The table's rows.
    rows: R,
    /// The heads of its columns.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="scrolls" tabindex="0" role="region" aria-label=label>
            <table class="readings">
                <thead>
                    <tr>{children()}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Failures(failures: Vec<(&'static str, u64)>, strays: u64) -> impl IntoView {
    let strays = match strays {
        0 => None,
        1 => Some("Stray: 1 request was refused that belongs to no handoff.".to_owned()),
        count => Some(format!(
            "Stray: {count} requests were refused that belong to no handoff."
        )),
    };
    let none = failures.is_empty();
    let rows = failures.into_iter().map(|(reason, times)| {
        view! {
            <tr>
                <th scope="row">
                    {explain::reason(reason)}
                    " "
                    <code class="muted">{reason}</code>
                </th>
                <td>{times}</td>
            </tr>
        }
    });
    view! {
        <section class="stack" aria-labelledby="failures-heading">
            <h2 id="failures-heading">"Why handoffs gave no session"</h2>
            {if none {
                view! { <p>"None was refused or declined."</p> }.into_any()
            } else {
                view! {
                    <Readings label="Reasons, in numbers" rows=rows.collect_view()>
                        <th scope="col">"Reason"</th>
                        <th scope="col">"Times"</th>
                    </Readings>
                }
                    .into_any()
            }}
            {strays.map(|strays| view! { <p>{strays}</p> })}
        </section>
    }
    .into_any()
}

/// The width of the lines' picture.
const WIDTH: f64 = 200.0;

/// It, with room for the marks at both ends.
const AXIS: &str = "-16 0 232 12";

/// An axis of times: a mark at each power of ten, in microseconds, from below the shortest time to above the longest. Steps
/// differ by a factor of a thousand; on an axis without powers the short ones would all be at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decades {
    first: u32,
    last: u32,
}

impl Decades {
    fn of(steps: &[StepTimes]) -> Self {
        let shortest = steps.iter().map(|it| it.p50).min().unwrap_or(1).max(1);
        let longest = steps.iter().map(|it| it.p99).max().unwrap_or(1).max(1);
        let first = shortest.ilog10();
        let last = if 10_u64.pow(longest.ilog10()) == longest {
            longest.ilog10()
        } else {
            longest.ilog10() + 1
        };
        Self {
            first,
            last: last.max(first + 1),
        }
    }

    /// Where a time is, from 0 to [`WIDTH`].
    fn at(self, microseconds: u64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a picture has fewer digits than f64"
        )]
        let power = (microseconds.max(1) as f64).log10() - f64::from(self.first);
        let at = power / f64::from(self.last - self.first) * WIDTH;
        (at.clamp(0.0, WIDTH) * 10.0).round() / 10.0
    }

    fn marks(self) -> impl Iterator<Item = u64> {
        (self.first..=self.last).map(|power| 10_u64.pow(power))
    }
}

/// A mark of the axis, with its unit.
fn mark(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds} \u{b5}s"),
        1_000..1_000_000 => format!("{} ms", microseconds / 1_000),
        _ => format!("{} s", microseconds / 1_000_000),
    }
}

#[component]
fn Steps(mut steps: Vec<StepTimes>) -> impl IntoView {
    // What is slow comes first: it is what one looks for.
    steps.sort_by_key(|it| std::cmp::Reverse((it.p95, it.p99, it.p50)));
    let axis = Decades::of(&steps);
    let none = steps.is_empty();
    let rows = steps.into_iter().map(|it| {
        let lines = axis.marks().map(|mark| {
            let x = axis.at(mark);
            view! { <line class="grid" x1=x x2=x y1="0" y2="12"></line> }
        });
        view! {
            <tr>
                <th scope="row">{it.step.as_str().replace('_', " ")}</th>
                <td class="chart" aria-hidden="true">
                    <svg viewBox=AXIS>
                        {lines.collect_view()}
                        <line class="spread" x1=axis.at(it.p50) x2=axis.at(it.p99) y1="6" y2="6"></line>
                        <circle class="half" cx=axis.at(it.p50) cy="6" r="3"></circle>
                        <circle class="most" cx=axis.at(it.p95) cy="6" r="4"></circle>
                    </svg>
                </td>
                <td>{milliseconds(it.p50)}</td>
                <td>{milliseconds(it.p95)}</td>
                <td>{milliseconds(it.p99)}</td>
                <td>{it.count}</td>
            </tr>
        }
    });
    let marks = axis.marks().map(move |time| {
        view! { <text x=axis.at(time) y="9">{mark(time)}</text> }
    });
    let marks = marks.collect_view();
    view! {
        <section class="stack" aria-labelledby="steps-heading">
            <h2 id="steps-heading">"How long steps take"</h2>
            {if none {
                view! { <p>"No step was taken in the last hour."</p> }.into_any()
            } else {
                view! {
                    <p>
                        "In milliseconds, from the step before in the same request; the slowest first. Half of them take no longer than p50"
                        <span class="of-chart">" (the small dot)"</span>
                        ", 95 of a hundred no longer than p95"
                        <span class="of-chart">" (the large one)"</span>
                        ", 99 of a hundred no longer than p99"
                        <span class="of-chart">" (the line's end)"</span> "."
                        <span class="of-chart">" Each line of the axis is ten times the one before."</span>
                    </p>
                    <Readings label="Times of each step" rows=rows.collect_view()>
                        <th scope="col">"Step"</th>
                        <td class="chart" aria-hidden="true">
                            <svg class="marks" viewBox=AXIS>{marks}</svg>
                        </td>
                        <th scope="col">"p50"</th>
                        <th scope="col">"p95"</th>
                        <th scope="col">"p99"</th>
                        <th scope="col">"Times"</th>
                    </Readings>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

/// With two digits where they say something.
fn milliseconds(microseconds: u64) -> String {
    if microseconds >= 10_000 {
        format!("{}", microseconds / 1000)
    } else {
        format!("{}.{:02}", microseconds / 1000, microseconds % 1000 / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_milliseconds() {
        for (time, text) in [
            (0, "0.00"),
            (1_234, "1.23"),
            (9_999, "9.99"),
            (45_678, "45"),
        ] {
            assert_eq!(milliseconds(time), text);
        }
    }

    #[test]
    fn an_axis_has_a_round_top_and_marks_around_all_times() {
        for (most, top) in [
            (0, 2),
            (1, 2),
            (3, 4),
            (5, 10),
            (11, 20),
            (40, 40),
            (1_234, 2_000),
        ] {
            assert_eq!(top_of_axis(most), top, "{most}");
        }
        let steps = |p50, p99| StepTimes {
            step: Step::VerifyAnswered,
            count: 1,
            p50,
            p95: p99,
            p99,
        };
        for (p50, p99, marks) in [
            (120, 45_000, &["100 \u{b5}s", "1 ms", "10 ms", "100 ms"][..]),
            (0, 1, &["1 \u{b5}s", "10 \u{b5}s"][..]),
            (1_000_000, 1_000_000, &["1 s", "10 s"][..]),
        ] {
            let axis = Decades::of(&[steps(p50, p99)]);
            assert_eq!(axis.marks().map(mark).collect::<Vec<_>>(), marks);
        }
        let axis = Decades::of(&[steps(100, 9_000)]);
        assert_eq!(
            [100, 1_000, 10_000].map(|time| axis.at(time)),
            [0.0, 100.0, 200.0]
        );
    }

    #[test]
    fn the_answer_to_is_all_well_needs_handoffs_and_no_alarm() {
        let alarm = Alarm {
            says: "Something is so.".to_owned(),
            look_at: "that.",
        };
        for (percent_well, alarms, says) in [
            (Some(100), vec![], "All is well"),
            (Some(90), vec![], "All is well"),
            (Some(89), vec![], "Not all is well"),
            (Some(100), vec![alarm.clone()], "Not all is well"),
            (None, vec![alarm], "Not all is well"),
            (None, vec![], "Nothing to judge by"),
        ] {
            let model = Monitor {
                percent_well,
                ended: Ended::default(),
                parts: Vec::new(),
                failures: Vec::new(),
                strays: 0,
                steps: Vec::new(),
                alarms,
            };
            assert_eq!(Verdict::of(&model).says(), says, "{model:?}");
        }
    }

    #[test]
    fn the_page_says_in_words_and_tables_what_its_pictures_show() {
        let part = |well, failed| Ended {
            well,
            told: 0,
            failed,
            declined: 0,
        };
        let model = Monitor {
            percent_well: Some(83),
            ended: Ended {
                told: 2,
                ..part(8, 2)
            },
            parts: vec![part(8, 0), part(0, 2)],
            failures: vec![("authority_unreachable", 2)],
            strays: 3,
            steps: vec![
                StepTimes {
                    step: Step::TokenIssued,
                    count: 10,
                    p50: 200,
                    p95: 300,
                    p99: 400,
                },
                StepTimes {
                    step: Step::VerifyAnswered,
                    count: 10,
                    p50: 1_000,
                    p95: 20_000,
                    p99: 30_000,
                },
            ],
            alarms: vec![Alarm {
                says: "Something is so.".to_owned(),
                look_at: "that.",
            }],
        };
        let html = DrawnMonitor::of(model).html;
        for text in [
            "83 % of the handoffs that ended in the last hour went well: 10 of 12.",
            "Something is so.",
            "10 to 5</th>",
            "authority_unreachable",
            "Stray: 3 requests were refused that belong to no handoff.",
            "2 handoffs ended with an app that was told who the person is.",
            "verify answered",
            "<td>20</td>",
        ] {
            assert!(html.contains(text), "{text}\n{html}");
        }
        let place = |step| html.find(step).unwrap();
        assert!(
            place("verify answered") < place("token issued"),
            "the slowest first"
        );
        let nothing = Monitor {
            percent_well: None,
            ended: Ended::default(),
            parts: vec![Ended::default(); 12],
            failures: Vec::new(),
            strays: 0,
            steps: Vec::new(),
            alarms: Vec::new(),
        };
        let mut only_told = nothing.clone();
        only_told.percent_well = Some(100);
        only_told.ended.told = 2;
        let mut only_declined = nothing.clone();
        only_declined.ended.declined = 1;
        for (model, says) in [
            (&nothing, "No handoff has ended in the last hour."),
            (&only_told, "went well: 2 of 2."),
            (&only_declined, "was declined by its person."),
        ] {
            let html = DrawnMonitor::of(model.clone()).html;
            assert!(html.contains(says), "{says} {html}");
        }
        let html = DrawnMonitor::of(nothing).html;
        assert!(html.contains("No step was taken"), "{html}");
    }
}
