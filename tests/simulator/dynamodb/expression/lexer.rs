//! The words of an expression.

use crate::refusal::Refusal;

/// A word of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, a keyword, or a placeholder with its `:` or `#`.
    Word(String),
    Symbol(&'static str),
}

const SYMBOLS: [&str; 12] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-", "."];

/// Takes an expression apart.
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, Refusal> {
    let (mut rest, mut found) = (expression.trim_start(), Vec::new());
    while let Some(first) = rest.chars().next() {
        let is_of_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if is_of_word(first) || first == ':' || first == '#' {
            let end = rest.char_indices().skip(1).find(|(_, character)| !is_of_word(*character));
            let (word, after) = rest.split_at(end.map_or(rest.len(), |(index, _)| index));
            found.push(Token::Word(word.to_owned()));
            rest = after.trim_start();
            continue;
        }
        let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
        let symbol = symbol.ok_or_else(|| Refusal::invalid(format!("'{rest}' of '{expression}'")))?;
        found.push(Token::Symbol(symbol));
        rest = rest[symbol.len()..].trim_start();
    }
    Ok(found)
}
