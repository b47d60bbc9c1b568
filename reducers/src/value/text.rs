//! Values in messages. What is exact goes by JSON; this is for people, and small.

use alloc::string::{String, ToString};

/// Returns a number, to 14 digits: exact ones take tables of 10 kB, for which no page should wait.
#[doc(hidden)]
#[must_use]
#[cold]
pub fn float_text(float: f64) -> String {
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
    const ZEROS: &str = "00000000000000000000";
    let sign = if float < 0.0 { "-" } else { "" };
    let value = if float < 0.0 { -float } else { float };
    if value.is_nan() {
        return "NaN".to_string();
    }
    if value.is_infinite() {
        return [sign, "inf"].concat();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 64 bits")]
    let whole = value as u64;
    #[expect(clippy::cast_precision_loss, reason = "exact if it was whole")]
    let is_whole = value < TWO_TO_64 && whole as f64 == value;
    if is_whole {
        return [sign, &whole.to_string()].concat();
    }
    let (digits, exponent) = decimal(value);
    let zeros = |count: usize| ZEROS.get(..count).unwrap_or_default();
    let point = |fraction: &str| if fraction.is_empty() { "" } else { "." };
    let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
    match usize::try_from(exponent) {
        Ok(place @ 0..=20) => {
            let (whole, fraction) = rest.split_at_checked(place).unwrap_or((rest, ""));
            [sign, first, whole, zeros(place - whole.len()), point(fraction), fraction].concat()
        }
        Err(_) if exponent >= -7 => {
            let count = usize::try_from(-exponent - 1).unwrap_or_default();
            [sign, "0.", zeros(count), &digits].concat()
        }
        _ => {
            let power = if exponent < 0 { "e" } else { "e+" };
            [sign, first, point(rest), rest, power, &exponent.to_string()].concat()
        }
    }
}

/// Returns the digits, a point after the first of them, and the power of ten.
fn decimal(mut value: f64) -> (String, i32) {
    const POWERS: [(f64, i32); 9] = [
        (1e256, 256),
        (1e128, 128),
        (1e64, 64),
        (1e32, 32),
        (1e16, 16),
        (1e8, 8),
        (1e4, 4),
        (1e2, 2),
        (1e1, 1),
    ];
    const FOURTEEN_DIGITS: u64 = 100_000_000_000_000;
    let mut exponent = 0;
    // The compiler would write the loop out, which is a kB of each package.
    for &(power, step) in core::hint::black_box(&POWERS) {
        if value >= power {
            value /= power;
            exponent += step;
        }
        // What is still less than 1 is left to the smaller powers.
        if value * power < 10.0 {
            value *= power;
            exponent -= step;
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "14 digits")]
    let digits = (value * 1e13 + 0.5) as u64;
    if digits >= FOURTEEN_DIGITS {
        exponent += 1;
    }
    (digits.to_string().trim_end_matches('0').to_string(), exponent)
}

/// Returns a text as JSON.
#[doc(hidden)]
#[must_use]
#[cold]
pub fn quoted(text: &str) -> String {
    const HEXADECIMAL: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        let mut buffer = [0; 4];
        let shown: &str = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\0'..='\u{1f}' => {
                quoted.push_str(if character < '\u{10}' { "\\u000" } else { "\\u001" });
                HEXADECIMAL[character as usize % 16].encode_utf8(&mut buffer)
            }
            other => other.encode_utf8(&mut buffer),
        };
        quoted.push_str(shown);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{float_text, quoted};
    use alloc::string::ToString;

    #[test]
    fn numbers_are_shown_as_they_are_written() {
        for (float, text) in [
            (1.5, "1.5"),
            (-0.125, "-0.125"),
            (0.1 + 0.2, "0.3"),
            (9.999_999_999_999_99, "10"),
            (1e-7, "0.0000001"),
            (1.25e-8, "1.25e-8"),
            (1.5e20, "150000000000000000000"),
            (1e21, "1e+21"),
            (1.797_693_134_862_315_7e308, "1.7976931348623e+308"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float_text(float), text);
        }
    }

    #[test]
    fn thousandths_and_all_powers_are_exact() {
        for thousandths in 0..100_000_u32 {
            let float = f64::from(thousandths) / 1000.0;
            assert_eq!(float_text(float).parse(), Ok(float));
        }
        for exponent in -300..300 {
            let float = ("1.25e".to_string() + &exponent.to_string()).parse().unwrap();
            assert_eq!(float_text(float).parse(), Ok(float));
        }
    }

    #[test]
    fn a_text_is_shown_as_json() {
        let all: alloc::string::String = (0..0x250_u32).filter_map(char::from_u32).collect();
        assert_eq!(quoted(&all), serde_json::to_string(&all).unwrap());
    }
}
