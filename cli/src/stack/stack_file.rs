//! `stack.json`: what any tool needs to drive the local stack.
//!
//! The stack writes the file when it is ready and removes it when it stops. So if the file exists,
//! the stack is ready, unless its process was killed; [`lock`](super::lock) tells.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use storehook_domain::installation::{app::AppId, secret::SharedSecret, shop::ShopDomain};

/// What a tool needs to know about the running local stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackFile {
    /// The URL of every emulated AWS service.
    pub endpoint_url: String,
    /// The admin API's URL.
    pub api_url: String,
    /// The control panel's URL.
    pub panel_url: String,
    /// The demo shop.
    pub shop: ShopDomain,
    /// The demo app, installed on the demo shop.
    pub app: AppId,
    /// Its access token.
    pub token: String,
    /// The secret that signs its deliveries.
    pub shared_secret: SharedSecret,
    /// The event stream.
    pub stream_name: String,
    /// The queues' URLs.
    pub queues: Queues,
    /// The tables' names.
    pub tables: Tables,
    /// The functions' names.
    pub functions: Functions,
    /// The emulated region.
    pub region: String,
    /// The process that runs the stack.
    pub pid: u32,
}

/// The queues' URLs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Queues {
    /// First attempts.
    pub delivery: String,
    /// Slow retries.
    pub retry: String,
    /// Dead letters: exhausted deliveries.
    pub dead_letter: String,
    /// Rejected records.
    pub rejected: String,
}

/// The tables' names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tables {
    /// Installations and webhooks.
    pub registry: String,
    /// Events and deliveries.
    pub history: String,
}

/// The functions' names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Functions {
    /// The admin API.
    pub admin_api: String,
    /// The fan-out.
    pub fan_out: String,
    /// The delivery.
    pub delivery: String,
}

impl StackFile {
    /// Reads the file of the local stack in this folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let text = fs_err::read(path_in(folder))?;
        serde_json::from_slice(&text)
            .context("stack.json is malformed: stop the local stack and start it again")
    }

    /// Writes the file in one step: a reader sees all of it or nothing.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let partial = folder.join("stack.json.partial");
        fs_err::write(&partial, serde_json::to_vec_pretty(self)?)?;
        Ok(fs_err::rename(partial, path_in(folder))?)
    }

    /// Removes the file, if it is there.
    pub fn remove(folder: &Path) -> Result<()> {
        match fs_err::remove_file(path_in(folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => Ok(result?),
        }
    }
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join("stack.json")
}
