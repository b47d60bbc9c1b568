//! Random schemas, and random sequences of dispatches and queries over them.

use flux_reducers::{
    Action, Changeset, Fields, Filter, Json, Operation, Rejection, Timestamp, Uuid, Value,
};
use flux_tests::interpreter::{
    Collections, FieldSpec, KindSpec, QuerySpec, Read, SchemaSpec, Step, Test, What,
};
use flux_tests::random::Random;
use serde::{Deserialize, Serialize};

use crate::values::{self, Limits, once_in, pick};

/// Events in one sequence.
const EVENTS_MAX: u64 = 50;

/// Sequences with one set of schemas. To make the tables costs more than a sequence.
pub(crate) const SEQUENCES_PER_SCHEMAS: u64 = 20;

/// What happens to all databases.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sequence {
    /// What empties the collections: other sequences were here before.
    pub(crate) clear: Group,
    pub(crate) groups: Vec<Group>,
    /// Asked at the end.
    pub(crate) queries: Vec<Asked>,
    /// Whether WebAssembly runs it too: all its integers are those of JavaScript.
    pub(crate) is_safe: bool,
    /// Whether everything is compared after each group.
    pub(crate) compares_often: bool,
}

/// Dispatches at the same time, to one of two servers of each database.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) server: usize,
    pub(crate) dispatches: Vec<Dispatched>,
    /// Whether the partial database begins anew with nothing loaded.
    pub(crate) forgets: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Dispatched {
    pub(crate) actions: Vec<Action>,
    /// How far from the end of the log, as of the group's begin, it expects it.
    pub(crate) expected: Option<i64>,
}

/// A query, and the collection that it asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) collection: String,
    pub(crate) query: QuerySpec,
}

const COLLECTIONS: &[&str] = &[
    "order",
    "user",
    "things",
    "a",
    "a_b",
    "group",
    "toString",
    "camelCase",
    "constructor",
    "of_forty_eight_letters_as_many_as_a_name_can_has",
];

const FIELDS: &[&str] = &[
    "order",
    "group",
    "select",
    "key",
    "value",
    "limit",
    "index",
    "from",
    "desc",
    "null",
    "when",
    "b",
    "b_c",
    "c",
    "toString",
    "constructor",
    "hasOwnProperty",
    "camelCase",
    "snake_case",
    "x9",
    "name",
    "rowid",
    "oid",
    "cTid",
    "count",
    "version",
    "length",
    "of_forty_eight_letters_as_many_as_a_name_can_ha1",
];

/// Returns the collections of the sequences from this one on.
pub(crate) fn collections(seed: u64) -> Collections {
    let mut random = Random::new(seed ^ 0x5c4e);
    let mut names = COLLECTIONS.to_vec();
    let count = 1 + random.below(3);
    let collections = (0..count).map(|_| {
        let name = names.swap_remove(index(&mut random, names.len()));
        collection(&mut random, name)
    });
    Collections { collections: collections.collect(), keeps_log: once_in(&mut random, 3) }
}

fn index(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap_or_default()
}

fn collection(random: &mut Random, name: &str) -> SchemaSpec {
    let id_kinds = [
        KindSpec::I32,
        KindSpec::I64,
        KindSpec::U32,
        KindSpec::Text,
        KindSpec::Text,
        KindSpec::Uuid,
    ];
    let mut names = FIELDS.to_vec();
    let count = 1 + index(random, 6);
    let mut fields: Vec<_> = (0..count)
        .map(|_| {
            let name = names.swap_remove(index(random, names.len()));
            let kind = kind(random);
            let can_be_key = kind != KindSpec::Json;
            FieldSpec {
                name: name.to_owned(),
                nullable: once_in(random, 2),
                unique: can_be_key && once_in(random, 6),
                index: can_be_key && once_in(random, 4),
                kind,
            }
        })
        .collect();
    let id = index(random, count + 1);
    let name_of_id = pick(random, &["id", "id", "key2", "iD"]);
    fields.insert(
        id,
        FieldSpec {
            name: name_of_id.to_owned(),
            kind: pick(random, &id_kinds),
            nullable: false,
            unique: once_in(random, 8),
            index: once_in(random, 8),
        },
    );
    SchemaSpec { collection: name.to_owned(), fields, id }
}

