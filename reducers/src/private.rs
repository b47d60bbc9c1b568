//! What the derives and `flux-wasm` need. Not for use by hand, and not stable.

pub use crate::action::check_event_type;
pub use crate::decode::{
    Decode, Decoder, Misfit, Token, by_serde, is_there, no_payload, record, unexpected, variant,
};
pub use crate::event::{event_by_serde, event_to_action};
pub use crate::filter::{Span, after_all_with};
pub use crate::incoming::{EventText, Incoming, Part, read_payload, to_action};
pub use crate::schema_spec::{FieldSpec, KindSpec, SchemaSpec};
pub use crate::value::{base64_text, float_text, quoted};
pub use crate::version::{check_version, stamped};
pub use serde_json;
