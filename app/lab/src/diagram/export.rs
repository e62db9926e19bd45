//! The drawing as a file that needs nothing else: no style sheet, no font, no script.

use crate::diagram::{
    Diagram,
    picture::{Ink, Picture, Shape, Width},
    svg, text,
};

/// The design's colours, of which the file gets the light ones.
const TOKENS: &str = include_str!("../../../../style/tokens.css");

/// A whole SVG document, with these sentences below the picture.
#[must_use]
pub fn document(diagram: &Diagram, notes: &[String]) -> String {
    let Picture {
        width,
        height,
        ground,
        marks,
    } = Picture::of(diagram, Width::Wide).with_notes(notes);
    let (title, says) = (svg::title(diagram), text::outcome(diagram));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-16 -16 {:.0} {:.0}\" width=\"{:.0}\" \
         height=\"{:.0}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n\
         <rect x=\"-16\" y=\"-16\" width=\"100%\" height=\"100%\" fill=\"{}\"/>\n",
        width + 32.0,
        height + 32.0,
        width + 32.0,
        height + 32.0,
        escaped(&title),
        escaped(&says),
        light(Ink::Surface),
    );
    out.extend(ground.iter().map(shape));
    for mark in &marks {
        out.push_str(&format!("<g><title>{}</title>\n", escaped(&mark.name)));
        out.extend(mark.shapes.iter().map(shape));
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

fn shape(shape: &Shape) -> String {
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
            format!(
                "<path d=\"{d}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{width}\"{dots}/>\n",
                light(*fill),
                light(*stroke)
            )
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
            let family = if *mono {
                "ui-monospace, monospace"
            } else {
                "system-ui, sans-serif"
            };
            let weight = if *bold { " font-weight=\"650\"" } else { "" };
            let halo = if *halo {
                format!(
                    " stroke=\"{}\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\"",
                    light(Ink::Surface)
                )
            } else {
                String::new()
            };
            format!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{}\" font-size=\"{size}\" \
                 font-family=\"{family}\"{weight} fill=\"{}\"{halo}>{}</text>\n",
                anchor.as_str(),
                light(*ink),
                escaped(text)
            )
        }
        Shape::Icon {
            icon,
            x,
            y,
            size,
            ink,
        } => format!(
            "<g transform=\"translate({x:.1} {y:.1}) scale({:.3})\" fill=\"none\" stroke=\"{}\" \
             stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\">{}</g>\n",
            size / 24.0,
            light(*ink),
            icon.drawing().data
        ),
    }
}

/// The light colour of a token.
fn light(ink: Ink) -> String {
    let Some(token) = ink.token() else {
        return "none".to_owned();
    };
    let value = TOKENS
        .split_once(&format!("--{token}: light-dark("))
        .and_then(|(_, rest)| rest.split_once(','));
    // `currentColor` is black, should a token be renamed; a test sees to it that none is.
    value
        .map_or("currentColor", |(colour, _)| colour)
        .to_owned()
}

/// A text in XML 1.0. What may not stand there at all was made visible before.
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
