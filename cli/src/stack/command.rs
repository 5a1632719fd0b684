//! Commands of this program, as they are told to people.

/// A command for the stack with this name; without one, for the local stack.
pub fn command_for(stack: Option<&str>, command: &str) -> String {
    match stack {
        Some(stack) => format!("storehook --stack {stack} {command}"),
        None => format!("storehook {command}"),
    }
}
