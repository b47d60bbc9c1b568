//! Queries by index answer as a scan does.

use flux_reducers::{Changeset, Database, Direction, Filter, Query, Value};
use proptest::prelude::*;

use crate::generate::{Orders, cases, changeset, contents, database, filter, orders, pool, schema};
use crate::oracle;

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_query_answers_as_a_scan_over_all_documents(
        database in database(),
        changesets in prop::collection::vec(changeset(2), 0..4),
        (schema, filter, orders) in schema()
            .prop_flat_map(|schema| (Just(schema), filter(schema), orders(schema))),
        limit in prop::option::of(0_u64..5),
        offset in 0_u64..4,
    ) {
        let database = changed(database, &changesets);
        let query = query(&filter, &orders, offset, limit);
        if filter.condition(schema).is_err() {
            prop_assert!(database.rows(schema.collection, &query).is_err());
            return Ok(());
        }
        let all = &contents(&database);
        let all = &all.iter().find(|(name, _)| *name == schema.collection).unwrap().1;
        let expected = oracle::select(schema, all, &filter, &orders, (offset, limit));
        prop_assert_eq!(database.rows(schema.collection, &query).unwrap(), expected);
    }

    #[test]
    fn a_value_in_an_indexed_field_finds_exactly_its_documents(
        database in database(),
        changesets in prop::collection::vec(changeset(2), 0..6),
    ) {
        let database = changed(database, &changesets);
        for (name, rows) in contents(&database) {
            let schema = database.schema(name).unwrap();
            let keys = schema.fields.iter().enumerate().filter(|(_, it)| it.index || it.unique);
            for ((position, field), row) in keys.flat_map(|key| rows.iter().map(move |it| (key, it))) {
                let filter = Filter::eq(field.name, row[position].clone());
                let found = database.rows(name, &filter.into()).unwrap();
                let same: Vec<_> =
                    rows.iter().filter(|it| it[position] == row[position]).cloned().collect();
                prop_assert_eq!(&found, &same);
                let is_shared = found.len() > 1 && !row[position].is_null();
                prop_assert!(!(field.unique && is_shared), "{} twice: {:?}", field.name, found);
            }
        }
    }

    #[test]
    fn several_values_of_an_indexed_field_find_each_document_once_and_by_id(
        database in database(),
        changesets in prop::collection::vec(changeset(2), 0..6),
    ) {
        let database = changed(database, &changesets);
        for (name, rows) in contents(&database) {
            let schema = database.schema(name).unwrap();
            let keys = schema.fields.iter().enumerate().filter(|(_, it)| it.index || it.unique);
            for (position, field) in keys {
                let values = rows.iter().map(|row| row[position].clone()).chain(pool(&field.kind));
                let filter = Filter::is_in(field.name, values.filter(|value| !value.is_null()));
                let found = database.rows(name, &filter.into()).unwrap();
                let with_value = rows.iter().filter(|row| !row[position].is_null());
                prop_assert_eq!(found, with_value.cloned().collect::<Vec<_>>());
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_range_of_an_indexed_field_finds_exactly_its_documents(
        database in database(),
        changesets in prop::collection::vec(changeset(2), 0..6),
    ) {
        let database = changed(database, &changesets);
        for (name, rows) in contents(&database) {
            let schema = database.schema(name).unwrap();
            let keys = schema.fields.iter().filter(|it| it.index || it.unique);
            for (field, low) in keys.flat_map(|it| pool(&it.kind).into_iter().map(move |low| (it, low))) {
                for high in pool(&field.kind) {
                    for filter in ranges(field.name, &low, &high) {
                        let found = database.rows(name, &filter.clone().into()).unwrap();
                        let held = rows.iter().filter(|row| oracle::holds(&filter, schema, row));
                        prop_assert_eq!(found, held.cloned().collect::<Vec<_>>(), "{:?}", filter);
                    }
                }
            }
        }
    }
}

/// Filters that say between which values a field's is.
fn ranges(name: &str, low: &Value, high: &Value) -> Vec<Filter> {
    let (low, high) = (low.clone(), high.clone());
    let mut filters = vec![Filter::is_null(name) | Filter::eq(name, low.clone())];
    if !low.is_null() && !high.is_null() {
        filters.extend([
            Filter::ge(name, low.clone()) & Filter::lt(name, high.clone()),
            Filter::gt(name, low.clone())
                & Filter::le(name, high.clone())
                & Filter::ne(name, low.clone()),
            Filter::le(name, low.clone()) | Filter::gt(name, high.clone()),
            Filter::is_in(name, [low.clone(), high.clone()]) & Filter::gt(name, low.clone()),
            Filter::is_null(name) | Filter::lt(name, high.clone()),
        ]);
    }
    if let (Value::Text(low), Value::Text(high)) = (low, high) {
        filters.push(Filter::starts_with(name, &*low) | Filter::starts_with(name, &*high));
    }
    filters
}

fn changed(mut database: Database, changesets: &[Changeset]) -> Database {
    for changeset in changesets {
        // A refused one leaves the indexes as they were, too.
        let _ = database.apply(changeset);
    }
    database
}

fn query(filter: &Filter, orders: &Orders, offset: u64, limit: Option<u64>) -> Query {
    let query = Query::from(filter.clone()).offset(offset);
    let query = orders.iter().fold(query, |query, (name, direction)| match direction {
        Direction::Ascending => query.ascending(*name),
        Direction::Descending => query.descending(*name),
    });
    match limit {
        Some(limit) => query.limit(limit),
        None => query,
    }
}
