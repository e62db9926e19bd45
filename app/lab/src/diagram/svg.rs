//! The drawing as SVG, for a page and for a file. On a page its colours are the design's own, so they
//! follow the theme; a file needs nothing else: no style sheet, no font, no script.

use std::fmt::Write as _;

use crate::diagram::{
    Diagram,
    picture::{Ink, Mark, Picture, Shape, Width},
    text,
};

/// The design's colours, of which a file gets the light ones.
const TOKENS: &str = include_str!("../../../../style/tokens.css");

/// What a drawing is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Medium {
    Page,
    File,
}

/// Both widths of the drawing for a page; the style sheet shows the one that fits. Each message leads
/// to the element `m` and its number, and `selected` is the one that is open.
#[must_use]
pub fn drawing(diagram: &Diagram, selected: Option<usize>) -> String {
    let title = title(diagram);
    let mut out = String::new();
    for width in [Width::Wide, Width::Narrow] {
        let picture = Picture::of(diagram, width);
        put(
            &mut out,
            format_args!(
                "<svg class=\"flow-svg\" data-width=\"{}\" viewBox=\"0 0 {:.0} {:.0}\" role=\"group\" \
                 aria-label=\"{}\"><g aria-hidden=\"true\">",
                width.slug(),
                picture.width,
                picture.height,
                escaped(&title)
            ),
        );
        shapes(&mut out, &picture.ground, Medium::Page);
        out.push_str("</g>");
        for mark in &picture.marks {
            link(&mut out, mark, picture.width, selected);
        }
        out.push_str("</svg>");
    }
    out
}

