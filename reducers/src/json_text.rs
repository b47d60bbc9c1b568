//! JSON as the text that a log holds, read once: as a flat list of what is in it, without a tree.

use alloc::borrow::Cow;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use crate::decode::{Decoder, Misfit, Token};
use crate::json;

/// One value, or the beginning of one.
#[derive(Clone, Debug, PartialEq)]
enum Item<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Large(u64),
    Float(f64),
    Text(Cow<'a, str>),
    /// The name of the member that follows.
    Name(Cow<'a, str>),
    /// How many items it has, and where what follows it begins.
    List(usize, usize),
    /// How many members it has, and where what follows it begins.
    Object(usize, usize),
}

/// Gives the values of a payload that is text.
#[derive(Debug)]
pub(crate) struct TextDecoder<'a> {
    items: Vec<Item<'a>>,
    /// What comes next.
    at: usize,
    /// Where the members of the records are that are being read, each one's last first, and where
    /// the innermost ends; after each record where the one around it goes on.
    records: Vec<Member>,
}

#[derive(Clone, Copy, Debug)]
enum Member {
    At(usize),
    Missing,
    End(usize),
}

/// As many as most payloads have.
const ITEMS: usize = 16;

/// Where nothing is: what is read there is missing.
const NOWHERE: usize = usize::MAX;

impl<'a> TextDecoder<'a> {
    /// Reads the text; without one the value is missing.
    ///
    /// # Errors
    /// When it is no JSON.
    pub(crate) fn of_json(text: Option<&'a str>) -> Result<Self, Misfit> {
        let mut items = Vec::with_capacity(ITEMS);
        if let Some(text) = text {
            let mut json = serde_json::Deserializer::from_str(text);
            let read = Next(&mut items).deserialize(&mut json).and_then(|()| json.end());
            read.map_err(|error| Misfit::new(error.to_string()))?;
        }
        Ok(Self::of(items))
    }

    /// Gives a text, as JSON has it.
    pub(crate) fn of_text(text: &'a str) -> Self {
        Self::of(alloc::vec![Item::Text(text.into())])
    }

    /// Gives an integer.
    pub(crate) fn of_integer(integer: i64) -> Self {
        Self::of(alloc::vec![Item::Integer(integer)])
    }

    /// Gives a truth value, or none.
    pub(crate) fn of_bool(bool: Option<bool>) -> Self {
        Self::of(bool.into_iter().map(Item::Bool).collect())
    }

    fn of(items: Vec<Item<'a>>) -> Self {
        Self { items, at: 0, records: Vec::with_capacity(ITEMS) }
    }

    /// Where what follows an item begins.
    fn behind(&self, at: usize) -> usize {
        match self.items.get(at) {
            Some(Item::List(_, end) | Item::Object(_, end)) => *end,
            _ => at + 1,
        }
    }
}

impl Decoder for TextDecoder<'_> {
    fn next(&mut self) -> Result<Token<'_>, Misfit> {
        let Some(item) = self.items.get(self.at) else { return Ok(Token::Absent) };
        self.at += 1;
        Ok(match item {
            Item::Null => Token::Null,
            Item::Bool(bool) => Token::Bool(*bool),
            Item::Integer(integer) => Token::Integer(*integer),
            Item::Large(integer) => Token::Large(*integer),
            Item::Float(float) => Token::Float(*float),
            Item::Text(text) | Item::Name(text) => Token::Text(text),
            Item::List(count, _) => Token::List(*count),
            Item::Object(count, _) => Token::Object(*count),
        })
    }

    fn name(&mut self) -> &str {
        let Some(Item::Name(name)) = self.items.get(self.at) else { return "" };
        self.at += 1;
        name
    }

    fn record(&mut self, names: &[&str]) -> Result<Option<Token<'_>>, Misfit> {
        let Some(Item::Object(count, end)) = self.items.get(self.at) else {
            return self.next().map(Some);
        };
        let (count, end) = (*count, *end);
        self.records.push(Member::End(end));
        let first = self.records.len();
        self.records.resize(first + names.len(), Member::Missing);
        let mut at = self.at + 1;
        for _ in 0..count {
            if let Some(Item::Name(name)) = self.items.get(at)
                && let Some(wanted) = names.iter().position(|wanted| wanted == name)
                && let Some(member) = self.records.get_mut(first + names.len() - 1 - wanted)
            {
                *member = Member::At(at + 1);
            }
            at = self.behind(at + 1);
        }
        Ok(None)
    }

    fn member(&mut self) {
        self.at = match self.records.pop() {
            Some(Member::At(at)) => at,
            Some(Member::Missing) | None => NOWHERE,
            Some(end @ Member::End(_)) => {
                self.records.push(end);
                NOWHERE
            }
        };
    }

    fn end_record(&mut self) {
        if let Some(Member::End(end)) = self.records.pop() {
            self.at = end;
        }
    }

    fn is_absent(&mut self) -> bool {
        self.at >= self.items.len()
    }

    fn is_null(&mut self) -> bool {
        let is_null = matches!(self.items.get(self.at), Some(Item::Null));
        self.at += usize::from(is_null);
        is_null
    }
}

/// Reads the next value into the list.
struct Next<'list, 'a>(&'list mut Vec<Item<'a>>);

impl<'a> DeserializeSeed<'a> for Next<'_, 'a> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Next<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push(Item::Null);
        Ok(())
    }

    fn visit_bool<E>(self, bool: bool) -> Result<(), E> {
        self.0.push(Item::Bool(bool));
        Ok(())
    }

    fn visit_i64<E>(self, integer: i64) -> Result<(), E> {
        self.0.push(Item::Integer(integer));
        Ok(())
    }

    fn visit_u64<E>(self, integer: u64) -> Result<(), E> {
        self.0.push(i64::try_from(integer).map_or(Item::Large(integer), Item::Integer));
        Ok(())
    }

    /// As the normal form has it.
    fn visit_f64<E: serde::de::Error>(self, float: f64) -> Result<(), E> {
        let number = json::number(float).ok_or_else(|| E::custom("a number is too large"))?;
        self.0.push(match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Item::Integer(integer),
            (None, Some(integer)) => Item::Large(integer),
            (None, None) => Item::Float(float),
        });
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.0.push(Item::Text(text.into()));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push(Item::Text(Cow::Owned(text.into())));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        let begin = self.0.len();
        self.0.push(Item::Null);
        let mut count = 0;
        while items.next_element_seed(Next(self.0))?.is_some() {
            count += 1;
        }
        let end = self.0.len();
        self.0[begin] = Item::List(count, end);
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        let begin = self.0.len();
        self.0.push(Item::Null);
        let mut count = 0;
        while members.next_key_seed(Next(self.0))?.is_some() {
            match self.0.pop() {
                Some(Item::Text(name)) => self.0.push(Item::Name(name)),
                _ => return Err(A::Error::custom("the name of a member is no text")),
            }
            members.next_value_seed(Next(self.0))?;
            count += 1;
        }
        let end = self.0.len();
        self.0[begin] = Item::Object(count, end);
        Ok(())
    }
}
