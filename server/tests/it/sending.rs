//! What is asked of a store can be asked from a task of its own.

use flux_server::reducers::{Action, Filter};
use flux_server::{LogQuery, Store, StoreBuilder};

use crate::tasks::*;

const fn is_send<T: Send>(_: &T) {}

/// Compiled, and never run.
#[allow(dead_code, reason = "it is compiled, which is the test")]
fn all_that_is_asked_for_can_be_sent(builder: impl Fn() -> StoreBuilder, store: &Store) {
    is_send(&builder().open());
    is_send(&builder().rebuild(|_| {}));
    is_send(&builder().preview_rebuild());
    is_send(&builder().drop_unused());
    is_send(&store.dispatch(&added(1)));
    is_send(&store.dispatch_all(&[Action::new("rung")]));
    is_send(&store.find_by_id::<Task>(1));
    is_send(&store.find_all::<Task>(Filter::eq("id", 1)));
    is_send(&store.events(LogQuery::default()));
    is_send(&store.at(1));
    is_send(&store.history::<Task>(1));
    is_send(&store.take_snapshot());
    is_send(&store.take_missing_snapshots(1));
    is_send(&store.remove_snapshot(1));
    is_send(&store.snapshots());
    is_send(&store.drop_previous());
    is_send(&store.verify());
    is_send(&store.close());
}
