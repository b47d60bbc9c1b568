//! The query part of a URL: each parameter known, given once, and of the right kind.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query as UrlQuery};
use axum::http::request::Parts;
use flux_reducers::{Filter, Position, Query, Uuid};

use super::Problem;
use crate::checkpoint::Checkpoint;
use crate::store::Moment;

/// Results in an answer unless `limit` says otherwise.
const PAGE_DEFAULT: u64 = 100;

/// The parameters of a request, by name.
#[derive(Debug)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let UrlQuery(pairs) = UrlQuery::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Problem::bad_request("invalid_parameter", error.to_string()))?;
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            if parameters.insert(name.clone(), value).is_some() {
                return Err(invalid(&name, "it is given twice"));
            }
        }
        Ok(Self(parameters))
    }
}

impl Parameters {
    /// Refuses parameters other than these: a misspelt one would change the answer in silence.
    pub(super) fn only(self, known: &[&str]) -> Result<Self, Problem> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(self),
            Some(name) if known.is_empty() => Err(invalid(name, "there are none here")),
            Some(name) => {
                let there_are =
                    format!("there is none of that name; there are {}", known.join(", "));
                Err(invalid(name, &there_are))
            }
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns a whole number that is not negative.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let parse = |text: &str| {
            let number = text.parse().ok().filter(|number| i64::try_from(*number).is_ok());
            number
                .ok_or_else(|| invalid(name, &format!("expected a number from 0, found `{text}`")))
        };
        self.text(name).map(parse).transpose()
    }

    /// Returns a position.
    pub(super) fn position(&self, name: &str) -> Result<Option<Position>, Problem> {
        Ok(self.number(name)?.and_then(|number| Position::try_from(number).ok()))
    }

    /// Returns the place in the log that `after` and `afterId` name.
    pub(super) fn after(&self) -> Result<Option<Checkpoint>, Problem> {
        let after = self.position("after")?;
        let event_id = self.text("afterId").map(|text| {
            let id = text.parse::<Uuid>();
            id.map_err(|_| invalid("afterId", &format!("expected a UUID, found `{text}`")))
        });
        match (after, event_id.transpose()?) {
            (None, Some(_)) => Err(invalid("afterId", "it goes with `after`: give both")),
            (after, event_id) => Ok(after.map(|position| Checkpoint { position, event_id })),
        }
    }

    /// Returns the moment that `at` names: a position, or a time.
    pub(super) fn moment(&self) -> Result<Option<Moment>, Problem> {
        let parse = |text: &str| {
            let moment = text.parse::<Moment>();
            moment.map_err(|error| invalid("at", &format!("{error}, found `{text}`")))
        };
        self.text("at").map(parse).transpose()
    }

    /// Returns how many of a list to answer: few unless told.
    pub(super) fn page(&self, most: u64) -> Result<u64, Problem> {
        Ok(self.limit(most)?.unwrap_or(PAGE_DEFAULT))
    }

    /// Returns a number of results, at most `most`.
    pub(super) fn limit(&self, most: u64) -> Result<Option<u64>, Problem> {
        let limit = self.number("limit")?;
        match limit.filter(|limit| *limit > most) {
            None => Ok(limit),
            Some(limit) => Err(invalid("limit", &format!("{limit} is more than {most}"))),
        }
    }

    /// Returns the query that `filter`, `order`, `limit`, `offset` ask for.
    pub(super) fn query(&self, limit_max: u64) -> Result<Query, Problem> {
        let filter = match self.text("filter") {
            None => Filter::all(),
            Some(text) => serde_json::from_str(text).map_err(|error| {
                let detail = format!(
                    "the filter is not one, such as {{\"eq\":[\"title\",\"Milk\"]}}: {error}"
                );
                Problem::bad_request("invalid_filter", detail).with_field("filter")
            })?,
        };
        let mut query = Query::from(filter);
        let fields = self.text("order").into_iter().flat_map(|order| order.split(','));
        for field in fields.filter(|field| !field.is_empty()) {
            query = query.ordered(field);
        }
        if let Some(limit) = self.limit(limit_max)? {
            query = query.limit(limit);
        }
        Ok(query.offset(self.number("offset")?.unwrap_or(0)))
    }
}

pub(super) fn invalid(name: &str, reason: &str) -> Problem {
    let detail = format!("query parameter `{name}`: {reason}");
    Problem::bad_request("invalid_parameter", detail).with_field(name)
}
