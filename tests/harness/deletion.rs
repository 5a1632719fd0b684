//! The end of a stack that a test has deployed.

use std::path::Path;

use serde_json::json;

use crate::aws;

/// Deletes a stack when nobody has it any more.
#[derive(Debug)]
pub(crate) struct Deletion {
    pub(crate) interpreter: &'static Path,
    pub(crate) endpoint_url: String,
    pub(crate) stack_name: String,
}

impl Drop for Deletion {
    fn drop(&mut self) {
        let arguments = json!({"StackName": self.stack_name});
        let call = json!({"service": "cloudformation", "operation": "delete_stack", "arguments": arguments});
        let (interpreter, endpoint_url) = (self.interpreter, std::mem::take(&mut self.endpoint_url));
        // Nobody waits for it. If it fails, the stack ends with the emulator.
        std::thread::spawn(move || aws::call_and_wait(interpreter, &endpoint_url, &call));
    }
}
