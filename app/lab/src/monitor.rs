//! The lab's monitor: whether handoffs go well, and how long their steps take.

use handoff::step::Step;
use leptos::prelude::*;

use crate::diagram::explain;

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

/// The page.
#[component]
pub fn MonitorPage(
    /// What to show.
    model: Monitor,
) -> impl IntoView {
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
            ended.well,
            ended.well + ended.failed
        ),
        None => "No handoff has ended in the last hour.".to_owned(),
    };
    view! {
        <div class="page">
            <h1>"Monitor"</h1>
            <p class="lede">{rate}</p>
            <p>
                "A picture of each is among the " <a href="/flows">"flows"</a>
                ". This page does not change by itself: load it again for newer numbers."
            </p>
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

#[component]
fn Rates(parts: Vec<Ended>) -> impl IntoView {
    let most = parts.iter().map(|it| it.well + it.failed).max();
    let most = most.unwrap_or_default();
    let highest = match most {
        1 => "1 handoff".to_owned(),
        count => format!("{count} handoffs"),
    };
    let most = most.max(1);
    let count = parts.len();
    let bars = parts.iter().enumerate().map(|(n, part)| {
        let (well, failed) = (part.well * HEIGHT / most, part.failed * HEIGHT / most);
        // One that failed among thousands must still be seen.
        let failed = if part.failed > 0 { failed.max(2) } else { 0 };
        let x = n * BAR;
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
                    // The table says the same.
                    <svg viewBox=format!("0 0 {} {HEIGHT}", count * BAR) aria-hidden="true">
                        <line class="ground" x1="0" x2=count * BAR y1=HEIGHT y2=HEIGHT></line>
                        {bars}
                    </svg>
                    <p class="chart-ends" aria-hidden="true">
                        <span>"an hour ago"</span>
                        <span>"now"</span>
                    </p>
                    <figcaption>
                        "Each bar is five minutes; the highest stands for " {highest}
                        ". Green went well, violet on top of it failed."
                    </figcaption>
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
const WIDTH: u64 = 200;

#[component]
fn Steps(steps: Vec<StepTimes>) -> impl IntoView {
    let longest = steps.iter().map(|it| it.p99).max().unwrap_or(1).max(1);
    let none = steps.is_empty();
    let rows = steps.into_iter().map(|it| {
        let at = |time: u64| time * (WIDTH - 8) / longest + 4;
        view! {
            <tr>
                <th scope="row">{it.step.as_str().replace('_', " ")}</th>
                <td class="chart" aria-hidden="true">
                    <svg viewBox=format!("0 0 {WIDTH} 12")>
                        <line class="spread" x1=at(it.p50) x2=at(it.p99) y1="6" y2="6"></line>
                        <circle class="half" cx=at(it.p50) cy="6" r="3"></circle>
                        <circle class="most" cx=at(it.p95) cy="6" r="4"></circle>
                    </svg>
                </td>
                <td>{milliseconds(it.p50)}</td>
                <td>{milliseconds(it.p95)}</td>
                <td>{milliseconds(it.p99)}</td>
                <td>{it.count}</td>
            </tr>
        }
    });
    view! {
        <section class="stack" aria-labelledby="steps-heading">
            <h2 id="steps-heading">"How long steps take"</h2>
            {if none {
                view! { <p>"No step was taken in the last hour."</p> }.into_any()
            } else {
                view! {
                    <p>
                        "In milliseconds, from the step before in the same request. Half of them take no longer than p50"
                        <span class="of-chart">" (the small dot)"</span>
                        ", 95 of a hundred no longer than p95"
                        <span class="of-chart">" (the large one)"</span>
                        ", 99 of a hundred no longer than p99"
                        <span class="of-chart">" (the line's end)"</span> "."
                    </p>
                    <Readings label="Times of each step" rows=rows.collect_view()>
                        <th scope="col">"Step"</th>
                        <td aria-hidden="true"></td>
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
    fn the_page_says_in_words_and_tables_what_its_pictures_show() {
        let part = |well, failed| Ended {
            well,
            told: 0,
            failed,
            declined: 0,
        };
        let model = Monitor {
            percent_well: Some(80),
            ended: Ended {
                told: 2,
                ..part(8, 2)
            },
            parts: vec![part(8, 0), part(0, 2)],
            failures: vec![("authority_unreachable", 2)],
            strays: 3,
            steps: vec![StepTimes {
                step: Step::VerifyAnswered,
                count: 10,
                p50: 1_000,
                p95: 20_000,
                p99: 30_000,
            }],
            alarms: vec![Alarm {
                says: "Something is so.".to_owned(),
                look_at: "that.",
            }],
        };
        let html = Owner::new().with(|| view! { <MonitorPage model /> }.to_html());
        for text in [
            "80 % of the handoffs that ended in the last hour went well: 8 of 10.",
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
        let nothing = Monitor {
            percent_well: None,
            ended: Ended::default(),
            parts: vec![Ended::default(); 12],
            failures: Vec::new(),
            strays: 0,
            steps: Vec::new(),
            alarms: Vec::new(),
        };
        let html = Owner::new().with(|| view! { <MonitorPage model=nothing /> }.to_html());
        assert!(
            html.contains("No handoff has ended in the last hour."),
            "{html}"
        );
        assert!(html.contains("No step was taken"), "{html}");
    }
}
