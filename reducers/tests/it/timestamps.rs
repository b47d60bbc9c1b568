//! Timestamps, with jiff as the second opinion.

use flux_reducers::Timestamp;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, date};
use jiff::fmt::temporal::DateTimePrinter;
use proptest::prelude::*;

use crate::generate::cases;

static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

fn epoch() -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0)
}

#[track_caller]
fn check(milliseconds: i64) {
    let timestamp = Timestamp::from_milliseconds(milliseconds).unwrap();
    let expected = epoch() + SignedDuration::from_millis(milliseconds);
    let text = format!("{}Z", PRINTER.datetime_to_string(&expected));
    assert_eq!(timestamp.to_string(), text);
    assert_eq!(text.parse(), Ok(timestamp));
    assert_eq!(timestamp.as_milliseconds(), milliseconds);
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn text_and_time_are_as_in_the_calendar(
        milliseconds in Timestamp::MIN.as_milliseconds()..=Timestamp::MAX.as_milliseconds(),
    ) {
        check(milliseconds);
    }

    #[test]
    fn a_text_is_read_if_it_is_a_date_and_a_time_of_the_day(
        year in 0_i16..=9999,
        month in 0_i8..15,
        day in 0_i8..34,
        hour in 0_i8..26,
        minute in 0_i8..62,
        second in 0_i8..62,
        fraction in prop::option::of((1_usize..=3).prop_flat_map(|digits| {
            (0..10_i32.pow(u32::try_from(digits).unwrap())).prop_map(move |it| (digits, it))
        })),
    ) {
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        let mut nanosecond = 0;
        if let Some((digits, fraction)) = fraction {
            text += &format!(".{fraction:0digits$}");
            nanosecond = fraction * 10_i32.pow(9 - u32::try_from(digits).unwrap());
        }
        let date = Date::new(year, month, day);
        let time = Time::new(hour, minute, second, nanosecond);
        let expected = date.and_then(|date| Ok(DateTime::from_parts(date, time?))).ok();
        let expected = expected.map(|it| epoch().duration_until(it).as_millis());
        let found = (text + "Z").parse::<Timestamp>().ok().map(|it| i128::from(it.as_milliseconds()));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn texts_sort_as_their_times_do(
        one in Timestamp::MIN.as_milliseconds()..=Timestamp::MAX.as_milliseconds(),
        other in Timestamp::MIN.as_milliseconds()..=Timestamp::MAX.as_milliseconds(),
    ) {
        let timestamp = |it| Timestamp::from_milliseconds(it).unwrap();
        let (one, other) = (timestamp(one), timestamp(other));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn any_text_is_read_or_refused_and_never_panics(text in "\\PC{0,30}", at in 0_usize..24, new in any::<char>()) {
        let _ = text.parse::<Timestamp>();
        let near: String = "2016-09-20T07:04:21.000Z"
            .char_indices()
            .map(|(place, old)| if place == at { new } else { old })
            .collect();
        let is_read = near.parse::<Timestamp>().is_ok();
        prop_assert!(!is_read || new.is_ascii_digit() || near == "2016-09-20T07:04:21.000Z");
    }
}

#[test]
fn the_ends_of_the_range_leap_days_and_turns_of_years_are_exact() {
    let noon = |year, month, day| {
        epoch().duration_until(date(year, month, day).at(12, 0, 0, 0)).as_millis()
    };
    for (year, month, day) in [
        (0, 1, 1),
        (0, 2, 29),
        (1, 1, 1),
        (1600, 2, 29),
        (1900, 2, 28),
        (1900, 3, 1),
        (1969, 12, 31),
        (1970, 1, 1),
        (2000, 2, 29),
        (2024, 2, 29),
        (2100, 3, 1),
        (9999, 12, 31),
    ] {
        check(i64::try_from(noon(year, month, day)).unwrap());
    }
    check(Timestamp::MIN.as_milliseconds());
    check(Timestamp::MAX.as_milliseconds());
    for milliseconds in -1001..=1001 {
        check(milliseconds);
    }
    assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000Z");
    assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
}

#[test]
fn what_lies_beyond_the_range_is_refused() {
    let (min, max) = (Timestamp::MIN.as_milliseconds(), Timestamp::MAX.as_milliseconds());
    for milliseconds in [min - 1, max + 1, i64::MIN, i64::MAX] {
        let error = Timestamp::from_milliseconds(milliseconds).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{milliseconds}` is no timestamp")), "{error}");
    }
}

#[test]
fn fewer_digits_of_the_fraction_are_read_and_three_are_written() {
    let written = |text: &str| text.parse::<Timestamp>().unwrap().to_string();
    assert_eq!(written("2016-09-20T07:04:21Z"), "2016-09-20T07:04:21.000Z");
    assert_eq!(written("2016-09-20T07:04:21.5Z"), "2016-09-20T07:04:21.500Z");
    assert_eq!(written("2016-09-20T07:04:21.05Z"), "2016-09-20T07:04:21.050Z");
}

#[test]
fn texts_of_another_form_are_refused() {
    for text in [
        "",
        "Z",
        "now",
        "1474355061000",
        "2016-09-20",
        "2016-09-20Z",
        "2016-09-20T07:04Z",
        "2016-09-20T07:04:21",
        "2016-09-20T07:04:21.Z",
        "2016-09-20T07:04:21.0000Z",
        "2016-09-20T07:04:21.000000Z",
        "2016-09-20T07:04:21,000Z",
        "2016-09-20T07:04:21.00-Z",
        "2016-09-20T07:04:21.+00Z",
        "2016-09-20T07:04:21.000z",
        "2016-09-20t07:04:21.000Z",
        "2016-09-20 07:04:21.000Z",
        "2016-09-20T07:04:21.000+00:00",
        "2016-09-20T07:04:21.000-00:00",
        "2016-09-20T07:04:21.000ZZ",
        " 2016-09-20T07:04:21.000Z",
        "2016-09-20T07:04:21.000Z ",
        "2016-09-20T07:04:21.000Z\n",
        "2016-9-20T07:04:21.000Z",
        "16-09-20T07:04:21.000Z",
        "+2016-09-20T07:04:21.000Z",
        "-016-09-20T07:04:21.000Z",
        "+002016-09-20T07:04:21.000Z",
        "12016-09-20T07:04:21.000Z",
        "2016-00-20T07:04:21.000Z",
        "2016-13-20T07:04:21.000Z",
        "2016-09-00T07:04:21.000Z",
        "2016-09-31T07:04:21.000Z",
        "2015-02-29T07:04:21.000Z",
        "1900-02-29T07:04:21.000Z",
        "2016-09-20T24:00:00.000Z",
        "2016-09-20T07:60:21.000Z",
        "2016-09-20T07:04:60.000Z",
        "2016-06-30T23:59:60Z",
        "20160920T070421Z",
        "2016-W38-2T07:04:21Z",
        "２０１６-09-20T07:04:21.000Z",
        "2016-09-20T07:04:2é.000Z",
    ] {
        let error = text.parse::<Timestamp>().expect_err(text);
        assert_eq!(
            error.to_string(),
            format!(
                "`{text}` is no timestamp: expected UTC text such as `2016-09-26T20:32:46.588Z`, \
                 years 0000 to 9999"
            )
        );
    }
}
