//! A rule of the server alone. The page can't know it: there a note is shown at once, and taken back
//! when the server rejects it.

use flux_server::reducers::{Action, Json, Rejection};
use flux_server::{Dispatch, DispatchService, Error};
use tower::filter::Filter;
use tower::layer::layer_fn;
use tower::{Layer, ServiceExt as _};

/// What is not to be written in a note, in lower case.
const SECRET: &str = "password";

/// The fields that everybody reads.
const FIELDS: [&str; 2] = ["title", "text"];

type Checked = Filter<DispatchService, fn(Dispatch) -> Result<Dispatch, Error>>;

// ANCHOR: middleware
/// A middleware that rejects notes with passwords in them.
pub(crate) fn without_passwords() -> impl Layer<DispatchService, Service = Checked> {
    layer_fn(|inner: DispatchService| inner.filter(check as fn(_) -> _))
}

fn check(dispatch: Dispatch) -> Result<Dispatch, Error> {
    for (event, action) in dispatch.actions.iter().enumerate() {
        if let Some(field) = field_with_password(action) {
            let reason = "everybody can read these notes: leave passwords out";
            let rejection = Rejection::new("password_found", reason).with_field(field);
            return Err(Error::Rejected { event, rejection });
        }
    }
    Ok(dispatch)
}
// ANCHOR_END: middleware

fn field_with_password(action: &Action) -> Option<&'static str> {
    let payload = action.payload.as_ref().map(Json::as_value)?;
    FIELDS.into_iter().find(|field| {
        let text = payload.get(field).and_then(|value| value.as_str());
        text.is_some_and(|text| text.to_lowercase().contains(SECRET))
    })
}

#[cfg(test)]
mod tests;
