//! The ordered maps of a database: persistent ones, or where bytes count small ones.
//!
//! What is done with them does not know which they are. In WebAssembly a database lives as long as
//! one action and holds what that action reads; elsewhere it is kept, large, and cloned.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use persistent::{Map, Set};
#[cfg(target_arch = "wasm32")]
pub(crate) use sorted::{Map, Set};

/// Orders values; equal ones are the same.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn sort<T: Ord>(values: &mut [T]) {
    values.sort_unstable();
}

/// Orders values; equal ones are the same. Few, or in order already: a quick sort takes 5 kB.
#[cfg(target_arch = "wasm32")]
pub(crate) fn sort<T: Ord>(values: &mut alloc::vec::Vec<T>) {
    let mut sorted = Map::new();
    for (nth, value) in values.drain(..).enumerate() {
        sorted.insert((value, nth), ());
    }
    values.extend(sorted.into_iter().map(|((value, _), ())| value));
}

/// The changes of one collection by id, in order.
///
/// ```
/// use flux_reducers::{Change, Changes, Value};
///
/// let mut changes = Changes::new();
/// changes.insert(Value::from(1), Change { before: None, after: None });
/// assert_eq!(changes.len(), 1);
/// ```
#[cfg(not(target_arch = "wasm32"))]
pub type Changes = alloc::collections::BTreeMap<crate::value::Value, crate::delta::Change>;
/// The changes of one collection by id, in order.
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub type Changes = Map<crate::value::Value, crate::delta::Change>;

#[cfg(not(target_arch = "wasm32"))]
mod persistent {
    use core::ops::Bound;

    use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};

    #[derive(Clone, Debug)]
    pub(crate) struct Map<K: Ord, V>(RedBlackTreeMapSync<K, V>);

    impl<K: Ord + Clone, V: Clone> Map<K, V> {
        pub(crate) fn new() -> Self {
            Self(RedBlackTreeMapSync::new_sync())
        }

        pub(crate) fn get(&self, key: &K) -> Option<&V> {
            self.0.get(key)
        }

        pub(crate) fn len(&self) -> usize {
            self.0.size()
        }

        pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
            self.0.values()
        }

        pub(crate) fn clear(&mut self) {
            *self = Self::new();
        }

        pub(crate) fn insert(&mut self, key: K, value: V) {
            self.0.insert_mut(key, value);
        }

        pub(crate) fn remove(&mut self, key: &K) {
            self.0.remove_mut(key);
        }
    }

    #[derive(Clone, Debug)]
    pub(crate) struct Set<K: Ord>(RedBlackTreeSetSync<K>);

    impl<K: Ord + Clone> Set<K> {
        pub(crate) fn new() -> Self {
            Self(RedBlackTreeSetSync::new_sync())
        }

        pub(crate) fn contains(&self, key: &K) -> bool {
            self.0.contains(key)
        }

        pub(crate) fn clear(&mut self) {
            *self = Self::new();
        }

        /// Returns the keys from the first that is not less than this one.
        pub(crate) fn from(&self, first: &K) -> impl Iterator<Item = &K> {
            self.0.range((Bound::Included(first), Bound::Unbounded))
        }

        pub(crate) fn insert(&mut self, key: K) {
            self.0.insert_mut(key);
        }

        pub(crate) fn remove(&mut self, key: &K) {
            self.0.remove_mut(key);
        }
    }
}

#[cfg(any(target_arch = "wasm32", test))]
#[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, unreachable_pub, reason = "for tests"))]
mod sorted {
    use alloc::vec::Vec;

    /// A list of pairs, ordered by key.
    #[doc(hidden)]
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Map<K, V>(Vec<(K, V)>);

    impl<K: Ord, V> Map<K, V> {
        pub(crate) const fn new() -> Self {
            Self(Vec::new())
        }

        fn position(&self, key: &K) -> Result<usize, usize> {
            match self.0.last() {
                // Documents come in order.
                Some((last, _)) if last < key => Err(self.0.len()),
                _ => self.0.binary_search_by(|(other, _)| other.cmp(key)),
            }
        }

        /// Returns the value of a key.
        #[doc(hidden)]
        pub fn get(&self, key: &K) -> Option<&V> {
            self.position(key)
                .ok()
                .and_then(|position| self.0.get(position))
                .map(|(_, value)| value)
        }

        /// Returns how many there are.
        #[doc(hidden)]
        pub const fn len(&self) -> usize {
            self.0.len()
        }

        /// Returns whether there is none.
        #[doc(hidden)]
        pub const fn is_empty(&self) -> bool {
            self.0.is_empty()
        }

        /// Returns the pairs in order.
        #[doc(hidden)]
        pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
            self.0.iter().map(|(key, value)| (key, value))
        }

        pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
            self.0.iter().map(|(_, value)| value)
        }

        pub(crate) fn clear(&mut self) {
            self.0.clear();
        }

        pub(crate) fn insert(&mut self, key: K, value: V) {
            match self.position(&key) {
                Ok(position) => {
                    if let Some(pair) = self.0.get_mut(position) {
                        pair.1 = value;
                    }
                }
                Err(position) => self.0.insert(position, (key, value)),
            }
        }

        pub(crate) fn remove(&mut self, key: &K) {
            if let Ok(position) = self.position(key) {
                self.0.remove(position);
            }
        }
    }

    impl<K, V> IntoIterator for Map<K, V> {
        type Item = (K, V);
        type IntoIter = alloc::vec::IntoIter<(K, V)>;

        fn into_iter(self) -> Self::IntoIter {
            self.0.into_iter()
        }
    }

    #[derive(Clone, Debug)]
    pub(crate) struct Set<K>(Map<K, ()>);

    impl<K: Ord> Set<K> {
        pub(crate) const fn new() -> Self {
            Self(Map::new())
        }

        pub(crate) fn contains(&self, key: &K) -> bool {
            self.0.position(key).is_ok()
        }

        pub(crate) fn clear(&mut self) {
            self.0.clear();
        }

        /// Returns the keys from the first that is not less than this one.
        pub(crate) fn from(&self, first: &K) -> impl Iterator<Item = &K> {
            let start = self.0.position(first).unwrap_or_else(|position| position);
            self.0.0.iter().skip(start).map(|(key, ())| key)
        }

        pub(crate) fn insert(&mut self, key: K) {
            self.0.insert(key, ());
        }

        pub(crate) fn remove(&mut self, key: &K) {
            self.0.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{persistent, sorted};

    proptest! {
        #[test]
        fn both_maps_and_sets_are_the_same(
            steps in prop::collection::vec((0..3_u8, 0..20_i64), 0..200),
        ) {
            let (mut large, mut small) = (persistent::Map::new(), sorted::Map::new());
            let (mut large_set, mut small_set) = (persistent::Set::new(), sorted::Set::new());
            for (nth, (kind, key)) in steps.into_iter().enumerate() {
                if kind == 0 {
                    large.remove(&key);
                    small.remove(&key);
                    large_set.remove(&key);
                    small_set.remove(&key);
                } else {
                    large.insert(key, nth);
                    small.insert(key, nth);
                    large_set.insert(key);
                    small_set.insert(key);
                }
                prop_assert_eq!(large.get(&key), small.get(&key));
                prop_assert_eq!(large_set.contains(&key), small_set.contains(&key));
                prop_assert_eq!(large.len(), small.len());
                prop_assert!(large.values().eq(small.values()));
                let from: Vec<_> = large_set.from(&key).collect();
                prop_assert_eq!(from, small_set.from(&key).collect::<Vec<_>>());
            }
        }
    }
}
