//! What browsers load: the style sheet, the wasm bundles and the public files.
//!
//! `cargo xtask build` writes them to `target/site`, each beside its brotli form. A release build
//! of this crate embeds that folder, so that the program is one file. A debug build reads it when it
//! starts: a build beside a running program changes nothing that the program serves.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    path::Path as FilePath,
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;
use ui::shell;

/// Tells the names of today's files. Read here, never served.
const MANIFEST: &str = "manifest.json";

/// A browser may keep a file without asking again (RFC 8246), because its name changes with its
/// content; the year, in seconds, is for browsers that do not know `immutable`.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

#[derive(RustEmbed)]
#[folder = "$HANDOFF_LAB_SITE"]
#[allow_missing = true]
struct Site;

/// Why the assets cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AssetsError {
    /// They were never built, or this program was compiled before they were.
    #[error("the assets are missing; build with `cargo xtask build`")]
    Missing,
    /// `manifest.json` is not what this version reads.
    #[error("the assets do not fit this program; build both with `cargo xtask build`")]
    Unreadable(#[from] serde_json::Error),
    /// `manifest.json` names a file that is not there.
    #[error("the asset {0} is missing; build with `cargo xtask build`")]
    Incomplete(String),
}

/// The files of a build. Clones are the same.
#[derive(Clone, Default)]
pub struct Assets(Arc<HashMap<String, Bytes>>);

impl Assets {
    /// Those of this program. A debug build reads them now.
    #[must_use]
    pub fn load() -> Self {
        if cfg!(debug_assertions) {
            // Not by `Site`, which hashes each file whenever it reads one.
            return Self::read(FilePath::new(env!("HANDOFF_LAB_SITE")));
        }
        let files = Site::iter().filter_map(|name| {
            let bytes = match Site::get(&name)?.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            Some((name.into_owned(), bytes))
        });
        Self(Arc::new(files.collect()))
    }

    /// The files of this folder; what cannot be read is not there.
    fn read(folder: &FilePath) -> Self {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let files = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name, std::fs::read(entry.path()).ok()?.into()))
        });
        Self(Arc::new(files.collect()))
    }

    /// The names that pages refer to.
    ///
    /// # Errors
    /// When the assets are missing, incomplete or of another version.
    pub fn names(&self) -> Result<shell::Assets, AssetsError> {
        let manifest = self.0.get(MANIFEST).ok_or(AssetsError::Missing)?;
        let names: BTreeMap<String, String> = serde_json::from_slice(manifest)?;
        for (plain, name) in &names {
            // A name without an ending is the stem of a bundle.
            let parts = match plain.contains('.') {
                true => vec![name.clone()],
                false => vec![format!("{name}.js"), format!("{name}_bg.wasm")],
            };
            if let Some(missing) = parts.into_iter().find(|part| !self.0.contains_key(part)) {
                return Err(AssetsError::Incomplete(missing));
            }
        }
        Ok(names.into_iter().collect())
    }

    /// Serves every file at `/assets/{file}`.
    pub fn router(self) -> Router {
        let serve =
            async move |Path(name): Path<String>, headers: HeaderMap| self.respond(&name, &headers);
        Router::new().route("/assets/{file}", get(serve))
    }

    fn respond(&self, name: &str, request: &HeaderMap) -> Response {
        let plain = self.0.get(name);
        let Some(plain) = plain.filter(|_| name != MANIFEST && !name.ends_with(".br")) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let brotli = self.0.get(&format!("{name}.br"));

        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, FOREVER);
        headers.insert(header::CONTENT_TYPE, content_type(name));
        if brotli.is_some() {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        let bytes = match brotli.filter(|_| accepts_brotli(request)) {
            Some(bytes) => {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
                bytes
            }
            None => plain,
        };
        (headers, Body::from(bytes.clone())).into_response()
    }
}

fn content_type(name: &str) -> HeaderValue {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let text = match kind.type_() {
        mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    };
    HeaderValue::try_from(text)
        .unwrap_or(const { HeaderValue::from_static("application/octet-stream") })
}

/// Whether the request takes `br` (RFC 9110, 12.5.3). `*` is not enough: such clients seldom
/// mean it.
fn accepts_brotli(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            let is_brotli = parts
                .next()
                .is_some_and(|coding| coding.eq_ignore_ascii_case("br"));
            is_brotli && !parts.any(is_zero_weight)
        })
}

