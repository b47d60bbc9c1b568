//! Why an event was refused: a stable code, a sentence, the field at fault.

use alloc::borrow::Cow;
use alloc::string::String;

use serde::{Deserialize, Serialize};

/// A reducer's or a schema's refusal of an event. Nothing is changed and nothing is recorded.
///
/// The code is stable and meant for programs, the message for people.
///
/// ```
/// use flux_reducers::Rejection;
///
/// let rejection = Rejection::new("title_taken", "another note has the title `Milk`")
///     .with_field("title");
/// assert_eq!(rejection.code(), "title_taken");
/// assert_eq!(rejection.field(), Some("title"));
/// assert_eq!(rejection.to_string(), "another note has the title `Milk`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    code: Cow<'static, str>,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Rejection {
    /// Creates a rejection with a stable code and a message for people.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let rejection = Rejection::new("too_late", "it is too late");
    /// assert_eq!(rejection.code(), "too_late");
    /// ```
    #[cold]
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), field: None }
    }

    /// Names the field at fault.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let rejection = Rejection::new("title_taken", "choose another title").with_field("title");
    /// assert_eq!(rejection.field(), Some("title"));
    /// ```
    #[must_use]
    #[cold]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Returns the stable code, such as `document_exists`.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let rejection = Rejection::new("title_taken", "choose another title").with_field("title");
    /// assert_eq!(rejection.code(), "title_taken");
    /// ```
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the message for people.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let rejection = Rejection::new("title_taken", "choose another title").with_field("title");
    /// assert_eq!(rejection.message(), "choose another title");
    /// ```
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the field at fault, if it is one field's fault.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let rejection = Rejection::new("title_taken", "choose another title").with_field("title");
    /// assert_eq!(rejection.field(), Some("title"));
    /// ```
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

/// The codes of the rejections that this crate itself makes. An app adds its own.
pub mod code {
    /// `create` of an id that the collection has.
    pub const DOCUMENT_EXISTS: &str = "document_exists";
    /// A value in a `unique` field that another document has.
    pub const VALUE_TAKEN: &str = "value_taken";
    /// A payload that does not fit its event type.
    pub const INVALID_PAYLOAD: &str = "invalid_payload";
    /// An event of a newer version than its type has: see `#[event(version = ..)]` of
    /// [`Event`](crate::Event).
    pub const UNKNOWN_VERSION: &str = "unknown_version";
    /// A value that does not fit its field's kind.
    pub const INVALID_VALUE: &str = "invalid_value";
    /// A document without a field that is not nullable.
    pub const MISSING_FIELD: &str = "missing_field";
    /// A field that the schema does not have.
    pub const UNKNOWN_FIELD: &str = "unknown_field";
    /// A collection that the database does not have.
    pub const UNKNOWN_COLLECTION: &str = "unknown_collection";
    /// A filter or an order that makes no sense for its field.
    pub const INVALID_FILTER: &str = "invalid_filter";
    /// A patch of the id, or a document that changes its id.
    pub const ID_IS_FIXED: &str = "id_is_fixed";
    /// A change of the collection `events` other than logging the event at hand.
    pub const EVENT_LOG_IS_APPEND_ONLY: &str = "event_log_is_append_only";

    /// All of them.
    pub const ALL: &[&str] = &[
        DOCUMENT_EXISTS,
        VALUE_TAKEN,
        INVALID_PAYLOAD,
        UNKNOWN_VERSION,
        INVALID_VALUE,
        MISSING_FIELD,
        UNKNOWN_FIELD,
        UNKNOWN_COLLECTION,
        INVALID_FILTER,
        ID_IS_FIXED,
        EVENT_LOG_IS_APPEND_ONLY,
    ];
}
