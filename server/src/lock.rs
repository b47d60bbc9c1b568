//! Locks of what stays sound whatever happens to who holds them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic: what is behind our locks is whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
