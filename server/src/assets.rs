//! What browsers load: the style sheet, the lab's wasm bundle and the public files.
//!
//! `cargo xtask build` writes them to `target/site`, each beside its brotli form. A release build
//! of this crate embeds that folder, so that the program is one file; a debug build reads it.

use std::borrow::Cow;

use app::shell;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;
use serde::Deserialize;

/// Tells the names of today's hashed files. Read here, never served.
const MANIFEST: &str = "manifest.json";

/// A browser may keep a file whose name changes with its content, without asking again (RFC 8246);
/// the year, in seconds, is for those that do not know `immutable`.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A browser may keep any other file, but asks each time whether it is still the one.
const ASK: HeaderValue = HeaderValue::from_static("no-cache");

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

/// The names that pages refer to.
///
/// # Errors
///
/// When the assets are missing, incomplete or of another version.
pub fn names() -> Result<shell::Assets, AssetsError> {
    names_in(site)
}

/// Serves every asset at `/assets/{file}`.
pub fn router() -> Router {
    Router::new().route(
        "/assets/{file}",
        get(|Path(name): Path<String>, headers: HeaderMap| async move {
            respond(site, &name, &headers)
        }),
    )
}

struct File {
    bytes: Cow<'static, [u8]>,
    sha256: [u8; 32],
}

/// Where files come from: [`site`], or a test's own.
type Files = fn(&str) -> Option<File>;

fn site(name: &str) -> Option<File> {
    let file = Site::get(name)?;
    Some(File {
        sha256: file.metadata.sha256_hash(),
        bytes: file.data,
    })
}

#[derive(Deserialize)]
struct Manifest {
    stylesheet: String,
    lab: String,
}

fn names_in(files: Files) -> Result<shell::Assets, AssetsError> {
    let manifest = files(MANIFEST).ok_or(AssetsError::Missing)?;
    let Manifest { stylesheet, lab } = serde_json::from_slice(&manifest.bytes)?;
    for name in [
        stylesheet.clone(),
        format!("{lab}.js"),
        format!("{lab}_bg.wasm"),
    ] {
        if files(&name).is_none() {
            return Err(AssetsError::Incomplete(name));
        }
    }
    Ok(shell::Assets { stylesheet, lab })
}

