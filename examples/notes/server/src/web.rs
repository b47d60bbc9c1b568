//! The web page, with the API beside it.

use std::path::Path;

use axum::Router;
use axum::http::{HeaderValue, header};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// What the page may load and run: its own files only, WebAssembly included.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'";

// ANCHOR: websocket
/// Serves the page at `/` and the API, its WebSocket included, under `/api`.
pub(crate) fn page_with_api(page: &Path, api: Router) -> Router {
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    Router::new()
        .nest("/api", api)
        .fallback_service(ServeDir::new(page))
        .layer(SetResponseHeaderLayer::if_not_present(header::CONTENT_SECURITY_POLICY, policy))
}
// ANCHOR_END: websocket

/// Warns where the page is not built: whoever opens the address would find nothing.
pub(crate) fn warn_if_missing(page: &Path) {
    let index = page.join("index.html");
    if !index.is_file() {
        tracing::warn!(
            "the web page is missing, only the API is served: there is no {}; build the page as \
             examples/notes/web/README.md says, or name its folder with --web",
            index.display()
        );
    }
}
