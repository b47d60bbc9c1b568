//! Named values: a whole document or the changed part of one.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::value::Value;

/// Field names with their values: a document that is to be written, or a patch.
///
/// The order does not matter: two are equal when they name the same fields with equal values.
///
/// ```
/// use flux_reducers::Fields;
///
/// let patch = Fields::new().with("title", "Milk").with("done", true);
/// assert_eq!(patch, Fields::new().with("done", true).with("title", "Milk"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(Cow<'static, str>, Value)>);

impl Fields {
    /// Creates an empty set of fields.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert!(Fields::new().is_empty());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets a field.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let patch = Fields::new().with("title", "Milk").with("title", "Oats");
    /// assert_eq!(patch.get("title"), Some(&Value::from("Oats")));
    /// ```
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.set(name.into(), value.into());
        self
    }

    /// Returns the fields in the order they were set.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// let fields = Fields::new().with("title", "Milk");
    /// assert_eq!(fields.iter().next(), Some(("title", &Value::from("Milk"))));
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Returns the value of a field.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Fields::new().with("done", true).get("done"), Some(&Value::Bool(true)));
    /// ```
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Returns how many fields there are.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Fields::new().with("done", true).len(), 1);
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert!(!Fields::new().with("done", true).is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Creates it of fields that all have names of their own.
    #[doc(hidden)]
    #[must_use]
    pub fn of_distinct<const N: usize>(fields: [(&'static str, Value); N]) -> Self {
        Self(fields.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = Value> {
        self.0.into_iter().map(|(_, value)| value)
    }

    fn set(&mut self, name: Cow<'static, str>, value: Value) {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

/// The fields in this order; a name that comes twice keeps its first place and its last value.
impl<N: Into<Cow<'static, str>>> FromIterator<(N, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(fields: I) -> Self {
        let mut all = Self::new();
        for (name, value) in fields {
            all.set(name.into(), value);
        }
        all
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Eq for Fields {}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::new();
                while let Some((name, value)) = map.next_entry::<alloc::string::String, _>()? {
                    fields.set(name.into(), value);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}