/// `q=0`, `q=0.0` and so on: the sender refuses this one.
fn is_zero_weight(parameter: &str) -> bool {
    let weight = parameter
        .strip_prefix("q=")
        .or_else(|| parameter.strip_prefix("Q="));
    weight.and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: &str = "style.0123.css";
    const NAMES: &[u8] = br#"{"style.css":"style.0123.css","lab":"lab.4567"}"#;

    /// A small site.
    fn files() -> Assets {
        let files: [(&str, &'static [u8]); 5] = [
            (MANIFEST, NAMES),
            (STYLE, b"a{color:red}"),
            ("style.0123.css.br", b"<br>"),
            ("lab.4567.js", b"program"),
            ("lab.4567_bg.wasm", b"program"),
        ];
        let files = files.map(|(name, bytes)| (name.to_owned(), Bytes::from_static(bytes)));
        Assets(Arc::new(files.into()))
    }

    fn get_plainly(name: &str) -> Response {
        files().respond(name, &HeaderMap::new())
    }

    fn header_of(response: &Response, name: header::HeaderName) -> Option<&str> {
        let value = response.headers().get(name);
        value.map(|value| value.to_str().unwrap())
    }

    #[test]
    fn every_file_is_kept_for_ever_and_has_its_type() {
        for (name, kind) in [
            (STYLE, "text/css; charset=utf-8"),
            ("lab.4567.js", "text/javascript; charset=utf-8"),
            // The one that browsers insist on.
            ("lab.4567_bg.wasm", "application/wasm"),
        ] {
            let response = get_plainly(name);
            assert_eq!(response.status(), StatusCode::OK);
            for (header, value) in [
                (
                    header::CACHE_CONTROL,
                    Some("public, max-age=31536000, immutable"),
                ),
                (header::CONTENT_TYPE, Some(kind)),
                (header::CONTENT_ENCODING, None),
            ] {
                assert_eq!(header_of(&response, header), value, "{name}");
            }
        }
    }

    #[test]
    fn brotli_is_sent_to_whoever_takes_it() {
        let encoding = |offer| {
            let offered = (header::ACCEPT_ENCODING, HeaderValue::from_static(offer));
            let response = files().respond(STYLE, &HeaderMap::from_iter([offered]));
            assert_eq!(
                header_of(&response, header::VARY),
                Some("accept-encoding"),
                "{offer}"
            );
            header_of(&response, header::CONTENT_ENCODING).map(str::to_owned)
        };
        for offer in ["br", "gzip, deflate, br", "gzip;q=0.5, BR;q=0.1"] {
            assert_eq!(encoding(offer).as_deref(), Some("br"), "{offer}");
        }
        for offer in ["", "gzip", "br;q=0", "br; q=0.000", "*", "brotli"] {
            assert_eq!(encoding(offer), None, "{offer}");
        }
    }

    #[test]
    fn nothing_else_is_served() {
        let real = Assets::load();
        for name in [
            "unknown.css",
            "",
            MANIFEST,
            "style.css",
            "style.0123.css.br",
            "../Cargo.toml",
        ] {
            for assets in [&files(), &real] {
                let response = assets.respond(name, &HeaderMap::new());
                assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
            }
        }
    }

    #[tokio::test]
    async fn what_was_read_at_the_start_is_served_whatever_a_build_does_beside() {
        let folder = tempfile::tempdir().unwrap();
        let written = [(MANIFEST, NAMES), (STYLE, b"a{}"), ("lab.4567.js", b"")];
        for (name, bytes) in written.into_iter().chain([("lab.4567_bg.wasm", &b""[..])]) {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let assets = Assets::read(folder.path());
        std::fs::write(folder.path().join(STYLE), b"b{}").unwrap();
        std::fs::remove_file(folder.path().join("lab.4567.js")).unwrap();
        std::fs::write(folder.path().join("new.89ab.css"), b"").unwrap();

        assert!(assets.names().is_ok());
        let style = assets.respond(STYLE, &HeaderMap::new());
        let bytes = axum::body::to_bytes(style.into_body(), 100).await.unwrap();
        assert_eq!(bytes, "a{}");
        for (name, status) in [
            ("lab.4567.js", StatusCode::OK),
            ("new.89ab.css", StatusCode::NOT_FOUND),
        ] {
            let response = assets.respond(name, &HeaderMap::new());
            assert_eq!(response.status(), status, "{name}");
        }
        // The next program serves the next build.
        let next = Assets::read(folder.path());
        assert!(
            matches!(next.names(), Err(AssetsError::Incomplete(name)) if name == "lab.4567.js")
        );
    }

    #[test]
    fn the_names_come_from_the_manifest() {
        let names = files().names().unwrap();
        assert_eq!(names.name("style.css"), STYLE);
        assert_eq!(names.name("lab"), "lab.4567");
    }

    #[test]
    fn missing_assets_say_what_to_do() {
        let error = Assets::default().names().err().unwrap();
        assert_eq!(
            error.to_string(),
            "the assets are missing; build with `cargo xtask build`"
        );
        for part in [STYLE, "lab.4567.js", "lab.4567_bg.wasm"] {
            let mut some = HashMap::clone(&files().0);
            some.remove(part);
            let error = Assets(Arc::new(some)).names().err().unwrap();
            assert!(matches!(error, AssetsError::Incomplete(name) if name == part));
        }
    }
}
