//! The notes sample as an npm package: `notes(state, action)`, a plain Redux reducer.

flux_wasm::reduxify!(notes: notes_reducers::notes);