fn kind(random: &mut Random) -> KindSpec {
    match random.below(13) {
        0 => KindSpec::Bool,
        1 => KindSpec::I32,
        2 => KindSpec::I64,
        3 => KindSpec::U32,
        4 => KindSpec::F64,
        5..=7 => KindSpec::Text,
        8 => KindSpec::Uuid,
        9 => KindSpec::Timestamp,
        10 => KindSpec::Bytes,
        11 => KindSpec::Json,
        _ => {
            let names = ["b", "B", "a", "ä", "a ", "😀", "\u{ffff}", "%"];
            let count = 2 + index(random, names.len() - 2);
            KindSpec::Enumeration(names[..count].iter().map(|&name| name.to_owned()).collect())
        }
    }
}

/// Returns the sequence of this seed.
pub(crate) fn sequence(seed: u64, collections: &Collections) -> Sequence {
    let mut random = Random::new(seed);
    let is_safe = !once_in(&mut random, 4);
    let mut writer = Writer::new(&mut random, collections, seed, is_safe);
    let clear = writer.clear();
    let mut groups = vec![writer.fill()];
    let mut left = 1 + writer.random.below(EVENTS_MAX);
    let mut server = 0;
    while left > 0 {
        if once_in(writer.random, 4) {
            server = 1 - server;
        }
        let most = if once_in(writer.random, 2) { 1 } else { 6 };
        let mut dispatches = Vec::new();
        for _ in 0..=writer.random.below(most) {
            let events = u64::min(left, 1 + writer.random.below(5));
            if events > 0 {
                dispatches.push(writer.dispatch(events));
                left -= events;
            }
        }
        groups.push(Group { server, dispatches, forgets: once_in(writer.random, 3) });
    }
    let queries = (0..4 + writer.random.below(8)).map(|_| writer.asked()).collect();
    Sequence { clear, groups, queries, is_safe, compares_often: once_in(&mut random, 10) }
}

/// What one sequence is made with.
struct Writer<'a> {
    random: &'a mut Random,
    collections: &'a Collections,
    limits: Limits,
    /// Few ids a collection, so that events meet.
    ids: Vec<Vec<Value>>,
    events: Vec<Action>,
    prefix: u128,
    time: i64,
}

impl<'a> Writer<'a> {
    fn new(random: &'a mut Random, collections: &'a Collections, seed: u64, is_safe: bool) -> Self {
        let limits = Limits { is_safe };
        let ids = collections.collections.iter().map(|collection| {
            let field = &collection.fields[collection.id];
            (0..14).map(|_| id(random, field, limits)).collect()
        });
        Self {
            ids: ids.collect(),
            random,
            collections,
            limits,
            events: Vec::new(),
            prefix: u128::from(seed) << 64,
            // After those of the sequences before, so that it runs alone as it runs after them.
            time: 1_600_000_000_000 + i64::try_from(seed % 1_000_000).unwrap_or_default() * 100_000,
        }
    }

    fn clear(&mut self) -> Group {
        let steps = self.collections.collections.iter().map(|collection| {
            Step::Apply(Changeset::from(Operation::DestroyWhere {
                collection: collection.collection.clone().into(),
                filter: Filter::all(),
            }))
        });
        let payload = serde_json::to_value(steps.collect::<Vec<_>>()).unwrap();
        let action = self.stamped(Action::new("cleared").with_payload(payload));
        let dispatch = Dispatched { actions: vec![action], expected: None };
        // The server that does not get the next ones: what the other one knows is then old.
        Group { server: 1, dispatches: vec![dispatch], forgets: true }
    }

    /// Writes some documents into each collection, one a dispatch: most are accepted.
    fn fill(&mut self) -> Group {
        let mut dispatches = Vec::new();
        for (position, spec) in self.collections.collections.iter().enumerate() {
            for _ in 0..2 + self.random.below(8) {
                let collection = spec.collection.clone().into();
                let document = self.document(position, spec);
                let step = Step::Apply(Operation::Upsert { collection, document }.into());
                let payload = serde_json::to_value([step]).unwrap();
                let action = self.stamped(Action::new("filled").with_payload(payload));
                self.events.push(action.clone());
                dispatches.push(Dispatched { actions: vec![action], expected: None });
            }
        }
        Group { server: 0, dispatches, forgets: true }
    }

