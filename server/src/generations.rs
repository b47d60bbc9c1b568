//! The sets of tables that a database has, and dropping those of no use any more.

use std::time::{Duration, Instant};

use flux_reducers::{Document as _, Position, Query};

use crate::backend::Backend;
use crate::backend::exclusive::{Exclusive, Exclusivity};
use crate::backend::own::{GENERATIONS, Generation, GenerationState};
use crate::error::Error;
use crate::reading;

/// How long one that ended may take to let others do it.
const LET_GO_AFTER: Duration = Duration::from_secs(1);

/// Returns what is recorded of all of them, and where the log ends.
pub(crate) async fn all(backend: &dyn Backend) -> Result<(Position, Vec<Generation>), Error> {
    let plans = [(GENERATIONS, Query::all().plan(GENERATIONS).map_err(Error::Query)?)];
    let found = reading::fold(backend, &plans, Vec::new(), |all, _, row| {
        let generation = Generation::from_row(&row);
        all.push(generation.map_err(|error| {
            Error::beyond_rebuild(format!("`{}`: {error}", GENERATIONS.collection))
        })?);
        Ok(())
    });
    let (generations, end) = found.await?;
    Ok((end.position, generations))
}

/// Drops those that were replaced last; false where there are none.
pub(crate) async fn drop_previous(backend: &dyn Backend) -> Result<bool, Error> {
    drop_in(backend, &[GenerationState::Kept, GenerationState::Dropped]).await
}

/// Drops those that are to be dropped. A failure of that stops nothing.
pub(crate) async fn drop_marked(backend: &dyn Backend) {
    if let Err(error) = drop_in(backend, &[GenerationState::Dropped]).await {
        tracing::warn!(%error, "tables that are of no use could not be dropped: the next rebuild does");
    }
}

/// Drops all that are not in use, also what a rebuild that was interrupted has built; false where
/// there are none.
pub(crate) async fn drop_unused(backend: &dyn Backend) -> Result<bool, Error> {
    let own = exclusively(backend).await?;
    let unused = [
        GenerationState::Begun,
        GenerationState::Building,
        GenerationState::Kept,
        GenerationState::Dropped,
    ];
    let dropped = drop_in(backend, &unused).await;
    own.end().await;
    dropped
}

/// Takes a rebuild on. One that was dropped a moment ago may not have let go of it yet.
pub(crate) async fn exclusively(backend: &dyn Backend) -> Result<Exclusivity, Error> {
    let deadline = Instant::now() + LET_GO_AFTER;
    loop {
        match backend.exclusively(Exclusive::Rebuild).await? {
            Some(own) => return Ok(own),
            None if Instant::now() > deadline => return Err(Error::RebuildUnderWay),
            None => tokio::time::sleep(LET_GO_AFTER / 20).await,
        }
    }
}

/// Drops those in these states, and returns whether there are any.
async fn drop_in(backend: &dyn Backend, states: &[GenerationState]) -> Result<bool, Error> {
    // Whatever is recorded of it, what the head names is in use.
    let live = backend.head().await?.generation;
    let mut is_any = false;
    for generation in all(backend).await?.1 {
        if states.contains(&generation.state) && generation.id != live {
            is_any |= backend.drop_generation(generation.id, generation.state).await?;
        }
    }
    Ok(is_any)
}
