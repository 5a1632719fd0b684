//! Expressions of alarms: the part of CloudWatch's metric math that the template uses.
//!
//! A value is a number or a series, with a point or none for each period. As the Amazon CloudWatch
//! User Guide says in "Using math expressions with CloudWatch metrics": a point that only one of two
//! series has is 0 in the other; a comparison is 1 or 0; `IF` has no point where its condition has none.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};

/// The value of each period, the latest last.
pub(super) type Series = Vec<Option<f64>>;

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Number(f64),
    Metric(String),
    Operation(Box<Part>, String, Box<Part>),
    If(Box<[Part; 3]>),
}

/// The value of a part.
#[derive(Debug, Clone)]
enum Value {
    Number(f64),
    Series(Series),
}

/// The operators, the loosest first.
const OPERATORS: [&[&str]; 4] =
    [&["AND", "OR"], &["<=", ">=", "==", "!=", "<", ">"], &["+", "-"], &["*", "/"]];

/// Computes an expression of these series, which have one period for each place.
pub(super) fn compute(expression: &str, series: &BTreeMap<String, Series>) -> Result<Series> {
    let words = words(expression)?;
    let mut rest = words.as_slice();
    let part = parse(&mut rest, 0)?;
    ensure!(rest.is_empty(), "{expression}: {rest:?} is too much");
    match value_of(&part, series)? {
        Value::Series(series) => Ok(series),
        Value::Number(_) => bail!("{expression} is a number, and an alarm needs a series"),
    }
}

/// The numbers, names and signs of an expression.
fn words(expression: &str) -> Result<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut is_joined = false;
    for c in expression.chars() {
        let is_word = c.is_ascii_alphanumeric() || "._".contains(c);
        let joins_sign =
            c == '=' && words.last().is_some_and(|last| ["<", ">", "=", "!"].contains(&last.as_str()));
        match words.last_mut() {
            _ if c == ' ' => {}
            Some(last) if is_joined && (is_word || joins_sign) => last.push(c),
            _ if is_word || "()+-*/<>=!,".contains(c) => words.push(c.to_string()),
            _ => bail!("{expression} has a {c}"),
        }
        is_joined = is_word || "<>=!".contains(c);
    }
    Ok(words)
}

fn take(rest: &mut &[String], word: &str) -> Result<()> {
    let (first, others) = rest.split_first().with_context(|| format!("no {word}"))?;
    ensure!(first == word, "{first} in the place of {word}");
    *rest = others;
    Ok(())
}

/// Reads operations of this level and those that bind tighter.
fn parse(rest: &mut &[String], level: usize) -> Result<Part> {
    let Some(operators) = OPERATORS.get(level) else { return parse_one(rest) };
    let mut left = parse(rest, level + 1)?;
    while let Some(operator) = rest.first().filter(|word| operators.contains(&word.as_str())).cloned() {
        take(rest, &operator)?;
        let right = parse(rest, level + 1)?;
        left = Part::Operation(Box::new(left), operator, Box::new(right));
    }
    Ok(left)
}

fn parse_one(rest: &mut &[String]) -> Result<Part> {
    let (first, others) = rest.split_first().context("an expression ends too early")?;
    *rest = others;
    match first.as_str() {
        "(" => {
            let part = parse(rest, 0)?;
            take(rest, ")")?;
            Ok(part)
        }
        "IF" => {
            take(rest, "(")?;
            let condition = parse(rest, 0)?;
            take(rest, ",")?;
            let then = parse(rest, 0)?;
            take(rest, ",")?;
            let otherwise = parse(rest, 0)?;
            take(rest, ")")?;
            Ok(Part::If(Box::new([condition, then, otherwise])))
        }
        word => Ok(word.parse().map(Part::Number).unwrap_or_else(|_| Part::Metric(word.to_owned()))),
    }
}

