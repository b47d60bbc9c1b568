//! Values that databases are known to disagree on.

use flux_reducers::{Bytes, Float, Json, Timestamp, Uuid, Value};
use flux_tests::interpreter::{FieldSpec, KindSpec};
use flux_tests::random::Random;
use serde_json::json;

/// Text that differs in what a collation or a pattern may overlook.
const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "A",
    "a ",
    " a",
    "a  ",
    "b",
    "B",
    "á",
    "a\u{301}",
    "ä",
    "Ä",
    "ae",
    "ab",
    "aB",
    "abc",
    "a%",
    "%",
    "_",
    "a_c",
    "a%c",
    "\\",
    "\\%",
    "a\\",
    "*",
    "?",
    "[a]",
    "a*",
    "ß",
    "ss",
    "SS",
    "i",
    "I",
    "ı",
    "İ",
    "😀",
    "😁",
    "a😀",
    "\u{ffff}",
    "\u{e000}",
    "\u{d7ff}",
    "\u{10ffff}",
    "\u{feff}a",
    "a\u{200d}",
    "\u{7f}",
    "\n",
    "\t",
    "a\n",
    "'",
    "\"",
    "`",
    "''",
    "0",
    "00",
    "1",
    "1e0",
    "null",
    "true",
    "{}",
    "x'",
    "$1",
    "--",
    "ﬀ",
    "Ω",
    "Ω",
    "が",
    "か\u{3099}",
];

pub(crate) const CHARACTERS_MAX: usize = 512;
const BYTES_MAX: usize = 2048;

/// What the values may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Whether integers stay where JavaScript holds them exactly.
    pub(crate) is_safe: bool,
}

/// Returns whether it is so once in that many times.
pub(crate) const fn once_in(random: &mut Random, times: u64) -> bool {
    random.below(times) == 0
}

pub(crate) fn pick<T: Clone>(random: &mut Random, choices: &[T]) -> T {
    random.one_of(choices).clone()
}

/// Returns a value for a field: nearly always one that fits.
pub(crate) fn for_field(random: &mut Random, field: &FieldSpec, limits: Limits) -> Value {
    if once_in(random, if field.nullable { 5 } else { 2000 }) {
        return Value::Null;
    }
    if once_in(random, 1500) {
        return misfit(random);
    }
    if field.unique && once_in(random, 2) {
        return another(random, field, limits);
    }
    of_kind(random, field, limits)
}

/// Returns a value that no other document is likely to have.
fn another(random: &mut Random, field: &FieldSpec, limits: Limits) -> Value {
    let number = random.below(1 << 20);
    match &field.kind {
        KindSpec::I32 | KindSpec::U32 | KindSpec::I64 | KindSpec::F64 => {
            Value::Integer(i64::try_from(number).unwrap_or_default())
        }
        KindSpec::Text => Value::from(number.to_string()),
        KindSpec::Uuid => Uuid::from_u128(number.into()).to_string().into(),
        KindSpec::Bytes => Value::from(Bytes(number.to_le_bytes().to_vec())),
        _ => of_kind(random, field, limits),
    }
}

/// Returns a value of the field's kind, sometimes in another form that fits too.
pub(crate) fn of_kind(random: &mut Random, field: &FieldSpec, limits: Limits) -> Value {
    let is_plain = !once_in(random, 3);
    match &field.kind {
        KindSpec::Bool => Value::Bool(once_in(random, 2)),
        KindSpec::I32 => match random.below(10) {
            0 => i32::MAX.into(),
            1 => i32::MIN.into(),
            2 => Value::Integer(-1),
            _ => small(random),
        },
        KindSpec::U32 => match random.below(10) {
            0 => u32::MAX.into(),
            1 => Value::Integer(1 << 31),
            _ => small(random),
        },
        KindSpec::I64 => integer(random, limits),
        KindSpec::F64 if is_plain => Value::Float(Float::new(small_float(random))),
        KindSpec::F64 => float(random, limits),
        KindSpec::Text if is_key(field) => key_text(random).into(),
        KindSpec::Text => text(random).into(),
        KindSpec::Uuid => uuid(random, is_plain),
        KindSpec::Timestamp => timestamp(random, is_plain),
        KindSpec::Bytes => bytes(random),
        KindSpec::Json => Value::from(Json::new(json_value(random, limits, 3))),
        KindSpec::Enumeration(names) => Value::from(random.one_of(names)),
    }
}

const fn is_key(field: &FieldSpec) -> bool {
    field.unique || field.index
}

/// Returns a text that is nearly never longer than a key may be.
pub(crate) fn key_text(random: &mut Random) -> String {
    let text = text(random);
    if text.len() > 1000 && !text.starts_with('😀') && !once_in(random, 20) {
        return pick(random, TEXTS).to_owned();
    }
    text
}

fn small(random: &mut Random) -> Value {
    Value::Integer(i64::try_from(random.below(6)).unwrap_or_default())
}

fn integer(random: &mut Random, limits: Limits) -> Value {
    const SAFE: &[i64] = &[-1, 255, 1 << 31, 1 << 32, (1 << 53) - 1, -(1 << 53) + 1, -7];
    const UNSAFE: &[i64] =
        &[i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1];
    match random.below(6) {
        0 => Value::Integer(pick(random, SAFE)),
        1 if !limits.is_safe => Value::Integer(pick(random, UNSAFE)),
        _ => small(random),
    }
}

