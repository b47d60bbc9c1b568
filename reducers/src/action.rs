//! Flux Standard Actions: what is dispatched, and what the log keeps of it.

use alloc::string::String;

use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;

use crate::decode::{Decode, Decoder, Misfit, by_serde};
use crate::document::{Document, FieldType};
use crate::fields::Fields;
use crate::json::Json;
use crate::rejection::{Rejection, code};
use crate::schema::{Field, Kind, Row, Schema};
use crate::shape::{Describe, Property, Shape};
use crate::timestamp::Timestamp;
use crate::value::{Value, ValueError};

/// An event's place in a store's log: 1 for the first, then without gaps.
///
/// ```
/// use flux_reducers::Position;
///
/// let first: Position = 1;
/// ```
pub type Position = i64;

/// An event as it is dispatched: a [Flux Standard Action], with what is known of its record.
///
/// [Flux Standard Action]: https://github.com/redux-utilities/flux-standard-action
///
/// ```
/// use flux_reducers::Action;
///
/// let action: Action = serde_json::from_str(r#"{"type":"noteRemoved","payload":{"id":7}}"#)?;
/// assert_eq!(action.event_type, "noteRemoved");
/// assert!(action.position.is_none(), "not recorded yet");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The event's id. A store that has it already answers with the first result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// When it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// What happened, such as `noteAdded`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Json>,
    /// What is not part of the facts, such as the `user`: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub meta: Option<Json>,
    /// Whether it tells of an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<bool>,
    /// Its place in the log, once it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// An event in the log.
///
/// ```
/// use flux_reducers::RecordedEvent;
///
/// let json = r#"{"id":"c4490491-8d0b-4d8f-b3f8-4d2f4b6b3a50","timestamp":"2016-09-20T07:04:21.000Z","type":"noteAdded","payload":{"title":"Milk"},"meta":{"user":"ann"},"position":7}"#;
/// let event: RecordedEvent = serde_json::from_str(json)?;
/// assert_eq!(event.position, 7);
/// assert_eq!(serde_json::to_string(&event)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedEvent {
    /// The event's id.
    pub id: Uuid,
    /// When it was recorded. It never goes back from one position to the next.
    pub timestamp: Timestamp,
    /// What happened, such as `noteAdded`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Json>,
    /// What is not part of the facts, such as the `user`: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub meta: Option<Json>,
    /// Whether it tells of an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<bool>,
    /// Its place in the log.
    pub position: Position,
}

impl Action {
    /// Creates an action without a payload.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let action = Action::new("doorOpened");
    /// assert_eq!(action.payload, None);
    /// ```
    pub fn new(event_type: impl Into<String>) -> Self {
        Self { event_type: event_type.into(), ..Self::default() }
    }

    /// Sets the payload.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let action = Action::new("rung").with_payload(7_i64);
    /// assert_eq!(action.payload, Some(Json::from(7_i64)));
    /// ```
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Json>) -> Self {
        self.payload = Some(payload.into()).filter(|payload| !payload.as_value().is_null());
        self
    }

    /// Sets the event's id.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let action = Action::new("rung").with_id(Uuid::from_u128(1));
    /// assert!(action.id.is_some());
    /// ```
    #[must_use]
    pub const fn with_id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets one member of `meta`, such as `user`.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let action = Action::new("rung").with_meta("user", "ann");
    /// assert_eq!(action.meta.unwrap().to_string(), r#"{"user":"ann"}"#);
    /// ```
    #[must_use]
    pub fn with_meta(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        let mut members = match self.meta.map(Json::into_value) {
            Some(serde_json::Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        };
        members.insert(name.into(), value.into().into_value());
        self.meta = Some(Json::new(members.into()));
        self
    }

    /// Returns a member of `meta`, such as `user`.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let action = Action::new("rung").with_meta("user", "ann");
    /// assert_eq!(action.meta("user").and_then(|user| user.as_str()), Some("ann"));
    /// ```
    #[must_use]
    pub fn meta(&self, name: &str) -> Option<&serde_json::Value> {
        self.meta.as_ref()?.as_value().get(name)
    }

    /// Returns the event as the log keeps it, if it is recorded: if it has an id, a timestamp and
    /// a position.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Action::new("rung").into_recorded(), None, "it has no position yet");
    /// ```
    #[must_use]
    pub fn into_recorded(self) -> Option<RecordedEvent> {
        Some(RecordedEvent {
            id: self.id?,
            timestamp: self.timestamp?,
            event_type: self.event_type,
            payload: self.payload,
            meta: self.meta,
            error: self.error,
            position: self.position?,
        })
    }
}

