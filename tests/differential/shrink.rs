//! Makes a failing sequence smaller, as long as it still fails.

use crate::sequence::{Dispatched, Sequence};

/// Sequences that are tried; each one takes a part of a second.
const TRIES_MAX: usize = 250;

/// Returns the smallest sequence found that fails, and how.
pub(crate) fn shrink(
    sequence: Sequence,
    difference: String,
    mut run: impl FnMut(&Sequence) -> Result<(), String>,
) -> (Sequence, String) {
    let mut shrinking = Shrinking { sequence, difference, tries: 0, run: &mut run };
    loop {
        let before = shrinking.size();
        shrinking.drop_parts(|sequence| &mut sequence.groups);
        shrinking.drop_parts(|sequence| &mut sequence.queries);
        for group in (0..shrinking.sequence.groups.len()).rev() {
            shrinking.drop_parts(|sequence| &mut sequence.groups[group].dispatches);
            for dispatch in (0..shrinking.sequence.groups[group].dispatches.len()).rev() {
                shrinking.drop_parts(|it| &mut dispatched(it, group, dispatch).actions);
                let actions = shrinking.sequence.groups[group].dispatches[dispatch].actions.len();
                for action in (0..actions).rev() {
                    shrinking.drop_steps(group, dispatch, action);
                }
            }
        }
        if shrinking.size() == before || shrinking.tries >= TRIES_MAX {
            return (shrinking.sequence, shrinking.difference);
        }
    }
}

struct Shrinking<'a> {
    sequence: Sequence,
    difference: String,
    tries: usize,
    run: &'a mut dyn FnMut(&Sequence) -> Result<(), String>,
}

impl Shrinking<'_> {
    fn size(&self) -> usize {
        serde_json::to_string(&self.sequence).unwrap().len()
    }

    /// Leaves out the second half of a list, then the first, then smaller parts.
    fn drop_parts<T>(&mut self, parts: impl Fn(&mut Sequence) -> &mut Vec<T>) {
        let mut size = parts(&mut self.sequence).len();
        while size > 0 {
            let mut end = parts(&mut self.sequence).len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut smaller = self.sequence.clone();
                drop(parts(&mut smaller).drain(start..end));
                self.try_out(smaller);
                end = start;
            }
            size /= 2;
        }
    }

    /// Leaves out steps of a payload, and operations of its first changesets.
    fn drop_steps(&mut self, group: usize, dispatch: usize, action: usize) {
        let mut pointers = vec![String::new()];
        while let Some(pointer) = pointers.pop() {
            let length = self.items(group, dispatch, action, &pointer);
            for item in (0..length).rev() {
                let mut smaller = self.sequence.clone();
                let of = &mut dispatched(&mut smaller, group, dispatch).actions[action];
                let Some(payload) = of.payload.take() else { continue };
                let mut payload = payload.into_value();
                if let Some(items) =
                    payload.pointer_mut(&pointer).and_then(serde_json::Value::as_array_mut)
                    && item < items.len()
                {
                    items.remove(item);
                }
                of.payload = Some(payload.into());
                self.try_out(smaller);
            }
            for item in 0..self.items(group, dispatch, action, &pointer) {
                for inner in ["apply", "when/then", "when/otherwise"] {
                    pointers.push(format!("{pointer}/{item}/{inner}"));
                }
            }
        }
    }

    fn items(&mut self, group: usize, dispatch: usize, action: usize, pointer: &str) -> usize {
        let action = &dispatched(&mut self.sequence, group, dispatch).actions[action];
        let payload = action.payload.as_ref().map(flux_reducers::Json::as_value);
        let items = payload.and_then(|payload| payload.pointer(pointer)?.as_array());
        items.map_or(0, Vec::len)
    }

    fn try_out(&mut self, smaller: Sequence) {
        if self.tries >= TRIES_MAX {
            return;
        }
        self.tries += 1;
        if let Err(difference) = (self.run)(&smaller) {
            self.sequence = smaller;
            self.difference = difference;
        }
    }
}

fn dispatched(sequence: &mut Sequence, group: usize, dispatch: usize) -> &mut Dispatched {
    &mut sequence.groups[group].dispatches[dispatch]
}