fn small_float(random: &mut Random) -> f64 {
    pick(random, &[0.0, -0.0, 0.5, -0.5, 1.0, 2.0, 0.1, 0.2, 0.1 + 0.2, 0.3])
}

fn float(random: &mut Random, limits: Limits) -> Value {
    const SAFE: &[f64] = &[
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        5e-324,
        1.0 / 3.0,
        1e22,
        1e21,
        123_456_789.123_456_79,
        2.225_073_858_507_201e-308,
        0.1 + 0.7,
        16_777_217.0,
        1e-7,
    ];
    const UNSAFE: &[f64] = &[9_007_199_254_740_992.0, 9_007_199_254_740_994.0, 1e18, -1e19];
    match random.below(4) {
        0 if !limits.is_safe => Value::from(pick(random, UNSAFE)),
        // An integer fits too.
        1 => small(random),
        _ => Value::from(pick(random, SAFE)),
    }
}

pub(crate) fn text(random: &mut Random) -> String {
    match random.below(60) {
        0 => "😀".repeat(CHARACTERS_MAX),
        1 => format!("{}{}", "x".repeat(CHARACTERS_MAX - 1), pick(random, &["a", "A", "b", " "])),
        // Beyond what a database looks at by itself when it sorts, and about as far as it must.
        2..=4 => format!("{}{}", "y".repeat(1100), pick(random, &["a", "A", "b", "", " "])),
        5 => format!("{}{}", "y".repeat(1999), pick(random, &["ab", "ba", "b", "", "😀", "😀a"])),
        6..=14 => format!("{}{}", random.one_of(TEXTS), random.one_of(TEXTS)),
        // Few enough that two are often the same, or nearly.
        15..=40 => pick(random, &TEXTS[..14]).to_owned(),
        _ => pick(random, TEXTS).to_owned(),
    }
}

/// Returns a text to look for in others.
pub(crate) fn needle(random: &mut Random) -> String {
    const NEEDLES: &[&str] =
        &["", "a", "A", "%", "_", " ", "\\", "á", "ä", "😀", "b", "B", "*", "ss", "I", "'", "y"];
    if once_in(random, 4) { text(random) } else { pick(random, NEEDLES).to_owned() }
}

fn uuid(random: &mut Random, is_plain: bool) -> Value {
    let uuid = match random.below(5) {
        0 => Uuid::nil(),
        1 => Uuid::max(),
        // Which half decides the order is not the same everywhere.
        2 => Uuid::from_u128(u128::from(random.below(3)) << 96 | 1),
        _ => Uuid::from_u128(random.below(4).into()),
    };
    if is_plain { Value::Uuid(uuid) } else { Value::from(uuid.to_string().to_uppercase()) }
}

fn timestamp(random: &mut Random, is_plain: bool) -> Value {
    let timestamp = match random.below(6) {
        0 => Timestamp::MIN,
        1 => Timestamp::MAX,
        2 => Timestamp::from_milliseconds(-1).unwrap_or(Timestamp::MIN),
        _ => {
            let milliseconds = i64::try_from(random.below(4)).unwrap_or_default() * 500;
            Timestamp::from_milliseconds(milliseconds).unwrap_or(Timestamp::MIN)
        }
    };
    if is_plain { Value::Timestamp(timestamp) } else { Value::from(timestamp.to_string()) }
}

fn bytes(random: &mut Random) -> Value {
    let bytes: &[u8] = match random.below(12) {
        0 => b"",
        1 => b"\0",
        2 => b"\0\0",
        3 => b"a\0",
        4 => b"a ",
        5 => b"A",
        6 => b"\xff",
        7 => b"\x7f\x80",
        8 if once_in(random, 4) => &[7; BYTES_MAX],
        9 if once_in(random, 8) => &[7; BYTES_MAX + 1],
        _ => b"a",
    };
    Value::from(Bytes(bytes.to_vec()))
}

pub(crate) fn json_value(random: &mut Random, limits: Limits, depth: u32) -> serde_json::Value {
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0 => json!(null),
        1 => json!(once_in(random, 2)),
        2 => json!(pick(random, &[1.0, 1.5, -0.0, 1e300, 1e21, 1e-9, 0.1])),
        3 if !limits.is_safe => json!(pick(random, &[u64::MAX, 1 << 63, (1 << 53) + 1])),
        3 => json!(9_007_199_254_740_991_i64),
        4 => json!(random.below(3)),
        // In JSON the character is an escape, which every database can hold.
        5 if once_in(random, 4) => json!("\0"),
        5 | 6 => json!(text(random)),
        7 => json!([]),
        8 => {
            let items = 0..=random.below(2);
            items.map(|_| json_value(random, limits, depth - 1)).collect()
        }
        _ => {
            let names = ["b", "a", "__proto__", "", "é", "A", "constructor"];
            let members = (0..random.below(3))
                .map(|_| (pick(random, &names).to_owned(), json_value(random, limits, depth - 1)));
            members.collect()
        }
    }
}

/// Returns a value that few fields take.
pub(crate) fn misfit(random: &mut Random) -> Value {
    match random.below(9) {
        0 => "a\0b".into(),
        1 => "x".repeat(CHARACTERS_MAX + 1).into(),
        2 => Value::Bool(true),
        3 => Value::Integer(-1),
        4 => Value::from(0.5),
        5 => Value::Integer(1 << 32),
        6 => Value::Null,
        7 => Value::from(Json::new(json!({ "a": 1 }))),
        _ => "no such thing".into(),
    }
}
