//! Errors over HTTP: `application/problem+json` (RFC 9457) with a stable code.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flux_reducers::{Rejection, code};
use serde_json::json;

use crate::error::Error;

/// An error as the service answers it.
///
/// ```
/// use axum::http::StatusCode;
/// use flux_server::Problem;
///
/// let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", "ann may not remove notes");
/// assert_eq!(problem.code(), "forbidden");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    status: StatusCode,
    code: String,
    detail: String,
    field: Option<String>,
    event: Option<usize>,
    challenge: Option<String>,
}

impl Problem {
    /// Creates a problem with a stable code and a sentence for people.
    ///
    /// ```
    /// use axum::http::StatusCode;
    /// use flux_server::Problem;
    ///
    /// let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in first");
    /// assert_eq!(problem.to_string(), "sign in first");
    /// ```
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self { status, code, detail, field: None, event: None, challenge: None }
    }

    /// Says in `WWW-Authenticate` how to be let in. To `Basic` a browser asks its user for a name
    /// and a password, and sends them with each request from then on.
    ///
    /// ```
    /// use axum::http::StatusCode;
    /// use flux_server::Problem;
    ///
    /// let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in first");
    /// let problem = problem.with_challenge("Basic realm=\"notes\"");
    /// ```
    #[must_use]
    pub fn with_challenge(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(challenge.into());
        self
    }

    /// Returns the stable code.
    ///
    /// ```
    /// use axum::http::StatusCode;
    /// use flux_server::Problem;
    ///
    /// let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in first");
    /// assert_eq!(problem.code(), "unauthorized");
    /// ```
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    pub(super) fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(super) fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    fn of_rejection(status: StatusCode, rejection: &Rejection) -> Self {
        let mut problem = Self::new(status, rejection.code(), rejection.message());
        problem.field = rejection.field().map(str::to_owned);
        problem
    }
}

/// A refusal of what a request asks for, before there is an event.
impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self::of_rejection(StatusCode::UNPROCESSABLE_ENTITY, &rejection)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::Rejected { event, rejection } => {
                let problem = Self::of_rejection(StatusCode::UNPROCESSABLE_ENTITY, rejection);
                Self { event: Some(*event), ..problem }
            }
            Error::Query(rejection) if rejection.code() == code::UNKNOWN_COLLECTION => {
                Self::of_rejection(StatusCode::NOT_FOUND, rejection)
            }
            Error::Query(rejection) => Self::of_rejection(StatusCode::BAD_REQUEST, rejection),
            Error::EventIdTaken { event, .. } => {
                let problem = Self::new(StatusCode::CONFLICT, error.code(), error.to_string());
                Self { event: Some(*event), ..problem.with_field("id") }
            }
            Error::PositionAhead { .. }
            | Error::PositionMoved { .. }
            | Error::LogReplaced { .. }
            | Error::ReplayStopped { .. } => {
                Self::new(StatusCode::CONFLICT, error.code(), error.to_string())
            }
            Error::HistoryNotKept => {
                Self::new(StatusCode::NOT_FOUND, error.code(), error.to_string())
            }
            Error::TooManyEvents { .. } | Error::TooLarge { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.code(), error.to_string())
            }
            Error::Busy { .. } | Error::Closed | Error::Superseded | Error::Unanswered { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), error.to_string())
            }
            Error::Refused(_) => {
                tracing::error!(%error, "the database refused an event");
                let detail = "the database refuses what the event changes; sent again, it will too";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.code(), detail)
            }
            Error::Database { .. } => {
                tracing::error!(%error, "the database failed");
                let detail = "the database failed; try again with the same event ids";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), detail)
            }
            _ => {
                tracing::error!(%error, "a request failed");
                let detail = "the server can't do that; the reason is in its log";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.code(), detail)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Some(field) = self.field {
            body["field"] = field.into();
        }
        if let Some(event) = self.event {
            body["event"] = event.into();
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let challenge = self.challenge.and_then(|it| HeaderValue::try_from(it).ok());
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
