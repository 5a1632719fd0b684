//! Expressions: conditions, filters, key conditions and updates.
//!
//! [`parser`] reads them ("Expressions reference", Amazon DynamoDB Developer Guide), [`condition`]
//! and [`update`] carry them out on an item. What the stand-in does not know is refused, so a
//! simulation never goes on with a wrong result.

pub(super) mod condition;
mod lexer;
pub(super) mod parser;
pub(super) mod syntax;
pub(super) mod update;

#[cfg(test)]
mod tests;
