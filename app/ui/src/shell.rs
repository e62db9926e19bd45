//! The HTML document that every page of every site stands in.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    appearance::{Appearance, AppearanceForms, FOOT, Surroundings},
    components::icon::{AppIcon, Glyph, Icon},
    error::{ErrorPage, ErrorText},
    words,
};
use leptos::{config::LeptosOptions, hydration::HydrationScripts, prelude::*};

/// The directory under which every site serves the files of the build.
const ASSETS: &str = "assets";

/// Who is speaking. Decides the colour and the icon of the whole page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The authorization server, Harbor ID.
    Authority,
    /// An application that signs people in by Harbor ID, with an icon of its own.
    RelyingParty(AppIcon),
    /// The lab that shows what the others do.
    Lab,
}

impl Party {
    /// The party's name in style sheets.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::RelyingParty(_) => "relying_party",
            Self::Lab => "lab",
        }
    }

    /// The party's name in the names of favicons.
    fn favicon(self) -> &'static str {
        match self {
            Self::RelyingParty(icon) => icon.as_str(),
            Self::Authority | Self::Lab => self.slug(),
        }
    }

    /// What a search engine may say of the site.
    fn description(self, name: &str) -> String {
        match self {
            Self::Authority => format!("{name} signs you in, and opens your apps."),
            Self::RelyingParty(_) => format!("{name}, an app that signs you in by Harbor ID."),
            Self::Lab => "See a sign-in cross from one site to another.".to_owned(),
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::Authority => Icon::Anchor,
            Self::RelyingParty(icon) => icon.into(),
            Self::Lab => Icon::Flask,
        }
    }
}

/// Whose page it is: the name on it, and the colour that it wears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The name that people know the site by, "Harbor ID".
    pub name: String,
    /// The part that the site plays.
    pub party: Party,
}

/// The names that the build gave to its files, without a directory: from `style.css` to
/// `style.<hash>.css`. A name that is not in it stands for itself, as all do by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets(Arc<BTreeMap<String, String>>);

impl FromIterator<(String, String)> for Assets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(names: I) -> Self {
        Self(Arc::new(names.into_iter().collect()))
    }
}

impl Assets {
    /// The name with its hash: of a file, or of a bundle's stem, to which `.js` and `_bg.wasm` are
    /// added.
    #[must_use]
    pub fn name<'a>(&'a self, plain: &'a str) -> &'a str {
        self.0.get(plain).map_or(plain, String::as_str)
    }

    /// The path of a file on every site.
    fn path(&self, plain: &str) -> String {
        format!("/{ASSETS}/{}", self.name(plain))
    }
}

/// What all pages of one site have around them. A site keeps one, and a clone of it goes with each
/// answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whose pages they are.
    pub brand: Brand,
    /// The build's files.
    pub assets: Assets,
    /// What its header leads to: each one's path, and its name.
    pub places: Vec<(&'static str, &'static str)>,
}

impl Frame {
    /// A whole document: `content` is the page, and `hydrate` says whether it has islands.
    pub fn page(
        self,
        title: impl Into<String>,
        hydrate: bool,
        content: impl IntoView + 'static,
    ) -> impl IntoView {
        let Self {
            brand,
            assets,
            places,
        } = self;
        view! {
            <Document brand title=title.into() assets places hydrate>
                {content.into_any()}
            </Document>
        }
    }

    /// A whole document that says what went wrong, holds what is kept of the request, and leads on: to
    /// the site's front page where the problem names no other way.
    pub fn problem(&self, mut model: ErrorText, kept: Option<AnyView>) -> impl IntoView + use<> {
        let front_page = || ("/".to_owned(), format!("Go to {}", self.brand.name));
        model.action.get_or_insert_with(front_page);
        let title = model.title.clone();
        self.clone()
            .page(title, false, view! { <ErrorPage model kept /> })
    }
}

/// A whole HTML document around one page.
#[component]
pub fn Document(
    /// Whose page it is.
    brand: Brand,
    /// What the page is, for the window's title.
    #[prop(into)]
    title: String,
    /// Where its style sheet and its bundle are.
    assets: Assets,
    /// What its header leads to: each one's path, and its name.
    #[prop(default = Vec::new())]
    places: Vec<(&'static str, &'static str)>,
    /// Whether the page has islands and so loads the bundle. All others run no script at all.
    #[prop(default = false)]
    hydrate: bool,
    /// Whether the page stands at a site. Without one, nothing around it leads anywhere.
    #[prop(default = true)]
    at_a_site: bool,
    /// The page.
    children: Children,
) -> impl IntoView {
    let Brand { name, party } = brand;
    let surroundings = use_context::<Surroundings>().unwrap_or_default();
    let Appearance { theme, scale } = surroundings.appearance;
    let description = party.description(&name);
    let title = format!("{title} · {name}");
    let stylesheet = assets.path("style.css");
    let favicon = assets.path(&format!("favicon-{}.svg", party.favicon()));
    let places = (!places.is_empty()).then(|| header_links(places, &surroundings.back));
    // `HydrationScripts` also looks for a manifest of split bundles below the site's root; there
    // is none, because the files are embedded in the program.
    let scripts = hydrate.then(|| {
        let options = LeptosOptions::builder()
            .output_name(assets.name("lab").to_owned())
            .site_pkg_dir(ASSETS)
            .site_root("/nonexistent")
            .build();
        view! { <HydrationScripts options islands=true /> }
    });

    let mark = view! {
        <Glyph icon=party.icon() />
        {name}
    };
    let wordmark = match at_a_site {
        true => view! { <a class="wordmark" href="/">{mark}</a> }.into_any(),
        false => view! { <span class="wordmark">{mark}</span> }.into_any(),
    };
    let foot = at_a_site.then(|| {
        view! {
            <footer class="foot" id=FOOT>
                <a class="foot-link" href=words::PATH>
                    "Glossary"
                </a>
                <AppearanceForms surroundings />
            </footer>
        }
        .into_any()
    });

    view! {
        <!DOCTYPE html>
        <html
            lang="en"
            data-party=party.slug()
            data-theme=theme.slug()
            data-scale=scale.percent().to_string()
        >
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content=description />
                <title>{title}</title>
                <link rel="stylesheet" href=stylesheet />
                <link rel="icon" type="image/svg+xml" href=favicon />
                {scripts}
            </head>
            <body>
                <a class="skip" href="#main">
                    "Skip to the content"
                </a>
                <header class="bar">
                    {wordmark}
                    {places}
                </header>
                <main id="main" class="main" tabindex="-1">
                    {children()}
                </main>
                {foot}
            </body>
        </html>
    }
}

/// The places that the header leads to, of which this path may be one, or lie below one.
fn header_links(places: Vec<(&'static str, &'static str)>, here: &str) -> impl IntoView + use<> {
    let path = here.split('?').next().unwrap_or_default();
    let links = places.into_iter().map(|(href, name)| {
        let current = match path.strip_prefix(href) {
            Some("") => Some("page"),
            Some(below) if below.starts_with('/') => Some("true"),
            _ => None,
        };
        view! {
            <li>
                <a href=href aria-current=current>
                    {name}
                </a>
            </li>
        }
    });
    view! {
        <nav class="places" aria-label="This site">
            <ul role="list">{links.collect_view()}</ul>
        </nav>
    }
}