/// A whole SVG document, with these sentences below the picture.
#[must_use]
pub fn document(diagram: &Diagram, notes: &[String]) -> String {
    let picture = Picture::of(diagram, Width::Wide).with_notes(notes);
    let (width, height) = (picture.width + 32.0, picture.height + 32.0);
    let mut out = String::new();
    put(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-16 -16 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-labelledby=\"title desc\">\n\
             <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n\
             <rect x=\"-16\" y=\"-16\" width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
            escaped(&title(diagram)),
            escaped(&text::outcome(diagram)),
            Medium::File.colour(Ink::Surface),
        ),
    );
    shapes(&mut out, &picture.ground, Medium::File);
    for mark in &picture.marks {
        let name = escaped(&mark.name);
        put(&mut out, format_args!("<g><title>{name}</title>\n"));
        shapes(&mut out, &mark.shapes, Medium::File);
        for part in &mark.apart {
            shapes(&mut out, &part.shapes, Medium::File);
        }
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// What the picture is of.
fn title(diagram: &Diagram) -> String {
    let count = diagram.entries.len();
    let parties: Vec<&str> = diagram.lanes.iter().map(|lane| &*lane.name).collect();
    let messages = if count == 1 { "message" } else { "messages" };
    format!("{count} {messages} between {}", parties.join(", "))
}

/// A message as a link to what was sent.
fn link(out: &mut String, mark: &Mark, across: f32, selected: Option<usize>) {
    let Mark {
        number,
        name,
        area,
        shapes: drawn,
        apart,
    } = mark;
    let current = if selected == Some(*number) {
        " aria-current=\"true\""
    } else {
        ""
    };
    // First, so that the last link of a number is the one that takes the focus and says what it is.
    for part in apart {
        put(
            out,
            format_args!(
                "<g aria-hidden=\"true\"><a class=\"flow-mark\" href=\"#m{number}\" \
                 tabindex=\"-1\"{current}>"
            ),
        );
        hit(out, part.area, across);
        shapes(out, &part.shapes, Medium::Page);
        out.push_str("</a></g>");
    }
    put(
        out,
        format_args!(
            "<g><a class=\"flow-mark\" href=\"#m{number}\" aria-label=\"{number}. {}\"{current}>",
            escaped(name),
        ),
    );
    hit(out, *area, across);
    shapes(out, drawn, Medium::Page);
    out.push_str("</a></g>");
}

/// What answers to a pointer.
fn hit(out: &mut String, (top, bottom): (f32, f32), across: f32) {
    put(
        out,
        format_args!(
            "<rect class=\"flow-hit\" x=\"1\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\"/>",
            top + 1.0,
            across - 2.0,
            (bottom - top).max(1.0),
        ),
    );
}

fn shapes(out: &mut String, shapes: &[Shape], medium: Medium) {
    for shape in shapes {
        draw(out, shape, medium);
        out.push_str(medium.after_a_shape());
    }
}

fn draw(out: &mut String, shape: &Shape, medium: Medium) {
    match shape {
        Shape::Path {
            d,
            fill,
            stroke,
            width,
            dotted,
        } => {
            let dots = if *dotted {
                " stroke-dasharray=\"1 5\" stroke-linecap=\"round\""
            } else {
                ""
            };
            let (fill, stroke) = (medium.colour(*fill), medium.colour(*stroke));
            put(
                out,
                format_args!(
                    "<path d=\"{d}\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{width}\"{dots}/>"
                ),
            );
        }
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
        } => {
            let weight = if *bold { " font-weight=\"650\"" } else { "" };
            put(
                out,
                format_args!(
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{}\" font-size=\"{size}\" \
                     font-family=\"{}\"{weight} fill=\"{}\"",
                    anchor.as_str(),
                    medium.font(*mono),
                    medium.colour(*ink),
                ),
            );
            if *halo {
                let surface = medium.colour(Ink::Surface);
                put(
                    out,
                    format_args!(
                        " stroke=\"{surface}\" stroke-width=\"4\" stroke-linejoin=\"round\" \
                         paint-order=\"stroke\""
                    ),
                );
            }
            put(out, format_args!(">{}</text>", escaped(text)));
        }
        Shape::Secret { secret, x, y, size } => put(
            out,
            format_args!(
                "<path transform=\"translate({x:.1} {y:.1}) scale({:.2})\" d=\"{}\" fill=\"{}\" \
                 fill-rule=\"evenodd\"/>",
                size / 10.0,
                secret.shape(),
                medium.colour(Ink::Secret(*secret)),
            ),
        ),
        Shape::Icon {
            icon,
            x,
            y,
            size,
            ink,
        } => put(
            out,
            format_args!(
                "<g transform=\"translate({x:.1} {y:.1}) scale({:.3})\" fill=\"none\" stroke=\"{}\" \
                 stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\">{}</g>",
                size / 24.0,
                medium.colour(*ink),
                icon.drawing().data
            ),
        ),
    }
}

impl Medium {
    /// A colour as this medium knows it.
    fn colour(self, ink: Ink) -> String {
        let Some(token) = ink.token() else {
            return "none".to_owned();
        };
        if self == Self::Page {
            return format!("var(--{token})");
        }
        let light = TOKENS
            .split_once(&format!("--{token}: light-dark("))
            .and_then(|(_, rest)| rest.split_once(','));
        // `currentColor` is black, should a token be renamed; a test sees to it that none is.
        light
            .map_or("currentColor", |(colour, _)| colour)
            .to_owned()
    }

    const fn font(self, mono: bool) -> &'static str {
        match (self, mono) {
            (Self::Page, true) => "var(--mono)",
            (Self::Page, false) => "var(--sans)",
            (Self::File, true) => "ui-monospace, monospace",
            (Self::File, false) => "system-ui, sans-serif",
        }
    }

    /// A file is read by people too; a page is sent in one line.
    const fn after_a_shape(self) -> &'static str {
        match self {
            Self::Page => "",
            Self::File => "\n",
        }
    }
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = out.write_fmt(what);
}

/// A text in XML 1.0 and in HTML. What may not stand there at all was made visible before.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            plain => shown.push(plain),
        }
    }
    shown
}
