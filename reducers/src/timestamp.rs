//! Points in time: UTC milliseconds, written as `2016-09-26T20:32:46.588Z`.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z (leap seconds not counted).
///
/// Its text has always the same width, so texts sort as the times do. Years 0000 to 9999.
///
/// ```
/// use flux_reducers::Timestamp;
///
/// let timestamp: Timestamp = "2016-09-26T20:32:46.588Z".parse()?;
/// assert_eq!(timestamp.as_milliseconds(), 1_474_921_966_588);
/// assert_eq!(timestamp.to_string(), "2016-09-26T20:32:46.588Z");
/// assert_eq!(format!("{timestamp:?}"), "2016-09-26T20:32:46.588Z");
/// # Ok::<(), flux_reducers::TimestampError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text or a number that is no [`Timestamp`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is no timestamp: expected UTC text such as `2016-09-26T20:32:46.588Z`, years 0000 to 9999"
)]
///
/// ```
/// # use flux_reducers::*;
/// let error = "yesterday".parse::<Timestamp>().unwrap_err();
/// assert!(error.to_string().contains("`yesterday` is no timestamp"));
/// ```
pub struct TimestampError {
    found: String,
}

impl Timestamp {
    /// The first moment of the year 0000.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The last millisecond of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Returns the timestamp that many milliseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// When it lies before the year 0000 or after the year 9999.
    ///
    /// ```
    /// # use flux_reducers::Timestamp;
    /// assert_eq!(Timestamp::from_milliseconds(0)?.to_string(), "1970-01-01T00:00:00.000Z");
    /// assert!(Timestamp::from_milliseconds(i64::MAX).is_err());
    /// # Ok::<(), flux_reducers::TimestampError>(())
    /// ```
    pub fn from_milliseconds(milliseconds: i64) -> Result<Self, TimestampError> {
        let timestamp = Self(milliseconds);
        if (Self::MIN..=Self::MAX).contains(&timestamp) {
            Ok(timestamp)
        } else {
            Err(TimestampError { found: milliseconds.to_string() })
        }
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// assert_eq!(Timestamp::from_milliseconds(7)?.as_milliseconds(), 7);
    /// # Ok::<(), TimestampError>(())
    /// ```
    #[must_use]
    pub const fn as_milliseconds(self) -> i64 {
        self.0
    }
}

impl Timestamp {
    /// Writes the text, which has 24 characters.
    #[doc(hidden)]
    pub fn encode(self, text: &mut [u8; 24]) -> &str {
        let (days, time) = (narrow(self.0.div_euclid(DAY)), narrow(self.0.rem_euclid(DAY)));
        let (year, month, day) = civil_from_days(days);
        // Not by `format!`, which is a tenth as fast.
        *text = *b"0000-00-00T00:00:00.000Z";
        for (place, number) in [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, time / 3_600_000),
            (14, time / 60_000 % 60),
            (17, time / 1000 % 60),
            (20, time % 1000 / 10),
        ] {
            text[place] = digit(number / 10);
            text[place + 1] = digit(number % 10);
        }
        text[22] = digit(time % 10);
        str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.encode(&mut [0; 24]))
    }
}

/// As its text: what differs between two times is to be read, not reckoned.
impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339 in UTC (`Z`) with no or one to three digits of a second's fraction.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text.as_bytes()).ok_or_else(|| TimestampError { found: text.to_string() })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a UTC timestamp such as `2016-09-26T20:32:46.588Z`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

const DAY: i64 = 86_400_000;

/// Returns what certainly has 32 bits: to divide by fewer is much faster.
#[expect(clippy::cast_possible_truncation, reason = "days and the milliseconds of one are few")]
const fn narrow(number: i64) -> i32 {
    number as i32
}

fn digit(digit: i32) -> u8 {
    b'0' + u8::try_from(digit).unwrap_or_default()
}

fn parse(text: &[u8]) -> Option<Timestamp> {
    let text = text.strip_suffix(b"Z")?;
    let (seconds, fraction) = match text.len() {
        19 => (text, 0),
        21..=23 if text.get(19) == Some(&b'.') => {
            let (seconds, fraction) = text.split_at_checked(19)?;
            let digits = fraction.get(1..)?;
            let scale = 10_i32.pow(3 - u32::try_from(digits.len()).ok()?);
            (seconds, number(digits)? * scale)
        }
        _ => return None,
    };
    let separated = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separated.iter().any(|(at, separator)| seconds.get(*at) != Some(separator)) {
        return None;
    }
    let part = |from: usize, to: usize| number(seconds.get(from..to)?);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let is_day = (1..=12).contains(&month) && (1..=days_of_month(year, month)).contains(&day);
    if !is_day || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    let time = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    Some(Timestamp(i64::from(days) * DAY + i64::from(time)))
}

fn number(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0, |number: i32, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0'))
    })
}

const fn days_of_month(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
const fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse, `civil_from_days` of the same paper.
const fn civil_from_days(days: i32) -> (i32, i32, i32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}
