//! Amounts of cpu and memory in Kubernetes' notation.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use rewriter::View;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Suffix and size, in billionths.
type Unit = (&'static str, i128);

/// Powers of ten, ascending.
const DECIMAL: [Unit; 10] = [
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("", ONE),
    ("k", ONE * 1_000),
    ("M", ONE * 1_000_000),
    ("G", ONE * 1_000_000_000),
    ("T", ONE * 1_000_000_000_000),
    ("P", ONE * 1_000_000_000_000_000),
    ("E", ONE * 1_000_000_000_000_000_000),
];

/// Powers of two, ascending.
const BINARY: [Unit; 7] = [
    ("", ONE),
    ("Ki", ONE << 10),
    ("Mi", ONE << 20),
    ("Gi", ONE << 30),
    ("Ti", ONE << 40),
    ("Pi", ONE << 50),
    ("Ei", ONE << 60),
];

const ONE: i128 = 1_000_000_000;

/// An amount of a resource, such as `250m` or `512Mi`.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// As it is written.
    text: String,
    billionths: i128,
    unit: Unit,
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match serde_yaml::Value::deserialize(deserializer)? {
            serde_yaml::Value::String(text) => text,
            serde_yaml::Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        text.parse().map_err(|_| serde::de::Error::custom("expected a quantity such as `250m` or `512Mi`"))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An amount as Kubernetes writes it, such as `250m` or `512Mi`.",
            "type": ["string", "number"],
        })
    }
}

impl Quantity {
    /// The amount that a scalar stands for; `None` where it stands for none.
    pub fn of<'v>(value: impl Into<View<'v>>) -> Option<Self> {
        let value = value.into();
        match value.as_integer() {
            // Hexadecimal and octal numbers reach the API server in decimal.
            Some(number) => number.to_string().parse().ok(),
            None => value.text().parse().ok(),
        }
    }

    /// Whether it is nothing at all.
    pub fn is_zero(&self) -> bool {
        self.billionths == 0
    }

    /// Nothing.
    pub fn zero() -> Self {
        Self { text: "0".to_owned(), billionths: 0, unit: ("", ONE) }
    }

    /// How many thousandths it is, rounded down, where such a number fits.
    pub fn thousandths(&self) -> Option<u32> {
        u32::try_from(self.billionths / 1_000_000).ok()
    }

    /// Whether it is more than `thousandths` / 1000 of `base`.
    pub fn exceeds(&self, base: &Self, thousandths: u32) -> bool {
        let scaled = base.billionths.saturating_mul(i128::from(thousandths));
        self.billionths.saturating_mul(1_000) > scaled
    }

    /// This amount and `other`.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self::sum(self.billionths.saturating_add(other.billionths), [self, other])
    }

    /// What is left of this amount without `other`; nothing where that is more.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self::sum(self.billionths.saturating_sub(other.billionths).max(0), [self, other])
    }

    /// This amount `count` times.
    #[must_use]
    pub fn times(&self, count: u32) -> Self {
        Self::sum(self.billionths.saturating_mul(i128::from(count)), [self, self])
    }

    /// `billionths` in the largest unit in which it is whole: of the powers of two where one of `parts` is
    /// written in them, and else none larger than those of `parts`.
    fn sum(billionths: i128, parts: [&Self; 2]) -> Self {
        let is_binary = parts.iter().any(|part| BINARY.iter().skip(1).any(|unit| *unit == part.unit));
        let largest = parts.iter().map(|part| part.unit.1).fold(ONE, Ord::max);
        let units: &[Unit] = if is_binary { &BINARY } else { &DECIMAL };
        let is_whole = |(_, size): &&Unit| billionths % size == 0 && (is_binary || *size <= largest);
        let unit = units.iter().rev().find(is_whole).filter(|_| billionths != 0).copied();
        let unit = unit.unwrap_or(("", ONE));
        Self { text: format!("{}{}", divide_up(billionths, unit.1), unit.0), billionths, unit }
    }

    /// This amount times `thousandths` / 1000, rounded up to what people write: the same unit, or the next
    /// smaller one where the result is not whole, and nothing below `finest`, the unit a resource is counted in.
    #[must_use]
    pub fn scaled(&self, thousandths: u32, finest: &str) -> Option<Self> {
        let product = self.billionths.checked_mul(i128::from(thousandths))?;
        let target = divide_up(product, 1_000);
        let units: &[Unit] =
            if BINARY.iter().skip(1).any(|unit| *unit == self.unit) { &BINARY } else { &DECIMAL };
        let lowest = units.iter().position(|(suffix, _)| *suffix == finest)?;
        let written = units.iter().position(|unit| *unit == self.unit)?.max(lowest);
        let (_, size) = units[written];
        let (suffix, size) =
            if target % size == 0 { units[written] } else { units[written.saturating_sub(1).max(lowest)] };
        format!("{}{suffix}", divide_up(target, size)).parse().ok()
    }
}

