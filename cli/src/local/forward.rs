//! `--bind`: another address that leads to the emulator.
//!
//! The emulator stays on loopback, where the stack's own URLs lead. Each connection to the other
//! address is passed on, byte for byte. A connection beyond [`CONNECTIONS`] waits until one ends.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::say::say;
use crate::socket;

/// How many connections are passed on at the same time.
const CONNECTIONS: usize = 256;

/// Listens on this address, at the emulator's port.
///
/// # Errors
///
/// The address cannot be had.
pub(super) fn listen(address: Ipv4Addr, port: u16) -> Result<TcpListener> {
    let listener = socket::listen(SocketAddr::from((address, port)))?;
    listener.set_nonblocking(true)?;
    say(&format!(
        "whoever reaches {address}:{port} can run programs on this machine, as you: the emulator's keys are public"
    ));
    Ok(TcpListener::from_std(listener)?)
}

/// Passes connections on to the emulator at this port of loopback. It ends when it is dropped.
pub(super) async fn run(listener: TcpListener, port: u16) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    // The semaphore is never closed.
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        let Ok((mut caller, _)) = listener.accept().await else {
            // Too many open files, for example: some will be closed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        connections.spawn(async move {
            let _slot = slot;
            if let Ok(mut emulator) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                // Either side may break off, and then both are closed.
                _ = copy_bidirectional(&mut caller, &mut emulator).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_comes_to_the_other_address_reaches_the_emulator_and_back() -> Result<()> {
        let emulator = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = emulator.local_addr()?.port();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let forwarded = tokio::spawn(run(listener, port));
        for _ in 0..2 {
            let mut caller = TcpStream::connect(address).await?;
            caller.write_all(b"ping").await?;
            caller.shutdown().await?;
            let (mut reached, _) = emulator.accept().await?;
            let mut request = String::new();
            reached.read_to_string(&mut request).await?;
            reached.write_all(b"pong").await?;
            drop(reached);
            let mut response = String::new();
            caller.read_to_string(&mut response).await?;
            assert_eq!((request.as_str(), response.as_str()), ("ping", "pong"));
        }
        forwarded.abort();
        Ok(())
    }
}
