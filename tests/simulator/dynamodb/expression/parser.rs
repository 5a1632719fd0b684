//! Reading expressions.

use std::{iter::Peekable, vec::IntoIter};

use super::{
    lexer::{Token, tokens},
    syntax::{Change, Comparator, Condition, Operand, Path},
};
use crate::refusal::Refusal;

/// Reads a condition.
pub(in crate::dynamodb) fn condition(expression: &str) -> Result<Condition, Refusal> {
    let mut parser = Parser::of(expression)?;
    let condition = parser.either()?;
    parser.end()?;
    Ok(condition)
}

/// Reads an update.
pub(in crate::dynamodb) fn update(expression: &str) -> Result<Vec<Change>, Refusal> {
    let mut parser = Parser::of(expression)?;
    let mut changes = Vec::new();
    while let Some(Token::Word(clause)) = parser.tokens.next() {
        loop {
            let path = parser.path()?;
            changes.push(match clause.to_ascii_uppercase().as_str() {
                "SET" => {
                    parser.symbol("=")?;
                    Change::Set(path, parser.sum()?)
                }
                "REMOVE" => Change::Remove(path),
                "ADD" => Change::Add(path, parser.operand()?),
                "DELETE" => Change::Delete(path, parser.operand()?),
                _ => return Err(parser.refusal()),
            });
            if !parser.takes(",") {
                break;
            }
        }
    }
    parser.end()?;
    Ok(changes)
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    expression: String,
}

impl Parser {
    fn of(expression: &str) -> Result<Self, Refusal> {
        let tokens = tokens(expression)?.into_iter().peekable();
        Ok(Self { tokens, expression: expression.to_owned() })
    }

    fn refusal(&self) -> Refusal {
        Refusal::invalid(format!("the stand-in cannot read '{}'", self.expression))
    }

    fn end(&mut self) -> Result<(), Refusal> {
        self.tokens.peek().is_none().then_some(()).ok_or_else(|| self.refusal())
    }

    fn takes(&mut self, symbol: &'static str) -> bool {
        self.tokens.next_if_eq(&Token::Symbol(symbol)).is_some()
    }

    fn symbol(&mut self, symbol: &'static str) -> Result<(), Refusal> {
        self.takes(symbol).then_some(()).ok_or_else(|| self.refusal())
    }

    fn takes_word(&mut self, keyword: &str) -> bool {
        let is_it = |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.tokens.next_if(is_it).is_some()
    }

    fn either(&mut self) -> Result<Condition, Refusal> {
        let mut left = self.both()?;
        while self.takes_word("OR") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Condition, Refusal> {
        let mut left = self.single()?;
        while self.takes_word("AND") {
            left = Condition::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Condition, Refusal> {
        if self.takes_word("NOT") {
            return Ok(Condition::Not(Box::new(self.single()?)));
        }
        if self.takes("(") {
            let inner = self.either()?;
            self.symbol(")")?;
            return Ok(inner);
        }
        for (name, exists) in [("attribute_exists", true), ("attribute_not_exists", false)] {
            if self.takes_word(name) {
                self.symbol("(")?;
                let path = self.path()?;
                self.symbol(")")?;
                return Ok(Condition::Exists(path, exists));
            }
        }
        for name in ["begins_with", "contains"] {
            if self.takes_word(name) {
                let (value, part) = self.pair()?;
                return Ok(match name {
                    "contains" => Condition::Contains(value, part),
                    _ => Condition::BeginsWith(value, part),
                });
            }
        }
        let left = self.operand()?;
        if self.takes_word("BETWEEN") {
            let low = self.operand()?;
            if !self.takes_word("AND") {
                return Err(self.refusal());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        if self.takes_word("IN") {
            self.symbol("(")?;
            let mut values = vec![self.operand()?];
            while self.takes(",") {
                values.push(self.operand()?);
            }
            self.symbol(")")?;
            return Ok(Condition::In(left, values));
        }
        let comparators = [
            ("=", Comparator::Equal),
            ("<>", Comparator::Unequal),
            ("<", Comparator::Less),
            ("<=", Comparator::LessOrEqual),
            (">", Comparator::Greater),
            (">=", Comparator::GreaterOrEqual),
        ];
        let comparator = comparators.into_iter().find(|(symbol, _)| self.takes(symbol));
        let (_, comparator) = comparator.ok_or_else(|| self.refusal())?;
        Ok(Condition::Compare(left, comparator, self.operand()?))
    }

    fn pair(&mut self) -> Result<(Operand, Operand), Refusal> {
        self.symbol("(")?;
        let first = self.operand()?;
        self.symbol(",")?;
        let second = self.operand()?;
        self.symbol(")")?;
        Ok((first, second))
    }

    fn sum(&mut self) -> Result<Operand, Refusal> {
        let left = self.operand()?;
        if self.takes("+") {
            return Ok(Operand::Sum(Box::new(left), Box::new(self.operand()?)));
        }
        if self.takes("-") {
            return Ok(Operand::Difference(Box::new(left), Box::new(self.operand()?)));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Operand, Refusal> {
        if self.takes("(") {
            let inner = self.sum()?;
            self.symbol(")")?;
            return Ok(inner);
        }
        if self.takes_word("size") {
            self.symbol("(")?;
            let path = self.path()?;
            self.symbol(")")?;
            return Ok(Operand::Size(path));
        }
        if self.takes_word("if_not_exists") {
            let (path, default) = self.pair()?;
            return match path {
                Operand::Path(path) => Ok(Operand::IfNotExists(path, Box::new(default))),
                _ => Err(self.refusal()),
            };
        }
        if self.takes_word("list_append") {
            let (first, second) = self.pair()?;
            return Ok(Operand::ListAppend(Box::new(first), Box::new(second)));
        }
        let value = self.tokens.next_if(|token| matches!(token, Token::Word(word) if word.starts_with(':')));
        match value {
            Some(Token::Word(name)) => Ok(Operand::Value(name)),
            _ => self.path().map(Operand::Path),
        }
    }

    fn path(&mut self) -> Result<Path, Refusal> {
        let mut path = Vec::new();
        loop {
            match self.tokens.next() {
                Some(Token::Word(name)) if !name.starts_with(':') => path.push(name),
                _ => return Err(self.refusal()),
            }
            if !self.takes(".") {
                return Ok(path);
            }
        }
    }
}
