//! Expressions, on one item.

use serde_json::{Value, json};

use super::{parser, syntax::Subject, update::updated};
use crate::refusal::Refusal;

fn item() -> Value {
    json!({
        "version": {"N": "3"}, "state": {"S": "held"}, "tags": {"SS": ["a", "b"]}, "list": {"L": [{"N": "1"}]},
        "map": {"M": {"inner": {"N": "7"}}},
    })
}

fn names() -> Value {
    json!({"#v": "version", "#m": "map"})
}

fn values() -> Value {
    json!({
        ":three": {"N": "3.0"}, ":one": {"N": "1"}, ":nine": {"N": "9"}, ":held": {"S": "held"}, ":h": {"S": "h"},
        ":a": {"S": "a"}, ":set": {"SS": ["b", "c"]}, ":list": {"L": [{"N": "2"}]},
    })
}

#[test]
fn conditions_hold_as_dynamodb_has_them() -> Result<(), Refusal> {
    for (expression, is_met) in [
        ("version = :three", true),
        ("#v <> :three", false),
        ("missing <> :three", true),
        ("missing = :three", false),
        ("missing < :three OR attribute_not_exists(missing)", true),
        ("version < :nine AND version > :one", true),
        ("version <= :three and version >= :three", true),
        ("version BETWEEN :one AND :nine AND state = :held", true),
        ("version BETWEEN :nine AND :one", false),
        ("state IN (:a, :held)", true),
        ("state IN (:a)", false),
        ("state = :three", false),
        ("NOT state = :held", false),
        ("NOT (state = :held AND version = :one)", true),
        ("state = :a OR state = :held AND version = :three", true),
        ("(state = :a OR state = :held) AND version = :one", false),
        ("begins_with(state, :h)", true),
        ("contains(tags, :a)", true),
        ("contains(tags, :h)", false),
        ("size(state) > :three", true),
        ("#m.inner > :three", true),
        ("attribute_exists(map.inner)", true),
        ("attribute_exists(map.other)", false),
    ] {
        let (item, names, values) = (item(), names(), values());
        let item = item.as_object().ok_or_else(|| Refusal::invalid("no item"))?;
        let subject = Subject { item, names: &names, values: &values };
        assert_eq!(parser::condition(expression)?.is_met(&subject)?, is_met, "{expression}");
    }
    Ok(())
}

#[test]
fn updates_change_what_they_name() -> Result<(), Refusal> {
    for (expression, name, after) in [
        ("SET version = version + :one", "version", json!({"N": "4"})),
        ("SET version = #v - :one, state = :a", "version", json!({"N": "2"})),
        ("set state = :a", "state", json!({"S": "a"})),
        ("SET missing = if_not_exists(missing, :one)", "missing", json!({"N": "1"})),
        ("SET missing = if_not_exists(missing, :one) + :nine", "missing", json!({"N": "10"})),
        ("SET version = if_not_exists(version, :one)", "version", json!({"N": "3"})),
        ("SET list = list_append(list, :list)", "list", json!({"L": [{"N": "1"}, {"N": "2"}]})),
        ("SET #m.inner = :one", "map", json!({"M": {"inner": {"N": "1"}}})),
        ("ADD version :nine", "version", json!({"N": "12"})),
        ("ADD missing :nine SET state = :a", "missing", json!({"N": "9"})),
        ("ADD tags :set", "tags", json!({"SS": ["a", "b", "c"]})),
        ("DELETE tags :set", "tags", json!({"SS": ["a"]})),
        ("REMOVE state, tags SET version = :one", "state", Value::Null),
    ] {
        let (item, names, values) = (item(), names(), values());
        let item = item.as_object().ok_or_else(|| Refusal::invalid("no item"))?;
        let subject = Subject { item, names: &names, values: &values };
        let changed = updated(&parser::update(expression)?, &subject)?;
        assert_eq!(changed.get(name).cloned().unwrap_or_default(), after, "{expression}");
    }
    Ok(())
}

#[test]
fn unknown_expressions_are_refused() {
    for expression in
        ["", "version", "version ==", "attribute_type(version, :one)", "version = :one AND", "a[0] = :one"]
    {
        assert!(parser::condition(expression).is_err(), "{expression}");
    }
    for expression in ["version = :one", "SET version", "SET version = :one,", "PUT version :one"] {
        assert!(parser::update(expression).is_err(), "{expression}");
    }
}
