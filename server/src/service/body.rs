//! Bodies: JSON in, within limits, and JSON out.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Serialize;

use super::{Problem, ServiceOptions};
use crate::strict_json::{self, NoJson};

/// Reads a JSON body.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    options: &ServiceOptions,
) -> Result<serde_json::Value, Problem> {
    check_content_type(headers)?;
    let collected = Limited::new(body, options.body_bytes_max).collect();
    let collected =
        tokio::time::timeout(options.client_timeout, collected).await.map_err(|_| {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body came too slowly")
        })?;
    let bytes = collected.map_err(|error| too_large_or_broken(&*error, options))?.to_bytes();
    strict_json::parse(&bytes, options.json_depth_max).map_err(|error| match error {
        NoJson::TooDeep { .. } => Problem::bad_request("json_too_deep", error.to_string()),
        NoJson::Malformed(text) => {
            Problem::bad_request("malformed_json", format!("the body is not JSON: {text}"))
        }
    })
}

/// Answers with JSON.
pub(super) fn of(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_response(Body::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "an answer can't be JSON");
            let detail = "the answer can't be written as JSON";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
        }
    }
}

/// Answers with a body that is JSON.
pub(super) fn json_response(body: Body) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// Insisting on the type also keeps plain forms of other sites out: a browser asks first.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = found.and_then(|value| value.split(';').next()).map(str::trim);
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!("expected `content-type: application/json`, found {}", found.unwrap_or("none")),
    ))
}

fn too_large_or_broken(
    error: &(dyn std::error::Error + Send + Sync + 'static),
    options: &ServiceOptions,
) -> Problem {
    if error.is::<LengthLimitError>() {
        let most = options.body_bytes_max;
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is larger than {most} bytes: send fewer or smaller events"),
        );
    }
    Problem::bad_request("body_broken", format!("the body ended early: {error}"))
}
