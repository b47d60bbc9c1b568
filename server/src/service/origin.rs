//! Which web pages may talk to the service: the origin that a browser names, and the host that it
//! thinks it talks to.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{Problem, ServiceOptions, Shared};

/// Lets pages of the allowed origins read the answers.
pub(super) fn cross_origin(options: &ServiceOptions) -> CorsLayer {
    let origins = options.allowed_origins.iter();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.filter_map(|it| HeaderValue::from_str(it).ok())))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .allow_credentials(true)
}

/// Refuses what pages of other origins send: browsers keep them from reading the answer, and from
/// little else.
pub(super) async fn guard_origin(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !request.method().is_safe() {
        check_origin(request.headers(), request.uri(), &shared.0.options)?;
    }
    Ok(next.run(request).await)
}

/// Refuses a request that a page of another origin makes. A WebSocket needs it too: it begins as
/// a GET, browsers send cookies along with it, and no rule of theirs stops it.
pub(super) fn check_origin(
    headers: &HeaderMap,
    uri: &Uri,
    options: &ServiceOptions,
) -> Result<(), Problem> {
    let Some(origin) = text(headers, header::ORIGIN) else {
        return Ok(());
    };
    let of_page = origin.split_once("://").map(|(_, host)| host);
    let is_own = of_page.is_some() && of_page == host(headers, uri);
    if is_own || options.allowed_origins.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "origin_forbidden",
        format!("pages of {origin} may not connect: allow the origin in the service's options"),
    ))
}

/// Refuses requests to hosts that are not this machine. A page may point a name of its own at
/// 127.0.0.1 (DNS rebinding): to the browser the service is then of the page's own origin, and only
/// the name tells.
pub(super) async fn guard_host(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    match host(request.headers(), request.uri()) {
        Some(host) if !is_allowed(host, &shared.0.options.allowed_hosts) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "host_forbidden",
            format!(
                "without authentication only requests to this machine are answered, such as to \
                 localhost, and this one is to `{host}`: allow the host in the service's options"
            ),
        )),
        // No browser leaves it out.
        _ => Ok(next.run(request).await),
    }
}

fn is_allowed(host: &str, allowed: &[String]) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.is_ok_and(|address| address.is_loopback())
        || name.eq_ignore_ascii_case("localhost")
        || allowed.iter().any(|allowed| name.eq_ignore_ascii_case(allowed))
}

/// Returns the host and port that the request was sent to.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    text(headers, header::HOST).or_else(|| uri.authority().map(Authority::as_str))
}

/// Returns a header; a text that is no host and no origin where it is not readable.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}
