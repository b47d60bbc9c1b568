//! What the sequences were made of: a test that is refused everything proves nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::Answer;
use crate::sequence::Dispatched;

/// Counts of what happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sequences: usize,
    events: usize,
    recorded: usize,
    /// Documents in the answers to queries.
    pub(crate) rows: usize,
    /// Dispatches by what became of them.
    answers: BTreeMap<String, usize>,
}

impl Tally {
    pub(crate) fn count(&mut self, dispatched: &Dispatched, answer: &Answer) {
        self.events += dispatched.actions.len();
        let answer = match answer {
            Ok(recorded) => {
                self.recorded += recorded.len();
                "recorded".to_owned()
            }
            Err(error) => error.code().to_owned(),
        };
        *self.answers.entry(answer).or_default() += 1;
    }

    pub(crate) const fn count_sequence(&mut self) {
        self.sequences += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.sequences += other.sequences;
        self.events += other.events;
        self.recorded += other.recorded;
        self.rows += other.rows;
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} sequences of {} events, {} recorded; {} documents found by queries; dispatches:",
            self.sequences, self.events, self.recorded, self.rows
        )?;
        self.answers.iter().try_for_each(|(answer, count)| write!(formatter, " {answer} {count}"))
    }
}
