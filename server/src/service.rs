//! The HTTP and WebSocket service over a store: an axum `Router` to mount, or a server to run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use flux_reducers::{Event, Json, Rejection};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::TraceLayer;

use crate::store::Store;

pub use authentication::{Authenticate, Authentication, Identity};
pub use commands::CommandContext;
pub use listening::{Listening, ServeError};
pub use problem::Problem;

mod answer;
mod authentication;
mod body;
mod collections;
mod commands;
mod events;
mod history;
mod inspector;
mod listening;
mod origin;
mod parameters;
mod problem;
mod websocket;

/// A store as a service: events, commands, collections, the log, live events.
///
/// | route | what |
/// | --- | --- |
/// | `POST /events` | dispatches an action or an array of them; on condition of `expectedPosition` |
/// | `POST /commands/{name}` | runs a command: turns its input into events and dispatches them |
/// | `GET /collections?names=a,b` | whole collections, all as of one position |
/// | `GET /collections/{name}` | documents by `filter`, `order`, `limit`, `offset` |
/// | `GET /collections/{name}/{id}` | one document |
/// | these with `at=7` or `at=2016-09-26T20:32:46.588Z` | the same as it was at a position, at a time |
/// | `GET /history/{name}/{id}` | the changes of one document: event, before, after; `limit` the last ones, `before` a position |
/// | `GET /events` | the log: `after`, `afterId`, `limit`, `type`, `order` |
/// | `GET /websocket` | live events `after` a position, as JSON arrays; `afterId` as well |
/// | `GET /health` | whether the store answers, and its tables are those in use |
/// | `GET /inspector` | a page to look into all of it with, where [`inspector`](Self::inspector) says so |
///
/// Answers with documents or events have the `position` as of which they are, and the `eventId` of
/// the event there: sent back as `after` and `afterId` they resume, or are refused (409,
/// `log_replaced`) where the log is another one. Errors are `application/problem+json` (RFC 9457)
/// with a stable `code`.
///
/// ```no_run
/// use flux_server::reducers::{Action, aggregate_reducers};
/// use flux_server::{Service, Store};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// # let reducer = aggregate_reducers([]);
/// let store = Store::open(reducer, "sqlite://notes.db").await?;
/// let service = Service::new(store).command("ring", |volume: u32, _| {
///     Ok(vec![Action::new("rung").with_payload(i64::from(volume))])
/// });
/// let listening = service.listen("127.0.0.1:4000".parse()?).await?;
/// listening.run(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a service does nothing until it listens or its router is mounted"]
pub struct Service {
    store: Store,
    commands: BTreeMap<String, commands::Handler>,
    authentication: Option<Arc<dyn Authenticate>>,
    is_anonymous_allowed: bool,
    has_inspector: bool,
    options: ServiceOptions,
    mount: Box<dyn FnOnce(Router) -> Router + Send>,
}

/// The limits of a service. Each bounds what one client can take from the others.
///
/// ```
/// # use flux_server::{Service, ServiceOptions, Store};
/// # use flux_server::reducers::aggregate_reducers;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
/// let options = ServiceOptions { body_bytes_max: 64 * 1024, ..ServiceOptions::default() };
/// let service = Service::new(store).options(options);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceOptions {
    /// The most bytes of a request's body; 1 MiB unless told.
    pub body_bytes_max: usize,
    /// The most events in one request; 500 unless told, less than one dispatch may have.
    pub batch_events_max: usize,
    /// The deepest nesting of JSON in a body; unless told what an array of actions has whose
    /// payloads are as deep as they may be.
    pub json_depth_max: usize,
    /// The most events or documents that one answer has when a `limit` is given; 10,000 unless told.
    pub limit_max: u64,
    /// The most connections at once; 4,096 unless told. Others wait to be accepted.
    pub connections_max: usize,
    /// The most WebSockets at once; 2,048 unless told.
    pub websockets_max: usize,
    /// How often a WebSocket is asked whether it is alive; 20 s unless told. One that did not
    /// answer by the next time is closed.
    pub ping_interval: Duration,
    /// How long a client may take to read what it was sent, or to send a body; 10 s unless told.
    pub client_timeout: Duration,
    /// How long a shutdown waits for what is in flight; 10 s unless told.
    pub shutdown_timeout: Duration,
    /// Origins besides the service's own whose pages may use it, such as
    /// `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Names besides `localhost` under which a service that listens answers where it has neither
    /// an authentication nor [`Service::allow_anonymous`], such as that of a proxy before it.
    pub allowed_hosts: Vec<String>,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            batch_events_max: 500,
            json_depth_max: 2 + Json::DEPTH_MAX,
            limit_max: 10_000,
            connections_max: 4096,
            websockets_max: 2048,
            ping_interval: Duration::from_secs(20),
            client_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(10),
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }
}

/// What every request sees.
#[derive(Clone)]
struct Shared(Arc<Inner>);

