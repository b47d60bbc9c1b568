//! What differs from one database to the next. Whatever is not here is the same SQL for all.

use std::future::Future;

use flux_reducers::{Direction, Field, Json, Kind, Position, Row, Schema, Timestamp, Value};
use futures_util::stream::BoxStream;
use sqlx::error::DatabaseError;
use sqlx::{Pool, QueryBuilder};

use super::connections::{Connections, Options};
use super::exclusive::Exclusivity;
use crate::error::Error;

/// The SQL of one database.
///
/// Values are always bound, names always quoted.
pub(crate) trait Dialect: sqlx::Database {
    /// The statement that begins a write transaction.
    const BEGIN_WRITE: &'static str;
    /// The statement that begins to read: all that is read is of one moment.
    const BEGIN_READ: &'static str;
    /// What makes a read of the head wait for other writers.
    const LOCK: &'static str;
    /// Rows in one statement, as far as more of them pay.
    const ROWS_PER_STATEMENT: usize;
    /// Whether servers can tell each other something.
    const NOTIFIES: bool = false;
    /// Whether several statements can be one, which saves the ways to the server and back.
    const COMBINES_STATEMENTS: bool = false;
    /// Whether only one connection can write at a time.
    const ONE_WRITER: bool = false;
    /// Rows that the database says are affected by the update of one in an upsert.
    const AFFECTED_BY_UPDATE: u64 = 1;
    /// The store's own tables; `{name}` stands for the quoted name of a table or an index, and
    /// `{options}` for what follows a table's columns.
    const OWN_TABLES: &'static str;

    /// Makes sure that what the URL names is there, where to connect to it would make it.
    fn check_there(_url: &str) -> Result<(), Error> {
        Ok(())
    }

    /// Connects to the database that the URL names, and makes it where it is a file.
    fn connect(url: &str) -> impl Future<Output = Result<Connections<Self>, Error>> + Send;

