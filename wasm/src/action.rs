//! A Redux action, as it lies in the bytes that JavaScript wrote.
//!
//! Members that no Flux Standard Action has are left alone: middleware may have put them there.

use std::borrow::Cow;
use std::cell::RefCell;

use flux_reducers::__private::{Decoder, Incoming, Misfit, Part, Token, check_event_type};
use flux_reducers::{Rejection, Timestamp, Uuid};

use crate::bytes::{Reader, lone_surrogate, tag};
use crate::error::code;

/// Why an action has no type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untyped {
    NoObject,
    NoType,
    NoText,
    LoneSurrogate,
    Threw,
}

impl From<Untyped> for Rejection {
    fn from(reason: Untyped) -> Self {
        let found = match reason {
            Untyped::NoObject => "no object",
            Untyped::NoType => "an object without a `type`",
            Untyped::NoText => "a `type` that is no text",
            Untyped::Threw => "an object that throws an error when its `type` is read",
            Untyped::LoneSurrogate => {
                return lone_surrogate()
                    .into_rejection(code::INVALID_ACTION, "the action's `type`");
            }
        };
        let message = [
            "expected an action, { type: \"noteAdded\", payload: .. }, found ",
            found,
            "; did you dispatch an action creator without calling it?",
        ];
        Self::new(code::INVALID_ACTION, message.concat())
    }
}

/// An action that has crossed.
pub(crate) struct CrossedAction {
    reader: RefCell<Reader>,
    event_type: Cow<'static, str>,
    /// Where its members are besides the payload, if it has any: `MEMBERS`.
    members: Option<usize>,
    payload: usize,
    likely: usize,
}

/// Reads a member, and tells whether it is one.
type Fits = fn(&mut Reader) -> Result<bool, Misfit>;

/// The members besides type and payload, in the order in which they are written.
const MEMBERS: [(&str, &str, Fits); 5] = [
    ("id", "a UUID", |it| {
        Ok(matches!(it.next()?, Token::Text(text) if Uuid::try_parse(text).is_ok()))
    }),
    ("timestamp", "a UTC timestamp such as `2016-09-26T20:32:46.588Z`", |it| {
        Ok(matches!(it.next()?, Token::Text(text) if text.parse::<Timestamp>().is_ok()))
    }),
    ("meta", "an object such as { user: \"ann\" }", |it| {
        let is_object = it.peek() == tag::OBJECT;
        it.skip().map(|()| is_object)
    }),
    ("error", "true or false", |it| Ok(matches!(it.next()?, Token::Bool(_)))),
    ("position", "an integer", |it| Ok(matches!(it.next()?, Token::Integer(_)))),
];

impl CrossedAction {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self {
            reader: RefCell::new(reader),
            event_type: Cow::Borrowed(""),
            members: None,
            payload: 0,
            likely: 0,
        }
    }

    /// Reads what is before the payload.
    pub(crate) fn read_head(&mut self, types: &[&'static str]) -> Result<(), Rejection> {
        let reader = self.reader.get_mut();
        self.likely = reader.count();
        if types.is_empty() {
            let event_type = match reader.next() {
                Ok(Token::Text(text)) => text.to_owned(),
                _ => return Err(Untyped::NoText.into()),
            };
            check_event_type(&event_type)?;
            self.event_type = Cow::Owned(event_type);
        } else {
            let number = reader.count();
            self.event_type = Cow::Borrowed(types.get(number).copied().unwrap_or_default());
        }
        if reader.byte() == 1 {
            self.members = Some(reader.at());
            check_members(reader).map_err(|misfit| {
                let what = ["the action `", &self.event_type, "` is wrong"].concat();
                misfit.into_rejection(code::INVALID_ACTION, &what)
            })?;
        }
        self.payload = reader.at();
        Ok(())
    }

    /// Calls a function with the bytes.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&mut Reader) -> T) -> T {
        call(&mut self.reader.borrow_mut())
    }

    /// Calls a function with the bytes where the documents are that JavaScript found.
    pub(crate) fn with_likely(&self, call: impl FnOnce(&mut Reader)) {
        self.with(|reader| {
            reader.go_to(self.likely);
            call(reader);
        });
    }

    pub(crate) fn into_reader(self) -> Reader {
        self.reader.into_inner()
    }
}

fn check_members(reader: &mut Reader) -> Result<(), Misfit> {
    for (name, expected, fits) in MEMBERS {
        if reader.is_absent() || reader.is_null() {
            continue;
        }
        if !fits(reader).map_err(|misfit| misfit.in_member(name))? {
            return Err(Misfit::new(["expected ", expected].concat()).in_member(name));
        }
    }
    Ok(())
}

impl Incoming for CrossedAction {
    fn event_type(&self) -> &str {
        &self.event_type
    }

    fn read(
        &self,
        part: Part,
        read: &mut dyn FnMut(&mut dyn Decoder) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        let mut reader = self.reader.borrow_mut();
        if part == Part::Payload {
            reader.keep_texts(true);
        }
        let passed = match part {
            Part::Payload => None,
            Part::Id => Some(0),
            Part::Timestamp => Some(1),
            Part::Meta => Some(2),
            Part::Error => Some(3),
            Part::Position => Some(4),
        };
        match (passed, self.members) {
            (None, _) => reader.go_to(self.payload),
            (Some(count), Some(members)) => {
                reader.go_to(members);
                (0..count).for_each(|_| reader.pass());
            }
            (Some(_), None) => reader.go_to(usize::MAX),
        }
        let result = read(&mut *reader);
        reader.keep_texts(false);
        result
    }
}