fn respond(files: Files, name: &str, request: &HeaderMap) -> Response {
    if name == MANIFEST || name.ends_with(".br") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Some(plain) = files(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let brotli = files(&format!("{name}.br"));

    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, content_type(name));
    if brotli.is_some() {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    let file = match brotli.filter(|_| accepts_brotli(request)) {
        Some(file) => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            file
        }
        None => plain,
    };
    if is_hashed(name) {
        headers.insert(header::CACHE_CONTROL, FOREVER);
    } else {
        headers.insert(header::CACHE_CONTROL, ASK);
        // Of the bytes as sent, so the compressed form has one of its own (RFC 9110, 8.8.3).
        let tag = etag(&file.sha256);
        let known = has_tag(request, &tag);
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        if known {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
    }
    (headers, Body::from(file.bytes.into_owned())).into_response()
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

/// Whether the name has a part of 16 hexadecimal digits, as `style.0123456789abcdef.css` does.
fn is_hashed(name: &str) -> bool {
    let is_hash = |part: &str| {
        part.len() == 16
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    name.split(['.', '_']).any(is_hash)
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

fn etag(sha256: &[u8; 32]) -> String {
    let digits: String = sha256
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{digits}\"")
}

/// `If-None-Match` compares weakly (RFC 9110, 13.1.2), so a proxy's `W/` does not count.
fn has_tag(request: &HeaderMap, tag: &str) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: &str = "style.0123456789abcdef.css";

    /// A small site. The hash of a file is its length, which is enough to tell these apart.
    fn files(name: &str) -> Option<File> {
        let bytes: &[u8] = match name {
            MANIFEST => br#"{"stylesheet":"style.0123456789abcdef.css","lab":"lab.0123"}"#,
            STYLE => b"a{color:red}",
            "style.0123456789abcdef.css.br" => b"<br>",
            "lab.0123.js" | "lab.0123_bg.wasm" => b"program",
            "robots.txt" => b"User-agent: *",
            "robots.txt.br" => b"<robots>",
            _ => return None,
        };
        let mut sha256 = [0; 32];
        sha256[0] = u8::try_from(bytes.len()).unwrap();
        Some(File {
            bytes: bytes.into(),
            sha256,
        })
    }

    fn get_with(name: &str, header: (header::HeaderName, &'static str)) -> Response {
        let request = HeaderMap::from_iter([(header.0, HeaderValue::from_static(header.1))]);
        respond(files, name, &request)
    }

    fn get_plainly(name: &str) -> Response {
        respond(files, name, &HeaderMap::new())
    }

    fn header_of(response: &Response, name: header::HeaderName) -> Option<&str> {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    #[test]
    fn a_hashed_file_is_kept_for_ever() {
        let response = get_plainly(STYLE);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            header_of(&response, header::CACHE_CONTROL),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(
            header_of(&response, header::CONTENT_TYPE),
            Some("text/css; charset=utf-8")
        );
        assert_eq!(header_of(&response, header::CONTENT_ENCODING), None);
    }

    #[test]
    fn brotli_is_sent_to_whoever_takes_it() {
        let encoding = |offer| {
            let response = get_with(STYLE, (header::ACCEPT_ENCODING, offer));
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
    fn a_file_with_a_plain_name_is_asked_about_each_time() {
        let first = get_plainly("robots.txt");
        assert_eq!(header_of(&first, header::CACHE_CONTROL), Some("no-cache"));
        let tag = header_of(&first, header::ETAG).unwrap().to_owned();
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"other\", {tag}"),
            "*".into(),
        ] {
            let request = HeaderMap::from_iter([(
                header::IF_NONE_MATCH,
                HeaderValue::try_from(&known).unwrap(),
            )]);
            let again = respond(files, "robots.txt", &request);
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(
                header_of(&again, header::ETAG),
                Some(tag.as_str()),
                "{known}"
            );
        }
        let other = get_with("robots.txt", (header::IF_NONE_MATCH, "\"other\""));
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn the_compressed_form_has_a_tag_of_its_own() {
        let plain = get_plainly("robots.txt");
        let compressed = get_with("robots.txt", (header::ACCEPT_ENCODING, "br"));
        assert_ne!(
            header_of(&plain, header::ETAG),
            header_of(&compressed, header::ETAG)
        );
    }

    #[test]
    fn the_wasm_module_has_the_type_that_browsers_insist_on() {
        let response = get_plainly("lab.0123_bg.wasm");
        assert_eq!(
            header_of(&response, header::CONTENT_TYPE),
            Some("application/wasm")
        );
        let response = get_plainly("lab.0123.js");
        assert_eq!(
            header_of(&response, header::CONTENT_TYPE),
            Some("text/javascript; charset=utf-8")
        );
    }

    #[test]
    fn nothing_else_is_served() {
        for name in [
            "unknown.css",
            "",
            MANIFEST,
            "robots.txt.br",
            "../Cargo.toml",
        ] {
            assert_eq!(get_plainly(name).status(), StatusCode::NOT_FOUND, "{name}");
            let real = respond(site, name, &HeaderMap::new());
            assert_eq!(real.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }

    #[test]
    fn what_counts_as_a_hash() {
        for name in [
            STYLE,
            "lab.0123456789abcdef.js",
            "lab.0123456789abcdef_bg.wasm",
        ] {
            assert!(is_hashed(name), "{name}");
        }
        for name in ["robots.txt", "style.0123.css", "style.0123456789ABCDEF.css"] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn the_names_come_from_the_manifest() {
        let names = names_in(files).unwrap();
        assert_eq!(names.stylesheet, STYLE);
        assert_eq!(names.lab, "lab.0123");
    }

    #[test]
    fn missing_assets_say_what_to_do() {
        let error = names_in(|_| None).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the assets are missing; build with `cargo xtask build`"
        );
        let only_the_manifest: Files = |name| files(name).filter(|_| name == MANIFEST);
        let error = names_in(only_the_manifest).err().unwrap();
        assert!(matches!(error, AssetsError::Incomplete(name) if name == STYLE));
    }
}