impl From<RecordedEvent> for Action {
    fn from(event: RecordedEvent) -> Self {
        Self {
            id: Some(event.id),
            timestamp: Some(event.timestamp),
            event_type: event.event_type,
            payload: event.payload,
            meta: event.meta,
            error: event.error,
            position: Some(event.position),
        }
    }
}

impl Decode for RecordedEvent {
    fn decode(decoder: &mut dyn Decoder) -> Result<Self, Misfit> {
        by_serde(decoder)
    }
}

/// The log as the collection `events`.
impl Document for RecordedEvent {
    const SCHEMA: &'static Schema = &Schema { collection: "events", fields: FIELDS, id: 0 };

    type Patch = Fields;

    fn to_fields(&self) -> Fields {
        let values = [
            Value::Uuid(self.id),
            Value::Timestamp(self.timestamp),
            Value::from(&self.event_type),
            self.payload.to_value(),
            self.meta.to_value(),
            self.error.to_value(),
            Value::Integer(self.position),
        ];
        FIELDS.iter().map(|field| field.name).zip(values).collect()
    }

    fn from_row(row: &Row) -> Result<Self, ValueError> {
        if row.values().len() != FIELDS.len() {
            return Err(ValueError::new("a row of `events` with 7 values", row.values().len()));
        }
        Ok(Self {
            id: FieldType::from_value(&row[0])?,
            timestamp: FieldType::from_value(&row[1])?,
            event_type: FieldType::from_value(&row[2])?,
            payload: FieldType::from_value(&row[3])?,
            meta: FieldType::from_value(&row[4])?,
            error: FieldType::from_value(&row[5])?,
            position: FieldType::from_value(&row[6])?,
        })
    }
}

impl Describe for RecordedEvent {
    const NAME: &'static str = "RecordedEvent";
    const SHAPE: Shape = Shape::Record(&[
        Property { name: "id", shape: Uuid::SHAPE },
        Property { name: "timestamp", shape: Timestamp::SHAPE },
        Property { name: "type", shape: String::SHAPE },
        Property { name: "payload", shape: Option::<Json>::SHAPE },
        Property { name: "meta", shape: Option::<Json>::SHAPE },
        Property { name: "error", shape: Option::<bool>::SHAPE },
        Property { name: "position", shape: i64::SHAPE },
    ]);
}

static FIELDS: &[Field] = &[
    field("id", Kind::Uuid),
    field("timestamp", Kind::Timestamp),
    Field { index: true, ..field("type", Kind::Text) },
    Field { nullable: true, ..field("payload", Kind::Json) },
    Field { nullable: true, ..field("meta", Kind::Json) },
    Field { nullable: true, ..field("error", Kind::Bool) },
    Field { unique: true, ..field("position", Kind::I64) },
];

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, nullable: false, unique: false, index: false }
}

/// Checks what the log can't hold.
pub(crate) fn check(action: &Action) -> Result<(), Rejection> {
    check_event_type(&action.event_type)?;
    check_depth(action, "payload", action.payload.as_ref(), code::INVALID_PAYLOAD)?;
    check_depth(action, "meta", action.meta.as_ref(), code::INVALID_VALUE)?;
    Ok(())
}

/// Checks a type that the log can't hold.
///
/// # Errors
/// A rejection `invalid_value`.
#[doc(hidden)]
pub fn check_event_type(event_type: &str) -> Result<(), Rejection> {
    if event_type.is_empty() {
        return Err(
            Rejection::new(code::INVALID_VALUE, "the type of an event is empty").with_field("type")
        );
    }
    RecordedEvent::SCHEMA.fit(&FIELDS[2], Value::from(event_type)).map(|_| ())
}

fn check_depth(
    action: &Action,
    part: &str,
    json: Option<&Json>,
    code: &'static str,
) -> Result<(), Rejection> {
    if json.is_none_or(Json::is_shallow) {
        return Ok(());
    }
    let (of, most) = (&action.event_type, Json::DEPTH_MAX);
    let message = alloc::format!("the {part} of `{of}` is wrong: it is nested deeper than {most}");
    Err(Rejection::new(code, message).with_field(part))
}

fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    let meta = Option::<Json>::deserialize(deserializer)?;
    match meta {
        Some(meta) if !meta.as_value().is_object() => {
            Err(de::Error::custom("`meta` is a JSON object, such as {\"user\":\"ann\"}"))
        }
        meta => Ok(meta),
    }
}
