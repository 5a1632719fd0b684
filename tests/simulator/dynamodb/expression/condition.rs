//! Carrying conditions out.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::syntax::{Comparator, Condition, Operand, Path, Subject};
use crate::{
    dynamodb::value::{add, compare, equal, holds, size, typed},
    refusal::Refusal,
};

impl Condition {
    /// Whether an item meets the condition. A missing value meets nothing but `<>`.
    pub(in crate::dynamodb) fn is_met(&self, subject: &Subject<'_>) -> Result<bool, Refusal> {
        Ok(match self {
            Self::And(left, right) => left.is_met(subject)? && right.is_met(subject)?,
            Self::Or(left, right) => left.is_met(subject)? || right.is_met(subject)?,
            Self::Not(inner) => !inner.is_met(subject)?,
            Self::Exists(path, exists) => subject.at(path)?.is_some() == *exists,
            Self::BeginsWith(value, part) => {
                subject.both(value, part, |value, part| holds(value, part, true))?
            }
            Self::Contains(value, part) => {
                subject.both(value, part, |value, part| holds(value, part, false))?
            }
            Self::Between(value, low, high) => {
                let at_least = subject
                    .both(value, low, |value, low| compares(value, Comparator::GreaterOrEqual, low))?;
                at_least
                    && subject
                        .both(value, high, |value, high| compares(value, Comparator::LessOrEqual, high))?
            }
            Self::In(value, choices) => {
                for choice in choices {
                    if subject.both(value, choice, equal)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Compare(left, Comparator::Unequal, right) => !subject.both(left, right, equal)?,
            Self::Compare(left, comparator, right) => {
                subject.both(left, right, |left, right| compares(left, *comparator, right))?
            }
        })
    }
}

fn compares(left: &Value, comparator: Comparator, right: &Value) -> bool {
    match comparator {
        Comparator::Equal => equal(left, right),
        Comparator::Unequal => !equal(left, right),
        _ => compare(left, right).is_some_and(|order| comparator.allows(order)),
    }
}

impl<'a> Subject<'a> {
    /// The name of an attribute that a path names, or its placeholder.
    pub(in crate::dynamodb) fn name<'b>(&self, name: &'b str) -> Result<Cow<'b, str>, Refusal> {
        if !name.starts_with('#') {
            return Ok(name.into());
        }
        let found = self.names[name].as_str().map(|name| name.to_owned().into());
        found.ok_or_else(|| Refusal::invalid(format!("{name} stands for nothing")))
    }

    /// The value at a path.
    pub(in crate::dynamodb) fn at(&self, path: &Path) -> Result<Option<&'a Value>, Refusal> {
        let Some((first, rest)) = path.split_first() else { return Ok(None) };
        let mut found = self.item.get(self.name(first)?.as_ref());
        for name in rest {
            let name = self.name(name)?;
            found = found.and_then(|value| value.get("M")?.get(name.as_ref()));
        }
        Ok(found)
    }

    /// The value of an operand; `None` if there is none.
    pub(in crate::dynamodb) fn value(&self, operand: &Operand) -> Result<Option<Cow<'a, Value>>, Refusal> {
        let invalid = || Refusal::invalid("an operand has another type");
        Ok(match operand {
            Operand::Value(name) => {
                let value = self.values.get(name.as_str());
                let value = value.ok_or_else(|| Refusal::invalid(format!("{name} stands for nothing")))?;
                Some(Cow::Borrowed(value))
            }
            Operand::Path(path) => self.at(path)?.map(Cow::Borrowed),
            Operand::Size(path) => self.at(path)?.and_then(size).map(Cow::Owned),
            Operand::IfNotExists(path, default) => match self.at(path)? {
                Some(value) => Some(Cow::Borrowed(value)),
                None => self.value(default)?,
            },
            Operand::ListAppend(first, second) => {
                let list = |operand| {
                    let value = self.value(operand)?.ok_or_else(invalid)?;
                    let list = typed(&value).and_then(|(_, list)| list.as_array()).cloned();
                    list.ok_or_else(invalid)
                };
                let joined = [list(first)?, list(second)?].concat();
                Some(Cow::Owned(json!({"L": joined})))
            }
            Operand::Sum(left, right) | Operand::Difference(left, right) => {
                let is_minus = matches!(operand, Operand::Difference(..));
                let (left, right) =
                    (self.value(left)?.ok_or_else(invalid)?, self.value(right)?.ok_or_else(invalid)?);
                Some(Cow::Owned(add(&left, &right, is_minus).ok_or_else(invalid)?))
            }
        })
    }

    fn both(
        &self,
        left: &Operand,
        right: &Operand,
        passes: impl Fn(&Value, &Value) -> bool,
    ) -> Result<bool, Refusal> {
        Ok(match (self.value(left)?, self.value(right)?) {
            (Some(left), Some(right)) => passes(&left, &right),
            _ => false,
        })
    }
}
