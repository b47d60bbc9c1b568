//! `/inspector`: a page to look into the store with, and what only that page asks for.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use flux_reducers::{Json, Position, Schema, Timestamp};
use serde::Serialize;

use super::parameters::{Parameters, invalid};
use super::{Problem, Service, Shared, body};
use crate::backend::own::{Generation, GenerationState};
use crate::clock::now;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const PAGE: &str = include_str!("../../inspector/page.html");

/// What the page loads, by name.
const FILES: &[(&str, &str, &str)] = &[
    ("api.js", JAVASCRIPT, include_str!("../../inspector/api.js")),
    ("changed.js", JAVASCRIPT, include_str!("../../inspector/changed.js")),
    ("documents.js", JAVASCRIPT, include_str!("../../inspector/documents.js")),
    ("element.js", JAVASCRIPT, include_str!("../../inspector/element.js")),
    ("events.js", JAVASCRIPT, include_str!("../../inspector/events.js")),
    ("feed.js", JAVASCRIPT, include_str!("../../inspector/feed.js")),
    ("format.js", JAVASCRIPT, include_str!("../../inspector/format.js")),
    ("difference.js", JAVASCRIPT, include_str!("../../inspector/difference.js")),
    ("history.js", JAVASCRIPT, include_str!("../../inspector/history.js")),
    ("icon.svg", SVG, include_str!("../../inspector/icon.svg")),
    ("log.js", JAVASCRIPT, include_str!("../../inspector/log.js")),
    ("main.js", JAVASCRIPT, include_str!("../../inspector/main.js")),
    ("panels.css", CSS, include_str!("../../inspector/panels.css")),
    ("place.js", JAVASCRIPT, include_str!("../../inspector/place.js")),
    ("rate.js", JAVASCRIPT, include_str!("../../inspector/rate.js")),
    ("rebuild.js", JAVASCRIPT, include_str!("../../inspector/rebuild.js")),
    ("style.css", CSS, include_str!("../../inspector/style.css")),
    ("throttle.js", JAVASCRIPT, include_str!("../../inspector/throttle.js")),
    ("time.js", JAVASCRIPT, include_str!("../../inspector/time.js")),
];

/// What holds for the page and its files: it runs and loads nothing but its own, nothing frames it,
/// and nothing keeps it that does not ask each time.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "private, no-cache"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Parts that a time is cut into.
const PARTS_DEFAULT: i64 = 60;
const PARTS_MAX: i64 = 500;

/// Documents that are told of one event.
const CHANGED_MAX: u64 = 20;

#[derive(Serialize)]
struct Collections<'a> {
    collections: &'a [&'static Schema],
}

#[derive(Serialize)]
struct Changed {
    documents: Vec<ChangedDocument>,
}

#[derive(Serialize)]
struct ChangedDocument {
    collection: String,
    id: Json,
}

#[derive(Serialize)]
struct Rate {
    from: Timestamp,
    to: Timestamp,
    positions: Vec<Position>,
}

#[derive(Serialize)]
struct Generations {
    position: Position,
    served: i64,
    generations: Vec<Tables>,
}

/// A set of tables as it is answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tables {
    id: i64,
    version: u32,
    state: GenerationState,
    /// How far it is built.
    position: Position,
    /// How long nothing was heard of who builds it; nothing where nobody does.
    silent_ms: Option<i64>,
}

impl Service {
    /// Serves a page at `/inspector`: the log live, every collection as it was at any position, the
    /// history of a document, how many events there were, and how far a rebuild is.
    ///
    /// The page and what it reads are behind the [authentication](Self::authentication), as
    /// everything else: whoever may read the log may use it. A browser sends cookies and, to a
    /// [challenge](Problem::with_challenge) `Basic`, a name and a password by itself; a token in a
    /// header it can't, so that a hook which wants one takes it from a cookie, too.
    ///
    /// ```
    /// # use flux_server::{Service, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let service = Service::new(store).inspector();
    /// # Ok(())
    /// # }
    /// ```
    pub const fn inspector(mut self) -> Self {
        self.has_inspector = true;
        self
    }
}

pub(super) fn routes(shared: &Shared) -> Router<Shared> {
    Router::new()
        .route("/inspector", get(async || file(HTML, PAGE)))
        // The page names its files from where it is.
        .route("/inspector/", get(async || Redirect::permanent("../inspector")))
        .route("/inspector/{file}", get(file_by_name))
        .route("/inspector/changed", get(changed))
        .route("/inspector/collections", get(collections))
        .route("/inspector/generations", get(generations))
        .route("/inspector/rate", get(rate))
        .route_layer(from_fn_with_state(shared.clone(), identified))
}

/// Lets through who is known.
async fn identified(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    shared.0.identify(&parts).await?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    (HEADERS, [(header::CONTENT_TYPE, content_type)], text).into_response()
}

async fn file_by_name(Path(name): Path<String>) -> Result<Response, Problem> {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    let (_, content_type, text) = found.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "the inspector has no such file")
    })?;
    Ok(file(content_type, text))
}

/// `GET /inspector/collections`: the schemas.
async fn collections(
    State(shared): State<Shared>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    parameters.only(&[])?;
    Ok(body::of(&Collections { collections: shared.0.store.schemas() }))
}

/// `GET /inspector/changed?position=`: documents that an event has changed.
async fn changed(
    State(shared): State<Shared>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let position = parameters.only(&["position"])?.number("position")?.map(Position::try_from);
    let Some(Ok(position)) = position else {
        return Err(invalid("position", "name an event, such as `position=7`"));
    };
    let changed = shared.0.store.changed_at(position, CHANGED_MAX).await?;
    let documents = changed.into_iter().map(|(collection, id)| ChangedDocument { collection, id });
    Ok(body::of(&Changed { documents: documents.collect() }))
}

/// `GET /inspector/rate?from=&to=&parts=`: where the parts of a time are in the log.
async fn rate(State(shared): State<Shared>, parameters: Parameters) -> Result<Response, Problem> {
    let parameters = parameters.only(&["from", "to", "parts"])?;
    let time = |name: &str| {
        let parse = |text: &str| {
            text.parse::<Timestamp>().map_err(|error| invalid(name, &format!("{error}: `{text}`")))
        };
        parameters.text(name).map(parse).transpose()
    };
    let parts = match parameters.number("parts")?.map(i64::try_from) {
        None => PARTS_DEFAULT,
        Some(Ok(parts @ 1..=PARTS_MAX)) => parts,
        Some(_) => return Err(invalid("parts", &format!("expected 1 to {PARTS_MAX} of them"))),
    };
    let rate = shared.0.store.rate(time("from")?, time("to")?, parts).await?;
    Ok(body::of(&Rate { from: rate.from, to: rate.to, positions: rate.positions }))
}

/// `GET /inspector/generations`: the sets of tables, and so how far a rebuild is.
async fn generations(
    State(shared): State<Shared>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    parameters.only(&[])?;
    let (position, generations) = shared.0.store.generations().await?;
    let tables = |it: Generation| {
        let seen_at = it.owner.and(it.seen_at);
        let silent = seen_at.map(|seen| now().as_milliseconds() - seen.as_milliseconds());
        let silent_ms = silent.map(|silent| silent.max(0));
        Tables { id: it.id, version: it.version, state: it.state, position: it.position, silent_ms }
    };
    let generations = generations.into_iter().map(tables).collect();
    Ok(body::of(&Generations { position, served: shared.0.store.generation(), generations }))
}