fn value_of(part: &Part, series: &BTreeMap<String, Series>) -> Result<Value> {
    Ok(match part {
        Part::Number(number) => Value::Number(*number),
        Part::Metric(id) => Value::Series(series.get(id).with_context(|| format!("no metric {id}"))?.clone()),
        Part::Operation(left, operator, right) => {
            let operate = operation(operator)?;
            match (value_of(left, series)?, value_of(right, series)?) {
                (Value::Number(left), Value::Number(right)) => Value::Number(operate(left, right)),
                (Value::Series(left), Value::Number(right)) => {
                    Value::Series(left.iter().map(|left| Some(operate((*left)?, right))).collect())
                }
                (Value::Number(left), Value::Series(right)) => {
                    Value::Series(right.iter().map(|right| Some(operate(left, (*right)?))).collect())
                }
                (Value::Series(left), Value::Series(right)) => {
                    let both = |(left, right): (&Option<f64>, &Option<f64>)| match (left, right) {
                        (None, None) => None,
                        (left, right) => Some(operate(left.unwrap_or(0.0), right.unwrap_or(0.0))),
                    };
                    Value::Series(left.iter().zip(&right).map(both).collect())
                }
            }
        }
        Part::If(parts) => {
            let [condition, then, otherwise] = parts.as_ref();
            let Value::Series(condition) = value_of(condition, series)? else {
                bail!("a condition is a number")
            };
            let (then, otherwise) = (value_of(then, series)?, value_of(otherwise, series)?);
            let at = |value: &Value, place: usize| match value {
                Value::Number(number) => Some(*number),
                Value::Series(series) => series[place],
            };
            let chosen = condition.iter().enumerate().map(|(place, is_true)| match is_true {
                None => None,
                Some(0.0) => at(&otherwise, place),
                // A true condition without a value is 0.
                Some(_) => Some(at(&then, place).unwrap_or(0.0)),
            });
            Value::Series(chosen.collect())
        }
    })
}

fn operation(operator: &str) -> Result<fn(f64, f64) -> f64> {
    Ok(match operator {
        "+" => |a, b| a + b,
        "-" => |a, b| a - b,
        "*" => |a, b| a * b,
        "/" => |a, b| a / b,
        "<" => |a, b| f64::from(a < b),
        ">" => |a, b| f64::from(a > b),
        "<=" => |a, b| f64::from(a <= b),
        ">=" => |a, b| f64::from(a >= b),
        "==" => |a, b| f64::from(a == b),
        "!=" => |a, b| f64::from(a != b),
        "AND" => |a, b| f64::from(a != 0.0 && b != 0.0),
        "OR" => |a, b| f64::from(a != 0.0 || b != 0.0),
        _ => bail!("no operator {operator}"),
    })
}

/// The examples of the User Guide, and a few more.
#[test]
fn expressions_are_computed_as_cloudwatch_documents_them() -> Result<()> {
    let x = |text: &str| -> Series { text.split(' ').map(|point| point.parse().ok()).collect() };
    for (expression, a, b, expected) in [
        ("(a < b)", "30 20 0 0", "20 - 20 -", "0 0 1 0"),
        ("(a >= 30)", "30 20 0 0", "- - - -", "1 0 0 0"),
        ("(a > 15 AND b > 15)", "30 20 0 0", "20 - 20 -", "1 0 0 0"),
        ("a > 15 OR b > 15", "30 20 0 0", "20 - 20 -", "1 1 1 0"),
        ("IF(a, b, 5)", "1 1 0 0 -", "30 - 0 0 30", "30 0 5 5 -"),
        ("IF(a, 5, b)", "1 1 0 0 -", "0 0 20 - 20", "5 5 20 - -"),
        ("a + b * 2 - 1", "1 - 3 -", "10 20 - -", "20 39 2 -"),
        ("(a + b) * 2", "1 2", "3 4", "8 12"),
        ("1 - a / 2", "4 -", "- -", "-1 -"),
        ("a != 1.5", "1.5 2", "- -", "0 1"),
    ] {
        let series = [("a".to_owned(), x(a)), ("b".to_owned(), x(b))].into();
        assert_eq!(compute(expression, &series)?, x(expected), "{expression}");
    }
    for wrong in ["", "a +", "(a", "a b", "FILL(a, 0)", "c", "1 + 1", "a # b"] {
        let series = [("a".to_owned(), x("1"))].into();
        assert!(compute(wrong, &series).is_err(), "{wrong}");
    }
    Ok(())
}
