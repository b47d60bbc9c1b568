//! Bodies: JSON in, within limits, and JSON out.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Serialize;

use super::{Problem, ServiceOptions};

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
    check_depth(&bytes, options.json_depth_max)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Problem::bad_request("malformed_json", format!("the body is not JSON: {error}"))
    })
}

/// Answers with JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer can't be JSON");
            let detail = "the answer can't be written as JSON";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
        }
    }
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

/// Counts brackets outside of text before anything is parsed, so that depth costs no stack.
fn check_depth(json: &[u8], most: usize) -> Result<(), Problem> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'[' | b'{' if !is_text => depth += 1,
            b']' | b'}' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return Err(Problem::bad_request(
                "json_too_deep",
                format!("the JSON is nested deeper than {most} levels"),
            ));
        }
    }
    Ok(())
}
