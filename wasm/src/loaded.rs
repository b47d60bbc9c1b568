//! The action `@@flux-capacitor/loaded`: a collection as the server has it.
//!
//! JavaScript takes the documents that are certainly as they should be. All others are read here,
//! strictly, as the server reads them; what is wrong is decided here alone.

use flux_reducers::__private::{Decoder, Misfit, Token};
use flux_reducers::{Rejection, Schema, Value, code as core_code};

use crate::border::Crossing;
use crate::bytes::{Reader, not_held};
use crate::writer::Writer;

const PAYLOAD: &str = "the payload of `@@flux-capacitor/loaded` is wrong";

/// Reads the payload, but for its documents: the collection.
pub(crate) fn collection(reader: &mut Reader) -> Result<String, Rejection> {
    named_collection(reader)
        .map_err(|misfit| misfit.into_rejection(core_code::INVALID_PAYLOAD, PAYLOAD))
}

fn named_collection(reader: &mut Reader) -> Result<String, Misfit> {
    if reader.byte() == 0 {
        return Err(Misfit::new("expected an object"));
    }
    let collection = match reader.next().map_err(|misfit| misfit.in_member("collection"))? {
        Token::Text(collection) => collection.to_owned(),
        _ => return Err(Misfit::new("expected text").in_member("collection")),
    };
    if reader.byte() == 0 {
        return Err(Misfit::new("expected a list").in_member("documents"));
    }
    Ok(collection)
}

/// Returns the rejection of two documents with one id.
#[cold]
pub(crate) fn twice(schema: &Schema, id: &Value) -> Rejection {
    let shown = id.clone().into_kind(&schema.id_field().kind).unwrap_or_else(|_| id.clone());
    let what = ["collection `", schema.collection, "` comes with two documents "].concat();
    Rejection::new(core_code::DOCUMENT_EXISTS, what + &shown.to_string())
        .with_field(schema.id_field().name)
}

/// Reads documents, each after its number, and writes them in their normal form.
pub(crate) fn normal_forms(
    crossing: &Crossing,
    schema: &'static Schema,
    reader: &mut Reader,
    count: usize,
) -> Result<Vec<u8>, Rejection> {
    let mut writer = Writer::new(Vec::new(), None, crossing.write_json());
    for _ in 0..count {
        let index = reader.count();
        if reader.byte() == 0 {
            let misfit = Misfit::new("expected a document").in_item(index).in_member("documents");
            return Err(misfit.into_rejection(core_code::INVALID_PAYLOAD, PAYLOAD));
        }
        if let Ok(Token::Text(unknown)) = reader.next() {
            schema.position(unknown)?;
        }
        let row = crossing.row(reader, schema)?;
        for (value, field) in row.values().iter().zip(schema.fields) {
            let written = writer.value(value);
            written.map_err(|misfit| not_held(schema, misfit, field.name))?;
        }
    }
    Ok(writer.into_bytes())
}