struct Inner {
    store: Store,
    commands: BTreeMap<String, commands::Handler>,
    authentication: Option<Arc<dyn Authenticate>>,
    options: ServiceOptions,
    websockets: Arc<Semaphore>,
    /// Answers that are being read from the database.
    readings: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Service {
    /// Creates the service of a store.
    ///
    /// ```
    /// # use flux_server::{Service, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let router: axum::Router = Service::new(store).into_router();
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(store: Store) -> Self {
        Self {
            store,
            commands: BTreeMap::new(),
            authentication: None,
            is_anonymous_allowed: false,
            has_inspector: false,
            options: ServiceOptions::default(),
            mount: Box::new(|router| router),
        }
    }

    /// Adds a command: a function from its input to the events that are dispatched.
    ///
    /// Whatever is not pure happens here, not in a reducer: new ids, the time.
    ///
    /// ```
    /// # use flux_server::{Service, Store};
    /// # use flux_server::reducers::{Event, Timestamp, Uuid};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Deserialize)]
    /// struct AddNote {
    ///     title: String,
    /// }
    ///
    /// #[derive(Serialize, Deserialize, Event)]
    /// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// enum NoteEvent {
    ///     NoteAdded { id: Uuid, title: String, created: Timestamp },
    /// }
    ///
    /// # fn add(service: Service) -> Service {
    /// service.command("addNote", |input: AddNote, context| {
    ///     let (id, created) = (context.new_id(), context.now());
    ///     Ok(vec![NoteEvent::NoteAdded { id, title: input.title, created }])
    /// })
    /// # }
    /// ```
    pub fn command<I: DeserializeOwned + 'static, E: Event + 'static>(
        mut self,
        name: impl Into<String>,
        handler: impl Fn(I, &CommandContext) -> Result<Vec<E>, Rejection> + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        self.commands.insert(name.clone(), commands::handler(name, handler));
        self
    }

    /// Sets who may do what: every request but `GET /health` goes through it.
    ///
    /// ```
    /// use axum::http::request::Parts;
    /// use flux_server::{Authenticate, Authentication, Identity, Service};
    ///
    /// struct Anybody;
    ///
    /// impl Authenticate for Anybody {
    ///     fn authenticate<'a>(&'a self, _: &'a Parts) -> Authentication<'a> {
    ///         Box::pin(async { Ok(Identity { user: "anybody".to_owned() }) })
    ///     }
    /// }
    ///
    /// fn open(service: Service) -> Service {
    ///     service.authentication(Anybody)
    /// }
    /// ```
    pub fn authentication(mut self, authentication: impl Authenticate) -> Self {
        self.authentication = Some(Arc::new(authentication));
        self
    }

    /// Lets anybody who can reach the address dispatch events and read everything.
    ///
    /// ```
    /// # use flux_server::{Service, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let service = Service::new(store).allow_anonymous();
    /// let listening = service.listen("0.0.0.0:0".parse()?).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn allow_anonymous(mut self) -> Self {
        self.is_anonymous_allowed = true;
        self
    }

    /// Sets the limits.
    ///
    /// ```
    /// # use flux_server::{Service, ServiceOptions, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let service = Service::new(store).options(ServiceOptions {
    ///     allowed_origins: vec!["https://app.example.com".to_owned()],
    ///     ..ServiceOptions::default()
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn options(mut self, options: ServiceOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets where the routes are, and what else is served.
    ///
    /// ```
    /// # use flux_server::Service;
    /// # fn mount(service: Service) -> Service {
    /// service.mount(|api| axum::Router::new().nest("/api", api))
    /// # }
    /// ```
    pub fn mount(mut self, mount: impl FnOnce(Router) -> Router + Send + 'static) -> Self {
        self.mount = Box::new(mount);
        self
    }

    /// Returns the router, to mount in a server of one's own. That server decides who may reach
    /// it and under which host names, and closes the WebSockets by dropping them.
    ///
    /// ```
    /// # use flux_server::{Service, Store};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = Store::open(aggregate_reducers([]), "sqlite::memory:").await?;
    /// let app = axum::Router::new().nest("/api", Service::new(store).into_router());
    /// # let app: axum::Router = app;
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_router(self) -> Router {
        self.into_parts().router
    }

    /// Whether everybody who reaches it is answered, and nobody has said that it is meant so.
    const fn is_for_this_machine(&self) -> bool {
        self.authentication.is_none() && !self.is_anonymous_allowed
    }

    fn into_parts(self) -> Parts {
        let websockets = Arc::new(Semaphore::new(self.options.websockets_max));
        let shared = Shared(Arc::new(Inner {
            store: self.store,
            commands: self.commands,
            authentication: self.authentication,
            options: self.options,
            websockets,
            readings: Arc::new(Semaphore::new(answer::READINGS_MAX)),
            shutdown: CancellationToken::new(),
        }));
        Parts { router: (self.mount)(router(&shared, self.has_inspector)), shared }
    }
}

struct Parts {
    router: Router,
    shared: Shared,
}

fn router(shared: &Shared, has_inspector: bool) -> Router {
    let inspector = if has_inspector { inspector::routes(shared) } else { Router::new() };
    Router::new()
        .route("/events", post(events::dispatch).get(events::list))
        .route("/commands/{name}", post(commands::run))
        .route("/collections", get(collections::several))
        .route("/collections/{name}", get(collections::list))
        .route("/collections/{name}/{id}", get(collections::one))
        .route("/history/{collection}/{id}", get(history::of_document))
        .route("/websocket", get(websocket::open))
        .route("/health", get(health))
        .merge(inspector)
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not_found", "no such route"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the route is not for this method",
            )
        })
        .with_state(shared.clone())
        .layer(middleware::from_fn_with_state(shared.clone(), origin::guard_origin))
        .layer(origin::cross_origin(&shared.0.options))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TraceLayer::new_for_http())
}

async fn health(State(shared): State<Shared>) -> Result<Response, Problem> {
    let position = shared.0.store.position_in_use().await?;
    Ok(body::of(&serde_json::json!({ "status": "ok", "position": position })))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    let detail = "the server failed at this request; it is logged";
    axum::response::IntoResponse::into_response(Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        detail,
    ))
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Service")
            .field("store", &self.store)
            .field("commands", &self.commands.keys())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
