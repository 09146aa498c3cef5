//! The dashboard: the files of `api/web`, which are part of the binary (`docs/DASHBOARD.md`).
//!
//! `index.html` names its files under `/assets/`. It is served with `/assets/<version>/` in their place, where the
//! version is a hash over all files: a browser may keep each of them for a year, and a new binary has new names.
//! The paths of the pages all answer with `index.html`; which page it is, its scripts read off the address. The
//! content policy lets in what comes from here and the one inline text that a page cannot do without, its import
//! map, by that text's hash. (<https://www.w3.org/TR/CSP3/#match-element-to-source-list>)
//!
//! All of it is for everybody: it holds no figures, and signing in happens on it.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

/// The pages' paths; what stands behind the second part is for the page.
const PAGES: [&str; 7] = [
    "/",
    "/shipments",
    "/shipments/{*item}",
    "/replays",
    "/replays/{*item}",
    "/pipeline",
    "/compare",
];
const PAGE: &str = "index.html";
const MAP_BEGIN: &str = "<script type=\"importmap\">";
const MAP_END: &str = "</script>";

/// The files. A debug build reads them from the source tree as they are at the moment.
#[derive(RustEmbed)]
#[folder = "web/"]
struct Files;

/// What is made of the files once.
struct Site {
    /// Hash over all of them.
    version: String,
    page: String,
    /// The page's content policy.
    policy: String,
}

static SITE: LazyLock<Site> = LazyLock::new(Site::read);

impl Site {
    fn read() -> Self {
        let mut names: Vec<_> = Files::iter().collect();
        names.sort_unstable();
        let mut all = Sha256::new();
        for name in names {
            let file = Files::get(&name).expect("a file that is listed");
            all.update(name.as_bytes());
            all.update(file.metadata.sha256_hash());
        }
        let version = hex(&all.finalize()[..8]);
        let page = Files::get(PAGE).expect("the page");
        let page = String::from_utf8_lossy(&page.data);
        let page = page.replace("\"/assets/", &format!("\"/assets/{version}/"));
        let policy = policy(&page);
        Self {
            version,
            page,
            policy,
        }
    }
}

/// The policy of a page with this import map.
fn policy(page: &str) -> String {
    let map = page
        .split_once(MAP_BEGIN)
        .and_then(|(_, after)| after.split_once(MAP_END))
        .map_or("", |(map, _)| map);
    let hash = STANDARD.encode(Sha256::digest(map));
    format!(
        "default-src 'self'; script-src 'self' 'sha256-{hash}'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; object-src 'none'"
    )
}

/// The pages and their files.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let assets = Router::new().route("/assets/{version}/{*file}", get(asset));
    PAGES
        .into_iter()
        .fold(assets, |router, path| router.route(path, get(page)))
}

async fn page(headers: HeaderMap) -> Response {
    let etag = format!("\"{}\"", SITE.version);
    // Also with a 304: a browser puts its headers in the place of those that it has kept.
    let kept = [
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, &SITE.policy),
        (ETAG, &etag),
    ];
    if is_known(&headers, &etag) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    (kept, kind, SITE.page.as_str()).into_response()
}

async fn asset(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&name).filter(|_| name != PAGE) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..8]));
    // Files of a debug build may change under the same version.
    let keeps = version == SITE.version && !cfg!(debug_assertions);
    let cache = if keeps {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    if is_known(&headers, &etag) {
        return (
            StatusCode::NOT_MODIFIED,
            [(ETAG, etag.as_str()), (CACHE_CONTROL, cache)],
        )
            .into_response();
    }
    let headers = [
        (CONTENT_TYPE, content_type(&name)),
        (CACHE_CONTROL, cache),
        (ETAG, &etag),
    ];
    (headers, file.data).into_response()
}

/// Whether the browser has it already (RFC 9110, section 13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(IF_NONE_MATCH);
    let known = known
        .and_then(|known| known.to_str().ok())
        .unwrap_or_default();
    known
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == etag || one == "*")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_lets_in_the_import_map_of_the_page_and_no_other_text() {
        // printf '{}' | openssl dgst -sha256 -binary | base64
        let page = "<script type=\"importmap\">{}</script><script>alert(1)</script>";
        let hash = "sha256-RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=";
        assert!(policy(page).contains(&format!("script-src 'self' '{hash}';")));
        assert!(!policy(page).contains("unsafe"));
    }

    #[test]
    fn every_file_that_the_page_names_is_there_under_its_version() {
        let prefix = format!("\"/assets/{}/", SITE.version);
        let mut names: Vec<&str> = SITE.page.split(&prefix).skip(1).collect();
        assert!(names.len() > 8, "{}", SITE.page);
        for name in &mut names {
            let (name, _) = name.split_once('"').unwrap();
            assert!(Files::get(name).is_some(), "{name}");
        }
        assert!(!SITE.page.contains("\"/assets/\""));
    }
}
