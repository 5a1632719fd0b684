//! Values of items, in DynamoDB's JSON: `{"S": "text"}`, `{"N": "7"}`.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

/// An item, or a key: the values of its attributes.
pub(super) type Item = Map<String, Value>;

/// A value of a key attribute, in the order in which DynamoDB sorts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyPart {
    Number(i128),
    Text(Box<str>),
}

impl KeyPart {
    /// The key part of a value; `None` for a value of another type.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match typed(value)? {
            ("S", text) => Some(Self::Text(text.as_str()?.into())),
            ("N", number) => Some(Self::Number(number.as_str()?.parse().ok()?)),
            _ => None,
        }
    }
}

/// The type of a value, and what it holds.
pub(super) fn typed(value: &Value) -> Option<(&str, &Value)> {
    let (name, inner) = value.as_object()?.iter().next()?;
    Some((name, inner))
}

/// The order of two values of the same type; `None` for values that have none.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    let ((left_type, left), (right_type, right)) = (typed(left)?, typed(right)?);
    if left_type != right_type {
        return None;
    }
    match left_type {
        "S" | "B" => Some(left.as_str()?.cmp(right.as_str()?)),
        "N" => compare_numbers(left.as_str()?, right.as_str()?),
        _ => None,
    }
}

/// Whether two values are the same. Two spellings of a number are.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    left == right || compare(left, right) == Some(Ordering::Equal)
}

fn compare_numbers(left: &str, right: &str) -> Option<Ordering> {
    match (left.parse::<i128>(), right.parse::<i128>()) {
        (Ok(left), Ok(right)) => Some(left.cmp(&right)),
        _ => left.parse::<f64>().ok()?.partial_cmp(&right.parse().ok()?),
    }
}

/// The sum of two numbers, or their difference; `None` if one is no number.
pub(super) fn add(left: &Value, right: &Value, is_minus: bool) -> Option<Value> {
    let (("N", left), ("N", right)) = (typed(left)?, typed(right)?) else { return None };
    let (left, right) = (left.as_str()?, right.as_str()?);
    let sum = match (left.parse::<i128>(), right.parse::<i128>()) {
        (Ok(left), Ok(right)) => (if is_minus { left - right } else { left + right }).to_string(),
        _ => {
            let (left, right): (f64, f64) = (left.parse().ok()?, right.parse().ok()?);
            (if is_minus { left - right } else { left + right }).to_string()
        }
    };
    Some(json!({"N": sum}))
}

/// The size of a value, as the function `size` returns it.
pub(super) fn size(value: &Value) -> Option<Value> {
    let length = match typed(value)?.1 {
        Value::String(text) => text.len(),
        Value::Array(values) => values.len(),
        Value::Object(values) => values.len(),
        _ => return None,
    };
    Some(json!({"N": length.to_string()}))
}

/// Whether a text begins with another, or a list, a set or a text contains it.
pub(super) fn holds(value: &Value, part: &Value, is_at_start: bool) -> bool {
    let (Some((value_type, value)), Some((part_type, inner))) = (typed(value), typed(part)) else {
        return false;
    };
    match (value, inner) {
        (Value::String(text), Value::String(inner)) if value_type == part_type => {
            if is_at_start {
                text.starts_with(inner.as_str())
            } else {
                text.contains(inner.as_str())
            }
        }
        (Value::Array(values), inner) if !is_at_start => match value_type {
            "L" => values.iter().any(|value| equal(value, part)),
            _ => values.contains(inner),
        },
        _ => false,
    }
}
