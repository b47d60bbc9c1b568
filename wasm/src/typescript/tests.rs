use flux_reducers::{
    Action, Bytes, Collection, Describe, Document, Enumeration, Event, Json, Reduction, Timestamp,
    Uuid,
};
use serde::{Deserialize, Serialize};

use super::{Text, collection_types, document_types, event_types, root_types};

#[derive(Document)]
#[document(collection = "things")]
#[serde(rename_all = "camelCase")]
struct Thing {
    id: Uuid,
    is_new: bool,
    count: Option<i64>,
    made_at: Timestamp,
    picture: Option<Bytes>,
    size: Size,
    more: Option<Json>,
}

#[derive(Clone, Copy, Serialize, Deserialize, Enumeration)]
#[serde(rename_all = "camelCase")]
enum Size {
    Small,
    #[serde(rename = "very \"big\"")]
    Big,
}

#[derive(Serialize, Deserialize, Describe)]
struct Point {
    x: f64,
    y: Option<f64>,
}

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload")]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum ThingEvent {
    ThingMoved {
        id: Uuid,
        path: Vec<Point>,
        #[serde(rename = "all-sizes")]
        all_sizes: Vec<Option<Size>>,
    },
    #[event(version = 12)]
    ThingSeen(Option<String>),
    #[event(version = 2)]
    AllForgotten,
}

fn things(things: &Collection<Thing>, _: &ThingEvent) -> Reduction {
    Ok(things.no_change())
}

const TYPES: Text = collection_types("things", things);

const ROOT_TYPES: Text = {
    let mut text = Text::new();
    document_types::<Thing>(&mut text);
    event_types::<Action>(&mut text, "flux_reducers :: Action");
    root_types(text, "app", &[(Thing::SCHEMA, Thing::NAME)])
};

#[test]
fn a_collection_s_types_are_made_of_its_schema_and_its_events() {
    assert_eq!(
        TYPES.as_str(),
        r#"/** A document. */
export interface Thing {
  readonly id: string;
  readonly isNew: boolean;
  readonly count: number | null;
  readonly madeAt: string;
  readonly picture: string | null;
  readonly size: "small" | "very \"big\"";
  readonly more: unknown | null;
}

/** What can happen: a Flux Standard Action. */
export type ThingEvent =
  | { readonly type: "thingMoved"; readonly payload: { readonly id: string; readonly path: readonly ({ readonly x: number; readonly y?: number | null; })[]; readonly "all-sizes": readonly ("small" | "very \"big\"" | null)[]; } }
  | { readonly type: "thingSeen"; readonly payload?: string | null; readonly meta: { readonly version: 12; readonly [name: string]: unknown } }
  | { readonly type: "allForgotten"; readonly meta: { readonly version: 2; readonly [name: string]: unknown } };

export interface Actions extends ActionCreators<ThingEvent> {}

/** The state of the collection. */
export type ThingsState = CollectionState<Thing>;

/**
 * A Redux reducer: the same state where nothing changes. It never throws.
 * From wasm-pack's target `web` it works once `await init()` has ended.
 */
export function things(state: ThingsState | undefined, action: { readonly type: string }): ThingsState;
"#
    );
}

#[test]
fn a_root_reducer_s_state_has_a_member_a_collection() {
    let text = ROOT_TYPES.as_str();
    let (_, rest) = text.split_once("export type ").unwrap();
    assert_eq!(
        rest,
        "Action = { readonly type: string; readonly payload?: unknown };

/** The state of the collections. */
export interface AppState {
  readonly things: CollectionState<Thing>;
}

/**
 * A Redux reducer: the same state where nothing changes. It never throws.
 * From wasm-pack's target `web` it works once `await init()` has ended.
 */
export function app(state: AppState | undefined, action: { readonly type: string }): AppState;
"
    );
}
