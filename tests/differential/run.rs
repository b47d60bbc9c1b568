//! Runs a sequence everywhere and compares.

use std::panic::{AssertUnwindSafe, catch_unwind};

use flux_reducers::{Filter, Json, Position, Query, Rejection, Row, Schema};
use flux_server::{Dispatch, Error};
use flux_tests::interpreter::Collections;
use futures_util::future::join_all;
use tokio::runtime::Runtime;

use crate::model::{Answer, Model, Ran};
use crate::node::Node;
use crate::partial::Partial;
use crate::sequence::{Asked, Group, Sequence};
use crate::stores::{self, Servers};
use crate::tally::Tally;

/// Everywhere that a sequence is run, with the same collections.
pub(crate) struct Everywhere<'a> {
    runtime: &'a Runtime,
    node: &'a mut Node,
    collections: &'a Collections,
    schemas: Vec<&'static Schema>,
    model: Model,
    partial: Partial,
    stores: Vec<Servers>,
    pub(crate) tally: Tally,
}

impl<'a> Everywhere<'a> {
    /// Opens all of them, empty.
    pub(crate) fn open(
        runtime: &'a Runtime,
        node: &'a mut Node,
        collections: &'a Collections,
    ) -> Result<Self, String> {
        let model = Model::new(collections);
        let partial = Partial::new(model.reducer.clone(), model.database.clone());
        let stores = caught(|| Ok(runtime.block_on(stores::open_all(&model.reducer))))?;
        let schemas = collections.schemas();
        let tally = Tally::default();
        Ok(Self { runtime, node, collections, schemas, model, partial, stores, tally })
    }

    pub(crate) fn close(self) -> Tally {
        self.runtime.block_on(join_all(self.stores.iter().map(Servers::close)));
        self.tally
    }

    /// Runs a sequence; returns the first difference.
    pub(crate) fn run(&mut self, sequence: &Sequence) -> Result<(), String> {
        caught(|| self.run_uncaught(sequence))
    }

    fn run_uncaught(&mut self, sequence: &Sequence) -> Result<(), String> {
        self.run_group(&sequence.clear, false).map_err(|it| format!("when emptied, {it}"))?;
        if sequence.is_safe {
            self.node.open(self.collections);
        }
        let after = self.model.position;
        for (number, group) in sequence.groups.iter().enumerate() {
            self.run_group(group, sequence.is_safe)
                .map_err(|it| format!("in group {number}, {it}"))?;
            let is_last = number + 1 == sequence.groups.len();
            if is_last || sequence.compares_often {
                self.compare(sequence, group.server, after)
                    .map_err(|it| format!("after group {number}, {it}"))?;
            }
        }
        Ok(())
    }

    fn run_group(&mut self, group: &Group, runs_node: bool) -> Result<(), String> {
        if group.forgets {
            self.partial.forget(self.model.database.clone());
        }
        let end = self.model.position;
        let (mut dispatches, mut answers) = (Vec::new(), Vec::new());
        for (number, dispatched) in group.dispatches.iter().enumerate() {
            let expected = dispatched.expected.map(|offset| end + offset);
            dispatches.push(Dispatch {
                actions: dispatched.actions.clone(),
                expected_position: expected,
            });
            let ran = self.model.dispatch(dispatched, expected);
            let place = |place, it| format!("dispatch {number}, {place}:\n{it}");
            self.partial.dispatch(&ran).map_err(|it| place("the partial database", it))?;
            if runs_node {
                self.node.dispatch(&ran).map_err(|it| place("WebAssembly", it))?;
            }
            let Ran { answer, .. } = ran;
            self.tally.count(dispatched, &answer);
            answers.push(answer);
        }
        let found = join_all(self.stores.iter().map(|it| it.dispatch(group.server, &dispatches)));
        let found = self.runtime.block_on(found);
        for (servers, found) in self.stores.iter().zip(found) {
            for (number, (expected, found)) in answers.iter().zip(&found).enumerate() {
                same_answer(expected, found)
                    .map_err(|it| format!("dispatch {number}, {}:\n{it}", servers.name))?;
            }
        }
        Ok(())
    }

