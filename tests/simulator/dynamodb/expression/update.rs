//! Carrying updates out.

use serde_json::{Value, json};

use super::syntax::{Change, Path, Subject};
use crate::{
    dynamodb::value::{Item, add, typed},
    refusal::Refusal,
};

/// The item after these changes. Each sees the item as it was before all of them.
pub(in crate::dynamodb) fn updated(changes: &[Change], subject: &Subject<'_>) -> Result<Item, Refusal> {
    let invalid = || Refusal::invalid("an update's value is missing or has another type");
    let mut item = subject.item.clone();
    for change in changes {
        let (path, value) = match change {
            Change::Set(path, operand) => {
                (path, Some(subject.value(operand)?.ok_or_else(invalid)?.into_owned()))
            }
            Change::Remove(path) => (path, None),
            Change::Add(path, operand) => {
                let more = subject.value(operand)?.ok_or_else(invalid)?;
                let sum = match (subject.at(path)?, typed(&more)) {
                    (None, _) => Some(more.into_owned()),
                    (Some(value), Some(("N", _))) => add(value, &more, false),
                    (Some(value), _) => united(value, &more, true),
                };
                (path, Some(sum.ok_or_else(invalid)?))
            }
            Change::Delete(path, operand) => {
                let less = subject.value(operand)?.ok_or_else(invalid)?;
                (path, subject.at(path)?.and_then(|value| united(value, &less, false)))
            }
        };
        write(&mut item, path, value, subject)?;
    }
    Ok(item)
}

/// A set with the members of another one, or without them; `None` if it is empty then.
fn united(set: &Value, other: &Value, is_with: bool) -> Option<Value> {
    let ((set_type, set), (other_type, other)) = (typed(set)?, typed(other)?);
    let (set, other) = (set.as_array()?, other.as_array()?);
    let mut members: Vec<_> = set.iter().filter(|member| !other.contains(member)).cloned().collect();
    if is_with {
        members.extend(other.iter().cloned());
    }
    (set_type == other_type && !members.is_empty()).then(|| json!({set_type: members}))
}

/// Writes a value to a path, or removes what is there.
fn write(item: &mut Item, path: &Path, value: Option<Value>, subject: &Subject<'_>) -> Result<(), Refusal> {
    let Some((last, way)) = path.split_last() else { return Ok(()) };
    let mut map = item;
    for name in way {
        let inner = map.get_mut(subject.name(name)?.as_ref()).and_then(|value| value.get_mut("M"));
        let inner = inner.and_then(Value::as_object_mut);
        map = inner.ok_or_else(|| Refusal::invalid("the path of an update leads nowhere"))?;
    }
    let name = subject.name(last)?.into_owned();
    match value {
        Some(value) => map.insert(name, value),
        None => map.shift_remove(&name),
    };
    Ok(())
}
