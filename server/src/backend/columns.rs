//! Whether a table still is as the store made it: somebody may have dropped or changed it since.

use flux_reducers::{Kind, Schema};

use super::dialect::Dialect;
use super::tables::Tables;
use crate::error::Error;

/// Makes sure that the table is there, and has a column for each field that holds its values.
pub(super) async fn check<D: Dialect>(
    connection: &mut D::Connection,
    tables: &Tables,
    schema: &Schema,
) -> Result<(), Error> {
    let looking = "looking at the tables";
    let name = tables.table(schema.collection);
    let changed = |difference| Error::TableChanged { table: name.clone(), difference };
    if !D::table_exists(connection, &name).await.map_err(Error::database(looking))? {
        return Err(changed("it is missing".to_owned()));
    }
    let columns = D::columns(connection, &D::quoted(&name)).await;
    let columns = columns.map_err(Error::database(looking))?;
    for field in schema.fields {
        let Some((_, column_type)) = columns.iter().find(|(name, _)| name == field.name) else {
            return Err(changed(format!("its column `{}` is missing", field.name)));
        };
        if !D::holds(field.kind, column_type) {
            let (name, kind) = (field.name, described(field.kind));
            return Err(changed(format!(
                "its column `{name}` is of type {column_type}, which does not hold {kind}"
            )));
        }
    }
    Ok(())
}

const fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "a boolean",
        Kind::I32 | Kind::I64 | Kind::U32 => "an integer of 64 bits",
        Kind::Timestamp => "a timestamp, as an integer of 64 bits",
        Kind::F64 => "a float of 64 bits",
        Kind::Text | Kind::Enumeration(_) => "text",
        Kind::Json => "JSON, as text",
        Kind::Uuid => "a UUID",
        Kind::Bytes => "bytes",
    }
}
