//! Schemas and a reducer as data: what an event does, and what it reads first, stands in its
//! payload. So a test can make both up, and run the same in any place.

pub use flux_reducers::__private::{FieldSpec, KindSpec, SchemaSpec};
use flux_reducers::{
    Action, Changeset, Database, Document, Filter, Halt, Kind, Operation, Query, RecordedEvent,
    Reducer, Reduction, Rejection, Row, Schema, Value, aggregate_reducers, event_log_reducer,
    root_reducer,
};
use serde::{Deserialize, Serialize};

/// The collections of a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collections {
    pub collections: Vec<SchemaSpec>,
    /// Whether reducers see the log, as the collection `events`.
    pub keeps_log: bool,
}

/// One step of an event's payload, which is a list of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Changes documents.
    Apply(Changeset),
    /// Reads, and goes on in one way or the other.
    When { read: Read, is: Test, then: Vec<Step>, otherwise: Vec<Step> },
    /// Writes into a field of each document found which one it is, from 0.
    Number { read: Read, field: String },
    /// Destroys each document found.
    DestroyFound(Read),
    /// Refuses the event.
    Reject(Rejection),
    /// Refuses the event, and tells the ids found.
    Tell(Read),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Read {
    pub collection: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    Id(Value),
    All(QuerySpec),
}

/// A query as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuerySpec {
    pub filter: Filter,
    /// Fields, and whether the greatest comes first.
    pub order: Vec<(String, bool)>,
    pub limit: Option<u64>,
    pub offset: u64,
}

/// What is asked of the documents found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Test {
    AtLeast(u64),
    Odd,
    First { field: String, value: Value },
}

impl Collections {
    /// Returns the schemas, which live as long as the process.
    #[must_use]
    pub fn schemas(&self) -> Vec<&'static Schema> {
        self.collections.iter().map(SchemaSpec::schema).collect()
    }

    /// Returns the reducer that does what the payloads say.
    #[must_use]
    pub fn reducer(&self) -> Reducer {
        let reducer = root_reducer(self.schemas(), reduce);
        if self.keeps_log { aggregate_reducers([reducer, event_log_reducer()]) } else { reducer }
    }

    /// Returns the reducer's own schemas and, where it is kept, that of the log.
    #[must_use]
    pub fn all_schemas(&self) -> Vec<&'static Schema> {
        let log = self.keeps_log.then_some(RecordedEvent::SCHEMA);
        self.schemas().into_iter().chain(log).collect()
    }
}

impl QuerySpec {
    pub fn query(&self) -> Query {
        let mut query = Query::from(self.filter.clone()).offset(self.offset);
        for (field, is_descending) in &self.order {
            query = if *is_descending { query.descending(field) } else { query.ascending(field) };
        }
        match self.limit {
            Some(limit) => query.limit(limit),
            None => query,
        }
    }
}

fn reduce(database: &Database, action: &Action) -> Reduction {
    let Some(payload) = &action.payload else {
        return Ok(Changeset::no_change());
    };
    run(database, &payload.read::<Vec<Step>>(&action.event_type)?)
}

fn run(database: &Database, steps: &[Step]) -> Reduction {
    steps.iter().map(|step| take(database, step)).collect()
}

fn take(database: &Database, step: &Step) -> Reduction {
    match step {
        Step::Apply(changeset) => Ok(changeset.clone()),
        Step::When { read, is, then, otherwise } => {
            let (schema, rows) = found(database, read)?;
            run(database, if is.holds(schema, &rows)? { then } else { otherwise })
        }
        Step::Number { read, field } => {
            let (schema, rows) = found(database, read)?;
            let is_text = schema.fields[schema.position(field)?].kind == Kind::Text;
            let numbered = (0_u32..).zip(&rows).map(|(number, row)| {
                let value =
                    if is_text { Value::from(number.to_string()) } else { Value::from(number) };
                Changeset::from(Operation::UpdateById {
                    collection: schema.collection.into(),
                    id: schema.id_of(row).clone(),
                    patch: [(field.clone(), value)].into_iter().collect(),
                })
            });
            Ok(numbered.collect())
        }
        Step::DestroyFound(read) => {
            let (schema, rows) = found(database, read)?;
            let destroyed = rows.iter().map(|row| {
                Changeset::from(Operation::DestroyById {
                    collection: schema.collection.into(),
                    id: schema.id_of(row).clone(),
                })
            });
            Ok(destroyed.collect())
        }
        Step::Reject(rejection) => Err(rejection.clone().into()),
        Step::Tell(read) => {
            let (schema, rows) = found(database, read)?;
            let ids: Vec<_> = rows.iter().map(|row| schema.id_of(row).to_string()).collect();
            Err(Rejection::new("told", ids.join(" ")).into())
        }
    }
}

fn found(database: &Database, read: &Read) -> Result<(&'static Schema, Vec<Row>), Halt> {
    let schema = database.schema(&read.collection)?;
    let rows = match &read.what {
        What::Id(id) => database.row(&read.collection, id)?.into_iter().collect(),
        What::All(query) => database.rows(&read.collection, &query.query())?,
    };
    Ok((schema, rows))
}

impl Test {
    fn holds(&self, schema: &Schema, rows: &[Row]) -> Result<bool, Rejection> {
        Ok(match self {
            Self::AtLeast(least) => rows.len() as u64 >= *least,
            Self::Odd => rows.len() % 2 == 1,
            Self::First { field, value } => {
                let position = schema.position(field)?;
                rows.first().is_some_and(|row| row[position] == *value)
            }
        })
    }
}
