//! What handlers keep from one request to the next, each in a type of its own.
//!
//! Handlers know the API and not the other way round: a value is found by its type, and made when it is
//! first asked for.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// The values of one API. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Values>>);

impl Memory {
    /// The one value of this type.
    pub(crate) fn of<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(T::default()));
        let value = Arc::clone(value).downcast();
        value.expect("a value is kept under its own type")
    }
}