    fn dispatch(&mut self, events: u64) -> Dispatched {
        let actions = (0..events).map(|_| self.action()).collect();
        let expected = once_in(self.random, 20).then(|| pick(self.random, &[0, 0, 1, -1]));
        Dispatched { actions, expected }
    }

    fn action(&mut self) -> Action {
        if !self.events.is_empty() && once_in(self.random, 20) {
            return self.again();
        }
        let action = match self.random.below(150) {
            0 => Action::new(pick(
                self.random,
                &["", "a\0b", "😀", "constructor", &"x".repeat(513), &"x".repeat(512)],
            )),
            1 => Action::new("ran").with_payload(self.malformed()),
            2 => Action::new("nothing"),
            _ => {
                let steps: Vec<_> = (0..=self.random.below(2)).map(|_| self.step(2)).collect();
                let event_type = pick(self.random, &["ran", "Ran", "ran "]);
                Action::new(event_type).with_payload(serde_json::to_value(steps).unwrap())
            }
        };
        let action = match self.random.below(8) {
            0 => action.with_meta("user", values::text(self.random)),
            1 => Action { error: Some(once_in(self.random, 2)), ..action },
            _ => action,
        };
        let action = self.stamped(action);
        self.events.push(action.clone());
        action
    }

    /// Returns an earlier event again: as it was, or with another content.
    fn again(&mut self) -> Action {
        let action = pick(self.random, &self.events);
        match self.random.below(6) {
            0 => Action { event_type: "other".to_owned(), ..action },
            1 => Action { payload: Some(Json::from("other")), ..action },
            2 => action.with_meta("other", true),
            3 => Action { error: Some(true), ..action },
            _ => action,
        }
    }

    fn stamped(&mut self, action: Action) -> Action {
        self.time += pick(self.random, &[0, 1, 1000, -500]);
        let id = self.prefix + u128::from(self.random.below(u64::MAX));
        Action {
            id: Some(Uuid::from_u128(id)),
            timestamp: Timestamp::from_milliseconds(self.time).ok(),
            ..action
        }
    }

    fn malformed(&mut self) -> serde_json::Value {
        use serde_json::json;
        let any = values::json_value(self.random, self.limits, 3);
        let choices = [
            any,
            json!([{ "apply": 7 }]),
            json!([{ "apply": [{ "create": { "collection": "a" } }] }]),
            json!([{ "when": { "read": { "collection": "a", "what": { "id": [] } } } }]),
            json!([{ "reject": { "code": 1, "message": "" } }]),
            json!([{ "tell": { "collection": "none", "what": { "id": 1 } } }]),
        ];
        pick(self.random, &choices)
    }

    fn collection(&mut self) -> (usize, &'a SchemaSpec) {
        let position = index(self.random, self.collections.collections.len());
        (position, &self.collections.collections[position])
    }

    fn step(&mut self, depth: u32) -> Step {
        match self.random.below(if depth == 0 { 20 } else { 30 }) {
            0 => Step::DestroyFound(self.read()),
            1 | 2 => {
                let (collection, spec) = self.collection();
                let what = What::All(self.query(collection));
                let read = Read { collection: spec.collection.clone(), what };
                Step::Number { read, field: self.numbered_field(spec) }
            }
            3 if once_in(self.random, 8) => {
                let rejection = Rejection::new("refused", values::text(self.random));
                Step::Reject(match self.random.below(2) {
                    0 => rejection,
                    _ => rejection.with_field("a field"),
                })
            }
            4 if once_in(self.random, 6) => Step::Tell(self.read()),
            20.. => self.when(depth - 1),
            _ => {
                let operations = (0..=self.random.below(3)).map(|_| self.operation());
                Step::Apply(operations.map(Changeset::from).collect())
            }
        }
    }

    fn when(&mut self, depth: u32) -> Step {
        let read = self.read();
        let spec = self.collections.collections.iter();
        let field = spec
            .clone()
            .find(|spec| spec.collection == read.collection)
            .map(|spec| random_field(self.random, spec));
        let is = match (self.random.below(4), field) {
            (0, _) => Test::Odd,
            (1, Some(field)) => Test::First {
                field: field.name.clone(),
                value: values::of_kind(self.random, field, self.limits),
            },
            (2, _) => Test::AtLeast(2),
            _ => Test::AtLeast(1),
        };
        let then = (0..=self.random.below(2)).map(|_| self.step(depth)).collect();
        let otherwise = (0..=self.random.below(2)).map(|_| self.step(depth)).collect();
        Step::When { read, is, then, otherwise }
    }

