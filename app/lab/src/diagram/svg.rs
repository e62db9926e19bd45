//! The drawing on a page. Its colours are the design's own, so they follow the theme.

use leptos::{either::EitherOf3, prelude::*};

use crate::diagram::{
    Diagram,
    picture::{Ink, Mark, Picture, Shape, Width},
};

/// Both widths of the drawing; the style sheet shows the one that fits. Each message leads to the
/// element `m` and its number, and `selected` is the one that is open.
pub fn drawing(diagram: &Diagram, selected: Option<usize>) -> AnyView {
    let title = title(diagram);
    [Width::Wide, Width::Narrow]
        .map(|width| one(Picture::of(diagram, width), width, title.clone(), selected))
        .collect_view()
        .into_any()
}

/// What the picture is of.
pub(super) fn title(diagram: &Diagram) -> String {
    let count = diagram.entries.len();
    let parties: Vec<&str> = diagram.lanes.iter().map(|lane| &*lane.name).collect();
    let messages = if count == 1 { "message" } else { "messages" };
    format!("{count} {messages} between {}", parties.join(", "))
}

fn one(picture: Picture, width: Width, title: String, selected: Option<usize>) -> AnyView {
    let Picture {
        width: across,
        height,
        ground,
        marks,
    } = picture;
    let marks = marks
        .into_iter()
        .map(|mark| link(mark, across, selected))
        .collect_view();
    view! {
        <svg
            class="flow-svg"
            data-width=width.slug()
            viewBox=format!("0 0 {across:.0} {height:.0}")
            role="group"
            aria-label=title
        >
            <g aria-hidden="true">{shapes(ground)}</g>
            {marks}
        </svg>
    }
    .into_any()
}

fn link(mark: Mark, across: f32, selected: Option<usize>) -> AnyView {
    let Mark {
        number,
        name,
        area: (top, bottom),
        shapes: drawn,
    } = mark;
    let selected = (selected == Some(number)).then_some("true");
    // Inside a `<g>`, the macro knows that the link is one of SVG's.
    view! {
        <g>
            <a
                class="flow-mark"
                href=format!("#m{number}")
                aria-label=format!("{number}. {name}")
                aria-current=selected
            >
                <rect
                    class="flow-hit"
                    x="1"
                    y=format!("{:.1}", top + 1.0)
                    width=format!("{:.1}", across - 2.0)
                    height=format!("{:.1}", (bottom - top).max(1.0))
                    rx="8"
                ></rect>
                {shapes(drawn)}
            </a>
        </g>
    }
    .into_any()
}

fn shapes(shapes: Vec<Shape>) -> AnyView {
    shapes.into_iter().map(shape).collect_view().into_any()
}

fn shape(shape: Shape) -> impl IntoView {
    match shape {
        Shape::Path {
            d,
            fill,
            stroke,
            width,
            dotted,
        } => EitherOf3::A(view! {
            <path
                d=d
                fill=fill.css()
                stroke=stroke.css()
                stroke-width=width
                stroke-dasharray=dotted.then_some("1 5")
                stroke-linecap=dotted.then_some("round")
            ></path>
        }),
        Shape::Text {
            x,
            y,
            anchor,
            size,
            mono,
            bold,
            halo,
            ink,
            text,
        } => EitherOf3::B(view! {
            <text
                x=format!("{x:.1}")
                y=format!("{y:.1}")
                text-anchor=anchor.as_str()
                font-size=size
                font-family=if mono { "var(--mono)" } else { "var(--sans)" }
                font-weight=bold.then_some("650")
                fill=ink.css()
                stroke=halo.then(|| Ink::Surface.css())
                stroke-width=halo.then_some("4")
                stroke-linejoin=halo.then_some("round")
                paint-order=halo.then_some("stroke")
            >
                {text}
            </text>
        }),
        Shape::Icon {
            icon,
            x,
            y,
            size,
            ink,
        } => EitherOf3::C(view! {
            <g
                transform=format!("translate({x:.1} {y:.1}) scale({:.3})", size / 24.0)
                fill="none"
                stroke=ink.css()
                stroke-width="2"
                stroke-linecap="round"
                stroke-linejoin="round"
                inner_html=icon.drawing().data
            ></g>
        }),
    }
}
