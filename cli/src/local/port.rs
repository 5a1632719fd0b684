//! The emulator's port.
//!
//! A kept state holds the URLs of its queues, and these contain the port. So the port is kept with
//! the state.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use anyhow::{Context as _, Result, bail};

use crate::socket;

/// The file with the port of a kept state.
const PORT_FILE: &str = "state/storehook-port";

/// This port if it is free; for 0, any free one.
pub(super) fn free_port(port: u16) -> Result<u16> {
    let listener = socket::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(listener.local_addr()?.port())
}

/// Notes the port of a state that is kept.
pub(super) fn keep_port(folder: &Path, port: u16) -> Result<()> {
    fs_err::create_dir_all(folder.join("state"))?;
    Ok(fs_err::write(folder.join(PORT_FILE), port.to_string())?)
}

/// The port of the kept state; without a kept state, this port.
pub(super) fn kept_port(folder: &Path, port: u16) -> Result<u16> {
    let Ok(text) = fs_err::read_to_string(folder.join(PORT_FILE)) else { return Ok(port) };
    let kept: u16 = text.trim().parse().context("the file with the kept state's port is malformed")?;
    if ![0, kept].contains(&port) {
        bail!(
            "the kept state belongs to port {kept}: use --port {kept}, or remove {}",
            folder.join("state").display()
        );
    }
    Ok(kept)
}