    fn numbered_field(&mut self, spec: &SchemaSpec) -> String {
        let can_hold = |field: &&FieldSpec| {
            matches!(
                field.kind,
                KindSpec::I32 | KindSpec::I64 | KindSpec::U32 | KindSpec::F64 | KindSpec::Text
            ) && field.name != spec.fields[spec.id].name
        };
        let fields: Vec<_> = spec.fields.iter().filter(can_hold).collect();
        let any = spec.fields.iter().collect::<Vec<_>>();
        pick(self.random, if fields.is_empty() { &any } else { &fields }).name.clone()
    }

    fn read(&mut self) -> Read {
        if self.collections.keeps_log && once_in(self.random, 6) {
            return self.read_of_log();
        }
        let (collection, spec) = self.collection();
        let what = match self.random.below(3) {
            0 => What::Id(self.id(collection)),
            1 => {
                let filter = self.filter(collection, 2);
                What::All(QuerySpec { filter, order: Vec::new(), limit: Some(1), offset: 0 })
            }
            _ => What::All(self.query(collection)),
        };
        Read { collection: spec.collection.clone(), what }
    }

    /// Reads what is in the log of this sequence; other ones may be there too.
    fn read_of_log(&mut self) -> Read {
        let ids = (0..3).filter_map(|_| {
            if self.events.is_empty() { None } else { pick(self.random, &self.events).id }
        });
        let mine = Filter::is_in("id", ids.collect::<Vec<_>>());
        let other = match self.random.below(4) {
            0 => Filter::eq("type", "ran"),
            1 => Filter::is_null("error"),
            2 => Filter::starts_with("type", "r"),
            _ => !Filter::is_null("meta"),
        };
        let what = What::All(QuerySpec {
            filter: mine & other,
            order: vec![("position".to_owned(), once_in(self.random, 2))],
            limit: once_in(self.random, 2).then_some(1),
            offset: 0,
        });
        Read { collection: "events".to_owned(), what }
    }

    fn id(&mut self, collection: usize) -> Value {
        if once_in(self.random, 150) {
            return values::misfit(self.random);
        }
        pick(self.random, &self.ids[collection])
    }

    fn operation(&mut self) -> Operation {
        let (position, spec) = self.collection();
        let collection = spec.collection.clone().into();
        if once_in(self.random, 1000) {
            let collection = pick(self.random, &["none", "Order", "flux_head"]).into();
            return Operation::DestroyById { collection, id: Value::Integer(1) };
        }
        match self.random.below(40) {
            0 | 1 => Operation::Create { collection, document: self.document(position, spec) },
            2..=22 => Operation::Upsert { collection, document: self.document(position, spec) },
            23..=30 => {
                let id = self.id(position);
                Operation::UpdateById { collection, id, patch: self.patch(spec) }
            }
            31..=33 => Operation::DestroyById { collection, id: self.id(position) },
            34..=38 => {
                let filter = self.filter(position, 2);
                let mut patch = self.patch(spec);
                let is_unique =
                    |name: &str| spec.fields.iter().any(|field| field.unique && field.name == name);
                if patch.iter().any(|(name, _)| is_unique(name)) && !once_in(self.random, 4) {
                    patch = Fields::new();
                }
                Operation::UpdateWhere { collection, filter, patch }
            }
            _ => {
                let filter = self.filter(position, 2) & self.filter(position, 1);
                Operation::DestroyWhere { collection, filter }
            }
        }
    }

    fn document(&mut self, position: usize, spec: &SchemaSpec) -> Fields {
        let mut fields: Vec<(String, Value)> = Vec::new();
        for (nth, field) in spec.fields.iter().enumerate() {
            let value = match nth {
                _ if nth == spec.id => self.id(position),
                _ if field.nullable && once_in(self.random, 8) => continue,
                _ if once_in(self.random, 2000) => continue,
                _ => values::for_field(self.random, field, self.limits),
            };
            fields.push((field.name.clone(), value));
        }
        if once_in(self.random, 8) {
            fields.reverse();
        }
        if once_in(self.random, 1000) {
            fields.push(("unknown".to_owned(), Value::Null));
        }
        fields.into_iter().collect()
    }

