//! The port that the emulator answers on.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use anyhow::{Context as _, Result, bail};

/// Where a kept state's port is noted.
const PORT_FILE: &str = "state/storehook-port";

/// The port if it is free, or a free one for 0.
pub(super) fn free_port(port: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("port {port} is taken: choose another with --port, or 0 for any"))?;
    Ok(listener.local_addr()?.port())
}

/// Notes the port of a state that is kept.
pub(super) fn keep_port(folder: &Path, port: u16) -> Result<()> {
    fs_err::create_dir_all(folder.join("state"))?;
    Ok(fs_err::write(folder.join(PORT_FILE), port.to_string())?)
}

/// The port of a kept state, or the one that is asked for where there is none: the state's queues are
/// known by URLs that hold it.
pub(super) fn kept_port(folder: &Path, port: u16) -> Result<u16> {
    let Ok(text) = fs_err::read_to_string(folder.join(PORT_FILE)) else { return Ok(port) };
    let kept: u16 = text.trim().parse().context("the kept state's port does not read")?;
    if ![0, kept].contains(&port) {
        bail!(
            "the kept state is of port {kept}: use --port {kept}, or remove {}",
            folder.join("state").display()
        );
    }
    Ok(kept)
}
