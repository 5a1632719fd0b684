//! The code of a source file, without its comments, texts and tests.
//!
//! Comments, texts and `#[cfg(test)]` items are taken out first. What is left names modules in
//! three ways: `mod` declarations, `use` trees and paths in the code. No macro is expanded.

/// Code without its comments, its texts and its `#[cfg(test)]` items.
#[derive(Debug)]
pub(super) struct Source {
    code: String,
}

impl Source {
    pub(super) fn parse(text: &str) -> Self {
        let code = without_tests(&without_texts(text));
        // What an item's visibility names is no use of it.
        let mut rest = code.as_str();
        let mut kept = String::new();
        while let Some(start) = rest.find("pub(") {
            kept.push_str(&rest[..start]);
            rest = rest[start..].split_once(')').map_or("", |(_, after)| after);
        }
        kept.push_str(rest);
        Self { code: kept }
    }

    /// The modules that it declares and that have files of their own.
    pub(super) fn declared_modules(&self) -> Vec<&str> {
        let tokens: Vec<_> = tokens(&self.code).collect();
        let declared = tokens.windows(3).filter(|window| window[0] == "mod" && window[2] == ";");
        declared.map(|window| window[1]).collect()
    }

    /// Each name that a `use` brings in: its whole path, and the name that it has here.
    pub(super) fn uses(&self) -> Vec<(Vec<&str>, &str)> {
        let tokens: Vec<_> = tokens(&self.code).collect();
        let mut uses = Vec::new();
        for (start, _) in tokens.iter().enumerate().filter(|(_, token)| **token == "use") {
            let end = tokens[start..].iter().position(|token| *token == ";").unwrap_or(0);
            flatten(&mut tokens[start + 1..start + end.max(1)].iter().copied(), &[], &mut uses);
        }
        uses
    }

    /// Each path in the code, but for those of `use` lines.
    pub(super) fn paths(&self) -> Vec<Vec<&str>> {
        let mut paths: Vec<Vec<&str>> = Vec::new();
        let (mut is_joined, mut is_use) = (false, false);
        for token in tokens(&self.code) {
            is_use = token == "use" || (is_use && token != ";");
            match (token, is_name(token)) {
                _ if is_use => {}
                ("::", _) => is_joined = true,
                (name, true) => {
                    match paths.last_mut() {
                        Some(path) if is_joined => path.push(name),
                        _ => paths.push(vec![name]),
                    }
                    is_joined = false;
                }
                _ => {
                    // A name after this begins a path of its own; `<T>::name` is none.
                    paths.push(Vec::new());
                    is_joined = false;
                }
            }
        }
        paths.retain(|path| path.len() > 1);
        paths
    }
}

/// Reads one `use` tree, after what stands before it.
fn flatten<'a>(
    tokens: &mut impl Iterator<Item = &'a str>,
    before: &[&'a str],
    uses: &mut Vec<(Vec<&'a str>, &'a str)>,
) {
    let (mut path, mut name) = (before.to_vec(), None);
    while let Some(token) = tokens.next() {
        match token {
            "::" => {}
            "as" => name = tokens.next(),
            "{" => {
                flatten(tokens, &path, uses);
                path.clear();
            }
            "," | "}" => {
                if path.len() > before.len() {
                    uses.extend(path.last().map(|last| (path.clone(), name.unwrap_or(last))));
                }
                if token == "}" {
                    return;
                }
                (path, name) = (before.to_vec(), None);
            }
            "self" if !before.is_empty() && path.len() == before.len() => {
                // `module::{self}` is the module.
                uses.extend(path.last().map(|last| (path.clone(), *last)));
            }
            segment => path.push(segment),
        }
    }
    if path.len() > before.len() {
        uses.extend(path.last().map(|last| (path.clone(), name.unwrap_or(last))));
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, `::`, and every other character by itself.
fn tokens(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = code;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let is_part_of_name = |part: char| part.is_alphanumeric() || part == '_';
        let length = if rest.starts_with("::") {
            2
        } else {
            let name = rest.find(|part| !is_part_of_name(part)).unwrap_or(rest.len());
            if name > 0 { name } else { rest.chars().next()?.len_utf8() }
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        (!token.is_empty()).then_some(token)
    })
}

/// Code with its comments gone and its texts empty.
fn without_texts(text: &str) -> String {
    let (mut code, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_text(rest).filter(|_| !code.ends_with(is_word)) {
            code.push_str("\"\"");
            length
        } else if first == '"' {
            code.push_str("\"\"");
            quoted(rest, '"')
        } else if first == '\'' && is_character(rest) {
            code.push_str("''");
            quoted(rest, '\'')
        } else {
            code.push(first);
            first.len_utf8()
        };
        rest = &rest[skipped..];
    }
    code
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The length of the raw text that this begins with: `r"…"`, `br#"…"#`.
fn raw_text(code: &str) -> Option<usize> {
    let after = code.strip_prefix("br").or_else(|| code.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let text = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = code.len() - text.len();
    Some(text.find(&end).map_or(code.len(), |place| start + place + end.len()))
}

/// The length of a text or character, with its quotes.
fn quoted(code: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (place, character) in code.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return place + 1,
            _ => {}
        }
    }
    code.len()
}

/// Whether a quote begins a character, and not a lifetime.
fn is_character(code: &str) -> bool {
    let mut after = code.chars().skip(1);
    after.next() == Some('\\') || after.next() == Some('\'')
}

/// Code without the items that are compiled for tests alone.
fn without_tests(code: &str) -> String {
    const TEST: &str = "#[cfg(test)]";
    let (mut kept, mut rest) = (String::new(), code);
    while let Some((before, item)) = rest.split_once(TEST) {
        kept.push_str(before);
        rest = &item[item_length(item)..];
    }
    kept.push_str(rest);
    kept
}

/// The length of the item that this begins with: to its `;`, or to the end of its braces.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    let is_use = tokens(code).find(|token| is_name(token) && *token != "pub") == Some("use");
    for (place, character) in code.char_indices() {
        match character {
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && character == '}' && !is_use {
                    return place + 1;
                }
            }
            ';' if depth == 0 => return place + 1,
            _ => {}
        }
    }
    code.len()
}