    fn patch(&mut self, spec: &SchemaSpec) -> Fields {
        let patched = (0..=self.random.below(2)).map(|_| {
            let field = random_field(self.random, spec);
            // A patch of the id is nearly always refused.
            let is_id = field.name == spec.fields[spec.id].name;
            let field = if is_id && !once_in(self.random, 40) {
                random_field(self.random, spec)
            } else {
                field
            };
            (field.name.clone(), values::for_field(self.random, field, self.limits))
        });
        patched.collect()
    }

    fn asked(&mut self) -> Asked {
        let (collection, spec) = self.collection();
        Asked { collection: spec.collection.clone(), query: self.query(collection) }
    }

    fn query(&mut self, collection: usize) -> QuerySpec {
        let spec = &self.collections.collections[collection];
        let mut order = Vec::new();
        for _ in 0..self.random.below(4) {
            let field = random_field(self.random, spec);
            if field.kind != KindSpec::Json || once_in(self.random, 30) {
                order.push((field.name.clone(), once_in(self.random, 2)));
            }
        }
        let limit = match self.random.below(8) {
            0 => Some(0),
            1 => Some(1),
            2 => Some(3),
            3 if !self.limits.is_safe => Some(u64::MAX),
            _ => None,
        };
        let offset = match self.random.below(8) {
            0 => 1,
            1 => 3,
            2 if !self.limits.is_safe => u64::MAX,
            _ => 0,
        };
        QuerySpec { filter: self.filter(collection, 3), order, limit, offset }
    }

    fn filter(&mut self, collection: usize, depth: u32) -> Filter {
        let spec = &self.collections.collections[collection];
        if depth > 0 && once_in(self.random, 3) {
            let parts = self.random.below(4);
            let parts: Vec<_> = (0..parts).map(|_| self.filter(collection, depth - 1)).collect();
            return match self.random.below(5) {
                0 | 1 => Filter::And(parts),
                2 | 3 => Filter::Or(parts),
                _ => !self.filter(collection, depth - 1),
            };
        }
        match self.random.below(12) {
            0 => return Filter::all(),
            1 | 2 => {
                let id = self.id(collection);
                return Filter::Eq(spec.fields[spec.id].name.clone(), id);
            }
            _ => {}
        }
        let field = random_field(self.random, spec);
        self.comparison(field)
    }

    fn comparison(&mut self, field: &FieldSpec) -> Filter {
        let name = if once_in(self.random, 400) { "unknown" } else { &field.name }.to_owned();
        let is_text = matches!(field.kind, KindSpec::Text | KindSpec::Enumeration(_));
        let has_order = field.kind != KindSpec::Json || once_in(self.random, 30);
        let value = if once_in(self.random, 200) {
            values::misfit(self.random)
        } else {
            values::of_kind(self.random, field, self.limits)
        };
        match self.random.below(16) {
            0 => Filter::IsNull(name),
            1 => Filter::Eq(name, Value::Null),
            2 => Filter::Ne(name, Value::Null),
            3 => {
                let mut values: Vec<_> = (0..self.random.below(4))
                    .map(|_| values::of_kind(self.random, field, self.limits))
                    .collect();
                if once_in(self.random, 3) {
                    values.push(Value::Null);
                }
                Filter::In(name, values)
            }
            4 | 5 => Filter::Ne(name, value),
            6 if has_order => Filter::Lt(name, value),
            7 if has_order => Filter::Le(name, value),
            8 if has_order => Filter::Gt(name, value),
            9 if has_order => Filter::Ge(name, value),
            10 | 11 if is_text => Filter::StartsWith(name, values::needle(self.random)),
            12 | 13 if is_text => Filter::Contains(name, values::needle(self.random)),
            14 if once_in(self.random, 50) => Filter::Contains(name, "\0".to_owned()),
            _ => Filter::Eq(name, value),
        }
    }
}

fn id(random: &mut Random, field: &FieldSpec, limits: Limits) -> Value {
    let key = FieldSpec { index: true, ..field.clone() };
    match &field.kind {
        // Of these there are few.
        KindSpec::I32 | KindSpec::I64 | KindSpec::U32 if once_in(random, 2) => {
            Value::from(u32::try_from(random.below(20)).unwrap_or_default())
        }
        _ => values::of_kind(random, &key, limits),
    }
}

fn random_field<'a>(random: &mut Random, spec: &'a SchemaSpec) -> &'a FieldSpec {
    random.one_of(&spec.fields)
}