/// `dividend` / `divisor`, both positive, rounded up.
fn divide_up(dividend: i128, divisor: i128) -> i128 {
    dividend / divisor + i128::from(dividend % divisor != 0)
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.billionths == other.billionths
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.billionths.cmp(&other.billionths)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is no amount that a container can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidQuantity;

impl fmt::Display for InvalidQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a quantity such as `250m` or `512Mi`")
    }
}

impl std::error::Error for InvalidQuantity {}

impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let (billionths, unit) = parse(text).ok_or(InvalidQuantity)?;
        Ok(Self { text: text.to_owned(), billionths, unit })
    }
}

fn parse(text: &str) -> Option<(i128, Unit)> {
    let number = text.strip_prefix('+').unwrap_or(text);
    let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
    let (number, suffix) = number.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mantissa: i128 = [whole, fraction].concat().parse().ok()?;
    let fraction = u32::try_from(fraction.len()).ok()?;
    let exponent = suffix.strip_prefix(['e', 'E']).and_then(|digits| digits.parse::<i32>().ok());
    let (unit, exponent) = match exponent {
        Some(exponent) => (("", ONE), exponent),
        None => (*DECIMAL.iter().chain(&BINARY).find(|(known, _)| *known == suffix)?, 0),
    };
    let up = 10i128.checked_pow(exponent.max(0).unsigned_abs())?;
    let down = 10i128.checked_pow(exponent.min(0).unsigned_abs().checked_add(fraction)?)?;
    let product = mantissa.checked_mul(unit.1)?.checked_mul(up)?;
    Some((divide_up(product, down), unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: &str, finest: &str, limit: &str) {
        let scaled = request.parse::<Quantity>().unwrap().scaled(1_500, finest).unwrap();
        assert_eq!(scaled.to_string(), limit, "{request}");
    }

    #[test]
    fn cpu_is_scaled_in_the_unit_it_is_written_in() {
        check("100m", "m", "150m");
        check("1", "m", "1500m");
        check("2", "m", "3");
        check("0.5", "m", "750m");
        check(".1", "m", "150m");
        check("1m", "m", "2m");
        check("1500u", "m", "3m");
        check("2e0", "m", "3");
        check("0.1e1", "m", "1500m");
    }

    #[test]
    fn memory_is_scaled_in_the_unit_it_is_written_in() {
        check("256Mi", "", "384Mi");
        check("1Gi", "", "1536Mi");
        check("1.5Gi", "", "2304Mi");
        check("100M", "", "150M");
        check("1G", "", "1500M");
        check("1Ki", "", "1536");
        check("1", "", "2");
        check("1e3", "", "1500");
        check("128974848000m", "", "193462272");
        check("0.1Gi", "", "154Mi");
    }

    #[test]
    fn other_text_is_no_quantity() {
        for text in ["", "Mi", "-1", "1 Gi", "1gi", "1KB", "1.2.3", "${CPU}", "{{ x }}", "1e", "1e99", "١"] {
            assert!(text.parse::<Quantity>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sums_are_written_as_people_write_them() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        for (own, other, sum) in [
            ("250m", "250m", "500m"),
            ("250m", "750m", "1"),
            ("1", "999", "1000"),
            ("512Mi", "512Mi", "1Gi"),
            ("512Mi", "1Gi", "1536Mi"),
            ("100M", "1G", "1100M"),
            ("0", "512Mi", "512Mi"),
            ("1Ki", "1", "1025"),
            ("1Ki", "500m", "1025"),
            ("0", "0", "0"),
        ] {
            assert_eq!(quantity(own).plus(&quantity(other)).to_string(), sum, "{own} + {other}");
            assert_eq!(quantity(own).plus(&quantity(other)).minus(&quantity(other)), quantity(own));
        }
        assert!(quantity("1").minus(&quantity("2")).is_zero());
        assert_eq!(quantity("512Mi").times(3).to_string(), "1536Mi");
        assert_eq!(quantity("250m").times(4).to_string(), "1");
        assert_eq!(quantity("1.5").thousandths(), Some(1_500));
        assert_eq!(quantity("8Gi").thousandths(), None);
    }

    #[test]
    fn quantities_compare_by_amount() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(quantity("1000m"), quantity("1"));
        assert_eq!(quantity("1Gi"), quantity("1073741824"));
        assert!(quantity("1G") < quantity("1Gi"));
        assert!(quantity("0").is_zero());
    }
}
