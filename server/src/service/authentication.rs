//! Who may do what: the hook that an app gives.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use axum::http::StatusCode;
use axum::http::request::Parts;
use flux_reducers::Action;

use super::{Inner, Problem};

/// Who made a request. It goes to the `meta.user` of every event of that request.
///
/// ```
/// use flux_server::Identity;
///
/// let identity = Identity { user: "ann".to_owned() };
/// assert_eq!(identity.user, "ann");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user's name, or what stands for it.
    pub user: String,
}

/// The answer of [`Authenticate::authenticate`], when it is there.
///
/// ```
/// use flux_server::{Authentication, Identity};
///
/// fn as_ann<'a>() -> Authentication<'a> {
///     Box::pin(async { Ok(Identity { user: "ann".to_owned() }) })
/// }
/// ```
pub type Authentication<'a> = Pin<Box<dyn Future<Output = Result<Identity, Problem>> + Send + 'a>>;

/// Turns a request into an identity, and says which events it may dispatch.
///
/// ```
/// use axum::http::{StatusCode, header, request::Parts};
/// use flux_server::{Authenticate, Authentication, Identity, Problem};
///
/// struct ApiKey(&'static str);
///
/// impl Authenticate for ApiKey {
///     fn authenticate<'a>(&'a self, request: &'a Parts) -> Authentication<'a> {
///         Box::pin(async move {
///             let given = request.headers.get(header::AUTHORIZATION);
///             if given.is_some_and(|given| given.as_bytes() == self.0.as_bytes()) {
///                 return Ok(Identity { user: "ann".into() });
///             }
///             Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "send the API key"))
///         })
///     }
///
///     fn may_dispatch(&self, identity: &Identity, event_type: &str) -> bool {
///         identity.user == "ann" || event_type != "noteRemoved"
///     }
/// }
/// ```
pub trait Authenticate: Send + Sync + 'static {
    /// Tells who made the request, from its headers.
    ///
    /// The error is the answer: usually 401.
    fn authenticate<'a>(&'a self, request: &'a Parts) -> Authentication<'a>;

    /// Tells whether the identity may dispatch events of this type. Yes, unless told otherwise.
    fn may_dispatch(&self, identity: &Identity, event_type: &str) -> bool {
        let _ = (identity, event_type);
        true
    }
}

impl Inner {
    /// Returns who made the request; nobody where the service is anonymous.
    pub(super) async fn identify(&self, request: &Parts) -> Result<Option<Identity>, Problem> {
        match &self.authentication {
            Some(hook) => hook.authenticate(request).await.map(Some),
            None => Ok(None),
        }
    }

    /// Refuses what the identity may not dispatch, and writes it into `meta.user`.
    pub(super) fn authorize(
        &self,
        identity: Option<&Identity>,
        actions: Vec<Action>,
    ) -> Result<Vec<Action>, Problem> {
        let (Some(hook), Some(identity)) = (&self.authentication, identity) else {
            return Ok(actions);
        };
        let refused = actions.iter().find(|it| !hook.may_dispatch(identity, &it.event_type));
        if let Some(action) = refused {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                format!("{} may not dispatch `{}`", identity.user, action.event_type),
            ));
        }
        let signed = |action: Action| action.with_meta("user", identity.user.as_str());
        Ok(actions.into_iter().map(signed).collect())
    }
}

impl fmt::Debug for dyn Authenticate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Authenticate")
    }
}