    /// Compares all documents, the log, and the answers to queries.
    fn compare(
        &mut self,
        sequence: &Sequence,
        server: usize,
        after: Position,
    ) -> Result<(), String> {
        let whole = Query::all;
        let log = Query::from(Filter::gt("position", after)).ascending("position");
        let mut queries: Vec<(&str, Query)> =
            self.schemas.iter().map(|schema| (schema.collection, whole())).collect();
        if self.collections.keeps_log {
            queries.push(("events", log));
        }
        for Asked { collection, query } in &sequence.queries {
            queries.push((collection, query.query()));
        }
        let mut expected = Vec::new();
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (collection, query) in queries {
            let rows = rows_of(self.model.database.rows(collection, &query));
            self.tally.rows += rows.as_ref().map_or(0, Vec::len);
            let found = self.partial.rows(collection, &query);
            if found != rows {
                let query = format!("the partial database, {collection}: {query:?}");
                return Err(format!("{query}\nexpected {rows:?}\n   found {found:?}"));
            }
            match rows {
                Ok(rows) => {
                    good.push((collection, query));
                    expected.push(rows);
                }
                Err(rejection) => bad.push((collection, query, rejection)),
            }
        }
        for servers in &self.stores {
            let found = self.runtime.block_on(servers.read(server, &good));
            let found = found.map_err(|error| format!("{}: {error}", servers.name))?;
            if found.position != self.model.position {
                return Err(format!("{}: the log ends at {}", servers.name, found.position));
            }
            for ((rows, found), query) in expected.iter().zip(&found.documents).zip(&good) {
                if rows != found {
                    let query = format!("{}, {}: {:?}", servers.name, query.0, query.1);
                    return Err(format!("{query}\nexpected {rows:?}\n   found {found:?}"));
                }
            }
            for (collection, query, rejection) in &bad {
                let read = [(*collection, query.clone())];
                match self.runtime.block_on(servers.read(server, &read)) {
                    Err(Error::Query(found)) if found == *rejection => {}
                    found => {
                        let query = format!("{}, {collection}: {query:?}", servers.name);
                        return Err(format!("{query}\nexpected {rejection:?}\n   found {found:?}"));
                    }
                }
            }
            let log = self.model.log.iter().filter(|event| event.position > after);
            let found = self.runtime.block_on(servers.log(server, after));
            same_answer(&Ok(log.cloned().collect()), &found)
                .map_err(|it| format!("the log of {}:\n{it}", servers.name))?;
        }
        if sequence.is_safe { self.compare_node(sequence, after) } else { Ok(()) }
    }

    fn compare_node(&mut self, sequence: &Sequence, after: Position) -> Result<(), String> {
        let database = &self.model.database;
        let asked = sequence.queries.iter().map(|asked| {
            let rows = rows_of(database.rows(&asked.collection, &asked.query.query()));
            let schema = self.schemas.iter().find(|it| it.collection == asked.collection).unwrap();
            let ids = |row: &Row| schema.id_of(row).to_json();
            (asked, rows.map(|rows| rows.iter().map(ids).collect()))
        });
        self.node.query(asked).map_err(|it| format!("WebAssembly, {it}"))?;
        let found = self.node.documents(after);
        for schema in self.collections.all_schemas() {
            let query = if schema.collection == "events" {
                Query::from(Filter::gt("position", after))
            } else {
                Query::all()
            };
            let rows = self.model.database.rows(schema.collection, &query).unwrap();
            let rows = rows.iter().map(|row| serde_json::to_value(schema.named(row)).unwrap());
            let expected = Json::new(rows.collect());
            let found = found.get(schema.collection).cloned().unwrap_or_default();
            let found = Json::new(found);
            if found != expected {
                let place = format!("WebAssembly, {}", schema.collection);
                return Err(format!("{place}:\nexpected {expected}\n   found {found}"));
            }
        }
        Ok(())
    }
}

/// A panic is a failure of its own, of a sequence that is to be told.
fn caught<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(format!("it panicked: {}", text.unwrap_or_default()))
    })
}

fn rows_of(rows: Result<Vec<Row>, flux_reducers::Halt>) -> Result<Vec<Row>, Rejection> {
    rows.map_err(|halt| match halt {
        flux_reducers::Halt::Rejected(rejection) => rejection,
        flux_reducers::Halt::Fault(fault) => panic!("the whole database has a fault: {fault}"),
    })
}

fn same_answer(expected: &Answer, found: &Answer) -> Result<(), String> {
    let is_same = match (expected, found) {
        (Ok(expected), Ok(found)) => expected == found,
        (
            Err(Error::Rejected { event, rejection }),
            Err(Error::Rejected { event: other, rejection: found }),
        ) => event == other && rejection == found,
        (Err(expected), Err(found)) => {
            expected.code() == found.code() && expected.to_string() == found.to_string()
        }
        _ => false,
    };
    if is_same { Ok(()) } else { Err(format!("expected {expected:?}\n   found {found:?}")) }
}
