//! What expressions say.

use std::{cmp::Ordering, sync::Arc};

use serde_json::Value;

use crate::dynamodb::value::Item;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::dynamodb) enum Condition {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare(Operand, Comparator, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path, bool),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
}

/// A comparison of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dynamodb) enum Comparator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    /// Whether two values in this order pass.
    pub(in crate::dynamodb) fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// The way to a value: the name of an attribute, and of members of maps in it.
pub(in crate::dynamodb) type Path = Vec<String>;

/// What has a value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::dynamodb) enum Operand {
    /// A placeholder, such as `:version`.
    Value(String),
    Path(Path),
    Size(Path),
    IfNotExists(Path, Box<Self>),
    ListAppend(Box<Self>, Box<Self>),
    Sum(Box<Self>, Box<Self>),
    Difference(Box<Self>, Box<Self>),
}

/// A change of an item.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::dynamodb) enum Change {
    Set(Path, Operand),
    Remove(Path),
    Add(Path, Operand),
    Delete(Path, Operand),
}

/// The item that an expression is about, and what its placeholders stand for.
pub(in crate::dynamodb) struct Subject<'a> {
    pub(in crate::dynamodb) item: &'a Item,
    pub(in crate::dynamodb) names: &'a Value,
    pub(in crate::dynamodb) values: &'a Value,
}

/// A parsed expression, shared by all calls that have it.
pub(in crate::dynamodb) type Shared<T> = Arc<T>;