    /// Prepares a new connection of the writer.
    fn prepare_writer(
        _connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Returns whether an error blames what was written: a value, a row, a constraint. Everything
    /// else is the state of the database, and would befall any other write just so.
    fn blames_data(error: &dyn DatabaseError) -> bool;

    /// Returns whether others can open the same database.
    fn is_shared(_url: &str) -> bool {
        true
    }

    /// Quotes a name. Schemas have checked it already; this is the second lock.
    fn quoted(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// Returns the type of a field's column; a key is what an index must hold.
    fn column_type(field: &Field, is_key: bool) -> &'static str;

    /// Returns what follows the columns in `CREATE TABLE`.
    fn table_options(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<String, sqlx::Error>> + Send;

    /// Appends a value as a bound parameter.
    fn push_value(sql: &mut QueryBuilder<Self>, value: &Value);

    /// Appends the null of a field as a bound parameter: a statement's text is the same whichever
    /// of its values are null.
    fn push_null(sql: &mut QueryBuilder<Self>, field: &Field);

    /// Reads a field's value.
    fn value(row: &Self::Row, position: usize, field: &Field) -> Result<Value, sqlx::Error>;

    /// Reads a text where it lies.
    fn text(row: &Self::Row, position: usize) -> Result<Option<&str>, sqlx::Error>;

    /// Appends that a column's text contains a text.
    fn push_contains(sql: &mut QueryBuilder<Self>, column: &str, text: &str);

    /// Returns the direction with nulls first, in descending order last.
    fn direction(direction: Direction) -> &'static str {
        match direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        }
    }

    /// Appends rows to insert.
    fn push_rows(sql: &mut QueryBuilder<Self>, schema: &Schema, rows: &[&Row]) {
        sql.push("VALUES ");
        for (position, row) in rows.iter().enumerate() {
            sql.push(if position == 0 { "(" } else { ", (" });
            for (position, (value, field)) in row.values().iter().zip(schema.fields).enumerate() {
                if position > 0 {
                    sql.push(", ");
                }
                match value {
                    Value::Null => Self::push_null(sql, field),
                    value => Self::push_value(sql, value),
                }
            }
            sql.push(")");
        }
    }

    /// Appends that a column has one of the values. The last value is said again until the list
    /// has one of the few lengths.
    fn push_in(sql: &mut QueryBuilder<Self>, _field: &Field, column: &str, values: &[&Value]) {
        sql.push(format_args!("{column} IN ("));
        let padding = values.last().into_iter().cycle();
        let length = length_at_least(values.len());
        for (position, value) in values.iter().chain(padding).take(length).enumerate() {
            if position > 0 {
                sql.push(", ");
            }
            Self::push_value(sql, value);
        }
        sql.push(")");
    }

    /// Returns how many of so many rows to insert with one statement.
    fn length_at_most(rows: usize) -> usize {
        match rows {
            0..=LENGTH_STEP => rows,
            _ => rows - rows % LENGTH_STEP,
        }
    }

    /// Returns what an insert does where a row has the id: the columns get the new values.
    fn on_conflict(id: &str, columns: &[String]) -> String {
        let set: Vec<_> = columns.iter().map(|it| format!("{it} = excluded.{it}")).collect();
        format!(" ON CONFLICT ({id}) DO UPDATE SET {}", set.join(", "))
    }

    /// Makes sure that the database can hold a store.
    fn check(_connection: &mut Self::Connection) -> impl Future<Output = Result<(), Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Returns how many bytes a row may have.
    fn row_bytes_max(
        _connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<usize, sqlx::Error>> + Send {
        std::future::ready(Ok(ROW_BYTES_MAX))
    }

    /// Makes other servers that open the same database wait, until this transaction ends or
    /// [`unlock_tables`](Self::unlock_tables).
    fn lock_tables(
        _connection: &mut Self::Connection,
        _name: &str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Lets other servers go on, where the end of the transaction does not.
    fn unlock_tables(
        _connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Takes a lock that one server has at a time, until it ends; `None` while another has it.
    fn exclusively(
        options: &Options<Self>,
        name: &str,
    ) -> impl Future<Output = Result<Option<Exclusivity>, Error>> + Send;

    /// Returns whether a table is what a store left that ended while it made its tables.
    fn is_left_over(
        _connection: &mut Self::Connection,
        _name: &str,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send {
        std::future::ready(Ok(false))
    }

    /// Returns whether there is a table or a view of that name.
    fn table_exists(
        connection: &mut Self::Connection,
        name: &str,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// Returns the columns of a table, whose name is quoted already, and their types.
    fn columns(
        connection: &mut Self::Connection,
        table: &str,
    ) -> impl Future<Output = Result<Vec<(String, Self::TypeInfo)>, sqlx::Error>> + Send;

    /// Returns whether a column of that type can hold the values of a kind.
    fn holds(kind: Kind, column_type: &Self::TypeInfo) -> bool;

    /// Tells other servers that the log has grown. A hint: they look for themselves now and then.
    fn notify(
        _connection: &mut Self::Connection,
        _channel: &str,
        _head: Position,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Calls back whenever a server tells where the log ends now, and without a position where it
    /// may have missed that; ends on an error.
    fn listen(
        _pool: &Pool<Self>,
        _channel: &str,
        _heard: &(dyn Fn(Option<Position>) + Send + Sync),
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        std::future::pending()
    }

    /// Runs a statement and returns how many rows it affected.
    fn execute(
        connection: &mut Self::Connection,
        sql: QueryBuilder<Self>,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a query and returns its rows.
    fn fetch(
        connection: &mut Self::Connection,
        sql: QueryBuilder<Self>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Runs a query and gives its rows as they come.
    fn stream<'a>(
        connection: &'a mut Self::Connection,
        sql: &'a mut QueryBuilder<Self>,
    ) -> BoxStream<'a, Result<Self::Row, sqlx::Error>>;

    /// Runs several statements without parameters.
    fn run_script(
        connection: &mut Self::Connection,
        script: String,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Far below what SQLite (1 GB) and PostgreSQL (1 GB) take of a value, and as much as a server
/// should ever hold several times in memory.
const ROW_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Lists in statements have all lengths up to this one, and beyond it few, so that statements are
/// prepared once: preparing is a way to the server and back, and MySQL's driver takes 40 ms for
/// each statement that it has to forget (it closes it without waiting for an answer, and the next
/// packet waits in the socket until that one is acknowledged).
const LENGTH_STEP: usize = 16;

/// Returns the next length that lists have.
fn length_at_least(values: usize) -> usize {
    match values {
        0..=LENGTH_STEP => values,
        _ => values.next_power_of_two(),
    }
}

/// Columns of the store's own tables, as the fields that read them.
pub(super) const INTEGER: Field = own(Kind::I64);
pub(super) const TIMESTAMP: Field = own(Kind::Timestamp);
pub(super) const TEXT: Field = own(Kind::Text);

const fn own(kind: Kind) -> Field {
    Field { name: "", kind, nullable: false, unique: false, index: false }
}

/// Writes what is the same text for every database, but of other types.
macro_rules! same_for_all {
    () => {
        fn push_value(sql: &mut QueryBuilder<Self>, value: &flux_reducers::Value) {
            use flux_reducers::Value;
            match value {
                Value::Null => sql.push("NULL"),
                Value::Bool(bool) => sql.push_bind(*bool),
                Value::Integer(integer) => sql.push_bind(*integer),
                Value::Float(float) => sql.push_bind(float.get()),
                Value::Text(text) => sql.push_bind(text.clone()),
                Value::Uuid(uuid) => sql.push_bind(*uuid),
                Value::Timestamp(timestamp) => sql.push_bind(timestamp.as_milliseconds()),
                Value::Bytes(bytes) => sql.push_bind(bytes.clone()),
                Value::Json(json) => sql.push_bind(json.to_string()),
            };
        }

        fn push_null(sql: &mut QueryBuilder<Self>, field: &Field) {
            use flux_reducers::{Kind, Uuid};
            match field.kind {
                Kind::Bool => sql.push_bind(None::<bool>),
                Kind::I32 | Kind::I64 | Kind::U32 | Kind::Timestamp => sql.push_bind(None::<i64>),
                Kind::F64 => sql.push_bind(None::<f64>),
                Kind::Text | Kind::Enumeration(_) | Kind::Json => sql.push_bind(None::<String>),
                Kind::Uuid => sql.push_bind(None::<Uuid>),
                Kind::Bytes => sql.push_bind(None::<Vec<u8>>),
            };
        }

        fn value(
            row: &Self::Row,
            position: usize,
            field: &Field,
        ) -> Result<flux_reducers::Value, sqlx::Error> {
            use flux_reducers::{Bytes, Kind, Uuid};
            use sqlx::Row as _;
            let integer = || row.try_get::<Option<i64>, _>(position);
            let text = || Self::text(row, position);
            Ok(match field.kind {
                Kind::Bool => row.try_get::<Option<bool>, _>(position)?.into(),
                Kind::I32 | Kind::I64 | Kind::U32 => integer()?.into(),
                Kind::F64 => row.try_get::<Option<f64>, _>(position)?.into(),
                Kind::Text | Kind::Enumeration(_) => text()?.into(),
                Kind::Uuid => row.try_get::<Option<Uuid>, _>(position)?.into(),
                Kind::Timestamp => $crate::backend::dialect::timestamp(integer()?)?,
                Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(position)?.map(Bytes).into(),
                Kind::Json => $crate::backend::dialect::json(text()?)?,
            })
        }

        fn text(row: &Self::Row, position: usize) -> Result<Option<&str>, sqlx::Error> {
            use sqlx::Row as _;
            row.try_get(position)
        }

        async fn columns(
            connection: &mut Self::Connection,
            table: &str,
        ) -> Result<Vec<(String, Self::TypeInfo)>, sqlx::Error> {
            use sqlx::{
                AssertSqlSafe, Column as _, Executor as _, SqlSafeStr as _, Statement as _,
            };
            let sql = AssertSqlSafe(format!("SELECT * FROM {table}")).into_sql_str();
            let statement = connection.prepare(sql).await?;
            let columns = statement.columns().iter();
            Ok(columns.map(|it| (it.name().to_owned(), it.type_info().clone())).collect())
        }

        fn holds(kind: flux_reducers::Kind, column_type: &Self::TypeInfo) -> bool {
            use flux_reducers::{Kind, Uuid};
            use sqlx::Type;
            match kind {
                Kind::Bool => <bool as Type<Self>>::compatible(column_type),
                Kind::I32 | Kind::I64 | Kind::U32 | Kind::Timestamp => {
                    <i64 as Type<Self>>::compatible(column_type)
                }
                Kind::F64 => <f64 as Type<Self>>::compatible(column_type),
                Kind::Text | Kind::Enumeration(_) | Kind::Json => {
                    <str as Type<Self>>::compatible(column_type)
                }
                Kind::Uuid => <Uuid as Type<Self>>::compatible(column_type),
                Kind::Bytes => <Vec<u8> as Type<Self>>::compatible(column_type),
            }
        }

        async fn execute(
            connection: &mut Self::Connection,
            mut sql: QueryBuilder<Self>,
        ) -> Result<u64, sqlx::Error> {
            sql.build().execute(connection).await.map(|done| done.rows_affected())
        }

        async fn fetch(
            connection: &mut Self::Connection,
            mut sql: QueryBuilder<Self>,
        ) -> Result<Vec<Self::Row>, sqlx::Error> {
            sql.build().fetch_all(connection).await
        }

        fn stream<'a>(
            connection: &'a mut Self::Connection,
            sql: &'a mut QueryBuilder<Self>,
        ) -> futures_util::stream::BoxStream<'a, Result<Self::Row, sqlx::Error>> {
            sql.build().fetch(connection)
        }

        async fn run_script(
            connection: &mut Self::Connection,
            script: String,
        ) -> Result<(), sqlx::Error> {
            sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(connection).await.map(|_| ())
        }
    };
}

pub(super) use same_for_all;

/// Reads a timestamp, which every database holds as an integer.
pub(super) fn timestamp(milliseconds: Option<i64>) -> Result<Value, sqlx::Error> {
    let timestamp = milliseconds.map(Timestamp::from_milliseconds).transpose();
    Ok(timestamp.map_err(|error| sqlx::Error::Decode(error.into()))?.into())
}

/// Reads JSON, which every database holds as text.
pub(super) fn json(text: Option<&str>) -> Result<Value, sqlx::Error> {
    let json = text.map(serde_json::from_str::<Json>).transpose();
    let json = json.map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(json.map_or(Value::Null, Value::from))
}
